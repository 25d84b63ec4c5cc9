/**
 * Effects: what a translation wants to happen beside the packet's way, as data.
 *
 * Translation is pure; its caller applies the effects, once for the packet that was translated and again, with counts,
 * for each statistics push of the megaflow (so that pushing needs no translation). Effects hold references to the
 * objects they are about, not numbers: a rule that was deleted since is credited all the same.
 */
import type { FlowMod } from '../openflow/index.ts';
import type { Bridge } from './bridge.ts';
import type { FlowTable } from './flow-table.ts';
import type { Group } from './groups.ts';
import type { BridgePort } from './port.ts';
import type { Rule } from './rule.ts';

export type Effect =
  /** the rule of the table matched: packets and bytes to its counters, its idle time starts anew */
  | { readonly kind: 'rule'; readonly table: FlowTable; readonly rule: Rule }
  /** no rule of the table matched */
  | { readonly kind: 'miss'; readonly table: FlowTable }
  /** a group, and where one was chosen its bucket (index; -1 = all), was used */
  | { readonly kind: 'group'; readonly group: Group; readonly bucket: number }
  /** a frame with this source came in by this port */
  | {
      readonly kind: 'mac';
      readonly bridge: Bridge;
      readonly port: number;
      readonly vlan: number;
      /** eth_src, upper 16 and lower 32 bits */
      readonly macHigh: number;
      readonly macLow: number;
      readonly isGratuitousArp: boolean;
    }
  /** a packet left by a patch port and came in by its peer */
  | { readonly kind: 'patch'; readonly port: BridgePort; readonly peer: BridgePort }
  /** a `learn` action added or refreshed a flow */
  | { readonly kind: 'learn'; readonly bridge: Bridge; readonly flowMod: FlowMod; readonly limit: number }
  /** the rule's timeouts become the lower of its own and these, in seconds; only for packets with FIN or RST */
  | {
      readonly kind: 'fin_timeout';
      readonly bridge: Bridge;
      readonly rule: Rule;
      readonly idleTimeout: number;
      readonly hardTimeout: number;
    };
