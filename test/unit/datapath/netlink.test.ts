import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type DatapathAction,
  decodeActionAttributes,
  decodeActions,
  decodeFlowKey,
  decodeFlowMask,
  encodeActionAttributes,
  encodeActions,
  encodeFlowKey,
  encodeFlowMask,
  OVS_KEY_ATTR_TUNNEL,
  parseDatapathActions,
  parseFlowKey,
  SET_ATTRIBUTE_WORDS,
  serialiseFlow,
} from '../../../src/datapath/index.ts';
import { createFlow } from '../../../src/flow/index.ts';
import { arbitraryActions } from '../../support/arbitrary-datapath.ts';
import { arbitraryKeyAndMask } from '../../support/arbitrary-key.ts';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The attributes of `bytes` as `type:payload`, in order. */
function attributesOf(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const list: string[] = [];
  for (let at = 0; at < bytes.length; at += (view.getUint16(at, true) + 3) & ~3) {
    const length = view.getUint16(at, true);
    list.push(`${view.getUint16(at + 2, true) & 0x3fff}:${hex(bytes.subarray(at + 4, at + length))}`);
  }
  return list;
}

describe('keys as netlink attributes', () => {
  it('have the layout of linux/openvswitch.h', () => {
    const { key } = parseFlowKey(
      'skb_priority(0x102),ct_zone(0x304),recirc_id(0x5),in_port(6),packet_type(ns=0,id=0),' +
        'eth(src=00:01:02:03:04:05,dst=0a:0b:0c:0d:0e:0f),eth_type(0x8100),vlan(vid=10,pcp=3),encap(eth_type(0x0800),' +
        'ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0x3,ttl=64,frag=first),tcp(src=1,dst=80),tcp_flags(syn))',
    );
    const list = attributesOf(encodeFlowKey(key));
    assert.deepEqual(list, [
      '2:02010000',
      '15:00000000',
      '22:00000000',
      '23:0403',
      '24:00000000',
      `25:${'00'.repeat(16)}`,
      '20:05000000',
      '19:00000000',
      '3:06000000',
      '29:00000000',
      '4:0001020304050a0b0c0d0e0f',
      '6:8100',
      '5:700a',
      `1:${[
        '060006000800' + '0000',
        '100007000a0000010a00000206034001',
        '0800090000010050',
        '060012000002' + '0000',
      ].join('')}`,
    ]);
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(arbitraryKeyAndMask, ({ key, mask }) => {
        const decodedKey = createFlow().fill(-1);
        const decodedMask = createFlow().fill(-1);
        decodeFlowKey(encodeFlowKey(key), decodedKey);
        decodeFlowMask(encodeFlowMask(key, mask), decodedMask);
        assert.deepEqual(decodedKey, key);
        assert.deepEqual(decodedMask, mask);
      }),
      { numRuns: 500 },
    );
  });

  it('keep tunnel options', () => {
    for (const text of [
      'tunnel(tun_id=0x1,dst=1.2.3.4,vxlan(gbp(id=16,flags=0x48)),flags(df|key))',
      'tunnel(tun_id=0x1,dst=1.2.3.4,erspan(ver=1,idx=0x7),flags(key))',
      'tunnel(tun_id=0x1,dst=1.2.3.4,erspan(ver=2,dir=1,hwid=0x3f),flags(key))',
      'tunnel(tun_id=0x1,dst=1.2.3.4,gtpu(flags=0x30,msgtype=255),flags(key))',
    ]) {
      const { key, mask } = parseFlowKey(`${text},in_port(1),eth(),eth_type(0x1234)`);
      const decoded = createFlow();
      decodeFlowKey(encodeFlowKey(key), decoded);
      assert.deepEqual(decoded, key, text);
      decodeFlowMask(encodeFlowMask(key, mask), decoded);
      assert.deepEqual(decoded, mask, text);
    }
  });

  it('keep NSH', () => {
    const nsh = 'nsh(flags=2,ttl=63,mdtype=1,np=3,spi=0x123456,si=255,c1=0x1,c2=0x2/0xff,c3=0x3,c4=0x4)';
    const { key, mask } = parseFlowKey(`in_port(1),eth(),eth_type(0x894f),${nsh}`);
    const decoded = createFlow();
    decodeFlowKey(encodeFlowKey(key), decoded);
    assert.deepEqual(decoded, key);
    decodeFlowMask(encodeFlowMask(key, mask), decoded);
    assert.deepEqual(decoded, mask);
  });

  it('serialise with their mask', () => {
    const { key, mask } = parseFlowKey('in_port(1),eth(),eth_type(0x0806),arp(op=1)');
    assert.deepEqual(attributesOf(serialiseFlow(key, mask)), [
      `1:${hex(encodeFlowKey(key))}`,
      `7:${hex(encodeFlowMask(key, mask))}`,
    ]);
  });

  const errors: readonly [name: string, bytes: string, code: string, offset: number][] = [
    ['a cut off header', '080003', 'NETLINK_TRUNCATED', 0],
    ['a length beyond the end', '09000300000000', 'NETLINK_LENGTH_INVALID', 0],
    ['a length below the header', '03000300', 'NETLINK_LENGTH_INVALID', 0],
    ['an attribute twice', '08000300010000000800030001000000', 'NETLINK_ATTRIBUTE_DUPLICATE', 8],
    ['an unknown attribute', '0800ff0001000000', 'NETLINK_ATTRIBUTE_UNKNOWN', 0],
    ['a structure of another size', '08000700010000 00'.replace(' ', ''), 'NETLINK_LENGTH_INVALID', 0],
    [
      'a VLAN without encapsulation',
      '0600060081000000060005001001 0000'.replace(' ', ''),
      'NETLINK_ATTRIBUTE_MISSING',
      8,
    ],
    ['a fragment type that there is not', '10000700000000000000000000000003', 'NETLINK_VALUE_INVALID', 0],
    ['a label that is too long', `2c000800${'00'.repeat(32)}00100000${'00'.repeat(4)}`, 'NETLINK_VALUE_INVALID', 0],
  ];
  for (const [name, bytes, code, offset] of errors) {
    it(`refuse ${name}`, () => {
      assert.throws(() => decodeFlowKey(Buffer.from(bytes, 'hex'), createFlow()), {
        name: 'DatapathError',
        code,
        offset,
      });
    });
  }
});

describe('actions as netlink attributes', () => {
  it('have the layout of linux/openvswitch.h', () => {
    const actions = parseDatapathActions(
      'set(ipv4(ttl=63)),push_vlan(vid=10,pcp=3),sample(sample=100.0%,actions(2)),' +
        'push_mpls(label=1,tc=0,ttl=64,bos=1,eth_type=0x8847),hash(l4(5)),recirc(0x1),trunc(100),1',
    );
    assert.deepEqual(attributesOf(encodeActionAttributes(encodeActions(actions))), [
      `11:1c000700${'00'.repeat(10)}3f00${'00'.repeat(10)}ff00`,
      '4:8100700a',
      '6:08000100ffffffff0c0002800800010002000000',
      '9:0000114088470000',
      '8:0000000005000000',
      '7:01000000',
      '13:64000000',
      '1:01000000',
    ]);
  });

  it('come back as they were', () => {
    fc.assert(
      fc.property(arbitraryActions, (actions) => {
        const code = encodeActions(actions);
        assert.deepEqual(decodeActions(decodeActionAttributes(encodeActionAttributes(code))), actions);
      }),
      { numRuns: 500 },
    );
  });

  it('keep tunnels', () => {
    const words = SET_ATTRIBUTE_WORDS.get(OVS_KEY_ATTR_TUNNEL)!;
    const [set] = parseDatapathActions(
      'set(tunnel(tun_id=0x12,src=1.1.1.1,dst=2.2.2.2,ttl=64,tp_dst=4789,flags(df|key)))',
    );
    assert.ok(set?.type === 'set');
    assert.equal(set.words.length, words.length);
    assert.deepEqual(decodeActions(decodeActionAttributes(encodeActionAttributes(encodeActions([set])))), [set]);
  });

  it('are refused when they are nested too deep', () => {
    let actions: DatapathAction[] = [];
    for (let depth = 0; depth < 40; depth++) {
      actions = [{ type: 'clone', actions }];
    }
    const bytes = encodeActionAttributes(encodeActions(actions));
    assert.throws(() => decodeActionAttributes(bytes), { code: 'NETLINK_NESTED_TOO_DEEP' });
  });
});
