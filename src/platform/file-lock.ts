/**
 * Locks of whole files, of the kind that fcntl(2) calls record locks: they belong to the process, others can ask who holds one, and
 * they end with the process or when it closes any descriptor of the file. Open vSwitch marks pidfiles with them.
 */
import { linuxSystemCalls } from './linux.ts';
import { PlatformError } from './platform-error.ts';

const F_GETLK = 5;
const F_SETLK = 6;
const F_WRLCK = 1;
const F_UNLCK = 2;
const EACCES = 13;
const EAGAIN = 11;

// struct flock on 64-bit Linux: short type, short whence, off_t start at 8, off_t length at 16 (0: to the end), pid_t at 24
const FLOCK_LENGTH = 32;
const FLOCK_PID = 24;

let flock: { readonly view: DataView; readonly address: number } | null = null;

/** Locks the file for this process; false when another process holds it. Throws `PlatformError`. */
export function tryLockFile(fd: number): boolean {
  const result = callFcntl(fd, F_SETLK);
  if (result >= 0) return true;
  if (result === -EACCES || result === -EAGAIN) return false;
  throw failure('lock', result);
}

/** The process that holds a lock on the file, or null when nobody else does. Throws `PlatformError`. */
export function findLockHolder(fd: number): number | null {
  const result = callFcntl(fd, F_GETLK);
  if (result < 0) throw failure('look for a lock on', result);
  const { view } = flock!;
  return view.getInt16(0, true) === F_UNLCK ? null : view.getInt32(FLOCK_PID, true);
}

function callFcntl(fd: number, command: number): number {
  const calls = linuxSystemCalls();
  if (flock === null) {
    const { buffer, address } = calls.map(FLOCK_LENGTH);
    flock = { view: new DataView(buffer, 0, FLOCK_LENGTH), address };
  }
  for (let at = 0; at < FLOCK_LENGTH; at += 8) flock.view.setBigInt64(at, 0n);
  flock.view.setInt16(0, F_WRLCK, true);
  return calls.fcntl(fd, command, flock.address);
}

function failure(what: string, result: number): PlatformError {
  return new PlatformError('platform-file', `could not ${what} a file (${linuxSystemCalls().errorMessage(-result)})`);
}
