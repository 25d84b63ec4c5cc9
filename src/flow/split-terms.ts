/**
 * The outermost syntax of everything `ovs-ofctl` reads: `key=value` and `key` between commas or white space. Flows, groups and
 * meters are lists of such terms, and many actions have them in parentheses.
 */

/** One term of a flow's text; `value` is `null` when there was only a key. */
export interface TextTerm {
  readonly key: string;
  readonly value: string | null;
}

const SEPARATOR_PATTERN = /[,\s]+/y;
const KEY_PATTERN = /[^,\s=:(]*/y;
/**
 * Splits the text of a flow as Open vSwitch does: terms between commas or white space, a key up to `=`, `:` or `(`, and a
 * value in which parentheses protect separators. Never throws.
 */
export function splitTerms(text: string): TextTerm[] {
  const terms: TextTerm[] = [];
  let position = skip(SEPARATOR_PATTERN, text, 0);
  while (position < text.length) {
    const keyEnd = skip(KEY_PATTERN, text, position);
    const key = text.slice(position, keyEnd);
    const delimiter = text[keyEnd];
    if (delimiter === '=' || delimiter === ':') {
      position = valueEnd(text, keyEnd + 1);
      terms.push({ key, value: text.slice(keyEnd + 1, position) });
    } else if (delimiter === '(') {
      position = closingParenthesis(text, keyEnd);
      terms.push({ key, value: text.slice(keyEnd + 1, position) });
      position++;
    } else {
      position = keyEnd;
      terms.push({ key, value: null });
    }
    position = skip(SEPARATOR_PATTERN, text, position);
  }
  return terms;
}

function skip(pattern: RegExp, text: string, position: number): number {
  pattern.lastIndex = position;
  return pattern.test(text) ? pattern.lastIndex : position;
}

function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let position = start; position < text.length; position++) {
    const character = text[position]!;
    if (character === '(') {
      depth++;
    } else if (character === ')') {
      depth = Math.max(0, depth - 1);
    } else if (depth === 0 && (character === ',' || character.trim() === '')) {
      return position;
    }
  }
  return text.length;
}

function closingParenthesis(text: string, opening: number): number {
  let depth = 0;
  for (let position = opening; position < text.length; position++) {
    if (text[position] === '(') {
      depth++;
    } else if (text[position] === ')' && --depth === 0) {
      return position;
    }
  }
  return text.length;
}
