import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OvsdbError } from '../../../src/ovsdb/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, stringifySorted } from '../../../src/ovsdb/json.ts';
import { parseSchema } from '../../../src/ovsdb/schema.ts';
import { vswitchSchema } from '../../../src/ovsdb/vswitch-schema.ts';
import { TEST_SCHEMA } from '../../support/ovsdb-schema.ts';

const INSTALLED = '/usr/share/openvswitch/vswitch.ovsschema';

test('a schema goes there and back', () => {
  const { json } = parseSchema(TEST_SCHEMA);
  assert.equal(stringifySorted(parseSchema(json).json), stringifySorted(json));
});

test('where no table says isRoot all are', () => {
  const schema = parseSchema({ name: 'S', version: '1.0.0', tables: { A: { columns: { a: { type: 'integer' } } } } });
  assert.equal(schema.tables.get('A')!.isRoot, true);
  assert.deepEqual(schema.json.tables, { A: { columns: { a: { type: 'integer' } } } });
});

test('a column of weak references is mutable whatever it says', () => {
  const type = { key: { type: 'uuid', refTable: 'A', refType: 'weak' }, min: 0 };
  const schema = parseSchema({
    name: 'S',
    tables: { A: { columns: { a: { type, mutable: false }, b: { type: 'integer', mutable: false } } } },
  });
  const columns = schema.tables.get('A')!.columnsByName;
  assert.deepEqual([columns.get('a')!.mutable, columns.get('b')!.mutable], [true, false]);
});

const column = { type: 'integer' };
for (const [name, json] of [
  ['no name', { tables: {} }],
  ['a name that is no id', { name: '1x', tables: {} }],
  ['a version of two numbers', { name: 'S', version: '1.0', tables: {} }],
  ['a reserved table', { name: 'S', tables: { _A: { columns: { a: column } } } }],
  ['a reserved column', { name: 'S', tables: { A: { columns: { _a: column } } } }],
  ['a table without columns', { name: 'S', tables: { A: { columns: {} } } }],
  ['an index of nothing', { name: 'S', tables: { A: { columns: { a: column }, indexes: [[]] } } }],
  ['an index of an unknown column', { name: 'S', tables: { A: { columns: { a: column }, indexes: [['b']] } } }],
  ['an index of _uuid', { name: 'S', tables: { A: { columns: { a: column }, indexes: [['_uuid']] } } }],
  ['no rows at all', { name: 'S', tables: { A: { columns: { a: column }, maxRows: 0 } } }],
  [
    'a reference to nowhere',
    { name: 'S', tables: { A: { columns: { a: { type: { key: { type: 'uuid', refTable: 'B' } } } } } } },
  ],
  ['an unknown member', { name: 'S', tables: { A: { columns: { a: { ...column, foo: 1 } } } } }],
] as [string, JsonValue][]) {
  test(`no schema: ${name}`, () => assert.throws(() => parseSchema(json), OvsdbError));
}

test('our schema of Open vSwitch has the tables, columns, types and limits of the installed one', {
  skip: existsSync(INSTALLED) ? false : 'Open vSwitch is not installed',
}, () => {
  const theirs = parseSchema(JSON.parse(readFileSync(INSTALLED, 'utf8')) as JsonValue);
  const ours = vswitchSchema();
  assert.deepEqual(plain(ours.json), plain(theirs.json));
});

/** Without checksum, and with the words of an `enum` in order. */
function plain(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map(plain);
  if (!isJsonObject(json)) return json;
  const result: JsonObject = {};
  for (const name of Object.keys(json).sort()) if (name !== 'cksum') result[name] = plain(json[name]!);
  return result;
}
