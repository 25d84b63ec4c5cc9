import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createFlow,
  formatFlow,
  parseFlow,
  readField,
  requireField,
  TUN_FLAG_KEY,
  W_IN_PORT,
  W_TUN_DST,
  W_TUN_FLAGS_TOS_TTL,
  W_TUN_ID,
  W_VLAN0,
  W_VLAN1,
  writeField,
} from '../../../src/flow/index.ts';
import { TRACED, UNTRACEABLE } from './flow-corpus.ts';

describe('flows in text', () => {
  for (const [text, shown] of TRACED) {
    it(`${text} is shown as ofproto/trace shows it`, () => {
      assert.equal(formatFlow(parseFlow(text)), shown);
    });
  }
  for (const [text, code] of UNTRACEABLE) {
    it(`${text} is refused`, () => {
      assert.throws(() => parseFlow(text), { name: 'MatchError', code });
    });
  }

  it('refuse masks in the words of ofproto/trace', () => {
    assert.throws(() => parseFlow('ip,nw_src=10.0.0.0/8'), {
      message: 'bad value for nw_src (10.0.0.0/8: wildcards not allowed here)',
    });
  });

  it('come by no port unless they say so', () => {
    assert.equal(parseFlow('tcp')[W_IN_PORT], 0xffff);
    assert.equal(parseFlow('tcp,in_port=3')[W_IN_PORT], 3);
  });

  it('have a TPID when they have a tag', () => {
    assert.equal(parseFlow('dl_vlan=5')[W_VLAN0], 0x81001005 | 0);
    assert.equal(parseFlow('dl_vlan=0xffff')[W_VLAN0], 0);
  });

  it('show both tags, and the tunnel key where there is one', () => {
    const flow = parseFlow('in_port=1,dl_vlan=5');
    flow[W_VLAN1] = 0x81002007 | 0;
    assert.match(formatFlow(flow), /dl_vlan=5,dl_vlan_pcp=0,vlan_tci1=0x2007,/);
    flow[W_VLAN1] = 0x81003007 | 0;
    assert.match(formatFlow(flow), /dl_vlan=5,dl_vlan_pcp=0,dl_vlan1=7,dl_vlan_pcp1=1,/);
    flow[W_TUN_DST] = 0x01010101;
    flow[W_TUN_ID + 1] = 5;
    assert.doesNotMatch(formatFlow(flow), /tun_id/);
    flow[W_TUN_FLAGS_TOS_TTL] = TUN_FLAG_KEY << 16;
    assert.match(formatFlow(flow), /^tun_id=0x5,tun_src=.*,tun_flags=key,/);
  });
});

describe('a field of a flow', () => {
  it('is what was written', () => {
    const flow = createFlow();
    for (const [name, value] of [
      ['in_port_oxm', 0xfffffffen],
      ['vlan_pcp', 5n],
      ['vlan_vid', 0x1123n],
      ['nw_ecn', 3n],
      ['nw_tos', 0xa8n],
      ['eth_src', 0x020000000001n],
      ['xxreg2', 0x0123456789abcdef_fedcba9876543210n],
      ['tun_id', 0x0102030405060708n],
    ] as const) {
      writeField(flow, requireField(name), value);
      assert.equal(readField(flow, requireField(name)), value, name);
    }
    assert.equal(flow[W_IN_PORT], 0xfffe);
    assert.equal(flow[W_VLAN0], 0x8100b123 | 0);
    assert.equal(readField(flow, requireField('nw_ecn')), 3n);
    assert.equal(readField(flow, requireField('reg11')), 0x76543210n);
  });
});
