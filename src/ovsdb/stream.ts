/**
 * What the database needs of a connection: bytes out, bytes in, and to know when it ends. Sockets are made elsewhere
 * (`platform/`); a pair in memory joins a client and a server of one process.
 */

export interface StreamListener {
  /** The bytes are valid only during the call. */
  onData: (bytes: Uint8Array) => void;
  /** Once, and nothing after it; `reason` is null when the peer ended it in order. */
  onClose: (reason: string | null) => void;
  /** What `write` kept has been sent. */
  onDrain: () => void;
}

export interface Stream {
  /** Who is at the other end, for logs. */
  readonly name: string;
  /** Begins to deliver; called once. */
  start: (listener: StreamListener) => void;
  /** Sends, or keeps what the peer does not take yet. After the end it does nothing. */
  write: (text: string) => void;
  /** Bytes that `write` keeps. */
  readonly pendingBytes: number;
  /** Sends what is kept, then ends; `onClose` is not called. */
  close: () => void;
}

/** Runs a function soon, from the event loop: `queueMicrotask` or a virtual clock's. */
export type Defer = (action: () => void) => void;

/** Two ends of a connection in memory. What is written is delivered by `defer`, never from within `write`. */
export function createStreamPair(defer: Defer, name = 'internal'): [Stream, Stream] {
  const encoder = new TextEncoder();
  const first = createEnd(name);
  const second = createEnd(name);
  first.peer = second;
  second.peer = first;
  return [first.stream, second.stream];

  interface End {
    peer: End | null;
    listener: StreamListener | null;
    open: boolean;
    inbox: Uint8Array[];
    stream: Stream;
  }

  function deliver(end: End): void {
    if (end.listener === null) return;
    for (const bytes of end.inbox.splice(0)) {
      if (!end.open) return;
      end.listener.onData(bytes);
    }
    if (end.open && !end.peer!.open) {
      end.open = false;
      end.listener.onClose(null);
    }
  }

  function createEnd(endName: string): End {
    const end: End = {
      peer: null,
      listener: null,
      open: true,
      inbox: [],
      stream: {
        name: endName,
        pendingBytes: 0,
        start(listener) {
          end.listener = listener;
          defer(() => deliver(end));
        },
        write(text) {
          const peer = end.peer!;
          if (!end.open || !peer.open) return;
          peer.inbox.push(encoder.encode(text));
          defer(() => deliver(peer));
        },
        close() {
          if (!end.open) return;
          end.open = false;
          defer(() => deliver(end.peer!));
        },
      },
    };
    return end;
  }
}
