/**
 * Sets of megaflows for tests and benchmarks of the flow table.
 *
 * A *decision process* is what translation is to the flow table: it looks at some bits of a packet, and what it sees decides what
 * it looks at next. Its megaflow is the packet's key under all the bits looked at. Megaflows of one process are therefore
 * disjoint, and any set of them shares exact bits that vary, whatever packets they were made from. A process here is a function of
 * a seed: which fields and which prefixes it looks at after a given history is drawn from a hash of that history.
 */
import {
  createFlow,
  type FlowWords,
  W_ETH_DST,
  W_ETH_DST_SRC,
  W_ETH_SRC,
  W_IN_PORT,
  W_IPV6_DST,
  W_IPV6_SRC,
  W_NW_DST,
  W_NW_SRC,
  W_RECIRC_ID,
  W_REG0,
  W_TP,
  W_TUN_ID,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
} from '../../../src/flow/index.ts';

export interface Megaflow {
  key: FlowWords;
  mask: FlowWords;
}

/** A small generator of random int32: seeded and quick. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let word = this.state;
    word = Math.imul(word ^ (word >>> 15), word | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return word ^ (word >>> 14);
  }

  below(limit: number): number {
    return (this.next() >>> 0) % limit;
  }
}

const FULL = -1;
/** Bits that a process may look at, as (word, mask) */
const LOOKS: readonly (readonly [number, number])[] = [
  [W_TYPE_PROTO_FRAG, 0xff00],
  [W_VLAN0, 0x1fff],
  [W_ETH_DST, FULL],
  [W_ETH_DST_SRC, FULL],
  [W_ETH_SRC, FULL],
  [W_NW_SRC, FULL],
  [W_NW_DST, FULL],
  [W_TP, 0xffff],
  [W_TP, FULL << 16],
  [W_IPV6_SRC, FULL],
  [W_IPV6_SRC + 3, FULL],
  [W_IPV6_DST + 1, FULL],
  [W_TUN_ID + 1, FULL],
  [W_REG0, FULL],
];

/** A packet with values from a small set, so that packets share what processes look at. */
export function randomPacket(random: Random, values = 6): FlowWords {
  const key = createFlow();
  key[W_RECIRC_ID] = random.below(2);
  key[W_IN_PORT] = random.below(4);
  key[W_TYPE_PROTO_FRAG] = (0x0800 << 16) | ((random.below(3) * 11) << 8);
  for (const [word] of LOOKS) {
    if (word !== W_TYPE_PROTO_FRAG) {
      const value = random.below(values);
      key[word] = Math.imul(value + 1, 0x9e3779b1 >>> (value & 7));
    }
  }
  return key;
}

/** The megaflow that the process `seed` makes for a packet. */
export function decide(packet: FlowWords, seed: number): Megaflow {
  const mask = createFlow();
  let history = seed | 0;
  const look = (word: number, bits: number) => {
    mask[word] = mask[word]! | bits;
    history = Math.imul((history ^ (packet[word]! & bits)) + 0x7f4a7c15, 0x9e3779b1);
    history ^= history >>> 15;
  };
  look(W_RECIRC_ID, FULL);
  look(W_IN_PORT, FULL);
  look(W_TYPE_PROTO_FRAG, FULL << 16);
  for (let step = 0; step < 5 && (history & 7) !== 0; step++) {
    const [word, bits] = LOOKS[(history >>> 8) % LOOKS.length]!;
    const prefix = (history >>> 20) % 5;
    look(word, prefix === 0 ? bits & (FULL << (8 + ((history >>> 24) % 20))) : bits);
  }
  return maskKey(packet, mask);
}

export function maskKey(packet: FlowWords, mask: FlowWords): Megaflow {
  const key = createFlow();
  for (let word = 0; word < key.length; word++) {
    key[word] = packet[word]! & mask[word]!;
  }
  return { key, mask };
}

export function matches(megaflow: Megaflow, packet: FlowWords): boolean {
  return megaflow.mask.every((bits, word) => ((packet[word]! ^ megaflow.key[word]!) & bits) === 0);
}

/** Bits of a prefix up to and including the first one in which two words differ. */
function bitsToDifference(a: number, b: number): number {
  return FULL << Math.max(0, 31 - Math.clz32(a ^ b));
}

/**
 * The attack of tuple space explosion: an access list that allows tp_dst 80, tp_src 443 and one source address, and denies the rest.
 * A denied packet's megaflow is exact to the first bit in which each field differs, so that 16 x 16 x 32 masks can be had.
 */
export function decideAttack(packet: FlowWords): Megaflow {
  const mask = createFlow();
  mask[W_RECIRC_ID] = FULL;
  mask[W_IN_PORT] = FULL;
  mask[W_TYPE_PROTO_FRAG] = FULL << 8;
  const destination = packet[W_TP]! & 0xffff;
  const source = packet[W_TP]! >>> 16;
  mask[W_TP] = (bitsToDifference(destination, 80) & 0xffff) | (bitsToDifference(source, 443) << 16);
  mask[W_NW_SRC] = bitsToDifference(packet[W_NW_SRC]!, 0x0a000001);
  return maskKey(packet, mask);
}

/** A packet that differs from the access list first in bit `i` of tp_dst, `j` of tp_src and `k` of nw_src (0 is the highest). */
export function attackPacket(random: Random, i: number, j: number, k: number): FlowWords {
  const key = createFlow();
  key[W_IN_PORT] = 7;
  key[W_TYPE_PROTO_FRAG] = (0x0800 << 16) | (6 << 8);
  const differ = (value: number, width: number, bit: number) =>
    value ^ ((1 << (width - 1 - bit)) | (random.next() & ((1 << (width - 1 - bit)) - 1)));
  key[W_TP] = (differ(443, 16, j) << 16) | differ(80, 16, i);
  key[W_NW_SRC] = differ(0x0a000001, 32, k);
  key[W_ETH_SRC] = random.next();
  return key;
}
