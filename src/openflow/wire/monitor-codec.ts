/** Flow monitors: Nicira's of OpenFlow 1.0 to 1.2, ONF's of 1.3, and the standard's of 1.4 and later. */
import { type Match, portToOpenFlow11 } from '../../flow/index.ts';
import { OpenFlowError } from '../errors.ts';
import { OFPG_ANY } from '../messages.ts';
import { byNumber } from './action-context.ts';
import { readActions } from './actions-decode.ts';
import { writeActions } from './actions-encode.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { type DecodeContext, type EncodeContext, isNicira, readPort, readSized, writeSized } from './codec-context.ts';
import { FLOW_REMOVED_REASONS } from './flow-codec.ts';
import { readInstructions, writeInstructions } from './instructions.ts';
import { readNxMatch, readOxmMatch, writeNxMatch, writeOxmMatch } from './nx-match.ts';
import type {
  FlowMonitorReply,
  FlowMonitorRequest,
  FlowMonitorRequestEntry,
  FlowUpdate,
  FlowUpdateFull,
} from './records.ts';

const OF14 = 5;
const FLAG_INITIAL = 1;
const FLAG_ADD = 2;
const FLAG_DELETE = 4;
const FLAG_MODIFY = 8;
const FLAG_ACTIONS = 16;
/** Nicira: changes of the controller's own are shown; OpenFlow 1.4: 32 abbreviates them, 64 shows only them */
const FLAG_OWN = 32;
const FLAG_NO_ABBREV = 32;
const FLAG_ONLY_OWN = 64;
const COMMANDS = ['add', 'modify', 'delete'] as const;
/** Events by number: Nicira's and ONF's, and those of OpenFlow 1.4, which has `initial` before them. */
const EVENTS_OLD = ['added', 'deleted', 'modified', 'abbrev'] as const;
const EVENTS_14 = ['initial', 'added', 'deleted', 'modified', 'abbrev', 'paused', 'resumed'] as const;

export function decodeFlowMonitorRequest(reader: ByteReader, context: DecodeContext): FlowMonitorRequest {
  const monitors: FlowMonitorRequestEntry[] = [];
  while (reader.remaining > 0) {
    monitors.push(context.version >= OF14 ? readRequest14(reader, context) : readRequestOld(reader, context));
  }
  return { type: 'flow_monitor_request', monitors };
}

function readRequestOld(reader: ByteReader, context: DecodeContext): FlowMonitorRequestEntry {
  const id = reader.u32();
  const flags = reader.u16();
  const isNx = isNicira(context);
  let outPort: number;
  let table: number;
  let match: Match;
  if (isNx) {
    outPort = reader.u16();
    const matchLength = reader.u16();
    table = reader.u8();
    reader.zeros(5, 'NXBRC_MUST_BE_ZERO');
    match = readNxMatch(reader, matchLength, context).match;
  } else {
    reader.skip(2);
    outPort = readPort(reader, context.version);
    table = reader.u8();
    reader.skip(3);
    match = readOxmMatch(reader, context);
  }
  checkFlags(flags, 0x3f);
  return {
    id,
    command: 'add',
    ...decodeFlags(flags),
    own: (flags & FLAG_OWN) !== 0,
    outPort,
    outGroup: OFPG_ANY,
    table,
    match,
  };
}

function checkFlags(flags: number, known: number): void {
  if ((flags & (FLAG_INITIAL | FLAG_ADD | FLAG_DELETE | FLAG_MODIFY)) === 0 || (flags & ~known) !== 0) {
    throw new OpenFlowError('OFPMOFC_BAD_FLAGS', `flow monitor flags 0x${flags.toString(16)}`);
  }
}

function decodeFlags(
  flags: number,
): Pick<FlowMonitorRequestEntry, 'initial' | 'add' | 'delete' | 'modify' | 'actions'> {
  return {
    initial: (flags & FLAG_INITIAL) !== 0,
    add: (flags & FLAG_ADD) !== 0,
    delete: (flags & FLAG_DELETE) !== 0,
    modify: (flags & FLAG_MODIFY) !== 0,
    actions: (flags & FLAG_ACTIONS) !== 0,
  };
}

function readRequest14(reader: ByteReader, context: DecodeContext): FlowMonitorRequestEntry {
  const id = reader.u32();
  const outPort = readPort(reader, context.version);
  const outGroup = reader.u32();
  const flags = reader.u16();
  const table = reader.u8();
  const command = byNumber(COMMANDS, reader.u8(), 'flow monitor command', 'OFPMOFC_BAD_COMMAND');
  const match = readOxmMatch(reader, context);
  if (command !== 'delete') {
    checkFlags(flags, 0x7f);
  }
  const own = (flags & (FLAG_NO_ABBREV | FLAG_ONLY_OWN)) !== 0;
  return { id, command, ...decodeFlags(flags), own, outPort, outGroup, table, match };
}

export function encodeFlowMonitorRequest(
  writer: ByteWriter,
  { monitors }: FlowMonitorRequest,
  context: EncodeContext,
): void {
  for (const monitor of monitors) {
    const flags =
      (monitor.initial ? FLAG_INITIAL : 0) |
      (monitor.add ? FLAG_ADD : 0) |
      (monitor.delete ? FLAG_DELETE : 0) |
      (monitor.modify ? FLAG_MODIFY : 0) |
      (monitor.actions ? FLAG_ACTIONS : 0);
    writer.u32(monitor.id);
    if (context.version >= OF14) {
      writer.u32(portToOpenFlow11(monitor.outPort));
      writer.u32(monitor.outGroup);
      writer.u16(flags | (monitor.own ? FLAG_ONLY_OWN : 0));
      writer.u8(monitor.table);
      writer.u8(COMMANDS.indexOf(monitor.command));
      writeOxmMatch(writer, monitor.match, context.version, context.tlvTable);
      continue;
    }
    writer.u16(flags | (monitor.own ? FLAG_OWN : 0));
    if (isNicira(context)) {
      writer.u16(monitor.outPort);
      const at = writer.length;
      writer.u16(0);
      writer.u8(monitor.table);
      writer.zeros(5);
      writer.patch16(at, writeNxMatch(writer, monitor.match, undefined, context.tlvTable));
    } else {
      const at = writer.length;
      writer.zeros(2);
      writer.u32(portToOpenFlow11(monitor.outPort));
      writer.u8(monitor.table);
      writer.zeros(3);
      writer.patch16(at, writeOxmMatch(writer, monitor.match, context.version, context.tlvTable));
    }
  }
}

export function decodeFlowMonitorReply(reader: ByteReader, context: DecodeContext): FlowMonitorReply {
  const updates: FlowUpdate[] = [];
  const events = context.version >= OF14 ? EVENTS_14 : EVENTS_OLD;
  while (reader.remaining > 0) {
    const entry = readSized(reader, 8);
    const number = entry.u16();
    const event = events[number];
    if (event === undefined) {
      throw new OpenFlowError('NXBRC_FM_BAD_EVENT', `flow update event ${number}`);
    }
    if (event === 'abbrev') {
      updates.push({ event, xid: entry.u32() });
    } else if (event === 'paused' || event === 'resumed') {
      updates.push({ event });
    } else {
      updates.push(readUpdate(entry, event, context));
    }
  }
  return { type: 'flow_monitor_reply', updates };
}

function readUpdate(entry: ByteReader, event: FlowUpdateFull['event'], context: DecodeContext): FlowUpdateFull {
  if (context.version >= OF14) {
    const table = entry.u8();
    const reason = byNumber(FLOW_REMOVED_REASONS, entry.u8(), 'flow update reason', 'NXBRC_FM_BAD_EVENT');
    const idleTimeout = entry.u16();
    const hardTimeout = entry.u16();
    const priority = entry.u16();
    entry.skip(4);
    const cookie = entry.u64();
    const match = readOxmMatch(entry, { ...context, loose: true });
    const actions = readInstructions(entry, context);
    return { event, reason, table, priority, cookie, idleTimeout, hardTimeout, match, actions };
  }
  const reason = byNumber(FLOW_REMOVED_REASONS, entry.u16(), 'flow update reason', 'NXBRC_FM_BAD_EVENT');
  const priority = entry.u16();
  const idleTimeout = entry.u16();
  const hardTimeout = entry.u16();
  const matchLength = entry.u16();
  const table = entry.u8();
  entry.skip(1);
  const cookie = entry.u64();
  const match = isNicira(context)
    ? readNxMatch(entry, matchLength, { ...context, loose: true }).match
    : readOxmMatch(entry, { ...context, loose: true });
  // Nicira's updates have actions where the others have instructions.
  const actions = isNicira(context) ? readActions(entry, context) : readInstructions(entry, context);
  return { event, reason, table, priority, cookie, idleTimeout, hardTimeout, match, actions };
}

export function encodeFlowMonitorReply(
  writer: ByteWriter,
  { updates }: FlowMonitorReply,
  context: EncodeContext,
): void {
  const is14 = context.version >= OF14;
  for (const update of updates) {
    context.entry(() =>
      writeSized(writer, () => {
        writer.u16(is14 ? EVENTS_14.indexOf(update.event) : EVENTS_OLD.indexOf(oldEvent(update.event)));
        if ('match' in update) {
          writeUpdate(writer, update, context);
        } else {
          writer.u32('xid' in update ? update.xid : 0);
        }
      }),
    );
  }
}

/** What is there when a monitor begins is `added` to all but OpenFlow 1.4 and later. */
function oldEvent(event: FlowUpdate['event']): (typeof EVENTS_OLD)[number] {
  return event === 'added' || event === 'deleted' || event === 'modified' || event === 'abbrev' ? event : 'added';
}

function writeUpdate(writer: ByteWriter, update: FlowUpdateFull, context: EncodeContext): void {
  const { version, tlvTable } = context;
  const reason = FLOW_REMOVED_REASONS.indexOf(update.reason);
  if (version >= OF14) {
    writer.u8(update.table);
    writer.u8(reason);
    writer.u16(update.idleTimeout);
    writer.u16(update.hardTimeout);
    writer.u16(update.priority);
    writer.zeros(4);
    writer.u64(update.cookie);
    writeOxmMatch(writer, update.match, version, tlvTable);
    writeInstructions(writer, update.actions, { ...context, match: update.match });
    return;
  }
  writer.u16(reason);
  writer.u16(update.priority);
  writer.u16(update.idleTimeout);
  writer.u16(update.hardTimeout);
  const at = writer.length;
  writer.u16(0);
  writer.u8(update.table);
  writer.u8(0);
  writer.u64(update.cookie);
  if (isNicira(context)) {
    writer.patch16(at, writeNxMatch(writer, update.match, undefined, tlvTable));
  } else {
    writer.patch16(at, writeOxmMatch(writer, update.match, version, tlvTable));
  }
  const write = isNicira(context) ? writeActions : writeInstructions;
  write(writer, update.actions, { ...context, match: update.match });
}
