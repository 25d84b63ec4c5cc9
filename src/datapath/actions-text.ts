/**
 * Datapath actions in the text form of `ovs-dpctl`: `set(ipv4(ttl=63)),push_vlan(vid=10,pcp=0),2`.
 *
 * An empty list is `drop`, and so is a `drop` action, whose reason has no text in Open vSwitch: reading `drop` gives the
 * empty list.
 */
import { createFlow, type FlowWords } from '../flow/index.ts';
import { ActionWriter, decodeActions, SLOW_PATH_REASONS } from './action-code.ts';
import type { DatapathAction, SetWord, SlowPathReason, UserspaceCookie } from './actions.ts';
import { ATTRIBUTE_LAYOUTS_BY_NAME } from './attribute-fields.ts';
import { DatapathError } from './errors.ts';
import * as attributes from './key-attributes.ts';
import { formatAttribute, formatLabelStackEntry, quotePortName } from './key-format.ts';
import { type ParseFlowOptions, readKeyAttribute, readPort, readTci } from './key-parse.ts';
import { writeSetWords } from './netlink-actions.ts';
import { TextReader } from './text-reader.ts';

export interface FormatActionsOptions {
  /** the name to print for a port number; `null` prints the number */
  readonly portName?: (port: number) => string | null;
}

const DEFAULT_TPID = 0x8100;
const ETHERTYPE_VLAN_CFI = 0x1000;
const MAX_PROBABILITY = 0xffffffff;
const MAX_DEPTH = 32;
const PERCENTAGE = /\d+(?:\.\d+)?/y;
const HEX_BYTES = /(?:[0-9a-f]{2})*/iy;

/** `drop` for an empty list. */
export function formatDatapathActions(actions: readonly DatapathAction[], options: FormatActionsOptions = {}): string {
  return actions.length === 0 ? 'drop' : actions.map((action) => formatAction(action, options)).join(',');
}

function formatAction(action: DatapathAction, options: FormatActionsOptions): string {
  switch (action.type) {
    case 'output':
      return formatPort(action.port, options);
    case 'userspace':
      return formatUserspace(action);
    case 'set':
    case 'set_masked':
      return `set(${formatSetAttribute(action.attribute, action.words, action.type === 'set')})`;
    case 'push_vlan': {
      const tpid = action.tpid === DEFAULT_TPID ? '' : `tpid=0x${action.tpid.toString(16).padStart(4, '0')},`;
      const cfi = (action.tci & ETHERTYPE_VLAN_CFI) === 0 ? ',cfi=0' : '';
      return `push_vlan(${tpid}vid=${action.tci & 0xfff},pcp=${action.tci >>> 13}${cfi})`;
    }
    case 'pop_vlan':
      return 'pop_vlan';
    case 'push_mpls':
      return `push_mpls(${formatLabelStackEntry(action.labelStackEntry, null)},eth_type=0x${action.ethertype.toString(16)})`;
    case 'pop_mpls':
      return `pop_mpls(eth_type=0x${action.ethertype.toString(16)})`;
    case 'recirc':
      return `recirc(${action.recircId === 0 ? '0' : `0x${action.recircId.toString(16)}`})`;
    case 'hash':
      return `hash(${action.algorithm}(${action.basis}))`;
    case 'sample':
      return `sample(sample=${formatProbability(action.probability)},actions(${formatDatapathActions(action.actions, options)}))`;
    case 'clone':
      return `clone(${formatDatapathActions(action.actions, options)})`;
    case 'trunc':
      return `trunc(${action.maxLength})`;
    case 'check_pkt_len': {
      const greater = formatDatapathActions(action.ifGreater, options);
      const lessOrEqual = formatDatapathActions(action.ifLessOrEqual, options);
      return `check_pkt_len(size=${action.length},gt(${greater}),le(${lessOrEqual}))`;
    }
    case 'drop':
      return 'drop';
    case 'meter':
      return `meter(${action.meter})`;
  }
}

function formatPort(port: number, options: FormatActionsOptions): string {
  const name = options.portName?.(port) ?? null;
  return name === null ? String(port) : quotePortName(name);
}

function formatProbability(probability: number): string {
  return `${((probability / MAX_PROBABILITY) * 100).toFixed(1)}%`;
}

function formatSetAttribute(attribute: number, words: readonly SetWord[], isExact: boolean): string {
  const values = createFlow();
  const masks = createFlow();
  for (const { word, value, mask } of words) {
    values[word] = value;
    masks[word] = mask;
  }
  const text = formatAttribute(attribute, values, isExact ? null : masks, false);
  return text === '' ? `${attributeName(attribute)}()` : text;
}

function attributeName(attribute: number): string {
  for (const [name, layout] of ATTRIBUTE_LAYOUTS_BY_NAME) {
    if (layout.attribute === attribute) {
      return name;
    }
  }
  return attribute === attributes.OVS_KEY_ATTR_MPLS ? 'mpls' : 'tunnel';
}

function formatUserspace(action: Extract<DatapathAction, { type: 'userspace' }>): string {
  const parts = [`pid=${action.pid}`];
  if (action.cookie !== null) {
    parts.push(formatCookie(action.cookie));
  }
  if (action.includeActions) {
    parts.push('actions');
  }
  if (action.tunnelOutPort !== null) {
    parts.push(`tunnel_out_port=${action.tunnelOutPort}`);
  }
  return `userspace(${parts.join(',')})`;
}

function formatCookie(cookie: UserspaceCookie): string {
  switch (cookie.kind) {
    case 'slow_path':
      return `slow_path(${cookie.reason})`;
    case 'controller': {
      const ruleCookie = cookie.ruleCookie === 0n ? '0' : `0x${cookie.ruleCookie.toString(16)}`;
      return (
        `controller(reason=${cookie.reason},dont_send=${cookie.dontSend ? 1 : 0},` +
        `continuation=${cookie.continuation ? 1 : 0},recirc_id=${cookie.recircId},rule_cookie=${ruleCookie},` +
        `controller_id=${cookie.controllerId},max_len=${cookie.maxLength})`
      );
    }
    case 'sflow':
      return `sFlow(vid=${cookie.vlanTci & 0xfff},pcp=${cookie.vlanTci >>> 13},output=${cookie.output})`;
    case 'flow_sample': {
      const direction = cookie.direction === 'default' ? '' : `,${cookie.direction}`;
      return (
        `flow_sample(probability=${cookie.probability},collector_set_id=${cookie.collectorSetId},` +
        `obs_domain_id=${cookie.observationDomainId},obs_point_id=${cookie.observationPointId},` +
        `output_port=${cookie.outputPort}${direction})`
      );
    }
    case 'ipfix':
      return `ipfix(output_port=${cookie.outputPort})`;
    case 'userdata':
      return `userdata(${cookie.bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')})`;
  }
}

/** Reads a list of actions that is the whole `text`. Throws `DatapathError`. */
export function parseDatapathActions(text: string, options: ParseFlowOptions = {}): DatapathAction[] {
  const reader = new TextReader(text, 0, 'ACTION_SYNTAX_INVALID');
  const actions = readActions(reader, options);
  if (!reader.atEnd()) {
    throw reader.syntaxError('an action or the end');
  }
  return actions;
}

/** Reads the list of actions at the reader. */
export function readActions(reader: TextReader, options: ParseFlowOptions): DatapathAction[] {
  return readList(reader, options, 0);
}

function readList(reader: TextReader, options: ParseFlowOptions, depth: number): DatapathAction[] {
  if (depth > MAX_DEPTH) {
    throw new DatapathError(
      'ACTIONS_TOO_DEEP',
      'actions nested too deep',
      reader.position,
      `at most ${MAX_DEPTH} levels`,
    );
  }
  const actions: DatapathAction[] = [];
  reader.skipSpace();
  if (isListEnd(reader)) {
    return actions;
  }
  const start = reader.position;
  if (reader.takeName() === 'drop') {
    reader.skipSpace();
    if (isListEnd(reader)) {
      return actions;
    }
  }
  reader.position = start;
  for (;;) {
    actions.push(readAction(reader, options, depth));
    reader.skipSpace();
    if (isListEnd(reader)) {
      return actions;
    }
    // Open vSwitch takes spaces for commas here.
    if (!reader.take(',') && !/\s/.test(reader.text[reader.position - 1]!)) {
      return actions;
    }
    reader.skipSpace();
  }
}

function isListEnd(reader: TextReader): boolean {
  return reader.position >= reader.text.length || reader.text[reader.position] === ')';
}

function readAction(reader: TextReader, options: ParseFlowOptions, depth: number): DatapathAction {
  const start = reader.position;
  const name = reader.takeName();
  if (name === 'pop_vlan') {
    return { type: 'pop_vlan' };
  }
  if (name === '' || !reader.take('(')) {
    reader.position = start;
    return { type: 'output', port: readPort(reader, options) };
  }
  switch (name) {
    case 'userspace':
      return readUserspace(reader);
    case 'set':
      return readSet(reader);
    case 'push_vlan':
      return readPushVlan(reader);
    case 'push_mpls':
      return readPushMpls(reader);
    case 'pop_mpls': {
      reader.expect('eth_type=');
      const ethertype = Number(reader.expectNumber(16));
      reader.expect(')');
      return { type: 'pop_mpls', ethertype };
    }
    case 'recirc':
      return { type: 'recirc', recircId: readOneNumber(reader, 32) };
    case 'hash':
      return readHash(reader);
    case 'sample':
      return readSample(reader, options, depth);
    case 'clone': {
      const actions = readList(reader, options, depth + 1);
      reader.expect(')');
      return { type: 'clone', actions };
    }
    case 'trunc':
      return { type: 'trunc', maxLength: readOneNumber(reader, 32) };
    case 'meter':
      return { type: 'meter', meter: readOneNumber(reader, 32) };
    case 'check_pkt_len': {
      reader.expect('size=');
      const length = Number(reader.expectNumber(16));
      reader.expect(',gt(');
      const ifGreater = readList(reader, options, depth + 1);
      reader.expect('),le(');
      const ifLessOrEqual = readList(reader, options, depth + 1);
      reader.expect('))');
      return { type: 'check_pkt_len', length, ifGreater, ifLessOrEqual };
    }
    default:
      throw new DatapathError('ACTION_UNKNOWN', `${name}: unknown action`, start, 'a datapath action or a port');
  }
}

function readOneNumber(reader: TextReader, width: number): number {
  const value = Number(reader.expectNumber(width));
  reader.expect(')');
  return value;
}

function readSet(reader: TextReader): DatapathAction {
  const start = reader.position;
  const name = reader.expectName('a key attribute');
  reader.expect('(');
  const attribute = settableAttribute(name);
  if (attribute === undefined) {
    throw new DatapathError(
      'ACTION_VALUE_INVALID',
      `set(${name}()): cannot be set`,
      start,
      'an attribute that can be set',
    );
  }
  const values = createFlow();
  const masks = createFlow();
  readKeyAttribute(reader, name, start, values, masks);
  reader.expect(')');
  const isExact = attribute === attributes.OVS_KEY_ATTR_TUNNEL || isAttributeExact(attribute, masks);
  const writer = new ActionWriter();
  writeSetWords(writer, attribute, values, isExact ? null : masks);
  return decodeActions(writer.words, 0, writer.length)[0]!;
}

function settableAttribute(name: string): number | undefined {
  if (name === 'tunnel') {
    return attributes.OVS_KEY_ATTR_TUNNEL;
  }
  if (name === 'mpls') {
    return attributes.OVS_KEY_ATTR_MPLS;
  }
  const attribute = ATTRIBUTE_LAYOUTS_BY_NAME.get(name)?.attribute;
  return attribute !== undefined && attributes.SET_ATTRIBUTE_WORDS.has(attribute) ? attribute : undefined;
}

/** Whether the text gave every bit of the attribute: then it is a `set`, otherwise a `set_masked`. */
function isAttributeExact(attribute: number, masks: FlowWords): boolean {
  for (const { word, writable, readOnly } of attributes.SET_ATTRIBUTE_WORDS.get(attribute)!) {
    // frag has two bits in text and eight in the word.
    const bits = (writable | readOnly) & (readOnly === 0xffff ? 0xffffff03 : -1);
    if ((masks[word]! & bits) !== bits) {
      return false;
    }
  }
  return true;
}

function readPushVlan(reader: TextReader): DatapathAction {
  const tpid = reader.take('tpid=') ? Number(reader.expectNumber(16)) : DEFAULT_TPID;
  if (tpid !== DEFAULT_TPID || reader.text[reader.position] === ',') {
    reader.expect(',');
  }
  const start = reader.position;
  const [tci, mask] = readTci(reader);
  if ((mask & 0xefff) !== 0xefff) {
    throw reader.valueError(start, 'push_vlan() without a whole tag', 'vid=… and pcp=… without masks');
  }
  return { type: 'push_vlan', tpid, tci };
}

function readPushMpls(reader: TextReader): DatapathAction {
  reader.expect('label=');
  const label = Number(reader.expectNumber(20));
  reader.expect(',tc=');
  const trafficClass = Number(reader.expectNumber(3));
  reader.expect(',ttl=');
  const ttl = Number(reader.expectNumber(8));
  reader.expect(',bos=');
  const bottom = Number(reader.expectNumber(1));
  reader.expect(',eth_type=');
  const ethertype = Number(reader.expectNumber(16));
  reader.expect(')');
  const labelStackEntry = ((label << 12) | (trafficClass << 9) | (bottom << 8) | ttl) >>> 0;
  return { type: 'push_mpls', labelStackEntry, ethertype };
}

function readHash(reader: TextReader): DatapathAction {
  const start = reader.position;
  const name = reader.expectName('l4 or sym_l4').replace(/^hash_/, '');
  if (name !== 'l4' && name !== 'sym_l4') {
    throw reader.valueError(start, `${name}: unknown hash algorithm`, 'l4 or sym_l4');
  }
  reader.expect('(');
  const basis = readOneNumber(reader, 32);
  reader.expect(')');
  return { type: 'hash', algorithm: name, basis };
}

function readSample(reader: TextReader, options: ParseFlowOptions, depth: number): DatapathAction {
  reader.expect('sample=');
  const start = reader.position;
  const percentage = Number(reader.expectMatch(PERCENTAGE, 'a percentage'));
  if (percentage > 100) {
    throw reader.valueError(start, `${percentage}%`, '0.0%..100.0%');
  }
  reader.expect('%,actions(');
  const actions = readList(reader, options, depth + 1);
  reader.expect('))');
  return { type: 'sample', probability: Math.floor((percentage / 100) * MAX_PROBABILITY + 0.5), actions };
}

function readUserspace(reader: TextReader): DatapathAction {
  reader.expect('pid=');
  const pid = Number(reader.expectNumber(32));
  let cookie: UserspaceCookie | null = null;
  let includeActions = false;
  let tunnelOutPort: number | null = null;
  while (reader.take(',')) {
    if (reader.take('tunnel_out_port=')) {
      tunnelOutPort = Number(reader.expectNumber(32));
      continue;
    }
    const start = reader.position;
    const name = reader.expectName('a kind of userdata, actions or tunnel_out_port');
    if (name === 'actions') {
      includeActions = true;
      continue;
    }
    reader.expect('(');
    cookie = readCookie(reader, name, start);
    reader.expect(')');
  }
  reader.expect(')');
  return { type: 'userspace', pid, cookie, includeActions, tunnelOutPort };
}

function readCookie(reader: TextReader, name: string, start: number): UserspaceCookie {
  const number = (prefix: string, width: number): bigint => {
    reader.expect(prefix);
    return reader.expectNumber(width);
  };
  switch (name) {
    case 'slow_path': {
      const reason = reader.expectName('a slow path reason');
      if (!SLOW_PATH_REASONS.includes(reason as SlowPathReason)) {
        throw reader.valueError(start, `${reason}: unknown slow path reason`, SLOW_PATH_REASONS.join(', '));
      }
      return { kind: 'slow_path', reason: reason as SlowPathReason };
    }
    case 'controller':
      return {
        kind: 'controller',
        reason: Number(number('reason=', 16)),
        dontSend: number(',dont_send=', 1) === 1n,
        continuation: number(',continuation=', 1) === 1n,
        recircId: Number(number(',recirc_id=', 32)),
        ruleCookie: number(',rule_cookie=', 64),
        controllerId: Number(number(',controller_id=', 16)),
        maxLength: Number(number(',max_len=', 16)),
      };
    case 'sFlow': {
      const vid = Number(number('vid=', 12));
      const pcp = Number(number(',pcp=', 3));
      const tag = vid === 0 && pcp === 0 ? 0 : ETHERTYPE_VLAN_CFI | vid | (pcp << 13);
      return { kind: 'sflow', vlanTci: tag, output: Number(number(',output=', 32)) };
    }
    case 'flow_sample': {
      const probability = Number(number('probability=', 16));
      const collectorSetId = Number(number(',collector_set_id=', 32));
      const observationDomainId = Number(number(',obs_domain_id=', 32));
      const observationPointId = Number(number(',obs_point_id=', 32));
      const outputPort = Number(number(',output_port=', 32));
      const direction = reader.take(',ingress') ? 'ingress' : reader.take(',egress') ? 'egress' : 'default';
      return {
        kind: 'flow_sample',
        probability,
        collectorSetId,
        observationDomainId,
        observationPointId,
        outputPort,
        direction,
      };
    }
    case 'ipfix':
      return { kind: 'ipfix', outputPort: Number(number('output_port=', 32)) };
    case 'userdata': {
      const text = reader.expectMatch(HEX_BYTES, 'pairs of hexadecimal digits');
      const bytes = Array.from({ length: text.length / 2 }, (_, index) =>
        Number.parseInt(text.slice(2 * index, 2 * index + 2), 16),
      );
      return { kind: 'userdata', bytes };
    }
    default:
      throw new DatapathError(
        'ACTION_UNKNOWN',
        `${name}: unknown userdata`,
        start,
        'slow_path, controller, sFlow, flow_sample, ipfix or userdata',
      );
  }
}
