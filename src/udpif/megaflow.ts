/**
 * From a translation to a megaflow: the mask that the datapath gets, and the flow's identity.
 */
import { FLOW_WORDS, type FlowWords, finishHash, hashWord, W_VLAN0 } from '../flow/index.ts';

/** TPID and TCI of the outer tag. */
const VLAN_EXACT = -1;

/**
 * Makes the datapath's mask of a translation's wildcards, in `mask`. A datapath key says by a missing VLAN attribute that
 * there is no tag, so the outer tag, or its absence, is always matched (as Open vSwitch's datapaths do).
 */
export function datapathMask(wildcards: FlowWords, mask: FlowWords): void {
  mask.set(wildcards);
  if ((mask[W_VLAN0]! & 0xffff) === 0) {
    mask[W_VLAN0] = VLAN_EXACT;
  } else {
    mask[W_VLAN0]! |= 0xffff0000;
  }
}

/** Computes the 128-bit identifier of a megaflow from its masked key and its mask: equal megaflows, equal UFIDs. */
export function computeUfid(key: FlowWords, mask: FlowWords, seed: number, ufid: Int32Array): void {
  let a = seed | 0;
  let b = ~seed;
  for (let word = 0; word < FLOW_WORDS; word++) {
    const bits = mask[word]!;
    if (bits !== 0) {
      const value = key[word]! & bits;
      a = hashWord(hashWord(a, value), bits ^ word);
      b = hashWord(hashWord(b, bits + word), ~value);
    }
  }
  ufid[0] = finishHash(a);
  ufid[1] = finishHash(b);
  ufid[2] = finishHash(a ^ Math.imul(b, 0x9e3779b1));
  ufid[3] = finishHash(b + Math.imul(a, 0x85ebca6b));
}

/** Whether `fresh` looks at a bit that `installed` does not match: the installed megaflow covers too much. */
export function isTooWide(installed: FlowWords, fresh: FlowWords): boolean {
  for (let word = 0; word < FLOW_WORDS; word++) {
    if ((fresh[word]! & ~installed[word]!) !== 0) {
      return true;
    }
  }
  return false;
}
