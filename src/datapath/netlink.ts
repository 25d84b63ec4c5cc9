/**
 * Netlink attributes (TLV): the container in which keys, masks and actions go to a kernel datapath, are stored once per
 * flow for dumps, and are compared byte by byte.
 *
 * An attribute is a 16-bit length that counts its header, a 16-bit type, the payload, and zeros up to a multiple of four
 * (linux/netlink.h). Numbers of the container are little-endian, the host order of every machine that this runs on.
 */
import { DatapathError, type DatapathErrorCode } from './errors.ts';

const HEADER_LENGTH = 4;
const MAX_ATTRIBUTE_LENGTH = 0xffff;
/** The upper two bits of a type are flags: nested, network byte order. */
const TYPE_MASK = 0x3fff;
const FLAG_NESTED = 0x8000;

/** Writes attributes into a buffer that grows. */
export class AttributeWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length: number;

  constructor() {
    this.#bytes = new Uint8Array(512);
    this.#view = new DataView(this.#bytes.buffer);
    this.#length = 0;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Begins an attribute of `length` zero bytes and returns where its payload begins, to be filled through `view`. */
  attribute(type: number, length: number): number {
    const padded = (length + 3) & ~3;
    this.#reserve(HEADER_LENGTH + padded);
    const at = this.#length;
    this.#view.setUint16(at, checkedLength(HEADER_LENGTH + length, at), true);
    this.#view.setUint16(at + 2, type, true);
    this.#bytes.fill(0, at + HEADER_LENGTH, at + HEADER_LENGTH + padded);
    this.#length = at + HEADER_LENGTH + padded;
    return at + HEADER_LENGTH;
  }

  /** The memory that `attribute` gave a place in; valid until the next call. */
  get view(): DataView {
    return this.#view;
  }

  uint32(type: number, value: number): void {
    const at = this.attribute(type, 4);
    this.#view.setUint32(at, value, true);
  }

  bytes(type: number, payload: Uint8Array): void {
    const at = this.attribute(type, payload.length);
    this.#bytes.set(payload, at);
  }

  /** Begins a nested attribute; `end` with what it returned. */
  begin(type: number): number {
    return this.attribute(type | FLAG_NESTED, 0) - HEADER_LENGTH;
  }

  end(start: number): void {
    this.#view.setUint16(start, checkedLength(this.#length - start, start), true);
  }

  #reserve(length: number): void {
    const needed = this.#length + length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
  }
}

function checkedLength(length: number, offset: number): number {
  if (length > MAX_ATTRIBUTE_LENGTH) {
    throw new DatapathError(
      'NETLINK_LENGTH_INVALID',
      `netlink attribute of ${length} bytes`,
      offset,
      `at most ${MAX_ATTRIBUTE_LENGTH}`,
    );
  }
  return length;
}

/** Walks attributes: `while (reader.next())` look at `type`, `start` and `length`. */
export class AttributeReader {
  readonly view: DataView;
  /** type of the attribute at hand, without flags */
  type: number;
  /** where its payload begins */
  start: number;
  /** length of its payload */
  length: number;
  #next: number;
  readonly #end: number;

  constructor(view: DataView, start: number, end: number) {
    this.view = view;
    this.type = 0;
    this.start = start;
    this.length = 0;
    this.#next = start;
    this.#end = end;
  }

  /** Goes to the next attribute; false at the end. Throws `DatapathError` for one that is cut off. */
  next(): boolean {
    const at = this.#next;
    const left = this.#end - at;
    if (left <= 0) {
      return false;
    }
    if (left < HEADER_LENGTH) {
      throw new DatapathError(
        'NETLINK_TRUNCATED',
        'truncated netlink attribute',
        at,
        `${HEADER_LENGTH} bytes of header`,
      );
    }
    const length = this.view.getUint16(at, true);
    if (length < HEADER_LENGTH || length > left) {
      throw new DatapathError(
        'NETLINK_LENGTH_INVALID',
        `netlink attribute of ${length} bytes`,
        at,
        `a length of ${HEADER_LENGTH}..${left}`,
      );
    }
    this.type = this.view.getUint16(at + 2, true) & TYPE_MASK;
    this.start = at + HEADER_LENGTH;
    this.length = length - HEADER_LENGTH;
    this.#next = at + ((length + 3) & ~3);
    return true;
  }

  /** A reader of the attributes inside this one. */
  nested(): AttributeReader {
    return new AttributeReader(this.view, this.start, this.start + this.length);
  }

  /** Requires the payload to have `length` bytes. */
  expectLength(length: number): void {
    if (this.length !== length) {
      throw this.error('NETLINK_LENGTH_INVALID', `attribute ${this.type} of ${this.length} bytes`, `${length} bytes`);
    }
  }

  uint32(): number {
    this.expectLength(4);
    return this.view.getUint32(this.start, true);
  }

  /** An error about the attribute at hand. */
  error(code: DatapathErrorCode, message: string, expected: string): DatapathError {
    return new DatapathError(code, message, this.start - HEADER_LENGTH, expected);
  }
}
