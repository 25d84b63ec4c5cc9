/** What the codec of one message gets: the version, the name that tells formats apart, and where to write. */
import { type Match, portFromOpenFlow11, portToOpenFlow11 } from '../../flow/index.ts';
import { OpenFlowError, type OpenFlowErrorName, type OpenFlowVersion } from '../errors.ts';
import { OFPP_NONE } from '../ports.ts';
import { port16, type WireOptions } from './action-context.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { Message } from './records.ts';

export interface DecodeContext extends WireOptions {
  readonly version: OpenFlowVersion;
  /** such as `NXT_FLOW_MOD` */
  readonly name: string;
  /** OpenFlow 1.0: the high byte of a flow mod's command is the table (NXT_FLOW_MOD_TABLE_ID) */
  readonly flowModTableId: boolean;
  /** the whole message */
  readonly bytes: Uint8Array;
  readonly xid: number;
}

export interface EncodeContext extends WireOptions {
  readonly version: OpenFlowVersion;
  readonly name: string;
  readonly flowModTableId: boolean;
  readonly xid: number;
  /** Writes one entry of a list, in a new segment of the message when it does not fit into the present one. */
  readonly entry: (write: () => void) => void;
}

export type Decode = (reader: ByteReader, context: DecodeContext) => Message;
export type Encode<M extends Message = Message> = (writer: ByteWriter, message: M, context: EncodeContext) => void;

const NO_BUFFER = 0xffffffff;
const NANOSECONDS_PER_MILLISECOND = 1_000_000;

export function isNicira({ name }: { readonly name: string }): boolean {
  return name.startsWith('NX');
}

/** A port of 16 or 32 bits by version; `code` is thrown for one that has no 16-bit number. */
export function readPort(reader: ByteReader, version: number, code: OpenFlowErrorName = 'OFPBRC_BAD_PORT'): number {
  return version === 1 ? reader.u16() : port16(reader.u32(), code);
}

export function writePort(writer: ByteWriter, port: number, version: number): void {
  if (version === 1) {
    writer.u16(port);
  } else {
    writer.u32(portToOpenFlow11(port));
  }
}

export function readBufferId(reader: ByteReader): number | null {
  const id = reader.u32();
  return id === NO_BUFFER ? null : id;
}

export function writeBufferId(writer: ByteWriter, id: number | null): void {
  writer.u32(id ?? NO_BUFFER);
}

/** Seconds and nanoseconds as milliseconds. */
export function readDuration(reader: ByteReader): number {
  return durationOf(reader.u32(), reader.u32());
}

export function durationOf(seconds: number, nanoseconds: number): number {
  return seconds * 1000 + nanoseconds / NANOSECONDS_PER_MILLISECOND;
}

export function writeDuration(writer: ByteWriter, milliseconds: number): void {
  const seconds = Math.floor(milliseconds / 1000);
  writer.u32(seconds);
  writer.u32(Math.min(999_999_999, Math.round((milliseconds - seconds * 1000) * NANOSECONDS_PER_MILLISECOND)));
}

/** The port that a match says a packet came in by; OFPP_NONE when it says none. */
export function inPortOf(match: Match): number {
  return match.masks[1] === 0 ? OFPP_NONE : portFromOpenFlow11(match.values[1]! >>> 0) & 0xffff;
}

/** A reader of an entry that begins with its length in 16 bits, at least `minimum` bytes; the reader given goes behind it. */
export function readSized(reader: ByteReader, minimum: number, code: OpenFlowErrorName = 'OFPBRC_BAD_LEN'): ByteReader {
  if (reader.remaining < 2) {
    throw new OpenFlowError(code, `${reader.remaining} leftover bytes at end`);
  }
  const length = reader.view.getUint16(reader.offset);
  if (length < minimum || length > reader.remaining) {
    throw new OpenFlowError(code, `entry claims invalid length ${length} of ${reader.remaining}`);
  }
  const entry = reader.sub(length, code);
  entry.skip(2);
  return entry;
}

/** Writes an entry that begins with its length. */
export function writeSized(writer: ByteWriter, write: () => void): void {
  const start = writer.length;
  writer.u16(0);
  write();
  writer.patch16(start, writer.length - start);
}
