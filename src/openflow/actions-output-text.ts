/** Text of the actions that send a packet somewhere (ovs-actions(7), "Output Actions") and choose queues. */
import { formatSubfield } from '../flow/index.ts';
import { type ActionContext, type ActionParser, parseSubfieldAt, plainAction } from './action-syntax.ts';
import type {
  BundleAction,
  ControllerAction,
  ControllerReason,
  HashFields,
  OpenFlowAction,
  OpenFlowPort,
  OutputAction,
  OutputTruncateAction,
} from './actions.ts';
import { eachKeyValue, type KeyValue } from './key-value.ts';
import { formatHexBytes, parseCarelessNumber, parseHexBytes, parseNamedNumber, parseUint32 } from './number-text.ts';
import { portText, tryParsePort } from './port-text.ts';
import { OFPP_CONTROLLER, OFPP_IN_PORT, OFPP_LOCAL, OFPP_MAX } from './ports.ts';
import { OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

export const OUTPUT_PARSERS: Readonly<Record<string, ActionParser>> = {
  output: parseOutput,
  controller: parseController,
  enqueue: parseEnqueue,
  set_queue: (item, { options }) => ({ type: 'set_queue', queue: parseUint32(item.value, options) }),
  pop_queue: plainAction({ type: 'pop_queue' }),
  group: (item, { options }) => ({ type: 'group', group: parseUint32(item.value, options) }),
  bundle: (item, context) => parseBundle(item, context, 'bundle'),
  bundle_load: (item, context) => parseBundle(item, context, 'bundle_load'),
};

/** what a packet sent to the controller is cut to unless said otherwise: not at all */
const WHOLE_PACKET = 0xffff;
/** an Ethernet header must survive truncation */
const MIN_TRUNCATED_LENGTH = 14;

const CONTROLLER_REASONS: readonly ControllerReason[] = [
  'no_match',
  'action',
  'invalid_ttl',
  'action_set',
  'group',
  'packet_out',
];
const HASH_FIELDS: readonly HashFields[] = [
  'eth_src',
  'symmetric_l4',
  'symmetric_l3l4',
  'symmetric_l3l4+udp',
  'nw_src',
  'nw_dst',
  'symmetric_l3',
];

/** `PORT` by itself: the output action of a list that has only the port's name or number. */
export function createOutput(port: OpenFlowPort): OutputAction {
  return { type: 'output', port, maxLength: port === OFPP_CONTROLLER ? WHOLE_PACKET : 0 };
}

export function formatOutput(action: OutputAction, options: OpenFlowTextOptions): string {
  if (action.port === OFPP_CONTROLLER) {
    return `CONTROLLER:${action.maxLength}`;
  }
  return action.port < OFPP_MAX ? `output:${portText(action.port, options)}` : portText(action.port, options);
}

function parseOutput(item: KeyValue, { options }: ActionContext): OpenFlowAction {
  const text = item.value;
  if (text.includes('port=') && text.includes('max_len=')) {
    return parseTruncatingOutput(text, options);
  }
  const port = tryParsePort(text, options);
  if (port !== null) {
    return createOutput(port);
  }
  try {
    return { type: 'output_reg', source: parseSubfieldAt(text, 0, options), maxLength: WHOLE_PACKET };
  } catch (error) {
    const detail = text.includes('[') && error instanceof Error ? ` (${error.message})` : '';
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `${text}: output to unknown port${detail}`);
  }
}

function parseTruncatingOutput(text: string, options: OpenFlowTextOptions): OutputTruncateAction {
  let port: OpenFlowPort | null = null;
  let maxLength = 0;
  eachKeyValue(text, ({ key, value }) => {
    if (key === 'port') {
      port = parseTruncatingPort(value, options);
    } else if (key === 'max_len') {
      maxLength = parseUint32(value, options);
      if (maxLength < MIN_TRUNCATED_LENGTH) {
        throw new OpenFlowTextError(
          'OPENFLOW_TEXT_VALUE',
          `max_len ${maxLength} is less than the minimum value ${MIN_TRUNCATED_LENGTH}`,
        );
      }
    } else {
      throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `invalid key '${key}' in output_trunc argument`);
    }
  });
  if (port === null || maxLength === 0) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `${text}: output to unknown port`);
  }
  return { type: 'output_trunc', port, maxLength };
}

function parseTruncatingPort(text: string, options: OpenFlowTextOptions): OpenFlowPort {
  const port = tryParsePort(text, options);
  if (port === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `output to unknown truncate port: ${text}`);
  }
  if (port >= OFPP_MAX && port !== OFPP_LOCAL && port !== OFPP_IN_PORT) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `output to unsupported truncate port: ${text}`);
  }
  return port;
}

/** Without options it is an output to CONTROLLER, which is also what it is on the wire. */
function parseController(item: KeyValue, { options }: ActionContext): OpenFlowAction {
  const action = parseControllerArguments(item, options);
  return isPlain(action) ? { type: 'output', port: OFPP_CONTROLLER, maxLength: action.maxLength } : action;
}

function isPlain({ reason, controllerId, userdata, pause, meterId }: ControllerAction): boolean {
  return reason === 'action' && controllerId === 0 && userdata.length === 0 && !pause && meterId === null;
}

function parseControllerArguments(item: KeyValue, options: OpenFlowTextOptions): ControllerAction {
  const action = {
    type: 'controller' as const,
    maxLength: WHOLE_PACKET,
    reason: 'action' as ControllerReason,
    controllerId: 0,
    userdata: new Uint8Array(0) as Uint8Array,
    pause: false,
    meterId: null as number | null,
  };
  if (/^\d/.test(item.value)) {
    action.maxLength = parseNamedNumber(item.value, 'max_len', 0xffff, options);
    return action;
  }
  eachKeyValue(item.value, ({ key, value }) => {
    switch (key) {
      case 'reason':
        action.reason = parseReason(value);
        break;
      case 'max_len':
        action.maxLength = parseNamedNumber(value, 'max_len', 0xffff, options);
        break;
      case 'id':
        action.controllerId = parseNamedNumber(value, 'id', 0xffff, options);
        break;
      case 'userdata':
        action.userdata = parseHexBytes(value, "`controller' action `userdata'");
        break;
      case 'pause':
        action.pause = true;
        break;
      case 'meter_id':
        action.meterId = parseUint32(value, options);
        break;
      default:
        throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `unknown key "${key}" parsing controller action`);
    }
  });
  return action;
}

function parseReason(text: string): ControllerReason {
  const reason = CONTROLLER_REASONS.find((name) => name === text);
  if (reason === undefined) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `unknown reason "${text}"`);
  }
  return reason;
}

export function formatController(action: ControllerAction): string {
  const { maxLength, reason, controllerId, userdata, pause, meterId } = action;
  const terms: string[] = [];
  if (reason !== 'action') {
    terms.push(`reason=${reason}`);
  }
  if (maxLength !== WHOLE_PACKET) {
    terms.push(`max_len=${maxLength}`);
  }
  if (controllerId !== 0) {
    terms.push(`id=${controllerId}`);
  }
  if (userdata.length > 0) {
    terms.push(`userdata=${formatHexBytes(userdata, '.')}`);
  }
  if (pause) {
    terms.push('pause');
  }
  if (meterId !== null) {
    terms.push(`meter_id=${meterId}`);
  }
  return isPlain(action) ? `CONTROLLER:${maxLength}` : `controller(${terms.join(',')})`;
}

function parseEnqueue(item: KeyValue, { options }: ActionContext): OpenFlowAction {
  const parts = /^([^:,]+)[:,](.+)$/.exec(item.value) ?? (options.ovsCompat ? /^(\d+)\D(.+)$/.exec(item.value) : null);
  if (parts === null) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_VALUE',
      '"enqueue" syntax is "enqueue:PORT:QUEUE" or "enqueue(PORT,QUEUE)"',
    );
  }
  const [, portText, queueText] = parts;
  const port = tryParsePort(portText!, options);
  if (port === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `${portText}: enqueue to unknown port`);
  }
  return { type: 'enqueue', port, queue: parseUint32(queueText!, options) };
}

/** The fields to hash for `multipath`, `bundle` and `bundle_load`; `whole` is the action's argument. */
export function parseHashFields(text: string, whole: string): HashFields {
  const fields = HASH_FIELDS.find((name) => name === text);
  if (fields === undefined) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${whole}: unknown fields \`${text}'`);
  }
  return fields;
}

function parseBundle(item: KeyValue, { options }: ActionContext, type: BundleAction['type']): BundleAction {
  const whole = item.value;
  const words = whole.split(/[ ,]+/).filter((word) => word !== '');
  const fixed = type === 'bundle' ? 4 : 5;
  if (words.length <= fixed) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `${whole}: not enough arguments to ${type} action`);
  }
  const [fieldsText, basisText, algorithmText, memberType] = words;
  const [, delimiter, firstMember] = /^([^:]*)(?::(.*))?$/.exec(words[fixed]!)!;
  if (delimiter !== 'members' && delimiter !== 'slaves') {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_VALUE',
      `${whole}: missing member delimiter, expected \`members', got \`${delimiter}'`,
    );
  }
  const fields = parseHashFields(fieldsText!, whole);
  const algorithm = algorithmText === 'active_backup' || algorithmText === 'hrw' ? algorithmText : null;
  if (algorithm === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${whole}: unknown algorithm \`${algorithmText}'`);
  }
  if (memberType !== 'ofport') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `${whole}: unknown member_type \`${memberType}'`);
  }
  const memberTexts = [firstMember ?? '', ...words.slice(fixed + 1)].filter((word) => word !== '');
  return {
    type,
    fields,
    basis: parseCarelessNumber(basisText!, 'basis', 16, options),
    algorithm,
    destination: type === 'bundle' ? null : parseSubfieldAt(words[4]!, whole.indexOf(words[4]!), options),
    members: memberTexts.map((text) => parseMember(text, options)),
  };
}

function parseMember(text: string, options: OpenFlowTextOptions): OpenFlowPort {
  const port = tryParsePort(text, options);
  if (port === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_PORT', `${text}: bad port number`);
  }
  return port;
}

export function formatBundle(action: BundleAction, options: OpenFlowTextOptions): string {
  const { type, fields, basis, algorithm, destination, members } = action;
  const destinationText = destination === null ? '' : `${formatSubfield(destination)},`;
  const memberText = members.map((port) => portText(port, options)).join(',');
  return `${type}(${fields},${basis},${algorithm},ofport,${destinationText}members:${memberText})`;
}
