/**
 * How few bits a lookup looks at: the tables and packets of Open vSwitch's own tests of its classifier.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFlow } from '../../../src/flow/index.ts';
import { Classifier } from '../../../src/ofproto/classifier.ts';
import type { Conjunction } from '../../../src/ofproto/conjunction.ts';
import type { LookupStep } from '../../../src/ofproto/lookup-trace.ts';
import { type SparseMatch, sparseMatch } from '../../../src/ofproto/sparse-match.ts';
import { flow, maskText, match } from './flow-text.ts';

interface TestRule {
  readonly name: string;
  readonly match: SparseMatch;
  readonly priority: number;
  readonly conjunctions: readonly Conjunction[] | null;
}

/** Rules as `priority match => name`. */
function classifierOf(rules: readonly string[], prefixFields?: readonly string[]): Classifier<TestRule> {
  const classifier = new Classifier<TestRule>(prefixFields);
  for (const rule of rules) {
    const [, priority, text, name] = /^(\d+) (\S*) => (.*)$/.exec(rule)!;
    classifier.insert({
      name: name!,
      match: sparseMatch(match(text!)),
      priority: Number(priority),
      conjunctions: null,
    });
  }
  return classifier;
}

/** `name: bits looked at` */
function decide(classifier: Classifier<TestRule>, text: string): string {
  const wildcards = createFlow();
  const rule = classifier.lookup(flow(text), wildcards);
  return `${rule?.name ?? 'none'}: ${maskText(wildcards)}`;
}

const SEGMENTATION = [
  '16 in_port=1,tcp,nw_dst=10.1.0.0/16 => 3',
  '32 in_port=1,tcp,nw_dst=10.1.2.15 => 2',
  '33 in_port=1,tcp,nw_dst=10.1.2.15,tp_dst=80 => drop',
  '0 in_port=1,ip => drop',
  '16 in_port=2,tcp,nw_dst=192.168.0.0/16 => 1',
  '0 in_port=2,ip => drop',
  '16 in_port=3,tcp,nw_src=10.1.0.0/16 => 1',
  '0 in_port=3,ip => drop',
];

describe('lookup segmentation', () => {
  const classifier = classifierOf(SEGMENTATION);

  test('ports stay wildcarded where no rule for the input port looks at them', () => {
    const packet = 'in_port=2,tcp,nw_src=192.168.0.1,nw_dst=192.168.0.2,nw_ttl=128,tp_src=8,tp_dst=80';
    assert.equal(decide(classifier, packet), '1: in_port,dl_type,nw_proto,nw_dst/16');
  });

  test('an address that differs from all rules in its first byte counts 8 bits, and the protocol none', () => {
    const packet = 'in_port=1,tcp,nw_src=192.168.0.1,nw_dst=11.1.2.15,nw_ttl=128,tp_src=8,tp_dst=80';
    assert.equal(decide(classifier, packet), 'drop: in_port,dl_type,nw_dst/8');
  });

  test('a rule that matches counts all its bits', () => {
    const packet = 'in_port=1,tcp,nw_src=192.168.0.1,nw_dst=10.1.2.15,nw_ttl=128,tp_src=8,tp_dst=80';
    assert.equal(decide(classifier, packet), 'drop: in_port,dl_type,nw_proto,nw_dst,tp_dst');
  });

  test('a port that no rule has counts the bits that tell it from those that are', () => {
    const packet = 'in_port=1,tcp,nw_src=192.168.0.1,nw_dst=10.1.2.15,nw_ttl=128,tp_src=8,tp_dst=79';
    assert.equal(decide(classifier, packet), '2: in_port,dl_type,nw_proto,nw_dst,tp_dst/0xfff0');
  });

  test('a packet from a port without rules counts nothing but the port', () => {
    assert.equal(decide(classifier, 'in_port=9,tcp,nw_dst=10.1.2.15,tp_dst=80'), 'none: in_port');
  });
});

describe('lookup segmentation, final stage', () => {
  const classifier = classifierOf([
    '33 in_port=1,tcp,tp_dst=80,tcp_flags=0x8/0x8 => 2',
    '0 in_port=1,ip => drop',
    '16 in_port=2,icmp6,nw_ttl=255,tp_src=135,tp_dst=0,nd_target=1 => 1',
    '0 in_port=2,ip => drop',
  ]);
  const tcp = 'in_port=1,tcp,nw_src=192.168.0.1,nw_dst=192.168.0.2,tp_src=8';

  for (const [packet, expected] of [
    [`${tcp},tp_dst=80,tcp_flags=2`, 'drop: in_port,dl_type,nw_proto,tcp_flags/0x8,tp_dst'],
    [`${tcp},tp_dst=80,tcp_flags=24`, '2: in_port,dl_type,nw_proto,tcp_flags/0x8,tp_dst'],
    [`${tcp},tp_dst=79`, 'drop: in_port,dl_type,nw_proto,tcp_flags/0x8,tp_dst/0xfff0'],
    [`${tcp},tp_dst=81`, 'drop: in_port,dl_type,nw_proto,tcp_flags/0x8,tp_dst'],
    ['in_port=2,icmp6,nw_ttl=255,tp_src=128', 'none: in_port,dl_type,nw_proto,nw_ttl,nd_target,tp_src/0xfffc'],
    [
      'in_port=2,icmp6,nw_ttl=255,tp_src=135,nd_target=2',
      'none: in_port,dl_type,nw_proto,nw_ttl,nd_target,tp_src,tp_dst',
    ],
  ] as const) {
    test(packet, () => assert.equal(decide(classifier, packet), expected));
  }
});

describe('prefix lookup', () => {
  const rules = [
    '16 in_port=1,tcp,nw_dst=10.1.0.0/16 => 3',
    '32 in_port=1,tcp,nw_dst=10.1.2.0/24,tp_src=79 => 2',
    '33 in_port=1,tcp,nw_dst=10.1.2.15,tp_dst=80 => drop',
    '33 in_port=1,tcp,nw_dst=10.1.2.15,tp_dst=8080 => 2',
    '33 in_port=1,tcp,nw_dst=10.1.2.15,tp_dst=192 => 2',
    '0 in_port=1,ip => drop',
    '16 in_port=2,tcp,nw_dst=192.168.0.0/16 => 1',
    '0 in_port=2,ip => drop',
    '16 in_port=3,tcp,nw_src=10.1.0.0/16 => 1',
    '0 in_port=3,ip => drop',
  ];

  test('another input port has the prefix: 16 bits decide', () => {
    const packet = 'in_port=1,tcp,nw_src=192.168.0.1,nw_dst=192.168.0.2,tp_src=8,tp_dst=80';
    assert.equal(decide(classifierOf(rules), packet), 'drop: in_port,dl_type,nw_proto,nw_dst/16');
  });

  test('several ports in the trie', () => {
    const packet = 'in_port=1,tcp,nw_src=192.168.0.1,nw_dst=10.1.2.15,tp_src=8,tp_dst=79';
    assert.equal(decide(classifierOf(rules), packet), '3: in_port,dl_type,nw_proto,nw_dst,tp_src/0xffc0,tp_dst/0xfff0');
  });

  test('without tries the whole address counts', () => {
    const packet = 'in_port=1,tcp,nw_src=192.168.0.1,nw_dst=10.1.3.16,tp_src=8,tp_dst=79';
    const wide = '3: in_port,dl_type,nw_proto,nw_dst';
    const narrow = '3: in_port,dl_type,nw_proto,nw_dst/24';
    assert.equal(decide(classifierOf(rules, []), packet), wide);
    const classifier = classifierOf(rules);
    assert.equal(decide(classifier, packet), narrow);
    classifier.setPrefixFields([]);
    assert.equal(decide(classifier, packet), wide);
    classifier.setPrefixFields(['nw_dst']);
    assert.equal(decide(classifier, packet), narrow);
  });
});

test('a trie that would need more bits than the subtable has is not used', () => {
  const classifier = classifierOf(['10 in_port=1,nw_dst=11.0.0.0/16 => wide', '5 in_port=2,nw_dst=10.1.2.3 => long']);
  assert.equal(decide(classifier, 'in_port=1,nw_dst=10.1.2.4'), 'none: in_port,nw_dst/16');
});

describe('priority', () => {
  test('subtables that cannot outrank the hit are not looked at', () => {
    const classifier = classifierOf([
      '10 in_port=1 => high',
      '9 in_port=1,ip,nw_src=10.0.0.1 => low',
      '9 tcp,tp_dst=80 => low',
    ]);
    assert.equal(decide(classifier, 'in_port=1,tcp,nw_src=10.0.0.1,tp_dst=80'), 'high: in_port');
  });

  test('of overlapping rules of one priority the first subtable wins, until its highest priority falls', () => {
    const classifier = classifierOf(['5 in_port=1 => first', '5 reg0=1 => second']);
    assert.equal(decide(classifier, 'in_port=1,reg0=1'), 'first: in_port');
    classifier.insert({ name: 'raise', match: sparseMatch(match('reg0=7')), priority: 9, conjunctions: null });
    assert.equal(decide(classifier, 'in_port=1,reg0=1'), 'second: reg0');
  });

  test('equal matches of different priorities: the highest, then the next', () => {
    const classifier = classifierOf(['1 in_port=1 => one', '3 in_port=1 => three', '2 in_port=1 => two']);
    for (const name of ['three', 'two', 'one']) {
      const rule = classifier.lookup(flow('in_port=1'))!;
      assert.equal(rule.name, name);
      classifier.remove(rule);
    }
    assert.equal(classifier.lookup(flow('in_port=1')), null);
  });
});

test('a trace tells who asked for what', () => {
  const classifier = classifierOf(SEGMENTATION);
  const steps: LookupStep<TestRule>[] = [];
  const packet = flow('in_port=1,tcp,nw_src=192.168.0.1,nw_dst=10.1.2.15,tp_src=8,tp_dst=79');
  classifier.lookup(packet, createFlow(), { step: (step) => steps.push(step) });
  assert.deepEqual(
    steps.map((step) => `${step.priority} ${step.kind} ${step.stage} ${step.field}: ${maskText(step.mask)}`),
    [
      '33 ports L4 null: in_port,dl_type,nw_proto,nw_dst,tp_dst/0xfff0',
      '32 rule L3 null: in_port,dl_type,nw_proto,nw_dst',
    ],
  );
  assert.equal(steps[1]!.rule.name, '2');
});
