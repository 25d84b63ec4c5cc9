/**
 * Packets between two network namespaces through a switch in a third: ours, Open vSwitch's userspace datapath and the
 * Linux bridge, in turns within one run. Ours is the whole switch (`Switch` in its run loop: upcalls, OpenFlow, megaflow
 * cache) with the one flow that a bridge of Open vSwitch starts with, `actions=NORMAL`.
 *
 *   ioA (va1) <-veth-> [ioS: va0 | switch | vb0] <-veth-> ioB (vb1)
 *
 * Measured: 64-byte UDP packets per second one way (counted by the receiving interface, which drops them because they are
 * not addressed to it), TCP with default offloads (iperf3), and the mean round trip of `ping -f`. Needs root and ip(8),
 * ping(8), iperf3(1); Open vSwitch is left out when it is not installed.
 *
 *   node --import ./test/support/typescript.mjs bench/packet-io.ts [--rounds 5] [--seconds 2] [--only megaflow,bridge]
 *     [--metrics tcpGigabits] [--realtime] [--quiet] [--profile DIRECTORY] [--json]
 *
 * `--only` takes `forwarder`, too: the same ports under the least that can be called a switch, which shows what the
 * pipeline costs. `--profile` writes CPU profiles of the switch process. The counts of our switch after a round go to
 * standard error, without `--json`.
 *
 * A switch in a process of its own needs a CPU at the right moment, which the bridge, in the kernel, does not: on a busy
 * machine the ratios say more about the scheduler than about the switch. `--quiet` waits before each contender, for at
 * most a minute, until the machine has next to nothing else to do. `--realtime` gives all that takes part real-time
 * priority, and during the flood the generator and the switch a CPU each.
 *
 * The same file is the generator and the switch process (`--role`).
 */
import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BATCH_SIZE, type Netdev, openPacketSocket, PacketMemory } from '../src/netdev/index.ts';
import { eventLoopTimers, linuxSystemCalls, monotonicMilliseconds, NetworkNamespaces } from '../src/platform/index.ts';
import { runSwitch, Switch } from '../src/switch/index.ts';
import { Packet } from '../src/wire/index.ts';
import { startLearningForwarder } from '../test/support/learning-forwarder.ts';

/** What the switch process can be: gets its ports, starts switching, and returns what ends it. */
const SWITCHES: Readonly<Record<string, (ports: readonly Netdev[]) => () => void>> = {
  megaflow: startMegaflow,
  forwarder: startLearningForwarder,
};

const SINK_ADDRESS = [0x0a, 0, 0, 0, 0, 0xbb];
const SOURCE_ADDRESS = [0x0a, 0, 0, 0, 0, 0xaa];
const ADDRESS_A = '10.111.0.1';
const ADDRESS_B = '10.111.0.2';
/** A 64-byte frame without its check sequence. */
const FLOOD_FRAME_LENGTH = 60;
/** How long the switch process may take to end when told to. */
const EXIT_TIMEOUT_MS = 5000;
const OVS_SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';
const THIS_FILE: string = fileURLToPath(import.meta.url);

const METRICS = ['packetsPerSecond', 'tcpGigabits', 'pingMicroseconds'] as const;
type Metric = (typeof METRICS)[number];
type Sample = Record<Metric, number | null>;

interface Network {
  namespaces: NetworkNamespaces;
  a: string;
  b: string;
  s: string;
}

/** Brings a switch up between va0 and vb0 of `network.s`; returns its process (null: the kernel) and what undoes it. */
type Contender = (network: Network) => Promise<{ process: ChildProcess | null; stop: () => void | Promise<void> }>;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', default: 'megaflow,ovs,bridge' },
    metrics: { type: 'string', default: METRICS.join(',') },
    profile: { type: 'string' },
    realtime: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    role: { type: 'string', default: 'drive' },
    interfaces: { type: 'string', default: '' },
    contender: { type: 'string', default: '' },
  },
});

if (options.role === 'switch') playSwitch();
else if (options.role === 'flood') playFlood();
else await drive();

async function drive(): Promise<void> {
  const contenders = new Map<string, Contender>([
    ['megaflow', (network) => startOurs(network, 'megaflow')],
    ['forwarder', (network) => startOurs(network, 'forwarder')],
    ['ovs', startOpenVswitch],
    ['bridge', startBridge],
  ]);
  const names = options.only.split(',').filter((name) => {
    if (name !== 'ovs' || existsSync(OVS_SCHEMA)) return contenders.has(name);
    process.stderr.write('Open vSwitch is not installed: left out\n');
    return false;
  });
  const samples = new Map<string, Sample[]>(names.map((name) => [name, []]));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const name of names) {
      if (options.quiet) await quiet();
      const sample = await measure(contenders.get(name)!);
      samples.get(name)!.push(sample);
      if (!options.json) process.stderr.write(`round ${round + 1} ${name} ${JSON.stringify(sample)}\n`);
    }
  }
  report(samples);
}

async function measure(contender: Contender): Promise<Sample> {
  const namespaces = new NetworkNamespaces();
  try {
    const network: Network = {
      namespaces,
      a: namespaces.add('a'),
      b: namespaces.add('b'),
      s: namespaces.add('s'),
    };
    namespaces.addVeth(
      { namespace: network.a, name: 'va1', addresses: [`${ADDRESS_A}/24`] },
      { namespace: network.s, name: 'va0' },
    );
    namespaces.addVeth(
      { namespace: network.b, name: 'vb1', addresses: [`${ADDRESS_B}/24`] },
      { namespace: network.s, name: 'vb0' },
    );
    const running = await contender(network);
    try {
      await reachable(network);
      // The flood first, wanted or not: it warms everything up for the others.
      const packetsPerSecond = await measurePackets(network, running.process);
      return {
        packetsPerSecond: wants('packetsPerSecond') ? packetsPerSecond : null,
        tcpGigabits: wants('tcpGigabits') ? await measureTcp(network) : null,
        pingMicroseconds: wants('pingMicroseconds') ? await measurePing(network) : null,
      };
    } finally {
      await running.stop();
    }
  } finally {
    namespaces.remove();
  }
}

function wants(metric: Metric): boolean {
  return options.metrics.split(',').includes(metric);
}

async function startOurs({ namespaces, s }: Network, contender: string): ReturnType<Contender> {
  const profile = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
  const child = spawnRole(namespaces, s, 'switch', 'va0,vb0', profile, ['--contender', contender]);
  await once(child.stdout!, 'data');
  return {
    process: child,
    async stop(): Promise<void> {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), EXIT_TIMEOUT_MS);
      const [code, signal] = await closed;
      clearTimeout(timer);
      if (code !== 0) {
        process.stderr.write(`the switch process ended with ${signal ?? code}\n`);
        process.exitCode = 1;
      }
    },
  };
}

async function startBridge({ namespaces, s }: Network): ReturnType<Contender> {
  namespaces.run(s, 'ip', 'link', 'add', 'br0', 'type', 'bridge');
  for (const port of ['va0', 'vb0']) namespaces.run(s, 'ip', 'link', 'set', port, 'master', 'br0');
  namespaces.run(s, 'ip', 'link', 'set', 'br0', 'up');
  return { process: null, stop: () => undefined };
}

/** ovsdb-server and ovs-vswitchd in a directory of their own, as daemons of nobody else. */
async function startOpenVswitch({ namespaces, s }: Network): ReturnType<Contender> {
  const directory = mkdtempSync(join(tmpdir(), 'megaflow-ovs-'));
  const env = { ...process.env, OVS_RUNDIR: directory, OVS_LOGDIR: directory, OVS_DBDIR: directory };
  const socket = `unix:${join(directory, 'db.sock')}`;
  const database = join(directory, 'conf.db');
  execFileSync('ovsdb-tool', ['create', database, OVS_SCHEMA], { env });
  const server = namespaces.spawn(s, 'ovsdb-server', [database, `--remote=p${socket}`], { env, stdio: 'ignore' });
  const control = (...args: string[]): void => {
    execFileSync('ovs-vsctl', ['--timeout=20', `--db=${socket}`, ...args], { env, stdio: 'ignore' });
  };
  await until(() => existsSync(join(directory, 'db.sock')));
  control('--no-wait', 'init');
  const daemon = namespaces.spawn(s, 'ovs-vswitchd', [socket, '--no-chdir'], { env, stdio: 'ignore' });
  control('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=netdev');
  control('add-port', 'br0', 'va0', '--', 'add-port', 'br0', 'vb0');
  return {
    process: daemon,
    stop(): void {
      daemon.kill('SIGKILL');
      server.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function measurePackets({ namespaces, a, b }: Network, switchProcess: ChildProcess | null): Promise<number> {
  const memory = new PacketMemory(linuxSystemCalls());
  const teacher = linuxSystemCalls().inNetworkNamespace(b, () => openPacketSocket(memory, 'vb1'));
  const lesson = Packet.from(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...SINK_ADDRESS, 0x88, 0xb5]));
  lesson.length = 14;
  teacher.send([lesson], 1);
  teacher.close();
  const child = spawnRole(namespaces, a, 'flood', 'va1');
  try {
    await once(child.stdout!, 'data');
    // The first second compiles the hot loops. Real-time threads would starve the compiler's.
    await elapse(1000);
    makeRealtime(child, 0);
    if (switchProcess !== null) makeRealtime(switchProcess, 1);
    await elapse(200);
    const startedAt = monotonicMilliseconds();
    const before = receivedPackets(namespaces, b);
    await elapse(Number(options.seconds) * 1000);
    const endedAt = monotonicMilliseconds();
    const after = receivedPackets(namespaces, b);
    return Math.round(((after - before) / (endedAt - startedAt)) * 1000);
  } finally {
    child.kill('SIGKILL');
    if (switchProcess !== null) unpin(switchProcess);
  }
}

async function measureTcp({ namespaces, a, b }: Network): Promise<number | null> {
  const server = namespaces.spawn(b, ...prioritised('iperf3', '-s', '-1', '--forceflush'), {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    await once(server.stdout!, 'data');
    const client = namespaces.spawn(
      a,
      ...prioritised('iperf3', '-c', ADDRESS_B, '-t', options.seconds, '-O', '0.5', '--connect-timeout', '2000', '-J'),
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const timer = setTimeout(() => client.kill('SIGKILL'), Number(options.seconds) * 1000 + 6000);
    const output = await textOf(client);
    clearTimeout(timer);
    const bits: number | undefined = output === '' ? undefined : JSON.parse(output)?.end?.sum_received?.bits_per_second;
    return bits === undefined || bits === 0 ? null : Math.round(bits / 1e7) / 100;
  } finally {
    server.kill('SIGKILL');
  }
}

async function measurePing({ namespaces, a }: Network): Promise<number | null> {
  const child = namespaces.spawn(
    a,
    ...prioritised('ping', '-f', '-q', '-c', '20000', '-w', options.seconds, ADDRESS_B),
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const mean = /= [\d.]+\/([\d.]+)\//.exec(await textOf(child))?.[1];
  return mean === undefined ? null : Math.round(Number(mean) * 1000);
}

async function reachable({ namespaces, a }: Network): Promise<void> {
  await until(() => {
    try {
      namespaces.run(a, 'ping', '-c1', '-W1', ADDRESS_B);
      return true;
    } catch {
      return false;
    }
  });
}

function receivedPackets(namespaces: NetworkNamespaces, namespace: string): number {
  return Number(namespaces.run(namespace, 'cat', '/sys/class/net/vb1/statistics/rx_packets'));
}

function spawnRole(
  namespaces: NetworkNamespaces,
  namespace: string,
  role: string,
  interfaces: string,
  nodeOptions: readonly string[] = [],
  more: readonly string[] = [],
): ChildProcess {
  const verbose = options.json ? ['--json'] : [];
  const args = [...process.execArgv, ...nodeOptions, THIS_FILE, '--role', role, '--interfaces', interfaces];
  args.push(...more, ...verbose);
  return namespaces.spawn(namespace, process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Only the main thread: V8 compiles on others, which must not starve. */
function makeRealtime(child: ChildProcess, cpu: number): void {
  if (!options.realtime) return;
  execFileSync('taskset', ['-cp', String(cpu), String(child.pid)], { stdio: 'ignore' });
  execFileSync('chrt', ['-f', '-p', '1', String(child.pid)], { stdio: 'ignore' });
}

/** With TCP and ping three processes share the CPUs: the scheduler places them. */
function unpin(child: ChildProcess): void {
  if (!options.realtime) return;
  execFileSync('taskset', ['-cp', `0-${cpus().length - 1}`, String(child.pid)], { stdio: 'ignore' });
  execFileSync('chrt', ['-r', '-p', '1', String(child.pid)], { stdio: 'ignore' });
}

/** The command with its arguments, with real-time priority where that is asked for. */
function prioritised(command: string, ...args: string[]): [string, string[]] {
  return options.realtime ? ['chrt', ['-r', '1', command, ...args]] : [command, args];
}

function playSwitch(): void {
  const memory = new PacketMemory(linuxSystemCalls());
  const stop = SWITCHES[options.contender]!(
    options.interfaces.split(',').map((name) => openPacketSocket(memory, name)),
  );
  // With nothing left to wait for, the process ends by itself.
  process.once('SIGTERM', stop);
  process.stdout.write('ready\n');
}

function startMegaflow(ports: readonly Netdev[]): () => void {
  const target = new Switch({ clock: monotonicMilliseconds });
  for (const netdev of ports) {
    target.addPort(netdev.name, { netdev });
  }
  target.addFlow('actions=NORMAL');
  const stop = runSwitch(target, eventLoopTimers);
  return () => {
    stop();
    if (!options.json) {
      const { datapath, malformed } = target.counters();
      const portStats = target.ports.map(({ name, stats }) => ({ name, ...stats }));
      process.stderr.write(`${JSON.stringify({ datapath, malformed, portStats })}\n`);
    }
    target.close();
  };
}

/** Sends UDP packets as fast as one thread can, until it is killed. */
function playFlood(): void {
  const memory = new PacketMemory(linuxSystemCalls());
  const port = openPacketSocket(memory, options.interfaces);
  const frame = Uint8Array.from([
    ...[...SINK_ADDRESS, ...SOURCE_ADDRESS, 0x08, 0x00],
    ...[0x45, 0, 0, 46, 0, 1, 0, 0, 64, 17, 0x65, 0xde, 10, 111, 0, 1, 10, 111, 0, 2],
    ...[0x04, 0x00, 0x00, 0x09, 0, 26, 0, 0],
    ...new Array(18).fill(0),
  ]);
  const batch: Packet[] = [];
  for (let i = 0; i < BATCH_SIZE; i++) {
    // In the port's own memory, so that nothing is copied.
    const packet = memory.aimAtSlot(i, 10 + FLOOD_FRAME_LENGTH);
    packet.bytes.set(frame, packet.start);
    batch.push(packet);
  }
  process.stdout.write('ready\n');
  // Lets the message out before the loop that never ends.
  setTimeout(() => {
    for (;;) port.send(batch, BATCH_SIZE);
  }, 10);
}

function report(samples: Map<string, Sample[]>): void {
  const medians = new Map<string, Sample>();
  for (const [name, list] of samples) {
    medians.set(name, Object.fromEntries(METRICS.map((m) => [m, median(list.map((s) => s[m]))])) as Sample);
  }
  const ours = samples.get('megaflow') ?? [];
  const ratios = Object.fromEntries([...samples].map(([name, list]) => [name, ratiosOf(ours, list)]));
  if (options.json) {
    const result = { medians: Object.fromEntries(medians), ratios, samples: Object.fromEntries(samples) };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${['switch', '64 B packets/s', 'TCP Gbit/s', 'ping -f us'].map(cell).join('')}\n`);
  for (const [name, sample] of medians) {
    const row = METRICS.map((metric) => {
      const ratio = ratios[name]?.[metric];
      const suffix = name === 'megaflow' || ratio === null || ratio === undefined ? '' : ` (ours x${ratio.toFixed(2)})`;
      return `${sample[metric] ?? 'none'}${suffix}`;
    });
    process.stdout.write(`${[name, ...row].map(cell).join('')}\n`);
  }
}

/** Medians of the rounds' ratios: what else the machine does in a round disturbs both. */
function ratiosOf(ours: Sample[], others: Sample[]): Sample {
  const ratios = METRICS.map((metric) => [
    metric,
    median(
      ours.map((sample, round) => {
        const other = others[round]?.[metric] ?? null;
        return sample[metric] === null || other === null ? null : sample[metric] / other;
      }),
    ),
  ]);
  return Object.fromEntries(ratios);
}

function cell(text: string): string {
  return text.padEnd(26);
}

/** A measure that failed in most rounds has no median. */
function median(list: (number | null)[]): number | null {
  const sorted = list.map((value) => value ?? -1).sort((x, y) => x - y);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? -1;
  return middle < 0 ? null : middle;
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout!.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  return text;
}

/** Waits until the CPUs have been nine tenths idle for half a second, at most a minute. */
async function quiet(): Promise<void> {
  const deadline = monotonicMilliseconds() + 60_000;
  for (let share = 0; share < 0.9 && monotonicMilliseconds() < deadline; ) {
    const before = cpuTimes();
    await elapse(500);
    const after = cpuTimes();
    share = (after.idle - before.idle) / (after.total - before.total);
  }
}

function cpuTimes(): { readonly idle: number; readonly total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, total };
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = monotonicMilliseconds() + 20_000;
  while (!condition()) {
    if (monotonicMilliseconds() > deadline) throw new Error(`gave up waiting for ${condition}`);
    await elapse(20);
  }
}

function elapse(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
