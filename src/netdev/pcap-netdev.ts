/**
 * A port that plays a capture and records what is sent: tests, replays and mirrors. Where the bytes come from and go to
 * (a file, an array, a socket) is passed in; time stamps of what is recorded come from a clock that is passed in too.
 */
import { Packet } from '../wire/index.ts';
import { BATCH_SIZE, type Netdev, type NetdevStats } from './netdev.ts';
import { CaptureError, CaptureReader } from './pcap-format.ts';
import type { CaptureWriter } from './pcap-writer.ts';
import { toPlainFrames } from './plain-frames.ts';
import { addressFromName, createStats, DEFAULT_MTU } from './stats.ts';

export interface PcapNetdevOptions {
  /** Gives the next bytes of the capture to play, null at its end; called only when more are needed. */
  source?: () => Uint8Array | null;
  /** only packets of this interface of a pcapng file are played; default all */
  interfaceIndex?: number;
  /** records what the switch sends */
  writer?: CaptureWriter;
  /** milliseconds since 1970, with a fraction; needed with `writer` */
  now?: () => number;
  etherAddress?: Uint8Array;
  mtu?: number;
}

export class PcapNetdev implements Netdev {
  readonly name: string;
  readonly type = 'pcap';
  readonly isExternal = false;
  readonly etherAddress: Uint8Array;
  readonly mtu: number;
  readonly stats: NetdevStats;
  /** what was wrong with the capture: it ends there for `receive`, and counts as one receive error */
  error: CaptureError | null = null;

  private readonly source: () => Uint8Array | null;
  private readonly interfaceIndex: number;
  private readonly writer: CaptureWriter | null;
  private readonly now: () => number;
  private readonly reader = new CaptureReader();
  private readonly packets: Packet[] = [];
  private isOver: boolean;

  constructor(name: string, options: PcapNetdevOptions = {}) {
    this.name = name;
    this.etherAddress = options.etherAddress ?? addressFromName(name);
    this.mtu = options.mtu ?? DEFAULT_MTU;
    this.stats = createStats();
    this.source = options.source ?? (() => null);
    this.isOver = options.source === undefined;
    this.interfaceIndex = options.interfaceIndex ?? -1;
    this.writer = options.writer ?? null;
    this.now = options.now ?? (() => 0);
  }

  /** Up until the capture has been played; a port that only records stays up. */
  get linkUp(): boolean {
    return !this.isOver || this.writer !== null;
  }

  /** Whether everything was played (or there was nothing to play, or the capture is bad from here on). */
  get finished(): boolean {
    return this.isOver;
  }

  receive(batch: Packet[]): number {
    let count = 0;
    while (count < BATCH_SIZE && this.advance()) {
      const { record } = this.reader;
      if (this.interfaceIndex >= 0 && record.interfaceIndex !== this.interfaceIndex) continue;
      let packet = this.packets[count];
      if (packet === undefined) {
        packet = Packet.allocate(DEFAULT_MTU);
        this.packets.push(packet);
      }
      packet.reset(record.length);
      packet.bytes.set(record.bytes.subarray(record.start, record.start + record.length), packet.start);
      batch[count++] = packet;
      this.stats.rxPackets++;
      this.stats.rxBytes += record.length;
    }
    return count;
  }

  send(batch: Packet[], count: number): number {
    const { writer, stats } = this;
    if (writer === null) {
      stats.txDropped += count;
      return 0;
    }
    const milliseconds = this.now();
    const seconds = Math.floor(milliseconds / 1000);
    const nanoseconds = Math.floor((milliseconds - seconds * 1000) * 1e6);
    let sent = 0;
    for (let i = 0; i < count; i++) {
      const frames = toPlainFrames(batch[i]!);
      if (frames === null) {
        stats.txErrors++;
        continue;
      }
      sent++;
      for (const frame of frames) {
        writer.write(frame, seconds, nanoseconds);
        stats.txPackets++;
        stats.txBytes += frame.length;
      }
    }
    return sent;
  }

  setReadableListener(listener: (() => void) | null): void {
    if (listener !== null && !this.isOver) listener();
  }

  close(): void {
    this.isOver = true;
  }

  /** Moves the reader to the next record, feeding it as needed; false at the end. */
  private advance(): boolean {
    if (this.isOver) return false;
    try {
      while (!this.reader.next()) {
        const chunk = this.source();
        if (chunk !== null) {
          this.reader.push(chunk);
          continue;
        }
        this.reader.end();
        if (this.reader.next()) return true;
        this.isOver = true;
        return false;
      }
      return true;
    } catch (error) {
      this.isOver = true;
      if (!(error instanceof CaptureError)) throw error;
      this.error = error;
      this.stats.rxErrors++;
      return false;
    }
  }
}
