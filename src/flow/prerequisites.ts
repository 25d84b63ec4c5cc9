/**
 * Prerequisites: what else a match has to say for a field of it to mean anything (ovs-fields(7), "Prerequisites").
 *
 * They are checked on a match's values: a bit that a match does not decide is 0 there, and no prerequisite asks for a 0,
 * except that an invalid connection must be ruled out. An exact flow is a match of itself with all bits decided.
 */
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
import type { FieldPrerequisite, MatchField } from './field.ts';
import { requireField } from './fields.ts';
import {
  CT_STATE_EST,
  CT_STATE_INV,
  CT_STATE_NEW,
  CT_STATE_REL,
  CT_STATE_RPL,
  CT_STATE_TRK,
  type FlowWords,
  NW_FRAG_LATER,
  PACKET_TYPE_ETHERNET,
  VLAN_CFI,
  W_CT_STATE_PROTO_ZONE,
  W_PACKET_TYPE,
  W_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
} from './key.ts';
import type { Match } from './match.ts';

const ND_SOLICIT = 135;
const ND_ADVERT = 136;
/** packet_type namespace whose types are Ethertypes */
const NAMESPACE_ETHERTYPE = 1;

const CT_NW_SRC = requireField('ct_nw_src');
const CT_NW_DST = requireField('ct_nw_dst');
const CT_IPV6_SRC = requireField('ct_ipv6_src');
const CT_IPV6_DST = requireField('ct_ipv6_dst');

const EXPLANATIONS: Readonly<Record<FieldPrerequisite, string>> = {
  none: 'nothing',
  Ethernet: 'an Ethernet packet, packet_type=(0,0)',
  ARP: 'arp or rarp',
  'VLAN VID': 'a VLAN tag, such as dl_vlan or vlan_tci=0x1000/0x1000',
  IPv4: 'ip (dl_type=0x0800)',
  IPv6: 'ipv6 (dl_type=0x86dd)',
  'IPv4/IPv6': 'ip or ipv6',
  NSH: 'dl_type=0x894f',
  CT: 'a valid ct_state, such as +new, +est, +rel or +trk-inv, and for addresses ip or ipv6',
  MPLS: 'mpls or mplsm',
  TCP: 'tcp or tcp6',
  UDP: 'udp or udp6',
  SCTP: 'sctp or sctp6',
  ICMPv4: 'icmp',
  ICMPv6: 'icmp6',
  ND: 'icmp6 with icmp_type=135 or icmp_type=136, and icmp_code=0',
  'ND solicit': 'icmp6 with icmp_type=135 and icmp_code=0',
  'ND advert': 'icmp6 with icmp_type=136 and icmp_code=0',
};

/** Whether `match` says what the field needs. */
export function hasPrerequisites(match: Match, field: MatchField): boolean {
  const { values, masks } = match;
  if (field.prerequisite !== 'CT') {
    return isMet(values, field.prerequisite);
  }
  if (!isConnectionValid(values, masks)) {
    return false;
  }
  switch (field.id) {
    case CT_NW_SRC.id:
    case CT_NW_DST.id:
      return networkEthType(values) === ETHERTYPE_IPV4;
    case CT_IPV6_SRC.id:
    case CT_IPV6_DST.id:
      return networkEthType(values) === ETHERTYPE_IPV6;
    default:
      return true;
  }
}

/** How a match meets the prerequisite, for messages. */
export function explainPrerequisite(prerequisite: FieldPrerequisite): string {
  return EXPLANATIONS[prerequisite];
}

/** The Ethertype that tells the network protocol: eth_type, or the type of a packet that begins with that header. */
export function networkEthType(values: FlowWords): number {
  const packetType = values[W_PACKET_TYPE]!;
  return packetType >>> 16 === NAMESPACE_ETHERTYPE ? packetType & 0xffff : values[W_TYPE_PROTO_FRAG]! >>> 16;
}

/** Whether the connection state says new, established, related or reply, or tracked and surely not invalid. */
export function isConnectionValid(values: FlowWords, masks: FlowWords | null): boolean {
  const state = values[W_CT_STATE_PROTO_ZONE]! >>> 24;
  const mask = masks === null ? 0xff : masks[W_CT_STATE_PROTO_ZONE]! >>> 24;
  const invalidRuledOut = (mask & CT_STATE_INV) !== 0 && (state & CT_STATE_INV) === 0;
  return (
    (state & (CT_STATE_NEW | CT_STATE_EST | CT_STATE_REL | CT_STATE_RPL)) !== 0 ||
    ((state & CT_STATE_TRK) !== 0 && invalidRuledOut)
  );
}

function isMet(values: FlowWords, prerequisite: FieldPrerequisite): boolean {
  switch (prerequisite) {
    case 'none':
    case 'CT':
      return true;
    case 'Ethernet':
      return values[W_PACKET_TYPE] === PACKET_TYPE_ETHERNET;
    case 'VLAN VID':
      return values[W_PACKET_TYPE] === PACKET_TYPE_ETHERNET && (values[W_VLAN0]! & VLAN_CFI) !== 0;
    case 'ND':
      return isNeighbourDiscovery(values, ND_SOLICIT) || isNeighbourDiscovery(values, ND_ADVERT);
    case 'ND solicit':
      return isNeighbourDiscovery(values, ND_SOLICIT);
    case 'ND advert':
      return isNeighbourDiscovery(values, ND_ADVERT);
    default:
      return isProtocolMet(values, prerequisite);
  }
}

function isProtocolMet(values: FlowWords, prerequisite: FieldPrerequisite): boolean {
  const ethType = networkEthType(values);
  const isIpv4 = ethType === ETHERTYPE_IPV4;
  const isIpv6 = ethType === ETHERTYPE_IPV6;
  switch (prerequisite) {
    case 'ARP':
      return ethType === ETHERTYPE_ARP || ethType === ETHERTYPE_RARP;
    case 'IPv4':
      return isIpv4;
    case 'IPv6':
      return isIpv6;
    case 'IPv4/IPv6':
      return isIpv4 || isIpv6;
    case 'NSH':
      return ethType === ETHERTYPE_NSH;
    case 'MPLS':
      return ethType === ETHERTYPE_MPLS || ethType === ETHERTYPE_MPLS_MULTICAST;
    case 'TCP':
      return (isIpv4 || isIpv6) && hasTransport(values, IP_PROTOCOL_TCP);
    case 'UDP':
      return (isIpv4 || isIpv6) && hasTransport(values, IP_PROTOCOL_UDP);
    case 'SCTP':
      return (isIpv4 || isIpv6) && hasTransport(values, IP_PROTOCOL_SCTP);
    case 'ICMPv4':
      return isIpv4 && hasTransport(values, IP_PROTOCOL_ICMP);
    default:
      return isIpv6 && hasTransport(values, IP_PROTOCOL_ICMPV6);
  }
}

/** Only the first fragment has the transport header. */
function hasTransport(values: FlowWords, protocol: number): boolean {
  const word = values[W_TYPE_PROTO_FRAG]!;
  return ((word >>> 8) & 0xff) === protocol && (word & NW_FRAG_LATER) === 0;
}

function isNeighbourDiscovery(values: FlowWords, type: number): boolean {
  return (
    networkEthType(values) === ETHERTYPE_IPV6 &&
    hasTransport(values, IP_PROTOCOL_ICMPV6) &&
    values[W_TP]! >>> 16 === type &&
    (values[W_TP]! & 0xffff) === 0
  );
}
