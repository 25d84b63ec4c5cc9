import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  attachFlowTable,
  createFlowStatsSum,
  createFlowTable,
  type FlowRef,
  type FlowStatsSum,
  type FlowTable,
  type FlowTableOptions,
  INSERT_EXISTS,
  INSERT_NO_SPACE,
  INSERT_TOO_MANY,
} from '../../../src/datapath/index.ts';
import { createFlow, type FlowWords, W_IN_PORT, W_NW_DST, W_NW_SRC, W_TP } from '../../../src/flow/index.ts';
import { attackPacket, decide, decideAttack, type Megaflow, matches, Random, randomPacket } from './megaflow-sets.ts';

/** action code */
const OUTPUT_TO_7 = Int32Array.of((1 << 16) | 2, 7);

const ACTIONS = Int32Array.of((1 << 16) | 2, 3);

const KINDS: readonly Partial<FlowTableOptions>[] = [
  { lookup: 'tree' },
  { lookup: 'masks', maskCacheSize: 0 },
  { lookup: 'masks', maskCacheSize: 16 },
  { lookup: 'masks', maskCacheSize: 256 },
];

function small(options: Partial<FlowTableOptions> = {}): FlowTable {
  return createFlowTable({ maxFlows: 4096, seed: 0x1234567, ...options });
}

function ufidOf(number: number): [number, number, number, number] {
  return [number, Math.imul(number, 0x9e3779b1), ~number, number << 7];
}

/** One flow of the model: what was inserted, and what has been credited. */
interface ModelFlow extends Megaflow {
  ref: FlowRef;
  name: number;
  hasUfid: boolean;
  actions: number[];
  stats: FlowStatsSum;
}

/** A table and the list of flows that it should hold. */
class Model {
  readonly table: FlowTable;
  flows: ModelFlow[] = [];
  private names = 0;

  constructor(table: FlowTable) {
    this.table = table;
  }

  scan(packet: FlowWords): ModelFlow | undefined {
    return this.flows.find((flow) => matches(flow, packet));
  }

  insert(megaflow: Megaflow): ModelFlow {
    const name = ++this.names;
    const hasUfid = name % 3 !== 0;
    const actions = Array.from({ length: name % 7 }, (_, index) => name * 100 + index);
    const code = Int32Array.from(actions);
    const ref = this.table.insert(megaflow.key, megaflow.mask, code, code.length, hasUfid ? ufidOf(name) : null, name);
    assert.ok(ref > 0, `insert failed: ${ref}`);
    const flow: ModelFlow = { ...megaflow, ref, name, hasUfid, actions, stats: createFlowStatsSum() };
    this.flows.push(flow);
    return flow;
  }

  remove(flow: ModelFlow): void {
    const sum = createFlowStatsSum();
    this.table.readStats(flow.ref, sum);
    assert.deepEqual(sum, flow.stats);
    assert.equal(this.table.remove(flow.ref), true);
    assert.equal(this.table.remove(flow.ref), false);
    this.flows = this.flows.filter((other) => other !== flow);
  }

  credit(flow: ModelFlow, packets: number, now: number): void {
    const tcpFlags = 1 << (packets % 6);
    this.table.credit(flow.ref, packets, packets * 100, tcpFlags, now);
    flow.stats.packets += packets;
    flow.stats.bytes += packets * 100;
    flow.stats.tcpFlags |= tcpFlags;
    flow.stats.used = now;
  }

  lookup(packet: FlowWords, hash: number): ModelFlow | undefined {
    const ref = this.table.lookup(packet, hash);
    const expected = this.scan(packet);
    assert.equal(ref, expected === undefined ? 0 : expected.ref);
    return expected;
  }

  /** Everything that can be read of the table, against the model. */
  check(): void {
    const { table } = this;
    assert.equal(table.flowCount, this.flows.length);
    const masks = new Map<string, number>();
    for (const flow of this.flows) {
      masks.set(flow.mask.join(), (masks.get(flow.mask.join()) ?? 0) + 1);
    }
    assert.equal(table.maskCount, masks.size);
    table.forEachMask((mask, flows) => assert.equal(flows, masks.get(mask.join())));
    const key = createFlow();
    const mask = createFlow();
    const ufid = new Int32Array(4);
    const sum = createFlowStatsSum();
    for (const flow of this.flows) {
      assert.equal(table.find(flow.key, flow.mask), flow.ref);
      table.readKey(flow.ref, key);
      table.readMask(flow.ref, mask);
      assert.deepEqual(key, flow.key);
      assert.deepEqual(mask, flow.mask);
      assert.equal(table.readUfid(flow.ref, ufid), flow.hasUfid);
      assert.deepEqual([...ufid], flow.hasUfid ? ufidOf(flow.name).map((word) => word | 0) : [0, 0, 0, 0]);
      assert.equal(table.findByUfid(ufidOf(flow.name)), flow.hasUfid ? flow.ref : 0);
      assert.equal(table.createdAt(flow.ref), flow.name);
      const offset = table.actionsOffset(flow.ref);
      assert.deepEqual([...table.words.subarray(offset, offset + table.actionsLength(flow.ref))], flow.actions);
      table.readStats(flow.ref, sum);
      assert.deepEqual(sum, flow.stats);
    }
    assert.deepEqual(dumpAll(table).sort(ascending), this.flows.map((flow) => flow.ref).sort(ascending));
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}

function dumpAll(table: FlowTable, batch = 50): FlowRef[] {
  const cursor = { slot: 0 };
  const all: FlowRef[] = [];
  const out: number[] = [];
  for (let count = table.dump(cursor, out, batch); count > 0; count = table.dump(cursor, out, batch)) {
    all.push(...out.slice(0, count));
  }
  return all;
}

/** Emptied and passed by its reader, the table holds no memory. */
function assertEmptied(table: FlowTable): void {
  table.flush();
  table.quiesce();
  table.reclaim();
  assert.equal(table.usedWords, 0);
  assert.equal(table.flowCount, 0);
  assert.equal(table.maskCount, 0);
}

type Step = {
  kind: 'packet' | 'attack' | 'remove' | 'replace' | 'rehash' | 'flush' | 'quiesce' | 'maintain';
  pick: number;
};

const steps: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 60, arbitrary: fc.constant('packet' as const) },
    { weight: 20, arbitrary: fc.constant('attack' as const) },
    { weight: 15, arbitrary: fc.constant('remove' as const) },
    { weight: 4, arbitrary: fc.constantFrom('replace' as const, 'quiesce' as const, 'maintain' as const) },
    { weight: 1, arbitrary: fc.constantFrom('rehash' as const, 'flush' as const) },
  ),
  pick: fc.nat(0x3fffffff),
});

function runStep(model: Model, step: Step, processSeed: number, time: number): void {
  const { table } = model;
  const random = new Random(step.pick);
  const victim = model.flows[step.pick % Math.max(1, model.flows.length)];
  if (step.kind === 'packet' || step.kind === 'attack') {
    const attack = step.kind === 'attack';
    const packet = attack
      ? attackPacket(random, random.below(16), random.below(16), random.below(32))
      : randomPacket(random);
    const hash = random.next();
    let flow = model.lookup(packet, hash);
    if (flow === undefined) {
      flow = model.insert(attack ? decideAttack(packet) : decide(packet, processSeed));
    }
    model.credit(flow, 1 + random.below(9), time);
    assert.equal(model.lookup(packet, hash), flow);
  } else if (step.kind === 'remove' && victim !== undefined) {
    model.remove(victim);
  } else if (step.kind === 'replace' && victim !== undefined) {
    victim.actions = [step.pick, step.pick + 1];
    assert.equal(table.replaceActions(victim.ref, Int32Array.from(victim.actions), 2), true);
  } else if (step.kind === 'rehash') {
    table.rehash();
  } else if (step.kind === 'flush') {
    table.flush();
    model.flows = [];
  } else if (step.kind === 'quiesce') {
    table.quiesce();
  } else if (step.kind === 'maintain') {
    table.maintain(time * 100_000);
  }
}

describe('flow table: laws', () => {
  for (const kind of KINDS) {
    test(`${kind.lookup}, cache ${kind.maskCacheSize ?? '-'}: agrees with a linear scan under any changes`, () => {
      fc.assert(
        fc.property(fc.array(steps, { maxLength: 120, size: 'max' }), fc.integer(), (list, processSeed) => {
          const model = new Model(small(kind));
          list.forEach((step, index) => {
            runStep(model, step, processSeed, index + 1);
          });
          model.check();
          assertEmptied(model.table);
        }),
        { numRuns: 40, seed: 7 },
      );
    });

    test(`${kind.lookup}, cache ${kind.maskCacheSize ?? '-'}: long run`, () => {
      const model = new Model(small(kind));
      const random = new Random(99);
      for (let round = 0; round < 6; round++) {
        // grows and shrinks by turns
        const removals = round % 2 === 0 ? 1 : 12;
        for (let index = 0; index < 500; index++) {
          const roll = random.below(20);
          const step = roll < removals ? 'remove' : roll < 14 ? 'packet' : 'attack';
          runStep(model, { kind: step, pick: random.next() >>> 2 }, 5, round * 1000 + index);
        }
        model.table.rehash();
        model.table.quiesce();
        model.table.maintain(round);
        model.check();
      }
      for (const flow of [...model.flows]) {
        model.remove(flow);
      }
      model.table.quiesce();
      model.table.reclaim();
      assert.equal(model.table.usedWords, 0);
    });
  }

  test('flows that overlap are found by tree and mask list alike, though not always the same ones', () => {
    const random = new Random(3);
    const tree = small({ lookup: 'tree' });
    const masks = small({ lookup: 'masks' });
    const flows = new Map<string, Megaflow>();
    const refs: [FlowRef, FlowRef][] = [];
    for (let index = 0; index < 2000; index++) {
      // each packet through a process of its own: nothing is common
      const packet = randomPacket(random, 3);
      if (index % 3 === 0 && refs.length > 0) {
        const at = random.below(refs.length);
        const name = [...flows.keys()][at]!;
        tree.remove(refs[at]![0]);
        masks.remove(refs[at]![1]);
        refs.splice(at, 1);
        flows.delete(name);
      }
      const flow = decide(packet, random.below(200));
      const name = `${flow.key.join()}/${flow.mask.join()}`;
      if (!flows.has(name)) {
        flows.set(name, flow);
        refs.push([
          tree.insert(flow.key, flow.mask, ACTIONS, 2, null, 0),
          masks.insert(flow.key, flow.mask, ACTIONS, 2, null, 0),
        ]);
        assert.ok(refs.at(-1)!.every((ref) => ref > 0));
      }
      const probe = randomPacket(random, 3);
      const any = [...flows.values()].some((other) => matches(other, probe));
      const byTree = tree.lookup(probe);
      const byMasks = masks.lookup(probe, random.next());
      assert.equal(byTree !== 0, any);
      assert.equal(byMasks !== 0, any);
      assert.ok(byTree === 0 || tree.matches(byTree, probe));
      tree.quiesce();
      masks.quiesce();
    }
    assertEmptied(tree);
    assertEmptied(masks);
  });

  test('the attack of 8,192 masks: every flow is found, none is found that does not match', () => {
    const table = createFlowTable({ maxFlows: 20_000, seed: 1 });
    const random = new Random(11);
    const packets: FlowWords[] = [];
    const refs: FlowRef[] = [];
    for (let index = 0; index < 8192; index++) {
      // an order that is neither sorted nor random: a full cycle
      const at = (index * 5167) & 8191;
      const packet = attackPacket(random, at & 15, (at >> 4) & 15, at >> 8);
      const flow = decideAttack(packet);
      const ref = table.insert(flow.key, flow.mask, ACTIONS, 2, null, 0);
      assert.ok(ref > 0);
      packets.push(packet);
      refs.push(ref);
    }
    assert.equal(table.maskCount, 8192);
    packets.forEach((packet, index) => {
      assert.equal(table.lookup(packet), refs[index]);
    });
    const allowed = attackPacket(random, 0, 0, 0);
    allowed[W_NW_SRC] = 0x0a000001;
    assert.equal(table.lookup(allowed), 0);
    refs.forEach((ref, index) => {
      if (index % 3 !== 0) {
        table.remove(ref);
      }
    });
    packets.forEach((packet, index) => {
      assert.equal(table.lookup(packet), index % 3 === 0 ? refs[index] : 0);
    });
    assertEmptied(table);
  });
});

function flowTo(address: number, port = 0): Megaflow {
  const key = createFlow();
  const mask = createFlow();
  key[W_NW_DST] = address;
  mask[W_NW_DST] = -1;
  key[W_IN_PORT] = port;
  mask[W_IN_PORT] = -1;
  return { key, mask };
}

function insertTo(table: FlowTable, address: number, ufid: [number, number, number, number] | null = null): FlowRef {
  const { key, mask } = flowTo(address);
  return table.insert(key, mask, ACTIONS, 2, ufid, 0);
}

describe('flow table: insert', () => {
  test('the key is masked', () => {
    const table = small();
    const { key, mask } = flowTo(5);
    key[W_TP] = 77;
    const flow = table.insert(key, mask, ACTIONS, 2, null, 0);
    const out = createFlow();
    table.readKey(flow, out);
    assert.equal(out[W_TP], 0);
    key[W_TP] = 78;
    assert.equal(table.lookup(key), flow);
    assert.equal(table.insert(key, mask, ACTIONS, 2, null, 0), INSERT_EXISTS);
  });

  test('a UFID can be used once', () => {
    const table = small();
    assert.ok(insertTo(table, 1, [1, 2, 3, 4]) > 0);
    assert.equal(insertTo(table, 2, [1, 2, 3, 4]), INSERT_EXISTS);
    assert.ok(insertTo(table, 2, [1, 2, 3, 5]) > 0);
    assert.equal(table.flowCount, 2);
  });

  test('a flow that matches everything', () => {
    for (const kind of KINDS) {
      const table = small(kind);
      const flow = table.insert(createFlow(), createFlow(), ACTIONS, 2, null, 0);
      assert.equal(table.lookup(randomPacket(new Random(1)), 5), flow);
      assertEmptied(table);
    }
  });

  test('no more than maxFlows, and removed flows hold their places until the readers have passed', () => {
    const table = small({ maxFlows: 3 });
    const flows = [insertTo(table, 1), insertTo(table, 2), insertTo(table, 3)];
    assert.equal(insertTo(table, 4), INSERT_TOO_MANY);
    table.remove(flows[1]!);
    assert.equal(insertTo(table, 4), INSERT_TOO_MANY);
    table.quiesce();
    assert.ok(insertTo(table, 4) > 0);
  });

  for (const lookup of ['tree', 'masks'] as const) {
    test(`${lookup}: a full arena refuses the flow whole and goes on working`, () => {
      const random = new Random(21);
      for (let heapBytes = 1024; heapBytes < 24_000; heapBytes += 488) {
        const table = small({ lookup, heapBytes });
        const model = new Model(table);
        let refused = 0;
        for (let index = 0; index < 400 && refused < 20; index++) {
          const packet = randomPacket(random);
          const flow = decide(packet, 4);
          if (model.scan(packet) === undefined) {
            const ref = table.insert(flow.key, flow.mask, ACTIONS, 2, ufidOf(index), 0);
            if (ref === INSERT_NO_SPACE) {
              refused++;
              assert.equal(table.findByUfid(ufidOf(index)), 0);
              assert.equal(table.lookup(packet), 0);
            } else {
              assert.ok(ref > 0);
              const stats = createFlowStatsSum();
              model.flows.push({ ...flow, ref, name: index, hasUfid: true, actions: [...ACTIONS], stats });
            }
          }
          if (index % 5 === 4 && model.flows.length > 0) {
            table.remove(model.flows.splice(random.below(model.flows.length), 1)[0]!.ref);
          }
          table.quiesce();
        }
        assert.equal(table.flowCount, model.flows.length);
        for (const flow of model.flows) {
          assert.equal(table.lookup(flow.key), flow.ref);
          assert.equal(table.findByUfid(ufidOf(flow.name)), flow.ref);
        }
        assertEmptied(table);
      }
    });
  }
});

describe('flow table: dump', () => {
  test('sees each flow that stays exactly once, under inserts, removals and rehashes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer(), (batch, seed) => {
        const random = new Random(seed);
        const table = small();
        const staying = new Set<FlowRef>();
        const passing: FlowRef[] = [];
        for (let address = 0; address < 200; address++) {
          const ref = insertTo(table, address);
          if (address % 2 === 0) {
            staying.add(ref);
          } else {
            passing.push(ref);
          }
        }
        const cursor = { slot: 0 };
        const out = new Int32Array(batch);
        const seen: FlowRef[] = [];
        let address = 1000;
        for (let count = table.dump(cursor, out, batch); count > 0; count = table.dump(cursor, out, batch)) {
          seen.push(...out.subarray(0, count));
          for (let change = random.below(6); change > 0 && passing.length > 0; change--) {
            table.remove(passing.splice(random.below(passing.length), 1)[0]!);
            table.quiesce();
            table.reclaim();
            if (random.below(3) === 0) {
              passing.push(insertTo(table, address++));
            }
          }
          if (random.below(4) === 0) {
            table.rehash();
          }
        }
        assert.deepEqual(seen.filter((ref) => staying.has(ref)).sort(ascending), [...staying].sort(ascending));
        assert.equal(table.dump(cursor, out, batch), 0);
      }),
      { numRuns: 30, seed: 1 },
    );
  });

  test('serialises key and mask once per flow, for all threads', () => {
    let calls = 0;
    const serialise = (key: FlowWords, mask: FlowWords) => {
      calls++;
      return Uint8Array.of(key[W_NW_DST]!, mask[W_NW_DST]! & 0xff, 9);
    };
    const table = small({ serialise, threads: 2 });
    const other = attachFlowTable(table.buffer, { thread: 1, serialise });
    const flow = insertTo(table, 5);
    assert.deepEqual([...table.serialised(flow)], [5, 255, 9]);
    assert.deepEqual([...other.serialised(flow)], [5, 255, 9]);
    assert.equal(calls, 1);
    other.leave();
    assertEmptied(table);
  });
});

describe('flow table: statistics', () => {
  test('threads have lines of their own, and are summed', () => {
    const first = small({ threads: 3 });
    const second = attachFlowTable(first.buffer, { thread: 1 });
    const flow = insertTo(first, 1);
    first.credit(flow, 1, 100, 2, 10);
    second.credit(flow, 2, 300, 16, 20);
    first.credit(flow, 1, 100, 0, 15);
    const sum = createFlowStatsSum();
    second.readStats(flow, sum);
    assert.deepEqual(sum, { packets: 4, bytes: 500, tcpFlags: 18, used: 20 });
    first.lookup(flowTo(1).key);
    second.lookup(flowTo(2).key);
    const lookups = { hit: 0, missed: 0, maskHits: 0, cacheHits: 0 };
    first.readLookupStatistics(lookups);
    assert.deepEqual([lookups.hit, lookups.missed], [1, 1]);
  });

  test('stay readable after removal until the reader is quiescent, and start at zero for the next flow', () => {
    const table = small();
    const flow = insertTo(table, 1);
    table.credit(flow, 5, 50, 0, 1);
    table.remove(flow);
    const sum = createFlowStatsSum();
    table.reclaim();
    table.readStats(flow, sum);
    assert.equal(sum.packets, 5);
    table.quiesce();
    table.reclaim();
    const next = insertTo(table, 1);
    table.readStats(next, sum);
    assert.deepEqual(sum, { packets: 0, bytes: 0, tcpFlags: 0, used: 0 });
  });

  test('a mask counts the packets of its flows, removed ones included', () => {
    const table = small();
    const flow = insertTo(table, 1);
    insertTo(table, 2);
    table.credit(flow, 5, 50, 0, 1);
    table.remove(flow);
    table.credit(table.lookup(flowTo(2).key), 3, 30, 0, 1);
    const seen: number[][] = [];
    table.forEachMask((_mask, flows, hits) => seen.push([flows, hits]));
    assert.deepEqual(seen, [[1, 8]]);
  });

  test('the mask cache finds the mask of a packet seen before', () => {
    const table = small({ lookup: 'masks' });
    const random = new Random(4);
    const packets: FlowWords[] = [];
    for (let index = 0; index < 60; index++) {
      const packet = attackPacket(random, index & 15, index >> 4, 3);
      const flow = decideAttack(packet);
      table.insert(flow.key, flow.mask, ACTIONS, 2, null, 0);
      packets.push(packet);
    }
    const before = { hit: 0, missed: 0, maskHits: 0, cacheHits: 0 };
    const after = { ...before };
    packets.forEach((packet, index) => {
      table.lookup(packet, Math.imul(index + 1, 0x9e3779b1));
    });
    table.readLookupStatistics(before);
    assert.deepEqual([before.hit, before.cacheHits], [60, 0]);
    assert.equal(before.maskHits, (60 * 61) / 2);
    packets.forEach((packet, index) => {
      table.lookup(packet, Math.imul(index + 1, 0x9e3779b1));
    });
    table.readLookupStatistics(after);
    assert.ok(after.cacheHits >= 55, `${after.cacheHits}`);
    table.resizeMaskCache(0);
    packets.forEach((packet, index) => {
      table.lookup(packet, Math.imul(index + 1, 0x9e3779b1));
    });
    table.readLookupStatistics(before);
    assert.equal(before.cacheHits, after.cacheHits);
    assert.throws(() => table.resizeMaskCache(100), /expected a power of two or 0, got 100/);
  });

  test('the mask list is sorted by packets', () => {
    const table = small({ lookup: 'masks', maskCacheSize: 0 });
    const random = new Random(4);
    let last: FlowWords = createFlow();
    for (let index = 0; index < 16; index++) {
      last = attackPacket(random, index, 1, 1);
      const flow = decideAttack(last);
      table.insert(flow.key, flow.mask, ACTIONS, 2, null, 0);
    }
    const statistics = { hit: 0, missed: 0, maskHits: 0, cacheHits: 0 };
    table.credit(table.lookup(last), 10, 1000, 0, 1);
    table.readLookupStatistics(statistics);
    assert.equal(statistics.maskHits, 16);
    table.maintain(1);
    table.lookup(last);
    table.readLookupStatistics(statistics);
    assert.equal(statistics.maskHits, 17);
  });
});

describe('flow table: threads and time', () => {
  test('memory waits for every present thread', () => {
    const table = small({ threads: 2 });
    const other = attachFlowTable(table.buffer, { thread: 1 });
    const flow = insertTo(table, 1);
    const held = other.lookup(flowTo(1).key);
    assert.equal(held, flow);
    table.remove(flow);
    table.quiesce();
    assert.equal(table.reclaim(), 0);
    const key = createFlow();
    other.readKey(held, key);
    assert.equal(key[W_NW_DST], 1);
    other.quiesce();
    assert.ok(table.reclaim() > 0);
    assert.equal(table.usedWords, 0);
    insertTo(table, 1);
    other.leave();
    assertEmptied(table);
  });

  test('tables are seeded anew after ten minutes', () => {
    for (const lookup of ['tree', 'masks'] as const) {
      const table = small({ lookup });
      const random = new Random(8);
      for (let index = 0; index < 300; index++) {
        const flow = decide(randomPacket(random), 9);
        table.insert(flow.key, flow.mask, ACTIONS, 2, null, 0);
      }
      table.maintain(1000);
      table.quiesce();
      table.maintain(1000 + 599_999);
      assert.equal(table.reclaim(), 0);
      table.maintain(1000 + 600_000);
      table.quiesce();
      assert.ok(table.reclaim() > 0);
      for (const ref of dumpAll(table)) {
        const key = createFlow();
        table.readKey(ref, key);
        assert.equal(table.lookup(key), ref);
      }
      assertEmptied(table);
    }
  });

  test('a wrong buffer or thread number is refused', () => {
    assert.throws(() => attachFlowTable(new ArrayBuffer(65536), { thread: 0 }), /holds no flow table/);
    assert.throws(() => attachFlowTable(small().buffer, { thread: 1 }), /wrong thread number: expected 0..0, got 1/);
  });
});

test('a flow knows the port of its only output, also after its actions were replaced', () => {
  const table = createFlowTable({ maxFlows: 16, seed: 1 });
  const mask = createFlow();
  mask[W_IN_PORT] = -1;
  const flow = table.insert(createFlow(), mask, OUTPUT_TO_7, 2, null, 0);
  assert.equal(table.outputPort(flow), 7);
  const twice = Int32Array.of(...OUTPUT_TO_7, ...OUTPUT_TO_7);
  for (const [code, length, port] of [
    [twice, 4, -1],
    [twice, 2, 7],
    [twice, 0, -1],
    [Int32Array.of((2 << 16) | 2, 7), 2, -1],
  ] as const) {
    assert.equal(table.replaceActions(flow, code, length), true);
    assert.equal(table.outputPort(flow), port);
  }
});
