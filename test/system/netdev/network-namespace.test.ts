import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NetworkNamespaces } from '../../../src/platform/index.ts';
import { whyNoNamespaces } from '../../support/namespaces.ts';

const skip: string | false = whyNoNamespaces();
const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

function namespacesOf(pid: number | undefined): string[] {
  return readdirSync('/run/netns').filter((name) => name.split('-')[2] === String(pid));
}

/** A process that makes namespaces with something running in them, prints `ready`, and then runs `ending`. */
function startOwner(ending: string): ChildProcess {
  const script = `
    import { NetworkNamespaces } from './src/platform/index.ts';
    const namespaces = new NetworkNamespaces();
    const a = namespaces.add('a');
    namespaces.addVeth({ namespace: a, name: 'x0' }, { namespace: namespaces.add('b'), name: 'x1' });
    namespaces.spawn(a, 'sleep', ['1000']).unref();
    console.log('ready');
    ${ending}`;
  const args = ['--import', './test/support/typescript.mjs', '--input-type=module', '-e', script];
  return spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
}

const WAIT = 'setInterval(() => undefined, 1000);';

test('two sets with the same labels live side by side', { skip }, () => {
  const first = new NetworkNamespaces();
  const second = new NetworkNamespaces();
  try {
    const ends = [first, second].map((set) => {
      const end = { namespace: set.add('a'), name: 'x0', addresses: ['10.0.0.1/24', 'fd00::1/64'], mtu: 1400 };
      set.addVeth(end, { namespace: set.add('b'), name: 'x1', etherAddress: '0a:00:00:00:00:02' });
      return end.namespace;
    });
    assert.notEqual(ends[0], ends[1]);
    first.remove();
    assert.equal(existsSync(`/run/netns/${ends[0]}`), false);
    const links = second.run(ends[1]!, 'ip', '-o', 'link', 'show', 'x0');
    assert.match(links, /mtu 1400 .*state UP|,UP,.*mtu 1400/);
    assert.match(second.run(ends[1]!, 'ip', '-o', 'address', 'show', 'x0'), /inet6 fd00::1\/64/);
  } finally {
    first.remove();
    second.remove();
  }
  assert.deepEqual(namespacesOf(process.pid), []);
});

test('a command that fails says what it printed', { skip }, () => {
  const set = new NetworkNamespaces();
  try {
    const a = set.add('a');
    assert.throws(() => set.run(a, 'ip', 'link', 'show', 'nothing'), {
      code: 'platform-command',
      message: /ip link show nothing failed: Device "nothing" does not exist/,
    });
  } finally {
    set.remove();
  }
});

for (const [name, ending] of [
  ['an exception', 'setTimeout(() => { throw new Error("crash"); }, 1);'],
  ['process.exit', 'process.exit(3);'],
] as const) {
  test(`nothing is left behind after ${name}`, { skip }, async () => {
    const owner = startOwner(ending);
    await once(owner, 'close');
    assert.deepEqual(namespacesOf(owner.pid), []);
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`nothing is left behind after ${signal}, which still ends the process`, { skip }, async () => {
    const owner = startOwner(WAIT);
    await once(owner.stdout!, 'data');
    assert.equal(namespacesOf(owner.pid).length, 2);
    owner.kill(signal);
    const [, endedBy] = await once(owner, 'close');
    assert.equal(endedBy, signal);
    assert.deepEqual(namespacesOf(owner.pid), []);
  });
}

test('what a killed process left is removed by the next one, what a living one has is not', { skip }, async () => {
  const killed = startOwner(WAIT);
  const living = startOwner(WAIT);
  try {
    await Promise.all([once(killed.stdout!, 'data'), once(living.stdout!, 'data')]);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const [namespace] = namespacesOf(killed.pid);
    const left = execFileSync('ip', ['netns', 'pids', namespace!], { encoding: 'utf8' }).trim();
    assert.equal(existsSync(`/proc/${left}`), true);
    new NetworkNamespaces().remove();
    assert.deepEqual(namespacesOf(killed.pid), []);
    assert.equal(namespacesOf(living.pid).length, 2);
  } finally {
    killed.kill('SIGKILL');
    living.kill('SIGTERM');
    await once(living, 'close');
  }
});
