/**
 * Lookup by the mask list: mask after mask until a flow matches, with the mask cache in front.
 *
 * This is what Open vSwitch's kernel module does, and the reference for the tree (hash-tree.ts). It costs some
 * nanoseconds for each mask walked. The words that all masks begin with are hashed once per packet.
 *
 * The mask cache remembers for a packet's hash which place of the mask list hit last time. A hash has four segments of
 * as many bits as index the cache, and so four entries that it may be in. Each thread has a cache of its own, outside the arena.
 * Its entries are hints: a place that now holds another mask, or none, only costs the comparison that fails.
 */
import type { FlowWords } from '../flow/index.ts';
import { type Arena, H_MASK_LIST, H_SEED, T_COUNTERS, THREAD_LINE_WORDS, THREAD_LINES } from './arena.ts';
import { type FlowRef, hashLaneA, hashLaneB } from './flow-record.ts';
import { COUNTER_CACHE_HITS, COUNTER_HITS, COUNTER_MASK_HITS, COUNTER_MISSED } from './flow-statistics.ts';
import { LIST_LENGTH, LIST_MASKS, LIST_PAIRS, LIST_SHARED } from './mask-store.ts';
import { lookupInMask } from './tag-table.ts';

const SEGMENTS = 4;
const ENTRY_HASH = 0;
const ENTRY_POSITION = 1;

export class MaskLookup {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  /** index of this thread's first counter in `doubles` */
  private readonly counters: number;
  /** pairs of packet hash (0: empty) and place in the mask list */
  private cache: Int32Array = new Int32Array(0);
  private cacheLast = -1;
  private segmentBits = 0;

  constructor(arena: Arena, thread: number, cacheSize: number) {
    this.words = arena.words;
    this.doubles = arena.doubles;
    this.counters = ((THREAD_LINES + thread * THREAD_LINE_WORDS) >> 1) + T_COUNTERS;
    this.resizeCache(cacheSize);
  }

  get cacheSize(): number {
    return this.cacheLast + 1;
  }

  /** Empties the cache and gives it `size` entries, a power of two or 0 for none. */
  resizeCache(size: number): void {
    if (size < 0 || (size & (size - 1)) !== 0) {
      throw new RangeError(`wrong size of the mask cache: expected a power of two or 0, got ${size}`);
    }
    this.cache = new Int32Array(2 * size);
    this.cacheLast = size - 1;
    this.segmentBits = size === 0 ? 0 : Math.min(8, 31 - Math.clz32(size));
  }

  /** A flow that `key` matches, or 0. `hash` is the packet's; 0 passes the cache by. */
  lookup(key: FlowWords, hash: number): FlowRef {
    const words = this.words;
    const list = words[H_MASK_LIST]!;
    if (hash !== 0 && this.cacheLast >= 0 && list !== 0) {
      return this.lookupWithCache(key, hash, list);
    }
    const length = list === 0 ? 0 : words[list + LIST_LENGTH]!;
    const shared = list === 0 ? 0 : words[list + LIST_SHARED]!;
    const seed = words[H_SEED]!;
    const laneA = hashLaneA(words, list + LIST_PAIRS, shared, seed, key);
    const laneB = hashLaneB(words, list + LIST_PAIRS, shared, seed, key);
    let visited = 0;
    for (let at = list + LIST_MASKS; at < list + LIST_MASKS + length; at++) {
      const mask = words[at]!;
      if (mask !== 0) {
        visited++;
        const flow = lookupInMask(words, mask, key, shared, seed, laneA, laneB);
        if (flow !== 0) {
          return this.count(flow, visited);
        }
      }
    }
    return this.count(0, visited);
  }

  private lookupWithCache(key: FlowWords, hash: number, list: number): FlowRef {
    const { words, cache, cacheLast, segmentBits } = this;
    const length = words[list + LIST_LENGTH]!;
    const shared = words[list + LIST_SHARED]!;
    const seed = words[H_SEED]!;
    const laneA = hashLaneA(words, list + LIST_PAIRS, shared, seed, key);
    const laneB = hashLaneB(words, list + LIST_PAIRS, shared, seed, key);
    let visited = 0;
    let victim = -1;
    let hinted = -1;
    let rest = hash;
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const entry = (rest & cacheLast) << 1;
      const seen = cache[entry + ENTRY_HASH]!;
      if (seen === hash) {
        victim = entry;
        hinted = cache[entry + ENTRY_POSITION]!;
        const mask = hinted < length ? words[list + LIST_MASKS + hinted]! : 0;
        if (mask !== 0) {
          visited++;
          const flow = lookupInMask(words, mask, key, shared, seed, laneA, laneB);
          if (flow !== 0) {
            const doubles = this.doubles;
            doubles[this.counters + COUNTER_CACHE_HITS] = doubles[this.counters + COUNTER_CACHE_HITS]! + 1;
            return this.count(flow, visited);
          }
        }
        break;
      }
      // an empty entry first, else the smallest hash: any rule will do that chooses alike for like hashes
      const worst = victim < 0 ? 1 : cache[victim + ENTRY_HASH]!;
      if (victim < 0 || (worst !== 0 && (seen === 0 || seen < worst))) {
        victim = entry;
      }
      rest >>>= segmentBits;
    }
    for (let position = 0; position < length; position++) {
      const mask = words[list + LIST_MASKS + position]!;
      if (mask !== 0 && position !== hinted) {
        visited++;
        const flow = lookupInMask(words, mask, key, shared, seed, laneA, laneB);
        if (flow !== 0) {
          cache[victim + ENTRY_HASH] = hash;
          cache[victim + ENTRY_POSITION] = position;
          return this.count(flow, visited);
        }
      }
    }
    if (hinted >= 0) {
      cache[victim + ENTRY_HASH] = 0;
    }
    return this.count(0, visited);
  }

  private count(flow: FlowRef, visited: number): FlowRef {
    const doubles = this.doubles;
    const counter = this.counters + (flow !== 0 ? COUNTER_HITS : COUNTER_MISSED);
    doubles[counter] = doubles[counter]! + 1;
    doubles[this.counters + COUNTER_MASK_HITS] = doubles[this.counters + COUNTER_MASK_HITS]! + visited;
    return flow;
  }
}
