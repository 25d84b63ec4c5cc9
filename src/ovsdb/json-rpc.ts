/**
 * JSON-RPC 1.0 over a stream, as RFC 7047 section 4 has it: messages back to back, nothing between them, in both
 * directions. The splitter finds where a message ends by counting brackets outside strings, over as many chunks as it
 * takes, so that a message is parsed once, when it is whole.
 *
 * What does not parse, or is no JSON-RPC message, ends the connection, as Open vSwitch does: nothing tells where the
 * next message would begin.
 */
import { isJsonObject, type JsonObject, type JsonValue, MAX_JSON_DEPTH, parseJson, stringifyJson } from './json.ts';
import type { Stream } from './stream.ts';

/** Bytes of one message (in UTF-16 units) beyond which the peer is not taken seriously. */
export const DEFAULT_MESSAGE_LIMIT: number = 256 * 1024 * 1024;

export interface JsonRpcRequest {
  readonly kind: 'request';
  readonly method: string;
  readonly params: JsonValue[];
  /** never null */
  readonly id: JsonValue;
}
export interface JsonRpcNotification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonValue[];
}
export interface JsonRpcReply {
  readonly kind: 'reply';
  readonly id: JsonValue;
  readonly result: JsonValue;
}
export interface JsonRpcErrorReply {
  readonly kind: 'error';
  readonly id: JsonValue;
  /** never null */
  readonly error: JsonValue;
}
export type JsonRpcMessage = JsonRpcRequest | JsonRpcNotification | JsonRpcReply | JsonRpcErrorReply;

export class JsonRpcError extends Error {
  readonly code: 'json-rpc-syntax' | 'json-rpc-message' | 'json-rpc-too-long';

  constructor(code: JsonRpcError['code'], message: string) {
    super(message);
    this.name = 'JsonRpcError';
    this.code = code;
  }
}

/** Cuts a stream of text into JSON objects and arrays. */
export class JsonSplitter {
  private readonly limit: number;
  private parts: string[] = [];
  private length = 0;
  private depth = 0;
  private inString = false;
  private escaped = false;

  constructor(limit: number = DEFAULT_MESSAGE_LIMIT) {
    this.limit = limit;
  }

  /** Takes a chunk and calls `onText` with each whole text. Throws `JsonRpcError`; the splitter is of no use after that. */
  push(chunk: string, onText: (text: string) => void): void {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk.charCodeAt(i);
      if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (code === 0x5c) this.escaped = true;
        else if (code === 0x22) this.inString = false;
      } else if (this.depth === 0) {
        if (code === 0x7b || code === 0x5b) {
          this.depth = 1;
          start = i;
        } else if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) {
          throw new JsonRpcError('json-rpc-syntax', 'syntax error at beginning of input');
        }
      } else if (code === 0x22) {
        this.inString = true;
      } else if (code === 0x7b || code === 0x5b) {
        if (++this.depth > MAX_JSON_DEPTH) {
          throw new JsonRpcError('json-rpc-syntax', 'input exceeds maximum nesting depth 1000');
        }
      } else if (code === 0x7d || code === 0x5d) {
        if (--this.depth === 0) {
          this.checkLength(i + 1 - start);
          this.parts.push(chunk.slice(start, i + 1));
          const text = this.parts.length === 1 ? this.parts[0]! : this.parts.join('');
          this.parts = [];
          this.length = 0;
          start = i + 1;
          onText(text);
        }
      }
    }
    if (this.depth > 0) {
      this.checkLength(chunk.length - start);
      this.parts.push(chunk.slice(start));
      this.length += chunk.length - start;
    }
  }

  private checkLength(more: number): void {
    if (this.length + more > this.limit) {
      throw new JsonRpcError('json-rpc-too-long', `message longer than ${this.limit} characters`);
    }
  }
}

/** What the text says. Throws `JsonRpcError`. */
export function parseMessage(text: string): JsonRpcMessage {
  let json: JsonValue;
  try {
    json = parseJson(text);
  } catch (error) {
    throw new JsonRpcError('json-rpc-syntax', (error as Error).message);
  }
  if (!isJsonObject(json)) throw invalid('message is not a JSON object');
  for (const name of Object.keys(json)) {
    if (!MEMBERS.has(name)) throw invalid(`message has unexpected member "${name}"`);
  }
  const { method = null, params = null, result = null, error = null, id = null } = json;
  if (method !== null) {
    if (typeof method !== 'string') throw invalid('"method" is not JSON string');
    if (!Array.isArray(params)) throw invalid('"params" must be JSON array');
    if (result !== null) throw invalid('request must not have "result"');
    if (error !== null) throw invalid('request must not have "error"');
    return id === null ? { kind: 'notification', method, params } : { kind: 'request', method, params, id };
  }
  if (params !== null) throw invalid('reply must not have "params"');
  if (id === null) throw invalid('reply must have "id"');
  if (error !== null) {
    if (result !== null) throw invalid('error must not have "result"');
    return { kind: 'error', id, error };
  }
  return { kind: 'reply', id, result };
}

const MEMBERS: ReadonlySet<string> = new Set(['method', 'params', 'result', 'error', 'id']);

function invalid(reason: string): JsonRpcError {
  return new JsonRpcError('json-rpc-message', reason);
}

/** The message's text, members as ovsdb-server sends them. */
export function formatMessage(message: JsonRpcMessage): string {
  let json: JsonObject;
  switch (message.kind) {
    case 'request':
      json = { id: message.id, method: message.method, params: message.params };
      break;
    case 'notification':
      json = { id: null, method: message.method, params: message.params };
      break;
    case 'reply':
      json = { id: message.id, result: message.result, error: null };
      break;
    case 'error':
      // ovsdb-server leaves `result` out
      json = { id: message.id, error: message.error };
      break;
  }
  return stringifyJson(json);
}

export interface JsonRpcListener {
  onMessage: (message: JsonRpcMessage) => void;
  /** The connection has ended; `reason` is null when the peer ended it in order. */
  onClose: (reason: string | null) => void;
  onDrain?: () => void;
}

/** Messages over a stream. */
export class JsonRpcConnection {
  readonly stream: Stream;
  private readonly listener: JsonRpcListener;
  private readonly splitter: JsonSplitter;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private open = true;

  constructor(stream: Stream, listener: JsonRpcListener, messageLimit: number = DEFAULT_MESSAGE_LIMIT) {
    this.stream = stream;
    this.listener = listener;
    this.splitter = new JsonSplitter(messageLimit);
    stream.start({
      onData: (bytes) => this.receive(bytes),
      onClose: (reason) => this.end(reason),
      onDrain: () => {
        if (this.open) listener.onDrain?.();
      },
    });
  }

  send(message: JsonRpcMessage): void {
    if (this.open) this.stream.write(formatMessage(message));
  }

  /** Ends the connection; `onClose` is not called. */
  close(): void {
    if (!this.open) return;
    this.open = false;
    this.stream.close();
  }

  private receive(bytes: Uint8Array): void {
    if (!this.open) return;
    try {
      const text = this.decode(bytes);
      this.splitter.push(text, (message) => {
        if (this.open) this.listener.onMessage(parseMessage(message));
      });
    } catch (error) {
      if (!(error instanceof JsonRpcError)) throw error;
      this.stream.close();
      this.end(error.message);
    }
  }

  private decode(bytes: Uint8Array): string {
    try {
      return this.decoder.decode(bytes, { stream: true });
    } catch {
      throw new JsonRpcError('json-rpc-syntax', 'invalid UTF-8 sequence');
    }
  }

  private end(reason: string | null): void {
    if (!this.open) return;
    this.open = false;
    this.listener.onClose(reason);
  }
}
