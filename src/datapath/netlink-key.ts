/**
 * Flow keys and masks as netlink attributes (OVS_KEY_ATTR_*), both ways.
 *
 * Which attributes a key has follows from the key: an IPv4 packet has IPV4 and no IPV6, a tagged one has VLAN and, nested
 * in ENCAP, what is behind the tag. A mask has the attributes of its key, with the bits that decide. So masks are
 * encoded with their key at hand, and what a mask has where its key has nothing is not kept.
 *
 * Not kept either are words that a datapath does not know (registers, OpenFlow metadata, tunnel options).
 */
import {
  createFlow,
  ETH_TYPE_NONE,
  type FlowWords,
  NW_FRAG_ANY,
  NW_FRAG_LATER,
  PACKET_TYPE_ETHERNET,
  readBigBits,
  VLAN_CFI,
  W_CT_STATE_PROTO_ZONE,
  W_IGMP_GROUP,
  W_MPLS,
  W_NSH_BASE,
  W_PACKET_TYPE,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  writeBigBits,
} from '../flow/index.ts';
import * as wire from '../wire/index.ts';
import { ATTRIBUTE_LAYOUTS, type AttributeField, type AttributeLayout } from './attribute-fields.ts';
import * as attributes from './key-attributes.ts';
import { AttributeReader, AttributeWriter } from './netlink.ts';
import { hasTunnel, readTunnel, writeTunnel } from './netlink-tunnel.ts';

const OVS_NSH_KEY_ATTR_BASE = 1;
const OVS_NSH_KEY_ATTR_MD1 = 2;
const NSH_BASE_LENGTH = 8;
const NSH_MD1_LENGTH = 16;
const NSH_METADATA_TYPE1 = 1;

const MAX_VLANS = 2;
const MAX_MPLS_LABELS = 3;
/** OVS_FRAG_TYPE_*: none, first, later */
const FRAGMENT_TYPES: readonly number[] = [0, NW_FRAG_ANY, NW_FRAG_ANY | NW_FRAG_LATER];
const ETHERTYPE_MINIMUM = 0x600;
const ICMPV6_NEIGHBOUR_SOLICITATION = 135;
const ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136;

/** The attributes before the headers, in the order that Open vSwitch has them in; the tunnel comes after the first. */
const METADATA_ATTRIBUTES: readonly number[] = [
  attributes.OVS_KEY_ATTR_SKB_MARK,
  attributes.OVS_KEY_ATTR_CT_STATE,
  attributes.OVS_KEY_ATTR_CT_ZONE,
  attributes.OVS_KEY_ATTR_CT_MARK,
  attributes.OVS_KEY_ATTR_CT_LABELS,
];

/** The attributes of a flow key. */
export function encodeFlowKey(key: FlowWords): Uint8Array {
  const writer = new AttributeWriter();
  writeFlow(writer, key, key, false);
  return writer.finish();
}

/** The attributes of the mask of a flow whose key is `key`. */
export function encodeFlowMask(key: FlowWords, mask: FlowWords): Uint8Array {
  const writer = new AttributeWriter();
  writeFlow(writer, key, mask, true);
  return writer.finish();
}

/** Reads the attributes of a flow key into all of `key`. Throws `DatapathError` and leaves `key` undefined when they are none. */
export function decodeFlowKey(bytes: Uint8Array, key: FlowWords): void {
  key.fill(0);
  const seen = readFlow(readerOf(bytes), key, false, 0);
  const hasEthernet = seen.has(attributes.OVS_KEY_ATTR_ETHERNET);
  const type = key[W_TYPE_PROTO_FRAG]! >>> 16;
  if (type === 0 && hasEthernet) {
    setEthertype(key, ETH_TYPE_NONE);
  }
  if (!seen.has(attributes.OVS_KEY_ATTR_PACKET_TYPE) && !hasEthernet) {
    key[W_PACKET_TYPE] = (1 << 16) | type;
  }
}

/** Reads the attributes of a mask into all of `mask`. Throws `DatapathError`. */
export function decodeFlowMask(bytes: Uint8Array, mask: FlowWords): void {
  mask.fill(0);
  readFlow(readerOf(bytes), mask, true, 0);
}

function readerOf(bytes: Uint8Array): AttributeReader {
  return new AttributeReader(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.byteLength);
}

/** How many label stack entries a key has: up to the bottom of the stack, without entries of which nothing is known. */
export function countMplsLabels(key: FlowWords, mask: FlowWords | null): number {
  let count = 0;
  for (let index = 0; index < MAX_MPLS_LABELS; index++) {
    const entry = key[W_MPLS + index]!;
    if (entry !== 0 || (mask !== null && mask[W_MPLS + index] !== 0)) {
      count = index + 1;
    }
    if ((entry & wire.MPLS_BOTTOM_OF_STACK) !== 0) {
      break;
    }
  }
  return Math.max(count, 1);
}

/** The attribute of the connection tracking tuple that a key has, 0 for none. */
export function conntrackTupleAttribute(key: FlowWords): number {
  if (((key[W_CT_STATE_PROTO_ZONE]! >>> 16) & 0xff) === 0) {
    return 0;
  }
  switch (key[W_TYPE_PROTO_FRAG]! >>> 16) {
    case wire.ETHERTYPE_IPV4:
      return attributes.OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4;
    case wire.ETHERTYPE_IPV6:
      return attributes.OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6;
    default:
      return 0;
  }
}

/** The attributes of what is behind the Ethertype of a key, or of a key and its mask, in order. MPLS and NSH are among them. */
export function headerAttributes(key: FlowWords, mask: FlowWords | null): number[] {
  const list: number[] = [];
  switch (key[W_TYPE_PROTO_FRAG]! >>> 16) {
    case wire.ETHERTYPE_IPV4:
      list.push(attributes.OVS_KEY_ATTR_IPV4);
      pushTransport(list, key, mask, false);
      break;
    case wire.ETHERTYPE_IPV6:
      list.push(attributes.OVS_KEY_ATTR_IPV6);
      pushTransport(list, key, mask, true);
      break;
    case wire.ETHERTYPE_ARP:
    case wire.ETHERTYPE_RARP:
      list.push(attributes.OVS_KEY_ATTR_ARP);
      break;
    case wire.ETHERTYPE_MPLS:
    case wire.ETHERTYPE_MPLS_MULTICAST:
      list.push(attributes.OVS_KEY_ATTR_MPLS);
      break;
    case wire.ETHERTYPE_NSH:
      list.push(attributes.OVS_KEY_ATTR_NSH);
      break;
  }
  return list;
}

function pushTransport(list: number[], key: FlowWords, mask: FlowWords | null, isIpv6: boolean): void {
  if ((key[W_TYPE_PROTO_FRAG]! & NW_FRAG_LATER) !== 0) {
    return;
  }
  switch ((key[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff) {
    case wire.IP_PROTOCOL_TCP:
      list.push(attributes.OVS_KEY_ATTR_TCP, attributes.OVS_KEY_ATTR_TCP_FLAGS);
      break;
    case wire.IP_PROTOCOL_UDP:
      list.push(attributes.OVS_KEY_ATTR_UDP);
      break;
    case wire.IP_PROTOCOL_SCTP:
      list.push(attributes.OVS_KEY_ATTR_SCTP);
      break;
    case wire.IP_PROTOCOL_ICMP:
      if (!isIpv6) {
        list.push(attributes.OVS_KEY_ATTR_ICMP);
      }
      break;
    case wire.IP_PROTOCOL_ICMPV6:
      if (isIpv6) {
        list.push(attributes.OVS_KEY_ATTR_ICMPV6);
        pushNeighbourDiscovery(list, key, mask);
      }
      break;
  }
}

function pushNeighbourDiscovery(list: number[], key: FlowWords, mask: FlowWords | null): void {
  const message = key[W_TP]!;
  if (message !== ICMPV6_NEIGHBOUR_SOLICITATION << 16 && message !== ICMPV6_NEIGHBOUR_ADVERTISEMENT << 16) {
    return;
  }
  list.push(attributes.OVS_KEY_ATTR_ND);
  if (hasNdExtensions(key) || (mask !== null && hasNdExtensions(mask))) {
    list.push(attributes.OVS_KEY_ATTR_ND_EXTENSIONS);
  }
}

function hasNdExtensions(flow: FlowWords): boolean {
  return flow[W_IGMP_GROUP] !== 0 || (flow[W_TOS_TTL_FLAGS]! & 0xffff) !== 0;
}

function writeFlow(writer: AttributeWriter, key: FlowWords, data: FlowWords, isMask: boolean): void {
  writeStruct(writer, attributes.OVS_KEY_ATTR_PRIORITY, data, isMask);
  if (hasTunnel(key)) {
    writeTunnel(writer, key, data, isMask);
  }
  for (const attribute of METADATA_ATTRIBUTES) {
    writeStruct(writer, attribute, data, isMask);
  }
  const tuple = conntrackTupleAttribute(key);
  if (tuple !== 0) {
    writeStruct(writer, tuple, data, isMask);
  }
  writeStruct(writer, attributes.OVS_KEY_ATTR_RECIRC_ID, data, isMask);
  writeStruct(writer, attributes.OVS_KEY_ATTR_DP_HASH, data, isMask);
  writeStruct(writer, attributes.OVS_KEY_ATTR_IN_PORT, data, isMask);
  writeStruct(writer, attributes.OVS_KEY_ATTR_PACKET_TYPE, data, isMask);
  if (key[W_PACKET_TYPE] === PACKET_TYPE_ETHERNET) {
    writeStruct(writer, attributes.OVS_KEY_ATTR_ETHERNET, data, isMask);
  }
  writeTags(writer, key, data, isMask, 0);
}

/** The VLAN tags from `index` on, each around what follows it, and the rest of the headers. */
function writeTags(writer: AttributeWriter, key: FlowWords, data: FlowWords, isMask: boolean, index: number): void {
  if (index < MAX_VLANS && (key[W_VLAN0 + index]! & VLAN_CFI) !== 0) {
    const tag = data[W_VLAN0 + index]!;
    writeUint16(writer, attributes.OVS_KEY_ATTR_ETHERTYPE, tag >>> 16);
    writeUint16(writer, attributes.OVS_KEY_ATTR_VLAN, tag & 0xffff);
    const encapsulation = writer.begin(attributes.OVS_KEY_ATTR_ENCAP);
    writeTags(writer, key, data, isMask, index + 1);
    writer.end(encapsulation);
    return;
  }
  if (isMask || key[W_TYPE_PROTO_FRAG]! >>> 16 >= ETHERTYPE_MINIMUM) {
    writeUint16(writer, attributes.OVS_KEY_ATTR_ETHERTYPE, data[W_TYPE_PROTO_FRAG]! >>> 16);
  }
  for (const attribute of headerAttributes(key, isMask ? data : null)) {
    if (attribute === attributes.OVS_KEY_ATTR_MPLS) {
      writeMpls(writer, key, data);
    } else if (attribute === attributes.OVS_KEY_ATTR_NSH) {
      writeNsh(writer, data, isMask, ((key[W_NSH_BASE]! >>> 8) & 0xff) === NSH_METADATA_TYPE1);
    } else {
      writeStruct(writer, attribute, data, isMask);
    }
  }
}

function writeUint16(writer: AttributeWriter, type: number, value: number): void {
  const at = writer.attribute(type, 2);
  writer.view.setUint16(at, value);
}

function writeMpls(writer: AttributeWriter, key: FlowWords, data: FlowWords): void {
  const count = countMplsLabels(key, null);
  const at = writer.attribute(attributes.OVS_KEY_ATTR_MPLS, 4 * count);
  for (let index = 0; index < count; index++) {
    writer.view.setInt32(at + 4 * index, data[W_MPLS + index]!);
  }
}

/** Writes the MPLS attribute of a set action: one entry, and its mask unless that is `null`. */
export function writeMplsStruct(writer: AttributeWriter, values: FlowWords, masks: FlowWords | null): void {
  const at = writer.attribute(attributes.OVS_KEY_ATTR_MPLS, masks === null ? 4 : 8);
  writer.view.setInt32(at, values[W_MPLS]!);
  if (masks !== null) {
    writer.view.setInt32(at + 4, masks[W_MPLS]!);
  }
}

/** Writes an NSH attribute, with the context of metadata type 1 if `hasContext`. */
export function writeNsh(writer: AttributeWriter, data: FlowWords, isMask: boolean, hasContext: boolean): void {
  const layout = ATTRIBUTE_LAYOUTS.get(attributes.OVS_KEY_ATTR_NSH)!;
  const nested = writer.begin(attributes.OVS_KEY_ATTR_NSH);
  const base = writer.attribute(OVS_NSH_KEY_ATTR_BASE, NSH_BASE_LENGTH);
  writeFields(writer.view, base, layout.fields.slice(0, 6), data, isMask);
  if (hasContext) {
    const context = writer.attribute(OVS_NSH_KEY_ATTR_MD1, NSH_MD1_LENGTH);
    writeFields(writer.view, context - NSH_BASE_LENGTH, layout.fields.slice(6), data, isMask);
  }
  writer.end(nested);
}

/** Writes the attribute of a layout. */
export function writeStruct(writer: AttributeWriter, attribute: number, data: FlowWords, isMask: boolean): void {
  const layout = ATTRIBUTE_LAYOUTS.get(attribute)!;
  const at = writer.attribute(attribute, layout.length);
  writeFields(writer.view, at, layout.fields, data, isMask);
}

/** Writes an attribute for a `set_masked` action: the structure of the values, then that of the masks. */
export function writeMaskedStruct(
  writer: AttributeWriter,
  layout: AttributeLayout,
  values: FlowWords,
  masks: FlowWords,
): void {
  const at = writer.attribute(layout.attribute, 2 * layout.length);
  writeFields(writer.view, at, layout.fields, values, false);
  writeFields(writer.view, at + layout.length, layout.fields, masks, true);
}

function writeFields(
  view: DataView,
  at: number,
  fields: readonly AttributeField[],
  data: FlowWords,
  isMask: boolean,
): void {
  for (const field of fields) {
    let value = readBigBits(data, field.bitOffset, field.width);
    if (field.format === 'frag') {
      value = isMask ? (value === 0n ? 0n : 0xffn) : BigInt(FRAGMENT_TYPES.indexOf(Number(value)));
    } else if (isMask && field.name === 'op' && value === 0xffn) {
      value = 0xffffn;
    }
    writeNumber(view, at + field.byteOffset, field, value);
  }
}

function writeNumber(view: DataView, at: number, field: AttributeField, value: bigint): void {
  let rest = value;
  for (let index = 0; index < field.bytes; index++) {
    view.setUint8(field.isBigEndian ? at + field.bytes - 1 - index : at + index, Number(rest & 0xffn));
    rest >>= 8n;
  }
}

/** Reads attributes into `out` and returns the types seen, those inside ENCAP too. */
function readFlow(reader: AttributeReader, out: FlowWords, isMask: boolean, depth: number): Set<number> {
  const seen = new Set<number>();
  const inner = createFlow();
  let innerSeen: Set<number> | null = null;
  let ethertype = -1;
  let vlan = -1;
  while (reader.next()) {
    const { type } = reader;
    if (seen.has(type)) {
      throw reader.error('NETLINK_ATTRIBUTE_DUPLICATE', `second key attribute ${type}`, 'each attribute once');
    }
    seen.add(type);
    if (type === attributes.OVS_KEY_ATTR_ETHERTYPE) {
      reader.expectLength(2);
      ethertype = reader.view.getUint16(reader.start);
    } else if (type === attributes.OVS_KEY_ATTR_VLAN) {
      reader.expectLength(2);
      vlan = reader.view.getUint16(reader.start);
    } else if (type === attributes.OVS_KEY_ATTR_ENCAP) {
      if (depth === MAX_VLANS) {
        throw reader.error('NETLINK_NESTED_TOO_DEEP', 'too many nested VLANs', `at most ${MAX_VLANS}`);
      }
      innerSeen = readFlow(reader.nested(), inner, isMask, depth + 1);
    } else {
      readAttribute(reader, out, isMask);
    }
  }
  if (vlan >= 0 || innerSeen !== null) {
    if (vlan < 0 || innerSeen === null || ethertype < 0) {
      throw reader.error('NETLINK_ATTRIBUTE_MISSING', 'incomplete VLAN', 'attributes ETHERTYPE, VLAN and ENCAP');
    }
    if (depth === MAX_VLANS) {
      throw reader.error('NETLINK_NESTED_TOO_DEEP', 'too many nested VLANs', `at most ${MAX_VLANS}`);
    }
    if (!isMask && (vlan & VLAN_CFI) === 0) {
      throw reader.error('NETLINK_VALUE_INVALID', 'VLAN without tag', 'the CFI bit in the TCI');
    }
    merge(out, inner);
    out[W_VLAN0 + depth] = (ethertype << 16) | vlan;
    for (const type of innerSeen) {
      seen.add(type);
    }
  } else if (ethertype >= 0) {
    setEthertype(out, ethertype);
  }
  return seen;
}

function merge(out: FlowWords, inner: FlowWords): void {
  for (let word = 0; word < out.length; word++) {
    out[word] = out[word]! | inner[word]!;
  }
}

function setEthertype(flow: FlowWords, type: number): void {
  flow[W_TYPE_PROTO_FRAG] = (flow[W_TYPE_PROTO_FRAG]! & 0xffff) | (type << 16);
}

/** Reads the attribute at hand, other than Ethertype, VLAN and encapsulation, into `out`. */
export function readAttribute(reader: AttributeReader, out: FlowWords, isMask: boolean): void {
  switch (reader.type) {
    case attributes.OVS_KEY_ATTR_TUNNEL:
      readTunnel(reader, out, isMask);
      return;
    case attributes.OVS_KEY_ATTR_MPLS:
      readMpls(reader, out);
      return;
    case attributes.OVS_KEY_ATTR_NSH:
      readNsh(reader, out, isMask);
      return;
  }
  const layout = ATTRIBUTE_LAYOUTS.get(reader.type);
  if (layout === undefined) {
    throw reader.error('NETLINK_ATTRIBUTE_UNKNOWN', `unknown key attribute ${reader.type}`, 'a key attribute');
  }
  reader.expectLength(layout.length);
  readStruct(reader, layout, reader.start, out, isMask);
}

/** Reads the structure of a layout at `at` into `out`. */
export function readStruct(
  reader: AttributeReader,
  layout: AttributeLayout,
  at: number,
  out: FlowWords,
  isMask: boolean,
): void {
  readFields(reader, at, layout.fields, out, isMask);
}

function readFields(
  reader: AttributeReader,
  at: number,
  fields: readonly AttributeField[],
  out: FlowWords,
  isMask: boolean,
): void {
  for (const field of fields) {
    const value = readNumber(reader.view, at + field.byteOffset, field);
    writeBigBits(out, field.bitOffset, field.width, fieldValue(reader, field, value, isMask));
  }
}

function fieldValue(reader: AttributeReader, field: AttributeField, value: bigint, isMask: boolean): bigint {
  if (field.format === 'frag') {
    const type = FRAGMENT_TYPES[Number(value)];
    if (!isMask && type === undefined) {
      throw reader.error('NETLINK_VALUE_INVALID', `fragment type ${value}`, '0, 1 or 2');
    }
    return isMask ? (value === 0n ? 0n : 3n) : BigInt(type!);
  }
  if (!isMask && value >> BigInt(field.width) !== 0n) {
    throw reader.error(
      'NETLINK_VALUE_INVALID',
      `${field.name === '' ? 'value' : field.name} ${value}`,
      `at most ${(1n << BigInt(field.width)) - 1n}`,
    );
  }
  return value;
}

function readNumber(view: DataView, at: number, field: AttributeField): bigint {
  let value = 0n;
  for (let index = 0; index < field.bytes; index++) {
    value = (value << 8n) | BigInt(view.getUint8(field.isBigEndian ? at + index : at + field.bytes - 1 - index));
  }
  return value;
}

function readMpls(reader: AttributeReader, out: FlowWords): void {
  if (reader.length === 0 || reader.length % 4 !== 0) {
    throw reader.error('NETLINK_LENGTH_INVALID', `MPLS attribute of ${reader.length} bytes`, 'a multiple of 4');
  }
  for (let index = 0; index < Math.min(reader.length / 4, MAX_MPLS_LABELS); index++) {
    out[W_MPLS + index] = reader.view.getInt32(reader.start + 4 * index);
  }
}

function readNsh(reader: AttributeReader, out: FlowWords, isMask: boolean): void {
  const { fields } = ATTRIBUTE_LAYOUTS.get(attributes.OVS_KEY_ATTR_NSH)!;
  const nested = reader.nested();
  while (nested.next()) {
    if (nested.type === OVS_NSH_KEY_ATTR_BASE) {
      nested.expectLength(NSH_BASE_LENGTH);
      readFields(nested, nested.start, fields.slice(0, 6), out, isMask);
    } else if (nested.type === OVS_NSH_KEY_ATTR_MD1) {
      nested.expectLength(NSH_MD1_LENGTH);
      readFields(nested, nested.start - NSH_BASE_LENGTH, fields.slice(6), out, isMask);
    } else {
      throw nested.error('NETLINK_ATTRIBUTE_UNKNOWN', `unknown NSH attribute ${nested.type}`, 'BASE or MD1');
    }
  }
}
