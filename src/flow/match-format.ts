/**
 * Matches and flows to text, in the order and with the abbreviations of `ovs-ofctl dump-flows`, `ofproto/trace` and
 * `dpctl/dump-flows` of Open vSwitch: `ct_state=+trk,tcp,reg0=0x1,in_port=1,dl_vlan=5,nw_src=10.0.0.0/8,tp_dst=80`.
 *
 * The order is history: metadata that came late to OpenFlow, the protocol, registers and tunnel, then the headers from
 * the outside in. What a word means depends on the protocol (tp_src is the type of ICMP, nw_src an address of ARP), so
 * the protocol is looked at once and each part asks it.
 *
 * One thing differs: Open vSwitch leaves out masks of the GTP-U and ERSPAN fields and of tun_gbp_flags, and ERSPAN fields of
 * another version. Here whatever the match decides is shown.
 */
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_NSH,
  ETHERTYPE_RARP,
  formatEthernetMasked,
  formatIpv4Masked,
  formatIpv6Masked,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
  ipv6FromWords,
} from '../wire/index.ts';
import { readBigBits, readBits } from './field.ts';
import { type FlowTextOptions, formatFieldValue, formatHex, formatPacketType } from './field-text.ts';
import { CT_STATE_FLAGS, type FlagName, formatFlags, TCP_FLAGS, TUNNEL_FLAGS } from './flag-text.ts';
import * as key from './key.ts';
import type { Match } from './match.ts';
import { formatPort } from './port-text.ts';
import { networkEthType } from './prerequisites.ts';

/** One text that is being put together. */
interface Writer {
  readonly values: key.FlowWords;
  readonly masks: key.FlowWords;
  readonly options: FlowTextOptions;
  readonly parts: string[];
  /** the Ethertype that says what the network words mean, 0 when the match does not say */
  readonly ethType: number;
  /** the IP protocol, -1 when the match does not say */
  readonly protocol: number;
}

const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [IP_PROTOCOL_ICMP, 'icmp'],
  [IP_PROTOCOL_TCP, 'tcp'],
  [IP_PROTOCOL_UDP, 'udp'],
  [IP_PROTOCOL_SCTP, 'sctp'],
]);
const PROTOCOL_NAMES_IPV6: ReadonlyMap<number, string> = new Map([
  [IP_PROTOCOL_ICMPV6, 'icmp6'],
  [IP_PROTOCOL_TCP, 'tcp6'],
  [IP_PROTOCOL_UDP, 'udp6'],
  [IP_PROTOCOL_SCTP, 'sctp6'],
]);
const ETH_TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [ETHERTYPE_IPV4, 'ip'],
  [ETHERTYPE_IPV6, 'ipv6'],
  [ETHERTYPE_ARP, 'arp'],
  [ETHERTYPE_RARP, 'rarp'],
  [ETHERTYPE_MPLS, 'mpls'],
  [ETHERTYPE_MPLS_MULTICAST, 'mplsm'],
]);

const REGISTERS = 16;
const MPLS_LABELS = 3;
const VLAN_VID_MASK = 0xfff;
const VLAN_PCP_MASK = 0xe000;
const TUN_FLAGS_ALL = 0xf;

/** The match as `ovs-ofctl dump-flows` shows it, without priority; an empty string when everything matches. */
export function formatMatch(match: Match, options: FlowTextOptions = {}): string {
  const { values, masks } = match;
  const typeWord = key.W_TYPE_PROTO_FRAG;
  const hasEthType = masks[typeWord]! >>> 16 === 0xffff || masks[key.W_PACKET_TYPE] === -1;
  const hasProtocol = ((masks[typeWord]! >>> 8) & 0xff) === 0xff;
  const writer: Writer = {
    values,
    masks,
    options,
    parts: [],
    ethType: hasEthType ? networkEthType(values) : 0,
    protocol: hasProtocol ? (values[typeWord]! >>> 8) & 0xff : -1,
  };
  writeMetadata(writer);
  writeConnection(writer);
  const { showEthType, showProtocol } = writeProtocol(writer);
  writeRegisters(writer);
  writeTunnel(writer);
  hexadecimal(writer, 'metadata', key.W_METADATA * 32, 64);
  port(writer, 'in_port', key.W_IN_PORT);
  writeVlan(writer, key.W_VLAN0, '');
  writeVlan(writer, key.W_VLAN1, '1');
  ethernet(writer, 'dl_src', key.W_ETH_DST_SRC * 32 + 16);
  ethernet(writer, 'dl_dst', key.W_ETH_DST * 32);
  if (showEthType) {
    paddedHex(writer, 'dl_type', typeWord * 32, 16, 4);
  }
  writeNsh(writer);
  writeNetwork(writer, showProtocol);
  writeMpls(writer);
  writeTransport(writer);
  return writer.parts.join(',');
}

function writeMetadata(writer: Writer): void {
  hexadecimal(writer, 'pkt_mark', key.W_PKT_MARK * 32, 32);
  hexadecimal(writer, 'recirc_id', key.W_RECIRC_ID * 32, 32);
  hexadecimal(writer, 'dp_hash', key.W_DP_HASH * 32, 32);
  decimal(writer, 'conj_id', key.W_CONJ_ID * 32, 32);
  hexadecimal(writer, 'skb_priority', key.W_SKB_PRIORITY * 32, 32);
  port(writer, 'actset_output', key.W_ACTSET_OUTPUT);
}

function writeConnection(writer: Writer): void {
  const word = key.W_CT_STATE_PROTO_ZONE * 32;
  flags(writer, 'ct_state', word, 8, CT_STATE_FLAGS, 0xff);
  decimal(writer, 'ct_zone', word + 16, 16);
  hexadecimal(writer, 'ct_mark', key.W_CT_MARK * 32, 32);
  hexadecimal(writer, 'ct_label', key.W_CT_LABEL * 32, 128);
  ipv4(writer, 'ct_nw_src', key.W_CT_NW_SRC);
  ipv6(writer, 'ct_ipv6_src', key.W_CT_IPV6_SRC);
  ipv4(writer, 'ct_nw_dst', key.W_CT_NW_DST);
  ipv6(writer, 'ct_ipv6_dst', key.W_CT_IPV6_DST);
  decimal(writer, 'ct_nw_proto', word + 8, 8);
  decimal(writer, 'ct_tp_src', key.W_CT_TP * 32, 16);
  decimal(writer, 'ct_tp_dst', key.W_CT_TP * 32 + 16, 16);
}

/** Writes the packet type and the protocol's short name; tells what the name leaves to be shown. */
function writeProtocol(writer: Writer): { showEthType: boolean; showProtocol: boolean } {
  const { values, masks, parts, ethType, protocol } = writer;
  if (masks[key.W_PACKET_TYPE] !== 0) {
    if (values[key.W_PACKET_TYPE] !== key.PACKET_TYPE_ETHERNET) {
      parts.push(`packet_type=${formatPacketType(values[key.W_PACKET_TYPE]!)}`);
    } else if (masks[key.W_RECIRC_ID] !== 0) {
      parts.push('eth');
    }
  }
  if (masks[key.W_TYPE_PROTO_FRAG]! >>> 16 !== 0xffff) {
    return { showEthType: true, showProtocol: true };
  }
  const names = ethType === ETHERTYPE_IPV4 ? PROTOCOL_NAMES : ethType === ETHERTYPE_IPV6 ? PROTOCOL_NAMES_IPV6 : null;
  const protocolName = names?.get(protocol);
  const name = protocolName ?? ETH_TYPE_NAMES.get(ethType);
  if (name !== undefined) {
    parts.push(name);
  }
  return { showEthType: name === undefined, showProtocol: protocolName === undefined };
}

function writeRegisters(writer: Writer): void {
  for (let index = 0; index < REGISTERS; index++) {
    hexadecimal(writer, `reg${index}`, (key.W_REG0 + index) * 32, 32);
  }
}

function writeTunnel(writer: Writer): void {
  const erspan = key.W_TUN_ERSPAN * 32;
  const flagsOffset = key.W_TUN_FLAGS_TOS_TTL * 32;
  hexadecimal(writer, 'tun_id', key.W_TUN_ID * 32, 64);
  ipv4(writer, 'tun_src', key.W_TUN_SRC);
  ipv4(writer, 'tun_dst', key.W_TUN_DST);
  ipv6(writer, 'tun_ipv6_src', key.W_TUN_IPV6_SRC);
  ipv6(writer, 'tun_ipv6_dst', key.W_TUN_IPV6_DST);
  decimal(writer, 'tun_gbp_id', key.W_TUN_GBP * 32, 16);
  hexadecimal(writer, 'tun_gbp_flags', key.W_TUN_GBP * 32 + 16, 8);
  decimal(writer, 'tun_tos', flagsOffset + 16, 8);
  decimal(writer, 'tun_ttl', flagsOffset + 24, 8);
  decimal(writer, 'tun_erspan_ver', erspan + 4, 4);
  hexadecimal(writer, 'tun_erspan_idx', key.W_TUN_ERSPAN_IDX * 32 + 12, 20);
  decimal(writer, 'tun_erspan_dir', erspan + 15, 1);
  hexadecimal(writer, 'tun_erspan_hwid', erspan + 18, 6);
  hexadecimal(writer, 'gtpu_flags', key.W_TUN_GTPU * 32, 8);
  decimal(writer, 'gtpu_msgtype', key.W_TUN_GTPU * 32 + 8, 8);
  flags(writer, 'tun_flags', flagsOffset, 16, TUNNEL_FLAGS, TUN_FLAGS_ALL);
  for (const [, field] of writer.options.tlvTable?.fields ?? []) {
    const mask = readBigBits(writer.masks, field.bitOffset, field.width);
    if (mask !== 0n) {
      const value = readBigBits(writer.values, field.bitOffset, field.width);
      writer.parts.push(`${field.name}=${formatFieldValue(field, value, mask)}`);
    }
  }
}

/** A tag as dl_vlan and dl_vlan_pcp where the match is no finer than them, otherwise as vlan_tci. */
function writeVlan(writer: Writer, word: number, suffix: string): void {
  const { parts } = writer;
  const mask = writer.masks[word]! & 0xffff;
  const value = writer.values[word]! & 0xffff;
  if (mask === 0) {
    return;
  }
  const vidMask = mask & VLAN_VID_MASK;
  const pcpMask = mask & VLAN_PCP_MASK;
  const isVidWhole = vidMask === 0 || vidMask === VLAN_VID_MASK;
  const isPcpWhole = pcpMask === 0 || pcpMask === VLAN_PCP_MASK;
  if ((mask & value & key.VLAN_CFI) !== 0 && isVidWhole && isPcpWhole && (vidMask | pcpMask) !== 0) {
    if (vidMask !== 0) {
      parts.push(`dl_vlan${suffix}=${value & VLAN_VID_MASK}`);
    }
    if (pcpMask !== 0) {
      parts.push(`dl_vlan_pcp${suffix}=${value >>> 13}`);
    }
    return;
  }
  paddedHex(writer, `vlan_tci${suffix}`, word * 32 + 16, 16, 4);
}

function writeNsh(writer: Writer): void {
  if (writer.ethType !== ETHERTYPE_NSH) {
    return;
  }
  const base = key.W_NSH_BASE * 32;
  byte(writer, 'nsh_flags', base);
  byte(writer, 'nsh_ttl', base + 8);
  byte(writer, 'nsh_mdtype', base + 16);
  byte(writer, 'nsh_np', base + 24);
  paddedHex(writer, 'nsh_spi', key.W_NSH_PATH * 32, 24, 1);
  byte(writer, 'nsh_si', key.W_NSH_PATH * 32 + 24);
  for (let index = 0; index < 4; index++) {
    paddedHex(writer, `nsh_c${index + 1}`, (key.W_NSH_CONTEXT + index) * 32, 32, 1);
  }
}

function writeNetwork(writer: Writer, showProtocol: boolean): void {
  const { ethType } = writer;
  const isArp = ethType === ETHERTYPE_ARP || ethType === ETHERTYPE_RARP;
  const word = key.W_TOS_TTL_FLAGS * 32;
  if (ethType === ETHERTYPE_IPV6) {
    ipv6(writer, 'ipv6_src', key.W_IPV6_SRC);
    ipv6(writer, 'ipv6_dst', key.W_IPV6_DST);
    paddedHex(writer, 'ipv6_label', key.W_IPV6_LABEL * 32 + 12, 20, 5);
  } else {
    ipv4(writer, isArp ? 'arp_spa' : 'nw_src', key.W_NW_SRC);
    ipv4(writer, isArp ? 'arp_tpa' : 'nw_dst', key.W_NW_DST);
  }
  if (showProtocol) {
    decimal(writer, isArp ? 'arp_op' : 'nw_proto', key.W_TYPE_PROTO_FRAG * 32 + 16, 8);
  }
  if (isArp) {
    ethernet(writer, 'arp_sha', key.W_ARP_SHA * 32);
    ethernet(writer, 'arp_tha', key.W_ARP_SHA_THA * 32 + 16);
  }
  const tosMask = readBits(writer.masks, word, 6);
  if (tosMask !== 0) {
    const tos = readBits(writer.values, word, 6) << 2;
    writer.parts.push(tosMask === 0x3f ? `nw_tos=${tos}` : `nw_tos=${formatHex(tos)}/${formatHex(tosMask << 2)}`);
  }
  decimal(writer, 'nw_ecn', word + 6, 2);
  decimal(writer, 'nw_ttl', word + 8, 8);
}

function writeMpls(writer: Writer): void {
  const first = key.W_MPLS * 32;
  decimal(writer, 'mpls_label', first, 20);
  decimal(writer, 'mpls_tc', first + 20, 3);
  decimal(writer, 'mpls_ttl', first + 24, 8);
  decimal(writer, 'mpls_bos', first + 23, 1);
  for (let index = 1; index < MPLS_LABELS; index++) {
    labelStackEntry(writer, index);
  }
}

/** An inner label stack entry: a plain number, or with a mask eight hexadecimal digits of each. */
function labelStackEntry(writer: Writer, index: number): void {
  const value = writer.values[key.W_MPLS + index]! >>> 0;
  const mask = writer.masks[key.W_MPLS + index]! >>> 0;
  if (mask !== 0) {
    const isExact = mask === 0xffffffff;
    writer.parts.push(`mpls_lse${index}=${isExact ? value : `${eightDigits(value)}/${eightDigits(mask)}`}`);
  }
}

function eightDigits(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

function writeTransport(writer: Writer): void {
  const { ethType, protocol } = writer;
  const ports = key.W_TP * 32;
  const isIcmpv6 = ethType === ETHERTYPE_IPV6 && protocol === IP_PROTOCOL_ICMPV6;
  writeFragment(writer);
  if (isIcmpv6 || (ethType === ETHERTYPE_IPV4 && protocol === IP_PROTOCOL_ICMP)) {
    decimal(writer, 'icmp_type', ports, 16, 0xff);
    decimal(writer, 'icmp_code', ports + 16, 16, 0xff);
  } else {
    decimal(writer, 'tp_src', ports, 16);
    decimal(writer, 'tp_dst', ports + 16, 16);
  }
  if (isIcmpv6) {
    ipv6(writer, 'nd_target', key.W_ND_TARGET);
    ethernet(writer, 'nd_sll', key.W_ARP_SHA * 32);
    ethernet(writer, 'nd_tll', key.W_ARP_SHA_THA * 32 + 16);
    decimal(writer, 'nd_reserved', key.W_IGMP_GROUP * 32, 32);
    decimal(writer, 'nd_options_type', key.W_TOS_TTL_FLAGS * 32 + 16, 16, 0xff);
  } else {
    flags(writer, 'tcp_flags', key.W_TOS_TTL_FLAGS * 32 + 20, 12, TCP_FLAGS, 0xfff);
  }
}

/** nw_frag: the two bits have names together; `<error>` is what Open vSwitch has for the one pair without. */
function writeFragment(writer: Writer): void {
  const mask = writer.masks[key.W_TYPE_PROTO_FRAG]! & 3;
  const value = writer.values[key.W_TYPE_PROTO_FRAG]! & 3;
  if (mask === 0) {
    return;
  }
  const isAny = (value & key.NW_FRAG_ANY) !== 0;
  const isLater = (value & key.NW_FRAG_LATER) !== 0;
  const both = isAny ? (isLater ? 'later' : 'first') : isLater ? '<error>' : 'no';
  const one = mask === key.NW_FRAG_ANY ? (isAny ? 'yes' : 'no') : isLater ? 'later' : 'not_later';
  writer.parts.push(`nw_frag=${mask === 3 ? both : one}`);
}

/** Decimal when all of `exact` is decided, otherwise hexadecimal value and mask. */
function decimal(
  writer: Writer,
  name: string,
  bitOffset: number,
  width: number,
  exact: number = width === 32 ? 0xffffffff : (1 << width) - 1,
): void {
  const mask = readBits(writer.masks, bitOffset, width);
  if (mask !== 0) {
    const value = readBits(writer.values, bitOffset, width);
    const isExact = (mask & exact) === (exact | 0) || mask === exact;
    writer.parts.push(isExact ? `${name}=${value}` : `${name}=0x${value.toString(16)}/0x${mask.toString(16)}`);
  }
}

function hexadecimal(writer: Writer, name: string, bitOffset: number, width: number): void {
  const mask = readBigBits(writer.masks, bitOffset, width);
  if (mask !== 0n) {
    const value = formatHex(readBigBits(writer.values, bitOffset, width));
    const isExact = mask === (1n << BigInt(width)) - 1n;
    writer.parts.push(isExact ? `${name}=${value}` : `${name}=${value}/${formatHex(mask)}`);
  }
}

/** Hexadecimal of at least `digits` digits. */
function paddedHex(writer: Writer, name: string, bitOffset: number, width: number, digits: number): void {
  const mask = readBits(writer.masks, bitOffset, width);
  if (mask !== 0) {
    const value = readBits(writer.values, bitOffset, width).toString(16).padStart(digits, '0');
    const isExact = mask === 2 ** width - 1;
    writer.parts.push(`${name}=0x${value}${isExact ? '' : `/0x${mask.toString(16).padStart(digits, '0')}`}`);
  }
}

/** Eight bits: decimal, or two hexadecimal digits each for value and mask. */
function byte(writer: Writer, name: string, bitOffset: number): void {
  const isExact = readBits(writer.masks, bitOffset, 8) === 0xff;
  if (isExact) {
    decimal(writer, name, bitOffset, 8);
  } else {
    paddedHex(writer, name, bitOffset, 8, 2);
  }
}

function flags(
  writer: Writer,
  name: string,
  bitOffset: number,
  width: number,
  names: readonly FlagName[],
  all: number,
): void {
  const mask = readBits(writer.masks, bitOffset, width) & all;
  if (mask !== 0) {
    const value = readBits(writer.values, bitOffset, width) & all;
    writer.parts.push(`${name}=${formatFlags(names, value, mask, mask === all)}`);
  }
}

function port(writer: Writer, name: string, word: number): void {
  if (writer.masks[word] !== 0) {
    writer.parts.push(`${name}=${formatPort(writer.values[word]! >>> 0, writer.options.ports)}`);
  }
}

function ipv4(writer: Writer, name: string, word: number): void {
  if (writer.masks[word] !== 0) {
    writer.parts.push(`${name}=${formatIpv4Masked(writer.values[word]! >>> 0, writer.masks[word]! >>> 0)}`);
  }
}

function ipv6(writer: Writer, name: string, word: number): void {
  const mask = ipv6FromWords(writer.masks, word);
  if (mask !== 0n) {
    writer.parts.push(`${name}=${formatIpv6Masked(ipv6FromWords(writer.values, word), mask)}`);
  }
}

function ethernet(writer: Writer, name: string, bitOffset: number): void {
  const mask = readBigBits(writer.masks, bitOffset, 48);
  if (mask !== 0n) {
    writer.parts.push(`${name}=${formatEthernetMasked(readBigBits(writer.values, bitOffset, 48), mask)}`);
  }
}
