/** Debian's ovsdb-server in a folder of its own, for comparison. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JsonValue, stringifyJson } from '../../src/ovsdb/index.ts';
import { connectStream, type SocketStream } from '../../src/platform/index.ts';

/** Connects to a server that may only be about to listen. */
export async function connectWhenReady(method: string, isGone: () => boolean): Promise<SocketStream> {
  for (;;) {
    const stream = await new Promise<SocketStream | null>((resolve) => {
      connectStream(method, { defaultPort: 6640 }, resolve, () => resolve(null));
    });
    if (stream !== null) return stream;
    if (isGone()) throw new Error(`${method}: the server has ended`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export class RealOvsdbServer {
  readonly folder: string;
  readonly method: string;
  private readonly child: ChildProcess;

  constructor(schema: JsonValue) {
    this.folder = mkdtempSync(join(tmpdir(), 'ovsdb-'));
    const path = (name: string): string => join(this.folder, name);
    writeFileSync(path('schema'), stringifyJson(schema));
    execFileSync('ovsdb-tool', ['create', path('db'), path('schema')]);
    this.method = `unix:${path('socket')}`;
    this.child = spawn(
      'ovsdb-server',
      [`--remote=p${this.method}`, `--unixctl=${path('ctl')}`, '--no-chdir', '-vconsole:off', path('db')],
      { stdio: 'ignore' },
    );
  }

  get databasePath(): string {
    return join(this.folder, 'db');
  }

  connect(): Promise<SocketStream> {
    return connectWhenReady(this.method, () => this.hasEnded);
  }

  private get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await ended;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
