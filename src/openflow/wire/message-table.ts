/**
 * The table of messages: each with its name, the versions that have it, how its header tells it, and how long it may be.
 *
 * One row stands for the same message in a range of versions; what differs between versions in the body is in the
 * codec of that kind. Names are those that `ovs-ofctl` prints. The lengths are checked before a codec sees the message,
 * as Open vSwitch does (OFPBRC_BAD_LEN).
 */
import { OpenFlowError } from '../errors.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { MessageKind } from './records.ts';

export const NICIRA = 0x00002320;
export const ONF = 0x4f4e4600;

const OFPT_VENDOR = 4;
const STATS_VENDOR = 0xffff;
/** OFPT_STATS_REQUEST of OpenFlow 1.0, OFPT_MULTIPART_REQUEST of later versions; the reply is one more */
const STATS_REQUEST_10 = 16;
const STATS_REQUEST_11 = 18;
const STATS_FLAG_MORE = 1;

/** How a header tells a message: by type, by vendor and subtype, or as a multipart message of either kind. */
type Place =
  | 'type'
  | 'nicira'
  | 'onf'
  | 'request'
  | 'reply'
  | 'nicira-request'
  | 'nicira-reply'
  | 'onf-request'
  | 'onf-reply';

/** Bytes behind all headers: exactly `min`; or at least that, by steps of `step` (1 = any length). */
export interface MessageRow {
  /** such as `OFPT_FLOW_MOD` or `NXST_FLOW reply` */
  readonly name: string;
  /** what the message is, whatever the version */
  readonly kind: MessageKind;
  readonly since: number;
  readonly until: number;
  readonly place: Place;
  readonly number: number;
  /** bytes of the body at least */
  readonly min: number;
  /** 0 = exactly `min` */
  readonly step: number;
}

type Row = readonly [
  name: string,
  kind: MessageKind,
  since: number,
  until: number,
  place: Place,
  number: number,
  min: number,
  step: number,
];

// biome-ignore format: one row per message reads as the table that it is
const ROWS: readonly Row[] = [
  ['OFPT_HELLO', 'hello', 1, 255, 'type', 0, 0, 1],
  ['OFPT_ERROR', 'error', 1, 255, 'type', 1, 4, 1],
  ['OFPT_ECHO_REQUEST', 'echo_request', 1, 255, 'type', 2, 0, 1],
  ['OFPT_ECHO_REPLY', 'echo_reply', 1, 255, 'type', 3, 0, 1],

  ['OFPT_FEATURES_REQUEST', 'features_request', 1, 6, 'type', 5, 0, 0],
  ['OFPT_FEATURES_REPLY', 'features_reply', 1, 1, 'type', 6, 24, 48],
  ['OFPT_FEATURES_REPLY', 'features_reply', 2, 3, 'type', 6, 24, 64],
  ['OFPT_FEATURES_REPLY', 'features_reply', 4, 6, 'type', 6, 24, 0],
  ['OFPT_GET_CONFIG_REQUEST', 'get_config_request', 1, 6, 'type', 7, 0, 0],
  ['OFPT_GET_CONFIG_REPLY', 'get_config_reply', 1, 6, 'type', 8, 4, 0],
  ['OFPT_SET_CONFIG', 'set_config', 1, 6, 'type', 9, 4, 0],
  ['OFPT_PACKET_IN', 'packet_in', 1, 1, 'type', 10, 10, 1],
  ['OFPT_PACKET_IN', 'packet_in', 2, 2, 'type', 10, 16, 1],
  ['OFPT_PACKET_IN', 'packet_in', 3, 3, 'type', 10, 8, 1],
  ['OFPT_PACKET_IN', 'packet_in', 4, 6, 'type', 10, 16, 1],
  ['OFPT_FLOW_REMOVED', 'flow_removed', 1, 1, 'type', 11, 80, 0],
  ['OFPT_FLOW_REMOVED', 'flow_removed', 2, 5, 'type', 11, 40, 8],
  ['OFPT_FLOW_REMOVED', 'flow_removed', 6, 6, 'type', 11, 16, 8],
  ['OFPT_PORT_STATUS', 'port_status', 1, 1, 'type', 12, 56, 0],
  ['OFPT_PORT_STATUS', 'port_status', 2, 4, 'type', 12, 72, 0],
  ['OFPT_PORT_STATUS', 'port_status', 5, 6, 'type', 12, 48, 8],
  ['OFPT_PACKET_OUT', 'packet_out', 1, 1, 'type', 13, 8, 1],
  ['OFPT_PACKET_OUT', 'packet_out', 2, 5, 'type', 13, 16, 1],
  ['OFPT_PACKET_OUT', 'packet_out', 6, 6, 'type', 13, 8, 1],
  ['OFPT_FLOW_MOD', 'flow_mod', 1, 1, 'type', 14, 64, 8],
  ['OFPT_FLOW_MOD', 'flow_mod', 2, 6, 'type', 14, 40, 8],
  ['OFPT_GROUP_MOD', 'group_mod', 2, 5, 'type', 15, 8, 8],
  ['OFPT_GROUP_MOD', 'group_mod', 6, 6, 'type', 15, 16, 8],
  ['OFPT_PORT_MOD', 'port_mod', 1, 1, 'type', 15, 24, 0],
  ['OFPT_PORT_MOD', 'port_mod', 2, 4, 'type', 16, 32, 0],
  ['OFPT_PORT_MOD', 'port_mod', 5, 6, 'type', 16, 24, 8],
  ['OFPT_TABLE_MOD', 'table_mod', 2, 4, 'type', 17, 8, 0],
  ['OFPT_TABLE_MOD', 'table_mod', 5, 6, 'type', 17, 8, 8],
  ['OFPT_BARRIER_REQUEST', 'barrier_request', 1, 1, 'type', 18, 0, 0],
  ['OFPT_BARRIER_REQUEST', 'barrier_request', 2, 6, 'type', 20, 0, 0],
  ['OFPT_BARRIER_REPLY', 'barrier_reply', 1, 1, 'type', 19, 0, 0],
  ['OFPT_BARRIER_REPLY', 'barrier_reply', 2, 6, 'type', 21, 0, 0],
  ['OFPT_QUEUE_GET_CONFIG_REQUEST', 'queue_desc_request', 1, 1, 'type', 20, 4, 0],
  ['OFPT_QUEUE_GET_CONFIG_REQUEST', 'queue_desc_request', 2, 4, 'type', 22, 8, 0],
  ['OFPT_QUEUE_GET_CONFIG_REPLY', 'queue_desc_reply', 1, 1, 'type', 21, 8, 8],
  ['OFPT_QUEUE_GET_CONFIG_REPLY', 'queue_desc_reply', 2, 4, 'type', 23, 8, 8],
  ['OFPT_ROLE_REQUEST', 'role_request', 3, 6, 'type', 24, 16, 0],
  ['OFPT_ROLE_REPLY', 'role_reply', 3, 6, 'type', 25, 16, 0],
  ['OFPT_GET_ASYNC_REQUEST', 'get_async_request', 4, 6, 'type', 26, 0, 0],
  ['OFPT_GET_ASYNC_REPLY', 'get_async_reply', 4, 4, 'type', 27, 24, 0],
  ['OFPT_GET_ASYNC_REPLY', 'get_async_reply', 5, 6, 'type', 27, 0, 8],
  ['OFPT_SET_ASYNC', 'set_async', 4, 4, 'type', 28, 24, 0],
  ['OFPT_SET_ASYNC', 'set_async', 5, 6, 'type', 28, 0, 8],
  ['OFPT_METER_MOD', 'meter_mod', 4, 6, 'type', 29, 8, 8],
  ['OFPT_ROLE_STATUS', 'role_status', 5, 6, 'type', 30, 16, 8],
  ['OFPT_TABLE_STATUS', 'table_status', 5, 6, 'type', 31, 8, 8],
  ['OFPT_REQUESTFORWARD', 'requestforward', 5, 6, 'type', 32, 8, 8],
  ['OFPT_BUNDLE_CONTROL', 'bundle_control', 5, 6, 'type', 33, 8, 8],
  ['OFPT_BUNDLE_ADD_MESSAGE', 'bundle_add', 5, 6, 'type', 34, 8, 1],

  ['OFPST_DESC request', 'desc_request', 1, 6, 'request', 0, 0, 0],
  ['OFPST_DESC reply', 'desc_reply', 1, 6, 'reply', 0, 1056, 0],
  ['OFPST_FLOW request', 'flow_stats_request', 1, 1, 'request', 1, 44, 0],
  ['OFPST_FLOW request', 'flow_stats_request', 2, 6, 'request', 1, 32, 8],
  ['OFPST_FLOW reply', 'flow_stats_reply', 1, 6, 'reply', 1, 0, 1],
  ['OFPST_AGGREGATE request', 'aggregate_request', 1, 1, 'request', 2, 44, 0],
  ['OFPST_AGGREGATE request', 'aggregate_request', 2, 6, 'request', 2, 32, 8],
  ['OFPST_AGGREGATE reply', 'aggregate_reply', 1, 5, 'reply', 2, 24, 0],
  ['OFPST_AGGREGATE reply', 'aggregate_reply', 6, 6, 'reply', 2, 0, 1],
  ['OFPST_TABLE request', 'table_stats_request', 1, 6, 'request', 3, 0, 0],
  ['OFPST_TABLE reply', 'table_stats_reply', 1, 1, 'reply', 3, 0, 64],
  ['OFPST_TABLE reply', 'table_stats_reply', 2, 2, 'reply', 3, 0, 88],
  ['OFPST_TABLE reply', 'table_stats_reply', 3, 3, 'reply', 3, 0, 128],
  ['OFPST_TABLE reply', 'table_stats_reply', 4, 6, 'reply', 3, 0, 24],
  ['OFPST_PORT request', 'port_stats_request', 1, 6, 'request', 4, 8, 0],
  ['OFPST_PORT reply', 'port_stats_reply', 1, 3, 'reply', 4, 0, 104],
  ['OFPST_PORT reply', 'port_stats_reply', 4, 4, 'reply', 4, 0, 112],
  ['OFPST_PORT reply', 'port_stats_reply', 5, 6, 'reply', 4, 0, 8],
  ['OFPST_QUEUE request', 'queue_stats_request', 1, 6, 'request', 5, 8, 0],
  ['OFPST_QUEUE reply', 'queue_stats_reply', 1, 3, 'reply', 5, 0, 32],
  ['OFPST_QUEUE reply', 'queue_stats_reply', 4, 4, 'reply', 5, 0, 40],
  ['OFPST_QUEUE reply', 'queue_stats_reply', 5, 6, 'reply', 5, 0, 8],
  ['OFPST_GROUP request', 'group_stats_request', 2, 6, 'request', 6, 8, 0],
  ['OFPST_GROUP reply', 'group_stats_reply', 2, 6, 'reply', 6, 0, 8],
  ['OFPST_GROUP_DESC request', 'group_desc_request', 2, 5, 'request', 7, 0, 0],
  ['OFPST_GROUP_DESC request', 'group_desc_request', 6, 6, 'request', 7, 8, 0],
  ['OFPST_GROUP_DESC reply', 'group_desc_reply', 2, 6, 'reply', 7, 0, 8],
  ['OFPST_GROUP_FEATURES request', 'group_features_request', 3, 6, 'request', 8, 0, 0],
  ['OFPST_GROUP_FEATURES reply', 'group_features_reply', 3, 6, 'reply', 8, 40, 0],
  ['OFPST_METER request', 'meter_stats_request', 4, 6, 'request', 9, 8, 0],
  ['OFPST_METER reply', 'meter_stats_reply', 4, 6, 'reply', 9, 0, 8],
  ['OFPST_METER_CONFIG request', 'meter_config_request', 4, 6, 'request', 10, 8, 0],
  ['OFPST_METER_CONFIG reply', 'meter_config_reply', 4, 6, 'reply', 10, 0, 8],
  ['OFPST_METER_FEATURES request', 'meter_features_request', 4, 6, 'request', 11, 0, 0],
  ['OFPST_METER_FEATURES reply', 'meter_features_reply', 4, 6, 'reply', 11, 16, 0],
  ['OFPST_TABLE_FEATURES request', 'table_features_request', 4, 6, 'request', 12, 0, 8],
  ['OFPST_TABLE_FEATURES reply', 'table_features_reply', 4, 6, 'reply', 12, 64, 8],
  ['OFPST_PORT_DESC request', 'port_desc_request', 1, 5, 'request', 13, 0, 0],
  ['OFPST_PORT_DESC request', 'port_desc_request', 6, 6, 'request', 13, 8, 0],
  ['OFPST_PORT_DESC reply', 'port_desc_reply', 1, 1, 'reply', 13, 0, 48],
  ['OFPST_PORT_DESC reply', 'port_desc_reply', 2, 4, 'reply', 13, 0, 64],
  ['OFPST_PORT_DESC reply', 'port_desc_reply', 5, 6, 'reply', 13, 0, 8],
  ['OFPST_TABLE_DESC request', 'table_desc_request', 5, 6, 'request', 14, 0, 0],
  ['OFPST_TABLE_DESC reply', 'table_desc_reply', 5, 6, 'reply', 14, 8, 8],
  ['OFPST_QUEUE_DESC request', 'queue_desc_request', 5, 6, 'request', 15, 8, 0],
  ['OFPST_QUEUE_DESC reply', 'queue_desc_reply', 5, 6, 'reply', 15, 0, 8],
  ['OFPST_FLOW_MONITOR request', 'flow_monitor_request', 5, 6, 'request', 16, 0, 8],
  ['OFPST_FLOW_MONITOR reply', 'flow_monitor_reply', 5, 6, 'reply', 16, 0, 8],

  ['NXT_ROLE_REQUEST', 'role_request', 1, 6, 'nicira', 10, 4, 0],
  ['NXT_ROLE_REPLY', 'role_reply', 1, 6, 'nicira', 11, 4, 0],
  ['NXT_SET_FLOW_FORMAT', 'set_flow_format', 1, 1, 'nicira', 12, 4, 0],
  ['NXT_FLOW_MOD', 'flow_mod', 1, 6, 'nicira', 13, 32, 8],
  ['NXT_FLOW_REMOVED', 'flow_removed', 1, 6, 'nicira', 14, 40, 8],
  ['NXT_FLOW_MOD_TABLE_ID', 'flow_mod_table_id', 1, 6, 'nicira', 15, 8, 0],
  ['NXT_SET_PACKET_IN_FORMAT', 'set_packet_in_format', 1, 6, 'nicira', 16, 4, 0],
  ['NXT_PACKET_IN', 'packet_in', 1, 6, 'nicira', 17, 24, 1],
  ['NXT_FLOW_AGE', 'flow_age', 1, 6, 'nicira', 18, 0, 0],
  ['NXT_SET_ASYNC_CONFIG', 'set_async', 1, 6, 'nicira', 19, 24, 0],
  ['NXT_SET_CONTROLLER_ID', 'set_controller_id', 1, 6, 'nicira', 20, 8, 0],
  ['NXT_FLOW_MONITOR_CANCEL', 'flow_monitor_cancel', 1, 3, 'nicira', 21, 4, 0],
  ['NXT_FLOW_MONITOR_PAUSED', 'flow_monitor_paused', 1, 3, 'nicira', 22, 0, 0],
  ['NXT_FLOW_MONITOR_RESUMED', 'flow_monitor_resumed', 1, 3, 'nicira', 23, 0, 0],
  ['NXT_TLV_TABLE_MOD', 'tlv_table_mod', 1, 6, 'nicira', 24, 8, 8],
  ['NXT_TLV_TABLE_REQUEST', 'tlv_table_request', 1, 6, 'nicira', 25, 0, 0],
  ['NXT_TLV_TABLE_REPLY', 'tlv_table_reply', 1, 6, 'nicira', 26, 16, 8],
  ['NXT_SET_ASYNC_CONFIG2', 'set_async', 1, 4, 'nicira', 27, 0, 8],
  ['NXT_RESUME', 'resume', 1, 6, 'nicira', 28, 0, 8],
  ['NXT_CT_FLUSH_ZONE', 'ct_flush_zone', 1, 6, 'nicira', 29, 8, 0],
  ['NXT_PACKET_IN2', 'packet_in', 1, 6, 'nicira', 30, 0, 8],
  ['NXT_GROUP_MOD', 'group_mod', 1, 1, 'nicira', 31, 16, 8],
  ['NXT_CT_FLUSH', 'ct_flush', 1, 6, 'nicira', 32, 8, 8],
  ['NXT_REQUESTFORWARD', 'requestforward', 1, 3, 'nicira', 132, 8, 8],
  ['ONFT_FLOW_MONITOR_CANCEL', 'flow_monitor_cancel', 4, 4, 'onf', 1870, 4, 0],
  ['ONFT_FLOW_MONITOR_PAUSED', 'flow_monitor_paused', 4, 4, 'onf', 1871, 0, 0],
  ['ONFT_FLOW_MONITOR_RESUMED', 'flow_monitor_resumed', 4, 4, 'onf', 1872, 0, 0],
  ['ONFT_ROLE_STATUS', 'role_status', 4, 4, 'onf', 1911, 16, 8],
  ['ONFT_BUNDLE_CONTROL', 'bundle_control', 4, 4, 'onf', 2300, 8, 8],
  ['ONFT_BUNDLE_ADD_MESSAGE', 'bundle_add', 4, 4, 'onf', 2301, 8, 1],
  ['ONFT_REQUESTFORWARD', 'requestforward', 4, 4, 'onf', 2350, 8, 8],

  ['NXST_FLOW request', 'flow_stats_request', 1, 1, 'nicira-request', 0, 8, 8],
  ['NXST_FLOW reply', 'flow_stats_reply', 1, 1, 'nicira-reply', 0, 0, 1],
  ['NXST_AGGREGATE request', 'aggregate_request', 1, 1, 'nicira-request', 1, 8, 8],
  ['NXST_AGGREGATE reply', 'aggregate_reply', 1, 1, 'nicira-reply', 1, 24, 0],
  ['NXST_FLOW_MONITOR request', 'flow_monitor_request', 1, 3, 'nicira-request', 2, 0, 8],
  ['NXST_FLOW_MONITOR reply', 'flow_monitor_reply', 1, 3, 'nicira-reply', 2, 0, 8],
  ['NXST_IPFIX_BRIDGE request', 'ipfix_bridge_request', 1, 6, 'nicira-request', 3, 0, 0],
  ['NXST_IPFIX_BRIDGE reply', 'ipfix_bridge_reply', 1, 6, 'nicira-reply', 3, 88, 0],
  ['NXST_IPFIX_FLOW request', 'ipfix_flow_request', 1, 6, 'nicira-request', 4, 0, 0],
  ['NXST_IPFIX_FLOW reply', 'ipfix_flow_reply', 1, 6, 'nicira-reply', 4, 0, 88],
  ['NXST_GROUP request', 'group_stats_request', 1, 1, 'nicira-request', 7, 8, 0],
  ['NXST_GROUP reply', 'group_stats_reply', 1, 1, 'nicira-reply', 7, 0, 8],
  ['NXST_GROUP_DESC request', 'group_desc_request', 1, 1, 'nicira-request', 8, 8, 0],
  ['NXST_GROUP_DESC reply', 'group_desc_reply', 1, 1, 'nicira-reply', 8, 0, 8],
  ['NXST_GROUP_FEATURES request', 'group_features_request', 1, 2, 'nicira-request', 9, 0, 0],
  ['NXST_GROUP_FEATURES reply', 'group_features_reply', 1, 2, 'nicira-reply', 9, 40, 0],
  ['ONFST_FLOW_MONITOR request', 'flow_monitor_request', 4, 4, 'onf-request', 1870, 0, 8],
  ['ONFST_FLOW_MONITOR reply', 'flow_monitor_reply', 4, 4, 'onf-reply', 1870, 0, 8],
];

const TABLE: readonly MessageRow[] = ROWS.map(([name, kind, since, until, place, number, min, step]) => ({
  name,
  kind,
  since,
  until,
  place,
  number,
  min,
  step,
}));
const BY_PLACE: ReadonlyMap<string, readonly MessageRow[]> = groupBy((row) => `${row.place} ${row.number}`);
const BY_KIND: ReadonlyMap<string, readonly MessageRow[]> = groupBy((row) => row.kind);

/** What the header and the headers behind it say. */
export interface MessageIdentity {
  readonly row: MessageRow;
  /** OFPMPF_REPLY_MORE or REQ_MORE: more of the same follows; false for what is no multipart message */
  readonly more: boolean;
}

/**
 * Finds out which message it is; `reader` stands behind the 8 bytes of the header and goes behind the other headers.
 * Throws `OFPBRC_BAD_TYPE`, `OFPBRC_BAD_STAT`, `OFPBRC_BAD_VENDOR`, `OFPBRC_BAD_SUBTYPE` or `OFPBRC_BAD_LEN`.
 */
export function identifyMessage(reader: ByteReader, version: number, type: number): MessageIdentity {
  const requestType = version === 1 ? STATS_REQUEST_10 : STATS_REQUEST_11;
  if (version >= 1 && version <= 6 && (type === requestType || type === requestType + 1)) {
    return identifyMultipart(reader, version, type === requestType ? 'request' : 'reply');
  }
  if (type === OFPT_VENDOR) {
    const vendor = reader.u32();
    const place = vendorPlace(vendor);
    if (place === null) {
      throw new OpenFlowError('OFPBRC_BAD_VENDOR', `vendor message for unknown vendor 0x${vendor.toString(16)}`);
    }
    const number = reader.u32();
    return { row: find(place, number, version, 'OFPBRC_BAD_SUBTYPE'), more: false };
  }
  return { row: find('type', type, version, 'OFPBRC_BAD_TYPE'), more: false };
}

function identifyMultipart(reader: ByteReader, version: number, direction: 'request' | 'reply'): MessageIdentity {
  const statsType = reader.u16();
  const more = (reader.u16() & STATS_FLAG_MORE) !== 0;
  if (version > 1) {
    reader.skip(4);
  }
  if (statsType !== STATS_VENDOR) {
    return { row: find(direction, statsType, version, 'OFPBRC_BAD_STAT'), more };
  }
  const vendor = reader.u32();
  const place = vendorPlace(vendor);
  if (place === null) {
    throw new OpenFlowError('OFPBRC_BAD_VENDOR', `vendor statistics of unknown vendor 0x${vendor.toString(16)}`);
  }
  const subtype = reader.u32();
  if (version === 1) {
    reader.skip(4);
  }
  return { row: find(`${place}-${direction}`, subtype, version, 'OFPBRC_BAD_SUBTYPE'), more };
}

function vendorPlace(vendor: number): 'nicira' | 'onf' | null {
  return vendor === NICIRA ? 'nicira' : vendor === ONF ? 'onf' : null;
}

type IdentityError = 'OFPBRC_BAD_TYPE' | 'OFPBRC_BAD_STAT' | 'OFPBRC_BAD_SUBTYPE';

function find(place: Place, number: number, version: number, code: IdentityError): MessageRow {
  for (const row of BY_PLACE.get(`${place} ${number}`) ?? []) {
    if (row.since <= version && version <= row.until) {
      return row;
    }
  }
  throw new OpenFlowError(code, `unknown OpenFlow message (version ${version}, ${place} ${number})`);
}

/** Throws `OFPBRC_BAD_LEN` unless a body of `length` bytes, of a message of `total` bytes, is one of `row`. */
export function checkLength({ name, min, step }: MessageRow, length: number, total: number): void {
  if (length === min || (length > min && step !== 0 && (length - min) % step === 0)) {
    return;
  }
  const expected = total - length + min;
  const rule =
    step === 0
      ? `expected length ${expected}`
      : step === 1
        ? `expected length at least ${expected} bytes`
        : `must be exactly ${expected} bytes or longer by an integer multiple of ${step} bytes`;
  throw new OpenFlowError('OFPBRC_BAD_LEN', `received ${name} with incorrect length ${total} (${rule})`);
}

/** The rows of a kind in a version, standard messages before extensions. */
export function rowsOfKind(kind: MessageKind, version: number): readonly MessageRow[] {
  return BY_KIND.get(kind)!.filter((row) => row.since <= version && version <= row.until);
}

/** Writes the headers of a message, with a length of 0. */
export function writeHeaders(writer: ByteWriter, row: MessageRow, version: number, xid: number, more: boolean): void {
  const { place, number } = row;
  const isReply = place.endsWith('reply');
  const isMultipart = isReply || place.endsWith('request');
  const requestType = version === 1 ? STATS_REQUEST_10 : STATS_REQUEST_11;
  writer.u8(version);
  writer.u8(place === 'type' ? number : isMultipart ? requestType + (isReply ? 1 : 0) : OFPT_VENDOR);
  writer.u16(0);
  writer.u32(xid);
  const isVendor = place.startsWith('nicira') || place.startsWith('onf');
  if (isMultipart) {
    writer.u16(isVendor ? STATS_VENDOR : number);
    writer.u16(more ? STATS_FLAG_MORE : 0);
    writer.zeros(version > 1 ? 4 : 0);
  }
  if (isVendor) {
    writer.u32(place.startsWith('nicira') ? NICIRA : ONF);
    writer.u32(number);
    writer.zeros(isMultipart && version === 1 ? 4 : 0);
  }
}

function groupBy(keyOf: (row: MessageRow) => string): Map<string, MessageRow[]> {
  const groups = new Map<string, MessageRow[]>();
  for (const row of TABLE) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, [row]);
    } else {
      group.push(row);
    }
  }
  return groups;
}
