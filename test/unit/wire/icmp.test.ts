import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  checkIcmp,
  emitIcmp,
  fillIcmpChecksum,
  formatIcmp,
  icmpChecksum,
  icmpCode,
  icmpEchoIdentifier,
  icmpEchoSequence,
  icmpLength,
  icmpRest,
  icmpType,
  parseIcmp,
  setIcmpChecksum,
  setIcmpCode,
  setIcmpRest,
  setIcmpType,
} from '../../../src/wire/index.ts';
import { NETWORK, PING_RECORD_ROUTE_FRAME, tail } from './frames.ts';
import { anyRecord, anyUint8, anyUint32, field, testHeader } from './header-tests.ts';

const header = { type: 8, code: 0, rest: (21859 << 16) | 1 };

testHeader({
  name: 'ICMP',
  packet: tail(PING_RECORD_ROUTE_FRAME, NETWORK + 60),
  headerLength: 8,
  header,
  blank: { type: 1, code: 2, rest: 3 },
  fields: [
    field(icmpType, 8, setIcmpType),
    field(icmpCode, 0, setIcmpCode),
    field(icmpChecksum, 0x3bb8, setIcmpChecksum),
    field(icmpRest, header.rest, setIcmpRest),
    field(icmpEchoIdentifier, 21859),
    field(icmpEchoSequence, 1),
  ],
  check: checkIcmp,
  parse: parseIcmp,
  length: icmpLength,
  emit: emitIcmp,
  finish: fillIcmpChecksum,
  headers: anyRecord({ type: anyUint8, code: anyUint8, rest: anyUint32 }),
});

it('is written as tcpdump writes it', () => {
  const quote = { destination: '10.0.0.2', protocol: 17, port: 'udp port 2' };
  const rest = 0x0a000003;
  const cases: readonly [number, number, string][] = [
    [0, 0, 'echo reply, id 2560, seq 3'],
    [8, 0, 'echo request, id 2560, seq 3'],
    [3, 0, 'net 10.0.0.2 unreachable'],
    [3, 1, 'host 10.0.0.2 unreachable'],
    [3, 2, '10.0.0.2 protocol 17 unreachable'],
    [3, 3, '10.0.0.2 udp port 2 unreachable'],
    [3, 4, '10.0.0.2 unreachable - need to frag (mtu 3)'],
    [3, 9, '10.0.0.2 unreachable - #9'],
    [3, 13, 'host 10.0.0.2 unreachable - admin prohibited filter'],
    [5, 0, 'redirect 10.0.0.2 to net 10.0.0.3'],
    [5, 1, 'redirect 10.0.0.2 to host 10.0.0.3'],
    [9, 0, 'router advertisement'],
    [10, 0, 'router solicitation'],
    [11, 0, 'time exceeded in-transit'],
    [11, 1, 'ip reassembly time exceeded'],
    [12, 0, 'parameter problem - octet 10'],
    [13, 0, 'time stamp query id 2560 seq 3'],
    [14, 0, 'time stamp reply id 2560 seq 3'],
    [42, 0, 'type-#42'],
  ];
  for (const [type, code, text] of cases) {
    assert.equal(formatIcmp({ type, code, rest }, 36, quote), `ICMP ${text}, length 36`);
  }
  assert.equal(formatIcmp({ type: 3, code: 3, rest: 0 }, 8, null), 'ICMP ? port ? unreachable, length 8');
});
