/**
 * The hash for everything that is made of 32-bit words.
 *
 * Rotate, xor and multiply per word, which V8 makes one instruction each of, in two lanes so that the multiplications
 * of neighbouring words overlap, and a finish that makes every bit depend on every other. Fast and well spread on the
 * structured keys of networks (neighbouring addresses, prefixes whose low bits are 0, counting ports), but no
 * protection against someone who may choose keys and knows the basis: seed tables at random.
 *
 * `hashWord` and `finishHash` are the one-lane form, for callers that pick their words one by one.
 */

const MULTIPLIER_A = 0x9e3779b1 | 0;
const MULTIPLIER_B = 0x85ebca77 | 0;
const MULTIPLIER_JOIN = 0x2c1b3c6d;

/** Takes one word into an unfinished hash. A basis is an unfinished hash of no words. */
export function hashWord(hash: number, word: number): number {
  return Math.imul(((hash << 13) | (hash >>> 19)) ^ word, MULTIPLIER_A);
}

/** Spreads an unfinished hash over all its bits (the finalizer of MurmurHash3); an int32. */
export function finishHash(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Hash of `count` words from `start`, an int32. */
export function hashWords(words: Int32Array, start: number, count: number, basis: number): number {
  let a = basis;
  let b = basis ^ MULTIPLIER_B;
  const end = start + count;
  let at = start;
  for (; at + 1 < end; at += 2) {
    a = Math.imul(((a << 13) | (a >>> 19)) ^ words[at]!, MULTIPLIER_A);
    b = Math.imul(((b << 13) | (b >>> 19)) ^ words[at + 1]!, MULTIPLIER_B);
  }
  if (at < end) {
    a = Math.imul(((a << 13) | (a >>> 19)) ^ words[at]!, MULTIPLIER_A);
  }
  // Without the shift, keys that differ in the high bits of the last two words fall together.
  return finishHash(((a ^ Math.imul(b ^ (b >>> 15), MULTIPLIER_JOIN)) + count) | 0);
}
