import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { finishHash, hashWord, hashWords } from '../../../src/flow/index.ts';

/** Keys as they occur: `count` of them, `words` words each. */
type KeySet = (index: number, words: Int32Array) => void;

const KEYS = 65_536;

// Written down from the first version: who changes them changes which bucket of a select group a flow takes.
const HASH_OF_123 = 765602956;
const HASH_OF_12 = 35842971;

const KEY_SETS: readonly (readonly [string, number, KeySet])[] = [
  [
    'one counting word',
    1,
    (index, words) => {
      words[0] = index;
    },
  ],
  [
    'the high bits of one word',
    1,
    (index, words) => {
      words[0] = index << 16;
    },
  ],
  [
    'the high bytes of two words',
    2,
    (index, words) => {
      words[0] = (index & 0xff) << 24;
      words[1] = (index >>> 8) << 24;
    },
  ],
  [
    'the high bytes of two words of the same lane',
    3,
    (index, words) => {
      words[0] = (index & 0xff) << 24;
      words[2] = (index >>> 8) << 24;
    },
  ],
  [
    'the low bytes of two neighbouring words',
    4,
    (index, words) => {
      words[2] = index & 0xff;
      words[3] = index >>> 8;
    },
  ],
  [
    'bytes of first and last of ten words',
    10,
    (index, words) => {
      words[0] = (index & 0xff) << 8;
      words[9] = (index >>> 8) << 16;
    },
  ],
  [
    'addresses of a /16 and their mirror',
    10,
    (index, words) => {
      words[5] = 0x0a000000 | index;
      words[6] = 0x0a000000 | (index ^ 0xffff);
    },
  ],
  [
    'two equal words',
    10,
    (index, words) => {
      words[3] = index * 0x10001;
      words[4] = index * 0x10001;
    },
  ],
  [
    'port pairs of a client',
    10,
    (index, words) => {
      words[7] = ((0x8000 + (index & 0x7fff)) << 16) | (80 + (index >>> 15));
    },
  ],
];

/** Chi-square of the `bits` bits from `shift`, divided by what chance gives: near 1 for a good hash. */
function unevenness(hashes: Int32Array, shift: number, bits: number): number {
  const buckets = new Int32Array(1 << bits);
  for (const hash of hashes) {
    buckets[(hash >>> shift) & (buckets.length - 1)]!++;
  }
  const expected = hashes.length / buckets.length;
  let sum = 0;
  for (const count of buckets) {
    sum += (count - expected) ** 2 / expected;
  }
  return sum / (buckets.length - 1);
}

function hashesOf(wordCount: number, keySet: KeySet, basis: number): Int32Array {
  const words = new Int32Array(wordCount);
  const hashes = new Int32Array(KEYS);
  for (let index = 0; index < KEYS; index++) {
    words.fill(0);
    keySet(index, words);
    hashes[index] = hashWords(words, 0, wordCount, basis);
  }
  return hashes;
}

describe('hashWords', () => {
  for (const [name, wordCount, keySet] of KEY_SETS) {
    it(`spreads keys that differ in ${name}`, () => {
      for (const basis of [0, 1, 0x5eed1234]) {
        const hashes = hashesOf(wordCount, keySet, basis);
        // 65,536 random numbers of 32 bits have half a collision on average.
        assert.ok(new Set(hashes).size > KEYS - 16, `${KEYS - new Set(hashes).size} collisions`);
        for (const shift of [0, 8, 16, 22]) {
          const ratio = unevenness(hashes, shift, 10);
          assert.ok(ratio > 0.5 && ratio < 1.5, `bits ${shift}..${shift + 9}: ${ratio.toFixed(2)}`);
        }
      }
    });
  }

  it('changes about half of its bits with any bit of the key', () => {
    const words = new Int32Array(5);
    for (let bit = 0; bit < 32 * words.length; bit++) {
      let changed = 0;
      for (let sample = 0; sample < 64; sample++) {
        for (let word = 0; word < words.length; word++) {
          words[word] = Math.imul(sample * 5 + word + 1, 0x01000193);
        }
        const before = hashWords(words, 0, words.length, 7);
        words[bit >>> 5] = words[bit >>> 5]! ^ (1 << (bit & 31));
        let difference = before ^ hashWords(words, 0, words.length, 7);
        for (; difference !== 0; difference &= difference - 1) {
          changed++;
        }
      }
      const average = changed / 64;
      assert.ok(average > 13 && average < 19, `bit ${bit}: ${average} bits change`);
    }
  });

  it('depends on the basis, on the number of words and on where they stand', () => {
    const words = Int32Array.from([0, 0, 1, 0]);
    const hashes = new Set<number>();
    for (const basis of [0, 1, -1]) {
      for (const count of [0, 1, 2, 3, 4]) {
        hashes.add(hashWords(words, 0, count, basis));
      }
    }
    hashes.add(hashWords(words, 1, 3, 0));
    assert.equal(hashes.size, 16);
  });

  it('reads only the words that it is told to', () => {
    const words = Int32Array.from([9, 1, 2, 3, 9]);
    assert.equal(hashWords(words, 1, 3, 5), hashWords(Int32Array.from([1, 2, 3]), 0, 3, 5));
  });

  it('stays the same from run to run', () => {
    assert.equal(hashWords(Int32Array.from([1, 2, 3]), 0, 3, 0), HASH_OF_123);
    assert.equal(finishHash(hashWord(hashWord(0, 1), 2)), HASH_OF_12);
  });
});
