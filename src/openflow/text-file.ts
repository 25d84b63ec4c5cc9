/**
 * Files of flows, groups or meters: one to a line, `#` starts a comment, blank lines mean nothing. An error says which
 * line and column it is about and shows the line.
 */
import { asPlacedError, explainError } from './text-error.ts';

/** A line of a file that does not say what it should. */
export class OpenFlowFileError extends Error {
  /** the code of the error in the line, see `cause` */
  readonly code: string;
  /** from 1 */
  readonly line: number;
  /** from 1; null = the error is about the whole line */
  readonly column: number | null;

  constructor(code: string, message: string, line: number, column: number | null, cause: unknown) {
    super(message, { cause });
    this.name = 'OpenFlowFileError';
    this.code = code;
    this.line = line;
    this.column = column;
  }
}

/**
 * Calls `parse` for each line of `text` that says something, without its comment, and returns the results. Throws
 * `OpenFlowFileError`, whose message is as that of `ovs-ofctl` (`FILE:LINE: …`) followed by the line and a caret.
 */
export function parseLines<T>(text: string, fileName: string, parse: (line: string) => T): T[] {
  const results: T[] = [];
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.replace(/\r$/, '').replace(/#.*/, '');
    if (line.trim() === '') {
      continue;
    }
    try {
      results.push(parse(line));
    } catch (error) {
      throw describe(error, whole.replace(/\r$/, ''), fileName, index + 1);
    }
  }
  return results;
}

function describe(error: unknown, line: string, fileName: string, lineNumber: number): unknown {
  const placed = asPlacedError(error);
  if (placed === null) {
    return error;
  }
  const column = placed.offset === null ? null : placed.offset + 1;
  const message = `${fileName}:${lineNumber}: ${explainError(placed, line)}`;
  return new OpenFlowFileError(placed.code, message, lineNumber, column, error);
}
