/** Text of the actions that change headers by their old names: VLAN, MPLS, `mod_*`, TTLs, tunnel id. */
import { formatHex } from '../flow/index.ts';
import {
  formatEthernetAddress,
  formatIpv4Address,
  tryParseEthernetAddress,
  tryParseIpv4Address,
} from '../wire/index.ts';
import { type ActionContext, type ActionParser, plainAction } from './action-syntax.ts';
import type { DecTtlAction, OpenFlowAction, SetTunnelAction } from './actions.ts';
import type { KeyValue } from './key-value.ts';
import { parseNamedNumber, parseUint32, parseUint64, tryParseInteger } from './number-text.ts';
import { OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

export const HEADER_PARSERS: Readonly<Record<string, ActionParser>> = {
  mod_vlan_vid: (item, { options }) => ({
    type: 'set_vlan_vid',
    vid: parseVlanVid(item.value, options),
    pushIfAbsent: true,
  }),
  set_vlan_vid: (item, { options }) => ({
    type: 'set_vlan_vid',
    vid: parseVlanVid(item.value, options),
    pushIfAbsent: false,
  }),
  mod_vlan_pcp: (item, { options }) => ({
    type: 'set_vlan_pcp',
    pcp: parseVlanPcp(item.value, options),
    pushIfAbsent: true,
  }),
  set_vlan_pcp: (item, { options }) => ({
    type: 'set_vlan_pcp',
    pcp: parseVlanPcp(item.value, options),
    pushIfAbsent: false,
  }),
  strip_vlan: plainAction({ type: 'strip_vlan' }),
  pop_vlan: plainAction({ type: 'pop_vlan' }),
  push_vlan: parsePushVlan,
  mod_dl_src: (item) => ({ type: 'set_eth_src', address: parseEthernet(item.value) }),
  mod_dl_dst: (item) => ({ type: 'set_eth_dst', address: parseEthernet(item.value) }),
  mod_nw_src: (item) => ({ type: 'set_ipv4_src', address: parseIpv4(item.value) }),
  mod_nw_dst: (item) => ({ type: 'set_ipv4_dst', address: parseIpv4(item.value) }),
  mod_nw_tos: parseTos,
  mod_nw_ecn: (item, { options }) => ({
    type: 'set_ip_ecn',
    value: checkRange(parseNamedNumber(item.value, 'ECN', 0xff, options), 3, item.value, 'ECN'),
  }),
  mod_nw_ttl: (item, { options }) => ({
    type: 'set_ip_ttl',
    value: parseNamedNumber(item.value, 'TTL', 0xff, options),
  }),
  mod_tp_src: (item, { options }) => ({
    type: 'set_l4_src_port',
    port: parseNamedNumber(item.value, 'source port', 0xffff, options),
  }),
  mod_tp_dst: (item, { options }) => ({
    type: 'set_l4_dst_port',
    port: parseNamedNumber(item.value, 'destination port', 0xffff, options),
  }),
  dec_ttl: parseDecTtl,
  set_mpls_label: parseMplsLabel,
  set_mpls_tc: (item, { options }) => ({
    type: 'set_mpls_tc',
    value: checkRange(parseNamedNumber(item.value, 'MPLS TC', 0xff, options), 7, item.value, 'MPLS TC'),
  }),
  set_mpls_ttl: (item, { options }) => ({
    type: 'set_mpls_ttl',
    value: parseNamedNumber(item.value, 'MPLS TTL', 0xff, options),
  }),
  dec_mpls_ttl: plainAction({ type: 'dec_mpls_ttl' }),
  push_mpls: (item, { options }) => ({
    type: 'push_mpls',
    ethertype: parseNamedNumber(item.value, 'push_mpls', 0xffff, options),
  }),
  pop_mpls: (item, { options }) => ({
    type: 'pop_mpls',
    ethertype: parseNamedNumber(item.value, 'pop_mpls', 0xffff, options),
  }),
  dec_nsh_ttl: plainAction({ type: 'dec_nsh_ttl' }),
  set_tunnel: (item, context) => parseTunnel(item, context, false),
  set_tunnel64: (item, context) => parseTunnel(item, context, true),
};

const ETH_TYPE_VLAN_8021Q = 0x8100;
const ETH_TYPE_VLAN_8021AD = 0x88a8;
const MAX_MPLS_LABEL = 0xfffff;

function parseVlanVid(text: string, options: OpenFlowTextOptions): number {
  return checkRange(parseNamedNumber(text, 'VLAN VID', 0xffff, options), 0xfff, text, 'VLAN VID');
}

function parseVlanPcp(text: string, options: OpenFlowTextOptions): number {
  return checkRange(parseNamedNumber(text, 'VLAN PCP', 0xff, options), 7, text, 'VLAN PCP');
}

/** Open vSwitch has another sentence for a number that fits its type but not the field. */
function checkRange(value: number, maximum: number, text: string, name: string): number {
  if (value > maximum) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${text}: not a valid ${name}`);
  }
  return value;
}

function parsePushVlan(item: KeyValue, { options }: ActionContext): OpenFlowAction {
  const ethertype = parseNamedNumber(item.value, 'ethertype', 0xffff, options);
  if (ethertype !== ETH_TYPE_VLAN_8021Q && ethertype !== ETH_TYPE_VLAN_8021AD) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${item.value}: not a valid VLAN ethertype`);
  }
  return { type: 'push_vlan', ethertype };
}

function parseEthernet(text: string): bigint {
  const address = tryParseEthernetAddress(text);
  if (address === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `invalid mac address ${text}`);
  }
  return address;
}

function parseIpv4(text: string): number {
  const address = tryParseIpv4Address(text);
  if (address === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${text}: could not convert to IP address`);
  }
  return address;
}

function parseTos(item: KeyValue, { options }: ActionContext): OpenFlowAction {
  const value = parseNamedNumber(item.value, 'TOS', 0xff, options);
  if ((value & 3) !== 0) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${item.value}: not a valid TOS`);
  }
  return { type: 'set_ip_dscp', value };
}

function parseMplsLabel(item: KeyValue, { options }: ActionContext): OpenFlowAction {
  const value = parseUint32(item.value, options);
  return { type: 'set_mpls_label', value: checkRange(value, MAX_MPLS_LABEL, item.value, 'MPLS label') };
}

function parseDecTtl(item: KeyValue, { options }: ActionContext): DecTtlAction {
  const texts = item.value.split(/[ ,]+/).filter((text) => text !== '');
  if (texts.length === 0) {
    return { type: 'dec_ttl', controllerIds: [0] };
  }
  const controllerIds = texts.map((text) => {
    const id = tryParseInteger(text, options);
    if (options.ovsCompat === true) {
      return id === null ? 0 : Number(BigInt.asUintN(16, id));
    }
    if (id === null || id < 0n || id > 0xffffn) {
      throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `dec_ttl_cnt_ids: invalid controller id "${text}"`);
    }
    return Number(id);
  });
  return { type: 'dec_ttl', controllerIds };
}

function parseTunnel(item: KeyValue, { options }: ActionContext, is64: boolean): SetTunnelAction {
  const tunnelId = parseUint64(item.value, options);
  return { type: 'set_tunnel', tunnelId, is64: is64 || tunnelId > 0xffffffffn };
}

/** The actions of this file, or null when `action` is none of them. */
export function formatHeaderAction(action: OpenFlowAction): string | null {
  switch (action.type) {
    case 'set_vlan_vid':
      return `${action.pushIfAbsent ? 'mod' : 'set'}_vlan_vid:${action.vid}`;
    case 'set_vlan_pcp':
      return `${action.pushIfAbsent ? 'mod' : 'set'}_vlan_pcp:${action.pcp}`;
    case 'pop_vlan':
    case 'strip_vlan':
      return action.type;
    case 'push_vlan':
      return `push_vlan:0x${action.ethertype.toString(16).padStart(4, '0')}`;
    case 'set_eth_src':
      return `mod_dl_src:${formatEthernetAddress(action.address)}`;
    case 'set_eth_dst':
      return `mod_dl_dst:${formatEthernetAddress(action.address)}`;
    case 'set_ipv4_src':
      return `mod_nw_src:${formatIpv4Address(action.address)}`;
    case 'set_ipv4_dst':
      return `mod_nw_dst:${formatIpv4Address(action.address)}`;
    case 'set_ip_dscp':
      return `mod_nw_tos:${action.value}`;
    case 'set_ip_ecn':
      return `mod_nw_ecn:${action.value}`;
    case 'set_ip_ttl':
      return `mod_nw_ttl:${action.value}`;
    case 'set_l4_src_port':
      return `mod_tp_src:${action.port}`;
    case 'set_l4_dst_port':
      return `mod_tp_dst:${action.port}`;
    case 'dec_ttl':
      return isDefaultController(action.controllerIds) ? 'dec_ttl' : `dec_ttl(${action.controllerIds.join(',')})`;
    case 'set_mpls_label':
    case 'set_mpls_tc':
    case 'set_mpls_ttl':
      return `${action.type}(${action.value})`;
    case 'push_mpls':
    case 'pop_mpls':
      return `${action.type}:0x${action.ethertype.toString(16).padStart(4, '0')}`;
    case 'dec_mpls_ttl':
    case 'dec_nsh_ttl':
      return action.type;
    case 'set_tunnel':
      return `set_tunnel${action.is64 ? '64' : ''}:${formatHex(action.tunnelId)}`;
    default:
      return null;
  }
}

function isDefaultController(ids: readonly number[]): boolean {
  return ids.length === 1 && ids[0] === 0;
}
