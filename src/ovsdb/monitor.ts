/**
 * Monitors: what a client wants to know of a database, and what it is told (RFC 7047 sections 4.1.5 and 4.1.6; ovsdb-server(7) sections
 * 4.1.12 to 4.1.16). `monitor` tells rows before and after, `monitor_cond` differences of rows that match a condition,
 * `monitor_cond_since` also where in the history of the database the client is.
 *
 * A monitor collects changes until it is flushed. Changes of one row add up, so a client that does not read costs no more
 * memory than the database has rows, and when it reads again it hears of the newest state only.
 */
import { type Condition, matchesAny, parseCondition } from './condition.ts';
import type { Database } from './database.ts';
import { datumsEqual, datumToJson, diffDatums } from './datum.ts';
import { syntaxError } from './errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { isArray, isBoolean, MemberReader } from './members.ts';
import { columnToJson, type DatabaseChanges, defaultValues, type Row, type RowChange, readColumn } from './row.ts';
import type { ColumnSchema, TableSchema } from './schema.ts';
import type { Table } from './table.ts';

/** 1: `monitor`, 2: `monitor_cond`, 3: `monitor_cond_since`. */
export type MonitorVersion = 1 | 2 | 3;

interface Select {
  readonly initial: boolean;
  readonly insert: boolean;
  readonly delete: boolean;
  readonly modify: boolean;
}

interface MonitoredColumn {
  readonly column: ColumnSchema;
  readonly select: Select;
}

interface MonitoredTable {
  readonly table: Table;
  readonly columns: readonly MonitoredColumn[];
  /** what any request wants; one without columns still wants to know which rows there are */
  readonly select: Select;
  /** a row is told when one clause holds, or there is none */
  condition: Condition;
}

export class Monitor {
  /** How the client calls it; `monitor_cond_change` changes it. */
  id: JsonValue;
  readonly database: Database;
  readonly version: MonitorVersion;
  private readonly tables: ReadonlyMap<string, MonitoredTable>;
  private pending = new Map<string, Map<string, RowChange>>();

  /** Parses `<monitor-requests>`. Throws `OvsdbError`. */
  constructor(database: Database, id: JsonValue, version: MonitorVersion, requests: JsonValue) {
    this.database = database;
    this.id = id;
    this.version = version;
    if (!isJsonObject(requests)) throw syntaxError('monitor-requests must be object', requests);
    const tables = new Map<string, MonitoredTable>();
    for (const [name, request] of Object.entries(requests)) {
      const table = database.tables.get(name);
      if (table === undefined) throw syntaxError(`no table named ${name}`);
      tables.set(name, parseRequests(table, request, version > 1));
    }
    this.tables = tables;
  }

  /** The `<table-updates>` of the reply: the rows there are. */
  initial(): JsonObject {
    const changes = new Map<string, Map<string, RowChange>>();
    for (const [name, monitored] of this.tables) {
      if (!monitored.select.initial) continue;
      const rows = new Map<string, RowChange>();
      for (const row of monitored.table.rows.values()) rows.set(row.uuid, { before: null, after: row });
      changes.set(name, rows);
    }
    return this.updates(changes, 'initial');
  }

  /** The `<table-updates2>` of changes that the client has missed. */
  missed(changes: DatabaseChanges): JsonObject {
    return this.updates(changes, null);
  }

  /** Keeps what a commit changed until `flush`. */
  collect(changes: DatabaseChanges): void {
    for (const [name, rows] of changes) {
      if (!this.tables.has(name)) continue;
      mergeChanges(this.pending, name, rows);
    }
  }

  /** The updates since the last time; null if there is nothing to tell. */
  flush(): JsonObject | null {
    if (this.pending.size === 0) return null;
    const changes = this.pending;
    this.pending = new Map();
    const updates = this.updates(changes, null);
    return Object.keys(updates).length === 0 ? null : updates;
  }

  /**
   * Parses `<monitor-cond-update-requests>` and watches by them from now on. Returns what that changes for the client, null if nothing.
   * The monitor must be flushed. Throws `OvsdbError`, and then nothing has changed.
   */
  changeConditions(requests: JsonValue): JsonObject | null {
    if (!isJsonObject(requests)) throw syntaxError('monitor-cond-change-requests must be object', requests);
    const conditions = new Map<MonitoredTable, Condition>();
    for (const [name, request] of Object.entries(requests)) {
      const monitored = this.tables.get(name);
      if (monitored === undefined) throw syntaxError(`no table named ${name} in monitor session`);
      const clauses = (isArray(request) ? request : [request]).map((element) => {
        const reader = new MemberReader(element, `table ${name}`);
        reader.optional('columns', isArray);
        const where = reader.optional('where', isArray);
        reader.finish();
        return where === undefined ? null : parseCondition(where, monitored.table.schema);
      });
      const given = clauses.filter((condition) => condition !== null);
      if (given.length > 0) conditions.set(monitored, joinConditions(given));
    }
    const updates: JsonObject = {};
    for (const [monitored, condition] of conditions) {
      const rows: JsonObject = {};
      for (const row of monitored.table.rows.values()) {
        const before = matchesAny(row, monitored.condition) ? row : null;
        const after = matchesAny(row, condition) ? row : null;
        const update = rowUpdate2(monitored, { before, after }, null);
        if (update !== null) rows[row.uuid] = update;
      }
      monitored.condition = condition;
      if (Object.keys(rows).length > 0) updates[monitored.table.schema.name] = rows;
    }
    return Object.keys(updates).length === 0 ? null : updates;
  }

  private updates(changes: DatabaseChanges, initial: 'initial' | null): JsonObject {
    const updates: JsonObject = {};
    for (const [name, rows] of changes) {
      const monitored = this.tables.get(name);
      if (monitored === undefined) continue;
      const json: JsonObject = {};
      for (const [uuid, change] of rows) {
        const update =
          this.version === 1 ? rowUpdate(monitored, change, initial) : conditionalUpdate(monitored, change, initial);
        if (update !== null) json[uuid] = update;
      }
      if (Object.keys(json).length > 0) updates[name] = json;
    }
    return updates;
  }
}

/** Adds later changes to earlier ones: what was before the first, what is after the last. */
export function mergeChanges(
  into: Map<string, Map<string, RowChange>>,
  name: string,
  rows: ReadonlyMap<string, RowChange>,
): void {
  let merged = into.get(name);
  if (merged === undefined) {
    merged = new Map();
    into.set(name, merged);
  }
  for (const [uuid, change] of rows) {
    const earlier = merged.get(uuid);
    if (earlier === undefined) merged.set(uuid, change);
    else if (earlier.before === null && change.after === null) merged.delete(uuid);
    else merged.set(uuid, { before: earlier.before, after: change.after });
  }
}

function parseRequests(table: Table, json: JsonValue, hasConditions: boolean): MonitoredTable {
  const { name, columnsByName } = table.schema;
  const columns: MonitoredColumn[] = [];
  const conditions: Condition[] = [];
  const selects: Select[] = [];
  // ovsdb-server(7) section 4.1.5: one request need not be in an array.
  for (const request of isArray(json) ? json : [json]) {
    const reader = new MemberReader(request, `table ${name}`);
    const columnsJson = reader.optional('columns', isArray);
    const selectJson = reader.optional('select', isJsonObject);
    const where = hasConditions ? reader.optional('where', isArray) : undefined;
    reader.finish();
    const select = parseSelect(selectJson, name);
    const names = columnsJson ?? [...columnsByName.keys()].filter((column) => column !== '_uuid');
    for (const column of names) columns.push({ column: monitoredColumn(table.schema, column, names, columns), select });
    conditions.push(parseCondition(where ?? [], table.schema));
    selects.push(select);
  }
  const wants = (kind: keyof Select): boolean => selects.some((select) => select[kind]);
  return {
    table,
    columns,
    select: { initial: wants('initial'), insert: wants('insert'), delete: wants('delete'), modify: wants('modify') },
    condition: joinConditions(conditions),
  };
}

function monitoredColumn(
  table: TableSchema,
  name: JsonValue,
  names: JsonValue[],
  others: readonly MonitoredColumn[],
): ColumnSchema {
  if (typeof name !== 'string') throw syntaxError('array of column names expected', names);
  const column = table.columnsByName.get(name);
  if (column === undefined) throw syntaxError(`${name} is not a valid column name`, names);
  if (others.some((other) => other.column === column)) {
    throw syntaxError(`column ${name} mentioned more than once`, names);
  }
  return column;
}

function parseSelect(json: JsonObject | undefined, table: string): Select {
  if (json === undefined) return { initial: true, insert: true, delete: true, modify: true };
  const reader = new MemberReader(json, `table ${table} select`);
  const select = {
    initial: reader.optional('initial', isBoolean) ?? true,
    insert: reader.optional('insert', isBoolean) ?? true,
    delete: reader.optional('delete', isBoolean) ?? true,
    modify: reader.optional('modify', isBoolean) ?? true,
  };
  reader.finish();
  return select;
}

/** A row is to match one clause of any; an empty condition matches all. */
function joinConditions(conditions: readonly Condition[]): Condition {
  return conditions.some((condition) => condition.length === 0) ? [] : conditions.flat();
}

type UpdateKind = keyof Select;

function kindOf({ before, after }: RowChange, initial: 'initial' | null): UpdateKind {
  if (before === null) return initial ?? 'insert';
  return after === null ? 'delete' : 'modify';
}

/** `<row-update>` of RFC 7047 section 4.1.6; null if there is nothing to tell. */
function rowUpdate(monitored: MonitoredTable, change: RowChange, initial: 'initial' | null): JsonObject | null {
  const { before, after } = change;
  const kind = kindOf(change, initial);
  if (!monitored.select[kind]) return null;
  const columns = monitored.columns.filter(({ select }) => select[kind]).map(({ column }) => column);
  const oldJson: JsonObject = {};
  const newJson: JsonObject = {};
  for (const column of columns) {
    if (after !== null) newJson[column.name] = columnToJson(after, column);
    if (before !== null && (after === null || differs(before, after, column))) {
      oldJson[column.name] = columnToJson(before, column);
    }
  }
  if (kind === 'modify') {
    // As ovsdb-server: a change of a column whose changes are not asked for still makes an update.
    const hasChanged = monitored.columns.some(({ column }) => differs(before!, after!, column));
    return hasChanged ? { old: oldJson, new: newJson } : null;
  }
  return kind === 'delete' ? { old: oldJson } : { new: newJson };
}

function conditionalUpdate(monitored: MonitoredTable, change: RowChange, initial: 'initial' | null): JsonObject | null {
  const { condition } = monitored;
  if (condition.length === 0) return rowUpdate2(monitored, change, initial);
  const before = change.before !== null && matchesAny(change.before, condition) ? change.before : null;
  const after = change.after !== null && matchesAny(change.after, condition) ? change.after : null;
  return rowUpdate2(monitored, { before, after }, initial);
}

/** `<row-update2>` of ovsdb-server(7) section 4.1.14; null if there is nothing to tell. */
function rowUpdate2(monitored: MonitoredTable, change: RowChange, initial: 'initial' | null): JsonObject | null {
  const { before, after } = change;
  if (before === null && after === null) return null;
  const kind = kindOf(change, initial);
  if (!monitored.select[kind]) return null;
  if (after === null) return { delete: null };
  const json: JsonObject = {};
  for (const { column, select } of monitored.columns) {
    if (!select[kind]) continue;
    if (before === null) {
      if (!isDefault(after, column, monitored.table.schema)) json[column.name] = columnToJson(after, column);
    } else if (differs(before, after, column)) {
      const diff = diffDatums(readColumn(before, column), readColumn(after, column), column.type);
      json[column.name] = datumToJson(diff, column.type);
    }
  }
  if (kind === 'modify' && Object.keys(json).length === 0) return null;
  return { [kind]: json };
}

function differs(before: Row, after: Row, column: ColumnSchema): boolean {
  return before !== after && !datumsEqual(readColumn(before, column), readColumn(after, column));
}

function isDefault(row: Row, column: ColumnSchema, table: TableSchema): boolean {
  return column.index >= 0 && datumsEqual(row.values[column.index]!, defaultValues(table)[column.index]!);
}
