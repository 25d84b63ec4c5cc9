/**
 * Coverage counters: how often something happened, in all and lately. `coverage/show` tells where a daemon spends its time;
 * `coverage/read-counter` lets tests wait for an event.
 *
 * Every five seconds what was counted meanwhile goes into a ring of a minute's periods, every minute the sum of those into a ring of
 * an hour's minutes.
 */
import type { UnixctlCommands } from './unixctl.ts';
import { UnixctlError } from './unixctl-error.ts';

const PERIOD_MS = 5000;
const PERIODS_PER_MINUTE = 12;
const MINUTES_PER_HOUR = 60;

/** One counter. */
export interface CoverageCounter {
  add: (count: number) => void;
}

interface Counter extends CoverageCounter {
  readonly name: string;
  total: number;
  /** `total` at the end of the last period */
  counted: number;
  readonly periods: number[];
  readonly minutes: number[];
}

/** What counters need of a clock: virtual time, so that tests see the same rates each time. */
export interface CoverageClock {
  after: (delayMs: number, callback: () => void) => () => void;
}

export class CoverageCounters {
  private readonly counters = new Map<string, Counter>();
  private period = 0;

  /** The counter of that name, which is made at first. */
  counter(name: string): CoverageCounter {
    let counter = this.counters.get(name);
    if (counter === undefined) {
      counter = {
        name,
        total: 0,
        counted: 0,
        periods: new Array(PERIODS_PER_MINUTE).fill(0),
        minutes: new Array(MINUTES_PER_HOUR).fill(0),
        add(count) {
          this.total += count;
        },
      };
      this.counters.set(name, counter);
    }
    return counter;
  }

  /** How often the event has happened, or null for a name that nobody counts. */
  read(name: string): number | null {
    return this.counters.get(name)?.total ?? null;
  }

  /** Keeps the rates up to date until the returned function is called. */
  start(clock: CoverageClock): () => void {
    let cancel = clock.after(PERIOD_MS, next);
    const owner = this;
    function next(): void {
      owner.endPeriod();
      cancel = clock.after(PERIOD_MS, next);
    }
    return () => cancel();
  }

  /** The text of `coverage/show`. */
  format(): string {
    const hit = [...this.counters.values()].filter(({ total }) => total > 0);
    const lines = hit.map((counter) => this.formatCounter(counter));
    return (
      `Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash=${hashOf(hit)}:\n` +
      `${lines.join('')}${this.counters.size - hit.length} events never hit\n`
    );
  }

  private formatCounter({ name, total, periods, minutes }: Counter): string {
    const last = periods[(this.period + PERIODS_PER_MINUTE - 1) % PERIODS_PER_MINUTE]!;
    const rates = [
      (last / (PERIOD_MS / 1000)).toFixed(1).padStart(5),
      (sum(periods) / 60).toFixed(3).padStart(9),
      (sum(minutes) / 3600).toFixed(4).padStart(13),
    ];
    return `${name.padEnd(24)} ${rates.map((rate) => `${rate}/sec`).join(' ')}   total: ${total}\n`;
  }

  private endPeriod(): void {
    const slot = this.period % PERIODS_PER_MINUTE;
    const minute = Math.floor(this.period / PERIODS_PER_MINUTE) % MINUTES_PER_HOUR;
    this.period++;
    for (const counter of this.counters.values()) {
      counter.periods[slot] = counter.total - counter.counted;
      counter.counted = counter.total;
      if (slot === PERIODS_PER_MINUTE - 1) counter.minutes[minute] = sum(counter.periods);
    }
  }
}

export function registerCoverageCommands(commands: UnixctlCommands, coverage: CoverageCounters): void {
  commands.register('coverage/show', '', 0, 0, () => coverage.format());
  commands.register('coverage/read-counter', 'COUNTER', 1, 1, ([name]) => {
    const total = coverage.read(name!);
    if (total === null) throw new UnixctlError('No such counter');
    return `${total}\n`;
  });
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** Equal for daemons that did about the same: names and orders of magnitude (FNV-1a). */
function hashOf(hit: readonly Counter[]): string {
  let hash = 0x811c9dc5;
  for (const { name, total } of hit) {
    for (const character of `${name}\0${Math.floor(Math.log2(total))}\0`) {
      hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
    }
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
