/**
 * What subtables whose masks agree up to a lookup stage share: the answer to "is there any rule like this flow so far?".
 *
 * Staged lookup asks that of each subtable before each stage but the last. Subtables mostly differ in their later
 * stages, so many ask the same of the same words. A group of up to 32 of them has one table: hash of the words so far →
 * which of its subtables, one bit each, have a rule with it. A lookup asks a group once, and for all its other subtables tests
 * a bit of the remembered answer.
 *
 * A group is a record in the classifier's arena. In its memo, LOOKUP says for which lookup the rest was found:
 *
 *     GROUP_LOOKUP … GROUP_TRIE        memo
 *     GROUP_TABLE … GROUP_TRIES        where its table is; number of entries and of tries
 *     (word, bits) pairs               entries of the masks in this stage
 *     (trie, prefix length) pairs      prefix tries to ask first
 */
import { type FlowWords, finishHash, hashWord } from '../flow/index.ts';
import { HashTable, hashValue, mayHaveHash } from './hash-table.ts';
import type { PrefixTries, TrieUse } from './prefix-fields.ts';
import { HASH_SEED, type SparseMask } from './sparse-match.ts';
import type { WordArena } from './word-arena.ts';

/** the lookup that the memo is of */
export const GROUP_LOOKUP = 0;
/** memo: unfinished hash of the words so far */
export const GROUP_HASH = 1;
/** memo: the subtables that have a rule like this, one bit each */
export const GROUP_PRESENT = 2;
/** memo: 1 + the trie that ruled all of them out, or 0 */
export const GROUP_TRIE = 3;
const GROUP_TABLE = 4;
const GROUP_FILTER = 5;
const GROUP_SLOT_MASK = 6;
const GROUP_ENTRIES = 7;
const GROUP_TRIES = 8;
const GROUP_HEADER = 9;

export class StageGroup {
  /** offset of the record in the arena */
  readonly offset: number;
  readonly #mask: SparseMask;
  readonly #stage: number;
  readonly #arena: WordArena;
  readonly #size: number;
  readonly #table: HashTable;
  /** bits of the subtables that are members */
  #members = 0;

  constructor(mask: SparseMask, stage: number, trieUses: readonly TrieUse[], arena: WordArena) {
    this.#mask = mask;
    this.#stage = stage;
    this.#arena = arena;
    this.#table = new HashTable(arena);
    const firstEntry = stage === 0 ? 0 : mask.stageEnds[stage - 1]!;
    const entries = mask.stageEnds[stage]! - firstEntry;
    this.#size = GROUP_HEADER + 2 * (entries + trieUses.length);
    this.offset = arena.allocate(this.#size);
    const { words } = arena;
    words[this.offset + GROUP_ENTRIES] = entries;
    words[this.offset + GROUP_TRIES] = trieUses.length;
    let pair = this.offset + GROUP_HEADER;
    for (let entry = firstEntry; entry < firstEntry + entries; entry++) {
      words[pair] = mask.words[entry]!;
      words[pair + 1] = mask.bits[entry]!;
      pair += 2;
    }
    for (const { trie, length } of trieUses) {
      words[pair] = trie;
      words[pair + 1] = length;
      pair += 2;
    }
    this.#writeTable();
  }

  get isEmpty(): boolean {
    return this.#members === 0;
  }

  /** Whether one more subtable with this mask and stage can join. */
  accepts(mask: SparseMask, stage: number): boolean {
    if (~this.#members === 0 || mask.stageEnds[stage] !== this.#mask.stageEnds[this.#stage]) {
      return false;
    }
    for (let entry = 0; entry < mask.stageEnds[stage]!; entry++) {
      if (mask.words[entry] !== this.#mask.words[entry] || mask.bits[entry] !== this.#mask.bits[entry]) {
        return false;
      }
    }
    return true;
  }

  /** Takes one more member; its bit. */
  join(): number {
    const bit = ~this.#members & -~this.#members;
    this.#members |= bit;
    return bit;
  }

  /** Lets a member go, all of whose hashes were removed. */
  leave(bit: number): void {
    this.#members &= ~bit;
  }

  /** Notes that the member with this bit has rules with a hash, which it had not. */
  addHash(hash: number, bit: number): void {
    this.#table.add(hash, bit);
    this.#writeTable();
  }

  /** Notes that the member with this bit has no more rules with a hash. */
  removeHash(hash: number, bit: number): void {
    this.#table.add(hash, -bit);
    this.#writeTable();
  }

  /** Gives its memory back. */
  release(): void {
    this.#table.release();
    this.#arena.free(this.offset, this.#size);
  }

  #writeTable(): void {
    const { words } = this.#arena;
    words[this.offset + GROUP_TABLE] = this.#table.offset;
    words[this.offset + GROUP_FILTER] = this.#table.filter;
    words[this.offset + GROUP_SLOT_MASK] = this.#table.slotMask;
  }
}

/** All groups of a classifier. */
export class StageGroups {
  readonly #arena: WordArena;
  readonly #groups: Map<number, StageGroup[]> = new Map();

  constructor(arena: WordArena) {
    this.#arena = arena;
  }

  /** A group with a free place for a subtable with this mask, which looks at it in a stage before its last. */
  find(mask: SparseMask, stage: number, trieUses: readonly TrieUse[]): StageGroup {
    const key = hashPrefix(mask, stage);
    const sameHash = this.#groups.get(key) ?? [];
    let group = sameHash.find((other) => other.accepts(mask, stage));
    if (group === undefined) {
      group = new StageGroup(mask, stage, trieUses, this.#arena);
      this.#groups.set(key, [...sameHash, group]);
    }
    return group;
  }

  /** Drops a group that the last subtable left; `mask` and `stage` are those of that subtable. */
  delete(group: StageGroup, mask: SparseMask, stage: number): void {
    const key = hashPrefix(mask, stage);
    const others = this.#groups.get(key)!.filter((other) => other !== group);
    if (others.length === 0) {
      this.#groups.delete(key);
    } else {
      this.#groups.set(key, others);
    }
    group.release();
  }

  /** Forgets what lookups found, so that the numbers of lookups may start again. */
  forget(): void {
    for (const groups of this.#groups.values()) {
      for (const group of groups) {
        this.#arena.words[group.offset + GROUP_LOOKUP] = 0;
      }
    }
  }
}

/**
 * Fills in a group's memo: asks the tries and then, going on from the hash of the words before this stage, the table.
 * Un-wildcards the bits that told.
 */
export function askGroup(
  memory: Int32Array,
  group: number,
  lookup: number,
  hashBefore: number,
  flow: FlowWords,
  wildcards: FlowWords,
  tries: PrefixTries,
): void {
  memory[group + GROUP_LOOKUP] = lookup;
  const entriesEnd = group + GROUP_HEADER + 2 * memory[group + GROUP_ENTRIES]!;
  const triesEnd = entriesEnd + 2 * memory[group + GROUP_TRIES]!;
  for (let trie = entriesEnd; trie < triesEnd; trie += 2) {
    if (tries.excludes(memory[trie]!, memory[trie + 1]!, flow, wildcards)) {
      memory[group + GROUP_PRESENT] = 0;
      memory[group + GROUP_TRIE] = memory[trie]! + 1;
      return;
    }
  }
  let hash = hashBefore;
  for (let entry = group + GROUP_HEADER; entry < entriesEnd; entry += 2) {
    const word = memory[entry]!;
    const bits = memory[entry + 1]!;
    wildcards[word] = wildcards[word]! | bits;
    hash = hashWord(hash, flow[word]! & bits);
  }
  memory[group + GROUP_HASH] = hash;
  memory[group + GROUP_TRIE] = 0;
  const finished = finishHash(hash);
  const slotMask = memory[group + GROUP_SLOT_MASK]!;
  memory[group + GROUP_PRESENT] = mayHaveHash(memory, memory[group + GROUP_FILTER]!, slotMask, finished)
    ? hashValue(memory, memory[group + GROUP_TABLE]!, slotMask, finished)
    : 0;
}

function hashPrefix(mask: SparseMask, stage: number): number {
  let hash = HASH_SEED;
  for (let entry = 0; entry < mask.stageEnds[stage]!; entry++) {
    hash = hashWord(hashWord(hash, mask.words[entry]!), mask.bits[entry]!);
  }
  return finishHash(hash);
}
