/**
 * The Ethernet II header: destination, source, type (IEEE 802.3 clause 3.2).
 *
 * A type below 0x600 is a length, and what the frame carries is then said by the 802.2 header behind it (llc.ts). VLAN
 * tags stand between source and type (vlan.ts): a tagged frame's "type" here is the outer tag's TPID.
 */
import { formatEthernetAddress, readEthernetAddress, writeEthernetAddress } from './ethernet-address.ts';

export const ETHERNET_HEADER_LENGTH = 14;
/** Offset of the Ethertype, or of the outermost VLAN tag, in a frame. */
export const ETHERNET_TYPE_OFFSET = 12;
/** The least Ethertype; smaller values are 802.3 lengths. */
export const ETHERTYPE_MINIMUM = 0x0600;
/** What stands for the Ethertype of a frame that has none (ovs-fields(7), `eth_type`). */
export const ETHERTYPE_NONE = 0x05ff;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_TRANSPARENT_ETHERNET = 0x6558;
export const ETHERTYPE_RARP = 0x8035;
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_LACP = 0x8809;
export const ETHERTYPE_MPLS = 0x8847;
export const ETHERTYPE_MPLS_MULTICAST = 0x8848;
export const ETHERTYPE_PBB = 0x88e7;
export const ETHERTYPE_ERSPAN2 = 0x88be;
export const ETHERTYPE_QINQ = 0x88a8;
export const ETHERTYPE_LLDP = 0x88cc;
export const ETHERTYPE_CFM = 0x8902;
export const ETHERTYPE_NSH = 0x894f;

/** `type` is the 16-bit field as it stands: an Ethertype, a VLAN TPID, or an 802.3 length. */
export interface EthernetHeader {
  readonly destination: bigint;
  readonly source: bigint;
  readonly type: number;
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [ETHERTYPE_IPV4, 'IPv4'],
  [ETHERTYPE_ARP, 'ARP'],
  [ETHERTYPE_TRANSPARENT_ETHERNET, 'TEB'],
  [ETHERTYPE_RARP, 'Reverse ARP'],
  [ETHERTYPE_VLAN, '802.1Q'],
  [ETHERTYPE_IPV6, 'IPv6'],
  [ETHERTYPE_LACP, 'Slow Protocols'],
  [ETHERTYPE_MPLS, 'MPLS unicast'],
  [ETHERTYPE_MPLS_MULTICAST, 'MPLS multicast'],
  [ETHERTYPE_QINQ, '802.1Q-QinQ'],
  [ETHERTYPE_LLDP, 'LLDP'],
  [ETHERTYPE_CFM, 'CFM'],
  [ETHERTYPE_NSH, 'NSH'],
]);

/** The length of the header at `offset`, or -1 when the frame, which ends at `end`, is too short for it. */
export function checkEthernet(_view: DataView, offset: number, end: number): number {
  return end - offset < ETHERNET_HEADER_LENGTH ? -1 : ETHERNET_HEADER_LENGTH;
}

export function ethernetDestination(view: DataView, offset: number): bigint {
  return readEthernetAddress(view, offset);
}

export function ethernetSource(view: DataView, offset: number): bigint {
  return readEthernetAddress(view, offset + 6);
}

export function ethernetType(view: DataView, offset: number): number {
  return view.getUint16(offset + 12);
}

export function setEthernetDestination(view: DataView, offset: number, address: bigint): void {
  writeEthernetAddress(view, offset, address);
}

export function setEthernetSource(view: DataView, offset: number, address: bigint): void {
  writeEthernetAddress(view, offset + 6, address);
}

export function setEthernetType(view: DataView, offset: number, type: number): void {
  view.setUint16(offset + 12, type);
}

/** The header at `offset`, or `null` when the frame is too short. */
export function parseEthernet(view: DataView, offset: number, end: number): EthernetHeader | null {
  if (checkEthernet(view, offset, end) < 0) {
    return null;
  }
  return {
    destination: ethernetDestination(view, offset),
    source: ethernetSource(view, offset),
    type: ethernetType(view, offset),
  };
}

/** Bytes that `emitEthernet` writes. */
export function ethernetLength(_header: EthernetHeader): number {
  return ETHERNET_HEADER_LENGTH;
}

/** Writes the header and returns its length. */
export function emitEthernet(header: EthernetHeader, view: DataView, offset: number): number {
  setEthernetDestination(view, offset, header.destination);
  setEthernetSource(view, offset, header.source);
  setEthernetType(view, offset, header.type);
  return ETHERNET_HEADER_LENGTH;
}

/** As `tcpdump -e`: `SOURCE > DESTINATION, ethertype IPv4 (0x0800)`; a length is `802.3`. */
export function formatEthernet(header: EthernetHeader): string {
  const addresses = `${formatEthernetAddress(header.source)} > ${formatEthernetAddress(header.destination)}`;
  return header.type < ETHERTYPE_MINIMUM
    ? `${addresses}, 802.3`
    : `${addresses}, ethertype ${formatEthertype(header.type)}`;
}

/** `IPv4 (0x0800)`, or `Unknown (0x1234)`. */
export function formatEthertype(type: number): string {
  return `${TYPE_NAMES.get(type) ?? 'Unknown'} (0x${type.toString(16).padStart(4, '0')})`;
}
