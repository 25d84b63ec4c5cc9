/** Failures of what surrounds the switch. */

export type PlatformErrorCode =
  | 'platform-unsupported'
  | 'platform-permission'
  | 'platform-no-namespace'
  | 'platform-memory'
  | 'platform-command'
  | 'platform-file'
  | 'platform-system';

export class PlatformError extends Error {
  readonly code: PlatformErrorCode;

  constructor(code: PlatformErrorCode, message: string) {
    super(message);
    this.name = 'PlatformError';
    this.code = code;
  }
}
