import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  addMask,
  applyMask,
  compressFlow,
  compressMatch,
  createFlow,
  equalUnderMask,
  expandFlow,
  expandMatch,
  FLOW_WORDS,
  hashMiniflow,
  isMaskSubset,
  isMinimaskSubset,
  MINIFLOW_MAP_WORDS,
  maskedWords,
  matchesFlow,
  matchesOverlap,
  miniflowsEqual,
  miniflowWord,
  miniflowWords,
  minimatchCovers,
  minimatchesOverlap,
  minimatchMatchesFlow,
} from '../../../src/flow/index.ts';
import { arbitraryFlow, arbitraryMatch, arbitraryMatchPair } from '../../support/arbitrary-flow.ts';

describe('miniflow', () => {
  it('is a bit map and the nonzero words', () => {
    const flow = createFlow();
    flow[0] = 7;
    flow[31] = -1;
    flow[32] = 9;
    flow[FLOW_WORDS - 1] = 11;
    assert.deepEqual(Array.from(compressFlow(flow)), [-0x80000000 | 1, 1, 0, 0, 0, 1 << 2, 7, -1, 9, 11]);
  });

  it('expands to the flow it was made of, whatever was there before', () => {
    fc.assert(
      fc.property(arbitraryFlow(40), arbitraryFlow(40), (flow, old) => {
        expandFlow(compressFlow(flow), old);
        assert.deepEqual(old, flow);
      }),
    );
  });

  it('takes a full flow', () => {
    const flow = createFlow().map((_, word) => word + 1);
    const expanded = createFlow();
    expandFlow(compressFlow(flow), expanded);
    assert.deepEqual(expanded, flow);
  });

  it('gives single words and lists those it has', () => {
    fc.assert(
      fc.property(arbitraryFlow(40), (flow) => {
        const miniflow = compressFlow(flow);
        const nonzero: number[] = [];
        for (let word = 0; word < FLOW_WORDS; word++) {
          assert.equal(miniflowWord(miniflow, word), flow[word]);
          if (flow[word] !== 0) {
            nonzero.push(word);
          }
        }
        assert.deepEqual(Array.from(miniflowWords(miniflow)), nonzero);
      }),
    );
  });

  it('is equal, and hashes alike, for equal flows only', () => {
    fc.assert(
      fc.property(arbitraryFlow(), arbitraryFlow(1), (flow, change) => {
        const other = flow.map((value, word) => value ^ change[word]!);
        const isSame = change.every((value) => value === 0);
        const a = compressFlow(flow);
        const b = compressFlow(other);
        assert.equal(miniflowsEqual(a, b), isSame);
        assert.equal(hashMiniflow(a, 3) === hashMiniflow(b, 3), isSame);
      }),
    );
  });
});

describe('minimask', () => {
  it('is a subset where the dense mask is', () => {
    fc.assert(
      fc.property(arbitraryMatchPair, ([a, b]) => {
        const expected = a.masks.every((mask, word) => (mask & b.masks[word]!) === mask);
        assert.equal(isMaskSubset(a.masks, b.masks), expected);
        assert.equal(isMinimaskSubset(compressFlow(a.masks), compressFlow(b.masks)), expected);
      }),
    );
  });

  it('is a subset of itself with further bits, and not the other way round', () => {
    fc.assert(
      fc.property(arbitraryFlow(), arbitraryFlow(2), (mask, more) => {
        const wider = mask.slice();
        addMask(wider, more);
        assert.ok(isMinimaskSubset(compressFlow(mask), compressFlow(wider)));
        const grew = wider.some((bits, word) => bits !== mask[word]);
        assert.equal(isMinimaskSubset(compressFlow(wider), compressFlow(mask)), !grew);
      }),
    );
  });

  it('picks the masked words of a flow', () => {
    fc.assert(
      fc.property(arbitraryFlow(), arbitraryFlow(40), (mask, flow) => {
        const masked = flow.slice();
        applyMask(masked, mask);
        const words = miniflowWords(compressFlow(mask));
        assert.deepEqual(
          Array.from(maskedWords(flow, compressFlow(mask))),
          Array.from(words, (word) => masked[word]),
        );
        assert.ok(equalUnderMask(flow, masked, mask));
      }),
    );
  });
});

describe('minimatch', () => {
  it('expands to the match it was made of', () => {
    fc.assert(
      fc.property(arbitraryMatch, (match) => {
        assert.deepEqual(expandMatch(compressMatch(match)), match);
      }),
    );
  });

  it('shares a mask that it is given', () => {
    fc.assert(
      fc.property(arbitraryMatch, (match) => {
        const mask = compressFlow(match.masks);
        const minimatch = compressMatch(match, mask);
        assert.equal(minimatch.mask, mask);
        assert.equal(minimatch.values.length, mask.length - MINIFLOW_MAP_WORDS);
      }),
    );
  });

  it('matches the flows that the dense match matches', () => {
    fc.assert(
      fc.property(arbitraryMatch, arbitraryFlow(1), arbitraryFlow(40), (match, change, noise) => {
        const flow = match.values.map((value, word) => value ^ (noise[word]! & ~match.masks[word]!) ^ change[word]!);
        assert.equal(minimatchMatchesFlow(compressMatch(match), flow), matchesFlow(match, flow));
      }),
    );
  });

  it('overlaps another exactly when the union of both values satisfies both', () => {
    fc.assert(
      fc.property(arbitraryMatchPair, ([a, b]) => {
        const witness = a.values.map((value, word) => value | b.values[word]!);
        const expected = matchesFlow(a, witness) && matchesFlow(b, witness);
        assert.equal(matchesOverlap(a, b), expected);
        assert.equal(minimatchesOverlap(compressMatch(a), compressMatch(b)), expected);
      }),
    );
  });

  it('covers another when it has no bit that the other has not, with the same value', () => {
    fc.assert(
      fc.property(arbitraryMatchPair, ([a, b]) => {
        const expected = a.masks.every(
          (mask, word) => (mask & ~b.masks[word]!) === 0 && ((a.values[word]! ^ b.values[word]!) & mask) === 0,
        );
        assert.equal(minimatchCovers(compressMatch(a), compressMatch(b)), expected);
      }),
    );
  });
});
