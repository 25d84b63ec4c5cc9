/** Reads columns of rows by name, as plain JavaScript values. A column that the table does not have reads as empty: the server may be older. */
import type { Atom } from './atom.ts';
import { type Datum, EMPTY_SET } from './datum.ts';
import { type Row, readColumn } from './row.ts';
import type { TableSchema } from './schema.ts';

export function columnDatum(table: TableSchema, row: Row, column: string): Datum {
  const found = table.columnsByName.get(column);
  return found === undefined ? EMPTY_SET : readColumn(row, found);
}

/** The one value of a scalar or optional column; null for none. */
export function columnAtom(table: TableSchema, row: Row, column: string): Atom | null {
  return columnDatum(table, row, column).keys[0] ?? null;
}

/** The values of a set. */
export function columnSet(table: TableSchema, row: Row, column: string): readonly Atom[] {
  return columnDatum(table, row, column).keys;
}

/** The pairs of a map. */
export function columnMap(table: TableSchema, row: Row, column: string): Map<Atom, Atom> {
  const { keys, values } = columnDatum(table, row, column);
  return new Map(values === null ? [] : keys.map((key, i) => [key, values[i]!]));
}
