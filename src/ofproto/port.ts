/**
 * A port of a bridge as OpenFlow and the NORMAL action see it.
 */
import type { Bridge } from './bridge.ts';

/** OVSDB Port.vlan_mode, ovs-vswitchd.conf.db(5). */
export type VlanMode = 'access' | 'trunk' | 'native-tagged' | 'native-untagged' | 'dot1q-tunnel';

/** How a port takes part in VLANs (OVSDB Port: vlan_mode, tag, trunks, cvlans, other_config). */
export interface PortVlans {
  readonly mode: VlanMode;
  /** the access, native or service VLAN, 0..4095 */
  readonly tag: number;
  /** VLANs carried by a trunk; null = all */
  readonly trunks: ReadonlySet<number> | null;
  /** customer VLANs of a dot1q-tunnel; null = all */
  readonly customerVlans: ReadonlySet<number> | null;
  /** Ethertype of the service tag of a dot1q-tunnel */
  readonly qinqEthertype: number;
  /** other_config:priority-tags: whether frames of VLAN 0 leave with a priority tag */
  readonly priorityTags: 'no' | 'if-nonzero' | 'always';
}

/** A trunk of all VLANs: what a port is without configuration. */
export const TRUNK_ALL: PortVlans = {
  mode: 'trunk',
  tag: 0,
  trunks: null,
  customerVlans: null,
  qinqEthertype: 0x88a8,
  priorityTags: 'no',
};

/** OFPPC_* of a port, changed by OFPT_PORT_MOD (`ovs-ofctl mod-port`). */
export interface PortConfig {
  readonly down: boolean;
  readonly noReceive: boolean;
  readonly noFlood: boolean;
  readonly noForward: boolean;
  readonly noPacketIn: boolean;
}

export const DEFAULT_PORT_CONFIG: PortConfig = {
  down: false,
  noReceive: false,
  noFlood: false,
  noForward: false,
  noPacketIn: false,
};

export interface BridgePort {
  /** OpenFlow port number, 1..0xfeff, or OFPP_LOCAL */
  readonly number: number;
  readonly name: string;
  /** port number in the datapath; -1 for a patch port, which the datapath does not have */
  readonly datapathPort: number;
  /** the other end of a patch port */
  peer: { readonly bridge: Bridge; readonly port: number } | null;
  config: PortConfig;
  linkUp: boolean;
  vlans: PortVlans;
  /** other_config:protected: no frames between two protected ports */
  isProtected: boolean;
  /** what crossed a patch port, which no device counts */
  readonly patchStats: { rxPackets: number; rxBytes: number; txPackets: number; txBytes: number };
}
