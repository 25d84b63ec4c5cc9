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

/**
 * Calls `visit` with each strong reference of the row: the name of the table and the UUID that it refers to. A reference of a row to
 * itself is none: it does not keep the row.
 */
export function visitReferences(
  row: Row,
  table: Table,
  visit: (refTable: string, uuid: string, column: ColumnSchema) => void,
): void {
  for (const column of table.strongColumns) {
    const datum = readColumn(row, column);
    const { key, value } = column.type;
    for (const [type, atoms] of [[key, datum.keys] as const, [value, datum.values] as const]) {
      if (type === null || type.refTable === null || type.refType !== 'strong') continue;
      for (const uuid of atoms ?? []) {
        if (uuid !== row.uuid || type.refTable !== table.schema.name) visit(type.refTable, uuid as string, column);
      }
    }
  }
}
