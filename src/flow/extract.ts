/**
 * Packet to flow key: what `miniflow_extract` is in Open vSwitch, and equally forgiving.
 *
 * `extractFlow` writes the words that come from a packet's headers and leaves the metadata words alone. Whatever the
 * bytes are, it neither throws nor reads outside the frame: where a header is cut off or contradicts itself, it stops,
 * the words of that header and of all inner ones are 0, and a status says why. The frame is switched all the same, on
 * what could be read, exactly as Open vSwitch does it; the status is for counters.
 *
 * Speed. The path of an untagged or tagged IPv4 packet is one function of straight loads and stores. It writes words
 * 2..11 only. The words behind them (IPv6, ND, ARP, IGMP, MPLS, NSH: 26 of 38) must be 0 for such a packet, and they are
 * already when the key last held a packet of the same kind. The key itself tells: eth_type IPv4 with any nw_proto but
 * IGMP means that they are 0, any other type means that they may not be and are cleared first. So nothing is kept
 * beside the key, any number of keys may be in use, and whoever edits a key in between (a translation that pops an
 * MPLS label) keeps this true by clearing the words that the new type does not have, which it must do anyway.
 *
 * This file is one sequential parser, layer by layer, and longer than most for that reason. It reads constants of
 * `wire/` but not its header views, because a call per header costs as much as the header.
 */
import * as wire from '../wire/index.ts';
import * as extractStatus from './extract-status.ts';
import * as flowKey from './key.ts';

// An imported binding is read from memory and checked at each use, a constant of this module is part of the machine
// code: this makes extraction twice as fast.
const {
  ETHERNET_HEADER_LENGTH,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MINIMUM,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_NSH,
  ETHERTYPE_QINQ,
  ETHERTYPE_RARP,
  ETHERTYPE_VLAN,
  IP_PROTOCOL_AH,
  IP_PROTOCOL_DESTINATION_OPTIONS,
  IP_PROTOCOL_FRAGMENT,
  IP_PROTOCOL_HOP_BY_HOP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_IGMP,
  IP_PROTOCOL_ROUTING,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} = wire;
const {
  EXTRACT_OK,
  EXTRACT_SHORT_ETHERNET,
  EXTRACT_SHORT_VLAN,
  EXTRACT_SHORT_MPLS,
  EXTRACT_SHORT_IPV4,
  EXTRACT_BAD_IPV4,
  EXTRACT_LONG_IPV4,
  EXTRACT_SHORT_IPV6,
  EXTRACT_BAD_IPV6,
  EXTRACT_BAD_IPV6_EXTENSION,
  EXTRACT_BAD_ARP,
  EXTRACT_BAD_NSH,
  EXTRACT_SHORT_TRANSPORT,
  EXTRACT_BAD_ND,
} = extractStatus;
const {
  ETH_TYPE_NONE,
  NW_FRAG_ANY,
  NW_FRAG_LATER,
  PACKET_TYPE_ETHERNET,
  VLAN_CFI,
  W_ARP_SHA,
  W_ARP_SHA_THA,
  W_ARP_THA,
  W_ETH_DST,
  W_ETH_DST_SRC,
  W_ETH_SRC,
  W_IGMP_GROUP,
  W_IPV6_DST,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MPLS,
  W_ND_TARGET,
  W_NSH_BASE,
  W_NSH_CONTEXT,
  W_NSH_PATH,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_END,
  W_PACKET_TYPE,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  W_VLAN1,
} = flowKey;

/** VLAN tags that a key has room for */
const MAX_VLAN_TAGS = 2;

const MAX_MPLS_LABELS = 3;
const MPLS_BOTTOM_OF_STACK = 0x100;
const VLAN_TAG_LENGTH = 4;
const LLC_SNAP_LENGTH = 8;
/** DSAP and SSAP 0xaa, control 3, first byte of the zero OUI */
const LLC_SNAP_HIGH = 0xaaaa0300 | 0;
const ARP_LENGTH = 28;
/** hardware type Ethernet, protocol type IPv4 */
const ARP_ETHERNET_IPV4 = 0x00010800;
/** a hardware address has 6 bytes, a protocol address 4 */
const ARP_LENGTHS = 0x0604;
const IPV4_MIN_LENGTH = 20;
/** in the four bytes from the fragment field on */
const IPV4_MORE_OR_OFFSET = 0x3fff0000;
const IPV4_OFFSET = 0x1fff0000;
const IPV6_LENGTH = 40;
const IPV6_FRAGMENT_OFFSET = 0xfff8;
const EXTENSION_MIN_LENGTH = 8;
const TCP_MIN_LENGTH = 20;
const UDP_LENGTH = 8;
const SCTP_LENGTH = 12;
const ICMP_LENGTH = 8;
const IGMP_LENGTH = 8;
/** type, code, checksum, and the four bytes behind them that every ICMPv6 message has */
const ICMPV6_LENGTH = 8;
const ND_SOLICITATION = 135;
const ND_ADVERTISEMENT = 136;
const ND_OPTION_UNIT = 8;
const ND_SOURCE_LINK_ADDRESS = 1;
const ND_TARGET_LINK_ADDRESS = 2;
const NSH_BASE_LENGTH = 8;
const NSH_MD_TYPE_1 = 1;
const NSH_MD_TYPE_2 = 2;
const NSH_MD1_LENGTH = 24;
/** Trailing bytes that still pass for padding: Open vSwitch keeps their number in 16 bits. */
const MAX_PADDING = 0xffff;
const IPV4_TYPE = ETHERTYPE_IPV4 << 16;

/**
 * Writes the packet words (2..37) of `key` and the packet's layer offsets, and returns an `EXTRACT_*` status.
 *
 * `key[W_PACKET_TYPE]` is read: unless it is 0 the packet has no Ethernet header, its low half is the Ethertype, and
 * addresses and VLANs are 0. `key` must be zeroed or hold what an earlier call wrote (see above). `vlanLimit`: how many
 * VLAN tags to look at, 0..2 (`vlan-limit` of ovs-vswitchd.conf.db(5)); what is behind them is payload.
 *
 * `networkOffset` is -1 when the network header is not valid, `transportOffset` also for later fragments and when the
 * transport header is cut off: an offset that is not -1 promises that the fixed part of that header is there.
 */
export function extractFlow(packet: wire.Packet, key: flowKey.FlowWords, vlanLimit: number = MAX_VLAN_TAGS): number {
  const view = packet.view;
  const start = packet.start;
  const end = (start + packet.length) | 0;
  const before = key[W_TYPE_PROTO_FRAG]!;
  if ((before & 0xffff0000) !== IPV4_TYPE || (before & 0xff00) === IP_PROTOCOL_IGMP << 8) {
    clearUncommonWords(key, before);
  }

  let offset = start;
  let type = 0;
  if (key[W_PACKET_TYPE] === PACKET_TYPE_ETHERNET) {
    if (packet.length < ETHERNET_HEADER_LENGTH) {
      clearEthernetWords(key);
      return stop(packet, key, 0, EXTRACT_SHORT_ETHERNET);
    }
    key[W_ETH_DST] = view.getInt32(start);
    key[W_ETH_DST_SRC] = view.getInt32((start + 4) | 0);
    key[W_ETH_SRC] = view.getInt32((start + 8) | 0);
    key[W_VLAN0] = 0;
    key[W_VLAN1] = 0;
    type = view.getUint16((start + 12) | 0);
    offset = (start + ETHERNET_HEADER_LENGTH) | 0;
    if (type !== ETHERTYPE_IPV4) {
      if (type === ETHERTYPE_VLAN || type === ETHERTYPE_QINQ) {
        offset = extractVlanTags(view, key, offset, end, vlanLimit);
        type = view.getUint16((offset - 2) | 0);
      }
      if (type < ETHERTYPE_MINIMUM) {
        type = snapEthertype(view, offset, end);
        offset = type === ETH_TYPE_NONE ? offset : (offset + LLC_SNAP_LENGTH) | 0;
      }
      if (type !== ETHERTYPE_IPV4) {
        return extractOther(packet, key, offset, type, vlanLimit);
      }
    }
  } else {
    clearEthernetWords(key);
    type = key[W_PACKET_TYPE]! & 0xffff;
    if (type !== ETHERTYPE_IPV4) {
      return extractOther(packet, key, offset, type, 0);
    }
  }

  const size = (end - offset) | 0;
  if (size < IPV4_MIN_LENGTH) {
    return stop(packet, key, IPV4_TYPE, EXTRACT_SHORT_IPV4);
  }
  const first = view.getInt32(offset);
  const headerLength = (first >>> 22) & 0x3c;
  const totalLength = first & 0xffff;
  if (
    headerLength < IPV4_MIN_LENGTH ||
    headerLength > totalLength ||
    totalLength > size ||
    size - totalLength > MAX_PADDING
  ) {
    return stop(packet, key, IPV4_TYPE, ipv4Fault(size, headerLength, totalLength));
  }
  /** flags and fragment offset (16), TTL (8), protocol (8) */
  const middle = view.getInt32((offset + 6) | 0);
  const protocol = middle & 0xff;
  const tosTtl = ((first & 0xff0000) | (middle & 0xff00)) << 8;
  key[W_NW_SRC] = view.getInt32((offset + 12) | 0);
  key[W_NW_DST] = view.getInt32((offset + 16) | 0);
  packet.mplsOffset = -1;
  packet.networkOffset = (offset - start) | 0;

  let fragment = 0;
  if ((middle & IPV4_MORE_OR_OFFSET) !== 0) {
    fragment = NW_FRAG_ANY;
    if ((middle & IPV4_OFFSET) !== 0) {
      key[W_TYPE_PROTO_FRAG] = IPV4_TYPE | (protocol << 8) | NW_FRAG_ANY | NW_FRAG_LATER;
      key[W_TOS_TTL_FLAGS] = tosTtl;
      key[W_TP] = 0;
      packet.transportOffset = -1;
      return EXTRACT_OK;
    }
  }
  key[W_TYPE_PROTO_FRAG] = IPV4_TYPE | (protocol << 8) | fragment;

  const transport = (offset + headerLength) | 0;
  const transportSize = (totalLength - headerLength) | 0;
  if (protocol === IP_PROTOCOL_UDP) {
    if (transportSize >= UDP_LENGTH) {
      key[W_TOS_TTL_FLAGS] = tosTtl;
      key[W_TP] = view.getInt32(transport);
      packet.transportOffset = (transport - start) | 0;
      return EXTRACT_OK;
    }
  } else if (protocol === IP_PROTOCOL_TCP) {
    const flags = tcpFlags(view, transport, transportSize);
    if (flags >= 0) {
      key[W_TOS_TTL_FLAGS] = tosTtl | flags;
      key[W_TP] = view.getInt32(transport);
      packet.transportOffset = (transport - start) | 0;
      return EXTRACT_OK;
    }
  }
  key[W_TOS_TTL_FLAGS] = tosTtl;
  key[W_TP] = 0;
  return extractTransport(packet, key, transport, (transport + transportSize) | 0, protocol);
}

/**
 * Reads up to `limit` VLAN tags, the first of which has its TPID before `offset`, into the key, and returns the offset
 * behind the last, which is that behind the next type. A tag that is cut off is not read.
 */
function extractVlanTags(view: DataView, key: flowKey.FlowWords, start: number, end: number, limit: number): number {
  let offset = start;
  let type = view.getUint16(offset - 2);
  for (let tag = 0; tag < limit && isVlan(type) && end - offset >= VLAN_TAG_LENGTH; tag++) {
    key[W_VLAN0 + tag] = (type << 16) | VLAN_CFI | view.getUint16(offset);
    type = view.getUint16(offset + 2);
    offset += VLAN_TAG_LENGTH;
  }
  return offset;
}

/** Whether the key has room for a further tag. */
function tagsBelow(key: flowKey.FlowWords, limit: number): boolean {
  return limit > 0 && key[limit > 1 ? W_VLAN1 : W_VLAN0] === 0;
}

function isVlan(type: number): boolean {
  return type === ETHERTYPE_VLAN || type === ETHERTYPE_QINQ;
}

/** Network protocols other than IPv4. The words of VLANs and addresses are written. */
function extractOther(
  packet: wire.Packet,
  key: flowKey.FlowWords,
  offset: number,
  type: number,
  vlanLimit: number,
): number {
  stop(packet, key, type << 16, EXTRACT_OK);
  switch (type) {
    case ETHERTYPE_VLAN:
    case ETHERTYPE_QINQ:
      packet.networkOffset = offset - packet.start;
      // A tag is left over: it is cut off, or there are more than the key may hold.
      return packet.start + packet.length - offset < VLAN_TAG_LENGTH && tagsBelow(key, vlanLimit)
        ? EXTRACT_SHORT_VLAN
        : EXTRACT_OK;
    case ETHERTYPE_IPV6:
      return extractIpv6(packet, key, offset);
    case ETHERTYPE_ARP:
    case ETHERTYPE_RARP:
      return extractArp(packet, key, offset, type);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
      return extractMpls(packet, key, offset);
    case ETHERTYPE_NSH:
      return extractNsh(packet, key, offset);
    default:
      packet.networkOffset = offset - packet.start;
      return EXTRACT_OK;
  }
}

function extractIpv6(packet: wire.Packet, key: flowKey.FlowWords, start: number): number {
  const view = packet.view;
  const size = packet.start + packet.length - start;
  if (size < IPV6_LENGTH) {
    return EXTRACT_SHORT_IPV6;
  }
  const payloadLength = view.getUint16(start + 4);
  const padding = size - IPV6_LENGTH - payloadLength;
  if (padding < 0 || padding > MAX_PADDING) {
    return EXTRACT_BAD_IPV6;
  }
  key[W_IPV6_SRC] = view.getInt32(start + 8);
  key[W_IPV6_SRC + 1] = view.getInt32(start + 12);
  key[W_IPV6_SRC + 2] = view.getInt32(start + 16);
  key[W_IPV6_SRC + 3] = view.getInt32(start + 20);
  key[W_IPV6_DST] = view.getInt32(start + 24);
  key[W_IPV6_DST + 1] = view.getInt32(start + 28);
  key[W_IPV6_DST + 2] = view.getInt32(start + 32);
  key[W_IPV6_DST + 3] = view.getInt32(start + 36);
  packet.networkOffset = start - packet.start;

  const end = start + IPV6_LENGTH + payloadLength;
  let offset = start + IPV6_LENGTH;
  let protocol = view.getUint8(start + 6);
  let fragment = 0;
  if (protocol !== IP_PROTOCOL_TCP && protocol !== IP_PROTOCOL_UDP) {
    const found = skipExtensionHeaders(view, offset, end, protocol);
    if (found < 0) {
      return EXTRACT_BAD_IPV6_EXTENSION;
    }
    offset += found & 0xffff;
    protocol = (found >>> 16) & 0xff;
    fragment = found >>> 24;
  }

  const first = view.getInt32(start);
  key[W_IPV6_LABEL] = first & 0xfffff;
  key[W_TYPE_PROTO_FRAG] = (ETHERTYPE_IPV6 << 16) | (protocol << 8) | fragment;
  key[W_TOS_TTL_FLAGS] = ((first << 4) & 0xff000000) | (view.getUint8(start + 7) << 16);
  if ((fragment & NW_FRAG_LATER) !== 0) {
    return EXTRACT_OK;
  }
  return extractTransport(packet, key, offset, end, protocol);
}

/**
 * Walks the extension headers from `start`, the first of which is `first`. Returns their length (low 16 bits), the
 * protocol behind them (8 bits) and nw_frag, or -1 when one goes beyond `end`.
 */
function skipExtensionHeaders(view: DataView, start: number, end: number, first: number): number {
  let offset = start;
  let protocol = first;
  let fragment = 0;
  // Each turn moves at least 8 bytes towards the end.
  for (;;) {
    const isFragment = protocol === IP_PROTOCOL_FRAGMENT;
    const isAuthentication = protocol === IP_PROTOCOL_AH;
    if (
      !isFragment &&
      !isAuthentication &&
      protocol !== IP_PROTOCOL_HOP_BY_HOP &&
      protocol !== IP_PROTOCOL_ROUTING &&
      protocol !== IP_PROTOCOL_DESTINATION_OPTIONS
    ) {
      break;
    }
    if (end - offset < EXTENSION_MIN_LENGTH) {
      return -1;
    }
    protocol = view.getUint8(offset);
    const units = view.getUint8(offset + 1);
    const field = view.getUint16(offset + 2);
    if (isFragment) {
      offset += EXTENSION_MIN_LENGTH;
      if ((field & IPV6_FRAGMENT_OFFSET) !== 0) {
        fragment = NW_FRAG_ANY | NW_FRAG_LATER;
        protocol = IP_PROTOCOL_FRAGMENT;
        break;
      }
      // The reserved bits count too, as in Open vSwitch.
      fragment |= field !== 0 ? NW_FRAG_ANY : 0;
    } else {
      // AH counts words beyond the second, the others count double words beyond the first.
      offset += isAuthentication ? 4 * (units + 2) : 8 * (units + 1);
      if (offset > end) {
        return -1;
      }
    }
  }
  return (fragment << 24) | (protocol << 16) | (offset - start);
}

/** Writes the transport words, which are 0, from the header at `offset`; the IP payload ends at `end`. */
function extractTransport(
  packet: wire.Packet,
  key: flowKey.FlowWords,
  offset: number,
  end: number,
  protocol: number,
): number {
  const view = packet.view;
  const size = end - offset;
  let status = EXTRACT_OK;
  packet.transportOffset = -1;
  switch (protocol) {
    case IP_PROTOCOL_TCP: {
      const flags = tcpFlags(view, offset, size);
      if (flags < 0) {
        return EXTRACT_SHORT_TRANSPORT;
      }
      key[W_TOS_TTL_FLAGS] = key[W_TOS_TTL_FLAGS]! | flags;
      key[W_TP] = view.getInt32(offset);
      break;
    }
    case IP_PROTOCOL_UDP:
      if (size < UDP_LENGTH) {
        return EXTRACT_SHORT_TRANSPORT;
      }
      key[W_TP] = view.getInt32(offset);
      break;
    case IP_PROTOCOL_SCTP:
      if (size < SCTP_LENGTH) {
        return EXTRACT_SHORT_TRANSPORT;
      }
      key[W_TP] = view.getInt32(offset);
      break;
    // The protocols of one IP version are read in the other too, as Open vSwitch does, but for neighbour discovery.
    case IP_PROTOCOL_ICMP:
      if (size < ICMP_LENGTH) {
        return EXTRACT_SHORT_TRANSPORT;
      }
      key[W_TP] = typeAndCode(view.getUint16(offset));
      break;
    case IP_PROTOCOL_IGMP:
      if (size < IGMP_LENGTH) {
        return EXTRACT_SHORT_TRANSPORT;
      }
      key[W_TP] = typeAndCode(view.getUint16(offset));
      key[W_IGMP_GROUP] = view.getInt32(offset + 4);
      break;
    case IP_PROTOCOL_ICMPV6: {
      if (size < ICMPV6_LENGTH) {
        return EXTRACT_SHORT_TRANSPORT;
      }
      const message = typeAndCode(view.getUint16(offset));
      const isDiscovery = message === ND_SOLICITATION << 16 || message === ND_ADVERTISEMENT << 16;
      key[W_TP] = message;
      if (isDiscovery && key[W_TYPE_PROTO_FRAG]! >>> 16 === ETHERTYPE_IPV6) {
        status = extractNeighbourDiscovery(view, key, offset + 4, end);
      }
      break;
    }
  }
  packet.transportOffset = offset - packet.start;
  return status;
}

/** The twelve flag bits of the TCP header at `offset`, -1 when there is no room for it and its options. */
function tcpFlags(view: DataView, offset: number, size: number): number {
  if (size < TCP_MIN_LENGTH) {
    return -1;
  }
  const offsetFlags = view.getUint16((offset + 12) | 0);
  const length = (offsetFlags >>> 10) & 0x3c;
  return length < TCP_MIN_LENGTH || length > size ? -1 : offsetFlags & 0xfff;
}

/** `offset` is that of the reserved word, behind which come the target and the options (RFC 4861 section 4.3, 4.6). */
function extractNeighbourDiscovery(view: DataView, key: flowKey.FlowWords, offset: number, end: number): number {
  key[W_IGMP_GROUP] = view.getInt32(offset);
  const target = offset + 4;
  if (end - target < 16) {
    return EXTRACT_BAD_ND;
  }
  for (let word = 0; word < 4; word++) {
    key[W_ND_TARGET + word] = view.getInt32(target + 4 * word);
  }
  let option = target + 16;
  let firstType = 0;
  while (end - option >= ND_OPTION_UNIT) {
    const type = view.getUint8(option);
    const length = ND_OPTION_UNIT * view.getUint8(option + 1);
    if (length === 0) {
      return EXTRACT_BAD_ND;
    }
    if (length === ND_OPTION_UNIT && (type === ND_SOURCE_LINK_ADDRESS || type === ND_TARGET_LINK_ADDRESS)) {
      if (!setLinkAddress(view, key, option + 2, type)) {
        clearNeighbourDiscovery(key);
        return EXTRACT_BAD_ND;
      }
      if (firstType === 0) {
        firstType = type;
        key[W_TOS_TTL_FLAGS] = key[W_TOS_TTL_FLAGS]! | type;
      }
    }
    option += length;
  }
  // Short of the end there is half an option, beyond it the last one is cut off.
  return option === end ? EXTRACT_OK : EXTRACT_BAD_ND;
}

/** Puts the link-layer address at `offset` into its place in the key, which must still be zero: false when it is not. */
function setLinkAddress(view: DataView, key: flowKey.FlowWords, offset: number, type: number): boolean {
  const middle = key[W_ARP_SHA_THA]!;
  if (type === ND_SOURCE_LINK_ADDRESS) {
    if (key[W_ARP_SHA] !== 0 || middle >>> 16 !== 0) {
      return false;
    }
    key[W_ARP_SHA] = view.getInt32(offset);
    key[W_ARP_SHA_THA] = middle | (view.getUint16(offset + 4) << 16);
    return true;
  }
  if ((middle & 0xffff) !== 0 || key[W_ARP_THA] !== 0) {
    return false;
  }
  key[W_ARP_SHA_THA] = middle | view.getUint16(offset);
  key[W_ARP_THA] = view.getInt32(offset + 2);
  return true;
}

function clearNeighbourDiscovery(key: flowKey.FlowWords): void {
  for (let word = 0; word < 4; word++) {
    key[W_ND_TARGET + word] = 0;
  }
  key[W_ARP_SHA] = 0;
  key[W_ARP_SHA_THA] = 0;
  key[W_ARP_THA] = 0;
}

function extractArp(packet: wire.Packet, key: flowKey.FlowWords, offset: number, type: number): number {
  const view = packet.view;
  if (
    packet.start + packet.length - offset < ARP_LENGTH ||
    view.getInt32(offset) !== ARP_ETHERNET_IPV4 ||
    view.getUint16(offset + 4) !== ARP_LENGTHS
  ) {
    return EXTRACT_BAD_ARP;
  }
  packet.networkOffset = offset - packet.start;
  key[W_NW_SRC] = view.getInt32(offset + 14);
  key[W_NW_DST] = view.getInt32(offset + 24);
  key[W_ARP_SHA] = view.getInt32(offset + 8);
  key[W_ARP_SHA_THA] = (view.getUint16(offset + 12) << 16) | view.getUint16(offset + 18);
  key[W_ARP_THA] = view.getInt32(offset + 20);
  const opcode = view.getUint16(offset + 6);
  if (opcode > 0xff) {
    return EXTRACT_BAD_ARP;
  }
  key[W_TYPE_PROTO_FRAG] = (type << 16) | (opcode << 8);
  return EXTRACT_OK;
}

function extractMpls(packet: wire.Packet, key: flowKey.FlowWords, start: number): number {
  const view = packet.view;
  const end = packet.start + packet.length;
  let offset = start;
  let isBottom = false;
  while (!isBottom && end - offset >= 4) {
    const entry = view.getInt32(offset);
    const index = (offset - start) >> 2;
    if (index < MAX_MPLS_LABELS) {
      key[W_MPLS + index] = entry;
    }
    isBottom = (entry & MPLS_BOTTOM_OF_STACK) !== 0;
    offset += 4;
  }
  packet.mplsOffset = start - packet.start;
  packet.networkOffset = offset - packet.start;
  return isBottom ? EXTRACT_OK : EXTRACT_SHORT_MPLS;
}

function extractNsh(packet: wire.Packet, key: flowKey.FlowWords, offset: number): number {
  const view = packet.view;
  const size = packet.start + packet.length - offset;
  if (size < NSH_BASE_LENGTH) {
    return EXTRACT_BAD_NSH;
  }
  const base = view.getInt32(offset);
  const version = base >>> 30;
  const flags = (base >>> 28) & 3;
  const ttl = (base >>> 22) & 0x3f;
  const length = ((base >>> 16) & 0x3f) * 4;
  const metadataType = (base >>> 8) & 0xff;
  if (version !== 0 || length > size || (metadataType === NSH_MD_TYPE_2 && length < NSH_BASE_LENGTH)) {
    return EXTRACT_BAD_NSH;
  }
  if (metadataType === NSH_MD_TYPE_1) {
    if (length !== NSH_MD1_LENGTH) {
      return EXTRACT_BAD_NSH;
    }
    for (let word = 0; word < 4; word++) {
      key[W_NSH_CONTEXT + word] = view.getInt32(offset + NSH_BASE_LENGTH + 4 * word);
    }
  }
  packet.networkOffset = offset - packet.start;
  key[W_NSH_BASE] = (flags << 24) | (ttl << 16) | (metadataType << 8) | (base & 0xff);
  key[W_NSH_PATH] = view.getInt32(offset + 4);
  return EXTRACT_OK;
}

/** The Ethertype behind an 802.2 SNAP header with OUI 0 at `offset`, ETH_TYPE_NONE for every other 802.2 frame. */
function snapEthertype(view: DataView, offset: number, end: number): number {
  if (end - offset < LLC_SNAP_LENGTH || view.getInt32(offset) !== LLC_SNAP_HIGH || view.getUint16(offset + 4) !== 0) {
    return ETH_TYPE_NONE;
  }
  const type = view.getUint16(offset + 6);
  return type >= ETHERTYPE_MINIMUM ? type : ETH_TYPE_NONE;
}

function ipv4Fault(size: number, headerLength: number, totalLength: number): number {
  if (headerLength < IPV4_MIN_LENGTH || headerLength > totalLength) {
    return EXTRACT_BAD_IPV4;
  }
  if (headerLength > size) {
    return EXTRACT_SHORT_IPV4;
  }
  return totalLength > size ? EXTRACT_LONG_IPV4 : EXTRACT_BAD_IPV4;
}

/** ICMP's and IGMP's first two bytes as tp_src and tp_dst. */
function typeAndCode(bytes: number): number {
  return ((bytes & 0xff00) << 8) | (bytes & 0xff);
}

/** Leaves a packet that has no network header: sets word 5, clears 8..11 and the offsets, and returns `status`. */
function stop(packet: wire.Packet, key: flowKey.FlowWords, typeProtoFrag: number, status: number): number {
  key[W_TYPE_PROTO_FRAG] = typeProtoFrag;
  key[W_TOS_TTL_FLAGS] = 0;
  key[W_NW_SRC] = 0;
  key[W_NW_DST] = 0;
  key[W_TP] = 0;
  packet.mplsOffset = -1;
  packet.networkOffset = -1;
  packet.transportOffset = -1;
  return status;
}

function clearEthernetWords(key: flowKey.FlowWords): void {
  key[W_ETH_DST] = 0;
  key[W_ETH_DST_SRC] = 0;
  key[W_ETH_SRC] = 0;
  key[W_VLAN0] = 0;
  key[W_VLAN1] = 0;
}

/** Clears those of words 12..37 that may be nonzero after a packet whose word 5 was `before`. */
function clearUncommonWords(key: flowKey.FlowWords, before: number): void {
  const protocol = (before >>> 8) & 0xff;
  if (before >>> 16 === ETHERTYPE_IPV6 && (protocol === IP_PROTOCOL_TCP || protocol === IP_PROTOCOL_UDP)) {
    key[W_IPV6_SRC] = 0;
    key[W_IPV6_SRC + 1] = 0;
    key[W_IPV6_SRC + 2] = 0;
    key[W_IPV6_SRC + 3] = 0;
    key[W_IPV6_DST] = 0;
    key[W_IPV6_DST + 1] = 0;
    key[W_IPV6_DST + 2] = 0;
    key[W_IPV6_DST + 3] = 0;
    key[W_IPV6_LABEL] = 0;
    return;
  }
  for (let word = W_IPV6_SRC; word < W_PACKET_END; word++) {
    key[word] = 0;
  }
}
