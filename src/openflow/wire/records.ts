/**
 * Messages as plain records, one shape for all versions. Those of flows, groups and meters are built on the records of
 * messages.ts, which text knows too; the others are here. `type` tells them apart.
 *
 * Ports have OpenFlow 1.0's 16-bit numbers, MAC addresses are 48-bit numbers, counters that a version may lack are
 * `UNKNOWN_COUNT`, times are milliseconds (with fractions where the wire has nanoseconds).
 */
import type { Match, MatchField, TlvMapping } from '../../flow/index.ts';
import type { ControllerReason, OpenFlowAction, OpenFlowPort } from '../actions.ts';
import type { OpenFlowErrorName, OpenFlowErrorNumber } from '../errors.ts';
import type { GroupDescription } from '../group-text.ts';
import type {
  FlowMod,
  FlowStats,
  GroupMod,
  GroupStatistics,
  MeterBandType,
  MeterMod,
  MeterStatistics,
} from '../messages.ts';
import type { MeterDescription } from '../meter-text.ts';
import type { HelloMessage } from './hello.ts';

/** a counter that is not kept */
export const UNKNOWN_COUNT = 0xffff_ffff_ffff_ffffn;

/** Messages that are nothing but their type. */
export type EmptyMessageType =
  | 'features_request'
  | 'get_config_request'
  | 'barrier_request'
  | 'barrier_reply'
  | 'get_async_request'
  | 'desc_request'
  | 'table_stats_request'
  | 'group_features_request'
  | 'meter_features_request'
  | 'table_desc_request'
  | 'flow_age'
  | 'flow_monitor_paused'
  | 'flow_monitor_resumed'
  | 'tlv_table_request'
  | 'ipfix_bridge_request'
  | 'ipfix_flow_request';
export interface EmptyMessage {
  readonly type: EmptyMessageType;
}

export interface ErrorMessage {
  readonly type: 'error';
  /** null: a number that no error is known by */
  readonly error: OpenFlowErrorName | null;
  readonly number: OpenFlowErrorNumber;
  /** the beginning of the message that was refused; text for a failed hello */
  readonly data: Uint8Array;
}
export interface EchoMessage {
  readonly type: 'echo_request' | 'echo_reply';
  readonly data: Uint8Array;
}

/** A port as a switch describes it. */
export interface PortDescription {
  readonly port: OpenFlowPort;
  readonly hardwareAddress: bigint;
  readonly name: string;
  /** OFPPC_* bits, as of OpenFlow 1.0 */
  readonly config: number;
  /** OFPPS_* bits: 1 LINK_DOWN, 2 BLOCKED, 4 LIVE, 0x300 the STP state of OpenFlow 1.0 */
  readonly state: number;
  /** OFPPF_* bits, as of OpenFlow 1.1 */
  readonly current: number;
  readonly advertised: number;
  readonly supported: number;
  readonly peer: number;
  /** kbit/s */
  readonly currentSpeed: number;
  readonly maxSpeed: number;
}
export interface FeaturesReply {
  readonly type: 'features_reply';
  readonly datapathId: bigint;
  readonly bufferCount: number;
  readonly tableCount: number;
  /** OpenFlow 1.3 and later */
  readonly auxiliaryId: number;
  /** OFPC_* bits of the version */
  readonly capabilities: number;
  /** OFPAT_* bits of OpenFlow 1.0 */
  readonly actions: number;
  /** OpenFlow 1.0 to 1.2 */
  readonly ports: readonly PortDescription[];
}
export type FragmentHandling = 'normal' | 'drop' | 'reassemble' | 'nx-match';
export interface ConfigMessage {
  readonly type: 'get_config_reply' | 'set_config';
  readonly fragments: FragmentHandling;
  /** OpenFlow 1.1 and 1.2: packets with an expired TTL go to the controller */
  readonly invalidTtlToController: boolean;
  /** bytes of a packet that miss_send sends */
  readonly missSendLength: number;
}

/** What a paused packet's translation needs to go on (OFPT_RESUME): only the switch that sent it understands it. */
export interface Continuation {
  /** the bridge's UUID, 16 bytes; null when it is not said */
  readonly bridge: Uint8Array | null;
  readonly stack: readonly Uint8Array[];
  readonly mirrors: number;
  readonly conntracked: boolean;
  readonly table: number;
  readonly cookie: bigint;
  readonly actions: readonly OpenFlowAction[];
  readonly actionSet: readonly OpenFlowAction[];
  readonly odpPort: number | null;
}
export interface PacketIn {
  readonly reason: ControllerReason;
  /** null = the packet is not buffered */
  readonly bufferId: number | null;
  /** length of the packet, of which `packet` may be the beginning */
  readonly totalLength: number;
  readonly table: number;
  /** the flow's; UNKNOWN_COUNT when there is none, or the format cannot say */
  readonly cookie: bigint;
  /** in_port and other metadata */
  readonly match: Match;
  readonly packet: Uint8Array;
  readonly userdata: Uint8Array;
  readonly continuation: Continuation | null;
}
export interface PacketInMessage extends PacketIn {
  readonly type: 'packet_in' | 'resume';
}
export interface PacketOutMessage {
  readonly type: 'packet_out';
  /** null: the packet is in the message */
  readonly bufferId: number | null;
  /** in_port, with OpenFlow 1.5 other metadata too */
  readonly match: Match;
  readonly actions: readonly OpenFlowAction[];
  readonly packet: Uint8Array;
}
export type FlowRemovedReason = 'idle' | 'hard' | 'delete' | 'group_delete' | 'meter_delete' | 'eviction';
export interface FlowRemovedMessage {
  readonly type: 'flow_removed';
  readonly match: Match;
  readonly priority: number;
  readonly cookie: bigint;
  readonly reason: FlowRemovedReason;
  /** 255 = not said */
  readonly table: number;
  readonly durationMs: number;
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly packets: bigint;
  readonly bytes: bigint;
}
export interface PortStatusMessage {
  readonly type: 'port_status';
  readonly reason: 'add' | 'delete' | 'modify';
  readonly port: PortDescription;
}
export interface PortModMessage {
  readonly type: 'port_mod';
  readonly port: OpenFlowPort;
  readonly hardwareAddress: bigint;
  readonly config: number;
  /** the bits of `config` to change */
  readonly mask: number;
  /** OFPPF_* bits as of OpenFlow 1.1; 0 = unchanged */
  readonly advertise: number;
}
export interface FlowModMessage {
  readonly type: 'flow_mod';
  readonly mod: FlowMod;
  readonly bufferId: number | null;
}
export interface GroupModMessage {
  readonly type: 'group_mod';
  readonly mod: GroupMod;
}
export interface MeterModMessage {
  readonly type: 'meter_mod';
  readonly mod: MeterMod;
}
export interface Vacancy {
  /** per cent of free room at which the table is nearly full, and at which it no longer is */
  readonly down: number;
  readonly up: number;
  /** per cent that are free; not in a table mod */
  readonly current: number;
}
export interface TableModMessage {
  readonly type: 'table_mod';
  /** 255 = all */
  readonly table: number;
  /** what becomes of packets that match no flow; OpenFlow 1.1 and 1.2 */
  readonly miss: 'default' | 'controller' | 'continue' | 'drop';
  /** OpenFlow 1.4 and later; null = not said */
  readonly eviction: boolean | null;
  readonly evictionFlags: number;
  readonly vacancy: Vacancy | null;
}
export interface TableDescription {
  readonly table: number;
  readonly eviction: boolean;
  /** OFPTMPEF14_* bits */
  readonly evictionFlags: number;
  readonly vacancy: Vacancy | null;
}
export interface TableStatusMessage {
  readonly type: 'table_status';
  readonly reason: 'vacancy_down' | 'vacancy_up';
  readonly description: TableDescription;
}
export type ControllerRole = 'nochange' | 'equal' | 'primary' | 'secondary';
export interface RoleMessage {
  readonly type: 'role_request' | 'role_reply';
  readonly role: ControllerRole;
  /** null = not given */
  readonly generationId: bigint | null;
}
export interface RoleStatusMessage {
  readonly type: 'role_status';
  readonly role: ControllerRole;
  readonly generationId: bigint | null;
  readonly reason: 'primary_request' | 'configuration_changed' | 'experimenter_data_changed';
}
/** For each kind of asynchronous message the reasons (bit N = reason N) that are sent. */
export interface AsyncMasks {
  readonly packetIn: number;
  readonly portStatus: number;
  readonly flowRemoved: number;
  readonly roleStatus: number;
  readonly tableStatus: number;
  readonly requestforward: number;
}
export interface AsyncConfigMessage {
  readonly type: 'get_async_reply' | 'set_async';
  readonly primary: AsyncMasks;
  readonly secondary: AsyncMasks;
}
export interface QueueDescription {
  readonly port: OpenFlowPort;
  readonly queue: number;
  /** tenths of a per cent; null = not limited */
  readonly minRate: number | null;
  readonly maxRate: number | null;
}
export interface QueueDescRequest {
  readonly type: 'queue_desc_request';
  readonly port: OpenFlowPort;
  /** 0xffffffff = all */
  readonly queue: number;
}
export interface QueueDescReply {
  readonly type: 'queue_desc_reply';
  readonly queues: readonly QueueDescription[];
  /** OpenFlow 1.0 to 1.3: the port that was asked for */
  readonly port: OpenFlowPort;
}
export interface RequestforwardMessage {
  readonly type: 'requestforward';
  readonly message: GroupModMessage | MeterModMessage;
  readonly xid: number;
}
export type BundleControlType =
  | 'open_request'
  | 'open_reply'
  | 'close_request'
  | 'close_reply'
  | 'commit_request'
  | 'commit_reply'
  | 'discard_request'
  | 'discard_reply';
export interface BundleControlMessage {
  readonly type: 'bundle_control';
  readonly bundleId: number;
  readonly control: BundleControlType;
  /** 1 atomic, 2 ordered */
  readonly flags: number;
}
export interface BundleAddMessage {
  readonly type: 'bundle_add';
  readonly bundleId: number;
  readonly flags: number;
  /** the message to do when the bundle is committed, with its header */
  readonly message: Uint8Array;
}
export interface TlvTableModMessage {
  readonly type: 'tlv_table_mod';
  readonly command: 'add' | 'delete' | 'clear';
  readonly mappings: readonly TlvMapping[];
}
export interface TlvTableReply {
  readonly type: 'tlv_table_reply';
  /** bytes of option data */
  readonly maxSpace: number;
  readonly maxFields: number;
  readonly mappings: readonly TlvMapping[];
}
export interface SetFlowFormatMessage {
  readonly type: 'set_flow_format';
  readonly format: 'openflow10' | 'nxm';
}
export interface FlowModTableIdMessage {
  readonly type: 'flow_mod_table_id';
  readonly enabled: boolean;
}
export type PacketInFormat = 'standard' | 'nxt_packet_in' | 'nxt_packet_in2';
export interface SetPacketInFormatMessage {
  readonly type: 'set_packet_in_format';
  readonly format: PacketInFormat;
}
export interface SetControllerIdMessage {
  readonly type: 'set_controller_id';
  readonly id: number;
}
export interface FlowMonitorCancelMessage {
  readonly type: 'flow_monitor_cancel';
  readonly id: number;
}
export interface CtFlushZoneMessage {
  readonly type: 'ct_flush_zone';
  readonly zone: number;
}
/** NXT_CT_FLUSH, and IPFIX statistics: taken as they are, since nothing here keeps such state. */
export interface OpaqueMessage {
  readonly type: 'ct_flush' | 'ipfix_bridge_reply' | 'ipfix_flow_reply';
  readonly data: Uint8Array;
}

export interface DescReply {
  readonly type: 'desc_reply';
  readonly manufacturer: string;
  readonly hardware: string;
  readonly software: string;
  readonly serialNumber: string;
  readonly datapath: string;
}
export interface FlowStatsRequest {
  readonly type: 'flow_stats_request' | 'aggregate_request';
  /** 255 = all */
  readonly table: number;
  readonly match: Match;
  readonly cookieMatch: bigint;
  readonly cookieMask: bigint;
  readonly outPort: OpenFlowPort;
  readonly outGroup: number;
}
export interface FlowStatsReply {
  readonly type: 'flow_stats_reply';
  readonly flows: readonly FlowStats[];
}
export interface AggregateReply {
  readonly type: 'aggregate_reply';
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly flows: number;
}
/** OFPST_TABLE; what a version does not say is 0 or empty. */
export interface TableStatistics {
  readonly table: number;
  readonly name: string;
  readonly maxEntries: number;
  readonly activeCount: number;
  readonly lookupCount: bigint;
  readonly matchedCount: bigint;
  /** OpenFlow 1.0's wildcards, 1.1 and 1.2's bits of match fields, wildcards, instructions and actions */
  readonly features: TableStatsFeatures | null;
}
export interface TableStatsFeatures {
  readonly match: bigint;
  readonly wildcards: bigint;
  readonly writeActions: number;
  readonly applyActions: number;
  readonly writeSetFields: bigint;
  readonly applySetFields: bigint;
  readonly metadataMatch: bigint;
  readonly metadataWrite: bigint;
  readonly instructions: number;
  readonly config: number;
}
export interface TableStatsReply {
  readonly type: 'table_stats_reply';
  readonly tables: readonly TableStatistics[];
}
export interface TableActionFeatures {
  /** tables that goto_table may name */
  readonly nextTables: readonly number[];
  /** OFPIT_* bits: bit N = instruction N */
  readonly instructions: number;
  readonly writeActions: readonly number[];
  readonly applyActions: readonly number[];
  readonly writeSetFields: readonly MatchField[];
  readonly applySetFields: readonly MatchField[];
}
/** OFPMP_TABLE_FEATURES; `actions` are numbers of OFPAT_*. */
export interface TableFeatures {
  readonly table: number;
  readonly name: string;
  readonly metadataMatch: bigint;
  readonly metadataWrite: bigint;
  /** OFPTC_* */
  readonly config: number;
  readonly maxEntries: number;
  readonly hit: TableActionFeatures;
  /** what flows that match everything may have */
  readonly miss: TableActionFeatures;
  readonly matchFields: readonly { readonly field: MatchField; readonly maskable: boolean }[];
  readonly wildcards: readonly MatchField[];
}
export interface TableFeaturesMessage {
  readonly type: 'table_features_request' | 'table_features_reply';
  readonly tables: readonly TableFeatures[];
}
export interface TableDescReply {
  readonly type: 'table_desc_reply';
  readonly tables: readonly TableDescription[];
}
export interface PortStatsRequest {
  readonly type: 'port_stats_request' | 'port_desc_request';
  /** OFPP_NONE = all */
  readonly port: OpenFlowPort;
}
export interface PortStatistics {
  readonly port: OpenFlowPort;
  /** packets in, out, bytes in, out, dropped in, out, errors in, out, frame errors, overruns, CRC errors, collisions */
  readonly counts: readonly bigint[];
  /** null = not said */
  readonly durationMs: number | null;
}
export interface PortStatsReply {
  readonly type: 'port_stats_reply';
  readonly ports: readonly PortStatistics[];
}
export interface PortDescReply {
  readonly type: 'port_desc_reply';
  readonly ports: readonly PortDescription[];
}
export interface QueueStatsRequest {
  readonly type: 'queue_stats_request';
  /** OFPP_NONE = all */
  readonly port: OpenFlowPort;
  /** 0xffffffff = all */
  readonly queue: number;
}
export interface QueueStatistics {
  readonly port: OpenFlowPort;
  readonly queue: number;
  readonly bytes: bigint;
  readonly packets: bigint;
  readonly errors: bigint;
  /** null = not said */
  readonly durationMs: number | null;
}
export interface QueueStatsReply {
  readonly type: 'queue_stats_reply';
  readonly queues: readonly QueueStatistics[];
}
export interface GroupRequest {
  readonly type: 'group_stats_request' | 'group_desc_request';
  /** OFPG_ALL = all */
  readonly group: number;
}
export interface GroupStatsReply {
  readonly type: 'group_stats_reply';
  /** `durationMs` is NaN in OpenFlow 1.1 and 1.2, which do not say it */
  readonly groups: readonly GroupStatistics[];
}
export interface GroupDescReply {
  readonly type: 'group_desc_reply';
  readonly groups: readonly GroupDescription[];
}
export interface GroupFeaturesReply {
  readonly type: 'group_features_reply';
  /** bit N = type N: all, select, indirect, fast failover */
  readonly types: number;
  readonly capabilities: number;
  /** for each type */
  readonly maxGroups: readonly number[];
  /** for each type OFPAT_* bits */
  readonly actions: readonly number[];
}
export interface MeterRequest {
  readonly type: 'meter_stats_request' | 'meter_config_request';
  /** OFPM_ALL = all */
  readonly meter: number;
}
export interface MeterStatsReply {
  readonly type: 'meter_stats_reply';
  readonly meters: readonly MeterStatistics[];
}
export interface MeterConfigReply {
  readonly type: 'meter_config_reply';
  readonly meters: readonly MeterDescription[];
}
export interface MeterFeaturesReply {
  readonly type: 'meter_features_reply';
  readonly maxMeters: number;
  readonly bandTypes: readonly MeterBandType[];
  /** OFPMF_* bits: 1 kbps, 2 pktps, 4 burst, 8 stats */
  readonly capabilities: number;
  readonly maxBands: number;
  readonly maxColor: number;
}

export interface FlowMonitorRequestEntry {
  readonly id: number;
  readonly command: 'add' | 'modify' | 'delete';
  readonly initial: boolean;
  readonly add: boolean;
  readonly delete: boolean;
  readonly modify: boolean;
  /** updates have the actions */
  readonly actions: boolean;
  /** changes that the controller itself made are shown in full */
  readonly own: boolean;
  readonly outPort: OpenFlowPort;
  readonly outGroup: number;
  /** 255 = all */
  readonly table: number;
  readonly match: Match;
}
export interface FlowMonitorRequest {
  readonly type: 'flow_monitor_request';
  readonly monitors: readonly FlowMonitorRequestEntry[];
}
export interface FlowUpdateFull {
  readonly event: 'initial' | 'added' | 'deleted' | 'modified';
  readonly reason: FlowRemovedReason;
  readonly table: number;
  readonly priority: number;
  readonly cookie: bigint;
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly match: Match;
  readonly actions: readonly OpenFlowAction[];
}
export type FlowUpdate =
  | FlowUpdateFull
  | { readonly event: 'abbrev'; readonly xid: number }
  | { readonly event: 'paused' | 'resumed' };
export interface FlowMonitorReply {
  readonly type: 'flow_monitor_reply';
  readonly updates: readonly FlowUpdate[];
}

export type Message =
  | HelloMessage
  | EmptyMessage
  | ErrorMessage
  | EchoMessage
  | FeaturesReply
  | ConfigMessage
  | PacketInMessage
  | PacketOutMessage
  | FlowRemovedMessage
  | PortStatusMessage
  | PortModMessage
  | FlowModMessage
  | GroupModMessage
  | MeterModMessage
  | TableModMessage
  | TableStatusMessage
  | RoleMessage
  | RoleStatusMessage
  | AsyncConfigMessage
  | QueueDescRequest
  | QueueDescReply
  | RequestforwardMessage
  | BundleControlMessage
  | BundleAddMessage
  | TlvTableModMessage
  | TlvTableReply
  | SetFlowFormatMessage
  | FlowModTableIdMessage
  | SetPacketInFormatMessage
  | SetControllerIdMessage
  | FlowMonitorCancelMessage
  | CtFlushZoneMessage
  | OpaqueMessage
  | DescReply
  | FlowStatsRequest
  | FlowStatsReply
  | AggregateReply
  | TableStatsReply
  | TableFeaturesMessage
  | TableDescReply
  | PortStatsRequest
  | PortStatsReply
  | PortDescReply
  | QueueStatsRequest
  | QueueStatsReply
  | GroupRequest
  | GroupStatsReply
  | GroupDescReply
  | GroupFeaturesReply
  | MeterRequest
  | MeterStatsReply
  | MeterConfigReply
  | MeterFeaturesReply
  | FlowMonitorRequest
  | FlowMonitorReply;
export type MessageKind = Message['type'];
type OfType<M, K> = M extends { readonly type: infer T } ? (K extends T ? M : never) : never;
/** The record of a kind. */
export type MessageOf<K extends MessageKind> = OfType<Message, K>;
