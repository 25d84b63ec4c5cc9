/** Finds out whether a silent peer still lives: an `echo` after some time of silence, and the end after as much again. */

/** Runs the action once after so many milliseconds; the returned function prevents that. */
export type SetTimer = (ms: number, action: () => void) => () => void;

export class InactivityProbe {
  private readonly setTimer: SetTimer;
  private readonly intervalMs: number;
  private readonly sendEcho: () => void;
  private readonly giveUp: () => void;
  private heard = true;
  private isProbing = false;
  private cancel: (() => void) | null = null;

  /** Begins to watch; `intervalMs` 0 is never. */
  constructor(setTimer: SetTimer, intervalMs: number, sendEcho: () => void, giveUp: () => void) {
    this.setTimer = setTimer;
    this.intervalMs = intervalMs;
    this.sendEcho = sendEcho;
    this.giveUp = giveUp;
    if (intervalMs > 0) this.wait();
  }

  /** Something has come from the peer. */
  received(): void {
    this.heard = true;
  }

  stop(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private wait(): void {
    this.heard = false;
    this.cancel = this.setTimer(this.intervalMs, () => {
      this.cancel = null;
      if (this.heard) {
        this.isProbing = false;
      } else if (this.isProbing) {
        this.giveUp();
        return;
      } else {
        this.isProbing = true;
        this.sendEcho();
      }
      this.wait();
    });
  }
}
