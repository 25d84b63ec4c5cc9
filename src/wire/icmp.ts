/**
 * The ICMP header (RFC 792): type, code, checksum and four bytes whose meaning depends on the type.
 */
import { computeChecksum } from './checksum.ts';
import { formatIpv4Address } from './ip-address.ts';

export const ICMP_HEADER_LENGTH = 8;
/** Offset of the checksum in the header. */
export const ICMP_CHECKSUM_OFFSET = 2;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO_REQUEST = 8;
export const ICMP_ROUTER_ADVERTISEMENT = 9;
export const ICMP_ROUTER_SOLICITATION = 10;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;
export const ICMP_TIMESTAMP_REQUEST = 13;
export const ICMP_TIMESTAMP_REPLY = 14;

export const ICMP_UNREACHABLE_NET = 0;
export const ICMP_UNREACHABLE_HOST = 1;
export const ICMP_UNREACHABLE_PROTOCOL = 2;
export const ICMP_UNREACHABLE_PORT = 3;
export const ICMP_UNREACHABLE_FRAGMENTATION = 4;
export const ICMP_UNREACHABLE_PROHIBITED = 13;

export interface IcmpHeader {
  readonly type: number;
  readonly code: number;
  /** bytes 4..7: identifier and sequence of an echo, gateway of a redirect, next-hop MTU of an unreachable */
  readonly rest: number;
}

/** The length of the header at `offset`, or -1 when the packet is too short. */
export function checkIcmp(_view: DataView, offset: number, end: number): number {
  return end - offset < ICMP_HEADER_LENGTH ? -1 : ICMP_HEADER_LENGTH;
}

export function icmpType(view: DataView, offset: number): number {
  return view.getUint8(offset);
}

export function icmpCode(view: DataView, offset: number): number {
  return view.getUint8(offset + 1);
}

export function icmpChecksum(view: DataView, offset: number): number {
  return view.getUint16(offset + ICMP_CHECKSUM_OFFSET);
}

export function icmpRest(view: DataView, offset: number): number {
  return view.getUint32(offset + 4);
}

export function icmpEchoIdentifier(view: DataView, offset: number): number {
  return view.getUint16(offset + 4);
}

export function icmpEchoSequence(view: DataView, offset: number): number {
  return view.getUint16(offset + 6);
}

export function setIcmpType(view: DataView, offset: number, type: number): void {
  view.setUint8(offset, type);
}

export function setIcmpCode(view: DataView, offset: number, code: number): void {
  view.setUint8(offset + 1, code);
}

export function setIcmpChecksum(view: DataView, offset: number, checksum: number): void {
  view.setUint16(offset + ICMP_CHECKSUM_OFFSET, checksum);
}

export function setIcmpRest(view: DataView, offset: number, rest: number): void {
  view.setUint32(offset + 4, rest);
}

/** Computes and writes the checksum of the message `[offset, end)`. */
export function fillIcmpChecksum(view: DataView, offset: number, end: number): void {
  setIcmpChecksum(view, offset, 0);
  setIcmpChecksum(view, offset, computeChecksum(view, offset, end - offset));
}

/** The header at `offset`, or `null` when the packet is too short. */
export function parseIcmp(view: DataView, offset: number, end: number): IcmpHeader | null {
  if (checkIcmp(view, offset, end) < 0) {
    return null;
  }
  return { type: icmpType(view, offset), code: icmpCode(view, offset), rest: icmpRest(view, offset) };
}

/** Bytes that `emitIcmp` writes. */
export function icmpLength(_header: IcmpHeader): number {
  return ICMP_HEADER_LENGTH;
}

/** Writes the header, with checksum 0, and returns its length. See `fillIcmpChecksum`. */
export function emitIcmp(header: IcmpHeader, view: DataView, offset: number): number {
  setIcmpType(view, offset, header.type);
  setIcmpCode(view, offset, header.code);
  setIcmpChecksum(view, offset, 0);
  setIcmpRest(view, offset, header.rest);
  return ICMP_HEADER_LENGTH;
}

/** What an error message says of the packet that it quotes. */
export interface IcmpQuote {
  readonly destination: string;
  /** IP protocol */
  readonly protocol: number;
  /** `udp port 53` or `tcp port 80`; empty when it is neither */
  readonly port: string;
}

/** As tcpdump: `ICMP echo request, id 1, seq 2, length 64`; `length` counts from the ICMP header. */
export function formatIcmp(header: IcmpHeader, length: number, quote: IcmpQuote | null): string {
  return `ICMP ${formatMessage(header, quote)}, length ${length}`;
}

function formatMessage({ type, code, rest }: IcmpHeader, quote: IcmpQuote | null): string {
  const high = rest >>> 16;
  const low = rest & 0xffff;
  switch (type) {
    case ICMP_ECHO_REQUEST:
      return `echo request, id ${high}, seq ${low}`;
    case ICMP_ECHO_REPLY:
      return `echo reply, id ${high}, seq ${low}`;
    case ICMP_TIMESTAMP_REQUEST:
      return `time stamp query id ${high} seq ${low}`;
    case ICMP_TIMESTAMP_REPLY:
      return `time stamp reply id ${high} seq ${low}`;
    case ICMP_REDIRECT: {
      const scope = code === 0 ? 'net' : 'host';
      return `redirect ${quote?.destination ?? '?'} to ${scope} ${formatIpv4Address(rest)}`;
    }
    case ICMP_TIME_EXCEEDED:
      return code === 0 ? 'time exceeded in-transit' : 'ip reassembly time exceeded';
    case ICMP_PARAMETER_PROBLEM:
      return `parameter problem - octet ${rest >>> 24}`;
    case ICMP_ROUTER_SOLICITATION:
      return 'router solicitation';
    case ICMP_ROUTER_ADVERTISEMENT:
      return 'router advertisement';
    case ICMP_UNREACHABLE:
      return formatUnreachable(code, low, quote);
    default:
      return `type-#${type}`;
  }
}

function formatUnreachable(code: number, mtu: number, quote: IcmpQuote | null): string {
  const destination = quote?.destination ?? '?';
  switch (code) {
    case ICMP_UNREACHABLE_NET:
      return `net ${destination} unreachable`;
    case ICMP_UNREACHABLE_HOST:
      return `host ${destination} unreachable`;
    case ICMP_UNREACHABLE_PROTOCOL:
      return `${destination} protocol ${quote?.protocol ?? '?'} unreachable`;
    case ICMP_UNREACHABLE_PORT:
      return `${destination} ${quote?.port ?? 'port ?'} unreachable`;
    case ICMP_UNREACHABLE_FRAGMENTATION:
      return `${destination} unreachable - need to frag (mtu ${mtu})`;
    case ICMP_UNREACHABLE_PROHIBITED:
      return `host ${destination} unreachable - admin prohibited filter`;
    default:
      return `${destination} unreachable - #${code}`;
  }
}
