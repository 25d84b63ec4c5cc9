/**
 * The narrow waist between the switch and a datapath.
 *
 * What. Everything the switch asks of a datapath: ports, megaflows (put, modify, delete, dump), execution of actions on
 * one packet, meters, counters; and what the datapath asks of the switch: upcalls.
 *
 * Why. The switch above does not know whether packets run through V8, through programs in the kernel, or nowhere (tests).
 * A provider is small enough to be written in an afternoon for the last of these.
 *
 * How. Megaflows are named by handles, plain numbers that the provider gives out and that stay valid until the flow is
 * deleted here. Keys and masks are words in the layout of flow/key.ts with `W_IN_PORT` a datapath port number; actions are
 * action code (datapath/action-code.ts). Expected failures are negative numbers (`DPIF_*`); nothing here throws.
 *
 * Threads. One thread at a time changes a datapath through its provider.
 */
import type { DatapathPort, MeterConfig, MeterStats, Upcall } from '../datapath/index.ts';
import type { FlowWords } from '../flow/index.ts';
import type { Packet } from '../wire/index.ts';

/** A megaflow in the datapath; greater than 0. */
export type DpifFlow = number;

/** `putFlow`: there is a flow with this key and mask, or this UFID. */
export const DPIF_EXISTS = -17;
/** `putFlow`: the datapath takes no more flows. */
export const DPIF_FULL = -28;

export interface DpifFlowStats {
  packets: number;
  bytes: number;
  /** time of the last packet in ms; 0 = none yet */
  usedMs: number;
  /** all TCP flags seen */
  tcpFlags: number;
}

export interface DpifPort {
  readonly number: number;
  readonly name: string;
  readonly type: string;
}

/** Counters of a datapath as `dpctl/show` prints them. */
export interface DpifStats {
  readonly hit: number;
  readonly missed: number;
  readonly lost: number;
  readonly flows: number;
  readonly masks: number;
  /** masks visited by all lookups */
  readonly maskVisits: number;
  readonly maskCacheHits: number;
}

/** Position in a dump; made by `startDump`. */
export interface DpifDump {
  /** Fills `out` with up to `max` flows and returns how many; 0 = the end. */
  next(out: DpifFlow[], max: number): number;
}

export interface Dpif {
  readonly name: string;
  readonly type: string;

  /** Adds a port; by default under the lowest free number from 1. Returns its number, or `DPIF_EXISTS`. */
  addPort(name: string, type: string, port: DatapathPort, number?: number): number;
  removePort(number: number): void;
  ports(): DpifPort[];

  /** Installs a megaflow. `key` need not be masked. Returns it, or `DPIF_EXISTS`, `DPIF_FULL`. */
  putFlow(
    key: FlowWords,
    mask: FlowWords,
    actions: Int32Array,
    actionsLength: number,
    ufid: Int32Array,
    nowMs: number,
  ): DpifFlow;
  /** Gives a flow other actions. False when there is no room for them; the old ones stay then. */
  modifyFlow(flow: DpifFlow, actions: Int32Array, actionsLength: number): boolean;
  /** Deletes a flow and tells its last statistics. */
  deleteFlow(flow: DpifFlow, stats: DpifFlowStats): void;
  startDump(): DpifDump;
  readKey(flow: DpifFlow, out: FlowWords): void;
  readMask(flow: DpifFlow, out: FlowWords): void;
  /** false when the flow has none */
  readUfid(flow: DpifFlow, out: Int32Array): boolean;
  readStats(flow: DpifFlow, stats: DpifFlowStats): void;
  /** A copy of the flow's action code. */
  actions(flow: DpifFlow): Int32Array;
  /** Whether a flow's actions are just these. */
  hasActions(flow: DpifFlow, actions: Int32Array, actionsLength: number): boolean;

  /**
   * Runs actions on one packet with the metadata in `key`. Inside an upcall handler the packet must stay as it is until the
   * handler returns: what it sends may leave only then.
   */
  execute(packet: Packet, key: FlowWords, actions: Int32Array, actionsLength: number, nowMs: number): void;

  /** Calls `handler` with batches of upcalls, which are the handler's until it returns. */
  setUpcallHandler(handler: ((upcalls: readonly Upcall[], nowMs: number) => void) | null): void;

  /** Installs or changes a meter. Throws `MeterError` for a number or bands that the datapath cannot have. */
  setMeter(meter: number, config: MeterConfig, nowMs: number): void;
  deleteMeter(meter: number): void;
  /** What a meter counted, or null when there is none of that number. */
  meterStats(meter: number): MeterStats | null;

  stats(): DpifStats;
  /** Calls `visit` for each mask with the number of its flows and of its hits. */
  forEachMask(visit: (mask: FlowWords, flows: number, hits: number) => void): void;
  /** Work to be done now and then: rehashing, giving memory back. */
  maintain(nowMs: number): void;
}
