/**
 * Command lines as getopt_long(3) takes them: options may be abbreviated while that is unique, stand anywhere before `--`, and have
 * their argument attached or next. Texts of errors are the C library's, without the name of the program.
 */

export type OptionArgument = 'none' | 'required' | 'optional';

export interface OptionSpec {
  /** without the dashes */
  readonly long: string;
  readonly short?: string;
  readonly argument: OptionArgument;
}

export interface FoundOption<S extends OptionSpec> {
  readonly option: S;
  /** null when there is none */
  readonly argument: string | null;
}

/** A command line that cannot be; the message is to follow `PROGRAM: `. */
export class OptionsError extends Error {
  readonly code: 'options' = 'options';

  constructor(message: string) {
    super(message);
    this.name = 'OptionsError';
  }
}

/**
 * Calls `onOption` with each option in order; returns what is no option. Throws `OptionsError`, after the calls for what stood
 * before.
 */
export function parseCommandLine<S extends OptionSpec>(
  args: readonly string[],
  specs: readonly S[],
  onOption: (found: FoundOption<S>) => void,
): string[] {
  const others: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === '--') return [...others, ...args.slice(at + 1)];
    if (word.startsWith('--')) takeLong(word.slice(2));
    else if (word.length > 1 && word.startsWith('-')) takeShort(word.slice(1));
    else others.push(word);

    function takeLong(text: string): void {
      const [, name = '', attached] = /^([^=]*)(?:=(.*))?$/s.exec(text)!;
      const option = findLong(name, word, specs);
      let argument: string | null = attached ?? null;
      if (argument !== null && option.argument === 'none') {
        throw new OptionsError(`option '--${option.long}' doesn't allow an argument`);
      }
      if (argument === null && option.argument === 'required') {
        argument = args[++at] ?? null;
        if (argument === null) throw new OptionsError(`option '--${option.long}' requires an argument`);
      }
      onOption({ option, argument });
    }

    function takeShort(letters: string): void {
      for (let i = 0; i < letters.length; i++) {
        const option = specs.find(({ short }) => short === letters[i]);
        if (option === undefined) throw new OptionsError(`invalid option -- '${letters[i]}'`);
        if (option.argument === 'none') {
          onOption({ option, argument: null });
          continue;
        }
        let argument: string | null = letters.slice(i + 1);
        if (argument === '') {
          argument = option.argument === 'required' ? (args[++at] ?? null) : null;
          if (argument === null && option.argument === 'required') {
            throw new OptionsError(`option requires an argument -- '${letters[i]}'`);
          }
        }
        onOption({ option, argument });
        return;
      }
    }
  }
  return others;
}

function findLong<S extends OptionSpec>(name: string, word: string, specs: readonly S[]): S {
  const exact = specs.find(({ long }) => long === name);
  if (exact !== undefined) return exact;
  const candidates = specs.filter(({ long }) => long.startsWith(name));
  if (candidates.length === 1) return candidates[0]!;
  if (candidates.length === 0) throw new OptionsError(`unrecognized option '--${name}'`);
  const names = candidates.map(({ long }) => `'--${long}'`).join(' ');
  throw new OptionsError(`option '${word}' is ambiguous; possibilities: ${names}`);
}
