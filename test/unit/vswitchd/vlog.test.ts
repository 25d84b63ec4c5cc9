import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RateLimit, Vlog } from '../../../src/vswitchd/vlog.ts';
import { VLOG_MODULE_NAMES } from '../../../src/vswitchd/vlog-modules.ts';
import { formatDate, formatPattern } from '../../../src/vswitchd/vlog-pattern.ts';

const WALL_MS = Date.UTC(2026, 10, 3, 4, 5, 6, 78);

function createVlog() {
  const files = new Map<string, string[]>();
  const world = { console: [] as string[], syslog: [] as string[], files, nowMs: 0 };
  const vlog = new Vlog(
    {
      program: 'ovs-vswitchd',
      pid: 42,
      wallMs: () => WALL_MS,
      monotonicMs: () => world.nowMs,
      output: {
        writeConsole: (line) => world.console.push(line),
        sendSyslog: (line, priority) => world.syslog.push(`${priority} ${line}`),
        syslogPrefix: '%A: ',
        hostname: () => 'host',
        openFile(path) {
          if (path.startsWith('/nonexistent')) throw new Error('No such file or directory');
          const lines = files.get(path) ?? [];
          files.set(path, lines);
          return { write: (line) => lines.push(line), isAt: (at) => files.get(at) === lines, close: () => {} };
        },
      },
    },
    VLOG_MODULE_NAMES,
  );
  return { vlog, world };
}

describe('Vlog', () => {
  it('writes to each destination in its format', () => {
    const { vlog, world } = createVlog();
    vlog.openFile('/log');
    vlog.module('bridge').warn('first\nsecond');
    assert.deepEqual(world.console, [
      '2026-11-03T04:05:06Z|00001|vlog|INFO|opened log file /log\n',
      '2026-11-03T04:05:06Z|00002|bridge|WARN|first\nsecond\n',
    ]);
    assert.equal(world.files.get('/log')![1], '2026-11-03T04:05:06.078Z|00002|bridge|WARN|first\nsecond\n');
    assert.deepEqual(world.syslog.slice(1), [
      '28 ovs-vswitchd: ovs|00002|bridge|WARN|first',
      '28 ovs-vswitchd: second',
    ]);
  });

  it('makes no text that nobody wants', () => {
    const { vlog, world } = createVlog();
    vlog.module('bridge').dbg(() => assert.fail('not wanted'));
    vlog.turnConsoleOff();
    vlog.set('syslog:off');
    vlog.module('bridge').err(() => assert.fail('not wanted'));
    assert.deepEqual(world.console, []);
  });

  it('takes the specs that Open vSwitch takes, and refuses what it refuses', () => {
    const { vlog } = createVlog();
    const cases: [string, string | null][] = [
      ['', null],
      ['ANY:ANY:ANY', null],
      ['VCONN:FILE:Err', null],
      ['vconn,file dbg', null],
      [':vconn', null],
      ['foo', 'no destination, level, or module "foo"'],
      ['vconn:foo', 'no destination, level, or module "foo"'],
      ['ofproto-dpif:dbg', 'no destination, level, or module "ofproto-dpif"'],
      ['file file', 'cannot specify multiple destinations'],
      ['vconn rconn', 'cannot specify multiple modules'],
      ['dbg info', 'cannot specify multiple levels'],
      ['PATTERN', 'missing destination'],
      ['pattern:nonexistent', 'unknown destination "nonexistent"'],
      ['PATTERN:foo:x', 'unknown destination "foo"'],
      ['PATTERN:file', null],
      ['PATTERN file x', null],
      ['FACILITY', 'invalid facility'],
      ['FACILITY:', 'invalid facility'],
      ['FACILITY:authpriv', 'invalid facility'],
      ['FACILITY:LOCAL7', null],
    ];
    for (const [spec, problem] of cases) assert.equal(vlog.set(spec), problem, spec);
  });

  it('shows levels as vlog/list does', () => {
    const { vlog } = createVlog();
    vlog.turnConsoleOff();
    vlog.set('daemon:syslog:err');
    vlog.set('file:dbg');
    const lines = vlog.formatLevels().split('\n');
    assert.deepEqual(lines.slice(0, 3), [
      '                 console    syslog    file',
      '                 -------    ------    ------',
      'backtrace          OFF       INFO        DBG',
    ]);
    assert.ok(lines.includes('daemon             OFF        ERR        DBG'));
    assert.ok(lines.includes('dpif_lookup_autovalidator   OFF       INFO        DBG'));
  });

  it('shows patterns as vlog/list-pattern does', () => {
    const { vlog } = createVlog();
    vlog.set('PATTERN:console:%m');
    assert.equal(
      vlog.formatPatterns(),
      '         prefix                            format\n' +
        '         ------                            ------\n' +
        'SYSLOG   <%B> %D{%h %e %T} %E %A:          ovs|%05N|%c%T|%p|%m\n' +
        'CONSOLE  none                              %m\n' +
        'FILE     none                              %D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m\n',
    );
  });

  it('has the facility in the priority: local0 in files, daemon for syslog, or what was set', () => {
    const { vlog, world } = createVlog();
    vlog.set('PATTERN:file:<%B>');
    vlog.openFile('/log');
    vlog.set('FACILITY:local7');
    vlog.set('ANY:file:DBG');
    vlog.module('bridge').dbg('x');
    assert.deepEqual(world.files.get('/log'), ['<133>\n', '<191>\n']);
    assert.match(world.syslog[0]!, /^29 /);
  });

  it('reopens, closes and misses its file', () => {
    const { vlog, world } = createVlog();
    assert.equal(vlog.reopenFile(), false);
    assert.equal(vlog.openFile('/nonexistent/x'), false);
    assert.match(
      world.console[0]!,
      /\|vlog\|WARN\|failed to open \/nonexistent\/x for logging: No such file or directory\n$/,
    );
    vlog.openFile('/log');
    const old = world.files.get('/log')!;
    assert.equal(vlog.reopenFile(), true);
    assert.equal(old.length, 1, 'the same file: nothing to say');
    world.files.delete('/log');
    vlog.reopenFile();
    vlog.closeFile();
    vlog.module('bridge').err('lost');
    const texts = (lines: string[]): string[] => lines.map((line) => line.replace(/.*\|/, ''));
    assert.deepEqual(texts(old), ['opened log file /log\n', 'closing log file\n']);
    assert.deepEqual(texts(world.files.get('/log')!), ['opened log file /log\n']);
  });

  it('limits rates and tells what it dropped', () => {
    const { vlog, world } = createVlog();
    const limit = new RateLimit(60, 2);
    const module = vlog.module('bridge');
    const say = (atMs: number): void => {
      world.nowMs = atMs;
      module.logLimited(limit, 'warn', 'often');
    };
    for (let i = 0; i < 5; i++) say(10_000);
    say(10_500);
    say(13_600);
    assert.deepEqual(
      world.console.map((line) => line.replace(/.*WARN\|/, '')),
      [
        'often\n',
        'often\n',
        'Dropped 4 log messages in last 3 seconds (most recently, 3 seconds ago) due to excessive rate\n',
        'often\n',
      ],
    );
    assert.equal(vlog.setRateLimits(['bridge', 'foo'], false), false);
    assert.equal(vlog.setRateLimits(['bridge'], false), true);
    for (let i = 0; i < 5; i++) say(13_600);
    assert.equal(world.console.length, 9);
    assert.equal(vlog.setRateLimits(['any'], true), true);
    say(13_600);
    say(13_600);
    assert.equal(world.console.length, 10);
  });
});

describe('formatPattern', () => {
  const values = {
    program: 'prog',
    hostname: () => 'host',
    pid: 7,
    subprogram: 'monitor',
    module: 'bridge',
    levelName: 'WARN',
    syslogPriority: 28,
    serial: 12,
    wallMs: WALL_MS,
    sinceStartMs: 1234.5,
    message: '100% $& done',
  };
  it('knows every escape and field width', () => {
    const cases: [string, string][] = [
      ['%A %B %c %E %m', 'prog 28 bridge host 100% $& done'],
      ['%N|%5N|%05N|%-5N|', '12|   12|00012|12   |'],
      ['%p%n%P %r', 'WARN\n7 1234'],
      ['%t%T%%%z', 'monitor(monitor)%z'],
      ['%D', '2026-11-03 04:05:06.078'],
      ['%D{%H#%%####}%-3p|', '040%0780WARN|'],
      ['%', '%'],
    ];
    for (const [pattern, text] of cases) assert.equal(formatPattern(pattern, values), text, pattern);
    assert.equal(formatPattern('%t%T', { ...values, subprogram: '' }), 'main');
  });
  it('formats dates as strftime', () => {
    assert.equal(
      formatDate('%a %A %b %h %B %d %e %j %I %p %M %S %y %F %T %R %s %z%%', WALL_MS, true),
      'Tue Tuesday Nov Nov November 03  3 307 04 AM 05 06 26 2026-11-03 04:05:06 04:05 1793678706 +0000%',
    );
  });
});
