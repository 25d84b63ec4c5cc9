/** Numbers of errors, compared to what `ovs-ofctl ofp-print` of Open vSwitch 3.1 says of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type OpenFlowErrorName,
  type OpenFlowVersion,
  openFlowErrorName,
  openFlowErrorNumber,
} from '../../../src/openflow/index.ts';

test('an error has its numbers in each version', () => {
  const cases: readonly (readonly [OpenFlowErrorName, OpenFlowVersion, number | null, number | null, number])[] = [
    ['OFPBRC_BAD_TYPE', 1, 0, 1, 1],
    ['OFPFMFC_TABLE_FULL', 1, 0, 3, 0],
    ['OFPFMFC_TABLE_FULL', 2, 0, 5, 1],
    ['OFPFMFC_OVERLAP', 4, 0, 5, 3],
    ['OFPBAC_MATCH_INCONSISTENT', 1, 0x2320, 1, 522],
    ['OFPBAC_MATCH_INCONSISTENT', 6, 0, 2, 10],
    ['OFPBIC_DUP_INST', 3, 0x4f4e4600, null, 2600],
    ['OFPBIC_DUP_INST', 5, 0, 3, 9],
    ['NXR_STALE', 4, 0x2320, null, 35],
  ];
  for (const [name, version, vendor, type, code] of cases) {
    const number = openFlowErrorNumber(name, version);
    assert.deepEqual(number, { vendor, type, code }, `${name} in ${version}`);
    assert.equal(openFlowErrorName(number!, version), name);
  }
});

test('an error that a version cannot say has no number there', () => {
  assert.equal(openFlowErrorNumber('OFPMMFC_INVALID_METER', 3), null);
  assert.equal(openFlowErrorNumber('OFPFMFC_BAD_EMERG_TIMEOUT', 1)?.code, 3);
  assert.equal(openFlowErrorNumber('OFPFMFC_BAD_EMERG_TIMEOUT', 2), null);
  assert.equal(openFlowErrorName({ vendor: 0, type: 99, code: 0 }, 4), null);
});
