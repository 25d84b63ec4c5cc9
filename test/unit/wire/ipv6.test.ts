import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkIpv6,
  emitIpv6,
  formatIpv6,
  type Ipv6Header,
  ipv6Destination,
  ipv6FlowLabel,
  ipv6HopLimit,
  ipv6Length,
  ipv6NextHeader,
  ipv6PayloadLength,
  ipv6Source,
  ipv6TrafficClass,
  parseIpv6,
  parseIpv6Address,
  setIpv6Destination,
  setIpv6FlowLabel,
  setIpv6HopLimit,
  setIpv6NextHeader,
  setIpv6PayloadLength,
  setIpv6Source,
  setIpv6TrafficClass,
} from '../../../src/wire/index.ts';
import { NEIGHBOR_ADVERTISEMENT_FRAME, NETWORK, tail, viewOf } from './frames.ts';
import { anyIpv6, anyPayloadLength, anyRecord, anyUint8, field, testHeader } from './header-tests.ts';

// As captured, but with a traffic class and a flow label.
const packet = `6b8abcde${tail(NEIGHBOR_ADVERTISEMENT_FRAME, NETWORK + 4)}`;
const header: Ipv6Header = {
  trafficClass: 0xb8,
  flowLabel: 0xabcde,
  payloadLength: 32,
  nextHeader: 58,
  hopLimit: 255,
  source: parseIpv6Address('fe80::4086:e4ff:fe37:1b43'),
  destination: parseIpv6Address('fe80::44a3:9bff:fe29:f0d5'),
};

testHeader<Ipv6Header>({
  name: 'IPv6',
  packet,
  headerLength: 40,
  header,
  blank: {
    trafficClass: 0xff,
    flowLabel: 0,
    payloadLength: 0,
    nextHeader: 0,
    hopLimit: 0,
    source: 0n,
    destination: 0n,
  },
  fields: [
    field(ipv6TrafficClass, header.trafficClass, setIpv6TrafficClass),
    field(ipv6FlowLabel, header.flowLabel, setIpv6FlowLabel),
    field(ipv6PayloadLength, header.payloadLength, setIpv6PayloadLength),
    field(ipv6NextHeader, header.nextHeader, setIpv6NextHeader),
    field(ipv6HopLimit, header.hopLimit, setIpv6HopLimit),
    field(ipv6Source, header.source, setIpv6Source),
    field(ipv6Destination, header.destination, setIpv6Destination),
  ],
  check: checkIpv6,
  parse: parseIpv6,
  length: ipv6Length,
  emit: emitIpv6,
  headers: anyRecord({
    trafficClass: anyUint8,
    flowLabel: fc.nat(0xfffff),
    payloadLength: anyPayloadLength,
    nextHeader: anyUint8,
    hopLimit: anyUint8,
    source: anyIpv6,
    destination: anyIpv6,
  }),
});

describe('IPv6 setters', () => {
  it('leave the neighbouring bits alone', () => {
    const view = viewOf(packet);
    setIpv6TrafficClass(view, 0, 0);
    assert.equal(view.getUint32(0), 0x600abcde);
    setIpv6TrafficClass(view, 0, 0xff);
    setIpv6FlowLabel(view, 0, 0);
    assert.equal(view.getUint32(0), 0x6ff00000);
  });
});

it('refuses another version and a payload beyond the packet', () => {
  const view = viewOf(packet);
  setIpv6PayloadLength(view, 0, 33);
  assert.equal(checkIpv6(view, 0, view.byteLength), -1);
  assert.equal(checkIpv6(viewOf(`4${packet.slice(1)}`), 0, 72), -1);
});

it('is written as tcpdump writes it', () => {
  assert.equal(formatIpv6(header), 'fe80::4086:e4ff:fe37:1b43 > fe80::44a3:9bff:fe29:f0d5');
});
