/**
 * Multicast listener discovery, versions 1 and 2 (RFC 2710, RFC 3810): what IGMP is to IPv4, carried in ICMPv6. A
 * message starts at its ICMPv6 header. A query of 28 bytes or more is of version 2 (RFC 3810 section 8.1).
 */
import { readBytes, writeBytes } from './bytes.ts';
import {
  ICMPV6_MLD_DONE,
  ICMPV6_MLD_QUERY,
  ICMPV6_MLD_REPORT,
  ICMPV6_MLD2_REPORT,
  icmpv6Type,
  setIcmpv6Checksum,
  setIcmpv6Code,
  setIcmpv6Rest,
  setIcmpv6Type,
} from './icmpv6.ts';
import { formatIpv6Address, readIpv6Address, writeIpv6Address } from './ip-address.ts';

export const MLD_LENGTH = 24;

const QUERY_V2_LENGTH = 28;
const REPORT_V2_LENGTH = 8;
const RECORD_LENGTH = 20;

export interface MldGroupRecord {
  /** MULTICAST_* of igmp.ts */
  readonly type: number;
  readonly group: bigint;
  readonly sources: readonly bigint[];
  /** a multiple of four bytes */
  readonly auxiliary: Uint8Array;
}

export type MldMessage =
  | {
      readonly kind: 'query';
      /** milliseconds */
      readonly maxResponseDelay: number;
      readonly group: bigint;
    }
  | {
      readonly kind: 'query-v2';
      readonly maxResponseCode: number;
      readonly group: bigint;
      readonly suppressRouterProcessing: boolean;
      /** 0..7 */
      readonly robustness: number;
      readonly queryIntervalCode: number;
      readonly sources: readonly bigint[];
    }
  | { readonly kind: 'report' | 'done'; readonly group: bigint }
  | { readonly kind: 'report-v2'; readonly records: readonly MldGroupRecord[] };

/** Whether an ICMPv6 type is one of MLD's. */
export function isMldType(type: number): boolean {
  return (type >= ICMPV6_MLD_QUERY && type <= ICMPV6_MLD_DONE) || type === ICMPV6_MLD2_REPORT;
}

/** The length of the fixed part of the message at `offset`; -1 when it is cut off or no MLD. */
export function checkMld(view: DataView, offset: number, end: number): number {
  if (end - offset < REPORT_V2_LENGTH || !isMldType(icmpv6Type(view, offset))) {
    return -1;
  }
  const length = icmpv6Type(view, offset) === ICMPV6_MLD2_REPORT ? REPORT_V2_LENGTH : MLD_LENGTH;
  return end - offset < length ? -1 : length;
}

/** The group of any message but a version 2 report. */
export function mldGroup(view: DataView, offset: number): bigint {
  return readIpv6Address(view, offset + 8);
}

export function setMldGroup(view: DataView, offset: number, group: bigint): void {
  writeIpv6Address(view, offset + 8, group);
}

/** Maximum response delay (version 1) or code (version 2) of a query. */
export function mldMaxResponse(view: DataView, offset: number): number {
  return view.getUint16(offset + 4);
}

export function setMldMaxResponse(view: DataView, offset: number, value: number): void {
  view.setUint16(offset + 4, value);
}

/** The message at `offset`, or `null` when it is cut off or no MLD. */
export function parseMld(view: DataView, offset: number, end: number): MldMessage | null {
  if (checkMld(view, offset, end) < 0) {
    return null;
  }
  switch (icmpv6Type(view, offset)) {
    case ICMPV6_MLD_REPORT:
      return { kind: 'report', group: mldGroup(view, offset) };
    case ICMPV6_MLD_DONE:
      return { kind: 'done', group: mldGroup(view, offset) };
    case ICMPV6_MLD2_REPORT:
      return parseReportV2(view, offset, end);
    default:
      return end - offset < QUERY_V2_LENGTH
        ? { kind: 'query', maxResponseDelay: mldMaxResponse(view, offset), group: mldGroup(view, offset) }
        : parseQueryV2(view, offset, end);
  }
}

function parseQueryV2(view: DataView, offset: number, end: number): MldMessage | null {
  const sources = parseSources(view, offset + QUERY_V2_LENGTH, end, view.getUint16(offset + 26));
  if (sources === null) {
    return null;
  }
  const flags = view.getUint8(offset + 24);
  return {
    kind: 'query-v2',
    maxResponseCode: mldMaxResponse(view, offset),
    group: mldGroup(view, offset),
    suppressRouterProcessing: (flags & 8) !== 0,
    robustness: flags & 7,
    queryIntervalCode: view.getUint8(offset + 25),
    sources,
  };
}

function parseReportV2(view: DataView, offset: number, end: number): MldMessage | null {
  const records: MldGroupRecord[] = [];
  let at = offset + REPORT_V2_LENGTH;
  for (let left = view.getUint16(offset + 6); left > 0; left--) {
    if (end - at < RECORD_LENGTH) {
      return null;
    }
    const auxiliaryLength = view.getUint8(at + 1) * 4;
    const sources = parseSources(view, at + RECORD_LENGTH, end, view.getUint16(at + 2));
    if (sources === null || end - at < RECORD_LENGTH + 16 * sources.length + auxiliaryLength) {
      return null;
    }
    const auxiliary = readBytes(view, at + RECORD_LENGTH + 16 * sources.length, auxiliaryLength);
    records.push({ type: view.getUint8(at), group: readIpv6Address(view, at + 4), sources, auxiliary });
    at += RECORD_LENGTH + 16 * sources.length + auxiliaryLength;
  }
  return { kind: 'report-v2', records };
}

function parseSources(view: DataView, offset: number, end: number, count: number): bigint[] | null {
  if (end - offset < 16 * count) {
    return null;
  }
  const sources: bigint[] = [];
  for (let index = 0; index < count; index++) {
    sources.push(readIpv6Address(view, offset + 16 * index));
  }
  return sources;
}

/** Bytes that `emitMld` writes. */
export function mldLength(message: MldMessage): number {
  switch (message.kind) {
    case 'query-v2':
      return QUERY_V2_LENGTH + 16 * message.sources.length;
    case 'report-v2': {
      let length = REPORT_V2_LENGTH;
      for (const record of message.records) {
        length += recordLength(record);
      }
      return length;
    }
    default:
      return MLD_LENGTH;
  }
}

function recordLength(record: MldGroupRecord): number {
  return RECORD_LENGTH + 16 * record.sources.length + record.auxiliary.length;
}

function messageType(message: MldMessage): number {
  switch (message.kind) {
    case 'query':
    case 'query-v2':
      return ICMPV6_MLD_QUERY;
    case 'report':
      return ICMPV6_MLD_REPORT;
    case 'done':
      return ICMPV6_MLD_DONE;
    case 'report-v2':
      return ICMPV6_MLD2_REPORT;
  }
}

/** Writes the message from its ICMPv6 header on, with checksum 0, and returns its length. See `fillIcmpv6Checksum`. */
export function emitMld(message: MldMessage, view: DataView, offset: number): number {
  setIcmpv6Type(view, offset, messageType(message));
  setIcmpv6Code(view, offset, 0);
  setIcmpv6Checksum(view, offset, 0);
  setIcmpv6Rest(view, offset, 0);
  switch (message.kind) {
    case 'query':
      setMldMaxResponse(view, offset, message.maxResponseDelay);
      setMldGroup(view, offset, message.group);
      break;
    case 'query-v2':
      setMldMaxResponse(view, offset, message.maxResponseCode);
      setMldGroup(view, offset, message.group);
      view.setUint8(offset + 24, (message.suppressRouterProcessing ? 8 : 0) | message.robustness);
      view.setUint8(offset + 25, message.queryIntervalCode);
      view.setUint16(offset + 26, message.sources.length);
      emitSources(message.sources, view, offset + QUERY_V2_LENGTH);
      break;
    case 'report-v2':
      setIcmpv6Rest(view, offset, message.records.length);
      emitRecords(message.records, view, offset + REPORT_V2_LENGTH);
      break;
    default:
      setMldGroup(view, offset, message.group);
  }
  return mldLength(message);
}

function emitSources(sources: readonly bigint[], view: DataView, offset: number): void {
  for (let index = 0; index < sources.length; index++) {
    writeIpv6Address(view, offset + 16 * index, sources[index]!);
  }
}

function emitRecords(records: readonly MldGroupRecord[], view: DataView, offset: number): void {
  let at = offset;
  for (const record of records) {
    view.setUint8(at, record.type);
    view.setUint8(at + 1, record.auxiliary.length >>> 2);
    view.setUint16(at + 2, record.sources.length);
    writeIpv6Address(view, at + 4, record.group);
    emitSources(record.sources, view, at + RECORD_LENGTH);
    writeBytes(view, at + RECORD_LENGTH + 16 * record.sources.length, record.auxiliary);
    at += recordLength(record);
  }
}

/** As tcpdump: `ICMP6, multicast listener report v2, 1 group record(s), length 28`. */
export function formatMld(message: MldMessage): string {
  return `ICMP6, ${formatMessage(message)}, length ${mldLength(message)}`;
}

function formatMessage(message: MldMessage): string {
  switch (message.kind) {
    case 'query':
      return `multicast listener query max resp delay: ${message.maxResponseDelay} addr: ${formatIpv6Address(message.group)}`;
    case 'query-v2': {
      const sources = message.sources.length === 0 ? '' : `, ${message.sources.length} source(s)`;
      return `multicast listener query v2 [gaddr ${formatIpv6Address(message.group)}${sources}]`;
    }
    case 'report':
      return `multicast listener report max resp delay: 0 addr: ${formatIpv6Address(message.group)}`;
    case 'done':
      return `multicast listener done max resp delay: 0 addr: ${formatIpv6Address(message.group)}`;
    case 'report-v2':
      return `multicast listener report v2, ${message.records.length} group record(s)`;
  }
}
