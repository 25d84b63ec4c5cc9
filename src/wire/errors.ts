/**
 * The error that text which should be an address, but is not, raises. Malformed packets raise nothing: the parsers of
 * this layer return `null` and the checks return -1, because a packet that makes no sense is not exceptional.
 */

/** What was wrong with an address or a prefix written as text. Stable: programs may test for it. */
export type AddressErrorCode =
  | 'ETHERNET_ADDRESS_INVALID'
  | 'IPV4_ADDRESS_INVALID'
  | 'IPV4_PREFIX_INVALID'
  | 'IPV6_ADDRESS_INVALID'
  | 'IPV6_PREFIX_INVALID';

/** Text that is no address; the message is Open vSwitch's, such as `10.0.0.256: invalid IP address`. */
export class AddressError extends Error {
  readonly code: AddressErrorCode;

  constructor(code: AddressErrorCode, message: string) {
    super(message);
    this.name = 'AddressError';
    this.code = code;
  }
}
