/**
 * The embedding API: a whole switch as one object, in a test, a program or a browser tab.
 *
 * What. A switch has a bridge (or several, joined by patch ports), ports, flows, a megaflow cache. Give it packets, read
 * what came out of which port, look into its tables and its cache, ask it why. No root, no sockets, no files.
 *
 * Time. By default the switch has its own clock, which moves only by `advance`: tests are deterministic, and a flow with
 * `idle_timeout=60` expires at once when a minute is added. With `clock` the switch follows a real one.
 *
 * Freshness. After every packet and every change of flows the cache is revalidated if anything changed, so what one sees
 * is always true. With a real clock a round runs at most every `revalidationIntervalMs`, as in a daemon.
 */
import {
  type Dpif,
  type DpifFlow,
  type DpifStats,
  decodeActions,
  formatDatapathFlow,
  UserspaceDpif,
} from '../dpif/index.ts';
import { createFlow, extractFlow, type FlowWords, parseFlow, W_IN_PORT } from '../flow/index.ts';
import { BATCH_SIZE, MemoryNetdev, type Netdev, type NetdevStats } from '../netdev/index.ts';
import {
  Bridge,
  type ExplainedField,
  explainMegaflow,
  type FlowModResult,
  formatMegaflow,
  formatTrace,
  type Bridge as OfBridge,
  type PortVlans,
  type RemovedRule,
  ruleStats,
  TRUNK_ALL,
  type TraceNode,
  TranslationTrace,
} from '../ofproto/index.ts';
import {
  type FlowMod,
  type FlowStats,
  formatFlowStats,
  type GroupMod,
  type MeterMod,
  OFPP_LOCAL,
  OFPP_NONE,
  type OpenFlowAction,
  parseActions,
  parseFlowMod,
  parseFlowMods,
  parseFlowSelection,
  parseGroupMod,
  parseMeterMod,
} from '../openflow/index.ts';
import { type PacketIn, Pipeline, Udpif, type UdpifCounters, type UdpifSummary } from '../udpif/index.ts';
import { Packet } from '../wire/index.ts';
import { type ReadyPort, ReadyPorts } from './ready-ports.ts';

/** How often a running switch looks after itself, unless it is told to: Open vSwitch's revalidators wake every 500 ms. */
const MAINTENANCE_INTERVAL_MS = 500;
/** With a clock, the least time between two rounds of revalidation, unless told otherwise. */
const REVALIDATION_INTERVAL_MS = 100;
/** A batch of rounds in which packets go round between ports of the same program ends after this many. */
const MAX_SETTLE_ROUNDS = 1000;
/** Two are enough, because the second credits nothing new; the bound is for the unforeseen. */
const MAX_REVALIDATION_ROUNDS = 4;

export interface SwitchOptions {
  /** name of the first bridge; default `br0` */
  readonly bridge?: string;
  /** seed of hashes and of sampling: equal seeds, equal behaviour; default 1 */
  readonly seed?: number;
  /** how megaflows are found: by hash tree (default) or by the list of masks with a mask cache */
  readonly lookup?: 'tree' | 'masks';
  /** entries of the mask cache of `lookup: 'masks'`; default 256, 0 = off */
  readonly maskCacheSize?: number;
  /** most megaflows; default 10,000 (an embedded switch reserves memory for all of them) */
  readonly maxMegaflows?: number;
  /** idle time after which a megaflow goes; default 10,000 ms */
  readonly maxIdleMs?: number;
  /** a running clock in ms; without it time moves by `advance` only */
  readonly clock?: () => number;
  /** with `clock`: the least time between two rounds of revalidation that a change asks for; default 100 ms */
  readonly revalidationIntervalMs?: number;
  /** called for each packet that an action or a table miss sends to the controller */
  readonly onPacketIn?: (packetIn: PacketIn) => void;
  /** called for each flow that expired or was deleted */
  readonly onFlowRemoved?: (removed: FlowRemoved) => void;
  /** called with warnings, one line each */
  readonly onWarning?: (text: string) => void;
}

export interface SwitchPortOptions {
  /** OpenFlow port number, or `LOCAL`; default the lowest free one */
  readonly number?: number | 'LOCAL';
  /** bridge to add the port to; default the first */
  readonly bridge?: string;
  /** a port with a device of its own instead of one in memory */
  readonly netdev?: Netdev;
  /** VLANs; default a trunk of all */
  readonly vlans?: Partial<PortVlans>;
  /** no frames by NORMAL between protected ports */
  readonly isProtected?: boolean;
}

export interface FlowRemoved {
  readonly bridge: string;
  readonly reason: RemovedRule['reason'];
  readonly flow: FlowStats;
}

/** A frame that left the switch. */
export interface SentFrame {
  readonly port: string;
  readonly frame: Uint8Array;
}

/** What `trace` found. */
export interface TraceResult {
  /** as `ovs-appctl ofproto/trace` prints it */
  readonly text: string;
  /** the same as a tree */
  readonly tree: readonly TraceNode[];
  /** the megaflow's match, as text */
  readonly megaflow: string;
  /** datapath actions as text; `drop` for none */
  readonly actions: string;
  /** for every field of the megaflow, who asked for it */
  readonly explanation: readonly ExplainedField[];
}

/** A megaflow of the cache. */
export interface Megaflow {
  /** key and mask in the text of `ovs-appctl dpctl/dump-flows`, with statistics and actions */
  readonly text: string;
  readonly packets: number;
  readonly bytes: number;
  readonly usedMs: number;
}

/** A mask of the cache, with what it serves. */
export interface MaskSummary {
  /** the matched fields, as a match that is all ones */
  readonly mask: FlowWords;
  readonly flows: number;
  readonly hits: number;
}

export interface SwitchCounters {
  readonly datapath: DpifStats;
  readonly udpif: Readonly<UdpifCounters>;
  readonly upcall: UdpifSummary;
  /** packets whose headers were cut off or wrong, switched by what could be read, or dropped when even Ethernet was short */
  readonly malformed: number;
}

/** Called when packets may wait on a port; see `Switch.setReadableListener`. */
export type ReadableListener = (isExternal: boolean) => void;

/** A port of a switch. */
export class SwitchPort {
  readonly name: string;
  /** OpenFlow number */
  readonly number: number;
  readonly bridge: string;
  readonly netdev: Netdev;
  readonly #owner: Switch;

  constructor(owner: Switch, name: string, number: number, bridge: string, netdev: Netdev) {
    this.#owner = owner;
    this.name = name;
    this.number = number;
    this.bridge = bridge;
    this.netdev = netdev;
  }

  get stats(): Readonly<NetdevStats> {
    return this.netdev.stats;
  }

  /** Lets the switch receive a frame on this port, and switches it. Throws `SwitchError` when the port is a device's. */
  send(frame: Uint8Array): void {
    this.memory.inject(frame);
    this.#owner.poll();
  }

  /** Takes the frames that came out of this port since the last call. Throws `SwitchError` when the port is a device's. */
  receive(): Uint8Array[] {
    return this.memory.drain();
  }

  private get memory(): MemoryNetdev {
    if (!(this.netdev instanceof MemoryNetdev)) {
      throw new SwitchError(
        'PORT_NOT_IN_MEMORY',
        `port "${this.name}" is a ${this.netdev.type} port: expected a port in memory`,
      );
    }
    return this.netdev;
  }
}

export type SwitchErrorCode =
  | 'BRIDGE_UNKNOWN'
  | 'BRIDGE_EXISTS'
  | 'PORT_EXISTS'
  | 'PORT_NUMBER_INVALID'
  | 'PORT_UNKNOWN'
  | 'PORT_NOT_IN_MEMORY'
  | 'TIME_INVALID';

/** A call that cannot be carried out; nothing was changed. */
export class SwitchError extends Error {
  readonly code: SwitchErrorCode;

  constructor(code: SwitchErrorCode, message: string) {
    super(message);
    this.name = 'SwitchError';
    this.code = code;
  }
}

export class Switch {
  readonly dpif: UserspaceDpif;
  readonly pipeline: Pipeline = new Pipeline();
  readonly udpif: Udpif;
  readonly #options: SwitchOptions;
  readonly #ports: Map<string, SwitchPort> = new Map();
  readonly #inputs: Map<string, ReadyPort> = new Map();
  readonly #ready: ReadyPorts = new ReadyPorts();
  #readableListener: ReadableListener | null = null;
  #isPolling = false;
  readonly #firstBridge: string;
  #nowMs = 0;
  #lastMaintenanceMs = 0;
  #lastRoundMs = 0;

  constructor(options: SwitchOptions = {}) {
    const seed = options.seed ?? 1;
    this.#options = options;
    this.#nowMs = options.clock?.() ?? 0;
    this.dpif = new UserspaceDpif({
      seed,
      maxFlows: options.maxMegaflows ?? 10_000,
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
      ...(options.maskCacheSize === undefined ? {} : { maskCacheSize: options.maskCacheSize }),
    });
    this.udpif = new Udpif({
      dpif: this.dpif,
      pipeline: this.pipeline,
      seed,
      ...(options.maxIdleMs === undefined ? {} : { maxIdleMs: options.maxIdleMs }),
      ...(options.onPacketIn === undefined ? {} : { onPacketIn: options.onPacketIn }),
      ...(options.onWarning === undefined ? {} : { onWarning: options.onWarning }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    });
    this.#firstBridge = options.bridge ?? 'br0';
    this.addBridge(this.#firstBridge);
  }

  /** The time in ms: the clock's, or what `advance` added up to. */
  get nowMs(): number {
    return this.#options.clock?.() ?? this.#nowMs;
  }

  /** Ports by name, in the order in which they were added. */
  get ports(): readonly SwitchPort[] {
    return [...this.#ports.values()];
  }

  port(name: string): SwitchPort {
    const port = this.#ports.get(name);
    if (port === undefined) {
      throw new SwitchError('PORT_UNKNOWN', `no port named ${name}`);
    }
    return port;
  }

  /** Adds a bridge. Throws `SwitchError` BRIDGE_EXISTS. */
  addBridge(name: string): void {
    if (this.pipeline.bridges.has(name)) {
      throw new SwitchError(
        'BRIDGE_EXISTS',
        `cannot create a bridge named ${name} because a bridge named ${name} already exists`,
      );
    }
    this.pipeline.addBridge(new Bridge(name));
  }

  /** Adds a port, in memory unless it brings a device. Throws `SwitchError`. */
  addPort(name: string, options: SwitchPortOptions = {}): SwitchPort {
    const bridge = this.#bridge(options.bridge);
    const number = this.#choosePort(bridge, name, options.number);
    const netdev = options.netdev ?? new MemoryNetdev(name);
    const datapathPort = this.dpif.addPort(name, netdev.type, netdev);
    const port = bridge.addPort({
      number,
      name,
      datapathPort,
      vlans: { ...TRUNK_ALL, ...options.vlans },
      isProtected: options.isProtected ?? false,
      linkUp: netdev.linkUp,
    });
    this.pipeline.attach(datapathPort, bridge, port);
    const added = new SwitchPort(this, name, number, bridge.name, netdev);
    this.#ports.set(name, added);
    const input: ReadyPort = { netdev, datapathPort, isReady: false };
    this.#inputs.set(name, input);
    this.#listenTo(input);
    this.#refresh();
    return added;
  }

  /** Removes a port and closes its device. Throws `SwitchError` PORT_UNKNOWN. */
  removePort(name: string): void {
    const { netdev, number, bridge } = this.port(name);
    const owner = this.#bridge(bridge);
    const { datapathPort } = owner.ports.get(number)!;
    this.#ports.delete(name);
    this.#inputs.delete(name);
    owner.removePort(number);
    this.pipeline.detach(datapathPort);
    this.dpif.removePort(datapathPort);
    netdev.close();
    this.#refresh();
  }

  /** Joins two bridges by a pair of patch ports, by default of the lowest free numbers. Throws `SwitchError`. */
  addPatch(
    bridge: string,
    name: string,
    peerBridge: string,
    peerName: string,
    options: { readonly number?: number; readonly peerNumber?: number } = {},
  ): void {
    const near = this.#bridge(bridge);
    const far = this.#bridge(peerBridge);
    const number = this.#choosePort(near, name, options.number);
    const peerNumber = this.#choosePort(far, peerName, options.peerNumber);
    near.addPort({ number, name, datapathPort: -1 }).peer = { bridge: far, port: peerNumber };
    far.addPort({ number: peerNumber, name: peerName, datapathPort: -1 }).peer = { bridge: near, port: number };
    near.notePortChange();
    this.#refresh();
  }

  /**
   * Adds flows in the text of `ovs-ofctl add-flows`, one a line, or as records. All or none: the first mistake throws, with its
   * line, and nothing is changed.
   */
  addFlows(flows: string | readonly FlowMod[], bridge?: string): void {
    const target = this.#bridge(bridge);
    const mods = typeof flows === 'string' ? parseFlowMods(flows, this.#textOptions(target)) : flows;
    this.#applyAll(target, mods);
  }

  /** Adds one flow, `ovs-ofctl add-flow`. */
  addFlow(flow: string | FlowMod, bridge?: string): void {
    this.#flowMod('add', flow, bridge);
  }

  /** Changes the actions of matching flows, `ovs-ofctl [--strict] mod-flows`. */
  modifyFlows(flow: string | FlowMod, options: { readonly strict?: boolean; readonly bridge?: string } = {}): void {
    this.#flowMod(options.strict === true ? 'modify_strict' : 'modify', flow, options.bridge);
  }

  /** Deletes matching flows, by default all, `ovs-ofctl [--strict] del-flows`. */
  deleteFlows(
    flow: string | FlowMod = '',
    options: { readonly strict?: boolean; readonly bridge?: string } = {},
  ): void {
    this.#flowMod(options.strict === true ? 'delete_strict' : 'delete', flow, options.bridge);
  }

  /** Adds a group, `ovs-ofctl add-group`. */
  addGroup(group: string | GroupMod, bridge?: string): void {
    const target = this.#bridge(bridge);
    const mod = typeof group === 'string' ? parseGroupMod(group, 'add', this.#textOptions(target)) : group;
    target.tables.groups.apply(mod, this.nowMs);
    target.tables.noteChange();
    this.#refresh();
  }

  /** Adds a meter, `ovs-ofctl add-meter`. */
  addMeter(meter: string | MeterMod, bridge?: string): void {
    const target = this.#bridge(bridge);
    const mod = typeof meter === 'string' ? parseMeterMod(meter, 'add', this.#textOptions(target)) : meter;
    target.tables.meters.apply(mod, this.nowMs);
    const used = new Set([...this.pipeline.bridges.values()].flatMap((other) => [...other.datapathMeters.values()]));
    let id = 0;
    while (used.has(id)) {
      id++;
    }
    const bands = mod.bands.map(({ rate, burst }) => ({ rate, burstSize: burst }));
    this.dpif.setMeter(id, { unit: mod.unit, bands }, this.nowMs);
    target.datapathMeters.set(mod.meter, id);
    target.tables.noteChange();
    this.#refresh();
  }

  /** The flows that match, as records; `match` in text, by default all. */
  dumpFlows(match = '', bridge?: string): FlowStats[] {
    this.#credit();
    const target = this.#bridge(bridge);
    return target.tables.dump(parseFlowSelection(match, this.#textOptions(target)), this.nowMs);
  }

  /** The flows as `ovs-ofctl dump-flows` prints them, one a line. */
  dumpFlowsText(match = '', bridge?: string): string {
    const target = this.#bridge(bridge);
    return this.dumpFlows(match, bridge)
      .map((flow) => `${formatFlowStats(flow, this.#textOptions(target))}\n`)
      .join('');
  }

  /** Receives what waits on all ports and switches it, until nothing waits. Called from within itself, it does nothing. */
  poll(): void {
    if (this.#readableListener === null) {
      for (const input of this.#inputs.values()) {
        if (input.netdev.isExternal) {
          this.#ready.add(input);
        }
      }
    }
    this.pollReady(MAX_SETTLE_ROUNDS);
    if (this.#options.clock !== undefined) {
      this.#maintainIfDue();
    }
  }

  /**
   * Receives and switches at most `rounds` batches of each port that said that something waits there. Returns whether
   * ports may still have something. For run loops; `poll` is for everybody else.
   */
  pollReady(rounds: number): boolean {
    if (this.#isPolling) {
      return false;
    }
    const ready = this.#ready;
    this.#isPolling = true;
    try {
      for (let round = 0; round < rounds && !ready.isEmpty; round++) {
        const nowMs = this.nowMs;
        const ports = ready.takeAll();
        for (let index = 0; index < ports.length; index++) {
          this.#receive(ports[index]!, nowMs);
        }
        this.#refresh();
      }
    } finally {
      this.#isPolling = false;
    }
    return !ready.isEmpty;
  }

  /**
   * Calls `listener` when packets may wait on a port. External ports are watched while there is a listener, which keeps the
   * program alive; without one only `poll` asks them.
   */
  setReadableListener(listener: ReadableListener | null): void {
    this.#readableListener = listener;
    for (const input of this.#inputs.values()) {
      if (input.netdev.isExternal) {
        this.#listenTo(input);
      }
    }
  }

  /** When `tend` has something to do, in the time of `nowMs`. */
  get tendAtMs(): number {
    const maintainAtMs = this.#lastMaintenanceMs + MAINTENANCE_INTERVAL_MS;
    return this.udpif.needsRevalidation
      ? Math.min(maintainAtMs, this.#lastRoundMs + this.#revalidationIntervalMs)
      : maintainAtMs;
  }

  /** Maintains the switch, or revalidates its cache, if it is time to. For run loops: `poll` does it, too. */
  tend(): void {
    this.#refresh();
    this.#maintainIfDue();
  }

  /** Sends a frame into the switch on the named port and returns everything that left ports in memory. */
  inject(port: string, frame: Uint8Array): SentFrame[] {
    this.port(port).send(frame);
    return this.collect();
  }

  /** Takes what left ports in memory, port by port. */
  collect(): SentFrame[] {
    return this.ports.flatMap(({ name, netdev }) =>
      netdev instanceof MemoryNetdev ? netdev.drain().map((frame) => ({ port: name, frame })) : [],
    );
  }

  /** Runs actions on a frame, `ovs-ofctl packet-out`; `inPort` is a port's name, by default none. */
  packetOut(frame: Uint8Array, actions: string | readonly OpenFlowAction[], inPort?: string): void {
    const bridge = this.#bridge(inPort === undefined ? undefined : this.port(inPort).bridge);
    const list = typeof actions === 'string' ? parseActions(actions, this.#textOptions(bridge)) : actions;
    const packet = Packet.from(frame);
    const flow = createFlow();
    extractFlow(packet, flow);
    flow[W_IN_PORT] = inPort === undefined ? OFPP_NONE : this.port(inPort).number;
    const { writer } = this.pipeline.translate({ bridge, flow, actions: list });
    flow[W_IN_PORT] = inPort === undefined ? 0 : bridge.ports.get(this.port(inPort).number)!.datapathPort;
    this.dpif.execute(packet, flow, writer.copy(), writer.length, this.nowMs);
    this.#refresh();
    this.poll();
  }

  /**
   * Shows what would become of a packet, and why: of a flow in text, as `ovs-appctl ofproto/trace` takes it, or of a frame
   * on a port. Changes nothing.
   */
  trace(what: string | { readonly port: string; readonly frame: Uint8Array }, bridgeName?: string): TraceResult {
    const bridge = this.#bridge(typeof what === 'string' ? bridgeName : this.port(what.port).bridge);
    const flow =
      typeof what === 'string' ? parseFlow(what, this.#textOptions(bridge)) : this.#flowOf(what.port, what.frame);
    const trace = new TranslationTrace();
    const translation = this.pipeline.translate({ bridge, flow, trace, hasSideEffects: false });
    const text = formatTrace(flow, trace, translation);
    return {
      text,
      tree: trace.root,
      megaflow: formatMegaflow(flow, translation.wildcards),
      actions: /^Datapath actions: (.*)$/m.exec(text)![1]!,
      explanation: explainMegaflow(flow, trace.provenance),
    };
  }

  /** The megaflows of the cache. */
  megaflows(): Megaflow[] {
    const found: Megaflow[] = [];
    const stats = { packets: 0, bytes: 0, usedMs: 0, tcpFlags: 0 };
    for (const flow of this.#cachedFlows()) {
      this.dpif.readStats(flow, stats);
      found.push({
        text: formatCachedFlow(this.dpif, flow, this.nowMs),
        packets: stats.packets,
        bytes: stats.bytes,
        usedMs: stats.usedMs,
      });
    }
    return found;
  }

  #cachedFlows(): DpifFlow[] {
    const flows: DpifFlow[] = [];
    const dump = this.dpif.startDump();
    const batch: DpifFlow[] = [];
    for (let count = dump.next(batch, 64); count > 0; count = dump.next(batch, 64)) {
      flows.push(...batch.slice(0, count));
    }
    return flows;
  }

  masks(): MaskSummary[] {
    const masks: MaskSummary[] = [];
    this.dpif.forEachMask((mask, flows, hits) => masks.push({ mask: mask.slice(), flows, hits }));
    return masks;
  }

  counters(): SwitchCounters {
    const { malformed } = this.dpif.counters;
    return {
      datapath: this.dpif.stats(),
      udpif: { ...this.udpif.counters, deleted: { ...this.udpif.counters.deleted } },
      upcall: this.udpif.summary,
      malformed: malformed.reduce((sum, count) => sum + count, 0),
    };
  }

  /** Moves the switch's own clock: flows, addresses and megaflows expire as they would have. */
  advance(ms: number): void {
    if (this.#options.clock !== undefined || !(ms >= 0)) {
      throw new SwitchError(
        'TIME_INVALID',
        this.#options.clock === undefined
          ? `cannot advance time by ${ms} ms: expected 0 or more`
          : 'cannot advance time: this switch follows a clock',
      );
    }
    const end = this.#nowMs + ms;
    while (this.#nowMs < end) {
      this.#nowMs = Math.min(end, this.#lastMaintenanceMs + MAINTENANCE_INTERVAL_MS);
      if (this.#nowMs >= this.#lastMaintenanceMs + MAINTENANCE_INTERVAL_MS) {
        this.maintain();
      }
    }
  }

  /** What a running switch does now and then: credits statistics, expires flows and addresses, revalidates the cache. */
  maintain(): void {
    const nowMs = this.nowMs;
    this.#lastMaintenanceMs = nowMs;
    this.#revalidate();
    for (const bridge of this.pipeline.bridges.values()) {
      this.#report(bridge, bridge.tables.expire(nowMs));
      bridge.macLearning.expire(nowMs);
    }
    if (this.udpif.needsRevalidation) {
      this.#revalidate();
    }
  }

  /** Deletes all megaflows, their statistics credited, and closes all ports. */
  close(): void {
    this.udpif.purge();
    for (const { netdev } of this.#ports.values()) {
      netdev.close();
    }
  }

  /** Takes one batch of a port. A device of the system that gave less has no more; the event loop will say when it has. */
  #receive(port: ReadyPort, nowMs: number): void {
    const { netdev } = port;
    // When something that it calls throws, the port may have more.
    let count = BATCH_SIZE;
    try {
      count = this.dpif.datapath.processPort(port.datapathPort, nowMs);
    } finally {
      if (count === BATCH_SIZE || (count > 0 && !netdev.isExternal)) {
        this.#ready.add(port);
      }
    }
  }

  /** Has a port say when packets wait there: an external one only to a listener of ours. */
  #listenTo(input: ReadyPort): void {
    const { isExternal } = input.netdev;
    if (isExternal && this.#readableListener === null) {
      input.netdev.setReadableListener(null);
      return;
    }
    input.netdev.setReadableListener(() => {
      this.#ready.add(input);
      if (!this.#isPolling) {
        this.#readableListener?.(isExternal);
      }
    });
  }

  #maintainIfDue(): void {
    if (this.nowMs - this.#lastMaintenanceMs >= MAINTENANCE_INTERVAL_MS) {
      this.maintain();
    }
  }

  /** A round of revalidation, and more while statistics that a round credits change the pipeline (a station moved). */
  #revalidate(): void {
    this.#lastRoundMs = this.nowMs;
    for (let round = 0; round < MAX_REVALIDATION_ROUNDS; round++) {
      this.udpif.revalidate(this.nowMs);
      if (!this.udpif.needsRevalidation) {
        break;
      }
    }
  }

  /** Brings the counters of flows up to date with the megaflows. */
  #credit(): void {
    this.#revalidate();
  }

  get #revalidationIntervalMs(): number {
    return this.#options.revalidationIntervalMs ?? REVALIDATION_INTERVAL_MS;
  }

  /** Makes the cache true again after a change. */
  #refresh(): void {
    if (!this.udpif.needsRevalidation) {
      return;
    }
    if (this.#options.clock === undefined || this.nowMs - this.#lastRoundMs >= this.#revalidationIntervalMs) {
      this.#revalidate();
    }
  }

  #flowMod(command: FlowMod['command'], flow: string | FlowMod, bridgeName: string | undefined): void {
    const bridge = this.#bridge(bridgeName);
    const mod = typeof flow === 'string' ? parseFlowMod(flow, command, this.#textOptions(bridge)) : flow;
    this.#applyAll(bridge, [mod]);
  }

  #applyAll(bridge: OfBridge, mods: readonly FlowMod[]): void {
    const nowMs = this.nowMs;
    const removed: RemovedRule[] = bridge.tables
      .applyAll(mods, nowMs)
      .flatMap((result: FlowModResult) => result.removed);
    this.#refresh();
    this.#report(bridge, removed);
  }

  #report(bridge: OfBridge, removed: readonly RemovedRule[]): void {
    for (const { rule, reason } of removed) {
      this.#options.onFlowRemoved?.({ bridge: bridge.name, reason, flow: ruleStats(rule, this.nowMs) });
    }
  }

  #bridge(name: string | undefined): OfBridge {
    const bridge = this.pipeline.bridges.get(name ?? this.#firstBridge);
    if (bridge === undefined) {
      throw new SwitchError('BRIDGE_UNKNOWN', `no bridge named ${name}`);
    }
    return bridge;
  }

  #choosePort(bridge: OfBridge, name: string, wanted: number | 'LOCAL' | undefined): number {
    if (this.#ports.has(name) || bridge.portsInOrder().some((port) => port.name === name)) {
      throw new SwitchError(
        'PORT_EXISTS',
        `cannot create a port named ${name} because a port named ${name} already exists`,
      );
    }
    let number = wanted === 'LOCAL' ? OFPP_LOCAL : (wanted ?? 1);
    while (wanted === undefined && bridge.ports.has(number)) {
      number++;
    }
    if (number !== OFPP_LOCAL && !(Number.isInteger(number) && number >= 1 && number < 0xff00)) {
      throw new SwitchError(
        'PORT_NUMBER_INVALID',
        `wrong port number "${name}": expected 1..65279 or LOCAL, got ${number}`,
      );
    }
    if (bridge.ports.has(number)) {
      throw new SwitchError(
        'PORT_EXISTS',
        `port number ${number} of bridge ${bridge.name} is taken by ${bridge.ports.get(number)!.name}`,
      );
    }
    return number;
  }

  #flowOf(portName: string, frame: Uint8Array): FlowWords {
    const flow = createFlow();
    extractFlow(Packet.from(frame), flow);
    flow[W_IN_PORT] = this.port(portName).number;
    return flow;
  }

  /** Lets flow texts name ports. */
  #textOptions(_bridge: OfBridge): object {
    return {};
  }
}

function formatCachedFlow(dpif: Dpif, flow: DpifFlow, nowMs: number): string {
  const key = createFlow();
  const mask = createFlow();
  const stats = { packets: 0, bytes: 0, usedMs: 0, tcpFlags: 0 };
  dpif.readKey(flow, key);
  dpif.readMask(flow, mask);
  dpif.readStats(flow, stats);
  const ufid = new Int32Array(4);
  return formatDatapathFlow({
    ufid: dpif.readUfid(flow, ufid) ? [...ufid] : null,
    key,
    mask,
    stats: {
      packets: stats.packets,
      bytes: stats.bytes,
      usedMs: stats.packets === 0 ? null : nowMs - stats.usedMs,
      tcpFlags: stats.tcpFlags,
    },
    actions: decodeActions(dpif.actions(flow)),
  });
}
