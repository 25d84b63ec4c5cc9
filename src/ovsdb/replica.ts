/**
 * A copy of the tables that a client monitors, kept up to date by `update`, `update2` and `update3` notifications. Rows never
 * change: each update makes new ones and tells what was there before, as commits do in the server.
 */
import { applyDiff, type Datum, datumsEqual, diffType, parseDatum } from './datum.ts';
import { syntaxError } from './errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { mergeChanges } from './monitor.ts';
import { type DatabaseChanges, defaultValues, type Row, type RowChange } from './row.ts';
import type { ColumnSchema, DatabaseSchema, TableSchema } from './schema.ts';

/** Which columns of which tables; null for all columns. */
export type MonitoredTables = Readonly<Record<string, readonly string[] | null>>;

export interface ReplicaTable {
  readonly schema: TableSchema;
  /** the columns that are kept up to date; the others have their defaults */
  readonly columns: readonly ColumnSchema[];
  readonly rows: ReadonlyMap<string, Row>;
}

interface MutableReplicaTable extends ReplicaTable {
  readonly rows: Map<string, Row>;
}

export class Replica {
  readonly schema: DatabaseSchema;
  private readonly tables = new Map<string, MutableReplicaTable>();

  /** Tables and columns that the schema does not have are left out: the server may be older. */
  constructor(schema: DatabaseSchema, wanted: MonitoredTables) {
    this.schema = schema;
    for (const [name, names] of Object.entries(wanted)) {
      const table = schema.tables.get(name);
      if (table === undefined) continue;
      const columns = table.columns.filter((column) => names === null || names.includes(column.name));
      this.tables.set(name, { schema: table, columns, rows: new Map() });
    }
  }

  /** The table, or null if it is not monitored or the server does not have it. */
  table(name: string): ReplicaTable | null {
    return this.tables.get(name) ?? null;
  }

  /** `<monitor-requests>` for all of it. */
  requests(): JsonObject {
    const json: JsonObject = {};
    for (const [name, { columns }] of this.tables) json[name] = [{ columns: columns.map((column) => column.name) }];
    return json;
  }

  /** Applies updates: those of `monitor` (1) or `monitor_cond` (2). Throws `OvsdbError` if they do not fit the schema. */
  apply(updates: JsonValue, version: 1 | 2): DatabaseChanges {
    if (!isJsonObject(updates)) throw syntaxError('<table-updates> is not an object', updates);
    const changes = new Map<string, Map<string, RowChange>>();
    for (const [name, rows] of Object.entries(updates)) {
      const table = this.tables.get(name);
      if (table === undefined) throw syntaxError(`<table-updates> includes unknown table "${name}"`);
      if (!isJsonObject(rows)) throw syntaxError(`<table-update> for table "${name}" is not an object`, rows);
      for (const [uuid, update] of Object.entries(rows)) {
        const before = table.rows.get(uuid) ?? null;
        const after = version === 1 ? readUpdate(table, uuid, update) : readUpdate2(table, uuid, before, update);
        this.set(table, uuid, before, after, changes);
      }
    }
    return changes;
  }

  /** Replaces everything by the rows of the updates; what is not among them has gone. Throws `OvsdbError`. */
  replaceAll(updates: JsonValue, version: 1 | 2): DatabaseChanges {
    const fresh = new Replica(this.schema, Object.fromEntries([...this.tables.keys()].map((name) => [name, null])));
    fresh.apply(updates, version);
    const changes = new Map<string, Map<string, RowChange>>();
    for (const [name, table] of this.tables) {
      const rows = fresh.tables.get(name)!.rows;
      for (const [uuid, before] of [...table.rows]) {
        if (!rows.has(uuid)) this.set(table, uuid, before, null, changes);
      }
      for (const [uuid, after] of rows) this.set(table, uuid, table.rows.get(uuid) ?? null, after, changes);
    }
    return changes;
  }

  private set(
    table: MutableReplicaTable,
    uuid: string,
    before: Row | null,
    after: Row | null,
    changes: Map<string, Map<string, RowChange>>,
  ): void {
    if (before === null && after === null) return;
    const isSame =
      before !== null && after !== null && before.values.every((datum, i) => datumsEqual(datum, after.values[i]!));
    if (isSame) return;
    if (after === null) table.rows.delete(uuid);
    else table.rows.set(uuid, after);
    mergeChanges(changes, table.schema.name, new Map([[uuid, { before, after }]]));
  }
}

function readUpdate(table: ReplicaTable, uuid: string, json: JsonValue): Row | null {
  if (!isJsonObject(json)) throw syntaxError('<row-update> is not an object', json);
  const after = json.new;
  return after === undefined ? null : readRow(table, uuid, defaultValues(table.schema), after, false);
}

function readUpdate2(table: ReplicaTable, uuid: string, before: Row | null, json: JsonValue): Row | null {
  if (!isJsonObject(json)) throw syntaxError('<row-update2> is not an object', json);
  const { initial, insert, modify } = json;
  const whole = initial ?? insert;
  if (whole !== undefined) return readRow(table, uuid, defaultValues(table.schema), whole, false);
  if (modify === undefined) return null;
  if (before === null) throw syntaxError(`<row-update2> modifies unknown row ${uuid}`, json);
  return readRow(table, uuid, before.values, modify, true);
}

function readRow(table: ReplicaTable, uuid: string, base: readonly Datum[], json: JsonValue, isDiff: boolean): Row {
  if (!isJsonObject(json)) throw syntaxError('row must be JSON object', json);
  const values = [...base];
  for (const [name, value] of Object.entries(json)) {
    const column = table.schema.columnsByName.get(name);
    if (column === undefined || column.index < 0) continue;
    const datum = parseDatum(value, isDiff ? diffType(column.type) : column.type);
    values[column.index] = isDiff ? applyDiff(base[column.index]!, datum, column.type) : datum;
  }
  return { uuid, version: uuid, values };
}
