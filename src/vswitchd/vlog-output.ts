/**
 * Where log messages go on this machine: standard error, a file, a syslog daemon. Lines are written at once and in order: a log is of
 * most use when the program has just died.
 */
import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import type { UnixDatagram } from '../platform/index.ts';
import type { LogFile, VlogOutput } from './vlog.ts';

const LOG_FILE_MODE = 0o660;
const STANDARD_ERROR = 2;
/** where the C library's syslog(3) sends */
const SYSLOG_SOCKET = '/dev/log';
const LIBC_PREFIX = '<%B>%d{%h %e %T} %A: ';
const RFC3164_PREFIX = '<%B> %D{%h %e %T} %E %A: ';
/** An absent syslog daemon is looked for again after so many messages. */
const RETRY_AFTER_MESSAGES = 1000;

export interface SyslogMethod {
  readonly kind: 'null' | 'unix' | 'udp';
  /** a path, or a host and a port */
  readonly path: string;
  readonly host: string;
  readonly port: number;
  /** what is sent before each line, as a pattern */
  readonly prefix: string;
}

/** `libc`, `unix:FILE`, `udp:IP:PORT` or `null`; returns null for what is none of them. */
export function parseSyslogMethod(method: string): SyslogMethod | null {
  const base = { path: '', host: '', port: 0, prefix: RFC3164_PREFIX };
  if (method === 'null') return { ...base, kind: 'null' };
  if (method === 'libc') return { ...base, kind: 'unix', path: SYSLOG_SOCKET, prefix: LIBC_PREFIX };
  if (method.startsWith('unix:')) return { ...base, kind: 'unix', path: method.slice(5) };
  const udp = /^udp:(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(method);
  const port = Number(udp?.[3]);
  if (udp === null || port > 65535) return null;
  return { ...base, kind: 'udp', host: udp[1] ?? udp[2]!, port };
}

/** The real output of a process. */
export function createVlogOutput(syslog: SyslogMethod): VlogOutput {
  return {
    writeConsole: (line) => writeQuietly(STANDARD_ERROR, line),
    openFile: openLogFile,
    sendSyslog: createSyslogSender(syslog),
    syslogPrefix: syslog.prefix,
    hostname: memoize(hostname),
  };
}

function openLogFile(path: string): LogFile {
  let fd: number;
  try {
    fd = openSync(path, 'a', LOG_FILE_MODE);
  } catch (error) {
    throw new Error(reasonOf(error as NodeJS.ErrnoException));
  }
  const { dev, ino } = fstatSync(fd);
  return {
    write: (line) => writeQuietly(fd, line),
    isAt(candidate) {
      const found = statSync(candidate, { throwIfNoEntry: false });
      return found?.dev === dev && found.ino === ino;
    },
    close: () => closeSync(fd),
  };
}

/** A full disk or a closed terminal must not stop the switch. */
function writeQuietly(fd: number, line: string): void {
  try {
    writeSync(fd, line);
  } catch {
    // Nobody is left to be told.
  }
}

function createSyslogSender(method: SyslogMethod): (line: string) => void {
  if (method.kind === 'null') return () => {};
  if (method.kind === 'udp') return createUdpSender(method);
  // Most containers have no syslog daemon: what sockets need is loaded when there is one.
  let platform: Promise<typeof import('../platform/index.ts')> | null = null;
  let socket: UnixDatagram | null = null;
  let skip = 0;
  return (line) => {
    if (skip > 0) {
      skip--;
    } else if (socket === null && statSync(method.path, { throwIfNoEntry: false }) === undefined) {
      skip = RETRY_AFTER_MESSAGES;
    } else {
      platform ??= import('../platform/index.ts');
      void platform.then(({ openUnixDatagram }) => {
        socket ??= openUnixDatagram(method.path);
        if (socket?.send(line) === true) return;
        socket?.close();
        socket = null;
        skip = RETRY_AFTER_MESSAGES;
      });
    }
  };
}

function createUdpSender({ host, port }: SyslogMethod): (line: string) => void {
  let socket: Promise<import('node:dgram').Socket> | null = null;
  return (line) => {
    socket ??= import('node:dgram').then(({ createSocket }) => {
      const made = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      made.on('error', () => {});
      return made.unref();
    });
    void socket.then((made) => made.send(line, port, host));
  };
}

function memoize(compute: () => string): () => string {
  let value: string | null = null;
  return () => {
    value ??= compute();
    return value;
  };
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
};

/** The C library's text. */
export function reasonOf(error: NodeJS.ErrnoException): string {
  return REASONS[error.code ?? ''] ?? error.message;
}
