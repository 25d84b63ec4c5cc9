/**
 * The arena: one fixed-length buffer of int32 words in which a flow table lives whole.
 *
 * Why. Threads share a flow table by sharing its buffer, and a V8 heap object cannot be shared. One buffer also means
 * no garbage: nothing that the table does allocates on the heap. The length is fixed because a resizable buffer reads
 * at half the speed; the maximum is reserved at once, and the system commits pages as they are touched.
 *
 * How. Offsets count words, and 0 is "none". The header holds what the modules of the table keep between calls (each
 * name below says whose it is); then come the threads' lines, the fixed areas (slots and statistics), and the heap. The heap is a
 * two-level segregated fit: lists of free blocks by size class, eight classes to a power of two, found by two bit maps,
 * so that allocating and releasing take constant time; neighbours coalesce through boundary tags, so that an emptied
 * heap is one block again. A block is two words of header (size and flags; a link that belongs to epochs.ts while the
 * block waits for its readers) and its payload, which begins at a multiple of four words: two bits of every offset are free for tags.
 *
 * Allocating and releasing are for the writer only (writer-lock.ts).
 */

const MAGIC = 0x6d666c77;

const H_MAGIC = 1;
export const H_MAX_FLOWS = 2;
export const H_THREADS = 3;
/** words where the fixed areas of slots.ts and flow-statistics.ts begin */
export const H_SLOTS = 4;
export const H_LINES = 5;
const H_HEAP_USED = 6;
const H_HEAP_SIZE = 7;
/** 1 when the tree is kept beside the mask list */
export const H_HAS_TREE = 8;
/** tagged offset of the tree's root (hash-tree.ts) */
export const H_TREE_ROOT = 9;
/** mask list and index of masks by content (mask-store.ts) */
export const H_MASK_LIST = 10;
export const H_MASK_INDEX = 11;
export const H_MASK_COUNT = 12;
/** flows by UFID (flow-table.ts) */
export const H_UFID_INDEX = 13;
export const H_FLOW_COUNT = 14;
/** seed of the tables and tree nodes made from now on */
export const H_SEED = 15;
export const H_SLOT_FREE = 16;
export const H_SLOT_HIGH = 17;
/** a double: when the tables are to be seeded anew */
export const H_REHASH_AT = 18;
/** a double: when the mask list is to be sorted */
export const H_SORT_AT = 20;
/** epochs.ts: on a line of its own, since every thread reads it */
export const H_EPOCH = 32;
export const H_RETIRED = 48;
export const H_RETIRED_EPOCH = 49;
export const H_WAITING = 50;
export const H_WAITING_EPOCH = 51;
export const H_DEFERRED = 52;
/** writer-lock.ts */
export const H_LOCK = 64;

const SECOND_LEVEL_BITS = 3;
const SECOND_LEVEL = 1 << SECOND_LEVEL_BITS;
const FIRST_LEVELS = 26;
const H_FIRST_MAP = 80;
const H_SECOND_MAPS = 81;
const H_FREE_LISTS = 112;
const HEADER_WORDS = H_FREE_LISTS + FIRST_LEVELS * SECOND_LEVEL;

/** One cache line per thread, after the header: epoch, presence, and counters as doubles. */
export const THREAD_LINES = 320;
export const THREAD_LINE_WORDS = 16;
export const T_EPOCH = 0;
export const T_ONLINE = 1;
/** index of the first counter of a thread's line, in doubles from the line's beginning */
export const T_COUNTERS = 2;

const BLOCK_FREE = 1;
const BLOCK_PREVIOUS_FREE = 2;
const SIZE_MASK = ~3;
const BLOCK_HEADER = 2;
const SMALLEST_BLOCK = 4;

export interface ArenaOptions {
  /** words for everything but the fixed areas */
  heapWords: number;
  maxFlows: number;
  threads: number;
  /** words per slot and thread to reserve for statistics */
  lineWords: number;
  shared: boolean;
}

export class Arena {
  readonly buffer: ArrayBufferLike;
  readonly words: Int32Array;
  /** the same memory: the double at index i lies on words 2i and 2i + 1 */
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;

  constructor(buffer: ArrayBufferLike) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** Words of the heap in use, block headers included; 0 when everything was released. */
  get usedWords(): number {
    return this.words[H_HEAP_USED]!;
  }

  /** Words of the heap. */
  get heapWords(): number {
    return this.words[H_HEAP_SIZE]!;
  }

  /** Offset of a payload of at least `count` words, a multiple of four; 0 when there is no room. The words are not cleared. */
  allocate(count: number): number {
    const words = this.words;
    const size = blockSize(count);
    const found = findFreeBlock(words, size);
    if (found === 0) {
      return 0;
    }
    const available = words[found]! & SIZE_MASK;
    unlinkFreeBlock(words, found, available);
    let taken = available;
    if (available - size >= SMALLEST_BLOCK) {
      taken = size;
      linkFreeBlock(words, found + size, available - size, 0);
    } else {
      words[found + available] = words[found + available]! & ~BLOCK_PREVIOUS_FREE;
    }
    words[found] = taken | (words[found]! & BLOCK_PREVIOUS_FREE);
    words[H_HEAP_USED] = words[H_HEAP_USED]! + taken;
    return found + BLOCK_HEADER;
  }

  /** Gives a payload back at once: for blocks that no reader can have seen, or that all have passed. */
  release(offset: number): void {
    const words = this.words;
    let block = offset - BLOCK_HEADER;
    const header = words[block]!;
    let size = header & SIZE_MASK;
    words[H_HEAP_USED] = words[H_HEAP_USED]! - size;
    const next = block + size;
    const nextHeader = words[next]!;
    if ((nextHeader & BLOCK_FREE) !== 0) {
      unlinkFreeBlock(words, next, nextHeader & SIZE_MASK);
      size += nextHeader & SIZE_MASK;
    }
    if ((header & BLOCK_PREVIOUS_FREE) !== 0) {
      const previousSize = words[block - 1]!;
      block -= previousSize;
      unlinkFreeBlock(words, block, previousSize);
      size += previousSize;
    }
    linkFreeBlock(words, block, size, words[block]! & BLOCK_PREVIOUS_FREE);
  }
}

/** A new arena with an empty heap. */
export function createArena(options: ArenaOptions): Arena {
  const { maxFlows, threads, lineWords } = options;
  const slots = THREAD_LINES + threads * THREAD_LINE_WORDS;
  const lines = alignUp(slots + maxFlows, THREAD_LINE_WORDS);
  // a payload lies at a multiple of four, its block two words before it
  const heap = alignUp(lines + maxFlows * threads * lineWords, 4) + 2;
  const total = heap + alignUp(options.heapWords, 4) + 2;
  const byteLength = total * 4;
  const arena = new Arena(options.shared ? new SharedArrayBuffer(byteLength) : new ArrayBuffer(byteLength));
  const words = arena.words;
  words[H_MAGIC] = MAGIC;
  words[H_MAX_FLOWS] = maxFlows;
  words[H_THREADS] = threads;
  words[H_SLOTS] = slots;
  words[H_LINES] = lines;
  const size = total - 2 - heap;
  words[H_HEAP_SIZE] = size;
  // the word after the heap is a block of no size, always in use: where coalescing stops
  words[heap + size] = 0;
  linkFreeBlock(words, heap, size, 0);
  return arena;
}

/** The arena in a buffer that another thread made; throws when it is none. */
export function attachArena(buffer: ArrayBufferLike): Arena {
  const arena = new Arena(buffer);
  if (arena.words.length < HEADER_WORDS || arena.words[H_MAGIC] !== MAGIC) {
    throw new TypeError('the buffer holds no flow table');
  }
  return arena;
}

function alignUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

function blockSize(count: number): number {
  return Math.max(SMALLEST_BLOCK, (count + BLOCK_HEADER + 3) & SIZE_MASK);
}

/** Number of the size class that holds blocks of `size` words. */
function classOf(size: number): number {
  const units = size >> 2;
  if (units < SECOND_LEVEL) {
    return units;
  }
  const shift = 31 - Math.clz32(units) - SECOND_LEVEL_BITS;
  return ((shift + 1) << SECOND_LEVEL_BITS) | ((units >> shift) & (SECOND_LEVEL - 1));
}

/** A free block of `size` words or more, of the smallest class of which every block is large enough; 0 when there is none. */
function findFreeBlock(words: Int32Array, size: number): number {
  let units = size >> 2;
  if (units >= SECOND_LEVEL) {
    units += (1 << (31 - Math.clz32(units) - SECOND_LEVEL_BITS)) - 1;
  }
  const wanted = classOf(units << 2);
  let first = wanted >> SECOND_LEVEL_BITS;
  if (first >= FIRST_LEVELS) {
    return 0;
  }
  let map = words[H_SECOND_MAPS + first]! & (-1 << (wanted & (SECOND_LEVEL - 1)));
  if (map === 0) {
    const firstMap = words[H_FIRST_MAP]! & (-2 << first);
    if (firstMap === 0) {
      return 0;
    }
    first = lowestBit(firstMap);
    map = words[H_SECOND_MAPS + first]!;
  }
  return words[H_FREE_LISTS + (first << SECOND_LEVEL_BITS) + lowestBit(map)]!;
}

function lowestBit(map: number): number {
  return 31 - Math.clz32(map & -map);
}

function linkFreeBlock(words: Int32Array, block: number, size: number, flags: number): void {
  const sizeClass = classOf(size);
  const head = words[H_FREE_LISTS + sizeClass]!;
  words[block] = size | BLOCK_FREE | flags;
  words[block + 1] = head;
  words[block + 2] = 0;
  words[block + size - 1] = size;
  words[block + size] = words[block + size]! | BLOCK_PREVIOUS_FREE;
  if (head !== 0) {
    words[head + 2] = block;
  }
  words[H_FREE_LISTS + sizeClass] = block;
  const first = sizeClass >> SECOND_LEVEL_BITS;
  words[H_SECOND_MAPS + first] = words[H_SECOND_MAPS + first]! | (1 << (sizeClass & (SECOND_LEVEL - 1)));
  words[H_FIRST_MAP] = words[H_FIRST_MAP]! | (1 << first);
}

function unlinkFreeBlock(words: Int32Array, block: number, size: number): void {
  const next = words[block + 1]!;
  const previous = words[block + 2]!;
  if (next !== 0) {
    words[next + 2] = previous;
  }
  if (previous !== 0) {
    words[previous + 1] = next;
    return;
  }
  const sizeClass = classOf(size);
  words[H_FREE_LISTS + sizeClass] = next;
  if (next === 0) {
    const first = sizeClass >> SECOND_LEVEL_BITS;
    const map = words[H_SECOND_MAPS + first]! & ~(1 << (sizeClass & (SECOND_LEVEL - 1)));
    words[H_SECOND_MAPS + first] = map;
    if (map === 0) {
      words[H_FIRST_MAP] = words[H_FIRST_MAP]! & ~(1 << first);
    }
  }
}
