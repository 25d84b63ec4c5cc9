/** What is asked of dense masks and of dense flows under them. */
import { FLOW_WORDS, type FlowWords } from './key.ts';
import type { Match } from './match.ts';

/** Whether every bit of the mask `a` is in the mask `b`: `a` is as wide as `b` or wider. */
export function isMaskSubset(a: FlowWords, b: FlowWords): boolean {
  for (let word = 0; word < FLOW_WORDS; word++) {
    if ((a[word]! & ~b[word]!) !== 0) {
      return false;
    }
  }
  return true;
}

/** Whether two flows are the same to `mask`. */
export function equalUnderMask(a: FlowWords, b: FlowWords, mask: FlowWords): boolean {
  for (let word = 0; word < FLOW_WORDS; word++) {
    if (((a[word]! ^ b[word]!) & mask[word]!) !== 0) {
      return false;
    }
  }
  return true;
}

/** Whether some flow satisfies both matches. */
export function matchesOverlap(a: Match, b: Match): boolean {
  for (let word = 0; word < FLOW_WORDS; word++) {
    if (((a.values[word]! ^ b.values[word]!) & a.masks[word]! & b.masks[word]!) !== 0) {
      return false;
    }
  }
  return true;
}

/** Adds the bits of `mask` to `wildcards`. */
export function addMask(wildcards: FlowWords, mask: FlowWords): void {
  for (let word = 0; word < FLOW_WORDS; word++) {
    wildcards[word] = wildcards[word]! | mask[word]!;
  }
}

/** Clears the bits of `flow` that `mask` does not have. */
export function applyMask(flow: FlowWords, mask: FlowWords): void {
  for (let word = 0; word < FLOW_WORDS; word++) {
    flow[word] = flow[word]! & mask[word]!;
  }
}
