/**
 * The executable as a function: arguments in, exit code out, everything it prints goes through `CliIo`.
 *
 * Exit codes: 0 = done; 1 = it could not be done, or the lab's traffic did not go as it should; 2 = the arguments make no
 * sense; 128 + n = ended by signal n.
 *
 * Layers. Commands use the embedding API (`switch/`) and whatever layer has the text form they need; each command is a
 * function of its parsed options, with its report in a file of its own.
 */
import { createRequire } from 'node:module';
import { Argument, CommanderError, Option, Command as Parser } from 'commander';
import { CliError, isExpectedError } from './cli-error.ts';
import { COMMANDS, type Command, type OptionValues } from './commands.ts';
import type { CliIo } from './io.ts';
import { styleFor, widthOf } from './terminal.ts';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** Runs the command line `argv`, without the names of node and of the script, and returns the exit code. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  let exitCode = 0;
  const program = createProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : EXIT_USAGE;
    }
    return reportFailure(error, io);
  }
}

function createProgram(io: CliIo, setExitCode: (code: number) => void): Parser {
  const program = new Parser('megaflow')
    .description('Open vSwitch in TypeScript: a switch whose megaflow cache explains its decisions.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command');
  configure(program, io);
  for (const command of COMMANDS) {
    program.addCommand(createCommand(command, io, setExitCode));
  }
  program.addHelpText('after', '\n"megaflow help COMMAND" shows options and examples of a command.');
  return program;
}

function createCommand(command: Command, io: CliIo, setExitCode: (code: number) => void): Parser {
  const parser = new Parser(command.name)
    .summary(command.summary)
    .description(command.description)
    .helpOption('-h, --help', 'print this help');
  configure(parser, io);
  for (const { syntax, summary } of command.arguments) {
    parser.addArgument(new Argument(syntax, summary));
  }
  for (const { flags, summary, choices, default: defaultValue, isRequired } of command.options) {
    const option = new Option(flags, summary);
    if (choices !== undefined) {
      option.choices(choices);
    }
    if (defaultValue !== undefined) {
      option.default(defaultValue);
    }
    parser.addOption(option.makeOptionMandatory(isRequired === true));
  }
  const examples = command.examples.map((example) => `  ${example.command}\n      ${example.effect}`);
  parser.addHelpText('after', `\nExamples:\n${examples.join('\n')}`);
  parser.action(async (...given: unknown[]) => {
    const args = given.slice(0, command.arguments.length) as (string | undefined)[];
    setExitCode(await command.run(args, parser.opts<OptionValues>(), io));
  });
  return parser;
}

function configure(parser: Parser, io: CliIo): void {
  parser.exitOverride();
  parser.showHelpAfterError('("megaflow --help" shows what there is)');
  parser.configureOutput({
    writeOut: (text) => io.stdout.write(text),
    writeErr: (text) => io.stderr.write(text),
    outputError: (text, write) => write(`megaflow: ${text.replace(/^error: /, '')}`),
    getOutHelpWidth: () => widthOf(io.stdout),
    getErrHelpWidth: () => widthOf(io.stderr),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
}

/** Says what went wrong; a bug with its stack, because somebody has to find it. */
function reportFailure(error: unknown, io: CliIo): number {
  const { bad } = styleFor(io.stderr, io.env);
  if (isExpectedError(error)) {
    io.stderr.write(`${bad('megaflow:')} ${error.message}\n`);
    return error instanceof CliError && error.code === 'CLI_USAGE' ? EXIT_USAGE : EXIT_FAILURE;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.stderr.write(`${bad('megaflow:')} this is a bug, please report it\n${text}\n`);
  return EXIT_FAILURE;
}

function packageVersion(): string {
  // The same place from src/cli and from dist/cli.
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  return version;
}
