/** The client's end of a JSON-RPC connection, for tests that look at single messages. */
import { JsonRpcConnection, type JsonRpcMessage, type JsonValue, type Stream } from '../../src/ovsdb/index.ts';

interface Waiting {
  resolve: (message: JsonRpcMessage) => void;
  reject: (error: Error) => void;
}

export class Peer {
  /** All that came, in order, apart from replies that somebody waited for. */
  readonly messages: JsonRpcMessage[] = [];
  readonly connection: JsonRpcConnection;
  /** why the connection ended; undefined while it lives */
  closed: string | null | undefined = undefined;
  private readonly waiting = new Map<JsonValue, Waiting>();
  private readonly observers = new Set<() => void>();
  private nextId = 0;

  constructor(stream: Stream) {
    this.connection = new JsonRpcConnection(stream, {
      onMessage: (message) => {
        const id = message.kind === 'notification' ? null : message.id;
        const waiting = this.waiting.get(id);
        if (waiting === undefined || message.kind === 'request') this.messages.push(message);
        else waiting.resolve(message);
        this.wake();
      },
      onClose: (reason) => {
        this.closed = reason;
        for (const { reject } of this.waiting.values()) reject(new Error(`connection closed (${reason})`));
        this.wake();
      },
    });
  }

  /** Sends a request and resolves to the reply, of either kind. */
  request(method: string, params: JsonValue[], id: JsonValue = this.nextId++): Promise<JsonRpcMessage> {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.connection.send({ kind: 'request', method, params, id });
    });
  }

  /** Sends a request; resolves to its result or `{ failed: error }`. */
  async call(method: string, ...params: JsonValue[]): Promise<JsonValue> {
    const reply = await this.request(method, params);
    if (reply.kind === 'reply') return reply.result;
    return reply.kind === 'error' ? { failed: reply.error } : null;
  }

  /** Resolves when `holds` does; it is looked at after each message. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.observers.delete(look);
        resolve();
      };
      this.observers.add(look);
      look();
    });
  }

  /** Takes the notifications that have come. */
  takeNotifications(): { method: string; params: JsonValue[] }[] {
    return this.messages.splice(0).flatMap((message) => (message.kind === 'notification' ? [message] : []));
  }

  private wake(): void {
    for (const look of [...this.observers]) look();
  }
}
