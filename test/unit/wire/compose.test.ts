import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  composeFrame,
  composePacket,
  createLayers,
  describeFrame,
  describePacket,
  type FrameSpec,
  locateLayers,
  MULTICAST_CHANGE_TO_EXCLUDE,
  Packet,
} from '../../../src/wire/index.ts';
import {
  ARP_REPLY_FRAME,
  ARP_REQUEST_FRAME,
  bytesOf,
  exactView,
  IGMP3_REPORT_FRAME,
  MLD2_REPORT_FRAME,
  NEIGHBOR_SOLICITATION_FRAME,
  PING_RECORD_ROUTE_FRAME,
  PORT_UNREACHABLE_FRAME,
  ROUTER_SOLICITATION_FRAME,
  TCP_PUSH_FRAME,
  TCP_SYN_FRAME,
  UDP_FRAME,
} from './frames.ts';

const a = '46:a3:9b:29:f0:d5';
const b = '42:86:e4:37:1b:43';
const noBytes = new Uint8Array(0);
const hello = bytesOf('68656c6c6f');

/** Captured frames, what composes them, and what tcpdump says of them. */
const cases: readonly [string, string, FrameSpec, string][] = [
  [
    'ARP request',
    ARP_REQUEST_FRAME,
    {
      ethernet: { source: a, destination: 'ff:ff:ff:ff:ff:ff' },
      arp: { senderEthernet: a, senderIpv4: '10.9.0.1', targetIpv4: '10.9.0.2' },
    },
    `${a} > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.9.0.2 tell 10.9.0.1, length 28`,
  ],
  [
    'ARP reply',
    ARP_REPLY_FRAME,
    {
      ethernet: { source: b, destination: a },
      arp: { operation: 2, senderEthernet: b, senderIpv4: '10.9.0.2', targetEthernet: a, targetIpv4: '10.9.0.1' },
    },
    `${b} > ${a}, ethertype ARP (0x0806), length 42: Reply 10.9.0.2 is-at ${b}, length 28`,
  ],
  [
    'ICMP echo request with options',
    PING_RECORD_ROUTE_FRAME,
    {
      ethernet: { source: a, destination: b },
      ipv4: {
        source: '10.9.0.1',
        destination: '10.9.0.2',
        identification: 0x41ba,
        dontFragment: true,
        options: bytesOf(`010727080a090001${'00'.repeat(32)}`),
      },
      icmp: { type: 8, rest: (21859 << 16) | 1 },
      payload: bytesOf(PING_RECORD_ROUTE_FRAME).subarray(82),
    },
    `${a} > ${b}, ethertype IPv4 (0x0800), length 138: 10.9.0.1 > 10.9.0.2: ICMP echo request, id 21859, seq 1, length 64`,
  ],
  [
    'UDP',
    UDP_FRAME,
    {
      ethernet: { source: a, destination: b },
      ipv4: { source: '10.9.0.1', destination: '10.9.0.2', identification: 0x72ff, dontFragment: true },
      udp: { sourcePort: 50947, destinationPort: 7777 },
      payload: hello,
    },
    `${a} > ${b}, ethertype IPv4 (0x0800), length 47: 10.9.0.1.50947 > 10.9.0.2.7777: UDP, length 5`,
  ],
  [
    'ICMP port unreachable',
    PORT_UNREACHABLE_FRAME,
    {
      ethernet: { source: b, destination: a },
      ipv4: { source: 0x0a090002, destination: 0x0a090001, tos: 0xc0, identification: 0x3872 },
      icmp: { type: 3, code: 3 },
      payload: bytesOf(UDP_FRAME).subarray(14),
    },
    `${b} > ${a}, ethertype IPv4 (0x0800), length 75: 10.9.0.2 > 10.9.0.1: ICMP 10.9.0.2 udp port 7777 unreachable, length 41`,
  ],
  [
    'IGMP version 3 report',
    IGMP3_REPORT_FRAME,
    {
      ethernet: { source: a, destination: '01:00:5e:00:00:16' },
      ipv4: {
        source: '10.9.0.1',
        destination: '224.0.0.22',
        tos: 0xc0,
        dontFragment: true,
        ttl: 1,
        options: bytesOf('94040000'),
      },
      igmp: {
        kind: 'report-v3',
        records: [{ type: MULTICAST_CHANGE_TO_EXCLUDE, group: 0xef010101, sources: [], auxiliary: noBytes }],
      },
    },
    `${a} > 01:00:5e:00:00:16, ethertype IPv4 (0x0800), length 54: 10.9.0.1 > 224.0.0.22: igmp v3 report, 1 group record(s)`,
  ],
  [
    'TCP SYN',
    TCP_SYN_FRAME,
    {
      ethernet: { source: a, destination: b },
      ipv4: { source: '10.9.0.1', destination: '10.9.0.2', identification: 0x92ea, dontFragment: true },
      tcp: {
        sourcePort: 33844,
        destinationPort: 8080,
        sequence: 1323074541,
        flags: 2,
        window: 64240,
        options: [
          { kind: 'mss', size: 1460 },
          { kind: 'sack-permitted' },
          { kind: 'timestamp', value: 2502920034, echo: 0 },
          { kind: 'nop' },
          { kind: 'window-scale', shift: 10 },
        ],
      },
    },
    `${a} > ${b}, ethertype IPv4 (0x0800), length 74: 10.9.0.1.33844 > 10.9.0.2.8080: Flags [S], seq 1323074541, win 64240, options [mss 1460,sackOK,TS val 2502920034 ecr 0,nop,wscale 10], length 0`,
  ],
  [
    'TCP with payload',
    TCP_PUSH_FRAME,
    {
      ethernet: { source: b, destination: a },
      ipv4: { source: '10.9.0.2', destination: '10.9.0.1', identification: 0xf15d, dontFragment: true },
      tcp: {
        sourcePort: 8080,
        destinationPort: 33844,
        sequence: 294897951,
        acknowledgment: 1323074547,
        flags: 0x18,
        window: 64,
        options: [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'timestamp', value: 3745174555, echo: 2502920035 }],
      },
      payload: hello,
    },
    `${b} > ${a}, ethertype IPv4 (0x0800), length 71: 10.9.0.2.8080 > 10.9.0.1.33844: Flags [P.], seq 294897951:294897956, ack 1323074547, win 64, options [nop,nop,TS val 3745174555 ecr 2502920035], length 5`,
  ],
  [
    'router solicitation',
    ROUTER_SOLICITATION_FRAME,
    {
      ethernet: { source: b, destination: '33:33:00:00:00:02' },
      ipv6: { source: 'fe80::4086:e4ff:fe37:1b43', destination: 'ff02::2', hopLimit: 255 },
      ndp: { kind: 'router-solicitation', options: [{ kind: 'source-link-layer', address: 0x4286e4371b43n }] },
    },
    `${b} > 33:33:00:00:00:02, ethertype IPv6 (0x86dd), length 70: fe80::4086:e4ff:fe37:1b43 > ff02::2: ICMP6, router solicitation, length 16`,
  ],
  [
    'neighbour solicitation',
    NEIGHBOR_SOLICITATION_FRAME,
    {
      ethernet: { source: a, destination: '33:33:ff:37:1b:43' },
      ipv6: { source: 'fe80::44a3:9bff:fe29:f0d5', destination: 'ff02::1:ff37:1b43', hopLimit: 255 },
      ndp: {
        kind: 'neighbor-solicitation',
        reserved: 0,
        target: 0xfe80000000000000_4086e4fffe371b43n,
        options: [{ kind: 'source-link-layer', address: 0x46a39b29f0d5n }],
      },
    },
    `${a} > 33:33:ff:37:1b:43, ethertype IPv6 (0x86dd), length 86: fe80::44a3:9bff:fe29:f0d5 > ff02::1:ff37:1b43: ICMP6, neighbor solicitation, who has fe80::4086:e4ff:fe37:1b43, length 32`,
  ],
  [
    'MLD version 2 report behind hop-by-hop options',
    MLD2_REPORT_FRAME,
    {
      ethernet: { source: b, destination: '33:33:00:00:00:16' },
      ipv6: {
        source: '::',
        destination: 'ff02::16',
        hopLimit: 1,
        extensions: [{ kind: 'options', nextHeader: 0, options: bytesOf('050200000100') }],
      },
      mld: {
        kind: 'report-v2',
        records: [
          {
            type: MULTICAST_CHANGE_TO_EXCLUDE,
            group: 0xff02000000000000_00000001ff371b43n,
            sources: [],
            auxiliary: noBytes,
          },
        ],
      },
    },
    `${b} > 33:33:00:00:00:16, ethertype IPv6 (0x86dd), length 90: :: > ff02::16: HBH ICMP6, multicast listener report v2, 1 group record(s), length 28`,
  ],
];

describe('composing and describing captured frames', () => {
  for (const [name, frame, spec, text] of cases) {
    it(`composes ${name}`, () => {
      assert.equal(Buffer.from(composeFrame(spec)).toString('hex'), frame);
    });
    it(`describes ${name}`, () => {
      assert.equal(describeFrame(bytesOf(frame)), text);
      assert.equal(describePacket(Packet.from(bytesOf(frame))), text);
    });
  }
});

describe('composing', () => {
  it('fills in what is left out', () => {
    assert.equal(
      describeFrame(composeFrame({ ipv4: {}, udp: {} })),
      '00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype IPv4 (0x0800), length 42: 0.0.0.0.0 > 0.0.0.0.0: UDP, length 0',
    );
    assert.equal(composeFrame({}).length, 14);
  });

  it('leaves headroom and pads', () => {
    const packet = composePacket({ ipv4: {}, udp: {}, minimumLength: 60 }, 10);
    assert.equal(packet.start, 10);
    assert.equal(packet.length, 60);
    assert.equal(packet.view.getUint16(packet.start + 16), 28);
  });

  it('refuses addresses that are none', () => {
    assert.throws(() => composeFrame({ ipv4: { source: '10.0.0.256' } }), { code: 'IPV4_ADDRESS_INVALID' });
  });
});

/** Composed frames, and what tcpdump says of them where it decodes as much. */
const udp = { ipv4: { source: '10.0.0.1', destination: '10.0.0.2' }, udp: { sourcePort: 1, destinationPort: 2 } };
const icmpv6 = { ipv6: { source: 'fe80::1', destination: 'fe80::2' }, icmpv6: { type: 128, rest: 0x10002 } };
const udpText = '10.0.0.1.1 > 10.0.0.2.2: UDP, length 0';
const fragment = { kind: 'fragment', nextHeader: 0, identification: 7 } as const;
const described: readonly [string, FrameSpec, string][] = [
  [
    'a VLAN tag',
    { vlans: [{ vlanId: 5, priority: 3 }], ...udp },
    `802.1Q (0x8100), length 46: vlan 5, p 3, ethertype IPv4 (0x0800), ${udpText}`,
  ],
  [
    'two VLAN tags',
    { vlans: [{ tpid: 0x88a8, vlanId: 5, dropEligible: true }, { vlanId: 7 }], ...udp },
    `802.1Q-QinQ (0x88a8), length 50: vlan 5, p 0, DEI, ethertype 802.1Q (0x8100), vlan 7, p 0, ethertype IPv4 (0x0800), ${udpText}`,
  ],
  [
    'MPLS labels',
    { mpls: [{ label: 100 }, { label: 200, trafficClass: 2, ttl: 63 }], ...udp },
    `MPLS unicast (0x8847), length 50: MPLS (label 100, tc 0, ttl 64) (label 200, tc 2, [S], ttl 63) ${udpText}`,
  ],
  [
    'MPLS over IPv6',
    { mpls: [{ label: 100 }], ...icmpv6 },
    'MPLS unicast (0x8847), length 66: MPLS (label 100, tc 0, [S], ttl 64) fe80::1 > fe80::2: ICMP6, echo request, id 1, seq 2, length 8',
  ],
  [
    'MPLS cut off',
    { ethernet: { type: 0x8847 }, payload: bytesOf('00064040') },
    'MPLS unicast (0x8847), length 18: MPLS (label 100, tc 0, ttl 64) [|mpls]',
  ],
  [
    'NSH',
    { nsh: { servicePath: 77, serviceIndex: 3 }, ...udp },
    `NSH (0x894f), length 66: NSH, flags [none], TTL 63, service-path-id 0x00004d, service-index 0x3: ${udpText}`,
  ],
  ['NSH cut off', { ethernet: { type: 0x894f }, payload: bytesOf('00') }, 'NSH (0x894f), length 15: [|nsh]'],
  ['a type that is not known', { ethernet: { type: 0x1234 }, payload: bytesOf('0000') }, 'Unknown (0x1234), length 16'],
  ['ARP cut off', { ethernet: { type: 0x0806 }, payload: bytesOf('00') }, 'ARP (0x0806), length 15: [|arp]'],
  ['IPv4 cut off', { ethernet: { type: 0x0800 }, payload: bytesOf('45') }, 'IPv4 (0x0800), length 15: [|ip]'],
  ['IPv6 cut off', { ethernet: { type: 0x86dd }, payload: bytesOf('60') }, 'IPv6 (0x86dd), length 15: [|ip6]'],
  [
    'a frame in a frame',
    { ethernet: { type: 0x6558 }, payload: composeFrame(udp) },
    `TEB (0x6558), length 56: 00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype IPv4 (0x0800), length 42: ${udpText}`,
  ],
  ['a frame cut off in a frame', { ethernet: { type: 0x6558 } }, 'TEB (0x6558), length 14: [|ether]'],
  [
    'a first IPv6 fragment',
    { ...icmpv6, ipv6: { ...icmpv6.ipv6, extensions: [{ ...fragment, fragmentOffset: 0, moreFragments: true }] } },
    'IPv6 (0x86dd), length 70: fe80::1 > fe80::2: frag (0|8) ICMP6, echo request, id 1, seq 2, length 8',
  ],
  [
    'a later IPv6 fragment',
    {
      ipv6: { ...icmpv6.ipv6, nextHeader: 17, extensions: [{ ...fragment, fragmentOffset: 24, moreFragments: false }] },
      payload: bytesOf('00'),
    },
    'IPv6 (0x86dd), length 63: fe80::1 > fe80::2: frag (24|1)',
  ],
  [
    'extension headers cut off',
    { ipv6: { ...icmpv6.ipv6, nextHeader: 43 } },
    'IPv6 (0x86dd), length 54: fe80::1 > fe80::2: [|RT6]',
  ],
  ['no next header', { ipv6: icmpv6.ipv6 }, 'IPv6 (0x86dd), length 54: fe80::1 > fe80::2: no next header'],
  [
    'a later IPv4 fragment',
    { ipv4: { ...udp.ipv4, fragmentOffset: 8, protocol: 17 }, payload: bytesOf('00') },
    'IPv4 (0x0800), length 35: 10.0.0.1 > 10.0.0.2: ip-proto-17',
  ],
  [
    'another protocol',
    { ipv4: { ...udp.ipv4, protocol: 200 }, payload: bytesOf('00') },
    'IPv4 (0x0800), length 35: 10.0.0.1 > 10.0.0.2: ip-proto-200, length 1',
  ],
  [
    'IPv4 in IPv4',
    { ipv4: { ...udp.ipv4, protocol: 4 }, payload: composeFrame(udp).subarray(14) },
    `IPv4 (0x0800), length 62: 10.0.0.1 > 10.0.0.2: ${udpText}`,
  ],
  [
    'IPv6 in IPv4',
    { ipv4: { ...udp.ipv4, protocol: 41 }, payload: composeFrame(icmpv6).subarray(14) },
    'IPv4 (0x0800), length 82: 10.0.0.1 > 10.0.0.2: fe80::1 > fe80::2: ICMP6, echo request, id 1, seq 2, length 8',
  ],
  [
    'SCTP',
    { ...udp, udp: undefined, sctp: { sourcePort: 3 }, payload: bytesOf('0b000004') } as unknown as FrameSpec,
    'IPv4 (0x0800), length 50: 10.0.0.1.3 > 10.0.0.2.0: sctp (1) [COOKIE ACK]',
  ],
  ...(['tcp', 'udp', 'sctp', 'icmp', 'igmp', 'icmp6'] as const).map((name): [string, FrameSpec, string] => [
    `${name} cut off`,
    {
      ipv4: { ...udp.ipv4, protocol: { tcp: 6, udp: 17, sctp: 132, icmp: 1, igmp: 2, icmp6: 58 }[name] },
      payload: bytesOf('00'),
    },
    `IPv4 (0x0800), length 35: 10.0.0.1 > 10.0.0.2: [|${name}]`,
  ]),
];

describe('describing', () => {
  for (const [name, spec, text] of described) {
    it(name, () => {
      const addresses = '00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype ';
      assert.equal(describeFrame(composeFrame(spec)), addresses + text);
    });
  }

  it('802.2 frames', () => {
    const inner = composeFrame(udp).subarray(14);
    const snap = composeFrame({
      ethernet: { type: 36 },
      payload: Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0, 8, 0, ...inner),
    });
    assert.match(
      describeFrame(snap),
      /, 802\.3, length 50: LLC, SNAP, oui 0x000000, ethertype 0x0800: 10\.0\.0\.1\.1 > 10\.0\.0\.2\.2: UDP, length 0$/,
    );
    assert.match(
      describeFrame(composeFrame({ ethernet: { type: 3 }, payload: bytesOf('424203') })),
      /, 802\.3, length 17: LLC$/,
    );
  });

  it('a frame cut off anywhere, with bytes changed, and random bytes', () => {
    const frames = [...cases.map(([, frame]) => bytesOf(frame)), ...described.map(([, spec]) => composeFrame(spec))];
    const damage = fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...frames), fc.nat(140), damage, (frame, length, changes) => {
        const bytes = frame.slice(0, length);
        for (const [index, value] of changes) {
          bytes[index] = value;
        }
        assert.ok(!describeFrame(bytes).includes('\n'));
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void describeFrame(bytes)));
  });
});

describe('locating layers', () => {
  const layers = createLayers();
  const located: readonly [string, FrameSpec, [number, number, number, number]][] = [
    ['untagged', udp, [0x0800, 14, 17, 34]],
    ['tagged twice', { vlans: [{}, {}], ...udp }, [0x0800, 22, 17, 42]],
    ['labelled', { mpls: [{}, {}], ...icmpv6 }, [0x86dd, 22, 58, 62]],
    ['a later fragment', { ipv4: { fragmentOffset: 8, protocol: 17 } }, [0x0800, 14, 17, -1]],
    ['malformed IPv4', { ethernet: { type: 0x0800 }, payload: bytesOf('45') }, [0x0800, 14, -1, -1]],
    ['not IP', { arp: {} }, [0x0806, 14, -1, -1]],
    ['labels cut off', { ethernet: { type: 0x8847 } }, [0x8847, -1, -1, -1]],
    [
      'SNAP',
      {
        ethernet: { type: 36 },
        payload: Uint8Array.of(0xaa, 0xaa, 3, 0, 0, 0, 8, 0, ...composeFrame(udp).subarray(14)),
      },
      [0x0800, 22, 17, 42],
    ],
    [
      'a later IPv6 fragment',
      { ipv6: { extensions: [{ ...fragment, fragmentOffset: 24, moreFragments: false }] } },
      [0x86dd, 14, 44, -1],
    ],
  ];
  for (const [name, spec, [ethertype, network, protocol, transport]] of located) {
    it(name, () => {
      const view = exactView(composeFrame(spec));
      locateLayers(view, 0, view.byteLength, layers);
      assert.deepEqual(layers, { ethertype, network, protocol, transport });
    });
  }

  it('in a frame without a header, finds none', () => {
    locateLayers(exactView(new Uint8Array(13)), 0, 13, layers);
    assert.deepEqual(layers, createLayers());
  });
});
