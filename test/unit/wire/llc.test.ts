import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkSnap,
  ETHERTYPE_NONE,
  emitSnap,
  formatSnap,
  frameEthertype,
  parseSnap,
  setSnapOrganization,
  setSnapType,
  snapLength,
  snapOrganization,
  snapType,
} from '../../../src/wire/index.ts';
import { viewOf } from './frames.ts';
import { anyRecord, anyUint16, field, testHeader } from './header-tests.ts';

const header = { organization: 0x00000c, type: 0x2000 };

testHeader({
  name: 'SNAP',
  // the start of a Cisco discovery protocol frame
  packet: 'aaaa0300000c2000',
  headerLength: 8,
  header,
  blank: { organization: 0xffffff, type: 0 },
  fields: [
    field(snapOrganization, header.organization, setSnapOrganization),
    field(snapType, header.type, setSnapType),
  ],
  check: checkSnap,
  parse: parseSnap,
  length: snapLength,
  emit: emitSnap,
  headers: anyRecord({ organization: fc.nat(0xffffff), type: anyUint16 }),
});

it('is written as text', () => {
  assert.equal(formatSnap(header), 'LLC, SNAP, oui 0x00000c, ethertype 0x2000');
});

describe('frameEthertype', () => {
  const cases: readonly [string, string, number][] = [
    ['an Ethertype', '0800', 0x0800],
    ['the least Ethertype', '0600', 0x0600],
    ['a length with SNAP', '0020 aaaa03 000000 86dd', 0x86dd],
    ['a length with SNAP of another organization', '0020 aaaa03 00000c 2000', ETHERTYPE_NONE],
    ['a length with SNAP whose type is a length', '0020 aaaa03 000000 0026', ETHERTYPE_NONE],
    ['a length with another 802.2 header (spanning tree)', '0026 424203 000000 0000', ETHERTYPE_NONE],
    ['a length and nothing behind it', '0026', ETHERTYPE_NONE],
    ['a length and a cut-off SNAP header', '0026 aaaa03 000000 08', ETHERTYPE_NONE],
  ];
  for (const [name, hex, expected] of cases) {
    it(name, () => {
      const view = viewOf(hex);
      assert.equal(frameEthertype(view, 0, view.byteLength), expected);
    });
  }
});
