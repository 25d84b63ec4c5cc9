/**
 * Slots: a small dense number for each flow, its place in the statistics and in dumps.
 *
 * A dump walks the slots upward. A flow keeps its slot for life, whatever happens to tables and tree meanwhile; so a
 * cursor is one number, and a flow that exists for the whole dump is seen exactly once. The slot of a removed flow is empty
 * at once but given to another flow only when all readers have passed, since they may still credit its statistics.
 */
import { type Arena, H_MAX_FLOWS, H_SLOT_FREE, H_SLOT_HIGH, H_SLOTS } from './arena.ts';
import { type FlowRef, publish } from './flow-record.ts';

export class FlowSlots {
  private readonly words: Int32Array;
  private readonly base: number;

  constructor(arena: Arena) {
    this.words = arena.words;
    this.base = this.words[H_SLOTS]!;
  }

  /** A slot for a new flow, -1 when all are taken. */
  allocate(): number {
    const words = this.words;
    const free = words[H_SLOT_FREE]!;
    if (free !== 0) {
      // the free list runs through the slots, as negative numbers of the next slot plus one
      words[H_SLOT_FREE] = -words[this.base + free - 1]!;
      words[this.base + free - 1] = 0;
      return free - 1;
    }
    const high = words[H_SLOT_HIGH]!;
    if (high >= words[H_MAX_FLOWS]!) {
      return -1;
    }
    publish(words, H_SLOT_HIGH, high + 1);
    return high;
  }

  /** Shows the flow to dumps. */
  fill(slot: number, flow: FlowRef): void {
    publish(this.words, this.base + slot, flow);
  }

  /** Hides the flow from dumps; the slot is not free yet. */
  empty(slot: number): void {
    publish(this.words, this.base + slot, 0);
  }

  /** Gives an empty slot back. */
  release(slot: number): void {
    const words = this.words;
    words[this.base + slot] = -words[H_SLOT_FREE]!;
    words[H_SLOT_FREE] = slot + 1;
  }

  /** The flow in a slot, 0 if there is none. */
  flowAt(slot: number): FlowRef {
    const flow = this.words[this.base + slot]!;
    return Math.max(flow, 0);
  }

  /** Slots up to which flows may be. */
  get high(): number {
    return this.words[H_SLOT_HIGH]!;
  }
}
