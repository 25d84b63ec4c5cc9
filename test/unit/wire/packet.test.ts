import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_HEADROOM, OFFLOAD_NEEDS_CHECKSUM, Packet } from '../../../src/wire/index.ts';
import { bytesOf, UDP_FRAME } from './frames.ts';

const frame = bytesOf(UDP_FRAME);

function annotated(headroom?: number): Packet {
  const packet = Packet.from(frame, headroom);
  packet.networkOffset = 14;
  packet.transportOffset = 34;
  packet.offloadFlags = OFFLOAD_NEEDS_CHECKSUM;
  packet.checksumStart = 34;
  packet.checksumOffset = 6;
  packet.gsoType = 5;
  packet.gsoSize = 2;
  packet.headerLength = 42;
  return packet;
}

function offsets(packet: Packet): number[] {
  const { mplsOffset, networkOffset, transportOffset, checksumStart, headerLength } = packet;
  return [mplsOffset, networkOffset, transportOffset, checksumStart, headerLength];
}

describe('a packet', () => {
  it('holds a copy of a frame behind headroom', () => {
    const packet = Packet.from(frame);
    assert.deepEqual(packet.frame(), frame);
    assert.equal(packet.start, DEFAULT_HEADROOM);
    assert.notEqual(packet.bytes.buffer, frame.buffer);
  });

  for (const headroom of [DEFAULT_HEADROOM, 4, 3, 0]) {
    it(`takes a VLAN tag behind the addresses, with ${headroom} bytes of headroom`, () => {
      const packet = annotated(headroom);
      packet.insertBytes(12, 4);
      packet.view.setUint32(packet.start + 12, 0x81000005);
      assert.deepEqual(packet.frame(), bytesOf(`${UDP_FRAME.slice(0, 24)}81000005${UDP_FRAME.slice(24)}`));
      assert.deepEqual(offsets(packet), [-1, 18, 38, 38, 46]);
      packet.removeBytes(12, 4);
      assert.deepEqual(packet.frame(), frame);
      assert.deepEqual(offsets(packet), [-1, 14, 34, 34, 42]);
    });
  }

  it('keeps the offsets of what is before an insertion', () => {
    const packet = annotated();
    packet.insertBytes(20, 8);
    assert.deepEqual(offsets(packet), [-1, 14, 42, 42, 50]);
  });

  it('pushes and pulls headers', () => {
    const packet = annotated(10);
    packet.pushHeader(50);
    assert.equal(packet.length, frame.length + 50);
    assert.deepEqual(packet.frame().subarray(50), frame);
    assert.ok(packet.start >= DEFAULT_HEADROOM);
    packet.pullHeader(50);
    assert.deepEqual(packet.frame(), frame);
    assert.deepEqual(offsets(packet), [-1, 14, 34, 34, 42]);
  });

  it('inserts and removes anywhere, of any size', () => {
    fc.assert(
      fc.property(fc.nat(frame.length), fc.nat(200), fc.nat(150), (offset, count, headroom) => {
        const packet = Packet.from(frame, headroom);
        packet.insertBytes(offset, count);
        const now = packet.frame();
        assert.deepEqual(now.subarray(0, offset), frame.subarray(0, offset));
        assert.deepEqual(now.subarray(offset + count), frame.subarray(offset));
        packet.removeBytes(offset, count);
        assert.deepEqual(packet.frame(), frame);
      }),
    );
  });

  it('comes back to the memory it was made with when it is aimed anew', () => {
    const arena = new Uint8Array(256);
    const packet = new Packet(arena, 0, 64);
    packet.pushHeader(20);
    assert.notEqual(packet.bytes.buffer, arena.buffer);
    packet.aim(100, 64);
    assert.equal(packet.bytes, arena);
    assert.equal(packet.view.buffer, arena.buffer);
    assert.deepEqual(offsets(packet), [-1, -1, -1, 0, 0]);
  });

  it('copies frame and metadata of another of any length', () => {
    for (const length of [0, 1, 3, 64, 255, 256, 257, 9000]) {
      const source = Packet.from(Uint8Array.from({ length }, (_, index) => index * 7));
      source.gsoSize = 9;
      const copy = Packet.allocate(64);
      copy.copyFrom(source);
      assert.deepEqual(copy.frame(), source.frame());
      assert.equal(copy.gsoSize, 9);
      assert.equal(copy.start, DEFAULT_HEADROOM);
    }
  });
});
