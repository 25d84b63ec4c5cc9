import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  BATCH_SIZE,
  type Netdev,
  NetdevError,
  openPacketSocket,
  openTap,
  PacketMemory,
} from '../../../src/netdev/index.ts';
import { canCreateTap, linuxSystemCalls, NetworkNamespaces } from '../../../src/platform/index.ts';
import { Packet } from '../../../src/wire/index.ts';
import { startLearningForwarder } from '../../support/learning-forwarder.ts';
import { whyNoNamespaces } from '../../support/namespaces.ts';

const skip: string | false = whyNoNamespaces();
const TRANSFER_BYTES = 32 * 1024 * 1024;
const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

interface Network {
  namespaces: NetworkNamespaces;
  memory: PacketMemory;
  a: string;
  b: string;
  s: string;
  va0: Netdev;
  vb0: Netdev;
}

/** a(va1) <-> (va0)s(vb0) <-> b(vb1), with ports opened on va0 and vb0. */
async function withNetwork(action: (network: Network) => Promise<void>): Promise<void> {
  const namespaces = new NetworkNamespaces();
  const memory = new PacketMemory(linuxSystemCalls());
  const ports: Netdev[] = [];
  try {
    const [a, b, s] = [namespaces.add('a'), namespaces.add('b'), namespaces.add('s')];
    namespaces.addVeth(
      { namespace: a, name: 'va1', addresses: ['10.0.0.1/24'], etherAddress: '0a:00:00:00:00:01' },
      { namespace: s, name: 'va0' },
    );
    namespaces.addVeth(
      { namespace: b, name: 'vb1', addresses: ['10.0.0.2/24'], etherAddress: '0a:00:00:00:00:02' },
      { namespace: s, name: 'vb0' },
    );
    linuxSystemCalls().inNetworkNamespace(s, () => {
      ports.push(openPacketSocket(memory, 'va0'), openPacketSocket(memory, 'vb0'));
    });
    await action({ namespaces, memory, a, b, s, va0: ports[0]!, vb0: ports[1]! });
  } finally {
    for (const port of ports) port.close();
    namespaces.remove();
  }
}

async function finish(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

/** Waits until `stream` has printed something that matches. */
async function printed(stream: Readable, pattern: RegExp): Promise<string> {
  let output = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (pattern.test(output)) return output;
  }
  assert.fail(`ended without ${pattern}: ${output}`);
}

async function ping(namespaces: NetworkNamespaces, namespace: string, address: string): Promise<void> {
  const { code, output } = await finish(namespaces.spawn(namespace, 'ping', ['-c3', '-i0.05', '-W5', address]));
  assert.equal(code, 0, output);
}

/** Sums the bytes that it is sent and prints their hash. */
const SERVER = `
  const hash = require('node:crypto').createHash('sha256');
  require('node:net').createServer((socket) => {
    socket.on('data', (chunk) => hash.update(chunk));
    socket.on('end', () => { console.log(hash.digest('hex')); process.exit(); });
  }).listen(5000, () => console.log('ready'));`;
const CLIENT = `
  const bytes = Buffer.alloc(${TRANSFER_BYTES});
  for (let i = 0, x = 1; i < bytes.length; i += 4) bytes.writeInt32LE(x = Math.imul(x, 1664525) + 1013904223 | 0, i);
  console.log(require('node:crypto').createHash('sha256').update(bytes).digest('hex'));
  require('node:net').connect(5000, process.argv[1]).end(bytes);`;

async function transfer(namespaces: NetworkNamespaces, from: string, to: string, address: string): Promise<void> {
  const server = namespaces.spawn(to, process.execPath, ['-e', SERVER]);
  await printed(server.stdout!, /ready/);
  const received = printed(server.stdout!, /[0-9a-f]{64}/);
  const client = await finish(namespaces.spawn(from, process.execPath, ['-e', CLIENT, address]));
  assert.equal(client.code, 0, client.output);
  assert.equal((await received).trim(), client.output.trim());
}

/** Passes everything on and remembers the longest frame. */
function watchLongest(port: Netdev): { port: Netdev; longest: () => number } {
  let longest = 0;
  const receive = port.receive.bind(port);
  port.receive = (batch: Packet[]): number => {
    const count = receive(batch);
    for (let i = 0; i < count; i++) longest = Math.max(longest, batch[i]!.length);
    return count;
  };
  return { port, longest: () => longest };
}

test('ping passes between two packet sockets', { skip }, async () => {
  await withNetwork(async ({ namespaces, a, va0, vb0 }) => {
    startLearningForwarder([va0, vb0]);
    await ping(namespaces, a, '10.0.0.2');
    assert.ok(va0.stats.rxPackets >= 4);
    assert.ok(vb0.stats.txPackets >= 4);
    assert.equal(va0.stats.rxErrors + vb0.stats.txErrors, 0);
  });
});

test('TCP with default offloads passes, in GSO frames, every byte of it', { skip }, async () => {
  await withNetwork(async ({ namespaces, a, b, va0, vb0 }) => {
    const watched = watchLongest(va0);
    startLearningForwarder([watched.port, vb0]);
    await transfer(namespaces, a, b, '10.0.0.2');
    assert.ok(watched.longest() > 10_000, `longest frame was ${watched.longest()}`);
    assert.equal(va0.stats.rxErrors + vb0.stats.txErrors, 0);
  });
});

test('IPv6 TCP passes as well', { skip }, async () => {
  await withNetwork(async ({ namespaces, a, b, va0, vb0 }) => {
    namespaces.run(a, 'ip', 'address', 'add', 'fd00::1/64', 'dev', 'va1', 'nodad');
    namespaces.run(b, 'ip', 'address', 'add', 'fd00::2/64', 'dev', 'vb1', 'nodad');
    const watched = watchLongest(va0);
    startLearningForwarder([watched.port, vb0]);
    await transfer(namespaces, a, b, 'fd00::2');
    assert.ok(watched.longest() > 10_000, `longest frame was ${watched.longest()}`);
  });
});

function taggedFrame(...tags: [number, number][]): Uint8Array {
  const frame = new Uint8Array(64).fill(0x55);
  frame.set([0x0a, 0, 0, 0, 0, 2, 0x0a, 0, 0, 0, 0, 1]);
  const view = new DataView(frame.buffer);
  tags.forEach(([protocol, tci], index) => {
    view.setUint16(12 + index * 4, protocol);
    view.setUint16(14 + index * 4, tci);
  });
  view.setUint16(12 + tags.length * 4, 0x88b5);
  return frame;
}

test('VLAN tags stay in the frame on the way through', { skip }, async () => {
  await withNetwork(async ({ namespaces, memory, a, b, va0, vb0 }) => {
    const calls = linuxSystemCalls();
    const sender = calls.inNetworkNamespace(a, () => openPacketSocket(memory, 'va1'));
    const receiver = calls.inNetworkNamespace(b, () => openPacketSocket(memory, 'vb1'));
    try {
      startLearningForwarder([va0, vb0]);
      const frames = [
        taggedFrame(),
        taggedFrame([0x8100, 0x6005]),
        taggedFrame([0x88a8, 0x0007], [0x8100, 0x0008]),
        taggedFrame([0x8100, 0]),
      ];
      const witness = namespaces.spawn(b, 'tcpdump', [
        '-c4',
        '-e',
        '-nn',
        '-U',
        '-Q',
        'in',
        '-i',
        'vb1',
        'ether[0]=0x0a',
      ]);
      await printed(witness.stderr!, /listening/);
      const seen = finish(witness);
      const received: Uint8Array[] = [];
      const complete = new Promise<void>((resolve) => {
        const batch: Packet[] = [];
        receiver.setReadableListener(() => {
          const count = receiver.receive(batch);
          for (let i = 0; i < count; i++) {
            const frame = batch[i]!.frame();
            if (frame[0] === 0x0a) received.push(frame.slice());
          }
          if (received.length >= frames.length) resolve();
        });
      });
      const packets = frames.map((frame) => Packet.from(frame));
      assert.equal(sender.send(packets, packets.length), 4);
      await complete;
      assert.deepEqual(received, frames);
      const { output } = await seen;
      assert.match(output, /vlan 5, p 3, ethertype Unknown \(0x88b5\)/);
      assert.match(output, /802\.1Q-QinQ \(0x88a8\), length 64: vlan 7, p 0, ethertype 802\.1Q \(0x8100\), vlan 8/);
    } finally {
      sender.close();
      receiver.close();
    }
  });
});

test('a TAP port answers from the host stack, and TCP passes with offloads', {
  skip: skip || (canCreateTap() ? false : 'no access to /dev/net/tun'),
}, async () => {
  await withNetwork(async ({ namespaces, memory, a, s, va0 }) => {
    const etherAddress = Uint8Array.of(0xaa, 0, 0, 0, 0, 9);
    const tap = linuxSystemCalls().inNetworkNamespace(s, () => openTap(memory, 'br0', { etherAddress, mtu: 1400 }));
    try {
      assert.deepEqual(tap.etherAddress, etherAddress);
      assert.equal(tap.mtu, 1400);
      namespaces.run(s, 'ip', 'address', 'add', '10.0.0.9/24', 'dev', 'br0');
      startLearningForwarder([va0, tap]);
      await ping(namespaces, a, '10.0.0.9');
      await transfer(namespaces, a, s, '10.0.0.9');
      await transfer(namespaces, s, a, '10.0.0.1');
      assert.equal(tap.stats.txErrors, 0);
    } finally {
      tap.close();
    }
    assert.doesNotMatch(namespaces.run(s, 'ip', 'link'), /br0/);
  });
});

test('a TAP device drops what is longer than its MTU, and what is sent while it is down', {
  skip: skip || (canCreateTap() ? false : 'no access to /dev/net/tun'),
}, async () => {
  await withNetwork(async ({ namespaces, memory, s }) => {
    const tap = linuxSystemCalls().inNetworkNamespace(s, () => openTap(memory, 'br0'));
    try {
      assert.equal(tap.send([Packet.from(new Uint8Array(1519)), Packet.from(new Uint8Array(1518))], 2), 1);
      assert.equal(tap.stats.txDropped, 1);
      namespaces.run(s, 'ip', 'link', 'set', 'br0', 'mtu', '9000');
      assert.equal(tap.send([Packet.from(new Uint8Array(1519))], 1), 1);
      namespaces.run(s, 'ip', 'link', 'set', 'br0', 'down');
      assert.equal(tap.linkUp, false);
      assert.equal(tap.send([Packet.from(new Uint8Array(60))], 1), 0);
      assert.equal(tap.stats.txDropped, 2);
      assert.equal(tap.stats.txErrors, 0);
    } finally {
      tap.close();
    }
  });
});

test('frames longer than the MTU are dropped and counted, the others of the batch pass', { skip }, async () => {
  await withNetwork(async ({ va0 }) => {
    const batch = [60, 2000, 1514, 1519, 61].map((length) => Packet.from(new Uint8Array(length)));
    assert.equal(va0.send(batch, batch.length), 3);
    assert.equal(va0.stats.txDropped, 2);
    assert.equal(va0.stats.txPackets, 3);
    assert.equal(va0.stats.txBytes, 60 + 1514 + 61);
  });
});

test('a batch with offload metadata that the kernel refuses loses only the bad packets', { skip }, async () => {
  await withNetwork(async ({ va0 }) => {
    const batch = Array.from({ length: BATCH_SIZE }, () => Packet.from(new Uint8Array(60)));
    for (const index of [0, 10, 11, 63]) {
      batch[index]!.offloadFlags = 1;
      batch[index]!.checksumStart = 500;
      batch[index]!.checksumOffset = 6;
    }
    assert.equal(va0.send(batch, BATCH_SIZE), BATCH_SIZE - 4);
    assert.equal(va0.stats.txErrors, 4);
  });
});

test('a port whose interface vanishes says so and drops', { skip }, async () => {
  await withNetwork(async ({ namespaces, memory, s }) => {
    let changed: () => void = () => undefined;
    const change = new Promise<void>((resolve) => {
      changed = resolve;
    });
    const port = linuxSystemCalls().inNetworkNamespace(s, () =>
      openPacketSocket(memory, 'va0', {
        onLinkChange: () => {
          if (!port.linkUp) changed();
        },
      }),
    );
    const forwarded: Packet[] = [];
    port.setReadableListener(() => port.receive(forwarded));
    namespaces.run(s, 'ip', 'link', 'delete', 'va0');
    await change;
    assert.equal(port.linkUp, false);
    assert.equal(port.mtu, 1500);
    assert.equal(port.send([Packet.from(new Uint8Array(60))], 1), 0);
    assert.equal(port.stats.txDropped, 1);
    assert.equal(port.receive(forwarded), 0);
    port.close();
    port.close();
    assert.equal(port.send([Packet.from(new Uint8Array(60))], 1), 0);
    assert.equal(port.receive(forwarded), 0);
  });
});

test('an interface that does not exist is an error that names it', { skip }, () => {
  const memory = new PacketMemory(linuxSystemCalls());
  assert.throws(() => openPacketSocket(memory, 'no-such-if'), {
    code: 'netdev-no-device',
    message: 'could not open network device no-such-if (No such device) while looking up the interface',
  });
  assert.throws(() => openPacketSocket(memory, 'much-too-long-for-linux'), { code: 'netdev-bad-name' });
  assert.throws(() => openTap(memory, 'a b'), NetdevError);
});

test('missing privileges are named with the way out', { skip }, () => {
  const script = `
    import { linuxSystemCalls } from './src/platform/index.ts';
    import { openPacketSocket, openTap, PacketMemory } from './src/netdev/index.ts';
    const memory = new PacketMemory(linuxSystemCalls());
    for (const [open, name] of [[openPacketSocket, 'lo'], [openTap, 'mf-tap0']]) {
      try { open(memory, name); } catch (error) { console.log(error.code, error.message); }
    }`;
  const node = [process.execPath, '--import', './test/support/typescript.mjs', '--input-type=module', '-e', script];
  const setpriv = ['setpriv', '--bounding-set=-net_raw,-net_admin', '--inh-caps=-all'];
  const { stdout, stderr } = spawnSync(setpriv[0]!, [...setpriv.slice(1), ...node], { cwd: ROOT, encoding: 'utf8' });
  assert.match(
    stdout,
    /^netdev-permission .*lo \(Operation not permitted\).*needs CAP_NET_RAW; run as root, or .*unshare -Urn/m,
    stderr,
  );
  assert.match(stdout, /^netdev-permission .*needs CAP_NET_ADMIN and access to \/dev\/net\/tun/m);
});
