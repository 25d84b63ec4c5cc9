/**
 * Subfields in text: `NXM_NX_REG0[4..7]`, `reg0[]`, `eth_src[5]`, or just `reg0` for all of it (ovs-actions(7), "FIELD
 * SPECIFICATIONS").
 */
import { MatchError } from './errors.ts';
import type { MatchField, Subfield } from './field.ts';
import type { FlowTextOptions } from './field-text.ts';
import { fieldByName } from './fields.ts';
import { mappedField } from './tlv-table.ts';

const SUBFIELD_PATTERN = /^([a-z0-9_]+)(?:\[([^\]]*)\])?/i;
const RANGE_PATTERN = /^(-?\d+)(?:\.\.(-?\d+))?$/;

/** Reads a subfield that is all of `text`. Throws `MatchError`: `FIELD_UNKNOWN`, `FIELD_NOT_MAPPED`, `SUBFIELD_INVALID`. */
export function parseSubfield(text: string, options: FlowTextOptions = {}): Subfield {
  const { subfield, length } = parseSubfieldPrefix(text, options);
  if (length !== text.length) {
    throw syntaxError(text);
  }
  return subfield;
}

/** Reads a subfield that `text` starts with, and says how many characters it has; errors as `parseSubfield`. */
export function parseSubfieldPrefix(
  text: string,
  options: FlowTextOptions = {},
): { subfield: Subfield; length: number } {
  const match = SUBFIELD_PATTERN.exec(text);
  if (match === null) {
    throw syntaxError(text);
  }
  const [whole, name, range] = match;
  const known = fieldByName(name!);
  if (known === undefined) {
    throw new MatchError('FIELD_UNKNOWN', `${text}: unknown field \`${name}'`);
  }
  if (range === undefined && text[whole.length] === '[') {
    throw syntaxError(text);
  }
  const field = mappedField(known, options.tlvTable);
  return { subfield: parseRange(field, range ?? '', text), length: whole.length };
}

/** As Open vSwitch prints it: the NXM or OXM name (the field's own when it has none), `[]` when it is the whole field. */
export function formatSubfield(subfield: Subfield): string {
  const { field, offset, bits } = subfield;
  const name = field.oxmIds[0]?.name ?? field.name;
  if (offset === 0 && bits === field.width) {
    return `${name}[]`;
  }
  return bits === 1 ? `${name}[${offset}]` : `${name}[${offset}..${offset + bits - 1}]`;
}

function parseRange(field: MatchField, range: string, text: string): Subfield {
  if (range === '') {
    return { field, offset: 0, bits: field.width };
  }
  const match = RANGE_PATTERN.exec(range);
  if (match === null) {
    throw syntaxError(text);
  }
  const start = Number(match[1]);
  const end = Number(match[2] ?? match[1]);
  if (start > end) {
    throw new MatchError('SUBFIELD_INVALID', `${text}: starting bit ${start} is after ending bit ${end}`);
  }
  if (start < 0 || start >= field.width) {
    throw tooWide(text, 'starting', start, field);
  }
  if (end >= field.width) {
    throw tooWide(text, 'ending', end, field);
  }
  return { field, offset: start, bits: end - start + 1 };
}

function tooWide(text: string, which: string, bit: number, field: MatchField): MatchError {
  const problem = `${which} bit ${bit} is not valid because field is only ${field.width} bits wide`;
  return new MatchError('SUBFIELD_INVALID', `${text}: ${problem}`);
}

function syntaxError(text: string): MatchError {
  return new MatchError('SUBFIELD_INVALID', `${text}: syntax error expecting [] or [<bit>] or [<start>..<end>]`);
}
