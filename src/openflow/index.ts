/**
 * The OpenFlow layer: the protocol's actions and messages as plain records, and their `ovs-ofctl` text.
 *
 * What. actions.ts and messages.ts have one shape of record for all protocol versions and the Nicira extensions; ports.ts
 * the reserved ports; errors.ts the errors by name with their numbers in each version. Text goes both ways:
 * `parseActions`/`formatActions` for lists of actions, `parseFlowMod`, `parseGroupMod` and `parseMeterMod` for what changes a
 * switch, `formatFlowStats`, `formatGroup`, `formatMeter` and their companions for what it shows.
 *
 * Why records and not wire structures. A switch keeps flows for years of protocol versions, and programs write them by
 * hand: the record says what is meant, and the text and (with the daemon) each version's wire form are views of it.
 *
 * How text is read. Strictly, in Open vSwitch's words: an error names the key, the value and what was expected, and knows
 * its place in the text. `ovsCompat` accepts what Open vSwitch accepts without looking. What text alone cannot decide
 * (does the action fit the match) is `checkActions`.
 */
export { formatAction, formatActions, parseActions } from './action-text.ts';
export type * from './actions.ts';
export { type CheckActionsContext, checkActions, checkBucketActions } from './check-actions.ts';
export * from './errors.ts';
export * from './flow-text.ts';
export * from './group-text.ts';
export * from './messages.ts';
export * from './meter-text.ts';
export * from './ports.ts';
export { asPlacedError, explainError, OpenFlowTextError, type OpenFlowTextErrorCode } from './text-error.ts';
export { OpenFlowFileError } from './text-file.ts';
export type { OpenFlowTextOptions, TableNames } from './text-options.ts';
export * from './wire/index.ts';
