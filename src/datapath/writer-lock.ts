/**
 * The writer lock of a flow table: one writer at a time, in whichever thread. Readers never take it.
 *
 * A mutex on one word of the arena: free, held, or held with somebody asleep. A writer spins for a short while, since
 * an insert takes microseconds, and then sleeps with `Atomics.wait`; where that is not allowed (the main thread of a
 * browser) it goes on spinning. The lock counts its holder's acquisitions, so that a batch of inserts can hold it
 * around the inserts, each of which takes it too. An arena that is not shared has one thread, and only the count.
 */
import { type Arena, H_LOCK } from './arena.ts';

const FREE = 0;
const HELD = 1;
const CONTENDED = 2;
const SPINS = 200;

export class WriterLock {
  private readonly words: Int32Array;
  private readonly shared: boolean;
  private depth = 0;

  constructor(arena: Arena) {
    this.words = arena.words;
    this.shared = arena.buffer instanceof SharedArrayBuffer;
  }

  /** Whether this thread holds the lock. */
  get held(): boolean {
    return this.depth > 0;
  }

  acquire(): void {
    if (this.depth++ > 0 || !this.shared) {
      return;
    }
    const words = this.words;
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.compareExchange(words, H_LOCK, FREE, HELD) === FREE) {
        return;
      }
    }
    while (Atomics.exchange(words, H_LOCK, CONTENDED) !== FREE) {
      sleep(words);
    }
  }

  release(): void {
    if (--this.depth > 0 || !this.shared) {
      return;
    }
    if (Atomics.exchange(this.words, H_LOCK, FREE) === CONTENDED) {
      Atomics.notify(this.words, H_LOCK, 1);
    }
  }
}

function sleep(words: Int32Array): void {
  try {
    Atomics.wait(words, H_LOCK, CONTENDED);
  } catch {
    // this thread may not block: spin
  }
}
