/**
 * How flows and masks lie in the arena, and what is done with them word by word: pack, hash, compare.
 *
 * A flow key has 163 words and a megaflow looks at about eight of them. So a mask is a list of pairs (index of a
 * word, bits of it) for its nonzero words, and a flow holds only the words that its mask names, already masked, in the same order:
 * a lookup touches nothing else. Lists are padded to an even length with pairs (0, 0), which change neither hash nor
 * comparison, because two words at a time in two independent lanes halve the time of the hash, a chain of dependent multiplications.
 *
 * The hash is rotate, xor, multiply for each word, with a finalizer that spreads every bit: seeded and good on
 * structured keys, at half the cost of jhash. A comparison ors all differences and branches once: where words differ is not predictable.
 */
import { FLOW_WORDS, type FlowWords } from '../flow/index.ts';

/** Offset of a flow's record in the arena; 0 is no flow. */
export type FlowRef = number;
/** Offset of a mask's record in the arena; 0 is no mask. */
export type MaskRef = number;

/** the mask's tag table (tag-table.ts) */
export const MASK_TABLE = 0;
/** pairs, padding included */
export const MASK_PAIRS = 1;
/** flows that have this mask */
export const MASK_FLOWS = 2;
/** place in the mask list */
export const MASK_POSITION = 3;
/** a double: packets of flows that are gone */
export const MASK_HITS = 4;
/** hash of the mask itself */
export const MASK_HASH = 6;
export const MASK_PAIR_BASE = 8;

export const FLOW_MASK = 0;
/** offset of the block [length, action code …] */
export const FLOW_ACTIONS = 1;
export const FLOW_SLOT = 2;
/** words of the packed key, padding included */
export const FLOW_KEY_WORDS = 3;
/** the port, if the only action is an output; otherwise -1. Saves most packets the load of the action code. */
export const FLOW_OUTPUT = 4;
export const FLOW_KEY = 6;

/** What lookups do not touch lies behind the key; distances from its end. A double: when the flow was made. */
export const COLD_CREATED = 0;
export const COLD_UFID = 2;
/** offset of the block [length in bytes, bytes …], 0 when nothing was serialised yet */
export const COLD_SERIALISED = 6;
export const COLD_HAS_UFID = 7;
export const COLD_WORDS = 8;

const MULTIPLIER_A = 0x9e3779b1 | 0;
const MULTIPLIER_B = 0x85ebca77 | 0;
const FINALIZER = 0xc2b2ae3d | 0;

/** Room for the pairs of any mask, padded. */
export const MAX_PAIRS: number = FLOW_WORDS + 1;

/** Writes the pairs of `mask` to `pairs` and returns their number, padding included. */
export function packMask(mask: FlowWords, pairs: Int32Array): number {
  let count = 0;
  for (let word = 0; word < FLOW_WORDS; word++) {
    const bits = mask[word]!;
    if (bits !== 0) {
      pairs[2 * count] = word;
      pairs[2 * count + 1] = bits;
      count++;
    }
  }
  return padPairs(pairs, count);
}

/** Makes the number of pairs even; returns it. */
export function padPairs(pairs: Int32Array, count: number): number {
  if ((count & 1) === 0) {
    return count;
  }
  pairs[2 * count] = 0;
  pairs[2 * count + 1] = 0;
  return count + 1;
}

/** Hash of `key` under the `count` (even) pairs at `base` of `words`. */
export function hashPairs(words: Int32Array, base: number, count: number, seed: number, key: FlowWords): number {
  return continueHash(words, base, count, seed, seed ^ MULTIPLIER_B, key);
}

/** The hash from given lanes on. */
export function continueHash(
  words: Int32Array,
  base: number,
  count: number,
  laneA: number,
  laneB: number,
  key: FlowWords,
): number {
  let a = laneA;
  let b = laneB;
  const end = base + 2 * count;
  for (let at = base; at < end; at += 4) {
    a = Math.imul(((a << 13) | (a >>> 19)) ^ (key[words[at]!]! & words[at + 1]!), MULTIPLIER_A);
    b = Math.imul(((b << 13) | (b >>> 19)) ^ (key[words[at + 2]!]! & words[at + 3]!), MULTIPLIER_B);
  }
  const mixed = a ^ ((b << 16) | (b >>> 16));
  const spread = Math.imul(mixed ^ (mixed >>> 16), FINALIZER);
  return spread ^ (spread >>> 15);
}

/** The first lane of the hash after `count` (even) pairs. */
export function hashLaneA(words: Int32Array, base: number, count: number, seed: number, key: FlowWords): number {
  let a = seed;
  for (let at = base; at < base + 2 * count; at += 4) {
    a = Math.imul(((a << 13) | (a >>> 19)) ^ (key[words[at]!]! & words[at + 1]!), MULTIPLIER_A);
  }
  return a;
}

/** The second lane of the hash after `count` (even) pairs. */
export function hashLaneB(words: Int32Array, base: number, count: number, seed: number, key: FlowWords): number {
  let b = seed ^ MULTIPLIER_B;
  for (let at = base; at < base + 2 * count; at += 4) {
    b = Math.imul(((b << 13) | (b >>> 19)) ^ (key[words[at + 2]!]! & words[at + 3]!), MULTIPLIER_B);
  }
  return b;
}

/** The same hash for words that are masked already: `count` (even) words at `base` of `words`. */
export function hashWords(words: Int32Array, base: number, count: number, seed: number): number {
  let a = seed;
  let b = seed ^ MULTIPLIER_B;
  for (let at = base; at < base + count; at += 2) {
    a = Math.imul(((a << 13) | (a >>> 19)) ^ words[at]!, MULTIPLIER_A);
    b = Math.imul(((b << 13) | (b >>> 19)) ^ words[at + 1]!, MULTIPLIER_B);
  }
  const mixed = a ^ ((b << 16) | (b >>> 16));
  const spread = Math.imul(mixed ^ (mixed >>> 16), FINALIZER);
  return spread ^ (spread >>> 15);
}

/** Whether `key` matches the flow. */
export function flowMatches(words: Int32Array, flow: FlowRef, key: FlowWords): boolean {
  let pair = words[flow + FLOW_MASK]! + MASK_PAIR_BASE;
  const end = flow + FLOW_KEY + words[flow + FLOW_KEY_WORDS]!;
  let difference = 0;
  for (let at = flow + FLOW_KEY; at < end; at += 2) {
    difference |=
      ((key[words[pair]!]! & words[pair + 1]!) ^ words[at]!) |
      ((key[words[pair + 2]!]! & words[pair + 3]!) ^ words[at + 1]!);
    pair += 4;
  }
  return difference === 0;
}

/** Writes the words of `key` that the mask names, masked, to `at` of `out`. */
export function packKey(words: Int32Array, mask: MaskRef, key: FlowWords, out: Int32Array, at: number): void {
  const count = words[mask + MASK_PAIRS]!;
  for (let index = 0; index < count; index++) {
    const pair = mask + MASK_PAIR_BASE + 2 * index;
    out[at + index] = key[words[pair]!]! & words[pair + 1]!;
  }
}

/** Writes the flow's masked words to their places in `out`, which is zero there. */
export function unpackKey(words: Int32Array, flow: FlowRef, out: FlowWords): void {
  let pair = words[flow + FLOW_MASK]! + MASK_PAIR_BASE;
  const end = flow + FLOW_KEY + words[flow + FLOW_KEY_WORDS]!;
  for (let at = flow + FLOW_KEY; at < end; at++) {
    out[words[pair]!] = out[words[pair]!]! | words[at]!;
    pair += 2;
  }
}

/** Writes the mask's words to their places in `out`, which is zero there. */
export function unpackMask(words: Int32Array, mask: MaskRef, out: FlowWords): void {
  const end = mask + MASK_PAIR_BASE + 2 * words[mask + MASK_PAIRS]!;
  for (let pair = mask + MASK_PAIR_BASE; pair < end; pair += 2) {
    out[words[pair]!] = out[words[pair]!]! | words[pair + 1]!;
  }
}

/** Clears in `out` what `unpackKey` or `unpackMask` wrote there for this mask. */
export function clearUnpacked(words: Int32Array, mask: MaskRef, out: FlowWords): void {
  const end = mask + MASK_PAIR_BASE + 2 * words[mask + MASK_PAIRS]!;
  for (let pair = mask + MASK_PAIR_BASE; pair < end; pair += 2) {
    out[words[pair]!] = 0;
  }
}

/** Where the flow's cold part begins. */
export function coldPart(words: Int32Array, flow: FlowRef): number {
  return flow + FLOW_KEY + words[flow + FLOW_KEY_WORDS]!;
}

/** Makes `value` reachable for readers: everything written before is seen by who sees it. */
export function publish(words: Int32Array, at: number, value: number): void {
  Atomics.store(words, at, value);
}
