/**
 * The ICMPv6 header (RFC 4443): type, code, checksum and four bytes whose meaning depends on the type. Neighbour
 * discovery is in ndp.ts, multicast listener discovery in mld.ts. Unlike ICMP's, the checksum covers a pseudo-header.
 */
import { computeChecksum } from './checksum.ts';
import type { IcmpQuote } from './icmp.ts';

export const ICMPV6_HEADER_LENGTH = 8;
/** Type, code and checksum: all that Open vSwitch asks for before it reads type and code. */
export const ICMPV6_HEADER_MINIMUM = 4;
/** Offset of the checksum in the header. */
export const ICMPV6_CHECKSUM_OFFSET = 2;

export const ICMPV6_UNREACHABLE = 1;
export const ICMPV6_PACKET_TOO_BIG = 2;
export const ICMPV6_TIME_EXCEEDED = 3;
export const ICMPV6_PARAMETER_PROBLEM = 4;
export const ICMPV6_ECHO_REQUEST = 128;
export const ICMPV6_ECHO_REPLY = 129;
export const ICMPV6_MLD_QUERY = 130;
export const ICMPV6_MLD_REPORT = 131;
export const ICMPV6_MLD_DONE = 132;
export const ICMPV6_ROUTER_SOLICITATION = 133;
export const ICMPV6_ROUTER_ADVERTISEMENT = 134;
export const ICMPV6_NEIGHBOR_SOLICITATION = 135;
export const ICMPV6_NEIGHBOR_ADVERTISEMENT = 136;
export const ICMPV6_REDIRECT = 137;
export const ICMPV6_MLD2_REPORT = 143;

/** tcpdump's words for the codes of a parameter problem */
const PARAMETER_PROBLEMS: readonly string[] = ['erroneous', 'next header', 'option'];

export interface Icmpv6Header {
  readonly type: number;
  readonly code: number;
  /** bytes 4..7: identifier and sequence of an echo, MTU of a packet-too-big, flags of an advertisement */
  readonly rest: number;
}

/** The length of the header at `offset`, or -1 when the packet is too short. */
export function checkIcmpv6(_view: DataView, offset: number, end: number): number {
  return end - offset < ICMPV6_HEADER_LENGTH ? -1 : ICMPV6_HEADER_LENGTH;
}

export function icmpv6Type(view: DataView, offset: number): number {
  return view.getUint8(offset);
}

export function icmpv6Code(view: DataView, offset: number): number {
  return view.getUint8(offset + 1);
}

export function icmpv6Checksum(view: DataView, offset: number): number {
  return view.getUint16(offset + ICMPV6_CHECKSUM_OFFSET);
}

export function icmpv6Rest(view: DataView, offset: number): number {
  return view.getUint32(offset + 4);
}

export function setIcmpv6Type(view: DataView, offset: number, type: number): void {
  view.setUint8(offset, type);
}

export function setIcmpv6Code(view: DataView, offset: number, code: number): void {
  view.setUint8(offset + 1, code);
}

export function setIcmpv6Checksum(view: DataView, offset: number, checksum: number): void {
  view.setUint16(offset + ICMPV6_CHECKSUM_OFFSET, checksum);
}

export function setIcmpv6Rest(view: DataView, offset: number, rest: number): void {
  view.setUint32(offset + 4, rest);
}

/** Computes and writes the checksum of the message `[offset, end)`; `pseudoHeaderSum` is of the IPv6 header. */
export function fillIcmpv6Checksum(view: DataView, offset: number, end: number, pseudoHeaderSum: number): void {
  setIcmpv6Checksum(view, offset, 0);
  setIcmpv6Checksum(view, offset, computeChecksum(view, offset, end - offset, pseudoHeaderSum));
}

/** The header at `offset`, or `null` when the packet is too short. */
export function parseIcmpv6(view: DataView, offset: number, end: number): Icmpv6Header | null {
  if (checkIcmpv6(view, offset, end) < 0) {
    return null;
  }
  return { type: icmpv6Type(view, offset), code: icmpv6Code(view, offset), rest: icmpv6Rest(view, offset) };
}

/** Bytes that `emitIcmpv6` writes. */
export function icmpv6Length(_header: Icmpv6Header): number {
  return ICMPV6_HEADER_LENGTH;
}

/** Writes the header, with checksum 0, and returns its length. See `fillIcmpv6Checksum`. */
export function emitIcmpv6(header: Icmpv6Header, view: DataView, offset: number): number {
  setIcmpv6Type(view, offset, header.type);
  setIcmpv6Code(view, offset, header.code);
  setIcmpv6Checksum(view, offset, 0);
  setIcmpv6Rest(view, offset, header.rest);
  return ICMPV6_HEADER_LENGTH;
}

/** As tcpdump: `ICMP6, echo request, id 1, seq 2, length 64`; `length` counts from the ICMPv6 header. */
export function formatIcmpv6(header: Icmpv6Header, length: number, quote: IcmpQuote | null): string {
  return `ICMP6, ${formatMessage(header, quote)}, length ${length}`;
}

function formatMessage({ type, code, rest }: Icmpv6Header, quote: IcmpQuote | null): string {
  const destination = quote?.destination ?? '?';
  switch (type) {
    case ICMPV6_ECHO_REQUEST:
      return `echo request, id ${rest >>> 16}, seq ${rest & 0xffff}`;
    case ICMPV6_ECHO_REPLY:
      return `echo reply, id ${rest >>> 16}, seq ${rest & 0xffff}`;
    case ICMPV6_UNREACHABLE:
      return `destination unreachable, ${formatUnreachable(code, destination, quote?.port ?? 'port ?')}`;
    case ICMPV6_PACKET_TOO_BIG:
      return `packet too big, mtu ${rest}`;
    case ICMPV6_TIME_EXCEEDED:
      return code === 0 ? `time exceeded in-transit for ${destination}` : 'time exceeded in-transit (reassembly)';
    case ICMPV6_PARAMETER_PROBLEM:
      return `parameter problem, ${PARAMETER_PROBLEMS[code] ?? `code-#${code}`} - octet ${rest}`;
    default:
      return `type-#${type}`;
  }
}

function formatUnreachable(code: number, destination: string, port: string): string {
  switch (code) {
    case 0:
      return `unreachable route ${destination}`;
    case 1:
      return `unreachable prohibited ${destination}`;
    case 2:
      return `beyond scope ${destination}`;
    case 3:
      return `unreachable address ${destination}`;
    case 4:
      return `unreachable port, ${destination} ${port}`;
    default:
      return `unknown code ${code}`;
  }
}
