/**
 * The OpenFlow switch: classifier, flow tables, groups, meters, and translation of flows to datapath actions.
 */
export * from './classifier.ts';
export type { Conjunction } from './conjunction.ts';
export * from './lookup-trace.ts';
export * from './sparse-match.ts';
export { STAGE_NAMES, type StageName } from './stages.ts';
