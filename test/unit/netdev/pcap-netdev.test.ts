import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CaptureReader, CaptureWriter, PcapNetdev } from '../../../src/netdev/index.ts';
import { Packet } from '../../../src/wire/index.ts';

function capture(frames: Uint8Array[], format: 'pcap' | 'pcapng' = 'pcap'): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const writer = new CaptureWriter((bytes) => chunks.push(bytes), { format, interfaceNames: ['a', 'b'] });
  frames.forEach((frame, index) => {
    writer.write(frame, 1, 2, frame.length, index % 2);
  });
  return chunks;
}

function frames(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new Uint8Array(60 + (i % 2000)).fill(i));
}

function play(port: PcapNetdev): Uint8Array[] {
  const batch: Packet[] = [];
  const played: Uint8Array[] = [];
  for (let count = port.receive(batch); count > 0; count = port.receive(batch)) {
    for (let i = 0; i < count; i++) played.push(batch[i]!.frame().slice());
  }
  return played;
}

test('plays a capture in batches and then is finished', () => {
  const chunks = capture(frames(200));
  const port = new PcapNetdev('in', { source: () => chunks.shift() ?? null });
  assert.equal(port.linkUp, true);
  assert.deepEqual(play(port), frames(200));
  assert.equal(port.finished, true);
  assert.equal(port.linkUp, false);
  assert.equal(port.error, null);
  assert.equal(port.stats.rxPackets, 200);
});

test('plays one interface of a pcapng file', () => {
  const chunks = capture(frames(10), 'pcapng');
  const port = new PcapNetdev('in', { source: () => chunks.shift() ?? null, interfaceIndex: 1 });
  assert.deepEqual(
    play(port),
    frames(10).filter((_, i) => i % 2 === 1),
  );
});

test('a damaged capture plays up to the damage and says what is wrong', () => {
  const chunks = [...capture(frames(3)), Uint8Array.of(1, 2, 3)];
  const port = new PcapNetdev('in', { source: () => chunks.shift() ?? null });
  assert.deepEqual(play(port), frames(3));
  assert.equal(port.error?.code, 'capture-truncated');
  assert.equal(port.stats.rxErrors, 1);
  assert.equal(port.receive([]), 0);
});

test('records what is sent with the time of the clock', () => {
  const reader = new CaptureReader();
  const writer = new CaptureWriter((bytes) => reader.push(bytes));
  const port = new PcapNetdev('out', { writer, now: () => 1_700_000_000_250.5 });
  const sent = frames(3);
  assert.equal(
    port.send(
      sent.map((frame) => Packet.from(frame)),
      3,
    ),
    3,
  );
  for (const frame of sent) {
    assert.equal(reader.next(), true);
    const { record } = reader;
    assert.deepEqual(record.bytes.slice(record.start, record.start + record.length), frame);
    assert.equal(record.seconds, 1_700_000_000);
    assert.equal(record.nanoseconds, 250_500_000);
  }
  assert.equal(port.stats.txPackets, 3);
  assert.equal(port.linkUp, true);
});

test('without a writer what is sent is dropped', () => {
  const port = new PcapNetdev('in', {});
  assert.equal(port.send([Packet.from(new Uint8Array(60))], 1), 0);
  assert.equal(port.stats.txDropped, 1);
  assert.equal(port.finished, true);
});
