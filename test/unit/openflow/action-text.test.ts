/** Lists of actions as text: the round trip for every type of action, and the errors' places. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  explainError,
  formatActions,
  type OpenFlowAction,
  OpenFlowTextError,
  parseActions,
} from '../../../src/openflow/index.ts';
import { arbitraryActions, arbitraryConjunctions, arbitrarySimpleActions } from './arbitrary-actions.ts';

test('reading what was printed gives the actions back', () => {
  fc.assert(
    fc.property(arbitraryActions, (actions) => {
      assert.deepEqual(parseActions(formatActions(actions)), actions);
    }),
    { numRuns: 400, seed: 1 },
  );
  fc.assert(
    fc.property(arbitraryConjunctions, (actions) => {
      assert.deepEqual(parseActions(formatActions(actions)), actions);
    }),
    { numRuns: 50, seed: 1 },
  );
});

test('every generator of actions makes the round trip, also inside clone', () => {
  for (const arbitrary of arbitrarySimpleActions) {
    fc.assert(
      fc.property(arbitrary, (action) => {
        const actions: OpenFlowAction[] = [{ type: 'clone', actions: [action] }, action];
        assert.deepEqual(parseActions(formatActions(actions)), actions);
      }),
      { numRuns: 40, seed: 2 },
    );
  }
});

test('blanks, order of options and names in any case mean nothing', () => {
  assert.equal(formatActions(parseActions(' OUTPUT:1 ,,\t2\n')), 'output:1,output:2');
  assert.equal(formatActions(parseActions('ct( zone=5 , commit )')), 'ct(commit,zone=5)');
  assert.deepEqual(parseActions('drop'), []);
  assert.equal(formatActions([]), 'drop');
});

test('ports and tables have names where the caller knows them', () => {
  const options = {
    ports: {
      numberOf: (name: string) => (name === 'eth0' ? 3 : name === 'a b' ? 4 : undefined),
      nameOf: (port: number) => (port === 3 ? 'eth0' : port === 4 ? 'a b' : undefined),
    },
    tables: {
      numberOf: (name: string) => (name === 'ingress' ? 7 : undefined),
      nameOf: (table: number) => (table === 7 ? 'ingress' : undefined),
    },
  };
  const text = 'eth0,output:"a b",enqueue:eth0:1,resubmit(,ingress),bundle(eth_src,0,hrw,ofport,members:eth0,5)';
  const actions = parseActions(text, options);
  assert.equal(
    formatActions(actions),
    'output:3,output:4,enqueue:3:1,resubmit(,7),bundle(eth_src,0,hrw,ofport,members:3,5)',
  );
  assert.equal(
    formatActions(actions, options),
    'output:eth0,output:"a b",enqueue:eth0:1,resubmit(,ingress),bundle(eth_src,0,hrw,ofport,members:eth0,5)',
  );
});

test('an error knows its place, however deep it is', () => {
  const cases: readonly (readonly [text: string, place: string])[] = [
    ['output:1,foo', 'foo'],
    ['output:1,set_queue:x', 'set_queue'],
    ['clone(output:1,clone(bar)),2', 'bar'],
    ['ct(commit,exec(load:1->reg77))', 'reg77'],
    ['ct(commit,exec(set_field:1->reg0))', 'set_field'],
    ['move:reg0->regx', 'regx'],
    ['learn(table=1,eth_src=eth_dst,load:reg0->nope)', 'nope'],
    ['encap(nsh(md_type=2,tlv(1,2,3)))', 'tlv'],
    ['ct(commit,nat(src=10.0.0.1:80x))', 'x))'],
    ['1,write_actions(2,goto_table:3)', 'goto_table'],
    ['2,drop', 'drop'],
  ];
  for (const [text, place] of cases) {
    assert.throws(
      () => parseActions(text),
      (error) => {
        assert.ok(error instanceof OpenFlowTextError, String(error));
        assert.equal(error.offset, text.lastIndexOf(place), `${text}: ${error.message}`);
        return true;
      },
    );
  }
});

test('an error is explained with the line and a caret', () => {
  try {
    parseActions('output:1,\tbogus');
    assert.fail('no error');
  } catch (error) {
    assert.ok(error instanceof OpenFlowTextError);
    assert.equal(explainError(error, 'output:1,\tbogus'), 'unknown action bogus\n  output:1,\tbogus\n           \t^');
  }
});

test('a load of more than 64 bits is several', () => {
  assert.deepEqual(
    parseActions('load:0x1ffffffffffffffff->xxreg0').map((action) => action.type === 'load' && action.value),
    [0xffffffffffffffffn, 1n],
  );
});

test('lists are nested only so deep', () => {
  const text = `${'clone('.repeat(2000)}1${')'.repeat(2000)}`;
  assert.throws(() => parseActions(text), /nested more than 64 deep/);
});
