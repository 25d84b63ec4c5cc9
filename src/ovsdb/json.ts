/**
 * JSON as OVSDB uses it: integers have 64 bits. `JSON.parse` would round those beyond 2^53, so texts that hold a long
 * number go through a parser of our own, all others (nearly all) through `JSON.parse`. An integer is a `number` where
 * that is exact and a `bigint` elsewhere, never both for one value.
 */

export type JsonValue = null | boolean | number | bigint | string | JsonValue[] | JsonObject;
export interface JsonObject {
  [name: string]: JsonValue;
}

/** The nesting that Open vSwitch's parser takes. */
export const MAX_JSON_DEPTH = 1000;

const LONG_NUMBER = /\d{16}/;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WHITE_SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;

/** Parses one JSON text. Throws `SyntaxError`, also for strings that hold a null character (Open vSwitch has C strings). */
export function parseJson(text: string): JsonValue {
  const value = LONG_NUMBER.test(text) ? parseExactly(text) : (JSON.parse(text) as JsonValue);
  if (text.includes('\\u0000')) rejectNull(value);
  return value;
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The shortest text of the value; members in their own order. */
export function stringifyJson(value: JsonValue): string {
  // bigint is rare: let the engine do everything else
  try {
    return JSON.stringify(value);
  } catch {
    return stringifyWith(value, (names) => names);
  }
}

/** As `stringifyJson` with the members of objects in order of their names. */
export function stringifySorted(value: JsonValue): string {
  return stringifyWith(value, (names) => names.sort());
}

/** Whether two values are the same; the order of members does not matter. */
export function jsonEquals(a: JsonValue, b: JsonValue): boolean {
  return a === b || stringifySorted(a) === stringifySorted(b);
}

function stringifyWith(value: JsonValue, order: (names: string[]) => string[]): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((element) => stringifyWith(element, order)).join(',')}]`;
  const members = order(Object.keys(value)).map(
    (name) => `${JSON.stringify(name)}:${stringifyWith(value[name]!, order)}`,
  );
  return `{${members.join(',')}}`;
}

function rejectNull(value: JsonValue): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new SyntaxError('null bytes not supported in quoted strings');
  } else if (Array.isArray(value)) {
    for (const element of value) rejectNull(element);
  } else if (isJsonObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      rejectNull(name);
      rejectNull(member);
    }
  }
}

function parseExactly(text: string): JsonValue {
  let at = 0;

  function fail(): never {
    throw new SyntaxError(`Unexpected ${at < text.length ? `token at position ${at}` : 'end of JSON input'}`);
  }
  function take(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) fail();
    at += found.length;
    return found;
  }
  function takeIf(character: string): boolean {
    if (text[at] !== character) return false;
    at++;
    return true;
  }
  function value(depth: number): JsonValue {
    if (depth > MAX_JSON_DEPTH) throw new SyntaxError('input exceeds maximum nesting depth');
    take(WHITE_SPACE);
    const result = bareValue(depth);
    take(WHITE_SPACE);
    return result;
  }
  function bareValue(depth: number): JsonValue {
    switch (text[at]) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return JSON.parse(take(STRING)) as string;
      default:
        for (const [word, meaning] of [['true', true] as const, ['false', false] as const, ['null', null] as const]) {
          if (text.startsWith(word, at)) {
            at += word.length;
            return meaning;
          }
        }
        return number();
    }
  }
  function number(): JsonValue {
    NUMBER.lastIndex = at;
    const found = NUMBER.exec(text);
    if (found === null) fail();
    at += found[0].length;
    const near = Number(found[0]);
    if (Number.isSafeInteger(near) || found[1] !== undefined || found[2] !== undefined) return near;
    const exact = BigInt(found[0]);
    // What needs more than 64 bits is a real, as for Open vSwitch.
    return BigInt.asIntN(64, exact) === exact ? exact : near;
  }
  function array(depth: number): JsonValue {
    const elements: JsonValue[] = [];
    at++;
    take(WHITE_SPACE);
    if (takeIf(']')) return elements;
    do elements.push(value(depth + 1));
    while (takeIf(','));
    if (!takeIf(']')) fail();
    return elements;
  }
  function object(depth: number): JsonValue {
    const members: [string, JsonValue][] = [];
    at++;
    take(WHITE_SPACE);
    if (takeIf('}')) return {};
    do {
      take(WHITE_SPACE);
      const name = JSON.parse(take(STRING)) as string;
      take(WHITE_SPACE);
      if (!takeIf(':')) fail();
      members.push([name, value(depth + 1)]);
    } while (takeIf(','));
    if (!takeIf('}')) fail();
    return Object.fromEntries(members);
  }

  const result = value(0);
  if (at !== text.length) fail();
  return result;
}
