/**
 * Whole datapath flows as `ovs-dpctl dump-flows` and `ovs-appctl dpctl/dump-flows` print them:
 * `ufid:…, recirc_id(0),in_port(1),…, packets:5, bytes:490, used:0.123s, flags:SP., actions:2`.
 */
import { type FlowWords, TCP_FLAGS } from '../flow/index.ts';
import type { DatapathAction } from './actions.ts';
import { formatDatapathActions, readActions } from './actions-text.ts';
import { DatapathError } from './errors.ts';
import { type FormatFlowOptions, formatFlowKey } from './key-format.ts';
import { type ParseFlowOptions, readFlowKey } from './key-parse.ts';
import { TextReader } from './text-reader.ts';

/** Statistics as a dump shows them. */
export interface DatapathFlowStats {
  readonly packets: number;
  readonly bytes: number;
  /** milliseconds since the last packet, `null` for never */
  readonly usedMs: number | null;
  readonly tcpFlags: number;
}

export interface DatapathFlowText {
  /** four words, most significant first */
  readonly ufid: readonly number[] | null;
  readonly key: FlowWords;
  /** `null`: everything is exact */
  readonly mask: FlowWords | null;
  /** `null`: not part of the text */
  readonly stats: DatapathFlowStats | null;
  /** `null`: not part of the text */
  readonly actions: readonly DatapathAction[] | null;
}

export interface FormatDatapathFlowOptions extends FormatFlowOptions {
  /** which datapath has the flow (`dp:ovs`), shown in the verbose form; default `ovs` */
  readonly layer?: string;
}

const UFID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}/iy;
const SECONDS = /\d+\.\d{1,3}/y;
const FLAG_LETTERS = 'FSRP.UECN';
const FLAGS = /[FSRP.UECN]+|0x[0-9a-f]+/iy;
const REST_OF_ITEM = /[^,]*/y;

/** A flow on one line. The UFID is shown in the verbose form. */
export function formatDatapathFlow(flow: DatapathFlowText, options: FormatDatapathFlowOptions = {}): string {
  const isVerbose = options.verbose === true;
  let text = isVerbose && flow.ufid !== null ? `ufid:${formatUfid(flow.ufid)}, ` : '';
  text += formatFlowKey(flow.key, flow.mask, options);
  if (flow.stats !== null) {
    text += `, ${formatDatapathFlowStats(flow.stats)}`;
  }
  if (isVerbose && flow.stats !== null) {
    text += `, dp:${options.layer ?? 'ovs'}`;
  }
  if (flow.actions !== null) {
    text += `, actions:${formatDatapathActions(flow.actions, options)}`;
  }
  return text;
}

/** `packets:5, bytes:490, used:0.123s, flags:SP.` */
export function formatDatapathFlowStats(stats: DatapathFlowStats): string {
  const used = stats.usedMs === null ? 'never' : `${(stats.usedMs / 1000).toFixed(3)}s`;
  const flags = stats.tcpFlags === 0 ? '' : `, flags:${formatTcpFlagLetters(stats.tcpFlags)}`;
  return `packets:${stats.packets}, bytes:${stats.bytes}, used:${used}${flags}`;
}

/** One letter per flag, as tcpdump has them: FIN SYN RST PSH ACK URG ECE CWR NS; others as a number. */
function formatTcpFlagLetters(flags: number): string {
  let text = '';
  for (let bit = 0; bit < FLAG_LETTERS.length; bit++) {
    if ((flags & (1 << bit)) !== 0) {
      text += FLAG_LETTERS[bit]!;
    }
  }
  const rest = flags & ~((1 << FLAG_LETTERS.length) - 1) & 0xfff;
  for (const [bit, name] of TCP_FLAGS) {
    if ((rest & bit) !== 0) {
      text += name;
    }
  }
  return text;
}

/** A UFID in the form of a UUID. */
export function formatUfid(ufid: readonly number[] | Int32Array): string {
  const digits = Array.from(ufid, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

/** The words of a UFID with or without hyphens, most significant first. Throws `DatapathError`. */
export function parseUfid(text: string): number[] {
  const reader = new TextReader(text, 0, 'FLOW_SYNTAX_INVALID');
  const ufid = readUfid(reader);
  if (!reader.atEnd()) {
    throw reader.syntaxError('the end');
  }
  return ufid;
}

function readUfid(reader: TextReader): number[] {
  const digits = reader.expectMatch(UFID, 'a UFID of 32 hexadecimal digits').replaceAll('-', '');
  return [0, 8, 16, 24].map((at) => Number.parseInt(digits.slice(at, at + 8), 16));
}

/**
 * Reads a flow as a dump prints it, or as `dpctl/add-flow` takes it; statistics and actions may be missing. Throws
 * `DatapathError`.
 */
export function parseDatapathFlow(text: string, options: ParseFlowOptions = {}): DatapathFlowText {
  const reader = new TextReader(text, 0, 'FLOW_SYNTAX_INVALID');
  reader.skipSpace();
  let ufid: number[] | null = null;
  if (reader.take('ufid:')) {
    ufid = readUfid(reader);
    reader.skipSpace();
    reader.take(',');
  }
  const { key, mask } = readFlowKey(reader, options);
  let packets: number | null = null;
  let bytes = 0;
  let usedMs: number | null = null;
  let tcpFlags = 0;
  let actions: DatapathAction[] | null = null;
  while (!reader.atEnd()) {
    reader.expect(',');
    reader.skipSpace();
    if (reader.take('packets:')) {
      packets = Number(reader.expectNumber(53));
    } else if (reader.take('bytes:')) {
      bytes = Number(reader.expectNumber(53));
    } else if (reader.take('used:')) {
      usedMs = reader.take('never') ? null : Math.round(1000 * Number(reader.expectMatch(SECONDS, 'seconds or never')));
      reader.take('s');
    } else if (reader.take('flags:')) {
      tcpFlags = readTcpFlagLetters(reader);
    } else if (reader.take('dp:') || reader.take('offloaded:') || reader.take('dp-extra-info:')) {
      reader.expectMatch(REST_OF_ITEM, 'a name');
    } else if (reader.take('actions:')) {
      actions = readFlowActions(text, reader, options);
    } else {
      throw reader.syntaxError('packets:, bytes:, used:, flags: or actions:');
    }
  }
  const stats = packets === null ? null : { packets, bytes, usedMs, tcpFlags };
  return { ufid, key, mask, stats, actions };
}

/** The actions are the last of a flow, but for what a datapath adds behind `dp-extra-info:`. */
function readFlowActions(text: string, reader: TextReader, options: ParseFlowOptions): DatapathAction[] {
  const extra = text.indexOf(', dp-extra-info:', reader.position);
  const inner = new TextReader(extra < 0 ? text : text.slice(0, extra), reader.position, 'ACTION_SYNTAX_INVALID');
  const actions = readActions(inner, options);
  if (!inner.atEnd()) {
    throw inner.syntaxError('an action or the end');
  }
  reader.position = text.length;
  return actions;
}

function readTcpFlagLetters(reader: TextReader): number {
  const start = reader.position;
  let flags = 0;
  for (const letter of reader.expectMatch(FLAGS, 'TCP flags')) {
    const bit = FLAG_LETTERS.indexOf(letter);
    if (bit < 0) {
      throw new DatapathError('FLOW_VALUE_INVALID', 'unknown TCP flag', start, `letters out of ${FLAG_LETTERS}`);
    }
    flags |= 1 << bit;
  }
  return flags;
}
