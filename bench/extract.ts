/**
 * Key extraction, nanoseconds per packet: median of alternating rounds over 16,384 distinct packets that do not fit the
 * first level cache together. `--json` prints JSON.
 *
 * Twice: `mixed`, all kinds by turns in one process, so that code and branch predictors serve them all; and `alone`, each kind in a
 * process of its own, as on a port that carries one kind. The target for UDP/IPv4 is 15 ns; say with which of the two it is compared.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createFlow, extractFlow } from '../src/flow/index.ts';
import { Packet } from '../src/wire/index.ts';

const PACKETS = 16_384;
const ROUNDS = 15;
const PASSES = 40;
const SLOT = 128;

type Writer = (view: DataView, offset: number, random: () => number) => number;

/** xorshift32, seeded, so that every run sees the same packets */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function writeEthernet(view: DataView, offset: number, type: number, random: () => number): number {
  view.setUint32(offset, random());
  view.setUint32(offset + 4, random());
  view.setUint32(offset + 8, random());
  view.setUint16(offset + 12, type);
  return offset + 14;
}

function writeIpv4(view: DataView, offset: number, protocol: number, random: () => number): number {
  view.setUint32(offset, 0x4500002e);
  view.setUint32(offset + 8, 0x40000000 | (protocol << 16));
  view.setUint32(offset + 12, random());
  view.setUint32(offset + 16, random());
  view.setUint32(offset + 20, random());
  view.setUint16(offset + 32, protocol === 6 ? 0x5010 : 0);
  return offset + 46;
}

function writeIpv6(view: DataView, offset: number, protocol: number, random: () => number): number {
  view.setUint32(offset, 0x60000000);
  view.setUint32(offset + 4, (20 << 16) | (protocol << 8) | 64);
  for (let word = 8; word < 40; word += 4) {
    view.setUint32(offset + word, random());
  }
  view.setUint32(offset + 40, random());
  view.setUint16(offset + 52, protocol === 6 ? 0x5010 : 0);
  return offset + 60;
}

const KINDS: readonly (readonly [string, Writer])[] = [
  ['UDP/IPv4', (view, offset, random) => writeIpv4(view, writeEthernet(view, offset, 0x0800, random), 17, random)],
  ['TCP/IPv4', (view, offset, random) => writeIpv4(view, writeEthernet(view, offset, 0x0800, random), 6, random)],
  [
    'VLAN, UDP/IPv4',
    (view, offset, random) => {
      const tag = writeEthernet(view, offset, 0x8100, random);
      view.setUint32(tag, ((random() & 0xfff) << 16) | 0x0800);
      return writeIpv4(view, tag + 4, 17, random);
    },
  ],
  [
    'UDP or TCP/IPv4, at random',
    (view, offset, random) =>
      writeIpv4(view, writeEthernet(view, offset, 0x0800, random), random() & 64 ? 6 : 17, random),
  ],
  ['UDP/IPv6', (view, offset, random) => writeIpv6(view, writeEthernet(view, offset, 0x86dd, random), 17, random)],
  [
    'IPv4 or IPv6, at random',
    (view, offset, random) =>
      random() & 64
        ? writeIpv4(view, writeEthernet(view, offset, 0x0800, random), 17, random)
        : writeIpv6(view, writeEthernet(view, offset, 0x86dd, random), 17, random),
  ],
];

interface Load {
  readonly name: string;
  readonly packet: Packet;
  readonly lengths: Int32Array;
  readonly rounds: number[];
}

function createLoad(name: string, write: Writer): Load {
  const random = createRandom(0x5eed);
  const packet = new Packet(new Uint8Array(PACKETS * SLOT), 0, 0);
  const lengths = new Int32Array(PACKETS);
  for (let index = 0; index < PACKETS; index++) {
    lengths[index] = write(packet.view, index * SLOT, random) - index * SLOT;
  }
  return { name, packet, lengths, rounds: [] };
}

const key = createFlow();
/** keeps the work from being optimised away */
let checksum = 0;

function run(load: Load): number {
  const { packet, lengths } = load;
  let sum = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    for (let index = 0; index < PACKETS; index++) {
      packet.start = index * SLOT;
      packet.length = lengths[index]!;
      sum = (sum + extractFlow(packet, key) + key[11]!) | 0;
    }
  }
  return sum;
}

interface Figures {
  /** ns per packet */
  readonly median: number;
  readonly best: number;
}

function measure(kinds: typeof KINDS): Figures[] {
  const loads = kinds.map(([name, write]) => createLoad(name, write));
  for (let round = -3; round < ROUNDS; round++) {
    for (const load of loads) {
      const before = process.cpuUsage();
      checksum = (checksum + run(load)) | 0;
      const used = process.cpuUsage(before);
      if (round >= 0) {
        load.rounds.push(((used.user + used.system) * 1000) / (PASSES * PACKETS));
      }
    }
  }
  return loads.map(({ rounds }) => {
    rounds.sort((a, b) => a - b);
    return { median: Number(rounds[rounds.length >> 1]!.toFixed(2)), best: Number(rounds[0]!.toFixed(2)) };
  });
}

function measureAlone(kind: number): Figures {
  const self = fileURLToPath(import.meta.url);
  const child = spawnSync(process.execPath, [...process.execArgv, self, `--kind=${kind}`], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(child.stdout) as Figures;
}

const only = process.argv.find((argument) => argument.startsWith('--kind='))?.slice(7);
if (only !== undefined) {
  console.log(JSON.stringify(measure([KINDS[Number(only)]!])[0]));
} else {
  const mixed = measure(KINDS);
  const results = KINDS.map(([name], kind) => {
    const alone = measureAlone(kind);
    return {
      name,
      mixed: mixed[kind]!.median,
      mixedBest: mixed[kind]!.best,
      alone: alone.median,
      aloneBest: alone.best,
    };
  });
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ benchmark: 'extract', packets: PACKETS, checksum, results }));
  } else {
    console.table(results);
  }
}
