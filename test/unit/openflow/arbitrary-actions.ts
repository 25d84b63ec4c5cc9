/** Random actions of every type, in the normal form that reading their text gives. */
import fc from 'fast-check';
import { FIELDS, fieldBits, isTunMetadata, type MatchField, type Subfield } from '../../../src/flow/index.ts';
import type { LearnSpec, NatAction, OpenFlowAction } from '../../../src/openflow/index.ts';

const REAL_FIELDS = FIELDS.filter((field) => !isTunMetadata(field));
const isConntrack = (field: MatchField): boolean => field.name === 'ct_mark' || field.name === 'ct_label';
const SETTABLE = REAL_FIELDS.filter((field) => field.writable && !isConntrack(field));
const CONNTRACK = REAL_FIELDS.filter(isConntrack);

const uint = (bits: number): fc.Arbitrary<number> => fc.nat({ max: 2 ** bits - 1 });
const bits = (width: number): fc.Arbitrary<bigint> => fc.bigInt({ min: 0n, max: (1n << BigInt(width)) - 1n });
const realPort = uint(15);
const outputPort = fc.oneof(realPort, fc.constantFrom(0xfff8, 0xfff9, 0xfffa, 0xfffb, 0xfffc, 0xfffe));
const bytes = fc.uint8Array({ maxLength: 12 });

/** A range of `width` bits (any when null) of one of `fields`. */
function subfieldOf(fields: readonly MatchField[], width: number | null = null): fc.Arbitrary<Subfield> {
  const fitting = fields.filter((field) => field.width >= (width ?? 1));
  return fc.tuple(fc.constantFrom(...fitting), fc.nat(), fc.nat()).map(([field, first, second]) => {
    const count = width ?? (first % field.width) + 1;
    return { field, bits: count, offset: second % (field.width - count + 1) };
  });
}

const anySubfield = subfieldOf(REAL_FIELDS);

function setFieldOf(fields: readonly MatchField[]): fc.Arbitrary<OpenFlowAction> {
  return fc.constantFrom(...fields).chain((field) => {
    const all = fieldBits(field);
    const mask = field.maskable ? bits(field.width).map((value) => value & all || all) : fc.constant(all);
    const limit = field.format === 'openflow-port' ? 0xfeffn : all;
    return fc
      .tuple(bits(field.width), mask)
      .map(([value, chosen]) => ({ type: 'set_field', field, value: value & chosen & limit, mask: chosen }) as const);
  });
}

function loadOf(fields: readonly MatchField[]): fc.Arbitrary<OpenFlowAction> {
  return subfieldOf(fields)
    .map((destination) => ({ ...destination, bits: Math.min(64, destination.bits) }))
    .chain((destination) => bits(destination.bits).map((value) => ({ type: 'load', destination, value }) as const));
}

function moveTo(fields: readonly MatchField[]): fc.Arbitrary<OpenFlowAction> {
  return subfieldOf(fields).chain((destination) =>
    subfieldOf(REAL_FIELDS, destination.bits).map((source) => ({ type: 'move', source, destination }) as const),
  );
}

const hashFields = fc.constantFrom(
  ...(['eth_src', 'symmetric_l4', 'symmetric_l3l4', 'symmetric_l3l4+udp', 'nw_src', 'nw_dst', 'symmetric_l3'] as const),
);

const nat: fc.Arbitrary<NatAction> = fc
  .record({
    direction: fc.constantFrom('src', 'dst', null),
    addresses: fc.option(fc.oneof(fc.tuple(uint(32), uint(32)), fc.tuple(bits(128), bits(128)))),
    ports: fc.option(fc.tuple(fc.integer({ min: 1, max: 65535 }), uint(16))),
    range: fc.boolean(),
    persistent: fc.boolean(),
    flag: fc.constantFrom('hash', 'random', null),
  })
  .map(({ direction, addresses, ports, range, persistent, flag }) => {
    const min = direction === null ? null : (addresses?.[0] ?? null);
    const max = min !== null && range && addresses![1] > min ? addresses![1] : null;
    const portMin = min === null ? null : (ports?.[0] ?? null);
    return {
      type: 'nat',
      direction,
      addressMin: min,
      addressMax: max,
      portMin,
      portMax: portMin !== null && ports![1] > portMin ? ports![1] : null,
      persistent: direction !== null && persistent,
      hash: direction !== null && flag === 'hash',
      random: direction !== null && flag === 'random',
    };
  });

const learnSpec: fc.Arbitrary<LearnSpec> = anySubfield.chain((destination): fc.Arbitrary<LearnSpec> => {
  const { field, offset } = destination;
  const source = subfieldOf(REAL_FIELDS, destination.bits);
  const isWhole = offset === 0 && destination.bits === field.width;
  const plain = isWhole && !['decimal', 'hexadecimal', 'ipv4', 'ipv6', 'ethernet'].includes(field.format);
  const value = bits(destination.bits).map((number) => (isWhole ? number & fieldBits(field) : number));
  const shared = { bits: destination.bits, destination };
  return fc.oneof(
    source.map((from): LearnSpec => ({ ...shared, kind: 'match', source: from })),
    plain
      ? source.map((from): LearnSpec => ({ ...shared, kind: 'match', source: from }))
      : value.map((number): LearnSpec => ({ ...shared, kind: 'match', source: number })),
    value.map((number): LearnSpec => ({ ...shared, kind: 'load', source: number })),
    source.map((from): LearnSpec => ({ ...shared, kind: 'load', source: from })),
    fc.constant<LearnSpec>({ kind: 'output', bits: destination.bits, source: destination, destination: null }),
  );
});

const bundle: fc.Arbitrary<OpenFlowAction> = fc
  .record({
    type: fc.constantFrom('bundle' as const, 'bundle_load' as const),
    fields: hashFields,
    basis: uint(16),
    algorithm: fc.constantFrom('active_backup' as const, 'hrw' as const),
    members: fc.array(realPort, { maxLength: 4 }),
    destination: anySubfield,
  })
  .map((action) => ({ ...action, destination: action.type === 'bundle' ? null : action.destination }));

/** one for each type of action that can stand anywhere */
const SIMPLE: readonly fc.Arbitrary<OpenFlowAction>[] = [
  outputPort.map((port) => ({ type: 'output', port, maxLength: 0 })),
  uint(16).map((maxLength) => ({ type: 'output', port: 0xfffd, maxLength })),
  anySubfield.map((source) => ({ type: 'output_reg', source, maxLength: 0xffff })),
  fc
    .tuple(fc.oneof(realPort, fc.constantFrom(0xfff8, 0xfffe)), fc.integer({ min: 14, max: 0xffffffff }))
    .map(([port, maxLength]) => ({ type: 'output_trunc', port, maxLength })),
  fc
    .record({
      maxLength: uint(16),
      reason: fc.constantFrom(...(['no_match', 'action', 'invalid_ttl', 'action_set', 'group', 'packet_out'] as const)),
      controllerId: fc.integer({ min: 1, max: 65535 }),
      userdata: bytes,
      pause: fc.boolean(),
      meterId: fc.option(uint(32)),
    })
    .map((rest) => ({ type: 'controller', ...rest })),
  fc.tuple(realPort, uint(32)).map(([port, queue]) => ({ type: 'enqueue', port, queue })),
  uint(32).map((queue) => ({ type: 'set_queue', queue })),
  fc.constantFrom<OpenFlowAction>(
    { type: 'pop_queue' },
    { type: 'pop_vlan' },
    { type: 'strip_vlan' },
    { type: 'dec_mpls_ttl' },
    { type: 'dec_nsh_ttl' },
    { type: 'exit' },
    { type: 'debug_recirc' },
    { type: 'debug_slow' },
    { type: 'ct_clear' },
  ),
  uint(32).map((group) => ({ type: 'group', group })),
  setFieldOf(SETTABLE),
  loadOf(SETTABLE),
  moveTo(SETTABLE),
  fc
    .tuple(fc.constantFrom('push' as const, 'pop' as const), anySubfield)
    .map(([type, subfield]) => ({ type, subfield })),
  fc.tuple(uint(12), fc.boolean()).map(([vid, pushIfAbsent]) => ({ type: 'set_vlan_vid', vid, pushIfAbsent })),
  fc.tuple(uint(3), fc.boolean()).map(([pcp, pushIfAbsent]) => ({ type: 'set_vlan_pcp', pcp, pushIfAbsent })),
  fc.constantFrom(0x8100, 0x88a8).map((ethertype) => ({ type: 'push_vlan', ethertype })),
  fc
    .tuple(fc.constantFrom('set_eth_src' as const, 'set_eth_dst' as const), bits(48))
    .map(([type, address]) => ({ type, address })),
  fc
    .tuple(fc.constantFrom('set_ipv4_src' as const, 'set_ipv4_dst' as const), uint(32))
    .map(([type, address]) => ({ type, address })),
  uint(6).map((dscp) => ({ type: 'set_ip_dscp', value: dscp << 2 })),
  uint(2).map((value) => ({ type: 'set_ip_ecn', value })),
  uint(8).map((value) => ({ type: 'set_ip_ttl', value })),
  fc
    .tuple(fc.constantFrom('set_l4_src_port' as const, 'set_l4_dst_port' as const), uint(16))
    .map(([type, port]) => ({ type, port })),
  fc.array(uint(16), { minLength: 1, maxLength: 3 }).map((controllerIds) => ({ type: 'dec_ttl', controllerIds })),
  uint(20).map((value) => ({ type: 'set_mpls_label', value })),
  uint(3).map((value) => ({ type: 'set_mpls_tc', value })),
  uint(8).map((value) => ({ type: 'set_mpls_ttl', value })),
  fc
    .tuple(fc.constantFrom('push_mpls' as const, 'pop_mpls' as const), uint(16))
    .map(([type, ethertype]) => ({ type, ethertype })),
  fc
    .tuple(fc.constantFrom(0, 0x18847, 0x18848), fc.constant([]))
    .map(([packetType, properties]) => ({ type: 'encap', packetType, properties })),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(1, 2).map((mdType) => ({ propertyClass: 4, type: 1, value: Uint8Array.of(mdType) })),
        fc.tuple(uint(16), uint(8), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([tlvClass, type, data]) => ({
          propertyClass: 4,
          type: 2,
          value: Uint8Array.of(tlvClass >> 8, tlvClass, type, data.length, ...data),
        })),
      ),
      { maxLength: 3 },
    )
    .map((properties) => ({ type: 'encap', packetType: 0x1894f, properties })),
  fc.option(uint(32)).map((packetType) => ({ type: 'decap', packetType })),
  uint(32).map((id) => ({ type: 'set_tunnel', tunnelId: BigInt(id), is64: false })),
  bits(64).map((tunnelId) => ({ type: 'set_tunnel', tunnelId, is64: true })),
  fc
    .tuple(realPort, fc.option(fc.nat({ max: 254 })), fc.boolean())
    .map(([port, table, withConntrackTuple]) => ({ type: 'resubmit', port, table, withConntrackTuple })),
  fc.nat({ max: 254 }).map((table) => ({ type: 'resubmit', port: 0xfff8, table, withConntrackTuple: false })),
  bytes.map((data) => ({ type: 'note', data })),
  subfieldOf(REAL_FIELDS.filter((field) => field.width >= 16)).chain((destination) =>
    fc
      .record({
        fields: hashFields,
        basis: uint(16),
        algorithm: fc.constantFrom(...(['modulo_n', 'hash_threshold', 'hrw', 'iter_hash'] as const)),
        links: fc.integer({ min: 1, max: Math.min(65536, 2 ** destination.bits) }),
        argument: uint(32),
      })
      .map((rest) => ({ type: 'multipath', ...rest, destination })),
  ),
  bundle,
  fc
    .record({
      idleTimeout: uint(16),
      hardTimeout: uint(16),
      finIdleTimeout: uint(16),
      finHardTimeout: uint(16),
      priority: uint(16),
      cookie: bits(64),
      table: fc.nat({ max: 254 }),
      sendFlowRemoved: fc.boolean(),
      deleteLearned: fc.boolean(),
      limit: uint(32),
      resultDestination: fc.option(subfieldOf(SETTABLE, 1)),
      specs: fc.array(learnSpec, { maxLength: 4 }),
    })
    .map((rest) => ({ type: 'learn', ...rest })),
  fc.tuple(uint(16), uint(16)).map(([idleTimeout, hardTimeout]) => ({ type: 'fin_timeout', idleTimeout, hardTimeout })),
  fc
    .record({
      probability: fc.integer({ min: 1, max: 65535 }),
      collectorSetId: uint(32),
      observationDomainId: uint(32),
      observationPointId: fc.oneof(uint(32), anySubfield),
      samplingPort: fc.option(realPort),
      direction: fc.constantFrom('default' as const, 'ingress' as const, 'egress' as const),
    })
    .map((rest) => ({ type: 'sample', ...rest })),
  fc.tuple(uint(16), subfieldOf(REAL_FIELDS, 1)).map(([length, destination]) => ({
    type: 'check_pkt_larger',
    length,
    destination,
  })),
  fc.constantFrom(...FIELDS.filter(isTunMetadata)).map((field) => ({ type: 'delete_field', field })),
  fc
    .record({
      commit: fc.boolean(),
      zone: fc.oneof(uint(16), anySubfield),
      table: fc.option(fc.nat({ max: 254 })),
      alg: fc.constantFrom(0, 21, 69),
      actions: fc.array(fc.oneof(setFieldOf(CONNTRACK), loadOf(CONNTRACK), moveTo(CONNTRACK), nat), { maxLength: 3 }),
    })
    .chain((rest) => fc.boolean().map((force) => ({ type: 'ct', ...rest, force: force && rest.commit }))),
];

const simple: fc.Arbitrary<OpenFlowAction> = fc.oneof(...SIMPLE);
const clone = fc.array(simple, { maxLength: 3 }).map((actions): OpenFlowAction => ({ type: 'clone', actions }));

/** Lists as a flow can have them: instructions at the end and in order. */
export const arbitraryActions: fc.Arbitrary<OpenFlowAction[]> = fc
  .record({
    meter: fc.option(uint(32)),
    actions: fc.array(fc.oneof({ weight: 8, arbitrary: simple }, { weight: 1, arbitrary: clone }), { maxLength: 5 }),
    clear: fc.boolean(),
    write: fc.option(fc.array(simple, { maxLength: 3 })),
    metadata: fc.option(fc.tuple(bits(64), bits(64))),
    table: fc.option(fc.nat({ max: 254 })),
  })
  .map(({ meter, actions, clear, write, metadata, table }) => {
    const list: OpenFlowAction[] = meter === null ? [] : [{ type: 'meter', meter }];
    list.push(...actions);
    if (clear) {
      list.push({ type: 'clear_actions' });
    }
    if (write !== null) {
      list.push({ type: 'write_actions', actions: write });
    }
    if (metadata !== null) {
      list.push({ type: 'write_metadata', value: metadata[0], mask: metadata[1] });
    }
    if (table !== null) {
      list.push({ type: 'goto_table', table });
    }
    return list;
  });

/** Lists of conjunctions, which stand by themselves. */
export const arbitraryConjunctions: fc.Arbitrary<OpenFlowAction[]> = fc.array(
  fc.tuple(uint(32), fc.integer({ min: 2, max: 64 }), fc.nat()).map(([id, clauses, clause]) => ({
    type: 'conjunction' as const,
    id,
    clause: clause % clauses,
    clauses,
  })),
  { minLength: 1, maxLength: 4 },
);

/** How many types of action the generators know; the test of the generators compares it to what they made. */
export const arbitrarySimpleActions: readonly fc.Arbitrary<OpenFlowAction>[] = SIMPLE;
