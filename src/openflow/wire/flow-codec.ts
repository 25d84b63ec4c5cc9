/** Flow mods, flow statistics, aggregates and removed flows in all versions, and as Nicira's extension of OpenFlow 1.0. */
import { type Match, portToOpenFlow11 } from '../../flow/index.ts';
import { OpenFlowError } from '../errors.ts';
import { type FlowModCommand, type FlowModFlags, type FlowStats, OFPG_ANY } from '../messages.ts';
import { byNumber, port16 } from './action-context.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import {
  type DecodeContext,
  type EncodeContext,
  isNicira,
  readBufferId,
  readDuration,
  readPort,
  readSized,
  writeBufferId,
  writeDuration,
  writePort,
  writeSized,
} from './codec-context.ts';
import { readInstructions, writeInstructions } from './instructions.ts';
import { readNxMatch, readOxmMatch, writeNxMatch, writeOxmMatch } from './nx-match.ts';
import { normalizeMatch, OFPFW10_ALL, readMatch10, readMatch11, writeMatch10, writeMatch11 } from './old-match.ts';
import { readOxs, writeOxs } from './oxs.ts';
import type {
  AggregateReply,
  FlowModMessage,
  FlowRemovedMessage,
  FlowRemovedReason,
  FlowStatsReply,
  FlowStatsRequest,
} from './records.ts';

const OF11 = 2;
const OF12 = 3;
const OF13 = 4;
const OF14 = 5;
const OF15 = 6;
const TABLE_ALL = 0xff;
const COOKIE_NONE = 0xffff_ffff_ffff_ffffn;
const EXACT_PRIORITY = 0xffff;
const FLAG_SEND_FLOW_REMOVED = 1;
const FLAG_CHECK_OVERLAP = 2;
/** OpenFlow 1.0: emergency; 1.2 and later: reset counts */
const FLAG_4 = 4;
const FLAG_NO_PACKET_COUNTS = 8;
const FLAG_NO_BYTE_COUNTS = 0x10;
const COMMANDS: readonly FlowModCommand[] = ['add', 'modify', 'modify_strict', 'delete', 'delete_strict'];
export const FLOW_REMOVED_REASONS: readonly FlowRemovedReason[] = [
  'idle',
  'hard',
  'delete',
  'group_delete',
  'meter_delete',
  'eviction',
];

/** Reads an ofp_match of OpenFlow 1.1 and later; either form goes, as in Open vSwitch. */
function readMatch(reader: ByteReader, context: DecodeContext): Match {
  const isStandard = reader.remaining >= 2 && reader.view.getUint16(reader.offset) === 0;
  return isStandard ? readMatch11(reader) : readOxmMatch(reader, context);
}

function writeMatch(writer: ByteWriter, match: Match, { version, tlvTable }: EncodeContext): void {
  if (version === OF11) {
    writeMatch11(writer, match);
  } else {
    writeOxmMatch(writer, match, version, tlvTable);
  }
}

function decodeFlags(raw: number, version: number, isAdd: boolean): FlowModFlags {
  const known = version === 1 ? 7 : version === OF11 ? 3 : version === OF12 ? 7 : 0x1f;
  if ((raw & ~known) !== 0) {
    throw new OpenFlowError('OFPFMFC_BAD_FLAGS', `flow mod flags 0x${raw.toString(16)}`);
  }
  return {
    sendFlowRemoved: (raw & FLAG_SEND_FLOW_REMOVED) !== 0,
    checkOverlap: (raw & FLAG_CHECK_OVERLAP) !== 0,
    // An add of OpenFlow 1.0 and 1.1 starts counting anew without being told.
    resetCounts: version <= OF11 ? isAdd : (raw & FLAG_4) !== 0,
    noPacketCounts: (raw & FLAG_NO_PACKET_COUNTS) !== 0,
    noByteCounts: (raw & FLAG_NO_BYTE_COUNTS) !== 0,
    hidden: false,
    noReadOnly: false,
  };
}

function encodeFlags(flags: FlowModFlags, version: number): number {
  return (
    (flags.sendFlowRemoved ? FLAG_SEND_FLOW_REMOVED : 0) |
    (flags.checkOverlap ? FLAG_CHECK_OVERLAP : 0) |
    (flags.resetCounts && version >= OF12 ? FLAG_4 : 0) |
    (flags.noPacketCounts && version >= OF13 ? FLAG_NO_PACKET_COUNTS : 0) |
    (flags.noByteCounts && version >= OF13 ? FLAG_NO_BYTE_COUNTS : 0)
  );
}

export function decodeFlowMod(reader: ByteReader, context: DecodeContext): FlowModMessage {
  if (isNicira(context)) {
    return decodeNiciraFlowMod(reader, context);
  }
  return context.version === 1 ? decodeFlowMod10(reader, context) : decodeFlowMod11(reader, context);
}

interface Parts {
  readonly command: number;
  readonly flags: number;
  readonly bufferId: number | null;
  readonly mod: Omit<FlowModMessage['mod'], 'command' | 'flags' | 'actions'>;
}

function finishFlowMod(parts: Parts, reader: ByteReader, context: DecodeContext): FlowModMessage {
  const { command: number, flags: rawFlags, bufferId, mod } = parts;
  const actions = readInstructions(reader, context);
  const command = byNumber(COMMANDS, number, 'flow mod command', 'OFPFMFC_BAD_COMMAND');
  const flags = decodeFlags(rawFlags, context.version, command === 'add');
  if (context.version === 1 && (rawFlags & FLAG_4) !== 0) {
    const hasTimeout = mod.idleTimeout !== 0 || mod.hardTimeout !== 0;
    throw new OpenFlowError(
      hasTimeout ? 'OFPFMFC_BAD_EMERG_TIMEOUT' : 'OFPFMFC_TABLE_FULL',
      'there is no emergency flow cache',
    );
  }
  return { type: 'flow_mod', bufferId, mod: { ...mod, command, flags, actions } };
}

/** The command of OpenFlow 1.0, in whose upper byte the table may be. */
function splitCommand(raw: number, { flowModTableId }: DecodeContext): readonly [command: number, table: number] {
  return flowModTableId ? [raw & 0xff, raw >>> 8] : [raw, TABLE_ALL];
}

function decodeFlowMod10(reader: ByteReader, context: DecodeContext): FlowModMessage {
  const { match, wildcards } = readMatch10(reader);
  const cookie = reader.u64();
  const [command, table] = splitCommand(reader.u16(), context);
  const idleTimeout = reader.u16();
  const hardTimeout = reader.u16();
  const priority = reader.u16();
  const bufferId = readBufferId(reader);
  const outPort = reader.u16();
  const flags = reader.u16();
  const mod = {
    table,
    // A match on everything has the highest priority, whatever is said (OpenFlow 1.0 section 3.4).
    priority: (wildcards & OFPFW10_ALL) === 0 ? EXACT_PRIORITY : priority,
    match: normalizeMatch(match),
    cookie,
    cookieMatch: 0n,
    cookieMask: 0n,
    modifyCookie: cookie !== COOKIE_NONE,
    idleTimeout,
    hardTimeout,
    importance: 0,
    outPort,
    outGroup: OFPG_ANY,
  };
  return finishFlowMod({ command, flags, bufferId, mod }, reader, context);
}

function decodeNiciraFlowMod(reader: ByteReader, context: DecodeContext): FlowModMessage {
  const cookie = reader.u64();
  const [command, table] = splitCommand(reader.u16(), context);
  const idleTimeout = reader.u16();
  const hardTimeout = reader.u16();
  const priority = reader.u16();
  const bufferId = readBufferId(reader);
  const outPort = reader.u16();
  const flags = reader.u16();
  const matchLength = reader.u16();
  reader.skip(6);
  const { match, cookie: selected } = readNxMatch(reader, matchLength, { ...context, withCookie: true });
  if (command === 0 && selected.mask !== 0n) {
    throw new OpenFlowError('NXBRC_NXM_INVALID', 'flow additions cannot match a cookie');
  }
  const mod = {
    table,
    priority,
    match,
    cookie,
    cookieMatch: selected.cookie,
    cookieMask: selected.mask,
    modifyCookie: cookie !== COOKIE_NONE,
    idleTimeout,
    hardTimeout,
    importance: 0,
    outPort,
    outGroup: OFPG_ANY,
  };
  return finishFlowMod({ command, flags, bufferId, mod }, reader, context);
}

function decodeFlowMod11(reader: ByteReader, context: DecodeContext): FlowModMessage {
  const { version } = context;
  const cookie = reader.u64();
  const cookieMask = reader.u64();
  const table = reader.u8();
  const command = reader.u8();
  const idleTimeout = reader.u16();
  const hardTimeout = reader.u16();
  const priority = reader.u16();
  const bufferId = readBufferId(reader);
  const outPort = reader.u32();
  const outGroup = reader.u32();
  const flags = reader.u16();
  const importance = reader.u16();
  const match = readMatch(reader, context);
  const isAdd = command === 0;
  const isDelete = command === 3 || command === 4;
  // In OpenFlow 1.1 a modify that does not ask for a cookie adds the flow when there is none.
  const setsCookie = isAdd || (version === OF11 && !isDelete && cookieMask === 0n);
  if (table === TABLE_ALL && (version === OF11 || !isDelete)) {
    throw new OpenFlowError('OFPFMFC_BAD_TABLE_ID', 'table 255 stands for all, which a flow cannot be in');
  }
  const mod = {
    table,
    priority,
    match,
    cookie: setsCookie ? cookie : COOKIE_NONE,
    cookieMatch: setsCookie ? 0n : cookie,
    cookieMask: setsCookie ? 0n : cookieMask,
    modifyCookie: false,
    idleTimeout,
    hardTimeout,
    importance: version >= OF14 && isAdd ? importance : 0,
    outPort: port16(outPort, 'OFPBRC_BAD_PORT'),
    outGroup: isDelete ? outGroup : OFPG_ANY,
  };
  return finishFlowMod({ command, flags, bufferId, mod }, reader, context);
}

export function encodeFlowMod(writer: ByteWriter, message: FlowModMessage, context: EncodeContext): void {
  const { mod, bufferId } = message;
  const { version, tlvTable } = context;
  const number = COMMANDS.indexOf(mod.command);
  const flags = encodeFlags(mod.flags, version);
  if (version === 1 || isNicira(context)) {
    const command = context.flowModTableId ? (mod.table << 8) | number : number;
    const isNx = isNicira(context);
    if (!isNx) {
      writeMatch10(writer, mod.match);
    }
    writer.u64(mod.cookie);
    writer.u16(command);
    writer.u16(mod.idleTimeout);
    writer.u16(mod.hardTimeout);
    writer.u16(mod.priority);
    writeBufferId(writer, bufferId);
    writer.u16(mod.outPort);
    writer.u16(flags);
    if (isNx) {
      const at = writer.length;
      writer.zeros(8);
      const cookie = { cookie: mod.cookieMatch, mask: mod.cookieMask };
      writer.patch16(at, writeNxMatch(writer, mod.match, cookie, tlvTable));
    }
  } else {
    const isDelete = mod.command === 'delete' || mod.command === 'delete_strict';
    const setsCookie = mod.command === 'add' || (version === OF11 && !isDelete && mod.cookieMask === 0n);
    writer.u64(setsCookie ? mod.cookie : mod.cookieMatch & mod.cookieMask);
    writer.u64(mod.cookieMask);
    const isAllTables = mod.table === TABLE_ALL && !(isDelete && version >= OF12);
    writer.u8(isAllTables ? 0 : mod.table);
    writer.u8(number);
    writer.u16(mod.idleTimeout);
    writer.u16(mod.hardTimeout);
    writer.u16(mod.priority);
    writeBufferId(writer, bufferId);
    writer.u32(portToOpenFlow11(mod.outPort));
    writer.u32(mod.outGroup);
    writer.u16(flags);
    writer.u16(version >= OF14 && mod.command === 'add' ? mod.importance : 0);
    writeMatch(writer, mod.match, context);
  }
  writeInstructions(writer, mod.actions, { ...context, match: mod.match });
}

export function decodeFlowStatsRequest(
  reader: ByteReader,
  context: DecodeContext,
  type: FlowStatsRequest['type'],
): FlowStatsRequest {
  if (isNicira(context)) {
    const outPort = reader.u16();
    const matchLength = reader.u16();
    const table = reader.u8();
    reader.skip(3);
    const { match, cookie } = readNxMatch(reader, matchLength, { ...context, withCookie: true });
    if (reader.remaining > 0) {
      throw new OpenFlowError('OFPBRC_BAD_LEN', `${reader.remaining} bytes behind the match`);
    }
    return { type, table, match, cookieMatch: cookie.cookie, cookieMask: cookie.mask, outPort, outGroup: OFPG_ANY };
  }
  if (context.version === 1) {
    const { match } = readMatch10(reader);
    const table = reader.u8();
    reader.skip(1);
    return { type, table, match, cookieMatch: 0n, cookieMask: 0n, outPort: reader.u16(), outGroup: OFPG_ANY };
  }
  const table = reader.u8();
  reader.skip(3);
  const outPort = readPort(reader, context.version);
  const outGroup = reader.u32();
  reader.skip(4);
  const cookieMatch = reader.u64();
  const cookieMask = reader.u64();
  return { type, table, match: readMatch(reader, context), cookieMatch, cookieMask, outPort, outGroup };
}

export function encodeFlowStatsRequest(writer: ByteWriter, message: FlowStatsRequest, context: EncodeContext): void {
  const { version, tlvTable } = context;
  if (isNicira(context)) {
    writer.u16(message.outPort);
    const at = writer.length;
    writer.u16(0);
    writer.u8(message.table);
    writer.zeros(3);
    const cookie = { cookie: message.cookieMatch, mask: message.cookieMask };
    writer.patch16(at, writeNxMatch(writer, message.match, cookie, tlvTable));
    return;
  }
  if (version === 1) {
    writeMatch10(writer, message.match);
    writer.u8(message.table);
    writer.u8(0);
    writer.u16(message.outPort);
    return;
  }
  writer.u8(message.table);
  writer.zeros(3);
  writePort(writer, message.outPort, version);
  writer.u32(message.outGroup);
  writer.zeros(4);
  writer.u64(message.cookieMatch);
  writer.u64(message.cookieMask);
  writeMatch(writer, message.match, context);
}

export function decodeFlowStatsReply(reader: ByteReader, context: DecodeContext): FlowStatsReply {
  const flows: FlowStats[] = [];
  const minimum = isNicira(context) ? 48 : context.version === 1 ? 88 : context.version >= OF15 ? 24 : 48;
  while (reader.remaining > 0) {
    const entry = readSized(reader, minimum);
    flows.push(
      isNicira(context)
        ? readNiciraFlowStats(entry, context)
        : context.version === 1
          ? readFlowStats10(entry, context)
          : context.version >= OF15
            ? readFlowStats15(entry, context)
            : readFlowStats11(entry, context),
    );
  }
  return { type: 'flow_stats_reply', flows };
}

const NO_FLAGS: FlowModFlags = {
  sendFlowRemoved: false,
  checkOverlap: false,
  resetCounts: false,
  noPacketCounts: false,
  noByteCounts: false,
  hidden: false,
  noReadOnly: false,
};

function readFlowStats10(entry: ByteReader, context: DecodeContext): FlowStats {
  const table = entry.u8();
  entry.skip(1);
  const { match } = readMatch10(entry);
  const durationMs = readDuration(entry);
  const priority = entry.u16();
  const idleTimeout = entry.u16();
  const hardTimeout = entry.u16();
  entry.skip(6);
  const cookie = entry.u64();
  const packets = entry.u64();
  const bytes = entry.u64();
  const actions = readInstructions(entry, context);
  return {
    table,
    priority,
    match,
    cookie,
    durationMs,
    idleTimeout,
    hardTimeout,
    importance: 0,
    idleAge: -1,
    hardAge: -1,
    flags: NO_FLAGS,
    packets,
    bytes,
    actions,
  };
}

function readNiciraFlowStats(entry: ByteReader, context: DecodeContext): FlowStats {
  const table = entry.u8();
  entry.skip(1);
  const durationMs = readDuration(entry);
  const priority = entry.u16();
  const idleTimeout = entry.u16();
  const hardTimeout = entry.u16();
  const matchLength = entry.u16();
  const idleAge = entry.u16() - 1;
  const hardAge = entry.u16() - 1;
  const cookie = entry.u64();
  const packets = entry.u64();
  const bytes = entry.u64();
  const { match } = readNxMatch(entry, matchLength, { ...context, loose: true });
  const actions = readInstructions(entry, context);
  return {
    table,
    priority,
    match,
    cookie,
    durationMs,
    idleTimeout,
    hardTimeout,
    importance: 0,
    idleAge,
    hardAge,
    flags: NO_FLAGS,
    packets,
    bytes,
    actions,
  };
}

function readFlowStats11(entry: ByteReader, context: DecodeContext): FlowStats {
  const table = entry.u8();
  entry.skip(1);
  const durationMs = readDuration(entry);
  const priority = entry.u16();
  const idleTimeout = entry.u16();
  const hardTimeout = entry.u16();
  const rawFlags = entry.u16();
  const importance = entry.u16();
  entry.skip(2);
  const cookie = entry.u64();
  const packets = entry.u64();
  const bytes = entry.u64();
  const match = readMatch(entry, { ...context, loose: true } as DecodeContext);
  const actions = readInstructions(entry, context);
  const flags = context.version >= OF13 ? decodeFlags(rawFlags, context.version, false) : NO_FLAGS;
  return {
    table,
    priority,
    match,
    cookie,
    durationMs,
    idleTimeout,
    hardTimeout,
    importance: context.version >= OF14 ? importance : 0,
    idleAge: -1,
    hardAge: -1,
    flags,
    packets,
    bytes,
    actions,
  };
}

function readFlowStats15(entry: ByteReader, context: DecodeContext): FlowStats {
  entry.skip(2);
  const table = entry.u8();
  entry.skip(1);
  const priority = entry.u16();
  const idleTimeout = entry.u16();
  const hardTimeout = entry.u16();
  const flags = decodeFlags(entry.u16(), context.version, false);
  const importance = entry.u16();
  const cookie = entry.u64();
  const match = readMatch(entry, { ...context, loose: true } as DecodeContext);
  const { durationMs, idleAge, packets, bytes } = readOxs(entry);
  const actions = readInstructions(entry, context);
  return {
    table,
    priority,
    match,
    cookie,
    durationMs: durationMs ?? 0,
    idleTimeout,
    hardTimeout,
    importance,
    idleAge: idleAge ?? -1,
    hardAge: -1,
    flags,
    packets,
    bytes,
    actions,
  };
}

export function encodeFlowStatsReply(writer: ByteWriter, { flows }: FlowStatsReply, context: EncodeContext): void {
  for (const flow of flows) {
    context.entry(() => writeSized(writer, () => writeFlowStats(writer, flow, context)));
  }
}

function writeFlowStats(writer: ByteWriter, flow: FlowStats, context: EncodeContext): void {
  const { version, tlvTable } = context;
  const { priority, idleTimeout, hardTimeout } = flow;
  if (version >= OF15) {
    writer.zeros(2);
  }
  writer.u8(flow.table);
  writer.u8(0);
  const isNx = isNicira(context);
  if (version === 1 && !isNx) {
    writeMatch10(writer, flow.match);
  }
  if (version < OF15) {
    writeDuration(writer, flow.durationMs);
  }
  writer.u16(priority);
  writer.u16(idleTimeout);
  writer.u16(hardTimeout);
  let matchLengthAt = 0;
  if (isNx) {
    matchLengthAt = writer.length;
    writer.u16(0);
    writer.u16(encodeAge(flow.idleAge));
    writer.u16(encodeAge(flow.hardAge));
  } else if (version === 1) {
    writer.zeros(6);
  } else {
    writer.u16(version >= OF13 ? encodeFlags(flow.flags, version) : 0);
    writer.u16(version >= OF14 ? flow.importance : 0);
    if (version < OF15) {
      writer.zeros(2);
    }
  }
  writer.u64(flow.cookie);
  if (version < OF15) {
    writer.u64(flow.packets);
    writer.u64(flow.bytes);
  }
  if (isNx) {
    writer.patch16(matchLengthAt, writeNxMatch(writer, flow.match, undefined, tlvTable));
  } else if (version > 1) {
    writeMatch(writer, flow.match, context);
  }
  if (version >= OF15) {
    const { durationMs, packets, bytes } = flow;
    writeOxs(writer, { durationMs, idleAge: flow.idleAge < 0 ? null : flow.idleAge, flows: null, packets, bytes });
  }
  writeInstructions(writer, flow.actions, { ...context, match: flow.match });
}

/** 0 = not known, otherwise one more than the seconds. */
function encodeAge(age: number): number {
  return age < 0 ? 0 : Math.min(age + 1, 0xffff);
}

export function decodeAggregateReply(reader: ByteReader, { version }: DecodeContext): AggregateReply {
  if (version >= OF15) {
    const { packets, bytes, flows } = readOxs(reader);
    return { type: 'aggregate_reply', packets, bytes, flows: flows ?? 0 };
  }
  return { type: 'aggregate_reply', packets: reader.u64(), bytes: reader.u64(), flows: reader.u32() };
}

export function encodeAggregateReply(writer: ByteWriter, message: AggregateReply, { version }: EncodeContext): void {
  const { packets, bytes, flows } = message;
  if (version >= OF15) {
    writeOxs(writer, { durationMs: null, idleAge: null, flows, packets, bytes });
    return;
  }
  writer.u64(packets);
  writer.u64(bytes);
  writer.u32(flows);
  writer.zeros(4);
}

export function decodeFlowRemoved(reader: ByteReader, context: DecodeContext): FlowRemovedMessage {
  const type = 'flow_removed';
  const reasonOf = (number: number): FlowRemovedReason =>
    byNumber(FLOW_REMOVED_REASONS, number, 'flow removed reason', 'OFPBRC_BAD_LEN');
  if (isNicira(context)) {
    const cookie = reader.u64();
    const priority = reader.u16();
    const reason = reasonOf(reader.u8());
    const table = reader.u8();
    const durationMs = readDuration(reader);
    const idleTimeout = reader.u16();
    const matchLength = reader.u16();
    const packets = reader.u64();
    const bytes = reader.u64();
    const { match } = readNxMatch(reader, matchLength, { ...context, loose: true });
    // The table is one more than its number, so that 0 is "not said".
    return {
      type,
      match,
      priority,
      cookie,
      reason,
      table: table === 0 ? TABLE_ALL : table - 1,
      durationMs,
      idleTimeout,
      hardTimeout: 0,
      packets,
      bytes,
    };
  }
  if (context.version === 1) {
    const { match } = readMatch10(reader);
    const cookie = reader.u64();
    const priority = reader.u16();
    const reason = reasonOf(reader.u8());
    reader.skip(1);
    const durationMs = readDuration(reader);
    const idleTimeout = reader.u16();
    reader.skip(2);
    return {
      type,
      match,
      priority,
      cookie,
      reason,
      table: TABLE_ALL,
      durationMs,
      idleTimeout,
      hardTimeout: 0,
      packets: reader.u64(),
      bytes: reader.u64(),
    };
  }
  if (context.version >= OF15) {
    const table = reader.u8();
    const reason = reasonOf(reader.u8());
    const priority = reader.u16();
    const idleTimeout = reader.u16();
    const hardTimeout = reader.u16();
    const cookie = reader.u64();
    const match = readMatch(reader, { ...context, loose: true } as DecodeContext);
    const { durationMs, packets, bytes } = readOxs(reader);
    return {
      type,
      match,
      priority,
      cookie,
      reason,
      table,
      durationMs: durationMs ?? 0,
      idleTimeout,
      hardTimeout,
      packets,
      bytes,
    };
  }
  const cookie = reader.u64();
  const priority = reader.u16();
  const reason = reasonOf(reader.u8());
  const table = reader.u8();
  const durationMs = readDuration(reader);
  const idleTimeout = reader.u16();
  const hardTimeout = reader.u16();
  const packets = reader.u64();
  const bytes = reader.u64();
  const match = readMatch(reader, { ...context, loose: true } as DecodeContext);
  // OpenFlow 1.1 had no hard timeout here.
  return {
    type,
    match,
    priority,
    cookie,
    reason,
    table,
    durationMs,
    idleTimeout,
    hardTimeout: context.version >= OF12 ? hardTimeout : 0,
    packets,
    bytes,
  };
}

export function encodeFlowRemoved(writer: ByteWriter, message: FlowRemovedMessage, context: EncodeContext): void {
  const { version, tlvTable } = context;
  const { match, cookie, priority, table, durationMs, idleTimeout, hardTimeout, packets, bytes } = message;
  const reason = encodeReason(message.reason, version);
  if (version >= OF15 && !isNicira(context)) {
    writer.u8(table);
    writer.u8(reason);
    writer.u16(priority);
    writer.u16(idleTimeout);
    writer.u16(hardTimeout);
    writer.u64(cookie);
    writeMatch(writer, match, context);
    writeOxs(writer, { durationMs, idleAge: null, flows: null, packets, bytes });
    return;
  }
  const isOld = version === 1 && !isNicira(context);
  if (isOld) {
    writeMatch10(writer, match);
  }
  writer.u64(cookie);
  writer.u16(priority);
  writer.u8(reason);
  writer.u8(isOld ? 0 : isNicira(context) ? (table + 1) & 0xff : table);
  writeDuration(writer, durationMs);
  writer.u16(idleTimeout);
  const lengthAt = writer.length;
  writer.u16(isOld || isNicira(context) || version < OF12 ? 0 : hardTimeout);
  writer.u64(packets);
  writer.u64(bytes);
  if (isNicira(context)) {
    writer.patch16(lengthAt, writeNxMatch(writer, match, undefined, tlvTable));
  } else if (!isOld) {
    writeMatch(writer, match, context);
  }
}

/** Reasons that a version does not have are `delete`. */
function encodeReason(reason: FlowRemovedReason, version: number): number {
  const number = FLOW_REMOVED_REASONS.indexOf(reason);
  const known = version === 1 ? 2 : version < OF14 ? 3 : 5;
  return number > known ? FLOW_REMOVED_REASONS.indexOf('delete') : number;
}
