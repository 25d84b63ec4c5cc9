import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  checkVlan,
  emitVlan,
  formatVlan,
  parseVlan,
  setVlanTci,
  setVlanTpid,
  type VlanTag,
  vlanLength,
  vlanTci,
  vlanTpid,
} from '../../../src/wire/index.ts';
import { exactView, viewOf } from './frames.ts';
import { anyRecord, field, testHeader } from './header-tests.ts';

const tag: VlanTag = { tpid: 0x88a8, priority: 3, dropEligible: true, vlanId: 5 };

testHeader<VlanTag>({
  name: 'VLAN',
  packet: '88a870058100',
  headerLength: 4,
  header: tag,
  blank: { tpid: 0x8100, priority: 0, dropEligible: false, vlanId: 0 },
  fields: [field(vlanTpid, 0x88a8, setVlanTpid), field(vlanTci, 0x7005, setVlanTci)],
  check: checkVlan,
  parse: parseVlan,
  length: vlanLength,
  emit: emitVlan,
  trailerLength: 2,
  headers: anyRecord({
    tpid: fc.constantFrom(0x8100, 0x88a8),
    priority: fc.nat(7),
    dropEligible: fc.boolean(),
    vlanId: fc.nat(4095),
  }),
});

it('takes other types for no tag', () => {
  assert.equal(checkVlan(viewOf('080045000000'), 0, 6), -1);
  assert.equal(checkVlan(exactView(new Uint8Array([0x81, 0, 0, 5])), 0, 4), -1);
});

it('is written as tcpdump writes it', () => {
  assert.equal(formatVlan(tag), 'vlan 5, p 3, DEI');
  assert.equal(formatVlan({ ...tag, dropEligible: false }), 'vlan 5, p 3');
});
