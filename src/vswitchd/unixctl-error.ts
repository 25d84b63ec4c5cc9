/** A command that cannot be done; the message is what `ovs-appctl` prints. */
export class UnixctlError extends Error {
  readonly code: 'unixctl' = 'unixctl';

  constructor(message: string) {
    super(message);
    this.name = 'UnixctlError';
  }
}
