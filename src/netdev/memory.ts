/**
 * A port without a wire: the program that embeds the switch injects packets and takes what the switch sent. Both
 * directions are bounded queues, so that a program that never looks cannot run out of memory.
 */
import type { Packet } from '../wire/index.ts';
import type { Netdev, NetdevStats } from './netdev.ts';
import { PacketQueue } from './packet-queue.ts';
import { toPlainFrames } from './plain-frames.ts';
import { addressFromName, createStats, DEFAULT_MTU, DEFAULT_QUEUE_LIMIT } from './stats.ts';

export interface MemoryNetdevOptions {
  /** six bytes; default made from the name */
  etherAddress?: Uint8Array;
  /** default 1500; told to who asks, not enforced */
  mtu?: number;
  /** packets that wait at most, in each direction; default 1000 */
  queueLimit?: number;
  /**
   * Called with every frame that the switch sends, instead of keeping a copy for `drain`. The frame is valid during the
   * call only. The callback may inject into any port.
   */
  onSend?: (frame: Uint8Array) => void;
}

export class MemoryNetdev implements Netdev {
  readonly name: string;
  readonly type = 'memory';
  readonly isExternal = false;
  readonly etherAddress: Uint8Array;
  readonly mtu: number;
  readonly stats: NetdevStats;
  /** Set it to take the link down: nothing is received or sent then, and what is tried counts as dropped. */
  linkUp = true;

  private readonly queue: PacketQueue;
  private readonly queueLimit: number;
  private readonly onSend: ((frame: Uint8Array) => void) | null;
  private sent: Uint8Array[] = [];
  private listener: (() => void) | null = null;
  private closed = false;

  constructor(name: string, options: MemoryNetdevOptions = {}) {
    this.name = name;
    this.etherAddress = options.etherAddress ?? addressFromName(name);
    this.mtu = options.mtu ?? DEFAULT_MTU;
    this.queueLimit = options.queueLimit ?? DEFAULT_QUEUE_LIMIT;
    this.queue = new PacketQueue(this.queueLimit);
    this.onSend = options.onSend ?? null;
    this.stats = createStats();
  }

  /** How many injected packets the switch has not received yet. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Lets the switch receive a copy of this frame, or of this packet with its offload metadata. False when it was dropped. */
  inject(frame: Uint8Array | Packet): boolean {
    const isQueued =
      !this.closed &&
      this.linkUp &&
      (frame instanceof Uint8Array ? this.queue.pushFrame(frame) : this.queue.push(frame));
    if (!isQueued) {
      this.stats.rxDropped++;
      return false;
    }
    this.stats.rxPackets++;
    this.stats.rxBytes += frame.length;
    this.listener?.();
    return true;
  }

  /** Takes what the switch has sent since the last call, oldest first; each frame is a copy. Counts are in `stats`. */
  drain(): Uint8Array[] {
    const { sent } = this;
    this.sent = [];
    return sent;
  }

  receive(batch: Packet[]): number {
    return this.queue.take(batch);
  }

  send(batch: Packet[], count: number): number {
    let sent = 0;
    for (let i = 0; i < count; i++) if (this.sendOne(batch[i]!)) sent++;
    return sent;
  }

  setReadableListener(listener: (() => void) | null): void {
    this.listener = listener;
    if (listener !== null && this.queue.length > 0) listener();
  }

  close(): void {
    this.closed = true;
    this.listener = null;
    this.queue.clear();
  }

  private sendOne(packet: Packet): boolean {
    const { stats } = this;
    if (this.closed || !this.linkUp) {
      stats.txDropped++;
      return false;
    }
    const frames = toPlainFrames(packet);
    if (frames === null) {
      stats.txErrors++;
      return false;
    }
    let isWhole = true;
    for (const frame of frames) {
      if (this.onSend !== null) this.onSend(frame);
      else if (this.sent.length < this.queueLimit) this.sent.push(frame.slice());
      else {
        stats.txDropped++;
        isWhole = false;
        continue;
      }
      stats.txPackets++;
      stats.txBytes += frame.length;
    }
    return isWhole;
  }
}
