import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createFlowStatsSum, createFlowTable, type FlowRef, type FlowTable } from '../../../src/datapath/index.ts';
import type { FlowWords } from '../../../src/flow/index.ts';
import {
  codeOf,
  megaflowOf,
  passingPacket,
  type ReaderReport,
  type ReaderTask,
  stayingPackets,
} from './flow-table-reader.ts';
import { Random } from './megaflow-sets.ts';

const READERS = 2;
const CHANGES = 12_000;
const LIMIT_MS = 1500;

function insertFor(table: FlowTable, packet: FlowWords): FlowRef {
  const { key, mask } = megaflowOf(packet);
  const code = codeOf(key, 0);
  return table.insert(key, mask, code, code.length, null, 0);
}

/** Inserts, removes, replaces and rehashes until there were enough changes or it took too long; returns how many there were. */
function churn(table: FlowTable, staying: readonly FlowRef[], keys: readonly FlowWords[]): number {
  const random = new Random(5);
  const passing: FlowRef[] = [];
  const stop = Date.now() + LIMIT_MS;
  let changes = 0;
  while (changes < CHANGES && Date.now() < stop) {
    changes++;
    const roll = random.below(100);
    if (roll < 50 && passing.length < 1500) {
      const flow = insertFor(table, passingPacket(random));
      if (flow > 0) {
        passing.push(flow);
      }
    } else if (roll < 97 && passing.length > 0) {
      table.remove(passing.splice(random.below(passing.length), 1)[0]!);
    } else if (roll < 99) {
      const index = random.below(staying.length);
      const code = codeOf(keys[index]!, random.below(1000));
      assert.equal(table.replaceActions(staying[index]!, code, code.length), true);
    } else if (changes % 10 === 0) {
      table.rehash();
    } else {
      table.maintain(changes);
    }
    table.quiesce();
    table.reclaim();
  }
  return changes;
}

describe('flow table: readers in other threads', () => {
  for (const lookup of ['tree', 'masks'] as const) {
    test(`${lookup}: find every flow that stays, and only whole ones, while a writer changes the table`, async () => {
      const table = createFlowTable({ seed: 3, lookup, threads: READERS + 1, maxFlows: 8192 });
      const flows = new Map<FlowRef, FlowWords>();
      for (const packet of stayingPackets()) {
        const flow = insertFor(table, packet);
        if (flow > 0) {
          flows.set(flow, megaflowOf(packet).key);
        }
      }
      const control = new Int32Array(new SharedArrayBuffer(8));
      const workers = Array.from({ length: READERS }, (_, reader) => {
        const buffer = table.buffer as SharedArrayBuffer;
        const workerData: ReaderTask = { buffer, control, thread: reader + 1 };
        return new Worker(new URL('./flow-table-reader.ts', import.meta.url), { workerData });
      });
      const reports = workers.map((worker) => once(worker, 'message').then(([report]) => report as ReaderReport));
      for (let ready = 0; ready < READERS; ready = Atomics.load(control, 1)) {
        Atomics.wait(control, 1, ready, 100);
        // a worker starts only when this thread's loop turns
        await new Promise((resolve) => setImmediate(resolve));
      }
      const changes = churn(table, [...flows.keys()], [...flows.values()]);
      Atomics.store(control, 0, 1);
      let credited = 0;
      for (const report of await Promise.all(reports)) {
        assert.ok(report.hits > 0);
        assert.deepEqual({ lost: report.lost, torn: report.torn }, { lost: 0, torn: 0 });
        credited += report.credited;
      }
      assert.ok(changes > 100);
      let packets = 0;
      const sum = createFlowStatsSum();
      for (const flow of flows.keys()) {
        table.readStats(flow, sum);
        packets += sum.packets;
      }
      assert.equal(packets, credited);
      table.flush();
      table.quiesce();
      table.reclaim();
      assert.equal(table.usedWords, 0);
      await Promise.all(workers.map((worker) => worker.terminate()));
    });
  }
});
