import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { composeFrame } from '../../../src/wire/index.ts';
import { readCapture, writeCapture } from '../../support/captures.ts';
import { runCaptured, withDirectory } from '../../support/cli.ts';

const FLOWS = 'examples/flows.txt';
/** ping, curl, iperf3 and one try of telnet between two hosts, recorded with tcpdump -s 120 */
const LAN = 'test/data/lan.pcap';
const FIRST = '02:00:00:00:00:01';
const SECOND = '02:00:00:00:00:02';

function udp(source: string, destination: string, port = 1000): Uint8Array {
  return composeFrame({
    ethernet: { source, destination },
    ipv4: { source: '10.0.0.1', destination: '10.0.0.2' },
    udp: { sourcePort: 5, destinationPort: port },
  });
}

async function replayJson(...argv: string[]): Promise<ReturnType<typeof JSON.parse>> {
  const { code, stdout, stderr } = await runCaptured(['replay', ...argv, '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

for (const lookup of ['tree', 'masks']) {
  test(`a real capture hits the cache, lookup by ${lookup}`, async () => {
    const report = await replayJson(LAN, '--flows', FLOWS, '--ports', 'by-source', '--lookup', lookup);
    const frames = readCapture(LAN);
    assert.equal(report.packets, frames.length);
    assert.equal(
      report.bytes,
      frames.reduce((sum, { originalLength }) => sum + originalLength, 0),
    );
    assert.deepEqual(report.verdicts, { forwarded: frames.length - 1, toController: 0, dropped: 1, unmapped: 0 });
    assert.equal(report.cache.lookups, frames.length);
    assert.ok(report.cache.hits / report.cache.lookups > 0.9);
    assert.equal(report.cache.malformed, 0);
    assert.deepEqual(
      report.ports.map(({ inPackets }: { inPackets: number }) => inPackets),
      [230, 169],
    );
  });
}

test('megaflows count what tcpdump counts, less the packet that came up', async () => {
  const { megaflows } = await replayJson(LAN, '--flows', FLOWS, '--ports', 'by-source');
  const counts = new Map(
    megaflows.map(({ flow, packets, bytes }: { flow: string; packets: number; bytes: number }) => [
      flow.replace(/, packets:.*actions:/, ' '),
      [packets, bytes],
    ]),
  );
  const head = 'recirc_id(0),in_port(1),packet_type(ns=0,id=0)';
  const forward = `${head},eth(src=${FIRST},dst=${SECOND}),eth_type(0x0800)`;
  // 203 packets of 7,340,370 bytes to TCP ports 5201 and 8080; 23 differs from them in the first four bits.
  assert.deepEqual(counts.get(`${forward},ipv4(proto=6,frag=no),tcp(dst=4096/0xf000) 2`), [202, 7_340_296]);
  assert.deepEqual(counts.get(`${forward},ipv4(proto=1,frag=no) 2`), [19, 1862]);
  assert.deepEqual(counts.get(`${head},eth_type(0x0800),ipv4(proto=6,frag=no),tcp(dst=23) drop`), [0, 0]);
  assert.equal(counts.size, 13);
});

/** A megaflow as text without what differs between two runs: value bits outside of the mask, bytes, ages, the bridge's port. */
function comparable(flow: string): string {
  return flow
    .replace(/\b(dst|src)=(\d+)\/(0x[0-9a-f]+)/g, (_all, name, value, mask) => `${name}=${value & mask}/${mask}`)
    .replace(/, bytes:.*, actions:/, ', actions:')
    .replace(/,100$/, '');
}

test('the cache is that of Open vSwitch after the same packets: megaflows, masks, packets, actions', async () => {
  const { megaflows } = await replayJson(LAN, '--flows', FLOWS, '--ports', 'by-source');
  const expected = readFileSync('test/data/lan-megaflows.txt', 'utf8').match(/^recirc_id.*$/gm)!;
  assert.deepEqual(
    megaflows.map(({ flow }: { flow: string }) => comparable(flow)).sort(),
    expected.map(comparable).sort(),
  );
});

test('every packet is credited to exactly one flow of table 0', async () => {
  const { flows, packets, bytes } = await replayJson(LAN, '--flows', FLOWS, '--ports', 'by-source');
  const table0 = flows.filter((line: string) => line.includes('table=0'));
  const sum = (pattern: RegExp): number =>
    table0.reduce((total: number, line: string) => total + Number(pattern.exec(line)![1]), 0);
  assert.equal(sum(/n_packets=(\d+)/), packets);
  assert.equal(sum(/n_bytes=(\d+)/), bytes);
});

test('--out writes what left each port, as it was captured', async () => {
  await withDirectory(async (directory) => {
    const out = join(directory, 'a', 'sent');
    await replayJson(LAN, '--flows', FLOWS, '--ports', 'by-source', '--out', out);
    assert.deepEqual(readdirSync(join(directory, 'a')), ['sent']);
    assert.deepEqual(readdirSync(out).sort(), ['port1.pcap', 'port2.pcap']);
    const telnet = 23;
    const isFrom = (frame: Uint8Array, station: number): boolean => frame[11] === station;
    const expected = readCapture(LAN).filter(
      ({ frame }) => !(frame[23] === 6 && frame[37] === telnet && frame[36] === 0),
    );
    for (const station of [1, 2]) {
      const sent = readCapture(join(out, `port${3 - station}.pcap`));
      assert.deepEqual(
        sent,
        expected.filter(({ frame }) => isFrom(frame, station)),
      );
    }
  });
});

test('--out into a directory that is there replaces captures of the same name only', async () => {
  await withDirectory(async (directory) => {
    writeFileSync(join(directory, 'notes'), 'mine');
    writeFileSync(join(directory, 'port1.pcap'), 'old');
    await replayJson(LAN, '--flows', FLOWS, '--ports', 'by-source', '--out', directory);
    assert.deepEqual(readdirSync(directory).sort(), ['notes', 'port1.pcap', 'port2.pcap']);
    assert.equal(readCapture(join(directory, 'port1.pcap')).length, 169);
  });
});

test('the text report fits 100 columns and has no colours where there is no terminal', async () => {
  const { code, stdout, stderr } = await runCaptured(['replay', LAN, '--flows', FLOWS, '--ports', 'by-source']);
  assert.deepEqual([code, stderr], [0, '']);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  assert.ok(!stdout.includes('\u001b'));
  for (const title of ['Verdicts', 'Ports', 'Cache', 'Masks', 'Megaflows', 'OpenFlow tables']) {
    assert.match(stdout, new RegExp(`^${title}\\b`, 'm'));
  }
});

test('a terminal gets colours unless NO_COLOR is set', async () => {
  const argv = ['replay', LAN, '--flows', FLOWS];
  assert.ok((await runCaptured(argv, { columns: 80 })).stdout.includes('\u001b[1m'));
  assert.ok(!(await runCaptured(argv, { columns: 80, env: { NO_COLOR: '1' } })).stdout.includes('\u001b[1m'));
});

test('a capture without ports all comes in on port 1, and the report says what to do about it', async () => {
  const { stdout } = await runCaptured(['replay', LAN, '--flows', FLOWS]);
  assert.match(stdout, /dropped +399 +100\.0 %/);
  assert.match(stdout, /--ports by-source/);
});

test('ports that flows speak of exist', async () => {
  await withDirectory(async (directory) => {
    const flows = join(directory, 'flows');
    writeFileSync(flows, 'in_port=1,actions=output:5\n');
    const { ports, verdicts } = await replayJson(LAN, '--flows', flows);
    assert.equal(verdicts.forwarded, 399);
    assert.deepEqual(
      ports.map(({ number, outPackets }: { number: number; outPackets: number }) => [number, outPackets]),
      [
        [1, 0],
        [5, 399],
      ],
    );
  });
});

test('time is that of the capture: idle flows expire in its gaps, whatever the clock on the wall says', async () => {
  await withDirectory(async (directory) => {
    const capture = join(directory, 'gap.pcap');
    const flows = join(directory, 'flows');
    writeFileSync(flows, 'idle_timeout=60,udp,actions=output:2\n');
    const frame = udp(FIRST, SECOND);
    writeCapture(capture, [
      [1_000_000, frame],
      [1_055_000, frame],
      [1_110_000, frame],
      [1_171_000, frame],
    ]);
    const { captureMs, verdicts, flows: left, cache } = await replayJson(capture, '--flows', flows);
    assert.equal(captureMs, 171_000);
    assert.deepEqual([verdicts.forwarded, verdicts.dropped], [3, 1]);
    assert.deepEqual(left, []);
    assert.ok(cache.deleted.flow_idle >= 2);
  });
});

test('time stamps that jump about neither stop time nor take forever', async () => {
  await withDirectory(async (directory) => {
    const capture = join(directory, 'jumps.pcap');
    const frame = udp(FIRST, SECOND);
    const times = [1_700_000_000_000, 1_700_000_000_500, 1_700_000_000_400, 5000, 6000, 1_700_000_000_000];
    writeCapture(
      capture,
      times.map((at) => [at, frame] as const),
    );
    const { captureMs } = await replayJson(capture, '--flows', FLOWS);
    assert.equal(captureMs, 500 + 1000 + 65_536_000);
  });
});

test('interfaces of a pcapng file are ports by their names', async () => {
  await withDirectory(async (directory) => {
    const capture = join(directory, 'two.pcapng');
    const there = udp(FIRST, SECOND);
    const back = udp(SECOND, FIRST);
    writeCapture(
      capture,
      [
        [0, there, 0],
        [1, back, 1],
        [2, there, 0],
      ],
      {
        format: 'pcapng',
        interfaceNames: ['eth0', 'a/b'],
      },
    );
    const out = join(directory, 'sent');
    const report = await replayJson(capture, '--flows', FLOWS, '--out', out);
    assert.deepEqual(
      report.ports.map(({ number, name }: { number: number; name: string }) => [number, name]),
      [
        [1, 'eth0'],
        [2, 'a_b'],
      ],
    );
    assert.deepEqual(readdirSync(out).sort(), ['a_b.pcap', 'eth0.pcap']);
    assert.deepEqual(
      readCapture(join(out, 'a_b.pcap')).map(({ frame }) => frame),
      [there, there],
    );
    const swapped = await replayJson(capture, '--flows', FLOWS, '--ports', '7=a/b,3=#0');
    assert.deepEqual(
      swapped.ports.map(({ number, inPackets }: { number: number; inPackets: number }) => [number, inPackets]),
      [
        [3, 2],
        [7, 1],
      ],
    );
  });
});

test('--ports by address: the first entry that fits decides, what fits none is counted', async () => {
  const mapping = `1=mac:${FIRST},4`;
  const some = await replayJson(LAN, '--flows', FLOWS, '--ports', mapping);
  assert.deepEqual([some.ports[0].inPackets, some.verdicts.unmapped], [230, 169]);
  const all = await replayJson(LAN, '--flows', FLOWS, '--ports', `1=mac:${FIRST},2=*`);
  assert.deepEqual(
    all.ports.map(({ inPackets }: { inPackets: number }) => inPackets),
    [230, 169],
  );
  const masked = await replayJson(LAN, '--flows', FLOWS, '--ports', '1=mac:02:00:00:00:00:00/ff:ff:ff:00:00:00,2');
  assert.deepEqual(
    masked.ports.map(({ inPackets }: { inPackets: number }) => inPackets),
    [399, 0],
  );
});

test('packets for the controller are a verdict of their own', async () => {
  await withDirectory(async (directory) => {
    const flows = join(directory, 'flows');
    writeFileSync(flows, 'icmp,actions=controller\n');
    const { verdicts } = await replayJson(LAN, '--flows', flows);
    assert.deepEqual([verdicts.toController, verdicts.dropped], [40, 359]);
  });
});

test('the mask cache leads to masks, and can be turned off', async () => {
  const argv = [LAN, '--flows', FLOWS, '--ports', 'by-source', '--lookup', 'masks', '--mask-cache'];
  const on = await replayJson(...argv, '256');
  const off = await replayJson(...argv, '0');
  assert.ok(on.cache.maskCacheHits > 300);
  assert.equal(off.cache.maskCacheHits, 0);
  assert.ok(off.cache.maskVisits > on.cache.maskVisits);
  assert.equal(on.cache.hits, off.cache.hits);
});

test('by-source refuses a capture of more stations than a switch has', async () => {
  await withDirectory(async (directory) => {
    const capture = join(directory, 'many.pcap');
    const address = (index: number): string => `02:00:00:00:01:${index.toString(16).padStart(2, '0')}`;
    const frames = Array.from({ length: 255 }, (_, index) => [index, udp(address(index), FIRST)] as const);
    writeCapture(capture, frames);
    const { code, stderr } = await runCaptured(['replay', capture, '--flows', FLOWS, '--ports', 'by-source']);
    assert.equal(code, 1);
    assert.match(stderr, /more than 254 addresses.*--ports "1=mac:02:00:00:00:01:fe,2=\*"/);
    writeCapture(capture, frames.slice(1));
    assert.equal((await replayJson(capture, '--flows', FLOWS, '--ports', 'by-source')).ports.length, 254);
  });
});

/** What happens to a file of these bytes, which must leave no output directory. */
async function replayBytes(bytes: Uint8Array, message: RegExp): Promise<void> {
  await withDirectory(async (directory) => {
    const capture = join(directory, 'bad.pcap');
    writeFileSync(capture, bytes);
    for (const mapping of ['by-source', '1=*,2']) {
      const argv = ['replay', capture, '--flows', FLOWS, '--ports', mapping, '--out', join(directory, 'sent')];
      const { code, stdout, stderr } = await runCaptured(argv);
      assert.equal(code, 1, stderr);
      assert.ok(stderr.startsWith(`megaflow: ${capture}: `), stderr);
      assert.match(stderr, message);
      assert.equal(stdout, '');
      assert.deepEqual(readdirSync(directory), ['bad.pcap']);
    }
  });
}

const WHOLE = readFileSync(LAN);
const BAD_CAPTURES: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ['empty file', new Uint8Array(0), /truncated.*at byte 0.*there is no capture in this file/],
  ['text', Buffer.from('not a capture, not at all\n'), /unknown file format.*not compressed/],
  ['file cut in a packet', WHOLE.subarray(0, 20_000), /truncated.*\(at byte \d+\).*tcpdump -r .* -w WHOLE\.pcap/],
  ['file cut in a record header', WHOLE.subarray(0, 24 + 16 + 90 + 3), /truncated/],
  ['capture of another link type', changed(20, 113), /LINUX_SLL.*instead of "any"/],
  ['packet of absurd length', changed(24 + 11, 0x7f), /invalid packet capture length/],
];
for (const [what, bytes, message] of BAD_CAPTURES) {
  test(`${what}: exit code 1, the byte, the way out, and nothing half-done`, () => replayBytes(bytes, message));
}

function changed(offset: number, value: number): Uint8Array {
  const bytes = new Uint8Array(WHOLE);
  bytes[offset] = value;
  return bytes;
}

test('unreadable files and impossible outputs are told, exit code 1', async () => {
  await withDirectory(async (directory) => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    mkdirSync(join(directory, 'directory'));
    const cases: readonly (readonly [argv: string[], message: RegExp])[] = [
      [[join(directory, 'none'), '--flows', FLOWS], /could not open .*none: no such file or directory/],
      [[join(directory, 'directory'), '--flows', FLOWS], /directory/],
      [[LAN, '--flows', join(directory, 'none')], /could not open .*none: no such file or directory/],
      [[LAN, '--flows', FLOWS, '--out', file], /it is a file; name a directory/],
      [[LAN, '--flows', FLOWS, '--out', join(file, 'x')], /could not write captures to .*: /],
    ];
    for (const [argv, message] of cases) {
      const { code, stdout, stderr } = await runCaptured(['replay', ...argv]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, message);
      assert.equal(stdout, '');
    }
    assert.ok(!existsSync(join(directory, 'x')));
  });
});

test('an interrupted replay ends with the exit code of the signal and leaves no output', async () => {
  await withDirectory(async (directory) => {
    const capture = join(directory, 'long.pcap');
    const frame = udp(FIRST, SECOND);
    writeCapture(
      capture,
      Array.from({ length: 10_000 }, (_, index) => [index, frame] as const),
    );
    const argv = ['replay', capture, '--flows', FLOWS, '--out', join(directory, 'sent')];
    const { code, stdout } = await runCaptured(argv, { interrupted: AbortSignal.abort('SIGINT') });
    assert.deepEqual([code, stdout], [130, '']);
    assert.deepEqual(readdirSync(directory), ['long.pcap']);
  });
});
