/** Actions against the match of their flow. What ovs-ofctl itself checks is in flow-corpus.json; here is the rest. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMatch } from '../../../src/flow/index.ts';
import {
  type CheckActionsContext,
  checkActions,
  checkBucketActions,
  OpenFlowError,
  parseActions,
} from '../../../src/openflow/index.ts';

/** The code of the error, or null when there is none. */
function check(match: string, actions: string, context: CheckActionsContext = {}): string | null {
  try {
    checkActions(parseActions(actions), parseMatch(match), context);
    return null;
  } catch (error) {
    assert.ok(error instanceof OpenFlowError, String(error));
    assert.ok(error.message.startsWith(`actions are invalid with specified match (${error.code}): `), error.message);
    return error.code;
  }
}

test('inconsistencies are allowed as in OpenFlow 1.0, and forbidden when asked for', () => {
  const cases: readonly (readonly [match: string, actions: string, consistentMatch: string | null])[] = [
    ['', 'mod_nw_src:1.2.3.4', 'ip'],
    ['arp', 'mod_nw_tos:4', 'ipv6'],
    ['', 'strip_vlan', 'dl_vlan=5'],
    ['', 'set_vlan_vid:5', 'dl_vlan=5'],
    ['', 'dec_ttl', 'ip'],
    ['', 'mod_tp_dst:80', 'udp6'],
    ['ip', 'set_mpls_ttl:5', 'mpls'],
    ['ip', 'pop_mpls:0x0800', 'mpls'],
    ['ip', 'dec_nsh_ttl', 'dl_type=0x894f'],
    ['udp', 'fin_timeout(idle_timeout=5)', 'tcp'],
    ['packet_type=(1,0x800)', 'mod_dl_src:00:00:00:00:00:01', ''],
    ['ip', 'push_mpls:0x8847,dec_ttl', null],
  ];
  for (const [match, actions, consistentMatch] of cases) {
    assert.equal(check(match, actions), null, `${match} ${actions}`);
    assert.equal(check(match, actions, { consistent: true }), 'OFPBAC_MATCH_INCONSISTENT', `${match} ${actions}`);
    if (consistentMatch !== null) {
      assert.equal(check(consistentMatch, actions, { consistent: true }), null, `${consistentMatch} ${actions}`);
    }
  }
  assert.equal(check('', 'mod_vlan_vid:5,strip_vlan', { consistent: true }), null);
  assert.equal(check('mpls', 'pop_mpls:0x0800,dec_ttl', { consistent: true }), null);
});

test('tables, ports, groups and meters must be there', () => {
  assert.equal(check('', 'goto_table:5', { table: 5 }), 'OFPBIC_BAD_TABLE_ID');
  assert.equal(check('', 'goto_table:6', { table: 5 }), null);
  assert.equal(check('', 'goto_table:6', { table: 5, tableCount: 6 }), 'OFPBIC_BAD_TABLE_ID');
  assert.equal(check('', 'output:9', { maxPorts: 8 }), 'OFPBAC_BAD_OUT_PORT');
  assert.equal(check('', 'output:7', { maxPorts: 8 }), null);
  assert.equal(check('', 'clone(any)'), 'OFPBAC_BAD_OUT_PORT');
  assert.equal(check('', 'bundle(eth_src,0,hrw,ofport,members:1,controller)'), 'OFPBAC_BAD_OUT_PORT');
  assert.equal(check('', 'group:4294967041'), 'OFPBAC_BAD_OUT_GROUP');
  assert.equal(check('', 'group:4294967041', { ovsCompat: true }), null);
  assert.equal(check('', 'meter:4294901761'), 'OFPMMFC_INVALID_METER');
});

test('a bucket is checked for ports only', () => {
  checkBucketActions(parseActions('set_field:1.2.3.4->ip_src,1'));
  assert.throws(() => checkBucketActions(parseActions('enqueue:normal:1')), { code: 'OFPBAC_BAD_OUT_PORT' });
});

test('the match is not changed by the check', () => {
  const match = parseMatch('ip,in_port=1');
  checkActions(parseActions('push_vlan:0x8100,push_mpls:0x8847,encap(nsh),decap'), match);
  assert.deepEqual(match, parseMatch('ip,in_port=1'));
});
