/**
 * A rule: one OpenFlow flow in a table.
 *
 * Counters and times are touched only by the functions here, so that they can move to shared memory without a change
 * elsewhere. A rule that was replaced by an equal one with its counters kept passes on what is credited to it later:
 * megaflows made from it may live a little longer than it does.
 */
import type { FlowModFlags, FlowStats, OpenFlowAction } from '../openflow/index.ts';
import type { Conjunction } from './conjunction.ts';
import { denseMatch, type SparseMatch } from './sparse-match.ts';

export interface Rule {
  /** unique in its FlowTables, ascending in order of creation */
  readonly id: number;
  /** 0..254 */
  readonly table: number;
  readonly match: SparseMatch;
  readonly priority: number;
  /** from `actions`; null when they have no `conjunction` */
  conjunctions: readonly Conjunction[] | null;
  actions: readonly OpenFlowAction[];
  cookie: bigint;
  flags: FlowModFlags;
  /** seconds; 0 = never */
  idleTimeout: number;
  /** seconds since `modifiedMs`; 0 = never */
  hardTimeout: number;
  importance: number;
  readonly createdMs: number;
  modifiedMs: number;
  /** time of the last packet, or of creation */
  usedMs: number;
  packets: number;
  bytes: number;
  /** the rule that took this one's place and counters, or null */
  successor: Rule | null;
}

/** Why a rule went away: the reasons of OFPT_FLOW_REMOVED. */
export type RemovedReason = 'idle_timeout' | 'hard_timeout' | 'delete' | 'group_delete' | 'meter_delete' | 'eviction';

export interface RemovedRule {
  readonly rule: Rule;
  readonly reason: RemovedReason;
}

/** Counts packets that the rule decided, the last of them at `usedMs`. */
export function creditRule(rule: Rule, packets: number, bytes: number, usedMs: number): void {
  const heir = currentRule(rule);
  heir.packets += packets;
  heir.bytes += bytes;
  if (usedMs > heir.usedMs) {
    heir.usedMs = usedMs;
  }
}

/** Counts again from 0. */
export function resetRuleCounters(rule: Rule): void {
  rule.packets = 0;
  rule.bytes = 0;
}

/** Lets `rule` go on with the counters of `old`, whose place it takes. */
export function inheritRuleCounters(rule: Rule, old: Rule): void {
  rule.packets = old.packets;
  rule.bytes = old.bytes;
  rule.usedMs = Math.max(rule.usedMs, old.usedMs);
  old.successor = rule;
}

/** The rule itself, or the one that took its place with its counters. */
export function currentRule(rule: Rule): Rule {
  let current = rule;
  while (current.successor !== null) {
    current = current.successor;
  }
  return current;
}

/** What a flow statistics reply says of the rule. */
export function ruleStats(rule: Rule, nowMs: number): FlowStats {
  return {
    table: rule.table,
    priority: rule.priority,
    match: denseMatch(rule.match),
    cookie: rule.cookie,
    durationMs: Math.floor(nowMs - rule.createdMs),
    idleTimeout: rule.idleTimeout,
    hardTimeout: rule.hardTimeout,
    importance: rule.importance,
    idleAge: Math.floor((nowMs - rule.usedMs) / 1000),
    hardAge: Math.floor((nowMs - rule.modifiedMs) / 1000),
    flags: rule.flags,
    packets: BigInt(rule.packets),
    bytes: BigInt(rule.bytes),
    actions: rule.actions,
  };
}

/** Why the rule has expired by now, or null. A timeout is over when more than its seconds have passed. */
export function expiryReason(rule: Rule, nowMs: number): 'idle_timeout' | 'hard_timeout' | null {
  if (rule.hardTimeout > 0 && nowMs > rule.modifiedMs + 1000 * rule.hardTimeout) {
    return 'hard_timeout';
  }
  if (rule.idleTimeout > 0 && nowMs > rule.usedMs + 1000 * rule.idleTimeout) {
    return 'idle_timeout';
  }
  return null;
}
