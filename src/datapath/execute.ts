/**
 * Runs action code on a packet.
 *
 * What. `ActionExecutor.run` walks the code (action-code.ts): header actions change the packet in place, metadata actions
 * change words of its key, `output` and `userspace` hand it to the host (the datapath), `recirc` looks it up again. It
 * never throws: an action that does not fit the packet does nothing, and whatever ends a packet is counted.
 *
 * Copies. `output` does not copy: the host queues a reference and sends when the batch ends, and from then on the packet
 * is immutable. So the executor knows whether the packet at hand is *shared*, and takes a copy from a pool before
 * it changes a shared one. Nested lists (`clone`, `sample`, `check_pkt_len`) run on the same packet marked as shared, and
 * what follows them goes on with the packet and the metadata as they were; a nested list that is the last action needs none of that.
 * The pool is taken back when the host has sent everything (`releaseCopies`).
 *
 * The key. Header words of the key are those of the last extraction and are not updated by set actions: nothing looks
 * at them again except `hash`, `userspace` and `recirc`, which extract anew when something changed. Which layers the packet has
 * must be right for set actions; the layer offsets in the packet move with pushes and pops.
 *
 * Differences between datapaths that Open vSwitch has were decided so: `trunc` applies to the next output or userspace action (kernel);
 * `check_pkt_len` takes the length of a segment for GSO packets (kernel); at most `MAX_RECIRC_DEPTH` recirculations (userspace).
 */
import * as flow from '../flow/index.ts';
import { Packet } from '../wire/index.ts';
import { HASH_L4 } from './action-code.ts';
import * as actions from './actions.ts';
import * as attributes from './key-attributes.ts';
import { PUSH_HEADROOM, popMpls, popVlan, pushMpls, pushVlan } from './push-pop.ts';
import { setFields } from './set-fields.ts';

// Constants of this module, which V8 folds into the code; an imported binding is loaded each time.
const { extractFlow, hash5Tuple, hashSymmetricL4 } = flow;
const {
  W_DP_HASH,
  W_PACKET_TYPE,
  W_PKT_MARK,
  W_RECIRC_ID,
  W_SKB_PRIORITY,
  W_TUN_METADATA,
  W_TUN_METADATA_PRESENT,
  W_METADATA,
} = flow;
const {
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
} = actions;
const { OVS_KEY_ATTR_PRIORITY, OVS_KEY_ATTR_SKB_MARK, OVS_KEY_ATTR_TUNNEL } = attributes;

const ETHERNET_HEADER_LENGTH = 14;

/** How often a packet can be recirculated. */
export const MAX_RECIRC_DEPTH = 8;
/** Explicit drops are counted by reason up to this one, higher reasons together with it. */
const MAX_DROP_REASON = 63;

/** Nested lists below this depth are not run. */
const MAX_NESTING = 32;
/** Key words from here on are metadata, up to the OpenFlow pipeline's own. */
const METADATA_START = W_PACKET_TYPE;
const METADATA_END = W_METADATA;
const TUNNEL_OPTIONS_END = W_TUN_METADATA + flow.TUN_METADATA_WORDS;
const SAVED_WORDS = METADATA_END - METADATA_START + (TUNNEL_OPTIONS_END - W_TUN_METADATA_PRESENT) + 1;
const NO_TRUNCATION = 0x7fffffff;

/** What the executor needs from the datapath. */
export interface ExecutionHost {
  /** the words that `findRecirculated` points into */
  readonly actionWords: Int32Array;
  /** Queues `packet` for `port`; the packet is immutable until it is sent. */
  output(port: number, packet: Packet): void;
  /** Sends up a copy of the first `maxLength` bytes of `packet`; the `userspace` action is at `at` of `code`. */
  upcall(packet: Packet, key: flow.FlowWords, code: Int32Array, at: number, maxLength: number): void;
  /**
   * Looks the recirculated packet up and credits the flow. Returns the offset of its actions in `actionWords` and leaves
   * their length in `foundLength`; -1 when the packet missed and was sent up or dropped.
   */
  findRecirculated(packet: Packet, key: flow.FlowWords): number;
  readonly foundLength: number;
  /** Whether meter `id` drops the packet. */
  meterDrops(id: number, packet: Packet): boolean;
}

/** What ended packets on their way through actions. Packets, since the datapath was made. */
export interface DropCounters {
  /** by `drop` actions, by reason */
  readonly reasons: Float64Array;
  /** by meters */
  meter: number;
  /** recirculated too often */
  recircDepth: number;
  /** lists nested too deep, which were not run */
  nesting: number;
}

function createDropCounters(): DropCounters {
  return { reasons: new Float64Array(MAX_DROP_REASON + 1), meter: 0, recircDepth: 0, nesting: 0 };
}

export class ActionExecutor {
  readonly drops: DropCounters;
  /** whether a metadata word of the key was changed; for whoever resets keys */
  metadataChanged: boolean;
  readonly #host: ExecutionHost;
  #packet: Packet;
  #key: flow.FlowWords;
  #isShared: boolean;
  #maxLength: number;
  /** header words of the key may not be those of the packet */
  #isKeyStale: boolean;
  /** nor may its layers be */
  #isLayoutStale: boolean;
  #recircDepth: number;
  #nesting: number;
  #random: number;
  readonly #saved: Int32Array[];
  readonly #copies: Packet[];
  #copiesUsed: number;

  /** `seed` starts the random numbers of `sample`. */
  constructor(host: ExecutionHost, seed: number) {
    this.drops = createDropCounters();
    this.metadataChanged = false;
    this.#host = host;
    this.#packet = new Packet(new Uint8Array(0), 0, 0);
    this.#key = new Int32Array(0);
    this.#isShared = false;
    this.#maxLength = NO_TRUNCATION;
    this.#isKeyStale = false;
    this.#isLayoutStale = false;
    this.#recircDepth = 0;
    this.#nesting = 0;
    this.#random = seed | 0 || 1;
    this.#saved = [];
    this.#copies = [];
    this.#copiesUsed = 0;
  }

  /** Copies of packets in use. */
  get copiesUsed(): number {
    return this.#copiesUsed;
  }

  /** Takes all copies back: nothing queued refers to them any more. */
  releaseCopies(): void {
    this.#copiesUsed = 0;
  }

  /**
   * Runs `code[offset, offset + length)` on `packet`. The key's header words and the packet's layer offsets are those
   * that `extractFlow` gave. Packet and key are the executor's: both may be changed.
   */
  execute(packet: Packet, key: flow.FlowWords, code: Int32Array, offset: number, length: number): void {
    this.#packet = packet;
    this.#key = key;
    this.#isShared = false;
    this.#maxLength = NO_TRUNCATION;
    this.#isKeyStale = false;
    this.#isLayoutStale = false;
    this.#recircDepth = 0;
    this.#nesting = 0;
    this.#run(code, offset, offset + length);
  }

  #run(code: Int32Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      const header = code[at]!;
      const next = at + (header & 0xffff);
      switch (header >>> 16) {
        case OVS_ACTION_ATTR_OUTPUT:
          this.#output(code[at + 1]!);
          break;
        case OVS_ACTION_ATTR_SET:
        case OVS_ACTION_ATTR_SET_MASKED:
          this.#set(code, at, next);
          break;
        case OVS_ACTION_ATTR_PUSH_VLAN:
          this.#pushVlan(code[at + 1]!);
          break;
        case OVS_ACTION_ATTR_POP_VLAN:
          this.#own();
          popVlan(this.#packet);
          this.#isKeyStale = true;
          break;
        case OVS_ACTION_ATTR_PUSH_MPLS:
          this.#own();
          this.#needHeadroom();
          pushMpls(this.#packet, code[at + 1]!, code[at + 2]! & 0xffff);
          this.#isLayoutStale = true;
          break;
        case OVS_ACTION_ATTR_POP_MPLS:
          this.#refreshLayout();
          this.#own();
          popMpls(this.#packet, code[at + 1]! & 0xffff);
          this.#isLayoutStale = true;
          break;
        case OVS_ACTION_ATTR_USERSPACE:
          this.#refreshKey();
          this.#host.upcall(this.#packet, this.#key, code, at, this.#maxLength);
          this.#maxLength = NO_TRUNCATION;
          break;
        case OVS_ACTION_ATTR_RECIRC:
          this.#recirculate(code[at + 1]!, next === end);
          break;
        case OVS_ACTION_ATTR_HASH:
          this.#hash(code[at + 1]!, code[at + 2]!);
          break;
        case OVS_ACTION_ATTR_CLONE:
          this.#nested(code, at + 1, next, next === end);
          break;
        case OVS_ACTION_ATTR_SAMPLE:
          if (this.#isSampled(code[at + 1]!)) {
            this.#nested(code, at + 2, next, next === end);
          }
          break;
        case OVS_ACTION_ATTR_CHECK_PKT_LEN: {
          const elseAt = at + 3 + code[at + 2]!;
          if (packetLength(this.#packet) > code[at + 1]! >>> 0) {
            this.#nested(code, at + 3, elseAt, next === end);
          } else {
            this.#nested(code, elseAt, next, next === end);
          }
          break;
        }
        case OVS_ACTION_ATTR_TRUNC:
          this.#maxLength = Math.max(code[at + 1]! >>> 0, ETHERNET_HEADER_LENGTH);
          break;
        case OVS_ACTION_ATTR_METER:
          if (this.#host.meterDrops(code[at + 1]! >>> 0, this.#packet)) {
            this.drops.meter++;
            return;
          }
          break;
        case OVS_ACTION_ATTR_DROP: {
          const { reasons } = this.drops;
          const reason = Math.min(code[at + 1]! >>> 0, MAX_DROP_REASON);
          reasons[reason] = reasons[reason]! + 1;
          return;
        }
      }
      at = next;
    }
  }

  #output(port: number): void {
    const packet = this.#packet;
    if (packet.length > this.#maxLength) {
      const copy = this.#takeCopy(packet);
      copy.length = this.#maxLength;
      // What is left of a truncated frame can be neither cut into segments nor summed.
      copy.clearOffload();
      this.#maxLength = NO_TRUNCATION;
      this.#host.output(port, copy);
      return;
    }
    this.#maxLength = NO_TRUNCATION;
    this.#isShared = true;
    this.#host.output(port, packet);
  }

  #set(code: Int32Array, at: number, end: number): void {
    const attribute = code[at + 1]!;
    if (
      attribute === OVS_KEY_ATTR_TUNNEL ||
      attribute === OVS_KEY_ATTR_SKB_MARK ||
      attribute === OVS_KEY_ATTR_PRIORITY
    ) {
      this.#setMetadata(code, at + 2, end);
      return;
    }
    this.#refreshLayout();
    this.#own();
    setFields(this.#packet, this.#key, attribute, code, at + 2, end);
    this.#isKeyStale = true;
  }

  #setMetadata(code: Int32Array, start: number, end: number): void {
    const key = this.#key;
    for (let at = start; at < end; at += 3) {
      const word = code[at]!;
      const isMetadata =
        word === W_SKB_PRIORITY ||
        word === W_PKT_MARK ||
        (word > W_PKT_MARK && word < METADATA_END) ||
        (word >= W_TUN_METADATA_PRESENT && word < TUNNEL_OPTIONS_END);
      if (isMetadata) {
        const mask = code[at + 2]!;
        key[word] = (key[word]! & ~mask) | (code[at + 1]! & mask);
      }
    }
    this.metadataChanged = true;
  }

  #pushVlan(tag: number): void {
    if (this.#packet.length < ETHERNET_HEADER_LENGTH) {
      return;
    }
    this.#own();
    this.#needHeadroom();
    pushVlan(this.#packet, tag >>> 16, tag & 0xffff);
    this.#isKeyStale = true;
  }

  #hash(algorithm: number, basis: number): void {
    this.#refreshKey();
    const hash = algorithm === HASH_L4 ? hash5Tuple(this.#key, basis) : hashSymmetricL4(this.#key, basis);
    // 0 means "no hash" in the key.
    this.#key[W_DP_HASH] = hash === 0 ? 1 : hash;
    this.metadataChanged = true;
  }

  #recirculate(recircId: number, isLast: boolean): void {
    if (this.#recircDepth >= MAX_RECIRC_DEPTH) {
      this.drops.recircDepth++;
      return;
    }
    const depth = this.#nesting;
    if (depth >= MAX_NESTING) {
      this.drops.nesting++;
      return;
    }
    const packet = this.#packet;
    const maxLength = this.#maxLength;
    const key = this.#key;
    const host = this.#host;
    if (!isLast) {
      this.#save(depth);
      this.#isShared = true;
    }
    this.#maxLength = NO_TRUNCATION;
    key[W_RECIRC_ID] = recircId;
    extractFlow(packet, key);
    this.#isKeyStale = false;
    this.#isLayoutStale = false;
    const found = host.findRecirculated(packet, key);
    if (found >= 0) {
      this.#recircDepth++;
      this.#nesting = depth + 1;
      this.#run(host.actionWords, found, found + host.foundLength);
      this.#nesting = depth;
      this.#recircDepth--;
    }
    if (!isLast) {
      this.#restore(depth, packet, maxLength);
    }
  }

  #nested(code: Int32Array, start: number, end: number, isLast: boolean): void {
    if (start >= end) {
      return;
    }
    const depth = this.#nesting;
    if (depth >= MAX_NESTING) {
      this.drops.nesting++;
      return;
    }
    if (isLast) {
      this.#nesting = depth + 1;
      this.#run(code, start, end);
      this.#nesting = depth;
      return;
    }
    this.#save(depth);
    const packet = this.#packet;
    const maxLength = this.#maxLength;
    this.#isShared = true;
    this.#nesting = depth + 1;
    this.#run(code, start, end);
    this.#nesting = depth;
    this.#restore(depth, packet, maxLength);
  }

  /** Keeps the metadata words for `restore`. */
  #save(depth: number): void {
    while (depth >= this.#saved.length) {
      this.#saved.push(new Int32Array(SAVED_WORDS));
    }
    const key = this.#key;
    const saved = this.#saved[depth]!;
    let index = 0;
    for (let word = METADATA_START; word < METADATA_END; word++) {
      saved[index++] = key[word]!;
    }
    for (let word = W_TUN_METADATA_PRESENT; word < TUNNEL_OPTIONS_END; word++) {
      saved[index++] = key[word]!;
    }
    saved[index] = key[W_RECIRC_ID]!;
  }

  #restore(depth: number, packet: Packet, maxLength: number): void {
    const key = this.#key;
    const saved = this.#saved[depth]!;
    let index = 0;
    for (let word = METADATA_START; word < METADATA_END; word++) {
      key[word] = saved[index++]!;
    }
    for (let word = W_TUN_METADATA_PRESENT; word < TUNNEL_OPTIONS_END; word++) {
      key[word] = saved[index++]!;
    }
    key[W_RECIRC_ID] = saved[index]!;
    this.#packet = packet;
    this.#isShared = true;
    this.#maxLength = maxLength;
    this.#isLayoutStale = true;
  }

  /** Makes the packet one that may be changed. */
  #own(): void {
    if (this.#isShared) {
      this.#packet = this.#takeCopy(this.#packet);
      this.#isShared = false;
    }
  }

  /** Makes room for a push. The packet is owned. */
  #needHeadroom(): void {
    if (this.#packet.start < PUSH_HEADROOM) {
      this.#packet = this.#takeCopy(this.#packet);
    }
  }

  #takeCopy(packet: Packet): Packet {
    if (this.#copiesUsed === this.#copies.length) {
      this.#copies.push(Packet.allocate(2048));
    }
    const copy = this.#copies[this.#copiesUsed++]!;
    copy.copyFrom(packet);
    return copy;
  }

  /** Brings the key up to date when it may be wrong about which layers the packet has. */
  #refreshLayout(): void {
    if (this.#isLayoutStale) {
      this.#extract();
    }
  }

  /** Brings the key's header words up to date. */
  #refreshKey(): void {
    if (this.#isKeyStale || this.#isLayoutStale) {
      this.#extract();
    }
  }

  #extract(): void {
    extractFlow(this.#packet, this.#key);
    this.#isKeyStale = false;
    this.#isLayoutStale = false;
  }

  /** Whether a sample of `probability` out of 2^32 - 1 is taken. */
  #isSampled(probability: number): boolean {
    let random = this.#random;
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    this.#random = random;
    // The generator never gives 0, so the numbers are 1..2^32-1: at 0 none is taken, at 2^32-1 all are.
    return random >>> 0 <= probability >>> 0;
  }
}

/** A packet's length; for one that is yet to be segmented, that of its full segments. */
function packetLength(packet: Packet): number {
  if (packet.gsoType === 0 || packet.gsoSize === 0 || packet.transportOffset < 0) {
    return packet.length;
  }
  return Math.min(packet.length, segmentHeaderLength(packet) + packet.gsoSize);
}

const TRANSPORT_LENGTH_UDP = 8;

/** The length of all headers of a GSO packet; that which it came with is only a hint. */
function segmentHeaderLength(packet: Packet): number {
  const transport = packet.transportOffset;
  const isUdp = (packet.gsoType & 0x7f) === 3 || (packet.gsoType & 0x7f) === 5;
  if (isUdp) {
    return transport + TRANSPORT_LENGTH_UDP;
  }
  return transport + ((packet.view.getUint8(packet.start + transport + 12) >>> 2) & 0x3c);
}
