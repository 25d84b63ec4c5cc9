/**
 * The IPv6 header (RFC 8200 section 3). Extension headers are in ipv6-extension.ts.
 *
 * The check: version 6 and a payload that lies in the packet. Bytes behind the payload are padding.
 * Jumbograms (payload length 0 with a hop-by-hop option) are not supported.
 */
import { formatIpv6Address, readIpv6Address, writeIpv6Address } from './ip-address.ts';

export const IPV6_HEADER_LENGTH = 40;

export interface Ipv6Header {
  /** DSCP (6 bits) and ECN (2) */
  readonly trafficClass: number;
  /** 20 bits */
  readonly flowLabel: number;
  /** bytes after the header, extension headers included */
  readonly payloadLength: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: bigint;
  readonly destination: bigint;
}

/** The length of the header at `offset`; -1 when header or packet are malformed or cut off. */
export function checkIpv6(view: DataView, offset: number, end: number): number {
  const room = end - offset;
  if (
    room < IPV6_HEADER_LENGTH ||
    view.getUint8(offset) >>> 4 !== 6 ||
    view.getUint16(offset + 4) > room - IPV6_HEADER_LENGTH
  ) {
    return -1;
  }
  return IPV6_HEADER_LENGTH;
}

export function ipv6TrafficClass(view: DataView, offset: number): number {
  return (view.getUint16(offset) >>> 4) & 0xff;
}

export function ipv6FlowLabel(view: DataView, offset: number): number {
  return view.getUint32(offset) & 0xfffff;
}

export function ipv6PayloadLength(view: DataView, offset: number): number {
  return view.getUint16(offset + 4);
}

export function ipv6NextHeader(view: DataView, offset: number): number {
  return view.getUint8(offset + 6);
}

export function ipv6HopLimit(view: DataView, offset: number): number {
  return view.getUint8(offset + 7);
}

export function ipv6Source(view: DataView, offset: number): bigint {
  return readIpv6Address(view, offset + 8);
}

export function ipv6Destination(view: DataView, offset: number): bigint {
  return readIpv6Address(view, offset + 24);
}

export function setIpv6TrafficClass(view: DataView, offset: number, trafficClass: number): void {
  view.setUint16(offset, (view.getUint16(offset) & 0xf00f) | (trafficClass << 4));
}

export function setIpv6FlowLabel(view: DataView, offset: number, label: number): void {
  view.setInt32(offset, (view.getInt32(offset) & 0xfff00000) | label);
}

export function setIpv6PayloadLength(view: DataView, offset: number, length: number): void {
  view.setUint16(offset + 4, length);
}

export function setIpv6NextHeader(view: DataView, offset: number, nextHeader: number): void {
  view.setUint8(offset + 6, nextHeader);
}

export function setIpv6HopLimit(view: DataView, offset: number, hopLimit: number): void {
  view.setUint8(offset + 7, hopLimit);
}

export function setIpv6Source(view: DataView, offset: number, address: bigint): void {
  writeIpv6Address(view, offset + 8, address);
}

export function setIpv6Destination(view: DataView, offset: number, address: bigint): void {
  writeIpv6Address(view, offset + 24, address);
}

/** The header at `offset`, or `null` when it fails the check. */
export function parseIpv6(view: DataView, offset: number, end: number): Ipv6Header | null {
  if (checkIpv6(view, offset, end) < 0) {
    return null;
  }
  return {
    trafficClass: ipv6TrafficClass(view, offset),
    flowLabel: ipv6FlowLabel(view, offset),
    payloadLength: ipv6PayloadLength(view, offset),
    nextHeader: ipv6NextHeader(view, offset),
    hopLimit: ipv6HopLimit(view, offset),
    source: ipv6Source(view, offset),
    destination: ipv6Destination(view, offset),
  };
}

/** Bytes that `emitIpv6` writes. */
export function ipv6Length(_header: Ipv6Header): number {
  return IPV6_HEADER_LENGTH;
}

/** Writes the header and returns its length. */
export function emitIpv6(header: Ipv6Header, view: DataView, offset: number): number {
  view.setInt32(offset, (6 << 28) | (header.trafficClass << 20) | header.flowLabel);
  setIpv6PayloadLength(view, offset, header.payloadLength);
  setIpv6NextHeader(view, offset, header.nextHeader);
  setIpv6HopLimit(view, offset, header.hopLimit);
  setIpv6Source(view, offset, header.source);
  setIpv6Destination(view, offset, header.destination);
  return IPV6_HEADER_LENGTH;
}

/** `fe80::1 > fe80::2`. */
export function formatIpv6(header: Ipv6Header): string {
  return `${formatIpv6Address(header.source)} > ${formatIpv6Address(header.destination)}`;
}
