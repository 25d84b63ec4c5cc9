/**
 * The userspace datapath: ports, flow table and action execution in one loop.
 *
 * What. Packets of a port come in batches. Each is parsed into the flow key, looked up, credited to its flow, and taken
 * through the flow's actions. Outputs collect in a queue per port and are sent when the batch is through; what has
 * no flow, or an action sends up, collects in the upcall queue and is handed to the sink after that.
 *
 * The sink gets up to 64 upcalls at a time, of all flows mixed, in order. It may install flows in `flows`, and calls `execute`
 * for packets to be sent on; what that sends is flushed when the sink returns. Upcalls that its executions cause are handed to
 * it in the next round, before anything else is received. Without a sink they are lost, and counted.
 *
 * Costs. Nothing is allocated per packet, and a flow whose only action is an output, which is most of them, does not
 * go through the executor. The time is given once per batch.
 *
 * Threads. One object per thread, each with its ports and its own view of the shared flow table; `flows.quiesce` is called after each batch.
 */
import * as flow from '../flow/index.ts';
import { IP_PROTOCOL_TCP, type Packet } from '../wire/index.ts';
import { H_HAS_TREE } from './arena.ts';
import { ActionExecutor, type DropCounters, type ExecutionHost } from './execute.ts';
import type { FlowTable } from './flow-table.ts';
import { MeterTable } from './meters.ts';
import { UPCALL_ACTION, UPCALL_MISS, type Upcall, UpcallQueue } from './upcall-queue.ts';

// Constants of this module, which V8 folds into the code; an imported binding is loaded each time.
const { extractFlow, hashPacketFlow } = flow;
const { EXTRACT_OK, EXTRACT_SHORT_ETHERNET, FLOW_WORDS } = flow;
const { W_IN_PORT, W_PACKET_END, W_PACKET_TYPE, W_RECIRC_ID, W_TOS_TTL_FLAGS, W_TYPE_PROTO_FRAG } = flow;

/** The most packets that a port gives or takes at a time. */
export const PORT_BATCH_SIZE = 64;
/** Datapath port numbers are below this. */
export const MAX_DATAPATH_PORTS = 65535;

const DEFAULT_UPCALL_LIMIT = 512;
/** Copies of packets after which outputs are sent before the batch is through. */
const COPIES_BEFORE_FLUSH = 256;
const NO_TRUNCATION = 0x7fffffff;
const TYPE_PROTO_TCP = IP_PROTOCOL_TCP << 8;
const NO_CODE = new Int32Array(0);

/** What the datapath needs of a port; any `Netdev` has it. */
export interface DatapathPort {
  /** Takes up to PORT_BATCH_SIZE waiting packets into `batch` and returns how many. Their memory is the datapath's until the next `receive`. */
  receive(batch: Packet[]): number;
  /** Sends `batch[0..count)`; the memory is the datapath's again when it returns. Returns how many were sent. */
  send(batch: Packet[], count: number): number;
}

/** Takes upcalls, at most UPCALL_BATCH_SIZE. They are valid until it returns. */
export type UpcallSink = (upcalls: Upcall[], now: number) => void;

export interface UserspaceDatapathOptions {
  /** this thread's view of the flow table */
  readonly flows: FlowTable;
  /** where upcalls go; can be set later with `setUpcallSink` */
  readonly upcallSink?: UpcallSink;
  /** upcalls that wait at most; default 512 */
  readonly upcallLimit?: number;
  /** VLAN tags to look at, 0..2; default 2 */
  readonly vlanLimit?: number;
  /** meters, where threads share none; default an empty table */
  readonly meters?: MeterTable;
  /** seed of the random numbers of `sample` */
  readonly seed: number;
}

/** Counters since the datapath was made. Hits and misses of lookups are the flow table's (`readLookupStatistics`). */
export interface DatapathCounters {
  /** packets received */
  readonly received: number;
  /** frames shorter than an Ethernet header, dropped */
  readonly rxInvalid: number;
  /** packets whose headers were malformed, by EXTRACT_* status; switched all the same, but for EXTRACT_SHORT_ETHERNET */
  readonly malformed: Float64Array;
  /** outputs to ports that are not there */
  readonly noPort: number;
  /** packets that a port did not take */
  readonly txDropped: number;
  /** upcalls that found the queue full or no sink */
  readonly lost: number;
  readonly missUpcalls: number;
  readonly actionUpcalls: number;
  readonly drops: DropCounters;
}

/** A port's counters in packets; bytes and errors are the device's own. */
export interface DatapathPortCounters {
  rxPackets: number;
  txPackets: number;
  /** packets that the device did not take */
  txDropped: number;
}

class PortQueue {
  readonly number: number;
  readonly device: DatapathPort;
  readonly counters: DatapathPortCounters;
  readonly packets: Packet[];
  count: number;

  constructor(number: number, device: DatapathPort) {
    this.number = number;
    this.device = device;
    this.counters = { rxPackets: 0, txPackets: 0, txDropped: 0 };
    this.packets = [];
    this.count = 0;
  }
}

export class UserspaceDatapath implements ExecutionHost {
  readonly flows: FlowTable;
  readonly meters: MeterTable;
  /** see ExecutionHost */
  readonly actionWords: Int32Array;
  foundLength: number;
  readonly #executor: ActionExecutor;
  readonly #upcalls: UpcallQueue;
  readonly #vlanLimit: number;
  #usesHash: boolean;
  readonly #key: flow.FlowWords;
  readonly #executeKey: flow.FlowWords;
  readonly #received: Packet[];
  readonly #malformed: Float64Array;
  /** by port number */
  readonly #ports: (PortQueue | null)[];
  readonly #portList: PortQueue[];
  /** ports with something queued */
  readonly #dirty: PortQueue[];
  #dirtyCount: number;
  #sink: UpcallSink | null;
  #sentListener: ((port: number) => void) | null;
  #now: number;
  #isDraining: boolean;
  #isPolling: boolean;
  #receivedPackets: number;
  #noPort: number;
  #txDropped: number;

  constructor(options: UserspaceDatapathOptions) {
    this.flows = options.flows;
    this.meters = options.meters ?? new MeterTable();
    this.actionWords = options.flows.words;
    this.foundLength = 0;
    this.#executor = new ActionExecutor(this, options.seed);
    this.#upcalls = new UpcallQueue(options.upcallLimit ?? DEFAULT_UPCALL_LIMIT);
    this.#vlanLimit = options.vlanLimit ?? 2;
    this.#usesHash = false;
    this.#key = flow.createFlow();
    this.#executeKey = flow.createFlow();
    this.#received = [];
    this.#malformed = new Float64Array(flow.EXTRACT_STATUS_TEXTS.length);
    this.#ports = [];
    this.#portList = [];
    this.#dirty = [];
    this.#dirtyCount = 0;
    this.#sink = options.upcallSink ?? null;
    this.#sentListener = null;
    this.#now = 0;
    this.#isDraining = false;
    this.#isPolling = false;
    this.#receivedPackets = 0;
    this.#noPort = 0;
    this.#txDropped = 0;
  }

  /** Calls `listener` with the number of each port that a batch was sent to, right after that; `null` stops it. */
  setSentListener(listener: ((port: number) => void) | null): void {
    this.#sentListener = listener;
  }

  /** Where upcalls go from now on; `null`: nowhere. */
  setUpcallSink(sink: UpcallSink | null): void {
    this.#sink = sink;
  }

  get counters(): DatapathCounters {
    return {
      received: this.#receivedPackets,
      rxInvalid: this.#malformed[EXTRACT_SHORT_ETHERNET]!,
      malformed: this.#malformed,
      noPort: this.#noPort,
      txDropped: this.#txDropped,
      lost: this.#upcalls.lost,
      missUpcalls: this.#upcalls.misses,
      actionUpcalls: this.#upcalls.actions,
      drops: this.#executor.drops,
    };
  }

  /** Adds a port under a number that is free, 0..65534. Throws RangeError for one that is not. */
  addPort(number: number, device: DatapathPort): void {
    if (!Number.isInteger(number) || number < 0 || number >= MAX_DATAPATH_PORTS) {
      throw new RangeError(`wrong datapath port number: expected 0..${MAX_DATAPATH_PORTS - 1}, got ${number}`);
    }
    while (this.#ports.length <= number) {
      this.#ports.push(null);
    }
    if (this.#ports[number] !== null) {
      throw new RangeError(`datapath port ${number} is in use`);
    }
    const port = new PortQueue(number, device);
    this.#ports[number] = port;
    this.#portList.push(port);
  }

  /** Removes a port, with what is queued for it; false when there is none. */
  removePort(number: number): boolean {
    const port = this.#ports[number] ?? null;
    if (port === null) {
      return false;
    }
    this.#ports[number] = null;
    this.#portList.splice(this.#portList.indexOf(port), 1);
    port.count = 0;
    return true;
  }

  /** The numbers of all ports, in the order in which they were added. */
  portNumbers(): number[] {
    return this.#portList.map(({ number }) => number);
  }

  /** A port's counters, `null` when there is none. */
  portCounters(number: number): DatapathPortCounters | null {
    return this.#ports[number]?.counters ?? null;
  }

  /**
   * Receives one batch from every port, switches it, and hands upcalls to the sink. Returns how many packets there were.
   * Called from within (a device whose `send` wakes somebody up, the sink), it does nothing and returns 0.
   */
  poll(now: number): number {
    let total = 0;
    const ports = this.#portList;
    for (let index = 0; index < ports.length; index++) {
      total += this.#pollQueue(ports[index]!, now);
    }
    return total;
  }

  /** Does for one port what `poll` does for all. */
  processPort(number: number, now: number): number {
    const port = this.#ports[number] ?? null;
    return port === null ? 0 : this.#pollQueue(port, now);
  }

  #pollQueue(port: PortQueue, now: number): number {
    if (this.#isPolling) {
      return 0;
    }
    this.#isPolling = true;
    try {
      const count = port.device.receive(this.#received);
      if (count > 0) {
        port.counters.rxPackets += count;
        this.processBatch(port.number, this.#received, count, now);
      }
      return count;
    } finally {
      this.#isPolling = false;
    }
  }

  /**
   * Switches `packets[0..count)`, received on port `number` at `now` (milliseconds), sends what comes of them, and
   * hands upcalls to the sink. The packets are changed in place; their memory is the caller's again when it returns.
   */
  processBatch(number: number, packets: Packet[], count: number, now: number): void {
    const { flows, actionWords } = this;
    const key = this.#key;
    const executor = this.#executor;
    const vlanLimit = this.#vlanLimit;
    this.#now = now;
    this.#receivedPackets += count;
    this.#usesHash = flows.words[H_HAS_TREE] === 0 && flows.maskCacheSize > 0;
    key[W_IN_PORT] = number;
    for (let index = 0; index < count; index++) {
      const packet = packets[index]!;
      const status = extractFlow(packet, key, vlanLimit);
      if (status !== EXTRACT_OK) {
        this.#malformed[status] = this.#malformed[status]! + 1;
        if (status === EXTRACT_SHORT_ETHERNET) {
          continue;
        }
      }
      const found = flows.lookup(key, this.#usesHash ? hashPacketFlow(key, 0) : 0);
      if (found === 0) {
        this.#upcalls.push(UPCALL_MISS, packet, key, NO_CODE, 0, NO_TRUNCATION);
        continue;
      }
      flows.credit(found, 1, packet.length, tcpFlags(key), now);
      const port = flows.outputPort(found);
      if (port >= 0) {
        this.output(port, packet);
        continue;
      }
      const offset = flows.actionsOffset(found);
      const length = actionWords[offset - 1]!;
      if (length > 0) {
        executor.execute(packet, key, actionWords, offset, length);
        if (executor.metadataChanged || key[W_RECIRC_ID] !== 0) {
          this.#resetMetadata(number);
        }
        if (executor.copiesUsed > COPIES_BEFORE_FLUSH) {
          this.#flush();
        }
      }
    }
    this.#flush();
    flows.quiesce();
    if (this.#upcalls.length > 0) {
      this.#drainUpcalls(now);
    }
  }

  /**
   * Runs action code on a packet of the caller's: a packet-out, or the packet of an upcall. Metadata come from `key` (the
   * ingress port too), headers from the packet. The packet may be changed; in a sink it must stay as it is until the sink returns.
   */
  execute(packet: Packet, key: flow.FlowWords, code: Int32Array, offset: number, length: number, now: number): void {
    const own = this.#executeKey;
    this.#now = now;
    for (let word = 0; word < FLOW_WORDS; word++) {
      own[word] = word < 2 || word >= W_PACKET_END ? key[word]! : 0;
    }
    extractFlow(packet, own, this.#vlanLimit);
    this.#executor.execute(packet, own, code, offset, length);
    if (!this.#isDraining) {
      this.#flush();
      this.flows.quiesce();
      this.#drainUpcalls(now);
    } else if (this.#executor.copiesUsed > COPIES_BEFORE_FLUSH) {
      this.#flush();
    }
  }

  /** Queues a packet for a port. For the executor. */
  output(number: number, packet: Packet): void {
    const port = this.#ports[number];
    if (port === undefined || port === null) {
      this.#noPort++;
      return;
    }
    const count = port.count;
    if (count === 0) {
      this.#dirty[this.#dirtyCount++] = port;
    }
    port.packets[count] = packet;
    port.count = count + 1;
    if (count + 1 === PORT_BATCH_SIZE) {
      this.#send(port);
    }
  }

  /** Sends a packet up. For the executor. */
  upcall(packet: Packet, key: flow.FlowWords, code: Int32Array, at: number, maxLength: number): void {
    this.#upcalls.push(UPCALL_ACTION, packet, key, code, at, maxLength);
  }

  /** Looks a recirculated packet up. For the executor. */
  findRecirculated(packet: Packet, key: flow.FlowWords): number {
    const { flows } = this;
    const found = flows.lookup(key, this.#usesHash ? hashPacketFlow(key, 0) : 0);
    if (found === 0) {
      this.#upcalls.push(UPCALL_MISS, packet, key, NO_CODE, 0, NO_TRUNCATION);
      return -1;
    }
    flows.credit(found, 1, packet.length, tcpFlags(key), this.#now);
    const offset = flows.actionsOffset(found);
    this.foundLength = this.actionWords[offset - 1]!;
    return offset;
  }

  /** Takes a packet through a meter. For the executor. */
  meterDrops(id: number, packet: Packet): boolean {
    return this.meters.drops(id, packet.length, this.#now);
  }

  /** Makes the key one of a packet just received. */
  #resetMetadata(inPort: number): void {
    const key = this.#key;
    for (let word = W_PACKET_TYPE; word < FLOW_WORDS; word++) {
      key[word] = 0;
    }
    key[W_RECIRC_ID] = 0;
    key[W_IN_PORT] = inPort;
    this.#executor.metadataChanged = false;
  }

  #send(port: PortQueue): void {
    const { count, counters } = port;
    port.count = 0;
    if (count === 0) {
      return;
    }
    const sent = port.device.send(port.packets, count);
    counters.txPackets += sent;
    if (this.#sentListener !== null) {
      this.#sentListener(port.number);
    }
    if (sent < count) {
      counters.txDropped += count - sent;
      this.#txDropped += count - sent;
    }
  }

  /** Sends all that is queued. Nothing refers to copies afterwards. */
  #flush(): void {
    const dirty = this.#dirty;
    for (let index = 0; index < this.#dirtyCount; index++) {
      this.#send(dirty[index]!);
    }
    this.#dirtyCount = 0;
    this.#executor.releaseCopies();
  }

  #drainUpcalls(now: number): void {
    const upcalls = this.#upcalls;
    this.#isDraining = true;
    try {
      while (upcalls.length > 0) {
        const batch = upcalls.peek();
        const count = batch.length;
        try {
          if (this.#sink === null) {
            upcalls.lost += count;
          } else {
            this.#sink(batch, now);
          }
        } finally {
          this.#flush();
          this.flows.quiesce();
          upcalls.release(count);
        }
      }
    } finally {
      this.#isDraining = false;
    }
  }
}

function tcpFlags(key: flow.FlowWords): number {
  return (key[W_TYPE_PROTO_FRAG]! & 0xff00) === TYPE_PROTO_TCP ? key[W_TOS_TTL_FLAGS]! & 0xfff : 0;
}
