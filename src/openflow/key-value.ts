/**
 * The list syntax that actions, flows, groups, meters and many actions' arguments share: `key`, `key=value`,
 * `key:value` or `key(value)`, separated by commas or blanks. Parentheses nest, so `ct(commit,exec(load:1->ct_mark))` is one
 * item; `(...)` may be followed by `->destination`.
 */
import { moveError } from './text-error.ts';

export interface KeyValue {
  readonly key: string;
  /** '' when there is none */
  readonly value: string;
  /** what stood between key and value; '' when there is no value */
  readonly delimiter: '' | '=' | ':' | '(';
  /** after `)->`; null when there is none */
  readonly destination: string | null;
  readonly keyOffset: number;
  readonly valueOffset: number;
  /** just behind the item */
  readonly endOffset: number;
}

const SEPARATORS = ' \t\r\n,';
const KEY_ENDS = '=:( \t\r\n,';

/**
 * Calls `visit` for each item of `text`. An error that it throws gets the item's place: the value's start plus the place
 * that the error has already, or else the key.
 */
export function eachKeyValue(text: string, visit: (item: KeyValue) => void): void {
  let position = skip(text, 0);
  while (position < text.length) {
    const item = readItem(text, position);
    try {
      visit(item);
    } catch (error) {
      throw moveError(error, item.valueOffset, item.keyOffset);
    }
    position = skip(text, item.endOffset);
  }
}

function skip(text: string, start: number): number {
  let position = start;
  while (position < text.length && SEPARATORS.includes(text[position]!)) {
    position++;
  }
  return position;
}

function readItem(text: string, keyOffset: number): KeyValue {
  let keyEnd = endOfQuoted(text, keyOffset);
  while (keyEnd < text.length && !KEY_ENDS.includes(text[keyEnd]!)) {
    keyEnd++;
  }
  const key = text.slice(keyOffset, keyEnd);
  const delimiter = text[keyEnd];
  const valueOffset = keyEnd + 1;
  if (delimiter === '=' || delimiter === ':') {
    const endOffset = endOfPlainValue(text, valueOffset);
    const value = text.slice(valueOffset, endOffset);
    return { key, value, delimiter, destination: null, keyOffset, valueOffset, endOffset };
  }
  if (delimiter === '(') {
    const close = closingParenthesis(text, keyEnd);
    const value = text.slice(valueOffset, close);
    const hasDestination = text.startsWith(')->', close);
    const endOffset = hasDestination ? endOfPlainValue(text, close + 3) : Math.min(close + 1, text.length);
    const destination = hasDestination ? text.slice(close + 3, endOffset) : null;
    return { key, value, delimiter, destination, keyOffset, valueOffset, endOffset };
  }
  return { key, value: '', delimiter: '', destination: null, keyOffset, valueOffset: keyEnd, endOffset: keyEnd };
}

/** Where a `"..."` that starts here ends; `start` when there is none. */
function endOfQuoted(text: string, start: number): number {
  if (text[start] !== '"') {
    return start;
  }
  let position = start + 1;
  while (position < text.length && text[position] !== '"') {
    position += text[position] === '\\' ? 2 : 1;
  }
  return position < text.length ? position + 1 : start;
}

/** The first separator outside parentheses and quotes, or the end. */
function endOfPlainValue(text: string, start: number): number {
  let depth = 0;
  let position = endOfQuoted(text, start);
  for (; position < text.length; position++) {
    const character = text[position]!;
    if (character === '(') {
      depth++;
    } else if (character === ')') {
      depth = Math.max(0, depth - 1);
    } else if (depth === 0 && SEPARATORS.includes(character)) {
      break;
    }
  }
  return position;
}

/** The `)` that belongs to the `(` at `open`, or the end of the text. */
function closingParenthesis(text: string, open: number): number {
  let depth = 0;
  for (let position = open; position < text.length; position++) {
    if (text[position] === '(') {
      depth++;
    } else if (text[position] === ')') {
      depth--;
      if (depth === 0) {
        return position;
      }
    }
  }
  return text.length;
}
