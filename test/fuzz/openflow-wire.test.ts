/** Random, cut and damaged messages end in a record that can be shown and written, or in an OpenFlowError: never in another exception. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeMessage,
  encodeMessages,
  formatMessage,
  formatPacketOrError,
  OpenFlowError,
  type OpenFlowVersion,
} from '../../src/openflow/index.ts';
import { bytesOf } from '../unit/openflow/wire/bytes-of.ts';

const ROWS: readonly { readonly hex: string }[] = JSON.parse(
  readFileSync(new URL('../unit/openflow/wire/message-corpus.json', import.meta.url), 'utf8'),
);
const MESSAGES: readonly Uint8Array[] = ROWS.map(({ hex }) => bytesOf(hex)).filter(({ length }) => length >= 8);

function survive(bytes: Uint8Array): void {
  try {
    const { version, xid, name, message, more } = decodeMessage(bytes);
    formatMessage({ version, xid, name, message, more }, { verbosity: 3 });
    if (version >= 1 && version <= 6) {
      encodeMessages(message, { version: version as OpenFlowVersion, xid, name });
    }
  } catch (error) {
    assert.ok(error instanceof OpenFlowError, String(error instanceof Error ? error.stack : error));
  }
  formatPacketOrError(bytes);
}

/** Puts the length that the message has into its header, so that decoders see more than a wrong length. */
function withLength(bytes: Uint8Array): Uint8Array {
  const result = bytes.slice();
  if (result.length >= 8) {
    result[2] = result.length >> 8;
    result[3] = result.length & 0xff;
  }
  return result;
}

test('random bytes behind any header', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 7 }),
      fc.integer({ min: 0, max: 40 }),
      fc.uint8Array({ maxLength: 120 }),
      (version, type, body) => survive(withLength(Uint8Array.from([version, type, 0, 0, 0, 0, 0, 1, ...body]))),
    ),
    { numRuns: 2000, seed: 1 },
  );
});

test('messages cut short', () => {
  for (const message of MESSAGES) {
    for (let length = 0; length < Math.min(message.length, 80); length++) {
      survive(withLength(message.subarray(0, length)));
    }
  }
});

test('messages with damaged bytes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...MESSAGES),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
      (message, damage) => {
        const bytes = message.slice();
        for (const [at, value] of damage) {
          bytes[at % bytes.length] = value;
        }
        survive(withLength(bytes));
      },
    ),
    { numRuns: 3000, seed: 2 },
  );
});
