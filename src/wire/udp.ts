/**
 * The UDP header (RFC 768).
 *
 * The check asks only for eight bytes, as Open vSwitch does when it reads ports; `parseUdp` asks also for a length that
 * fits. A checksum of 0 means that there is none.
 */
import { computeChecksum } from './checksum.ts';

export const UDP_HEADER_LENGTH = 8;
/** Offset of the checksum in the header. */
export const UDP_CHECKSUM_OFFSET = 6;

export interface UdpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** bytes after the header */
  readonly payloadLength: number;
}

/** The length of the header at `offset`, or -1 when the packet is too short. */
export function checkUdp(_view: DataView, offset: number, end: number): number {
  return end - offset < UDP_HEADER_LENGTH ? -1 : UDP_HEADER_LENGTH;
}

export function udpSourcePort(view: DataView, offset: number): number {
  return view.getUint16(offset);
}

export function udpDestinationPort(view: DataView, offset: number): number {
  return view.getUint16(offset + 2);
}

/** Header and payload together. */
export function udpTotalLength(view: DataView, offset: number): number {
  return view.getUint16(offset + 4);
}

export function udpChecksum(view: DataView, offset: number): number {
  return view.getUint16(offset + UDP_CHECKSUM_OFFSET);
}

export function setUdpSourcePort(view: DataView, offset: number, port: number): void {
  view.setUint16(offset, port);
}

export function setUdpDestinationPort(view: DataView, offset: number, port: number): void {
  view.setUint16(offset + 2, port);
}

export function setUdpTotalLength(view: DataView, offset: number, length: number): void {
  view.setUint16(offset + 4, length);
}

export function setUdpChecksum(view: DataView, offset: number, checksum: number): void {
  view.setUint16(offset + UDP_CHECKSUM_OFFSET, checksum);
}

/** Computes and writes the checksum of the datagram `[offset, end)`; `pseudoHeaderSum` is of the IP header. */
export function fillUdpChecksum(view: DataView, offset: number, end: number, pseudoHeaderSum: number): void {
  setUdpChecksum(view, offset, 0);
  // 0 would say "no checksum"; all ones is the same number in one's complement (RFC 768).
  setUdpChecksum(view, offset, computeChecksum(view, offset, end - offset, pseudoHeaderSum) || 0xffff);
}

/** The header at `offset`, or `null` when it is cut off or its length does not fit. */
export function parseUdp(view: DataView, offset: number, end: number): UdpHeader | null {
  if (checkUdp(view, offset, end) < 0) {
    return null;
  }
  const totalLength = udpTotalLength(view, offset);
  if (totalLength < UDP_HEADER_LENGTH || totalLength > end - offset) {
    return null;
  }
  return {
    sourcePort: udpSourcePort(view, offset),
    destinationPort: udpDestinationPort(view, offset),
    payloadLength: totalLength - UDP_HEADER_LENGTH,
  };
}

/** Bytes that `emitUdp` writes. */
export function udpLength(_header: UdpHeader): number {
  return UDP_HEADER_LENGTH;
}

/** Writes the header, with checksum 0, and returns its length. See `fillUdpChecksum`. */
export function emitUdp(header: UdpHeader, view: DataView, offset: number): number {
  setUdpSourcePort(view, offset, header.sourcePort);
  setUdpDestinationPort(view, offset, header.destinationPort);
  setUdpTotalLength(view, offset, UDP_HEADER_LENGTH + header.payloadLength);
  setUdpChecksum(view, offset, 0);
  return UDP_HEADER_LENGTH;
}

/** As tcpdump: `UDP, length 4`. The ports stand with the addresses. */
export function formatUdp(header: UdpHeader): string {
  return `UDP, length ${header.payloadLength}`;
}
