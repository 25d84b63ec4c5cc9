/** Operations and their errors, with the texts that ovsdb-server 3.1 was seen to give. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Database } from '../../../src/ovsdb/database.ts';
import type { JsonObject, JsonValue } from '../../../src/ovsdb/json.ts';
import { executeOperations } from '../../../src/ovsdb/operations.ts';
import { parseSchema } from '../../../src/ovsdb/schema.ts';
import { uuid } from '../../support/ovsdb-local.ts';
import { TEST_SCHEMA } from '../../support/ovsdb-schema.ts';

const SCHEMA = parseSchema(TEST_SCHEMA);

function createDatabase(): Database {
  let count = 0;
  return new Database(SCHEMA, { randomUuid: () => uuid(0xabc, ++count), now: () => 0 });
}

function run(database: Database, ...operations: JsonValue[]): JsonValue[] {
  const result = executeOperations(database, operations);
  assert.equal(result.kind, 'done');
  return result.kind === 'done' ? result.results : [];
}

const CHILD = uuid(1, 1);
const ROOT = uuid(2, 1);

/** A root `n1` that keeps a child, weakly refers to it, and has some values. */
function createFamily(): Database {
  const database = createDatabase();
  const results = run(
    database,
    { op: 'insert', table: 'Child', uuid: CHILD, 'uuid-name': 'c', row: { value: 1 } },
    {
      op: 'insert',
      table: 'Root',
      uuid: ROOT,
      row: {
        name: 'n1',
        children: ['named-uuid', 'c'],
        friends: ['named-uuid', 'c'],
        words: ['set', ['a', 'b']],
        map: [
          'map',
          [
            ['p', 1],
            ['q', 2],
          ],
        ],
        reals: ['set', [1.5, 2]],
        some: 3,
        maybe: 4,
      },
    },
  );
  assert.deepEqual(results, [{ uuid: ['uuid', CHILD] }, { uuid: ['uuid', ROOT] }]);
  return database;
}

function rowOf(database: Database, ...columns: string[]): JsonObject {
  const [result] = run(database, { op: 'select', table: 'Root', where: [['name', '==', 'n1']], columns });
  return ((result as JsonObject).rows as JsonObject[])[0]!;
}

for (const [mutation, column, expected] of [
  [['number', '+=', 5], 'number', 5],
  [['number', '-=', 5], 'number', -5],
  [['maybe', '*=', 3], 'maybe', 12],
  [['maybe', '/=', 3], 'maybe', 1],
  [['maybe', '%=', 3], 'maybe', 1],
  [['maybe', '/=', -3], 'maybe', -1],
  [['reals', '*=', 2], 'reals', ['set', [3, 4]]],
  [['reals', '/=', 4], 'reals', ['set', [0.375, 0.5]]],
  [['words', 'insert', 'x'], 'words', ['set', ['a', 'b', 'x']]],
  [['words', 'delete', ['set', ['a', 'zz']]], 'words', 'b'],
  [
    [
      'map',
      'insert',
      [
        'map',
        [
          ['p', 9],
          ['r', 3],
        ],
      ],
    ],
    'map',
    [
      'map',
      [
        ['p', 1],
        ['q', 2],
        ['r', 3],
      ],
    ],
  ],
  [
    [
      'map',
      'delete',
      [
        'map',
        [
          ['p', 9],
          ['q', 2],
        ],
      ],
    ],
    'map',
    ['map', [['p', 1]]],
  ],
  [['map', 'delete', ['set', ['p']]], 'map', ['map', [['q', 2]]]],
  [['map', 'delete', 'q'], 'map', ['map', [['p', 1]]]],
] as [JsonValue, string, JsonValue][]) {
  test(`mutate ${JSON.stringify(mutation)}`, () => {
    const database = createFamily();
    assert.deepEqual(run(database, { op: 'mutate', table: 'Root', where: [], mutations: [mutation] }), [{ count: 1 }]);
    assert.deepEqual(rowOf(database, column), { [column]: expected });
  });
}

for (const [mutation, error, details] of [
  [['maybe', '/=', 0], 'domain error', 'Division by zero.'],
  [['maybe', '%=', 0], 'domain error', 'Division by zero.'],
  [['reals', '/=', 0], 'domain error', 'Division by zero.'],
  [['maybe', '*=', 9223372036854775807n], 'range error', 'Result of "*=" operation is out of range.'],
  [['reals', '*=', 1e308], 'range error', 'Result of "*=" operation is out of range.'],
  [['reals', '*=', 0], 'constraint violation', 'Result of "*=" operation contains duplicates.'],
  [['some', 'delete', 3], 'constraint violation', 'Attempted to store 0 elements in set of 1 to 3 integers.'],
  [
    ['words', 'insert', ['set', ['y', 'z']]],
    'constraint violation',
    'Attempted to store 4 elements in set of up to 3 strings.',
  ],
  [['maybe', 'insert', 1], 'constraint violation', 'Attempted to store 2 elements in set of up to 1 integers.'],
  [
    ['name', '+=', 'x'],
    'syntax error',
    'Type mismatch: "+=" operator may not be applied to column name of type string.',
  ],
  [
    ['words', '+=', 'x'],
    'syntax error',
    'Type mismatch: "+=" operator may not be applied to column words of type set of up to 3 strings.',
  ],
  [
    ['map', '+=', 1],
    'syntax error',
    'Type mismatch: "+=" operator may not be applied to column map of type map of (string, integer) pairs.',
  ],
  [
    ['reals', '%=', 2],
    'syntax error',
    'Type mismatch: "%=" operator may not be applied to column reals of type set of reals.',
  ],
  [
    ['number', 'insert', 1],
    'syntax error',
    'Type mismatch: "insert" operator may not be applied to column number of type integer.',
  ],
  [['fixed', '+=', 1], 'constraint violation', 'Cannot mutate immutable column fixed in table Root.'],
  [['_uuid', '+=', 1], 'constraint violation', 'Cannot mutate immutable column _uuid in table Root.'],
  [['number', '=', 1], 'unknown mutator', 'No mutator named =.'],
  [['nope', '+=', 1], 'unknown column', 'No column nope in table Root.'],
  [['number', '+='], 'syntax error', 'Parse error in mutation.'],
  [['number', '+=', 1.5], 'syntax error', 'expected integer'],
] as [JsonValue, string, string][]) {
  test(`mutate ${String(mutation)}: ${details}`, () => {
    const database = createFamily();
    const [result] = run(database, { op: 'mutate', table: 'Root', where: [], mutations: [mutation] }) as [JsonObject];
    assert.equal(result.error, error);
    assert.equal(result.details, details);
  });
}

for (const [operation, error, details, syntax] of [
  [1, 'syntax error', 'Parsing ovsdb operation 1 of 1 failed: Object expected.', undefined],
  [{}, 'syntax error', "Parsing ovsdb operation 1 of 1 failed: Required 'op' member is missing.", '{}'],
  [{ op: 'zz' }, 'syntax error', 'Parsing ovsdb operation 1 of 1 failed: No operation "zz"', '{"op":"zz"}'],
  [
    { op: 'constructor' },
    'syntax error',
    'Parsing ovsdb operation 1 of 1 failed: No operation "constructor"',
    '{"op":"constructor"}',
  ],
  [
    { op: 'insert', table: 'Q', row: {} },
    'syntax error',
    'Parsing ovsdb operation 1 of 1 failed: No table named Q.',
    '{"op":"insert","row":{},"table":"Q"}',
  ],
  [
    { op: 'insert', table: 'Root', row: {}, foo: 1 },
    'syntax error',
    "Parsing ovsdb operation 1 of 1 failed: Member 'foo' is present but not allowed here.",
    '{"foo":1,"op":"insert","row":{},"table":"Root"}',
  ],
  [
    { op: 'insert', table: 'Root', row: [] },
    'syntax error',
    "Parsing ovsdb operation 1 of 1 failed: Type mismatch for member 'row'.",
    '{"op":"insert","row":[],"table":"Root"}',
  ],
  [{ op: 'insert', table: 'Root', row: { nope: 1 } }, 'unknown column', 'No column nope in table Root.', '{"nope":1}'],
  [{ op: 'insert', table: 'Root', row: {}, uuid: 'x' }, 'syntax error', 'bad uuid', '"x"'],
  [
    { op: 'insert', table: 'Root', row: {}, uuid: ROOT },
    'duplicate uuid',
    'This UUID would duplicate a UUID already present within the table or deleted within the same transaction.',
    `"${ROOT}"`,
  ],
  [
    { op: 'update', table: 'Root', where: [], row: { fixed: 5 } },
    'constraint violation',
    'Cannot update immutable column fixed in table Root.',
    '{"op":"update","row":{"fixed":5},"table":"Root","where":[]}',
  ],
  [{ op: 'select', table: 'Root', where: [1] }, 'syntax error', 'Parse error in condition.', '1'],
  [{ op: 'select', table: 'Root', where: [['number', '=', 1]] }, 'unknown function', 'No function named =.', undefined],
  [
    { op: 'select', table: 'Root', where: [['name', '<', 'x']] },
    'syntax error',
    'Type mismatch: "<" operator may not be applied to column name of type string.',
    '["name","<","x"]',
  ],
  [
    { op: 'select', table: 'Root', where: [], columns: ['name', 'name'] },
    'syntax error',
    'array of distinct column names expected',
    '["name","name"]',
  ],
  [
    { op: 'select', table: 'Root', where: [], columns: ['zz'] },
    'syntax error',
    'zz is not a valid column name',
    '["zz"]',
  ],
  [{ op: 'abort' }, 'aborted', 'aborted by request', undefined],
  [{ op: 'assert', lock: 'x' }, 'not owner', 'Asserted lock x not held.', undefined],
  [
    { op: 'commit', durable: 1 },
    'syntax error',
    "Parsing ovsdb operation 1 of 1 failed: Type mismatch for member 'durable'.",
    '{"durable":1,"op":"commit"}',
  ],
  [
    { op: 'wait', table: 'Root', where: [], until: '<', rows: [] },
    'syntax error',
    '"until" must be "==" or "!="',
    '"<"',
  ],
  [
    { op: 'wait', table: 'Root', where: [], until: '==', rows: [], timeout: -1 },
    'syntax error',
    'timeout must be nonnegative',
    '-1',
  ],
  [
    { op: 'wait', table: 'Root', where: [], until: '==', rows: [], timeout: 0 },
    'timed out',
    '"where" clause test failed',
    undefined,
  ],
] as [JsonValue, string, string, string | undefined][]) {
  test(`${JSON.stringify(operation)}: ${error}`, () => {
    const [result] = run(createFamily(), operation) as [JsonObject];
    assert.deepEqual(result, syntax === undefined ? { error, details } : { error, details, syntax });
  });
}

for (const [row, error, details] of [
  [{ name: 1 }, 'syntax error', 'expected string'],
  [{ number: 1e30 }, 'syntax error', 'expected integer'],
  [{ flag: 1 }, 'syntax error', 'expected boolean'],
  [{ id: 'x' }, 'syntax error', 'expected ["uuid", <string>]'],
  [{ id: ['uuid', 'x'] }, 'syntax error', '"x" is not a valid UUID'],
  [{ words: ['set', ['a', 'a']] }, 'ovsdb error', 'set contains duplicate'],
  [{ words: ['set', ['a', 'b', 'c', 'd']] }, 'syntax error', 'set must have 0 to 3 members but 4 are present'],
  [{ name: ['set', ['a', 'b']] }, 'syntax error', 'set must have exactly one member but 2 are present'],
  [
    {
      map: [
        'map',
        [
          ['a', 1],
          ['a', 2],
        ],
      ],
    },
    'ovsdb error',
    'map contains duplicate key',
  ],
  [{ map: ['map', [['a']]] }, 'syntax error', 'expected 2-element array'],
  [{ map: 1 }, 'syntax error', 'expected ["map", <array>]'],
  [{ choice: 'z' }, 'constraint violation', 'z is not one of the allowed values ([x, y])'],
  [{ small: 11 }, 'constraint violation', '11 is not in the valid range 1 to 10 (inclusive)'],
  [{ short: 'x' }, 'constraint violation', '"x" length 1 is less than minimum allowed length 2'],
  [{ short: 'xxxxx' }, 'constraint violation', '"xxxxx" length 5 is greater than maximum allowed length 4'],
] as [JsonObject, string, string][]) {
  test(`insert ${JSON.stringify(row)}: ${details}`, () => {
    const [result] = run(createDatabase(), { op: 'insert', table: 'Root', row }) as [JsonObject];
    assert.deepEqual([result.error, result.details], [error, details]);
  });
}

test('an error stops the transaction: nothing happens, the rest is null', () => {
  const database = createFamily();
  const results = run(
    database,
    { op: 'delete', table: 'Root', where: [] },
    { op: 'abort' },
    { op: 'delete', table: 'Child', where: [] },
  );
  assert.deepEqual(results, [{ count: 1 }, { error: 'aborted', details: 'aborted by request' }, null]);
  assert.equal(database.tables.get('Root')!.rows.size, 1);
});

test('a uuid-name comes once, and may be used before its row', () => {
  const insert: JsonObject = { op: 'insert', table: 'Root', 'uuid-name': 'a', row: { name: 'k' } };
  const [, second] = run(createDatabase(), insert, { ...insert, row: { name: 'l' } }) as JsonObject[];
  assert.deepEqual(second, {
    error: 'duplicate uuid-name',
    details: 'This "uuid-name" appeared on an earlier "insert" operation.',
    syntax: '"a"',
  });
  const database = createDatabase();
  run(
    database,
    { op: 'insert', table: 'Root', row: { children: ['named-uuid', 'later'] } },
    { op: 'insert', table: 'Child', 'uuid-name': 'later', row: {} },
  );
  assert.equal(database.tables.get('Child')!.rows.size, 1);
});

test('strong references: to nothing, from what is deleted, and rows that nobody keeps', () => {
  const database = createFamily();
  const missing = uuid(9, 9);
  const broken = run(database, {
    op: 'insert',
    table: 'Root',
    uuid: uuid(2, 2),
    row: { name: 'x', number: 1, children: ['uuid', missing] },
  });
  assert.deepEqual(broken[1], {
    error: 'referential integrity violation',
    details: `Table Root column children row ${uuid(2, 2)} references nonexistent row ${missing} in table Child.`,
  });
  assert.deepEqual(run(database, { op: 'delete', table: 'Child', where: [] })[1], {
    error: 'referential integrity violation',
    details: `cannot delete Child row ${CHILD} because of 1 remaining reference(s)`,
  });
  run(database, { op: 'insert', table: 'Child', uuid: uuid(1, 2), row: { children: ['uuid', uuid(1, 2)] } });
  assert.ok(!database.tables.get('Child')!.rows.has(uuid(1, 2)), 'a row that only refers to itself');
  run(database, { op: 'update', table: 'Root', where: [], row: { children: ['set', []] } });
  assert.equal(database.tables.get('Child')!.rows.size, 0);
  assert.deepEqual(rowOf(database, 'friends'), { friends: ['set', []] });
});

test('what is collected lets go of what it kept', () => {
  const database = createFamily();
  run(
    database,
    { op: 'insert', table: 'Child', uuid: uuid(1, 2), row: {} },
    { op: 'insert', table: 'Child', uuid: uuid(1, 3), row: { children: ['uuid', uuid(1, 2)] } },
    { op: 'mutate', table: 'Root', where: [], mutations: [['children', 'insert', ['uuid', uuid(1, 3)]]] },
  );
  assert.equal(database.tables.get('Child')!.rows.size, 3);
  run(database, { op: 'delete', table: 'Root', where: [] });
  assert.equal(database.tables.get('Child')!.rows.size, 0);
  assert.equal(database.tables.get('Child')!.references.size, 0);
});

test('a weak reference that must be there', () => {
  const database = createFamily();
  const text = 'caused this column to become empty, but constraints on this column disallow an empty column.';
  const id = uuid(7, 1);
  assert.deepEqual(
    run(database, { op: 'insert', table: 'Watcher', uuid: id, row: { watched: ['uuid', uuid(9, 9)] } })[1],
    {
      error: 'constraint violation',
      details: `Deletion of 1 weak reference(s) to deleted (or never-existing) rows from column "watched" in "Watcher" row ${id} (inserted within this transaction) ${text}`,
    },
  );
  run(database, { op: 'insert', table: 'Watcher', uuid: id, row: { watched: ['uuid', CHILD] } });
  const [, error] = run(database, { op: 'delete', table: 'Root', where: [] }) as JsonObject[];
  assert.equal(error!.error, 'constraint violation');
  assert.equal(database.tables.get('Root')!.rows.size, 1);
});

test('maxRows and indexes', () => {
  const database = createFamily();
  const single: JsonObject = { op: 'insert', table: 'Single', row: {} };
  assert.deepEqual(run(database, single, single)[2], {
    error: 'constraint violation',
    details: 'transaction causes "Single" table to contain 2 rows, greater than the schema-defined limit of 1 row(s)',
  });
  const [, duplicate] = run(database, {
    op: 'insert',
    table: 'Root',
    uuid: uuid(2, 2),
    row: { name: 'n1', number: 7 },
  });
  assert.deepEqual(duplicate, {
    error: 'constraint violation',
    details: `Transaction causes multiple rows in "Root" table to have identical values (n1) for index on column "name".  First row, with UUID ${ROOT}, existed in the database before this transaction and was not modified by the transaction.  Second row, with UUID ${uuid(2, 2)}, was inserted by this transaction.`,
  });
  // Deferred to the end of the transaction: two rows may swap their names.
  run(database, { op: 'insert', table: 'Root', row: { name: 'n2', number: 1 } });
  const swap = (from: string, to: string): JsonObject => ({
    op: 'update',
    table: 'Root',
    where: [['name', '==', from]],
    row: { name: to },
  });
  assert.deepEqual(run(database, swap('n1', 't'), swap('n2', 'n1'), swap('t', 'n2')), [
    { count: 1 },
    { count: 1 },
    { count: 1 },
  ]);
  for (const name of ['n1', 'n2']) {
    assert.equal(
      run(database, { op: 'insert', table: 'Root', row: { name, number: 2 } }).length,
      2,
      `${name} is in use`,
    );
  }
  assert.equal(run(database, { op: 'insert', table: 'Root', row: { name: 't', number: 2 } }).length, 1);
});

test('conditions on optional numbers, sets and maps', () => {
  const database = createFamily();
  const count = (...where: JsonValue[]): number =>
    ((run(database, { op: 'select', table: 'Root', where })[0] as JsonObject).rows as JsonValue[]).length;
  assert.equal(count(['maybe', '<', 5]), 1);
  assert.equal(count(['small', '<', 5]), 0);
  assert.equal(count(['words', 'includes', ['set', ['a']]]), 1);
  assert.equal(count(['words', 'excludes', ['set', ['a', 'z']]]), 0);
  assert.equal(count(['map', 'includes', ['map', [['p', 1]]]]), 1);
  assert.equal(count(['map', 'includes', ['map', [['p', 2]]]]), 0);
  assert.equal(count(true), 1);
  assert.equal(count(true, false), 0);
  assert.equal(count(['_uuid', '==', ['uuid', ROOT]], ['name', '!=', 'n1']), 0);
});

test('equal rows come once, unless their UUIDs are asked for', () => {
  const database = createDatabase();
  run(
    database,
    { op: 'insert', table: 'Root', row: { name: 'a', number: 1 } },
    { op: 'insert', table: 'Root', row: { name: 'b', number: 2 } },
  );
  const rows = (...columns: string[]): JsonValue[] =>
    (run(database, { op: 'select', table: 'Root', where: [], columns })[0] as JsonObject).rows as JsonValue[];
  assert.deepEqual(rows('flag'), [{ flag: false }]);
  assert.equal(rows('_uuid').length, 2);
});

test('a wait that does not hold asks for time, and looks again', () => {
  const database = createFamily();
  const wait: JsonObject = {
    op: 'wait',
    table: 'Root',
    where: [],
    columns: ['name'],
    until: '==',
    rows: [{ name: 'n2' }],
    timeout: 50,
  };
  assert.deepEqual(
    executeOperations(database, [
      { op: 'delete', table: 'Root', where: [] },
      { ...wait, rows: [{ name: 'n1' }] },
    ]),
    { kind: 'wait', timeoutMs: 50 },
  );
  assert.equal(database.tables.get('Root')!.rows.size, 1);
  assert.deepEqual(executeOperations(database, [wait], { elapsedMs: 51 }), {
    kind: 'done',
    results: [{ error: 'timed out', details: '"wait" timed out after 51 ms' }],
  });
  run(database, { op: 'update', table: 'Root', where: [], row: { name: 'n2' } });
  assert.deepEqual(run(database, wait), [{}]);
});

test('a reserved database is only read', () => {
  const database = new Database(SCHEMA, { randomUuid: () => uuid(1, 1), now: () => 0 }, true);
  assert.deepEqual(run(database, { op: 'delete', table: 'Root', where: [] }), [
    { error: 'not allowed', details: 'delete operation not allowed on table in reserved database T' },
  ]);
  assert.deepEqual(run(database, { op: 'select', table: 'Root', where: [] }), [{ rows: [] }]);
});
