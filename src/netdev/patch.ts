/**
 * Two ports joined back to back: what one sends the other receives. Joins two switches in one process. (Patch ports
 * between bridges of one datapath never get here: translation follows them.)
 */
import type { Packet } from '../wire/index.ts';
import type { Netdev, NetdevStats } from './netdev.ts';
import { PacketQueue } from './packet-queue.ts';
import { addressFromName, createStats, DEFAULT_MTU, DEFAULT_QUEUE_LIMIT } from './stats.ts';

export interface PatchOptions {
  /** default 1500 */
  mtu?: number;
  /** packets that wait at most at each end; default 1000 */
  queueLimit?: number;
}

/** Makes both ends of a patch. When one is closed the other has its link down. */
export function createPatchPair(firstName: string, secondName: string, options: PatchOptions = {}): [Netdev, Netdev] {
  const first = new PatchNetdev(firstName, options);
  const second = new PatchNetdev(secondName, options);
  first.peer = second;
  second.peer = first;
  return [first, second];
}

class PatchNetdev implements Netdev {
  readonly name: string;
  readonly type = 'patch';
  readonly isExternal = false;
  readonly etherAddress: Uint8Array;
  readonly mtu: number;
  readonly stats: NetdevStats;
  peer: PatchNetdev | null = null;

  private readonly queue: PacketQueue;
  private listener: (() => void) | null = null;

  constructor(name: string, options: PatchOptions) {
    this.name = name;
    this.etherAddress = addressFromName(name);
    this.mtu = options.mtu ?? DEFAULT_MTU;
    this.stats = createStats();
    this.queue = new PacketQueue(options.queueLimit ?? DEFAULT_QUEUE_LIMIT);
  }

  get linkUp(): boolean {
    return this.peer !== null;
  }

  receive(batch: Packet[]): number {
    return this.queue.take(batch);
  }

  send(batch: Packet[], count: number): number {
    const { peer, stats } = this;
    if (peer === null) {
      stats.txDropped += count;
      return 0;
    }
    let sent = 0;
    for (let i = 0; i < count; i++) {
      const packet = batch[i]!;
      // Offload metadata goes along: the checksum is completed where the packet leaves the process.
      if (peer.queue.push(packet)) {
        sent++;
        stats.txPackets++;
        stats.txBytes += packet.length;
        peer.stats.rxPackets++;
        peer.stats.rxBytes += packet.length;
      } else {
        stats.txDropped++;
        peer.stats.rxDropped++;
      }
    }
    if (sent > 0) peer.listener?.();
    return sent;
  }

  setReadableListener(listener: (() => void) | null): void {
    this.listener = listener;
    if (listener !== null && this.queue.length > 0) listener();
  }

  close(): void {
    if (this.peer !== null) {
      this.peer.peer = null;
      this.peer = null;
    }
    this.listener = null;
    this.queue.clear();
  }
}
