/**
 * Ports that have no way to pass offload metadata on (memory, captures) must give whole frames: the transport checksum
 * completed, a GSO frame cut into segments. This is where a network card would do it.
 */
import { completeChecksum, OFFLOAD_NEEDS_CHECKSUM, Packet, segmentCount, writeSegment } from '../wire/index.ts';

const SEGMENT_CAPACITY = 1522;

/**
 * The frames that this packet is on a wire: in the packet's own memory when it is one, where its checksum is completed;
 * null when its metadata make no sense.
 */
export function toPlainFrames(packet: Packet): Uint8Array[] | null {
  if (packet.gsoType === 0) {
    if ((packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) !== 0 && !completeChecksum(packet)) return null;
    return [packet.frame()];
  }
  const count = segmentCount(packet);
  if (count === 0) return null;
  const frames: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const segment = Packet.allocate(SEGMENT_CAPACITY);
    writeSegment(packet, i, segment);
    frames.push(segment.frame());
  }
  return frames;
}
