/** Text of `ct`, the `nat` in it, and `ct_clear` (ovs-actions(7), "Firewalling Actions"). */
import { formatSubfield } from '../flow/index.ts';
import { formatIpv4Address, formatIpv6Address, tryParseIpv4Address, tryParseIpv6Address } from '../wire/index.ts';
import { type ActionContext, type ActionParser, parseSubfieldAt, plainAction } from './action-syntax.ts';
import type { ConntrackAction, NatAction, OpenFlowAction } from './actions.ts';
import { eachKeyValue, type KeyValue } from './key-value.ts';
import { tryParseInteger } from './number-text.ts';
import { formatTable, tryParseTable } from './port-text.ts';
import { moveError, OpenFlowTextError } from './text-error.ts';
import type { OpenFlowTextOptions } from './text-options.ts';

export const CONNTRACK_PARSERS: Readonly<Record<string, ActionParser>> = {
  ct: parseConntrack,
  ct_clear: plainAction({ type: 'ct_clear' }),
  nat: parseNat,
};

/** The protocols that `alg=` knows: what conntrack looks for, by the port of the control connection. */
const ALGS: ReadonlyMap<string, number> = new Map([
  ['ftp', 21],
  ['tftp', 69],
]);
const NAT_FLAGS = ['persistent', 'hash', 'random'] as const;
const TABLE_NONE = 255;

function parseConntrack(item: KeyValue, context: ActionContext): ConntrackAction {
  const { options } = context;
  let commit = false;
  let force = false;
  let zone: ConntrackAction['zone'] = 0;
  let table: number | null = null;
  let alg = 0;
  const actions: OpenFlowAction[] = [];
  eachKeyValue(item.value, (part) => {
    const { key, value } = part;
    switch (key) {
      case 'commit':
        commit = true;
        break;
      case 'force':
        force = true;
        break;
      case 'table':
        table = parseRecirculationTable(value, options);
        break;
      case 'zone':
        zone = parseZone(value, options);
        break;
      case 'alg':
        alg = parseAlg(value);
        break;
      case 'nat':
        actions.push(parseNatArguments(value, options));
        break;
      case 'exec':
        actions.push(...context.parseNested(value, 'ct'));
        break;
      default:
        throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `invalid argument to "ct" action: \`${key}'`);
    }
  });
  if (force && !commit) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_MISSING', '"force" flag requires "commit" flag.');
  }
  return { type: 'ct', commit, force, zone, table, alg, actions };
}

function parseRecirculationTable(text: string, options: OpenFlowTextOptions): number {
  const table = tryParseTable(text, options);
  if (table === null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_TABLE', `unknown table ${text}`);
  }
  if (table === TABLE_NONE) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_TABLE', 'invalid table 0xff');
  }
  return table;
}

function parseZone(text: string, options: OpenFlowTextOptions): ConntrackAction['zone'] {
  const zone = tryParseInteger(text, options);
  if (zone !== null && zone >= 0n && zone <= 0xffffn) {
    return Number(zone);
  }
  if (zone !== null) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_NUMBER', `invalid zone "${text}": expected 0 through 65535 or a field`);
  }
  return parseSubfieldAt(text, 0, options);
}

function parseAlg(text: string): number {
  const alg = ALGS.get(text);
  if (alg === undefined) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `invalid conntrack helper "${text}"`);
  }
  return alg;
}

/** `nat` by itself goes only in the `exec` of a `ct`; `ct(nat)` comes by `parseConntrack`. */
function parseNat(item: KeyValue, { outer, options }: ActionContext): NatAction {
  if (outer !== 'ct') {
    throw new OpenFlowTextError('OPENFLOW_TEXT_ACTION', 'Cannot have NAT action outside of "ct" action');
  }
  return parseNatArguments(item.value, options);
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function parseNatArguments(text: string, options: OpenFlowTextOptions): NatAction {
  const action: Writable<NatAction> = {
    type: 'nat',
    direction: null,
    addressMin: null,
    addressMax: null,
    portMin: null,
    portMax: null,
    persistent: false,
    hash: false,
    random: false,
  };
  eachKeyValue(text, ({ key, value }) => {
    switch (key) {
      case 'src':
      case 'dst':
        if (action.direction !== null && action.direction !== key) {
          throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', 'May only specify one of "src" or "dst".');
        }
        action.direction = key;
        parseRange(value, action, options);
        break;
      case 'persistent':
      case 'hash':
      case 'random':
        action[key] = true;
        break;
      default:
        throw new OpenFlowTextError('OPENFLOW_TEXT_KEY', `invalid key "${key}" in "nat" argument`);
    }
  });
  if (action.hash && action.random) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', 'Both "hash" and "random" are not allowed.');
  }
  if (action.direction === null && (action.hash || action.random || action.persistent)) {
    throw new OpenFlowTextError('OPENFLOW_TEXT_VALUE', 'Flags allowed only with "src" or "dst".');
  }
  return action;
}

/** `ADDRESS[-ADDRESS][:PORT[-PORT]]`; an IPv6 address stands in brackets when ports follow. */
function parseRange(text: string, action: Writable<NatAction>, options: OpenFlowTextOptions): void {
  if (text === '') {
    return;
  }
  const [first, afterFirst] = readAddress(text, 0);
  if (first === null) {
    throw rangeGarbage(text, 0);
  }
  let position = afterFirst;
  let last: number | bigint | null = null;
  if (text[position] === '-') {
    [last, position] = readAddress(text, position + 1);
    if (last === null || typeof last !== typeof first || last < first) {
      throw invalidRange(text);
    }
  }
  action.addressMin = first;
  action.addressMax = last === first ? null : last;
  if (text[position] === ':') {
    position = parsePorts(text, position + 1, action, options);
  }
  if (position !== text.length) {
    throw rangeGarbage(text, position);
  }
}

function readAddress(text: string, start: number): [address: number | bigint | null, end: number] {
  const bracketed = /^\[([0-9a-f:.]+)\]/i.exec(text.slice(start));
  if (bracketed !== null) {
    return [tryParseIpv6Address(bracketed[1]!), start + bracketed[0].length];
  }
  const dotted = /^[\d.]+/.exec(text.slice(start))?.[0] ?? '';
  const ipv4 = tryParseIpv4Address(dotted);
  if (ipv4 !== null) {
    return [ipv4, start + dotted.length];
  }
  const plain = /^[0-9a-f:.]+/i.exec(text.slice(start))?.[0] ?? '';
  return [tryParseIpv6Address(plain), start + plain.length];
}

function parsePorts(text: string, start: number, action: Writable<NatAction>, options: OpenFlowTextOptions): number {
  const match = /^(\d+)(?:-(\d+))?/.exec(text.slice(start));
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  const tooBig = last > 0xffff || first > 0xffff;
  if (match === null || last < first || (tooBig && options.ovsCompat !== true)) {
    throw invalidRange(text);
  }
  // Port 0 stands for "any" in the datapath, which is what no port means.
  action.portMin = (first & 0xffff) === 0 ? null : first & 0xffff;
  action.portMax = last === first || action.portMin === null ? null : last & 0xffff;
  return start + match[0].length;
}

function invalidRange(text: string): OpenFlowTextError {
  return new OpenFlowTextError('OPENFLOW_TEXT_VALUE', `invalid nat range "${text}"`);
}

function rangeGarbage(text: string, position: number): unknown {
  const message = `garbage (${text.slice(position)}) after nat range "${text}" (pos: ${position})`;
  return moveError(new OpenFlowTextError('OPENFLOW_TEXT_VALUE', message), position, position);
}

/** `formatList` writes the list of actions in `exec`. */
export function formatConntrack(
  action: ConntrackAction,
  options: OpenFlowTextOptions,
  formatList: (actions: readonly OpenFlowAction[]) => string,
): string {
  const { commit, force, zone, table, alg, actions } = action;
  const terms: string[] = [];
  if (commit) {
    terms.push('commit');
  }
  if (force) {
    terms.push('force');
  }
  if (table !== null) {
    terms.push(`table=${formatTable(table, options)}`);
  }
  if (typeof zone !== 'number') {
    terms.push(`zone=${formatSubfield(zone)}`);
  } else if (zone !== 0) {
    terms.push(`zone=${zone}`);
  }
  const [first] = actions;
  const rest = first?.type === 'nat' ? actions.slice(1) : actions;
  if (first?.type === 'nat') {
    terms.push(formatNat(first));
  }
  if (rest.length > 0) {
    terms.push(`exec(${formatList(rest)})`);
  }
  if (alg !== 0) {
    terms.push(`alg=${[...ALGS].find(([, port]) => port === alg)?.[0] ?? alg}`);
  }
  return `ct(${terms.join(',')})`;
}

export function formatNat(action: NatAction): string {
  const { direction, addressMin } = action;
  if (direction === null) {
    return 'nat';
  }
  const range = addressMin === null ? '' : `=${formatRange(action, addressMin)}`;
  const flags = NAT_FLAGS.filter((flag) => action[flag]).map((flag) => `,${flag}`);
  return `nat(${direction}${range}${flags.join('')})`;
}

function formatRange({ addressMax, portMin, portMax }: NatAction, addressMin: number | bigint): string {
  const brackets = portMin !== null;
  const last = addressMax === null ? '' : `-${formatNatAddress(addressMax, brackets)}`;
  const lastPort = portMax === null ? '' : `-${portMax}`;
  const ports = portMin === null ? '' : `:${portMin}${lastPort}`;
  return `${formatNatAddress(addressMin, brackets)}${last}${ports}`;
}

function formatNatAddress(address: number | bigint, brackets: boolean): string {
  if (typeof address === 'number') {
    return formatIpv4Address(address);
  }
  const text = formatIpv6Address(address);
  return brackets ? `[${text}]` : text;
}
