import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ACTION_CODE_LIMIT_WORDS,
  ActionWriter,
  type DatapathAction,
  DatapathError,
  decodeActions,
  encodeActions,
  equalActionCode,
  hashActionCode,
} from '../../../src/datapath/index.ts';
import { arbitraryActions } from '../../support/arbitrary-datapath.ts';

describe('action code', () => {
  it('is a header word and the payload for each action', () => {
    const code = encodeActions([
      { type: 'output', port: 7 },
      { type: 'clone', actions: [{ type: 'pop_vlan' }] },
      { type: 'push_vlan', tpid: 0x8100, tci: 0x300a },
    ]);
    assert.deepEqual(
      [...code].map((word) => word >>> 0),
      [(1 << 16) | 2, 7, (20 << 16) | 2, (5 << 16) | 1, (4 << 16) | 2, 0x8100300a],
    );
  });

  it('keeps every list of actions', () => {
    fc.assert(
      fc.property(arbitraryActions, (actions) => {
        assert.deepEqual(decodeActions(encodeActions(actions)), actions);
      }),
    );
  });

  it('keeps reasons of drops', () => {
    const actions: DatapathAction[] = [{ type: 'drop', reason: 3 }];
    assert.deepEqual(decodeActions(encodeActions(actions)), actions);
  });

  it('is equal and hashes alike for equal lists only', () => {
    fc.assert(
      fc.property(arbitraryActions, arbitraryActions, (a, b) => {
        const codeA = encodeActions(a);
        const codeB = Int32Array.of(99, ...encodeActions(b));
        const isEqual = equalActionCode(codeA, 0, codeA.length, codeB, 1, codeB.length - 1);
        assert.equal(isEqual, JSON.stringify([...codeA]) === JSON.stringify([...codeB.slice(1)]));
        if (isEqual) {
          assert.equal(hashActionCode(codeA, 0, codeA.length), hashActionCode(codeB, 1, codeB.length - 1));
        }
      }),
    );
  });

  it('throws for what is no code, and nothing else', () => {
    const words = fc.array(
      fc.oneof(
        fc.integer(),
        fc
          .integer({ min: 1, max: 27 })
          .chain((type) => fc.integer({ min: 0, max: 9 }).map((count) => (type << 16) | count)),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(words, (list) => {
        try {
          decodeActions(Int32Array.from(list));
        } catch (error) {
          assert.ok(error instanceof DatapathError);
          assert.equal(error.code, 'ACTION_CODE_INVALID');
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('says where code stops making sense', () => {
    assert.throws(() => decodeActions(Int32Array.of((1 << 16) | 2, 1, (1 << 16) | 5, 1)), {
      name: 'DatapathError',
      code: 'ACTION_CODE_INVALID',
      offset: 2,
    });
  });
});

describe('ActionWriter', () => {
  it('starts anew after reset and goes back on rewind', () => {
    const writer = new ActionWriter();
    writer.output(1);
    writer.reset();
    writer.output(2);
    const mark = writer.length;
    writer.beginClone();
    writer.trunc(5);
    writer.end();
    writer.rewind(mark);
    writer.output(3);
    assert.deepEqual(decodeActions(writer.copy()), [
      { type: 'output', port: 2 },
      { type: 'output', port: 3 },
    ]);
  });

  it('reports lists that are too long', () => {
    const writer = new ActionWriter();
    for (let count = 0; count < ACTION_CODE_LIMIT_WORDS / 2; count++) {
      writer.output(count);
    }
    assert.equal(writer.oversized, false);
    writer.output(1);
    assert.equal(writer.oversized, true);
    writer.reset();
    assert.equal(writer.oversized, false);
  });

  it('nests deeper than it has room for at first', () => {
    const writer = new ActionWriter();
    for (let depth = 0; depth < 200; depth++) {
      writer.beginClone();
    }
    writer.output(1);
    for (let depth = 0; depth < 200; depth++) {
      writer.end();
    }
    let actions: readonly DatapathAction[] = decodeActions(writer.copy());
    for (let depth = 0; depth < 200; depth++) {
      const [action] = actions;
      assert.ok(action?.type === 'clone');
      actions = action.actions;
    }
    assert.deepEqual(actions, [{ type: 'output', port: 1 }]);
  });
});
