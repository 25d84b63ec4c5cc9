/**
 * One subtable of a classifier: all rules with the same mask, hashed by their masked values.
 *
 * Rules lie in rows; `#slots` is an open-addressed table of (hash, row + 1) pairs. Rules with equal values and different
 * priorities share a slot and are chained by `#nextRow`, highest priority first. Values are kept once more, packed, in one
 * Int32Array, so that a comparison touches no rule object. Before the last stage each stage has its presence counters
 * (hash-counts.ts), and a mask with transport ports has a ports trie that says how few port bits explain a miss.
 */
import { type FlowWords, W_TP } from '../flow/index.ts';
import { finishHash, HASH_SEED, hashWord } from './hash.ts';
import { HashCounts } from './hash-counts.ts';
import type { PrefixFieldTrie } from './prefix-fields.ts';
import { PrefixTrie, prefixMask } from './prefix-trie.ts';
import { PriorityCounts } from './priority-counts.ts';
import { type SparseMask, type SparseMatch, sparseMaskBits } from './sparse-match.ts';

const MINIMUM_ROWS = 4;

/** What a failed lookup found out last; see `LookupCause`. */
export type MissCause = 'subtable' | 'stage' | 'trie' | 'ports';

/** What a subtable needs to know of a rule. */
interface SubtableRule {
  readonly match: SparseMatch;
  readonly priority: number;
}

export class Subtable<R extends SubtableRule> {
  readonly mask: SparseMask;
  /** why the last lookup with un-wildcarding failed */
  missCause: MissCause = 'subtable';
  /** index into the mask's stages of the last stage that it looked at */
  missStage = 0;
  /** the trie that told, when `missCause` is `trie` */
  missTrie: PrefixFieldTrie | null = null;

  readonly #tries: readonly PrefixFieldTrie[];
  /** per trie: the prefix length of this mask, 0 = the trie does not serve here */
  readonly #trieLengths: Int32Array;
  readonly #hasTries: boolean;
  readonly #stageCounts: readonly HashCounts[];
  readonly #portsMask: number;
  /** bits from the first to the last one of the ports mask, counted from bit 31 */
  readonly #portsLength: number;
  readonly #portsTrie: PrefixTrie;
  readonly #portsKey: Int32Array = new Int32Array(1);
  readonly #portsLengths: Int32Array = new Int32Array(1);
  readonly #addresses: Int32Array = new Int32Array(4);

  readonly #priorities: PriorityCounts = new PriorityCounts();
  #rows: (R | null)[] = [];
  /** per row: the row of the rule with the same values and the next lower priority, or -1 */
  #nextRow: Int32Array = new Int32Array(MINIMUM_ROWS);
  #values: Int32Array;
  #freeRows: number[] = [];
  #count = 0;

  #slots: Int32Array = new Int32Array(4 * MINIMUM_ROWS);
  #slotMask = 2 * MINIMUM_ROWS - 1;
  #usedSlots = 0;

  constructor(mask: SparseMask, tries: readonly PrefixFieldTrie[]) {
    this.mask = mask;
    this.#tries = tries;
    this.#trieLengths = Int32Array.from(tries, (trie) => trie.prefixLength(mask));
    this.#hasTries = this.#trieLengths.some((length) => length > 0);
    this.#stageCounts = Array.from({ length: Math.max(0, mask.stages.length - 1) }, () => new HashCounts());
    this.#portsMask = sparseMaskBits(mask, W_TP);
    this.#portsLength = this.#portsMask === 0 ? 0 : 32 - countTrailingZeros(this.#portsMask);
    this.#portsTrie = new PrefixTrie(32);
    this.#values = new Int32Array(MINIMUM_ROWS * mask.words.length);
  }

  /** number of rules */
  get count(): number {
    return this.#count;
  }

  /** the highest priority of a rule, -1 when empty */
  get maxPriority(): number {
    return this.#priorities.highest;
  }

  hasPriority(priority: number): boolean {
    return this.#priorities.has(priority);
  }

  /** The rule in a row that a lookup returned. */
  ruleAt(row: number): R {
    return this.#rows[row]!;
  }

  /** The row of the rule with the same values and the next lower priority, or -1. */
  nextRow(row: number): number {
    return this.#nextRow[row]!;
  }

  /** The row of the highest-priority rule that `flow` satisfies, or -1. */
  find(flow: FlowWords): number {
    const { words, bits, stageEnds } = this.mask;
    const counts = this.#stageCounts;
    let hash = HASH_SEED;
    let entry = 0;
    for (let stage = 0; stage < counts.length; stage++) {
      const end = stageEnds[stage]!;
      for (; entry < end; entry++) {
        hash = hashWord(hash, flow[words[entry]!]! & bits[entry]!);
      }
      if (!counts[stage]!.has(finishHash(hash))) {
        return -1;
      }
    }
    for (; entry < words.length; entry++) {
      hash = hashWord(hash, flow[words[entry]!]! & bits[entry]!);
    }
    return this.#findFlow(finishHash(hash), flow);
  }

  /** Like `find`, and un-wildcards the bits that decided; after a miss `missCause` and its companions tell why. */
  findWithWildcards(flow: FlowWords, wildcards: FlowWords, lookupId: number): number {
    const { words, bits, stageEnds } = this.mask;
    const counts = this.#stageCounts;
    const lastStage = counts.length;
    let hash = HASH_SEED;
    let entry = 0;
    for (let stage = 0; stage < lastStage; stage++) {
      if (this.#hasTries && this.#excludedByTrie(flow, wildcards, lookupId, stage)) {
        addMaskBits(wildcards, words, bits, entry);
        return -1;
      }
      const end = stageEnds[stage]!;
      for (; entry < end; entry++) {
        hash = hashWord(hash, flow[words[entry]!]! & bits[entry]!);
      }
      if (!counts[stage]!.has(finishHash(hash))) {
        addMaskBits(wildcards, words, bits, entry);
        this.missCause = 'stage';
        this.missStage = stage;
        return -1;
      }
    }
    if (this.#hasTries && this.#excludedByTrie(flow, wildcards, lookupId, lastStage)) {
      addMaskBits(wildcards, words, bits, entry);
      return -1;
    }
    for (; entry < words.length; entry++) {
      hash = hashWord(hash, flow[words[entry]!]! & bits[entry]!);
    }
    const row = this.#findFlow(finishHash(hash), flow);
    if (row < 0) {
      this.missStage = lastStage;
      if (this.#portsMask !== 0) {
        // W_TP is the last word of the last stage.
        addMaskBits(wildcards, words, bits, words.length - 1);
        this.#addPortBits(flow, wildcards);
        this.missCause = 'ports';
        return -1;
      }
      this.missCause = 'subtable';
    }
    addMaskBits(wildcards, words, bits, words.length);
    return row;
  }

  /** The row of the highest-priority rule with exactly these values, or -1. */
  findValues(values: Int32Array): number {
    const slot = this.#findSlot(this.#hashValues(values), values);
    return this.#slots[2 * slot + 1]! - 1;
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
    const hash = this.#hashValues(values);
    const row = this.#allocateRow(rule);
    const slot = this.#findSlot(hash, values);
    const head = this.#slots[2 * slot + 1]! - 1;
    if (head < 0) {
      this.#slots[2 * slot] = hash;
      this.#slots[2 * slot + 1] = row + 1;
      this.#usedSlots++;
      if (2 * this.#usedSlots > this.#slotMask) {
        this.#resizeSlots(2 * (this.#slotMask + 1));
      }
    } else if (this.#rows[head]!.priority < rule.priority) {
      this.#nextRow[row] = head;
      this.#slots[2 * slot + 1] = row + 1;
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
  }

  /** Removes a rule that is in the subtable. */
  remove(rule: R): void {
    const { values } = rule.match;
    const slot = this.#findSlot(this.#hashValues(values), values);
    let row = this.#slots[2 * slot + 1]! - 1;
    let before = -1;
    while (this.#rows[row] !== rule) {
      before = row;
      row = this.#nextRow[row]!;
    }
    const after = this.#nextRow[row]!;
    if (before >= 0) {
      this.#nextRow[before] = after;
    } else if (after >= 0) {
      this.#slots[2 * slot + 1] = after + 1;
    } else {
      this.#freeSlot(slot);
      this.#usedSlots--;
    }
    this.#rows[row] = null;
    this.#freeRows.push(row);
    this.#count--;
    this.#priorities.decrement(rule.priority);
    this.#countStages(values, false);
    this.#changeTries(values, false);
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

  #excludedByTrie(flow: FlowWords, wildcards: FlowWords, lookupId: number, stage: number): boolean {
    const stageNumber = this.mask.stages[stage];
    for (let index = 0; index < this.#tries.length; index++) {
      const length = this.#trieLengths[index]!;
      const trie = this.#tries[index]!;
      if (length > 0 && trie.stage === stageNumber && trie.excludes(flow, length, lookupId)) {
        trie.addCheckedBits(wildcards);
        this.missCause = 'trie';
        this.missStage = stage;
        this.missTrie = trie;
        return true;
      }
    }
    return false;
  }

  /** Un-wildcards the port bits that tell the flow's ports from those of all rules; all, if a rule has its ports. */
  #addPortBits(flow: FlowWords, wildcards: FlowWords): void {
    this.#portsKey[0] = flow[W_TP]! & this.#portsMask;
    const checkedBits = this.#portsTrie.lookup(this.#portsKey, 0, this.#portsLengths);
    wildcards[W_TP] = wildcards[W_TP]! | (this.#portsMask & prefixMask(checkedBits));
  }

  #findFlow(hash: number, flow: FlowWords): number {
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    let slot = hash & slotMask;
    for (;;) {
      const row = slots[2 * slot + 1]! - 1;
      if (row < 0) {
        return -1;
      }
      if (slots[2 * slot] === hash && this.#rowHolds(row, flow)) {
        return row;
      }
      slot = (slot + 1) & slotMask;
    }
  }

  #rowHolds(row: number, flow: FlowWords): boolean {
    const { words, bits } = this.mask;
    const values = this.#values;
    const first = row * words.length;
    for (let entry = 0; entry < words.length; entry++) {
      if ((flow[words[entry]!]! & bits[entry]!) !== values[first + entry]) {
        return false;
      }
    }
    return true;
  }

  /** The slot that holds these values, or the free one where they belong. */
  #findSlot(hash: number, values: Int32Array): number {
    let slot = hash & this.#slotMask;
    for (;;) {
      const row = this.#slots[2 * slot + 1]! - 1;
      if (row < 0 || (this.#slots[2 * slot] === hash && this.#rowEquals(row, values))) {
        return slot;
      }
      slot = (slot + 1) & this.#slotMask;
    }
  }

  #rowEquals(row: number, values: Int32Array): boolean {
    const first = row * values.length;
    for (let entry = 0; entry < values.length; entry++) {
      if (this.#values[first + entry] !== values[entry]) {
        return false;
      }
    }
    return true;
  }

  #hashValues(values: Int32Array): number {
    let hash = HASH_SEED;
    for (let entry = 0; entry < values.length; entry++) {
      hash = hashWord(hash, values[entry]!);
    }
    return finishHash(hash);
  }

  #allocateRow(rule: R): number {
    const row = this.#freeRows.pop() ?? this.#rows.length;
    if (row >= this.#nextRow.length) {
      this.#nextRow = doubled(this.#nextRow);
      this.#values = doubled(this.#values);
    }
    this.#rows[row] = rule;
    this.#nextRow[row] = -1;
    this.#values.set(rule.match.values, row * this.mask.words.length);
    return row;
  }

  #countStages(values: Int32Array, added: boolean): void {
    const { stageEnds } = this.mask;
    let hash = HASH_SEED;
    let entry = 0;
    for (let stage = 0; stage < this.#stageCounts.length; stage++) {
      for (; entry < stageEnds[stage]!; entry++) {
        hash = hashWord(hash, values[entry]!);
      }
      if (added) {
        this.#stageCounts[stage]!.increment(finishHash(hash));
      } else {
        this.#stageCounts[stage]!.decrement(finishHash(hash));
      }
    }
  }

  #changeTries(values: Int32Array, added: boolean): void {
    if (this.#portsMask !== 0) {
      this.#copyWords(values, W_TP, 1);
      if (added) {
        this.#portsTrie.insert(this.#addresses, 0, this.#portsLength);
      } else {
        this.#portsTrie.remove(this.#addresses, 0, this.#portsLength);
      }
    }
    if (!this.#hasTries) {
      return;
    }
    for (let index = 0; index < this.#tries.length; index++) {
      const length = this.#trieLengths[index]!;
      if (length === 0) {
        continue;
      }
      const trie = this.#tries[index]!;
      this.#copyWords(values, trie.firstWord, trie.width >>> 5);
      if (added) {
        trie.insert(this.#addresses, length);
      } else {
        trie.remove(this.#addresses, length);
      }
    }
  }

  /** Copies the values of `count` words from `firstWord` to `#addresses`. */
  #copyWords(values: Int32Array, firstWord: number, count: number): void {
    const { words } = this.mask;
    this.#addresses.fill(0);
    for (let entry = 0; entry < words.length; entry++) {
      const index = words[entry]! - firstWord;
      if (index >= 0 && index < count) {
        this.#addresses[index] = values[entry]!;
      }
    }
  }

  /** Frees a slot and moves those behind it that would no longer be found. */
  #freeSlot(freed: number): void {
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    let hole = freed;
    let slot = (hole + 1) & slotMask;
    while (slots[2 * slot + 1] !== 0) {
      const home = slots[2 * slot]! & slotMask;
      if (((slot - home) & slotMask) >= ((slot - hole) & slotMask)) {
        slots[2 * hole] = slots[2 * slot]!;
        slots[2 * hole + 1] = slots[2 * slot + 1]!;
        hole = slot;
      }
      slot = (slot + 1) & slotMask;
    }
    slots[2 * hole + 1] = 0;
  }

  #resizeSlots(slotCount: number): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * slotCount);
    this.#slotMask = slotCount - 1;
    for (let index = 0; index < old.length; index += 2) {
      if (old[index + 1] === 0) {
        continue;
      }
      let slot = old[index]! & this.#slotMask;
      while (this.#slots[2 * slot + 1] !== 0) {
        slot = (slot + 1) & this.#slotMask;
      }
      this.#slots[2 * slot] = old[index]!;
      this.#slots[2 * slot + 1] = old[index + 1]!;
    }
  }
}

/** Un-wildcards the first `end` entries of a mask. */
function addMaskBits(wildcards: FlowWords, words: Int32Array, bits: Int32Array, end: number): void {
  for (let entry = 0; entry < end; entry++) {
    const word = words[entry]!;
    wildcards[word] = wildcards[word]! | bits[entry]!;
  }
}

function countTrailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function doubled(array: Int32Array): Int32Array {
  const larger = new Int32Array(2 * array.length);
  larger.set(array);
  return larger;
}
