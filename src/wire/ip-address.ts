/**
 * IPv4 and IPv6 addresses as text, numbers and words.
 *
 * An IPv4 address is an unsigned 32-bit number. An IPv6 address is a `bigint` of 128 bits where it is a value (records,
 * text) and four 32-bit words, most significant first, in flow keys. Text is read strictly: `10.0.0.256`, which
 * Open vSwitch takes for 10.0.0.0, is an error, and so is `010.0.0.1`, which some programs read as octal. Text is
 * written as RFC 5952 says, with the low 32 bits dotted where the C library does (IPv4-mapped and IPv4-compatible
 * addresses), because Open vSwitch prints what the C library prints.
 */
import { AddressError } from './errors.ts';

export const IPV6_ADDRESS_LENGTH = 16;
export const IPV4_ALL_ONES = 0xffffffff;
export const IPV6_ALL_ONES: bigint = (1n << 128n) - 1n;

export interface Ipv4Masked {
  readonly address: number;
  readonly mask: number;
}

export interface Ipv6Masked {
  readonly address: bigint;
  readonly mask: bigint;
}

const IPV4_PATTERN = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const IPV6_GROUP_PATTERN = /^[0-9a-f]{1,4}$/i;
const PREFIX_PATTERN = /^\d{1,4}$/;

/** The address that the dotted `text` says, or `null` when it is none. */
export function tryParseIpv4Address(text: string): number | null {
  const groups = IPV4_PATTERN.exec(text);
  if (groups === null) {
    return null;
  }
  let address = 0;
  for (let index = 1; index <= 4; index++) {
    const octet = Number(groups[index]);
    if (octet > 255) {
      return null;
    }
    address = address * 256 + octet;
  }
  return address;
}

/** The address that the dotted `text` says; throws `AddressError` when it is none. */
export function parseIpv4Address(text: string): number {
  const address = tryParseIpv4Address(text);
  if (address === null) {
    throw new AddressError('IPV4_ADDRESS_INVALID', `${text}: invalid IP address`);
  }
  return address;
}

/** Reads `address`, `address/prefix` or `address/netmask`; any netmask goes. Throws `AddressError`. */
export function parseIpv4Masked(text: string): Ipv4Masked {
  const slash = text.indexOf('/');
  if (slash < 0) {
    return { address: parseIpv4Address(text), mask: IPV4_ALL_ONES };
  }
  const address = tryParseIpv4Address(text.slice(0, slash));
  const maskText = text.slice(slash + 1);
  let mask = tryParseIpv4Address(maskText);
  if (mask === null && PREFIX_PATTERN.test(maskText)) {
    if (Number(maskText) > 32) {
      throw new AddressError(
        'IPV4_PREFIX_INVALID',
        `${text}: IPv4 network prefix bits not between 0 and 32, inclusive`,
      );
    }
    mask = ipv4PrefixMask(Number(maskText));
  }
  if (address === null || mask === null) {
    throw new AddressError('IPV4_ADDRESS_INVALID', `${text}: invalid IP address`);
  }
  return { address, mask };
}

export function formatIpv4Address(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** `address`, `address/prefix`, or `address/netmask` when the mask is no prefix. */
export function formatIpv4Masked(address: number, mask: number): string {
  const text = formatIpv4Address(address);
  const prefix = ipv4MaskPrefix(mask);
  if (prefix === 32) {
    return text;
  }
  return prefix < 0 ? `${text}/${formatIpv4Address(mask)}` : `${text}/${prefix}`;
}

/** The netmask of a prefix of 0..32 bits. */
export function ipv4PrefixMask(prefix: number): number {
  return prefix === 0 ? 0 : (-1 << (32 - prefix)) >>> 0;
}

/** The prefix length of a netmask, -1 when its ones are not all in front. */
export function ipv4MaskPrefix(mask: number): number {
  const zeros = ~mask;
  return ((zeros + 1) & zeros) === 0 ? Math.clz32(zeros) : -1;
}

/** Whether `address` is in 224.0.0.0/4. */
export function isIpv4Multicast(address: number): boolean {
  return address >>> 28 === 14;
}

/** The address that `text` says (RFC 4291 section 2.2, all three forms), or `null` when it is none. */
export function tryParseIpv6Address(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) {
    return null;
  }
  const front = parseGroups(halves[0]!, halves.length === 1);
  const back = halves.length === 1 ? [] : parseGroups(halves[1]!, true);
  if (front === null || back === null) {
    return null;
  }
  const missing = 8 - front.length - back.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) {
    return null;
  }
  let address = 0n;
  for (const group of [...front, ...Array<number>(missing).fill(0), ...back]) {
    address = (address << 16n) | BigInt(group);
  }
  return address;
}

/** The 16-bit groups of one side of `::`; a dotted IPv4 address may end the last side. */
function parseGroups(text: string, last: boolean): number[] | null {
  const groups: number[] = [];
  if (text === '') {
    return groups;
  }
  const parts = text.split(':');
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index]!;
    if (IPV6_GROUP_PATTERN.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const embedded = last && index === parts.length - 1 ? tryParseIpv4Address(part) : null;
    if (embedded === null) {
      return null;
    }
    groups.push(embedded >>> 16, embedded & 0xffff);
  }
  return groups;
}

/** The address that `text` says; throws `AddressError` when it is none. */
export function parseIpv6Address(text: string): bigint {
  const address = tryParseIpv6Address(text);
  if (address === null) {
    throw new AddressError('IPV6_ADDRESS_INVALID', `${text}: invalid IPv6 address`);
  }
  return address;
}

/** Reads `address`, `address/prefix` or `address/netmask`; any netmask goes. Throws `AddressError`. */
export function parseIpv6Masked(text: string): Ipv6Masked {
  const slash = text.indexOf('/');
  if (slash < 0) {
    return { address: parseIpv6Address(text), mask: IPV6_ALL_ONES };
  }
  const address = tryParseIpv6Address(text.slice(0, slash));
  const maskText = text.slice(slash + 1);
  let mask = tryParseIpv6Address(maskText);
  if (mask === null && PREFIX_PATTERN.test(maskText)) {
    if (Number(maskText) > 128) {
      throw new AddressError(
        'IPV6_PREFIX_INVALID',
        `${text}: IPv6 network prefix bits not between 0 and 128, inclusive`,
      );
    }
    mask = ipv6PrefixMask(Number(maskText));
  }
  if (address === null || mask === null) {
    throw new AddressError('IPV6_ADDRESS_INVALID', `${text}: invalid IPv6 address`);
  }
  return { address, mask };
}

/** RFC 5952 text: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
export function formatIpv6Address(address: bigint): string {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) {
    groups.push(Number((address >> shift) & 0xffffn));
  }
  let runStart = -1;
  let runLength = 1;
  for (let index = 0; index < 8; index++) {
    let next = index;
    while (next < 8 && groups[next] === 0) {
      next++;
    }
    if (next - index > runLength) {
      runStart = index;
      runLength = next - index;
    }
  }
  const isMapped = runStart === 0 && runLength === 5 && groups[5] === 0xffff;
  const isCompatible = runStart === 0 && runLength === 6;
  const tail = isMapped || isCompatible ? formatIpv4Address(Number(address & 0xffffffffn)) : null;
  const texts = groups.slice(0, tail === null ? 8 : 6).map((group) => group.toString(16));
  if (tail !== null) {
    texts.push(tail);
  }
  if (runStart < 0) {
    return texts.join(':');
  }
  return `${texts.slice(0, runStart).join(':')}::${texts.slice(runStart + runLength).join(':')}`;
}

/** `address`, `address/prefix`, or `address/netmask` when the mask is no prefix. */
export function formatIpv6Masked(address: bigint, mask: bigint): string {
  const text = formatIpv6Address(address);
  const prefix = ipv6MaskPrefix(mask);
  if (prefix === 128) {
    return text;
  }
  return prefix < 0 ? `${text}/${formatIpv6Address(mask)}` : `${text}/${prefix}`;
}

/** The netmask of a prefix of 0..128 bits. */
export function ipv6PrefixMask(prefix: number): bigint {
  return (IPV6_ALL_ONES << BigInt(128 - prefix)) & IPV6_ALL_ONES;
}

/** The prefix length of a netmask, -1 when its ones are not all in front. */
export function ipv6MaskPrefix(mask: bigint): number {
  const zeros = IPV6_ALL_ONES ^ mask;
  if ((zeros & (zeros + 1n)) !== 0n) {
    return -1;
  }
  return zeros === 0n ? 128 : 128 - zeros.toString(2).length;
}

/** Reads an address from a packet. */
export function readIpv6Address(view: DataView, offset: number): bigint {
  return (view.getBigUint64(offset) << 64n) | view.getBigUint64(offset + 8);
}

export function writeIpv6Address(view: DataView, offset: number, address: bigint): void {
  view.setBigUint64(offset, address >> 64n);
  view.setBigUint64(offset + 8, address & 0xffff_ffff_ffff_ffffn);
}

/** The address in `words[index..index+4)`, most significant first: the form that flow keys have. */
export function ipv6FromWords(words: Int32Array, index: number): bigint {
  let address = 0n;
  for (let word = 0; word < 4; word++) {
    address = (address << 32n) | BigInt(words[index + word]! >>> 0);
  }
  return address;
}

/** Writes the address to `words[index..index+4)`. */
export function ipv6ToWords(address: bigint, words: Int32Array, index: number): void {
  for (let word = 0; word < 4; word++) {
    words[index + word] = Number((address >> BigInt(96 - 32 * word)) & 0xffffffffn) | 0;
  }
}

/** Whether `address` is in ff00::/8. */
export function isIpv6Multicast(address: bigint): boolean {
  return address >> 120n === 0xffn;
}

/** Whether `address` is in fe80::/10. */
export function isIpv6LinkLocal(address: bigint): boolean {
  return address >> 118n === 0x3fan;
}

/** The link-local address made from an Ethernet address by modified EUI-64 (RFC 4291 appendix A). */
export function ipv6LinkLocalFrom(ethernetAddress: bigint): bigint {
  const flipped = ethernetAddress ^ 0x0200_0000_0000n;
  return (0xfe80n << 112n) | ((flipped >> 24n) << 40n) | (0xfffen << 24n) | (flipped & 0xffffffn);
}

/** The group ff02::1:ffXX:XXXX that neighbour solicitations for `address` go to (RFC 4291 section 2.7.1). */
export function ipv6SolicitedNode(address: bigint): bigint {
  return 0xff02_0000_0000_0000_0000_0001_ff00_0000n | (address & 0xffffffn);
}
