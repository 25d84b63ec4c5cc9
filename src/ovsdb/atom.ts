/**
 * Atoms: the integers, reals, booleans, strings and UUIDs that columns are made of (RFC 7047 section 3.2 `<atomic-type>`).
 *
 * An atom is a plain JavaScript value, and its column's type says how to read it. An integer is a `number` where that is
 * exact and a `bigint` beyond (they have 64 bits); a UUID is its text in lower case.
 */
import { constraintViolation, type OvsdbError, syntaxError } from './errors.ts';
import type { JsonValue } from './json.ts';
import { isId } from './members.ts';

export type AtomicType = 'integer' | 'real' | 'boolean' | 'string' | 'uuid';
export type Atom = number | bigint | boolean | string;

/** The type of a key or value with its constraints. */
export interface BaseType {
  readonly kind: AtomicType;
  /** the values allowed, in order; null for all */
  readonly allowed: readonly Atom[] | null;
  /** least and greatest integer or real, or length of a string in characters; null for none */
  readonly min: number | bigint | null;
  readonly max: number | bigint | null;
  /** for a UUID that refers to a row */
  readonly refTable: string | null;
  readonly refType: 'strong' | 'weak';
}

/** Gives the UUIDs of rows that a transaction names before they exist (RFC 7047 section 5.1 `<named-uuid>`). */
export type ResolveName = (name: string) => string;

export const ZERO_UUID = '00000000-0000-0000-0000-000000000000';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MIN_INTEGER = -(2n ** 63n);
const MAX_INTEGER = 2n ** 63n - 1n;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

export function isAtomicType(text: JsonValue | undefined): text is AtomicType {
  return text === 'integer' || text === 'real' || text === 'boolean' || text === 'string' || text === 'uuid';
}

/** The default of RFC 7047 section 5.2.1. */
export function defaultAtom(kind: AtomicType): Atom {
  switch (kind) {
    case 'integer':
    case 'real':
      return 0;
    case 'boolean':
      return false;
    case 'string':
      return '';
    case 'uuid':
      return ZERO_UUID;
  }
}

/** An integer in the form that atoms have, or null when it needs more than 64 bits. */
export function normalizeInteger(value: number | bigint): number | bigint | null {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  const exact = BigInt(value);
  if (exact < MIN_INTEGER || exact > MAX_INTEGER) return null;
  const near = Number(exact);
  return Number.isSafeInteger(near) ? near : exact;
}

/** Reads an atom without looking at constraints. Throws `OvsdbError`. */
export function parseAtom(json: JsonValue, kind: AtomicType, resolve: ResolveName | null): Atom {
  switch (kind) {
    case 'integer': {
      const value =
        typeof json === 'bigint' || (typeof json === 'number' && Number.isInteger(json))
          ? normalizeInteger(json)
          : null;
      if (value === null) throw syntaxError('expected integer', json);
      return value;
    }
    case 'real':
      if (typeof json === 'bigint') return Number(json);
      if (typeof json !== 'number') throw syntaxError('expected real', json);
      return json === 0 ? 0 : json;
    case 'boolean':
      if (typeof json !== 'boolean') throw syntaxError('expected boolean', json);
      return json;
    case 'string':
      if (typeof json !== 'string') throw syntaxError('expected string', json);
      return json;
    case 'uuid': {
      const [tag, text, ...more] = Array.isArray(json) ? json : [];
      if (typeof text === 'string' && more.length === 0) {
        if (tag === 'uuid') {
          if (!isUuid(text)) throw syntaxError(`"${text}" is not a valid UUID`, json);
          return text.toLowerCase();
        }
        if (tag === 'named-uuid' && resolve !== null && isId(text)) return resolve(text);
      }
      throw syntaxError('expected ["uuid", <string>]', json);
    }
  }
}

export function atomToJson(atom: Atom, kind: AtomicType): JsonValue {
  return kind === 'uuid' ? ['uuid', atom as string] : atom;
}

/** Order of atoms of one kind: negative, 0 or positive. Strings are in order of their UTF-8 bytes. */
export function compareAtoms(a: Atom, b: Atom): number {
  if (a === b) return 0;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  return a < b ? -1 : 1;
}

/** Code points above U+FFFF come last in UTF-8 but are surrogates, below U+E000, in UTF-16. */
function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const bothHigh = x >= 0xd800 && y >= 0xd800;
      return bothHigh ? sortableUnit(x) - sortableUnit(y) : x - y;
    }
  }
  return a.length - b.length;
}

function sortableUnit(unit: number): number {
  return unit < 0xe000 ? unit + 0x10000 : unit;
}

/** The atom as tools show it: strings quoted unless they look like a word. */
export function formatAtom(atom: Atom): string {
  if (typeof atom !== 'string') return String(atom);
  if (isUuid(atom)) return atom;
  return /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(atom) && atom !== 'true' && atom !== 'false' ? atom : JSON.stringify(atom);
}

/** Throws `OvsdbError` (`constraint violation`) unless the atom is one that the type allows. */
export function checkAtom(atom: Atom, type: BaseType): void {
  const problem = atomProblem(atom, type);
  if (problem !== null) throw problem;
}

function atomProblem(atom: Atom, type: BaseType): OvsdbError | null {
  const { allowed, min, max } = type;
  if (allowed !== null && !allowed.includes(atom)) {
    const list = allowed.map(formatAtom).join(', ');
    return constraintViolation(`${formatAtom(atom)} is not one of the allowed values ([${list}])`);
  }
  if (min === null && max === null) return null;
  if (type.kind === 'string') {
    const length = [...(atom as string)].length;
    const shown = JSON.stringify(atom);
    if (min !== null && length < min) {
      return constraintViolation(`${shown} length ${length} is less than minimum allowed length ${min}`);
    }
    if (max !== null && length > max) {
      return constraintViolation(`${shown} length ${length} is greater than maximum allowed length ${max}`);
    }
    return null;
  }
  const value = atom as number | bigint;
  if ((min === null || value >= min) && (max === null || value <= max)) return null;
  if (min !== null && max !== null) {
    return constraintViolation(`${value} is not in the valid range ${min} to ${max} (inclusive)`);
  }
  return constraintViolation(
    min === null
      ? `${value} is greater than maximum allowed value ${max}`
      : `${value} is less than minimum allowed value ${min}`,
  );
}
