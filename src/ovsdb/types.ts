/** Types of columns (RFC 7047 section 3.2 `<type>`): how many of what, and how they are said in JSON and English. */
import { type Atom, type AtomicType, type BaseType, isAtomicType } from './atom.ts';
import { syntaxError } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { isAny, isId, isInteger, isString, MemberReader } from './members.ts';

/** A set of `key`, or a map from `key` to `value`, of `min` to `max` elements. */
export interface ColumnType {
  readonly key: BaseType;
  /** null for a set */
  readonly value: BaseType | null;
  readonly min: 0 | 1;
  /** `Infinity` for `unlimited` */
  readonly max: number;
}

/** Exactly one element, no map. */
export function isScalar(type: ColumnType): boolean {
  return type.min === 1 && type.max === 1 && type.value === null;
}

/** At most one element, no map. */
export function isOptional(type: ColumnType): boolean {
  return type.min === 0 && type.max === 1 && type.value === null;
}

/** More than one element, or pairs: a change is told as the elements that differ. */
export function isComposite(type: ColumnType): boolean {
  return type.max > 1 || type.value !== null;
}

export function baseType(kind: AtomicType): BaseType {
  return { kind, allowed: null, min: null, max: null, refTable: null, refType: 'strong' };
}

export function scalarType(key: BaseType): ColumnType {
  return { key, value: null, min: 1, max: 1 };
}

/**
 * Parses a `<type>`. `parseEnum` reads the set of values of an `enum`: it needs datums, which need types.
 * Throws `OvsdbError`.
 */
export function parseType(
  json: JsonValue,
  parseEnum: (json: JsonValue, kind: AtomicType) => readonly Atom[],
): ColumnType {
  if (typeof json === 'string') return scalarType(parseBaseType(json, 'type', parseEnum));
  const reader = new MemberReader(json, 'ovsdb type');
  const key = parseBaseType(reader.required('key', isAny), 'key', parseEnum);
  const valueJson = reader.optional('value', isAny);
  const value = valueJson === undefined ? null : parseBaseType(valueJson, 'value', parseEnum);
  const min = reader.optional('min', isInteger) ?? 1;
  const maxJson = reader.optional('max', isAny) ?? 1;
  reader.finish();
  if (!isInteger(maxJson) && maxJson !== 'unlimited') {
    throw syntaxError('bad min or max value', json);
  }
  const max = maxJson === 'unlimited' ? Number.POSITIVE_INFINITY : Number(maxJson);
  const atLeast = Number(min);
  if ((atLeast !== 0 && atLeast !== 1) || max < 1 || max < atLeast) {
    throw syntaxError('ovsdb type fails constraint checks', json);
  }
  return { key, value, min: atLeast, max };
}

function parseBaseType(
  json: JsonValue,
  what: string,
  parseEnum: (json: JsonValue, kind: AtomicType) => readonly Atom[],
): BaseType {
  if (typeof json === 'string') {
    if (!isAtomicType(json)) throw syntaxError(`"${json}" is not an atomic-type`, json);
    return baseType(json);
  }
  const reader = new MemberReader(json, 'ovsdb type');
  const kind = reader.required('type', isString);
  if (!isAtomicType(kind)) throw syntaxError(`"${kind}" is not an atomic-type`, kind);
  const enumJson = reader.optional('enum', isAny);
  const allowed = enumJson === undefined ? null : parseEnum(enumJson, kind);
  let min: number | bigint | undefined;
  let max: number | bigint | undefined;
  let refTable: string | undefined;
  let refType: string | undefined;
  if (allowed !== null) {
    // An enumeration has no other constraints.
  } else if (kind === 'integer' || kind === 'string') {
    min = reader.optional(kind === 'integer' ? 'minInteger' : 'minLength', isInteger);
    max = reader.optional(kind === 'integer' ? 'maxInteger' : 'maxLength', isInteger);
  } else if (kind === 'real') {
    min = reader.optional('minReal', isNumber);
    max = reader.optional('maxReal', isNumber);
  } else if (kind === 'uuid') {
    refTable = reader.optional('refTable', isId);
    if (refTable !== undefined) refType = reader.optional('refType', isString);
  }
  reader.finish();
  if (min !== undefined && max !== undefined && min > max) {
    throw syntaxError(`${what} type has its minimum greater than its maximum`, json);
  }
  if (refType !== undefined && refType !== 'strong' && refType !== 'weak') {
    throw syntaxError(`refType must be "strong" or "weak" (not "${refType}")`, json);
  }
  return {
    kind,
    allowed,
    min: min ?? null,
    max: max ?? null,
    refTable: refTable ?? null,
    refType: refType ?? 'strong',
  };
}

function isNumber(value: JsonValue): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** The shortest `<type>` that says this. */
export function typeToJson(type: ColumnType): JsonValue {
  if (isScalar(type)) {
    const key = baseTypeToJson(type.key);
    return typeof key === 'string' ? key : { key };
  }
  const json: JsonObject = { key: baseTypeToJson(type.key) };
  if (type.value !== null) json.value = baseTypeToJson(type.value);
  if (type.min !== 1) json.min = type.min;
  if (type.max !== 1) json.max = type.max === Number.POSITIVE_INFINITY ? 'unlimited' : type.max;
  return json;
}

const LIMIT_NAMES: Partial<Record<AtomicType, readonly [string, string]>> = {
  integer: ['minInteger', 'maxInteger'],
  real: ['minReal', 'maxReal'],
  string: ['minLength', 'maxLength'],
};

function baseTypeToJson(type: BaseType): JsonValue {
  const json: JsonObject = { type: type.kind };
  if (type.allowed !== null) {
    const values = type.allowed.map((atom): JsonValue => (type.kind === 'uuid' ? ['uuid', atom as string] : atom));
    json.enum = values.length === 1 ? values[0]! : ['set', values];
  }
  const [minName, maxName] = LIMIT_NAMES[type.kind] ?? ['', ''];
  if (type.min !== null) json[minName] = type.min;
  if (type.max !== null) json[maxName] = type.max;
  if (type.refTable !== null) json.refTable = type.refTable;
  if (type.refTable !== null && type.refType === 'weak') json.refType = 'weak';
  return Object.keys(json).length === 1 ? type.kind : json;
}

/** Such as `set of up to 3 strings` or `map of (string, integer) pairs`, for errors. */
export function describeType(type: ColumnType): string {
  const { key, value, min, max } = type;
  if (isScalar(type)) return key.kind;
  const unlimited = max === Number.POSITIVE_INFINITY;
  let count = '';
  if (min !== 0) count = unlimited ? `${min} or more ` : `${min} to ${max} `;
  else if (!unlimited) count = `up to ${max} `;
  return value === null ? `set of ${count}${key.kind}s` : `map of ${count}(${key.kind}, ${value.kind}) pairs`;
}
