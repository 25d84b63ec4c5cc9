/**
 * unixctl: how `ovs-appctl` talks to a daemon. The commands lie in a table, with usage and numbers of arguments; the server answers
 * JSON-RPC requests on a unix socket (method: the command, params: strings, result or error: text).
 *
 * A connection has one command under way at a time, so replies come in the order of requests even when a command takes long.
 * What is no JSON-RPC request ends the connection, as in Open vSwitch; nothing that a client sends reaches further.
 */
import { chmodSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  JsonRpcConnection,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type JsonValue,
  stringifyJson,
} from '../ovsdb/index.ts';
import { listenStream, type PlatformError, type SocketStream } from '../platform/index.ts';
import type { CoverageCounters } from './coverage.ts';
import { UnixctlError } from './unixctl-error.ts';
import type { Vlog } from './vlog.ts';

/** Longer requests than any that makes sense: `dpctl/add-flow` with everything has a few kilobytes. */
const MAX_REQUEST_LENGTH = 16 * 1024 * 1024;
/** A client that asks on and on while a command takes its time is not polite. */
const MAX_WAITING_REQUESTS = 1000;
/** Replies may be long (`dpctl/dump-flows`); beyond this no more requests are read until the client takes them. */
const MAX_PENDING_BYTES = 1024 * 1024;
const SOCKET_MODE = 0o770;

/** Returns the reply, soon or later. Throws `UnixctlError`. */
export type UnixctlHandler = (args: readonly string[]) => string | Promise<string>;

interface UnixctlCommand {
  /** null hides the command from `list-commands` */
  readonly usage: string | null;
  readonly minArguments: number;
  readonly maxArguments: number;
  readonly handler: UnixctlHandler;
}

/** The commands that a daemon has. `list-commands` and `version` are there from the start. */
export class UnixctlCommands {
  private readonly commands = new Map<string, UnixctlCommand>();

  /** `version` is the reply of the command of that name, such as `ovs-vswitchd (Open vSwitch) 3.1.0`. */
  constructor(version: string) {
    this.register('list-commands', '', 0, 0, () => this.list());
    this.register('version', '', 0, 0, () => version);
  }

  /** Adds a command; a name that is there already stays as it is, as in Open vSwitch. `maxArguments` may be infinite. */
  register(
    name: string,
    usage: string | null,
    minArguments: number,
    maxArguments: number,
    handler: UnixctlHandler,
  ): void {
    if (!this.commands.has(name)) this.commands.set(name, { usage, minArguments, maxArguments, handler });
  }

  /** Does what `ovs-appctl NAME ARGS…` asks for. Rejects with `UnixctlError`; whatever else is thrown is a bug of the command. */
  async run(name: string, params: readonly JsonValue[]): Promise<string> {
    const command = this.commands.get(name);
    if (command === undefined) {
      throw new UnixctlError(`"${name}" is not a valid command (use "list-commands" to see a list of valid commands)`);
    }
    if (params.length < command.minArguments) {
      throw new UnixctlError(`"${name}" command requires at least ${command.minArguments} arguments`);
    }
    if (params.length > command.maxArguments) {
      throw new UnixctlError(`"${name}" command takes at most ${command.maxArguments} arguments`);
    }
    if (!params.every((param) => typeof param === 'string')) {
      throw new UnixctlError(`"${name}" command has non-string argument`);
    }
    return command.handler(params);
  }

  private list(): string {
    const lines = [...this.commands]
      .filter(([, { usage }]) => usage !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { usage }]) => `  ${name.padEnd(23)} ${usage}\n`);
    return `The available commands are:\n${lines.join('')}`;
  }
}

export interface UnixctlServer {
  readonly path: string;
  /** Ends all connections and removes the socket. */
  close: () => void;
}

/** Answers on a socket at `path`. Rejects with an error in Open vSwitch's words when it cannot be made. */
export async function startUnixctlServer(
  path: string,
  commands: UnixctlCommands,
  vlog: Vlog,
  coverage: CoverageCounters,
): Promise<UnixctlServer> {
  const log = vlog.module('unixctl');
  const rpcLog = vlog.module('jsonrpc');
  const received = coverage.counter('unixctl_received');
  const replied = coverage.counter('unixctl_replied');
  const connections = new Set<JsonRpcConnection>();
  let accepted = 0;

  function accept(stream: SocketStream): void {
    const name = `unix#${accepted++}`;
    const waiting: JsonRpcRequest[] = [];
    let isBusy = false;

    const connection = new JsonRpcConnection(stream, { onMessage, onClose }, MAX_REQUEST_LENGTH);
    connections.add(connection);

    function onMessage(message: JsonRpcMessage): void {
      if (message.kind !== 'request') {
        log.warn(`${name}: received unexpected ${message.kind} message`);
        end();
      } else if (waiting.length >= MAX_WAITING_REQUESTS) {
        log.warn(`${name}: more than ${MAX_WAITING_REQUESTS} requests waiting, closing connection`);
        end();
      } else {
        waiting.push(message);
        if (!isBusy) void work();
      }
    }

    function onClose(reason: string | null): void {
      waiting.length = 0;
      connections.delete(connection);
      if (reason !== null) rpcLog.warn(`${name}: ${describeEnd(reason)}`);
    }

    function end(): void {
      waiting.length = 0;
      connections.delete(connection);
      connection.close();
    }

    async function work(): Promise<void> {
      isBusy = true;
      for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
        await answer(request);
      }
      isBusy = false;
    }

    async function answer({ id, method, params }: JsonRpcRequest): Promise<void> {
      received.add(1);
      log.dbg(() => `received request ${method}${stringifyJson(params)}, id=${stringifyJson(id)}`);
      try {
        const text = await commands.run(method, params);
        log.dbg(() => `replying with success, id=${stringifyJson(id)}: "${text}"`);
        connection.send({ kind: 'reply', id, result: endLine(text) });
      } catch (error) {
        const text = errorText(method, error);
        log.dbg(() => `replying with error, id=${stringifyJson(id)}: "${text}"`);
        connection.send({ kind: 'error', id, error: endLine(text) });
      }
      replied.add(1);
    }
  }

  function errorText(method: string, error: unknown): string {
    if (error instanceof UnixctlError) return error.message;
    log.err(`${method}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return `${method}: internal error`;
  }

  try {
    const server = await listenStream(`punix:${path}`, { defaultPort: 0, maxPendingBytes: MAX_PENDING_BYTES }, accept);
    chmodSync(path, SOCKET_MODE & ~process.umask());
    return {
      path,
      close() {
        server.close();
        for (const connection of connections) connection.close();
        connections.clear();
      },
    };
  } catch (error) {
    // Node says that access is denied where there is no folder.
    const reason = existsSync(dirname(path)) ? reasonOf(error as PlatformError) : 'No such file or directory';
    vlog.module('stream_unix').err(`${path}: binding failed: ${reason}`);
    throw new UnixctlError(`${path}: could not initialize control socket (${reason})`);
  }
}

/** A reply that is not empty ends its line, so that `ovs-appctl` can print it as it is. */
function endLine(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

const MESSAGE_PROBLEM = /^(message|request|reply|error|notification|"method"|"params") /;

function describeEnd(reason: string): string {
  return MESSAGE_PROBLEM.test(reason) ? `received bad JSON-RPC message: ${reason}` : `error parsing stream: ${reason}`;
}

/** `X: listen failed (No such file or directory)` → what the parentheses hold. */
function reasonOf(error: Error): string {
  const inner = /\(([^()]*)\)$/.exec(error.message)?.[1] ?? error.message;
  return inner.includes('EACCES') ? 'Permission denied' : inner;
}
