/**
 * Deferred reclamation: memory that readers may still look at is given back when all of them have passed on.
 *
 * Readers hold no lock. A thread that looks flows up says now and then (after each batch of packets) that it holds no
 * reference: `quiesce`. A writer that takes a block out of the table *retires* it: the block joins a list, and the
 * epoch, a counter, moves on by one. A thread that has seen the later epoch has been quiescent after the block was
 * unreachable. So a batch of retired blocks is free once every present thread's epoch is beyond that of its last block.
 *
 * There are two lists: blocks retired now, and the batch that waits. The batch that waits is not added to, or it would
 * never be over. The lists run through the link word in front of each block's payload, so that retiring needs no memory
 * and cannot fail when the arena is full. Epochs are compared by the sign of their difference and may wrap.
 */
import {
  type Arena,
  H_DEFERRED,
  H_EPOCH,
  H_RETIRED,
  H_RETIRED_EPOCH,
  H_THREADS,
  H_WAITING,
  H_WAITING_EPOCH,
  T_EPOCH,
  T_ONLINE,
  THREAD_LINE_WORDS,
  THREAD_LINES,
} from './arena.ts';

/** Distance of a block's link word from its payload. */
const LINK = -1;
const KIND_MASK = 3;

/** Kind of a retired block: nothing but memory. */
export const RETIRED_BLOCK = 0;
/** Kind of a retired block: a flow record, whose slot is free when the block is. */
export const RETIRED_FLOW = 1;

export class Epochs {
  private readonly arena: Arena;
  private readonly words: Int32Array;
  private readonly line: number;
  private readonly releaseFlow: (offset: number) => void;

  /** `releaseFlow` is told of each flow record just before its memory goes. */
  constructor(arena: Arena, thread: number, releaseFlow: (offset: number) => void) {
    this.arena = arena;
    this.words = arena.words;
    this.line = THREAD_LINES + thread * THREAD_LINE_WORDS;
    this.releaseFlow = releaseFlow;
  }

  /** This thread holds no reference into the table now. Makes it present if it was not. */
  quiesce(): void {
    const words = this.words;
    Atomics.store(words, this.line + T_EPOCH, Atomics.load(words, H_EPOCH));
    if (words[this.line + T_ONLINE] === 0) {
      Atomics.store(words, this.line + T_ONLINE, 1);
    }
  }

  /** This thread holds no reference and takes none before its next `quiesce`: nobody waits for it. */
  leave(): void {
    Atomics.store(this.words, this.line + T_ONLINE, 0);
  }

  /** Takes charge of a block that no new reader can reach any more. For the writer. */
  retire(offset: number, kind: number): void {
    const words = this.words;
    words[offset + LINK] = words[H_RETIRED]! | kind;
    words[H_RETIRED] = offset;
    words[H_DEFERRED] = words[H_DEFERRED]! + 1;
    const epoch = words[H_EPOCH]!;
    words[H_RETIRED_EPOCH] = epoch;
    Atomics.store(words, H_EPOCH, (epoch + 1) | 0);
  }

  /** Blocks that wait for readers. */
  get deferred(): number {
    return this.words[H_DEFERRED]!;
  }

  /** Gives back what all present threads have passed; returns how many blocks. For the writer. */
  reclaim(): number {
    const words = this.words;
    let released = this.releaseWaiting();
    if (words[H_WAITING] === 0 && words[H_RETIRED] !== 0) {
      words[H_WAITING] = words[H_RETIRED]!;
      words[H_WAITING_EPOCH] = words[H_RETIRED_EPOCH]!;
      words[H_RETIRED] = 0;
      released += this.releaseWaiting();
    }
    return released;
  }

  private releaseWaiting(): number {
    const words = this.words;
    let offset = words[H_WAITING]!;
    if (offset === 0 || !this.passed(words[H_WAITING_EPOCH]!)) {
      return 0;
    }
    let released = 0;
    while (offset !== 0) {
      const link = words[offset + LINK]!;
      if ((link & KIND_MASK) === RETIRED_FLOW) {
        this.releaseFlow(offset);
      }
      this.arena.release(offset);
      released++;
      offset = link & ~KIND_MASK;
    }
    words[H_WAITING] = 0;
    words[H_DEFERRED] = words[H_DEFERRED]! - released;
    return released;
  }

  private passed(epoch: number): boolean {
    const words = this.words;
    const end = THREAD_LINES + words[H_THREADS]! * THREAD_LINE_WORDS;
    for (let line = THREAD_LINES; line < end; line += THREAD_LINE_WORDS) {
      if (Atomics.load(words, line + T_ONLINE) === 1 && ((Atomics.load(words, line + T_EPOCH) - epoch) | 0) <= 0) {
        return false;
      }
    }
    return true;
  }
}
