import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BATCH_SIZE, createPatchPair, MemoryNetdev, type Netdev } from '../../../src/netdev/index.ts';
import { OFFLOAD_NEEDS_CHECKSUM, Packet } from '../../../src/wire/index.ts';

function frameOf(value: number, length = 60): Uint8Array {
  return new Uint8Array(length).fill(value);
}

function receiveAll(port: Netdev): Uint8Array[] {
  const batch: Packet[] = [];
  const frames: Uint8Array[] = [];
  for (;;) {
    const count = port.receive(batch);
    if (count === 0) return frames;
    assert.ok(count <= BATCH_SIZE);
    for (let i = 0; i < count; i++) frames.push(batch[i]!.frame().slice());
  }
}

function sendFrames(port: Netdev, frames: Uint8Array[]): number {
  return port.send(
    frames.map((frame) => Packet.from(frame)),
    frames.length,
  );
}

test('a memory port receives copies of what is injected, in order, and counts', () => {
  const port = new MemoryNetdev('p1');
  const frames = Array.from({ length: 150 }, (_, i) => frameOf(i, 60 + i));
  for (const frame of frames) {
    assert.equal(port.inject(frame), true);
  }
  const expected = frames.map((frame) => frame.slice());
  frames[0]!.fill(0xff);
  assert.equal(port.waiting, 150);
  assert.deepEqual(receiveAll(port), expected);
  assert.equal(port.stats.rxPackets, 150);
  assert.equal(
    port.stats.rxBytes,
    expected.reduce((sum, frame) => sum + frame.length, 0),
  );
});

test('an injected packet keeps its offload metadata', () => {
  const port = new MemoryNetdev('p1');
  const packet = Packet.from(frameOf(7, 1000));
  packet.gsoType = 1;
  packet.gsoSize = 500;
  port.inject(packet);
  const batch: Packet[] = [];
  assert.equal(port.receive(batch), 1);
  assert.equal(batch[0]!.gsoType, 1);
  assert.equal(batch[0]!.gsoSize, 500);
});

test('a full queue drops and counts', () => {
  const port = new MemoryNetdev('p1', { queueLimit: 2 });
  assert.deepEqual(
    [1, 2, 3].map((value) => port.inject(frameOf(value))),
    [true, true, false],
  );
  assert.equal(port.stats.rxDropped, 1);
  assert.equal(sendFrames(port, [frameOf(1), frameOf(2), frameOf(3)]), 2);
  assert.equal(port.stats.txDropped, 1);
  assert.deepEqual(port.drain(), [frameOf(1), frameOf(2)]);
  assert.deepEqual(port.drain(), []);
  assert.equal(sendFrames(port, [frameOf(4)]), 1);
});

test('received packets stay untouched while others are injected', () => {
  const port = new MemoryNetdev('p1', { queueLimit: 64 });
  const batch: Packet[] = [];
  for (let i = 0; i < 64; i++) port.inject(frameOf(i));
  assert.equal(port.receive(batch), 64);
  for (let i = 0; i < 64; i++) port.inject(frameOf(100));
  for (let i = 0; i < 64; i++) assert.equal(batch[i]!.frame()[0], i);
});

test('frames may be longer and shorter than before', () => {
  const port = new MemoryNetdev('p1', { queueLimit: 4 });
  for (const length of [60, 9000, 0, 1514, 20000, 60, 61, 62, 63]) {
    port.inject(frameOf(5, length));
    assert.deepEqual(receiveAll(port), [frameOf(5, length)]);
  }
});

test('sent frames are copies with the checksum completed', () => {
  const port = new MemoryNetdev('p1');
  const packet = Packet.from(new Uint8Array(60));
  packet.frame().set([0x12, 0x34, 0, 0, 0x56, 0x78], 34);
  packet.offloadFlags = OFFLOAD_NEEDS_CHECKSUM;
  packet.checksumStart = 34;
  packet.checksumOffset = 2;
  port.send([packet], 1);
  packet.frame().fill(0);
  const [frame] = port.drain();
  assert.deepEqual([...frame!.subarray(34, 40)], [0x12, 0x34, 0x97, 0x53, 0x56, 0x78]);
  assert.equal(port.stats.txPackets, 1);
  assert.equal(port.stats.txBytes, 60);
});

test('metadata that point outside of the frame are an error, not an exception', () => {
  const port = new MemoryNetdev('p1');
  const packet = Packet.from(new Uint8Array(60));
  packet.offloadFlags = OFFLOAD_NEEDS_CHECKSUM;
  packet.checksumStart = 58;
  packet.checksumOffset = 16;
  assert.equal(port.send([packet], 1), 0);
  assert.equal(port.stats.txErrors, 1);
  assert.deepEqual(port.drain(), []);
});

test('onSend sees each frame and may inject an answer', () => {
  const seen: number[] = [];
  const port: MemoryNetdev = new MemoryNetdev('p1', {
    onSend: (frame) => {
      seen.push(frame[0]!);
      port.inject(frameOf(frame[0]! + 1));
    },
  });
  sendFrames(port, [frameOf(10), frameOf(20)]);
  assert.deepEqual(seen, [10, 20]);
  assert.deepEqual(receiveAll(port), [frameOf(11), frameOf(21)]);
  assert.deepEqual(port.drain(), []);
});

test('the readable listener is told of waiting packets, also of those that wait already', () => {
  const port = new MemoryNetdev('p1');
  let calls = 0;
  port.inject(frameOf(1));
  port.setReadableListener(() => calls++);
  assert.equal(calls, 1);
  port.inject(frameOf(2));
  assert.equal(calls, 2);
  port.setReadableListener(null);
  port.inject(frameOf(3));
  assert.equal(calls, 2);
});

test('a port that is down or closed drops and counts', () => {
  const port = new MemoryNetdev('p1');
  port.linkUp = false;
  assert.equal(port.inject(frameOf(1)), false);
  assert.equal(sendFrames(port, [frameOf(1)]), 0);
  port.linkUp = true;
  port.close();
  assert.equal(port.inject(frameOf(1)), false);
  assert.equal(sendFrames(port, [frameOf(1)]), 0);
  assert.equal(port.receive([]), 0);
  assert.equal(port.stats.rxDropped, 2);
  assert.equal(port.stats.txDropped, 2);
});

test('addresses made from names are local unicast, stable and distinct', () => {
  const addresses = ['p1', 'p2', 'eth0', 'veth1'].map((name) => new MemoryNetdev(name).etherAddress);
  for (const address of addresses) {
    assert.equal(address.length, 6);
    assert.equal(address[0]! & 3, 2);
  }
  assert.equal(new Set(addresses.map(String)).size, 4);
  assert.deepEqual(new MemoryNetdev('p1').etherAddress, addresses[0]);
});

test('what one end of a patch sends the other receives, with metadata', () => {
  const [left, right] = createPatchPair('left', 'right');
  let calls = 0;
  right.setReadableListener(() => calls++);
  const packet = Packet.from(frameOf(9, 3000));
  packet.gsoType = 4;
  packet.headerLength = 74;
  assert.equal(left.send([packet, Packet.from(frameOf(8))], 2), 2);
  assert.equal(calls, 1);
  const batch: Packet[] = [];
  assert.equal(right.receive(batch), 2);
  assert.equal(batch[0]!.gsoType, 4);
  assert.equal(batch[0]!.headerLength, 74);
  assert.deepEqual(batch[0]!.frame(), frameOf(9, 3000));
  assert.deepEqual(batch[1]!.frame(), frameOf(8));
  assert.equal(left.stats.txPackets, 2);
  assert.equal(right.stats.rxBytes, 3060);
  assert.equal(left.receive(batch), 0);
});

test('a patch drops when the other end does not keep up or is gone', () => {
  const [left, right] = createPatchPair('left', 'right', { queueLimit: 1 });
  assert.equal(sendFrames(left, [frameOf(1), frameOf(2)]), 1);
  assert.equal(left.stats.txDropped, 1);
  assert.equal(right.stats.rxDropped, 1);
  right.close();
  assert.equal(left.linkUp, false);
  assert.equal(sendFrames(left, [frameOf(1)]), 0);
  assert.equal(left.stats.txDropped, 2);
  left.close();
});
