/**
 * One database: its tables, and the one way to change them, `commit`. A transaction that passes all checks is first written to the
 * log, then applied, then told to the listeners (monitors): if the log cannot be written nothing has happened.
 *
 * Everything is synchronous; a transaction is atomic because nothing else runs meanwhile. Whether the log has reached the disk is the
 * server's business: it holds replies back until then.
 */
import { OvsdbError } from './errors.ts';
import { completeTransaction } from './integrity.ts';
import type { JsonObject } from './json.ts';
import { changesToRecord } from './record.ts';
import type { DatabaseChanges, Row, RowChange } from './row.ts';
import type { DatabaseSchema } from './schema.ts';
import { Table, visitReferences } from './table.ts';
import { Transaction } from './transaction.ts';

/** What the layer takes from outside. */
export interface DatabaseEnvironment {
  /** a new random UUID in lower case */
  readonly randomUuid: () => string;
  /** milliseconds since 1970 */
  readonly now: () => number;
}

/** Where records of committed transactions go. Throws `OvsdbError` (`I/O error`) and then has not written. */
export type AppendRecord = (record: JsonObject) => void;

export interface Commit {
  /** names this state of the database, for `monitor_cond_since` */
  readonly id: string;
  readonly changes: DatabaseChanges;
}

export type CommitListener = (commit: Commit) => void;

export class Database {
  readonly schema: DatabaseSchema;
  readonly tables: ReadonlyMap<string, Table>;
  readonly environment: DatabaseEnvironment;
  /** clients may only read it */
  readonly isReserved: boolean;
  private readonly listeners = new Set<CommitListener>();
  private append: AppendRecord | null = null;

  constructor(schema: DatabaseSchema, environment: DatabaseEnvironment, isReserved = false) {
    this.schema = schema;
    this.environment = environment;
    this.isReserved = isReserved;
    this.tables = new Map([...schema.tables].map(([name, table]) => [name, new Table(table)]));
  }

  /** From now on commits are written with `append`. */
  writeTo(append: AppendRecord): void {
    this.append = append;
  }

  /** Calls `listener` after each commit, until the returned function is called. */
  onCommit(listener: CommitListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  begin(): Transaction {
    return new Transaction(this.tables);
  }

  /** Checks and commits. Throws `OvsdbError`, and then nothing has changed. Returns null if the transaction changed nothing. */
  commit(transaction: Transaction): Commit | null {
    const references = completeTransaction(transaction);
    if (transaction.changes.size === 0) return null;
    const { randomUuid, now } = this.environment;
    for (const changes of transaction.changes.values()) {
      for (const [uuid, { before, after }] of changes) {
        if (after !== null) changes.set(uuid, { before, after: { ...after, version: randomUuid() } });
      }
    }
    if (this.append !== null) {
      const record = changesToRecord(transaction.changes, this.schema);
      if (record !== null) {
        const comment = transaction.comments.join('\n');
        this.append({ _date: Math.floor(now()), ...(comment === '' ? {} : { _comment: comment }), ...record });
      }
    }
    for (const [name, changes] of transaction.changes) {
      const table = this.tables.get(name)!;
      for (const [uuid, change] of changes) table.apply(uuid, change);
    }
    for (const [name, counts] of references) {
      const table = this.tables.get(name)!;
      for (const [uuid, count] of counts) table.addReferences(uuid, count);
    }
    const commit = { id: randomUuid(), changes: transaction.changes };
    for (const listener of this.listeners) listener(commit);
    return commit;
  }

  /** Applies changes that were checked before: those of a log. */
  replay(name: string, changes: Iterable<[string, RowChange]>): void {
    const table = this.tables.get(name);
    if (table === undefined) throw new OvsdbError('syntax error', `No table named ${name}.`);
    const count = (row: Row, by: number): void =>
      visitReferences(row, table, (refTable, uuid) => this.tables.get(refTable)!.addReferences(uuid, by));
    for (const [uuid, change] of changes) {
      if (change.before !== null) count(change.before, -1);
      if (change.after !== null) count(change.after, 1);
      table.apply(uuid, change);
    }
  }
}
