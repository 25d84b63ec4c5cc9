/**
 * The daemon `ovs-vswitchd`: what makes a process of a switch.
 *
 * What is here are the pieces of the process, each complete by itself: the command line (`options.ts`), becoming a daemon
 * (`daemon.ts`, `pidfile.ts`, `fatal-signal.ts`), time that tests can stop (`clock.ts`), logging (`vlog*.ts`), counters
 * (`coverage.ts`, `memory-report.ts`) and the control socket (`unixctl*.ts`).
 *
 * How they go together. A program parses its options, makes its `Vlog`, calls `becomeDaemon`, and only then loads the rest of itself;
 * there the clock, the counters and the table of commands are made, every part registers what it has, the control socket opens, and
 * when the configuration is in place the function that `becomeDaemon` gave is called. A process that only waits for the daemon should
 * load as little as possible: it imports those few files rather than this one.
 *
 * Threads: none. Everything runs from the event loop; clock and outputs are passed in.
 */
export { type ClockHost, DaemonClock, registerTimeCommands } from './clock.ts';
export { type CoverageClock, type CoverageCounter, CoverageCounters, registerCoverageCommands } from './coverage.ts';
export { becomeDaemon, type DaemonSettings, type ProcessPart, processPart } from './daemon.ts';
export { abortOnBugs, ExitActions } from './fatal-signal.ts';
export { OptionsError } from './getopt.ts';
export { type MemoryReporter, MemoryReports, registerMemoryCommands } from './memory-report.ts';
export type { OpenFlowBridge, OpenFlowDescription, OpenFlowPortDetails } from './openflow-bridge.ts';
export {
  OpenFlowConnection,
  type OpenFlowConnectionKind,
  type OpenFlowSettings,
  type OpenFlowStream,
} from './openflow-connection.ts';
export { listenOpenFlow, type OpenFlowListenerOptions } from './openflow-listener.ts';
export { OpenFlowService, type OpenFlowServiceOptions } from './openflow-service.ts';
export { SwitchBridge, type SwitchBridgeOptions } from './openflow-switch.ts';
export {
  type CommandLine,
  type DummyLevel,
  type LoggingOption,
  logFilePath,
  type OptionsContext,
  parseOptions,
  type SslOptions,
  unixctlPath,
  type VswitchdOptions,
} from './options.ts';
export { findRunDirectories, type RunDirectories } from './run-directories.ts';
export { startUnixctlServer, UnixctlCommands, type UnixctlHandler, type UnixctlServer } from './unixctl.ts';
export { callUnixctl } from './unixctl-client.ts';
export { UnixctlError } from './unixctl-error.ts';
export {
  type LogFile,
  RateLimit,
  Vlog,
  type VlogLevel,
  VlogModule,
  type VlogOptions,
  type VlogOutput,
  type VlogText,
} from './vlog.ts';
export { registerVlogCommands } from './vlog-commands.ts';
export { VLOG_MODULE_NAMES } from './vlog-modules.ts';
export { createVlogOutput, parseSyslogMethod, type SyslogMethod } from './vlog-output.ts';
