import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  connectStream,
  listenStream,
  PlatformError,
  type SocketOptions,
  type SocketStream,
  type TlsCredentials,
} from '../../../src/platform/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'stream-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const OPTIONS: SocketOptions = { defaultPort: 6640 };

function connect(method: string, options = OPTIONS): Promise<SocketStream> {
  return new Promise((resolve, reject) =>
    connectStream(method, options, resolve, (reason) => reject(new Error(reason))),
  );
}

/** Sends back what comes, and ends when the peer does. */
function echo(stream: SocketStream): void {
  stream.start({ onData: (bytes) => stream.write(bytes.slice()), onClose: () => {}, onDrain: () => {} });
}

/** Writes the text and resolves to as many characters as come back. */
function talk(stream: SocketStream, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    stream.start({
      onData: (bytes) => {
        received += Buffer.from(bytes).toString();
        if (received.length === text.length) {
          stream.close();
          resolve(received);
        }
      },
      onClose: (reason) => reject(new Error(String(reason))),
      onDrain: () => {},
    });
    stream.write(text);
  });
}

test('unix sockets, with paths too long for an address, over a file that is in the way', async () => {
  const long = join(folder, 'a'.repeat(120));
  mkdirSync(long);
  for (const path of [join(folder, 'short'), join(long, 'socket')]) {
    writeFileSync(path, 'left behind');
    const server = await listenStream(`punix:${path}`, OPTIONS, echo);
    assert.equal(await talk(await connect(`unix:${path}`), 'hello'), 'hello');
    server.close();
    assert.ok(!existsSync(path));
  }
});

test('TCP on a port that the kernel chooses', async () => {
  const names: string[] = [];
  const server = await listenStream('ptcp:0:127.0.0.1', OPTIONS, (stream) => {
    names.push(stream.name);
    echo(stream);
  });
  assert.equal(await talk(await connect(`tcp:127.0.0.1:${server.port}`), 'hello'), 'hello');
  assert.match(names[0]!, /^tcp:127\.0\.0\.1:\d+$/);
  await assert.rejects(listenStream(`ptcp:${server.port}:127.0.0.1`, OPTIONS, echo), (error: PlatformError) => {
    return error instanceof PlatformError && /Address already in use/.test(error.message);
  });
  server.close();
  await assert.rejects(connect(`tcp:127.0.0.1:${server.port}`), /Connection refused/);
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

test('TLS with certificates of both ends', { skip: hasOpenssl ? false : 'openssl is not installed' }, async () => {
  const path = (name: string): string => join(folder, name);
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=test',
      '-keyout',
      path('key'),
      '-out',
      path('cert'),
    ],
    { stdio: 'ignore' },
  );
  const tls: TlsCredentials = {
    key: readFileSync(path('key')),
    cert: readFileSync(path('cert')),
    ca: readFileSync(path('cert')),
  };
  const server = await listenStream('pssl:0:127.0.0.1', { ...OPTIONS, tls }, echo);
  assert.equal(await talk(await connect(`ssl:127.0.0.1:${server.port}`, { ...OPTIONS, tls }), 'hello'), 'hello');
  server.close();
  assert.throws(
    () =>
      connectStream(
        'ssl:127.0.0.1:1',
        OPTIONS,
        () => {},
        () => {},
      ),
    PlatformError,
  );
});

test('a peer that does not read: what is written is kept, nothing more is read, and all of it arrives', async () => {
  const path = join(folder, 'slow');
  const text = 'x'.repeat(8 * 1024 * 1024);
  const server = await listenStream(`punix:${path}`, { ...OPTIONS, maxPendingBytes: 1024 }, (stream) => {
    stream.start({ onData: () => {}, onClose: () => {}, onDrain: () => {} });
    stream.write(text);
    assert.ok(stream.pendingBytes > 0);
    stream.close();
  });
  const stream = await connect(`unix:${path}`);
  let length = 0;
  await new Promise<void>((resolve) => {
    stream.start({
      onData: (bytes) => {
        length += bytes.length;
      },
      onClose: (reason) => {
        assert.equal(reason, null);
        resolve();
      },
      onDrain: () => {},
    });
  });
  assert.equal(length, text.length);
  server.close();
});

test('a peer that reads late: the server reads on when it has', async () => {
  const path = join(folder, 'late');
  let served: SocketStream | null = null;
  const server = await listenStream(`punix:${path}`, { ...OPTIONS, maxPendingBytes: 1024 }, (stream) => {
    served = stream;
    echo(stream);
  });
  const text = 'y'.repeat(8 * 1024 * 1024);
  const stream = await connect(`unix:${path}`);
  const half = text.length / 2;
  stream.write(text.slice(half));
  while (((served as SocketStream | null)?.pendingBytes ?? 0) <= 1024)
    await new Promise((resolve) => setImmediate(resolve));
  let length = 0;
  await new Promise<void>((resolve) => {
    stream.start({
      onData: (bytes) => {
        length += bytes.length;
        if (length === text.length) resolve();
      },
      onClose: () => {},
      onDrain: () => {},
    });
    stream.write(text.slice(0, half));
  });
  stream.close();
  server.close();
});

for (const method of ['foo:bar', 'tcp:', 'tcp:a:99999', 'punix:x', 'nothing']) {
  test(`${method} is not connected to`, () => {
    assert.throws(
      () =>
        connectStream(
          method,
          OPTIONS,
          () => {},
          () => {},
        ),
      PlatformError,
    );
  });
}
