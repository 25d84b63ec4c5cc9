/**
 * The masks of a flow table: shared by their flows, counted, and in a list.
 *
 * The list is one block in the order of insertion. A mask that comes is written behind the last one; a mask that goes
 * leaves a hole, since closing it by moving another mask could hide that one from a reader in the middle of the list.
 * Holes vanish when the list is copied, which happens when it is full or half of it is holes.
 *
 * The list also knows with which words all its masks begin (recirc_id, in_port, often the addresses of Ethernet and the type).
 * A reader that has seen a longer beginning than a mask that comes then has, misses the flows of that mask: it might as well
 * have come a moment earlier.
 */
import type { FlowWords } from '../flow/index.ts';
import { type Arena, H_MASK_COUNT, H_MASK_INDEX, H_MASK_LIST, H_SEED } from './arena.ts';
import { type Epochs, RETIRED_BLOCK } from './epochs.ts';
import {
  hashWords,
  MASK_FLOWS,
  MASK_HASH,
  MASK_HITS,
  MASK_PAIR_BASE,
  MASK_PAIRS,
  MASK_POSITION,
  MASK_TABLE,
  type MaskRef,
  publish,
  unpackMask,
} from './flow-record.ts';
import { HashIndex } from './pair-table.ts';
import { createTagTable } from './tag-table.ts';

const LIST_CAPACITY = 0;
/** places in use, holes included */
export const LIST_LENGTH = 1;
/** pairs (an even number) with which all masks of the list begin: lookups hash these words once (mask-lookup.ts) */
export const LIST_SHARED = 2;
/** these pairs */
export const LIST_PAIRS = 4;
const MAX_SHARED = 8;
export const LIST_MASKS: number = LIST_PAIRS + 2 * MAX_SHARED;
const LIST_SMALLEST = 16;

/** Any number: masks are no secret, and the index of masks is not reached by packets. */
const MASK_SEED = 0x6d61736b;

export class MaskStore {
  private readonly arena: Arena;
  private readonly words: Int32Array;
  private readonly epochs: Epochs;
  private readonly index: HashIndex;

  constructor(arena: Arena, epochs: Epochs) {
    this.arena = arena;
    this.words = arena.words;
    this.epochs = epochs;
    this.index = new HashIndex(arena, epochs, H_MASK_INDEX);
  }

  get count(): number {
    return this.words[H_MASK_COUNT]!;
  }

  /** The mask with these pairs, or 0. */
  find(pairs: Int32Array, count: number): MaskRef {
    const words = this.words;
    const index = this.index;
    const table = index.table;
    const hash = hashWords(pairs, 0, 2 * count, MASK_SEED);
    for (let place = index.next(table, hash, 0); place !== 0; place = index.next(table, hash, place)) {
      const mask = index.recordAt(place);
      if (mask > 0 && words[mask + MASK_PAIRS] === count && samePairs(words, mask, pairs, count)) {
        return mask;
      }
    }
    return 0;
  }

  /** A new mask with these pairs and no flow yet, in the list and the index; 0 when there is no room. */
  create(pairs: Int32Array, count: number): MaskRef {
    const { arena, words } = this;
    const mask = arena.allocate(MASK_PAIR_BASE + 2 * count);
    if (mask === 0) {
      return 0;
    }
    const table = createTagTable(arena, 0, words[H_SEED]!);
    if (table === 0) {
      arena.release(mask);
      return 0;
    }
    const hash = hashWords(pairs, 0, 2 * count, MASK_SEED);
    words[mask + MASK_TABLE] = table;
    words[mask + MASK_PAIRS] = count;
    words[mask + MASK_FLOWS] = 0;
    arena.doubles[(mask + MASK_HITS) >> 1] = 0;
    words[mask + MASK_HASH] = hash;
    for (let word = 0; word < 2 * count; word++) {
      words[mask + MASK_PAIR_BASE + word] = pairs[word]!;
    }
    if (!this.reserveListPlace() || !this.index.insert(hash, mask)) {
      if (words[H_MASK_COUNT] === 0 && words[H_MASK_LIST] !== 0) {
        this.removeList();
      }
      arena.release(table);
      arena.release(mask);
      return 0;
    }
    const list = words[H_MASK_LIST]!;
    const position = words[list + LIST_LENGTH]!;
    words[mask + MASK_POSITION] = position;
    this.share(list, mask);
    publish(words, list + LIST_MASKS + position, mask);
    publish(words, list + LIST_LENGTH, position + 1);
    words[H_MASK_COUNT] = words[H_MASK_COUNT]! + 1;
    return mask;
  }

  /** Takes a mask without flows out of list and index; its memory waits for the readers. */
  remove(mask: MaskRef): void {
    const { words, epochs } = this;
    const list = words[H_MASK_LIST]!;
    const count = words[H_MASK_COUNT]! - 1;
    words[H_MASK_COUNT] = count;
    publish(words, list + LIST_MASKS + words[mask + MASK_POSITION]!, 0);
    let length = words[list + LIST_LENGTH]!;
    while (length > 0 && words[list + LIST_MASKS + length - 1] === 0) {
      length--;
    }
    publish(words, list + LIST_LENGTH, length);
    if (count === 0) {
      this.removeList();
    } else if (length > 2 * count && length > LIST_SMALLEST) {
      this.copyList();
    }
    this.index.remove(words[mask + MASK_HASH]!, mask);
    epochs.retire(words[mask + MASK_TABLE]!, RETIRED_BLOCK);
    epochs.retire(mask, RETIRED_BLOCK);
  }

  /** The masks in the order of the list. */
  list(): MaskRef[] {
    const words = this.words;
    const list = words[H_MASK_LIST]!;
    const masks: MaskRef[] = [];
    const length = list === 0 ? 0 : words[list + LIST_LENGTH]!;
    for (let position = 0; position < length; position++) {
      const mask = words[list + LIST_MASKS + position]!;
      if (mask !== 0) {
        masks.push(mask);
      }
    }
    return masks;
  }

  /** Puts masks with a higher rank first; equal ones keep their order. Without room the list stays as it is. */
  sort(rank: (mask: MaskRef) => number): void {
    const masks = this.list();
    if (masks.some((mask, position) => position > 0 && rank(mask) > rank(masks[position - 1]!))) {
      this.replaceList(masks.sort((a, b) => rank(b) - rank(a)));
    }
  }

  /** Writes the mask's words to `out`, all of it. */
  read(mask: MaskRef, out: FlowWords): void {
    out.fill(0);
    unpackMask(this.words, mask, out);
  }

  /** Shortens what all masks of the list begin with for one mask more, which readers must not see before. */
  private share(list: number, mask: MaskRef): void {
    const words = this.words;
    const before = words[list + LIST_SHARED]!;
    const most = Math.min(before < 0 ? MAX_SHARED : before, words[mask + MASK_PAIRS]!);
    let shared = 0;
    while (shared < most) {
      const at = list + LIST_PAIRS + 2 * shared;
      const pair = mask + MASK_PAIR_BASE + 2 * shared;
      if (before < 0) {
        words[at] = words[pair]!;
        words[at + 1] = words[pair + 1]!;
      } else if (words[at] !== words[pair] || words[at + 1] !== words[pair + 1]) {
        break;
      }
      shared++;
    }
    publish(words, list + LIST_SHARED, shared & ~1);
  }

  private reserveListPlace(): boolean {
    const words = this.words;
    const list = words[H_MASK_LIST]!;
    return (list !== 0 && words[list + LIST_LENGTH]! < words[list + LIST_CAPACITY]!) || this.copyList();
  }

  private copyList(): boolean {
    return this.replaceList(this.list());
  }

  private replaceList(masks: readonly MaskRef[]): boolean {
    const words = this.words;
    const capacity = Math.max(LIST_SMALLEST, 2 * masks.length);
    const list = this.arena.allocate(LIST_MASKS + capacity);
    if (list === 0) {
      return false;
    }
    words[list + LIST_CAPACITY] = capacity;
    words[list + LIST_LENGTH] = masks.length;
    words.fill(0, list + LIST_MASKS, list + LIST_MASKS + capacity);
    words[list + LIST_SHARED] = -1;
    for (const [position, mask] of masks.entries()) {
      this.share(list, mask);
      words[list + LIST_MASKS + position] = mask;
      words[mask + MASK_POSITION] = position;
    }
    const old = words[H_MASK_LIST]!;
    publish(words, H_MASK_LIST, list);
    if (old !== 0) {
      this.epochs.retire(old, RETIRED_BLOCK);
    }
    return true;
  }

  private removeList(): void {
    const list = this.words[H_MASK_LIST]!;
    publish(this.words, H_MASK_LIST, 0);
    this.epochs.retire(list, RETIRED_BLOCK);
  }
}

function samePairs(words: Int32Array, mask: MaskRef, pairs: Int32Array, count: number): boolean {
  for (let word = 0; word < 2 * count; word++) {
    if (words[mask + MASK_PAIR_BASE + word] !== pairs[word]) {
      return false;
    }
  }
  return true;
}
