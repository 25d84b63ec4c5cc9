/**
 * A client that keeps a replica of the tables it is interested in, and changes the database by transactions.
 *
 * It connects, asks for the schema and monitors: with `monitor_cond_since` where the server knows that (after a lost connection only what
 * was missed is sent), else with `monitor_cond`, else with `monitor`. When the connection ends it connects again, waiting one second at
 * first and up to eight after failures. The replica stays readable meanwhile; when the server is back, the listener
 * hears of what differs, no matter whether the server went on or started anew.
 */
import { ZERO_UUID } from './atom.ts';
import { OvsdbError } from './errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { JsonRpcConnection, type JsonRpcMessage } from './json-rpc.ts';
import { InactivityProbe, type SetTimer } from './probe.ts';
import { type MonitoredTables, Replica, type ReplicaTable } from './replica.ts';
import type { DatabaseChanges } from './row.ts';
import { type DatabaseSchema, parseSchema } from './schema.ts';
import type { Stream } from './stream.ts';

/** Tries to connect; calls one of the two, later. The returned function gives up. */
export type Connect = (onStream: (stream: Stream) => void, onFailure: (reason: string) => void) => () => void;

export type ClientState = 'stopped' | 'backoff' | 'connecting' | 'synchronizing' | 'monitoring';

export interface ClientListener {
  /** The replica has changed; also called, perhaps with nothing changed, each time that the client has caught up with a server. */
  onChange: (changes: DatabaseChanges) => void;
  /** The state has changed; `reason` says why a connection failed or ended. */
  onState?: (state: ClientState, reason: string | null) => void;
  /** The lock has been got or lost. */
  onLock?: (isHeld: boolean) => void;
}

export interface ClientOptions {
  readonly connect: Connect;
  readonly setTimer: SetTimer;
  /** such as `Open_vSwitch` */
  readonly database: string;
  readonly tables: MonitoredTables;
  /** a lock to hold whenever possible */
  readonly lock?: string;
  /** silence after which the server is asked whether it lives; 0 never; default 5000 */
  readonly probeIntervalMs?: number;
  /** default 1000 */
  readonly minBackoffMs?: number;
  /** default 8000 */
  readonly maxBackoffMs?: number;
}

/** The reply did not come before the connection ended: whether the transaction happened is not known. */
export class DisconnectedError extends Error {
  readonly code: 'ovsdb-disconnected' = 'ovsdb-disconnected';

  constructor() {
    super('connection to database lost');
    this.name = 'DisconnectedError';
  }
}

/** The server refused the transaction. */
export class TransactionError extends Error {
  readonly code: 'ovsdb-transaction' = 'ovsdb-transaction';
  /** the `<error>` object of RFC 7047 section 3.1 */
  readonly json: JsonObject;

  constructor(json: JsonObject) {
    super(typeof json.details === 'string' ? `${json.error as string}: ${json.details}` : `${json.error as string}`);
    this.name = 'TransactionError';
    this.json = json;
  }

  /** The `error` member. */
  get kind(): string {
    return this.json.error as string;
  }
}

interface Waiting {
  resolve: (result: JsonValue) => void;
  reject: (error: Error) => void;
}

/** The methods to monitor with, best first; which the server knows is found out. */
const MONITOR_METHODS = ['monitor_cond_since', 'monitor_cond', 'monitor'] as const;

export class OvsdbClient {
  private readonly options: ClientOptions;
  private readonly listener: ClientListener;
  private replica: Replica | null = null;
  private connection: JsonRpcConnection | null = null;
  private probe: InactivityProbe | null = null;
  private current: ClientState = 'stopped';
  private cancel: (() => void) | null = null;
  private backoffMs = 0;
  private lastId: string = ZERO_UUID;
  private monitorMethod = 0;
  private holdsLock = false;
  private nextId = 1;
  private readonly replies = new Map<number, Waiting>();
  private readonly changeWaiters = new Set<() => void>();

  constructor(options: ClientOptions, listener: ClientListener) {
    this.options = options;
    this.listener = listener;
  }

  get state(): ClientState {
    return this.current;
  }

  /** Whether the server has given us the lock of the options. */
  get isLockHeld(): boolean {
    return this.holdsLock;
  }

  /** The server's schema; null before the first connection. */
  get schema(): DatabaseSchema | null {
    return this.replica?.schema ?? null;
  }

  /** The table of the replica; null before the first connection, and for one that is not monitored or that the server does not have. */
  table(name: string): ReplicaTable | null {
    return this.replica?.table(name) ?? null;
  }

  start(): void {
    if (this.current === 'stopped') this.connectNow();
  }

  /** Ends the connection. What waits for a reply is rejected. */
  stop(): void {
    this.setState('stopped', null);
    this.cancel?.();
    this.cancel = null;
    this.disconnect();
    // Those who wait for a change are to see that there will be none.
    for (const wake of [...this.changeWaiters]) wake();
  }

  /**
   * Sends a transaction. Resolves to the results of the operations, of which some may be errors (RFC 7047 section 4.1.3). Rejects with
   * `DisconnectedError`, or `TransactionError` if the request as a whole was refused.
   */
  transact(operations: readonly JsonValue[]): Promise<JsonValue[]> {
    if (this.current !== 'monitoring') return Promise.reject(new DisconnectedError());
    return this.request('transact', [this.options.database, ...operations]) as Promise<JsonValue[]>;
  }

  /**
   * Changes the database until it succeeds: `build` makes the operations from the replica as it is then, with `wait` operations for what
   * they rely on; null for nothing to do. When such a `wait` fails, or the connection is lost, it is called again with the
   * replica as it is after that. Resolves to the results, null if there was nothing to do. Rejects with `TransactionError` for other errors,
   * and with `DisconnectedError` when the client is stopped.
   */
  async transactWithRetry(build: () => readonly JsonValue[] | null): Promise<JsonValue[] | null> {
    for (;;) {
      while (this.current !== 'monitoring') await this.nextChange();
      const operations = build();
      if (operations === null) return null;
      let isOutdated = false;
      const forget = this.watch(() => {
        isOutdated = true;
      });
      try {
        const results = await this.transact(operations);
        const error = results.find((result) => isJsonObject(result) && result.error !== undefined) as
          | JsonObject
          | undefined;
        if (error === undefined) return results;
        if (error.error !== 'timed out') throw new TransactionError(error);
      } catch (error) {
        if (!(error instanceof DisconnectedError)) throw error;
      } finally {
        forget();
      }
      // The change that broke the wait may have come already.
      if (!isOutdated) await this.nextChange();
    }
  }

  private watch(wake: () => void): () => void {
    this.changeWaiters.add(wake);
    return () => this.changeWaiters.delete(wake);
  }

  private nextChange(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.current === 'stopped') {
        reject(new DisconnectedError());
        return;
      }
      const forget = this.watch(() => {
        forget();
        if (this.current === 'stopped') reject(new DisconnectedError());
        else resolve();
      });
    });
  }

  private setState(state: ClientState, reason: string | null): void {
    if (state === this.current) return;
    this.current = state;
    this.listener.onState?.(state, reason);
  }

  private connectNow(): void {
    this.setState('connecting', null);
    this.cancel = this.options.connect(
      (stream) => this.connected(stream),
      (reason) => this.retryLater(reason),
    );
  }

  private retryLater(reason: string | null): void {
    const { minBackoffMs = 1000, maxBackoffMs = 8000 } = this.options;
    this.backoffMs = Math.min(this.backoffMs === 0 ? minBackoffMs : this.backoffMs * 2, maxBackoffMs);
    this.cancel = this.options.setTimer(this.backoffMs, () => this.connectNow());
    this.setState('backoff', reason);
  }

  private connected(stream: Stream): void {
    this.cancel = null;
    this.setState('synchronizing', null);
    const connection = new JsonRpcConnection(stream, {
      onMessage: (message) => this.receive(message),
      onClose: (reason) => this.lost(reason),
    });
    this.connection = connection;
    this.probe = new InactivityProbe(
      this.options.setTimer,
      this.options.probeIntervalMs ?? 5000,
      () => connection.send({ kind: 'request', method: 'echo', params: [], id: 'echo' }),
      () => this.lost('no response to inactivity probe'),
    );
    this.synchronize(connection).catch((error: unknown) => {
      if (this.connection === connection) this.lost((error as Error).message);
    });
  }

  private lost(reason: string | null): void {
    this.disconnect();
    if (this.current !== 'stopped') this.retryLater(reason ?? 'connection closed by peer');
  }

  private disconnect(): void {
    this.probe?.stop();
    this.probe = null;
    this.connection?.close();
    this.connection = null;
    const waiting = [...this.replies.values()];
    this.replies.clear();
    this.setLock(false);
    for (const { reject } of waiting) reject(new DisconnectedError());
  }

  private async synchronize(connection: JsonRpcConnection): Promise<void> {
    const { database, tables, lock } = this.options;
    const schemaJson = await this.request('get_schema', [database]);
    if (this.connection !== connection) return;
    const schema = parseSchema(schemaJson);
    if (this.replica === null || !sameSchema(this.replica.schema, schema)) {
      // Rows of another schema mean nothing in this one: the listener sees a new database.
      this.replica = new Replica(schema, tables);
      this.lastId = ZERO_UUID;
    }
    if (lock !== undefined) {
      const reply = await this.request('lock', [lock]);
      if (this.connection !== connection) return;
      this.setLock(isJsonObject(reply) && reply.locked === true);
    }
    await this.monitor(connection);
  }

  private async monitor(connection: JsonRpcConnection): Promise<void> {
    const method = MONITOR_METHODS[this.monitorMethod]!;
    const replica = this.replica!;
    const params: JsonValue[] = [this.options.database, 'replica', replica.requests()];
    if (method === 'monitor_cond_since') params.push(this.lastId);
    // The reply is taken in the order of messages: updates that follow it must find its rows.
    const id = this.send(method, params);
    this.replies.set(id, {
      resolve: (result) => this.monitored(method, replica, result),
      reject: (error) => {
        if (this.connection !== connection) return;
        const isUnknown = error instanceof TransactionError && error.kind === 'unknown method';
        if (isUnknown && this.monitorMethod < MONITOR_METHODS.length - 1) {
          this.monitorMethod++;
          void this.monitor(connection);
        } else {
          this.lost(error.message);
        }
      },
    });
  }

  private monitored(method: (typeof MONITOR_METHODS)[number], replica: Replica, result: JsonValue): void {
    let changes: DatabaseChanges;
    if (method === 'monitor_cond_since') {
      const [isFound, lastId, updates] = result as JsonValue[];
      changes = isFound === true ? replica.apply(updates!, 2) : replica.replaceAll(updates!, 2);
      this.lastId = lastId as string;
    } else {
      changes = replica.replaceAll(result, method === 'monitor' ? 1 : 2);
    }
    this.backoffMs = 0;
    this.setState('monitoring', null);
    this.changed(changes);
  }

  private changed(changes: DatabaseChanges): void {
    this.listener.onChange(changes);
    for (const wake of [...this.changeWaiters]) wake();
  }

  private setLock(isHeld: boolean): void {
    if (isHeld === this.holdsLock) return;
    this.holdsLock = isHeld;
    this.listener.onLock?.(isHeld);
  }

  private send(method: string, params: JsonValue[]): number {
    const id = this.nextId++;
    this.connection!.send({ kind: 'request', method, params, id });
    return id;
  }

  private request(method: string, params: JsonValue[]): Promise<JsonValue> {
    return new Promise((resolve, reject) => {
      this.replies.set(this.send(method, params), { resolve, reject });
    });
  }

  private receive(message: JsonRpcMessage): void {
    this.probe?.received();
    try {
      this.handle(message);
    } catch (error) {
      if (!(error instanceof OvsdbError)) throw error;
      // The replica is not what the server has: begin again.
      this.lastId = ZERO_UUID;
      this.lost(error.message);
    }
  }

  private handle(message: JsonRpcMessage): void {
    switch (message.kind) {
      case 'request':
        if (message.method === 'echo') this.connection!.send({ kind: 'reply', id: message.id, result: message.params });
        else this.connection!.send({ kind: 'error', id: message.id, error: 'unknown method' });
        return;
      case 'notification':
        this.notified(message.method, message.params);
        return;
      default: {
        const waiting = this.replies.get(message.id as number);
        if (waiting === undefined) return;
        this.replies.delete(message.id as number);
        if (message.kind === 'reply') waiting.resolve(message.result);
        else
          waiting.reject(new TransactionError(isJsonObject(message.error) ? message.error : { error: message.error }));
      }
    }
  }

  private notified(method: string, params: JsonValue[]): void {
    const [first, second, third] = params;
    switch (method) {
      case 'update':
        this.changed(this.replica!.apply(second ?? null, 1));
        return;
      case 'update2':
        this.changed(this.replica!.apply(second ?? null, 2));
        return;
      case 'update3':
        this.lastId = second as string;
        this.changed(this.replica!.apply(third ?? null, 2));
        return;
      case 'locked':
      case 'stolen':
        if (first === this.options.lock) this.setLock(method === 'locked');
    }
  }
}

function sameSchema(a: DatabaseSchema, b: DatabaseSchema): boolean {
  return JSON.stringify(a.json) === JSON.stringify(b.json);
}
