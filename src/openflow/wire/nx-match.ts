/**
 * Matches as lists of NXM or OXM entries: what Nicira's extension of OpenFlow 1.0 and OpenFlow 1.2 and later have for a
 * match (nx_match, ofp_match of type OFPMT_OXM).
 *
 * The order of entries when writing is Open vSwitch's, so that a switch that demands prerequisites first is content. Reading is
 * strict for what changes a switch: an unknown field, a value that the field cannot have, a field twice or before what it
 * needs is an OFPBMC error; and loose for what a switch reports, where unknown fields are passed over.
 */
import {
  createMatch,
  fieldBits,
  getMatchField,
  hasPrerequisites,
  type Match,
  type MatchField,
  readBits,
  requireField,
  setMatchField,
  type TlvTable,
  W_ETH_DST,
  W_PACKET_TYPE,
  W_REG0,
  W_TOS_TTL_FLAGS,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  writeBits,
} from '../../flow/index.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_RARP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from '../../wire/index.ts';
import { OpenFlowError } from '../errors.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { type OxmForm, readOxmHeader, resolveField, writeOxmHeader } from './oxm.ts';

/** NXM_NX_COOKIE and NXM_NX_COOKIE_W: a match on the flow's cookie, beside the fields of packets */
const COOKIE_HEADER = 0x00013c08;
const COOKIE_HEADER_MASKED = 0x00013d10;
const MATCH_TYPE_OXM = 1;
const OF15 = 6;

const fields = (...names: string[]): readonly MatchField[] => names.map(requireField);

const FIRST = fields('dp_hash', 'recirc_id', 'conj_id');
const IN_PORT = requireField('in_port');
const IN_PORT_OXM = requireField('in_port_oxm');
const ACTSET_OUTPUT = requireField('actset_output');
const PACKET_TYPE = requireField('packet_type');
const ETHERNET = fields('eth_src', 'eth_dst', 'eth_type');
const VLAN_TCI = requireField('vlan_tci');
const VLAN_VID = requireField('vlan_vid');
const VLAN_PCP = requireField('vlan_pcp');
const MPLS = fields('mpls_tc', 'mpls_bos', 'mpls_ttl', 'mpls_label');
const IPV4_ADDRESSES = fields('ip_src', 'ip_dst');
const IPV6_ADDRESSES = fields('ipv6_src', 'ipv6_dst');
const IPV6_LABEL = requireField('ipv6_label');
const IP_FRAG = requireField('ip_frag');
const NW_TOS = requireField('nw_tos');
const IP_DSCP = requireField('ip_dscp');
const NW_ECN = requireField('nw_ecn');
const NW_TTL = requireField('nw_ttl');
const NW_PROTO = requireField('nw_proto');
const ARP = fields('arp_op', 'arp_spa', 'arp_tpa', 'arp_sha', 'arp_tha');
const TRANSPORT: ReadonlyMap<number, readonly MatchField[]> = new Map([
  [IP_PROTOCOL_TCP, fields('tcp_src', 'tcp_dst', 'tcp_flags')],
  [IP_PROTOCOL_UDP, fields('udp_src', 'udp_dst')],
  [IP_PROTOCOL_SCTP, fields('sctp_src', 'sctp_dst')],
]);
const ICMP = fields('icmp_type', 'icmp_code');
const ICMPV6 = fields('icmpv6_type', 'icmpv6_code');
const ND_SOLICIT = fields('nd_reserved', 'nd_options_type', 'nd_target', 'nd_sll');
const ND_ADVERT = fields('nd_reserved', 'nd_options_type', 'nd_target', 'nd_tll');
const ND_SOLICIT_TYPE = 135;
const ND_ADVERT_TYPE = 136;
const TUNNEL = fields(
  'tun_id',
  'tun_flags',
  'tun_src',
  'tun_dst',
  'tun_ipv6_src',
  'tun_ipv6_dst',
  'tun_gbp_id',
  'tun_gbp_flags',
  'tun_erspan_idx',
  'tun_erspan_ver',
  'tun_erspan_dir',
  'tun_erspan_hwid',
  'tun_gtpu_flags',
  'tun_gtpu_msgtype',
);
const NSH = fields(
  'nsh_flags',
  'nsh_ttl',
  'nsh_mdtype',
  'nsh_np',
  'nsh_spi',
  'nsh_si',
  'nsh_c1',
  'nsh_c2',
  'nsh_c3',
  'nsh_c4',
);
const REGISTERS = fields(...Array.from({ length: 16 }, (_, index) => `reg${index}`));
const WIDE_REGISTERS = fields(...Array.from({ length: 8 }, (_, index) => `xreg${index}`));
const REGISTER_WORDS = 16;
const LAST = fields(
  'pkt_mark',
  'ct_state',
  'ct_zone',
  'ct_mark',
  'ct_label',
  'ct_nw_src',
  'ct_ipv6_src',
  'ct_nw_dst',
  'ct_ipv6_dst',
  'ct_nw_proto',
  'ct_tp_src',
  'ct_tp_dst',
  'metadata',
);
/** Their values have more bits on the wire than here, so an exact match of them has a mask. */
const ALWAYS_MASKED: ReadonlySet<number> = new Set(fields('ct_state', 'tun_flags').map((field) => field.id));
/** Values with more bits than mean anything are taken, as Open vSwitch does. */
const CARELESS: ReadonlySet<number> = new Set(
  fields('tun_erspan_idx', 'tun_erspan_ver', 'tun_erspan_dir', 'tun_erspan_hwid').map((field) => field.id),
);
/** What field-access.ts treats specially; the others are bits and nothing else. */
const SPECIAL: ReadonlySet<number> = new Set(
  fields('in_port_oxm', 'actset_output', 'vlan_tci', 'dl_vlan', 'vlan_vid', 'dl_vlan_pcp', 'vlan_pcp', 'nw_tos').map(
    (field) => field.id,
  ),
);

export interface CookieMatch {
  readonly cookie: bigint;
  /** 0 = any cookie */
  readonly mask: bigint;
}

const ANY_COOKIE: CookieMatch = { cookie: 0n, mask: 0n };

export interface MatchDecodeOptions {
  readonly tlvTable?: TlvTable;
  /** pass over unknown fields */
  readonly loose?: boolean;
  /** what the entries may be of, where not any field may be; others are `OFPBRC_PIPELINE_FIELDS_ONLY` */
  readonly allowed?: ReadonlySet<number>;
  /** whether a match on the flow's cookie may be among the entries */
  readonly withCookie?: boolean;
}

/** Writes `match` as entries, without length or padding. */
export function writeEntries(
  writer: ByteWriter,
  match: Match,
  form: OxmForm,
  tlvTable?: TlvTable,
  cookie: CookieMatch = ANY_COOKIE,
): void {
  const { values, masks } = match;
  const put = (field: MatchField): void => putField(writer, match, form, field);
  // Any Ethernet packet is what a match without packet_type is about.
  if (masks[W_PACKET_TYPE] !== 0 && values[W_PACKET_TYPE] !== 0) {
    put(PACKET_TYPE);
  }
  FIRST.forEach(put);
  if (form === 0) {
    put(IN_PORT);
  } else {
    putSpecial(writer, match, form, IN_PORT_OXM);
  }
  putSpecial(writer, match, form, ACTSET_OUTPUT);
  if ((masks[W_ETH_DST]! | masks[W_ETH_DST + 1]! | masks[W_ETH_DST + 2]! | masks[W_TYPE_PROTO_FRAG]!) !== 0) {
    ETHERNET.forEach(put);
  }
  writeVlan(writer, match, form);
  writeNetwork(writer, match, form);
  TUNNEL.forEach(put);
  for (const field of tlvTable?.fields.values() ?? []) {
    putSpecial(writer, match, form, field);
  }
  NSH.forEach(put);
  if (hasBits(masks, W_REG0, REGISTER_WORDS)) {
    (form >= OF15 ? WIDE_REGISTERS : REGISTERS).forEach(put);
  }
  LAST.forEach(put);
  if (cookie.mask !== 0n) {
    const isExact = cookie.mask === 0xffff_ffff_ffff_ffffn;
    writer.u32(isExact ? COOKIE_HEADER : COOKIE_HEADER_MASKED);
    writer.u64(cookie.cookie & cookie.mask);
    if (!isExact) {
      writer.u64(cookie.mask);
    }
  }
}

function hasBits(words: Int32Array, first: number, count: number): boolean {
  for (let word = first; word < first + count; word++) {
    if (words[word] !== 0) {
      return true;
    }
  }
  return false;
}

function writeVlan(writer: ByteWriter, match: Match, form: OxmForm): void {
  const mask = match.masks[W_VLAN0]! & 0xffff;
  if (mask === 0) {
    return;
  }
  if (form === 0) {
    putField(writer, match, form, VLAN_TCI);
    return;
  }
  putSpecial(writer, match, form, VLAN_VID);
  if ((mask & 0xe000) !== 0 && (match.values[W_VLAN0]! & 0x1fff) !== 0) {
    putSpecial(writer, match, form, VLAN_PCP);
  }
}

function writeNetwork(writer: ByteWriter, match: Match, form: OxmForm): void {
  const { values } = match;
  const put = (field: MatchField): void => putField(writer, match, form, field);
  const packetType = values[W_PACKET_TYPE]!;
  const ethType = packetType >>> 16 === 1 ? packetType & 0xffff : values[W_TYPE_PROTO_FRAG]! >>> 16;
  switch (ethType) {
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
      MPLS.forEach(put);
      return;
    case ETHERTYPE_IPV4:
      IPV4_ADDRESSES.forEach(put);
      writeIp(writer, match, form, false);
      return;
    case ETHERTYPE_IPV6:
      IPV6_ADDRESSES.forEach(put);
      writeIp(writer, match, form, true);
      return;
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP:
      ARP.forEach(put);
      return;
    default:
  }
}

function writeIp(writer: ByteWriter, match: Match, form: OxmForm, isIpv6: boolean): void {
  const { values, masks } = match;
  const put = (field: MatchField): void => putField(writer, match, form, field);
  if (masks[W_TOS_TTL_FLAGS]! >>> 16 !== 0 || (masks[W_TYPE_PROTO_FRAG]! & 0xff) !== 0) {
    put(IP_FRAG);
    if (form === 0) {
      putSpecial(writer, match, form, NW_TOS);
    } else {
      put(IP_DSCP);
    }
    put(NW_ECN);
    put(NW_TTL);
  }
  if (isIpv6) {
    put(IPV6_LABEL);
  }
  if ((masks[W_TYPE_PROTO_FRAG]! & 0xff00) === 0) {
    return;
  }
  put(NW_PROTO);
  const protocol = (values[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff;
  TRANSPORT.get(protocol)?.forEach(put);
  if (protocol === IP_PROTOCOL_ICMP && !isIpv6) {
    ICMP.forEach(put);
  }
  if (protocol === IP_PROTOCOL_ICMPV6 && isIpv6) {
    ICMPV6.forEach(put);
    const type = readBits(values, ICMPV6[0]!.bitOffset, 8);
    if (type === ND_SOLICIT_TYPE || type === ND_ADVERT_TYPE) {
      (type === ND_SOLICIT_TYPE ? ND_SOLICIT : ND_ADVERT).forEach(put);
    }
  }
}

/** A field that is its bits: numbers only, because dumps of many flows come through here. */
function putField(writer: ByteWriter, match: Match, form: OxmForm, field: MatchField): void {
  const { bitOffset, width, bytes } = field;
  const { values, masks } = match;
  if (width <= 32) {
    const mask = readBits(masks, bitOffset, width);
    if (mask === 0) {
      return;
    }
    const isExact = mask === 2 ** width - 1 && !ALWAYS_MASKED.has(field.id);
    writeOxmHeader(writer, form, field, !isExact);
    putNumber(writer, bytes, readBits(values, bitOffset, width));
    if (!isExact) {
      putNumber(writer, bytes, mask);
    }
    return;
  }
  let isAny = true;
  let isExact = true;
  for (let done = 0; done < width; ) {
    const step = (width - done) % 32 || 32;
    const part = readBits(masks, bitOffset + done, step);
    isAny &&= part === 0;
    isExact &&= part === 2 ** step - 1;
    done += step;
  }
  if (isAny) {
    return;
  }
  writeOxmHeader(writer, form, field, !isExact);
  putWide(writer, values, bitOffset, width);
  if (!isExact) {
    putWide(writer, masks, bitOffset, width);
  }
}

function putNumber(writer: ByteWriter, bytes: number, value: number): void {
  if (bytes === 4) {
    writer.u32(value);
  } else if (bytes === 2) {
    writer.u16(value);
  } else {
    writer.u8(value);
  }
}

function putWide(writer: ByteWriter, words: Int32Array, bitOffset: number, width: number): void {
  let done = 0;
  if (width % 32 === 16) {
    writer.u16(readBits(words, bitOffset, 16));
    done = 16;
  }
  for (; done < width; done += 32) {
    writer.u32(readBits(words, bitOffset + done, 32));
  }
}

/** A field whose value is not just its bits. */
function putSpecial(writer: ByteWriter, match: Match, form: OxmForm, field: MatchField): void {
  if (
    readBits(match.masks, field.bitOffset, Math.min(field.width, 32)) === 0 &&
    field !== VLAN_VID &&
    field.width <= 32
  ) {
    return;
  }
  const { value, mask } = getMatchField(match, field);
  if (mask !== 0n) {
    writeFieldEntry(writer, form, field, value, mask);
  }
}

/** Writes one entry, with a mask unless it is the whole field's. */
export function writeFieldEntry(
  writer: ByteWriter,
  form: OxmForm,
  field: MatchField,
  value: bigint,
  mask: bigint,
): void {
  const isExact = mask === fieldBits(field);
  writeOxmHeader(writer, form, field, !isExact);
  writer.big(value, field.bytes);
  if (!isExact) {
    writer.big(mask, field.bytes);
  }
}

export interface FieldEntry {
  readonly field: MatchField;
  readonly value: bigint;
  readonly mask: bigint;
}

/**
 * Reads one entry; null for an unknown field, which is passed over. Throws `OFPBMC_BAD_FIELD` for a field of another length,
 * `OFPBMC_BAD_WILDCARDS`, `OFPBMC_BAD_MASK` and `OFPBMC_BAD_VALUE`.
 */
export function readFieldEntry(reader: ByteReader, tlvTable?: TlvTable): FieldEntry | null {
  const header = readOxmHeader(reader);
  if (reader.remaining < header.length) {
    throw new OpenFlowError('OFPBMC_BAD_LEN', `OXM entry claims ${header.length} bytes, ${reader.remaining} are left`);
  }
  const known = header.field;
  const size = header.hasMask ? header.length / 2 : header.length;
  if (known === null || (known.bytes !== 0 && known.bytes !== size)) {
    reader.skip(header.length);
    return null;
  }
  const field = resolveField(known, tlvTable);
  if (!Number.isInteger(size)) {
    throw new OpenFlowError('OFPBMC_BAD_LEN', `${field.name}: value and mask of ${header.length} bytes`);
  }
  const value = reader.big(size);
  const bits = fieldBits(field);
  if (!header.hasMask) {
    checkValue(field, value, bits);
    return { field, value: value & bits, mask: bits };
  }
  const mask = reader.big(size);
  if ((value & ~mask) !== 0n) {
    throw new OpenFlowError(
      'OFPBMC_BAD_WILDCARDS',
      `${field.name}: 1-bits in value for bits wildcarded by the mask (0x${value.toString(16)}/0x${mask.toString(16)})`,
    );
  }
  if (!field.maskable && mask !== 0n && (mask & bits) !== bits) {
    throw new OpenFlowError('OFPBMC_BAD_MASK', `bad mask for field ${field.name}`);
  }
  checkValue(field, value, bits);
  return { field, value: value & bits, mask: mask & bits };
}

function checkValue(field: MatchField, value: bigint, bits: bigint): void {
  if ((value & ~bits) !== 0n && !CARELESS.has(field.id)) {
    throw new OpenFlowError('OFPBMC_BAD_VALUE', `bad value 0x${value.toString(16)} for field ${field.name}`);
  }
}

export interface DecodedMatch {
  readonly match: Match;
  readonly cookie: CookieMatch;
}

/** Reads entries until the end of `reader`. Throws the OFPBMC errors. */
export function readEntries(reader: ByteReader, options: MatchDecodeOptions = {}): DecodedMatch {
  const match = createMatch();
  let cookie = ANY_COOKIE;
  while (reader.remaining > 0) {
    const raw = reader.remaining >= 4 ? reader.view.getUint32(reader.offset) : 0;
    if (raw === COOKIE_HEADER || raw === COOKIE_HEADER_MASKED) {
      cookie = readCookie(reader, cookie, options);
      continue;
    }
    const entry = readFieldEntry(reader, options.tlvTable);
    if (entry === null) {
      if (options.loose !== true) {
        throw new OpenFlowError('OFPBMC_BAD_FIELD', `unknown NXM/OXM field 0x${raw.toString(16).padStart(8, '0')}`);
      }
      continue;
    }
    if (options.allowed !== undefined && !options.allowed.has(entry.field.id)) {
      throw new OpenFlowError('OFPBRC_PIPELINE_FIELDS_ONLY', `${entry.field.name} is a field of packets themselves`);
    }
    addEntry(match, entry);
  }
  return { match, cookie };
}

function readCookie(reader: ByteReader, previous: CookieMatch, options: MatchDecodeOptions): CookieMatch {
  const entry = reader.sub((reader.view.getUint32(reader.offset) & 0xff) + 4, 'OFPBMC_BAD_LEN');
  const raw = entry.u32();
  const cookie = entry.u64();
  const mask = raw === COOKIE_HEADER_MASKED ? entry.u64() : 0xffff_ffff_ffff_ffffn;
  if (options.withCookie !== true) {
    throw new OpenFlowError('OFPBMC_BAD_FIELD', 'a match on the cookie has no place here');
  }
  if (previous.mask !== 0n) {
    throw new OpenFlowError('OFPBMC_DUP_FIELD', 'the cookie is matched twice');
  }
  if ((cookie & ~mask) !== 0n) {
    throw new OpenFlowError('OFPBMC_BAD_WILDCARDS', 'cookie with 1-bits wildcarded by its mask');
  }
  return { cookie, mask };
}

function addEntry(match: Match, { field, value, mask }: FieldEntry): void {
  if (!hasPrerequisites(match, field)) {
    throw new OpenFlowError('OFPBMC_BAD_PREREQ', `${field.name} without what it needs`);
  }
  if (getMatchField(match, field).mask !== 0n) {
    throw new OpenFlowError('OFPBMC_DUP_FIELD', `${field.name} is matched twice`);
  }
  if (field.width <= 32 && !SPECIAL.has(field.id) && field.width % 8 === 0) {
    writeBits(match.values, field.bitOffset, field.width, Number(value & mask));
    writeBits(match.masks, field.bitOffset, field.width, Number(mask));
    return;
  }
  if (field === IN_PORT_OXM || field === ACTSET_OUTPUT) {
    checkPort(value);
  }
  setMatchField(match, field, value, mask);
}

/** Port numbers of OpenFlow 1.1 that the 16 bits of the key cannot have are refused. */
function checkPort(port: bigint): void {
  if (port >= 0xff00n && port < 0xffffff00n) {
    throw new OpenFlowError(
      'OFPBMC_BAD_VALUE',
      `port ${port} is outside the supported range 0 through 65279 or 0xffffff00 through 0xffffffff`,
    );
  }
}

/** Writes an ofp_match of OpenFlow 1.2 and later: type, length, entries, padding to 8 bytes. Returns its length without the padding. */
export function writeOxmMatch(writer: ByteWriter, match: Match, form: OxmForm, tlvTable?: TlvTable): number {
  const start = writer.length;
  writer.u16(MATCH_TYPE_OXM);
  writer.u16(0);
  writeEntries(writer, match, form, tlvTable);
  const length = writer.length - start;
  writer.patch16(start + 2, length);
  writer.pad(start);
  return length;
}

/** Reads an ofp_match of OpenFlow 1.2 and later with its padding. Throws `OFPBMC_BAD_TYPE`, `OFPBMC_BAD_LEN` and the others. */
export function readOxmMatch(reader: ByteReader, options: MatchDecodeOptions = {}): Match {
  if (reader.remaining < 4) {
    throw new OpenFlowError('OFPBMC_BAD_LEN', `match of ${reader.remaining} bytes`);
  }
  const type = reader.u16();
  const length = reader.u16();
  if (type !== MATCH_TYPE_OXM) {
    throw new OpenFlowError('OFPBMC_BAD_TYPE', `match of type ${type}`);
  }
  if (length < 4 || Math.ceil(length / 8) * 8 - 4 > reader.remaining) {
    throw new OpenFlowError('OFPBMC_BAD_LEN', `match of ${length} bytes, ${reader.remaining + 4} are left`);
  }
  const entries = reader.sub(length - 4, 'OFPBMC_BAD_LEN');
  reader.skip(Math.ceil(length / 8) * 8 - length);
  return readEntries(entries, options).match;
}

/** Writes an nx_match: entries padded to 8 bytes. Returns their length without the padding. */
export function writeNxMatch(
  writer: ByteWriter,
  match: Match,
  cookie: CookieMatch = ANY_COOKIE,
  tlvTable?: TlvTable,
): number {
  const start = writer.length;
  writeEntries(writer, match, 0, tlvTable, cookie);
  const length = writer.length - start;
  writer.pad(start);
  return length;
}

/** Reads an nx_match of `length` bytes with its padding. */
export function readNxMatch(reader: ByteReader, length: number, options: MatchDecodeOptions = {}): DecodedMatch {
  const padded = Math.ceil(length / 8) * 8;
  if (padded > reader.remaining) {
    throw new OpenFlowError('OFPBMC_BAD_LEN', `nx_match of ${length} bytes, ${reader.remaining} are left`);
  }
  const entries = reader.sub(length, 'OFPBMC_BAD_LEN');
  reader.skip(padded - length);
  return readEntries(entries, options);
}
