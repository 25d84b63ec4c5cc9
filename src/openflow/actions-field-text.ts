/** Text of the actions that name a field: `set_field`, `load`, `move`, `push`, `pop`, `check_pkt_larger`, `delete_field`. */
import {
  fieldByName,
  formatFieldValue,
  formatHex,
  formatSubfield,
  isTunMetadata,
  type MatchField,
  parseFieldValue,
  type Subfield,
} from '../flow/index.ts';
import { type ActionContext, type ActionParser, at, parseSubfieldAt, splitArrow } from './action-syntax.ts';
import type { LoadAction, MoveAction, OpenFlowAction, StackAction } from './actions.ts';
import type { KeyValue } from './key-value.ts';
import { parseNamedNumber, tryParseInteger } from './number-text.ts';
import { OpenFlowTextError } from './text-error.ts';

export const FIELD_PARSERS: Readonly<Record<string, ActionParser>> = {
  set_field: parseSetField,
  load: parseLoad,
  move: parseMove,
  push: (item, context) => parseStack(item, context, 'push'),
  pop: (item, context) => parseStack(item, context, 'pop'),
  check_pkt_larger: parseCheckPacketLarger,
  delete_field: parseDeleteField,
};

/** what one `load` on the wire carries */
const LOAD_BITS = 64;

function parseSetField(item: KeyValue, context: ActionContext): OpenFlowAction {
  const [valueText, fieldName] = splitArrow(item.value, '');
  const fieldOffset = valueText.length + 2;
  if (fieldName === '') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `${item.value}: missing field name following \`->'`);
  }
  const field = fieldByName(fieldName);
  if (field === undefined) {
    return at(fieldOffset, () => {
      throw new OpenFlowTextError('OPENFLOW_TEXT_FIELD', `${fieldName} is not a valid OXM field name`);
    });
  }
  if (!field.writable) {
    return at(fieldOffset, () => {
      throw new OpenFlowTextError('OPENFLOW_TEXT_FIELD', `${field.name} is read-only`);
    });
  }
  checkConntrackField(field, context);
  const { value, mask } = at(0, () => parseFieldValue(field, valueText, context.options));
  return { type: 'set_field', field, value, mask };
}

/** In the `exec` of a `ct` action only ct_mark and ct_label can be set, and nowhere else can they be. */
function checkConntrackField(field: MatchField, { outer }: ActionContext): void {
  const isConntrack = field.name === 'ct_mark' || field.name === 'ct_label';
  if (outer === 'ct' && !isConntrack) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_ACTION',
      `ct action doesn't support nested modification of ${field.name}`,
    );
  }
  if (outer !== 'ct' && isConntrack) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_ACTION', 'cannot set CT fields outside of ct action');
  }
}

/** One `load` for each 64 bits of the destination, the low ones first, as it goes on the wire and is shown. */
function parseLoad(item: KeyValue, context: ActionContext): readonly OpenFlowAction[] {
  const whole = item.value;
  const [valueText, destinationText] = splitArrow(whole, '');
  if (destinationText === '') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', `${whole}: missing field name following \`->'`);
  }
  const value = tryParseInteger(
    context.options.ovsCompat === true ? leadingNumber(valueText) : valueText,
    context.options,
  );
  if (value === null || value < 0n) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `${whole}: cannot parse integer value`);
  }
  const destination = parseSubfieldAt(destinationText, valueText.length + 2, context.options);
  checkConntrackField(destination.field, context);
  if (value >> BigInt(destination.bits) !== 0n) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_VALUE',
      `${whole}: value ${valueText} does not fit into ${destination.bits} bits`,
    );
  }
  return splitLoad({ type: 'load', destination, value });
}

/** What a C library that reads a number and leaves the rest alone would read of `1.2.3.4`: `1`. */
function leadingNumber(text: string): string {
  const number = /^(?:0x[0-9a-f]*|\d+)/i.exec(text)?.[0] ?? text;
  return /^0x$/i.test(number) ? '0' : number;
}

function splitLoad({ destination, value }: LoadAction): LoadAction[] {
  const loads: LoadAction[] = [];
  for (let done = 0; done < destination.bits; done += LOAD_BITS) {
    const part: Subfield = {
      field: destination.field,
      offset: destination.offset + done,
      bits: Math.min(LOAD_BITS, destination.bits - done),
    };
    loads.push({
      type: 'load',
      destination: part,
      value: (value >> BigInt(done)) & ((1n << BigInt(part.bits)) - 1n),
    });
  }
  return loads;
}

function formatLoad(action: LoadAction): string {
  return splitLoad(action)
    .map(({ value, destination }) => `load:${formatHex(value)}->${formatSubfield(destination)}`)
    .join(',');
}

function parseMove(item: KeyValue, context: ActionContext): MoveAction {
  const whole = item.value;
  const [sourceText, destinationText] = splitArrow(whole, ' following source');
  const source = parseSubfieldAt(sourceText, 0, context.options);
  const destination = parseSubfieldAt(destinationText, sourceText.length + 2, context.options);
  if (source.bits !== destination.bits) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_VALUE',
      `${whole}: source field is ${source.bits} bits wide but destination is ${destination.bits} bits wide`,
    );
  }
  checkConntrackField(destination.field, context);
  return { type: 'move', source, destination };
}

function parseStack(item: KeyValue, { options }: ActionContext, type: StackAction['type']): StackAction {
  return { type, subfield: parseSubfieldAt(item.value, 0, options) };
}

function parseCheckPacketLarger(item: KeyValue, { options }: ActionContext): OpenFlowAction {
  const [lengthText, destinationText] =
    item.destination === null ? splitArrow(item.value, '') : [item.value, item.destination];
  const length = parseNamedNumber(lengthText, 'pkt_len', 0xffff, options);
  const destinationOffset = lengthText.length + (item.destination === null ? 2 : 3);
  const destination = parseSubfieldAt(destinationText, destinationOffset, options);
  if (destination.bits !== 1) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', 'Only 1-bit destination field is allowed');
  }
  return { type: 'check_pkt_larger', length, destination };
}

function parseDeleteField(item: KeyValue): OpenFlowAction {
  const field = fieldByName(item.value);
  if (field === undefined) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_FIELD', `unknown field \`${item.value}'`);
  }
  if (!isTunMetadata(field)) {
    throw new OpenFlowTextError(
      'OPENFLOW_TEXT_FIELD',
      `${item.value}: only tun_metadata fields can be deleted (OFPBAC_BAD_ARGUMENT)`,
    );
  }
  return { type: 'delete_field', field };
}

/** The actions of this file, or null when `action` is none of them. */
export function formatFieldAction(action: OpenFlowAction, options: ActionContext['options']): string | null {
  switch (action.type) {
    case 'set_field':
      return `set_field:${formatFieldValue(action.field, action.value, action.mask, options)}->${action.field.name}`;
    case 'load':
      return formatLoad(action);
    case 'move':
      return `move:${formatSubfield(action.source)}->${formatSubfield(action.destination)}`;
    case 'push':
    case 'pop':
      return `${action.type}:${formatSubfield(action.subfield)}`;
    case 'check_pkt_larger':
      return `check_pkt_larger(${action.length})->${formatSubfield(action.destination)}`;
    case 'delete_field':
      return `delete_field:${action.field.name}`;
    default:
      return null;
  }
}
