/** Our database server as a process of its own, in a folder of its own, that can be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HOOK = fileURLToPath(new URL('./typescript.mjs', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./ovsdb-server.ts', import.meta.url));

export class OurOvsdbServer {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'ovsdb-'));
  readonly databasePath: string = join(this.folder, 'conf.db');
  /** as ovs-vsctl takes it */
  readonly method: string = `unix:${join(this.folder, 'db.sock')}`;
  private readonly schemaPath: string | null;
  private child: ChildProcess | null = null;

  /** `schemaPath`: for a new database file; Open vSwitch's own if left out. */
  constructor(schemaPath: string | null = null) {
    this.schemaPath = schemaPath;
  }

  /** Resolves when clients can connect. */
  start(): Promise<void> {
    const args = [this.databasePath, `p${this.method}`, ...(this.schemaPath === null ? [] : [this.schemaPath])];
    const child = spawn(process.execPath, ['--import', HOOK, PROGRAM, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
      child.stdout!.once('data', () => resolve());
    });
  }

  /** Resolves when the process has gone. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a command said, and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, or for 10 s. */
export function runTool(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 10_000, killSignal: 'SIGKILL' });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs a command until it has printed what the pattern matches, then ends it. Rejects if it ends before, or after 10 s. */
export function runUntil(pattern: RegExp, program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 10_000,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    child.stdout.on('data', (text) => {
      stdout += text;
      if (!pattern.test(stdout)) return;
      resolve(stdout);
      child.kill('SIGKILL');
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`${program} ended after printing: ${stdout}`)));
  });
}
