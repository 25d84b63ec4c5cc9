/**
 * struct virtio_net_hdr, the ten bytes that packet sockets (PACKET_VNET_HDR) and TAP devices (IFF_VNET_HDR) put in front
 * of each frame: u8 flags, u8 gso_type, u16 hdr_len, u16 gso_size, u16 csum_start, u16 csum_offset. The fields are in the
 * machine's byte order; every machine that this runs on is little-endian. (Virtual I/O Device specification 1.2, 5.1.6.)
 */
import { OFFLOAD_CHECKSUM_VALID, OFFLOAD_NEEDS_CHECKSUM, type Packet } from '../wire/index.ts';

export const VNET_HEADER_LENGTH = 10;

const KNOWN_FLAGS = OFFLOAD_NEEDS_CHECKSUM | OFFLOAD_CHECKSUM_VALID;

/** Reads the header at `offset` into the packet's offload fields, all of which it overwrites. */
export function readVnetHeader(view: DataView, offset: number, packet: Packet): void {
  const head = view.getInt32(offset, true);
  packet.offloadFlags = head & KNOWN_FLAGS;
  packet.gsoType = (head >>> 8) & 0xff;
  packet.headerLength = head >>> 16;
  const middle = view.getInt32(offset + 4, true);
  packet.gsoSize = middle & 0xffff;
  packet.checksumStart = middle >>> 16;
  packet.checksumOffset = view.getUint16(offset + 8, true);
}

/** Writes the header that says the packet's offload fields at `offset`. What is only a hint to receivers is left out. */
export function writeVnetHeader(view: DataView, offset: number, packet: Packet): void {
  if ((packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) === 0 && packet.gsoType === 0) {
    view.setInt32(offset, 0, true);
    view.setInt32(offset + 4, 0, true);
    view.setInt16(offset + 8, 0, true);
    return;
  }
  view.setInt32(
    offset,
    (packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) | (packet.gsoType << 8) | (packet.headerLength << 16),
    true,
  );
  view.setInt32(offset + 4, packet.gsoSize | (packet.checksumStart << 16), true);
  view.setInt16(offset + 8, packet.checksumOffset, true);
}
