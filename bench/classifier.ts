/**
 * How fast the OpenFlow classifier looks up and changes, and what a rule costs in memory.
 *
 * Rules are random ACLs over a fixed number of masks with addresses drawn from few networks; packets mostly match one of them. How many
 * subtables a lookup visits before it may stop depends on the priorities, so there are two scenarios:
 *
 * - `random`: each rule has a random priority of 1000, whatever its mask. Every subtable then holds rules of nearly the highest priority and
 *   a lookup visits half of the subtables. The target is measured with this one: un-wildcarding, 10,000 rules in 100 subtables, at most 4 us.
 * - `by mask`: the more bits a mask has the higher its priority, give or take a tenth, as people and controllers write
 *   rules (exceptions above what they are exceptions from).
 *
 *     node --expose-gc --import ./test/support/typescript.mjs bench/classifier.ts [--json]
 */
import {
  createFlow,
  createMatch,
  type FlowWords,
  type Match,
  W_ETH_DST,
  W_IN_PORT,
  W_METADATA,
  W_NW_DST,
  W_NW_SRC,
  W_REG0,
  W_TP,
  W_TYPE_PROTO_FRAG,
} from '../src/flow/index.ts';
import { Classifier } from '../src/ofproto/classifier.ts';
import { type SparseMatch, sparseMatch } from '../src/ofproto/sparse-match.ts';

const ROUNDS = 7;
const LOOKUPS = 20_000;
const TCP = 0x0800_0600;
const USED_WORDS = [W_TYPE_PROTO_FRAG, W_NW_SRC, W_NW_DST, W_TP, W_IN_PORT, W_METADATA, W_ETH_DST, W_REG0];
const PRIORITIES = ['random', 'by mask'] as const;
const CASES = [
  { rules: 1_000, subtables: 30 },
  { rules: 10_000, subtables: 100 },
  { rules: 100_000, subtables: 300 },
];

interface BenchRule {
  readonly match: SparseMatch;
  readonly priority: number;
  readonly conjunctions: null;
}

interface Result {
  readonly priorities: string;
  readonly rules: number;
  readonly subtables: number;
  readonly lookupNs: number;
  readonly lookupWithWildcardsNs: number;
  readonly insertUs: number;
  readonly removeUs: number;
  readonly bytesPerRule: number;
  readonly hitPercent: number;
}

const gc = (globalThis as { gc?: () => void }).gc ?? (() => {});
let seed = 20_261_120;
runCase(CASES[0]!.rules, CASES[0]!.subtables, 'random'); // lets V8 compile
const results = PRIORITIES.flatMap((priorities) =>
  CASES.map(({ rules, subtables }) => runCase(rules, subtables, priorities)),
);
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ benchmark: 'classifier', results }));
} else {
  console.table(results);
}

function runCase(ruleCount: number, maskCount: number, priorities: (typeof PRIORITIES)[number]): Result {
  seed = 20_261_120;
  const masks = Array.from({ length: maskCount }, (_, index) => randomMask(index));
  const matches = Array.from({ length: ruleCount }, () => randomMatch(masks[randomBelow(maskCount)]!));
  const flows = packFlows(Array.from({ length: LOOKUPS }, () => randomFlow(matches[randomBelow(ruleCount)]!)));
  const wildcards = createFlow();

  collectGarbage();
  const heapBefore = process.memoryUsage();
  const classifier = new Classifier<BenchRule>();
  const rules: BenchRule[] = [];
  const insertStart = cpuNs();
  for (const match of matches) {
    const sparse = sparseMatch(match);
    const rule = {
      match: { mask: classifier.internMask(sparse.mask), values: sparse.values },
      priority: priorities === 'random' ? randomBelow(1000) : priorityOfMask(match.masks),
      conjunctions: null,
    };
    rules.push(rule);
    classifier.insert(rule);
  }
  const insertUs = (cpuNs() - insertStart) / 1000 / ruleCount;
  collectGarbage();
  const heapAfter = process.memoryUsage();
  const bytes = heapAfter.heapUsed + heapAfter.arrayBuffers - heapBefore.heapUsed - heapBefore.arrayBuffers;

  let hits = 0;
  const plain: number[] = [];
  const withWildcards: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(
      measure(flows, (flow) => {
        hits += classifier.lookup(flow) === null ? 0 : 1;
      }),
    );
    withWildcards.push(
      measure(flows, (flow) => {
        wildcards.fill(0);
        classifier.lookup(flow, wildcards);
      }),
    );
  }
  const present = classifier.rules();
  const removeStart = cpuNs();
  for (const rule of present) {
    classifier.remove(rule);
  }
  const removeUs = (cpuNs() - removeStart) / 1000 / present.length;
  return {
    priorities,
    // read here so that the matches are not collected while memory is measured
    rules: matches.length,
    subtables: maskCount,
    lookupNs: Math.round(median(plain)),
    lookupWithWildcardsNs: Math.round(median(withWildcards)),
    insertUs: Number(insertUs.toFixed(2)),
    removeUs: Number(removeUs.toFixed(2)),
    bytesPerRule: Math.round(bytes / ruleCount),
    hitPercent: Math.round((100 * hits) / (ROUNDS * LOOKUPS)),
  };
}

function collectGarbage(): void {
  gc();
  gc();
}

/** CPU time of the process, which other work on the machine disturbs less than the clock. */
function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return 1000 * (user + system);
}

/** The words that differ between flows, side by side: a flow to look up is in the cache, it came from a packet just now. */
function packFlows(flows: readonly FlowWords[]): Int32Array {
  const packed = new Int32Array(flows.length * USED_WORDS.length);
  for (const [index, flow] of flows.entries()) {
    packed.set(
      USED_WORDS.map((word) => flow[word]!),
      index * USED_WORDS.length,
    );
  }
  return packed;
}

/** ns per flow */
function measure(packed: Int32Array, work: (flow: FlowWords) => void): number {
  const flow = createFlow();
  const start = cpuNs();
  for (let index = 0; index < packed.length; index += USED_WORDS.length) {
    for (let word = 0; word < USED_WORDS.length; word++) {
      flow[USED_WORDS[word]!] = packed[index + word]!;
    }
    work(flow);
  }
  return (cpuNs() - start) / LOOKUPS;
}

function randomMask(index: number): FlowWords {
  const mask = createFlow();
  mask[W_TYPE_PROTO_FRAG] = 0xffff_ff00 | 0;
  mask[W_NW_SRC] = prefix([0, 8, 16, 24, 32][index % 5]!);
  mask[W_NW_DST] = prefix([0, 12, 16, 20, 24, 28, 32][Math.floor(index / 5) % 7]!);
  mask[W_TP] = [0, 0xffff, 0xffff_0000 | 0, -1, 0xff00][Math.floor(index / 35) % 5]!;
  if (randomBelow(2) === 0) {
    mask[W_IN_PORT] = -1;
  }
  if (randomBelow(3) === 0) {
    mask[W_METADATA] = -1;
  }
  if (randomBelow(5) === 0) {
    mask[W_ETH_DST] = -1;
  }
  if (index >= 175) {
    mask[W_REG0] = index & 0xff;
  }
  return mask;
}

function randomMatch(mask: FlowWords): Match {
  const match = createMatch();
  const { values } = match;
  match.masks.set(mask);
  values[W_TYPE_PROTO_FRAG] = TCP;
  values[W_NW_SRC] = randomAddress();
  values[W_NW_DST] = randomAddress();
  values[W_TP] = (randomPort() << 16) | randomPort();
  values[W_IN_PORT] = randomBelow(16);
  values[W_METADATA] = randomBelow(4);
  values[W_ETH_DST] = randomBelow(64);
  values[W_REG0] = randomBelow(4);
  for (let word = 0; word < mask.length; word++) {
    values[word] = values[word]! & mask[word]!;
  }
  return match;
}

/** Eight for each bit of the mask, and up to a tenth of the range more. */
function priorityOfMask(mask: FlowWords): number {
  let bits = 0;
  for (let word of mask) {
    for (; word !== 0; word &= word - 1) {
      bits++;
    }
  }
  return 8 * bits + randomBelow(100);
}

/** A packet that matches, with random bits where the mask has none. */
function randomFlow(match: Match): FlowWords {
  const flow = randomMatch(createFlow().fill(-1)).values;
  for (let word = 0; word < flow.length; word++) {
    flow[word] = (flow[word]! & ~match.masks[word]!) | match.values[word]!;
  }
  return flow;
}

function randomAddress(): number {
  return 0x0a00_0000 | (randomBelow(32) << 16) | (randomBelow(64) << 8) | randomBelow(256) | 0;
}

function randomPort(): number {
  return [80, 443, 22, 53, 8080][randomBelow(8)] ?? randomBelow(65_536);
}

function prefix(length: number): number {
  return length === 0 ? 0 : -1 << (32 - length);
}

/** mulberry32 */
function randomBelow(limit: number): number {
  seed = (seed + 0x6d2b_79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
