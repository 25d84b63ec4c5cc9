/**
 * The errors that bad input to the codecs of this layer raises: netlink attributes and `ovs-dpctl` text. The data path
 * itself raises none: it counts and goes on.
 */

/** What was wrong. Stable: programs may test for it. */
export type DatapathErrorCode =
  | 'ACTION_CODE_INVALID'
  | 'NETLINK_TRUNCATED'
  | 'NETLINK_ATTRIBUTE_UNKNOWN'
  | 'NETLINK_ATTRIBUTE_DUPLICATE'
  | 'NETLINK_ATTRIBUTE_MISSING'
  | 'NETLINK_LENGTH_INVALID'
  | 'NETLINK_VALUE_INVALID'
  | 'NETLINK_NESTED_TOO_DEEP'
  | 'NETLINK_MASK_INVALID'
  | 'FLOW_SYNTAX_INVALID'
  | 'FLOW_VALUE_INVALID'
  | 'FLOW_FIELD_UNKNOWN'
  | 'FLOW_PORT_UNKNOWN'
  | 'FLOW_KEY_DUPLICATE'
  | 'ACTION_SYNTAX_INVALID'
  | 'ACTION_VALUE_INVALID'
  | 'ACTION_UNKNOWN'
  | 'ACTIONS_TOO_DEEP';

/** Input that is no flow key, no mask or no action list; `offset` says where it stops to make sense. */
export class DatapathError extends Error {
  readonly code: DatapathErrorCode;
  /** byte (netlink), character (text) or word (action code) at which the input is wrong */
  readonly offset: number;
  /** what would have been right there */
  readonly expected: string;

  constructor(code: DatapathErrorCode, message: string, offset: number, expected: string) {
    super(`${message} at offset ${offset}: expected ${expected}`);
    this.name = 'DatapathError';
    this.code = code;
    this.offset = offset;
    this.expected = expected;
  }
}
