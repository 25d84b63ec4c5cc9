import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createTlvTable,
  formatMatch,
  parseMatch,
  parseSubfield,
  W_TUN_METADATA_PRESENT,
} from '../../../src/flow/index.ts';

const TABLE = createTlvTable([
  { optionClass: 0xffff, optionType: 0, length: 4, index: 0 },
  { optionClass: 0xffff, optionType: 1, length: 124, index: 5 },
]);

describe('a TLV table', () => {
  it('gives its fields width and place, one after the other', () => {
    const first = TABLE.fields.get(0)!;
    const second = TABLE.fields.get(5)!;
    assert.deepEqual([first.width, first.bytes], [32, 4]);
    assert.deepEqual([second.width, second.bytes], [992, 124]);
    assert.equal(second.bitOffset, first.bitOffset + 32);
    assert.equal(parseSubfield('tun_metadata5[900..991]', { tlvTable: TABLE }).bits, 92);
  });

  it('lets its fields be matched, present or not being part of the match', () => {
    const text = 'tun_metadata0=0x12345678,tun_metadata5=0xff/0xfff';
    const match = parseMatch(text, { tlvTable: TABLE });
    assert.equal(formatMatch(match, { tlvTable: TABLE }), text);
    assert.equal(match.masks[W_TUN_METADATA_PRESENT + 1], 0b100001);
    assert.equal(match.values[W_TUN_METADATA_PRESENT + 1], 0b100001);
    assert.throws(() => parseMatch('tun_metadata1=1', { tlvTable: TABLE }), { code: 'FIELD_NOT_MAPPED' });
  });

  it('refuses what cannot be', () => {
    const mapping = { optionClass: 1, optionType: 2, length: 4, index: 3 };
    for (const mappings of [
      [{ ...mapping, index: 64 }],
      [{ ...mapping, length: 6 }],
      [{ ...mapping, length: 128 }],
      [{ ...mapping, length: 0 }],
      [{ ...mapping, optionType: 256 }],
      [mapping, { ...mapping, optionType: 3 }],
      [mapping, { ...mapping, index: 4 }],
      [0, 1, 2].map((index) => ({ optionClass: 1, optionType: index, length: 124, index })),
    ]) {
      assert.throws(() => createTlvTable(mappings), { name: 'MatchError', code: 'TLV_MAPPING_INVALID' });
    }
  });
});
