import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CaptureError, CaptureReader, CaptureWriter, type CaptureWriterOptions } from '../../../src/netdev/index.ts';

interface PlainRecord {
  frame: Uint8Array;
  seconds: number;
  nanoseconds: number;
  originalLength: number;
  interfaceIndex: number;
}

/** Reads a whole capture, fed in chunks of `chunkLength` bytes. */
function readAll(bytes: Uint8Array, chunkLength = 65536): PlainRecord[] {
  const reader = new CaptureReader();
  return drain(reader, bytes, chunkLength);
}

function drain(reader: CaptureReader, bytes: Uint8Array, chunkLength: number): PlainRecord[] {
  const records: PlainRecord[] = [];
  let position = 0;
  for (;;) {
    while (reader.next()) {
      const { record } = reader;
      records.push({
        frame: record.bytes.slice(record.start, record.start + record.length),
        seconds: record.seconds,
        nanoseconds: record.nanoseconds,
        originalLength: record.originalLength,
        interfaceIndex: record.interfaceIndex,
      });
    }
    if (position >= bytes.length) break;
    reader.push(bytes.subarray(position, position + chunkLength));
    position += chunkLength;
    if (position >= bytes.length) reader.end();
  }
  return records;
}

function writeAll(records: PlainRecord[], options: CaptureWriterOptions): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new CaptureWriter((bytes) => parts.push(bytes), options);
  for (const r of records) writer.write(r.frame, r.seconds, r.nanoseconds, r.originalLength, r.interfaceIndex);
  return concat(parts);
}

function concat(parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replace(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function errorOf(action: () => unknown): CaptureError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof CaptureError, String(error));
    return error;
  }
  assert.fail('expected a CaptureError');
}

const ARP = bytesOf('ffffffffffff 0a0000000001 0806 0001 0800 06 04 0001 0a0000000001 0a000001 000000000000 0a000002');
const RECORD: PlainRecord = {
  frame: ARP,
  seconds: 0x655b_0001,
  nanoseconds: 123_456_000,
  originalLength: 60,
  interfaceIndex: 0,
};

const LITERALS: [string, string][] = [
  [
    'pcap, little-endian, microseconds',
    `d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000
     01005b65 40e20100 2a000000 3c000000 ${hexOf(ARP)}`,
  ],
  [
    'pcap, big-endian, microseconds',
    `a1b2c3d4 0002 0004 00000000 00000000 00040000 00000001
     655b0001 0001e240 0000002a 0000003c ${hexOf(ARP)}`,
  ],
  [
    'pcap, little-endian, nanoseconds, with frame check sequence bits in the link type',
    `4d3cb2a1 0200 0400 00000000 00000000 00000400 01000044
     01005b65 00ca5b07 2a000000 3c000000 ${hexOf(ARP)}`,
  ],
  [
    'pcap, big-endian, nanoseconds',
    `a1b23c4d 0002 0004 00000000 00000000 00040000 00000001
     655b0001 075bca00 0000002a 0000003c ${hexOf(ARP)}`,
  ],
  [
    'pcapng, little-endian, microseconds, with an unknown block and an if_name',
    `0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000
     01000000 20000000 0100 0000 00000400 0200 0400 65746830 0000 0000 20000000
     ad0b0000 10000000 01020304 10000000
     06000000 4c000000 00000000 ${time64(true, 1_000_000n)} 2a000000 3c000000 ${hexOf(ARP)}0000 4c000000`,
  ],
  [
    'pcapng, big-endian, nanoseconds, with options after the packet',
    `0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c
     00000001 0000001c 0001 0000 00040000 0009 0001 09000000 0000001c
     00000006 00000050 00000000 ${time64(false, 1_000_000_000n)} 0000002a 0000003c ${hexOf(ARP)}0000 00000000 00000050`,
  ],
  [
    'pcapng, little-endian, 10^-10 s, old packet block',
    `0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000
     01000000 20000000 0100 0000 00000400 0900 0100 0a000000 0000 0000 20000000
     02000000 4c000000 0000 0000 ${time64(true, 10_000_000_000n)} 2a000000 3c000000 ${hexOf(ARP)}0000 4c000000`,
  ],
];

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function time64(littleEndian: boolean, unitsPerSecond: bigint): string {
  const units = (BigInt(RECORD.seconds) * 1_000_000_000n + BigInt(RECORD.nanoseconds)) * unitsPerSecond;
  const value = units / 1_000_000_000n;
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, Number(value >> 32n), littleEndian);
  view.setUint32(4, Number(value & 0xffff_ffffn), littleEndian);
  return hexOf(new Uint8Array(view.buffer));
}

for (const [name, hex] of LITERALS) {
  test(`reads ${name}`, () => {
    for (const chunkLength of [1, 7, 65536]) assert.deepEqual(readAll(bytesOf(hex), chunkLength), [RECORD]);
  });
}

test('reads if_name and the snapshot length', () => {
  const reader = new CaptureReader();
  drain(reader, bytesOf(LITERALS[4]![1]), 1000);
  assert.equal(reader.format, 'pcapng');
  assert.deepEqual(reader.interfaces, [{ linkType: 1, snapshotLength: 262144, name: 'eth0' }]);
});

test('a simple packet block has no time, and the snapshot length bounds it', () => {
  const records = readAll(
    bytesOf(`0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000
      01000000 14000000 0100 0000 10000000 14000000
      03000000 20000000 3c000000 ffffffffffff 0a0000000001 0806 0001 20000000`),
  );
  assert.deepEqual(records, [
    { frame: ARP.slice(0, 16), seconds: 0, nanoseconds: 0, originalLength: 60, interfaceIndex: 0 },
  ]);
});

test('each section has its own byte order and interfaces', () => {
  const little = writeAll([RECORD], { format: 'pcapng', interfaceNames: ['a'] });
  const big = writeAll([{ ...RECORD, interfaceIndex: 1 }], {
    format: 'pcapng',
    bigEndian: true,
    interfaceNames: ['b', 'c'],
  });
  const reader = new CaptureReader();
  assert.deepEqual(drain(reader, concat([little, big]), 5), [RECORD, { ...RECORD, interfaceIndex: 1 }]);
  assert.deepEqual(
    reader.interfaces.map((i) => i.name),
    ['b', 'c'],
  );
});

const HEADER = 'd4c3b2a1 0200 0400 00000000 00000000 00000400 01000000';
const SECTION = '0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000';
const INTERFACE = '01000000 14000000 0100 0000 00000400 14000000';

const FAULTS: [string, string, string, number][] = [
  ['', 'capture-truncated', 'truncated dump file; tried to read 4 file header bytes, only got 0', 0],
  ['d4c3b2', 'capture-truncated', 'truncated dump file; tried to read 4 file header bytes, only got 3', 0],
  ['d4c3b2a10200', 'capture-truncated', 'truncated dump file; tried to read 24 file header bytes, only got 6', 0],
  [
    `${HEADER} 01020304050607`,
    'capture-truncated',
    'truncated dump file; tried to read 16 header bytes, only got 7',
    24,
  ],
  [
    `${HEADER} 01000000 02000000 3c000000 3c000000 0102`,
    'capture-truncated',
    'truncated dump file; tried to read 60 captured bytes, only got 2',
    40,
  ],
  [
    `${HEADER} 01000000 02000000 ffffff7f 3c000000`,
    'capture-length',
    'invalid packet capture length 2147483647, bigger than snaplen of 262144',
    24,
  ],
  ['61626364 65666768', 'capture-format', 'unknown file format: magic 0x61626364, expected pcap', 0],
  [
    'd4c3b2a1 0300 0400 00000000 00000000 00000400 01000000',
    'capture-version',
    'unsupported pcap savefile version 3.4; expected 2.4',
    4,
  ],
  [
    'd4c3b2a1 0200 0400 00000000 00000000 00000400 71000000',
    'capture-link-type',
    'link type 113 (LINUX_SLL), expected 1 (ETHERNET)',
    20,
  ],
  ['0a0d0d0a 1c000000 443c2b1a 0100 0000', 'capture-format', 'unknown file format: byte-order magic 0x443c2b1a', 8],
  [
    `${SECTION} 0600`,
    'capture-truncated',
    'truncated pcapng dump file; tried to read 8 block header bytes, only got 2',
    28,
  ],
  [
    `${SECTION} 06000000 24000000 00000000 00000000 00000000 04000000 04000000 00000000 24000000`,
    'capture-interface',
    'the capture file has a packet block before any Interface Description Blocks',
    28,
  ],
  [
    `${SECTION} ${INTERFACE} 06000000 24000000 03000000 00000000 00000000 04000000 04000000 00000000 24000000`,
    'capture-interface',
    "a packet arrived on interface 3, but there's no Interface Description Block for that interface",
    48,
  ],
  [
    `${SECTION} ${INTERFACE} 06000000 24000000 00000000`,
    'capture-truncated',
    'truncated pcapng dump file; tried to read 36 bytes of a block, only got 12',
    48,
  ],
  [
    `${SECTION} ${INTERFACE} 06000000 25000000 00000000`,
    'capture-block',
    'block in pcapng dump file has a length of 37 that is not a multiple of 4',
    48,
  ],
  [
    `${SECTION} ${INTERFACE} 06000000 f0ffff7f 00000000`,
    'capture-length',
    'pcapng block size 2147483632 > maximum 16777216',
    48,
  ],
  [
    `${SECTION} ${INTERFACE} 0b000000 10000000 00000000 14000000`,
    'capture-block',
    "block total length in header and trailer don't match: 16 and 20",
    48,
  ],
  [
    `${SECTION} ${INTERFACE} 06000000 08000000`,
    'capture-block',
    'block of type 6 in pcapng dump file is too short',
    48,
  ],
  [
    `${SECTION} ${INTERFACE} 06000000 24000000 00000000 00000000 00000000 28000000 28000000 00000000 24000000`,
    'capture-block',
    'block of type 6 in pcapng dump file is too short: room for 4 captured bytes, expected 40',
    48,
  ],
  [
    `${SECTION} 01000000 1c000000 0100 0000 00000400 0200 ff00 65746830 1c000000`,
    'capture-block',
    'option 2 of 255 bytes in an Interface Description Block extends past end of block',
    44,
  ],
  [
    `${SECTION} 01000000 14000000 7100 0000 00000400 14000000
     06000000 24000000 00000000 00000000 00000000 04000000 04000000 00000000 24000000`,
    'capture-link-type',
    'link type 113 (LINUX_SLL), expected 1 (ETHERNET)',
    48,
  ],
];

for (const [hex, code, message, offset] of FAULTS) {
  test(`refuses with ${code}: ${message}`, () => {
    for (const chunkLength of [1, 65536]) {
      const reader = new CaptureReader();
      const bytes = bytesOf(hex);
      if (bytes.length === 0) reader.end();
      const error = errorOf(() => drain(reader, bytes, chunkLength));
      assert.equal(error.code, code);
      assert.equal(error.offset, offset);
      assert.ok(error.message.startsWith(message), error.message);
      assert.ok(error.message.endsWith(`(at byte ${offset})`), error.message);
      assert.throws(() => reader.next(), error);
    }
  });
}

test('records before a fault are read', () => {
  const bytes = concat([writeAll([RECORD, RECORD], { format: 'pcap' }), bytesOf('0102')]);
  const reader = new CaptureReader();
  reader.push(bytes);
  reader.end();
  assert.equal(reader.next(), true);
  assert.equal(reader.next(), true);
  assert.throws(() => reader.next(), { code: 'capture-truncated', offset: 24 + 2 * 58 });
});

const arbitraryRecord: fc.Arbitrary<PlainRecord> = fc.record(
  {
    frame: fc.uint8Array({ maxLength: 200 }),
    seconds: fc.integer({ min: 0, max: 0xffff_ffff }),
    nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
    originalLength: fc.integer({ min: 0, max: 0xffff_ffff }),
    interfaceIndex: fc.constant(0),
  },
  { noNullPrototype: true },
);

test('what is written is read again, whatever the format, byte order and chunks', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryRecord, { maxLength: 8 }),
      fc.constantFrom('pcap' as const, 'pcapng' as const),
      fc.boolean(),
      fc.integer({ min: 1, max: 300 }),
      (records, format, bigEndian, chunkLength) => {
        assert.deepEqual(readAll(writeAll(records, { format, bigEndian }), chunkLength), records);
      },
    ),
  );
});

test('microsecond captures lose what is below a microsecond and nothing else', () => {
  fc.assert(
    fc.property(arbitraryRecord, (record) => {
      const [read] = readAll(writeAll([record], { nanoseconds: false }));
      assert.deepEqual(read, { ...record, nanoseconds: Math.floor(record.nanoseconds / 1000) * 1000 });
    }),
  );
});

test('random and damaged input ends in records or a CaptureError, never otherwise', () => {
  const valid = fc
    .tuple(
      fc.array(arbitraryRecord, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('pcap' as const, 'pcapng' as const),
    )
    .map(([records, format]) => writeAll(records, { format }));
  const damaged = fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }), fc.nat())
    .map(([bytes, changes, cut]) => {
      const copy = bytes.slice(0, bytes.length - (cut % 20));
      for (const [at, value] of changes) copy[at % copy.length] = value;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 100 }), damaged), (bytes) => {
      try {
        for (const record of readAll(bytes, 33)) assert.ok(record.frame.length <= bytes.length);
      } catch (error) {
        assert.ok(error instanceof CaptureError, String(error));
        assert.ok(error.offset >= 0 && error.offset <= bytes.length, `offset ${error.offset}`);
      }
    }),
    { numRuns: 1000 },
  );
});
