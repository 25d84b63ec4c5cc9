/**
 * The embedding API: each method, what it refuses, and texts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPatchPair, MemoryNetdev } from '../../../src/netdev/index.ts';
import { parseFlowMod } from '../../../src/openflow/index.ts';
import { type FlowRemoved, Switch } from '../../../src/switch/index.ts';
import { createScene, frame, portsOf, udp } from '../../support/scene.ts';

/** The flows, without what passes with time. */
function flowsOf(sw: Switch, match = ''): string[] {
  return sw
    .dumpFlowsText(match)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line
        .replace(/^.*(table=)/, '$1')
        .replace(/duration=[^,]*, /, '')
        .trim(),
    );
}

// Bridges and ports

test('ports get the lowest free number, or the one they ask for', () => {
  const sw = new Switch();
  assert.equal(sw.addPort('a').number, 1);
  assert.equal(sw.addPort('b', { number: 3 }).number, 3);
  assert.equal(sw.addPort('c').number, 2);
  assert.equal(sw.addPort('local', { number: 'LOCAL' }).number, 0xfffe);
  assert.deepEqual(
    sw.ports.map(({ name }) => name),
    ['a', 'b', 'c', 'local'],
  );
  assert.equal(sw.port('b').bridge, 'br0');
});

test('calls that cannot be carried out', () => {
  const sw = createScene(2);
  sw.addPort('device', { netdev: createPatchPair('device', 'peer')[0] });
  const wrong: readonly (readonly [code: string, message: RegExp, call: () => unknown])[] = [
    ['PORT_UNKNOWN', /^no port named nope$/, () => sw.port('nope')],
    ['PORT_UNKNOWN', /^no port named nope$/, () => sw.removePort('nope')],
    ['PORT_UNKNOWN', /^no port named nope$/, () => sw.setPort('nope', {})],
    ['PORT_UNKNOWN', /^no port named nope$/, () => sw.inject('nope', udp())],
    ['PORT_EXISTS', /^cannot create a port named p1 because a port named p1 already exists$/, () => sw.addPort('p1')],
    ['PORT_EXISTS', /^port number 2 of bridge br0 is taken by p2$/, () => sw.addPort('x', { number: 2 })],
    ['PORT_NUMBER_INVALID', /expected 1\.\.65279 or LOCAL, got 0$/, () => sw.addPort('x', { number: 0 })],
    ['PORT_NUMBER_INVALID', /got 65280$/, () => sw.addPort('x', { number: 65280 })],
    ['PORT_NUMBER_INVALID', /got 1\.5$/, () => sw.addPort('x', { number: 1.5 })],
    ['PORT_NOT_IN_MEMORY', /expected a port in memory$/, () => sw.inject('device', udp())],
    ['PORT_NOT_IN_MEMORY', /expected a port in memory$/, () => sw.port('device').receive()],
    ['PORT_NOT_IN_MEMORY', /expected a port in memory$/, () => sw.setPort('device', { linkUp: false })],
    ['BRIDGE_EXISTS', /a bridge named br0 already exists$/, () => sw.addBridge('br0')],
    ['BRIDGE_UNKNOWN', /^no bridge named br9$/, () => sw.addPort('x', { bridge: 'br9' })],
    ['BRIDGE_UNKNOWN', /^no bridge named br9$/, () => sw.addFlow('actions=drop', 'br9')],
    ['BRIDGE_UNKNOWN', /^no bridge named br9$/, () => sw.removeBridge('br9')],
    ['BRIDGE_UNKNOWN', /^no bridge named br9$/, () => sw.addPatch('br0', 'x', 'br9', 'y')],
    ['PORT_EXISTS', /p1 already exists/, () => sw.addPatch('br0', 'x', 'br0', 'p1')],
    ['TIME_INVALID', /^cannot advance time by -1 ms: expected 0 or more$/, () => sw.advance(-1)],
    ['TIME_INVALID', /follows a clock$/, () => new Switch({ clock: () => 0 }).advance(1)],
  ];
  for (const [code, message, call] of wrong) {
    assert.throws(call, { name: 'SwitchError', code, message });
  }
  assert.deepEqual(
    sw.ports.map(({ name }) => name),
    ['p1', 'p2', 'device'],
  );
  assert.equal(sw.addPort('x').number, 4, 'nothing was left behind');
});

test('names of ports are taken across bridges', () => {
  const sw = createScene(1);
  sw.addBridge('br1');
  assert.throws(() => sw.addPort('p1', { bridge: 'br1' }), { code: 'PORT_EXISTS' });
  sw.addPatch('br0', 'a', 'br1', 'b');
  assert.throws(() => sw.addPort('b'), { code: 'PORT_EXISTS' });
});

test('a port that is removed stops, and comes back as another', () => {
  const sw = createScene(3, 'in_port=1,actions=output:2,output:3\nin_port=2,actions=output:1');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2', 'p3']);
  sw.removePort('p2');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p3']);
  sw.addPort('new', { number: 2 });
  assert.deepEqual(portsOf(sw.inject('p1', udp())).sort(), ['new', 'p3']);
  assert.deepEqual(portsOf(sw.inject('new', udp())), ['p1']);
});

test('a removed port forgets its stations', () => {
  const sw = createScene(3, 'actions=NORMAL');
  sw.inject('p2', frame(2, 1));
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 2))), ['p2']);
  sw.removePort('p2');
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 2))), ['p3']);
});

test('patch ports: inside one bridge, removed at one end', () => {
  const sw = createScene(2, 'in_port=1,actions=output:3\nin_port=4,actions=output:2');
  sw.addPatch('br0', 'a', 'br0', 'b');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2']);
  sw.removePort('b');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), []);
  sw.removePort('a');
  sw.addPort('c');
  assert.equal(sw.port('c').number, 3);
});

test('a removed bridge takes its ports, flows and megaflows along', () => {
  const sw = createScene(2, 'actions=output:2');
  sw.addBridge('br1');
  sw.addPort('q1', { bridge: 'br1' });
  sw.addPort('q2', { bridge: 'br1' });
  sw.addPatch('br0', 'a', 'br1', 'b', { number: 7, peerNumber: 7 });
  sw.addMeter('meter=1,kbps,band=type=drop,rate=1', 'br1');
  sw.addFlow('actions=output:2', 'br1');
  sw.addFlow('priority=40000,in_port=1,actions=output:7');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['q2']);
  assert.deepEqual(portsOf(sw.inject('q1', udp())), ['q2']);
  sw.removeBridge('br1');
  assert.deepEqual(
    sw.ports.map(({ name }) => name),
    ['p1', 'p2'],
  );
  assert.deepEqual(portsOf(sw.inject('p1', udp())), []);
  sw.addBridge('br1');
  assert.deepEqual(sw.dumpFlows('', 'br1'), []);
  assert.deepEqual(sw.dumpMeters('br1'), []);
});

test('setPort changes what it is given and nothing else', () => {
  const sw = createScene(3, 'actions=NORMAL');
  sw.setPort('p2', { vlans: { mode: 'access', tag: 5 } });
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 'ff'))), ['p3']);
  sw.setPort('p2', { config: { noFlood: false } });
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 'ff'))), ['p3']);
  sw.setPort('p2', { vlans: { mode: 'trunk' } });
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 'ff'))), ['p2', 'p3']);
});

test('the link of a port in memory', () => {
  const sw = createScene(2, 'actions=output:2,output:1,IN_PORT');
  sw.setPort('p2', { linkUp: false });
  assert.deepEqual(portsOf(sw.inject('p2', udp())), []);
  assert.equal(sw.port('p2').stats.rxDropped, 1);
  sw.setPort('p2', { linkUp: true });
  assert.deepEqual(portsOf(sw.inject('p2', udp())), ['p1', 'p2']);
});

test("a link that a device reports down is noticed with the switch's next look around", () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3');
  sw.addFlow('actions=group:1');
  const { netdev } = sw.port('p2');
  assert.ok(netdev instanceof MemoryNetdev);
  netdev.linkUp = false;
  sw.advance(500);
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p3']);
});

test('a table takes as many flows as it is told', () => {
  const sw = createScene(1);
  sw.setTable(3, { maxFlows: 1 });
  sw.addFlow('table=3,tcp,actions=drop');
  assert.throws(() => sw.addFlow('table=3,udp,actions=drop'), { code: 'OFPFMFC_TABLE_FULL' });
  assert.throws(() => sw.setTable(254, {}), { name: 'OpenFlowError', code: 'OFPTMFC_BAD_TABLE' });
  assert.throws(() => sw.setTable(-1, {}), { code: 'OFPTMFC_BAD_TABLE' });
});

// Flows

test('flows are added, changed and deleted, loosely and strictly', () => {
  const sw = createScene(
    2,
    'priority=5,tcp,actions=output:1\npriority=6,tcp,tcp_dst=80,actions=output:1\nudp,actions=drop',
  );
  sw.modifyFlows('tcp,actions=output:2');
  assert.deepEqual(
    flowsOf(sw, 'tcp').map((line) => line.replace(/.*actions/, 'actions')),
    ['actions=output:2', 'actions=output:2'],
  );
  sw.modifyFlows('priority=5,tcp,actions=drop', { strict: true });
  assert.match(flowsOf(sw, 'tcp').join(), /priority=5,tcp actions=drop/);
  sw.deleteFlows('priority=6,tcp', { strict: true });
  assert.equal(sw.dumpFlows().length, 3);
  sw.deleteFlows('tcp');
  assert.equal(sw.dumpFlows().length, 1);
  sw.deleteFlows();
  assert.equal(sw.dumpFlows().length, 0);
});

test('a record does what the method says, whatever its own command', () => {
  const sw = createScene(1);
  const mod = parseFlowMod('tcp,actions=drop', 'add');
  sw.addFlow(mod);
  assert.equal(sw.dumpFlows().length, 1);
  sw.deleteFlows(mod);
  assert.equal(sw.dumpFlows().length, 0);
});

test('flows of a text are added all or none, and the error names the line', () => {
  const sw = createScene(1, 'udp,actions=drop');
  assert.throws(() => sw.addFlows('tcp,actions=drop\nicmp,actions=nonsense'), /flows:2: .*nonsense/s);
  assert.throws(() => sw.addFlows('tcp,actions=drop\nicmp,actions=group:9'), { code: 'OFPBAC_BAD_OUT_GROUP' });
  assert.equal(sw.dumpFlows().length, 1);
});

test('removed flows are reported with their reason and last counters', () => {
  const removed: FlowRemoved[] = [];
  const sw = createScene(2, '', { onFlowRemoved: (each) => removed.push(each) });
  sw.addGroup('group_id=1,type=indirect,bucket=output:2');
  sw.addMeter('meter=1,kbps,band=type=drop,rate=1000');
  sw.addFlows(`tcp,actions=drop
    udp,idle_timeout=3,actions=output:2
    icmp,actions=group:1
    arp,actions=meter:1,output:2
    ipv6,hard_timeout=2,actions=drop`);
  sw.inject('p1', udp());
  sw.inject('p1', udp());
  sw.deleteFlows('tcp');
  sw.deleteGroups('group_id=1');
  sw.deleteMeters('meter=1');
  sw.advance(10_000);
  assert.deepEqual(
    removed.map(({ bridge, reason, flow }) => [bridge, reason, flow.packets]),
    [
      ['br0', 'delete', 0n],
      ['br0', 'group_delete', 0n],
      ['br0', 'meter_delete', 0n],
      ['br0', 'hard_timeout', 0n],
      ['br0', 'idle_timeout', 2n],
    ],
  );
});

test('texts may name ports, and show names when asked to', () => {
  const sw = new Switch({ showsNames: true });
  sw.addPort('web');
  sw.addPort('db-1');
  sw.addFlow('in_port=web,actions=output:"db-1"');
  assert.deepEqual(
    sw.dumpFlows().map(({ actions }) => actions),
    [[{ type: 'output', port: 2, maxLength: 0 }]],
  );
  assert.match(sw.dumpFlowsText(), /in_port=web actions=output:"db-1"\n$/);
  assert.equal(sw.dumpFlows('in_port=web').length, 1);
  assert.match(sw.trace('in_port=web').text, / 0\. in_port=web, priority 32768\n {4}output:"db-1"\n/);
  assert.match(sw.trace('in_port=web').megaflow, /in_port=web/);
  sw.addGroup('group_id=1,type=ff,bucket=watch_port:web,actions=output:web');
  assert.match(sw.dumpGroupsText(), /watch_port:web,actions=output:web/);
  sw.packetOut(udp(), 'output:web');
  assert.deepEqual(portsOf(sw.collect()), ['web']);
  assert.throws(() => sw.addFlow('in_port=nope,actions=drop'), /nope/);
  const plain = new Switch();
  plain.addPort('web');
  plain.addFlow('in_port=web,actions=IN_PORT');
  assert.match(plain.dumpFlowsText(), /in_port=1 actions=IN_PORT\n$/);
});

// Groups and meters

test('groups are added, changed, shown and deleted', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=all,bucket=output:1,bucket=output:2');
  assert.throws(() => sw.addGroup('group_id=1,type=all'), { code: 'OFPGMFC_GROUP_EXISTS' });
  assert.throws(() => sw.modifyGroup('group_id=2,type=all'), { code: 'OFPGMFC_UNKNOWN_GROUP' });
  sw.modifyGroup('group_id=2,type=indirect,bucket=output:3', { mayCreate: true });
  sw.insertBuckets('group_id=1,command_bucket_id=last,bucket=bucket_id:7,actions=output:3');
  sw.removeBuckets('group_id=1,command_bucket_id=0');
  assert.equal(
    sw.dumpGroupsText(),
    'group_id=1,type=all,bucket=bucket_id:1,actions=output:2,bucket=bucket_id:7,actions=output:3\n' +
      'group_id=2,type=indirect,bucket=bucket_id:0,actions=output:3\n',
  );
  assert.deepEqual(
    sw.dumpGroups().map(({ group, type }) => [group, type]),
    [
      [1, 'all'],
      [2, 'indirect'],
    ],
  );
  sw.addFlow('udp,actions=group:1');
  sw.inject('p1', udp());
  sw.inject('p1', udp());
  const [stats] = sw.groupStats();
  assert.deepEqual(
    [stats!.referenceCount, stats!.packets, stats!.buckets.map(({ packets }) => packets)],
    [1, 2n, [2n, 2n]],
  );
  assert.match(
    sw.groupStatsText(),
    /^group_id=1,duration=0s,ref_count=1,packet_count=2,byte_count=120,bucket0:packet_count=2,byte_count=120,bucket1:/,
  );
  sw.deleteGroups('group_id=1');
  assert.equal(sw.dumpFlows().length, 0);
  sw.deleteGroups();
  assert.deepEqual(sw.dumpGroups(), []);
});

test('meters are added, changed, shown and deleted', () => {
  const sw = createScene(2);
  sw.addMeter('meter=1,pktps,stats,band=type=drop,rate=1');
  sw.addMeter('meter=2,kbps,burst,band=type=drop,rate=1000,burst_size=2000');
  assert.throws(() => sw.addMeter('meter=1,kbps,band=type=drop,rate=1'), { code: 'OFPMMFC_METER_EXISTS' });
  assert.throws(() => sw.modifyMeter('meter=9,kbps,band=type=drop,rate=1'), { code: 'OFPMMFC_UNKNOWN_METER' });
  assert.equal(
    sw.dumpMetersText(),
    'meter=1 pktps stats bands=\ntype=drop rate=1\nmeter=2 kbps burst bands=\ntype=drop rate=1000 burst_size=2000\n',
  );
  sw.addFlow('udp,actions=meter:1,output:2');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2']);
  assert.deepEqual(portsOf(sw.inject('p1', udp())), []);
  assert.match(
    sw.meterStatsText(),
    /^meter:1 flow_count:1 packet_in_count:2 byte_in_count:120 duration:0s bands:\n0: packet_count:1 byte_count:60\nmeter:2 /,
  );
  sw.modifyMeter('meter=1,pktps,band=type=drop,rate=5');
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2']);
  assert.deepEqual(
    sw.dumpMeters().map(({ meter, bands }) => [meter, bands[0]!.rate]),
    [
      [1, 5],
      [2, 1000],
    ],
  );
  sw.deleteMeters('meter=1');
  assert.equal(sw.dumpFlows().length, 0);
  sw.deleteMeters();
  assert.deepEqual(sw.dumpMeters(), []);
  assert.equal(sw.dpif.meterStats(0), null, 'the datapath has none left');
});

test('meters of two bridges have the same number and different buckets', () => {
  const sw = createScene(2, '');
  sw.addBridge('br1');
  sw.addPort('q1', { bridge: 'br1', number: 1 });
  for (const bridge of ['br0', 'br1']) {
    sw.addMeter('meter=1,pktps,band=type=drop,rate=1', bridge);
    sw.addFlow('actions=meter:1,IN_PORT', bridge);
  }
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p1']);
  assert.deepEqual(portsOf(sw.inject('q1', udp())), ['q1']);
  assert.deepEqual(portsOf(sw.inject('p1', udp())), []);
});

// Packets

test('a packet-out credits the rules that it comes to', () => {
  const sw = createScene(2, 'table=3,actions=output:2');
  sw.packetOut(udp(), 'resubmit(,3)', 'p1');
  assert.deepEqual(portsOf(sw.collect()), ['p2']);
  assert.equal(sw.dumpFlows('table=3')[0]!.packets, 1n);
  sw.packetOut(udp(), [{ type: 'output', port: 1, maxLength: 0 }]);
  assert.deepEqual(portsOf(sw.collect()), ['p1']);
});

test('a trace of a frame is that of its flow, and changes nothing', () => {
  const sw = createScene(2, 'table=0,udp,udp_dst=2,actions=learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),output:2');
  const result = sw.trace({ port: 'p1', frame: udp() });
  assert.equal(result.actions, '2');
  assert.equal(result.megaflow, 'recirc_id=0,eth,udp,in_port=1,dl_src=02:00:00:00:00:01,nw_frag=no,tp_dst=2');
  assert.equal(result.tree[0]!.text, 'br0');
  assert.ok(result.explanation.some(({ field, reason }) => field === 'udp_dst' && reason.startsWith('matches')));
  assert.equal(sw.dumpFlows('table=1').length, 0);
  assert.equal(sw.dumpFlows()[0]!.packets, 0n);
  assert.equal(sw.megaflows().length, 0);
});

test('what the cache shows of itself', () => {
  const sw = createScene(2, 'actions=output:2');
  sw.inject('p1', udp());
  sw.inject('p1', udp());
  const [megaflow] = sw.megaflows();
  assert.deepEqual([megaflow!.packets, megaflow!.bytes], [1, 60]);
  assert.equal(
    megaflow!.text.replace(/^ufid:\S+ /, ''),
    'recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(frag=no), packets:1, bytes:60, used:0.000s, actions:2',
  );
  assert.deepEqual(
    sw.masks().map(({ flows, hits }) => [flows, hits]),
    [[1, 1]],
  );
  const { datapath, udpif, upcall, malformed } = sw.counters();
  assert.deepEqual([datapath.hit, datapath.missed, udpif.upcalls, upcall.flows, malformed], [1, 1, 1, 1, 0]);
});

test('frames can be sent and received port by port', () => {
  const sw = createScene(2, 'in_port=1,actions=output:2');
  sw.port('p1').send(udp());
  assert.equal(sw.port('p2').receive().length, 1);
  assert.equal(sw.port('p2').receive().length, 0);
  assert.equal(sw.port('p1').stats.rxPackets, 1);
});

test('a closed switch has credited everything', () => {
  const sw = createScene(2, 'actions=output:2');
  sw.inject('p1', udp());
  sw.inject('p1', udp());
  sw.close();
  assert.equal(sw.megaflows().length, 0);
  assert.equal(sw.dumpFlows()[0]!.packets, 2n);
});

test('equal seeds, equal behaviour', () => {
  const run = (seed: number): string[] => {
    const sw = createScene(3, '', { seed });
    sw.addGroup('group_id=1,type=select,bucket=output:2,bucket=output:3');
    sw.addFlow('udp,actions=group:1');
    return Array.from({ length: 30 }, (_, host) => portsOf(sw.inject('p1', udp({ source: `10.0.0.${host}` })))[0]!);
  };
  assert.deepEqual(run(7), run(7));
});
