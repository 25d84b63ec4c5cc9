/**
 * What goes wrong when text is read as OpenFlow: one error class, and the place in the text where it happened.
 *
 * Parsers of values know their own few characters, not the line around them. So an error starts without a place or
 * with one in the value, and every list parser on the way out moves it by where the value stood (`moveError`). At the
 * top it is an offset in the whole line, from which `explainError` draws the line with a caret.
 */
import { OpenFlowError } from './errors.ts';

/** What kind of mistake. Stable: programs may test for it. */
export type OpenFlowTextErrorCode =
  | 'OPENFLOW_TEXT_ACTION'
  | 'OPENFLOW_TEXT_FIELD'
  | 'OPENFLOW_TEXT_KEY'
  | 'OPENFLOW_TEXT_MISSING'
  | 'OPENFLOW_TEXT_NUMBER'
  | 'OPENFLOW_TEXT_ORDER'
  | 'OPENFLOW_TEXT_PORT'
  | 'OPENFLOW_TEXT_TABLE'
  | 'OPENFLOW_TEXT_VALUE';

/** Text that does not say an action, flow, group or meter. The message is Open vSwitch's where it has one. */
export class OpenFlowTextError extends Error {
  /** one of `OpenFlowTextErrorCode`, or the code of the error that reading a match or an address raised (see `cause`) */
  readonly code: string;
  /** where in the text, from 0; null = not known */
  offset: number | null = null;

  constructor(code: OpenFlowTextErrorCode, message: string);
  constructor(code: string, message: string, options: { cause: unknown });
  constructor(code: string, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'OpenFlowTextError';
    this.code = code;
  }
}

/**
 * An error that came out of text which starts at `start` of a longer one, made to fit the longer one: its place moves
 * by `start`, or is `place` when it had none. Errors of the layers below become an `OpenFlowTextError` with the same code.
 * Bugs (errors without a `code`) come back as they are.
 */
export function moveError(error: unknown, start: number, place: number): unknown {
  const placed = asPlacedError(error);
  if (placed !== null) {
    placed.offset = placed.offset === null ? place : placed.offset + start;
    return placed;
  }
  return error;
}

/** `error` as one of the two classes that know their place, or null when it is a bug and not bad input. */
export function asPlacedError(error: unknown): OpenFlowTextError | OpenFlowError | null {
  if (error instanceof OpenFlowTextError || error instanceof OpenFlowError) {
    return error;
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return new OpenFlowTextError(error.code, error.message, { cause: error });
  }
  return null;
}

/** The error's message, and below it the line that it is about with a caret under the place. */
export function explainError(error: OpenFlowTextError | OpenFlowError, line: string): string {
  if (error.offset === null) {
    return error.message;
  }
  const offset = Math.min(error.offset, line.length);
  const lead = line.slice(0, offset).replace(/[^\t]/g, ' ');
  return `${error.message}\n  ${line}\n  ${lead}^`;
}
