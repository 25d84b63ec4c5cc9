/** A bridge of the embedded `Switch` as OpenFlow needs it. */
import { createFlow, extractFlow, type Match, W_IN_PORT } from '../flow/index.ts';
import type { NetdevStats } from '../netdev/index.ts';
import type { Bridge, BridgePort, PortConfig, TableMiss } from '../ofproto/index.ts';
import {
  type FlowMod,
  type GroupMod,
  inPortOf,
  type MeterMod,
  type MeterStatistics,
  type OpenFlowAction,
} from '../openflow/index.ts';
import type { Switch } from '../switch/index.ts';
import { Packet } from '../wire/index.ts';
import type { OpenFlowBridge, OpenFlowDescription, OpenFlowPortDetails } from './openflow-bridge.ts';

const DESCRIPTION: OpenFlowDescription = {
  manufacturer: 'Nicira, Inc.',
  hardware: 'Open vSwitch',
  software: '3.1.0',
  serialNumber: 'None',
  datapath: 'None',
};
/** of a port without a device: a patch port */
const NO_ADDRESS = new Uint8Array(6);
const MAX_REVALIDATION_ROUNDS = 4;

export interface SwitchBridgeOptions {
  readonly datapathId: bigint;
  readonly description?: Partial<OpenFlowDescription>;
}

export class SwitchBridge implements OpenFlowBridge {
  readonly bridge: Bridge;
  readonly datapathId: bigint;
  readonly description: OpenFlowDescription;
  readonly #switch: Switch;
  /** when each port was seen first */
  readonly #created: WeakMap<BridgePort, number> = new WeakMap();

  /** `name` is a bridge of the switch. Throws `Error` when there is none. */
  constructor(owner: Switch, name: string, { datapathId, description }: SwitchBridgeOptions) {
    const bridge = owner.pipeline.bridges.get(name);
    if (bridge === undefined) {
      throw new Error(`no bridge named ${name}`);
    }
    this.#switch = owner;
    this.bridge = bridge;
    this.datapathId = datapathId;
    this.description = { ...DESCRIPTION, ...description };
    for (const port of bridge.ports.values()) {
      this.#createdMs(port);
    }
  }

  get nowMs(): number {
    return this.#switch.nowMs;
  }

  applyFlowMods(mods: Iterable<FlowMod>): void {
    this.#switch.addFlows(mods, this.bridge.name);
  }

  applyGroupMod(mod: GroupMod): void {
    const { name } = this.bridge;
    switch (mod.command) {
      case 'add':
        this.#switch.addGroup(mod, name);
        break;
      case 'modify':
      case 'add_or_modify':
        this.#switch.modifyGroup(mod, { mayCreate: mod.command === 'add_or_modify', bridge: name });
        break;
      case 'insert_buckets':
        this.#switch.insertBuckets(mod, name);
        break;
      case 'remove_buckets':
        this.#switch.removeBuckets(mod, name);
        break;
      case 'delete':
        this.#switch.deleteGroups(mod, name);
        break;
    }
  }

  applyMeterMod(mod: MeterMod): void {
    const { name } = this.bridge;
    switch (mod.command) {
      case 'add':
        this.#switch.addMeter(mod, name);
        break;
      case 'modify':
        this.#switch.modifyMeter(mod, name);
        break;
      case 'delete':
        this.#switch.deleteMeters(mod, name);
        break;
    }
  }

  creditStatistics(): void {
    const { udpif } = this.#switch;
    for (let round = 0; round < MAX_REVALIDATION_ROUNDS; round++) {
      udpif.revalidate(this.nowMs);
      if (!udpif.needsRevalidation) {
        return;
      }
    }
  }

  meterStatistics(): MeterStatistics[] {
    return this.#switch.meterStats(this.bridge.name);
  }

  packetOut(frame: Uint8Array, actions: readonly OpenFlowAction[], metadata: Match): void {
    const packet = Packet.from(frame);
    const flow = createFlow();
    extractFlow(packet, flow);
    for (const [word, mask] of metadata.masks.entries()) {
      if (mask !== 0) {
        flow[word] = (flow[word]! & ~mask) | (metadata.values[word]! & mask);
      }
    }
    const inPort = inPortOf(metadata);
    flow[W_IN_PORT] = inPort;
    const { pipeline, udpif } = this.#switch;
    const translation = pipeline.translate({ bridge: this.bridge, flow, actions });
    flow[W_IN_PORT] = Math.max(0, this.bridge.ports.get(inPort)?.datapathPort ?? 0);
    udpif.executeTranslation(packet, flow, translation, this.nowMs);
    this.#switch.tend();
    this.#switch.poll();
  }

  portDetails(port: BridgePort): OpenFlowPortDetails {
    const device = this.#switch.ports.find(({ name }) => name === port.name)?.netdev;
    return {
      etherAddress: device?.etherAddress ?? NO_ADDRESS,
      stats: device?.stats ?? patchStatistics(port),
      createdMs: this.#createdMs(port),
    };
  }

  configurePort(port: BridgePort, config: Partial<PortConfig>): void {
    this.#switch.setPort(port.name, { config });
  }

  configureTable(table: number, miss: TableMiss): void {
    this.#switch.setTable(table, { miss }, this.bridge.name);
  }

  #createdMs(port: BridgePort): number {
    const createdMs = this.#created.get(port) ?? this.nowMs;
    this.#created.set(port, createdMs);
    return createdMs;
  }
}

function patchStatistics({ patchStats }: BridgePort): NetdevStats {
  return { ...patchStats, rxDropped: 0, rxErrors: 0, txDropped: 0, txErrors: 0 };
}
