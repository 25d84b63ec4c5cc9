/**
 * The Internet checksum (RFC 1071): over memory, adjusted for a changed field (RFC 1624), with the pseudo-headers of
 * IPv4 and IPv6.
 *
 * A *sum* here is a one's-complement sum that is not inverted and may have carries above bit 15; a *checksum* is its
 * folded, inverted form as it stands in a packet. Sums start at 0 or at another sum, so that a pseudo-header, a header
 * and a payload can be added one after the other (each but the last of even length).
 *
 * How. Memory is read 32 bits at a time and the two halves are added to two integers, which cannot overflow below
 * 128 kB, so that the loop has neither a carry nor a double in it.
 */

/** Bytes after which the two integers of `sumBytes` are folded; half of what they can take. */
const FOLD_AFTER_BYTES = 0x10000;

/** Adds the bytes `[offset, offset + length)` to `sum` and gives a sum of at most 17 bits. An odd last byte counts as the high byte of a word. */
export function sumBytes(view: DataView, offset: number, length: number, sum: number = 0): number {
  let total = foldSum(sum);
  let at = offset;
  let left = length;
  while (left > FOLD_AFTER_BYTES) {
    total = foldSum(total + sumChunk(view, at, FOLD_AFTER_BYTES));
    at += FOLD_AFTER_BYTES;
    left -= FOLD_AFTER_BYTES;
  }
  return total + sumChunk(view, at, left);
}

function sumChunk(view: DataView, offset: number, length: number): number {
  let high = 0;
  let low = 0;
  let at = offset;
  const end = offset + length;
  for (const unrolledEnd = end - 15; at < unrolledEnd; at += 16) {
    const a = view.getInt32(at);
    const b = view.getInt32(at + 4);
    const c = view.getInt32(at + 8);
    const d = view.getInt32(at + 12);
    high = (high + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)) | 0;
    low = (low + (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff)) | 0;
  }
  for (const wordEnd = end - 3; at < wordEnd; at += 4) {
    const word = view.getInt32(at);
    high = (high + (word >>> 16)) | 0;
    low = (low + (word & 0xffff)) | 0;
  }
  if (at + 1 < end) {
    low = (low + view.getUint16(at)) | 0;
    at += 2;
  }
  if (at < end) {
    low = (low + (view.getUint8(at) << 8)) | 0;
  }
  return foldSum(foldSum(high) + foldSum(low));
}

/** Brings a sum of up to 31 bits down to 16. */
function foldSum(sum: number): number {
  const once = (sum >>> 16) + (sum & 0xffff);
  return (once >>> 16) + (once & 0xffff);
}

/** The checksum of a sum. */
export function finishChecksum(sum: number): number {
  return ~foldSum(sum) & 0xffff;
}

/** The checksum of the bytes `[offset, offset + length)`, continuing `sum`. 0 says that bytes which hold their own checksum are intact. */
export function computeChecksum(view: DataView, offset: number, length: number, sum: number = 0): number {
  return finishChecksum(sumBytes(view, offset, length, sum));
}

/** The sum of the IPv4 pseudo-header (RFC 9293 section 3.1) of the header at `ipOffset` and `length` bytes of `protocol`. */
export function ipv4PseudoHeaderSum(view: DataView, ipOffset: number, length: number, protocol: number): number {
  const source = view.getInt32(ipOffset + 12);
  const destination = view.getInt32(ipOffset + 16);
  return (
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    (length >>> 16) +
    (length & 0xffff) +
    protocol
  );
}

/** The sum of the IPv6 pseudo-header (RFC 8200 section 8.1) of the header at `ipOffset` and `length` bytes of `nextHeader`. */
export function ipv6PseudoHeaderSum(view: DataView, ipOffset: number, length: number, nextHeader: number): number {
  let sum = (length >>> 16) + (length & 0xffff) + nextHeader;
  for (let at = ipOffset + 8; at < ipOffset + 40; at += 4) {
    const word = view.getInt32(at);
    sum += (word >>> 16) + (word & 0xffff);
  }
  return sum;
}

/** `checksum` after a 16-bit field that it covers went from `before` to `after` (RFC 1624, equation 3). */
export function updateChecksum16(checksum: number, before: number, after: number): number {
  return ~foldSum((~checksum & 0xffff) + (~before & 0xffff) + (after & 0xffff)) & 0xffff;
}

/** `checksum` after a 32-bit field that it covers went from `before` to `after`. */
export function updateChecksum32(checksum: number, before: number, after: number): number {
  const inverted = ~before;
  return (
    ~foldSum((~checksum & 0xffff) + (inverted >>> 16) + (inverted & 0xffff) + (after >>> 16) + (after & 0xffff)) &
    0xffff
  );
}

/**
 * `checksum` after the 128-bit field that is at `offset` of `view` is replaced by `words[index..index+4)`. Call it
 * before the field is written.
 */
export function updateChecksum128(
  checksum: number,
  view: DataView,
  offset: number,
  words: Int32Array,
  index: number,
): number {
  let sum = ~checksum & 0xffff;
  for (let word = 0; word < 4; word++) {
    const before = ~view.getInt32(offset + 4 * word);
    const after = words[index + word]! | 0;
    sum += (before >>> 16) + (before & 0xffff) + (after >>> 16) + (after & 0xffff);
  }
  return ~foldSum(sum) & 0xffff;
}
