/**
 * Properties: type, length and value in multiples of 8 bytes, which OpenFlow 1.4 and Nicira's later messages extend
 * structures by (OpenFlow 1.4 section 7.1.2).
 */
import { OpenFlowError, type OpenFlowErrorName } from '../errors.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

const EXPERIMENTER_PROPERTY = 0xffff;

export interface PropertyRules {
  /** pass over unknown properties */
  readonly loose?: boolean;
  /** how far a property's length is rounded up; 8 unless said */
  readonly alignment?: number;
  /** what a bad length is */
  readonly lengthError?: OpenFlowErrorName;
}

/**
 * Reads properties until the end of `reader`. `take` gets the type and the value without padding and returns whether it knows
 * the property. Throws `OFPBPC_BAD_LEN`, `OFPBPC_BAD_TYPE`, and `OFPBPC_BAD_EXPERIMENTER` for what it does not know.
 */
export function readProperties(
  reader: ByteReader,
  take: (type: number, body: ByteReader) => boolean,
  { loose = false, alignment = 8, lengthError = 'OFPBPC_BAD_LEN' }: PropertyRules = {},
): void {
  while (reader.remaining > 0) {
    if (reader.remaining < 4) {
      throw new OpenFlowError(lengthError, `property of ${reader.remaining} bytes`);
    }
    const type = reader.u16();
    const length = reader.u16();
    const padded = Math.ceil(length / alignment) * alignment;
    if (length < 4 || padded - 4 > reader.remaining) {
      throw new OpenFlowError(lengthError, `property of ${length} bytes, ${reader.remaining + 4} are left`);
    }
    const body = reader.sub(length - 4, lengthError);
    reader.skip(padded - length);
    if (!take(type, body) && !loose) {
      throw type === EXPERIMENTER_PROPERTY
        ? new OpenFlowError('OFPBPC_BAD_EXPERIMENTER', 'unknown experimenter property')
        : new OpenFlowError('OFPBPC_BAD_TYPE', `unknown property type ${type}`);
    }
  }
}

/** Writes a property whose value `write` puts down, padded. */
export function writeProperty(writer: ByteWriter, type: number, write?: () => void): void {
  const start = writer.length;
  writer.u16(type);
  writer.u16(0);
  write?.();
  writer.patch16(start + 2, writer.length - start);
  writer.pad(start);
}
