/**
 * Groups as text (ovs-ofctl(8), "Group Syntax"): group mods as `ovs-ofctl add-group` reads them, descriptions and statistics as
 * `dump-groups` and `dump-group-stats` show them.
 */
import {
  createMatch,
  FIELDS,
  fieldBits,
  fieldByName,
  formatFieldValue,
  getMatchField,
  type MatchField,
  parseFieldValue,
  setMatchField,
} from '../flow/index.ts';
import { at } from './action-syntax.ts';
import { formatActions, parseBucketActions } from './action-text.ts';
import type { OpenFlowPort } from './actions.ts';
import { checkBucketActions } from './check-actions.ts';
import { formatDuration } from './duration-text.ts';
import { eachKeyValue, type KeyValue } from './key-value.ts';
import {
  type Bucket,
  type GroupMod,
  type GroupModCommand,
  type GroupStatistics,
  type GroupType,
  type HashFieldMatch,
  OFPG_ALL,
  OFPG_ANY,
  OFPG_MAX,
  OFPG15_BUCKET_ALL,
  OFPG15_BUCKET_FIRST,
  OFPG15_BUCKET_LAST,
} from './messages.ts';
import { parseNamedNumber, parseUint32, parseUint64 } from './number-text.ts';
import { portText, tryParsePort } from './port-text.ts';
import { OFPP_MAX, OFPP_NONE } from './ports.ts';
import { OpenFlowTextError } from './text-error.ts';
import { parseLines } from './text-file.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

/** What a group is, without the command that made it so. */
export type GroupDescription = Pick<
  GroupMod,
  'group' | 'type' | 'buckets' | 'selectionMethod' | 'selectionMethodParameter' | 'hashFields'
>;

const BUCKET_PATTERN = /(?<![^\s,])buckets?\s*=/g;
const MAX_SELECTION_METHOD_LENGTH = 15;
/** bucket ids above are reserved */
const MAX_BUCKET_ID = 0xffffff00;
const TYPES: ReadonlyMap<string, GroupType> = new Map([
  ['all', 'all'],
  ['select', 'select'],
  ['indirect', 'indirect'],
  ['ff', 'fast_failover'],
  ['fast_failover', 'fast_failover'],
]);
const BUCKET_NAMES: ReadonlyMap<string, number> = new Map([
  ['first', OFPG15_BUCKET_FIRST],
  ['last', OFPG15_BUCKET_LAST],
  ['all', OFPG15_BUCKET_ALL],
]);
const COMMAND_NAMES: Readonly<Record<GroupModCommand, string>> = {
  add: 'ADD',
  modify: 'MOD',
  add_or_modify: 'ADD_OR_MOD',
  delete: 'DEL',
  insert_buckets: 'INSERT_BUCKET',
  remove_buckets: 'REMOVE_BUCKET',
};
/** What a line of a file may start with. */
const COMMANDS: ReadonlyMap<string, GroupModCommand> = new Map([
  ['add', 'add'],
  ['modify', 'modify'],
  ['add_or_mod', 'add_or_modify'],
  ['delete', 'delete'],
  ['insert_bucket', 'insert_buckets'],
  ['remove_bucket', 'remove_buckets'],
]);

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface Terms extends Writable<Omit<GroupMod, 'type' | 'group' | 'buckets'>> {
  type: GroupType | null;
  group: number | null;
}

/** Reads one group for a command. Throws `OpenFlowTextError`, whose `offset` is in `line`, or `OpenFlowError`. */
export function parseGroupMod(line: string, command: GroupModCommand, options: OpenFlowTextOptions = {}): GroupMod {
  const [head, ...bucketStarts] = splitBuckets(line);
  const terms: Terms = {
    command,
    type: null,
    group: null,
    commandBucketId: null,
    selectionMethod: '',
    selectionMethodParameter: 0n,
    hashFields: null,
  };
  eachKeyValue(line.slice(0, head), (item) => parseTerm(item, terms, options));
  checkTerms(terms, bucketStarts.length > 0);
  const buckets = bucketStarts.map(([start, end]) =>
    at(start, () => parseBucket(line.slice(start, end), terms.type, options)),
  );
  const type = terms.type ?? 'all';
  checkBuckets(type, buckets, terms);
  return { ...terms, type, group: terms.group ?? OFPG_ALL, buckets };
}

/** Where the part before the buckets ends, and where each bucket starts and ends. */
function splitBuckets(line: string): [head: number, ...buckets: [start: number, end: number][]] {
  const marks = [...line.matchAll(BUCKET_PATTERN)];
  const buckets = marks.map((mark, index): [number, number] => [
    mark.index + mark[0].length,
    marks[index + 1]?.index ?? line.length,
  ]);
  return [marks[0]?.index ?? line.length, ...buckets];
}

function parseTerm({ key, value }: KeyValue, terms: Terms, options: OpenFlowTextOptions): void {
  switch (key) {
    case 'group_id':
      terms.group = value.toLowerCase() === 'all' ? OFPG_ALL : parseGroupId(value, options);
      break;
    case 'type':
      if (terms.command === 'delete' || terms.command.endsWith('buckets')) {
        throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', 'type is not needed');
      }
      terms.type = parseType(value);
      break;
    case 'command_bucket_id':
      if (!terms.command.endsWith('buckets')) {
        throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', 'command bucket id is not needed');
      }
      terms.commandBucketId = parseCommandBucketId(value, terms.command, options);
      break;
    case 'selection_method':
      if (value.length > MAX_SELECTION_METHOD_LENGTH) {
        throw new OpenFlowTextError(
          'OPENFLOW_TEXT_VALUE',
          `selection method is longer than ${MAX_SELECTION_METHOD_LENGTH} bytes long`,
        );
      }
      terms.selectionMethod = value;
      break;
    case 'selection_method_param':
      terms.selectionMethodParameter = parseUint64(value, options);
      break;
    case 'fields':
      terms.hashFields = parseHashFields(value, options);
      break;
    default:
      throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `unknown keyword ${key}`);
  }
}

function parseGroupId(text: string, options: OpenFlowTextOptions): number {
  const group = parseUint32(text, options);
  if (group > OFPG_MAX) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `invalid group id ${group}`);
  }
  return group;
}

function parseType(text: string): GroupType {
  const type = TYPES.get(text);
  if (type === undefined) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `invalid group type ${text}`);
  }
  return type;
}

function parseCommandBucketId(text: string, command: GroupModCommand, options: OpenFlowTextOptions): number {
  const named = BUCKET_NAMES.get(text);
  if (named === OFPG15_BUCKET_ALL && command === 'insert_buckets') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', 'command_bucket_id=all is not permitted');
  }
  const id = named ?? parseUint32(text, options);
  if (named === undefined && id > MAX_BUCKET_ID) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `invalid command bucket id ${id}`);
  }
  return id;
}

/** `ip_src` or `ip_src,tcp_dst=0xff00`: names, with the bits to hash after `=` when they are not all. */
function parseHashFields(text: string, options: OpenFlowTextOptions): HashFieldMatch {
  const match = createMatch();
  const fields: MatchField[] = [];
  eachKeyValue(text, ({ key, value, delimiter }) => {
    const field = fieldByName(key);
    if (field === undefined) {
      throw new OpenFlowTextError('OPENFLOW_TEXT_FIELD', `unknown field ${key}`);
    }
    const mask = delimiter === '' ? fieldBits(field) : parseFieldValue(field, value, options).value;
    setMatchField(match, field, mask, mask);
    fields.push(field);
  });
  fields.sort((a, b) => a.id - b.id);
  return { ...match, fields };
}

function checkTerms(terms: Terms, hasBuckets: boolean): void {
  const { command, type, group, commandBucketId, selectionMethod } = terms;
  if (group === null && command !== 'delete') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'must specify a group_id');
  }
  if (type === null && (command === 'add' || command === 'modify' || command === 'add_or_modify')) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'must specify a type');
  }
  if (commandBucketId === null && command === 'insert_buckets') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'must specify a command bucket id');
  }
  if (hasBuckets && (command === 'delete' || command === 'remove_buckets')) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', 'bucket is not needed');
  }
  if (selectionMethod === '' && terms.selectionMethodParameter !== 0n) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_MISSING',
      'selection_method_param is only allowed with "selection_method"',
    );
  }
  if (selectionMethod !== 'hash' && terms.hashFields !== null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'fields may only be specified with "selection_method=hash"');
  }
  if (selectionMethod !== '' && type !== 'select') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', 'selection_method is only allowed for select groups');
  }
}

/**
 * Reads one bucket: its own terms, and whatever is none of them as actions. The actions keep their places in the
 * text, with blanks where the bucket's terms stood, so that errors find theirs.
 */
function parseBucket(text: string, type: GroupType | null, options: OpenFlowTextOptions): Bucket {
  let bucketId: number | null = null;
  let weight = 1;
  let watchPort: OpenFlowPort = OFPP_NONE;
  let watchGroup = OFPG_ANY;
  let actionText = '';
  let hasActions = false;
  eachKeyValue(text, ({ key, value, keyOffset, valueOffset, endOffset }) => {
    switch (key) {
      case 'bucket_id':
        bucketId = parseBucketId(value, options);
        break;
      case 'weight':
        weight = parseNamedNumber(value, key, 0xffff, options);
        if (type !== 'select' && type !== null) {
          throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', 'Only select groups can have bucket weights.');
        }
        break;
      case 'watch_port':
        watchPort = parseWatchPort(value, options);
        break;
      case 'watch_group':
        watchGroup = parseWatchGroup(value, options);
        break;
      default: {
        const start = key === 'actions' || key === 'action' ? valueOffset : keyOffset;
        actionText = `${actionText.padEnd(start)}${text.slice(start, endOffset)}`;
        hasActions = true;
      }
    }
  });
  if (!hasActions) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'bucket must specify actions');
  }
  const actions = parseBucketActions(actionText, options);
  checkBucketActions(actions, { ovsCompat: options.ovsCompat === true });
  return { bucketId, weight, watchPort, watchGroup, actions };
}

function parseBucketId(text: string, options: OpenFlowTextOptions): number {
  const id = parseUint32(text, options);
  if (id > MAX_BUCKET_ID) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `invalid bucket_id id ${id}`);
  }
  return id;
}

function parseWatchPort(text: string, options: OpenFlowTextOptions): OpenFlowPort {
  const port = tryParsePort(text, options);
  if (port === null || (port >= OFPP_MAX && port !== OFPP_NONE)) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `${text}: invalid watch_port`);
  }
  return port;
}

function parseWatchGroup(text: string, options: OpenFlowTextOptions): number {
  if (text.toLowerCase() === 'any') {
    return OFPG_ANY;
  }
  const group = parseUint32(text, options);
  if (group > OFPG_MAX) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `invalid watch_group ${group}`);
  }
  return group;
}

function checkBuckets(type: GroupType, buckets: readonly Bucket[], { command }: Terms): void {
  if (type === 'indirect' && buckets.length > 1) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', 'Indirect groups can have at most one bucket.');
  }
  const isWatched = ({ watchPort, watchGroup }: Bucket): boolean => watchPort !== OFPP_NONE || watchGroup !== OFPG_ANY;
  if (type === 'fast_failover' && command !== 'insert_buckets' && !buckets.every(isWatched)) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'fast failover bucket requires watch_port or watch_group');
  }
}

/**
 * Reads a file of groups. A line may start with `add`, `modify`, `add_or_mod`, `delete`, `insert_bucket` or `remove_bucket`;
 * without, it is an `add`. Throws `OpenFlowFileError`.
 */
export function parseGroupMods(
  text: string,
  options: OpenFlowTextOptions & { readonly fileName?: string } = {},
): GroupMod[] {
  return parseLines(text, options.fileName ?? 'groups', (line) => {
    const prefix = /^\s*(\w+)(?=[\s,]|$)/.exec(line);
    const command = prefix === null ? undefined : COMMANDS.get(prefix[1]!);
    if (prefix === null || command === undefined) {
      return parseGroupMod(line, 'add', options);
    }
    return parseGroupMod(' '.repeat(prefix[0].length) + line.slice(prefix[0].length), command, options);
  });
}

/** A group as `dump-groups` shows it, without its leading blank. */
export function formatGroup(group: GroupDescription, options: OpenFlowTextOptions = {}): string {
  const type = group.type === 'fast_failover' ? 'ff' : group.type;
  const buckets = formatBuckets(group, options);
  return [`group_id=${group.group},type=${type}${formatSelection(group, options)}`, ...buckets].join(',bucket=');
}

function formatSelection(group: GroupDescription, options: OpenFlowTextOptions): string {
  if (group.selectionMethod === '') {
    return '';
  }
  const parameter =
    group.selectionMethodParameter === 0n ? '' : `,selection_method_param=${group.selectionMethodParameter}`;
  const fields = group.hashFields === null ? '' : formatHashFields(group.hashFields, options);
  return `,selection_method=${group.selectionMethod}${parameter}${fields}`;
}

function formatHashFields(match: HashFieldMatch, options: OpenFlowTextOptions): string {
  const fields = match.fields ?? FIELDS.filter((field) => getMatchField(match, field).mask !== 0n);
  const texts = fields.map((field) => {
    const { mask } = getMatchField(match, field);
    const isWhole = mask === fieldBits(field);
    return isWhole ? field.name : `${field.name}=${formatFieldValue(field, mask, fieldBits(field), options)}`;
  });
  if (texts.length === 0) {
    return '';
  }
  return texts.length === 1 ? `,fields=${texts[0]}` : `,fields(${texts.join(',')})`;
}

function formatBuckets(group: GroupDescription, options: OpenFlowTextOptions): string[] {
  return group.buckets.map(({ bucketId, weight, watchPort, watchGroup, actions }) => {
    const terms: string[] = [];
    if (bucketId !== null) {
      terms.push(`bucket_id:${bucketId}`);
    }
    if (weight !== 1) {
      terms.push(`weight:${weight}`);
    }
    if (watchPort !== OFPP_NONE) {
      terms.push(`watch_port:${portText(watchPort, options)}`);
    }
    if (watchGroup !== OFPG_ANY) {
      terms.push(`watch_group:${watchGroup}`);
    }
    return [...terms, `actions=${formatActions(actions, options)}`].join(',');
  });
}

/** A group mod as Open vSwitch shows the message: `ADD group_id=1,type=all,bucket=actions=output:1`. */
export function formatGroupMod(mod: GroupMod, options: OpenFlowTextOptions = {}): string {
  if (!mod.command.endsWith('buckets')) {
    return `${COMMAND_NAMES[mod.command]} ${formatGroup(mod, options)}`;
  }
  const id = mod.commandBucketId ?? OFPG15_BUCKET_ALL;
  const name = [...BUCKET_NAMES].find(([, number]) => number === id)?.[0] ?? id;
  const head = `${COMMAND_NAMES[mod.command]} command_bucket_id:${name},group_id=${mod.group}`;
  return [head, ...formatBuckets(mod, options)].join(',bucket=');
}

/** A line of `dump-group-stats`, without its leading blank. */
export function formatGroupStats(stats: GroupStatistics): string {
  const { group, referenceCount, packets, bytes, durationMs, buckets } = stats;
  // OpenFlow 1.1 and 1.2 do not say it.
  const duration = Number.isNaN(durationMs) ? '' : `duration=${formatDuration(durationMs)},`;
  const head = `group_id=${group},${duration}ref_count=${referenceCount}`;
  const counters = buckets.map(
    (bucket, index) => `,bucket${index}:packet_count=${bucket.packets},byte_count=${bucket.bytes}`,
  );
  return `${head},packet_count=${packets},byte_count=${bytes}${counters.join('')}`;
}
