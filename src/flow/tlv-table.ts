/**
 * Where tunnel options live: a TLV table gives each `tun_metadataN` that it maps a place in the key's 256 bytes of
 * option data (ovs-fields(7), "Geneve Fields").
 *
 * A field that no table maps has no width, so it can be named but neither matched nor set. A table is immutable: mapping
 * more options makes a new one, because flows written under the old one mean what they meant.
 */
import { MatchError } from './errors.ts';
import type { MatchField } from './field.ts';
import { isTunMetadata, requireField, TUN_METADATA_FIELDS } from './fields.ts';
import { TUN_METADATA_WORDS, W_TUN_METADATA } from './key.ts';

/** A Geneve option and the field that stands for it, as `ovs-ofctl add-tlv-map` gives it. */
export interface TlvMapping {
  readonly optionClass: number;
  readonly optionType: number;
  /** bytes of option data: a multiple of 4 in 4..124 */
  readonly length: number;
  /** N of `tun_metadataN` */
  readonly index: number;
}

export interface TlvTable {
  readonly mappings: readonly TlvMapping[];
  /** the field of each mapped index, with its width and place */
  readonly fields: ReadonlyMap<number, MatchField>;
}

const OPTION_DATA_BYTES = TUN_METADATA_WORDS * 4;
const OPTION_LENGTH_LIMIT = 124;

/**
 * Lays out the options in the order given. Throws `MatchError` (`TLV_MAPPING_INVALID`) for an index, an option or a length
 * that cannot be, one that is mapped twice, or more data than the key holds.
 */
export function createTlvTable(mappings: readonly TlvMapping[]): TlvTable {
  const fields = new Map<number, MatchField>();
  const options = new Set<string>();
  let used = 0;
  for (const mapping of mappings) {
    const { optionClass, optionType, length, index } = mapping;
    check(index >= 0 && index < TUN_METADATA_FIELDS, mapping, `tun_metadata${index} does not exist`);
    check(
      optionClass >= 0 && optionClass <= 0xffff && optionType >= 0 && optionType <= 0xff,
      mapping,
      'no such option',
    );
    check(
      length >= 4 && length <= OPTION_LENGTH_LIMIT && length % 4 === 0,
      mapping,
      'length is not a multiple of 4 in 4..124',
    );
    check(!fields.has(index), mapping, `tun_metadata${index} is mapped twice`);
    check(!options.has(`${optionClass}.${optionType}`), mapping, 'the option is mapped twice');
    check(used + length <= OPTION_DATA_BYTES, mapping, `options exceed ${OPTION_DATA_BYTES} bytes`);
    options.add(`${optionClass}.${optionType}`);
    fields.set(index, {
      ...requireField(`tun_metadata${index}`),
      width: length * 8,
      bytes: length,
      bitOffset: W_TUN_METADATA * 32 + used * 8,
    });
    used += length;
  }
  return { mappings: [...mappings], fields };
}

/**
 * The field with its place in the key. Throws `MatchError` (`FIELD_NOT_MAPPED`) for a tun_metadata field that `table` (or
 * no table) does not map; any other field is returned as it is.
 */
export function mappedField(field: MatchField, table: TlvTable | undefined): MatchField {
  if (field.width !== 0) {
    return field;
  }
  const mapped = table?.fields.get(tunMetadataIndex(field));
  if (mapped === undefined) {
    throw new MatchError('FIELD_NOT_MAPPED', `${field.name}: not mapped to a tunnel option (see add-tlv-map)`);
  }
  return mapped;
}

/** N of `tun_metadataN`, -1 for any other field. */
export function tunMetadataIndex(field: MatchField): number {
  return isTunMetadata(field) ? Number(field.name.slice('tun_metadata'.length)) : -1;
}

function check(condition: boolean, mapping: TlvMapping, problem: string): void {
  if (!condition) {
    const { optionClass, optionType, length, index } = mapping;
    const text = `{class=0x${optionClass.toString(16)},type=0x${optionType.toString(16)},len=${length}}->tun_metadata${index}`;
    throw new MatchError('TLV_MAPPING_INVALID', `${text}: ${problem}`);
  }
}
