/**
 * How the nodes and leaves of the hash tree (hash-tree.ts) lie in the arena.
 *
 * A child is one word: the offset of a block, whose two low bits are free, with its kind in these bits. A node is its header, the
 * pairs of its mask and its table in one block, so that replacing it is one store; the header's first words are what lookups read.
 */

/** The low bits of a child say what it is: a flow, a leaf or a node (or nothing, when the child is 0 or TOMBSTONE). */
export const KIND_MASK = 3;
export const KIND_LEAF = 1;
export const KIND_NODE = 2;

/** What `split` and `build` return when the arena is full; no child is this. */
export const NO_ROOM = -2;

/** Nodes on a path, sides included. Beyond, flows stay in one leaf. An IPv6 prefix chain needs 128. */
export const MAX_DEPTH = 144;
/** Flows that a leaf holds before it is split. */
export const LEAF_SPLIT = 8;

/** places in use, holes included */
export const LEAF_HIGH = 0;
export const LEAF_CAPACITY = 1;
export const LEAF_FLOWS = 2;

export const NODE_SEED = 0;
/** pairs of the node's mask, padding included */
export const NODE_PAIRS = 1;
/** places of the table, less one */
export const NODE_LAST = 2;
export const NODE_SIDE = 3;
/** flows below, side included */
export const NODE_FLOWS = 4;
/** flows that came to the side since the node was built */
export const NODE_ADDED_TO_SIDE = 5;
/** entries of the table, tombstones included */
export const NODE_USED = 6;
export const NODE_LIVE = 7;
/** flows below when the node was built or last judged */
export const NODE_BUILT = 8;
/** live entries then */
export const NODE_BUILT_LIVE = 9;
/** the mask's pairs, and behind them the table of pairs (hash, child) */
export const NODE_MASK = 10;

/** Where the node's table begins. */
export function nodeTable(words: Int32Array, node: number): number {
  return node + NODE_MASK + 2 * words[node + NODE_PAIRS]!;
}
