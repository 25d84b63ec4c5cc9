/**
 * The OpenFlow classifier: the rules of one flow table, and which of them a flow matches.
 *
 * What. Rules with the same mask make a subtable, a hash table (subtable.ts). Subtables are kept by their highest priority, so a
 * lookup can stop as soon as it holds a rule that no later subtable can outrank. This is tuple space search as in Open
 * vSwitch (NSDI'15 "The Design and Implementation of Open vSwitch", section 5), with its means to look at few bits: staged
 * lookup, prefix tries, a ports trie.
 *
 * Why few bits. What a lookup looked at becomes the mask of a megaflow. `lookup` adds these bits to `wildcards`; any flow
 * that agrees with the looked-up one on them gets the same answer. The narrower the mask, the more packets one megaflow serves.
 *
 * Ties. Between overlapping rules of equal priority OpenFlow leaves the choice open. Here the one in the subtable that stands first
 * wins: the order of creation as long as the highest priorities do not change. Equal histories give equal answers.
 *
 * Not re-entrant: a lookup uses scratch memory of the classifier and writes `conj_id` in the flow for the time of the call.
 */
import { createFlow, type FlowWords, W_CONJ_ID } from '../flow/index.ts';
import { type Conjunction, descendingPriorities, satisfiedConjunctions } from './conjunction.ts';
import type { LookupCause, LookupTrace } from './lookup-trace.ts';
import { DEFAULT_PREFIX_FIELDS, PrefixTries } from './prefix-fields.ts';
import { type SparseMask, type SparseMatch, sparseMaskBits, sparseMaskEquals } from './sparse-match.ts';
import { STAGE_NAMES } from './stages.ts';
import { Subtable } from './subtable.ts';
import { MISS_LAST, MISS_TRIE, missCause, missStage, missTrie, runProgram } from './subtable-program.ts';
import { WordArena } from './word-arena.ts';

/**
 * What a classifier needs to know of a rule. While the rule is in the classifier neither match nor priority may change, nor
 * whether `conjunctions` is null.
 */
export interface ClassifierRule {
  readonly match: SparseMatch;
  /** 0..65535; higher wins */
  readonly priority: number;
  /** the clauses of a soft rule; null for an ordinary one */
  readonly conjunctions: readonly Conjunction[] | null;
}

/** takes the bits that nobody asked for */
const UNUSED_MASK = createFlow();

export class Classifier<R extends ClassifierRule> {
  /** by highest priority, descending */
  #subtables: Subtable<R>[] = [];
  /** by hash of the mask */
  readonly #subtablesByMask: Map<number, Subtable<R>[]> = new Map();
  /** per subtable, in the same order: highest priority, offset of its program */
  #order: Int32Array = new Int32Array(0);
  readonly #arena: WordArena = new WordArena();
  #tries: PrefixTries;
  #count = 0;
  #softCount = 0;

  /** `prefixFields` names the address fields that get a prefix trie (OVSDB: Flow_Table, column `prefixes`). */
  constructor(prefixFields: readonly string[] = DEFAULT_PREFIX_FIELDS) {
    this.#tries = new PrefixTries(prefixFields);
  }

  /** number of rules */
  get count(): number {
    return this.#count;
  }

  /** number of distinct masks */
  get subtableCount(): number {
    return this.#subtables.length;
  }

  /**
   * The highest-priority rule that `flow` matches, or null. Adds to `wildcards` (same layout as a mask) the bits that
   * the answer depends on. `trace`, if given, learns of every subtable consulted.
   */
  lookup(flow: FlowWords, wildcards: FlowWords | null = null, trace: LookupTrace<R> | null = null): R | null {
    this.#tries.beginLookup();
    const mask = wildcards ?? UNUSED_MASK;
    if (this.#softCount === 0) {
      return this.#find(flow, mask, trace, null);
    }
    const soft: R[] = [];
    const hard = this.#find(flow, mask, trace, soft);
    return soft.length === 0 ? hard : this.#resolveConjunctions(flow, mask, trace, soft, hard);
  }

  /** Adds a rule in place of the one with the same match and priority, which it returns, or null if there was none. */
  insert(rule: R): R | null {
    const subtable = this.#findSubtable(rule.match.mask) ?? this.#createSubtable(rule.match.mask);
    const old = subtable.findExactly(rule.match.values, rule.priority);
    if (old !== null) {
      subtable.replace(old, rule);
      this.#softCount -= old.conjunctions === null ? 0 : 1;
    } else {
      const before = subtable.maxPriority;
      subtable.insert(rule);
      this.#moveSubtable(subtable, before);
      this.#count++;
    }
    this.#softCount += rule.conjunctions === null ? 0 : 1;
    return old;
  }

  /** Removes a rule, which must be in the classifier. */
  remove(rule: R): void {
    const subtable = this.#findSubtable(rule.match.mask)!;
    const before = subtable.maxPriority;
    subtable.remove(rule);
    if (subtable.count === 0) {
      this.#deleteSubtable(subtable);
    } else {
      this.#moveSubtable(subtable, before);
    }
    this.#count--;
    this.#softCount -= rule.conjunctions === null ? 0 : 1;
  }

  /** The rule with the same match and priority, or null. */
  findExactly(match: SparseMatch, priority: number): R | null {
    return this.#findSubtable(match.mask)?.findExactly(match.values, priority) ?? null;
  }

  /** Whether some packet could match both `match` and a rule of the given priority (OFPFF_CHECK_OVERLAP). */
  overlaps(match: SparseMatch, priority: number): boolean {
    for (const subtable of this.#subtables) {
      if (subtable.maxPriority < priority) {
        return false;
      }
      if (!subtable.hasPriority(priority)) {
        continue;
      }
      const common = commonEntries(subtable.mask, match.mask);
      let found = false;
      subtable.forEach((rule) => {
        found ||= rule.priority === priority && entriesAgree(common, rule.match.values, match.values);
      });
      if (found) {
        return true;
      }
    }
    return false;
  }

  /**
   * The rules that `match` covers loosely: those that match all of its bits, with the same values. They are what a flow mod
   * without "strict" means.
   */
  matchingLoosely(match: SparseMatch): R[] {
    const rules: R[] = [];
    for (const subtable of this.#subtables) {
      if (sparseMaskEquals(subtable.mask, match.mask)) {
        for (let row = subtable.findValues(match.values); row >= 0; row = subtable.nextRow(row)) {
          rules.push(subtable.ruleAt(row));
        }
      } else if (maskIncludes(subtable.mask, match.mask)) {
        const common = commonEntries(subtable.mask, match.mask);
        subtable.forEach((rule) => {
          if (entriesAgree(common, rule.match.values, match.values)) {
            rules.push(rule);
          }
        });
      }
    }
    return rules;
  }

  /** All rules, in no particular order; a snapshot that stays good when rules come and go. */
  rules(): R[] {
    const rules: R[] = [];
    for (const subtable of this.#subtables) {
      subtable.forEach((rule) => {
        rules.push(rule);
      });
    }
    return rules;
  }

  /** Changes which address fields have prefix tries; see the constructor. */
  setPrefixFields(prefixFields: readonly string[]): void {
    this.#tries = new PrefixTries(prefixFields);
    const old = this.#subtables;
    this.#subtables = [];
    this.#subtablesByMask.clear();
    for (const subtable of old) {
      const rebuilt = this.#createSubtable(subtable.mask);
      subtable.forEach((rule) => {
        rebuilt.insert(rule);
      });
      subtable.release();
    }
    this.#writeOrder();
  }

  /** The subtables' masks with their numbers of rules and highest priorities, in lookup order. */
  subtables(): { readonly mask: SparseMask; readonly rules: number; readonly maxPriority: number }[] {
    return this.#subtables.map(({ mask, count, maxPriority }) => ({ mask, rules: count, maxPriority }));
  }

  /** An equal mask that rules of the classifier use already, or else `mask`: lets rules share one object. */
  internMask(mask: SparseMask): SparseMask {
    return this.#findSubtable(mask)?.mask ?? mask;
  }

  /** The best rule. With `soft`, soft rules are collected there; without, they are passed over. */
  #find(flow: FlowWords, wildcards: FlowWords, trace: LookupTrace<R> | null, soft: R[] | null): R | null {
    const order = this.#order;
    const memory = this.#arena.words;
    const tries = this.#tries;
    const anySoft = this.#softCount !== 0;
    let best: R | null = null;
    let bestPriority = -1;
    for (let index = 0; index < order.length && order[index]! > bestPriority; index += 2) {
      let row: number;
      if (trace === null) {
        row = runProgram(memory, order[index + 1]!, flow, wildcards, tries);
        if (row < 0) {
          if (missCause(row) === MISS_LAST) {
            this.#subtables[index >> 1]!.addPortBits(flow, wildcards);
          }
          continue;
        }
      } else {
        row = this.#traceFind(this.#subtables[index >> 1]!, flow, wildcards, trace);
      }
      const subtable = this.#subtables[index >> 1]!;
      while (row >= 0) {
        const rule = subtable.ruleAt(row);
        if (rule.priority <= bestPriority) {
          break;
        }
        if (!anySoft || rule.conjunctions === null) {
          best = rule;
          bestPriority = rule.priority;
          break;
        }
        soft?.push(rule);
        row = subtable.nextRow(row);
      }
    }
    return best;
  }

  /** A subtable's lookup, told to `trace`. */
  #traceFind(subtable: Subtable<R>, flow: FlowWords, wildcards: FlowWords, trace: LookupTrace<R>): number {
    const mask = createFlow();
    const row = runProgram(this.#arena.words, subtable.program, flow, mask, this.#tries);
    const cause = row < 0 ? missCause(row) : -1;
    if (cause === MISS_LAST) {
      subtable.addPortBits(flow, mask);
    }
    for (let word = 0; word < mask.length; word++) {
      wildcards[word] = wildcards[word]! | mask[word]!;
    }
    const { stages } = subtable.mask;
    const lastStage = row < 0 ? stages[missStage(row)] : stages[stages.length - 1];
    trace.step({
      kind: row < 0 ? stepKind(cause, subtable.hasPorts) : 'rule',
      mask,
      priority: subtable.maxPriority,
      rules: subtable.count,
      rule: row < 0 ? subtable.anyRule() : subtable.ruleAt(row),
      stage: STAGE_NAMES[lastStage ?? 0]!,
      field: cause === MISS_TRIE ? this.#tries.fields[missTrie(row)]!.name : null,
    });
    return row;
  }

  /**
   * From the highest priority down to that of the best ordinary rule: if the soft rules of this priority satisfy a
   * conjunction, look up with its id.
   */
  #resolveConjunctions(
    flow: FlowWords,
    wildcards: FlowWords,
    trace: LookupTrace<R> | null,
    soft: readonly R[],
    hard: R | null,
  ): R | null {
    const hardPriority = hard === null ? -1 : hard.priority;
    const savedId = flow[W_CONJ_ID]!;
    const savedMask = wildcards[W_CONJ_ID]!;
    for (const priority of descendingPriorities(soft)) {
      if (priority <= hardPriority) {
        break;
      }
      for (const id of satisfiedConjunctions(soft, priority)) {
        flow[W_CONJ_ID] = id;
        const rule = this.#find(flow, wildcards, trace, null);
        flow[W_CONJ_ID] = savedId;
        // The id follows from bits already un-wildcarded; the packet's own conj_id was not looked at.
        wildcards[W_CONJ_ID] = savedMask;
        if (rule !== null) {
          return rule;
        }
      }
    }
    return hard;
  }

  #findSubtable(mask: SparseMask): Subtable<R> | null {
    for (const subtable of this.#subtablesByMask.get(mask.hash) ?? []) {
      if (sparseMaskEquals(subtable.mask, mask)) {
        return subtable;
      }
    }
    return null;
  }

  #createSubtable(mask: SparseMask): Subtable<R> {
    const subtable = new Subtable<R>(mask, this.#arena, this.#tries);
    const sameHash = this.#subtablesByMask.get(mask.hash);
    if (sameHash === undefined) {
      this.#subtablesByMask.set(mask.hash, [subtable]);
    } else {
      sameHash.push(subtable);
    }
    this.#subtables.push(subtable);
    this.#writeOrder();
    return subtable;
  }

  #deleteSubtable(subtable: Subtable<R>): void {
    this.#subtables.splice(this.#subtables.indexOf(subtable), 1);
    this.#writeOrder();
    subtable.release();
    const sameHash = this.#subtablesByMask.get(subtable.mask.hash)!.filter((other) => other !== subtable);
    if (sameHash.length === 0) {
      this.#subtablesByMask.delete(subtable.mask.hash);
    } else {
      this.#subtablesByMask.set(subtable.mask.hash, sameHash);
    }
  }

  /** Restores the order after a subtable's highest priority changed from `before`, passing no subtable of equal priority. */
  #moveSubtable(subtable: Subtable<R>, before: number): void {
    const priority = subtable.maxPriority;
    if (priority === before) {
      return;
    }
    const subtables = this.#subtables;
    let index = subtables.indexOf(subtable);
    while (index > 0 && subtables[index - 1]!.maxPriority < priority) {
      subtables[index] = subtables[index - 1]!;
      index--;
    }
    while (index + 1 < subtables.length && subtables[index + 1]!.maxPriority > priority) {
      subtables[index] = subtables[index + 1]!;
      index++;
    }
    subtables[index] = subtable;
    this.#writeOrder();
  }

  #writeOrder(): void {
    if (this.#order.length !== 2 * this.#subtables.length) {
      this.#order = new Int32Array(2 * this.#subtables.length);
    }
    for (let index = 0; index < this.#subtables.length; index++) {
      const subtable = this.#subtables[index]!;
      this.#order[2 * index] = subtable.maxPriority;
      this.#order[2 * index + 1] = subtable.program;
    }
  }
}

function stepKind(cause: number, hasPorts: boolean): LookupCause {
  switch (cause) {
    case MISS_TRIE:
      return 'trie';
    case MISS_LAST:
      return hasPorts ? 'ports' : 'subtable';
    default:
      return 'stage';
  }
}

/** For each bit set of both masks: triples of (entry of a, entry of b, common bits). */
function commonEntries(a: SparseMask, b: SparseMask): Int32Array {
  const common: number[] = [];
  for (let entryA = 0; entryA < a.words.length; entryA++) {
    for (let entryB = 0; entryB < b.words.length; entryB++) {
      const bits = a.bits[entryA]! & b.bits[entryB]!;
      if (a.words[entryA] === b.words[entryB] && bits !== 0) {
        common.push(entryA, entryB, bits);
      }
    }
  }
  return Int32Array.from(common);
}

/** Whether two matches' values agree on the common bits of their masks. */
function entriesAgree(common: Int32Array, valuesA: Int32Array, valuesB: Int32Array): boolean {
  for (let index = 0; index < common.length; index += 3) {
    if (((valuesA[common[index]!]! ^ valuesB[common[index + 1]!]!) & common[index + 2]!) !== 0) {
      return false;
    }
  }
  return true;
}

/** Whether `mask` has all bits of `part`. */
function maskIncludes(mask: SparseMask, part: SparseMask): boolean {
  for (let entry = 0; entry < part.words.length; entry++) {
    if ((part.bits[entry]! & ~sparseMaskBits(mask, part.words[entry]!)) !== 0) {
      return false;
    }
  }
  return true;
}
