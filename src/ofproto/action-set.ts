/**
 * The action set: what `write_actions` gathers and the end of the pipeline executes, in the order that OpenFlow 1.5
 * section 5.6 gives, whatever the order of writing.
 */
import { OFPP_UNSET, type OpenFlowAction } from '../openflow/index.ts';
import type { TranslationContext } from './translation-context.ts';

/** Executed in this order, each kind once: the one written last. Then the settings of fields, all of them in the order written. */
const SINGLE_ACTIONS: readonly OpenFlowAction['type'][] = [
  'pop_vlan',
  'strip_vlan',
  'pop_mpls',
  'decap',
  'encap',
  'push_mpls',
  'push_vlan',
  'dec_ttl',
  'dec_mpls_ttl',
  'dec_nsh_ttl',
];

/** Of these only the first that is there is executed, last. */
const FINAL_ACTIONS: readonly OpenFlowAction['type'][] = ['group', 'output', 'resubmit', 'ct'];

const SETTING_ACTIONS: ReadonlySet<OpenFlowAction['type']> = new Set<OpenFlowAction['type']>([
  'set_field',
  'load',
  'move',
  'set_vlan_vid',
  'set_vlan_pcp',
  'set_eth_src',
  'set_eth_dst',
  'set_ipv4_src',
  'set_ipv4_dst',
  'set_ip_dscp',
  'set_ip_ecn',
  'set_ip_ttl',
  'set_l4_src_port',
  'set_l4_dst_port',
  'set_mpls_label',
  'set_mpls_tc',
  'set_mpls_ttl',
  'set_tunnel',
]);

/** The actions of an action set in the order of execution. */
export function orderActionSet(written: readonly OpenFlowAction[]): OpenFlowAction[] {
  const last = new Map<OpenFlowAction['type'], OpenFlowAction>();
  for (const action of written) {
    last.set(action.type, action);
  }
  const ordered: OpenFlowAction[] = [];
  for (const type of SINGLE_ACTIONS) {
    const action = last.get(type);
    if (action !== undefined) {
      ordered.push(action);
    }
  }
  ordered.push(...written.filter((action) => SETTING_ACTIONS.has(action.type)));
  const queue = last.get('set_queue');
  if (queue !== undefined) {
    ordered.push(queue);
  }
  const final = FINAL_ACTIONS.find((type) => last.has(type));
  if (final !== undefined) {
    ordered.push(last.get(final)!);
  }
  return ordered;
}

/** The output port of an action set, for the field actset_output; OFPP_UNSET when a group or nothing stands there. */
export function actionSetOutput(written: readonly OpenFlowAction[]): number {
  const final = orderActionSet(written).at(-1);
  return final?.type === 'output' ? final.port : OFPP_UNSET;
}

/** Executes the action set at the end of the pipeline, unless the pipeline was left early. */
export function runActionSet(context: TranslationContext): void {
  if (context.isFreezing || context.error !== null || context.actionSet.length === 0) {
    return;
  }
  const actions = orderActionSet(context.actionSet);
  context.actionSet = [];
  if (!FINAL_ACTIONS.includes(actions.at(-1)?.type ?? 'note')) {
    return;
  }
  const { isExiting, isInActionSet, isInBucket } = context;
  context.trace?.enterAfterTable('table', '--. Executing action set:');
  context.isInActionSet = true;
  context.isInBucket = false;
  // `exit` spares it, which Open vSwitch documents but does not do (ovs-actions(7), "The exit action").
  context.isExiting = false;
  context.runActions(context, actions, true);
  context.isExiting = isExiting;
  context.isInActionSet = isInActionSet;
  context.isInBucket = isInBucket;
  context.trace?.leave();
}
