/**
 * Upcalls and revalidation, one behaviour at a time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActionWriter, type DpifFlow } from '../../../src/dpif/index.ts';
import { createFlow, extractFlow, W_IN_PORT, W_PACKET_TYPE, W_RECIRC_ID } from '../../../src/flow/index.ts';
import { MemoryNetdev } from '../../../src/netdev/index.ts';
import type { Switch } from '../../../src/switch/index.ts';
import type { DeletionReason } from '../../../src/udpif/index.ts';
import { Packet } from '../../../src/wire/index.ts';
import { createScene, megaflows, portsOf, udp } from '../../support/scene.ts';

function deletions(sw: Switch): Partial<Record<DeletionReason, number>> {
  return Object.fromEntries(Object.entries(sw.counters().udpif.deleted).filter(([, count]) => count > 0));
}

function cachedFlows(sw: Switch): DpifFlow[] {
  const flows: DpifFlow[] = [];
  sw.dpif.startDump().next(flows, 1000);
  return flows;
}

/** Lets packets wait on a port, so that the switch gets them as one batch. */
function injectBatch(sw: Switch, port: string, frames: readonly Uint8Array[]): void {
  const { netdev } = sw.port(port);
  assert.ok(netdev instanceof MemoryNetdev);
  for (const each of frames) {
    netdev.inject(each);
  }
  sw.poll();
}

/** Installs a megaflow behind the switch's back. */
function putForeignFlow(sw: Switch, frame: Uint8Array, outPort: number): DpifFlow {
  const key = createFlow();
  extractFlow(Packet.from(frame), key);
  key[W_IN_PORT] = 1;
  const mask = createFlow();
  mask.fill(-1, 0, W_PACKET_TYPE + 1);
  const writer = new ActionWriter();
  writer.output(outPort);
  const flow = sw.dpif.putFlow(key, mask, writer.words, writer.length, new Int32Array([1, 2, 3, 4]), sw.nowMs);
  assert.ok(flow > 0);
  return flow;
}

test('64 packets of one flow are translated once, installed once and all sent', () => {
  const sw = createScene(2, 'actions=output:2');
  injectBatch(
    sw,
    'p1',
    Array.from({ length: 64 }, () => udp()),
  );
  const { upcalls, translations, installed } = sw.counters().udpif;
  assert.deepEqual([upcalls, translations, installed], [64, 1, 1]);
  assert.equal(sw.port('p2').receive().length, 64);
  assert.equal(sw.dumpFlows()[0]!.packets, 64n);
});

test('packets of one batch that one megaflow covers are each credited once', () => {
  const sw = createScene(2, 'actions=output:2');
  injectBatch(
    sw,
    'p1',
    Array.from({ length: 64 }, (_, index) => udp({ sourcePort: index % 8 })),
  );
  const { translations, installed } = sw.counters().udpif;
  assert.deepEqual([translations, installed], [8, 1]);
  assert.equal(sw.dumpFlows()[0]!.packets, 64n);
});

test('a port that no bridge owns gets one drop flow and one message', () => {
  const warnings: string[] = [];
  const sw = createScene(1, 'actions=output:1', { onWarning: (text) => warnings.push(text) });
  const netdev = new MemoryNetdev('stray');
  sw.dpif.addPort('stray', 'memory', netdev, 9);
  for (let index = 0; index < 3; index++) {
    netdev.inject(udp({ sourcePort: index }));
    sw.dpif.datapath.poll(sw.nowMs);
  }
  assert.deepEqual(megaflows(sw), ['recirc_id(0),in_port(9),eth() -> drop']);
  assert.deepEqual(warnings, ['received packet on unassociated datapath port 9']);
  assert.equal(sw.counters().udpif.installed, 1);
});

test('at the flow limit packets are switched without a megaflow', () => {
  const sw = createScene(2, 'udp,udp_src=1,actions=output:2\nudp,udp_src=2,actions=output:2\nudp,actions=output:2');
  sw.udpif.setFlowLimit(2);
  for (let port = 0; port < 4; port++) {
    assert.deepEqual(portsOf(sw.inject('p1', udp({ sourcePort: port }))), ['p2']);
  }
  assert.equal(sw.megaflows().length, 2);
  assert.equal(sw.counters().udpif.flowLimitHits, 2);
});

test('a megaflow is idle when more than max-idle has passed since its last packet', () => {
  const sw = createScene(2, 'actions=output:2', { maxIdleMs: 3000 });
  sw.inject('p1', udp());
  sw.advance(1000);
  sw.inject('p1', udp());
  sw.advance(3000);
  assert.equal(sw.megaflows().length, 1);
  sw.advance(500);
  assert.equal(sw.megaflows().length, 0);
  assert.deepEqual(deletions(sw), { flow_idle: 1 });
});

/** A switch with `count` megaflows, one per source port. */
function createCrowd(count: number): Switch {
  const sw = createScene(2, 'priority=1,actions=output:2');
  sw.addFlows(Array.from({ length: 16 }, (_, bit) => `udp,udp_src=${1 << bit},udp_dst=9,actions=drop`).join('\n'));
  sw.addFlow('priority=50000,udp,udp_src=0xffff,actions=drop');
  sw.addFlow('priority=2,udp,actions=move:NXM_OF_UDP_SRC[]->NXM_OF_UDP_DST[],output:2');
  for (let port = 0; port < count; port++) {
    sw.inject('p1', udp({ sourcePort: 1000 + port }));
  }
  assert.equal(sw.megaflows().length, count);
  return sw;
}

test('over the flow limit megaflows are idle after 100 ms', () => {
  const sw = createCrowd(30);
  sw.udpif.setFlowLimit(20);
  sw.udpif.revalidate(100);
  assert.equal(sw.megaflows().length, 30);
  sw.udpif.setFlowLimit(20);
  sw.udpif.revalidate(101);
  assert.equal(sw.megaflows().length, 0);
  assert.deepEqual(deletions(sw), { flow_idle: 30 });
});

test('over twice the flow limit all megaflows go', () => {
  const sw = createCrowd(30);
  sw.udpif.setFlowLimit(14);
  sw.udpif.revalidate(0);
  assert.equal(sw.megaflows().length, 0);
  assert.deepEqual(deletions(sw), { flow_limit: 30 });
  assert.equal(
    sw.dumpFlows('udp,udp_src=0/0').reduce((sum, { packets }) => sum + packets, 0n),
    30n,
  );
});

/** A udpif of its own clock, whose dumps take `duration()`. */
function createTimed(duration: () => number): Switch {
  let nowMs = 1;
  let calls = 0;
  let isMeasuring = false;
  const sw = createScene(2, 'actions=output:2', {
    revalidationIntervalMs: 1e9,
    clock: () => {
      nowMs += isMeasuring && calls++ % 2 === 1 ? duration() : 0;
      return nowMs;
    },
  });
  const revalidate = sw.udpif.revalidate.bind(sw.udpif);
  sw.udpif.revalidate = (at) => {
    isMeasuring = true;
    calls = 0;
    revalidate(at);
    isMeasuring = false;
  };
  return sw;
}

test('the flow limit follows the time that a dump takes', () => {
  let duration = 0;
  const sw = createTimed(() => duration);
  const round = (ms: number): number => {
    duration = ms;
    sw.udpif.revalidate(sw.nowMs);
    assert.equal(sw.udpif.summary.dumpDurationMs, ms);
    return sw.udpif.summary.flowLimit;
  };
  assert.equal(round(0), 10_000, 'few flows need no more');
  assert.equal(round(1300), 10_000);
  assert.equal(round(1301), 7500);
  assert.equal(round(2000), 5625);
  assert.equal(round(2999), 2812, 'divided by whole seconds');
  assert.equal(round(60_000), 1000, 'never less than 1000');
});

test('the flow limit grows by 1000 when dumps of many flows are quick, up to the limit set', () => {
  const sw = createCrowd(2100);
  sw.udpif.revalidate(0);
  assert.equal(sw.udpif.summary.flowLimit, 11_000);
  sw.udpif.flowLimitMax = 11_500;
  sw.udpif.revalidate(0);
  assert.equal(sw.udpif.summary.flowLimit, 11_500);
});

test('a foreign megaflow that says what the pipeline says is adopted with what it counted', () => {
  const sw = createScene(2, 'udp,actions=output:2');
  const flow = putForeignFlow(sw, udp(), 2);
  sw.inject('p1', udp());
  sw.inject('p1', udp());
  assert.equal(sw.counters().udpif.upcalls, 0);
  sw.maintain();
  assert.deepEqual(cachedFlows(sw), [flow]);
  assert.equal(sw.dumpFlows()[0]!.packets, 2n);
});

test('a foreign megaflow that says something else is corrected', () => {
  const sw = createScene(3, 'udp,actions=output:3');
  putForeignFlow(sw, udp(), 2);
  sw.maintain();
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p3']);
  assert.equal(sw.counters().udpif.modified, 1);
});

test('a foreign megaflow of a port without a bridge is deleted', () => {
  const sw = createScene(1);
  const key = createFlow();
  key[W_IN_PORT] = 77;
  const mask = createFlow();
  mask[W_IN_PORT] = -1;
  mask[W_RECIRC_ID] = -1;
  assert.ok(sw.dpif.putFlow(key, mask, new Int32Array(0), 0, new Int32Array(4), 0) > 0);
  sw.maintain();
  assert.equal(sw.megaflows().length, 0);
  assert.deepEqual(deletions(sw), { no_ofproto: 1 });
});

test('a megaflow that is deleted behind the back is forgotten by the sweep and made again', () => {
  const sw = createScene(2, 'actions=output:2');
  sw.inject('p1', udp());
  const stats = { packets: 0, bytes: 0, usedMs: 0, tcpFlags: 0 };
  sw.dpif.deleteFlow(cachedFlows(sw)[0]!, stats);
  sw.maintain();
  assert.equal(sw.udpif.summary.ukeys, 0);
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p2']);
  assert.equal(sw.udpif.summary.ukeys, 1);
});

test('a handle that is given out again before the sweep belongs to the new megaflow', () => {
  const sw = createScene(3, 'in_port=1,actions=output:2\nin_port=3,actions=output:2');
  sw.inject('p1', udp());
  sw.dpif.deleteFlow(cachedFlows(sw)[0]!, { packets: 0, bytes: 0, usedMs: 0, tcpFlags: 0 });
  sw.inject('p3', udp());
  sw.inject('p3', udp());
  sw.maintain();
  assert.equal(sw.udpif.summary.ukeys, 1);
  assert.equal(sw.dumpFlows('in_port=3')[0]!.packets, 2n);
  assert.equal(sw.dumpFlows('in_port=1')[0]!.packets, 1n);
});

test('deletion: the mask is too wide for the new translation', () => {
  const sw = createScene(2, 'actions=output:2');
  sw.inject('p1', udp());
  sw.addFlow('priority=40000,udp,udp_dst=99,actions=drop');
  assert.deepEqual(deletions(sw), { flow_wildcarded: 1 });
});

test('deletion: the translation fails now', () => {
  const sw = createScene(2, 'actions=output:2');
  sw.inject('p1', udp());
  sw.modifyFlows('actions=resubmit(,0)');
  assert.deepEqual(deletions(sw), { xlation_error: 1 });
});

test('deletion: the port has no bridge any more', () => {
  const sw = createScene(2, 'actions=output:2');
  sw.inject('p1', udp());
  sw.removePort('p1');
  assert.deepEqual(deletions(sw), { no_ofproto: 1 });
});

test('deletion: a purge, with the last statistics credited', () => {
  const sw = createScene(2, 'actions=output:2');
  for (let index = 0; index < 5; index++) {
    sw.inject('p1', udp());
  }
  sw.udpif.purge();
  assert.deepEqual(deletions(sw), { purge: 1 });
  assert.equal(sw.dumpFlows()[0]!.packets, 5n);
});

test('deletion: the datapath has no room for the new actions', () => {
  const sw = createScene(2, 'actions=output:2');
  sw.inject('p1', udp());
  sw.dpif.modifyFlow = () => false;
  sw.modifyFlows('actions=output:1');
  assert.deepEqual(deletions(sw), { update_fail: 1 });
});

test('deletion: too expensive to translate anew, when dumps take long', () => {
  let duration = 1000;
  const sw = createTimed(() => duration);
  const send = (): void => sw.port('p1').send(udp());
  send();
  send();
  sw.udpif.revalidate(sw.nowMs);
  duration = 0;
  assert.equal(sw.udpif.summary.dumpDurationMs, 1000);
  sw.modifyFlows('actions=output:1');
  sw.udpif.revalidate(sw.nowMs + 2000);
  assert.deepEqual(deletions(sw), { too_expensive: 1 });
});

test('a change of actions alone keeps the megaflow and its counters', () => {
  const sw = createScene(3, 'actions=output:2');
  sw.inject('p1', udp());
  sw.inject('p1', udp());
  const [flow] = cachedFlows(sw);
  sw.modifyFlows('actions=output:3');
  assert.deepEqual(cachedFlows(sw), [flow]);
  assert.equal(sw.megaflows()[0]!.packets, 1);
  assert.deepEqual(portsOf(sw.inject('p1', udp())), ['p3']);
});

test('statistics are credited to the rules that were there when the packets came', () => {
  const sw = createScene(2, 'priority=1,actions=output:2');
  sw.inject('p1', udp());
  sw.inject('p1', udp());
  sw.addFlow('priority=2,actions=output:2');
  sw.inject('p1', udp());
  assert.deepEqual(
    sw
      .dumpFlows()
      .map(({ priority, packets }) => [priority, packets])
      .sort(),
    [
      [1, 2n],
      [2, 1n],
    ],
  );
});

test('recirculation states are given back: none leaks over 10,000 different ones', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=select,bucket=output:2,bucket=output:3');
  sw.addFlow('udp,actions=move:NXM_OF_UDP_SRC[]->NXM_NX_REG0[0..15],group:1');
  for (let port = 0; port < 10_000; port++) {
    sw.inject('p1', udp({ sourcePort: port }));
    if (port % 500 === 499) {
      sw.advance(12_000);
      assert.equal(sw.megaflows().length, 0);
    }
  }
  sw.advance(1000);
  assert.equal(sw.pipeline.recirculation.count, 0);
});

test('a recirculation state lives as long as a megaflow needs it', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=select,bucket=output:2,bucket=output:3');
  sw.addFlow('udp,actions=group:1');
  for (let second = 0; second < 30; second++) {
    assert.equal(sw.inject('p1', udp()).length, 1);
    sw.advance(1000);
  }
  assert.equal(sw.counters().udpif.upcalls, 2);
  assert.equal(sw.pipeline.recirculation.count, 1);
});

test('a bridge of the same name is another bridge to a frozen state', () => {
  const sw = createScene(3);
  sw.addBridge('br1');
  sw.addPort('q1', { bridge: 'br1' });
  sw.addPort('q2', { bridge: 'br1' });
  sw.addGroup('group_id=1,type=select,bucket=output:2', 'br1');
  sw.addFlow('actions=group:1', 'br1');
  sw.inject('q1', udp());
  sw.removeBridge('br1');
  sw.addBridge('br1');
  sw.maintain();
  assert.equal(sw.megaflows().length, 0);
});

test('new actions give back the recirculation states of the old ones', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=select,bucket=output:2,bucket=output:3');
  sw.addFlow('udp,actions=group:1');
  sw.inject('p1', udp());
  for (let change = 1; change <= 20; change++) {
    sw.modifyFlows(`udp,actions=load:${change}->NXM_NX_REG0[],group:1`);
    sw.inject('p1', udp());
  }
  assert.equal(sw.counters().udpif.modified, 20);
  sw.advance(60_000);
  assert.equal(sw.pipeline.recirculation.count, 0);
});

test('a megaflow that is deleted behind the back gives its recirculation states back', () => {
  const sw = createScene(3);
  sw.addGroup('group_id=1,type=select,bucket=output:2,bucket=output:2');
  sw.addFlow('actions=group:1');
  sw.inject('p1', udp());
  assert.equal(sw.pipeline.recirculation.count, 1);
  for (const flow of cachedFlows(sw)) {
    sw.dpif.deleteFlow(flow, { packets: 0, bytes: 0, usedMs: 0, tcpFlags: 0 });
  }
  sw.advance(2000);
  assert.equal(sw.pipeline.recirculation.count, 0);
});
