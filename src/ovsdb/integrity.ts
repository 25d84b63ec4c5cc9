/**
 * What holds for the database after every transaction (RFC 7047 section 3.2), checked or brought about when one commits: strong
 * references lead to rows, rows of non-root tables that nothing refers to go, weak references to rows that are gone go, no table
 * has more rows than it may, indexes are unique.
 */
import { ZERO_UUID } from './atom.ts';
import { type Datum, filterDatum, formatDatum } from './datum.ts';
import { constraintViolation, OvsdbError } from './errors.ts';
import { type Row, readColumn } from './row.ts';
import type { ColumnSchema } from './schema.ts';
import { indexKey, type Table, visitReferences } from './table.ts';
import type { Transaction } from './transaction.ts';

/** By how much the number of strong references to rows changes: by name of the table, then UUID. */
export type ReferenceChanges = ReadonlyMap<string, ReadonlyMap<string, number>>;

/**
 * Completes the transaction with what follows from it and checks the result. Throws `OvsdbError`.
 * Afterwards `transaction.changes` holds only rows that change.
 */
export function completeTransaction(transaction: Transaction): ReferenceChanges {
  transaction.dropUnchanged();
  const references = countReferences(transaction);
  checkRemaining(transaction, references);
  collectGarbage(transaction, references);
  checkMaxRows(transaction);
  cleanWeakReferences(transaction);
  checkIndexes(transaction);
  // A row whose only change was a weak reference that leads nowhere counts as changed, as in ovsdb-server.
  transaction.dropVanished();
  return references;
}

type MutableReferenceChanges = Map<string, Map<string, number>>;

function countReferences(transaction: Transaction): MutableReferenceChanges {
  const references: MutableReferenceChanges = new Map();
  for (const [name, changes] of transaction.changes) {
    const table = transaction.tables.get(name)!;
    if (table.strongColumns.length === 0) continue;
    for (const [uuid, { before, after }] of changes) {
      if (before !== null) forget(before, table, references);
      if (after === null) continue;
      visitReferences(after, table, (refTable, target, column) => {
        if (transaction.find(transaction.tables.get(refTable)!, target) === null) {
          // A row that this transaction deletes is complained about as a whole, below.
          if (!transaction.tables.get(refTable)!.rows.has(target)) {
            throw new OvsdbError(
              'referential integrity violation',
              `Table ${name} column ${column.name} row ${uuid} references nonexistent row ${target} in table ${refTable}.`,
            );
          }
        }
        add(references, refTable, target, 1);
      });
    }
  }
  return references;
}

function forget(row: Row, table: Table, references: MutableReferenceChanges): void {
  visitReferences(row, table, (refTable, target) => add(references, refTable, target, -1));
}

function add(references: MutableReferenceChanges, table: string, uuid: string, count: number): void {
  let counts = references.get(table);
  if (counts === undefined) {
    counts = new Map();
    references.set(table, counts);
  }
  counts.set(uuid, (counts.get(uuid) ?? 0) + count);
}

function referenceCount(table: Table, uuid: string, references: ReferenceChanges): number {
  return (table.references.get(uuid) ?? 0) + (references.get(table.schema.name)?.get(uuid) ?? 0);
}

function collectGarbage(transaction: Transaction, references: MutableReferenceChanges): void {
  const candidates: [Table, string][] = [];
  for (const table of transaction.tables.values()) {
    if (table.schema.isRoot) continue;
    const { name } = table.schema;
    for (const uuid of transaction.changes.get(name)?.keys() ?? []) candidates.push([table, uuid]);
    for (const uuid of references.get(name)?.keys() ?? []) candidates.push([table, uuid]);
  }
  for (let next = candidates.pop(); next !== undefined; next = candidates.pop()) {
    const [table, uuid] = next;
    const row = transaction.find(table, uuid);
    if (row === null || referenceCount(table, uuid, references) > 0) continue;
    transaction.write(table, uuid, null);
    visitReferences(row, table, (refTable, target) => {
      add(references, refTable, target, -1);
      const referred = transaction.tables.get(refTable)!;
      if (!referred.schema.isRoot) candidates.push([referred, target]);
    });
  }
}

function checkRemaining(transaction: Transaction, references: ReferenceChanges): void {
  for (const [name, changes] of transaction.changes) {
    const table = transaction.tables.get(name)!;
    for (const [uuid, { before, after }] of changes) {
      if (before === null || after !== null) continue;
      const count = referenceCount(table, uuid, references);
      if (count > 0) {
        throw new OvsdbError(
          'referential integrity violation',
          `cannot delete ${name} row ${uuid} because of ${count} remaining reference(s)`,
        );
      }
    }
  }
}

function checkMaxRows(transaction: Transaction): void {
  for (const [name, changes] of transaction.changes) {
    const table = transaction.tables.get(name)!;
    const { maxRows } = table.schema;
    let count = table.rows.size;
    for (const { before, after } of changes.values()) {
      count += (after === null ? 0 : 1) - (before === null ? 0 : 1);
    }
    if (count > maxRows) {
      throw constraintViolation(
        `transaction causes "${name}" table to contain ${count} rows, greater than the schema-defined limit of ${maxRows} row(s)`,
      );
    }
  }
}

function cleanWeakReferences(transaction: Transaction): void {
  const shrunk = new Set<string>();
  for (const [name, changes] of transaction.changes) {
    if ([...changes.values()].some(({ after }) => after === null)) shrunk.add(name);
  }
  for (const table of transaction.tables.values()) {
    if (table.weakColumns.length === 0) continue;
    const mayDangle = table.weakColumns.some(({ type }) =>
      [type.key.refTable, type.value?.refTable].some((refTable) => refTable != null && shrunk.has(refTable)),
    );
    const rows = mayDangle
      ? [...transaction.rows(table)]
      : [...(transaction.changes.get(table.schema.name)?.values() ?? [])].map(({ after }) => after);
    for (const row of rows) {
      if (row !== null) cleanRow(transaction, table, row);
    }
  }
}

function cleanRow(transaction: Transaction, table: Table, row: Row): void {
  let values: Datum[] | null = null;
  for (const column of table.weakColumns) {
    const datum = readColumn(row, column);
    const { key, value } = column.type;
    const cleaned = filterDatum(
      datum,
      (keyAtom, valueAtom) =>
        !dangles(transaction, key, keyAtom as string) &&
        (value === null || !dangles(transaction, value, valueAtom as string)),
    );
    if (cleaned === datum) continue;
    if (cleaned.keys.length < column.type.min) throw emptiedColumn(table, row, column, datum, cleaned);
    values ??= [...row.values];
    values[column.index] = cleaned;
  }
  if (values !== null) transaction.write(table, row.uuid, { ...row, values });
}

function dangles(transaction: Transaction, type: ColumnSchema['type']['key'], uuid: string): boolean {
  if (type.refTable === null || type.refType !== 'weak') return false;
  return transaction.find(transaction.tables.get(type.refTable)!, uuid) === null;
}

function emptiedColumn(table: Table, row: Row, column: ColumnSchema, before: Datum, after: Datum): OvsdbError {
  const inserted = table.rows.has(row.uuid) ? '' : ' (inserted within this transaction)';
  const where = `column "${column.name}" in "${table.schema.name}" row ${row.uuid}${inserted}`;
  if (before.keys.includes(ZERO_UUID) || before.values?.includes(ZERO_UUID)) {
    return constraintViolation(
      `Weak reference ${where} contained all-zeros UUID (probably as the default value for this column) but deleting this value caused a constraint volation because this column is not allowed to be empty.`,
    );
  }
  const count = before.keys.length - after.keys.length;
  return constraintViolation(
    `Deletion of ${count} weak reference(s) to deleted (or never-existing) rows from ${where} caused this column to become empty, but constraints on this column disallow an empty column.`,
  );
}

function checkIndexes(transaction: Transaction): void {
  for (const [name, changes] of transaction.changes) {
    const table = transaction.tables.get(name)!;
    table.schema.indexes.forEach((columns, i) => {
      const committed = table.indexes[i]!;
      const seen = new Map<string, Row>();
      for (const { after } of changes.values()) {
        if (after === null) continue;
        const key = indexKey(after, columns);
        const other = seen.get(key);
        if (other !== undefined) throw duplicateIndex(table, columns, other, after, changes);
        seen.set(key, after);
        const holder = committed.get(key);
        if (holder !== undefined && !changes.has(holder)) {
          throw duplicateIndex(table, columns, table.rows.get(holder)!, after, changes);
        }
      }
    });
  }
}

function duplicateIndex(
  table: Table,
  columns: readonly ColumnSchema[],
  first: Row,
  second: Row,
  changes: ReadonlyMap<string, unknown>,
): OvsdbError {
  const names = columns.map((column) => `"${column.name}"`);
  const history = (row: Row): string => {
    const before = table.rows.get(row.uuid);
    if (before === undefined) return 'was inserted by this transaction';
    if (!changes.has(row.uuid)) {
      return 'existed in the database before this transaction and was not modified by the transaction';
    }
    const had = indexValues(before, columns);
    return had === indexValues(row, columns)
      ? 'had the same index values before the transaction'
      : `had the following index values before the transaction: ${had}`;
  };
  return constraintViolation(
    `Transaction causes multiple rows in "${table.schema.name}" table to have identical values (${indexValues(first, columns)}) ` +
      `for index on column${names.length > 1 ? 's' : ''} ${listOf(names)}.  ` +
      `First row, with UUID ${first.uuid}, ${history(first)}.  Second row, with UUID ${second.uuid}, ${history(second)}.`,
  );
}

function indexValues(row: Row, columns: readonly ColumnSchema[]): string {
  return listOf(columns.map((column) => formatDatum(readColumn(row, column), column.type)));
}

/** `a`, `a and b`, `a, b, and c`. */
function listOf(words: readonly string[]): string {
  if (words.length < 3) return words.join(' and ');
  return `${words.slice(0, -1).join(', ')}, and ${words.at(-1)}`;
}
