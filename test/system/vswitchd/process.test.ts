import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';

const LOADER = resolve('test/support/typescript.mjs');
const DAEMON = resolve('test/support/little-daemon.ts');
const WAIT_LIMIT_MS = 10_000;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'megaflow-process-'));
});
afterEach(async () => {
  const pid = readPid();
  if (pid !== null) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  rmSync(folder, { recursive: true });
});

function readPid(): number | null {
  const path = join(folder, 'ovs-vswitchd.pid');
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) : null;
}

/** Starts the little daemon; output goes to a file, since a daemon that stays would keep a pipe open. */
function start(...args: string[]): { status: number | null; output: string } {
  return runToFile(process.execPath, ['--import', LOADER, DAEMON, ...args]);
}

function runToFile(program: string, args: string[]): { status: number | null; output: string } {
  const path = join(folder, 'output');
  const fd = openSync(path, 'w');
  const { status } = spawnSync(program, args, {
    stdio: ['ignore', fd, fd],
    cwd: folder,
    env: { ...process.env, OVS_RUNDIR: folder, OVS_LOGDIR: folder, OVS_DBDIR: folder },
    timeout: 20_000,
  });
  closeSync(fd);
  return { status, output: readFileSync(path, 'utf8') };
}

function appctl(...args: string[]): { status: number | null; output: string } {
  return runToFile('ovs-appctl', ['-t', join(folder, 'ctl'), '--timeout=5', ...args]);
}

function readLog(): string[] {
  return readFileSync(join(folder, 'ovs-vswitchd.log'), 'utf8').trimEnd().split('\n');
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + WAIT_LIMIT_MS;
  while (!isSo()) {
    assert.ok(performance.now() < end, `waited too long until ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

const DETACHED = ['--detach', '--no-chdir', '--pidfile', '--log-file', '--unixctl=ctl'];

describe('a daemon', () => {
  it('is ready when --detach returns, and gone without a trace after SIGTERM', async () => {
    const started = start(...DETACHED);
    assert.equal(started.status, 0, started.output);
    assert.match(started.output, /^\S+Z\|00001\|vlog\|INFO\|opened log file .*ovs-vswitchd\.log\n$/);
    const pid = readPid()!;
    assert.equal(readFileSync(`/proc/${pid}/comm`, 'utf8'), 'ovs-vswitchd\n');
    assert.equal(statSync(join(folder, 'ctl')).mode & 0o7, 0, 'others have no access to the socket');
    assert.deepEqual(appctl('version'), { status: 0, output: 'ovs-vswitchd (Open vSwitch) 3.1.0\n' });
    assert.equal(appctl('cwd').output, `${folder}\n`);
    process.kill(pid, 'SIGTERM');
    await until('the files are gone', () => readPid() === null);
    await until('the socket is gone', () => !existsSync(join(folder, 'ctl')));
    assert.match(readLog().at(-1)!, /\|fatal_signal\|WARN\|terminating with signal 15 \(Terminated\)$/);
  });

  it('holds its pidfile, for itself and for the real program', () => {
    assert.equal(start(...DETACHED).status, 0);
    const pid = readPid();
    const expected = `ovs-vswitchd: ${folder}/ovs-vswitchd.pid: already running as pid ${pid}, aborting\n`;
    assert.deepEqual(start(...DETACHED), { status: 1, output: expected });
    assert.deepEqual(start('--pidfile'), { status: 1, output: expected });
    assert.deepEqual(runToFile('ovs-vswitchd', ['--pidfile']), { status: 1, output: expected });
    assert.equal(readPid(), pid);
  });

  it('tells why it could not start', () => {
    for (const monitor of [[], ['--monitor']]) {
      const { status, output } = start('--detach', '--pidfile', '--unixctl=/nonexistent/ctl', ...monitor);
      assert.equal(status, 1);
      assert.match(
        output,
        /ovs-vswitchd: \/nonexistent\/ctl: could not initialize control socket \(No such file or directory\)\n$/,
      );
      assert.equal(readPid(), null);
    }
    assert.deepEqual(start('--detach', '--pidfile=/nonexistent/pid'), {
      status: 1,
      output: 'ovs-vswitchd: /nonexistent/pid.tmp: create failed (No such file or directory)\n',
    });
  });

  it('is started again by --monitor when it crashes, and not when it ends', async () => {
    assert.equal(start(...DETACHED, '--monitor').status, 0);
    const first = readPid()!;
    process.kill(first, 'SIGSEGV');
    await until('there is another one', () => readPid() !== null && readPid() !== first);
    await until('it answers', () => appctl('version').status === 0);
    assert.equal(appctl('exit').status, 0);
    await until('the monitor has ended', () => readLog().some((line) => line.endsWith('exit status 0, exiting')));
    assert.deepEqual(
      readLog()
        .filter((line) => line.includes('daemon_unix'))
        .map((line) => line.replace(/^[^|]*\|\d*\|/, '').replace(/pid \d+/, 'pid N')),
      [
        'daemon_unix(monitor)|ERR|1 crashes: pid N died, killed (Segmentation fault), restarting',
        'daemon_unix(monitor)|INFO|pid N died, exit status 0, exiting',
      ],
    );
    assert.deepEqual(readdirSync(folder).sort(), ['output', 'ovs-vswitchd.log']);
  });

  it('answers ovs-appctl as the real one', () => {
    assert.equal(start(...DETACHED).status, 0);
    const failure = (text: string): { status: number; output: string } => ({
      status: 2,
      output: `${text}\novs-appctl: ${folder}/ctl: server returned an error\n`,
    });
    assert.deepEqual(
      appctl('nosuch'),
      failure('"nosuch" is not a valid command (use "list-commands" to see a list of valid commands)'),
    );
    assert.deepEqual(appctl('version', 'x'), failure('"version" command takes at most 0 arguments'));
    assert.deepEqual(
      appctl('coverage/read-counter'),
      failure('"coverage/read-counter" command requires at least 1 arguments'),
    );
    assert.deepEqual(appctl('coverage/read-counter', 'x'), failure('No such counter'));
    assert.deepEqual(appctl('vlog/set', 'nonexistent'), failure('no destination, level, or module "nonexistent"'));
    assert.deepEqual(appctl('time/warp', '0'), failure('invalid MSECS'));
    assert.deepEqual(appctl('throw'), failure('throw: internal error'));
    assert.deepEqual(appctl('memory/show'), { status: 0, output: 'rules:3\n' });
    assert.equal(appctl('time/stop').status, 0);
    const before = Number(appctl('now').output);
    assert.deepEqual(appctl('time/warp', '5000', '300'), { status: 0, output: 'warped\n' });
    assert.equal(Number(appctl('now').output), before + 5000);
    assert.match(
      appctl('list-commands').output,
      /^The available commands are:\n {2}coverage\/read-counter {3}COUNTER\n/,
    );
  });

  it('goes on when clients send nonsense', async () => {
    assert.equal(start(...DETACHED).status, 0);
    const send = (text: string): Promise<string> =>
      new Promise((done, fail) => {
        let answer = '';
        const socket = connect(join(folder, 'ctl'), () => socket.end(text));
        socket.on('data', (bytes) => {
          answer += bytes;
        });
        socket.on('close', () => done(answer));
        socket.on('error', fail);
      });
    for (const text of [
      'hello',
      '[1]',
      '{"method":"version","params":[',
      '{"id":1,"result":2}',
      '\0\xff',
      '{'.repeat(2000),
    ]) {
      assert.equal(await send(text), '', text);
    }
    assert.equal(appctl('version').status, 0);
    const warnings = readLog().filter((line) => line.includes('|WARN|'));
    assert.ok(warnings.some((line) => line.includes('|jsonrpc|WARN|') && line.includes('error parsing stream')));
    assert.ok(warnings.some((line) => line.includes('received bad JSON-RPC message: message is not a JSON object')));
    assert.ok(warnings.some((line) => line.includes('|unixctl|WARN|') && line.includes('unexpected reply message')));
  });

  it('writes the log file where it is after vlog/reopen', () => {
    assert.equal(start(...DETACHED).status, 0);
    appctl('log', 'message');
    spawnSync('mv', [join(folder, 'ovs-vswitchd.log'), join(folder, 'old')]);
    appctl('log', 'message2');
    appctl('vlog/reopen');
    appctl('log', 'message3');
    appctl('vlog/close');
    appctl('log', 'message4');
    const texts = (name: string): string[] =>
      readFileSync(join(folder, name), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/.*\|/, '').replace(/ log file .*/, ' log file'));
    assert.deepEqual(texts('old'), ['opened log file', 'message', 'message2', 'closing log file']);
    assert.deepEqual(texts('ovs-vswitchd.log'), ['opened log file', 'message3']);
  });
});
