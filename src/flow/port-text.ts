/**
 * OpenFlow ports in text (ovs-ofctl(8), "OpenFlow port"): a number, a reserved name in any case, or a port's own name
 * where the caller knows the names. Values are OpenFlow 1.0's 16-bit numbers, as in the key.
 */
import { MatchError } from './errors.ts';
import { portFromOpenFlow11 } from './field-access.ts';

/** Names of ports, where they are known. */
export interface PortNames {
  /** the OpenFlow number of the port of that name */
  numberOf(name: string): number | undefined;
  /** the name of the port of that OpenFlow number */
  nameOf(number: number): string | undefined;
}

const RESERVED_PORTS: readonly (readonly [number, string])[] = [
  [0xfff7, 'UNSET'],
  [0xfff8, 'IN_PORT'],
  [0xfff9, 'TABLE'],
  [0xfffa, 'NORMAL'],
  [0xfffb, 'FLOOD'],
  [0xfffc, 'ALL'],
  [0xfffd, 'CONTROLLER'],
  [0xfffe, 'LOCAL'],
  [0xffff, 'ANY'],
];
const RESERVED_NAMES: ReadonlyMap<number, string> = new Map(RESERVED_PORTS);
const RESERVED_NUMBERS: ReadonlyMap<string, number> = new Map([
  ...RESERVED_PORTS.map(([number, name]) => [name, number] as const),
  ['NONE', 0xffff],
]);

const NUMBER_PATTERN = /^[0-9]{1,10}$/;
const PLAIN_NAME_PATTERN = /^[a-z][a-z0-9]*$/i;

/**
 * The 16-bit number of the port that `text` says. `key` is what the error names. Throws `MatchError`
 * (`VALUE_INVALID`).
 */
export function parsePort(text: string, key: string, ports?: PortNames): number {
  if (NUMBER_PATTERN.test(text)) {
    const number = portFromOpenFlow11(Number(text));
    if (number <= 0xffff) {
      return number;
    }
  }
  const name = unquote(text);
  const number = RESERVED_NUMBERS.get(text.toUpperCase()) ?? (name === null ? undefined : ports?.numberOf(name));
  if (number === undefined) {
    throw new MatchError(
      'VALUE_INVALID',
      `${text}: invalid or unknown port for ${key} (expected 0 to 65535, a reserved name such as LOCAL, or a port's name)`,
    );
  }
  return number;
}

/** The port's reserved name, its own name (in quotes unless it is plain letters and digits), or its number. */
export function formatPort(number: number, ports?: PortNames): string {
  const reserved = RESERVED_NAMES.get(number);
  if (reserved !== undefined) {
    return reserved;
  }
  const name = ports?.nameOf(number);
  if (name === undefined) {
    return String(number);
  }
  return PLAIN_NAME_PATTERN.test(name) ? name : JSON.stringify(name);
}

function unquote(text: string): string | null {
  if (!text.startsWith('"')) {
    return text;
  }
  try {
    const name: unknown = JSON.parse(text);
    return typeof name === 'string' ? name : null;
  } catch {
    return null;
  }
}
