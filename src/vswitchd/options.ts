/**
 * The command line of `ovs-vswitchd`, whole: every option of ovs-vswitchd(8) with the texts of the real one. Parsing changes nothing;
 * the record says what is wanted, and the logging options, whose order matters, come as a list to be applied.
 */
import { type OptionSpec, OptionsError, parseCommandLine } from './getopt.ts';
import type { RunDirectories } from './run-directories.ts';
import { parseSyslogMethod, type SyslogMethod } from './vlog-output.ts';

/** How far dummy datapaths and ports stand in for real ones: only where asked for by type, for the system's, for all. */
export type DummyLevel = 'normal' | 'system' | 'override';

export type LoggingOption =
  | { readonly kind: 'spec'; readonly spec: string }
  /** `path` is null for the default */
  | { readonly kind: 'file'; readonly path: string | null };

export interface SslOptions {
  readonly privateKey: string | null;
  readonly certificate: string | null;
  readonly caCertificate: string | null;
  /** read the CA certificate from the peer when its file is not there */
  readonly isCaBootstrapped: boolean;
  readonly peerCaCertificate: string | null;
  readonly protocols: string | null;
  readonly ciphers: string | null;
}

export interface VswitchdOptions {
  /** where ovsdb-server listens, such as `unix:/var/run/openvswitch/db.sock` */
  readonly database: string;
  /** null: `PROGRAM.PID.ctl` in the run directory; `none`: no control socket */
  readonly unixctl: string | null;
  readonly detach: boolean;
  readonly monitor: boolean;
  readonly changeDirectory: boolean;
  readonly selfConfinement: boolean;
  /** absolute; null for none */
  readonly pidfile: string | null;
  readonly overwritePidfile: boolean;
  readonly lockMemory: boolean;
  readonly logging: readonly LoggingOption[];
  readonly syslogMethod: SyslogMethod;
  /** `HOST:PORT`, to be told that it is deprecated, or null */
  readonly syslogTarget: string | null;
  readonly ssl: SslOptions;
  /** null: no dummies */
  readonly dummy: DummyLevel | null;
  readonly systemDatapath: boolean;
  readonly systemRoutes: boolean;
  /** numbers of NUMA nodes by core, or null for the machine's own */
  readonly dummyNuma: readonly number[] | null;
}

export type CommandLine =
  | { readonly kind: 'run'; readonly options: VswitchdOptions }
  /** print the text and end well */
  | { readonly kind: 'print'; readonly text: string };

/** What parsing must know. */
export interface OptionsContext {
  readonly program: string;
  /** what `--version` prints */
  readonly version: string;
  readonly directories: RunDirectories;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What is wrong with the argument of a `-v`, or null. */
  readonly loggingProblem: (spec: string) => string | null;
}

// in the order of Open vSwitch's table, which shows where an abbreviation is ambiguous
const OPTIONS = [
  { long: 'help', short: 'h', argument: 'none' },
  { long: 'version', short: 'V', argument: 'none' },
  { long: 'mlockall', argument: 'none' },
  { long: 'unixctl', argument: 'required' },
  { long: 'detach', argument: 'none' },
  { long: 'no-self-confinement', argument: 'none' },
  { long: 'no-chdir', argument: 'none' },
  { long: 'pidfile', argument: 'optional' },
  { long: 'overwrite-pidfile', argument: 'none' },
  { long: 'monitor', argument: 'none' },
  { long: 'user', argument: 'required' },
  { long: 'verbose', short: 'v', argument: 'optional' },
  { long: 'log-file', argument: 'optional' },
  { long: 'syslog-method', argument: 'required' },
  { long: 'syslog-target', argument: 'required' },
  { long: 'private-key', short: 'p', argument: 'required' },
  { long: 'certificate', short: 'c', argument: 'required' },
  { long: 'ca-cert', short: 'C', argument: 'required' },
  { long: 'ssl-protocols', argument: 'required' },
  { long: 'ssl-ciphers', argument: 'required' },
  { long: 'peer-ca-cert', argument: 'required' },
  { long: 'bootstrap-ca-cert', argument: 'required' },
  { long: 'enable-dummy', argument: 'optional' },
  { long: 'disable-system', argument: 'none' },
  { long: 'disable-system-route', argument: 'none' },
  { long: 'dpdk', argument: 'optional' },
  { long: 'dummy-numa', argument: 'required' },
] as const satisfies readonly OptionSpec[];

/** Parses the arguments after the program's name. Throws `OptionsError`; the program then prints `PROGRAM: MESSAGE` and ends with 1. */
export function parseOptions(args: readonly string[], context: OptionsContext): CommandLine {
  const { program, directories, environment } = context;
  const logging: LoggingOption[] = [];
  const switches = new Set<string>();
  const values = new Map<string, string>();
  let pidfile: string | null = null;
  let dummy: DummyLevel | null = null;
  let syslogMethod = parseSyslogMethod(environment.OVS_SYSLOG_METHOD || 'libc');
  let isCaBootstrapped = false;
  let dummyNuma: number[] | null = null;
  let text: string | null = null;

  const others = parseCommandLine(args, OPTIONS, ({ option, argument }) => {
    // --help and --version end everything
    if (text !== null) return;
    switch (option.long) {
      case 'help':
        text = formatUsage(context);
        break;
      case 'version':
        text = context.version;
        break;
      case 'pidfile':
        pidfile = absolutePath(directories.run, argument || `${program}.pid`);
        break;
      case 'user':
        throw new OptionsError(
          `--user=${argument}: running as another user is not supported; start the program as that user`,
        );
      case 'verbose': {
        const spec = argument ?? '';
        const problem = context.loggingProblem(spec);
        if (problem !== null) throw new OptionsError(`processing "${spec}": ${problem}`);
        logging.push({ kind: 'spec', spec });
        break;
      }
      case 'log-file':
        logging.push({ kind: 'file', path: argument });
        break;
      case 'syslog-method':
        syslogMethod = parseSyslogMethod(argument!);
        if (syslogMethod === null) throw new OptionsError(`unsupported syslog method '${argument}'`);
        break;
      case 'ca-cert':
      case 'bootstrap-ca-cert':
        isCaBootstrapped = option.long === 'bootstrap-ca-cert';
        values.set('ca-cert', argument!);
        break;
      case 'enable-dummy':
        dummy = parseDummyLevel(argument);
        break;
      case 'dpdk':
        throw new OptionsError('Using --dpdk to configure DPDK is not supported.');
      case 'dummy-numa':
        dummyNuma = argument!.split(',').map(Number);
        break;
      default:
        if (argument === null) switches.add(option.long);
        else values.set(option.long, argument);
    }
  });
  if (text !== null) return { kind: 'print', text };
  if (others.length > 1) {
    throw new OptionsError('at most one non-option argument accepted; use --help for usage');
  }
  return {
    kind: 'run',
    options: {
      database: others[0] ?? defaultDatabase(directories),
      unixctl: values.get('unixctl') ?? null,
      detach: switches.has('detach'),
      monitor: switches.has('monitor'),
      changeDirectory: !switches.has('no-chdir'),
      selfConfinement: !switches.has('no-self-confinement'),
      pidfile,
      overwritePidfile: switches.has('overwrite-pidfile'),
      lockMemory: switches.has('mlockall'),
      logging,
      syslogMethod: syslogMethod ?? parseSyslogMethod('libc')!,
      syslogTarget: values.get('syslog-target') ?? null,
      ssl: {
        privateKey: values.get('private-key') ?? null,
        certificate: values.get('certificate') ?? null,
        caCertificate: values.get('ca-cert') ?? null,
        isCaBootstrapped,
        peerCaCertificate: values.get('peer-ca-cert') ?? null,
        protocols: values.get('ssl-protocols') ?? null,
        ciphers: values.get('ssl-ciphers') ?? null,
      },
      dummy,
      systemDatapath: !switches.has('disable-system'),
      systemRoutes: !switches.has('disable-system-route'),
      dummyNuma,
    },
  };
}

/** The path of the control socket, or null for none: `unixctl` as the option has it. */
export function unixctlPath(
  unixctl: string | null,
  directories: RunDirectories,
  program: string,
  pid: number,
): string | null {
  if (unixctl === 'none') return null;
  return absolutePath(directories.run, unixctl ?? `${program}.${pid}.ctl`);
}

/** The path of the log file: `path` as the option has it. */
export function logFilePath(path: string | null, directories: RunDirectories, program: string): string {
  return path ?? `${directories.log}/${program}.log`;
}

function parseDummyLevel(argument: string | null): DummyLevel {
  if (argument === null) return 'normal';
  if (argument === 'override' || argument === 'system') return argument;
  throw new OptionsError(`${argument}: unknown dummy level`);
}

function absolutePath(directory: string, name: string): string {
  return name.startsWith('/') ? name : `${directory}/${name}`;
}

function defaultDatabase({ run }: RunDirectories): string {
  return `unix:${run}/db.sock`;
}

function formatUsage({ program, directories }: OptionsContext): string {
  return `${program}: Open vSwitch daemon
usage: ${program} [OPTIONS] [DATABASE]
where DATABASE is a socket on which ovsdb-server is listening
      (default: "${defaultDatabase(directories)}").

Active DATABASE connection methods:
  tcp:HOST:PORT           PORT at remote HOST
  ssl:HOST:PORT           SSL PORT at remote HOST
  unix:FILE               Unix domain socket named FILE
PKI configuration (required to use SSL):
  -p, --private-key=FILE  file with private key
  -c, --certificate=FILE  file with certificate for private key
  -C, --ca-cert=FILE      file with peer CA certificate
  --bootstrap-ca-cert=FILE  file with peer CA certificate to read or create
SSL options:
  --ssl-protocols=PROTOS  list of SSL protocols to enable
  --ssl-ciphers=CIPHERS   list of SSL ciphers to enable

Daemon options:
  --detach                run in background as daemon
  --monitor               creates a process to monitor this daemon
  --user=username[:group] changes the effective daemon user:group
  --no-chdir              do not chdir to '/'
  --pidfile[=FILE]        create pidfile (default: ${directories.run}/${program}.pid)
  --overwrite-pidfile     with --pidfile, start even if already running

Logging options:
  -vSPEC, --verbose=SPEC   set logging levels
  -v, --verbose            set maximum verbosity level
  --log-file[=FILE]        enable logging to specified FILE
                           (default: ${directories.log}/${program}.log)
  --syslog-method=(libc|unix:file|udp:ip:port)
                           specify how to send messages to syslog daemon
  --syslog-target=HOST:PORT  also send syslog msgs to HOST:PORT via UDP

DPDK options:
Configuration of DPDK via command-line is removed from this
version of Open vSwitch. DPDK is configured through ovsdb.

Other options:
  --unixctl=SOCKET          override default control socket name
  -h, --help                display this help message
  -V, --version             display version information
`;
}
