/**
 * Conjunctive match: the tables of Open vSwitch's own tests, and agreement with a linear reading of ovs-fields(7).
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createFlow, type FlowWords, W_CONJ_ID } from '../../../src/flow/index.ts';
import { Classifier } from '../../../src/ofproto/classifier.ts';
import { type Conjunction, satisfiedConjunctions } from '../../../src/ofproto/conjunction.ts';
import { type SparseMatch, sparseMatch, sparseMatchesFlow } from '../../../src/ofproto/sparse-match.ts';
import { flow, maskText, match } from './flow-text.ts';

interface TestRule {
  readonly name: string;
  readonly match: SparseMatch;
  readonly priority: number;
  readonly conjunctions: readonly Conjunction[] | null;
}

/** `priority match => name`, or `priority match => conjunction(id,k/n) …` with k from 1. */
function parseRule(text: string): TestRule {
  const [, priority, matchText, action] = /^(\d+) (\S*) => (.*)$/.exec(text)!;
  const conjunctions = [...action!.matchAll(/conjunction\((\d+),(\d+)\/(\d+)\)/g)].map((found) => ({
    id: Number(found[1]),
    clause: Number(found[2]) - 1,
    clauses: Number(found[3]),
  }));
  return {
    name: action!,
    match: sparseMatch(match(matchText!)),
    priority: Number(priority),
    conjunctions: conjunctions.length > 0 ? conjunctions : null,
  };
}

function classifierOf(rules: readonly TestRule[]): Classifier<TestRule> {
  const classifier = new Classifier<TestRule>();
  for (const rule of rules) {
    classifier.insert(rule);
  }
  return classifier;
}

describe("Open vSwitch's tables", () => {
  test('single conjunctive match', () => {
    const classifier = classifierOf(
      [
        '32768 conj_id=1 => 3',
        ...[1, 4, 6, 7].map((host) => `100 ip,nw_src=10.0.0.${host} => conjunction(1,1/2)`),
        ...[2, 5, 7, 8].map((host) => `100 ip,nw_dst=10.0.0.${host} => conjunction(1,2/2)`),
        '100 ip,nw_src=10.0.0.1,nw_dst=10.0.0.4 => 4',
        '100 ip,nw_src=10.0.0.3,nw_dst=10.0.0.5 => 5',
        '0  => 2',
      ].map(parseRule),
    );
    for (let source = 0; source < 8; source++) {
      for (let destination = 0; destination < 8; destination++) {
        const isSatisfied = [1, 4, 6, 7].includes(source) && [2, 5, 7].includes(destination);
        const others: Record<string, string> = { '14': '4', '35': '5' };
        const expected = others[`${source}${destination}`] ?? (isSatisfied ? '3' : '2');
        const packet = flow(`in_port=1,ip,nw_src=10.0.0.${source},nw_dst=10.0.0.${destination}`);
        assert.equal(classifier.lookup(packet)?.name, expected, `${source} ${destination}`);
      }
    }
  });

  test('conjunctive match priority fallback', () => {
    const classifier = classifierOf(
      [
        '32768 conj_id=1 => 1',
        '32768 conj_id=3 => 3',
        ...[1, 2].map((host) => `5 ip,nw_src=10.0.0.${host} => conjunction(1,1/2)`),
        ...[1, 2, 3].map((host) => `5 ip,nw_dst=10.0.0.${host} => conjunction(1,2/2)`),
        '4 ip,nw_src=10.0.0.3,nw_dst=10.0.0.2 => 2',
        ...[1, 3].map((host) => `3 ip,nw_src=10.0.0.${host} => conjunction(3,1/2)`),
        ...[2, 3, 4].map((host) => `3 ip,nw_dst=10.0.0.${host} => conjunction(3,2/2)`),
        '2 ip,nw_dst=10.0.0.1 => 4',
        '1 ip,nw_src=10.0.0.1,nw_dst=10.0.0.5 => 5',
        '0  => 6',
      ].map(parseRule),
    );
    for (let source = 0; source < 4; source++) {
      for (let destination = 0; destination < 6; destination++) {
        const pair = `${source}${destination}`;
        const [, expected] = (
          [
            [/[12][123]/, '1'],
            [/32/, '2'],
            [/[13][234]/, '3'],
            [/.1/, '4'],
            [/15/, '5'],
            [/../, '6'],
          ] as const
        ).find(([pattern]) => pattern.test(pair))!;
        const packet = flow(`in_port=7,ip,nw_src=10.0.0.${source},nw_dst=10.0.0.${destination}`);
        assert.equal(classifier.lookup(packet)?.name, expected, pair);
      }
    }
  });
});

test('the lookup by id counts the bits of the clauses and not conj_id; the flow is left as it was', () => {
  const classifier = classifierOf(
    [
      '9 conj_id=7,ip => hit',
      '5 ip,nw_src=10.0.0.1 => conjunction(7,1/2)',
      '5 tcp,tp_dst=80 => conjunction(7,2/2)',
      '1  => miss',
    ].map(parseRule),
  );
  const packet = flow('in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=80,conj_id=9');
  const wildcards = createFlow();
  wildcards[W_CONJ_ID] = 0x10;
  assert.equal(classifier.lookup(packet, wildcards)?.name, 'hit');
  assert.equal(maskText(wildcards), 'conj_id,dl_type,nw_proto,nw_src,tp_dst', 'the first lookup looked at conj_id 9');
  assert.equal(packet[W_CONJ_ID], 9);
});

test('clauses count once each, and only with the same number of clauses', () => {
  const rule = (id: number, clause: number, clauses: number) => ({
    priority: 1,
    conjunctions: [{ id, clause, clauses }],
  });
  assert.deepEqual(satisfiedConjunctions([rule(1, 0, 2), rule(1, 0, 2)], 1), []);
  assert.deepEqual(satisfiedConjunctions([rule(1, 0, 2), rule(1, 1, 3)], 1), []);
  assert.deepEqual(satisfiedConjunctions([rule(9, 0, 2), rule(1, 0, 1), rule(9, 1, 2)], 1), [1, 9]);
  assert.deepEqual(satisfiedConjunctions([rule(1, 0, 1)], 2), []);
});

/** The answer by reading all rules; without `conj_id` rules of equal priority that could both match. */
function linearLookup(rules: readonly TestRule[], packet: FlowWords): number {
  const matching = rules.filter((rule) => sparseMatchesFlow(rule.match, packet));
  const bestOf = (candidates: readonly TestRule[]): number =>
    Math.max(-1, ...candidates.filter((rule) => rule.conjunctions === null).map((rule) => rule.priority));
  const hard = bestOf(matching);
  const soft = matching.filter((rule) => rule.conjunctions !== null && rule.priority > hard);
  for (const priority of [...new Set(soft.map((rule) => rule.priority))].sort((a, b) => b - a)) {
    for (const id of satisfiedConjunctions(soft, priority)) {
      const again = packet.slice();
      again[W_CONJ_ID] = id;
      const found = bestOf(rules.filter((rule) => sparseMatchesFlow(rule.match, again)));
      if (found >= 0) {
        return found;
      }
    }
  }
  return hard;
}

test('lookup agrees with a linear reading, with sound wildcards', () => {
  const host = fc.integer({ min: 0, max: 3 });
  const matchText = fc.oneof(
    host.map((each) => `ip,nw_src=10.0.0.${each}`),
    host.map((each) => `ip,nw_dst=10.0.0.${each}`),
    fc.tuple(host, host).map(([a, b]) => `ip,nw_src=10.0.0.${a},nw_dst=10.0.0.${b}`),
    host.map((each) => `tcp,tp_dst=${each}`),
    host.map((each) => `conj_id=${each}`),
    fc.tuple(host, host).map(([id, each]) => `conj_id=${id},tcp,tp_dst=${each}`),
    fc.constant(''),
  );
  const action = fc.oneof(
    { weight: 1, arbitrary: fc.constant('hard') },
    {
      weight: 2,
      arbitrary: fc
        .array(fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })), { minLength: 1, maxLength: 2 })
        .map((clauses) => clauses.map(([id, clause]) => `conjunction(${id},${clause}/2)`).join(' ')),
    },
  );
  const ruleArbitrary = fc
    .tuple(fc.integer({ min: 0, max: 6 }), matchText, action)
    .map(([priority, text, result]) => parseRule(`${priority} ${text} => ${result}`));
  const packetArbitrary = fc
    .tuple(host, host, host, fc.constantFrom(6, 17))
    .map(([a, b, port, protocol]) =>
      flow(`in_port=1,dl_type=0x800,nw_proto=${protocol},nw_src=10.0.0.${a},nw_dst=10.0.0.${b},tp_dst=${port}`),
    );
  fc.assert(
    fc.property(
      fc.array(ruleArbitrary, { maxLength: 20 }),
      fc.array(packetArbitrary, { minLength: 8, maxLength: 8 }),
      (rules, packets) => {
        const classifier = new Classifier<TestRule>();
        const present = new Set<TestRule>();
        for (const rule of rules) {
          const old = classifier.insert(rule);
          if (old !== null) {
            present.delete(old);
          }
          present.add(rule);
        }
        for (const packet of packets) {
          const wildcards = createFlow();
          const found = classifier.lookup(packet, wildcards);
          assert.equal(found?.priority ?? -1, linearLookup([...present], packet));
          for (const other of packets) {
            const inside = other.map(
              (word, index) => (packet[index]! & wildcards[index]!) | (word & ~wildcards[index]!),
            );
            assert.equal(classifier.lookup(inside), found);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});
