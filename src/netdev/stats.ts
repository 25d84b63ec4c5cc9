/** Small things that every kind of port needs. */
import type { NetdevStats } from './netdev.ts';

export const DEFAULT_MTU = 1500;

/** Length of an Ethernet header without tags: what a frame has beyond the MTU. */
export const ETHERNET_HEADER_LENGTH = 14;

/** How many packets a port that queues in memory holds, as the Linux default of txqueuelen. */
export const DEFAULT_QUEUE_LIMIT = 1000;

export function createStats(): NetdevStats {
  return {
    rxPackets: 0,
    rxBytes: 0,
    rxDropped: 0,
    rxErrors: 0,
    txPackets: 0,
    txBytes: 0,
    txDropped: 0,
    txErrors: 0,
  };
}

/** A locally administered unicast address made from the port's name, so that it is the same in every run. */
export function addressFromName(name: string): Uint8Array {
  // FNV-1a: only has to spread names.
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let i = 0; i < name.length; i++) {
    low = Math.imul(low ^ name.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ low, 0x85ebca6b);
  }
  return Uint8Array.of(0xaa, high >>> 24, low >>> 24, low >>> 16, low >>> 8, low);
}
