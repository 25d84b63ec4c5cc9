/**
 * A path-compressed binary trie of the address prefixes (or transport ports) that rules match on.
 *
 * For an address it answers two things: which prefix lengths some rule has for it, and how many of its bits one must look
 * at to be sure of that. With the second a lookup that fails on `10.1.0.0/16` need not un-wildcard 16 bits when the first
 * bit of the packet's address already differs from every rule's (NSDI'15 "The Design and Implementation of Open
 * vSwitch", section 5.4).
 *
 * Nodes lie in one Int32Array: the prefix from the root (left-aligned, zero beyond its length), its length, two
 * children and the number of rules with exactly this prefix. Node 0 is "none".
 */

const LENGTH = 0;
const LEFT = 1;
const RIGHT = 2;
const RULES = 3;
const KEY = 4;

/** what an empty trie starts with, so that it costs nothing */
const NO_NODES = new Int32Array(0);

export class PrefixTrie {
  /** bits of a key, a multiple of 32 */
  readonly width: number;
  readonly #stride: number;
  #nodes: Int32Array;
  #root = 0;
  /** first of the freed nodes, chained by LEFT */
  #freed = 0;
  #nextNode = 1;

  constructor(width: number) {
    this.width = width;
    this.#stride = KEY + (width >>> 5);
    this.#nodes = NO_NODES;
  }

  /**
   * Looks up the key at `words[first..]`. Sets in `lengths[lengthsStart..]` (one bit per prefix length 1..width, most
   * significant bit first) the lengths of the prefixes that contain it and returns how many bits of the key decided that.
   */
  lookup(words: Int32Array, first: number, lengths: Int32Array, lengthsStart: number): number {
    const nodes = this.#nodes;
    const lengthsEnd = lengthsStart + (this.width >>> 5);
    for (let index = lengthsStart; index < lengthsEnd; index++) {
      lengths[index] = 0;
    }
    let node = this.#root;
    if (node === 0) {
      return 0;
    }
    // Down as the key's bits say, as if all bits between agreed: the node at the end knows the bits of all above it.
    let length = nodes[node + LENGTH]!;
    for (;;) {
      // Without branches: whether a node has rules is a coin toss to the processor. A length of 0 has no bit.
      const isNamed = (-nodes[node + RULES]! >>> 31) & (-length >>> 31);
      const index = lengthsStart + ((length + (-length >> 31)) >>> 5);
      lengths[index] = lengths[index]! | (isNamed << (-length & 31));
      if (length === this.width) {
        break;
      }
      const child = nodes[node + LEFT + keyBit(words, first, length)]!;
      if (child === 0) {
        break;
      }
      node = child;
      length = nodes[node + LENGTH]!;
    }
    const agreed = agreement(nodes, node + KEY, words, first, 0, length);
    if (agreed < length) {
      for (let word = 0; 32 * word < this.width; word++) {
        lengths[lengthsStart + word] = lengths[lengthsStart + word]! & prefixMask(agreed - 32 * word);
      }
      return agreed + 1;
    }
    // The next bit chose between the other child and nothing; without another child it was not needed.
    return nodes[node + LEFT] === 0 && nodes[node + RIGHT] === 0 ? length : length + 1;
  }

  /** Adds the first `length` bits of `words[first..]` once. */
  insert(words: Int32Array, first: number, length: number): void {
    let link = -1;
    let node = this.#root;
    let depth = 0;
    while (node !== 0) {
      const nodeLength = this.#nodes[node + LENGTH]!;
      const shorter = Math.min(nodeLength, length);
      const agreed = agreement(this.#nodes, node + KEY, words, first, depth, shorter);
      if (agreed < nodeLength) {
        // The new prefix leaves this node's edge, or ends on it: split the edge there.
        const upper = this.#allocate(words, first, agreed);
        this.#setLink(link, upper);
        this.#nodes[upper + LEFT + keyBit(this.#nodes, node + KEY, agreed)] = node;
        if (agreed === length) {
          this.#nodes[upper + RULES] = 1;
        } else {
          const lower = this.#allocate(words, first, length);
          this.#nodes[lower + RULES] = 1;
          this.#nodes[upper + LEFT + keyBit(words, first, agreed)] = lower;
        }
        return;
      }
      if (nodeLength === length) {
        this.#nodes[node + RULES] = this.#nodes[node + RULES]! + 1;
        return;
      }
      link = node + LEFT + keyBit(words, first, nodeLength);
      node = this.#nodes[link]!;
      depth = nodeLength;
    }
    const leaf = this.#allocate(words, first, length);
    this.#nodes[leaf + RULES] = 1;
    this.#setLink(link, leaf);
  }

  /** Takes away what one `insert` with the same arguments added. */
  remove(words: Int32Array, first: number, length: number): void {
    const nodes = this.#nodes;
    let parentLink = -1;
    let parent = 0;
    let link = -1;
    let node = this.#root;
    while (nodes[node + LENGTH]! < length) {
      parentLink = link;
      parent = node;
      link = node + LEFT + keyBit(words, first, nodes[node + LENGTH]!);
      node = nodes[link]!;
    }
    nodes[node + RULES] = nodes[node + RULES]! - 1;
    if (nodes[node + RULES]! > 0 || (nodes[node + LEFT] !== 0 && nodes[node + RIGHT] !== 0)) {
      return;
    }
    const child = nodes[node + LEFT]! | nodes[node + RIGHT]!;
    this.#setLink(link, child);
    this.#release(node);
    if (child === 0 && parent !== 0 && nodes[parent + RULES] === 0) {
      // The parent only joined this node and its sibling.
      this.#setLink(parentLink, nodes[parent + LEFT]! | nodes[parent + RIGHT]!);
      this.#release(parent);
    }
  }

  #setLink(link: number, node: number): void {
    if (link < 0) {
      this.#root = node;
    } else {
      this.#nodes[link] = node;
    }
  }

  #allocate(words: Int32Array, first: number, length: number): number {
    let node = this.#freed;
    if (node !== 0) {
      this.#freed = this.#nodes[node + LEFT]!;
    } else {
      node = this.#nextNode * this.#stride;
      this.#nextNode++;
      if (node + this.#stride > this.#nodes.length) {
        const larger = new Int32Array(Math.max(4 * this.#stride, 2 * this.#nodes.length));
        larger.set(this.#nodes);
        this.#nodes = larger;
      }
    }
    const nodes = this.#nodes;
    nodes[node + LENGTH] = length;
    nodes[node + LEFT] = 0;
    nodes[node + RIGHT] = 0;
    nodes[node + RULES] = 0;
    for (let word = 0; word < this.width >>> 5; word++) {
      nodes[node + KEY + word] = words[first + word]! & prefixMask(length - 32 * word);
    }
    return node;
  }

  #release(node: number): void {
    this.#nodes[node + LEFT] = this.#freed;
    this.#freed = node;
  }
}

/** The mask of the first `length` bits of a word; 0 for length ≤ 0, all ones for length ≥ 32. */
export function prefixMask(length: number): number {
  return length <= 0 ? 0 : length >= 32 ? -1 : -1 << (32 - length);
}

/** Bit `index` of a key, counted from its most significant bit. */
function keyBit(words: Int32Array, first: number, index: number): number {
  return (words[first + (index >>> 5)]! >>> (31 - (index & 31))) & 1;
}

/** How many of the first `length` bits of two keys agree, when the first `known` bits are known to. */
function agreement(
  a: Int32Array,
  firstA: number,
  b: Int32Array,
  firstB: number,
  known: number,
  length: number,
): number {
  for (let word = known >>> 5; word << 5 < length; word++) {
    const difference = a[firstA + word]! ^ b[firstB + word]!;
    if (difference !== 0) {
      return Math.min(length, (word << 5) + Math.clz32(difference));
    }
  }
  return length;
}
