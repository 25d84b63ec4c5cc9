/**
 * A whole flow to text, as `ofproto/trace` and packet-ins show it: every field that a packet of this shape has, and what is
 * known about the packet where that is not 0.
 *
 * It is a match with a mask made for the occasion: the mask tells which fields there are, and match-format.ts prints them.
 */
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_NSH,
  ETHERTYPE_RARP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_IGMP,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from '../wire/index.ts';
import type { FlowTextOptions } from './field-text.ts';
import * as key from './key.ts';
import { createMatch } from './match.ts';
import { formatMatch } from './match-format.ts';
import { isConnectionValid, networkEthType } from './prerequisites.ts';

const MPLS_LABELS = 3;
const MPLS_BOTTOM_OF_STACK = 0x100;
const NSH_CONTEXT_MDTYPE = 1;
const ERSPAN_V1 = 1;
const ERSPAN_V2 = 2;
const ND_SOLICIT = 135;
const ND_ADVERT = 136;
const PORT_PROTOCOLS: ReadonlySet<number> = new Set([
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_IGMP,
]);

/** What is shown only when it is not 0; each entry is the words of one field. */
const CONTEXT_WORDS: readonly (readonly [first: number, count: number])[] = [
  [key.W_PKT_MARK, 1],
  [key.W_RECIRC_ID, 1],
  [key.W_DP_HASH, 1],
  [key.W_SKB_PRIORITY, 1],
  [key.W_CT_MARK, 1],
  [key.W_CT_LABEL, 4],
  [key.W_METADATA, 2],
];
const REGISTERS = 16;

/** The flow as `ofproto/trace` shows it after `Flow: `. */
export function formatFlow(flow: key.FlowWords, options: FlowTextOptions = {}): string {
  const match = createMatch();
  match.values.set(flow);
  // An Ethernet frame's packet_type is shown as `eth` only beside a recirculation id, which formatMatch sees to.
  match.masks[key.W_PACKET_TYPE] = -1;
  match.masks[key.W_IN_PORT] = -1;
  showContext(flow, match.masks);
  showTunnel(flow, match.masks);
  if (flow[key.W_PACKET_TYPE] === key.PACKET_TYPE_ETHERNET) {
    showEthernet(flow, match.masks);
  }
  showNetwork(flow, match.masks);
  for (let word = 0; word < key.FLOW_WORDS; word++) {
    match.values[word]! &= match.masks[word]!;
  }
  return formatMatch(match, options);
}

function showContext(flow: key.FlowWords, masks: key.FlowWords): void {
  for (const [first, count] of CONTEXT_WORDS) {
    if (flow.subarray(first, first + count).some((word) => word !== 0)) {
      masks.fill(-1, first, first + count);
    }
  }
  for (let word = key.W_REG0; word < key.W_REG0 + REGISTERS; word++) {
    masks[word] = flow[word] === 0 ? 0 : -1;
  }
  const stateWord = flow[key.W_CT_STATE_PROTO_ZONE]!;
  let mask = 0;
  mask |= stateWord >>> 24 === 0 ? 0 : 0xff000000;
  mask |= (stateWord & 0xffff) === 0 ? 0 : 0xffff;
  if (((stateWord >>> 16) & 0xff) !== 0 && isConnectionValid(flow, null)) {
    mask |= 0xff0000;
    masks[key.W_CT_TP] = -1;
    showAddresses(networkEthType(flow), masks, key.W_CT_NW_SRC, key.W_CT_IPV6_SRC);
  }
  masks[key.W_CT_STATE_PROTO_ZONE] = mask;
}

function showTunnel(flow: key.FlowWords, masks: key.FlowWords): void {
  const isIpv6 = flow.subarray(key.W_TUN_IPV6_DST, key.W_TUN_IPV6_DST + 4).some((word) => word !== 0);
  if (flow[key.W_TUN_DST] === 0 && !isIpv6) {
    const hasId = flow[key.W_TUN_ID] !== 0 || flow[key.W_TUN_ID + 1] !== 0;
    masks.fill(hasId ? -1 : 0, key.W_TUN_ID, key.W_TUN_ID + 2);
    return;
  }
  if (((flow[key.W_TUN_FLAGS_TOS_TTL]! >>> 16) & key.TUN_FLAG_KEY) !== 0) {
    masks.fill(-1, key.W_TUN_ID, key.W_TUN_ID + 2);
  }
  masks.fill(-1, key.W_TUN_SRC, key.W_TUN_GBP + 1);
  masks[key.W_TUN_GTPU] = -1;
  masks[key.W_TUN_ERSPAN] = 0x0f000000;
  const version = (flow[key.W_TUN_ERSPAN]! >>> 24) & 0xf;
  if (version === ERSPAN_V1) {
    masks[key.W_TUN_ERSPAN_IDX] = -1;
  } else if (version === ERSPAN_V2) {
    masks[key.W_TUN_ERSPAN] = -1;
  }
  for (let word = key.W_TUN_METADATA; word < key.W_TUN_METADATA + key.TUN_METADATA_WORDS; word++) {
    masks[word] = flow[word] === 0 ? 0 : -1;
  }
}

function showEthernet(flow: key.FlowWords, masks: key.FlowWords): void {
  masks.fill(-1, key.W_ETH_DST, key.W_ETH_SRC + 1);
  masks[key.W_TYPE_PROTO_FRAG] = 0xffff0000;
  masks[key.W_VLAN0] = -1;
  if ((flow[key.W_VLAN0]! & 0xffff) !== 0) {
    masks[key.W_VLAN1] = -1;
  }
}

function showNetwork(flow: key.FlowWords, masks: key.FlowWords): void {
  const ethType = networkEthType(flow);
  switch (ethType) {
    case ETHERTYPE_IPV4:
    case ETHERTYPE_IPV6:
      showAddresses(ethType, masks, key.W_NW_SRC, key.W_IPV6_SRC);
      masks[key.W_IPV6_LABEL] = ethType === ETHERTYPE_IPV6 ? -1 : 0;
      showIp(masks);
      showTransport(flow, masks, ethType);
      return;
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP:
      masks[key.W_TYPE_PROTO_FRAG]! |= 0xff00;
      masks.fill(-1, key.W_NW_SRC, key.W_NW_DST + 1);
      masks.fill(-1, key.W_ARP_SHA, key.W_ARP_THA + 1);
      return;
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
      showLabels(flow, masks);
      return;
    case ETHERTYPE_NSH:
      masks.fill(-1, key.W_NSH_BASE, key.W_NSH_PATH + 1);
      if (((flow[key.W_NSH_BASE]! >>> 8) & 0xff) === NSH_CONTEXT_MDTYPE) {
        masks.fill(-1, key.W_NSH_CONTEXT, key.W_NSH_CONTEXT + 4);
      }
      showIp(masks);
      return;
    default:
  }
}

function showAddresses(ethType: number, masks: key.FlowWords, ipv4Word: number, ipv6Word: number): void {
  if (ethType === ETHERTYPE_IPV4) {
    masks.fill(-1, ipv4Word, ipv4Word + 2);
  } else if (ethType === ETHERTYPE_IPV6) {
    masks.fill(-1, ipv6Word, ipv6Word + 8);
  }
}

function showIp(masks: key.FlowWords): void {
  masks[key.W_TYPE_PROTO_FRAG]! |= 0xff03;
  masks[key.W_TOS_TTL_FLAGS] = 0xffff0000;
}

function showLabels(flow: key.FlowWords, masks: key.FlowWords): void {
  for (let word = key.W_MPLS; word < key.W_MPLS + MPLS_LABELS; word++) {
    masks[word] = -1;
    if ((flow[word]! & MPLS_BOTTOM_OF_STACK) !== 0) {
      return;
    }
  }
}

function showTransport(flow: key.FlowWords, masks: key.FlowWords, ethType: number): void {
  const word = flow[key.W_TYPE_PROTO_FRAG]!;
  const protocol = (word >>> 8) & 0xff;
  if ((word & key.NW_FRAG_LATER) !== 0 || !PORT_PROTOCOLS.has(protocol)) {
    return;
  }
  masks[key.W_TP] = -1;
  if (protocol === IP_PROTOCOL_TCP) {
    masks[key.W_TOS_TTL_FLAGS]! |= 0xfff;
  } else if (protocol === IP_PROTOCOL_ICMPV6 && ethType === ETHERTYPE_IPV6) {
    const type = flow[key.W_TP]! >>> 16;
    if (type === ND_SOLICIT || type === ND_ADVERT) {
      masks.fill(-1, key.W_ND_TARGET, key.W_ND_TARGET + 4);
      masks.fill(-1, key.W_ARP_SHA, key.W_ARP_THA + 1);
    }
  }
}
