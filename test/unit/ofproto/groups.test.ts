/**
 * The group table: commands, refusals, buckets, liveness and counters. Expectations are those of Open vSwitch 3.1.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  creditGroup,
  GroupTable,
  OFPG_BUCKET_ALL,
  OFPG_BUCKET_FIRST,
  OFPG_BUCKET_LAST,
  OFPG_MAX,
} from '../../../src/ofproto/groups.ts';
import {
  type Bucket,
  type GroupMod,
  OFPG_ALL,
  OFPG_ANY,
  OFPP_NONE,
  OpenFlowError,
} from '../../../src/openflow/index.ts';

function bucket(changes: Partial<Bucket> = {}): Bucket {
  return { bucketId: null, weight: 1, watchPort: OFPP_NONE, watchGroup: OFPG_ANY, actions: [], ...changes };
}

function groupMod(command: GroupMod['command'], group: number, changes: Partial<GroupMod> = {}): GroupMod {
  return {
    command,
    group,
    type: 'all',
    commandBucketId: null,
    buckets: [],
    selectionMethod: '',
    selectionMethodParameter: 0n,
    hashFields: null,
    ...changes,
  };
}

function ids(table: GroupTable, group: number): number[] {
  return table.get(group)!.buckets.map((each) => each.bucketId);
}

function refuses(table: GroupTable, mod: GroupMod, code: string): void {
  const before = table.groups();
  assert.throws(
    () => table.apply(mod, 0),
    (error) => error instanceof OpenFlowError && error.code === code,
  );
  assert.deepEqual(table.groups(), before);
}

function sendTo(group: number): Bucket {
  return bucket({ actions: [{ type: 'group', group }] });
}

describe('commands', () => {
  test('add, modify, add_or_modify, delete', () => {
    const table = new GroupTable();
    refuses(table, groupMod('modify', 1), 'OFPGMFC_UNKNOWN_GROUP');
    table.apply(groupMod('add', 1), 1000);
    refuses(table, groupMod('add', 1), 'OFPGMFC_GROUP_EXISTS');
    table.apply(groupMod('add_or_modify', 2), 1000);
    table.apply(groupMod('add_or_modify', 1, { type: 'select' }), 3000);
    assert.equal(table.get(1)!.type, 'select');
    assert.equal(table.get(1)!.createdMs, 1000);
    assert.equal(table.get(1)!.modifiedMs, 3000);
    assert.deepEqual(table.apply(groupMod('delete', 9), 0), []);
    assert.deepEqual(table.apply(groupMod('delete', 2), 0), [2]);
    table.apply(groupMod('add', 3), 0);
    assert.deepEqual(table.apply(groupMod('delete', OFPG_ALL), 0), [1, 3]);
    assert.equal(table.count, 0);
  });

  test('refuses what a type cannot have', () => {
    const table = new GroupTable();
    refuses(table, groupMod('add', OFPG_MAX + 1), 'OFPGMFC_INVALID_GROUP');
    refuses(table, groupMod('add', 1, { type: 'indirect', buckets: [bucket(), bucket()] }), 'OFPGMFC_INVALID_GROUP');
    refuses(table, groupMod('add', 1, { type: 'fast_failover', buckets: [bucket()] }), 'OFPGMFC_INVALID_GROUP');
    refuses(table, groupMod('add', 1, { buckets: [bucket({ weight: 2 })] }), 'OFPGMFC_INVALID_GROUP');
    table.apply(groupMod('add', OFPG_MAX, { type: 'select', buckets: [bucket({ weight: 2 })] }), 0);
  });

  test('refuses loops, or not; groups may be missing', () => {
    const table = new GroupTable();
    refuses(table, groupMod('add', 1, { buckets: [sendTo(1)] }), 'OFPGMFC_LOOP');
    table.apply(groupMod('add', 1, { buckets: [sendTo(2)] }), 0);
    table.apply(groupMod('add', 2, { buckets: [sendTo(3)] }), 0);
    refuses(table, groupMod('add', 3, { buckets: [bucket(), sendTo(1)] }), 'OFPGMFC_LOOP');
    table.apply(groupMod('add', 3, { buckets: [sendTo(9)] }), 0);
    refuses(table, groupMod('insert_buckets', 3, { buckets: [sendTo(2)] }), 'OFPGMFC_LOOP');
    const loose = new GroupTable({ allowsLoops: true });
    loose.apply(groupMod('add', 1, { buckets: [sendTo(1)] }), 0);
  });
});

describe('buckets', () => {
  test('get the lowest free numbers', () => {
    const table = new GroupTable();
    table.apply(groupMod('add', 1, { buckets: [bucket(), bucket({ bucketId: 0 }), bucket({ bucketId: 1 })] }), 0);
    assert.deepEqual(ids(table, 1), [2, 0, 1]);
    table.apply(groupMod('insert_buckets', 1, { buckets: [bucket()] }), 0);
    assert.deepEqual(ids(table, 1), [2, 0, 1, 3]);
  });

  test('are inserted first, last or before another', () => {
    const table = new GroupTable();
    const numbered = (...numbers: number[]): Bucket[] => numbers.map((bucketId) => bucket({ bucketId }));
    const insert = (commandBucketId: number | null, ...numbers: number[]): number[] => {
      table.apply(groupMod('insert_buckets', 1, { commandBucketId, buckets: numbered(...numbers) }), 0);
      return ids(table, 1);
    };
    table.apply(groupMod('add', 1, { type: 'select' }), 0);
    assert.deepEqual(insert(OFPG_BUCKET_LAST, 10, 11), [10, 11]);
    assert.deepEqual(insert(OFPG_BUCKET_FIRST, 0, 1), [0, 1, 10, 11]);
    assert.deepEqual(insert(11, 12), [0, 1, 10, 12, 11]);
    assert.deepEqual(insert(null, 13), [0, 1, 10, 12, 11, 13]);
    assert.equal(table.get(1)!.type, 'select');
    const buckets = numbered(13);
    refuses(table, groupMod('insert_buckets', 1, { buckets }), 'OFPGMFC_BUCKET_EXISTS');
    refuses(table, groupMod('insert_buckets', 1, { commandBucketId: 77, buckets }), 'OFPGMFC_UNKNOWN_BUCKET');
    refuses(table, groupMod('insert_buckets', 1, { buckets: numbered(50, 50) }), 'OFPGMFC_BAD_BUCKET');
    refuses(table, groupMod('insert_buckets', 1, { buckets: numbered(OFPG_BUCKET_FIRST) }), 'OFPGMFC_BAD_BUCKET');
    refuses(table, groupMod('insert_buckets', 2, { buckets }), 'OFPGMFC_UNKNOWN_GROUP');
  });

  test('are removed first, last, by number or all', () => {
    const table = new GroupTable();
    const remove = (commandBucketId: number | null): number[] => {
      table.apply(groupMod('remove_buckets', 1, { commandBucketId }), 0);
      return ids(table, 1);
    };
    table.apply(groupMod('add', 1, { buckets: [10, 11, 12, 13, 14].map((bucketId) => bucket({ bucketId })) }), 0);
    assert.deepEqual(remove(OFPG_BUCKET_FIRST), [11, 12, 13, 14]);
    assert.deepEqual(remove(OFPG_BUCKET_LAST), [11, 12, 13]);
    assert.deepEqual(remove(12), [11, 13]);
    refuses(table, groupMod('remove_buckets', 1, { commandBucketId: 12 }), 'OFPGMFC_UNKNOWN_BUCKET');
    assert.deepEqual(remove(OFPG_BUCKET_ALL), []);
    for (const position of [OFPG_BUCKET_FIRST, OFPG_BUCKET_LAST, OFPG_BUCKET_ALL, null]) {
      assert.deepEqual(remove(position), []);
    }
  });
});

describe('liveness', () => {
  const isPortLive = (port: number): boolean => port === 7;

  test('by watched port or group; a bucket that watches nothing is live', () => {
    const table = new GroupTable();
    const failover = (...buckets: Bucket[]): Partial<GroupMod> => ({ type: 'fast_failover', buckets });
    table.apply(
      groupMod('add', 1, failover(bucket({ watchPort: 6 }), bucket({ watchPort: 7 }), bucket({ watchPort: 7 }))),
      0,
    );
    table.apply(groupMod('add', 2, failover(bucket({ watchPort: 5 }))), 0);
    table.apply(
      groupMod('add', 3, failover(bucket({ watchGroup: 9 }), bucket({ watchGroup: 2 }), bucket({ watchGroup: 1 }))),
      0,
    );
    table.apply(groupMod('add', 4, failover(bucket({ watchGroup: 2, watchPort: 7 }))), 0);
    table.apply(groupMod('add', 5, { buckets: [bucket()] }), 0);
    const firstLive = (group: number): number => table.firstLiveBucket(table.get(group)!, isPortLive);
    assert.deepEqual([1, 2, 3, 4, 5].map(firstLive), [1, -1, 2, 0, 0]);
  });

  test('groups that only watch each other are not live', () => {
    const table = new GroupTable();
    table.apply(groupMod('add', 1, { type: 'fast_failover', buckets: [bucket({ watchGroup: 2 })] }), 0);
    table.apply(groupMod('add', 2, { type: 'fast_failover', buckets: [bucket({ watchGroup: 1 })] }), 0);
    assert.equal(table.firstLiveBucket(table.get(1)!, isPortLive), -1);
  });
});

test('counters per group and bucket; a modified group starts anew and the old record takes late credits', () => {
  const table = new GroupTable();
  table.apply(groupMod('add', 1, { buckets: [bucket(), bucket()] }), 0);
  const old = table.get(1)!;
  creditGroup(old, -1, 2, 200);
  creditGroup(old, 1, 1, 60);
  const bucketStats = [
    { packets: 2n, bytes: 200n },
    { packets: 3n, bytes: 260n },
  ];
  const stats = { group: 1, referenceCount: 5, packets: 3n, bytes: 260n, durationMs: 4000, buckets: bucketStats };
  assert.deepEqual(
    table.stats(1, () => 5, 4000),
    [stats],
  );
  assert.deepEqual(
    table.stats(OFPG_ALL, () => 5, 4000),
    [stats],
  );
  assert.deepEqual(
    table.stats(2, () => 5, 4000),
    [],
  );
  table.apply(groupMod('modify', 1, { buckets: [bucket()] }), 4000);
  creditGroup(old, 1, 9, 900);
  assert.deepEqual(
    table.stats(1, () => 0, 5000),
    [{ group: 1, referenceCount: 0, packets: 0n, bytes: 0n, durationMs: 5000, buckets: [{ packets: 0n, bytes: 0n }] }],
  );
});
