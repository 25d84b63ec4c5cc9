/**
 * Upcalls and revalidation: what fills the megaflow cache and keeps it true.
 *
 * What. `handle` takes the packets that a datapath could not decide: translates each flow once, installs a megaflow,
 * sends the packets on their way, applies the effects. `revalidate` is one round over all megaflows: credits what they
 * counted, deletes those that are idle or too many, translates again those that a change of the pipeline may have
 * made wrong, corrects or deletes them, and sweeps what the dump did not show.
 *
 * Statistics. A packet that came up is credited when it is handled; a megaflow's own counters start at 0 and their
 * growth is credited at each round and when the megaflow goes. So every packet is credited exactly once.
 *
 * Soundness. The law is that no megaflow decides otherwise than a fresh translation would. A round restores it after any
 * change: a megaflow whose mask is wider than a fresh translation's is deleted, one whose actions differ gets the new
 * ones.
 *
 * Time is passed in. One thread calls all of this; handlers and revalidators on threads of their own will share the
 * ukeys by UFID.
 */
import {
  DPIF_EXISTS,
  type Dpif,
  type DpifFlow,
  type DpifFlowStats,
  decodeActions,
  UPCALL_ACTION,
  UPCALL_BATCH_SIZE,
  type Upcall,
} from '../dpif/index.ts';
import {
  compressFlow,
  createFlow,
  expandFlow,
  extractFlow,
  FLOW_WORDS,
  type FlowWords,
  finishHash,
  hashWord,
  W_IN_PORT,
  W_RECIRC_ID,
  W_TOS_TTL_FLAGS,
  W_TYPE_PROTO_FRAG,
} from '../flow/index.ts';
import {
  applyEffects,
  type Effect,
  freezeMetadata,
  type Translation,
  type TranslationError,
} from '../ofproto/index.ts';
import { IP_PROTOCOL_TCP, type Packet } from '../wire/index.ts';
import { DELETION_REASONS, type DeletionReason } from './deletion-reason.ts';
import { computeUfid, datapathMask, isTooWide } from './megaflow.ts';
import { type Continuation, type PacketIn, packetInOf } from './packet-in.ts';
import type { Pipeline } from './pipeline.ts';
import { recircIdsOf } from './recirc-ids.ts';
import type { Ukey } from './ukey.ts';

/** Flows taken from a dump at a time. */
const REVALIDATE_BATCH = 50;
/** The flow limit never falls below this. */
const MIN_FLOW_LIMIT = 1000;
/** other_config:flow-limit */
const DEFAULT_FLOW_LIMIT = 200_000;
/** What the flow limit starts at, before a round has shown how long a dump takes. */
const INITIAL_FLOW_LIMIT = 10_000;
/** other_config:max-idle */
const DEFAULT_MAX_IDLE_MS = 10_000;
/** idle time while there are more flows than the limit */
const CROWDED_IDLE_MS = 100;
/** other_config:max-revalidator: a dump that takes less than half of it leaves time to translate every megaflow anew */
const MAX_REVALIDATOR_MS = 500;
/** other_config:min-revalidate-pps: the slowest megaflow that is worth translating anew when time is short */
const MIN_REVALIDATE_PPS = 5;

const NO_ACTIONS: Int32Array = new Int32Array(0);

export interface UdpifOptions {
  readonly dpif: Dpif;
  readonly pipeline: Pipeline;
  /** seed of the UFIDs */
  readonly seed: number;
  /** other_config:max-idle; default 10,000 ms */
  readonly maxIdleMs?: number;
  /** other_config:flow-limit; default 200,000 */
  readonly flowLimit?: number;
  /** called for packets that go to a controller */
  readonly onPacketIn?: (packetIn: PacketIn) => void;
  /** called with a line for the log */
  readonly onWarning?: (text: string) => void;
  /** a clock that runs, in ms, for the duration of dumps; without one they take no time */
  readonly clock?: () => number;
}

/** Counters of upcalls and revalidation. */
export interface UdpifCounters {
  upcalls: number;
  translations: number;
  installed: number;
  /** megaflows not installed because the flow limit was reached */
  flowLimitHits: number;
  /** megaflows not installed because the datapath had no room */
  installFailures: number;
  translationErrors: number;
  packetIns: number;
  rounds: number;
  revalidated: number;
  modified: number;
  deleted: Record<DeletionReason, number>;
}

export interface UdpifSummary {
  readonly flows: number;
  readonly averageFlows: number;
  readonly maxFlows: number;
  readonly flowLimit: number;
  readonly dumpDurationMs: number;
  readonly ukeys: number;
}

export class Udpif {
  readonly counters: UdpifCounters = {
    upcalls: 0,
    translations: 0,
    installed: 0,
    flowLimitHits: 0,
    installFailures: 0,
    translationErrors: 0,
    packetIns: 0,
    rounds: 0,
    revalidated: 0,
    modified: 0,
    deleted: noDeletions(),
  };
  maxIdleMs: number;
  flowLimitMax: number;
  readonly #dpif: Dpif;
  readonly #pipeline: Pipeline;
  readonly #seed: number;
  readonly #onPacketIn: ((packetIn: PacketIn) => void) | null;
  readonly #onWarning: ((text: string) => void) | null;
  readonly #clock: (() => number) | null;
  readonly #ukeys: Map<DpifFlow, Ukey> = new Map();
  readonly #mask: FlowWords = createFlow();
  readonly #installedMask: FlowWords = createFlow();
  readonly #key: FlowWords = createFlow();
  readonly #ufid: Int32Array = new Int32Array(4);
  readonly #stats: DpifFlowStats = { packets: 0, bytes: 0, usedMs: 0, tcpFlags: 0 };
  readonly #dumped: DpifFlow[] = [];
  readonly #unownedPorts: Set<number> = new Set();
  #flowLimit: number;
  #sequence = 0;
  #dumpSequence = 0;
  #dumpDurationMs = 0;
  #averageFlows = 0;
  #maxFlows = 0;

  constructor(options: UdpifOptions) {
    this.#dpif = options.dpif;
    this.#pipeline = options.pipeline;
    this.#seed = options.seed;
    this.#onPacketIn = options.onPacketIn ?? null;
    this.#onWarning = options.onWarning ?? null;
    this.#clock = options.clock ?? null;
    this.maxIdleMs = options.maxIdleMs ?? DEFAULT_MAX_IDLE_MS;
    this.flowLimitMax = options.flowLimit ?? DEFAULT_FLOW_LIMIT;
    this.#flowLimit = Math.min(this.flowLimitMax, INITIAL_FLOW_LIMIT);
    this.#dpif.setUpcallHandler((upcalls, nowMs) => this.handle(upcalls, nowMs));
  }

  /** Whether the pipeline changed since the last round. */
  get needsRevalidation(): boolean {
    return this.#pipeline.changeSequence !== this.#sequence;
  }

  get summary(): UdpifSummary {
    return {
      flows: this.#ukeys.size,
      averageFlows: Math.round(this.#averageFlows),
      maxFlows: this.#maxFlows,
      flowLimit: this.#flowLimit,
      dumpDurationMs: this.#dumpDurationMs,
      ukeys: this.#ukeys.size,
    };
  }

  /** Handles a batch of upcalls: same-flow packets together, flows in the order of their first packets. */
  handle(upcalls: readonly Upcall[], nowMs: number): void {
    this.counters.upcalls += upcalls.length;
    const groups = groupByFlow(upcalls);
    for (let index = 0; index < upcalls.length; index++) {
      if (upcalls[index]!.kind === UPCALL_ACTION) {
        this.#handleAction(upcalls[index]!);
      } else if (groups[index] === index) {
        this.#handleMisses(upcalls, groups, index, nowMs);
      }
    }
  }

  /** Translates the flow of the group of missed packets that starts at `first`, installs it, and sends them all on. */
  #handleMisses(upcalls: readonly Upcall[], groups: Int32Array, first: number, nowMs: number): void {
    const { key } = upcalls[first]!;
    this.counters.translations++;
    const translation = this.#pipeline.translateKey(key);
    if (translation === null) {
      this.#installDrop(key, nowMs);
      return;
    }
    if (translation.error !== null) {
      this.#noteError(translation.error);
    }
    const { effects } = translation;
    const code = translation.writer.copy();
    datapathMask(translation.wildcards, this.#mask);
    this.#install(key, code, effects, nowMs);
    const counts = { packets: 0, bytes: 0, tcpFlags: 0, usedMs: nowMs };
    for (let index = first; index < upcalls.length; index++) {
      if (groups[index] === first) {
        const upcall = upcalls[index]!;
        counts.packets++;
        counts.bytes += upcall.packet.length;
        counts.tcpFlags |= tcpFlagsOf(upcall.key);
      }
    }
    if (this.#clock === null && effects.some(movesStation)) {
      // Where time stands still, no time of use tells the reports of packets before the move from those behind it.
      this.#creditAll();
    }
    applyEffects(effects, counts);
    for (let index = first; index < upcalls.length; index++) {
      if (groups[index] === first) {
        const upcall = upcalls[index]!;
        this.#dpif.execute(upcall.packet, upcall.key, code, code.length, nowMs);
      }
    }
  }

  /**
   * Sends a packet on as a translation of it says that was made for this packet alone (a packet-out, a resumed packet): applies
   * the effects and runs the actions. `key` is the packet's with `W_IN_PORT` a datapath port, 0 for none.
   */
  executeTranslation(packet: Packet, key: FlowWords, translation: Translation, nowMs: number): void {
    if (translation.error !== null) {
      this.#noteError(translation.error);
    }
    const code = translation.writer.copy();
    applyEffects(translation.effects, {
      packets: 1,
      bytes: packet.length,
      tcpFlags: tcpFlagsOf(key),
      usedMs: nowMs,
    });
    this.#dpif.execute(packet, key, code, code.length, nowMs);
  }

  /**
   * Goes on with a packet that a `controller` action with `pause` stopped, where it stopped (NXT_RESUME). `metadata`
   * replaces metadata and registers.
   */
  resume({ state, datapathPort }: Continuation, packet: Packet, nowMs: number, metadata?: FlowWords): void {
    const thawed = metadata === undefined ? state : { ...state, metadata: freezeMetadata(metadata) };
    const key = createFlow();
    extractFlow(packet, key);
    key[W_IN_PORT] = datapathPort;
    key[W_RECIRC_ID] = this.#pipeline.recirculation.intern(thawed);
    const translation = this.#pipeline.translateKey(key);
    if (translation !== null) {
      this.executeTranslation(packet, key, translation, nowMs);
    }
  }

  #noteError(error: TranslationError): void {
    this.counters.translationErrors++;
    this.#onWarning?.(`Translation failed (${error}), packet is dropped.`);
  }

  /** Installs a megaflow with `#mask` unless there are too many. */
  #install(key: FlowWords, code: Int32Array, effects: readonly Effect[], nowMs: number): void {
    if (this.#ukeys.size >= this.#flowLimit) {
      this.counters.flowLimitHits++;
      return;
    }
    computeUfid(key, this.#mask, this.#seed, this.#ufid);
    const flow = this.#dpif.putFlow(key, this.#mask, code, code.length, this.#ufid, nowMs);
    if (flow > 0) {
      this.counters.installed++;
      this.#addUkey(flow, key, code, effects, nowMs);
      this.#maxFlows = Math.max(this.#maxFlows, this.#ukeys.size);
    } else if (flow !== DPIF_EXISTS) {
      this.counters.installFailures++;
    }
  }

  #addUkey(flow: DpifFlow, key: FlowWords, code: Int32Array, effects: readonly Effect[], nowMs: number): Ukey {
    const ukey: Ukey = {
      flow,
      key: compressFlow(key),
      createdMs: nowMs,
      credited: { packets: 0, bytes: 0, usedMs: 0, tcpFlags: 0 },
      effects,
      recircIds: recircIdsOf(key, code),
      sequence: this.#pipeline.changeSequence,
      dumpSequence: this.#dumpSequence,
    };
    const stale = this.#ukeys.get(flow);
    if (stale !== undefined) {
      // Its megaflow was deleted by someone else and the handle given out again before a sweep.
      this.#forget(stale);
    }
    this.#holdRecircIds(ukey);
    this.#ukeys.set(flow, ukey);
    return ukey;
  }

  /** Packets of a port that no bridge owns are dropped by one megaflow, and said so once per port. */
  #installDrop(key: FlowWords, nowMs: number): void {
    const port = key[W_IN_PORT]!;
    if (!this.#unownedPorts.has(port)) {
      this.#unownedPorts.add(port);
      this.#onWarning?.(`received packet on unassociated datapath port ${port}`);
    }
    this.#mask.fill(0);
    this.#mask[W_IN_PORT] = -1;
    this.#mask[W_RECIRC_ID] = -1;
    datapathMask(this.#mask, this.#mask);
    this.#install(key, NO_ACTIONS, [], nowMs);
  }

  /** A packet that a `userspace` action sent up. */
  #handleAction(upcall: Upcall): void {
    const [action] = decodeActions(upcall.action, 0, upcall.actionLength);
    if (action?.type !== 'userspace' || action.cookie?.kind !== 'controller' || action.cookie.dontSend) {
      return;
    }
    const packetIn = packetInOf(this.#pipeline, action.cookie, upcall);
    if (packetIn !== null) {
      this.counters.packetIns++;
      this.#onPacketIn?.(packetIn);
    }
  }

  /**
   * One round over all megaflows at time `nowMs`. A round that sees a change of the pipeline translates every megaflow
   * anew.
   */
  revalidate(nowMs: number): void {
    const start = this.#clock?.() ?? 0;
    const sequence = this.#pipeline.changeSequence;
    this.counters.rounds++;
    this.#dumpSequence++;
    const count = this.#ukeys.size;
    this.#averageFlows = (this.#averageFlows + count) / 2;
    const deleteAll = count > 2 * this.#flowLimit;
    const maxIdleMs = count > this.#flowLimit ? CROWDED_IDLE_MS : this.maxIdleMs;
    const dump = this.#dpif.startDump();
    for (;;) {
      const dumped = dump.next(this.#dumped, REVALIDATE_BATCH);
      if (dumped === 0) {
        break;
      }
      for (let index = 0; index < dumped; index++) {
        this.#revalidateFlow(this.#dumped[index]!, deleteAll, maxIdleMs, nowMs);
      }
    }
    this.#sweep();
    this.#sequence = sequence;
    this.#dumpDurationMs = (this.#clock?.() ?? 0) - start;
    this.#adaptFlowLimit(count);
    this.#pipeline.recirculation.collect();
    this.#dpif.maintain(nowMs);
  }

  #revalidateFlow(flow: DpifFlow, deleteAll: boolean, maxIdleMs: number, nowMs: number): void {
    const ukey = this.#ukeys.get(flow) ?? this.#adopt(flow, nowMs);
    if (ukey.dumpSequence === this.#dumpSequence) {
      return;
    }
    ukey.dumpSequence = this.#dumpSequence;
    const { packets, usedMs } = ukey.credited;
    this.#credit(ukey);
    const isWorthTranslating = this.#isWorthTranslating(ukey.credited.packets - packets, usedMs, nowMs);
    const reason = this.#decide(ukey, isWorthTranslating, deleteAll, maxIdleMs, nowMs);
    if (reason !== null) {
      this.#delete(ukey, reason);
    }
  }

  /** Why a megaflow has to go, or null; gives it new actions where only they have changed. */
  #decide(
    ukey: Ukey,
    isWorthTranslating: boolean,
    deleteAll: boolean,
    maxIdleMs: number,
    nowMs: number,
  ): DeletionReason | null {
    if (deleteAll) {
      return 'flow_limit';
    }
    const usedMs = Math.max(ukey.credited.usedMs, ukey.createdMs);
    if (nowMs - usedMs > maxIdleMs) {
      return 'flow_idle';
    }
    if (ukey.sequence === this.#pipeline.changeSequence) {
      return null;
    }
    return isWorthTranslating ? this.#retranslate(ukey) : 'too_expensive';
  }

  /**
   * Whether a megaflow that had `packets` since `usedMs` (0 = none before) should be translated anew: when dumps take long, those
   * that few packets use are sooner deleted.
   */
  #isWorthTranslating(packets: number, usedMs: number, nowMs: number): boolean {
    return (
      usedMs === 0 ||
      this.#dumpDurationMs < MAX_REVALIDATOR_MS / 2 ||
      (packets > 0 && (nowMs - usedMs) / packets < 1000 / MIN_REVALIDATE_PPS)
    );
  }

  #retranslate(ukey: Ukey): DeletionReason | null {
    this.counters.revalidated++;
    expandFlow(ukey.key, this.#key);
    const sequence = this.#pipeline.changeSequence;
    const translation = this.#pipeline.translateKey(this.#key);
    if (translation === null) {
      return 'no_ofproto';
    }
    if (translation.error !== null) {
      return 'xlation_error';
    }
    datapathMask(translation.wildcards, this.#mask);
    this.#dpif.readMask(ukey.flow, this.#installedMask);
    if (isTooWide(this.#installedMask, this.#mask)) {
      return 'flow_wildcarded';
    }
    const { writer } = translation;
    if (!this.#dpif.hasActions(ukey.flow, writer.words, writer.length)) {
      if (!this.#dpif.modifyFlow(ukey.flow, writer.words, writer.length)) {
        return 'update_fail';
      }
      this.counters.modified++;
      this.#releaseRecircIds(ukey);
      ukey.recircIds = recircIdsOf(this.#key, writer.copy());
      this.#holdRecircIds(ukey);
    }
    ukey.effects = translation.effects;
    ukey.sequence = sequence;
    return null;
  }

  /**
   * A megaflow that someone else installed gets a ukey: what it counted is credited as if its packets had been translated; its
   * sequence makes the round translate it again and compare.
   */
  #adopt(flow: DpifFlow, nowMs: number): Ukey {
    this.#dpif.readKey(flow, this.#key);
    const effects = this.#pipeline.translateKey(this.#key)?.effects ?? [];
    const ukey = this.#addUkey(flow, this.#key, this.#dpif.actions(flow), effects, nowMs);
    ukey.sequence = -1;
    ukey.dumpSequence = this.#dumpSequence - 1;
    return ukey;
  }

  #creditAll(): void {
    for (const ukey of this.#ukeys.values()) {
      this.#credit(ukey);
    }
  }

  /** Credits what a megaflow counted since the last time. */
  #credit(ukey: Ukey): void {
    this.#dpif.readStats(ukey.flow, this.#stats);
    this.#creditGrowth(ukey);
  }

  #creditGrowth(ukey: Ukey): void {
    const { credited } = ukey;
    const stats = this.#stats;
    const packets = stats.packets - credited.packets;
    if (packets > 0) {
      applyEffects(ukey.effects, {
        packets,
        bytes: stats.bytes - credited.bytes,
        tcpFlags: stats.tcpFlags,
        usedMs: stats.usedMs,
      });
    }
    credited.packets = stats.packets;
    credited.bytes = stats.bytes;
    credited.usedMs = stats.usedMs;
    credited.tcpFlags = stats.tcpFlags;
  }

  #delete(ukey: Ukey, reason: DeletionReason): void {
    this.#dpif.deleteFlow(ukey.flow, this.#stats);
    this.#creditGrowth(ukey);
    this.#forget(ukey);
    this.counters.deleted[reason]++;
  }

  #forget(ukey: Ukey): void {
    this.#releaseRecircIds(ukey);
    this.#ukeys.delete(ukey.flow);
  }

  /** Drops the ukeys that the dump did not show: their megaflows are gone. */
  #sweep(): void {
    for (const ukey of this.#ukeys.values()) {
      if (ukey.dumpSequence !== this.#dumpSequence) {
        this.#forget(ukey);
      }
    }
  }

  /** The flow limit follows the time that a dump takes: what takes seconds cannot be kept fresh. */
  #adaptFlowLimit(flows: number): void {
    const duration = this.#dumpDurationMs;
    let limit = this.#flowLimit;
    if (duration > 2000) {
      limit = Math.floor(limit / Math.floor(duration / 1000));
    } else if (duration > 1300) {
      limit = Math.floor((limit * 3) / 4);
    } else if (duration < 1000 && flows > 2000 && limit < (flows * 1000) / Math.max(duration, 1)) {
      limit += 1000;
    }
    this.#flowLimit = Math.min(this.flowLimitMax, Math.max(limit, MIN_FLOW_LIMIT));
  }

  /** Deletes all megaflows, their last statistics credited. */
  purge(): void {
    for (const ukey of [...this.#ukeys.values()]) {
      this.#delete(ukey, 'purge');
    }
  }

  /** The flow limit from now on; the next round adapts it. */
  setFlowLimit(limit: number): void {
    this.#flowLimit = limit;
  }

  #holdRecircIds(ukey: Ukey): void {
    for (const id of ukey.recircIds) {
      this.#pipeline.recirculation.take(id);
    }
  }

  #releaseRecircIds(ukey: Ukey): void {
    for (const id of ukey.recircIds) {
      this.#pipeline.recirculation.release(id);
    }
  }
}

const keyHashes = new Int32Array(UPCALL_BATCH_SIZE);

/** For each upcall the index of the first miss with the same key; its own where there is none before. */
function groupByFlow(upcalls: readonly Upcall[]): Int32Array {
  const groups = new Int32Array(upcalls.length);
  for (let index = 0; index < upcalls.length; index++) {
    const { kind, key } = upcalls[index]!;
    groups[index] = index;
    if (kind === UPCALL_ACTION) {
      continue;
    }
    const hash = hashKey(key);
    keyHashes[index] = hash;
    for (let earlier = 0; earlier < index; earlier++) {
      if (
        keyHashes[earlier] === hash &&
        groups[earlier] === earlier &&
        upcalls[earlier]!.kind !== UPCALL_ACTION &&
        sameKey(upcalls[earlier]!.key, key)
      ) {
        groups[index] = earlier;
        break;
      }
    }
  }
  return groups;
}

/** Words from the first that tell most flows apart: ports, addresses of Ethernet and IPv4, transport ports. */
const HASHED_WORDS = 12;

function hashKey(key: FlowWords): number {
  let hash = 0;
  for (let word = 0; word < HASHED_WORDS; word++) {
    hash = hashWord(hash, key[word]!);
  }
  return finishHash(hash);
}

function sameKey(a: FlowWords, b: FlowWords): boolean {
  for (let word = 0; word < FLOW_WORDS; word++) {
    if (a[word] !== b[word]) {
      return false;
    }
  }
  return true;
}

/** Whether the effect is that a known station is now behind another port. */
function movesStation(effect: Effect): boolean {
  if (effect.kind !== 'mac') {
    return false;
  }
  const { bridge, vlan, macHigh, macLow, port } = effect;
  const known = bridge.macLearning.lookup(vlan, macHigh, macLow);
  return known >= 0 && known !== port;
}

function tcpFlagsOf(key: FlowWords): number {
  return (key[W_TYPE_PROTO_FRAG]! & 0xff00) === IP_PROTOCOL_TCP << 8 ? key[W_TOS_TTL_FLAGS]! & 0xfff : 0;
}

function noDeletions(): Record<DeletionReason, number> {
  return Object.fromEntries(Object.keys(DELETION_REASONS).map((reason) => [reason, 0])) as Record<
    DeletionReason,
    number
  >;
}
