/** Whatever comes in: JSON-RPC, transactions and schemas throw only what they say, and the server goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Database, OvsdbError, parseSchema } from '../../src/ovsdb/index.ts';
import type { JsonObject, JsonValue } from '../../src/ovsdb/json.ts';
import { formatMessage, JsonRpcError, JsonSplitter, parseMessage } from '../../src/ovsdb/json-rpc.ts';
import { readLog } from '../../src/ovsdb/log.ts';
import { executeOperations } from '../../src/ovsdb/operations.ts';
import { sha1Hex } from '../../src/platform/index.ts';
import { LocalServer, settle, uuid } from '../support/ovsdb-local.ts';
import { RandomTransactions, TEST_SCHEMA } from '../support/ovsdb-schema.ts';
import { createRandom } from '../support/random.ts';

const SEED = 0x0b5d;
const SCHEMA = parseSchema(TEST_SCHEMA);

/** Replaces, drops or doubles one value somewhere in the JSON. */
function mutate(json: JsonValue, random: () => number): JsonValue {
  if (typeof json !== 'object' || json === null || random() % 6 === 0) return anyValue(random);
  if (Array.isArray(json)) {
    if (json.length === 0) return [anyValue(random)];
    const at = random() % json.length;
    if (random() % 8 === 0) return json.filter((_, i) => i !== at);
    if (random() % 8 === 0) return [...json, json[at]!];
    return json.map((element, i) => (i === at ? mutate(element, random) : element));
  }
  const names = Object.keys(json);
  if (names.length === 0) return { x: anyValue(random) };
  const name = names[random() % names.length]!;
  const result: JsonObject = { ...json };
  if (random() % 8 === 0) delete result[name];
  else result[name] = mutate(json[name]!, random);
  return result;
}

const VALUES: readonly JsonValue[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  2n ** 63n - 1n,
  '',
  'name',
  '_uuid',
  '__proto__',
  'set',
  [],
  {},
  ['set', []],
  ['map', []],
  ['set', [1, 1]],
  ['uuid', uuid(0, 0)],
  ['named-uuid', 'a'],
  ['uuid', 'zz'],
];

function anyValue(random: () => number): JsonValue {
  return VALUES[random() % VALUES.length]!;
}

test('transactions with wrong values everywhere give results or errors', () => {
  const random = createRandom(SEED);
  let count = 0;
  const database = new Database(SCHEMA, { randomUuid: () => uuid(0xabc, ++count), now: () => 0 });
  const transactions = new RandomTransactions(random);
  for (let i = 0; i < 5000; i++) {
    const operations = mutate(transactions.next(), random);
    const result = executeOperations(database, Array.isArray(operations) ? operations : [operations]);
    if (result.kind !== 'done') continue;
    for (const each of result.results) {
      assert.notEqual(
        (each as JsonObject | null)?.error,
        'internal error',
        JSON.stringify([operations, each], (_, v) => (typeof v === 'bigint' ? String(v) : v)),
      );
    }
  }
});

test('schemas with wrong values everywhere parse or are refused', () => {
  const random = createRandom(SEED);
  for (let i = 0; i < 3000; i++) {
    try {
      const schema = parseSchema(mutate(mutate(TEST_SCHEMA, random), random));
      parseSchema(schema.json);
    } catch (error) {
      assert.ok(error instanceof OvsdbError, String((error as Error).stack));
    }
  }
});

test('requests of all kinds with wrong values leave the server alive', async () => {
  const local = new LocalServer();
  local.server.addDatabase(new Database(SCHEMA, local.environment));
  const random = createRandom(SEED);
  const requests: [string, JsonValue[]][] = [
    ['monitor', ['T', 'a', { Root: [{ columns: ['name'], select: { initial: true } }] }]],
    ['monitor_cond', ['T', 'b', { Root: [{ columns: ['name'], where: [['number', '<', 5]] }] }]],
    ['monitor_cond_since', ['T', 'c', { Root: {} }, uuid(0, 0)]],
    ['monitor_cond_change', ['b', 'b', { Root: [{ where: [['number', '<', 7]] }] }]],
    ['monitor_cancel', ['a']],
    ['lock', ['x']],
    ['steal', ['x']],
    ['unlock', ['x']],
    ['get_schema', ['T']],
    ['set_db_change_aware', [true]],
  ];
  const peer = local.peer();
  for (let i = 0; i < 2000; i++) {
    const [method, params] = requests[random() % requests.length]!;
    const mutated = random() % 3 === 0 ? params : mutate(params, random);
    const reply = (await peer.call(method, ...(Array.isArray(mutated) ? mutated : [mutated]))) as JsonObject;
    const failed = (reply as JsonObject | null)?.failed as JsonObject | undefined;
    assert.notEqual(
      failed?.error,
      'internal error',
      JSON.stringify([method, mutated, failed], (_, v) => (typeof v === 'bigint' ? String(v) : v)),
    );
  }
  await settle();
  assert.equal(peer.closed, undefined);
});

test('bytes of any kind are messages or a JsonRpcError', () => {
  const good = formatMessage({
    kind: 'request',
    method: 'transact',
    params: ['T', { op: 'x', a: [1, 'é', null] }],
    id: 12345678901234567n,
  });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length), fc.string({ maxLength: 3 }), fc.nat(3)), { maxLength: 4 }),
      (edits) => {
        let text = good;
        for (const [at, insert, drop] of edits) text = text.slice(0, at) + insert + text.slice(at + drop);
        try {
          new JsonSplitter(1000).push(text + text, (message) => void parseMessage(message));
        } catch (error) {
          assert.ok(error instanceof JsonRpcError, String(error));
        }
      },
    ),
    { seed: SEED, numRuns: 3000 },
  );
});

test('any bytes are a log up to some point', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom('', 'OVSDB JSON 3 ', 'OVSDB JSON 99999999999999999999 0', 'OVSDB CLUSTER 1 '),
      (bytes, start) => {
        const { records, length, problem } = readLog(Buffer.concat([Buffer.from(start), bytes]), sha1Hex);
        assert.equal(problem === null, length === start.length + bytes.length);
        assert.equal(records.length === 0, length === 0);
      },
    ),
    { seed: SEED, numRuns: 2000 },
  );
});
