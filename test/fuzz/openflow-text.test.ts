/** Random text, and lines with random damage, end in a record or in an error of the layer: never in another exception. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatActions,
  formatFlowMod,
  formatGroupMod,
  formatMeterMod,
  OpenFlowError,
  OpenFlowFileError,
  OpenFlowTextError,
  parseActions,
  parseFlowMod,
  parseFlowMods,
  parseGroupMod,
  parseMeterMod,
} from '../../src/openflow/index.ts';

const ROWS: readonly { readonly line: string }[] = JSON.parse(
  readFileSync(new URL('../unit/openflow/flow-corpus.json', import.meta.url), 'utf8'),
);
const LINES: readonly string[] = [
  ...ROWS.map(({ line }) => line),
  'group_id=2,type=select,selection_method=hash,fields(ip_src=255.0.0.0,tcp_dst),bucket=weight:5,output:1,bucket=bucket_id:7,2',
  'meter=3,pktps,burst,stats,bands=type=drop,rate=100,burst_size=20,type=dscp_remark,rate=200,burst_size=1,prec_level=1',
];
const WORDS: readonly string[] = [...new Set(LINES.flatMap((line) => line.split(/([^\w.]+)/)))];
const COMMANDS = ['add', 'modify', 'modify_strict', 'delete', 'delete_strict'] as const;
const GROUP_COMMANDS = ['add', 'modify', 'add_or_modify', 'delete', 'insert_buckets', 'remove_buckets'] as const;

function attempt(text: string, parse: () => void): void {
  try {
    parse();
  } catch (error) {
    const isOurs =
      error instanceof OpenFlowTextError || error instanceof OpenFlowError || error instanceof OpenFlowFileError;
    assert.ok(isOurs, `${JSON.stringify(text)}: ${error instanceof Error ? error.stack : error}`);
    if (!(error instanceof OpenFlowFileError) && error.offset !== null) {
      assert.ok(error.offset >= 0 && error.offset <= text.length, `${JSON.stringify(text)}: offset ${error.offset}`);
    }
  }
}

function attemptAll(text: string, ovsCompat: boolean): void {
  const options = { ovsCompat };
  attempt(text, () => formatActions(parseActions(text, options)));
  for (const command of COMMANDS) {
    attempt(text, () => formatFlowMod(parseFlowMod(text, command, options)));
  }
  for (const command of GROUP_COMMANDS) {
    attempt(text, () => formatGroupMod(parseGroupMod(text, command, options)));
  }
  for (const command of ['add', 'delete'] as const) {
    attempt(text, () => formatMeterMod(parseMeterMod(text, command, options)));
  }
  attempt(text, () => parseFlowMods(`${text}\n${text}`, options));
}

test('random text', () => {
  fc.assert(fc.property(fc.string({ maxLength: 40, unit: 'binary' }), fc.boolean(), attemptAll), {
    numRuns: 300,
    seed: 1,
  });
});

test('random words of flows', () => {
  const text = fc.array(fc.constantFrom(...WORDS), { maxLength: 14 }).map((words) => words.join(''));
  fc.assert(
    fc.property(text, fc.boolean(), (tail, ovsCompat) => {
      attemptAll(tail, ovsCompat);
      attemptAll(`actions=${tail}`, ovsCompat);
    }),
    { numRuns: 150, seed: 2 },
  );
});

test('lines with a piece cut, doubled or replaced', () => {
  const damage = fc.tuple(fc.constantFrom(...LINES), fc.nat(), fc.nat({ max: 8 }), fc.constantFrom('', ...WORDS));
  fc.assert(
    fc.property(damage, fc.boolean(), ([line, place, length, word], ovsCompat) => {
      const start = place % (line.length + 1);
      attemptAll(line.slice(0, start) + word + line.slice(start + length), ovsCompat);
    }),
    { numRuns: 250, seed: 3 },
  );
});
