/**
 * Flows in text, and the flow mod that `ovs-ofctl parse-flows` of Open vSwitch 3.1 makes of them for a version: which matches and
 * actions a version has for what was asked. Beside the recorded answers, the installed `ovs-ofctl` reads our bytes where
 * there is one.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  encodeMessage,
  formatPacketOrError,
  type OpenFlowVersion,
  parseFlowMod,
} from '../../../../src/openflow/index.ts';
import { hexOf } from './bytes-of.ts';

interface Row {
  readonly line: string;
  readonly version: OpenFlowVersion;
  readonly text: string;
}
const ROWS: readonly Row[] = JSON.parse(readFileSync(new URL('./flow-mod-corpus.json', import.meta.url), 'utf8'));
const HAS_OFCTL = spawnSync('ovs-ofctl', ['--version'], { encoding: 'utf8' }).stdout?.includes(' 3.1.') === true;
const SAMPLE = 40;

function encode({ line, version, text }: Row): Uint8Array {
  const mod = parseFlowMod(line, 'add', { ovsCompat: true });
  const name = /^\w+/.exec(text)![0];
  const flowModTableId = version === 1 && text.includes('ADD table:');
  return encodeMessage({ type: 'flow_mod', mod, bufferId: null }, { version, xid: 1, name, flowModTableId });
}

test('flow mods of all versions say what those of Open vSwitch say', () => {
  assert.ok(ROWS.length > 500);
  for (const row of ROWS) {
    const text = formatPacketOrError(encode(row)).trimEnd().replace(' (xid=0x1)', '');
    assert.equal(text, row.text, `${row.line} in version ${row.version}`);
  }
});

test('ovs-ofctl reads our flow mods as we mean them', {
  skip: HAS_OFCTL ? false : 'ovs-ofctl is not installed',
}, () => {
  for (let index = 0; index < ROWS.length; index += Math.ceil(ROWS.length / SAMPLE)) {
    const row = ROWS[index]!;
    const { stdout } = spawnSync('ovs-ofctl', ['ofp-print', hexOf(encode(row))], { encoding: 'utf8' });
    assert.equal(stdout.trimEnd().replace(' (xid=0x1)', ''), row.text, row.line);
  }
});
