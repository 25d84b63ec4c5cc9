/**
 * Lines of flows, and what `ovs-ofctl diff-flows` of Open vSwitch 3.1 makes of them (which prints the flow as it was read,
 * without a detour over the wire). A row of flow-corpus.json has the line and Open vSwitch's answer in `ovs`, which is a
 * flow or `E: ` and the error; where ours differs on purpose `strict` has it (an error as `E CODE`), and `compat` where it differs
 * with `ovsCompat` too.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type FlowMod, formatActions, formatPrioritizedMatch, parseFlowMod } from '../../../src/openflow/index.ts';

interface Row {
  readonly line: string;
  readonly ovs: string;
  readonly strict?: string;
  readonly compat?: string;
}

const ROWS: readonly Row[] = JSON.parse(readFileSync(new URL('./flow-corpus.json', import.meta.url), 'utf8'));

function show(mod: FlowMod): string {
  const terms = [
    mod.table === 255 ? '' : `table=${mod.table} `,
    formatPrioritizedMatch(mod.match, mod.priority),
    mod.cookie === 0n ? '' : ` cookie=0x${mod.cookie.toString(16)}`,
    mod.idleTimeout === 0 ? '' : ` idle_timeout=${mod.idleTimeout}`,
    mod.hardTimeout === 0 ? '' : ` hard_timeout=${mod.hardTimeout}`,
    mod.importance === 0 ? '' : ` importance=${mod.importance}`,
  ];
  return `${terms.join('')} actions=${formatActions(mod.actions)}`;
}

function checkLine(line: string, expected: string, ovsCompat: boolean): void {
  let answer: string;
  try {
    answer = show(parseFlowMod(line, 'add', { ovsCompat }));
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error, `${line}: ${error}`);
    if (expected.startsWith('E: ')) {
      // Ours may say more, never something else.
      assert.ok(
        `E: ${error.message}`.startsWith(expected),
        `${line}\n  expected ${expected}\n  got E: ${error.message}`,
      );
    } else {
      assert.equal(`E ${error.code}`, expected, `${line}: ${error.message}`);
    }
    return;
  }
  assert.equal(answer, expected, line);
}

test('flows are read and printed as Open vSwitch does, or refused where it is careless', () => {
  for (const { line, ovs, strict } of ROWS) {
    checkLine(line, strict ?? ovs, false);
  }
});

test('with ovsCompat they are read as Open vSwitch does', () => {
  for (const { line, ovs, compat } of ROWS) {
    checkLine(line, compat ?? ovs, true);
  }
});

test('what is printed reads back as the same', () => {
  for (const { line } of ROWS) {
    let mod: FlowMod;
    try {
      mod = parseFlowMod(line, 'add');
    } catch {
      continue;
    }
    const printed = formatActions(mod.actions);
    const again = parseFlowMod(`${formatPrioritizedMatch(mod.match, mod.priority)} actions=${printed}`, 'add');
    assert.equal(formatActions(again.actions), printed, line);
    assert.deepEqual(again.match, mod.match, line);
  }
});
