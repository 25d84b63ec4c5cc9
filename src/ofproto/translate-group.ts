/**
 * Translation of groups: all and indirect run every bucket, fast failover the first live one, select one by hash.
 *
 * A select group hashes in one of two ways (ovs-ofctl(8), "selection_method"). `dp_hash` has the datapath compute a hash
 * of the packet's 5-tuple: the packet is recirculated once, and the megaflow behind it matches a few bits of that hash,
 * so that connections spread without a megaflow for each. `hash` hashes fields here, which un-wildcards them all.
 */
import { HASH_L4, HASH_SYM_L4 } from '../dpif/index.ts';
import {
  FLOW_WORDS,
  finishHash,
  hashWord,
  type Match,
  W_ACTSET_OUTPUT,
  W_DP_HASH,
  W_ETH_DST_SRC,
  W_ETH_SRC,
} from '../flow/index.ts';
import type { OpenFlowAction } from '../openflow/index.ts';
import { actionSetOutput, orderActionSet } from './action-set.ts';
import type { Group, GroupBucket } from './groups.ts';
import type { TranslationContext } from './translation-context.ts';

/** More buckets than this, or weights further apart, and the default method is `hash`: Open vSwitch's limit. */
const MAX_DP_HASH_BUCKETS = 64;
const MAX_DP_HASHES = 256;
const MIN_DP_HASHES = 16;

export function translateGroup(context: TranslationContext, number: number, isLast: boolean): void {
  const group = context.bridge.tables.groups.get(number);
  if (group === null) {
    context.report('warning', `output to nonexistent group ${number}`);
    return;
  }
  switch (group.type) {
    case 'all':
    case 'indirect':
      context.effects.push({ kind: 'group', group, bucket: -1 });
      group.buckets.forEach((bucket, index) => {
        runBucket(context, bucket, isLast && index === group.buckets.length - 1);
      });
      break;
    case 'fast_failover':
      useBucket(context, group, firstLive(context, group), isLast);
      break;
    case 'select':
      if (group.buckets.length > 0) {
        translateSelect(context, group, isLast);
      }
      break;
  }
}

/**
 * Runs a bucket's actions, as an action set, on the flow as it is; the flow is the same afterwards. `exit` ends the bucket
 * only. What tables that it sends to write to the action set stays there.
 */
function runBucket(context: TranslationContext, bucket: GroupBucket, isLast: boolean): void {
  const { isExiting } = context;
  let written: readonly OpenFlowAction[] = [];
  context.runIsolated(isLast, () => {
    context.trace?.enter('bucket', `bucket ${bucket.bucketId}`);
    context.isInBucket = true;
    context.depth++;
    context.runActions(context, orderBucket(bucket.actions), isLast);
    context.depth--;
    context.finishFreezing();
    context.isExiting = isExiting;
    context.trace?.leave();
    written = context.actionSet;
  });
  if (written.length > 0) {
    context.actionSet = [...context.actionSet, ...written];
    context.flow[W_ACTSET_OUTPUT] = actionSetOutput(context.actionSet);
  }
}

const orderedBuckets: WeakMap<readonly OpenFlowAction[], OpenFlowAction[]> = new WeakMap();

function orderBucket(actions: readonly OpenFlowAction[]): OpenFlowAction[] {
  let ordered = orderedBuckets.get(actions);
  if (ordered === undefined) {
    ordered = orderActionSet(actions);
    orderedBuckets.set(actions, ordered);
  }
  return ordered;
}

function useBucket(context: TranslationContext, group: Group, index: number, isLast: boolean): void {
  if (index < 0) {
    context.report('detail', 'no live bucket');
    return;
  }
  const bucket = group.buckets[index]!;
  context.report('detail', `using bucket ${bucket.bucketId}`);
  context.effects.push({ kind: 'group', group, bucket: index });
  runBucket(context, bucket, isLast);
}

function isLive(context: TranslationContext, bucket: GroupBucket): boolean {
  const { bridge } = context;
  return bridge.tables.groups.isBucketLive(bucket, (port) => bridge.isPortLive(port));
}

function firstLive(context: TranslationContext, group: Group): number {
  return group.buckets.findIndex((bucket) => {
    const live = isLive(context, bucket);
    if (!live) {
      context.report('detail', `bucket ${bucket.bucketId}: not live due to ${whatIsDown(bucket)}`);
    }
    return live;
  });
}

function whatIsDown(bucket: GroupBucket): string {
  return bucket.watchPort !== 0xffff ? `port ${bucket.watchPort}` : `group ${bucket.watchGroup}`;
}

function translateSelect(context: TranslationContext, group: Group, isLast: boolean): void {
  if (group.selectionMethod === 'hash') {
    useBucket(context, group, selectByFields(context, group, group.hashFields), isLast);
    return;
  }
  const table = hashTable(group);
  if (table !== null && usesDatapathHash(group)) {
    selectByDatapathHash(context, group, table, isLast);
  } else {
    useBucket(context, group, selectBySource(context, group), isLast);
  }
}

/** Whether a group that does not ask for `hash` gets `dp_hash`, if its weights allow it. */
function usesDatapathHash({ selectionMethod, buckets }: Group): boolean {
  return selectionMethod === 'dp_hash' || buckets.length <= MAX_DP_HASH_BUCKETS;
}

function selectByDatapathHash(
  context: TranslationContext,
  group: Group,
  table: readonly number[],
  isLast: boolean,
): void {
  const { flow, wildcards } = context;
  if (!context.hasHash) {
    const basis = Number(group.selectionMethodParameter & 0xffffffffn);
    const algorithm =
      group.selectionMethodParameter >> 32n === 0n && group.selectionMethod === 'dp_hash' ? HASH_L4 : HASH_SYM_L4;
    context.freeze({ algorithm, basis });
    context.keepForLater([{ type: 'group', group: group.id }]);
    return;
  }
  const mask = table.length - 1;
  wildcards[W_DP_HASH]! |= mask;
  useBucket(context, group, liveFrom(context, group, table, flow[W_DP_HASH]! & mask), isLast);
}

/** The bucket of a hash, or of the next one whose bucket lives: so the others share what a dead one had, by their weights. */
function liveFrom(context: TranslationContext, group: Group, table: readonly number[], hash: number): number {
  for (let step = 0; step < table.length; step++) {
    const index = table[(hash + step) & (table.length - 1)]!;
    if (isLive(context, group.buckets[index]!)) {
      return index;
    }
  }
  return -1;
}

const hashTables: WeakMap<Group, readonly number[] | null> = new WeakMap();

/**
 * A bucket index for each value of the low bits of the hash, in proportion to the weights: the values are dealt out one
 * by one to the bucket that is furthest behind its share (Webster's method). Null when the weights are too uneven for
 * 256 values.
 */
function hashTable(group: Group): readonly number[] | null {
  let table = hashTables.get(group);
  if (table === undefined) {
    table = dealHashes(group.buckets.map(({ weight }) => weight));
    hashTables.set(group, table);
  }
  return table;
}

function dealHashes(weights: readonly number[]): number[] | null {
  const positive = weights.filter((weight) => weight > 0);
  const total = positive.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) {
    return null;
  }
  const wanted = Math.max(MIN_DP_HASHES, Math.ceil(total / Math.min(...positive)));
  if (wanted > MAX_DP_HASHES) {
    return null;
  }
  const size = 2 ** Math.ceil(Math.log2(wanted));
  const dealt = weights.map(() => 0);
  return Array.from({ length: size }, () => {
    let best = 0;
    weights.forEach((weight, index) => {
      if (weight / (2 * dealt[index]! + 1) > weights[best]! / (2 * dealt[best]! + 1)) {
        best = index;
      }
    });
    dealt[best]! += 1;
    return best;
  });
}

/** Highest random weight among the live buckets, by a hash of the given fields. */
function selectByFields(context: TranslationContext, group: Group, fields: Match | null): number {
  const { flow, wildcards } = context;
  let hash = Number(group.selectionMethodParameter & 0xffffffffn) | 0;
  if (fields !== null) {
    for (let word = 0; word < FLOW_WORDS; word++) {
      const mask = fields.masks[word]!;
      if (mask !== 0) {
        wildcards[word]! |= mask;
        hash = hashWord(hash, flow[word]! & mask);
      }
    }
  }
  return bestBucket(context, group, hash);
}

/** What a select group without a method does whose weights dp_hash cannot serve: by Ethernet source. */
function selectBySource(context: TranslationContext, group: Group): number {
  const { flow, wildcards } = context;
  wildcards[W_ETH_DST_SRC]! |= 0xffff;
  wildcards[W_ETH_SRC] = -1;
  return bestBucket(context, group, hashWord(flow[W_ETH_DST_SRC]! & 0xffff, flow[W_ETH_SRC]!));
}

function bestBucket(context: TranslationContext, group: Group, hash: number): number {
  let best = -1;
  let bestScore = -1;
  group.buckets.forEach((bucket, index) => {
    if (!isLive(context, bucket)) {
      return;
    }
    const score = ((finishHash(hashWord(hash, bucket.bucketId)) >>> 0) & 0xffff) * bucket.weight;
    context.report('detail', `bucket ${bucket.bucketId}: score ${score}`);
    if (score > bestScore) {
      best = index;
      bestScore = score;
    }
  });
  return best;
}
