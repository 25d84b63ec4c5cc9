import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  FIELDS,
  FLOW_WORDS,
  fieldByName,
  fieldByOxm,
  isTunMetadata,
  type MatchField,
  requireField,
} from '../../../src/flow/index.ts';
import { MANUAL } from './fields-manual.ts';

const WIRE_VERSIONS: Readonly<Record<string, number>> = { '': 0, '1.2': 0x03, '1.3': 0x04, '1.5': 0x06 };

/** Fields of which the key holds fewer bits than the manual page gives them, because the rest is always 0. */
const NARROWER: Readonly<Record<string, number>> = { ct_state: 8, arp_op: 8, tun_metadata0: 0 };
/** vlan_vid's bit of presence is not one of its twelve. */
const MANUAL_NAMES = new Set(MANUAL.flatMap(([names]) => names.split(' ')));

describe('the registry of fields', () => {
  for (const [names, bytes, bits, format, maskable, prerequisite, writable, ids] of MANUAL) {
    const [name, ...aliases] = names.split(' ');
    it(`has ${name} as the manual page has it`, () => {
      const field = requireField(name!);
      assert.equal(field.name, name);
      assert.deepEqual(field.aliases, aliases);
      assert.equal(field.width, NARROWER[name!] ?? bits);
      assert.equal(field.bytes, isTunMetadata(field) ? 0 : bytes);
      assert.equal(field.format, format);
      assert.equal(field.maskable, maskable);
      assert.equal(field.prerequisite, prerequisite);
      assert.equal(field.writable, writable);
      assert.deepEqual(
        field.oxmIds.map((id) => [id.name, id.field, id.sinceVersion]),
        ids.map(([id, number, since]) => [id, number, WIRE_VERSIONS[since]]),
      );
    });
  }

  it('has the fields that the manual page only mentions', () => {
    const numbered = /^(?:x{0,2}reg|tun_metadata)\d+$/;
    const rest = FIELDS.filter((field) => !MANUAL_NAMES.has(field.name) && !numbered.test(field.name));
    assert.deepEqual(
      rest.map((field) => field.name),
      ['dp_hash', 'recirc_id', 'tun_ttl', 'tun_tos', 'dl_vlan', 'dl_vlan_pcp'],
    );
  });

  it('numbers the numbered fields without gaps', () => {
    for (const [name, count, oxmClass, first] of [
      ['reg', 16, 0x0001, 0],
      ['xreg', 8, 0x8001, 0],
      ['xxreg', 4, 0x0001, 111],
      ['tun_metadata', 64, 0x0001, 40],
    ] as const) {
      for (let index = 0; index < count; index++) {
        assert.equal(fieldByOxm(oxmClass, first + index)?.name, `${name}${index}`);
      }
      assert.equal(fieldByName(`${name}${count}`), undefined);
    }
  });

  it('finds a field by each of its names, in any case, and by each identifier', () => {
    for (const [index, field] of FIELDS.entries()) {
      assert.equal(field.id, index);
      for (const name of [field.name, ...field.aliases, ...field.oxmIds.map((id) => id.name)]) {
        assert.equal(fieldByName(name), field);
        assert.equal(fieldByName(name.toUpperCase()), field);
      }
      for (const id of field.oxmIds) {
        assert.equal(fieldByOxm(id.oxmClass, id.field, id.experimenter), field);
      }
    }
    assert.equal(fieldByName('nw_sarc'), undefined);
    assert.equal(fieldByOxm(0x8000, 127), undefined);
    assert.throws(() => requireField('nw_sarc'), /no match field is named "nw_sarc"/);
  });

  it('gives experimenter identifiers their experimenter', () => {
    assert.equal(fieldByOxm(0xffff, 42, 0x4f4e4600)?.name, 'tcp_flags');
    assert.equal(fieldByOxm(0xffff, 4, 0x005ad650)?.name, 'nsh_spi');
    assert.equal(fieldByOxm(0xffff, 0, 0x00002320)?.name, 'dp_hash');
    assert.equal(fieldByOxm(0x1000, 1)?.name, 'nd_reserved');
    assert.equal(fieldByOxm(0xffff, 42), undefined);
  });

  it('keeps every field inside the key, and no two apart that are not one place of several names', () => {
    for (const field of FIELDS) {
      assert.ok(field.bitOffset >= 0 && field.bitOffset + field.width <= FLOW_WORDS * 32, field.name);
      for (const other of FIELDS) {
        const overlap =
          other.bitOffset < field.bitOffset + field.width && field.bitOffset < other.bitOffset + other.width;
        if (overlap && field.id < other.id) {
          assert.ok(sharesPlace(field, other), `${field.name} overlaps ${other.name}`);
        }
      }
    }
  });
});

/** Fields that are meant to lie over each other: other names of the same bits, parts of the other, or another protocol's. */
function sharesPlace(field: MatchField, other: MatchField): boolean {
  const family = (name: string) => name.replace(/\d+$/, '');
  const families = [family(field.name), family(other.name)];
  const isRegister = families.every((name) => /^x{0,2}reg$/.test(name));
  const isVlan = families.every((name) => /vlan/.test(name));
  const isPort = families.every((name) => /^in_port/.test(name));
  const isTos = families.every((name) => /^(?:nw_tos|ip_dscp|nw_ecn)$/.test(name));
  return isRegister || isVlan || isPort || isTos || field.prerequisite !== other.prerequisite;
}
