/**
 * Connections over unix sockets, TCP and TLS, by the names that Open vSwitch gives them (ovsdb(7), Connection Methods): `unix:`, `tcp:`
 * and `ssl:` to connect; `punix:`, `ptcp:` and `pssl:` to listen. Each connection is a `SocketStream`, which has the shape that the
 * layers declare for themselves.
 */
import { closeSync, constants, openSync, unlinkSync } from 'node:fs';
import { connect as connectSocket, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { PlatformError } from './platform-error.ts';

/** What fits a `sockaddr_un` with the null at its end. */
const MAX_SOCKET_PATH_BYTES = 107;

export interface SocketStreamListener {
  /** The bytes are valid only during the call. */
  onData: (bytes: Uint8Array) => void;
  /** Once, and nothing after it; null when the peer ended in order. */
  onClose: (reason: string | null) => void;
  /** What `write` kept has been sent. */
  onDrain: () => void;
}

export interface SocketStream {
  /** who is at the other end, such as `unix:/run/db.sock` or `tcp:10.0.0.1:40123`; `unix#1` for one that came in on a unix socket */
  readonly name: string;
  readonly start: (listener: SocketStreamListener) => void;
  /** Sends, or keeps what the peer does not take yet. After the end it does nothing. */
  readonly write: (data: string | Uint8Array) => void;
  readonly pendingBytes: number;
  /** Sends what is kept, then ends; `onClose` is not called. */
  readonly close: () => void;
}

/** PEM files' contents for TLS. */
export interface TlsCredentials {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** the peer's certificate must be signed by this authority; left out, any peer will do */
  readonly ca?: string | Buffer;
}

export interface SocketOptions {
  /** the port where a method names none: 6640 for OVSDB, 6653 for OpenFlow */
  readonly defaultPort: number;
  /** needed by `ssl:` and `pssl:` */
  readonly tls?: TlsCredentials;
  /** stop reading while more bytes than this wait to be sent; for servers, so that clients cannot fill the memory */
  readonly maxPendingBytes?: number;
}

export interface StreamServer {
  /** The port of TCP and TLS, 0 for a unix socket. */
  readonly port: number;
  /** Listens no more; connections stay. The file of a unix socket goes. */
  readonly close: () => void;
}

/**
 * Connects; `onStream` is called with the connection, or `onFailure` with the reason. Returns a function that gives up before
 * that. Throws `PlatformError` for a method that is not understood.
 */
export function connectStream(
  method: string,
  options: SocketOptions,
  onStream: (stream: SocketStream) => void,
  onFailure: (reason: string) => void,
): () => void {
  const { kind, rest } = splitMethod(method, ['unix', 'tcp', 'ssl']);
  let socket: Socket;
  let release = (): void => {};
  if (kind === 'unix') {
    const short = shortPath(rest);
    release = short.release;
    socket = connectSocket(short.path);
  } else {
    const address = activeAddress(method, rest, options.defaultPort);
    socket =
      kind === 'tcp'
        ? connectSocket(address)
        : connectTls({ ...address, ...tlsOptions(method, options), checkServerIdentity: anyName });
  }
  const failed = (error: Error): void => {
    release();
    onFailure(reasonOf(error));
  };
  socket.once('error', failed);
  socket.once(kind === 'ssl' ? 'secureConnect' : 'connect', () => {
    release();
    socket.off('error', failed);
    onStream(createSocketStream(socket, method, options));
  });
  return () => {
    socket.off('error', failed);
    socket.on('error', () => {});
    socket.destroy();
    release();
  };
}

/**
 * Listens; resolves when clients can connect. A file in the way of a unix socket is removed, as by Open vSwitch. Rejects with
 * `PlatformError`.
 */
export function listenStream(
  method: string,
  options: SocketOptions,
  onStream: (stream: SocketStream) => void,
): Promise<StreamServer> {
  return new Promise((resolve, reject) => {
    const { kind, rest } = splitMethod(method, ['punix', 'ptcp', 'pssl']);
    let count = 0;
    const accept = (socket: Socket): void => {
      count++;
      const name = kind === 'punix' ? `unix#${count}` : `${kind.slice(1)}:${hostText(socket)}:${socket.remotePort}`;
      onStream(createSocketStream(socket, name, options));
    };
    let server: Server;
    if (kind === 'pssl') {
      const credentials = tlsOptions(method, options);
      server = createTlsServer(credentials, (socket: TLSSocket) => accept(socket));
      // A handshake that fails is the peer's loss.
      server.on('tlsClientError', () => {});
    } else {
      server = createServer(accept);
    }
    let release = (): void => {};
    const fail = (error: Error): void => {
      release();
      reject(new PlatformError('platform-system', `${method}: listen failed (${reasonOf(error)})`));
    };
    server.once('error', fail);
    const ready = (): void => {
      release();
      server.off('error', fail);
      server.on('error', () => {});
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () => {
          server.close();
          if (kind === 'punix') removeFile(rest);
        },
      });
    };
    if (kind === 'punix') {
      removeFile(rest);
      const short = shortPath(rest);
      release = short.release;
      server.listen(short.path, ready);
    } else {
      server.listen({ ...passiveAddress(method, rest, options.defaultPort), exclusive: true }, ready);
    }
  });
}

function createSocketStream(socket: Socket, name: string, options: SocketOptions): SocketStream {
  const maxPending = options.maxPendingBytes ?? Number.POSITIVE_INFINITY;
  let listener: SocketStreamListener | null = null;
  let failure: string | null = null;
  let isOpen = true;
  socket.setNoDelay(true);
  socket.pause();
  socket.on('error', (error) => {
    failure = reasonOf(error);
  });
  socket.on('data', (bytes) => listener?.onData(bytes as Uint8Array));
  socket.on('drain', () => {
    if (!isOpen) return;
    if (socket.isPaused()) socket.resume();
    listener?.onDrain();
  });
  socket.on('end', () => ended());
  socket.on('close', () => ended());

  function ended(): void {
    if (!isOpen || listener === null) return;
    isOpen = false;
    socket.destroySoon();
    listener.onClose(failure);
  }

  return {
    name,
    start(wanted) {
      listener = wanted;
      if (socket.destroyed) ended();
      else socket.resume();
    },
    write(data) {
      if (!isOpen || socket.destroyed) return;
      socket.write(data);
      if (socket.writableLength > maxPending) socket.pause();
    },
    get pendingBytes() {
      return socket.writableLength;
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      socket.destroySoon();
    },
  };
}

function splitMethod<K extends string>(method: string, kinds: readonly K[]): { kind: K; rest: string } {
  const colon = method.indexOf(':');
  const kind = kinds.find((candidate) => candidate === method.slice(0, colon));
  const rest = method.slice(colon + 1);
  if (kind === undefined || rest === '') {
    throw new PlatformError(
      'platform-unsupported',
      `${method}: expected one of ${kinds.map((k) => `${k}:`).join(', ')}`,
    );
  }
  return { kind, rest };
}

/** `HOST[:PORT]`, an IPv6 address in brackets. */
function activeAddress(method: string, rest: string, defaultPort: number): { host: string; port: number } {
  const parts = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(rest);
  const port = Number(parts?.[2] ?? defaultPort);
  if (parts === null || port > 65535)
    throw new PlatformError('platform-unsupported', `${method}: bad peer name format`);
  return { host: parts[1]!.replace(/^\[|\]$/g, ''), port };
}

/** `[PORT][:HOST]`; 0 lets the kernel choose the port. */
function passiveAddress(method: string, rest: string, defaultPort: number): { host: string; port: number } {
  const parts = /^(\d*)(?::(\[[^\]]+\]|[^:]+))?$/.exec(rest);
  const port = parts?.[1] ? Number(parts[1]) : defaultPort;
  if (parts === null || port > 65535)
    throw new PlatformError('platform-unsupported', `${method}: bad peer name format`);
  return { host: parts[2]?.replace(/^\[|\]$/g, '') ?? '0.0.0.0', port };
}

function tlsOptions(
  method: string,
  { tls }: SocketOptions,
): Pick<TlsOptions, 'key' | 'cert' | 'ca' | 'requestCert' | 'rejectUnauthorized'> {
  if (tls === undefined) {
    throw new PlatformError(
      'platform-unsupported',
      `${method}: private key, certificate and CA certificate must be configured to use SSL`,
    );
  }
  const verify = tls.ca !== undefined;
  return { ...tls, requestCert: verify, rejectUnauthorized: verify };
}

/** Open vSwitch checks who signed the certificate, not whose name is in it. */
function anyName(): undefined {}

/** A path short enough for a socket's address: through a descriptor of its folder if need be. */
function shortPath(path: string): { path: string; release: () => void } {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return { path, release: () => {} };
  let fd: number | null = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    path: `/proc/self/fd/${fd}/${basename(path)}`,
    release: () => {
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was not there, or listening will say what is wrong.
  }
}

function hostText(socket: Socket): string {
  const host = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  return isIPv6(host) ? `[${host}]` : host;
}

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EPIPE: 'Broken pipe',
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
};

/** The C library's text, as Open vSwitch logs it. */
function reasonOf(error: NodeJS.ErrnoException): string {
  return ERRNO_TEXTS[error.code ?? ''] ?? error.message;
}
