/**
 * Reads flow keys and masks in the text form of `ovs-dpctl`.
 *
 * What is not mentioned is wildcarded, what is mentioned without a mask is exact; only recirc_id is exact 0 when it is not
 * mentioned, because a flow always has one. A flow that mentions neither `eth()` nor a packet type is, as in Open vSwitch, one of packets
 * without Ethernet header.
 */
import {
  CT_STATE_FLAGS,
  createFlow,
  ETH_TYPE_NONE,
  type FlowWords,
  parseFlags,
  TCP_FLAGS,
  VLAN_CFI,
  W_MPLS,
  W_PACKET_TYPE,
  W_RECIRC_ID,
  W_TUN_FLAGS_TOS_TTL,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  writeBigBits,
} from '../flow/index.ts';
import { ATTRIBUTE_LAYOUTS_BY_NAME, type AttributeField, type AttributeLayout } from './attribute-fields.ts';
import { DatapathError } from './errors.ts';
import { TUNNEL_FIELDS, TUNNEL_FLAG_NAMES, TUNNEL_OPTION_FIELDS } from './key-format.ts';
import { TextReader } from './text-reader.ts';

export interface ParseFlowOptions {
  /** the number of the port of a name; `null` when there is none */
  readonly portNumber?: (name: string) => number | null;
}

export interface ParsedKey {
  readonly key: FlowWords;
  readonly mask: FlowWords;
}

const MAX_VLANS = 2;
const MAX_MPLS_LABELS = 3;
const FRAGMENTS: ReadonlyMap<string, bigint> = new Map([
  ['no', 0n],
  ['first', 1n],
  ['later', 3n],
]);
const QUOTED = /"(?:[^"\\]|\\.)*"/y;
const PORT_NAME = /[^\s,()/"]+/y;
const DIGITS = /^(?:0x[0-9a-f]+|\d+)$/i;

/** What a key's parser keeps between attributes. */
interface State {
  readonly key: FlowWords;
  readonly mask: FlowWords;
  readonly seen: Set<string>;
  readonly options: ParseFlowOptions;
}

/** Reads a key (and mask) that is the whole `text`. Throws `DatapathError`. */
export function parseFlowKey(text: string, options: ParseFlowOptions = {}): ParsedKey {
  const reader = new TextReader(text, 0, 'FLOW_SYNTAX_INVALID');
  const parsed = readFlowKey(reader, options);
  if (!reader.atEnd()) {
    throw reader.syntaxError('the end');
  }
  return parsed;
}

/** Reads a key (and mask) at the reader, up to what is no attribute of a key. */
export function readFlowKey(reader: TextReader, options: ParseFlowOptions): ParsedKey {
  const state: State = { key: createFlow(), mask: createFlow(), seen: new Set(), options };
  readAttributes(reader, state, 0);
  const { key, mask, seen } = state;
  if (!seen.has('recirc_id')) {
    mask[W_RECIRC_ID] = -1;
  }
  const type = key[W_TYPE_PROTO_FRAG]! >>> 16;
  if (!seen.has('packet_type')) {
    key[W_PACKET_TYPE] = seen.has('eth') ? 0 : (1 << 16) | type;
  } else if (key[W_PACKET_TYPE]! >>> 16 !== 0 && type === 0) {
    setHigh(key, W_TYPE_PROTO_FRAG, key[W_PACKET_TYPE]! & 0xffff);
    setHigh(mask, W_TYPE_PROTO_FRAG, 0xffff);
  }
  if (seen.has('eth') && !seen.has('eth_type')) {
    setHigh(key, W_TYPE_PROTO_FRAG, ETH_TYPE_NONE);
    setHigh(mask, W_TYPE_PROTO_FRAG, 0xffff);
  }
  return { key, mask };
}

function setHigh(words: FlowWords, word: number, value: number): void {
  words[word] = (words[word]! & 0xffff) | (value << 16);
}

function readAttributes(reader: TextReader, state: State, depth: number): void {
  for (;;) {
    reader.skipSpace();
    const start = reader.position;
    const name = reader.takeName();
    if (name === '' || !reader.take('(')) {
      reader.position = start;
      if (start > 0 && reader.text[start - 1] === ',') {
        throw reader.syntaxError('a key attribute');
      }
      return;
    }
    if (name !== 'encap') {
      noteSeen(state, name, depth, start);
    }
    readAttribute(reader, state, name, start, depth);
    if (!takeComma(reader)) {
      return;
    }
  }
}

/** Takes the comma to a next attribute; the one before ` packets:` belongs to the statistics. */
function takeComma(reader: TextReader): boolean {
  const start = reader.position;
  reader.skipSpace();
  if (reader.take(',')) {
    reader.skipSpace();
    if (!/^(?:packets:|actions:)/.test(reader.text.slice(reader.position, reader.position + 8))) {
      return true;
    }
  }
  reader.position = start;
  return false;
}

function noteSeen(state: State, name: string, depth: number, position: number): void {
  // Ethertype and VLAN occur once per level of encapsulation.
  const noted = name === 'vlan' || name === 'eth_type' ? `${name}@${depth}` : name;
  if (state.seen.has(noted)) {
    throw new DatapathError('FLOW_KEY_DUPLICATE', `second ${name}()`, position, 'each attribute once');
  }
  state.seen.add(noted);
}

function readAttribute(reader: TextReader, state: State, name: string, start: number, depth: number): void {
  switch (name) {
    case 'in_port':
      readInPort(reader, state);
      return;
    case 'eth_type':
      readEthertype(reader, state, depth);
      return;
    case 'vlan':
      readVlan(reader, state, depth);
      return;
    case 'encap':
      if (depth === MAX_VLANS || !state.seen.has(`vlan@${depth}`)) {
        reader.position = start;
        throw reader.syntaxError(depth === MAX_VLANS ? 'at most two VLANs' : 'vlan() before encap()');
      }
      readAttributes(reader, state, depth + 1);
      reader.expect(')');
      return;
  }
  readKeyAttribute(reader, name, start, state.key, state.mask);
}

/** Reads the inside of attribute `name`, up to and with its parenthesis, into `key` and `mask`: one that can be set, or metadata. */
export function readKeyAttribute(
  reader: TextReader,
  name: string,
  start: number,
  key: FlowWords,
  mask: FlowWords,
): void {
  if (name === 'tunnel') {
    readTunnel(reader, key, mask);
    return;
  }
  if (name === 'mpls') {
    readMpls(reader, key, mask);
    return;
  }
  const layout = ATTRIBUTE_LAYOUTS_BY_NAME.get(name);
  if (layout === undefined) {
    reader.position = start;
    throw new DatapathError(
      'FLOW_FIELD_UNKNOWN',
      `syntax error at ${reader.text.slice(start)}: unknown attribute "${name}"`,
      start,
      [...ATTRIBUTE_LAYOUTS_BY_NAME.keys(), 'tunnel', 'eth_type', 'vlan', 'encap', 'mpls'].join(', '),
    );
  }
  const only = layout.fields[0]!;
  if (only.name === '') {
    readField(reader, only, key, mask);
    reader.expect(')');
    return;
  }
  readFieldList(reader, layout, key, mask);
}

function readFieldList(reader: TextReader, layout: AttributeLayout, key: FlowWords, mask: FlowWords): void {
  if (reader.take(')')) {
    return;
  }
  do {
    reader.skipSpace();
    const start = reader.position;
    const name = reader.expectName(`a field of ${layout.name}()`);
    const field = layout.fields.find((one) => one.name === name || one.aliases.includes(name));
    if (field === undefined) {
      throw unknownField(reader, start, name, layout.name, layout.fields);
    }
    reader.expect('=');
    readField(reader, field, key, mask);
  } while (reader.take(','));
  reader.expect(')');
}

function unknownField(
  reader: TextReader,
  start: number,
  name: string,
  owner: string,
  fields: readonly { readonly name: string }[],
): DatapathError {
  reader.position = start;
  return new DatapathError(
    'FLOW_FIELD_UNKNOWN',
    `syntax error at ${reader.text.slice(start)}: ${owner}() has no field "${name}"`,
    start,
    fields.map((field) => field.name).join(', '),
  );
}

/** `value` or `value/mask`. */
function readField(reader: TextReader, field: AttributeField, key: FlowWords, mask: FlowWords): void {
  const all = (1n << BigInt(field.width)) - 1n;
  let value: bigint;
  let bits = all;
  if (field.format === 'frag') {
    value = readFragment(reader);
  } else if (field.format === 'tcp-flags' || field.format === 'ct-state') {
    [value, bits] = readFlags(reader, field, Number(all));
  } else {
    value = reader.expectValue(field.format, field.width);
    if (reader.take('/')) {
      bits = reader.expectValue(field.format, field.width);
    }
  }
  writeBigBits(key, field.bitOffset, field.width, value);
  writeBigBits(mask, field.bitOffset, field.width, bits);
}

function readFragment(reader: TextReader): bigint {
  const start = reader.position;
  const value = FRAGMENTS.get(reader.takeName());
  if (value === undefined) {
    reader.position = start;
    throw reader.syntaxError('no, first or later');
  }
  return value;
}

function readFlags(reader: TextReader, field: AttributeField, all: number): [bigint, bigint] {
  const start = reader.position;
  let text = reader.untilDelimiter();
  if (reader.take('/')) {
    text += `/${reader.untilDelimiter()}`;
  }
  const isTcp = field.format === 'tcp-flags';
  try {
    const flags =
      text === ''
        ? { value: 0, mask: all }
        : parseFlags(
            isTcp ? TCP_FLAGS : CT_STATE_FLAGS,
            text,
            all,
            isTcp ? 'TCP' : 'ct_state',
            isTcp ? 'tcp_flags' : 'ct_state',
          );
    return [BigInt(flags.value), BigInt(flags.mask)];
  } catch (error) {
    throw reader.valueError(start, error instanceof Error ? error.message : text, 'flags');
  }
}

function readInPort(reader: TextReader, state: State): void {
  const start = reader.position;
  const port = readPort(reader, state.options);
  state.key[1] = port;
  state.mask[1] = -1;
  if (reader.take('/')) {
    state.mask[1] = Number(reader.expectNumber(32)) | 0;
  }
  if (!reader.take(')')) {
    reader.position = start;
    throw reader.syntaxError('a port');
  }
}

/** A port number, or a name, quoted or not, that the options know. */
export function readPort(reader: TextReader, options: ParseFlowOptions): number {
  const start = reader.position;
  const isQuoted = reader.text[start] === '"';
  const text = reader.expectMatch(isQuoted ? QUOTED : PORT_NAME, 'a port');
  if (DIGITS.test(text)) {
    reader.position = start;
    return Number(reader.expectNumber(32));
  }
  const name = isQuoted ? unquote(reader, text, start) : text;
  const port = options.portNumber?.(name) ?? null;
  if (port === null) {
    throw new DatapathError('FLOW_PORT_UNKNOWN', `${name}: no such port`, start, 'a port number or the name of a port');
  }
  return port;
}

function unquote(reader: TextReader, text: string, start: number): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    throw reader.valueError(start, `${text}: bad quoted string`, 'a string in JSON form');
  }
}

function readEthertype(reader: TextReader, state: State, depth: number): void {
  const { key, mask } = state;
  setHigh(key, W_TYPE_PROTO_FRAG, Number(reader.expectNumber(16)));
  setHigh(mask, W_TYPE_PROTO_FRAG, reader.take('/') ? Number(reader.expectNumber(16)) : 0xffff);
  reader.expect(')');
  if (depth > MAX_VLANS) {
    throw reader.syntaxError('at most two VLANs');
  }
  state.seen.add('eth_type');
}

/** The Ethertype that came before is the tag's TPID. */
function readVlan(reader: TextReader, state: State, depth: number): void {
  const { key, mask } = state;
  if (depth === MAX_VLANS) {
    throw reader.syntaxError('at most two VLANs');
  }
  const tpid = key[W_TYPE_PROTO_FRAG]! >>> 16;
  if (!state.seen.has(`eth_type@${depth}`)) {
    throw reader.syntaxError('eth_type() before vlan()');
  }
  const [tci, tciMask] = readTci(reader);
  if ((tci & VLAN_CFI) === 0) {
    throw reader.valueError(reader.position, 'vlan() with cfi=0', 'a tag, which has cfi=1');
  }
  key[W_VLAN0 + depth] = (tpid << 16) | tci;
  mask[W_VLAN0 + depth] = (0xffff << 16) | tciMask;
  // The Ethertype of the packet is inside encap().
  setHigh(key, W_TYPE_PROTO_FRAG, 0);
  setHigh(mask, W_TYPE_PROTO_FRAG, 0);
  state.seen.delete('eth_type');
}

/** `vid=…,pcp=…,cfi=…)`: TCI and mask, in which the CFI bit is always set. */
export function readTci(reader: TextReader): [number, number] {
  let tci = VLAN_CFI;
  let mask = VLAN_CFI;
  if (reader.take(')')) {
    return [tci, mask];
  }
  do {
    reader.skipSpace();
    const start = reader.position;
    const name = reader.expectName('vid, pcp or cfi');
    reader.expect('=');
    switch (name) {
      case 'vid':
        tci |= Number(reader.expectNumber(12));
        mask |= reader.take('/') ? Number(reader.expectNumber(12)) : 0xfff;
        break;
      case 'pcp':
        tci |= Number(reader.expectNumber(3)) << 13;
        mask |= (reader.take('/') ? Number(reader.expectNumber(3)) : 7) << 13;
        break;
      case 'cfi':
        if (reader.expectNumber(1) === 0n) {
          tci &= ~VLAN_CFI;
        }
        break;
      default:
        throw unknownField(reader, start, name, 'vlan', [{ name: 'vid' }, { name: 'pcp' }, { name: 'cfi' }]);
    }
  } while (reader.take(','));
  reader.expect(')');
  return [tci, mask];
}

/** Label stack entries: each time `label` comes again, the next one. */
function readMpls(reader: TextReader, key: FlowWords, mask: FlowWords): void {
  let index = -1;
  if (reader.take(')')) {
    return;
  }
  do {
    reader.skipSpace();
    const start = reader.position;
    const name = reader.expectName('label, tc, ttl or bos');
    if (name === 'label' || index < 0) {
      index++;
    }
    if (index === MAX_MPLS_LABELS) {
      reader.position = start;
      throw reader.syntaxError(`at most ${MAX_MPLS_LABELS} labels`);
    }
    reader.expect('=');
    const word = W_MPLS + index;
    const place = MPLS_FIELDS.get(name);
    if (place === undefined) {
      throw unknownField(
        reader,
        start,
        name,
        'mpls',
        [...MPLS_FIELDS.keys()].map((known) => ({ name: known })),
      );
    }
    const [shift, width] = place;
    key[word] = key[word]! | (Number(reader.expectNumber(width)) << shift);
    const bits = reader.take('/') ? Number(reader.expectNumber(width)) : 2 ** width - 1;
    mask[word] = mask[word]! | (bits << shift);
  } while (reader.take(','));
  reader.expect(')');
}

const MPLS_FIELDS: ReadonlyMap<string, readonly [shift: number, width: number]> = new Map([
  ['label', [12, 20]],
  ['tc', [9, 3]],
  ['ttl', [0, 8]],
  ['bos', [8, 1]],
]);

function readTunnel(reader: TextReader, key: FlowWords, mask: FlowWords): void {
  if (reader.take(')')) {
    return;
  }
  do {
    reader.skipSpace();
    const start = reader.position;
    const name = reader.expectName('a tunnel field');
    const field = TUNNEL_FIELDS.find((one) => one.name === name);
    if (field !== undefined) {
      reader.expect('=');
      readField(reader, { ...field, aliases: [], byteOffset: 0, bytes: 0, isBigEndian: true }, key, mask);
      if (name === 'tun_id') {
        // A tunnel id says that there is one.
        key[W_TUN_FLAGS_TOS_TTL] = key[W_TUN_FLAGS_TOS_TTL]! | (8 << 16);
      }
      continue;
    }
    reader.expect('(');
    if (name === 'flags') {
      readTunnelFlags(reader, key, mask);
    } else if (name === 'vxlan') {
      reader.expect('gbp(');
      readTunnelOption(reader, 'gbp', key, mask);
      reader.expect(')');
    } else if (name === 'erspan' || name === 'gtpu') {
      readTunnelOption(reader, name, key, mask);
    } else {
      const names = [...TUNNEL_FIELDS.map((one) => one.name), 'vxlan', 'erspan', 'gtpu', 'flags'];
      throw unknownField(
        reader,
        start,
        name,
        'tunnel',
        names.map((known) => ({ name: known })),
      );
    }
  } while (reader.take(','));
  reader.expect(')');
}

function readTunnelOption(reader: TextReader, option: string, key: FlowWords, mask: FlowWords): void {
  const fields = TUNNEL_OPTION_FIELDS.get(option)!;
  if (reader.take(')')) {
    return;
  }
  do {
    const start = reader.position;
    const name = reader.expectName(`a field of ${option}()`);
    const field = fields.find((one) => one.name === name);
    if (field === undefined) {
      throw unknownField(reader, start, name, option, fields);
    }
    reader.expect('=');
    readField(reader, { ...field, aliases: [], byteOffset: 0, bytes: 0, isBigEndian: true }, key, mask);
  } while (reader.take(','));
  reader.expect(')');
}

/** `flags(df|key)`: exactly these; `flags(+df-csum)`: only these matter. */
function readTunnelFlags(reader: TextReader, key: FlowWords, mask: FlowWords): void {
  const start = reader.position;
  let value = 0;
  let bits = 0;
  let isExact = true;
  while (!reader.take(')')) {
    const isSet = !reader.take('-');
    if (!isSet || reader.take('+')) {
      isExact = false;
    } else {
      reader.take('|');
    }
    const bit = TUNNEL_FLAG_NAMES.indexOf(reader.expectName('a tunnel flag') as 'df');
    if (bit < 0) {
      reader.position = start;
      throw reader.syntaxError(`flags out of ${TUNNEL_FLAG_NAMES.join(', ')}`);
    }
    bits |= 1 << bit;
    value |= isSet ? 1 << bit : 0;
  }
  key[W_TUN_FLAGS_TOS_TTL] = key[W_TUN_FLAGS_TOS_TTL]! | (value << 16);
  mask[W_TUN_FLAGS_TOS_TTL] = mask[W_TUN_FLAGS_TOS_TTL]! | ((isExact ? 0xf : bits) << 16);
}
