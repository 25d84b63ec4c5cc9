import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ClientOptions,
  columnAtom,
  columnMap,
  columnSet,
  createStreamPair,
  Database,
  type DatabaseChanges,
  DisconnectedError,
  type JsonObject,
  JsonRpcConnection,
  type JsonRpcMessage,
  OvsdbClient,
  openStoredDatabase,
  parseSchema,
  type Stream,
  TransactionError,
} from '../../../src/ovsdb/index.ts';
import { sha1Hex } from '../../../src/platform/index.ts';
import { LocalServer, MemoryFile, settle, uuid, VirtualTime } from '../../support/ovsdb-local.ts';
import { RandomTransactions, TEST_SCHEMA } from '../../support/ovsdb-schema.ts';
import { createRandom } from '../../support/random.ts';

const SCHEMA = parseSchema(TEST_SCHEMA);
const ROOT = uuid(2, 1);
const insertRoot: JsonObject = {
  op: 'insert',
  table: 'Root',
  uuid: ROOT,
  row: { name: 'n1', number: 5, words: ['set', ['b', 'a']], map: ['map', [['p', 1]]] },
};
const setNumber = (number: number): JsonObject => ({ op: 'update', table: 'Root', where: [], row: { number } });

/** A client with a way to cut its connection, or to have no server. */
class Subject {
  readonly time = new VirtualTime();
  readonly changes: DatabaseChanges[] = [];
  readonly log: string[] = [];
  readonly client: OvsdbClient;
  connectTo: (() => Stream) | null = null;
  private stream: Stream | null = null;

  constructor(options: Partial<ClientOptions> = {}) {
    this.client = new OvsdbClient(
      {
        connect: (onStream, onFailure) => {
          setImmediate(() => {
            if (this.connectTo === null) onFailure('refused');
            else {
              this.stream = this.cuttable(this.connectTo());
              onStream(this.stream);
            }
          });
          return () => {};
        },
        setTimer: this.time.setTimer,
        database: 'T',
        tables: { Root: null, Child: ['value'], Absent: null },
        ...options,
      },
      {
        onChange: (changes) => this.changes.push(changes),
        onState: (state, reason) => this.log.push(reason === null ? state : `${state}: ${reason}`),
        onLock: (isHeld) => this.log.push(isHeld ? 'locked' : 'unlocked'),
      },
    );
  }

  cut: () => void = () => {};

  number(): unknown {
    const table = this.client.table('Root')!;
    const row = table.rows.get(ROOT);
    return row === undefined ? null : columnAtom(table.schema, row, 'number');
  }

  private cuttable(stream: Stream): Stream {
    return {
      ...stream,
      start: (listener) => {
        this.cut = () => {
          stream.close();
          listener.onClose('cut');
        };
        stream.start(listener);
      },
    };
  }
}

function createServer(time: VirtualTime, file: MemoryFile | null = null): LocalServer {
  const local = new LocalServer({}, time);
  if (file === null) local.server.addDatabase(new Database(SCHEMA, local.environment));
  else local.server.addStoredDatabase(openStoredDatabase(file, SCHEMA, local.environment, sha1Hex));
  return local;
}

test('a replica of the tables, read by names of columns', async () => {
  const subject = new Subject();
  const local = createServer(subject.time);
  subject.connectTo = () => local.stream();
  subject.client.start();
  await settle();
  assert.deepEqual(subject.log, ['connecting', 'synchronizing', 'monitoring']);
  assert.equal(subject.client.table('Absent'), null);
  await subject.client.transact([insertRoot]);
  const table = subject.client.table('Root')!;
  const row = table.rows.get(ROOT)!;
  assert.equal(columnAtom(table.schema, row, 'name'), 'n1');
  assert.equal(columnAtom(table.schema, row, '_uuid'), ROOT);
  assert.equal(columnAtom(table.schema, row, 'maybe'), null);
  assert.equal(columnAtom(table.schema, row, 'from a later version'), null);
  assert.deepEqual(columnSet(table.schema, row, 'words'), ['a', 'b']);
  assert.deepEqual(columnMap(table.schema, row, 'map'), new Map([['p', 1]]));
  assert.deepEqual(subject.changes.at(-1)!.get('Root')!.get(ROOT), { before: null, after: row });
});

test('after random transactions, some of them missed, the replica is what the server has', async () => {
  const subject = new Subject({ tables: { Root: null, Child: null, Watcher: null, Single: null } });
  const local = createServer(subject.time);
  subject.connectTo = () => local.stream();
  subject.client.start();
  await settle();
  const peer = local.peer();
  const random = createRandom(0xc11e);
  const transactions = new RandomTransactions(random);
  for (let i = 0; i < 400; i++) {
    await peer.call('transact', 'T', ...transactions.next());
    if (random() % 40 === 0) subject.cut();
    if (random() % 20 === 0) await subject.time.advance(8000);
  }
  await subject.time.advance(8000);
  assert.equal(subject.client.state, 'monitoring');
  for (const [name, table] of local.server.find('T')!.database.tables) {
    const rows = new Map([...subject.client.table(name)!.rows].map(([id, row]) => [id, row.values]));
    assert.deepEqual(rows, new Map([...table.rows].map(([id, row]) => [id, row.values])), name);
  }
});

test('it connects again with back-off, and resumes where it was', async () => {
  const subject = new Subject();
  const local = createServer(subject.time);
  subject.client.start();
  await subject.time.advance(1000 + 2000 + 4000 + 8000 + 7999);
  assert.equal(subject.log.filter((line) => line === 'backoff: refused').length, 5);
  subject.connectTo = () => local.stream();
  await subject.time.advance(1);
  assert.equal(subject.client.state, 'monitoring');
  await subject.client.transact([insertRoot]);
  subject.cut();
  await local.peer().call('transact', 'T', setNumber(6));
  assert.equal(subject.number(), 5);
  await subject.time.advance(999);
  assert.equal(subject.client.state, 'backoff');
  await subject.time.advance(1);
  assert.equal(subject.number(), 6);
  assert.deepEqual([...subject.changes.at(-1)!.get('Root')!.keys()], [ROOT]);
});

test('it survives a restart of the server, and hears of what differs', async () => {
  const subject = new Subject();
  const file = new MemoryFile();
  let local = createServer(subject.time, file);
  subject.connectTo = () => local.stream();
  subject.client.start();
  await settle();
  await subject.client.transact([
    insertRoot,
    { op: 'insert', table: 'Root', uuid: uuid(2, 2), row: { name: 'n2', number: 1 } },
  ]);
  local.server.close();
  local = createServer(subject.time, file);
  await local.peer().call('transact', 'T', { op: 'delete', table: 'Root', where: [['name', '==', 'n2']] });
  const before = subject.changes.length;
  await subject.time.advance(1000);
  assert.equal(subject.client.state, 'monitoring');
  assert.equal(subject.changes.length, before + 1);
  assert.deepEqual([...subject.changes.at(-1)!.get('Root')!.keys()], [uuid(2, 2)]);
  assert.equal(subject.client.table('Root')!.rows.size, 1);
});

test('transactions are tried again when what they rely on has changed', async () => {
  const subject = new Subject();
  const local = createServer(subject.time);
  subject.connectTo = () => local.stream();
  subject.client.start();
  await settle();
  await subject.client.transact([insertRoot]);
  const other = local.peer();
  let builds = 0;
  const results = await subject.client.transactWithRetry(() => {
    const number = subject.number() as number;
    // Somebody else is faster the first time.
    if (++builds === 1) void other.call('transact', 'T', setNumber(50));
    return [
      { op: 'wait', table: 'Root', where: [], columns: ['number'], until: '==', rows: [{ number }], timeout: 0 },
      setNumber(number + 1),
    ];
  });
  assert.deepEqual(results, [{}, { count: 1 }]);
  assert.equal(builds, 2);
  assert.equal(subject.number(), 51);

  await assert.rejects(
    subject.client.transactWithRetry(() => [{ op: 'abort' }]),
    (error: TransactionError) => error instanceof TransactionError && error.kind === 'aborted',
  );
  assert.equal(await subject.client.transactWithRetry(() => null), null);
});

test('a transaction whose reply is lost is tried again after the connection is back', async () => {
  const subject = new Subject();
  const local = createServer(subject.time);
  subject.connectTo = () => local.stream();
  subject.client.start();
  await settle();
  let builds = 0;
  const done = subject.client.transactWithRetry(() => {
    builds++;
    return subject.client.table('Root')!.rows.has(ROOT) ? null : [insertRoot];
  });
  await Promise.resolve();
  subject.cut();
  await assert.rejects(subject.client.transact([setNumber(1)]), DisconnectedError);
  await subject.time.advance(1000);
  await done;
  assert.equal(builds, 2);
  assert.ok(subject.client.table('Root')!.rows.has(ROOT));
});

test('stop rejects what waits and stays stopped', async () => {
  const subject = new Subject();
  const local = createServer(subject.time);
  subject.connectTo = () => local.stream();
  subject.client.start();
  await settle();
  const waits = subject.client.transact([{ op: 'wait', table: 'Root', where: [], until: '!=', rows: [] }]);
  const retries = subject.client.transactWithRetry(() => [
    { op: 'wait', table: 'Root', where: [], until: '!=', rows: [], timeout: 0 },
  ]);
  await settle();
  subject.client.stop();
  await assert.rejects(waits, DisconnectedError);
  await assert.rejects(retries, DisconnectedError);
  await subject.time.advance(100_000);
  assert.equal(subject.client.state, 'stopped');
  assert.equal(local.server.sessionCount, 0);
});

test('a lock moves to the next client', async () => {
  const first = new Subject({ lock: 'ovs_vswitchd' });
  const local = createServer(first.time);
  const second = new Subject({ lock: 'ovs_vswitchd' });
  for (const subject of [first, second]) {
    subject.connectTo = () => local.stream();
    subject.client.start();
    await settle();
  }
  assert.deepEqual([first.client.isLockHeld, second.client.isLockHeld], [true, false]);
  first.client.stop();
  await settle();
  assert.deepEqual([first.client.isLockHeld, second.client.isLockHeld], [false, true]);
});

test('a server that is silent is given up', async () => {
  const subject = new Subject();
  subject.connectTo = () => createStreamPair((action) => setImmediate(action))[0];
  subject.client.start();
  await subject.time.advance(5000);
  assert.equal(subject.client.state, 'synchronizing');
  await subject.time.advance(5000);
  assert.ok(subject.log.includes('backoff: no response to inactivity probe'));
});

for (const known of [['monitor_cond', 'monitor'], ['monitor']]) {
  test(`a server that only knows ${known.join(' and ')}`, async () => {
    const subject = new Subject();
    const local = createServer(subject.time);
    subject.connectTo = () =>
      withoutMethods(
        local.stream(),
        ['monitor_cond_since', 'monitor_cond', 'monitor'].filter((method) => !known.includes(method)),
      );
    subject.client.start();
    await settle();
    assert.equal(subject.client.state, 'monitoring');
    await subject.client.transact([insertRoot]);
    await subject.client.transact([setNumber(8)]);
    assert.equal(subject.number(), 8);
    subject.cut();
    await local.peer().call('transact', 'T', setNumber(9));
    await subject.time.advance(1000);
    assert.equal(subject.number(), 9);
    await subject.client.transact([{ op: 'delete', table: 'Root', where: [] }]);
    assert.equal(subject.number(), null);
  });
}

/** A proxy that answers some methods as an older server does. */
function withoutMethods(server: Stream, unknown: readonly string[]): Stream {
  const [near, far] = createStreamPair((action) => setImmediate(action));
  const up = new JsonRpcConnection(server, {
    onMessage: (message) => down.send(message),
    onClose: () => down.close(),
  });
  const down: JsonRpcConnection = new JsonRpcConnection(far, {
    onMessage: (message: JsonRpcMessage) => {
      if (message.kind === 'request' && unknown.includes(message.method))
        down.send({ kind: 'error', id: message.id, error: 'unknown method' });
      else up.send(message);
    },
    onClose: () => up.close(),
  });
  return near;
}

test('updates that do not fit make it begin again', async () => {
  const subject = new Subject();
  const local = createServer(subject.time);
  let server: Stream = local.stream();
  subject.connectTo = () => server;
  subject.client.start();
  await settle();
  const [near, far] = createStreamPair((action) => setImmediate(action));
  server = near;
  subject.cut();
  const liar = new JsonRpcConnection(far, {
    onMessage: (message) => {
      if (message.kind !== 'request') return;
      if (message.method === 'get_schema') liar.send({ kind: 'reply', id: message.id, result: SCHEMA.json });
      else
        liar.send({
          kind: 'reply',
          id: message.id,
          result: [false, uuid(0, 0), { Root: { [ROOT]: { modify: { number: 1 } } } }],
        });
    },
    onClose: () => {},
  });
  await subject.time.advance(1000);
  assert.equal(subject.client.state, 'backoff');
  server = local.stream();
  await subject.time.advance(8000);
  assert.equal(subject.client.state, 'monitoring');
});
