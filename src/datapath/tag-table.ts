/**
 * Tag tables: the flows of one mask, by hash of their masked key.
 *
 * A bucket is four words: three flows, and before them a word with an eight-bit tag of each one's hash and an overflow
 * bit. All tags are compared at once with arithmetic on the word, so that the usual outcome in a list of masks, "not here",
 * costs one load and one branch that is well predicted; open addressing with full hashes branches unpredictably on
 * "is this place empty" for every mask. A full bucket sets its overflow bit and spills into the next one.
 *
 * Each table has its own seed, so that a table is seeded anew by building its successor and publishing that with one
 * store in the mask's record. Within a table a flow appears by the store of the tag word and vanishes by it; whoever looked
 * at the older word compares the flow in full and is not deceived.
 */
import type { FlowWords } from '../flow/index.ts';
import type { Arena } from './arena.ts';
import { type Epochs, RETIRED_BLOCK } from './epochs.ts';
import {
  continueHash,
  FLOW_KEY,
  FLOW_KEY_WORDS,
  type FlowRef,
  flowMatches,
  hashPairs,
  hashWords,
  MASK_PAIR_BASE,
  MASK_PAIRS,
  MASK_TABLE,
  type MaskRef,
  publish,
} from './flow-record.ts';

const TABLE_LAST_BUCKET = 0;
const TABLE_SEED = 1;
const TABLE_FLOWS = 2;
/** buckets that have spilled, emptied since or not */
const TABLE_OVERFLOWED = 3;
const TABLE_BUCKETS = 4;
const BUCKET_WORDS = 4;
const BUCKET_FLOWS = 3;

const OVERFLOW = 1 << 24;
const ONES = 0x010101;
const HIGH_BITS = 0x808080;

/** Tag of a hash, 1..255; its bits are not those that choose the bucket. */
function tagOf(hash: number): number {
  const tag = hash >>> 24;
  return tag | ((tag - 1) >>> 31);
}

/**
 * The flow of `mask` that `key` matches, or 0. The hash goes on behind the first `shared` pairs, whose lanes under `seed` are given
 * (mask-lookup.ts), unless the table has another seed.
 */
export function lookupInMask(
  words: Int32Array,
  mask: MaskRef,
  key: FlowWords,
  shared: number,
  seed: number,
  laneA: number,
  laneB: number,
): FlowRef {
  const table = words[mask + MASK_TABLE]!;
  const count = words[mask + MASK_PAIRS]!;
  const hash =
    words[table + TABLE_SEED] === seed
      ? continueHash(words, mask + MASK_PAIR_BASE + 2 * shared, count - shared, laneA, laneB, key)
      : hashPairs(words, mask + MASK_PAIR_BASE, count, words[table + TABLE_SEED]!, key);
  const tags = words[table + TABLE_BUCKETS + (hash & words[table + TABLE_LAST_BUCKET]!) * BUCKET_WORDS]!;
  const unlike = tags ^ Math.imul(tagOf(hash), ONES);
  if ((((unlike - ONES) & ~unlike & HIGH_BITS) | (tags & OVERFLOW)) === 0) {
    return 0;
  }
  return lookupInBuckets(words, table, hash, key);
}

function lookupInBuckets(words: Int32Array, table: number, hash: number, key: FlowWords): FlowRef {
  const last = words[table + TABLE_LAST_BUCKET]!;
  const wanted = Math.imul(tagOf(hash), ONES);
  for (let probe = 0; probe <= last; probe++) {
    const bucket = table + TABLE_BUCKETS + ((hash + probe) & last) * BUCKET_WORDS;
    const tags = words[bucket]!;
    const unlike = tags ^ wanted;
    for (let place = 0; place < BUCKET_FLOWS; place++) {
      if (((unlike >>> (8 * place)) & 0xff) === 0) {
        const flow = words[bucket + 1 + place]!;
        if (flowMatches(words, flow, key)) {
          return flow;
        }
      }
    }
    if ((tags & OVERFLOW) === 0) {
      return 0;
    }
  }
  return 0;
}

/** A table of `1 << bits` buckets; 0 when there is no room. */
export function createTagTable(arena: Arena, bits: number, seed: number): number {
  const table = arena.allocate(TABLE_BUCKETS + (BUCKET_WORDS << bits));
  if (table !== 0) {
    const words = arena.words;
    words[table + TABLE_LAST_BUCKET] = (1 << bits) - 1;
    words[table + TABLE_SEED] = seed;
    words.fill(0, table + TABLE_FLOWS, table + TABLE_BUCKETS + (BUCKET_WORDS << bits));
  }
  return table;
}

/** Puts a flow into the table; false when every place is taken. */
function insertIntoTable(words: Int32Array, table: number, flow: FlowRef): boolean {
  const last = words[table + TABLE_LAST_BUCKET]!;
  const hash = hashWords(words, flow + FLOW_KEY, words[flow + FLOW_KEY_WORDS]!, words[table + TABLE_SEED]!);
  for (let probe = 0; probe <= last; probe++) {
    const bucket = table + TABLE_BUCKETS + ((hash + probe) & last) * BUCKET_WORDS;
    const tags = words[bucket]!;
    for (let place = 0; place < BUCKET_FLOWS; place++) {
      if (((tags >>> (8 * place)) & 0xff) === 0) {
        words[bucket + 1 + place] = flow;
        publish(words, bucket, tags | (tagOf(hash) << (8 * place)));
        words[table + TABLE_FLOWS] = words[table + TABLE_FLOWS]! + 1;
        return true;
      }
    }
    if ((tags & OVERFLOW) === 0) {
      publish(words, bucket, tags | OVERFLOW);
      words[table + TABLE_OVERFLOWED] = words[table + TABLE_OVERFLOWED]! + 1;
    }
  }
  return false;
}

/**
 * Puts a flow into its mask's table, doubling the table when there are more flows than buckets. False when there was no
 * room.
 */
export function insertFlow(arena: Arena, mask: MaskRef, flow: FlowRef, epochs: Epochs): boolean {
  const words = arena.words;
  const table = words[mask + MASK_TABLE]!;
  const buckets = words[table + TABLE_LAST_BUCKET]! + 1;
  if (words[table + TABLE_FLOWS]! >= buckets) {
    rebuildTable(arena, mask, buckets * 2, words[table + TABLE_SEED]!, epochs);
  } else if (words[table + TABLE_OVERFLOWED]! * 4 > buckets && buckets > 4) {
    // bits of spills that are gone: without this a table that changes much would end as one long chain
    rebuildTable(arena, mask, buckets, words[table + TABLE_SEED]!, epochs);
  }
  return insertIntoTable(words, words[mask + MASK_TABLE]!, flow);
}

/** Takes a flow out of its mask's table; the table shrinks when it is nearly empty. */
export function removeFlow(arena: Arena, mask: MaskRef, flow: FlowRef, epochs: Epochs): void {
  const words = arena.words;
  const table = words[mask + MASK_TABLE]!;
  const last = words[table + TABLE_LAST_BUCKET]!;
  const seed = words[table + TABLE_SEED]!;
  const hash = hashWords(words, flow + FLOW_KEY, words[flow + FLOW_KEY_WORDS]!, seed);
  for (let probe = 0; probe <= last; probe++) {
    const bucket = table + TABLE_BUCKETS + ((hash + probe) & last) * BUCKET_WORDS;
    const tags = words[bucket]!;
    for (let place = 0; place < BUCKET_FLOWS; place++) {
      if (words[bucket + 1 + place] === flow && ((tags >>> (8 * place)) & 0xff) !== 0) {
        publish(words, bucket, tags & ~(0xff << (8 * place)));
        const flows = words[table + TABLE_FLOWS]! - 1;
        words[table + TABLE_FLOWS] = flows;
        if (flows * 8 < last && last >= 15) {
          rebuildTable(arena, mask, (last + 1) >> 2, seed, epochs);
        }
        return;
      }
    }
  }
}

/** The flow of `mask` whose key is `packed`, or 0. */
export function findPacked(words: Int32Array, mask: MaskRef, packed: Int32Array): FlowRef {
  const table = words[mask + MASK_TABLE]!;
  const last = words[table + TABLE_LAST_BUCKET]!;
  const count = words[mask + MASK_PAIRS]!;
  const hash = hashWords(packed, 0, count, words[table + TABLE_SEED]!);
  const tag = tagOf(hash);
  for (let probe = 0; probe <= last; probe++) {
    const bucket = table + TABLE_BUCKETS + ((hash + probe) & last) * BUCKET_WORDS;
    const tags = words[bucket]!;
    for (let place = 0; place < BUCKET_FLOWS; place++) {
      if (((tags >>> (8 * place)) & 0xff) === tag) {
        const flow = words[bucket + 1 + place]!;
        if (sameWords(words, flow + FLOW_KEY, packed, count)) {
          return flow;
        }
      }
    }
    if ((tags & OVERFLOW) === 0) {
      return 0;
    }
  }
  return 0;
}

function sameWords(words: Int32Array, at: number, packed: Int32Array, count: number): boolean {
  for (let index = 0; index < count; index++) {
    if (words[at + index] !== packed[index]) {
      return false;
    }
  }
  return true;
}

/** Replaces the mask's table by one with `buckets` buckets and `seed`; without room for that the old one stays. */
function rebuildTable(arena: Arena, mask: MaskRef, buckets: number, seed: number, epochs: Epochs): void {
  const words = arena.words;
  const old = words[mask + MASK_TABLE]!;
  const table = createTagTable(arena, 31 - Math.clz32(buckets), seed);
  if (table === 0) {
    return;
  }
  for (let bucket = old + TABLE_BUCKETS; bucket < old + tableWords(words, old); bucket += BUCKET_WORDS) {
    for (let place = 0; place < BUCKET_FLOWS; place++) {
      if (((words[bucket]! >>> (8 * place)) & 0xff) !== 0) {
        insertIntoTable(words, table, words[bucket + 1 + place]!);
      }
    }
  }
  publish(words, mask + MASK_TABLE, table);
  epochs.retire(old, RETIRED_BLOCK);
}

function tableWords(words: Int32Array, table: number): number {
  return TABLE_BUCKETS + (words[table + TABLE_LAST_BUCKET]! + 1) * BUCKET_WORDS;
}

/** Seeds the mask's table anew. */
export function reseedTable(arena: Arena, mask: MaskRef, seed: number, epochs: Epochs): void {
  const buckets = arena.words[arena.words[mask + MASK_TABLE]! + TABLE_LAST_BUCKET]! + 1;
  rebuildTable(arena, mask, buckets, seed, epochs);
}
