import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createFlow,
  ETH_TYPE_NONE,
  EXTRACT_OK,
  EXTRACT_SHORT_ETHERNET,
  EXTRACT_STATUS_TEXTS,
  extractFlow,
  type FlowWords,
  W_ETH_DST,
  W_ETH_SRC,
  W_PACKET_END,
  W_PACKET_TYPE,
  W_TYPE_PROTO_FRAG,
  W_VLAN0,
  W_VLAN1,
} from '../../../src/flow/index.ts';
import { Packet } from '../../../src/wire/index.ts';
import { extractCorpus } from '../../support/extract-corpus.ts';
import { parseTracedFlow } from '../../support/traced-flow.ts';

/** Words 0..37 with their numbers, so that a difference names the word. */
function packetWords(key: FlowWords): string[] {
  return Array.from(key.subarray(0, W_PACKET_END), (word, index) => `${index}: ${(word >>> 0).toString(16)}`);
}

describe('extractFlow', () => {
  it('reads a corpus of a sensible size', () => {
    assert.ok(extractCorpus.length > 130);
  });
  for (const { name, frame, flow, nd, status } of extractCorpus) {
    it(`does with "${name}" what Open vSwitch does`, () => {
      const expected = parseTracedFlow(flow, frame);
      if (nd !== undefined) {
        const [reserved, optionsType] = nd.split(' ');
        expected[28] = Number(reserved);
        expected[8] = expected[8]! | Number(optionsType);
      }
      if (expected[5]! >>> 8 === 0x080002 || expected[5]! >>> 8 === 0x86dd02) {
        // Open vSwitch keeps the IGMP group in the flow, but shows it nowhere.
        expected[28] = expected[11] === 0 ? 0 : 0xe0000116;
      }
      const key = createFlow();
      const actual = extractFlow(Packet.from(frame), key);
      assert.deepEqual(packetWords(key), packetWords(expected));
      assert.equal(EXTRACT_STATUS_TEXTS[actual], status);
    });
  }

  it('leaves the metadata words alone', () => {
    for (const { frame } of extractCorpus) {
      const key = createFlow().fill(0x12345678);
      key.fill(0, W_ETH_DST, W_PACKET_END);
      key[W_PACKET_TYPE] = 0;
      const before = key.slice();
      extractFlow(Packet.from(frame), key);
      key.fill(0, W_ETH_DST, W_PACKET_END);
      assert.deepEqual(key, before);
    }
  });

  it('forgets every packet that the key held before', () => {
    const key = createFlow();
    const expected = extractCorpus.map(({ frame }) => extracted(frame));
    for (const first of extractCorpus) {
      for (const [index, second] of extractCorpus.entries()) {
        extractFlow(Packet.from(first.frame), key);
        extractFlow(Packet.from(second.frame), key);
        const isSame = key.every((word, at) => word === expected[index]![at]);
        assert.ok(isSame, `"${second.name}" after "${first.name}"`);
      }
    }
  });

  it('clears everything for a frame shorter than an Ethernet header', () => {
    const { frame } = extractCorpus[0]!;
    for (let length = 0; length < 14; length++) {
      const key = extracted(frame);
      const packet = Packet.from(frame.subarray(0, length));
      assert.equal(extractFlow(packet, key), EXTRACT_SHORT_ETHERNET);
      assert.deepEqual(key, createFlow());
      assert.deepEqual([packet.mplsOffset, packet.networkOffset, packet.transportOffset], [-1, -1, -1]);
    }
  });

  it('reads no tag beyond the VLAN limit', () => {
    const { frame } = corpusPacket('802.1ad and 802.1Q tags');
    const one = createFlow();
    assert.equal(extractFlow(Packet.from(frame), one, 1), EXTRACT_OK);
    assert.deepEqual([one[W_VLAN0]! >>> 0, one[W_VLAN1], one[W_TYPE_PROTO_FRAG]! >>> 16], [0x88a83065, 0, 0x8100]);
    const none = createFlow();
    assert.equal(extractFlow(Packet.from(frame), none, 0), EXTRACT_OK);
    assert.deepEqual([none[W_VLAN0], none[W_VLAN1], none[W_TYPE_PROTO_FRAG]! >>> 16], [0, 0, 0x88a8]);
  });

  it('starts at the network header when the packet type is an Ethertype', () => {
    for (const { name, frame } of extractCorpus) {
      const expected = extracted(frame);
      const type = expected[W_TYPE_PROTO_FRAG]! >>> 16;
      if (name.includes('SNAP') || expected[W_VLAN0] !== 0 || type === ETH_TYPE_NONE) {
        continue;
      }
      expected.fill(0, W_ETH_DST, W_ETH_SRC + 1);
      const key = createFlow();
      key[W_PACKET_TYPE] = 0x00010000 | type;
      expected[W_PACKET_TYPE] = key[W_PACKET_TYPE]!;
      const packet = Packet.from(frame.subarray(14));
      const status = extractFlow(packet, key);
      assert.deepEqual(key, expected, name);
      if (name === 'UDP over IPv4') {
        assert.deepEqual([status, packet.networkOffset, packet.transportOffset], [EXTRACT_OK, 0, 20]);
      }
    }
  });

  for (const [name, mpls, network, transport] of [
    ['UDP over IPv4', -1, 14, 34],
    ['IPv4 with options', -1, 14, 46],
    ['IPv4 later fragment', -1, 14, -1],
    ['IPv4 with total length 0', -1, -1, -1],
    ['UDP header one byte short', -1, 14, -1],
    ['GRE over IPv4', -1, 14, 34],
    ['802.1ad and 802.1Q tags', -1, 22, 42],
    ['802.3 with SNAP and OUI 0, IPv4 inside', -1, 22, 42],
    ['802.3 length with LLC (spanning tree)', -1, 14, -1],
    ['three tags', -1, 22, -1],
    ['MPLS with four labels', 14, 30, -1],
    ['MPLS cut off in the second label', 14, 18, -1],
    ['ARP request', -1, 14, -1],
    ['ARP one byte short', -1, -1, -1],
    ['UDP over IPv6', -1, 14, 54],
    ['IPv6 hop-by-hop, routing, destination options, AH', -1, 14, 126],
    ['IPv6 later fragment', -1, 14, -1],
    ['IPv6 fragment header cut off', -1, 14, -1],
    ['IPv6 cut off in its header', -1, -1, -1],
    ['ND with the same option twice', -1, 14, 54],
    ['NSH type 1', -1, 14, -1],
    ['unknown Ethertype', -1, 14, -1],
  ] as const) {
    it(`finds the offsets of "${name}"`, () => {
      const packet = Packet.from(corpusPacket(name).frame);
      packet.mplsOffset = packet.networkOffset = packet.transportOffset = 99;
      extractFlow(packet, createFlow());
      assert.deepEqual([packet.mplsOffset, packet.networkOffset, packet.transportOffset], [mpls, network, transport]);
    });
  }

  it('has a text for every status', () => {
    const statuses = new Set(extractCorpus.map(({ status }) => status));
    statuses.add(EXTRACT_STATUS_TEXTS[EXTRACT_SHORT_ETHERNET]!);
    assert.equal(statuses.size, EXTRACT_STATUS_TEXTS.length);
  });
});

function corpusPacket(name: string): (typeof extractCorpus)[number] {
  const found = extractCorpus.find((packet) => packet.name === name);
  assert.ok(found, name);
  return found;
}

function extracted(frame: Uint8Array): FlowWords {
  const key = createFlow();
  extractFlow(Packet.from(frame), key);
  return key;
}
