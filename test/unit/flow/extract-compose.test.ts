import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  createFlow,
  EXTRACT_OK,
  extractFlow,
  FLOW_WORDS,
  readField,
  requireField,
  W_MPLS,
  W_VLAN0,
  W_VLAN1,
} from '../../../src/flow/index.ts';
import { composePacket, type FrameSpec } from '../../../src/wire/index.ts';

type Fields = Record<string, bigint | number>;

/** A part of a frame and the fields that say the same. */
interface Part {
  readonly spec: FrameSpec;
  readonly fields: Fields;
}

const uint8 = fc.integer({ min: 0, max: 0xff });
const uint16 = fc.integer({ min: 0, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });
const uint48 = fc.bigInt({ min: 0n, max: 0xffffffffffffn });
const uint128 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const bits = (count: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** count - 1 });

const link: fc.Arbitrary<Part> = fc
  .record({
    source: uint48,
    destination: uint48,
    vlans: fc.array(fc.record({ vlanId: bits(12), priority: bits(3), dropEligible: fc.boolean() }), { maxLength: 2 }),
  })
  .map(({ source, destination, vlans }) => ({
    spec: { ethernet: { source, destination }, vlans },
    fields: {
      eth_src: source,
      eth_dst: destination,
      ...(vlans[0] === undefined ? {} : { vlan_tci: (vlans[0].priority << 13) | 0x1000 | vlans[0].vlanId }),
    },
  }));

const ports = fc.record({ sourcePort: uint16, destinationPort: uint16 });

function transport(isIpv6: boolean): fc.Arbitrary<Part> {
  const icmp = fc.record({ type: uint8, code: uint8 });
  return fc.oneof(
    fc.record({ ports, flags: bits(12) }).map(({ ports: { sourcePort, destinationPort }, flags }) => ({
      spec: { tcp: { sourcePort, destinationPort, flags } },
      fields: { nw_proto: 6, tcp_src: sourcePort, tcp_dst: destinationPort, tcp_flags: flags },
    })),
    ports.map(({ sourcePort, destinationPort }) => ({
      spec: { udp: { sourcePort, destinationPort } },
      fields: { nw_proto: 17, udp_src: sourcePort, udp_dst: destinationPort },
    })),
    ports.map(({ sourcePort, destinationPort }) => ({
      spec: { sctp: { sourcePort, destinationPort } },
      fields: { nw_proto: 132, sctp_src: sourcePort, sctp_dst: destinationPort },
    })),
    icmp
      .filter(({ type }) => !isIpv6 || (type !== 135 && type !== 136))
      .map(({ type, code }) =>
        isIpv6
          ? { spec: { icmpv6: { type, code } }, fields: { nw_proto: 58, icmpv6_type: type, icmpv6_code: code } }
          : { spec: { icmp: { type, code } }, fields: { nw_proto: 1, icmp_type: type, icmp_code: code } },
      ),
  );
}

const ipv4: fc.Arbitrary<Part> = fc
  .tuple(
    fc.record({
      source: uint32,
      destination: uint32,
      tos: uint8,
      ttl: uint8,
      moreFragments: fc.boolean(),
      options: fc.integer({ min: 0, max: 10 }).map((words) => new Uint8Array(4 * words).fill(1)),
    }),
    transport(false),
  )
  .map(([header, inner]) => ({
    spec: { ipv4: header, ...inner.spec },
    fields: {
      eth_type: 0x0800,
      nw_src: header.source,
      nw_dst: header.destination,
      nw_ttl: header.ttl,
      ip_dscp: header.tos >>> 2,
      nw_ecn: header.tos & 3,
      ip_frag: header.moreFragments ? 1 : 0,
      ...inner.fields,
    },
  }));

const ipv6: fc.Arbitrary<Part> = fc
  .tuple(
    fc.record({ source: uint128, destination: uint128, trafficClass: uint8, hopLimit: uint8, flowLabel: bits(20) }),
    transport(true),
  )
  .map(([header, inner]) => ({
    spec: { ipv6: header, ...inner.spec },
    fields: {
      eth_type: 0x86dd,
      ipv6_src: header.source,
      ipv6_dst: header.destination,
      ipv6_label: header.flowLabel,
      nw_ttl: header.hopLimit,
      ip_dscp: header.trafficClass >>> 2,
      nw_ecn: header.trafficClass & 3,
      ...inner.fields,
    },
  }));

const arp: fc.Arbitrary<Part> = fc
  .record({ operation: uint8, senderEthernet: uint48, senderIpv4: uint32, targetEthernet: uint48, targetIpv4: uint32 })
  .map((header) => ({
    spec: { arp: header },
    fields: {
      eth_type: 0x0806,
      arp_op: header.operation,
      arp_spa: header.senderIpv4,
      arp_tpa: header.targetIpv4,
      arp_sha: header.senderEthernet,
      arp_tha: header.targetEthernet,
    },
  }));

const mpls: fc.Arbitrary<Part> = fc
  .array(fc.record({ label: bits(20), trafficClass: bits(3), ttl: uint8 }), { minLength: 1, maxLength: 4 })
  .map((entries) => ({
    spec: { mpls: entries, ipv4: {}, udp: {} },
    fields: {
      eth_type: 0x8847,
      mpls_label: entries[0]!.label,
      mpls_tc: entries[0]!.trafficClass,
      mpls_ttl: entries[0]!.ttl,
      mpls_bos: entries.length === 1 ? 1 : 0,
    },
  }));

const frame: fc.Arbitrary<Part> = fc
  .tuple(link, fc.oneof(ipv4, ipv6, arp, mpls), bits(7))
  .map(([outer, inner, minimumLength]) => ({
    spec: { ...outer.spec, ...inner.spec, minimumLength },
    fields: { ...outer.fields, ...inner.fields },
  }));

/** The words that the fields lie in. */
function wordsOf(fields: Fields): Set<number> {
  const words = new Set<number>();
  for (const name of Object.keys(fields)) {
    const { bitOffset, width } = requireField(name);
    for (let word = bitOffset >>> 5; word <= (bitOffset + width - 1) >>> 5; word++) {
      words.add(word);
    }
  }
  return words;
}

describe('a composed frame', () => {
  it('has the fields that it was composed of', () => {
    fc.assert(
      fc.property(frame, ({ spec, fields }) => {
        const key = createFlow();
        assert.equal(extractFlow(composePacket(spec), key), EXTRACT_OK);
        for (const [name, value] of Object.entries(fields)) {
          assert.equal(readField(key, requireField(name)), BigInt(value), name);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('has nothing in other words, but for tags and further labels', () => {
    fc.assert(
      fc.property(frame, ({ spec, fields }) => {
        const key = createFlow();
        extractFlow(composePacket(spec), key);
        const named = wordsOf(fields);
        for (const word of [W_VLAN0, W_VLAN1, W_MPLS + 1, W_MPLS + 2]) {
          named.add(word);
        }
        for (let word = 0; word < FLOW_WORDS; word++) {
          assert.ok(named.has(word) || key[word] === 0, `word ${word}`);
        }
      }),
      { numRuns: 500 },
    );
  });
});
