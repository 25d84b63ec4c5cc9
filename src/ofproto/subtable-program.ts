/**
 * The part of a subtable that a lookup reads, as a few dozen words in the classifier's arena, and the walk over it.
 *
 * A program says: for each stage, which words of the flow to hash under which bits, where the stage's table is, and which
 * prefix tries to ask first. Tables are open-addressed (hash, value) pairs; the value is a presence count, in the last
 * stage the row of a rule plus one.
 *
 *     PROGRAM_STAGES … PROGRAM_HAS_PORTS     header
 *     4 x STAGE_SIZE from PROGRAM_STAGE0     stages
 *     (word, bits) pairs                     entries of the mask, in the order of the stages
 *     (trie, prefix length) pairs            tries to ask, in the order of the stages
 */
import { type FlowWords, finishHash, hashWord, W_TP } from '../flow/index.ts';
import { hasHash } from './hash-counts.ts';
import type { PrefixTries } from './prefix-fields.ts';
import { HASH_SEED } from './sparse-match.ts';

/** number of stages, at least 1 */
export const PROGRAM_STAGES = 0;
/** number of entries of the mask */
export const PROGRAM_ENTRIES = 1;
/** offset in the arena of the rows' values */
export const PROGRAM_VALUES = 2;
/** the mask's bits of `W_TP`, which is then the last entry */
export const PROGRAM_PORTS_MASK = 3;
export const PROGRAM_STAGE0 = 4;
/** index after the stage's last entry */
export const STAGE_ENTRY_END = 0;
/** offset in the arena of the stage's table */
export const STAGE_TABLE = 1;
/** its number of slots, less 1 */
export const STAGE_SLOT_MASK = 2;
/** index after the stage's last trie */
export const STAGE_TRIE_END = 3;
export const STAGE_SIZE = 4;
const MAXIMUM_STAGES = 4;
export const PROGRAM_HEADER: number = PROGRAM_STAGE0 + MAXIMUM_STAGES * STAGE_SIZE;

/** Why no rule matched; these are the low bits of `-1 - result`, the stage and the trie are above. */
const MISS_STAGE = 0;
export const MISS_TRIE = 1;
/** the last stage's table told */
export const MISS_LAST = 2;
const MISS_CAUSE_BITS = 2;
const MISS_STAGE_BITS = 2;

export function missCause(result: number): number {
  return (-1 - result) & ((1 << MISS_CAUSE_BITS) - 1);
}

/** Index among the subtable's stages. */
export function missStage(result: number): number {
  return ((-1 - result) >>> MISS_CAUSE_BITS) & ((1 << MISS_STAGE_BITS) - 1);
}

export function missTrie(result: number): number {
  return (-1 - result) >>> (MISS_CAUSE_BITS + MISS_STAGE_BITS);
}

/**
 * The row of the highest-priority rule of the subtable that `flow` satisfies, or a miss (negative). Un-wildcards the bits that
 * told, except that after MISS_LAST in a subtable with ports those of the ports are left to the caller.
 */
export function runProgram(
  memory: Int32Array,
  program: number,
  flow: FlowWords,
  wildcards: FlowWords,
  tries: PrefixTries,
): number {
  const stages = memory[program + PROGRAM_STAGES]!;
  const entries = program + PROGRAM_HEADER;
  const firstTrie = entries + 2 * memory[program + PROGRAM_ENTRIES]!;
  const portsMask = memory[program + PROGRAM_PORTS_MASK]!;
  let hash = HASH_SEED;
  let entry = entries;
  let trie = firstTrie;
  let stageRecord = program + PROGRAM_STAGE0;
  let stage = 0;
  for (;;) {
    const trieEnd = firstTrie + 2 * memory[stageRecord + STAGE_TRIE_END]!;
    for (; trie < trieEnd; trie += 2) {
      if (tries.excludes(memory[trie]!, memory[trie + 1]!, flow, wildcards)) {
        return -1 - (MISS_TRIE | ((stage | (memory[trie]! << MISS_STAGE_BITS)) << MISS_CAUSE_BITS));
      }
    }
    let entryEnd = entries + 2 * memory[stageRecord + STAGE_ENTRY_END]!;
    const isLast = stage === stages - 1;
    if (isLast && portsMask !== 0) {
      entryEnd -= 2;
    }
    for (; entry < entryEnd; entry += 2) {
      const word = memory[entry]!;
      const bits = memory[entry + 1]!;
      wildcards[word] = wildcards[word]! | bits;
      hash = hashWord(hash, flow[word]! & bits);
    }
    if (isLast) {
      break;
    }
    if (
      !hasHash(memory, memory[stageRecord + STAGE_TABLE]!, memory[stageRecord + STAGE_SLOT_MASK]!, finishHash(hash))
    ) {
      return -1 - (MISS_STAGE | (stage << MISS_CAUSE_BITS));
    }
    stage++;
    stageRecord += STAGE_SIZE;
  }
  if (portsMask !== 0) {
    hash = hashWord(hash, flow[W_TP]! & portsMask);
  }
  const row = findRow(memory, program, stageRecord, flow, finishHash(hash));
  if (row < 0) {
    return -1 - (MISS_LAST | (stage << MISS_CAUSE_BITS));
  }
  wildcards[W_TP] = wildcards[W_TP]! | portsMask;
  return row;
}

function findRow(memory: Int32Array, program: number, stageRecord: number, flow: FlowWords, hash: number): number {
  const table = memory[stageRecord + STAGE_TABLE]!;
  const slotMask = memory[stageRecord + STAGE_SLOT_MASK]!;
  let slot = hash & slotMask;
  for (;;) {
    const row = memory[table + 2 * slot + 1]! - 1;
    if (row < 0) {
      return -1;
    }
    if (memory[table + 2 * slot] === hash && rowHolds(memory, program, row, flow)) {
      return row;
    }
    slot = (slot + 1) & slotMask;
  }
}

function rowHolds(memory: Int32Array, program: number, row: number, flow: FlowWords): boolean {
  const count = memory[program + PROGRAM_ENTRIES]!;
  const entries = program + PROGRAM_HEADER;
  const values = memory[program + PROGRAM_VALUES]! + row * count;
  for (let entry = 0; entry < count; entry++) {
    const bits = memory[entries + 2 * entry + 1]!;
    if ((flow[memory[entries + 2 * entry]!]! & bits) !== memory[values + entry]) {
      return false;
    }
  }
  return true;
}
