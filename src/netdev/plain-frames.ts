/**
 * Ports that have no way to pass offload metadata on (memory, captures) must give whole frames: the transport checksum
 * completed, a GSO frame cut into segments. This is where a network card would do it.
 */
import { computeChecksum, OFFLOAD_NEEDS_CHECKSUM, type Packet } from '../wire/index.ts';

/** The frames that this packet is on a wire; null when its metadata make no sense. They share the packet's memory. */
export function toPlainFrames(packet: Packet): Uint8Array[] | null {
  if (packet.gsoType !== 0) return null;
  if ((packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) !== 0) {
    const { start, length, checksumStart, view } = packet;
    const field = checksumStart + packet.checksumOffset;
    if (field + 2 > length) return null;
    view.setUint16(start + field, computeChecksum(view, start + checksumStart, length - checksumStart));
  }
  return [packet.frame()];
}
