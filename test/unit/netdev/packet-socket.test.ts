import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BATCH_SIZE,
  type Netdev,
  openPacketSocket,
  openTap,
  PacketMemory,
  type SystemCalls,
} from '../../../src/netdev/index.ts';
import { readVnetHeader, writeVnetHeader } from '../../../src/netdev/vnet-header.ts';
import { OFFLOAD_CHECKSUM_VALID, OFFLOAD_NEEDS_CHECKSUM, Packet } from '../../../src/wire/index.ts';

const EINTR = 4;
const EIO = 5;
const ENXIO = 6;
const EAGAIN = 11;
const EPERM = 1;
const ENODEV = 19;
const EINVAL = 22;
const EMSGSIZE = 90;
const ENETDOWN = 100;
const SIOCGIFINDEX = 0x8933;
const ADDRESS = 0x7f12_3456_7000;

interface Arrival {
  /** the virtio_net_hdr and the frame */
  bytes: Uint8Array;
  /** struct tpacket_auxdata, or none */
  auxdata?: Uint8Array;
  flags?: number;
}

/** A kernel that follows a script. It reads and writes the same structures at the same addresses as Linux. */
class ScriptedKernel implements SystemCalls {
  /** what recvmmsg and read do, one entry for each call */
  readonly receives: (Arrival[] | number)[] = [];
  /** what sendmmsg and write return, one entry for each call; all when there is none */
  readonly sends: number[] = [];
  /** what sendmmsg and write were given and accepted */
  readonly sent: Uint8Array[] = [];
  readonly opened = new Set<number>();
  readonly failures = new Map<string, number>();
  private view: DataView = new DataView(new ArrayBuffer(0));
  private nextFd = 3;

  map(length: number): { buffer: ArrayBuffer; address: number } {
    const buffer = new ArrayBuffer(length);
    this.view = new DataView(buffer);
    return { buffer, address: ADDRESS };
  }

  socket(domain: number): number {
    return this.failures.get(`socket ${domain}`) ?? this.newFd();
  }

  open(): number {
    return this.failures.get('open') ?? this.newFd();
  }

  bind(): number {
    return 0;
  }

  setsockopt(_fd: number, level: number, option: number): number {
    return this.failures.get(`setsockopt ${level} ${option}`) ?? 0;
  }

  getsockopt(): number {
    return -EINVAL;
  }

  ioctl(_fd: number, request: number): number {
    return this.failures.get(`ioctl ${request}`) ?? 0;
  }

  close(fd: number): number {
    assert.ok(this.opened.delete(fd), `fd ${fd} closed twice`);
    return 0;
  }

  recvmmsg(_fd: number, messages: number, count: number): number {
    const arrivals = this.receives.shift() ?? -EAGAIN;
    if (typeof arrivals === 'number') return arrivals;
    assert.ok(arrivals.length <= count);
    arrivals.forEach((arrival, i) => {
      const message = messages - ADDRESS + i * 64;
      const iovec = this.long(message + 16) - ADDRESS;
      assert.ok(this.long(iovec + 8) >= arrival.bytes.length);
      this.put(this.long(iovec), arrival.bytes);
      assert.equal(this.long(message + 40), 48, 'room for control messages');
      this.view.setUint32(message + 40, 0, true);
      if (arrival.auxdata !== undefined) {
        this.put(this.long(message + 32) + 16, arrival.auxdata);
        this.view.setUint32(message + 40, 40, true);
      }
      this.view.setInt32(message + 48, arrival.flags ?? 0, true);
      this.view.setInt32(message + 56, arrival.bytes.length, true);
    });
    return arrivals.length;
  }

  sendmmsg(_fd: number, messages: number, count: number): number {
    const result = this.sends.shift() ?? count;
    for (let i = 0; i < result; i++) {
      const message = messages - ADDRESS + i * 64;
      assert.equal(this.long(message + 24), 1);
      const iovec = this.long(message + 16) - ADDRESS;
      this.sent.push(this.get(this.long(iovec), this.long(iovec + 8)));
    }
    return result;
  }

  read(_fd: number, address: number, length: number): number {
    const arrivals = this.receives.shift() ?? -EAGAIN;
    if (typeof arrivals === 'number') return arrivals;
    assert.ok(arrivals[0]!.bytes.length <= length);
    this.put(address, arrivals[0]!.bytes);
    return arrivals[0]!.bytes.length;
  }

  write(_fd: number, address: number, length: number): number {
    const result = this.sends.shift() ?? length;
    if (result > 0) this.sent.push(this.get(address, length));
    return result;
  }

  watchReadable(): { stop(): void } {
    return { stop: () => undefined };
  }

  errorMessage(errno: number): string {
    return `errno ${errno}`;
  }

  private newFd(): number {
    this.opened.add(this.nextFd);
    return this.nextFd++;
  }

  private long(offset: number): number {
    return this.view.getUint32(offset, true) + this.view.getUint32(offset + 4, true) * 2 ** 32;
  }

  private put(address: number, bytes: Uint8Array): void {
    new Uint8Array(this.view.buffer).set(bytes, address - ADDRESS);
  }

  private get(address: number, length: number): Uint8Array {
    return new Uint8Array(this.view.buffer).slice(address - ADDRESS, address - ADDRESS + length);
  }
}

function openPort(open: typeof openPacketSocket | typeof openTap = openPacketSocket): {
  kernel: ScriptedKernel;
  port: Netdev;
} {
  const kernel = new ScriptedKernel();
  return { kernel, port: open(new PacketMemory(kernel), 'eth0') };
}

function withHeader(frame: Uint8Array, header: number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]): Uint8Array {
  return Uint8Array.from([...header, ...frame]);
}

function frameOf(value: number, length = 60): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** flags NEEDS_CSUM, TCPv4, hdr_len 66, gso_size 1448, csum_start 34, csum_offset 16 */
const TCP_HEADER: number[] = [1, 1, 66, 0, 0xa8, 0x05, 34, 0, 16, 0];

function auxdata(status: number, tci: number, tpid: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, status, true);
  view.setUint16(16, tci, true);
  view.setUint16(18, tpid, true);
  return bytes;
}

test('the header of ten bytes is read and written field by field', () => {
  const view = new DataView(new ArrayBuffer(16));
  const packet = new Packet(new Uint8Array(0), 0, 0);
  TCP_HEADER.forEach((byte, i) => {
    view.setUint8(3 + i, byte);
  });
  readVnetHeader(view, 3, packet);
  assert.equal(packet.offloadFlags, OFFLOAD_NEEDS_CHECKSUM);
  assert.equal(packet.gsoType, 1);
  assert.equal(packet.headerLength, 66);
  assert.equal(packet.gsoSize, 1448);
  assert.equal(packet.checksumStart, 34);
  assert.equal(packet.checksumOffset, 16);
  const again = new DataView(new Uint8Array(16).fill(0xa5).buffer);
  writeVnetHeader(again, 3, packet);
  assert.deepEqual([...new Uint8Array(again.buffer, 3, 10)], TCP_HEADER);
  assert.equal(again.getUint8(13), 0xa5);
});

test('a packet without offloads has a header of zeros, "checksum valid" or not', () => {
  const view = new DataView(new Uint8Array(10).fill(0xa5).buffer);
  const packet = new Packet(new Uint8Array(0), 0, 0);
  packet.offloadFlags = OFFLOAD_CHECKSUM_VALID;
  writeVnetHeader(view, 0, packet);
  assert.deepEqual([...new Uint8Array(view.buffer)], new Array(10).fill(0));
});

test('any header that asks for something survives being written and read', () => {
  const u16 = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), u16, u16, u16, u16, (gsoType, a, b, c, d) => {
      const packet = new Packet(new Uint8Array(0), 0, 0);
      packet.offloadFlags = OFFLOAD_NEEDS_CHECKSUM;
      [packet.gsoType, packet.headerLength, packet.gsoSize, packet.checksumStart, packet.checksumOffset] = [
        gsoType,
        a,
        b,
        c,
        d,
      ];
      const view = new DataView(new ArrayBuffer(10));
      writeVnetHeader(view, 0, packet);
      const read = new Packet(packet.bytes, 0, 0);
      readVnetHeader(view, 0, read);
      assert.deepEqual({ ...read }, { ...packet });
    }),
  );
});

test('receives a batch, with its metadata, and sends it on from where it lies', () => {
  const { kernel, port } = openPort();
  const arrivals = [withHeader(frameOf(1)), withHeader(frameOf(2, 4000), TCP_HEADER), withHeader(frameOf(3, 65_549))];
  kernel.receives.push(arrivals.map((bytes) => ({ bytes })));
  const batch: Packet[] = [];
  assert.equal(port.receive(batch), 3);
  assert.deepEqual(
    batch.map((packet) => packet.frame()),
    [frameOf(1), frameOf(2, 4000), frameOf(3, 65_549)],
  );
  assert.equal(batch[1]!.gsoSize, 1448);
  assert.equal(batch[2]!.gsoSize, 0);
  assert.equal(batch[0]!.start % 4, 2);
  assert.equal(port.stats.rxBytes, 60 + 4000 + 65_549);
  assert.equal(port.send(batch, 3), 3);
  assert.deepEqual(kernel.sent, arrivals);
  assert.equal(port.stats.txBytes, 60 + 4000 + 65_549);
  assert.equal(port.receive(batch), 0);
});

test('headers pushed and pulled go out with the metadata moved along', () => {
  const { kernel, port } = openPort();
  kernel.receives.push([{ bytes: withHeader(frameOf(2, 200), TCP_HEADER) }]);
  const batch: Packet[] = [];
  port.receive(batch);
  batch[0]!.insertBytes(12, 4);
  batch[0]!.view.setUint32(batch[0]!.start + 12, 0x8100_0005);
  port.send(batch, 1);
  const tagged = [...frameOf(2, 12), 0x81, 0, 0, 5, ...frameOf(2, 188)];
  assert.deepEqual([...kernel.sent[0]!], [1, 1, 70, 0, 0xa8, 0x05, 38, 0, 16, 0, ...tagged]);
  batch[0]!.removeBytes(12, 4);
  port.send(batch, 1);
  assert.deepEqual(kernel.sent[1], withHeader(frameOf(2, 200), TCP_HEADER));
});

test('the tag that the kernel took out is put back, and metadata follow it', () => {
  const { kernel, port } = openPort();
  kernel.receives.push([
    { bytes: withHeader(frameOf(7, 100), TCP_HEADER), auxdata: auxdata(0x51, 0x6005, 0x88a8) },
    { bytes: withHeader(frameOf(8)), auxdata: auxdata(0x11, 9, 0) },
    { bytes: withHeader(frameOf(9)), auxdata: auxdata(0x01, 9, 0x8100) },
  ]);
  const batch: Packet[] = [];
  assert.equal(port.receive(batch), 3);
  assert.deepEqual([...batch[0]!.frame()], [...frameOf(7, 12), 0x88, 0xa8, 0x60, 5, ...frameOf(7, 88)]);
  assert.equal(batch[0]!.checksumStart, 38);
  assert.equal(batch[0]!.headerLength, 70);
  assert.deepEqual([...batch[1]!.frame()], [...frameOf(8, 12), 0x81, 0, 0, 9, ...frameOf(8, 48)]);
  assert.equal(batch[1]!.checksumStart, 0);
  assert.deepEqual(batch[2]!.frame(), frameOf(9));
  // Room for control messages was made again.
  kernel.receives.push([{ bytes: withHeader(frameOf(1)), auxdata: auxdata(0x51, 1, 0x8100) }]);
  assert.equal(port.receive(batch), 1);
  assert.equal(batch[0]!.length, 64);
});

test('truncated and too short messages are errors, and the rest of the batch is received', () => {
  const { kernel, port } = openPort();
  kernel.receives.push([
    { bytes: withHeader(frameOf(1)), flags: 0x20 },
    { bytes: Uint8Array.of(0, 0, 0) },
    { bytes: withHeader(frameOf(3)) },
  ]);
  const batch: Packet[] = [];
  assert.equal(port.receive(batch), 1);
  assert.deepEqual(batch[0]!.frame(), frameOf(3));
  assert.equal(port.stats.rxErrors, 2);
  assert.equal(port.stats.rxPackets, 1);
});

test('receive goes on after interruptions and packets that the kernel could not describe', () => {
  const { kernel, port } = openPort();
  kernel.receives.push(-EINTR, -EINVAL, -ENETDOWN, [{ bytes: withHeader(frameOf(3)) }]);
  assert.equal(port.receive([]), 1);
  assert.equal(port.stats.rxErrors, 1);
  for (let i = 0; i < 1000; i++) kernel.receives.push(-EINVAL);
  assert.equal(port.receive([]), 0);
});

test('packets from elsewhere are copied, however many and long they are', () => {
  const { kernel, port } = openPort();
  const frames = Array.from({ length: BATCH_SIZE }, (_, i) => frameOf(i, i % 3 === 0 ? 65_000 : 60 + i));
  const batch = frames.map((frame) => Packet.from(frame));
  assert.equal(port.send(batch, BATCH_SIZE), BATCH_SIZE);
  assert.deepEqual(
    kernel.sent,
    frames.map((frame) => withHeader(frame)),
  );
  assert.equal(port.send([Packet.from(new Uint8Array(300_000))], 1), 0);
  assert.equal(port.stats.txErrors, 1);
});

function sendFour(results: number[]): { sent: number; values: number[]; dropped: number; errors: number } {
  const { kernel, port } = openPort();
  kernel.sends.push(...results);
  const batch = [1, 2, 3, 4].map((value) => Packet.from(frameOf(value)));
  const sent = port.send(batch, 4);
  const { txDropped, txErrors, txPackets, txBytes } = port.stats;
  assert.equal(txPackets, sent);
  assert.equal(txBytes, sent * 60);
  return { sent, values: kernel.sent.map((bytes) => bytes[10]!), dropped: txDropped, errors: txErrors };
}

test('sendmmsg that stops at a bad packet is called again behind it', () => {
  assert.deepEqual(sendFour([]), { sent: 4, values: [1, 2, 3, 4], dropped: 0, errors: 0 });
  assert.deepEqual(sendFour([1, -EINVAL]), { sent: 3, values: [1, 3, 4], dropped: 0, errors: 1 });
  assert.deepEqual(sendFour([-EMSGSIZE, 1, -EMSGSIZE]), { sent: 2, values: [2, 4], dropped: 2, errors: 0 });
  assert.deepEqual(sendFour([3, -EINVAL]), { sent: 3, values: [1, 2, 3], dropped: 0, errors: 1 });
  assert.deepEqual(sendFour([2, -EINTR]), { sent: 4, values: [1, 2, 3, 4], dropped: 0, errors: 0 });
});

test('a full send buffer or a missing interface drops the rest', () => {
  for (const errno of [EAGAIN, ENETDOWN, ENXIO, ENODEV]) {
    assert.deepEqual(sendFour([1, -errno]), { sent: 1, values: [1], dropped: 3, errors: 0 });
  }
});

test('a TAP device receives and sends one packet a call, with metadata', () => {
  const { kernel, port } = openPort(openTap);
  for (let i = 0; i < BATCH_SIZE + 1; i++) kernel.receives.push([{ bytes: withHeader(frameOf(i), TCP_HEADER) }]);
  const batch: Packet[] = [];
  assert.equal(port.receive(batch), BATCH_SIZE);
  assert.equal(batch[63]!.frame()[0], 63);
  assert.equal(batch[63]!.gsoSize, 1448);
  kernel.sends.push(70, -EIO, -EINTR, 70, -EINVAL);
  assert.equal(port.send(batch, 4), 2);
  assert.deepEqual(
    kernel.sent,
    [0, 2].map((value) => withHeader(frameOf(value), TCP_HEADER)),
  );
  assert.equal(port.stats.txDropped, 1);
  assert.equal(port.stats.txErrors, 1);
  assert.equal(port.receive(batch), 1);
  assert.equal(port.receive(batch), 0);
  port.close();
  port.close();
  assert.equal(kernel.opened.size, 0);
});

test('opening that fails gives everything back and says what it needs', () => {
  const cases: [string, number, string, RegExp][] = [
    ['socket 17', -EPERM, 'netdev-permission', /needs CAP_NET_RAW; run as root/],
    [`ioctl ${SIOCGIFINDEX}`, -ENODEV, 'netdev-no-device', /could not open network device eth0 \(errno 19\)/],
    ['setsockopt 263 15', -EINVAL, 'netdev-system', /PACKET_VNET_HDR/],
  ];
  for (const [call, result, code, message] of cases) {
    const kernel = new ScriptedKernel();
    kernel.failures.set(call, result);
    assert.throws(() => openPacketSocket(new PacketMemory(kernel), 'eth0'), { code, message });
    assert.equal(kernel.opened.size, 0);
  }
  const kernel = new ScriptedKernel();
  kernel.failures.set('ioctl 1074025674', -16);
  assert.throws(() => openTap(new PacketMemory(kernel), 'br0'), { code: 'netdev-busy' });
  assert.equal(kernel.opened.size, 0);
});
