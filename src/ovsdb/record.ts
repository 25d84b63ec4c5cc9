/**
 * Changes as the records of a database file (ovsdb(5), Standalone Format): tables, then UUIDs, then the columns that changed, or null
 * for a row that is deleted. Ephemeral columns are left out, and so is what a reader can infer: defaults of new rows.
 *
 * Recent versions of ovsdb-server write what changed *within* sets and maps and mark such a record with `_is_diff`. We read both
 * kinds and write the documented one, which every version reads.
 */

import { isUuid } from './atom.ts';
import type { Database } from './database.ts';
import { applyDiff, datumsEqual, datumToJson, diffType, parseDatum } from './datum.ts';
import { syntaxError } from './errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { type DatabaseChanges, defaultValues, type Row, type RowChange, readColumn } from './row.ts';
import { type DatabaseSchema, requireColumn, type TableSchema } from './schema.ts';

/** The record without `_date` and `_comment`; null if nothing of it is kept on disk. */
export function changesToRecord(changes: DatabaseChanges, schema: DatabaseSchema): JsonObject | null {
  const record: JsonObject = {};
  for (const [name, rows] of changes) {
    const table = schema.tables.get(name)!;
    const rowsJson: JsonObject = {};
    for (const [uuid, change] of rows) {
      const json = changeToJson(change, table);
      if (json !== undefined) rowsJson[uuid] = json;
    }
    if (Object.keys(rowsJson).length > 0) record[name] = rowsJson;
  }
  return Object.keys(record).length === 0 ? null : record;
}

function changeToJson({ before, after }: RowChange, table: TableSchema): JsonValue | undefined {
  if (after === null) return null;
  const base = before === null ? defaultValues(table) : before.values;
  const json: JsonObject = {};
  for (const column of table.columns) {
    const datum = after.values[column.index]!;
    if (column.persistent && !datumsEqual(datum, base[column.index]!))
      json[column.name] = datumToJson(datum, column.type);
  }
  return before !== null && Object.keys(json).length === 0 ? undefined : json;
}

/** Applies a record of a file to the database. Throws `OvsdbError` for one that does not fit the schema. */
export function replayRecord(database: Database, record: JsonValue): void {
  if (!isJsonObject(record)) throw syntaxError('transaction record must be an object', record);
  const isDiff = record._is_diff === true;
  for (const [name, rows] of Object.entries(record)) {
    if (name === '_date' || name === '_comment' || name === '_is_diff') continue;
    const table = database.tables.get(name);
    if (table === undefined) throw syntaxError(`No table named ${name}.`, record);
    if (!isJsonObject(rows)) throw syntaxError('object expected', rows);
    const changes = Object.entries(rows).map(([uuid, json]): [string, RowChange] => {
      if (!isUuid(uuid)) throw syntaxError(`"${uuid}" is not a valid UUID`, rows);
      const before = table.rows.get(uuid) ?? null;
      if (json !== null) return [uuid, { before, after: readRow(database, table.schema, uuid, before, json, isDiff) }];
      if (before === null) throw syntaxError(`row ${uuid} is deleted but does not exist`, rows);
      return [uuid, { before, after: null }];
    });
    database.replay(name, changes);
  }
}

function readRow(
  database: Database,
  table: TableSchema,
  uuid: string,
  before: Row | null,
  json: JsonValue,
  isDiff: boolean,
): Row {
  if (!isJsonObject(json)) throw syntaxError('row must be JSON object', json);
  const values = [...(before?.values ?? defaultValues(table))];
  for (const [name, value] of Object.entries(json)) {
    const column = requireColumn(table, name, json);
    if (column.index < 0) continue;
    const differs = isDiff && before !== null;
    const datum = parseDatum(value, differs ? diffType(column.type) : column.type);
    values[column.index] = differs ? applyDiff(readColumn(before, column), datum, column.type) : datum;
  }
  return { uuid, version: database.environment.randomUuid(), values };
}
