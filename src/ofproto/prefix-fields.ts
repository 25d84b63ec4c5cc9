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

/** In the order in which a lookup asks them: destinations first, as Open vSwitch's default `prefixes` have it. */
const PREFIX_FIELDS: readonly PrefixField[] = [
  { name: 'nw_dst', firstWord: W_NW_DST, width: 32 },
  { name: 'nw_src', firstWord: W_NW_SRC, width: 32 },
  { name: 'ipv6_dst', firstWord: W_IPV6_DST, width: 128 },
  { name: 'ipv6_src', firstWord: W_IPV6_SRC, width: 128 },
  { name: 'tun_src', firstWord: W_TUN_SRC, width: 32 },
  { name: 'tun_dst', firstWord: W_TUN_DST, width: 32 },
  { name: 'tun_ipv6_src', firstWord: W_TUN_IPV6_SRC, width: 128 },
  { name: 'tun_ipv6_dst', firstWord: W_TUN_IPV6_DST, width: 128 },
];

/** The fields that get a trie unless the classifier is told otherwise. */
export const DEFAULT_PREFIX_FIELDS: readonly string[] = PREFIX_FIELDS.map((field) => field.name);

/** One of the tries. */
export class PrefixFieldTrie {
  readonly name: string;
  readonly firstWord: number;
  readonly width: number;
  /** index in `STAGE_NAMES` */
  readonly stage: number;
  readonly trie: PrefixTrie;

  constructor(field: PrefixField) {
    this.name = field.name;
    this.firstWord = field.firstWord;
    this.width = field.width;
    this.stage = stageOfWord(field.firstWord);
    this.trie = new PrefixTrie(field.width);
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
}

/** A prefix trie that serves a mask, and the length of the mask's prefix. */
export interface TrieUse {
  readonly trie: number;
  readonly length: number;
  /** index in `STAGE_NAMES` */
  readonly stage: number;
}

/**
 * What is remembered of a trie's last lookup: which lookup, how many bits decided it, whether these bits are un-wildcarded, and which
 * prefix lengths it ruled out (a bit per length, most significant first).
 */
const MEMO_LOOKUP = 0;
const MEMO_CHECKED_BITS = 1;
const MEMO_ADDED = 2;
const MEMO_EXCLUDED = 3;
const MEMO_SIZE = 7;

export class PrefixTries {
  readonly fields: readonly PrefixFieldTrie[];
  readonly #memo: Int32Array;
  #lookup = 0;

  /** Tries for the named fields; a name that cannot have a trie is ignored. */
  constructor(names: readonly string[]) {
    this.fields = PREFIX_FIELDS.filter((field) => names.includes(field.name)).map(
      (field) => new PrefixFieldTrie(field),
    );
    this.#memo = new Int32Array(MEMO_SIZE * this.fields.length);
  }

  /** The tries that serve a mask, in the order of their stages. */
  uses(mask: SparseMask): TrieUse[] {
    return this.fields
      .map((field, trie) => ({ trie, length: field.prefixLength(mask), stage: field.stage }))
      .filter((use) => use.length > 0)
      .sort((a, b) => a.stage - b.stage);
  }

  /** Forgets what was found for the last flow. `lookup`, not 0, is a number that no lookup had since `forget`. */
  beginLookup(lookup: number): void {
    this.#lookup = lookup;
  }

  /** Forgets what lookups found, so that their numbers may start again. */
  forget(): void {
    this.#memo.fill(0);
  }

  /**
   * Whether a trie alone proves that no rule with a prefix of `length` bits matches the flow, at a cost of no more bits
   * than the prefix has; these are then un-wildcarded.
   */
  excludes(trie: number, length: number, flow: FlowWords, wildcards: FlowWords): boolean {
    const memo = this.#memo;
    const start = MEMO_SIZE * trie;
    if (memo[start + MEMO_LOOKUP] !== this.#lookup) {
      this.#walk(trie, flow);
    }
    if ((memo[start + MEMO_EXCLUDED + ((length - 1) >>> 5)]! & (1 << (-length & 31))) === 0) {
      return false;
    }
    if (memo[start + MEMO_ADDED] === 0) {
      memo[start + MEMO_ADDED] = 1;
      const checkedBits = memo[start + MEMO_CHECKED_BITS]!;
      const { firstWord } = this.fields[trie]!;
      for (let word = 0; 32 * word < checkedBits; word++) {
        wildcards[firstWord + word] = wildcards[firstWord + word]! | prefixMask(checkedBits - 32 * word);
      }
    }
    return true;
  }

  #walk(trie: number, flow: FlowWords): void {
    const memo = this.#memo;
    const start = MEMO_SIZE * trie;
    const field = this.fields[trie]!;
    const checkedBits = field.trie.lookup(flow, field.firstWord, memo, start + MEMO_EXCLUDED);
    memo[start + MEMO_LOOKUP] = this.#lookup;
    memo[start + MEMO_CHECKED_BITS] = checkedBits;
    memo[start + MEMO_ADDED] = 0;
    // What it found are the lengths that some rule has; ruled out are the others, from as many bits on as it looked at.
    for (let word = 0; 32 * word < field.width; word++) {
      const index = start + MEMO_EXCLUDED + word;
      memo[index] = ~memo[index]! & ~prefixMask(checkedBits - 1 - 32 * word);
    }
  }
}
