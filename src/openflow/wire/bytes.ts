/**
 * Reading and writing the bytes of a message: big-endian numbers, runs of bytes, padding, names.
 *
 * A reader knows its end and fails with the OpenFlow error that a too short structure means where it stands, so that a decoder
 * needs no length check of its own before each field. A writer grows; lengths that stand before what they measure are
 * put in afterwards (`patch16`).
 */
import { OpenFlowError, type OpenFlowErrorName } from '../errors.ts';

const INITIAL_BYTES = 256;
/** message, structure and property lengths are multiples of this nearly everywhere */
const ALIGNMENT = 8;

export class ByteReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset: number;
  readonly end: number;
  private readonly shortError: OpenFlowErrorName;

  /** Over `bytes[offset, end)`; reading behind the end throws `shortError`. */
  constructor(
    bytes: Uint8Array,
    offset: number = 0,
    end: number = bytes.length,
    shortError: OpenFlowErrorName = 'OFPBRC_BAD_LEN',
    view: DataView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  ) {
    this.bytes = bytes;
    this.view = view;
    this.offset = offset;
    this.end = end;
    this.shortError = shortError;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  private take(count: number): number {
    const offset = this.offset;
    if (count > this.end - offset) {
      throw new OpenFlowError(this.shortError, `${count} bytes expected, ${this.end - offset} left`);
    }
    this.offset = offset + count;
    return offset;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2));
  }

  u32(): number {
    return this.view.getUint32(this.take(4));
  }

  u64(): bigint {
    return this.view.getBigUint64(this.take(8));
  }

  /** An unsigned number of `count` bytes. */
  big(count: number): bigint {
    let value = 0n;
    const start = this.take(count);
    let at = start;
    for (; at + 4 <= start + count; at += 4) {
      value = (value << 32n) | BigInt(this.view.getUint32(at));
    }
    for (; at < start + count; at++) {
      value = (value << 8n) | BigInt(this.bytes[at]!);
    }
    return value;
  }

  skip(count: number): void {
    this.take(count);
  }

  /** Skips bytes that must be 0. */
  zeros(count: number, code: OpenFlowErrorName = 'NXBRC_MUST_BE_ZERO'): void {
    const start = this.take(count);
    for (let at = start; at < start + count; at++) {
      if (this.bytes[at] !== 0) {
        throw new OpenFlowError(code, `nonzero byte at offset ${at} where there must be zeros`);
      }
    }
  }

  /** A copy of the next `count` bytes. */
  copy(count: number): Uint8Array {
    const start = this.take(count);
    return this.bytes.slice(start, start + count);
  }

  /** A copy of what is left. */
  rest(): Uint8Array {
    return this.copy(this.remaining);
  }

  /** A reader of the next `count` bytes, which are skipped here. */
  sub(count: number, shortError: OpenFlowErrorName = this.shortError): ByteReader {
    const start = this.take(count);
    return new ByteReader(this.bytes, start, start + count, shortError, this.view);
  }

  /** Text of at most `count` bytes, up to the first 0. */
  text(count: number): string {
    const start = this.take(count);
    let end = start;
    while (end < start + count && this.bytes[end] !== 0) {
      end++;
    }
    return decodeText(this.bytes.subarray(start, end));
  }
}

export class ByteWriter {
  private buffer: Uint8Array;
  private view: DataView;
  length = 0;

  constructor(capacity: number = INITIAL_BYTES) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  private room(count: number): number {
    const offset = this.length;
    const needed = offset + count;
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
      grown.set(this.buffer.subarray(0, offset));
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
    this.length = needed;
    return offset;
  }

  u8(value: number): void {
    const at = this.room(1);
    this.view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.room(2);
    this.view.setUint16(at, value);
  }

  u32(value: number): void {
    const at = this.room(4);
    this.view.setUint32(at, value);
  }

  u64(value: bigint): void {
    const at = this.room(8);
    this.view.setBigUint64(at, BigInt.asUintN(64, value));
  }

  /** The low `count` bytes of an unsigned number. */
  big(value: bigint, count: number): void {
    const start = this.room(count);
    let rest = value;
    for (let at = start + count - 1; at >= start; at--) {
      this.buffer[at] = Number(rest & 0xffn);
      rest >>= 8n;
    }
  }

  zeros(count: number): void {
    const at = this.room(count);
    this.buffer.fill(0, at, at + count);
  }

  put(bytes: Uint8Array): void {
    const at = this.room(bytes.length);
    this.buffer.set(bytes, at);
  }

  /** Text in a field of `count` bytes, cut where it is longer and filled up with zeros. */
  text(value: string, count: number, terminated: boolean = true): void {
    const bytes = encodeText(value);
    const used = Math.min(bytes.length, terminated ? count - 1 : count);
    this.put(bytes.subarray(0, used));
    this.zeros(count - used);
  }

  /** Zeros until the length since `start` is a multiple of 8. */
  pad(start: number): void {
    this.zeros((ALIGNMENT - ((this.length - start) % ALIGNMENT)) % ALIGNMENT);
  }

  patch16(offset: number, value: number): void {
    this.view.setUint16(offset, value);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  /** A copy of what was written from `start`, which is taken back. */
  cut(start: number): Uint8Array {
    const bytes = this.buffer.slice(start, this.length);
    this.length = start;
    return bytes;
  }
}

/** UTF-8 to text; bytes that are no UTF-8 become U+FFFD. */
function decodeText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at]!;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    let code = length === 1 ? first : first & (0xff >> (length + 1));
    let isValid = length > 0 && first < 0xf5 && at + length <= bytes.length;
    for (let next = 1; isValid && next < length; next++) {
      const byte = bytes[at + next]!;
      isValid = (byte & 0xc0) === 0x80;
      code = (code << 6) | (byte & 0x3f);
    }
    isValid &&= !(length === 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000)));
    isValid &&= !(length === 4 && (code < 0x10000 || code > 0x10ffff));
    text += isValid ? String.fromCodePoint(code) : '\ufffd';
    at += isValid ? length : 1;
  }
  return text;
}

/** Text to UTF-8. */
function encodeText(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) {
      bytes.push(code);
    } else if (code < 0x800) {
      bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    } else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    }
  }
  return Uint8Array.from(bytes);
}
