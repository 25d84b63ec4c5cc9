/** A file that grows at its end and reaches the disk when asked to: what the log of a database is written to. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { PlatformError } from './platform-error.ts';

export interface DurableFile {
  readonly read: () => Uint8Array;
  /** Writes at that offset and leaves nothing behind what it wrote; on failure nothing behind the offset. */
  readonly writeAt: (offset: number, bytes: Uint8Array) => void;
  /** Calls back when all that was written before is on the disk. */
  readonly sync: (done: (error: Error | null) => void) => void;
  /** Replaces the contents; old or new are there after a crash. On the disk when it returns. */
  readonly replace: (bytes: Uint8Array) => void;
  readonly close: () => void;
}

/** Opens the file, or creates it empty. Throws `PlatformError`. */
export function openDurableFile(path: string): DurableFile {
  let fd = open(path, constants.O_RDWR | constants.O_CREAT);
  // A link to the file stays a link when the file is replaced.
  const target = realpathSync(path);
  let size = fstatSync(fd).size;
  let syncs = 0;
  /** descriptors of files that have been replaced, until no sync uses them */
  let retired: number[] = [];

  function closeRetired(): void {
    if (syncs > 0) return;
    for (const old of retired) closeSync(old);
    retired = [];
  }

  return {
    read: () => readFileSync(target),
    writeAt(offset, bytes) {
      if (size > offset) ftruncateSync(fd, offset);
      size = offset;
      try {
        writeAll(fd, bytes, offset);
      } catch (error) {
        ftruncateSync(fd, offset);
        throw error;
      }
      size = offset + bytes.length;
    },
    sync(done) {
      const synced = fd;
      syncs++;
      fdatasync(synced, (error) => {
        syncs--;
        closeRetired();
        // What replaced the file holds all that was in it, and is on the disk.
        done(synced === fd ? error : null);
      });
    },
    replace(bytes) {
      const temporary = `${target}.tmp`;
      const fresh = open(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC);
      try {
        writeAll(fresh, bytes, 0);
        fsyncSync(fresh);
        renameSync(temporary, target);
      } catch (error) {
        closeSync(fresh);
        unlinkSync(temporary);
        throw error;
      }
      syncFolder(dirname(target));
      retired.push(fd);
      fd = fresh;
      size = bytes.length;
      closeRetired();
    },
    close() {
      retired.push(fd);
      closeRetired();
    },
  };
}

/** SHA-1 as 40 hexadecimal digits. */
export function sha1Hex(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

function writeAll(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}

function open(path: string, flags: number): number {
  try {
    return openSync(path, flags, 0o640);
  } catch (error) {
    throw new PlatformError('platform-file', `could not open ${path}: ${(error as Error).message}`);
  }
}

/** The name of a file is part of its folder. */
function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
