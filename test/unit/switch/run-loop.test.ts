import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BATCH_SIZE, createPatchPair, MemoryNetdev, type Netdev, type NetdevStats } from '../../../src/netdev/index.ts';
import { type RunLoopTimers, runSwitch, Switch } from '../../../src/switch/index.ts';
import { composeFrame, Packet, parseEthernetAddress } from '../../../src/wire/index.ts';

/** An event loop that a test turns by hand. */
class ManualTimers implements RunLoopTimers {
  nowMs = 0;
  readonly soonCallbacks: (() => void)[] = [];
  readonly timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  after(delayMs: number, callback: () => void): () => void {
    return addTo(this.timers, { atMs: this.nowMs + delayMs, callback });
  }

  soon(callback: () => void): () => void {
    return addTo(this.soonCallbacks, callback);
  }

  /** One turn of the event loop without any event; it takes fifty microseconds. */
  turn(): void {
    this.nowMs += 0.05;
    for (const callback of this.soonCallbacks.splice(0)) callback();
  }

  /** Lets time pass, timer by timer; returns how many ran. */
  pass(ms: number): number {
    const endMs = this.nowMs + ms;
    for (let ran = 0; ; ran++) {
      const next = this.timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) {
        this.nowMs = endMs;
        return ran;
      }
      this.timers.splice(this.timers.indexOf(next), 1);
      this.nowMs = next.atMs;
      next.callback();
    }
  }
}

function addTo<T>(list: T[], entry: T): () => void {
  list.push(entry);
  return () => {
    const at = list.indexOf(entry);
    if (at >= 0) list.splice(at, 1);
  };
}

/** A port like a packet socket: packets wait with the kernel, and the event loop says so. */
class ScriptedDevice implements Netdev {
  readonly name: string;
  readonly type = 'system';
  readonly isExternal = true;
  readonly etherAddress: Uint8Array = new Uint8Array(6);
  readonly mtu = 1500;
  readonly linkUp = true;
  readonly stats: NetdevStats = new MemoryNetdev('x').stats;
  listener: (() => void) | null = null;
  /** packets that wait */
  waiting: Packet[] = [];
  receives = 0;
  sent = 0;
  isClosed = false;
  onSend: () => void = () => {};

  constructor(name: string) {
    this.name = name;
  }

  /** The event that a readable device gives in each turn of the event loop while something waits. */
  event(): void {
    if (this.waiting.length > 0) this.listener?.();
  }

  receive(batch: Packet[]): number {
    this.receives++;
    const taken = this.waiting.splice(0, BATCH_SIZE);
    taken.forEach((packet, index) => {
      batch[index] = packet;
    });
    return taken.length;
  }

  send(_batch: Packet[], count: number): number {
    this.sent += count;
    this.onSend();
    return count;
  }

  setReadableListener(listener: (() => void) | null): void {
    this.listener = listener;
  }

  close(): void {
    this.isClosed = true;
    this.listener = null;
  }
}

function frame(source: number, destination: number): Uint8Array {
  const address = (host: number): bigint =>
    parseEthernetAddress(`02:00:00:00:00:${host.toString(16).padStart(2, '0')}`);
  return composeFrame({
    ethernet: { source: address(source), destination: address(destination) },
    ipv4: { source: source, destination: destination },
    udp: { sourcePort: 1, destinationPort: 2 },
    payload: new Uint8Array(10),
  });
}

function packets(count: number, source: number, destination: number): Packet[] {
  return Array.from({ length: count }, () => Packet.from(frame(source, destination)));
}

interface Bed {
  readonly timers: ManualTimers;
  readonly target: Switch;
  readonly devices: ScriptedDevice[];
  readonly stop: () => void;
}

/** A running switch with devices 1, 2, … that sends everything from 1 to 2 and from 2 to 1. */
function running(deviceCount: number, options: ConstructorParameters<typeof Switch>[0] = {}): Bed {
  const timers = new ManualTimers();
  const target = new Switch({ clock: () => timers.nowMs, ...options });
  const devices = Array.from({ length: deviceCount }, (_, index) => new ScriptedDevice(`d${index + 1}`));
  for (const netdev of devices) target.addPort(netdev.name, { netdev });
  target.addFlows('in_port=1 actions=output:2\nin_port=2 actions=output:1');
  const stop = runSwitch(target, timers);
  timers.turn();
  return { timers, target, devices, stop };
}

test('a device is served within its event', () => {
  const { devices } = running(2);
  const [first, second] = devices as [ScriptedDevice, ScriptedDevice];
  first.waiting = packets(3, 1, 2);
  first.event();
  assert.equal(second.sent, 3);
});

test('only a device that has something is asked', () => {
  const { devices } = running(200);
  const [first] = devices as [ScriptedDevice];
  for (let round = 0; round < 5; round++) {
    first.waiting = packets(1, 1, 2);
    first.event();
  }
  assert.equal(first.receives, 5);
  // the second one is looked at for an answer
  assert.equal(devices[1]!.receives, 5);
  assert.deepEqual(new Set(devices.slice(2).map(({ receives }) => receives)), new Set([0]));
});

test('poll asks only the memory ports that have something', () => {
  const target = new Switch();
  const receives = new Map<string, number>();
  for (let number = 1; number <= 200; number++) {
    const netdev = new MemoryNetdev(`p${number}`);
    const receive = netdev.receive.bind(netdev);
    netdev.receive = (batch) => {
      receives.set(netdev.name, (receives.get(netdev.name) ?? 0) + 1);
      return receive(batch);
    };
    target.addPort(netdev.name, { netdev });
  }
  target.addFlow('actions=output:200');
  target.inject('p7', frame(7, 200));
  assert.deepEqual([...receives.keys()], ['p7']);
});

test('memory ports are served in the order in which packets came to them', () => {
  const target = new Switch();
  for (const name of ['p1', 'p2', 'p3', 'out']) target.addPort(name);
  target.addFlow('actions=output:4');
  const sources = [3, 1, 2];
  for (const source of sources) (target.port(`p${source}`).netdev as MemoryNetdev).inject(frame(source, 9));
  target.poll();
  assert.deepEqual(
    target
      .port('out')
      .receive()
      .map((sent) => sent[11]),
    sources,
  );
});

test('poll takes everything, however much waits', () => {
  const target = new Switch();
  for (const name of ['p1', 'p2']) target.addPort(name);
  target.addFlow('actions=output:2');
  for (let index = 0; index < 3 * BATCH_SIZE; index++) {
    (target.port('p1').netdev as MemoryNetdev).inject(frame(1, 2));
  }
  target.poll();
  assert.equal(target.port('p2').receive().length, 3 * BATCH_SIZE);
});

test('without a run loop poll asks devices, and nothing keeps the program alive', () => {
  const device = new ScriptedDevice('d1');
  const target = new Switch();
  target.addPort('d1', { netdev: device });
  target.addPort('p2');
  target.addFlow('actions=output:2');
  assert.equal(device.listener, null);
  device.waiting = packets(70, 1, 2);
  target.poll();
  assert.equal(target.port('p2').receive().length, 70);
});

test('one device with endless packets leaves others their turn, and goes on after them', () => {
  const { timers, devices } = running(3);
  const [first, second, third] = devices as [ScriptedDevice, ScriptedDevice, ScriptedDevice];
  first.waiting = packets(100 * BATCH_SIZE, 1, 2);
  first.event();
  const firstTurn = second.sent;
  assert.ok(firstTurn > 0 && firstTurn < 20 * BATCH_SIZE, String(firstTurn));
  third.waiting = packets(1, 3, 2);
  third.event();
  assert.equal(third.waiting.length, 0);
  const before = second.sent;
  timers.turn();
  assert.ok(second.sent > before);
  for (let turn = 0; turn < 100; turn++) timers.turn();
  assert.equal(second.sent, 100 * BATCH_SIZE);
  assert.equal(timers.soonCallbacks.length, 0, 'nothing goes on when idle');
});

test('an answer that comes while a batch is sent is taken up in the same event', () => {
  const { devices } = running(2);
  const [first, second] = devices as [ScriptedDevice, ScriptedDevice];
  second.onSend = () => {
    second.onSend = () => {};
    second.waiting = packets(1, 2, 1);
  };
  first.waiting = packets(1, 1, 2);
  first.event();
  assert.equal(first.sent, 1);
});

test('a flooded frame makes no round of all devices', () => {
  const { target, devices } = running(100);
  target.deleteFlows();
  target.addFlow('actions=flood');
  devices[0]!.waiting = packets(1, 1, 2);
  devices[0]!.event();
  assert.equal(devices[99]!.sent, 1);
  assert.ok(devices.slice(1).filter(({ receives }) => receives > 0).length <= 4);
});

test('after packets that follow each other quickly the loop lingers, a few times and not for long', () => {
  const { timers, devices } = running(2);
  const [first] = devices as [ScriptedDevice];
  const arrive = (afterMs: number): void => {
    timers.nowMs += afterMs;
    first.waiting = packets(1, 1, 2);
    first.event();
  };
  /** turns that the loop takes by itself after a packet that comes `afterMs` later */
  const turnsAfter = (afterMs: number): number => {
    arrive(afterMs);
    let turns = 0;
    for (; timers.soonCallbacks.length > 0; turns++) {
      assert.ok(turns < 10);
      timers.turn();
    }
    return turns;
  };
  assert.equal(turnsAfter(1), 0);
  assert.equal(turnsAfter(1), 0);
  for (let count = 0; count < 100; count++) arrive(0.001);
  let lingered = 0;
  while (turnsAfter(1) > 0) lingered++;
  assert.ok(lingered > 0 && lingered < 10, String(lingered));
});

test('a packet put into a memory port is switched soon, but not within that call', () => {
  const { timers, target, devices } = running(1);
  const netdev = new MemoryNetdev('m2');
  target.addPort('m2', { netdev, number: 2 });
  netdev.inject(frame(2, 1));
  assert.equal(devices[0]!.sent, 0);
  timers.turn();
  assert.equal(devices[0]!.sent, 1);
});

test('two switches in one program pass packets on over a patch', () => {
  const timers = new ManualTimers();
  const [left, right] = createPatchPair('left', 'right');
  const outer = new ScriptedDevice('outer');
  const inner = new MemoryNetdev('inner');
  for (const pair of [
    [outer, left],
    [right, inner],
  ]) {
    const target = new Switch({ clock: () => timers.nowMs });
    for (const netdev of pair) target.addPort(netdev!.name, { netdev: netdev! });
    target.addFlow('actions=NORMAL');
    runSwitch(target, timers);
  }
  timers.turn();
  outer.waiting = packets(3, 1, 2);
  outer.event();
  timers.turn();
  assert.equal(inner.drain().length, 3);
  inner.inject(frame(2, 1));
  timers.turn();
  timers.turn();
  assert.equal(outer.sent, 1);
});

test('flows expire without a packet, at two wakes a second', () => {
  const { timers, target } = running(2);
  target.addFlow('idle_timeout=3,in_port=2,udp actions=drop');
  const wakes = timers.pass(5000);
  assert.ok(wakes >= 9 && wakes <= 11, String(wakes));
  assert.equal(target.dumpFlows().length, 2);
});

test('a revalidation that was put off happens on time', () => {
  const { timers, target, devices } = running(2, { revalidationIntervalMs: 100 });
  const [first, second] = devices as [ScriptedDevice, ScriptedDevice];
  const text = (): string => target.megaflows().find((flow) => flow.text.includes('in_port(1)'))!.text;
  first.waiting = packets(1, 1, 2);
  first.event();
  timers.pass(500);
  // So soon after a round, the change has to wait.
  target.addFlow('priority=60000,in_port=1 actions=drop');
  second.waiting = packets(1, 2, 1);
  second.event();
  assert.match(text(), /actions:2/);
  timers.pass(99);
  assert.match(text(), /actions:2/);
  timers.pass(1);
  assert.match(text(), /actions:drop/);
});

test('a stopped loop leaves nothing behind, and can be started again', () => {
  const { timers, target, devices, stop } = running(2);
  const [first, second] = devices as [ScriptedDevice, ScriptedDevice];
  first.waiting = packets(100 * BATCH_SIZE, 1, 2);
  first.event();
  stop();
  assert.deepEqual([timers.timers.length, timers.soonCallbacks.length], [0, 0]);
  assert.deepEqual([first.listener, second.listener], [null, null]);
  assert.equal(first.isClosed, false);
  runSwitch(target, timers);
  for (let turn = 0; turn < 100; turn++) timers.turn();
  assert.equal(second.sent, 100 * BATCH_SIZE);
});

test('a port that is removed while its packets are switched', () => {
  let seen = 0;
  const { timers, target, devices, stop } = running(3, {
    onPacketIn: () => {
      if (seen++ === 0) target.removePort('d3');
    },
  });
  const third = devices[2]!;
  target.addFlow('in_port=3 actions=controller');
  third.waiting = packets(3 * BATCH_SIZE, 3, 1);
  third.event();
  for (let turn = 0; turn < 10; turn++) timers.turn();
  assert.ok(third.isClosed);
  assert.equal(timers.soonCallbacks.length, 0);
  stop();
  runSwitch(target, timers);
  assert.equal(third.listener, null);
  // its number is free for another one
  const next = new ScriptedDevice('d4');
  target.addPort('d4', { netdev: next, number: 3 });
  next.waiting = packets(1, 3, 1);
  next.event();
  assert.equal(next.waiting.length, 0);
});

test('a port that is added while the loop runs takes part', () => {
  const { target, devices } = running(1);
  const added = new ScriptedDevice('d2');
  target.addPort('d2', { netdev: added });
  added.waiting = packets(2, 2, 1);
  added.event();
  assert.equal(devices[0]!.sent, 2);
});

test('when a callback throws, the rest of the packets is not forgotten', () => {
  let throws = true;
  const { timers, target, devices } = running(2, {
    onPacketIn: () => {
      if (throws) throw new Error('from the callback');
    },
  });
  const [first, second] = devices as [ScriptedDevice, ScriptedDevice];
  target.addFlow('priority=50000,in_port=1 actions=controller,output:2');
  first.waiting = packets(BATCH_SIZE + 1, 1, 2);
  assert.throws(() => first.event(), /from the callback/);
  throws = false;
  timers.turn();
  assert.equal(first.waiting.length, 0);
  assert.ok(second.sent > 0);
});

test('poll from within a poll does nothing and loses nothing', () => {
  const target: Switch = new Switch({
    onPacketIn() {
      memory('p3').inject(frame(3, 2));
      target.poll();
    },
  });
  const memory = (name: string): MemoryNetdev => target.port(name).netdev as MemoryNetdev;
  for (const name of ['p1', 'p2', 'p3']) target.addPort(name);
  target.addFlows('in_port=1 actions=controller,output:2\nin_port=3 actions=output:2');
  for (let index = 0; index < 100; index++) memory('p1').inject(frame(1, 2));
  target.poll();
  assert.equal(target.port('p2').receive().length, 200);
});

test('a port that said several times that it has something is asked once', () => {
  const target = new Switch();
  const netdev = new MemoryNetdev('p1');
  const receive = netdev.receive.bind(netdev);
  let receives = 0;
  netdev.receive = (batch) => {
    receives++;
    return receive(batch);
  };
  target.addPort('p1', { netdev });
  for (let index = 0; index < 10; index++) netdev.inject(frame(1, 2));
  target.poll();
  assert.equal(receives, 1);
});
