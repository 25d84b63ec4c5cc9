/**
 * Runs of bytes between a view and arrays. Records hold copies, because the packet's memory is reused as soon as the
 * packet is gone.
 */

/** A copy of the bytes `[offset, offset + length)`. */
export function readBytes(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length).slice();
}

export function writeBytes(view: DataView, offset: number, bytes: Uint8Array): void {
  new Uint8Array(view.buffer, view.byteOffset + offset, bytes.length).set(bytes);
}

/** `value` as `0x` and at least `digits` hexadecimal digits. */
export function formatHexadecimal(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
