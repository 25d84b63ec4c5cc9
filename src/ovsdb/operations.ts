/**
 * The operations of a `transact` request (RFC 7047 section 5.2), run one after the other in one transaction, with the results and
 * errors that ovsdb-server gives. A `wait` that does not hold yet makes the whole transaction wait: it is dropped and run
 * again from the start when something has changed, or when its time is up.
 */
import { isUuid, type ResolveName } from './atom.ts';
import { type Condition, parseCondition } from './condition.ts';
import type { Database } from './database.ts';
import { checkDatumConstraints, type Datum, datumsEqual, parseDatum } from './datum.ts';
import { errorToJson, OvsdbError, syntaxError } from './errors.ts';
import { isJsonObject, type JsonObject, type JsonValue, stringifySorted } from './json.ts';
import { isArray, isBoolean, isId, isInteger, isString, MemberReader } from './members.ts';
import { applyMutation, parseMutation } from './mutation.ts';
import { defaultValues, type Row, readColumn, rowToJson } from './row.ts';
import { type ColumnSchema, parseColumnNames, requireColumn, type TableSchema } from './schema.ts';
import type { Table } from './table.ts';
import type { Transaction } from './transaction.ts';

export interface ExecuteOptions {
  /** whether the client holds the lock of that name, for `assert` */
  readonly holdsLock?: (name: string) => boolean;
  /** how long the transaction has waited */
  readonly elapsedMs?: number;
}

export type ExecuteResult =
  | { readonly kind: 'done'; readonly results: JsonValue[] }
  /** nothing has happened; to be run again after the next commit, or after this time (null: however long) */
  | { readonly kind: 'wait'; readonly timeoutMs: number | null };

/** Runs the operations and commits. Errors are in the results, as RFC 7047 section 4.1.3 has them. */
export function executeOperations(
  database: Database,
  operations: readonly JsonValue[],
  options: ExecuteOptions = {},
): ExecuteResult {
  const run = new Run(database, operations.length, options);
  const results: JsonValue[] = [];
  for (const operation of operations) {
    try {
      results.push(run.operation(operation));
    } catch (error) {
      if (error instanceof Unsatisfied) return { kind: 'wait', timeoutMs: error.timeoutMs };
      results.push(errorToJson(error));
      while (results.length < operations.length) results.push(null);
      return { kind: 'done', results };
    }
  }
  try {
    database.commit(run.transaction);
  } catch (error) {
    results.push(errorToJson(error));
  }
  return { kind: 'done', results };
}

/** Thrown by a `wait` that may hold later. */
class Unsatisfied extends Error {
  readonly timeoutMs: number | null;

  constructor(timeoutMs: number | null) {
    super('wait');
    this.timeoutMs = timeoutMs;
  }
}

interface RowName {
  readonly uuid: string;
  isInserted: boolean;
}

class Run {
  readonly transaction: Transaction;
  private readonly database: Database;
  private readonly options: ExecuteOptions;
  private readonly count: number;
  private readonly names = new Map<string, RowName>();
  private done = 0;
  private readonly resolve: ResolveName = (name) => this.rowName(name).uuid;

  constructor(database: Database, count: number, options: ExecuteOptions) {
    this.database = database;
    this.count = count;
    this.options = options;
    this.transaction = database.begin();
  }

  operation(json: JsonValue): JsonObject {
    this.done++;
    const reader = new MemberReader(json, `ovsdb operation ${this.done} of ${this.count}`);
    const name = reader.required('op', isString);
    const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
    if (operation === undefined) throw reader.error(`No operation "${name}"`);
    if (this.database.isReserved && WRITING.has(name)) {
      // An insertion is parsed first, as ovsdb-server does, so that its errors come first.
      if (name === 'insert') operation(this, reader, json as JsonObject);
      throw new OvsdbError(
        'not allowed',
        `${name} operation not allowed on table in reserved database ${this.database.schema.name}`,
      );
    }
    const result = operation(this, reader, json as JsonObject);
    reader.finish();
    return result;
  }

  table(reader: MemberReader): Table {
    const name = reader.required('table', isString);
    const table = this.database.tables.get(name);
    if (table === undefined) throw reader.error(`No table named ${name}.`);
    return table;
  }

  condition(json: readonly JsonValue[], table: Table): Condition {
    return parseCondition(json, table.schema, this.resolve);
  }

  rowName(name: string): RowName {
    let found = this.names.get(name);
    if (found === undefined) {
      found = { uuid: this.database.environment.randomUuid(), isInserted: false };
      this.names.set(name, found);
    }
    return found;
  }

  rowValues(json: JsonValue, table: TableSchema): Map<ColumnSchema, Datum> {
    if (!isJsonObject(json)) throw syntaxError('row must be JSON object', json);
    const values = new Map<ColumnSchema, Datum>();
    for (const [name, value] of Object.entries(json)) {
      const column = requireColumn(table, name, json);
      values.set(column, parseDatum(value, column.type, this.resolve));
    }
    return values;
  }

  insert(reader: MemberReader): JsonObject {
    const table = this.table(reader);
    const nameJson = reader.optional('uuid-name', isId);
    const uuidJson = reader.optional('uuid', isString);
    const rowJson = reader.required('row', isRow);
    if (uuidJson !== undefined && !isUuid(uuidJson)) throw syntaxError('bad uuid', uuidJson);
    const given = uuidJson?.toLowerCase();
    if (given !== undefined && this.transaction.isUsed(table, given)) {
      throw new OvsdbError(
        'duplicate uuid',
        'This UUID would duplicate a UUID already present within the table or deleted within the same transaction.',
        uuidJson!,
      );
    }
    let uuid = given ?? null;
    if (nameJson !== undefined) {
      const known = this.names.get(nameJson);
      if (known?.isInserted) {
        throw new OvsdbError(
          'duplicate uuid-name',
          'This "uuid-name" appeared on an earlier "insert" operation.',
          nameJson,
        );
      }
      if (uuid !== null) this.names.set(nameJson, { uuid, isInserted: true });
      else {
        const name = this.rowName(nameJson);
        name.isInserted = true;
        uuid = name.uuid;
      }
    }
    uuid ??= this.database.environment.randomUuid();

    const rowValues = this.rowValues(rowJson, table.schema);
    const values = [...defaultValues(table.schema)];
    for (const column of table.schema.columns) {
      const datum = rowValues.get(column);
      if (datum === undefined) checkDatumConstraints(values[column.index]!, column.type);
      else values[column.index] = datum;
    }
    reader.finish();
    this.transaction.write(table, uuid, { uuid, version: this.database.environment.randomUuid(), values });
    return { uuid: ['uuid', uuid] };
  }

  update(reader: MemberReader, json: JsonObject): JsonObject {
    const table = this.table(reader);
    const where = reader.required('where', isArray);
    const rowJson = reader.required('row', isRow);
    const changes = this.rowValues(rowJson, table.schema);
    for (const column of changes.keys()) {
      if (!column.mutable) {
        throw new OvsdbError(
          'constraint violation',
          `Cannot update immutable column ${column.name} in table ${table.schema.name}.`,
          json,
        );
      }
    }
    const rows = this.transaction.select(table, this.condition(where, table));
    for (const row of rows) {
      const values = [...row.values];
      for (const [column, datum] of changes) values[column.index] = datum;
      this.transaction.write(table, row.uuid, { ...row, values });
    }
    return { count: rows.length };
  }

  mutate(reader: MemberReader): JsonObject {
    const table = this.table(reader);
    const where = reader.required('where', isArray);
    const mutationsJson = reader.required('mutations', isArray);
    const mutations = mutationsJson.map((mutation) => parseMutation(mutation, table.schema, this.resolve));
    const rows = this.transaction.select(table, this.condition(where, table));
    for (const row of rows) {
      const values = [...row.values];
      for (const mutation of mutations) {
        const { index } = mutation.column;
        values[index] = applyMutation(values[index]!, mutation);
      }
      this.transaction.write(table, row.uuid, { ...row, values });
    }
    return { count: rows.length };
  }

  remove(reader: MemberReader): JsonObject {
    const table = this.table(reader);
    const where = reader.required('where', isArray);
    const rows = this.transaction.select(table, this.condition(where, table));
    for (const row of rows) this.transaction.write(table, row.uuid, null);
    return { count: rows.length };
  }

  select(reader: MemberReader): JsonObject {
    const table = this.table(reader);
    const where = reader.required('where', isArray);
    const columnsJson = reader.optional('columns', isArray);
    reader.optional('sort', isArray);
    const columns = columnsOf(table, columnsJson);
    const condition = this.condition(where, table);
    const rows = this.transaction.select(table, condition).map((row) => rowToJson(row, columns));
    return { rows: distinct(rows) };
  }

  wait(reader: MemberReader): JsonObject {
    const table = this.table(reader);
    const timeout = reader.optional('timeout', isNumber);
    const where = reader.required('where', isArray);
    const columnsJson = reader.optional('columns', isArray);
    const until = reader.required('until', isString);
    const rowsJson = reader.required('rows', isArray);
    const condition = this.condition(where, table);
    const columns = columnsOf(table, columnsJson);
    if (until !== '==' && until !== '!=') throw syntaxError('"until" must be "==" or "!="', until);
    const expected = rowsJson.map((json) => this.expectedRow(json, table.schema));
    if (timeout !== undefined && timeout < 0) throw syntaxError('timeout must be nonnegative', timeout);

    const rows = this.transaction.select(table, condition);
    if (sameRows(rows, expected, columns) === (until === '==')) return {};
    const elapsedMs = this.options.elapsedMs ?? 0;
    const timeoutMs = timeout === undefined ? null : Number(timeout);
    if (timeoutMs === null || elapsedMs < timeoutMs) throw new Unsatisfied(timeoutMs);
    throw new OvsdbError(
      'timed out',
      elapsedMs > 0 ? `"wait" timed out after ${Math.floor(elapsedMs)} ms` : '"where" clause test failed',
    );
  }

  private expectedRow(json: JsonValue, table: TableSchema): Row {
    const values = [...defaultValues(table)];
    let uuid = '';
    let version = '';
    for (const [column, datum] of this.rowValues(json, table)) {
      if (column.index >= 0) values[column.index] = datum;
      else if (column.name === '_uuid') uuid = datum.keys[0] as string;
      else version = datum.keys[0] as string;
    }
    return { uuid, version, values };
  }

  assert(reader: MemberReader): JsonObject {
    const lock = reader.required('lock', isId);
    if (this.options.holdsLock?.(lock) !== true) throw new OvsdbError('not owner', `Asserted lock ${lock} not held.`);
    return {};
  }
}

type Operation = (run: Run, reader: MemberReader, json: JsonObject) => JsonObject;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  insert: (run, reader) => run.insert(reader),
  select: (run, reader) => run.select(reader),
  update: (run, reader, json) => run.update(reader, json),
  mutate: (run, reader) => run.mutate(reader),
  delete: (run, reader) => run.remove(reader),
  wait: (run, reader) => run.wait(reader),
  // Every commit is durable before it is acknowledged, whatever this says.
  commit: (_run, reader) => {
    reader.required('durable', isBoolean);
    return {};
  },
  abort: (_run, reader) => {
    reader.finish();
    throw new OvsdbError('aborted', 'aborted by request');
  },
  comment: (run, reader) => {
    const comment = reader.required('comment', isString);
    if (comment !== '') run.transaction.comments.push(comment);
    return {};
  },
  assert: (run, reader) => run.assert(reader),
};

const WRITING: ReadonlySet<string> = new Set(['insert', 'update', 'mutate', 'delete']);

function isRow(value: JsonValue): value is JsonObject {
  return isJsonObject(value);
}

function isNumber(value: JsonValue): value is number | bigint {
  return isInteger(value);
}

function columnsOf(table: Table, json: JsonValue[] | undefined): ColumnSchema[] {
  if (json === undefined) return [...table.schema.columnsByName.values()];
  return parseColumnNames(json, table.schema.columnsByName);
}

/** RFC 7047 section 5.2.2: rows that are the same in all columns asked for come once. */
function distinct(rows: JsonObject[]): JsonObject[] {
  if (rows.length < 2 || Object.hasOwn(rows[0]!, '_uuid')) return rows;
  return [...new Map(rows.map((row) => [stringifySorted(row), row])).values()];
}

/** Whether both have the same rows, looking at these columns only, and each row once. */
function sameRows(a: readonly Row[], b: readonly Row[], columns: readonly ColumnSchema[]): boolean {
  const isSame = (x: Row, y: Row): boolean =>
    columns.every((column) => datumsEqual(readColumn(x, column), readColumn(y, column)));
  return a.every((x) => b.some((y) => isSame(x, y))) && b.every((y) => a.some((x) => isSame(x, y)));
}
