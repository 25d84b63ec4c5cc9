/**
 * The OpenFlow messages that change or show a switch's tables, as plain records shared by all protocol versions.
 */
import type { Match, MatchField } from '../flow/index.ts';
import type { OpenFlowAction, OpenFlowPort } from './actions.ts';

export type FlowModCommand = 'add' | 'modify' | 'modify_strict' | 'delete' | 'delete_strict';

export interface FlowModFlags {
  readonly sendFlowRemoved: boolean;
  readonly checkOverlap: boolean;
  readonly resetCounts: boolean;
  readonly noPacketCounts: boolean;
  readonly noByteCounts: boolean;
  /** hides the flow from dumps and protects it from controllers without the flag (OVS internal) */
  readonly hidden: boolean;
  /** only a flow mod with the same flag may touch it */
  readonly noReadOnly: boolean;
}

/** OFPT_FLOW_MOD. */
export interface FlowMod {
  readonly command: FlowModCommand;
  /** 0..254; 0xff = any table (delete) or the default (add) */
  readonly table: number;
  /** 0..65535 */
  readonly priority: number;
  readonly match: Match;
  /**
   * the cookie of a flow that this adds, and with `modifyCookie` of those that it modifies (`cookie=` without a mask). A
   * modify that matches nothing adds the flow when `cookieMask` is 0 and this is not 0xffffffffffffffff, which stands
   * for "do not add" (OpenFlow 1.2 and later).
   */
  readonly cookie: bigint;
  /** for modify and delete: only flows with this cookie in the bits of `cookieMask` */
  readonly cookieMatch: bigint;
  /** 0 = any cookie */
  readonly cookieMask: bigint;
  /** whether a modify changes the cookie too */
  readonly modifyCookie: boolean;
  /** seconds; 0 = never */
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  /** eviction importance, OpenFlow 1.4 */
  readonly importance: number;
  readonly flags: FlowModFlags;
  /** only flows that output here (delete); OFPP_NONE = any */
  readonly outPort: OpenFlowPort;
  /** only flows with this group (delete); OFPG_ANY = any */
  readonly outGroup: number;
  readonly actions: readonly OpenFlowAction[];
}

/** One entry of a flow statistics reply, as `ovs-ofctl dump-flows` shows it. */
export interface FlowStats {
  readonly table: number;
  readonly priority: number;
  readonly match: Match;
  readonly cookie: bigint;
  readonly durationMs: number;
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly importance: number;
  /** seconds since the last packet; -1 = not known */
  readonly idleAge: number;
  /** seconds since the last change; -1 = not known */
  readonly hardAge: number;
  readonly flags: FlowModFlags;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly actions: readonly OpenFlowAction[];
}

/** any group, in filters */
export const OFPG_ANY = 0xffffffff;
/** all groups, in a delete */
export const OFPG_ALL = 0xfffffffc;

/** the first and last bucket, all buckets: for insert and remove buckets (OpenFlow 1.5 section 7.3.4.3) */
export const OFPG15_BUCKET_FIRST = 0xfffffffd;
export const OFPG15_BUCKET_LAST = 0xfffffffe;
export const OFPG15_BUCKET_ALL = 0xffffffff;

/** the highest number of a real group */
export const OFPG_MAX = 0xffffff00;

/** the highest number of a real meter, and the virtual ones (OpenFlow 1.3 section 7.3.4.4) */
export const OFPM_MAX = 0xffff0000;
export const OFPM_SLOWPATH = 0xfffffffd;
export const OFPM_CONTROLLER = 0xfffffffe;
export const OFPM_ALL = 0xffffffff;

export type GroupType = 'all' | 'select' | 'indirect' | 'fast_failover';
export type GroupModCommand = 'add' | 'modify' | 'add_or_modify' | 'delete' | 'insert_buckets' | 'remove_buckets';

export interface Bucket {
  /** null = numbered by the switch */
  readonly bucketId: number | null;
  /** for select; 1 when not given */
  readonly weight: number;
  /** liveness: OFPP_NONE / OFPG_ANY when not watched */
  readonly watchPort: OpenFlowPort;
  readonly watchGroup: number;
  readonly actions: readonly OpenFlowAction[];
}

/** OFPT_GROUP_MOD. */
export interface GroupMod {
  readonly command: GroupModCommand;
  readonly type: GroupType;
  readonly group: number;
  /** for insert and remove buckets: OFPG_BUCKET_* or an id; null = all */
  readonly commandBucketId: number | null;
  readonly buckets: readonly Bucket[];
  /** `dp_hash`, `hash`, or '' for the switch's default */
  readonly selectionMethod: string;
  readonly selectionMethodParameter: bigint;
  /** fields to hash with selection_method=hash: a match whose masks say which bits */
  readonly hashFields: HashFieldMatch | null;
}

/** A match that stands for the fields to hash. Fields may share bits, such as tcp_dst and udp_dst: `fields` has their names. */
export interface HashFieldMatch extends Match {
  readonly fields?: readonly MatchField[];
}

/** One entry of a group statistics reply, as `ovs-ofctl dump-group-stats` shows it. */
export interface GroupStatistics {
  readonly group: number;
  /** number of flows that send to it */
  readonly referenceCount: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly durationMs: number;
  readonly buckets: readonly { readonly packets: bigint; readonly bytes: bigint }[];
}

export type MeterBandType = 'drop' | 'dscp_remark';
export interface MeterBand {
  readonly type: MeterBandType;
  /** kilobits or packets per second */
  readonly rate: number;
  /** kilobits or packets; 0 = not given */
  readonly burst: number;
  /** for dscp_remark */
  readonly precedenceLevel: number;
}
/** One entry of a meter statistics reply, as `ovs-ofctl meter-stats` shows it. */
export interface MeterStatistics {
  readonly meter: number;
  /** number of flows that pass it */
  readonly flowCount: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly durationMs: number;
  readonly bands: readonly { readonly packets: bigint; readonly bytes: bigint }[];
}

/** OFPT_METER_MOD. */
export interface MeterMod {
  readonly command: 'add' | 'modify' | 'delete';
  readonly meter: number;
  readonly unit: 'kbps' | 'pktps';
  readonly burst: boolean;
  readonly stats: boolean;
  readonly bands: readonly MeterBand[];
}
