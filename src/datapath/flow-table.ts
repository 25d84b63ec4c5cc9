/**
 * The flow table: the megaflows of a datapath, found by packet.
 *
 * What. A megaflow is a masked key, a mask, action code, perhaps a UFID, and statistics. `lookup` returns a megaflow that
 * the packet's key matches. The table does not care which, if several do: the layers above install megaflows that never
 * overlap in what they decide. A flow is named by a `FlowRef`, the offset of its record in the arena.
 *
 * How. Masks are shared (mask-store.ts), and each has a table of its flows (tag-table.ts). Lookups go through the mask
 * list (mask-lookup.ts), or through the hash tree (hash-tree.ts), whose cost does not depend on the number of masks;
 * the tables of the masks serve exact searches in either case. UFIDs have an index of their own, slots serve dumps (flow-slots.ts).
 *
 * Threads. All of it lies in one arena; each thread makes a `FlowTable` over the same buffer with its own thread number.
 * Lookups, reads, dumps and credits take no lock. What changes the table takes the writer lock by itself; a caller may hold
 * `writerLock` around several changes. A `FlowRef` that a thread got stays readable until that thread calls `quiesce`,
 * even if another one removes the flow; memory comes back by `reclaim`, which inserts and `maintain` call too.
 *
 * Failure. An insert that finds no room (or a flow that is there already) returns a negative number and changes nothing.
 */
import { createFlow, type FlowWords } from '../flow/index.ts';
import { OVS_ACTION_ATTR_OUTPUT } from './actions.ts';
import {
  type Arena,
  attachArena,
  createArena,
  H_FLOW_COUNT,
  H_HAS_TREE,
  H_MAX_FLOWS,
  H_REHASH_AT,
  H_SEED,
  H_SORT_AT,
  H_THREADS,
  H_UFID_INDEX,
} from './arena.ts';
import { Epochs, RETIRED_BLOCK, RETIRED_FLOW } from './epochs.ts';
import {
  COLD_CREATED,
  COLD_HAS_UFID,
  COLD_SERIALISED,
  COLD_UFID,
  COLD_WORDS,
  coldPart,
  FLOW_ACTIONS,
  FLOW_KEY,
  FLOW_KEY_WORDS,
  FLOW_MASK,
  FLOW_OUTPUT,
  FLOW_SLOT,
  type FlowRef,
  flowMatches,
  hashWords,
  MASK_FLOWS,
  MASK_HITS,
  MAX_PAIRS,
  type MaskRef,
  packKey,
  packMask,
  publish,
  unpackKey,
} from './flow-record.ts';
import { FlowSlots } from './flow-slots.ts';
import { FLOW_LINE_WORDS, FlowStatistics, type FlowStatsSum, type LookupStatistics } from './flow-statistics.ts';
import { HashTree } from './hash-tree.ts';
import { MaskLookup } from './mask-lookup.ts';
import { MaskStore } from './mask-store.ts';
import { HashIndex } from './pair-table.ts';
import { findPacked, insertFlow, removeFlow, reseedTable } from './tag-table.ts';
import { WriterLock } from './writer-lock.ts';

const OUTPUT_HEADER = (OVS_ACTION_ATTR_OUTPUT << 16) | 2;

/** `insert`: the flow (same masked key and mask, or same UFID) is in the table. */
export const INSERT_EXISTS = -17;
/** `insert`: there are `maxFlows` flows, or removed ones still hold their places. */
export const INSERT_TOO_MANY = -27;
/** `insert`: the arena is full. */
export const INSERT_NO_SPACE = -28;

/** Open vSwitch's default limit of flows in a datapath. */
const DEFAULT_MAX_FLOWS = 200_000;
const DEFAULT_MASK_CACHE_SIZE = 256;
/** Arena words to reserve per flow: record 24, actions 16, tables and tree 25, serialised form 80. */
const HEAP_WORDS_PER_FLOW = 160;
const REHASH_INTERVAL_MS = 600_000;
/** Ranking the masks reads the statistics of all flows. */
const SORT_INTERVAL_MS = 1000;
/** Removed blocks that wait for readers before an insert tries to reclaim them. */
const RECLAIM_AT = 4096;
const UFID_SEED = 0x75666964;

export interface FlowTableOptions {
  /** Flows that fit; default 200,000. */
  maxFlows?: number;
  /** Bytes of the heap; default 640 per flow. Pages are used as they are touched. */
  heapBytes?: number;
  /** How `lookup` finds flows; default the tree. */
  lookup?: 'tree' | 'masks';
  /** Entries of the mask cache of each thread: a power of two, 0 for none; default 256. Only the mask list uses it. */
  maskCacheSize?: number;
  /** Threads that may attach, this one included; default 1. */
  threads?: number;
  /** This thread's number, 0 .. threads - 1; default 0. */
  thread?: number;
  /** Seed of the hashes: random, or an attacker could make collisions. */
  seed: number;
  /** Whether the arena is a SharedArrayBuffer; default when there is more than one thread. */
  shared?: boolean;
  /** Makes the serialised form of a flow's key and mask (`serialised`). */
  serialise?: (key: FlowWords, mask: FlowWords) => Uint8Array;
}

export interface AttachOptions {
  /** This thread's number, as in `FlowTableOptions`. No two threads may have the same. */
  thread: number;
  maskCacheSize?: number;
  serialise?: (key: FlowWords, mask: FlowWords) => Uint8Array;
}

/** Where a dump goes on. Keeps its meaning across any change of the table. */
export interface FlowDumpCursor {
  slot: number;
}

/** Four words, most significant first. */
export type FlowUfid = readonly number[] | Int32Array;

type Serialise = (key: FlowWords, mask: FlowWords) => Uint8Array;

/** An empty flow table in a new arena. */
export function createFlowTable(options: FlowTableOptions): FlowTable {
  const maxFlows = options.maxFlows ?? DEFAULT_MAX_FLOWS;
  const threads = options.threads ?? 1;
  const arena = createArena({
    heapWords: options.heapBytes === undefined ? maxFlows * HEAP_WORDS_PER_FLOW + 1024 : options.heapBytes >>> 2,
    maxFlows,
    threads,
    lineWords: FLOW_LINE_WORDS,
    shared: options.shared ?? threads > 1,
  });
  arena.words[H_SEED] = options.seed | 0;
  arena.words[H_HAS_TREE] = options.lookup === 'masks' ? 0 : 1;
  return attach(arena, options.thread ?? 0, options.maskCacheSize, options.serialise);
}

/** The flow table in a buffer that another thread's `createFlowTable` made (`FlowTable.buffer`). */
export function attachFlowTable(buffer: ArrayBufferLike, options: AttachOptions): FlowTable {
  return attach(attachArena(buffer), options.thread, options.maskCacheSize, options.serialise);
}

function attach(arena: Arena, thread: number, cacheSize?: number, serialise?: Serialise): FlowTable {
  if (!Number.isInteger(thread) || thread < 0 || thread >= arena.words[H_THREADS]!) {
    throw new RangeError(`wrong thread number: expected 0..${arena.words[H_THREADS]! - 1}, got ${thread}`);
  }
  return new FlowTable(arena, thread, cacheSize ?? DEFAULT_MASK_CACHE_SIZE, serialise ?? null);
}

const maskPairs: Int32Array = new Int32Array(2 * MAX_PAIRS);
const packedKey: Int32Array = new Int32Array(MAX_PAIRS);
const keyScratch = createFlow();
const maskScratch = createFlow();

/** One thread's view of a flow table; made by `createFlowTable` and `attachFlowTable`. */
export class FlowTable {
  /** Hand this to `attachFlowTable` in another thread. */
  readonly buffer: ArrayBufferLike;
  /** The arena, where the action code lies. */
  readonly words: Int32Array;
  readonly writerLock: WriterLock;
  private readonly arena: Arena;
  private readonly epochs: Epochs;
  private readonly masks: MaskStore;
  private readonly ufids: HashIndex;
  private readonly slots: FlowSlots;
  private readonly statistics: FlowStatistics;
  private readonly maskLookup: MaskLookup;
  private readonly tree: HashTree | null;
  private readonly serialise: Serialise | null;

  /** @internal */
  constructor(arena: Arena, thread: number, cacheSize: number, serialise: Serialise | null) {
    this.arena = arena;
    this.buffer = arena.buffer;
    this.words = arena.words;
    this.writerLock = new WriterLock(arena);
    this.slots = new FlowSlots(arena);
    this.epochs = new Epochs(arena, thread, (flow) => this.slots.release(arena.words[flow + FLOW_SLOT]!));
    this.masks = new MaskStore(arena, this.epochs);
    this.ufids = new HashIndex(arena, this.epochs, H_UFID_INDEX);
    this.statistics = new FlowStatistics(arena, thread);
    this.maskLookup = new MaskLookup(arena, thread, cacheSize);
    this.tree = arena.words[H_HAS_TREE] === 0 ? null : new HashTree(arena, this.epochs, thread);
    this.serialise = serialise;
    this.epochs.quiesce();
  }

  get flowCount(): number {
    return this.words[H_FLOW_COUNT]!;
  }

  get maskCount(): number {
    return this.masks.count;
  }

  get maxFlows(): number {
    return this.words[H_MAX_FLOWS]!;
  }

  get maskCacheSize(): number {
    return this.maskLookup.cacheSize;
  }

  /** Words of the heap in use; with no flow and nothing left to reclaim, 0. */
  get usedWords(): number {
    return this.arena.usedWords;
  }

  /** Resizes this thread's mask cache: a power of two, or 0 to do without. Throws RangeError for other sizes. */
  resizeMaskCache(size: number): void {
    this.maskLookup.resizeCache(size);
  }

  /** A flow that `key` matches, or 0. `hash` is the packet's hash for the mask cache, 0 for none. Counted in the statistics. */
  lookup(key: FlowWords, hash = 0): FlowRef {
    return this.tree !== null ? this.tree.lookup(key) : this.maskLookup.lookup(key, hash);
  }

  /**
   * Adds a flow and returns it, or INSERT_EXISTS, INSERT_TOO_MANY or INSERT_NO_SPACE. The key is masked here. `now`, in
   * milliseconds, is remembered as the time of creation.
   */
  insert(
    key: FlowWords,
    mask: FlowWords,
    actions: Int32Array,
    actionsLength: number,
    ufid: FlowUfid | null,
    now: number,
  ): FlowRef {
    this.writerLock.acquire();
    if (this.epochs.deferred >= RECLAIM_AT) {
      this.epochs.reclaim();
    }
    let flow = this.insertOnce(key, mask, actions, actionsLength, ufid, now);
    if ((flow === INSERT_NO_SPACE || flow === INSERT_TOO_MANY) && this.epochs.reclaim() > 0) {
      flow = this.insertOnce(key, mask, actions, actionsLength, ufid, now);
    }
    this.writerLock.release();
    return flow;
  }

  /** The flow with exactly this mask and this key under it, or 0. */
  find(key: FlowWords, mask: FlowWords): FlowRef {
    const found = this.masks.find(maskPairs, packMask(mask, maskPairs));
    return found === 0 ? 0 : this.findUnder(found, key);
  }

  /** The flow with this UFID, or 0. */
  findByUfid(ufid: FlowUfid): FlowRef {
    const { words, ufids } = this;
    const table = ufids.table;
    const hash = hashUfid(ufid);
    for (let place = ufids.next(table, hash, 0); place !== 0; place = ufids.next(table, hash, place)) {
      const flow = ufids.recordAt(place);
      if (flow > 0) {
        const at = coldPart(words, flow) + COLD_UFID;
        if (words[at] === (ufid[0]! | 0) && words[at + 1] === (ufid[1]! | 0)) {
          if (words[at + 2] === (ufid[2]! | 0) && words[at + 3] === (ufid[3]! | 0)) {
            return flow;
          }
        }
      }
    }
    return 0;
  }

  /** Gives the flow other actions; false when there is no room for them. */
  replaceActions(flow: FlowRef, actions: Int32Array, length: number): boolean {
    this.writerLock.acquire();
    let block = this.writeActions(actions, length);
    if (block === 0 && this.epochs.reclaim() > 0) {
      block = this.writeActions(actions, length);
    }
    if (block !== 0) {
      const old = this.words[flow + FLOW_ACTIONS]!;
      publish(this.words, flow + FLOW_ACTIONS, block);
      publish(this.words, flow + FLOW_OUTPUT, onlyOutput(actions, length));
      this.epochs.retire(old, RETIRED_BLOCK);
    }
    this.writerLock.release();
    return block !== 0;
  }

  /** Takes the flow out; false when it was out already. It stays readable, statistics included, until this thread is quiescent. */
  remove(flow: FlowRef): boolean {
    this.writerLock.acquire();
    const present = this.slots.flowAt(this.words[flow + FLOW_SLOT]!) === flow;
    if (present) {
      this.tree?.remove(flow);
      this.unlink(flow);
      this.slots.empty(this.words[flow + FLOW_SLOT]!);
      this.words[H_FLOW_COUNT] = this.words[H_FLOW_COUNT]! - 1;
      this.retireFlow(flow);
    }
    this.writerLock.release();
    return present;
  }

  /** Takes all flows out. */
  flush(): void {
    this.writerLock.acquire();
    this.tree?.clear();
    for (let slot = this.slots.high - 1; slot >= 0; slot--) {
      const flow = this.slots.flowAt(slot);
      if (flow !== 0) {
        this.unlink(flow);
        this.slots.empty(slot);
        this.retireFlow(flow);
      }
    }
    this.words[H_FLOW_COUNT] = 0;
    this.writerLock.release();
  }

  /** Counts packets and bytes, seen at `now` (milliseconds), for the flow, in this thread's statistics. */
  credit(flow: FlowRef, packets: number, bytes: number, tcpFlags: number, now: number): void {
    this.statistics.credit(flow, packets, bytes, tcpFlags, now);
  }

  /** Reads the flow's statistics, summed over threads. */
  readStats(flow: FlowRef, out: FlowStatsSum): void {
    this.statistics.read(this.words[flow + FLOW_SLOT]!, out);
  }

  /** Reads the statistics of lookups, summed over threads. */
  readLookupStatistics(out: LookupStatistics): void {
    this.statistics.readLookups(out);
  }

  /** Where the flow's action code begins in `words`. Its length is in the word before, which a thread that does not hold the lock should read. */
  actionsOffset(flow: FlowRef): number {
    return this.words[flow + FLOW_ACTIONS]! + 1;
  }

  /** The port, if the flow's only action is an output; otherwise -1. */
  outputPort(flow: FlowRef): number {
    return this.words[flow + FLOW_OUTPUT]!;
  }

  /** Words of the flow's action code. */
  actionsLength(flow: FlowRef): number {
    return this.words[this.words[flow + FLOW_ACTIONS]!]!;
  }

  /** Reads the masked key into all of `out`. */
  readKey(flow: FlowRef, out: FlowWords): void {
    out.fill(0);
    unpackKey(this.words, flow, out);
  }

  /** Reads the mask into all of `out`. */
  readMask(flow: FlowRef, out: FlowWords): void {
    this.masks.read(this.maskOf(flow), out);
  }

  /** Reads the UFID into the first four elements of `out`; false when the flow has none. */
  readUfid(flow: FlowRef, out: Int32Array): boolean {
    const cold = coldPart(this.words, flow);
    for (let word = 0; word < 4; word++) {
      out[word] = this.words[cold + COLD_UFID + word]!;
    }
    return this.words[cold + COLD_HAS_UFID] === 1;
  }

  maskOf(flow: FlowRef): MaskRef {
    return this.words[flow + FLOW_MASK]!;
  }

  /** Whether `key` matches the flow. */
  matches(flow: FlowRef, key: FlowWords): boolean {
    return flowMatches(this.words, flow, key);
  }

  /** When the flow was inserted, in milliseconds. */
  createdAt(flow: FlowRef): number {
    return this.arena.doubles[(coldPart(this.words, flow) + COLD_CREATED) >> 1]!;
  }

  /**
   * The serialised key and mask, made by the function given at creation, once per flow for all threads. The bytes lie in the
   * arena: they may be read until this thread is quiescent. Without room they are made anew each time.
   */
  serialised(flow: FlowRef): Uint8Array {
    const at = coldPart(this.words, flow) + COLD_SERIALISED;
    if (this.words[at] === 0) {
      const made = this.makeSerialised(flow);
      this.writerLock.acquire();
      const stored = this.words[at] !== 0 || this.storeSerialised(flow, at, made);
      this.writerLock.release();
      if (!stored) {
        return made;
      }
    }
    const block = this.words[at]!;
    return this.arena.bytes.subarray((block + 1) * 4, (block + 1) * 4 + this.words[block]!);
  }

  /**
   * Writes up to `max` flows to `out` and returns how many, 0 at the end of the dump. A dump begins with `{ slot: 0 }`. A
   * flow that exists during the whole dump is seen once, whatever else is inserted, removed or rehashed between the calls.
   */
  dump(cursor: FlowDumpCursor, out: Int32Array | number[], max: number): number {
    let count = 0;
    let slot = cursor.slot;
    for (const high = this.slots.high; slot < high && count < max; slot++) {
      const flow = this.slots.flowAt(slot);
      if (flow !== 0) {
        out[count++] = flow;
      }
    }
    cursor.slot = slot;
    return count;
  }

  /**
   * Calls `visit` for each mask, in the order of the list, with its words (reused for the next one), its flows and the
   * packets credited to its flows since it came.
   */
  forEachMask(visit: (mask: FlowWords, flows: number, hits: number) => void): void {
    const hits = this.countMaskHits();
    const mask = createFlow();
    for (const ref of this.masks.list()) {
      this.masks.read(ref, mask);
      visit(mask, this.words[ref + MASK_FLOWS]!, hits(ref));
    }
  }

  /** This thread holds no `FlowRef`, dump or action code now: after each batch of packets. */
  quiesce(): void {
    this.epochs.quiesce();
  }

  /** This thread will not look at the table before its next `quiesce`: before it sleeps or ends. */
  leave(): void {
    this.epochs.leave();
  }

  /** Gives back the memory of removed things that every thread has passed; returns how many blocks. */
  reclaim(): number {
    this.writerLock.acquire();
    const released = this.epochs.reclaim();
    this.writerLock.release();
    return released;
  }

  /** To be called now and then with the time in milliseconds: seeds the tables anew every ten minutes, reclaims, sorts the mask list. */
  maintain(now: number): void {
    this.writerLock.acquire();
    const doubles = this.arena.doubles;
    const rehashAt = doubles[H_REHASH_AT >> 1]!;
    if (rehashAt === 0) {
      doubles[H_REHASH_AT >> 1] = now + REHASH_INTERVAL_MS;
    } else if (now >= rehashAt) {
      doubles[H_REHASH_AT >> 1] = now + REHASH_INTERVAL_MS;
      this.rehash();
    }
    if (this.tree === null && now >= doubles[H_SORT_AT >> 1]!) {
      doubles[H_SORT_AT >> 1] = now + SORT_INTERVAL_MS;
      this.masks.sort(this.countMaskHits());
    }
    this.epochs.reclaim();
    this.writerLock.release();
  }

  /** Seeds all tables and the tree anew; readers go on with the old ones meanwhile. */
  rehash(): void {
    this.writerLock.acquire();
    const seed = nextSeed(this.words[H_SEED]!);
    this.words[H_SEED] = seed;
    for (const mask of this.masks.list()) {
      reseedTable(this.arena, mask, seed, this.epochs);
    }
    this.tree?.rebuild();
    this.writerLock.release();
  }

  private insertOnce(
    key: FlowWords,
    mask: FlowWords,
    actions: Int32Array,
    actionsLength: number,
    ufid: FlowUfid | null,
    now: number,
  ): FlowRef {
    const { words, arena, masks } = this;
    const pairs = packMask(mask, maskPairs);
    const known = masks.find(maskPairs, pairs);
    if ((known !== 0 && this.findUnder(known, key) !== 0) || (ufid !== null && this.findByUfid(ufid) !== 0)) {
      return INSERT_EXISTS;
    }
    const slot = this.slots.allocate();
    if (slot < 0) {
      return INSERT_TOO_MANY;
    }
    const flow = arena.allocate(FLOW_KEY + pairs + COLD_WORDS);
    const block = this.writeActions(actions, actionsLength);
    const used = known !== 0 || flow === 0 || block === 0 ? known : masks.create(maskPairs, pairs);
    if (flow === 0 || block === 0 || used === 0) {
      return this.undoInsert(slot, flow, block);
    }
    words[flow + FLOW_MASK] = used;
    words[flow + FLOW_ACTIONS] = block;
    words[flow + FLOW_OUTPUT] = onlyOutput(actions, actionsLength);
    words[flow + FLOW_SLOT] = slot;
    words[flow + FLOW_KEY_WORDS] = pairs;
    packKey(words, used, key, words, flow + FLOW_KEY);
    const cold = coldPart(words, flow);
    arena.doubles[(cold + COLD_CREATED) >> 1] = now;
    words[cold + COLD_SERIALISED] = 0;
    words[cold + COLD_HAS_UFID] = ufid === null ? 0 : 1;
    for (let word = 0; word < 4; word++) {
      words[cold + COLD_UFID + word] = ufid === null ? 0 : ufid[word]! | 0;
    }
    this.statistics.clear(slot);
    if (!this.link(flow, used)) {
      return this.undoInsert(slot, flow, block);
    }
    this.slots.fill(slot, flow);
    words[H_FLOW_COUNT] = words[H_FLOW_COUNT]! + 1;
    return flow;
  }

  /** Makes the flow reachable: in its mask's table, by UFID, in the tree. False, and all undone, when there is no room. */
  private link(flow: FlowRef, mask: MaskRef): boolean {
    const { words, arena, epochs } = this;
    words[mask + MASK_FLOWS] = words[mask + MASK_FLOWS]! + 1;
    const cold = coldPart(words, flow);
    if (!insertFlow(arena, mask, flow, epochs)) {
      this.releaseMask(mask);
      return false;
    }
    if (
      words[cold + COLD_HAS_UFID] === 1 &&
      !this.ufids.insert(hashWords(words, cold + COLD_UFID, 4, UFID_SEED), flow)
    ) {
      words[cold + COLD_HAS_UFID] = 0;
      this.unlink(flow);
      return false;
    }
    if (this.tree !== null && !this.tree.insert(flow)) {
      this.unlink(flow);
      return false;
    }
    return true;
  }

  /** Takes the flow out of everything but the tree and the slots. */
  private unlink(flow: FlowRef): void {
    const words = this.words;
    const cold = coldPart(words, flow);
    const mask = words[flow + FLOW_MASK]!;
    if (words[cold + COLD_HAS_UFID] === 1) {
      this.ufids.remove(hashWords(words, cold + COLD_UFID, 4, UFID_SEED), flow);
    }
    removeFlow(this.arena, mask, flow, this.epochs);
    const doubles = this.arena.doubles;
    const hits = (mask + MASK_HITS) >> 1;
    doubles[hits] = doubles[hits]! + this.statistics.packets(words[flow + FLOW_SLOT]!);
    this.releaseMask(mask);
  }

  private releaseMask(mask: MaskRef): void {
    const flows = this.words[mask + MASK_FLOWS]! - 1;
    this.words[mask + MASK_FLOWS] = flows;
    if (flows === 0) {
      this.masks.remove(mask);
    }
  }

  /** Readers may have seen the flow in a table already, so nothing of it is free at once. */
  private undoInsert(slot: number, flow: FlowRef, actions: number): FlowRef {
    if (actions !== 0) {
      this.epochs.retire(actions, RETIRED_BLOCK);
    }
    if (flow !== 0) {
      this.words[flow + FLOW_SLOT] = slot;
      this.epochs.retire(flow, RETIRED_FLOW);
    } else {
      this.slots.release(slot);
    }
    return INSERT_NO_SPACE;
  }

  private retireFlow(flow: FlowRef): void {
    const { words, epochs } = this;
    const serialised = words[coldPart(words, flow) + COLD_SERIALISED]!;
    if (serialised !== 0) {
      epochs.retire(serialised, RETIRED_BLOCK);
    }
    epochs.retire(words[flow + FLOW_ACTIONS]!, RETIRED_BLOCK);
    epochs.retire(flow, RETIRED_FLOW);
  }

  private findUnder(mask: MaskRef, key: FlowWords): FlowRef {
    packKey(this.words, mask, key, packedKey, 0);
    return findPacked(this.words, mask, packedKey);
  }

  private writeActions(actions: Int32Array, length: number): number {
    const block = this.arena.allocate(1 + length);
    if (block !== 0) {
      const words = this.words;
      words[block] = length;
      for (let word = 0; word < length; word++) {
        words[block + 1 + word] = actions[word]!;
      }
    }
    return block;
  }

  private makeSerialised(flow: FlowRef): Uint8Array {
    if (this.serialise === null) {
      throw new Error('the flow table was made without a function to serialise flows');
    }
    this.readKey(flow, keyScratch);
    this.readMask(flow, maskScratch);
    return this.serialise(keyScratch, maskScratch);
  }

  private storeSerialised(flow: FlowRef, at: number, made: Uint8Array): boolean {
    if (this.slots.flowAt(this.words[flow + FLOW_SLOT]!) !== flow) {
      // removed meanwhile: nobody would free the bytes
      return false;
    }
    const block = this.arena.allocate(1 + ((made.length + 3) >> 2));
    if (block === 0) {
      return false;
    }
    this.words[block] = made.length;
    this.arena.bytes.set(made, (block + 1) * 4);
    publish(this.words, at, block);
    return true;
  }

  private countMaskHits(): (mask: MaskRef) => number {
    const hits = new Map<MaskRef, number>();
    for (let slot = 0; slot < this.slots.high; slot++) {
      const flow = this.slots.flowAt(slot);
      if (flow !== 0) {
        const mask = this.maskOf(flow);
        hits.set(mask, (hits.get(mask) ?? 0) + this.statistics.packets(slot));
      }
    }
    return (mask) => (hits.get(mask) ?? 0) + this.arena.doubles[(mask + MASK_HITS) >> 1]!;
  }
}

/** The port, if the code is one output and nothing else; otherwise -1. */
function onlyOutput(code: Int32Array, length: number): number {
  return length === 2 && code[0] === OUTPUT_HEADER ? code[1]! : -1;
}

function hashUfid(ufid: FlowUfid): number {
  for (let word = 0; word < 4; word++) {
    packedKey[word] = ufid[word]!;
  }
  return hashWords(packedKey, 0, 4, UFID_SEED);
}

/** Xorshift: as hard to guess as the first seed for somebody who sees none of them. */
function nextSeed(seed: number): number {
  let next = seed | 1;
  next ^= next << 13;
  next ^= next >>> 17;
  next ^= next << 5;
  return next;
}
