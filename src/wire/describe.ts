/**
 * One frame as one line of text, in the words of `tcpdump -n -e -S`: for traces, logs, tests and people.
 *
 * Where tcpdump decodes what the switch does not (routing protocols, hex dumps of unknown frames) the line just ends;
 * what is cut off says `[|tcp]` as tcpdump does.
 */
import { formatArp, parseArp } from './arp.ts';
import {
  ETHERNET_TYPE_OFFSET,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MINIMUM,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_NSH,
  ETHERTYPE_RARP,
  ETHERTYPE_TRANSPARENT_ETHERNET,
  formatEthernet,
  formatEthertype,
  parseEthernet,
} from './ethernet.ts';
import { formatIcmp, ICMP_HEADER_LENGTH, type IcmpQuote, parseIcmp } from './icmp.ts';
import { formatIcmpv6, ICMPV6_HEADER_LENGTH, parseIcmpv6 } from './icmpv6.ts';
import { formatIgmp, parseIgmp } from './igmp.ts';
import { formatIpv4Address, formatIpv6Address } from './ip-address.ts';
import {
  formatIpProtocol,
  IP_PROTOCOL_FRAGMENT,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_IGMP,
  IP_PROTOCOL_IPIP,
  IP_PROTOCOL_IPV6,
  IP_PROTOCOL_NO_NEXT,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from './ip-protocol.ts';
import { IPV4_HEADER_LENGTH, ipv4Destination, ipv4HeaderLength, ipv4Length, ipv4Protocol, parseIpv4 } from './ipv4.ts';
import { IPV6_HEADER_LENGTH, ipv6Destination, ipv6NextHeader, parseIpv6 } from './ipv6.ts';
import { checkIpv6Extension, formatIpv6Extension, isIpv6Extension, parseIpv6Extension } from './ipv6-extension.ts';
import { formatSnap, parseSnap, SNAP_HEADER_LENGTH } from './llc.ts';
import { formatMld, parseMld } from './mld.ts';
import { formatMpls, MPLS_ENTRY_LENGTH, mplsPayloadType, parseMpls } from './mpls.ts';
import { formatNdp, parseNdp } from './ndp.ts';
import { formatNsh, nshLength, nshNextEthertype, parseNsh } from './nsh.ts';
import type { Packet } from './packet.ts';
import { checkSctp, formatSctp, sctpDestinationPort, sctpSourcePort } from './sctp.ts';
import { formatTcp, parseTcp, tcpHeaderLength } from './tcp.ts';
import { checkUdp, formatUdp, parseUdp, udpDestinationPort, udpSourcePort } from './udp.ts';
import { formatVlan, parseVlan, VLAN_TAG_LENGTH } from './vlan.ts';

/** One line for the packet's frame. */
export function describePacket(packet: Packet): string {
  return describe(packet.view, packet.start, packet.start + packet.length);
}

/** One line for an Ethernet frame. */
export function describeFrame(frame: Uint8Array): string {
  return describe(new DataView(frame.buffer, frame.byteOffset, frame.byteLength), 0, frame.length);
}

function describe(view: DataView, start: number, end: number): string {
  const ethernet = parseEthernet(view, start, end);
  if (ethernet === null) {
    return '[|ether]';
  }
  const head = `${formatEthernet(ethernet)}, length ${end - start}`;
  const body = describeType(view, start + ETHERNET_TYPE_OFFSET, end).trimEnd();
  return body === '' ? head : `${head}: ${body}`;
}

/** What the type field at `offset` names: a tag, an 802.2 header, or a payload. */
function describeType(view: DataView, offset: number, end: number): string {
  const tag = parseVlan(view, offset, end);
  if (tag !== null) {
    const next = view.getUint16(offset + VLAN_TAG_LENGTH);
    const type = next < ETHERTYPE_MINIMUM ? '802.3' : `ethertype ${formatEthertype(next)}`;
    return `${formatVlan(tag)}, ${type}, ${describeType(view, offset + VLAN_TAG_LENGTH, end)}`;
  }
  const type = view.getUint16(offset);
  if (type >= ETHERTYPE_MINIMUM) {
    return describeNetwork(view, offset + 2, end, type);
  }
  const snap = parseSnap(view, offset + 2, end);
  if (snap === null) {
    return 'LLC';
  }
  const body = describeNetwork(view, offset + 2 + SNAP_HEADER_LENGTH, end, snap.organization === 0 ? snap.type : 0);
  return `${formatSnap(snap)}: ${body}`;
}

function describeNetwork(view: DataView, offset: number, end: number, type: number): string {
  switch (type) {
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP: {
      const arp = parseArp(view, offset, end);
      return arp === null ? '[|arp]' : `${formatArp(arp)}, length ${end - offset}`;
    }
    case ETHERTYPE_IPV4:
      return describeIpv4(view, offset, end);
    case ETHERTYPE_IPV6:
      return describeIpv6(view, offset, end);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
      return describeMpls(view, offset, end);
    case ETHERTYPE_NSH: {
      const nsh = parseNsh(view, offset, end);
      if (nsh === null) {
        return '[|nsh]';
      }
      const inner = describeNetwork(view, offset + nshLength(nsh), end, nshNextEthertype(nsh.nextProtocol));
      return `${formatNsh(nsh)}: ${inner}`;
    }
    case ETHERTYPE_TRANSPARENT_ETHERNET:
      return describe(view, offset, end);
    default:
      return '';
  }
}

function describeMpls(view: DataView, offset: number, end: number): string {
  let text = 'MPLS';
  for (let at = offset; ; at += MPLS_ENTRY_LENGTH) {
    const entry = parseMpls(view, at, end);
    if (entry === null) {
      return `${text} [|mpls]`;
    }
    text += ` ${formatMpls(entry)}`;
    if (entry.bottomOfStack) {
      const next = at + MPLS_ENTRY_LENGTH;
      return `${text} ${describeNetwork(view, next, end, mplsPayloadType(view, next, end))}`;
    }
  }
}

function describeIpv4(view: DataView, offset: number, end: number): string {
  const header = parseIpv4(view, offset, end);
  if (header === null) {
    return '[|ip]';
  }
  const source = formatIpv4Address(header.source);
  const destination = formatIpv4Address(header.destination);
  if (header.fragmentOffset !== 0) {
    return `${source} > ${destination}: ip-proto-${header.protocol}`;
  }
  const at = offset + ipv4Length(header);
  return describeTransport(view, at, at + header.payloadLength, header.protocol, source, destination, '');
}

function describeIpv6(view: DataView, offset: number, end: number): string {
  const header = parseIpv6(view, offset, end);
  if (header === null) {
    return '[|ip6]';
  }
  const source = formatIpv6Address(header.source);
  const destination = formatIpv6Address(header.destination);
  const packetEnd = offset + IPV6_HEADER_LENGTH + header.payloadLength;
  let at = offset + IPV6_HEADER_LENGTH;
  let protocol = header.nextHeader;
  let extensions = '';
  while (isIpv6Extension(protocol)) {
    const length = checkIpv6Extension(view, at, packetEnd, protocol);
    const extension = parseIpv6Extension(view, at, packetEnd, protocol);
    if (extension === null) {
      return `${source} > ${destination}: ${extensions}[|${formatIpProtocol(protocol)}]`;
    }
    at += length;
    extensions += `${formatIpv6Extension(extension, protocol, packetEnd - at)} `;
    if (protocol === IP_PROTOCOL_FRAGMENT && extension.kind === 'fragment' && extension.fragmentOffset !== 0) {
      return `${source} > ${destination}: ${extensions}`;
    }
    protocol = extension.nextHeader;
  }
  return describeTransport(view, at, packetEnd, protocol, source, destination, extensions);
}

/** The part of the line from the addresses on, which take the ports when there are any. */
function describeTransport(
  view: DataView,
  offset: number,
  end: number,
  protocol: number,
  source: string,
  destination: string,
  extensions: string,
): string {
  const head = `${source} > ${destination}: ${extensions}`;
  switch (protocol) {
    case IP_PROTOCOL_TCP: {
      const tcp = parseTcp(view, offset, end);
      if (tcp === null) {
        return `${head}[|tcp]`;
      }
      const text = formatTcp(tcp, end - offset - tcpHeaderLength(view, offset));
      return `${source}.${tcp.sourcePort} > ${destination}.${tcp.destinationPort}: ${extensions}${text}`;
    }
    case IP_PROTOCOL_UDP:
      return describeUdp(view, offset, end, source, destination, extensions);
    case IP_PROTOCOL_SCTP: {
      if (checkSctp(view, offset, end) < 0) {
        return `${head}[|sctp]`;
      }
      const ports = `${source}.${sctpSourcePort(view, offset)} > ${destination}.${sctpDestinationPort(view, offset)}`;
      return `${ports}: ${extensions}${formatSctp(view, offset, end)}`;
    }
    case IP_PROTOCOL_ICMP: {
      const icmp = parseIcmp(view, offset, end);
      return icmp === null
        ? `${head}[|icmp]`
        : `${head}${formatIcmp(icmp, end - offset, quoteIpv4(view, offset, end))}`;
    }
    case IP_PROTOCOL_ICMPV6:
      return `${head}${describeIcmpv6(view, offset, end)}`;
    case IP_PROTOCOL_IGMP: {
      const igmp = parseIgmp(view, offset, end);
      return igmp === null ? `${head}[|igmp]` : `${head}${formatIgmp(igmp)}`;
    }
    case IP_PROTOCOL_IPIP:
      return `${head}${describeIpv4(view, offset, end)}`;
    case IP_PROTOCOL_IPV6:
      return `${head}${describeIpv6(view, offset, end)}`;
    case IP_PROTOCOL_NO_NEXT:
      return `${head}${formatIpProtocol(protocol)}`;
    default:
      return `${head}${formatIpProtocol(protocol)}, length ${end - offset}`;
  }
}

function describeUdp(
  view: DataView,
  offset: number,
  end: number,
  source: string,
  destination: string,
  extensions: string,
): string {
  if (checkUdp(view, offset, end) < 0) {
    return `${source} > ${destination}: ${extensions}[|udp]`;
  }
  const udp = parseUdp(view, offset, end);
  const ports = `${source}.${udpSourcePort(view, offset)} > ${destination}.${udpDestinationPort(view, offset)}`;
  // A first fragment carries the length of the whole datagram.
  return `${ports}: ${extensions}${udp === null ? `UDP, length ${end - offset - 8}` : formatUdp(udp)}`;
}

function describeIcmpv6(view: DataView, offset: number, end: number): string {
  const icmpv6 = parseIcmpv6(view, offset, end);
  if (icmpv6 === null) {
    return '[|icmp6]';
  }
  const ndp = parseNdp(view, offset, end);
  if (ndp !== null) {
    return formatNdp(ndp);
  }
  const mld = parseMld(view, offset, end);
  return mld === null ? formatIcmpv6(icmpv6, end - offset, quoteIpv6(view, offset, end)) : formatMld(mld);
}

/** What the ICMP error at `offset` says of the packet that it quotes, which is usually cut off. */
function quoteIpv4(view: DataView, offset: number, end: number): IcmpQuote | null {
  const at = offset + ICMP_HEADER_LENGTH;
  if (end - at < IPV4_HEADER_LENGTH) {
    return null;
  }
  const protocol = ipv4Protocol(view, at);
  const port = quotePort(view, at + ipv4HeaderLength(view, at), end, protocol);
  return { destination: formatIpv4Address(ipv4Destination(view, at)), protocol, port };
}

function quoteIpv6(view: DataView, offset: number, end: number): IcmpQuote | null {
  const at = offset + ICMPV6_HEADER_LENGTH;
  if (end - at < IPV6_HEADER_LENGTH) {
    return null;
  }
  const protocol = ipv6NextHeader(view, at);
  const port = quotePort(view, at + IPV6_HEADER_LENGTH, end, protocol);
  return { destination: formatIpv6Address(ipv6Destination(view, at)), protocol, port };
}

function quotePort(view: DataView, offset: number, end: number, protocol: number): string {
  if ((protocol !== IP_PROTOCOL_TCP && protocol !== IP_PROTOCOL_UDP) || end - offset < 4) {
    return '';
  }
  return `${protocol === IP_PROTOCOL_TCP ? 'tcp' : 'udp'} port ${view.getUint16(offset + 2)}`;
}
