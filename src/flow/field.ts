/**
 * What a match field is. The table of all fields is in fields.ts; this file has the record and reads and writes a
 * field in a flow, whatever its width.
 *
 * A flow's words, read in order as big-endian, are one string of bits. A field is `width` bits of it from `bitOffset`,
 * counted from the most significant bit of word 0. So a field's low bit is bit `bitOffset + width - 1` of the string.
 */
import type { FlowWords } from './key.ts';

/** How a value is written in text; named after the columns of ovs-fields(7). */
export type FieldFormat =
  | 'decimal'
  | 'hexadecimal'
  | 'ct-state'
  | 'ethernet'
  | 'ipv4'
  | 'ipv6'
  | 'openflow-port'
  | 'frag'
  | 'tunnel-flags'
  | 'tcp-flags'
  | 'packet-type';

/** What must hold in the same match for the field to mean anything (ovs-fields(7), "Prerequisites"). */
export type FieldPrerequisite =
  | 'none'
  | 'Ethernet'
  | 'ARP'
  | 'VLAN VID'
  | 'IPv4'
  | 'IPv6'
  | 'IPv4/IPv6'
  | 'NSH'
  | 'CT'
  | 'MPLS'
  | 'TCP'
  | 'UDP'
  | 'SCTP'
  | 'ICMPv4'
  | 'ICMPv6'
  | 'ND'
  | 'ND solicit'
  | 'ND advert';

/** An OXM or NXM identifier of a field (ovs-fields(7), OpenFlow 1.5 section 7.2.3). */
export interface OxmId {
  /** 0x0000, 0x0001 (NXM), 0x8000 (OpenFlow basic), 0x8001 (packet registers), 0xffff (experimenter) */
  readonly oxmClass: number;
  readonly field: number;
  /** experimenter id where oxmClass is 0xffff, otherwise 0 */
  readonly experimenter: number;
  /** first OpenFlow wire version that has it (0x01 = 1.0 … 0x06 = 1.5); 0 for NXM, which goes with any version */
  readonly sinceVersion: number;
  /** the identifier's name, such as `NXM_OF_IN_PORT` or `OXM_OF_IPV4_SRC` */
  readonly name: string;
}

export interface MatchField {
  /** index in the table of fields */
  readonly id: number;
  /** canonical name, such as `nw_src` */
  readonly name: string;
  /** other names accepted on input, such as `ip_src` */
  readonly aliases: readonly string[];
  /** significant bits; 0 for a tun_metadata field that no TLV table maps */
  readonly width: number;
  /** bytes in NXM/OXM */
  readonly bytes: number;
  /** position in the flow, from the most significant bit of word 0 */
  readonly bitOffset: number;
  /** whether any mask goes, or only exact match and full wildcard */
  readonly maskable: boolean;
  readonly writable: boolean;
  readonly format: FieldFormat;
  readonly prerequisite: FieldPrerequisite;
  readonly oxmIds: readonly OxmId[];
}

/** A range of bits of a field, as in `NXM_NX_REG0[4..7]`. */
export interface Subfield {
  readonly field: MatchField;
  /** lowest bit, 0 = the field's least significant bit */
  readonly offset: number;
  /** number of bits, at least 1 */
  readonly bits: number;
}

/** Reads `width` bits (1..32) from `bitOffset` as an unsigned number. */
export function readBits(words: FlowWords, bitOffset: number, width: number): number {
  const word = bitOffset >>> 5;
  const end = (bitOffset & 31) + width;
  if (end <= 32) {
    return ((words[word]! << (bitOffset & 31)) >>> (32 - width)) >>> 0;
  }
  const low = end - 32;
  const high = width - low;
  const highBits = words[word]! & (0xffffffff >>> (32 - high));
  return ((highBits << low) | (words[word + 1]! >>> (32 - low))) >>> 0;
}

/** Writes the low `width` bits (1..32) of `value` at `bitOffset`. */
export function writeBits(words: FlowWords, bitOffset: number, width: number, value: number): void {
  const word = bitOffset >>> 5;
  const end = (bitOffset & 31) + width;
  const ones = width === 32 ? -1 : (1 << width) - 1;
  if (end <= 32) {
    const shift = 32 - end;
    words[word] = (words[word]! & ~(ones << shift)) | ((value & ones) << shift);
    return;
  }
  const low = end - 32;
  words[word] = (words[word]! & ~(ones >>> low)) | ((value & ones) >>> low);
  words[word + 1] = (words[word + 1]! & (0xffffffff >>> low)) | (value << (32 - low));
}

/** Reads a field or part of one, of any width, as an unsigned bigint. */
export function readBigBits(words: FlowWords, bitOffset: number, width: number): bigint {
  let value = 0n;
  let done = 0;
  while (done < width) {
    const step = Math.min(32, width - done);
    value = (value << BigInt(step)) | BigInt(readBits(words, bitOffset + done, step));
    done += step;
  }
  return value;
}

/** Writes the low `width` bits of `value`, of any width, at `bitOffset`. */
export function writeBigBits(words: FlowWords, bitOffset: number, width: number, value: bigint): void {
  let rest = value;
  let left = width;
  while (left > 0) {
    const step = Math.min(32, left);
    left -= step;
    writeBits(words, bitOffset + left, step, Number(rest & 0xffffffffn));
    rest >>= BigInt(step);
  }
}

/** Bit offset in the flow of a subfield's most significant bit. */
export function subfieldBitOffset(subfield: Subfield): number {
  return subfield.field.bitOffset + subfield.field.width - subfield.offset - subfield.bits;
}
