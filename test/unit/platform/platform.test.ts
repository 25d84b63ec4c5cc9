import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SystemCalls } from '../../../src/netdev/index.ts';
import {
  linuxSystemCalls,
  monotonicMilliseconds,
  openFileSink,
  openFileSource,
  wallMilliseconds,
} from '../../../src/platform/index.ts';

const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

test('importing netdev and platform loads nothing native', () => {
  const script = `
    import './src/netdev/index.ts';
    import './src/platform/index.ts';
    import { createRequire } from 'node:module';
    const native = Object.keys(createRequire(import.meta.url).cache).filter((path) => /koffi/.test(path));
    console.log(JSON.stringify(native), process.moduleLoadList.filter((name) => /koffi/.test(name)).length);`;
  const args = ['--import', './test/support/typescript.mjs', '--input-type=module', '-e', script];
  assert.equal(execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }), '[] 0\n');
});

test('netdev imports wire and nothing of Node', () => {
  const listing = execFileSync('grep', ['-rhoE', "from '[^']+'", join(ROOT, 'src/netdev')], { encoding: 'utf8' });
  const foreign = listing.split('\n').filter((line) => line !== '' && !/'\.\/|'\.\.\/wire\/index\.ts'/.test(line));
  assert.deepEqual(foreign, []);
});

test('system calls satisfy what netdev asks for and return negative errnos', {
  skip: process.platform === 'linux' ? false : 'not Linux',
}, () => {
  const calls: SystemCalls = linuxSystemCalls();
  assert.equal(linuxSystemCalls(), calls);
  assert.equal(calls.close(-1), -9);
  assert.equal(calls.open('/no/such/file', 0), -2);
  assert.equal(calls.errorMessage(19), 'No such device');
  const { buffer, address } = calls.map(8192);
  assert.deepEqual(new Uint8Array(buffer), new Uint8Array(8192));
  const fd = calls.open('/proc/self/status', 0);
  const length = calls.read(fd, address + 100, 5);
  assert.equal(length, 5);
  assert.equal(new TextDecoder().decode(new Uint8Array(buffer, 100, 5)), 'Name:');
  assert.equal(calls.close(fd), 0);
});

test('a namespace that does not exist is an error that names it', {
  skip: process.platform === 'linux' ? false : 'not Linux',
}, () => {
  assert.throws(() => linuxSystemCalls().inNetworkNamespace('no-such-namespace', () => 1), {
    code: 'platform-no-namespace',
    message: /^could not enter the network namespace no-such-namespace \(No such file or directory\)/,
  });
});

test('files are read in chunks and written through a buffer', () => {
  const directory = mkdtempSync(join(tmpdir(), 'megaflow-files-'));
  try {
    const bytes = new Uint8Array(2_500_000).map((_, i) => i * 7);
    const path = join(directory, 'a');
    const sink = openFileSink(path);
    for (let start = 0; start < bytes.length; start += 999_999) sink.write(bytes.subarray(start, start + 999_999));
    sink.close();
    assert.ok(readFileSync(path).equals(bytes));
    const source = openFileSource(path);
    const parts: Uint8Array[] = [];
    for (let part = source.read(); part !== null; part = source.read()) parts.push(part.slice());
    source.close();
    assert.ok(Buffer.concat(parts).equals(bytes));
    writeFileSync(path, '');
    const empty = openFileSource(path);
    assert.equal(empty.read(), null);
    empty.close();
    assert.throws(() => openFileSource(join(directory, 'none')), {
      code: 'platform-file',
      message: `could not open ${join(directory, 'none')}: no such file or directory`,
    });
    assert.throws(() => openFileSource(directory).read(), {
      code: 'platform-file',
      message: /illegal operation on a directory/,
    });
    assert.throws(() => openFileSink(directory), { code: 'platform-file' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('clocks go forward', () => {
  const first = monotonicMilliseconds();
  assert.ok(monotonicMilliseconds() >= first);
  assert.ok(Math.abs(wallMilliseconds() - Date.now()) < 60_000);
});
