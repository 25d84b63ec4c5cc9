/**
 * Messages in bytes and what `ovs-ofctl ofp-print` of Open vSwitch 3.1 makes of them, errors included. A row of
 * message-corpus.json with `same` is written back as the same bytes; the others are not what Open vSwitch itself would send.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  decodeMessage,
  encodeMessage,
  formatPacketOrError,
  OpenFlowError,
  type OpenFlowVersion,
} from '../../../../src/openflow/index.ts';
import { bytesOf, hexOf } from './bytes-of.ts';

interface Row {
  readonly hex: string;
  readonly verbosity: number;
  readonly same: boolean;
  readonly text: string;
}
const ROWS: readonly Row[] = JSON.parse(readFileSync(new URL('./message-corpus.json', import.meta.url), 'utf8'));

test('messages read as Open vSwitch reads them', () => {
  assert.ok(ROWS.length > 200);
  for (const { hex, verbosity, text } of ROWS) {
    assert.equal(formatPacketOrError(bytesOf(hex), { verbosity: verbosity === 0 ? 1 : verbosity }), text, hex);
  }
});

test('what Open vSwitch writes is written back as the same bytes', () => {
  const rows = ROWS.filter(({ same }) => same);
  assert.ok(rows.length > 150);
  for (const { hex } of rows) {
    const { version, xid, name, more, message } = decodeMessage(bytesOf(hex));
    assert.equal(hexOf(encodeMessage(message, { version: version as OpenFlowVersion, xid, name, more })), hex);
  }
});

test('a decode error has the name that Open vSwitch gives it', () => {
  let count = 0;
  for (const { hex, text } of ROWS) {
    const code = /^(?:OFP|NX|ONF)[^\n]*\*\*\*decode error: (\w+)\*\*\*/.exec(text)?.[1];
    if (code !== undefined && !text.startsWith('OFPT_ERROR')) {
      count++;
      assert.throws(
        () => decodeMessage(bytesOf(hex)),
        (error) => error instanceof OpenFlowError && error.code === code,
        hex,
      );
    }
  }
  assert.ok(count > 5);
});
