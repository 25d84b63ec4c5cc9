/**
 * The group table (OpenFlow 1.5 section 5.6 and "Group Syntax" of ovs-ofctl(8)).
 *
 * A change of a group makes a new `Group` record: what was translated with the old one still credits the old one, and a
 * bucket's index never means another bucket than it did. Counters start anew with a modified group, its time of creation stays.
 *
 * As in Open vSwitch, buckets may send to groups that do not exist (yet): the packet is dropped there. A group that leads back to
 * itself is refused with OFPGMFC_LOOP, unless `allowsLoops`, which is Open vSwitch's way: each packet then runs into the
 * limit on recursion.
 */

import type { Match } from '../flow/index.ts';
import {
  type Bucket,
  type GroupMod,
  type GroupType,
  OFPG_ALL,
  OFPG_ANY,
  OFPP_NONE,
  OpenFlowError,
  type OpenFlowPort,
} from '../openflow/index.ts';
import { groupsUsed } from './action-uses.ts';

/** the highest number of a group */
export const OFPG_MAX = 0xffffff00;
/** where buckets are inserted, or which are removed */
export const OFPG_BUCKET_FIRST = 0xfffffffd;
export const OFPG_BUCKET_LAST = 0xfffffffe;
export const OFPG_BUCKET_ALL = 0xffffffff;
/** the highest number of a bucket */
export const OFPG_BUCKET_MAX = 0xffffff00;

/** A bucket in the table: numbered, with counters. */
export interface GroupBucket extends Bucket {
  readonly bucketId: number;
  packets: number;
  bytes: number;
}

export interface Group {
  readonly id: number;
  readonly type: GroupType;
  readonly buckets: readonly GroupBucket[];
  /** `dp_hash`, `hash`, or '' for the switch's default */
  readonly selectionMethod: string;
  readonly selectionMethodParameter: bigint;
  readonly hashFields: Match | null;
  readonly createdMs: number;
  readonly modifiedMs: number;
  packets: number;
  bytes: number;
}

export interface GroupStats {
  readonly group: number;
  /** number of flows that send to it */
  readonly referenceCount: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly durationMs: number;
  readonly buckets: readonly { readonly packets: bigint; readonly bytes: bigint }[];
}

/** Counts packets that went to a group, and to its bucket of the given index (-1 = to all of them). */
export function creditGroup(group: Group, bucket: number, packets: number, bytes: number): void {
  group.packets += packets;
  group.bytes += bytes;
  for (const [index, counters] of group.buckets.entries()) {
    if (bucket === -1 || bucket === index) {
      counters.packets += packets;
      counters.bytes += bytes;
    }
  }
}

export class GroupTable {
  readonly allowsLoops: boolean;
  readonly #groups: Map<number, Group> = new Map();

  constructor(options: { readonly allowsLoops?: boolean } = {}) {
    this.allowsLoops = options.allowsLoops ?? false;
  }

  get count(): number {
    return this.#groups.size;
  }

  get(id: number): Group | null {
    return this.#groups.get(id) ?? null;
  }

  /** All groups, by number. */
  groups(): Group[] {
    return [...this.#groups.values()].sort((a, b) => a.id - b.id);
  }

  /**
   * Carries out a group mod and returns the numbers of the groups it deleted; flows that send to them must go too.
   * @throws OpenFlowError OFPGMFC_GROUP_EXISTS, OFPGMFC_UNKNOWN_GROUP, OFPGMFC_INVALID_GROUP, OFPGMFC_BAD_BUCKET,
   * OFPGMFC_BUCKET_EXISTS, OFPGMFC_UNKNOWN_BUCKET, OFPGMFC_LOOP; nothing is changed then
   */
  apply(mod: GroupMod, nowMs: number): number[] {
    if (mod.command === 'delete') {
      return this.#delete(mod.group);
    }
    if (mod.group > OFPG_MAX) {
      throw new OpenFlowError('OFPGMFC_INVALID_GROUP', `wrong group: expected 0..${OFPG_MAX}, got ${mod.group}`);
    }
    const old = this.get(mod.group);
    if (mod.command === 'add' && old !== null) {
      throw new OpenFlowError('OFPGMFC_GROUP_EXISTS', `group ${mod.group} exists already`);
    }
    if (mod.command !== 'add' && mod.command !== 'add_or_modify' && old === null) {
      throw new OpenFlowError('OFPGMFC_UNKNOWN_GROUP', `group ${mod.group} does not exist`);
    }
    const group = this.#makeGroup(mod, old, nowMs);
    checkBuckets(group.type, group.buckets);
    if (!this.allowsLoops) {
      this.#checkLoop(group);
    }
    this.#groups.set(group.id, group);
    return [];
  }

  /** Statistics of one group, or with OFPG_ALL of all; `referencesTo` gives the number of flows that use a group. */
  stats(id: number, referencesTo: (group: number) => number, nowMs: number): GroupStats[] {
    const groups =
      id === OFPG_ALL || id === OFPG_ANY ? this.groups() : this.groups().filter((group) => group.id === id);
    return groups.map((group) => ({
      group: group.id,
      referenceCount: referencesTo(group.id),
      packets: BigInt(group.packets),
      bytes: BigInt(group.bytes),
      durationMs: Math.floor(nowMs - group.createdMs),
      buckets: group.buckets.map(({ packets, bytes }) => ({ packets: BigInt(packets), bytes: BigInt(bytes) })),
    }));
  }

  /**
   * Whether a bucket may be used: it watches nothing, or its watched port is live, or its watched group has a live
   * bucket.
   */
  isBucketLive(bucket: Bucket, isPortLive: (port: OpenFlowPort) => boolean): boolean {
    return this.#isBucketLive(bucket, isPortLive, new Set());
  }

  /** The index of the first live bucket, or -1: the one that a fast failover group uses. */
  firstLiveBucket(group: Group, isPortLive: (port: OpenFlowPort) => boolean): number {
    return group.buckets.findIndex((bucket) => this.isBucketLive(bucket, isPortLive));
  }

  /** `visited` has the groups already looked at: those found live ended the search, so the others are not. */
  #isBucketLive(bucket: Bucket, isPortLive: (port: OpenFlowPort) => boolean, visited: Set<number>): boolean {
    if (watchesNothing(bucket) || (bucket.watchPort !== OFPP_NONE && isPortLive(bucket.watchPort))) {
      return true;
    }
    if (visited.has(bucket.watchGroup)) {
      return false;
    }
    visited.add(bucket.watchGroup);
    const watched = this.get(bucket.watchGroup);
    return watched?.buckets.some((other) => this.#isBucketLive(other, isPortLive, visited)) ?? false;
  }

  #delete(id: number): number[] {
    if (id === OFPG_ALL) {
      const ids = [...this.#groups.keys()];
      this.#groups.clear();
      return ids;
    }
    return this.#groups.delete(id) ? [id] : [];
  }

  #makeGroup(mod: GroupMod, old: Group | null, nowMs: number): Group {
    const changesBuckets = mod.command === 'insert_buckets' || mod.command === 'remove_buckets';
    const settings = changesBuckets ? old! : mod;
    return {
      id: mod.group,
      type: settings.type,
      buckets: changesBuckets ? editBuckets(mod, old!.buckets) : numberBuckets(mod.buckets, []),
      selectionMethod: settings.selectionMethod,
      selectionMethodParameter: settings.selectionMethodParameter,
      hashFields: settings.hashFields,
      createdMs: old?.createdMs ?? nowMs,
      modifiedMs: nowMs,
      packets: 0,
      bytes: 0,
    };
  }

  /** Refuses a group from which a packet would come to it again. */
  #checkLoop(group: Group): void {
    const reached = new Set<number>();
    const pending = groupsOfBuckets(group);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next === group.id) {
        throw new OpenFlowError('OFPGMFC_LOOP', `group ${group.id} leads back to itself`);
      }
      const other = this.get(next);
      if (!reached.has(next) && other !== null) {
        pending.push(...groupsOfBuckets(other));
      }
      reached.add(next);
    }
  }
}

function watchesNothing(bucket: Bucket): boolean {
  return bucket.watchPort === OFPP_NONE && bucket.watchGroup === OFPG_ANY;
}

function groupsOfBuckets(group: Group): number[] {
  return group.buckets.flatMap((bucket) => groupsUsed(bucket.actions));
}

/** The buckets after `insert_buckets` or `remove_buckets`. */
function editBuckets(mod: GroupMod, old: readonly GroupBucket[]): GroupBucket[] {
  const position = mod.commandBucketId ?? OFPG_BUCKET_ALL;
  const index = old.findIndex((bucket) => bucket.bucketId === position);
  if (position <= OFPG_BUCKET_MAX && index < 0) {
    throw new OpenFlowError('OFPGMFC_UNKNOWN_BUCKET', `group ${mod.group} has no bucket ${position}`);
  }
  const kept = old.map((bucket) => ({ ...bucket, packets: 0, bytes: 0 }));
  if (mod.command === 'remove_buckets') {
    switch (position) {
      case OFPG_BUCKET_ALL:
        return [];
      case OFPG_BUCKET_FIRST:
        return kept.slice(1);
      case OFPG_BUCKET_LAST:
        return kept.slice(0, -1);
      default:
        return kept.filter((bucket) => bucket.bucketId !== position);
    }
  }
  const inserted = numberBuckets(mod.buckets, kept);
  switch (position) {
    case OFPG_BUCKET_FIRST:
      return [...inserted, ...kept];
    case OFPG_BUCKET_ALL:
    case OFPG_BUCKET_LAST:
      return [...kept, ...inserted];
    default:
      return [...kept.slice(0, index), ...inserted, ...kept.slice(index)];
  }
}

/** New buckets as they stand in the table; those without a number get the lowest free ones. */
function numberBuckets(buckets: readonly Bucket[], existing: readonly GroupBucket[]): GroupBucket[] {
  const used = new Set(existing.map((bucket) => bucket.bucketId));
  for (const { bucketId } of buckets) {
    if (bucketId === null) {
      continue;
    }
    if (bucketId > OFPG_BUCKET_MAX) {
      throw new OpenFlowError('OFPGMFC_BAD_BUCKET', `wrong bucket_id: expected 0..${OFPG_BUCKET_MAX}, got ${bucketId}`);
    }
    if (used.has(bucketId)) {
      // Twice in one message is malformed; the number of a bucket of the group is taken.
      const isTaken = existing.some((bucket) => bucket.bucketId === bucketId);
      throw isTaken
        ? new OpenFlowError('OFPGMFC_BUCKET_EXISTS', `the group has a bucket ${bucketId} already`)
        : new OpenFlowError('OFPGMFC_BAD_BUCKET', `bucket_id ${bucketId} is given twice`);
    }
    used.add(bucketId);
  }
  let free = 0;
  return buckets.map((bucket) => {
    if (bucket.bucketId !== null) {
      return { ...bucket, bucketId: bucket.bucketId, packets: 0, bytes: 0 };
    }
    while (used.has(free)) {
      free++;
    }
    used.add(free);
    return { ...bucket, bucketId: free, packets: 0, bytes: 0 };
  });
}

/** Refuses buckets that the type of group cannot have. */
function checkBuckets(type: GroupType, buckets: readonly GroupBucket[]): void {
  if (type === 'indirect' && buckets.length > 1) {
    throw new OpenFlowError('OFPGMFC_INVALID_GROUP', 'an indirect group can have at most one bucket');
  }
  if (type === 'fast_failover' && buckets.some(watchesNothing)) {
    throw new OpenFlowError('OFPGMFC_INVALID_GROUP', 'a fast failover bucket requires watch_port or watch_group');
  }
  if (type !== 'select' && buckets.some((bucket) => bucket.weight > 1)) {
    throw new OpenFlowError('OFPGMFC_INVALID_GROUP', 'only select groups can have bucket weights');
  }
}
