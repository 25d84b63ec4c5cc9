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
import { type DpifFlow, UserspaceDpif } from '../dpif/index.ts';
import { createFlow, extractFlow, type FlowWords, parseFlow, W_IN_PORT } from '../flow/index.ts';
import { BATCH_SIZE, MemoryNetdev } from '../netdev/index.ts';
import {
  Bridge,
  type BridgePort,
  explainMegaflow,
  type FlowModResult,
  formatMegaflow,
  formatTrace,
  type RemovedRule,
  ruleStats,
  TABLE_INTERNAL,
  TRUNK_ALL,
  TranslationTrace,
} from '../ofproto/index.ts';
import {
  type FlowMod,
  type FlowStats,
  formatFlowStats,
  formatGroup,
  formatGroupStats,
  formatMeter,
  formatMeterStats,
  type GroupDescription,
  type GroupMod,
  type GroupStatistics,
  type MeterDescription,
  type MeterMod,
  type MeterStatistics,
  OFPG_ALL,
  OFPP_LOCAL,
  OFPP_NONE,
  type OpenFlowAction,
  OpenFlowError,
  type OpenFlowTextOptions,
  parseActions,
  parseFlowMod,
  parseFlowMods,
  parseFlowSelection,
  parseGroupMod,
  parseMeterMod,
} from '../openflow/index.ts';
import { type PacketIn, Pipeline, Udpif } from '../udpif/index.ts';
import { Packet } from '../wire/index.ts';
import { applyMeterMod, meterStatistics } from './bridge-meters.ts';
import { formatCachedFlow } from './cached-flow.ts';
import { type ReadyPort, ReadyPorts } from './ready-ports.ts';
import type {
  MaskSummary,
  Megaflow,
  ReadableListener,
  SentFrame,
  SwitchCounters,
  SwitchOptions,
  SwitchPortChanges,
  SwitchPortOptions,
  SwitchTableChanges,
  TraceResult,
} from './records.ts';
import { SwitchError } from './switch-error.ts';
import { SwitchPort } from './switch-port.ts';

/** How often a running switch looks after itself, unless it is told to: Open vSwitch's revalidators wake every 500 ms. */
const MAINTENANCE_INTERVAL_MS = 500;
/** With a clock, the least time between two rounds of revalidation, unless told otherwise. */
const REVALIDATION_INTERVAL_MS = 100;
/** Ports that are looked at for an answer, in one round: a frame that is flooded is hardly a question. */
const MAX_EXPECTED_ANSWERS = 4;
/** A batch of rounds in which packets go round between ports of the same program ends after this many. */
const MAX_SETTLE_ROUNDS = 1000;
/** Two are enough, because the second credits nothing new; the bound is for the unforeseen. */
const MAX_REVALIDATION_ROUNDS = 4;

export class Switch {
  readonly dpif: UserspaceDpif;
  readonly pipeline: Pipeline = new Pipeline();
  readonly udpif: Udpif;
  readonly #options: SwitchOptions;
  readonly #ports: Map<string, SwitchPort> = new Map();
  /** external ports by datapath port number */
  readonly #externalPorts: (ReadyPort | undefined)[] = [];
  /** of this round, for `#expectAnswer` */
  #expectedAnswers = 0;
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
    const added = new SwitchPort(name, number, bridge.name, netdev, () => this.poll());
    this.#ports.set(name, added);
    const input: ReadyPort = { netdev, datapathPort, isReady: false };
    if (netdev.isExternal) {
      this.#externalPorts[datapathPort] = input;
    }
    this.#listenTo(input);
    this.#refresh();
    return added;
  }

  /** Removes a bridge with its ports, the first one too. Throws `SwitchError` BRIDGE_UNKNOWN. */
  removeBridge(name: string): void {
    const bridge = this.#bridge(name);
    for (const port of bridge.portsInOrder()) {
      this.removePort(port.name);
    }
    for (const meter of bridge.datapathMeters.values()) {
      this.dpif.deleteMeter(meter);
    }
    this.pipeline.removeBridge(name);
    this.#refresh();
  }

  /** Changes a port, a patch port too. Throws `SwitchError` PORT_UNKNOWN, PORT_NOT_IN_MEMORY (link of a device). */
  setPort(name: string, { linkUp, config, vlans, isProtected }: SwitchPortChanges): void {
    const { bridge, port } = this.#bridgePort(name);
    const netdev = this.#ports.get(name)?.netdev;
    if (linkUp !== undefined) {
      if (!(netdev instanceof MemoryNetdev)) {
        throw new SwitchError('PORT_NOT_IN_MEMORY', `cannot set the link of port "${name}": expected a port in memory`);
      }
      netdev.linkUp = linkUp;
      port.linkUp = linkUp;
    }
    port.vlans = { ...port.vlans, ...vlans };
    port.isProtected = isProtected ?? port.isProtected;
    bridge.configurePort(port, config ?? {});
    this.#refresh();
  }

  /** Changes a table. Throws `OpenFlowError` OFPTMFC_BAD_TABLE. */
  setTable(table: number, { miss, maxFlows }: SwitchTableChanges, bridge?: string): void {
    const { tables } = this.#bridge(bridge);
    if (!Number.isInteger(table) || table < 0 || table >= TABLE_INTERNAL) {
      throw new OpenFlowError('OFPTMFC_BAD_TABLE', `wrong table: expected 0..${TABLE_INTERNAL - 1}, got ${table}`);
    }
    const flowTable = tables.table(table);
    flowTable.miss = miss ?? flowTable.miss;
    flowTable.maxFlows = maxFlows ?? flowTable.maxFlows;
    tables.noteChange();
    this.#refresh();
  }

  /** Removes a port and closes its device. The other end of a patch port stays, and drops. Throws `SwitchError` PORT_UNKNOWN. */
  removePort(name: string): void {
    if (!this.#ports.has(name)) {
      this.#removePatchPort(name);
      return;
    }
    const { netdev, number, bridge } = this.port(name);
    const owner = this.#bridge(bridge);
    const { datapathPort } = owner.ports.get(number)!;
    this.#ports.delete(name);
    this.#externalPorts[datapathPort] = undefined;
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
    const port = near.addPort({ number, name, datapathPort: -1 });
    try {
      const peerNumber = this.#choosePort(far, peerName, options.peerNumber);
      port.peer = { bridge: far, port: peerNumber };
      far.addPort({ number: peerNumber, name: peerName, datapathPort: -1 }).peer = { bridge: near, port: number };
    } catch (error) {
      near.removePort(number);
      throw error;
    }
    near.notePortChange();
    this.#refresh();
  }

  #removePatchPort(name: string): void {
    const { bridge, port } = this.#bridgePort(name);
    const peer = port.peer?.bridge.ports.get(port.peer.port);
    if (peer !== undefined) {
      peer.peer = null;
      port.peer!.bridge.notePortChange();
    }
    bridge.removePort(port.number);
    this.#refresh();
  }

  /**
   * Adds flows in the text of `ovs-ofctl add-flows`, one a line, or as records. All or none: the first mistake throws, with its
   * line, and nothing is changed.
   */
  addFlows(flows: string | Iterable<FlowMod>, bridge?: string): void {
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
    this.#groupMod('add', group, bridge);
  }

  /** Gives a group other buckets, `ovs-ofctl [--may-create] mod-group`. */
  modifyGroup(
    group: string | GroupMod,
    options: { readonly mayCreate?: boolean; readonly bridge?: string } = {},
  ): void {
    this.#groupMod(options.mayCreate === true ? 'add_or_modify' : 'modify', group, options.bridge);
  }

  /** Adds buckets to a group, `ovs-ofctl insert-buckets`. */
  insertBuckets(group: string | GroupMod, bridge?: string): void {
    this.#groupMod('insert_buckets', group, bridge);
  }

  /** Takes buckets out of a group, `ovs-ofctl remove-buckets`. */
  removeBuckets(group: string | GroupMod, bridge?: string): void {
    this.#groupMod('remove_buckets', group, bridge);
  }

  /** Deletes a group, by default all, with the flows that send to it, `ovs-ofctl del-groups`. */
  deleteGroups(group: string | GroupMod = '', bridge?: string): void {
    this.#groupMod('delete', group, bridge);
  }

  /** All groups, by number. */
  dumpGroups(bridge?: string): GroupDescription[] {
    return this.#bridge(bridge)
      .tables.groups.groups()
      .map(({ id, type, buckets, selectionMethod, selectionMethodParameter, hashFields }) => {
        return { group: id, type, buckets, selectionMethod, selectionMethodParameter, hashFields };
      });
  }

  /** The groups as `ovs-ofctl dump-groups` prints them, one a line. */
  dumpGroupsText(bridge?: string): string {
    const options = this.#outputOptions(this.#bridge(bridge));
    return linesOf(this.dumpGroups(bridge).map((group) => formatGroup(group, options)));
  }

  /** What groups and their buckets counted, by number. */
  groupStats(bridge?: string): GroupStatistics[] {
    this.#credit();
    const { tables } = this.#bridge(bridge);
    return tables.groups.stats(OFPG_ALL, (group) => tables.groupReferences(group), this.nowMs);
  }

  /** The same as `ovs-ofctl dump-group-stats` prints it, one group a line. */
  groupStatsText(bridge?: string): string {
    return linesOf(this.groupStats(bridge).map(formatGroupStats));
  }

  /** Adds a meter, `ovs-ofctl add-meter`. */
  addMeter(meter: string | MeterMod, bridge?: string): void {
    this.#meterMod('add', meter, bridge);
  }

  /** Gives a meter other bands; it counts anew. `ovs-ofctl mod-meter`. */
  modifyMeter(meter: string | MeterMod, bridge?: string): void {
    this.#meterMod('modify', meter, bridge);
  }

  /** Deletes a meter, by default all, with the flows that pass it, `ovs-ofctl del-meters`. */
  deleteMeters(meter: string | MeterMod = 'meter=all', bridge?: string): void {
    this.#meterMod('delete', meter, bridge);
  }

  /** All meters, by number. */
  dumpMeters(bridge?: string): MeterDescription[] {
    return this.#bridge(bridge)
      .tables.meters.meters()
      .map(({ id, unit, burst, stats, bands }) => ({ meter: id, unit, burst, stats, bands }));
  }

  /** The meters as `ovs-ofctl dump-meters` prints them. */
  dumpMetersText(bridge?: string): string {
    return linesOf(this.dumpMeters(bridge).map(formatMeter));
  }

  /** What meters and their bands counted, by number. */
  meterStats(bridge?: string): MeterStatistics[] {
    return meterStatistics(this.#bridge(bridge), this.dpif, this.nowMs);
  }

  /** The same as `ovs-ofctl meter-stats` prints it. */
  meterStatsText(bridge?: string): string {
    return linesOf(this.meterStats(bridge).map(formatMeterStats));
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
    return linesOf(this.dumpFlows(match, bridge).map((flow) => formatFlowStats(flow, this.#outputOptions(target))));
  }

  /** Receives what waits on all ports and switches it, until nothing waits. Called from within itself, it does nothing. */
  poll(): void {
    if (this.#readableListener === null) {
      for (const port of this.#externalPorts) {
        if (port !== undefined) {
          this.#ready.add(port);
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
        this.#expectedAnswers = 0;
        const count = ready.takeAll();
        for (let index = 0; index < count; index++) {
          this.#receive(ready.taken(index), nowMs);
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
    this.dpif.datapath.setSentListener(listener === null ? null : (port) => this.#expectAnswer(port));
    for (const port of this.#externalPorts) {
      if (port !== undefined) {
        this.#listenTo(port);
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
    const translation = this.pipeline.translate({ bridge, flow, actions: list });
    flow[W_IN_PORT] = inPort === undefined ? 0 : bridge.ports.get(this.port(inPort).number)!.datapathPort;
    this.udpif.executeTranslation(packet, flow, translation, this.nowMs);
    this.#refresh();
    this.poll();
  }

  /**
   * Goes on with a packet that `controller(pause)` sent to `onPacketIn`, where it stopped; with another frame, or other metadata and
   * registers, if given. A packet may be resumed later, any number of times or never. Throws `SwitchError` CONTINUATION_MISSING.
   */
  resume(packetIn: PacketIn, changes: { readonly frame?: Uint8Array; readonly metadata?: FlowWords } = {}): void {
    if (packetIn.continuation === null) {
      throw new SwitchError('CONTINUATION_MISSING', 'cannot resume a packet: expected one that an action paused');
    }
    const packet = Packet.from(changes.frame ?? packetIn.frame);
    this.udpif.resume(packetIn.continuation, packet, this.nowMs, changes.metadata);
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
    const { showsNames = false } = this.#options;
    const trace = new TranslationTrace({ showsNames });
    const translation = this.pipeline.translate({ bridge, flow, trace, hasSideEffects: false });
    const options = this.#outputOptions(bridge);
    const text = formatTrace(flow, trace, translation, options);
    return {
      text,
      tree: trace.root,
      megaflow: formatMegaflow(flow, translation.wildcards, options),
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
    this.#followLinks();
    this.#revalidate();
    for (const bridge of this.pipeline.bridges.values()) {
      this.#report(bridge, bridge.tables.expire(nowMs));
      bridge.macLearning.expire(nowMs);
    }
    if (this.udpif.needsRevalidation) {
      this.#revalidate();
    }
  }

  /** Lets the bridges know of links that went up or down. */
  #followLinks(): void {
    for (const { bridge, number, netdev } of this.#ports.values()) {
      const owner = this.#bridge(bridge);
      const port = owner.ports.get(number)!;
      if (port.linkUp !== netdev.linkUp) {
        port.linkUp = netdev.linkUp;
        owner.notePortChange();
      }
    }
  }

  /** Deletes all megaflows, their statistics credited, and closes all ports. */
  close(): void {
    this.udpif.purge();
    for (const { netdev } of this.#ports.values()) {
      netdev.close();
    }
  }

  /** Takes one batch of a port. One that gave less has no more, and will say so when it has. */
  #receive(port: ReadyPort, nowMs: number): void {
    // When something that it calls throws, the port may have more.
    let count = BATCH_SIZE;
    try {
      count = this.dpif.datapath.processPort(port.datapathPort, nowMs);
    } finally {
      if (count === BATCH_SIZE) {
        this.#ready.add(port);
      }
    }
  }

  /**
   * Looks at an external port in the next round because something was sent there: hosts answer, in the kernel often before
   * the sending call returns, and then the answer need not wait for the event loop.
   */
  #expectAnswer(datapathPort: number): void {
    if (this.#expectedAnswers === MAX_EXPECTED_ANSWERS) {
      return;
    }
    const port = this.#externalPorts[datapathPort];
    if (port !== undefined) {
      this.#expectedAnswers++;
      this.#ready.add(port);
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
    const mod =
      typeof flow === 'string' ? parseFlowMod(flow, command, this.#textOptions(bridge)) : { ...flow, command };
    this.#applyAll(bridge, [mod]);
  }

  #groupMod(command: GroupMod['command'], group: string | GroupMod, bridgeName: string | undefined): void {
    const bridge = this.#bridge(bridgeName);
    const mod =
      typeof group === 'string' ? parseGroupMod(group, command, this.#textOptions(bridge)) : { ...group, command };
    const removed = bridge.tables.applyGroupMod(mod, this.nowMs);
    this.#refresh();
    this.#report(bridge, removed);
  }

  #meterMod(command: MeterMod['command'], meter: string | MeterMod, bridgeName: string | undefined): void {
    const bridge = this.#bridge(bridgeName);
    const mod =
      typeof meter === 'string' ? parseMeterMod(meter, command, this.#textOptions(bridge)) : { ...meter, command };
    const removed = applyMeterMod(bridge, this.pipeline.bridges.values(), this.dpif, mod, this.nowMs);
    this.#refresh();
    this.#report(bridge, removed);
  }

  #applyAll(bridge: Bridge, mods: Iterable<FlowMod>): void {
    const nowMs = this.nowMs;
    const removed: RemovedRule[] = bridge.tables
      .applyAll(mods, nowMs)
      .flatMap((result: FlowModResult) => result.removed);
    this.#refresh();
    this.#report(bridge, removed);
  }

  #report(bridge: Bridge, removed: readonly RemovedRule[]): void {
    for (const { rule, reason } of removed) {
      this.#options.onFlowRemoved?.({ bridge: bridge.name, reason, flow: ruleStats(rule, this.nowMs) });
    }
  }

  #bridge(name: string | undefined): Bridge {
    const bridge = this.pipeline.bridges.get(name ?? this.#firstBridge);
    if (bridge === undefined) {
      throw new SwitchError('BRIDGE_UNKNOWN', `no bridge named ${name}`);
    }
    return bridge;
  }

  #bridgePort(name: string): { bridge: Bridge; port: BridgePort } {
    for (const bridge of this.pipeline.bridges.values()) {
      const port = bridge.portNamed(name);
      if (port !== undefined) {
        return { bridge, port };
      }
    }
    throw new SwitchError('PORT_UNKNOWN', `no port named ${name}`);
  }

  #hasPortNamed(name: string): boolean {
    return [...this.pipeline.bridges.values()].some((bridge) => bridge.portNamed(name) !== undefined);
  }

  #choosePort(bridge: Bridge, name: string, wanted: number | 'LOCAL' | undefined): number {
    if (this.#hasPortNamed(name)) {
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

  /** For reading: texts may name ports. */
  #textOptions(bridge: Bridge): OpenFlowTextOptions {
    return { ports: bridge.portNames };
  }

  /** For writing: numbers, unless names are wanted. */
  #outputOptions(bridge: Bridge): OpenFlowTextOptions {
    return this.#options.showsNames === true ? this.#textOptions(bridge) : {};
  }
}

function linesOf(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
