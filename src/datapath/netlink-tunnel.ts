/**
 * Tunnel metadata as netlink attributes (OVS_TUNNEL_KEY_ATTR_*), both ways.
 *
 * A tunnel attribute is there when its field is not zero; flags are attributes without payload, and the flag "has a key"
 * is the presence of the key itself. So a mask of the tunnel key and the mask of that flag go together here: a mask with one
 * of them comes back with both. Geneve options need the table that lays them out and are refused.
 */
import {
  type FlowWords,
  TUN_FLAG_CSUM,
  TUN_FLAG_DF,
  TUN_FLAG_KEY,
  TUN_FLAG_OAM,
  W_TUN_DST,
  W_TUN_ERSPAN,
  W_TUN_ERSPAN_IDX,
  W_TUN_FLAGS_TOS_TTL,
  W_TUN_GBP,
  W_TUN_GTPU,
  W_TUN_ID,
  W_TUN_IPV6_DST,
  W_TUN_IPV6_SRC,
  W_TUN_SRC,
  W_TUN_TP,
} from '../flow/index.ts';
import { OVS_KEY_ATTR_TUNNEL } from './key-attributes.ts';
import type { AttributeReader, AttributeWriter } from './netlink.ts';

const OVS_TUNNEL_KEY_ATTR_ID = 0;
const OVS_TUNNEL_KEY_ATTR_IPV4_SRC = 1;
const OVS_TUNNEL_KEY_ATTR_IPV4_DST = 2;
const OVS_TUNNEL_KEY_ATTR_TOS = 3;
const OVS_TUNNEL_KEY_ATTR_TTL = 4;
const OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT = 5;
const OVS_TUNNEL_KEY_ATTR_CSUM = 6;
const OVS_TUNNEL_KEY_ATTR_OAM = 7;
const OVS_TUNNEL_KEY_ATTR_TP_SRC = 9;
const OVS_TUNNEL_KEY_ATTR_TP_DST = 10;
const OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS = 11;
const OVS_TUNNEL_KEY_ATTR_IPV6_SRC = 12;
const OVS_TUNNEL_KEY_ATTR_IPV6_DST = 13;
const OVS_TUNNEL_KEY_ATTR_PAD = 14;
const OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS = 15;
const OVS_TUNNEL_KEY_ATTR_GTPU_OPTS = 16;
const OVS_VXLAN_EXT_GBP = 1;

const ERSPAN_LENGTH = 12;
const FIRST_WORD = W_TUN_ID;
const LAST_WORD = W_TUN_GTPU;

/** Whether a key has tunnel metadata. */
export function hasTunnel(key: FlowWords): boolean {
  for (let word = FIRST_WORD; word <= LAST_WORD; word++) {
    if (key[word] !== 0) {
      return true;
    }
  }
  return false;
}

/** Writes the TUNNEL attribute with the tunnel words of `data`: those of `key`, or of its mask. */
export function writeTunnel(writer: AttributeWriter, key: FlowWords, data: FlowWords, isMask: boolean): void {
  const tunnel = writer.begin(OVS_KEY_ATTR_TUNNEL);
  const flagsTosTtl = data[W_TUN_FLAGS_TOS_TTL]!;
  const flags = flagsTosTtl >>> 16;
  if ((flags & TUN_FLAG_KEY) !== 0 || data[W_TUN_ID] !== 0 || data[W_TUN_ID + 1] !== 0) {
    writeWords(writer, OVS_TUNNEL_KEY_ATTR_ID, data, W_TUN_ID, 2);
  }
  writeNonzero(writer, OVS_TUNNEL_KEY_ATTR_IPV4_SRC, data, W_TUN_SRC, 1);
  writeNonzero(writer, OVS_TUNNEL_KEY_ATTR_IPV4_DST, data, W_TUN_DST, 1);
  writeNonzero(writer, OVS_TUNNEL_KEY_ATTR_IPV6_SRC, data, W_TUN_IPV6_SRC, 4);
  writeNonzero(writer, OVS_TUNNEL_KEY_ATTR_IPV6_DST, data, W_TUN_IPV6_DST, 4);
  writeByte(writer, OVS_TUNNEL_KEY_ATTR_TOS, (flagsTosTtl >>> 8) & 0xff);
  writeByte(writer, OVS_TUNNEL_KEY_ATTR_TTL, flagsTosTtl & 0xff);
  writeFlag(writer, OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT, flags & TUN_FLAG_DF);
  writeFlag(writer, OVS_TUNNEL_KEY_ATTR_CSUM, flags & TUN_FLAG_CSUM);
  writeHalf(writer, OVS_TUNNEL_KEY_ATTR_TP_SRC, data[W_TUN_TP]! >>> 16);
  writeHalf(writer, OVS_TUNNEL_KEY_ATTR_TP_DST, data[W_TUN_TP]! & 0xffff);
  writeFlag(writer, OVS_TUNNEL_KEY_ATTR_OAM, flags & TUN_FLAG_OAM);
  if (data[W_TUN_GBP] !== 0) {
    const options = writer.begin(OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS);
    const gbp = data[W_TUN_GBP]!;
    writer.uint32(OVS_VXLAN_EXT_GBP, (((gbp >>> 8) & 0xff) << 16) | (gbp >>> 16));
    writer.end(options);
  }
  if (data[W_TUN_ERSPAN] !== 0 || data[W_TUN_ERSPAN_IDX] !== 0) {
    writeErspan(writer, key, data, isMask);
  }
  if (data[W_TUN_GTPU] !== 0) {
    const at = writer.attribute(OVS_TUNNEL_KEY_ATTR_GTPU_OPTS, 2);
    writer.view.setUint16(at, data[W_TUN_GTPU]! >>> 16);
  }
  writer.end(tunnel);
}

/** `struct erspan_metadata`: the version as a number in host order, then the index of version 1 or the bit fields of version 2. */
function writeErspan(writer: AttributeWriter, key: FlowWords, data: FlowWords, isMask: boolean): void {
  const erspan = data[W_TUN_ERSPAN]!;
  const at = writer.attribute(OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS, ERSPAN_LENGTH);
  writer.view.setUint32(at, erspan >>> 24, true);
  if (key[W_TUN_ERSPAN]! >>> 24 === 2) {
    const direction = (erspan >>> 16) & 1;
    const hardware = (erspan >>> 8) & 0x3f;
    writer.view.setUint8(at + 10, hardware >>> 4);
    writer.view.setUint8(at + 11, ((hardware & 0xf) << 4) | (direction << 3));
    // In a mask only the key tells the version that the bit fields belong to: its sign is the bit above the version.
    writer.view.setUint8(at + 3, isMask ? 0x80 : 0);
  } else {
    writer.view.setInt32(at + 4, data[W_TUN_ERSPAN_IDX]!);
  }
}

/** Reads the TUNNEL attribute at hand into the tunnel words of `out`. */
export function readTunnel(reader: AttributeReader, out: FlowWords, isMask: boolean): void {
  const nested = reader.nested();
  while (nested.next()) {
    readTunnelAttribute(nested, out, isMask);
  }
}

function readTunnelAttribute(nested: AttributeReader, out: FlowWords, isMask: boolean): void {
  switch (nested.type) {
    case OVS_TUNNEL_KEY_ATTR_ID:
      readWords(nested, out, W_TUN_ID, 2);
      addFlag(nested, out, TUN_FLAG_KEY, 8);
      return;
    case OVS_TUNNEL_KEY_ATTR_IPV4_SRC:
      readWords(nested, out, W_TUN_SRC, 1);
      return;
    case OVS_TUNNEL_KEY_ATTR_IPV4_DST:
      readWords(nested, out, W_TUN_DST, 1);
      return;
    case OVS_TUNNEL_KEY_ATTR_IPV6_SRC:
      readWords(nested, out, W_TUN_IPV6_SRC, 4);
      return;
    case OVS_TUNNEL_KEY_ATTR_IPV6_DST:
      readWords(nested, out, W_TUN_IPV6_DST, 4);
      return;
    case OVS_TUNNEL_KEY_ATTR_TOS:
      nested.expectLength(1);
      replaceBits(out, W_TUN_FLAGS_TOS_TTL, 0xff00, nested.view.getUint8(nested.start) << 8);
      return;
    case OVS_TUNNEL_KEY_ATTR_TTL:
      nested.expectLength(1);
      replaceBits(out, W_TUN_FLAGS_TOS_TTL, 0xff, nested.view.getUint8(nested.start));
      return;
    case OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT:
      addFlag(nested, out, TUN_FLAG_DF, 0);
      return;
    case OVS_TUNNEL_KEY_ATTR_CSUM:
      addFlag(nested, out, TUN_FLAG_CSUM, 0);
      return;
    case OVS_TUNNEL_KEY_ATTR_OAM:
      addFlag(nested, out, TUN_FLAG_OAM, 0);
      return;
    case OVS_TUNNEL_KEY_ATTR_TP_SRC:
      nested.expectLength(2);
      replaceBits(out, W_TUN_TP, 0xffff0000, nested.view.getUint16(nested.start) << 16);
      return;
    case OVS_TUNNEL_KEY_ATTR_TP_DST:
      nested.expectLength(2);
      replaceBits(out, W_TUN_TP, 0xffff, nested.view.getUint16(nested.start));
      return;
    case OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS:
      readVxlanOptions(nested.nested(), out);
      return;
    case OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS:
      readErspan(nested, out, isMask);
      return;
    case OVS_TUNNEL_KEY_ATTR_GTPU_OPTS:
      nested.expectLength(2);
      out[W_TUN_GTPU] = nested.view.getUint16(nested.start) << 16;
      return;
    case OVS_TUNNEL_KEY_ATTR_PAD:
      return;
    default:
      throw nested.error('NETLINK_ATTRIBUTE_UNKNOWN', `unknown tunnel attribute ${nested.type}`, 'a tunnel attribute');
  }
}

function readVxlanOptions(options: AttributeReader, out: FlowWords): void {
  while (options.next()) {
    if (options.type !== OVS_VXLAN_EXT_GBP) {
      throw options.error('NETLINK_ATTRIBUTE_UNKNOWN', `unknown VXLAN option ${options.type}`, 'GBP');
    }
    const gbp = options.uint32();
    out[W_TUN_GBP] = (gbp << 16) | (((gbp >>> 16) & 0xff) << 8);
  }
}

function readErspan(nested: AttributeReader, out: FlowWords, isMask: boolean): void {
  nested.expectLength(ERSPAN_LENGTH);
  const { view, start } = nested;
  const version = view.getUint8(start);
  const hasBitFields = isMask ? view.getUint8(start + 3) !== 0 : version === 2;
  if (hasBitFields) {
    const low = view.getUint8(start + 11);
    const hardware = ((view.getUint8(start + 10) & 3) << 4) | (low >>> 4);
    out[W_TUN_ERSPAN] = (version << 24) | (((low >>> 3) & 1) << 16) | (hardware << 8);
  } else {
    out[W_TUN_ERSPAN] = version << 24;
    out[W_TUN_ERSPAN_IDX] = view.getInt32(start + 4) & 0xfffff;
  }
}

function writeWords(writer: AttributeWriter, type: number, data: FlowWords, word: number, count: number): void {
  const at = writer.attribute(type, 4 * count);
  for (let index = 0; index < count; index++) {
    writer.view.setInt32(at + 4 * index, data[word + index]!);
  }
}

function writeNonzero(writer: AttributeWriter, type: number, data: FlowWords, word: number, count: number): void {
  for (let index = 0; index < count; index++) {
    if (data[word + index] !== 0) {
      writeWords(writer, type, data, word, count);
      return;
    }
  }
}

function writeByte(writer: AttributeWriter, type: number, value: number): void {
  if (value !== 0) {
    const at = writer.attribute(type, 1);
    writer.view.setUint8(at, value);
  }
}

function writeHalf(writer: AttributeWriter, type: number, value: number): void {
  if (value !== 0) {
    const at = writer.attribute(type, 2);
    writer.view.setUint16(at, value);
  }
}

function writeFlag(writer: AttributeWriter, type: number, isSet: number): void {
  if (isSet !== 0) {
    writer.attribute(type, 0);
  }
}

function readWords(nested: AttributeReader, out: FlowWords, word: number, count: number): void {
  nested.expectLength(4 * count);
  for (let index = 0; index < count; index++) {
    out[word + index] = nested.view.getInt32(nested.start + 4 * index);
  }
}

function addFlag(nested: AttributeReader, out: FlowWords, flag: number, length: number): void {
  nested.expectLength(length);
  out[W_TUN_FLAGS_TOS_TTL] = out[W_TUN_FLAGS_TOS_TTL]! | (flag << 16);
}

function replaceBits(out: FlowWords, word: number, mask: number, value: number): void {
  out[word] = (out[word]! & ~mask) | value;
}
