/** Putting a VLAN tag that the kernel took out of a frame back into it. */
import type { Packet } from '../wire/index.ts';

const ADDRESSES_LENGTH = 12;
const VLAN_TAG_LENGTH = 4;

/** Inserts the tag after the addresses, which move into the headroom; offsets in the offload metadata move along. */
export function restoreVlanTag(packet: Packet, protocol: number, tci: number): void {
  packet.insertBytes(ADDRESSES_LENGTH, VLAN_TAG_LENGTH);
  const tag = packet.start + ADDRESSES_LENGTH;
  packet.view.setUint16(tag, protocol);
  packet.view.setUint16(tag + 2, tci);
}
