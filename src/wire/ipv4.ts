/**
 * The IPv4 header with options and fragment fields (RFC 791).
 *
 * The check: version 4, a header of at least 20 bytes that lies in the packet, and a total length
 * between the header's and the packet's. Bytes behind the total length are padding (short Ethernet frames have it).
 */
import { computeChecksum } from './checksum.ts';
import { formatIpv4Address } from './ip-address.ts';

export const IPV4_HEADER_LENGTH = 20;
export const IPV4_HEADER_MAXIMUM = 60;
/** fragment word: don't fragment */
export const IPV4_DONT_FRAGMENT = 0x4000;
/** fragment word: more fragments */
export const IPV4_MORE_FRAGMENTS = 0x2000;
/** fragment word: offset in units of 8 bytes */
export const IPV4_FRAGMENT_OFFSET_MASK = 0x1fff;

export const IPV4_OPTION_END = 0;
export const IPV4_OPTION_NOP = 1;

export interface Ipv4Header {
  /** DSCP (6 bits) and ECN (2) */
  readonly tos: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** in bytes, a multiple of 8 */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  /** raw options, a multiple of four bytes up to 40 */
  readonly options: Uint8Array;
  /** bytes after the header */
  readonly payloadLength: number;
}

export interface Ipv4Option {
  readonly type: number;
  /** what follows type and length */
  readonly data: Uint8Array;
}

/** The length of the header at `offset`; -1 when header or packet are malformed or cut off. */
export function checkIpv4(view: DataView, offset: number, end: number): number {
  const room = end - offset;
  if (room < IPV4_HEADER_LENGTH) {
    return -1;
  }
  const versionAndLength = view.getUint8(offset);
  const headerLength = (versionAndLength & 15) << 2;
  const totalLength = view.getUint16(offset + 2);
  if (
    versionAndLength >>> 4 !== 4 ||
    headerLength < IPV4_HEADER_LENGTH ||
    totalLength < headerLength ||
    totalLength > room
  ) {
    return -1;
  }
  return headerLength;
}

export function ipv4HeaderLength(view: DataView, offset: number): number {
  return (view.getUint8(offset) & 15) << 2;
}

export function ipv4Tos(view: DataView, offset: number): number {
  return view.getUint8(offset + 1);
}

export function ipv4TotalLength(view: DataView, offset: number): number {
  return view.getUint16(offset + 2);
}

export function ipv4Identification(view: DataView, offset: number): number {
  return view.getUint16(offset + 4);
}

/** flags (3 bits) and offset in units of 8 bytes (13) */
export function ipv4FragmentWord(view: DataView, offset: number): number {
  return view.getUint16(offset + 6);
}

/** Whether the packet is a fragment, first or later. */
export function isIpv4Fragment(view: DataView, offset: number): boolean {
  return (ipv4FragmentWord(view, offset) & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET_MASK)) !== 0;
}

export function ipv4Ttl(view: DataView, offset: number): number {
  return view.getUint8(offset + 8);
}

export function ipv4Protocol(view: DataView, offset: number): number {
  return view.getUint8(offset + 9);
}

export function ipv4Checksum(view: DataView, offset: number): number {
  return view.getUint16(offset + 10);
}

export function ipv4Source(view: DataView, offset: number): number {
  return view.getUint32(offset + 12);
}

export function ipv4Destination(view: DataView, offset: number): number {
  return view.getUint32(offset + 16);
}

export function setIpv4Tos(view: DataView, offset: number, tos: number): void {
  view.setUint8(offset + 1, tos);
}

export function setIpv4TotalLength(view: DataView, offset: number, length: number): void {
  view.setUint16(offset + 2, length);
}

export function setIpv4Identification(view: DataView, offset: number, identification: number): void {
  view.setUint16(offset + 4, identification);
}

export function setIpv4FragmentWord(view: DataView, offset: number, word: number): void {
  view.setUint16(offset + 6, word);
}

export function setIpv4Ttl(view: DataView, offset: number, ttl: number): void {
  view.setUint8(offset + 8, ttl);
}

export function setIpv4Protocol(view: DataView, offset: number, protocol: number): void {
  view.setUint8(offset + 9, protocol);
}

export function setIpv4Checksum(view: DataView, offset: number, checksum: number): void {
  view.setUint16(offset + 10, checksum);
}

export function setIpv4Source(view: DataView, offset: number, address: number): void {
  view.setUint32(offset + 12, address);
}

export function setIpv4Destination(view: DataView, offset: number, address: number): void {
  view.setUint32(offset + 16, address);
}

/** Computes and writes the header checksum. */
export function fillIpv4Checksum(view: DataView, offset: number): void {
  setIpv4Checksum(view, offset, 0);
  setIpv4Checksum(view, offset, computeChecksum(view, offset, ipv4HeaderLength(view, offset)));
}

/** Whether the header checksum is right. */
export function verifyIpv4Checksum(view: DataView, offset: number): boolean {
  return computeChecksum(view, offset, ipv4HeaderLength(view, offset)) === 0;
}

/** The header at `offset`, or `null` when it fails the check. The checksum is not looked at. */
export function parseIpv4(view: DataView, offset: number, end: number): Ipv4Header | null {
  const headerLength = checkIpv4(view, offset, end);
  if (headerLength < 0) {
    return null;
  }
  const fragmentWord = ipv4FragmentWord(view, offset);
  const options = new Uint8Array(headerLength - IPV4_HEADER_LENGTH);
  for (let index = 0; index < options.length; index++) {
    options[index] = view.getUint8(offset + IPV4_HEADER_LENGTH + index);
  }
  return {
    tos: ipv4Tos(view, offset),
    identification: ipv4Identification(view, offset),
    dontFragment: (fragmentWord & IPV4_DONT_FRAGMENT) !== 0,
    moreFragments: (fragmentWord & IPV4_MORE_FRAGMENTS) !== 0,
    fragmentOffset: (fragmentWord & IPV4_FRAGMENT_OFFSET_MASK) * 8,
    ttl: ipv4Ttl(view, offset),
    protocol: ipv4Protocol(view, offset),
    source: ipv4Source(view, offset),
    destination: ipv4Destination(view, offset),
    options,
    payloadLength: ipv4TotalLength(view, offset) - headerLength,
  };
}

/** Bytes that `emitIpv4` writes. */
export function ipv4Length(header: Ipv4Header): number {
  return IPV4_HEADER_LENGTH + ((header.options.length + 3) & ~3);
}

/** Writes the header with its checksum and returns its length. Options are padded to four bytes with "end of list". */
export function emitIpv4(header: Ipv4Header, view: DataView, offset: number): number {
  const length = ipv4Length(header);
  view.setUint8(offset, 0x40 | (length >>> 2));
  setIpv4Tos(view, offset, header.tos);
  setIpv4TotalLength(view, offset, length + header.payloadLength);
  setIpv4Identification(view, offset, header.identification);
  const flags = (header.dontFragment ? IPV4_DONT_FRAGMENT : 0) | (header.moreFragments ? IPV4_MORE_FRAGMENTS : 0);
  setIpv4FragmentWord(view, offset, flags | (header.fragmentOffset >>> 3));
  setIpv4Ttl(view, offset, header.ttl);
  setIpv4Protocol(view, offset, header.protocol);
  setIpv4Source(view, offset, header.source);
  setIpv4Destination(view, offset, header.destination);
  for (let index = 0; index < length - IPV4_HEADER_LENGTH; index++) {
    view.setUint8(offset + IPV4_HEADER_LENGTH + index, header.options[index] ?? IPV4_OPTION_END);
  }
  fillIpv4Checksum(view, offset);
  return length;
}

/** The options of a header, up to "end of list"; `null` when a length is wrong. */
export function parseIpv4Options(options: Uint8Array): Ipv4Option[] | null {
  const parsed: Ipv4Option[] = [];
  let at = 0;
  while (at < options.length && options[at] !== IPV4_OPTION_END) {
    const type = options[at]!;
    if (type === IPV4_OPTION_NOP) {
      parsed.push({ type, data: new Uint8Array(0) });
      at += 1;
      continue;
    }
    const length = options[at + 1] ?? 0;
    if (length < 2 || at + length > options.length) {
      return null;
    }
    parsed.push({ type, data: options.slice(at + 2, at + length) });
    at += length;
  }
  return parsed;
}

/** `10.0.0.1 > 10.0.0.2`. */
export function formatIpv4(header: Ipv4Header): string {
  return `${formatIpv4Address(header.source)} > ${formatIpv4Address(header.destination)}`;
}
