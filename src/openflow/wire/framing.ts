/**
 * Framing: OpenFlow messages in a stream of bytes (OpenFlow 1.5 section 7.1.1).
 *
 * Each message says its length in its header, so a stream is cut by lengths alone, whatever version and type. A length that
 * is less than a header leaves nothing to go on with: the connection has to be closed.
 */
import { OpenFlowError } from '../errors.ts';

export const HEADER_BYTES = 8;
/** the length of a message has 16 bits */
export const MAX_MESSAGE_BYTES = 0xffff;

export interface MessageHeader {
  /** 1 = OpenFlow 1.0 …; not checked */
  readonly version: number;
  readonly type: number;
  /** bytes, with the header */
  readonly length: number;
  /** tells which request an answer belongs to */
  readonly xid: number;
}

/** The header of a message of at least 8 bytes. Throws `OFPBRC_BAD_LEN` for less. */
export function readHeader(bytes: Uint8Array): MessageHeader {
  if (bytes.length < HEADER_BYTES) {
    throw new OpenFlowError('OFPBRC_BAD_LEN', `OpenFlow packet too short (only ${bytes.length} bytes)`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { version: bytes[0]!, type: bytes[1]!, length: view.getUint16(2), xid: view.getUint32(4) };
}

/** Cuts a stream of bytes into messages; one for each connection. */
export class MessageSplitter {
  /** the beginning of a message whose end has not come yet */
  private pending: Uint8Array = new Uint8Array(0);

  /** How many bytes of an unfinished message are waiting. */
  get pendingBytes(): number {
    return this.pending.length;
  }

  /**
   * The messages that `chunk` completes, in order. They may share memory with the chunk, which must not change as long as
   * they are in use. Throws `OFPBRC_BAD_LEN` when a message claims to be shorter than its header; the stream is then lost.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const bytes = this.pending.length === 0 ? chunk : concatenate(this.pending, chunk);
    const messages: Uint8Array[] = [];
    let start = 0;
    while (bytes.length - start >= HEADER_BYTES) {
      const length = (bytes[start + 2]! << 8) | bytes[start + 3]!;
      if (length < HEADER_BYTES) {
        throw new OpenFlowError('OFPBRC_BAD_LEN', `received too-short ofp_header (${length} bytes)`);
      }
      if (bytes.length - start < length) {
        break;
      }
      messages.push(bytes.subarray(start, start + length));
      start += length;
    }
    this.pending = start === bytes.length ? new Uint8Array(0) : bytes.slice(start);
    return messages;
  }
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
