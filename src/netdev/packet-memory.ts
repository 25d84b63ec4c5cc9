/**
 * The memory that packets are received into and sent from, one arena for all ports of a thread: 64 receive slots that
 * every port uses in turn, so that they stay in the processor's cache, and the tables that recvmmsg(2) and sendmmsg(2)
 * read, filled in once.
 *
 * A slot is: headroom, of which the last ten bytes receive the virtio_net_hdr, then the frame. The header is written back
 * into the same ten bytes, or wherever the frame starts after headers were pushed or pulled, so one iovec per packet is
 * enough both ways. A frame starts at 2 mod 4, which puts the network header of an untagged frame on a 4-byte boundary.
 *
 * Slots are not a multiple of a page apart: their first bytes would all fall into the same few cache sets.
 */
import { Packet } from '../wire/index.ts';
import { BATCH_SIZE } from './netdev.ts';
import type { SystemCalls } from './system-calls.ts';
import { VNET_HEADER_LENGTH } from './vnet-header.ts';

/** struct mmsghdr and its fields, on 64-bit Linux */
const MESSAGE_LENGTH = 64;
const MESSAGE_IOVEC = 16;
const MESSAGE_IOVEC_COUNT = 24;
const MESSAGE_CONTROL = 32;
const MESSAGE_CONTROL_LENGTH = 40;
const MESSAGE_FLAGS = 48;
const MESSAGE_BYTES = 56;
const IOVEC_LENGTH = 16;

/** Room for one control message: a 16-byte header and struct tpacket_auxdata (20 bytes), rounded up. */
const CONTROL_LENGTH = 48;

/**
 * 2 mod 4. Much more than any stack of headers, because nothing checks that what is pushed stays within the slot; what is
 * not touched costs nothing.
 */
const SLOT_HEADROOM = 2050;
/** The largest frame: an Ethernet header, two tags, and the largest IP packet. Longer ones (BIG TCP) are not received. */
const SLOT_CAPACITY = 65_536 + 64;
/** 192 past a multiple of 4096: consecutive slots start in other cache sets. */
const SLOT_STRIDE = 4096 * 17 + 192;

const RECEIVE_MESSAGES = 0;
const RECEIVE_IOVECS: number = RECEIVE_MESSAGES + BATCH_SIZE * MESSAGE_LENGTH;
const RECEIVE_CONTROL: number = RECEIVE_IOVECS + BATCH_SIZE * IOVEC_LENGTH;
const SEND_MESSAGES: number = RECEIVE_CONTROL + BATCH_SIZE * CONTROL_LENGTH;
const SEND_IOVECS: number = SEND_MESSAGES + BATCH_SIZE * MESSAGE_LENGTH;
const SCRATCH: number = SEND_IOVECS + BATCH_SIZE * IOVEC_LENGTH;
const SCRATCH_LENGTH = 8192;
const STAGE: number = SCRATCH + SCRATCH_LENGTH;
/** Holds a batch of ordinary frames, or a few of the largest. */
const STAGE_LENGTH = 256 * 1024;
const SLOTS: number = STAGE + STAGE_LENGTH;
const TOTAL_LENGTH: number = SLOTS + BATCH_SIZE * SLOT_STRIDE;

const TWO_TO_32 = 4_294_967_296;

/** Receive and send memory for the ports of one thread. Make one and open all ports with it. */
export class PacketMemory {
  readonly calls: SystemCalls;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** address of `bytes[0]` */
  readonly address: number;
  /** what packet `i` of a batch is received into */
  readonly packets: readonly Packet[];
  /** address of the table for recvmmsg */
  readonly receiveMessages: number;
  /** address of the table for sendmmsg */
  readonly sendMessages: number;
  /** 8 KB for the arguments of other calls, overwritten by anyone */
  readonly scratch: number;
  readonly scratchAddress: number;

  private readonly words: Int32Array;
  private staged = STAGE;

  constructor(calls: SystemCalls) {
    const { buffer, address } = calls.map(TOTAL_LENGTH);
    this.calls = calls;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.words = new Int32Array(buffer, 0, TOTAL_LENGTH >> 2);
    this.address = address;
    this.receiveMessages = address + RECEIVE_MESSAGES;
    this.sendMessages = address + SEND_MESSAGES;
    this.scratch = SCRATCH;
    this.scratchAddress = address + SCRATCH;
    const packets: Packet[] = [];
    for (let i = 0; i < BATCH_SIZE; i++) {
      packets.push(new Packet(this.bytes, slotStart(i), 0));
      const receive = RECEIVE_MESSAGES + i * MESSAGE_LENGTH;
      this.setLong(receive + MESSAGE_IOVEC, address + RECEIVE_IOVECS + i * IOVEC_LENGTH);
      this.setLong(receive + MESSAGE_IOVEC_COUNT, 1);
      this.setLong(receive + MESSAGE_CONTROL, address + RECEIVE_CONTROL + i * CONTROL_LENGTH);
      this.setLong(receive + MESSAGE_CONTROL_LENGTH, CONTROL_LENGTH);
      this.setLong(RECEIVE_IOVECS + i * IOVEC_LENGTH, this.slotAddress(i));
      this.setLong(RECEIVE_IOVECS + i * IOVEC_LENGTH + 8, this.slotLength);
      const send = SEND_MESSAGES + i * MESSAGE_LENGTH;
      this.setLong(send + MESSAGE_IOVEC, address + SEND_IOVECS + i * IOVEC_LENGTH);
      this.setLong(send + MESSAGE_IOVEC_COUNT, 1);
    }
    this.packets = packets;
  }

  /** Where slot `i` receives: the virtio_net_hdr with the frame behind it. */
  slotAddress(i: number): number {
    return this.address + slotStart(i) - VNET_HEADER_LENGTH;
  }

  /** How much a slot receives, header included. */
  get slotLength(): number {
    return SLOT_CAPACITY + VNET_HEADER_LENGTH;
  }

  /** Aims packet `i` at what was received into its slot: `length` bytes including the virtio_net_hdr. */
  aimAtSlot(i: number, length: number): Packet {
    const packet = this.packets[i]!;
    packet.aim(slotStart(i), length - VNET_HEADER_LENGTH);
    return packet;
  }

  /** How many bytes message `i` of recvmmsg received. */
  receivedBytes(i: number): number {
    return this.words[(RECEIVE_MESSAGES + i * MESSAGE_LENGTH + MESSAGE_BYTES) >> 2]!;
  }

  /** msg_flags of message `i` of recvmmsg. */
  receivedFlags(i: number): number {
    return this.words[(RECEIVE_MESSAGES + i * MESSAGE_LENGTH + MESSAGE_FLAGS) >> 2]!;
  }

  /** Where the control message of message `i` lies in `bytes`, or -1 when there is none; makes room for the next one. */
  takeControl(i: number): number {
    const word = (RECEIVE_MESSAGES + i * MESSAGE_LENGTH + MESSAGE_CONTROL_LENGTH) >> 2;
    const length = this.words[word]!;
    // The kernel overwrites the length of the buffer with what it used.
    this.words[word] = CONTROL_LENGTH;
    return length === 0 ? -1 : RECEIVE_CONTROL + i * CONTROL_LENGTH;
  }

  /**
   * Where a packet lies so that a virtio_net_hdr can be written before it and the kernel can read both: where it is when
   * it is in this memory, else in a copy. -1 when there is no room for the copy until `clearStage`.
   */
  place(packet: Packet): number {
    const { start, length } = packet;
    if (packet.bytes === this.bytes && start >= VNET_HEADER_LENGTH) return start;
    // The same alignment as a received frame has.
    const copy = ((this.staged + VNET_HEADER_LENGTH + 3) & ~3) + 2;
    if (copy + length > STAGE + STAGE_LENGTH) return -1;
    this.bytes.set(packet.bytes.subarray(start, start + length), copy);
    this.staged = copy + length;
    return copy;
  }

  /** Forgets the copies that `place` made. */
  clearStage(): void {
    this.staged = STAGE;
  }

  /** Makes message `i` of sendmmsg send the `length` bytes at `offset` of this memory. */
  setSendMessage(i: number, offset: number, length: number): void {
    const { words } = this;
    const word = (SEND_IOVECS + i * IOVEC_LENGTH) >> 2;
    const address = this.address + offset;
    words[word] = address | 0;
    words[word + 1] = (address / TWO_TO_32) | 0;
    words[word + 2] = length;
  }

  /** What `setSendMessage` was told for message `i`. */
  sendLength(i: number): number {
    return this.words[((SEND_IOVECS + i * IOVEC_LENGTH) >> 2) + 2]!;
  }

  private setLong(offset: number, value: number): void {
    this.words[offset >> 2] = value | 0;
    this.words[(offset >> 2) + 1] = (value / TWO_TO_32) | 0;
  }
}

function slotStart(i: number): number {
  return SLOTS + i * SLOT_STRIDE + SLOT_HEADROOM;
}
