/**
 * Text of the actions that steer processing (ovs-actions(7), "Programming And Control Flow Actions" and "Other
 * Actions") and of the instructions that are actions here.
 */
import { formatHex, formatSubfield } from '../flow/index.ts';
import { type ActionContext, type ActionParser, at, parseSubfieldAt, plainAction } from './action-syntax.ts';
import type {
  ConjunctionAction,
  FinTimeoutAction,
  MultipathAction,
  OpenFlowAction,
  ResubmitAction,
  SampleAction,
  WriteMetadataAction,
} from './actions.ts';
import { parseHashFields } from './actions-output-text.ts';
import { eachKeyValue, type KeyValue } from './key-value.ts';
import {
  formatHexBytes,
  parseCarelessNumber,
  parseHexBytes,
  parseNamedNumber,
  parseUint32,
  parseUint64,
  tryParseInteger,
} from './number-text.ts';
import { formatTable, parseTable, portText, tryParsePort, tryParseTable } from './port-text.ts';
import { OFPP_IN_PORT, OFPP_NONE } from './ports.ts';
import { OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

export const CONTROL_PARSERS: Readonly<Record<string, ActionParser>> = {
  resubmit: parseResubmit,
  note: (item) => ({ type: 'note', data: parseHexBytes(item.value, "`note' argument") }),
  exit: plainAction({ type: 'exit' }),
  debug_recirc: plainAction({ type: 'debug_recirc' }),
  debug_slow: plainAction({ type: 'debug_slow' }),
  conjunction: parseConjunction,
  multipath: parseMultipath,
  fin_timeout: parseFinTimeout,
  sample: parseSample,
  clone: (item, context) => ({ type: 'clone', actions: context.parseNested(item.value, 'clone') }),
  meter: (item, { options }) => ({ type: 'meter', meter: parseUint32(item.value, options) }),
  clear_actions: plainAction({ type: 'clear_actions' }),
  write_actions: (item, context) => ({
    type: 'write_actions',
    actions: context.parseNested(item.value, 'write_actions'),
  }),
  write_metadata: parseWriteMetadata,
  goto_table: (item, { options }) => ({ type: 'goto_table', table: parseTable(item.value, options) }),
};

/** "no table" and "all tables" */
const TABLE_NONE = 255;
const ALL_ONES_64 = 0xffff_ffff_ffff_ffffn;
const MAX_LINKS = 65536;
const MULTIPATH_ALGORITHMS = ['modulo_n', 'hash_threshold', 'hrw', 'iter_hash'] as const;

function parseResubmit(item: KeyValue, { options }: ActionContext): ResubmitAction {
  const [portName = '', tableName = '', flag = '', ...rest] = item.value.split(',').map((part) => part.trim());
  const port = portName === '' ? OFPP_IN_PORT : tryParsePort(portName, options);
  if (port === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `${portName}: resubmit to unknown port`);
  }
  const table = tableName === '' ? TABLE_NONE : tryParseTable(tableName, options);
  if (table === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_TABLE', `${tableName}: resubmit to unknown table`);
  }
  const unknown = flag !== '' && flag !== 'ct' ? flag : rest.find((part) => part !== '');
  if (unknown !== undefined) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${unknown}: unknown parameter`);
  }
  if (port === OFPP_IN_PORT && table === TABLE_NONE) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_MISSING',
      'at least one "in_port" or "table" must be specified on resubmit',
    );
  }
  return { type: 'resubmit', port, table: table === TABLE_NONE ? null : table, withConntrackTuple: flag === 'ct' };
}

function formatResubmit({ port, table, withConntrackTuple }: ResubmitAction, options: OpenFlowTextOptions): string {
  if (table === null && !withConntrackTuple) {
    return `resubmit:${portText(port, options)}`;
  }
  const portPart = port === OFPP_IN_PORT ? '' : portText(port, options);
  const tablePart = table === null ? '' : formatTable(table, options);
  return `resubmit(${portPart},${tablePart}${withConntrackTuple ? ',ct' : ''})`;
}

function parseConjunction(item: KeyValue, { options }: ActionContext): ConjunctionAction {
  const parts = /^\s*([^\s,]+)\s*,\s*([^\s/]+)\s*\/\s*(\S+)\s*$/.exec(item.value);
  const [id, clause, clauses] = (parts ?? []).slice(1).map((part) => tryParseInteger(part, options));
  if (id == null || clause == null || clauses == null || id < 0n || id > 0xffffffffn) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', '"conjunction" syntax is "conjunction(id,i/n)"');
  }
  const problem = conjunctionProblem(clause, clauses);
  if (problem !== null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', problem);
  }
  return { type: 'conjunction', id: Number(id), clause: Number(clause) - 1, clauses: Number(clauses) };
}

function conjunctionProblem(clause: bigint, clauses: bigint): string | null {
  if (clauses < 2n) {
    return 'conjunction must have at least 2 clauses';
  }
  if (clauses > 64n) {
    return 'conjunction must have at most 64 clauses';
  }
  if (clause < 1n) {
    return 'clause index must be positive';
  }
  return clause > clauses ? 'clause index must be less than or equal to number of clauses' : null;
}

function parseMultipath(item: KeyValue, { options }: ActionContext): MultipathAction {
  const whole = item.value;
  const words = whole.split(/[ ,]+/).filter((word) => word !== '');
  if (words.length < 6) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `${whole}: not enough arguments to multipath action`);
  }
  if (words.length > 6 && options.ovsCompat !== true) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${whole}: too many arguments to multipath action`);
  }
  const [fieldsText, basisText, algorithmText, linksText, argumentText, destinationText] = words;
  const fields = parseHashFields(fieldsText!, whole);
  const algorithm = MULTIPATH_ALGORITHMS.find((name) => name === algorithmText);
  if (algorithm === undefined) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${whole}: unknown algorithm \`${algorithmText}'`);
  }
  const basis = parseCarelessNumber(basisText!, 'basis', 16, options);
  const links = parseCarelessNumber(linksText!, 'n_links', 32, options);
  if (links < 1 || links > MAX_LINKS) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_NUMBER',
      `${whole}: n_links ${linksText} is not in valid range 1 to ${MAX_LINKS}`,
    );
  }
  const argument = parseCarelessNumber(argumentText!, 'arg', 32, options);
  const destination = parseSubfieldAt(destinationText!, whole.lastIndexOf(destinationText!), options);
  if (destination.bits < 32 && links > 2 ** destination.bits) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_VALUE',
      `${whole}: ${destination.bits}-bit destination field has ${2 ** destination.bits} possible values, less than specified n_links ${links}`,
    );
  }
  return { type: 'multipath', fields, basis, algorithm, links, argument, destination };
}

function formatMultipath(action: MultipathAction): string {
  const { fields, basis, algorithm, links, argument, destination } = action;
  return `multipath(${fields},${basis},${algorithm},${links},${argument},${formatSubfield(destination)})`;
}

function parseFinTimeout(item: KeyValue, { options }: ActionContext): FinTimeoutAction {
  let idleTimeout = 0;
  let hardTimeout = 0;
  eachKeyValue(item.value, ({ key, value }) => {
    if (key === 'idle_timeout') {
      idleTimeout = parseNamedNumber(value, key, 0xffff, options);
    } else if (key === 'hard_timeout') {
      hardTimeout = parseNamedNumber(value, key, 0xffff, options);
    } else {
      throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `invalid key '${key}' in 'fin_timeout' argument`);
    }
  });
  return { type: 'fin_timeout', idleTimeout, hardTimeout };
}

function formatFinTimeout({ idleTimeout, hardTimeout }: FinTimeoutAction): string {
  const terms: string[] = [];
  if (idleTimeout !== 0) {
    terms.push(`idle_timeout=${idleTimeout}`);
  }
  if (hardTimeout !== 0) {
    terms.push(`hard_timeout=${hardTimeout}`);
  }
  return `fin_timeout(${terms.join(',')})`;
}

function parseSample(item: KeyValue, { options }: ActionContext): SampleAction {
  let probability = 0;
  let collectorSetId = 0;
  let observationDomainId = 0;
  let observationPointId: SampleAction['observationPointId'] = 0;
  let samplingPort: number | null = null;
  let direction: SampleAction['direction'] = 'default';
  eachKeyValue(item.value, ({ key, value, keyOffset, valueOffset }) => {
    switch (key) {
      case 'probability':
        probability = parseNamedNumber(value, key, 0xffff, options);
        if (probability === 0) {
          throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `invalid probability value "${value}"`);
        }
        break;
      case 'collector_set_id':
        collectorSetId = parseUint32(value, options);
        break;
      case 'obs_domain_id':
        observationDomainId = parseUint32(value, options);
        break;
      case 'obs_point_id':
        observationPointId = /^[a-z]/i.test(value) ? parseSubfieldAt(value, 0, options) : parseUint32(value, options);
        break;
      case 'sampling_port':
        samplingPort = at(valueOffset - keyOffset, () => parseSamplingPort(value, options));
        break;
      case 'ingress':
      case 'egress':
        direction = key;
        break;
      default:
        throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `invalid key "${key}" in "sample" argument`);
    }
  });
  if (probability === 0) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', 'non-zero "probability" must be specified on sample');
  }
  return {
    type: 'sample',
    probability,
    collectorSetId,
    observationDomainId,
    observationPointId,
    samplingPort,
    direction,
  };
}

function parseSamplingPort(text: string, options: OpenFlowTextOptions): number | null {
  const port = tryParsePort(text, options);
  if (port === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `${text}: unknown port`);
  }
  return port === OFPP_NONE ? null : port;
}

function formatSample(action: SampleAction, options: OpenFlowTextOptions): string {
  const { probability, collectorSetId, observationDomainId, observationPointId, samplingPort, direction } = action;
  const point = typeof observationPointId === 'number' ? observationPointId : formatSubfield(observationPointId);
  const terms = [
    `probability=${probability}`,
    `collector_set_id=${collectorSetId}`,
    `obs_domain_id=${observationDomainId}`,
    `obs_point_id=${point}`,
  ];
  if (samplingPort !== null) {
    terms.push(`sampling_port=${portText(samplingPort, options)}`);
  }
  if (direction !== 'default') {
    terms.push(direction);
  }
  return `sample(${terms.join(',')})`;
}

function parseWriteMetadata(item: KeyValue, { options }: ActionContext): WriteMetadataAction {
  const [valueText, maskText] = splitOnce(item.value, '/');
  const value = parseUint64(valueText, options);
  const mask = maskText === null ? ALL_ONES_64 : parseUint64(maskText, options);
  return { type: 'write_metadata', value, mask };
}

function splitOnce(text: string, separator: string): [string, string | null] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, null] : [text.slice(0, index), text.slice(index + separator.length)];
}

function formatWriteMetadata({ value, mask }: WriteMetadataAction): string {
  const suffix = mask === ALL_ONES_64 ? '' : `/${formatHex(mask)}`;
  return `write_metadata:${formatHex(value)}${suffix}`;
}

/** The actions of this file that hold no others, or null when `action` is none of them. */
export function formatControlAction(action: OpenFlowAction, options: OpenFlowTextOptions): string | null {
  switch (action.type) {
    case 'resubmit':
      return formatResubmit(action, options);
    case 'note':
      return `note:${formatHexBytes(action.data, '.')}`;
    case 'exit':
    case 'debug_recirc':
    case 'debug_slow':
    case 'clear_actions':
      return action.type;
    case 'conjunction':
      return `conjunction(${action.id},${action.clause + 1}/${action.clauses})`;
    case 'multipath':
      return formatMultipath(action);
    case 'fin_timeout':
      return formatFinTimeout(action);
    case 'sample':
      return formatSample(action, options);
    case 'meter':
      return `meter:${action.meter}`;
    case 'write_metadata':
      return formatWriteMetadata(action);
    case 'goto_table':
      return `goto_table:${formatTable(action.table, options)}`;
    default:
      return null;
  }
}
