import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Database,
  type JsonObject,
  type JsonValue,
  openStoredDatabase,
  parseSchema,
} from '../../../src/ovsdb/index.ts';
import { sha1Hex } from '../../../src/platform/index.ts';
import { LocalServer, MemoryFile, settle, uuid } from '../../support/ovsdb-local.ts';
import { TEST_SCHEMA } from '../../support/ovsdb-schema.ts';

const SCHEMA = parseSchema(TEST_SCHEMA);
const ROOT = uuid(2, 1);
const insertRoot: JsonObject = {
  op: 'insert',
  table: 'Root',
  uuid: ROOT,
  row: { name: 'n1', number: 5, words: ['set', ['a', 'b']] },
};
const setNumber = (number: number): JsonObject => ({ op: 'update', table: 'Root', where: [], row: { number } });

function createServer(): LocalServer {
  const local = new LocalServer();
  local.server.addDatabase(new Database(SCHEMA, local.environment));
  return local;
}

test('requests about the server', async () => {
  const peer = createServer().peer();
  assert.deepEqual(await peer.call('list_dbs'), ['T', '_Server']);
  assert.deepEqual(await peer.call('get_schema', 'T'), SCHEMA.json);
  assert.deepEqual(await peer.call('echo', 1, { a: [] }), [1, { a: [] }]);
  assert.deepEqual(await peer.call('set_db_change_aware', true), {});
  assert.equal(typeof (await peer.call('get_server_id')), 'string');
  assert.deepEqual(
    await peer.call('transact', '_Server', {
      op: 'select',
      table: 'Database',
      where: [],
      columns: ['name', 'model', 'connected', 'leader'],
    }),
    [
      {
        rows: [
          { name: '_Server', model: 'standalone', connected: true, leader: true },
          { name: 'T', model: 'standalone', connected: true, leader: true },
        ],
      },
    ],
  );
});

for (const [method, params, failed] of [
  ['foo', [], 'unknown method'],
  ['convert', ['T', {}], 'unknown method'],
  [
    'transact',
    [],
    { error: 'syntax error', details: 'transact request params must begin with <db-name>', syntax: '[]' },
  ],
  [
    'get_schema',
    ['X'],
    { error: 'unknown database', details: 'get_schema request specifies unknown database X', syntax: '["X"]' },
  ],
  [
    'set_db_change_aware',
    [1],
    { error: 'syntax error', details: 'set_db_change_aware: true or false parameter expected', syntax: '[1]' },
  ],
  ['lock', ['1x'], { error: 'syntax error', details: 'lock request params must be <id>', syntax: '["1x"]' }],
  ['unlock', ['x'], { error: 'syntax error', details: 'unlock: "unlock" without "lock" or "steal"', syntax: '["x"]' }],
  ['monitor_cancel', ['x'], 'unknown monitor'],
  ['monitor_cancel', [], 'invalid parameters'],
  ['monitor', ['T', 'm', 1], { error: 'syntax error', details: 'monitor-requests must be object', syntax: '1' }],
  ['monitor', ['T', 'm', { Q: {} }], { error: 'syntax error', details: 'no table named Q' }],
  [
    'monitor',
    ['T', 'm', { Root: { columns: ['zz'] } }],
    { error: 'syntax error', details: 'zz is not a valid column name', syntax: '["zz"]' },
  ],
  [
    'monitor',
    ['T', 'm', { Root: [{ columns: ['name'] }, { columns: ['name'] }] }],
    { error: 'syntax error', details: 'column name mentioned more than once', syntax: '["name"]' },
  ],
  [
    'monitor',
    ['T', 'm', { Root: { select: { zz: 1 } } }],
    {
      error: 'syntax error',
      details: "Parsing table Root select failed: Member 'zz' is present but not allowed here.",
      syntax: '{"zz":1}',
    },
  ],
  [
    'monitor_cond_since',
    ['T', 'm', {}, 'x'],
    { error: 'syntax error', details: 'last-txn-id must be UUID format.', syntax: '"x"' },
  ],
  ['monitor_cond_change', ['m', 'm', {}], { error: 'syntax error', details: 'unknown monitor session', syntax: '"m"' }],
] as [string, JsonValue[], JsonValue][]) {
  test(`${method} ${JSON.stringify(params)} is refused`, async () => {
    assert.deepEqual(
      await createServer()
        .peer()
        .call(method, ...params),
      { failed },
    );
  });
}

test('monitor: rows before and after, the update before the reply', async () => {
  const peer = createServer().peer();
  assert.deepEqual(await peer.call('monitor', 'T', 'm', { Root: [{ columns: ['number', 'words'] }] }), {});
  await peer.call('transact', 'T', insertRoot);
  await peer.call('transact', 'T', setNumber(6));
  await peer.call('transact', 'T', { op: 'update', table: 'Root', where: [], row: { flag: true } });
  await peer.call('transact', 'T', { op: 'delete', table: 'Root', where: [] });
  const words = ['set', ['a', 'b']];
  assert.deepEqual(
    peer.takeNotifications().map(({ method, params }) => [method, ...params]),
    [
      ['update', 'm', { Root: { [ROOT]: { new: { number: 5, words } } } }],
      ['update', 'm', { Root: { [ROOT]: { old: { number: 5 }, new: { number: 6, words } } } }],
      ['update', 'm', { Root: { [ROOT]: { old: { number: 6, words } } } }],
    ],
  );
});

test('monitor_cond: differences of the rows that match', async () => {
  const peer = createServer().peer();
  await peer.call('transact', 'T', insertRoot);
  const request = { Root: [{ columns: ['number', 'words', 'map'], where: [['number', '<', 10]] }] };
  assert.deepEqual(await peer.call('monitor_cond', 'T', 'm', request), {
    Root: { [ROOT]: { initial: { number: 5, words: ['set', ['a', 'b']] } } },
  });
  await peer.call('transact', 'T', { op: 'update', table: 'Root', where: [], row: { words: ['set', ['b', 'c']] } });
  await peer.call('transact', 'T', setNumber(12));
  await peer.call('transact', 'T', setNumber(13));
  assert.deepEqual(await peer.call('monitor_cond_change', 'm', 'n', { Root: [{ where: [['number', '>', 10]] }] }), {});
  await peer.call('transact', 'T', setNumber(1));
  assert.deepEqual(
    peer.takeNotifications().map(({ method, params }) => [method, ...params]),
    [
      ['update2', 'm', { Root: { [ROOT]: { modify: { words: ['set', ['a', 'c']] } } } }],
      ['update2', 'm', { Root: { [ROOT]: { delete: null } } }],
      ['update2', 'n', { Root: { [ROOT]: { insert: { number: 13, words: ['set', ['b', 'c']] } } } }],
      ['update2', 'n', { Root: { [ROOT]: { delete: null } } }],
    ],
  );
  assert.deepEqual(await peer.call('monitor_cancel', 'n'), {});
  await peer.call('transact', 'T', setNumber(20));
  assert.deepEqual(peer.takeNotifications(), []);
});

test('a monitor without columns still tells which rows there are', async () => {
  const peer = createServer().peer();
  await peer.call('transact', 'T', insertRoot);
  assert.deepEqual(await peer.call('monitor_cond', 'T', 'm', { Root: [{ columns: [] }] }), {
    Root: { [ROOT]: { initial: {} } },
  });
});

test('monitor_cond_since: what was missed, or everything', async () => {
  const local = createServer();
  const peer = local.peer();
  await peer.call('transact', 'T', insertRoot);
  const requests = { Root: [{ columns: ['number'] }] };
  const [found, id, initial] = (await peer.call('monitor_cond_since', 'T', 'm', requests, uuid(0, 0))) as JsonValue[];
  assert.deepEqual([found, initial], [false, { Root: { [ROOT]: { initial: { number: 5 } } } }]);
  await peer.call('transact', 'T', setNumber(6));
  const [update] = peer.takeNotifications();
  assert.equal(update!.method, 'update3');
  assert.deepEqual(update!.params[2], { Root: { [ROOT]: { modify: { number: 6 } } } });
  await peer.call('transact', 'T', setNumber(7));
  const other = local.peer();
  const [again, newest, missed] = (await other.call('monitor_cond_since', 'T', 'm', requests, id!)) as JsonValue[];
  assert.deepEqual([again, missed], [true, { Root: { [ROOT]: { modify: { number: 7 } } } }]);
  const last = (await local.peer().call('monitor_cond_since', 'T', 'm', requests, newest!)) as JsonValue[];
  assert.deepEqual(last, [true, newest, {}]);
});

test('other clients hear of many commits once', async () => {
  const local = createServer();
  const watching = local.peer();
  await watching.call('monitor_cond', 'T', 'm', { Root: [{ columns: ['number'] }] });
  const writing = local.peer();
  const requests = [insertRoot, setNumber(6), setNumber(7)].map((operation) =>
    writing.call('transact', 'T', operation),
  );
  await Promise.all(requests);
  await settle();
  const updates = watching.takeNotifications();
  const last = updates.at(-1)!.params[1] as { Root: Record<string, JsonObject> };
  assert.ok(updates.length <= 3);
  assert.equal((Object.values(last.Root[ROOT]!)[0] as JsonObject).number, 7);
});

test('a row that came and went meanwhile is not told of', async () => {
  const local = createServer();
  const watching = local.peer();
  await watching.call('monitor', 'T', 'm', { Root: [{ columns: ['number'] }] });
  const writing = local.peer();
  const remove: JsonObject = { op: 'delete', table: 'Root', where: [] };
  const requests = [insertRoot, remove].map((operation) => ({
    kind: 'request',
    method: 'transact',
    params: ['T', operation],
    id: 1,
  }));
  // In one piece, so that both commits come before the monitors are flushed.
  writing.connection.stream.write(
    requests.map(({ method, params, id }) => JSON.stringify({ method, params, id })).join(''),
  );
  await settle();
  assert.equal(writing.messages.length, 2);
  assert.deepEqual(watching.takeNotifications(), []);
});

test('wait: until the change comes, or the time is up, or it is cancelled', async () => {
  const local = createServer();
  const [waiting, writing] = [local.peer(), local.peer()];
  const wait = (timeout: number | null): JsonObject => ({
    op: 'wait',
    table: 'Root',
    where: [],
    columns: ['number'],
    until: '==',
    rows: [{ number: 9 }],
    ...(timeout === null ? {} : { timeout }),
  });
  await writing.call('transact', 'T', insertRoot);
  const forever = waiting.call('transact', 'T', wait(null), {
    op: 'mutate',
    table: 'Root',
    where: [],
    mutations: [['number', '+=', 1]],
  });
  const shortly = waiting.call('transact', 'T', wait(100));
  const cancelled = waiting.request('transact', ['T', wait(null)], 'mine');
  await local.time.advance(99);
  assert.equal(local.time.pendingTimers, 1);
  await local.time.advance(1);
  assert.deepEqual(await shortly, [{ error: 'timed out', details: '"wait" timed out after 100 ms' }]);
  waiting.connection.send({ kind: 'notification', method: 'cancel', params: ['mine'] });
  assert.deepEqual(await cancelled, { kind: 'error', id: 'mine', error: 'canceled' });
  await writing.call('transact', 'T', setNumber(9));
  assert.deepEqual(await forever, [{}, { count: 1 }]);
  assert.deepEqual(
    await writing.call('transact', 'T', { op: 'select', table: 'Root', where: [], columns: ['number'] }),
    [{ rows: [{ number: 10 }] }],
  );
});

test('locks: one owner, the next in line hears of it', async () => {
  const local = createServer();
  const [a, b, c] = [local.peer(), local.peer(), local.peer()];
  const assertion: JsonObject = { op: 'assert', lock: 'x' };
  assert.deepEqual(await a.call('lock', 'x'), { locked: true });
  assert.deepEqual(await b.call('lock', 'x'), { locked: false });
  assert.deepEqual(await a.call('transact', 'T', assertion), [{}]);
  assert.deepEqual(await c.call('steal', 'x'), { locked: true });
  await a.until(() => a.messages.length > 0);
  assert.deepEqual(a.takeNotifications(), [{ kind: 'notification', method: 'stolen', params: ['x'] }]);
  assert.deepEqual(await a.call('transact', 'T', assertion), [
    { error: 'not owner', details: 'Asserted lock x not held.' },
  ]);
  c.connection.close();
  await a.until(() => a.messages.length > 0);
  assert.deepEqual(a.takeNotifications(), [{ kind: 'notification', method: 'locked', params: ['x'] }]);
  assert.deepEqual(await a.call('unlock', 'x'), {});
  await b.until(() => b.messages.length > 0);
});

test('what depends on a commit waits until it is on the disk', async () => {
  const local = new LocalServer();
  const file = new MemoryFile();
  local.server.addStoredDatabase(openStoredDatabase(file, SCHEMA, local.environment, sha1Hex));
  const [watching, writing] = [local.peer(), local.peer()];
  await watching.call('monitor', 'T', 'm', { Root: [{ columns: ['name'] }] });
  file.syncsAtOnce = false;
  let isDone = false;
  const written = writing.call('transact', 'T', insertRoot).then((results) => {
    isDone = true;
    return results;
  });
  const read = watching.call('transact', 'T', { op: 'select', table: 'Root', where: [], columns: ['name'] });
  await settle();
  assert.ok(!isDone);
  assert.deepEqual(watching.messages, []);
  const second = writing.call('transact', 'T', setNumber(6));
  await settle();
  assert.equal(file.finishSyncs(), 1);
  assert.deepEqual(await written, [{ uuid: ['uuid', ROOT] }]);
  assert.deepEqual(await read, [{ rows: [{ name: 'n1' }] }]);
  await settle();
  assert.equal(file.finishSyncs(), 1);
  assert.deepEqual(await second, [{ count: 1 }]);
});

test('a full disk refuses the transaction; a failed sync ends all clients, and nothing is acknowledged', async () => {
  const local = new LocalServer();
  const file = new MemoryFile();
  local.server.addStoredDatabase(openStoredDatabase(file, SCHEMA, local.environment, sha1Hex));
  const peer = local.peer();
  file.failNextWrite = new Error('no space left on device');
  const [, error] = (await peer.call('transact', 'T', insertRoot)) as JsonObject[];
  assert.equal(error!.error, 'I/O error');
  assert.deepEqual(await peer.call('transact', 'T', { op: 'select', table: 'Root', where: [] }), [{ rows: [] }]);
  file.syncsAtOnce = false;
  const lost = peer.call('transact', 'T', insertRoot);
  await settle();
  file.finishSyncs(new Error('I/O error'));
  await assert.rejects(lost, /connection closed/);
  const refused = (await local.peer().call('transact', 'T', setNumber(1))) as JsonObject[];
  assert.equal(refused[1]!.error, 'I/O error');
});

test('a silent client is asked whether it lives, and dropped', async () => {
  const local = createServer();
  const silent = local.peer(5000);
  await local.time.advance(4999);
  assert.equal(silent.messages.length, 0);
  await local.time.advance(1);
  assert.deepEqual(
    silent.messages.map((message) => message.kind === 'request' && message.method),
    ['echo'],
  );
  await local.time.advance(5000);
  assert.equal(silent.closed, null);
  assert.equal(local.server.sessionCount, 0);
});

test('what is no JSON-RPC ends the connection, and that one only', async () => {
  const local = createServer();
  const [bad, good] = [local.peer(), local.peer()];
  bad.connection.stream.write('{"method":"transact","params":["T"]');
  bad.connection.stream.write('}}');
  await bad.until(() => bad.closed !== undefined);
  assert.deepEqual(await good.call('echo'), []);
});
