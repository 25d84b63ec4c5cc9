/**
 * Parse, lookup, statistics and actions of the userspace datapath, in packets per second on one core.
 *
 * `--json` prints JSON; `--rounds N` sets the rounds (default 9), `--packets N` the packets of a round. Ports drop what they are given.
 * Each scenario runs in a process of its own, as a switch does: several datapaths in one process make code less special.
 * The line "allocated" is the heap growth per packet over a run without garbage collection in between.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  createFlowTable,
  type DatapathAction,
  type DatapathPort,
  encodeActions,
  OVS_KEY_ATTR_ETHERNET,
  OVS_KEY_ATTR_IPV4,
  UserspaceDatapath,
} from '../src/datapath/index.ts';
import {
  createFlow,
  extractFlow,
  W_ETH_DST,
  W_ETH_DST_SRC,
  W_ETH_SRC,
  W_IN_PORT,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_TYPE,
  W_RECIRC_ID,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
} from '../src/flow/index.ts';
import { Packet } from '../src/wire/index.ts';

const MICROFLOWS = 10_000;
/** Frames of the trace, each of a random microflow; read in order, as receive rings are. */
const TRACE = 16_384;
const BATCH = 32;
const FRAME_LENGTH = 60;
const HEADROOM = 64;
const SLOT = 128;
const ETH_DST = 0x02000000;
const ETH_DST_SRC = 0x00020200;
const ETH_SRC = 1;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    packets: { type: 'string', default: '3200000' },
    scenario: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const packetsPerRound = Number(values.packets);

interface Scenario {
  readonly name: string;
  readonly actions: readonly DatapathAction[];
  /** how much of the addresses and ports the five masks look at */
  readonly masks: number;
}

const SCENARIOS: readonly Scenario[] = [
  { name: '1 mask, output', actions: [{ type: 'output', port: 2 }], masks: 1 },
  { name: '5 masks, output', actions: [{ type: 'output', port: 2 }], masks: 5 },
  {
    name: '4 masks, route (eth, ttl), output',
    actions: [
      {
        type: 'set_masked',
        attribute: OVS_KEY_ATTR_ETHERNET,
        words: [
          { word: W_ETH_DST, value: 0x02000000, mask: -1 },
          { word: W_ETH_DST_SRC, value: 0x00010200, mask: -1 },
          { word: W_ETH_SRC, value: 7, mask: -1 },
        ],
      },
      {
        type: 'set_masked',
        attribute: OVS_KEY_ATTR_IPV4,
        words: [{ word: W_TOS_TTL_FLAGS, value: 63 << 16, mask: 0xff0000 }],
      },
      { type: 'output', port: 2 },
    ],
    masks: 4,
  },
  {
    name: '5 masks, push_vlan, output',
    actions: [
      { type: 'push_vlan', tpid: 0x8100, tci: 0x100a },
      { type: 'output', port: 2 },
    ],
    masks: 5,
  },
];

let randomState = 12345;
function random(): number {
  randomState ^= randomState << 13;
  randomState ^= randomState >>> 17;
  randomState ^= randomState << 5;
  return randomState >>> 0;
}

function writeEthernet(view: DataView, at: number): void {
  view.setInt32(at, ETH_DST);
  view.setInt32(at + 4, ETH_DST_SRC);
  view.setInt32(at + 8, ETH_SRC);
  view.setUint16(at + 12, 0x0800);
}

/** A UDP packet; `flow` gives addresses and ports, the low three bits of the source network say which mask covers it. */
function writeFrame(view: DataView, at: number, flow: number, masks: number): void {
  writeEthernet(view, at);
  view.setInt32(at + 14, 0x45000000 | (FRAME_LENGTH - 14));
  view.setInt32(at + 18, 0);
  view.setInt32(at + 22, 0x40110000);
  view.setInt32(at + 26, (10 << 24) | ((flow % masks) << 16) | (flow & 0xff));
  view.setInt32(at + 30, (11 << 24) | flow);
  view.setUint16(at + 34, 1024 + (flow % 60000));
  view.setUint16(at + 36, 53);
  view.setInt32(at + 38, (FRAME_LENGTH - 34) << 16);
}

/** All masks look at what a translation always does, and at the network that keeps them apart; each at more addresses than the one before. */
function maskFor(index: number): Int32Array {
  const mask = createFlow();
  mask[W_RECIRC_ID] = -1;
  mask[W_IN_PORT] = -1;
  mask[W_PACKET_TYPE] = -1;
  mask[W_TYPE_PROTO_FRAG] = 0xffffff03 | 0;
  mask[W_NW_SRC] = 0xffff0000 | 0;
  mask[W_NW_DST] = -1;
  if (index >= 1) {
    mask[W_NW_SRC] = -1;
  }
  if (index >= 2) {
    mask[W_TP] = 0xffff0000 | 0;
  }
  if (index >= 3) {
    mask[W_TP] = -1;
  }
  if (index >= 4) {
    mask[W_ETH_DST] = -1;
    mask[W_ETH_DST_SRC] = -1;
    mask[W_ETH_SRC] = -1;
  }
  return mask;
}

class SinkPort implements DatapathPort {
  receive(): number {
    return 0;
  }
  send(_batch: Packet[], count: number): number {
    return count;
  }
}

interface Bench {
  readonly run: (packets: number) => void;
  readonly datapath: UserspaceDatapath;
}

/** A datapath with all flows installed and a trace of packets in a random order, as receive memory would hold them. */
function prepare(scenario: Scenario): Bench {
  const flows = createFlowTable({ seed: 99, maxFlows: 2 * MICROFLOWS });
  const datapath = new UserspaceDatapath({ flows, seed: 1 });
  datapath.addPort(1, new SinkPort());
  datapath.addPort(2, new SinkPort());
  const code = encodeActions(scenario.actions);
  const key = createFlow();
  const packet = Packet.allocate(SLOT, HEADROOM);
  packet.length = FRAME_LENGTH;
  for (let flow = 0; flow < MICROFLOWS; flow++) {
    writeFrame(packet.view, packet.start, flow, scenario.masks);
    key[W_IN_PORT] = 1;
    extractFlow(packet, key);
    flows.insert(key, maskFor(flow % scenario.masks), code, code.length, null, 1);
  }
  const frames = new Uint8Array(TRACE * SLOT);
  const view = new DataView(frames.buffer);
  for (let index = 0; index < TRACE; index++) {
    writeFrame(view, index * SLOT + HEADROOM, random() % MICROFLOWS, scenario.masks);
  }
  const pushes = scenario.actions[0]!.type === 'push_vlan';
  const batch = Array.from({ length: BATCH }, () => new Packet(frames, 0, 0));
  let position = 0;
  return {
    datapath,
    run: (packets) => {
      for (let done = 0; done < packets; done += BATCH) {
        for (let index = 0; index < BATCH; index++) {
          batch[index]!.aim(position * SLOT + HEADROOM, FRAME_LENGTH);
          position = position + 1 === TRACE ? 0 : position + 1;
        }
        datapath.processBatch(1, batch, BATCH, done + 1);
        if (pushes) {
          // The push moved the addresses into the headroom.
          for (let index = 0; index < BATCH; index++) {
            writeEthernet(view, batch[index]!.start + 4);
          }
        }
      }
    },
  };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

interface Result {
  readonly name: string;
  readonly nanoseconds: number;
  readonly millionsPerSecond: number;
  readonly allocatedBytesPerPacket: number;
  readonly misses: number;
}

/** Heap growth per packet; the young generation is larger than this by far, so that nothing is collected meanwhile. */
function allocatedPerPacket(bench: Bench): number {
  const packets = 320_000;
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  bench.run(packets);
  return (process.memoryUsage().heapUsed - before) / packets;
}

function measure(scenario: Scenario): Result {
  const bench = prepare(scenario);
  bench.run(packetsPerRound / 4);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    bench.run(packetsPerRound);
    const used = process.cpuUsage(before);
    times.push(((used.user + used.system) * 1000) / packetsPerRound);
  }
  const nanoseconds = median(times);
  const { missUpcalls, lost } = bench.datapath.counters;
  return {
    name: scenario.name,
    nanoseconds,
    millionsPerSecond: 1000 / nanoseconds,
    allocatedBytesPerPacket: allocatedPerPacket(bench),
    misses: missUpcalls + lost,
  };
}

function measureInChild(index: number): Result {
  const child = spawnSync(
    process.execPath,
    [
      '--expose-gc',
      ...process.execArgv,
      fileURLToPath(import.meta.url),
      `--scenario=${index}`,
      `--rounds=${rounds}`,
      `--packets=${packetsPerRound}`,
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  return JSON.parse(child.stdout) as Result;
}

if (values.scenario !== undefined) {
  console.log(JSON.stringify(measure(SCENARIOS[Number(values.scenario)]!)));
} else {
  const results = SCENARIOS.map((_, index) => measureInChild(index));
  if (values.json) {
    console.log(JSON.stringify({ benchmark: 'datapath', microflows: MICROFLOWS, results }));
  } else {
    for (const { name, nanoseconds, millionsPerSecond, allocatedBytesPerPacket, misses } of results) {
      console.log(
        `${name.padEnd(36)} ${nanoseconds.toFixed(1).padStart(7)} ns/packet ${millionsPerSecond.toFixed(1).padStart(6)} Mpps` +
          `  allocated ${allocatedBytesPerPacket.toFixed(3)} B/packet  misses ${misses}`,
      );
    }
  }
}
