/**
 * A bounded queue of packet copies, for ports whose packets wait in JavaScript memory. Slots are allocated when first
 * used and then kept. What `take` hands out stays untouched until the next `take`: the ring has `BATCH_SIZE` slots more
 * than the queue may hold, so that packets queued meanwhile land elsewhere.
 */
import { Packet } from '../wire/index.ts';
import { BATCH_SIZE } from './netdev.ts';

/** Frame bytes that a fresh slot has room for: an untagged or tagged frame of an ordinary MTU. */
const SLOT_CAPACITY = 1522;

export class PacketQueue {
  private readonly slots: Packet[] = [];
  private readonly capacity: number;
  private readonly limit: number;
  private head = 0;
  private count = 0;

  constructor(limit: number) {
    this.limit = limit;
    this.capacity = limit + BATCH_SIZE;
  }

  get length(): number {
    return this.count;
  }

  /** Queues a copy of the packet with its metadata; false when the queue is full. */
  push(packet: Packet): boolean {
    const slot = this.reserve();
    if (slot === null) return false;
    slot.copyFrom(packet);
    return true;
  }

  /** Queues a copy of `frame` as a packet without offload metadata; false when the queue is full. */
  pushFrame(frame: Uint8Array): boolean {
    const slot = this.reserve();
    if (slot === null) return false;
    slot.reset(frame.length);
    slot.bytes.set(frame, slot.start);
    return true;
  }

  /** Moves up to `BATCH_SIZE` packets into `batch`. */
  take(batch: Packet[]): number {
    const taken = Math.min(this.count, BATCH_SIZE);
    let index = this.head;
    for (let i = 0; i < taken; i++) {
      batch[i] = this.slots[index]!;
      if (++index === this.capacity) index = 0;
    }
    this.head = index;
    this.count -= taken;
    return taken;
  }

  clear(): void {
    this.count = 0;
  }

  private reserve(): Packet | null {
    if (this.count === this.limit) return null;
    let index = this.head + this.count;
    if (index >= this.capacity) index -= this.capacity;
    this.count++;
    let slot = this.slots[index];
    if (slot === undefined) {
      slot = Packet.allocate(SLOT_CAPACITY);
      this.slots[index] = slot;
    }
    return slot;
  }
}
