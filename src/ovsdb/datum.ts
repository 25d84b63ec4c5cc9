/**
 * Datums: the contents of one column of one row (RFC 7047 section 5.1 `<value>`). Keys are sorted and distinct, whatever
 * the type: a scalar is a set of one. So equality, union and difference are merges, and one code serves sets and maps.
 * A datum never changes; a new value is a new datum.
 */
import {
  type Atom,
  atomToJson,
  checkAtom,
  compareAtoms,
  defaultAtom,
  formatAtom,
  parseAtom,
  type ResolveName,
} from './atom.ts';
import { constraintViolation, OvsdbError, syntaxError } from './errors.ts';
import type { JsonValue } from './json.ts';
import { type ColumnType, describeType, isComposite } from './types.ts';

export interface Datum {
  /** sorted, distinct */
  readonly keys: readonly Atom[];
  /** of a map: the value of each key */
  readonly values: readonly Atom[] | null;
}

export const EMPTY_SET: Datum = { keys: [], values: null };
const EMPTY_MAP: Datum = { keys: [], values: [] };

/** The default of RFC 7047 section 5.2.1. */
export function defaultDatum(type: ColumnType): Datum {
  if (type.min === 0) return type.value === null ? EMPTY_SET : EMPTY_MAP;
  return {
    keys: [defaultAtom(type.key.kind)],
    values: type.value === null ? null : [defaultAtom(type.value.kind)],
  };
}

/** Makes a datum of keys in any order. Throws `OvsdbError` if a key comes twice. */
export function createDatum(keys: readonly Atom[], values: readonly Atom[] | null): Datum {
  if (isSorted(keys)) return { keys, values };
  const order = keys.map((_, i) => i).sort((a, b) => compareAtoms(keys[a]!, keys[b]!));
  for (let i = 1; i < order.length; i++) {
    if (keys[order[i]!] === keys[order[i - 1]!]) {
      throw new OvsdbError('ovsdb error', values === null ? 'set contains duplicate' : 'map contains duplicate key');
    }
  }
  return {
    keys: order.map((i) => keys[i]!),
    values: values === null ? null : order.map((i) => values[i]!),
  };
}

function isSorted(keys: readonly Atom[]): boolean {
  for (let i = 1; i < keys.length; i++) {
    if (compareAtoms(keys[i - 1]!, keys[i]!) >= 0) return false;
  }
  return true;
}

/** Parses a `<value>` and checks number of elements and constraints. Throws `OvsdbError`. */
export function parseDatum(json: JsonValue, type: ColumnType, resolve: ResolveName | null = null): Datum {
  const { key, value } = type;
  const isList = Array.isArray(json) && json[0] === 'set';
  if (value === null && !isList) {
    const atom = parseAtom(json, key.kind, resolve);
    checkAtom(atom, key);
    return { keys: [atom], values: null };
  }
  const name = value === null ? 'set' : 'map';
  const elements = Array.isArray(json) && json.length === 2 && json[0] === name ? json[1] : undefined;
  if (!Array.isArray(elements)) throw syntaxError(`expected ["${name}", <array>]`, json);
  checkCount(elements.length, type, name, json);

  const keys: Atom[] = [];
  const values: Atom[] | null = value === null ? null : [];
  for (const element of elements) {
    let keyJson: JsonValue = element;
    if (value !== null) {
      if (!Array.isArray(element) || element.length !== 2) throw syntaxError('expected 2-element array', element);
      keyJson = element[0]!;
    }
    const keyAtom = parseAtom(keyJson, key.kind, resolve);
    checkAtom(keyAtom, key);
    keys.push(keyAtom);
    if (value !== null) {
      const valueAtom = parseAtom((element as JsonValue[])[1]!, value.kind, resolve);
      checkAtom(valueAtom, value);
      values!.push(valueAtom);
    }
  }
  return createDatum(keys, values);
}

function checkCount(count: number, type: ColumnType, name: string, json: JsonValue): void {
  const { min, max } = type;
  if (count >= min && count <= max) return;
  if (min === max) throw syntaxError(`${name} must have exactly one member but ${count} are present`, json);
  throw syntaxError(
    max === Number.POSITIVE_INFINITY
      ? `${name} must have ${min} or more members but ${count} are present`
      : `${name} must have ${min} to ${max} members but ${count} are present`,
    json,
  );
}

export function datumToJson(datum: Datum, type: ColumnType): JsonValue {
  const { keys, values } = datum;
  const kind = type.key.kind;
  if (values !== null && type.value !== null) {
    const valueKind = type.value.kind;
    return ['map', keys.map((key, i) => [atomToJson(key, kind), atomToJson(values[i]!, valueKind)])];
  }
  if (keys.length === 1) return atomToJson(keys[0]!, kind);
  return ['set', keys.map((key) => atomToJson(key, kind))];
}

/** The datum as tools show it: `[a, b]`, `{a=1}`, or one bare atom. */
export function formatDatum(datum: Datum, type: ColumnType): string {
  const { keys, values } = datum;
  if (values !== null) return `{${keys.map((key, i) => `${formatAtom(key)}=${formatAtom(values[i]!)}`).join(', ')}}`;
  const text = keys.map(formatAtom).join(', ');
  return keys.length === 1 && !isComposite(type) ? text : `[${text}]`;
}

/** Throws `OvsdbError` unless every element is one that the type allows. */
export function checkDatumConstraints(datum: Datum, type: ColumnType): void {
  for (const key of datum.keys) checkAtom(key, type.key);
  if (datum.values !== null && type.value !== null) {
    for (const value of datum.values) checkAtom(value, type.value);
  }
}

/** Throws `OvsdbError` unless the number of elements fits the type. */
export function checkDatumCount(datum: Datum, type: ColumnType): void {
  const count = datum.keys.length;
  if (count < type.min || count > type.max) {
    throw constraintViolation(`Attempted to store ${count} elements in ${describeType(type)}.`);
  }
}

export function datumsEqual(a: Datum, b: Datum): boolean {
  if (a === b) return true;
  const count = a.keys.length;
  if (count !== b.keys.length) return false;
  for (let i = 0; i < count; i++) {
    if (a.keys[i] !== b.keys[i]) return false;
    if (a.values !== null && a.values[i] !== b.values?.[i]) return false;
  }
  return true;
}

/** Where the key is, or -1. */
function findKey(datum: Datum, key: Atom): number {
  const { keys } = datum;
  let low = 0;
  let high = keys.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = compareAtoms(keys[middle]!, key);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Whether `datum` holds every element of `part` (pairs, for maps). */
export function includesAll(datum: Datum, part: Datum): boolean {
  return part.keys.every((_, i) => includesElement(datum, part, i));
}

/** Whether `datum` holds no element of `part`. */
export function excludesAll(datum: Datum, part: Datum): boolean {
  return part.keys.every((_, i) => !includesElement(datum, part, i));
}

function includesElement(datum: Datum, part: Datum, i: number): boolean {
  const at = findKey(datum, part.keys[i]!);
  return at >= 0 && (part.values === null || datum.values === null || datum.values[at] === part.values[i]);
}

/** Elements of both; a key of both keeps the value that it has in `a`. */
export function unionDatums(a: Datum, b: Datum): Datum {
  const added = b.keys.map((_, i) => i).filter((i) => findKey(a, b.keys[i]!) < 0);
  if (added.length === 0) return a;
  return createDatum(
    [...a.keys, ...added.map((i) => b.keys[i]!)],
    a.values === null ? null : [...a.values, ...added.map((i) => b.values![i]!)],
  );
}

/** What remains of `a` without the elements of `b`; where `b` is a set, its keys go whatever their values. */
export function subtractDatums(a: Datum, b: Datum): Datum {
  return filterDatum(a, (key, value) => {
    const at = findKey(b, key);
    return at < 0 || (value !== null && b.values !== null && b.values[at] !== value);
  });
}

/** The elements for which `keep` holds; the same datum if all stay. */
export function filterDatum(datum: Datum, keep: (key: Atom, value: Atom | null) => boolean): Datum {
  const { keys, values } = datum;
  const kept = keys.map((_, i) => i).filter((i) => keep(keys[i]!, values === null ? null : values[i]!));
  if (kept.length === keys.length) return datum;
  return { keys: kept.map((i) => keys[i]!), values: values === null ? null : kept.map((i) => values[i]!) };
}

/**
 * What a `modify` of `update2` carries (ovsdb-server(7) section 4.1.14): the new value of a column of one element; the
 * elements in only one of two sets; of two maps the pairs whose keys are in one of them, and the new values of those that changed.
 */
export function diffDatums(before: Datum, after: Datum, type: ColumnType): Datum {
  if (!isComposite(type)) return after;
  const removed = filterDatum(before, (key) => findKey(after, key) < 0);
  const changed = filterDatum(after, (key, value) => {
    const at = findKey(before, key);
    return at < 0 || (value !== null && before.values![at] !== value);
  });
  return createDatum(
    [...removed.keys, ...changed.keys],
    after.values === null ? null : [...removed.values!, ...changed.values!],
  );
}

/** The value that `diffDatums` led from `before` to. */
export function applyDiff(before: Datum, diff: Datum, type: ColumnType): Datum {
  if (!isComposite(type)) return diff;
  const kept = filterDatum(before, (key) => findKey(diff, key) < 0);
  const added = filterDatum(diff, (key, value) => {
    const at = findKey(before, key);
    return at < 0 || (value !== null && before.values![at] !== value);
  });
  return createDatum(
    [...kept.keys, ...added.keys],
    before.values === null ? null : [...kept.values!, ...added.values!],
  );
}

/** The type that a difference of such columns has: any number of elements. */
export function diffType(type: ColumnType): ColumnType {
  return isComposite(type) ? { ...type, min: 0, max: Number.POSITIVE_INFINITY } : type;
}
