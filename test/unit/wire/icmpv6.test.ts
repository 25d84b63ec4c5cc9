import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  checkIcmpv6,
  emitIcmpv6,
  fillIcmpv6Checksum,
  formatIcmpv6,
  icmpv6Checksum,
  icmpv6Code,
  icmpv6Length,
  icmpv6Rest,
  icmpv6Type,
  ipv6PseudoHeaderSum,
  parseIcmpv6,
  setIcmpv6Checksum,
  setIcmpv6Code,
  setIcmpv6Rest,
  setIcmpv6Type,
} from '../../../src/wire/index.ts';
import { NEIGHBOR_ADVERTISEMENT_FRAME, NETWORK, tail, viewOf } from './frames.ts';
import { anyRecord, anyUint8, anyUint32, field, testHeader } from './header-tests.ts';

const header = { type: 136, code: 0, rest: 0x60000000 };

testHeader({
  name: 'ICMPv6',
  packet: tail(NEIGHBOR_ADVERTISEMENT_FRAME, NETWORK + 40),
  headerLength: 8,
  header,
  blank: { type: 1, code: 2, rest: 3 },
  fields: [
    field(icmpv6Type, 136, setIcmpv6Type),
    field(icmpv6Code, 0, setIcmpv6Code),
    field(icmpv6Checksum, 0x8a7a, setIcmpv6Checksum),
    field(icmpv6Rest, header.rest, setIcmpv6Rest),
  ],
  check: checkIcmpv6,
  parse: parseIcmpv6,
  length: icmpv6Length,
  emit: emitIcmpv6,
  finish: (view, offset, end) => {
    const sum = ipv6PseudoHeaderSum(viewOf(NEIGHBOR_ADVERTISEMENT_FRAME), NETWORK, 32, 58);
    fillIcmpv6Checksum(view, offset, end, sum);
  },
  headers: anyRecord({ type: anyUint8, code: anyUint8, rest: anyUint32 }),
});

it('is written as tcpdump writes it', () => {
  const quote = { destination: 'fe80::2', protocol: 17, port: 'udp port 2' };
  const cases: readonly [number, number, string][] = [
    [128, 0, 'echo request, id 1, seq 2'],
    [129, 0, 'echo reply, id 1, seq 2'],
    [1, 0, 'destination unreachable, unreachable route fe80::2'],
    [1, 1, 'destination unreachable, unreachable prohibited fe80::2'],
    [1, 2, 'destination unreachable, beyond scope fe80::2'],
    [1, 3, 'destination unreachable, unreachable address fe80::2'],
    [1, 4, 'destination unreachable, unreachable port, fe80::2 udp port 2'],
    [1, 5, 'destination unreachable, unknown code 5'],
    [2, 0, 'packet too big, mtu 65538'],
    [3, 0, 'time exceeded in-transit for fe80::2'],
    [3, 1, 'time exceeded in-transit (reassembly)'],
    [4, 0, 'parameter problem, erroneous - octet 65538'],
    [4, 7, 'parameter problem, code-#7 - octet 65538'],
    [250, 0, 'type-#250'],
  ];
  for (const [type, code, text] of cases) {
    assert.equal(formatIcmpv6({ type, code, rest: 0x10002 }, 56, quote), `ICMP6, ${text}, length 56`);
  }
  assert.match(formatIcmpv6({ type: 1, code: 4, rest: 0 }, 8, null), /unreachable port, \? port \?/);
});
