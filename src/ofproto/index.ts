/**
 * The OpenFlow switch: classifier, flow tables, groups, meters, and translation of flows to datapath actions.
 */
export { applyEffects, type EffectCounts } from './apply-effects.ts';
export { Bridge, type BridgePortOptions } from './bridge.ts';
export * from './classifier.ts';
export type { Conjunction } from './conjunction.ts';
export type { Effect } from './effects.ts';
export { type ExplainedField, explainMegaflow } from './explain.ts';
export * from './flow-table.ts';
export * from './flow-tables.ts';
export * from './groups.ts';
export * from './lookup-trace.ts';
export * from './mac-learning.ts';
export * from './meters.ts';
export * from './port.ts';
export { type FrozenState, freezeMetadata, RecirculationTable, thawMetadata } from './recirculation.ts';
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
export {
  type ProvenanceEntry,
  type TraceNode,
  type TraceNodeType,
  TranslationTrace,
} from './trace.ts';
export { formatMegaflow, formatTrace } from './trace-text.ts';
export { type Translation, type TranslationRequest, Translator } from './translate.ts';
export { CONTROLLER_REASONS, type TranslationError } from './translation-context.ts';
