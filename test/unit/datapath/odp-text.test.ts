import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  DatapathError,
  formatDatapathActions,
  formatDatapathFlow,
  formatFlowKey,
  parseDatapathActions,
  parseDatapathFlow,
  parseFlowKey,
  parseUfid,
} from '../../../src/datapath/index.ts';
import { W_CT_STATE_PROTO_ZONE, W_MPLS, W_RECIRC_ID, W_TP, W_TYPE_PROTO_FRAG } from '../../../src/flow/index.ts';
import { arbitraryActions } from '../../support/arbitrary-datapath.ts';
import { arbitraryKeyAndMask } from '../../support/arbitrary-key.ts';

/** Lines that Open vSwitch 3.1 printed for packets through a pipeline, and for flows added with `dpctl/add-flow`. */
function corpus(name: string): string[] {
  const text = readFileSync(new URL(`./dump-flows-${name}.txt`, import.meta.url), 'utf8');
  return text.split('\n').filter((line) => line !== '');
}

const PORTS = ['ovs-dummy', 'p1', 'p2', 'p3', 'p4', 'p5', 'vx', 'gnv'];
const portName = (port: number): string | null => (port === 100 ? 'br0' : (PORTS[port] ?? null));
const portNumber = (name: string): number | null => (name === 'br0' ? 100 : PORTS.indexOf(name));

describe('flows as Open vSwitch prints them', () => {
  it('reads and prints the terse form', () => {
    for (const line of corpus('terse')) {
      assert.equal(formatDatapathFlow(parseDatapathFlow(line)), line);
    }
  });

  it('reads and prints the verbose form', () => {
    for (const line of corpus('verbose')) {
      assert.equal(formatDatapathFlow(parseDatapathFlow(line), { verbose: true }), line);
    }
  });

  it('reads and prints port names', () => {
    for (const line of corpus('names')) {
      assert.equal(formatDatapathFlow(parseDatapathFlow(line, { portNumber }), { verbose: true, portName }), line);
    }
  });

  it('says the same in both forms', () => {
    for (const line of corpus('verbose')) {
      const flow = parseDatapathFlow(line);
      const masked = { ...flow, key: flow.key.map((word, index) => word & flow.mask![index]!) };
      const terse = parseDatapathFlow(formatDatapathFlow(flow));
      assert.deepEqual(terse.mask, masked.mask, line);
      assert.deepEqual(terse.actions, flow.actions);
      assert.deepEqual(terse.stats, flow.stats);
    }
  });
});

describe('text of keys', () => {
  it('keeps key and mask in the verbose form', () => {
    fc.assert(
      fc.property(arbitraryKeyAndMask, ({ key, mask }) => {
        const text = formatFlowKey(key, mask, { verbose: true });
        const parsed = parseFlowKey(text);
        assert.deepEqual(parsed.key, key, text);
        assert.deepEqual(parsed.mask, mask, text);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the mask in the terse form, if it says which headers there are', () => {
    fc.assert(
      fc.property(arbitraryKeyAndMask, ({ key, mask }) => {
        for (const word of [
          W_RECIRC_ID,
          W_TYPE_PROTO_FRAG,
          W_TP,
          W_CT_STATE_PROTO_ZONE,
          W_MPLS,
          W_MPLS + 1,
          W_MPLS + 2,
        ]) {
          mask[word] = -1;
        }
        const text = formatFlowKey(key, mask);
        const parsed = parseFlowKey(text);
        assert.equal(formatFlowKey(parsed.key, parsed.mask), text);
      }),
      { numRuns: 500 },
    );
  });

  const errors: readonly [text: string, code: string, offset: number][] = [
    ['in_port(1),eth_type(0x0800),ipv4(src=1.2.3.4', 'FLOW_SYNTAX_INVALID', 44],
    ['in_port(1),foo(1)', 'FLOW_FIELD_UNKNOWN', 11],
    ['in_port(1),eth_type(0x0800),ipv4(foo=1)', 'FLOW_FIELD_UNKNOWN', 33],
    ['in_port(1),in_port(1)', 'FLOW_KEY_DUPLICATE', 11],
    ['in_port(zork)', 'FLOW_PORT_UNKNOWN', 8],
    ['eth_type(0x0800),ipv4(src=10.0.0.300)', 'FLOW_VALUE_INVALID', 26],
    ['eth_type(0x0800),ipv4(ttl=256)', 'FLOW_VALUE_INVALID', 26],
    ['eth_type(0x0800),ipv4(frag=yes)', 'FLOW_SYNTAX_INVALID', 27],
    ['eth(),vlan(vid=1)', 'FLOW_SYNTAX_INVALID', 11],
    ['eth(),encap()', 'FLOW_SYNTAX_INVALID', 6],
    ['eth(src=00:00:00:00:00)', 'FLOW_VALUE_INVALID', 8],
    ['tcp_flags(+zork)', 'FLOW_VALUE_INVALID', 10],
    ['in_port(1),', 'FLOW_SYNTAX_INVALID', 11],
  ];
  for (const [text, code, offset] of errors) {
    it(`refuses ${text}`, () => {
      assert.throws(() => parseFlowKey(text), { name: 'DatapathError', code, offset });
    });
  }
});

describe('text of actions', () => {
  it('keeps every list of actions', () => {
    fc.assert(
      fc.property(arbitraryActions, (actions) => {
        const text = formatDatapathActions(actions);
        // A masked set of all bits, or of none, reads as something else.
        fc.pre(!text.includes('()'));
        assert.equal(formatDatapathActions(parseDatapathActions(text)), text);
      }),
      { numRuns: 500 },
    );
  });

  it('prints explicit drops as drop', () => {
    assert.equal(formatDatapathActions([{ type: 'drop', reason: 4 }]), 'drop');
    assert.deepEqual(parseDatapathActions('drop'), []);
    assert.deepEqual(parseDatapathActions(''), []);
  });

  it('reads what people type', () => {
    assert.deepEqual(parseDatapathActions('1, 2 3'), [
      { type: 'output', port: 1 },
      { type: 'output', port: 2 },
      { type: 'output', port: 3 },
    ]);
    assert.deepEqual(parseDatapathActions('hash(hash_l4(0)),recirc(10)'), [
      { type: 'hash', algorithm: 'l4', basis: 0 },
      { type: 'recirc', recircId: 10 },
    ]);
  });

  const errors: readonly [text: string, code: string, offset: number][] = [
    ['1,foo(2)', 'ACTION_UNKNOWN', 2],
    ['zork', 'FLOW_PORT_UNKNOWN', 0],
    ['set(eth(src=00:01:02:03:04:05),1', 'ACTION_SYNTAX_INVALID', 30],
    ['set(in_port(1))', 'ACTION_VALUE_INVALID', 4],
    ['push_vlan(vid=1)', 'ACTION_VALUE_INVALID', 10],
    ['userspace(pid=0,slow_path(zork))', 'ACTION_VALUE_INVALID', 16],
    ['sample(sample=101%,actions(1))', 'ACTION_VALUE_INVALID', 14],
    ['1)', 'ACTION_SYNTAX_INVALID', 1],
    [`${'clone('.repeat(40)}1${')'.repeat(40)}`, 'ACTIONS_TOO_DEEP', 198],
  ];
  for (const [text, code, offset] of errors) {
    it(`refuses ${text.slice(0, 40)}`, () => {
      assert.throws(
        () => parseDatapathActions(text),
        (error) => error instanceof DatapathError && error.code === code && error.offset === offset,
      );
    });
  }
});

describe('UFIDs', () => {
  it('are read with and without hyphens', () => {
    const words = [0x0123_4567, 0x89ab_cdef, 0xdead_beef, 1];
    assert.deepEqual(parseUfid('01234567-89ab-cdef-dead-beef00000001'), words);
    assert.deepEqual(parseUfid('0123456789abcdefdeadbeef00000001'), words);
    assert.throws(() => parseUfid('01234567-89ab'), { code: 'FLOW_SYNTAX_INVALID' });
  });
});
