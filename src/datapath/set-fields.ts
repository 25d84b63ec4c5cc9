/**
 * Set actions: writes parts of the flow key into a packet, and keeps every checksum right.
 *
 * A set action says which bits of which words of the flow key change (action-code.ts). Each is written to the place in
 * the frame that extraction read it from, found by the packet's layer offsets; checksums are adjusted incrementally
 * (RFC 1624), so a packet that came with a wrong one leaves with a wrong one, as it must.
 *
 * Partial checksums. Where a port gave a packet whose checksum is still to be completed (OFFLOAD_NEEDS_CHECKSUM), the
 * field holds the sum of the pseudo-header: an address change adjusts that sum, and a change of the transport header
 * changes nothing, because the header is summed later.
 *
 * Fragments. The transport checksum covers the whole datagram, and its field is in the first fragment. So an address
 * change adjusts it there and leaves later fragments alone (their transport offset is -1), and ports are never
 * written to later fragments. SCTP's CRC cannot be adjusted without the rest of the datagram: the ports of a first fragment
 * are left alone.
 *
 * A set action that does not fit the packet (`set(tcp(...))` on UDP) changes nothing; the caller gave us key words that
 * are up to date where they say what the packet is (W_TYPE_PROTO_FRAG).
 */
import {
  type FlowWords,
  NW_FRAG_ANY,
  W_ARP_SHA,
  W_ARP_SHA_THA,
  W_ARP_THA,
  W_ETH_DST,
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
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
} from '../flow/index.ts';
import {
  computeCrc32c,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_NSH,
  ETHERTYPE_RARP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
  IPV6_HEADER_LENGTH,
  OFFLOAD_NEEDS_CHECKSUM,
  type Packet,
  updateChecksum16,
  updateChecksum32,
} from '../wire/index.ts';
import * as attributes from './key-attributes.ts';

/** Bytes of a frame's Ethernet addresses. */
const ETHERNET_ADDRESSES = 12;
const IPV4_CHECKSUM = 10;
const TCP_CHECKSUM = 16;
const UDP_CHECKSUM = 6;
const ICMP_CHECKSUM = 2;
const SCTP_CHECKSUM = 8;
const SCTP_HEADER = 12;
const ND_TARGET = 8;
const ND_OPTIONS = 24;
const ND_SOURCE_LINK_ADDRESS = 1;
const ND_TARGET_LINK_ADDRESS = 2;
const ICMPV6_NEIGHBOUR_SOLICITATION = 135;
const ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136;
const IP_PROTOCOL_HOP_BY_HOP = 0;
const IP_PROTOCOL_ROUTING = 43;
const IP_PROTOCOL_DESTINATION_OPTIONS = 60;

/** Runs the triples `[at, end)` of a set action of `attribute`, one that writes to the frame. */
export function setFields(
  packet: Packet,
  key: FlowWords,
  attribute: number,
  code: Int32Array,
  at: number,
  end: number,
): void {
  const type = key[W_TYPE_PROTO_FRAG]! >>> 16;
  const protocol = (key[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff;
  switch (attribute) {
    case attributes.OVS_KEY_ATTR_ETHERNET:
      if (packet.length >= ETHERNET_ADDRESSES) {
        setEthernet(packet, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_IPV4:
      if (type === ETHERTYPE_IPV4 && packet.networkOffset >= 0) {
        setIpv4(packet, protocol, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_IPV6:
      if (type === ETHERTYPE_IPV6 && packet.networkOffset >= 0) {
        setIpv6(packet, protocol, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_TCP:
      if (protocol === IP_PROTOCOL_TCP && hasTransport(packet, type)) {
        setPorts(packet, TCP_CHECKSUM, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_UDP:
      if (protocol === IP_PROTOCOL_UDP && hasTransport(packet, type)) {
        setPorts(packet, UDP_CHECKSUM, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_SCTP:
      if (
        protocol === IP_PROTOCOL_SCTP &&
        hasTransport(packet, type) &&
        (key[W_TYPE_PROTO_FRAG]! & NW_FRAG_ANY) === 0
      ) {
        setSctpPorts(packet, type, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_ICMP:
      if (protocol === IP_PROTOCOL_ICMP && hasTransport(packet, type)) {
        setIcmp(packet, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_ICMPV6:
      if (protocol === IP_PROTOCOL_ICMPV6 && hasTransport(packet, type)) {
        setIcmp(packet, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_ND:
    case attributes.OVS_KEY_ATTR_ND_EXTENSIONS:
      if (protocol === IP_PROTOCOL_ICMPV6 && type === ETHERTYPE_IPV6 && packet.transportOffset >= 0) {
        setNeighbourDiscovery(packet, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_ARP:
      if ((type === ETHERTYPE_ARP || type === ETHERTYPE_RARP) && packet.networkOffset >= 0) {
        setArp(packet, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_MPLS:
      if (packet.mplsOffset >= 0 && packet.mplsOffset + 4 <= packet.length) {
        setMpls(packet, code, at, end);
      }
      break;
    case attributes.OVS_KEY_ATTR_NSH:
      if (type === ETHERTYPE_NSH && packet.networkOffset >= 0) {
        setNsh(packet, code, at, end);
      }
      break;
  }
}

function hasTransport(packet: Packet, type: number): boolean {
  return packet.transportOffset >= 0 && (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6);
}

function setEthernet(packet: Packet, code: Int32Array, at: number, end: number): void {
  const { view, start } = packet;
  for (let triple = at; triple < end; triple += 3) {
    const index = code[triple]! - W_ETH_DST;
    if (index >= 0 && index < 3) {
      const place = start + 4 * index;
      const mask = code[triple + 2]!;
      view.setInt32(place, (view.getInt32(place) & ~mask) | (code[triple + 1]! & mask));
    }
  }
}

function setIpv4(packet: Packet, protocol: number, code: Int32Array, at: number, end: number): void {
  const { view } = packet;
  const header = packet.start + packet.networkOffset;
  for (let triple = at; triple < end; triple += 3) {
    const word = code[triple]!;
    const value = code[triple + 1]!;
    const mask = code[triple + 2]!;
    if (word === W_NW_SRC || word === W_NW_DST) {
      const place = header + (word === W_NW_SRC ? 12 : 16);
      const before = view.getInt32(place);
      const after = (before & ~mask) | (value & mask);
      if (before !== after) {
        view.setInt32(place, after);
        const checksum = header + IPV4_CHECKSUM;
        view.setUint16(checksum, updateChecksum32(view.getUint16(checksum), before, after));
        updatePseudoHeader(packet, protocol, before, after);
      }
    } else if (word === W_TOS_TTL_FLAGS) {
      setIpv4Word(view, header, header, value >>> 24, mask >>> 24);
      setIpv4Word(view, header, header + 8, (value >>> 8) & 0xff00, (mask >>> 8) & 0xff00);
    }
  }
}

/** Changes 16 bits of an IPv4 header. */
function setIpv4Word(view: DataView, header: number, place: number, value: number, mask: number): void {
  if (mask === 0) {
    return;
  }
  const before = view.getUint16(place);
  const after = (before & ~mask) | (value & mask);
  view.setUint16(place, after);
  view.setUint16(header + IPV4_CHECKSUM, updateChecksum16(view.getUint16(header + IPV4_CHECKSUM), before, after));
}

function setIpv6(packet: Packet, protocol: number, code: Int32Array, at: number, end: number): void {
  const { view } = packet;
  const header = packet.start + packet.networkOffset;
  for (let triple = at; triple < end; triple += 3) {
    const word = code[triple]!;
    const value = code[triple + 1]!;
    const mask = code[triple + 2]!;
    if (word >= W_IPV6_SRC && word < W_IPV6_DST + 4) {
      const place = header + 8 + 4 * (word - W_IPV6_SRC);
      const before = view.getInt32(place);
      const after = (before & ~mask) | (value & mask);
      if (before !== after) {
        view.setInt32(place, after);
        // With a routing header under way the checksum covers the last destination, not this one (RFC 8200 section 8.1).
        if (word < W_IPV6_DST || !isSourceRouted(packet)) {
          updatePseudoHeader(packet, protocol, before, after);
        }
      }
    } else if (word === W_TOS_TTL_FLAGS) {
      const classMask = (mask >>> 4) & 0x0ff00000;
      view.setInt32(header, (view.getInt32(header) & ~classMask) | ((value >>> 4) & classMask));
      const limitMask = (mask >>> 16) & 0xff;
      view.setUint8(header + 7, (view.getUint8(header + 7) & ~limitMask) | ((value >>> 16) & limitMask));
    } else if (word === W_IPV6_LABEL) {
      const labelMask = mask & 0xfffff;
      view.setInt32(header, (view.getInt32(header) & ~labelMask) | (value & labelMask));
    }
  }
}

/** Whether a routing header with segments left stands before the transport header. */
function isSourceRouted(packet: Packet): boolean {
  const { view } = packet;
  let offset = packet.start + packet.networkOffset + IPV6_HEADER_LENGTH;
  const end = packet.start + packet.transportOffset;
  let next = view.getUint8(packet.start + packet.networkOffset + 6);
  while (offset + 8 <= end) {
    if (next === IP_PROTOCOL_ROUTING) {
      return view.getUint8(offset + 3) > 0;
    }
    if (next !== IP_PROTOCOL_HOP_BY_HOP && next !== IP_PROTOCOL_DESTINATION_OPTIONS) {
      return false;
    }
    next = view.getUint8(offset);
    offset += 8 * (view.getUint8(offset + 1) + 1);
  }
  return false;
}

/** Adjusts the transport checksum to a changed word of an IP address. */
function updatePseudoHeader(packet: Packet, protocol: number, before: number, after: number): void {
  const transport = packet.transportOffset;
  if (transport < 0) {
    return;
  }
  const { view } = packet;
  let place = packet.start + transport;
  if (protocol === IP_PROTOCOL_TCP) {
    place += TCP_CHECKSUM;
  } else if (protocol === IP_PROTOCOL_UDP) {
    place += UDP_CHECKSUM;
  } else if (protocol === IP_PROTOCOL_ICMPV6) {
    place += ICMP_CHECKSUM;
  } else {
    return;
  }
  const checksum = view.getUint16(place);
  if (isChecksumPartial(packet)) {
    view.setUint16(place, ~updateChecksum32(~checksum & 0xffff, before, after) & 0xffff);
    return;
  }
  if (protocol === IP_PROTOCOL_UDP) {
    if (checksum !== 0) {
      view.setUint16(place, updateChecksum32(checksum, before, after) || 0xffff);
    }
    return;
  }
  view.setUint16(place, updateChecksum32(checksum, before, after));
}

/** Whether the checksum of the transport header that the switch sees is still to be completed. */
function isChecksumPartial(packet: Packet): boolean {
  return (packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM) !== 0 && packet.checksumStart === packet.transportOffset;
}

function setPorts(packet: Packet, checksumOffset: number, code: Int32Array, at: number, end: number): void {
  const { view } = packet;
  const header = packet.start + packet.transportOffset;
  for (let triple = at; triple < end; triple += 3) {
    if (code[triple] !== W_TP) {
      continue;
    }
    const mask = code[triple + 2]!;
    const before = view.getInt32(header);
    const after = (before & ~mask) | (code[triple + 1]! & mask);
    view.setInt32(header, after);
    if (isChecksumPartial(packet)) {
      continue;
    }
    const place = header + checksumOffset;
    const checksum = view.getUint16(place);
    if (checksumOffset === TCP_CHECKSUM) {
      view.setUint16(place, updateChecksum32(checksum, before, after));
    } else if (checksum !== 0) {
      view.setUint16(place, updateChecksum32(checksum, before, after) || 0xffff);
    }
  }
}

/** The CRC takes the difference that the new ports make to it, so that a damaged packet stays damaged. */
function setSctpPorts(packet: Packet, type: number, code: Int32Array, at: number, end: number): void {
  const { view } = packet;
  const header = packet.start + packet.transportOffset;
  const network = packet.start + packet.networkOffset;
  const packetEnd =
    type === ETHERTYPE_IPV4
      ? network + view.getUint16(network + 2)
      : network + IPV6_HEADER_LENGTH + view.getUint16(network + 4);
  const length = packetEnd - header;
  if (length < SCTP_HEADER || packetEnd > packet.start + packet.length) {
    return;
  }
  const place = header + SCTP_CHECKSUM;
  const isPartial = isChecksumPartial(packet);
  const checksum = view.getInt32(place, true);
  let correct = 0;
  if (!isPartial) {
    view.setInt32(place, 0);
    correct = computeCrc32c(view, header, length);
  }
  for (let triple = at; triple < end; triple += 3) {
    if (code[triple] === W_TP) {
      const mask = code[triple + 2]!;
      view.setInt32(header, (view.getInt32(header) & ~mask) | (code[triple + 1]! & mask));
    }
  }
  if (!isPartial) {
    view.setInt32(place, checksum ^ correct ^ computeCrc32c(view, header, length), true);
  }
}

function setIcmp(packet: Packet, code: Int32Array, at: number, end: number): void {
  const header = packet.start + packet.transportOffset;
  for (let triple = at; triple < end; triple += 3) {
    if (code[triple] === W_TP) {
      const value = code[triple + 1]!;
      const mask = code[triple + 2]!;
      setSummed(packet, header, ((value >>> 8) & 0xff00) | (value & 0xff), ((mask >>> 8) & 0xff00) | (mask & 0xff));
    }
  }
}

/** Changes 16 bits at `place` that an ICMP or ICMPv6 checksum covers. */
function setSummed(packet: Packet, place: number, value: number, mask: number): void {
  const { view } = packet;
  const before = view.getUint16(place);
  const after = (before & ~mask) | (value & mask & 0xffff);
  if (before === after) {
    return;
  }
  view.setUint16(place, after);
  if (!isChecksumPartial(packet)) {
    const checksum = packet.start + packet.transportOffset + ICMP_CHECKSUM;
    view.setUint16(checksum, updateChecksum16(view.getUint16(checksum), before, after));
  }
}

function setNeighbourDiscovery(packet: Packet, code: Int32Array, at: number, end: number): void {
  const { view } = packet;
  const header = packet.start + packet.transportOffset;
  const network = packet.start + packet.networkOffset;
  const packetEnd = network + IPV6_HEADER_LENGTH + view.getUint16(network + 4);
  const type = view.getUint8(header);
  if (
    (type !== ICMPV6_NEIGHBOUR_SOLICITATION && type !== ICMPV6_NEIGHBOUR_ADVERTISEMENT) ||
    header + ND_OPTIONS > packetEnd
  ) {
    return;
  }
  for (let triple = at; triple < end; triple += 3) {
    const word = code[triple]!;
    const value = code[triple + 1]!;
    const mask = code[triple + 2]!;
    if (word >= W_ND_TARGET && word < W_ND_TARGET + 4) {
      const place = header + ND_TARGET + 4 * (word - W_ND_TARGET);
      setSummed(packet, place, value >>> 16, mask >>> 16);
      setSummed(packet, place + 2, value, mask);
    } else if (word === W_IGMP_GROUP) {
      setSummed(packet, header + 4, value >>> 16, mask >>> 16);
      setSummed(packet, header + 6, value, mask);
    } else if (word === W_TOS_TTL_FLAGS) {
      const option = findLinkAddress(view, header, packetEnd, 0);
      if (option >= 0) {
        setSummed(packet, option, (value & 0xff) << 8, (mask & 0xff) << 8);
      }
    } else if (word >= W_ARP_SHA && word <= W_ARP_THA) {
      setLinkAddress(packet, header, packetEnd, word, value, mask);
    }
  }
}

function setLinkAddress(
  packet: Packet,
  header: number,
  packetEnd: number,
  word: number,
  value: number,
  mask: number,
): void {
  const source = word === W_ARP_THA ? -1 : findLinkAddress(packet.view, header, packetEnd, ND_SOURCE_LINK_ADDRESS);
  const target = word === W_ARP_SHA ? -1 : findLinkAddress(packet.view, header, packetEnd, ND_TARGET_LINK_ADDRESS);
  if (word === W_ARP_SHA && source >= 0) {
    setSummed(packet, source + 2, value >>> 16, mask >>> 16);
    setSummed(packet, source + 4, value, mask);
  } else if (word === W_ARP_THA && target >= 0) {
    setSummed(packet, target + 4, value >>> 16, mask >>> 16);
    setSummed(packet, target + 6, value, mask);
  } else if (word === W_ARP_SHA_THA) {
    if (source >= 0) {
      setSummed(packet, source + 6, value >>> 16, mask >>> 16);
    }
    if (target >= 0) {
      setSummed(packet, target + 2, value, mask);
    }
  }
}

/** The option of `type` (0: the first of either type) that holds an Ethernet address, -1 when there is none. */
function findLinkAddress(view: DataView, header: number, end: number, type: number): number {
  for (let option = header + ND_OPTIONS; option + 8 <= end; ) {
    const found = view.getUint8(option);
    const units = view.getUint8(option + 1);
    if (units === 0) {
      return -1;
    }
    const isLinkAddress = units === 1 && (found === ND_SOURCE_LINK_ADDRESS || found === ND_TARGET_LINK_ADDRESS);
    if (isLinkAddress && (type === 0 || type === found)) {
      return option;
    }
    option += 8 * units;
  }
  return -1;
}

function setArp(packet: Packet, code: Int32Array, at: number, end: number): void {
  const { view } = packet;
  const header = packet.start + packet.networkOffset;
  for (let triple = at; triple < end; triple += 3) {
    const value = code[triple + 1]!;
    const mask = code[triple + 2]!;
    switch (code[triple]) {
      case W_TYPE_PROTO_FRAG:
        setHalf(view, header + 6, (value >>> 8) & 0xff, (mask & 0xff00) === 0xff00 ? 0xffff : (mask >>> 8) & 0xff);
        break;
      case W_NW_SRC:
        setHalf(view, header + 14, value >>> 16, mask >>> 16);
        setHalf(view, header + 16, value, mask);
        break;
      case W_NW_DST:
        setHalf(view, header + 24, value >>> 16, mask >>> 16);
        setHalf(view, header + 26, value, mask);
        break;
      case W_ARP_SHA:
        setHalf(view, header + 8, value >>> 16, mask >>> 16);
        setHalf(view, header + 10, value, mask);
        break;
      case W_ARP_SHA_THA:
        setHalf(view, header + 12, value >>> 16, mask >>> 16);
        setHalf(view, header + 18, value, mask);
        break;
      case W_ARP_THA:
        setHalf(view, header + 20, value >>> 16, mask >>> 16);
        setHalf(view, header + 22, value, mask);
        break;
    }
  }
}

function setHalf(view: DataView, place: number, value: number, mask: number): void {
  view.setUint16(place, (view.getUint16(place) & ~mask) | (value & mask));
}

function setMpls(packet: Packet, code: Int32Array, at: number, end: number): void {
  const { view } = packet;
  const place = packet.start + packet.mplsOffset;
  for (let triple = at; triple < end; triple += 3) {
    if (code[triple] === W_MPLS) {
      const mask = code[triple + 2]!;
      view.setInt32(place, (view.getInt32(place) & ~mask) | (code[triple + 1]! & mask));
    }
  }
}

/** Flags, TTL, path and the context of metadata type 1; type and next protocol cannot be changed. */
function setNsh(packet: Packet, code: Int32Array, at: number, end: number): void {
  const { view } = packet;
  const header = packet.start + packet.networkOffset;
  const hasContext = view.getUint8(header + 2) === 1;
  for (let triple = at; triple < end; triple += 3) {
    const word = code[triple]!;
    const value = code[triple + 1]!;
    const mask = code[triple + 2]!;
    if (word === W_NSH_BASE) {
      // In the key: flags in bits 24..31, TTL in 16..23. On the wire: bits 28..29 and 22..27.
      const wireMask = ((mask & 0x03000000) << 4) | ((mask & 0x003f0000) << 6);
      const wireValue = ((value & 0x03000000) << 4) | ((value & 0x003f0000) << 6);
      view.setInt32(header, (view.getInt32(header) & ~wireMask) | (wireValue & wireMask));
    } else if (word === W_NSH_PATH) {
      view.setInt32(header + 4, (view.getInt32(header + 4) & ~mask) | (value & mask));
    } else if (hasContext && word >= W_NSH_CONTEXT && word < W_NSH_CONTEXT + 4) {
      const place = header + 8 + 4 * (word - W_NSH_CONTEXT);
      view.setInt32(place, (view.getInt32(place) & ~mask) | (value & mask));
    }
  }
}
