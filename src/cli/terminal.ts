/**
 * How things look: colours where there is a terminal, tables, wrapped lines, and one line that shows progress.
 */
import type { CliIo, CliOutput } from './io.ts';

/** What a report is laid out for when there is no terminal to ask. */
const DEFAULT_WIDTH = 100;
const MINIMUM_WIDTH = 60;
const PROGRESS_INTERVAL_MS = 100;

/** Adds emphasis to text, or leaves it alone where colours are not wanted. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  accent(text: string): string;
}

type Env = CliIo['env'];

/** Colours are for terminals, and for nobody who set NO_COLOR (https://no-color.org). */
export function styleFor(output: CliOutput, env: Env): Style {
  const isPlain = !output.isTTY || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb';
  const paint =
    (code: number, end: number) =>
    (text: string): string =>
      isPlain || text === '' ? text : `\u001b[${code}m${text}\u001b[${end}m`;
  return { bold: paint(1, 22), dim: paint(2, 22), good: paint(32, 39), bad: paint(31, 39), accent: paint(36, 39) };
}

/** The width to lay text out for. */
export function widthOf(output: CliOutput): number {
  return output.columns === 0 ? DEFAULT_WIDTH : Math.max(MINIMUM_WIDTH, Math.min(DEFAULT_WIDTH, output.columns));
}

/** `12,345` */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `97.3 %`; `-` of nothing */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

/** `2.50`; `-` of nothing */
export function formatRatio(part: number, whole: number): string {
  return whole === 0 ? '-' : (part / whole).toFixed(2);
}

/** `12.3 MB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `counted(1, 'mask')` is `1 mask`, `counted(2, 'mask')` is `2 masks`. */
export function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export interface Column {
  readonly title: string;
  /** numbers stand right */
  readonly align?: 'left' | 'right';
}

/** A table with a head; the last column, if it is text, wraps into `width`. Lines are indented by two. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
  style: Style,
): string {
  const last = columns.length - 1;
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const lastStart = 2 + widths.slice(0, last).reduce((sum, each) => sum + each + 2, 0);
  const cell = (text: string, index: number): string => {
    if (columns[index]!.align === 'right') {
      return text.padStart(widths[index]!);
    }
    return index === last ? text : text.padEnd(widths[index]!);
  };
  const line = (cells: readonly string[]): string => `  ${cells.map(cell).join('  ')}`.trimEnd();
  const lines = [style.dim(line(columns.map(({ title }) => title)))];
  for (const row of rows) {
    const text = line(row);
    lines.push(columns[last]!.align === 'right' ? text : wrap(text, width, lastStart));
  }
  return `${lines.join('\n')}\n`;
}

/** Breaks a line after blanks and commas so that it fits; following lines are indented. Words too long stay whole. */
export function wrap(line: string, width: number, indent: number): string {
  const lines: string[] = [];
  let rest = line;
  let lead = '';
  while (lead.length + rest.length > width) {
    const room = width - lead.length;
    const skip = lead === '' ? (/^ */.exec(rest)?.[0].length ?? 0) : 0;
    let cut = -1;
    for (let at = Math.min(room, rest.length - 1); at > skip; at--) {
      if (rest[at] === ' ' || rest[at - 1] === ',' || rest[at - 1] === ' ') {
        cut = at;
        break;
      }
    }
    if (cut < 0 || rest.slice(0, cut).trim() === '') {
      break;
    }
    lines.push((lead + rest.slice(0, cut)).trimEnd());
    rest = rest.slice(cut).trimStart();
    lead = ' '.repeat(indent);
  }
  lines.push(lead + rest);
  return lines.join('\n');
}

/** A headline with an empty line before it. */
export function heading(text: string, remark: string, style: Style): string {
  return `\n${style.bold(text)}${remark === '' ? '' : `  ${style.dim(remark)}`}\n`;
}

/** One line on a terminal that is written over and over, and gone at the end. Elsewhere nothing is shown. */
export class ProgressLine {
  readonly #output: CliOutput;
  readonly #clock: () => number;
  #shown = false;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(output: CliOutput, clock: () => number) {
    this.#output = output;
    this.#clock = clock;
  }

  /** Shows the text unless the last one is too young. */
  update(text: () => string): void {
    const nowMs = this.#clock();
    if (this.#output.isTTY && nowMs - this.#lastMs >= PROGRESS_INTERVAL_MS) {
      this.#lastMs = nowMs;
      this.show(text());
    }
  }

  show(text: string): void {
    if (this.#output.isTTY) {
      this.#shown = true;
      // A terminal that does not know its width is taken for an old one.
      const width = this.#output.columns || 80;
      this.#output.write(`\r\u001b[2K${text.slice(0, width - 1)}`);
    }
  }

  clear(): void {
    if (this.#shown) {
      this.#shown = false;
      this.#output.write('\r\u001b[2K');
    }
  }
}
