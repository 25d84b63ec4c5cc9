/** What is wrong with entries of a match has the name that Open vSwitch gives it, and loose reading passes over unknown fields. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMatch } from '../../../../src/flow/index.ts';
import { OpenFlowError } from '../../../../src/openflow/index.ts';
import { ByteReader } from '../../../../src/openflow/wire/bytes.ts';
import { readEntries } from '../../../../src/openflow/wire/nx-match.ts';
import { bytesOf } from './bytes-of.ts';

const CASES: readonly (readonly [hex: string, answer: string])[] = [
  ['00000602 0800 00000e04 ac100014', 'ip,nw_src=172.16.0.20'],
  ['00000e04 ac100014', 'OFPBMC_BAD_PREREQ'],
  ['00000602 0806 00000e04 ac100014', 'OFPBMC_BAD_PREREQ'],
  ['00000802 f009 00000802 f009', 'OFPBMC_DUP_FIELD'],
  ['0000030c 60175619848f 5a5a5a5a5a5a', 'OFPBMC_BAD_WILDCARDS'],
  ['00000602 0800 00000a01 41', 'OFPBMC_BAD_VALUE'],
  ['00000704 0801 ff00', 'OFPBMC_BAD_WILDCARDS'],
  ['00000704 0800 ff0f', 'OFPBMC_BAD_MASK'],
  ['01020304 11112222', 'OFPBMC_BAD_FIELD'],
  ['ffff0208 00002320 11112222', 'OFPBMC_BAD_FIELD'],
  ['00000602 08', 'OFPBMC_BAD_LEN'],
  ['0000', 'OFPBMC_BAD_LEN'],
  ['80000004 12345678', 'OFPBMC_BAD_VALUE'],
  ['0001d204 00001080', 'OFPBMC_BAD_VALUE'],
  ['80000c02 0000', 'vlan_tci=0x0000/0x1fff'],
  ['80000d04 1000 1000', 'vlan_tci=0x1000/0x1000'],
];

function answerOf(hex: string, loose: boolean): string {
  try {
    return formatMatch(readEntries(new ByteReader(bytesOf(hex)), { loose }).match);
  } catch (error) {
    assert.ok(error instanceof OpenFlowError);
    return error.code;
  }
}

test('bad entries are refused by name', () => {
  for (const [hex, answer] of CASES) {
    assert.equal(answerOf(hex, false), answer, hex);
  }
});

test('loose reading passes over what it does not know', () => {
  assert.equal(answerOf('00000002 0001 01020304 11112222 00000602 0800', true), 'ip,in_port=1');
  assert.equal(answerOf('00000002 0001 ffff0208 00002320 11112222', true), 'in_port=1');
});
