/**
 * A prefix trie agrees with a list of prefixes, and the bits that it says decided suffice.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PrefixTrie, prefixMask } from '../../../src/ofproto/prefix-trie.ts';

interface Prefix {
  readonly key: readonly number[];
  readonly length: number;
}

/** Few distinct words, so that prefixes nest and part at all depths. */
const wordArbitrary = fc.constantFrom(0, 1, 0x80000000 | 0, 0xc0000000 | 0, 0x0a000000, 0x0a000100, 0x0a0001ff, -1);

function contains(prefix: Prefix, key: readonly number[]): boolean {
  return key.every((word, index) => ((word ^ prefix.key[index]!) & prefixMask(prefix.length - 32 * index)) === 0);
}

function lookup(trie: PrefixTrie, key: readonly number[]): { lengths: number[]; bits: number } {
  const memo = new Int32Array(1 + key.length).fill(-1);
  const bits = trie.lookup(Int32Array.of(99, ...key), 1, memo, 1);
  const lengths: number[] = [];
  for (let length = 1; length <= 32 * key.length; length++) {
    if ((memo[1 + ((length - 1) >>> 5)]! >>> (31 - ((length - 1) & 31))) & 1) {
      lengths.push(length);
    }
  }
  assert.equal(memo[0], -1);
  return { lengths, bits };
}

for (const words of [1, 4]) {
  describe(`a trie of ${32 * words} bits`, () => {
    const keyArbitrary = fc.array(wordArbitrary, { minLength: words, maxLength: words });
    const prefixArbitrary = fc.record({ key: keyArbitrary, length: fc.integer({ min: 1, max: 32 * words }) });

    test('finds the lengths of all prefixes that contain a key', () => {
      fc.assert(
        fc.property(
          fc.array(prefixArbitrary, { maxLength: 30 }),
          fc.array(fc.nat(), { maxLength: 20 }),
          fc.array(keyArbitrary, { minLength: 5, maxLength: 5 }),
          (prefixes, removals, keys) => {
            const trie = new PrefixTrie(32 * words);
            const present: Prefix[] = [];
            for (const prefix of prefixes) {
              trie.insert(Int32Array.from(prefix.key), 0, prefix.length);
              present.push(prefix);
            }
            for (const removal of removals) {
              const [removed] = present.splice(removal % Math.max(1, present.length), 1);
              if (removed !== undefined) {
                trie.remove(Int32Array.from(removed.key), 0, removed.length);
              }
            }
            for (const key of keys) {
              const { lengths, bits } = lookup(trie, key);
              const expected = new Set(present.filter((each) => contains(each, key)).map((each) => each.length));
              assert.deepEqual(
                lengths,
                [...expected].sort((a, b) => a - b),
              );
              for (const other of keys) {
                const inside = other.map((word, index) => {
                  const mask = prefixMask(bits - 32 * index);
                  return (key[index]! & mask) | (word & ~mask);
                });
                assert.deepEqual(lookup(trie, inside), { lengths, bits });
              }
            }
          },
        ),
        { numRuns: 400 },
      );
    });
  });
}

test('the bits that decide are as few as can be', () => {
  const trie = new PrefixTrie(32);
  assert.equal(lookup(trie, [0x0a000001]).bits, 0);
  trie.insert(Int32Array.of(0x0a010000), 0, 16);
  assert.deepEqual(lookup(trie, [0x0a010203]), { lengths: [16], bits: 16 });
  assert.deepEqual(lookup(trie, [0x0b010203]), { lengths: [], bits: 8 });
  trie.insert(Int32Array.of(0x0a010200), 0, 24);
  assert.deepEqual(lookup(trie, [0x0a010203]), { lengths: [16, 24], bits: 24 });
  assert.deepEqual(lookup(trie, [0x0a018203]), { lengths: [16], bits: 17 });
  trie.remove(Int32Array.of(0x0a010200), 0, 24);
  assert.deepEqual(lookup(trie, [0x0a018203]), { lengths: [16], bits: 16 });
});
