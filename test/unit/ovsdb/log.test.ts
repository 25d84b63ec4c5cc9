import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Database } from '../../../src/ovsdb/database.ts';
import { OvsdbError } from '../../../src/ovsdb/errors.ts';
import type { JsonObject, JsonValue } from '../../../src/ovsdb/json.ts';
import { formatRecord, readLog } from '../../../src/ovsdb/log.ts';
import { executeOperations } from '../../../src/ovsdb/operations.ts';
import { changesToRecord, replayRecord } from '../../../src/ovsdb/record.ts';
import type { RowChange } from '../../../src/ovsdb/row.ts';
import { parseSchema } from '../../../src/ovsdb/schema.ts';
import { compactDatabase, openStoredDatabase, type StoredDatabase } from '../../../src/ovsdb/stored-database.ts';
import { openDurableFile, sha1Hex } from '../../../src/platform/index.ts';
import { MemoryFile, uuid } from '../../support/ovsdb-local.ts';
import { RandomTransactions, TEST_SCHEMA } from '../../support/ovsdb-schema.ts';
import { createRandom } from '../../support/random.ts';

const SCHEMA = parseSchema(TEST_SCHEMA);
let uuids = 0;
const environment = { randomUuid: () => uuid(0xabc, ++uuids), now: () => 1700000000123.5 };

function open(file: MemoryFile): StoredDatabase {
  return openStoredDatabase(file, SCHEMA, environment, sha1Hex);
}

/** All that is kept on disk, as one record. */
function contents(database: Database): JsonObject | null {
  const everything = new Map<string, Map<string, RowChange>>();
  for (const [name, table] of database.tables) {
    everything.set(name, new Map([...table.rows].sort().map(([id, row]) => [id, { before: null, after: row }])));
  }
  return changesToRecord(everything, database.schema);
}

/** A database after random transactions, with the length of its file after each. */
function grow(file: MemoryFile, rounds: number): { stored: StoredDatabase; states: [number, JsonObject | null][] } {
  const stored = open(file);
  const transactions = new RandomTransactions(createRandom(0x109));
  const states: [number, JsonObject | null][] = [[file.bytes.length, contents(stored.database)]];
  for (let i = 0; i < rounds; i++) {
    executeOperations(stored.database, transactions.next());
    if (file.bytes.length > states.at(-1)![0]) states.push([file.bytes.length, contents(stored.database)]);
  }
  return { stored, states };
}

test('a record has the form of ovsdb(5)', () => {
  const text = new TextDecoder().decode(formatRecord({ a: 'é\n' }, sha1Hex));
  assert.equal(text, `OVSDB JSON 13 ${sha1Hex(new TextEncoder().encode('{"a":"é\\n"}\n'))}\n{"a":"é\\n"}\n`);
  assert.deepEqual(readLog(new TextEncoder().encode(text), sha1Hex), {
    records: [{ a: 'é\n' }],
    length: text.length + 1,
    problem: null,
  });
});

test('what was written is there again', () => {
  const file = new MemoryFile();
  const { stored } = grow(file, 300);
  const again = open(file);
  assert.equal(again.problem, null);
  assert.deepEqual(contents(again.database), contents(stored.database));
  for (const [name, table] of stored.database.tables) {
    assert.deepEqual(again.database.tables.get(name)!.references, table.references, `references to ${name}`);
  }
});

test('a file cut anywhere holds every transaction that was whole', () => {
  const file = new MemoryFile();
  const { states } = grow(file, 60);
  const whole = file.bytes;
  fc.assert(
    fc.property(fc.integer({ min: states[0]![0], max: whole.length }), (length) => {
      const cut = new MemoryFile();
      cut.bytes = whole.slice(0, length);
      const { database, problem } = open(cut);
      const [kept, state] = states.findLast(([end]) => end <= length)!;
      assert.deepEqual(contents(database), state);
      assert.equal(problem === null, kept === length);
      executeOperations(database, [{ op: 'insert', table: 'Root', row: { name: 'new', number: 123456 } }]);
      const again = open(cut);
      assert.equal(again.problem, null);
      assert.deepEqual(contents(again.database), contents(database));
    }),
    { numRuns: 60 },
  );
});

test('a damaged byte ends the log before its record', () => {
  const file = new MemoryFile();
  const { states } = grow(file, 40);
  fc.assert(
    fc.property(
      fc.integer({ min: states[0]![0], max: file.bytes.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      (at, change) => {
        const damaged = new MemoryFile();
        damaged.bytes = file.bytes.slice();
        damaged.bytes[at]! ^= change;
        // The digits of a checksum may be in either case.
        fc.pre(change !== 0x20);
        const { database, problem } = open(damaged);
        assert.notEqual(problem, null);
        assert.deepEqual(contents(database), states.findLast(([end]) => end <= at)![1]);
      },
    ),
    { numRuns: 60 },
  );
});

test('compaction keeps the rows, and the file goes on', () => {
  const file = new MemoryFile();
  const { stored } = grow(file, 300);
  const before = contents(stored.database);
  const length = file.bytes.length;
  compactDatabase(stored);
  assert.ok(file.bytes.length < length / 2);
  assert.deepEqual(contents(open(file).database), before);
  executeOperations(stored.database, [{ op: 'delete', table: 'Root', where: [] }]);
  assert.deepEqual(contents(open(file).database), contents(stored.database));
});

test('columns that are ephemeral, and changes that are none, do not reach the file', () => {
  const file = new MemoryFile();
  const { database } = open(file);
  executeOperations(database, [{ op: 'insert', table: 'Root', row: { name: 'a', passing: 7 } }]);
  const length = file.bytes.length;
  executeOperations(database, [{ op: 'update', table: 'Root', where: [], row: { passing: 8 } }]);
  executeOperations(database, [{ op: 'update', table: 'Root', where: [], row: { name: 'a' } }]);
  assert.equal(file.bytes.length, length);
  const [row] = open(file).database.tables.get('Root')!.rows.values();
  assert.deepEqual(row!.values[SCHEMA.tables.get('Root')!.columnsByName.get('passing')!.index]!.keys, [0]);
});

test('comments and the date are in the record', () => {
  const file = new MemoryFile();
  const { database } = open(file);
  executeOperations(database, [
    { op: 'comment', comment: 'first' },
    { op: 'insert', table: 'Single', row: {} },
    { op: 'comment', comment: 'second' },
  ]);
  const record = readLog(file.bytes, sha1Hex).records[1] as JsonObject;
  assert.equal(record._comment, 'first\nsecond');
  assert.equal(record._date, 1700000000123);
});

test('records of differences, as recent versions of ovsdb-server write them', () => {
  const database = new Database(SCHEMA, environment);
  const root = uuid(2, 1);
  replayRecord(database, {
    Root: {
      [root]: {
        name: 'a',
        words: ['set', ['x', 'y']],
        map: [
          'map',
          [
            ['p', 1],
            ['q', 2],
          ],
        ],
        maybe: 5,
      },
    },
    _is_diff: true,
  });
  replayRecord(database, {
    Root: {
      [root]: {
        words: ['set', ['y', 'z']],
        map: [
          'map',
          [
            ['p', 1],
            ['q', 3],
          ],
        ],
        maybe: ['set', []],
        number: 9,
      },
    },
    _is_diff: true,
  });
  assert.deepEqual(contents(database), {
    Root: { [root]: { name: 'a', number: 9, words: ['set', ['x', 'z']], map: ['map', [['q', 3]]] } },
  });
});

for (const [name, records] of [
  ['a transaction of unknown tables', [TEST_SCHEMA, { Nope: {} }]],
  ['a transaction of unknown columns', [TEST_SCHEMA, { Root: { [uuid(1, 1)]: { nope: 1 } } }]],
  ['a row deleted that is not there', [TEST_SCHEMA, { Root: { [uuid(1, 1)]: null } }]],
  ['no schema', [{ a: 1 }]],
] as [string, JsonValue[]][]) {
  test(`not a database: ${name}`, () => {
    const file = new MemoryFile();
    file.bytes = Buffer.concat(records.map((record) => formatRecord(record, sha1Hex)));
    assert.throws(() => open(file), OvsdbError);
  });
}

test('not a database: some other file', () => {
  const file = new MemoryFile();
  file.bytes = new TextEncoder().encode('hello\n');
  assert.throws(() => open(file), OvsdbError);
  assert.equal(new TextDecoder().decode(file.bytes), 'hello\n');
});

test('a real file: written, cut, replaced', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ovsdb-log-'));
  try {
    const path = join(folder, 'db');
    const file = openDurableFile(path);
    file.writeAt(0, Buffer.from('hello'));
    file.writeAt(5, Buffer.from(' world'));
    assert.equal(readFileSync(path, 'utf8'), 'hello world');
    const synced = new Promise((resolve) => file.sync(resolve));
    file.replace(Buffer.from('short'));
    assert.equal(await synced, null);
    file.writeAt(5, Buffer.from('er'));
    assert.equal(readFileSync(path, 'utf8'), 'shorter');
    file.close();
    writeFileSync(path, 'good and bad');
    const again = openDurableFile(path);
    again.writeAt(5, Buffer.from('!'));
    assert.equal(readFileSync(path, 'utf8'), 'good !');
    again.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
