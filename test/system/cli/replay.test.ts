import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NetworkNamespaces } from '../../../src/platform/index.ts';
import { readCapture } from '../../support/captures.ts';
import { withDirectory } from '../../support/cli.ts';
import { whyNoNamespaces } from '../../support/namespaces.ts';

const MAIN: string = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const TOOLS = ['tcpdump', 'ping', 'curl', 'iperf3'] as const;
const skip: string | false = whyNoNamespaces() || whyNoTools();
/** Its echo request and reply are the last frames of the recording. */
const LAST_PING_PAYLOAD = 999;
const LAST_FRAME_LENGTH: number = 14 + 20 + 8 + LAST_PING_PAYLOAD;
const WEB_SERVER = `require('node:http').createServer((request, response) => response.end('x'.repeat(5000)))
  .listen(8080, () => console.log('listening'));`;

function whyNoTools(): string | false {
  const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version']).error !== undefined);
  return missing.length === 0 ? false : `not installed: ${missing.join(', ')}`;
}

/** Waits until the child has said it. */
async function said(child: ChildProcess, text: string): Promise<void> {
  let output = '';
  const gathered = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk) => {
        output += chunk;
        if (output.includes(text)) resolve();
      });
    }
    child.once('close', () => reject(new Error(`ended without saying "${text}": ${output}`)));
  });
  await gathered;
}

/** Records ping, curl and iperf3 between two namespaces. */
async function record(path: string): Promise<void> {
  const namespaces = new NetworkNamespaces();
  try {
    const [a, b] = [namespaces.add('a'), namespaces.add('b')];
    namespaces.addVeth(
      { namespace: a, name: 'va', addresses: ['10.0.0.1/24'], etherAddress: '02:00:00:00:00:01' },
      { namespace: b, name: 'vb', addresses: ['10.0.0.2/24'], etherAddress: '02:00:00:00:00:02' },
    );
    const options = ['-i', 'va', '-w', path, '-U', '--immediate-mode', '-s', '0', '-B', '65536', '-Z', 'root'];
    const tcpdump = namespaces.spawn(a, 'tcpdump', options);
    await said(tcpdump, 'listening on');
    const web = namespaces.spawn(b, process.execPath, ['-e', WEB_SERVER]);
    const iperf = namespaces.spawn(b, 'iperf3', ['-s', '-1', '--forceflush']);
    await Promise.all([said(web, 'listening'), said(iperf, 'listening')]);
    namespaces.run(a, 'ping', '-q', '-c', '20', '-i', '0.01', '10.0.0.2');
    for (let request = 0; request < 5; request++) {
      namespaces.run(a, 'curl', '-s', '-o', '/dev/null', 'http://10.0.0.2:8080/');
    }
    namespaces.run(a, 'iperf3', '-c', '10.0.0.2', '-n', '16M');
    namespaces.run(a, 'ping', '-q', '-c', '1', '-s', String(LAST_PING_PAYLOAD), '10.0.0.2');
    while (lastFrames(path) < 2) {
      await sleep(20);
    }
    tcpdump.kill('SIGINT');
    await once(tcpdump, 'close');
  } finally {
    namespaces.remove();
  }
}

/** How many frames of the last ping the capture has. */
function lastFrames(path: string): number {
  try {
    return readCapture(path).filter(({ originalLength }) => originalLength === LAST_FRAME_LENGTH).length;
  } catch {
    // tcpdump is writing a packet.
    return 0;
  }
}

test('replay of what tcpdump recorded: everything is replayed, cached, and leaves as it came', { skip }, async () => {
  await withDirectory(async (directory) => {
    const capture = join(directory, 'real.pcap');
    const flows = join(directory, 'flows.txt');
    const out = join(directory, 'sent');
    await record(capture);
    writeFileSync(flows, 'actions=NORMAL\n');
    const argv = ['replay', capture, '--flows', flows, '--ports', 'by-source', '--out', out, '--json'];
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...argv], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const { packets, bytes, cache, verdicts, ports } = JSON.parse(stdout);
    const frames = readCapture(capture);
    assert.ok(frames.length > 100);
    assert.equal(packets, frames.length);
    assert.equal(
      bytes,
      frames.reduce((sum, { originalLength }) => sum + originalLength, 0),
    );
    assert.equal(verdicts.forwarded, packets);
    assert.equal(cache.lookups, packets);
    assert.ok(cache.hits / cache.lookups > 0.9, JSON.stringify(cache));
    assert.equal(cache.malformed, 0);
    assert.equal(ports.length, 2);
    const first = frames[0]!.frame[11]!;
    for (const [number, isFromOther] of [
      [1, (source: number) => source !== first],
      [2, (source: number) => source === first],
    ] as const) {
      const sent = readCapture(join(out, `port${number}.pcap`));
      const expected = frames.filter(({ frame }) => isFromOther(frame[11]!));
      assert.equal(sent.length, expected.length);
      for (const [index, { frame, seconds, nanoseconds, originalLength }] of expected.entries()) {
        const other = sent[index]!;
        assert.deepEqual(
          [other.seconds, other.nanoseconds, other.originalLength],
          [seconds, nanoseconds, originalLength],
        );
        assert.equal(Buffer.compare(other.frame, frame), 0, `frame ${index} of port ${number}`);
      }
    }
  });
});
