/**
 * The hash of the classifier: rotate, xor and multiply per word, mixed once at the end.
 *
 * It goes on from where it stopped, so that each lookup stage continues the hash of the stage before it.
 */

/** start of a hash */
export const HASH_SEED = 0x2545f491;
const MULTIPLIER = 0x9e3779b1 | 0;

/** Takes one word into an unfinished hash. */
export function hashWord(hash: number, word: number): number {
  return Math.imul(((hash << 13) | (hash >>> 19)) ^ word, MULTIPLIER);
}

/** Spreads an unfinished hash over all bits. */
export function finishHash(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x7feb352d);
  mixed ^= mixed >>> 15;
  return mixed | 0;
}
