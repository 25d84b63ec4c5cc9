import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createFlowStatsSum,
  createFlowTable,
  type DatapathPort,
  decodeActions,
  encodeActions,
  type FlowTable,
  MAX_RECIRC_DEPTH,
  parseDatapathActions,
  parseFlowKey,
  UPCALL_ACTION,
  UPCALL_MISS,
  type Upcall,
  type UpcallSink,
  UserspaceDatapath,
} from '../../../src/datapath/index.ts';
import { createFlow, W_IN_PORT, W_NW_SRC, W_PKT_MARK, W_RECIRC_ID } from '../../../src/flow/index.ts';
import { composePacket, type FrameSpec, type Packet } from '../../../src/wire/index.ts';

const UDP: FrameSpec = {
  ipv4: { source: '10.0.0.1', destination: '10.0.0.2' },
  udp: { sourcePort: 1, destinationPort: 2 },
};

/** Gives the packets that were put in, and keeps a copy of what is sent. */
class TestPort implements DatapathPort {
  readonly waiting: Packet[] = [];
  readonly sent: Uint8Array[] = [];
  readonly batches: number[] = [];
  accepts = 64;

  receive(batch: Packet[]): number {
    const packets = this.waiting.splice(0, 64);
    for (let index = 0; index < packets.length; index++) {
      batch[index] = packets[index]!;
    }
    return packets.length;
  }

  send(batch: Packet[], count: number): number {
    this.batches.push(count);
    for (const packet of batch.slice(0, count)) {
      this.sent.push(packet.frame().slice());
    }
    return Math.min(count, this.accepts);
  }
}

interface Bench {
  readonly datapath: UserspaceDatapath;
  readonly flows: FlowTable;
  readonly ports: TestPort[];
  /** installs a flow given in text */
  readonly add: (key: string, actions: string) => number;
  /** receives packets on port 1 */
  readonly receive: (...specs: FrameSpec[]) => void;
}

function bench(options: { sink?: UpcallSink; upcallLimit?: number; lookup?: 'tree' | 'masks' } = {}): Bench {
  const flows = createFlowTable({ seed: 1, maxFlows: 100, lookup: options.lookup ?? 'tree' });
  const datapath = new UserspaceDatapath({
    flows,
    seed: 1,
    ...(options.sink === undefined ? {} : { upcallSink: options.sink }),
    ...(options.upcallLimit === undefined ? {} : { upcallLimit: options.upcallLimit }),
  });
  const ports = [0, 1, 2, 3].map(() => new TestPort());
  ports.forEach((port, number) => {
    datapath.addPort(number, port);
  });
  return {
    datapath,
    flows,
    ports,
    add: (text, actions) => {
      const { key, mask } = parseFlowKey(text);
      const code = encodeActions(parseDatapathActions(actions));
      return flows.insert(key, mask, code, code.length, null, 0);
    },
    receive: (...specs) => {
      ports[1]!.waiting.push(...specs.map((spec) => composePacket(spec)));
      datapath.poll(1000);
    },
  };
}

function statistics(
  flows: FlowTable,
  flow: number,
): { packets: number; bytes: number; tcpFlags: number; used: number } {
  const sum = createFlowStatsSum();
  flows.readStats(flow, sum);
  return { ...sum };
}

const ALL = 'in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no)';

for (const lookup of ['tree', 'masks'] as const) {
  describe(`packets with lookup by ${lookup}`, () => {
    it('take their flow’s actions and are credited to it', () => {
      const { add, receive, ports, flows } = bench({ lookup });
      const flow = add(ALL, '2,3');
      const tcp: FrameSpec = { ipv4: { source: '10.0.0.1' }, tcp: { flags: 0x12 } };
      receive(UDP, tcp, UDP);
      assert.equal(ports[2]!.sent.length, 3);
      assert.deepEqual(ports[2]!.batches, [3]);
      assert.deepEqual(ports[3]!.sent, ports[2]!.sent);
      assert.deepEqual(statistics(flows, flow), { packets: 3, bytes: 42 + 54 + 42, tcpFlags: 0x12, used: 1000 });
    });
  });
}

describe('ports', () => {
  it('count what they take and what they do not', () => {
    const { datapath, add, receive, ports } = bench();
    add(ALL, '2');
    ports[2]!.accepts = 1;
    receive(UDP, UDP, UDP);
    assert.deepEqual(datapath.portCounters(2), { rxPackets: 0, txPackets: 1, txDropped: 2 });
    assert.deepEqual(datapath.portCounters(1), { rxPackets: 3, txPackets: 0, txDropped: 0 });
    assert.equal(datapath.counters.txDropped, 2);
  });

  it('come and go', () => {
    const { datapath, add, receive, ports } = bench();
    add(ALL, '2,9');
    assert.equal(datapath.removePort(2), true);
    assert.equal(datapath.removePort(2), false);
    receive(UDP);
    assert.equal(ports[2]!.sent.length, 0);
    assert.equal(datapath.counters.noPort, 2);
    assert.deepEqual(datapath.portNumbers(), [0, 1, 3]);
    datapath.addPort(9, ports[2]!);
    receive(UDP);
    assert.equal(ports[2]!.sent.length, 1);
    assert.throws(() => datapath.addPort(9, ports[2]!), RangeError);
    assert.throws(() => datapath.addPort(65535, ports[2]!), RangeError);
  });

  it('are sent more than a batch in batches', () => {
    const { datapath, add, ports } = bench();
    add(ALL, '2,2,2');
    ports[1]!.waiting.push(...Array.from({ length: 64 }, () => composePacket(UDP)));
    datapath.poll(1);
    assert.deepEqual(ports[2]!.batches, [64, 64, 64]);
  });
});

describe('a poll from within a poll', () => {
  it('does nothing', () => {
    const { datapath, add, ports } = bench();
    add(ALL, '2');
    const inner: number[] = [];
    datapath.addPort(9, {
      receive: () => 0,
      send: (_batch, count) => {
        inner.push(datapath.poll(1));
        return count;
      },
    });
    add(ALL.replace('0x0800', '0x86dd').replace('ipv4', 'ipv6'), '9');
    ports[1]!.waiting.push(composePacket({ ipv6: { source: '::1' }, udp: {} }));
    ports[2]!.waiting.push(composePacket(UDP));
    datapath.poll(1);
    assert.deepEqual(inner, [0]);
    assert.equal(datapath.counters.received, 2);
  });
});

describe('copies', () => {
  it('are right for many packets that are output and changed', () => {
    const { datapath, add, ports } = bench();
    add(
      ALL,
      '2,set(ipv4(ttl=9)),3,push_vlan(vid=1,pcp=0),2,push_vlan(vid=2,pcp=0),3,pop_vlan,pop_vlan,set(udp(src=7)),2',
    );
    for (let round = 0; round < 3; round++) {
      ports[1]!.waiting.push(...Array.from({ length: 64 }, () => composePacket(UDP)));
      datapath.poll(1);
    }
    const shapes = (port: TestPort): string[] => [
      ...new Set(port.sent.map((frame) => `${frame.length}:${Buffer.from(frame.slice(12, 14)).toString('hex')}`)),
    ];
    assert.equal(ports[2]!.sent.length, 3 * 192);
    assert.equal(ports[3]!.sent.length, 3 * 128);
    assert.deepEqual(shapes(ports[2]!), ['42:0800', '46:8100']);
    assert.deepEqual(shapes(ports[3]!), ['42:0800', '50:8100']);
  });
});

describe('upcalls', () => {
  it('carry the packet, its key and nothing of later packets', () => {
    const seen: string[] = [];
    const { receive, datapath } = bench({
      sink: (upcalls) => {
        for (const { kind, packet, key } of upcalls) {
          seen.push(`${kind} ${packet.length} ${key[W_IN_PORT]} ${key[W_NW_SRC]! >>> 0}`);
        }
      },
    });
    receive(UDP, { ipv4: { source: 7 }, udp: {}, payload: new Uint8Array(10) }, UDP);
    assert.deepEqual(seen, [
      `${UPCALL_MISS} 42 1 ${0x0a000001}`,
      `${UPCALL_MISS} 52 1 7`,
      `${UPCALL_MISS} 42 1 ${0x0a000001}`,
    ]);
    assert.equal(datapath.counters.missUpcalls, 3);
  });

  it('of actions carry the action and the headers as changed, truncated', () => {
    const seen: unknown[] = [];
    const { add, receive } = bench({
      sink: (upcalls) => {
        for (const { kind, packet, key, action, actionLength } of upcalls) {
          seen.push([kind, packet.length, key[W_NW_SRC], key[W_PKT_MARK], decodeActions(action, 0, actionLength)]);
        }
      },
    });
    const userspace = 'userspace(pid=3,slow_path(lacp))';
    add(ALL, `set(ipv4(src=1.1.1.1)),set(skb_mark(0x5)),trunc(40),${userspace},${userspace}`);
    receive(UDP);
    assert.deepEqual(seen, [
      [UPCALL_ACTION, 40, 0x01010101, 5, parseDatapathActions(userspace)],
      [UPCALL_ACTION, 42, 0x01010101, 5, parseDatapathActions(userspace)],
    ]);
  });

  it('install flows and send the packet on', () => {
    const { datapath, flows, receive, ports } = bench();
    let upcalls = 0;
    datapath.setUpcallSink((batch, now) => {
      for (const { packet, key } of batch) {
        upcalls++;
        const code = encodeActions(parseDatapathActions('set(skb_mark(0x1)),2'));
        flows.insert(key, parseFlowKey(ALL).mask, code, code.length, null, now);
        datapath.execute(packet, key, code, 0, code.length, now);
        assert.equal(key[W_PKT_MARK], 0, 'the key of the upcall is not changed');
      }
    });
    receive(UDP);
    receive(UDP, UDP);
    assert.equal(upcalls, 1);
    assert.deepEqual(ports[2]!.batches, [1, 2]);
  });

  it('come at most 64 at a time, and all of them', () => {
    const sizes: number[] = [];
    const { datapath, ports, add } = bench({ sink: (upcalls) => sizes.push(upcalls.length) });
    add(ALL, `${'userspace(pid=0,slow_path(match)),'.repeat(3)}2`);
    ports[1]!.waiting.push(...Array.from({ length: 60 }, () => composePacket(UDP)));
    datapath.poll(1);
    assert.deepEqual(sizes, [64, 64, 52]);
  });

  it('beyond the limit, or without sink, are lost', () => {
    const kept: Upcall[] = [];
    const full = bench({ sink: (upcalls) => kept.push(...upcalls), upcallLimit: 2 });
    full.receive(UDP, UDP, UDP);
    full.receive(UDP);
    assert.equal(kept.length, 3);
    assert.equal(full.datapath.counters.lost, 1);
    const deaf = bench();
    deaf.receive(UDP, UDP);
    assert.equal(deaf.datapath.counters.lost, 2);
  });

  it('leave the datapath usable when the sink throws', () => {
    const { datapath, receive } = bench({
      sink: () => {
        throw new Error('sink');
      },
    });
    assert.throws(() => receive(UDP), /sink/);
    let calls = 0;
    datapath.setUpcallSink((upcalls) => {
      calls += upcalls.length;
    });
    receive(UDP);
    assert.equal(calls, 1);
  });
});

describe('recirculation', () => {
  it('looks the packet up again, with its metadata and as changed', () => {
    const { add, receive, ports, flows } = bench();
    add(ALL, 'set(skb_mark(0x5)),set(ipv4(ttl=9)),push_vlan(vid=3,pcp=0),recirc(0x7)');
    const second = add(
      'skb_mark(0x5),recirc_id(0x7),in_port(1),eth(),eth_type(0x8100),vlan(vid=3,pcp=0),encap(eth_type(0x0800),ipv4(ttl=9,frag=no))',
      'pop_vlan,2',
    );
    receive(UDP);
    assert.equal(ports[2]!.sent.length, 1);
    assert.equal(ports[2]!.sent[0]!.length, 42);
    assert.equal(statistics(flows, second).packets, 1);
  });

  it('does not leak metadata into the next packet', () => {
    const { add, receive, ports } = bench();
    add(ALL, 'set(skb_mark(0x5)),recirc(0x7)');
    add('skb_mark(0x5),recirc_id(0x7),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no)', '2');
    add(`skb_mark(0),${ALL.replace('0x0800', '0x86dd').replace('ipv4', 'ipv6')}`, '3');
    receive(UDP, { ipv6: { source: '::1' }, udp: {} });
    assert.deepEqual([ports[2]!.sent.length, ports[3]!.sent.length], [1, 1]);
  });

  it('that is not the last action does not change what follows', () => {
    const { add, receive, ports } = bench();
    add(ALL, 'recirc(0x7),3');
    add('recirc_id(0x7),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no)', 'set(ipv4(ttl=1)),push_vlan(vid=1,pcp=0),2');
    receive(UDP);
    assert.equal(ports[2]!.sent[0]!.length, 46);
    assert.equal(ports[3]!.sent[0]!.length, 42);
    assert.equal(ports[3]!.sent[0]![22], 64);
  });

  it('finds select-group buckets by hash', () => {
    const { add, receive, ports } = bench();
    add(ALL, 'hash(l4(0)),recirc(0x7)');
    add('recirc_id(0x7),dp_hash(0/0x1),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no)', '2');
    add('recirc_id(0x7),dp_hash(0x1/0x1),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no)', '3');
    receive(...Array.from({ length: 60 }, (_, port) => ({ ...UDP, udp: { sourcePort: port } })));
    assert.equal(ports[2]!.sent.length + ports[3]!.sent.length, 60);
    assert.ok(ports[2]!.sent.length > 15 && ports[3]!.sent.length > 15);
  });

  it('that misses is sent up with its recirculation id', () => {
    const ids: number[] = [];
    const { add, receive } = bench({ sink: (upcalls) => ids.push(...upcalls.map(({ key }) => key[W_RECIRC_ID]!)) });
    add(ALL, 'recirc(0x7)');
    receive(UDP);
    assert.deepEqual(ids, [7]);
  });

  it('ends after a number of times', () => {
    const { add, receive, datapath, flows } = bench();
    add(ALL, 'recirc(0x7)');
    const loop = add('recirc_id(0x7),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no)', '2,recirc(0x7)');
    receive(UDP);
    assert.equal(statistics(flows, loop).packets, MAX_RECIRC_DEPTH);
    assert.equal(datapath.counters.drops.recircDepth, 1);
  });
});

describe('malformed packets', () => {
  it('are counted, and dropped when they have no Ethernet header', () => {
    const { add, receive, ports, datapath } = bench();
    add('in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(proto=0)', '2');
    const packet = composePacket(UDP);
    packet.length = 20;
    ports[1]!.waiting.push(packet);
    const short = composePacket(UDP);
    short.length = 10;
    ports[1]!.waiting.push(short);
    receive();
    assert.equal(ports[2]!.sent.length, 1);
    assert.equal(datapath.counters.rxInvalid, 1);
    assert.equal(
      datapath.counters.malformed.reduce((sum, count) => sum + count),
      2,
    );
  });
});

describe('execute', () => {
  it('sends a packet-out with the metadata of the key given', () => {
    const { datapath, ports, add } = bench();
    const key = createFlow();
    key[W_IN_PORT] = 3;
    key[W_PKT_MARK] = 6;
    add('skb_mark(0x6),recirc_id(0x1),in_port(3),eth(),eth_type(0x0800),ipv4(frag=no)', '2');
    const code = encodeActions(parseDatapathActions('1,recirc(0x1)'));
    datapath.execute(composePacket(UDP), key, code, 0, code.length, 5);
    assert.deepEqual([ports[1]!.sent.length, ports[2]!.sent.length], [1, 1]);
  });
});

describe('meters', () => {
  function drops(
    actions: string,
    times: readonly number[],
    unit: 'kbps' | 'pktps',
    bands: readonly [rate: number, burst: number][],
  ): boolean[] {
    const { datapath, add, ports } = bench();
    add(ALL, actions);
    datapath.meters.set(1, { unit, bands: bands.map(([rate, burstSize]) => ({ rate, burstSize })) }, 0);
    return times.map((now) => {
      const before = ports[2]!.sent.length;
      datapath.processBatch(1, [composePacket({ ...UDP, payload: new Uint8Array(83) })], 1, now);
      return ports[2]!.sent.length === before;
    });
  }

  it('let through a burst and then the rate, in packets', () => {
    assert.deepEqual(drops('meter(1),2', [0, 0, 0, 0, 400, 500, 1000, 1000], 'pktps', [[2, 3]]), [
      false,
      false,
      false,
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  it('let through a burst and then the rate, in bits', () => {
    // 125 bytes are 1000 bits: one packet per second at 1 kbps.
    assert.deepEqual(drops('meter(1),2', [0, 0, 0, 999, 1000, 1001], 'kbps', [[1, 2]]), [
      false,
      false,
      true,
      true,
      false,
      true,
    ]);
  });

  it('without burst have that of their rate', () => {
    assert.deepEqual(drops('meter(1),2', [0, 0, 0], 'pktps', [[2, 0]]), [false, false, true]);
  });

  it('count packets, and what exceeded in the band of the highest rate', () => {
    const { datapath, add } = bench();
    add(ALL, 'meter(1),2');
    datapath.meters.set(
      1,
      {
        unit: 'pktps',
        bands: [
          { rate: 1, burstSize: 1 },
          { rate: 2, burstSize: 2 },
        ],
      },
      0,
    );
    for (let count = 0; count < 4; count++) {
      datapath.processBatch(1, [composePacket(UDP)], 1, 0);
    }
    assert.deepEqual(datapath.meters.get(1)!.stats, {
      packets: 4,
      bytes: 168,
      bands: [
        { packets: 1, bytes: 42 },
        { packets: 2, bytes: 84 },
      ],
    });
    assert.equal(datapath.counters.drops.meter, 3);
  });

  it('that are not there let everything through', () => {
    const { datapath, add, receive, ports } = bench();
    add(ALL, 'meter(5),2');
    receive(UDP);
    assert.equal(ports[2]!.sent.length, 1);
    assert.equal(datapath.meters.get(5), null);
    assert.equal(datapath.meters.delete(5), false);
    assert.throws(() => datapath.meters.set(70000, { unit: 'kbps', bands: [] }, 0), { code: 'METER_ID_INVALID' });
  });
});
