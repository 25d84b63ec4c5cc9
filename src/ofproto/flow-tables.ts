/**
 * All flow tables of a bridge, and the flow mods that change them.
 *
 * A flow mod first finds out all that could refuse it and only then changes anything, so a refused one leaves no trace.
 * What differs between versions of OpenFlow (whether `add` resets counters, whether `modify` adds) is in the flags and
 * cookie of the `FlowMod` record, put there by whoever made it. Messages about changes (flow removed, flow monitor) are made by the
 * caller from the results.
 *
 * Rules that use a group or a meter are indexed by it, because they go when it goes. Rules whose `learn` actions say
 * `delete_learned` are counted by what they learn, which goes when the last of them goes.
 */
import type { Match } from '../flow/index.ts';
import {
  type FlowMod,
  type FlowModFlags,
  type FlowStats,
  type GroupMod,
  type MeterMod,
  OFPG_ANY,
  OFPP_NONE,
  type OpenFlowAction,
  OpenFlowError,
  type OpenFlowPort,
} from '../openflow/index.ts';
import {
  actionsOutputTo,
  conjunctionsOf,
  groupsUsed,
  type LearnedFlows,
  learnedFlowsOf,
  metersUsed,
} from './action-uses.ts';
import { FlowTable, TABLE_ALL, TABLE_COUNT } from './flow-table.ts';
import { GroupTable } from './groups.ts';
import { MeterTable } from './meters.ts';
import {
  expiryReason,
  inheritRuleCounters,
  type RemovedReason,
  type RemovedRule,
  type Rule,
  resetRuleCounters,
  ruleStats,
} from './rule.ts';
import { RuleIndex } from './rule-index.ts';
import { type SparseMatch, sparseMatch } from './sparse-match.ts';

/** A cookie that means "no cookie": a modify with it adds no flow and changes no cookie. */
const COOKIE_NONE = 0xffff_ffff_ffff_ffffn;

/** What a flow mod did. */
export interface FlowModResult {
  /** the new rule of an `add`, or of a `modify` that matched none */
  readonly added: Rule | null;
  /** the rule that `added` took the place of */
  readonly replaced: Rule | null;
  readonly modified: readonly Rule[];
  readonly removed: readonly RemovedRule[];
}

/** Which rules a dump or aggregate is about. */
export interface FlowFilter {
  /** 0..254; 0xff = all but the internal one */
  readonly table: number;
  /** rules that it covers loosely */
  readonly match: Match;
  readonly cookieMatch: bigint;
  /** 0 = any cookie */
  readonly cookieMask: bigint;
  /** OFPP_NONE = any */
  readonly outPort: OpenFlowPort;
  /** OFPG_ANY = any */
  readonly outGroup: number;
}

export interface AggregateStats {
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly flows: number;
}

const NOTHING: FlowModResult = { added: null, replaced: null, modified: [], removed: [] };

export class FlowTables {
  readonly groups: GroupTable;
  readonly meters: MeterTable;
  /** grows with every change that may change a translation */
  changeSequence = 1;
  readonly #tables: readonly FlowTable[] = Array.from({ length: TABLE_COUNT }, (_, id) => new FlowTable(id));
  readonly #byGroup: RuleIndex = new RuleIndex();
  readonly #byMeter: RuleIndex = new RuleIndex();
  /** rules with a timeout */
  readonly #expirable: Set<Rule> = new Set();
  readonly #flags: Map<number, FlowModFlags> = new Map();
  /** learned flows that go with their learners, by table and cookie, with the number of learners */
  readonly #learners: Map<string, { readonly learned: LearnedFlows; count: number }> = new Map();
  /** those whose last learner has just gone */
  readonly #orphans: Set<string> = new Set();
  #nextRuleId = 1;

  constructor(groups: GroupTable = new GroupTable(), meters: MeterTable = new MeterTable()) {
    this.groups = groups;
    this.meters = meters;
  }

  /** Table 0..254. Whoever changes its configuration calls `noteChange`. */
  table(id: number): FlowTable {
    return this.#tables[id]!;
  }

  /** number of rules in all tables */
  get count(): number {
    return this.#tables.reduce((sum, table) => sum + table.classifier.count, 0);
  }

  /** Says that something changed that translations depend on. */
  noteChange(): void {
    this.changeSequence++;
  }

  /**
   * Carries out a flow mod.
   * @throws OpenFlowError OFPBRC_BAD_TABLE_ID, OFPBRC_EPERM, OFPFMFC_OVERLAP, OFPFMFC_TABLE_FULL, OFPBAC_BAD_OUT_GROUP,
   * OFPMMFC_INVALID_METER; nothing is changed then
   */
  apply(mod: FlowMod, nowMs: number): FlowModResult {
    if (mod.table !== TABLE_ALL && this.#tables[mod.table] === undefined) {
      throw new OpenFlowError('OFPBRC_BAD_TABLE_ID', `wrong table: expected 0..254 or 255, got ${mod.table}`);
    }
    const result = this.#apply(mod, sparseMatch(mod.match), nowMs);
    const orphans = this.#removeOrphans();
    return orphans.length === 0 ? result : { ...result, removed: [...result.removed, ...orphans] };
  }

  #apply(mod: FlowMod, match: SparseMatch, nowMs: number): FlowModResult {
    switch (mod.command) {
      case 'add':
        this.#checkReferences(mod.actions);
        return this.#add(mod, match, nowMs);
      case 'modify':
      case 'modify_strict':
        this.#checkReferences(mod.actions);
        return this.#modify(mod, match, nowMs);
      case 'delete':
      case 'delete_strict':
        return this.#delete(mod, match);
    }
  }

  /**
   * Carries out flow mods in order, all or none: when one is refused, what those before it did is undone, and its error is
   * thrown (see `apply`).
   */
  applyAll(mods: Iterable<FlowMod>, nowMs: number): FlowModResult[] {
    const results: FlowModResult[] = [];
    const undo: (() => void)[] = [];
    try {
      for (const mod of mods) {
        const restore = this.#saveModified(mod);
        const result = this.apply(mod, nowMs);
        results.push(result);
        undo.push(() => this.#undo(result, restore));
      }
    } catch (error) {
      for (const step of undo.reverse()) {
        step();
      }
      this.#orphans.clear();
      throw error;
    }
    return results;
  }

  /** What puts the rules back that a modify is going to change. */
  #saveModified(mod: FlowMod): () => void {
    if (mod.command !== 'modify' && mod.command !== 'modify_strict') {
      return () => {};
    }
    const saved = this.#matching(mod, sparseMatch(mod.match)).map((rule) => ({ rule, ...rule }));
    return () => {
      for (const { rule, actions, cookie, modifiedMs, packets, bytes } of saved) {
        this.#unindex(rule);
        this.#setActions(rule, actions);
        this.#index(rule);
        Object.assign(rule, { cookie, modifiedMs, packets, bytes });
      }
      this.noteChange();
    };
  }

  #undo({ added, replaced, removed }: FlowModResult, restoreModified: () => void): void {
    if (added !== null) {
      this.#remove(added);
    }
    for (const rule of [replaced, ...removed.map((each) => each.rule)]) {
      if (rule !== null) {
        rule.successor = null;
        this.#tables[rule.table]!.classifier.insert(rule);
        this.#index(rule);
      }
    }
    restoreModified();
  }

  /** Removes the rules whose timeout is over. */
  expire(nowMs: number): RemovedRule[] {
    const removed: RemovedRule[] = [];
    for (const rule of this.#expirable) {
      const reason = expiryReason(rule, nowMs);
      if (reason !== null) {
        this.#remove(rule);
        removed.push({ rule, reason });
      }
    }
    return [...removed, ...this.#removeOrphans()];
  }

  /** Lowers a rule's timeouts (seconds) to the given ones where these are not 0: the `fin_timeout` action. */
  reduceTimeouts(rule: Rule, idleTimeout: number, hardTimeout: number): void {
    if (this.#find(rule) !== rule) {
      return;
    }
    rule.idleTimeout = lowerTimeout(rule.idleTimeout, idleTimeout);
    rule.hardTimeout = lowerTimeout(rule.hardTimeout, hardTimeout);
    this.#indexTimeouts(rule);
  }

  /** Statistics of the rules that pass the filter, hidden rules left out. */
  dump(filter: FlowFilter, nowMs: number): FlowStats[] {
    return this.#filtered(filter).map((rule) => ruleStats(rule, nowMs));
  }

  aggregate(filter: FlowFilter): AggregateStats {
    const rules = this.#filtered(filter);
    let packets = 0;
    let bytes = 0;
    for (const rule of rules) {
      packets += rule.packets;
      bytes += rule.bytes;
    }
    return { packets: BigInt(packets), bytes: BigInt(bytes), flows: rules.length };
  }

  /** Carries out a group mod; see `GroupTable.apply` for errors. Returns the rules that went with their group. */
  applyGroupMod(mod: GroupMod, nowMs: number): RemovedRule[] {
    const deletedGroups = this.groups.apply(mod, nowMs);
    this.noteChange();
    const removed = deletedGroups.flatMap((group) => this.#removeAll(this.#byGroup.rules(group), 'group_delete'));
    return [...removed, ...this.#removeOrphans()];
  }

  /** Carries out a meter mod; see `MeterTable.apply` for errors. Returns the rules that went with their meter. */
  applyMeterMod(mod: MeterMod, nowMs: number): RemovedRule[] {
    const deletedMeters = this.meters.apply(mod, nowMs);
    this.noteChange();
    const removed = deletedMeters.flatMap((meter) => this.#removeAll(this.#byMeter.rules(meter), 'meter_delete'));
    return [...removed, ...this.#removeOrphans()];
  }

  /** number of rules that send to the group (`ref_count` of group statistics) */
  groupReferences(group: number): number {
    return this.#byGroup.count(group);
  }

  /** number of rules that pass the meter (`flow_count` of meter statistics) */
  meterReferences(meter: number): number {
    return this.#byMeter.count(meter);
  }

  #checkReferences(actions: readonly OpenFlowAction[]): void {
    const group = groupsUsed(actions).find((each) => this.groups.get(each) === null);
    if (group !== undefined) {
      throw new OpenFlowError('OFPBAC_BAD_OUT_GROUP', `the actions send to group ${group}, which does not exist`);
    }
    const meter = metersUsed(actions).find((each) => this.meters.get(each) === null);
    if (meter !== undefined) {
      throw new OpenFlowError('OFPMMFC_INVALID_METER', `the actions pass meter ${meter}, which does not exist`);
    }
  }

  #add(mod: FlowMod, match: SparseMatch, nowMs: number): FlowModResult {
    const table = this.#tables[mod.table === TABLE_ALL ? 0 : mod.table]!;
    const { classifier } = table;
    const old = classifier.findExactly(match, mod.priority);
    if (table.isReadOnly && !mod.flags.noReadOnly) {
      throw new OpenFlowError('OFPBRC_EPERM', `table ${table.id} is reserved for the switch`);
    }
    if (old !== null) {
      requireWritable(
        [old],
        [old].filter((rule) => this.#mayChange(rule, mod)),
      );
    } else {
      if (mod.flags.checkOverlap && classifier.overlaps(match, mod.priority)) {
        throw new OpenFlowError(
          'OFPFMFC_OVERLAP',
          `the flow overlaps another of table ${table.id} with priority ${mod.priority}`,
        );
      }
      if (classifier.count >= table.maxFlows) {
        throw new OpenFlowError('OFPFMFC_TABLE_FULL', `table ${table.id} is full: it takes ${table.maxFlows} flows`);
      }
    }
    const rule = this.#createRule(mod, table, match, nowMs);
    if (old !== null) {
      this.#unindex(old);
      if (!mod.flags.resetCounts) {
        inheritRuleCounters(rule, old);
      }
    }
    classifier.insert(rule);
    this.#index(rule);
    this.noteChange();
    return { ...NOTHING, added: rule, replaced: old };
  }

  #modify(mod: FlowMod, match: SparseMatch, nowMs: number): FlowModResult {
    const found = this.#matching(mod, match);
    const rules = found.filter((rule) => this.#mayChange(rule, mod));
    requireWritable(found, rules);
    if (rules.length === 0) {
      return mod.cookieMask === 0n && mod.cookie !== COOKIE_NONE ? this.#add(mod, match, nowMs) : NOTHING;
    }
    for (const rule of rules) {
      this.#unindex(rule);
      this.#setActions(rule, mod.actions);
      this.#index(rule);
      rule.modifiedMs = nowMs;
      if (mod.modifyCookie && mod.cookie !== COOKIE_NONE) {
        rule.cookie = mod.cookie;
      }
      if (mod.flags.resetCounts) {
        resetRuleCounters(rule);
      }
    }
    this.noteChange();
    return { ...NOTHING, modified: rules };
  }

  #delete(mod: FlowMod, match: SparseMatch): FlowModResult {
    const found = this.#matching(mod, match).filter((rule) => hasOutput(rule, mod));
    const rules = found.filter((rule) => this.#mayChange(rule, mod));
    requireWritable(found, rules);
    return { ...NOTHING, removed: this.#removeAll(rules, 'delete') };
  }

  /** The rules that a modify or delete means by table, match, priority and cookie, as far as its sender can see them. */
  #matching(mod: FlowMod, match: SparseMatch): Rule[] {
    const isStrict = mod.command === 'modify_strict' || mod.command === 'delete_strict';
    const found = this.#tablesFor(mod.table).flatMap(({ classifier }) => {
      if (!isStrict) {
        return classifier.matchingLoosely(match);
      }
      const rule = classifier.findExactly(match, mod.priority);
      return rule === null ? [] : [rule];
    });
    return found.filter((rule) => hasCookie(rule, mod) && (!rule.flags.hidden || mod.flags.hidden));
  }

  #filtered(filter: FlowFilter): Rule[] {
    const match = sparseMatch(filter.match);
    return this.#tablesFor(filter.table).flatMap((table) =>
      table.classifier
        .matchingLoosely(match)
        .filter((rule) => !rule.flags.hidden && hasCookie(rule, filter) && hasOutput(rule, filter)),
    );
  }

  #tablesFor(table: number): readonly FlowTable[] {
    if (table === TABLE_ALL) {
      return this.#tables.filter((each) => !each.isHidden && each.classifier.count > 0);
    }
    const one = this.#tables[table];
    return one === undefined ? [] : [one];
  }

  /** Whether the sender of a flow mod may change the rule. */
  #mayChange(rule: Rule, mod: FlowMod): boolean {
    const isProtected = rule.flags.noReadOnly || this.#tables[rule.table]!.isReadOnly;
    return (!isProtected || mod.flags.noReadOnly) && (!rule.flags.hidden || mod.flags.hidden);
  }

  #createRule(mod: FlowMod, table: FlowTable, match: SparseMatch, nowMs: number): Rule {
    return {
      id: this.#nextRuleId++,
      table: table.id,
      match: { mask: table.classifier.internMask(match.mask), values: match.values },
      priority: mod.priority,
      conjunctions: conjunctionsOf(mod.actions),
      actions: mod.actions,
      cookie: mod.cookie,
      flags: this.#internFlags(mod.flags),
      idleTimeout: mod.idleTimeout,
      hardTimeout: mod.hardTimeout,
      importance: mod.importance,
      createdMs: nowMs,
      modifiedMs: nowMs,
      usedMs: nowMs,
      packets: 0,
      bytes: 0,
      successor: null,
    };
  }

  /** Gives a rule new actions; the classifier must hear when it becomes, or ceases to be, a soft match. */
  #setActions(rule: Rule, actions: readonly OpenFlowAction[]): void {
    const conjunctions = conjunctionsOf(actions);
    const { classifier } = this.#tables[rule.table]!;
    const isSoftnessChanged = (conjunctions === null) !== (rule.conjunctions === null);
    if (isSoftnessChanged) {
      classifier.remove(rule);
    }
    rule.actions = actions;
    rule.conjunctions = conjunctions;
    if (isSoftnessChanged) {
      classifier.insert(rule);
    }
  }

  #removeAll(rules: readonly Rule[], reason: RemovedReason): RemovedRule[] {
    return rules.map((rule) => {
      this.#remove(rule);
      return { rule, reason };
    });
  }

  #remove(rule: Rule): void {
    this.#tables[rule.table]!.classifier.remove(rule);
    this.#unindex(rule);
    this.noteChange();
  }

  /** Removes the learned flows whose last learner has gone, and those that these learned. */
  #removeOrphans(): RemovedRule[] {
    const removed: RemovedRule[] = [];
    for (const key of this.#orphans) {
      this.#orphans.delete(key);
      const { learned, count } = this.#learners.get(key)!;
      if (count === 0) {
        this.#learners.delete(key);
        const rules = [...this.#tables[learned.table]!.classifier.rules()].filter(
          (rule) => rule.cookie === learned.cookie,
        );
        removed.push(...this.#removeAll(rules, 'delete'));
      }
    }
    return removed;
  }

  #countLearners(rule: Rule, change: 1 | -1): void {
    for (const learned of learnedFlowsOf(rule.actions)) {
      const key = `${learned.table}/${learned.cookie}`;
      const learners = this.#learners.get(key) ?? { learned, count: 0 };
      learners.count += change;
      this.#learners.set(key, learners);
      if (learners.count === 0) {
        this.#orphans.add(key);
      }
    }
  }

  #find(rule: Rule): Rule | null {
    return this.#tables[rule.table]!.classifier.findExactly(rule.match, rule.priority);
  }

  #index(rule: Rule): void {
    this.#byGroup.add(rule, groupsUsed(rule.actions));
    this.#byMeter.add(rule, metersUsed(rule.actions));
    this.#countLearners(rule, 1);
    this.#indexTimeouts(rule);
  }

  #unindex(rule: Rule): void {
    this.#byGroup.delete(rule, groupsUsed(rule.actions));
    this.#byMeter.delete(rule, metersUsed(rule.actions));
    this.#countLearners(rule, -1);
    this.#expirable.delete(rule);
  }

  #indexTimeouts(rule: Rule): void {
    if (rule.idleTimeout > 0 || rule.hardTimeout > 0) {
      this.#expirable.add(rule);
    }
  }

  /** One shared record per combination of flags, because every rule has one. */
  #internFlags(flags: FlowModFlags): FlowModFlags {
    const bits =
      Number(flags.sendFlowRemoved) |
      (Number(flags.checkOverlap) << 1) |
      (Number(flags.resetCounts) << 2) |
      (Number(flags.noPacketCounts) << 3) |
      (Number(flags.noByteCounts) << 4) |
      (Number(flags.hidden) << 5) |
      (Number(flags.noReadOnly) << 6);
    const known = this.#flags.get(bits) ?? { ...flags };
    this.#flags.set(bits, known);
    return known;
  }
}

/** Refuses when there were rules to change but none that may be. */
function requireWritable(found: readonly Rule[], writable: readonly Rule[]): void {
  if (found.length > 0 && writable.length === 0) {
    throw new OpenFlowError('OFPBRC_EPERM', `the flows are protected (table ${found[0]!.table})`);
  }
}

function hasCookie(rule: Rule, filter: { readonly cookieMatch: bigint; readonly cookieMask: bigint }): boolean {
  return filter.cookieMask === 0n || ((rule.cookie ^ filter.cookieMatch) & filter.cookieMask) === 0n;
}

function hasOutput(rule: Rule, filter: { readonly outPort: OpenFlowPort; readonly outGroup: number }): boolean {
  return (
    (filter.outPort === OFPP_NONE || actionsOutputTo(rule.actions, filter.outPort)) &&
    (filter.outGroup === OFPG_ANY || groupsUsed(rule.actions).includes(filter.outGroup))
  );
}

function lowerTimeout(timeout: number, limit: number): number {
  return limit > 0 && (timeout === 0 || timeout > limit) ? limit : timeout;
}
