import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkUdp,
  computeChecksum,
  emitUdp,
  fillUdpChecksum,
  formatUdp,
  ipv4PseudoHeaderSum,
  parseUdp,
  setUdpChecksum,
  setUdpDestinationPort,
  setUdpSourcePort,
  setUdpTotalLength,
  udpChecksum,
  udpDestinationPort,
  udpLength,
  udpSourcePort,
  udpTotalLength,
} from '../../../src/wire/index.ts';
import { exactView, NETWORK, tail, UDP_FRAME, viewOf } from './frames.ts';
import { anyPayloadLength, anyRecord, anyUint16, field, testHeader } from './header-tests.ts';

const packet = tail(UDP_FRAME, NETWORK + 20);
const header = { sourcePort: 50947, destinationPort: 7777, payloadLength: 5 };

testHeader({
  name: 'UDP',
  packet,
  headerLength: 8,
  header,
  blank: { sourcePort: 1, destinationPort: 2, payloadLength: 3 },
  fields: [
    field(udpSourcePort, header.sourcePort, setUdpSourcePort),
    field(udpDestinationPort, header.destinationPort, setUdpDestinationPort),
    field(udpTotalLength, 13, setUdpTotalLength),
    field(udpChecksum, 0xc288, setUdpChecksum),
  ],
  check: checkUdp,
  parse: parseUdp,
  isParseStricter: true,
  length: udpLength,
  emit: emitUdp,
  finish: (view, offset, end) => {
    fillUdpChecksum(view, offset, end, ipv4PseudoHeaderSum(viewOf(UDP_FRAME), NETWORK, 13, 17));
  },
  headers: anyRecord({ sourcePort: anyUint16, destinationPort: anyUint16, payloadLength: anyPayloadLength }),
});

describe('UDP', () => {
  it('parse refuses a length that does not fit', () => {
    const view = viewOf(packet);
    setUdpTotalLength(view, 0, 14);
    assert.equal(parseUdp(view, 0, 13), null);
    setUdpTotalLength(view, 0, 7);
    assert.equal(parseUdp(view, 0, 13), null);
  });

  it('has the checksum that the kernel gave it', () => {
    const frame = viewOf(UDP_FRAME);
    assert.equal(computeChecksum(frame, NETWORK + 20, 13, ipv4PseudoHeaderSum(frame, NETWORK, 13, 17)), 0);
  });

  it('writes all ones where the checksum comes out as 0', () => {
    const view = exactView(new Uint8Array(8));
    fillUdpChecksum(view, 0, 8, 0xffff);
    assert.equal(udpChecksum(view, 0), 0xffff);
    assert.equal(computeChecksum(view, 0, 8, 0xffff), 0);
  });

  it('is written as tcpdump writes it', () => {
    assert.equal(formatUdp(header), 'UDP, length 5');
  });
});
