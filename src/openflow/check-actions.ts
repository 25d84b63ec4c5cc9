/**
 * Whether a list of actions may stand in a flow with a given match (ovs-actions(7), "Inconsistencies").
 *
 * The check walks the list with what is known of the packets: a copy of the match in which prerequisites are looked up,
 * as the actions before change them (`push_vlan` adds a tag, `push_mpls` hides the IP header …). Three kinds of finding:
 * errors always (a field to set that need not be there, an output to no port); inconsistencies that OpenFlow 1.0 allows and
 * later versions forbid (`mod_nw_src` without `ip`), which are errors when `consistent`; and what Open vSwitch checks only
 * when it decodes a message, which here is always checked unless `ovsCompat`.
 */
import {
  createMatch,
  explainPrerequisite,
  type FlowWords,
  requireField as fieldNamed,
  hasPrerequisites,
  isConnectionValid,
  isTunMetadata,
  type Match,
  type MatchField,
  PACKET_TYPE_ETHERNET,
  type Subfield,
  setMatchField,
  VLAN_CFI,
  W_PACKET_TYPE,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  W_VLAN1,
} from '../flow/index.ts';
import type { ConntrackAction, LearnAction, OpenFlowAction, ResubmitAction } from './actions.ts';
import { OpenFlowError, type OpenFlowErrorName } from './errors.ts';
import { isOutputPort } from './port-text.ts';
import { OFPP_CONTROLLER, OFPP_IN_PORT, OFPP_LOCAL, OFPP_MAX } from './ports.ts';

/** What the check needs to know of the switch. */
export interface CheckActionsContext {
  /** the table that the flow goes into; 255 = not known. Default 255 */
  readonly table?: number;
  /** how many tables there are. Default 255 */
  readonly tableCount?: number;
  /** real port numbers are less than this. Default OFPP_MAX */
  readonly maxPorts?: number;
  /** forbid inconsistencies as OpenFlow 1.1 and later do. Default false, as `ovs-ofctl` */
  readonly consistent?: boolean;
  /** check no more than `ovs-ofctl` does */
  readonly ovsCompat?: boolean;
}

const ALL_TABLES = 255;
const MAX_GROUP = 0xffffff00;
/** meters above are virtual or reserved (OpenFlow 1.3 section 7.3.4.4) */
const MAX_METER = 0xffff0000;
const ALG_FTP = 21;
const ALG_TFTP = 69;

/** packet_type's namespace of Ethertypes */
const NAMESPACE_ETHERTYPE = 0x10000;
/** a packet type that nothing has */
const PACKET_TYPE_UNKNOWN = 0xffffffff;

const ETH_TYPE = fieldNamed('eth_type');
const ETH_SRC = fieldNamed('eth_src');
const IP_SRC = fieldNamed('ip_src');
const NW_PROTO = fieldNamed('nw_proto');
const TCP_SRC = fieldNamed('tcp_src');
const UDP_SRC = fieldNamed('udp_src');
const SCTP_SRC = fieldNamed('sctp_src');
const MPLS_LABEL = fieldNamed('mpls_label');
const NSH_TTL = fieldNamed('nsh_ttl');
const VLAN_TCI = fieldNamed('vlan_tci');
const VLAN_VID = fieldNamed('vlan_vid');
const VLAN_PCP = fieldNamed('vlan_pcp');
const DL_VLAN = fieldNamed('dl_vlan');
const PACKET_TYPE = fieldNamed('packet_type');

/** For an action that changes a header, fields of which one must be in the packet. */
const PREREQUISITE_FIELDS: Readonly<Partial<Record<OpenFlowAction['type'], readonly MatchField[]>>> = {
  pop_vlan: [VLAN_PCP],
  strip_vlan: [VLAN_PCP],
  push_vlan: [ETH_SRC],
  set_eth_src: [ETH_SRC],
  set_eth_dst: [ETH_SRC],
  set_ipv4_src: [IP_SRC],
  set_ipv4_dst: [IP_SRC],
  set_ip_dscp: [NW_PROTO],
  set_ip_ecn: [NW_PROTO],
  set_ip_ttl: [NW_PROTO],
  dec_ttl: [NW_PROTO],
  set_l4_src_port: [TCP_SRC, UDP_SRC, SCTP_SRC],
  set_l4_dst_port: [TCP_SRC, UDP_SRC, SCTP_SRC],
  set_mpls_label: [MPLS_LABEL],
  set_mpls_tc: [MPLS_LABEL],
  set_mpls_ttl: [MPLS_LABEL],
  dec_mpls_ttl: [MPLS_LABEL],
  pop_mpls: [MPLS_LABEL],
  dec_nsh_ttl: [NSH_TTL],
  fin_timeout: [TCP_SRC],
};

/** What goes in an action set (ovs-actions(7), "Action Sets"). */
const ACTION_SET_TYPES: ReadonlySet<OpenFlowAction['type']> = new Set<OpenFlowAction['type']>([
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
  'load',
  'move',
  'set_eth_dst',
  'set_eth_src',
  'set_ipv4_dst',
  'set_ipv4_src',
  'set_ip_dscp',
  'set_ip_ecn',
  'set_ip_ttl',
  'set_l4_dst_port',
  'set_l4_src_port',
  'set_vlan_pcp',
  'set_vlan_vid',
  'set_mpls_label',
  'set_mpls_tc',
  'set_mpls_ttl',
  'set_field',
  'set_tunnel',
  'set_queue',
  'group',
  'output',
  'resubmit',
  'ct_clear',
  'ct',
]);

/**
 * Checks `actions` of a flow with `match`. Throws `OpenFlowError`, whose message is that of `ovs-ofctl` (`actions are
 * invalid with specified match (OFPBAC_MATCH_INCONSISTENT)`) and then the reason.
 */
export function checkActions(
  actions: readonly OpenFlowAction[],
  match: Match,
  context: CheckActionsContext = {},
): void {
  checkList(actions, copyMatch(match), context);
}

/**
 * Checks what can be checked of a group's bucket, where nothing is known about the packets. As in Open vSwitch an action that
 * has no place in an action set may be there and does nothing.
 */
export function checkBucketActions(actions: readonly OpenFlowAction[], context: CheckActionsContext = {}): void {
  for (const action of actions) {
    checkPorts(action, context);
  }
}

/** `known` is the match as the actions so far have changed the packets; it is changed further. */
function checkList(actions: readonly OpenFlowAction[], known: Match, context: CheckActionsContext): void {
  for (const action of actions) {
    checkPorts(action, context);
    checkFields(action, known, context);
    checkConsistency(action, known, context);
    checkContext(action, known, context);
    applyToMatch(action, known);
  }
}

function copyMatch({ values, masks }: Match): Match {
  return { values: values.slice(), masks: masks.slice() };
}

function fail(code: OpenFlowErrorName, reason: string): never {
  throw new OpenFlowError(code, `actions are invalid with specified match (${code}): ${reason}`);
}

function checkPorts(action: OpenFlowAction, { maxPorts = OFPP_MAX, ovsCompat }: CheckActionsContext): void {
  const isReal = (port: number): boolean => port < maxPorts;
  const isPort = (port: number): boolean => isReal(port) || (port >= OFPP_MAX && isOutputPort(port));
  switch (action.type) {
    case 'output':
    case 'output_trunc':
      if (!isPort(action.port)) {
        fail('OFPBAC_BAD_OUT_PORT', `${action.port} is not a port to output to`);
      }
      break;
    case 'enqueue':
      if (!isReal(action.port) && action.port !== OFPP_IN_PORT && action.port !== OFPP_LOCAL) {
        fail('OFPBAC_BAD_OUT_PORT', `${action.port} is not a port to enqueue to`);
      }
      break;
    case 'bundle':
    case 'bundle_load': {
      const bad = action.members.find((port) => !isReal(port) && (port < OFPP_IN_PORT || port === OFPP_CONTROLLER));
      if (bad !== undefined) {
        fail(
          'OFPBAC_BAD_OUT_PORT',
          bad === OFPP_CONTROLLER ? 'unsupported controller member' : `invalid member ${bad}`,
        );
      }
      break;
    }
    case 'group':
      if (action.group > MAX_GROUP && ovsCompat !== true) {
        fail('OFPBAC_BAD_OUT_GROUP', `group ${action.group} is not in valid range 0 to ${MAX_GROUP}`);
      }
      break;
    default:
  }
}

function checkFields(action: OpenFlowAction, known: Match, { ovsCompat }: CheckActionsContext): void {
  switch (action.type) {
    case 'set_field':
      requireSettable(action.field, known);
      break;
    case 'load':
      requireSettable(action.destination.field, known);
      if (ovsCompat !== true) {
        requireWritable(action.destination.field);
      }
      break;
    case 'move':
      checkSource(action.source, known);
      checkDestination(action.destination, known);
      break;
    case 'output_reg':
      checkSource(action.source, known);
      break;
    case 'push':
      checkSource(action.subfield, known);
      break;
    case 'pop':
      checkDestination(action.subfield, known);
      break;
    case 'multipath':
      checkDestination(action.destination, known);
      break;
    case 'bundle_load':
      if (action.destination !== null) {
        checkDestination(action.destination, known);
      }
      break;
    case 'check_pkt_larger':
      if (ovsCompat !== true) {
        checkDestination(action.destination, known);
      }
      break;
    case 'sample':
      if (typeof action.observationPointId !== 'number') {
        checkSource(action.observationPointId, known);
      }
      break;
    case 'delete_field':
      if (!isTunMetadata(action.field)) {
        fail('OFPBAC_BAD_ARGUMENT', `${action.field.name} cannot be deleted`);
      }
      break;
    case 'learn':
      checkLearn(action, known);
      break;
    default:
  }
}

function checkSource({ field }: Subfield, known: Match): void {
  requireField(field, known, 'source field');
}

function checkDestination({ field }: Subfield, known: Match): void {
  requireField(field, known, 'destination field');
  requireWritable(field);
}

function requireField(field: MatchField, known: Match, what: string): void {
  if (!hasPrerequisites(known, field)) {
    const expected = explainPrerequisite(field.prerequisite);
    fail('OFPBAC_MATCH_INCONSISTENT', `${what} ${field.name} lacks correct prerequisites (expected ${expected})`);
  }
}

/** vlan_vid can be matched without a tag (that is a match on none), but not set. */
function requireSettable(field: MatchField, known: Match): void {
  requireField(field, known, 'set_field');
  if (field === VLAN_VID && !hasPrerequisites(known, VLAN_PCP)) {
    const expected = explainPrerequisite(VLAN_PCP.prerequisite);
    fail('OFPBAC_MATCH_INCONSISTENT', `set_field vlan_vid lacks correct prerequisites (expected ${expected})`);
  }
}

function requireWritable(field: MatchField): void {
  if (!field.writable) {
    fail('OFPBAC_BAD_SET_ARGUMENT', `destination field ${field.name} is not writable`);
  }
}

/** The sources must be in the packets; the destinations in the flow that is learned, which its own specs say. */
function checkLearn(action: LearnAction, known: Match): void {
  const learned = createMatch();
  for (const { kind, source, destination } of action.specs) {
    if (typeof source !== 'bigint') {
      checkSource(source, known);
    }
    if (kind === 'match' && destination !== null) {
      requireField(destination.field, learned, 'learned match field');
      learnMatch(destination, source, learned);
    } else if (kind === 'load' && destination !== null) {
      checkDestination(destination, learned);
    }
  }
}

/** A value that only the packet tells stands as zeros: no prerequisite asks for a zero. */
function learnMatch({ field, offset, bits }: Subfield, source: Subfield | bigint, learned: Match): void {
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(offset);
  setMatchField(learned, field, typeof source === 'bigint' ? source << BigInt(offset) : 0n, mask);
}

function isIp(known: Match): boolean {
  return hasPrerequisites(known, NW_PROTO);
}

/** What OpenFlow 1.0 allows although it makes no sense. */
function checkConsistency(action: OpenFlowAction, known: Match, { consistent }: CheckActionsContext): void {
  if (consistent === true && !isConsistent(action, known)) {
    fail('OFPBAC_MATCH_INCONSISTENT', `${action.type} needs a match on packets that have what it changes`);
  }
}

function isConsistent(action: OpenFlowAction, known: Match): boolean {
  const needs = PREREQUISITE_FIELDS[action.type];
  switch (action.type) {
    case 'set_vlan_vid':
    case 'set_vlan_pcp':
      return action.pushIfAbsent || hasPrerequisites(known, VLAN_PCP);
    default:
      return needs === undefined || needs.some((field) => hasPrerequisites(known, field));
  }
}

function checkContext(action: OpenFlowAction, known: Match, context: CheckActionsContext): void {
  switch (action.type) {
    case 'resubmit':
      checkResubmit(action, known);
      break;
    case 'ct':
      checkConntrack(action, known);
      checkList(action.actions, copyMatch(known), context);
      break;
    case 'clone':
      checkList(action.actions, copyMatch(known), context);
      break;
    case 'write_actions':
      if (context.ovsCompat !== true) {
        action.actions.forEach(checkInActionSet);
      }
      checkList(action.actions, copyMatch(known), context);
      break;
    case 'push_mpls':
      if (context.ovsCompat !== true && action.ethertype !== 0x8847 && action.ethertype !== 0x8848) {
        fail('OFPBAC_BAD_ARGUMENT', `push_mpls: 0x${action.ethertype.toString(16)} is not an MPLS ethertype`);
      }
      break;
    case 'meter':
      if (action.meter === 0 || action.meter > MAX_METER) {
        fail('OFPMMFC_INVALID_METER', `meter ${action.meter} is not in valid range 1 to ${MAX_METER}`);
      }
      break;
    case 'goto_table':
      checkGoto(action.table, context);
      break;
    default:
  }
}

function checkGoto(
  target: number,
  { table = ALL_TABLES, tableCount = ALL_TABLES, ovsCompat }: CheckActionsContext,
): void {
  const isForward = table === ALL_TABLES || target > table;
  const exists = target < tableCount || (ovsCompat === true && target === ALL_TABLES);
  if (!isForward || !exists) {
    fail('OFPBIC_BAD_TABLE_ID', isForward ? `there is no table ${target}` : `goto_table ${target} goes back`);
  }
}

function checkInActionSet(action: OpenFlowAction): void {
  if (!ACTION_SET_TYPES.has(action.type)) {
    fail('OFPBAC_BAD_TYPE', `${action.type} is not allowed in an action set`);
  }
}

/** `resubmit(,table,ct)` needs the original tuple, so packets whose connection is known. */
function checkResubmit(action: ResubmitAction, { values, masks }: Match): void {
  if (action.withConntrackTuple && !isConnectionValid(values, masks)) {
    fail(
      'OFPBAC_MATCH_INCONSISTENT',
      'resubmit with ct needs a match on ct_state such as +new, +est, +rel or +trk-inv',
    );
  }
}

function checkConntrack(action: ConntrackAction, known: Match): void {
  if (!isIp(known)) {
    fail('OFPBAC_MATCH_INCONSISTENT', 'ct needs a match on ip or ipv6');
  }
  if (action.alg === ALG_FTP && !hasPrerequisites(known, TCP_SRC)) {
    fail('OFPBAC_MATCH_INCONSISTENT', 'ct with alg=ftp needs a match on tcp');
  }
  if (action.alg === ALG_TFTP && !hasPrerequisites(known, UDP_SRC)) {
    fail('OFPBAC_MATCH_INCONSISTENT', 'ct with alg=tftp needs a match on udp');
  }
  if (typeof action.zone !== 'number') {
    checkSource(action.zone, known);
  }
}

/** Makes of `known` what `action` makes of the packets. */
function applyToMatch(action: OpenFlowAction, known: Match): void {
  switch (action.type) {
    case 'push_vlan':
      shiftVlans(known.values, W_VLAN0, W_VLAN1);
      shiftVlans(known.masks, W_VLAN0, W_VLAN1);
      setVlanPresent(known);
      break;
    case 'pop_vlan':
    case 'strip_vlan':
      shiftVlans(known.values, W_VLAN1, W_VLAN0);
      shiftVlans(known.masks, W_VLAN1, W_VLAN0);
      break;
    case 'set_vlan_vid':
    case 'set_vlan_pcp':
      if (action.pushIfAbsent) {
        setVlanPresent(known);
      }
      break;
    case 'set_field':
      if (action.field === VLAN_TCI || action.field === DL_VLAN) {
        setMatchField(known, action.field, action.value, action.mask);
      }
      break;
    case 'push_mpls':
      setMatchField(known, NW_PROTO, 0n, 0xffn);
      setEthType(known, action.ethertype);
      break;
    case 'pop_mpls':
      setEthType(known, action.ethertype);
      break;
    case 'encap':
      encapsulate(action.packetType, known);
      break;
    case 'decap':
      decapsulate(known);
      break;
    default:
  }
}

function shiftVlans(words: FlowWords, from: number, to: number): void {
  words[to] = words[from]!;
  words[from] = 0;
}

function setVlanPresent({ values, masks }: Match): void {
  values[W_VLAN0]! |= VLAN_CFI;
  masks[W_VLAN0]! |= VLAN_CFI;
}

function setEthType(known: Match, ethType: number): void {
  setMatchField(known, ETH_TYPE, BigInt(ethType), 0xffffn);
}

function setPacketType(known: Match, packetType: number): void {
  setMatchField(known, PACKET_TYPE, BigInt(packetType), 0xffffffffn);
}

function encapsulate(packetType: number, known: Match): void {
  const inner = known.values[W_PACKET_TYPE]! >>> 0;
  if (packetType === PACKET_TYPE_ETHERNET && (inner & ~0xffff) === NAMESPACE_ETHERTYPE) {
    setEthType(known, inner & 0xffff);
  }
  if (packetType !== PACKET_TYPE_ETHERNET) {
    setMatchField(known, NW_PROTO, 0n, 0xffn);
    setEthType(known, packetType & 0xffff);
    known.values[W_VLAN0] = 0;
    known.values[W_VLAN1] = 0;
  }
  setPacketType(known, packetType);
}

/** Without its Ethernet header a packet is what its Ethertype says; what is under other headers is not known. */
function decapsulate(known: Match): void {
  if (known.values[W_PACKET_TYPE] === PACKET_TYPE_ETHERNET) {
    setPacketType(known, NAMESPACE_ETHERTYPE | (known.values[W_TYPE_PROTO_FRAG]! >>> 16));
  } else {
    setPacketType(known, PACKET_TYPE_UNKNOWN);
    setEthType(known, 0);
  }
}
