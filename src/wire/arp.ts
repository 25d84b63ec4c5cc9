/**
 * ARP and RARP for IPv4 over Ethernet (RFC 826, RFC 903). Other hardware and protocol types fail the check: the switch
 * matches on nothing in them.
 */
import { ETHERTYPE_IPV4 } from './ethernet.ts';
import { formatEthernetAddress, readEthernetAddress, writeEthernetAddress } from './ethernet-address.ts';
import { formatIpv4Address } from './ip-address.ts';

export const ARP_LENGTH = 28;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;
export const RARP_REQUEST = 3;
export const RARP_REPLY = 4;

const HARDWARE_ETHERNET = 1;
const ADDRESS_LENGTHS = 0x0604;

export interface ArpHeader {
  readonly operation: number;
  readonly senderEthernet: bigint;
  readonly senderIpv4: number;
  readonly targetEthernet: bigint;
  readonly targetIpv4: number;
}

/** The length of the message at `offset`; -1 when it is too short or not IPv4 over Ethernet. */
export function checkArp(view: DataView, offset: number, end: number): number {
  if (
    end - offset < ARP_LENGTH ||
    view.getUint16(offset) !== HARDWARE_ETHERNET ||
    view.getUint16(offset + 2) !== ETHERTYPE_IPV4 ||
    view.getUint16(offset + 4) !== ADDRESS_LENGTHS
  ) {
    return -1;
  }
  return ARP_LENGTH;
}

export function arpOperation(view: DataView, offset: number): number {
  return view.getUint16(offset + 6);
}

export function arpSenderEthernet(view: DataView, offset: number): bigint {
  return readEthernetAddress(view, offset + 8);
}

export function arpSenderIpv4(view: DataView, offset: number): number {
  return view.getUint32(offset + 14);
}

export function arpTargetEthernet(view: DataView, offset: number): bigint {
  return readEthernetAddress(view, offset + 18);
}

export function arpTargetIpv4(view: DataView, offset: number): number {
  return view.getUint32(offset + 24);
}

export function setArpOperation(view: DataView, offset: number, operation: number): void {
  view.setUint16(offset + 6, operation);
}

export function setArpSenderEthernet(view: DataView, offset: number, address: bigint): void {
  writeEthernetAddress(view, offset + 8, address);
}

export function setArpSenderIpv4(view: DataView, offset: number, address: number): void {
  view.setUint32(offset + 14, address);
}

export function setArpTargetEthernet(view: DataView, offset: number, address: bigint): void {
  writeEthernetAddress(view, offset + 18, address);
}

export function setArpTargetIpv4(view: DataView, offset: number, address: number): void {
  view.setUint32(offset + 24, address);
}

/** The message at `offset`, or `null` when it fails the check. */
export function parseArp(view: DataView, offset: number, end: number): ArpHeader | null {
  if (checkArp(view, offset, end) < 0) {
    return null;
  }
  return {
    operation: arpOperation(view, offset),
    senderEthernet: arpSenderEthernet(view, offset),
    senderIpv4: arpSenderIpv4(view, offset),
    targetEthernet: arpTargetEthernet(view, offset),
    targetIpv4: arpTargetIpv4(view, offset),
  };
}

/** Bytes that `emitArp` writes. */
export function arpLength(_header: ArpHeader): number {
  return ARP_LENGTH;
}

/** Writes the message and returns its length. */
export function emitArp(header: ArpHeader, view: DataView, offset: number): number {
  view.setUint16(offset, HARDWARE_ETHERNET);
  view.setUint16(offset + 2, ETHERTYPE_IPV4);
  view.setUint16(offset + 4, ADDRESS_LENGTHS);
  setArpOperation(view, offset, header.operation);
  setArpSenderEthernet(view, offset, header.senderEthernet);
  setArpSenderIpv4(view, offset, header.senderIpv4);
  setArpTargetEthernet(view, offset, header.targetEthernet);
  setArpTargetIpv4(view, offset, header.targetIpv4);
  return ARP_LENGTH;
}

/** As tcpdump: `Request who-has 10.0.0.2 tell 10.0.0.1`, `Reply 10.0.0.1 is-at 00:00:00:00:00:01`. */
export function formatArp(header: ArpHeader): string {
  const { operation, senderIpv4, targetIpv4 } = header;
  const target = formatEthernetAddress(header.targetEthernet);
  switch (operation) {
    case ARP_REQUEST: {
      const known = header.targetEthernet === 0n ? '' : ` (${target})`;
      return `Request who-has ${formatIpv4Address(targetIpv4)}${known} tell ${formatIpv4Address(senderIpv4)}`;
    }
    case ARP_REPLY:
      return `Reply ${formatIpv4Address(senderIpv4)} is-at ${formatEthernetAddress(header.senderEthernet)}`;
    case RARP_REQUEST:
      return `Reverse Request who-is ${target} tell ${formatEthernetAddress(header.senderEthernet)}`;
    case RARP_REPLY:
      return `Reverse Reply ${target} at ${formatIpv4Address(targetIpv4)}`;
    default:
      return `operation ${operation}`;
  }
}
