import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { composeFrame } from '../../../src/wire/index.ts';
import { runCaptured, withDirectory } from '../../support/cli.ts';

const FLOWS = 'examples/flows.txt';

test('traces a flow: tables, megaflow, actions', async () => {
  const { code, stdout } = await runCaptured(['trace', '--flows', FLOWS, 'in_port=1,tcp,tp_dst=80', '--ports', '1-3']);
  assert.equal(code, 0);
  assert.match(stdout, /^Flow: tcp,in_port=1,.*tp_dst=80/);
  assert.match(stdout, /^ 0\. priority 0\n {4}goto_table:1\n 1\. priority 0\n {4}NORMAL\n/m);
  assert.match(stdout, /^Datapath actions: 2,3$/m);
});

test('what the access list drops is dropped', async () => {
  const { stdout } = await runCaptured(['trace', '--flows', FLOWS, 'in_port=1,tcp,tp_dst=23', '--ports', '1,2']);
  assert.match(stdout, /^Datapath actions: drop$/m);
});

test('--explain says who asked for each field', async () => {
  const { stdout } = await runCaptured(['trace', '--flows', FLOWS, 'in_port=1,tcp,tp_dst=80', '--explain']);
  assert.match(stdout, /who asked\n/);
  assert.match(stdout, /^ {2}tcp_dst +64\/0xffc0 +table 0 +.*tp_dst=23/m);
  assert.match(stdout, /^ {2}eth_dst +.* table 1 +action NORMAL$/m);
});

test('--hex traces a frame on a port', async () => {
  const frame = composeFrame({
    ethernet: { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' },
    ipv4: { source: '10.0.0.1', destination: '10.0.0.2' },
    tcp: { sourcePort: 1000, destinationPort: 23 },
  });
  const hex = Buffer.from(frame).toString('hex').replace(/../g, '$& ');
  const { code, stdout } = await runCaptured(['trace', '--flows', FLOWS, '--hex', hex, '--port', '7']);
  assert.equal(code, 0);
  assert.match(stdout, /^Flow: tcp,in_port=7,.*nw_src=10\.0\.0\.1,.*tp_dst=23/);
  assert.match(stdout, /^Datapath actions: drop$/m);
});

test('--json is one document', async () => {
  const { stdout } = await runCaptured(['trace', '--flows', FLOWS, 'in_port=1,tcp,tp_dst=23', '--json']);
  const { actions, explanation, tree } = JSON.parse(stdout);
  assert.equal(actions, 'drop');
  assert.ok(explanation.some((entry: { field: string }) => entry.field === 'tcp_dst'));
  assert.equal(tree[0].type, 'bridge');
});

test('groups are there for the flows', async () => {
  await withDirectory(async (directory) => {
    const flows = join(directory, 'flows');
    const groups = join(directory, 'groups');
    writeFileSync(flows, 'actions=group:1\n');
    writeFileSync(groups, 'group_id=1,type=all,bucket=output:2,bucket=output:3\n');
    const args = ['trace', '--flows', flows, '--groups', groups, 'in_port=1', '--ports', '1-3'];
    const { stdout } = await runCaptured(args);
    assert.match(stdout, /^Datapath actions: 2,3$/m);
  });
});

const BAD_FLOW_ARGUMENTS: readonly (readonly [flow: string, message: RegExp])[] = [
  ['in_port=1,tcp,tp_dst=99999', /tp_dst.*\n {2}in_port=1,tcp,tp_dst=99999\n {16}\^/],
  ['in_port=1,colour=red,tcp', /colour.*\n {2}in_port=1,colour=red,tcp\n {12}\^/],
  ['in_port=1,ip,nw_src=10.0.0.300', /10\.0\.0\.300.*\n.*\n {15}\^/],
];
for (const [flow, message] of BAD_FLOW_ARGUMENTS) {
  test(`trace ${flow}: the message shows the place, exit code 1`, async () => {
    const { code, stdout, stderr } = await runCaptured(['trace', '--flows', FLOWS, flow]);
    assert.equal(code, 1);
    assert.match(stderr, message);
    assert.equal(stdout, '');
  });
}

const BAD_FILES: readonly (readonly [text: string, message: RegExp])[] = [
  [
    'actions=drop\n\n  tcp,tp_dst=hello actions=drop\n',
    /:3:7: hello: .*tp_dst.*\n {4}tcp,tp_dst=hello actions=drop\n {8}\^/,
  ],
  ['tcp,colour=red,actions=drop\n', /:1:\d+: .*colour/],
  ['tp_dst=80,actions=drop\n', /:1:\d*:? ?.*tp_dst/],
  ['ip,nw_dst=10.0.0.1/33,actions=drop\n', /:1:\d+: .*10\.0\.0\.1\/33/],
  ['ip,actions=set_field:80->tcp_dst\n', /:1:\d+: .*tcp_dst/],
  ['tcp,tp_dst=80\n', /:1: must specify an action/],
  ['# fine\nactions=group:7\n', /:2: .*group.*OFPBAC_BAD_OUT_GROUP.*\n {2}actions=group:7/],
];
for (const [text, message] of BAD_FILES) {
  test(`flows ${JSON.stringify(text)}: the message shows file, line and column, exit code 1`, async () => {
    await withDirectory(async (directory) => {
      const flows = join(directory, 'flows.txt');
      writeFileSync(flows, text);
      const { code, stdout, stderr } = await runCaptured(['trace', '--flows', flows, 'in_port=1']);
      assert.equal(code, 1, stderr);
      assert.ok(stderr.startsWith(`megaflow: ${flows}:`), stderr);
      assert.match(stderr, message);
      assert.equal(stdout, '');
    });
  });
}

test('a wrong groups file is told with its line', async () => {
  await withDirectory(async (directory) => {
    const groups = join(directory, 'groups.txt');
    writeFileSync(groups, 'group_id=1,type=all,bucket=output:2\ngroup_id=1,type=all,bucket=output:3\n');
    const args = ['trace', '--flows', FLOWS, '--groups', groups, 'in_port=1'];
    const { code, stderr } = await runCaptured(args);
    assert.equal(code, 1);
    assert.match(stderr, /groups\.txt:2: .*OFPGMFC_GROUP_EXISTS/);
  });
});
