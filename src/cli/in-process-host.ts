/**
 * A little host without an operating system: it answers ARP and ping, asks by ARP and pings others, sends and answers UDP.
 * Its network card is the other end of a port in memory, so a switch with such hosts is a whole network in one program.
 *
 * Nothing waits here: what the host sends lies in the switch's port until the switch runs, which is what `settle` does.
 */
import { MemoryNetdev } from '../netdev/index.ts';
import {
  ARP_REPLY,
  ARP_REQUEST,
  composeFrame,
  ETHERNET_BROADCAST,
  ETHERNET_HEADER_LENGTH,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  type FrameSpec,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LENGTH,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_UDP,
  type Ipv4Header,
  ipv4HeaderLength,
  parseArp,
  parseEthernet,
  parseEthernetAddress,
  parseIcmp,
  parseIpv4,
  parseIpv4Address,
  parseUdp,
  UDP_HEADER_LENGTH,
} from '../wire/index.ts';

/** Packets that wait for an answer to ARP, for each address. */
const WAITING_LIMIT = 8;
const PING_PAYLOAD_LENGTH = 56;

export interface InProcessHostOptions {
  readonly name: string;
  /** such as `02:00:00:00:00:01` */
  readonly ethernet: string;
  /** such as `10.0.0.1`; all hosts are on one link */
  readonly ipv4: string;
  /** runs the switch until nothing waits */
  readonly settle: () => void;
}

/** An answer to a datagram; null for none. */
export type UdpService = (payload: Uint8Array) => Uint8Array | null;

export class InProcessHost {
  readonly name: string;
  readonly ethernet: bigint;
  readonly ipv4: number;
  /** the switch's port */
  readonly netdev: MemoryNetdev;
  /** what answers on which UDP port */
  readonly services: Map<number, UdpService> = new Map();
  readonly #settle: () => void;
  readonly #neighbours: Map<number, bigint> = new Map();
  readonly #waiting: Map<number, FrameSpec[]> = new Map();
  /** the sequence number of the last echo reply */
  #answered = -1;
  #sequence = 0;
  #identification = 0;
  #datagrams: Uint8Array[] = [];

  /** Throws `AddressError` for an address that is none. */
  constructor(options: InProcessHostOptions) {
    this.name = options.name;
    this.ethernet = parseEthernetAddress(options.ethernet);
    this.ipv4 = parseIpv4Address(options.ipv4);
    this.#settle = options.settle;
    this.netdev = new MemoryNetdev(options.name, { onSend: (frame) => this.#receive(frame) });
  }

  /** Sends one echo request and runs the switch: whether the answer came. */
  ping(address: string): boolean {
    const sequence = this.#sequence++ & 0xffff;
    this.#sendIpv4(parseIpv4Address(address), {
      icmp: { type: ICMP_ECHO_REQUEST, code: 0, rest: (1 << 16) | sequence },
      payload: new Uint8Array(PING_PAYLOAD_LENGTH),
    });
    this.#settle();
    return this.#answered === sequence;
  }

  /** Sends one datagram and runs the switch: the datagrams that came back to its source port. */
  ask(address: string, sourcePort: number, destinationPort: number, payload: Uint8Array): Uint8Array[] {
    this.#datagrams = [];
    this.services.set(sourcePort, (answer) => {
      this.#datagrams.push(answer.slice());
      return null;
    });
    this.#sendIpv4(parseIpv4Address(address), { udp: { sourcePort, destinationPort }, payload });
    this.#settle();
    this.services.delete(sourcePort);
    return this.#datagrams;
  }

  #receive(frame: Uint8Array): void {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const ethernet = parseEthernet(view, 0, frame.length);
    if (ethernet === null || (ethernet.destination !== this.ethernet && ethernet.destination !== ETHERNET_BROADCAST)) {
      return;
    }
    if (ethernet.type === ETHERTYPE_ARP) {
      this.#receiveArp(view, frame.length);
    } else if (ethernet.type === ETHERTYPE_IPV4) {
      const header = parseIpv4(view, ETHERNET_HEADER_LENGTH, frame.length);
      if (header !== null && header.destination === this.ipv4 && header.fragmentOffset === 0 && !header.moreFragments) {
        this.#receiveIpv4(view, header);
      }
    }
  }

  #receiveArp(view: DataView, end: number): void {
    const arp = parseArp(view, ETHERNET_HEADER_LENGTH, end);
    if (arp === null || arp.targetIpv4 !== this.ipv4) {
      return;
    }
    this.#neighbours.set(arp.senderIpv4, arp.senderEthernet);
    if (arp.operation === ARP_REQUEST) {
      this.#sendArp(ARP_REPLY, arp.senderEthernet, arp.senderIpv4);
    }
    const waiting = this.#waiting.get(arp.senderIpv4) ?? [];
    this.#waiting.delete(arp.senderIpv4);
    for (const spec of waiting) {
      this.#sendIpv4(arp.senderIpv4, spec);
    }
  }

  #receiveIpv4(view: DataView, header: Ipv4Header): void {
    const offset = ETHERNET_HEADER_LENGTH + ipv4HeaderLength(view, ETHERNET_HEADER_LENGTH);
    const end = offset + header.payloadLength;
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    if (header.protocol === IP_PROTOCOL_ICMP) {
      const icmp = parseIcmp(view, offset, end);
      if (icmp?.type === ICMP_ECHO_REQUEST) {
        const payload = bytes.subarray(offset + ICMP_HEADER_LENGTH, end);
        this.#sendIpv4(header.source, { icmp: { ...icmp, type: ICMP_ECHO_REPLY }, payload });
      } else if (icmp?.type === ICMP_ECHO_REPLY) {
        this.#answered = icmp.rest & 0xffff;
      }
    } else if (header.protocol === IP_PROTOCOL_UDP) {
      const udp = parseUdp(view, offset, end);
      const service = udp === null ? undefined : this.services.get(udp.destinationPort);
      if (udp !== null && service !== undefined) {
        const at = offset + UDP_HEADER_LENGTH;
        const answer = service(bytes.subarray(at, at + udp.payloadLength));
        if (answer !== null) {
          const ports = { sourcePort: udp.destinationPort, destinationPort: udp.sourcePort };
          this.#sendIpv4(header.source, { udp: ports, payload: answer });
        }
      }
    }
  }

  /** Sends an IPv4 packet; the first one to an address waits for ARP. */
  #sendIpv4(destination: number, spec: FrameSpec): void {
    const neighbour = this.#neighbours.get(destination);
    if (neighbour === undefined) {
      const waiting = this.#waiting.get(destination) ?? [];
      if (waiting.length < WAITING_LIMIT) {
        waiting.push(spec.payload === undefined ? spec : { ...spec, payload: spec.payload.slice() });
      }
      this.#waiting.set(destination, waiting);
      this.#sendArp(ARP_REQUEST, ETHERNET_BROADCAST, destination);
      return;
    }
    this.#identification = (this.#identification + 1) & 0xffff;
    const ipv4 = { source: this.ipv4, destination, identification: this.#identification };
    const ethernet = { source: this.ethernet, destination: neighbour };
    this.netdev.inject(composeFrame({ ...spec, ethernet, ipv4 }));
  }

  #sendArp(operation: number, destination: bigint, targetIpv4: number): void {
    const arp = {
      operation,
      senderEthernet: this.ethernet,
      senderIpv4: this.ipv4,
      targetEthernet: operation === ARP_REPLY ? destination : 0n,
      targetIpv4,
    };
    this.netdev.inject(composeFrame({ ethernet: { source: this.ethernet, destination }, arp }));
  }
}
