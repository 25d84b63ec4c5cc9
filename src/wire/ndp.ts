/**
 * IPv6 neighbour discovery (RFC 4861 section 4): router and neighbour solicitations and advertisements, redirects, and
 * their options. A message starts at its ICMPv6 header.
 *
 * The view has the fixed part that Open vSwitch matches on (`nd_target`, `nd_sll`, `nd_tll`); the record has it all.
 */
import { readBytes, writeBytes } from './bytes.ts';
import { formatEthernetAddress, readEthernetAddress, writeEthernetAddress } from './ethernet-address.ts';
import {
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  ICMPV6_REDIRECT,
  ICMPV6_ROUTER_ADVERTISEMENT,
  ICMPV6_ROUTER_SOLICITATION,
  icmpv6Code,
  icmpv6Rest,
  icmpv6Type,
  setIcmpv6Checksum,
  setIcmpv6Code,
  setIcmpv6Rest,
  setIcmpv6Type,
} from './icmpv6.ts';
import { formatIpv6Address, readIpv6Address, writeIpv6Address } from './ip-address.ts';

export const NDP_OPTION_SOURCE_LINK_LAYER = 1;
export const NDP_OPTION_TARGET_LINK_LAYER = 2;
export const NDP_OPTION_PREFIX = 3;
export const NDP_OPTION_MTU = 5;

/** neighbour advertisement: sent by a router */
export const NDP_ROUTER_FLAG = 0x80000000;
/** neighbour advertisement: in answer to a solicitation */
export const NDP_SOLICITED_FLAG = 0x40000000;
/** neighbour advertisement: replaces what is cached */
export const NDP_OVERRIDE_FLAG = 0x20000000;

/** router advertisement: addresses by DHCPv6 */
export const NDP_MANAGED_FLAG = 0x80;
/** router advertisement: other configuration by DHCPv6 */
export const NDP_OTHER_FLAG = 0x40;
/** prefix: on the link */
export const NDP_ON_LINK_FLAG = 0x80;
/** prefix: for address autoconfiguration */
export const NDP_AUTONOMOUS_FLAG = 0x40;

const OPTION_UNIT = 8;

export type NdpOption =
  | { readonly kind: 'source-link-layer'; readonly address: bigint }
  | { readonly kind: 'target-link-layer'; readonly address: bigint }
  | {
      readonly kind: 'prefix';
      readonly prefixLength: number;
      /** NDP_ON_LINK_FLAG, NDP_AUTONOMOUS_FLAG */
      readonly flags: number;
      /** seconds */
      readonly validLifetime: number;
      /** seconds */
      readonly preferredLifetime: number;
      readonly prefix: bigint;
    }
  | { readonly kind: 'mtu'; readonly mtu: number }
  | { readonly kind: 'unknown'; readonly type: number /** 8·n - 2 bytes */; readonly data: Uint8Array };

export type NdpMessage =
  | { readonly kind: 'router-solicitation'; readonly options: readonly NdpOption[] }
  | {
      readonly kind: 'router-advertisement';
      readonly hopLimit: number;
      /** NDP_MANAGED_FLAG, NDP_OTHER_FLAG */
      readonly flags: number;
      /** seconds */
      readonly routerLifetime: number;
      /** milliseconds */
      readonly reachableTime: number;
      /** milliseconds */
      readonly retransmitTimer: number;
      readonly options: readonly NdpOption[];
    }
  | {
      readonly kind: 'neighbor-solicitation';
      /** 0 in what is sent; ovs-fields(7), `nd_reserved` */
      readonly reserved: number;
      readonly target: bigint;
      readonly options: readonly NdpOption[];
    }
  | {
      readonly kind: 'neighbor-advertisement';
      /** NDP_ROUTER_FLAG, NDP_SOLICITED_FLAG, NDP_OVERRIDE_FLAG and reserved bits */
      readonly flags: number;
      readonly target: bigint;
      readonly options: readonly NdpOption[];
    }
  | {
      readonly kind: 'redirect';
      readonly target: bigint;
      readonly destination: bigint;
      readonly options: readonly NdpOption[];
    };

/** Length of the message's fixed part, ICMPv6 header included; 0 for a type that is not neighbour discovery. */
function fixedLength(type: number): number {
  switch (type) {
    case ICMPV6_ROUTER_SOLICITATION:
      return 8;
    case ICMPV6_ROUTER_ADVERTISEMENT:
      return 16;
    case ICMPV6_NEIGHBOR_SOLICITATION:
    case ICMPV6_NEIGHBOR_ADVERTISEMENT:
      return 24;
    case ICMPV6_REDIRECT:
      return 40;
    default:
      return 0;
  }
}

/**
 * The length of the fixed part of the message at `offset`, behind which the options start; -1 when it is cut off, or
 * no neighbour discovery (whose code is always 0).
 */
export function checkNdp(view: DataView, offset: number, end: number): number {
  if (end - offset < 8) {
    return -1;
  }
  const length = fixedLength(icmpv6Type(view, offset));
  return length === 0 || icmpv6Code(view, offset) !== 0 || end - offset < length ? -1 : length;
}

/** The length of the option at `offset`; -1 when it is cut off or says 0. */
export function checkNdpOption(view: DataView, offset: number, end: number): number {
  if (end - offset < OPTION_UNIT) {
    return -1;
  }
  const length = view.getUint8(offset + 1) * OPTION_UNIT;
  return length === 0 || length > end - offset ? -1 : length;
}

/** Target address of a neighbour solicitation, advertisement or redirect. */
export function ndpTarget(view: DataView, offset: number): bigint {
  return readIpv6Address(view, offset + 8);
}

export function setNdpTarget(view: DataView, offset: number, target: bigint): void {
  writeIpv6Address(view, offset + 8, target);
}

/** Flags and reserved bits of a neighbour advertisement (`nd_reserved` of a solicitation). */
export function ndpFlags(view: DataView, offset: number): number {
  return icmpv6Rest(view, offset);
}

/** The message at `offset`, or `null` when it, or one of its options, is malformed. */
export function parseNdp(view: DataView, offset: number, end: number): NdpMessage | null {
  const length = checkNdp(view, offset, end);
  if (length < 0) {
    return null;
  }
  const options = parseNdpOptions(view, offset + length, end);
  if (options === null) {
    return null;
  }
  switch (icmpv6Type(view, offset)) {
    case ICMPV6_ROUTER_SOLICITATION:
      return { kind: 'router-solicitation', options };
    case ICMPV6_ROUTER_ADVERTISEMENT:
      return {
        kind: 'router-advertisement',
        hopLimit: view.getUint8(offset + 4),
        flags: view.getUint8(offset + 5),
        routerLifetime: view.getUint16(offset + 6),
        reachableTime: view.getUint32(offset + 8),
        retransmitTimer: view.getUint32(offset + 12),
        options,
      };
    case ICMPV6_NEIGHBOR_SOLICITATION:
      return {
        kind: 'neighbor-solicitation',
        reserved: icmpv6Rest(view, offset),
        target: ndpTarget(view, offset),
        options,
      };
    case ICMPV6_NEIGHBOR_ADVERTISEMENT:
      return {
        kind: 'neighbor-advertisement',
        flags: ndpFlags(view, offset),
        target: ndpTarget(view, offset),
        options,
      };
    default:
      return {
        kind: 'redirect',
        target: ndpTarget(view, offset),
        destination: readIpv6Address(view, offset + 24),
        options,
      };
  }
}

function parseNdpOptions(view: DataView, offset: number, end: number): NdpOption[] | null {
  const options: NdpOption[] = [];
  for (let at = offset; at < end; ) {
    const length = checkNdpOption(view, at, end);
    if (length < 0) {
      return null;
    }
    options.push(parseNdpOption(view, at, length));
    at += length;
  }
  return options;
}

function parseNdpOption(view: DataView, at: number, length: number): NdpOption {
  const type = view.getUint8(at);
  if (type === NDP_OPTION_SOURCE_LINK_LAYER && length === 8) {
    return { kind: 'source-link-layer', address: readEthernetAddress(view, at + 2) };
  }
  if (type === NDP_OPTION_TARGET_LINK_LAYER && length === 8) {
    return { kind: 'target-link-layer', address: readEthernetAddress(view, at + 2) };
  }
  if (type === NDP_OPTION_PREFIX && length === 32) {
    return {
      kind: 'prefix',
      prefixLength: view.getUint8(at + 2),
      flags: view.getUint8(at + 3),
      validLifetime: view.getUint32(at + 4),
      preferredLifetime: view.getUint32(at + 8),
      prefix: readIpv6Address(view, at + 16),
    };
  }
  if (type === NDP_OPTION_MTU && length === 8) {
    return { kind: 'mtu', mtu: view.getUint32(at + 4) };
  }
  return { kind: 'unknown', type, data: readBytes(view, at + 2, length - 2) };
}

/** Bytes that `emitNdp` writes. */
export function ndpLength(message: NdpMessage): number {
  let length = fixedLength(ndpType(message));
  for (const option of message.options) {
    length += ndpOptionLength(option);
  }
  return length;
}

/** The ICMPv6 type of a message. */
export function ndpType(message: NdpMessage): number {
  switch (message.kind) {
    case 'router-solicitation':
      return ICMPV6_ROUTER_SOLICITATION;
    case 'router-advertisement':
      return ICMPV6_ROUTER_ADVERTISEMENT;
    case 'neighbor-solicitation':
      return ICMPV6_NEIGHBOR_SOLICITATION;
    case 'neighbor-advertisement':
      return ICMPV6_NEIGHBOR_ADVERTISEMENT;
    case 'redirect':
      return ICMPV6_REDIRECT;
  }
}

function ndpOptionLength(option: NdpOption): number {
  switch (option.kind) {
    case 'prefix':
      return 32;
    case 'unknown':
      return (2 + option.data.length + 7) & ~7;
    default:
      return 8;
  }
}

/** Writes the message from its ICMPv6 header on, with checksum 0, and returns its length. See `fillIcmpv6Checksum`. */
export function emitNdp(message: NdpMessage, view: DataView, offset: number): number {
  const type = ndpType(message);
  setIcmpv6Type(view, offset, type);
  setIcmpv6Code(view, offset, 0);
  setIcmpv6Checksum(view, offset, 0);
  setIcmpv6Rest(view, offset, 0);
  switch (message.kind) {
    case 'router-solicitation':
      break;
    case 'router-advertisement':
      view.setUint8(offset + 4, message.hopLimit);
      view.setUint8(offset + 5, message.flags);
      view.setUint16(offset + 6, message.routerLifetime);
      view.setUint32(offset + 8, message.reachableTime);
      view.setUint32(offset + 12, message.retransmitTimer);
      break;
    case 'neighbor-solicitation':
      setIcmpv6Rest(view, offset, message.reserved);
      setNdpTarget(view, offset, message.target);
      break;
    case 'neighbor-advertisement':
      setIcmpv6Rest(view, offset, message.flags);
      setNdpTarget(view, offset, message.target);
      break;
    case 'redirect':
      setNdpTarget(view, offset, message.target);
      writeIpv6Address(view, offset + 24, message.destination);
      break;
  }
  let at = offset + fixedLength(type);
  for (const option of message.options) {
    emitNdpOption(option, view, at);
    at += ndpOptionLength(option);
  }
  return at - offset;
}

function emitNdpOption(option: NdpOption, view: DataView, at: number): void {
  const length = ndpOptionLength(option);
  for (let index = at; index < at + length; index++) {
    view.setUint8(index, 0);
  }
  view.setUint8(at + 1, length / OPTION_UNIT);
  switch (option.kind) {
    case 'source-link-layer':
      view.setUint8(at, NDP_OPTION_SOURCE_LINK_LAYER);
      writeEthernetAddress(view, at + 2, option.address);
      break;
    case 'target-link-layer':
      view.setUint8(at, NDP_OPTION_TARGET_LINK_LAYER);
      writeEthernetAddress(view, at + 2, option.address);
      break;
    case 'prefix':
      view.setUint8(at, NDP_OPTION_PREFIX);
      view.setUint8(at + 2, option.prefixLength);
      view.setUint8(at + 3, option.flags);
      view.setUint32(at + 4, option.validLifetime);
      view.setUint32(at + 8, option.preferredLifetime);
      writeIpv6Address(view, at + 16, option.prefix);
      break;
    case 'mtu':
      view.setUint8(at, NDP_OPTION_MTU);
      view.setUint32(at + 4, option.mtu);
      break;
    case 'unknown':
      view.setUint8(at, option.type);
      writeBytes(view, at + 2, option.data);
      break;
  }
}

/** As tcpdump: `ICMP6, neighbor solicitation, who has fe80::2, length 32`. */
export function formatNdp(message: NdpMessage): string {
  return `ICMP6, ${formatMessage(message)}, length ${ndpLength(message)}`;
}

function formatMessage(message: NdpMessage): string {
  switch (message.kind) {
    case 'router-solicitation':
      return 'router solicitation';
    case 'router-advertisement':
      return 'router advertisement';
    case 'neighbor-solicitation':
      return `neighbor solicitation, who has ${formatIpv6Address(message.target)}`;
    case 'neighbor-advertisement':
      return `neighbor advertisement, tgt is ${formatIpv6Address(message.target)}`;
    case 'redirect':
      return `redirect, ${formatIpv6Address(message.destination)} to ${formatIpv6Address(message.target)}`;
  }
}

/** The link-layer address that the message's first option of `kind` gives, or `null` when it has none. */
export function ndpLinkLayerAddress(
  message: NdpMessage,
  kind: 'source-link-layer' | 'target-link-layer',
): bigint | null {
  for (const option of message.options) {
    if (option.kind === kind) {
      return option.address;
    }
  }
  return null;
}

/** `source-link-layer 00:00:00:00:00:01` and so on, one text per option. */
export function formatNdpOption(option: NdpOption): string {
  switch (option.kind) {
    case 'source-link-layer':
    case 'target-link-layer':
      return `${option.kind} ${formatEthernetAddress(option.address)}`;
    case 'prefix':
      return `prefix ${formatIpv6Address(option.prefix)}/${option.prefixLength}`;
    case 'mtu':
      return `mtu ${option.mtu}`;
    case 'unknown':
      return `unknown-${option.type}`;
  }
}
