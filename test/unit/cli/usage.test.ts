import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { runCaptured } from '../../support/cli.ts';

const FLOWS = ['--flows', 'examples/flows.txt'];

test('--version prints the version and nothing else', async () => {
  const { code, stdout, stderr } = await runCaptured(['--version']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test('--help lists every command with its summary', async () => {
  const { code, stdout } = await runCaptured(['--help']);
  assert.equal(code, 0);
  for (const { name, summary } of COMMANDS) {
    assert.match(stdout, new RegExp(`^ {2}${name} `, 'm'));
    assert.ok(stdout.replace(/\s+/g, ' ').includes(summary), summary);
  }
});

for (const { name, options, examples } of COMMANDS) {
  test(`${name} --help shows all options and examples, in 100 columns`, async () => {
    const { code, stdout } = await runCaptured([name, '--help']);
    assert.equal(code, 0);
    for (const { flags } of options) assert.ok(stdout.includes(flags), flags);
    for (const { command, effect } of examples) assert.ok(stdout.includes(command) && stdout.includes(effect), command);
    assert.ok(stdout.split('\n').every((line) => line.length <= 100 || examples.some((e) => line.includes(e.command))));
  });

  test(`the examples of ${name} are calls of megaflow ${name}`, () => {
    for (const { command } of examples) assert.ok(command.includes(`megaflow ${name}`), command);
  });
}

const WRONG_USAGE: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
  [['fly'], /unknown command 'fly'/],
  [['replay', 'x.pcap'], /required option '--flows <file>' not specified/],
  [['replay', ...FLOWS], /missing required argument 'capture'/],
  [['replay', 'x.pcap', ...FLOWS, '--lookup', 'luck'], /Allowed choices are tree, masks/],
  [['replay', 'x.pcap', ...FLOWS, '--mask-cache', '100'], /wrong --mask-cache "100": expected 0 or a power of two/],
  [['replay', 'x.pcap', ...FLOWS, '--ports', '1=eth0,x=eth1'], /wrong --ports "x=eth1".*\n {2}1=eth0,x=eth1\n {9}\^/],
  [['replay', 'x.pcap', ...FLOWS, '--ports', '0'], /a port number is 1\.\.65279/],
  [['replay', 'x.pcap', ...FLOWS, '--ports', '1='], /nothing stands behind the "="/],
  [['replay', 'x.pcap', ...FLOWS, '--ports', '1=mac:02:00'], /02:00: invalid Ethernet address/],
  [['replay', '-', '--flows', '-'], /standard input can be only one/],
  [['replay', '-', ...FLOWS, '--ports', 'by-source'], /give a file instead of "-"/],
  [['trace', ...FLOWS], /no packet: give FLOW/],
  [['trace', ...FLOWS, 'arp', '--hex', '00'], /either FLOW or --hex/],
  [['trace', ...FLOWS, '--hex', '00'], /--hex needs --port/],
  [['trace', ...FLOWS, '--hex', '00', '--port', '70000'], /wrong --port "70000": expected 1\.\.65279/],
  [['trace', ...FLOWS, '--hex', '0011zz', '--port', '1'], /"z" is no hexadecimal digit\n {2}0011zz\n {6}\^/],
  [['trace', ...FLOWS, '--hex', '001', '--port', '1'], /3 digits, expected two for each byte/],
  [['trace', ...FLOWS, 'arp', '--port', '1'], /--port goes with --hex/],
  [['trace', ...FLOWS, 'arp', '--ports', '3-1'], /wrong --ports "3-1"/],
  [['lab', '--in-process', '--namespaces'], /exclude each other/],
  [['lab', '--forever'], /unknown option '--forever'/],
];

for (const [argv, message] of WRONG_USAGE) {
  test(`megaflow ${argv.join(' ')}: exit code 2`, async () => {
    const { code, stdout, stderr } = await runCaptured(argv);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
    assert.match(stderr, /^megaflow: /);
    assert.equal(stdout, '');
  });
}
