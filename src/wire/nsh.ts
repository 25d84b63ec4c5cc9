/**
 * The Network Service Header (RFC 8300): base header, service path header, and context (four words of fixed context
 * with metadata type 1, TLVs with type 2).
 */
import { formatHexadecimal, readBytes, writeBytes } from './bytes.ts';
import {
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_NSH,
  ETHERTYPE_TRANSPARENT_ETHERNET,
} from './ethernet.ts';

/** Base and service path headers. */
export const NSH_BASE_LENGTH = 8;
/** A header with metadata type 1. */
export const NSH_TYPE1_LENGTH = 24;
export const NSH_MAXIMUM = 252;
export const NSH_METADATA_TYPE1 = 1;
export const NSH_METADATA_TYPE2 = 2;

export const NSH_NEXT_IPV4 = 1;
export const NSH_NEXT_IPV6 = 2;
export const NSH_NEXT_ETHERNET = 3;
export const NSH_NEXT_NSH = 4;
export const NSH_NEXT_MPLS = 5;

export interface NshHeader {
  /** two bits: OAM (bit 1) and the bit behind it, as ovs-fields(7), `nsh_flags` */
  readonly flags: number;
  /** 0..63 */
  readonly ttl: number;
  readonly metadataType: number;
  readonly nextProtocol: number;
  /** 24 bits */
  readonly servicePath: number;
  readonly serviceIndex: number;
  /** what follows the service path: a multiple of four bytes, 16 with metadata type 1 */
  readonly context: Uint8Array;
}

/** The length of the header at `offset`; -1 when it is cut off, of another version, or its length does not fit its type. */
export function checkNsh(view: DataView, offset: number, end: number): number {
  if (end - offset < NSH_BASE_LENGTH || view.getUint8(offset) >>> 6 !== 0) {
    return -1;
  }
  const length = nshHeaderLength(view, offset);
  if (length < NSH_BASE_LENGTH || length > end - offset) {
    return -1;
  }
  const isType1 = nshMetadataType(view, offset) === NSH_METADATA_TYPE1;
  return isType1 && length !== NSH_TYPE1_LENGTH ? -1 : length;
}

export function nshFlags(view: DataView, offset: number): number {
  return (view.getUint16(offset) >>> 12) & 3;
}

export function nshTtl(view: DataView, offset: number): number {
  return (view.getUint16(offset) >>> 6) & 63;
}

export function nshHeaderLength(view: DataView, offset: number): number {
  return (view.getUint16(offset) & 63) * 4;
}

export function nshMetadataType(view: DataView, offset: number): number {
  return view.getUint8(offset + 2) & 15;
}

export function nshNextProtocol(view: DataView, offset: number): number {
  return view.getUint8(offset + 3);
}

export function nshServicePath(view: DataView, offset: number): number {
  return view.getUint32(offset + 4) >>> 8;
}

export function nshServiceIndex(view: DataView, offset: number): number {
  return view.getUint8(offset + 7);
}

export function setNshTtl(view: DataView, offset: number, ttl: number): void {
  view.setUint16(offset, (view.getUint16(offset) & 0xf03f) | (ttl << 6));
}

export function setNshFlags(view: DataView, offset: number, flags: number): void {
  view.setUint16(offset, (view.getUint16(offset) & 0xcfff) | (flags << 12));
}

export function setNshServicePath(view: DataView, offset: number, path: number): void {
  view.setUint32(offset + 4, ((path << 8) | nshServiceIndex(view, offset)) >>> 0);
}

export function setNshServiceIndex(view: DataView, offset: number, index: number): void {
  view.setUint8(offset + 7, index);
}

/** The Ethertype of what a next-protocol value stands for, 0 when it has none. */
export function nshNextEthertype(nextProtocol: number): number {
  switch (nextProtocol) {
    case NSH_NEXT_IPV4:
      return ETHERTYPE_IPV4;
    case NSH_NEXT_IPV6:
      return ETHERTYPE_IPV6;
    case NSH_NEXT_ETHERNET:
      return ETHERTYPE_TRANSPARENT_ETHERNET;
    case NSH_NEXT_NSH:
      return ETHERTYPE_NSH;
    case NSH_NEXT_MPLS:
      return ETHERTYPE_MPLS;
    default:
      return 0;
  }
}

/** The header at `offset`, or `null` when it fails the check. */
export function parseNsh(view: DataView, offset: number, end: number): NshHeader | null {
  const length = checkNsh(view, offset, end);
  if (length < 0) {
    return null;
  }
  return {
    flags: nshFlags(view, offset),
    ttl: nshTtl(view, offset),
    metadataType: nshMetadataType(view, offset),
    nextProtocol: nshNextProtocol(view, offset),
    servicePath: nshServicePath(view, offset),
    serviceIndex: nshServiceIndex(view, offset),
    context: readBytes(view, offset + NSH_BASE_LENGTH, length - NSH_BASE_LENGTH),
  };
}

/** Bytes that `emitNsh` writes. */
export function nshLength(header: NshHeader): number {
  return NSH_BASE_LENGTH + header.context.length;
}

/** Writes the header and returns its length. */
export function emitNsh(header: NshHeader, view: DataView, offset: number): number {
  const length = nshLength(header);
  view.setUint16(offset, (header.flags << 12) | (header.ttl << 6) | (length >>> 2));
  view.setUint8(offset + 2, header.metadataType);
  view.setUint8(offset + 3, header.nextProtocol);
  view.setUint32(offset + 4, ((header.servicePath << 8) | header.serviceIndex) >>> 0);
  writeBytes(view, offset + NSH_BASE_LENGTH, header.context);
  return length;
}

/** As tcpdump: `NSH, flags [none], TTL 63, service-path-id 0x000001, service-index 0xff`. */
export function formatNsh(header: NshHeader): string {
  const flags = (header.flags & 2) !== 0 ? 'O' : 'none';
  const path = formatHexadecimal(header.servicePath, 6);
  const index = formatHexadecimal(header.serviceIndex, 1);
  return `NSH, flags [${flags}], TTL ${header.ttl}, service-path-id ${path}, service-index ${index}`;
}
