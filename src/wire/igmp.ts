/**
 * IGMP versions 1 to 3 (RFC 1112, RFC 2236, RFC 3376): queries, reports, leaves.
 *
 * The view has the eight bytes that all versions share (type, code, checksum, group), which is what flow keys and
 * multicast snooping's first look need. A query's version follows from its length and code (RFC 3376 section 7.1).
 */
import { readBytes, writeBytes } from './bytes.ts';
import { computeChecksum } from './checksum.ts';
import { formatIpv4Address } from './ip-address.ts';

export const IGMP_HEADER_LENGTH = 8;
/** Offset of the checksum in the header. */
export const IGMP_CHECKSUM_OFFSET = 2;

export const IGMP_QUERY = 0x11;
export const IGMP_V1_REPORT = 0x12;
export const IGMP_V2_REPORT = 0x16;
export const IGMP_LEAVE = 0x17;
export const IGMP_V3_REPORT = 0x22;

/** Group record types of version 3 reports, in IGMP and in MLD (RFC 3376 section 4.2.12, RFC 3810 section 5.2.12). */
export const MULTICAST_MODE_IS_INCLUDE = 1;
export const MULTICAST_MODE_IS_EXCLUDE = 2;
export const MULTICAST_CHANGE_TO_INCLUDE = 3;
export const MULTICAST_CHANGE_TO_EXCLUDE = 4;
export const MULTICAST_ALLOW_NEW_SOURCES = 5;
export const MULTICAST_BLOCK_OLD_SOURCES = 6;

/** 10 s, which every query has unless someone tuned it (RFC 2236 section 8.3) */
const USUAL_RESPONSE_CODE = 100;
const QUERY_V3_LENGTH = 12;
const RECORD_LENGTH = 8;

export interface IgmpGroupRecord {
  /** MULTICAST_* */
  readonly type: number;
  readonly group: number;
  readonly sources: readonly number[];
  /** a multiple of four bytes */
  readonly auxiliary: Uint8Array;
}

export type IgmpMessage =
  | {
      /** version 2; version 1 when `maxResponseCode` is 0 */
      readonly kind: 'query';
      /** tenths of a second */
      readonly maxResponseCode: number;
      readonly group: number;
    }
  | {
      readonly kind: 'query-v3';
      readonly maxResponseCode: number;
      readonly group: number;
      readonly suppressRouterProcessing: boolean;
      /** 0..7 */
      readonly robustness: number;
      readonly queryIntervalCode: number;
      readonly sources: readonly number[];
    }
  | { readonly kind: 'report-v1' | 'report-v2' | 'leave'; readonly group: number }
  | { readonly kind: 'report-v3'; readonly records: readonly IgmpGroupRecord[] };

/** The length of the part that all messages share, or -1 when the packet is too short. */
export function checkIgmp(_view: DataView, offset: number, end: number): number {
  return end - offset < IGMP_HEADER_LENGTH ? -1 : IGMP_HEADER_LENGTH;
}

export function igmpType(view: DataView, offset: number): number {
  return view.getUint8(offset);
}

/** Maximum response code of a query, reserved otherwise. */
export function igmpCode(view: DataView, offset: number): number {
  return view.getUint8(offset + 1);
}

export function igmpChecksum(view: DataView, offset: number): number {
  return view.getUint16(offset + IGMP_CHECKSUM_OFFSET);
}

/** The group; in a version 3 report reserved bits and the number of records. */
export function igmpGroup(view: DataView, offset: number): number {
  return view.getUint32(offset + 4);
}

export function setIgmpType(view: DataView, offset: number, type: number): void {
  view.setUint8(offset, type);
}

export function setIgmpCode(view: DataView, offset: number, code: number): void {
  view.setUint8(offset + 1, code);
}

export function setIgmpChecksum(view: DataView, offset: number, checksum: number): void {
  view.setUint16(offset + IGMP_CHECKSUM_OFFSET, checksum);
}

export function setIgmpGroup(view: DataView, offset: number, group: number): void {
  view.setUint32(offset + 4, group);
}

/** Computes and writes the checksum of the message `[offset, end)`. */
export function fillIgmpChecksum(view: DataView, offset: number, end: number): void {
  setIgmpChecksum(view, offset, 0);
  setIgmpChecksum(view, offset, computeChecksum(view, offset, end - offset));
}

/** The message at `offset`, or `null` when it is cut off or of an unknown type. */
export function parseIgmp(view: DataView, offset: number, end: number): IgmpMessage | null {
  if (checkIgmp(view, offset, end) < 0) {
    return null;
  }
  const group = igmpGroup(view, offset);
  switch (igmpType(view, offset)) {
    case IGMP_QUERY:
      return end - offset < QUERY_V3_LENGTH
        ? { kind: 'query', maxResponseCode: igmpCode(view, offset), group }
        : parseQueryV3(view, offset, end);
    case IGMP_V1_REPORT:
      return { kind: 'report-v1', group };
    case IGMP_V2_REPORT:
      return { kind: 'report-v2', group };
    case IGMP_LEAVE:
      return { kind: 'leave', group };
    case IGMP_V3_REPORT:
      return parseReportV3(view, offset, end);
    default:
      return null;
  }
}

function parseQueryV3(view: DataView, offset: number, end: number): IgmpMessage | null {
  const sources = parseSources(view, offset + QUERY_V3_LENGTH, end, view.getUint16(offset + 10));
  if (sources === null) {
    return null;
  }
  const flags = view.getUint8(offset + 8);
  return {
    kind: 'query-v3',
    maxResponseCode: igmpCode(view, offset),
    group: igmpGroup(view, offset),
    suppressRouterProcessing: (flags & 8) !== 0,
    robustness: flags & 7,
    queryIntervalCode: view.getUint8(offset + 9),
    sources,
  };
}

function parseReportV3(view: DataView, offset: number, end: number): IgmpMessage | null {
  const records: IgmpGroupRecord[] = [];
  let at = offset + IGMP_HEADER_LENGTH;
  for (let left = view.getUint16(offset + 6); left > 0; left--) {
    if (end - at < RECORD_LENGTH) {
      return null;
    }
    const auxiliaryLength = view.getUint8(at + 1) * 4;
    const sources = parseSources(view, at + RECORD_LENGTH, end, view.getUint16(at + 2));
    if (sources === null || end - at < RECORD_LENGTH + 4 * sources.length + auxiliaryLength) {
      return null;
    }
    const auxiliary = readBytes(view, at + RECORD_LENGTH + 4 * sources.length, auxiliaryLength);
    records.push({ type: view.getUint8(at), group: view.getUint32(at + 4), sources, auxiliary });
    at += RECORD_LENGTH + 4 * sources.length + auxiliaryLength;
  }
  return { kind: 'report-v3', records };
}

function parseSources(view: DataView, offset: number, end: number, count: number): number[] | null {
  if (end - offset < 4 * count) {
    return null;
  }
  const sources: number[] = [];
  for (let index = 0; index < count; index++) {
    sources.push(view.getUint32(offset + 4 * index));
  }
  return sources;
}

/** Bytes that `emitIgmp` writes. */
export function igmpLength(message: IgmpMessage): number {
  switch (message.kind) {
    case 'query-v3':
      return QUERY_V3_LENGTH + 4 * message.sources.length;
    case 'report-v3': {
      let length = IGMP_HEADER_LENGTH;
      for (const record of message.records) {
        length += recordLength(record);
      }
      return length;
    }
    default:
      return IGMP_HEADER_LENGTH;
  }
}

function recordLength(record: IgmpGroupRecord): number {
  return RECORD_LENGTH + 4 * record.sources.length + record.auxiliary.length;
}

function messageType(message: IgmpMessage): number {
  switch (message.kind) {
    case 'query':
    case 'query-v3':
      return IGMP_QUERY;
    case 'report-v1':
      return IGMP_V1_REPORT;
    case 'report-v2':
      return IGMP_V2_REPORT;
    case 'leave':
      return IGMP_LEAVE;
    case 'report-v3':
      return IGMP_V3_REPORT;
  }
}

/** Writes the message with its checksum, which covers nothing else, and returns its length. */
export function emitIgmp(message: IgmpMessage, view: DataView, offset: number): number {
  const length = igmpLength(message);
  setIgmpType(view, offset, messageType(message));
  setIgmpCode(view, offset, 0);
  switch (message.kind) {
    case 'query-v3':
      setIgmpCode(view, offset, message.maxResponseCode);
      setIgmpGroup(view, offset, message.group);
      view.setUint8(offset + 8, (message.suppressRouterProcessing ? 8 : 0) | message.robustness);
      view.setUint8(offset + 9, message.queryIntervalCode);
      view.setUint16(offset + 10, message.sources.length);
      emitSources(message.sources, view, offset + QUERY_V3_LENGTH);
      break;
    case 'report-v3':
      setIgmpGroup(view, offset, message.records.length);
      emitRecords(message.records, view, offset + IGMP_HEADER_LENGTH);
      break;
    case 'query':
      setIgmpCode(view, offset, message.maxResponseCode);
      setIgmpGroup(view, offset, message.group);
      break;
    default:
      setIgmpGroup(view, offset, message.group);
  }
  fillIgmpChecksum(view, offset, offset + length);
  return length;
}

function emitSources(sources: readonly number[], view: DataView, offset: number): void {
  for (let index = 0; index < sources.length; index++) {
    view.setUint32(offset + 4 * index, sources[index]!);
  }
}

function emitRecords(records: readonly IgmpGroupRecord[], view: DataView, offset: number): void {
  let at = offset;
  for (const record of records) {
    view.setUint8(at, record.type);
    view.setUint8(at + 1, record.auxiliary.length >>> 2);
    view.setUint16(at + 2, record.sources.length);
    view.setUint32(at + 4, record.group);
    emitSources(record.sources, view, at + RECORD_LENGTH);
    writeBytes(view, at + RECORD_LENGTH + 4 * record.sources.length, record.auxiliary);
    at += recordLength(record);
  }
}

/** As tcpdump: `igmp v2 report 239.1.1.1`. */
export function formatIgmp(message: IgmpMessage): string {
  switch (message.kind) {
    case 'query':
      return `igmp query ${message.maxResponseCode === 0 ? 'v1' : 'v2'}${formatQuery(message, 0)}`;
    case 'query-v3':
      return `igmp query v3${formatQuery(message, message.sources.length)}`;
    case 'report-v1':
      return `igmp v1 report ${formatIpv4Address(message.group)}`;
    case 'report-v2':
      return `igmp v2 report ${formatIpv4Address(message.group)}`;
    case 'leave':
      return `igmp leave ${formatIpv4Address(message.group)}`;
    case 'report-v3':
      return `igmp v3 report, ${message.records.length} group record(s)`;
  }
}

/** What is not usual about a query: a response time other than 10 s, a group, sources. */
function formatQuery(query: { maxResponseCode: number; group: number }, sourceCount: number): string {
  const { maxResponseCode, group } = query;
  const isUsualTime = maxResponseCode === 0 || maxResponseCode === USUAL_RESPONSE_CODE;
  const time = isUsualTime ? '' : ` [max resp time ${maxResponseCode}]`;
  const sources = sourceCount === 0 ? '' : `, ${sourceCount} source(s)`;
  return group === 0 ? time : `${time} [gaddr ${formatIpv4Address(group)}${sources}]`;
}
