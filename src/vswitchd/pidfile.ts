/**
 * Pidfiles as Open vSwitch has them: the number of a process in a file that this very process keeps locked. A file that nobody
 * locks is stale, whatever is in it. The file appears under its name whole and locked.
 *
 * What locks need is loaded when there is something to lock: the process that only starts the daemon should take no time.
 */
import { closeSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { OptionsError } from './getopt.ts';
import { reasonOf } from './vlog-output.ts';

const PIDFILE_MODE = 0o644;

/** Rejects with `OptionsError` when a running process holds the pidfile. */
export async function checkPidfile(path: string): Promise<void> {
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (failure.code === 'ENOENT') return;
    throw new OptionsError(`${path}: pidfile check failed (${reasonOf(failure)}), aborting`);
  }
  try {
    const { findLockHolder } = await import('../platform/index.ts');
    const holder = findLockHolder(fd);
    if (holder !== null) throw new OptionsError(`${path}: already running as pid ${holder}, aborting`);
  } finally {
    closeSync(fd);
  }
}

/** Makes the pidfile of this process, in place of any other. The lock holds until the process ends. Rejects with `OptionsError`. */
export async function createPidfile(path: string): Promise<void> {
  const { tryLockFile } = await import('../platform/index.ts');
  const temporary = `${path}.tmp`;
  let fd: number;
  try {
    fd = openSync(temporary, 'w', PIDFILE_MODE);
  } catch (error) {
    throw new OptionsError(`${temporary}: create failed (${reasonOf(error as NodeJS.ErrnoException)})`);
  }
  if (!tryLockFile(fd))
    throw new OptionsError(`${temporary}: fcntl(F_SETLK) failed (Resource temporarily unavailable)`);
  try {
    writeSync(fd, `${process.pid}\n`);
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw new OptionsError(`${path}: create failed (${reasonOf(error as NodeJS.ErrnoException)})`);
  }
  // `fd` stays open for good: closing it would end the lock.
}
