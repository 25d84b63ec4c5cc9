/**
 * The fixed matches of OpenFlow 1.0 (ofp10_match, 40 bytes) and 1.1 (ofp11_match, 88 bytes).
 *
 * Both tell by a bit mask which fields do not matter. OpenFlow 1.0 has CIDR masks for the network addresses only and calls "no
 * tag" VLAN 0xffff; OpenFlow 1.1 has any mask for addresses and metadata, and VLAN 0xfffe for "some tag". Fields that mean
 * nothing for the Ethertype or protocol are kept by OpenFlow 1.0 (flow mods drop them, see `normalizeMatch`) and dropped
 * by 1.1.
 */
import {
  createMatch,
  getMatchField,
  type Match,
  type MatchField,
  portFromOpenFlow11,
  portToOpenFlow11,
  requireField,
  setMatchField,
  VLAN_CFI,
  VLAN_NONE,
  W_IN_PORT,
  W_NW_DST,
  W_NW_SRC,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
} from '../../flow/index.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_RARP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from '../../wire/index.ts';
import { OpenFlowError } from '../errors.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** OFPFW10_*: OpenFlow 1.0 section 5.2.3 */
const W10_IN_PORT = 1 << 0;
const W10_VLAN = 1 << 1;
const W10_DL_SRC = 1 << 2;
const W10_DL_DST = 1 << 3;
const W10_DL_TYPE = 1 << 4;
const W10_NW_PROTO = 1 << 5;
const W10_TP_SRC = 1 << 6;
const W10_TP_DST = 1 << 7;
const W10_NW_SRC_SHIFT = 8;
const W10_NW_DST_SHIFT = 14;
const W10_VLAN_PCP = 1 << 20;
const W10_NW_TOS = 1 << 21;
export const OFPFW10_ALL: number = (1 << 22) - 1;

/** OFPFW11_*: OpenFlow 1.1 section A.2.3 */
const W11_IN_PORT = 1 << 0;
const W11_VLAN = 1 << 1;
const W11_VLAN_PCP = 1 << 2;
const W11_DL_TYPE = 1 << 3;
const W11_NW_TOS = 1 << 4;
const W11_NW_PROTO = 1 << 5;
const W11_TP_SRC = 1 << 6;
const W11_TP_DST = 1 << 7;
const W11_MPLS_LABEL = 1 << 8;
const W11_MPLS_TC = 1 << 9;
const W11_ALL = (1 << 10) - 1;
const MATCH11_TYPE_STANDARD = 0;
const MATCH11_BYTES = 88;
const VLAN_ANY = 0xfffe;

const ETH_SRC = requireField('eth_src');
const ETH_DST = requireField('eth_dst');
const METADATA = requireField('metadata');
const MPLS_LABEL = requireField('mpls_label');
const MPLS_TC = requireField('mpls_tc');
const IN_PORT = requireField('in_port');
const ETHERNET_ONES = 0xffff_ffff_ffffn;
const METADATA_ONES = 0xffff_ffff_ffff_ffffn;

/** Reads an ofp10_match. It has no errors: what makes no sense is left out or cut to what does. */
export function readMatch10(reader: ByteReader): { readonly match: Match; readonly wildcards: number } {
  const match = createMatch();
  const { values, masks } = match;
  const wildcards = reader.u32() & OFPFW10_ALL;
  const inPort = reader.u16();
  if ((wildcards & W10_IN_PORT) === 0) {
    setMatchField(match, IN_PORT, BigInt(inPort), 0xffffn);
  }
  readEthernet10(reader, match, ETH_SRC, (wildcards & W10_DL_SRC) === 0);
  readEthernet10(reader, match, ETH_DST, (wildcards & W10_DL_DST) === 0);
  readVlan10(reader.u16(), reader.u8(), wildcards, match);
  reader.skip(1);
  const ethType = reader.u16();
  const tos = reader.u8();
  const protocol = reader.u8();
  reader.skip(2);
  const source = reader.u32();
  const destination = reader.u32();
  const sourcePort = reader.u16();
  const destinationPort = reader.u16();
  if ((wildcards & W10_DL_TYPE) === 0) {
    put(match, W_TYPE_PROTO_FRAG, ethType << 16, 0xffff0000);
  }
  if ((wildcards & W10_NW_TOS) === 0) {
    put(match, W_TOS_TTL_FLAGS, tos << 24, 0xfc000000);
  }
  if ((wildcards & W10_NW_PROTO) === 0) {
    put(match, W_TYPE_PROTO_FRAG, protocol << 8, 0xff00);
  }
  put(match, W_NW_SRC, source, addressMask(wildcards >>> W10_NW_SRC_SHIFT));
  put(match, W_NW_DST, destination, addressMask(wildcards >>> W10_NW_DST_SHIFT));
  if ((wildcards & W10_TP_SRC) === 0) {
    put(match, W_TP, sourcePort << 16, 0xffff0000);
  }
  if ((wildcards & W10_TP_DST) === 0) {
    put(match, W_TP, destinationPort, 0xffff);
  }
  values[W_VLAN0]! &= masks[W_VLAN0]!;
  return { match, wildcards };
}

/** Adds bits of a word to what `match` decides. */
function put(match: Match, word: number, value: number, mask: number): void {
  match.values[word] = (match.values[word]! & ~mask) | (value & mask);
  match.masks[word] = match.masks[word]! | mask;
}

function readEthernet10(reader: ByteReader, match: Match, field: MatchField, decides: boolean): void {
  const address = reader.big(6);
  if (decides) {
    setMatchField(match, field, address, ETHERNET_ONES);
  }
}

function readVlan10(vlan: number, priority: number, wildcards: number, match: Match): void {
  const decidesVlan = (wildcards & W10_VLAN) === 0;
  const decidesPriority = (wildcards & W10_VLAN_PCP) === 0;
  if (decidesVlan && vlan === VLAN_NONE) {
    // Without a tag there is no priority: the whole TCI is 0.
    put(match, W_VLAN0, 0, 0xffff);
    return;
  }
  if (decidesVlan) {
    put(match, W_VLAN0, (vlan & 0xfff) | VLAN_CFI, 0x1fff);
  }
  if (decidesPriority) {
    put(match, W_VLAN0, ((priority & 7) << 13) | VLAN_CFI, 0xe000 | VLAN_CFI);
  }
}

/** Six bits count the low bits of an address that do not matter; 32 and more is all of them. */
function addressMask(count: number): number {
  const wildcarded = count & 0x3f;
  return wildcarded >= 32 ? 0 : (0xffffffff << wildcarded) | 0;
}

/** Whether an ofp10_match can say what `match` says. */
export function fitsMatch10(match: Match): boolean {
  const shown = createMatch();
  const { values, masks } = match;
  const copy = (word: number, bits: number): void => put(shown, word, values[word]!, masks[word]! & bits);
  copy(W_IN_PORT, 0xffff);
  copy(W_VLAN0, 0xffff);
  copy(W_TYPE_PROTO_FRAG, 0xffffff00 | 0);
  copy(W_TOS_TTL_FLAGS, 0xfc000000 | 0);
  copy(W_NW_SRC, -1);
  copy(W_NW_DST, -1);
  copy(W_TP, -1);
  for (const field of [ETH_SRC, ETH_DST]) {
    const { value, mask } = getMatchField(match, field);
    if (mask !== 0n && mask !== ETHERNET_ONES) {
      return false;
    }
    setMatchField(shown, field, value, mask);
  }
  const vlan = masks[W_VLAN0]! & 0xffff;
  const hasTag = (values[W_VLAN0]! & VLAN_CFI) !== 0;
  return (
    masks.every((mask, word) => mask === shown.masks[word]) &&
    (vlan === 0 ||
      (vlan === 0xffff && (hasTag || (values[W_VLAN0]! & 0xffff) === 0)) ||
      (hasTag && (vlan === 0x1fff || vlan === 0xf000))) &&
    isWhole(masks[W_TP]! >>> 16, 0xffff) &&
    isWhole(masks[W_TP]! & 0xffff, 0xffff) &&
    isWhole(masks[W_TYPE_PROTO_FRAG]! >>> 16, 0xffff) &&
    prefixWildcards(masks[W_NW_SRC]!) >= 0 &&
    prefixWildcards(masks[W_NW_DST]!) >= 0 &&
    hasNoIpv6(values)
  );
}

function isWhole(mask: number, ones: number): boolean {
  return mask === 0 || mask === ones;
}

function hasNoIpv6(values: Int32Array): boolean {
  return values[W_TYPE_PROTO_FRAG]! >>> 16 !== ETHERTYPE_IPV6;
}

/** The low bits of an address that a mask leaves out, or -1 for a mask that is no prefix. */
function prefixWildcards(mask: number): number {
  const rest = ~mask;
  return (rest & (rest + 1)) === 0 ? 32 - Math.clz32(rest) : -1;
}

/** Writes an ofp10_match; what it cannot say is left out. */
export function writeMatch10(writer: ByteWriter, match: Match): void {
  const { values, masks } = match;
  let wildcards = OFPFW10_ALL & ~(0x3f << W10_NW_SRC_SHIFT) & ~(0x3f << W10_NW_DST_SHIFT);
  const typeMask = masks[W_TYPE_PROTO_FRAG]!;
  const vlanMask = masks[W_VLAN0]!;
  const tci = values[W_VLAN0]! & 0xffff;
  let vlan = 0;
  let priority = 0;
  const clear = (bit: number, decides: boolean): boolean => {
    wildcards &= decides ? ~bit : -1;
    return decides;
  };
  const inPort = clear(W10_IN_PORT, (masks[W_IN_PORT]! & 0xffff) !== 0) ? values[W_IN_PORT]! & 0xffff : 0;
  const source = getMatchField(match, ETH_SRC);
  const destination = getMatchField(match, ETH_DST);
  clear(W10_DL_SRC, source.mask !== 0n);
  clear(W10_DL_DST, destination.mask !== 0n);
  if ((vlanMask & VLAN_CFI) !== 0 && (tci & VLAN_CFI) === 0) {
    vlan = VLAN_NONE;
    clear(W10_VLAN, true);
    // The priority of a packet without tag is neither asked for nor left out in what Open vSwitch sends.
    clear(W10_VLAN_PCP, (vlanMask & 0xe000) !== 0);
  } else {
    vlan = clear(W10_VLAN, (vlanMask & 0xfff) !== 0) ? tci & 0xfff : 0;
    priority = clear(W10_VLAN_PCP, (vlanMask & 0xe000) !== 0) ? tci >>> 13 : 0;
  }
  clear(W10_DL_TYPE, typeMask >>> 16 !== 0);
  clear(W10_NW_TOS, (masks[W_TOS_TTL_FLAGS]! & 0xfc000000) !== 0);
  clear(W10_NW_PROTO, (typeMask & 0xff00) !== 0);
  clear(W10_TP_SRC, masks[W_TP]! >>> 16 !== 0);
  clear(W10_TP_DST, (masks[W_TP]! & 0xffff) !== 0);
  wildcards |= wildcardCount(masks[W_NW_SRC]!) << W10_NW_SRC_SHIFT;
  wildcards |= wildcardCount(masks[W_NW_DST]!) << W10_NW_DST_SHIFT;
  writer.u32(wildcards);
  writer.u16(inPort);
  writer.big(source.value, 6);
  writer.big(destination.value, 6);
  writer.u16(vlan);
  writer.u8(priority);
  writer.u8(0);
  writer.u16(values[W_TYPE_PROTO_FRAG]! >>> 16);
  writer.u8((values[W_TOS_TTL_FLAGS]! >>> 24) & 0xfc);
  writer.u8((values[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff);
  writer.zeros(2);
  writer.u32(values[W_NW_SRC]!);
  writer.u32(values[W_NW_DST]!);
  writer.u16(values[W_TP]! >>> 16);
  writer.u16(values[W_TP]! & 0xffff);
}

function wildcardCount(mask: number): number {
  return Math.max(prefixWildcards(mask), 0);
}

/** Reads an ofp11_match with its header. Throws `OFPBMC_BAD_TYPE`, `OFPBMC_BAD_LEN`, `OFPBMC_BAD_VALUE`, `OFPBMC_BAD_TAG`. */
export function readMatch11(reader: ByteReader): Match {
  if (reader.remaining < 4) {
    throw new OpenFlowError('OFPBMC_BAD_LEN', `match of ${reader.remaining} bytes`);
  }
  const type = reader.u16();
  const length = reader.u16();
  if (type !== MATCH11_TYPE_STANDARD) {
    throw new OpenFlowError('OFPBMC_BAD_TYPE', `match of type ${type}`);
  }
  if (length !== MATCH11_BYTES || reader.remaining < length - 4) {
    throw new OpenFlowError('OFPBMC_BAD_LEN', `match of ${length} bytes`);
  }
  const match = createMatch();
  const inPort = reader.u32();
  const wildcards = reader.u32() & W11_ALL;
  if ((wildcards & W11_IN_PORT) === 0) {
    if (inPort >= 0xff00 && inPort < 0xffffff00) {
      throw new OpenFlowError(
        'OFPBMC_BAD_VALUE',
        `port ${inPort} is outside the supported range 0 through 65279 or 0xffffff00 through 0xffffffff`,
      );
    }
    setMatchField(match, IN_PORT, BigInt(portFromOpenFlow11(inPort)), 0xffffn);
  }
  readMasked(reader, match, ETH_SRC, 6, ETHERNET_ONES);
  readMasked(reader, match, ETH_DST, 6, ETHERNET_ONES);
  readVlan11(reader.u16(), reader.u8(), wildcards, match);
  reader.skip(1);
  const ethType = reader.u16();
  const decidesType = (wildcards & W11_DL_TYPE) === 0;
  if (decidesType) {
    put(match, W_TYPE_PROTO_FRAG, ethType << 16, 0xffff0000);
  }
  readNetwork11(reader, match, wildcards, decidesType ? ethType : 0);
  const label = reader.u32();
  const trafficClass = reader.u8();
  reader.skip(3);
  if (decidesType && (ethType === ETHERTYPE_MPLS || ethType === ETHERTYPE_MPLS_MULTICAST)) {
    if ((wildcards & W11_MPLS_LABEL) === 0) {
      setMatchField(match, MPLS_LABEL, BigInt(label & 0xfffff), 0xfffffn);
    }
    if ((wildcards & W11_MPLS_TC) === 0) {
      setMatchField(match, MPLS_TC, BigInt(trafficClass & 7), 7n);
    }
  }
  readMasked(reader, match, METADATA, 8, METADATA_ONES);
  return match;
}

/** A value and a mask whose 1-bits do not matter. */
function readMasked(reader: ByteReader, match: Match, field: MatchField, bytes: number, ones: bigint): void {
  const value = reader.big(bytes);
  const mask = ~reader.big(bytes) & ones;
  setMatchField(match, field, value & mask, mask);
}

function readVlan11(vlan: number, priority: number, wildcards: number, match: Match): void {
  if ((wildcards & W11_VLAN) !== 0) {
    return;
  }
  if (vlan === VLAN_NONE) {
    put(match, W_VLAN0, 0, 0xffff);
    return;
  }
  if (vlan === VLAN_ANY) {
    put(match, W_VLAN0, VLAN_CFI, VLAN_CFI);
  } else if (vlan < 4096) {
    put(match, W_VLAN0, vlan | VLAN_CFI, 0x1fff);
  } else {
    throw new OpenFlowError('OFPBMC_BAD_VALUE', `VLAN ID ${vlan}`);
  }
  if ((wildcards & W11_VLAN_PCP) !== 0) {
    return;
  }
  if (priority > 7) {
    throw new OpenFlowError('OFPBMC_BAD_VALUE', `VLAN priority ${priority}`);
  }
  put(match, W_VLAN0, priority << 13, 0xe000);
}

function readNetwork11(reader: ByteReader, match: Match, wildcards: number, ethType: number): void {
  const tos = reader.u8();
  const protocol = reader.u8();
  const source = reader.u32();
  const sourceMask = ~reader.u32();
  const destination = reader.u32();
  const destinationMask = ~reader.u32();
  const sourcePort = reader.u16();
  const destinationPort = reader.u16();
  const isIp = ethType === ETHERTYPE_IPV4 || ethType === ETHERTYPE_IPV6;
  const isArp = ethType === ETHERTYPE_ARP || ethType === ETHERTYPE_RARP;
  if (isIp && (wildcards & W11_NW_TOS) === 0) {
    if ((tos & ~0xfc) !== 0) {
      throw new OpenFlowError('OFPBMC_BAD_VALUE', `nw_tos ${tos}`);
    }
    put(match, W_TOS_TTL_FLAGS, tos << 24, 0xfc000000);
  }
  if ((isIp || isArp) && (wildcards & W11_NW_PROTO) === 0) {
    put(match, W_TYPE_PROTO_FRAG, protocol << 8, 0xff00);
  }
  if (isIp || isArp) {
    put(match, W_NW_SRC, source, sourceMask);
    put(match, W_NW_DST, destination, destinationMask);
  }
  if (isIp && (wildcards & W11_NW_PROTO) === 0) {
    readTransport11(match, wildcards, protocol, sourcePort, destinationPort);
  }
}

function readTransport11(match: Match, wildcards: number, protocol: number, source: number, destination: number): void {
  const isIcmp = protocol === IP_PROTOCOL_ICMP;
  if (!isIcmp && protocol !== IP_PROTOCOL_TCP && protocol !== IP_PROTOCOL_UDP && protocol !== IP_PROTOCOL_SCTP) {
    return;
  }
  for (const [bit, value, shift] of [
    [W11_TP_SRC, source, 16],
    [W11_TP_DST, destination, 0],
  ] as const) {
    if ((wildcards & bit) === 0) {
      if (isIcmp && value > 0xff) {
        throw new OpenFlowError('OFPBMC_BAD_FIELD', `ICMP type or code ${value}`);
      }
      put(match, W_TP, value << shift, 0xffff << shift);
    }
  }
}

/** Writes an ofp11_match with its header; what it cannot say is left out. */
export function writeMatch11(writer: ByteWriter, match: Match): void {
  const { values, masks } = match;
  let wildcards = W11_ALL;
  const clear = (bit: number, decides: boolean): boolean => {
    wildcards &= decides ? ~bit : -1;
    return decides;
  };
  writer.u16(MATCH11_TYPE_STANDARD);
  writer.u16(MATCH11_BYTES);
  const decidesPort = clear(W11_IN_PORT, (masks[W_IN_PORT]! & 0xffff) !== 0);
  writer.u32(decidesPort ? portToOpenFlow11(values[W_IN_PORT]! & 0xffff) : 0);
  const vlanMask = masks[W_VLAN0]!;
  const tci = values[W_VLAN0]! & 0xffff;
  const isTagged = (tci & VLAN_CFI) !== 0;
  const decidesVlan = clear(W11_VLAN, (vlanMask & 0xffff) !== 0);
  const vlan = !decidesVlan ? 0 : (vlanMask & 0xfff) !== 0 && isTagged ? tci & 0xfff : isTagged ? VLAN_ANY : VLAN_NONE;
  const decidesPriority = clear(W11_VLAN_PCP, isTagged && (vlanMask & 0xe000) !== 0);
  const typeWord = values[W_TYPE_PROTO_FRAG]!;
  const typeMask = masks[W_TYPE_PROTO_FRAG]!;
  clear(W11_DL_TYPE, typeMask >>> 16 !== 0);
  clear(W11_NW_TOS, (masks[W_TOS_TTL_FLAGS]! & 0xfc000000) !== 0);
  clear(W11_NW_PROTO, (typeMask & 0xff00) !== 0);
  clear(W11_TP_SRC, masks[W_TP]! >>> 16 !== 0);
  clear(W11_TP_DST, (masks[W_TP]! & 0xffff) !== 0);
  const label = getMatchField(match, MPLS_LABEL);
  const trafficClass = getMatchField(match, MPLS_TC);
  clear(W11_MPLS_LABEL, label.mask !== 0n);
  clear(W11_MPLS_TC, trafficClass.mask !== 0n);
  writer.u32(wildcards);
  writeMasked(writer, match, ETH_SRC, 6, ETHERNET_ONES);
  writeMasked(writer, match, ETH_DST, 6, ETHERNET_ONES);
  writer.u16(vlan);
  writer.u8(decidesPriority ? tci >>> 13 : 0);
  writer.u8(0);
  writer.u16(typeWord >>> 16);
  writer.u8((values[W_TOS_TTL_FLAGS]! >>> 24) & 0xfc);
  writer.u8((typeWord >>> 8) & 0xff);
  writer.u32(values[W_NW_SRC]!);
  writer.u32(~masks[W_NW_SRC]!);
  writer.u32(values[W_NW_DST]!);
  writer.u32(~masks[W_NW_DST]!);
  writer.u16(values[W_TP]! >>> 16);
  writer.u16(values[W_TP]! & 0xffff);
  writer.u32(Number(label.value));
  writer.u8(Number(trafficClass.value));
  writer.zeros(3);
  writeMasked(writer, match, METADATA, 8, METADATA_ONES);
}

function writeMasked(writer: ByteWriter, match: Match, field: MatchField, bytes: number, ones: bigint): void {
  const { value, mask } = getMatchField(match, field);
  writer.big(value, bytes);
  writer.big(~mask & ones, bytes);
}

/**
 * Drops what an OpenFlow 1.0 match says of fields that its packets do not have, such as ports without a protocol: flow mods
 * mean that (ovs-ofctl(8), "Flow Syntax"). Returns a new match.
 */
export function normalizeMatch(match: Match): Match {
  const result: Match = { values: match.values.slice(), masks: match.masks.slice() };
  const typeWord = match.values[W_TYPE_PROTO_FRAG]!;
  const ethType = typeWord >>> 16;
  const protocol = (typeWord >>> 8) & 0xff;
  const isIpv4 = ethType === ETHERTYPE_IPV4;
  const isArp = ethType === ETHERTYPE_ARP || ethType === ETHERTYPE_RARP;
  const hasPorts =
    protocol === IP_PROTOCOL_TCP ||
    protocol === IP_PROTOCOL_UDP ||
    protocol === IP_PROTOCOL_SCTP ||
    protocol === IP_PROTOCOL_ICMP;
  const clear = (word: number, bits: number): void => {
    result.values[word]! &= ~bits;
    result.masks[word]! &= ~bits;
  };
  if (!isIpv4) {
    clear(W_TOS_TTL_FLAGS, 0xfc000000);
  }
  if (!isIpv4 && !isArp) {
    clear(W_TYPE_PROTO_FRAG, 0xff00);
    clear(W_NW_SRC, -1);
    clear(W_NW_DST, -1);
  }
  if (!isIpv4 || !hasPorts) {
    clear(W_TP, -1);
  }
  return result;
}
