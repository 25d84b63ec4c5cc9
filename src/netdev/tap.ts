/**
 * A port that is an interface of the host itself: a TAP device made by the switch. What the host sends through the
 * interface the switch receives, and the other way round; the bridge's local port and internal ports are these. The device
 * lives as long as the port is open.
 *
 * IFF_VNET_HDR and TUNSETOFFLOAD let the host hand over GSO frames and unfinished checksums, as in packet-socket.ts.
 */
import type { Packet } from '../wire/index.ts';
import {
  checkInterfaceName,
  interfaceAddress,
  interfaceIndex,
  interfaceLinkUp,
  interfaceMtu,
  prepareRequest,
  setInterfaceAddress,
  setInterfaceMtu,
  setInterfaceUp,
} from './interface-request.ts';
import { watchLink } from './link-monitor.ts';
import { BATCH_SIZE, type Netdev, type NetdevStats } from './netdev.ts';
import type { PacketMemory } from './packet-memory.ts';
import { createStats, DEFAULT_MTU, ETHERNET_HEADER_LENGTH } from './stats.ts';
import { EAGAIN, EINTR, EIO, openError, type SystemCalls, type Watch } from './system-calls.ts';
import { readVnetHeader, VNET_HEADER_LENGTH, writeVnetHeader } from './vnet-header.ts';

const TUN_DEVICE = '/dev/net/tun';
/** O_RDWR, O_NONBLOCK, O_CLOEXEC */
const OPEN_FLAGS = 0o2 | 0o4000 | 0o2000000;
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** TUN_F_CSUM, TSO4, TSO6, TSO_ECN */
const TUN_OFFLOADS = 0x1 | 0x2 | 0x4 | 0x8;
/** TUN_F_USO4 and USO6: UDP segmentation, Linux 6.2 or later */
const TUN_UDP_OFFLOADS = 0x20 | 0x40;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
/** A frame may be this much longer than the MTU: an Ethernet header and a VLAN tag. */
const FRAME_OVERHEAD: number = ETHERNET_HEADER_LENGTH + 4;

export interface TapOptions {
  /** six bytes; default chosen by the kernel */
  etherAddress?: Uint8Array;
  /** default 1500 */
  mtu?: number;
  /** set the interface up; default true */
  up?: boolean;
  /** called when the interface came up, went down or changed */
  onLinkChange?: () => void;
}

/**
 * Creates the TAP device `name` in the calling thread's network namespace.
 * Throws `NetdevError`: `netdev-permission` (needs CAP_NET_ADMIN and access to /dev/net/tun), `netdev-busy` when there is
 * such a device already, `netdev-bad-name`, `netdev-system`.
 */
export function openTap(memory: PacketMemory, name: string, options: TapOptions = {}): Netdev {
  checkInterfaceName(name);
  const { calls, view, scratchAddress } = memory;
  const fd = calls.open(TUN_DEVICE, OPEN_FLAGS);
  const capability = `CAP_NET_ADMIN and access to ${TUN_DEVICE}`;
  if (fd < 0) throw openError(calls, name, fd, `opening ${TUN_DEVICE}`, capability);
  // Only a socket takes ioctls about other interfaces; a TUN descriptor knows its own.
  const control = calls.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  try {
    if (control < 0) throw openError(calls, name, control, 'opening a socket', capability);
    const flags = prepareRequest(memory, name);
    view.setUint16(flags, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, true);
    const check = (result: number, doing: string): void => {
      if (result < 0) throw openError(calls, name, result, doing, capability);
    };
    check(calls.ioctl(fd, TUNSETIFF, scratchAddress), 'creating the TAP device');
    if (calls.ioctl(fd, TUNSETOFFLOAD, TUN_OFFLOADS | TUN_UDP_OFFLOADS) < 0) {
      check(calls.ioctl(fd, TUNSETOFFLOAD, TUN_OFFLOADS), 'turning offloads on');
    }
    if (options.etherAddress !== undefined) {
      check(setInterfaceAddress(memory, control, name, options.etherAddress), 'setting the address');
    }
    if (options.mtu !== undefined) check(setInterfaceMtu(memory, control, name, options.mtu), 'setting the MTU');
    if (options.up !== false) check(setInterfaceUp(memory, control, name), 'setting the interface up');
    const index = interfaceIndex(memory, control, name);
    const linkWatch = options.onLinkChange === undefined ? null : watchLink(memory, index, options.onLinkChange);
    return new TapNetdev(memory, fd, control, name, linkWatch);
  } catch (error) {
    calls.close(fd);
    if (control >= 0) calls.close(control);
    throw error;
  }
}

class TapNetdev implements Netdev {
  readonly name: string;
  readonly type = 'tap';
  readonly isExternal = true;
  readonly stats: NetdevStats = createStats();

  private readonly memory: PacketMemory;
  private readonly calls: SystemCalls;
  private readonly address: Uint8Array = new Uint8Array(6);
  private readonly linkWatch: Watch | null;
  private fd: number;
  private readonly control: number;
  private readableWatch: Watch | null = null;
  private lastMtu = DEFAULT_MTU;

  constructor(memory: PacketMemory, fd: number, control: number, name: string, linkWatch: Watch | null) {
    this.memory = memory;
    this.calls = memory.calls;
    this.fd = fd;
    this.control = control;
    this.name = name;
    this.linkWatch = linkWatch;
    this.lastMtu = this.mtu;
  }

  get etherAddress(): Uint8Array {
    if (this.fd >= 0) interfaceAddress(this.memory, this.control, this.name, this.address);
    return this.address;
  }

  get mtu(): number {
    const mtu = this.fd < 0 ? -1 : interfaceMtu(this.memory, this.control, this.name);
    if (mtu > 0) this.lastMtu = mtu;
    return this.lastMtu;
  }

  get linkUp(): boolean {
    return this.fd >= 0 && interfaceLinkUp(this.memory, this.control, this.name);
  }

  receive(batch: Packet[]): number {
    const { memory, calls, stats, fd } = this;
    let count = 0;
    while (count < BATCH_SIZE) {
      const length = calls.read(fd, memory.slotAddress(count), memory.slotLength);
      if (length === -EINTR) continue;
      if (length < VNET_HEADER_LENGTH) break;
      const packet = memory.aimAtSlot(count, length);
      readVnetHeader(memory.view, packet.start - VNET_HEADER_LENGTH, packet);
      stats.rxBytes += packet.length;
      batch[count++] = packet;
    }
    stats.rxPackets += count;
    return count;
  }

  send(batch: Packet[], count: number): number {
    const { stats } = this;
    let sent = 0;
    for (let i = 0; i < count; i++) {
      const packet = batch[i]!;
      if (this.sendOne(packet)) {
        sent++;
        stats.txBytes += packet.length;
      }
    }
    stats.txPackets += sent;
    return sent;
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
    this.calls.close(this.control);
    this.fd = -1;
  }

  private sendOne(packet: Packet): boolean {
    const { memory, calls, stats } = this;
    // The device itself would take it. The MTU is asked for again only here: it may have been raised.
    if (packet.gsoType === 0 && packet.length > this.lastMtu + FRAME_OVERHEAD) {
      if (packet.length > this.mtu + FRAME_OVERHEAD) {
        stats.txDropped++;
        return false;
      }
    }
    memory.clearStage();
    const start = memory.place(packet);
    if (start < 0) {
      stats.txErrors++;
      return false;
    }
    const header = start - VNET_HEADER_LENGTH;
    writeVnetHeader(memory.view, header, packet);
    for (;;) {
      const result = calls.write(this.fd, memory.address + header, packet.length + VNET_HEADER_LENGTH);
      if (result >= 0) return true;
      if (result === -EINTR) continue;
      // EIO: the interface is down, as when a cable is unplugged; EAGAIN: its queue is full.
      if (result === -EIO || result === -EAGAIN) stats.txDropped++;
      else stats.txErrors++;
      return false;
    }
  }
}
