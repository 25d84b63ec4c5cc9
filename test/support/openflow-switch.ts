/** A switch in memory behind a unix socket, for `ovs-ofctl`, which runs beside the test. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamServer } from '../../src/platform/index.ts';
import { Switch } from '../../src/switch/index.ts';
import { listenOpenFlow, OpenFlowService, SwitchBridge } from '../../src/vswitchd/index.ts';

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const TIMEOUT_MS = 10_000;

/** What a command said, and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Ports `p1` (1), `p2` (2) and the local port `br0`. */
export class OpenFlowSwitch {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'openflow-'));
  readonly method: string = `unix:${join(this.folder, 'br0.mgmt')}`;
  readonly switch: Switch;
  readonly service: OpenFlowService;
  readonly #children: Set<ChildProcess> = new Set();
  #server: StreamServer | null = null;

  constructor() {
    this.switch = new Switch({
      onPacketIn: (packetIn) => this.service.sendPacketIn(packetIn),
      onFlowRemoved: ({ flow, reason }) => this.service.sendFlowRemoved(flow, reason),
    });
    this.switch.addPort('p1', { number: 1 });
    this.switch.addPort('p2', { number: 2 });
    this.switch.addPort('br0', { number: 'LOCAL' });
    this.service = new OpenFlowService(new SwitchBridge(this.switch, 'br0', { datapathId: 0x123n }));
  }

  async start(): Promise<void> {
    this.#server = await listenOpenFlow(`p${this.method}`, this.service);
  }

  stop(): void {
    for (const child of this.#children) {
      child.kill('SIGKILL');
    }
    this.#server?.close();
    this.service.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A file with this text, for commands that read one. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** `ovs-ofctl -O VERSION COMMAND BRIDGE ARGUMENTS`; `command` may begin with options. */
  run(version: string, command: string, ...args: string[]): Promise<Outcome> {
    const all = ['-O', version, ...command.split(' '), this.method, ...args];
    return new Promise((resolve) => {
      const env = this.#environment();
      execFile('ovs-ofctl', all, { env, timeout: TIMEOUT_MS, maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr });
      });
    });
  }

  /** The same, for commands that must not fail: what they print. */
  async ofctl(version: string, command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(version, command, ...args);
    if (code !== 0 || stderr !== '') {
      throw new Error(`ovs-ofctl ${command} ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
    }
    return stdout;
  }

  /** The folder holds the client's own control socket, too. */
  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, PATH, OVS_RUNDIR: this.folder };
  }

  /** `ovs-ofctl monitor`: resolves when it listens, with a function that waits for a text in what it prints. */
  async monitor(version: string, ...args: string[]): Promise<(text: string) => Promise<string>> {
    const child = spawn('ovs-ofctl', ['-O', version, 'monitor', this.method, '65534', ...args], {
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    let output = '';
    let notify = (): void => {};
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
        notify();
      });
    }
    const until = (isDone: () => boolean): Promise<string> =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`the monitor printed only:\n${output}`)), TIMEOUT_MS);
        notify = () => {
          if (isDone()) {
            clearTimeout(timer);
            resolve(output);
          }
        };
        child.once('exit', () => reject(new Error(`the monitor ended:\n${output}`)));
        notify();
      });
    const known = new Set(this.service.connections);
    await new Promise<void>((resolve, reject) => {
      const deadline = Date.now() + TIMEOUT_MS;
      const look = (): void => {
        const connection = this.service.connections.find((each) => !known.has(each));
        if (connection !== undefined && connection.settings.missSendLength !== 0) {
          resolve();
        } else if (Date.now() > deadline) {
          reject(new Error(`no monitor came: ${output}`));
        } else {
          setImmediate(look);
        }
      };
      look();
    });
    return (text) => until(() => output.includes(text));
  }
}
