/**
 * The flow layer: what a packet looks like to everything that decides about it.
 *
 * What. A *flow* is a fixed array of 32-bit words (key.ts): the headers of a packet, what is known about it, and the state
 * of the OpenFlow pipeline. A *mask* has the same layout and says which bits decide; a flow and its mask are a *match*
 * (match.ts). A registry (fields.ts) names the fields over the words, with their NXM and OXM identifiers.
 *
 * Why. One layout for packets, megaflows and OpenFlow flows means that "does it match", "what did the decision look
 * at" and "hash what counts" are loops over words that know no protocol. Whatever knows names, numbers or text goes
 * through the registry, so that a field is described in one row and nowhere else.
 *
 * How. Text comes in and goes out here, because matches in text occur in flow tables, on the command line and in
 * traces alike: field-text.ts has values (`10.0.0.0/8`, `+trk-new`, `LOCAL`), subfield-text.ts has `NXM_NX_REG0[4..7]`,
 * match-text.ts reads matches, match-format.ts and flow-format.ts print them. field-access.ts reads and writes a field in a flow or a match,
 * and is the only place that knows the fields that are not just their bits (VLANs, OpenFlow 1.1 ports, nw_tos).
 * Extraction, hashing and the sparse forms are the hot side of the layer and know words only.
 *
 * Flows and masks are plain arrays that their owner may change; nothing in this layer keeps one that it was given.
 */
export * from './errors.ts';
export { extractFlow } from './extract.ts';
export * from './extract-status.ts';
export * from './field.ts';
export * from './field-access.ts';
export * from './field-text.ts';
export * from './fields.ts';
export { CT_STATE_FLAGS, type FlagName, formatFlags, parseFlags, TCP_FLAGS } from './flag-text.ts';
export * from './flow-format.ts';
export * from './flow-hash.ts';
export { finishHash, hashWord, hashWords } from './hash.ts';
export * from './key.ts';
export * from './mask.ts';
export * from './match.ts';
export * from './match-format.ts';
export * from './match-text.ts';
export * from './miniflow.ts';
export * from './port-text.ts';
export * from './prerequisites.ts';
export * from './split-terms.ts';
export * from './subfield-text.ts';
export * from './tlv-table.ts';
