/**
 * Builds whole frames from records: what a test, an in-process host or `ofproto/trace` says in a few fields becomes a
 * frame with all lengths, protocol numbers and checksums right.
 *
 * What is left out has a plain default: addresses 0, TTL 64, a TCP window of 65535, and so on. Types and protocol
 * numbers follow from what is inside, unless they are given. Addresses may be text or numbers. At most one network
 * header and one transport header; the payload comes last.
 */
import { ARP_REQUEST, type ArpHeader, arpLength, emitArp } from './arp.ts';
import { writeBytes } from './bytes.ts';
import { ipv4PseudoHeaderSum, ipv6PseudoHeaderSum } from './checksum.ts';
import {
  ETHERNET_HEADER_LENGTH,
  ETHERNET_TYPE_OFFSET,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_NONE,
  ETHERTYPE_NSH,
  ETHERTYPE_VLAN,
  setEthernetDestination,
  setEthernetSource,
} from './ethernet.ts';
import { parseEthernetAddress } from './ethernet-address.ts';
import { emitIcmp, fillIcmpChecksum, type IcmpHeader, icmpLength } from './icmp.ts';
import { emitIcmpv6, fillIcmpv6Checksum, type Icmpv6Header, icmpv6Length } from './icmpv6.ts';
import { emitIgmp, type IgmpMessage, igmpLength } from './igmp.ts';
import { parseIpv4Address, parseIpv6Address } from './ip-address.ts';
import {
  IP_PROTOCOL_AH,
  IP_PROTOCOL_DESTINATION_OPTIONS,
  IP_PROTOCOL_FRAGMENT,
  IP_PROTOCOL_HOP_BY_HOP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_IGMP,
  IP_PROTOCOL_NO_NEXT,
  IP_PROTOCOL_ROUTING,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from './ip-protocol.ts';
import { emitIpv4, type Ipv4Header, ipv4Length } from './ipv4.ts';
import { emitIpv6, IPV6_HEADER_LENGTH, type Ipv6Header } from './ipv6.ts';
import { emitIpv6Extension, type Ipv6Extension, ipv6ExtensionLength } from './ipv6-extension.ts';
import { emitMld, type MldMessage, mldLength } from './mld.ts';
import { emitMpls, MPLS_ENTRY_LENGTH, type MplsEntry } from './mpls.ts';
import { emitNdp, type NdpMessage, ndpLength } from './ndp.ts';
import { emitNsh, NSH_METADATA_TYPE1, NSH_NEXT_IPV4, NSH_NEXT_IPV6, type NshHeader, nshLength } from './nsh.ts';
import { DEFAULT_HEADROOM, Packet } from './packet.ts';
import { emitSctp, fillSctpChecksum, type SctpHeader, sctpLength } from './sctp.ts';
import { emitTcp, fillTcpChecksum, type TcpHeader, tcpLength } from './tcp.ts';
import { emitUdp, fillUdpChecksum, type UdpHeader, udpLength } from './udp.ts';
import { emitVlan, VLAN_TAG_LENGTH, type VlanTag } from './vlan.ts';

/** A record of which any field may be left out, and whose addresses may be text. */
type Loose<Header, Address extends keyof Header> = Partial<Omit<Header, Address>> & {
  readonly [Field in Address]?: Header[Field] | string;
};

/** What a frame consists of, outermost first. */
export interface FrameSpec {
  readonly ethernet?: {
    readonly source?: bigint | string;
    readonly destination?: bigint | string;
    /** Ethertype behind tags; follows from the content when left out */
    readonly type?: number;
  };
  /** outermost first */
  readonly vlans?: readonly Partial<VlanTag>[];
  /** outermost first; the bottom-of-stack bit is set in the last unless it is given */
  readonly mpls?: readonly Partial<MplsEntry>[];
  readonly nsh?: Partial<NshHeader>;
  readonly arp?: Loose<ArpHeader, 'senderEthernet' | 'senderIpv4' | 'targetEthernet' | 'targetIpv4'>;
  readonly ipv4?: Loose<Ipv4Header, 'source' | 'destination'>;
  readonly ipv6?: Loose<Ipv6Header, 'source' | 'destination'> & {
    /** in order; their `nextHeader` follows from what comes next */
    readonly extensions?: readonly Ipv6Extension[];
  };
  readonly tcp?: Partial<TcpHeader>;
  readonly udp?: Partial<UdpHeader>;
  readonly sctp?: Partial<SctpHeader>;
  readonly icmp?: Partial<IcmpHeader>;
  readonly icmpv6?: Partial<Icmpv6Header>;
  readonly ndp?: NdpMessage;
  readonly mld?: MldMessage;
  readonly igmp?: IgmpMessage;
  readonly payload?: Uint8Array;
  /** the frame is padded with zeros to this length */
  readonly minimumLength?: number;
}

const NO_BYTES = new Uint8Array(0);

/** The frame that `spec` says. Throws `AddressError` for an address in text that is none. */
export function composeFrame(spec: FrameSpec): Uint8Array {
  return composePacket(spec, 0).frame();
}

/** The frame that `spec` says, in a packet with `headroom` bytes before it. */
export function composePacket(spec: FrameSpec, headroom: number = DEFAULT_HEADROOM): Packet {
  const payload = spec.payload ?? NO_BYTES;
  const transport = completeTransport(spec);
  const transportLength = lengthOfTransport(transport);
  const networkOffset = lengthOfLink(spec);
  const networkLength = lengthOfNetwork(spec);
  const length = networkOffset + networkLength + transportLength + payload.length;
  const packet = Packet.allocate(Math.max(length, spec.minimumLength ?? 0), headroom);
  packet.length = Math.max(length, spec.minimumLength ?? 0);
  const { view, start } = packet;
  const network = start + networkOffset;
  const at = network + networkLength;

  emitLink(spec, view, start);
  emitNetwork(spec, transport.protocol, transportLength + payload.length, view, network);
  writeBytes(view, at + transportLength, payload);
  emitTransport(spec, transport, view, network, at, start + length);
  return packet;
}

/** A transport header with all its fields, and the protocol number that goes with it. */
type Transport =
  | { readonly kind: 'tcp'; readonly protocol: number; readonly header: TcpHeader }
  | { readonly kind: 'udp'; readonly protocol: number; readonly header: UdpHeader }
  | { readonly kind: 'sctp'; readonly protocol: number; readonly header: SctpHeader }
  | { readonly kind: 'icmp'; readonly protocol: number; readonly header: IcmpHeader }
  | { readonly kind: 'icmpv6'; readonly protocol: number; readonly header: Icmpv6Header }
  | { readonly kind: 'ndp'; readonly protocol: number; readonly header: NdpMessage }
  | { readonly kind: 'mld'; readonly protocol: number; readonly header: MldMessage }
  | { readonly kind: 'igmp'; readonly protocol: number; readonly header: IgmpMessage }
  | { readonly kind: 'none'; readonly protocol: number };

function completeTransport(spec: FrameSpec): Transport {
  const { tcp, udp, sctp, icmp, icmpv6, ndp, mld, igmp } = spec;
  const ports = { sourcePort: 0, destinationPort: 0 };
  if (tcp !== undefined) {
    const rest = { sequence: 0, acknowledgment: 0, flags: 0, window: 65535, urgentPointer: 0, options: [] };
    return { kind: 'tcp', protocol: IP_PROTOCOL_TCP, header: { ...ports, ...rest, ...tcp } };
  }
  if (udp !== undefined) {
    const payloadLength = spec.payload?.length ?? 0;
    return { kind: 'udp', protocol: IP_PROTOCOL_UDP, header: { ...ports, payloadLength, ...udp } };
  }
  if (sctp !== undefined) {
    return { kind: 'sctp', protocol: IP_PROTOCOL_SCTP, header: { ...ports, verificationTag: 0, ...sctp } };
  }
  if (icmp !== undefined) {
    return { kind: 'icmp', protocol: IP_PROTOCOL_ICMP, header: { type: 0, code: 0, rest: 0, ...icmp } };
  }
  if (icmpv6 !== undefined) {
    return { kind: 'icmpv6', protocol: IP_PROTOCOL_ICMPV6, header: { type: 0, code: 0, rest: 0, ...icmpv6 } };
  }
  if (ndp !== undefined) {
    return { kind: 'ndp', protocol: IP_PROTOCOL_ICMPV6, header: ndp };
  }
  if (mld !== undefined) {
    return { kind: 'mld', protocol: IP_PROTOCOL_ICMPV6, header: mld };
  }
  if (igmp !== undefined) {
    return { kind: 'igmp', protocol: IP_PROTOCOL_IGMP, header: igmp };
  }
  return { kind: 'none', protocol: IP_PROTOCOL_NO_NEXT };
}

function lengthOfTransport(transport: Transport): number {
  switch (transport.kind) {
    case 'tcp':
      return tcpLength(transport.header);
    case 'udp':
      return udpLength(transport.header);
    case 'sctp':
      return sctpLength(transport.header);
    case 'icmp':
      return icmpLength(transport.header);
    case 'icmpv6':
      return icmpv6Length(transport.header);
    case 'ndp':
      return ndpLength(transport.header);
    case 'mld':
      return mldLength(transport.header);
    case 'igmp':
      return igmpLength(transport.header);
    case 'none':
      return 0;
  }
}

function lengthOfLink(spec: FrameSpec): number {
  const tags = (spec.vlans?.length ?? 0) * VLAN_TAG_LENGTH;
  const labels = (spec.mpls?.length ?? 0) * MPLS_ENTRY_LENGTH;
  const nsh = spec.nsh === undefined ? 0 : nshLength(completeNsh(spec, spec.nsh));
  return ETHERNET_HEADER_LENGTH + tags + labels + nsh;
}

function lengthOfNetwork(spec: FrameSpec): number {
  if (spec.arp !== undefined) {
    return arpLength(completeArp(spec.arp));
  }
  if (spec.ipv4 !== undefined) {
    return ipv4Length(completeIpv4(spec.ipv4, 0, 0));
  }
  if (spec.ipv6 !== undefined) {
    let length = IPV6_HEADER_LENGTH;
    for (const extension of spec.ipv6.extensions ?? []) {
      length += ipv6ExtensionLength(extension);
    }
    return length;
  }
  return 0;
}

/** The Ethertype of the network header. */
function networkType(spec: FrameSpec): number {
  if (spec.arp !== undefined) {
    return ETHERTYPE_ARP;
  }
  if (spec.ipv4 !== undefined) {
    return ETHERTYPE_IPV4;
  }
  return spec.ipv6 === undefined ? ETHERTYPE_NONE : ETHERTYPE_IPV6;
}

/** Writes Ethernet header, tags, labels and NSH. */
function emitLink(spec: FrameSpec, view: DataView, start: number): void {
  const { ethernet = {}, vlans = [], mpls = [], nsh } = spec;
  setEthernetDestination(view, start, toEthernet(ethernet.destination));
  setEthernetSource(view, start, toEthernet(ethernet.source));
  let at = start + ETHERNET_TYPE_OFFSET;
  for (const tag of vlans) {
    at += emitVlan({ tpid: ETHERTYPE_VLAN, priority: 0, dropEligible: false, vlanId: 0, ...tag }, view, at);
  }
  let type = networkType(spec);
  if (nsh !== undefined) {
    type = ETHERTYPE_NSH;
  } else if (mpls.length > 0) {
    type = ETHERTYPE_MPLS;
  }
  view.setUint16(at, ethernet.type ?? type);
  at += 2;
  for (let index = 0; index < mpls.length; index++) {
    const bottomOfStack = index === mpls.length - 1;
    at += emitMpls({ label: 0, trafficClass: 0, bottomOfStack, ttl: 64, ...mpls[index] }, view, at);
  }
  if (nsh !== undefined) {
    emitNsh(completeNsh(spec, nsh), view, at);
  }
}

function emitNetwork(spec: FrameSpec, protocol: number, payloadLength: number, view: DataView, offset: number): void {
  if (spec.arp !== undefined) {
    emitArp(completeArp(spec.arp), view, offset);
  } else if (spec.ipv4 !== undefined) {
    emitIpv4(completeIpv4(spec.ipv4, protocol, payloadLength), view, offset);
  } else if (spec.ipv6 !== undefined) {
    emitIpv6Chain(spec.ipv6, protocol, payloadLength, view, offset);
  }
}

function emitIpv6Chain(
  spec: NonNullable<FrameSpec['ipv6']>,
  protocol: number,
  payloadLength: number,
  view: DataView,
  offset: number,
): void {
  const { extensions = [], source, destination, nextHeader: upperLayer = protocol, ...rest } = spec;
  const protocols = extensions.map((extension, index) => extensionProtocol(extension, index === 0));
  protocols.push(upperLayer);
  let at = offset + IPV6_HEADER_LENGTH;
  for (let index = 0; index < extensions.length; index++) {
    at += emitIpv6Extension({ ...extensions[index]!, nextHeader: protocols[index + 1]! }, view, at);
  }
  const header: Ipv6Header = {
    trafficClass: 0,
    flowLabel: 0,
    hopLimit: 64,
    payloadLength: at - offset - IPV6_HEADER_LENGTH + payloadLength,
    ...rest,
    nextHeader: protocols[0]!,
    source: toIpv6(source),
    destination: toIpv6(destination),
  };
  emitIpv6(header, view, offset);
}

/** Options directly behind the IPv6 header are hop-by-hop options, elsewhere destination options. */
function extensionProtocol(extension: Ipv6Extension, isFirst: boolean): number {
  switch (extension.kind) {
    case 'options':
      return isFirst ? IP_PROTOCOL_HOP_BY_HOP : IP_PROTOCOL_DESTINATION_OPTIONS;
    case 'routing':
      return IP_PROTOCOL_ROUTING;
    case 'fragment':
      return IP_PROTOCOL_FRAGMENT;
    case 'authentication':
      return IP_PROTOCOL_AH;
  }
}

/** Writes the transport header, and its checksum over everything up to `end`. */
function emitTransport(
  spec: FrameSpec,
  transport: Transport,
  view: DataView,
  network: number,
  offset: number,
  end: number,
): void {
  let pseudoHeaderSum = 0;
  if (spec.ipv4 !== undefined) {
    pseudoHeaderSum = ipv4PseudoHeaderSum(view, network, end - offset, transport.protocol);
  } else if (spec.ipv6 !== undefined) {
    pseudoHeaderSum = ipv6PseudoHeaderSum(view, network, end - offset, transport.protocol);
  }
  switch (transport.kind) {
    case 'tcp':
      emitTcp(transport.header, view, offset);
      fillTcpChecksum(view, offset, end, pseudoHeaderSum);
      break;
    case 'udp':
      emitUdp(transport.header, view, offset);
      fillUdpChecksum(view, offset, end, pseudoHeaderSum);
      break;
    case 'sctp':
      emitSctp(transport.header, view, offset);
      fillSctpChecksum(view, offset, end);
      break;
    case 'icmp':
      emitIcmp(transport.header, view, offset);
      fillIcmpChecksum(view, offset, end);
      break;
    case 'icmpv6':
      emitIcmpv6(transport.header, view, offset);
      fillIcmpv6Checksum(view, offset, end, pseudoHeaderSum);
      break;
    case 'ndp':
      emitNdp(transport.header, view, offset);
      fillIcmpv6Checksum(view, offset, end, pseudoHeaderSum);
      break;
    case 'mld':
      emitMld(transport.header, view, offset);
      fillIcmpv6Checksum(view, offset, end, pseudoHeaderSum);
      break;
    case 'igmp':
      emitIgmp(transport.header, view, offset);
      break;
    case 'none':
      break;
  }
}

function completeArp(spec: NonNullable<FrameSpec['arp']>): ArpHeader {
  return {
    operation: spec.operation ?? ARP_REQUEST,
    senderEthernet: toEthernet(spec.senderEthernet),
    senderIpv4: toIpv4(spec.senderIpv4),
    targetEthernet: toEthernet(spec.targetEthernet),
    targetIpv4: toIpv4(spec.targetIpv4),
  };
}

function completeIpv4(
  { source, destination, ...rest }: NonNullable<FrameSpec['ipv4']>,
  protocol: number,
  payloadLength: number,
): Ipv4Header {
  return {
    tos: 0,
    identification: 0,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol,
    options: NO_BYTES,
    payloadLength,
    ...rest,
    source: toIpv4(source),
    destination: toIpv4(destination),
  };
}

function completeNsh(spec: FrameSpec, nsh: Partial<NshHeader>): NshHeader {
  return {
    flags: 0,
    ttl: 63,
    metadataType: NSH_METADATA_TYPE1,
    nextProtocol: spec.ipv6 === undefined ? NSH_NEXT_IPV4 : NSH_NEXT_IPV6,
    servicePath: 0,
    serviceIndex: 255,
    context: new Uint8Array(16),
    ...nsh,
  };
}

function toEthernet(address: bigint | string | undefined): bigint {
  return typeof address === 'string' ? parseEthernetAddress(address) : (address ?? 0n);
}

function toIpv4(address: number | string | undefined): number {
  return typeof address === 'string' ? parseIpv4Address(address) : (address ?? 0);
}

function toIpv6(address: bigint | string | undefined): bigint {
  return typeof address === 'string' ? parseIpv6Address(address) : (address ?? 0n);
}
