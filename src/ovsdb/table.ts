/**
 * The rows of one table as they are committed, with what makes checks cheap: how many strong references each row has, and the
 * values of the unique indexes.
 */
import type { Atom } from './atom.ts';
import type { Datum } from './datum.ts';
import { type Row, type RowChange, readColumn } from './row.ts';
import type { ColumnSchema, TableSchema } from './schema.ts';

export class Table {
  readonly schema: TableSchema;
  readonly rows: Map<string, Row> = new Map();
  /** number of strong references to each row that has any */
  readonly references: Map<string, number> = new Map();
  /** for each index of the schema, which row has these values */
  readonly indexes: readonly Map<string, string>[];
  readonly strongColumns: readonly ColumnSchema[];
  readonly weakColumns: readonly ColumnSchema[];

  constructor(schema: TableSchema) {
    this.schema = schema;
    this.indexes = schema.indexes.map(() => new Map());
    this.strongColumns = schema.columns.filter((column) => refersTo(column, 'strong'));
    this.weakColumns = schema.columns.filter((column) => refersTo(column, 'weak'));
  }

  apply(uuid: string, { before, after }: RowChange): void {
    this.schema.indexes.forEach((columns, i) => {
      const index = this.indexes[i]!;
      if (before !== null) {
        const key = indexKey(before, columns);
        if (index.get(key) === uuid) index.delete(key);
      }
      if (after !== null) index.set(indexKey(after, columns), uuid);
    });
    if (after === null) this.rows.delete(uuid);
    else this.rows.set(uuid, after);
  }

  addReferences(uuid: string, count: number): void {
    const references = (this.references.get(uuid) ?? 0) + count;
    if (references === 0) this.references.delete(uuid);
    else this.references.set(uuid, references);
  }
}

function refersTo(column: ColumnSchema, kind: 'strong' | 'weak'): boolean {
  return [column.type.key, column.type.value].some((type) => type?.refTable != null && type.refType === kind);
}

/** The values of the columns as one string, distinct for distinct values. */
export function indexKey(row: Row, columns: readonly ColumnSchema[]): string {
  return columns.map((column) => datumKey(readColumn(row, column))).join('');
}

function datumKey({ keys, values }: Datum): string {
  return `${keys.length};${keys.map(atomKey).join('')}${values === null ? '' : values.map(atomKey).join('')}`;
}

function atomKey(atom: Atom): string {
  const text = String(atom);
  return `${text.length}:${text}`;
}

/** Calls `visit` with each reference of that kind in the row: the name of the table and the UUID that it refers to. */
export function visitReferences(
  row: Row,
  columns: readonly ColumnSchema[],
  kind: 'strong' | 'weak',
  visit: (refTable: string, uuid: string, column: ColumnSchema) => void,
): void {
  for (const column of columns) {
    const datum = readColumn(row, column);
    const { key, value } = column.type;
    if (key.refTable !== null && key.refType === kind) {
      for (const uuid of datum.keys) visit(key.refTable, uuid as string, column);
    }
    if (value !== null && value.refTable !== null && value.refType === kind) {
      for (const uuid of datum.values!) visit(value.refTable, uuid as string, column);
    }
  }
}
