/**
 * Lists of actions as text, both ways, as `ovs-ofctl` reads and shows them (ovs-actions(7)).
 *
 * This file has the list: which parser an action's name belongs to, `drop`, ports without `output:`, lists in lists, and
 * the rules between the actions of a list that need no match (order of instructions, what may be nested where,
 * conjunctions by themselves). The rules that need the match are in check-actions.ts.
 */

import { formatSubfield } from '../flow/index.ts';
import type { ActionContext, ActionParser, OuterAction } from './action-syntax.ts';
import { at, refuseArgument } from './action-syntax.ts';
import type { OpenFlowAction } from './actions.ts';
import { CONNTRACK_PARSERS, formatConntrack, formatNat } from './actions-conntrack-text.ts';
import { CONTROL_PARSERS, formatControlAction } from './actions-control-text.ts';
import { ENCAP_PARSERS, formatDecap, formatEncap } from './actions-encap-text.ts';
import { FIELD_PARSERS, formatFieldAction } from './actions-field-text.ts';
import { formatHeaderAction, HEADER_PARSERS } from './actions-header-text.ts';
import { formatLearn, LEARN_PARSERS } from './actions-learn-text.ts';
import { createOutput, formatBundle, formatController, formatOutput, OUTPUT_PARSERS } from './actions-output-text.ts';
import { eachKeyValue, type KeyValue } from './key-value.ts';
import { portText, tryParsePort } from './port-text.ts';
import { OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

const PARSERS: ReadonlyMap<string, ActionParser> = new Map(
  Object.entries({
    ...OUTPUT_PARSERS,
    ...HEADER_PARSERS,
    ...FIELD_PARSERS,
    ...CONTROL_PARSERS,
    ...ENCAP_PARSERS,
    ...CONNTRACK_PARSERS,
    ...LEARN_PARSERS,
  }),
);

/** The instructions in the order in which OpenFlow 1.1 and later execute them; whatever is not named is apply_actions. */
const INSTRUCTIONS = [
  'meter',
  'apply_actions',
  'clear_actions',
  'write_actions',
  'write_metadata',
  'goto_table',
] as const;
type Instruction = (typeof INSTRUCTIONS)[number];

/** deeper than anyone writes, and shallow enough for any stack */
const MAX_NESTING = 64;

/**
 * Reads a list such as `mod_vlan_vid:5,output:1`; '' and `drop` are the empty list. A `load` of more than 64 bits
 * becomes several. Throws `OpenFlowTextError`, or `OpenFlowError` for a list that OpenFlow forbids.
 */
export function parseActions(text: string, options: OpenFlowTextOptions = {}): OpenFlowAction[] {
  return parseList(text, options, null, 0);
}

/** Reads the actions of a group's bucket, where instructions have no place; otherwise as `parseActions`. */
export function parseBucketActions(text: string, options: OpenFlowTextOptions = {}): OpenFlowAction[] {
  return parseList(text, options, 'bucket', 0);
}

function parseList(
  text: string,
  options: OpenFlowTextOptions,
  outer: OuterAction | null,
  depth: number,
): OpenFlowAction[] {
  if (depth > MAX_NESTING) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_ACTION', `actions are nested more than ${MAX_NESTING} deep`);
  }
  const context: ActionContext = {
    options,
    outer,
    parseNested: (nested, nestedOuter) => at(0, () => parseList(nested, options, nestedOuter, depth + 1)),
  };
  const actions: OpenFlowAction[] = [];
  let count = 0;
  let dropAt = -1;
  let previous: Instruction | null = null;
  eachKeyValue(text, (item) => {
    count++;
    const name = item.key.toLowerCase();
    if (name === 'drop') {
      refuseArgument(item, options);
      dropAt = item.keyOffset;
      return;
    }
    const parsed = parseAction(item, context);
    const added: readonly OpenFlowAction[] = Array.isArray(parsed) ? parsed : [parsed as OpenFlowAction];
    for (const action of added) {
      checkNesting(action, outer);
      previous = outer === null ? checkOrder(action, previous) : null;
      actions.push(action);
    }
  });
  if (dropAt >= 0 && count > 1) {
    at(dropAt, () => {
      throw new OpenFlowTextError(
        'OPENFLOW_TEXT_ACTION',
        '"drop" must not be accompanied by any other action or instruction',
      );
    });
  }
  checkConjunctions(actions);
  return actions;
}

function parseAction(item: KeyValue, context: ActionContext): ReturnType<ActionParser> {
  const name = item.key.toLowerCase();
  const parser = PARSERS.get(name);
  if (parser !== undefined) {
    return parser(item, context);
  }
  if (name === 'apply_actions') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_ACTION', 'apply_actions is the default instruction');
  }
  const port = tryParsePort(item.key, context.options);
  if (port === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_ACTION', `unknown action ${item.key}`);
  }
  refuseArgument(item, context.options);
  return createOutput(port);
}

function checkNesting(action: OpenFlowAction, outer: OuterAction | null): void {
  if (outer === null) {
    return;
  }
  if (outer === 'ct') {
    if (!['nat', 'set_field', 'load', 'move'].includes(action.type)) {
      throw unsupportedNesting(outer, action);
    }
    return;
  }
  const instruction = instructionOf(action);
  if (instruction === 'meter' && outer === 'bucket') {
    return;
  }
  if (instruction === 'meter') {
    throw unsupportedNesting(outer, action);
  }
  if (instruction !== 'apply_actions') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_ACTION', `${instruction} instruction not allowed here`);
  }
}

function unsupportedNesting(outer: OuterAction, action: OpenFlowAction): OpenFlowTextError {
  const message = `${outer} action doesn't support nested action ${actionName(action)}`;
  return new OpenFlowTextError('OPENFLOW_TEXT_ACTION', message);
}

/** Checks that `action` may follow the instruction `previous`; returns the instruction that it belongs to. */
function checkOrder(action: OpenFlowAction, previous: Instruction | null): Instruction {
  const instruction = instructionOf(action);
  if (previous === null || INSTRUCTIONS.indexOf(previous) < INSTRUCTIONS.indexOf(instruction)) {
    return instruction;
  }
  if (previous !== instruction) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_ORDER',
      `invalid instruction ordering: ${instruction} must appear before ${previous}, for OpenFlow 1.1+ compatibility`,
    );
  }
  if (instruction !== 'apply_actions') {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_ORDER',
      `duplicate ${instruction} instruction not allowed, for OpenFlow 1.1+ compatibility`,
    );
  }
  return instruction;
}

function instructionOf(action: OpenFlowAction): Instruction {
  return INSTRUCTIONS.find((name) => name === action.type) ?? 'apply_actions';
}

function checkConjunctions(actions: readonly OpenFlowAction[]): void {
  if (!actions.some((action) => action.type === 'conjunction')) {
    return;
  }
  const other = actions.find((action) => action.type !== 'conjunction' && action.type !== 'note');
  if (other !== undefined) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_ACTION',
      `"conjunction" actions may be used along with "note" but not any other kind of action (such as the "${actionName(other)}" action used here)`,
    );
  }
}

/** What the action is called in text, where that is not the record's type. */
const TEXT_NAMES: Readonly<Partial<Record<OpenFlowAction['type'], string>>> = {
  output_reg: 'output_reg',
  output_trunc: 'output_trunc',
  set_eth_src: 'mod_dl_src',
  set_eth_dst: 'mod_dl_dst',
  set_ipv4_src: 'mod_nw_src',
  set_ipv4_dst: 'mod_nw_dst',
  set_ip_dscp: 'mod_nw_tos',
  set_ip_ecn: 'mod_nw_ecn',
  set_ip_ttl: 'mod_nw_ttl',
  set_l4_src_port: 'mod_tp_src',
  set_l4_dst_port: 'mod_tp_dst',
};

function actionName(action: OpenFlowAction): string {
  return TEXT_NAMES[action.type] ?? action.type;
}

/** The list as `ovs-ofctl dump-flows` shows it after `actions=`; `drop` when it is empty. */
export function formatActions(actions: readonly OpenFlowAction[], options: OpenFlowTextOptions = {}): string {
  return actions.length === 0 ? 'drop' : actions.map((action) => formatAction(action, options)).join(',');
}

/** One action, as `formatActions`. */
export function formatAction(action: OpenFlowAction, options: OpenFlowTextOptions = {}): string {
  const formatList = (actions: readonly OpenFlowAction[]): string => formatActions(actions, options);
  switch (action.type) {
    case 'output':
      return formatOutput(action, options);
    case 'output_reg':
      return `output:${formatSubfield(action.source)}`;
    case 'output_trunc':
      return `output(port=${portText(action.port, options)},max_len=${action.maxLength})`;
    case 'controller':
      return formatController(action);
    case 'enqueue':
      return `enqueue:${portText(action.port, options)}:${action.queue}`;
    case 'set_queue':
      return `set_queue:${action.queue}`;
    case 'pop_queue':
    case 'ct_clear':
      return action.type;
    case 'group':
      return `group:${action.group}`;
    case 'bundle':
    case 'bundle_load':
      return formatBundle(action, options);
    case 'learn':
      return formatLearn(action, options);
    case 'encap':
      return formatEncap(action);
    case 'decap':
      return formatDecap(action);
    case 'nat':
      return formatNat(action);
    case 'ct':
      return formatConntrack(action, options, formatList);
    case 'clone':
    case 'write_actions':
      return `${action.type}(${formatList(action.actions)})`;
    default:
      return (
        formatHeaderAction(action) ?? formatFieldAction(action, options) ?? formatControlAction(action, options) ?? ''
      );
  }
}
