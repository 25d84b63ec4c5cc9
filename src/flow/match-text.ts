/**
 * Matches from text: `tcp,in_port=1,nw_src=10.0.0.0/8,tp_dst=80`, as `ovs-ofctl` takes them.
 *
 * Lines of flows mix matches with other keys (`table=0,priority=10,tcp,…,actions=…`), so a match is read term by term: the
 * caller splits the line (`splitTerms`), offers each term to `matchTerm`, which says whether it was one of a match, and calls
 * `finishMatch` once. Terms may come in any order; what one needs of another is checked at the end.
 *
 * Where Open vSwitch quietly does something else than was written, this refuses: a term without its prerequisite
 * would match every packet, and of two terms that contradict each other the last would win. `ovsCompat` makes both so.
 * Names that Open vSwitch uses for several fields stay general: `tp_src` is the port of TCP, UDP or SCTP and the type of ICMP,
 * `nw_src` is an address of IPv4 or ARP, `icmp_type` is also that of ICMPv6.
 */
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  ETHERTYPE_MPLS_MULTICAST,
  ETHERTYPE_RARP,
  IP_PROTOCOL_ICMP,
  IP_PROTOCOL_ICMPV6,
  IP_PROTOCOL_SCTP,
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
} from '../wire/index.ts';
import { MatchError } from './errors.ts';
import type { MatchField } from './field.ts';
import { completeVlan, fieldBits, getMatchField, setMatchField } from './field-access.ts';
import { type FieldValue, type FlowTextOptions, formatFieldValue, parseFieldValue } from './field-text.ts';
import { FIELDS, fieldByName, requireField } from './fields.ts';
import {
  createFlow,
  type FlowWords,
  NW_FRAG_LATER,
  W_IN_PORT,
  W_TP,
  W_TUN_METADATA,
  W_TUN_METADATA_PRESENT,
  W_TYPE_PROTO_FRAG,
} from './key.ts';
import { createMatch, type Match } from './match.ts';
import { explainPrerequisite, hasPrerequisites } from './prerequisites.ts';
import { splitTerms } from './split-terms.ts';
import { mappedField } from './tlv-table.ts';

/** A match that is being read. */
export interface MatchDraft extends Match {
  /** the terms so far, for the checks of `finishMatch` */
  readonly terms: MatchTerm[];
}

export interface MatchTerm {
  /** what the text called the field */
  readonly key: string;
  readonly field: MatchField;
}

const ETH_TYPE = requireField('eth_type');
const NW_PROTO = requireField('nw_proto');
const PACKET_TYPE = requireField('packet_type');
const ICMP_TYPE = requireField('icmp_type');
const ICMPV6_TYPE = requireField('icmpv6_type');
/** the bits of the word of tp_src and tp_dst that ICMP uses */
const ICMP_BITS = 0x00ff00ff;

/** Shorthands of ovs-ofctl(8): Ethertype, IP protocol */
const PROTOCOLS: ReadonlyMap<string, readonly [ethType: number, protocol: number | null]> = new Map([
  ['ip', [ETHERTYPE_IPV4, null]],
  ['ipv4', [ETHERTYPE_IPV4, null]],
  ['ip4', [ETHERTYPE_IPV4, null]],
  ['icmp', [ETHERTYPE_IPV4, IP_PROTOCOL_ICMP]],
  ['tcp', [ETHERTYPE_IPV4, IP_PROTOCOL_TCP]],
  ['udp', [ETHERTYPE_IPV4, IP_PROTOCOL_UDP]],
  ['sctp', [ETHERTYPE_IPV4, IP_PROTOCOL_SCTP]],
  ['arp', [ETHERTYPE_ARP, null]],
  ['rarp', [ETHERTYPE_RARP, null]],
  ['ipv6', [ETHERTYPE_IPV6, null]],
  ['ip6', [ETHERTYPE_IPV6, null]],
  ['icmp6', [ETHERTYPE_IPV6, IP_PROTOCOL_ICMPV6]],
  ['tcp6', [ETHERTYPE_IPV6, IP_PROTOCOL_TCP]],
  ['udp6', [ETHERTYPE_IPV6, IP_PROTOCOL_UDP]],
  ['sctp6', [ETHERTYPE_IPV6, IP_PROTOCOL_SCTP]],
  ['mpls', [ETHERTYPE_MPLS, null]],
  ['mplsm', [ETHERTYPE_MPLS_MULTICAST, null]],
]);

/** Keys that stand for several fields, and the fields whose prerequisites make them mean something. */
const GENERAL_KEYS: ReadonlyMap<string, readonly MatchField[]> = new Map(
  [
    ['tp_src', 'tcp_src udp_src sctp_src icmp_type icmpv6_type'],
    ['tp_dst', 'tcp_dst udp_dst sctp_dst icmp_code icmpv6_code'],
    ['nw_src', 'ip_src arp_spa'],
    ['nw_dst', 'ip_dst arp_tpa'],
    ['ip_src', 'ip_src arp_spa'],
    ['ip_dst', 'ip_dst arp_tpa'],
    ['nw_proto', 'nw_proto arp_op'],
    ['ip_proto', 'nw_proto arp_op'],
    ['icmp_type', 'icmp_type icmpv6_type'],
    ['icmp_code', 'icmp_code icmpv6_code'],
  ].map(([key, names]) => [key!, names!.split(' ').map(requireField)] as const),
);

/** Names that Open vSwitch prints but does not read. */
const OUTPUT_NAMES: ReadonlyMap<string, string> = new Map([
  ['gtpu_flags', 'tun_gtpu_flags'],
  ['gtpu_msgtype', 'tun_gtpu_msgtype'],
]);

const OFPP_NONE = 0xffff;

/** A draft that matches everything. */
export function createMatchDraft(): MatchDraft {
  return { ...createMatch(), terms: [] };
}

/**
 * Applies one term. Answers false, and does nothing, when the key is neither a field nor a protocol. Throws `MatchError` for a
 * value that the field cannot have and for a term that contradicts an earlier one.
 */
export function matchTerm(
  draft: MatchDraft,
  key: string,
  value: string | null,
  options: FlowTextOptions = {},
): boolean {
  const name = key.toLowerCase();
  const protocol = PROTOCOLS.get(name);
  if (protocol !== undefined || name === 'eth') {
    if (value !== null && options.ovsCompat !== true) {
      throw new MatchError('VALUE_INVALID', `${key}=${value}: ${key} takes no value`);
    }
    applyProtocol(draft, key, protocol, options);
    return true;
  }
  const field = fieldByName(OUTPUT_NAMES.get(name) ?? name);
  if (field === undefined) {
    return false;
  }
  if (value === null || (value === '' && options.ovsCompat !== true)) {
    throw new MatchError('VALUE_MISSING', `field ${key} missing value`);
  }
  if (value === '*' || value === '') {
    return true;
  }
  const mapped = mappedField(field, options.tlvTable);
  apply(draft, key, mapped, parseFieldValue(mapped, value, options, key), `${key}=${value}`, options);
  return true;
}

/**
 * Checks that every term has its prerequisites, and returns the match. Throws `MatchError` (`PREREQUISITE_MISSING`); with
 * `ovsCompat` drops what lacks them instead.
 */
export function finishMatch(draft: MatchDraft, options: FlowTextOptions = {}): Match {
  const match: Match = { values: draft.values, masks: draft.masks };
  if (options.ovsCompat === true) {
    dropInapplicable(draft);
    widenPorts(draft);
    narrowIcmp(match, options);
    return match;
  }
  for (const { key, field } of draft.terms) {
    const candidates = GENERAL_KEYS.get(key.toLowerCase()) ?? [field];
    if (!candidates.some((candidate) => hasPrerequisites(match, candidate))) {
      throw missingPrerequisite(match, key, candidates);
    }
  }
  narrowIcmp(match, options);
  return match;
}

/** Reads a text that is only a match. Throws `MatchError`. */
export function parseMatch(text: string, options: FlowTextOptions = {}): Match {
  const draft = createMatchDraft();
  for (const { key, value } of splitTerms(text)) {
    if (!matchTerm(draft, key, value, options)) {
      throw unknownKey(key, value);
    }
  }
  return finishMatch(draft, options);
}

/**
 * Reads a flow as `ofproto/trace` takes it: a match without masks. What it does not say is 0, except that the packet came in by no
 * port. Throws `MatchError`.
 */
export function parseFlow(text: string, options: FlowTextOptions = {}): FlowWords {
  const draft = createMatchDraft();
  for (const { key, value } of splitTerms(text)) {
    if (!matchTerm(draft, key, value, options)) {
      throw unknownKey(key, value);
    }
  }
  const match = finishMatch(draft, options);
  for (const { key, field } of draft.terms) {
    const { value, mask } = getMatchField(match, field);
    if (mask !== fieldBits(field)) {
      const valueText = formatFieldValue(field, value, mask, options);
      throw new MatchError('MASK_INVALID', `bad value for ${key} (${valueText}: wildcards not allowed here)`);
    }
  }
  const flow = createFlow();
  flow.set(match.values);
  if (match.masks[W_IN_PORT] === 0) {
    flow[W_IN_PORT] = OFPP_NONE;
  }
  completeVlan(flow);
  return flow;
}

function applyProtocol(
  draft: MatchDraft,
  key: string,
  protocol: readonly [ethType: number, protocol: number | null] | undefined,
  options: FlowTextOptions,
): void {
  if (protocol === undefined) {
    apply(draft, key, PACKET_TYPE, { value: 0n, mask: 0xffffffffn }, key, options);
    return;
  }
  const [ethType, ipProtocol] = protocol;
  apply(draft, key, ETH_TYPE, { value: BigInt(ethType), mask: 0xffffn }, key, options);
  if (ipProtocol !== null) {
    apply(draft, key, NW_PROTO, { value: BigInt(ipProtocol), mask: 0xffn }, key, options);
  }
}

/** What one term says by itself, before it is joined to the rest; kept because flows are read by the thousand. */
const scratch: Match = createMatch();

function apply(
  draft: MatchDraft,
  key: string,
  field: MatchField,
  fieldValue: FieldValue,
  text: string,
  options: FlowTextOptions,
): void {
  const { value, mask } = fieldValue;
  if (options.ovsCompat === true) {
    setMatchField(draft, field, value, mask);
    draft.terms.push({ key, field });
    return;
  }
  if (draft.terms.some((term) => term.field === field)) {
    const before = getMatchField(draft, field);
    if (before.value !== value || before.mask !== (mask & fieldBits(field))) {
      throw repeated(field, text);
    }
    return;
  }
  const first = firstWord(field);
  const end = lastWord(field) + 1;
  scratch.values.fill(0, first, end);
  scratch.masks.fill(0, first, end);
  setMatchField(scratch, field, value, mask);
  for (let word = first; word < end; word++) {
    const both = draft.masks[word]! & scratch.masks[word]!;
    if (((draft.values[word]! ^ scratch.values[word]!) & both) !== 0) {
      throw contradiction(draft, key, text, word);
    }
    draft.values[word]! |= scratch.values[word]!;
    draft.masks[word]! |= scratch.masks[word]!;
  }
  if (mask !== 0n) {
    draft.terms.push({ key, field });
  }
}

/** A field given twice with different values or masks, in the words of `ofproto/trace`. */
function repeated(field: MatchField, text: string): MatchError {
  const what = field === ETH_TYPE ? 'Ethernet type' : field === NW_PROTO ? 'network protocol' : `field ${field.name}`;
  return new MatchError('MATCH_CONFLICT', `${text}: ${what} set multiple times`);
}

function contradiction(draft: MatchDraft, key: string, text: string, word: number): MatchError {
  const rivals = draft.terms.filter((term) => coversWord(term.field, word)).map((term) => term.key);
  return new MatchError('MATCH_CONFLICT', `${text}: ${key} contradicts ${rivals.join(', ')} given before`);
}

function coversWord(field: MatchField, word: number): boolean {
  return firstWord(field) <= word && lastWord(field) >= word;
}

/** The words that a match on the field may touch; of tunnel options that includes the bits that say which there are. */
function firstWord(field: MatchField): number {
  const word = field.bitOffset >>> 5;
  return word >= W_TUN_METADATA ? W_TUN_METADATA_PRESENT : word;
}

function lastWord(field: MatchField): number {
  return (field.bitOffset + field.width - 1) >>> 5;
}

/** Wildcards every field whose place in the key means nothing in this match, whatever name it was given by. */
function dropInapplicable(draft: MatchDraft): void {
  let dropped = true;
  while (dropped) {
    dropped = false;
    for (let index = draft.terms.length - 1; index >= 0; index--) {
      const { field } = draft.terms[index]!;
      if (!FIELDS.some((other) => overlaps(field, other) && hasPrerequisites(draft, other))) {
        setMatchField(draft, field, 0n, 0n);
        draft.terms.splice(index, 1);
        dropped = true;
      }
    }
  }
}

function overlaps(field: MatchField, other: MatchField): boolean {
  return (
    field === other ||
    (field.prerequisite !== 'none' &&
      field.bitOffset < other.bitOffset + other.width &&
      other.bitOffset < field.bitOffset + field.width)
  );
}

/** A port that was given as an ICMP type or code has sixteen bits all the same. */
function widenPorts(draft: MatchDraft): void {
  for (const { field } of draft.terms) {
    const isIcmp = field.prerequisite === 'ICMPv4' || field.prerequisite === 'ICMPv6';
    if (isIcmp && !hasPrerequisites(draft, ICMP_TYPE) && !hasPrerequisites(draft, ICMPV6_TYPE)) {
      draft.masks[W_TP]! |= 0xff00 << (field.bitOffset & 16 ? 0 : 16);
    }
  }
}

/** Of ICMP, tp_src and tp_dst are type and code, which have eight bits each. */
function narrowIcmp(match: Match, options: FlowTextOptions): void {
  if (!hasPrerequisites(match, ICMP_TYPE) && !hasPrerequisites(match, ICMPV6_TYPE)) {
    return;
  }
  const excess = match.values[W_TP]! & ~ICMP_BITS;
  if (excess !== 0 && options.ovsCompat !== true) {
    throw new MatchError('VALUE_OUT_OF_RANGE', 'bad value for tp_src or tp_dst (ICMP types and codes are 0 to 255)');
  }
  match.values[W_TP]! &= ICMP_BITS;
  match.masks[W_TP]! &= ICMP_BITS;
}

function missingPrerequisite(match: Match, key: string, candidates: readonly MatchField[]): MatchError {
  const wanted = [...new Set(candidates.map((candidate) => explainPrerequisite(candidate.prerequisite)))].join(' or ');
  const isLater = (match.values[W_TYPE_PROTO_FRAG]! & NW_FRAG_LATER) !== 0;
  const hint = `expected ${wanted} in the same match${isLater ? ', and not nw_frag=later' : ''}`;
  return new MatchError('PREREQUISITE_MISSING', `prerequisites not met for setting ${key} (${hint})`);
}

function unknownKey(key: string, value: string | null): MatchError {
  return new MatchError(
    'FIELD_UNKNOWN',
    value === null ? `unknown field or protocol ${key}` : `unknown keyword ${key}`,
  );
}
