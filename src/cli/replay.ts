/**
 * Runs a capture through a switch, as if the packets came in now: each at its own time, so that flows, addresses and
 * megaflows expire as they would have.
 *
 * Time starts at 0 with the first packet and is that of the time stamps. It never goes back: captures of several
 * interfaces are a little out of order. When stamps jump back by more than a second the clock that made them was set,
 * and time goes on from there. A gap longer than any timeout is cut short.
 *
 * Packets are switched one by one, not in batches: what one of them changes the next one sees.
 */
import { statSync } from 'node:fs';
import { CaptureError, CaptureReader } from '../netdev/index.ts';
import { monotonicMilliseconds, openFileSource } from '../platform/index.ts';
import { Switch } from '../switch/index.ts';
import { CaptureDirectory } from './capture-directory.ts';
import { CliError } from './cli-error.ts';
import { namedPorts } from './named-ports.ts';
import { loadPipeline } from './pipeline-files.ts';
import { PortChooser, type PortMapping } from './port-mapping.ts';
import { type CurrentFrame, createCurrentFrame, ReplayNetdev } from './replay-netdev.ts';
import { type CacheReport, cacheReport } from './report.ts';

/** How long after a change of the pipeline megaflows are revalidated: about what it takes Open vSwitch's revalidators. */
const REVALIDATION_INTERVAL_MS = 10;
/** How often a switch looks after itself. */
const MAINTENANCE_INTERVAL_MS = 500;
/** Longer than any timeout of a flow (65,535 s) or of a learned address. */
const LONGEST_GAP_MS = 65_536_000;
const CLOCK_SET_MS = 1000;
const PACKETS_BETWEEN_PAUSES = 4096;
const PAUSE_INTERVAL_MS = 50;
/** Open vSwitch's default limit (other_config:flow-limit). */
const MAX_MEGAFLOWS = 200_000;

export interface ReplayOptions {
  /** a file, or `-` */
  readonly capture: string;
  readonly flows: string;
  readonly groups?: string;
  readonly ports: PortMapping;
  /** directory for what left each port */
  readonly out?: string;
  readonly lookup: 'tree' | 'masks';
  readonly maskCacheSize: number;
}

export interface ReplayHooks {
  /** called now and then with the number of packets and the part of the file that was read (NaN when not known) */
  readonly onProgress: (packets: number, part: number) => void;
  readonly onWarning: (text: string) => void;
  readonly interrupted: AbortSignal;
}

/** What came in and went out through a port. */
interface ReplayPortReport {
  readonly number: number;
  readonly name: string;
  readonly inPackets: number;
  readonly inBytes: number;
  readonly outPackets: number;
  readonly outBytes: number;
  /** capture of what went out; null when none is written */
  readonly file: string | null;
}

interface ReplayReport {
  readonly capture: string;
  readonly packets: number;
  readonly bytes: number;
  /** frames of which the capture has only the beginning */
  readonly cutFrames: number;
  /** from the first to the last packet, by the time stamps */
  readonly captureMs: number;
  /** what the replay took */
  readonly elapsedMs: number;
  readonly packetsPerSecond: number;
  readonly verdicts: {
    /** left at least one port */
    readonly forwarded: number;
    /** went to the controller and to no port */
    readonly toController: number;
    readonly dropped: number;
    /** fitted no port of the mapping, and were not switched */
    readonly unmapped: number;
  };
  readonly ports: readonly ReplayPortReport[];
  readonly cache: CacheReport;
}

export interface Replay {
  readonly report: ReplayReport;
  /** as it was after the last packet */
  readonly switch: Switch;
}

/** Replays a capture. Returns null when it was interrupted. Throws `CliError` and what the layers throw for bad input. */
export async function replayCapture(options: ReplayOptions, hooks: ReplayHooks): Promise<Replay | null> {
  const run = new ReplayRun(options, hooks);
  try {
    return await run.run();
  } finally {
    run.output?.discard();
  }
}

class ReplayRun {
  readonly output: CaptureDirectory | null;
  readonly #options: ReplayOptions;
  readonly #hooks: ReplayHooks;
  readonly #switch: Switch;
  readonly #chooser: PortChooser;
  readonly #ports: Map<number, ReplayNetdev> = new Map();
  readonly #current: CurrentFrame = createCurrentFrame();
  #nowMs = 0;
  #maintainedMs = 0;
  /** time stamp in ms that is time `#nowMs`; NaN before the first packet */
  #stampMs = Number.NaN;
  #packets = 0;
  #bytes = 0;
  #cutFrames = 0;
  #forwarded = 0;
  #packetIns = 0;
  #toController = 0;
  #unmapped = 0;

  constructor(options: ReplayOptions, hooks: ReplayHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#switch = new Switch({
      clock: () => this.#nowMs,
      revalidationIntervalMs: REVALIDATION_INTERVAL_MS,
      maxMegaflows: MAX_MEGAFLOWS,
      lookup: options.lookup,
      maskCacheSize: options.maskCacheSize,
      onPacketIn: () => {
        this.#packetIns++;
      },
      onWarning: hooks.onWarning,
    });
    loadPipeline(this.#switch, options.flows, options.groups);
    this.output = options.out === undefined ? null : new CaptureDirectory(options.out);
    this.#chooser = new PortChooser(options.ports, (number, name) => this.#addPort(number, name));
  }

  async run(): Promise<Replay | null> {
    const { capture, ports } = this.#options;
    if (ports.kind === 'by-source' && !(await this.#scanSources())) {
      return null;
    }
    const startMs = monotonicMilliseconds();
    const isWhole = await this.#eachRecord((reader) => this.#switchRecord(reader));
    const elapsedMs = monotonicMilliseconds() - startMs;
    if (!isWhole) {
      return null;
    }
    this.#switch.maintain();
    this.output?.commit();
    const packets = this.#packets;
    const report: ReplayReport = {
      capture,
      packets,
      bytes: this.#bytes,
      cutFrames: this.#cutFrames,
      captureMs: this.#nowMs,
      elapsedMs,
      packetsPerSecond: elapsedMs === 0 ? 0 : Math.round((packets * 1000) / elapsedMs),
      verdicts: {
        forwarded: this.#forwarded,
        toController: this.#toController,
        dropped: packets - this.#forwarded - this.#toController - this.#unmapped,
        unmapped: this.#unmapped,
      },
      ports: [...this.#ports.values()].sort((a, b) => a.number - b.number).map((port) => this.#reportPort(port)),
      cache: cacheReport(this.#switch, this.#options.lookup),
    };
    return { report, switch: this.#switch };
  }

  /** Reads the capture once for its source addresses, so that the first broadcast already reaches all of their ports. */
  async #scanSources(): Promise<boolean> {
    if (this.#options.capture === '-') {
      throw new CliError('CLI_USAGE', '--ports by-source reads the capture twice: give a file instead of "-"');
    }
    return await this.#eachRecord(({ record: { bytes, start, length } }) => {
      this.#chooser.announceSource(bytes, start, length);
    });
  }

  /** Calls `visit` for each packet of the capture. False when interrupted. Throws `CliError` CLI_CAPTURE. */
  async #eachRecord(visit: (reader: CaptureReader) => void): Promise<boolean> {
    const path = this.#options.capture;
    const reader = new CaptureReader();
    const source = openFileSource(path);
    const size = path === '-' ? Number.NaN : statSync(path).size;
    let bytesRead = 0;
    let untilPause = PACKETS_BETWEEN_PAUSES;
    let pausedMs = monotonicMilliseconds();
    try {
      for (;;) {
        while (reader.next()) {
          visit(reader);
          if (--untilPause === 0) {
            untilPause = PACKETS_BETWEEN_PAUSES;
            const nowMs = monotonicMilliseconds();
            if (nowMs - pausedMs > PAUSE_INTERVAL_MS) {
              this.#hooks.onProgress(this.#packets, bytesRead / size);
              await pause();
              pausedMs = monotonicMilliseconds();
            }
            if (this.#hooks.interrupted.aborted) {
              return false;
            }
          }
        }
        const chunk = source.read();
        if (chunk !== null) {
          bytesRead += chunk.length;
          reader.push(chunk);
          continue;
        }
        reader.end();
        if (!reader.next()) {
          return true;
        }
        visit(reader);
      }
    } catch (error) {
      throw error instanceof CaptureError ? captureError(path, error) : error;
    } finally {
      source.close();
    }
  }

  #switchRecord(reader: CaptureReader): void {
    const { record, interfaces } = reader;
    if (this.#packets === 0) {
      this.#chooser.announce(interfaces);
      this.#addNamedPorts();
    }
    this.#passTime(record.seconds * 1000 + record.nanoseconds / 1e6);
    this.#packets++;
    this.#bytes += record.originalLength;
    if (record.originalLength > record.length) {
      this.#cutFrames++;
    }
    const { bytes, start, length, interfaceIndex } = record;
    const number = this.#chooser.choose(bytes, start, length, interfaceIndex, interfaces);
    if (number < 0) {
      this.#unmapped++;
      return;
    }
    const packetIns = this.#packetIns;
    this.#ports.get(number)!.offer(record);
    this.#switch.poll();
    if (this.#current.copiesSent > 0) {
      this.#forwarded++;
    } else if (this.#packetIns > packetIns) {
      this.#toController++;
    }
  }

  /** Moves time to a time stamp; the switch looks after itself on the way as often as in life. */
  #passTime(stampMs: number): void {
    if (Number.isNaN(this.#stampMs) || stampMs < this.#stampMs - CLOCK_SET_MS) {
      this.#stampMs = stampMs;
    }
    const end = this.#nowMs + Math.min(LONGEST_GAP_MS, Math.max(0, stampMs - this.#stampMs));
    this.#stampMs = Math.max(this.#stampMs, stampMs);
    while (end - this.#maintainedMs >= MAINTENANCE_INTERVAL_MS) {
      this.#maintainedMs += MAINTENANCE_INTERVAL_MS;
      this.#nowMs = this.#maintainedMs;
      this.#switch.maintain();
    }
    this.#nowMs = end;
  }

  /** Ports that flows speak of exist too, although nothing may come in on them. */
  #addNamedPorts(): void {
    if (this.#options.ports.kind !== 'explicit') {
      for (const number of namedPorts(this.#switch.dumpFlows())) {
        this.#chooser.need(number);
      }
    }
  }

  #addPort(number: number, name: string): void {
    this.output?.open(name);
    const sink =
      this.output === null
        ? null
        : (port: ReplayNetdev, frame: Uint8Array, originalLength: number): void => {
            const { seconds, nanoseconds } = this.#current;
            this.output!.write(port.name, frame, seconds, nanoseconds, originalLength);
          };
    const netdev = new ReplayNetdev(name, number, this.#current, sink);
    this.#ports.set(number, netdev);
    this.#switch.addPort(name, { number, netdev });
  }

  #reportPort({ number, name, stats }: ReplayNetdev): ReplayPortReport {
    return {
      number,
      name,
      inPackets: stats.rxPackets,
      inBytes: stats.rxBytes,
      outPackets: stats.txPackets,
      outBytes: stats.txBytes,
      file: this.output?.pathOf(name) ?? null,
    };
  }
}

function captureError(path: string, error: CaptureError): CliError {
  return new CliError('CLI_CAPTURE', `${path}: ${error.message}; ${wayOut(path, error)}`, { cause: error });
}

function wayOut(path: string, error: CaptureError): string {
  switch (error.code) {
    case 'capture-truncated':
      return error.offset === 0 && path !== '-'
        ? 'there is no capture in this file'
        : `"tcpdump -r ${path} -w WHOLE.pcap" keeps the packets that are whole`;
    case 'capture-format':
    case 'capture-version':
      return 'give a file that tcpdump or Wireshark wrote, not compressed';
    case 'capture-link-type':
      return 'a switch needs Ethernet frames: capture on one interface instead of "any"';
    default:
      return `the file is damaged there; "tcpdump -r ${path} -w WHOLE.pcap" keeps the packets before`;
  }
}

/** Lets signals and the terminal have their turn. */
async function pause(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
