/** Packets to and from the controller: packet-ins in all formats, packet-outs, and resume with its continuation. */
import { createMatch, FIELDS, type Match, portToOpenFlow11, requireField, setMatchField } from '../../flow/index.ts';
import type { ControllerReason, OpenFlowAction } from '../actions.ts';
import { OpenFlowError } from '../errors.ts';
import { OFPP_CONTROLLER, OFPP_LOCAL, OFPP_MAX, OFPP_NONE } from '../ports.ts';
import { byNumber, PACKET_IN_REASONS } from './action-context.ts';
import { readActions } from './actions-decode.ts';
import { writeActions } from './actions-encode.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import {
  type DecodeContext,
  type EncodeContext,
  inPortOf,
  readBufferId,
  readPort,
  writeBufferId,
} from './codec-context.ts';
import { readEntries, readNxMatch, readOxmMatch, writeEntries, writeNxMatch, writeOxmMatch } from './nx-match.ts';
import { readProperties, writeProperty } from './properties.ts';
import {
  type Continuation,
  type PacketIn,
  type PacketInMessage,
  type PacketOutMessage,
  UNKNOWN_COUNT,
} from './records.ts';

const OF11 = 2;
const OF12 = 3;
const OF13 = 4;
const OF14 = 5;
const OF15 = 6;
const IN_PORT = requireField('in_port');
const NO_DATA = new Uint8Array(0);
const TABLE_UNSAID = 0;

/** NXPINT_*: properties of NXT_PACKET_IN2 and NXT_RESUME. */
const PROPERTY = {
  packet: 0,
  fullLength: 1,
  bufferId: 2,
  table: 3,
  cookie: 4,
  reason: 5,
  metadata: 6,
  userdata: 7,
  continuation: 8,
} as const;
/** NXCPT_*: properties of a continuation. */
const CONTINUATION = {
  bridge: 0x8000,
  stack: 0x8001,
  mirrors: 0x8002,
  conntracked: 0x8003,
  table: 0x8004,
  cookie: 0x8005,
  actions: 0x8006,
  actionSet: 0x8007,
  odpPort: 0x8008,
} as const;
/** Fields that a packet-out of OpenFlow 1.5 may set: what is known of a packet besides its headers. */
const PIPELINE_FIELDS =
  /^(?:in_port|in_port_oxm|metadata|tun_.*|reg\d+|xreg\d+|xxreg\d+|pkt_mark|skb_priority|dp_hash|packet_type|actset_output|ct_.*|recirc_id|conj_id)$/;
const PIPELINE: ReadonlySet<number> = new Set(
  FIELDS.filter((field) => PIPELINE_FIELDS.test(field.name)).map((field) => field.id),
);

/** A match on the ingress port and nothing else; on nothing at all for OFPP_NONE. */
export function matchInPort(port: number): Match {
  const match = createMatch();
  if (port !== OFPP_NONE) {
    setMatchField(match, IN_PORT, BigInt(port), 0xffffn);
  }
  return match;
}

function reasonOf(number: number): ControllerReason {
  return byNumber(PACKET_IN_REASONS, number, 'packet-in reason', 'OFPBRC_BAD_LEN');
}

export function decodePacketIn(reader: ByteReader, context: DecodeContext): PacketInMessage {
  if (context.name === 'NXT_PACKET_IN2') {
    return { type: 'packet_in', ...readPacketIn2(reader, context, true) };
  }
  const packetIn = context.name === 'NXT_PACKET_IN' ? readNxPacketIn(reader, context) : readPacketIn(reader, context);
  return { type: 'packet_in', ...packetIn };
}

function readNxPacketIn(reader: ByteReader, context: DecodeContext): PacketIn {
  const bufferId = readBufferId(reader);
  const totalLength = reader.u16();
  const reason = reasonOf(reader.u8());
  const table = reader.u8();
  const cookie = reader.u64();
  const matchLength = reader.u16();
  reader.skip(6);
  const { match } = readNxMatch(reader, matchLength, { ...context, loose: true });
  reader.skip(2);
  return {
    reason,
    bufferId,
    totalLength,
    table,
    cookie,
    match,
    packet: reader.rest(),
    userdata: NO_DATA,
    continuation: null,
  };
}

function readPacketIn(reader: ByteReader, context: DecodeContext): PacketIn {
  const { version } = context;
  const bufferId = readBufferId(reader);
  const common = { bufferId, userdata: NO_DATA, continuation: null };
  if (version === 1) {
    const totalLength = reader.u16();
    const match = matchInPort(reader.u16());
    const reason = reasonOf(reader.u8());
    reader.skip(1);
    return { ...common, totalLength, match, reason, table: TABLE_UNSAID, cookie: UNKNOWN_COUNT, packet: reader.rest() };
  }
  if (version === OF11) {
    const match = matchInPort(readPort(reader, version));
    reader.skip(4);
    const totalLength = reader.u16();
    const reason = reasonOf(reader.u8());
    const table = reader.u8();
    return { ...common, totalLength, match, reason, table, cookie: UNKNOWN_COUNT, packet: reader.rest() };
  }
  const totalLength = reader.u16();
  const reason = reasonOf(reader.u8());
  const table = reader.u8();
  const cookie = version >= OF13 ? reader.u64() : UNKNOWN_COUNT;
  const match = readOxmMatch(reader, { ...context, loose: true });
  reader.skip(2);
  return { ...common, totalLength, match, reason, table, cookie, packet: reader.rest() };
}

export function decodeResume(reader: ByteReader, context: DecodeContext): PacketInMessage {
  return { type: 'resume', ...readPacketIn2(reader, context, false) };
}

function readPacketIn2(reader: ByteReader, context: DecodeContext, loose: boolean): PacketIn {
  let packet: Uint8Array = NO_DATA;
  let totalLength = 0;
  let bufferId: number | null = null;
  let table = 0;
  let cookie = UNKNOWN_COUNT;
  let reason: ControllerReason = 'no_match';
  let match = createMatch();
  let userdata: Uint8Array = NO_DATA;
  let continuation: Continuation | null = null;
  readProperties(
    reader,
    (type, body) => {
      switch (type) {
        case PROPERTY.packet:
          packet = body.rest();
          return true;
        case PROPERTY.fullLength:
          totalLength = body.u32();
          return true;
        case PROPERTY.bufferId:
          bufferId = readBufferId(body);
          return true;
        case PROPERTY.table:
          table = body.u8();
          return true;
        case PROPERTY.cookie:
          body.skip(4);
          cookie = body.u64();
          return true;
        case PROPERTY.reason:
          reason = reasonOf(body.u8());
          return true;
        case PROPERTY.metadata:
          match = readEntries(body, { ...context, loose }).match;
          return true;
        case PROPERTY.userdata:
          userdata = body.rest();
          return true;
        case PROPERTY.continuation:
          body.skip(4);
          continuation = readContinuation(body, context);
          return true;
        default:
          return false;
      }
    },
    { loose },
  );
  if (packet.length === 0 && bufferId === null) {
    throw new OpenFlowError('OFPBRC_BAD_LEN', 'packet-in without a packet');
  }
  if (totalLength < packet.length) {
    totalLength = packet.length;
  }
  return { packet, totalLength, bufferId, table, cookie, reason, match, userdata, continuation };
}

function readContinuation(reader: ByteReader, context: DecodeContext): Continuation {
  let bridge: Uint8Array | null = null;
  const stack: Uint8Array[] = [];
  let mirrors = 0;
  let conntracked = false;
  let table = 0;
  let cookie = UNKNOWN_COUNT;
  const actions: OpenFlowAction[] = [];
  let actionSet: readonly OpenFlowAction[] = [];
  let odpPort: number | null = null;
  readProperties(reader, (type, body) => {
    switch (type) {
      case CONTINUATION.bridge:
        bridge = body.copy(16);
        return true;
      case CONTINUATION.stack:
        stack.push(body.rest());
        return true;
      case CONTINUATION.mirrors:
        mirrors = body.u32();
        return true;
      case CONTINUATION.conntracked:
        conntracked = true;
        return true;
      case CONTINUATION.table:
        table = body.u8();
        return true;
      case CONTINUATION.cookie:
        body.skip(4);
        cookie = body.u64();
        return true;
      case CONTINUATION.actions:
        body.skip(4);
        actions.push(...readActions(body, context));
        return true;
      case CONTINUATION.actionSet:
        body.skip(4);
        actionSet = readActions(body, context);
        return true;
      case CONTINUATION.odpPort:
        odpPort = body.u32();
        return true;
      default:
        return false;
    }
  });
  return { bridge, stack, mirrors, conntracked, table, cookie, actions, actionSet, odpPort };
}

/** Reasons that a version does not have are the nearest that it has. */
function encodeReason(reason: ControllerReason, version: number): number {
  const number = PACKET_IN_REASONS.indexOf(reason);
  const action = PACKET_IN_REASONS.indexOf('action');
  return version < OF14 && number > 2 ? action : number;
}

export function encodePacketIn(writer: ByteWriter, message: PacketInMessage, context: EncodeContext): void {
  if (context.name === 'NXT_PACKET_IN2' || context.name === 'NXT_RESUME') {
    writePacketIn2(writer, message, context);
    return;
  }
  const { version, tlvTable } = context;
  const { bufferId, totalLength, table, cookie, match, packet } = message;
  const isNx = context.name === 'NXT_PACKET_IN';
  const reason = isNx ? PACKET_IN_REASONS.indexOf(message.reason) : encodeReason(message.reason, version);
  writeBufferId(writer, bufferId);
  if (isNx) {
    writer.u16(totalLength);
    writer.u8(reason);
    writer.u8(table);
    writer.u64(cookie);
    const at = writer.length;
    writer.zeros(8);
    writer.patch16(at, writeNxMatch(writer, match, undefined, tlvTable));
    writer.zeros(2);
  } else if (version === 1) {
    writer.u16(totalLength);
    writer.u16(inPortOf(match));
    writer.u8(reason);
    writer.u8(0);
  } else if (version === OF11) {
    writer.u32(portToOpenFlow11(inPortOf(match)));
    writer.u32(portToOpenFlow11(inPortOf(match)));
    writer.u16(totalLength);
    writer.u8(reason);
    writer.u8(table);
  } else {
    writer.u16(totalLength);
    writer.u8(reason);
    writer.u8(table);
    if (version > OF12) {
      writer.u64(cookie);
    }
    writeOxmMatch(writer, match, version, tlvTable);
    writer.zeros(2);
  }
  writer.put(packet);
}

function writePacketIn2(writer: ByteWriter, message: PacketIn, context: EncodeContext): void {
  const { packet, totalLength, bufferId, table, cookie, reason, match, userdata, continuation } = message;
  if (packet.length > 0) {
    writeProperty(writer, PROPERTY.packet, () => writer.put(packet));
  }
  if (totalLength !== packet.length) {
    writeProperty(writer, PROPERTY.fullLength, () => writer.u32(totalLength));
  }
  if (bufferId !== null) {
    writeProperty(writer, PROPERTY.bufferId, () => writer.u32(bufferId));
  }
  writeProperty(writer, PROPERTY.table, () => writer.u8(table));
  if (cookie !== UNKNOWN_COUNT) {
    writeCookie(writer, PROPERTY.cookie, cookie);
  }
  writeProperty(writer, PROPERTY.reason, () => writer.u8(PACKET_IN_REASONS.indexOf(reason)));
  writeProperty(writer, PROPERTY.metadata, () => writeEntries(writer, match, context.version, context.tlvTable));
  if (continuation !== null) {
    writeProperty(writer, PROPERTY.continuation, () => {
      writer.zeros(4);
      writeContinuation(writer, continuation, context);
    });
  }
  if (userdata.length > 0) {
    writeProperty(writer, PROPERTY.userdata, () => writer.put(userdata));
  }
}

function writeCookie(writer: ByteWriter, type: number, cookie: bigint): void {
  writeProperty(writer, type, () => {
    writer.zeros(4);
    writer.u64(cookie);
  });
}

function writeContinuation(writer: ByteWriter, continuation: Continuation, context: EncodeContext): void {
  const { bridge, stack, mirrors, conntracked, table, cookie, actions, actionSet, odpPort } = continuation;
  if (bridge !== null) {
    writeProperty(writer, CONTINUATION.bridge, () => writer.put(bridge));
  }
  for (const entry of stack) {
    writeProperty(writer, CONTINUATION.stack, () => writer.put(entry));
  }
  if (mirrors !== 0) {
    writeProperty(writer, CONTINUATION.mirrors, () => writer.u32(mirrors));
  }
  if (conntracked) {
    writeProperty(writer, CONTINUATION.conntracked);
  }
  if (table !== 0) {
    writeProperty(writer, CONTINUATION.table, () => writer.u8(table));
  }
  if (cookie !== UNKNOWN_COUNT) {
    writeCookie(writer, CONTINUATION.cookie, cookie);
  }
  for (const [type, list] of [
    [CONTINUATION.actions, actions],
    [CONTINUATION.actionSet, actionSet],
  ] as const) {
    if (list.length > 0) {
      writeProperty(writer, type, () => {
        writer.zeros(4);
        writeActions(writer, list, context);
      });
    }
  }
  if (odpPort !== null) {
    writeProperty(writer, CONTINUATION.odpPort, () => writer.u32(odpPort));
  }
}

export function decodePacketOut(reader: ByteReader, context: DecodeContext): PacketOutMessage {
  const { version } = context;
  const bufferId = readBufferId(reader);
  let match: Match;
  let actionsLength: number;
  if (version >= OF15) {
    actionsLength = reader.u16();
    reader.skip(2);
    match = readOxmMatch(reader, { ...context, loose: true, allowed: PIPELINE });
    if (inPortOf(match) === OFPP_NONE) {
      throw new OpenFlowError('OFPBRC_BAD_PORT', 'packet-out without an input port');
    }
  } else {
    match = matchInPort(readPort(reader, version));
    actionsLength = reader.u16();
    if (version > 1) {
      reader.skip(6);
    }
  }
  const inPort = inPortOf(match);
  if (inPort >= OFPP_MAX && inPort !== OFPP_LOCAL && inPort !== OFPP_NONE && inPort !== OFPP_CONTROLLER) {
    throw new OpenFlowError('OFPBRC_BAD_PORT', `packet-out has bad input port 0x${inPort.toString(16)}`);
  }
  if (actionsLength > reader.remaining) {
    throw new OpenFlowError('OFPBRC_BAD_LEN', `${actionsLength} bytes of actions, ${reader.remaining} are left`);
  }
  const actions = readActions(reader.sub(actionsLength, 'OFPBAC_BAD_LEN'), context, 'packet_out');
  return { type: 'packet_out', bufferId, match, actions, packet: bufferId === null ? reader.rest() : NO_DATA };
}

export function encodePacketOut(writer: ByteWriter, message: PacketOutMessage, context: EncodeContext): void {
  const { version, tlvTable } = context;
  writeBufferId(writer, message.bufferId);
  let lengthAt = writer.length;
  if (version >= OF15) {
    writer.zeros(4);
    writeOxmMatch(writer, message.match, version, tlvTable);
  } else if (version === 1) {
    writer.u16(inPortOf(message.match));
    lengthAt = writer.length;
    writer.u16(0);
  } else {
    writer.u32(portToOpenFlow11(inPortOf(message.match)));
    lengthAt = writer.length;
    writer.zeros(8);
  }
  const start = writer.length;
  writeActions(writer, message.actions, context);
  writer.patch16(lengthAt, writer.length - start);
  writer.put(message.packet);
}
