/**
 * The part of a subtable that a lookup reads, as a few dozen words in the classifier's arena, and the walk over it.
 *
 * A program says which groups (stage-groups.ts) to ask in the stages before the last, and for the last which words of the
 * flow to hash under which bits, which prefix tries to ask first, and where the table hash → row of a rule + 1 is.
 *
 *     PROGRAM_STAGES … PROGRAM_TRIES            header
 *     3 x (group, bit) from PROGRAM_GROUPS      stages before the last
 *     (word, bits) pairs                        entries of the mask, in the order of the stages
 *     (trie, prefix length) pairs               tries to ask in the last stage
 *
 * A row is the rule's priority and, for each entry of the mask, its value.
 */
import { W_TP as FLOW_W_TP, type FlowWords, finishHash, hashWord } from '../flow/index.ts';
import { mayHaveHash } from './hash-table.ts';
import type { PrefixTries } from './prefix-fields.ts';
import { HASH_SEED } from './sparse-match.ts';
import { askGroup, GROUP_HASH, GROUP_LOOKUP, GROUP_PRESENT } from './stage-groups.ts';

/** V8 folds a constant of this module, not an imported one. */
const W_TP = FLOW_W_TP;

/** number of stages before the last */
export const PROGRAM_STAGES = 0;
/** number of entries of the mask */
export const PROGRAM_ENTRIES = 1;
/** number of entries in the stages before the last */
export const PROGRAM_EARLY_ENTRIES = 2;
/** offset in the arena of the rows */
export const PROGRAM_ROWS = 3;
/** the mask's bits of `W_TP`, which is then the last entry */
export const PROGRAM_PORTS_MASK = 4;
/** offsets in the arena of the table and its filter, and its number of slots less 1 */
export const PROGRAM_TABLE = 5;
export const PROGRAM_FILTER = 6;
export const PROGRAM_SLOT_MASK = 7;
/** number of tries to ask in the last stage */
export const PROGRAM_TRIES = 8;
export const PROGRAM_GROUPS = 9;
const MAXIMUM_GROUPS = 3;
export const PROGRAM_HEADER: number = PROGRAM_GROUPS + 2 * MAXIMUM_GROUPS;

/** where in a row the priority is, and the first value */
export const ROW_PRIORITY = 0;
export const ROW_VALUES = 1;

/** Why the last stage has no row: its table told. */
export const MISS_TABLE = -1;
/** … or a prefix trie: this less the number of the trie. */
export const MISS_TRIE = -2;

/**
 * Asks the groups of the stages before the last in turn, as far as rules are present; the number of those that had some. Un-wildcards the bits
 * that told.
 */
export function askGroups(
  memory: Int32Array,
  program: number,
  lookup: number,
  flow: FlowWords,
  wildcards: FlowWords,
  tries: PrefixTries,
): number {
  const stages = memory[program + PROGRAM_STAGES]!;
  let hash = HASH_SEED;
  for (let stage = 0; stage < stages; stage++) {
    const group = memory[program + PROGRAM_GROUPS + 2 * stage]!;
    if (memory[group + GROUP_LOOKUP] !== lookup) {
      askGroup(memory, group, lookup, hash, flow, wildcards, tries);
    }
    if ((memory[group + GROUP_PRESENT]! & memory[program + PROGRAM_GROUPS + 2 * stage + 1]!) === 0) {
      return stage;
    }
    hash = memory[group + GROUP_HASH]!;
  }
  return stages;
}

/**
 * The row of the highest-priority rule of the subtable that `flow` satisfies, or a miss (negative), given the hash of the
 * words of the stages before the last. Un-wildcards the bits that told, except that after MISS_TABLE in a subtable with ports those
 * of the ports are left to the caller.
 */
export function runLastStage(
  memory: Int32Array,
  program: number,
  hashBefore: number,
  flow: FlowWords,
  wildcards: FlowWords,
  tries: PrefixTries,
): number {
  const firstEntry = program + PROGRAM_HEADER;
  const entriesEnd = firstEntry + 2 * memory[program + PROGRAM_ENTRIES]!;
  const triesEnd = entriesEnd + 2 * memory[program + PROGRAM_TRIES]!;
  for (let trie = entriesEnd; trie < triesEnd; trie += 2) {
    if (tries.excludes(memory[trie]!, memory[trie + 1]!, flow, wildcards)) {
      return MISS_TRIE - memory[trie]!;
    }
  }
  const portsMask = memory[program + PROGRAM_PORTS_MASK]!;
  const hashedEnd = portsMask === 0 ? entriesEnd : entriesEnd - 2;
  let hash = hashBefore;
  for (let entry = firstEntry + 2 * memory[program + PROGRAM_EARLY_ENTRIES]!; entry < hashedEnd; entry += 2) {
    const word = memory[entry]!;
    const bits = memory[entry + 1]!;
    wildcards[word] = wildcards[word]! | bits;
    hash = hashWord(hash, flow[word]! & bits);
  }
  if (portsMask !== 0) {
    hash = hashWord(hash, flow[W_TP]! & portsMask);
  }
  hash = finishHash(hash);
  const slotMask = memory[program + PROGRAM_SLOT_MASK]!;
  if (!mayHaveHash(memory, memory[program + PROGRAM_FILTER]!, slotMask, hash)) {
    return MISS_TABLE;
  }
  const row = findRow(memory, program, slotMask, flow, hash);
  if (row >= 0) {
    wildcards[W_TP] = wildcards[W_TP]! | portsMask;
  }
  return row;
}

/** The priority of the rule in a row. */
export function rowPriority(memory: Int32Array, program: number, row: number): number {
  return memory[rowOffset(memory, program, row) + ROW_PRIORITY]!;
}

function findRow(memory: Int32Array, program: number, slotMask: number, flow: FlowWords, hash: number): number {
  const table = memory[program + PROGRAM_TABLE]!;
  let slot = hash & slotMask;
  for (;;) {
    const row = memory[table + 2 * slot + 1]! - 1;
    if (row < 0) {
      return MISS_TABLE;
    }
    if (memory[table + 2 * slot] === hash && rowHolds(memory, program, row, flow)) {
      return row;
    }
    slot = (slot + 1) & slotMask;
  }
}

function rowHolds(memory: Int32Array, program: number, row: number, flow: FlowWords): boolean {
  let value = rowOffset(memory, program, row) + ROW_VALUES;
  const entriesEnd = program + PROGRAM_HEADER + 2 * memory[program + PROGRAM_ENTRIES]!;
  for (let entry = program + PROGRAM_HEADER; entry < entriesEnd; entry += 2) {
    if ((flow[memory[entry]!]! & memory[entry + 1]!) !== memory[value]) {
      return false;
    }
    value++;
  }
  return true;
}

function rowOffset(memory: Int32Array, program: number, row: number): number {
  return memory[program + PROGRAM_ROWS]! + row * (ROW_VALUES + memory[program + PROGRAM_ENTRIES]!);
}
