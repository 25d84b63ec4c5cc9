/**
 * The lab's network, whatever the hosts are: three hosts and a switch between them. What differs is how hosts are made
 * and how they send; lab-namespaces.ts and lab-in-process.ts know that.
 */
import type { Switch } from '../switch/index.ts';

export interface LabHost {
  readonly name: string;
  readonly ethernet: string;
  readonly ipv4: string;
  /** number of the switch's port */
  readonly port: number;
}

/** Three hosts on ports 1 to 3. */
export const LAB_HOSTS: readonly LabHost[] = [1, 2, 3].map((port) => ({
  name: `h${port}`,
  ethernet: `02:00:00:00:00:0${port}`,
  ipv4: `10.0.0.${port}`,
  port,
}));

export interface PingOutcome {
  readonly sent: number;
  readonly received: number;
  /** average round trip in ms; null when time is not real or nothing came back */
  readonly averageMs: number | null;
}

export interface LabNetwork {
  /** what the hosts are, for the report */
  readonly description: string;
  readonly switch: Switch;
  /** address of the bridge's local port on the host; null when it has none */
  readonly localAddress: string | null;
  /** transport protocol of `transfer` and `reach` */
  readonly transport: 'tcp' | 'udp';
  ping(from: LabHost, address: string, count: number): Promise<PingOutcome>;
  /** Sends data to a service on a port of another host: whether all of it arrived, and how it went in words. */
  transfer(from: LabHost, to: LabHost, port: number): Promise<{ readonly arrived: boolean; readonly detail: string }>;
  /** Whether a host answers on a port at all, be it with a refusal. */
  reach(from: LabHost, to: LabHost, port: number): Promise<boolean>;
  /** how to use the hosts while the lab goes on */
  readonly instructions: readonly string[];
  /** Lets the network live until told to end; `onTick` is called about once a second. */
  live(interrupted: AbortSignal, onTick: () => void): Promise<void>;
  /** Takes everything down. */
  close(): void;
}

/** Thrown by waiting functions when the lab is to end. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}
