/**
 * Ethernet addresses as text and as numbers.
 *
 * An address is held as a `bigint` of 48 bits where it is a value (records, text, configuration) and as bytes in
 * frames. Text is read as Open vSwitch reads it, one or two hexadecimal digits between colons, but strictly: a group of
 * more than two digits is an error, where Open vSwitch keeps its low eight bits.
 */
import { AddressError } from './errors.ts';

export const ETHERNET_ADDRESS_LENGTH = 6;
export const ETHERNET_BROADCAST = 0xffff_ffff_ffffn;
/** 01:00:00:00:00:00, the bit that groups have and stations do not */
export const ETHERNET_MULTICAST_BIT = 0x0100_0000_0000n;
/** 02:00:00:00:00:00, the bit of addresses that no vendor assigned */
export const ETHERNET_LOCAL_BIT = 0x0200_0000_0000n;

export interface EthernetMasked {
  readonly address: bigint;
  readonly mask: bigint;
}

const PATTERN = /^[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}$/i;

/** The address that `text` says, or `null` when it is none. */
export function tryParseEthernetAddress(text: string): bigint | null {
  if (!PATTERN.test(text)) {
    return null;
  }
  let address = 0;
  for (const group of text.split(':')) {
    address = address * 256 + Number.parseInt(group, 16);
  }
  return BigInt(address);
}

/** The address that `text` says; throws `AddressError` when it is none. */
export function parseEthernetAddress(text: string): bigint {
  const address = tryParseEthernetAddress(text);
  if (address === null) {
    throw new AddressError('ETHERNET_ADDRESS_INVALID', `${text}: invalid Ethernet address`);
  }
  return address;
}

/** Reads `address` or `address/mask`; without a mask, all bits count. Throws `AddressError`. */
export function parseEthernetMasked(text: string): EthernetMasked {
  const slash = text.indexOf('/');
  const address = tryParseEthernetAddress(slash < 0 ? text : text.slice(0, slash));
  const mask = slash < 0 ? ETHERNET_BROADCAST : tryParseEthernetAddress(text.slice(slash + 1));
  if (address === null || mask === null) {
    throw new AddressError('ETHERNET_ADDRESS_INVALID', `${text}: invalid Ethernet address`);
  }
  return { address, mask };
}

/** Six groups of two lower-case digits. */
export function formatEthernetAddress(address: bigint): string {
  const digits = address.toString(16).padStart(12, '0');
  return `${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}:${digits.slice(6, 8)}:${digits.slice(8, 10)}:${digits.slice(10)}`;
}

/** `address`, or `address/mask` when the mask does not have all bits. */
export function formatEthernetMasked(address: bigint, mask: bigint): string {
  const text = formatEthernetAddress(address);
  return mask === ETHERNET_BROADCAST ? text : `${text}/${formatEthernetAddress(mask)}`;
}

/** Reads an address from a frame. */
export function readEthernetAddress(view: DataView, offset: number): bigint {
  return BigInt(view.getUint16(offset) * 0x1_0000_0000 + view.getUint32(offset + 2));
}

export function writeEthernetAddress(view: DataView, offset: number, address: bigint): void {
  const number = Number(address);
  view.setUint16(offset, number / 0x1_0000_0000);
  view.setUint32(offset + 2, number % 0x1_0000_0000);
}

/** Six bytes, as `Netdev.etherAddress` has them. */
export function ethernetAddressToBytes(address: bigint): Uint8Array {
  const bytes = new Uint8Array(ETHERNET_ADDRESS_LENGTH);
  writeEthernetAddress(new DataView(bytes.buffer), 0, address);
  return bytes;
}

/** The address in `bytes[offset..offset+6)`. */
export function ethernetAddressFromBytes(bytes: Uint8Array, offset: number = 0): bigint {
  return readEthernetAddress(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset);
}

/** Whether `address` names a group (broadcast included). */
export function isEthernetMulticast(address: bigint): boolean {
  return (address & ETHERNET_MULTICAST_BIT) !== 0n;
}

/** Whether `address` is one of 01:80:c2:00:00:00..0f, which a bridge consumes and does not forward (IEEE 802.1D table 7-10). */
export function isEthernetReserved(address: bigint): boolean {
  return address >> 4n === 0x0180_c200_000n;
}
