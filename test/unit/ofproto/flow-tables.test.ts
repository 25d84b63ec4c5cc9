/**
 * Flow mods: what they change, what they refuse, and what becomes of counters, cookies and timeouts. Expectations are those of Open
 * vSwitch 3.1, seen with ovs-ofctl or in its tests.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMatch, type Match } from '../../../src/flow/index.ts';
import { TABLE_ALL, TABLE_INTERNAL } from '../../../src/ofproto/flow-table.ts';
import { type FlowFilter, FlowTables } from '../../../src/ofproto/flow-tables.ts';
import { creditRule } from '../../../src/ofproto/rule.ts';
import {
  type FlowMod,
  type FlowModFlags,
  type GroupMod,
  OFPG_ALL,
  OFPG_ANY,
  OFPP_CONTROLLER,
  OFPP_NONE,
  type OpenFlowAction,
  OpenFlowError,
} from '../../../src/openflow/index.ts';
import { match } from './flow-text.ts';

const NO_FLAGS: FlowModFlags = {
  sendFlowRemoved: false,
  checkOverlap: false,
  resetCounts: false,
  noPacketCounts: false,
  noByteCounts: false,
  hidden: false,
  noReadOnly: false,
};
const COOKIE_NONE = 0xffff_ffff_ffff_ffffn;

type FlowModChanges = Partial<Omit<FlowMod, 'flags' | 'match'>> & { flags?: Partial<FlowModFlags> };

function flowMod(command: FlowMod['command'], text: string, changes: FlowModChanges = {}): FlowMod {
  return {
    command,
    match: match(text),
    table: command.startsWith('delete') ? TABLE_ALL : 0,
    priority: 32768,
    cookie: 0n,
    cookieMatch: 0n,
    cookieMask: 0n,
    modifyCookie: false,
    idleTimeout: 0,
    hardTimeout: 0,
    importance: 0,
    outPort: OFPP_NONE,
    outGroup: OFPG_ANY,
    actions: [],
    ...changes,
    flags: { ...NO_FLAGS, ...changes.flags },
  };
}

function output(port: number): OpenFlowAction {
  return { type: 'output', port, maxLength: 0 };
}

function groupMod(command: GroupMod['command'], group: number, actions: readonly OpenFlowAction[] = []): GroupMod {
  return {
    command,
    group,
    type: 'all',
    commandBucketId: null,
    buckets: [{ bucketId: null, weight: 1, watchPort: OFPP_NONE, watchGroup: OFPG_ANY, actions }],
    selectionMethod: '',
    selectionMethodParameter: 0n,
    hashFields: null,
  };
}

function filter(changes: Partial<FlowFilter> = {}): FlowFilter {
  const any: Match = createMatch();
  return {
    table: TABLE_ALL,
    match: any,
    cookieMatch: 0n,
    cookieMask: 0n,
    outPort: OFPP_NONE,
    outGroup: OFPG_ANY,
    ...changes,
  };
}

/** `table priority in_port cookie outputs`, sorted */
function flows(tables: FlowTables, changes: Partial<FlowFilter> = {}): string[] {
  return tables
    .dump(filter(changes), 0)
    .map((stats) => {
      const outputs = stats.actions.map((action) => (action.type === 'output' ? `output:${action.port}` : action.type));
      return `${stats.table} ${stats.priority} ${stats.match.values[1]} ${stats.cookie} ${outputs.join(',')}`;
    })
    .sort();
}

function refuses(tables: FlowTables, mod: FlowMod, code: string): void {
  const before = { flows: flows(tables), sequence: tables.changeSequence };
  assert.throws(
    () => tables.apply(mod, 0),
    (error) => error instanceof OpenFlowError && error.code === code,
  );
  assert.deepEqual({ flows: flows(tables), sequence: tables.changeSequence }, before);
}

describe('add', () => {
  test('adds, and replaces the flow with the same match and priority', () => {
    const tables = new FlowTables();
    const first = tables.apply(flowMod('add', 'in_port=1', { actions: [output(1)], cookie: 7n }), 0);
    assert.equal(first.replaced, null);
    tables.apply(flowMod('add', 'in_port=1', { priority: 5 }), 0);
    tables.apply(flowMod('add', 'in_port=1', { table: 254 - 1 }), 0);
    const again = tables.apply(flowMod('add', 'in_port=1', { actions: [output(2)] }), 1000);
    assert.equal(again.replaced, first.added);
    assert.deepEqual(flows(tables), ['0 32768 1 0 output:2', '0 5 1 0 ', '253 32768 1 0 ']);
    assert.equal(tables.count, 3);
  });

  test('keeps counters of the replaced flow unless told to reset them; its duration starts anew', () => {
    for (const resetCounts of [false, true]) {
      const tables = new FlowTables();
      const { added: old } = tables.apply(flowMod('add', 'in_port=1'), 0);
      creditRule(old!, 3, 300, 2000);
      tables.apply(flowMod('add', 'in_port=1', { flags: { resetCounts } }), 5000);
      creditRule(old!, 1, 100, 6000);
      const [stats] = tables.dump(filter(), 8000);
      assert.equal(stats!.packets, resetCounts ? 0n : 4n);
      assert.equal(stats!.bytes, resetCounts ? 0n : 400n);
      assert.equal(stats!.durationMs, 3000);
      assert.equal(stats!.idleAge, resetCounts ? 3 : 2);
    }
  });

  test('check_overlap refuses flows that overlap another of the same priority, not a replacement', () => {
    const tables = new FlowTables();
    const flags = { checkOverlap: true };
    tables.apply(flowMod('add', 'in_port=1'), 0);
    refuses(tables, flowMod('add', 'ip', { flags }), 'OFPFMFC_OVERLAP');
    tables.apply(flowMod('add', 'in_port=1', { flags }), 0);
    tables.apply(flowMod('add', 'in_port=2', { flags }), 0);
    tables.apply(flowMod('add', 'ip', { flags, priority: 1 }), 0);
    tables.apply(flowMod('add', 'ip', { flags, table: 1 }), 0);
  });

  test('a full table refuses new flows, also of a modify, but not replacements', () => {
    const tables = new FlowTables();
    tables.table(0).maxFlows = 2;
    tables.apply(flowMod('add', 'in_port=1'), 0);
    tables.apply(flowMod('add', 'in_port=2'), 0);
    refuses(tables, flowMod('add', 'in_port=3'), 'OFPFMFC_TABLE_FULL');
    refuses(tables, flowMod('modify', 'in_port=3'), 'OFPFMFC_TABLE_FULL');
    tables.apply(flowMod('add', 'in_port=2', { actions: [output(1)] }), 0);
    tables.apply(flowMod('modify', 'in_port=1', { actions: [output(1)] }), 0);
    tables.apply(flowMod('add', 'in_port=3', { table: 1 }), 0);
  });

  test('table 255 is the first; there is none above 254; 254 is the switch’s own', () => {
    const tables = new FlowTables();
    assert.equal(tables.apply(flowMod('add', '', { table: TABLE_ALL }), 0).added!.table, 0);
    refuses(tables, flowMod('add', '', { table: 256 }), 'OFPBRC_BAD_TABLE_ID');
    refuses(tables, flowMod('add', '', { table: TABLE_INTERNAL }), 'OFPBRC_EPERM');
    tables.apply(flowMod('add', '', { table: TABLE_INTERNAL, flags: { noReadOnly: true } }), 0);
    assert.deepEqual(flows(tables), ['0 32768 0 0 ']);
    assert.deepEqual(flows(tables, { table: TABLE_INTERNAL }), ['254 32768 0 0 ']);
    refuses(tables, flowMod('delete', '', { table: TABLE_INTERNAL }), 'OFPBRC_EPERM');
    refuses(tables, flowMod('modify', '', { table: TABLE_INTERNAL }), 'OFPBRC_EPERM');
    assert.equal(tables.apply(flowMod('delete', ''), 0).removed.length, 1);
    assert.equal(tables.count, 1);
  });

  test('hidden flows are neither shown nor touched', () => {
    const tables = new FlowTables();
    tables.apply(flowMod('add', 'in_port=1', { flags: { hidden: true }, priority: 65_536 }), 0);
    assert.deepEqual(flows(tables), []);
    assert.deepEqual(tables.apply(flowMod('delete', ''), 0).removed, []);
    refuses(tables, flowMod('add', 'in_port=1', { priority: 65_536 }), 'OFPBRC_EPERM');
    assert.equal(tables.apply(flowMod('delete', '', { flags: { hidden: true } }), 0).removed.length, 1);
  });
});

describe('modify', () => {
  function filled(): FlowTables {
    const tables = new FlowTables();
    tables.apply(flowMod('add', 'in_port=1', { actions: [output(1)], cookie: 1n }), 0);
    tables.apply(flowMod('add', 'in_port=1,tcp', { actions: [output(1)], cookie: 1n, priority: 9 }), 0);
    tables.apply(flowMod('add', 'in_port=2', { actions: [output(1)], cookie: 2n, idleTimeout: 10 }), 0);
    return tables;
  }

  test('loosely changes all flows that the match covers; strictly only the one', () => {
    const loose = filled();
    assert.equal(loose.apply(flowMod('modify', 'in_port=1', { actions: [output(5)] }), 0).modified.length, 2);
    assert.deepEqual(flows(loose), ['0 32768 1 1 output:5', '0 32768 2 2 output:1', '0 9 1 1 output:5']);
    const strict = filled();
    assert.equal(strict.apply(flowMod('modify_strict', 'in_port=1', { actions: [output(5)] }), 0).modified.length, 1);
    assert.deepEqual(flows(strict), ['0 32768 1 1 output:5', '0 32768 2 2 output:1', '0 9 1 1 output:1']);
  });

  test('keeps timeouts, counters and creation; renews the hard age; resets counters when told', () => {
    const tables = filled();
    const rule = tables
      .table(0)
      .classifier.rules()
      .find((each) => each.cookie === 2n)!;
    creditRule(rule, 2, 200, 1000);
    tables.apply(flowMod('modify', 'in_port=2', { actions: [output(5)], idleTimeout: 99, hardTimeout: 99 }), 4000);
    const [stats] = tables.dump(filter({ cookieMatch: 2n, cookieMask: -1n }), 6000);
    assert.deepEqual(
      [stats!.durationMs, stats!.hardAge, stats!.idleAge, stats!.idleTimeout, stats!.hardTimeout, stats!.packets],
      [6000, 2, 5, 10, 0, 2n],
    );
    tables.apply(flowMod('modify', 'in_port=2', { flags: { resetCounts: true } }), 4000);
    assert.equal(tables.dump(filter({ cookieMatch: 2n, cookieMask: -1n }), 0)[0]!.packets, 0n);
  });

  test('adds when nothing matches, except with a cookie mask or in OpenFlow 1.2 and later', () => {
    for (const [changes, isAdded] of [
      [{}, true],
      [{ cookieMask: 1n, cookieMatch: 1n }, false],
      [{ cookie: COOKIE_NONE }, false],
    ] as const) {
      const tables = new FlowTables();
      const { added } = tables.apply(flowMod('modify', 'in_port=1', changes), 0);
      assert.equal(added !== null, isAdded);
      assert.equal(tables.count, isAdded ? 1 : 0);
    }
  });

  test('cookies: selects by mask, changes when told', () => {
    const tables = filled();
    const actions = [output(4)];
    tables.apply(
      flowMod('modify', '', { cookieMatch: 1n, cookieMask: -1n, cookie: 4n, modifyCookie: true, actions }),
      0,
    );
    assert.deepEqual(flows(tables), ['0 32768 1 4 output:4', '0 32768 2 2 output:1', '0 9 1 4 output:4']);
    tables.apply(flowMod('modify', '', { cookie: COOKIE_NONE, modifyCookie: true }), 0);
    assert.deepEqual(flows(tables), ['0 32768 1 4 ', '0 32768 2 2 ', '0 9 1 4 ']);
  });

  test('makes a flow a soft match and back', () => {
    const tables = new FlowTables();
    const { added } = tables.apply(flowMod('add', 'in_port=1'), 0);
    const packet = match('in_port=1').values;
    const { classifier } = tables.table(0);
    tables.apply(
      flowMod('modify', 'in_port=1', { actions: [{ type: 'conjunction', id: 1, clause: 0, clauses: 2 }] }),
      0,
    );
    assert.equal(classifier.lookup(packet), null);
    tables.apply(flowMod('modify', 'in_port=1'), 0);
    assert.equal(classifier.lookup(packet), added);
  });
});

describe('delete', () => {
  function filled(): FlowTables {
    const tables = new FlowTables();
    tables.applyGroupMod(groupMod('add', 1), 0);
    for (const [port, actions] of [
      [1, [output(1)]],
      [2, [{ type: 'enqueue', port: 1, queue: 2 }]],
      [3, [{ type: 'clone', actions: [output(1)] }]],
      [4, [{ type: 'write_actions', actions: [{ type: 'group', group: 1 }] }]],
      [
        5,
        [
          {
            type: 'controller',
            maxLength: 1,
            reason: 'action',
            controllerId: 0,
            userdata: new Uint8Array(),
            pause: false,
            meterId: null,
          },
        ],
      ],
    ] as readonly (readonly [number, readonly OpenFlowAction[]])[]) {
      tables.apply(flowMod('add', `in_port=${port}`, { actions, cookie: BigInt(port), table: port % 2 }), 0);
    }
    return tables;
  }
  function left(changes: FlowModChanges, text = '', command: FlowMod['command'] = 'delete'): string {
    const tables = filled();
    const { removed } = tables.apply(flowMod(command, text, changes), 0);
    const ports = flows(tables).map((line) => line.split(' ')[2]!);
    assert.equal(removed.length + ports.length, 5);
    assert.ok(removed.every(({ reason }) => reason === 'delete'));
    return ports.sort().join('');
  }

  test('by table, match, priority, cookie, port and group', () => {
    assert.equal(left({}), '');
    assert.equal(left({ table: 1 }), '24');
    assert.equal(left({}, 'in_port=3'), '1245');
    assert.equal(left({}, 'in_port=3', 'delete_strict'), '1245');
    assert.equal(left({ priority: 1 }, 'in_port=3', 'delete_strict'), '12345');
    assert.equal(left({}, '', 'delete_strict'), '12345');
    assert.equal(left({ cookieMatch: 1n, cookieMask: 1n }), '24');
    assert.equal(left({ outPort: 1 }), '45');
    assert.equal(left({ outPort: OFPP_CONTROLLER }), '1234');
    assert.equal(left({ outGroup: 1 }), '1235');
    assert.equal(left({ outGroup: 1, outPort: 1 }), '12345');
  });
});

describe('timeouts', () => {
  test('idle from the last packet, hard from the last change, later than the seconds given', () => {
    const tables = new FlowTables();
    const { added: idle } = tables.apply(flowMod('add', 'in_port=1', { idleTimeout: 5 }), 0);
    const { added: hard } = tables.apply(flowMod('add', 'in_port=2', { hardTimeout: 8 }), 0);
    tables.apply(flowMod('add', 'in_port=3'), 0);
    assert.deepEqual(tables.expire(5000), []);
    creditRule(idle!, 1, 60, 4000);
    assert.deepEqual(tables.expire(8000), []);
    const sequence = tables.changeSequence;
    assert.deepEqual(tables.expire(8001), [{ rule: hard, reason: 'hard_timeout' }]);
    assert.ok(tables.changeSequence > sequence);
    assert.deepEqual(tables.expire(9001), [{ rule: idle, reason: 'idle_timeout' }]);
    assert.equal(tables.count, 1);
  });

  test('a modify renews the hard timeout', () => {
    const tables = new FlowTables();
    tables.apply(flowMod('add', 'in_port=2', { hardTimeout: 8 }), 0);
    tables.apply(flowMod('modify', 'in_port=2'), 5000);
    assert.deepEqual(tables.expire(13_000), []);
    assert.equal(tables.expire(13_001).length, 1);
  });

  test('reduceTimeouts lowers and never raises, and makes a flow expire that had no timeout', () => {
    const tables = new FlowTables();
    const { added: rule } = tables.apply(flowMod('add', 'in_port=1', { hardTimeout: 3 }), 0);
    tables.reduceTimeouts(rule!, 5, 9);
    assert.deepEqual([rule!.idleTimeout, rule!.hardTimeout], [5, 3]);
    tables.reduceTimeouts(rule!, 0, 2);
    assert.deepEqual([rule!.idleTimeout, rule!.hardTimeout], [5, 2]);
    const { added: other } = tables.apply(flowMod('add', 'in_port=2'), 0);
    tables.reduceTimeouts(other!, 1, 0);
    assert.equal(tables.expire(5000).length, 2);
    tables.reduceTimeouts(other!, 1, 0);
    assert.equal(tables.expire(50_000).length, 0, 'a removed rule does not come back');
  });
});

describe('groups and meters', () => {
  test('flows go with their group or meter; flows that name missing ones are refused', () => {
    const tables = new FlowTables();
    const toGroup: OpenFlowAction = { type: 'group', group: 1 };
    refuses(tables, flowMod('add', 'in_port=1', { actions: [toGroup] }), 'OFPBAC_BAD_OUT_GROUP');
    refuses(
      tables,
      flowMod('modify', 'in_port=1', { actions: [{ type: 'meter', meter: 3 }] }),
      'OFPMMFC_INVALID_METER',
    );
    tables.applyGroupMod(groupMod('add', 1), 0);
    tables.applyMeterMod(
      {
        command: 'add',
        meter: 3,
        unit: 'kbps',
        burst: false,
        stats: false,
        bands: [{ type: 'drop', rate: 1, burst: 0, precedenceLevel: 0 }],
      },
      0,
    );
    tables.apply(flowMod('add', 'in_port=1', { actions: [toGroup, { type: 'write_actions', actions: [toGroup] }] }), 0);
    tables.apply(flowMod('add', 'in_port=2', { actions: [toGroup] }), 0);
    tables.apply(flowMod('modify', 'in_port=2', { actions: [{ type: 'meter', meter: 3 }] }), 0);
    tables.apply(flowMod('add', 'in_port=3', { actions: [toGroup] }), 0);
    tables.apply(flowMod('add', 'in_port=3'), 0);
    assert.equal(tables.groupReferences(1), 1);
    assert.equal(tables.meterReferences(3), 1);
    const sequence = tables.changeSequence;
    const removed = tables.applyGroupMod(groupMod('delete', OFPG_ALL), 0);
    assert.deepEqual(
      removed.map(({ rule, reason }) => [rule.match.values[0], reason]),
      [[1, 'group_delete']],
    );
    assert.ok(tables.changeSequence > sequence);
    const withMeter = tables.applyMeterMod(
      { command: 'delete', meter: 3, unit: 'kbps', burst: false, stats: false, bands: [] },
      0,
    );
    assert.deepEqual(
      withMeter.map(({ rule, reason }) => [rule.match.values[0], reason]),
      [[2, 'meter_delete']],
    );
    assert.deepEqual(flows(tables), ['0 32768 3 0 ']);
  });
});

test('aggregate counts what a dump shows', () => {
  const tables = new FlowTables();
  for (const port of [1, 2, 3]) {
    const { added } = tables.apply(flowMod('add', `in_port=${port}`, { table: port }), 0);
    creditRule(added!, port, 100 * port, 0);
  }
  assert.deepEqual(tables.aggregate(filter()), { packets: 6n, bytes: 600n, flows: 3 });
  assert.deepEqual(tables.aggregate(filter({ table: 2 })), { packets: 2n, bytes: 200n, flows: 1 });
  assert.deepEqual(tables.aggregate(filter({ match: match('in_port=3') })), { packets: 3n, bytes: 300n, flows: 1 });
});
