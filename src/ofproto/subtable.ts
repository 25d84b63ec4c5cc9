/**
 * One subtable of a classifier: all rules with the same mask, hashed by their masked values.
 *
 * Rules lie in rows. The last stage's table finds the row with given values; rules with equal values and different
 * priorities are chained from it by `#nextRow`, highest priority first. What a lookup reads is in the arena
 * (subtable-program.ts), including a packed copy of the values, so that a comparison touches no rule object. A
 * mask with transport ports has a ports trie that says how few port bits explain a miss.
 */
import { type FlowWords, finishHash, hashWord, W_TP } from '../flow/index.ts';
import { HashTable } from './hash-table.ts';
import type { PrefixTries, TrieUse } from './prefix-fields.ts';
import { PrefixTrie, prefixMask } from './prefix-trie.ts';
import { PriorityCounts } from './priority-counts.ts';
import { HASH_SEED, type SparseMask, type SparseMatch, sparseMaskBits } from './sparse-match.ts';
import type { StageGroup, StageGroups } from './stage-groups.ts';
import {
  PROGRAM_EARLY_ENTRIES,
  PROGRAM_ENTRIES,
  PROGRAM_FILTER,
  PROGRAM_GROUPS,
  PROGRAM_HEADER,
  PROGRAM_PORTS_MASK,
  PROGRAM_ROWS,
  PROGRAM_SLOT_MASK,
  PROGRAM_STAGES,
  PROGRAM_TABLE,
  PROGRAM_TRIES,
  ROW_PRIORITY,
  ROW_VALUES,
} from './subtable-program.ts';
import type { WordArena } from './word-arena.ts';

const MINIMUM_ROWS = 4;

/** What a subtable needs to know of a rule. */
interface SubtableRule {
  readonly match: SparseMatch;
  readonly priority: number;
}

/** A group that the subtable asks in a stage before its last. */
interface Membership {
  readonly group: StageGroup;
  readonly bit: number;
  /** how many rules have a hash */
  readonly counts: HashTable;
}

export class Subtable<R extends SubtableRule> {
  readonly mask: SparseMask;
  /** offset in the arena of what lookups read */
  readonly program: number;

  readonly #arena: WordArena;
  readonly #tries: PrefixTries;
  readonly #trieUses: readonly TrieUse[];
  readonly #groups: StageGroups;
  /** of the stages before the last */
  readonly #memberships: readonly Membership[];
  readonly #portsMask: number;
  readonly #portsTrie: PrefixTrie | null;
  readonly #portsKey: Int32Array = new Int32Array(1);

  readonly #priorities: PriorityCounts = new PriorityCounts();
  readonly #rows: (R | null)[] = [];
  /** per row: the row of the rule with the same values and the next lower priority, or -1 */
  #nextRow: Int32Array = new Int32Array(MINIMUM_ROWS);
  readonly #freeRows: number[] = [];
  /** offset in the arena of the rows */
  #rowWords: number;
  readonly #rowSize: number;
  #count = 0;
  /** of the last stage: hash of the values → row + 1 */
  readonly #table: HashTable;

  constructor(mask: SparseMask, arena: WordArena, tries: PrefixTries, groups: StageGroups) {
    this.mask = mask;
    this.#arena = arena;
    this.#tries = tries;
    this.#trieUses = tries.uses(mask);
    this.#groups = groups;
    this.#memberships = Array.from({ length: Math.max(0, mask.stages.length - 1) }, (_, stage) => {
      const group = groups.find(mask, stage, this.#triesOfStage(stage));
      return { group, bit: group.join(), counts: new HashTable(arena) };
    });
    this.#portsMask = sparseMaskBits(mask, W_TP);
    this.#portsTrie = this.#portsMask === 0 ? null : new PrefixTrie(32);
    this.#rowSize = ROW_VALUES + mask.words.length;
    this.#rowWords = arena.allocate(MINIMUM_ROWS * this.#rowSize);
    this.#table = new HashTable(arena);
    this.program = arena.allocate(this.#programSize());
    this.#writeProgram();
  }

  /** number of rules */
  get count(): number {
    return this.#count;
  }

  /** the highest priority of a rule, -1 when empty */
  get maxPriority(): number {
    return this.#priorities.highest;
  }

  /** offset in the arena of the group of the stage before the last, 0 when there is none */
  get lastGroup(): number {
    return this.#memberships[this.#memberships.length - 1]?.group.offset ?? 0;
  }

  /** the subtable's bit in that group */
  get lastGroupBit(): number {
    return this.#memberships[this.#memberships.length - 1]?.bit ?? 0;
  }

  hasPriority(priority: number): boolean {
    return this.#priorities.has(priority);
  }

  get hasPorts(): boolean {
    return this.#portsMask !== 0;
  }

  /** The rule in a row that a lookup returned. */
  ruleAt(row: number): R {
    return this.#rows[row]!;
  }

  /** The row of the rule with the same values and the next lower priority, or -1. */
  nextRow(row: number): number {
    return this.#nextRow[row]!;
  }

  /**
   * After a lookup missed in the last stage: un-wildcards the port bits that tell the flow's ports from those of all
   * rules; all bits, if a rule has its ports.
   */
  addPortBits(flow: FlowWords, wildcards: FlowWords): void {
    if (this.#portsTrie !== null) {
      this.#portsKey[0] = flow[W_TP]! & this.#portsMask;
      const checkedBits = this.#portsTrie.lookup(this.#portsKey, 0, PORTS_LENGTHS, 0);
      wildcards[W_TP] = wildcards[W_TP]! | (this.#portsMask & prefixMask(checkedBits));
    }
  }

  /** The row of the highest-priority rule with exactly these values, or -1. */
  findValues(values: Int32Array): number {
    return this.#arena.words[this.#findPair(hashValues(values), values) + 1]! - 1;
  }

  /** The rule with exactly these values and this priority. */
  findExactly(values: Int32Array, priority: number): R | null {
    for (let row = this.findValues(values); row >= 0; row = this.#nextRow[row]!) {
      const rule = this.#rows[row]!;
      if (rule.priority === priority) {
        return rule;
      }
    }
    return null;
  }

  /** Puts `rule` in the place of `old`, which has the same values and priority. */
  replace(old: R, rule: R): void {
    let row = this.findValues(old.match.values);
    while (this.#rows[row] !== old) {
      row = this.#nextRow[row]!;
    }
    this.#rows[row] = rule;
  }

  /** Adds a rule; there must be none with the same values and priority. */
  insert(rule: R): void {
    const { values } = rule.match;
    const hash = hashValues(values);
    const row = this.#allocateRow(rule);
    const pair = this.#findPair(hash, values);
    const { words } = this.#arena;
    const head = words[pair + 1]! - 1;
    if (head < 0) {
      this.#table.fill(pair, hash, row + 1);
    } else if (this.#rows[head]!.priority < rule.priority) {
      this.#nextRow[row] = head;
      words[pair + 1] = row + 1;
    } else {
      let before = head;
      let after = this.#nextRow[before]!;
      while (after >= 0 && this.#rows[after]!.priority > rule.priority) {
        before = after;
        after = this.#nextRow[before]!;
      }
      this.#nextRow[row] = after;
      this.#nextRow[before] = row;
    }
    this.#count++;
    this.#priorities.increment(rule.priority);
    this.#countStages(values, true);
    this.#changeTries(values, true);
    this.#writeTables();
  }

  /** Removes a rule that is in the subtable. */
  remove(rule: R): void {
    const { values } = rule.match;
    const { words } = this.#arena;
    const pair = this.#findPair(hashValues(values), values);
    let row = words[pair + 1]! - 1;
    let before = -1;
    while (this.#rows[row] !== rule) {
      if (row < 0) {
        throw new Error(`removed a rule of priority ${rule.priority} that is not in the classifier`);
      }
      before = row;
      row = this.#nextRow[row]!;
    }
    const after = this.#nextRow[row]!;
    if (before >= 0) {
      this.#nextRow[before] = after;
    } else if (after >= 0) {
      words[pair + 1] = after + 1;
    } else {
      this.#table.clear(pair);
    }
    this.#rows[row] = null;
    this.#freeRows.push(row);
    this.#count--;
    this.#priorities.decrement(rule.priority);
    this.#countStages(values, false);
    this.#changeTries(values, false);
    this.#writeTables();
  }

  /** Leaves its groups and gives the memory of an abandoned subtable back. */
  release(): void {
    for (const [stage, { group, bit, counts }] of this.#memberships.entries()) {
      counts.release();
      group.leave(bit);
      if (group.isEmpty) {
        this.#groups.delete(group, this.mask, stage);
      }
    }
    this.#table.release();
    this.#arena.free(this.#rowWords, this.#nextRow.length * this.#rowSize);
    this.#arena.free(this.program, this.#programSize());
  }

  /** Calls `visit` for each rule; the rules must not change meanwhile. */
  forEach(visit: (rule: R) => void): void {
    for (const rule of this.#rows) {
      if (rule !== null) {
        visit(rule);
      }
    }
  }

  /** Some rule of the subtable, which must not be empty. */
  anyRule(): R {
    return this.#rows.find((rule) => rule !== null)!;
  }

  /** The tries to ask in a stage, an index of `mask.stages`. */
  #triesOfStage(stage: number): TrieUse[] {
    return this.#trieUses.filter((use) => use.stage === this.mask.stages[stage]);
  }

  #programSize(): number {
    return PROGRAM_HEADER + 2 * this.mask.words.length + 2 * this.#trieUses.length;
  }

  #writeProgram(): void {
    const { program } = this;
    const { words: memory } = this.#arena;
    const { words, bits, stageEnds } = this.mask;
    const stages = this.#memberships.length;
    const lastTries = this.#triesOfStage(stages);
    memory[program + PROGRAM_STAGES] = stages;
    memory[program + PROGRAM_ENTRIES] = words.length;
    memory[program + PROGRAM_EARLY_ENTRIES] = stages === 0 ? 0 : stageEnds[stages - 1]!;
    memory[program + PROGRAM_PORTS_MASK] = this.#portsMask;
    memory[program + PROGRAM_TRIES] = lastTries.length;
    for (const [stage, { group, bit }] of this.#memberships.entries()) {
      memory[program + PROGRAM_GROUPS + 2 * stage] = group.offset;
      memory[program + PROGRAM_GROUPS + 2 * stage + 1] = bit;
    }
    let pair = program + PROGRAM_HEADER;
    for (let entry = 0; entry < words.length; entry++) {
      memory[pair] = words[entry]!;
      memory[pair + 1] = bits[entry]!;
      pair += 2;
    }
    for (const { trie, length } of lastTries) {
      memory[pair] = trie;
      memory[pair + 1] = length;
      pair += 2;
    }
    this.#writeTables();
  }

  /** Writes where rows and table are, which any change may have moved. */
  #writeTables(): void {
    const { words } = this.#arena;
    words[this.program + PROGRAM_ROWS] = this.#rowWords;
    words[this.program + PROGRAM_TABLE] = this.#table.offset;
    words[this.program + PROGRAM_FILTER] = this.#table.filter;
    words[this.program + PROGRAM_SLOT_MASK] = this.#table.slotMask;
  }

  /** The index in the arena of the (hash, row + 1) pair with these values, or of the free one where it belongs. */
  #findPair(hash: number, values: Int32Array): number {
    const { words } = this.#arena;
    const table = this.#table;
    let pair = table.offset + 2 * (hash & table.slotMask);
    for (;;) {
      const row = words[pair + 1]! - 1;
      if (row < 0 || (words[pair] === hash && this.#rowEquals(row, values))) {
        return pair;
      }
      pair = table.next(pair);
    }
  }

  #rowEquals(row: number, values: Int32Array): boolean {
    const { words } = this.#arena;
    const first = this.#rowWords + row * this.#rowSize + ROW_VALUES;
    for (let entry = 0; entry < values.length; entry++) {
      if (words[first + entry] !== values[entry]) {
        return false;
      }
    }
    return true;
  }

  #allocateRow(rule: R): number {
    const row = this.#freeRows.pop() ?? this.#rows.length;
    if (row >= this.#nextRow.length) {
      const capacity = this.#nextRow.length;
      const larger = new Int32Array(2 * capacity);
      larger.set(this.#nextRow);
      this.#nextRow = larger;
      this.#rowWords = this.#arena.resize(this.#rowWords, capacity * this.#rowSize, 2 * capacity * this.#rowSize);
    }
    this.#rows[row] = rule;
    this.#nextRow[row] = -1;
    const offset = this.#rowWords + row * this.#rowSize;
    this.#arena.words[offset + ROW_PRIORITY] = rule.priority;
    this.#arena.words.set(rule.match.values, offset + ROW_VALUES);
    return row;
  }

  /** Counts the hashes of the stages before the last and tells the groups of those that come and go. */
  #countStages(values: Int32Array, isAdded: boolean): void {
    const { stageEnds } = this.mask;
    let hash = HASH_SEED;
    let entry = 0;
    for (let stage = 0; stage < this.#memberships.length; stage++) {
      const { group, bit, counts } = this.#memberships[stage]!;
      for (; entry < stageEnds[stage]!; entry++) {
        hash = hashWord(hash, values[entry]!);
      }
      const finished = finishHash(hash);
      const count = counts.add(finished, isAdded ? 1 : -1);
      if (isAdded && count === 1) {
        group.addHash(finished, bit);
      } else if (count === 0) {
        group.removeHash(finished, bit);
      }
    }
  }

  #changeTries(values: Int32Array, isAdded: boolean): void {
    if (this.#portsTrie !== null) {
      // W_TP is the last entry.
      this.#portsKey[0] = values[values.length - 1]!;
      const length = 32 - countTrailingZeros(this.#portsMask);
      changeTrie(this.#portsTrie, this.#portsKey, length, isAdded);
    }
    for (const { trie, length } of this.#trieUses) {
      const field = this.#tries.fields[trie]!;
      copyWords(this.mask, values, field.firstWord, field.width >>> 5);
      changeTrie(field.trie, ADDRESS, length, isAdded);
    }
  }
}

/** scratch: an address of up to 128 bits */
const ADDRESS = new Int32Array(4);
/** scratch: prefix lengths found by a ports trie, which nobody asks for */
const PORTS_LENGTHS = new Int32Array(1);

function changeTrie(trie: PrefixTrie, key: Int32Array, length: number, isAdded: boolean): void {
  if (isAdded) {
    trie.insert(key, 0, length);
  } else {
    trie.remove(key, 0, length);
  }
}

/** Copies the values of `count` words from `firstWord` to `ADDRESS`. */
function copyWords(mask: SparseMask, values: Int32Array, firstWord: number, count: number): void {
  ADDRESS.fill(0);
  for (let entry = 0; entry < values.length; entry++) {
    const index = mask.words[entry]! - firstWord;
    if (index >= 0 && index < count) {
      ADDRESS[index] = values[entry]!;
    }
  }
}

function hashValues(values: Int32Array): number {
  let hash = HASH_SEED;
  for (let entry = 0; entry < values.length; entry++) {
    hash = hashWord(hash, values[entry]!);
  }
  return finishHash(hash);
}

function countTrailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
