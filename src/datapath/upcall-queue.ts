/**
 * The queue of upcalls: packets on their way from the data path to whoever translates them.
 *
 * Receive memory is used again for the next batch, and the key for the next packet, so an upcall holds copies. Its
 * objects are made once and used again: the queue is a ring of them, bounded, and a packet that finds it full is lost
 * and counted (`lost` of `ovs-appctl dpctl/show`).
 */
import { createFlow, type FlowWords } from '../flow/index.ts';
import { Packet } from '../wire/index.ts';

/** The packet matched no flow. */
export const UPCALL_MISS = 0;
/** A `userspace` action sent the packet up. */
export const UPCALL_ACTION = 1;

/** The most upcalls that a sink is given at a time. */
export const UPCALL_BATCH_SIZE = 64;

/** A packet sent up. All of it belongs to the queue and is valid until the sink returns; packet and key may be changed until then. */
export interface Upcall {
  /** UPCALL_MISS or UPCALL_ACTION */
  kind: number;
  readonly packet: Packet;
  /** the packet's headers and metadata */
  readonly key: FlowWords;
  /** of an UPCALL_ACTION, the code of the `userspace` action: `decodeActions(action, 0, actionLength)` */
  action: Int32Array;
  actionLength: number;
}

export class UpcallQueue {
  /** upcalls that found the queue full */
  lost: number;
  /** upcalls queued, by kind */
  misses: number;
  actions: number;
  readonly #limit: number;
  readonly #ring: Upcall[];
  readonly #batch: Upcall[];
  #head: number;
  #count: number;

  constructor(limit: number) {
    this.lost = 0;
    this.misses = 0;
    this.actions = 0;
    this.#limit = limit;
    this.#ring = [];
    this.#batch = [];
    this.#head = 0;
    this.#count = 0;
  }

  /** Upcalls that wait. */
  get length(): number {
    return this.#count;
  }

  /** Queues a copy of the first `maxLength` bytes of `packet`, of `key` and of the action at `at` of `code`. */
  push(kind: number, packet: Packet, key: FlowWords, code: Int32Array, at: number, maxLength: number): void {
    if (this.#count >= this.#limit) {
      this.lost++;
      return;
    }
    const upcall = this.#entry((this.#head + this.#count) % this.#limit);
    this.#count++;
    upcall.kind = kind;
    upcall.packet.copyFrom(packet);
    if (packet.length > maxLength) {
      upcall.packet.length = maxLength;
      upcall.packet.clearOffload();
    }
    upcall.key.set(key);
    if (kind === UPCALL_MISS) {
      this.misses++;
      upcall.actionLength = 0;
      return;
    }
    this.actions++;
    const words = code[at]! & 0xffff;
    if (upcall.action.length < words) {
      upcall.action = new Int32Array(words);
    }
    for (let word = 0; word < words; word++) {
      upcall.action[word] = code[at + word]!;
    }
    upcall.actionLength = words;
  }

  /** The oldest upcalls, at most UPCALL_BATCH_SIZE, in a list that is used again. They stay queued until `release`. */
  peek(): Upcall[] {
    const batch = this.#batch;
    batch.length = 0;
    const count = Math.min(this.#count, UPCALL_BATCH_SIZE);
    for (let index = 0; index < count; index++) {
      batch.push(this.#ring[(this.#head + index) % this.#limit]!);
    }
    return batch;
  }

  /** Forgets the `count` oldest upcalls. */
  release(count: number): void {
    this.#head = (this.#head + count) % this.#limit;
    this.#count -= count;
  }

  #entry(index: number): Upcall {
    // Entries come into use in the order of their places, so the next place is at most one beyond those that there are.
    if (index === this.#ring.length) {
      this.#ring.push({
        kind: UPCALL_MISS,
        packet: Packet.allocate(2048),
        key: createFlow(),
        action: new Int32Array(16),
        actionLength: 0,
      });
    }
    return this.#ring[index]!;
  }
}
