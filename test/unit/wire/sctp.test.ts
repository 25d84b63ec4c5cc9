import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkSctp,
  emitSctp,
  fillSctpChecksum,
  formatSctp,
  parseSctp,
  sctpChecksum,
  sctpDestinationPort,
  sctpLength,
  sctpSourcePort,
  sctpVerificationTag,
  setSctpChecksum,
  setSctpDestinationPort,
  setSctpSourcePort,
  setSctpVerificationTag,
  verifySctpChecksum,
} from '../../../src/wire/index.ts';
import { viewOf } from './frames.ts';
import { anyRecord, anyUint16, anyUint32, field, testHeader } from './header-tests.ts';

// INIT from port 32836 to 80 and its CRC32c, computed bit by bit by another program
const packet =
  '80440050 00000000 40a83d07 0100003c3bb99c460001a000000affff2b2dd3b7 c0000004 00050008c0a8aa38 00050008c0a8aa08 000c000600050000 8008000a c180c000 0f000000'.replaceAll(
    ' ',
    '',
  );
const header = { sourcePort: 32836, destinationPort: 80, verificationTag: 0 };

testHeader({
  name: 'SCTP',
  packet,
  headerLength: 12,
  header,
  blank: { sourcePort: 1, destinationPort: 2, verificationTag: 3 },
  fields: [
    field(sctpSourcePort, header.sourcePort, setSctpSourcePort),
    field(sctpDestinationPort, header.destinationPort, setSctpDestinationPort),
    field(sctpVerificationTag, header.verificationTag, setSctpVerificationTag),
    field(sctpChecksum, 0x073da840, setSctpChecksum),
  ],
  check: checkSctp,
  parse: parseSctp,
  length: sctpLength,
  emit: emitSctp,
  finish: fillSctpChecksum,
  headers: anyRecord({ sourcePort: anyUint16, destinationPort: anyUint16, verificationTag: anyUint32 }),
});

describe('SCTP', () => {
  it('verifies its checksum and leaves the packet as it was', () => {
    const view = viewOf(packet);
    assert.equal(verifySctpChecksum(view, 0, view.byteLength), true);
    assert.equal(sctpChecksum(view, 0), 0x073da840);
    view.setUint8(20, view.getUint8(20) ^ 1);
    assert.equal(verifySctpChecksum(view, 0, view.byteLength), false);
  });

  it('is written as tcpdump writes it', () => {
    const cases: readonly [string, string][] = [
      ['', 'sctp'],
      ['0b000004 0e000004', 'sctp (1) [COOKIE ACK], (2) [SHUTDOWN COMPLETE]'],
      ['00030005 aa000000 03000004', 'sctp (1) [DATA], (2) [SACK]'],
      ['63000000 03000004', 'sctp (1) [#99]'],
      ['0100', 'sctp'],
    ];
    for (const [chunks, text] of cases) {
      const view = viewOf(`000100020000000000000000${chunks}`);
      assert.equal(formatSctp(view, 0, view.byteLength), text);
    }
  });
});
