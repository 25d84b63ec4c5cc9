/** Random packets of every kind that set actions know, and random datapath actions. */
import fc from 'fast-check';
import { SLOW_PATH_REASONS } from '../../src/datapath/action-code.ts';
import {
  type DatapathAction,
  OVS_KEY_ATTR_TUNNEL,
  SET_ATTRIBUTE_WORDS,
  type SetWord,
  type UserspaceCookie,
} from '../../src/datapath/index.ts';
import type { FrameSpec } from '../../src/wire/index.ts';

/** Records with the usual prototype, which `deepEqual` looks at. */
function record<T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

export const uint8: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xff });
export const uint16: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff });
export const uint32: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffffffff });
export const uint64: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const ethernetAddress = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffffn });
const ipv6Address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const payload = fc.uint8Array({ maxLength: 70 });
const ports = { sourcePort: uint16, destinationPort: uint16 };

const transport: fc.Arbitrary<FrameSpec> = fc.oneof(
  record({ tcp: record({ ...ports, flags: fc.integer({ min: 0, max: 0xfff }) }), payload }),
  record({ udp: record(ports), payload }),
  record({ sctp: record({ ...ports, verificationTag: uint32 }), payload }),
);

const overIpv4: fc.Arbitrary<FrameSpec> = fc
  .record({
    ipv4: record({
      source: uint32,
      destination: uint32,
      tos: uint8,
      ttl: uint8,
      options: fc.constantFrom(new Uint8Array(0), Uint8Array.of(1, 1, 1, 0)),
    }),
    above: fc.oneof(transport, record({ icmp: record({ type: uint8, code: uint8, rest: uint32 }), payload })),
  })
  .map(({ ipv4, above }) => ({ ipv4, ...above }));

const linkAddressOption = fc.oneof(
  record({ kind: fc.constant('source-link-layer' as const), address: ethernetAddress }),
  record({ kind: fc.constant('target-link-layer' as const), address: ethernetAddress }),
);

const overIpv6: fc.Arbitrary<FrameSpec> = fc
  .record({
    ipv6: record({
      source: ipv6Address,
      destination: ipv6Address,
      trafficClass: uint8,
      flowLabel: fc.integer({ min: 0, max: 0xfffff }),
      hopLimit: uint8,
    }),
    above: fc.oneof(
      transport,
      record({ icmpv6: record({ type: fc.constantFrom(1, 128, 129), code: uint8, rest: uint32 }), payload }),
      record({
        ndp: record({
          kind: fc.constant('neighbor-solicitation' as const),
          reserved: uint32,
          target: ipv6Address,
          options: fc.uniqueArray(linkAddressOption, { maxLength: 2, selector: (option) => option.kind }),
        }),
      }),
    ),
  })
  .map(({ ipv6, above }) => ({ ipv6, ...above }) as FrameSpec);

const network: fc.Arbitrary<FrameSpec> = fc.oneof(
  { weight: 4, arbitrary: overIpv4 },
  { weight: 4, arbitrary: overIpv6 },
  {
    weight: 1,
    arbitrary: record({
      arp: record({
        operation: fc.integer({ min: 0, max: 255 }),
        senderEthernet: ethernetAddress,
        senderIpv4: uint32,
        targetEthernet: ethernetAddress,
        targetIpv4: uint32,
      }),
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      mpls: fc.array(
        record({
          label: fc.integer({ min: 0, max: 0xfffff }),
          trafficClass: fc.integer({ min: 0, max: 7 }),
          ttl: uint8,
        }),
        { minLength: 1, maxLength: 3 },
      ),
      payload: fc.uint8Array({ minLength: 20, maxLength: 40 }),
    }),
  },
);

/** Frames with right lengths and checksums: IPv4, IPv6, ARP or MPLS behind up to two VLAN tags. */
export const arbitraryFrame: fc.Arbitrary<FrameSpec> = fc
  .record({
    ethernet: record({ source: ethernetAddress, destination: ethernetAddress }),
    vlans: fc.array(record({ vlanId: fc.integer({ min: 0, max: 4095 }), priority: fc.integer({ min: 0, max: 7 }) }), {
      maxLength: 2,
    }),
    above: network,
  })
  .map(({ ethernet, vlans, above }) => ({ ethernet, vlans, ...above }));

const cookie: fc.Arbitrary<UserspaceCookie | null> = fc.oneof(
  fc.constant(null),
  record({ kind: fc.constant('slow_path' as const), reason: fc.constantFrom(...SLOW_PATH_REASONS) }),
  record({
    kind: fc.constant('controller' as const),
    reason: uint16,
    dontSend: fc.boolean(),
    continuation: fc.boolean(),
    recircId: uint32,
    ruleCookie: uint64,
    controllerId: uint16,
    maxLength: uint16,
  }),
  record({
    kind: fc.constant('sflow' as const),
    vlanTci: fc.oneof(
      fc.constant(0),
      fc
        .tuple(fc.integer({ min: 1, max: 4095 }), fc.integer({ min: 0, max: 7 }))
        .map(([vid, pcp]) => 0x1000 | vid | (pcp << 13)),
    ),
    output: uint32,
  }),
  record({
    kind: fc.constant('flow_sample' as const),
    probability: uint16,
    collectorSetId: uint32,
    observationDomainId: uint32,
    observationPointId: uint32,
    outputPort: uint32,
    direction: fc.constantFrom('default' as const, 'ingress' as const, 'egress' as const),
  }),
  record({ kind: fc.constant('ipfix' as const), outputPort: uint32 }),
  record({
    kind: fc.constant('userdata' as const),
    bytes: fc.array(uint8, { minLength: 1, maxLength: 20 }),
  }),
);

/** `set_masked` of `attribute`, with at least one bit and not all of them. */
export function arbitraryMaskedSet(attribute: number): fc.Arbitrary<DatapathAction> {
  const words = SET_ATTRIBUTE_WORDS.get(attribute)!.filter(({ writable }) => writable !== 0);
  return fc
    .tuple(...words.map(() => fc.tuple(fc.integer(), fc.oneof(fc.constant(0), fc.constant(-1), fc.integer()))))
    .map((pairs): DatapathAction => {
      const list: SetWord[] = [];
      pairs.forEach(([value, noise], index) => {
        const { word, writable } = words[index]!;
        const mask = noise & writable;
        if (mask !== 0) {
          list.push({ word, value: value & mask, mask });
        }
      });
      return { type: 'set_masked', attribute, words: list };
    });
}

/** `set` of `attribute`: all words, the values of `words` that are not given random. */
function arbitraryWholeSet(attribute: number): fc.Arbitrary<DatapathAction> {
  const words = SET_ATTRIBUTE_WORDS.get(attribute)!;
  return fc.tuple(...words.map(() => fc.integer())).map((values) => ({
    type: 'set' as const,
    attribute,
    words: words.map(({ word, writable, readOnly }, index) => {
      const mask = writable | readOnly;
      // The fragment type has three values in a key.
      const value = readOnly === 0xffff ? values[index]! & ~0xff : values[index]!;
      return { word, value: value & mask, mask };
    }),
  }));
}

const settable = [...SET_ATTRIBUTE_WORDS.keys()].filter((attribute) => attribute !== OVS_KEY_ATTR_TUNNEL);

export const arbitrarySet: fc.Arbitrary<DatapathAction> = fc.oneof(
  fc.constantFrom(...settable).chain(arbitraryWholeSet),
  fc.constantFrom(...settable).chain(arbitraryMaskedSet),
);

/** Lists of actions of every type but `drop`, nested. */
export const arbitraryActions: fc.Arbitrary<DatapathAction[]> = fc.letrec<{
  list: DatapathAction[];
  action: DatapathAction;
}>((tie) => ({
  list: fc.array(tie('action'), { maxLength: 4 }),
  action: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    record({ type: fc.constant('output' as const), port: uint32 }),
    record({
      type: fc.constant('userspace' as const),
      pid: uint32,
      cookie,
      includeActions: fc.boolean(),
      tunnelOutPort: fc.option(uint32),
    }),
    arbitrarySet,
    record({ type: fc.constant('push_vlan' as const), tpid: fc.constantFrom(0x8100, 0x88a8, 0x9100), tci: uint16 }),
    fc.constant<DatapathAction>({ type: 'pop_vlan' }),
    record({ type: fc.constant('push_mpls' as const), labelStackEntry: uint32, ethertype: uint16 }),
    record({ type: fc.constant('pop_mpls' as const), ethertype: uint16 }),
    record({ type: fc.constant('recirc' as const), recircId: uint32 }),
    record({
      type: fc.constant('hash' as const),
      algorithm: fc.constantFrom('l4' as const, 'sym_l4' as const),
      basis: uint32,
    }),
    record({ type: fc.constant('trunc' as const), maxLength: uint32 }),
    record({ type: fc.constant('meter' as const), meter: uint32 }),
    record({
      type: fc.constant('sample' as const),
      // tenths of a per cent are what text can say
      probability: fc.integer({ min: 0, max: 1000 }).map((tenths) => Math.floor((tenths / 1000) * 0xffffffff + 0.5)),
      actions: tie('list'),
    }),
    record({ type: fc.constant('clone' as const), actions: tie('list') }),
    record({
      type: fc.constant('check_pkt_len' as const),
      length: uint16,
      ifGreater: tie('list'),
      ifLessOrEqual: tie('list'),
    }),
  ) as fc.Arbitrary<DatapathAction>,
})).list;
