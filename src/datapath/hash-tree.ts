/**
 * The hash tree: finds a megaflow in a time that does not depend on the number of masks.
 *
 * Why it works. Megaflows come from one deterministic translation, so they are the leaves of a decision process: of any
 * two or more of them, some bits were looked at for all (the first decisions), and where these first differ, the flows part. So among
 * any set of megaflows there are bits that are exact in all of them and vary between them.
 *
 * How. A node holds a mask of such bits of the flows below it, and a table from the hash of the key under that mask to a child:
 * a single flow, a leaf of a few flows that are compared in full, or a node again. Flows that come later and wildcard
 * a bit of the node's mask go to the node's *side*, a subtree that is tried when the child has no match. When a side has
 * grown to half of its node, the node is built anew. The depth of the tree is bounded by the bits in which flows differ; one or two
 * hashes are usual. The equality of two 32-bit hashes stands for the equality of the bits: flows whose hashes collide
 * share a child, and the comparison at the end decides.
 *
 * Flows that break the rule (installed by hand, or left from an older pipeline for a moment) are found all the same: when
 * no bit serves, a node is built for the flows that are exact wherever one common mask is and the rest becomes its side (hash-tree-build.ts).
 *
 * Readers. A child, a side and the root are single words, published by one store. Leaves change in place by such stores
 * and never move a flow; tables keep the place of an entry and leave tombstones. A flow that stays in the table is
 * therefore found throughout. What is replaced is retired to epochs.ts.
 */
import type { FlowWords } from '../flow/index.ts';
import { type Arena, H_TREE_ROOT, T_COUNTERS, THREAD_LINE_WORDS, THREAD_LINES } from './arena.ts';
import { type Epochs, RETIRED_BLOCK } from './epochs.ts';
import { type FlowRef, flowMatches, hashPairs, publish } from './flow-record.ts';
import { COUNTER_HITS, COUNTER_MASK_HITS, COUNTER_MISSED } from './flow-statistics.ts';
import { TreeBuilder } from './hash-tree-build.ts';
import {
  KIND_LEAF,
  KIND_MASK,
  KIND_NODE,
  LEAF_FLOWS,
  LEAF_HIGH,
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
import { findPair, TOMBSTONE } from './pair-table.ts';

/** Sides grow freely up to so many flows before a node is built anew. */
const SIDE_SLACK = 4;

export class HashTree {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  private readonly epochs: Epochs;
  private readonly builder: TreeBuilder;
  private readonly counters: number;
  /** sides still to be tried by the lookup under way */
  private readonly sides: Int32Array = new Int32Array(MAX_DEPTH + 2);
  /** nodes from the root to where the change happens, the place of the pointer to each, and whether the way leads through its side */
  private readonly pathNode: Int32Array = new Int32Array(MAX_DEPTH + 2);
  private readonly pathPlace: Int32Array = new Int32Array(MAX_DEPTH + 2);
  private readonly pathSide: Int32Array = new Int32Array(MAX_DEPTH + 2);
  private depth = 0;

  constructor(arena: Arena, epochs: Epochs, thread: number) {
    this.words = arena.words;
    this.doubles = arena.doubles;
    this.epochs = epochs;
    this.builder = new TreeBuilder(arena, epochs);
    this.counters = ((THREAD_LINES + thread * THREAD_LINE_WORDS) >> 1) + T_COUNTERS;
  }

  /** A flow that `key` matches, or 0. */
  lookup(key: FlowWords): FlowRef {
    const words = this.words;
    const sides = this.sides;
    let waiting = 0;
    let compared = 0;
    let found = 0;
    let child = words[H_TREE_ROOT]!;
    for (;;) {
      while ((child & KIND_MASK) === KIND_NODE) {
        const node = child & ~KIND_MASK;
        const side = words[node + NODE_SIDE]!;
        if (side !== 0) {
          sides[waiting++] = side;
        }
        const pairs = words[node + NODE_PAIRS]!;
        const hash = hashPairs(words, node + NODE_MASK, pairs, words[node + NODE_SEED]!, key);
        const table = node + NODE_MASK + 2 * pairs;
        const last = words[node + NODE_LAST]!;
        let place = hash & last;
        for (;;) {
          child = words[table + 2 * place + 1]!;
          if (child === 0 || words[table + 2 * place] === hash) {
            break;
          }
          place = (place + 1) & last;
        }
      }
      if ((child & KIND_MASK) === KIND_LEAF) {
        const leaf = child & ~KIND_MASK;
        const end = leaf + LEAF_FLOWS + words[leaf + LEAF_HIGH]!;
        for (let at = leaf + LEAF_FLOWS; at < end; at++) {
          const flow = words[at]!;
          if (flow !== 0) {
            compared++;
            if (flowMatches(words, flow, key)) {
              found = flow;
              break;
            }
          }
        }
      } else if (child > 0) {
        compared++;
        if (flowMatches(words, child, key)) {
          found = child;
        }
      }
      if (found !== 0 || waiting === 0) {
        break;
      }
      child = sides[--waiting]!;
    }
    const doubles = this.doubles;
    const counter = this.counters + (found !== 0 ? COUNTER_HITS : COUNTER_MISSED);
    doubles[counter] = doubles[counter]! + 1;
    doubles[this.counters + COUNTER_MASK_HITS] = doubles[this.counters + COUNTER_MASK_HITS]! + compared;
    return found;
  }

  /** Adds a flow whose record is complete; false, with nothing changed, when there is no room. */
  insert(flow: FlowRef): boolean {
    this.builder.load(flow);
    const added = this.insertLoaded(flow);
    this.builder.unload(flow);
    if (added) {
      this.countAlongPath(1);
      this.rebuildAlongPath();
    }
    return added;
  }

  /** Takes out a flow that is in the tree. Needs no memory. */
  remove(flow: FlowRef): void {
    const words = this.words;
    this.builder.load(flow);
    const place = this.descend();
    this.builder.unload(flow);
    const child = words[place]!;
    if (child === flow) {
      this.clearPlace(place, this.depth);
    } else {
      this.removeFromLeaf(child & ~KIND_MASK, flow, place);
    }
    this.countAlongPath(-1);
    this.pruneAlongPath();
    this.rebuildAlongPath();
  }

  /** Empties the tree. */
  clear(): void {
    const root = this.words[H_TREE_ROOT]!;
    publish(this.words, H_TREE_ROOT, 0);
    this.builder.dispose(root, true);
  }

  /** Builds the whole tree anew, with the present seed. */
  rebuild(): void {
    this.builder.rebuild(H_TREE_ROOT, 0);
  }

  /** Walks to where the loaded flow is or belongs, noting the path; returns the place of the last pointer, which is not to a node. */
  private descend(): number {
    const { words, builder } = this;
    let place = H_TREE_ROOT;
    let depth = 0;
    while ((words[place]! & KIND_MASK) === KIND_NODE) {
      const node = words[place]! & ~KIND_MASK;
      this.pathNode[depth] = node;
      this.pathPlace[depth] = place;
      if (builder.covers(node)) {
        this.pathSide[depth] = 0;
        place = findPair(words, nodeTable(words, node), words[node + NODE_LAST]!, builder.hash(node)) + 1;
      } else {
        this.pathSide[depth] = 1;
        place = node + NODE_SIDE;
      }
      depth++;
    }
    this.depth = depth;
    return place;
  }

  private insertLoaded(flow: FlowRef): boolean {
    const { words, builder } = this;
    const place = this.descend();
    const child = words[place]!;
    if (child === 0 || child === TOMBSTONE) {
      return this.fillPlace(place, flow);
    }
    const leaf = child & ~KIND_MASK;
    if ((child & KIND_MASK) === KIND_LEAF && builder.addToLeaf(leaf, flow, this.depth)) {
      return true;
    }
    const replacement = builder.split(child, flow, this.depth);
    if (replacement === NO_ROOM) {
      return false;
    }
    publish(words, place, replacement);
    if ((child & KIND_MASK) === KIND_LEAF) {
      this.epochs.retire(leaf, RETIRED_BLOCK);
    }
    return true;
  }

  /** Puts a flow into an empty place: the root, a side, or an entry of the last node of the path. */
  private fillPlace(place: number, flow: FlowRef): boolean {
    const { words, depth } = this;
    if (depth === 0 || this.pathSide[depth - 1] === 1) {
      publish(words, place, flow);
      return true;
    }
    let node = this.pathNode[depth - 1]!;
    const reused = words[place] === TOMBSTONE;
    let entry = place;
    if (!reused) {
      const places = words[node + NODE_LAST]! + 1;
      if ((words[node + NODE_USED]! + 1) * 16 > places * 9) {
        const grown = this.builder.growNode(node, this.pathPlace[depth - 1]!);
        if (grown === 0 && words[node + NODE_USED]! + 1 >= places) {
          return false;
        }
        node = grown === 0 ? node : grown;
        this.pathNode[depth - 1] = node;
        entry = findPair(words, nodeTable(words, node), words[node + NODE_LAST]!, this.builder.hash(node)) + 1;
      }
      words[entry - 1] = this.builder.hash(node);
      words[node + NODE_USED] = words[node + NODE_USED]! + 1;
    }
    words[node + NODE_LIVE] = words[node + NODE_LIVE]! + 1;
    publish(words, entry, flow);
    return true;
  }

  /** Empties a place that pointed to a flow, a leaf or a node below `depth` nodes of the path. */
  private clearPlace(place: number, depth: number): void {
    const words = this.words;
    if (depth === 0 || this.pathSide[depth - 1] === 1) {
      publish(words, place, 0);
      return;
    }
    const node = this.pathNode[depth - 1]!;
    words[node + NODE_LIVE] = words[node + NODE_LIVE]! - 1;
    publish(words, place, TOMBSTONE);
  }

  /** Leaves a hole; a leaf with one flow left gives way to that flow. */
  private removeFromLeaf(leaf: number, flow: FlowRef, place: number): void {
    const words = this.words;
    let live = 0;
    let other = 0;
    for (let at = leaf + LEAF_FLOWS; at < leaf + LEAF_FLOWS + words[leaf + LEAF_HIGH]!; at++) {
      if (words[at] === flow) {
        publish(words, at, 0);
      } else if (words[at] !== 0) {
        live++;
        other = words[at]!;
      }
    }
    if (live === 1) {
      publish(words, place, other);
      this.epochs.retire(leaf, RETIRED_BLOCK);
    }
  }

  private countAlongPath(difference: number): void {
    const words = this.words;
    for (let index = 0; index < this.depth; index++) {
      const node = this.pathNode[index]!;
      words[node + NODE_FLOWS] = words[node + NODE_FLOWS]! + difference;
      if (this.pathSide[index] === 1) {
        words[node + NODE_ADDED_TO_SIDE] = Math.max(0, words[node + NODE_ADDED_TO_SIDE]! + difference);
      }
    }
  }

  /** Takes out the nodes at the end of the path that have no flow left. */
  private pruneAlongPath(): void {
    while (this.depth > 0) {
      const node = this.pathNode[this.depth - 1]!;
      if (this.words[node + NODE_FLOWS] !== 0) {
        return;
      }
      this.depth--;
      this.clearPlace(this.pathPlace[this.depth]!, this.depth);
      this.epochs.retire(node, RETIRED_BLOCK);
    }
  }

  /**
   * Builds the topmost node of the path anew that has become poor: its side has grown to half of it, or it has lost half of
   * its flows, or its mask told most flows apart when it was made but not those that came since, or it has four times as many
   * and tells few of them apart. Each needs a number of changes in proportion to the node, so that a change costs a
   * constant share of rebuilding on each level.
   */
  private rebuildAlongPath(): void {
    const words = this.words;
    for (let index = 0; index < this.depth; index++) {
      const node = this.pathNode[index]!;
      const flows = words[node + NODE_FLOWS]!;
      const live = words[node + NODE_LIVE]!;
      const added = words[node + NODE_ADDED_TO_SIDE]!;
      const built = words[node + NODE_BUILT]!;
      const lopsided = added > SIDE_SLACK && added * 2 > flows;
      const wasSharp = words[node + NODE_BUILT_LIVE]! * 4 > built * 3;
      const blunter = wasSharp && flows * 4 > built * 5 && live * 8 < flows * 7;
      const grown = flows > built * 4;
      if (lopsided || flows * 2 < built || blunter || (grown && live * 2 < flows)) {
        if (this.builder.rebuild(this.pathPlace[index]!, index)) {
          return;
        }
        // no room: not again before as many changes more
        words[node + NODE_ADDED_TO_SIDE] = 0;
        words[node + NODE_BUILT] = flows;
        words[node + NODE_BUILT_LIVE] = live;
      } else if (grown) {
        words[node + NODE_BUILT] = flows;
        words[node + NODE_BUILT_LIVE] = live;
      }
    }
  }
}
