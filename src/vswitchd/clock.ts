/**
 * The daemon's time. Everything that happens by time in the daemon (expiry, probes, back-off, statistics) asks this clock and waits
 * on its timers, so that `time/stop` and `time/warp` of `ovs-appctl` make it repeatable: time stands still until a test moves it on.
 *
 * Virtual time is the host's monotonic time plus what was warped, or where it was stopped plus what was warped; in whole
 * milliseconds, so that differences are exact. While time stands still no timer of the host runs: only a warp makes timers due.
 *
 * A warp goes in steps. After each one the timers that are due run once, in order of time (a timer that starts itself again counts
 * from the new time, as in a poll loop that overslept), then input, output and what they put off get their turns, and only then
 * comes the next step. When the warp is over, all that it caused has been done.
 *
 * Wall-clock time is never stopped or warped, as in Open vSwitch.
 */
import type { UnixctlCommands } from './unixctl.ts';
import { UnixctlError } from './unixctl-error.ts';

/** Turns of the event loop after each step of a warp: one for what is ready, one for what that starts. */
const TURNS_PER_STEP = 2;

/** What the clock needs of its host; all in milliseconds. */
export interface ClockHost {
  monotonicMs: () => number;
  wallMs: () => number;
  /** Calls once, after the delay or a little later; the result takes it back. */
  after: (delayMs: number, callback: () => void) => () => void;
  /** Calls once, after the input and output that waits. */
  soon: (callback: () => void) => () => void;
}

interface Timer {
  readonly dueMs: number;
  readonly sequence: number;
  /** null when it has run or was taken back */
  callback: (() => void) | null;
}

export class DaemonClock {
  private readonly host: ClockHost;
  private readonly timers = new TimerHeap();
  private sequence = 0;
  private warpedMs = 0;
  /** host time at `stop`, or null while time runs */
  private stoppedAtMs: number | null = null;
  private isWarping = false;
  private armedForMs = Number.POSITIVE_INFINITY;
  private disarm: (() => void) | null = null;

  constructor(host: ClockHost) {
    this.host = host;
  }

  /** Virtual monotonic time in whole milliseconds. */
  get nowMs(): number {
    return Math.floor(this.stoppedAtMs ?? this.host.monotonicMs()) + this.warpedMs;
  }

  /** Milliseconds since 1970. */
  get wallMs(): number {
    return this.host.wallMs();
  }

  get isStopped(): boolean {
    return this.stoppedAtMs !== null;
  }

  /** Calls `callback` once when `delayMs` of virtual time have passed; the result takes it back. */
  after(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { dueMs: this.nowMs + Math.max(0, Math.ceil(delayMs)), sequence: this.sequence++, callback };
    this.timers.push(timer);
    this.arm();
    return () => {
      timer.callback = null;
    };
  }

  /** Calls `callback` once, after the input and output that waits; time does not matter. */
  soon(callback: () => void): () => void {
    return this.host.soon(callback);
  }

  /** Time stands still from now on, but for warps. There is no way back, as in Open vSwitch. */
  stop(): void {
    this.stoppedAtMs ??= this.host.monotonicMs();
    this.arm();
  }

  /**
   * Moves time on by `totalMs` in steps of `stepMs` (the last one may be shorter). Resolves when all that became due was done.
   * Throws `UnixctlError` while another warp is under way.
   */
  warp(totalMs: number, stepMs: number): Promise<void> {
    if (this.isWarping) throw new UnixctlError('A previous warp in progress');
    this.isWarping = true;
    return new Promise((resolve) => {
      let leftMs = totalMs;
      let turns = 0;
      const turn = (): void => {
        if (turns > 0) {
          turns--;
        } else if (leftMs > 0) {
          const step = Math.min(stepMs, leftMs);
          leftMs -= step;
          this.warpedMs += step;
          turns = TURNS_PER_STEP;
        } else {
          this.isWarping = false;
          this.arm();
          resolve();
          return;
        }
        // A timer that throws must not keep time from moving on.
        this.host.soon(turn);
        this.runDue();
      };
      turn();
    });
  }

  private runDue(): void {
    const nowMs = this.nowMs;
    const startedUpTo = this.sequence;
    const later: Timer[] = [];
    try {
      for (let timer = this.timers.peek(); timer !== null && timer.dueMs <= nowMs; timer = this.timers.peek()) {
        this.timers.pop();
        // started by another timer just now: next time, or two of them would keep everything else waiting
        if (timer.sequence >= startedUpTo) later.push(timer);
        else run(timer);
      }
    } finally {
      for (const timer of later) this.timers.push(timer);
      this.arm();
    }
  }

  /** Has the host call when the first timer is due. */
  private arm(): void {
    while (this.timers.peek()?.callback === null) this.timers.pop();
    const dueMs = this.timers.peek()?.dueMs ?? Number.POSITIVE_INFINITY;
    const isDue = dueMs <= this.nowMs;
    const wantedMs = this.isStopped && !isDue ? Number.POSITIVE_INFINITY : dueMs;
    if (wantedMs === this.armedForMs) return;
    this.disarm?.();
    this.disarm = null;
    this.armedForMs = wantedMs;
    if (wantedMs === Number.POSITIVE_INFINITY) return;
    const onHost = (): void => {
      this.disarm = null;
      this.armedForMs = Number.POSITIVE_INFINITY;
      this.runDue();
    };
    this.disarm = isDue
      ? this.host.soon(onHost)
      : this.host.after(wantedMs - this.warpedMs - this.host.monotonicMs(), onHost);
  }
}

/** `time/stop` and `time/warp`, which Open vSwitch has for tests (`--enable-dummy`). */
export function registerTimeCommands(commands: UnixctlCommands, clock: DaemonClock): void {
  commands.register('time/stop', '', 0, 0, () => {
    clock.stop();
    return '';
  });
  commands.register('time/warp', '[large_msecs] msecs', 1, 2, async (args) => {
    const totalMs = Number.parseInt(args[0]!, 10);
    const stepMs = Number.parseInt(args.at(-1)!, 10);
    if (!(totalMs > 0 && stepMs > 0)) throw new UnixctlError('invalid MSECS');
    await clock.warp(totalMs, stepMs);
    return 'warped';
  });
}

function run(timer: Timer): void {
  const { callback } = timer;
  timer.callback = null;
  callback?.();
}

/** Timers in order of time, and of starting where that is the same: a binary heap. */
class TimerHeap {
  private readonly timers: Timer[] = [];

  peek(): Timer | null {
    return this.timers[0] ?? null;
  }

  push(timer: Timer): void {
    const { timers } = this;
    let at = timers.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, timers[parent]!)) break;
      timers[at] = timers[parent]!;
      at = parent;
    }
    timers[at] = timer;
  }

  pop(): void {
    const { timers } = this;
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= timers.length) break;
      if (child + 1 < timers.length && isBefore(timers[child + 1]!, timers[child]!)) child++;
      if (!isBefore(timers[child]!, last)) break;
      timers[at] = timers[child]!;
      at = child;
    }
    timers[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs !== b.dueMs ? a.dueMs < b.dueMs : a.sequence < b.sequence;
}
