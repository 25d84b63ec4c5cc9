import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkMpls,
  emitMpls,
  formatMpls,
  type MplsEntry,
  mplsEntryFromWord,
  mplsEntryToWord,
  mplsLabel,
  mplsLength,
  mplsPayloadType,
  mplsStackLength,
  mplsTtl,
  mplsWord,
  parseMpls,
  setMplsTtl,
  setMplsWord,
} from '../../../src/wire/index.ts';
import { viewOf } from './frames.ts';
import { anyRecord, anyUint8, field, testHeader } from './header-tests.ts';

const entry: MplsEntry = { label: 0xfffff, trafficClass: 5, bottomOfStack: true, ttl: 62 };

testHeader<MplsEntry>({
  name: 'MPLS',
  packet: 'fffffb3e',
  headerLength: 4,
  header: entry,
  blank: { label: 0, trafficClass: 0, bottomOfStack: false, ttl: 0 },
  fields: [field(mplsWord, 0xfffffb3e | 0, setMplsWord), field(mplsLabel, 0xfffff), field(mplsTtl, 62, setMplsTtl)],
  check: checkMpls,
  parse: parseMpls,
  length: mplsLength,
  emit: emitMpls,
  headers: anyRecord({
    label: fc.nat(0xfffff),
    trafficClass: fc.nat(7),
    bottomOfStack: fc.boolean(),
    ttl: anyUint8,
  }),
});

describe('an MPLS stack', () => {
  it('ends at the bottom bit', () => {
    const view = viewOf('00064040 000c8140 45000000');
    assert.equal(mplsStackLength(view, 0, 12), 8);
    assert.equal(mplsStackLength(view, 0, 7), -1);
    assert.equal(mplsStackLength(view, 0, 4), -1);
    assert.equal(mplsPayloadType(view, 8, 12), 0x0800);
    assert.equal(mplsPayloadType(view, 8, 8), 0);
    assert.equal(mplsPayloadType(viewOf('60'), 0, 1), 0x86dd);
    assert.equal(mplsPayloadType(viewOf('00'), 0, 1), 0);
  });

  it('has words like those of flow keys', () => {
    assert.equal(mplsEntryToWord(entry), 0xfffffb3e | 0);
    assert.deepEqual(mplsEntryFromWord(0xfffffb3e | 0), entry);
  });

  it('is written as tcpdump writes it', () => {
    assert.equal(formatMpls(entry), '(label 1048575, tc 5, [S], ttl 62)');
    assert.equal(formatMpls({ ...entry, bottomOfStack: false }), '(label 1048575, tc 5, ttl 62)');
  });
});
