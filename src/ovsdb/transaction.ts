/**
 * A transaction while it runs: what it changed, over the committed tables, which stay as they are until it commits. Its own
 * operations see its changes.
 */
import { type Condition, matchesAll, requiredUuid } from './condition.ts';
import { datumsEqual } from './datum.ts';
import type { Row, RowChange } from './row.ts';
import type { Table } from './table.ts';

export class Transaction {
  readonly tables: ReadonlyMap<string, Table>;
  /** by name of the table, then UUID */
  readonly changes: Map<string, Map<string, RowChange>> = new Map();
  readonly comments: string[] = [];

  constructor(tables: ReadonlyMap<string, Table>) {
    this.tables = tables;
  }

  /** The row as this transaction sees it. */
  find(table: Table, uuid: string): Row | null {
    const change = this.changes.get(table.schema.name)?.get(uuid);
    return change === undefined ? (table.rows.get(uuid) ?? null) : change.after;
  }

  /** Whether a row of that UUID exists or existed when the transaction began. */
  isUsed(table: Table, uuid: string): boolean {
    return table.rows.has(uuid) || this.changes.get(table.schema.name)?.has(uuid) === true;
  }

  /** The rows that match. A snapshot: changing rows meanwhile does not matter. */
  select(table: Table, condition: Condition): Row[] {
    const uuid = requiredUuid(condition);
    if (uuid !== null) {
      const row = this.find(table, uuid);
      return row !== null && matchesAll(row, condition) ? [row] : [];
    }
    return [...this.rows(table)].filter((row) => matchesAll(row, condition));
  }

  /** All rows of the table. */
  *rows(table: Table): Generator<Row> {
    const changes = this.changes.get(table.schema.name);
    for (const [uuid, row] of table.rows) {
      const change = changes?.get(uuid);
      if (change === undefined) yield row;
      else if (change.after !== null) yield change.after;
    }
    if (changes === undefined) return;
    for (const change of changes.values()) {
      if (change.before === null && change.after !== null) yield change.after;
    }
  }

  /** Inserts, replaces or, with null, deletes a row. */
  write(table: Table, uuid: string, after: Row | null): void {
    const { name } = table.schema;
    let changes = this.changes.get(name);
    if (changes === undefined) {
      changes = new Map();
      this.changes.set(name, changes);
    }
    changes.set(uuid, { before: table.rows.get(uuid) ?? null, after });
  }

  /** Forgets changes that changed nothing. */
  dropUnchanged(): void {
    for (const [name, changes] of this.changes) {
      for (const [uuid, { before, after }] of changes) {
        const isSame =
          before === null || after === null
            ? before === after
            : before.values.every((datum, i) => datumsEqual(datum, after.values[i]!));
        if (isSame) changes.delete(uuid);
      }
      if (changes.size === 0) this.changes.delete(name);
    }
  }

  /** Forgets rows that neither were there nor are. */
  dropVanished(): void {
    for (const [name, changes] of this.changes) {
      for (const [uuid, { before, after }] of changes) {
        if (before === null && after === null) changes.delete(uuid);
      }
      if (changes.size === 0) this.changes.delete(name);
    }
  }
}
