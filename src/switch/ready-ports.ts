/**
 * The ports that may have something waiting, so that a switch with hundreds of ports looks only at those.
 *
 * A port gets in when its device says that it is readable, and stays while it gives packets. Ports are served one batch
 * each in turn, in the order in which they got in: nothing here depends on time, so equal calls give equal order.
 */
import type { Netdev } from '../netdev/index.ts';

/** A port as the queue knows it. */
export interface ReadyPort {
  readonly netdev: Netdev;
  readonly datapathPort: number;
  /** whether it is in the queue */
  isReady: boolean;
}

export class ReadyPorts {
  // Both keep their length and so never allocate anew.
  #waiting: ReadyPort[] = [];
  #waitingCount = 0;
  #taken: ReadyPort[] = [];

  get isEmpty(): boolean {
    return this.#waitingCount === 0;
  }

  /** Puts a port at the end, unless it is in already. */
  add(port: ReadyPort): void {
    if (!port.isReady) {
      port.isReady = true;
      this.#waiting[this.#waitingCount++] = port;
    }
  }

  /**
   * Takes all ports out for one round, to be got by `taken`, and returns how many. What gets in meanwhile waits for the
   * next round.
   */
  takeAll(): number {
    const count = this.#waitingCount;
    const taken = this.#waiting;
    for (let index = 0; index < count; index++) {
      taken[index]!.isReady = false;
    }
    this.#waiting = this.#taken;
    this.#waitingCount = 0;
    this.#taken = taken;
    return count;
  }

  /** A port that the last `takeAll` took. */
  taken(index: number): ReadyPort {
    return this.#taken[index]!;
  }
}
