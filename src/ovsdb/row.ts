/** Rows. They never change: a transaction makes new ones, so that monitors can keep what was there before. */
import { type Datum, datumToJson, defaultDatum } from './datum.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { type ColumnSchema, type TableSchema, UUID_INDEX } from './schema.ts';

export interface Row {
  readonly uuid: string;
  /** a new UUID with each change */
  readonly version: string;
  /** by index of the column */
  readonly values: readonly Datum[];
}

/** A row before and after a transaction; null where there is none. */
export interface RowChange {
  readonly before: Row | null;
  readonly after: Row | null;
}

/** The rows of one table by UUID. */
export type RowChanges = ReadonlyMap<string, RowChange>;

/** What one transaction changed, by name of the table. */
export type DatabaseChanges = ReadonlyMap<string, RowChanges>;

export function readColumn(row: Row, column: ColumnSchema): Datum {
  if (column.index >= 0) return row.values[column.index]!;
  return { keys: [column.index === UUID_INDEX ? row.uuid : row.version], values: null };
}

export function columnToJson(row: Row, column: ColumnSchema): JsonValue {
  return datumToJson(readColumn(row, column), column.type);
}

/** The `<row>` of RFC 7047 section 5.1 with these columns. */
export function rowToJson(row: Row, columns: Iterable<ColumnSchema>): JsonObject {
  const json: JsonObject = {};
  for (const column of columns) json[column.name] = columnToJson(row, column);
  return json;
}

const defaults = new WeakMap<TableSchema, readonly Datum[]>();

/** What the columns of a new row hold, by index. */
export function defaultValues(table: TableSchema): readonly Datum[] {
  let values = defaults.get(table);
  if (values === undefined) {
    values = table.columns.map((column) => defaultDatum(column.type));
    defaults.set(table, values);
  }
  return values;
}
