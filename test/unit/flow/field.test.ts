import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  readBigBits,
  readBits,
  requireField,
  subfieldBitOffset,
  writeBigBits,
  writeBits,
} from '../../../src/flow/index.ts';

const WORDS = 8;

/** The words as one string of bits, the slow way. */
function bitString(words: Int32Array): string {
  return [...words].map((word) => (word >>> 0).toString(2).padStart(32, '0')).join('');
}

const words = fc.array(fc.integer(), { minLength: WORDS, maxLength: WORDS }).map((list) => Int32Array.from(list));

/** A place of at most `widest` bits inside the words. */
function place(widest: number): fc.Arbitrary<{ bitOffset: number; width: number }> {
  return fc
    .record({ width: fc.integer({ min: 1, max: widest }), at: fc.double({ min: 0, max: 1, noNaN: true }) })
    .map(({ width, at }) => ({ width, bitOffset: Math.floor(at * (WORDS * 32 - width)) }));
}

describe('bits of a flow', () => {
  it('are read as a string of bits would be', () => {
    fc.assert(
      fc.property(words, place(32), (flow, { bitOffset, width }) => {
        const expected = Number.parseInt(bitString(flow).slice(bitOffset, bitOffset + width), 2);
        assert.equal(readBits(flow, bitOffset, width), expected);
      }),
    );
  });

  it('are read at any width as a string of bits would be', () => {
    fc.assert(
      fc.property(words, place(WORDS * 32), (flow, { bitOffset, width }) => {
        assert.equal(
          readBigBits(flow, bitOffset, width),
          BigInt(`0b${bitString(flow).slice(bitOffset, bitOffset + width)}`),
        );
      }),
    );
  });

  it('are written in their place and nowhere else', () => {
    fc.assert(
      fc.property(words, place(32), fc.integer(), (flow, { bitOffset, width }, value) => {
        const before = bitString(flow);
        writeBits(flow, bitOffset, width, value);
        const written = (value >>> 0)
          .toString(2)
          .padStart(32, '0')
          .slice(32 - width);
        assert.equal(bitString(flow), before.slice(0, bitOffset) + written + before.slice(bitOffset + width));
      }),
    );
  });

  it('are written at any width in their place and nowhere else', () => {
    fc.assert(
      fc.property(words, place(WORDS * 32), fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), (flow, spot, value) => {
        const { bitOffset, width } = spot;
        const before = bitString(flow);
        writeBigBits(flow, bitOffset, width, value);
        const written = value
          .toString(2)
          .padStart(256, '0')
          .slice(256 - width);
        assert.equal(bitString(flow), before.slice(0, bitOffset) + written + before.slice(bitOffset + width));
      }),
    );
  });

  it('of a subfield count from the least significant end', () => {
    const flow = new Int32Array(256);
    const reg0 = requireField('reg0');
    writeBits(flow, reg0.bitOffset, 32, 0x000000f0);
    const bitOffset = subfieldBitOffset({ field: reg0, offset: 4, bits: 4 });
    assert.equal(readBits(flow, bitOffset, 4), 0xf);
    assert.equal(readBits(flow, bitOffset - 1, 1), 0);
  });
});
