/**
 * How a program becomes a daemon: `--detach`, `--monitor`, `--pidfile` (ovs-vswitchd(8), Daemon Options).
 *
 * A process of Node cannot fork, so the program starts itself again, with the same arguments and, in its environment, the part that
 * the new process plays:
 *
 *     what was started   --detach            --monitor           --detach --monitor
 *     original           waits, ends         monitors            waits, ends
 *     `monitor`                                                  monitors
 *     `daemon`           runs                runs                runs
 *
 * (Without these options the original runs.) A process that was started tells the one that waits for it that it is ready by a byte
 * through a pipe; if the pipe closes before, the one that waits ends as the other did. Whoever is to run returns from
 * `becomeDaemon`; the others never do. So a program calls it early, before it loads what only the daemon needs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, writeSync } from 'node:fs';
import { type ExitActions, SIGNAL_TEXTS } from './fatal-signal.ts';
import { checkPidfile, createPidfile } from './pidfile.ts';
import type { Vlog } from './vlog.ts';

const ROLE_VARIABLE = 'MEGAFLOW_DAEMON_ROLE';
/** the pipe in a process that was started */
const READY_FD = 3;
/** a daemon that crashes at once is not started more often than this */
const RESTART_INTERVAL_MS = 10_000;
const NEVER = new Promise<never>(() => {});

/** Signals that indicate a programming error: the monitor starts a new daemon. */
const CRASH_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set([
  ...(['SIGABRT', 'SIGALRM', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGPIPE', 'SIGSEGV', 'SIGXCPU', 'SIGXFSZ'] as const),
]);

export type ProcessPart = 'launcher' | 'monitor' | 'daemon';

export interface DaemonSettings {
  readonly program: string;
  readonly detach: boolean;
  readonly monitor: boolean;
  readonly changeDirectory: boolean;
  readonly pidfile: string | null;
  readonly overwritePidfile: boolean;
}

/**
 * Which part this process plays: it starts the others and waits for them, watches the daemon, or is the daemon. Known before anything
 * else, so that only one process says what is to be said once.
 */
export function processPart(settings: Pick<DaemonSettings, 'detach' | 'monitor'>): ProcessPart {
  const role = process.env[ROLE_VARIABLE];
  if (role === 'monitor' || role === 'daemon') return role;
  if (settings.detach) return 'launcher';
  return settings.monitor ? 'monitor' : 'daemon';
}

/**
 * Returns in the process that is to run the daemon, with the pidfile made. The result is to be called when the daemon is ready to
 * serve: it lets the others go on and, with `detach`, leaves the terminal. Throws `OptionsError`.
 */
export async function becomeDaemon(
  settings: DaemonSettings,
  vlog: Vlog,
  exitActions: ExitActions,
): Promise<() => void> {
  const part = processPart(settings);
  const isStarted = process.env[ROLE_VARIABLE] !== undefined;
  delete process.env[ROLE_VARIABLE];
  if (!isStarted && settings.pidfile !== null && !settings.overwritePidfile) await checkPidfile(settings.pidfile);
  if (part === 'launcher') return startInBackground(settings, vlog);
  const { closeStandardStreams } = await import('../platform/index.ts');
  const leaveTerminal = (): void => {
    vlog.turnConsoleOff();
    if (settings.changeDirectory) process.chdir('/');
    closeStandardStreams();
  };
  if (part === 'monitor') {
    vlog.subprogram = 'monitor';
    return monitorDaemon(settings, vlog, () => {
      if (settings.detach) leaveTerminal();
      if (isStarted) tellReady();
    });
  }
  process.title = settings.program;
  if (settings.pidfile !== null) {
    await createPidfile(settings.pidfile);
    exitActions.addFile(settings.pidfile);
  }
  return () => {
    if (settings.detach) leaveTerminal();
    if (isStarted) tellReady();
  };
}

async function startInBackground(settings: DaemonSettings, vlog: Vlog): Promise<never> {
  const child = startAgain(settings.monitor ? 'monitor' : 'daemon', true);
  if (await isReady(child)) process.exit(0);
  await endAs(child, settings, vlog);
  return NEVER;
}

async function monitorDaemon(settings: DaemonSettings, vlog: Vlog, onReady: () => void): Promise<never> {
  const log = vlog.module('daemon_unix');
  let status = 'healthy';
  let crashes = 0;
  for (;;) {
    const startedAtMs = performance.now();
    const child = startAgain('daemon', false);
    process.title = `${settings.program}: monitoring pid ${child.pid} (${status})`;
    if (!(await isReady(child))) await endAs(child, settings, vlog);
    if (crashes === 0) onReady();
    const { code, signal } = await ended(child);
    const death = describeEnd(code, signal);
    if (signal === null || !CRASH_SIGNALS.has(signal)) {
      log.info(`pid ${child.pid} died, ${death}, exiting`);
      process.exit(0);
    }
    crashes++;
    status = `${crashes} crashes: pid ${child.pid} died, ${death}`;
    const waitMs = startedAtMs + RESTART_INTERVAL_MS - performance.now();
    // The first crash is forgiven.
    if (crashes > 1 && waitMs > 0) {
      log.warn(`${status}, waiting until 10 seconds since last restart`);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    log.err(`${status}, restarting`);
  }
}

/** The same program with the same arguments. In the background it has a session of its own. */
function startAgain(role: 'monitor' | 'daemon', isInBackground: boolean): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: isInBackground,
    env: { ...process.env, [ROLE_VARIABLE]: role },
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
}

/** Whether the process that was started got ready; false when it ended before. */
function isReady(child: ChildProcess): Promise<boolean> {
  const pipe = child.stdio[READY_FD] as NodeJS.ReadableStream & { destroy: () => void };
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    pipe.on('error', () => resolve(false));
    pipe.once('data', () => {
      pipe.destroy();
      resolve(true);
    });
    pipe.once('end', () => resolve(false));
  });
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const { exitCode: code, signalCode: signal } = child;
  if (code !== null || signal !== null || child.pid === undefined) return Promise.resolve({ code, signal });
  return new Promise((resolve) =>
    child.once('exit', (exitCode, signalCode) => resolve({ code: exitCode, signal: signalCode })),
  );
}

/** Ends this process as the one ended that should have got ready. That one has said why, unless it was killed. */
async function endAs(child: ChildProcess, settings: DaemonSettings, vlog: Vlog): Promise<void> {
  const { code, signal } = await ended(child);
  if (code !== null && code !== 0) process.exit(code);
  vlog.module('daemon_unix').err(`fork child died before signaling startup (${describeEnd(code, signal)})`);
  writeSync(2, `${settings.program}: could not detach from foreground session\n`);
  process.exit(1);
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `killed (${SIGNAL_TEXTS[signal] ?? signal})`;
  return `exit status ${code ?? 'unknown'}`;
}

function tellReady(): void {
  try {
    writeSync(READY_FD, '\0');
    closeSync(READY_FD);
  } catch {
    // Nobody waits any more.
  }
}
