/**
 * A reader thread of the flow table's thread test: looks packets up until told to stop, and checks what it finds. A flow's action
 * code is made from its key (`codeOf`), so that a record that was freed too early or is half written shows.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { attachFlowTable } from '../../../src/datapath/index.ts';
import { createFlow, type FlowWords } from '../../../src/flow/index.ts';
import { attackPacket, decide, decideAttack, type Megaflow, Random, randomPacket } from './megaflow-sets.ts';

export interface ReaderTask {
  buffer: SharedArrayBuffer;
  /** [0]: 1 to stop; [1]: readers that are ready */
  control: Int32Array;
  thread: number;
}

export interface ReaderReport {
  lookups: number;
  hits: number;
  /** lookups of flows that are there all the time but were not found */
  lost: number;
  /** hits whose flow was not whole */
  torn: number;
  /** packets credited to flows that are there all the time */
  credited: number;
}

/** Decision process of the flows of the test; packets with an even first word of the source address stay. */
export const PROCESS = 12;
export const STAYING = 400;

export function stayingPackets(): FlowWords[] {
  const random = new Random(77);
  return Array.from({ length: STAYING }, (_, index) =>
    index % 4 === 0
      ? attackPacket(random, random.below(16), random.below(16), random.below(32))
      : randomPacket(random, 12),
  );
}

export function passingPacket(random: Random): FlowWords {
  return random.below(3) === 0
    ? attackPacket(random, random.below(16), random.below(16), random.below(32))
    : randomPacket(random, 12);
}

export function megaflowOf(packet: FlowWords): Megaflow {
  return packet[1] === 7 ? decideAttack(packet) : decide(packet, PROCESS);
}

/** Action code that belongs to a masked key, in `generation`. */
export function codeOf(key: FlowWords, generation: number): Int32Array {
  let sum = 0;
  for (let word = 0; word < key.length; word++) {
    sum = Math.imul(sum ^ key[word]!, 0x01000193);
  }
  const code = new Int32Array(3 + (generation & 7)).fill(generation);
  code[0] = sum;
  return code;
}

function read(task: ReaderTask): ReaderReport {
  const table = attachFlowTable(task.buffer, { thread: task.thread });
  const staying = stayingPackets();
  const random = new Random(task.thread);
  const report: ReaderReport = { lookups: 0, hits: 0, lost: 0, torn: 0, credited: 0 };
  const key = createFlow();
  const masked = createFlow();
  Atomics.add(task.control, 1, 1);
  Atomics.notify(task.control, 1);
  while (Atomics.load(task.control, 0) === 0) {
    for (let index = 0; index < 32; index++) {
      const stays = random.below(2) === 0;
      key.set(stays ? staying[random.below(STAYING)]! : passingPacket(random));
      const flow = table.lookup(key, random.next());
      report.lookups++;
      if (flow === 0) {
        report.lost += stays ? 1 : 0;
        continue;
      }
      report.hits++;
      const code = table.actionsOffset(flow);
      const length = table.words[code - 1]!;
      table.readKey(flow, masked);
      const expected = codeOf(masked, table.words[code + 1]!);
      let whole = table.matches(flow, key) && length === expected.length;
      for (let word = 0; word < expected.length; word++) {
        whole &&= table.words[code + word] === expected[word];
      }
      report.torn += whole ? 0 : 1;
      if (stays) {
        table.credit(flow, 1, 64, 0, 1);
        report.credited++;
      }
    }
    // a writer too, so that writers meet at the lock
    const { key: insertedKey, mask } = megaflowOf(passingPacket(random));
    const code = codeOf(insertedKey, 0);
    const inserted = table.insert(insertedKey, mask, code, code.length, null, 0);
    if (inserted > 0) {
      table.remove(inserted);
    }
    table.quiesce();
  }
  table.leave();
  return report;
}

if (parentPort !== null && (workerData as ReaderTask | null)?.buffer !== undefined) {
  parentPort.postMessage(read(workerData as ReaderTask));
}
