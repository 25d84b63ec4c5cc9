/**
 * A port of a replay: receives one captured frame at a time, counts what is sent, and hands it on to be written.
 *
 * A capture may hold only the beginning of each frame (`tcpdump -s`). The switch gets the frame at its whole length, zeros
 * in place of what was not captured: so the lengths in its headers are right, and the counters too. What leaves the
 * switch is cut by as many bytes again.
 */
import type { CaptureRecord, Netdev, NetdevStats } from '../netdev/index.ts';
import { Packet } from '../wire/index.ts';

const ORDINARY_FRAME = 1522;
/** No Ethernet frame is longer, whatever a capture says: libpcap's MAXIMUM_SNAPLEN. */
const MAXIMUM_FRAME = 262_144;

/** The frame that is being switched, for all ports of a replay: with one memory for all it stays in the cache. */
export interface CurrentFrame {
  readonly packet: Packet;
  seconds: number;
  nanoseconds: number;
  /** bytes at its end that were not captured */
  missingBytes: number;
  /** how often it left a port */
  copiesSent: number;
}

export function createCurrentFrame(): CurrentFrame {
  return { packet: Packet.allocate(ORDINARY_FRAME), seconds: 0, nanoseconds: 0, missingBytes: 0, copiesSent: 0 };
}

/** Takes what was captured of a frame that left the port; it is valid during the call. */
export type FrameSink = (port: ReplayNetdev, frame: Uint8Array, originalLength: number) => void;

export class ReplayNetdev implements Netdev {
  readonly name: string;
  readonly number: number;
  readonly type = 'pcap';
  readonly isExternal = false;
  readonly etherAddress: Uint8Array = new Uint8Array(6);
  readonly mtu = 1500;
  readonly linkUp = true;
  readonly stats: NetdevStats = {
    rxPackets: 0,
    rxBytes: 0,
    rxDropped: 0,
    rxErrors: 0,
    txPackets: 0,
    txBytes: 0,
    txDropped: 0,
    txErrors: 0,
  };
  readonly #current: CurrentFrame;
  readonly #sink: FrameSink | null;
  #waits = false;
  #listener: (() => void) | null = null;

  constructor(name: string, number: number, current: CurrentFrame, sink: FrameSink | null) {
    this.name = name;
    this.number = number;
    this.#current = current;
    this.#sink = sink;
  }

  /** The next frame that `receive` gives. */
  offer(record: CaptureRecord): void {
    const { bytes, start, length, originalLength } = record;
    const whole = originalLength > length && originalLength <= MAXIMUM_FRAME ? originalLength : length;
    const current = this.#current;
    const { packet } = current;
    packet.reset(whole);
    packet.bytes.set(bytes.subarray(start, start + length), packet.start);
    if (whole > length) {
      packet.bytes.fill(0, packet.start + length, packet.start + whole);
    }
    current.seconds = record.seconds;
    current.nanoseconds = record.nanoseconds;
    current.missingBytes = whole - length;
    current.copiesSent = 0;
    this.stats.rxPackets++;
    this.stats.rxBytes += whole;
    this.#waits = true;
    this.#listener?.();
  }

  receive(batch: Packet[]): number {
    if (!this.#waits) {
      return 0;
    }
    this.#waits = false;
    batch[0] = this.#current.packet;
    return 1;
  }

  send(batch: Packet[], count: number): number {
    const { stats } = this;
    const current = this.#current;
    current.copiesSent += count;
    stats.txPackets += count;
    for (let index = 0; index < count; index++) {
      const packet = batch[index]!;
      stats.txBytes += packet.length;
      if (this.#sink !== null) {
        // An action may have cut the frame shorter than what was captured of it.
        const captured = Math.max(0, packet.length - current.missingBytes);
        this.#sink(this, packet.bytes.subarray(packet.start, packet.start + captured), packet.length);
      }
    }
    return count;
  }

  setReadableListener(listener: (() => void) | null): void {
    this.#listener = listener;
    if (this.#waits) {
      listener?.();
    }
  }

  close(): void {
    this.#waits = false;
  }
}
