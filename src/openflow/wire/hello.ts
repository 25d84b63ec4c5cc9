/**
 * The hello message and the choice of a version (OpenFlow 1.5 sections 6.3.1 and 7.5.1).
 *
 * Both sides say which versions they speak, in the header the highest and, since OpenFlow 1.3.1, all of them as a bitmap;
 * the highest that both speak is used. Bitmaps here have bit N for wire version N, up to 31, as on the wire.
 */
import type { OpenFlowVersion } from '../errors.ts';
import { type ByteReader, ByteWriter } from './bytes.ts';
import { HEADER_BYTES } from './framing.ts';

const ELEMENT_VERSION_BITMAP = 1;
/** bits 1..31: bit 0 would be a version 0, which does not exist */
const VALID_VERSIONS = 0xfffffffe;
const HIGHEST_VERSION = 31;

export interface HelloMessage {
  readonly type: 'hello';
  /** bit N: the sender speaks wire version N */
  readonly versions: number;
  /** whether the message has elements that were not understood, or a bitmap that makes no sense */
  readonly hasUnknown: boolean;
}

/** All versions up to `version`. */
export function versionsUpTo(version: number): number {
  const highest = Math.min(version, HIGHEST_VERSION);
  return ((highest === HIGHEST_VERSION ? 0xffffffff : 2 ** (highest + 1) - 1) & VALID_VERSIONS) >>> 0;
}

/** Reads a hello; `version` is the one of its header, and `reader` stands behind the header. */
export function decodeHello(reader: ByteReader, version: number): HelloMessage {
  let versions = versionsUpTo(version);
  let hasUnknown = false;
  while (reader.remaining > 0) {
    if (reader.remaining < 4) {
      hasUnknown = true;
      break;
    }
    const elementType = reader.u16();
    const length = reader.u16();
    const padded = Math.ceil(length / 8) * 8;
    if (length < 4 || padded - 4 > reader.remaining) {
      hasUnknown = true;
      break;
    }
    const bitmap = reader.sub(padded - 4);
    if (elementType !== ELEMENT_VERSION_BITMAP || length < 8 || length % 4 !== 0) {
      hasUnknown = true;
      continue;
    }
    const said = (bitmap.u32() & VALID_VERSIONS) >>> 0;
    if (said === 0) {
      hasUnknown = true;
    } else {
      versions = said;
    }
  }
  return { type: 'hello', versions, hasUnknown };
}

/** A hello with the bitmap, which is left out where the header's version says it all. */
export function encodeHello(versions: number, xid: number): Uint8Array {
  const highest = 31 - Math.clz32(versions & VALID_VERSIONS);
  const writer = new ByteWriter(HEADER_BYTES + 8);
  const withBitmap = versionsUpTo(highest) !== (versions & VALID_VERSIONS) >>> 0;
  writer.u8(highest);
  writer.u8(0);
  writer.u16(withBitmap ? HEADER_BYTES + 8 : HEADER_BYTES);
  writer.u32(xid);
  if (withBitmap) {
    writer.u16(ELEMENT_VERSION_BITMAP);
    writer.u16(8);
    writer.u32(versions & VALID_VERSIONS);
  }
  return writer.finish();
}

/** The version to speak when both sides said what they speak; null when they have none in common. */
export function negotiateVersion(ours: number, theirs: number): OpenFlowVersion | null {
  const common = ours & theirs & VALID_VERSIONS;
  return common === 0 ? null : ((31 - Math.clz32(common)) as OpenFlowVersion);
}
