/** Captures that we write and the real tcpdump reads, and the other way round. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CaptureReader, CaptureWriter } from '../../../src/netdev/index.ts';
import { composeFrame } from '../../../src/wire/index.ts';

const SECONDS = 1_700_462_593;
const NANOSECONDS = 123_456_000;
const ARP = composeFrame({ arp: { operation: 1, senderIpv4: '10.0.0.1', targetIpv4: '10.0.0.2' } });

for (const format of ['pcap', 'pcapng'] as const) {
  test(`the real tcpdump reads our ${format}, and we read what it writes`, () => {
    const directory = mkdtempSync(join(tmpdir(), 'megaflow-pcap-'));
    try {
      const file = join(directory, `ours.${format}`);
      const chunks: Uint8Array[] = [];
      const writer = new CaptureWriter((chunk) => chunks.push(chunk.slice()), { format });
      writer.write(ARP, SECONDS, NANOSECONDS);
      writeFileSync(file, Buffer.concat(chunks));
      const tcpdump = (...args: string[]): Buffer =>
        execFileSync('tcpdump', args, { stdio: ['ignore', 'pipe', 'ignore'] });

      const text = tcpdump('-tt', '--nano', '-nr', file).toString();
      assert.match(text, /^1700462593\.123456000 ARP, Request who-has 10\.0\.0\.2 tell 10\.0\.0\.1, length 28/);

      const reader = new CaptureReader();
      reader.push(tcpdump('-r', file, '-w', '-'));
      reader.end();
      assert.ok(reader.next());
      const { bytes, start, length, seconds, nanoseconds } = reader.record;
      assert.deepEqual(bytes.slice(start, start + length), ARP);
      assert.deepEqual([seconds, nanoseconds], [SECONDS, NANOSECONDS]);
      assert.equal(reader.next(), false);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
