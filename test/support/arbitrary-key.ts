/** Random keys of datapath flows, made from random packets and metadata, with masks that fit them. */
import fc from 'fast-check';
import {
  createFlow,
  extractFlow,
  type FlowWords,
  W_CT_IPV6_DST,
  W_CT_IPV6_SRC,
  W_CT_LABEL,
  W_CT_MARK,
  W_CT_NW_DST,
  W_CT_NW_SRC,
  W_CT_STATE_PROTO_ZONE,
  W_CT_TP,
  W_DP_HASH,
  W_IGMP_GROUP,
  W_IN_PORT,
  W_IPV6_LABEL,
  W_PKT_MARK,
  W_RECIRC_ID,
  W_SKB_PRIORITY,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TUN_DST,
  W_TUN_FLAGS_TOS_TTL,
  W_TUN_GBP,
  W_TUN_ID,
  W_TUN_IPV6_DST,
  W_TUN_IPV6_SRC,
  W_TUN_SRC,
  W_TUN_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  W_VLAN1,
} from '../../src/flow/index.ts';
import { composePacket, ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from '../../src/wire/index.ts';
import { arbitraryFrame } from './arbitrary-datapath.ts';

const TUNNEL_KEY = 8 << 16;

/** Metadata words, any of which may be 0; connection tracking tuples only with IP. */
function addMetadata(key: FlowWords, noise: readonly number[]): void {
  let at = 0;
  const next = (): number => noise[at++ % noise.length]!;
  for (const word of [W_RECIRC_ID, W_IN_PORT, W_DP_HASH, W_SKB_PRIORITY, W_PKT_MARK, W_CT_MARK]) {
    key[word] = next();
  }
  for (let word = 0; word < 4; word++) {
    key[W_CT_LABEL + word] = next();
  }
  const type = key[W_TYPE_PROTO_FRAG]! >>> 16;
  const hasTuple = (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) && (next() & 1) !== 0;
  key[W_CT_STATE_PROTO_ZONE] = (next() & 0xff00ffff) | (hasTuple ? 6 << 16 : 0);
  if (hasTuple) {
    key[W_CT_TP] = next();
    if (type === ETHERTYPE_IPV4) {
      key[W_CT_NW_SRC] = next();
      key[W_CT_NW_DST] = next();
    } else {
      for (let word = 0; word < 4; word++) {
        key[W_CT_IPV6_SRC + word] = next();
        key[W_CT_IPV6_DST + word] = next();
      }
    }
  }
  const tunnel = next() & 3;
  if (tunnel !== 0) {
    key[W_TUN_ID] = next();
    key[W_TUN_ID + 1] = next() | 1;
    key[W_TUN_FLAGS_TOS_TTL] = (next() & 0xfffff) | TUNNEL_KEY;
    key[W_TUN_TP] = next();
    key[W_TUN_GBP] = next() & 0xffffff00;
    if (tunnel === 1) {
      for (let word = 0; word < 4; word++) {
        key[W_TUN_IPV6_SRC + word] = next();
        key[W_TUN_IPV6_DST + word] = next();
      }
    } else {
      key[W_TUN_SRC] = next();
      key[W_TUN_DST] = next() | 1;
    }
  }
}

/** A mask that text and netlink can say: bits only where the key has something, and tags, fragments and the tunnel's key whole or not at all. */
function fitMask(key: FlowWords, noise: FlowWords): FlowWords {
  const mask = noise.map((word, index) => (key[index] === 0 ? 0 : word));
  const type = key[W_TYPE_PROTO_FRAG]! >>> 16;
  const protocol = (key[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff;
  const isIp = type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6;
  const bits = noise[W_TYPE_PROTO_FRAG]!;
  mask[W_TYPE_PROTO_FRAG] =
    0xffff0000 | (isIp || type === ETHERTYPE_ARP ? bits & 0xff00 : 0) | (isIp && (bits & 1) !== 0 ? 3 : 0);
  for (const word of [W_VLAN0, W_VLAN1]) {
    mask[word] = key[word] === 0 ? 0 : 0xffff1000 | (noise[word]! & 0xffff);
  }
  mask[W_IPV6_LABEL] = mask[W_IPV6_LABEL]! & 0xfffff;
  if (isIp) {
    const isIcmp = protocol === 1 || protocol === 58;
    const hasExtensions = protocol === 58 && (key[W_IGMP_GROUP] !== 0 || (key[W_TOS_TTL_FLAGS]! & 0xff) !== 0);
    const lowHalf = protocol === 6 ? 0xfff : hasExtensions ? 0xff : 0;
    mask[W_TOS_TTL_FLAGS] = mask[W_TOS_TTL_FLAGS]! & (0xffff0000 | lowHalf);
    mask[W_TP] = mask[W_TP]! & (isIcmp ? 0x00ff00ff : -1);
    if (protocol === 6) {
      // Flags that do not matter are not in the text.
      key[W_TOS_TTL_FLAGS] = key[W_TOS_TTL_FLAGS]! & (0xffff0000 | mask[W_TOS_TTL_FLAGS]!);
    }
  }
  const hasTuple = ((key[W_CT_STATE_PROTO_ZONE]! >>> 16) & 0xff) !== 0;
  mask[W_CT_STATE_PROTO_ZONE] = noise[W_CT_STATE_PROTO_ZONE]! & (hasTuple ? -1 : 0xff00ffff);
  key[W_CT_STATE_PROTO_ZONE] = key[W_CT_STATE_PROTO_ZONE]! & (0xffffff | mask[W_CT_STATE_PROTO_ZONE]!);
  fitTunnel(key, mask, noise);
  return mask;
}

/** Ports, TOS, TTL and flags of tunnels have no place in text and netlink when they are 0, and share words. */
function fitTunnel(key: FlowWords, mask: FlowWords, noise: FlowWords): void {
  if (key[W_TUN_FLAGS_TOS_TTL] === 0) {
    return;
  }
  const all = (noise[W_TUN_ID]! & 1) !== 0;
  mask[W_TUN_ID] = all ? -1 : 0xff;
  mask[W_TUN_ID + 1] = -1;
  const flags = all ? 15 << 16 : 8 << 16;
  const tosTtl = key[W_TUN_FLAGS_TOS_TTL]!;
  mask[W_TUN_FLAGS_TOS_TTL] = flags | ((tosTtl & 0xff00) !== 0 ? 0xff00 : 0) | ((tosTtl & 0xff) !== 0 ? 0xff : 0);
  key[W_TUN_FLAGS_TOS_TTL] = tosTtl & (0xffff | flags);
  const tp = key[W_TUN_TP]!;
  mask[W_TUN_TP] = (tp >>> 16 !== 0 ? 0xffff0000 : 0) | ((tp & 0xffff) !== 0 ? 0xffff : 0);
  mask[W_TUN_GBP] = key[W_TUN_GBP] === 0 ? 0 : 0xffffff00 | 0;
}

export const arbitraryKeyAndMask: fc.Arbitrary<{ key: FlowWords; mask: FlowWords }> = fc
  .tuple(
    arbitraryFrame,
    fc.array(fc.oneof(fc.constant(0), fc.integer()), { minLength: 31, maxLength: 31 }),
    fc.array(fc.oneof(fc.constant(0), fc.constant(-1), fc.integer()), { minLength: 37, maxLength: 37 }),
  )
  .map(([frame, metadata, bits]) => {
    const key = createFlow();
    extractFlow(composePacket(frame), key);
    addMetadata(key, metadata);
    const noise = createFlow().map((_, index) => bits[index % bits.length]!);
    return { key, mask: fitMask(key, noise) };
  });
