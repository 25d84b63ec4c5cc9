/**
 * Numbers in OpenFlow text: decimal or `0x` hexadecimal.
 *
 * Open vSwitch has two families. One names what it expects (`invalid priority "x"`) and checks the range; the other
 * (`invalid numeric format x`) lets a number that is too big wrap around. Here both check the range unless `ovsCompat`.
 */
import { OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

const NUMBER = /^[+-]?(?:0x[0-9a-f]+|\d+)$/i;
const OCTAL = /^0[0-7]+$/;

/**
 * The number that `text` says, negative ones too, or null when it says none. A leading 0 makes an octal number where
 * `options` ask for compatibility, and no number at all otherwise: nobody means eight by 010.
 */
export function tryParseInteger(text: string, options: OpenFlowTextOptions): bigint | null {
  if (!NUMBER.test(text)) {
    return null;
  }
  const negative = text.startsWith('-');
  const digits = negative || text.startsWith('+') ? text.slice(1) : text;
  let magnitude: bigint;
  if (digits.length > 1 && digits.startsWith('0') && !/^0x/i.test(digits)) {
    if (options.ovsCompat !== true || !OCTAL.test(digits)) {
      return null;
    }
    magnitude = BigInt(`0o${digits}`);
  } else {
    magnitude = BigInt(digits);
  }
  return negative ? -magnitude : magnitude;
}

/** A number of 0..`maximum` (at most 2^53 - 1); the error names it: `invalid priority "70000" (expected 0 to 65535)`. */
export function parseNamedNumber(text: string, name: string, maximum: number, options: OpenFlowTextOptions): number {
  const value = tryParseInteger(text, options);
  if (value === null || value < 0n || value > BigInt(maximum)) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `invalid ${name} "${text}" (expected 0 to ${maximum})`);
  }
  return Number(value);
}

/** A 32-bit number: `set_queue`, `group`, `meter` … Compatible: negative and bigger ones wrap around. */
export function parseUint32(text: string, options: OpenFlowTextOptions): number {
  return Number(parseUnsigned(text, 32n, options));
}

/** A 64-bit number: cookies, metadata, tunnel ids. A negative one is its two's complement, as in Open vSwitch. */
export function parseUint64(text: string, options: OpenFlowTextOptions): bigint {
  return parseUnsigned(text, 64n, options);
}

function parseUnsigned(text: string, bits: bigint, options: OpenFlowTextOptions): bigint {
  if (text === '') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', 'missing required numeric argument');
  }
  const expected = `expected 0 to ${(1n << bits) - 1n}`;
  const value = tryParseInteger(text, options);
  if (value === null || value >= 1n << 64n) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `invalid numeric format ${text} (${expected})`);
  }
  const isComplement = bits === 64n && value < 0n && value >= -(1n << 63n);
  if (!isComplement && options.ovsCompat !== true && (value < 0n || value >= 1n << bits)) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `invalid numeric format ${text} (${expected})`);
  }
  return BigInt.asUintN(Number(bits), value);
}

/**
 * A number that Open vSwitch reads without looking (`atoi`): compatible, garbage is 0 and too much wraps around;
 * otherwise an error that names it.
 */
export function parseCarelessNumber(text: string, name: string, bits: number, options: OpenFlowTextOptions): number {
  if (options.ovsCompat !== true) {
    return parseNamedNumber(text, name, 2 ** bits - 1, options);
  }
  const digits = /^\s*[+-]?\d+/.exec(text);
  return digits === null ? 0 : Number(BigInt.asUintN(bits, BigInt(digits[0].trim().replace('+', ''))));
}

/** `01.02.ff` or `0102ff` as bytes; the error names the action: `bad hex digit in \`note' argument`. */
export function parseHexBytes(text: string, where: string): Uint8Array {
  const digits = text.replace(/([0-9a-f]{2})\./gi, '$1');
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `bad hex digit in ${where}`);
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}

/** `01.02.ff` */
export function formatHexBytes(bytes: Uint8Array, separator: string): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator);
}
