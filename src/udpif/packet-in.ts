/**
 * Packets on their way to a controller: from an upcall and the pipeline state that was frozen for it.
 */
import type { Upcall, UserspaceCookie } from '../dpif/index.ts';
import { createFlow, type FlowWords, W_IN_PORT } from '../flow/index.ts';
import { type Bridge, CONTROLLER_REASONS, type FrozenState, thawMetadata } from '../ofproto/index.ts';
import type { ControllerReason } from '../openflow/index.ts';
import type { Pipeline } from './pipeline.ts';

/** What a packet-in message says (OpenFlow 1.5 section 7.4.1, Nicira's NXT_PACKET_IN2). */
export interface PacketIn {
  readonly bridge: Bridge;
  readonly reason: ControllerReason;
  readonly table: number;
  readonly cookie: bigint;
  readonly controllerId: number;
  readonly userdata: Uint8Array;
  /** the frame as it was at the action, at most `maxLength` bytes of it */
  readonly frame: Uint8Array;
  /** the frame's whole length */
  readonly totalLength: number;
  /** metadata at the action: `W_IN_PORT` an OpenFlow port, metadata, registers, tunnel */
  readonly metadata: FlowWords;
  /** where to go on with the packet, for `pause`; otherwise null */
  readonly continuation: Continuation | null;
}

/** A stop in the middle of the pipeline: what `Udpif.resume` takes. */
export interface Continuation {
  readonly state: FrozenState;
  /** datapath port that the packet came in by */
  readonly datapathPort: number;
}

/** The packet-in of a `controller` upcall; null when its state is gone. The frame is copied. */
export function packetInOf(
  pipeline: Pipeline,
  cookie: UserspaceCookie & { kind: 'controller' },
  upcall: Upcall,
): PacketIn | null {
  const state = pipeline.recirculation.get(cookie.recircId);
  if (state === undefined) {
    return null;
  }
  const metadata = createFlow();
  metadata.set(upcall.key);
  thawMetadata(state, metadata);
  metadata[W_IN_PORT] = state.inPort;
  const { packet } = upcall;
  return {
    bridge: state.bridge,
    reason: CONTROLLER_REASONS[cookie.reason] ?? 'action',
    table: state.table,
    cookie: cookie.ruleCookie,
    controllerId: cookie.controllerId,
    userdata: state.userdata,
    frame: packet.bytes.slice(packet.start, packet.start + Math.min(packet.length, cookie.maxLength)),
    totalLength: packet.length,
    metadata,
    continuation: cookie.continuation ? { state, datapathPort: upcall.key[W_IN_PORT]! } : null,
  };
}
