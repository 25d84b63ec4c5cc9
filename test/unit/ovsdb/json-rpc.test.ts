import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJson, stringifyJson, stringifySorted } from '../../../src/ovsdb/json.ts';
import {
  formatMessage,
  JsonRpcError,
  type JsonRpcMessage,
  JsonSplitter,
  parseMessage,
} from '../../../src/ovsdb/json-rpc.ts';

test('texts back to back come out whole, however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())), { maxLength: 6 }),
      fc.array(fc.nat(40)),
      (values, cuts) => {
        const texts = values.map((value) => JSON.stringify(value));
        const input = texts.join('\n ');
        const splitter = new JsonSplitter();
        const found: string[] = [];
        let at = 0;
        for (const cut of [...cuts, input.length]) {
          splitter.push(input.slice(at, at + cut), (text) => found.push(text));
          at += cut;
        }
        assert.deepEqual(found, texts);
      },
    ),
  );
});

test('what cannot begin a message, is nested too deep or too long is refused', () => {
  const code = (input: string, limit = 100): string => {
    try {
      new JsonSplitter(limit).push(input, () => {});
      return 'fine';
    } catch (error) {
      return (error as JsonRpcError).code;
    }
  };
  assert.equal(code('x'), 'json-rpc-syntax');
  assert.equal(code('{}]'), 'json-rpc-syntax');
  assert.equal(code('['.repeat(1001), 5000), 'json-rpc-syntax');
  assert.equal(code('['.repeat(1000), 5000), 'fine');
  assert.equal(code(`["${'a'.repeat(96)}"]`), 'fine');
  assert.equal(code(`["${'a'.repeat(97)}"]`), 'json-rpc-too-long');
  assert.equal(code(`["${'a'.repeat(99)}`), 'json-rpc-too-long');
});

test('integers of 64 bits keep their value, longer ones become reals', () => {
  assert.equal(stringifyJson(parseJson('[9223372036854775807]')), '[9223372036854775807]');
  assert.deepEqual(parseJson('{"a":-9223372036854775808}'), { a: -(2n ** 63n) });
  assert.deepEqual(parseJson('[9223372036854775808, 1.0, 1e3, "9999999999999999999"]'), [
    2 ** 63,
    1,
    1000,
    '9999999999999999999',
  ]);
  assert.throws(() => parseJson('[12345678901234567,]'), SyntaxError);
  assert.throws(() => parseJson('[01234567890123456]'), SyntaxError);
  assert.throws(() => parseJson('"\\u0000"'), SyntaxError);
});

test('texts with long numbers parse as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify([value, '1234567890123456789']);
      assert.deepEqual(JSON.parse(stringifyJson(parseJson(text))), JSON.parse(text));
    }),
  );
});

test('members are sorted where errors show JSON', () => {
  assert.equal(
    stringifySorted({ b: [{ d: 1, c: null }], a: 12345678901234567890n }),
    '{"a":12345678901234567890,"b":[{"c":null,"d":1}]}',
  );
});

test('messages of all kinds go there and back', () => {
  const messages: JsonRpcMessage[] = [
    { kind: 'request', method: 'echo', params: [1, 'a'], id: 'x' },
    { kind: 'notification', method: 'update', params: [] },
    { kind: 'reply', id: 7, result: { a: [] } },
    { kind: 'error', id: [1], error: 'unknown method' },
  ];
  for (const message of messages) assert.deepEqual(parseMessage(formatMessage(message)), message);
});

for (const [text, reason] of [
  ['[]', /not a JSON object/],
  ['{"method":"echo","id":1}', /"params" must be JSON array/],
  ['{"method":1,"params":[],"id":1}', /"method" is not JSON string/],
  ['{"method":"echo","params":[],"id":1,"result":1}', /must not have "result"/],
  ['{"result":1,"error":null,"id":null}', /must have "id"/],
  ['{"result":1,"error":2,"id":1}', /must not have "result"/],
  ['{"result":1,"params":[],"id":1}', /must not have "params"/],
  ['{"foo":1}', /unexpected member "foo"/],
  ['{"a":01}', /JSON|number/],
] as const) {
  test(`no message: ${text}`, () => {
    assert.throws(
      () => parseMessage(text),
      (error: JsonRpcError) => error instanceof JsonRpcError && reason.test(error.message),
    );
  });
}
