/**
 * The flow table: lookups by tree and by mask list over the number of masks, under the attack of tuple space explosion,
 * and what inserts and removals cost. Figures are nanoseconds of CPU time, medians over rounds in which the candidates
 * take turns. Each lookup includes the copy of the packet's 22 hot words into the one key that the datapath would have extracted
 * ("copy" shows what that costs alone); packets come in random order.
 *
 * Usage: node --import ./test/support/typescript.mjs bench/flow-table.ts [--json] [--rounds=9]
 */
import { createFlowTable, type FlowTable } from '../src/datapath/index.ts';
import {
  createFlow,
  type FlowWords,
  W_IN_PORT,
  W_NW_DST,
  W_NW_SRC,
  W_RECIRC_ID,
  W_TP,
  W_TYPE_PROTO_FRAG,
} from '../src/flow/index.ts';
import {
  attackPacket,
  decide,
  decideAttack,
  type Megaflow,
  Random,
  randomPacket,
} from '../test/unit/datapath/megaflow-sets.ts';

const HOT_WORDS = 22;
const LOOKUPS = 40_000;
const ACTIONS = Int32Array.of((1 << 16) | 2, 3);
const rounds = Number(process.argv.find((argument) => argument.startsWith('--rounds='))?.slice(9) ?? 9);

/** Packets as the hot words of their keys, one after the other, with a packet hash each. */
interface Trace {
  words: Int32Array;
  hashes: Int32Array;
  count: number;
}

function traceOf(packets: readonly FlowWords[]): Trace {
  const words = new Int32Array(packets.length * HOT_WORDS);
  const hashes = new Int32Array(packets.length);
  packets.forEach((packet, index) => {
    words.set(packet.subarray(0, HOT_WORDS), index * HOT_WORDS);
    hashes[index] = Math.imul(index + 1, 0x9e3779b1);
  });
  return { words, hashes, count: packets.length };
}

const key: FlowWords = createFlow();

function copyOnly(trace: Trace, lookups: number): number {
  const { words, count } = trace;
  let at = 0;
  let sum = 0;
  for (let index = 0; index < lookups; index++) {
    const base = at * HOT_WORDS;
    for (let word = 0; word < HOT_WORDS; word++) {
      key[word] = words[base + word]!;
    }
    sum = (sum + key[at % HOT_WORDS]!) | 0;
    at = at + 1 === count ? 0 : at + 1;
  }
  return sum;
}

function lookups(table: FlowTable, trace: Trace, lookups: number): number {
  const { words, hashes, count } = trace;
  let at = 0;
  let hits = 0;
  for (let index = 0; index < lookups; index++) {
    const base = at * HOT_WORDS;
    for (let word = 0; word < HOT_WORDS; word++) {
      key[word] = words[base + word]!;
    }
    if (table.lookup(key, hashes[at]!) !== 0) {
      hits++;
    }
    at = at + 1 === count ? 0 : at + 1;
  }
  return hits;
}

function cpuNanoseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const used = process.cpuUsage(before);
  return (used.user + used.system) * 1000;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

/** Medians of alternating rounds, in nanoseconds per lookup. */
function compare(
  candidates: Record<string, { run: (count: number) => number; count?: number }>,
): Record<string, number> {
  const times: Record<string, number[]> = {};
  for (let round = -1; round < rounds; round++) {
    for (const [name, { run, count = LOOKUPS }] of Object.entries(candidates)) {
      const time = cpuNanoseconds(() => run(count)) / count;
      if (round >= 0) {
        times[name] ??= [];
        times[name].push(time);
      }
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, Math.round(median(list) * 10) / 10]));
}

function shuffle<T>(list: T[], random: Random): T[] {
  for (let index = list.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [list[index], list[other]] = [list[other]!, list[index]!];
  }
  return list;
}

/** A megaflow and a packet of it: the port decides which prefixes of the addresses are looked at, 25 x 25 combinations. */
function flowOfClass(random: Random, classes: number, port: number): { megaflow: Megaflow; packet: FlowWords } {
  const kind = random.below(classes);
  const packet = createFlow();
  packet[W_IN_PORT] = port;
  packet[2] = random.next();
  packet[3] = random.next();
  packet[4] = random.next();
  packet[W_TYPE_PROTO_FRAG] = (0x0800 << 16) | (6 << 8);
  packet[W_NW_SRC] = random.next();
  packet[W_NW_DST] = random.next();
  packet[W_TP] = (random.below(65536) << 16) | kind;
  const mask = createFlow();
  mask[W_RECIRC_ID] = -1;
  mask[W_IN_PORT] = -1;
  mask[3] = 0xffff;
  mask[4] = -1;
  mask[W_TYPE_PROTO_FRAG] = -1;
  mask[W_NW_SRC] = -1 << (kind % 25);
  mask[W_NW_DST] = -1 << (Math.trunc(kind / 25) % 25);
  mask[W_TP] = 0xffff;
  return { megaflow: { key: packet, mask }, packet };
}

function insertAll(table: FlowTable, megaflows: readonly Megaflow[]): void {
  megaflows.forEach((megaflow, index) => {
    table.insert(megaflow.key, megaflow.mask, ACTIONS, ACTIONS.length, [index, 1, 2, 3], 0);
    table.quiesce();
  });
  table.reclaim();
}

function tablesOf(megaflows: readonly Megaflow[]): { tree: FlowTable; masks: FlowTable; cached: FlowTable } {
  const tree = createFlowTable({ seed: 0x5eed, maxFlows: 200_000, lookup: 'tree' });
  const masks = createFlowTable({ seed: 0x5eed, maxFlows: 200_000, lookup: 'masks', maskCacheSize: 0 });
  const cached = createFlowTable({ seed: 0x5eed, maxFlows: 200_000, lookup: 'masks' });
  for (const table of [tree, masks, cached]) {
    insertAll(table, megaflows);
  }
  return { tree, masks, cached };
}

function overMasks(flows: number, classes: number): Record<string, number> {
  const random = new Random(classes);
  const made = Array.from({ length: flows }, () => flowOfClass(random, classes, random.below(8)));
  const { tree, masks, cached } = tablesOf(made.map(({ megaflow }) => megaflow));
  const hits = traceOf(shuffle(made, random).map(({ packet }) => packet));
  const misses = traceOf(made.map(() => flowOfClass(random, classes, 9).packet));
  const slow = Math.max(2000, Math.min(LOOKUPS, Math.round(1_000_000 / classes)));
  const figures = compare({
    copy: { run: (count) => copyOnly(hits, count) },
    tree: { run: (count) => lookups(tree, hits, count) },
    'tree miss': { run: (count) => lookups(tree, misses, count) },
    list: { run: (count) => lookups(masks, hits, count), count: slow },
    'list miss': { run: (count) => lookups(masks, misses, count), count: slow },
    'list with cache': { run: (count) => lookups(cached, hits, count), count: slow },
  });
  return { flows: tree.flowCount, masks: tree.maskCount, ...figures, 'words/flow': wordsPerFlow(tree) };
}

function wordsPerFlow(table: FlowTable): number {
  return Math.round(table.usedWords / table.flowCount);
}

/** Megaflows of one decision process, or of several: what a change of the pipeline leaves until all flows are revalidated. */
function processes(flows: number, seeds: readonly number[]): Record<string, number> {
  const random = new Random(5);
  const made = new Map<string, { megaflow: Megaflow; packet: FlowWords }>();
  while (made.size < flows) {
    const packet = randomPacket(random, 30);
    // the trace holds the hot words only
    packet.fill(0, HOT_WORDS);
    const megaflow = decide(packet, seeds[made.size % seeds.length]!);
    made.set(`${megaflow.key.join()}/${megaflow.mask.join()}`, { megaflow, packet });
  }
  const list = shuffle([...made.values()], random);
  const { tree, masks } = tablesOf(list.map(({ megaflow }) => megaflow));
  const hits = traceOf(shuffle(list, random).map(({ packet }) => packet));
  const figures = compare({
    tree: { run: (count) => lookups(tree, hits, count) },
    list: { run: (count) => lookups(masks, hits, count), count: 2000 },
  });
  return {
    processes: seeds.length,
    flows: tree.flowCount,
    masks: tree.maskCount,
    ...figures,
    'words/flow': wordsPerFlow(tree),
  };
}

function attack(): Record<string, number> {
  const random = new Random(6);
  const bits = shuffle(
    Array.from({ length: 8192 }, (_, index) => index),
    random,
  );
  const attackAt = (index: number) => attackPacket(random, index & 15, (index >> 4) & 15, index >> 8);
  const benign = Array.from({ length: 10_000 }, () => flowOfClass(random, 8, random.below(4)));
  const megaflows = shuffle(
    [...bits.map((index) => decideAttack(attackAt(index))), ...benign.map(({ megaflow }) => megaflow)],
    random,
  );
  const { tree, masks } = tablesOf(megaflows);
  const attackers = traceOf(Array.from({ length: 65_536 }, () => attackAt(random.below(8192))));
  const others = traceOf(shuffle(benign, random).map(({ packet }) => packet));
  const missing = traceOf(
    Array.from({ length: 20_000 }, () => {
      const packet = attackAt(random.below(8192));
      packet[W_TYPE_PROTO_FRAG] = (0x0800 << 16) | (17 << 8);
      return packet;
    }),
  );
  const allowed = traceOf(
    Array.from({ length: 20_000 }, () => {
      const packet = attackAt(random.below(8192));
      packet[W_NW_SRC] = 0x0a000001;
      return packet;
    }),
  );
  const figures = compare({
    attack: { run: (count) => lookups(tree, attackers, count) },
    others: { run: (count) => lookups(tree, others, count) },
    'miss, other proto': { run: (count) => lookups(tree, missing, count) },
    'miss, allowed': { run: (count) => lookups(tree, allowed, count) },
    'attack, list': { run: (count) => lookups(masks, attackers, count), count: 500 },
  });
  tree.rehash();
  tree.quiesce();
  tree.reclaim();
  const rebuilt = compare({
    'attack, rebuilt': { run: (count) => lookups(tree, attackers, count) },
    'others, rebuilt': { run: (count) => lookups(tree, others, count) },
  });
  return { flows: tree.flowCount, masks: tree.maskCount, ...figures, ...rebuilt, 'words/flow': wordsPerFlow(tree) };
}

/** Microseconds per change, and the longest one. */
function changes(
  name: string,
  megaflows: readonly Megaflow[],
  lookup: 'tree' | 'masks',
): Record<string, number | string> {
  const table = createFlowTable({ seed: 1, maxFlows: 200_000, lookup });
  const medians: Record<string, number[]> = { insert: [], remove: [] };
  let longest = 0;
  for (let round = 0; round < 5; round++) {
    const refs: number[] = [];
    medians.insert!.push(
      cpuNanoseconds(() => {
        megaflows.forEach((megaflow, index) => {
          const start = process.hrtime.bigint();
          refs.push(table.insert(megaflow.key, megaflow.mask, ACTIONS, 2, [index, 1, 2, 3], 0));
          longest = Math.max(longest, Number(process.hrtime.bigint() - start));
          table.quiesce();
        });
      }),
    );
    medians.remove!.push(
      cpuNanoseconds(() => {
        for (const ref of refs) {
          table.remove(ref);
          table.quiesce();
        }
      }),
    );
    table.reclaim();
  }
  const microseconds = (list: number[]) => Math.round(median(list) / megaflows.length / 10) / 100;
  return {
    set: name,
    lookup,
    'insert µs': microseconds(medians.insert!),
    'remove µs': microseconds(medians.remove!),
    'longest insert ms': Math.round(longest / 10_000) / 100,
  };
}

function creditTime(): number {
  const table = createFlowTable({ seed: 1, maxFlows: 20_000 });
  const random = new Random(2);
  const refs: number[] = [];
  for (let index = 0; index < 10_000; index++) {
    const { megaflow } = flowOfClass(random, 8, 1);
    refs.push(table.insert(megaflow.key, megaflow.mask, ACTIONS, 2, null, 0));
  }
  const order = Int32Array.from(shuffle(refs, random));
  return compare({
    credit: {
      run: (count) => {
        for (let index = 0; index < count; index++) {
          table.credit(order[index % 10_000]!, 1, 64, 0, 1_700_000_000_000);
        }
        return 0;
      },
    },
  }).credit!;
}

/** Bytes that the heap grew by per lookup, over a million lookups. */
function allocation(): number {
  const random = new Random(9);
  const made = Array.from({ length: 1000 }, () => flowOfClass(random, 8, 1));
  const { tree, masks } = tablesOf(made.map(({ megaflow }) => megaflow));
  const trace = traceOf(made.map(({ packet }) => packet));
  lookups(tree, trace, 200_000);
  lookups(masks, trace, 200_000);
  const before = process.memoryUsage().heapUsed;
  lookups(tree, trace, 500_000);
  lookups(masks, trace, 500_000);
  return Math.max(0, process.memoryUsage().heapUsed - before) / 1_000_000;
}

const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice(7);
const results: Record<string, unknown> = {};
function section(name: string, work: () => unknown): void {
  if (only === undefined || only === name) {
    results[name] = work();
    if (!process.argv.includes('--json')) {
      console.log(`\n${name}`);
      console.table(results[name]);
    }
  }
}

section('masks', () => [1, 2, 8, 32, 128, 512].map((classes) => overMasks(10_000, classes)));
section('processes', () => [processes(10_000, [17]), processes(10_000, [17, 18])]);
section('attack', () => attack());
section('changes', () => {
  const random = new Random(1);
  const ordinary = Array.from({ length: 10_000 }, () => flowOfClass(random, 32, random.below(8)).megaflow);
  const attackers = Array.from({ length: 8192 }, (_, index) =>
    decideAttack(attackPacket(random, index & 15, (index >> 4) & 15, index >> 8)),
  );
  return [
    changes('32 masks', ordinary, 'tree'),
    changes('32 masks', ordinary, 'masks'),
    changes('attack', shuffle(attackers, random), 'tree'),
  ];
});
section('credit', () => ({ 'ns per credit': creditTime() }));
section('allocation', () => ({ 'bytes per lookup': allocation() }));
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(results, null, 2));
}
