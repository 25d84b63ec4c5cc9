// The commands of package.json: each sets up what it needs (packages of npm and, as root, of Debian; the build), then runs.
//
//   start [ARG ...]   megaflow lab ARG ...
//   test              check, unit, fuzz and system tests
//   check             types, lint and format, dead code
//   unit              unit and fuzz tests
//   system            system tests
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(ROOT);

/** Programs that system tests and the lab use, with Debian's package of each. */
const TOOLS = {
  ip: 'iproute2',
  ping: 'iputils-ping',
};
const TEST_TOOLS = {
  ...TOOLS,
  tcpdump: 'tcpdump',
  curl: 'curl',
  iperf3: 'iperf3',
  ethtool: 'ethtool',
  'ovs-vswitchd': 'openvswitch-switch',
};

const [command = '', ...args] = process.argv.slice(2);
const commands = {
  start() {
    installPackages();
    installTools(TOOLS);
    build();
    run(process.execPath, ['dist/cli/main.js', 'lab', ...args]);
  },
  test() {
    installPackages();
    installTools(TEST_TOOLS);
    check();
    build();
    runTests([...testFiles('test/unit'), ...testFiles('test/fuzz'), ...testFiles('test/system')]);
  },
  check() {
    installPackages();
    check();
  },
  unit() {
    installPackages();
    runTests(args.length > 0 ? args : [...testFiles('test/unit'), ...testFiles('test/fuzz')]);
  },
  system() {
    installPackages();
    installTools(TEST_TOOLS);
    build();
    runTests(args.length > 0 ? args : testFiles('test/system'));
  },
};

if (commands[command] === undefined) {
  console.error(`usage: node scripts/run.mjs ${Object.keys(commands).join('|')}`);
  process.exit(2);
}
commands[command]();

function check() {
  run('npx', ['--no', '--', 'tsc', '-p', 'tsconfig.json']);
  run('npx', ['--no', '--', 'tsc', '-p', 'tsconfig.core.json']);
  run('npx', ['--no', '--', 'biome', 'check', '--error-on-warnings', '.']);
  run('npx', ['--no', '--', 'knip']);
}

/**
 * Installs the npm packages of the lock file unless they are there. Not by `npm ci`: the lock file leaves out the binaries of
 * platforms that the registry it was made with did not have, and `npm ci` refuses that on every platform.
 */
function installPackages() {
  const installed = 'node_modules/.package-lock.json';
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) {
    run('npm', ['install', '--no-save', '--no-audit', '--no-fund']);
  }
}

/** As root on Debian, installs programs that are missing; elsewhere what needs them says so itself. */
function installTools(tools) {
  const missing = Object.entries(tools).filter(([program]) => !isOnPath(program));
  if (missing.length === 0 || process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    return;
  }
  const packages = [...new Set(missing.map(([, name]) => name))];
  // Debian's packages must not start their services.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  run('apt-get', ['update', '-qq'], { env, mayFail: true });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env, mayFail: true, quiet: true });
}

function isOnPath(program) {
  return [...process.env.PATH.split(':'), '/usr/sbin', '/sbin'].some((folder) => existsSync(join(folder, program)));
}

function build() {
  run('npx', ['--no', '--', 'tsc', '-p', 'tsconfig.build.json']);
}

function testFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .sort();
}

function runTests(files) {
  run(process.execPath, ['--import', './test/support/typescript.mjs', '--test', '--test-concurrency=2', ...files]);
}

/** Runs a command in the foreground; ends with its exit code when it fails. */
function run(program, argv, { env = process.env, mayFail = false, quiet = false } = {}) {
  const result = spawnSync(program, argv, { stdio: quiet ? ['inherit', 'ignore', 'inherit'] : 'inherit', env });
  if (result.status !== 0 && !mayFail) {
    if (result.error !== undefined) {
      console.error(result.error.message);
    }
    process.exit(result.status ?? 1);
  }
}
