/**
 * Messages from and to bytes: `decodeMessage`, `encodeMessage` and `encodeMessages`.
 *
 * How. The header and the headers behind it lead to a row of the table of messages, which says the kind and checks the
 * length; the kind's codec does the rest, knowing the version. When writing, the kind and the version lead to the row; where
 * a version has several ways to say the same (a flow mod of OpenFlow 1.0 or Nicira's), `name` chooses, and without it
 * the standard's is taken. Replies that are too long for one message are cut between entries into several, all but the
 * last with the flag that more follows.
 */
import { OpenFlowError, type OpenFlowErrorName, type OpenFlowVersion } from '../errors.ts';
import type { WireOptions } from './action-context.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Decode, DecodeContext, Encode, EncodeContext } from './codec-context.ts';
import {
  decodeAggregateReply,
  decodeFlowMod,
  decodeFlowRemoved,
  decodeFlowStatsReply,
  decodeFlowStatsRequest,
  encodeAggregateReply,
  encodeFlowMod,
  encodeFlowRemoved,
  encodeFlowStatsReply,
  encodeFlowStatsRequest,
} from './flow-codec.ts';
import { HEADER_BYTES, MAX_MESSAGE_BYTES, readHeader } from './framing.ts';
import * as group from './group-codec.ts';
import { decodeHello, encodeHello } from './hello.ts';
import { checkLength, identifyMessage, type MessageRow, rowsOfKind, writeHeaders } from './message-table.ts';
import * as monitor from './monitor-codec.ts';
import { decodePacketIn, decodePacketOut, decodeResume, encodePacketIn, encodePacketOut } from './packet-codec.ts';
import * as port from './port-codec.ts';
import type {
  BundleAddMessage,
  BundleControlMessage,
  BundleControlType,
  EmptyMessageType,
  Message,
  MessageKind,
  MessageOf,
  OpaqueMessage,
  RequestforwardMessage,
} from './records.ts';
import * as sw from './switch-codec.ts';
import * as table from './table-codec.ts';

export interface DecodeOptions extends WireOptions {
  /** OpenFlow 1.0: flow mods have the table in the high byte of the command. Default false */
  readonly flowModTableId?: boolean;
}

export interface DecodedMessage {
  readonly version: number;
  readonly xid: number;
  /** such as `OFPT_FLOW_MOD` or `NXST_FLOW reply` */
  readonly name: string;
  /** more messages with the same xid follow */
  readonly more: boolean;
  readonly message: Message;
}

export interface EncodeOptions extends WireOptions {
  readonly version: OpenFlowVersion;
  readonly xid: number;
  /** which of several messages of the kind; the standard's when not given */
  readonly name?: string;
  readonly flowModTableId?: boolean;
  /** set the flag that more messages of this reply follow */
  readonly more?: boolean;
}

interface Codec<M extends Message> {
  readonly decode: Decode;
  readonly encode: Encode<M>;
}
type Codecs = { readonly [K in MessageKind]: Codec<MessageOf<K>> };

const MULTIPART_FLAGS_OFFSET = 10;
const BUNDLE_CONTROLS: readonly BundleControlType[] = [
  'open_request',
  'open_reply',
  'close_request',
  'close_reply',
  'commit_request',
  'commit_reply',
  'discard_request',
  'discard_reply',
];
const BUNDLE_FLAGS = 3;
/** What may be put in a bundle. */
const BUNDLED_KINDS: ReadonlySet<MessageKind> = new Set(['flow_mod', 'port_mod', 'group_mod', 'packet_out']);

const empty = (type: EmptyMessageType): Codec<Message> => ({ decode: () => ({ type }), encode: () => undefined });
const opaque = (type: OpaqueMessage['type']): Codec<OpaqueMessage> => ({
  decode: (reader) => ({ type, data: reader.rest() }),
  encode: (writer, { data }) => writer.put(data),
});
const echo = (type: 'echo_request' | 'echo_reply'): Codec<MessageOf<typeof type>> => ({
  decode: (reader) => ({ type, data: reader.rest() }),
  encode: (writer, { data }) => writer.put(data),
});

const CODECS: Codecs = {
  hello: {
    decode: (reader, { version }) => decodeHello(reader, version),
    encode: (writer, { versions }, { xid }) => writer.put(encodeHello(versions, xid).subarray(HEADER_BYTES)),
  },
  error: { decode: sw.decodeError, encode: sw.encodeError },
  echo_request: echo('echo_request'),
  echo_reply: echo('echo_reply'),
  features_request: empty('features_request'),
  features_reply: { decode: sw.decodeFeatures, encode: sw.encodeFeatures },
  get_config_request: empty('get_config_request'),
  get_config_reply: { decode: (r, c) => sw.decodeConfig(r, c, 'get_config_reply'), encode: sw.encodeConfig },
  set_config: { decode: (r, c) => sw.decodeConfig(r, c, 'set_config'), encode: sw.encodeConfig },
  packet_in: { decode: decodePacketIn, encode: encodePacketIn },
  resume: { decode: decodeResume, encode: encodePacketIn },
  packet_out: { decode: decodePacketOut, encode: encodePacketOut },
  flow_removed: { decode: decodeFlowRemoved, encode: encodeFlowRemoved },
  port_status: { decode: port.decodePortStatus, encode: port.encodePortStatus },
  port_mod: { decode: port.decodePortMod, encode: port.encodePortMod },
  flow_mod: { decode: decodeFlowMod, encode: encodeFlowMod },
  group_mod: { decode: group.decodeGroupMod, encode: group.encodeGroupMod },
  meter_mod: { decode: group.decodeMeterMod, encode: group.encodeMeterMod },
  table_mod: { decode: table.decodeTableMod, encode: table.encodeTableMod },
  table_status: { decode: table.decodeTableStatus, encode: table.encodeTableStatus },
  barrier_request: empty('barrier_request'),
  barrier_reply: empty('barrier_reply'),
  role_request: { decode: (r, c) => sw.decodeRole(r, c, 'role_request'), encode: sw.encodeRole },
  role_reply: { decode: (r, c) => sw.decodeRole(r, c, 'role_reply'), encode: sw.encodeRole },
  role_status: { decode: sw.decodeRoleStatus, encode: sw.encodeRoleStatus },
  get_async_request: empty('get_async_request'),
  get_async_reply: { decode: (r, c) => sw.decodeAsync(r, c, 'get_async_reply'), encode: sw.encodeAsync },
  set_async: { decode: (r, c) => sw.decodeAsync(r, c, 'set_async'), encode: sw.encodeAsync },
  queue_desc_request: { decode: port.decodeQueueDescRequest, encode: port.encodeQueueDescRequest },
  queue_desc_reply: { decode: port.decodeQueueDesc, encode: port.encodeQueueDesc },
  requestforward: { decode: decodeRequestforward, encode: encodeRequestforward },
  bundle_control: { decode: decodeBundleControl, encode: encodeBundleControl },
  bundle_add: { decode: decodeBundleAdd, encode: encodeBundleAdd },
  tlv_table_mod: { decode: sw.decodeTlvTableMod, encode: sw.encodeTlvTableMod },
  tlv_table_request: empty('tlv_table_request'),
  tlv_table_reply: { decode: sw.decodeTlvTableReply, encode: sw.encodeTlvTableReply },
  set_flow_format: {
    decode: (reader) => {
      const format = reader.u32();
      if (format !== 0 && format !== 2) {
        throw new OpenFlowError('OFPBRC_EPERM', `unknown flow format ${format}`);
      }
      return { type: 'set_flow_format', format: format === 0 ? 'openflow10' : 'nxm' };
    },
    encode: (writer, { format }) => writer.u32(format === 'nxm' ? 2 : 0),
  },
  flow_mod_table_id: {
    decode: (reader) => ({ type: 'flow_mod_table_id', enabled: reader.u8() !== 0 }),
    encode: (writer, { enabled }) => {
      writer.u8(enabled ? 1 : 0);
      writer.zeros(7);
    },
  },
  set_packet_in_format: { decode: sw.decodePacketInFormat, encode: sw.encodePacketInFormat },
  set_controller_id: {
    decode: (reader) => {
      reader.zeros(6);
      return { type: 'set_controller_id', id: reader.u16() };
    },
    encode: (writer, { id }) => {
      writer.zeros(6);
      writer.u16(id);
    },
  },
  flow_monitor_cancel: {
    decode: (reader) => ({ type: 'flow_monitor_cancel', id: reader.u32() }),
    encode: (writer, { id }) => writer.u32(id),
  },
  flow_monitor_paused: empty('flow_monitor_paused'),
  flow_monitor_resumed: empty('flow_monitor_resumed'),
  flow_age: empty('flow_age'),
  ct_flush_zone: {
    decode: (reader) => {
      reader.zeros(6);
      return { type: 'ct_flush_zone', zone: reader.u16() };
    },
    encode: (writer, { zone }) => {
      writer.zeros(6);
      writer.u16(zone);
    },
  },
  ct_flush: opaque('ct_flush'),
  ipfix_bridge_request: empty('ipfix_bridge_request'),
  ipfix_bridge_reply: opaque('ipfix_bridge_reply'),
  ipfix_flow_request: empty('ipfix_flow_request'),
  ipfix_flow_reply: opaque('ipfix_flow_reply'),
  desc_request: empty('desc_request'),
  desc_reply: { decode: sw.decodeDesc, encode: sw.encodeDesc },
  flow_stats_request: {
    decode: (r, c) => decodeFlowStatsRequest(r, c, 'flow_stats_request'),
    encode: encodeFlowStatsRequest,
  },
  aggregate_request: {
    decode: (r, c) => decodeFlowStatsRequest(r, c, 'aggregate_request'),
    encode: encodeFlowStatsRequest,
  },
  flow_stats_reply: { decode: decodeFlowStatsReply, encode: encodeFlowStatsReply },
  aggregate_reply: { decode: decodeAggregateReply, encode: encodeAggregateReply },
  table_stats_request: empty('table_stats_request'),
  table_stats_reply: { decode: table.decodeTableStats, encode: table.encodeTableStats },
  table_features_request: {
    decode: (r) => table.decodeTableFeatures(r, 'table_features_request'),
    encode: table.encodeTableFeatures,
  },
  table_features_reply: {
    decode: (r) => table.decodeTableFeatures(r, 'table_features_reply'),
    encode: table.encodeTableFeatures,
  },
  table_desc_request: empty('table_desc_request'),
  table_desc_reply: { decode: table.decodeTableDesc, encode: table.encodeTableDesc },
  port_stats_request: {
    decode: (r, c) => port.decodePortRequest(r, c, 'port_stats_request'),
    encode: port.encodePortRequest,
  },
  port_stats_reply: { decode: port.decodePortStats, encode: port.encodePortStats },
  port_desc_request: {
    decode: (r, c) => port.decodePortRequest(r, c, 'port_desc_request'),
    encode: port.encodePortRequest,
  },
  port_desc_reply: {
    decode: (r, { version }) => ({ type: 'port_desc_reply', ports: port.readPortDescriptions(r, version) }),
    encode: port.encodePortDesc,
  },
  queue_stats_request: { decode: port.decodeQueueStatsRequest, encode: port.encodeQueueStatsRequest },
  queue_stats_reply: { decode: port.decodeQueueStats, encode: port.encodeQueueStats },
  group_stats_request: {
    decode: (r) => group.decodeGroupRequest(r, 'group_stats_request'),
    encode: group.encodeGroupRequest,
  },
  group_stats_reply: { decode: group.decodeGroupStats, encode: group.encodeGroupStats },
  group_desc_request: {
    decode: (r) => group.decodeGroupRequest(r, 'group_desc_request'),
    encode: group.encodeGroupRequest,
  },
  group_desc_reply: { decode: group.decodeGroupDesc, encode: group.encodeGroupDesc },
  group_features_request: empty('group_features_request'),
  group_features_reply: { decode: group.decodeGroupFeatures, encode: group.encodeGroupFeatures },
  meter_stats_request: {
    decode: (r) => ({ type: 'meter_stats_request', meter: r.u32() }),
    encode: encodeMeterRequest,
  },
  meter_stats_reply: { decode: group.decodeMeterStats, encode: group.encodeMeterStats },
  meter_config_request: {
    decode: (r) => ({ type: 'meter_config_request', meter: r.u32() }),
    encode: encodeMeterRequest,
  },
  meter_config_reply: { decode: group.decodeMeterConfig, encode: group.encodeMeterConfig },
  meter_features_request: empty('meter_features_request'),
  meter_features_reply: { decode: group.decodeMeterFeatures, encode: group.encodeMeterFeatures },
  flow_monitor_request: { decode: monitor.decodeFlowMonitorRequest, encode: monitor.encodeFlowMonitorRequest },
  flow_monitor_reply: { decode: monitor.decodeFlowMonitorReply, encode: monitor.encodeFlowMonitorReply },
};

function encodeMeterRequest(writer: ByteWriter, { meter }: { readonly meter: number }): void {
  writer.u32(meter);
  writer.zeros(4);
}

/** What a message is, without its body. Throws as `decodeMessage` does for headers and lengths. */
export function identify(bytes: Uint8Array): Omit<DecodedMessage, 'message'> & { readonly kind: MessageKind } {
  const { version, type, xid, length } = readHeader(bytes);
  const reader = new ByteReader(bytes, HEADER_BYTES, Math.min(length, bytes.length));
  const { row, more } = identifyMessage(reader, version, type);
  return { version, xid, more, name: row.name, kind: row.kind };
}

/**
 * Reads one whole message. Throws `OpenFlowError` with the error that its sender gets: for messages that do not exist (OFPBRC_BAD_TYPE …),
 * have a wrong length (OFPBRC_BAD_LEN), or say what cannot be.
 */
export function decodeMessage(bytes: Uint8Array, options: DecodeOptions = {}): DecodedMessage {
  const { version, type, xid, length } = readHeader(bytes);
  if (length !== bytes.length) {
    throw new OpenFlowError('OFPBRC_BAD_LEN', `message of ${bytes.length} bytes says that it has ${length}`);
  }
  const reader = new ByteReader(bytes, HEADER_BYTES);
  const { row, more } = identifyMessage(reader, version, type);
  checkLength(row, reader.remaining, bytes.length);
  const context: DecodeContext = {
    ...options,
    version: version as OpenFlowVersion,
    name: row.name,
    flowModTableId: options.flowModTableId === true,
    bytes,
    xid,
  };
  return { version, xid, name: row.name, more, message: CODECS[row.kind].decode(reader, context) };
}

/** Writes one message. Throws `OpenFlowError` (`OFPBRC_BAD_TYPE`) when the version has no such message, `OFPBRC_BAD_LEN` when it is too long for one. */
export function encodeMessage(message: Message, options: EncodeOptions): Uint8Array {
  const messages = encodeMessages(message, options);
  if (messages.length !== 1) {
    throw new OpenFlowError('OFPBRC_BAD_LEN', `${message.type} does not fit into one message`);
  }
  return messages[0]!;
}

/** Writes a message, as several where it is a list that is too long for one. Throws as `encodeMessage`. */
export function encodeMessages(message: Message, options: EncodeOptions): Uint8Array[] {
  const { version, xid, more = false } = options;
  if (message.type === 'hello') {
    return [encodeHello(message.versions, xid)];
  }
  const row = chooseRow(message.type, options);
  const writer = new ByteWriter();
  const segments: Uint8Array[] = [];
  writeHeaders(writer, row, version, xid, more);
  const bodyStart = writer.length;
  const entry = (write: () => void): void => {
    const start = writer.length;
    write();
    if (writer.length <= MAX_MESSAGE_BYTES || start === bodyStart) {
      return;
    }
    const cut = writer.cut(start);
    writer.patch16(2, writer.length);
    writer.patch16(MULTIPART_FLAGS_OFFSET, 1);
    segments.push(writer.cut(0));
    writeHeaders(writer, row, version, xid, more);
    writer.put(cut);
  };
  const context: EncodeContext = {
    ...options,
    name: row.name,
    flowModTableId: options.flowModTableId === true,
    entry,
  };
  (CODECS[message.type] as Codec<Message>).encode(writer, message, context);
  if (writer.length > MAX_MESSAGE_BYTES) {
    throw new OpenFlowError('OFPBRC_BAD_LEN', `${row.name} of ${writer.length} bytes is too long`);
  }
  writer.patch16(2, writer.length);
  segments.push(writer.finish());
  return segments;
}

function chooseRow(kind: MessageKind, { version, name }: EncodeOptions): MessageRow {
  const rows = rowsOfKind(kind, version);
  const row = name === undefined ? rows[0] : rows.find((candidate) => candidate.name === name);
  if (row === undefined) {
    throw new OpenFlowError('OFPBRC_BAD_TYPE', `version ${version} has no ${name ?? kind}`);
  }
  return row;
}

function decodeRequestforward(reader: ByteReader, context: DecodeContext): RequestforwardMessage {
  const inner = context.bytes.subarray(reader.offset);
  const { xid, message } = decodeMessage(inner, context);
  if (message.type !== 'group_mod' && message.type !== 'meter_mod') {
    throw new OpenFlowError('OFPBFC_MSG_UNSUP', `${message.type} cannot be forwarded`);
  }
  return { type: 'requestforward', message, xid };
}

function encodeRequestforward(
  writer: ByteWriter,
  { message, xid }: RequestforwardMessage,
  context: EncodeContext,
): void {
  const { version, tlvTable } = context;
  writer.put(encodeMessage(message, { version, xid, ...(tlvTable === undefined ? {} : { tlvTable }) }));
}

function decodeBundleControl(reader: ByteReader): BundleControlMessage {
  const bundleId = reader.u32();
  const control = BUNDLE_CONTROLS[reader.u16()];
  const flags = reader.u16();
  if (control === undefined) {
    throw new OpenFlowError('OFPBFC_BAD_TYPE', 'unknown bundle control');
  }
  checkBundleFlags(flags);
  return { type: 'bundle_control', bundleId, control, flags };
}

function checkBundleFlags(flags: number): void {
  if ((flags & ~BUNDLE_FLAGS) !== 0) {
    throw new OpenFlowError('OFPBFC_BAD_FLAGS', `bundle flags 0x${flags.toString(16)}`);
  }
}

function encodeBundleControl(writer: ByteWriter, { bundleId, control, flags }: BundleControlMessage): void {
  writer.u32(bundleId);
  writer.u16(BUNDLE_CONTROLS.indexOf(control));
  writer.u16(flags);
}

function decodeBundleAdd(reader: ByteReader, context: DecodeContext): BundleAddMessage {
  const bundleId = reader.u32();
  reader.skip(2);
  const flags = reader.u16();
  checkBundleFlags(flags);
  const rest = context.bytes.subarray(reader.offset);
  const fail = (code: OpenFlowErrorName, message: string): never => {
    throw new OpenFlowError(code, message);
  };
  if (rest.length < HEADER_BYTES) {
    return fail('OFPBFC_MSG_BAD_LEN', `message of ${rest.length} bytes in a bundle`);
  }
  const { version, xid, length } = readHeader(rest);
  if (length > rest.length || length < HEADER_BYTES) {
    return fail('OFPBFC_MSG_BAD_LEN', `message of ${length} bytes in a bundle, ${rest.length} are there`);
  }
  if (version !== context.version) {
    return fail('OFPBFC_BAD_VERSION', `message of version ${version} in a bundle of version ${context.version}`);
  }
  if (xid !== context.xid) {
    return fail('OFPBFC_MSG_BAD_XID', 'the message in a bundle has another xid than the bundle');
  }
  const message = rest.slice(0, length);
  let kind: MessageKind;
  try {
    kind = identify(message).kind;
  } catch {
    return fail('OFPBFC_MSG_UNSUP', 'unknown message in a bundle');
  }
  if (!BUNDLED_KINDS.has(kind)) {
    return fail('OFPBFC_MSG_UNSUP', `${kind} message not allowed inside a bundle`);
  }
  return { type: 'bundle_add', bundleId, flags, message };
}

function encodeBundleAdd(writer: ByteWriter, { bundleId, flags, message }: BundleAddMessage): void {
  writer.u32(bundleId);
  writer.u16(0);
  writer.u16(flags);
  writer.put(message);
}
