/** OpenFlow ports and tables in text: numbers, reserved names, and the names that the caller knows. */
import { formatPort, MatchError, parsePort } from '../flow/index.ts';
import type { OpenFlowPort } from './actions.ts';
import { OFPP_IN_PORT, OFPP_LOCAL, OFPP_MAX } from './ports.ts';
import { OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

/** The port that `text` says, or null. */
export function tryParsePort(text: string, options: OpenFlowTextOptions): OpenFlowPort | null {
  try {
    return parsePort(text, 'port', options.ports);
  } catch (error) {
    if (error instanceof MatchError) {
      return null;
    }
    throw error;
  }
}

/** The port as `ovs-ofctl` shows it: a reserved name, a name when there are names, or the number. */
export function portText(port: OpenFlowPort, options: OpenFlowTextOptions): string {
  return formatPort(port, options.ports);
}

/** The table that `text` says, 0..255, or null. 255 stands for all tables or none. */
export function tryParseTable(text: string, options: OpenFlowTextOptions): number | null {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    return number <= 255 ? number : null;
  }
  return options.tables?.numberOf(unquote(text)) ?? null;
}

/** The table that `text` says, 0..255; the error is Open vSwitch's: `unknown table "x"`. */
export function parseTable(text: string, options: OpenFlowTextOptions): number {
  const table = tryParseTable(text, options);
  if (table === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_TABLE', `unknown table "${text}"`);
  }
  return table;
}

/** A table's name when there are names, or its number. */
export function formatTable(table: number, options: OpenFlowTextOptions): string {
  const name = options.tables?.nameOf(table);
  if (name === undefined) {
    return String(table);
  }
  return /^[a-z][a-z0-9]*$/i.test(name) ? name : JSON.stringify(name);
}

function unquote(text: string): string {
  if (text.startsWith('"')) {
    try {
      return String(JSON.parse(text));
    } catch {
      return text;
    }
  }
  return text;
}

/** Whether packets can go out of `port`: a real port or one of the reserved ones that stand for ports. */
export function isOutputPort(port: OpenFlowPort): boolean {
  return port < OFPP_MAX || (port >= OFPP_IN_PORT && port <= OFPP_LOCAL);
}
