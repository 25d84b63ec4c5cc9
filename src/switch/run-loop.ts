/**
 * The run loop: what makes a switch with a clock switch by itself.
 *
 * A port of the system (packet socket, TAP) that becomes readable is served at once, in the event that says so, because
 * the round trip of a ping is made of little else. A port in memory is served soon after, never from within the call
 * that put a packet there. Either way each port with something waiting gives a bounded number of batches, in turns,
 * before timers and whatever else the program does get their turn; what is left is taken up right after them.
 *
 * A process that sleeps takes tens of microseconds to wake: more than switching takes. So while packets follow each other
 * quickly, the loop lingers a moment after each event instead of sleeping, and stops doing so when that was in vain. That
 * halves the round trip of `ping -f` on a machine with nothing else to do.
 *
 * One timer runs for what the switch does by time: expiry, statistics, revalidation that was put off. Without packets the
 * loop wakes twice a second; nothing spins.
 *
 * Timers come in through an interface, readable events through the ports: this runs in a browser, too.
 */
import type { Switch } from './switch.ts';

/** Batches of a port that are handled before others get their turn: about a millisecond of small packets. */
const ROUNDS_PER_TURN = 8;

/** How long the loop looks again and again before it sleeps, and what counts as quickly: a round trip of `ping -f` on a slow machine. */
const LINGER_MS = 0.2;
/** How often it may linger in vain after packets followed each other quickly. */
const MAX_PATIENCE = 8;

/** What a run loop needs of an event loop. Both return a function that takes the call back. */
export interface RunLoopTimers {
  /** Calls `callback` once, after `delayMs` or a little later. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls `callback` once, after other events that wait have had their turn. */
  soon(callback: () => void): () => void;
}

/**
 * Runs a switch that follows a clock until the returned function is called, which leaves ports and flows as they are.
 * A switch has one run loop at a time. Ports may be added and removed meanwhile.
 */
export function runSwitch(target: Switch, timers: RunLoopTimers): () => void {
  let cancelSoon: (() => void) | null = null;
  let cancelTimer: (() => void) | null = null;
  let timerAtMs = Number.POSITIVE_INFINITY;
  let lastEventMs = Number.NEGATIVE_INFINITY;
  let patience = 0;

  function takeTurn(): void {
    // When something that is called throws, packets may still wait.
    let isMore = true;
    try {
      isMore = target.pollReady(ROUNDS_PER_TURN);
    } finally {
      if (isMore || lingers()) {
        takeTurnSoon();
      }
    }
    // Switching may have changed the pipeline, which is looked at earlier than what the timer was set for.
    if (target.tendAtMs < timerAtMs) {
      setTimer();
    }
  }

  function noteEvent(): void {
    const { nowMs } = target;
    if (nowMs - lastEventMs < LINGER_MS && patience < MAX_PATIENCE) {
      patience++;
    }
    lastEventMs = nowMs;
  }

  function lingers(): boolean {
    if (patience === 0) {
      return false;
    }
    if (target.nowMs - lastEventMs < LINGER_MS) {
      return true;
    }
    patience--;
    return false;
  }

  function takeTurnSoon(): void {
    cancelSoon ??= timers.soon(onSoon);
  }

  function onSoon(): void {
    cancelSoon = null;
    takeTurn();
  }

  function setTimer(): void {
    cancelTimer?.();
    timerAtMs = target.tendAtMs;
    cancelTimer = timers.after(Math.max(0, timerAtMs - target.nowMs), onTimer);
  }

  function onTimer(): void {
    cancelTimer = null;
    target.tend();
    setTimer();
  }

  target.setReadableListener((isExternal) => {
    if (isExternal) {
      noteEvent();
      takeTurn();
    } else {
      takeTurnSoon();
    }
  });
  takeTurnSoon();
  setTimer();
  return () => {
    target.setReadableListener(null);
    cancelSoon?.();
    cancelTimer?.();
  };
}
