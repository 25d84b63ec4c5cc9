/** A server in this process with peers over memory streams, a virtual clock and numbered UUIDs. */
import {
  type AppendFile,
  createStreamPair,
  OvsdbServer,
  type ServerEnvironment,
  type ServerOptions,
  type Stream,
} from '../../src/ovsdb/index.ts';
import { Peer } from './ovsdb-peer.ts';

interface Timer {
  readonly at: number;
  readonly action: () => void;
}

/** Time that passes when told to. */
export class VirtualTime {
  now = 0;
  private timers: Timer[] = [];

  readonly setTimer = (ms: number, action: () => void): (() => void) => {
    const timer = { at: this.now + ms, action };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  };

  get pendingTimers(): number {
    return this.timers.length;
  }

  /** Lets time pass, and what is due happen in order. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await settle();
      const due = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== due);
      this.now = due.at;
      due.action();
    }
    this.now = end;
    await settle();
  }
}

/** Lets everything happen that only waits for the event loop. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

export class LocalServer {
  readonly time: VirtualTime;
  readonly environment: ServerEnvironment;
  readonly server: OvsdbServer;
  private uuids = 0;

  constructor(options: ServerOptions = {}, time: VirtualTime = new VirtualTime()) {
    this.time = time;
    this.environment = {
      randomUuid: () => uuid(0xfff, ++this.uuids),
      now: () => 1_000_000 + this.time.now,
      monotonicMs: () => this.time.now,
      setTimer: this.time.setTimer,
      defer: (action) => setImmediate(action),
    };
    this.server = new OvsdbServer(this.environment, options);
  }

  /** The client's end of a new connection. */
  stream(probeIntervalMs = 0): Stream {
    const [near, far] = createStreamPair(this.environment.defer);
    this.server.accept(far, probeIntervalMs);
    return near;
  }

  peer(probeIntervalMs = 0): Peer {
    return new Peer(this.stream(probeIntervalMs));
  }
}

/** A UUID that shows two numbers. */
export function uuid(a: number, b: number): string {
  return `${a.toString(16).padStart(8, '0')}-0000-4000-8000-${b.toString(16).padStart(12, '0')}`;
}

/** A file in memory that syncs when told to, and can fail. */
export class MemoryFile implements AppendFile {
  bytes: Uint8Array = new Uint8Array(0);
  /** calls the callbacks of `sync` at once */
  syncsAtOnce = true;
  failNextWrite: Error | null = null;
  replacements = 0;
  private readonly syncs: ((error: Error | null) => void)[] = [];

  read(): Uint8Array {
    return this.bytes;
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    if (this.failNextWrite !== null) {
      const error = this.failNextWrite;
      this.failNextWrite = null;
      throw error;
    }
    const grown = new Uint8Array(offset + bytes.length);
    grown.set(this.bytes.subarray(0, offset));
    grown.set(bytes, offset);
    this.bytes = grown;
  }

  sync(done: (error: Error | null) => void): void {
    if (this.syncsAtOnce) done(null);
    else this.syncs.push(done);
  }

  /** Answers the syncs that were asked for. Returns how many. */
  finishSyncs(error: Error | null = null): number {
    const waiting = this.syncs.splice(0);
    for (const done of waiting) done(error);
    return waiting.length;
  }

  replace(bytes: Uint8Array): void {
    this.bytes = bytes.slice();
    this.replacements++;
  }

  close(): void {}
}
