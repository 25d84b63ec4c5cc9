import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkNsh,
  emitNsh,
  formatNsh,
  type NshHeader,
  nshFlags,
  nshHeaderLength,
  nshLength,
  nshMetadataType,
  nshNextEthertype,
  nshNextProtocol,
  nshServiceIndex,
  nshServicePath,
  nshTtl,
  parseNsh,
  setNshFlags,
  setNshServiceIndex,
  setNshServicePath,
  setNshTtl,
} from '../../../src/wire/index.ts';
import { bytesOf, viewOf } from './frames.ts';
import { anyBytes, anyRecord, anyUint8, field, testHeader } from './header-tests.ts';

const packet = '2fc60103 800001ff 00112233 44556677 8899aabb ccddeeff'.replaceAll(' ', '');
const header: NshHeader = {
  flags: 2,
  ttl: 63,
  metadataType: 1,
  nextProtocol: 3,
  servicePath: 0x800001,
  serviceIndex: 255,
  context: bytesOf('00112233445566778899aabbccddeeff'),
};
const rest = {
  flags: fc.nat(3),
  ttl: fc.nat(63),
  nextProtocol: anyUint8,
  servicePath: fc.nat(0xffffff),
  serviceIndex: anyUint8,
};

testHeader<NshHeader>({
  name: 'NSH',
  packet,
  headerLength: 24,
  header,
  blank: { ...header, flags: 1, ttl: 0, servicePath: 0xffff, serviceIndex: 3 },
  fields: [
    field(nshFlags, 2, setNshFlags),
    field(nshTtl, 63, setNshTtl),
    field(nshHeaderLength, 24),
    field(nshMetadataType, 1),
    field(nshNextProtocol, 3),
    field(nshServicePath, 0x800001, setNshServicePath),
    field(nshServiceIndex, 255, setNshServiceIndex),
  ],
  check: checkNsh,
  parse: parseNsh,
  length: nshLength,
  emit: emitNsh,
  headers: fc.oneof(
    anyRecord({ ...rest, metadataType: fc.constant(1), context: anyBytes(16, 0, 16) }),
    anyRecord({ ...rest, metadataType: fc.constant(2), context: anyBytes(4, 10) }),
  ),
});

describe('NSH', () => {
  it('refuses another version and lengths that do not fit', () => {
    for (const start of ['4fc60103', '0fc10103', '0fc70103', '0fc50103', '0fc70203']) {
      assert.equal(checkNsh(viewOf(start + packet.slice(8)), 0, 24), -1, start);
    }
    assert.equal(checkNsh(viewOf(`0fc20203${packet.slice(8)}`), 0, 24), 8);
  });

  it('knows the Ethertype of what it carries', () => {
    assert.deepEqual([1, 2, 3, 4, 5, 6].map(nshNextEthertype), [0x0800, 0x86dd, 0x6558, 0x894f, 0x8847, 0]);
  });

  it('is written as tcpdump writes it', () => {
    assert.equal(formatNsh(header), 'NSH, flags [O], TTL 63, service-path-id 0x800001, service-index 0xff');
    assert.match(formatNsh({ ...header, flags: 0 }), /flags \[none\]/);
  });
});
