/**
 * The registry of match fields: every field of ovs-fields(7) with its names, its NXM and OXM identifiers, its shape and
 * where it lies in the flow key.
 *
 * Everything that speaks of fields by name or number (the text form of matches and actions, the OXM/NXM codec, `move`,
 * `load` and `set_field`) goes by this table, so that a field is described once. The rows below are in Open vSwitch's
 * order. A row says what the manual page says; what follows from it (which words a match on `vlan_vid` sets, how a port
 * number of OpenFlow 1.1 is stored) is in field-access.ts.
 *
 * `tun_metadata0..63` have no place in the key until a TLV table gives them one: see tlv-table.ts.
 */
import type { FieldFormat, FieldPrerequisite, MatchField, OxmId } from './field.ts';
import * as key from './key.ts';

/** OXM classes (ovs-fields(7), "FIELDS REFERENCE") and experimenters, by the prefix of an identifier's name. */
const OXM_CLASSES: readonly (readonly [prefix: string, oxmClass: number, experimenter: number])[] = [
  ['NXM_OF_', 0x0000, 0],
  ['NXM_NX_', 0x0001, 0],
  ['ERICOXM_OF_', 0x1000, 0],
  ['OXM_OF_PKT_REG', 0x8001, 0],
  ['OXM_OF_', 0x8000, 0],
  ['NXOXM_ET_', 0xffff, 0x00002320],
  ['NXOXM_NSH_', 0xffff, 0x005ad650],
  ['ONFOXM_ET_', 0xffff, 0x4f4e4600],
];

/** How many tun_metadata fields there are. */
export const TUN_METADATA_FIELDS = 64;

/** Wire versions of OpenFlow, for "since". 0 goes with any version. */
const OF12 = 0x03;
const OF13 = 0x04;
const OF15 = 0x06;

type Row = readonly [
  /** the canonical name and the aliases, between blanks */
  names: string,
  bytes: number,
  width: number,
  bitOffset: number,
  format: FieldFormat,
  prerequisite: FieldPrerequisite,
  /** `m` maskable, `w` writable */
  flags: 'mw' | 'm' | 'w' | '',
  ...ids: (readonly [name: string, field: number, since: number])[],
];

const DECIMAL = 'decimal';
const HEX = 'hexadecimal';

/** Bit offset of a field whose least significant bit is bit `lowBit` (0..31) of `word`. */
function at(word: number, lowBit: number, width: number): number {
  return word * 32 + 32 - lowBit - width;
}

/** Bit offset of a field that starts at the most significant bit of `word`. */
function from(word: number): number {
  return word * 32;
}

function tunMetadataRows(): Row[] {
  const rows: Row[] = [];
  for (let index = 0; index < TUN_METADATA_FIELDS; index++) {
    const id = [`NXM_NX_TUN_METADATA${index}`, 40 + index, 0] as const;
    rows.push([`tun_metadata${index}`, 0, 0, from(key.W_TUN_METADATA), HEX, 'none', 'mw', id]);
  }
  return rows;
}

function registerRows(): Row[] {
  const rows: Row[] = [];
  for (let index = 0; index < 16; index++) {
    rows.push([`reg${index}`, 4, 32, from(key.W_REG0 + index), HEX, 'none', 'mw', [`NXM_NX_REG${index}`, index, 0]]);
  }
  for (let index = 0; index < 8; index++) {
    const id = [`OXM_OF_PKT_REG${index}`, index, OF13] as const;
    rows.push([`xreg${index}`, 8, 64, from(key.W_REG0 + 2 * index), HEX, 'none', 'mw', id]);
  }
  for (let index = 0; index < 4; index++) {
    const id = [`NXM_NX_XXREG${index}`, 111 + index, 0] as const;
    rows.push([`xxreg${index}`, 16, 128, from(key.W_REG0 + 4 * index), HEX, 'none', 'mw', id]);
  }
  return rows;
}

// biome-ignore format: one row per field reads as the table that it is
const ROWS: readonly Row[] = [
  ['dp_hash', 4, 32, from(key.W_DP_HASH), HEX, 'none', 'm', ['NXM_NX_DP_HASH', 35, 0], ['NXOXM_ET_DP_HASH', 0, 0]],
  ['recirc_id', 4, 32, from(key.W_RECIRC_ID), DECIMAL, 'none', '', ['NXM_NX_RECIRC_ID', 36, 0]],
  ['packet_type', 4, 32, from(key.W_PACKET_TYPE), 'packet-type', 'none', '', ['OXM_OF_PACKET_TYPE', 44, OF15]],
  ['conj_id', 4, 32, from(key.W_CONJ_ID), DECIMAL, 'none', '', ['NXM_NX_CONJ_ID', 37, 0]],

  ['tun_id tunnel_id', 8, 64, from(key.W_TUN_ID), HEX, 'none', 'mw', ['NXM_NX_TUN_ID', 16, 0], ['OXM_OF_TUNNEL_ID', 38, OF13]],
  ['tun_src', 4, 32, from(key.W_TUN_SRC), 'ipv4', 'none', 'mw', ['NXM_NX_TUN_IPV4_SRC', 31, 0]],
  ['tun_dst', 4, 32, from(key.W_TUN_DST), 'ipv4', 'none', 'mw', ['NXM_NX_TUN_IPV4_DST', 32, 0]],
  ['tun_ipv6_src', 16, 128, from(key.W_TUN_IPV6_SRC), 'ipv6', 'none', 'mw', ['NXM_NX_TUN_IPV6_SRC', 109, 0]],
  ['tun_ipv6_dst', 16, 128, from(key.W_TUN_IPV6_DST), 'ipv6', 'none', 'mw', ['NXM_NX_TUN_IPV6_DST', 110, 0]],
  ['tun_flags', 2, 1, at(key.W_TUN_FLAGS_TOS_TTL, 16, 1), 'tunnel-flags', 'none', 'mw', ['NXM_NX_TUN_FLAGS', 104, 0]],
  ['tun_ttl', 1, 8, at(key.W_TUN_FLAGS_TOS_TTL, 0, 8), DECIMAL, 'none', ''],
  ['tun_tos', 1, 8, at(key.W_TUN_FLAGS_TOS_TTL, 8, 8), DECIMAL, 'none', ''],
  ['tun_gbp_id', 2, 16, at(key.W_TUN_GBP, 16, 16), DECIMAL, 'none', 'mw', ['NXM_NX_TUN_GBP_ID', 38, 0]],
  ['tun_gbp_flags', 1, 8, at(key.W_TUN_GBP, 8, 8), HEX, 'none', 'mw', ['NXM_NX_TUN_GBP_FLAGS', 39, 0]],
  ['tun_erspan_idx', 4, 20, at(key.W_TUN_ERSPAN_IDX, 0, 20), HEX, 'none', 'mw', ['NXOXM_ET_ERSPAN_IDX', 11, 0]],
  ['tun_erspan_ver', 1, 4, at(key.W_TUN_ERSPAN, 24, 4), DECIMAL, 'none', 'mw', ['NXOXM_ET_ERSPAN_VER', 12, 0]],
  ['tun_erspan_dir', 1, 1, at(key.W_TUN_ERSPAN, 16, 1), DECIMAL, 'none', 'mw', ['NXOXM_ET_ERSPAN_DIR', 13, 0]],
  ['tun_erspan_hwid', 1, 6, at(key.W_TUN_ERSPAN, 8, 6), HEX, 'none', 'mw', ['NXOXM_ET_ERSPAN_HWID', 14, 0]],
  ['tun_gtpu_flags', 1, 8, at(key.W_TUN_GTPU, 24, 8), HEX, 'none', 'm', ['NXOXM_ET_GTPU_FLAGS', 15, 0]],
  ['tun_gtpu_msgtype', 1, 8, at(key.W_TUN_GTPU, 16, 8), DECIMAL, 'none', 'm', ['NXOXM_ET_GTPU_MSGTYPE', 16, 0]],
  ...tunMetadataRows(),

  ['metadata', 8, 64, from(key.W_METADATA), HEX, 'none', 'mw', ['OXM_OF_METADATA', 2, OF12]],
  ['in_port', 2, 16, at(key.W_IN_PORT, 0, 16), 'openflow-port', 'none', 'w', ['NXM_OF_IN_PORT', 0, 0]],
  ['in_port_oxm', 4, 32, from(key.W_IN_PORT), 'openflow-port', 'none', 'w', ['OXM_OF_IN_PORT', 0, OF12]],
  ['actset_output', 4, 32, from(key.W_ACTSET_OUTPUT), 'openflow-port', 'none', '', ['ONFOXM_ET_ACTSET_OUTPUT', 43, OF13], ['OXM_OF_ACTSET_OUTPUT', 43, OF15]],
  ['skb_priority', 4, 32, from(key.W_SKB_PRIORITY), HEX, 'none', ''],
  ['pkt_mark', 4, 32, from(key.W_PKT_MARK), HEX, 'none', 'mw', ['NXM_NX_PKT_MARK', 33, 0]],

  ['ct_state', 4, 8, at(key.W_CT_STATE_PROTO_ZONE, 24, 8), 'ct-state', 'none', 'm', ['NXM_NX_CT_STATE', 105, 0]],
  ['ct_zone', 2, 16, at(key.W_CT_STATE_PROTO_ZONE, 0, 16), HEX, 'none', '', ['NXM_NX_CT_ZONE', 106, 0]],
  ['ct_mark', 4, 32, from(key.W_CT_MARK), HEX, 'none', 'mw', ['NXM_NX_CT_MARK', 107, 0]],
  ['ct_label', 16, 128, from(key.W_CT_LABEL), HEX, 'none', 'mw', ['NXM_NX_CT_LABEL', 108, 0]],
  ['ct_nw_proto', 1, 8, at(key.W_CT_STATE_PROTO_ZONE, 16, 8), DECIMAL, 'CT', '', ['NXM_NX_CT_NW_PROTO', 119, 0]],
  ['ct_nw_src', 4, 32, from(key.W_CT_NW_SRC), 'ipv4', 'CT', 'm', ['NXM_NX_CT_NW_SRC', 120, 0]],
  ['ct_nw_dst', 4, 32, from(key.W_CT_NW_DST), 'ipv4', 'CT', 'm', ['NXM_NX_CT_NW_DST', 121, 0]],
  ['ct_ipv6_src', 16, 128, from(key.W_CT_IPV6_SRC), 'ipv6', 'CT', 'm', ['NXM_NX_CT_IPV6_SRC', 122, 0]],
  ['ct_ipv6_dst', 16, 128, from(key.W_CT_IPV6_DST), 'ipv6', 'CT', 'm', ['NXM_NX_CT_IPV6_DST', 123, 0]],
  ['ct_tp_src', 2, 16, at(key.W_CT_TP, 16, 16), DECIMAL, 'CT', 'm', ['NXM_NX_CT_TP_SRC', 124, 0]],
  ['ct_tp_dst', 2, 16, at(key.W_CT_TP, 0, 16), DECIMAL, 'CT', 'm', ['NXM_NX_CT_TP_DST', 125, 0]],
  ...registerRows(),

  ['eth_src dl_src', 6, 48, at(key.W_ETH_DST_SRC, 0, 16), 'ethernet', 'Ethernet', 'mw', ['NXM_OF_ETH_SRC', 2, 0], ['OXM_OF_ETH_SRC', 4, OF12]],
  ['eth_dst dl_dst', 6, 48, from(key.W_ETH_DST), 'ethernet', 'Ethernet', 'mw', ['NXM_OF_ETH_DST', 1, 0], ['OXM_OF_ETH_DST', 3, OF12]],
  ['eth_type dl_type', 2, 16, at(key.W_TYPE_PROTO_FRAG, 16, 16), HEX, 'Ethernet', '', ['NXM_OF_ETH_TYPE', 3, 0], ['OXM_OF_ETH_TYPE', 5, OF12]],
  ['vlan_tci', 2, 16, at(key.W_VLAN0, 0, 16), HEX, 'Ethernet', 'mw', ['NXM_OF_VLAN_TCI', 4, 0]],
  ['dl_vlan', 2, 12, at(key.W_VLAN0, 0, 12), DECIMAL, 'Ethernet', 'w'],
  ['vlan_vid', 2, 12, at(key.W_VLAN0, 0, 12), DECIMAL, 'Ethernet', 'mw', ['OXM_OF_VLAN_VID', 6, OF12]],
  ['dl_vlan_pcp', 1, 3, at(key.W_VLAN0, 13, 3), DECIMAL, 'Ethernet', 'w'],
  ['vlan_pcp', 1, 3, at(key.W_VLAN0, 13, 3), DECIMAL, 'VLAN VID', 'w', ['OXM_OF_VLAN_PCP', 7, OF12]],
  ['mpls_label', 4, 20, at(key.W_MPLS, 12, 20), DECIMAL, 'MPLS', 'w', ['OXM_OF_MPLS_LABEL', 34, OF12]],
  ['mpls_tc', 1, 3, at(key.W_MPLS, 9, 3), DECIMAL, 'MPLS', 'w', ['OXM_OF_MPLS_TC', 35, OF12]],
  ['mpls_bos', 1, 1, at(key.W_MPLS, 8, 1), DECIMAL, 'MPLS', '', ['OXM_OF_MPLS_BOS', 36, OF13]],
  ['mpls_ttl', 1, 8, at(key.W_MPLS, 0, 8), DECIMAL, 'MPLS', 'w', ['NXM_NX_MPLS_TTL', 30, 0]],

  ['ip_src nw_src', 4, 32, from(key.W_NW_SRC), 'ipv4', 'IPv4', 'mw', ['NXM_OF_IP_SRC', 7, 0], ['OXM_OF_IPV4_SRC', 11, OF12]],
  ['ip_dst nw_dst', 4, 32, from(key.W_NW_DST), 'ipv4', 'IPv4', 'mw', ['NXM_OF_IP_DST', 8, 0], ['OXM_OF_IPV4_DST', 12, OF12]],
  ['ipv6_src', 16, 128, from(key.W_IPV6_SRC), 'ipv6', 'IPv6', 'mw', ['NXM_NX_IPV6_SRC', 19, 0], ['OXM_OF_IPV6_SRC', 26, OF12]],
  ['ipv6_dst', 16, 128, from(key.W_IPV6_DST), 'ipv6', 'IPv6', 'mw', ['NXM_NX_IPV6_DST', 20, 0], ['OXM_OF_IPV6_DST', 27, OF12]],
  ['ipv6_label', 4, 20, at(key.W_IPV6_LABEL, 0, 20), HEX, 'IPv6', 'mw', ['NXM_NX_IPV6_LABEL', 27, 0], ['OXM_OF_IPV6_FLABEL', 28, OF12]],
  ['nw_proto ip_proto', 1, 8, at(key.W_TYPE_PROTO_FRAG, 8, 8), DECIMAL, 'IPv4/IPv6', '', ['NXM_OF_IP_PROTO', 6, 0], ['OXM_OF_IP_PROTO', 10, OF12]],
  ['nw_tos', 1, 8, at(key.W_TOS_TTL_FLAGS, 24, 8), DECIMAL, 'IPv4/IPv6', 'w', ['NXM_OF_IP_TOS', 5, 0]],
  ['ip_dscp', 1, 6, at(key.W_TOS_TTL_FLAGS, 26, 6), DECIMAL, 'IPv4/IPv6', 'w', ['OXM_OF_IP_DSCP', 8, OF12]],
  ['nw_ecn ip_ecn', 1, 2, at(key.W_TOS_TTL_FLAGS, 24, 2), DECIMAL, 'IPv4/IPv6', 'w', ['NXM_NX_IP_ECN', 28, 0], ['OXM_OF_IP_ECN', 9, OF12]],
  ['nw_ttl', 1, 8, at(key.W_TOS_TTL_FLAGS, 16, 8), DECIMAL, 'IPv4/IPv6', 'w', ['NXM_NX_IP_TTL', 29, 0]],
  ['ip_frag nw_frag', 1, 2, at(key.W_TYPE_PROTO_FRAG, 0, 2), 'frag', 'IPv4/IPv6', 'm', ['NXM_NX_IP_FRAG', 26, 0]],

  ['arp_op', 2, 8, at(key.W_TYPE_PROTO_FRAG, 8, 8), DECIMAL, 'ARP', 'w', ['NXM_OF_ARP_OP', 15, 0], ['OXM_OF_ARP_OP', 21, OF12]],
  ['arp_spa', 4, 32, from(key.W_NW_SRC), 'ipv4', 'ARP', 'mw', ['NXM_OF_ARP_SPA', 16, 0], ['OXM_OF_ARP_SPA', 22, OF12]],
  ['arp_tpa', 4, 32, from(key.W_NW_DST), 'ipv4', 'ARP', 'mw', ['NXM_OF_ARP_TPA', 17, 0], ['OXM_OF_ARP_TPA', 23, OF12]],
  ['arp_sha', 6, 48, from(key.W_ARP_SHA), 'ethernet', 'ARP', 'mw', ['NXM_NX_ARP_SHA', 17, 0], ['OXM_OF_ARP_SHA', 24, OF12]],
  ['arp_tha', 6, 48, at(key.W_ARP_SHA_THA, 0, 16), 'ethernet', 'ARP', 'mw', ['NXM_NX_ARP_THA', 18, 0], ['OXM_OF_ARP_THA', 25, OF12]],

  ['tcp_src tp_src', 2, 16, at(key.W_TP, 16, 16), DECIMAL, 'TCP', 'mw', ['NXM_OF_TCP_SRC', 9, 0], ['OXM_OF_TCP_SRC', 13, OF12]],
  ['tcp_dst tp_dst', 2, 16, at(key.W_TP, 0, 16), DECIMAL, 'TCP', 'mw', ['NXM_OF_TCP_DST', 10, 0], ['OXM_OF_TCP_DST', 14, OF12]],
  ['tcp_flags', 2, 12, at(key.W_TOS_TTL_FLAGS, 0, 12), 'tcp-flags', 'TCP', 'm', ['NXM_NX_TCP_FLAGS', 34, 0], ['ONFOXM_ET_TCP_FLAGS', 42, OF13], ['OXM_OF_TCP_FLAGS', 42, OF15]],
  ['udp_src', 2, 16, at(key.W_TP, 16, 16), DECIMAL, 'UDP', 'mw', ['NXM_OF_UDP_SRC', 11, 0], ['OXM_OF_UDP_SRC', 15, OF12]],
  ['udp_dst', 2, 16, at(key.W_TP, 0, 16), DECIMAL, 'UDP', 'mw', ['NXM_OF_UDP_DST', 12, 0], ['OXM_OF_UDP_DST', 16, OF12]],
  ['sctp_src', 2, 16, at(key.W_TP, 16, 16), DECIMAL, 'SCTP', 'mw', ['OXM_OF_SCTP_SRC', 17, OF12]],
  ['sctp_dst', 2, 16, at(key.W_TP, 0, 16), DECIMAL, 'SCTP', 'mw', ['OXM_OF_SCTP_DST', 18, OF12]],
  ['icmp_type', 1, 8, at(key.W_TP, 16, 8), DECIMAL, 'ICMPv4', 'w', ['NXM_OF_ICMP_TYPE', 13, 0], ['OXM_OF_ICMPV4_TYPE', 19, OF12]],
  ['icmp_code', 1, 8, at(key.W_TP, 0, 8), DECIMAL, 'ICMPv4', 'w', ['NXM_OF_ICMP_CODE', 14, 0], ['OXM_OF_ICMPV4_CODE', 20, OF12]],
  ['icmpv6_type', 1, 8, at(key.W_TP, 16, 8), DECIMAL, 'ICMPv6', 'w', ['NXM_NX_ICMPV6_TYPE', 21, 0], ['OXM_OF_ICMPV6_TYPE', 29, OF12]],
  ['icmpv6_code', 1, 8, at(key.W_TP, 0, 8), DECIMAL, 'ICMPv6', 'w', ['NXM_NX_ICMPV6_CODE', 22, 0], ['OXM_OF_ICMPV6_CODE', 30, OF12]],
  ['nd_target', 16, 128, from(key.W_ND_TARGET), 'ipv6', 'ND', 'mw', ['NXM_NX_ND_TARGET', 23, 0], ['OXM_OF_IPV6_ND_TARGET', 31, OF12]],
  ['nd_sll', 6, 48, from(key.W_ARP_SHA), 'ethernet', 'ND solicit', 'mw', ['NXM_NX_ND_SLL', 24, 0], ['OXM_OF_IPV6_ND_SLL', 32, OF12]],
  ['nd_tll', 6, 48, at(key.W_ARP_SHA_THA, 0, 16), 'ethernet', 'ND advert', 'mw', ['NXM_NX_ND_TLL', 25, 0], ['OXM_OF_IPV6_ND_TLL', 33, OF12]],
  ['nd_reserved', 4, 32, from(key.W_IGMP_GROUP), DECIMAL, 'ND', 'w', ['ERICOXM_OF_ICMPV6_ND_RESERVED', 1, 0]],
  ['nd_options_type', 1, 8, at(key.W_TOS_TTL_FLAGS, 0, 8), DECIMAL, 'ND', 'w', ['ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE', 2, 0]],

  ['nsh_flags', 1, 8, at(key.W_NSH_BASE, 24, 8), DECIMAL, 'NSH', 'mw', ['NXOXM_NSH_FLAGS', 1, 0]],
  ['nsh_mdtype', 1, 8, at(key.W_NSH_BASE, 8, 8), DECIMAL, 'NSH', '', ['NXOXM_NSH_MDTYPE', 2, 0]],
  ['nsh_np', 1, 8, at(key.W_NSH_BASE, 0, 8), DECIMAL, 'NSH', '', ['NXOXM_NSH_NP', 3, 0]],
  ['nsh_spi nsp', 4, 24, at(key.W_NSH_PATH, 8, 24), HEX, 'NSH', 'w', ['NXOXM_NSH_SPI', 4, 0]],
  ['nsh_si nsi', 1, 8, at(key.W_NSH_PATH, 0, 8), DECIMAL, 'NSH', 'w', ['NXOXM_NSH_SI', 5, 0]],
  ['nsh_c1 nshc1', 4, 32, from(key.W_NSH_CONTEXT), HEX, 'NSH', 'mw', ['NXOXM_NSH_C1', 6, 0]],
  ['nsh_c2 nshc2', 4, 32, from(key.W_NSH_CONTEXT + 1), HEX, 'NSH', 'mw', ['NXOXM_NSH_C2', 7, 0]],
  ['nsh_c3 nshc3', 4, 32, from(key.W_NSH_CONTEXT + 2), HEX, 'NSH', 'mw', ['NXOXM_NSH_C3', 8, 0]],
  ['nsh_c4 nshc4', 4, 32, from(key.W_NSH_CONTEXT + 3), HEX, 'NSH', 'mw', ['NXOXM_NSH_C4', 9, 0]],
  ['nsh_ttl', 1, 8, at(key.W_NSH_BASE, 16, 8), DECIMAL, 'NSH', 'w', ['NXOXM_NSH_TTL', 10, 0]],
];

/** All fields; a field's `id` is its index. */
export const FIELDS: readonly MatchField[] = ROWS.map(createField);

const FIELDS_BY_NAME: ReadonlyMap<string, MatchField> = indexByName();
const FIELDS_BY_OXM: ReadonlyMap<string, MatchField> = indexByOxm();

/** The field of that name: canonical, alias, or NXM/OXM identifier; upper and lower case are the same. */
export function fieldByName(name: string): MatchField | undefined {
  return FIELDS_BY_NAME.get(name.toLowerCase());
}

/** The field that an OXM header names; `experimenter` is 0 unless the class is 0xffff. */
export function fieldByOxm(oxmClass: number, field: number, experimenter: number = 0): MatchField | undefined {
  return FIELDS_BY_OXM.get(oxmKey(oxmClass, field, experimenter));
}

/** The field of a name that the program itself spells, for constants: an unknown name is a bug, and throws. */
export function requireField(name: string): MatchField {
  const field = fieldByName(name);
  if (field === undefined) {
    throw new Error(`no match field is named "${name}"`);
  }
  return field;
}

/** Whether the field is one of tun_metadata0..63. */
export function isTunMetadata(field: MatchField): boolean {
  return field.name.startsWith('tun_metadata');
}

function createField(row: Row, id: number): MatchField {
  const [names, bytes, width, bitOffset, format, prerequisite, flags, ...ids] = row;
  const [name, ...aliases] = names.split(' ');
  return {
    id,
    name: name!,
    aliases,
    width,
    bytes,
    bitOffset,
    maskable: flags.includes('m'),
    writable: flags.includes('w'),
    format,
    prerequisite,
    oxmIds: ids.map(([oxmName, field, since]) => createOxmId(oxmName, field, since)),
  };
}

function createOxmId(name: string, field: number, sinceVersion: number): OxmId {
  const [, oxmClass, experimenter] = OXM_CLASSES.find(([prefix]) => name.startsWith(prefix))!;
  return { oxmClass, field, experimenter, sinceVersion, name };
}

function indexByName(): Map<string, MatchField> {
  const index = new Map<string, MatchField>();
  for (const field of FIELDS) {
    for (const name of [field.name, ...field.aliases, ...field.oxmIds.map((id) => id.name)]) {
      index.set(name.toLowerCase(), field);
    }
  }
  return index;
}

function indexByOxm(): Map<string, MatchField> {
  const index = new Map<string, MatchField>();
  for (const field of FIELDS) {
    for (const id of field.oxmIds) {
      index.set(oxmKey(id.oxmClass, id.field, id.experimenter), field);
    }
  }
  return index;
}

function oxmKey(oxmClass: number, field: number, experimenter: number): string {
  return `${oxmClass}.${field}.${experimenter}`;
}
