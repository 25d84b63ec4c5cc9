/**
 * The classifier's hash tables against a map, and groups of more subtables than a word has bits.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFlow, createMatch, W_IN_PORT, W_TP } from '../../../src/flow/index.ts';
import { Classifier } from '../../../src/ofproto/classifier.ts';
import { HashTable, hashValue, mayHaveHash } from '../../../src/ofproto/hash-table.ts';
import { sparseMatch } from '../../../src/ofproto/sparse-match.ts';
import { WordArena } from '../../../src/ofproto/word-arena.ts';

/** Few low bits, so that runs of used slots are long and wrap around; some high bits, which the filter tells apart. */
const hash = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, 1, 2, 3, 7, 14, 15, 30, 31, 62, 63))
  .map(([high, low]) => (high << 30) | low);

test('a hash table agrees with a map, and its filter has exactly the homes and top bits of its hashes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(hash, fc.integer({ min: -2, max: 2 })), { maxLength: 120 }), (changes) => {
      const arena = new WordArena();
      const table = new HashTable(arena);
      const model = new Map<number, number>();
      for (const [key, value] of changes) {
        if (value === 0) {
          continue;
        }
        const sum = (model.get(key) ?? 0) + value;
        assert.equal(table.add(key, value), sum);
        model.delete(key);
        if (sum !== 0) {
          model.set(key, sum);
        }
        const { words } = arena;
        for (const [present, expected] of model) {
          assert.ok(mayHaveHash(words, table.filter, table.slotMask, present));
          assert.equal(hashValue(words, table.offset, table.slotMask, present), expected);
        }
        const bits = new Set([...model.keys()].map((other) => `${(other & table.slotMask) >>> 1} ${other >>> 27}`));
        for (const [other] of changes) {
          const isIn = bits.has(`${(other & table.slotMask) >>> 1} ${other >>> 27}`);
          assert.equal(mayHaveHash(words, table.filter, table.slotMask, other), isIn);
        }
      }
    }),
  );
});

test('seventy subtables that share their first stage: each finds its rule, and another port un-wildcards nothing else', () => {
  const classifier = new Classifier();
  const ruleOf = (index: number, port: number) => {
    const match = createMatch();
    match.masks[W_IN_PORT] = -1;
    match.values[W_IN_PORT] = port;
    match.masks[W_TP] = index + 1;
    match.values[W_TP] = index + 1;
    return { match: sparseMatch(match), priority: 1, conjunctions: null };
  };
  const rules = Array.from({ length: 70 }, (_, index) => ruleOf(index, index));
  for (const [index, rule] of rules.entries()) {
    classifier.insert(rule);
    classifier.insert(ruleOf(index, 500 + index));
  }
  assert.equal(classifier.subtableCount, 70);
  const flow = createFlow();
  flow[W_TP] = -1;
  for (const [index, rule] of rules.entries()) {
    flow[W_IN_PORT] = index;
    assert.equal(classifier.lookup(flow), rule);
  }
  flow[W_IN_PORT] = 1000;
  const wildcards = createFlow();
  assert.equal(classifier.lookup(flow, wildcards), null);
  const expected = createFlow();
  expected[W_IN_PORT] = -1;
  assert.deepEqual(wildcards, expected);
  for (const [index, rule] of rules.entries()) {
    classifier.remove(rule);
    flow[W_IN_PORT] = index;
    wildcards.fill(0);
    assert.equal(classifier.lookup(flow, wildcards), null);
    assert.deepEqual(wildcards, expected);
    flow[W_IN_PORT] = 69;
    assert.equal(classifier.lookup(flow), index === 69 ? null : rules[69]);
  }
});
