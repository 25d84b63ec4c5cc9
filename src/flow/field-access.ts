/**
 * Reading and writing fields in flows and matches.
 *
 * Most fields are the bits that the registry says. A few are not, and this file is where their difference lives:
 *
 * - `in_port_oxm` and `actset_output` are 32-bit ports of OpenFlow 1.1, whose reserved numbers start at 0xffffff00; the
 *   key has OpenFlow 1.0's, which start at 0xff00.
 * - `vlan_vid`, `dl_vlan`, `vlan_pcp` and `dl_vlan_pcp` as matches also say that there is a tag. A value of `vlan_vid` has
 *   13 bits: the VLAN ID and 0x1000 for "there is a tag" (ovs-fields(7), "OpenFlow 1.2 VLAN Fields").
 * - `nw_tos` is eight bits wide but leaves the two of ECN alone.
 * - `tun_metadataN` is present or not, which a bit of its own says.
 */
import { ETHERTYPE_VLAN } from '../wire/index.ts';
import { type MatchField, readBigBits, readBits, writeBigBits, writeBits } from './field.ts';
import { requireField } from './fields.ts';
import { type FlowWords, VLAN_CFI, W_TUN_METADATA_PRESENT, W_VLAN0 } from './key.ts';
import type { Match } from './match.ts';
import { tunMetadataIndex } from './tlv-table.ts';

/** dl_vlan of a match on packets without a tag (OpenFlow 1.0's OFP_VLAN_NONE) */
export const VLAN_NONE = 0xffff;
/** first reserved port number of OpenFlow 1.0 */
const OFPP10_RESERVED = 0xff00;
/** what a reserved port number of OpenFlow 1.1 has more than that of OpenFlow 1.0 */
const OFPP11_OFFSET = 0xffff0000;
const NW_TOS_BITS = 0xfcn;

const IN_PORT_OXM = requireField('in_port_oxm');
const ACTSET_OUTPUT = requireField('actset_output');
const VLAN_TCI = requireField('vlan_tci');
const DL_VLAN = requireField('dl_vlan');
const VLAN_VID = requireField('vlan_vid');
const DL_VLAN_PCP = requireField('dl_vlan_pcp');
const VLAN_PCP = requireField('vlan_pcp');
const NW_TOS = requireField('nw_tos');
const CT_NW_PROTO = requireField('ct_nw_proto');

/** The bits that a value of the field may have, which is also the mask of an exact match. */
export function fieldBits(field: MatchField): bigint {
  switch (field.id) {
    case NW_TOS.id:
      return NW_TOS_BITS;
    case VLAN_VID.id:
      return 0x1fffn;
    default:
      return (1n << BigInt(field.width)) - 1n;
  }
}

/** The field's value in a flow: as its text and its OXM have it, so `vlan_vid` with 0x1000 when there is a tag. */
export function readField(flow: FlowWords, field: MatchField): bigint {
  switch (field.id) {
    case IN_PORT_OXM.id:
    case ACTSET_OUTPUT.id:
      return BigInt(portToOpenFlow11(readBits(flow, field.bitOffset, 32)));
    case VLAN_VID.id:
      return BigInt(flow[W_VLAN0]! & 0x1fff);
    default:
      return readBigBits(flow, field.bitOffset, field.width) & fieldBits(field);
  }
}

/** Puts a value of the field in a flow. Bits outside `fieldBits` are dropped; nothing else of the flow changes. */
export function writeField(flow: FlowWords, field: MatchField, value: bigint): void {
  switch (field.id) {
    case IN_PORT_OXM.id:
    case ACTSET_OUTPUT.id:
      flow[field.bitOffset >>> 5] = portFromOpenFlow11(Number(value & 0xffffffffn));
      return;
    case VLAN_VID.id:
      writeBits(flow, field.bitOffset - 1, 13, Number(value & 0x1fffn));
      completeVlan(flow);
      return;
    case DL_VLAN.id:
    case DL_VLAN_PCP.id:
    case VLAN_PCP.id:
      writeBits(flow, field.bitOffset, field.width, Number(value & fieldBits(field)));
      flow[W_VLAN0]! |= VLAN_CFI;
      completeVlan(flow);
      return;
    case NW_TOS.id:
      writeBits(flow, field.bitOffset, 6, Number((value & NW_TOS_BITS) >> 2n));
      return;
    case VLAN_TCI.id:
      writeBits(flow, field.bitOffset, 16, Number(value & 0xffffn));
      completeVlan(flow);
      return;
    default:
      writeBigBits(flow, field.bitOffset, field.width, value);
      setPresent(flow, field, true);
  }
}

/** Gives a flow with an outer tag the TPID 0x8100 unless it has one: no field says it, and a frame needs it. */
export function completeVlan(flow: FlowWords): void {
  const word = flow[W_VLAN0]!;
  if ((word & VLAN_CFI) !== 0 && word >>> 16 === 0) {
    flow[W_VLAN0] = word | (ETHERTYPE_VLAN << 16);
  }
}

/** Makes `match` decide on `value` in the bits of `mask` and on no other bit of the field; a mask of 0 wildcards it. */
export function setMatchField(match: Match, field: MatchField, value: bigint, mask: bigint): void {
  const bits = fieldBits(field);
  const decided = mask & bits;
  const wanted = value & decided;
  switch (field.id) {
    case IN_PORT_OXM.id:
    case ACTSET_OUTPUT.id:
      setPort(match, field, value, mask);
      return;
    case DL_VLAN.id:
      setVlan(match, value === BigInt(VLAN_NONE) ? 0 : Number(wanted) | VLAN_CFI, dlVlanMask(value, decided), 0x1fff);
      return;
    case VLAN_VID.id:
      setVlan(match, Number(wanted), Number(decided), 0x1fff);
      return;
    case DL_VLAN_PCP.id:
    case VLAN_PCP.id:
      setVlanPriority(match, wanted, decided);
      return;
    case NW_TOS.id:
      writeBits(match.values, field.bitOffset, 6, Number(wanted >> 2n));
      writeBits(match.masks, field.bitOffset, 6, Number(decided >> 2n));
      return;
    default:
      writeBigBits(match.values, field.bitOffset, field.width, wanted);
      writeBigBits(match.masks, field.bitOffset, field.width, decided);
      setPresent(match.values, field, decided !== 0n);
      setPresent(match.masks, field, decided !== 0n);
  }
}

/** What `match` says of the field: the value is 0 outside the mask, the mask is 0 when the field does not matter. */
export function getMatchField(match: Match, field: MatchField): { value: bigint; mask: bigint } {
  switch (field.id) {
    case IN_PORT_OXM.id:
    case ACTSET_OUTPUT.id: {
      const decides = match.masks[field.bitOffset >>> 5] !== 0;
      return decides ? { value: readField(match.values, field), mask: fieldBits(field) } : { value: 0n, mask: 0n };
    }
    case DL_VLAN.id:
      // A match on "no tag" is a match on dl_vlan too, and the only one with a value that does not fit the VLAN ID.
      if ((match.masks[W_VLAN0]! & 0x1fff) === 0x1fff && (match.values[W_VLAN0]! & VLAN_CFI) === 0) {
        return { value: BigInt(VLAN_NONE), mask: fieldBits(field) };
      }
      return { value: readField(match.values, field), mask: readField(match.masks, field) };
    default:
      return { value: readField(match.values, field), mask: readField(match.masks, field) };
  }
}

/** The OpenFlow 1.1 number of a port given by its OpenFlow 1.0 number (16 bits, as in the key). */
export function portToOpenFlow11(port: number): number {
  return port >= OFPP10_RESERVED && port <= 0xffff ? port + OFPP11_OFFSET : port;
}

/** The OpenFlow 1.0 number of a port given by its OpenFlow 1.1 number; a number that has none is returned as it is. */
export function portFromOpenFlow11(port: number): number {
  return port >= OFPP11_OFFSET + OFPP10_RESERVED ? port - OFPP11_OFFSET : port;
}

function setPort(match: Match, field: MatchField, value: bigint, mask: bigint): void {
  const word = field.bitOffset >>> 5;
  const decides = mask !== 0n;
  match.values[word] = decides ? portFromOpenFlow11(Number(value & 0xffffffffn)) : 0;
  // in_port has 16 bits: both names of the ingress port have to give the same match.
  match.masks[word] = decides ? 0xffff : 0;
}

function dlVlanMask(value: bigint, decided: bigint): number {
  if (value === BigInt(VLAN_NONE)) {
    return 0xffff;
  }
  return decided === 0n ? 0 : Number(decided) | VLAN_CFI;
}

/** Replaces the bits `bits` of the outer TCI, and the rest of it where `mask` decides more. */
function setVlan(match: Match, value: number, mask: number, bits: number): void {
  const kept = ~(bits | mask);
  match.values[W_VLAN0] = (match.values[W_VLAN0]! & kept) | (value & mask);
  match.masks[W_VLAN0] = (match.masks[W_VLAN0]! & kept) | mask;
}

function setVlanPriority(match: Match, value: bigint, mask: bigint): void {
  if (mask === 0n) {
    setVlan(match, 0, 0, 0xe000);
    return;
  }
  setVlan(match, (Number(value) << 13) | VLAN_CFI, (Number(mask) << 13) | VLAN_CFI, 0xe000);
}

function setPresent(words: FlowWords, field: MatchField, present: boolean): void {
  if (field.id < CT_NW_PROTO.id) {
    const index = tunMetadataIndex(field);
    if (index >= 0) {
      // tun_metadata63 is the most significant bit of the first of the two words.
      writeBits(words, W_TUN_METADATA_PRESENT * 32 + 63 - index, 1, present ? 1 : 0);
    }
  }
}
