/** The other end of unixctl: asks a running daemon, as `ovs-appctl -t SOCKET` does. */
import { JsonRpcConnection } from '../ovsdb/index.ts';
import { connectStream } from '../platform/index.ts';
import { UnixctlError } from './unixctl-error.ts';

/**
 * Sends one command to the daemon at `path` and returns its reply. Rejects with `UnixctlError`: the daemon's error reply, without
 * its last line end, or why there is none.
 */
export function callUnixctl(path: string, command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    connectStream(
      `unix:${path}`,
      { defaultPort: 0 },
      (stream) => {
        const connection = new JsonRpcConnection(stream, {
          onMessage(message) {
            connection.close();
            if (message.kind === 'reply' && typeof message.result === 'string') resolve(message.result);
            else if (message.kind === 'error' && typeof message.error === 'string') {
              reject(new UnixctlError(message.error.replace(/\n$/, '')));
            } else reject(new UnixctlError(`${path}: received unexpected ${message.kind} message`));
          },
          onClose: (reason) => reject(new UnixctlError(`${path}: transaction error (${reason ?? 'End of file'})`)),
        });
        connection.send({ kind: 'request', method: command, params: [...args], id: 0 });
      },
      (reason) => reject(new UnixctlError(`cannot connect to "${path}" (${reason})`)),
    );
  });
}
