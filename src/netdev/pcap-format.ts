/**
 * Reading captures: classic pcap (both byte orders, micro- and nanoseconds) and pcapng (sections, interfaces with names
 * and time resolution, enhanced, simple and old packet blocks; other blocks are skipped). A capture may be gigabytes, so
 * the reader is fed chunks and hands out one record at a time in memory that it reuses: it allocates nothing per packet.
 *
 * What is wrong with a file is said as tcpdump says it, plus the byte at which it is wrong. The formats are described in
 * draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. This file is a parser and therefore long.
 */

/** LINKTYPE_ETHERNET, the only link type that a switch can use. */
export const LINK_TYPE_ETHERNET = 1;

/** No Ethernet capture has longer packets: libpcap's MAXIMUM_SNAPLEN. */
export const MAXIMUM_SNAPSHOT_LENGTH = 262_144;

/** libpcap's bound on a pcapng block, against lengths that are garbage. */
const MAXIMUM_BLOCK_LENGTH = 16 * 1024 * 1024;

export const PCAP_MAGIC_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_MAGIC_NANOSECONDS = 0xa1b23c4d;
export const PCAPNG_SECTION_HEADER = 0x0a0d0d0a;
export const PCAPNG_BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const PCAPNG_INTERFACE_DESCRIPTION = 1;
export const PCAPNG_ENHANCED_PACKET = 6;
export const PCAPNG_OPTION_INTERFACE_NAME = 2;
export const PCAPNG_OPTION_TIME_RESOLUTION = 9;
const PCAPNG_PACKET = 2;
const PCAPNG_SIMPLE_PACKET = 3;
const PCAPNG_OPTION_TIME_OFFSET = 14;

const PCAP_HEADER_LENGTH = 24;
const PCAP_RECORD_HEADER_LENGTH = 16;
const INITIAL_BUFFER_LENGTH = 65_536;

/** Names of link types that people meet, for the error message. From tcpdump.org's LINKTYPE_ registry. */
const LINK_TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'NULL'],
  [1, 'ETHERNET'],
  [6, 'IEEE802_5'],
  [9, 'PPP'],
  [10, 'FDDI'],
  [101, 'RAW'],
  [105, 'IEEE802_11'],
  [108, 'LOOP'],
  [113, 'LINUX_SLL'],
  [127, 'IEEE802_11_RADIOTAP'],
  [189, 'USB_LINUX'],
  [228, 'IPV4'],
  [229, 'IPV6'],
  [239, 'NFLOG'],
  [253, 'NETLINK'],
  [276, 'LINUX_SLL2'],
]);

export type CaptureErrorCode =
  | 'capture-truncated'
  | 'capture-format'
  | 'capture-version'
  | 'capture-length'
  | 'capture-block'
  | 'capture-interface'
  | 'capture-link-type';

/** A capture that cannot be read (further). */
export class CaptureError extends Error {
  readonly code: CaptureErrorCode;
  /** the byte of the file at which the offending structure starts */
  readonly offset: number;

  constructor(code: CaptureErrorCode, offset: number, message: string) {
    super(`${message} (at byte ${offset})`);
    this.name = 'CaptureError';
    this.code = code;
    this.offset = offset;
  }
}

export type CaptureFormat = 'pcap' | 'pcapng';

/** An interface on which packets were captured. A pcap file has exactly one, without a name. */
export interface CaptureInterface {
  /** of tcpdump.org's LINKTYPE_ registry */
  linkType: number;
  /** the most bytes of a packet that were kept; 0 means no limit */
  snapshotLength: number;
  /** pcapng's if_name, empty when there is none */
  name: string;
}

/** One captured packet. The reader reuses one record: its contents are valid until the next call of the reader. */
export interface CaptureRecord {
  /** the buffer that holds the frame at `[start, start + length)` */
  bytes: Uint8Array;
  start: number;
  /** bytes of the frame that were captured */
  length: number;
  /** bytes that the frame had on the wire */
  originalLength: number;
  /** whole seconds since 1970 */
  seconds: number;
  /** 0..999,999,999 */
  nanoseconds: number;
  /** index into `interfaces` */
  interfaceIndex: number;
}

interface InterfaceClock {
  /** time units per second: a power of ten or two */
  unitsPerSecond: number;
  /** seconds added to every time stamp */
  offsetSeconds: number;
}

/** A capture being read: `push` chunks, then call `next` until it returns false; `end` says that no chunk follows. */
export class CaptureReader {
  /** the record that the last `next` found */
  readonly record: CaptureRecord;
  /** the interfaces of the current section; grows while a pcapng file is read */
  readonly interfaces: CaptureInterface[] = [];

  private readonly clocks: InterfaceClock[] = [];
  private kind: CaptureFormat | null = null;
  private bytes: Uint8Array = new Uint8Array(INITIAL_BUFFER_LENGTH);
  private view: DataView = new DataView(this.bytes.buffer);
  /** unread bytes lie in `[position, limit)` */
  private position = 0;
  private limit = 0;
  /** file offset of `bytes[0]` */
  private base = 0;
  private littleEndian = true;
  /** nanoseconds per unit of a pcap record's fraction */
  private fractionScale = 1000;
  private ended = false;
  private failure: CaptureError | null = null;

  constructor() {
    this.record = {
      bytes: this.bytes,
      start: 0,
      length: 0,
      originalLength: 0,
      seconds: 0,
      nanoseconds: 0,
      interfaceIndex: 0,
    };
  }

  /** Which format this is, null until enough bytes were seen by `next`. */
  get format(): CaptureFormat | null {
    return this.kind;
  }

  /** Gives the reader the next bytes of the file. They are copied. */
  push(chunk: Uint8Array): void {
    const unread = this.limit - this.position;
    if (this.limit + chunk.length > this.bytes.length) {
      let target = this.bytes;
      if (unread + chunk.length > target.length) {
        let capacity = target.length;
        while (capacity < unread + chunk.length) capacity *= 2;
        target = new Uint8Array(capacity);
      }
      target.set(this.bytes.subarray(this.position, this.limit), 0);
      if (target !== this.bytes) {
        this.bytes = target;
        this.view = new DataView(target.buffer);
        this.record.bytes = target;
      }
      this.base += this.position;
      this.position = 0;
      this.limit = unread;
    }
    this.bytes.set(chunk, this.limit);
    this.limit += chunk.length;
  }

  /** Says that the file has no more bytes: from now on `next` treats a partial structure as truncated. */
  end(): void {
    this.ended = true;
  }

  /**
   * Reads the next packet into `record` and returns true; false when more bytes are needed or, after `end`, when the file
   * is over. Throws a `CaptureError` for a bad file, again at each further call.
   */
  next(): boolean {
    if (this.failure !== null) throw this.failure;
    try {
      if (this.kind === null && !this.readMagic()) return false;
      return this.kind === 'pcap' ? this.nextPcapRecord() : this.nextPcapngRecord();
    } catch (error) {
      if (error instanceof CaptureError) this.failure = error;
      throw error;
    }
  }

  private readMagic(): boolean {
    if (!this.has(4, 'file header ')) {
      if (this.ended) throw this.truncated(4, 'file header ');
      return false;
    }
    const magic = this.view.getUint32(this.position, true);
    const swapped = this.view.getUint32(this.position, false);
    if (magic === PCAPNG_SECTION_HEADER) {
      this.kind = 'pcapng';
      return true;
    }
    if (magic === PCAP_MAGIC_MICROSECONDS || magic === PCAP_MAGIC_NANOSECONDS) this.littleEndian = true;
    else if (swapped === PCAP_MAGIC_MICROSECONDS || swapped === PCAP_MAGIC_NANOSECONDS) this.littleEndian = false;
    else throw this.unknownFormat(swapped);
    if (!this.has(PCAP_HEADER_LENGTH, 'file header ')) return false;
    const { view, position, littleEndian } = this;
    const nanoseconds = (littleEndian ? magic : swapped) === PCAP_MAGIC_NANOSECONDS;
    const major = view.getUint16(position + 4, littleEndian);
    const minor = view.getUint16(position + 6, littleEndian);
    if (major !== 2) {
      throw new CaptureError(
        'capture-version',
        this.base + position + 4,
        `unsupported pcap savefile version ${major}.${minor}; expected 2.4`,
      );
    }
    // The upper bits of the link type word say how long the frame check sequence is.
    const linkType = view.getUint32(position + 20, littleEndian) & 0x03ff_ffff;
    this.addInterface(linkType, view.getUint32(position + 16, littleEndian), '', 1_000_000, 0);
    this.requireEthernet(0, this.base + position + 20);
    this.fractionScale = nanoseconds ? 1 : 1000;
    this.kind = 'pcap';
    this.position += PCAP_HEADER_LENGTH;
    return true;
  }

  private nextPcapRecord(): boolean {
    if (!this.has(PCAP_RECORD_HEADER_LENGTH, 'header ')) return false;
    const { view, position, littleEndian, record } = this;
    const length = view.getUint32(position + 8, littleEndian);
    if (length > MAXIMUM_SNAPSHOT_LENGTH) {
      throw new CaptureError(
        'capture-length',
        this.base + position,
        `invalid packet capture length ${length}, bigger than snaplen of ${MAXIMUM_SNAPSHOT_LENGTH}`,
      );
    }
    if (this.limit - position < PCAP_RECORD_HEADER_LENGTH + length) {
      if (this.ended) {
        this.position += PCAP_RECORD_HEADER_LENGTH;
        throw this.truncated(length, 'captured ');
      }
      return false;
    }
    const fraction = view.getUint32(position + 4, littleEndian) * this.fractionScale;
    // A fraction of a second or more is carried over: some tools write it.
    const carry = fraction < 1e9 ? 0 : Math.floor(fraction / 1e9);
    record.seconds = view.getUint32(position, littleEndian) + carry;
    record.nanoseconds = fraction - carry * 1e9;
    record.originalLength = view.getUint32(position + 12, littleEndian);
    record.start = position + PCAP_RECORD_HEADER_LENGTH;
    record.length = length;
    this.position = record.start + length;
    return true;
  }

  private nextPcapngRecord(): boolean {
    while (this.has(8, 'block header ')) {
      const { view, position } = this;
      const offset = this.base + position;
      const isSection = view.getUint32(position, true) === PCAPNG_SECTION_HEADER;
      if (isSection) {
        // Only the byte-order magic says how to read the length before it.
        if (!this.has(12, 'section header ')) return false;
        if (view.getUint32(position + 8, true) === PCAPNG_BYTE_ORDER_MAGIC) this.littleEndian = true;
        else if (view.getUint32(position + 8, false) === PCAPNG_BYTE_ORDER_MAGIC) this.littleEndian = false;
        else {
          throw new CaptureError(
            'capture-format',
            offset + 8,
            `unknown file format: byte-order magic 0x${hex(view.getUint32(position + 8, false))}, expected 0x1a2b3c4d in either byte order`,
          );
        }
      }
      const type = view.getUint32(position, this.littleEndian);
      const length = view.getUint32(position + 4, this.littleEndian);
      this.checkBlockLength(type, length, offset);
      if (this.limit - position < length) {
        if (this.ended) {
          throw new CaptureError(
            'capture-truncated',
            offset,
            `truncated pcapng dump file; tried to read ${length} bytes of a block, only got ${this.limit - position}`,
          );
        }
        return false;
      }
      const trailer = view.getUint32(position + length - 4, this.littleEndian);
      if (trailer !== length) {
        throw new CaptureError(
          'capture-block',
          offset,
          `block total length in header and trailer don't match: ${length} and ${trailer}`,
        );
      }
      this.position = position + length;
      if (isSection) this.readSection(position, offset);
      else if (type === PCAPNG_INTERFACE_DESCRIPTION) this.readInterface(position, length, offset);
      else if (type === PCAPNG_ENHANCED_PACKET || type === PCAPNG_PACKET) {
        this.readPacket(type, position, length, offset);
        return true;
      } else if (type === PCAPNG_SIMPLE_PACKET) {
        this.readSimplePacket(position, length, offset);
        return true;
      }
    }
    return false;
  }

  private checkBlockLength(type: number, length: number, offset: number): void {
    if (length < minimumBlockLength(type)) {
      throw new CaptureError(
        'capture-block',
        offset,
        `block of type ${type} in pcapng dump file is too short: ${length} bytes, expected at least ${minimumBlockLength(type)}`,
      );
    }
    if (length > MAXIMUM_BLOCK_LENGTH) {
      throw new CaptureError('capture-length', offset, `pcapng block size ${length} > maximum ${MAXIMUM_BLOCK_LENGTH}`);
    }
    if (length % 4 !== 0) {
      throw new CaptureError(
        'capture-block',
        offset,
        `block in pcapng dump file has a length of ${length} that is not a multiple of 4`,
      );
    }
  }

  private readSection(position: number, offset: number): void {
    const major = this.view.getUint16(position + 12, this.littleEndian);
    const minor = this.view.getUint16(position + 14, this.littleEndian);
    if (major !== 1) {
      throw new CaptureError(
        'capture-version',
        offset + 12,
        `unsupported pcapng savefile version ${major}.${minor}; expected 1.0`,
      );
    }
    this.interfaces.length = 0;
    this.clocks.length = 0;
  }

  private readInterface(position: number, length: number, offset: number): void {
    const { view, littleEndian } = this;
    const linkType = view.getUint16(position + 8, littleEndian);
    const snapshotLength = view.getUint32(position + 12, littleEndian);
    const end = position + length - 4;
    let name = '';
    let unitsPerSecond = 1_000_000;
    let offsetSeconds = 0;
    let option = position + 16;
    while (option + 4 <= end) {
      const code = view.getUint16(option, littleEndian);
      const size = view.getUint16(option + 2, littleEndian);
      const value = option + 4;
      if (code === 0) break;
      if (value + size > end) {
        throw new CaptureError(
          'capture-block',
          offset + option - position,
          `option ${code} of ${size} bytes in an Interface Description Block extends past end of block`,
        );
      }
      if (code === PCAPNG_OPTION_INTERFACE_NAME) name = readText(this.bytes, value, size);
      else if (code === PCAPNG_OPTION_TIME_RESOLUTION && size >= 1) unitsPerSecond = resolution(view.getUint8(value));
      else if (code === PCAPNG_OPTION_TIME_OFFSET && size >= 8) {
        offsetSeconds =
          view.getInt32(value + (littleEndian ? 4 : 0), littleEndian) * 4294967296 +
          view.getUint32(value + (littleEndian ? 0 : 4), littleEndian);
      }
      option = value + ((size + 3) & ~3);
    }
    this.addInterface(linkType, snapshotLength, name, unitsPerSecond, offsetSeconds);
  }

  /** Enhanced packet block, or the packet block that it replaced: they differ in how the interface is given. */
  private readPacket(type: number, position: number, length: number, offset: number): void {
    const { view, littleEndian, record } = this;
    const interfaceIndex =
      type === PCAPNG_PACKET ? view.getUint16(position + 8, littleEndian) : view.getUint32(position + 8, littleEndian);
    this.requireEthernet(interfaceIndex, offset);
    const captured = view.getUint32(position + 20, littleEndian);
    checkCaptured(type, captured, length - 32, offset);
    this.setTime(
      interfaceIndex,
      view.getUint32(position + 12, littleEndian),
      view.getUint32(position + 16, littleEndian),
    );
    record.interfaceIndex = interfaceIndex;
    record.originalLength = view.getUint32(position + 24, littleEndian);
    record.start = position + 28;
    record.length = captured;
  }

  private readSimplePacket(position: number, length: number, offset: number): void {
    const { view, littleEndian, record } = this;
    this.requireEthernet(0, offset);
    const original = view.getUint32(position + 8, littleEndian);
    const snapshotLength = this.interfaces[0]!.snapshotLength;
    const captured = snapshotLength === 0 ? original : Math.min(original, snapshotLength);
    checkCaptured(PCAPNG_SIMPLE_PACKET, captured, length - 16, offset);
    record.interfaceIndex = 0;
    record.seconds = 0;
    record.nanoseconds = 0;
    record.originalLength = original;
    record.start = position + 12;
    record.length = captured;
  }

  private setTime(interfaceIndex: number, high: number, low: number): void {
    const { unitsPerSecond, offsetSeconds } = this.clocks[interfaceIndex]!;
    const { record } = this;
    if (unitsPerSecond === 1e6 || unitsPerSecond === 1e9) {
      // Long division in 16-bit digits: 64 bits do not fit a double, and a BigInt per packet is slow.
      const upper = (high % unitsPerSecond) * 65536 + (low >>> 16);
      const lower = (upper % unitsPerSecond) * 65536 + (low & 0xffff);
      record.seconds =
        Math.floor(high / unitsPerSecond) * 4294967296 +
        Math.floor(upper / unitsPerSecond) * 65536 +
        Math.floor(lower / unitsPerSecond) +
        offsetSeconds;
      record.nanoseconds = (lower % unitsPerSecond) * (1e9 / unitsPerSecond);
    } else {
      const units = (BigInt(high) << 32n) | BigInt(low);
      const perSecond = BigInt(unitsPerSecond);
      record.seconds = Number(units / perSecond) + offsetSeconds;
      record.nanoseconds = Number(((units % perSecond) * 1_000_000_000n) / perSecond);
    }
  }

  private addInterface(
    linkType: number,
    snapshotLength: number,
    name: string,
    unitsPerSecond: number,
    offsetSeconds: number,
  ): void {
    this.interfaces.push({ linkType, snapshotLength, name });
    this.clocks.push({ unitsPerSecond, offsetSeconds });
  }

  private requireEthernet(interfaceIndex: number, offset: number): void {
    const found = this.interfaces[interfaceIndex];
    if (found === undefined) {
      throw new CaptureError(
        'capture-interface',
        offset,
        this.interfaces.length === 0
          ? 'the capture file has a packet block before any Interface Description Blocks'
          : `a packet arrived on interface ${interfaceIndex}, but there's no Interface Description Block for that interface`,
      );
    }
    if (found.linkType !== LINK_TYPE_ETHERNET) {
      const linkName = LINK_TYPE_NAMES.get(found.linkType);
      throw new CaptureError(
        'capture-link-type',
        offset,
        `link type ${found.linkType}${linkName === undefined ? '' : ` (${linkName})`}, expected 1 (ETHERNET); capture on an Ethernet interface, not on "any"`,
      );
    }
  }

  /** Whether `count` unread bytes are there; throws when the file ends inside them, but not when it ends before them. */
  private has(count: number, what: string): boolean {
    const unread = this.limit - this.position;
    if (unread >= count) return true;
    if (this.ended && unread > 0) throw this.truncated(count, what);
    return false;
  }

  private truncated(count: number, what: string): CaptureError {
    return new CaptureError(
      'capture-truncated',
      this.base + this.position,
      `truncated ${this.kind === 'pcapng' ? 'pcapng ' : ''}dump file; tried to read ${count} ${what}bytes, only got ${this.limit - this.position}`,
    );
  }

  private unknownFormat(magic: number): CaptureError {
    return new CaptureError(
      'capture-format',
      this.base + this.position,
      `unknown file format: magic 0x${hex(magic)}, expected pcap (0xa1b2c3d4, 0xa1b23c4d in either byte order) or pcapng (0x0a0d0d0a)`,
    );
  }
}

function minimumBlockLength(type: number): number {
  switch (type) {
    case PCAPNG_SECTION_HEADER:
      return 28;
    case PCAPNG_INTERFACE_DESCRIPTION:
      return 20;
    case PCAPNG_ENHANCED_PACKET:
    case PCAPNG_PACKET:
      return 32;
    case PCAPNG_SIMPLE_PACKET:
      return 16;
    default:
      return 12;
  }
}

function checkCaptured(type: number, captured: number, room: number, offset: number): void {
  if (captured > MAXIMUM_SNAPSHOT_LENGTH) {
    throw new CaptureError(
      'capture-length',
      offset,
      `invalid packet capture length ${captured}, bigger than snaplen of ${MAXIMUM_SNAPSHOT_LENGTH}`,
    );
  }
  if (captured > room) {
    throw new CaptureError(
      'capture-block',
      offset,
      `block of type ${type} in pcapng dump file is too short: room for ${room} captured bytes, expected ${captured}`,
    );
  }
}

/** if_tsresol: the most significant bit says whether the rest is an exponent of two or of ten. */
function resolution(value: number): number {
  return value & 0x80 ? 2 ** (value & 0x7f) : 10 ** (value & 0x7f);
}

/** UTF-8, as pcapng has it; what is not valid comes out as U+FFFD. */
function readText(bytes: Uint8Array, start: number, length: number): string {
  return new TextDecoder().decode(bytes.subarray(start, start + length)).replace(/\0+$/, '');
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
