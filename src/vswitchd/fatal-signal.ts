/**
 * What must be done before the process ends, however it ends: files to remove (pidfile, sockets), work to finish. It is done once,
 * when the process exits or when a signal ends it; then the signal takes its course, so that whoever waits sees what it was.
 */
import { unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import type { Vlog } from './vlog.ts';

export const SIGNAL_TEXTS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGHUP: 'Hangup',
  SIGINT: 'Interrupt',
  SIGQUIT: 'Quit',
  SIGILL: 'Illegal instruction',
  SIGABRT: 'Aborted',
  SIGBUS: 'Bus error',
  SIGFPE: 'Floating point exception',
  SIGKILL: 'Killed',
  SIGSEGV: 'Segmentation fault',
  SIGPIPE: 'Broken pipe',
  SIGALRM: 'Alarm clock',
  SIGTERM: 'Terminated',
  SIGXCPU: 'CPU time limit exceeded',
  SIGXFSZ: 'File size limit exceeded',
};

const FATAL_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGALRM'] as const;

export class ExitActions {
  private readonly actions = new Set<() => void>();
  private readonly vlog: Vlog;
  private isDone = false;

  /** Begins to listen for the end of the process. One for each process. */
  constructor(vlog: Vlog) {
    this.vlog = vlog;
    process.on('exit', () => this.run());
    for (const signal of FATAL_SIGNALS) process.on(signal, () => this.endBy(signal));
  }

  /** Has `action`, which must not wait for anything, done at the end; the newest first. The result takes it back. */
  add(action: () => void): () => void {
    this.actions.add(action);
    return () => this.actions.delete(action);
  }

  /** Has a file removed at the end. */
  addFile(path: string): () => void {
    return this.add(() => unlinkSync(path));
  }

  /** Ends the process as if it had not heeded the signal, after everything was done. */
  endBy(signal: NodeJS.Signals): void {
    this.vlog
      .module('fatal_signal')
      .warn(`terminating with signal ${constants.signals[signal]} (${SIGNAL_TEXTS[signal] ?? signal})`);
    this.run();
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }

  private run(): void {
    if (this.isDone) return;
    this.isDone = true;
    for (const action of [...this.actions].reverse()) {
      try {
        action();
      } catch {
        // Gone already; the others still have to be done.
      }
    }
  }
}

/**
 * An error that nobody caught is a bug: it is logged and the process aborts, which is what `--monitor` starts a new one for. Without
 * this a daemon in the background would vanish without a word.
 */
export function abortOnBugs(vlog: Vlog, exitActions: ExitActions): void {
  process.on('uncaughtException', (error) => {
    vlog.module('util').emer(`${error instanceof Error ? error.stack : String(error)}`);
    exitActions.endBy('SIGABRT');
  });
}
