/** Calls of the embedding API that cannot be carried out. */

export type SwitchErrorCode =
  | 'BRIDGE_UNKNOWN'
  | 'BRIDGE_EXISTS'
  | 'PORT_EXISTS'
  | 'PORT_NUMBER_INVALID'
  | 'PORT_UNKNOWN'
  | 'PORT_NOT_IN_MEMORY'
  | 'CONTINUATION_MISSING'
  | 'TIME_INVALID';

/** A call that cannot be carried out; nothing was changed. */
export class SwitchError extends Error {
  readonly code: SwitchErrorCode;

  constructor(code: SwitchErrorCode, message: string) {
    super(message);
    this.name = 'SwitchError';
    this.code = code;
  }
}
