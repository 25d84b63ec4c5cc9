/**
 * Schemas (RFC 7047 section 3.2): tables and columns with their types and constraints, from JSON and to JSON. Columns have an
 * index, their place in a row's array of datums; `_uuid` and `_version`, which every row has, are columns with negative ones.
 */

import { parseDatum } from './datum.ts';
import { OvsdbError, syntaxError } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { isAny, isArray, isBoolean, isId, isInteger, isString, MemberReader } from './members.ts';
import { baseType, type ColumnType, parseType, scalarType, typeToJson } from './types.ts';

export const UUID_INDEX = -1;
const VERSION_INDEX = -2;

export interface ColumnSchema {
  readonly name: string;
  readonly type: ColumnType;
  readonly mutable: boolean;
  /** kept on disk; the others are ephemeral */
  readonly persistent: boolean;
  /** place in a row's values, or `UUID_INDEX`, `VERSION_INDEX` */
  readonly index: number;
}

export interface TableSchema {
  readonly name: string;
  /** by index, without `_uuid` and `_version` */
  readonly columns: readonly ColumnSchema[];
  /** by name, with `_uuid` and `_version` */
  readonly columnsByName: ReadonlyMap<string, ColumnSchema>;
  /** rows stay without being referred to */
  readonly isRoot: boolean;
  /** `Infinity` where the schema sets no limit */
  readonly maxRows: number;
  /** sets of columns whose values together differ in all rows */
  readonly indexes: readonly (readonly ColumnSchema[])[];
}

export interface DatabaseSchema {
  readonly name: string;
  readonly version: string;
  readonly tables: ReadonlyMap<string, TableSchema>;
  /** as `get_schema` gives it */
  readonly json: JsonObject;
}

const UUID_TYPE: ColumnType = scalarType(baseType('uuid'));

const UUID_COLUMN: ColumnSchema = {
  name: '_uuid',
  type: UUID_TYPE,
  mutable: false,
  persistent: false,
  index: UUID_INDEX,
};
const VERSION_COLUMN: ColumnSchema = {
  name: '_version',
  type: UUID_TYPE,
  mutable: false,
  persistent: false,
  index: VERSION_INDEX,
};

/** Parses a `<database-schema>`. Throws `OvsdbError`. */
export function parseSchema(json: JsonValue): DatabaseSchema {
  const reader = new MemberReader(json, 'database schema');
  const name = reader.required('name', isId);
  const version = reader.optional('version', isString) ?? '';
  const cksum = reader.optional('cksum', isString);
  const tablesJson = reader.required('tables', isAny);
  reader.finish();
  if (version !== '' && !/^\d+\.\d+\.\d+$/.test(version)) {
    throw syntaxError(`schema version "${version}" not in format x.y.z`, json);
  }
  const tables = new Map<string, TableSchema>();
  for (const [tableName, tableJson] of entriesOf(tablesJson, 'database schema')) {
    if (!isId(tableName) || tableName.startsWith('_')) {
      throw syntaxError(isId(tableName) ? 'names beginning with "_" are reserved' : 'name must be a valid id', json);
    }
    tables.set(tableName, parseTable(tableName, tableJson));
  }
  applyRootRule(tables);
  for (const table of tables.values()) {
    for (const column of table.columns) checkReferences(table, column, tables);
  }
  return { name, version, tables, json: schemaToJson(name, version, cksum, tables) };
}

function parseTable(name: string, json: JsonValue): TableSchema {
  const reader = new MemberReader(json, `table schema for table ${name}`);
  const columnsJson = reader.required('columns', isAny);
  const maxRows = reader.optional('maxRows', isInteger);
  const isRoot = reader.optional('isRoot', isBoolean) ?? false;
  const indexesJson = reader.optional('indexes', isArray) ?? [];
  reader.finish();
  if (maxRows !== undefined && maxRows < 1) throw syntaxError('maxRows must be at least 1', json);

  const columns: ColumnSchema[] = [];
  const columnsByName = new Map([
    [UUID_COLUMN.name, UUID_COLUMN],
    [VERSION_COLUMN.name, VERSION_COLUMN],
  ]);
  for (const [columnName, columnJson] of entriesOf(columnsJson, `table schema for table ${name}`)) {
    if (!isId(columnName) || columnName.startsWith('_')) {
      throw syntaxError(isId(columnName) ? 'names beginning with "_" are reserved' : 'name must be a valid id', json);
    }
    const column = parseColumn(columnName, columnJson, columns.length);
    columns.push(column);
    columnsByName.set(columnName, column);
  }
  if (columns.length === 0) throw syntaxError('table must have at least one column', json);
  const indexes = indexesJson.map((index) => parseIndex(index, columnsByName));
  return {
    name,
    columns,
    columnsByName,
    isRoot,
    maxRows: maxRows === undefined ? Number.POSITIVE_INFINITY : Number(maxRows),
    indexes,
  };
}

function parseColumn(name: string, json: JsonValue, index: number): ColumnSchema {
  const reader = new MemberReader(json, `schema for column ${name}`);
  const mutable = reader.optional('mutable', isBoolean) ?? true;
  const ephemeral = reader.optional('ephemeral', isBoolean) ?? false;
  const type = parseType(reader.required('type', isAny), (enumJson, kind) => {
    const set = { ...scalarType(baseType(kind)), min: 1 as const, max: Number.POSITIVE_INFINITY };
    return parseDatum(enumJson, set).keys;
  });
  reader.finish();
  // Deleting the row that it refers to must be able to empty it.
  const isWeak = isWeakReference(type.key) || (type.value !== null && isWeakReference(type.value));
  return { name, type, mutable: mutable || isWeak, persistent: !ephemeral, index };
}

function isWeakReference(type: ColumnType['key']): boolean {
  return type.refTable !== null && type.refType === 'weak';
}

function parseIndex(json: JsonValue, columns: ReadonlyMap<string, ColumnSchema>): ColumnSchema[] {
  const set = parseColumnNames(json, columns);
  if (set.length === 0) throw syntaxError('index must have at least one column', json);
  for (const column of set) {
    if (column.index < 0) throw syntaxError(`index may not include column "${column.name}"`, json);
  }
  return set;
}

/** Parses an array of distinct names of columns. Throws `OvsdbError`. */
export function parseColumnNames(json: JsonValue, columns: ReadonlyMap<string, ColumnSchema>): ColumnSchema[] {
  const found = new Set<ColumnSchema>();
  if (!Array.isArray(json)) throw syntaxError('array of distinct column names expected', json);
  for (const name of json) {
    if (typeof name !== 'string') throw syntaxError('array of distinct column names expected', json);
    const column = columns.get(name);
    if (column === undefined) throw syntaxError(`${name} is not a valid column name`, json);
    found.add(column);
  }
  if (found.size !== json.length) throw syntaxError('array of distinct column names expected', json);
  return [...found];
}

/** RFC 7047 section 3.2: in a schema where no table says `isRoot`, all are. */
function applyRootRule(tables: Map<string, TableSchema>): void {
  if ([...tables.values()].some((table) => table.isRoot)) return;
  for (const [name, table] of tables) tables.set(name, { ...table, isRoot: true });
}

function checkReferences(table: TableSchema, column: ColumnSchema, tables: ReadonlyMap<string, TableSchema>): void {
  const { key, value } = column.type;
  for (const [base, what] of [[key, 'key'] as const, [value, 'value'] as const]) {
    if (base?.refTable && !tables.has(base.refTable)) {
      throw syntaxError(
        `column ${column.name} in table ${table.name} ${what} refers to undefined table ${base.refTable}`,
      );
    }
    if (base?.refTable && base.refType === 'strong' && !column.persistent && !tables.get(base.refTable)!.isRoot) {
      // What keeps a row alive must outlive a restart as the row does.
      throw syntaxError(
        `column ${column.name} in table ${table.name} is ephemeral but has a strong reference to non-root table ${base.refTable}`,
      );
    }
  }
}

function entriesOf(json: JsonValue, what: string): [string, JsonValue][] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw syntaxError(`Parsing ${what} failed: Object expected.`);
  }
  return Object.entries(json);
}

function schemaToJson(
  name: string,
  version: string,
  cksum: string | undefined,
  tables: ReadonlyMap<string, TableSchema>,
): JsonObject {
  const allRoot = [...tables.values()].every((table) => table.isRoot);
  const json: JsonObject = {};
  if (cksum !== undefined) json.cksum = cksum;
  json.name = name;
  if (version !== '') json.version = version;
  json.tables = Object.fromEntries([...tables.values()].map((table) => [table.name, tableToJson(table, allRoot)]));
  return json;
}

function tableToJson(table: TableSchema, allRoot: boolean): JsonObject {
  const json: JsonObject = { columns: Object.fromEntries(table.columns.map((c) => [c.name, columnToJson(c)])) };
  if (table.maxRows !== Number.POSITIVE_INFINITY) json.maxRows = table.maxRows;
  if (table.isRoot && !allRoot) json.isRoot = true;
  if (table.indexes.length > 0) json.indexes = table.indexes.map((index) => index.map((column) => column.name));
  return json;
}

function columnToJson(column: ColumnSchema): JsonObject {
  const json: JsonObject = { type: typeToJson(column.type) };
  if (!column.mutable) json.mutable = false;
  if (!column.persistent) json.ephemeral = true;
  return json;
}

/** The column of that name. Throws `OvsdbError` (`unknown column`); `json` is where it was asked for. */
export function requireColumn(table: TableSchema, name: string, json: JsonValue): ColumnSchema {
  const column = table.columnsByName.get(name);
  if (column === undefined) throw new OvsdbError('unknown column', `No column ${name} in table ${table.name}.`, json);
  return column;
}
