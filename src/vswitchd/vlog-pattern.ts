/** Log patterns: `%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m` and the like (ovs-appctl(8), vlog/set PATTERN). */

/** What a message's pattern may show. */
export interface PatternValues {
  readonly program: string;
  readonly hostname: () => string;
  readonly pid: number;
  /** name of the process or thread, empty for the main one */
  readonly subprogram: string;
  readonly module: string;
  readonly levelName: string;
  /** facility and severity as RFC 5424 joins them */
  readonly syslogPriority: number;
  readonly serial: number;
  readonly wallMs: number;
  readonly sinceStartMs: number;
  readonly message: string;
}

const DEFAULT_DATE = '%Y-%m-%d %H:%M:%S.###';
// %, flags and width, letter, template of a date
const ESCAPE = /%(-?)(0?)(\d*)(?:([dD])(?:\{([^}]*)\})?|(.))/gs;

/** The message as the pattern has it, without a line end of its own. */
export function formatPattern(pattern: string, values: PatternValues): string {
  return pattern.replace(ESCAPE, (_all, minus: string, zero: string, width: string, date, template, letter) => {
    const text =
      date === undefined
        ? escapeText(letter, values)
        : formatDate(template ?? DEFAULT_DATE, values.wallMs, date === 'D');
    const length = Number(width);
    if (minus !== '') return text.padEnd(length);
    return text.padStart(length, zero === '' ? ' ' : '0');
  });
}

function escapeText(letter: string, values: PatternValues): string {
  switch (letter) {
    case 'A':
      return values.program;
    case 'B':
      return String(values.syslogPriority);
    case 'c':
      return values.module;
    case 'E':
      return values.hostname();
    case 'm':
      return values.message;
    case 'N':
      return String(values.serial);
    case 'n':
      return '\n';
    case 'p':
      return values.levelName;
    case 'P':
      return String(values.pid);
    case 'r':
      return String(Math.floor(values.sinceStartMs));
    case 't':
      return values.subprogram === '' ? 'main' : values.subprogram;
    case 'T':
      return values.subprogram === '' ? '' : `(${values.subprogram})`;
    default:
      return letter;
  }
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The time by a template of strftime(3) (C locale; conversions that logs have no use for stay as they are); each run of `#` becomes
 * that many digits of the second's fraction, of which those after the third are 0.
 */
export function formatDate(template: string, wallMs: number, isUtc: boolean): string {
  const time = new Date(wallMs);
  const offsetMinutes = isUtc ? 0 : -time.getTimezoneOffset();
  // Shifted so that the UTC getters give local time.
  const date = new Date(Math.floor(wallMs) + offsetMinutes * 60_000);
  const text = template.replace(/%(.)/gs, (all, letter: string) => dateText(letter, date, offsetMinutes) ?? all);
  const fraction = String(date.getUTCMilliseconds()).padStart(3, '0');
  return text.replace(/#+/g, ({ length }) => fraction.padEnd(length, '0').slice(0, length));
}

function dateText(letter: string, date: Date, offsetMinutes: number): string | null {
  const hours = date.getUTCHours();
  switch (letter) {
    case 'Y':
      return String(date.getUTCFullYear());
    case 'y':
      return two(date.getUTCFullYear() % 100);
    case 'm':
      return two(date.getUTCMonth() + 1);
    case 'd':
      return two(date.getUTCDate());
    case 'e':
      return String(date.getUTCDate()).padStart(2);
    case 'H':
      return two(hours);
    case 'I':
      return two(hours % 12 || 12);
    case 'p':
      return hours < 12 ? 'AM' : 'PM';
    case 'M':
      return two(date.getUTCMinutes());
    case 'S':
      return two(date.getUTCSeconds());
    case 'T':
      return `${two(hours)}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
    case 'R':
      return `${two(hours)}:${two(date.getUTCMinutes())}`;
    case 'F':
      return `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
    case 'a':
      return DAYS[date.getUTCDay()]!.slice(0, 3);
    case 'A':
      return DAYS[date.getUTCDay()]!;
    case 'b':
    case 'h':
      return MONTHS[date.getUTCMonth()]!.slice(0, 3);
    case 'B':
      return MONTHS[date.getUTCMonth()]!;
    case 'j':
      return String(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0)) / DAY_MS) + 1).padStart(3, '0');
    case 's':
      return String(Math.floor(date.getTime() / 1000) - offsetMinutes * 60);
    case 'z':
      return `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offsetMinutes) / 60))}${two(Math.abs(offsetMinutes) % 60)}`;
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case '%':
      return '%';
    default:
      return null;
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
