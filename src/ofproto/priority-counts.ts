/**
 * How many rules of a subtable have a given priority, and the highest of these priorities.
 *
 * The highest must survive the removal of rules in any order without a scan of the subtable. A binary heap of
 * priorities does that; a priority whose count fell to 0 stays in it until it comes to the top.
 */
export class PriorityCounts {
  readonly #counts: Map<number, number> = new Map();
  readonly #heap: number[] = [];

  /** The highest priority that has a rule, or -1. */
  get highest(): number {
    return this.#heap.length === 0 ? -1 : this.#heap[0]!;
  }

  increment(priority: number): void {
    const count = this.#counts.get(priority);
    if (count === undefined) {
      this.#push(priority);
    }
    this.#counts.set(priority, (count ?? 0) + 1);
  }

  decrement(priority: number): void {
    const count = this.#counts.get(priority)!;
    this.#counts.set(priority, count - 1);
    while (this.#heap.length > 0 && this.#counts.get(this.#heap[0]!) === 0) {
      this.#counts.delete(this.#heap[0]!);
      this.#pop();
    }
  }

  has(priority: number): boolean {
    return (this.#counts.get(priority) ?? 0) > 0;
  }

  #push(priority: number): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(priority);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]! >= priority) {
        break;
      }
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = priority;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) {
      return;
    }
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) {
        break;
      }
      if (child + 1 < heap.length && heap[child + 1]! > heap[child]!) {
        child++;
      }
      if (heap[child]! <= last) {
        break;
      }
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
  }
}
