/**
 * Actions from the wire (OpenFlow 1.0 section 5.2.4 … 1.5 section 7.2.6; ovs-actions(7) for Nicira's).
 *
 * An action is told by its type, or by Nicira's or ONF's number and subtype; three tables of decoders go by that: OpenFlow
 * 1.0's types, those of 1.1 and later, and the extensions', which say in which versions they go. What is wrong with
 * an action by itself or by its place is an OFPBAC error here; whether it fits the flow's match is `checkActions`' business.
 */
import { fieldBits, fieldByOxm, type MatchField, type Subfield, VLAN_CFI } from '../../flow/index.ts';
import type {
  ControllerAction,
  LearnAction,
  LearnSpec,
  NatAction,
  OpenFlowAction,
  SetFieldAction,
} from '../actions.ts';
import { OpenFlowError, type OpenFlowErrorName } from '../errors.ts';
import { OFPP_CONTROLLER, OFPP_IN_PORT, OFPP_LOCAL, OFPP_MAX, OFPP_NONE } from '../ports.ts';
import {
  type ActionContext,
  BUNDLE_ALGORITHMS,
  byNumber,
  checkOutputPort,
  HASH_FIELDS,
  MAX_ACTION_NESTING,
  MULTIPATH_ALGORITHMS,
  PACKET_IN_REASONS,
  port16,
  readActionField,
  SAMPLE_DIRECTIONS,
  subfieldOf,
} from './action-context.ts';
import type { ByteReader } from './bytes.ts';
import { NICIRA, ONF } from './message-table.ts';
import { fieldOfAction, readOxmHeader } from './oxm.ts';
import { readProperties } from './properties.ts';

/** What the actions are inside of; null for a flow's own list. */
type Outer = 'ct' | 'clone' | 'write_actions' | 'bucket' | 'packet_out' | null;

interface Place extends ActionContext {
  readonly outer: Outer;
  readonly depth: number;
}

type Decoder = (reader: ByteReader, place: Place) => OpenFlowAction;

const EXPERIMENTER_ACTION = 0xffff;
const OF13 = 4;
const OF15 = 6;
const TABLE_NONE = 0xff;
const VLAN_PCP_MAX = 7;
const VLAN_VID_MAX = 0xfff;
const LEARN_FLAGS = 7;
const LEARN_SEND_FLOW_REMOVED = 1;
const LEARN_DELETE_LEARNED = 2;
const LEARN_WRITE_RESULT = 4;
const WHOLE_PACKET = 0xffff;
const MIN_TRUNCATED_LENGTH = 14;
const PACKET_TYPE_NEXT = 0xfffe;
const NSH_CLASS = 4;
const NSH_MDTYPE = 1;
const NSH_TLV = 2;
const ENCAP_TYPES: ReadonlySet<number> = new Set([0, 0x1894f, 0x18847, 0x18848]);

/** Bytes of the body behind type, length (and vendor, subtype): exactly, unless `atLeast`. */
interface ActionType {
  readonly bytes: number;
  readonly atLeast: boolean;
  readonly since: number;
  readonly until: number;
  readonly decode: Decoder;
}

function exactly(bytes: number, decode: Decoder, since: number = 1, until: number = 6): ActionType {
  return { bytes, atLeast: false, since, until, decode };
}

function atLeast(bytes: number, decode: Decoder, since: number = 1, until: number = 6): ActionType {
  return { bytes, atLeast: true, since, until, decode };
}

const plain =
  (action: OpenFlowAction): Decoder =>
  () =>
    action;

const TYPES_10: Readonly<Record<number, ActionType>> = {
  0: exactly(4, (reader) => ({ type: 'output', port: checkOutputPort(reader.u16()), maxLength: reader.u16() })),
  1: exactly(4, (reader) => vlanVid(reader, true)),
  2: exactly(4, (reader) => vlanPcp(reader, true)),
  3: exactly(4, plain({ type: 'strip_vlan' })),
  4: exactly(12, (reader) => ({ type: 'set_eth_src', address: reader.big(6) })),
  5: exactly(12, (reader) => ({ type: 'set_eth_dst', address: reader.big(6) })),
  6: exactly(4, (reader) => ({ type: 'set_ipv4_src', address: reader.u32() })),
  7: exactly(4, (reader) => ({ type: 'set_ipv4_dst', address: reader.u32() })),
  8: exactly(4, dscp),
  9: exactly(4, (reader) => ({ type: 'set_l4_src_port', port: reader.u16() })),
  10: exactly(4, (reader) => ({ type: 'set_l4_dst_port', port: reader.u16() })),
  11: exactly(12, enqueue),
};

const TYPES_11: Readonly<Record<number, ActionType>> = {
  0: exactly(12, (reader) => ({
    type: 'output',
    port: checkOutputPort(port16(reader.u32(), 'OFPBAC_BAD_OUT_PORT')),
    maxLength: reader.u16(),
  })),
  1: exactly(4, (reader) => vlanVid(reader, false)),
  2: exactly(4, (reader) => vlanPcp(reader, false)),
  3: exactly(12, (reader) => ({ type: 'set_eth_src', address: reader.big(6) })),
  4: exactly(12, (reader) => ({ type: 'set_eth_dst', address: reader.big(6) })),
  5: exactly(4, (reader) => ({ type: 'set_ipv4_src', address: reader.u32() })),
  6: exactly(4, (reader) => ({ type: 'set_ipv4_dst', address: reader.u32() })),
  7: exactly(4, dscp),
  8: exactly(4, (reader) => ({ type: 'set_ip_ecn', value: atMost(reader.u8(), 3, 'ECN') })),
  9: exactly(4, (reader) => ({ type: 'set_l4_src_port', port: reader.u16() })),
  10: exactly(4, (reader) => ({ type: 'set_l4_dst_port', port: reader.u16() })),
  13: exactly(4, (reader) => ({ type: 'set_mpls_label', value: atMost(reader.u32(), 0xfffff, 'MPLS label') })),
  14: exactly(4, (reader) => ({ type: 'set_mpls_tc', value: atMost(reader.u8(), 7, 'MPLS traffic class') })),
  15: exactly(4, (reader) => ({ type: 'set_mpls_ttl', value: reader.u8() })),
  16: exactly(4, plain({ type: 'dec_mpls_ttl' })),
  17: exactly(4, pushVlan),
  18: exactly(4, plain({ type: 'pop_vlan' })),
  19: exactly(4, pushMpls),
  20: exactly(4, (reader) => ({ type: 'pop_mpls', ethertype: reader.u16() })),
  21: exactly(4, (reader) => ({ type: 'set_queue', queue: reader.u32() })),
  22: exactly(4, (reader) => ({ type: 'group', group: reader.u32() })),
  23: exactly(4, (reader) => ({ type: 'set_ip_ttl', value: reader.u8() })),
  24: exactly(4, plain({ type: 'dec_ttl', controllerIds: [0] })),
  25: atLeast(4, standardSetField, 3),
  28: atLeast(16, (reader, place) => copyField(reader, place, 2), OF15),
  29: exactly(4, (reader) => ({ type: 'meter', meter: reader.u32() }), OF15),
};

const NICIRA_TYPES: Readonly<Record<number, ActionType>> = {
  1: exactly(6, (reader) => ({ type: 'resubmit', port: reader.u16(), table: null, withConntrackTuple: false })),
  2: exactly(6, (reader) => {
    reader.skip(2);
    return { type: 'set_tunnel', tunnelId: BigInt(reader.u32()), is64: false };
  }),
  4: exactly(
    6,
    (reader) => {
      reader.skip(2);
      return { type: 'set_queue', queue: reader.u32() };
    },
    1,
    1,
  ),
  5: exactly(6, plain({ type: 'pop_queue' })),
  6: atLeast(14, registerMove, 1, 5),
  7: exactly(14, registerLoad, 1, 5),
  8: atLeast(6, (reader) => ({ type: 'note', data: reader.rest() })),
  9: exactly(14, (reader) => {
    reader.skip(6);
    return { type: 'set_tunnel', tunnelId: reader.u64(), is64: true };
  }),
  10: exactly(22, multipath),
  12: atLeast(22, (reader) => bundle(reader, false)),
  13: atLeast(22, (reader) => bundle(reader, true)),
  14: exactly(6, (reader) => resubmitTable(reader, false)),
  15: exactly(14, outputRegister),
  16: atLeast(22, (reader, place) => learn(reader, place, false)),
  17: exactly(6, (reader) => {
    reader.zeros(6, 'NXBRC_MUST_BE_ZERO');
    return { type: 'exit' };
  }),
  18: exactly(6, plain({ type: 'dec_ttl', controllerIds: [0] }), 1, 1),
  19: exactly(6, (reader) => ({ type: 'fin_timeout', idleTimeout: reader.u16(), hardTimeout: reader.u16() })),
  20: exactly(6, (reader) => controller(reader.u16(), reader.u16(), reader.u8())),
  21: atLeast(6, decTtlIds),
  22: exactly(22, (reader) => {
    reader.zeros(6, 'NXBRC_MUST_BE_ZERO');
    return { type: 'write_metadata', value: reader.u64(), mask: reader.u64() };
  }),
  23: exactly(6, pushMpls, 1, 1),
  24: exactly(6, (reader) => ({ type: 'pop_mpls', ethertype: reader.u16() }), 1, 1),
  25: exactly(6, (reader) => ({ type: 'set_mpls_ttl', value: reader.u8() }), 1, 1),
  26: exactly(6, plain({ type: 'dec_mpls_ttl' }), 1, 1),
  27: atLeast(14, (reader, place) => ({ type: 'push', subfield: stackSubfield(reader, place, false) })),
  28: atLeast(14, (reader, place) => ({ type: 'pop', subfield: stackSubfield(reader, place, true) })),
  29: exactly(14, (reader) => sample(reader, false)),
  30: exactly(
    6,
    (reader) => {
      reader.skip(2);
      return { type: 'set_mpls_label', value: atMost(reader.u32(), 0xfffff, 'MPLS label') };
    },
    1,
    1,
  ),
  31: exactly(6, (reader) => ({ type: 'set_mpls_tc', value: atMost(reader.u8(), 7, 'MPLS traffic class') }), 1, 1),
  32: atLeast(14, outputRegister2),
  33: atLeast(
    14,
    (reader, place) => {
      reader.zeros(6, 'NXBRC_MUST_BE_ZERO');
      return setField(reader, place, true);
    },
    1,
    5,
  ),
  34: exactly(6, conjunction),
  35: atLeast(14, conntrack),
  36: atLeast(6, nat),
  37: atLeast(6, controller2),
  38: exactly(22, (reader) => sample(reader, true)),
  39: exactly(6, outputTruncate),
  40: exactly(
    6,
    (reader) => {
      reader.skip(2);
      return { type: 'group', group: reader.u32() };
    },
    1,
    1,
  ),
  41: exactly(22, (reader) => sample(reader, true)),
  42: atLeast(6, (reader, place) => {
    reader.skip(6);
    return { type: 'clone', actions: readNested(reader, createPlace(place, 'clone', place.depth + 1)) };
  }),
  43: exactly(6, plain({ type: 'ct_clear' })),
  44: exactly(6, (reader) => resubmitTable(reader, true)),
  45: atLeast(30, (reader, place) => learn(reader, place, true)),
  46: atLeast(6, encap, OF13),
  47: exactly(6, decap, OF13),
  48: exactly(6, plain({ type: 'dec_nsh_ttl' }), OF13),
  49: exactly(14, checkPacketLarger),
  50: exactly(14, deleteField),
};

const ONF_TYPES: Readonly<Record<number, ActionType>> = {
  3200: atLeast(22, (reader, place) => copyField(reader, place, 4), OF13, OF13),
};

/**
 * Reads actions until the end of `reader`, which has their bytes and no other. `outer` says what they are inside of: a flow's
 * list of OpenFlow 1.0 may have write_metadata, which no other list may. Throws OFPBAC errors.
 */
export function readActions(reader: ByteReader, context: ActionContext, outer: Outer = null): OpenFlowAction[] {
  return readNested(reader, createPlace(context, outer, 0));
}

/** Lists are many: their contexts are made of what is needed, not of copies of whole contexts. */
function createPlace({ version, tlvTable }: ActionContext, outer: Outer, depth: number): Place {
  return tlvTable === undefined ? { version, outer, depth } : { version, tlvTable, outer, depth };
}

function readNested(reader: ByteReader, place: Place): OpenFlowAction[] {
  const actions: OpenFlowAction[] = [];
  if (place.depth > MAX_ACTION_NESTING) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', 'Action nested too deeply');
  }
  while (reader.remaining > 0) {
    const action = readAction(reader, place);
    checkPlace(action, place.outer);
    actions.push(action);
  }
  checkConjunctions(actions);
  return actions;
}

function readAction(reader: ByteReader, place: Place): OpenFlowAction {
  if (reader.remaining < 8) {
    throw new OpenFlowError('OFPBAC_BAD_LEN', `action of ${reader.remaining} bytes`);
  }
  const type = reader.u16();
  const length = reader.u16();
  if (length > reader.remaining + 4) {
    throw new OpenFlowError(
      'OFPBAC_BAD_LEN',
      `OpenFlow action length ${length} exceeds action buffer length ${reader.remaining + 4}`,
    );
  }
  if (length < 8 || length % 8 !== 0) {
    throw new OpenFlowError('OFPBAC_BAD_LEN', `OpenFlow action length ${length} is not a multiple of 8`);
  }
  const body = reader.sub(length - 4, 'OFPBAC_BAD_LEN');
  const actionType = findType(body, type, place.version);
  const { bytes } = actionType;
  if (body.remaining < bytes || (!actionType.atLeast && body.remaining !== bytes)) {
    throw new OpenFlowError('OFPBAC_BAD_LEN', `OpenFlow action length ${length} not in valid range`);
  }
  return actionType.decode(body, place);
}

function findType(body: ByteReader, type: number, version: number): ActionType {
  if (type !== EXPERIMENTER_ACTION) {
    return inVersion((version === 1 ? TYPES_10 : TYPES_11)[type], version, 'OFPBAC_BAD_TYPE', `type ${type}`);
  }
  const vendor = body.u32();
  if (vendor !== NICIRA && vendor !== ONF) {
    throw new OpenFlowError('OFPBAC_BAD_VENDOR', `unknown action vendor 0x${vendor.toString(16)}`);
  }
  if (body.remaining < 4) {
    throw new OpenFlowError('OFPBAC_BAD_LEN', 'vendor action without a subtype');
  }
  const subtype = body.u16();
  const types = vendor === NICIRA ? NICIRA_TYPES : ONF_TYPES;
  return inVersion(
    types[subtype],
    version,
    'OFPBAC_BAD_VENDOR_TYPE',
    `vendor 0x${vendor.toString(16)} and type ${subtype}`,
  );
}

function inVersion(type: ActionType | undefined, version: number, code: OpenFlowErrorName, what: string): ActionType {
  if (type === undefined || version < type.since || version > type.until) {
    throw new OpenFlowError(code, `unknown action for ${what} in version ${version}`);
  }
  return type;
}

function checkPlace(action: OpenFlowAction, outer: Outer): void {
  if (action.type === 'write_metadata' && outer !== null) {
    throw new OpenFlowError('OFPBIC_UNSUP_INST', 'write_metadata instruction not allowed here');
  }
  if (action.type === 'nat' && outer !== 'ct') {
    throw new OpenFlowError('OFPBAC_BAD_SET_ARGUMENT', 'Cannot have NAT action outside of "ct" action');
  }
  const field = changedField(action);
  const isConntrack = field !== null && (field.name === 'ct_mark' || field.name === 'ct_label');
  if (outer !== 'ct') {
    if (isConntrack) {
      throw new OpenFlowError('OFPBAC_BAD_SET_ARGUMENT', 'cannot set CT fields outside of ct action');
    }
    return;
  }
  if (action.type !== 'nat' && field === null) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `ct action doesn't support nested action ${action.type}`);
  }
  if (field !== null && !isConntrack) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `ct action doesn't support nested modification of ${field.name}`);
  }
}

function changedField(action: OpenFlowAction): MatchField | null {
  switch (action.type) {
    case 'set_field':
      return action.field;
    case 'load':
    case 'move':
      return action.destination.field;
    default:
      return null;
  }
}

function checkConjunctions(actions: readonly OpenFlowAction[]): void {
  if (
    actions.some((action) => action.type === 'conjunction') &&
    actions.some((action) => action.type !== 'conjunction' && action.type !== 'note')
  ) {
    throw new OpenFlowError('NXBAC_BAD_CONJUNCTION', '"conjunction" actions go with "note" only');
  }
}

function atMost(value: number, maximum: number, what: string): number {
  if (value > maximum) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `${what} ${value} is more than ${maximum}`);
  }
  return value;
}

function vlanVid(reader: ByteReader, pushIfAbsent: boolean): OpenFlowAction {
  return { type: 'set_vlan_vid', vid: atMost(reader.u16(), VLAN_VID_MAX, 'VLAN ID'), pushIfAbsent };
}

function vlanPcp(reader: ByteReader, pushIfAbsent: boolean): OpenFlowAction {
  return { type: 'set_vlan_pcp', pcp: atMost(reader.u8(), VLAN_PCP_MAX, 'VLAN priority'), pushIfAbsent };
}

function dscp(reader: ByteReader): OpenFlowAction {
  const value = reader.u8();
  if ((value & 3) !== 0) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `TOS ${value} has ECN bits`);
  }
  return { type: 'set_ip_dscp', value };
}

function enqueue(reader: ByteReader): OpenFlowAction {
  const port = reader.u16();
  if (port >= OFPP_MAX && port !== OFPP_IN_PORT && port !== OFPP_LOCAL) {
    throw new OpenFlowError('OFPBAC_BAD_OUT_PORT', `enqueue to port ${port}`);
  }
  reader.skip(6);
  return { type: 'enqueue', port, queue: reader.u32() };
}

function pushVlan(reader: ByteReader): OpenFlowAction {
  const ethertype = reader.u16();
  if (ethertype !== 0x8100 && ethertype !== 0x88a8) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `push_vlan of Ethertype 0x${ethertype.toString(16)}`);
  }
  return { type: 'push_vlan', ethertype };
}

function pushMpls(reader: ByteReader): OpenFlowAction {
  const ethertype = reader.u16();
  if (ethertype !== 0x8847 && ethertype !== 0x8848) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `push_mpls of Ethertype 0x${ethertype.toString(16)}`);
  }
  return { type: 'push_mpls', ethertype };
}

/** The standard demands the bit that says that there is a tag with a VLAN ID (OpenFlow 1.3 section 7.2.3.7). */
function standardSetField(reader: ByteReader, place: Place): SetFieldAction {
  const action = setField(reader, place, place.version >= OF15);
  if (action.field.name === 'vlan_vid' && (action.value & BigInt(VLAN_CFI)) === 0n) {
    throw new OpenFlowError('OFPBAC_BAD_SET_ARGUMENT', 'VLAN ID without the bit of its presence');
  }
  return action;
}

function setField(reader: ByteReader, place: Place, maskAllowed: boolean): SetFieldAction {
  const header = readOxmHeader(reader, 'OFPBAC_BAD_LEN');
  const field = fieldOfAction(header, place.tlvTable);
  if (header.length > reader.remaining) {
    throw new OpenFlowError('OFPBAC_BAD_LEN', `${field.name}: ${header.length} bytes, ${reader.remaining} are left`);
  }
  if (header.hasMask && !maskAllowed) {
    throw new OpenFlowError('OFPBAC_BAD_SET_MASK', `${field.name} with a mask`);
  }
  const bytes = header.hasMask ? header.length / 2 : header.length;
  const bits = fieldBits(field);
  const value = reader.big(bytes);
  const mask = header.hasMask ? reader.big(bytes) : bits;
  if (header.hasMask && !field.maskable && (mask & bits) !== bits) {
    throw new OpenFlowError('OFPBAC_BAD_SET_MASK', `${field.name} cannot be set in part`);
  }
  if (!field.writable) {
    throw new OpenFlowError('OFPBAC_BAD_SET_ARGUMENT', `destination field ${field.name} is not writable`);
  }
  if ((value & ~bits) !== 0n) {
    throw new OpenFlowError('OFPBAC_BAD_SET_ARGUMENT', `value 0x${value.toString(16)} is too large for ${field.name}`);
  }
  reader.zeros(reader.remaining, 'OFPBAC_BAD_ARGUMENT');
  return { type: 'set_field', field, value: value & mask, mask: mask & bits };
}

function copyField(reader: ByteReader, place: Place, padding: number): OpenFlowAction {
  if (padding === 4) {
    reader.skip(2);
  }
  const bits = reader.u16();
  const sourceOffset = reader.u16();
  const destinationOffset = reader.u16();
  reader.skip(2);
  const source = readActionField(reader, place);
  const destination = readActionField(reader, place);
  reader.zeros(reader.remaining, 'OFPBAC_BAD_ARGUMENT');
  return {
    type: 'move',
    source: subfieldOf(source, sourceOffset, bits, false),
    destination: subfieldOf(destination, destinationOffset, bits, true),
  };
}

function registerMove(reader: ByteReader, place: Place): OpenFlowAction {
  const bits = reader.u16();
  const sourceOffset = reader.u16();
  const destinationOffset = reader.u16();
  const source = readActionField(reader, place);
  const destination = readActionField(reader, place);
  reader.zeros(reader.remaining, 'OFPBAC_BAD_ARGUMENT');
  return {
    type: 'move',
    source: subfieldOf(source, sourceOffset, bits, false),
    destination: subfieldOf(destination, destinationOffset, bits, true),
  };
}

function offsetBits(field: MatchField, value: number, isDestination: boolean): Subfield {
  return subfieldOf(field, value >>> 6, (value & 0x3f) + 1, isDestination);
}

function registerLoad(reader: ByteReader, place: Place): OpenFlowAction {
  const bits = reader.u16();
  const field = readActionField(reader, place);
  const destination = offsetBits(field, bits, true);
  const value = reader.u64();
  if (destination.bits < 64 && value >> BigInt(destination.bits) !== 0n) {
    throw new OpenFlowError(
      'OFPBAC_BAD_ARGUMENT',
      `value 0x${value.toString(16)} does not fit into ${destination.bits} bits`,
    );
  }
  return { type: 'load', destination, value };
}

function stackSubfield(reader: ByteReader, place: Place, isDestination: boolean): Subfield {
  const offset = reader.u16();
  const field = readActionField(reader, place);
  const bits = reader.u16();
  reader.zeros(reader.remaining, 'OFPBAC_BAD_ARGUMENT');
  return subfieldOf(field, offset, bits, isDestination);
}

function multipath(reader: ByteReader, place: Place): OpenFlowAction {
  const fields = byNumber(HASH_FIELDS, reader.u16(), 'hash fields', 'OFPBAC_BAD_ARGUMENT');
  const basis = reader.u16();
  reader.skip(2);
  const algorithm = byNumber(MULTIPATH_ALGORITHMS, reader.u16(), 'multipath algorithm', 'OFPBAC_BAD_ARGUMENT');
  const links = reader.u16() + 1;
  const argument = reader.u32();
  reader.skip(2);
  const bits = reader.u16();
  const destination = offsetBits(readActionField(reader, place), bits, true);
  if (destination.bits < 16 && links > 2 ** destination.bits) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `${links} links do not fit into ${destination.bits} bits`);
  }
  return { type: 'multipath', fields, basis, algorithm, links, argument, destination };
}

function bundle(reader: ByteReader, isLoad: boolean): OpenFlowAction {
  const algorithm = byNumber(BUNDLE_ALGORITHMS, reader.u16(), 'bundle algorithm', 'OFPBAC_BAD_ARGUMENT');
  const fields = byNumber(HASH_FIELDS, reader.u16(), 'hash fields', 'OFPBAC_BAD_ARGUMENT');
  const basis = reader.u16();
  const memberType = readOxmHeader(reader, 'OFPBAC_BAD_LEN');
  if (memberType.field?.name !== 'in_port') {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', 'members of a bundle that are no ports');
  }
  const count = reader.u16();
  const bits = reader.u16();
  const destinationHeader = reader.u32();
  reader.zeros(4, 'OFPBAC_BAD_ARGUMENT');
  if (!isLoad && (bits !== 0 || destinationHeader !== 0)) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', 'bundle with a destination');
  }
  if (reader.remaining < 2 * count) {
    throw new OpenFlowError('OFPBAC_BAD_LEN', `bundle of ${count} members in ${reader.remaining} bytes`);
  }
  const members = Array.from({ length: count }, () => reader.u16());
  reader.zeros(reader.remaining, 'OFPBAC_BAD_ARGUMENT');
  if (!isLoad) {
    return { type: 'bundle', fields, basis, algorithm, members, destination: null };
  }
  const field = fieldByOxm(destinationHeader >>> 16, (destinationHeader >>> 9) & 0x7f);
  if (field === undefined) {
    throw new OpenFlowError('OFPBAC_BAD_SET_TYPE', 'bundle_load to an unknown field');
  }
  const destination = offsetBits(field, bits, true);
  if (destination.bits < 16) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', 'bundle_load action requires at least 16 bit destination.');
  }
  return { type: 'bundle_load', fields, basis, algorithm, members, destination };
}

function resubmitTable(reader: ByteReader, withConntrackTuple: boolean): OpenFlowAction {
  const port = reader.u16();
  const table = reader.u8();
  reader.zeros(3, 'OFPBAC_BAD_ARGUMENT');
  return { type: 'resubmit', port, table: table === TABLE_NONE ? null : table, withConntrackTuple };
}

function outputRegister(reader: ByteReader, place: Place): OpenFlowAction {
  const bits = reader.u16();
  const source = offsetBits(readActionField(reader, place), bits, false);
  const maxLength = reader.u16();
  reader.zeros(6, 'OFPBAC_BAD_ARGUMENT');
  return { type: 'output_reg', source, maxLength };
}

function outputRegister2(reader: ByteReader, place: Place): OpenFlowAction {
  const bits = reader.u16();
  const maxLength = reader.u16();
  const source = offsetBits(readActionField(reader, place), bits, false);
  reader.zeros(reader.remaining, 'OFPBAC_BAD_ARGUMENT');
  return { type: 'output_reg', source, maxLength };
}

function outputTruncate(reader: ByteReader): OpenFlowAction {
  const port = reader.u16();
  const maxLength = reader.u32();
  if (maxLength < MIN_TRUNCATED_LENGTH) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `max_len ${maxLength} is less than the minimum value 14`);
  }
  if (port >= OFPP_MAX && port !== OFPP_IN_PORT && port !== OFPP_LOCAL) {
    throw new OpenFlowError('OFPBAC_BAD_OUT_PORT', `output to unsupported truncate port ${port}`);
  }
  return { type: 'output_trunc', port, maxLength };
}

function controller(maxLength: number, controllerId: number, reasonNumber: number): OpenFlowAction {
  const reason = byNumber(PACKET_IN_REASONS, reasonNumber, 'reason', 'OFPBAC_BAD_ARGUMENT');
  return plainOutput({
    type: 'controller',
    maxLength,
    reason,
    controllerId,
    userdata: new Uint8Array(0),
    pause: false,
    meterId: null,
  });
}

/** A controller action without any option is an output to CONTROLLER, as in text. */
function plainOutput(action: ControllerAction): OpenFlowAction {
  const { reason, controllerId, userdata, pause, meterId, maxLength } = action;
  return reason === 'action' && controllerId === 0 && userdata.length === 0 && !pause && meterId === null
    ? { type: 'output', port: OFPP_CONTROLLER, maxLength }
    : action;
}

function controller2(reader: ByteReader): OpenFlowAction {
  reader.zeros(6, 'NXBRC_MUST_BE_ZERO');
  let maxLength = WHOLE_PACKET;
  let controllerId = 0;
  let reason: ControllerAction['reason'] = 'action';
  let userdata: Uint8Array = new Uint8Array(0);
  let pause = false;
  let meterId: number | null = null;
  readProperties(reader, (type, body) => {
    switch (type) {
      case 0:
        maxLength = body.u16();
        return true;
      case 1:
        controllerId = body.u16();
        return true;
      case 2:
        reason = byNumber(PACKET_IN_REASONS, body.u8(), 'reason', 'OFPBAC_BAD_ARGUMENT');
        return true;
      case 3:
        userdata = body.rest();
        return true;
      case 4:
        pause = true;
        return true;
      case 5:
        meterId = body.u32();
        return true;
      default:
        return false;
    }
  });
  return plainOutput({ type: 'controller', maxLength, reason, controllerId, userdata, pause, meterId });
}

function decTtlIds(reader: ByteReader): OpenFlowAction {
  const count = reader.u16();
  reader.zeros(4, 'NXBRC_MUST_BE_ZERO');
  if (count === 0 || reader.remaining < 2 * count) {
    throw new OpenFlowError('OFPBAC_BAD_LEN', `dec_ttl with ${count} controller ids in ${reader.remaining} bytes`);
  }
  return { type: 'dec_ttl', controllerIds: Array.from({ length: count }, () => reader.u16()) };
}

function sample(reader: ByteReader, withPort: boolean): OpenFlowAction {
  const probability = reader.u16();
  const collectorSetId = reader.u32();
  const observationDomainId = reader.u32();
  const observationPointId = reader.u32();
  let samplingPort: number | null = null;
  let direction: (typeof SAMPLE_DIRECTIONS)[number] = 'default';
  if (withPort) {
    const port = reader.u16();
    samplingPort = port === OFPP_NONE ? null : port;
    direction = byNumber(SAMPLE_DIRECTIONS, reader.u8(), 'direction', 'OFPBAC_BAD_ARGUMENT');
    reader.zeros(5, 'OFPBAC_BAD_ARGUMENT');
  }
  if (probability === 0) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', 'sample with a probability of 0');
  }
  return {
    type: 'sample',
    probability,
    collectorSetId,
    observationDomainId,
    observationPointId,
    samplingPort,
    direction,
  };
}

function conjunction(reader: ByteReader): OpenFlowAction {
  const clause = reader.u8();
  const clauses = reader.u8();
  const id = reader.u32();
  if (clauses < 2 || clauses > 64 || clause >= clauses) {
    throw new OpenFlowError('NXBAC_BAD_CONJUNCTION', `conjunction clause ${clause} of ${clauses}`);
  }
  return { type: 'conjunction', id, clause, clauses };
}

function learn(reader: ByteReader, place: Place, isLearn2: boolean): LearnAction {
  const idleTimeout = reader.u16();
  const hardTimeout = reader.u16();
  const priority = reader.u16();
  const cookie = reader.u64();
  const flags = reader.u16();
  const table = reader.u8();
  const padding = reader.u8();
  const finIdleTimeout = reader.u16();
  const finHardTimeout = reader.u16();
  const known = isLearn2 ? LEARN_FLAGS : LEARN_SEND_FLOW_REMOVED | LEARN_DELETE_LEARNED;
  if (table === TABLE_NONE || padding !== 0 || (flags & ~known) !== 0) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `learn into table ${table} with flags ${flags}`);
  }
  let limit = 0;
  let resultDestination: Subfield | null = null;
  if (isLearn2) {
    limit = reader.u32();
    const offset = reader.u16();
    reader.zeros(2, 'OFPBAC_BAD_ARGUMENT');
    if ((flags & LEARN_WRITE_RESULT) !== 0) {
      resultDestination = subfieldOf(readActionField(reader, place), offset, 1, true);
    } else if (offset !== 0) {
      throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', 'learn with an offset of no result');
    }
  }
  return {
    type: 'learn',
    idleTimeout,
    hardTimeout,
    finIdleTimeout,
    finHardTimeout,
    priority,
    cookie,
    table,
    sendFlowRemoved: (flags & LEARN_SEND_FLOW_REMOVED) !== 0,
    deleteLearned: (flags & LEARN_DELETE_LEARNED) !== 0,
    limit,
    resultDestination,
    specs: readLearnSpecs(reader, place),
  };
}

function readLearnSpecs(reader: ByteReader, place: Place): LearnSpec[] {
  const specs: LearnSpec[] = [];
  while (reader.remaining >= 2) {
    const header = reader.u16();
    if (header === 0) {
      break;
    }
    specs.push(readLearnSpec(reader, header, place));
  }
  reader.zeros(reader.remaining, 'OFPBAC_BAD_ARGUMENT');
  return specs;
}

function readLearnSpec(reader: ByteReader, header: number, place: Place): LearnSpec {
  const bits = header & 0x7ff;
  const kind = byNumber(['match', 'load', 'output'] as const, (header >>> 11) & 3, 'learn spec', 'OFPBAC_BAD_ARGUMENT');
  const isImmediate = (header & 0x2000) !== 0;
  if ((header & 0xc000) !== 0 || bits === 0 || (isImmediate && kind === 'output')) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `learn spec 0x${header.toString(16)}`);
  }
  let source: Subfield | bigint;
  if (isImmediate) {
    source = reader.big(2 * Math.ceil(bits / 16));
    if (source >> BigInt(bits) !== 0n) {
      throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `learn value does not fit into ${bits} bits`);
    }
  } else {
    const field = readActionField(reader, place);
    source = subfieldOf(field, reader.u16(), bits, false);
  }
  if (kind === 'output') {
    return { kind, bits, source, destination: null };
  }
  const field = readActionField(reader, place);
  return { kind, bits, source, destination: subfieldOf(field, reader.u16(), bits, kind === 'load') };
}

function conntrack(reader: ByteReader, place: Place): OpenFlowAction {
  const flags = reader.u16();
  const zoneField = reader.u32();
  const zoneValue = reader.u16();
  const table = reader.u8();
  reader.zeros(3, 'OFPBAC_BAD_ARGUMENT');
  const alg = reader.u16();
  if ((flags & ~3) !== 0 || flags === 2) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `ct flags ${flags}: "force" flag requires "commit" flag.`);
  }
  const zone = zoneField === 0 ? zoneValue : readZone(zoneField, zoneValue);
  const actions = readNested(reader, createPlace(place, 'ct', place.depth + 1));
  if ((flags & 1) === 0 && actions.length > 0 && (actions.length > 1 || actions[0]!.type !== 'nat')) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', 'CT action requires commit flag if actions are specified.');
  }
  return {
    type: 'ct',
    commit: (flags & 1) !== 0,
    force: (flags & 2) !== 0,
    zone,
    table: table === TABLE_NONE ? null : table,
    alg,
    actions,
  };
}

function readZone(header: number, bits: number): Subfield {
  const field = fieldByOxm(header >>> 16, (header >>> 9) & 0x7f);
  if (field === undefined) {
    throw new OpenFlowError('OFPBAC_BAD_SET_TYPE', `ct zone in unknown field 0x${header.toString(16)}`);
  }
  const zone = offsetBits(field, bits, false);
  if (zone.bits !== 16) {
    throw new OpenFlowError('OFPBAC_BAD_SET_LEN', `zone of ${zone.bits} bits; it has 16`);
  }
  return zone;
}

function nat(reader: ByteReader): NatAction {
  reader.zeros(2, 'NXBRC_MUST_BE_ZERO');
  const flags = reader.u16();
  const present = reader.u16();
  const hasRange = present !== 0;
  const isBad =
    (flags & ~0x1f) !== 0 ||
    (flags & 3) === 3 ||
    (flags & 0x18) === 0x18 ||
    ((flags & 3) === 0 && (flags !== 0 || hasRange)) ||
    (present & ~0x3f) !== 0 ||
    ((present & 3) !== 0 && (present & 0xc) !== 0) ||
    ((present & 2) !== 0 && (present & 1) === 0) ||
    ((present & 8) !== 0 && (present & 4) === 0) ||
    ((present & 0x20) !== 0 && (present & 0x10) === 0) ||
    ((present & 0x10) !== 0 && (present & 5) === 0);
  if (isBad) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `nat with flags ${flags} and range ${present}`);
  }
  const v4 = (bit: number): number | null => ((present & bit) === 0 ? null : reader.u32());
  const v6 = (bit: number): bigint | null => ((present & bit) === 0 ? null : reader.big(16));
  const addressMin = (present & 4) === 0 ? v4(1) : v6(4);
  const addressMax = (present & 4) === 0 ? v4(2) : v6(8);
  const portMin = (present & 0x10) === 0 ? null : reader.u16();
  const portMax = (present & 0x20) === 0 ? null : reader.u16();
  if (
    (addressMin !== null && addressMax !== null && addressMax < addressMin) ||
    (portMin !== null && portMax !== null && portMax < portMin)
  ) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', 'nat range whose end is before its start');
  }
  reader.zeros(reader.remaining, 'NXBRC_MUST_BE_ZERO');
  return {
    type: 'nat',
    direction: (flags & 1) !== 0 ? 'src' : (flags & 2) !== 0 ? 'dst' : null,
    addressMin,
    addressMax,
    portMin,
    portMax,
    persistent: (flags & 4) !== 0,
    hash: (flags & 8) !== 0,
    random: (flags & 0x10) !== 0,
  };
}

function encap(reader: ByteReader): OpenFlowAction {
  reader.skip(2);
  const packetType = reader.u32();
  if (!ENCAP_TYPES.has(packetType)) {
    throw new OpenFlowError('NXBAC_BAD_HEADER_TYPE', `encap of packet type 0x${packetType.toString(16)}`);
  }
  const properties: { propertyClass: number; type: number; value: Uint8Array }[] = [];
  while (reader.remaining > 0) {
    const propertyClass = reader.u16();
    const type = reader.u8();
    const length = reader.u8();
    const padded = Math.ceil(length / 8) * 8;
    if (length < 4 || padded - 4 > reader.remaining) {
      throw new OpenFlowError('NXBAC_BAD_ED_PROP', `encap property of ${length} bytes`);
    }
    if (propertyClass !== NSH_CLASS || (type !== NSH_MDTYPE && type !== NSH_TLV)) {
      throw new OpenFlowError('NXBAC_UNKNOWN_ED_PROP', `encap property ${propertyClass}.${type}`);
    }
    properties.push({ propertyClass, type, value: reader.copy(length - 4) });
    reader.skip(padded - length);
  }
  return { type: 'encap', packetType, properties };
}

function decap(reader: ByteReader): OpenFlowAction {
  reader.skip(2);
  const packetType = reader.u32();
  return { type: 'decap', packetType: packetType === PACKET_TYPE_NEXT ? null : packetType };
}

function checkPacketLarger(reader: ByteReader, place: Place): OpenFlowAction {
  const length = reader.u16();
  const offset = reader.u16();
  const field = readActionField(reader, place);
  return { type: 'check_pkt_larger', length, destination: subfieldOf(field, offset, 1, true) };
}

function deleteField(reader: ByteReader): OpenFlowAction {
  const { field } = readOxmHeader(reader, 'OFPBAC_BAD_LEN');
  if (field === null) {
    throw new OpenFlowError('OFPBAC_BAD_SET_TYPE', 'delete_field of an unknown field');
  }
  if (!field.name.startsWith('tun_metadata')) {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', `${field.name} cannot be deleted`);
  }
  return { type: 'delete_field', field };
}
