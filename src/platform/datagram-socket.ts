/** Datagrams to a unix socket, such as /dev/log: Node has none of these. */
import { linuxSystemCalls } from './linux.ts';

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
/** `sockaddr_un`: family, path of at most 107 bytes, null */
const ADDRESS_LENGTH = 110;
const MAX_PATH_BYTES = 107;
const BUFFER_LENGTH = 64 * 1024;

export interface UnixDatagram {
  /** Sends one datagram, cut at 64 kB; false when it could not be sent. */
  send: (text: string) => boolean;
  close: () => void;
}

/** Opens a socket that sends to `path`; null when nobody listens there. Throws `PlatformError` where there is no Linux. */
export function openUnixDatagram(path: string): UnixDatagram | null {
  const encoder = new TextEncoder();
  const name = encoder.encode(path);
  if (name.length > MAX_PATH_BYTES) return null;
  const calls = linuxSystemCalls();
  const { buffer, address } = scratch();
  const fd = calls.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return null;
  const bytes = new Uint8Array(buffer);
  bytes.fill(0, 0, ADDRESS_LENGTH);
  bytes[0] = AF_UNIX;
  bytes.set(name, 2);
  if (calls.connect(fd, address, 2 + name.length + 1) < 0) {
    calls.close(fd);
    return null;
  }
  return {
    send(text) {
      const { written } = encoder.encodeInto(text, bytes);
      return calls.write(fd, address, written) >= 0;
    },
    close: () => calls.close(fd),
  };
}

let memory: { readonly buffer: ArrayBuffer; readonly address: number } | null = null;

function scratch(): { readonly buffer: ArrayBuffer; readonly address: number } {
  memory ??= linuxSystemCalls().map(BUFFER_LENGTH);
  return memory;
}
