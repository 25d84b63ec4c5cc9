import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  createFlow,
  type FlowHashFields,
  type FlowWords,
  hash5Tuple,
  hashEthSrc,
  hashFlowFields,
  hashPacketFlow,
  readBigBits,
  unwildcard5Tuple,
  unwildcardHashFields,
  W_ETH_DST,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_SRC,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_END,
  W_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  writeBigBits,
} from '../../../src/flow/index.ts';

const ALL_FIELDS: readonly FlowHashFields[] = [
  'eth_src',
  'symmetric_l4',
  'symmetric_l3l4',
  'symmetric_l3l4+udp',
  'symmetric_l3',
  'nw_src',
  'nw_dst',
];
const SYMMETRIC = ALL_FIELDS.filter((fields) => fields.startsWith('symmetric'));

const ETH_DST = W_ETH_DST * 32;
const ETH_SRC = W_ETH_DST * 32 + 48;

/** A flow as extraction gives it: only the address words of its IP version. */
const arbitraryPacketFlow: fc.Arbitrary<FlowWords> = fc
  .record({
    type: fc.constantFrom(0x0800, 0x86dd, 0x0806, 0x88b5),
    protocol: fc.constantFrom(1, 2, 6, 17, 47, 58, 132),
    vlan: fc.constantFrom(0, 0x81001064 | 0, 0x81002065 | 0),
    words: fc.array(fc.integer(), { minLength: 16, maxLength: 16 }),
  })
  .map(({ type, protocol, vlan, words }) => {
    const flow = createFlow();
    flow.set(words.slice(0, 3), W_ETH_DST);
    flow[W_VLAN0] = vlan;
    flow[W_TYPE_PROTO_FRAG] = type << 16;
    if (type === 0x0800 || type === 0x86dd) {
      flow[W_TYPE_PROTO_FRAG] = (type << 16) | (protocol << 8);
      flow[W_TP] = words[3]!;
    }
    if (type === 0x0800) {
      flow.set(words.slice(4, 6), W_NW_SRC);
    } else if (type === 0x86dd) {
      flow.set(words.slice(4, 12), W_IPV6_SRC);
    }
    return flow;
  });

/** The flow of the packets in the other direction. */
function reversed(flow: FlowWords): FlowWords {
  const reverse = flow.slice();
  writeBigBits(reverse, ETH_DST, 48, readBigBits(flow, ETH_SRC, 48));
  writeBigBits(reverse, ETH_SRC, 48, readBigBits(flow, ETH_DST, 48));
  reverse[W_NW_SRC] = flow[W_NW_DST]!;
  reverse[W_NW_DST] = flow[W_NW_SRC]!;
  reverse.set(flow.subarray(W_IPV6_DST, W_IPV6_DST + 4), W_IPV6_SRC);
  reverse.set(flow.subarray(W_IPV6_SRC, W_IPV6_SRC + 4), W_IPV6_DST);
  reverse[W_TP] = (flow[W_TP]! << 16) | (flow[W_TP]! >>> 16);
  return reverse;
}

function udpFlow(source: number, destination: number): FlowWords {
  const flow = createFlow();
  flow[W_TYPE_PROTO_FRAG] = 0x08001100;
  flow[W_NW_SRC] = 0x0a000001;
  flow[W_NW_DST] = 0x0a000002;
  flow[W_TP] = (source << 16) | destination;
  return flow;
}

describe('flow hashes', () => {
  for (const fields of SYMMETRIC) {
    it(`${fields} is the same in both directions`, () => {
      fc.assert(
        fc.property(arbitraryPacketFlow, fc.integer(), (flow, basis) => {
          assert.equal(hashFlowFields(reversed(flow), fields, basis), hashFlowFields(flow, fields, basis));
        }),
      );
    });
  }

  for (const fields of ALL_FIELDS) {
    it(`${fields} looks at nothing that unwildcardHashFields does not name`, () => {
      fc.assert(
        fc.property(arbitraryPacketFlow, arbitraryPacketFlow, (flow, noise) => {
          const wildcards = createFlow();
          unwildcardHashFields(flow, fields, wildcards);
          const other = flow.map((value, word) => (value & wildcards[word]!) | (noise[word]! & ~wildcards[word]!));
          assert.equal(hashFlowFields(other, fields, 1), hashFlowFields(flow, fields, 1));
        }),
      );
    });
  }

  it('hash5Tuple looks at nothing that unwildcard5Tuple does not name', () => {
    fc.assert(
      fc.property(arbitraryPacketFlow, arbitraryPacketFlow, (flow, noise) => {
        const wildcards = createFlow();
        unwildcard5Tuple(flow, wildcards);
        const other = flow.map((value, word) => (value & wildcards[word]!) | (noise[word]! & ~wildcards[word]!));
        assert.equal(hash5Tuple(other, 1), hash5Tuple(flow, 1));
      }),
    );
  });

  it('leaves the ports out of a UDP flow, but for symmetric_l3l4+udp and the five tuple', () => {
    const a = udpFlow(1000, 53);
    const b = udpFlow(1001, 53);
    assert.equal(hashFlowFields(a, 'symmetric_l4', 0), hashFlowFields(b, 'symmetric_l4', 0));
    assert.equal(hashFlowFields(a, 'symmetric_l3l4', 0), hashFlowFields(b, 'symmetric_l3l4', 0));
    assert.notEqual(hashFlowFields(a, 'symmetric_l3l4+udp', 0), hashFlowFields(b, 'symmetric_l3l4+udp', 0));
    assert.notEqual(hash5Tuple(a, 0), hash5Tuple(b, 0));
  });

  it('does not look at ports of other protocols', () => {
    const flow = udpFlow(0, 0);
    flow[W_TYPE_PROTO_FRAG] = 0x08002f00;
    const wildcards = createFlow();
    unwildcardHashFields(flow, 'symmetric_l3l4+udp', wildcards);
    assert.equal(wildcards[W_TP], 0);
  });

  it('is 0 for symmetric_l3 and symmetric_l3l4 of what is not IP', () => {
    const flow = createFlow();
    flow[W_TYPE_PROTO_FRAG] = 0x08060000;
    for (const fields of ['symmetric_l3', 'symmetric_l3l4', 'symmetric_l3l4+udp'] as const) {
      assert.equal(hashFlowFields(flow, fields, 5), 0);
    }
  });

  it('spreads the flows of one client over buckets', () => {
    for (const hash of [hash5Tuple, hashPacketFlow]) {
      const buckets = new Array<number>(8).fill(0);
      for (let port = 0; port < 4096; port++) {
        buckets[hash(udpFlow(0x8000 + port, 53), 0) & 7]!++;
      }
      assert.ok(Math.min(...buckets) > 440 && Math.max(...buckets) < 590, buckets.join(' '));
    }
  });

  it('keeps the two ends of a connection apart in the hash of a packet', () => {
    const flow = udpFlow(1000, 53);
    assert.notEqual(hashPacketFlow(flow, 0), hashPacketFlow(reversed(flow), 0));
    const elsewhere = flow.slice();
    elsewhere[W_IN_PORT] = 3;
    assert.notEqual(hashPacketFlow(elsewhere, 0), hashPacketFlow(flow, 0));
  });

  it('takes every byte of a source address and the VLAN into hashEthSrc', () => {
    const hashes = new Set([
      hashEthSrc(createFlow(), 0, 0),
      hashEthSrc(createFlow(), 1, 0),
      hashEthSrc(createFlow(), 0, 1),
    ]);
    for (let byte = 0; byte < 6; byte++) {
      const flow = createFlow();
      writeBigBits(flow, ETH_SRC + 8 * byte, 8, 1n);
      hashes.add(hashEthSrc(flow, 0, 0));
    }
    assert.equal(hashes.size, 9);
  });

  it('does not look behind the words of packets', () => {
    const flow = udpFlow(1, 2);
    const other = flow.slice().fill(-1, W_PACKET_END);
    assert.equal(hashPacketFlow(other, 0), hashPacketFlow(flow, 0));
  });
});
