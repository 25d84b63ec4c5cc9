import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { whyNoNamespaces } from '../../support/namespaces.ts';

const skip: string | false = whyNoNamespaces();
const MAIN: string = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

interface Lab {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  stdout: string;
  stderr: string;
}

function startLab(...args: string[]): Lab {
  const child = spawn(process.execPath, [MAIN, 'lab', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  const lab: Lab = { child, ended, stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (text) => {
    lab.stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text) => {
    lab.stderr += text;
  });
  return lab;
}

/** The namespaces that the lab's process made. */
function namespacesOf({ child }: Lab): string[] {
  const names = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  return names.filter((name) => name.split('-')[2] === String(child.pid));
}

/** Waits until the condition holds, or the lab has ended. */
async function until(lab: Lab, condition: () => boolean): Promise<void> {
  let isOver = false;
  void lab.ended.then(() => {
    isOver = true;
  });
  while (!condition()) {
    assert.ok(!isOver, `the lab ended early: ${lab.stdout}${lab.stderr}`);
    await sleep(5);
  }
}

test('lab --once --namespaces: real traffic goes as the flows say, and nothing is left', { skip }, async () => {
  const lab = startLab('--once', '--namespaces', '--json');
  await until(lab, () => namespacesOf(lab).length === 4);
  const { code } = await lab.ended;
  assert.equal(code, 0, lab.stderr + lab.stdout);
  assert.deepEqual(namespacesOf(lab), []);
  const { traffic, cache, hosts } = JSON.parse(lab.stdout);
  assert.match(hosts, /network namespaces/);
  assert.ok(traffic.every(({ isAsExpected }: { isAsExpected: boolean }) => isAsExpected));
  assert.ok(traffic.some(({ what }: { what: string }) => what.includes('TCP')));
  assert.ok(cache.hits / cache.lookups > 0.9, JSON.stringify(cache));
  assert.equal(cache.lost, 0);
});

for (const [name, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`lab: ${name} while traffic runs ends it with ${code}, and nothing is left`, { skip }, async () => {
    const lab = startLab('--once', '--namespaces');
    await until(lab, () => namespacesOf(lab).length === 4);
    lab.child.kill(name);
    assert.deepEqual(await lab.ended, { code, signal: null }, lab.stderr);
    assert.deepEqual(namespacesOf(lab), []);
    assert.ok(!lab.stdout.includes('Traffic'));
  });
}

test('lab: goes on after the report; Ctrl-C ends it with 0, and nothing is left', { skip }, async () => {
  const lab = startLab();
  await until(lab, () => lab.stdout.includes('ip netns exec'));
  assert.equal(namespacesOf(lab).length, 4);
  lab.child.kill('SIGINT');
  assert.deepEqual(await lab.ended, { code: 0, signal: null }, lab.stderr);
  assert.deepEqual(namespacesOf(lab), []);
});

test('lab: a reader who has seen enough ends it quietly', { skip }, async () => {
  const lab = startLab('--once', '--in-process');
  lab.child.stdout!.destroy();
  const { code } = await lab.ended;
  assert.equal(code, 0, lab.stderr);
  assert.equal(lab.stderr, '');
});
