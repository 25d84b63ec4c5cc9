/**
 * The prefix tries of a classifier: one per address field, shared by all its subtables.
 *
 * A lookup walks each trie at most once and remembers the answer for the subtables that follow.
 */
import {
  type FlowWords,
  W_IPV6_DST,
  W_IPV6_SRC,
  W_NW_DST,
  W_NW_SRC,
  W_TUN_DST,
  W_TUN_IPV6_DST,
  W_TUN_IPV6_SRC,
  W_TUN_SRC,
} from '../flow/index.ts';
import { PrefixTrie, prefixMask } from './prefix-trie.ts';
import { type SparseMask, sparseMaskBits } from './sparse-match.ts';
import { stageOfWord } from './stages.ts';

/** A field that may have a trie: what the `prefixes` column of OVSDB's Flow_Table names. */
interface PrefixField {
  readonly name: string;
  readonly firstWord: number;
  /** bits */
  readonly width: number;
}

const PREFIX_FIELDS: readonly PrefixField[] = [
  { name: 'nw_src', firstWord: W_NW_SRC, width: 32 },
  { name: 'nw_dst', firstWord: W_NW_DST, width: 32 },
  { name: 'ipv6_src', firstWord: W_IPV6_SRC, width: 128 },
  { name: 'ipv6_dst', firstWord: W_IPV6_DST, width: 128 },
  { name: 'tun_src', firstWord: W_TUN_SRC, width: 32 },
  { name: 'tun_dst', firstWord: W_TUN_DST, width: 32 },
  { name: 'tun_ipv6_src', firstWord: W_TUN_IPV6_SRC, width: 128 },
  { name: 'tun_ipv6_dst', firstWord: W_TUN_IPV6_DST, width: 128 },
];

/** The fields that get a trie unless the classifier is told otherwise. */
export const DEFAULT_PREFIX_FIELDS: readonly string[] = PREFIX_FIELDS.map((field) => field.name);

/** A trie with the memory of its last lookup. */
export class PrefixFieldTrie {
  readonly name: string;
  readonly firstWord: number;
  readonly width: number;
  readonly stage: number;
  /** bits of the flow that decided the last lookup */
  checkedBits = 0;
  /** the lookup that `checkedBits` and the lengths belong to */
  lookupId = -1;
  readonly #trie: PrefixTrie;
  readonly #lengths: Int32Array;

  constructor(field: PrefixField) {
    this.name = field.name;
    this.firstWord = field.firstWord;
    this.width = field.width;
    this.stage = stageOfWord(field.firstWord);
    this.#trie = new PrefixTrie(field.width);
    this.#lengths = new Int32Array(field.width >>> 5);
  }

  /**
   * Whether the trie alone proves that no rule with a prefix of `length` bits matches the flow, at a cost of no more bits than
   * the prefix has; `checkedBits` is then that cost.
   */
  excludes(flow: FlowWords, length: number, lookupId: number): boolean {
    if (this.lookupId !== lookupId) {
      this.lookupId = lookupId;
      this.checkedBits = this.#trie.lookup(flow, this.firstWord, this.#lengths);
    }
    const bit = length - 1;
    return (this.#lengths[bit >>> 5]! & (1 << (31 - (bit & 31)))) === 0 && this.checkedBits <= length;
  }

  /** Un-wildcards the bits that decided the last lookup. */
  addCheckedBits(wildcards: FlowWords): void {
    for (let word = 0; 32 * word < this.checkedBits; word++) {
      const index = this.firstWord + word;
      wildcards[index] = wildcards[index]! | prefixMask(this.checkedBits - 32 * word);
    }
  }

  /** The prefix length that a mask has in this field; 0 when it has none or is no prefix. */
  prefixLength(mask: SparseMask): number {
    let length = 0;
    for (let word = 0; 32 * word < this.width; word++) {
      const bits = sparseMaskBits(mask, this.firstWord + word);
      const ones = Math.clz32(~bits);
      if (bits !== prefixMask(ones) || (ones > 0 && length < 32 * word)) {
        return 0;
      }
      length += ones;
    }
    return length;
  }

  insert(address: Int32Array, length: number): void {
    this.#trie.insert(address, 0, length);
  }

  remove(address: Int32Array, length: number): void {
    this.#trie.remove(address, 0, length);
  }
}

/** The tries for the named fields; a name that cannot have a trie is ignored. */
export function createPrefixTries(names: readonly string[]): PrefixFieldTrie[] {
  return PREFIX_FIELDS.filter((field) => names.includes(field.name)).map((field) => new PrefixFieldTrie(field));
}
