/** The program in README.md runs and prints what its comments say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as megaflow from '../../src/index.ts';
import * as wire from '../../src/wire/index.ts';

test('the example of README.md', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const program = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const body = program.replace(/^import .*$/gm, '');
  const printed: string[] = [];
  const run = new Function('Switch', 'composeFrame', 'console', body);
  run(megaflow.Switch, wire.composeFrame, { log: (value: unknown) => printed.push(String(value)) });

  const [received, megaflowText, trace, left] = printed;
  assert.equal(printed.length, 4);
  assert.equal(received, '1');
  assert.match(
    megaflowText!,
    /^recirc_id\(0\),in_port\(1\),.*ipv4\(proto=6,ttl=64,frag=no\),tcp\(dst=5432\), .*actions:set\(ipv4\(ttl=63\)\),2$/,
  );
  assert.match(trace!, /^Flow: tcp,[\s\S]*Datapath actions: drop\n$/);
  assert.equal(left, '0');
});
