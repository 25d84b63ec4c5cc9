/** Groups as text. Expected texts and errors are those of ovs-ofctl 3.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldByName, getMatchField } from '../../../src/flow/index.ts';
import {
  type Bucket,
  formatGroup,
  formatGroupMod,
  formatGroupStats,
  type GroupModCommand,
  OFPG_ALL,
  OFPG_ANY,
  OFPG15_BUCKET_FIRST,
  OFPP_NONE,
  OpenFlowTextError,
  parseActions,
  parseGroupMod,
  parseGroupMods,
} from '../../../src/openflow/index.ts';
import { arbitrarySimpleActions } from './arbitrary-actions.ts';

const BUCKET: Bucket = { bucketId: null, weight: 1, watchPort: OFPP_NONE, watchGroup: OFPG_ANY, actions: [] };

test('a group has its type, its buckets and their terms', () => {
  const line =
    'group_id=2,type=select,bucket=weight:5,output:1,bucket=bucket_id:7,weight=3,watch_port:1,actions=mod_vlan_vid:5,2';
  assert.deepEqual(parseGroupMod(line, 'add'), {
    command: 'add',
    group: 2,
    type: 'select',
    commandBucketId: null,
    selectionMethod: '',
    selectionMethodParameter: 0n,
    hashFields: null,
    buckets: [
      { ...BUCKET, weight: 5, actions: parseActions('1') },
      { ...BUCKET, bucketId: 7, weight: 3, watchPort: 1, actions: parseActions('mod_vlan_vid:5,2') },
    ],
  });
});

test('groups are shown as dump-groups does', () => {
  const cases: readonly (readonly [line: string, shown: string])[] = [
    [
      'group_id=1,type=all,bucket=output:1,bucket=output:2',
      'group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2',
    ],
    [
      'group_id=2,type=select,bucket=weight:5,output:1,bucket=bucket_id:7,weight=3,watch_port:1,actions=output:2',
      'group_id=2,type=select,bucket=weight:5,actions=output:1,bucket=bucket_id:7,weight:3,watch_port:1,actions=output:2',
    ],
    [
      'group_id=3,type=indirect,bucket=actions=set_field:1->reg0,output:1',
      'group_id=3,type=indirect,bucket=actions=set_field:0x1->reg0,output:1',
    ],
    [
      'group_id=4,type=fast_failover,bucket=watch_port:1,output:1,bucket=watch_group:1,output:2',
      'group_id=4,type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_group:1,actions=output:2',
    ],
    [
      'group_id=6,type=select,selection_method=hash,fields(ip_src,tcp_dst),bucket=output:1',
      'group_id=6,type=select,selection_method=hash,fields(ip_src,tcp_dst),bucket=actions=output:1',
    ],
    [
      'group_id=7,type=select,selection_method=hash,fields=udp_src,bucket=output:1',
      'group_id=7,type=select,selection_method=hash,fields=udp_src,bucket=actions=output:1',
    ],
    [
      'group_id=8,type=select,selection_method=hash,selection_method_param=0x12,fields(ip_src=255.255.0.0,eth_dst),bucket=output:1',
      'group_id=8,type=select,selection_method=hash,selection_method_param=18,fields(eth_dst,ip_src=255.255.0.0),bucket=actions=output:1',
    ],
    ['group_id=10,type=all', 'group_id=10,type=all'],
    ['group_id=15,type=select,bucket=weight:0,1', 'group_id=15,type=select,bucket=weight:0,actions=output:1'],
    [
      'group_id=18,type=select,bucket=resubmit(,1),bucket=note:11',
      'group_id=18,type=select,bucket=actions=resubmit(,1),bucket=actions=note:11',
    ],
    [
      'group_id=23 type=all bucket=actions=1 bucket=2',
      'group_id=23,type=all,bucket=actions=output:1,bucket=actions=output:2',
    ],
    ['group_id=28,type=all,bucket=1,2,group:1', 'group_id=28,type=all,bucket=actions=output:1,output:2,group:1'],
    ['group_id=29,type=all,bucket=actions=', 'group_id=29,type=all,bucket=actions=drop'],
    ['group_id=33,type=all,bucket=meter:1,1', 'group_id=33,type=all,bucket=actions=meter:1,output:1'],
    ['group_id=34,type=select,bucket=1,weight:5', 'group_id=34,type=select,bucket=weight:5,actions=output:1'],
  ];
  for (const [line, shown] of cases) {
    const mod = parseGroupMod(line, 'add');
    assert.equal(formatGroup(mod), shown);
    assert.deepEqual(parseGroupMod(shown, 'add'), mod);
  }
});

test('fields to hash are masks with names', () => {
  const line = 'group_id=8,type=select,selection_method=hash,fields(udp_dst,ip_src=255.255.0.0),bucket=1';
  const { hashFields } = parseGroupMod(line, 'add');
  assert.ok(hashFields !== null);
  assert.deepEqual(
    hashFields.fields?.map((field) => field.name),
    ['ip_src', 'udp_dst'],
  );
  assert.equal(getMatchField(hashFields, fieldByName('ip_src')!).mask, 0xffff0000n);
  assert.equal(getMatchField(hashFields, fieldByName('udp_dst')!).mask, 0xffffn);
});

test('group mods are shown as Open vSwitch logs them', () => {
  const cases: readonly (readonly [line: string, command: GroupModCommand, shown: string])[] = [
    ['', 'delete', 'DEL group_id=4294967292,type=all'],
    ['group_id=1', 'delete', 'DEL group_id=1,type=all'],
    ['group_id=all', 'delete', 'DEL group_id=4294967292,type=all'],
    ['group_id=1,type=ff', 'modify', 'MOD group_id=1,type=ff'],
    ['group_id=1,type=ff', 'add_or_modify', 'ADD_OR_MOD group_id=1,type=ff'],
    [
      'group_id=1,command_bucket_id=first,bucket=bucket_id:0,1',
      'insert_buckets',
      'INSERT_BUCKET command_bucket_id:first,group_id=1,bucket=bucket_id:0,actions=output:1',
    ],
    ['group_id=1,command_bucket_id=last', 'remove_buckets', 'REMOVE_BUCKET command_bucket_id:last,group_id=1'],
    ['group_id=1,command_bucket_id=5', 'remove_buckets', 'REMOVE_BUCKET command_bucket_id:5,group_id=1'],
    ['group_id=1', 'remove_buckets', 'REMOVE_BUCKET command_bucket_id:all,group_id=1'],
  ];
  for (const [line, command, shown] of cases) {
    assert.equal(formatGroupMod(parseGroupMod(line, command)), shown);
  }
  assert.equal(parseGroupMod('', 'delete').group, OFPG_ALL);
  const insert = parseGroupMod('group_id=1,command_bucket_id=first', 'insert_buckets');
  assert.equal(insert.commandBucketId, OFPG15_BUCKET_FIRST);
});

test('what makes no group is refused in the words of ovs-ofctl', () => {
  const cases: readonly (readonly [line: string, command: GroupModCommand, message: string])[] = [
    ['group_id=11', 'add', 'must specify a type'],
    ['type=all,bucket=1', 'add', 'must specify a group_id'],
    ['group_id=12,type=foo,bucket=1', 'add', 'invalid group type foo'],
    ['group_id=12,type=indirect,bucket=1,bucket=2', 'add', 'Indirect groups can have at most one bucket.'],
    ['group_id=12,type=ff,bucket=1', 'add', 'fast failover bucket requires watch_port or watch_group'],
    ['group_id=x,type=all', 'add', 'invalid numeric format x (expected 0 to 4294967295)'],
    ['group_id=4294967041,type=all', 'add', 'invalid group id 4294967041'],
    ['group_id=13,type=all,bucket=weight:5,1', 'add', 'Only select groups can have bucket weights.'],
    ['group_id=16,type=select,bucket=weight:65536,1', 'add', 'invalid weight "65536" (expected 0 to 65535)'],
    ['group_id=17,type=select,bucket=watch_port:foo,1', 'add', 'foo: invalid watch_port'],
    ['group_id=17,type=select,bucket=watch_port:LOCAL,1', 'add', 'LOCAL: invalid watch_port'],
    ['group_id=17,type=select,bucket=watch_group:x,1', 'add', 'invalid numeric format x (expected 0 to 4294967295)'],
    ['group_id=17,type=select,bucket=bucket_id:x,1', 'add', 'invalid numeric format x (expected 0 to 4294967295)'],
    ['group_id=17,type=select,bucket=bucket_id:0xffffff01,1', 'add', 'invalid bucket_id id 4294967041'],
    ['group_id=17,type=select,bucket=foo,1', 'add', 'unknown action foo'],
    ['group_id=17,type=select,foo=bar,bucket=1', 'add', 'unknown keyword foo'],
    ['group_id=17,type=select,foo,bucket=1', 'add', 'unknown keyword foo'],
    ['group_id=19,type=select,bucket=write_actions(1)', 'add', 'write_actions instruction not allowed here'],
    [
      'group_id=20,type=select,fields(ip_src),bucket=1',
      'add',
      'fields may only be specified with "selection_method=hash"',
    ],
    ['group_id=20,type=select,selection_method=hash,fields(foo),bucket=1', 'add', 'unknown field foo'],
    [
      'group_id=20,type=select,selection_method=0123456789abcdef,bucket=1',
      'add',
      'selection method is longer than 15 bytes long',
    ],
    [
      'group_id=20,type=select,selection_method_param=5,bucket=1',
      'add',
      'selection_method_param is only allowed with "selection_method"',
    ],
    [
      'group_id=20,type=all,selection_method=hash,bucket=1',
      'add',
      'selection_method is only allowed for select groups',
    ],
    ['group_id=24,type=all,command_bucket_id=1,bucket=1', 'add', 'command bucket id is not needed'],
    ['group_id=25,bucket=1,type=all', 'add', 'must specify a type'],
    ['group_id=26,type=all,bucket=1,bucket=', 'add', 'bucket must specify actions'],
    ['group_id=27,type=select,bucket=weight:1', 'add', 'bucket must specify actions'],
    ['group_id=1,command_bucket_id=all,bucket=3', 'insert_buckets', 'command_bucket_id=all is not permitted'],
    ['group_id=1,bucket=3', 'insert_buckets', 'must specify a command bucket id'],
    ['group_id=1,type=all,command_bucket_id=0,bucket=3', 'insert_buckets', 'type is not needed'],
    ['group_id=1,command_bucket_id=all,bucket=1', 'remove_buckets', 'bucket is not needed'],
    ['group_id=1,command_bucket_id=4294967041', 'remove_buckets', 'invalid command bucket id 4294967041'],
    ['group_id=all,type=all', 'delete', 'type is not needed'],
    ['group_id=2,bucket=1', 'delete', 'bucket is not needed'],
    ['foo=2', 'delete', 'unknown keyword foo'],
  ];
  for (const [line, command, message] of cases) {
    assert.throws(() => parseGroupMod(line, command), { name: 'OpenFlowTextError', message }, line);
  }
});

test('an error in a bucket knows its place in the line', () => {
  for (const line of [
    'group_id=1,type=all,bucket=1,bucket=2,foo',
    'group_id=1,type=all,bucket=bucket_id:3,actions=2,foo',
  ]) {
    assert.throws(
      () => parseGroupMod(line, 'add'),
      (error) => error instanceof OpenFlowTextError && error.offset === line.indexOf('foo'),
    );
  }
});

test('a file of groups has commands', () => {
  const text =
    'group_id=1,type=all,bucket=1\n add_or_mod group_id=2,type=all,bucket=2 # x\ndelete\ninsert_bucket group_id=1,command_bucket_id=last,bucket=3';
  assert.deepEqual(
    parseGroupMods(text).map((mod) => [mod.command, mod.group]),
    [
      ['add', 1],
      ['add_or_modify', 2],
      ['delete', OFPG_ALL],
      ['insert_buckets', 1],
    ],
  );
  assert.throws(
    () => parseGroupMods('group_id=1,type=all\ngroup_id=2', { fileName: 'g' }),
    /^OpenFlowFileError: g:2: must specify a type/,
  );
});

test('statistics are the lines of dump-group-stats', () => {
  const counters = (packets: bigint): { packets: bigint; bytes: bigint } => ({ packets, bytes: packets * 64n });
  const stats = {
    group: 4,
    referenceCount: 2,
    ...counters(3n),
    durationMs: 2147,
    buckets: [counters(1n), counters(2n)],
  };
  assert.equal(
    formatGroupStats(stats),
    'group_id=4,duration=2.147s,ref_count=2,packet_count=3,byte_count=192,bucket0:packet_count=1,byte_count=64,bucket1:packet_count=2,byte_count=128',
  );
});

test('reading what was printed gives the group back', () => {
  const bucket: fc.Arbitrary<Bucket> = fc.record({
    bucketId: fc.option(fc.nat({ max: 0xffffff00 })),
    weight: fc.nat({ max: 65535 }),
    watchPort: fc.oneof(fc.nat({ max: 0xfeff }), fc.constant(OFPP_NONE)),
    watchGroup: fc.oneof(fc.nat({ max: 0xffffff00 }), fc.constant(OFPG_ANY)),
    actions: fc.array(
      fc.oneof(...arbitrarySimpleActions).filter((action) => action.type !== 'group' || action.group <= 0xffffff00),
      { minLength: 1, maxLength: 3 },
    ),
  });
  fc.assert(
    fc.property(fc.nat({ max: 0xffffff00 }), fc.array(bucket, { maxLength: 4 }), (group, buckets) => {
      const mod = { ...parseGroupMod('group_id=1,type=select', 'add'), group, buckets };
      const plain = { ...mod, buckets: mod.buckets.map((each) => ({ ...each })) };
      assert.deepEqual(parseGroupMod(formatGroup(mod), 'add'), plain);
    }),
    { numRuns: 150, seed: 1 },
  );
});
