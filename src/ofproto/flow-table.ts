/**
 * One OpenFlow table: its classifier, its configuration (OVSDB: Flow_Table; OpenFlow: OFPT_TABLE_MOD) and its counters.
 */
import { Classifier } from './classifier.ts';
import type { Rule } from './rule.ts';

/** What becomes of a packet that no rule of the table matches; `default` is the protocol version's own way. */
export type TableMiss = 'default' | 'controller' | 'drop' | 'continue';

/** number of tables, 0..254 */
export const TABLE_COUNT = 255;
/** a table number that means all tables, or the switch's choice */
export const TABLE_ALL = 0xff;
/** the table of the switch's own rules: hidden, and read-only for controllers */
export const TABLE_INTERNAL = 254;

export class FlowTable {
  readonly id: number;
  readonly classifier: Classifier<Rule> = new Classifier();
  /** empty = none */
  name = '';
  miss: TableMiss = 'default';
  /** most rules that it takes; more are refused with OFPFMFC_TABLE_FULL */
  maxFlows = 1_000_000;
  /** lookups that found a rule */
  matched = 0;
  /** lookups that found none */
  missed = 0;

  constructor(id: number) {
    this.id = id;
  }

  /** Whether dumps of all tables leave it out. */
  get isHidden(): boolean {
    return this.id === TABLE_INTERNAL;
  }

  /** Whether only the switch itself may change it. */
  get isReadOnly(): boolean {
    return this.id === TABLE_INTERNAL;
  }
}

/** Counts lookups in a table. */
export function creditTable(table: FlowTable, isHit: boolean, packets: number): void {
  if (isHit) {
    table.matched += packets;
  } else {
    table.missed += packets;
  }
}
