/**
 * The SCTP common header (RFC 9260 section 3.1). Its checksum is a CRC32c over the whole packet, without
 * pseudo-header, least significant byte first.
 */
import { computeCrc32c } from './crc32c.ts';

export const SCTP_HEADER_LENGTH = 12;
/** Offset of the checksum in the header. */
export const SCTP_CHECKSUM_OFFSET = 8;

export interface SctpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly verificationTag: number;
}

/** chunk types (RFC 9260 section 3.2) with tcpdump's names */
const CHUNK_NAMES: readonly string[] = [
  'DATA',
  'INIT',
  'INIT ACK',
  'SACK',
  'HB REQ',
  'HB ACK',
  'ABORT',
  'SHUTDOWN',
  'SHUTDOWN ACK',
  'OP ERR',
  'COOKIE ECHO',
  'COOKIE ACK',
  'ECN ECHO',
  'CWR',
  'SHUTDOWN COMPLETE',
];

/** The length of the header at `offset`, or -1 when the packet is too short. */
export function checkSctp(_view: DataView, offset: number, end: number): number {
  return end - offset < SCTP_HEADER_LENGTH ? -1 : SCTP_HEADER_LENGTH;
}

export function sctpSourcePort(view: DataView, offset: number): number {
  return view.getUint16(offset);
}

export function sctpDestinationPort(view: DataView, offset: number): number {
  return view.getUint16(offset + 2);
}

export function sctpVerificationTag(view: DataView, offset: number): number {
  return view.getUint32(offset + 4);
}

/** The CRC32c. */
export function sctpChecksum(view: DataView, offset: number): number {
  return view.getUint32(offset + SCTP_CHECKSUM_OFFSET, true);
}

export function setSctpSourcePort(view: DataView, offset: number, port: number): void {
  view.setUint16(offset, port);
}

export function setSctpDestinationPort(view: DataView, offset: number, port: number): void {
  view.setUint16(offset + 2, port);
}

export function setSctpVerificationTag(view: DataView, offset: number, tag: number): void {
  view.setUint32(offset + 4, tag);
}

export function setSctpChecksum(view: DataView, offset: number, checksum: number): void {
  view.setUint32(offset + SCTP_CHECKSUM_OFFSET, checksum, true);
}

/** Computes and writes the checksum of the packet `[offset, end)`. */
export function fillSctpChecksum(view: DataView, offset: number, end: number): void {
  setSctpChecksum(view, offset, 0);
  setSctpChecksum(view, offset, computeCrc32c(view, offset, end - offset));
}

/** Whether the checksum of the packet `[offset, end)` is right. */
export function verifySctpChecksum(view: DataView, offset: number, end: number): boolean {
  const checksum = sctpChecksum(view, offset);
  setSctpChecksum(view, offset, 0);
  const computed = computeCrc32c(view, offset, end - offset);
  setSctpChecksum(view, offset, checksum);
  return computed === checksum;
}

/** The header at `offset`, or `null` when the packet is too short. */
export function parseSctp(view: DataView, offset: number, end: number): SctpHeader | null {
  if (checkSctp(view, offset, end) < 0) {
    return null;
  }
  return {
    sourcePort: sctpSourcePort(view, offset),
    destinationPort: sctpDestinationPort(view, offset),
    verificationTag: sctpVerificationTag(view, offset),
  };
}

/** Bytes that `emitSctp` writes. */
export function sctpLength(_header: SctpHeader): number {
  return SCTP_HEADER_LENGTH;
}

/** Writes the header, with checksum 0, and returns its length. See `fillSctpChecksum`. */
export function emitSctp(header: SctpHeader, view: DataView, offset: number): number {
  setSctpSourcePort(view, offset, header.sourcePort);
  setSctpDestinationPort(view, offset, header.destinationPort);
  setSctpVerificationTag(view, offset, header.verificationTag);
  setSctpChecksum(view, offset, 0);
  return SCTP_HEADER_LENGTH;
}

/** `sctp`, and the names of the chunks behind the header at `offset`: `sctp (1) [COOKIE ECHO], (2) [DATA]`. */
export function formatSctp(view: DataView, offset: number, end: number): string {
  let text = 'sctp';
  let at = offset + SCTP_HEADER_LENGTH;
  for (let number = 1; end - at >= 4; number++) {
    const type = view.getUint8(at);
    const length = view.getUint16(at + 2);
    text += `${number === 1 ? '' : ','} (${number}) [${CHUNK_NAMES[type] ?? `#${type}`}]`;
    if (length < 4) {
      break;
    }
    at += (length + 3) & ~3;
  }
  return text;
}
