/**
 * System calls, through koffi. The only file that knows koffi: another way to call the C library (an addon of our own)
 * would replace this file and nothing else.
 *
 * koffi is loaded when `linuxSystemCalls` is first called, never by importing this module, so that the rest of the package
 * works where there is no Linux. Every pointer is declared as an integer and is an address inside mapped memory: that is
 * twice as fast as passing buffers, and the garbage collector has no part in it. Failures come back as negative errnos.
 */
import { createRequire } from 'node:module';
import { PlatformError } from './platform-error.ts';

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const CLONE_NEWNET = 0x40000000;
const O_RDONLY_CLOEXEC = 0o2000000;
const ENOENT = 2;

/** Raw system calls. Results below zero are errnos; pointers are addresses that `map` gave. */
export interface LinuxSystemCalls {
  /** Maps zeroed memory for the life of the process. */
  map(length: number): { readonly buffer: ArrayBuffer; readonly address: number };
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: number, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: number, lengthAddress: number): number;
  connect(fd: number, address: number, length: number): number;
  ioctl(fd: number, request: number, argument: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  dup2(from: number, to: number): number;
  open(path: string, flags: number): number;
  close(fd: number): number;
  read(fd: number, address: number, length: number): number;
  write(fd: number, address: number, length: number): number;
  recvmmsg(fd: number, messages: number, count: number, flags: number): number;
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  /** Calls `listener` from the event loop whenever `fd` is readable or has an error. Keeps the process alive until stopped. */
  watchReadable(fd: number, listener: () => void): { stop(): void };
  /** The C library's text for an errno. */
  errorMessage(errno: number): string;
  /**
   * Runs `action` with the calling thread in the network namespace `name` (of `ip netns`). It must not wait for anything:
   * sockets that it opens stay in the namespace, the thread goes back. Throws `PlatformError`.
   */
  inNetworkNamespace<T>(name: string, action: () => T): T;
}

type Native = (...args: (number | string | bigint | null)[]) => number;

let loaded: LinuxSystemCalls | null = null;

/** The system calls of this machine. Throws `PlatformError` where there are none: not Linux, or koffi is not installed. */
export function linuxSystemCalls(): LinuxSystemCalls {
  loaded ??= load();
  return loaded;
}

function load(): LinuxSystemCalls {
  if (process.platform !== 'linux') {
    throw new PlatformError(
      'platform-unsupported',
      `packet sockets and TAP devices need Linux, this is ${process.platform}; in-memory, pcap and patch ports work everywhere`,
    );
  }
  const koffi = loadKoffi();
  const library = koffi.load(null);
  const nativeMap = library.func('mmap', 'intptr', ['intptr', 'size_t', 'int', 'int', 'int', 'int64']) as Native;
  const nativeStrerror = library.func('strerror', 'str', ['int']) as unknown as (errno: number) => string;
  const nativeOpen = library.func('open', 'int', ['str', 'int', 'int']) as Native;
  const nativeIoctl = library.func('ioctl', 'int', ['int', 'ulong', 'intptr']) as Native;
  const nativeSocket = library.func('socket', 'int', ['int', 'int', 'int']) as Native;
  const nativeBind = library.func('bind', 'int', ['int', 'intptr', 'uint']) as Native;
  const nativeConnect = library.func('connect', 'int', ['int', 'intptr', 'uint']) as Native;
  const nativeFcntl = library.func('fcntl', 'int', ['int', 'int', 'intptr']) as Native;
  const nativeDup2 = library.func('dup2', 'int', ['int', 'int']) as Native;
  const nativeSetsockopt = library.func('setsockopt', 'int', ['int', 'int', 'int', 'intptr', 'uint']) as Native;
  const nativeGetsockopt = library.func('getsockopt', 'int', ['int', 'int', 'int', 'intptr', 'intptr']) as Native;
  const nativeClose = library.func('close', 'int', ['int']) as Native;
  const nativeRead = library.func('read', 'long', ['int', 'intptr', 'size_t']) as Native;
  const nativeWrite = library.func('write', 'long', ['int', 'intptr', 'size_t']) as Native;
  const nativeRecvmmsg = library.func('recvmmsg', 'int', ['int', 'intptr', 'uint', 'int', 'intptr']) as Native;
  const nativeSendmmsg = library.func('sendmmsg', 'int', ['int', 'intptr', 'uint', 'int']) as Native;
  const nativeSetns = library.func('setns', 'int', ['int', 'int']) as Native;

  function orErrno(result: number): number {
    return result < 0 ? -koffi.errno() : result;
  }

  const calls: LinuxSystemCalls = {
    map(length) {
      const address = nativeMap(0, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
      if (address === -1) {
        throw new PlatformError('platform-memory', `could not map ${length} bytes (${nativeStrerror(koffi.errno())})`);
      }
      return { buffer: koffi.view(address, length), address };
    },
    socket: (domain, type, protocol) => orErrno(nativeSocket(domain, type, protocol)),
    bind: (fd, address, length) => orErrno(nativeBind(fd, address, length)),
    setsockopt: (fd, level, option, value, length) => orErrno(nativeSetsockopt(fd, level, option, value, length)),
    getsockopt: (fd, level, option, value, lengthAddress) =>
      orErrno(nativeGetsockopt(fd, level, option, value, lengthAddress)),
    connect: (fd, address, length) => orErrno(nativeConnect(fd, address, length)),
    fcntl: (fd, command, argument) => orErrno(nativeFcntl(fd, command, argument)),
    dup2: (from, to) => orErrno(nativeDup2(from, to)),
    ioctl: (fd, request, argument) => orErrno(nativeIoctl(fd, request, argument)),
    open: (path, flags) => orErrno(nativeOpen(path, flags, 0)),
    close: (fd) => orErrno(nativeClose(fd)),
    read: (fd, address, length) => orErrno(nativeRead(fd, address, length)),
    write: (fd, address, length) => orErrno(nativeWrite(fd, address, length)),
    recvmmsg: (fd, messages, count, flags) => orErrno(nativeRecvmmsg(fd, messages, count, flags, 0)),
    sendmmsg: (fd, messages, count, flags) => orErrno(nativeSendmmsg(fd, messages, count, flags)),
    watchReadable(fd, listener) {
      const handle = koffi.node.poll(fd, { readable: true }, () => {
        listener();
      });
      return {
        stop(): void {
          handle.close();
        },
      };
    },
    errorMessage: (errno) => nativeStrerror(errno),
    inNetworkNamespace(name, action) {
      const failed = (what: string, errno: number): PlatformError =>
        new PlatformError(
          errno === ENOENT ? 'platform-no-namespace' : 'platform-system',
          `could not enter the network namespace ${name} (${nativeStrerror(errno)}) ${what}`,
        );
      const own = calls.open('/proc/thread-self/ns/net', O_RDONLY_CLOEXEC);
      if (own < 0) throw failed('while opening our own', -own);
      const other = calls.open(`/run/netns/${name}`, O_RDONLY_CLOEXEC);
      if (other < 0) {
        calls.close(own);
        throw failed('while opening it', -other);
      }
      const entered = orErrno(nativeSetns(other, CLONE_NEWNET));
      calls.close(other);
      if (entered < 0) {
        calls.close(own);
        throw failed('with setns: that needs CAP_SYS_ADMIN', -entered);
      }
      try {
        return action();
      } finally {
        const back = orErrno(nativeSetns(own, CLONE_NEWNET));
        calls.close(own);
        // Going on in the wrong namespace would configure the wrong machine.
        if (back < 0) process.abort();
      }
    },
  };
  return calls;
}

function loadKoffi(): typeof import('koffi') {
  try {
    return createRequire(import.meta.url)('koffi');
  } catch (error) {
    throw new PlatformError(
      'platform-unsupported',
      `could not load koffi, which packet sockets and TAP devices need (${(error as Error).message}); install without --omit=optional`,
    );
  }
}
