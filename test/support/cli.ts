/** Runs the command line in this process and keeps what it prints. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo, CliOutput } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/run-cli.ts';

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRunOptions {
  /** width of the terminal that both outputs are; default 0, no terminal */
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** aborted: the command is told to end */
  readonly interrupted?: AbortSignal;
  /** told what is printed, as it is printed */
  readonly onPrint?: (text: string) => void;
}

export async function runCaptured(argv: readonly string[], options: CliRunOptions = {}): Promise<CliRun> {
  const { columns = 0, env = {}, interrupted = new AbortController().signal, onPrint } = options;
  const printed: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr'): CliOutput => ({
    columns,
    isTTY: columns > 0,
    write(text) {
      printed[name] += text;
      onPrint?.(text);
    },
  });
  const io: CliIo = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env,
    catchInterrupts: () => ({ signal: interrupted, release() {} }),
  };
  const code = await runCli(argv, io);
  return { code, ...printed };
}

/** Calls `action` with a directory of its own, which is gone afterwards. */
export async function withDirectory(action: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'megaflow-cli-'));
  try {
    await action(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
