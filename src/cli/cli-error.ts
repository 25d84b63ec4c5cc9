/** What the command line itself complains about. */

export type CliErrorCode =
  | 'CLI_USAGE'
  | 'CLI_FILE'
  | 'CLI_PIPELINE'
  | 'CLI_FLOW'
  | 'CLI_CAPTURE'
  | 'CLI_PORT_UNKNOWN'
  | 'CLI_OUTPUT'
  | 'CLI_NAMESPACES';

/** A command that cannot be carried out. `CLI_USAGE` is for arguments that make no sense: exit code 2, all others 1. */
export class CliError extends Error {
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}

/**
 * Whether the error is about what the user gave us or about the machine, rather than a mistake in the program. All layers
 * give such errors a `code`; so do failed system calls, and Node's own complaints about wrong calls, which are bugs.
 */
export function isExpectedError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && !error.code.startsWith('ERR_');
}
