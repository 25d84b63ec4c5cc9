/**
 * Text of `learn` (ovs-actions(7), "The learn action"): the properties of the flow to add, then specifications of its
 * match and actions in order.
 */
import {
  fieldBits,
  formatFieldValue,
  formatHex,
  formatSubfield,
  parseFieldValue,
  parseSubfield,
  type Subfield,
} from '../flow/index.ts';
import { type ActionContext, type ActionParser, at, parseSubfieldAt, refuseArgument } from './action-syntax.ts';
import type { LearnAction, LearnSpec } from './actions.ts';
import { eachKeyValue, type KeyValue } from './key-value.ts';
import { parseCarelessNumber, parseUint32, parseUint64, tryParseInteger } from './number-text.ts';
import { formatTable, parseTable } from './port-text.ts';
import { OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

export const LEARN_PARSERS: Readonly<Record<string, ActionParser>> = { learn: parseLearn };

const DEFAULT_PRIORITY = 32768;
const DEFAULT_TABLE = 1;
const TABLE_NONE = 255;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function parseLearn(item: KeyValue, { options }: ActionContext): LearnAction {
  const action: Writable<LearnAction> = {
    type: 'learn',
    idleTimeout: 0,
    hardTimeout: 0,
    finIdleTimeout: 0,
    finHardTimeout: 0,
    priority: DEFAULT_PRIORITY,
    cookie: 0n,
    table: DEFAULT_TABLE,
    sendFlowRemoved: false,
    deleteLearned: false,
    limit: 0,
    resultDestination: null,
    specs: [],
  };
  const specs: LearnSpec[] = [];
  eachKeyValue(item.value, (part) => {
    if (!parseProperty(part, action, options)) {
      specs.push(parseSpec(part, options));
    }
  });
  action.specs = specs;
  return action;
}

/** Whether `item` is a property of the flow to learn, which it is put into `action` as. */
function parseProperty(item: KeyValue, action: Writable<LearnAction>, options: OpenFlowTextOptions): boolean {
  const { key, value } = item;
  switch (key) {
    case 'table':
      action.table = parseTable(value, options);
      if (action.table === TABLE_NONE) {
        throw new OpenFlowTextError(
          'OPENFLOW_TEXT_TABLE',
          `table=${value}: table id 255 not valid for \`learn' action`,
        );
      }
      return true;
    case 'priority':
      action.priority = parseCarelessNumber(value, key, 16, options);
      return true;
    case 'idle_timeout':
      action.idleTimeout = parseCarelessNumber(value, key, 16, options);
      return true;
    case 'hard_timeout':
      action.hardTimeout = parseCarelessNumber(value, key, 16, options);
      return true;
    case 'fin_idle_timeout':
      action.finIdleTimeout = parseCarelessNumber(value, key, 16, options);
      return true;
    case 'fin_hard_timeout':
      action.finHardTimeout = parseCarelessNumber(value, key, 16, options);
      return true;
    case 'limit':
      action.limit = options.ovsCompat ? parseCarelessNumber(value, key, 32, options) : parseUint32(value, options);
      return true;
    case 'cookie':
      action.cookie = parseUint64(value, options);
      return true;
    case 'send_flow_rem':
      refuseArgument(item, options);
      action.sendFlowRemoved = true;
      return true;
    case 'delete_learned':
      refuseArgument(item, options);
      action.deleteLearned = true;
      return true;
    case 'result_dst':
      action.resultDestination = parseResultDestination(value, options);
      return true;
    default:
      return false;
  }
}

function parseResultDestination(text: string, options: OpenFlowTextOptions): Subfield {
  const destination = parseSubfieldAt(text, 0, options);
  if (!destination.field.writable) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_FIELD', `${text} is read-only`);
  }
  if (destination.bits !== 1) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', "result_dst in 'learn' action must be a single bit");
  }
  return destination;
}

function parseSpec(item: KeyValue, options: OpenFlowTextOptions): LearnSpec {
  switch (item.key) {
    case 'load':
      return parseLoadSpec(item.value, options);
    case 'output': {
      const source = parseSubfieldAt(item.value, 0, options);
      return { kind: 'output', bits: source.bits, source, destination: null };
    }
    default:
      return parseMatchSpec(item, options);
  }
}

function parseLoadSpec(text: string, options: OpenFlowTextOptions): LearnSpec {
  const arrow = text.indexOf('->');
  if (arrow < 0) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `load: missing \`->' in \`${text}'`);
  }
  const sourceText = text.slice(0, arrow);
  const destination = parseSubfieldAt(text.slice(arrow + 2), arrow + 2, options);
  if (/^[0-9+-]/.test(sourceText)) {
    const value = tryParseInteger(sourceText, options);
    if (value === null || value < 0n) {
      throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `load: garbage before \`->' in \`${text}'`);
    }
    if (value >> BigInt(destination.bits) !== 0n) {
      throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${text}: value does not fit into ${destination.bits} bits`);
    }
    return { kind: 'load', bits: destination.bits, source: value, destination };
  }
  const source = parseSubfieldAt(sourceText, 0, options);
  if (source.bits !== destination.bits) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_VALUE',
      `${text}: source field is ${source.bits} bits wide but destination is ${destination.bits} bits wide`,
    );
  }
  return { kind: 'load', bits: source.bits, source, destination };
}

/** `FIELD`, `FIELD=SOURCE` or `FIELD=VALUE`. */
function parseMatchSpec({ key, value, delimiter }: KeyValue, options: OpenFlowTextOptions): LearnSpec {
  const whole = delimiter === '' ? key : `${key}=${value}`;
  const destination = tryParseSubfield(key, options);
  if (typeof destination === 'string' || delimiter === '(' || delimiter === ':') {
    const detail = typeof destination === 'string' && key.includes('[') ? ` (${destination})` : '';
    throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `${whole}: unknown keyword ${key}${detail}`);
  }
  const { bits } = destination;
  if (value === '') {
    return { kind: 'match', bits, source: destination, destination };
  }
  const source = tryParseSubfield(value, options);
  if (typeof source !== 'string') {
    if (source.bits !== bits) {
      throw new OpenFlowTextError(
        'OPENFLOW_TEXT_VALUE',
        `${whole}: bit widths of ${key} (${bits}) and ${value} (${source.bits}) differ`,
      );
    }
    return { kind: 'match', bits, source, destination };
  }
  const immediate = tryParseImmediate(value, destination, options);
  if (typeof immediate === 'string') {
    return at(0, () => {
      throw new OpenFlowTextError(
        'OPENFLOW_TEXT_VALUE',
        `${whole}: ${key} value ${value} cannot be parsed as a subfield (${source}) or an immediate value (${immediate})`,
      );
    });
  }
  return { kind: 'match', bits, source: immediate, destination };
}

/** The subfield, or why `text` is none. */
function tryParseSubfield(text: string, options: OpenFlowTextOptions): Subfield | string {
  try {
    return parseSubfield(text, options);
  } catch (error) {
    return messageOf(error);
  }
}

/** The value of `destination` that `text` says in the field's own syntax, or why it says none. */
function tryParseImmediate(text: string, destination: Subfield, options: OpenFlowTextOptions): bigint | string {
  if (!isWholeField(destination)) {
    const value = tryParseInteger(text, options);
    if (value === null || value < 0n) {
      return `${text}: cannot parse integer value`;
    }
    const fits = value >> BigInt(destination.bits) === 0n;
    return fits ? value : `value ${text} does not fit into ${destination.bits} bits`;
  }
  try {
    const { value, mask } = parseFieldValue(destination.field, text, options);
    return mask === fieldBits(destination.field) ? value : `${text}: wildcards not allowed here`;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) {
    return error.message;
  }
  throw error;
}

function isWholeField({ field, offset, bits }: Subfield): boolean {
  return offset === 0 && bits === field.width;
}

export function formatLearn(action: LearnAction, options: OpenFlowTextOptions): string {
  const terms = [`table=${formatTable(action.table, options)}`];
  const addNumber = (name: string, value: number, absent: number): void => {
    if (value !== absent) {
      terms.push(`${name}=${value}`);
    }
  };
  addNumber('idle_timeout', action.idleTimeout, 0);
  addNumber('hard_timeout', action.hardTimeout, 0);
  addNumber('fin_idle_timeout', action.finIdleTimeout, 0);
  addNumber('fin_hard_timeout', action.finHardTimeout, 0);
  addNumber('priority', action.priority, DEFAULT_PRIORITY);
  if (action.sendFlowRemoved) {
    terms.push('send_flow_rem');
  }
  if (action.deleteLearned) {
    terms.push('delete_learned');
  }
  if (action.cookie !== 0n) {
    terms.push(`cookie=${formatHex(action.cookie)}`);
  }
  addNumber('limit', action.limit, 0);
  if (action.resultDestination !== null) {
    terms.push(`result_dst=${formatSubfield(action.resultDestination)}`);
  }
  terms.push(...action.specs.map((spec) => formatSpec(spec, options)));
  return `learn(${terms.join(',')})`;
}

function formatSpec(spec: LearnSpec, options: OpenFlowTextOptions): string {
  const { kind, source, destination } = spec;
  const sourceText = typeof source === 'bigint' ? formatHex(source) : formatSubfield(source);
  if (kind === 'output' || destination === null) {
    return `output:${sourceText}`;
  }
  const destinationText = formatSubfield(destination);
  if (kind === 'load') {
    return `load:${sourceText}->${destinationText}`;
  }
  if (typeof source === 'bigint') {
    return isWholeField(destination)
      ? `${destination.field.name}=${formatFieldValue(destination.field, source, undefined, options)}`
      : `${destinationText}=${sourceText}`;
  }
  return sourceText === destinationText ? destinationText : `${destinationText}=${sourceText}`;
}
