/**
 * Software for what a port cannot do: complete a partial checksum, cut a segmentation-offload frame into ordinary ones.
 *
 * What. Packet sockets hand the switch frames with a virtio_net_hdr: the transport checksum is only started (its field
 * holds the sum of the pseudo-header) and one "frame" may be 64 kB of TCP or UDP payload behind one header, to be cut
 * every `gsoSize` bytes. Ports that take no such metadata (memory, pcap, tunnels) use this file before they send.
 *
 * How. Segment `index` is computed from the frame and the index alone, so the caller loops without allocating:
 * `for (i = 0; i < segmentCount(packet); i++) writeSegment(packet, i, out)`. Headers are found from the frame: the
 * metadata's header length is only a hint (a kernel gives the length of its linear buffer). IP lengths are not trusted
 * either, because a frame of more than 64 kB has 0 there.
 */
import { computeChecksum, ipv4PseudoHeaderSum, ipv6PseudoHeaderSum } from './checksum.ts';
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from './ethernet.ts';
import { IP_PROTOCOL_TCP, IP_PROTOCOL_UDP } from './ip-protocol.ts';
import {
  fillIpv4Checksum,
  IPV4_HEADER_LENGTH,
  ipv4HeaderLength,
  ipv4Identification,
  setIpv4Identification,
  setIpv4TotalLength,
} from './ipv4.ts';
import { IPV6_HEADER_LENGTH, setIpv6PayloadLength } from './ipv6.ts';
import { createLayers, locateLayers } from './layers.ts';
import { OFFLOAD_NEEDS_CHECKSUM, type Packet } from './packet.ts';
import { fillSctpChecksum, SCTP_CHECKSUM_OFFSET } from './sctp.ts';
import {
  checkTcp,
  fillTcpChecksum,
  setTcpFlags,
  setTcpSequence,
  TCP_CWR,
  TCP_FIN,
  TCP_PSH,
  tcpFlags,
  tcpSequence,
} from './tcp.ts';
import { fillUdpChecksum, setUdpTotalLength, UDP_HEADER_LENGTH } from './udp.ts';

/** virtio_net_hdr gso_type values (`Packet.gsoType`) */
export const GSO_NONE = 0;
export const GSO_TCPV4 = 1;
export const GSO_UDP = 3;
export const GSO_TCPV6 = 4;
export const GSO_UDP_L4 = 5;
/** bit of `Packet.gsoType`: the TCP segment has ECN's CWR set */
export const GSO_ECN = 0x80;

/** Offsets from the start of the frame under work, filled by `locateHeaders`. */
const headers = { network: 0, transport: 0, payload: 0, isIpv4: false, isTcp: false };
const layers = createLayers();

/**
 * Completes the checksum of a packet that needs it (OFFLOAD_NEEDS_CHECKSUM) and clears that flag. Returns `false`, and
 * leaves the packet alone, when the metadata points outside of the frame.
 */
export function completeChecksum(packet: Packet): boolean {
  if ((packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) === 0) {
    return true;
  }
  if (!isChecksumInside(packet)) {
    return false;
  }
  const { view, checksumOffset } = packet;
  const start = packet.start + packet.checksumStart;
  const end = packet.start + packet.length;
  if (checksumOffset === SCTP_CHECKSUM_OFFSET) {
    fillSctpChecksum(view, start, end);
  } else {
    // All ones instead of 0: UDP reads 0 as "no checksum", and the two are equal to every other protocol.
    view.setUint16(start + checksumOffset, computeChecksum(view, start, end - start) || 0xffff);
  }
  packet.offloadFlags &= ~OFFLOAD_NEEDS_CHECKSUM;
  return true;
}

/** Whether the checksum that is to be completed lies in the frame. */
function isChecksumInside(packet: Packet): boolean {
  // Only SCTP has its checksum there; it is a CRC of four bytes, for which the metadata has no flag.
  const width = packet.checksumOffset === SCTP_CHECKSUM_OFFSET ? 4 : 2;
  return packet.checksumStart + packet.checksumOffset + width <= packet.length;
}

/**
 * How many frames `packet` is to be cut into: 1 for an ordinary one, 0 when its metadata does not fit its headers or
 * asks for a segmentation that is not supported (IP fragmentation of UDP, `GSO_UDP`): such a packet is to be dropped.
 */
export function segmentCount(packet: Packet): number {
  if (isWhole(packet)) {
    return (packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) === 0 || isChecksumInside(packet) ? 1 : 0;
  }
  if (packet.gsoSize === 0 || !locateHeaders(packet)) {
    return 0;
  }
  const payloadLength = packet.length - headers.payload;
  return payloadLength === 0 ? 1 : Math.ceil(payloadLength / packet.gsoSize);
}

/**
 * Writes segment `index`, 0..`segmentCount(packet)`-1, into `segment`, another packet: with right lengths,
 * identification, sequence number, flags and checksums, and without offload metadata. The buffer of `segment` grows
 * where needed. An ordinary packet's one segment is a copy with its checksum completed.
 */
export function writeSegment(packet: Packet, index: number, segment: Packet): void {
  if (isWhole(packet)) {
    segment.copyFrom(packet);
    completeChecksum(segment);
    segment.clearOffload();
    return;
  }
  if (!locateHeaders(packet)) {
    throw new Error(`packet of ${packet.length} bytes has no segments (gso type ${packet.gsoType})`);
  }
  const { network, transport, payload, isIpv4, isTcp } = headers;
  const position = index * packet.gsoSize;
  const payloadLength = Math.min(packet.gsoSize, packet.length - payload - position);
  segment.reset(payload + payloadLength);
  segment.copyBytes(packet, 0, payload, 0);
  segment.copyBytes(packet, payload + position, payloadLength, payload);
  segment.mplsOffset = packet.mplsOffset;
  segment.networkOffset = packet.networkOffset;
  segment.transportOffset = packet.transportOffset;

  const { view } = segment;
  const end = segment.start + segment.length;
  const ip = segment.start + network;
  const at = segment.start + transport;
  const protocol = isTcp ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP;
  let pseudoHeaderSum: number;
  if (isIpv4) {
    setIpv4TotalLength(view, ip, end - ip);
    setIpv4Identification(view, ip, (ipv4Identification(view, ip) + index) & 0xffff);
    fillIpv4Checksum(view, ip);
    pseudoHeaderSum = ipv4PseudoHeaderSum(view, ip, end - at, protocol);
  } else {
    setIpv6PayloadLength(view, ip, end - ip - IPV6_HEADER_LENGTH);
    pseudoHeaderSum = ipv6PseudoHeaderSum(view, ip, end - at, protocol);
  }
  if (isTcp) {
    const isLast = payload + position + payloadLength === packet.length;
    const notHere = (index === 0 ? 0 : TCP_CWR) | (isLast ? 0 : TCP_FIN | TCP_PSH);
    setTcpSequence(view, at, (tcpSequence(view, at) + position) >>> 0);
    setTcpFlags(view, at, tcpFlags(view, at) & ~notHere);
    fillTcpChecksum(view, at, end, pseudoHeaderSum);
  } else {
    setUdpTotalLength(view, at, end - at);
    fillUdpChecksum(view, at, end, pseudoHeaderSum);
  }
}

/** Whether the packet is one frame, not to be cut. */
function isWhole(packet: Packet): boolean {
  return (packet.gsoType & ~GSO_ECN) === GSO_NONE;
}

/** Fills `headers` for a GSO packet; `false` when its headers are not what its GSO type says. */
function locateHeaders(packet: Packet): boolean {
  const { view, start } = packet;
  const end = start + packet.length;
  const type = packet.gsoType & ~GSO_ECN;
  locateLayers(view, start, end, layers);
  const { network } = layers;
  const isStarted = (packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) !== 0;
  const transport = isStarted ? start + packet.checksumStart : layers.transport;
  const isIpv4 = layers.ethertype === ETHERTYPE_IPV4;
  const isTcp = type !== GSO_UDP_L4;
  if (network < 0 || transport < 0) {
    return false;
  }
  if (isIpv4) {
    if (type === GSO_TCPV6 || transport - network < IPV4_HEADER_LENGTH || transport > end) {
      return false;
    }
    if (ipv4HeaderLength(view, network) !== transport - network) {
      return false;
    }
  } else if (layers.ethertype !== ETHERTYPE_IPV6 || type === GSO_TCPV4 || transport - network < IPV6_HEADER_LENGTH) {
    return false;
  }
  if ((isTcp && type !== GSO_TCPV4 && type !== GSO_TCPV6) || transport + UDP_HEADER_LENGTH > end) {
    return false;
  }
  const transportLength = isTcp ? checkTcp(view, transport, end) : UDP_HEADER_LENGTH;
  if (transportLength < 0) {
    return false;
  }
  headers.network = network - start;
  headers.transport = transport - start;
  headers.payload = transport - start + transportLength;
  headers.isIpv4 = isIpv4;
  headers.isTcp = isTcp;
  return true;
}
