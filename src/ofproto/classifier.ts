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
import { createFlow, W_TP as FLOW_W_TP, type FlowWords, W_CONJ_ID } from '../flow/index.ts';
import { type Conjunction, descendingPriorities, satisfiedConjunctions } from './conjunction.ts';
import type { LookupCause, LookupTrace } from './lookup-trace.ts';
import { DEFAULT_PREFIX_FIELDS, PrefixTries } from './prefix-fields.ts';
import { HASH_SEED, type SparseMask, type SparseMatch, sparseMaskBits, sparseMaskEquals } from './sparse-match.ts';
import { GROUP_HASH, GROUP_LOOKUP, GROUP_PRESENT, GROUP_TRIE, StageGroups } from './stage-groups.ts';
import { STAGE_NAMES } from './stages.ts';
import { Subtable } from './subtable.ts';
import {
  askGroups,
  MISS_TABLE,
  MISS_TRIE,
  PROGRAM_GROUPS,
  PROGRAM_PORTS_MASK,
  PROGRAM_STAGES,
  rowPriority,
  runLastStage,
} from './subtable-program.ts';
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

/** V8 folds a constant of this module, not an imported one. */
const W_TP = FLOW_W_TP;

/** one entry of the lookup order: highest priority, program, group of the stage before the last (or 0), bit in it */
const ORDER_PRIORITY = 0;
const ORDER_PROGRAM = 1;
const ORDER_GROUP = 2;
const ORDER_BIT = 3;
const ORDER_SIZE = 4;

const MAXIMUM_LOOKUP = 0x7fffffff;

/** takes the bits that nobody asked for */
const UNUSED_MASK = createFlow();

export class Classifier<R extends ClassifierRule> {
  /** by highest priority, descending */
  #subtables: Subtable<R>[] = [];
  /** by hash of the mask */
  readonly #subtablesByMask: Map<number, Subtable<R>[]> = new Map();
  /** per subtable, in the same order: what a lookup needs to pass it over */
  #order: Int32Array = new Int32Array(0);
  readonly #arena: WordArena = new WordArena();
  #tries: PrefixTries;
  #groups: StageGroups = new StageGroups(this.#arena);
  /** number of the lookup that the memos of groups and tries are of */
  #lookup = 0;
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
    this.#groups = new StageGroups(this.#arena);
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
    const lookup = this.#beginLookup();
    const anySoft = this.#softCount !== 0;
    let bestIndex = -1;
    let bestRow = -1;
    let bestPriority = -1;
    for (let index = 0; index < order.length && order[index + ORDER_PRIORITY]! > bestPriority; index += ORDER_SIZE) {
      const program = order[index + ORDER_PROGRAM]!;
      let row: number;
      if (trace === null) {
        const group = order[index + ORDER_GROUP]!;
        let hash = HASH_SEED;
        if (group !== 0) {
          // A group that was asked already told whether all stages before the last have a rule like this.
          if (memory[group + GROUP_LOOKUP] !== lookup) {
            askGroups(memory, program, lookup, flow, wildcards, tries);
          }
          if (
            memory[group + GROUP_LOOKUP] !== lookup ||
            (memory[group + GROUP_PRESENT]! & order[index + ORDER_BIT]!) === 0
          ) {
            continue;
          }
          hash = memory[group + GROUP_HASH]!;
        }
        row = runLastStage(memory, program, hash, flow, wildcards, tries);
        if (row === MISS_TABLE && (memory[program + PROGRAM_PORTS_MASK]! & ~wildcards[W_TP]!) !== 0) {
          this.#subtables[index / ORDER_SIZE]!.addPortBits(flow, wildcards);
        }
      } else {
        row = this.#traceFind(this.#subtables[index / ORDER_SIZE]!, flow, wildcards, trace);
      }
      if (row >= 0 && anySoft) {
        row = this.#passSoftRules(this.#subtables[index / ORDER_SIZE]!, row, bestPriority, soft);
      }
      if (row >= 0) {
        const priority = rowPriority(memory, program, row);
        if (priority > bestPriority) {
          bestPriority = priority;
          bestRow = row;
          bestIndex = index;
        }
      }
    }
    return bestIndex < 0 ? null : this.#subtables[bestIndex / ORDER_SIZE]!.ruleAt(bestRow);
  }

  /**
   * The first row from `row` on among those with its values that is of an ordinary rule above a priority, or -1; soft rules before
   * it go to `soft`.
   */
  #passSoftRules(subtable: Subtable<R>, row: number, abovePriority: number, soft: R[] | null): number {
    let next = row;
    while (next >= 0) {
      const rule = subtable.ruleAt(next);
      if (rule.priority <= abovePriority) {
        return -1;
      }
      if (rule.conjunctions === null) {
        return next;
      }
      soft?.push(rule);
      next = subtable.nextRow(next);
    }
    return -1;
  }

  /** Starts new memos of groups and tries; the number of the lookup that they are of. */
  #beginLookup(): number {
    if (this.#lookup === MAXIMUM_LOOKUP) {
      this.#lookup = 0;
      this.#groups.forget();
      this.#tries.forget();
    }
    this.#lookup++;
    this.#tries.beginLookup(this.#lookup);
    return this.#lookup;
  }

  /** A subtable's lookup, told to `trace`. */
  #traceFind(subtable: Subtable<R>, flow: FlowWords, wildcards: FlowWords, trace: LookupTrace<R>): number {
    const memory = this.#arena.words;
    const { program } = subtable;
    const mask = createFlow();
    // With memos of its own each step shows all bits that it needs.
    const lookup = this.#beginLookup();
    const stage = askGroups(memory, program, lookup, flow, mask, this.#tries);
    const lastStage = memory[program + PROGRAM_STAGES]!;
    let row: number;
    let trie = -1;
    let kind: LookupCause = 'stage';
    if (stage < lastStage) {
      row = MISS_TABLE;
      trie = memory[memory[program + PROGRAM_GROUPS + 2 * stage]! + GROUP_TRIE]! - 1;
    } else {
      const group = subtable.lastGroup;
      const hash = group === 0 ? HASH_SEED : memory[group + GROUP_HASH]!;
      row = runLastStage(memory, program, hash, flow, mask, this.#tries);
      if (row === MISS_TABLE) {
        kind = subtable.hasPorts ? 'ports' : 'subtable';
        subtable.addPortBits(flow, mask);
      } else if (row < 0) {
        trie = MISS_TRIE - row;
      } else {
        kind = 'rule';
      }
    }
    for (let word = 0; word < mask.length; word++) {
      wildcards[word] = wildcards[word]! | mask[word]!;
    }
    trace.step({
      kind: trie < 0 ? kind : 'trie',
      mask,
      priority: subtable.maxPriority,
      rules: subtable.count,
      rule: row < 0 ? subtable.anyRule() : subtable.ruleAt(row),
      stage: STAGE_NAMES[subtable.mask.stages[stage] ?? 0]!,
      field: trie < 0 ? null : this.#tries.fields[trie]!.name,
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
    const subtable = new Subtable<R>(mask, this.#arena, this.#tries, this.#groups);
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
    const length = ORDER_SIZE * this.#subtables.length;
    if (this.#order.length !== length) {
      this.#order = new Int32Array(length);
    }
    for (let index = 0; index < length; index += ORDER_SIZE) {
      const subtable = this.#subtables[index / ORDER_SIZE]!;
      this.#order[index + ORDER_PRIORITY] = subtable.maxPriority;
      this.#order[index + ORDER_PROGRAM] = subtable.program;
      this.#order[index + ORDER_GROUP] = subtable.lastGroup;
      this.#order[index + ORDER_BIT] = subtable.lastGroupBit;
    }
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
