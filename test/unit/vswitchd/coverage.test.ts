import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CoverageCounters, registerCoverageCommands } from '../../../src/vswitchd/coverage.ts';
import { MemoryReports } from '../../../src/vswitchd/memory-report.ts';
import { UnixctlCommands } from '../../../src/vswitchd/unixctl.ts';

describe('CoverageCounters', () => {
  it('shows totals and rates', () => {
    const coverage = new CoverageCounters();
    let next = (): void => {};
    coverage.start({
      after(_delayMs, callback) {
        next = callback;
        return () => {};
      },
    });
    coverage.counter('never');
    for (let period = 0; period < 12; period++) {
      coverage.counter('util_xalloc').add(10);
      next();
    }
    assert.match(
      coverage.format(),
      /^Event coverage, avg rate over last: 5 seconds, last minute, last hour, {2}hash=[0-9a-f]{8}:\nutil_xalloc {16}2\.0\/sec {5}2\.000\/sec {8}0\.0333\/sec {3}total: 120\n1 events never hit\n$/,
    );
    for (let period = 0; period < 12; period++) next();
    assert.match(coverage.format(), /util_xalloc {16}0\.0\/sec {5}0\.000\/sec {8}0\.0333\/sec {3}total: 120\n/);
  });

  it('answers its commands', async () => {
    const coverage = new CoverageCounters();
    const commands = new UnixctlCommands('v');
    registerCoverageCommands(commands, coverage);
    coverage.counter('a').add(2);
    assert.equal(await commands.run('coverage/read-counter', ['a']), '2\n');
    await assert.rejects(commands.run('coverage/read-counter', ['b']), { message: 'No such counter' });
  });
});

describe('MemoryReports', () => {
  it('adds up and sorts', () => {
    const reports = new MemoryReports();
    reports.register((add) => add('rules', 3));
    reports.register((add) => {
      add('rules', 2);
      add('cells', 1);
      add('none', 0);
    });
    assert.equal(reports.format(), 'cells:1 rules:5');
  });
});
