/**
 * The provider of the userspace datapath: flow table and packet loop of this process.
 */
import {
  createFlowStatsSum,
  createFlowTable,
  type DatapathCounters,
  type DatapathPort,
  type FlowStatsSum,
  type FlowTable,
  type MeterConfig,
  type MeterStats,
  serialiseFlow,
  type Upcall,
  UserspaceDatapath,
} from '../datapath/index.ts';
import type { FlowWords } from '../flow/index.ts';
import type { Packet } from '../wire/index.ts';
import {
  DPIF_EXISTS,
  DPIF_FULL,
  type Dpif,
  type DpifDump,
  type DpifFlow,
  type DpifFlowStats,
  type DpifPort,
  type DpifStats,
} from './dpif.ts';

export interface UserspaceDpifOptions {
  readonly name?: string;
  /** how megaflows are found; default the tree */
  readonly lookup?: 'tree' | 'masks';
  /** megaflows that fit; default 200,000 */
  readonly maxFlows?: number;
  /** entries of the mask cache, 0 = off; only the mask list uses it */
  readonly maskCacheSize?: number;
  /** upcalls that wait at most */
  readonly upcallLimit?: number;
  readonly seed: number;
}

export class UserspaceDpif implements Dpif {
  readonly name: string;
  readonly type = 'netdev';
  readonly flows: FlowTable;
  readonly datapath: UserspaceDatapath;
  readonly #ports: Map<number, DpifPort> = new Map();
  readonly #sum: FlowStatsSum = createFlowStatsSum();

  constructor(options: UserspaceDpifOptions) {
    this.name = options.name ?? 'ovs-netdev';
    this.flows = createFlowTable({
      seed: options.seed,
      serialise: serialiseFlow,
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      ...(options.maxFlows === undefined ? {} : { maxFlows: options.maxFlows }),
      ...(options.maskCacheSize === undefined ? {} : { maskCacheSize: options.maskCacheSize }),
    });
    this.datapath = new UserspaceDatapath({
      flows: this.flows,
      seed: options.seed,
      ...(options.upcallLimit === undefined ? {} : { upcallLimit: options.upcallLimit }),
    });
  }

  addPort(name: string, type: string, port: DatapathPort, number?: number): number {
    let chosen = number ?? 1;
    while (number === undefined && this.#ports.has(chosen)) {
      chosen++;
    }
    if (this.#ports.has(chosen)) {
      return DPIF_EXISTS;
    }
    this.datapath.addPort(chosen, port);
    this.#ports.set(chosen, { number: chosen, name, type });
    return chosen;
  }

  removePort(number: number): void {
    this.datapath.removePort(number);
    this.#ports.delete(number);
  }

  ports(): DpifPort[] {
    return [...this.#ports.values()].sort((a, b) => a.number - b.number);
  }

  putFlow(
    key: FlowWords,
    mask: FlowWords,
    actions: Int32Array,
    actionsLength: number,
    ufid: Int32Array,
    nowMs: number,
  ): DpifFlow {
    const flow = this.flows.insert(key, mask, actions, actionsLength, ufid, nowMs);
    return flow > 0 || flow === DPIF_EXISTS ? flow : DPIF_FULL;
  }

  modifyFlow(flow: DpifFlow, actions: Int32Array, actionsLength: number): boolean {
    return this.flows.replaceActions(flow, actions, actionsLength);
  }

  deleteFlow(flow: DpifFlow, stats: DpifFlowStats): void {
    this.readStats(flow, stats);
    this.flows.remove(flow);
  }

  startDump(): DpifDump {
    const cursor = { slot: 0 };
    return { next: (out, max) => this.flows.dump(cursor, out, max) };
  }

  readKey(flow: DpifFlow, out: FlowWords): void {
    this.flows.readKey(flow, out);
  }

  readMask(flow: DpifFlow, out: FlowWords): void {
    this.flows.readMask(flow, out);
  }

  readUfid(flow: DpifFlow, out: Int32Array): boolean {
    return this.flows.readUfid(flow, out);
  }

  readStats(flow: DpifFlow, stats: DpifFlowStats): void {
    this.flows.readStats(flow, this.#sum);
    stats.packets = this.#sum.packets;
    stats.bytes = this.#sum.bytes;
    stats.usedMs = this.#sum.used;
    stats.tcpFlags = this.#sum.tcpFlags;
  }

  actions(flow: DpifFlow): Int32Array {
    const offset = this.flows.actionsOffset(flow);
    return this.flows.words.slice(offset, offset + this.flows.actionsLength(flow));
  }

  hasActions(flow: DpifFlow, actions: Int32Array, actionsLength: number): boolean {
    if (this.flows.actionsLength(flow) !== actionsLength) {
      return false;
    }
    const { words } = this.flows;
    const offset = this.flows.actionsOffset(flow);
    for (let index = 0; index < actionsLength; index++) {
      if (words[offset + index] !== actions[index]) {
        return false;
      }
    }
    return true;
  }

  execute(packet: Packet, key: FlowWords, actions: Int32Array, actionsLength: number, nowMs: number): void {
    this.datapath.execute(packet, key, actions, 0, actionsLength, nowMs);
  }

  setUpcallHandler(handler: ((upcalls: readonly Upcall[], nowMs: number) => void) | null): void {
    this.datapath.setUpcallSink(handler);
  }

  setMeter(meter: number, config: MeterConfig, nowMs: number): void {
    this.datapath.meters.set(meter, config, nowMs);
  }

  deleteMeter(meter: number): void {
    this.datapath.meters.delete(meter);
  }

  meterStats(meter: number): MeterStats | null {
    return this.datapath.meters.get(meter)?.stats ?? null;
  }

  get counters(): DatapathCounters {
    return this.datapath.counters;
  }

  stats(): DpifStats {
    const lookups = { hit: 0, missed: 0, maskHits: 0, cacheHits: 0 };
    this.flows.readLookupStatistics(lookups);
    return {
      hit: lookups.hit,
      missed: lookups.missed,
      lost: this.datapath.counters.lost,
      flows: this.flows.flowCount,
      masks: this.flows.maskCount,
      maskVisits: lookups.maskHits,
      maskCacheHits: lookups.cacheHits,
    };
  }

  forEachMask(visit: (mask: FlowWords, flows: number, hits: number) => void): void {
    this.flows.forEachMask(visit);
  }

  maintain(nowMs: number): void {
    this.flows.maintain(nowMs);
  }
}
