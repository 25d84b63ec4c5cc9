/**
 * One growing Int32Array in which a classifier keeps everything that a lookup reads.
 *
 * A lookup that walks a hundred subtables would otherwise chase a thousand small objects and arrays. Regions are powers of two of words,
 * zeroed when handed out; freed ones are kept for the next of their size. Offsets stay good when the arena grows, the array does
 * not: read `words` anew after each `allocate`. No region is at offset 0.
 */

const MINIMUM_REGION_BITS = 3;

export class WordArena {
  words: Int32Array = new Int32Array(0);
  #used: number = 1 << MINIMUM_REGION_BITS;
  /** offsets of freed regions, by binary logarithm of their size */
  readonly #freed: number[][] = [];

  /** A zeroed region of at least `size` words; its offset. */
  allocate(size: number): number {
    const bits = regionBits(size);
    const length = 1 << bits;
    const reused = this.#freed[bits]?.pop();
    if (reused !== undefined) {
      this.words.fill(0, reused, reused + length);
      return reused;
    }
    const offset = this.#used;
    this.#used += length;
    if (this.#used > this.words.length) {
      const larger = new Int32Array(Math.max(64, 2 * this.words.length, this.#used));
      larger.set(this.words);
      this.words = larger;
    }
    return offset;
  }

  /** Gives back the region at `offset` that was allocated with this size. */
  free(offset: number, size: number): void {
    const bits = regionBits(size);
    let list = this.#freed[bits];
    if (list === undefined) {
      list = [];
      this.#freed[bits] = list;
    }
    list.push(offset);
  }

  /** A larger region with the words of the one at `offset`, which is freed; the new offset. */
  resize(offset: number, size: number, newSize: number): number {
    const moved = this.allocate(newSize);
    this.words.copyWithin(moved, offset, offset + size);
    this.free(offset, size);
    return moved;
  }
}

function regionBits(size: number): number {
  return Math.max(MINIMUM_REGION_BITS, 32 - Math.clz32(Math.max(1, size) - 1));
}
