/**
 * Where controllers and tools connect: a unix socket (`punix:…/BRIDGE.mgmt`) or TCP, whose connections go to a service.
 */
import { listenStream, type StreamServer, type TlsCredentials } from '../platform/index.ts';
import type { OpenFlowConnectionKind } from './openflow-connection.ts';
import type { OpenFlowService } from './openflow-service.ts';

/** OpenFlow's registered port */
const OPENFLOW_PORT = 6653;
/** a client that does not read its answers is not read from when this many bytes wait for it */
const MAX_PENDING_BYTES = 4 << 20;

export interface OpenFlowListenerOptions {
  /** default `service`, as the management socket */
  readonly kind?: OpenFlowConnectionKind;
  /** needed by `pssl:` */
  readonly tls?: TlsCredentials;
}

/**
 * Listens at `method`, such as `punix:/run/br0.mgmt` or `ptcp:6653`; resolves when clients can connect. Rejects with
 * `PlatformError`.
 */
export function listenOpenFlow(
  method: string,
  service: OpenFlowService,
  { kind = 'service', tls }: OpenFlowListenerOptions = {},
): Promise<StreamServer> {
  const options = { defaultPort: OPENFLOW_PORT, maxPendingBytes: MAX_PENDING_BYTES };
  return listenStream(method, tls === undefined ? options : { ...options, tls }, (stream) => {
    service.accept(stream, kind);
  });
}
