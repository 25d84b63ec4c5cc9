import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Atom, compareAtoms } from '../../../src/ovsdb/atom.ts';
import {
  applyDiff,
  createDatum,
  type Datum,
  datumsEqual,
  datumToJson,
  diffDatums,
  diffType,
  excludesAll,
  formatDatum,
  includesAll,
  parseDatum,
  subtractDatums,
  unionDatums,
} from '../../../src/ovsdb/datum.ts';
import { OvsdbError } from '../../../src/ovsdb/errors.ts';
import type { JsonValue } from '../../../src/ovsdb/json.ts';
import { type ColumnType, parseType, typeToJson } from '../../../src/ovsdb/types.ts';

const none = (): never => {
  throw new Error('no enum');
};
const type = (json: JsonValue): ColumnType => parseType(json, none);
const SET = type({ key: 'string', min: 0, max: 'unlimited' });
const MAP = type({ key: 'string', value: 'integer', min: 0, max: 'unlimited' });

const words = fc.uniqueArray(fc.string({ maxLength: 2, unit: fc.constantFrom('a', 'b', 'é', '\u{1f600}', '\uffee') }), {
  maxLength: 6,
});
const sets = words.map((keys) => createDatum(keys, null));
const maps = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(2))
  .map((pairs) => createDatum(Object.keys(pairs), Object.values(pairs)));

const anyText = fc.string({
  maxLength: 4,
  unit: fc.constantFrom('', 'a', 'z', 'é', '\ud7ff', '\ue000', '\uffee', '\u{1f600}', '\u{10ffff}'),
});

test('strings are in the order of their UTF-8 bytes', () => {
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      assert.equal(Math.sign(compareAtoms(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

for (const [name, arbitrary, columnType] of [
  ['sets', sets, SET],
  ['maps', maps, MAP],
] as const) {
  test(`${name}: JSON there and back`, () => {
    fc.assert(
      fc.property(arbitrary, (datum) => {
        assert.deepEqual(parseDatum(datumToJson(datum, columnType), columnType), datum);
      }),
    );
  });

  test(`${name}: a difference leads from one to the other`, () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (before, after) => {
        const diff = diffDatums(before, after, columnType);
        assert.deepEqual(applyDiff(before, diff, columnType), after);
        assert.equal(diff.keys.length === 0, datumsEqual(before, after));
        assert.deepEqual(parseDatum(datumToJson(diff, columnType), diffType(columnType)), diff);
      }),
    );
  });

  test(`${name}: union and difference`, () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (a, b) => {
        const union = unionDatums(a, b);
        assert.ok(includesAll(union, a));
        assert.ok(isSorted(union));
        assert.ok(excludesAll(subtractDatums(a, b), b));
        assert.ok(includesAll(a, subtractDatums(a, b)));
      }),
    );
  });
}

function isSorted({ keys }: Datum): boolean {
  return keys.every((key, i) => i === 0 || compareAtoms(keys[i - 1] as Atom, key) < 0);
}

test('a map loses keys by a set of keys whatever their values', () => {
  const map = createDatum(['a', 'b'], [1, 2]);
  assert.deepEqual(subtractDatums(map, createDatum(['a'], null)), createDatum(['b'], [2]));
  assert.deepEqual(subtractDatums(map, createDatum(['a', 'b'], [9, 2])), createDatum(['a'], [1]));
});

test('datums as tools show them', () => {
  assert.equal(formatDatum(createDatum(['b', 'a c'], null), SET), '["a c", b]');
  assert.equal(formatDatum(createDatum(['a'], [1]), MAP), '{a=1}');
  assert.equal(formatDatum(createDatum([], null), SET), '[]');
  assert.equal(formatDatum(createDatum(['true'], null), type('string')), '"true"');
});

for (const json of [
  'string',
  { key: 'integer', min: 0, max: 'unlimited' },
  {
    key: { type: 'integer', minInteger: 1, maxInteger: 5 },
    value: { type: 'uuid', refTable: 'A', refType: 'weak' },
    min: 0,
    max: 3,
  },
  { key: { type: 'string', minLength: 2 }, max: 2 },
  { key: { type: 'real', maxReal: 1.5 } },
] as JsonValue[]) {
  test(`type there and back: ${JSON.stringify(json)}`, () => assert.deepEqual(typeToJson(type(json)), json));
}

for (const json of [
  'word',
  {},
  { key: 'integer', min: 2 },
  { key: 'integer', max: 0 },
  { key: { type: 'integer', minInteger: 2, maxInteger: 1 } },
  { key: { type: 'boolean', minInteger: 1 } },
  { key: { type: 'uuid', refTable: 'A', refType: 'loose' } },
  { key: 'string', max: 'many' },
] as JsonValue[]) {
  test(`no type: ${JSON.stringify(json)}`, () => assert.throws(() => type(json), OvsdbError));
}
