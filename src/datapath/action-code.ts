/**
 * Action code: a list of datapath actions as flat int32 words.
 *
 * Why. Actions are compared with each other on every revalidation, live in the flow arena that threads share, and run
 * for every packet. A flat list is compared and copied word by word, needs no objects, and an executor walks it with
 * one switch statement.
 *
 * How. An action is a header word `type << 16 | words` (OVS_ACTION_ATTR_* number; `words` counts the header too) and
 * its payload:
 *
 *     output          port
 *     userspace       pid, flags (USERSPACE_*), tunnel out port, cookie kind (COOKIE_*), cookie …
 *     set, set_masked OVS_KEY_ATTR_* number, then triples: word of the flow key, value, mask
 *     push_vlan       tpid << 16 | tci
 *     pop_vlan        –
 *     push_mpls       label stack entry, ethertype
 *     pop_mpls        ethertype
 *     recirc          recirculation id
 *     hash            algorithm (0 l4, 1 sym_l4), basis
 *     sample          probability (0xffffffff = always), then code
 *     clone           code
 *     trunc           maximum length
 *     check_pkt_len   length, words of the first list, code when greater, code when less or equal
 *     drop            reason
 *     meter           meter id
 *
 * Values are int32; what reads them as unsigned numbers says `>>> 0`.
 */
import {
  type DatapathAction,
  OVS_ACTION_ATTR_CHECK_PKT_LEN,
  OVS_ACTION_ATTR_CLONE,
  OVS_ACTION_ATTR_DROP,
  OVS_ACTION_ATTR_HASH,
  OVS_ACTION_ATTR_METER,
  OVS_ACTION_ATTR_OUTPUT,
  OVS_ACTION_ATTR_POP_MPLS,
  OVS_ACTION_ATTR_POP_VLAN,
  OVS_ACTION_ATTR_PUSH_MPLS,
  OVS_ACTION_ATTR_PUSH_VLAN,
  OVS_ACTION_ATTR_RECIRC,
  OVS_ACTION_ATTR_SAMPLE,
  OVS_ACTION_ATTR_SET,
  OVS_ACTION_ATTR_SET_MASKED,
  OVS_ACTION_ATTR_TRUNC,
  OVS_ACTION_ATTR_USERSPACE,
  type SetWord,
  type SlowPathReason,
  type UserspaceCookie,
} from './actions.ts';
import { DatapathError } from './errors.ts';

/** Words after which a list of actions is refused: 64 kB, as Open vSwitch, whose lists must fit a netlink attribute. */
export const ACTION_CODE_LIMIT_WORDS = 16384;

/** `userspace` flags: the upcall carries the flow's actions. */
export const USERSPACE_INCLUDE_ACTIONS = 1;
/** `userspace` flags: the word "tunnel out port" holds a port. */
export const USERSPACE_HAS_TUNNEL_PORT = 2;

export const COOKIE_NONE = 0;
/** one word: index in SLOW_PATH_REASONS */
export const COOKIE_SLOW_PATH = 1;
/** reason, flags (COOKIE_CONTROLLER_*), recirculation id, rule cookie high and low, controller id, maximum length */
export const COOKIE_CONTROLLER = 2;
/** vlan_tci, output */
export const COOKIE_SFLOW = 3;
/** probability, collector set, observation domain, observation point, output port, direction (0 default, 1 ingress, 2 egress) */
export const COOKIE_FLOW_SAMPLE = 4;
/** output port */
export const COOKIE_IPFIX = 5;
/** number of bytes, then the bytes, four to a word, first byte highest */
export const COOKIE_USERDATA = 6;

export const COOKIE_CONTROLLER_DONT_SEND = 1;
export const COOKIE_CONTROLLER_CONTINUATION = 2;

/** The reasons in the order of the bits that Open vSwitch gives them (bit = 1 << index). */
export const SLOW_PATH_REASONS: readonly SlowPathReason[] = [
  'cfm',
  'bfd',
  'lacp',
  'stp',
  'lldp',
  'action',
  'match',
  'controller',
  'meter',
];

const SAMPLE_DIRECTIONS = ['default', 'ingress', 'egress'] as const;

/** `hash` algorithms, numbered as OVS_HASH_ALG_*. */
export const HASH_L4 = 0;
export const HASH_SYM_L4 = 1;

const NESTING_AT_START = 64;
const MAX_WORDS_OF_ACTION = 0xffff;

/**
 * Writes action code into a buffer that grows and is used again: `reset`, then a method per action, then `copy`.
 *
 * Nested lists, and the words of a set action, are written between a `begin…` and `end`. Nothing throws: a list longer
 * than `ACTION_CODE_LIMIT_WORDS` is reported by `oversized` and is not to be used.
 */
export class ActionWriter {
  /** the code, `[0, length)` */
  words: Int32Array;
  /** words written */
  length: number;
  #open: Int32Array;
  #depth: number;
  #isActionTooLong: boolean;

  constructor() {
    this.words = new Int32Array(256);
    this.length = 0;
    this.#open = new Int32Array(NESTING_AT_START);
    this.#depth = 0;
    this.#isActionTooLong = false;
  }

  /** Forgets everything written. */
  reset(): void {
    this.length = 0;
    this.#depth = 0;
    this.#isActionTooLong = false;
  }

  /** Forgets what was written since `length` was `mark`. Only at the nesting depth that there was then. */
  rewind(mark: number): void {
    this.length = mark;
  }

  /** Whether the list is too long to be installed. */
  get oversized(): boolean {
    return this.#isActionTooLong || this.length > ACTION_CODE_LIMIT_WORDS;
  }

  /** A copy of the code. */
  copy(): Int32Array {
    return this.words.slice(0, this.length);
  }

  output(port: number): void {
    this.#begin(OVS_ACTION_ATTR_OUTPUT, 2);
    this.#push(port);
  }

  /** `pid` is the upcall channel: a number below 2^32. */
  userspace(
    pid: number,
    cookie: UserspaceCookie | null,
    includeActions: boolean = false,
    tunnelOutPort: number | null = null,
  ): void {
    const start = this.length;
    this.#reserve(5);
    this.length++;
    this.#push(pid);
    this.#push(
      (includeActions ? USERSPACE_INCLUDE_ACTIONS : 0) | (tunnelOutPort === null ? 0 : USERSPACE_HAS_TUNNEL_PORT),
    );
    this.#push(tunnelOutPort ?? 0);
    this.#cookie(cookie);
    this.#finish(start, OVS_ACTION_ATTR_USERSPACE);
  }

  /** Begins a `set` of a whole attribute; `setWord` for each of its words, then `end`. */
  beginSet(attribute: number): void {
    this.#openNested(OVS_ACTION_ATTR_SET);
    this.#push1(attribute);
  }

  /** Begins a `set_masked`; `setWord` for each word to change, then `end`. */
  beginSetMasked(attribute: number): void {
    this.#openNested(OVS_ACTION_ATTR_SET_MASKED);
    this.#push1(attribute);
  }

  /** Bits of one word of the flow key in a set action. */
  setWord(word: number, value: number, mask: number): void {
    this.#reserve(3);
    this.#push(word);
    this.#push(value);
    this.#push(mask);
  }

  /** `tci` holds the VLAN_CFI bit, as in the flow key. */
  pushVlan(tpid: number, tci: number): void {
    this.#begin(OVS_ACTION_ATTR_PUSH_VLAN, 2);
    this.#push((tpid << 16) | (tci & 0xffff));
  }

  popVlan(): void {
    this.#begin(OVS_ACTION_ATTR_POP_VLAN, 1);
  }

  pushMpls(labelStackEntry: number, ethertype: number): void {
    this.#begin(OVS_ACTION_ATTR_PUSH_MPLS, 3);
    this.#push(labelStackEntry);
    this.#push(ethertype);
  }

  popMpls(ethertype: number): void {
    this.#begin(OVS_ACTION_ATTR_POP_MPLS, 2);
    this.#push(ethertype);
  }

  recirc(recircId: number): void {
    this.#begin(OVS_ACTION_ATTR_RECIRC, 2);
    this.#push(recircId);
  }

  /** `algorithm` is HASH_L4 or HASH_SYM_L4. */
  hash(algorithm: number, basis: number): void {
    this.#begin(OVS_ACTION_ATTR_HASH, 3);
    this.#push(algorithm);
    this.#push(basis);
  }

  trunc(maxLength: number): void {
    this.#begin(OVS_ACTION_ATTR_TRUNC, 2);
    this.#push(maxLength);
  }

  drop(reason: number): void {
    this.#begin(OVS_ACTION_ATTR_DROP, 2);
    this.#push(reason);
  }

  meter(meter: number): void {
    this.#begin(OVS_ACTION_ATTR_METER, 2);
    this.#push(meter);
  }

  /** The actions up to `end` run on a copy of the packet. */
  beginClone(): void {
    this.#openNested(OVS_ACTION_ATTR_CLONE);
  }

  /** The actions up to `end` run on a copy, for `probability / 2^32` of the packets; 0xffffffff is always. */
  beginSample(probability: number): void {
    this.#openNested(OVS_ACTION_ATTR_SAMPLE);
    this.#push1(probability);
  }

  /** The actions up to `elseCheckPacketLength` run when the packet is longer than `length`, those up to `end` otherwise. */
  beginCheckPacketLength(length: number): void {
    this.#openNested(OVS_ACTION_ATTR_CHECK_PKT_LEN);
    this.#push1(length);
    this.#push1(0);
  }

  elseCheckPacketLength(): void {
    const start = this.#open[this.#depth - 1]!;
    this.words[start + 2] = this.length - start - 3;
  }

  /** Ends what the last open `begin…` began. */
  end(): void {
    const start = this.#open[--this.#depth]!;
    this.#finish(start, this.words[start]! >>> 16);
  }

  /** Appends code made elsewhere. */
  append(code: Int32Array, offset: number, length: number): void {
    this.#reserve(length);
    for (let index = 0; index < length; index++) {
      this.words[this.length + index] = code[offset + index]!;
    }
    this.length += length;
  }

  #begin(type: number, words: number): void {
    this.#reserve(words);
    this.#push((type << 16) | words);
  }

  #openNested(type: number): void {
    if (this.#depth === this.#open.length) {
      const larger = new Int32Array(2 * this.#depth);
      larger.set(this.#open);
      this.#open = larger;
    }
    this.#open[this.#depth++] = this.length;
    this.#push1(type << 16);
  }

  #finish(start: number, type: number): void {
    const words = this.length - start;
    if (words > MAX_WORDS_OF_ACTION) {
      this.#isActionTooLong = true;
    }
    this.words[start] = (type << 16) | (words & MAX_WORDS_OF_ACTION);
  }

  #push1(value: number): void {
    this.#reserve(1);
    this.#push(value);
  }

  #push(value: number): void {
    this.words[this.length++] = value;
  }

  #reserve(words: number): void {
    const needed = this.length + words;
    if (needed > this.words.length) {
      const larger = new Int32Array(Math.max(needed, 2 * this.words.length));
      larger.set(this.words);
      this.words = larger;
    }
  }

  #cookie(cookie: UserspaceCookie | null): void {
    this.#reserve(8);
    if (cookie === null) {
      this.#push(COOKIE_NONE);
      return;
    }
    switch (cookie.kind) {
      case 'slow_path':
        this.#push(COOKIE_SLOW_PATH);
        this.#push(SLOW_PATH_REASONS.indexOf(cookie.reason));
        break;
      case 'controller':
        this.#push(COOKIE_CONTROLLER);
        this.#push(cookie.reason);
        this.#push(
          (cookie.dontSend ? COOKIE_CONTROLLER_DONT_SEND : 0) |
            (cookie.continuation ? COOKIE_CONTROLLER_CONTINUATION : 0),
        );
        this.#push(cookie.recircId);
        this.#push(Number((cookie.ruleCookie >> 32n) & 0xffffffffn));
        this.#push(Number(cookie.ruleCookie & 0xffffffffn));
        this.#push(cookie.controllerId);
        this.#push(cookie.maxLength);
        break;
      case 'sflow':
        this.#push(COOKIE_SFLOW);
        this.#push(cookie.vlanTci);
        this.#push(cookie.output);
        break;
      case 'flow_sample':
        this.#push(COOKIE_FLOW_SAMPLE);
        this.#push(cookie.probability);
        this.#push(cookie.collectorSetId);
        this.#push(cookie.observationDomainId);
        this.#push(cookie.observationPointId);
        this.#push(cookie.outputPort);
        this.#push(SAMPLE_DIRECTIONS.indexOf(cookie.direction));
        break;
      case 'ipfix':
        this.#push(COOKIE_IPFIX);
        this.#push(cookie.outputPort);
        break;
      case 'userdata': {
        const { bytes } = cookie;
        this.#reserve(2 + ((bytes.length + 3) >> 2));
        this.#push(COOKIE_USERDATA);
        this.#push(bytes.length);
        for (let at = 0; at < bytes.length; at += 4) {
          this.#push(
            (bytes[at]! << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0),
          );
        }
        break;
      }
    }
  }
}

/** The code of a list of actions. Throws `DatapathError` (ACTION_CODE_INVALID) for one that is too long. */
export function encodeActions(actions: readonly DatapathAction[]): Int32Array {
  const writer = new ActionWriter();
  writeActions(writer, actions);
  if (writer.oversized) {
    throw new DatapathError(
      'ACTION_CODE_INVALID',
      'actions too long',
      writer.length,
      `at most ${ACTION_CODE_LIMIT_WORDS} words`,
    );
  }
  return writer.copy();
}

/** Writes a list of actions, given as records, to `writer`. */
export function writeActions(writer: ActionWriter, actions: readonly DatapathAction[]): void {
  for (const action of actions) {
    writeAction(writer, action);
  }
}

function writeAction(writer: ActionWriter, action: DatapathAction): void {
  switch (action.type) {
    case 'output':
      writer.output(action.port);
      break;
    case 'userspace':
      writer.userspace(action.pid, action.cookie, action.includeActions, action.tunnelOutPort);
      break;
    case 'set':
    case 'set_masked':
      if (action.type === 'set') {
        writer.beginSet(action.attribute);
      } else {
        writer.beginSetMasked(action.attribute);
      }
      for (const { word, value, mask } of action.words) {
        writer.setWord(word, value, mask);
      }
      writer.end();
      break;
    case 'push_vlan':
      writer.pushVlan(action.tpid, action.tci);
      break;
    case 'pop_vlan':
      writer.popVlan();
      break;
    case 'push_mpls':
      writer.pushMpls(action.labelStackEntry, action.ethertype);
      break;
    case 'pop_mpls':
      writer.popMpls(action.ethertype);
      break;
    case 'recirc':
      writer.recirc(action.recircId);
      break;
    case 'hash':
      writer.hash(action.algorithm === 'l4' ? HASH_L4 : HASH_SYM_L4, action.basis);
      break;
    case 'sample':
      writer.beginSample(action.probability);
      writeActions(writer, action.actions);
      writer.end();
      break;
    case 'clone':
      writer.beginClone();
      writeActions(writer, action.actions);
      writer.end();
      break;
    case 'trunc':
      writer.trunc(action.maxLength);
      break;
    case 'check_pkt_len':
      writer.beginCheckPacketLength(action.length);
      writeActions(writer, action.ifGreater);
      writer.elseCheckPacketLength();
      writeActions(writer, action.ifLessOrEqual);
      writer.end();
      break;
    case 'drop':
      writer.drop(action.reason);
      break;
    case 'meter':
      writer.meter(action.meter);
      break;
  }
}

/** The records of the code `[offset, offset + length)`. Throws `DatapathError` (ACTION_CODE_INVALID) for what is no code. */
export function decodeActions(
  code: Int32Array,
  offset: number = 0,
  length: number = code.length - offset,
): DatapathAction[] {
  const actions: DatapathAction[] = [];
  const end = offset + length;
  if (offset < 0 || length < 0 || end > code.length) {
    throw invalidCode(offset, 'a list inside the code');
  }
  for (let at = offset; at < end; ) {
    const words = code[at]! & 0xffff;
    if (words === 0 || at + words > end) {
      throw invalidCode(at, `an action of 1..${end - at} words`);
    }
    actions.push(decodeAction(code, at, words));
    at += words;
  }
  return actions;
}

function decodeAction(code: Int32Array, at: number, words: number): DatapathAction {
  const type = code[at]! >>> 16;
  const end = at + words;
  switch (type) {
    case OVS_ACTION_ATTR_OUTPUT:
      return { type: 'output', port: payload(code, at, words, 2, 1) };
    case OVS_ACTION_ATTR_USERSPACE: {
      const flags = payload(code, at, words, -5, 2);
      return {
        type: 'userspace',
        pid: code[at + 1]! >>> 0,
        cookie: decodeCookie(code, at + 4, end),
        includeActions: (flags & USERSPACE_INCLUDE_ACTIONS) !== 0,
        tunnelOutPort: (flags & USERSPACE_HAS_TUNNEL_PORT) !== 0 ? code[at + 3]! >>> 0 : null,
      };
    }
    case OVS_ACTION_ATTR_SET:
    case OVS_ACTION_ATTR_SET_MASKED:
      if (words % 3 !== 2) {
        throw invalidCode(at, 'an attribute and triples of words');
      }
      return {
        type: type === OVS_ACTION_ATTR_SET ? 'set' : 'set_masked',
        attribute: code[at + 1]!,
        words: decodeSetWords(code, at + 2, end),
      };
    case OVS_ACTION_ATTR_PUSH_VLAN: {
      const tag = payload(code, at, words, 2, 1);
      return { type: 'push_vlan', tpid: tag >>> 16, tci: tag & 0xffff };
    }
    case OVS_ACTION_ATTR_POP_VLAN:
      checkWords(at, words, 1);
      return { type: 'pop_vlan' };
    case OVS_ACTION_ATTR_PUSH_MPLS:
      return {
        type: 'push_mpls',
        labelStackEntry: payload(code, at, words, 3, 1),
        ethertype: code[at + 2]! & 0xffff,
      };
    case OVS_ACTION_ATTR_POP_MPLS:
      return { type: 'pop_mpls', ethertype: payload(code, at, words, 2, 1) };
    case OVS_ACTION_ATTR_RECIRC:
      return { type: 'recirc', recircId: payload(code, at, words, 2, 1) };
    case OVS_ACTION_ATTR_HASH:
      return {
        type: 'hash',
        algorithm: payload(code, at, words, 3, 1) === HASH_L4 ? 'l4' : 'sym_l4',
        basis: code[at + 2]! >>> 0,
      };
    case OVS_ACTION_ATTR_SAMPLE:
      return {
        type: 'sample',
        probability: payload(code, at, words, -2, 1),
        actions: decodeActions(code, at + 2, words - 2),
      };
    case OVS_ACTION_ATTR_CLONE:
      return { type: 'clone', actions: decodeActions(code, at + 1, words - 1) };
    case OVS_ACTION_ATTR_TRUNC:
      return { type: 'trunc', maxLength: payload(code, at, words, 2, 1) };
    case OVS_ACTION_ATTR_CHECK_PKT_LEN: {
      const length = payload(code, at, words, -3, 1);
      const greaterWords = code[at + 2]!;
      if (greaterWords < 0 || greaterWords > words - 3) {
        throw invalidCode(at + 2, `a list of 0..${words - 3} words`);
      }
      return {
        type: 'check_pkt_len',
        length,
        ifGreater: decodeActions(code, at + 3, greaterWords),
        ifLessOrEqual: decodeActions(code, at + 3 + greaterWords, words - 3 - greaterWords),
      };
    }
    case OVS_ACTION_ATTR_DROP:
      return { type: 'drop', reason: payload(code, at, words, 2, 1) };
    case OVS_ACTION_ATTR_METER:
      return { type: 'meter', meter: payload(code, at, words, 2, 1) };
    default:
      throw invalidCode(at, 'a known action');
  }
}

function decodeSetWords(code: Int32Array, start: number, end: number): SetWord[] {
  const list: SetWord[] = [];
  for (let at = start; at < end; at += 3) {
    list.push({ word: code[at]!, value: code[at + 1]!, mask: code[at + 2]! });
  }
  return list;
}

/** The cookie whose kind stands at `at`, of a `userspace` action that ends at `end`. Throws `DatapathError`. */
export function decodeCookie(code: Int32Array, at: number, end: number): UserspaceCookie | null {
  const kind = code[at]!;
  const words = end - at - 1;
  switch (kind) {
    case COOKIE_NONE:
      checkCookie(at, words, 0);
      return null;
    case COOKIE_SLOW_PATH: {
      checkCookie(at, words, 1);
      const reason = SLOW_PATH_REASONS[code[at + 1]!];
      if (reason === undefined) {
        throw invalidCode(at + 1, 'a slow path reason');
      }
      return { kind: 'slow_path', reason };
    }
    case COOKIE_CONTROLLER: {
      checkCookie(at, words, 7);
      const flags = code[at + 2]!;
      return {
        kind: 'controller',
        reason: code[at + 1]!,
        dontSend: (flags & COOKIE_CONTROLLER_DONT_SEND) !== 0,
        continuation: (flags & COOKIE_CONTROLLER_CONTINUATION) !== 0,
        recircId: code[at + 3]! >>> 0,
        ruleCookie: (BigInt(code[at + 4]! >>> 0) << 32n) | BigInt(code[at + 5]! >>> 0),
        controllerId: code[at + 6]!,
        maxLength: code[at + 7]!,
      };
    }
    case COOKIE_SFLOW:
      checkCookie(at, words, 2);
      return { kind: 'sflow', vlanTci: code[at + 1]!, output: code[at + 2]! >>> 0 };
    case COOKIE_FLOW_SAMPLE:
      checkCookie(at, words, 6);
      return {
        kind: 'flow_sample',
        probability: code[at + 1]!,
        collectorSetId: code[at + 2]! >>> 0,
        observationDomainId: code[at + 3]! >>> 0,
        observationPointId: code[at + 4]! >>> 0,
        outputPort: code[at + 5]! >>> 0,
        direction: SAMPLE_DIRECTIONS[code[at + 6]!] ?? 'default',
      };
    case COOKIE_IPFIX:
      checkCookie(at, words, 1);
      return { kind: 'ipfix', outputPort: code[at + 1]! >>> 0 };
    case COOKIE_USERDATA: {
      const count = words > 0 ? code[at + 1]! : -1;
      if (count < 0 || words !== 1 + ((count + 3) >> 2)) {
        throw invalidCode(at, 'a count of bytes and the bytes');
      }
      const bytes = Array.from(
        { length: count },
        (_, index) => (code[at + 2 + (index >> 2)]! >>> (24 - 8 * (index & 3))) & 0xff,
      );
      return { kind: 'userdata', bytes };
    }
    default:
      throw invalidCode(at, 'a kind of cookie');
  }
}

/** Whether two pieces of code say the same. */
export function equalActionCode(
  a: Int32Array,
  aOffset: number,
  aLength: number,
  b: Int32Array,
  bOffset: number,
  bLength: number,
): boolean {
  if (aLength !== bLength) {
    return false;
  }
  for (let index = 0; index < aLength; index++) {
    if (a[aOffset + index] !== b[bOffset + index]) {
      return false;
    }
  }
  return true;
}

/** A hash of code, for tables that share equal action lists. */
export function hashActionCode(code: Int32Array, offset: number, length: number): number {
  let hash = length | 0;
  for (let index = 0; index < length; index++) {
    hash = Math.imul(((hash << 13) | (hash >>> 19)) ^ code[offset + index]!, 0x9e3779b1);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/** The payload word `index`, unsigned, of an action of exactly `expected` words (at least, when negative). */
function payload(code: Int32Array, at: number, words: number, expected: number, index: number): number {
  if (expected < 0 ? words < -expected : words !== expected) {
    checkWords(at, words, Math.abs(expected));
  }
  return code[at + index]! >>> 0;
}

function checkWords(at: number, words: number, expected: number): void {
  if (words !== expected) {
    throw invalidCode(at, `an action of ${expected} words, not ${words}`);
  }
}

function checkCookie(at: number, words: number, expected: number): void {
  if (words !== expected) {
    throw invalidCode(at, `a cookie of ${expected} words, not ${words}`);
  }
}

function invalidCode(offset: number, expected: string): DatapathError {
  return new DatapathError('ACTION_CODE_INVALID', 'invalid action code', offset, expected);
}
