/**
 * Questions and orders about a network interface by ioctl(2) with struct ifreq (netdevice(7)): a 16-byte name, then a
 * union. Any socket of the interface's network namespace will do. None of this is on the data path.
 */
import type { PacketMemory } from './packet-memory.ts';
import { NetdevError } from './system-calls.ts';

const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;
const SIOCSIFHWADDR = 0x8924;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;

const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const ARPHRD_ETHER = 1;

const NAME_LENGTH = 16;
const REQUEST_LENGTH = 40;

/** Throws when Linux could not have an interface of this name. */
export function checkInterfaceName(name: string): void {
  if (!/^[\x21-\x7e]{1,15}$/.test(name) || /[/:]/.test(name) || name === '.' || name === '..') {
    throw new NetdevError(
      'netdev-bad-name',
      0,
      `wrong interface name ${JSON.stringify(name)}: expected 1..15 printable characters without "/", ":" and spaces`,
    );
  }
}

/** Puts a fresh ifreq for `name` into the scratch memory and returns the offset of its union. */
export function prepareRequest(memory: PacketMemory, name: string): number {
  const { bytes, scratch } = memory;
  bytes.fill(0, scratch, scratch + REQUEST_LENGTH);
  for (let i = 0; i < name.length; i++) bytes[scratch + i] = name.charCodeAt(i);
  return scratch + NAME_LENGTH;
}

/** The interface index, or a negative errno. */
export function interfaceIndex(memory: PacketMemory, fd: number, name: string): number {
  const value = prepareRequest(memory, name);
  const result = memory.calls.ioctl(fd, SIOCGIFINDEX, memory.scratchAddress);
  return result < 0 ? result : memory.view.getInt32(value, true);
}

/** Whether the interface is up and has carrier; false when it is gone. */
export function interfaceLinkUp(memory: PacketMemory, fd: number, name: string): boolean {
  const value = prepareRequest(memory, name);
  if (memory.calls.ioctl(fd, SIOCGIFFLAGS, memory.scratchAddress) < 0) return false;
  return (memory.view.getUint16(value, true) & (IFF_UP | IFF_RUNNING)) === (IFF_UP | IFF_RUNNING);
}

/** Sets the interface administratively up; 0 or a negative errno. */
export function setInterfaceUp(memory: PacketMemory, fd: number, name: string): number {
  const value = prepareRequest(memory, name);
  const result = memory.calls.ioctl(fd, SIOCGIFFLAGS, memory.scratchAddress);
  if (result < 0) return result;
  memory.view.setUint16(value, memory.view.getUint16(value, true) | IFF_UP, true);
  return memory.calls.ioctl(fd, SIOCSIFFLAGS, memory.scratchAddress);
}

/** The MTU, or a negative errno. */
export function interfaceMtu(memory: PacketMemory, fd: number, name: string): number {
  const value = prepareRequest(memory, name);
  const result = memory.calls.ioctl(fd, SIOCGIFMTU, memory.scratchAddress);
  return result < 0 ? result : memory.view.getInt32(value, true);
}

export function setInterfaceMtu(memory: PacketMemory, fd: number, name: string, mtu: number): number {
  const value = prepareRequest(memory, name);
  memory.view.setInt32(value, mtu, true);
  return memory.calls.ioctl(fd, SIOCSIFMTU, memory.scratchAddress);
}

/** Copies the interface's address into `address`; 0 or a negative errno. */
export function interfaceAddress(memory: PacketMemory, fd: number, name: string, address: Uint8Array): number {
  const value = prepareRequest(memory, name);
  const result = memory.calls.ioctl(fd, SIOCGIFHWADDR, memory.scratchAddress);
  if (result >= 0) address.set(memory.bytes.subarray(value + 2, value + 8));
  return result;
}

export function setInterfaceAddress(memory: PacketMemory, fd: number, name: string, address: Uint8Array): number {
  const value = prepareRequest(memory, name);
  memory.view.setUint16(value, ARPHRD_ETHER, true);
  memory.bytes.set(address, value + 2);
  return memory.calls.ioctl(fd, SIOCSIFHWADDR, memory.scratchAddress);
}
