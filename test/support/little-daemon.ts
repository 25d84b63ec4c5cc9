/**
 * A daemon made of the pieces of `vswitchd/` and nothing else, for system tests: the options of ovs-vswitchd, and commands that log
 * and end. What it does at start is what a program does.
 */
import { performance } from 'node:perf_hooks';
import { becomeDaemon, processPart } from '../../src/vswitchd/daemon.ts';
import { abortOnBugs, ExitActions } from '../../src/vswitchd/fatal-signal.ts';
import { OptionsError } from '../../src/vswitchd/getopt.ts';
import { logFilePath, parseOptions, unixctlPath, type VswitchdOptions } from '../../src/vswitchd/options.ts';
import { findRunDirectories } from '../../src/vswitchd/run-directories.ts';
import { Vlog } from '../../src/vswitchd/vlog.ts';
import { VLOG_MODULE_NAMES } from '../../src/vswitchd/vlog-modules.ts';
import { createVlogOutput, parseSyslogMethod } from '../../src/vswitchd/vlog-output.ts';

const PROGRAM = 'ovs-vswitchd';
const VERSION = 'ovs-vswitchd (Open vSwitch) 3.1.0\n';
const directories = findRunDirectories(process.env);

try {
  const scratch = createVlog('null');
  const line = parseOptions(process.argv.slice(2), {
    program: PROGRAM,
    version: VERSION,
    directories,
    environment: process.env,
    loggingProblem: (spec) => scratch.set(spec),
  });
  if (line.kind === 'print') {
    process.stdout.write(line.text);
  } else {
    await start(line.options);
  }
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`${PROGRAM}: ${error.message}\n`);
  process.exit(1);
}

function createVlog(syslogMethod: string): Vlog {
  return new Vlog(
    {
      program: PROGRAM,
      pid: process.pid,
      output: createVlogOutput(parseSyslogMethod(syslogMethod)!),
      wallMs: () => performance.timeOrigin + performance.now(),
      monotonicMs: () => performance.now(),
    },
    VLOG_MODULE_NAMES,
  );
}

async function start(options: VswitchdOptions): Promise<void> {
  const vlog = createVlog('null');
  const part = processPart(options);
  for (const option of options.logging) {
    if (option.kind === 'spec') vlog.set(option.spec);
    else if (part !== 'launcher') vlog.openFile(logFilePath(option.path, directories, PROGRAM), part === 'monitor');
  }
  const exitActions = new ExitActions(vlog);
  const ready = await becomeDaemon({ ...options, program: PROGRAM }, vlog, exitActions);
  abortOnBugs(vlog, exitActions);

  const pieces = await import('../../src/vswitchd/index.ts');
  const { eventLoopTimers, monotonicMilliseconds, wallMilliseconds } = await import('../../src/platform/index.ts');
  const clock = new pieces.DaemonClock({
    ...eventLoopTimers,
    monotonicMs: monotonicMilliseconds,
    wallMs: wallMilliseconds,
  });
  const coverage = new pieces.CoverageCounters();
  coverage.start(clock);
  const memory = new pieces.MemoryReports();
  memory.register((add) => add('rules', 3));
  const commands = new pieces.UnixctlCommands(VERSION);
  pieces.registerVlogCommands(commands, vlog);
  pieces.registerCoverageCommands(commands, coverage);
  pieces.registerMemoryCommands(commands, memory);
  pieces.registerTimeCommands(commands, clock);
  commands.register('exit', '[--cleanup]', 0, 1, () => {
    setImmediate(() => process.exit(0));
    return '';
  });
  commands.register('log', '[ARG]...', 0, Number.POSITIVE_INFINITY, (words) => {
    vlog.module('test').info(words.join(' '));
    return '';
  });
  commands.register('now', '', 0, 0, () => `${clock.nowMs}`);
  commands.register('wait', 'MSECS', 1, 1, ([delay]) => {
    return new Promise((resolve) => clock.after(Number(delay), () => resolve(`waited until ${clock.nowMs}`)));
  });
  commands.register('cwd', '', 0, 0, () => process.cwd());
  commands.register('throw-later', null, 0, 0, () => {
    setImmediate(() => {
      throw new OptionsError('thrown');
    });
    return '';
  });
  commands.register('throw', null, 0, 0, () => {
    throw new TypeError('thrown');
  });
  const path = unixctlPath(options.unixctl, directories, PROGRAM, process.pid);
  if (path !== null) {
    const server = await pieces.startUnixctlServer(path, commands, vlog, coverage);
    exitActions.add(server.close);
  }
  ready();
}
