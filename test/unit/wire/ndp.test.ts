import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkNdp,
  checkNdpOption,
  emitNdp,
  fillIcmpv6Checksum,
  formatNdp,
  formatNdpOption,
  ICMPV6_NEIGHBOR_SOLICITATION,
  icmpv6Checksum,
  ipv6PseudoHeaderSum,
  type NdpMessage,
  type NdpOption,
  ndpFlags,
  ndpLength,
  ndpLinkLayerAddress,
  ndpTarget,
  parseIpv6Address,
  parseNdp,
  setIcmpv6Checksum,
  setIcmpv6Rest,
  setNdpTarget,
} from '../../../src/wire/index.ts';
import {
  bytesOf,
  exactView,
  NEIGHBOR_ADVERTISEMENT_FRAME,
  NEIGHBOR_SOLICITATION_FRAME,
  NETWORK,
  ROUTER_SOLICITATION_FRAME,
  tail,
  viewOf,
} from './frames.ts';
import {
  anyBytes,
  anyEthernet,
  anyIpv6,
  anyRecord,
  anyUint8,
  anyUint16,
  anyUint32,
  field,
  testHeader,
} from './header-tests.ts';

const ICMPV6 = NETWORK + 40;
const advertisement: NdpMessage = {
  kind: 'neighbor-advertisement',
  flags: 0x60000000,
  target: parseIpv6Address('fe80::4086:e4ff:fe37:1b43'),
  options: [{ kind: 'target-link-layer', address: 0x4286e4371b43n }],
};

const anyOption: fc.Arbitrary<NdpOption> = fc.oneof(
  anyEthernet.map((address): NdpOption => ({ kind: 'source-link-layer', address })),
  anyEthernet.map((address): NdpOption => ({ kind: 'target-link-layer', address })),
  anyUint32.map((mtu): NdpOption => ({ kind: 'mtu', mtu })),
  anyRecord({
    kind: fc.constant('prefix' as const),
    prefixLength: anyUint8,
    flags: anyUint8,
    validLifetime: anyUint32,
    preferredLifetime: anyUint32,
    prefix: anyIpv6,
  }),
  anyRecord({ kind: fc.constant('unknown' as const), type: fc.integer({ min: 6, max: 255 }), data: anyBytes(8, 2, 6) }),
  // of a known type, but of another length
  fc.constant<NdpOption>({ kind: 'unknown', type: 1, data: new Uint8Array(14) }),
);
const options = fc.array(anyOption, { maxLength: 3 });

testHeader<NdpMessage>({
  name: 'neighbour discovery',
  packet: tail(NEIGHBOR_ADVERTISEMENT_FRAME, ICMPV6),
  headerLength: 32,
  header: advertisement,
  blank: { ...advertisement, flags: 0, target: 0n },
  fields: [
    field(ndpTarget, advertisement.target, setNdpTarget),
    field(ndpFlags, advertisement.flags, setIcmpv6Rest),
    field(icmpv6Checksum, 0x8a7a, setIcmpv6Checksum),
  ],
  check: checkNdp,
  checkedLength: 24,
  isParseStricter: true,
  hasFields: (view) => view.getUint8(0) >= ICMPV6_NEIGHBOR_SOLICITATION,
  parse: parseNdp,
  length: ndpLength,
  emit: emitNdp,
  finish: (view, offset, end) => {
    const sum = ipv6PseudoHeaderSum(viewOf(NEIGHBOR_ADVERTISEMENT_FRAME), NETWORK, 32, 58);
    fillIcmpv6Checksum(view, offset, end, sum);
  },
  headers: fc.oneof(
    anyRecord({ kind: fc.constant('router-solicitation' as const), options }),
    anyRecord({
      kind: fc.constant('router-advertisement' as const),
      hopLimit: anyUint8,
      flags: anyUint8,
      routerLifetime: anyUint16,
      reachableTime: anyUint32,
      retransmitTimer: anyUint32,
      options,
    }),
    anyRecord({
      kind: fc.constant('neighbor-solicitation' as const),
      reserved: anyUint32,
      target: anyIpv6,
      options,
    }),
    anyRecord({ kind: fc.constant('neighbor-advertisement' as const), flags: anyUint32, target: anyIpv6, options }),
    anyRecord({ kind: fc.constant('redirect' as const), target: anyIpv6, destination: anyIpv6, options }),
  ) as fc.Arbitrary<NdpMessage>,
});

describe('neighbour discovery', () => {
  it('parses real solicitations', () => {
    const neighbor = viewOf(tail(NEIGHBOR_SOLICITATION_FRAME, ICMPV6));
    const sender = 0x46a39b29f0d5n;
    const message = parseNdp(neighbor, 0, neighbor.byteLength);
    assert.deepEqual(message, {
      kind: 'neighbor-solicitation',
      reserved: 0,
      target: parseIpv6Address('fe80::4086:e4ff:fe37:1b43'),
      options: [{ kind: 'source-link-layer', address: sender }],
    });
    assert.equal(ndpLinkLayerAddress(message, 'source-link-layer'), sender);
    assert.equal(ndpLinkLayerAddress(message, 'target-link-layer'), null);
    const router = viewOf(tail(ROUTER_SOLICITATION_FRAME, ICMPV6));
    assert.deepEqual(parseNdp(router, 0, router.byteLength), {
      kind: 'router-solicitation',
      options: [{ kind: 'source-link-layer', address: 0x4286e4371b43n }],
    });
  });

  it('refuses another code, other types, and a fixed part cut off', () => {
    const view = viewOf(tail(NEIGHBOR_ADVERTISEMENT_FRAME, ICMPV6));
    assert.equal(checkNdp(view, 0, 23), -1);
    view.setUint8(1, 1);
    assert.equal(checkNdp(view, 0, 32), -1);
    view.setUint16(0, 0x8000);
    assert.equal(checkNdp(view, 0, 32), -1);
  });

  it('refuses options of length 0 and beyond the packet', () => {
    const view = viewOf(tail(NEIGHBOR_ADVERTISEMENT_FRAME, ICMPV6));
    assert.equal(checkNdpOption(view, 24, 32), 8);
    for (const length of [0, 2]) {
      view.setUint8(25, length);
      assert.equal(checkNdpOption(view, 24, 32), -1);
      assert.equal(parseNdp(view, 0, 32), null);
    }
    assert.equal(checkNdpOption(exactView(bytesOf('01010000')), 0, 4), -1);
  });

  it('is written as tcpdump writes it', () => {
    const target = 5n;
    assert.equal(
      formatNdp(advertisement),
      'ICMP6, neighbor advertisement, tgt is fe80::4086:e4ff:fe37:1b43, length 32',
    );
    assert.equal(
      formatNdp({ kind: 'neighbor-solicitation', reserved: 0, target, options: [] }),
      'ICMP6, neighbor solicitation, who has ::5, length 24',
    );
    assert.equal(formatNdp({ kind: 'router-solicitation', options: [] }), 'ICMP6, router solicitation, length 8');
    assert.equal(
      formatNdp({ kind: 'redirect', target, destination: 6n, options: [] }),
      'ICMP6, redirect, ::6 to ::5, length 40',
    );
    const times = { hopLimit: 64, flags: 0, routerLifetime: 1800, reachableTime: 0, retransmitTimer: 0 };
    assert.equal(
      formatNdp({ kind: 'router-advertisement', ...times, options: [{ kind: 'mtu', mtu: 1500 }] }),
      'ICMP6, router advertisement, length 24',
    );
  });

  it('names its options', () => {
    const prefix = { prefixLength: 64, flags: 0xc0, validLifetime: 1, preferredLifetime: 1, prefix: 1n << 96n };
    assert.equal(formatNdpOption({ kind: 'source-link-layer', address: 1n }), 'source-link-layer 00:00:00:00:00:01');
    assert.equal(formatNdpOption({ kind: 'prefix', ...prefix }), 'prefix 0:1::/64');
    assert.equal(formatNdpOption({ kind: 'mtu', mtu: 1500 }), 'mtu 1500');
    assert.equal(formatNdpOption({ kind: 'unknown', type: 14, data: new Uint8Array(6) }), 'unknown-14');
  });
});
