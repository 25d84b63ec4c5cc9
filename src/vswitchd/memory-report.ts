/** `memory/show`: how much of what takes memory there is, as `name:count` pairs that the parts of the daemon report. */
import type { UnixctlCommands } from './unixctl.ts';

/** Adds its counts to the report, or to what others have put there under the same name. */
export type MemoryReporter = (add: (name: string, count: number) => void) => void;

export class MemoryReports {
  private readonly reporters: MemoryReporter[] = [];

  register(reporter: MemoryReporter): void {
    this.reporters.push(reporter);
  }

  /** Counts that are not 0, in order of their names. */
  format(): string {
    const counts = new Map<string, number>();
    const add = (name: string, count: number): void => {
      counts.set(name, (counts.get(name) ?? 0) + count);
    };
    for (const reporter of this.reporters) reporter(add);
    return [...counts]
      .filter(([, count]) => count !== 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `${name}:${count}`)
      .join(' ');
  }
}

export function registerMemoryCommands(commands: UnixctlCommands, reports: MemoryReports): void {
  commands.register('memory/show', '', 0, 0, () => reports.format());
}
