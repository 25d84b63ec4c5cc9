/**
 * The TCP header (RFC 9293 section 3.1). Its options are in tcp-options.ts.
 *
 * The twelve bits between data offset and window are taken together as flags, as in ovs-fields(7), `tcp_flags`: the
 * eight usual ones, NS (RFC 3540), and three that are reserved.
 */
import { computeChecksum } from './checksum.ts';
import { emitTcpOptions, formatTcpOptions, parseTcpOptions, type TcpOption, tcpOptionsLength } from './tcp-options.ts';

export const TCP_HEADER_LENGTH = 20;
export const TCP_HEADER_MAXIMUM = 60;
/** Offset of the checksum in the header. */
export const TCP_CHECKSUM_OFFSET = 16;

export const TCP_FIN = 0x001;
export const TCP_SYN = 0x002;
export const TCP_RST = 0x004;
export const TCP_PSH = 0x008;
export const TCP_ACK = 0x010;
export const TCP_URG = 0x020;
export const TCP_ECE = 0x040;
export const TCP_CWR = 0x080;
export const TCP_NS = 0x100;
export const TCP_FLAGS_MASK = 0xfff;

/** tcpdump's letters, in its order */
const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [TCP_FIN, 'F'],
  [TCP_SYN, 'S'],
  [TCP_RST, 'R'],
  [TCP_PSH, 'P'],
  [TCP_ACK, '.'],
  [TCP_URG, 'U'],
  [TCP_ECE, 'E'],
  [TCP_CWR, 'W'],
  [TCP_NS, 'e'],
];

export interface TcpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** TCP_* bits, 12 bits */
  readonly flags: number;
  readonly window: number;
  readonly urgentPointer: number;
  readonly options: readonly TcpOption[];
}

/** The length of the header at `offset`, options included; -1 when its length is wrong or it is cut off. */
export function checkTcp(view: DataView, offset: number, end: number): number {
  if (end - offset < TCP_HEADER_LENGTH) {
    return -1;
  }
  const length = tcpHeaderLength(view, offset);
  return length < TCP_HEADER_LENGTH || length > end - offset ? -1 : length;
}

export function tcpSourcePort(view: DataView, offset: number): number {
  return view.getUint16(offset);
}

export function tcpDestinationPort(view: DataView, offset: number): number {
  return view.getUint16(offset + 2);
}

export function tcpSequence(view: DataView, offset: number): number {
  return view.getUint32(offset + 4);
}

export function tcpAcknowledgment(view: DataView, offset: number): number {
  return view.getUint32(offset + 8);
}

export function tcpHeaderLength(view: DataView, offset: number): number {
  return (view.getUint8(offset + 12) >>> 4) << 2;
}

export function tcpFlags(view: DataView, offset: number): number {
  return view.getUint16(offset + 12) & TCP_FLAGS_MASK;
}

export function tcpWindow(view: DataView, offset: number): number {
  return view.getUint16(offset + 14);
}

export function tcpChecksum(view: DataView, offset: number): number {
  return view.getUint16(offset + TCP_CHECKSUM_OFFSET);
}

export function tcpUrgentPointer(view: DataView, offset: number): number {
  return view.getUint16(offset + 18);
}

export function setTcpSourcePort(view: DataView, offset: number, port: number): void {
  view.setUint16(offset, port);
}

export function setTcpDestinationPort(view: DataView, offset: number, port: number): void {
  view.setUint16(offset + 2, port);
}

export function setTcpSequence(view: DataView, offset: number, sequence: number): void {
  view.setUint32(offset + 4, sequence);
}

export function setTcpAcknowledgment(view: DataView, offset: number, acknowledgment: number): void {
  view.setUint32(offset + 8, acknowledgment);
}

/** Sets data offset and flags together. */
export function setTcpLengthAndFlags(view: DataView, offset: number, headerLength: number, flags: number): void {
  view.setUint16(offset + 12, ((headerLength >>> 2) << 12) | flags);
}

export function setTcpFlags(view: DataView, offset: number, flags: number): void {
  view.setUint16(offset + 12, (view.getUint16(offset + 12) & 0xf000) | flags);
}

export function setTcpWindow(view: DataView, offset: number, window: number): void {
  view.setUint16(offset + 14, window);
}

export function setTcpChecksum(view: DataView, offset: number, checksum: number): void {
  view.setUint16(offset + TCP_CHECKSUM_OFFSET, checksum);
}

export function setTcpUrgentPointer(view: DataView, offset: number, pointer: number): void {
  view.setUint16(offset + 18, pointer);
}

/** Computes and writes the checksum of the segment `[offset, end)`; `pseudoHeaderSum` is of the IP header. */
export function fillTcpChecksum(view: DataView, offset: number, end: number, pseudoHeaderSum: number): void {
  setTcpChecksum(view, offset, 0);
  setTcpChecksum(view, offset, computeChecksum(view, offset, end - offset, pseudoHeaderSum));
}

/** The header at `offset`, or `null` when it fails the check. Options end at the first malformed one. */
export function parseTcp(view: DataView, offset: number, end: number): TcpHeader | null {
  const length = checkTcp(view, offset, end);
  if (length < 0) {
    return null;
  }
  return {
    sourcePort: tcpSourcePort(view, offset),
    destinationPort: tcpDestinationPort(view, offset),
    sequence: tcpSequence(view, offset),
    acknowledgment: tcpAcknowledgment(view, offset),
    flags: tcpFlags(view, offset),
    window: tcpWindow(view, offset),
    urgentPointer: tcpUrgentPointer(view, offset),
    options: parseTcpOptions(view, offset + TCP_HEADER_LENGTH, offset + length),
  };
}

/** Bytes that `emitTcp` writes. */
export function tcpLength(header: TcpHeader): number {
  return TCP_HEADER_LENGTH + tcpOptionsLength(header.options);
}

/** Writes the header, with checksum 0, and returns its length. See `fillTcpChecksum`. */
export function emitTcp(header: TcpHeader, view: DataView, offset: number): number {
  const length = tcpLength(header);
  setTcpSourcePort(view, offset, header.sourcePort);
  setTcpDestinationPort(view, offset, header.destinationPort);
  setTcpSequence(view, offset, header.sequence);
  setTcpAcknowledgment(view, offset, header.acknowledgment);
  setTcpLengthAndFlags(view, offset, length, header.flags);
  setTcpWindow(view, offset, header.window);
  setTcpChecksum(view, offset, 0);
  setTcpUrgentPointer(view, offset, header.urgentPointer);
  emitTcpOptions(header.options, view, offset + TCP_HEADER_LENGTH);
  return length;
}

/** As `tcpdump -S`: `Flags [S], seq 1, win 64240, options [mss 1460], length 0`. */
export function formatTcp(header: TcpHeader, payloadLength: number): string {
  const parts = [`Flags [${formatTcpFlagLetters(header.flags)}]`];
  if (payloadLength > 0) {
    parts.push(`seq ${header.sequence}:${(header.sequence + payloadLength) >>> 0}`);
  } else if ((header.flags & (TCP_SYN | TCP_FIN | TCP_RST)) !== 0) {
    parts.push(`seq ${header.sequence}`);
  }
  if ((header.flags & TCP_ACK) !== 0) {
    parts.push(`ack ${header.acknowledgment}`);
  }
  parts.push(`win ${header.window}`);
  if ((header.flags & TCP_URG) !== 0) {
    parts.push(`urg ${header.urgentPointer}`);
  }
  if (header.options.length > 0) {
    parts.push(`options [${formatTcpOptions(header.options)}]`);
  }
  parts.push(`length ${payloadLength}`);
  return parts.join(', ');
}

function formatTcpFlagLetters(flags: number): string {
  let letters = '';
  for (const [flag, letter] of FLAG_LETTERS) {
    if ((flags & flag) !== 0) {
      letters += letter;
    }
  }
  return letters === '' ? 'none' : letters;
}
