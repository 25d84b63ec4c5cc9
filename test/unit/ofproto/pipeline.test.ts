/**
 * What pipelines do to real packets: groups, meters, patch ports, controllers, learned flows, action sets, isolation, limits.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFlow, W_METADATA, W_REG0 } from '../../../src/flow/index.ts';
import type { PacketIn, Switch, SwitchOptions } from '../../../src/switch/index.ts';
import { composeFrame } from '../../../src/wire/index.ts';
import { createScene, describe, frame, megaflows, portsOf, station, udp } from '../../support/scene.ts';

function actionsOf(sw: Switch, flow = 'in_port=1,udp,nw_ttl=64'): string {
  return sw.trace(flow).actions;
}

/** A switch with three ports whose only flow has these actions, and what it makes of a UDP packet from port 1. */
function translated(actions: string, flow?: string): string {
  return actionsOf(createScene(3, `udp,actions=${actions}`), flow);
}

/** A chain of bridges br0 … joined by patch ports; flows send from port 1, or the patch port before, to the next. */
function createChain(length: number, last: string): Switch {
  const sw = createScene(1);
  for (let index = 1; index <= length; index++) {
    sw.addBridge(`br${index}`);
    sw.addPatch(`br${index - 1}`, `to${index}`, `br${index}`, `from${index}`, { number: 10, peerNumber: 11 });
    sw.addFlow('actions=output:10,output:11', `br${index - 1}`);
  }
  sw.addPort('end', { bridge: `br${length}`, number: 1 });
  sw.addFlow(`actions=${last}`, `br${length}`);
  return sw;
}

test('an exit in a clone ends the pipeline, in a bucket the bucket', () => {
  assert.equal(translated('clone(output:2,exit),output:3'), '2');
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=all,bucket=output:2,bucket=resubmit(,1)');
  sw.addFlows('table=0,udp,actions=group:1,output:3\ntable=1,actions=exit');
  assert.equal(actionsOf(sw), '2,3');
});

test('exit spares the action set', () => {
  const sw = createScene(2, 'table=0,actions=write_actions(output:2),goto_table:1\ntable=1,actions=exit');
  assert.equal(actionsOf(sw), '2');
});

test('a clone ends with what was written to the action set in it', () => {
  const sw = createScene(
    3,
    'table=0,udp,actions=clone(resubmit(,1)),output:2\ntable=1,udp,actions=set_field:1.1.1.1->ip_dst,write_actions(output:3)',
  );
  assert.equal(sw.trace('in_port=1,udp,nw_dst=9.9.9.9').actions, 'set(ipv4(dst=1.1.1.1)),3,set(ipv4(dst=9.9.9.9)),2');
});

test('each branch of check_pkt_larger ends with its action set', () => {
  const sw = createScene(
    3,
    `table=0,actions=check_pkt_larger(100)->NXM_NX_REG0[0],resubmit(,1)
     table=1,reg0=0/1,actions=write_actions(output:2)
     table=1,reg0=1/1,actions=write_actions(output:3)`,
  );
  assert.equal(actionsOf(sw), 'check_pkt_len(size=100,gt(3),le(2))');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2']);
  assert.deepEqual(portsOf(sw.inject('p1', udp({ payload: 200 }))), ['p3']);
});

test('an action set is executed in the order of OpenFlow 1.5 section 5.6', () => {
  assert.equal(
    translated('write_actions(output:2,set_queue:4,push_vlan:0x8100,set_field:4101->vlan_vid,dec_ttl)'),
    'set(ipv4(ttl=63)),push_vlan(vid=5,pcp=0),set(skb_priority(0x4)),2',
  );
});

test('an action set has one action of a kind, the one written last, and a group before an output', () => {
  assert.equal(translated('write_actions(output:2,output:3)'), '3');
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=indirect,bucket=output:3');
  sw.addFlow('udp,actions=write_actions(group:1,output:2)');
  assert.equal(actionsOf(sw), '3');
  const cleared =
    'table=0,ip,actions=write_actions(output:2),goto_table:1\ntable=1,ip,actions=clear_actions,write_actions(dec_ttl)';
  assert.equal(actionsOf(createScene(3, cleared)), 'drop', 'without an output nothing is done');
});

test('what a clone does is undone, by a clone in the datapath where nothing else can', () => {
  assert.equal(
    translated('clone(set_field:1.1.1.1->ip_src,output:2),output:3', 'in_port=1,udp,nw_src=9.9.9.9'),
    'set(ipv4(src=1.1.1.1)),2,set(ipv4(src=9.9.9.9)),3',
  );
  assert.match(translated('clone(push_mpls:0x8847,output:2),output:3'), /^clone\(push_mpls\(.*\),2\),3$/);
  assert.match(translated('output:3,clone(push_mpls:0x8847,output:2)'), /^3,push_mpls\([^)]*\),2$/);
});

test('a packet goes through a chain of bridges of which each has a meter', () => {
  const sw = createChain(20, 'output:1');
  for (let index = 0; index < 20; index++) {
    sw.addMeter('meter=1,pktps,band=type=drop,rate=1000', `br${index}`);
    sw.addFlow('actions=meter:1,output:10,output:11', `br${index}`);
  }
  assert.match(actionsOf(sw), /^meter\(0\),(clone\(meter\(\d+\),){19}2\){19}$/);
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['end']);
});

test('a patch port clears metadata and registers, and comes back with them', () => {
  const sw = createChain(1, 'resubmit(,1)');
  sw.addFlow('table=1,reg0=0,metadata=0,actions=output:1', 'br1');
  sw.deleteFlows();
  sw.addPort('p2', { number: 2 });
  sw.addFlows(
    'table=0,actions=load:7->NXM_NX_REG0[],set_field:5->metadata,output:10,resubmit(,1)\ntable=1,reg0=7,metadata=5,actions=output:2',
  );
  assert.deepEqual(portsOf(sw.inject('p1', udp())).sort(), ['end', 'p2']);
});

test('bridges that send to each other for ever are cut off', () => {
  const sw = createChain(1, 'IN_PORT');
  sw.addFlow('priority=40000,in_port=10,actions=IN_PORT');
  assert.match(sw.trace('in_port=1,udp').text, />>>> over max translation depth 64 <<<</);
});

test('limits: tables that resubmit to themselves, too much on the stack, too many lookups, too many actions', () => {
  const loop = createScene(2, 'actions=resubmit(,0)').trace('in_port=1');
  assert.match(loop.text, />>>> over max translation depth 64 <<<</);
  assert.match(loop.text, /Translation failed \(Recursion too deep\), packet is dropped\.\n$/);
  const many = Array.from(
    { length: 13 },
    (_, table) => `table=${table},actions=resubmit(,${table + 1}),resubmit(,${table + 1})`,
  );
  const bomb = createScene(2, many.join('\n')).trace('in_port=1');
  assert.match(bomb.text, />>>> over 4096 resubmit actions <<<</);
  assert.match(bomb.text, /Translation failed \(Too many resubmits\)/);
  const pushes = Array.from({ length: 30 }, () => 'push:NXM_NX_REG0[]').join();
  const stack = createScene(2, `actions=${pushes},resubmit(,0)`).trace('in_port=1');
  assert.match(stack.text, />>>> resubmits yielded over 64 kB of stack <<<<|over max translation depth/);
  const outputs = Array.from({ length: 2000 }, () => 'output:2').join();
  const wide = Array.from({ length: 30 }, (_, table) => `table=${table},actions=${outputs},resubmit(,${table + 1})`);
  const text = createScene(2, wide.join('\n')).trace('in_port=1').text;
  assert.match(text, />>>> resubmits yielded over 64 kB of actions <<<</);
});

test('a pop from an empty stack is a remark', () => {
  const result = createScene(2, 'actions=pop:NXM_NX_REG0[],output:2').trace('in_port=1');
  assert.match(result.text, />>>> stack underflow <<<</);
  assert.equal(result.actions, '2');
});

test('output with max_len truncates, but not into a patch port', () => {
  const sw = createScene(3, 'actions=output(port=2,max_len=30),output:3');
  assert.deepEqual(
    sw.inject('p1', udp()).map(({ port, frame: sent }) => `${port} ${sent.length}`),
    ['p2 30', 'p3 60'],
  );
  const chain = createChain(1, 'output:1');
  chain.addFlow('actions=output(port=10,max_len=30)');
  assert.match(chain.trace('in_port=1').text, />>>> output_trunc does not support patch port 10 <<<</);
});

test('a tunnel id without a tunnel is nothing to the datapath', () => {
  const result = createScene(2, 'udp,actions=set_field:5->tun_id,output:2').trace('in_port=1,udp');
  assert.equal(result.actions, '2');
});

test('a port that is down neither receives nor sends', () => {
  const sw = createScene(3, 'actions=ALL');
  sw.setPort('p2', { config: { down: true } });
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p3']);
  assert.deepEqual(portsOf(sw.inject('p2', udp())), []);
  sw.setPort('p2', { config: { down: false } });
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2', 'p3']);
});

test('ports that may not receive or forward', () => {
  const sw = createScene(3, 'actions=ALL');
  sw.setPort('p2', { config: { noForward: true } });
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p3']);
  sw.setPort('p1', { config: { noReceive: true } });
  assert.deepEqual(portsOf(sw.inject('p1', udp())), []);
});

// Groups

test('buckets of a group see the packet as it came', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=all,bucket=set_field:1.1.1.1->ip_src,output:2,bucket=output:3');
  sw.addFlow('udp,actions=group:1,output:2');
  assert.deepEqual(
    describe(sw.inject('p1', udp())).map((line) => line.replace(/^(p\d).*60: (\S+) .*/, '$1 $2')),
    ['p2 1.1.1.1.1', 'p2 10.0.0.1.1', 'p3 10.0.0.1.1'],
  );
});

/** How many of 4000 connections each of the buckets got. */
function distribute(group: string, disturb: (sw: Switch) => void = () => {}): number[] {
  const sw = createScene(5, '', { maxMegaflows: 20_000 });
  sw.addGroup(group);
  sw.addFlow('udp,actions=group:1');
  disturb(sw);
  const counts = [0, 0, 0, 0];
  for (let flow = 0; flow < 4000; flow++) {
    for (const { port } of sw.inject('p1', udp({ sourcePort: flow, source: `10.0.${flow & 255}.1` }))) {
      counts[Number(port.slice(1)) - 2]!++;
    }
  }
  return counts;
}

function near(counts: readonly number[], shares: readonly number[]): void {
  counts.forEach((count, index) => {
    const wanted = 4000 * shares[index]!;
    assert.ok(Math.abs(count - wanted) < 250, `bucket ${index}: ${count} instead of about ${wanted} (${counts})`);
  });
}

test('select groups spread connections by weight', () => {
  const buckets = 'bucket=weight:1,output:2,bucket=weight:2,output:3,bucket=weight:5,output:4,bucket=weight:0,output:5';
  near(distribute(`group_id=1,type=select,${buckets}`), [1 / 8, 2 / 8, 5 / 8, 0]);
  near(distribute(`group_id=1,type=select,selection_method=dp_hash,${buckets}`), [1 / 8, 2 / 8, 5 / 8, 0]);
});

test('select by fields spreads evenly and looks at those fields only', () => {
  const group = 'group_id=1,type=select,selection_method=hash,fields(ip_src,udp_src),bucket=output:2,bucket=output:3';
  near(distribute(group), [1 / 2, 1 / 2, 0, 0]);
  const sw = createScene(3);
  sw.addGroup(group);
  sw.addFlow('udp,actions=group:1');
  assert.match(
    sw.trace('in_port=1,udp,nw_src=1.1.1.1,nw_dst=2.2.2.2,udp_src=5').megaflow,
    /^recirc_id=0,eth,udp,in_port=1,nw_src=1.1.1.1,nw_frag=no,tp_src=5$/,
  );
});

test('the live buckets share what a dead one had, by weight', () => {
  const group =
    'group_id=1,type=select,bucket=watch_port:2,weight:4,output:2,bucket=watch_port:3,weight:1,output:3,bucket=watch_port:4,weight:3,output:4';
  const counts = distribute(group, (sw) => sw.setPort('p2', { linkUp: false }));
  assert.equal(counts[0], 0);
  assert.ok(counts[1]! > 500 && counts[2]! > 2000, `${counts}`);
});

test('a select group matches a few bits of the hash, not connections', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=select,bucket=output:2,bucket=output:3');
  sw.addFlow('udp,actions=group:1');
  for (let host = 0; host < 500; host++) {
    // Of UDP the ports are not in the symmetric hash.
    sw.inject('p1', udp({ source: `10.1.${host >>> 8}.${host & 255}` }));
  }
  const flows = megaflows(sw);
  assert.equal(flows.length, 17, flows.join('\n'));
  assert.equal(flows.filter((flow) => /^recirc_id\(0x[1-9].*dp_hash\((0x)?[0-9a-f]+\/0xf\)/.test(flow)).length, 16);
});

test('weights too uneven for dp_hash: by Ethernet source, whether or not it was asked for', () => {
  for (const method of ['', 'selection_method=dp_hash,']) {
    const sw = createScene(3);
    sw.addGroup(`group_id=1,type=select,${method}bucket=weight:1,output:2,bucket=weight:1000,output:3`);
    sw.addFlow('udp,actions=group:1');
    assert.match(sw.trace('in_port=1,udp').megaflow, /dl_src=/);
    assert.equal(actionsOf(sw), '3');
  }
});

test('fast failover takes the first live bucket, and the cache follows the link', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3');
  sw.addFlow('udp,actions=group:1');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2']);
  sw.setPort('p2', { linkUp: false });
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p3']);
  sw.setPort('p3', { config: { down: true } });
  assert.deepEqual(portsOf(sw.inject('p1', udp())), []);
  sw.setPort('p2', { linkUp: true });
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2']);
});

test('what a bucket sends to may write to the action set of the pipeline', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=indirect,bucket=resubmit(,1)');
  sw.addFlows('table=0,udp,actions=group:1,output:2\ntable=1,actions=write_actions(output:3)');
  assert.equal(actionsOf(sw), '2,3');
});

test('a group that is changed changes what the cache does', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=indirect,bucket=output:2');
  sw.addFlow('udp,actions=group:1');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2']);
  sw.modifyGroup('group_id=1,type=indirect,bucket=output:3');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p3']);
});

// Meters

test('a meter drops what exceeds its rate and lets more through with time', () => {
  const sw = createScene(2);
  sw.addMeter('meter=7,pktps,burst,stats,band=type=drop,rate=10,burst_size=10');
  sw.addFlow('udp,actions=meter:7,output:2');
  const send = (count: number): number => {
    let passed = 0;
    for (let index = 0; index < count; index++) {
      passed += sw.inject('p1', udp()).length;
    }
    return passed;
  };
  assert.equal(send(30), 10);
  sw.advance(500);
  assert.equal(send(30), 5);
  assert.deepEqual(sw.meterStats(), [
    { meter: 7, flowCount: 1, packets: 60n, bytes: 3600n, durationMs: 500, bands: [{ packets: 45n, bytes: 2700n }] },
  ]);
});

// Controllers

function withPacketIns(flows: string, options: SwitchOptions = {}): { sw: Switch; packetIns: PacketIn[] } {
  const packetIns: PacketIn[] = [];
  const sw = createScene(3, '', { ...options, onPacketIn: (packetIn) => packetIns.push(packetIn) });
  sw.addGroup('group_id=1,type=all,bucket=output:CONTROLLER');
  sw.addFlows(flows);
  return { sw, packetIns };
}

test('a packet-in says why, from where, and what the pipeline knew', () => {
  const { sw, packetIns } = withPacketIns(
    'table=0,actions=load:7->NXM_NX_REG3[],set_field:9->metadata,resubmit(,5)\ntable=5,cookie=0xa5,udp,actions=dec_ttl,controller(reason=no_match,max_len=20,id=4,userdata=01.02)',
  );
  sw.inject('p1', udp());
  assert.equal(packetIns.length, 1);
  const [packetIn] = packetIns;
  assert.equal(packetIn!.reason, 'no_match');
  assert.equal(packetIn!.table, 5);
  assert.equal(packetIn!.cookie, 0xa5n);
  assert.equal(packetIn!.controllerId, 4);
  assert.deepEqual([...packetIn!.userdata], [1, 2]);
  assert.equal(packetIn!.frame.length, 20);
  assert.equal(packetIn!.totalLength, 60);
  assert.equal(packetIn!.metadata[W_REG0 + 3], 7);
  assert.equal(packetIn!.metadata[W_METADATA + 1], 9);
  assert.match(formatFlow(packetIn!.metadata), /in_port=1/);
  assert.equal(packetIn!.continuation, null);
});

const REASONS: readonly (readonly [reason: string, table: number, cookie: bigint, flows: string])[] = [
  ['action', 0, 1n, 'cookie=1,udp,actions=CONTROLLER'],
  ['action', 0, 1n, 'cookie=1,priority=0,udp,actions=CONTROLLER'],
  ['no_match', 3, 2n, 'table=0,cookie=1,actions=resubmit(,3)\ntable=3,cookie=2,priority=0,actions=CONTROLLER'],
  ['group', 0, 1n, 'cookie=1,actions=group:1'],
  ['action_set', 0, 1n, 'cookie=1,actions=write_actions(output:CONTROLLER)'],
  ['invalid_ttl', 0, 1n, 'cookie=1,udp,actions=set_field:1->nw_ttl,dec_ttl,output:2'],
];

for (const [reason, table, cookie, flows] of REASONS) {
  test(`a packet-in by reason of ${reason}: ${flows.replace('\n', '; ')}`, () => {
    const { sw, packetIns } = withPacketIns(flows);
    sw.inject('p1', udp());
    assert.deepEqual(
      packetIns.map((packetIn) => [packetIn.reason, packetIn.table, packetIn.cookie]),
      [[reason, table, cookie]],
    );
  });
}

test('a packet-in by reason of a packet-out', () => {
  const { sw, packetIns } = withPacketIns('table=3,cookie=2,priority=0,actions=CONTROLLER');
  sw.packetOut(udp(), 'resubmit(,3)');
  assert.deepEqual(
    packetIns.map(({ reason, cookie }) => [reason, cookie]),
    [['packet_out', 2n]],
  );
});

test('an expired TTL ends the list of actions, not the pipeline', () => {
  const { sw, packetIns } = withPacketIns(
    'table=0,udp,actions=resubmit(,1),output:3\ntable=1,udp,actions=dec_ttl(1,2),output:2',
  );
  assert.deepEqual(portsOf(sw.inject('p1', udp({ ttl: 1 }))), ['p3']);
  assert.deepEqual(
    packetIns.map(({ reason, controllerId }) => [reason, controllerId]),
    [
      ['invalid_ttl', 1],
      ['invalid_ttl', 2],
    ],
  );
  assert.deepEqual(portsOf(sw.inject('p1', udp({ ttl: 2 }))), ['p2', 'p3']);
});

test('a paused packet goes on where it stopped, as often as it is resumed', () => {
  const { sw, packetIns } = withPacketIns(
    `table=0,cookie=0xa0,in_port=1,udp,actions=load:7->NXM_NX_REG3[],push:NXM_NX_REG3[],resubmit(,5),output:2
     table=5,cookie=0xa5,udp,actions=set_field:1.1.1.1->ip_src,controller(pause,userdata=01.02),pop:NXM_NX_REG4[],resubmit(,6)
     table=6,reg4=7,udp,actions=output:3`,
  );
  assert.deepEqual(portsOf(sw.inject('p1', udp())), []);
  const [packetIn] = packetIns;
  assert.equal(packetIn!.cookie, 0xa0n);
  assert.equal(packetIn!.table, 0);
  assert.deepEqual([...packetIn!.userdata], [1, 2]);
  sw.deleteFlows('table=0');
  sw.advance(60_000);
  for (let time = 0; time < 2; time++) {
    sw.resume(packetIn!);
    assert.deepEqual(
      describe(sw.collect()).map((line) => line.replace(/^(p\d).*60: (\S+) .*/, '$1 $2')),
      ['p2 1.1.1.1.1', 'p3 1.1.1.1.1'],
    );
  }
  assert.equal(sw.dumpFlows('table=6')[0]!.packets, 2n);
  sw.resume(packetIn!, { frame: udp({ source: '9.9.9.9' }) });
  assert.match(describe(sw.collect())[0]!, /9\.9\.9\.9\.1 >/);
});

test('a packet that nothing paused cannot be resumed', () => {
  const { sw, packetIns } = withPacketIns('actions=CONTROLLER');
  sw.inject('p1', udp());
  assert.throws(() => sw.resume(packetIns[0]!), { name: 'SwitchError', code: 'CONTINUATION_MISSING' });
});

test('table misses: dropped, sent to the controller unless from a resubmit or a port that may not, or passed on', () => {
  const { sw, packetIns } = withPacketIns('table=2,in_port=3,actions=output:2\ntable=0,in_port=2,actions=resubmit(,1)');
  assert.deepEqual(portsOf(sw.inject('p3', udp())), []);
  sw.setTable(0, { miss: 'controller' });
  sw.inject('p1', udp());
  assert.deepEqual(
    packetIns.map(({ reason, table }) => [reason, table]),
    [['no_match', 0]],
  );
  sw.setTable(1, { miss: 'controller' });
  sw.inject('p2', udp());
  assert.equal(packetIns.length, 1);
  sw.setPort('p1', { config: { noPacketIn: true } });
  sw.inject('p1', udp());
  assert.equal(packetIns.length, 1);
  sw.setTable(0, { miss: 'continue' });
  sw.setTable(1, { miss: 'continue' });
  assert.deepEqual(portsOf(sw.inject('p3', udp())), ['p2']);
});

// learn

const LEARN = 'NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]';

test('learn adds a flow, and seeing it again neither adds nor disturbs the cache', () => {
  const sw = createScene(2, `actions=learn(table=1,hard_timeout=10,${LEARN}),resubmit(,1)`);
  sw.inject('p1', frame(1, 2));
  const learned = sw.dumpFlowsText('table=1');
  assert.match(learned, /table=1.*hard_timeout=10.*dl_dst=02:00:00:00:00:01 actions=output:1\n$/);
  assert.deepEqual(portsOf(sw.inject('p2', frame(2, 1))), ['p1']);
  const { revalidated } = sw.counters().udpif;
  for (let second = 0; second < 20; second++) {
    sw.advance(1000);
    sw.inject('p1', frame(1, 2));
  }
  assert.equal(sw.dumpFlows('table=1,dl_dst=02:00:00:00:00:01').length, 1, 'refreshed all the while');
  sw.advance(11_000);
  assert.equal(sw.dumpFlows('table=1').length, 0, 'and gone when no packet came');
  assert.ok(sw.counters().udpif.revalidated < revalidated + 10);
});

test('learn stops at its limit and says so', () => {
  const sw = createScene(
    3,
    `table=0,actions=learn(table=1,limit=2,cookie=7,result_dst=NXM_NX_REG0[0],${LEARN}),resubmit(,2)
     table=2,reg0=1/1,actions=output:2
     table=2,reg0=0/1,actions=output:3`,
  );
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 9))), ['p2']);
  assert.deepEqual(portsOf(sw.inject('p1', frame(2, 9))), ['p2']);
  assert.deepEqual(portsOf(sw.inject('p1', frame(3, 9))), ['p3']);
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 9))), ['p2'], 'a known one is not held back');
  assert.equal(sw.dumpFlows('table=1').length, 2);
  sw.deleteFlows(`table=1,dl_dst=${station(1)}`);
  assert.deepEqual(portsOf(sw.inject('p1', frame(3, 9))), ['p2'], 'and the cache follows when there is room');
});

test('learn into a full table fails without harm', () => {
  const sw = createScene(2, `actions=learn(table=1,${LEARN}),output:2`);
  sw.setTable(1, { maxFlows: 1 });
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 2))), ['p2']);
  assert.deepEqual(portsOf(sw.inject('p1', frame(3, 2))), ['p2']);
  assert.equal(sw.dumpFlows('table=1').length, 1);
  assert.equal(sw.pipeline.bridges.get('br0')!.learnFailures, 1);
});

test('learned flows go with the last flow that learned them, if it says delete_learned', () => {
  const removed: string[] = [];
  const sw = createScene(2, '', { onFlowRemoved: ({ reason, flow }) => removed.push(`${flow.table} ${reason}`) });
  sw.addFlows(`in_port=1,actions=learn(table=1,cookie=7,delete_learned,${LEARN})
               in_port=2,actions=learn(table=1,cookie=7,delete_learned,${LEARN})
               table=1,cookie=8,actions=drop`);
  sw.inject('p1', frame(1, 2));
  sw.deleteFlows('in_port=1');
  assert.equal(sw.dumpFlows('table=1').length, 2, 'another still learns them');
  sw.modifyFlows('in_port=2,actions=drop');
  assert.deepEqual(
    sw.dumpFlows('table=1').map(({ cookie }) => cookie),
    [8n],
  );
  assert.deepEqual(removed, ['0 delete', '1 delete']);
});

test('a learned flow lowers its timeouts at the end of a connection, if it was told to', () => {
  const sw = createScene(
    2,
    'table=0,tcp,actions=learn(table=1,idle_timeout=60,fin_idle_timeout=3,dl_type=0x0800,nw_proto=6,NXM_OF_TCP_DST[]),resubmit(,1)',
  );
  const tcp = (flags: number): Uint8Array =>
    composeFrame({ ipv4: { source: '1.1.1.1', destination: '2.2.2.2' }, tcp: { destinationPort: 80, flags } });
  sw.inject('p1', tcp(0x10));
  sw.inject('p1', tcp(0x10));
  assert.match(sw.dumpFlowsText('table=1'), /idle_timeout=60.*actions=fin_timeout\(idle_timeout=3\)/);
  sw.inject('p1', tcp(0x11));
  sw.inject('p1', tcp(0x11));
  assert.match(sw.dumpFlowsText('table=1'), /idle_timeout=3,/);
});

// MPLS

test('what is under a popped label is looked at after recirculation', () => {
  const sw = createScene(3, 'mpls,actions=pop_mpls:0x0800,resubmit(,1)\ntable=1,ip,nw_dst=10.0.0.2,actions=output:2');
  const labelled = composeFrame({
    ethernet: { source: station(1), destination: station(2) },
    mpls: [{ label: 5, ttl: 9 }],
    ipv4: { source: '10.0.0.1', destination: '10.0.0.2' },
    udp: {},
  });
  assert.match(sw.trace({ port: 'p1', frame: labelled }).actions, /^pop_mpls\(eth_type=0x800\),recirc\(0x[0-9a-f]+\)$/);
  assert.deepEqual(
    describe(sw.inject('p1', labelled)).map((line) => line.slice(0, 2)),
    ['p2'],
  );
});

// Fragments

test('fragments have no ports, not even the first', () => {
  const sw = createScene(3, 'udp,udp_dst=2,actions=output:2\npriority=1,ip,actions=output:3');
  const fragment = (fragmentOffset: number): Uint8Array =>
    composeFrame({
      ipv4: { source: '1.1.1.1', destination: '2.2.2.2', moreFragments: true, fragmentOffset },
      udp: { sourcePort: 1, destinationPort: 2 },
      payload: new Uint8Array(32),
    });
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2']);
  assert.deepEqual(portsOf(sw.inject('p1', fragment(0))), ['p3']);
  assert.deepEqual(portsOf(sw.inject('p1', fragment(8))), ['p3']);
});

// How narrow megaflows are: the examples of Open vSwitch's own papers and documentation, on the installed megaflows

function installed(flows: string, ...frames: readonly Uint8Array[]): string[] {
  const sw = createScene(3, flows);
  for (const each of frames) {
    sw.inject('p1', each);
  }
  return megaflows(sw).map((text) => text.replace('recirc_id(0),in_port(1),packet_type(ns=0,id=0),', ''));
}

test('ports stay wildcarded while no rule that could match looks at them', () => {
  assert.deepEqual(
    installed('tcp,tcp_dst=80,actions=output:3\npriority=1,actions=output:2', udp(), udp({ sourcePort: 5 })),
    ['eth_type(0x0800),ipv4(proto=17,frag=no) -> 2'],
  );
});

test('a higher rule that matches spares what lower rules would look at', () => {
  assert.deepEqual(
    installed('priority=10,ip,nw_dst=10.0.0.0/24,actions=output:2\npriority=5,udp,udp_dst=2,actions=output:3', udp()),
    ['eth_type(0x0800),ipv4(dst=10.0.0.0/255.255.255.0,frag=no) -> 2'],
  );
});

test('a decision by a prefix un-wildcards no more bits than tell it from the others', () => {
  const acl =
    'priority=10,ip,nw_dst=10.0.0.0/24,actions=output:2\npriority=10,ip,nw_dst=192.168.0.1,actions=drop\npriority=1,actions=output:3';
  assert.deepEqual(installed(acl, udp()), ['eth_type(0x0800),ipv4(dst=10.0.0.0/255.255.255.0,frag=no) -> 2']);
  assert.deepEqual(installed(acl, udp({ destination: '11.1.1.1' })), [
    'eth_type(0x0800),ipv4(dst=11.0.0.0/255.0.0.0,frag=no) -> 3',
  ]);
});

test('a field that is set to what a rule wants is matched only where it needs setting', () => {
  assert.deepEqual(installed('udp,actions=set_field:1.1.1.1->ip_dst,output:2', udp(), udp({ source: '7.7.7.7' })), [
    'eth_type(0x0800),ipv4(dst=10.0.0.2,proto=17,frag=no) -> set(ipv4(dst=1.1.1.1)),2',
  ]);
});

test('registers and metadata are not in megaflows', () => {
  assert.deepEqual(
    installed(
      'table=0,actions=load:5->NXM_NX_REG0[],set_field:3->metadata,goto_table:1\ntable=1,reg0=5,metadata=3,actions=output:2',
      frame(1, 2),
    ),
    ['eth_type(0x88b5) -> 2'],
  );
});
