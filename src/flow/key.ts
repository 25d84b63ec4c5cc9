/**
 * The flow key: one fixed layout of 32-bit words for packets, megaflows and OpenFlow flows.
 *
 * What. A flow is an `Int32Array(FLOW_WORDS)` in host order; a mask has the same layout, a set bit means "this bit
 * decides". The words up to `W_PACKET_END` come from the packet's headers, the rest is metadata (datapath) and
 * pipeline state (OpenFlow).
 *
 * Why this order. What nearly every IPv4 megaflow looks at lies in words 0..20, so that masked comparisons touch two
 * cache lines; fields that are decided together (eth_type, nw_proto, nw_frag) share a word, so that a mask has few
 * nonzero words. Every field is contiguous when the words are read as one big-endian bit string: that is why a field
 * needs only a bit offset and a width (see field.ts), and why a 48-bit address may straddle two words.
 *
 * Overloading, as in Open vSwitch. ARP: nw_proto holds the opcode, nw_src/nw_dst hold SPA/TPA. ICMP and ICMPv6: tp_src
 * holds the type, tp_dst the code. IPv6 neighbour discovery: arp_sha holds the source and arp_tha the target
 * link-layer address; `W_IGMP_GROUP` holds nd_reserved; the low half of `W_TOS_TTL_FLAGS` holds nd_options_type.
 */

/** recirculation id, 32 bits */
export const W_RECIRC_ID = 0;
/** ingress port: a datapath port number below ofproto, an OpenFlow port number in it, 32 bits */
export const W_IN_PORT = 1;
/** eth_dst bytes 0..3 */
export const W_ETH_DST = 2;
/** eth_dst bytes 4..5 (high half), eth_src bytes 0..1 (low half) */
export const W_ETH_DST_SRC = 3;
/** eth_src bytes 2..5 */
export const W_ETH_SRC = 4;
/** eth_type (high half; 0x05ff when the frame carries no Ethertype), nw_proto or ARP opcode (8), nw_frag (8) */
export const W_TYPE_PROTO_FRAG = 5;
/** outer VLAN: TPID (high half), TCI (low half; bit 0x1000 = a tag is present) */
export const W_VLAN0 = 6;
/** inner VLAN, same form */
export const W_VLAN1 = 7;
/** nw_tos (8: DSCP and ECN), nw_ttl (8), tcp_flags (low half, 12 bits used) or nd_options_type */
export const W_TOS_TTL_FLAGS = 8;
export const W_NW_SRC = 9;
export const W_NW_DST = 10;
/** tp_src (high half), tp_dst (low half) */
export const W_TP = 11;
/** four words */
export const W_IPV6_SRC = 12;
/** four words */
export const W_IPV6_DST = 16;
/** IPv6 flow label, low 20 bits */
export const W_IPV6_LABEL = 20;
/** four words */
export const W_ND_TARGET = 21;
/** arp_sha bytes 0..3 */
export const W_ARP_SHA = 25;
/** arp_sha bytes 4..5 (high half), arp_tha bytes 0..1 (low half) */
export const W_ARP_SHA_THA = 26;
/** arp_tha bytes 2..5 */
export const W_ARP_THA = 27;
/** IGMP group address, or nd_reserved */
export const W_IGMP_GROUP = 28;
/** three label stack entries, outermost first: label(20) tc(3) bos(1) ttl(8) */
export const W_MPLS = 29;
/** nsh flags(8) ttl(8) mdtype(8) np(8) */
export const W_NSH_BASE = 32;
/** nsh spi(24) si(8) */
export const W_NSH_PATH = 33;
/** four context words */
export const W_NSH_CONTEXT = 34;
/** first word that does not come from packet headers */
export const W_PACKET_END = 38;

/** packet_type: namespace (high half), type (low half); 0 is Ethernet */
export const W_PACKET_TYPE = 38;
export const W_DP_HASH = 39;
export const W_SKB_PRIORITY = 40;
export const W_PKT_MARK = 41;
/** ct_state (8), ct_nw_proto (8), ct_zone (low half) */
export const W_CT_STATE_PROTO_ZONE = 42;
export const W_CT_MARK = 43;
/** four words, most significant first */
export const W_CT_LABEL = 44;
export const W_CT_NW_SRC = 48;
export const W_CT_NW_DST = 49;
/** four words */
export const W_CT_IPV6_SRC = 50;
/** four words */
export const W_CT_IPV6_DST = 54;
/** ct_tp_src (high half), ct_tp_dst (low half) */
export const W_CT_TP = 58;

/** tunnel key, two words, most significant first */
export const W_TUN_ID = 59;
export const W_TUN_SRC = 61;
export const W_TUN_DST = 62;
/** four words */
export const W_TUN_IPV6_SRC = 63;
/** four words */
export const W_TUN_IPV6_DST = 67;
/** tun_flags (high half: see TUN_FLAG_*), tun_tos (8), tun_ttl (8) */
export const W_TUN_FLAGS_TOS_TTL = 71;
/** tunnel transport ports: source (high half), destination (low half) */
export const W_TUN_TP = 72;
/** tun_gbp_id (high half), tun_gbp_flags (8, bits 8..15) , zero (8) */
export const W_TUN_GBP = 73;
/** tun_erspan_ver(8) tun_erspan_dir(8) tun_erspan_hwid(8) zero(8) */
export const W_TUN_ERSPAN = 74;
/** tun_erspan_idx, low 20 bits */
export const W_TUN_ERSPAN_IDX = 75;
/** tun_gtpu_flags(8) tun_gtpu_msgtype(8) zero(16) */
export const W_TUN_GTPU = 76;

/** OpenFlow metadata, two words, most significant first */
export const W_METADATA = 77;
/** reg0..reg15, one word each */
export const W_REG0 = 79;
/** OpenFlow port of the output action in the action set */
export const W_ACTSET_OUTPUT = 95;
/** conjunction id */
export const W_CONJ_ID = 96;

/** presence bit per tun_metadata field: tun_metadata63..32, then 31..0 */
export const W_TUN_METADATA_PRESENT = 97;
/** 256 bytes of tunnel option data, laid out by the TLV table */
export const W_TUN_METADATA = 99;
export const TUN_METADATA_WORDS = 64;

/** words of a flow key and of a mask */
export const FLOW_WORDS = 163;

/** nw_frag: the packet is a fragment */
export const NW_FRAG_ANY = 1;
/** nw_frag: the packet is a fragment with a nonzero offset (NW_FRAG_ANY is set too) */
export const NW_FRAG_LATER = 2;
/** Bit of a TCI in the key that says that there is a tag (the CFI/DEI bit of the tag itself is not kept) */
export const VLAN_CFI = 0x1000;
/** eth_type in the key of a frame without Ethertype (802.2 without SNAP) */
export const ETH_TYPE_NONE = 0x05ff;
/** packet_type of an Ethernet frame */
export const PACKET_TYPE_ETHERNET = 0;

export const TUN_FLAG_OAM = 1;
export const TUN_FLAG_DF = 2;
export const TUN_FLAG_CSUM = 4;
export const TUN_FLAG_KEY = 8;

export const CT_STATE_NEW = 0x01;
export const CT_STATE_EST = 0x02;
export const CT_STATE_REL = 0x04;
export const CT_STATE_RPL = 0x08;
export const CT_STATE_INV = 0x10;
export const CT_STATE_TRK = 0x20;
export const CT_STATE_SNAT = 0x40;
export const CT_STATE_DNAT = 0x80;

/** A flow or a mask: `FLOW_WORDS` words in the layout above. */
export type FlowWords = Int32Array;

/** A zeroed flow or mask (a zero mask matches everything). */
export function createFlow(): FlowWords {
  return new Int32Array(FLOW_WORDS);
}
