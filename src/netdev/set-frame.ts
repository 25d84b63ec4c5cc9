/** Filling pooled packets. */
import { DEFAULT_HEADROOM, type Packet } from '../wire/index.ts';

/** Makes `packet` hold a copy of `bytes[start, start + length)`, growing its buffer where needed. */
export function setFrame(packet: Packet, bytes: Uint8Array, start: number, length: number): void {
  if (packet.bytes.length < DEFAULT_HEADROOM + length) {
    packet.bytes = new Uint8Array(DEFAULT_HEADROOM + length);
    packet.view = new DataView(packet.bytes.buffer);
  }
  packet.bytes.set(
    start === 0 && length === bytes.length ? bytes : bytes.subarray(start, start + length),
    DEFAULT_HEADROOM,
  );
  packet.aim(DEFAULT_HEADROOM, length);
}
