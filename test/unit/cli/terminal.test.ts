import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  counted,
  formatBytes,
  formatCount,
  formatRatio,
  formatShare,
  formatTable,
  ProgressLine,
  styleFor,
  widthOf,
  wrap,
} from '../../../src/cli/terminal.ts';

const PLAIN = styleFor({ write() {}, isTTY: false, columns: 0 }, {});

test('numbers read well', () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  assert.deepEqual([0, 999, 1000, 12_345_678].map(formatBytes), ['0 B', '999 B', '1.0 kB', '12.3 MB']);
  assert.deepEqual(
    [formatShare(1, 3), formatShare(0, 0), formatRatio(3, 2), formatRatio(0, 0)],
    ['33.3 %', '-', '1.50', '-'],
  );
  assert.deepEqual([counted(1, 'mask'), counted(0, 'mask')], ['1 mask', '0 masks']);
});

test('wrapped lines fit and say the same', () => {
  const word = fc.stringMatching(/^[a-z]{1,12}$/);
  const line = fc.array(fc.tuple(word, fc.constantFrom(',', ' ', ', '))).map((parts) => parts.flat().join(''));
  fc.assert(
    fc.property(line, fc.integer({ min: 30, max: 80 }), fc.integer({ min: 0, max: 8 }), (text, width, indent) => {
      const lines = wrap(`  ${text}`, width, indent).split('\n');
      assert.ok(lines.every((each) => each.trimEnd().length <= width));
      assert.equal(lines.join('').replace(/ /g, ''), text.replace(/ /g, ''));
    }),
  );
});

test('a table has numbers to the right, and wraps its last column', () => {
  const columns = [{ title: 'hits', align: 'right' as const }, { title: 'what' }];
  assert.equal(
    formatTable(
      columns,
      [
        ['1,000', 'one two three four five'],
        ['2', 'six'],
      ],
      24,
      PLAIN,
    ),
    '   hits  what\n  1,000  one two three\n         four five\n      2  six\n',
  );
});

test('widths stay between 60 and 100 columns', () => {
  assert.deepEqual(
    [0, 20, 80, 300].map((columns) => widthOf({ write() {}, isTTY: columns > 0, columns })),
    [100, 60, 80, 100],
  );
});

test('progress is one line on a terminal, at most every 100 ms, and nothing elsewhere', () => {
  let printed = '';
  let nowMs = 0;
  const write = (text: string): void => {
    printed += text;
  };
  const shown = new ProgressLine({ write, isTTY: true, columns: 30 }, () => nowMs);
  shown.update(() => 'one');
  shown.update(() => 'two');
  nowMs = 100;
  shown.update(() => 'x'.repeat(50));
  shown.clear();
  shown.clear();
  assert.equal(printed, `\r\u001b[2Kone\r\u001b[2K${'x'.repeat(29)}\r\u001b[2K`);
  printed = '';
  const hidden = new ProgressLine({ write, isTTY: false, columns: 0 }, () => nowMs);
  hidden.update(() => 'one');
  hidden.show('two');
  hidden.clear();
  assert.equal(printed, '');
});
