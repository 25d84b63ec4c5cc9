/**
 * Ports of every kind.
 *
 * What. A `Netdev` is where packets come from and go to. The datapath polls `receive` and calls `send` with batches of at
 * most `BATCH_SIZE` packets; everything about how a kind of port gets at its packets stays behind that.
 *
 * Why batches and borrowed memory. A system call per packet costs more than switching the packet, and copying it costs as
 * much as looking it up. So a port hands out packets in its own receive memory, valid until the next `receive`, with
 * headroom before each frame, and `send` may be given those same packets.
 *
 * Offload. A packet may be a 64 KB GSO frame with a checksum to be completed (packet.ts): that is what lets TCP pass at
 * the kernel's speed. A port that cannot pass this on completes it in software, as a network card would.
 *
 * How it is platform-free. This layer loads in a browser. Ports that need an operating system get their system calls
 * through `SystemCalls` (system-calls.ts), which `platform/` implements; files and clocks come in as functions.
 *
 * Errors. Nothing on the data path throws: what cannot be received or sent is dropped and counted in `stats`. Opening a
 * port throws an error with a `code`.
 */
export { MemoryNetdev, type MemoryNetdevOptions } from './memory.ts';
export { BATCH_SIZE, type Netdev, type NetdevStats } from './netdev.ts';
export { PacketMemory } from './packet-memory.ts';
export { openPacketSocket, type PacketSocketOptions } from './packet-socket.ts';
export { createPatchPair, type PatchOptions } from './patch.ts';
export {
  CaptureError,
  type CaptureErrorCode,
  type CaptureFormat,
  type CaptureInterface,
  CaptureReader,
  type CaptureRecord,
} from './pcap-format.ts';
export { PcapNetdev, type PcapNetdevOptions } from './pcap-netdev.ts';
export { CaptureWriter, type CaptureWriterOptions } from './pcap-writer.ts';
export {
  type MappedMemory,
  NetdevError,
  type NetdevErrorCode,
  type SystemCalls,
  type Watch,
} from './system-calls.ts';
export { openTap, type TapOptions } from './tap.ts';
