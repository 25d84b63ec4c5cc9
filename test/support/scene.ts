/** A switch in memory and frames for it, for tests of what the switch as a whole does. */
import { type SentFrame, Switch, type SwitchOptions } from '../../src/switch/index.ts';
import { composeFrame, describeFrame, type FrameSpec } from '../../src/wire/index.ts';

/** A switch with ports p1, p2 … of OpenFlow numbers 1, 2 … and these flows. */
export function createScene(ports: number, flows: string = '', options: SwitchOptions = {}): Switch {
  const sw = new Switch(options);
  for (let number = 1; number <= ports; number++) {
    sw.addPort(`p${number}`, { number });
  }
  sw.addFlows(flows);
  return sw;
}

export interface UdpOptions {
  readonly source?: string;
  readonly destination?: string;
  readonly ttl?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly payload?: number;
  readonly vlans?: FrameSpec['vlans'];
  readonly ethernet?: FrameSpec['ethernet'];
}

/** A UDP packet from 10.0.0.1 to 10.0.0.2, port 1 to 2, unless told otherwise. */
export function udp(options: UdpOptions = {}): Uint8Array {
  return composeFrame({
    ethernet: options.ethernet ?? { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' },
    ...(options.vlans === undefined ? {} : { vlans: options.vlans }),
    ipv4: {
      source: options.source ?? '10.0.0.1',
      destination: options.destination ?? '10.0.0.2',
      ttl: options.ttl ?? 64,
    },
    udp: { sourcePort: options.sourcePort ?? 1, destinationPort: options.destinationPort ?? 2 },
    payload: new Uint8Array(options.payload ?? 18),
  });
}

/** A bare frame between stations 02:00:00:00:00:0N, or to all with destination `ff`. */
export function frame(source: number, destination: number | 'ff', vlans: FrameSpec['vlans'] = []): Uint8Array {
  return composeFrame({
    ethernet: {
      source: station(source),
      destination: destination === 'ff' ? 'ff:ff:ff:ff:ff:ff' : station(destination),
      type: 0x88b5,
    },
    vlans,
    payload: new Uint8Array(46),
  });
}

/** The address of a station. */
export function station(number: number): string {
  return `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
}

/** The ports that frames left by, in the order of ports. */
export function portsOf(sent: readonly SentFrame[]): string[] {
  return sent.map(({ port }) => port);
}

/** What came out, as `port: description`. */
export function describe(sent: readonly SentFrame[]): string[] {
  return sent.map(({ port, frame: bytes }) => `${port}: ${describeFrame(bytes)}`);
}

/** Megaflows as `match actions`, without statistics and identifiers, sorted. */
export function megaflows(sw: Switch): string[] {
  return sw
    .megaflows()
    .map(({ text }) => text.replace(/^ufid:\S+ /, '').replace(/, packets:.*, actions:/, ' -> '))
    .sort();
}
