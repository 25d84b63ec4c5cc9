/**
 * OpenFlow actions and instructions as plain records, one shape for all protocol versions and the Nicira extensions.
 *
 * Instructions are actions here, as in Open vSwitch's own lists: `apply_actions` is written out in place, and `meter`,
 * `clear_actions`, `write_actions`, `write_metadata` and `goto_table` stand at the end of a list in that order. Numbers
 * are host numbers; values of fields are bigints because a field may be 128 bits wide. The text of each is
 * ovs-actions(7)'s.
 */
import type { MatchField, Subfield } from '../flow/index.ts';

/** OpenFlow port number as in OpenFlow 1.0 (16 bits); the reserved ones are in ports.ts. */
export type OpenFlowPort = number;

/** Value and mask of a field, both as the field's unsigned number. */
export interface MaskedValue {
  readonly value: bigint;
  readonly mask: bigint;
}

export type ControllerReason = 'no_match' | 'action' | 'invalid_ttl' | 'action_set' | 'group' | 'packet_out';

export interface OutputAction {
  readonly type: 'output';
  readonly port: OpenFlowPort;
  /** bytes sent to the controller when `port` is `CONTROLLER`; 0xffff = whole packet */
  readonly maxLength: number;
}
/** `output:NXM_NX_REG0[..]` */
export interface OutputRegAction {
  readonly type: 'output_reg';
  readonly source: Subfield;
  readonly maxLength: number;
}
/** `output(port=N,max_len=M)` */
export interface OutputTruncateAction {
  readonly type: 'output_trunc';
  readonly port: OpenFlowPort;
  readonly maxLength: number;
}
export interface ControllerAction {
  readonly type: 'controller';
  readonly maxLength: number;
  readonly reason: ControllerReason;
  readonly controllerId: number;
  readonly userdata: Uint8Array;
  readonly pause: boolean;
  /** provider meter, or null */
  readonly meterId: number | null;
}
export interface EnqueueAction {
  readonly type: 'enqueue';
  readonly port: OpenFlowPort;
  readonly queue: number;
}
export interface SetQueueAction {
  readonly type: 'set_queue';
  readonly queue: number;
}
export interface PopQueueAction {
  readonly type: 'pop_queue';
}
export interface GroupAction {
  readonly type: 'group';
  readonly group: number;
}

/** Sets a field, with the mask's bits only. Also what `mod_dl_src`, `mod_nw_tos` and the other old ones are kept as, except where they differ in behaviour (below). */
export interface SetFieldAction {
  readonly type: 'set_field';
  readonly field: MatchField;
  readonly value: bigint;
  readonly mask: bigint;
}
/** `load:VALUE->FIELD[..]`: like set_field, kept apart because its text and wire form differ. */
export interface LoadAction {
  readonly type: 'load';
  readonly destination: Subfield;
  readonly value: bigint;
}
export interface MoveAction {
  readonly type: 'move';
  readonly source: Subfield;
  readonly destination: Subfield;
}
export interface StackAction {
  readonly type: 'push' | 'pop';
  readonly subfield: Subfield;
}

/** `mod_vlan_vid` and `set_vlan_vid`: adds a tag where there is none when `pushIfAbsent`. */
export interface SetVlanVidAction {
  readonly type: 'set_vlan_vid';
  readonly vid: number;
  readonly pushIfAbsent: boolean;
}
export interface SetVlanPcpAction {
  readonly type: 'set_vlan_pcp';
  readonly pcp: number;
  readonly pushIfAbsent: boolean;
}
export interface PopVlanAction {
  /** the same by its newer and its older name */
  readonly type: 'pop_vlan' | 'strip_vlan';
}
export interface PushVlanAction {
  readonly type: 'push_vlan';
  readonly ethertype: number;
}
/** `mod_dl_src`, `mod_dl_dst`; value is the 48-bit address */
export interface SetEthernetAction {
  readonly type: 'set_eth_src' | 'set_eth_dst';
  readonly address: bigint;
}
/** `mod_nw_src`, `mod_nw_dst`: no effect unless IPv4 */
export interface SetIpv4Action {
  readonly type: 'set_ipv4_src' | 'set_ipv4_dst';
  readonly address: number;
}
/** `mod_nw_tos` (whole byte, ECN bits kept), `mod_nw_ecn`, `mod_nw_ttl` */
export interface SetIpByteAction {
  readonly type: 'set_ip_dscp' | 'set_ip_ecn' | 'set_ip_ttl';
  readonly value: number;
}
/** `mod_tp_src`, `mod_tp_dst` */
export interface SetL4PortAction {
  readonly type: 'set_l4_src_port' | 'set_l4_dst_port';
  readonly port: number;
}
export interface DecTtlAction {
  readonly type: 'dec_ttl';
  /** controllers that learn of an expired TTL; `[0]` when none was named */
  readonly controllerIds: readonly number[];
}
export interface SetMplsAction {
  readonly type: 'set_mpls_label' | 'set_mpls_tc' | 'set_mpls_ttl';
  readonly value: number;
}
export interface DecMplsTtlAction {
  readonly type: 'dec_mpls_ttl';
}
export interface PushMplsAction {
  readonly type: 'push_mpls';
  readonly ethertype: number;
}
export interface PopMplsAction {
  readonly type: 'pop_mpls';
  readonly ethertype: number;
}
export interface DecNshTtlAction {
  readonly type: 'dec_nsh_ttl';
}
export interface EncapAction {
  readonly type: 'encap';
  /** packet_type of the new outer header */
  readonly packetType: number;
  /** NSH encapsulation properties, such as md_type */
  readonly properties: readonly { readonly propertyClass: number; readonly type: number; readonly value: Uint8Array }[];
}
export interface DecapAction {
  readonly type: 'decap';
  readonly packetType: number | null;
}
/** `set_tunnel`, `set_tunnel64` */
export interface SetTunnelAction {
  readonly type: 'set_tunnel';
  readonly tunnelId: bigint;
  readonly is64: boolean;
}

export interface ResubmitAction {
  readonly type: 'resubmit';
  /** OpenFlow port to look up with; `IN_PORT` (0xfff8) = unchanged */
  readonly port: OpenFlowPort;
  /** null = the current table */
  readonly table: number | null;
  /** `ct`: look up with the source and destination fields of the conntrack original direction tuple */
  readonly withConntrackTuple: boolean;
}
export interface NoteAction {
  readonly type: 'note';
  readonly data: Uint8Array;
}
export interface ExitAction {
  readonly type: 'exit';
}
export interface DebugAction {
  readonly type: 'debug_recirc' | 'debug_slow';
}
export interface ConjunctionAction {
  readonly type: 'conjunction';
  readonly id: number;
  /** 0-based; text shows it 1-based: `conjunction(id,k/n)` */
  readonly clause: number;
  readonly clauses: number;
}
export interface MultipathAction {
  readonly type: 'multipath';
  readonly fields: HashFields;
  readonly basis: number;
  readonly algorithm: 'modulo_n' | 'hash_threshold' | 'hrw' | 'iter_hash';
  readonly links: number;
  readonly argument: number;
  readonly destination: Subfield;
}
export type HashFields =
  | 'eth_src'
  | 'symmetric_l4'
  | 'symmetric_l3l4'
  | 'symmetric_l3l4+udp'
  | 'nw_src'
  | 'nw_dst'
  | 'symmetric_l3';
export interface BundleAction {
  readonly type: 'bundle' | 'bundle_load';
  readonly fields: HashFields;
  readonly basis: number;
  readonly algorithm: 'active_backup' | 'hrw';
  readonly members: readonly OpenFlowPort[];
  /** only for bundle_load */
  readonly destination: Subfield | null;
}
export interface LearnSpec {
  readonly kind: 'match' | 'load' | 'output';
  readonly bits: number;
  /** a field of the packet, or an immediate value */
  readonly source: Subfield | bigint;
  /** for match and load */
  readonly destination: Subfield | null;
}
export interface LearnAction {
  readonly type: 'learn';
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly finIdleTimeout: number;
  readonly finHardTimeout: number;
  readonly priority: number;
  readonly cookie: bigint;
  readonly table: number;
  readonly sendFlowRemoved: boolean;
  readonly deleteLearned: boolean;
  /** 0 = no limit */
  readonly limit: number;
  readonly resultDestination: Subfield | null;
  readonly specs: readonly LearnSpec[];
}
export interface FinTimeoutAction {
  readonly type: 'fin_timeout';
  readonly idleTimeout: number;
  readonly hardTimeout: number;
}
export interface SampleAction {
  readonly type: 'sample';
  readonly probability: number;
  readonly collectorSetId: number;
  readonly observationDomainId: number;
  /** an immediate value or a register */
  readonly observationPointId: number | Subfield;
  readonly samplingPort: OpenFlowPort | null;
  readonly direction: 'default' | 'ingress' | 'egress';
}
export interface NatAction {
  readonly type: 'nat';
  readonly direction: 'src' | 'dst' | null;
  /** IPv4 as a number, IPv6 as a bigint */
  readonly addressMin: number | bigint | null;
  readonly addressMax: number | bigint | null;
  readonly portMin: number | null;
  readonly portMax: number | null;
  readonly persistent: boolean;
  readonly hash: boolean;
  readonly random: boolean;
}
export interface ConntrackAction {
  readonly type: 'ct';
  readonly commit: boolean;
  readonly force: boolean;
  readonly zone: number | Subfield;
  /** null = no recirculation */
  readonly table: number | null;
  /** `ftp` 21, `tftp` 69, 0 = none */
  readonly alg: number;
  /** set_field, load, move of ct_mark and ct_label, and nat */
  readonly actions: readonly OpenFlowAction[];
}
export interface ConntrackClearAction {
  readonly type: 'ct_clear';
}
export interface CloneAction {
  readonly type: 'clone';
  readonly actions: readonly OpenFlowAction[];
}
export interface CheckPacketLargerAction {
  readonly type: 'check_pkt_larger';
  readonly length: number;
  readonly destination: Subfield;
}
export interface DeleteFieldAction {
  readonly type: 'delete_field';
  readonly field: MatchField;
}

export interface MeterAction {
  readonly type: 'meter';
  readonly meter: number;
}
export interface ClearActionsAction {
  readonly type: 'clear_actions';
}
export interface WriteActionsAction {
  readonly type: 'write_actions';
  readonly actions: readonly OpenFlowAction[];
}
export interface WriteMetadataAction {
  readonly type: 'write_metadata';
  readonly value: bigint;
  readonly mask: bigint;
}
export interface GotoTableAction {
  readonly type: 'goto_table';
  readonly table: number;
}

export type OpenFlowAction =
  | OutputAction
  | OutputRegAction
  | OutputTruncateAction
  | ControllerAction
  | EnqueueAction
  | SetQueueAction
  | PopQueueAction
  | GroupAction
  | SetFieldAction
  | LoadAction
  | MoveAction
  | StackAction
  | SetVlanVidAction
  | SetVlanPcpAction
  | PopVlanAction
  | PushVlanAction
  | SetEthernetAction
  | SetIpv4Action
  | SetIpByteAction
  | SetL4PortAction
  | DecTtlAction
  | SetMplsAction
  | DecMplsTtlAction
  | PushMplsAction
  | PopMplsAction
  | DecNshTtlAction
  | EncapAction
  | DecapAction
  | SetTunnelAction
  | ResubmitAction
  | NoteAction
  | ExitAction
  | DebugAction
  | ConjunctionAction
  | MultipathAction
  | BundleAction
  | LearnAction
  | FinTimeoutAction
  | SampleAction
  | NatAction
  | ConntrackAction
  | ConntrackClearAction
  | CloneAction
  | CheckPacketLargerAction
  | DeleteFieldAction
  | MeterAction
  | ClearActionsAction
  | WriteActionsAction
  | WriteMetadataAction
  | GotoTableAction;
