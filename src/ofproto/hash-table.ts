/**
 * Open-addressed tables of (hash, value) pairs in the classifier's arena, value 0 = free, at most half full.
 *
 * Each table has a filter in front: for every two slots one word with a bit for each hash whose home they are. Most
 * lookups of a classifier miss, and a filter is a tenth of its table: the miss costs one load, which mostly is in the
 * first-level cache, and no walk to a free slot whose length no branch predictor can know.
 */
import type { WordArena } from './word-arena.ts';

const MINIMUM_SLOTS = 4;
/** binary logarithm of the slots per word of the filter */
const FILTER_SLOT_BITS = 1;
/** the filter's bit for a hash is its top bits, the slot its low ones */
const FILTER_BIT_SHIFT = 27;

export class HashTable {
  /** offset in the arena of the pairs */
  offset: number;
  /** offset in the arena of the filter */
  filter: number;
  /** number of slots, less 1 */
  slotMask: number = MINIMUM_SLOTS - 1;
  readonly #arena: WordArena;
  #used = 0;

  constructor(arena: WordArena) {
    this.#arena = arena;
    this.offset = arena.allocate(2 * MINIMUM_SLOTS);
    this.filter = arena.allocate(MINIMUM_SLOTS >>> FILTER_SLOT_BITS);
  }

  /**
   * Adds to the value of a hash that occurs once, from 0 if it is not in the table, and forgets it when it becomes 0; the
   * new value.
   */
  add(hash: number, value: number): number {
    const { words } = this.#arena;
    let pair = this.offset + 2 * (hash & this.slotMask);
    while (words[pair + 1] !== 0 && words[pair] !== hash) {
      pair = this.next(pair);
    }
    const sum = (words[pair + 1]! + value) | 0;
    if (words[pair + 1] === 0) {
      this.fill(pair, hash, sum);
    } else if (sum === 0) {
      this.clear(pair);
    } else {
      words[pair + 1] = sum;
    }
    return sum;
  }

  /** The index in the arena of the pair in the slot after that of the pair at `pair`. */
  next(pair: number): number {
    const following = pair + 2;
    return following > this.offset + 2 * this.slotMask ? this.offset : following;
  }

  /** Puts a hash with its value in the free pair where a search for it ended. */
  fill(pair: number, hash: number, value: number): void {
    const { words } = this.#arena;
    words[pair] = hash;
    words[pair + 1] = value;
    addToFilter(words, this.filter, this.slotMask, hash);
    this.#used++;
    if (2 * this.#used > this.slotMask) {
      this.#resize(2 * (this.slotMask + 1));
    }
  }

  /** Frees a pair and moves those behind it that would no longer be found. */
  clear(pair: number): void {
    const { words } = this.#arena;
    const { offset, slotMask } = this;
    const home = words[pair]! & slotMask;
    let hole = (pair - offset) >>> 1;
    let slot = (hole + 1) & slotMask;
    while (words[offset + 2 * slot + 1] !== 0) {
      const slotHome = words[offset + 2 * slot]! & slotMask;
      if (((slot - slotHome) & slotMask) >= ((slot - hole) & slotMask)) {
        words[offset + 2 * hole] = words[offset + 2 * slot]!;
        words[offset + 2 * hole + 1] = words[offset + 2 * slot + 1]!;
        hole = slot;
      }
      slot = (slot + 1) & slotMask;
    }
    words[offset + 2 * hole + 1] = 0;
    this.#used--;
    if (slotMask >= 2 * MINIMUM_SLOTS && 8 * this.#used < slotMask) {
      this.#resize((slotMask + 1) / 2);
    } else {
      this.#rewriteFilter(home);
    }
  }

  /** Gives its memory back. */
  release(): void {
    this.#arena.free(this.offset, 2 * (this.slotMask + 1));
    this.#arena.free(this.filter, (this.slotMask + 1) >>> FILTER_SLOT_BITS);
  }

  /** Writes anew the word of the filter for the slot `home`, of whose hashes one went. */
  #rewriteFilter(home: number): void {
    const { words } = this.#arena;
    const { offset, slotMask } = this;
    const index = home >>> FILTER_SLOT_BITS;
    const first = index << FILTER_SLOT_BITS;
    const last = first + (1 << FILTER_SLOT_BITS) - 1;
    let bits = 0;
    // Hashes of these homes lie in them or in the run of used slots behind them.
    for (let slot = first; slot <= last || words[offset + 2 * (slot & slotMask) + 1] !== 0; slot++) {
      const pair = offset + 2 * (slot & slotMask);
      const hash = words[pair]!;
      if (words[pair + 1] !== 0 && (hash & slotMask) >>> FILTER_SLOT_BITS === index) {
        bits |= 1 << (hash >>> FILTER_BIT_SHIFT);
      }
    }
    words[this.filter + index] = bits;
  }

  #resize(slots: number): void {
    const pairs = this.#arena.allocate(2 * slots);
    const filter = this.#arena.allocate(slots >>> FILTER_SLOT_BITS);
    const { words } = this.#arena;
    const slotMask = slots - 1;
    const end = this.offset + 2 * (this.slotMask + 1);
    for (let pair = this.offset; pair < end; pair += 2) {
      const hash = words[pair]!;
      const value = words[pair + 1]!;
      if (value === 0) {
        continue;
      }
      let slot = hash & slotMask;
      while (words[pairs + 2 * slot + 1] !== 0) {
        slot = (slot + 1) & slotMask;
      }
      words[pairs + 2 * slot] = hash;
      words[pairs + 2 * slot + 1] = value;
      addToFilter(words, filter, slotMask, hash);
    }
    this.release();
    this.offset = pairs;
    this.filter = filter;
    this.slotMask = slotMask;
  }
}

/** Whether a table may have the hash; if not, it has not. */
export function mayHaveHash(words: Int32Array, filter: number, slotMask: number, hash: number): boolean {
  const word = words[filter + ((hash & slotMask) >>> FILTER_SLOT_BITS)]!;
  return ((word >>> (hash >>> FILTER_BIT_SHIFT)) & 1) !== 0;
}

/** The value of a hash that occurs once, or 0. */
export function hashValue(words: Int32Array, offset: number, slotMask: number, hash: number): number {
  let slot = hash & slotMask;
  for (;;) {
    const value = words[offset + 2 * slot + 1]!;
    if (value === 0 || words[offset + 2 * slot] === hash) {
      return value;
    }
    slot = (slot + 1) & slotMask;
  }
}

function addToFilter(words: Int32Array, filter: number, slotMask: number, hash: number): void {
  const index = filter + ((hash & slotMask) >>> FILTER_SLOT_BITS);
  words[index] = words[index]! | (1 << (hash >>> FILTER_BIT_SHIFT));
}
