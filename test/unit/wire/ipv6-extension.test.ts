import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkIpv6Extension,
  composeFrame,
  createIpv6Walk,
  emitIpv6Extension,
  formatIpv6Extension,
  IP_PROTOCOL_AH,
  IP_PROTOCOL_DESTINATION_OPTIONS,
  IP_PROTOCOL_FRAGMENT,
  IP_PROTOCOL_HOP_BY_HOP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_ROUTING,
  IP_PROTOCOL_UDP,
  type Ipv6Extension,
  ipv6ExtensionLength,
  ipv6ExtensionNextHeader,
  ipv6FragmentIdentification,
  ipv6FragmentWord,
  isIpv6Extension,
  parseIpv6Extension,
  walkIpv6Extensions,
} from '../../../src/wire/index.ts';
import { exactView, IPV6_LATER_FRAGMENT_HEAD, MLD2_REPORT_FRAME, NETWORK, tail, viewOf } from './frames.ts';
import { anyBytes, anyRecord, anyUint8, anyUint32, field, testHeader } from './header-tests.ts';

const FIRST = NETWORK + 40;
const later: Ipv6Extension = {
  kind: 'fragment',
  nextHeader: 58,
  fragmentOffset: 1448,
  moreFragments: false,
  identification: 0xdbc16a9b,
};

function testExtension(
  name: string,
  protocol: number,
  packet: string,
  header: Ipv6Extension,
  headers: fc.Arbitrary<Ipv6Extension>,
  fields: Parameters<typeof testHeader>[0]['fields'],
): void {
  testHeader<Ipv6Extension>({
    name,
    packet,
    headerLength: packet.length / 2,
    header,
    fields,
    check: (view, offset, end) => checkIpv6Extension(view, offset, end, protocol),
    parse: (view, offset, end) => parseIpv6Extension(view, offset, end, protocol),
    length: ipv6ExtensionLength,
    emit: emitIpv6Extension,
    headers,
  });
}

testExtension(
  'IPv6 fragment header',
  IP_PROTOCOL_FRAGMENT,
  tail(IPV6_LATER_FRAGMENT_HEAD, FIRST),
  later,
  anyRecord({
    kind: fc.constant('fragment' as const),
    nextHeader: anyUint8,
    fragmentOffset: fc.nat(8191).map((units) => units * 8),
    moreFragments: fc.boolean(),
    identification: anyUint32,
  }),
  [field(ipv6ExtensionNextHeader, 58), field(ipv6FragmentWord, 1448), field(ipv6FragmentIdentification, 0xdbc16a9b)],
);

testExtension(
  'IPv6 hop-by-hop options',
  IP_PROTOCOL_HOP_BY_HOP,
  tail(MLD2_REPORT_FRAME, FIRST).slice(0, 16),
  { kind: 'options', nextHeader: 58, options: new Uint8Array([5, 2, 0, 0, 1, 0]) },
  anyRecord({ kind: fc.constant('options' as const), nextHeader: anyUint8, options: anyBytes(8, 3, 6) }),
  [field(ipv6ExtensionNextHeader, 58)],
);

testExtension(
  'IPv6 routing header',
  IP_PROTOCOL_ROUTING,
  '3a020201000000002001 0db8000000000000000000000001'.replaceAll(' ', ''),
  {
    kind: 'routing',
    nextHeader: 58,
    routingType: 2,
    segmentsLeft: 1,
    data: new Uint8Array([0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
  },
  anyRecord({
    kind: fc.constant('routing' as const),
    nextHeader: anyUint8,
    routingType: anyUint8,
    segmentsLeft: anyUint8,
    data: anyBytes(8, 3, 4),
  }),
  [field(ipv6ExtensionNextHeader, 58)],
);

testExtension(
  'authentication header',
  IP_PROTOCOL_AH,
  '11040000 00000005 00000006 000102030405060708090a0b'.replaceAll(' ', ''),
  {
    kind: 'authentication',
    nextHeader: 17,
    securityParametersIndex: 5,
    sequence: 6,
    integrityCheckValue: new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
  },
  anyRecord({
    kind: fc.constant('authentication' as const),
    nextHeader: anyUint8,
    securityParametersIndex: anyUint32,
    sequence: anyUint32,
    integrityCheckValue: anyBytes(4, 8),
  }),
  [field(ipv6ExtensionNextHeader, 17)],
);

describe('the walk over IPv6 extension headers', () => {
  const walk = createIpv6Walk();

  it('passes hop-by-hop options of a real packet', () => {
    const view = viewOf(MLD2_REPORT_FRAME);
    assert.ok(walkIpv6Extensions(view, FIRST, view.byteLength, IP_PROTOCOL_HOP_BY_HOP, walk));
    assert.deepEqual(walk, {
      protocol: IP_PROTOCOL_ICMPV6,
      offset: FIRST + 8,
      fragmentHeader: -1,
      isFragment: false,
      isLaterFragment: false,
    });
  });

  it('stops at a real later fragment', () => {
    const view = viewOf(IPV6_LATER_FRAGMENT_HEAD);
    assert.ok(walkIpv6Extensions(view, FIRST, view.byteLength, IP_PROTOCOL_FRAGMENT, walk));
    assert.deepEqual(walk, {
      protocol: IP_PROTOCOL_FRAGMENT,
      offset: FIRST + 8,
      fragmentHeader: FIRST,
      isFragment: true,
      isLaterFragment: true,
    });
  });

  it('passes every kind in one packet', () => {
    const fragment: Ipv6Extension = { ...later, fragmentOffset: 0, moreFragments: true };
    const options: Ipv6Extension = { kind: 'options', nextHeader: 0, options: new Uint8Array(6) };
    const routing: Ipv6Extension = {
      kind: 'routing',
      nextHeader: 0,
      routingType: 2,
      segmentsLeft: 0,
      data: new Uint8Array(20),
    };
    const integrity = new Uint8Array(12);
    const authentication: Ipv6Extension = {
      kind: 'authentication',
      nextHeader: 0,
      securityParametersIndex: 1,
      sequence: 2,
      integrityCheckValue: integrity,
    };
    const frame = composeFrame({
      ipv6: { extensions: [options, routing, fragment, authentication, options] },
      udp: { sourcePort: 1 },
    });
    const view = exactView(frame);
    assert.ok(walkIpv6Extensions(view, FIRST, frame.length, IP_PROTOCOL_HOP_BY_HOP, walk));
    assert.deepEqual(walk, {
      protocol: IP_PROTOCOL_UDP,
      offset: FIRST + 8 + 24 + 8 + 24 + 8,
      fragmentHeader: FIRST + 8 + 24,
      isFragment: true,
      isLaterFragment: false,
    });
    for (let end = FIRST; end < frame.length - 8; end++) {
      assert.equal(walkIpv6Extensions(exactView(frame.subarray(0, end)), FIRST, end, 0, walk), false);
    }
  });

  it('takes a fragment header with offset 0 and no more for no fragment', () => {
    const view = viewOf('11000000 00000001 00000000');
    assert.ok(walkIpv6Extensions(view, 0, 12, IP_PROTOCOL_FRAGMENT, walk));
    assert.deepEqual([walk.isFragment, walk.fragmentHeader, walk.protocol], [false, 0, IP_PROTOCOL_UDP]);
  });

  it('ends on any bytes', () => {
    const protocols = fc.constantFrom(
      IP_PROTOCOL_HOP_BY_HOP,
      IP_PROTOCOL_ROUTING,
      IP_PROTOCOL_FRAGMENT,
      IP_PROTOCOL_AH,
      IP_PROTOCOL_DESTINATION_OPTIONS,
    );
    // Small bytes are often protocol numbers of extension headers and short lengths.
    const bytes = fc.array(fc.oneof(protocols, fc.nat(2)), { maxLength: 96 });
    fc.assert(
      fc.property(protocols, bytes, (protocol, values) => {
        const view = exactView(Uint8Array.from(values));
        if (walkIpv6Extensions(view, 0, view.byteLength, protocol, walk)) {
          assert.ok(walk.offset <= view.byteLength);
          assert.ok(walk.isLaterFragment || !isIpv6Extension(walk.protocol));
        }
      }),
      { numRuns: 500 },
    );
  });
});

it('IPv6 extension headers are written as tcpdump writes them', () => {
  const options: Ipv6Extension = { kind: 'options', nextHeader: 0, options: new Uint8Array(6) };
  const routing: Ipv6Extension = {
    kind: 'routing',
    nextHeader: 0,
    routingType: 2,
    segmentsLeft: 1,
    data: new Uint8Array(20),
  };
  const authentication: Ipv6Extension = {
    kind: 'authentication',
    nextHeader: 0,
    securityParametersIndex: 5,
    sequence: 6,
    integrityCheckValue: new Uint8Array(0),
  };
  assert.equal(formatIpv6Extension(later, IP_PROTOCOL_FRAGMENT, 560), 'frag (1448|560)');
  assert.equal(formatIpv6Extension(options, IP_PROTOCOL_HOP_BY_HOP, 0), 'HBH');
  assert.equal(formatIpv6Extension(options, IP_PROTOCOL_DESTINATION_OPTIONS, 0), 'DSTOPT');
  assert.equal(formatIpv6Extension(routing, IP_PROTOCOL_ROUTING, 0), 'RT6 (len=2, type=2, segleft=1)');
  assert.equal(formatIpv6Extension(authentication, IP_PROTOCOL_AH, 0), 'AH(spi=0x00000005,seq=0x6)');
});
