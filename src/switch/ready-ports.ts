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
  #waiting: ReadyPort[] = [];
  #taken: ReadyPort[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Puts a port at the end, unless it is in already. */
  add(port: ReadyPort): void {
    if (!port.isReady) {
      port.isReady = true;
      this.#waiting.push(port);
    }
  }

  /**
   * Takes all ports out, for one round; the list is valid until the next call. What gets in meanwhile waits for the next
   * round.
   */
  takeAll(): readonly ReadyPort[] {
    const taken = this.#waiting;
    this.#waiting = this.#taken;
    this.#waiting.length = 0;
    this.#taken = taken;
    for (let index = 0; index < taken.length; index++) {
      taken[index]!.isReady = false;
    }
    return taken;
  }
}
