/**
 * Little networks for tests, benchmarks and the lab: network namespaces joined by veth pairs, made with ip(8).
 *
 * They always go away again: when `remove` is called, when the process exits, when it is told to end by a signal, and, if
 * it was killed, when the next process makes namespaces. For that the name of a namespace says which process made it,
 * which also keeps two runs at the same time apart.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { PlatformError } from './platform-error.ts';
import { networkNamespacesProblem } from './privileges.ts';

const NAMESPACE_DIRECTORY = '/run/netns';
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface VethEnd {
  /** which namespace, as `add` named it; left out for the current one, where the name must be free */
  namespace?: string;
  /** name of the interface */
  name: string;
  /** such as `10.0.0.1/24` or `fd00::1/64` */
  addresses?: readonly string[];
  /** such as `0a:00:00:00:00:01`; default chosen by the kernel */
  etherAddress?: string;
  mtu?: number;
}

const live = new Set<NetworkNamespaces>();
let sequence = 0;

/** A set of namespaces that live and end together. */
export class NetworkNamespaces {
  private readonly prefix: string;
  private readonly names: string[] = [];
  private readonly links: string[] = [];
  private readonly children = new Set<ChildProcess>();

  /** Throws `PlatformError` (`platform-unsupported` or `platform-permission`) where namespaces cannot be made. */
  constructor() {
    const problem = networkNamespacesProblem();
    if (problem !== null) {
      throw new PlatformError(process.platform === 'linux' ? 'platform-permission' : 'platform-unsupported', problem);
    }
    removeStaleNamespaces();
    this.prefix = `${ownerPrefix(process.pid)}${sequence++}-`;
    live.add(this);
    if (live.size === 1) installHandlers();
  }

  /** Makes a namespace with its loopback interface up and returns its full name, as `ip netns` knows it. */
  add(label: string): string {
    const name = this.prefix + label;
    ip('netns', 'add', name);
    this.names.push(name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }

  /** Joins two namespaces by a veth pair; both ends are up when it returns. */
  addVeth(first: VethEnd, second: VethEnd): void {
    ip(
      ...['link', 'add', 'name', first.name, ...placeOf(first), 'type', 'veth'],
      ...['peer', 'name', second.name, ...placeOf(second)],
    );
    for (const end of [first, second]) if (end.namespace === undefined) this.links.push(end.name);
    for (const end of [first, second]) {
      const inside = end.namespace === undefined ? [] : ['-n', end.namespace];
      if (end.etherAddress !== undefined) ip(...inside, 'link', 'set', end.name, 'address', end.etherAddress);
      if (end.mtu !== undefined) ip(...inside, 'link', 'set', end.name, 'mtu', String(end.mtu));
      for (const address of end.addresses ?? []) {
        // Without duplicate address detection an IPv6 address is usable at once.
        const extra = address.includes(':') ? ['nodad'] : [];
        ip(...inside, 'address', 'add', address, 'dev', end.name, ...extra);
      }
      ip(...inside, 'link', 'set', end.name, 'up');
    }
  }

  /** Runs a command inside a namespace and returns what it printed. Throws `PlatformError` with its error output. */
  run(namespace: string, command: string, ...args: string[]): string {
    return execute('ip', ['netns', 'exec', namespace, command, ...args]);
  }

  /** Starts a command inside a namespace; it is killed with the namespaces if it still runs. */
  spawn(namespace: string, command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', namespace, command, ...args], options);
    this.children.add(child);
    child.once('exit', () => this.children.delete(child));
    child.once('error', () => this.children.delete(child));
    return child;
  }

  /** Takes everything down. Does nothing the second time. */
  remove(): void {
    if (!live.delete(this)) return;
    for (const child of this.children) child.kill('SIGKILL');
    for (const link of this.links) quietly(() => ip('link', 'delete', link));
    for (const name of this.names) removeNamespace(name);
    if (live.size === 0) removeHandlers();
  }
}

function placeOf(end: VethEnd): string[] {
  return end.namespace === undefined ? [] : ['netns', end.namespace];
}

/** `ip netns exec` leaves no child of its own behind, but what was started there may have children. */
function removeNamespace(name: string): void {
  quietly(() => {
    for (const pid of ip('netns', 'pids', name).split('\n')) {
      if (pid !== '') quietly(() => process.kill(Number(pid), 'SIGKILL'));
    }
  });
  quietly(() => ip('netns', 'delete', name));
}

/** The start of the names of all namespaces that process `pid` makes, or null when there is no such process. */
function ownerPrefix(pid: number): string {
  return `megaflow-${processNamespace()}-${pid}-${startTime(pid) ?? 0}-`;
}

/** Process ids mean something only within one PID namespace. */
function processNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}

/** When the process started, in clock ticks since boot, so that a process id used again is told apart; null when it is gone. */
function startTime(pid: number): string | null {
  try {
    // The second field, the command in parentheses, may contain spaces.
    return (
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? null
    );
  } catch {
    return null;
  }
}

function removeStaleNamespaces(): void {
  let names: string[];
  try {
    names = readdirSync(NAMESPACE_DIRECTORY);
  } catch {
    return;
  }
  const own = `megaflow-${processNamespace()}-`;
  for (const name of names) {
    if (!name.startsWith(own)) continue;
    const [pid, started] = name.slice(own.length).split('-');
    if (pid !== undefined && started !== undefined && startTime(Number(pid)) !== started) removeNamespace(name);
  }
}

function installHandlers(): void {
  process.on('exit', removeAll);
  for (const signal of ENDING_SIGNALS) process.on(signal, endBySignal);
}

function removeHandlers(): void {
  process.off('exit', removeAll);
  for (const signal of ENDING_SIGNALS) process.off(signal, endBySignal);
}

function removeAll(): void {
  for (const namespaces of [...live]) namespaces.remove();
}

function endBySignal(signal: NodeJS.Signals): void {
  // Somebody else who listens decides when the process ends; then `exit` cleans up.
  if (process.listenerCount(signal) > 1) return;
  removeAll();
  process.kill(process.pid, signal);
}

function ip(...args: string[]): string {
  return execute('ip', args);
}

function execute(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === 'ENOENT') {
      throw new PlatformError('platform-command', `could not run ${command}: it is not installed (Debian: iproute2)`);
    }
    throw new PlatformError(
      'platform-command',
      `${[command, ...args].join(' ')} failed: ${(stderr ?? '').trim() || (error as Error).message}`,
    );
  }
}

function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // Clean-up goes on with the rest.
  }
}
