/**
 * Hashes of a flow by what its packets have in common: for `hash(...)` in the datapath, select groups, `multipath`,
 * `bundle`, bonds, and the mask cache.
 *
 * Which fields go into each is Open vSwitch's (ovs-actions(7), "multipath"); the values are our own, the same on every
 * machine for the same basis. "Symmetric" means that both directions of a connection hash alike: pairs of addresses and
 * ports are combined by exclusive or first. A choice by hash depends on the fields hashed, so that a translation that
 * makes one un-wildcards them with `unwildcardHashFields`.
 *
 * VLANs count without their priority. The ports of a UDP flow count only where the name says so, because the two
 * directions of what runs over UDP often do not use the same pair.
 */
import * as wire from '../wire/index.ts';
import { finishHash, hashWord } from './hash.ts';
import * as flowKey from './key.ts';

// Constants of this module, not imported bindings: see extract.ts.
const {
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} = wire;
const {
  W_ETH_DST,
  W_ETH_DST_SRC,
  W_ETH_SRC,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_SRC,
  W_NW_DST,
  W_NW_SRC,
  W_RECIRC_ID,
  W_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  W_VLAN1,
} = flowKey;

/** Sets of fields, as `multipath` and `bundle` name them (ovs-actions(7)). */
export type FlowHashFields =
  | 'eth_src'
  | 'symmetric_l4'
  | 'symmetric_l3l4'
  | 'symmetric_l3l4+udp'
  | 'symmetric_l3'
  | 'nw_src'
  | 'nw_dst';

const VLAN_VID_MASK = 0xfff;
const ETH_TYPE_MASK = 0xffff0000 | 0;
const ETH_TYPE_PROTO_MASK = 0xffffff00 | 0;

/** Addresses, protocol and, where it has them, ports or type and code of an IP flow; only the basis otherwise. */
export function hash5Tuple(flow: flowKey.FlowWords, basis: number): number {
  const typeProto = flow[W_TYPE_PROTO_FRAG]!;
  const protocol = (typeProto >>> 8) & 0xff;
  let hash = basis;
  if (typeProto >>> 16 === ETHERTYPE_IPV4) {
    hash = hashWord(hashWord(hash, flow[W_NW_SRC]!), flow[W_NW_DST]!);
  } else if (typeProto >>> 16 === ETHERTYPE_IPV6) {
    for (let word = W_IPV6_SRC; word < W_IPV6_DST + 4; word++) {
      hash = hashWord(hash, flow[word]!);
    }
  } else {
    return finishHash(hash);
  }
  hash = hashWord(hash, protocol);
  if (hasPorts(protocol) || protocol === IP_PROTOCOL_ICMP || protocol === IP_PROTOCOL_ICMPV6) {
    hash = hashWord(hash, flow[W_TP]!);
  }
  return finishHash(hash);
}

/** Ethernet addresses, VLANs, Ethertype; for IP addresses and protocol; for TCP and SCTP the ports. Symmetric. */
export function hashSymmetricL4(flow: flowKey.FlowWords, basis: number): number {
  const typeProto = flow[W_TYPE_PROTO_FRAG]!;
  const protocol = (typeProto >>> 8) & 0xff;
  // eth_src ^ eth_dst; the middle word has a part of each.
  const middle = flow[W_ETH_DST_SRC]!;
  const high = (flow[W_ETH_DST]! >>> 16) ^ (middle & 0xffff);
  const low = ((flow[W_ETH_DST]! << 16) | (middle >>> 16)) ^ flow[W_ETH_SRC]!;
  let hash = hashWord(hashWord(basis, high), low);
  hash = hashWord(hash, (typeProto & ETH_TYPE_MASK) | ((flow[W_VLAN0]! ^ flow[W_VLAN1]!) & VLAN_VID_MASK));
  if (isIp(typeProto)) {
    hash = hashWord(hashAddressPair(flow, hash), protocol);
    if (protocol === IP_PROTOCOL_TCP || protocol === IP_PROTOCOL_SCTP) {
      hash = hashWord(hash, portPair(flow[W_TP]!));
    }
  }
  return finishHash(hash);
}

/** IP addresses and protocol, the ports of TCP and SCTP and, if `withUdp`, of UDP. Symmetric; 0 for other flows. */
export function hashSymmetricL3L4(flow: flowKey.FlowWords, basis: number, withUdp: boolean): number {
  const typeProto = flow[W_TYPE_PROTO_FRAG]!;
  if (!isIp(typeProto)) {
    return 0;
  }
  const protocol = (typeProto >>> 8) & 0xff;
  let hash = hashWord(hashAddressPair(flow, basis), protocol);
  if (hasPorts(protocol) && (withUdp || protocol !== IP_PROTOCOL_UDP)) {
    hash = hashWord(hash, portPair(flow[W_TP]!));
  }
  return finishHash(hash);
}

/** IP addresses. Symmetric; 0 for other flows. */
export function hashSymmetricL3(flow: flowKey.FlowWords, basis: number): number {
  return isIp(flow[W_TYPE_PROTO_FRAG]!) ? finishHash(hashAddressPair(flow, basis)) : 0;
}

/** Source address and VLAN, as a bond in mode balance-slb spreads flows. */
export function hashEthSrc(flow: flowKey.FlowWords, vlan: number, basis: number): number {
  const hash = hashWord(hashWord(basis, flow[W_ETH_DST_SRC]! & 0xffff), flow[W_ETH_SRC]!);
  return finishHash(hashWord(hash, vlan));
}

/** The hash that `multipath` and `bundle` take over the named fields. */
export function hashFlowFields(flow: flowKey.FlowWords, fields: FlowHashFields, basis: number): number {
  switch (fields) {
    case 'eth_src':
      return hashEthSrc(flow, 0, basis);
    case 'symmetric_l4':
      return hashSymmetricL4(flow, basis);
    case 'symmetric_l3l4':
      return hashSymmetricL3L4(flow, basis, false);
    case 'symmetric_l3l4+udp':
      return hashSymmetricL3L4(flow, basis, true);
    case 'symmetric_l3':
      return hashSymmetricL3(flow, basis);
    case 'nw_src':
      return hashAddress(flow, W_NW_SRC, W_IPV6_SRC, basis);
    case 'nw_dst':
      return hashAddress(flow, W_NW_DST, W_IPV6_DST, basis);
  }
}

/** Sets in `wildcards` the bits of `flow` that `hashFlowFields` looks at. */
export function unwildcardHashFields(
  flow: flowKey.FlowWords,
  fields: FlowHashFields,
  wildcards: flowKey.FlowWords,
): void {
  const typeProto = flow[W_TYPE_PROTO_FRAG]!;
  const protocol = (typeProto >>> 8) & 0xff;
  switch (fields) {
    case 'eth_src':
      unwildcard(wildcards, W_ETH_DST_SRC, 0xffff);
      unwildcard(wildcards, W_ETH_SRC, -1);
      return;
    case 'symmetric_l4':
      unwildcard(wildcards, W_ETH_DST, -1);
      unwildcard(wildcards, W_ETH_DST_SRC, -1);
      unwildcard(wildcards, W_ETH_SRC, -1);
      unwildcard(wildcards, W_VLAN0, VLAN_VID_MASK | flowKey.VLAN_CFI);
      unwildcard(wildcards, W_VLAN1, VLAN_VID_MASK | flowKey.VLAN_CFI);
      unwildcardAddresses(typeProto, true, true, wildcards);
      unwildcardPorts(typeProto, protocol === IP_PROTOCOL_TCP || protocol === IP_PROTOCOL_SCTP, wildcards);
      return;
    case 'symmetric_l3l4':
      unwildcardAddresses(typeProto, true, true, wildcards);
      unwildcardPorts(typeProto, protocol === IP_PROTOCOL_TCP || protocol === IP_PROTOCOL_SCTP, wildcards);
      return;
    case 'symmetric_l3l4+udp':
      unwildcardAddresses(typeProto, true, true, wildcards);
      unwildcardPorts(typeProto, hasPorts(protocol), wildcards);
      return;
    case 'symmetric_l3':
      unwildcardAddresses(typeProto, true, true, wildcards);
      return;
    case 'nw_src':
      unwildcardAddresses(typeProto, true, false, wildcards);
      return;
    case 'nw_dst':
      unwildcardAddresses(typeProto, false, true, wildcards);
      return;
  }
}

/** Sets in `wildcards` the bits of `flow` that `hash5Tuple` looks at. */
export function unwildcard5Tuple(flow: flowKey.FlowWords, wildcards: flowKey.FlowWords): void {
  const typeProto = flow[W_TYPE_PROTO_FRAG]!;
  const protocol = (typeProto >>> 8) & 0xff;
  const isIcmp = protocol === IP_PROTOCOL_ICMP || protocol === IP_PROTOCOL_ICMPV6;
  unwildcardAddresses(typeProto, true, true, wildcards);
  unwildcardPorts(typeProto, isIcmp || hasPorts(protocol), wildcards);
}

/**
 * What a network card's receive hash is to a kernel datapath: fast, of every packet, equal for the packets of one flow.
 * It picks entries of a mask cache, so it covers where a packet came from and is not symmetric.
 */
export function hashPacketFlow(flow: flowKey.FlowWords, basis: number): number {
  const typeProto = flow[W_TYPE_PROTO_FRAG]!;
  let hash = hashWord(basis ^ flow[W_RECIRC_ID]!, flow[W_IN_PORT]!);
  if (typeProto >>> 16 === ETHERTYPE_IPV6) {
    for (let word = W_IPV6_SRC; word < W_IPV6_DST + 4; word++) {
      hash = hashWord(hash, flow[word]!);
    }
  } else if (typeProto >>> 16 !== ETHERTYPE_IPV4) {
    hash = hashWord(hashWord(hashWord(hash, flow[W_ETH_DST]!), flow[W_ETH_DST_SRC]!), flow[W_ETH_SRC]!);
  }
  hash = hashWord(hashWord(hash, typeProto), flow[W_NW_SRC]!);
  return finishHash(hashWord(hashWord(hash, flow[W_NW_DST]!), flow[W_TP]!));
}

function isIp(typeProto: number): boolean {
  return typeProto >>> 16 === ETHERTYPE_IPV4 || typeProto >>> 16 === ETHERTYPE_IPV6;
}

function hasPorts(protocol: number): boolean {
  return protocol === IP_PROTOCOL_TCP || protocol === IP_PROTOCOL_UDP || protocol === IP_PROTOCOL_SCTP;
}

function portPair(ports: number): number {
  return (ports >>> 16) ^ (ports & 0xffff);
}

/** For a flow of IPv4 or IPv6. */
function hashAddressPair(flow: flowKey.FlowWords, basis: number): number {
  if (flow[W_TYPE_PROTO_FRAG]! >>> 16 === ETHERTYPE_IPV4) {
    return hashWord(basis, flow[W_NW_SRC]! ^ flow[W_NW_DST]!);
  }
  let hash = basis;
  for (let word = 0; word < 4; word++) {
    hash = hashWord(hash, flow[W_IPV6_SRC + word]! ^ flow[W_IPV6_DST + word]!);
  }
  return hash;
}

function hashAddress(flow: flowKey.FlowWords, ipv4Word: number, ipv6Word: number, basis: number): number {
  const typeProto = flow[W_TYPE_PROTO_FRAG]!;
  if (typeProto >>> 16 === ETHERTYPE_IPV4) {
    return finishHash(hashWord(basis, flow[ipv4Word]!));
  }
  let hash = basis;
  if (typeProto >>> 16 === ETHERTYPE_IPV6) {
    for (let word = ipv6Word; word < ipv6Word + 4; word++) {
      hash = hashWord(hash, flow[word]!);
    }
  }
  return finishHash(hash);
}

function unwildcard(wildcards: flowKey.FlowWords, word: number, bits: number): void {
  wildcards[word] = wildcards[word]! | bits;
}

/** eth_type, which says whether there are addresses, and the addresses. */
function unwildcardAddresses(
  typeProto: number,
  source: boolean,
  destination: boolean,
  wildcards: flowKey.FlowWords,
): void {
  unwildcard(wildcards, W_TYPE_PROTO_FRAG, ETH_TYPE_MASK);
  if (typeProto >>> 16 === ETHERTYPE_IPV4) {
    unwildcard(wildcards, W_NW_SRC, source ? -1 : 0);
    unwildcard(wildcards, W_NW_DST, destination ? -1 : 0);
  } else if (typeProto >>> 16 === ETHERTYPE_IPV6) {
    for (let word = 0; word < 4; word++) {
      unwildcard(wildcards, W_IPV6_SRC + word, source ? -1 : 0);
      unwildcard(wildcards, W_IPV6_DST + word, destination ? -1 : 0);
    }
  }
}

/** nw_proto, which says whether there are ports, and the ports if `isHashed`. */
function unwildcardPorts(typeProto: number, isHashed: boolean, wildcards: flowKey.FlowWords): void {
  if (isIp(typeProto)) {
    unwildcard(wildcards, W_TYPE_PROTO_FRAG, ETH_TYPE_PROTO_MASK);
    unwildcard(wildcards, W_TP, isHashed ? -1 : 0);
  }
}
