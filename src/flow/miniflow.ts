/**
 * Sparse flows and masks: a bit map of the nonzero words, and those words.
 *
 * A flow has 163 words, of which a packet sets 10 to 20 and a megaflow's mask 5 to 10: whoever keeps many flows (ukeys,
 * the change log between threads, effects that wait for statistics) keeps them so, at a tenth of the size. The form is
 * one Int32Array: `MINIFLOW_MAP_WORDS` words of bit map (word `w` of the flow is bit `w & 31` of map word `w >>> 5`),
 * then the nonzero words in order. It is canonical, equal flows have equal miniflows, and it can be copied to another
 * thread or into a file as it is.
 *
 * A *minimask* is the miniflow of a mask. A *minimatch* is a minimask and, for each of its words, the masked value.
 * These are for keeping and comparing; the lookup structures (the classifier, the datapath's flow table) have forms of
 * their own that suit their loops.
 */
import { hashWords } from './hash.ts';
import { FLOW_WORDS, type FlowWords } from './key.ts';
import { createMatch, type Match } from './match.ts';

/** Bit map words in front of a miniflow's values. */
export const MINIFLOW_MAP_WORDS = 6;

export type Miniflow = Int32Array;

export interface Minimatch {
  readonly mask: Miniflow;
  /** one word per word of the mask, with no bit outside it */
  readonly values: Int32Array;
}

/** The sparse form of a flow or mask. */
export function compressFlow(flow: FlowWords): Miniflow {
  let count = 0;
  for (let word = 0; word < FLOW_WORDS; word++) {
    count += flow[word] !== 0 ? 1 : 0;
  }
  const miniflow = new Int32Array(MINIFLOW_MAP_WORDS + count);
  let at = MINIFLOW_MAP_WORDS;
  for (let word = 0; word < FLOW_WORDS; word++) {
    const value = flow[word]!;
    if (value !== 0) {
      miniflow[word >>> 5] = miniflow[word >>> 5]! | (1 << (word & 31));
      miniflow[at++] = value;
    }
  }
  return miniflow;
}

/** Writes all words of `flow` as the miniflow has them. */
export function expandFlow(miniflow: Miniflow, flow: FlowWords): void {
  flow.fill(0);
  let at = MINIFLOW_MAP_WORDS;
  for (let index = 0; index < MINIFLOW_MAP_WORDS; index++) {
    for (let bits = miniflow[index]!; bits !== 0; bits &= bits - 1) {
      flow[32 * index + lowestBit(bits)] = miniflow[at++]!;
    }
  }
}

/** The numbers of the flow's words that the miniflow has, ascending: its values stand in this order. */
export function miniflowWords(miniflow: Miniflow): Uint8Array {
  const words = new Uint8Array(miniflow.length - MINIFLOW_MAP_WORDS);
  let count = 0;
  for (let index = 0; index < MINIFLOW_MAP_WORDS; index++) {
    for (let bits = miniflow[index]!; bits !== 0; bits &= bits - 1) {
      words[count++] = 32 * index + lowestBit(bits);
    }
  }
  return words;
}

/** One word of the flow. */
export function miniflowWord(miniflow: Miniflow, word: number): number {
  const index = word >>> 5;
  const bit = 1 << (word & 31);
  if ((miniflow[index]! & bit) === 0) {
    return 0;
  }
  let at = MINIFLOW_MAP_WORDS + countBits(miniflow[index]! & (bit - 1));
  for (let before = 0; before < index; before++) {
    at += countBits(miniflow[before]!);
  }
  return miniflow[at]!;
}

/** Whether two miniflows are of the same flow; for the values of minimatches too. */
export function miniflowsEqual(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) {
    return false;
  }
  for (let at = 0; at < a.length; at++) {
    if (a[at] !== b[at]) {
      return false;
    }
  }
  return true;
}

export function hashMiniflow(miniflow: Miniflow, basis: number): number {
  return hashWords(miniflow, 0, miniflow.length, basis);
}

/** Whether every bit of the mask `a` is in the mask `b`: `a` is as wide as `b` or wider. */
export function isMinimaskSubset(a: Miniflow, b: Miniflow): boolean {
  let atA = MINIFLOW_MAP_WORDS;
  let atB = MINIFLOW_MAP_WORDS;
  for (let index = 0; index < MINIFLOW_MAP_WORDS; index++) {
    const mapA = a[index]!;
    const mapB = b[index]!;
    if ((mapA & ~mapB) !== 0) {
      return false;
    }
    for (let bits = mapA; bits !== 0; bits &= bits - 1) {
      const below = (bits & -bits) - 1;
      if ((a[atA++]! & ~b[atB + countBits(mapB & below)]!) !== 0) {
        return false;
      }
    }
    atB += countBits(mapB);
  }
  return true;
}

/** The masked words of `flow`, one for each word of the mask: what a minimatch keeps, and what is hashed. */
export function maskedWords(flow: FlowWords, mask: Miniflow): Int32Array {
  const values = new Int32Array(mask.length - MINIFLOW_MAP_WORDS);
  let count = 0;
  for (let index = 0; index < MINIFLOW_MAP_WORDS; index++) {
    for (let bits = mask[index]!; bits !== 0; bits &= bits - 1) {
      values[count] = flow[32 * index + lowestBit(bits)]! & mask[MINIFLOW_MAP_WORDS + count]!;
      count++;
    }
  }
  return values;
}

/** The sparse form of a match. `mask`: the match's minimask where there is one already, to be shared. */
export function compressMatch(match: Match, mask: Miniflow = compressFlow(match.masks)): Minimatch {
  return { mask, values: maskedWords(match.values, mask) };
}

/** The dense form of a minimatch. */
export function expandMatch(minimatch: Minimatch): Match {
  const match = createMatch();
  const { mask, values } = minimatch;
  const words = miniflowWords(mask);
  for (let at = 0; at < words.length; at++) {
    match.masks[words[at]!] = mask[MINIFLOW_MAP_WORDS + at]!;
    match.values[words[at]!] = values[at]!;
  }
  return match;
}

/** Whether `flow` satisfies `minimatch`. */
export function minimatchMatchesFlow(minimatch: Minimatch, flow: FlowWords): boolean {
  const { mask, values } = minimatch;
  let count = 0;
  for (let index = 0; index < MINIFLOW_MAP_WORDS; index++) {
    for (let bits = mask[index]!; bits !== 0; bits &= bits - 1) {
      const difference = flow[32 * index + lowestBit(bits)]! ^ values[count]!;
      if ((difference & mask[MINIFLOW_MAP_WORDS + count]!) !== 0) {
        return false;
      }
      count++;
    }
  }
  return true;
}

/** Whether some flow satisfies both matches. */
export function minimatchesOverlap(a: Minimatch, b: Minimatch): boolean {
  let atA = 0;
  let atB = 0;
  for (let index = 0; index < MINIFLOW_MAP_WORDS; index++) {
    const mapA = a.mask[index]!;
    const mapB = b.mask[index]!;
    for (let bits = mapA & mapB; bits !== 0; bits &= bits - 1) {
      const below = (bits & -bits) - 1;
      const inA = atA + countBits(mapA & below);
      const inB = atB + countBits(mapB & below);
      const common = a.mask[MINIFLOW_MAP_WORDS + inA]! & b.mask[MINIFLOW_MAP_WORDS + inB]!;
      if (((a.values[inA]! ^ b.values[inB]!) & common) !== 0) {
        return false;
      }
    }
    atA += countBits(mapA);
    atB += countBits(mapB);
  }
  return true;
}

/** Whether every flow that satisfies `narrow` satisfies `wide`, as loose modification and deletion ask. */
export function minimatchCovers(wide: Minimatch, narrow: Minimatch): boolean {
  return isMinimaskSubset(wide.mask, narrow.mask) && minimatchesOverlap(wide, narrow);
}

/** Number of the lowest bit set. */
function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function countBits(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
