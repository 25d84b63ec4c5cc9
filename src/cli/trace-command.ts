/**
 * `megaflow trace`: what would become of a packet, and who asked for each bit that its megaflow matches.
 *
 * The switch has the ports that the flows and the packet speak of, or those of `--ports`.
 */
import { parseFlow, W_IN_PORT } from '../flow/index.ts';
import { Switch, type TraceResult } from '../switch/index.ts';
import { CliError, isExpectedError } from './cli-error.ts';
import type { CliIo } from './io.ts';
import { namedPorts } from './named-ports.ts';
import { loadPipeline } from './pipeline-files.ts';
import { formatExplanation } from './report.ts';
import { styleFor, widthOf } from './terminal.ts';

/** Port numbers from here on are reserved. */
const OFPP_MAX = 0xff00;

/** The packet, in one of two ways. */
export type TracedPacket =
  | { readonly kind: 'flow'; readonly text: string }
  | { readonly kind: 'frame'; readonly hex: string; readonly port: number };

export interface TraceOptions {
  readonly flows: string;
  readonly groups?: string;
  readonly packet: TracedPacket;
  /** numbers of the switch's ports; default those that are spoken of */
  readonly ports?: readonly number[];
  readonly explain: boolean;
  readonly json: boolean;
}

export function runTrace(options: TraceOptions, io: CliIo): number {
  const { packet } = options;
  const target = new Switch({ maxMegaflows: 1 });
  loadPipeline(target, options.flows, options.groups);
  const inPort = packet.kind === 'frame' ? packet.port : parseFlowArgument(packet.text)[W_IN_PORT]!;
  const named = options.ports ?? namedPorts(target.dumpFlows());
  for (const number of new Set(inPort >= 1 && inPort < OFPP_MAX ? [...named, inPort] : named)) {
    target.addPort(portName(number), { number });
  }
  const trace = target.trace(
    packet.kind === 'flow' ? packet.text : { port: portName(packet.port), frame: parseHex(packet.hex) },
  );
  io.stdout.write(options.json ? traceJson(trace) : traceText(trace, options.explain, io));
  return 0;
}

function portName(number: number): string {
  return `port${number}`;
}

function traceText(trace: TraceResult, explain: boolean, io: CliIo): string {
  if (!explain) {
    return trace.text;
  }
  return trace.text + formatExplanation(trace, { width: widthOf(io.stdout), style: styleFor(io.stdout, io.env) });
}

function traceJson({ megaflow, actions, explanation, tree }: TraceResult): string {
  return `${JSON.stringify({ megaflow, actions, explanation, tree }, null, 2)}\n`;
}

/** Reads the FLOW argument. Throws `CliError` CLI_FLOW with a caret under the term that is wrong. */
function parseFlowArgument(text: string): ReturnType<typeof parseFlow> {
  try {
    return parseFlow(text);
  } catch (error) {
    if (!isExpectedError(error)) {
      throw error;
    }
    const at = placeOf(text, error.message);
    throw new CliError('CLI_FLOW', `wrong FLOW: ${error.message}\n  ${text}\n  ${' '.repeat(at)}^`, { cause: error });
  }
}

/** Where the first term starts with which the text fails as it does; 0 when it takes all of them. */
function placeOf(text: string, message: string): number {
  let start = 0;
  for (let end = 1; end <= text.length; end++) {
    if (end === text.length || text[end] === ',') {
      try {
        parseFlow(text.slice(0, end));
      } catch (error) {
        if ((error as Error).message === message) {
          return start;
        }
      }
      start = end + 1;
    }
  }
  return 0;
}

/** Reads a frame in hexadecimal; blanks and colons between bytes mean nothing. Throws `CliError` CLI_USAGE. */
function parseHex(text: string): Uint8Array {
  const wrong = /[^0-9a-f\s:]/i.exec(text);
  if (wrong !== null) {
    throw new CliError(
      'CLI_USAGE',
      `wrong --hex: "${wrong[0]}" is no hexadecimal digit\n  ${text}\n  ${' '.repeat(wrong.index)}^`,
    );
  }
  const digits = text.replace(/[\s:]/g, '');
  if (digits.length % 2 !== 0) {
    throw new CliError('CLI_USAGE', `wrong --hex: ${digits.length} digits, expected two for each byte`);
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16);
  }
  return bytes;
}
