import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ActionExecutor, type ExecutionHost } from '../../../src/datapath/execute.ts';
import {
  type DatapathAction,
  encodeActions,
  OVS_KEY_ATTR_ARP,
  OVS_KEY_ATTR_ETHERNET,
  OVS_KEY_ATTR_ICMP,
  OVS_KEY_ATTR_ICMPV6,
  OVS_KEY_ATTR_IPV4,
  OVS_KEY_ATTR_IPV6,
  OVS_KEY_ATTR_MPLS,
  OVS_KEY_ATTR_ND,
  OVS_KEY_ATTR_ND_EXTENSIONS,
  OVS_KEY_ATTR_SCTP,
  OVS_KEY_ATTR_TCP,
  OVS_KEY_ATTR_UDP,
  parseDatapathActions,
} from '../../../src/datapath/index.ts';
import {
  createFlow,
  EXTRACT_OK,
  extractFlow,
  type FlowWords,
  W_ARP_SHA,
  W_ARP_SHA_THA,
  W_ARP_THA,
  W_IGMP_GROUP,
  W_ND_TARGET,
  W_PACKET_END,
  W_TOS_TTL_FLAGS,
  W_TP,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
} from '../../../src/flow/index.ts';
import {
  completeChecksum,
  composePacket,
  computeChecksum,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  type FrameSpec,
  ipv4PseudoHeaderSum,
  ipv6PseudoHeaderSum,
  OFFLOAD_NEEDS_CHECKSUM,
  Packet,
  sumBytes,
  verifyIpv4Checksum,
  verifySctpChecksum,
} from '../../../src/wire/index.ts';
import { arbitraryFrame, arbitraryMaskedSet } from '../../support/arbitrary-datapath.ts';

/** Keeps a copy of every output; recirculated packets find nothing. */
class Host implements ExecutionHost {
  readonly actionWords: Int32Array = new Int32Array(0);
  readonly foundLength = 0;
  readonly outputs: { port: number; packet: Packet; bytes: string }[] = [];

  output(port: number, packet: Packet): void {
    this.outputs.push({ port, packet, bytes: hex(packet) });
  }

  upcall(): void {}

  findRecirculated(): number {
    return -1;
  }

  meterDrops(): boolean {
    return false;
  }
}

function hex(packet: Packet): string {
  return Buffer.from(packet.frame()).toString('hex');
}

function run(packet: Packet, actions: readonly DatapathAction[]): Host {
  const host = new Host();
  const key = createFlow();
  extractFlow(packet, key);
  const code = encodeActions(actions);
  new ActionExecutor(host, 7).execute(packet, key, code, 0, code.length);
  for (const { packet: sent, bytes } of host.outputs) {
    assert.equal(hex(sent), bytes, 'what was output has not changed');
  }
  return host;
}

/** The only packet that `actions`, and an output, send. */
function result(packet: Packet, actions: readonly DatapathAction[]): Packet {
  const host = run(packet, [...actions, { type: 'output', port: 1 }]);
  assert.equal(host.outputs.length, 1);
  return host.outputs[0]!.packet;
}

function keyOf(packet: Packet): FlowWords {
  const key = createFlow();
  assert.equal(extractFlow(packet, key), EXTRACT_OK);
  return key;
}

/** Asserts that the checksums of IP and transport are right. */
function verifyChecksums(packet: Packet): void {
  const key = keyOf(packet);
  const { view } = packet;
  const type = key[W_TYPE_PROTO_FRAG]! >>> 16;
  const protocol = (key[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff;
  if (type !== ETHERTYPE_IPV4 && type !== ETHERTYPE_IPV6) {
    return;
  }
  const network = packet.start + packet.networkOffset;
  const transport = packet.start + packet.transportOffset;
  const isIpv4 = type === ETHERTYPE_IPV4;
  if (isIpv4) {
    assert.ok(verifyIpv4Checksum(view, network), 'IPv4 header checksum');
  }
  const end = isIpv4 ? network + view.getUint16(network + 2) : network + 40 + view.getUint16(network + 4);
  const length = end - transport;
  if (protocol === 132) {
    assert.ok(verifySctpChecksum(view, transport, end), 'SCTP checksum');
    return;
  }
  const pseudoHeader = isIpv4
    ? protocol === 1
      ? 0
      : ipv4PseudoHeaderSum(view, network, length, protocol)
    : ipv6PseudoHeaderSum(view, network, length, protocol);
  assert.equal(computeChecksum(view, transport, length, pseudoHeader), 0, `checksum of protocol ${protocol}`);
}

/** The attributes that can be set in a packet with this key. */
function settableIn(key: FlowWords): number[] {
  const list = [OVS_KEY_ATTR_ETHERNET];
  const protocol = (key[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff;
  switch (key[W_TYPE_PROTO_FRAG]! >>> 16) {
    case ETHERTYPE_IPV4:
      list.push(OVS_KEY_ATTR_IPV4);
      break;
    case ETHERTYPE_IPV6:
      list.push(OVS_KEY_ATTR_IPV6);
      break;
    case ETHERTYPE_ARP:
      return [...list, OVS_KEY_ATTR_ARP];
    default:
      return [...list, OVS_KEY_ATTR_MPLS];
  }
  const transports = new Map([
    [6, [OVS_KEY_ATTR_TCP]],
    [17, [OVS_KEY_ATTR_UDP]],
    [132, [OVS_KEY_ATTR_SCTP]],
    [1, [OVS_KEY_ATTR_ICMP]],
    [58, [OVS_KEY_ATTR_ICMPV6]],
  ]);
  list.push(...(transports.get(protocol) ?? []));
  if (protocol === 58 && key[W_TP] === 135 << 16) {
    list.push(OVS_KEY_ATTR_ND, OVS_KEY_ATTR_ND_EXTENSIONS);
  }
  return list;
}

/** The key after a set action, where it can be foretold. */
function expectedKey(before: FlowWords, action: DatapathAction): FlowWords {
  assert.ok(action.type === 'set_masked');
  const key = before.slice();
  for (const { word, value, mask } of action.words) {
    key[word] = (key[word]! & ~mask) | value;
  }
  return key;
}

/** Words that say nothing after `attribute` was set: options of ND that are not there, or a changed ICMPv6 type. */
function isForetold(before: FlowWords, attribute: number, word: number): boolean {
  if (attribute === OVS_KEY_ATTR_ICMPV6) {
    const isNd = before[W_TP] === 135 << 16;
    const ndWords = [
      W_ND_TARGET,
      W_ND_TARGET + 1,
      W_ND_TARGET + 2,
      W_ND_TARGET + 3,
      W_ARP_SHA,
      W_ARP_SHA_THA,
      W_ARP_THA,
    ];
    return !isNd || !(ndWords.includes(word) || word === W_IGMP_GROUP || word === W_TOS_TTL_FLAGS);
  }
  if (attribute === OVS_KEY_ATTR_ND) {
    return word < W_ARP_SHA || word > W_ARP_THA;
  }
  return (
    attribute !== OVS_KEY_ATTR_ND_EXTENSIONS || (word !== W_TOS_TTL_FLAGS && (word < W_ARP_SHA || word > W_ARP_THA))
  );
}

const packetAndSet: fc.Arbitrary<{ frame: FrameSpec; set: DatapathAction }> = arbitraryFrame.chain((frame) => {
  const key = createFlow();
  extractFlow(composePacket(frame), key);
  return fc
    .constantFrom(...settableIn(key))
    .chain((attribute) => arbitraryMaskedSet(attribute).map((set) => ({ frame, set })));
});

describe('set actions', () => {
  it('change the key as they say and keep checksums right', () => {
    fc.assert(
      fc.property(packetAndSet, ({ frame, set }) => {
        assert.ok(set.type === 'set_masked');
        const packet = composePacket(frame);
        const before = keyOf(packet);
        fc.pre(set.attribute !== OVS_KEY_ATTR_MPLS || set.words.every(({ mask }) => (mask & 0x100) === 0));
        const expected = expectedKey(before, set);
        // A message that became neighbour discovery is read as one, which it may not be.
        fc.pre(set.attribute !== OVS_KEY_ATTR_ICMPV6 || ((expected[W_TP]! >>> 16) & 0xfe) !== 134);
        const after = result(packet, [set]);
        const key = createFlow();
        extractFlow(after, key);
        for (let word = 0; word < W_PACKET_END; word++) {
          if (isForetold(before, set.attribute, word)) {
            assert.equal(key[word], expected[word], `word ${word}`);
          }
        }
        if (set.attribute !== OVS_KEY_ATTR_ND_EXTENSIONS) {
          verifyChecksums(after);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('leave a packet alone that they do not fit', () => {
    for (const text of [
      'set(tcp(src=1))',
      'set(ipv6(hlimit=3))',
      'set(arp(op=2))',
      'set(icmp(type=3))',
      'set(mpls(ttl=1))',
    ]) {
      const packet = composePacket({ ipv4: { source: 1, destination: 2 }, udp: { sourcePort: 5 } });
      const before = hex(packet);
      assert.equal(hex(result(packet, parseDatapathActions(text))), before, text);
    }
  });

  it('never read or write outside of a damaged frame', () => {
    const sets =
      'set(eth(src=00:00:00:00:00:01)),set(ipv4(src=1.1.1.1,ttl=1)),set(ipv6(src=::1,hlimit=1)),set(tcp(src=1)),set(udp(src=1)),set(sctp(src=1)),set(icmp(type=1)),set(icmpv6(code=1)),set(nd(target=::1,sll=00:00:00:00:00:01,tll=00:00:00:00:00:01)),set(nd_ext(nd_reserved=0x1,nd_options_type=1)),set(arp(sip=1.1.1.1)),set(mpls(ttl=1)),set(nsh(ttl=1,c1=0x1)),pop_vlan,pop_mpls(eth_type=0x800),push_mpls(label=1,tc=0,ttl=1,bos=1,eth_type=0x8847),push_vlan(vid=1,pcp=0)';
    const actions = parseDatapathActions(sets);
    fc.assert(
      fc.property(
        arbitraryFrame,
        fc.nat(200),
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }),
        (frame, cut, changes) => {
          const whole = composePacket(frame).frame();
          const bytes = whole.slice(0, Math.max(0, whole.length - (cut % (whole.length + 1))));
          for (const [at, value] of changes) {
            bytes[at % Math.max(1, bytes.length)] = value;
          }
          // No tailroom and no headroom: a write outside of the frame would throw.
          const packet = new Packet(bytes, 0, bytes.length);
          for (const action of actions) {
            run(packet, [action]);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('leave a damaged SCTP packet damaged', () => {
    const packet = composePacket({ ipv4: { source: 1, destination: 2 }, sctp: {}, payload: Uint8Array.of(1, 2, 3, 4) });
    const end = packet.start + packet.length;
    packet.bytes[end - 1] = 5;
    const after = result(packet, parseDatapathActions('set(sctp(src=7))'));
    const transport = after.start + after.transportOffset;
    assert.equal(verifySctpChecksum(after.view, transport, after.start + after.length), false);
    after.bytes[after.start + after.length - 1] = 4;
    assert.ok(verifySctpChecksum(after.view, transport, after.start + after.length));
  });

  it('keep UDP without checksum without one', () => {
    const packet = composePacket({ ipv4: { source: 1, destination: 2 }, udp: { sourcePort: 5, destinationPort: 6 } });
    packet.view.setUint16(packet.start + 14 + 20 + 6, 0);
    const after = result(packet, parseDatapathActions('set(ipv4(src=9.9.9.9)),set(udp(src=7))'));
    assert.equal(after.view.getUint16(after.start + 14 + 20 + 6), 0);
  });

  it('write no ports into later fragments and adjust none of their payload', () => {
    const packet = composePacket({
      ipv4: { source: 1, destination: 2, fragmentOffset: 8, protocol: 17 },
      payload: new Uint8Array(40).fill(0xaa),
    });
    const after = result(packet, parseDatapathActions('set(udp(src=7)),set(ipv4(src=9.9.9.9))'));
    assert.deepEqual(after.frame().slice(34), new Uint8Array(40).fill(0xaa));
    assert.ok(verifyIpv4Checksum(after.view, after.start + 14));
  });

  it('do not count an IPv6 destination on the way to another one in the checksum', () => {
    const spec = (destination: string): FrameSpec => ({
      ipv6: { source: 'fe80::1', destination, extensions: [] },
      tcp: { sourcePort: 1, destinationPort: 2 },
    });
    const packet = composePacket(spec('fe80::2'));
    // Makes room for a routing header of type 2 with one segment left.
    const plain = packet.frame();
    const routing = new Uint8Array(24);
    routing.set([6, 2, 2, 1]);
    const bytes = Uint8Array.from([...plain.slice(0, 54), ...routing, ...plain.slice(54)]);
    bytes[20] = 43;
    bytes[19] = bytes[19]! + 24;
    const routed = Packet.from(bytes);
    const checksum = routed.view.getUint16(routed.start + 54 + 24 + 16);
    const after = result(routed, parseDatapathActions('set(ipv6(dst=fe80::99))'));
    assert.equal(after.view.getUint16(after.start + 54 + 24 + 16), checksum);
  });
});

/** A TCP or UDP packet as a port with checksum offload gives it: the field holds the sum of the pseudo-header. */
function partialPacket(spec: FrameSpec): Packet {
  const packet = composePacket(spec);
  const key = keyOf(packet);
  const isIpv4 = key[W_TYPE_PROTO_FRAG]! >>> 16 === ETHERTYPE_IPV4;
  const protocol = (key[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff;
  const network = packet.start + packet.networkOffset;
  const length = packet.length - packet.transportOffset;
  const sum = isIpv4
    ? ipv4PseudoHeaderSum(packet.view, network, length, protocol)
    : ipv6PseudoHeaderSum(packet.view, network, length, protocol);
  packet.offloadFlags = OFFLOAD_NEEDS_CHECKSUM;
  packet.checksumStart = packet.transportOffset;
  packet.checksumOffset = protocol === 6 ? 16 : 6;
  const folded = ~computeChecksum(packet.view, 0, 0, sumBytes(packet.view, 0, 0, sum)) & 0xffff;
  packet.view.setUint16(packet.start + packet.checksumStart + packet.checksumOffset, folded);
  return packet;
}

describe('partial checksums', () => {
  for (const [name, spec, actions] of [
    [
      'TCP over IPv4',
      { ipv4: { source: 1, destination: 2 }, tcp: { sourcePort: 3 } },
      'set(ipv4(src=9.8.7.6,dst=5.4.3.2,ttl=3)),set(tcp(src=77,dst=99))',
    ],
    [
      'UDP over IPv4',
      { ipv4: { source: 1, destination: 2 }, udp: { sourcePort: 3 } },
      'set(udp(src=77)),set(ipv4(src=9.8.7.6))',
    ],
    [
      'TCP over IPv6',
      { ipv6: { source: 'fe80::1', destination: 'fe80::2' }, tcp: { sourcePort: 3 } },
      'set(ipv6(src=2001:db8::1,dst=2001:db8::2,hlimit=3)),set(tcp(dst=99))',
    ],
  ] as const) {
    for (const tags of [
      '',
      'push_vlan(vid=5,pcp=0),',
      'push_vlan(vid=5,pcp=0),push_vlan(tpid=0x88a8,vid=6,pcp=0),pop_vlan,',
    ]) {
      it(`of ${name} are right when completed, after ${tags}${actions}`, () => {
        const packet = partialPacket({ ...spec, payload: Uint8Array.of(1, 2, 3) });
        const after = result(packet, parseDatapathActions(tags + actions));
        assert.equal(after.offloadFlags, OFFLOAD_NEEDS_CHECKSUM);
        assert.ok(completeChecksum(after));
        verifyChecksums(after);
      });
    }
  }

  it('of an inner packet are not the outer one’s', () => {
    const packet = composePacket({
      ipv4: { source: 1, destination: 2 },
      udp: { sourcePort: 3, destinationPort: 4789 },
      payload: new Uint8Array(60),
    });
    packet.offloadFlags = OFFLOAD_NEEDS_CHECKSUM;
    packet.checksumStart = 80;
    packet.checksumOffset = 16;
    verifyChecksums(result(packet, parseDatapathActions('set(ipv4(src=9.8.7.6)),set(udp(src=77))')));
  });

  it('move with headers that are pushed and popped', () => {
    const packet = partialPacket({ ipv4: { source: 1, destination: 2 }, tcp: {} });
    packet.gsoType = 1;
    packet.gsoSize = 1448;
    packet.headerLength = 54;
    const tagged = result(
      packet,
      parseDatapathActions('push_vlan(vid=5,pcp=0),push_mpls(label=1,tc=0,ttl=1,bos=1,eth_type=0x8847)'),
    );
    assert.deepEqual([tagged.checksumStart, tagged.headerLength, tagged.gsoSize], [42, 62, 1448]);
    const back = result(tagged, parseDatapathActions('pop_mpls(eth_type=0x800),pop_vlan'));
    assert.deepEqual([back.checksumStart, back.headerLength], [34, 54]);
  });
});

describe('push and pop', () => {
  it('undo each other', () => {
    fc.assert(
      fc.property(arbitraryFrame, fc.nat(4095), fc.nat(7), (frame, vid, pcp) => {
        const packet = composePacket(frame);
        const before = hex(packet);
        const tagged = result(packet, [{ type: 'push_vlan', tpid: 0x88a8, tci: 0x1000 | vid | (pcp << 13) }]);
        assert.equal(keyOf(tagged)[W_VLAN0], (0x88a8 << 16) | 0x1000 | vid | (pcp << 13));
        assert.equal(hex(result(tagged, [{ type: 'pop_vlan' }])), before);
      }),
    );
  });

  it('undo each other for labels behind tags', () => {
    fc.assert(
      fc.property(arbitraryFrame, fc.integer({ min: 0, max: 0xffffffff }), (frame, entry) => {
        const packet = composePacket(frame);
        const before = hex(packet);
        const type = keyOf(packet)[W_TYPE_PROTO_FRAG]! >>> 16;
        const labelled = result(packet, [{ type: 'push_mpls', labelStackEntry: entry, ethertype: 0x8847 }]);
        const key = createFlow();
        extractFlow(labelled, key);
        assert.equal(key[W_TYPE_PROTO_FRAG]! >>> 16, 0x8847);
        assert.equal(key[29]! >>> 0, entry);
        assert.equal(hex(result(labelled, [{ type: 'pop_mpls', ethertype: type }])), before);
      }),
    );
  });

  it('copy the packet when there is no headroom', () => {
    const frame = composePacket({ ipv4: { source: 1 }, udp: {} })
      .frame()
      .slice();
    const after = result(new Packet(frame, 0, frame.length), parseDatapathActions('push_vlan(vid=1,pcp=0)'));
    assert.equal(after.length, frame.length + 4);
    assert.equal(keyOf(after)[W_VLAN0], 0x81001001 | 0);
  });

  it('let set actions find the headers behind', () => {
    const packet = composePacket({ ipv4: { source: 1 }, tcp: {} });
    const after = result(packet, parseDatapathActions('push_vlan(vid=1,pcp=0),set(ipv4(ttl=9)),set(tcp(dst=9))'));
    verifyChecksums(after);
    assert.equal((keyOf(after)[W_TOS_TTL_FLAGS]! >>> 16) & 0xff, 9);
    assert.equal(keyOf(after)[W_TP]! & 0xffff, 9);
  });

  it('leave a frame without tag alone', () => {
    const packet = composePacket({ ipv4: { source: 1 }, tcp: {} });
    const before = hex(packet);
    assert.equal(hex(result(packet, [{ type: 'pop_vlan' }])), before);
    assert.equal(hex(result(packet, [{ type: 'pop_mpls', ethertype: 0x800 }])), before);
  });
});

describe('lists of actions', () => {
  it('change a copy of what was output', () => {
    const packet = composePacket({ ipv4: { source: 1 }, udp: {} });
    const { outputs } = run(
      packet,
      parseDatapathActions('1,set(eth(src=00:00:00:00:00:09)),2,3,push_vlan(vid=1,pcp=0),4'),
    );
    assert.deepEqual(
      outputs.map(({ port }) => port),
      [1, 2, 3, 4],
    );
    assert.equal(outputs[0]!.packet, packet);
    assert.equal(outputs[1]!.packet, outputs[2]!.packet);
    assert.equal(new Set(outputs.map(({ packet: sent }) => sent)).size, 3);
  });

  it('go on after clone with the packet as it was', () => {
    const packet = composePacket({ ipv4: { source: 1, ttl: 9 }, udp: {} });
    const { outputs } = run(packet, parseDatapathActions('clone(set(ipv4(ttl=3)),1,push_vlan(vid=1,pcp=0),2),3'));
    assert.deepEqual(
      outputs.map(({ packet: sent }) => sent.length),
      [42, 46, 42],
    );
    assert.deepEqual(
      outputs.map(({ packet: sent }) => (keyOf(sent)[W_TOS_TTL_FLAGS]! >>> 16) & 0xff),
      [3, 3, 9],
    );
  });

  it('truncate the next output only', () => {
    const packet = composePacket({ ipv4: { source: 1 }, udp: {}, payload: new Uint8Array(100) });
    const { outputs } = run(packet, parseDatapathActions('trunc(60),1,2,trunc(5),3'));
    assert.deepEqual(
      outputs.map(({ packet: sent }) => sent.length),
      [60, 142, 14],
    );
  });

  it('compare the packet length, of GSO packets that of a segment', () => {
    const actions = parseDatapathActions('check_pkt_len(size=200,gt(1),le(2)),3');
    const portsOf = (packet: Packet): number[] => run(packet, actions).outputs.map(({ port }) => port);
    const packet = composePacket({ ipv4: { source: 1 }, tcp: {}, payload: new Uint8Array(146) });
    assert.deepEqual(portsOf(packet), [2, 3]);
    assert.deepEqual(portsOf(composePacket({ ipv4: { source: 1 }, tcp: {}, payload: new Uint8Array(147) })), [1, 3]);
    const large = composePacket({ ipv4: { source: 1 }, tcp: {}, payload: new Uint8Array(5000) });
    large.gsoType = 1;
    large.gsoSize = 146;
    assert.deepEqual(portsOf(large), [2, 3]);
    large.gsoSize = 147;
    assert.deepEqual(portsOf(large), [1, 3]);
  });

  it('sample nothing at 0 % and everything at 100 %', () => {
    const host = new Host();
    const executor = new ActionExecutor(host, 3);
    const code = encodeActions(
      parseDatapathActions(
        'sample(sample=0.0%,actions(1)),sample(sample=100.0%,actions(2)),sample(sample=50.0%,actions(3))',
      ),
    );
    for (let count = 0; count < 1000; count++) {
      const packet = composePacket({ ipv4: { source: 1 }, tcp: {} });
      executor.execute(packet, keyOf(packet), code, 0, code.length);
    }
    const counts = [1, 2, 3].map((port) => host.outputs.filter((output) => output.port === port).length);
    assert.deepEqual(counts.slice(0, 2), [0, 1000]);
    assert.ok(counts[2]! > 400 && counts[2]! < 600);
  });

  it('stop at a drop, whose reason is counted', () => {
    const host = new Host();
    const executor = new ActionExecutor(host, 3);
    const code = encodeActions([
      { type: 'drop', reason: 5 },
      { type: 'output', port: 1 },
    ]);
    const packet = composePacket({ ipv4: { source: 1 }, tcp: {} });
    executor.execute(packet, keyOf(packet), code, 0, code.length);
    assert.equal(host.outputs.length, 0);
    assert.equal(executor.drops.reasons[5], 1);
  });

  it('are not run below a depth', () => {
    let actions: DatapathAction[] = [{ type: 'output', port: 1 }];
    for (let depth = 0; depth < 3000; depth++) {
      actions = [{ type: 'clone', actions }];
    }
    assert.equal(run(composePacket({ ipv4: { source: 1 }, tcp: {} }), actions).outputs.length, 0);
  });
});
