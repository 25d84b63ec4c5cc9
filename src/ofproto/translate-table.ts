/**
 * Translation of a table lookup: finds the rule and runs its actions, or does what the table's configuration says of a
 * miss.
 */
import { formatMatch, W_IN_PORT, W_TP } from '../flow/index.ts';
import type { OpenFlowAction, OpenFlowTextOptions } from '../openflow/index.ts';
import { isFragment } from './flow-edit.ts';
import { TABLE_INTERNAL } from './flow-table.ts';
import type { LookupStep, LookupTrace } from './lookup-trace.ts';
import type { Rule } from './rule.ts';
import { denseMatch } from './sparse-match.ts';
import { MAX_DEPTH, MAX_RESUBMITS, MAX_STACK_BYTES, type TranslationContext } from './translation-context.ts';

/** Bytes that one value on the stack takes, as Open vSwitch counts: the largest field's. */
const STACK_ENTRY_BYTES = 128;
/** More datapath actions than this, and no further table is looked up. */
const MAX_ACTION_BYTES = 65535;
const BYTES_PER_WORD = 4;

/** What a table does that is configured to send its misses to the controller. */
const MISS_ACTIONS: readonly OpenFlowAction[] = [
  {
    type: 'controller',
    maxLength: 0xffff,
    reason: 'no_match',
    controllerId: 0,
    userdata: new Uint8Array(0),
    pause: false,
    meterId: null,
  },
];

/** Looks the flow up, as if it came in by `inPort`, and runs the actions of the rule that matches. Returns the rule. */
export function lookUpTable(
  context: TranslationContext,
  inPort: number,
  table: number,
  mayPacketIn: boolean,
  honorTableMiss: boolean,
  isLast: boolean,
): Rule | null {
  if (!checkLimits(context)) {
    return null;
  }
  const outerTable = context.table;
  const outerRule = context.rule;
  const { isInBucket } = context;
  const rule = findRule(context, inPort, table, honorTableMiss);
  context.trace?.enter('table', `${String(context.table).padStart(2)}. ${describeRule(rule, context.textOptions)}`);
  context.depth++;
  context.resubmits++;
  context.rule = rule;
  context.isInBucket = false;
  if (rule !== null) {
    context.runActions(context, rule.actions, isLast);
  } else {
    context.runActions(context, mayPacketIn && missGoesToController(context) ? MISS_ACTIONS : [], isLast);
  }
  context.depth--;
  context.trace?.leave();
  context.table = outerTable;
  context.rule = outerRule;
  context.isInBucket = isInBucket;
  return rule;
}

function missGoesToController(context: TranslationContext): boolean {
  const port = context.bridge.ports.get(context.flow[W_IN_PORT]!);
  return context.bridge.tables.table(context.table).miss === 'controller' && port?.config.noPacketIn !== true;
}

function checkLimits(context: TranslationContext): boolean {
  if (context.depth > MAX_DEPTH) {
    context.fail('Recursion too deep', `over max translation depth ${MAX_DEPTH}`);
  } else if (context.resubmits >= MAX_RESUBMITS) {
    context.fail('Too many resubmits', `over ${MAX_RESUBMITS} resubmit actions`);
  } else if (context.writer.length * BYTES_PER_WORD > MAX_ACTION_BYTES) {
    context.report('error', `resubmits yielded over ${(MAX_ACTION_BYTES + 1) / 1024} kB of actions`);
    context.isExiting = true;
  } else if (context.stack.length * STACK_ENTRY_BYTES > MAX_STACK_BYTES) {
    context.fail('Stack too deep', `resubmits yielded over ${MAX_STACK_BYTES / 1024} kB of stack`);
  } else {
    return true;
  }
  return false;
}

/** The rule that matches, after tables that pass a miss on. Leaves `context.table` at the table of the last lookup. */
function findRule(context: TranslationContext, inPort: number, table: number, honorTableMiss: boolean): Rule | null {
  const { flow, bridge } = context;
  const originalPort = flow[W_IN_PORT]!;
  const originalTransport = flow[W_TP]!;
  flow[W_IN_PORT] = inPort;
  if (isFragment(flow)) {
    // In the handling mode "normal" fragments have no ports, not even the first.
    flow[W_TP] = 0;
  }
  let rule: Rule | null = null;
  for (let number = table; ; number++) {
    context.table = number;
    const flowTable = bridge.tables.table(number);
    rule = flowTable.classifier.lookup(flow, context.wildcards, lookupTrace(context, number));
    if (rule !== null) {
      context.effects.push({ kind: 'rule', table: flowTable, rule });
      break;
    }
    context.effects.push({ kind: 'miss', table: flowTable });
    if (!honorTableMiss || flowTable.miss !== 'continue' || number + 1 >= TABLE_INTERNAL) {
      break;
    }
  }
  flow[W_IN_PORT] = originalPort;
  flow[W_TP] = originalTransport;
  return rule;
}

function describeRule(rule: Rule | null, options: OpenFlowTextOptions): string {
  if (rule === null) {
    return 'No match.';
  }
  const match = formatMatch(denseMatch(rule.match), options);
  const cookie = rule.cookie === 0n ? '' : `, cookie 0x${rule.cookie.toString(16)}`;
  return `${match === '' ? '' : `${match}, `}priority ${rule.priority}${cookie}`;
}

/** Takes down the steps of a lookup as provenance. */
function lookupTrace(context: TranslationContext, table: number): LookupTrace<Rule> | null {
  const { trace, bridge } = context;
  if (trace === null) {
    return null;
  }
  return {
    step(step: LookupStep<Rule>): void {
      trace.attribute(step.mask, bridge.name, table, describeStep(step, context.textOptions));
    },
  };
}

function describeStep(step: LookupStep<Rule>, options: OpenFlowTextOptions): string {
  const others = step.rules === 1 ? 'rule' : `one of ${step.rules} rules`;
  const rule = `"${describeRule(step.rule, options)}"`;
  switch (step.kind) {
    case 'rule':
      return `matches ${rule}`;
    case 'subtable':
      return `does not match ${others} like ${rule}`;
    case 'stage':
      return `does not match ${others} like ${rule}, which shows by stage ${step.stage}`;
    case 'trie':
      return `${step.field} is in no prefix of ${others} like ${rule}`;
    case 'ports':
      return `has no port of ${others} like ${rule}`;
  }
}
