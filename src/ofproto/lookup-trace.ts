/**
 * The record of what a classifier lookup looked at and why, for `ofproto/trace`, `explain` and the dashboard.
 */
import type { FlowWords } from '../flow/index.ts';
import type { StageName } from './stages.ts';

/**
 * Why bits were un-wildcarded:
 * - `rule`: a rule of the subtable matched (all bits of its mask);
 * - `subtable`: no rule of the subtable matched, and only its last stage told (all bits of its mask);
 * - `stage`: no rule of the subtable matches the stages up to `stage`;
 * - `trie`: no rule has a prefix of the subtable's length that contains the address `field`;
 * - `ports`: no rule of the subtable matched, found out at its last stage; of the transport ports only the bits that the
 *   ports trie needed count.
 */
export type LookupCause = 'rule' | 'subtable' | 'stage' | 'trie' | 'ports';

/** One consulted subtable. */
export interface LookupStep<R> {
  readonly kind: LookupCause;
  /** the bits looked at, those of earlier steps included again where this one needs them too */
  readonly mask: FlowWords;
  /** highest priority of a rule in the subtable */
  readonly priority: number;
  /** number of rules in the subtable */
  readonly rules: number;
  /** the rule that matched (`rule`), otherwise some rule of the subtable for illustration */
  readonly rule: R;
  /** the last stage looked at */
  readonly stage: StageName;
  /** the address field whose trie decided (`trie`), otherwise null */
  readonly field: string | null;
}

/** Takes down the steps of a lookup in order. Give it only where speed does not matter: steps are allocated. */
export interface LookupTrace<R> {
  step(step: LookupStep<R>): void;
}
