/**
 * Pushes and pops VLAN tags and MPLS labels in place: what stands before the new header moves into the headroom, or
 * towards the payload when a header goes away; nothing behind it is touched.
 *
 * The packet's layer offsets and its offload metadata, which count from the frame's start, move along, so that a partial
 * checksum and segmentation still mean the same bytes.
 */
import {
  ETHERNET_HEADER_LENGTH,
  ETHERNET_TYPE_OFFSET,
  isVlanType,
  MPLS_BOTTOM_OF_STACK,
  MPLS_ENTRY_LENGTH,
  OFFLOAD_NEEDS_CHECKSUM,
  type Packet,
  VLAN_TAG_LENGTH,
} from '../wire/index.ts';

/** Bytes of headroom that a push takes. */
export const PUSH_HEADROOM = 4;

/** The DEI bit says "there is a tag" in the flow key and is not a bit of the tag to push. */
const TCI_WITHOUT_PRESENCE = 0xefff;

/** Pushes an outermost tag. The packet has `PUSH_HEADROOM` bytes before it and an Ethernet header. */
export function pushVlan(packet: Packet, tpid: number, tci: number): void {
  const { view } = packet;
  const start = packet.start - VLAN_TAG_LENGTH;
  view.setInt32(start, view.getInt32(start + 4));
  view.setInt32(start + 4, view.getInt32(start + 8));
  view.setInt32(start + 8, view.getInt32(start + 12));
  view.setUint16(start + 12, tpid);
  view.setUint16(start + 14, tci & TCI_WITHOUT_PRESENCE);
  packet.start = start;
  packet.length += VLAN_TAG_LENGTH;
  shiftLayers(packet, VLAN_TAG_LENGTH);
  if (packet.mplsOffset >= 0) {
    packet.mplsOffset += VLAN_TAG_LENGTH;
  }
}

/** Pops the outermost tag, if there is one. */
export function popVlan(packet: Packet): void {
  const { view, start } = packet;
  if (
    packet.length < ETHERNET_HEADER_LENGTH + VLAN_TAG_LENGTH ||
    !isVlanType(view.getUint16(start + ETHERNET_TYPE_OFFSET))
  ) {
    return;
  }
  view.setInt32(start + 12, view.getInt32(start + 8));
  view.setInt32(start + 8, view.getInt32(start + 4));
  view.setInt32(start + 4, view.getInt32(start));
  packet.start = start + VLAN_TAG_LENGTH;
  packet.length -= VLAN_TAG_LENGTH;
  shiftLayers(packet, -VLAN_TAG_LENGTH);
  if (packet.mplsOffset >= 0) {
    packet.mplsOffset -= VLAN_TAG_LENGTH;
  }
}

/**
 * Pushes an outermost label behind the Ethernet header and its VLAN tags, and makes `ethertype` the Ethertype. The packet
 * has `PUSH_HEADROOM` bytes before it. False when it has no Ethernet header.
 */
export function pushMpls(packet: Packet, labelStackEntry: number, ethertype: number): boolean {
  const offset = packet.mplsOffset >= 0 ? packet.mplsOffset : ethernetLength(packet);
  if (offset < 0) {
    return false;
  }
  const start = packet.start - MPLS_ENTRY_LENGTH;
  packet.bytes.copyWithin(start, packet.start, packet.start + offset);
  packet.start = start;
  packet.length += MPLS_ENTRY_LENGTH;
  packet.view.setUint16(start + offset - 2, ethertype);
  packet.view.setInt32(start + offset, labelStackEntry);
  shiftLayers(packet, MPLS_ENTRY_LENGTH);
  packet.mplsOffset = offset;
  return true;
}

/** Pops the outermost label, if there is one, and makes `ethertype` the Ethertype. */
export function popMpls(packet: Packet, ethertype: number): void {
  const offset = packet.mplsOffset;
  if (offset < 2 || offset + MPLS_ENTRY_LENGTH > packet.length) {
    return;
  }
  const isBottom = (packet.view.getInt32(packet.start + offset) & MPLS_BOTTOM_OF_STACK) !== 0;
  packet.view.setUint16(packet.start + offset - 2, ethertype);
  packet.bytes.copyWithin(packet.start + MPLS_ENTRY_LENGTH, packet.start, packet.start + offset);
  packet.start += MPLS_ENTRY_LENGTH;
  packet.length -= MPLS_ENTRY_LENGTH;
  shiftLayers(packet, -MPLS_ENTRY_LENGTH);
  if (isBottom) {
    packet.mplsOffset = -1;
  }
}

/** Where the Ethertype that is no VLAN TPID ends, -1 when the frame is too short. */
function ethernetLength(packet: Packet): number {
  let offset = ETHERNET_HEADER_LENGTH;
  while (offset <= packet.length) {
    if (!isVlanType(packet.view.getUint16(packet.start + offset - 2))) {
      return offset;
    }
    offset += VLAN_TAG_LENGTH;
  }
  return -1;
}

function shiftLayers(packet: Packet, distance: number): void {
  if (packet.networkOffset >= 0) {
    packet.networkOffset += distance;
  }
  if (packet.transportOffset >= 0) {
    packet.transportOffset += distance;
  }
  if (packet.gsoType !== 0) {
    packet.headerLength += distance;
  }
  if ((packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) !== 0) {
    packet.checksumStart += distance;
  }
}
