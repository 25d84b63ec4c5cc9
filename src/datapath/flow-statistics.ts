/**
 * Statistics of flows and of lookups: a line per flow and thread, written by that thread only, summed when read.
 *
 * Plain adds on a thread's own line cost a nanosecond; atomic adds, or two threads on one line, ten. The lines of one
 * thread lie together, indexed by the flow's slot, so that no cache line belongs to two threads. Counts are doubles:
 * exact up to 2^53 and without the boxing that 64-bit integers would need.
 */
import { type Arena, H_LINES, H_MAX_FLOWS, H_THREADS, T_COUNTERS, THREAD_LINE_WORDS, THREAD_LINES } from './arena.ts';
import { FLOW_SLOT, type FlowRef } from './flow-record.ts';

/** Words of a line: packets, bytes, time of last use (three doubles), TCP flags, unused. */
export const FLOW_LINE_WORDS = 8;
const LINE_PACKETS = 0;
const LINE_BYTES = 1;
const LINE_USED = 2;
/** in words; the others in doubles */
const LINE_TCP_FLAGS = 6;

/** Counters of a thread, in doubles. */
export const COUNTER_HITS = 0;
export const COUNTER_MISSED = 1;
export const COUNTER_MASK_HITS = 2;
export const COUNTER_CACHE_HITS = 3;

/** A flow's statistics, summed over threads. */
export interface FlowStatsSum {
  packets: number;
  bytes: number;
  /** all TCP flags seen, or'ed */
  tcpFlags: number;
  /** time of the last packet in milliseconds, 0 if there was none */
  used: number;
}

/** Statistics of lookups, summed over threads. */
export interface LookupStatistics {
  /** lookups that found a flow */
  hit: number;
  /** lookups that found none */
  missed: number;
  /** masks tried; with the tree, flows compared in full, each with its mask */
  maskHits: number;
  /** lookups whose flow was found through the mask cache */
  cacheHits: number;
}

/** Zero statistics, to read into. */
export function createFlowStatsSum(): FlowStatsSum {
  return { packets: 0, bytes: 0, tcpFlags: 0, used: 0 };
}

export class FlowStatistics {
  private readonly words: Int32Array;
  private readonly doubles: Float64Array;
  /** index of this thread's first line, in doubles */
  private readonly own: number;

  constructor(arena: Arena, thread: number) {
    this.words = arena.words;
    this.doubles = arena.doubles;
    this.own = (this.words[H_LINES]! + thread * this.words[H_MAX_FLOWS]! * FLOW_LINE_WORDS) >> 1;
  }

  /** Adds to this thread's line of the flow. */
  credit(flow: FlowRef, packets: number, bytes: number, tcpFlags: number, now: number): void {
    const { words, doubles } = this;
    const line = this.own + (words[flow + FLOW_SLOT]! << 2);
    doubles[line + LINE_PACKETS] = doubles[line + LINE_PACKETS]! + packets;
    doubles[line + LINE_BYTES] = doubles[line + LINE_BYTES]! + bytes;
    doubles[line + LINE_USED] = now;
    if (tcpFlags !== 0) {
      words[2 * line + LINE_TCP_FLAGS] = words[2 * line + LINE_TCP_FLAGS]! | tcpFlags;
    }
  }

  /** Sums the lines of a slot into `out`. */
  read(slot: number, out: FlowStatsSum): void {
    const { words, doubles } = this;
    out.packets = 0;
    out.bytes = 0;
    out.tcpFlags = 0;
    out.used = 0;
    for (let thread = 0; thread < words[H_THREADS]!; thread++) {
      const line = this.lineOf(slot, thread);
      out.packets += doubles[line + LINE_PACKETS]!;
      out.bytes += doubles[line + LINE_BYTES]!;
      out.tcpFlags |= words[2 * line + LINE_TCP_FLAGS]!;
      out.used = Math.max(out.used, doubles[line + LINE_USED]!);
    }
  }

  /** Packets of a slot. */
  packets(slot: number): number {
    let sum = 0;
    for (let thread = 0; thread < this.words[H_THREADS]!; thread++) {
      sum += this.doubles[this.lineOf(slot, thread) + LINE_PACKETS]!;
    }
    return sum;
  }

  /** Zeroes the lines of a slot, for a new flow. */
  clear(slot: number): void {
    for (let thread = 0; thread < this.words[H_THREADS]!; thread++) {
      const line = this.lineOf(slot, thread);
      this.doubles.fill(0, line, line + FLOW_LINE_WORDS / 2);
    }
  }

  /** Sums the threads' counters into `out`. */
  readLookups(out: LookupStatistics): void {
    const { words, doubles } = this;
    out.hit = 0;
    out.missed = 0;
    out.maskHits = 0;
    out.cacheHits = 0;
    for (let thread = 0; thread < words[H_THREADS]!; thread++) {
      const counters = ((THREAD_LINES + thread * THREAD_LINE_WORDS) >> 1) + T_COUNTERS;
      out.hit += doubles[counters + COUNTER_HITS]!;
      out.missed += doubles[counters + COUNTER_MISSED]!;
      out.maskHits += doubles[counters + COUNTER_MASK_HITS]!;
      out.cacheHits += doubles[counters + COUNTER_CACHE_HITS]!;
    }
  }

  private lineOf(slot: number, thread: number): number {
    const lines = this.words[H_LINES]! + thread * this.words[H_MAX_FLOWS]! * FLOW_LINE_WORDS;
    return (lines >> 1) + slot * (FLOW_LINE_WORDS / 2);
  }
}
