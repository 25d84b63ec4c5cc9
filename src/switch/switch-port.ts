/** A port of a switch, as the embedding API shows it: frames go in and come out here. */
import { MemoryNetdev, type Netdev, type NetdevStats } from '../netdev/index.ts';
import { SwitchError } from './switch-error.ts';

/** A port of a switch. */
export class SwitchPort {
  readonly name: string;
  /** OpenFlow number */
  readonly number: number;
  readonly bridge: string;
  readonly netdev: Netdev;
  readonly #poll: () => void;

  constructor(name: string, number: number, bridge: string, netdev: Netdev, poll: () => void) {
    this.name = name;
    this.number = number;
    this.bridge = bridge;
    this.netdev = netdev;
    this.#poll = poll;
  }

  get stats(): Readonly<NetdevStats> {
    return this.netdev.stats;
  }

  /** Lets the switch receive a frame on this port, and switches it. Throws `SwitchError` when the port is a device's. */
  send(frame: Uint8Array): void {
    this.memory.inject(frame);
    this.#poll();
  }

  /** Takes the frames that came out of this port since the last call. Throws `SwitchError` when the port is a device's. */
  receive(): Uint8Array[] {
    return this.memory.drain();
  }

  private get memory(): MemoryNetdev {
    if (!(this.netdev instanceof MemoryNetdev)) {
      throw new SwitchError(
        'PORT_NOT_IN_MEMORY',
        `port "${this.name}" is a ${this.netdev.type} port: expected a port in memory`,
      );
    }
    return this.netdev;
  }
}
