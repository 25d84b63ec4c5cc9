/**
 * Datapath actions: as records (for text, netlink and tests), named and numbered as OVS_ACTION_ATTR_*.
 *
 * What runs is not the records but the *action code*, a flat list of int32 words made of them (action-code.ts): an
 * action is one header word, `type << 16 | words` (`words` counts the header too), followed by its payload. Nested lists
 * are nested code. Action code is compared, stored in the flow arena, executed and (later) compiled to eBPF as it is.
 */

export const OVS_ACTION_ATTR_OUTPUT = 1;
export const OVS_ACTION_ATTR_USERSPACE = 2;
export const OVS_ACTION_ATTR_SET = 3;
export const OVS_ACTION_ATTR_PUSH_VLAN = 4;
export const OVS_ACTION_ATTR_POP_VLAN = 5;
export const OVS_ACTION_ATTR_SAMPLE = 6;
export const OVS_ACTION_ATTR_RECIRC = 7;
export const OVS_ACTION_ATTR_HASH = 8;
export const OVS_ACTION_ATTR_PUSH_MPLS = 9;
export const OVS_ACTION_ATTR_POP_MPLS = 10;
export const OVS_ACTION_ATTR_SET_MASKED = 11;
export const OVS_ACTION_ATTR_CT = 12;
export const OVS_ACTION_ATTR_TRUNC = 13;
export const OVS_ACTION_ATTR_PUSH_ETH = 14;
export const OVS_ACTION_ATTR_POP_ETH = 15;
export const OVS_ACTION_ATTR_CT_CLEAR = 16;
export const OVS_ACTION_ATTR_PUSH_NSH = 17;
export const OVS_ACTION_ATTR_POP_NSH = 18;
export const OVS_ACTION_ATTR_METER = 19;
export const OVS_ACTION_ATTR_CLONE = 20;
export const OVS_ACTION_ATTR_CHECK_PKT_LEN = 21;
export const OVS_ACTION_ATTR_ADD_MPLS = 22;
export const OVS_ACTION_ATTR_DEC_TTL = 23;
/** Numbered as Open vSwitch 3.1's userspace datapath does. */
export const OVS_ACTION_ATTR_TUNNEL_PUSH = 24;
export const OVS_ACTION_ATTR_TUNNEL_POP = 25;
export const OVS_ACTION_ATTR_DROP = 26;

/** What a packet is sent up for, beside the miss; the userdata of a `userspace` action. */
export type UserspaceCookie =
  | { readonly kind: 'slow_path'; readonly reason: SlowPathReason }
  | {
      readonly kind: 'controller';
      readonly reason: number;
      readonly dontSend: boolean;
      readonly continuation: boolean;
      readonly recircId: number;
      readonly ruleCookie: bigint;
      readonly controllerId: number;
      readonly maxLength: number;
    }
  | { readonly kind: 'sflow'; readonly vlanTci: number; readonly output: number }
  | {
      readonly kind: 'flow_sample';
      readonly probability: number;
      readonly collectorSetId: number;
      readonly observationDomainId: number;
      readonly observationPointId: number;
      readonly outputPort: number;
      readonly direction: 'default' | 'ingress' | 'egress';
    }
  | { readonly kind: 'ipfix'; readonly outputPort: number }
  /** userdata that is none of the above, as found in flows that another program installed */
  | { readonly kind: 'userdata'; readonly bytes: readonly number[] };

export type SlowPathReason = 'cfm' | 'bfd' | 'lacp' | 'stp' | 'lldp' | 'action' | 'match' | 'controller' | 'meter';

/** Part of a set action: bits of one word of the flow key. */
export interface SetWord {
  /** W_* index in the flow key */
  readonly word: number;
  readonly value: number;
  /** bits to change */
  readonly mask: number;
}

export type DatapathAction =
  | { readonly type: 'output'; readonly port: number }
  | {
      readonly type: 'userspace';
      readonly pid: number;
      readonly cookie: UserspaceCookie | null;
      /** whether the upcall carries the flow's actions */
      readonly includeActions: boolean;
      readonly tunnelOutPort: number | null;
    }
  /** `set` writes a whole key attribute, `set_masked` the bits of its mask; both are words of the key. `attribute` is the OVS_KEY_ATTR_* number. */
  | { readonly type: 'set'; readonly attribute: number; readonly words: readonly SetWord[] }
  | { readonly type: 'set_masked'; readonly attribute: number; readonly words: readonly SetWord[] }
  | { readonly type: 'push_vlan'; readonly tpid: number; readonly tci: number }
  | { readonly type: 'pop_vlan' }
  | { readonly type: 'push_mpls'; readonly labelStackEntry: number; readonly ethertype: number }
  | { readonly type: 'pop_mpls'; readonly ethertype: number }
  | { readonly type: 'recirc'; readonly recircId: number }
  | { readonly type: 'hash'; readonly algorithm: 'l4' | 'sym_l4'; readonly basis: number }
  | { readonly type: 'sample'; readonly probability: number; readonly actions: readonly DatapathAction[] }
  | { readonly type: 'clone'; readonly actions: readonly DatapathAction[] }
  | { readonly type: 'trunc'; readonly maxLength: number }
  | {
      readonly type: 'check_pkt_len';
      readonly length: number;
      readonly ifGreater: readonly DatapathAction[];
      readonly ifLessOrEqual: readonly DatapathAction[];
    }
  | { readonly type: 'drop'; readonly reason: number }
  | { readonly type: 'meter'; readonly meter: number };
