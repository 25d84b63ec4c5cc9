/**
 * Building the hash tree: how a set of flows becomes a subtree.
 *
 * A subtree of many flows is built by choosing the bits that are exact in all of them and vary, grouping the flows by hash of
 * these bits, and building each group. Built structure is not reachable until the caller publishes its root, so a build that
 * finds no room gives everything back at once.
 *
 * When no bit is exact in all flows and varies, translation cannot have made them all. Then the most frequent mask among them
 * serves: the flows that cover it are grouped by its bits, and the others become the side. In the worst case, where no two masks
 * have anything in common, this is a chain of masks: what the mask list is always.
 */
import { createFlow, type FlowWords } from '../flow/index.ts';
import { type Arena, H_SEED } from './arena.ts';
import { type Epochs, RETIRED_BLOCK } from './epochs.ts';
import {
  clearUnpacked,
  FLOW_KEY,
  FLOW_MASK,
  type FlowRef,
  hashPairs,
  MASK_PAIR_BASE,
  MASK_PAIRS,
  MAX_PAIRS,
  type MaskRef,
  packMask,
  padPairs,
  publish,
  unpackKey,
  unpackMask,
} from './flow-record.ts';
import {
  KIND_LEAF,
  KIND_MASK,
  KIND_NODE,
  LEAF_CAPACITY,
  LEAF_FLOWS,
  LEAF_HIGH,
  LEAF_SPLIT,
  MAX_DEPTH,
  NO_ROOM,
  NODE_ADDED_TO_SIDE,
  NODE_BUILT,
  NODE_BUILT_LIVE,
  NODE_FLOWS,
  NODE_LAST,
  NODE_LIVE,
  NODE_MASK,
  NODE_PAIRS,
  NODE_SEED,
  NODE_SIDE,
  NODE_USED,
  nodeTable,
} from './hash-tree-layout.ts';
import { copyPairs, findPair, TOMBSTONE } from './pair-table.ts';

const loadedKey: FlowWords = createFlow();
const loadedMask: FlowWords = createFlow();
const common: FlowWords = createFlow();
const reference: FlowWords = createFlow();
const varying: FlowWords = createFlow();
const dense: FlowWords = createFlow();
const pairs: Int32Array = new Int32Array(2 * MAX_PAIRS);

export class TreeBuilder {
  private readonly arena: Arena;
  private readonly words: Int32Array;
  private readonly epochs: Epochs;
  /** the flows being built, and their hashes and order while they are grouped */
  private flows: Int32Array = new Int32Array(64);
  private hashes: Int32Array = new Int32Array(64);
  private sorted: Int32Array = new Int32Array(128);
  private groups: Int32Array = new Int32Array(256);
  private count = 0;

  constructor(arena: Arena, epochs: Epochs) {
    this.arena = arena;
    this.words = arena.words;
    this.epochs = epochs;
  }

  /** Spreads a flow's key and mask out for `covers` and `hash`; `unload` must follow. */
  load(flow: FlowRef): void {
    unpackKey(this.words, flow, loadedKey);
    unpackMask(this.words, this.words[flow + FLOW_MASK]!, loadedMask);
  }

  unload(flow: FlowRef): void {
    clearUnpacked(this.words, this.words[flow + FLOW_MASK]!, loadedKey);
    clearUnpacked(this.words, this.words[flow + FLOW_MASK]!, loadedMask);
  }

  /** Whether the loaded flow is exact in all bits of the node's mask. */
  covers(node: number): boolean {
    const words = this.words;
    for (let at = node + NODE_MASK; at < nodeTable(words, node); at += 2) {
      if ((words[at + 1]! & ~loadedMask[words[at]!]!) !== 0) {
        return false;
      }
    }
    return true;
  }

  /** Hash of the loaded flow in the node. */
  hash(node: number): number {
    const words = this.words;
    return hashPairs(words, node + NODE_MASK, words[node + NODE_PAIRS]!, words[node + NODE_SEED]!, loadedKey);
  }

  /** Puts a flow into a leaf in place; false when the leaf is full or should be split. */
  addToLeaf(leaf: number, flow: FlowRef, depth: number): boolean {
    const words = this.words;
    const high = words[leaf + LEAF_HIGH]!;
    let hole = high < words[leaf + LEAF_CAPACITY]! ? high : -1;
    let live = 0;
    for (let place = 0; place < high; place++) {
      if (words[leaf + LEAF_FLOWS + place] === 0) {
        hole = place;
      } else {
        live++;
      }
    }
    if (hole < 0 || (live >= LEAF_SPLIT && depth < MAX_DEPTH)) {
      return false;
    }
    publish(words, leaf + LEAF_FLOWS + hole, flow);
    if (hole === high) {
      publish(words, leaf + LEAF_HIGH, high + 1);
    }
    return true;
  }

  /** A new subtree of the flows below `child`, a flow or a leaf, and one more; NO_ROOM if it does not fit. */
  split(child: number, flow: FlowRef, depth: number): number {
    this.count = 0;
    this.collect(child);
    this.push(flow);
    return this.build(0, this.count, depth);
  }

  /** Replaces what `place` points to by a subtree built anew; false, with nothing changed, when there is no room. */
  rebuild(place: number, depth: number): boolean {
    const old = this.words[place]!;
    if (old === 0 || old === TOMBSTONE) {
      return true;
    }
    this.count = 0;
    this.collect(old);
    const built = this.build(0, this.count, depth);
    if (built === NO_ROOM) {
      return false;
    }
    publish(this.words, place, built);
    this.dispose(old, true);
    return true;
  }

  /** Gives the nodes and leaves of a subtree to the readers' care (`published`), or back at once. The flows are not touched. */
  dispose(child: number, published: boolean): void {
    const words = this.words;
    const kind = child & KIND_MASK;
    if (child <= 0 || kind === 0) {
      return;
    }
    const block = child & ~KIND_MASK;
    if (kind === KIND_NODE) {
      const table = nodeTable(words, block);
      for (let at = table + 1; at <= table + 1 + 2 * words[block + NODE_LAST]!; at += 2) {
        this.dispose(words[at]!, published);
      }
      this.dispose(words[block + NODE_SIDE]!, published);
    }
    if (published) {
      this.epochs.retire(block, RETIRED_BLOCK);
    } else {
      this.arena.release(block);
    }
  }

  /**
   * Copies a node into one whose table has room, publishes it at `place` and returns it; 0 when there is no room.
   * Header and table are one block, so that readers see both change by one store.
   */
  growNode(node: number, place: number): number {
    const words = this.words;
    const header = nodeTable(words, node) - node;
    const grown = this.allocateNode(header, tableSize(words[node + NODE_LIVE]! + 1));
    if (grown === 0) {
      return 0;
    }
    const last = words[grown + NODE_LAST]!;
    words.copyWithin(grown, node, node + header);
    words[grown + NODE_LAST] = last;
    words[grown + NODE_USED] = copyPairs(words, node + header, words[node + NODE_LAST]!, grown + header, last);
    publish(words, place, grown | KIND_NODE);
    this.epochs.retire(node, RETIRED_BLOCK);
    return grown;
  }

  private push(flow: FlowRef): void {
    if (this.count === this.flows.length) {
      const larger = new Int32Array(2 * this.count);
      larger.set(this.flows);
      this.flows = larger;
      this.hashes = new Int32Array(2 * this.count);
      this.sorted = new Int32Array(4 * this.count);
    }
    this.flows[this.count++] = flow;
  }

  private collect(child: number): void {
    const words = this.words;
    if (child <= 0) {
      return;
    }
    const block = child & ~KIND_MASK;
    const kind = child & KIND_MASK;
    if (kind === 0) {
      this.push(child);
    } else if (kind === KIND_LEAF) {
      for (let at = block + LEAF_FLOWS; at < block + LEAF_FLOWS + words[block + LEAF_HIGH]!; at++) {
        if (words[at] !== 0) {
          this.push(words[at]!);
        }
      }
    } else {
      const table = nodeTable(words, block);
      for (let at = table + 1; at <= table + 1 + 2 * words[block + NODE_LAST]!; at += 2) {
        this.collect(words[at]!);
      }
      this.collect(words[block + NODE_SIDE]!);
    }
  }

  /** A subtree of the collected flows `from` .. `to` - 1. */
  private build(from: number, to: number, depth: number): number {
    if (to - from === 1) {
      return this.flows[from]!;
    }
    if (to - from <= LEAF_SPLIT || depth >= MAX_DEPTH) {
      return this.buildLeaf(from, to);
    }
    let middle = to;
    let pairCount = this.chooseMask(from, to);
    if (pairCount === 0) {
      const words = this.words;
      const mask = this.mostFrequentMask(from, to);
      middle = this.moveCoveringFirst(from, to, words, mask + MASK_PAIR_BASE, words[mask + MASK_PAIRS]!);
      pairCount = this.chooseMask(from, middle) || packMaskOf(words, mask);
      // others may cover the bits chosen now: whatever covers a node's mask is searched in its table
      middle = this.moveCoveringFirst(from, to, pairs, 0, pairCount);
    }
    return this.buildNode(from, middle, to, pairCount, depth);
  }

  private buildLeaf(from: number, to: number): number {
    const words = this.words;
    const count = to - from;
    const capacity = count <= LEAF_SPLIT ? LEAF_SPLIT : 2 * count;
    const leaf = this.arena.allocate(LEAF_FLOWS + capacity);
    if (leaf === 0) {
      return NO_ROOM;
    }
    words[leaf + LEAF_HIGH] = count;
    words[leaf + LEAF_CAPACITY] = capacity;
    for (let index = 0; index < count; index++) {
      words[leaf + LEAF_FLOWS + index] = this.flows[from + index]!;
    }
    return leaf | KIND_LEAF;
  }

  /** A node over the flows before `middle`, with the others as its side; its mask is in `pairs`. */
  private buildNode(from: number, middle: number, to: number, pairCount: number, depth: number): number {
    const words = this.words;
    const seed = words[H_SEED]!;
    this.hashFlows(from, middle, pairCount, seed);
    const distinct = this.groupByHash(from, middle);
    const node = this.allocateNode(NODE_MASK + 2 * pairCount, tableSize(distinct));
    if (node === 0) {
      return NO_ROOM;
    }
    words[node + NODE_SEED] = seed;
    words[node + NODE_PAIRS] = pairCount;
    words[node + NODE_SIDE] = 0;
    words[node + NODE_FLOWS] = to - from;
    words[node + NODE_ADDED_TO_SIDE] = 0;
    words[node + NODE_USED] = distinct;
    words[node + NODE_LIVE] = distinct;
    words[node + NODE_BUILT] = to - from;
    words[node + NODE_BUILT_LIVE] = distinct;
    for (let word = 0; word < 2 * pairCount; word++) {
      words[node + NODE_MASK + word] = pairs[word]!;
    }
    const table = nodeTable(words, node);
    const last = words[node + NODE_LAST]!;
    for (let start = from; start < middle; ) {
      // the builds below reorder and rehash their own part of the arrays only
      const hash = this.hashes[start]!;
      let end = start + 1;
      while (end < middle && this.hashes[end] === hash) {
        end++;
      }
      const child = this.build(start, end, depth + 1);
      if (child === NO_ROOM) {
        this.dispose(node | KIND_NODE, false);
        return NO_ROOM;
      }
      const entry = findPair(words, table, last, hash);
      words[entry] = hash;
      words[entry + 1] = child;
      start = end;
    }
    if (middle < to) {
      const side = this.build(middle, to, depth + 1);
      if (side === NO_ROOM) {
        this.dispose(node | KIND_NODE, false);
        return NO_ROOM;
      }
      words[node + NODE_SIDE] = side;
    }
    return node | KIND_NODE;
  }

  private allocateNode(header: number, places: number): number {
    const words = this.words;
    const node = this.arena.allocate(header + 2 * places);
    if (node !== 0) {
      words.fill(0, node + header, node + header + 2 * places);
      words[node + NODE_LAST] = places - 1;
    }
    return node;
  }

  /** Writes to `pairs` the bits that are exact in all of the flows and vary among them, and returns the number of pairs. */
  private chooseMask(from: number, to: number): number {
    const { words, flows } = this;
    const first = flows[from]!;
    const firstMask = words[first + FLOW_MASK]!;
    unpackMask(words, firstMask, common);
    unpackKey(words, first, reference);
    let mask = firstMask;
    for (let index = from + 1; index < to; index++) {
      const flow = flows[index]!;
      if (words[flow + FLOW_MASK] !== mask) {
        mask = words[flow + FLOW_MASK]!;
        this.narrowCommon(firstMask, mask);
      }
    }
    for (let index = from + 1; index < to; index++) {
      const flow = flows[index]!;
      let pair = words[flow + FLOW_MASK]! + MASK_PAIR_BASE;
      const end = flow + FLOW_KEY + words[words[flow + FLOW_MASK]! + MASK_PAIRS]!;
      for (let at = flow + FLOW_KEY; at < end; at++) {
        const word = words[pair]!;
        // a padding pair is (0, 0), and its word of the key 0: it must not count as a difference in word 0
        varying[word] = varying[word]! | ((words[at]! ^ reference[word]!) & common[word]! & words[pair + 1]!);
        pair += 2;
      }
    }
    clearUnpacked(words, firstMask, common);
    clearUnpacked(words, firstMask, reference);
    return this.packVarying(firstMask);
  }

  /** Leaves in `common`, which lies within `firstMask`, only the bits that are in `mask` too. Both lists are in the order of words. */
  private narrowCommon(firstMask: MaskRef, mask: MaskRef): void {
    const words = this.words;
    const end = firstMask + MASK_PAIR_BASE + 2 * words[firstMask + MASK_PAIRS]!;
    const otherEnd = mask + MASK_PAIR_BASE + 2 * words[mask + MASK_PAIRS]!;
    let other = mask + MASK_PAIR_BASE;
    for (let pair = firstMask + MASK_PAIR_BASE; pair < end; pair += 2) {
      const word = words[pair]!;
      while (other < otherEnd && words[other]! < word) {
        other += 2;
      }
      // the padding pair at the end of a list says nothing about word 0
      if (words[pair + 1] !== 0) {
        common[word] = common[word]! & (other < otherEnd && words[other] === word ? words[other + 1]! : 0);
      }
    }
  }

  /** Moves `varying`, which lies within `firstMask`, to `pairs`, and returns the number of pairs. */
  private packVarying(firstMask: MaskRef): number {
    const words = this.words;
    let count = 0;
    const end = firstMask + MASK_PAIR_BASE + 2 * words[firstMask + MASK_PAIRS]!;
    for (let pair = firstMask + MASK_PAIR_BASE; pair < end; pair += 2) {
      const word = words[pair]!;
      if (varying[word] !== 0) {
        pairs[2 * count] = word;
        pairs[2 * count + 1] = varying[word]!;
        varying[word] = 0;
        count++;
      }
    }
    return padPairs(pairs, count);
  }

  private mostFrequentMask(from: number, to: number): MaskRef {
    const counts = new Map<MaskRef, number>();
    let best = 0;
    let bestCount = 0;
    for (let index = from; index < to; index++) {
      const mask = this.words[this.flows[index]! + FLOW_MASK]!;
      const count = (counts.get(mask) ?? 0) + 1;
      counts.set(mask, count);
      if (count > bestCount) {
        best = mask;
        bestCount = count;
      }
    }
    return best;
  }

  /** Puts the flows that are exact in all bits of the pairs at `base` of `list` before the others; returns where these begin. */
  private moveCoveringFirst(from: number, to: number, list: Int32Array, base: number, count: number): number {
    const { words, flows } = this;
    let middle = from;
    for (let index = from; index < to; index++) {
      const flow = flows[index]!;
      if (maskCovers(words, words[flow + FLOW_MASK]!, list, base, count)) {
        flows[index] = flows[middle]!;
        flows[middle++] = flow;
      }
    }
    return middle;
  }

  private hashFlows(from: number, to: number, pairCount: number, seed: number): void {
    const { words, flows, hashes } = this;
    for (let index = from; index < to; index++) {
      const flow = flows[index]!;
      unpackKey(words, flow, dense);
      hashes[index] = hashPairs(pairs, 0, pairCount, seed, dense);
      clearUnpacked(words, words[flow + FLOW_MASK]!, dense);
    }
  }

  /** Reorders the flows so that equal hashes lie together; returns how many different ones there are. */
  private groupByHash(from: number, to: number): number {
    const { flows, hashes, sorted } = this;
    const places = tableSize(to - from);
    if (this.groups.length < 2 * places) {
      this.groups = new Int32Array(2 * places);
    }
    const groups = this.groups;
    groups.fill(0, 0, 2 * places);
    // per group: its hash and its number of flows, which then becomes the place of its next flow
    for (let index = from; index < to; index++) {
      const entry = findPair(groups, 0, places - 1, hashes[index]!);
      groups[entry] = hashes[index]!;
      groups[entry + 1] = groups[entry + 1]! + 1;
    }
    let distinct = 0;
    let start = 1;
    for (let entry = 0; entry < 2 * places; entry += 2) {
      const size = groups[entry + 1]!;
      if (size !== 0) {
        groups[entry + 1] = start;
        start += size;
        distinct++;
      }
    }
    for (let index = from; index < to; index++) {
      const entry = findPair(groups, 0, places - 1, hashes[index]!);
      const place = groups[entry + 1]! - 1;
      sorted[2 * place] = flows[index]!;
      sorted[2 * place + 1] = hashes[index]!;
      groups[entry + 1] = place + 2;
    }
    for (let index = from; index < to; index++) {
      flows[index] = sorted[2 * (index - from)]!;
      hashes[index] = sorted[2 * (index - from) + 1]!;
    }
    return distinct;
  }
}

/** Places of a table for `entries` entries: a power of two, at most half full, so that the first place mostly is the right one. */
function tableSize(entries: number): number {
  const wanted = 2 * entries;
  return 1 << (32 - Math.clz32(wanted - 1));
}

function packMaskOf(words: Int32Array, mask: MaskRef): number {
  unpackMask(words, mask, dense);
  const count = packMask(dense, pairs);
  clearUnpacked(words, mask, dense);
  return count;
}

function maskCovers(words: Int32Array, mask: MaskRef, list: Int32Array, base: number, count: number): boolean {
  unpackMask(words, mask, dense);
  let missing = 0;
  for (let pair = base; pair < base + 2 * count; pair += 2) {
    missing |= list[pair + 1]! & ~dense[list[pair]!]!;
  }
  clearUnpacked(words, mask, dense);
  return missing === 0;
}
