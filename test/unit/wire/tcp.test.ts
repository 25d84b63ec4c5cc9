import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkTcp,
  computeChecksum,
  emitTcp,
  emitTcpOptions,
  fillTcpChecksum,
  formatTcp,
  formatTcpOptions,
  ipv4PseudoHeaderSum,
  parseTcp,
  parseTcpOptions,
  setTcpAcknowledgment,
  setTcpChecksum,
  setTcpDestinationPort,
  setTcpFlags,
  setTcpLengthAndFlags,
  setTcpSequence,
  setTcpSourcePort,
  setTcpUrgentPointer,
  setTcpWindow,
  TCP_ACK,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
  type TcpHeader,
  type TcpOption,
  tcpAcknowledgment,
  tcpChecksum,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderLength,
  tcpLength,
  tcpOptionsLength,
  tcpSequence,
  tcpSourcePort,
  tcpUrgentPointer,
  tcpWindow,
} from '../../../src/wire/index.ts';
import { bytesOf, exactView, NETWORK, TCP_SYN_FRAME, tail, viewOf } from './frames.ts';
import { anyBytes, anyRecord, anyUint8, anyUint16, anyUint32, field, testHeader } from './header-tests.ts';

const packet = tail(TCP_SYN_FRAME, NETWORK + 20);
const header: TcpHeader = {
  sourcePort: 33844,
  destinationPort: 8080,
  sequence: 1323074541,
  acknowledgment: 0,
  flags: TCP_SYN,
  window: 64240,
  urgentPointer: 0,
  options: [
    { kind: 'mss', size: 1460 },
    { kind: 'sack-permitted' },
    { kind: 'timestamp', value: 2502920034, echo: 0 },
    { kind: 'nop' },
    { kind: 'window-scale', shift: 10 },
  ],
};

const anyOption: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.constant<TcpOption>({ kind: 'nop' }),
  fc.constant<TcpOption>({ kind: 'sack-permitted' }),
  anyUint16.map((size): TcpOption => ({ kind: 'mss', size })),
  anyUint8.map((shift): TcpOption => ({ kind: 'window-scale', shift })),
  fc.tuple(anyUint32, anyUint32).map(([value, echo]): TcpOption => ({ kind: 'timestamp', value, echo })),
  fc
    .array(anyRecord({ left: anyUint32, right: anyUint32 }), { minLength: 1, maxLength: 4 })
    .map((blocks): TcpOption => ({ kind: 'sack', blocks })),
  fc
    .tuple(fc.integer({ min: 9, max: 255 }), anyBytes(1, 6))
    .map(([type, data]): TcpOption => ({ kind: 'unknown', type, data })),
  // of a known type, but of another length
  fc.constant<TcpOption>({ kind: 'unknown', type: 2, data: bytesOf('01') }),
  fc.constant<TcpOption>({ kind: 'unknown', type: 5, data: bytesOf('') }),
);
const anyOptions = fc.array(anyOption, { maxLength: 5 }).filter((options) => tcpOptionsLength(options) <= 40);

testHeader<TcpHeader>({
  name: 'TCP',
  packet,
  headerLength: 40,
  header,
  blank: {
    ...header,
    sourcePort: 1,
    destinationPort: 2,
    sequence: 3,
    acknowledgment: 4,
    flags: 5,
    window: 6,
    urgentPointer: 7,
  },
  fields: [
    field(tcpSourcePort, header.sourcePort, setTcpSourcePort),
    field(tcpDestinationPort, header.destinationPort, setTcpDestinationPort),
    field(tcpSequence, header.sequence, setTcpSequence),
    field(tcpAcknowledgment, header.acknowledgment, setTcpAcknowledgment),
    field(tcpHeaderLength, 40),
    field(tcpFlags, header.flags, setTcpFlags),
    field(tcpWindow, header.window, setTcpWindow),
    field(tcpChecksum, 0xa5d7, setTcpChecksum),
    field(tcpUrgentPointer, header.urgentPointer, setTcpUrgentPointer),
  ],
  check: checkTcp,
  parse: parseTcp,
  length: tcpLength,
  emit: emitTcp,
  finish: (view, offset, end) => {
    fillTcpChecksum(view, offset, end, ipv4PseudoHeaderSum(viewOf(TCP_SYN_FRAME), NETWORK, 40, 6));
  },
  headers: anyRecord({
    sourcePort: anyUint16,
    destinationPort: anyUint16,
    sequence: anyUint32,
    acknowledgment: anyUint32,
    flags: fc.nat(0xfff),
    window: anyUint16,
    urgentPointer: anyUint16,
    options: anyOptions,
  }),
});

describe('TCP', () => {
  it('sets header length and flags without touching each other', () => {
    const view = viewOf(packet);
    setTcpFlags(view, 0, 0xfff);
    assert.equal(tcpHeaderLength(view, 0), 40);
    setTcpLengthAndFlags(view, 0, 20, 0x101);
    assert.equal(view.getUint16(12), 0x5101);
  });

  it('refuses a header length below 20 or beyond the packet', () => {
    const view = viewOf(packet);
    setTcpLengthAndFlags(view, 0, 16, 0);
    assert.equal(checkTcp(view, 0, 40), -1);
    setTcpLengthAndFlags(view, 0, 44, 0);
    assert.equal(checkTcp(view, 0, 40), -1);
  });

  it('has the checksum that the kernel gave it', () => {
    const frame = viewOf(TCP_SYN_FRAME);
    assert.equal(computeChecksum(frame, 34, 40, ipv4PseudoHeaderSum(frame, NETWORK, 40, 6)), 0);
  });

  it('is written as tcpdump writes it', () => {
    assert.equal(
      formatTcp(header, 0),
      'Flags [S], seq 1323074541, win 64240, options [mss 1460,sackOK,TS val 2502920034 ecr 0,nop,wscale 10], length 0',
    );
    const plain = { ...header, options: [], acknowledgment: 9 };
    assert.equal(
      formatTcp({ ...plain, sequence: 0xffffffff, flags: TCP_PSH | TCP_ACK }, 5),
      'Flags [P.], seq 4294967295:4, ack 9, win 64240, length 5',
    );
    assert.equal(formatTcp({ ...plain, flags: TCP_ACK }, 0), 'Flags [.], ack 9, win 64240, length 0');
    assert.equal(formatTcp({ ...plain, flags: 0 }, 0), 'Flags [none], win 64240, length 0');
    assert.equal(
      formatTcp({ ...plain, flags: TCP_RST | TCP_URG, urgentPointer: 2 }, 0),
      'Flags [RU], seq 1323074541, win 64240, urg 2, length 0',
    );
  });
});

describe('TCP options', () => {
  it('end at "end of list" and at the first malformed one', () => {
    const cases: readonly [string, number][] = [
      ['01 00 01', 1],
      ['01 02', 1],
      ['01 0200', 1],
      ['01 0201', 1],
      ['01 020405', 1],
      ['01 020405b4', 2],
    ];
    for (const [hex, count] of cases) {
      const view = viewOf(hex);
      assert.equal(parseTcpOptions(view, 0, view.byteLength).length, count, hex);
    }
  });

  it('are padded to four bytes', () => {
    const view = exactView(new Uint8Array(4).fill(0xa5));
    assert.equal(emitTcpOptions([{ kind: 'nop' }], view, 0), 4);
    assert.equal(view.getUint32(0), 0x01000000);
  });

  it('are written as tcpdump writes them', () => {
    const text = formatTcpOptions([
      {
        kind: 'sack',
        blocks: [
          { left: 1, right: 5 },
          { left: 8, right: 9 },
        ],
      },
      { kind: 'unknown', type: 77, data: bytesOf('4141') },
      { kind: 'unknown', type: 78, data: bytesOf('') },
    ]);
    assert.equal(text, 'sack 2 {1:5}{8:9},unknown-77 0x4141,unknown-78');
  });
});
