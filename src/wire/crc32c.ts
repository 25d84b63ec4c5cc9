/**
 * CRC32c (Castagnoli), the checksum of SCTP (RFC 9260 section 6.8 and appendix A).
 *
 * How. The polynomial in reflected form, eight bytes a step with one 256-entry table per byte position ("slicing by
 * eight"), tables made when the module is loaded.
 */

const POLYNOMIAL = 0x82f63b78 | 0;
const SLICES = 8;
const TABLES: Int32Array = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
    }
    tables[byte] = crc;
  }
  for (let entry = 256; entry < tables.length; entry++) {
    const shorter = tables[entry - 256]!;
    tables[entry] = (shorter >>> 8) ^ tables[shorter & 255]!;
  }
  return tables;
}

/** The CRC register before the first byte. */
const CRC32C_START = -1;

/** Runs the bytes `[offset, offset + length)` through the CRC register, which starts at -1 and is inverted at the end. */
export function crc32cBytes(view: DataView, offset: number, length: number, register: number = CRC32C_START): number {
  let crc = register;
  let at = offset;
  const end = offset + length;
  for (const slicedEnd = end - 7; at < slicedEnd; at += 8) {
    const low = crc ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    crc =
      TABLES[1792 + (low & 255)]! ^
      TABLES[1536 + ((low >>> 8) & 255)]! ^
      TABLES[1280 + ((low >>> 16) & 255)]! ^
      TABLES[1024 + (low >>> 24)]! ^
      TABLES[768 + (high & 255)]! ^
      TABLES[512 + ((high >>> 8) & 255)]! ^
      TABLES[256 + ((high >>> 16) & 255)]! ^
      TABLES[high >>> 24]!;
  }
  for (; at < end; at++) {
    crc = (crc >>> 8) ^ TABLES[(crc ^ view.getUint8(at)) & 255]!;
  }
  return crc;
}

/** The CRC32c of the bytes `[offset, offset + length)`, unsigned. */
export function computeCrc32c(view: DataView, offset: number, length: number): number {
  return ~crc32cBytes(view, offset, length) >>> 0;
}
