/** Tables in text, as `ovs-ofctl dump-tables` and `dump-table-features` have them. */
import { FIELDS, type MatchField } from '../../flow/index.ts';
import { formatTable } from '../port-text.ts';
import type { OpenFlowTextOptions } from '../text-options.ts';
import type { TableDescription, TableFeatures, TableModMessage, TableStatistics } from './records.ts';

const EVICTION_FLAGS = ['OTHER', 'IMPORTANCE', 'LIFETIME'] as const;
const MISS_NAMES = ['controller', 'continue', 'drop'] as const;
const INSTRUCTIONS: readonly (readonly [bit: number, name: string])[] = [
  [6, 'meter'],
  [4, 'apply_actions'],
  [5, 'clear_actions'],
  [3, 'write_actions'],
  [2, 'write_metadata'],
  [1, 'goto_table'],
];
const ACTIONS: readonly (readonly [type: number, name: string])[] = [
  [0, 'output'],
  [22, 'group'],
  [25, 'set_field'],
  [18, 'strip_vlan'],
  [17, 'push_vlan'],
  [23, 'mod_nw_ttl'],
  [24, 'dec_ttl'],
  [15, 'set_mpls_ttl'],
  [16, 'dec_mpls_ttl'],
  [19, 'push_mpls'],
  [20, 'pop_mpls'],
  [21, 'set_queue'],
];

export function formatTableMod(message: TableModMessage, version: number): string {
  const table = message.table === 255 ? 'table_id: ALL_TABLES' : `table_id=${message.table}`;
  if (version < 5) {
    return message.miss === 'default' || version === 4 ? table : `${table}, flow_miss_config=${message.miss}`;
  }
  const eviction = `eviction=${message.eviction === true ? 'on' : 'off'}`;
  const vacancy =
    message.vacancy === null ? 'vacancy=off' : `vacancy=on vacancy:${message.vacancy.down},${message.vacancy.up}`;
  return `${table}, ${eviction}, ${vacancy}`;
}

export function formatTableDescription(description: TableDescription, withCurrent: boolean): string {
  const { table, eviction, evictionFlags, vacancy } = description;
  const names = EVICTION_FLAGS.filter((_, bit) => (evictionFlags & (1 << bit)) !== 0);
  const flags =
    eviction || evictionFlags !== 0
      ? ` eviction_flags=${names.length === 0 ? '(default)' : formatEviction(names)}`
      : '';
  const vacancyText =
    vacancy === null
      ? 'vacancy=off'
      : `vacancy=on vacancy_down=${vacancy.down}% vacancy_up=${vacancy.up}% vacancy=${vacancy.current}%`;
  return `  table ${table}:\n   eviction=${eviction ? 'on' : 'off'}${flags}\n   ${vacancyText}${withCurrent ? '\n' : ''}`;
}

/** `OTHER|IMPORTANCE|LIFETIME` in Open vSwitch's order of bits. */
function formatEviction(names: readonly string[]): string {
  return names.join('|');
}

/** Statistics of tables with what differs from the table before. */
export function formatTableStats(
  tables: readonly TableStatistics[],
  version: number,
  options: OpenFlowTextOptions,
): string {
  return tables
    .map((table) => {
      const name = table.name === '' ? '' : ` ("${table.name}")`;
      const config =
        table.features === null || version < 2
          ? ''
          : `    config=${MISS_NAMES[table.features.config & 3] ?? 'controller'}\n`;
      const entries = table.maxEntries === 0 ? '' : `    max_entries=${table.maxEntries}\n`;
      return (
        `  table ${formatTable(table.table, options)}${name}:\n` +
        `    active=${table.activeCount}, lookup=${table.lookupCount}, matched=${table.matchedCount}\n${config}${entries}`
      );
    })
    .join('\n');
}

export function formatTableFeatures(tables: readonly TableFeatures[], options: OpenFlowTextOptions): string {
  return tables.map((table) => formatOne(table, options)).join('\n');
}

function formatOne(table: TableFeatures, options: OpenFlowTextOptions): string {
  const { hit } = table;
  const instructions = INSTRUCTIONS.filter(([bit]) => (hit.instructions & (1 << bit)) !== 0).map(([, name]) => name);
  const actions = ACTIONS.filter(([type]) => hit.applyActions.includes(type)).map(([, name]) => name);
  const exact = table.matchFields.filter(({ maskable }) => !maskable).map(({ field }) => field);
  const masked = table.matchFields.filter(({ maskable }) => maskable).map(({ field }) => field);
  return (
    `  table ${formatTable(table.table, options)} ("${table.name}"):\n` +
    `    metadata: match=0x${table.metadataMatch.toString(16)} write=0x${table.metadataWrite.toString(16)}\n` +
    `    max_entries=${table.maxEntries}\n    instructions (table miss and others):\n` +
    `      next tables: ${formatRanges(hit.nextTables)}\n      instructions: ${instructions.join(' ')}\n` +
    `      Write-Actions and Apply-Actions features:\n        actions: ${actions.join(' ')}\n` +
    `        supported on Set-Field: ${formatFieldSet(hit.applySetFields)}\n    matching:\n` +
    (masked.length === 0 ? '' : `      arbitrary mask: ${formatFieldSet(masked)}\n`) +
    (exact.length === 0 ? '' : `      exact match or wildcard: ${formatFieldSet(exact)}\n`)
  );
}

function formatRanges(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === number) {
      last[1] = number;
    } else {
      ranges.push([number, number]);
    }
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

/** Names of fields with what they begin with in common taken out: `eth_{src,dst}`, `reg0...reg7`. */
function formatFieldSet(fields: readonly MatchField[]): string {
  const chosen = new Set(fields.map((field) => field.id));
  const names = FIELDS.filter((field) => chosen.has(field.id)).map((field) => field.name);
  const texts: string[] = [];
  for (let index = 0; index < names.length; ) {
    const name = names[index]!;
    const register = /^([a-z]+)(\d+)$/.exec(name);
    let next = index + 1;
    if (register !== null) {
      while (names[next] === `${register[1]}${Number(register[2]) + next - index}`) {
        next++;
      }
      texts.push(next - index > 2 ? `${name}...${names[next - 1]}` : names.slice(index, next).join(' '));
      index = next;
      continue;
    }
    const prefix = name.slice(0, name.indexOf('_') + 1);
    while (prefix !== '' && names[next]?.startsWith(prefix) === true) {
      next++;
    }
    const rest = names.slice(index, next).map((other) => other.slice(prefix.length));
    texts.push(rest.length > 1 ? `${prefix}{${rest.join(',')}}` : name);
    index = next;
  }
  return texts.join(' ');
}
