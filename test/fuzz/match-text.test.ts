import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  FIELDS,
  formatFlow,
  formatMatch,
  MatchError,
  parseFieldValue,
  parseFlow,
  parseMatch,
  parseSubfield,
  splitTerms,
} from '../../src/flow/index.ts';
import { ACCEPTED } from '../unit/flow/match-corpus.ts';

const RUNS = 4000;
const SEED = 7_340_033;

/** Pieces that get further into the readers than random characters do. */
const piece = fc.oneof(
  fc.constantFrom(
    ...',=:/|()[]+-.*"\\ \t\0'.split(''),
    '..',
    '0x',
    '::',
    '0xffffffffffffffffffffffffffffffffff',
    '-1',
    '99999999999',
  ),
  fc.constantFrom(...FIELDS.flatMap((field) => [field.name, ...field.aliases])),
  fc.constantFrom(...ACCEPTED.flatMap(([text]) => text.split(/[,=]/))),
  fc.nat().map(String),
  fc.string({ maxLength: 4 }),
);
const soup = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));

/** A line that Open vSwitch takes, with something in it replaced. */
const damaged = fc
  .tuple(
    fc.constantFrom(...ACCEPTED.map(([text]) => text)),
    fc.nat(80),
    fc.nat(4),
    fc.oneof(piece, fc.string({ maxLength: 3 })),
  )
  .map(([text, at, length, inserted]) => text.slice(0, at) + inserted + text.slice(at + length));

const text = fc.oneof(soup, damaged, fc.string({ unit: 'binary', maxLength: 60 }));

function mayRefuse(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof MatchError)) {
      throw error;
    }
  }
}

describe('readers of matches', () => {
  for (const ovsCompat of [false, true]) {
    it(`read any text or refuse it with their own error${ovsCompat ? ', carelessly too' : ''}`, () => {
      fc.assert(
        fc.property(text, fc.constantFrom(...FIELDS), (anyText, field) => {
          splitTerms(anyText);
          mayRefuse(() => formatMatch(parseMatch(anyText, { ovsCompat })));
          mayRefuse(() => formatFlow(parseFlow(anyText, { ovsCompat })));
          mayRefuse(() => parseFieldValue(field, anyText, { ovsCompat }));
          mayRefuse(() => parseSubfield(anyText));
        }),
        { numRuns: RUNS, seed: SEED },
      );
    });
  }
});
