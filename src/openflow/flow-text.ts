/**
 * Flows as text: flow mods as `ovs-ofctl add-flow` reads them, and flow statistics as `ovs-ofctl dump-flows` shows them
 * (ovs-ofctl(8), "Flow Syntax").
 *
 * A line is a list of terms, and everything after `actions=` is actions. Which terms go depends on the command: an `add`
 * has timeouts and no output port, a `delete` the other way round. A term that is none of the flow's is one of its match.
 * The result is checked as a switch would check it: prerequisites of the match, and the actions against the match.
 */
import { createMatchDraft, finishMatch, formatHex, formatMatch, type Match, matchTerm } from '../flow/index.ts';
import { at, refuseArgument } from './action-syntax.ts';
import { formatActions, parseActions } from './action-text.ts';
import type { OpenFlowAction, OpenFlowPort } from './actions.ts';
import { checkActions } from './check-actions.ts';
import { formatDuration } from './duration-text.ts';
import { eachKeyValue, type KeyValue } from './key-value.ts';
import {
  type FlowMod,
  type FlowModCommand,
  type FlowModFlags,
  type FlowStats,
  OFPG_ALL,
  OFPG_ANY,
} from './messages.ts';
import { parseNamedNumber, parseUint64, tryParseInteger } from './number-text.ts';
import { formatTable, parseTable, portText, tryParsePort } from './port-text.ts';
import { OFPP_NONE } from './ports.ts';
import { asPlacedError, OpenFlowTextError } from './text-error.ts';
import { parseLines } from './text-file.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

export interface FlowModOptions extends OpenFlowTextOptions {
  /** forbid actions that do not fit the match although OpenFlow 1.0 allows them; see `CheckActionsContext` */
  readonly consistent?: boolean;
}

/** Which flows a dump, aggregate or delete is about. */
export interface FlowSelection {
  /** 255 = all */
  readonly table: number;
  readonly match: Match;
  readonly cookieMatch: bigint;
  /** 0 = any cookie */
  readonly cookieMask: bigint;
  /** OFPP_NONE = any */
  readonly outPort: OpenFlowPort;
  /** OFPG_ANY = any */
  readonly outGroup: number;
}

export interface FlowStatsOptions extends OpenFlowTextOptions {
  /** false = without age, counters, and a cookie and table of 0 (`--no-stats`) */
  readonly stats?: boolean;
}

const DEFAULT_PRIORITY = 32768;
const TABLE_ALL = 255;
/** "no cookie": a modify with it adds no flow */
const COOKIE_NONE = 0xffff_ffff_ffff_ffffn;
const ACTIONS_PATTERN = /(?:^|[\s,])actions?\s*=/i;
/** What dump-flows shows that is no part of a flow: taken and forgotten, so that its output can be its input. */
const IGNORED_KEYS: ReadonlySet<string> = new Set(['duration', 'n_packets', 'n_bytes', 'idle_age', 'hard_age']);
const FLAGS: ReadonlyMap<string, keyof FlowModFlags | null> = new Map([
  ['send_flow_rem', 'sendFlowRemoved'],
  ['check_overlap', 'checkOverlap'],
  ['reset_counts', 'resetCounts'],
  ['no_packet_counts', 'noPacketCounts'],
  ['no_byte_counts', 'noByteCounts'],
  ['no_readonly_table', 'noReadOnly'],
  ['allow_hidden_fields', null],
]);
const SHOWN_FLAGS = [...FLAGS].slice(0, 5) as readonly (readonly [string, keyof FlowModFlags])[];
const COMMAND_NAMES: Readonly<Record<FlowModCommand, string>> = {
  add: 'ADD',
  modify: 'MOD',
  modify_strict: 'MOD_STRICT',
  delete: 'DEL',
  delete_strict: 'DEL_STRICT',
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What the terms say, but for match and actions; a cookie that was not given is null. */
interface Terms extends Writable<Omit<FlowMod, 'match' | 'actions' | 'cookie' | 'flags'>> {
  cookie: bigint | null;
  readonly flags: Writable<FlowModFlags>;
}

/**
 * Reads one flow for a command. Throws `OpenFlowTextError` for the text (its `offset` is in `line`), `OpenFlowError` for
 * actions that do not fit the match.
 */
export function parseFlowMod(line: string, command: FlowModCommand, options: FlowModOptions = {}): FlowMod {
  const hasActions = command === 'add' || command === 'modify' || command === 'modify_strict';
  const marker = hasActions ? ACTIONS_PATTERN.exec(line) : null;
  if (hasActions && marker === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'must specify an action');
  }
  const terms = createTerms(command);
  const match = parseTerms(marker === null ? line : line.slice(0, marker.index), terms, options);
  const actionsOffset = marker === null ? line.length : marker.index + marker[0].length;
  const actions = at(actionsOffset, () => parseCheckedActions(line.slice(actionsOffset), match, terms.table, options));
  return { ...terms, cookie: chooseCookie(terms), match, actions };
}

function parseCheckedActions(text: string, match: Match, table: number, options: FlowModOptions): OpenFlowAction[] {
  const actions = parseActions(text, options);
  checkActions(actions, match, {
    table,
    consistent: options.consistent === true,
    ovsCompat: options.ovsCompat === true,
  });
  return actions;
}

/** Without a cookie, an `add` sets 0; so does a modify that may add a flow. */
function chooseCookie({ command, cookie, cookieMask }: Terms): bigint {
  if (cookie !== null) {
    return cookie;
  }
  return cookieMask === 0n || command === 'add' ? 0n : COOKIE_NONE;
}

/** Reads what `dump-flows` and `dump-aggregate` take. Throws as `parseFlowMod`. */
export function parseFlowSelection(line: string, options: OpenFlowTextOptions = {}): FlowSelection {
  const terms = createTerms('delete');
  const match = parseTerms(line, terms, options);
  const { table, cookieMatch, cookieMask, outPort, outGroup } = terms;
  return { table, match, cookieMatch, cookieMask, outPort, outGroup };
}

/**
 * Reads a file of flows. A line may start with `add`, `modify`, `modify_strict`, `delete` or `delete_strict`; without, it is an
 * `add`, or `command` when given. Throws `OpenFlowFileError`.
 */
export function parseFlowMods(
  text: string,
  options: FlowModOptions & { readonly fileName?: string; readonly command?: FlowModCommand } = {},
): FlowMod[] {
  return parseLines(text, options.fileName ?? 'flows', (line) => {
    const prefix = /^\s*(add|modify_strict|modify|delete_strict|delete)(?=[\s,]|$)/.exec(line);
    if (prefix === null) {
      return parseFlowMod(line, options.command ?? 'add', options);
    }
    const rest = ' '.repeat(prefix[0].length) + line.slice(prefix[0].length);
    return parseFlowMod(rest, prefix[1] as FlowModCommand, options);
  });
}

function createTerms(command: FlowModCommand): Terms {
  return {
    command,
    table: TABLE_ALL,
    priority: DEFAULT_PRIORITY,
    cookie: null,
    cookieMatch: 0n,
    cookieMask: 0n,
    modifyCookie: false,
    idleTimeout: 0,
    hardTimeout: 0,
    importance: 0,
    flags: {
      sendFlowRemoved: false,
      checkOverlap: false,
      resetCounts: false,
      noPacketCounts: false,
      noByteCounts: false,
      hidden: false,
      noReadOnly: false,
    },
    outPort: OFPP_NONE,
    outGroup: OFPG_ANY,
  };
}

function parseTerms(text: string, terms: Terms, options: OpenFlowTextOptions): Match {
  const draft = createMatchDraft();
  eachKeyValue(text, (item) => {
    const { key, value, delimiter } = item;
    if (IGNORED_KEYS.has(key) || parseFlag(item, terms, options) || parseTerm(item, terms, options)) {
      return;
    }
    if (!matchTerm(draft, key, delimiter === '' ? null : value, options)) {
      throw value === ''
        ? new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `field ${key} missing value`)
        : new OpenFlowTextError('OPENFLOW_TEXT_KEY', `unknown keyword ${key}`);
    }
  });
  try {
    return finishMatch(draft, options);
  } catch (error) {
    throw asPlacedError(error) ?? error;
  }
}

function parseFlag(item: KeyValue, { command, flags }: Terms, options: OpenFlowTextOptions): boolean {
  const flag = FLAGS.get(item.key);
  if (flag === undefined || isDelete(command)) {
    return false;
  }
  refuseArgument(item, options);
  if (flag !== null) {
    flags[flag] = true;
  }
  return true;
}

function isDelete(command: FlowModCommand): boolean {
  return command === 'delete' || command === 'delete_strict';
}

/** Whether `item` is a property of the flow under the command, which it is put into `terms` as. */
function parseTerm(item: KeyValue, terms: Terms, options: OpenFlowTextOptions): boolean {
  const { key, value } = item;
  const { command } = terms;
  const forDelete = isDelete(command);
  switch (key) {
    case 'table':
      terms.table = parseTable(required(item), options);
      return true;
    case 'cookie':
      parseCookie(required(item), terms, options);
      return true;
    case 'out_port':
      if (forDelete) {
        terms.outPort = parseOutPort(required(item), options);
      }
      return forDelete;
    case 'out_group':
      if (forDelete) {
        terms.outGroup = parseOutGroup(required(item), options);
      }
      return forDelete;
    case 'priority':
      if (command === 'delete') {
        return false;
      }
      required(item);
      terms.priority = parseNamedNumber(value, key, 0xffff, options);
      return true;
    case 'idle_timeout':
    case 'hard_timeout':
    case 'importance':
      if (!forDelete) {
        const number = parseNamedNumber(required(item), key, 0xffff, options);
        terms[key === 'idle_timeout' ? 'idleTimeout' : key === 'hard_timeout' ? 'hardTimeout' : key] = number;
      }
      return !forDelete;
    default:
      return false;
  }
}

function required({ key, value }: KeyValue): string {
  if (value === '') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `field ${key} missing value`);
  }
  return value;
}

/** `COOKIE` sets, `COOKIE/MASK` selects; a modify may have both. */
function parseCookie(text: string, terms: Terms, options: OpenFlowTextOptions): void {
  const slash = text.indexOf('/');
  if (slash < 0) {
    if (isDelete(terms.command)) {
      throw new OpenFlowTextError(
        'OPENFLOW_TEXT_VALUE',
        'cannot set cookie (to match on a cookie, specify a mask, e.g. cookie=5/-1)',
      );
    }
    terms.cookie = parseUint64(text, options);
    terms.modifyCookie = terms.command !== 'add' && terms.cookie !== COOKIE_NONE;
    return;
  }
  if (terms.command === 'add') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', 'flow additions cannot use a cookie mask');
  }
  terms.cookieMask = parseUint64(text.slice(slash + 1), options);
  terms.cookieMatch = parseUint64(text.slice(0, slash), options) & terms.cookieMask;
}

function parseOutPort(text: string, options: OpenFlowTextOptions): OpenFlowPort {
  const port = tryParsePort(text, options);
  if (port === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `${text} is not a valid OpenFlow port`);
  }
  return port;
}

function parseOutGroup(text: string, options: OpenFlowTextOptions): number {
  const name = text.toLowerCase();
  if (name === 'any' || name === 'all') {
    return name === 'any' ? OFPG_ANY : OFPG_ALL;
  }
  const group = tryParseInteger(text, options);
  if (group === null || group < 0n || group > 0xffffffffn) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${text} is not a valid OpenFlow group`);
  }
  return Number(group);
}

/** `priority=10,ip,in_port=1`; without priority when it is the default, and '' when that leaves nothing. */
export function formatPrioritizedMatch(match: Match, priority: number, options: OpenFlowTextOptions = {}): string {
  const text = formatMatch(match, options);
  if (priority === DEFAULT_PRIORITY) {
    return text;
  }
  return text === '' ? `priority=${priority}` : `priority=${priority},${text}`;
}

/** A line of `ovs-ofctl dump-flows`, with its leading blank and without a line end. */
export function formatFlowStats(flow: FlowStats, options: FlowStatsOptions = {}): string {
  const withStats = options.stats !== false;
  let text = ' ';
  if (withStats || flow.cookie !== 0n) {
    text += `cookie=0x${flow.cookie.toString(16)}, `;
  }
  if (withStats) {
    text += `duration=${formatDuration(flow.durationMs)}, `;
  }
  if (withStats || flow.table !== 0) {
    text += `table=${formatTable(flow.table, options)}, `;
  }
  if (withStats) {
    text += `n_packets=${flow.packets}, n_bytes=${flow.bytes}, `;
  }
  if (flow.idleTimeout !== 0) {
    text += `idle_timeout=${flow.idleTimeout}, `;
  }
  if (flow.hardTimeout !== 0) {
    text += `hard_timeout=${flow.hardTimeout}, `;
  }
  text += formatFlags(flow.flags);
  if (flow.importance !== 0) {
    text += `importance=${flow.importance}, `;
  }
  if (withStats && flow.idleAge >= 0) {
    text += `idle_age=${flow.idleAge}, `;
  }
  if (withStats && flow.hardAge >= 0 && flow.hardAge !== Math.floor(flow.durationMs / 1000)) {
    text += `hard_age=${flow.hardAge}, `;
  }
  const match = formatPrioritizedMatch(flow.match, flow.priority, options);
  return `${text}${match === '' ? '' : `${match} `}actions=${formatActions(flow.actions, options)}`;
}

function formatFlags(flags: FlowModFlags): string {
  return SHOWN_FLAGS.filter(([, flag]) => flags[flag])
    .map(([name]) => `${name} `)
    .join('');
}

/** A flow mod as Open vSwitch shows the message: `ADD table:1 priority=10,ip idle:60 actions=output:2`. */
export function formatFlowMod(mod: FlowMod, options: OpenFlowTextOptions = {}): string {
  const showTable = isDelete(mod.command) || mod.table !== TABLE_ALL;
  const terms = [COMMAND_NAMES[mod.command]];
  if (showTable) {
    terms.push(`table:${formatTable(mod.table, options)}`);
  }
  const match = formatPrioritizedMatch(mod.match, mod.priority, options);
  if (match !== '') {
    terms.push(match);
  }
  if (mod.cookieMask !== 0n) {
    terms.push(`cookie:${formatHex(mod.cookieMatch)}/${formatHex(mod.cookieMask)}`);
  }
  if (mod.cookie !== 0n && mod.cookie !== COOKIE_NONE) {
    terms.push(`cookie:${formatHex(mod.cookie)}`);
  }
  if (mod.idleTimeout !== 0) {
    terms.push(`idle:${mod.idleTimeout}`);
  }
  if (mod.hardTimeout !== 0) {
    terms.push(`hard:${mod.hardTimeout}`);
  }
  if (mod.importance !== 0) {
    terms.push(`importance:${mod.importance}`);
  }
  if (mod.outPort !== OFPP_NONE) {
    terms.push(`out_port:${portText(mod.outPort, options)}`);
  }
  const flags = formatFlags(mod.flags).trimEnd();
  if (flags !== '') {
    terms.push(flags);
  }
  return `${terms.join(' ')} actions=${formatActions(mod.actions, options)}`;
}
