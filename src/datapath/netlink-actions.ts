/**
 * Action code as netlink attributes (OVS_ACTION_ATTR_*), both ways, and whole flows (OVS_FLOW_ATTR_KEY and _MASK).
 *
 * The cookie of a `userspace` action is, as in Open vSwitch 3.1, a structure of 48 bytes that only the switch itself
 * reads; userdata of another form is kept as bytes.
 */
import { createFlow, type FlowWords } from '../flow/index.ts';
import { ActionWriter, decodeCookie, SLOW_PATH_REASONS } from './action-code.ts';
import type { UserspaceCookie } from './actions.ts';
import * as actions from './actions.ts';
import { ATTRIBUTE_LAYOUTS } from './attribute-fields.ts';
import { DatapathError } from './errors.ts';
import * as attributes from './key-attributes.ts';
import { AttributeReader, AttributeWriter } from './netlink.ts';
import {
  encodeFlowKey,
  encodeFlowMask,
  readAttribute,
  readStruct,
  writeMaskedStruct,
  writeMplsStruct,
  writeNsh,
  writeStruct,
} from './netlink-key.ts';
import { writeTunnel } from './netlink-tunnel.ts';

const OVS_USERSPACE_ATTR_PID = 1;
const OVS_USERSPACE_ATTR_USERDATA = 2;
const OVS_USERSPACE_ATTR_EGRESS_TUN_PORT = 3;
const OVS_USERSPACE_ATTR_ACTIONS = 4;
const OVS_SAMPLE_ATTR_PROBABILITY = 1;
const OVS_SAMPLE_ATTR_ACTIONS = 2;
const OVS_CHECK_PKT_LEN_ATTR_PKT_LEN = 1;
const OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER = 2;
const OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL = 3;
const OVS_FLOW_ATTR_KEY = 1;
const OVS_FLOW_ATTR_MASK = 7;

/** `struct user_action_cookie`: a type, 22 bytes that we leave zero, and a union from byte 24. */
const COOKIE_LENGTH = 48;
const COOKIE_UNION = 24;
const COOKIE_TYPE_SFLOW = 1;
const COOKIE_TYPE_SLOW_PATH = 2;
const COOKIE_TYPE_FLOW_SAMPLE = 3;
const COOKIE_TYPE_IPFIX = 4;
const COOKIE_TYPE_CONTROLLER = 5;
const SAMPLE_DIRECTIONS = ['default', 'ingress', 'egress'] as const;

const MAX_DEPTH = 32;

/** The attributes of action code. Throws `DatapathError` for what is no code, or too long for an attribute. */
export function encodeActionAttributes(
  code: Int32Array,
  offset: number = 0,
  length: number = code.length - offset,
): Uint8Array {
  const writer = new AttributeWriter();
  writeList(writer, code, offset, offset + length);
  return writer.finish();
}

/** Reads action attributes into action code. Throws `DatapathError`. */
export function decodeActionAttributes(bytes: Uint8Array): Int32Array {
  const writer = new ActionWriter();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  readList(writer, new AttributeReader(view, 0, bytes.byteLength), 0);
  if (writer.oversized) {
    throw new DatapathError('NETLINK_LENGTH_INVALID', 'action list', 0, 'at most 64 kB of actions');
  }
  return writer.copy();
}

/** A flow's masked key and mask as the attributes KEY and MASK, as a dump gives them. */
export function serialiseFlow(key: FlowWords, mask: FlowWords): Uint8Array {
  const writer = new AttributeWriter();
  writer.bytes(OVS_FLOW_ATTR_KEY, encodeFlowKey(key));
  writer.bytes(OVS_FLOW_ATTR_MASK, encodeFlowMask(key, mask));
  return writer.finish();
}

function writeList(writer: AttributeWriter, code: Int32Array, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const words = code[at]! & 0xffff;
    if (words === 0 || at + words > end) {
      throw new DatapathError('ACTION_CODE_INVALID', 'invalid action code', at, `an action of 1..${end - at} words`);
    }
    writeAction(writer, code, at, at + words);
    at += words;
  }
}

function writeAction(writer: AttributeWriter, code: Int32Array, at: number, end: number): void {
  const type = code[at]! >>> 16;
  const argument = code[at + 1]!;
  switch (type) {
    case actions.OVS_ACTION_ATTR_OUTPUT:
    case actions.OVS_ACTION_ATTR_RECIRC:
    case actions.OVS_ACTION_ATTR_TRUNC:
    case actions.OVS_ACTION_ATTR_METER:
    case actions.OVS_ACTION_ATTR_DROP:
      writer.uint32(type, argument);
      return;
    case actions.OVS_ACTION_ATTR_USERSPACE:
      writeUserspace(writer, code, at, end);
      return;
    case actions.OVS_ACTION_ATTR_SET:
    case actions.OVS_ACTION_ATTR_SET_MASKED:
      writeSet(writer, code, at, end);
      return;
    case actions.OVS_ACTION_ATTR_PUSH_VLAN: {
      const payload = writer.attribute(type, 4);
      writer.view.setInt32(payload, argument);
      return;
    }
    case actions.OVS_ACTION_ATTR_POP_VLAN:
      writer.attribute(type, 0);
      return;
    case actions.OVS_ACTION_ATTR_PUSH_MPLS: {
      const payload = writer.attribute(type, 8);
      writer.view.setInt32(payload, argument);
      writer.view.setUint16(payload + 4, code[at + 2]!);
      return;
    }
    case actions.OVS_ACTION_ATTR_POP_MPLS: {
      const payload = writer.attribute(type, 2);
      writer.view.setUint16(payload, argument);
      return;
    }
    case actions.OVS_ACTION_ATTR_HASH: {
      const payload = writer.attribute(type, 8);
      writer.view.setInt32(payload, argument, true);
      writer.view.setInt32(payload + 4, code[at + 2]!, true);
      return;
    }
    case actions.OVS_ACTION_ATTR_CLONE: {
      const nested = writer.begin(type);
      writeList(writer, code, at + 1, end);
      writer.end(nested);
      return;
    }
    case actions.OVS_ACTION_ATTR_SAMPLE: {
      const nested = writer.begin(type);
      writer.uint32(OVS_SAMPLE_ATTR_PROBABILITY, argument);
      writeNested(writer, OVS_SAMPLE_ATTR_ACTIONS, code, at + 2, end);
      writer.end(nested);
      return;
    }
    case actions.OVS_ACTION_ATTR_CHECK_PKT_LEN: {
      const middle = at + 3 + code[at + 2]!;
      const nested = writer.begin(type);
      const payload = writer.attribute(OVS_CHECK_PKT_LEN_ATTR_PKT_LEN, 2);
      writer.view.setUint16(payload, argument, true);
      writeNested(writer, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER, code, at + 3, middle);
      writeNested(writer, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL, code, middle, end);
      writer.end(nested);
      return;
    }
    default:
      throw new DatapathError('ACTION_CODE_INVALID', 'invalid action code', at, 'a known action');
  }
}

function writeNested(writer: AttributeWriter, type: number, code: Int32Array, start: number, end: number): void {
  const nested = writer.begin(type);
  writeList(writer, code, start, end);
  writer.end(nested);
}

function writeSet(writer: AttributeWriter, code: Int32Array, at: number, end: number): void {
  const type = code[at]! >>> 16;
  const attribute = code[at + 1]!;
  const values = createFlow();
  const masks = createFlow();
  for (let triple = at + 2; triple < end; triple += 3) {
    const word = code[triple]!;
    masks[word] = code[triple + 2]!;
    values[word] = code[triple + 1]! & code[triple + 2]!;
  }
  const nested = writer.begin(type);
  if (attribute === attributes.OVS_KEY_ATTR_TUNNEL) {
    writeTunnel(writer, values, values, false);
  } else if (attribute === attributes.OVS_KEY_ATTR_MPLS) {
    writeMplsStruct(writer, values, type === actions.OVS_ACTION_ATTR_SET_MASKED ? masks : null);
  } else if (attribute === attributes.OVS_KEY_ATTR_NSH) {
    // NSH has its masks in an attribute of its own form; the values come first.
    writeNsh(writer, values, false, true);
    if (type === actions.OVS_ACTION_ATTR_SET_MASKED) {
      writeNsh(writer, masks, true, true);
    }
  } else {
    const layout = ATTRIBUTE_LAYOUTS.get(attribute);
    if (layout === undefined) {
      throw new DatapathError('ACTION_CODE_INVALID', 'invalid action code', at + 1, 'an attribute that can be set');
    }
    if (type === actions.OVS_ACTION_ATTR_SET) {
      writeStruct(writer, attribute, values, false);
    } else {
      writeMaskedStruct(writer, layout, values, masks);
    }
  }
  writer.end(nested);
}

function writeUserspace(writer: AttributeWriter, code: Int32Array, at: number, end: number): void {
  const flags = code[at + 2]!;
  const nested = writer.begin(actions.OVS_ACTION_ATTR_USERSPACE);
  writer.uint32(OVS_USERSPACE_ATTR_PID, code[at + 1]!);
  const cookie = decodeCookie(code, at + 4, end);
  if (cookie !== null) {
    writeCookie(writer, cookie);
  }
  if ((flags & 2) !== 0) {
    writer.uint32(OVS_USERSPACE_ATTR_EGRESS_TUN_PORT, code[at + 3]!);
  }
  if ((flags & 1) !== 0) {
    writer.attribute(OVS_USERSPACE_ATTR_ACTIONS, 0);
  }
  writer.end(nested);
}

function writeCookie(writer: AttributeWriter, cookie: UserspaceCookie): void {
  if (cookie.kind === 'userdata') {
    writer.bytes(OVS_USERSPACE_ATTR_USERDATA, Uint8Array.from(cookie.bytes));
    return;
  }
  const start = writer.attribute(OVS_USERSPACE_ATTR_USERDATA, COOKIE_LENGTH);
  const { view } = writer;
  const at = start + COOKIE_UNION;
  switch (cookie.kind) {
    case 'sflow':
      view.setUint16(start, COOKIE_TYPE_SFLOW, true);
      view.setUint16(at, cookie.vlanTci);
      view.setUint32(at + 4, cookie.output, true);
      return;
    case 'slow_path':
      view.setUint16(start, COOKIE_TYPE_SLOW_PATH, true);
      view.setUint32(at + 4, 1 << SLOW_PATH_REASONS.indexOf(cookie.reason), true);
      return;
    case 'flow_sample':
      view.setUint16(start, COOKIE_TYPE_FLOW_SAMPLE, true);
      view.setUint16(at, cookie.probability, true);
      view.setUint32(at + 4, cookie.collectorSetId, true);
      view.setUint32(at + 8, cookie.observationDomainId, true);
      view.setUint32(at + 12, cookie.observationPointId, true);
      view.setUint32(at + 16, cookie.outputPort, true);
      view.setUint32(at + 20, SAMPLE_DIRECTIONS.indexOf(cookie.direction), true);
      return;
    case 'ipfix':
      view.setUint16(start, COOKIE_TYPE_IPFIX, true);
      view.setUint32(at, cookie.outputPort, true);
      return;
    case 'controller':
      view.setUint16(start, COOKIE_TYPE_CONTROLLER, true);
      view.setUint8(at, cookie.dontSend ? 1 : 0);
      view.setUint8(at + 1, cookie.continuation ? 1 : 0);
      view.setUint16(at + 2, cookie.reason, true);
      view.setUint32(at + 4, cookie.recircId, true);
      view.setBigUint64(at + 8, cookie.ruleCookie);
      view.setUint16(at + 16, cookie.controllerId, true);
      view.setUint16(at + 18, cookie.maxLength, true);
      return;
  }
}

function readCookie(reader: AttributeReader): UserspaceCookie {
  const { view, start, length } = reader;
  const at = start + COOKIE_UNION;
  const userdata: UserspaceCookie = {
    kind: 'userdata',
    bytes: Array.from({ length }, (_, index) => view.getUint8(start + index)),
  };
  if (length !== COOKIE_LENGTH) {
    return userdata;
  }
  switch (view.getUint16(start, true)) {
    case COOKIE_TYPE_SFLOW:
      return { kind: 'sflow', vlanTci: view.getUint16(at), output: view.getUint32(at + 4, true) };
    case COOKIE_TYPE_SLOW_PATH: {
      const bits = view.getUint32(at + 4, true);
      const reason = SLOW_PATH_REASONS[31 - Math.clz32(bits)];
      return reason === undefined ? userdata : { kind: 'slow_path', reason };
    }
    case COOKIE_TYPE_FLOW_SAMPLE:
      return {
        kind: 'flow_sample',
        probability: view.getUint16(at, true),
        collectorSetId: view.getUint32(at + 4, true),
        observationDomainId: view.getUint32(at + 8, true),
        observationPointId: view.getUint32(at + 12, true),
        outputPort: view.getUint32(at + 16, true),
        direction: SAMPLE_DIRECTIONS[view.getUint32(at + 20, true)] ?? 'default',
      };
    case COOKIE_TYPE_IPFIX:
      return { kind: 'ipfix', outputPort: view.getUint32(at, true) };
    case COOKIE_TYPE_CONTROLLER:
      return {
        kind: 'controller',
        dontSend: view.getUint8(at) !== 0,
        continuation: view.getUint8(at + 1) !== 0,
        reason: view.getUint16(at + 2, true),
        recircId: view.getUint32(at + 4, true),
        ruleCookie: view.getBigUint64(at + 8),
        controllerId: view.getUint16(at + 16, true),
        maxLength: view.getUint16(at + 18, true),
      };
    default:
      return userdata;
  }
}

function readList(writer: ActionWriter, reader: AttributeReader, depth: number): void {
  if (depth > MAX_DEPTH) {
    throw reader.error('NETLINK_NESTED_TOO_DEEP', 'actions nested too deep', `at most ${MAX_DEPTH} levels`);
  }
  while (reader.next()) {
    readAction(writer, reader, depth);
  }
}

function readAction(writer: ActionWriter, reader: AttributeReader, depth: number): void {
  const { view, start } = reader;
  switch (reader.type) {
    case actions.OVS_ACTION_ATTR_OUTPUT:
      writer.output(reader.uint32());
      return;
    case actions.OVS_ACTION_ATTR_RECIRC:
      writer.recirc(reader.uint32());
      return;
    case actions.OVS_ACTION_ATTR_TRUNC:
      writer.trunc(reader.uint32());
      return;
    case actions.OVS_ACTION_ATTR_METER:
      writer.meter(reader.uint32());
      return;
    case actions.OVS_ACTION_ATTR_DROP:
      writer.drop(reader.uint32());
      return;
    case actions.OVS_ACTION_ATTR_USERSPACE:
      readUserspace(writer, reader);
      return;
    case actions.OVS_ACTION_ATTR_SET:
    case actions.OVS_ACTION_ATTR_SET_MASKED:
      readSet(writer, reader);
      return;
    case actions.OVS_ACTION_ATTR_PUSH_VLAN:
      reader.expectLength(4);
      writer.pushVlan(view.getUint16(start), view.getUint16(start + 2));
      return;
    case actions.OVS_ACTION_ATTR_POP_VLAN:
      reader.expectLength(0);
      writer.popVlan();
      return;
    case actions.OVS_ACTION_ATTR_PUSH_MPLS:
      reader.expectLength(8);
      writer.pushMpls(view.getInt32(start), view.getUint16(start + 4));
      return;
    case actions.OVS_ACTION_ATTR_POP_MPLS:
      reader.expectLength(2);
      writer.popMpls(view.getUint16(start));
      return;
    case actions.OVS_ACTION_ATTR_HASH: {
      reader.expectLength(8);
      const algorithm = view.getUint32(start, true);
      if (algorithm > 1) {
        throw reader.error('NETLINK_VALUE_INVALID', `hash algorithm ${algorithm}`, '0 or 1');
      }
      writer.hash(algorithm, view.getUint32(start + 4, true));
      return;
    }
    case actions.OVS_ACTION_ATTR_CLONE:
      writer.beginClone();
      readList(writer, reader.nested(), depth + 1);
      writer.end();
      return;
    case actions.OVS_ACTION_ATTR_SAMPLE:
      readSample(writer, reader, depth);
      return;
    case actions.OVS_ACTION_ATTR_CHECK_PKT_LEN:
      readCheckPacketLength(writer, reader, depth);
      return;
    default:
      throw reader.error('NETLINK_ATTRIBUTE_UNKNOWN', `unsupported action ${reader.type}`, 'an action attribute');
  }
}

function readSample(writer: ActionWriter, reader: AttributeReader, depth: number): void {
  const nested = reader.nested();
  let probability = -1;
  let list: AttributeReader | null = null;
  while (nested.next()) {
    if (nested.type === OVS_SAMPLE_ATTR_PROBABILITY) {
      probability = nested.uint32();
    } else if (nested.type === OVS_SAMPLE_ATTR_ACTIONS) {
      list = nested.nested();
    }
  }
  if (probability < 0 || list === null) {
    throw reader.error('NETLINK_ATTRIBUTE_MISSING', 'incomplete sample action', 'attributes PROBABILITY and ACTIONS');
  }
  writer.beginSample(probability);
  readList(writer, list, depth + 1);
  writer.end();
}

function readCheckPacketLength(writer: ActionWriter, reader: AttributeReader, depth: number): void {
  const nested = reader.nested();
  let length = -1;
  let greater: AttributeReader | null = null;
  let lessOrEqual: AttributeReader | null = null;
  while (nested.next()) {
    if (nested.type === OVS_CHECK_PKT_LEN_ATTR_PKT_LEN) {
      nested.expectLength(2);
      length = nested.view.getUint16(nested.start, true);
    } else if (nested.type === OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER) {
      greater = nested.nested();
    } else if (nested.type === OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL) {
      lessOrEqual = nested.nested();
    }
  }
  if (length < 0 || greater === null || lessOrEqual === null) {
    throw reader.error(
      'NETLINK_ATTRIBUTE_MISSING',
      'incomplete check_pkt_len action',
      'attributes PKT_LEN, ACTIONS_IF_GREATER and ACTIONS_IF_LESS_EQUAL',
    );
  }
  writer.beginCheckPacketLength(length);
  readList(writer, greater, depth + 1);
  writer.elseCheckPacketLength();
  readList(writer, lessOrEqual, depth + 1);
  writer.end();
}

function readUserspace(writer: ActionWriter, reader: AttributeReader): void {
  const nested = reader.nested();
  let pid = -1;
  let cookie: UserspaceCookie | null = null;
  let includeActions = false;
  let tunnelOutPort: number | null = null;
  while (nested.next()) {
    switch (nested.type) {
      case OVS_USERSPACE_ATTR_PID:
        pid = nested.uint32();
        break;
      case OVS_USERSPACE_ATTR_USERDATA:
        cookie = readCookie(nested);
        break;
      case OVS_USERSPACE_ATTR_EGRESS_TUN_PORT:
        tunnelOutPort = nested.uint32();
        break;
      case OVS_USERSPACE_ATTR_ACTIONS:
        includeActions = true;
        break;
      default:
        throw nested.error(
          'NETLINK_ATTRIBUTE_UNKNOWN',
          `unknown userspace attribute ${nested.type}`,
          'PID, USERDATA …',
        );
    }
  }
  if (pid < 0) {
    throw reader.error('NETLINK_ATTRIBUTE_MISSING', 'incomplete userspace action', 'attribute PID');
  }
  writer.userspace(pid, cookie, includeActions, tunnelOutPort);
}

function readSet(writer: ActionWriter, reader: AttributeReader): void {
  const isMasked = reader.type === actions.OVS_ACTION_ATTR_SET_MASKED;
  const nested = reader.nested();
  if (!nested.next()) {
    throw reader.error('NETLINK_ATTRIBUTE_MISSING', 'empty set action', 'a key attribute');
  }
  const attribute = nested.type;
  const words = attributes.SET_ATTRIBUTE_WORDS.get(attribute);
  if (words === undefined) {
    throw nested.error('NETLINK_ATTRIBUTE_UNKNOWN', `set of attribute ${attribute}`, 'an attribute that can be set');
  }
  const values = createFlow();
  const masks = createFlow();
  if (!isMasked) {
    readAttribute(nested, values, false);
  } else if (attribute === attributes.OVS_KEY_ATTR_MPLS) {
    nested.expectLength(8);
    values[words[0]!.word] = nested.view.getInt32(nested.start);
    masks[words[0]!.word] = nested.view.getInt32(nested.start + 4);
  } else if (attribute === attributes.OVS_KEY_ATTR_NSH) {
    readAttribute(nested, values, false);
    if (!nested.next() || nested.type !== attribute) {
      throw reader.error('NETLINK_ATTRIBUTE_MISSING', 'masked set of NSH without mask', 'a second NSH attribute');
    }
    readAttribute(nested, masks, true);
  } else {
    const layout = ATTRIBUTE_LAYOUTS.get(attribute);
    if (layout === undefined) {
      throw nested.error('NETLINK_ATTRIBUTE_UNKNOWN', `masked set of attribute ${attribute}`, 'a plain attribute');
    }
    nested.expectLength(2 * layout.length);
    readStruct(nested, layout, nested.start, values, false);
    readStruct(nested, layout, nested.start + layout.length, masks, true);
  }
  writeSetWords(writer, attribute, values, isMasked ? masks : null);
}

/** Writes a set action of `attribute` with the bits of `values`: all of the attribute's without `masks`. */
export function writeSetWords(
  writer: ActionWriter,
  attribute: number,
  values: FlowWords,
  masks: FlowWords | null,
): void {
  if (masks === null) {
    writer.beginSet(attribute);
  } else {
    writer.beginSetMasked(attribute);
  }
  for (const { word, writable, readOnly } of attributes.SET_ATTRIBUTE_WORDS.get(attribute)!) {
    const bits = writable | readOnly;
    const mask = masks === null ? bits : masks[word]! & bits;
    if (mask !== 0) {
      writer.setWord(word, values[word]! & mask, mask);
    }
  }
  writer.end();
}
