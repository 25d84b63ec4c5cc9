/** Random flows, masks and matches for property tests: mostly zero words, as real ones are. */
import fc from 'fast-check';
import { createFlow, FLOW_WORDS, type FlowWords, type Match } from '../../src/flow/index.ts';

const interestingWord = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, -1, 1, 0xff, 0xffff, -0x80000000, 0xffff0000 | 0),
  fc.integer({ min: 0, max: 31 }).map((bit) => 1 << bit),
);

/** A flow or mask with up to `maxWords` nonzero words. */
export function arbitraryFlow(maxWords = 12): fc.Arbitrary<FlowWords> {
  return fc
    .array(fc.tuple(fc.integer({ min: 0, max: FLOW_WORDS - 1 }), interestingWord), { maxLength: maxWords })
    .map((entries) => {
      const flow = createFlow();
      for (const [word, value] of entries) {
        flow[word] = value;
      }
      return flow;
    });
}

/** A match: no bit of the value is outside the mask. */
export const arbitraryMatch: fc.Arbitrary<Match> = fc
  .tuple(arbitraryFlow(), arbitraryFlow(6))
  .map(([masks, noise]) => ({ masks, values: masks.map((mask, word) => mask & (noise[word]! ^ (word * 0x01000193))) }));

/** Two matches that look at many words in common, so that both answers of a comparison occur. */
export const arbitraryMatchPair: fc.Arbitrary<readonly [Match, Match]> = fc
  .tuple(arbitraryMatch, arbitraryFlow(3), arbitraryFlow(3), arbitraryFlow(2))
  .map(([match, add, remove, change]) => {
    const masks = match.masks.map((mask, word) => (mask | add[word]!) & ~remove[word]!);
    const values = match.values.map((value, word) => (value ^ change[word]!) & masks[word]!);
    return [match, { masks, values }] as const;
  });
