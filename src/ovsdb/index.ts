/**
 * OVSDB: the database protocol of RFC 7047 with the extensions of ovsdb-server(7), both ends of it.
 *
 * What. A database server that runs inside the program, which real clients (ovs-vsctl, ovsdb-client) use as they use ovsdb-server; a
 * client that keeps a replica of the tables it monitors; the file format of ovsdb-tool; and the schema of Open vSwitch.
 *
 * How. A column of a row holds a *datum*: sorted atoms, whatever its type (`datum.ts`). Rows never change; a *transaction* is a
 * map of rows before and after over the committed tables (`transaction.ts`). `operations.ts` runs a client's operations in one,
 * `integrity.ts` completes and checks it, `Database.commit` writes it to the log, applies it and tells the monitors, and that is all
 * that ever changes a database. Everything there is synchronous: a transaction is atomic because nothing else runs.
 *
 * `OvsdbServer` is what has time in it: sessions, transactions that wait, locks, and the disk. What follows from a commit leaves
 * only when the commit is on the disk; many commits share one sync. A client that does not read is not sent updates until it
 * does; they add up to the newest state meanwhile.
 *
 * Life cycle. `openStoredDatabase` reads (or makes) the file, `OvsdbServer.addStoredDatabase` serves it, `accept` takes connections, from
 * `platform/`'s sockets or `createStreamPair`. `OvsdbClient.start` connects, and connects again, with back-off, until `stop`.
 *
 * Threads: none. Sockets, files, time and randomness come in through `Stream`, `AppendFile` and the environments.
 */
export { columnAtom, columnDatum, columnMap, columnSet } from './access.ts';
export { type Atom, type AtomicType, type BaseType, ZERO_UUID } from './atom.ts';
export {
  type ClientListener,
  type ClientOptions,
  type ClientState,
  type Connect,
  DisconnectedError,
  OvsdbClient,
  TransactionError,
} from './client.ts';
export { Database, type DatabaseEnvironment } from './database.ts';
export { createDatum, type Datum, datumsEqual, datumToJson, formatDatum, parseDatum } from './datum.ts';
export { OvsdbError, type OvsdbErrorKind } from './errors.ts';
export { isJsonObject, type JsonObject, type JsonValue, parseJson, stringifyJson } from './json.ts';
export {
  JsonRpcConnection,
  JsonRpcError,
  type JsonRpcErrorReply,
  type JsonRpcListener,
  type JsonRpcMessage,
  type JsonRpcNotification,
  type JsonRpcReply,
  type JsonRpcRequest,
} from './json-rpc.ts';
export type { AppendFile, Log, Sha1 } from './log.ts';
export { type ExecuteOptions, type ExecuteResult, executeOperations } from './operations.ts';
export type { SetTimer } from './probe.ts';
export type { MonitoredTables, ReplicaTable } from './replica.ts';
export type { DatabaseChanges, Row, RowChange, RowChanges } from './row.ts';
export { type ColumnSchema, type DatabaseSchema, parseSchema, type TableSchema } from './schema.ts';
export { OvsdbServer, type ServerEnvironment, type ServerOptions } from './server.ts';
export { compactDatabase, openStoredDatabase, type StoredDatabase } from './stored-database.ts';
export { createStreamPair, type Defer, type Stream, type StreamListener } from './stream.ts';
export type { ColumnType } from './types.ts';
export { vswitchSchema } from './vswitch-schema.ts';
