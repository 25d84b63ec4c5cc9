/**
 * A port on an existing Linux interface, through a packet socket (packet(7)).
 *
 * PACKET_VNET_HDR makes the kernel hand over GSO frames of 64 KB and unfinished checksums as they are, and take them back
 * the same way: without it TCP between local interfaces does not work at all unless their offloads are turned off.
 * PACKET_AUXDATA brings the outer VLAN tag, which the kernel has taken out of the frame. PACKET_IGNORE_OUTGOING keeps our
 * own transmissions from coming back.
 *
 * The interface may vanish at any time: then nothing is received, what is sent is dropped, and `linkUp` is false.
 */
import type { Packet } from '../wire/index.ts';
import {
  checkInterfaceName,
  interfaceAddress,
  interfaceIndex,
  interfaceLinkUp,
  interfaceMtu,
} from './interface-request.ts';
import { watchLink } from './link-monitor.ts';
import { BATCH_SIZE, type Netdev, type NetdevStats } from './netdev.ts';
import type { PacketMemory } from './packet-memory.ts';
import { createStats, DEFAULT_MTU } from './stats.ts';
import {
  EAGAIN,
  EINTR,
  EMSGSIZE,
  ENETDOWN,
  ENOBUFS,
  ENODEV,
  ENXIO,
  type NetdevError,
  openError,
  type SystemCalls,
  type Watch,
} from './system-calls.ts';
import { restoreVlanTag } from './vlan-restore.ts';
import { readVnetHeader, VNET_HEADER_LENGTH, writeVnetHeader } from './vnet-header.ts';

const AF_PACKET = 17;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0x800 | 0x80000;
/** ETH_P_ALL in network byte order */
const ALL_PROTOCOLS_BIG_ENDIAN = 0x0300;
const SOCKADDR_LENGTH = 20;

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_STATISTICS = 6;
const PACKET_AUXDATA = 8;
const PACKET_VNET_HDR = 15;
const PACKET_QDISC_BYPASS = 20;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_PROMISC = 1;

const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;

/** tpacket_auxdata after the 16-byte cmsghdr */
const AUXDATA_STATUS = 16;
const AUXDATA_VLAN_TCI = 32;
const AUXDATA_VLAN_TPID = 34;
const STATUS_VLAN_VALID = 0x10;
const STATUS_VLAN_TPID_VALID = 0x40;
const ETHERTYPE_VLAN = 0x8100;

/**
 * The kernel doubles it. With less, one TCP stream of 64 KB frames overruns it (at 1 MB thousands of retransmissions a
 * second, at 2 MB next to none); with more, small packets that wait have left the processor's cache before they are received.
 */
const DEFAULT_BUFFER_BYTES = 2 * 1024 * 1024;

export interface PacketSocketOptions {
  /** receive frames for all addresses; default true: a switch needs them */
  promiscuous?: boolean;
  /** send around the interface's queueing discipline, which is faster; default true */
  qdiscBypass?: boolean;
  /** kernel memory for packets that wait to be received; default 2 MB, less where the system does not allow it */
  receiveBufferBytes?: number;
  sendBufferBytes?: number;
  /** called when the interface came up, went down, changed or vanished */
  onLinkChange?: () => void;
}

/**
 * Opens the interface `name` of the calling thread's network namespace.
 * Throws `NetdevError`: `netdev-no-device`, `netdev-permission` (needs CAP_NET_RAW), `netdev-bad-name`, `netdev-system`.
 */
export function openPacketSocket(memory: PacketMemory, name: string, options: PacketSocketOptions = {}): Netdev {
  checkInterfaceName(name);
  const { calls } = memory;
  // Protocol 0: nothing is received from other interfaces before the socket is bound.
  const fd = calls.socket(AF_PACKET, SOCK_RAW_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) throw openError(calls, name, fd, 'opening a packet socket', 'CAP_NET_RAW');
  try {
    const index = interfaceIndex(memory, fd, name);
    if (index < 0) throw openError(calls, name, index, 'looking up the interface', 'CAP_NET_RAW');
    setUpSocket(memory, fd, name, index, options);
    const linkWatch = options.onLinkChange === undefined ? null : watchLink(memory, index, options.onLinkChange);
    return new PacketSocketNetdev(memory, fd, name, linkWatch);
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}

function setUpSocket(
  memory: PacketMemory,
  fd: number,
  name: string,
  index: number,
  options: PacketSocketOptions,
): void {
  const { calls, bytes, view, scratch, scratchAddress } = memory;
  const failed = (result: number, doing: string): NetdevError => openError(calls, name, result, doing, 'CAP_NET_RAW');
  let result = setOption(memory, fd, SOL_PACKET, PACKET_VNET_HDR, 1);
  if (result < 0) throw failed(result, 'setting PACKET_VNET_HDR');
  result = setOption(memory, fd, SOL_PACKET, PACKET_AUXDATA, 1);
  if (result < 0) throw failed(result, 'setting PACKET_AUXDATA');
  result = setOption(memory, fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  if (result < 0) throw failed(result, 'setting PACKET_IGNORE_OUTGOING (Linux 4.20 or later)');
  // The rest only costs speed when it fails.
  if (options.qdiscBypass !== false) setOption(memory, fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
  setBuffer(memory, fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBufferBytes ?? DEFAULT_BUFFER_BYTES);
  setBuffer(memory, fd, SO_SNDBUFFORCE, SO_SNDBUF, options.sendBufferBytes ?? DEFAULT_BUFFER_BYTES);
  if (options.promiscuous !== false) {
    bytes.fill(0, scratch, scratch + 16);
    view.setInt32(scratch, index, true);
    view.setUint16(scratch + 4, PACKET_MR_PROMISC, true);
    result = calls.setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, scratchAddress, 16);
    if (result < 0) throw failed(result, 'entering promiscuous mode');
  }
  bytes.fill(0, scratch, scratch + SOCKADDR_LENGTH);
  view.setUint16(scratch, AF_PACKET, true);
  view.setUint16(scratch + 2, ALL_PROTOCOLS_BIG_ENDIAN, true);
  view.setInt32(scratch + 4, index, true);
  result = calls.bind(fd, scratchAddress, SOCKADDR_LENGTH);
  // The kernel binds to an interface that is down, too, and says so.
  if (result < 0 && result !== -ENETDOWN) throw failed(result, 'binding to the interface');
}

function setOption(memory: PacketMemory, fd: number, level: number, option: number, value: number): number {
  memory.view.setInt32(memory.scratch, value, true);
  return memory.calls.setsockopt(fd, level, option, memory.scratchAddress, 4);
}

/** Going over the system's maximum needs CAP_NET_ADMIN; without it the maximum has to do. */
function setBuffer(memory: PacketMemory, fd: number, forced: number, limited: number, length: number): void {
  if (setOption(memory, fd, SOL_SOCKET, forced, length) < 0) setOption(memory, fd, SOL_SOCKET, limited, length);
}

class PacketSocketNetdev implements Netdev {
  readonly name: string;
  readonly type = 'system';
  readonly isExternal = true;

  private readonly memory: PacketMemory;
  private readonly calls: SystemCalls;
  private readonly counters: NetdevStats = createStats();
  private readonly address: Uint8Array = new Uint8Array(6);
  private readonly linkWatch: Watch | null;
  private fd: number;
  private readableWatch: Watch | null = null;
  private lastMtu = DEFAULT_MTU;

  constructor(memory: PacketMemory, fd: number, name: string, linkWatch: Watch | null) {
    this.memory = memory;
    this.calls = memory.calls;
    this.fd = fd;
    this.name = name;
    this.linkWatch = linkWatch;
  }

  get etherAddress(): Uint8Array {
    interfaceAddress(this.memory, this.fd, this.name, this.address);
    return this.address;
  }

  get mtu(): number {
    const mtu = interfaceMtu(this.memory, this.fd, this.name);
    if (mtu > 0) this.lastMtu = mtu;
    return this.lastMtu;
  }

  get linkUp(): boolean {
    return interfaceLinkUp(this.memory, this.fd, this.name);
  }

  get stats(): NetdevStats {
    const { memory } = this;
    memory.view.setInt32(memory.scratch + 8, 8, true);
    const { scratchAddress } = memory;
    // Reading them resets them: packets seen, and packets dropped because the receive buffer was full.
    if (this.calls.getsockopt(this.fd, SOL_PACKET, PACKET_STATISTICS, scratchAddress, scratchAddress + 8) >= 0) {
      this.counters.rxDropped += memory.view.getUint32(memory.scratch + 4, true);
    }
    return this.counters;
  }

  receive(batch: Packet[]): number {
    const { memory, counters } = this;
    const received = this.receiveMessages();
    let count = 0;
    let byteCount = 0;
    for (let i = 0; i < received; i++) {
      const length = memory.receivedBytes(i);
      const control = memory.takeControl(i);
      if ((memory.receivedFlags(i) & MSG_TRUNC) !== 0 || length < VNET_HEADER_LENGTH) {
        counters.rxErrors++;
        continue;
      }
      const packet = memory.aimAtSlot(i, length);
      readVnetHeader(memory.view, packet.start - VNET_HEADER_LENGTH, packet);
      if (control >= 0) {
        const status = memory.view.getInt32(control + AUXDATA_STATUS, true);
        if ((status & STATUS_VLAN_VALID) !== 0) {
          const protocol =
            (status & STATUS_VLAN_TPID_VALID) !== 0
              ? memory.view.getUint16(control + AUXDATA_VLAN_TPID, true)
              : ETHERTYPE_VLAN;
          restoreVlanTag(packet, protocol, memory.view.getUint16(control + AUXDATA_VLAN_TCI, true));
        }
      }
      byteCount += packet.length;
      batch[count++] = packet;
    }
    counters.rxPackets += count;
    counters.rxBytes += byteCount;
    return count;
  }

  send(batch: Packet[], count: number): number {
    const { memory } = this;
    memory.clearStage();
    let queued = 0;
    let sent = 0;
    for (let i = 0; i < count; i++) {
      const packet = batch[i]!;
      let start = memory.place(packet);
      if (start < 0) {
        sent += this.sendMessages(queued);
        queued = 0;
        memory.clearStage();
        start = memory.place(packet);
        if (start < 0) {
          this.counters.txErrors++;
          continue;
        }
      }
      writeVnetHeader(memory.view, start - VNET_HEADER_LENGTH, packet);
      memory.setSendMessage(queued++, start - VNET_HEADER_LENGTH, packet.length + VNET_HEADER_LENGTH);
    }
    return sent + this.sendMessages(queued);
  }

  setReadableListener(listener: (() => void) | null): void {
    this.readableWatch?.stop();
    this.readableWatch = listener === null || this.fd < 0 ? null : this.calls.watchReadable(this.fd, listener);
  }

  close(): void {
    if (this.fd < 0) return;
    this.setReadableListener(null);
    this.linkWatch?.stop();
    this.calls.close(this.fd);
    this.fd = -1;
  }

  /** Fills the receive slots; returns how many. */
  private receiveMessages(): number {
    // A packet that the kernel cannot describe in a virtio_net_hdr is consumed and reported as an error.
    for (let attempts = 0; attempts < BATCH_SIZE; attempts++) {
      const received = this.calls.recvmmsg(this.fd, this.memory.receiveMessages, BATCH_SIZE, MSG_DONTWAIT);
      if (received >= 0) return received;
      if (received === -EAGAIN || this.fd < 0) return 0;
      // ENETDOWN says once that the interface went down; packets from before may still wait.
      if (received !== -EINTR && received !== -ENETDOWN) this.counters.rxErrors++;
    }
    return 0;
  }

  /** Sends the first `count` messages; returns how many the kernel took. */
  private sendMessages(count: number): number {
    const { calls, memory, counters } = this;
    let next = 0;
    let sent = 0;
    while (next < count) {
      const result = calls.sendmmsg(this.fd, memory.sendMessages + next * 64, count - next, MSG_DONTWAIT);
      if (result > 0) {
        for (let i = next; i < next + result; i++) counters.txBytes += memory.sendLength(i) - VNET_HEADER_LENGTH;
        next += result;
        sent += result;
      } else if (result === -EINTR) {
        // again
      } else if (result === -EAGAIN || result === -ENETDOWN || result === -ENXIO || result === -ENODEV || this.fd < 0) {
        // The send buffer is full, or the interface is down or gone: the rest would fare no better.
        counters.txDropped += count - next;
        break;
      } else {
        // sendmmsg stops at the first message that fails: leave that one out and go on.
        if (result === -EMSGSIZE || result === -ENOBUFS) counters.txDropped++;
        else counters.txErrors++;
        next++;
      }
    }
    counters.txPackets += sent;
    return sent;
  }
}
