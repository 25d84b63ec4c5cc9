import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkIpv4,
  emitIpv4,
  formatIpv4,
  type Ipv4Header,
  ipv4Checksum,
  ipv4Destination,
  ipv4FragmentWord,
  ipv4HeaderLength,
  ipv4Identification,
  ipv4Length,
  ipv4Protocol,
  ipv4Source,
  ipv4Tos,
  ipv4TotalLength,
  ipv4Ttl,
  isIpv4Fragment,
  parseIpv4,
  parseIpv4Options,
  setIpv4Checksum,
  setIpv4Destination,
  setIpv4FragmentWord,
  setIpv4Identification,
  setIpv4Protocol,
  setIpv4Source,
  setIpv4Tos,
  setIpv4TotalLength,
  setIpv4Ttl,
  verifyIpv4Checksum,
} from '../../../src/wire/index.ts';
import { bytesOf, exactView, IGMP3_REPORT_FRAME, NETWORK, PING_RECORD_ROUTE_FRAME, tail, viewOf } from './frames.ts';
import {
  anyBytes,
  anyPayloadLength,
  anyRecord,
  anyUint8,
  anyUint16,
  anyUint32,
  field,
  testHeader,
} from './header-tests.ts';

const packet = tail(IGMP3_REPORT_FRAME, NETWORK);
const header: Ipv4Header = {
  tos: 0xc0,
  identification: 0,
  dontFragment: true,
  moreFragments: false,
  fragmentOffset: 0,
  ttl: 1,
  protocol: 2,
  source: 0x0a090001,
  destination: 0xe0000016,
  options: bytesOf('94040000'),
  payloadLength: 16,
};

testHeader<Ipv4Header>({
  name: 'IPv4',
  packet,
  headerLength: 24,
  header,
  blank: {
    ...header,
    tos: 1,
    identification: 9,
    dontFragment: false,
    moreFragments: true,
    fragmentOffset: 800,
    ttl: 9,
    protocol: 9,
    source: 9,
    destination: 9,
    payloadLength: 9,
  },
  fields: [
    field(ipv4HeaderLength, 24),
    field(ipv4Tos, 0xc0, setIpv4Tos),
    field(ipv4TotalLength, 40, setIpv4TotalLength),
    field(ipv4Identification, 0, setIpv4Identification),
    field(ipv4FragmentWord, 0x4000, setIpv4FragmentWord),
    field(ipv4Ttl, 1, setIpv4Ttl),
    field(ipv4Protocol, 2, setIpv4Protocol),
    field(ipv4Source, 0x0a090001, setIpv4Source),
    field(ipv4Destination, 0xe0000016, setIpv4Destination),
    field(ipv4Checksum, 0xf9ef, setIpv4Checksum),
    field(verifyIpv4Checksum, true),
    field(isIpv4Fragment, false),
  ],
  check: checkIpv4,
  parse: parseIpv4,
  length: ipv4Length,
  emit: emitIpv4,
  headers: anyRecord({
    tos: anyUint8,
    identification: anyUint16,
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    fragmentOffset: fc.nat(8191).map((units) => units * 8),
    ttl: anyUint8,
    protocol: anyUint8,
    source: anyUint32,
    destination: anyUint32,
    options: anyBytes(4, 10),
    payloadLength: anyPayloadLength,
  }),
});

describe('IPv4 check', () => {
  const cases: readonly [string, (view: DataView) => void][] = [
    ['another version', (view) => view.setUint8(0, 0x66)],
    ['a header shorter than 20 bytes', (view) => view.setUint8(0, 0x44)],
    ['a header longer than the packet', (view) => view.setUint8(0, 0x4f)],
    ['a total length shorter than the header', (view) => setIpv4TotalLength(view, 0, 23)],
    ['a total length beyond the packet', (view) => setIpv4TotalLength(view, 0, 41)],
  ];
  for (const [name, damage] of cases) {
    it(`refuses ${name}`, () => {
      const view = viewOf(packet);
      damage(view);
      assert.equal(checkIpv4(view, 0, view.byteLength), -1);
    });
  }

  it('takes padding', () => {
    assert.equal(parseIpv4(viewOf(`${packet}000000`), 0, 43)?.payloadLength, 16);
  });
});

it('parses a real header with options', () => {
  const parsed = parseIpv4(viewOf(tail(PING_RECORD_ROUTE_FRAME, NETWORK)), 0, 124);
  assert.ok(parsed);
  const options = parseIpv4Options(parsed.options);
  assert.deepEqual(
    options?.map(({ type, data }) => [type, data.length]),
    [
      [1, 0],
      [7, 37],
    ],
  );
  assert.deepEqual(options?.[1]?.data.subarray(1, 5), bytesOf('0a090001'));
});

it('refuses options with wrong lengths, and ends at "end of list"', () => {
  assert.equal(parseIpv4Options(bytesOf('9401')), null);
  assert.equal(parseIpv4Options(bytesOf('94')), null);
  assert.equal(parseIpv4Options(bytesOf('940500')), null);
  assert.deepEqual(parseIpv4Options(bytesOf('010094ff'))?.length, 1);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (options) => void parseIpv4Options(options)));
});

it('pads options to four bytes', () => {
  const view = exactView(new Uint8Array(24).fill(0xa5));
  assert.equal(emitIpv4({ ...header, options: bytesOf('010101'), payloadLength: 0 }, view, 0), 24);
  assert.equal(view.getUint32(20), 0x01010100);
});

it('is written as tcpdump writes it', () => {
  assert.equal(formatIpv4(header), '10.9.0.1 > 224.0.0.22');
});
