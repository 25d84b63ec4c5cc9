/** Random matches and actions: what a version can say comes back as it was, and what was read is written as the same bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  FIELDS,
  fieldBits,
  formatMatch,
  hasPrerequisites,
  type Match,
  parseMatch,
  setMatchField,
} from '../../../../src/flow/index.ts';
import { formatActions, OpenFlowError, type OpenFlowVersion } from '../../../../src/openflow/index.ts';
import { writeActions } from '../../../../src/openflow/wire/actions-encode.ts';
import { ByteReader, ByteWriter } from '../../../../src/openflow/wire/bytes.ts';
import { readInstructions, writeInstructions } from '../../../../src/openflow/wire/instructions.ts';
import { readEntries, writeEntries } from '../../../../src/openflow/wire/nx-match.ts';
import {
  fitsMatch10,
  readMatch10,
  readMatch11,
  writeMatch10,
  writeMatch11,
} from '../../../../src/openflow/wire/old-match.ts';
import { arbitraryActions } from '../arbitrary-actions.ts';
import { hexOf } from './bytes-of.ts';

const VERSIONS: readonly OpenFlowVersion[] = [1, 2, 3, 4, 5, 6];
const BASES = [
  '',
  'ip',
  'ipv6',
  'tcp',
  'udp6',
  'sctp',
  'icmp',
  'icmp6,icmp_type=135,icmp_code=0',
  'icmp6,icmp_type=136,icmp_code=0',
  'arp',
  'mpls',
  'dl_type=0x894f',
  'dl_vlan=5',
  'ct_state=+trk+est,tcp,ct_nw_proto=6',
];
/** No OXM, or a place of their own in the table of tunnel options. */
const SAYABLE = FIELDS.filter(({ oxmIds, width, name }) => oxmIds.length > 0 && width > 0 && name !== 'packet_type');
/** On the wire they have more bits than here, all of which an exact match decides. */
const PORTS = new Set(['in_port', 'in_port_oxm', 'actset_output']);

const arbitraryMatch: fc.Arbitrary<Match> = fc
  .tuple(
    fc.constantFrom(...BASES),
    fc.array(
      fc.tuple(
        fc.constantFrom(...SAYABLE),
        fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
        fc.boolean(),
        fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      ),
      { maxLength: 6 },
    ),
  )
  .map(([base, terms]) => {
    const match = parseMatch(base);
    for (const [field, value, isExact, mask] of terms) {
      const decided = isExact || !field.maskable ? fieldBits(field) : mask & fieldBits(field);
      if (
        hasPrerequisites(match, field) &&
        !/^(?:eth_type|nw_proto|icmpv?6?_type|icmpv?6?_code|vlan_.*|ct_state)$/.test(field.name)
      ) {
        // A later fragment has no transport header to match on.
        const possible = PORTS.has(field.name) ? value & 0xfeffn : field.name === 'ip_frag' ? value & 1n : value;
        setMatchField(match, field, possible, decided);
      }
    }
    return match;
  });

test('a match comes back from NXM and OXM as it was', () => {
  fc.assert(
    fc.property(arbitraryMatch, fc.constantFrom(0 as const, 3 as const, 4 as const, 6 as const), (match, form) => {
      const writer = new ByteWriter();
      writeEntries(writer, match, form);
      const { match: read } = readEntries(new ByteReader(writer.finish()));
      assert.equal(formatMatch(read), formatMatch(match));
      assert.deepEqual(read.masks, match.masks);
      assert.deepEqual(read.values, match.values);
    }),
    { numRuns: 500 },
  );
});

test('a match that fits OpenFlow 1.0 comes back from it as it was', () => {
  let fitted = 0;
  fc.assert(
    fc.property(arbitraryMatch, (match) => {
      if (!fitsMatch10(match)) {
        return;
      }
      fitted++;
      const writer = new ByteWriter();
      writeMatch10(writer, match);
      assert.deepEqual(readMatch10(new ByteReader(writer.finish())).match, match);
    }),
    { numRuns: 1000 },
  );
  assert.ok(fitted > 50);
});

test('what OpenFlow 1.1 says of a match is stable', () => {
  fc.assert(
    fc.property(arbitraryMatch, (match) => {
      const first = new ByteWriter();
      writeMatch11(first, match);
      const read = readMatch11(new ByteReader(first.finish()));
      const second = new ByteWriter();
      writeMatch11(second, read);
      assert.deepEqual(readMatch11(new ByteReader(second.finish())), read);
    }),
    { numRuns: 300 },
  );
});

test('actions that a version has read are written so that they are read as the same', () => {
  fc.assert(
    fc.property(arbitraryActions, fc.constantFrom(...VERSIONS), (actions, version) => {
      const write = (list: typeof actions): Uint8Array => {
        const writer = new ByteWriter();
        writeInstructions(writer, list, { version });
        return writer.finish();
      };
      let read: typeof actions;
      try {
        read = readInstructions(new ByteReader(write(actions)), { version });
      } catch (error) {
        // Random lists nest what may not be nested, and set fields outside their place.
        assert.ok(error instanceof OpenFlowError, String(error));
        return;
      }
      const second = write(read);
      const readAgain = readInstructions(new ByteReader(second), { version });
      assert.equal(formatActions(readAgain), formatActions(read));
      assert.equal(hexOf(write(readAgain)), hexOf(second), formatActions(actions));
    }),
    { numRuns: 500 },
  );
});

test('nothing is written of an empty list', () => {
  for (const version of VERSIONS) {
    const writer = new ByteWriter();
    writeActions(writer, [], { version });
    assert.equal(writer.length, 0);
  }
});
