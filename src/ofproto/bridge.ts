/**
 * A bridge: one OpenFlow switch, with its ports, tables and learned addresses. What a translation reads, and nothing
 * that needs a clock or a socket.
 */
import type { PortNames } from '../flow/index.ts';
import { OFPP_LOCAL, type OpenFlowPort } from '../openflow/index.ts';
import { FlowTables } from './flow-tables.ts';
import { MacLearning } from './mac-learning.ts';
import { type BridgePort, DEFAULT_PORT_CONFIG, type PortConfig, type PortVlans, TRUNK_ALL } from './port.ts';

/** What a new port may be given; the rest has Open vSwitch's defaults. */
export interface BridgePortOptions {
  readonly number: OpenFlowPort;
  readonly name: string;
  /** -1 for a patch port */
  readonly datapathPort: number;
  readonly vlans?: PortVlans;
  readonly isProtected?: boolean;
  readonly linkUp?: boolean;
}

export class Bridge {
  readonly name: string;
  readonly ports: Map<OpenFlowPort, BridgePort> = new Map();
  readonly tables: FlowTables = new FlowTables();
  readonly macLearning: MacLearning = new MacLearning();
  /** other_config:forward-bpdu: whether NORMAL forwards frames to link-local multicast addresses */
  forwardBpdu = false;
  /** flows that a `learn` action could not add, because of a full table for one */
  learnFailures = 0;
  /** numbers of the OpenFlow meters in the datapath */
  readonly datapathMeters: Map<number, number> = new Map();
  /** ports by name, for texts */
  readonly portNames: PortNames = {
    numberOf: (name) => this.portNamed(name)?.number,
    nameOf: (number) => this.ports.get(number)?.name,
  };
  #sortedPorts: readonly BridgePort[] | null = null;
  #byName: ReadonlyMap<string, BridgePort> | null = null;
  #portSequence = 1;

  constructor(name: string) {
    this.name = name;
  }

  /** Grows with every change that may change a translation. */
  get changeSequence(): number {
    return this.tables.changeSequence + this.macLearning.changeSequence + this.#portSequence;
  }

  addPort(options: BridgePortOptions): BridgePort {
    const port: BridgePort = {
      number: options.number,
      name: options.name,
      datapathPort: options.datapathPort,
      peer: null,
      config: DEFAULT_PORT_CONFIG,
      linkUp: options.linkUp ?? true,
      vlans: options.vlans ?? TRUNK_ALL,
      isProtected: options.isProtected ?? false,
      patchStats: { rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0 },
    };
    this.ports.set(port.number, port);
    this.notePortChange();
    return port;
  }

  removePort(number: OpenFlowPort): void {
    if (this.ports.delete(number)) {
      this.macLearning.flushPort(number);
      this.notePortChange();
    }
  }

  configurePort(port: BridgePort, config: Partial<PortConfig>): void {
    port.config = { ...port.config, ...config };
    this.notePortChange();
  }

  /** To be called after a change of a port's link, VLANs or peer. */
  notePortChange(): void {
    this.#sortedPorts = null;
    this.#byName = null;
    this.#portSequence++;
  }

  /** The local port, then the others by number: the order of floods. */
  portsInOrder(): readonly BridgePort[] {
    this.#sortedPorts ??= [...this.ports.values()].sort((a, b) => rank(a) - rank(b));
    return this.#sortedPorts;
  }

  portNamed(name: string): BridgePort | undefined {
    this.#byName ??= new Map([...this.ports.values()].map((port) => [port.name, port]));
    return this.#byName.get(name);
  }

  isPortLive(number: OpenFlowPort): boolean {
    const port = this.ports.get(number);
    return port?.linkUp === true && !port.config.down;
  }

  /** The datapath's number of an OpenFlow meter, or null when there is no such meter. */
  datapathMeter(meter: number): number | null {
    return this.datapathMeters.get(meter) ?? null;
  }
}

function rank(port: BridgePort): number {
  return port.number === OFPP_LOCAL ? 0 : port.number;
}
