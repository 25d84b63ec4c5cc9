/**
 * Actions and instructions in bytes, and what `ovs-ofctl parse-actions` and `parse-instructions` of Open vSwitch 3.1 make of them.
 * `same` tells whether Open vSwitch writes back the same bytes.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  formatActions,
  matchInPort,
  type OpenFlowAction,
  OpenFlowError,
  type OpenFlowVersion,
} from '../../../../src/openflow/index.ts';
import { readActions } from '../../../../src/openflow/wire/actions-decode.ts';
import { writeActions } from '../../../../src/openflow/wire/actions-encode.ts';
import { ByteReader, ByteWriter } from '../../../../src/openflow/wire/bytes.ts';
import { readInstructions, writeInstructions } from '../../../../src/openflow/wire/instructions.ts';
import { bytesOf, hexOf } from './bytes-of.ts';

interface Row {
  readonly version: OpenFlowVersion;
  readonly instructions: boolean;
  readonly hex: string;
  readonly text: string;
  readonly same: boolean;
}
const ROWS: readonly Row[] = JSON.parse(readFileSync(new URL('./action-corpus.json', import.meta.url), 'utf8'));

function read({ hex, version, instructions }: Row): OpenFlowAction[] {
  const reader = new ByteReader(bytesOf(hex));
  // parse-actions reads a list that has no place for write_metadata.
  return instructions ? readInstructions(reader, { version }) : readActions(reader, { version }, 'packet_out');
}

test('actions read and written as Open vSwitch does', () => {
  assert.ok(ROWS.length > 150);
  for (const row of ROWS) {
    const { version, instructions, hex, text, same } = row;
    let answer: string;
    try {
      const actions = read(row);
      answer = `actions=${formatActions(actions)}`;
      const writer = new ByteWriter();
      (instructions ? writeInstructions : writeActions)(writer, actions, { version });
      assert.equal(hexOf(writer.finish()) === hex, same, `${hex} ${hexOf(writer.finish())}`);
    } catch (error) {
      if (!(error instanceof OpenFlowError)) {
        throw error;
      }
      answer = `bad OpenFlow1${version - 1} ${instructions ? 'instructions' : 'actions'}: ${error.code}`;
    }
    assert.equal(answer, text, hex);
  }
});

test('a VLAN is set in a tag that is pushed where none is known', () => {
  const write = (version: OpenFlowVersion, actions: readonly OpenFlowAction[]): string => {
    const writer = new ByteWriter();
    writeActions(writer, actions, { version, match: matchInPort(1) });
    return formatActions(readActions(new ByteReader(writer.finish()), { version }));
  };
  const actions: readonly OpenFlowAction[] = [
    { type: 'set_vlan_vid', vid: 7, pushIfAbsent: true },
    { type: 'set_vlan_pcp', pcp: 2, pushIfAbsent: true },
  ];
  assert.equal(write(1, actions), 'mod_vlan_vid:7,mod_vlan_pcp:2');
  assert.equal(write(2, actions), 'push_vlan:0x8100,set_vlan_vid:7,set_vlan_pcp:2');
  assert.equal(write(4, actions), 'push_vlan:0x8100,set_field:4103->vlan_vid,set_field:2->vlan_pcp');
});
