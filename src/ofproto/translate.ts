/**
 * Translation: runs a flow through the OpenFlow tables of a bridge and returns what the datapath is to do with every
 * packet like it.
 *
 * What. `Translator.translate` returns datapath actions (action code), wildcards (the bits that the decision looked at)
 * and effects (data, see effects.ts). It changes nothing: the same tables and the same flow give the same result, which
 * is why one translator serves upcalls, revalidation, packet-outs, `ofproto/trace` and the soundness check.
 *
 * How. OpenFlow actions change a copy of the flow; nothing is written until the packet goes somewhere (commit.ts). The
 * dispatch below is one long switch, in the order of ovs-actions(7); what is more than a few lines has a file of its own:
 * output, tables, NORMAL, groups, learn.
 *
 * Limits are Open vSwitch's: 64 levels of tables and groups, 4096 lookups, 64 kB of stack. A translation that breaks one
 * has an `error` and no actions: the packet is dropped.
 */
import type { ActionWriter, SetWord } from '../dpif/index.ts';
import {
  createFlow,
  type FlowWords,
  type MatchField,
  NW_FRAG_ANY,
  NW_FRAG_LATER,
  PACKET_TYPE_ETHERNET,
  readBigBits,
  type Subfield,
  subfieldBitOffset,
  VLAN_CFI,
  W_ACTSET_OUTPUT,
  W_CONJ_ID,
  W_CT_STATE_PROTO_ZONE,
  W_CT_TP,
  W_ETH_DST,
  W_ETH_DST_SRC,
  W_ETH_SRC,
  W_IN_PORT,
  W_METADATA,
  W_MPLS,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_RECIRC_ID,
  W_REG0,
  W_SKB_PRIORITY,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TUN_DST,
  W_TUN_ID,
  W_TUN_IPV6_DST,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  writeBigBits,
} from '../flow/index.ts';
import {
  type LoadAction,
  OFPP_IN_PORT,
  OFPP_UNSET,
  type OpenFlowAction,
  type SetFieldAction,
} from '../openflow/index.ts';
import { ETHERTYPE_IPV4, IP_PROTOCOL_ICMP, IP_PROTOCOL_ICMPV6 } from '../wire/index.ts';
import { actionSetOutput, orderActionSet, runActionSet } from './action-set.ts';
import type { Bridge } from './bridge.ts';
import type { Effect } from './effects.ts';
import {
  clearNetworkFields,
  copyBits,
  countMplsLabels,
  decrementIpTtl,
  decrementMplsTtl,
  ethertypeOf,
  hasPrerequisite,
  hasVlan,
  isIp,
  isLaterFragment,
  isMplsEthertype,
  isNetworkField,
  lookAtBits,
  lookAtProtocol,
  lookAtSubfield,
  MAX_MPLS_LABELS,
  type MplsPop,
  networkProtocolOf,
  popMpls,
  popVlan,
  pushMpls,
  pushVlan,
  readSubfield,
  setMplsLabel,
  setMplsTrafficClass,
  setMplsTtl,
} from './flow-edit.ts';
import { type RecirculationTable, thawMetadata } from './recirculation.ts';
import type { TranslationTrace } from './trace.ts';
import { translateGroup } from './translate-group.ts';
import { translateLearn } from './translate-learn.ts';
import { translateBundle, translateMultipath } from './translate-multipath.ts';
import { mayReceive, sendToController, setQueue, translateEnqueue, translateOutput } from './translate-output.ts';
import { lookUpTable } from './translate-table.ts';
import { TranslationContext, type TranslationError, WHOLE_PACKET } from './translation-context.ts';

/** What to translate. */
export interface TranslationRequest {
  /** the bridge that the packet came in to; for a recirculated flow the frozen state says */
  readonly bridge: Bridge;
  /** the flow, with `W_IN_PORT` an OpenFlow port */
  readonly flow: FlowWords;
  /** actions instead of a table lookup, for a packet-out */
  readonly actions?: readonly OpenFlowAction[];
  /** takes down the trace and who un-wildcarded what; costs nothing when absent */
  readonly trace?: TranslationTrace;
  /** false when nobody will apply the effects (trace): packets to controllers are marked not to be sent */
  readonly hasSideEffects?: boolean;
}

/** The outcome; belongs to the translator and is overwritten by its next translation. */
export interface Translation {
  /** action code `writer.words[0..writer.length)`; none = drop */
  readonly writer: ActionWriter;
  /** bits looked at; those of OpenFlow's own fields (metadata, registers) are cleared */
  readonly wildcards: FlowWords;
  /** the flow as the pipeline left it */
  readonly flow: FlowWords;
  readonly effects: readonly Effect[];
  readonly error: TranslationError | null;
}

export class Translator {
  readonly #context: TranslationContext;
  readonly #recirculation: RecirculationTable;

  constructor(recirculation: RecirculationTable) {
    this.#recirculation = recirculation;
    this.#context = new TranslationContext(recirculation, runActions);
  }

  translate(request: TranslationRequest): Translation {
    const context = this.#context;
    context.reset(request.bridge, request.flow, request.trace ?? null, request.hasSideEffects ?? true);
    lookAtBasics(context);
    if (context.flow[W_RECIRC_ID] !== 0) {
      resume(context, this.#recirculation);
    } else {
      context.flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
      begin(context, request);
    }
    if (context.error !== null) {
      context.writer.reset();
    }
    finishWildcards(context.flow, context.wildcards, request.flow);
    return {
      writer: context.writer,
      wildcards: context.wildcards,
      flow: context.flow,
      effects: context.effects,
      error: context.error,
    };
  }
}

/** What every megaflow matches, as Open vSwitch's do: where the packet came from and what it is. */
function lookAtBasics(context: TranslationContext): void {
  const { flow, wildcards } = context;
  wildcards[W_RECIRC_ID] = -1;
  wildcards[W_IN_PORT] = -1;
  wildcards[W_PACKET_TYPE] = -1;
  if (flow[W_PACKET_TYPE] === PACKET_TYPE_ETHERNET) {
    wildcards[W_TYPE_PROTO_FRAG]! |= 0xffff0000;
  }
  if (isIp(flow)) {
    wildcards[W_TYPE_PROTO_FRAG]! |= NW_FRAG_ANY | NW_FRAG_LATER;
  }
  if (flow[W_TUN_DST] !== 0 || flow[W_TUN_IPV6_DST] !== 0) {
    wildcards.fill(-1, W_TUN_ID, W_METADATA);
  }
  context.trace?.attribute(wildcards, context.bridge.name, null, 'always matched');
}

function begin(context: TranslationContext, request: TranslationRequest): void {
  const { bridge } = context;
  context.trace?.enter('bridge', bridge.name);
  const inPort = bridge.ports.get(context.flow[W_IN_PORT]!);
  if (inPort === undefined || mayReceive(context, inPort)) {
    if (request.actions !== undefined) {
      context.isPacketOut = true;
      runActions(context, request.actions, true);
    } else {
      // The first lookup does not count against the limits.
      context.depth = -1;
      context.resubmits = -1;
      context.rule = lookUpTable(context, context.flow[W_IN_PORT]!, 0, true, true, true);
    }
    runActionSet(context);
    context.finishFreezing();
  }
  context.trace?.leave();
}

/** Goes on with the state that was frozen before the datapath recirculated the packet. */
function resume(context: TranslationContext, recirculation: RecirculationTable): void {
  const state = recirculation.get(context.flow[W_RECIRC_ID]!);
  if (state === undefined) {
    context.fail(
      'No recirculation context',
      `no recirculation data for recirc_id 0x${context.flow[W_RECIRC_ID]!.toString(16)}`,
    );
    return;
  }
  context.bridge = state.bridge;
  context.trace?.enter('bridge', state.bridge.name);
  context.trace?.enter('thaw', 'thaw');
  context.flow[W_IN_PORT] = state.inPort;
  context.base[W_IN_PORT] = state.inPort;
  thawMetadata(state, context.flow);
  context.stack = [...state.stack];
  context.actionSet = [...state.actionSet];
  context.table = state.table;
  context.hasHash = state.hasHash;
  if (state.actions.length === 0) {
    context.report('action', `Resuming from table ${state.table}`);
    context.trace?.leave();
    context.rule = lookUpTable(context, state.inPort, state.table, true, true, true);
  } else {
    context.trace?.leave();
    for (const { actions, table, rule } of state.actions) {
      context.table = table;
      context.rule = rule;
      if (context.isFreezing) {
        context.keepForLater(actions);
      } else if (!context.isStopped) {
        runActions(context, actions, true);
      }
    }
  }
  runActionSet(context);
  context.finishFreezing();
  context.trace?.leave();
}

/** Removes what the datapath cannot match and what would say more than was looked at. */
function finishWildcards(flow: FlowWords, wildcards: FlowWords, original: FlowWords): void {
  wildcards.fill(0, W_METADATA, W_REG0 + 16);
  wildcards[W_ACTSET_OUTPUT] = 0;
  wildcards[W_CONJ_ID] = 0;
  for (const word of [W_VLAN0, W_VLAN0 + 1]) {
    if ((wildcards[word]! & 0xffff) !== 0) {
      wildcards[word]! |= VLAN_CFI;
    }
  }
  if (!isMplsEthertype(ethertypeOf(original))) {
    // Only labels that the pipeline pushed itself were looked at.
    wildcards.fill(0, W_MPLS, W_MPLS + MAX_MPLS_LABELS);
  }
  if ((original[W_VLAN0]! & VLAN_CFI) === 0) {
    wildcards[W_VLAN0 + 1] = 0;
  }
  if (isLaterFragment(original)) {
    // It has no ports to look at.
    wildcards[W_TP] = 0;
  }
  const protocol = networkProtocolOf(original);
  if (isIp(original) && (protocol === IP_PROTOCOL_ICMP || protocol === IP_PROTOCOL_ICMPV6)) {
    // Type and code are bytes.
    wildcards[W_TP]! &= 0x00ff00ff;
  }
  flow[W_CONJ_ID] = 0;
}

/** Translates a list of actions. `isLast`: nothing follows the list, so what it does to the flow need not be undone. */
function runActions(context: TranslationContext, actions: readonly OpenFlowAction[], isLast: boolean): void {
  if (actions.length === 0) {
    context.report('action', 'drop');
    return;
  }
  for (let index = 0; index < actions.length; index++) {
    if (context.isFreezing) {
      context.keepForLater(actions.slice(index));
      return;
    }
    if (context.error !== null || context.isExiting) {
      return;
    }
    const action = actions[index]!;
    if (context.wasMpls && needsNetworkHeader(action)) {
      context.freeze(null);
      context.keepForLater(actions.slice(index));
      return;
    }
    if (context.trace !== null) {
      context.report('action', context.describe(action));
    }
    const goesOn = runAction(context, action, actions, index, isLast && index === actions.length - 1);
    if (context.trace !== null) {
      context.attribute(`action ${context.describe(action)}`);
    }
    if (!goesOn) {
      return;
    }
  }
}

/** Whether an action would look at, or set, what lies under a label that was just popped. */
function needsNetworkHeader(action: OpenFlowAction): boolean {
  switch (action.type) {
    case 'output':
    case 'output_trunc':
    case 'controller':
    case 'enqueue':
    case 'set_queue':
    case 'pop_queue':
    case 'set_vlan_vid':
    case 'set_vlan_pcp':
    case 'pop_vlan':
    case 'strip_vlan':
    case 'set_eth_src':
    case 'set_eth_dst':
    case 'set_tunnel':
    case 'note':
    case 'exit':
    case 'sample':
    case 'write_metadata':
    case 'clear_actions':
    case 'meter':
    case 'conjunction':
    case 'debug_recirc':
    case 'debug_slow':
    case 'fin_timeout':
      return false;
    case 'set_field':
      return isNetworkField(action.field);
    case 'load':
      return isNetworkField(action.destination.field);
    case 'move':
      return isNetworkField(action.source.field) || isNetworkField(action.destination.field);
    case 'output_reg':
      return isNetworkField(action.source.field);
    default:
      return true;
  }
}

/** Translates one action. Answers whether the list goes on. */
function runAction(
  context: TranslationContext,
  action: OpenFlowAction,
  actions: readonly OpenFlowAction[],
  index: number,
  isLast: boolean,
): boolean {
  const { flow, wildcards } = context;
  switch (action.type) {
    case 'output':
      translateOutput(context, action.port, action.maxLength, false, true, isLast);
      return true;
    case 'output_reg': {
      const port = readSubfield(flow, wildcards, action.source);
      context.report('detail', `output port is ${port}`);
      if (port <= 0xffff) {
        translateOutput(context, port, action.maxLength, false, false, isLast);
      }
      return true;
    }
    case 'output_trunc':
      translateOutput(context, action.port, action.maxLength, true, true, isLast);
      return true;
    case 'controller':
      if (action.pause) {
        context.freeze(null);
        context.freezePause = action;
      } else {
        sendToController(context, action.maxLength, action.reason, action.controllerId, action.userdata);
      }
      return true;
    case 'enqueue':
      translateEnqueue(context, action.port, action.queue, isLast);
      return true;
    case 'set_queue':
      setQueue(context, action.queue);
      return true;
    case 'pop_queue':
      flow[W_SKB_PRIORITY] = context.originalPriority;
      context.report('detail', `queue = ${flow[W_SKB_PRIORITY]! >>> 0}`);
      return true;
    case 'group':
      translateGroup(context, action.group, isLast);
      return true;

    case 'set_field':
      setField(context, action.field, action);
      return true;
    case 'load':
      setField(context, action.destination.field, action);
      return true;
    case 'move': {
      if (
        hasPrerequisite(flow, wildcards, action.source.field.prerequisite) &&
        mayWriteField(context, action.destination.field)
      ) {
        const from = subfieldBitOffset(action.source);
        const to = subfieldBitOffset(action.destination);
        lookAtSubfield(wildcards, action.source);
        lookAtDestination(wildcards, action.destination);
        copyBits(flow, from, flow, to, action.source.bits);
        context.reportSubfield(action.destination);
      }
      return true;
    }
    case 'push':
      lookAtSubfield(wildcards, action.subfield);
      context.stack.push(readBigBits(flow, subfieldBitOffset(action.subfield), action.subfield.bits));
      return true;
    case 'pop': {
      const value = context.stack.pop();
      if (value === undefined) {
        context.report('error', 'stack underflow');
        return true;
      }
      if (mayWriteField(context, action.subfield.field)) {
        const offset = subfieldBitOffset(action.subfield);
        lookAtDestination(wildcards, action.subfield);
        writeBigBits(flow, offset, action.subfield.bits, value);
        context.reportSubfield(action.subfield);
      }
      return true;
    }

    case 'set_vlan_vid':
      if (hasVlan(flow, wildcards) || action.pushIfAbsent) {
        setTag(context, 0x0fff, action.vid);
      }
      return true;
    case 'set_vlan_pcp':
      if (hasVlan(flow, wildcards) || action.pushIfAbsent) {
        setTag(context, 0xe000, action.pcp << 13);
      }
      return true;
    case 'pop_vlan':
    case 'strip_vlan':
      popVlan(flow, wildcards);
      return true;
    case 'push_vlan':
      pushVlan(flow, wildcards, action.ethertype);
      return true;
    case 'set_eth_src':
      wildcards[W_ETH_DST_SRC]! |= 0xffff;
      wildcards[W_ETH_SRC] = -1;
      flow[W_ETH_DST_SRC] = (flow[W_ETH_DST_SRC]! & 0xffff0000) | Number(action.address >> 32n);
      flow[W_ETH_SRC] = Number(action.address & 0xffffffffn);
      return true;
    case 'set_eth_dst':
      wildcards[W_ETH_DST] = -1;
      wildcards[W_ETH_DST_SRC]! |= 0xffff0000;
      flow[W_ETH_DST] = Number(action.address >> 16n);
      flow[W_ETH_DST_SRC] = (flow[W_ETH_DST_SRC]! & 0xffff) | (Number(action.address & 0xffffn) << 16);
      return true;
    case 'set_ipv4_src':
    case 'set_ipv4_dst':
      if (ethertypeOf(flow) === ETHERTYPE_IPV4) {
        const word = action.type === 'set_ipv4_src' ? W_NW_SRC : W_NW_DST;
        lookAtProtocol(wildcards);
        wildcards[word] = -1;
        flow[word] = action.address;
      }
      return true;
    case 'set_ip_dscp':
      setIpByte(context, 0xfc000000, action.value << 24);
      return true;
    case 'set_ip_ecn':
      setIpByte(context, 0x03000000, action.value << 24);
      return true;
    case 'set_ip_ttl':
      setIpByte(context, 0x00ff0000, action.value << 16);
      return true;
    case 'set_l4_src_port':
      setTransportPort(context, 0xffff0000, action.port << 16);
      return true;
    case 'set_l4_dst_port':
      setTransportPort(context, 0x0000ffff, action.port);
      return true;
    case 'dec_ttl':
      if (!decrementIpTtl(flow, wildcards)) {
        context.report('warning', 'IPv4 decrement TTL exception');
        for (const id of action.controllerIds) {
          sendToController(context, WHOLE_PACKET, 'invalid_ttl', id, new Uint8Array(0));
        }
        return false;
      }
      return true;
    case 'set_mpls_label':
      setMplsLabel(flow, wildcards, action.value);
      return true;
    case 'set_mpls_tc':
      setMplsTrafficClass(flow, wildcards, action.value);
      return true;
    case 'set_mpls_ttl':
      setMplsTtl(flow, wildcards, action.value);
      return true;
    case 'dec_mpls_ttl':
      if (!decrementMplsTtl(flow, wildcards)) {
        context.report('warning', 'MPLS decrement TTL exception');
        sendToController(context, WHOLE_PACKET, 'invalid_ttl', 0, new Uint8Array(0));
        return false;
      }
      return true;
    case 'push_mpls':
      if (!isMplsEthertype(ethertypeOf(flow))) {
        // What is under the first label cannot be set any more, nor seen, whether or not the label is ever written.
        context.commit();
        clearNetworkFields(context.base);
      }
      context.isIrreversible = true;
      if (!pushMpls(flow, wildcards, action.ethertype)) {
        context.fail('Too many MPLS labels', 'too many MPLS labels to push another one');
      }
      return true;
    case 'pop_mpls':
      if (countMplsLabels(flow) === MAX_MPLS_LABELS) {
        // The stack may be deeper than the flow shows: this pop must not be told from the labels left.
        popDeepLabel(context, action.ethertype);
        return true;
      }
      context.isIrreversible = true;
      context.wasMpls ||= isHiddenAfter(popMpls(flow, wildcards, action.ethertype), action.ethertype);
      return true;
    case 'set_tunnel':
      flow[W_TUN_ID] = Number(action.tunnelId >> 32n);
      flow[W_TUN_ID + 1] = Number(action.tunnelId & 0xffffffffn);
      return true;

    case 'resubmit':
      lookUpTable(
        context,
        action.port === OFPP_IN_PORT ? flow[W_IN_PORT]! : action.port,
        action.table ?? context.table,
        false,
        false,
        isLast,
      );
      return true;
    case 'learn':
      translateLearn(context, action);
      return true;
    case 'multipath':
      translateMultipath(context, action);
      return true;
    case 'bundle':
    case 'bundle_load':
      translateBundle(context, action, isLast);
      return true;
    case 'fin_timeout':
      translateFinTimeout(context, action.idleTimeout, action.hardTimeout);
      return true;
    case 'check_pkt_larger':
      checkPacketLarger(context, action, actions.slice(index + 1), isLast);
      return false;
    case 'clone':
      context.runIsolated(isLast, () => {
        runActions(context, action.actions, isLast);
        runActionSet(context);
      });
      return !context.isExiting;
    case 'debug_recirc':
      context.freeze(null);
      return true;
    case 'exit':
      context.isExiting = true;
      return false;
    case 'note':
    case 'conjunction':
    case 'debug_slow':
    case 'sample':
      return true;

    case 'meter':
      translateMeter(context, action.meter);
      return true;
    case 'clear_actions':
      context.actionSet = [];
      flow[W_ACTSET_OUTPUT] = OFPP_UNSET;
      return true;
    case 'write_actions':
      context.actionSet.push(...action.actions);
      flow[W_ACTSET_OUTPUT] = actionSetOutput(context.actionSet);
      if (context.trace !== null) {
        context.report('detail', `action set is: ${describeActionSet(context)}`);
      }
      return true;
    case 'write_metadata': {
      const old = readBigBits(flow, W_METADATA * 32, 64);
      lookAtBits(wildcards, W_METADATA * 32, 64);
      writeBigBits(flow, W_METADATA * 32, 64, (old & ~action.mask) | (action.value & action.mask));
      return true;
    }
    case 'goto_table':
      lookUpTable(context, flow[W_IN_PORT]!, action.table, true, true, isLast);
      return true;

    case 'ct_clear':
      flow.fill(0, W_CT_STATE_PROTO_ZONE, W_CT_TP + 1);
      return true;

    case 'dec_nsh_ttl':
    case 'encap':
    case 'decap':
    case 'ct':
    case 'nat':
    case 'delete_field':
      context.fail('Unsupported packet type', `${action.type} is not supported yet`);
      return false;
  }
}

/** Pops a label in the datapath at once. */
function popDeepLabel(context: TranslationContext, ethertype: number): void {
  const { flow, base, wildcards, writer } = context;
  context.isIrreversible = true;
  context.commit();
  const pop = popMpls(flow, wildcards, ethertype);
  base.set(flow);
  writer.popMpls(ethertype);
  context.wasMpls ||= isHiddenAfter(pop, ethertype);
}

/** Whether what is now the outer header after a label was popped is not in the flow. */
function isHiddenAfter(pop: MplsPop, ethertype: number): boolean {
  return pop === 'popped-from-deep' || (pop === 'popped' && !isMplsEthertype(ethertype));
}

function describeActionSet(context: TranslationContext): string {
  return orderActionSet(context.actionSet)
    .map((action) => context.describe(action))
    .join(',');
}

/** Whether a field can be written now; fields of a header that is not there are left alone. */
function mayWriteField(context: TranslationContext, field: MatchField): boolean {
  return hasPrerequisite(context.flow, context.wildcards, field.prerequisite);
}

/** What an action sets as words of the flow, made once per action. */
const setWords: WeakMap<SetFieldAction | LoadAction, SetWord[]> = new WeakMap();

function wordsOf(action: SetFieldAction | LoadAction): readonly SetWord[] {
  let words = setWords.get(action);
  if (words === undefined) {
    words = compileSet(action);
    setWords.set(action, words);
  }
  return words;
}

function compileSet(action: SetFieldAction | LoadAction): SetWord[] {
  const values = createFlow();
  const masks = createFlow();
  if (action.type === 'set_field') {
    const { bitOffset, width } = action.field;
    writeBigBits(values, bitOffset, width, action.value & action.mask);
    writeBigBits(masks, bitOffset, width, action.mask);
  } else {
    const offset = subfieldBitOffset(action.destination);
    writeBigBits(values, offset, action.destination.bits, action.value);
    lookAtBits(masks, offset, action.destination.bits);
  }
  const words: SetWord[] = [];
  for (let word = 0; word < masks.length; word++) {
    if (masks[word] !== 0) {
      words.push({ word, value: values[word]!, mask: masks[word]! });
    }
  }
  return words;
}

/** Un-wildcards what is about to be written, and with a field of the IP header the protocol: without one it is not set. */
function lookAtDestination(wildcards: FlowWords, destination: Subfield): void {
  lookAtSubfield(wildcards, destination);
  if (isNetworkField(destination.field)) {
    lookAtProtocol(wildcards);
  }
}

function setField(context: TranslationContext, field: MatchField, action: SetFieldAction | LoadAction): void {
  const { flow, wildcards } = context;
  if (!mayWriteField(context, field)) {
    return;
  }
  if (isNetworkField(field)) {
    lookAtProtocol(wildcards);
  }
  for (const { word, value, mask } of wordsOf(action)) {
    wildcards[word]! |= mask;
    flow[word] = (flow[word]! & ~mask) | value;
  }
}

/** Writes part of the outer tag, pushing one of VLAN 0 first where there is none. */
function setTag(context: TranslationContext, mask: number, value: number): void {
  const { flow, wildcards } = context;
  if (!hasVlan(flow, wildcards)) {
    pushVlan(flow, wildcards, 0x8100);
  }
  wildcards[W_VLAN0]! |= mask | VLAN_CFI;
  flow[W_VLAN0] = (flow[W_VLAN0]! & ~mask) | (value & mask);
}

function setIpByte(context: TranslationContext, mask: number, value: number): void {
  const { flow, wildcards } = context;
  if (isIp(flow)) {
    lookAtProtocol(wildcards);
    wildcards[W_TOS_TTL_FLAGS]! |= mask;
    flow[W_TOS_TTL_FLAGS] = (flow[W_TOS_TTL_FLAGS]! & ~mask) | (value & mask);
  }
}

function setTransportPort(context: TranslationContext, mask: number, value: number): void {
  const { flow, wildcards } = context;
  if (isIp(flow) && !isLaterFragment(flow)) {
    wildcards[W_TYPE_PROTO_FRAG]! |= 0xff00;
    wildcards[W_TP]! |= mask;
    flow[W_TP] = (flow[W_TP]! & ~mask) | (value & mask);
  }
}

function translateFinTimeout(context: TranslationContext, idleTimeout: number, hardTimeout: number): void {
  const { flow, wildcards, rule, bridge } = context;
  if (!hasPrerequisite(flow, wildcards, 'TCP') || rule === null) {
    return;
  }
  context.effects.push({ kind: 'fin_timeout', bridge, rule, idleTimeout, hardTimeout });
}

function translateMeter(context: TranslationContext, meter: number): void {
  const id = context.bridge.datapathMeter(meter);
  if (id !== null) {
    // The meter may drop the packet: what was done to it before must not be lost for those after.
    context.isIrreversible = true;
    context.commit();
    context.writer.meter(id);
  }
}

/**
 * Runs the rest of the list twice: for packets longer than the length with the bit set, for the others without. What a branch
 * writes to the action set may differ from the other, so each ends with it, as in Open vSwitch; which runs what was in
 * the set before a third time behind them, and sends packets twice. Here it is empty then.
 */
function checkPacketLarger(
  context: TranslationContext,
  action: OpenFlowAction & { type: 'check_pkt_larger' },
  rest: readonly OpenFlowAction[],
  isLast: boolean,
): void {
  const { flow, base, writer } = context;
  context.commit();
  const flowBefore = flow.slice();
  const baseBefore = base.slice();
  const actionSetBefore = [...context.actionSet];
  const stackBefore = [...context.stack];
  const { wasMpls } = context;
  writer.beginCheckPacketLength(action.length);
  runBranch(context, action.destination, 1, rest, isLast);
  writer.elseCheckPacketLength();
  flow.set(flowBefore);
  base.set(baseBefore);
  context.actionSet = actionSetBefore;
  context.stack = stackBefore;
  context.wasMpls = wasMpls;
  context.isExiting = false;
  runBranch(context, action.destination, 0, rest, isLast);
  writer.end();
  flow.set(flowBefore);
  base.set(baseBefore);
  context.wasMpls = wasMpls;
}

function runBranch(
  context: TranslationContext,
  destination: Subfield,
  bit: number,
  rest: readonly OpenFlowAction[],
  isLast: boolean,
): void {
  context.writeSubfield(destination, bit);
  if (rest.length > 0) {
    runActions(context, rest, isLast);
  }
  runActionSet(context);
  context.finishFreezing();
}
