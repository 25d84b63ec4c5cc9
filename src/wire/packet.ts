/**
 * A packet on its way through the switch: a frame inside a larger buffer, with headroom to push headers, the offload
 * metadata that a port gave with it, and the offsets of its layers. One class for every port kind, so that the hot path
 * sees one shape. Packets are pooled and re-aimed (`aim`) at receive memory; none is made per packet received.
 */

/** `offloadFlags`: the L4 checksum is still to be completed from `checksumStart` (VIRTIO_NET_HDR_F_NEEDS_CSUM). */
export const OFFLOAD_NEEDS_CHECKSUM = 1;
/** `offloadFlags`: the L4 checksum was verified (VIRTIO_NET_HDR_F_DATA_VALID). */
export const OFFLOAD_CHECKSUM_VALID = 2;

/** Bytes before the frame in buffers that this switch allocates: room for a tunnel header or a few tags. */
export const DEFAULT_HEADROOM = 128;

/** Longer runs are left to the engine, whose call costs more than a short loop. */
const SHORT_MOVE_BYTES = 64;
const SHORT_COPY_BYTES = 256;

export class Packet {
  /** the buffer that holds the frame, headroom and tailroom */
  bytes: Uint8Array;
  /** a view on the same memory as `bytes`, same origin */
  view: DataView;
  /** where the frame starts in `bytes` */
  start: number;
  /** the frame's length in bytes */
  length: number;

  /** OFFLOAD_* bits */
  offloadFlags: number;
  /** virtio_net_hdr gso_type: 0 none, 1 TCPv4, 3 UDP, 4 TCPv6, 5 UDP_L4; bit 0x80 ECN */
  gsoType: number;
  /** payload bytes per segment */
  gsoSize: number;
  /** length of all headers of a GSO frame */
  headerLength: number;
  /** offset from the frame's start at which checksumming starts */
  checksumStart: number;
  /** offset of the checksum field from `checksumStart` */
  checksumOffset: number;

  /** offset of the first MPLS label from the frame's start, -1 when there is none */
  mplsOffset: number;
  /** offset of the network header (IP, ARP) from the frame's start, -1 when unknown */
  networkOffset: number;
  /** offset of the transport header from the frame's start, -1 when there is none */
  transportOffset: number;

  /** the memory that `aim` points into: what the packet was made with, though a header pushed may have outgrown it */
  private homeBytes: Uint8Array;
  private homeView: DataView;

  constructor(bytes: Uint8Array, start: number, length: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.homeBytes = this.bytes;
    this.homeView = this.view;
    this.start = start;
    this.length = length;
    this.offloadFlags = 0;
    this.gsoType = 0;
    this.gsoSize = 0;
    this.headerLength = 0;
    this.checksumStart = 0;
    this.checksumOffset = 0;
    this.mplsOffset = -1;
    this.networkOffset = -1;
    this.transportOffset = -1;
  }

  /** A packet with room for `capacity` frame bytes and `headroom` bytes before them, of length 0. */
  static allocate(capacity: number, headroom: number = DEFAULT_HEADROOM): Packet {
    return new Packet(new Uint8Array(headroom + capacity), headroom, 0);
  }

  /** A packet that holds a copy of `frame`, with headroom. */
  static from(frame: Uint8Array, headroom: number = DEFAULT_HEADROOM): Packet {
    const packet = Packet.allocate(frame.length, headroom);
    packet.bytes.set(frame, headroom);
    packet.length = frame.length;
    return packet;
  }

  /** Points this packet at a frame in the buffer that it was made with and forgets everything known of the last one. */
  aim(start: number, length: number): void {
    this.bytes = this.homeBytes;
    this.view = this.homeView;
    this.start = start;
    this.length = length;
    this.clearOffload();
    this.mplsOffset = -1;
    this.networkOffset = -1;
    this.transportOffset = -1;
  }

  clearOffload(): void {
    this.offloadFlags = 0;
    this.gsoType = 0;
    this.gsoSize = 0;
    this.headerLength = 0;
    this.checksumStart = 0;
    this.checksumOffset = 0;
  }

  /** Makes room for `count` bytes before the frame and takes them into it; their contents are undefined. */
  pushHeader(count: number): void {
    this.insertBytes(0, count);
  }

  /** Drops the first `count` bytes of the frame. */
  pullHeader(count: number): void {
    this.removeBytes(0, count);
  }

  /**
   * Inserts `count` bytes, of undefined contents, at `offset` from the frame's start, by moving what is before forward
   * into the headroom, which grows when it is short. The offsets of layers and of the checksum at or behind `offset`
   * move along.
   */
  insertBytes(offset: number, count: number): void {
    if (this.start < count) {
      this.growHeadroom(count);
    }
    moveBytes(this.bytes, this.start, this.start - count, offset);
    this.start -= count;
    this.length += count;
    this.moveOffsets(offset, count);
  }

  /** Removes `count` bytes at `offset` from the frame's start. The offsets of what is behind them move along. */
  removeBytes(offset: number, count: number): void {
    moveBytes(this.bytes, this.start, this.start + count, offset);
    this.start += count;
    this.length -= count;
    this.moveOffsets(offset + count, -count);
  }

  private growHeadroom(count: number): void {
    const headroom = DEFAULT_HEADROOM + count;
    const bytes = new Uint8Array(headroom + this.length);
    bytes.set(this.frame(), headroom);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.start = headroom;
  }

  private moveOffsets(offset: number, count: number): void {
    if (this.mplsOffset >= offset) {
      this.mplsOffset += count;
    }
    if (this.networkOffset >= offset) {
      this.networkOffset += count;
    }
    if (this.transportOffset >= offset) {
      this.transportOffset += count;
    }
    if (this.headerLength > 0) {
      this.headerLength += count;
    }
    if ((this.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) !== 0 && this.checksumStart >= offset) {
      this.checksumStart += count;
    }
  }

  /** The frame, without copying. Valid as long as the buffer is. */
  frame(): Uint8Array {
    return this.bytes.subarray(this.start, this.start + this.length);
  }

  /** Starts an empty frame of `length` bytes, of undefined contents, behind the default headroom, growing the buffer where needed. */
  reset(length: number): void {
    const needed = DEFAULT_HEADROOM + length;
    if (this.homeBytes.length < needed) {
      this.homeBytes = new Uint8Array(needed);
      this.homeView = new DataView(this.homeBytes.buffer);
    }
    this.aim(DEFAULT_HEADROOM, length);
  }

  /** Copies `length` bytes from `offset` of the frame of `other` to `to` of this frame, within the length of both. */
  copyBytes(other: Packet, offset: number, length: number, to: number): void {
    const from = other.start + offset;
    const start = this.start + to;
    if (length > SHORT_COPY_BYTES) {
      this.bytes.set(other.bytes.subarray(from, from + length), start);
      return;
    }
    const source = other.view;
    const target = this.view;
    let done = 0;
    for (const wordEnd = length - 3; done < wordEnd; done += 4) {
      target.setInt32(start + done, source.getInt32(from + done));
    }
    for (; done < length; done++) {
      target.setUint8(start + done, source.getUint8(from + done));
    }
  }

  /** Copies frame and metadata of `other`, another packet, into this one, growing the buffer where needed and keeping headroom. */
  copyFrom(other: Packet): void {
    this.reset(other.length);
    this.copyBytes(other, 0, other.length, 0);
    this.offloadFlags = other.offloadFlags;
    this.gsoType = other.gsoType;
    this.gsoSize = other.gsoSize;
    this.headerLength = other.headerLength;
    this.checksumStart = other.checksumStart;
    this.checksumOffset = other.checksumOffset;
    this.mplsOffset = other.mplsOffset;
    this.networkOffset = other.networkOffset;
    this.transportOffset = other.transportOffset;
  }
}

/** Moves `length` bytes within `bytes`; the ranges may overlap. */
function moveBytes(bytes: Uint8Array, from: number, to: number, length: number): void {
  if (length > SHORT_MOVE_BYTES) {
    bytes.copyWithin(to, from, from + length);
  } else if (to < from) {
    for (let index = 0; index < length; index++) {
      bytes[to + index] = bytes[from + index]!;
    }
  } else {
    for (let index = length - 1; index >= 0; index--) {
      bytes[to + index] = bytes[from + index]!;
    }
  }
}
