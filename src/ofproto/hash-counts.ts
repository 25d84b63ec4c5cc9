/**
 * How many rules of a subtable have a given hash: the presence counters behind staged lookup.
 *
 * An open-addressed table of (hash, count) pairs in one Int32Array. Two values with one hash share a counter: that only
 * lets a lookup go on to its next stage, it never hides a rule.
 */

const MINIMUM_SLOTS = 4;

export class HashCounts {
  /** pairs of hash and count; count 0 = free */
  #slots: Int32Array = new Int32Array(2 * MINIMUM_SLOTS);
  #slotMask = MINIMUM_SLOTS - 1;
  #used = 0;

  /** Whether any rule has this hash. */
  has(hash: number): boolean {
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    let slot = hash & slotMask;
    for (;;) {
      if (slots[2 * slot + 1] === 0) {
        return false;
      }
      if (slots[2 * slot] === hash) {
        return true;
      }
      slot = (slot + 1) & slotMask;
    }
  }

  increment(hash: number): void {
    const slot = this.#find(hash);
    if (this.#slots[2 * slot + 1] !== 0) {
      this.#slots[2 * slot + 1] = this.#slots[2 * slot + 1]! + 1;
      return;
    }
    this.#slots[2 * slot] = hash;
    this.#slots[2 * slot + 1] = 1;
    this.#used++;
    if (2 * this.#used > this.#slotMask) {
      this.#resize(2 * (this.#slotMask + 1));
    }
  }

  decrement(hash: number): void {
    const slot = this.#find(hash);
    const count = this.#slots[2 * slot + 1]!;
    if (count > 1) {
      this.#slots[2 * slot + 1] = count - 1;
      return;
    }
    this.#free(slot);
    this.#used--;
    if (this.#slotMask >= 2 * MINIMUM_SLOTS && 8 * this.#used < this.#slotMask) {
      this.#resize((this.#slotMask + 1) / 2);
    }
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #find(hash: number): number {
    let slot = hash & this.#slotMask;
    while (this.#slots[2 * slot + 1] !== 0 && this.#slots[2 * slot] !== hash) {
      slot = (slot + 1) & this.#slotMask;
    }
    return slot;
  }

  /** Frees a slot and moves those behind it that would no longer be found. */
  #free(freed: number): void {
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    let hole = freed;
    let slot = (hole + 1) & slotMask;
    while (slots[2 * slot + 1] !== 0) {
      const home = slots[2 * slot]! & slotMask;
      if (((slot - home) & slotMask) >= ((slot - hole) & slotMask)) {
        slots[2 * hole] = slots[2 * slot]!;
        slots[2 * hole + 1] = slots[2 * slot + 1]!;
        hole = slot;
      }
      slot = (slot + 1) & slotMask;
    }
    slots[2 * hole + 1] = 0;
  }

  #resize(slotCount: number): void {
    const old = this.#slots;
    this.#slots = new Int32Array(2 * slotCount);
    this.#slotMask = slotCount - 1;
    for (let index = 0; index < old.length; index += 2) {
      if (old[index + 1] !== 0) {
        const slot = this.#find(old[index]!);
        this.#slots[2 * slot] = old[index]!;
        this.#slots[2 * slot + 1] = old[index + 1]!;
      }
    }
  }
}
