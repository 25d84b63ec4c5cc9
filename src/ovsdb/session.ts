/** One client of the server: its requests, its monitors (RFC 7047 section 4.1, ovsdb-server(7)). */
import { isUuid } from './atom.ts';
import type { Commit, Database } from './database.ts';
import { errorToJson, OvsdbError, syntaxError } from './errors.ts';
import { type JsonValue, jsonEquals, stringifySorted } from './json.ts';
import { JsonRpcConnection, type JsonRpcMessage } from './json-rpc.ts';
import type { LockHolder } from './locks.ts';
import { isId } from './members.ts';
import { Monitor, type MonitorVersion } from './monitor.ts';
import { InactivityProbe } from './probe.ts';
import type { OvsdbServer, ServedDatabase } from './server.ts';
import type { Stream } from './stream.ts';

type Handler = (session: Session, params: JsonValue[], id: JsonValue) => void;

export class Session implements LockHolder {
  readonly server: OvsdbServer;
  readonly monitors: Map<string, Monitor> = new Map();
  private readonly connection: JsonRpcConnection;
  private readonly probe: InactivityProbe;

  constructor(server: OvsdbServer, stream: Stream, probeIntervalMs: number) {
    this.server = server;
    this.connection = new JsonRpcConnection(
      stream,
      {
        onMessage: (message) => this.receive(message),
        onClose: () => this.forget(),
        onDrain: () => this.flushIfReady(),
      },
      server.messageLimit,
    );
    this.probe = new InactivityProbe(
      server.environment.setTimer,
      probeIntervalMs,
      () => this.connection.send({ kind: 'request', method: 'echo', params: [], id: 'echo' }),
      () => this.end(),
    );
  }

  /** Ends the connection. */
  end(): void {
    this.connection.close();
    this.forget();
  }

  reply(id: JsonValue, result: JsonValue): void {
    this.send({ kind: 'reply', id, result });
  }

  replyError(id: JsonValue, error: JsonValue): void {
    this.send({ kind: 'error', id, error });
  }

  notifyLock(method: 'locked' | 'stolen', name: string): void {
    this.notify(method, [name]);
  }

  /** Lets monitors of the database take note of a commit. */
  collect(database: Database, commit: Commit): void {
    for (const monitor of this.monitors.values()) {
      if (monitor.database === database) monitor.collect(commit.changes);
    }
  }

  /** Sends what monitors have to tell, unless the client is behind with reading: then when it has caught up. */
  flushIfReady(): void {
    if (this.connection.stream.pendingBytes === 0) this.flush();
  }

  /** Sends what monitors have to tell. */
  flush(): void {
    for (const monitor of this.monitors.values()) this.flushMonitor(monitor);
  }

  flushMonitor(monitor: Monitor): void {
    const updates = monitor.flush();
    if (updates !== null) this.sendUpdates(monitor, updates);
  }

  sendUpdates(monitor: Monitor, updates: JsonValue): void {
    if (monitor.version === 1) this.notify('update', [monitor.id, updates]);
    else if (monitor.version === 2) this.notify('update2', [monitor.id, updates]);
    else {
      const { history } = this.server.find(monitor.database.schema.name)!;
      this.notify('update3', [monitor.id, history.lastId, updates]);
    }
  }

  private notify(method: string, params: JsonValue[]): void {
    this.send({ kind: 'notification', method, params });
  }

  private send(message: JsonRpcMessage): void {
    this.server.send(this.connection, message);
  }

  private forget(): void {
    this.probe.stop();
    this.server.forget(this);
  }

  private receive(message: JsonRpcMessage): void {
    this.probe.received();
    if (message.kind === 'notification' && message.method === 'cancel') {
      const wanted = message.params[0] ?? null;
      const id = this.server.cancel(this, (candidate) => jsonEquals(candidate, wanted));
      if (id !== null) this.replyError(id, 'canceled');
    }
    if (message.kind !== 'request') return;
    const { method, params, id } = message;
    const handler = HANDLERS.get(method);
    if (handler === undefined) {
      this.replyError(id, 'unknown method');
      return;
    }
    try {
      handler(this, params, id);
    } catch (error) {
      this.replyError(id, errorToJson(error));
    }
  }
}

const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['echo', (session, params, id) => session.reply(id, params)],
  ['list_dbs', (session, _params, id) => session.reply(id, session.server.databaseNames())],
  ['get_server_id', (session, _params, id) => session.reply(id, session.server.id)],
  [
    'get_schema',
    (session, params, id) => session.reply(id, findDatabase(session, 'get_schema', params).database.schema.json),
  ],
  [
    'transact',
    (session, params, id) =>
      session.server.transact(session, id, findDatabase(session, 'transact', params), params.slice(1)),
  ],
  ['monitor', (session, params, id) => monitor(session, params, id, 1)],
  ['monitor_cond', (session, params, id) => monitor(session, params, id, 2)],
  ['monitor_cond_since', (session, params, id) => monitor(session, params, id, 3)],
  ['monitor_cond_change', changeMonitor],
  ['monitor_cancel', cancelMonitor],
  ['set_db_change_aware', setChangeAware],
  ['lock', (session, params, id) => lock(session, params, id, 'lock')],
  ['steal', (session, params, id) => lock(session, params, id, 'steal')],
  ['unlock', unlock],
]);

function findDatabase(session: Session, method: string, params: JsonValue[]): ServedDatabase {
  const name = params[0];
  if (typeof name !== 'string') throw syntaxError(`${method} request params must begin with <db-name>`, params);
  const served = session.server.find(name);
  if (served === null) {
    throw new OvsdbError('unknown database', `${method} request specifies unknown database ${name}`, params);
  }
  return served;
}

function monitor(session: Session, params: JsonValue[], id: JsonValue, version: MonitorVersion): void {
  const served = findDatabase(session, ['', 'monitor', 'monitor_cond', 'monitor_cond_since'][version]!, params);
  const { database, history } = served;
  const wanted = version === 3 ? 4 : 3;
  if (params.length !== wanted) throw syntaxError(`monitor requires ${wanted} parameters`, params);
  const monitorId = params[1]!;
  const requests = params[2]!;
  const since = version === 3 ? params[3]! : null;
  const created = new Monitor(database, monitorId, version, requests);
  const key = stringifySorted(monitorId);
  if (session.monitors.has(key)) throw syntaxError('duplicate monitor ID', monitorId);
  if (version === 3 && (typeof since !== 'string' || !isUuid(since))) {
    throw syntaxError('last-txn-id must be UUID format.', since!);
  }
  // What other monitors are to hear of first must not come after this reply, which is newer.
  session.flush();
  session.monitors.set(key, created);
  if (version !== 3) {
    session.reply(id, created.initial());
    return;
  }
  const missed = history.since((since as string).toLowerCase());
  const updates = missed === null ? created.initial() : created.missed(missed);
  session.reply(id, [missed !== null, history.lastId, updates]);
}

function changeMonitor(session: Session, params: JsonValue[], id: JsonValue): void {
  const [oldId, newId, requests] = params;
  if (oldId === undefined || newId === undefined || requests === undefined || params.length !== 3) {
    throw syntaxError('monitor_cond_change requires 3 parameters', params);
  }
  const oldKey = stringifySorted(oldId);
  const newKey = stringifySorted(newId);
  const found = session.monitors.get(oldKey);
  if (found === undefined || found.version === 1) throw syntaxError('unknown monitor session', oldId);
  if (newKey !== oldKey && session.monitors.has(newKey)) throw syntaxError('duplicate monitor ID', newId);
  session.flushMonitor(found);
  const updates = found.changeConditions(requests);
  session.monitors.delete(oldKey);
  found.id = newId;
  session.monitors.set(newKey, found);
  if (updates !== null) session.sendUpdates(found, updates);
  session.reply(id, {});
}

function cancelMonitor(session: Session, params: JsonValue[], id: JsonValue): void {
  if (params.length !== 1) session.replyError(id, 'invalid parameters');
  else if (session.monitors.delete(stringifySorted(params[0]!))) session.reply(id, {});
  else session.replyError(id, 'unknown monitor');
}

/** Databases are neither added nor removed while clients are connected, so there is nothing to be aware of. */
function setChangeAware(session: Session, params: JsonValue[], id: JsonValue): void {
  if (params.length !== 1 || typeof params[0] !== 'boolean') {
    throw syntaxError('set_db_change_aware: true or false parameter expected', params);
  }
  session.reply(id, {});
}

function lock(session: Session, params: JsonValue[], id: JsonValue, method: 'lock' | 'steal'): void {
  const name = lockName(params, method);
  const { locks } = session.server;
  if (locks.isQueued(name, session)) throw syntaxError(`must issue "unlock" before new "${method}"`, params);
  let locked = true;
  if (method === 'lock') locked = locks.lock(name, session);
  else locks.steal(name, session);
  session.reply(id, { locked });
}

function unlock(session: Session, params: JsonValue[], id: JsonValue): void {
  const name = lockName(params, 'unlock');
  const { locks } = session.server;
  if (!locks.isQueued(name, session)) {
    throw syntaxError('unlock: "unlock" without "lock" or "steal"', params);
  }
  locks.unlock(name, session);
  session.reply(id, {});
}

function lockName(params: JsonValue[], method: string): string {
  const [name] = params;
  if (params.length !== 1 || !isId(name)) throw syntaxError(`${method} request params must be <id>`, params);
  return name;
}
