/** Files as the functions that capture readers and writers take: chunks in, chunks out. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { PlatformError } from './platform-error.ts';

const CHUNK_LENGTH = 1024 * 1024;

export interface FileSource {
  /** The next chunk, valid until the next call; null at the end. Throws `PlatformError`. */
  read: () => Uint8Array | null;
  close: () => void;
}

export interface FileSink {
  /** Adds the bytes, which are copied. Throws `PlatformError`. */
  write: (bytes: Uint8Array) => void;
  /** Writes what is buffered and closes the file. */
  close: () => void;
}

/** Opens a file, or standard input when the path is `-`. */
export function openFileSource(path: string): FileSource {
  const fd = path === '-' ? 0 : attempt('open', path, () => openSync(path, 'r'));
  const chunk = new Uint8Array(CHUNK_LENGTH);
  return {
    read(): Uint8Array | null {
      const length = attempt('read', path, () => readSync(fd, chunk, 0, CHUNK_LENGTH, null));
      return length === 0 ? null : chunk.subarray(0, length);
    },
    close(): void {
      if (fd !== 0) closeSync(fd);
    },
  };
}

/** Creates or truncates a file and buffers what is written to it. */
export function openFileSink(path: string): FileSink {
  const fd = attempt('write', path, () => openSync(path, 'w'));
  const buffer = new Uint8Array(CHUNK_LENGTH);
  let used = 0;
  function flush(): void {
    for (let done = 0; done < used; ) {
      done += attempt('write', path, () => writeSync(fd, buffer, done, used - done));
    }
    used = 0;
  }
  return {
    write(bytes): void {
      let done = 0;
      while (done < bytes.length) {
        if (used === CHUNK_LENGTH) flush();
        const part = Math.min(bytes.length - done, CHUNK_LENGTH - used);
        buffer.set(bytes.subarray(done, done + part), used);
        used += part;
        done += part;
      }
    },
    close(): void {
      try {
        flush();
      } finally {
        closeSync(fd);
      }
    },
  };
}

function attempt<T>(what: 'open' | 'read' | 'write', path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new PlatformError('platform-file', `could not ${what} ${path}: ${reasonOf(error as NodeJS.ErrnoException)}`);
  }
}

/** `ENOENT: no such file or directory, open 'x'` → `no such file or directory`. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return /^[A-Z0-9]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message;
}
