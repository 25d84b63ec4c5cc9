/**
 * The lab with hosts in network namespaces: each has a veth pair to the namespace of the switch, whose ports are packet
 * sockets there, and the bridge's local port is a TAP device next to them. Nothing of the machine's own network is touched.
 */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Netdev, openPacketSocket, openTap, PacketMemory } from '../netdev/index.ts';
import {
  canCreateTap,
  eventLoopTimers,
  linuxSystemCalls,
  monotonicMilliseconds,
  NetworkNamespaces,
  PlatformError,
} from '../platform/index.ts';
import { runSwitch, Switch } from '../switch/index.ts';
import { CliError } from './cli-error.ts';
import { Interrupted, LAB_HOSTS, type LabHost, type LabNetwork, type PingOutcome } from './lab-network.ts';
import { formatBytes } from './terminal.ts';

const LOCAL_PORT = 'br0';
const LOCAL_ADDRESS = '10.0.0.254';
const PREFIX = '/24';
const TICK_MS = 1000;
const TRANSFER_BYTES = 64 * 1024 * 1024;
const REACH_TIMEOUT_MS = 600;
/** Nothing to read; what is printed comes to us. */
const CHILD_STDIO: StdioOptions = ['ignore', 'pipe', 'pipe'];

/** Prints `ready`, then how many bytes its first client sent. */
const SERVER_SCRIPT = `
  let bytes = 0;
  require('node:net').createServer((socket) => {
    socket.on('data', (chunk) => { bytes += chunk.length; });
    socket.on('end', () => { console.log(bytes); process.exit(); });
  }).listen(Number(process.argv[1]), () => console.log('ready'));`;
/** Sends so many bytes to an address and port, and ends when the other side has them all. */
const CLIENT_SCRIPT = `
  const [address, port, bytes] = process.argv.slice(1);
  const chunk = Buffer.alloc(65536);
  const socket = require('node:net').connect(Number(port), address);
  let left = Number(bytes);
  const send = () => {
    while (left > 0) {
      left -= chunk.length;
      if (!socket.write(chunk)) { socket.once('drain', send); return; }
    }
    socket.end();
  };
  socket.once('connect', send);
  socket.once('close', () => process.exit());`;
/** Prints whether something answered on a port: a connection or a refusal, or nothing. */
const REACH_SCRIPT = `
  const [address, port, timeout] = process.argv.slice(1);
  const done = (text) => { console.log(text); process.exit(); };
  setTimeout(done, Number(timeout), 'silence');
  require('node:net').connect(Number(port), address, () => done('connected')).on('error', (error) =>
    done(error.code === 'ECONNREFUSED' ? 'refused' : 'silence'));`;

/** Makes the network. Throws `PlatformError` or `NetdevError`, having cleaned up, where that is not possible. */
export function createNamespaceNetwork(interrupted: AbortSignal): LabNetwork {
  requirePrograms();
  const namespaces = new NetworkNamespaces();
  const devices: Netdev[] = [];
  try {
    const switchNamespace = namespaces.add('switch');
    const hostNamespaces = new Map<string, string>();
    for (const { name, ethernet, ipv4 } of LAB_HOSTS) {
      const namespace = namespaces.add(name);
      hostNamespaces.set(name, namespace);
      namespaces.addVeth(
        { namespace, name: 'eth0', addresses: [ipv4 + PREFIX], etherAddress: ethernet },
        { namespace: switchNamespace, name },
      );
    }
    const calls = linuxSystemCalls();
    const memory = new PacketMemory(calls);
    const target = new Switch({ clock: monotonicMilliseconds });
    const hasTap = canCreateTap();
    calls.inNetworkNamespace(switchNamespace, () => {
      for (const { name } of LAB_HOSTS) {
        devices.push(openPacketSocket(memory, name));
      }
      if (hasTap) {
        devices.push(openTap(memory, LOCAL_PORT));
      }
    });
    for (const [index, netdev] of devices.entries()) {
      target.addPort(netdev.name, { number: LAB_HOSTS[index]?.port ?? 'LOCAL', netdev });
    }
    if (hasTap) {
      namespaces.run(switchNamespace, 'ip', 'address', 'add', LOCAL_ADDRESS + PREFIX, 'dev', LOCAL_PORT);
    }
    return new NamespaceNetwork(namespaces, hostNamespaces, target, hasTap, interrupted);
  } catch (error) {
    for (const device of devices) device.close();
    namespaces.remove();
    throw error;
  }
}

/** Programs that the lab runs in namespaces, with Debian's package of each. */
const PROGRAMS: readonly (readonly [program: string, debianPackage: string])[] = [
  ['ip', 'iproute2'],
  ['ping', 'iputils-ping'],
];

function requirePrograms(): void {
  const folders = (process.env.PATH ?? '').split(':');
  for (const [program, debianPackage] of PROGRAMS) {
    if (!folders.some((folder) => existsSync(join(folder, program)))) {
      throw new PlatformError(
        'platform-command',
        `could not run ${program}: it is not installed (Debian: ${debianPackage})`,
      );
    }
  }
}

class NamespaceNetwork implements LabNetwork {
  readonly description: string;
  readonly switch: Switch;
  readonly localAddress: string | null;
  readonly transport = 'tcp';
  readonly instructions: readonly string[];
  readonly #namespaces: NetworkNamespaces;
  readonly #hosts: ReadonlyMap<string, string>;
  readonly #interrupted: AbortSignal;
  readonly #stopSwitch: () => void;

  constructor(
    namespaces: NetworkNamespaces,
    hosts: ReadonlyMap<string, string>,
    target: Switch,
    hasTap: boolean,
    interrupted: AbortSignal,
  ) {
    this.#namespaces = namespaces;
    this.#hosts = hosts;
    this.#interrupted = interrupted;
    this.switch = target;
    this.localAddress = hasTap ? LOCAL_ADDRESS : null;
    this.description = `hosts in network namespaces, ports are packet sockets on veth pairs${hasTap ? ' and a TAP device' : ''}`;
    this.instructions = LAB_HOSTS.map(({ name, ipv4 }, index) => {
      const other = LAB_HOSTS[(index + 1) % LAB_HOSTS.length]!;
      return `${name} has ${ipv4}: ip netns exec ${hosts.get(name)!} ping ${other.ipv4}`;
    });
    this.#stopSwitch = runSwitch(target, eventLoopTimers);
  }

  async ping(from: LabHost, address: string, count: number): Promise<PingOutcome> {
    const output = await this.#run(from, 'ping', ['-n', '-q', '-c', String(count), '-i', '0.05', '-W', '1', address]);
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(output) ?? [];
    if (sent === undefined) {
      throw new CliError('CLI_NAMESPACES', `ping ${address} in ${from.name} said: ${output.trim()}`);
    }
    const average = /= [\d.]+\/([\d.]+)\//.exec(output)?.[1];
    return {
      sent: Number(sent),
      received: Number(received),
      averageMs: average === undefined ? null : Number(average),
    };
  }

  async transfer(
    from: LabHost,
    to: LabHost,
    port: number,
  ): Promise<{ readonly arrived: boolean; readonly detail: string }> {
    const server = this.#spawnScript(to, SERVER_SCRIPT, [String(port)]);
    const served = this.#collect(server);
    await this.#until(new Promise<string>((resolve) => server.stdout!.once('data', resolve)), served);
    const startMs = monotonicMilliseconds();
    const client = this.#spawnScript(from, CLIENT_SCRIPT, [to.ipv4, String(port), String(TRANSFER_BYTES)]);
    await this.#until(this.#collect(client));
    const elapsedMs = monotonicMilliseconds() - startMs;
    const arrived = (await this.#until(served)).trim().split('\n').at(-1) === String(TRANSFER_BYTES);
    const speed = formatBytes((TRANSFER_BYTES / elapsedMs) * 1000);
    return {
      arrived,
      detail: arrived ? `${formatBytes(TRANSFER_BYTES)} at ${speed}/s` : 'the connection broke',
    };
  }

  async reach(from: LabHost, to: LabHost, port: number): Promise<boolean> {
    const child = this.#spawnScript(from, REACH_SCRIPT, [to.ipv4, String(port), String(REACH_TIMEOUT_MS)]);
    return (await this.#until(this.#collect(child))).trim() !== 'silence';
  }

  async live(interrupted: AbortSignal, onTick: () => void): Promise<void> {
    for (;;) {
      try {
        await sleep(TICK_MS, undefined, { signal: interrupted });
      } catch {
        return;
      }
      onTick();
    }
  }

  close(): void {
    this.#stopSwitch();
    this.switch.close();
    this.#namespaces.remove();
  }

  async #run(host: LabHost, command: string, args: readonly string[]): Promise<string> {
    return await this.#until(
      this.#collect(this.#namespaces.spawn(this.#hosts.get(host.name)!, command, args, { stdio: CHILD_STDIO })),
    );
  }

  #spawnScript(host: LabHost, script: string, args: readonly string[]): ChildProcess {
    const namespace = this.#hosts.get(host.name)!;
    return this.#namespaces.spawn(namespace, process.execPath, ['-e', script, ...args], { stdio: CHILD_STDIO });
  }

  /** What the child prints until it ends. */
  async #collect(child: ChildProcess): Promise<string> {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => resolve(output));
    });
  }

  /** Waits for the first of them. Throws `Interrupted` when the lab is to end first. */
  async #until<T>(...promises: Promise<T>[]): Promise<T> {
    if (this.#interrupted.aborted) {
      throw new Interrupted();
    }
    let onAbort = (): void => {};
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(new Interrupted());
    });
    this.#interrupted.addEventListener('abort', onAbort);
    try {
      return await Promise.race([aborted, ...promises]);
    } finally {
      this.#interrupted.removeEventListener('abort', onAbort);
    }
  }
}
