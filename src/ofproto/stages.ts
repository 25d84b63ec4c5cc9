/**
 * The order in which a classifier looks at the words of a flow: metadata, then L2, L3 and L4.
 *
 * A subtable's lookup stops at the first of these stages at which no rule can match, and leaves the bits of later
 * stages wildcarded. Cheap, seldom changing facts (the port a packet came in by, registers) therefore come first and
 * what differs in every connection (transport ports) comes last, as in Open vSwitch.
 *
 * The layout of the key (flow/key.ts) packs for the datapath, not for this, so the stages are a permutation of its
 * words. Two words lie in two stages each: of `W_TYPE_PROTO_FRAG` the Ethertype is L2, the protocol and fragment bits are
 * L3; of `W_TOS_TTL_FLAGS` the TCP flags are L4, the rest is L3. Which field is in which stage is as in Open vSwitch.
 */
import {
  FLOW_WORDS,
  W_CT_IPV6_SRC,
  W_CT_NW_DST,
  W_CT_NW_SRC,
  W_CT_TP,
  W_ETH_DST,
  W_ETH_DST_SRC,
  W_ETH_SRC,
  W_IGMP_GROUP,
  W_IPV6_LABEL,
  W_IPV6_SRC,
  W_MPLS,
  W_ND_TARGET,
  W_NSH_BASE,
  W_NW_DST,
  W_NW_SRC,
  W_PACKET_END,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  W_VLAN1,
} from '../flow/index.ts';

/** Names of the stages, in order. */
export const STAGE_NAMES = ['metadata', 'L2', 'L3', 'L4'] as const;
export type StageName = (typeof STAGE_NAMES)[number];

const STAGE_METADATA = 0;
const STAGE_L2 = 1;
const STAGE_L3 = 2;
const STAGE_L4 = 3;

const HIGH_HALF = 0xffff0000 | 0;
const LOW_HALF = 0xffff;

const L2_WORDS = [W_ETH_DST, W_ETH_DST_SRC, W_ETH_SRC, W_VLAN0, W_VLAN1, W_MPLS, W_MPLS + 1, W_MPLS + 2];
const L3_WORDS = [
  W_NW_SRC,
  W_NW_DST,
  ...range(W_IPV6_SRC, W_IPV6_LABEL + 1),
  W_CT_NW_SRC,
  W_CT_NW_DST,
  ...range(W_CT_IPV6_SRC, W_CT_TP),
];
const L4_WORDS = [
  ...range(W_ND_TARGET, W_IGMP_GROUP + 1),
  ...range(W_NSH_BASE, W_PACKET_END),
  W_CT_TP,
  // last, because ports differ most
  W_TP,
];
const SHARED_WORDS = [W_TYPE_PROTO_FRAG, W_TOS_TTL_FLAGS];

interface Position {
  readonly word: number;
  readonly bits: number;
  readonly stage: number;
}

const POSITIONS: readonly Position[] = orderPositions();

/** number of places in the order; more than the words because some are in two stages */
export const POSITIONS_COUNT: number = POSITIONS.length;
/** the word at each place of the order */
export const POSITION_WORD: Int32Array = Int32Array.from(POSITIONS, (position) => position.word);
/** the bits of that word that belong to this place */
export const POSITION_BITS: Int32Array = Int32Array.from(POSITIONS, (position) => position.bits);
/** the index in `STAGE_NAMES` of each place; ascending */
export const POSITION_STAGE: Int32Array = Int32Array.from(POSITIONS, (position) => position.stage);

/** The stage (index in `STAGE_NAMES`) of a word that is not shared between two. */
export function stageOfWord(word: number): number {
  return POSITIONS.find((position) => position.word === word)!.stage;
}

function orderPositions(): Position[] {
  const packetWords = new Set([...L2_WORDS, ...L3_WORDS, ...L4_WORDS, ...SHARED_WORDS]);
  const metadataWords = range(0, FLOW_WORDS).filter((word) => !packetWords.has(word));
  const whole = (words: readonly number[], stage: number): Position[] =>
    words.map((word) => ({ word, bits: -1, stage }));
  return [
    ...whole(metadataWords, STAGE_METADATA),
    { word: W_TYPE_PROTO_FRAG, bits: HIGH_HALF, stage: STAGE_L2 },
    ...whole(L2_WORDS, STAGE_L2),
    { word: W_TYPE_PROTO_FRAG, bits: LOW_HALF, stage: STAGE_L3 },
    { word: W_TOS_TTL_FLAGS, bits: HIGH_HALF, stage: STAGE_L3 },
    ...whole(L3_WORDS, STAGE_L3),
    { word: W_TOS_TTL_FLAGS, bits: LOW_HALF, stage: STAGE_L4 },
    ...whole(L4_WORDS, STAGE_L4),
  ];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
