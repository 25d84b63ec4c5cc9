/**
 * Flows and groups from files into a switch. A mistake is told with file, line and column, the line, and a caret.
 */
import { readFileSync } from 'node:fs';
import { OpenFlowFileError, parseFlowMods, parseGroupMods } from '../openflow/index.ts';
import type { Switch } from '../switch/index.ts';
import { CliError, isExpectedError } from './cli-error.ts';

/** Adds the groups, if any, then the flows. Throws `CliError` CLI_FILE or CLI_PIPELINE. */
export function loadPipeline(target: Switch, flowsPath: string, groupsPath: string | undefined): void {
  if (groupsPath !== undefined) {
    const text = readText(groupsPath);
    const groups = placed(groupsPath, () => parseGroupMods(text, { fileName: groupsPath }));
    for (const [index, group] of groups.entries()) {
      placedAt(groupsPath, text, index, () => target.addGroup(group));
    }
  }
  addFlowsText(target, readText(flowsPath), flowsPath);
}

/** Adds flows in text, one to a line. `name` is what errors call the text. */
export function addFlowsText(target: Switch, text: string, name: string): void {
  const flows = placed(name, () => parseFlowMods(text, { fileName: name }));
  for (const [index, flow] of flows.entries()) {
    placedAt(name, text, index, () => target.addFlows([flow]));
  }
}

/** The text of a file, `-` being standard input. */
function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    const reason = /^[A-Z0-9]+: ([^,]+)/.exec((error as Error).message)?.[1] ?? (error as Error).message;
    throw new CliError('CLI_FILE', `could not open ${path}: ${reason}`, { cause: error });
  }
}

/** Runs a reader of the whole text, whose errors know line and column. */
function placed<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof OpenFlowFileError) || error.column === null) {
      throw error;
    }
    const line = `${name}:${error.line}:`;
    const message = error.message.startsWith(line)
      ? `${line}${error.column}:${error.message.slice(line.length)}`
      : error.message;
    throw new CliError('CLI_PIPELINE', message, { cause: error });
  }
}

/** Applies entry `index` of the text to the switch: what the switch refuses is told with the entry's line. */
function placedAt(name: string, text: string, index: number, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!isExpectedError(error)) {
      throw error;
    }
    const { number, line } = lineOfEntry(text, index);
    throw new CliError('CLI_PIPELINE', `${name}:${number}: ${error.message} (${error.code})\n  ${line}`, {
      cause: error,
    });
  }
}

function lineOfEntry(text: string, index: number): { number: number; line: string } {
  let left = index;
  for (const [at, whole] of text.split('\n').entries()) {
    const line = whole.replace(/\r$/, '');
    if (line.replace(/#.*/, '').trim() !== '' && left-- === 0) {
      return { number: at + 1, line: line.trim() };
    }
  }
  return { number: 0, line: '' };
}
