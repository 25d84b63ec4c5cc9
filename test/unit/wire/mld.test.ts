import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkMld,
  emitMld,
  fillIcmpv6Checksum,
  formatMld,
  ICMPV6_MLD2_REPORT,
  icmpv6Checksum,
  ipv6PseudoHeaderSum,
  type MldGroupRecord,
  type MldMessage,
  mldGroup,
  mldLength,
  mldMaxResponse,
  parseIpv6Address,
  parseMld,
  setIcmpv6Checksum,
  setMldGroup,
  setMldMaxResponse,
} from '../../../src/wire/index.ts';
import { bytesOf, exactView, MLD2_REPORT_FRAME, NETWORK, tail, viewOf } from './frames.ts';
import { anyBytes, anyIpv6, anyRecord, anyUint8, anyUint16, field, testHeader } from './header-tests.ts';

const ICMPV6 = NETWORK + 48;
const group = parseIpv6Address('ff02::1:ff37:1b43');
const report: MldMessage = {
  kind: 'report-v2',
  records: [{ type: 4, group, sources: [], auxiliary: new Uint8Array(0) }],
};

const sources = fc.array(anyIpv6, { maxLength: 4 });
const anyGroupRecord: fc.Arbitrary<MldGroupRecord> = anyRecord({
  type: anyUint8,
  group: anyIpv6,
  sources,
  auxiliary: anyBytes(4, 2),
});
const anyMessage = fc.oneof(
  anyRecord({ kind: fc.constant('query' as const), maxResponseDelay: anyUint16, group: anyIpv6 }),
  anyRecord({
    kind: fc.constant('query-v2' as const),
    maxResponseCode: anyUint16,
    group: anyIpv6,
    suppressRouterProcessing: fc.boolean(),
    robustness: fc.nat(7),
    queryIntervalCode: anyUint8,
    sources,
  }),
  anyRecord({ kind: fc.constantFrom('report' as const, 'done' as const), group: anyIpv6 }),
  anyRecord({ kind: fc.constant('report-v2' as const), records: fc.array(anyGroupRecord, { maxLength: 3 }) }),
) as fc.Arbitrary<MldMessage>;

testHeader<MldMessage>({
  name: 'MLD version 2',
  packet: tail(MLD2_REPORT_FRAME, ICMPV6),
  headerLength: 28,
  header: report,
  blank: report,
  fields: [field(icmpv6Checksum, 0x5410, setIcmpv6Checksum)],
  check: checkMld,
  checkedLength: 8,
  isParseStricter: true,
  parse: parseMld,
  length: mldLength,
  emit: emitMld,
  finish: (view, offset, end) => {
    fillIcmpv6Checksum(view, offset, end, ipv6PseudoHeaderSum(viewOf(MLD2_REPORT_FRAME), NETWORK, 28, 58));
  },
  headers: anyMessage,
});

testHeader<MldMessage>({
  name: 'MLD version 1',
  packet: '82000000 03e8 0000 ff020000000000000000000000000005'.replaceAll(' ', ''),
  headerLength: 24,
  header: { kind: 'query', maxResponseDelay: 1000, group: parseIpv6Address('ff02::5') },
  blank: { kind: 'query', maxResponseDelay: 0, group: 0n },
  fields: [
    field(mldMaxResponse, 1000, setMldMaxResponse),
    field(mldGroup, parseIpv6Address('ff02::5'), setMldGroup),
    field(icmpv6Checksum, 0, setIcmpv6Checksum),
  ],
  check: checkMld,
  isParseStricter: true,
  hasFields: (view) => view.getUint8(0) !== ICMPV6_MLD2_REPORT,
  parse: parseMld,
  length: mldLength,
  emit: emitMld,
  headers: anyMessage,
});

describe('MLD', () => {
  it('refuses other types, and sources and records beyond the packet', () => {
    const address = '00'.repeat(16);
    for (const hex of [
      `80000000 00000000 ${address}`,
      `82000000 00000000 ${address} 02 7d 0001`,
      '8f000000 0000 0001 04000000',
      `8f000000 0000 0001 04000001 ${address}`,
      `8f000000 0000 0001 04010000 ${address}`,
    ]) {
      const view = exactView(bytesOf(hex));
      assert.equal(parseMld(view, 0, view.byteLength), null, hex);
    }
  });

  it('is written like tcpdump writes it', () => {
    const query = { suppressRouterProcessing: false, robustness: 2, queryIntervalCode: 125 };
    const name = 'ff02::1:ff37:1b43';
    const cases: readonly [MldMessage, string][] = [
      [{ kind: 'query', maxResponseDelay: 10, group }, `query max resp delay: 10 addr: ${name}, length 24`],
      [{ kind: 'query-v2', maxResponseCode: 10, group, ...query, sources: [] }, `query v2 [gaddr ${name}], length 28`],
      [
        { kind: 'query-v2', maxResponseCode: 10, group, ...query, sources: [1n] },
        `query v2 [gaddr ${name}, 1 source(s)], length 44`,
      ],
      [{ kind: 'report', group }, `report max resp delay: 0 addr: ${name}, length 24`],
      [{ kind: 'done', group }, `done max resp delay: 0 addr: ${name}, length 24`],
      [report, 'report v2, 1 group record(s), length 28'],
    ];
    for (const [message, text] of cases) {
      assert.equal(formatMld(message), `ICMP6, multicast listener ${text}`);
    }
  });
});
