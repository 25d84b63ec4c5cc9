/**
 * Pair tables: open addressing over pairs (hash, value), for the UFID and mask indexes and inside the nodes of the tree.
 *
 * With the hash beside the value a probe that finds another's entry touches nothing else, and a table grows without
 * looking at what it points to. A removed entry leaves a tombstone, whose hash stays: a place never changes
 * its hash while the table lives, so that a reader cannot pair one entry's hash with another's value. Tombstones go
 * when the table is copied.
 */
import type { Arena } from './arena.ts';
import { type Epochs, RETIRED_BLOCK } from './epochs.ts';
import { publish } from './flow-record.ts';

/** Value of a removed entry. */
export const TOMBSTONE = -1;

const INDEX_LAST = 0;
const INDEX_LIVE = 1;
/** entries and tombstones */
const INDEX_USED = 2;
const INDEX_PAIRS = 4;
const INDEX_SMALLEST = 16;

/** Where the first entry of this hash begins in the table of `last + 1` pairs at `base`, or the empty place where it would. */
export function findPair(words: Int32Array, base: number, last: number, hash: number): number {
  let place = hash & last;
  for (;;) {
    const at = base + 2 * place;
    if (words[at + 1] === 0 || words[at] === hash) {
      return at;
    }
    place = (place + 1) & last;
  }
}

/** Copies the live entries of one table of pairs into another, which is empty; returns how many. */
export function copyPairs(words: Int32Array, from: number, fromLast: number, to: number, toLast: number): number {
  let live = 0;
  for (let at = from; at <= from + 2 * fromLast; at += 2) {
    const value = words[at + 1]!;
    if (value !== 0 && value !== TOMBSTONE) {
      let place = words[at]! & toLast;
      while (words[to + 2 * place + 1] !== 0) {
        place = (place + 1) & toLast;
      }
      words[to + 2 * place] = words[at]!;
      words[to + 2 * place + 1] = value;
      live++;
    }
  }
  return live;
}

/**
 * An index of records by hash: the caller compares the records. Its place in the arena is kept in a header word.
 */
export class HashIndex {
  private readonly arena: Arena;
  private readonly words: Int32Array;
  private readonly epochs: Epochs;
  private readonly header: number;

  constructor(arena: Arena, epochs: Epochs, header: number) {
    this.arena = arena;
    this.words = arena.words;
    this.epochs = epochs;
    this.header = header;
  }

  /** The table to walk with `next`, 0 when it is empty. Take it once per walk. */
  get table(): number {
    return this.words[this.header]!;
  }

  /** The first place of this hash at or after `at` (0: from the beginning), 0 when there is none. */
  next(table: number, hash: number, at: number): number {
    const words = this.words;
    if (table === 0) {
      return 0;
    }
    const last = words[table + INDEX_LAST]!;
    let place = at === 0 ? hash & last : ((at - table - INDEX_PAIRS) / 2 + 1) & last;
    for (;;) {
      const pair = table + INDEX_PAIRS + 2 * place;
      const value = words[pair + 1]!;
      if (value === 0) {
        return 0;
      }
      if (words[pair] === hash && value !== TOMBSTONE) {
        return pair;
      }
      place = (place + 1) & last;
    }
  }

  /** The record at a place; `TOMBSTONE` if it was removed meanwhile. */
  recordAt(place: number): number {
    return this.words[place + 1]!;
  }

  /** False when there is no room. */
  insert(hash: number, record: number): boolean {
    const words = this.words;
    let table = words[this.header]!;
    if (table === 0 || (words[table + INDEX_USED]! + 1) * 4 > (words[table + INDEX_LAST]! + 1) * 3) {
      if (!this.grow(table) && (table === 0 || words[table + INDEX_USED]! >= words[table + INDEX_LAST]!)) {
        return false;
      }
      table = words[this.header]!;
    }
    const last = words[table + INDEX_LAST]!;
    let place = hash & last;
    while (words[table + INDEX_PAIRS + 2 * place + 1] !== 0) {
      place = (place + 1) & last;
    }
    words[table + INDEX_PAIRS + 2 * place] = hash;
    publish(words, table + INDEX_PAIRS + 2 * place + 1, record);
    words[table + INDEX_LIVE] = words[table + INDEX_LIVE]! + 1;
    words[table + INDEX_USED] = words[table + INDEX_USED]! + 1;
    return true;
  }

  remove(hash: number, record: number): void {
    const words = this.words;
    const table = words[this.header]!;
    for (let place = this.next(table, hash, 0); place !== 0; place = this.next(table, hash, place)) {
      if (words[place + 1] === record) {
        publish(words, place + 1, TOMBSTONE);
        const live = words[table + INDEX_LIVE]! - 1;
        words[table + INDEX_LIVE] = live;
        if (live === 0) {
          this.clear();
        }
        return;
      }
    }
  }

  clear(): void {
    const table = this.words[this.header]!;
    if (table !== 0) {
      publish(this.words, this.header, 0);
      this.epochs.retire(table, RETIRED_BLOCK);
    }
  }

  private grow(old: number): boolean {
    const words = this.words;
    const live = old === 0 ? 0 : words[old + INDEX_LIVE]!;
    let size = INDEX_SMALLEST;
    while (size < 2 * (live + 1)) {
      size *= 2;
    }
    const table = this.arena.allocate(INDEX_PAIRS + 2 * size);
    if (table === 0) {
      return false;
    }
    words.fill(0, table, table + INDEX_PAIRS + 2 * size);
    words[table + INDEX_LAST] = size - 1;
    words[table + INDEX_LIVE] = live;
    words[table + INDEX_USED] = live;
    if (old !== 0) {
      copyPairs(words, old + INDEX_PAIRS, words[old + INDEX_LAST]!, table + INDEX_PAIRS, size - 1);
    }
    publish(words, this.header, table);
    if (old !== 0) {
      this.epochs.retire(old, RETIRED_BLOCK);
    }
    return true;
  }
}
