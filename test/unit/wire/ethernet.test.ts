import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  checkEthernet,
  emitEthernet,
  ethernetDestination,
  ethernetLength,
  ethernetSource,
  ethernetType,
  formatEthernet,
  parseEthernet,
  setEthernetDestination,
  setEthernetSource,
  setEthernetType,
} from '../../../src/wire/index.ts';
import { UDP_FRAME } from './frames.ts';
import { anyEthernet, anyRecord, anyUint16, field, testHeader } from './header-tests.ts';

const header = { destination: 0x4286e4371b43n, source: 0x46a39b29f0d5n, type: 0x0800 };

testHeader({
  name: 'Ethernet',
  packet: UDP_FRAME,
  headerLength: 14,
  header,
  blank: { destination: 1n, source: 2n, type: 3 },
  fields: [
    field(ethernetDestination, header.destination, setEthernetDestination),
    field(ethernetSource, header.source, setEthernetSource),
    field(ethernetType, header.type, setEthernetType),
  ],
  check: checkEthernet,
  parse: parseEthernet,
  length: ethernetLength,
  emit: emitEthernet,
  headers: anyRecord({ destination: anyEthernet, source: anyEthernet, type: anyUint16 }),
});

it('is written as tcpdump writes it', () => {
  assert.equal(formatEthernet(header), '46:a3:9b:29:f0:d5 > 42:86:e4:37:1b:43, ethertype IPv4 (0x0800)');
  assert.match(formatEthernet({ ...header, type: 0x9999 }), /ethertype Unknown \(0x9999\)$/);
  assert.match(formatEthernet({ ...header, type: 38 }), /, 802\.3$/);
});
