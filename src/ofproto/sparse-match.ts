/**
 * The form in which rules keep their matches: only the words that the mask touches.
 *
 * A dense match is 2 x 163 words (1.3 kB); a rule looks at about six of them. The words stand in the order of the lookup stages
 * (stages.ts), so a subtable's loops run over them front to back. All rules of a subtable share one `SparseMask`; each
 * has its own values.
 */
import { createMatch, type FlowWords, finishHash, hashWord, type Match } from '../flow/index.ts';
import { POSITION_BITS, POSITION_STAGE, POSITION_WORD, POSITIONS_COUNT, STAGE_NAMES } from './stages.ts';

/** Start of the classifier's hashes. Each lookup stage continues the hash of the stage before it. */
export const HASH_SEED = 0x2545f491;

/** The nonzero words of a mask, in the order of the lookup stages. A word may occur twice, with different bits. */
export interface SparseMask {
  /** index in the flow of each entry's word */
  readonly words: Int32Array;
  /** mask of each entry */
  readonly bits: Int32Array;
  /** for each stage that has entries: the index after its last entry */
  readonly stageEnds: Int32Array;
  /** for each stage that has entries: its index in `STAGE_NAMES` */
  readonly stages: Int32Array;
  /** hash of words and bits */
  readonly hash: number;
}

/** A match: per entry of the mask the value, with no bit outside the mask. */
export interface SparseMatch {
  readonly mask: SparseMask;
  readonly values: Int32Array;
}

const scratchWords = new Int32Array(POSITIONS_COUNT);
const scratchBits = new Int32Array(POSITIONS_COUNT);
const scratchStages = new Int32Array(STAGE_NAMES.length);
const scratchStageEnds = new Int32Array(STAGE_NAMES.length);

/** The sparse form of a dense mask. */
export function sparseMask(masks: FlowWords): SparseMask {
  let entries = 0;
  let stages = 0;
  let hash = HASH_SEED;
  for (let position = 0; position < POSITIONS_COUNT; position++) {
    const word = POSITION_WORD[position]!;
    const bits = masks[word]! & POSITION_BITS[position]!;
    if (bits === 0) {
      continue;
    }
    const stage = POSITION_STAGE[position]!;
    if (stages === 0 || scratchStages[stages - 1] !== stage) {
      scratchStages[stages] = stage;
      stages++;
    }
    scratchWords[entries] = word;
    scratchBits[entries] = bits;
    entries++;
    scratchStageEnds[stages - 1] = entries;
    hash = hashWord(hashWord(hash, word), bits);
  }
  return {
    words: scratchWords.slice(0, entries),
    bits: scratchBits.slice(0, entries),
    stageEnds: scratchStageEnds.slice(0, stages),
    stages: scratchStages.slice(0, stages),
    hash: finishHash(hash),
  };
}

/** The sparse form of a dense match; value bits outside the mask are dropped. */
export function sparseMatch(match: Match): SparseMatch {
  const mask = sparseMask(match.masks);
  return { mask, values: maskedValues(match.values, mask) };
}

/** The dense form of a sparse match. */
export function denseMatch(match: SparseMatch): Match {
  const dense = createMatch();
  const { words, bits } = match.mask;
  for (let entry = 0; entry < words.length; entry++) {
    const word = words[entry]!;
    dense.masks[word] = dense.masks[word]! | bits[entry]!;
    dense.values[word] = dense.values[word]! | match.values[entry]!;
  }
  return dense;
}

/** The flow's values under the mask, one per entry. */
export function maskedValues(flow: FlowWords, mask: SparseMask): Int32Array {
  const { words, bits } = mask;
  const values = new Int32Array(words.length);
  for (let entry = 0; entry < words.length; entry++) {
    values[entry] = flow[words[entry]!]! & bits[entry]!;
  }
  return values;
}

/** Whether two masks have the same bits. */
export function sparseMaskEquals(a: SparseMask, b: SparseMask): boolean {
  return a === b || (a.hash === b.hash && wordsEqual(a.words, b.words) && wordsEqual(a.bits, b.bits));
}

/** Whether `flow` satisfies `match`. */
export function sparseMatchesFlow(match: SparseMatch, flow: FlowWords): boolean {
  const { words, bits } = match.mask;
  const { values } = match;
  for (let entry = 0; entry < words.length; entry++) {
    if (((flow[words[entry]!]! ^ values[entry]!) & bits[entry]!) !== 0) {
      return false;
    }
  }
  return true;
}

/** Bits of `mask` in the given word. */
export function sparseMaskBits(mask: SparseMask, word: number): number {
  let bits = 0;
  for (let entry = 0; entry < mask.words.length; entry++) {
    if (mask.words[entry] === word) {
      bits |= mask.bits[entry]!;
    }
  }
  return bits;
}

function wordsEqual(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) {
    return false;
  }
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) {
      return false;
    }
  }
  return true;
}
