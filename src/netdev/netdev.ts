/**
 * What a port is to the switch. Every kind of port (memory, pcap, patch, packet socket, TAP) implements `Netdev`; the
 * datapath polls `receive` and calls `send`. Nothing here blocks, throws on the data path, or allocates per packet.
 */
import type { Packet } from '../wire/index.ts';

/** The most packets that one receive or send handles. */
export const BATCH_SIZE = 64;

/** Counters of a port, as in the OVSDB Interface.statistics column and `ovs-ofctl dump-ports`. Plain numbers, summed since creation. */
export interface NetdevStats {
  rxPackets: number;
  rxBytes: number;
  rxDropped: number;
  rxErrors: number;
  txPackets: number;
  txBytes: number;
  txDropped: number;
  txErrors: number;
}

export interface Netdev {
  readonly name: string;
  /** `memory`, `pcap`, `patch`, `system`, `tap`, … */
  readonly type: string;
  /** six bytes */
  readonly etherAddress: Uint8Array;
  readonly mtu: number;
  readonly stats: NetdevStats;
  /** whether the link is up: an admin-up port with carrier */
  readonly linkUp: boolean;
  /**
   * Whether packets come from outside of the program. Then only the event loop can say that some wait: it calls the
   * readable listener again and again while they do, and a listener keeps the program alive. Other ports call it
   * from within whatever made packets wait.
   */
  readonly isExternal: boolean;

  /**
   * Takes up to `BATCH_SIZE` waiting packets into `batch[0..n)` and returns n; fewer than `BATCH_SIZE` when no more wait, or
   * when the readable listener will be called for them. The entries are overwritten with packets owned by the port, whose
   * memory stays valid until the next `receive` of a port that shares the same receive memory. The caller may change
   * the frames in place, within the headroom.
   */
  receive(batch: Packet[]): number;

  /**
   * Sends `batch[0..count)`, in order. The memory is the caller's again when the call returns. Packets that cannot be
   * sent are dropped and counted; the return value is the number sent.
   */
  send(batch: Packet[], count: number): number;

  /**
   * Calls `listener` whenever packets may be waiting, and at once if some are; one listener at a time, `null` stops it.
   * Nobody asks a port for packets that has not called.
   */
  setReadableListener(listener: (() => void) | null): void;

  /** Gives everything back. Further calls do nothing. */
  close(): void;
}
