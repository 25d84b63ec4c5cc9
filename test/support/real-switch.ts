/**
 * A real Open vSwitch of the test's own: ovsdb-server and ovs-vswitchd with the dummy datapath, in a temporary folder.
 * Nothing outside that folder is touched; both processes end with `stop`, and with the test process at the latest.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const START_ATTEMPTS = 200;

/** Why there can be no real switch here, or false. */
export function whyNoRealSwitch(): string | false {
  const isInstalled = PATH.split(':').some((folder) => existsSync(join(folder, 'ovs-vswitchd')));
  return isInstalled && existsSync(SCHEMA) ? false : 'Open vSwitch is not installed';
}

export class RealSwitch {
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'megaflow-ovs-'));
  readonly #processes: ChildProcess[] = [];

  constructor() {
    process.once('exit', this.stop);
    this.run('ovsdb-tool', 'create', this.path('conf.db'), SCHEMA);
    this.#start('ovsdb-server', [
      this.path('conf.db'),
      `--remote=punix:${this.path('db.sock')}`,
      `--unixctl=${this.path('ovsdb.ctl')}`,
    ]);
    this.#await('db.sock');
    this.vsctl('--no-wait', 'init');
    this.#start('ovs-vswitchd', [
      `unix:${this.path('db.sock')}`,
      '--enable-dummy=override',
      '--disable-system',
      '--disable-system-route',
      `--unixctl=${this.path('vswitchd.ctl')}`,
      `--log-file=${this.path('vswitchd.log')}`,
    ]);
    this.#await('vswitchd.ctl');
  }

  /** Runs a program and returns what it prints. Throws when it fails. */
  run(program: string, ...args: string[]): string {
    return execFileSync(program, args, {
      env: this.#environment(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  vsctl(...args: string[]): string {
    return this.run('ovs-vsctl', `--db=unix:${this.path('db.sock')}`, ...args);
  }

  appctl(...args: string[]): string {
    return this.run('ovs-appctl', '-t', this.path('vswitchd.ctl'), ...args);
  }

  /** `ovs-ofctl -O OpenFlow15 COMMAND BRIDGE …`. */
  ofctl(command: string, bridge: string, ...args: string[]): string {
    return this.run('ovs-ofctl', '-O', 'OpenFlow15', command, `unix:${this.path(`${bridge}.mgmt`)}`, ...args);
  }

  readonly stop = (): void => {
    for (const child of this.#processes.splice(0)) {
      child.kill('SIGKILL');
    }
    rmSync(this.#folder, { recursive: true, force: true });
    process.removeListener('exit', this.stop);
  };

  /** A file of its folder, such as `br0.mgmt`. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  #environment(): NodeJS.ProcessEnv {
    const folder = this.#folder;
    return { ...process.env, PATH, OVS_RUNDIR: folder, OVS_LOGDIR: folder, OVS_DBDIR: folder, OVS_SYSCONFDIR: folder };
  }

  #start(program: string, args: string[]): void {
    this.#processes.push(spawn(program, args, { env: this.#environment(), stdio: 'ignore' }));
  }

  #await(name: string): void {
    for (let attempt = 0; !existsSync(this.path(name)); attempt++) {
      if (attempt === START_ATTEMPTS) {
        throw new Error(`${name} did not appear`);
      }
      execFileSync('sleep', ['0.05']);
    }
  }
}
