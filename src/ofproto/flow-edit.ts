/**
 * What OpenFlow actions do to a flow: tags and labels pushed and popped, fields read, set and un-wildcarded. Each
 * function that looks at the flow adds what it looked at to the wildcards, because the megaflow may cover only packets
 * for which it would have seen the same.
 */
import {
  type FieldPrerequisite,
  type FlowWords,
  type MatchField,
  NW_FRAG_ANY,
  NW_FRAG_LATER,
  readBits,
  type Subfield,
  subfieldBitOffset,
  VLAN_CFI,
  W_MPLS,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  writeBits,
} from '../flow/index.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_NSH,
  ETHERTYPE_RARP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from '../wire/index.ts';

/** Labels that the flow key holds. */
export const MAX_MPLS_LABELS = 3;
const MPLS_BOTTOM_OF_STACK = 0x100;
const MPLS_TC_MASK = 0xe00;
const MPLS_TTL_MASK = 0xff;
const MPLS_LABEL_MASK = 0xfffff000 | 0;
/** RFC 3032: "IPv4 Explicit NULL" and "IPv6 Explicit NULL". */
const MPLS_LABEL_IPV4_NULL = 0;
const MPLS_LABEL_IPV6_NULL = 2;
const DEFAULT_MPLS_TTL = 64;

const ETHERTYPE_MASK = 0xffff0000 | 0;
const PROTOCOL_MASK = 0xff00;
const TOS_DSCP_MASK = 0xfc000000 | 0;
const TTL_MASK = 0x00ff0000;

export function ethertypeOf(flow: FlowWords): number {
  return flow[W_TYPE_PROTO_FRAG]! >>> 16;
}

export function networkProtocolOf(flow: FlowWords): number {
  return (flow[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff;
}

export function isMplsEthertype(ethertype: number): boolean {
  return ethertype === ETHERTYPE_MPLS || ethertype === ETHERTYPE_MPLS_MULTICAST;
}

export function isIp(flow: FlowWords): boolean {
  const ethertype = ethertypeOf(flow);
  return ethertype === ETHERTYPE_IPV4 || ethertype === ETHERTYPE_IPV6;
}

export function isLaterFragment(flow: FlowWords): boolean {
  return (flow[W_TYPE_PROTO_FRAG]! & NW_FRAG_LATER) !== 0;
}

export function isFragment(flow: FlowWords): boolean {
  return (flow[W_TYPE_PROTO_FRAG]! & NW_FRAG_ANY) !== 0;
}

/** Labels in the key: up to the bottom of the stack, or all three. */
export function countMplsLabels(flow: FlowWords): number {
  if (!isMplsEthertype(ethertypeOf(flow))) {
    return 0;
  }
  for (let index = 0; index < MAX_MPLS_LABELS; index++) {
    if ((flow[W_MPLS + index]! & MPLS_BOTTOM_OF_STACK) !== 0) {
      return index + 1;
    }
  }
  return MAX_MPLS_LABELS;
}

/** Pushes an empty tag, of VLAN 0; the inner of two tags is forgotten. */
export function pushVlan(flow: FlowWords, wildcards: FlowWords, ethertype: number): void {
  wildcards[W_VLAN0] = -1;
  if ((flow[W_VLAN0]! & VLAN_CFI) !== 0) {
    wildcards[W_VLAN0 + 1] = -1;
  }
  flow[W_VLAN0 + 1] = flow[W_VLAN0]!;
  flow[W_VLAN0] = (ethertype << 16) | VLAN_CFI;
}

/** Pops the outer tag, if there is one. */
export function popVlan(flow: FlowWords, wildcards: FlowWords): void {
  if (!hasVlan(flow, wildcards)) {
    return;
  }
  wildcards[W_VLAN0 + 1] = -1;
  flow[W_VLAN0] = flow[W_VLAN0 + 1]!;
  flow[W_VLAN0 + 1] = 0;
}

/** Whether there is a tag. */
export function hasVlan(flow: FlowWords, wildcards: FlowWords): boolean {
  wildcards[W_VLAN0]! |= VLAN_CFI;
  return (flow[W_VLAN0]! & VLAN_CFI) !== 0;
}

/**
 * Pushes a label; the first takes TTL and traffic class from the IP header and hides it. Answers false when the stack is
 * full.
 */
export function pushMpls(flow: FlowWords, wildcards: FlowWords, ethertype: number): boolean {
  const labels = countMplsLabels(flow);
  if (labels === MAX_MPLS_LABELS) {
    return false;
  }
  if (labels > 0) {
    wildcards[W_MPLS]! |= ~MPLS_BOTTOM_OF_STACK;
    flow.copyWithin(W_MPLS + 1, W_MPLS, W_MPLS + MAX_MPLS_LABELS - 1);
    flow[W_MPLS]! &= ~MPLS_BOTTOM_OF_STACK;
  } else {
    flow[W_MPLS] = firstLabel(flow, wildcards);
    clearNetworkFields(flow);
  }
  setEthertype(flow, ethertype);
  return true;
}

function firstLabel(flow: FlowWords, wildcards: FlowWords): number {
  const label = ethertypeOf(flow) === ETHERTYPE_IPV6 ? MPLS_LABEL_IPV6_NULL : MPLS_LABEL_IPV4_NULL;
  let trafficClass = 0;
  let ttl = DEFAULT_MPLS_TTL;
  if (isIp(flow)) {
    wildcards[W_TOS_TTL_FLAGS]! |= TOS_DSCP_MASK | TTL_MASK;
    trafficClass = (flow[W_TOS_TTL_FLAGS]! & TOS_DSCP_MASK) >>> 26;
    ttl = (flow[W_TOS_TTL_FLAGS]! & TTL_MASK) >>> 16 || DEFAULT_MPLS_TTL;
  }
  return (label << 12) | ((trafficClass << 9) & MPLS_TC_MASK) | MPLS_BOTTOM_OF_STACK | ttl;
}

/** What became of a label to pop. */
export type MplsPop = 'none' | 'popped' | 'popped-from-deep';

/** Pops a label, if there is one. From a stack deeper than the key shows, what is below the labels shown is not known then. */
export function popMpls(flow: FlowWords, wildcards: FlowWords, ethertype: number): MplsPop {
  const labels = countMplsLabels(flow);
  if (labels === 0 || (labels === 1 && isMplsEthertype(ethertype))) {
    return 'none';
  }
  for (let index = 0; index < labels; index++) {
    wildcards[W_MPLS + index]! |= MPLS_BOTTOM_OF_STACK;
  }
  const isDeep = (flow[W_MPLS + labels - 1]! & MPLS_BOTTOM_OF_STACK) === 0;
  flow.copyWithin(W_MPLS, W_MPLS + 1, W_MPLS + MAX_MPLS_LABELS);
  flow[W_MPLS + MAX_MPLS_LABELS - 1] = 0;
  setEthertype(flow, ethertype);
  return isDeep ? 'popped-from-deep' : 'popped';
}

function setMplsBits(flow: FlowWords, wildcards: FlowWords, mask: number, value: number): void {
  if (!isMplsEthertype(ethertypeOf(flow))) {
    return;
  }
  wildcards[W_MPLS]! |= mask;
  flow[W_MPLS] = (flow[W_MPLS]! & ~mask) | (value & mask);
}

export function setMplsLabel(flow: FlowWords, wildcards: FlowWords, label: number): void {
  setMplsBits(flow, wildcards, MPLS_LABEL_MASK, label << 12);
}

export function setMplsTrafficClass(flow: FlowWords, wildcards: FlowWords, trafficClass: number): void {
  setMplsBits(flow, wildcards, MPLS_TC_MASK, trafficClass << 9);
}

export function setMplsTtl(flow: FlowWords, wildcards: FlowWords, ttl: number): void {
  setMplsBits(flow, wildcards, MPLS_TTL_MASK, ttl);
}

/** Lowers the label's TTL. Answers false when it has expired. */
export function decrementMplsTtl(flow: FlowWords, wildcards: FlowWords): boolean {
  if (!isMplsEthertype(ethertypeOf(flow))) {
    return true;
  }
  wildcards[W_MPLS]! |= MPLS_TTL_MASK;
  const ttl = flow[W_MPLS]! & MPLS_TTL_MASK;
  if (ttl <= 1) {
    return false;
  }
  flow[W_MPLS]! -= 1;
  return true;
}

/** Un-wildcards nw_proto or the ARP opcode, as Open vSwitch does for whatever is set in the header with it. */
export function lookAtProtocol(wildcards: FlowWords): void {
  wildcards[W_TYPE_PROTO_FRAG]! |= PROTOCOL_MASK;
}

/** Lowers the IP TTL or hop limit. Answers false when it has expired; true for what is not IP. */
export function decrementIpTtl(flow: FlowWords, wildcards: FlowWords): boolean {
  if (!isIp(flow)) {
    return true;
  }
  lookAtProtocol(wildcards);
  wildcards[W_TOS_TTL_FLAGS]! |= TTL_MASK;
  const ttl = (flow[W_TOS_TTL_FLAGS]! & TTL_MASK) >>> 16;
  if (ttl <= 1) {
    return false;
  }
  flow[W_TOS_TTL_FLAGS]! -= 0x10000;
  return true;
}

function setEthertype(flow: FlowWords, ethertype: number): void {
  flow[W_TYPE_PROTO_FRAG] = (flow[W_TYPE_PROTO_FRAG]! & ~ETHERTYPE_MASK) | (ethertype << 16);
}

/** Under a label the network and transport headers cannot be seen. */
export function clearNetworkFields(flow: FlowWords): void {
  flow[W_TYPE_PROTO_FRAG]! &= ETHERTYPE_MASK;
  flow[W_TOS_TTL_FLAGS] = 0;
  for (let word = W_NW_SRC; word < W_MPLS; word++) {
    flow[word] = 0;
  }
  flow[W_MPLS + 1] = 0;
  flow[W_MPLS + 2] = 0;
}

/** Un-wildcards a field, or the bits of `mask` in it. */
export function lookAtBits(wildcards: FlowWords, bitOffset: number, width: number): void {
  for (let done = 0; done < width; ) {
    const step = Math.min(32 - ((bitOffset + done) & 31), width - done);
    writeBits(wildcards, bitOffset + done, step, -1);
    done += step;
  }
}

export function lookAtSubfield(wildcards: FlowWords, subfield: Subfield): void {
  lookAtBits(wildcards, subfieldBitOffset(subfield), subfield.bits);
}

/** The low 32 bits of a subfield, and un-wildcards all of it. */
export function readSubfield(flow: FlowWords, wildcards: FlowWords, subfield: Subfield): number {
  lookAtSubfield(wildcards, subfield);
  const bits = Math.min(32, subfield.bits);
  return readBits(flow, subfieldBitOffset(subfield) + subfield.bits - bits, bits);
}

/** Copies `width` bits inside a flow, or between two. */
export function copyBits(from: FlowWords, fromOffset: number, to: FlowWords, toOffset: number, width: number): void {
  for (let done = 0; done < width; ) {
    const step = Math.min(32, width - done);
    writeBits(to, toOffset + done, step, readBits(from, fromOffset + done, step));
    done += step;
  }
}

const ICMPV6_NEIGHBOR_SOLICIT = 135;
const ICMPV6_NEIGHBOR_ADVERT = 136;

/** Whether the flow has the header that a field lies in; un-wildcards what that depends on. */
export function hasPrerequisite(flow: FlowWords, wildcards: FlowWords, prerequisite: FieldPrerequisite): boolean {
  const ethertype = ethertypeOf(flow);
  switch (prerequisite) {
    case 'none':
    case 'CT':
      return true;
    case 'Ethernet':
      wildcards[W_PACKET_TYPE] = -1;
      return flow[W_PACKET_TYPE] === 0;
    case 'VLAN VID':
      return hasVlan(flow, wildcards);
    case 'ARP':
      wildcards[W_TYPE_PROTO_FRAG]! |= ETHERTYPE_MASK;
      return ethertype === ETHERTYPE_ARP || ethertype === ETHERTYPE_RARP;
    case 'IPv4':
      wildcards[W_TYPE_PROTO_FRAG]! |= ETHERTYPE_MASK;
      return ethertype === ETHERTYPE_IPV4;
    case 'IPv6':
      wildcards[W_TYPE_PROTO_FRAG]! |= ETHERTYPE_MASK;
      return ethertype === ETHERTYPE_IPV6;
    case 'IPv4/IPv6':
      wildcards[W_TYPE_PROTO_FRAG]! |= ETHERTYPE_MASK;
      return isIp(flow);
    case 'NSH':
      wildcards[W_TYPE_PROTO_FRAG]! |= ETHERTYPE_MASK;
      return ethertype === ETHERTYPE_NSH;
    case 'MPLS':
      wildcards[W_TYPE_PROTO_FRAG]! |= ETHERTYPE_MASK;
      return isMplsEthertype(ethertype);
    case 'TCP':
      return hasTransport(flow, wildcards, IP_PROTOCOL_TCP);
    case 'UDP':
      return hasTransport(flow, wildcards, IP_PROTOCOL_UDP);
    case 'SCTP':
      return hasTransport(flow, wildcards, IP_PROTOCOL_SCTP);
    case 'ICMPv4':
      return ethertype === ETHERTYPE_IPV4 && hasTransport(flow, wildcards, IP_PROTOCOL_ICMP);
    case 'ICMPv6':
      return ethertype === ETHERTYPE_IPV6 && hasTransport(flow, wildcards, IP_PROTOCOL_ICMPV6);
    case 'ND':
      return hasNeighborDiscovery(flow, wildcards, ICMPV6_NEIGHBOR_SOLICIT, ICMPV6_NEIGHBOR_ADVERT);
    case 'ND solicit':
      return hasNeighborDiscovery(flow, wildcards, ICMPV6_NEIGHBOR_SOLICIT, ICMPV6_NEIGHBOR_SOLICIT);
    case 'ND advert':
      return hasNeighborDiscovery(flow, wildcards, ICMPV6_NEIGHBOR_ADVERT, ICMPV6_NEIGHBOR_ADVERT);
  }
}

function hasTransport(flow: FlowWords, wildcards: FlowWords, protocol: number): boolean {
  wildcards[W_TYPE_PROTO_FRAG]! |= ETHERTYPE_MASK;
  if (!isIp(flow)) {
    return false;
  }
  wildcards[W_TYPE_PROTO_FRAG]! |= PROTOCOL_MASK | NW_FRAG_ANY | NW_FRAG_LATER;
  return networkProtocolOf(flow) === protocol && !isLaterFragment(flow);
}

function hasNeighborDiscovery(flow: FlowWords, wildcards: FlowWords, type: number, otherType: number): boolean {
  if (ethertypeOf(flow) !== ETHERTYPE_IPV6 || !hasTransport(flow, wildcards, IP_PROTOCOL_ICMPV6)) {
    return false;
  }
  wildcards[W_TP]! |= 0xffff0000;
  const actual = flow[W_TP]! >>> 16;
  return actual === type || actual === otherType;
}

/** Whether a field lies in the network header or above, out of sight under a label. */
export function isNetworkField(field: MatchField): boolean {
  const word = field.bitOffset >>> 5;
  if (word === W_TYPE_PROTO_FRAG) {
    return (field.bitOffset & 31) >= 16;
  }
  return word >= W_TOS_TTL_FLAGS && word < W_MPLS;
}
