/**
 * How fast checksums and software segmentation are: what a port without offloads pays.
 *
 * Each is timed in alternating rounds with a plain version of itself (16 bits a step, a byte a step, a fresh array per
 * segment), and medians are reported.
 *
 *     node --import ./test/support/typescript.mjs bench/wire.ts [--json]
 */
import {
  composePacket,
  computeChecksum,
  computeCrc32c,
  Packet,
  segmentCount,
  updateChecksum32,
  writeSegment,
} from '../src/wire/index.ts';

const ROUNDS = 15;
const ROUND_NS = 8_000_000;

interface Case {
  readonly name: string;
  readonly bytes: number;
  run(times: number): number;
}

const view = new DataView(new ArrayBuffer(65536));
let seed = 20_261_120;
for (let at = 0; at < view.byteLength; at++) {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0;
  view.setUint8(at, seed >>> 24);
}

function plainChecksum(length: number): number {
  let sum = 0;
  for (let at = 0; at < length; at += 2) {
    sum += view.getUint16(at);
  }
  while (sum > 0xffff) {
    sum = (sum >>> 16) + (sum & 0xffff);
  }
  return ~sum & 0xffff;
}

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) {
    crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
  }
  return crc;
});

function plainCrc32c(length: number): number {
  let crc = -1;
  for (let at = 0; at < length; at++) {
    crc = (crc >>> 8) ^ table[(crc ^ view.getUint8(at)) & 255]!;
  }
  return ~crc >>> 0;
}

const checksums = [20, 64, 1500, 65_000].flatMap((bytes): Case[] => [
  { name: 'checksum', bytes, run: (times) => repeat(times, () => computeChecksum(view, 14, bytes)) },
  { name: 'checksum, 16 bits a step', bytes, run: (times) => repeat(times, () => plainChecksum(bytes)) },
]);
const crcs = [64, 1500].flatMap((bytes): Case[] => [
  { name: 'CRC32c', bytes, run: (times) => repeat(times, () => computeCrc32c(view, 14, bytes)) },
  { name: 'CRC32c, a byte a step', bytes, run: (times) => repeat(times, () => plainCrc32c(bytes)) },
]);
let checksum = 0x1234;
const update: Case = {
  name: 'checksum update of 32 bits',
  bytes: 4,
  run(times) {
    for (let index = 0; index < times; index++) {
      checksum = updateChecksum32(checksum, index, index + 77);
    }
    return checksum;
  },
};

const offloaded = composePacket({ ipv4: {}, tcp: {}, payload: new Uint8Array(64_000) });
offloaded.gsoType = 1;
offloaded.gsoSize = 1448;
const segment = Packet.allocate(2048);
const count = segmentCount(offloaded);
const segmentation: Case = {
  name: 'one TCP segment of a 64 kB frame',
  bytes: 1502,
  run: (times) =>
    repeat(times, (index) => {
      writeSegment(offloaded, index % count, segment);
      return segment.length;
    }),
};

function repeat(times: number, body: (index: number) => number): number {
  let sink = 0;
  for (let index = 0; index < times; index++) {
    sink ^= body(index);
  }
  return sink;
}

function elapsedNs(run: () => number): number {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

const cases = [...checksums, ...crcs, update, segmentation];
const times = cases.map(({ run }) => {
  run(2000);
  return Math.max(1, Math.round(ROUND_NS / (elapsedNs(() => run(2000)) / 2000)));
});
const samples: number[][] = cases.map(() => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [index, { run }] of cases.entries()) {
    samples[index]!.push(elapsedNs(() => run(times[index]!)) / times[index]!);
  }
}
const results = cases.map(({ name, bytes }, index) => {
  const ns = median(samples[index]!);
  return { name, bytes, ns: Number(ns.toFixed(1)), gigabytesPerSecond: Number((bytes / ns).toFixed(2)) };
});
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ benchmark: 'wire', results }));
} else {
  console.table(results);
}
