/**
 * Flow keys and masks as `ovs-dpctl dump-flows` prints them.
 *
 * The terse form leaves out what is wildcarded, the verbose one (`-m`) shows everything with its mask. A mask that has all bits
 * is not written. A few attributes have forms of their own, kept because people's scripts read them: MPLS and VLAN masks, the
 * flags, `eth()` for "any Ethernet packet", `ct_state` in numbers in the verbose form.
 */
import {
  CT_STATE_FLAGS,
  type FlowWords,
  formatFlags,
  NW_FRAG_ANY,
  NW_FRAG_LATER,
  PACKET_TYPE_ETHERNET,
  readBigBits,
  TCP_FLAGS,
  VLAN_CFI,
  W_MPLS,
  W_NSH_BASE,
  W_PACKET_TYPE,
  W_TUN_DST,
  W_TUN_ERSPAN,
  W_TUN_ERSPAN_IDX,
  W_TUN_FLAGS_TOS_TTL,
  W_TUN_GBP,
  W_TUN_GTPU,
  W_TUN_ID,
  W_TUN_IPV6_DST,
  W_TUN_IPV6_SRC,
  W_TUN_SRC,
  W_TUN_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
} from '../flow/index.ts';
import { formatEthernetAddress, formatIpv4Address, formatIpv6Address } from '../wire/index.ts';
import { ATTRIBUTE_LAYOUTS, type AttributeField, type AttributeLayout } from './attribute-fields.ts';
import * as attributes from './key-attributes.ts';
import { conntrackTupleAttribute, countMplsLabels, headerAttributes } from './netlink-key.ts';
import { hasTunnel } from './netlink-tunnel.ts';

export interface FormatFlowOptions {
  /** also what is wildcarded (`-m`) */
  readonly verbose?: boolean;
  /** the name to print for a port number; `null` prints the number */
  readonly portName?: (port: number) => string | null;
}

/** Names of tunnel flags, from the lowest bit on. */
export const TUNNEL_FLAG_NAMES = ['oam', 'df', 'csum', 'key'] as const;
const TUNNEL_FLAGS_MASK = 0xf;
const MAX_VLANS = 2;
const ETHERTYPE_MINIMUM = 0x600;
const MPLS_ENTRY_ALL = -1;

/** A key, or a key and its mask. Without a mask everything is exact. */
export function formatFlowKey(key: FlowWords, mask: FlowWords | null, options: FormatFlowOptions = {}): string {
  const isVerbose = options.verbose === true;
  const parts: string[] = [];
  const push = (attribute: number): void => {
    const text = formatAttribute(attribute, key, mask, isVerbose);
    if (text !== '') {
      parts.push(text);
    }
  };
  push(attributes.OVS_KEY_ATTR_PRIORITY);
  if (hasTunnel(key)) {
    const tunnel = formatTunnel(key, mask, isVerbose);
    if (tunnel !== '') {
      parts.push(tunnel);
    }
  }
  push(attributes.OVS_KEY_ATTR_SKB_MARK);
  push(attributes.OVS_KEY_ATTR_CT_STATE);
  push(attributes.OVS_KEY_ATTR_CT_ZONE);
  push(attributes.OVS_KEY_ATTR_CT_MARK);
  push(attributes.OVS_KEY_ATTR_CT_LABELS);
  const tuple = conntrackTupleAttribute(key);
  if (tuple !== 0) {
    push(tuple);
  }
  push(attributes.OVS_KEY_ATTR_RECIRC_ID);
  push(attributes.OVS_KEY_ATTR_DP_HASH);
  const inPort = formatInPort(key, mask, isVerbose, options);
  if (inPort !== '') {
    parts.push(inPort);
  }
  push(attributes.OVS_KEY_ATTR_PACKET_TYPE);
  if (key[W_PACKET_TYPE] === PACKET_TYPE_ETHERNET) {
    const ethernet = formatAttribute(attributes.OVS_KEY_ATTR_ETHERNET, key, mask, isVerbose);
    if (ethernet !== '') {
      parts.push(ethernet);
    } else if (mask !== null && mask[W_PACKET_TYPE] === 0) {
      // Only the presence of Ethernet addresses says that the packet has them.
      parts.push('eth()');
    }
  }
  pushTags(parts, key, mask, isVerbose, 0);
  return parts.join(',');
}

function formatInPort(key: FlowWords, mask: FlowWords | null, isVerbose: boolean, options: FormatFlowOptions): string {
  const text = formatAttribute(attributes.OVS_KEY_ATTR_IN_PORT, key, mask, isVerbose);
  const name = options.portName?.(key[1]! >>> 0) ?? null;
  return name === null || text.includes('/') || text === '' ? text : `in_port(${quotePortName(name)})`;
}

/** A port name, in quotes when it could be read as something else. */
export function quotePortName(name: string): string {
  return /^[a-z_][\w.-]*$/i.test(name) ? name : JSON.stringify(name);
}

function pushTags(parts: string[], key: FlowWords, mask: FlowWords | null, isVerbose: boolean, index: number): void {
  const tag = key[W_VLAN0 + index]!;
  if (index < MAX_VLANS && (tag & VLAN_CFI) !== 0) {
    parts.push(`eth_type(${hex4(tag >>> 16)})`);
    const tagMask = mask === null ? -1 : mask[W_VLAN0 + index]!;
    if (isVerbose || (tagMask & 0xffff) !== 0) {
      parts.push(`vlan(${formatTci(tag & 0xffff, tagMask & 0xffff, isVerbose)})`);
    }
    const inner: string[] = [];
    pushTags(inner, key, mask, isVerbose, index + 1);
    parts.push(`encap(${inner.join(',')})`);
    return;
  }
  const type = key[W_TYPE_PROTO_FRAG]! >>> 16;
  if (type >= ETHERTYPE_MINIMUM) {
    const typeMask = mask === null ? 0xffff : mask[W_TYPE_PROTO_FRAG]! >>> 16;
    if (typeMask === 0xffff) {
      parts.push(`eth_type(${hex4(type)})`);
    } else if (isVerbose || typeMask !== 0) {
      parts.push(`eth_type(${hex4(type)}/${hex4(typeMask)})`);
    }
  }
  for (const attribute of headerAttributes(key, mask)) {
    const text = formatAttribute(attribute, key, mask, isVerbose);
    if (text !== '') {
      parts.push(text);
    }
  }
}

/** `vid=…,pcp=…` of a TCI; `isVerbose` shows wildcarded zeros too. */
function formatTci(tci: number, mask: number, isVerbose: boolean): string {
  const parts: string[] = [];
  const vid = tci & 0xfff;
  const vidMask = mask & 0xfff;
  if (vid !== 0 || vidMask !== 0 || isVerbose) {
    parts.push(vidMask === 0xfff ? `vid=${vid}` : `vid=${vid}/0x${vidMask.toString(16)}`);
  }
  const pcp = tci >>> 13;
  const pcpMask = mask >>> 13;
  if (pcp !== 0 || pcpMask !== 0 || isVerbose) {
    parts.push(pcpMask === 7 ? `pcp=${pcp}` : `pcp=${pcp}/0x${pcpMask.toString(16)}`);
  }
  if ((tci & VLAN_CFI) === 0) {
    parts.push('cfi=0');
  }
  return parts.join(',');
}

/** One attribute with its name, '' when nothing of it is to be shown. */
export function formatAttribute(attribute: number, key: FlowWords, mask: FlowWords | null, isVerbose: boolean): string {
  if (attribute === attributes.OVS_KEY_ATTR_MPLS) {
    return formatMpls(key, mask, isVerbose);
  }
  if (attribute === attributes.OVS_KEY_ATTR_TUNNEL) {
    return formatTunnel(key, mask, isVerbose);
  }
  const layout = ATTRIBUTE_LAYOUTS.get(attribute)!;
  const parts: string[] = [];
  for (const field of shownFields(layout, key)) {
    const text = formatField(field, key, mask, isVerbose);
    if (text !== null) {
      parts.push(field.name === '' ? text : `${field.name}=${text}`);
    }
  }
  return parts.length === 0 ? '' : `${layout.name}(${parts.join(',')})`;
}

/** All fields, but for NSH without the context that only metadata type 1 has. */
function shownFields(layout: AttributeLayout, key: FlowWords): readonly AttributeField[] {
  const isNsh = layout.attribute === attributes.OVS_KEY_ATTR_NSH;
  return isNsh && ((key[W_NSH_BASE]! >>> 8) & 0xff) !== 1 && key[W_NSH_BASE] !== 0
    ? layout.fields.slice(0, 6)
    : layout.fields;
}

/** A field's value and mask, `null` when it is not to be shown. */
function formatField(field: AttributeField, key: FlowWords, mask: FlowWords | null, isVerbose: boolean): string | null {
  const all = (1n << BigInt(field.width)) - 1n;
  const value = readBigBits(key, field.bitOffset, field.width);
  const bits = mask === null ? all : readBigBits(mask, field.bitOffset, field.width);
  if (bits === 0n && (!isVerbose || field.format === 'frag')) {
    return null;
  }
  switch (field.format) {
    case 'frag':
      return formatFragment(Number(value));
    case 'tcp-flags':
      return formatFlags(TCP_FLAGS, Number(value), Number(bits), bits === all);
    case 'ct-state':
      if (mask !== null && isVerbose) {
        break;
      }
      return mask === null
        ? formatFlags(CT_STATE_FLAGS, Number(value), 0xff, true)
        : formatFlags(CT_STATE_FLAGS, Number(value), Number(bits), false);
  }
  const text = formatValue(field, value);
  // The verbose form of ct_state shows even a full mask.
  return bits === all && field.format !== 'ct-state' ? text : `${text}/${formatMask(field, bits)}`;
}

function formatFragment(fragment: number): string {
  if ((fragment & NW_FRAG_LATER) !== 0) {
    return 'later';
  }
  return (fragment & NW_FRAG_ANY) !== 0 ? 'first' : 'no';
}

function formatValue(field: AttributeField, value: bigint): string {
  switch (field.format) {
    case 'ethernet':
      return formatEthernetAddress(value);
    case 'ipv4':
      return formatIpv4Address(Number(value));
    case 'ipv6':
      return formatIpv6Address(value);
    case 'decimal':
      return value.toString();
    default:
      return hexadecimal(value);
  }
}

function formatMask(field: AttributeField, mask: bigint): string {
  return field.format === 'decimal' ? hexadecimal(mask) : formatValue(field, mask);
}

/** As printf's `%#x`: zero has no prefix. */
function hexadecimal(value: bigint): string {
  return value === 0n ? '0' : `0x${value.toString(16)}`;
}

function hex4(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}

function formatMpls(key: FlowWords, mask: FlowWords | null, isVerbose: boolean): string {
  const count = countMplsLabels(key, mask);
  let isExact = true;
  let isWildcarded = true;
  for (let index = 0; index < count; index++) {
    const bits = mask === null ? MPLS_ENTRY_ALL : mask[W_MPLS + index]!;
    isExact = isExact && bits === MPLS_ENTRY_ALL;
    isWildcarded = isWildcarded && bits === 0;
  }
  if (isWildcarded && !isVerbose) {
    return '';
  }
  const entries: string[] = [];
  for (let index = 0; index < count; index++) {
    const bits = mask === null || isExact ? null : mask[W_MPLS + index]!;
    entries.push(formatLabelStackEntry(key[W_MPLS + index]!, bits));
  }
  return `mpls(${entries.join(',')})`;
}

/** An entry with its mask, which is `null` when it is exact. */
export function formatLabelStackEntry(entry: number, mask: number | null): string {
  const label = entry >>> 12;
  const trafficClass = (entry >>> 9) & 7;
  const ttl = entry & 0xff;
  const bottom = (entry >>> 8) & 1;
  if (mask === null) {
    return `label=${label},tc=${trafficClass},ttl=${ttl},bos=${bottom}`;
  }
  const hex = (value: number): string => value.toString(16);
  return (
    `label=${label}/0x${hex(mask >>> 12)},tc=${trafficClass}/${hex((mask >>> 9) & 7)},` +
    `ttl=${ttl}/0x${hex(mask & 0xff)},bos=${bottom}/${hex((mask >>> 8) & 1)}`
  );
}

interface TunnelField {
  readonly name: string;
  readonly bitOffset: number;
  readonly width: number;
  readonly format: AttributeField['format'];
}

/** The plain fields of a tunnel, for text. */
export const TUNNEL_FIELDS: readonly TunnelField[] = [
  { name: 'tun_id', bitOffset: 32 * W_TUN_ID, width: 64, format: 'hexadecimal' },
  { name: 'src', bitOffset: 32 * W_TUN_SRC, width: 32, format: 'ipv4' },
  { name: 'dst', bitOffset: 32 * W_TUN_DST, width: 32, format: 'ipv4' },
  { name: 'ipv6_src', bitOffset: 32 * W_TUN_IPV6_SRC, width: 128, format: 'ipv6' },
  { name: 'ipv6_dst', bitOffset: 32 * W_TUN_IPV6_DST, width: 128, format: 'ipv6' },
  { name: 'tos', bitOffset: 32 * W_TUN_FLAGS_TOS_TTL + 16, width: 8, format: 'hexadecimal' },
  { name: 'ttl', bitOffset: 32 * W_TUN_FLAGS_TOS_TTL + 24, width: 8, format: 'decimal' },
  { name: 'tp_src', bitOffset: 32 * W_TUN_TP, width: 16, format: 'decimal' },
  { name: 'tp_dst', bitOffset: 32 * W_TUN_TP + 16, width: 16, format: 'decimal' },
];

/** The fields of tunnel options by the name of the option. */
export const TUNNEL_OPTION_FIELDS: ReadonlyMap<string, readonly TunnelField[]> = new Map([
  [
    'gbp',
    [
      { name: 'id', bitOffset: 32 * W_TUN_GBP, width: 16, format: 'decimal' },
      { name: 'flags', bitOffset: 32 * W_TUN_GBP + 16, width: 8, format: 'hexadecimal' },
    ],
  ],
  [
    'erspan',
    [
      { name: 'ver', bitOffset: 32 * W_TUN_ERSPAN + 4, width: 4, format: 'decimal' },
      { name: 'idx', bitOffset: 32 * W_TUN_ERSPAN_IDX + 12, width: 20, format: 'hexadecimal' },
      { name: 'dir', bitOffset: 32 * W_TUN_ERSPAN + 15, width: 1, format: 'decimal' },
      { name: 'hwid', bitOffset: 32 * W_TUN_ERSPAN + 18, width: 6, format: 'hexadecimal' },
    ],
  ],
  [
    'gtpu',
    [
      { name: 'flags', bitOffset: 32 * W_TUN_GTPU, width: 8, format: 'hexadecimal' },
      { name: 'msgtype', bitOffset: 32 * W_TUN_GTPU + 8, width: 8, format: 'decimal' },
    ],
  ],
]);

function formatTunnel(key: FlowWords, mask: FlowWords | null, isVerbose: boolean): string {
  const parts: string[] = [];
  const flags = key[W_TUN_FLAGS_TOS_TTL]! >>> 16;
  for (const field of TUNNEL_FIELDS) {
    const hasKey = field.name === 'tun_id' && (flags & 8) !== 0;
    pushTunnelField(parts, field, key, mask, isVerbose, hasKey);
  }
  const gbp = formatTunnelOption('gbp', key, mask, isVerbose);
  if (gbp !== '') {
    parts.push(`vxlan(${gbp})`);
  }
  for (const name of ['erspan', 'gtpu']) {
    const option = formatTunnelOption(name, key, mask, isVerbose);
    if (option !== '') {
      parts.push(option);
    }
  }
  const flagsText = formatTunnelFlags(flags, mask === null ? TUNNEL_FLAGS_MASK : mask[W_TUN_FLAGS_TOS_TTL]! >>> 16);
  if (flagsText !== '') {
    parts.push(flagsText);
  }
  return parts.length === 0 ? '' : `tunnel(${parts.join(',')})`;
}

function formatTunnelOption(name: string, key: FlowWords, mask: FlowWords | null, isVerbose: boolean): string {
  const parts: string[] = [];
  for (const field of TUNNEL_OPTION_FIELDS.get(name)!) {
    pushTunnelField(parts, field, key, mask, isVerbose, false);
  }
  return parts.length === 0 ? '' : `${name}(${parts.join(',')})`;
}

/** A field is there when it is not zero or is matched on. */
function pushTunnelField(
  parts: string[],
  field: TunnelField,
  key: FlowWords,
  mask: FlowWords | null,
  isVerbose: boolean,
  isPresent: boolean,
): void {
  const all = (1n << BigInt(field.width)) - 1n;
  const value = readBigBits(key, field.bitOffset, field.width);
  const bits = mask === null ? all : readBigBits(mask, field.bitOffset, field.width);
  const isShown = mask === null ? value !== 0n || isPresent : bits !== 0n || (isVerbose && (value !== 0n || isPresent));
  if (!isShown) {
    return;
  }
  const row: AttributeField = { ...field, aliases: [], byteOffset: 0, bytes: 0, isBigEndian: true };
  const text = field.name === 'tun_id' ? `0x${value.toString(16)}` : formatValue(row, value);
  parts.push(`${field.name}=${bits === all ? text : `${text}/${formatMask(row, bits)}`}`);
}

function formatTunnelFlags(flags: number, mask: number): string {
  if ((mask & TUNNEL_FLAGS_MASK) === TUNNEL_FLAGS_MASK) {
    return `flags(${TUNNEL_FLAG_NAMES.filter((_, bit) => (flags & (1 << bit)) !== 0).join('|')})`;
  }
  const signed = TUNNEL_FLAG_NAMES.map((name, bit) =>
    (mask & (1 << bit)) === 0 ? '' : `${(flags & (1 << bit)) !== 0 ? '+' : '-'}${name}`,
  );
  return signed.join('') === '' ? '' : `flags(${signed.join('')})`;
}
