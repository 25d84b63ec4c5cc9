/**
 * What the parsers of single actions share. Each area file (actions-*-text.ts) has a table from action name to parser
 * and a formatter per record type; action-text.ts joins them, reads lists and keeps the rules between actions.
 */
import type { Subfield } from '../flow/index.ts';
import { parseSubfield } from '../flow/index.ts';
import type { OpenFlowAction } from './actions.ts';
import type { KeyValue } from './key-value.ts';
import { moveError, OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

/** What a list of actions stands in, when that is not a flow: an action's argument, or a group's bucket. */
export type OuterAction = 'clone' | 'ct' | 'write_actions' | 'bucket';

export interface ActionContext {
  readonly options: OpenFlowTextOptions;
  /** the action that the list stands in; null = the flow's own list */
  readonly outer: OuterAction | null;
  /** reads the list in an action's argument */
  parseNested(text: string, outer: OuterAction): OpenFlowAction[];
}

/** Reads the action `item`: its name is `item.key`, its argument `item.value`. */
export type ActionParser = (item: KeyValue, context: ActionContext) => OpenFlowAction | readonly OpenFlowAction[];

/** Refuses an argument that would mean nothing, such as `exit:1`; Open vSwitch ignores it. */
export function refuseArgument(item: KeyValue, options: OpenFlowTextOptions): void {
  if (item.value !== '' && options.ovsCompat !== true) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${item.key}: expected no argument, got "${item.value}"`);
  }
}

/** A parser of an action that has no argument. */
export function plainAction(action: OpenFlowAction): ActionParser {
  return (item, { options }) => {
    refuseArgument(item, options);
    return action;
  };
}

/** `SOURCE->DESTINATION`; the error of a missing arrow is `TEXT: missing \`->'` and then `missing`. */
export function splitArrow(text: string, missing: string): [source: string, destination: string] {
  const arrow = text.indexOf('->');
  if (arrow < 0) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `${text}: missing \`->'${missing}`);
  }
  return [text.slice(0, arrow), text.slice(arrow + 2)];
}

/** A subfield that stands at `offset` of the text whose errors the caller reports. */
export function parseSubfieldAt(text: string, offset: number, options: OpenFlowTextOptions): Subfield {
  return at(offset, () => parseSubfield(text, options));
}

/** Runs `parse`; an error gets the place `offset`. */
export function at<T>(offset: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw moveError(error, offset, offset);
  }
}
