/**
 * Open vSwitch's logging. A message has a module and a level; each of three destinations (console, syslog, file) has a level per
 * module and a pattern of its own. Levels are changed while the daemon runs (`ovs-appctl vlog/set`), or by `-v` at start.
 *
 * A message that nobody wants costs one comparison: each module knows the most talkative level of its destinations. Texts may be
 * functions, called only when somebody wants them.
 *
 * Where messages go (descriptors, files, a syslog daemon) comes in through `VlogOutput`; `vlog-output.ts` has the real one.
 */
import { formatPattern, type PatternValues } from './vlog-pattern.ts';

/** From silence to everything; a destination shows a message whose level is not beyond its own. */
const LEVEL_NAMES = ['OFF', 'EMER', 'ERR', 'WARN', 'INFO', 'DBG'] as const;
const OFF = 0;
const EMER = 1;
const ERR = 2;
const WARN = 3;
const INFO = 4;
const DBG = 5;
/** severities of RFC 5424: an emergency of ours is an alert there */
const SYSLOG_SEVERITIES = [1, 1, 3, 4, 5, 7] as const;

const DESTINATION_NAMES = ['syslog', 'console', 'file'] as const;
const SYSLOG = 0;
const CONSOLE = 1;
const FILE = 2;

/** RFC 5424 section 6.2.1, by number. */
const FACILITIES = [
  ...['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'clock', null, 'ftp', 'ntp'],
  ...['audit', 'alert', 'clock2', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
];
const DAEMON_FACILITY = 3;
const LOCAL0_FACILITY = 16;

const DEFAULT_PATTERNS = [
  'ovs|%05N|%c%T|%p|%m',
  '%D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m',
  '%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m',
] as const;

/** what `vlog/list-pattern` shows for syslog, however the daemon is reached */
const SHOWN_SYSLOG_PREFIX = '<%B> %D{%h %e %T} %E %A: ';

export type VlogLevel = 'emer' | 'err' | 'warn' | 'info' | 'dbg';
const LEVELS: Readonly<Record<VlogLevel, number>> = { emer: EMER, err: ERR, warn: WARN, info: INFO, dbg: DBG };

/** A text, or how to make it when somebody wants it. */
export type VlogText = string | (() => string);

export interface LogFile {
  /** Adds a line; errors of the disk are nobody's business here. */
  write: (line: string) => void;
  /** Whether `path` is this file still. */
  isAt: (path: string) => boolean;
  close: () => void;
}

export interface VlogOutput {
  writeConsole: (line: string) => void;
  /** Opens a file to append to. Throws an error whose message is the reason. */
  openFile: (path: string) => LogFile;
  /** `priority` is facility and severity. */
  sendSyslog: (line: string, priority: number) => void;
  /** what the syslog daemon is sent before each line, as a pattern */
  readonly syslogPrefix: string;
  readonly hostname: () => string;
}

export interface VlogOptions {
  /** such as `ovs-vswitchd` */
  readonly program: string;
  readonly pid: number;
  readonly output: VlogOutput;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
}

interface Destination {
  readonly name: string;
  pattern: string;
}

/** At most `burst` messages at once, and `perMinute` in the long run. */
export class RateLimit {
  readonly perMinute: number;
  readonly burst: number;
  private tokens: number;
  private filledAtMs = 0;
  private dropped = 0;
  private firstDroppedS = 0;
  private lastDroppedS = 0;

  constructor(perMinute: number, burst: number) {
    this.perMinute = perMinute;
    this.burst = burst;
    this.tokens = burst;
  }

  /** Takes one message if the limit lets it pass. */
  take(nowMs: number): boolean {
    const filled = this.tokens + ((nowMs - this.filledAtMs) * this.perMinute) / 60_000;
    this.tokens = Math.min(this.burst, filled);
    this.filledAtMs = nowMs;
    if (this.tokens >= 1) {
      this.tokens--;
      return true;
    }
    this.lastDroppedS = Math.floor(nowMs / 1000);
    if (this.dropped++ === 0) this.firstDroppedS = this.lastDroppedS;
    return false;
  }

  /** What to say about messages dropped since this was asked last, or null when there were none. */
  takeReport(nowMs: number): string | null {
    if (this.dropped === 0) return null;
    const nowS = Math.floor(nowMs / 1000);
    const text = `Dropped ${this.dropped} log messages in last ${nowS - this.firstDroppedS} seconds (most recently, ${nowS - this.lastDroppedS} seconds ago) due to excessive rate`;
    this.dropped = 0;
    return text;
  }
}

/** What one part of the program logs through. */
export class VlogModule {
  readonly name: string;
  /** by destination */
  readonly levels: [number, number, number] = [INFO, INFO, INFO];
  /** the most talkative of `levels`, without the file when there is none */
  maxLevel: number = INFO;
  honorsRateLimits = true;
  private readonly vlog: Vlog;

  constructor(vlog: Vlog, name: string) {
    this.vlog = vlog;
    this.name = name;
  }

  isEnabled(level: VlogLevel): boolean {
    return LEVELS[level] <= this.maxLevel;
  }

  emer(text: VlogText): void {
    this.log('emer', text);
  }

  err(text: VlogText): void {
    this.log('err', text);
  }

  warn(text: VlogText): void {
    this.log('warn', text);
  }

  info(text: VlogText): void {
    this.log('info', text);
  }

  dbg(text: VlogText): void {
    this.log('dbg', text);
  }

  log(level: VlogLevel, text: VlogText): void {
    const number = LEVELS[level];
    if (number <= this.maxLevel) this.vlog.write(this, number, typeof text === 'string' ? text : text());
  }

  /** Logs unless that was too often lately; what was dropped is told with the next message that passes. */
  logLimited(limit: RateLimit, level: VlogLevel, text: VlogText): void {
    if (!this.isEnabled(level)) return;
    if (this.honorsRateLimits) {
      const nowMs = this.vlog.monotonicMs();
      if (!limit.take(nowMs)) return;
      const report = limit.takeReport(nowMs);
      if (report !== null) this.log(level, report);
    }
    this.log(level, text);
  }
}

/** The logging of one process. */
export class Vlog {
  /** name of this process among those of the program, empty for the main one */
  subprogram: string = '';
  readonly monotonicMs: () => number;
  private readonly options: VlogOptions;
  private readonly startMs: number;
  private readonly modules = new Map<string, VlogModule>();
  private readonly destinations: readonly Destination[] = DESTINATION_NAMES.map((name, index) => ({
    name,
    pattern: DEFAULT_PATTERNS[index]!,
  }));
  /** null: each destination has its own default */
  private facility: number | null = null;
  private serial = 0;
  private file: LogFile | null = null;
  private filePath: string | null = null;
  private readonly own: VlogModule;

  constructor(options: VlogOptions, moduleNames: readonly string[] = []) {
    this.options = options;
    this.monotonicMs = options.monotonicMs;
    this.startMs = options.monotonicMs();
    for (const name of moduleNames) this.module(name);
    this.own = this.module('vlog');
  }

  /** The module of that name (underscores, as `vlog/list` shows it), which is made at first. */
  module(name: string): VlogModule {
    let module = this.modules.get(name);
    if (module === undefined) {
      module = new VlogModule(this, name);
      this.modules.set(name, module);
      this.updateLevels();
    }
    return module;
  }

  /**
   * Does what `-v SPEC` and `vlog/set SPEC` ask for: words for module, destination and level, `PATTERN:DESTINATION:PATTERN` or
   * `FACILITY:FACILITY`. Returns what is wrong with it, in Open vSwitch's words, or null.
   */
  set(spec: string): string | null {
    const [, kind = '', rest = null] = /^[ ,:]*([^ ,:]*)(?:[ ,:](.*))?$/s.exec(spec)!;
    if (kind.toUpperCase() === 'PATTERN') return this.setPattern(rest);
    if (kind.toUpperCase() === 'FACILITY') return this.setFacility(rest);
    return this.setLevels(spec.split(/[ ,:]+/).filter((word) => word !== ''));
  }

  /** No message goes to the console any more: the process is in the background. */
  turnConsoleOff(): void {
    for (const module of this.modules.values()) module.levels[CONSOLE] = OFF;
    this.updateLevels();
  }

  /** Logs to the file, too. Says so, or why not; returns whether it does. `isQuiet` when another process has said so. */
  openFile(path: string, isQuiet = false): boolean {
    let file: LogFile;
    try {
      file = this.options.output.openFile(path);
    } catch (error) {
      this.own.warn(`failed to open ${path} for logging: ${(error as Error).message}`);
      return false;
    }
    if (this.file !== null) {
      if (this.file.isAt(path)) {
        file.close();
        return true;
      }
      this.own.info('closing log file');
      this.file.close();
    }
    this.file = file;
    this.filePath = path;
    this.updateLevels();
    if (!isQuiet) this.own.info(`opened log file ${path}`);
    return true;
  }

  /** Opens the log file again, for instance after it was renamed; false when there never was one. */
  reopenFile(): boolean {
    if (this.filePath === null) return false;
    this.openFile(this.filePath);
    return true;
  }

  /** Logs to no file until `reopenFile`. */
  closeFile(): void {
    this.file?.close();
    this.file = null;
    this.updateLevels();
  }

  /** Turns rate limits on or off for the named modules, all of them when there is no name; false when one is not known. */
  setRateLimits(names: readonly string[], isOn: boolean): boolean {
    const modules = names.map((name) => (name.toLowerCase() === 'any' ? null : this.findModule(name)));
    if (modules.includes(undefined)) return false;
    const chosen = names.length === 0 || modules.includes(null) ? this.modules.values() : modules;
    for (const module of chosen) module!.honorsRateLimits = isOn;
    return true;
  }

  /** The text of `vlog/list`. */
  formatLevels(): string {
    const lines = this.sortedModules().map(({ name, levels }) => {
      const [syslog, console, file] = levels.map((level) => LEVEL_NAMES[level]!.padStart(4)) as [
        string,
        string,
        string,
      ];
      return `${name.padEnd(16)}  ${console}       ${syslog}       ${file}\n`;
    });
    return `                 console    syslog    file\n                 -------    ------    ------\n${lines.join('')}`;
  }

  /** The text of `vlog/list-pattern`. */
  formatPatterns(): string {
    const row = (name: string, prefix: string, pattern: string): string =>
      `${name.padEnd(7)}  ${prefix.padEnd(32)}  ${pattern}\n`;
    const lines = this.destinations.map(({ name, pattern }, index) =>
      row(name.toUpperCase(), index === SYSLOG ? SHOWN_SYSLOG_PREFIX : 'none', pattern),
    );
    return row('', 'prefix', 'format') + row('', '------', '------') + lines.join('');
  }

  /** Writes a message to the destinations that want it. Called by modules. */
  write(module: VlogModule, level: number, message: string): void {
    this.serial++;
    const { output } = this.options;
    if (level <= module.levels[CONSOLE]) {
      output.writeConsole(`${this.format(CONSOLE, module, level, message)}\n`);
    }
    if (this.file !== null && level <= module.levels[FILE]) {
      this.file.write(`${this.format(FILE, module, level, message)}\n`);
    }
    if (level <= module.levels[SYSLOG]) {
      const priority = this.priority(SYSLOG, level);
      const prefix = formatPattern(output.syslogPrefix, this.values(SYSLOG, module, level, ''));
      for (const line of this.format(SYSLOG, module, level, message).split('\n')) {
        if (line !== '') output.sendSyslog(`${prefix}${line}`, priority);
      }
    }
  }

  private format(destination: number, module: VlogModule, level: number, message: string): string {
    return formatPattern(this.destinations[destination]!.pattern, this.values(destination, module, level, message));
  }

  private values(destination: number, module: VlogModule, level: number, message: string): PatternValues {
    const { program, pid, output, wallMs } = this.options;
    return {
      program,
      pid,
      subprogram: this.subprogram,
      hostname: output.hostname,
      module: module.name,
      levelName: LEVEL_NAMES[level]!,
      syslogPriority: this.priority(destination, level),
      serial: this.serial,
      wallMs: wallMs(),
      sinceStartMs: this.monotonicMs() - this.startMs,
      message,
    };
  }

  private priority(destination: number, level: number): number {
    const facility = this.facility ?? (destination === SYSLOG ? DAEMON_FACILITY : LOCAL0_FACILITY);
    return facility * 8 + SYSLOG_SEVERITIES[level]!;
  }

  private setPattern(rest: string | null): string | null {
    if (rest === null || rest === '') return 'missing destination';
    const [, name = '', pattern = ''] = /^([^ ,:]*)(?:[ ,:](.*))?$/s.exec(rest)!;
    const destination = this.destinations[destinationOf(name)];
    if (destination === undefined) return `unknown destination "${name}"`;
    destination.pattern = pattern;
    return null;
  }

  private setFacility(rest: string | null): string | null {
    const facility = FACILITIES.indexOf(rest?.toLowerCase() ?? '');
    if (facility < 0) return 'invalid facility';
    this.facility = facility;
    return null;
  }

  private setLevels(words: readonly string[]): string | null {
    let chosen: VlogModule | null = null;
    let destination = -1;
    let level = -1;
    for (const word of words) {
      const module = this.findModule(word);
      if (word.toLowerCase() === 'any') continue;
      if (destinationOf(word) >= 0) {
        if (destination >= 0) return 'cannot specify multiple destinations';
        destination = destinationOf(word);
      } else if (levelOf(word) >= 0) {
        if (level >= 0) return 'cannot specify multiple levels';
        level = levelOf(word);
      } else if (module !== undefined) {
        if (chosen !== null) return 'cannot specify multiple modules';
        chosen = module;
      } else {
        return `no destination, level, or module "${word}"`;
      }
    }
    if (level < 0) level = DBG;
    for (const module of chosen === null ? this.modules.values() : [chosen]) {
      if (destination < 0) module.levels.fill(level);
      else module.levels[destination] = level;
    }
    this.updateLevels();
    return null;
  }

  private findModule(name: string): VlogModule | undefined {
    return this.modules.get(name.toLowerCase());
  }

  private sortedModules(): VlogModule[] {
    return [...this.modules.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private updateLevels(): void {
    for (const module of this.modules.values()) {
      const [syslog, console, file] = module.levels;
      module.maxLevel = Math.max(syslog, console, this.file === null ? OFF : file);
    }
  }
}

function destinationOf(name: string): number {
  return (DESTINATION_NAMES as readonly string[]).indexOf(name.toLowerCase());
}

function levelOf(name: string): number {
  return (LEVEL_NAMES as readonly string[]).indexOf(name.toUpperCase());
}
