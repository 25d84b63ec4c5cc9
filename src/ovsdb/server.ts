/**
 * The database server: databases, the sessions of clients, and what is between them: locks, transactions that wait, and the order of
 * things. Nothing that follows from a commit (its reply, the updates of monitors, what later requests read) leaves before the
 * commit is on the disk: `send` keeps messages in line behind the commits that they may depend on. The disk is asked to sync once
 * for all transactions that came in meanwhile, and the server goes on running.
 */
import { type Commit, Database, type DatabaseEnvironment } from './database.ts';
import { OvsdbError } from './errors.ts';
import { History } from './history.ts';
import { type JsonValue, stringifyJson } from './json.ts';
import { DEFAULT_MESSAGE_LIMIT, type JsonRpcConnection, type JsonRpcMessage } from './json-rpc.ts';
import { Locks } from './locks.ts';
import { executeOperations } from './operations.ts';
import type { SetTimer } from './probe.ts';
import { serverSchema } from './server-schema.ts';
import { Session } from './session.ts';
import { compactDatabase, type StoredDatabase } from './stored-database.ts';
import type { Defer, Stream } from './stream.ts';

/** What a server takes from outside. */
export interface ServerEnvironment extends DatabaseEnvironment {
  /** milliseconds that never go back */
  readonly monotonicMs: () => number;
  readonly setTimer: SetTimer;
  readonly defer: Defer;
}

export interface ServerOptions {
  /** called with what an administrator should know */
  readonly onWarning?: (text: string) => void;
  /** bytes of one request; default 256 MB */
  readonly messageLimit?: number;
}

export interface ServedDatabase {
  readonly database: Database;
  readonly history: History;
  /** null for a database in memory only */
  readonly stored: StoredDatabase | null;
}

/** A `transact` request on its way. */
export interface PendingTransaction {
  readonly session: Session;
  readonly id: JsonValue;
  readonly served: ServedDatabase;
  readonly operations: readonly JsonValue[];
  readonly startMs: number;
  cancelTimer: (() => void) | null;
}

interface HeldMessage {
  readonly connection: JsonRpcConnection;
  readonly message: JsonRpcMessage;
  /** how many records must be on the disk before it may leave */
  readonly after: number;
}

export class OvsdbServer {
  readonly environment: ServerEnvironment;
  readonly locks: Locks = new Locks();
  /** the UUID of `get_server_id` */
  readonly id: string;
  readonly messageLimit: number;
  private readonly warn: (text: string) => void;
  private readonly databases = new Map<string, ServedDatabase>();
  private readonly sessions = new Set<Session>();
  private readonly own: Database;
  private waiting: PendingTransaction[] = [];
  private isFlushing = false;
  private needsRerun = false;
  private held: HeldMessage[] = [];
  /** records written, and of those on the disk */
  private written = 0;
  private synced = 0;
  private isSyncing = false;
  private readonly unsynced = new Set<StoredDatabase>();

  constructor(environment: ServerEnvironment, options: ServerOptions = {}) {
    this.environment = environment;
    this.id = environment.randomUuid();
    this.warn = options.onWarning ?? (() => {});
    this.messageLimit = options.messageLimit ?? DEFAULT_MESSAGE_LIMIT;
    this.own = new Database(serverSchema(), environment, true);
    this.serve(this.own, null);
  }

  /** Adds a database in memory. Throws `OvsdbError` if one of that name is there. */
  addDatabase(database: Database): void {
    this.serve(database, null);
  }

  /** Adds a database that lives in a file. Throws `OvsdbError` if one of that name is there. */
  addStoredDatabase(stored: StoredDatabase): void {
    if (stored.problem !== null) this.warn(`${stored.database.schema.name}: ${stored.problem}; the rest is ignored`);
    const { log, database } = stored;
    this.serve(database, stored);
    database.writeTo((record) => {
      log.append(record);
      this.written++;
      this.unsynced.add(stored);
      this.scheduleSync();
    });
  }

  databaseNames(): string[] {
    return [...this.databases.keys()].sort();
  }

  find(name: string): ServedDatabase | null {
    return this.databases.get(name) ?? null;
  }

  /** Serves a client until either side ends. `probeIntervalMs`: silence after which it is asked whether it lives; 0 never. */
  accept(stream: Stream, probeIntervalMs = 0): void {
    this.sessions.add(new Session(this, stream, probeIntervalMs));
  }

  get sessionCount(): number {
    return this.sessions.size;
  }

  /** Ends all sessions. What is not acknowledged yet never will be. Files are closed. */
  close(): void {
    for (const session of [...this.sessions]) session.end();
    for (const { stored } of this.databases.values()) stored?.log.close();
  }

  /** Writes the files of databases anew, only with the rows that there are. Throws `OvsdbError`. */
  compact(): void {
    for (const { stored } of this.databases.values()) {
      if (stored !== null) compactDatabase(stored);
    }
  }

  /** For sessions: one has ended. */
  forget(session: Session): void {
    this.sessions.delete(session);
    this.locks.unlockAll(session);
    for (const pending of this.waiting) if (pending.session === session) pending.cancelTimer?.();
    this.waiting = this.waiting.filter((pending) => pending.session !== session);
  }

  /** For sessions: sends the message as soon as all commits before it are on the disk. */
  send(connection: JsonRpcConnection, message: JsonRpcMessage): void {
    if (this.synced === this.written) connection.send(message);
    else this.held.push({ connection, message, after: this.written });
  }

  /** For sessions: runs a transaction; its reply comes now or later. */
  transact(session: Session, id: JsonValue, served: ServedDatabase, operations: readonly JsonValue[]): void {
    const startMs = this.environment.monotonicMs();
    this.attempt({ session, id, served, operations, startMs, cancelTimer: null }, 0);
    this.rerun();
  }

  /** For sessions: drops a transaction that waits and returns its id; null if there is none. */
  cancel(session: Session, isMeant: (id: JsonValue) => boolean): JsonValue | null {
    const pending = this.waiting.find((candidate) => candidate.session === session && isMeant(candidate.id));
    if (pending === undefined) return null;
    this.drop(pending);
    return pending.id;
  }

  private serve(database: Database, stored: StoredDatabase | null): void {
    const { name } = database.schema;
    if (this.databases.has(name)) throw new OvsdbError('ovsdb error', `${name}: already have a database of this name`);
    const served: ServedDatabase = { database, history: new History(), stored };
    this.databases.set(name, served);
    database.onCommit((commit) => this.committed(served, commit));
    this.register(database);
  }

  /** Adds the database's row to `_Server`. */
  private register(database: Database): void {
    const table = this.own.tables.get('Database')!;
    const uuid = this.environment.randomUuid();
    const values: Record<string, JsonValue> = {
      name: database.schema.name,
      model: 'standalone',
      schema: stringifyJson(database.schema.json),
      connected: true,
      leader: true,
    };
    const transaction = this.own.begin();
    transaction.write(table, uuid, {
      uuid,
      version: uuid,
      values: table.schema.columns.map((column) => {
        const value = values[column.name] as string | boolean | undefined;
        return { keys: value === undefined ? [] : [value], values: null };
      }),
    });
    this.own.commit(transaction);
  }

  private committed(served: ServedDatabase, commit: Commit): void {
    served.history.add(commit);
    for (const session of this.sessions) session.collect(served.database, commit);
    this.needsRerun = true;
    this.scheduleFlush();
  }

  private attempt(pending: PendingTransaction, elapsedMs: number): void {
    const { session, served, operations } = pending;
    const result = executeOperations(served.database, operations, {
      elapsedMs,
      holdsLock: (name) => this.locks.isOwner(name, session),
    });
    if (result.kind === 'done') {
      this.drop(pending);
      // A client that has its reply knows all that its transaction changed (ovsdb-server(7) section 4.1.5).
      session.flush();
      session.reply(pending.id, result.results);
      return;
    }
    if (!this.waiting.includes(pending)) this.waiting.push(pending);
    const { timeoutMs } = result;
    if (timeoutMs !== null && pending.cancelTimer === null) {
      pending.cancelTimer = this.environment.setTimer(timeoutMs - elapsedMs, () => {
        pending.cancelTimer = null;
        this.attempt(pending, Math.max(timeoutMs, this.environment.monotonicMs() - pending.startMs));
        this.rerun();
      });
    }
  }

  private drop(pending: PendingTransaction): void {
    pending.cancelTimer?.();
    pending.cancelTimer = null;
    this.waiting = this.waiting.filter((other) => other !== pending);
  }

  /** Tries transactions that wait again, as long as that changes something. */
  private rerun(): void {
    while (this.needsRerun) {
      this.needsRerun = false;
      for (const pending of [...this.waiting]) {
        if (!this.waiting.includes(pending)) continue;
        this.attempt(pending, this.environment.monotonicMs() - pending.startMs);
      }
    }
  }

  /** Soon tells all sessions what has changed: once for many commits. */
  private scheduleFlush(): void {
    if (this.isFlushing) return;
    this.isFlushing = true;
    this.environment.defer(() => {
      this.isFlushing = false;
      this.rerun();
      for (const session of this.sessions) session.flushIfReady();
    });
  }

  private scheduleSync(): void {
    if (this.isSyncing) return;
    this.isSyncing = true;
    this.environment.defer(() => this.sync());
  }

  private sync(): void {
    const upTo = this.written;
    const stored = [...this.unsynced];
    this.unsynced.clear();
    let open = stored.length;
    for (const each of stored) {
      each.log.sync((error) => {
        if (error !== null) this.failed(each, error);
        if (--open === 0) this.syncedUpTo(upTo, stored);
      });
    }
  }

  private syncedUpTo(count: number, stored: readonly StoredDatabase[]): void {
    this.synced = count;
    this.isSyncing = false;
    const ready = this.held.filter(({ after }) => after <= count);
    this.held = this.held.filter(({ after }) => after > count);
    for (const { connection, message } of ready) connection.send(message);
    for (const each of stored) {
      if (each.log.hasGrown) this.compactOne(each);
    }
    if (this.unsynced.size > 0) this.scheduleSync();
  }

  private compactOne(stored: StoredDatabase): void {
    try {
      compactDatabase(stored);
    } catch (error) {
      this.warn((error as Error).message);
    }
  }

  /** Nobody knows what is on the disk: nothing that waits for it may be acknowledged. */
  private failed({ database }: StoredDatabase, error: Error): void {
    this.warn(
      `${database.schema.name}: cannot sync database file (${error.message}); the database takes no more changes`,
    );
    this.held = [];
    for (const session of [...this.sessions]) session.end();
  }
}
