/**
 * The file of a database (ovsdb(5)): records of two lines, `OVSDB JSON <length> <sha1>` and the JSON, added at the end and never
 * changed. The first is the schema, each other one a transaction.
 *
 * What was cut short, by a crash in the middle of a write, does not fit its length or checksum: reading stops there, and the
 * next record is written over it. Compaction writes the rows that there are to a new file and puts that in place.
 */
import { OvsdbError } from './errors.ts';
import { type JsonValue, parseJson, stringifyJson } from './json.ts';

/** A file as the log needs it; `platform/` has one. Every function may throw an `Error`. */
export interface AppendFile {
  /** All that is in the file. */
  read: () => Uint8Array;
  /** Writes at that offset, which is the end of the file, and leaves nothing behind it. */
  writeAt: (offset: number, bytes: Uint8Array) => void;
  /** Calls back when all that has been written is on the disk. */
  sync: (done: (error: Error | null) => void) => void;
  /** Puts other contents in the file's place: after a crash there is the old one or the new one, on the disk. */
  replace: (bytes: Uint8Array) => void;
  close: () => void;
}

/** SHA-1 as 40 hexadecimal digits. */
export type Sha1 = (bytes: Uint8Array) => string;

export interface LogContents {
  readonly records: JsonValue[];
  /** where the last good record ends */
  readonly length: number;
  /** why reading stopped before the end of the file; null if it did not */
  readonly problem: string | null;
}

const LINE_FEED = 0x0a;
const MAX_HEADER_LENGTH = 128;

/** Reads records up to the end or to the first that is damaged. */
export function readLog(bytes: Uint8Array, sha1: Sha1): LogContents {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const records: JsonValue[] = [];
  let at = 0;
  const stop = (problem: string): LogContents => ({
    records,
    length: at,
    problem: `${problem} at offset ${at} (record ${records.length + 1})`,
  });
  while (at < bytes.length) {
    const end = bytes.subarray(at, at + MAX_HEADER_LENGTH).indexOf(LINE_FEED);
    if (end < 0) return stop('header line without end');
    const header = /^OVSDB (\S+) (\d+) ([0-9a-fA-F]{40})$/.exec(decodeAscii(bytes.subarray(at, at + end)));
    if (header === null) return stop('parse error in header line');
    if (header[1] !== 'JSON') return stop(`unsupported magic "${header[1]}"`);
    const start = at + end + 1;
    const length = Number(header[2]);
    const data = bytes.subarray(start, start + length);
    if (data.length < length) return stop('unexpected end of file');
    if (sha1(data) !== header[3]!.toLowerCase()) return stop('checksum does not match');
    try {
      records.push(parseJson(decoder.decode(data)));
    } catch {
      return stop('bad JSON');
    }
    at = start + length;
  }
  return { records, length: at, problem: null };
}

function decodeAscii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/** The two lines of a record. */
export function formatRecord(record: JsonValue, sha1: Sha1): Uint8Array {
  const encoder = new TextEncoder();
  const data = encoder.encode(`${stringifyJson(record)}\n`);
  const header = encoder.encode(`OVSDB JSON ${data.length} ${sha1(data)}\n`);
  const bytes = new Uint8Array(header.length + data.length);
  bytes.set(header);
  bytes.set(data, header.length);
  return bytes;
}

/** The writing end of a file. */
export class Log {
  private readonly file: AppendFile;
  private readonly sha1: Sha1;
  private length: number;
  private compactLength: number;
  private failure: string | null = null;

  /** Goes on after `length` bytes, of which `compactLength` were there when it was last compact. */
  constructor(file: AppendFile, sha1: Sha1, length: number) {
    this.file = file;
    this.sha1 = sha1;
    this.length = length;
    this.compactLength = length;
  }

  /** Writes a record; it is on the disk after `sync`. Throws `OvsdbError` (`I/O error`): it is not in the log. */
  append(record: JsonValue): void {
    if (this.failure !== null) throw new OvsdbError('I/O error', this.failure);
    const bytes = formatRecord(record, this.sha1);
    try {
      this.file.writeAt(this.length, bytes);
    } catch (error) {
      throw new OvsdbError('I/O error', `cannot write to database file: ${(error as Error).message}`);
    }
    this.length += bytes.length;
  }

  /** Calls back when all records are on the disk. After a failure the log takes no more: nobody knows what is there. */
  sync(done: (error: Error | null) => void): void {
    this.file.sync((error) => {
      if (error !== null) this.failure = `cannot sync database file: ${error.message}`;
      done(error);
    });
  }

  /** Whether the file has grown so much that compaction pays: over 10 MB, and twice what it was. */
  get hasGrown(): boolean {
    return this.length > 10 * 1024 * 1024 && this.length > 2 * this.compactLength;
  }

  /** Replaces all records. The new ones are on the disk when it returns. Throws `OvsdbError`; the old ones stay then. */
  replace(records: readonly JsonValue[]): void {
    const parts = records.map((record) => formatRecord(record, this.sha1));
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    try {
      this.file.replace(bytes);
    } catch (error) {
      throw new OvsdbError('I/O error', `cannot compact database file: ${(error as Error).message}`);
    }
    this.length = bytes.length;
    this.compactLength = bytes.length;
  }

  close(): void {
    this.file.close();
  }
}
