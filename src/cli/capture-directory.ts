/**
 * A directory of captures, one per port, that is there whole or not at all: it is written under another name next to its
 * place and moved there when everything went well.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CaptureWriter } from '../netdev/index.ts';
import { type FileSink, openFileSink } from '../platform/index.ts';
import { CliError } from './cli-error.ts';

export class CaptureDirectory {
  readonly #place: string;
  readonly #temporary: string;
  readonly #files: Map<string, { sink: FileSink; writer: CaptureWriter }> = new Map();

  /** Throws `CliError` CLI_OUTPUT when nothing can be written there. */
  constructor(place: string) {
    this.#place = resolve(place);
    if (existsSync(this.#place) && !statSync(this.#place).isDirectory()) {
      throw new CliError('CLI_OUTPUT', `could not write captures to ${place}: it is a file; name a directory`);
    }
    try {
      mkdirSync(dirname(this.#place), { recursive: true });
      this.#temporary = mkdtempSync(join(dirname(this.#place), `.${basename(this.#place)}-`));
      // A temporary directory is for its owner only; this one is to stay.
      chmodSync(this.#temporary, 0o777 & ~process.umask());
    } catch (error) {
      throw outputError(place, error);
    }
  }

  /** Where the port's frames will be. */
  pathOf(port: string): string {
    return join(this.#place, `${port}.pcap`);
  }

  /** Makes the port's capture, at first an empty one. */
  open(port: string): void {
    const sink = openFileSink(join(this.#temporary, `${port}.pcap`));
    this.#files.set(port, { sink, writer: new CaptureWriter(sink.write) });
  }

  /** Adds a frame to an opened capture. */
  write(port: string, frame: Uint8Array, seconds: number, nanoseconds: number, originalLength: number): void {
    this.#files.get(port)!.writer.write(frame, seconds, nanoseconds, originalLength);
  }

  /** Moves everything to its place. Captures of the same names there are replaced, other files stay. */
  commit(): void {
    this.#close();
    try {
      if (existsSync(this.#place)) {
        for (const name of readdirSync(this.#temporary)) {
          renameSync(join(this.#temporary, name), join(this.#place, name));
        }
        rmSync(this.#temporary, { recursive: true });
      } else {
        renameSync(this.#temporary, this.#place);
      }
    } catch (error) {
      throw outputError(this.#place, error);
    }
  }

  /** Leaves nothing behind; does nothing after `commit`. */
  discard(): void {
    try {
      this.#close();
    } finally {
      rmSync(this.#temporary, { recursive: true, force: true });
    }
  }

  #close(): void {
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const { sink } of files) {
      sink.close();
    }
  }
}

function outputError(place: string, error: unknown): CliError {
  const reason = /^[A-Z0-9]+: ([^,]+)/.exec((error as Error).message)?.[1] ?? (error as Error).message;
  return new CliError('CLI_OUTPUT', `could not write captures to ${place}: ${reason}`, { cause: error });
}
