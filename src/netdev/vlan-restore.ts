/** Putting a VLAN tag that the kernel took out of a frame back into it. */
import { OFFLOAD_NEEDS_CHECKSUM, type Packet } from '../wire/index.ts';

const ADDRESSES_LENGTH = 12;
const VLAN_TAG_LENGTH = 4;

/** Inserts the tag after the addresses, which move into the headroom; offsets in the offload metadata move along. */
export function restoreVlanTag(packet: Packet, protocol: number, tci: number): void {
  const start = packet.start - VLAN_TAG_LENGTH;
  packet.bytes.copyWithin(start, packet.start, packet.start + ADDRESSES_LENGTH);
  packet.view.setUint16(start + ADDRESSES_LENGTH, protocol);
  packet.view.setUint16(start + ADDRESSES_LENGTH + 2, tci);
  packet.start = start;
  packet.length += VLAN_TAG_LENGTH;
  if ((packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) !== 0) packet.checksumStart += VLAN_TAG_LENGTH;
  if (packet.headerLength !== 0) packet.headerLength += VLAN_TAG_LENGTH;
}
