/**
 * The error that text about fields and matches raises. Its message is Open vSwitch's where Open vSwitch has one that
 * names the key and the value, and otherwise `VALUE: bad value for KEY (what was expected)`.
 */

/** What was wrong. Stable: programs may test for it. */
export type MatchErrorCode =
  | 'FIELD_UNKNOWN'
  | 'FIELD_NOT_MAPPED'
  | 'VALUE_MISSING'
  | 'VALUE_INVALID'
  | 'VALUE_OUT_OF_RANGE'
  | 'MASK_INVALID'
  | 'SUBFIELD_INVALID'
  | 'MATCH_CONFLICT'
  | 'PREREQUISITE_MISSING'
  | 'TLV_MAPPING_INVALID';

/** Text that names no field, no value of a field, or no match that could make sense. */
export class MatchError extends Error {
  readonly code: MatchErrorCode;

  constructor(code: MatchErrorCode, message: string) {
    super(message);
    this.name = 'MatchError';
    this.code = code;
  }
}
