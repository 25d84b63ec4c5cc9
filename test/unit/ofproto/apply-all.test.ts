/**
 * Flow mods all or none: when a later one is refused, nothing shows that those before it were carried out.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseMatch } from '../../../src/flow/index.ts';
import { TABLE_ALL } from '../../../src/ofproto/flow-table.ts';
import { FlowTables } from '../../../src/ofproto/flow-tables.ts';
import { creditRule } from '../../../src/ofproto/rule.ts';
import {
  type FlowMod,
  type FlowModCommand,
  formatFlowStats,
  OFPG_ANY,
  OFPP_NONE,
  parseFlowMod,
  parseGroupMod,
  parseMeterMod,
} from '../../../src/openflow/index.ts';

const ALL = { table: TABLE_ALL, cookieMatch: 0n, cookieMask: 0n, outPort: OFPP_NONE, outGroup: OFPG_ANY };

/** Everything that can be seen of the tables, and what timeouts will do. */
function snapshot(tables: FlowTables, nowMs: number): unknown {
  return {
    flows: tables
      .dump({ ...ALL, match: parseMatch('') }, nowMs)
      .map((flow) => formatFlowStats(flow))
      .sort(),
    groups: [1, 2].map((group) => tables.groupReferences(group)),
    meters: [1, 2].map((meter) => tables.meterReferences(meter)),
    count: tables.count,
  };
}

function createTables(): FlowTables {
  const tables = new FlowTables();
  for (const id of [1, 2]) {
    tables.applyGroupMod(parseGroupMod(`group_id=${id},type=indirect,bucket=output:1`, 'add'), 0);
    tables.applyMeterMod(parseMeterMod(`meter=${id},kbps,band=type=drop,rate=1`, 'add'), 0);
  }
  return tables;
}

const matches = fc.constantFrom('tcp,', 'tcp,tcp_dst=80,', 'udp,', 'in_port=1,', '', 'conj_id=1,ip,');
const actions = fc.constantFrom(
  'output:1',
  'group:1',
  'group:2,output:2',
  'meter:1,output:3',
  'meter:2,drop',
  'conjunction(1,1/2)',
  'learn(table=2,cookie=3,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]),output:1',
);
const commands: fc.Arbitrary<FlowModCommand> = fc.constantFrom(
  'add',
  'modify',
  'modify_strict',
  'delete',
  'delete_strict',
);

const mods: fc.Arbitrary<FlowMod> = fc
  .record({
    command: commands,
    table: fc.integer({ min: 0, max: 2 }),
    priority: fc.integer({ min: 1, max: 3 }),
    match: matches,
    cookie: fc.constantFrom('', 'cookie=1,', 'cookie=3,'),
    timeouts: fc.constantFrom('', 'idle_timeout=5,', 'hard_timeout=7,'),
    flags: fc.constantFrom('', 'reset_counts,'),
    actions,
  })
  .map(({ command, table, priority, match, cookie, timeouts, flags, actions: list }) => {
    const isDelete = command.startsWith('delete');
    const strict = command === 'add' || command.endsWith('strict') ? `priority=${priority},` : '';
    const rest = isDelete ? '' : `${timeouts}${flags}actions=${list.replace(/^meter:2,drop$/, 'meter:2')}`;
    const cookieTerm = isDelete || command !== 'add' ? cookie.replace(/(\d),/, '$1/-1,') : cookie;
    return parseFlowMod(`table=${table},${strict}${cookieTerm}${match}${rest}`.replace(/,$/, ''), command);
  });

const REFUSED = parseFlowMod('table=1,priority=9,actions=group:99', 'add');

test('mods are undone when a later one is refused', () => {
  let changed = 0;
  fc.assert(
    fc.property(fc.array(mods, { maxLength: 8 }), fc.array(mods, { minLength: 1, maxLength: 8 }), (before, bundle) => {
      const tables = createTables();
      tables.applyAll(before, 1000);
      for (const rule of [...tables.table(0).classifier.rules()]) {
        creditRule(rule, 3 + rule.priority, 100, 1500);
      }
      const wanted = snapshot(tables, 2000);
      assert.throws(() => tables.applyAll([...bundle, REFUSED], 2000), { code: 'OFPBAC_BAD_OUT_GROUP' });
      assert.deepEqual(snapshot(tables, 2000), wanted);
      const twin = createTables();
      twin.applyAll(before, 1000);
      for (const rule of [...twin.table(0).classifier.rules()]) {
        creditRule(rule, 3 + rule.priority, 100, 1500);
      }
      tables.applyAll(bundle, 2000);
      twin.applyAll(bundle, 2000);
      assert.deepEqual(
        snapshot(tables, 3000),
        snapshot(twin, 3000),
        'and nothing is left behind that a later mod would meet',
      );
      changed += JSON.stringify(snapshot(tables, 2000)) === JSON.stringify(wanted) ? 0 : 1;
      tables.expire(60_000);
      twin.expire(60_000);
      assert.deepEqual(snapshot(tables, 60_000), snapshot(twin, 60_000), 'nor that expires otherwise');
    }),
    { numRuns: 300 },
  );
  assert.ok(changed > 150, `${changed}`);
});

test('all are carried out when none is refused, and each result says what it did', () => {
  const tables = createTables();
  const results = tables.applyAll(
    [
      parseFlowMod('tcp,actions=output:1', 'add'),
      parseFlowMod('tcp,actions=output:2', 'add'),
      parseFlowMod('actions=output:3', 'modify'),
      parseFlowMod('tcp', 'delete'),
    ],
    0,
  );
  assert.deepEqual(
    results.map(({ added, replaced, modified, removed }) => [
      added !== null,
      replaced !== null,
      modified.length,
      removed.length,
    ]),
    [
      [true, false, 0, 0],
      [true, true, 0, 0],
      [false, false, 1, 0],
      [false, false, 0, 1],
    ],
  );
  assert.equal(tables.count, 0);
});

test('lookups and counters go on with the rules as they were', () => {
  const tables = createTables();
  tables.applyAll([parseFlowMod('tcp,actions=output:1', 'add')], 0);
  const [rule] = [...tables.table(0).classifier.rules()];
  assert.throws(() => tables.applyAll([parseFlowMod('tcp,actions=output:2', 'add'), REFUSED], 0));
  assert.deepEqual([...tables.table(0).classifier.rules()], [rule]);
  creditRule(rule!, 1, 60, 5);
  assert.equal(tables.dump({ ...ALL, match: parseMatch('') }, 5)[0]!.packets, 1n);
});
