/**
 * How many rules of a subtable have a given hash: the presence counters behind staged lookup.
 *
 * An open-addressed table of (hash, count) pairs in the classifier's arena, at most half full. Two values with one hash share a
 * counter: that only lets a lookup go on to its next stage, it never hides a rule.
 */
import type { WordArena } from './word-arena.ts';

const MINIMUM_SLOTS = 4;

/** Whether the table at `offset` with `slotMask + 1` slots has a count for `hash`. */
export function hasHash(words: Int32Array, offset: number, slotMask: number, hash: number): boolean {
  let slot = hash & slotMask;
  for (;;) {
    if (words[offset + 2 * slot + 1] === 0) {
      return false;
    }
    if (words[offset + 2 * slot] === hash) {
      return true;
    }
    slot = (slot + 1) & slotMask;
  }
}

/**
 * Frees a slot of an open-addressed table of (hash, value) pairs, value 0 = free, and moves those behind it that would no
 * longer be found.
 */
export function freeSlot(words: Int32Array, offset: number, slotMask: number, freed: number): void {
  let hole = freed;
  let slot = (hole + 1) & slotMask;
  while (words[offset + 2 * slot + 1] !== 0) {
    const home = words[offset + 2 * slot]! & slotMask;
    if (((slot - home) & slotMask) >= ((slot - hole) & slotMask)) {
      words[offset + 2 * hole] = words[offset + 2 * slot]!;
      words[offset + 2 * hole + 1] = words[offset + 2 * slot + 1]!;
      hole = slot;
    }
    slot = (slot + 1) & slotMask;
  }
  words[offset + 2 * hole + 1] = 0;
}

/** Moves all pairs of a table to one with another number of slots, frees the old one and returns the new offset. */
export function resizeSlots(arena: WordArena, offset: number, slots: number, newSlots: number): number {
  const moved = arena.allocate(2 * newSlots);
  const { words } = arena;
  for (let index = offset; index < offset + 2 * slots; index += 2) {
    if (words[index + 1] === 0) {
      continue;
    }
    let slot = words[index]! & (newSlots - 1);
    while (words[moved + 2 * slot + 1] !== 0) {
      slot = (slot + 1) & (newSlots - 1);
    }
    words[moved + 2 * slot] = words[index]!;
    words[moved + 2 * slot + 1] = words[index + 1]!;
  }
  arena.free(offset, 2 * slots);
  return moved;
}

export class HashCounts {
  offset: number;
  slotMask: number = MINIMUM_SLOTS - 1;
  readonly #arena: WordArena;
  #used = 0;

  constructor(arena: WordArena) {
    this.#arena = arena;
    this.offset = arena.allocate(2 * MINIMUM_SLOTS);
  }

  increment(hash: number): void {
    const { words } = this.#arena;
    const index = this.#find(hash);
    words[index] = hash;
    words[index + 1] = words[index + 1]! + 1;
    if (words[index + 1] === 1) {
      this.#used++;
      if (2 * this.#used > this.slotMask) {
        this.#resize(2 * (this.slotMask + 1));
      }
    }
  }

  decrement(hash: number): void {
    const { words } = this.#arena;
    const index = this.#find(hash);
    const count = words[index + 1]!;
    if (count > 1) {
      words[index + 1] = count - 1;
      return;
    }
    freeSlot(words, this.offset, this.slotMask, (index - this.offset) / 2);
    this.#used--;
    if (this.slotMask >= 2 * MINIMUM_SLOTS && 8 * this.#used < this.slotMask) {
      this.#resize((this.slotMask + 1) / 2);
    }
  }

  /** Gives its memory back. */
  release(): void {
    this.#arena.free(this.offset, 2 * (this.slotMask + 1));
  }

  /** The index of the pair that has the hash, or of the free one where it belongs. */
  #find(hash: number): number {
    const { words } = this.#arena;
    let slot = hash & this.slotMask;
    while (words[this.offset + 2 * slot + 1] !== 0 && words[this.offset + 2 * slot] !== hash) {
      slot = (slot + 1) & this.slotMask;
    }
    return this.offset + 2 * slot;
  }

  #resize(slots: number): void {
    this.offset = resizeSlots(this.#arena, this.offset, this.slotMask + 1, slots);
    this.slotMask = slots - 1;
  }
}
