/**
 * What is inside the key attributes: one row per field, with its place in the flow key, its place in the kernel's
 * structure (linux/openvswitch.h, `struct ovs_key_*`), and its name and format in `ovs-dpctl` text. The netlink codec and the
 * text form are loops over this table; attributes that are no plain structure (tunnel, NSH, MPLS, VLAN) use its rows too, and have
 * code for the rest.
 */
import {
  W_ARP_SHA,
  W_ARP_THA,
  W_CT_IPV6_DST,
  W_CT_IPV6_SRC,
  W_CT_LABEL,
  W_CT_MARK,
  W_CT_NW_DST,
  W_CT_NW_SRC,
  W_CT_STATE_PROTO_ZONE,
  W_CT_TP,
  W_DP_HASH,
  W_ETH_DST,
  W_ETH_DST_SRC,
  W_IGMP_GROUP,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_ND_TARGET,
  W_NSH_BASE,
  W_NSH_CONTEXT,
  W_NSH_PATH,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_PKT_MARK,
  W_RECIRC_ID,
  W_SKB_PRIORITY,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
} from '../flow/index.ts';
import * as attributes from './key-attributes.ts';

/** How a value is written; `frag` and the flags have words of their own. */
export type AttributeFormat =
  | 'decimal'
  | 'hexadecimal'
  | 'ethernet'
  | 'ipv4'
  | 'ipv6'
  | 'frag'
  | 'tcp-flags'
  | 'ct-state';

export interface AttributeField {
  /** name in text; empty where the attribute has only this field */
  readonly name: string;
  /** other names accepted */
  readonly aliases: readonly string[];
  /** position in the flow key, from the most significant bit of word 0 */
  readonly bitOffset: number;
  readonly width: number;
  readonly format: AttributeFormat;
  /** position in the kernel's structure */
  readonly byteOffset: number;
  readonly bytes: number;
  /** of the bytes; addresses and what goes on the wire is big-endian, the rest in host order */
  readonly isBigEndian: boolean;
}

export interface AttributeLayout {
  readonly attribute: number;
  readonly name: string;
  /** bytes of the kernel's structure */
  readonly length: number;
  readonly fields: readonly AttributeField[];
}

/** The field of `width` bits whose lowest bit is bit `lowBit` of `word`, or of the word `width` reaches back from. */
function field(
  name: string,
  lastWord: number,
  lowBit: number,
  width: number,
  format: AttributeFormat,
  byteOffset: number,
  bytes: number,
  options: { readonly host?: boolean; readonly aliases?: readonly string[] } = {},
): AttributeField {
  return {
    name,
    aliases: options.aliases ?? [],
    bitOffset: 32 * lastWord + 32 - lowBit - width,
    width,
    format,
    byteOffset,
    bytes,
    isBigEndian: options.host !== true,
  };
}

const HOST = { host: true };

function hostNumber(attribute: number, name: string, word: number): AttributeLayout {
  return { attribute, name, length: 4, fields: [field('', word, 0, 32, 'hexadecimal', 0, 4, HOST)] };
}

function ports(attribute: number, name: string): AttributeLayout {
  return {
    attribute,
    name,
    length: 4,
    fields: [field('src', W_TP, 16, 16, 'decimal', 0, 2), field('dst', W_TP, 0, 16, 'decimal', 2, 2)],
  };
}

function typeAndCode(attribute: number, name: string): AttributeLayout {
  return {
    attribute,
    name,
    length: 2,
    fields: [field('type', W_TP, 16, 8, 'decimal', 0, 1), field('code', W_TP, 0, 8, 'decimal', 1, 1)],
  };
}

const LAYOUTS: readonly AttributeLayout[] = [
  hostNumber(attributes.OVS_KEY_ATTR_PRIORITY, 'skb_priority', W_SKB_PRIORITY),
  hostNumber(attributes.OVS_KEY_ATTR_SKB_MARK, 'skb_mark', W_PKT_MARK),
  hostNumber(attributes.OVS_KEY_ATTR_RECIRC_ID, 'recirc_id', W_RECIRC_ID),
  hostNumber(attributes.OVS_KEY_ATTR_DP_HASH, 'dp_hash', W_DP_HASH),
  hostNumber(attributes.OVS_KEY_ATTR_CT_MARK, 'ct_mark', W_CT_MARK),
  {
    attribute: attributes.OVS_KEY_ATTR_IN_PORT,
    name: 'in_port',
    length: 4,
    fields: [field('', W_IN_PORT, 0, 32, 'decimal', 0, 4, HOST)],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_CT_STATE,
    name: 'ct_state',
    length: 4,
    fields: [field('', W_CT_STATE_PROTO_ZONE, 24, 8, 'ct-state', 0, 4, HOST)],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_CT_ZONE,
    name: 'ct_zone',
    length: 2,
    fields: [field('', W_CT_STATE_PROTO_ZONE, 0, 16, 'hexadecimal', 0, 2, HOST)],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_CT_LABELS,
    name: 'ct_label',
    length: 16,
    fields: [field('', W_CT_LABEL + 3, 0, 128, 'hexadecimal', 0, 16, HOST)],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4,
    name: 'ct_tuple4',
    length: 16,
    fields: [
      field('src', W_CT_NW_SRC, 0, 32, 'ipv4', 0, 4),
      field('dst', W_CT_NW_DST, 0, 32, 'ipv4', 4, 4),
      field('proto', W_CT_STATE_PROTO_ZONE, 16, 8, 'decimal', 12, 1),
      field('tp_src', W_CT_TP, 16, 16, 'decimal', 8, 2),
      field('tp_dst', W_CT_TP, 0, 16, 'decimal', 10, 2),
    ],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6,
    name: 'ct_tuple6',
    length: 40,
    fields: [
      field('src', W_CT_IPV6_SRC + 3, 0, 128, 'ipv6', 0, 16),
      field('dst', W_CT_IPV6_DST + 3, 0, 128, 'ipv6', 16, 16),
      field('proto', W_CT_STATE_PROTO_ZONE, 16, 8, 'decimal', 36, 1),
      field('src_port', W_CT_TP, 16, 16, 'decimal', 32, 2, { aliases: ['tp_src'] }),
      field('dst_port', W_CT_TP, 0, 16, 'decimal', 34, 2, { aliases: ['tp_dst'] }),
    ],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_PACKET_TYPE,
    name: 'packet_type',
    length: 4,
    fields: [
      field('ns', W_PACKET_TYPE, 16, 16, 'decimal', 0, 2),
      field('id', W_PACKET_TYPE, 0, 16, 'hexadecimal', 2, 2),
    ],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_ETHERNET,
    name: 'eth',
    length: 12,
    fields: [
      field('src', W_ETH_DST_SRC + 1, 0, 48, 'ethernet', 0, 6),
      field('dst', W_ETH_DST + 1, 16, 48, 'ethernet', 6, 6),
    ],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_IPV4,
    name: 'ipv4',
    length: 12,
    fields: [
      field('src', W_NW_SRC, 0, 32, 'ipv4', 0, 4),
      field('dst', W_NW_DST, 0, 32, 'ipv4', 4, 4),
      field('proto', W_TYPE_PROTO_FRAG, 8, 8, 'decimal', 8, 1),
      field('tos', W_TOS_TTL_FLAGS, 24, 8, 'hexadecimal', 9, 1),
      field('ttl', W_TOS_TTL_FLAGS, 16, 8, 'decimal', 10, 1),
      field('frag', W_TYPE_PROTO_FRAG, 0, 2, 'frag', 11, 1),
    ],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_IPV6,
    name: 'ipv6',
    length: 40,
    fields: [
      field('src', W_IPV6_SRC + 3, 0, 128, 'ipv6', 0, 16),
      field('dst', W_IPV6_DST + 3, 0, 128, 'ipv6', 16, 16),
      field('label', W_IPV6_LABEL, 0, 20, 'hexadecimal', 32, 4),
      field('proto', W_TYPE_PROTO_FRAG, 8, 8, 'decimal', 36, 1),
      field('tclass', W_TOS_TTL_FLAGS, 24, 8, 'hexadecimal', 37, 1),
      field('hlimit', W_TOS_TTL_FLAGS, 16, 8, 'decimal', 38, 1),
      field('frag', W_TYPE_PROTO_FRAG, 0, 2, 'frag', 39, 1),
    ],
  },
  ports(attributes.OVS_KEY_ATTR_TCP, 'tcp'),
  ports(attributes.OVS_KEY_ATTR_UDP, 'udp'),
  ports(attributes.OVS_KEY_ATTR_SCTP, 'sctp'),
  {
    attribute: attributes.OVS_KEY_ATTR_TCP_FLAGS,
    name: 'tcp_flags',
    length: 2,
    fields: [field('', W_TOS_TTL_FLAGS, 0, 12, 'tcp-flags', 0, 2)],
  },
  typeAndCode(attributes.OVS_KEY_ATTR_ICMP, 'icmp'),
  typeAndCode(attributes.OVS_KEY_ATTR_ICMPV6, 'icmpv6'),
  {
    attribute: attributes.OVS_KEY_ATTR_ARP,
    name: 'arp',
    length: 24,
    fields: [
      field('sip', W_NW_SRC, 0, 32, 'ipv4', 0, 4),
      field('tip', W_NW_DST, 0, 32, 'ipv4', 4, 4),
      field('op', W_TYPE_PROTO_FRAG, 8, 8, 'decimal', 8, 2),
      field('sha', W_ARP_SHA + 1, 16, 48, 'ethernet', 10, 6),
      field('tha', W_ARP_THA, 0, 48, 'ethernet', 16, 6),
    ],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_ND,
    name: 'nd',
    length: 28,
    fields: [
      field('target', W_ND_TARGET + 3, 0, 128, 'ipv6', 0, 16),
      field('sll', W_ARP_SHA + 1, 16, 48, 'ethernet', 16, 6),
      field('tll', W_ARP_THA, 0, 48, 'ethernet', 22, 6),
    ],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_ND_EXTENSIONS,
    name: 'nd_ext',
    length: 8,
    fields: [
      field('nd_reserved', W_IGMP_GROUP, 0, 32, 'hexadecimal', 0, 4),
      field('nd_options_type', W_TOS_TTL_FLAGS, 0, 8, 'decimal', 4, 1),
    ],
  },
  {
    attribute: attributes.OVS_KEY_ATTR_NSH,
    name: 'nsh',
    length: 24,
    fields: [
      field('flags', W_NSH_BASE, 24, 8, 'decimal', 0, 1),
      field('ttl', W_NSH_BASE, 16, 8, 'decimal', 1, 1),
      field('mdtype', W_NSH_BASE, 8, 8, 'decimal', 2, 1),
      field('np', W_NSH_BASE, 0, 8, 'decimal', 3, 1),
      field('spi', W_NSH_PATH, 8, 24, 'hexadecimal', 4, 3),
      field('si', W_NSH_PATH, 0, 8, 'decimal', 7, 1),
      field('c1', W_NSH_CONTEXT, 0, 32, 'hexadecimal', 8, 4),
      field('c2', W_NSH_CONTEXT + 1, 0, 32, 'hexadecimal', 12, 4),
      field('c3', W_NSH_CONTEXT + 2, 0, 32, 'hexadecimal', 16, 4),
      field('c4', W_NSH_CONTEXT + 3, 0, 32, 'hexadecimal', 20, 4),
    ],
  },
];

/** The layouts by OVS_KEY_ATTR_* number; those of VLAN, MPLS, Ethertype, encapsulation and tunnel are in code. */
export const ATTRIBUTE_LAYOUTS: ReadonlyMap<number, AttributeLayout> = new Map(
  LAYOUTS.map((layout) => [layout.attribute, layout]),
);

/** The layouts by name in text. */
export const ATTRIBUTE_LAYOUTS_BY_NAME: ReadonlyMap<string, AttributeLayout> = new Map(
  LAYOUTS.map((layout) => [layout.name, layout]),
);
