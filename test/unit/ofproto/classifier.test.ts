/**
 * The classifier's laws: it agrees with a linear scan, and what it un-wildcards suffices for its answer.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  createFlow,
  createMatch,
  type FlowWords,
  type Match,
  W_CONJ_ID,
  W_IN_PORT,
  W_IPV6_SRC,
  W_METADATA,
  W_NW_DST,
  W_NW_SRC,
  W_REG0,
  W_TP,
  W_TYPE_PROTO_FRAG,
} from '../../../src/flow/index.ts';
import { Classifier } from '../../../src/ofproto/classifier.ts';
import type { Conjunction } from '../../../src/ofproto/conjunction.ts';
import type { LookupStep } from '../../../src/ofproto/lookup-trace.ts';
import { denseMatch, type SparseMatch, sparseMatch, sparseMatchesFlow } from '../../../src/ofproto/sparse-match.ts';

interface TestRule {
  readonly id: number;
  readonly match: SparseMatch;
  readonly priority: number;
  readonly conjunctions: readonly Conjunction[] | null;
}

/** Words and masks that overlap often: few bits, few values, every stage, every trie. */
const WORD_MASKS: readonly (readonly [number, readonly number[]])[] = [
  [W_IN_PORT, [-1]],
  [W_METADATA, [-1, 0xff]],
  [W_REG0, [0x3]],
  [W_TYPE_PROTO_FRAG, [0xffff0000 | 0, -1, 0xff00, 0x3]],
  [W_NW_SRC, [0x80000000 | 0, 0xff000000 | 0, 0xffffff00 | 0, -1, 0x00ff00ff]],
  [W_NW_DST, [0xe0000000 | 0, 0xffffff00 | 0, -1]],
  [W_IPV6_SRC, [0xffff0000 | 0, -1]],
  [W_IPV6_SRC + 1, [0xffff0000 | 0, -1]],
  [W_IPV6_SRC + 3, [-1]],
  [W_TP, [0xffff0000 | 0, 0xffff, -1, 0xff00ff00 | 0, 0xf0000000 | 0]],
  [W_CONJ_ID, [-1]],
];
const VALUES: readonly number[] = [
  0,
  1,
  -1,
  0x80000000 | 0,
  0x0a000001,
  0x0a0000ff,
  0x0a010001,
  0x08000600,
  0x00500051,
];

const wordValue = fc.constantFrom(...VALUES);
const matchArbitrary: fc.Arbitrary<Match> = fc
  .subarray([...WORD_MASKS], { maxLength: 4 })
  .chain((parts) =>
    fc.tuple(...parts.map(([word, masks]) => fc.tuple(fc.constant(word), fc.constantFrom(...masks), wordValue))),
  )
  .map((parts) => {
    const match = createMatch();
    for (const [word, mask, value] of parts) {
      match.masks[word] = mask;
      match.values[word] = value & mask;
    }
    return match;
  });
const flowArbitrary: fc.Arbitrary<FlowWords> = fc
  .tuple(...WORD_MASKS.map(([word]) => (word === W_CONJ_ID ? fc.constantFrom(0, 1) : wordValue)))
  .map((values) => {
    const flow = createFlow();
    WORD_MASKS.forEach(([word], index) => {
      flow[word] = values[index]!;
    });
    return flow;
  });

/** Random bits where the mask has none. */
function complete(flow: FlowWords, mask: FlowWords, random: () => number): FlowWords {
  return flow.map((word, index) => {
    const filler = VALUES[Math.floor(random() * VALUES.length)]! ^ (random() < 0.3 ? (random() * 2 ** 32) | 0 : 0);
    return (word & mask[index]!) | (filler & ~mask[index]!);
  });
}

/** A small seeded generator, so that failures repeat. */
function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    state = (state + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

function highest(rules: readonly TestRule[], flow: FlowWords): number {
  return Math.max(-1, ...rules.filter((rule) => sparseMatchesFlow(rule.match, flow)).map((rule) => rule.priority));
}

function makeRule(
  id: number,
  match: Match,
  priority: number,
  conjunctions: readonly Conjunction[] | null = null,
): TestRule {
  return { id, match: sparseMatch(match), priority, conjunctions };
}

describe('classifier laws', () => {
  test('lookup agrees with a linear scan and its wildcards are sound, under random insertion and removal', () => {
    const operation = fc.oneof(
      { weight: 4, arbitrary: fc.record({ insert: matchArbitrary, priority: fc.integer({ min: 0, max: 9 }) }) },
      { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ lookup: flowArbitrary }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { minLength: 5, maxLength: 60 }), fc.integer(), (operations, seed) => {
        const random = generator(seed);
        const classifier = new Classifier<TestRule>();
        let rules: TestRule[] = [];
        for (const [id, step] of operations.entries()) {
          if ('insert' in step) {
            const rule = makeRule(id, step.insert, step.priority);
            const old = classifier.insert(rule);
            assert.equal(classifier.findExactly(rule.match, rule.priority), rule);
            rules = [...rules.filter((other) => other !== old), rule];
          } else if ('remove' in step) {
            const rule = rules[step.remove % Math.max(1, rules.length)];
            if (rule !== undefined) {
              classifier.remove(rule);
              rules = rules.filter((other) => other !== rule);
            }
          } else {
            checkLookup(classifier, rules, step.lookup, random);
          }
          assert.equal(classifier.count, rules.length);
        }
        assert.deepEqual(new Set(classifier.rules()), new Set(rules));
        for (const rule of rules) {
          checkLookup(
            classifier,
            rules,
            complete(denseMatch(rule.match).values, denseMatch(rule.match).masks, random),
            random,
          );
          classifier.remove(rule);
          rules = rules.filter((other) => other !== rule);
        }
        assert.equal(classifier.subtableCount, 0);
      }),
      { numRuns: 300 },
    );
  });
});

function checkLookup(
  classifier: Classifier<TestRule>,
  rules: readonly TestRule[],
  flow: FlowWords,
  random: () => number,
): void {
  const plain = classifier.lookup(flow);
  assert.equal(plain?.priority ?? -1, highest(rules, flow));
  assert.ok(plain === null || sparseMatchesFlow(plain.match, flow));
  const wildcards = createFlow();
  assert.equal(classifier.lookup(flow, wildcards), plain);
  const traced = createFlow();
  const steps: LookupStep<TestRule>[] = [];
  assert.equal(classifier.lookup(flow, traced, { step: (step) => steps.push(step) }), plain);
  assert.deepEqual(traced, wildcards);
  const union = createFlow();
  for (const step of steps) {
    step.mask.forEach((bits, word) => {
      union[word] = union[word]! | bits;
    });
  }
  assert.deepEqual(union, wildcards);
  for (let round = 0; round < 25; round++) {
    assert.equal(classifier.lookup(complete(flow, wildcards, random)), plain);
  }
}

describe('which rules a match means', () => {
  const rulesArbitrary = fc.array(fc.tuple(matchArbitrary, fc.integer({ min: 0, max: 3 })), { maxLength: 30 });

  function fill(entries: readonly (readonly [Match, number])[]): {
    classifier: Classifier<TestRule>;
    rules: Set<TestRule>;
  } {
    const classifier = new Classifier<TestRule>();
    const rules = new Set<TestRule>();
    for (const [id, [match, priority]] of entries.entries()) {
      const rule = makeRule(id, match, priority);
      const old = classifier.insert(rule);
      if (old !== null) {
        rules.delete(old);
      }
      rules.add(rule);
    }
    return { classifier, rules };
  }

  test('loosely: rules that match all of its bits with the same values', () => {
    fc.assert(
      fc.property(rulesArbitrary, matchArbitrary, (entries, match) => {
        const { classifier, rules } = fill(entries);
        const expected = [...rules].filter((rule) => {
          const dense = denseMatch(rule.match);
          return match.masks.every(
            (bits, word) =>
              (bits & ~dense.masks[word]!) === 0 && ((match.values[word]! ^ dense.values[word]!) & bits) === 0,
          );
        });
        assert.deepEqual(new Set(classifier.matchingLoosely(sparseMatch(match))), new Set(expected));
      }),
    );
  });

  test('overlapping: some packet could match both, at the same priority', () => {
    fc.assert(
      fc.property(rulesArbitrary, matchArbitrary, fc.integer({ min: 0, max: 3 }), (entries, match, priority) => {
        const { classifier, rules } = fill(entries);
        const expected = [...rules].some((rule) => {
          const dense = denseMatch(rule.match);
          return (
            rule.priority === priority &&
            match.masks.every(
              (bits, word) => ((match.values[word]! ^ dense.values[word]!) & bits & dense.masks[word]!) === 0,
            )
          );
        });
        assert.equal(classifier.overlaps(sparseMatch(match), priority), expected);
      }),
    );
  });
});

test('many rules of one mask: the table grows and shrinks and finds each', () => {
  const classifier = new Classifier<TestRule>();
  const rules = Array.from({ length: 2000 }, (_, id) => {
    const match = createMatch();
    match.masks[W_IN_PORT] = -1;
    match.values[W_IN_PORT] = id % 100;
    match.masks[W_TP] = -1;
    match.values[W_TP] = id;
    return makeRule(id, match, id % 7);
  });
  for (const rule of rules) {
    assert.equal(classifier.insert(rule), null);
  }
  assert.equal(classifier.subtableCount, 1);
  for (const [index, rule] of rules.entries()) {
    assert.equal(classifier.lookup(denseMatch(rule.match).values), rule);
    if (index % 3 !== 0) {
      classifier.remove(rule);
      assert.equal(classifier.lookup(denseMatch(rule.match).values), null);
    }
  }
  assert.deepEqual(new Set(classifier.rules()), new Set(rules.filter((_, index) => index % 3 === 0)));
});
