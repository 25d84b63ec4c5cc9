/**
 * Reads the text forms of the datapath piece by piece and knows where it is, so that errors can say it.
 */
import { parseEthernetAddress, parseIpv4Address, parseIpv6Address } from '../wire/index.ts';
import type { AttributeFormat } from './attribute-fields.ts';
import { DatapathError, type DatapathErrorCode } from './errors.ts';

const NAME = /[a-z_][a-z0-9_]*/iy;
const NUMBER = /0x[0-9a-f]+|[0-9]+/iy;
const ADDRESS = /[0-9a-f:.]+/iy;
const SPACE = /\s*/y;

export class TextReader {
  readonly text: string;
  position: number;
  readonly #syntaxCode: DatapathErrorCode;

  constructor(text: string, position: number, syntaxCode: DatapathErrorCode) {
    this.text = text;
    this.position = position;
    this.#syntaxCode = syntaxCode;
  }

  skipSpace(): void {
    this.#match(SPACE);
  }

  atEnd(): boolean {
    this.skipSpace();
    return this.position >= this.text.length;
  }

  /** Takes `literal` if it comes next. */
  take(literal: string): boolean {
    if (!this.text.startsWith(literal, this.position)) {
      return false;
    }
    this.position += literal.length;
    return true;
  }

  expect(literal: string): void {
    if (!this.take(literal)) {
      throw this.syntaxError(`"${literal}"`);
    }
  }

  /** What `pattern` (sticky) matches here; throws when it does not. */
  expectMatch(pattern: RegExp, expected: string): string {
    const text = this.#match(pattern);
    if (text === '') {
      throw this.syntaxError(expected);
    }
    return text;
  }

  /** A name, or '' when none is here. */
  takeName(): string {
    return this.#match(NAME);
  }

  expectName(expected: string): string {
    return this.expectMatch(NAME, expected);
  }

  /** A decimal or hexadecimal number of at most `width` bits. */
  expectNumber(width: number): bigint {
    const start = this.position;
    const text = this.expectMatch(NUMBER, 'a number');
    const value = BigInt(text);
    if (value >> BigInt(width) !== 0n) {
      throw this.valueError(start, `${text}: number too large`, `at most ${(1n << BigInt(width)) - 1n}`);
    }
    return value;
  }

  /** A value in a format; the flags and `frag` are not read here. */
  expectValue(format: AttributeFormat, width: number): bigint {
    if (format === 'decimal' || format === 'hexadecimal') {
      return this.expectNumber(width);
    }
    const start = this.position;
    const text = this.expectMatch(ADDRESS, `an ${format} address`);
    try {
      switch (format) {
        case 'ethernet':
          return parseEthernetAddress(text);
        case 'ipv4':
          return BigInt(parseIpv4Address(text));
        default:
          return parseIpv6Address(text);
      }
    } catch (error) {
      throw this.valueError(start, error instanceof Error ? error.message : text, `an ${format} address`);
    }
  }

  /** Text up to, and without, the next `)` or `,` or `/`. */
  untilDelimiter(): string {
    const start = this.position;
    while (this.position < this.text.length && !'),/'.includes(this.text[this.position]!)) {
      this.position++;
    }
    return this.text.slice(start, this.position);
  }

  syntaxError(expected: string): DatapathError {
    const rest = this.text.slice(this.position);
    return new DatapathError(
      this.#syntaxCode,
      `syntax error at ${rest === '' ? 'the end' : rest}`,
      this.position,
      expected,
    );
  }

  valueError(position: number, message: string, expected: string): DatapathError {
    const code = this.#syntaxCode === 'FLOW_SYNTAX_INVALID' ? 'FLOW_VALUE_INVALID' : 'ACTION_VALUE_INVALID';
    return new DatapathError(code, message, position, expected);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text);
    if (found === null) {
      return '';
    }
    this.position = pattern.lastIndex;
    return found[0];
  }
}
