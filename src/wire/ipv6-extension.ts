/**
 * IPv6 extension headers: hop-by-hop and destination options, routing, fragment (RFC 8200 section 4) and the
 * authentication header (RFC 4302).
 *
 * Each starts with the protocol of what follows. `walkIpv6Extensions` passes over them, without allocating, to the
 * upper-layer header; it stops at a later fragment, whose payload is not a header of anything.
 */
import { formatHexadecimal, readBytes, writeBytes } from './bytes.ts';
import {
  formatIpProtocol,
  IP_PROTOCOL_AH,
  IP_PROTOCOL_DESTINATION_OPTIONS,
  IP_PROTOCOL_FRAGMENT,
  IP_PROTOCOL_HOP_BY_HOP,
  IP_PROTOCOL_ROUTING,
} from './ip-protocol.ts';

export const IPV6_FRAGMENT_HEADER_LENGTH = 8;
/** fragment header: more fragments */
export const IPV6_MORE_FRAGMENTS = 1;
/** fragment header: offset in bytes, as the field stands */
export const IPV6_FRAGMENT_OFFSET_MASK = 0xfff8;

const AH_MINIMUM = 12;
/** type, segments left and the rest of a routing header of 8 bytes; same for the options header */
const EXTENSION_UNIT = 8;

export interface Ipv6OptionsHeader {
  readonly kind: 'options';
  readonly nextHeader: number;
  /** raw options; padded on emit so that the header is a multiple of 8 bytes */
  readonly options: Uint8Array;
}

export interface Ipv6RoutingHeader {
  readonly kind: 'routing';
  readonly nextHeader: number;
  readonly routingType: number;
  readonly segmentsLeft: number;
  /** what follows segments left: 4 + 8·n bytes */
  readonly data: Uint8Array;
}

export interface Ipv6FragmentHeader {
  readonly kind: 'fragment';
  readonly nextHeader: number;
  /** in bytes, a multiple of 8 */
  readonly fragmentOffset: number;
  readonly moreFragments: boolean;
  readonly identification: number;
}

export interface AuthenticationHeader {
  readonly kind: 'authentication';
  readonly nextHeader: number;
  readonly securityParametersIndex: number;
  readonly sequence: number;
  /** a multiple of four bytes */
  readonly integrityCheckValue: Uint8Array;
}

export type Ipv6Extension = Ipv6OptionsHeader | Ipv6RoutingHeader | Ipv6FragmentHeader | AuthenticationHeader;

/** Where a walk ended. Callers keep one and reuse it. */
export interface Ipv6Walk {
  /** the upper-layer protocol; `IP_PROTOCOL_FRAGMENT` for a later fragment, as Open vSwitch has it */
  protocol: number;
  /** offset of what `protocol` names; of the payload for a later fragment */
  offset: number;
  /** offset of the first fragment header, -1 when there is none */
  fragmentHeader: number;
  /** whether the packet is a fragment: its offset or "more" is not 0 */
  isFragment: boolean;
  /** whether the packet is a fragment with an offset that is not 0 */
  isLaterFragment: boolean;
}

export function createIpv6Walk(): Ipv6Walk {
  return { protocol: 0, offset: 0, fragmentHeader: -1, isFragment: false, isLaterFragment: false };
}

/** Whether `protocol` is an extension header that the walk passes over. */
export function isIpv6Extension(protocol: number): boolean {
  return (
    protocol === IP_PROTOCOL_HOP_BY_HOP ||
    protocol === IP_PROTOCOL_ROUTING ||
    protocol === IP_PROTOCOL_FRAGMENT ||
    protocol === IP_PROTOCOL_AH ||
    protocol === IP_PROTOCOL_DESTINATION_OPTIONS
  );
}

/** The length of the extension header of kind `protocol` at `offset`; -1 when it is cut off or no extension header. */
export function checkIpv6Extension(view: DataView, offset: number, end: number, protocol: number): number {
  if (end - offset < EXTENSION_UNIT || !isIpv6Extension(protocol)) {
    return -1;
  }
  let length = IPV6_FRAGMENT_HEADER_LENGTH;
  if (protocol === IP_PROTOCOL_AH) {
    length = (view.getUint8(offset + 1) + 2) * 4;
    if (length < AH_MINIMUM) {
      return -1;
    }
  } else if (protocol !== IP_PROTOCOL_FRAGMENT) {
    length = (view.getUint8(offset + 1) + 1) * EXTENSION_UNIT;
  }
  return length > end - offset ? -1 : length;
}

export function ipv6ExtensionNextHeader(view: DataView, offset: number): number {
  return view.getUint8(offset);
}

/** Offset in bytes (a multiple of 8) and, in bit 0, "more fragments". */
export function ipv6FragmentWord(view: DataView, offset: number): number {
  return view.getUint16(offset + 2);
}

export function ipv6FragmentIdentification(view: DataView, offset: number): number {
  return view.getUint32(offset + 4);
}

/**
 * Walks from the first header behind the IPv6 header, of kind `nextHeader` at `offset`, to the upper layer and fills
 * `walk`. Returns whether all the extension headers were whole.
 */
export function walkIpv6Extensions(
  view: DataView,
  offset: number,
  end: number,
  nextHeader: number,
  walk: Ipv6Walk,
): boolean {
  walk.protocol = nextHeader;
  walk.offset = offset;
  walk.fragmentHeader = -1;
  walk.isFragment = false;
  walk.isLaterFragment = false;
  while (isIpv6Extension(walk.protocol)) {
    const length = checkIpv6Extension(view, walk.offset, end, walk.protocol);
    if (length < 0) {
      return false;
    }
    if (walk.protocol === IP_PROTOCOL_FRAGMENT) {
      if (walk.fragmentHeader < 0) {
        walk.fragmentHeader = walk.offset;
      }
      const word = ipv6FragmentWord(view, walk.offset);
      walk.isFragment ||= (word & (IPV6_FRAGMENT_OFFSET_MASK | IPV6_MORE_FRAGMENTS)) !== 0;
      if ((word & IPV6_FRAGMENT_OFFSET_MASK) !== 0) {
        walk.isLaterFragment = true;
        walk.offset += length;
        return true;
      }
    }
    walk.protocol = ipv6ExtensionNextHeader(view, walk.offset);
    walk.offset += length;
  }
  return true;
}

/** The extension header of kind `protocol` at `offset`, or `null` when it fails the check. */
export function parseIpv6Extension(
  view: DataView,
  offset: number,
  end: number,
  protocol: number,
): Ipv6Extension | null {
  const length = checkIpv6Extension(view, offset, end, protocol);
  if (length < 0) {
    return null;
  }
  const nextHeader = ipv6ExtensionNextHeader(view, offset);
  switch (protocol) {
    case IP_PROTOCOL_FRAGMENT: {
      const word = ipv6FragmentWord(view, offset);
      return {
        kind: 'fragment',
        nextHeader,
        fragmentOffset: word & IPV6_FRAGMENT_OFFSET_MASK,
        moreFragments: (word & IPV6_MORE_FRAGMENTS) !== 0,
        identification: ipv6FragmentIdentification(view, offset),
      };
    }
    case IP_PROTOCOL_ROUTING:
      return {
        kind: 'routing',
        nextHeader,
        routingType: view.getUint8(offset + 2),
        segmentsLeft: view.getUint8(offset + 3),
        data: readBytes(view, offset + 4, length - 4),
      };
    case IP_PROTOCOL_AH:
      return {
        kind: 'authentication',
        nextHeader,
        securityParametersIndex: view.getUint32(offset + 4),
        sequence: view.getUint32(offset + 8),
        integrityCheckValue: readBytes(view, offset + AH_MINIMUM, length - AH_MINIMUM),
      };
    default:
      return { kind: 'options', nextHeader, options: readBytes(view, offset + 2, length - 2) };
  }
}

/** Bytes that `emitIpv6Extension` writes. */
export function ipv6ExtensionLength(header: Ipv6Extension): number {
  switch (header.kind) {
    case 'options':
      return (2 + header.options.length + 7) & ~7;
    case 'routing':
      return (4 + header.data.length + 7) & ~7;
    case 'fragment':
      return IPV6_FRAGMENT_HEADER_LENGTH;
    case 'authentication':
      return AH_MINIMUM + header.integrityCheckValue.length;
  }
}

/** Writes the header and returns its length. Options are padded with Pad1. */
export function emitIpv6Extension(header: Ipv6Extension, view: DataView, offset: number): number {
  const length = ipv6ExtensionLength(header);
  for (let at = offset; at < offset + length; at++) {
    view.setUint8(at, 0);
  }
  view.setUint8(offset, header.nextHeader);
  switch (header.kind) {
    case 'options':
      view.setUint8(offset + 1, length / EXTENSION_UNIT - 1);
      writeBytes(view, offset + 2, header.options);
      break;
    case 'routing':
      view.setUint8(offset + 1, length / EXTENSION_UNIT - 1);
      view.setUint8(offset + 2, header.routingType);
      view.setUint8(offset + 3, header.segmentsLeft);
      writeBytes(view, offset + 4, header.data);
      break;
    case 'fragment':
      view.setUint16(offset + 2, header.fragmentOffset | (header.moreFragments ? IPV6_MORE_FRAGMENTS : 0));
      view.setUint32(offset + 4, header.identification);
      break;
    case 'authentication':
      view.setUint8(offset + 1, length / 4 - 2);
      view.setUint32(offset + 4, header.securityParametersIndex);
      view.setUint32(offset + 8, header.sequence);
      writeBytes(view, offset + AH_MINIMUM, header.integrityCheckValue);
      break;
  }
  return length;
}

/** As tcpdump: `frag (1448|1400)`, with the offset and the `length` bytes behind the header; options are `HBH` or `DSTOPT` by `protocol`. */
export function formatIpv6Extension(header: Ipv6Extension, protocol: number, length: number): string {
  switch (header.kind) {
    case 'options':
      return formatIpProtocol(protocol);
    case 'routing':
      return `RT6 (len=${(ipv6ExtensionLength(header) >>> 3) - 1}, type=${header.routingType}, segleft=${header.segmentsLeft})`;
    case 'fragment':
      return `frag (${header.fragmentOffset}|${length})`;
    case 'authentication':
      return `AH(spi=${formatHexadecimal(header.securityParametersIndex, 8)},seq=${formatHexadecimal(header.sequence, 1)})`;
  }
}
