/** What reading and writing actions needs to know besides the bytes, and what both directions share. */
import type { MatchField, Subfield, TlvTable } from '../../flow/index.ts';
import type { ControllerReason, HashFields } from '../actions.ts';
import { OpenFlowError, type OpenFlowErrorName, type OpenFlowVersion } from '../errors.ts';
import { isOutputPort } from '../port-text.ts';
import type { ByteReader } from './bytes.ts';
import { fieldOfAction, readOxmHeader } from './oxm.ts';

export interface WireOptions {
  /** where `tun_metadataN` is; without one such fields are refused */
  readonly tlvTable?: TlvTable;
}

export interface ActionContext extends WireOptions {
  readonly version: OpenFlowVersion;
}

/** OFPR_*: reasons of packet-ins and of the controller action, by number. */
export const PACKET_IN_REASONS: readonly ControllerReason[] = [
  'no_match',
  'action',
  'invalid_ttl',
  'action_set',
  'group',
  'packet_out',
];
/** NX_HASH_FIELDS_* by number. */
export const HASH_FIELDS: readonly HashFields[] = [
  'eth_src',
  'symmetric_l4',
  'symmetric_l3l4',
  'symmetric_l3l4+udp',
  'nw_src',
  'nw_dst',
  'symmetric_l3',
];
export const MULTIPATH_ALGORITHMS = ['modulo_n', 'hash_threshold', 'hrw', 'iter_hash'] as const;
export const BUNDLE_ALGORITHMS = ['active_backup', 'hrw'] as const;
export const SAMPLE_DIRECTIONS = ['default', 'ingress', 'egress'] as const;

/** deeper than anyone nests actions, and shallow enough for any stack */
export const MAX_ACTION_NESTING = 64;

/** The element of a list by its number on the wire. Throws `code`. */
export function byNumber<T>(list: readonly T[], number: number, what: string, code: OpenFlowErrorName): T {
  const found = list[number];
  if (found === undefined) {
    throw new OpenFlowError(code, `unknown ${what} ${number}`);
  }
  return found;
}

/** OpenFlow 1.0's number of an OpenFlow 1.1 port. Throws `code` for a port that has none. */
export function port16(port: number, code: OpenFlowErrorName): number {
  if (port < 0xff00) {
    return port;
  }
  if (port >= 0xffffff00) {
    return port - 0xffff0000;
  }
  throw new OpenFlowError(
    code,
    `port ${port} is outside the supported range 0 through 65279 or 0xffffff00 through 0xffffffff`,
  );
}

/** Throws `OFPBAC_BAD_OUT_PORT` for what packets cannot be sent to. */
export function checkOutputPort(port: number): number {
  if (!isOutputPort(port)) {
    throw new OpenFlowError('OFPBAC_BAD_OUT_PORT', `output to port ${port}`);
  }
  return port;
}

/** Reads the 32-bit (with experimenter 64-bit) name of a field in an action. */
export function readActionField(reader: ByteReader, { tlvTable }: WireOptions): MatchField {
  return fieldOfAction(readOxmHeader(reader, 'OFPBAC_BAD_LEN'), tlvTable);
}

/** A part of a field. Throws `OFPBAC_BAD_SET_LEN` when the field has no such bits, `OFPBAC_BAD_SET_ARGUMENT` for one that cannot be set. */
export function subfieldOf(field: MatchField, offset: number, bits: number, isDestination: boolean): Subfield {
  if (bits === 0 || offset + bits > field.width) {
    throw new OpenFlowError(
      'OFPBAC_BAD_SET_LEN',
      `bits ${offset}..${offset + bits - 1} are not in ${field.name}, which has ${field.width}`,
    );
  }
  if (isDestination && !field.writable) {
    throw new OpenFlowError('OFPBAC_BAD_SET_ARGUMENT', `destination field ${field.name} is not writable`);
  }
  return { field, offset, bits };
}

/** `ofs_nbits`: the lowest bit in the upper 10 bits, the number of bits less 1 in the lower 6. */
export function encodeOffsetBits({ offset, bits }: Subfield): number {
  return (offset << 6) | (bits - 1);
}
