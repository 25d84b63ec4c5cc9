import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CliRun, runCaptured } from '../../support/cli.ts';

test('lab --once --in-process: traffic goes as the flows say, exit code 0', async () => {
  const { code, stdout, stderr } = await runCaptured(['lab', '--once', '--in-process']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout.match(/^ {2}ok /gm)?.length, 8);
  assert.ok(!stdout.includes('WRONG'));
  assert.match(stdout, /h3 pings h2 +is dropped +0 of 2 answered/);
});

test('the report has all sections, in 100 columns', async () => {
  const { stdout } = await runCaptured(['lab', '--once', '--in-process']);
  const titles = ['Traffic', 'OpenFlow tables', 'Megaflows', 'Masks', 'Cache', 'One packet', 'Why the megaflow'];
  const places = titles.map((title) => stdout.search(new RegExp(`^${title}\\b`, 'm')));
  assert.ok(
    places.every((place, index) => place > (places[index - 1] ?? -1)),
    String(places),
  );
  for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  // the access list's drops, counted by OpenFlow and cached as a drop
  assert.match(
    stdout,
    /n_packets=2, .*priority=200,icmp,\n? *nw_src=10\.0\.0\.3,nw_dst=10\.0\.0\.2,icmp_type=8 actions=drop/,
  );
  assert.match(stdout, /icmp\(type=8\),[^(]*actions:drop/);
  assert.match(stdout, /^ {2}udp_dst +\S+ +table 0 /m);
  assert.match(stdout, /^ {2}eth_dst +02:00:00:00:00:02 +table 10 /m);
});

test('two runs print the same', async () => {
  const first = await runCaptured(['lab', '--once', '--in-process']);
  assert.deepEqual(await runCaptured(['lab', '--once', '--in-process']), first);
});

test('--json has the same as one document', async () => {
  const { code, stdout } = await runCaptured(['lab', '--once', '--in-process', '--json']);
  assert.equal(code, 0);
  const { traffic, flows, megaflows, masks, cache, trace } = JSON.parse(stdout);
  assert.ok(traffic.every(({ isAsExpected }: { isAsExpected: boolean }) => isAsExpected));
  assert.equal(flows.length, 9);
  assert.equal(megaflows.length, cache.megaflows);
  assert.equal(masks.length, cache.masks);
  assert.equal(cache.hits + cache.misses, cache.lookups);
  assert.match(trace.text, /^Flow: udp/);
});

test('without --once the lab goes on until it is told to end, then exits with the report’s code', async () => {
  const controller = new AbortController();
  const run: CliRun = await runCaptured(['lab', '--in-process'], {
    interrupted: controller.signal,
    onPrint(text) {
      if (text.includes('until Ctrl-C')) controller.abort('SIGINT');
    },
  });
  assert.equal(run.code, 0);
  assert.match(run.stdout, /Why the megaflow/);
});
