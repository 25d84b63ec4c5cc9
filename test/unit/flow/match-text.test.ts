import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  createMatchDraft,
  FIELDS,
  fieldBits,
  finishMatch,
  formatMatch,
  getMatchField,
  hasPrerequisites,
  type Match,
  type MatchField,
  matchTerm,
  type PortNames,
  parseMatch,
  requireField,
  setMatchField,
  splitTerms,
  W_IN_PORT,
  W_VLAN0,
} from '../../../src/flow/index.ts';
import { ACCEPTED, CARELESS, REFUSED, SHOWN_IN_FULL } from './match-corpus.ts';

const PORTS: PortNames = {
  numberOf: (name) => ({ p1: 1, 's1-eth2': 2 })[name],
  nameOf: () => undefined,
};
const STRICT = { ports: PORTS };
const COMPATIBLE = { ports: PORTS, ovsCompat: true };

/** Beginnings of matches that give every field its prerequisites in at least one of them. */
const CONTEXTS = [
  '',
  'in_port=1',
  'arp',
  'rarp',
  'ip',
  'ipv6',
  'tcp',
  'udp',
  'sctp',
  'icmp',
  'tcp6',
  'udp6',
  'sctp6',
  'icmp6',
  'ip,nw_proto=2',
  'icmp6,icmp_type=135,icmp_code=0',
  'icmp6,icmp_type=136,icmp_code=0',
  'mpls',
  'mplsm',
  'dl_type=0x894f',
  'dl_vlan=5',
  'ip,ct_state=+trk+new',
  'ipv6,ct_state=+trk-inv',
  'packet_type=(1,0x800)',
  'packet_type=(1,0x86dd),nw_proto=58',
  'packet_type=(1,0x806)',
] as const;
/** What says what a match is about: changing it after the context would take prerequisites away. */
const FIXED = new Set(['packet_type', 'eth_type', 'nw_proto', 'ip_frag', 'ct_state', 'icmpv6_type', 'icmpv6_code']);
const FREE_FIELDS = FIELDS.filter((field) => field.width > 0 && !FIXED.has(field.name));

interface Setting {
  readonly field: MatchField;
  readonly value: bigint;
  readonly mask: bigint;
}

const wide = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const setting: fc.Arbitrary<Setting> = fc
  .tuple(fc.constantFrom(...FREE_FIELDS), wide, wide)
  .map(([field, value, mask]) => ({
    field,
    value: plainPort(field, value),
    mask: field.maskable ? mask : fieldBits(field),
  }));

/** Numbers of ports that mean a port under every version of OpenFlow. */
function plainPort(field: MatchField, value: bigint): bigint {
  return field.format === 'openflow-port' ? value % 0xff00n : value;
}

function buildMatch(context: string, settings: readonly Setting[]): Match {
  const match = parseMatch(context);
  for (const { field, value, mask } of settings) {
    if (hasPrerequisites(match, field)) {
      setMatchField(match, field, value, mask);
    }
  }
  return match;
}

describe('matches in text', () => {
  for (const [text, shown] of ACCEPTED) {
    it(`${text} is shown as ${shown}`, () => {
      assert.equal(formatMatch(parseMatch(text, STRICT)), shown);
      assert.equal(formatMatch(parseMatch(text, COMPATIBLE)), shown);
    });
  }
  for (const [text, shown, code] of CARELESS) {
    it(`${text} is refused, or taken as ${shown} when asked to`, () => {
      assert.throws(() => parseMatch(text, STRICT), { name: 'MatchError', code });
      assert.equal(formatMatch(parseMatch(text, COMPATIBLE)), shown);
    });
  }
  for (const [text, code] of REFUSED) {
    it(`${text} is refused`, () => {
      assert.throws(() => parseMatch(text, STRICT), { name: 'MatchError', code });
    });
  }
  for (const [text, , ours] of SHOWN_IN_FULL) {
    it(`${text} is shown in full`, () => {
      assert.equal(formatMatch(parseMatch(text, STRICT)), ours);
      assert.deepEqual(parseMatch(ours), parseMatch(text));
    });
  }

  it('mean the same when they come back from what is shown', () => {
    for (const [text, shown] of ACCEPTED) {
      const match = parseMatch(text, STRICT);
      // An Ethernet packet_type is not shown.
      if (!text.startsWith('eth,') && text !== 'eth' && !text.includes('packet_type=(0,0)')) {
        assert.deepEqual(parseMatch(shown), match, text);
      }
    }
  });

  it('come back from their text, whatever they match on', () => {
    const unseen = new Set(FREE_FIELDS);
    fc.assert(
      fc.property(fc.constantFrom(...CONTEXTS), fc.array(setting, { maxLength: 14 }), (context, settings) => {
        const match = buildMatch(context, settings);
        for (const { field, mask } of settings) {
          if (mask !== 0n && getMatchField(match, field).mask !== 0n) {
            unseen.delete(field);
          }
        }
        const text = formatMatch(match);
        assert.deepEqual(parseMatch(text), match, text);
      }),
      { numRuns: 3000, seed: 20240607 },
    );
    assert.deepEqual(
      [...unseen].map((field) => field.name),
      [],
    );
  });

  it('do not depend on the order of their terms', () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(...ACCEPTED.map(([, shown]) => shown))
          .chain((shown) => fc.shuffledSubarray(splitTerms(shown), { minLength: splitTerms(shown).length })),
        (terms) => {
          const text = terms.map(({ key, value }) => (value === null ? key : `${key}=${value}`)).join(',');
          const inOrder = splitTerms(formatMatch(parseMatch(text)));
          assert.deepEqual(new Set(inOrder.map((term) => term.key)), new Set(terms.map((term) => term.key)));
        },
      ),
    );
  });

  it('are read term by term among other keys', () => {
    const draft = createMatchDraft();
    const others: string[] = [];
    for (const { key, value } of splitTerms('table=0, priority=10,tcp,in_port=1,actions=output:2')) {
      if (!matchTerm(draft, key, value)) {
        others.push(`${key}=${value}`);
      }
    }
    assert.deepEqual(others, ['table=0', 'priority=10', 'actions=output:2']);
    assert.equal(formatMatch(finishMatch(draft)), 'tcp,in_port=1');
  });

  it('name the ports when names are known', () => {
    const names: PortNames = { numberOf: PORTS.numberOf, nameOf: (number) => ({ 1: 'p1', 2: 's1-eth2' })[number] };
    const match = parseMatch('in_port=s1-eth2,actset_output=p1', { ports: names });
    assert.equal(formatMatch(match, { ports: names }), 'actset_output=p1,in_port="s1-eth2"');
    assert.equal(formatMatch(match), 'actset_output=1,in_port=2');
  });

  it('give the same words for a port by both of its fields', () => {
    assert.deepEqual(parseMatch('in_port=LOCAL'), parseMatch('in_port_oxm=LOCAL'));
    assert.equal(parseMatch('in_port=LOCAL').values[W_IN_PORT], 0xfffe);
  });

  it('say what lacks which prerequisite', () => {
    assert.throws(() => parseMatch('ip,tp_dst=80'), {
      code: 'PREREQUISITE_MISSING',
      message:
        'prerequisites not met for setting tp_dst (expected tcp or tcp6 or udp or udp6 or sctp or sctp6 or icmp or icmp6 in the same match)',
    });
    assert.throws(
      () => parseMatch('tcp,nw_frag=later,tcp_dst=80'),
      /expected tcp or tcp6 in the same match, and not nw_frag=later/,
    );
  });

  it('say what contradicts what', () => {
    assert.throws(() => parseMatch('dl_vlan=3,vlan_tci=0x1004'), {
      code: 'MATCH_CONFLICT',
      message: 'vlan_tci=0x1004: vlan_tci contradicts dl_vlan given before',
    });
    assert.throws(() => parseMatch('reg0=1,reg0=2'), { message: 'reg0=2: field reg0 set multiple times' });
    assert.throws(() => parseMatch('tcp,udp'), { message: 'udp: network protocol set multiple times' });
  });
});

describe('a field of a match', () => {
  it('is what was set, and nothing once it is cleared', () => {
    fc.assert(
      fc.property(setting, ({ field, value, mask }) => {
        const match = parseMatch('');
        setMatchField(match, field, value, mask);
        const decided = mask & fieldBits(field);
        assert.deepEqual(getMatchField(match, field), { value: value & decided, mask: decided });
        setMatchField(match, field, 0n, 0n);
        assert.equal(getMatchField(match, field).mask, 0n);
      }),
    );
  });

  it('dl_vlan says that there is a tag, and 0xffff that there is none', () => {
    const match = parseMatch('dl_vlan=5');
    assert.deepEqual([match.values[W_VLAN0], match.masks[W_VLAN0]], [0x1005, 0x1fff]);
    setMatchField(match, requireField('dl_vlan'), 0xffffn, 0xffffn);
    assert.deepEqual([match.values[W_VLAN0], match.masks[W_VLAN0]], [0, 0xffff]);
    assert.equal(getMatchField(match, requireField('dl_vlan')).value, 0xffffn);
  });
});

describe('splitTerms', () => {
  it('splits as ovs-ofctl does', () => {
    for (const [text, terms] of [
      ['a=b,c', ['a', 'b', 'c', null]],
      ['a(b,c),d', ['a', 'b,c', 'd', null]],
      ['a:b', ['a', 'b']],
      ['a=b(c,d)e,f', ['a', 'b(c,d)e', 'f', null]],
      ['a =b', ['a', null, '', 'b']],
      ['a= b', ['a', '', 'b', null]],
      ['a==b', ['a', '=b']],
      [' a ,,\tb\n', ['a', null, 'b', null]],
      ['a(b', ['a', 'b']],
      ['a=b=c', ['a', 'b=c']],
      ['a(b)c', ['a', 'b', 'c', null]],
      ['a=b)c,d', ['a', 'b)c', 'd', null]],
      ['', []],
    ] as const) {
      assert.deepEqual(
        splitTerms(text).flatMap(({ key, value }) => [key, value]),
        terms,
        text,
      );
    }
  });
});
