import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  completeChecksum,
  composePacket,
  computeChecksum,
  createLayers,
  type FrameSpec,
  GSO_ECN,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP,
  GSO_UDP_L4,
  ipv4Identification,
  ipv4PseudoHeaderSum,
  ipv6PseudoHeaderSum,
  locateLayers,
  OFFLOAD_NEEDS_CHECKSUM,
  Packet,
  parseIpv4,
  parseIpv6,
  parseTcp,
  parseUdp,
  segmentCount,
  sumBytes,
  TCP_ACK,
  TCP_CWR,
  TCP_FIN,
  TCP_PSH,
  tcpLength,
  udpChecksum,
  verifyIpv4Checksum,
  verifySctpChecksum,
  writeSegment,
} from '../../../src/wire/index.ts';

const layers = createLayers();
const scratch = Packet.allocate(0);

function payloadOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >>> 8)) & 255);
}

/** A packet as a packet socket hands it over: the checksum field holds the pseudo-header's sum only. */
function offloaded(spec: FrameSpec, gsoType: number, gsoSize: number): Packet {
  const packet = composePacket(spec);
  const { view, start } = packet;
  const end = start + packet.length;
  locateLayers(view, start, end, layers);
  const length = end - layers.transport;
  const sum =
    layers.ethertype === 0x0800
      ? ipv4PseudoHeaderSum(view, layers.network, length, layers.protocol)
      : ipv6PseudoHeaderSum(view, layers.network, length, layers.protocol);
  packet.offloadFlags = OFFLOAD_NEEDS_CHECKSUM;
  packet.checksumStart = layers.transport - start;
  packet.checksumOffset = layers.protocol === 6 ? 16 : 6;
  view.setUint16(layers.transport + packet.checksumOffset, ~computeChecksum(view, 0, 0, sum) & 0xffff);
  packet.gsoType = gsoType;
  packet.gsoSize = gsoSize;
  packet.headerLength = 9;
  return packet;
}

interface Segment {
  readonly sequence: number;
  readonly flags: number;
  readonly identification: number;
  readonly payload: Uint8Array;
}

/** Reads a segment back, checking all lengths and checksums. */
function read(packet: Packet): Segment {
  const { view, start } = packet;
  const end = start + packet.length;
  assert.equal(packet.offloadFlags, 0);
  assert.equal(packet.gsoType, 0);
  locateLayers(view, start, end, layers);
  const { network, transport, protocol } = layers;
  let sum: number;
  let identification = 0;
  if (layers.ethertype === 0x0800) {
    assert.ok(verifyIpv4Checksum(view, network));
    assert.equal(parseIpv4(view, network, end)!.payloadLength, end - transport);
    identification = ipv4Identification(view, network);
    sum = ipv4PseudoHeaderSum(view, network, end - transport, protocol);
  } else {
    assert.equal(parseIpv6(view, network, end)!.payloadLength, end - network - 40);
    sum = ipv6PseudoHeaderSum(view, network, end - transport, protocol);
  }
  assert.equal(computeChecksum(view, transport, end - transport, sum), 0);
  if (protocol === 17) {
    assert.equal(parseUdp(view, transport, end)!.payloadLength, end - transport - 8);
    assert.notEqual(udpChecksum(view, transport), 0);
    return { sequence: 0, flags: 0, identification, payload: packet.frame().slice(transport - start + 8) };
  }
  const tcp = parseTcp(view, transport, end)!;
  const payload = packet.frame().slice(transport - start + tcpLength(tcp));
  return { sequence: tcp.sequence, flags: tcp.flags, identification, payload };
}

function segment(packet: Packet): Segment[] {
  const segments: Segment[] = [];
  const count = segmentCount(packet);
  for (let index = 0; index < count; index++) {
    writeSegment(packet, index, scratch);
    segments.push(read(scratch));
  }
  return segments;
}

const ipv4 = { source: '10.0.0.1', destination: '10.0.0.2', identification: 0xfffe, dontFragment: true };
const ipv6 = { source: 'fe80::1', destination: 'fe80::2' };
const anyTcp = {
  sourcePort: 1000,
  destinationPort: 2000,
  sequence: 0xffff_ff00,
  acknowledgment: 5,
  flags: TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR,
  options: [{ kind: 'timestamp', value: 1, echo: 2 }] as const,
};
const networks: readonly [string, FrameSpec, number][] = [
  ['TCP over IPv4', { ipv4 }, GSO_TCPV4],
  ['TCP over IPv6', { ipv6 }, GSO_TCPV6],
  ['TCP over IPv4 in a VLAN', { vlans: [{ vlanId: 5 }], ipv4 }, GSO_TCPV4 | GSO_ECN],
  ['TCP over IPv6 in two VLANs', { vlans: [{ vlanId: 5 }, { vlanId: 7 }], ipv6 }, GSO_TCPV6],
  ['TCP over IPv4 with options', { ipv4: { ...ipv4, options: new Uint8Array([0x94, 4, 0, 0]) } }, GSO_TCPV4],
  [
    'TCP over IPv6 with extension headers',
    { ipv6: { ...ipv6, extensions: [{ kind: 'options', nextHeader: 0, options: new Uint8Array(6) }] } },
    GSO_TCPV6,
  ],
  ['TCP over IPv4 below a label', { mpls: [{ label: 5 }], ipv4 }, GSO_TCPV4],
  ['UDP over IPv4', { ipv4 }, GSO_UDP_L4],
  ['UDP over IPv6 in a VLAN', { vlans: [{ vlanId: 5 }], ipv6 }, GSO_UDP_L4],
];

describe('segmentation', () => {
  for (const [name, network, gsoType] of networks) {
    const isTcp = gsoType !== GSO_UDP_L4;
    const transport: FrameSpec = isTcp ? { tcp: anyTcp } : { udp: { sourcePort: 1, destinationPort: 2 } };

    it(`of ${name} keeps the payload, and every segment verifies`, () => {
      fc.assert(
        fc.property(fc.nat(3000), fc.integer({ min: 1, max: 1460 }), (length, seed) => {
          const gsoSize = Math.max(seed, Math.ceil(length / 12));
          const payload = payloadOf(length);
          const segments = segment(offloaded({ ...network, ...transport, payload }, gsoType, gsoSize));
          assert.deepEqual(Buffer.concat(segments.map((one) => one.payload)), Buffer.from(payload));
          let position = 0;
          for (const [index, one] of segments.entries()) {
            const isLast = index === segments.length - 1;
            assert.ok(isLast || one.payload.length === gsoSize);
            if (network.ipv4 !== undefined) {
              assert.equal(one.identification, (0xfffe + index) & 0xffff);
            }
            if (isTcp) {
              assert.equal(one.sequence, (0xffff_ff00 + position) >>> 0);
              const flags = TCP_ACK | (isLast ? TCP_PSH | TCP_FIN : 0) | (index === 0 ? TCP_CWR : 0);
              assert.equal(one.flags, flags);
            }
            position += one.payload.length;
          }
        }),
        { numRuns: 40 },
      );
    });
  }

  it('takes a frame longer than IP lengths can say', () => {
    const payload = payloadOf(70000);
    const packet = offloaded({ ipv4: { ...ipv4, payloadLength: 0 }, tcp: anyTcp, payload }, GSO_TCPV4, 1448);
    packet.view.setUint16(packet.start + 16, 0);
    const segments = segment(packet);
    assert.equal(segments.length, Math.ceil(70000 / 1448));
    assert.deepEqual(Buffer.concat(segments.map((one) => one.payload)), Buffer.from(payload));
  });

  it('finds the headers where the checksum is complete', () => {
    const packet = composePacket({ ipv4, tcp: anyTcp, payload: payloadOf(3000) });
    packet.gsoType = GSO_TCPV4;
    packet.gsoSize = 1448;
    assert.equal(segment(packet).length, 3);
  });

  it('leaves the packet as it was', () => {
    const packet = offloaded({ ipv4, tcp: anyTcp, payload: payloadOf(3000) }, GSO_TCPV4, 1448);
    const before = packet.frame().slice();
    segment(packet);
    assert.deepEqual(packet.frame(), before);
  });

  it('is one frame where there is nothing to cut', () => {
    assert.equal(segmentCount(composePacket({ ipv4, tcp: anyTcp })), 1);
    const started = { ipv4, tcp: anyTcp, payload: payloadOf(9) };
    for (const gsoType of [0, GSO_ECN]) {
      assert.deepEqual(segment(offloaded(started, gsoType, 1))[0]?.payload, payloadOf(9));
    }
    assert.equal(segmentCount(Object.assign(offloaded(started, 0, 0), { checksumStart: 9999 })), 0);
    assert.equal(segmentCount(offloaded({ ipv4, tcp: anyTcp }, GSO_TCPV4, 1448)), 1);
  });

  const big = { payload: payloadOf(3000) };
  const refused: readonly [string, () => Packet][] = [
    ['UDP fragmentation', () => offloaded({ ipv4, udp: {}, ...big }, GSO_UDP, 1000)],
    ['an unknown kind', () => offloaded({ ipv4, udp: {}, ...big }, 77, 1000)],
    ['segments of 0 bytes', () => offloaded({ ipv4, tcp: anyTcp, ...big }, GSO_TCPV4, 0)],
    ['IPv6 said to be IPv4', () => offloaded({ ipv6, tcp: anyTcp, ...big }, GSO_TCPV4, 1000)],
    ['IPv4 said to be IPv6', () => offloaded({ ipv4, tcp: anyTcp, ...big }, GSO_TCPV6, 1000)],
    ['ARP', () => Object.assign(composePacket({ arp: {}, ...big }), { gsoType: GSO_TCPV4, gsoSize: 1000 })],
    [
      'a checksum start that is not the transport header',
      () => Object.assign(offloaded({ ipv4, tcp: anyTcp, ...big }, GSO_TCPV4, 1000), { checksumStart: 38 }),
    ],
    [
      'a checksum start beyond the frame',
      () => Object.assign(offloaded({ ipv6, tcp: anyTcp, ...big }, GSO_TCPV6, 1000), { checksumStart: 60000 }),
    ],
    ['a frame cut off', () => Object.assign(offloaded({ ipv4, tcp: anyTcp, ...big }, GSO_TCPV4, 1000), { length: 40 })],
  ];
  for (const [name, make] of refused) {
    it(`refuses ${name}`, () => {
      const packet = make();
      assert.equal(segmentCount(packet), 0);
      if (packet.gsoSize > 0) {
        assert.throws(() => writeSegment(packet, 0, scratch), /has no segments/);
      }
    });
  }

  it('survives any metadata', () => {
    const any = fc.record({
      gsoType: fc.nat(255),
      gsoSize: fc.nat(3000),
      checksumStart: fc.nat(0xffff),
      length: fc.nat(200),
      offloadFlags: fc.nat(3),
    });
    fc.assert(
      fc.property(any, fc.boolean(), (metadata, isIpv6) => {
        const network: FrameSpec = isIpv6 ? { ipv6 } : { ipv4 };
        const packet = Object.assign(composePacket({ ...network, tcp: anyTcp, payload: payloadOf(200) }), metadata);
        for (let index = segmentCount(packet) - 1; index >= 0; index--) {
          writeSegment(packet, index, scratch);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('completing a checksum', () => {
  const transports: readonly [string, FrameSpec][] = [
    ['TCP over IPv4', { ipv4, tcp: anyTcp }],
    ['TCP over IPv6', { ipv6, tcp: anyTcp }],
    ['UDP over IPv4', { ipv4, udp: {} }],
    ['UDP over IPv6 in a VLAN', { vlans: [{}], ipv6, udp: {} }],
  ];
  for (const [name, spec] of transports) {
    it(`of ${name} gives what composing gives`, () => {
      for (const length of [0, 1, 99]) {
        const whole = { ...spec, payload: payloadOf(length) };
        const packet = offloaded(whole, 0, 0);
        assert.equal(completeChecksum(packet), true);
        assert.deepEqual(packet.frame(), composePacket(whole).frame());
        assert.equal(packet.offloadFlags & OFFLOAD_NEEDS_CHECKSUM, 0);
      }
    });
  }

  it('writes all ones for 0', () => {
    const payload = new Uint8Array(2);
    const packet = composePacket({ ipv4, udp: {}, payload });
    const { view, start } = packet;
    // Payload that brings the sum to all ones.
    view.setUint16(start + 42, view.getUint16(start + 40));
    view.setUint16(start + 40, 0);
    const sum = sumBytes(view, start + 34, 10);
    view.setUint16(start + 40, computeChecksum(view, start + 34, 10, 0));
    assert.ok(sum > 0);
    Object.assign(packet, { offloadFlags: OFFLOAD_NEEDS_CHECKSUM, checksumStart: 34, checksumOffset: 6 });
    assert.equal(completeChecksum(packet), true);
    assert.equal(view.getUint16(start + 40), 0xffff);
  });

  it('of SCTP is a CRC', () => {
    const packet = composePacket({ ipv4, sctp: { sourcePort: 1 }, payload: payloadOf(20) });
    packet.view.setUint32(packet.start + 42, 0);
    Object.assign(packet, { offloadFlags: OFFLOAD_NEEDS_CHECKSUM, checksumStart: 34, checksumOffset: 8 });
    assert.equal(completeChecksum(packet), true);
    assert.ok(verifySctpChecksum(packet.view, packet.start + 34, packet.start + packet.length));
  });

  it('does nothing where none is wanted', () => {
    const packet = composePacket({ ipv4, tcp: anyTcp });
    const before = packet.frame().slice();
    assert.equal(completeChecksum(packet), true);
    assert.deepEqual(packet.frame(), before);
  });

  it('refuses a field beyond the frame', () => {
    for (const [checksumStart, checksumOffset] of [
      [54, 0],
      [53, 0],
      [40, 13],
      [43, 8],
      [60000, 8],
    ]) {
      const packet = composePacket({ ipv4, tcp: { ...anyTcp, options: [] } });
      assert.equal(packet.length, 54);
      Object.assign(packet, { offloadFlags: OFFLOAD_NEEDS_CHECKSUM, checksumStart, checksumOffset });
      assert.equal(completeChecksum(packet), false);
      assert.equal(packet.offloadFlags, OFFLOAD_NEEDS_CHECKSUM);
    }
  });
});
