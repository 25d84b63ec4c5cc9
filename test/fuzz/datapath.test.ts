/** Codecs of the datapath against random, truncated and damaged input: they give a result or a DatapathError. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DatapathError,
  decodeActionAttributes,
  decodeFlowKey,
  decodeFlowMask,
  encodeActionAttributes,
  encodeActions,
  encodeFlowKey,
  formatDatapathActions,
  parseDatapathActions,
  parseDatapathFlow,
  parseFlowKey,
} from '../../src/datapath/index.ts';
import { createFlow } from '../../src/flow/index.ts';
import { createRandom } from '../support/random.ts';

const RUNS = 1500;

const KEYS = [
  'skb_priority(0x12),tunnel(tun_id=0x1,src=1.2.3.4,dst=5.6.7.8/255.0.0.0,vxlan(gbp(id=1,flags=0x2)),flags(-df+key)),ct_state(+est-new),recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth(src=00:00:00:00:00:01/00:00:00:00:00:ff),eth_type(0x88a8),vlan(vid=1,pcp=2/0x1),encap(eth_type(0x8100),vlan(vid=3),encap(eth_type(0x0800),ipv4(src=1.2.3.4,proto=6,frag=no),tcp(src=1/0xf),tcp_flags(syn|ack)))',
  'in_port(2),eth(),eth_type(0x86dd),ipv6(src=fe80::1/ffff::,proto=58,frag=no),icmpv6(type=135,code=0),nd(target=::1,sll=00:00:00:00:00:01)',
  'in_port(3),eth(),eth_type(0x8847),mpls(label=1,tc=0,ttl=64,bos=0,label=2,tc=0,ttl=1,bos=1)',
  'in_port(3),eth(),eth_type(0x894f),nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x1,si=255,c1=0x1)',
];
const ACTIONS = [
  'set(ipv4(ttl=63)),push_vlan(vid=10,pcp=0),2,sample(sample=50.0%,actions(1,clone(trunc(5),3))),check_pkt_len(size=9,gt(1),le(drop))',
  'userspace(pid=1,controller(reason=1,dont_send=0,continuation=0,recirc_id=4,rule_cookie=0x1,controller_id=0,max_len=65535),actions,tunnel_out_port=3),hash(l4(0)),recirc(0x1)',
  'set(tunnel(tun_id=0x1,dst=1.1.1.1,ttl=64,flags(df|key))),set(mpls(label=1/0xff,tc=0,ttl=1,bos=1)),meter(1),4',
];

/** Runs `decode`, which may only throw DatapathError. */
function survives(decode: () => void, input: unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof DatapathError)) {
      assert.fail(`${String(error)} for ${JSON.stringify(input)}`);
    }
    assert.ok(error.offset >= 0 && error.expected !== '');
  }
}

/** `bytes` with a few bytes changed, and sometimes cut off. */
function damage(bytes: Uint8Array, random: () => number): Uint8Array {
  const damaged = bytes.slice(0, random() % 4 === 0 ? random() % (bytes.length + 1) : bytes.length);
  for (let count = random() % 4; count > 0 && damaged.length > 0; count--) {
    damaged[random() % damaged.length] = random() % 3 === 0 ? random() % 32 : random() & 0xff;
  }
  return damaged;
}

function randomBytes(random: () => number): Uint8Array {
  return Uint8Array.from({ length: random() % 80 }, () => (random() % 2 === 0 ? random() % 30 : random() & 0xff));
}

describe('netlink decoders', () => {
  it('survive any bytes', () => {
    const random = createRandom(2026);
    const keys = KEYS.map((text) => encodeFlowKey(parseFlowKey(text).key));
    const actions = ACTIONS.map((text) => encodeActionAttributes(encodeActions(parseDatapathActions(text))));
    for (let run = 0; run < RUNS; run++) {
      for (const input of [randomBytes(random), damage(keys[run % keys.length]!, random)]) {
        survives(() => decodeFlowKey(input, createFlow()), [...input]);
        survives(() => decodeFlowMask(input, createFlow()), [...input]);
      }
      for (const input of [randomBytes(random), damage(actions[run % actions.length]!, random)]) {
        survives(() => {
          const code = decodeActionAttributes(input);
          assert.deepEqual(decodeActionAttributes(encodeActionAttributes(code)), code);
        }, [...input]);
      }
    }
  });
});

describe('text parsers', () => {
  const letters = '(),=/+-|.:0123456789abcdefx "_%';

  function damageText(text: string, random: () => number): string {
    let damaged = text;
    for (let count = 1 + (random() % 3); count > 0; count--) {
      const at = random() % (damaged.length + 1);
      const drop = random() % 4;
      const insert = random() % 2 === 0 ? letters[random() % letters.length]! : '';
      damaged = damaged.slice(0, at) + insert + damaged.slice(at + drop);
    }
    return damaged;
  }

  it('survive any text', () => {
    const random = createRandom(99);
    for (let run = 0; run < RUNS; run++) {
      const flow = damageText(
        `${KEYS[run % KEYS.length]!}, packets:1, bytes:2, used:0.123s, actions:${ACTIONS[run % ACTIONS.length]!}`,
        random,
      );
      survives(() => parseDatapathFlow(flow), flow);
      const actions = damageText(ACTIONS[run % ACTIONS.length]!, random);
      survives(() => {
        const text = formatDatapathActions(parseDatapathActions(actions));
        assert.equal(formatDatapathActions(parseDatapathActions(text)), text);
      }, actions);
    }
  });
});
