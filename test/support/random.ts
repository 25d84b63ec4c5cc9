/** Seeded random numbers, the same in every run: unsigned 32-bit (xorshift32). `seed` is not 0. */
export function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
