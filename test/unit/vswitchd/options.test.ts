import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOptions, unixctlPath, type VswitchdOptions } from '../../../src/vswitchd/options.ts';
import { findRunDirectories } from '../../../src/vswitchd/run-directories.ts';

const context = {
  program: 'ovs-vswitchd',
  version: 'ovs-vswitchd (Open vSwitch) 3.1.0\n',
  directories: findRunDirectories({ OVS_RUNDIR: '/run/x' }),
  environment: {},
  loggingProblem: (spec: string) => (spec === 'bad' ? 'no destination, level, or module "bad"' : null),
};

function parse(...args: string[]): VswitchdOptions {
  const line = parseOptions(args, context);
  assert.equal(line.kind, 'run');
  return (line as { options: VswitchdOptions }).options;
}

describe('parseOptions', () => {
  it('has the defaults of ovs-vswitchd(8)', () => {
    const options = parse();
    assert.equal(options.database, 'unix:/run/x/db.sock');
    assert.equal(options.pidfile, null);
    assert.equal(options.dummy, null);
    assert.ok(options.changeDirectory && options.selfConfinement && options.systemDatapath && options.systemRoutes);
    assert.ok(!options.detach && !options.monitor && !options.overwritePidfile && !options.lockMemory);
    assert.equal(unixctlPath(options.unixctl, context.directories, 'ovs-vswitchd', 7), '/run/x/ovs-vswitchd.7.ctl');
    assert.equal(unixctlPath('none', context.directories, 'ovs-vswitchd', 7), null);
    assert.equal(unixctlPath('a', context.directories, 'ovs-vswitchd', 7), '/run/x/a');
  });

  it("takes what Open vSwitch's tests pass", () => {
    const options = parse(
      ...['--enable-dummy=override', '--disable-system', '--disable-system-route', '--detach', '--no-chdir'],
      ...[
        '--pidfile',
        '--log-file',
        '-vvconn',
        '-vofproto_dpif',
        '-vunixctl',
        'tcp:1.2.3.4:5',
        '--dummy-numa',
        '0,0,1',
      ],
    );
    assert.equal(options.dummy, 'override');
    assert.ok(!options.systemDatapath && !options.systemRoutes && options.detach && !options.changeDirectory);
    assert.equal(options.pidfile, '/run/x/ovs-vswitchd.pid');
    assert.deepEqual(options.logging, [
      { kind: 'file', path: null },
      { kind: 'spec', spec: 'vconn' },
      { kind: 'spec', spec: 'ofproto_dpif' },
      { kind: 'spec', spec: 'unixctl' },
    ]);
    assert.equal(options.database, 'tcp:1.2.3.4:5');
    assert.deepEqual(options.dummyNuma, [0, 0, 1]);
  });

  it('takes abbreviations, short options and arguments in each place', () => {
    assert.equal(parse('--pid=x').pidfile, '/run/x/x');
    assert.equal(parse('--ov', '--pidf', 'db').overwritePidfile, true);
    assert.equal(parse('--disable-system').systemRoutes, true);
    assert.equal(parse('-pkey', '-c', 'cert', '-C', 'ca').ssl.privateKey, 'key');
    assert.deepEqual(parse('--bootstrap-ca-cert=x').ssl.caCertificate, 'x');
    assert.equal(parse('--', '--detach').database, '--detach');
    assert.deepEqual(parse('-v').logging, [{ kind: 'spec', spec: '' }]);
  });

  it('refuses in the words of the real one', () => {
    const all =
      "'--help' '--version' '--mlockall' '--unixctl' '--detach' '--no-self-confinement' '--no-chdir' '--pidfile' " +
      "'--overwrite-pidfile' '--monitor' '--user' '--verbose' '--log-file' '--syslog-method' '--syslog-target' " +
      "'--private-key' '--certificate' '--ca-cert' '--ssl-protocols' '--ssl-ciphers' '--peer-ca-cert' " +
      "'--bootstrap-ca-cert' '--enable-dummy' '--disable-system' '--disable-system-route' '--dpdk' '--dummy-numa'";
    const cases: [string[], string][] = [
      [['--foo'], "unrecognized option '--foo'"],
      [['--v'], "option '--v' is ambiguous; possibilities: '--version' '--verbose'"],
      [['--no'], "option '--no' is ambiguous; possibilities: '--no-self-confinement' '--no-chdir'"],
      [['--=x'], `option '--=x' is ambiguous; possibilities: ${all}`],
      [['--unix'], "option '--unixctl' requires an argument"],
      [['--de=3'], "option '--detach' doesn't allow an argument"],
      [['-x'], "invalid option -- 'x'"],
      [['-p'], "option requires an argument -- 'p'"],
      [['a', 'b'], 'at most one non-option argument accepted; use --help for usage'],
      [['--dpdk'], 'Using --dpdk to configure DPDK is not supported.'],
      [['--enable-dummy=x', '--foo'], 'x: unknown dummy level'],
      [['--syslog-method=foo'], "unsupported syslog method 'foo'"],
      [['-vbad', '--foo'], 'processing "bad": no destination, level, or module "bad"'],
    ];
    for (const [args, message] of cases) assert.throws(() => parseOptions(args, context), { message, code: 'options' });
    assert.throws(() => parseOptions(['--user=ovs'], context), /--user=ovs: running as another user is not supported/);
  });

  it('prints help and version, whatever comes after', () => {
    assert.deepEqual(parseOptions(['-V', '-h'], context), { kind: 'print', text: context.version });
    const help = parseOptions(['--help'], context);
    assert.ok(help.kind === 'print' && help.text.includes('(default: "unix:/run/x/db.sock")'));
  });
});

describe('findRunDirectories', () => {
  it('follows the environment', () => {
    assert.equal(findRunDirectories({}).database, '/etc/openvswitch');
    assert.equal(findRunDirectories({ OVS_SYSCONFDIR: '/a' }).database, '/a/openvswitch');
    assert.equal(findRunDirectories({ OVS_DBDIR: '/b', OVS_SYSCONFDIR: '/a' }).database, '/b');
  });
});
