/**
 * Our server and Debian's ovsdb-server get the same random transactions, and must give the same results, errors and updates. UUIDs are
 * given in the insertions, so that only versions of rows differ.
 *
 * What Debian's ovsdb-server 3.1 does wrong is not asked of it (it ends on some requests), or hidden by `normalize`; in a row that the same
 * transaction changes it can leave weak references to rows that are collected, which some seeds come upon.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createStreamPair,
  Database,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  OvsdbServer,
  parseSchema,
  stringifyJson,
} from '../../../src/ovsdb/index.ts';
import { serverEnvironment } from '../../support/ovsdb-environment.ts';
import { Peer } from '../../support/ovsdb-peer.ts';
import { RandomTransactions, TEST_SCHEMA } from '../../support/ovsdb-schema.ts';
import { createRandom } from '../../support/random.ts';
import { RealOvsdbServer } from '../../support/real-ovsdb-server.ts';

const ROUNDS = 3000;

test('random transactions have the results that ovsdb-server gives', { timeout: 60_000 }, async () => {
  const real = new RealOvsdbServer(TEST_SCHEMA);
  try {
    const theirs = new Peer(await real.connect());
    const server = new OvsdbServer(serverEnvironment);
    server.addDatabase(new Database(parseSchema(TEST_SCHEMA), serverEnvironment));
    const [near, far] = createStreamPair(serverEnvironment.defer);
    server.accept(far);
    const ours = new Peer(near);
    await compare(ours, theirs);
    theirs.connection.close();
    ours.connection.close();
  } finally {
    await real.stop();
    real.remove();
  }
});

async function compare(ours: Peer, theirs: Peer): Promise<void> {
  const both = async (method: string, ...params: JsonValue[]): Promise<JsonValue> => {
    const [a, b] = await Promise.all([ours.call(method, ...params), theirs.call(method, ...params)]);
    assert.deepEqual(normalize(a), normalize(b), `${method} ${stringifyJson(params)}`);
    return a;
  };
  await both('monitor', 'T', 'all', { Root: {}, Child: {}, Watcher: {} });
  await both('monitor', 'T', 'partly', {
    Root: [
      { columns: ['name'], select: { modify: false } },
      { columns: ['words'], select: { insert: false } },
    ],
  });
  await both('monitor_cond', 'T', 'differences', { Root: {}, Child: {}, Watcher: {}, Single: {} });
  await both('monitor_cond', 'T', 'matching', {
    Root: [
      {
        columns: ['number', 'words'],
        where: [
          ['number', '>', 40],
          ['flag', '==', true],
        ],
      },
    ],
    Child: [{ columns: ['value'], where: [['value', '<', 2]] }],
  });
  const transactions = new RandomTransactions(createRandom(0x66));
  let succeeded = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const operations = transactions.next();
    const results = (await both('transact', 'T', ...operations)) as JsonValue[];
    const [a, b] = [updatesOf(ours), updatesOf(theirs)];
    assert.deepEqual(a, b, `updates of round ${round}: ${stringifyJson(operations)}`);
    if (a.length > 0 && results.length === operations.length) succeeded++;
    if (round % 100 === 99) {
      await both('monitor_cond_change', 'matching', 'matching', {
        Root: [{ where: [['number', round % 200 === 99 ? '<' : '>', 40]] }],
      });
      assert.deepEqual(updatesOf(ours), updatesOf(theirs), `updates of new condition in round ${round}`);
    }
  }
  assert.ok(succeeded > ROUNDS / 10, `only ${succeeded} transactions changed something`);
}

/** What a reply says, without what may differ: versions, and the order of rows. */
function normalize(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map(normalize);
  if (!isJsonObject(json)) return json;
  const result: JsonObject = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === '_version') continue;
    if (name === 'rows' && Array.isArray(value)) {
      result[name] = value.map(normalize).sort((a, b) => (key(a) < key(b) ? -1 : 1));
    } else if (name === 'details' && typeof value === 'string') {
      result[name] = withoutChoice(value);
    } else {
      result[name] = normalize(value);
    }
  }
  return result;
}

/** Where several rows break a rule, either server may name another. */
function withoutChoice(details: string): string {
  return details
    .replace(/Table \w+ column \w+ row \S+ references nonexistent row \S+ in table \w+/, 'reference to nonexistent row')
    .replace(/cannot delete \w+ row \S+ because of \d+/, 'cannot delete row because of')
    .replace(/^\S+ is not in the valid range/, 'not in the valid range')
    .replace(/store \d+ elements/, 'store elements')
    .replace(/Transaction causes multiple rows in .*/, 'duplicate index')
    .replace(/(Deletion of \d+ w|W)eak reference.*/, 'weak reference');
}

function key(json: JsonValue): string {
  return isJsonObject(json) ? stringifyJson(Object.fromEntries(Object.entries(json).sort())) : stringifyJson(json);
}

function updatesOf(peer: Peer): JsonValue[] {
  return peer
    .takeNotifications()
    .map(({ method, params }) => normalize([method, params[0]!, withoutEmpty(params[1]!)]))
    .filter(
      (update) =>
        stringifyJson(update) !== stringifyJson([(update as JsonValue[])[0]!, (update as JsonValue[])[1]!, {}]),
    )
    .sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** ovsdb-server tells of rows of which only columns of the condition have changed, that is nothing; we do not. */
function withoutEmpty(updates: JsonValue): JsonValue {
  const result: JsonObject = {};
  for (const [table, rows] of Object.entries(updates as JsonObject)) {
    const kept = Object.entries(rows as JsonObject).filter(([, row]) => stringifyJson(row) !== '{"modify":{}}');
    if (kept.length > 0) result[table] = Object.fromEntries(kept);
  }
  return result;
}
