import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FIELDS, formatSubfield, parseSubfield, parseSubfieldPrefix } from '../../../src/flow/index.ts';

describe('subfields', () => {
  it('are shown by the NXM or OXM name, as move and load of Open vSwitch show them', () => {
    for (const [text, shown] of [
      ['reg0', 'NXM_NX_REG0[]'],
      ['reg0[]', 'NXM_NX_REG0[]'],
      ['NXM_NX_REG0[4..7]', 'NXM_NX_REG0[4..7]'],
      ['nw_src[]', 'NXM_OF_IP_SRC[]'],
      ['eth_src[5]', 'NXM_OF_ETH_SRC[5]'],
      ['vlan_vid[]', 'OXM_OF_VLAN_VID[]'],
      ['xreg0[]', 'OXM_OF_PKT_REG0[]'],
      ['ip_dscp[]', 'OXM_OF_IP_DSCP[]'],
      ['nw_tos[2..7]', 'NXM_OF_IP_TOS[2..7]'],
      ['dl_vlan[]', 'dl_vlan[]'],
      ['reg0[0..31]', 'NXM_NX_REG0[]'],
    ] as const) {
      assert.equal(formatSubfield(parseSubfield(text)), shown);
    }
  });

  it('come back from their text', () => {
    const part = fc.constantFrom(...FIELDS.filter((field) => field.width > 0)).chain((field) =>
      fc
        .tuple(fc.integer({ min: 0, max: field.width - 1 }), fc.integer({ min: 0, max: field.width - 1 }))
        .map(([a, b]) => ({
          field,
          offset: Math.min(a, b),
          bits: Math.abs(a - b) + 1,
        })),
    );
    fc.assert(fc.property(part, (subfield) => assert.deepEqual(parseSubfield(formatSubfield(subfield)), subfield)));
  });

  it('may be the beginning of a text', () => {
    const { subfield, length } = parseSubfieldPrefix('reg1[3..4]->reg0[]');
    assert.equal(formatSubfield(subfield), 'NXM_NX_REG1[3..4]');
    assert.equal(length, 'reg1[3..4]'.length);
  });

  it('that are wrong are refused in the words of Open vSwitch', () => {
    for (const [text, code, message] of [
      ['foo[1]', 'FIELD_UNKNOWN', "foo[1]: unknown field `foo'"],
      ['reg0[3..1]', 'SUBFIELD_INVALID', 'reg0[3..1]: starting bit 3 is after ending bit 1'],
      ['reg0[32]', 'SUBFIELD_INVALID', 'reg0[32]: starting bit 32 is not valid because field is only 32 bits wide'],
      ['reg0[0..32]', 'SUBFIELD_INVALID', 'reg0[0..32]: ending bit 32 is not valid because field is only 32 bits wide'],
      ['reg0[-1]', 'SUBFIELD_INVALID', 'reg0[-1]: starting bit -1 is not valid because field is only 32 bits wide'],
      ['reg0[x]', 'SUBFIELD_INVALID', 'reg0[x]: syntax error expecting [] or [<bit>] or [<start>..<end>]'],
      ['reg0[3', 'SUBFIELD_INVALID', 'reg0[3: syntax error expecting [] or [<bit>] or [<start>..<end>]'],
      ['reg0[3]x', 'SUBFIELD_INVALID', 'reg0[3]x: syntax error expecting [] or [<bit>] or [<start>..<end>]'],
      ['', 'SUBFIELD_INVALID', ': syntax error expecting [] or [<bit>] or [<start>..<end>]'],
      ['tun_metadata0[]', 'FIELD_NOT_MAPPED', 'tun_metadata0: not mapped to a tunnel option (see add-tlv-map)'],
    ] as const) {
      assert.throws(() => parseSubfield(text), { name: 'MatchError', code, message });
    }
  });
});
