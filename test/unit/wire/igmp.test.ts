import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkIgmp,
  computeChecksum,
  emitIgmp,
  formatIgmp,
  type IgmpGroupRecord,
  type IgmpMessage,
  igmpChecksum,
  igmpCode,
  igmpGroup,
  igmpLength,
  igmpType,
  MULTICAST_CHANGE_TO_EXCLUDE,
  parseIgmp,
  setIgmpChecksum,
  setIgmpCode,
  setIgmpGroup,
  setIgmpType,
} from '../../../src/wire/index.ts';
import { bytesOf, exactView, IGMP3_REPORT_FRAME, NETWORK, tail, viewOf } from './frames.ts';
import { anyBytes, anyRecord, anyUint8, anyUint32, field, testHeader } from './header-tests.ts';

const packet = tail(IGMP3_REPORT_FRAME, NETWORK + 24);
const group = 0xef010101;
const report: IgmpMessage = {
  kind: 'report-v3',
  records: [{ type: MULTICAST_CHANGE_TO_EXCLUDE, group, sources: [], auxiliary: new Uint8Array(0) }],
};

const sources = fc.array(anyUint32, { maxLength: 4 });
const anyGroupRecord: fc.Arbitrary<IgmpGroupRecord> = anyRecord({
  type: anyUint8,
  group: anyUint32,
  sources,
  auxiliary: anyBytes(4, 2),
});

testHeader<IgmpMessage>({
  name: 'IGMP',
  packet,
  headerLength: 16,
  header: report,
  blank: report,
  fields: [
    field(igmpType, 0x22, setIgmpType),
    field(igmpCode, 0, setIgmpCode),
    field(igmpChecksum, 0xe9fb, setIgmpChecksum),
    field(igmpGroup, 1, setIgmpGroup),
  ],
  check: checkIgmp,
  checkedLength: 8,
  isParseStricter: true,
  parse: parseIgmp,
  length: igmpLength,
  emit: emitIgmp,
  headers: fc.oneof(
    anyRecord({ kind: fc.constant('query' as const), maxResponseCode: anyUint8, group: anyUint32 }),
    anyRecord({
      kind: fc.constant('query-v3' as const),
      maxResponseCode: anyUint8,
      group: anyUint32,
      suppressRouterProcessing: fc.boolean(),
      robustness: fc.nat(7),
      queryIntervalCode: anyUint8,
      sources,
    }),
    anyRecord({
      kind: fc.constantFrom('report-v1' as const, 'report-v2' as const, 'leave' as const),
      group: anyUint32,
    }),
    anyRecord({ kind: fc.constant('report-v3' as const), records: fc.array(anyGroupRecord, { maxLength: 3 }) }),
  ) as fc.Arbitrary<IgmpMessage>,
});

describe('IGMP', () => {
  it('takes a version 2 report', () => {
    assert.deepEqual(parseIgmp(viewOf('1600faf9ef000006'), 0, 8), { kind: 'report-v2', group: 0xef000006 });
  });

  it('refuses unknown types, and sources and records beyond the packet', () => {
    for (const hex of [
      '13000000ef000006',
      '11640000 ef000006 02 7d 0001 000000',
      '22000000 0000 0001 04000000 ef0101',
      '22000000 0000 0001 04000001 ef010101',
      '22000000 0000 0001 04010000 ef010101',
      '22000000 0000 0002 04000000 ef010101',
    ]) {
      const view = exactView(bytesOf(hex));
      assert.equal(parseIgmp(view, 0, view.byteLength), null, hex);
    }
  });

  it('emits with a right checksum', () => {
    const view = exactView(new Uint8Array(8).fill(0xa5));
    emitIgmp({ kind: 'leave', group }, view, 0);
    assert.equal(computeChecksum(view, 0, 8), 0);
  });

  it('is written as tcpdump writes it', () => {
    const query = { suppressRouterProcessing: false, robustness: 2, queryIntervalCode: 125 };
    const cases: readonly [IgmpMessage, string][] = [
      [{ kind: 'query', maxResponseCode: 0, group: 0 }, 'query v1'],
      [{ kind: 'query', maxResponseCode: 100, group: 0 }, 'query v2'],
      [{ kind: 'query', maxResponseCode: 50, group }, 'query v2 [max resp time 50] [gaddr 239.1.1.1]'],
      [
        { kind: 'query-v3', maxResponseCode: 100, group, ...query, sources: [1, 2] },
        'query v3 [gaddr 239.1.1.1, 2 source(s)]',
      ],
      [{ kind: 'query-v3', maxResponseCode: 100, group: 0, ...query, sources: [] }, 'query v3'],
      [{ kind: 'report-v1', group }, 'v1 report 239.1.1.1'],
      [{ kind: 'report-v2', group }, 'v2 report 239.1.1.1'],
      [{ kind: 'leave', group }, 'leave 239.1.1.1'],
      [report, 'v3 report, 1 group record(s)'],
    ];
    for (const [message, text] of cases) {
      assert.equal(formatIgmp(message), `igmp ${text}`);
    }
  });
});
