import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createPatchPair, type Netdev, openPacketSocket, PacketMemory } from '../../../src/netdev/index.ts';
import {
  eventLoopTimers,
  linuxSystemCalls,
  monotonicMilliseconds,
  NetworkNamespaces,
} from '../../../src/platform/index.ts';
import { runSwitch, Switch } from '../../../src/switch/index.ts';
import { whyNoNamespaces } from '../../support/namespaces.ts';

const skip: string | false = whyNoNamespaces();
const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

interface Bed {
  readonly namespaces: NetworkNamespaces;
  /** namespaces of the hosts; host i has 10.0.0.(i + 1) */
  readonly hosts: readonly string[];
  /** the switch's end of each host's wire */
  readonly netdevs: readonly Netdev[];
}

/** Hosts in namespaces of their own, and packet sockets on the other ends of their wires. */
async function withHosts(count: number, action: (bed: Bed) => Promise<void>): Promise<void> {
  const namespaces = new NetworkNamespaces();
  const netdevs: Netdev[] = [];
  try {
    const middle = namespaces.add('s');
    const hosts: string[] = [];
    for (let index = 0; index < count; index++) {
      const host = namespaces.add(`h${index}`);
      hosts.push(host);
      namespaces.addVeth(
        { namespace: host, name: 'eth0', addresses: [`${addressOf(index)}/24`] },
        { namespace: middle, name: `v${index}` },
      );
    }
    const memory = new PacketMemory(linuxSystemCalls());
    linuxSystemCalls().inNetworkNamespace(middle, () => {
      for (let index = 0; index < count; index++) netdevs.push(openPacketSocket(memory, `v${index}`));
    });
    await action({ namespaces, hosts, netdevs });
  } finally {
    for (const netdev of netdevs) netdev.close();
    namespaces.remove();
  }
}

function addressOf(host: number): string {
  return `10.0.0.${host + 1}`;
}

/** A switch that learns, running; the returned function ends it. */
function start(netdevs: readonly Netdev[]): { readonly target: Switch; readonly end: () => void } {
  const target = new Switch({ clock: monotonicMilliseconds });
  for (const netdev of netdevs) target.addPort(netdev.name, { netdev });
  target.addFlow('actions=NORMAL');
  const stop = runSwitch(target, eventLoopTimers);
  return {
    target,
    end(): void {
      stop();
      target.close();
    },
  };
}

async function ended(child: ChildProcess): Promise<{ readonly code: number | null; readonly output: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

const A_FEW: readonly string[] = ['-c3', '-i0.02', '-W5'];
/** Each as soon as the one before is answered. */
const FLOOD: readonly string[] = ['-f', '-q', '-c5000', '-w60'];

async function ping(bed: Bed, from: number, to: number, options: readonly string[] = A_FEW): Promise<string> {
  const args = ['-n', ...options, addressOf(to)];
  const { code, output } = await ended(bed.namespaces.spawn(bed.hosts[from]!, 'ping', args));
  assert.equal(code, 0, output);
  return output;
}

test('many ports: every host reaches every other, and later packets stay in the cache', { skip }, async () => {
  const count = 8;
  await withHosts(count, async (bed) => {
    const { target, end } = start(bed.netdevs);
    try {
      await Promise.all(bed.hosts.map((_, from) => ping(bed, from, (from + 1) % count)));
      await Promise.all(bed.hosts.map((_, from) => ping(bed, from, (from + 3) % count)));
      const { missed } = target.counters().datapath;
      await ping(bed, 0, 1, ['-c100', '-i0.002', '-W5']);
      const { datapath } = target.counters();
      assert.ok(datapath.missed - missed <= 10, `${datapath.missed - missed} misses of 200 packets`);
      assert.equal(datapath.lost, 0);
    } finally {
      end();
    }
  });
});

test('two switches in one process, joined by a patch', { skip }, async () => {
  await withHosts(4, async (bed) => {
    const [left, right] = createPatchPair('left', 'right');
    const [a, b, c, d] = bed.netdevs as [Netdev, Netdev, Netdev, Netdev];
    const switches = [start([a, b, left]), start([right, c, d])];
    try {
      await Promise.all([ping(bed, 0, 1), ping(bed, 0, 2), ping(bed, 3, 1), ping(bed, 3, 2)]);
      assert.ok(left.stats.txPackets > 0 && left.stats.rxPackets > 0);
    } finally {
      for (const { end } of switches) end();
    }
  });
});

test('a port is removed while traffic runs, and another added: the rest goes on', { skip }, async () => {
  await withHosts(4, async (bed) => {
    const [a, b, c, d] = bed.netdevs as [Netdev, Netdev, Netdev, Netdev];
    const { target, end } = start([a, b, c]);
    try {
      const staying = ping(bed, 0, 1, FLOOD);
      const leaving = ended(bed.namespaces.spawn(bed.hosts[2]!, 'ping', ['-f', '-q', '-w2', addressOf(0)]));
      const { rxPackets } = c.stats;
      await until(() => c.stats.rxPackets > rxPackets + 100);
      target.removePort('v2');
      target.addPort('v3', { netdev: d });
      await ping(bed, 3, 1);
      assert.match(await staying, / 0% packet loss/);
      const { output } = await leaving;
      assert.ok(!/ 0% packet loss/.test(output), output);
      assert.deepEqual(
        target.ports.map(({ name }) => name),
        ['v0', 'v1', 'v3'],
      );
    } finally {
      end();
    }
  });
});

test('an interface vanishes while traffic runs: the rest goes on', { skip }, async () => {
  await withHosts(3, async (bed) => {
    const { target, end } = start(bed.netdevs);
    try {
      const staying = ping(bed, 0, 1, FLOOD);
      const leaving = ended(bed.namespaces.spawn(bed.hosts[2]!, 'ping', ['-f', '-q', '-w2', addressOf(0)]));
      const gone = target.port('v2');
      await until(() => gone.stats.rxPackets > 100);
      bed.namespaces.run(bed.hosts[2]!, 'ip', 'link', 'delete', 'eth0');
      await leaving;
      assert.match(await staying, / 0% packet loss/);
      assert.equal(gone.netdev.linkUp, false);
    } finally {
      end();
    }
  });
});

test('a program whose switch was stopped and closed ends by itself', { skip }, async () => {
  await withHosts(1, async (bed) => {
    const script = `
      const { Switch, runSwitch } = await import('./src/switch/index.ts');
      const { openPacketSocket, PacketMemory } = await import('./src/netdev/index.ts');
      const { eventLoopTimers, linuxSystemCalls, monotonicMilliseconds } = await import('./src/platform/index.ts');
      const target = new Switch({ clock: monotonicMilliseconds });
      target.addPort('eth0', { netdev: openPacketSocket(new PacketMemory(linuxSystemCalls()), 'eth0') });
      const stop = runSwitch(target, eventLoopTimers);
      console.log('running');
      process.stdin.once('end', () => { stop(); target.close(); }).resume();`;
    const child = spawn(
      'ip',
      ['netns', 'exec', bed.hosts[0]!, process.execPath, ...process.execArgv, '--input-type=module', '-e', script],
      { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const over = ended(child);
    await once(child.stdout!, 'data');
    child.stdin!.end();
    const { code, output } = await over;
    assert.equal(code, 0, output);
    assert.equal(output, 'running\n');
  });
});

/** Looks now and then whether something has come to pass: nothing tells of packets that a port counts. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
