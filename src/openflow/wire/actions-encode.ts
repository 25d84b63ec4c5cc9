/**
 * Actions to the wire: what each version has for an action, chosen as Open vSwitch chooses.
 *
 * OpenFlow 1.0 and 1.1 have actions of their own for most headers, 1.2 and later set_field; what a version lacks is
 * one of Nicira's actions, or several actions that do the same (`enqueue`). A field that came in as `load` goes out as
 * `load`, except to OpenFlow 1.5, which has set_field with masks instead. Two actions depend on the flow: those that set a
 * VLAN push a tag first where none is known to be, and those that set a port of TCP, UDP or SCTP need to know of which;
 * `match` tells.
 */
import {
  fieldBits,
  type Match,
  portToOpenFlow11,
  requireField,
  type Subfield,
  VLAN_CFI,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
} from '../../flow/index.ts';
import { IP_PROTOCOL_SCTP, IP_PROTOCOL_UDP } from '../../wire/index.ts';
import type {
  BundleAction,
  ControllerAction,
  LearnAction,
  LoadAction,
  MoveAction,
  NatAction,
  OpenFlowAction,
  SampleAction,
  SetFieldAction,
} from '../actions.ts';
import { OpenFlowError } from '../errors.ts';
import { OFPP_CONTROLLER, OFPP_IN_PORT, OFPP_NONE } from '../ports.ts';
import {
  type ActionContext,
  BUNDLE_ALGORITHMS,
  encodeOffsetBits,
  HASH_FIELDS,
  MULTIPATH_ALGORITHMS,
  PACKET_IN_REASONS,
  SAMPLE_DIRECTIONS,
} from './action-context.ts';
import type { ByteWriter } from './bytes.ts';
import { NICIRA } from './message-table.ts';
import { writeFieldEntry } from './nx-match.ts';
import { hasOxm, isExperimenterField, type OxmForm, writeOxmHeader } from './oxm.ts';
import { writeProperty } from './properties.ts';

const EXPERIMENTER_ACTION = 0xffff;
const OF10 = 1;
const OF11 = 2;
const OF12 = 3;
const OF15 = 6;
const WHOLE_PACKET = 0xffff;
const TABLE_NONE = 0xff;
const ETHERTYPE_VLAN = 0x8100;
const PACKET_TYPE_NEXT = 0xfffe;
const LOAD_BITS = 64;

const field = requireField;
const VLAN_VID = field('vlan_vid');
const VLAN_PCP = field('vlan_pcp');
const ETH_SRC = field('eth_src');
const ETH_DST = field('eth_dst');
const IP_SRC = field('ip_src');
const IP_DST = field('ip_dst');
const IP_DSCP = field('ip_dscp');
const NW_ECN = field('nw_ecn');
const NW_TTL = field('nw_ttl');
const MPLS_LABEL = field('mpls_label');
const MPLS_TC = field('mpls_tc');
const TUN_ID = field('tun_id');
const IN_PORT = field('in_port');
const L4_SOURCES = [field('tcp_src'), field('udp_src'), field('sctp_src')] as const;
const L4_DESTINATIONS = [field('tcp_dst'), field('udp_dst'), field('sctp_dst')] as const;

export interface ActionEncodeContext extends ActionContext {
  /** the match of the flow that the actions are of */
  readonly match?: Match;
}

/** What is known of the packets at a point of the list. */
interface State extends ActionEncodeContext {
  hasVlan: boolean;
  readonly protocol: number;
  readonly form: OxmForm;
}

/** Writes a list of actions; instructions among them are left to `writeInstructions`, but for OpenFlow 1.0's write_metadata. */
export function writeActions(
  writer: ByteWriter,
  actions: readonly OpenFlowAction[],
  context: ActionEncodeContext,
): void {
  const { match, version } = context;
  writeList(writer, actions, {
    ...context,
    hasVlan: match !== undefined && (match.values[W_VLAN0]! & VLAN_CFI) !== 0,
    protocol: match === undefined ? 0 : (match.values[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff,
    form: version >= OF12 ? version : 0,
  });
}

function writeList(writer: ByteWriter, actions: readonly OpenFlowAction[], state: State): void {
  for (const action of actions) {
    writeAction(writer, action, state);
  }
}

/** Writes an action of the standard: the body is put down by `write` and padded. */
function standard(writer: ByteWriter, type: number, write?: () => void): void {
  const start = writer.length;
  writer.u16(type);
  writer.u16(0);
  write?.();
  writer.pad(start);
  writer.patch16(start + 2, writer.length - start);
}

/** Writes an action of Nicira's. */
function nicira(writer: ByteWriter, subtype: number, write?: () => void): void {
  standard(writer, EXPERIMENTER_ACTION, () => {
    writer.u32(NICIRA);
    writer.u16(subtype);
    write?.();
  });
}

function address(writer: ByteWriter, type: number, value: bigint): void {
  standard(writer, type, () => writer.big(value, 6));
}

function number32(writer: ByteWriter, type: number, value: number): void {
  standard(writer, type, () => writer.u32(value));
}

function number8(writer: ByteWriter, type: number, value: number): void {
  standard(writer, type, () => writer.u8(value));
}

function number16(writer: ByteWriter, type: number, value: number): void {
  standard(writer, type, () => writer.u16(value));
}

function writeAction(writer: ByteWriter, action: OpenFlowAction, state: State): void {
  const { version } = state;
  switch (action.type) {
    case 'output':
      writeOutput(writer, action.port, action.maxLength, version);
      return;
    case 'output_reg':
      writeOutputRegister(writer, action.source, action.maxLength);
      return;
    case 'output_trunc':
      nicira(writer, 39, () => {
        writer.u16(action.port);
        writer.u32(action.maxLength);
      });
      return;
    case 'controller':
      writeController(writer, action, version);
      return;
    case 'enqueue':
      if (version === OF10) {
        standard(writer, 11, () => {
          writer.u16(action.port);
          writer.zeros(6);
          writer.u32(action.queue);
        });
        return;
      }
      number32(writer, 21, action.queue);
      writeOutput(writer, action.port, 0, version);
      nicira(writer, 5);
      return;
    case 'set_queue':
      if (version === OF10) {
        nicira(writer, 4, () => {
          writer.zeros(2);
          writer.u32(action.queue);
        });
      } else {
        number32(writer, 21, action.queue);
      }
      return;
    case 'pop_queue':
      nicira(writer, 5);
      return;
    case 'group':
      if (version === OF10) {
        nicira(writer, 40, () => {
          writer.zeros(2);
          writer.u32(action.group);
        });
      } else {
        number32(writer, 22, action.group);
      }
      return;
    case 'set_field':
      writeSetField(writer, action, state);
      return;
    case 'load':
      writeLoad(writer, action, state);
      return;
    case 'move':
      writeMove(writer, action, state);
      return;
    case 'push':
    case 'pop':
      nicira(writer, action.type === 'push' ? 27 : 28, () => {
        writer.u16(action.subfield.offset);
        writeOxmHeader(writer, 0, action.subfield.field, false);
        writer.u16(action.subfield.bits);
        writer.zeros(isExperimenterField(0, action.subfield.field) ? 2 : 6);
      });
      return;
    case 'resubmit':
      if (action.table === null && !action.withConntrackTuple) {
        nicira(writer, 1, () => writer.u16(action.port));
        return;
      }
      nicira(writer, action.withConntrackTuple ? 44 : 14, () => {
        writer.u16(action.port);
        writer.u8(action.table ?? TABLE_NONE);
      });
      return;
    case 'note':
      nicira(writer, 8, () => {
        writer.put(action.data);
        writer.zeros(Math.max(0, 6 - action.data.length));
      });
      return;
    case 'exit':
      nicira(writer, 17);
      return;
    case 'conjunction':
      nicira(writer, 34, () => {
        writer.u8(action.clause);
        writer.u8(action.clauses);
        writer.u32(action.id);
      });
      return;
    case 'multipath':
      nicira(writer, 10, () => {
        writer.u16(HASH_FIELDS.indexOf(action.fields));
        writer.u16(action.basis);
        writer.zeros(2);
        writer.u16(MULTIPATH_ALGORITHMS.indexOf(action.algorithm));
        writer.u16(action.links - 1);
        writer.u32(action.argument);
        writer.zeros(2);
        writer.u16(encodeOffsetBits(action.destination));
        writeOxmHeader(writer, 0, action.destination.field, false);
      });
      return;
    case 'bundle':
    case 'bundle_load':
      writeBundle(writer, action);
      return;
    case 'learn':
      writeLearn(writer, action);
      return;
    case 'fin_timeout':
      nicira(writer, 19, () => {
        writer.u16(action.idleTimeout);
        writer.u16(action.hardTimeout);
      });
      return;
    case 'sample':
      writeSample(writer, action);
      return;
    case 'nat':
      writeNat(writer, action);
      return;
    case 'ct':
      nicira(writer, 35, () => {
        writer.u16((action.commit ? 1 : 0) | (action.force ? 2 : 0));
        if (typeof action.zone === 'number') {
          writer.u32(0);
          writer.u16(action.zone);
        } else {
          writeOxmHeader(writer, 0, action.zone.field, false);
          writer.u16(encodeOffsetBits(action.zone));
        }
        writer.u8(action.table ?? TABLE_NONE);
        writer.zeros(3);
        writer.u16(action.alg);
        writeList(writer, action.actions, state);
      });
      return;
    case 'ct_clear':
      nicira(writer, 43);
      return;
    case 'clone':
      nicira(writer, 42, () => {
        writer.zeros(6);
        writeList(writer, action.actions, { ...state });
      });
      return;
    case 'check_pkt_larger':
      nicira(writer, 49, () => {
        writer.u16(action.length);
        writer.u16(action.destination.offset);
        writeOxmHeader(writer, 0, action.destination.field, false);
        writer.zeros(isExperimenterField(0, action.destination.field) ? 2 : 6);
      });
      return;
    case 'delete_field':
      nicira(writer, 50, () => {
        writeOxmHeader(writer, 0, action.field, false, deletedBytes(action.field.bytes));
        writer.zeros(10);
      });
      return;
    case 'dec_ttl':
      writeDecTtl(writer, action.controllerIds, version);
      return;
    case 'encap':
      nicira(writer, 46, () => {
        writer.u16(0);
        writer.u32(action.packetType);
        for (const { propertyClass, type, value } of action.properties) {
          const start = writer.length;
          writer.u16(propertyClass);
          writer.u8(type);
          writer.u8(value.length + 4);
          writer.put(value);
          writer.pad(start);
        }
      });
      return;
    case 'decap':
      nicira(writer, 47, () => {
        writer.zeros(2);
        writer.u32(action.packetType ?? PACKET_TYPE_NEXT);
      });
      return;
    case 'dec_nsh_ttl':
      nicira(writer, 48);
      return;
    case 'write_metadata':
      if (version === OF10) {
        nicira(writer, 22, () => {
          writer.zeros(6);
          writer.u64(action.value);
          writer.u64(action.mask);
        });
      }
      return;
    case 'meter':
      if (version >= OF15) {
        number32(writer, 29, action.meter);
      }
      return;
    case 'goto_table':
      // OpenFlow 1.0 goes on in another table by looking up there.
      if (version === OF10) {
        nicira(writer, 14, () => {
          writer.u16(OFPP_IN_PORT);
          writer.u8(action.table);
        });
      }
      return;
    case 'clear_actions':
    case 'write_actions':
      return;
    case 'debug_recirc':
    case 'debug_slow':
      nicira(writer, action.type === 'debug_recirc' ? 255 : 254);
      return;
    default:
      writeHeaderAction(writer, action, state);
  }
}

/** The header that a deleted field is named by says how long its data may be at most. */
function deletedBytes(bytes: number): number {
  return bytes === 0 ? 124 : bytes;
}

function writeOutput(writer: ByteWriter, port: number, maxLength: number, version: number): void {
  standard(writer, 0, () => {
    if (version === OF10) {
      writer.u16(port);
      writer.u16(maxLength);
    } else {
      writer.u32(portToOpenFlow11(port));
      writer.u16(maxLength);
      writer.zeros(6);
    }
  });
}

function writeOutputRegister(writer: ByteWriter, source: Subfield, maxLength: number): void {
  if (!isExperimenterField(0, source.field)) {
    nicira(writer, 15, () => {
      writer.u16(encodeOffsetBits(source));
      writeOxmHeader(writer, 0, source.field, false);
      writer.u16(maxLength);
      writer.zeros(6);
    });
    return;
  }
  nicira(writer, 32, () => {
    writer.u16(encodeOffsetBits(source));
    writer.u16(maxLength);
    writeOxmHeader(writer, 0, source.field, false);
    writer.zeros(2);
  });
}

function writeController(writer: ByteWriter, action: ControllerAction, version: number): void {
  const { maxLength, controllerId, reason, userdata, pause, meterId } = action;
  if (userdata.length > 0 || pause || meterId !== null) {
    nicira(writer, 37, () => {
      writer.zeros(6);
      if (maxLength !== WHOLE_PACKET) {
        writeProperty(writer, 0, () => writer.u16(maxLength));
        patchPaddedLength(writer, 8);
      }
      if (controllerId !== 0) {
        writeProperty(writer, 1, () => writer.u16(controllerId));
        patchPaddedLength(writer, 8);
      }
      if (reason !== 'action') {
        writeProperty(writer, 2, () => writer.u8(PACKET_IN_REASONS.indexOf(reason)));
      }
      if (userdata.length > 0) {
        writeProperty(writer, 3, () => writer.put(userdata));
      }
      if (pause) {
        writeProperty(writer, 4);
      }
      if (meterId !== null) {
        writeProperty(writer, 5, () => writer.u32(meterId));
      }
    });
    return;
  }
  if (reason === 'action' && controllerId === 0) {
    writeOutput(writer, OFPP_CONTROLLER, maxLength, version);
    return;
  }
  nicira(writer, 20, () => {
    writer.u16(maxLength);
    writer.u16(controllerId);
    writer.u8(PACKET_IN_REASONS.indexOf(reason));
  });
}

/** Open vSwitch counts the padding of 16-bit properties as theirs. */
function patchPaddedLength(writer: ByteWriter, length: number): void {
  writer.patch16(writer.length - length + 2, length);
}

function writeSetField(writer: ByteWriter, action: SetFieldAction, state: State): void {
  const { version, form } = state;
  const isExact = action.mask === fieldBits(action.field);
  if (!hasOxm(action.field) && writeLegacySetField(writer, action, state)) {
    return;
  }
  if (version >= OF15 || (version >= OF12 && isExact)) {
    standard(writer, 25, () => writeFieldEntry(writer, form, action.field, action.value, action.mask));
  } else if (version >= OF12 || !writeLegacySetField(writer, action, state)) {
    writeFieldAsLoads(writer, action);
  }
}

/** The fields that OpenFlow 1.0 and 1.1 have actions for; returns false for others. */
function writeLegacySetField(writer: ByteWriter, action: SetFieldAction, state: State): boolean {
  const number = Number(action.value & 0xffffffffn);
  const put = (legacy: OpenFlowAction): true => {
    writeHeaderAction(writer, legacy, state);
    return true;
  };
  switch (action.field.name) {
    case 'vlan_tci': {
      if ((number & VLAN_CFI) !== 0) {
        put({ type: 'set_vlan_vid', vid: number & 0xfff, pushIfAbsent: true });
        return put({ type: 'set_vlan_pcp', pcp: number >>> 13, pushIfAbsent: true });
      }
      return state.version === OF10 || state.hasVlan ? put({ type: 'pop_vlan' }) : true;
    }
    case 'dl_vlan':
    case 'vlan_vid':
      return put({ type: 'set_vlan_vid', vid: number & 0xfff, pushIfAbsent: false });
    case 'dl_vlan_pcp':
    case 'vlan_pcp':
      return put({ type: 'set_vlan_pcp', pcp: number, pushIfAbsent: false });
    case 'eth_src':
      return put({ type: 'set_eth_src', address: action.value });
    case 'eth_dst':
      return put({ type: 'set_eth_dst', address: action.value });
    case 'ip_src':
      return put({ type: 'set_ipv4_src', address: number });
    case 'ip_dst':
      return put({ type: 'set_ipv4_dst', address: number });
    case 'nw_tos':
      return put({ type: 'set_ip_dscp', value: number });
    case 'ip_dscp':
      return put({ type: 'set_ip_dscp', value: number << 2 });
    case 'nw_ecn':
      return put({ type: 'set_ip_ecn', value: number });
    case 'tcp_src':
    case 'udp_src':
      return put({ type: 'set_l4_src_port', port: number });
    case 'tcp_dst':
    case 'udp_dst':
      return put({ type: 'set_l4_dst_port', port: number });
    default:
      return false;
  }
}

/** `load` for each run of bits of the mask, at most 64 at a time; one masked entry where the field has no 32-bit name. */
function writeFieldAsLoads(writer: ByteWriter, action: SetFieldAction): void {
  const { field: target, value, mask } = action;
  if (isExperimenterField(0, target)) {
    nicira(writer, 33, () => {
      writer.zeros(6);
      writeFieldEntry(writer, 0, target, value, mask);
    });
    return;
  }
  let offset = 0;
  while (mask >> BigInt(offset) !== 0n) {
    if (((mask >> BigInt(offset)) & 1n) === 0n) {
      offset++;
      continue;
    }
    let bits = 1;
    while (bits < LOAD_BITS && ((mask >> BigInt(offset + bits)) & 1n) !== 0n) {
      bits++;
    }
    putLoad(writer, { field: target, offset, bits }, (value >> BigInt(offset)) & ((1n << BigInt(bits)) - 1n));
    offset += bits;
  }
}

function putLoad(writer: ByteWriter, destination: Subfield, value: bigint): void {
  nicira(writer, 7, () => {
    writer.u16(encodeOffsetBits(destination));
    writeOxmHeader(writer, 0, destination.field, false);
    writer.u64(value);
  });
}

function writeLoad(writer: ByteWriter, { destination, value }: LoadAction, { version, form }: State): void {
  const mask = ((1n << BigInt(destination.bits)) - 1n) << BigInt(destination.offset);
  const shifted = (value << BigInt(destination.offset)) & mask;
  if (version >= OF15) {
    standard(writer, 25, () => writeFieldEntry(writer, form, destination.field, shifted, mask));
    return;
  }
  writeFieldAsLoads(writer, { type: 'set_field', field: destination.field, value: shifted, mask });
}

function writeMove(writer: ByteWriter, { source, destination }: MoveAction, { version }: State): void {
  if (version >= OF15) {
    standard(writer, 28, () => {
      writer.u16(source.bits);
      writer.u16(source.offset);
      writer.u16(destination.offset);
      writer.zeros(2);
      writeOxmHeader(writer, 0, source.field, false);
      writeOxmHeader(writer, 0, destination.field, false);
    });
    return;
  }
  nicira(writer, 6, () => {
    writer.u16(source.bits);
    writer.u16(source.offset);
    writer.u16(destination.offset);
    writeOxmHeader(writer, 0, source.field, false);
    writeOxmHeader(writer, 0, destination.field, false);
  });
}

function setWhole(writer: ByteWriter, state: State, target: SetFieldAction['field'], value: bigint): void {
  standard(writer, 25, () => writeFieldEntry(writer, state.form, target, value, fieldBits(target)));
}

/** The actions that change a header by its own name. */
function writeHeaderAction(writer: ByteWriter, action: OpenFlowAction, state: State): void {
  const { version } = state;
  const isOld = version === OF10;
  const isNew = version >= OF12;
  switch (action.type) {
    case 'set_vlan_vid':
      pushVlanFirst(writer, action.pushIfAbsent, state);
      if (isNew) {
        setWhole(writer, state, VLAN_VID, BigInt(action.vid | VLAN_CFI));
      } else {
        number16(writer, 1, action.vid);
      }
      return;
    case 'set_vlan_pcp':
      pushVlanFirst(writer, action.pushIfAbsent, state);
      if (isNew) {
        setWhole(writer, state, VLAN_PCP, BigInt(action.pcp));
      } else {
        number8(writer, 2, action.pcp);
      }
      return;
    case 'pop_vlan':
    case 'strip_vlan':
      state.hasVlan = false;
      standard(writer, isOld ? 3 : 18, () => writer.zeros(4));
      return;
    case 'push_vlan':
      // OpenFlow 1.0 has no such action: setting the VLAN, which follows, adds the tag.
      state.hasVlan = true;
      if (!isOld) {
        number16(writer, 17, action.ethertype);
      }
      return;
    case 'set_eth_src':
      if (isNew) {
        setWhole(writer, state, ETH_SRC, action.address);
      } else {
        address(writer, isOld ? 4 : 3, action.address);
      }
      return;
    case 'set_eth_dst':
      if (isNew) {
        setWhole(writer, state, ETH_DST, action.address);
      } else {
        address(writer, isOld ? 5 : 4, action.address);
      }
      return;
    case 'set_ipv4_src':
      if (isNew) {
        setWhole(writer, state, IP_SRC, BigInt(action.address >>> 0));
      } else {
        number32(writer, isOld ? 6 : 5, action.address);
      }
      return;
    case 'set_ipv4_dst':
      if (isNew) {
        setWhole(writer, state, IP_DST, BigInt(action.address >>> 0));
      } else {
        number32(writer, isOld ? 7 : 6, action.address);
      }
      return;
    case 'set_ip_dscp':
      if (isNew) {
        setWhole(writer, state, IP_DSCP, BigInt(action.value >> 2));
      } else {
        number8(writer, isOld ? 8 : 7, action.value);
      }
      return;
    case 'set_ip_ecn':
      if (isNew) {
        setWhole(writer, state, NW_ECN, BigInt(action.value));
      } else if (version === OF11) {
        number8(writer, 8, action.value);
      } else {
        putLoad(writer, { field: NW_ECN, offset: 0, bits: 2 }, BigInt(action.value));
      }
      return;
    case 'set_ip_ttl':
      if (isOld) {
        putLoad(writer, { field: NW_TTL, offset: 0, bits: 8 }, BigInt(action.value));
      } else {
        number8(writer, 23, action.value);
      }
      return;
    case 'set_l4_src_port':
      if (isNew) {
        setWhole(writer, state, L4_SOURCES[transportIndex(state.protocol)]!, BigInt(action.port));
      } else {
        number16(writer, 9, action.port);
      }
      return;
    case 'set_l4_dst_port':
      if (isNew) {
        setWhole(writer, state, L4_DESTINATIONS[transportIndex(state.protocol)]!, BigInt(action.port));
      } else {
        number16(writer, 10, action.port);
      }
      return;
    case 'set_mpls_label':
      if (isNew) {
        setWhole(writer, state, MPLS_LABEL, BigInt(action.value));
      } else if (isOld) {
        nicira(writer, 30, () => {
          writer.zeros(2);
          writer.u32(action.value);
        });
      } else {
        number32(writer, 13, action.value);
      }
      return;
    case 'set_mpls_tc':
      if (isNew) {
        setWhole(writer, state, MPLS_TC, BigInt(action.value));
      } else if (isOld) {
        nicira(writer, 31, () => writer.u8(action.value));
      } else {
        number8(writer, 14, action.value);
      }
      return;
    case 'set_mpls_ttl':
      if (isOld) {
        nicira(writer, 25, () => writer.u8(action.value));
      } else {
        number8(writer, 15, action.value);
      }
      return;
    case 'dec_mpls_ttl':
      if (isOld) {
        nicira(writer, 26);
      } else {
        standard(writer, 16, () => writer.zeros(4));
      }
      return;
    case 'push_mpls':
    case 'pop_mpls': {
      const { ethertype } = action;
      const isPush = action.type === 'push_mpls';
      if (isOld) {
        nicira(writer, isPush ? 23 : 24, () => writer.u16(ethertype));
      } else {
        number16(writer, isPush ? 19 : 20, ethertype);
      }
      return;
    }
    case 'set_tunnel':
      if (isNew) {
        setWhole(writer, state, TUN_ID, action.tunnelId);
      } else if (action.is64 || action.tunnelId > 0xffffffffn) {
        nicira(writer, 9, () => {
          writer.zeros(6);
          writer.u64(action.tunnelId);
        });
      } else {
        nicira(writer, 2, () => {
          writer.zeros(2);
          writer.u32(Number(action.tunnelId));
        });
      }
      return;
    default:
      throw new OpenFlowError('OFPBAC_BAD_TYPE', `action ${action.type} has no wire form`);
  }
}

function pushVlanFirst(writer: ByteWriter, pushIfAbsent: boolean, state: State): void {
  if (pushIfAbsent && !state.hasVlan && state.version >= OF11) {
    number16(writer, 17, ETHERTYPE_VLAN);
  }
  state.hasVlan ||= pushIfAbsent;
}

function transportIndex(protocol: number): 0 | 1 | 2 {
  return protocol === IP_PROTOCOL_UDP ? 1 : protocol === IP_PROTOCOL_SCTP ? 2 : 0;
}

function writeDecTtl(writer: ByteWriter, controllerIds: readonly number[], version: number): void {
  if (controllerIds.length !== 1 || controllerIds[0] !== 0) {
    nicira(writer, 21, () => {
      writer.u16(controllerIds.length);
      writer.zeros(4);
      for (const id of controllerIds) {
        writer.u16(id);
      }
    });
  } else if (version === OF10) {
    nicira(writer, 18);
  } else {
    standard(writer, 24, () => writer.zeros(4));
  }
}

function writeBundle(writer: ByteWriter, action: BundleAction): void {
  nicira(writer, action.destination === null ? 12 : 13, () => {
    writer.u16(BUNDLE_ALGORITHMS.indexOf(action.algorithm));
    writer.u16(HASH_FIELDS.indexOf(action.fields));
    writer.u16(action.basis);
    writeOxmHeader(writer, 0, IN_PORT, false);
    writer.u16(action.members.length);
    if (action.destination === null) {
      writer.zeros(6);
    } else {
      writer.u16(encodeOffsetBits(action.destination));
      writeOxmHeader(writer, 0, action.destination.field, false);
    }
    writer.zeros(4);
    for (const port of action.members) {
      writer.u16(port);
    }
  });
}

function writeLearn(writer: ByteWriter, action: LearnAction): void {
  const isLearn2 = action.limit !== 0 || action.resultDestination !== null;
  nicira(writer, isLearn2 ? 45 : 16, () => {
    writer.u16(action.idleTimeout);
    writer.u16(action.hardTimeout);
    writer.u16(action.priority);
    writer.u64(action.cookie);
    const result = action.resultDestination === null ? 0 : 4;
    writer.u16((action.sendFlowRemoved ? 1 : 0) | (action.deleteLearned ? 2 : 0) | result);
    writer.u8(action.table);
    writer.u8(0);
    writer.u16(action.finIdleTimeout);
    writer.u16(action.finHardTimeout);
    if (isLearn2) {
      writer.u32(action.limit);
      writer.u16(action.resultDestination?.offset ?? 0);
      writer.zeros(2);
      if (action.resultDestination !== null) {
        writeOxmHeader(writer, 0, action.resultDestination.field, false);
      }
    }
    for (const { kind, bits, source, destination } of action.specs) {
      const kindBits = kind === 'match' ? 0 : kind === 'load' ? 0x800 : 0x1000;
      writer.u16(bits | kindBits | (typeof source === 'bigint' ? 0x2000 : 0));
      if (typeof source === 'bigint') {
        writer.big(source, 2 * Math.ceil(bits / 16));
      } else {
        writeOxmHeader(writer, 0, source.field, false);
        writer.u16(source.offset);
      }
      if (destination !== null) {
        writeOxmHeader(writer, 0, destination.field, false);
        writer.u16(destination.offset);
      }
    }
  });
}

function writeSample(writer: ByteWriter, action: SampleAction): void {
  const { observationPointId, direction, samplingPort } = action;
  if (typeof observationPointId !== 'number') {
    throw new OpenFlowError('OFPBAC_BAD_ARGUMENT', 'obs_point_id has to be a number in messages');
  }
  const subtype = direction !== 'default' ? 41 : samplingPort !== null ? 38 : 29;
  nicira(writer, subtype, () => {
    writer.u16(action.probability);
    writer.u32(action.collectorSetId);
    writer.u32(action.observationDomainId);
    writer.u32(observationPointId);
    if (subtype !== 29) {
      writer.u16(samplingPort ?? OFPP_NONE);
      writer.u8(SAMPLE_DIRECTIONS.indexOf(direction));
      writer.zeros(5);
    }
  });
}

function writeNat(writer: ByteWriter, action: NatAction): void {
  const { direction, addressMin, addressMax, portMin, portMax } = action;
  nicira(writer, 36, () => {
    writer.zeros(2);
    const flags = (direction === 'src' ? 1 : direction === 'dst' ? 2 : 0) | (action.persistent ? 4 : 0);
    writer.u16(flags | (action.hash ? 8 : 0) | (action.random ? 0x10 : 0));
    const present = (value: number | bigint | null, bit: number): number =>
      value === null ? 0 : typeof value === 'bigint' ? bit << 2 : bit;
    const ports = (portMin === null ? 0 : 0x10) | (portMax === null ? 0 : 0x20);
    writer.u16(present(addressMin, 1) | present(addressMax, 2) | ports);
    for (const value of [addressMin, addressMax]) {
      if (typeof value === 'bigint') {
        writer.big(value, 16);
      } else if (value !== null) {
        writer.u32(value);
      }
    }
    for (const port of [portMin, portMax]) {
      if (port !== null) {
        writer.u16(port);
      }
    }
  });
}
