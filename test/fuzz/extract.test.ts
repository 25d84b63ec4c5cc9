/**
 * Extraction of mutated packets: whatever the bytes are, it does not throw, depends on nothing but the frame, and the
 * offsets that it gives lie in the frame.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createFlow, EXTRACT_STATUS_TEXTS, extractFlow, type FlowWords } from '../../src/flow/index.ts';
import { Packet } from '../../src/wire/index.ts';
import { extractCorpus } from '../support/extract-corpus.ts';
import { createRandom } from '../support/random.ts';

const ITERATIONS = 200_000;
const CAPACITY = 512;

/** Bytes that say something in some header: lengths, protocols, Ethertypes, option types. */
const TELLING_BYTES = [
  0, 1, 2, 4, 5, 6, 8, 15, 17, 20, 40, 43, 44, 47, 50, 51, 58, 60, 64, 0x45, 0x46, 0x4f, 0x60, 0x81, 0x86, 0x88, 0x89,
  0xa8, 0xaa, 0xdd, 132, 135, 136, 255,
];

function check(condition: boolean, what: string, packet: Packet): void {
  if (!condition) {
    assert.fail(`${what}: ${Buffer.from(packet.frame()).toString('hex')}`);
  }
}

function differs(a: FlowWords, b: FlowWords): boolean {
  let difference = 0;
  for (let word = 0; word < a.length; word++) {
    difference |= a[word]! ^ b[word]!;
  }
  return difference !== 0;
}

/** Changes, cuts and lengthens the `length` bytes at `start`; returns the new length. */
function mutate(bytes: Uint8Array, start: number, length: number, random: () => number): number {
  let now = length;
  for (let left = 1 + (random() & 3); left > 0; left--) {
    const at = start + (now > 0 ? random() % now : 0);
    switch (random() & 7) {
      case 0:
        now = random() % (now + 1);
        break;
      case 1:
        now = Math.min(now + (random() & 31), length + 64);
        break;
      case 2:
        bytes.copyWithin(at, start, start + now);
        break;
      case 3:
      case 4:
        bytes[at] = bytes[at]! ^ (1 << (random() & 7));
        break;
      default:
        bytes[at] = TELLING_BYTES[random() % TELLING_BYTES.length]!;
    }
  }
  return now;
}

it(`survives ${ITERATIONS} mutated packets and depends on the frame only`, () => {
  const random = createRandom(0x6d656761);
  const packet = new Packet(new Uint8Array(CAPACITY), 0, 0);
  const elsewhere = new Packet(new Uint8Array(CAPACITY), 0, 0);
  const exact = extractCorpus.map(({ frame }) => frame);
  const usedKey = createFlow();
  const freshKey = createFlow();
  const statuses = new Set<number>();
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const frame = exact[random() % exact.length]!;
    const start = 64 + (random() & 15);
    packet.bytes.set(frame, start);
    packet.aim(start, mutate(packet.bytes, start, frame.length, random));
    // The same frame at another place, with other bytes around it; its end may be the end of the buffer.
    elsewhere.bytes.fill(random() & 0xff);
    elsewhere.aim((random() & 1) === 0 ? CAPACITY - packet.length : random() & 15, packet.length);
    elsewhere.bytes.set(packet.frame(), elsewhere.start);

    const status = extractFlow(packet, usedKey);
    freshKey.fill(0);
    check(extractFlow(elsewhere, freshKey) === status, 'status', packet);
    check(!differs(usedKey, freshKey), 'key', packet);
    const { mplsOffset, networkOffset, transportOffset, length } = packet;
    check(
      mplsOffset === elsewhere.mplsOffset &&
        networkOffset === elsewhere.networkOffset &&
        transportOffset === elsewhere.transportOffset,
      'offsets',
      packet,
    );
    check(mplsOffset >= -1 && networkOffset >= -1 && transportOffset >= -1, 'offset below -1', packet);
    check(mplsOffset <= length && networkOffset <= length && transportOffset <= length, 'offset beyond frame', packet);
    statuses.add(status);
  }
  assert.equal(statuses.size, EXTRACT_STATUS_TEXTS.length);
});

it('survives random bytes', () => {
  const random = createRandom(7);
  const packet = new Packet(new Uint8Array(CAPACITY), 0, 0);
  const key = createFlow();
  for (let iteration = 0; iteration < 20_000; iteration++) {
    const length = random() % 128;
    for (let at = 0; at < length; at += 4) {
      packet.view.setUint32(at, random());
    }
    packet.aim(0, length);
    check(EXTRACT_STATUS_TEXTS[extractFlow(packet, key)] !== undefined, 'status', packet);
  }
});
