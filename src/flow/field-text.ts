/**
 * Values of fields as text, both ways: `10.0.0.0/8` of `ip_src`, `+trk-new` of `ct_state`, `LOCAL` of `in_port`.
 *
 * A field's format (ovs-fields(7), "Format") picks a reader and a writer. Reading is stricter than Open vSwitch where
 * Open vSwitch guesses: 10.0.0.256 is no address, 3 does not fit nw_tos, 010 is neither ten nor eight. `ovsCompat` asks for the
 * guesses. Bits of a value outside its mask are dropped, as there: `10.1.2.3/8` means `10.0.0.0/8`.
 */
import {
  AddressError,
  formatEthernetMasked,
  formatIpv4Masked,
  formatIpv6Masked,
  parseEthernetMasked,
  parseIpv4Masked,
  parseIpv6Masked,
} from '../wire/index.ts';
import { MatchError } from './errors.ts';
import type { MatchField } from './field.ts';
import { fieldBits, portFromOpenFlow11, portToOpenFlow11, VLAN_NONE } from './field-access.ts';
import { CT_STATE_FLAGS, type FlagName, formatFlags, parseFlags, TCP_FLAGS, TUNNEL_FLAGS } from './flag-text.ts';
import { NW_FRAG_ANY, NW_FRAG_LATER } from './key.ts';
import { formatPort, type PortNames, parsePort } from './port-text.ts';
import { mappedField, type TlvTable } from './tlv-table.ts';

/** What reading and writing fields and matches may need to know. */
export interface FlowTextOptions {
  /** names of ports; without it ports are numbers and reserved names */
  readonly ports?: PortNames;
  /** places of the tun_metadata fields */
  readonly tlvTable?: TlvTable;
  /** take what Open vSwitch takes: careless numbers and addresses, terms without their prerequisites (dropped) */
  readonly ovsCompat?: boolean;
}

/** A value and the bits of it that count; bits of the value outside the mask are 0. */
export interface FieldValue {
  readonly value: bigint;
  readonly mask: bigint;
}

/** nw_frag's names, and what they decide (ovs-fields(7), "IPv4/IPv6 Fragment Field") */
const FRAGMENTS: readonly (readonly [name: string, value: number, mask: number])[] = [
  ['no', 0, NW_FRAG_ANY | NW_FRAG_LATER],
  ['yes', NW_FRAG_ANY, NW_FRAG_ANY],
  ['first', NW_FRAG_ANY, NW_FRAG_ANY | NW_FRAG_LATER],
  ['later', NW_FRAG_ANY | NW_FRAG_LATER, NW_FRAG_ANY | NW_FRAG_LATER],
  ['not_later', 0, NW_FRAG_LATER],
];
const FRAGMENT_NAMES = FRAGMENTS.map(([name]) => name).join(', ');

const INTEGER_PATTERN = /^(?:0x[0-9a-f]+|0|[1-9][0-9]*)$/i;
const CARELESS_INTEGER_PATTERN = /^([+-]?)(0x[0-9a-f]*|0[0-7]+|0|[1-9][0-9]*)$/i;
const DOTTED_PATTERN = /^(-?[0-9]+)\.(-?[0-9]+)\.(-?[0-9]+)\.(-?[0-9]+)(\/.*)?$/;
const PACKET_TYPE_PATTERN = /^\((0x[0-9a-f]+|[0-9]+),(0x[0-9a-f]+|[0-9]+)\)$/i;

/**
 * Reads `value` or `value/mask` of a field. Throws `MatchError`: `VALUE_INVALID`, `VALUE_OUT_OF_RANGE`, `MASK_INVALID`,
 * or `FIELD_NOT_MAPPED`. `key` is what the text called the field, for the message.
 */
export function parseFieldValue(
  field: MatchField,
  text: string,
  options: FlowTextOptions = {},
  key: string = field.name,
): FieldValue {
  const mapped = mappedField(field, options.tlvTable);
  const parsed = parseByFormat(mapped, text, options, key);
  const bits = valueBits(mapped, parsed.value);
  const isExact = (parsed.mask & bits) === bits;
  if (!mapped.maskable && !isExact && (parsed.mask & bits) !== 0n) {
    throw new MatchError('MASK_INVALID', `${text}: invalid mask for field ${key} (it is matched whole or not at all)`);
  }
  const mask = parsed.mask & bits;
  return { value: parsed.value & mask, mask };
}

/** Writes a field's value as `set_field` and `learn` show it, with the mask unless it is the whole field. */
export function formatFieldValue(
  field: MatchField,
  value: bigint,
  mask: bigint = fieldBits(field),
  options: FlowTextOptions = {},
): string {
  const isExact = (mask & fieldBits(field)) === fieldBits(field);
  switch (field.format) {
    case 'decimal':
      return isExact ? String(value) : `${value}/${formatHex(mask)}`;
    case 'hexadecimal':
      return isExact ? formatHex(value) : `${formatHex(value)}/${formatHex(mask)}`;
    case 'ipv4':
      return formatIpv4Masked(Number(value), Number(mask));
    case 'ipv6':
      return formatIpv6Masked(value, mask);
    case 'ethernet':
      return formatEthernetMasked(value, mask);
    case 'openflow-port':
      return formatPort(portFromOpenFlow11(Number(value)), options.ports);
    case 'frag':
      return formatFragment(Number(value), Number(mask));
    case 'ct-state':
      return formatFlags(CT_STATE_FLAGS, Number(value), Number(mask), isExact);
    case 'tcp-flags':
      return formatFlags(TCP_FLAGS, Number(value), Number(mask), isExact);
    case 'tunnel-flags':
      return formatFlags(TUNNEL_FLAGS, Number(value), Number(mask), isExact);
    case 'packet-type':
      return formatPacketType(Number(value));
  }
}

/** `(namespace,type)`; a type that is an Ethertype is in hexadecimal */
export function formatPacketType(packetType: number): string {
  const namespace = packetType >>> 16;
  const type = packetType & 0xffff;
  return `(${namespace},${namespace === 1 ? formatHex(type) : type})`;
}

/** Hexadecimal as Open vSwitch writes it: `0x` and lower-case digits, and plain `0` for 0. */
export function formatHex(value: bigint | number): string {
  return value === 0 || value === 0n ? '0' : `0x${value.toString(16)}`;
}

/** One number of a text: the field it is for and what the text called it are for the message. */
interface NumberText {
  readonly text: string;
  readonly whole: string;
  readonly key: string;
  readonly noun: 'value' | 'mask';
  readonly limit: bigint;
  readonly bytes: number;
  readonly ovsCompat: boolean;
}

function parseByFormat(field: MatchField, text: string, options: FlowTextOptions, key: string): FieldValue {
  switch (field.format) {
    case 'decimal':
    case 'hexadecimal':
      return parseInteger(field, text, options, key);
    case 'ipv4':
    case 'ipv6':
    case 'ethernet':
      return parseAddress(field, text, options, key);
    case 'openflow-port':
      return parsePortValue(field, text, options, key);
    case 'frag':
      return parseFragment(text, key);
    case 'ct-state':
      return parseFlagValue(field, CT_STATE_FLAGS, 'ct_state', text, key);
    case 'tcp-flags':
      return parseFlagValue(field, TCP_FLAGS, 'TCP', text, key);
    case 'tunnel-flags':
      return parseFlagValue(field, TUNNEL_FLAGS, 'tunnel', text, key);
    case 'packet-type':
      return parsePacketType(text, key);
  }
}

/** The bits that count for this value: OpenFlow 1.0's "no VLAN" is the one value with more bits than its field. */
function valueBits(field: MatchField, value: bigint): bigint {
  return field.name === 'dl_vlan' && value === BigInt(VLAN_NONE) ? BigInt(VLAN_NONE) : fieldBits(field);
}

function parseInteger(field: MatchField, text: string, options: FlowTextOptions, key: string): FieldValue {
  const slash = text.indexOf('/');
  const limit = fieldBits(field);
  const number = { whole: text, key, limit, bytes: field.bytes, ovsCompat: options.ovsCompat === true };
  const value = parseNumber({ ...number, text: slash < 0 ? text : text.slice(0, slash), noun: 'value' }, field);
  if (slash < 0) {
    return { value, mask: valueBits(field, value) };
  }
  // A mask may have ones where the field has no bits: they mean nothing.
  const maskNumber: NumberText = { ...number, text: text.slice(slash + 1), noun: 'mask' };
  return { value, mask: parseNumber(maskNumber, field) };
}

function parseNumber(number: NumberText, field: MatchField): bigint {
  const { text, whole, key, noun, limit, bytes, ovsCompat } = number;
  if (!(ovsCompat ? CARELESS_INTEGER_PATTERN : INTEGER_PATTERN).test(text)) {
    throw new MatchError(
      'VALUE_INVALID',
      `${whole}: bad syntax for ${key} ${noun} (expected a decimal number, or a hexadecimal one after 0x)`,
    );
  }
  const parsed = ovsCompat ? parseCareless(text, bytes) : BigInt(text);
  if (parsed < 0n || parsed >= 1n << BigInt(bytes * 8)) {
    throw new MatchError('VALUE_OUT_OF_RANGE', `${whole}: ${noun} too large for ${bytes}-byte field ${key}`);
  }
  const isNone = field.name === 'dl_vlan' && parsed === BigInt(VLAN_NONE);
  if (noun === 'value' && !ovsCompat && !isNone && (parsed & ~limit) !== 0n) {
    const expected = field.name === 'nw_tos' ? 'a multiple of 4 up to 252' : `0 to ${limit}`;
    throw new MatchError('VALUE_OUT_OF_RANGE', `${whole}: bad value for ${key} (expected ${expected})`);
  }
  return parsed;
}

/** C's strtoull with base 0: a sign, octal after 0, a bare 0x. Negative numbers wrap at 64 bits. */
function parseCareless(text: string, bytes: number): bigint {
  const [, sign, digits] = CARELESS_INTEGER_PATTERN.exec(text)!;
  const octal = /^0[0-7]+$/.test(digits!);
  const magnitude = BigInt(/^0x$/i.test(digits!) ? '0' : octal ? `0o${digits}` : digits!);
  return sign === '-' && bytes >= 8 ? BigInt.asUintN(64, -magnitude) : sign === '-' ? -magnitude : magnitude;
}

function parseAddress(field: MatchField, text: string, options: FlowTextOptions, key: string): FieldValue {
  try {
    switch (field.format) {
      case 'ipv4': {
        const { address, mask } = parseIpv4Masked(options.ovsCompat === true ? carelessIpv4(text) : text);
        return { value: BigInt(address >>> 0), mask: BigInt(mask >>> 0) };
      }
      case 'ipv6': {
        const { address, mask } = parseIpv6Masked(text);
        return { value: address, mask };
      }
      default: {
        const { address, mask } = parseEthernetMasked(options.ovsCompat === true ? carelessEthernet(text) : text);
        return { value: address, mask };
      }
    }
  } catch (error) {
    if (error instanceof AddressError) {
      const isPrefix = error.code === 'IPV4_PREFIX_INVALID' || error.code === 'IPV6_PREFIX_INVALID';
      const reason = error.message.startsWith(`${text}: `) ? error.message.slice(text.length + 2) : error.message;
      throw new MatchError(isPrefix ? 'MASK_INVALID' : 'VALUE_INVALID', `${text}: bad value for ${key} (${reason})`);
    }
    throw error;
  }
}

/** Each number of a dotted quad modulo 256, which is what Open vSwitch makes of it. */
function carelessIpv4(text: string): string {
  const match = DOTTED_PATTERN.exec(text);
  if (match === null) {
    return text;
  }
  const octets = match.slice(1, 5).map((octet) => BigInt.asUintN(8, BigInt(octet)));
  const rest = match[5] ?? '';
  return `${octets.join('.')}${rest.startsWith('/') ? `/${carelessIpv4(rest.slice(1))}` : rest}`;
}

/** The last two digits of each group, as Open vSwitch takes them. */
function carelessEthernet(text: string): string {
  return text.replace(/[0-9a-f]+(?=[0-9a-f]{2})/gi, '');
}

function parsePortValue(field: MatchField, text: string, options: FlowTextOptions, key: string): FieldValue {
  const port = parsePort(text, key, options.ports);
  return { value: BigInt(field.bytes === 4 ? portToOpenFlow11(port) : port), mask: fieldBits(field) };
}

function parseFragment(text: string, key: string): FieldValue {
  const fragment = FRAGMENTS.find(([name]) => name === text.toLowerCase());
  if (fragment === undefined) {
    throw new MatchError(
      'VALUE_INVALID',
      `${text}: unknown fragment type for ${key} (valid types are ${FRAGMENT_NAMES})`,
    );
  }
  return { value: BigInt(fragment[1]), mask: BigInt(fragment[2]) };
}

function parseFlagValue(
  field: MatchField,
  flags: readonly FlagName[],
  noun: string,
  text: string,
  key: string,
): FieldValue {
  const { value, mask } = parseFlags(flags, text, Number(fieldBits(field)), noun, key);
  return { value: BigInt(value), mask: BigInt(mask) };
}

function parsePacketType(text: string, key: string): FieldValue {
  const match = PACKET_TYPE_PATTERN.exec(text);
  const namespace = match === null ? -1 : Number(match[1]);
  const type = match === null ? -1 : Number(match[2]);
  if (namespace < 0 || namespace > 0xffff || type > 0xffff) {
    throw new MatchError(
      'VALUE_INVALID',
      `${text}: bad syntax for ${key} (expected (NAMESPACE,TYPE), such as (0,0) or (1,0x800))`,
    );
  }
  return { value: BigInt(namespace * 0x10000 + type), mask: 0xffffffffn };
}

function formatFragment(value: number, mask: number): string {
  const fragment = FRAGMENTS.find(
    ([, fragmentValue, fragmentMask]) => fragmentValue === value && fragmentMask === mask,
  );
  return fragment === undefined ? '<error>' : fragment[0];
}
