/**
 * What a command may touch: where it prints, what the environment says, how it learns that it shall end. Passed in, so that
 * tests run commands without a process and see every byte.
 */

export interface CliOutput {
  write(text: string): void;
  readonly isTTY: boolean;
  /** width of the terminal; 0 = there is none */
  readonly columns: number;
}

/** Somebody wants the program to end. */
interface Interrupts {
  /** aborted by the first signal; the reason is its name, such as `SIGINT` */
  readonly signal: AbortSignal;
  /** back to what signals usually do */
  release(): void;
}

export interface CliIo {
  readonly stdout: CliOutput;
  readonly stderr: CliOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Catches the signals that end programs. Only one signal is caught: the second ends the program at once. */
  catchInterrupts(): Interrupts;
}

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The input and output of this process. */
export function processIo(): CliIo {
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    catchInterrupts,
  };
}

function outputOf(stream: NodeJS.WriteStream): CliOutput {
  return {
    write(text): void {
      stream.write(text);
    },
    get isTTY(): boolean {
      return stream.isTTY === true;
    },
    get columns(): number {
      return stream.isTTY === true ? stream.columns : 0;
    },
  };
}

function catchInterrupts(): Interrupts {
  const controller = new AbortController();
  const release = (): void => {
    for (const name of ENDING_SIGNALS) process.off(name, end);
  };
  const end = (name: NodeJS.Signals): void => {
    controller.abort(name);
    // Not before everybody has heard of this signal: who is alone with one, as NetworkNamespaces, ends the program.
    setImmediate(release);
  };
  for (const name of ENDING_SIGNALS) process.on(name, end);
  return { signal: controller.signal, release };
}

/** The exit code of a program that a signal ended, as shells have it. */
export function interruptExitCode(signal: AbortSignal): number {
  switch (signal.reason) {
    case 'SIGHUP':
      return 129;
    case 'SIGTERM':
      return 143;
    default:
      return 130;
  }
}
