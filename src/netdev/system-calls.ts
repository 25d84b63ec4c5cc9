/**
 * What this layer needs of an operating system. `platform/` implements it for Linux; tests implement it with a script.
 * The calls are the raw ones: pointers are numbers into memory that `map` gave, and a failure is returned as a negative
 * errno, never thrown, because most of them are on the data path.
 */

/** Memory outside of the JavaScript heap that both sides can name: by address and by view. */
export interface MappedMemory {
  readonly buffer: ArrayBuffer;
  readonly address: number;
}

/** Something that goes on until it is stopped. */
export interface Watch {
  stop(): void;
}

export interface SystemCalls {
  /** Maps `length` zeroed bytes, for the life of the process. Throws when there is no memory. */
  map(length: number): MappedMemory;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: number, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: number, lengthAddress: number): number;
  /** `argument` is an address or a plain number, as the request wants it. */
  ioctl(fd: number, request: number, argument: number): number;
  open(path: string, flags: number): number;
  close(fd: number): number;
  read(fd: number, address: number, length: number): number;
  write(fd: number, address: number, length: number): number;
  recvmmsg(fd: number, messages: number, count: number, flags: number): number;
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  /** Calls `listener` from the event loop whenever `fd` is readable or has an error, until stopped. */
  watchReadable(fd: number, listener: () => void): Watch;
  /** The C library's text for an errno, such as `No such device`. */
  errorMessage(errno: number): string;
}

const EPERM = 1;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const EAGAIN = 11;
const EACCES = 13;
const EBUSY = 16;
export const ENODEV = 19;
export const EMSGSIZE = 90;
export const ENETDOWN = 100;
export const ENOBUFS = 105;

export type NetdevErrorCode =
  | 'netdev-bad-name'
  | 'netdev-no-device'
  | 'netdev-busy'
  | 'netdev-permission'
  | 'netdev-system';

/** A port that cannot be opened or set up. */
export class NetdevError extends Error {
  readonly code: NetdevErrorCode;
  /** what the system said, 0 when it said nothing */
  readonly errno: number;

  constructor(code: NetdevErrorCode, errno: number, message: string) {
    super(message);
    this.name = 'NetdevError';
    this.code = code;
    this.errno = errno;
  }
}

/** The error for a system call that failed while opening `name`; `capability` is what it needs when not permitted. */
export function openError(
  calls: SystemCalls,
  name: string,
  result: number,
  doing: string,
  capability: string,
): NetdevError {
  const errno = -result;
  const reason = calls.errorMessage(errno);
  if (errno === EPERM || errno === EACCES) {
    return new NetdevError(
      'netdev-permission',
      errno,
      `could not open network device ${name} (${reason}): ${doing} needs ${capability}; run as root, or in a user and network namespace of your own with "unshare -Urn"`,
    );
  }
  const code =
    errno === ENODEV || errno === ENXIO ? 'netdev-no-device' : errno === EBUSY ? 'netdev-busy' : 'netdev-system';
  return new NetdevError(code, errno, `could not open network device ${name} (${reason}) while ${doing}`);
}
