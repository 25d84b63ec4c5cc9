/**
 * OpenFlow on the wire: messages of OpenFlow 1.0 to 1.5 with the Nicira and ONF extensions, from and to bytes and as text.
 *
 * What. `MessageSplitter` cuts a connection's bytes into messages, `decodeMessage` makes records of them (records.ts),
 * `encodeMessage` and `encodeMessages` make bytes; `formatMessage` is what `ovs-ofctl ofp-print` and the logs of connections show.
 *
 * Why one record for all versions. A switch does the same for a flow mod whatever version it came in; what differs is
 * numbers, padding and what can be said at all. So a table (message-table.ts) says which versions have which message,
 * and the codec of each kind branches on the version where its bytes differ.
 *
 * How. Nothing here knows connections or the state of a switch. A decoder throws an `OpenFlowError` whose `code` is the error
 * to send back (`errorMessage`), never anything else, whatever the bytes. Encoders say what the version can say; what
 * it cannot is left out or said with an extension, as Open vSwitch does.
 */

export type { WireOptions } from './action-context.ts';
export {
  type DecodedMessage,
  type DecodeOptions,
  decodeMessage,
  type EncodeOptions,
  encodeMessage,
  encodeMessages,
  identify,
} from './codec.ts';
export { inPortOf } from './codec-context.ts';
export * from './framing.ts';
export { encodeHello, type HelloMessage, negotiateVersion, versionsUpTo } from './hello.ts';
export { formatHexDump, formatMessage, formatPacketOrError, type MessageTextOptions } from './message-text.ts';
export { fitsMatch10 } from './old-match.ts';
export { matchInPort } from './packet-codec.ts';
export * from './records.ts';
export { errorMessage } from './switch-codec.ts';
