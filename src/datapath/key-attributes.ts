/**
 * The key attributes of the datapath: their numbers (OVS_KEY_ATTR_*, linux/openvswitch.h) and which bits of the flow key
 * each of them holds. Set actions name an attribute and the words of the key that they write; the netlink codec, the
 * text form and the translator all agree on this table.
 */
import {
  W_ARP_SHA,
  W_ARP_SHA_THA,
  W_ARP_THA,
  W_ETH_DST,
  W_ETH_DST_SRC,
  W_ETH_SRC,
  W_IGMP_GROUP,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MPLS,
  W_ND_TARGET,
  W_NSH_BASE,
  W_NSH_CONTEXT,
  W_NSH_PATH,
  W_NW_DST,
  W_NW_SRC,
  W_PKT_MARK,
  W_SKB_PRIORITY,
  W_TOS_TTL_FLAGS,
  W_TP,
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
  W_TYPE_PROTO_FRAG,
} from '../flow/index.ts';

export const OVS_KEY_ATTR_ENCAP = 1;
export const OVS_KEY_ATTR_PRIORITY = 2;
export const OVS_KEY_ATTR_IN_PORT = 3;
export const OVS_KEY_ATTR_ETHERNET = 4;
export const OVS_KEY_ATTR_VLAN = 5;
export const OVS_KEY_ATTR_ETHERTYPE = 6;
export const OVS_KEY_ATTR_IPV4 = 7;
export const OVS_KEY_ATTR_IPV6 = 8;
export const OVS_KEY_ATTR_TCP = 9;
export const OVS_KEY_ATTR_UDP = 10;
export const OVS_KEY_ATTR_ICMP = 11;
export const OVS_KEY_ATTR_ICMPV6 = 12;
export const OVS_KEY_ATTR_ARP = 13;
export const OVS_KEY_ATTR_ND = 14;
export const OVS_KEY_ATTR_SKB_MARK = 15;
export const OVS_KEY_ATTR_TUNNEL = 16;
export const OVS_KEY_ATTR_SCTP = 17;
export const OVS_KEY_ATTR_TCP_FLAGS = 18;
export const OVS_KEY_ATTR_DP_HASH = 19;
export const OVS_KEY_ATTR_RECIRC_ID = 20;
export const OVS_KEY_ATTR_MPLS = 21;
export const OVS_KEY_ATTR_CT_STATE = 22;
export const OVS_KEY_ATTR_CT_ZONE = 23;
export const OVS_KEY_ATTR_CT_MARK = 24;
export const OVS_KEY_ATTR_CT_LABELS = 25;
export const OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4 = 26;
export const OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6 = 27;
export const OVS_KEY_ATTR_NSH = 28;
/** Open vSwitch's own, not sent to a kernel. */
export const OVS_KEY_ATTR_PACKET_TYPE = 29;
/** Open vSwitch's own, not sent to a kernel. */
export const OVS_KEY_ATTR_ND_EXTENSIONS = 30;

/** The bits of one word of the flow key that an attribute holds. */
export interface AttributeWord {
  /** W_* index */
  readonly word: number;
  /** bits that a set action of this attribute may write */
  readonly writable: number;
  /** bits that a set action repeats from the flow but cannot change (protocol, fragment type) */
  readonly readOnly: number;
}

function bits(word: number, writable: number = -1, readOnly: number = 0): AttributeWord {
  return { word, writable, readOnly };
}

function wholeWords(first: number, count: number): AttributeWord[] {
  return Array.from({ length: count }, (_, index) => bits(first + index));
}

const TRANSPORT_PORTS: readonly AttributeWord[] = [bits(W_TP)];
/** Type and code are bytes in the two 16-bit port fields. */
const ICMP_TYPE_CODE: readonly AttributeWord[] = [bits(W_TP, 0x00ff00ff)];

/**
 * The attributes that `set` and `set_masked` can write, each with its words in ascending order. A `set` action lists
 * every word with `writable | readOnly` as mask; a `set_masked` action lists words with the bits to change.
 */
export const SET_ATTRIBUTE_WORDS: ReadonlyMap<number, readonly AttributeWord[]> = new Map([
  [OVS_KEY_ATTR_PRIORITY, [bits(W_SKB_PRIORITY)]],
  [OVS_KEY_ATTR_SKB_MARK, [bits(W_PKT_MARK)]],
  [OVS_KEY_ATTR_ETHERNET, [bits(W_ETH_DST), bits(W_ETH_DST_SRC), bits(W_ETH_SRC)]],
  [
    OVS_KEY_ATTR_IPV4,
    [bits(W_TYPE_PROTO_FRAG, 0, 0xffff), bits(W_TOS_TTL_FLAGS, 0xffff0000 | 0), bits(W_NW_SRC), bits(W_NW_DST)],
  ],
  [
    OVS_KEY_ATTR_IPV6,
    [
      bits(W_TYPE_PROTO_FRAG, 0, 0xffff),
      bits(W_TOS_TTL_FLAGS, 0xffff0000 | 0),
      ...wholeWords(W_IPV6_SRC, 4),
      ...wholeWords(W_IPV6_DST, 4),
      bits(W_IPV6_LABEL, 0xfffff),
    ],
  ],
  [OVS_KEY_ATTR_TCP, TRANSPORT_PORTS],
  [OVS_KEY_ATTR_UDP, TRANSPORT_PORTS],
  [OVS_KEY_ATTR_SCTP, TRANSPORT_PORTS],
  [OVS_KEY_ATTR_ICMP, ICMP_TYPE_CODE],
  [OVS_KEY_ATTR_ICMPV6, ICMP_TYPE_CODE],
  [
    OVS_KEY_ATTR_ARP,
    [
      bits(W_TYPE_PROTO_FRAG, 0xff00),
      bits(W_NW_SRC),
      bits(W_NW_DST),
      bits(W_ARP_SHA),
      bits(W_ARP_SHA_THA),
      bits(W_ARP_THA),
    ],
  ],
  [OVS_KEY_ATTR_ND, [...wholeWords(W_ND_TARGET, 4), bits(W_ARP_SHA), bits(W_ARP_SHA_THA), bits(W_ARP_THA)]],
  [OVS_KEY_ATTR_ND_EXTENSIONS, [bits(W_TOS_TTL_FLAGS, 0xff), bits(W_IGMP_GROUP)]],
  [OVS_KEY_ATTR_MPLS, [bits(W_MPLS)]],
  [OVS_KEY_ATTR_NSH, [bits(W_NSH_BASE, 0xffff0000 | 0, 0xffff), bits(W_NSH_PATH), ...wholeWords(W_NSH_CONTEXT, 4)]],
  [
    OVS_KEY_ATTR_TUNNEL,
    [
      ...wholeWords(W_TUN_ID, 2),
      bits(W_TUN_SRC),
      bits(W_TUN_DST),
      ...wholeWords(W_TUN_IPV6_SRC, 4),
      ...wholeWords(W_TUN_IPV6_DST, 4),
      bits(W_TUN_FLAGS_TOS_TTL),
      bits(W_TUN_TP),
      bits(W_TUN_GBP, 0xffffff00 | 0),
      bits(W_TUN_ERSPAN, 0xffffff00 | 0),
      bits(W_TUN_ERSPAN_IDX, 0xfffff),
      bits(W_TUN_GTPU, 0xffff0000 | 0),
    ],
  ],
]);
