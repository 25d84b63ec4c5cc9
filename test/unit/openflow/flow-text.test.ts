/** Flow mods, files of them, and flow statistics as text. Expected texts are those of ovs-ofctl 3.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMatch, parseMatch } from '../../../src/flow/index.ts';
import {
  type FlowModCommand,
  type FlowStats,
  formatFlowMod,
  formatFlowStats,
  OFPG_ALL,
  OFPG_ANY,
  OFPP_LOCAL,
  OFPP_NONE,
  OpenFlowError,
  OpenFlowFileError,
  OpenFlowTextError,
  parseActions,
  parseFlowMod,
  parseFlowMods,
  parseFlowSelection,
} from '../../../src/openflow/index.ts';

const NO_FLAGS = {
  sendFlowRemoved: false,
  checkOverlap: false,
  resetCounts: false,
  noPacketCounts: false,
  noByteCounts: false,
  hidden: false,
  noReadOnly: false,
};
const COOKIE_NONE = 0xffffffffffffffffn;

test('an add has every term', () => {
  const line =
    'table=3,priority=4,cookie=0x5,idle_timeout=6,hard_timeout=7,importance=8,send_flow_rem,check_overlap,reset_counts,' +
    'no_packet_counts,no_byte_counts,ip,nw_src=10.0.0.0/8,actions=mod_nw_ttl:3,2';
  assert.deepEqual(parseFlowMod(line, 'add'), {
    command: 'add',
    table: 3,
    priority: 4,
    match: parseMatch('ip,nw_src=10.0.0.0/8'),
    cookie: 5n,
    cookieMatch: 0n,
    cookieMask: 0n,
    modifyCookie: false,
    idleTimeout: 6,
    hardTimeout: 7,
    importance: 8,
    flags: {
      ...NO_FLAGS,
      sendFlowRemoved: true,
      checkOverlap: true,
      resetCounts: true,
      noPacketCounts: true,
      noByteCounts: true,
    },
    outPort: OFPP_NONE,
    outGroup: OFPG_ANY,
    actions: parseActions('mod_nw_ttl:3,2'),
  });
});

test('what is not given has its default', () => {
  assert.deepEqual(parseFlowMod('actions=', 'add'), {
    command: 'add',
    table: 255,
    priority: 32768,
    match: createMatch(),
    cookie: 0n,
    cookieMatch: 0n,
    cookieMask: 0n,
    modifyCookie: false,
    idleTimeout: 0,
    hardTimeout: 0,
    importance: 0,
    flags: NO_FLAGS,
    outPort: OFPP_NONE,
    outGroup: OFPG_ANY,
    actions: [],
  });
});

test('a cookie selects, sets, or both', () => {
  const cookies = (line: string, command: FlowModCommand): unknown[] => {
    const { cookie, cookieMatch, cookieMask, modifyCookie } = parseFlowMod(line, command);
    return [cookie, cookieMatch, cookieMask, modifyCookie];
  };
  assert.deepEqual(cookies('cookie=-1,actions=', 'add'), [COOKIE_NONE, 0n, 0n, false]);
  assert.deepEqual(cookies('actions=', 'modify'), [0n, 0n, 0n, false]);
  assert.deepEqual(cookies('cookie=5,actions=', 'modify'), [5n, 0n, 0n, true]);
  assert.deepEqual(cookies('cookie=5/-1,actions=', 'modify'), [COOKIE_NONE, 5n, COOKIE_NONE, false]);
  assert.deepEqual(cookies('cookie=1/-1,cookie=2,actions=', 'modify_strict'), [2n, 1n, COOKIE_NONE, true]);
  assert.deepEqual(cookies('cookie=0xff/0xf', 'delete'), [COOKIE_NONE, 0xfn, 0xfn, false]);
});

test('each command has its terms', () => {
  const { outPort, outGroup } = parseFlowMod('out_port=LOCAL,out_group=7', 'delete_strict');
  assert.deepEqual([outPort, outGroup], [OFPP_LOCAL, 7]);
  assert.equal(parseFlowMod('out_group=all', 'delete').outGroup, OFPG_ALL);
  const refused: readonly (readonly [line: string, command: FlowModCommand, message: string])[] = [
    ['priority=5', 'add', 'must specify an action'],
    ['out_port=5,actions=1', 'add', 'unknown keyword out_port'],
    ['out_port=5,actions=1', 'modify', 'unknown keyword out_port'],
    ['cookie=5/7,actions=1', 'add', 'flow additions cannot use a cookie mask'],
    ['cookie=5', 'delete', 'cannot set cookie (to match on a cookie, specify a mask, e.g. cookie=5/-1)'],
    ['ip,actions=1', 'delete', 'unknown keyword actions'],
    ['priority=5', 'delete', 'unknown keyword priority'],
    ['idle_timeout=5,ip', 'delete_strict', 'unknown keyword idle_timeout'],
    ['importance=5', 'delete', 'unknown keyword importance'],
    ['send_flow_rem', 'delete', 'field send_flow_rem missing value'],
    ['out_port=foo', 'delete', 'foo is not a valid OpenFlow port'],
    ['out_group=x', 'delete', 'x is not a valid OpenFlow group'],
    ['table=256', 'delete', 'unknown table "256"'],
    ['priority=,actions=1', 'add', 'field priority missing value'],
    ['send_flow_rem=1,actions=1', 'add', 'send_flow_rem: expected no argument, got "1"'],
  ];
  for (const [line, command, message] of refused) {
    assert.throws(() => parseFlowMod(line, command), { name: 'OpenFlowTextError', message }, `${command} ${line}`);
  }
});

test('a flow mod is shown as Open vSwitch logs it', () => {
  const cases: readonly (readonly [line: string, command: FlowModCommand, shown: string])[] = [
    ['table=1,actions=1', 'add', 'ADD table:1 actions=output:1'],
    ['priority=5,ip,actions=1', 'add', 'ADD priority=5,ip actions=output:1'],
    ['cookie=5,actions=1', 'add', 'ADD cookie:0x5 actions=output:1'],
    ['idle_timeout=60,hard_timeout=70,actions=1', 'add', 'ADD idle:60 hard:70 actions=output:1'],
    ['importance=5,actions=1', 'add', 'ADD importance:5 actions=output:1'],
    [
      'send_flow_rem,check_overlap,reset_counts,no_packet_counts,no_byte_counts,actions=1',
      'add',
      'ADD send_flow_rem check_overlap reset_counts no_packet_counts no_byte_counts actions=output:1',
    ],
    ['cookie=5/7,ip,actions=2', 'modify', 'MOD ip cookie:0x5/0x7 actions=output:2'],
    ['priority=7,table=3,ip,actions=2', 'modify_strict', 'MOD_STRICT table:3 priority=7,ip actions=output:2'],
    ['ip', 'delete', 'DEL table:255 ip actions=drop'],
    ['table=3,cookie=5/7,out_port=3', 'delete', 'DEL table:3 cookie:0x5/0x7 out_port:3 actions=drop'],
    ['priority=5,ip', 'delete_strict', 'DEL_STRICT table:255 priority=5,ip actions=drop'],
  ];
  for (const [line, command, shown] of cases) {
    assert.equal(formatFlowMod(parseFlowMod(line, command)), shown);
  }
});

test('a selection is what dump-flows takes', () => {
  const { table, match, cookieMatch, cookieMask, outPort } = parseFlowSelection('table=3,ip,cookie=5/7,out_port=2');
  assert.deepEqual([table, cookieMatch, cookieMask, outPort], [3, 5n, 7n, 2]);
  assert.deepEqual(match, parseMatch('ip'));
  assert.throws(() => parseFlowSelection('actions=1'), /unknown keyword actions/);
});

test('a file has commands, comments and blank lines', () => {
  const text =
    '# comment\n\n  \nip,actions=1 # drop\r\nadd arp,actions=2\n\tdelete table=3\nmodify_strict,ip,actions=3\n';
  const mods = parseFlowMods(text);
  assert.deepEqual(
    mods.map((mod) => formatFlowMod(mod)),
    [
      'ADD ip actions=output:1',
      'ADD arp actions=output:2',
      'DEL table:3 actions=drop',
      'MOD_STRICT ip actions=output:3',
    ],
  );
  assert.equal(parseFlowMods('ip', { command: 'delete' })[0]?.command, 'delete');
});

test('an error in a file says line and column and shows the line', () => {
  const read = (): unknown =>
    parseFlowMods('ip,actions=1\ndelete ip\nadd in_port=1,actions=clone(2,foo)\n', { fileName: 'a.txt' });
  assert.throws(read, (error) => {
    assert.ok(error instanceof OpenFlowFileError);
    assert.deepEqual([error.line, error.column, error.code], [3, 31, 'OPENFLOW_TEXT_ACTION']);
    assert.equal(
      error.message,
      `a.txt:3: unknown action foo\n  add in_port=1,actions=clone(2,foo)\n  ${' '.repeat(30)}^`,
    );
    return true;
  });
  assert.throws(() => parseFlowMods('ip,nw_src=10.0.0.256,actions=1'), {
    name: 'OpenFlowFileError',
    line: 1,
    code: 'VALUE_INVALID',
  });
});

test('errors are of the layer, with the code of what went wrong', () => {
  assert.throws(
    () => parseFlowMod('tp_dst=80,actions=1', 'add'),
    (error) => {
      return error instanceof OpenFlowTextError && error.code === 'PREREQUISITE_MISSING';
    },
  );
  assert.throws(
    () => parseFlowMod('actions=set_field:1.2.3.4->ip_src', 'add'),
    (error) => {
      return error instanceof OpenFlowError && error.code === 'OFPBAC_MATCH_INCONSISTENT' && error.offset === 8;
    },
  );
});

const STATS: FlowStats = {
  table: 0,
  priority: 32768,
  match: createMatch(),
  cookie: 0n,
  durationMs: 3100,
  idleTimeout: 0,
  hardTimeout: 0,
  importance: 0,
  idleAge: -1,
  hardAge: -1,
  flags: NO_FLAGS,
  packets: 0n,
  bytes: 0n,
  actions: [],
};

test('flow statistics are the lines of dump-flows', () => {
  const flow: FlowStats = {
    ...STATS,
    priority: 10,
    match: parseMatch('ip,in_port=1'),
    actions: parseActions('2'),
    packets: 5n,
    bytes: 490n,
    idleAge: 3,
    hardAge: 3,
  };
  assert.equal(
    formatFlowStats(flow),
    ' cookie=0x0, duration=3.100s, table=0, n_packets=5, n_bytes=490, idle_age=3, priority=10,ip,in_port=1 actions=output:2',
  );
  assert.equal(formatFlowStats(flow, { stats: false }), ' priority=10,ip,in_port=1 actions=output:2');
  const busy: FlowStats = {
    ...STATS,
    table: 3,
    cookie: 5n,
    durationMs: 4000,
    idleTimeout: 60,
    hardTimeout: 100,
    idleAge: 4,
    hardAge: 1,
    match: parseMatch('tcp,tp_dst=80'),
    actions: parseActions('mod_vlan_vid:5,strip_vlan,1,LOCAL'),
  };
  const actions = 'actions=mod_vlan_vid:5,strip_vlan,output:1,LOCAL';
  assert.equal(
    formatFlowStats(busy),
    ` cookie=0x5, duration=4s, table=3, n_packets=0, n_bytes=0, idle_timeout=60, hard_timeout=100, idle_age=4, hard_age=1, tcp,tp_dst=80 ${actions}`,
  );
  assert.equal(
    formatFlowStats(busy, { stats: false }),
    ` cookie=0x5, table=3, idle_timeout=60, hard_timeout=100, tcp,tp_dst=80 ${actions}`,
  );
});

test('flow statistics show flags, importance, and nothing for an empty match', () => {
  const flags = { ...NO_FLAGS, sendFlowRemoved: true, checkOverlap: true, noPacketCounts: true, noByteCounts: true };
  assert.equal(
    formatFlowStats({ ...STATS, table: 4, flags, importance: 7 }),
    ' cookie=0x0, duration=3.100s, table=4, n_packets=0, n_bytes=0, send_flow_rem check_overlap no_packet_counts no_byte_counts importance=7, actions=drop',
  );
  assert.equal(formatFlowStats({ ...STATS, table: 4 }, { stats: false }), ' table=4, actions=drop');
  assert.equal(
    formatFlowStats({ ...STATS, priority: 0, durationMs: 61005, actions: parseActions('normal') }),
    ' cookie=0x0, duration=61.005s, table=0, n_packets=0, n_bytes=0, priority=0 actions=NORMAL',
  );
});

test('with names, ports are shown by name', () => {
  const ports = { numberOf: () => undefined, nameOf: (port: number) => ['', 'p1', 'p-2'][port] };
  const flow = { ...STATS, match: parseMatch('in_port=1'), actions: parseActions('2') };
  assert.equal(formatFlowStats(flow, { stats: false, ports }), ' in_port=p1 actions=output:"p-2"');
});

test('lines of dump-flows read back as flows', () => {
  const line =
    ' cookie=0x5, duration=3.094s, table=3, n_packets=0, n_bytes=0, idle_age=3, tcp,tp_dst=80 actions=output:1';
  assert.equal(formatFlowMod(parseFlowMod(line, 'add')), 'ADD table:3 tcp,tp_dst=80 cookie:0x5 actions=output:1');
});
