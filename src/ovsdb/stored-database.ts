/** A database with its file: opening (or creating) it, replaying it, and keeping it up to date. */
import { Database, type DatabaseEnvironment } from './database.ts';
import { OvsdbError } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { type AppendFile, Log, readLog, type Sha1 } from './log.ts';
import { changesToRecord, replayRecord } from './record.ts';
import type { RowChange } from './row.ts';
import { type DatabaseSchema, parseSchema } from './schema.ts';

export interface StoredDatabase {
  readonly database: Database;
  readonly log: Log;
  /** what was wrong with the end of the file, which will be overwritten; null if nothing was */
  readonly problem: string | null;
}

/**
 * Opens the database in the file. An empty file becomes an empty database of the given schema; otherwise the file's own schema
 * counts. Throws `OvsdbError` for a file that is no database, or whose transactions do not fit its schema.
 */
export function openStoredDatabase(
  file: AppendFile,
  schema: DatabaseSchema,
  environment: DatabaseEnvironment,
  sha1: Sha1,
): StoredDatabase {
  const bytes = file.read();
  const { records, length, problem } = readLog(bytes, sha1);
  const [schemaRecord, ...transactions] = records;
  if (schemaRecord === undefined) {
    if (bytes.length > 0) throw new OvsdbError('ovsdb error', `not a database file: ${problem}`);
    const database = new Database(schema, environment);
    const log = new Log(file, sha1, 0);
    // In one step, so that there is never a file with half a schema.
    log.replace([schema.json]);
    database.writeTo((record) => log.append(record));
    return { database, log, problem: null };
  }
  const database = new Database(parseSchema(schemaRecord), environment);
  for (const record of transactions) replayRecord(database, record);
  const log = new Log(file, sha1, length);
  database.writeTo((record) => log.append(record));
  return { database, log, problem };
}

/** Writes the file anew with only the rows that there are. Throws `OvsdbError`; the old file stays then. */
export function compactDatabase({ database, log }: StoredDatabase): void {
  const records: JsonValue[] = [database.schema.json];
  const contents = databaseContents(database);
  if (contents !== null) {
    const now = Math.floor(database.environment.now());
    records.push({ _date: now, _comment: 'compacting database online', ...contents });
  }
  log.replace(records);
}

function databaseContents(database: Database): JsonObject | null {
  const everything = new Map<string, Map<string, RowChange>>();
  for (const [name, table] of database.tables) {
    if (table.rows.size === 0) continue;
    everything.set(name, new Map([...table.rows].map(([uuid, row]) => [uuid, { before: null, after: row }])));
  }
  return changesToRecord(everything, database.schema);
}
