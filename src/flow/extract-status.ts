/**
 * What `extractFlow` returns: whether it understood the packet, and if not, where it had to stop. For counters and
 * messages; a packet that was not understood is switched all the same, on what could be read of it.
 */

/** The whole packet was understood, as far as the switch looks. */
export const EXTRACT_OK = 0;
/** The frame is shorter than an Ethernet header; every packet word of the key is 0. */
export const EXTRACT_SHORT_ETHERNET = 1;
/** The frame ends inside a VLAN tag; the tag's TPID stands as eth_type. */
export const EXTRACT_SHORT_VLAN = 2;
/** The frame ends before the bottom of its MPLS label stack. */
export const EXTRACT_SHORT_MPLS = 3;
/** Fewer bytes than the IPv4 header says that it has. */
export const EXTRACT_SHORT_IPV4 = 4;
/** The IPv4 header length is below 20, or the total length below it or far below the frame's. */
export const EXTRACT_BAD_IPV4 = 5;
/** The IPv4 total length goes beyond the frame. */
export const EXTRACT_LONG_IPV4 = 6;
/** Fewer than the 40 bytes of an IPv6 header. */
export const EXTRACT_SHORT_IPV6 = 7;
/** The IPv6 payload length goes beyond the frame, or is far below it. */
export const EXTRACT_BAD_IPV6 = 8;
/** An IPv6 extension header goes beyond the payload. */
export const EXTRACT_BAD_IPV6_EXTENSION = 9;
/** ARP or RARP cut off, or not for IPv4 over Ethernet, or with an opcode above 255. */
export const EXTRACT_BAD_ARP = 10;
/** NSH cut off, of another version than 0, or of a length that its metadata type does not have. */
export const EXTRACT_BAD_NSH = 11;
/** The IP payload is shorter than the transport protocol's header, or TCP's data offset does not fit. */
export const EXTRACT_SHORT_TRANSPORT = 12;
/** Neighbour discovery without target, with a cut off option, or with the same link-layer option twice. */
export const EXTRACT_BAD_ND = 13;

/** What each status means, by its number. */
export const EXTRACT_STATUS_TEXTS: readonly string[] = [
  'ok',
  'frame shorter than an Ethernet header',
  'truncated VLAN tag',
  'MPLS label stack without bottom',
  'truncated IPv4 header',
  'bad IPv4 header length or total length',
  'IPv4 total length beyond the frame',
  'truncated IPv6 header',
  'bad IPv6 payload length',
  'truncated IPv6 extension header',
  'truncated or unsupported ARP',
  'truncated or unsupported NSH',
  'truncated transport header',
  'truncated or malformed neighbour discovery',
];
