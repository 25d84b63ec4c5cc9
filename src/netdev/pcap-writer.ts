/**
 * Writing captures, pcap or pcapng, in the byte order that tcpdump uses on common machines (little-endian). The writer
 * gives bytes to a sink, one call per record; whoever owns the sink decides about files and buffering.
 */
import {
  type CaptureFormat,
  LINK_TYPE_ETHERNET,
  MAXIMUM_SNAPSHOT_LENGTH,
  PCAP_MAGIC_MICROSECONDS,
  PCAP_MAGIC_NANOSECONDS,
  PCAPNG_BYTE_ORDER_MAGIC,
  PCAPNG_ENHANCED_PACKET,
  PCAPNG_INTERFACE_DESCRIPTION,
  PCAPNG_OPTION_INTERFACE_NAME,
  PCAPNG_OPTION_TIME_RESOLUTION,
  PCAPNG_SECTION_HEADER,
} from './pcap-format.ts';

export interface CaptureWriterOptions {
  /** `pcap` unless said otherwise */
  format?: CaptureFormat;
  /** write big-endian, as a capture from a big-endian machine has it */
  bigEndian?: boolean;
  /** pcap only: keep nanoseconds (pcapng always keeps them); default true */
  nanoseconds?: boolean;
  /** pcapng only: names of the interfaces, in the order of their indices; default one without a name */
  interfaceNames?: readonly string[];
}

/** Writes the file header on construction, then a record for each `write`. The sink may keep the arrays that it is given. */
export class CaptureWriter {
  private readonly sink: (bytes: Uint8Array) => void;
  private readonly pcapng: boolean;
  private readonly nanoseconds: boolean;
  private readonly littleEndian: boolean;

  constructor(sink: (bytes: Uint8Array) => void, options: CaptureWriterOptions = {}) {
    this.sink = sink;
    this.pcapng = options.format === 'pcapng';
    this.nanoseconds = options.nanoseconds ?? true;
    this.littleEndian = options.bigEndian !== true;
    if (this.pcapng) {
      sink(encodeSectionHeader(this.littleEndian));
      for (const name of options.interfaceNames ?? ['']) sink(encodeInterface(name, this.littleEndian));
    } else {
      sink(encodePcapHeader(this.nanoseconds, this.littleEndian));
    }
  }

  /** Writes one packet. `originalLength` is what it had on the wire when `frame` is only its beginning. */
  write(
    frame: Uint8Array,
    seconds: number,
    nanoseconds: number,
    originalLength: number = frame.length,
    interfaceIndex = 0,
  ): void {
    this.sink(
      this.pcapng
        ? encodeEnhancedPacket(frame, seconds, nanoseconds, originalLength, interfaceIndex, this.littleEndian)
        : encodePcapRecord(frame, seconds, nanoseconds, originalLength, this.nanoseconds, this.littleEndian),
    );
  }
}

function encodePcapHeader(nanoseconds: boolean, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, nanoseconds ? PCAP_MAGIC_NANOSECONDS : PCAP_MAGIC_MICROSECONDS, littleEndian);
  view.setUint16(4, 2, littleEndian);
  view.setUint16(6, 4, littleEndian);
  view.setUint32(16, MAXIMUM_SNAPSHOT_LENGTH, littleEndian);
  view.setUint32(20, LINK_TYPE_ETHERNET, littleEndian);
  return bytes;
}

function encodePcapRecord(
  frame: Uint8Array,
  seconds: number,
  nanoseconds: number,
  originalLength: number,
  keepNanoseconds: boolean,
  littleEndian: boolean,
): Uint8Array {
  const bytes = new Uint8Array(16 + frame.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, seconds, littleEndian);
  view.setUint32(4, keepNanoseconds ? nanoseconds : Math.floor(nanoseconds / 1000), littleEndian);
  view.setUint32(8, frame.length, littleEndian);
  view.setUint32(12, originalLength, littleEndian);
  bytes.set(frame, 16);
  return bytes;
}

function encodeSectionHeader(littleEndian: boolean): Uint8Array {
  const { bytes, view } = block(PCAPNG_SECTION_HEADER, 16, littleEndian);
  view.setUint32(8, PCAPNG_BYTE_ORDER_MAGIC, littleEndian);
  view.setUint16(12, 1, littleEndian);
  // Section length unknown: all ones.
  view.setInt32(16, -1);
  view.setInt32(20, -1);
  return bytes;
}

function encodeInterface(name: string, littleEndian: boolean): Uint8Array {
  const text = new TextEncoder().encode(name);
  const nameOption = text.length === 0 ? 0 : 4 + padded(text.length);
  const { bytes, view } = block(PCAPNG_INTERFACE_DESCRIPTION, 8 + nameOption + 8 + 4, littleEndian);
  view.setUint16(8, LINK_TYPE_ETHERNET, littleEndian);
  view.setUint32(12, MAXIMUM_SNAPSHOT_LENGTH, littleEndian);
  if (text.length > 0) {
    view.setUint16(16, PCAPNG_OPTION_INTERFACE_NAME, littleEndian);
    view.setUint16(18, text.length, littleEndian);
    bytes.set(text, 20);
  }
  view.setUint16(16 + nameOption, PCAPNG_OPTION_TIME_RESOLUTION, littleEndian);
  view.setUint16(18 + nameOption, 1, littleEndian);
  view.setUint8(20 + nameOption, 9);
  return bytes;
}

function encodeEnhancedPacket(
  frame: Uint8Array,
  seconds: number,
  nanoseconds: number,
  originalLength: number,
  interfaceIndex: number,
  littleEndian: boolean,
): Uint8Array {
  const { bytes, view } = block(PCAPNG_ENHANCED_PACKET, 20 + padded(frame.length), littleEndian);
  view.setUint32(8, interfaceIndex, littleEndian);
  // seconds * 1e9 does not fit a double: multiply the halves of the seconds and carry.
  const lowProduct = (seconds % 65536) * 1e9 + nanoseconds;
  const highProduct = Math.floor(seconds / 65536) * 1e9 + Math.floor(lowProduct / 65536);
  view.setUint32(12, Math.floor(highProduct / 65536), littleEndian);
  view.setUint32(16, (highProduct % 65536) * 65536 + (lowProduct % 65536), littleEndian);
  view.setUint32(20, frame.length, littleEndian);
  view.setUint32(24, originalLength, littleEndian);
  bytes.set(frame, 28);
  return bytes;
}

/** An empty block with type and both lengths set. */
function block(type: number, bodyLength: number, littleEndian: boolean): { bytes: Uint8Array; view: DataView } {
  const length = 12 + bodyLength;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, littleEndian);
  view.setUint32(4, length, littleEndian);
  view.setUint32(length - 4, length, littleEndian);
  return { bytes, view };
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
