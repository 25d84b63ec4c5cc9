/**
 * The wire layer: the bytes of frames and what they mean, one file per protocol header.
 *
 * What. For each header: its constants; functions that read and write one field of it in memory; one check; a plain
 * record with `parse…`, `…Length` and `emit…`; text as tcpdump writes it. Besides: addresses and checksums, `Packet`
 * (a frame with headroom and offload metadata), and three tools over all headers: `composeFrame` builds a frame from
 * records, `describeFrame` says one in a line, `segmentCount` and `writeSegment` cut offloaded ones.
 *
 * Why this way. The switch touches headers on two kinds of path. The fast path reads and changes single fields of
 * memory that it does not own and must not allocate: it uses the check and the field functions. Everything else (ARP
 * replies, tests, traces, the in-process hosts) wants values that can be compared, kept and printed: it uses records.
 * Both are one file, so that the layout of a header is written down once.
 *
 * How. All functions take a `DataView` made by whoever owns the memory (`Packet.view`; one class of view everywhere keeps
 * call sites monomorphic), and offsets into it. A packet's extent is `[offset, end)`, which is less than the view: views
 * cover whole receive buffers. `check…(view, offset, end)` returns the header's length, or -1 when the header is cut off
 * or contradicts itself; after it no field function of that header reads beyond `end`. `parse…` returns `null` in that
 * case. Nothing here throws for bad packets; only text that is no address does (`AddressError`). Field functions do not
 * look at ranges, so values must fit. `emit…` writes all bytes of the header and returns their number; a checksum over
 * more than the header is left 0 for `fill…Checksum` once the payload stands.
 *
 * Values. IPv4 addresses are unsigned 32-bit numbers; Ethernet and IPv6 addresses are `bigint`s in records, and bytes or
 * words where it must be fast. Lengths and offsets are bytes. Records hold copies, never views of packet memory.
 */
export * from './arp.ts';
export * from './bytes.ts';
export * from './checksum.ts';
export * from './compose.ts';
export * from './crc32c.ts';
export * from './describe.ts';
export * from './errors.ts';
export * from './ethernet.ts';
export * from './ethernet-address.ts';
export * from './icmp.ts';
export * from './icmpv6.ts';
export * from './igmp.ts';
export * from './ip-address.ts';
export * from './ip-protocol.ts';
export * from './ipv4.ts';
export * from './ipv6.ts';
export * from './ipv6-extension.ts';
export * from './layers.ts';
export * from './llc.ts';
export * from './mld.ts';
export * from './mpls.ts';
export * from './ndp.ts';
export * from './nsh.ts';
export * from './packet.ts';
export * from './sctp.ts';
export * from './segment.ts';
export * from './tcp.ts';
export * from './tcp-options.ts';
export * from './udp.ts';
export * from './vlan.ts';
