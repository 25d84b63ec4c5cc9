/**
 * The OpenFlow switch: classifier, flow tables, groups, meters, and translation of flows to datapath actions.
 */
export * from './classifier.ts';
export type { Conjunction } from './conjunction.ts';
export * from './flow-table.ts';
export * from './flow-tables.ts';
export * from './groups.ts';
export * from './lookup-trace.ts';
export * from './meters.ts';
export {
  creditRule,
  currentRule,
  type RemovedReason,
  type RemovedRule,
  type Rule,
  ruleStats,
} from './rule.ts';
export * from './sparse-match.ts';
export { STAGE_NAMES, type StageName } from './stages.ts';
