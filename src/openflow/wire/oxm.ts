/**
 * NXM and OXM headers: the 32 bits that name a field (64 with an experimenter), and which of a field's names to use
 * (OpenFlow 1.5 section 7.2.3.2; ovs-fields(7)).
 *
 * A header is class (16 bits), field (7), whether a mask follows (1), and the bytes of what follows (8), with the
 * experimenter's number among them. Headers stand alone, too, where an action names a field.
 */
import { FIELDS, type MatchField, mappedField, type OxmId, type TlvTable } from '../../flow/index.ts';
import { OpenFlowError, type OpenFlowErrorName, type OpenFlowVersion } from '../errors.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

const EXPERIMENTER_CLASS = 0xffff;
const EXPERIMENTER_BYTES = 4;

/**
 * Which names of fields to prefer: NXM's (0), or OXM's as of an OpenFlow version (3..6), with NXM's for fields that have no
 * other then. NXM's go with any version.
 */
export type OxmForm = 0 | OpenFlowVersion;

export interface OxmHeader {
  /** null: no field is known by that name */
  readonly field: MatchField | null;
  readonly hasMask: boolean;
  /** bytes of value and mask that follow */
  readonly length: number;
  /** the first 32 bits, for messages */
  readonly raw: number;
}

/** Fields by class and field number; those of experimenters in a table for each. */
const STANDARD_FIELDS: ReadonlyMap<number, MatchField> = indexFields(0);
const EXPERIMENTER_FIELDS: ReadonlyMap<number, ReadonlyMap<number, MatchField>> = indexExperimenters();

/** For each form and field, the identifier to write; null where a field has none. */
const PREFERRED: readonly (readonly (OxmId | null)[])[] = [0, 1, 2, 3, 4, 5, 6].map((form) =>
  FIELDS.map((field) => choose(field.oxmIds, form)),
);

/** Reads a header. Throws `short` for one that is cut off or shorter than its experimenter. */
export function readOxmHeader(reader: ByteReader, short: OpenFlowErrorName = 'OFPBMC_BAD_LEN'): OxmHeader {
  if (reader.remaining < 4) {
    throw new OpenFlowError(short, `encountered partial (${reader.remaining}-byte) OXM entry`);
  }
  const raw = reader.u32();
  const hasMask = (raw & 0x100) !== 0;
  const length = raw & 0xff;
  if (raw >>> 16 !== EXPERIMENTER_CLASS) {
    return { field: STANDARD_FIELDS.get(raw >>> 9) ?? null, hasMask, length, raw };
  }
  if (reader.remaining < EXPERIMENTER_BYTES || length < EXPERIMENTER_BYTES) {
    throw new OpenFlowError(short, 'OXM entry is shorter than its experimenter');
  }
  const fields = EXPERIMENTER_FIELDS.get(reader.u32());
  return { field: fields?.get(raw >>> 9) ?? null, hasMask, length: length - EXPERIMENTER_BYTES, raw };
}

/** Writes the header of a field of `bytes` bytes; the length counts a mask when there is one. */
export function writeOxmHeader(
  writer: ByteWriter,
  form: OxmForm,
  field: MatchField,
  hasMask: boolean,
  bytes: number = field.bytes,
): void {
  const id = PREFERRED[form]![field.id];
  if (id === null || id === undefined) {
    throw new OpenFlowError('OFPBMC_BAD_FIELD', `${field.name} has no OXM`);
  }
  const isExperimenter = id.oxmClass === EXPERIMENTER_CLASS;
  const length = (hasMask ? 2 * bytes : bytes) + (isExperimenter ? EXPERIMENTER_BYTES : 0);
  writer.u32(id.oxmClass * 0x10000 + ((id.field << 9) | (hasMask ? 0x100 : 0) | length));
  if (isExperimenter) {
    writer.u32(id.experimenter);
  }
}

/** Whether the field can be named at all. */
export function hasOxm(field: MatchField): boolean {
  return field.oxmIds.length > 0;
}

/** Whether the header of the field, as the form names it, has an experimenter's number behind it. */
export function isExperimenterField(form: OxmForm, field: MatchField): boolean {
  return PREFERRED[form]![field.id]?.oxmClass === EXPERIMENTER_CLASS;
}

/** The field that an action names, with its place. Throws `OFPBAC_BAD_SET_TYPE`, `OFPBAC_BAD_SET_LEN` or `NXFMFC_INVALID_TLV_FIELD`. */
export function fieldOfAction(header: OxmHeader, tlvTable: TlvTable | undefined): MatchField {
  if (header.field === null) {
    throw new OpenFlowError('OFPBAC_BAD_SET_TYPE', `unknown field 0x${header.raw.toString(16)}`);
  }
  const field = resolveField(header.field, tlvTable);
  const bytes = header.hasMask ? header.length / 2 : header.length;
  if (header.field.bytes !== 0 && bytes !== field.bytes && header.length !== 0) {
    throw new OpenFlowError('OFPBAC_BAD_SET_LEN', `${field.name} has ${field.bytes} bytes, not ${bytes}`);
  }
  return field;
}

/** The field with its place in the key. Throws `NXFMFC_INVALID_TLV_FIELD` for a tunnel option that is not mapped. */
export function resolveField(field: MatchField, tlvTable: TlvTable | undefined): MatchField {
  if (field.width !== 0) {
    return field;
  }
  try {
    return mappedField(field, tlvTable);
  } catch {
    throw new OpenFlowError('NXFMFC_INVALID_TLV_FIELD', `${field.name} is not mapped to a tunnel option`);
  }
}

function choose(ids: readonly OxmId[], form: number): OxmId | null {
  let best: OxmId | null = ids[0] ?? null;
  for (const id of ids) {
    if (best !== null && id.sinceVersion <= form && id.sinceVersion > best.sinceVersion) {
      best = id;
    }
  }
  const nxm = ids.find((id) => id.sinceVersion === 0);
  return best !== null && best.sinceVersion > form && nxm !== undefined ? nxm : best;
}

function indexFields(experimenter: number): Map<number, MatchField> {
  const index = new Map<number, MatchField>();
  for (const field of FIELDS) {
    for (const id of field.oxmIds) {
      if (id.experimenter === experimenter) {
        index.set(id.oxmClass * 0x80 + id.field, field);
      }
    }
  }
  return index;
}

function indexExperimenters(): Map<number, ReadonlyMap<number, MatchField>> {
  const experimenters = new Set(FIELDS.flatMap((field) => field.oxmIds.map((id) => id.experimenter)));
  experimenters.delete(0);
  return new Map([...experimenters].map((experimenter) => [experimenter, indexFields(experimenter)]));
}
