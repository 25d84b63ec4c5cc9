/**
 * Commit: writes the datapath actions that turn the packet as the datapath has it (`base`) into the packet as the
 * pipeline wants it (`flow`). OpenFlow actions only change `flow`; nothing is written until the packet goes somewhere,
 * so that fields set twice, or set to what they are, cost the datapath nothing.
 *
 * A set action covers the bits of an attribute that the translation looked at or changed (those in `wildcards`). A
 * changed bit is always un-wildcarded: whether it needs setting depends on what the packet had.
 */
import {
  type ActionWriter,
  OVS_KEY_ATTR_ARP,
  OVS_KEY_ATTR_ETHERNET,
  OVS_KEY_ATTR_ICMP,
  OVS_KEY_ATTR_ICMPV6,
  OVS_KEY_ATTR_IPV4,
  OVS_KEY_ATTR_IPV6,
  OVS_KEY_ATTR_MPLS,
  OVS_KEY_ATTR_ND,
  OVS_KEY_ATTR_PRIORITY,
  OVS_KEY_ATTR_SCTP,
  OVS_KEY_ATTR_SKB_MARK,
  OVS_KEY_ATTR_TCP,
  OVS_KEY_ATTR_TUNNEL,
  OVS_KEY_ATTR_UDP,
  SET_ATTRIBUTE_WORDS,
} from '../dpif/index.ts';
import {
  createFlow,
  type FlowWords,
  fieldByName,
  NW_FRAG_LATER,
  VLAN_CFI,
  W_MPLS,
  W_TP,
  W_TUN_DST,
  W_TUN_IPV6_DST,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
} from '../flow/index.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_RARP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from '../wire/index.ts';
import { countMplsLabels, ethertypeOf, lookAtBits, networkProtocolOf } from './flow-edit.ts';

const ICMPV6_NEIGHBOR_SOLICIT = 135;
const ICMPV6_NEIGHBOR_ADVERT = 136;
/** Fields that share an attribute, and sometimes a word, but are set apart from each other. */
const SEPARATE_FIELDS = [
  'eth_dst',
  'eth_src',
  'nw_src',
  'nw_dst',
  'nw_tos',
  'nw_ttl',
  'ipv6_src',
  'ipv6_dst',
  'ipv6_label',
  'tcp_src',
  'tcp_dst',
  'arp_op',
  'arp_sha',
  'arp_tha',
  'nd_target',
].map((name) => fieldByName(name)!);
/** VLANs that the key holds. */
const MAX_VLANS = 2;

/** Writes what makes `base` into `flow` and records it in `base`. Bits that it has to set are added to `wildcards`. */
export function commitActions(flow: FlowWords, base: FlowWords, wildcards: FlowWords, writer: ActionWriter): void {
  if (flow[W_TUN_DST] !== 0 || flow[W_TUN_IPV6_DST] !== 0) {
    // Without a destination there is no tunnel, only fields that nobody will see.
    commitAttribute(OVS_KEY_ATTR_TUNNEL, flow, base, wildcards, writer);
  }
  commitAttribute(OVS_KEY_ATTR_ETHERNET, flow, base, wildcards, writer);
  if (countMplsLabels(base) === 0 && countMplsLabels(flow) === 0) {
    commitNetwork(flow, base, wildcards, writer);
  }
  commitMpls(flow, base, wildcards, writer);
  commitVlans(flow, base, wildcards, writer);
  commitAttribute(OVS_KEY_ATTR_PRIORITY, flow, base, wildcards, writer);
  commitAttribute(OVS_KEY_ATTR_SKB_MARK, flow, base, wildcards, writer);
}

function commitNetwork(flow: FlowWords, base: FlowWords, wildcards: FlowWords, writer: ActionWriter): void {
  const ethertype = ethertypeOf(base);
  if (networkProtocolOf(base) === 0 && ethertype !== ETHERTYPE_ARP && ethertype !== ETHERTYPE_RARP) {
    // The header is cut off or malformed, so there is nothing to set. Whoever set it has looked at the protocol.
    return;
  }
  if (ethertype === ETHERTYPE_IPV4) {
    commitAttribute(OVS_KEY_ATTR_IPV4, flow, base, wildcards, writer);
  } else if (ethertype === ETHERTYPE_IPV6) {
    commitAttribute(OVS_KEY_ATTR_IPV6, flow, base, wildcards, writer);
  } else {
    if (ethertype === ETHERTYPE_ARP || ethertype === ETHERTYPE_RARP) {
      commitAttribute(OVS_KEY_ATTR_ARP, flow, base, wildcards, writer);
    }
    return;
  }
  if ((base[W_TYPE_PROTO_FRAG]! & NW_FRAG_LATER) === 0) {
    commitTransport(ethertype, flow, base, wildcards, writer);
  }
}

function commitTransport(
  ethertype: number,
  flow: FlowWords,
  base: FlowWords,
  wildcards: FlowWords,
  writer: ActionWriter,
): void {
  switch (networkProtocolOf(base)) {
    case IP_PROTOCOL_TCP:
      commitAttribute(OVS_KEY_ATTR_TCP, flow, base, wildcards, writer);
      break;
    case IP_PROTOCOL_UDP:
      commitAttribute(OVS_KEY_ATTR_UDP, flow, base, wildcards, writer);
      break;
    case IP_PROTOCOL_SCTP:
      commitAttribute(OVS_KEY_ATTR_SCTP, flow, base, wildcards, writer);
      break;
    case IP_PROTOCOL_ICMP:
      if (ethertype === ETHERTYPE_IPV4) {
        commitAttribute(OVS_KEY_ATTR_ICMP, flow, base, wildcards, writer);
      }
      break;
    case IP_PROTOCOL_ICMPV6:
      if (ethertype === ETHERTYPE_IPV6) {
        commitAttribute(OVS_KEY_ATTR_ICMPV6, flow, base, wildcards, writer);
        if (isNeighborDiscovery(base)) {
          commitAttribute(OVS_KEY_ATTR_ND, flow, base, wildcards, writer);
        }
      }
      break;
  }
}

function isNeighborDiscovery(flow: FlowWords): boolean {
  const type = flow[W_TP]! >>> 16;
  return type === ICMPV6_NEIGHBOR_SOLICIT || type === ICMPV6_NEIGHBOR_ADVERT;
}

/** A field of a key attribute: the bits of the words that it covers. */
type AttributeField = readonly { readonly word: number; readonly mask: number }[];

/**
 * The fields of each attribute: one that does not change is left out of the set action even where the translation
 * looked at it.
 */
const ATTRIBUTE_FIELDS: ReadonlyMap<number, readonly AttributeField[]> = new Map(
  [...SET_ATTRIBUTE_WORDS.keys()].map((attribute) => [attribute, fieldsOf(attribute)]),
);

function fieldsOf(attribute: number): AttributeField[] {
  const fields: AttributeField[] = [];
  let rest = SET_ATTRIBUTE_WORDS.get(attribute)!.map(({ word, writable }) => ({ word, mask: writable }));
  for (const { bitOffset, width } of SEPARATE_FIELDS) {
    const bits = createFlow();
    lookAtBits(bits, bitOffset, width);
    const field = rest.map(({ word, mask }) => ({ word, mask: mask & bits[word]! })).filter(({ mask }) => mask !== 0);
    if (field.length > 0) {
      fields.push(field);
      rest = rest.map(({ word, mask }) => ({ word, mask: mask & ~bits[word]! }));
    }
  }
  const others = rest.filter(({ mask }) => mask !== 0);
  return others.length > 0 ? [...fields, others] : fields;
}

/** Whether `flow` and `base` differ in a field. */
function differs(field: AttributeField, flow: FlowWords, base: FlowWords): boolean {
  for (const { word, mask } of field) {
    if (((flow[word]! ^ base[word]!) & mask) !== 0) {
      return true;
    }
  }
  return false;
}

const setMask: FlowWords = createFlow();

/** Sets the fields of one key attribute in which `flow` differs from `base`, if any. */
function commitAttribute(
  attribute: number,
  flow: FlowWords,
  base: FlowWords,
  wildcards: FlowWords,
  writer: ActionWriter,
): void {
  for (const { word, writable } of SET_ATTRIBUTE_WORDS.get(attribute)!) {
    if (((flow[word]! ^ base[word]!) & writable) !== 0) {
      setChangedFields(attribute, flow, base, wildcards, writer);
      return;
    }
  }
}

function setChangedFields(
  attribute: number,
  flow: FlowWords,
  base: FlowWords,
  wildcards: FlowWords,
  writer: ActionWriter,
): void {
  for (const field of ATTRIBUTE_FIELDS.get(attribute)!) {
    const isChanged = differs(field, flow, base);
    for (const { word, mask } of field) {
      wildcards[word]! |= (flow[word]! ^ base[word]!) & mask;
      setMask[word] = (setMask[word]! & ~mask) | (isChanged ? wildcards[word]! & mask : 0);
    }
  }
  writeSet(attribute, flow, base, writer);
}

function writeSet(attribute: number, flow: FlowWords, base: FlowWords, writer: ActionWriter): void {
  const words = SET_ATTRIBUTE_WORDS.get(attribute)!;
  // A whole set names the read-only bits too, which no OpenFlow action can have looked at for their own sake here.
  const isWhole = words.every(({ word, writable, readOnly }) => readOnly === 0 && setMask[word] === writable);
  if (isWhole) {
    writer.beginSet(attribute);
  } else {
    writer.beginSetMasked(attribute);
  }
  for (const { word, writable } of words) {
    const mask = setMask[word]! & writable;
    if (mask !== 0) {
      writer.setWord(word, flow[word]! & mask, mask);
    }
    base[word] = (base[word]! & ~writable) | (flow[word]! & writable);
  }
  writer.end();
}

function commitMpls(flow: FlowWords, base: FlowWords, wildcards: FlowWords, writer: ActionWriter): void {
  let have = countMplsLabels(base);
  const want = countMplsLabels(flow);
  if (have === 0 && want === 0) {
    return;
  }
  let common = 0;
  while (common < have && common < want && base[W_MPLS + have - 1 - common] === flow[W_MPLS + want - 1 - common]) {
    common++;
  }
  if (have > common && want > common && have === want && have === common + 1) {
    // A set names the whole label stack entry.
    wildcards[W_MPLS] = -1;
    commitAttribute(OVS_KEY_ATTR_MPLS, flow, base, wildcards, writer);
    return;
  }
  while (have > common) {
    have--;
    writer.popMpls(have > 0 ? ethertypeOf(base) : ethertypeOf(flow));
    base.copyWithin(W_MPLS, W_MPLS + 1, W_MPLS + 3);
    base[W_MPLS + 2] = 0;
  }
  while (have < want) {
    have++;
    writer.pushMpls(flow[W_MPLS + want - have]!, ethertypeOf(flow));
    base.copyWithin(W_MPLS + 1, W_MPLS, W_MPLS + 2);
    base[W_MPLS] = flow[W_MPLS + want - have]!;
  }
  base[W_TYPE_PROTO_FRAG] = (base[W_TYPE_PROTO_FRAG]! & 0xffff) | (flow[W_TYPE_PROTO_FRAG]! & 0xffff0000);
}

function commitVlans(flow: FlowWords, base: FlowWords, wildcards: FlowWords, writer: ActionWriter): void {
  if (flow[W_VLAN0] === base[W_VLAN0] && flow[W_VLAN0 + 1] === base[W_VLAN0 + 1]) {
    return;
  }
  let have = countVlans(base);
  const want = countVlans(flow);
  let common = 0;
  while (common < have && common < want && base[W_VLAN0 + have - 1 - common] === flow[W_VLAN0 + want - 1 - common]) {
    common++;
  }
  if (have > common) {
    // Which tags stay depends on what they are.
    wildcards[W_VLAN0] = -1;
    wildcards[W_VLAN0 + 1]! |= have > 1 ? -1 : 0;
  }
  for (; have > common; have--) {
    writer.popVlan();
  }
  for (; have < want; have++) {
    const tag = flow[W_VLAN0 + want - 1 - have]!;
    writer.pushVlan(tag >>> 16, tag & 0xffff);
  }
  base[W_VLAN0] = flow[W_VLAN0]!;
  base[W_VLAN0 + 1] = flow[W_VLAN0 + 1]!;
}

function countVlans(flow: FlowWords): number {
  let count = 0;
  while (count < MAX_VLANS && (flow[W_VLAN0 + count]! & VLAN_CFI) !== 0) {
    count++;
  }
  return count;
}
