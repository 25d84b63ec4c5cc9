/** Messages cut out of streams, hellos and the choice of a version, and long replies cut into segments. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeMessage,
  encodeHello,
  encodeMessage,
  encodeMessages,
  errorMessage,
  type FlowStats,
  MessageSplitter,
  matchInPort,
  negotiateVersion,
  OpenFlowError,
  readHeader,
  versionsUpTo,
} from '../../../../src/openflow/index.ts';
import { bytesOf, hexOf } from './bytes-of.ts';

const MESSAGES = ['0100000800000001', '0102000d00000002aabbccddee', '0105000800000003'].map(bytesOf);

test('messages come out of a stream however it is cut', () => {
  const stream = Uint8Array.from(MESSAGES.flatMap((message) => [...message]));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: stream.length })), (cuts) => {
      const splitter = new MessageSplitter();
      const ends = [...new Set([...cuts, stream.length])].sort((a, b) => a - b);
      let start = 0;
      const messages: string[] = [];
      for (const end of ends) {
        messages.push(...splitter.push(stream.subarray(start, end)).map(hexOf));
        start = end;
      }
      assert.deepEqual(messages, MESSAGES.map(hexOf));
      assert.equal(splitter.pendingBytes, 0);
    }),
  );
});

test('a message shorter than its header ends the stream', () => {
  const splitter = new MessageSplitter();
  assert.throws(
    () => splitter.push(bytesOf('0100000700000001')),
    (error) => error instanceof OpenFlowError && error.code === 'OFPBRC_BAD_LEN',
  );
});

test('half a message waits', () => {
  const splitter = new MessageSplitter();
  assert.deepEqual(splitter.push(bytesOf('0102ffff00000001aabb')), []);
  assert.equal(splitter.pendingBytes, 10);
});

test('hellos have a bitmap where the version does not say it all', () => {
  assert.equal(hexOf(encodeHello(0x3e, 1)), '0500000800000001');
  assert.equal(hexOf(encodeHello(0x12, 1)), '04000010000000010001000800000012');
  const { message } = decodeMessage(bytesOf('04000010000000010001000800000012'));
  assert.deepEqual(message, { type: 'hello', versions: 0x12, hasUnknown: false });
});

test('the highest common version is spoken', () => {
  assert.equal(negotiateVersion(versionsUpTo(6), versionsUpTo(4)), 4);
  assert.equal(negotiateVersion(0x12, 0x0e), 1);
  assert.equal(negotiateVersion(0x10, 0x0e), null);
});

test('an error is said by each version with its own numbers', () => {
  const data = bytesOf('0100000812345678');
  const write = (version: 1 | 3): string =>
    hexOf(encodeMessage(errorMessage('NXBRC_MUST_BE_ZERO', data, version), { version, xid: 0x12345678 }));
  assert.equal(write(1), '0101001c12345678b0c2000000002320000102030100000812345678');
  assert.equal(write(3), '0301001812345678ffff0004000023200100000812345678');
});

test('a long reply is cut between entries, with the flag on all messages but the last', () => {
  const flow: FlowStats = {
    table: 0,
    priority: 1,
    match: matchInPort(1),
    cookie: 0n,
    durationMs: 1500,
    idleTimeout: 0,
    hardTimeout: 0,
    importance: 0,
    idleAge: -1,
    hardAge: -1,
    flags: {
      sendFlowRemoved: false,
      checkOverlap: false,
      resetCounts: false,
      noPacketCounts: false,
      noByteCounts: false,
      hidden: false,
      noReadOnly: false,
    },
    packets: 5n,
    bytes: 6n,
    actions: [{ type: 'output', port: 2, maxLength: 0 }],
  };
  const flows = Array.from({ length: 2000 }, (_, index) => ({ ...flow, priority: index }));
  for (const version of [1, 4, 6] as const) {
    const segments = encodeMessages({ type: 'flow_stats_reply', flows }, { version, xid: 7 });
    assert.ok(segments.length > 1);
    const read = segments.flatMap((segment, index) => {
      assert.equal(readHeader(segment).length, segment.length);
      const { message, more, xid } = decodeMessage(segment);
      assert.equal(more, index < segments.length - 1);
      assert.equal(xid, 7);
      return message.type === 'flow_stats_reply' ? message.flows : [];
    });
    assert.deepEqual(
      read.map(({ priority }) => priority),
      flows.map(({ priority }) => priority),
    );
  }
});
