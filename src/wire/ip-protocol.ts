/** IP protocol numbers (IANA, "Assigned Internet Protocol Numbers") that the switch knows, and their names. */

export const IP_PROTOCOL_HOP_BY_HOP = 0;
export const IP_PROTOCOL_ICMP = 1;
export const IP_PROTOCOL_IGMP = 2;
export const IP_PROTOCOL_IPIP = 4;
export const IP_PROTOCOL_TCP = 6;
export const IP_PROTOCOL_UDP = 17;
export const IP_PROTOCOL_IPV6 = 41;
export const IP_PROTOCOL_ROUTING = 43;
export const IP_PROTOCOL_FRAGMENT = 44;
export const IP_PROTOCOL_GRE = 47;
export const IP_PROTOCOL_ESP = 50;
export const IP_PROTOCOL_AH = 51;
export const IP_PROTOCOL_ICMPV6 = 58;
export const IP_PROTOCOL_NO_NEXT = 59;
export const IP_PROTOCOL_DESTINATION_OPTIONS = 60;
export const IP_PROTOCOL_SCTP = 132;
export const IP_PROTOCOL_UDPLITE = 136;

const NAMES: ReadonlyMap<number, string> = new Map([
  [IP_PROTOCOL_HOP_BY_HOP, 'HBH'],
  [IP_PROTOCOL_ICMP, 'ICMP'],
  [IP_PROTOCOL_IGMP, 'igmp'],
  [IP_PROTOCOL_IPIP, 'IP'],
  [IP_PROTOCOL_TCP, 'TCP'],
  [IP_PROTOCOL_UDP, 'UDP'],
  [IP_PROTOCOL_IPV6, 'IP6'],
  [IP_PROTOCOL_ROUTING, 'RT6'],
  [IP_PROTOCOL_FRAGMENT, 'frag'],
  [IP_PROTOCOL_GRE, 'GRE'],
  [IP_PROTOCOL_ESP, 'ESP'],
  [IP_PROTOCOL_AH, 'AH'],
  [IP_PROTOCOL_ICMPV6, 'ICMP6'],
  [IP_PROTOCOL_NO_NEXT, 'no next header'],
  [IP_PROTOCOL_DESTINATION_OPTIONS, 'DSTOPT'],
  [IP_PROTOCOL_SCTP, 'sctp'],
]);

/** The protocol's name as tcpdump writes it, `ip-proto-N` when it has none. */
export function formatIpProtocol(protocol: number): string {
  return NAMES.get(protocol) ?? `ip-proto-${protocol}`;
}
