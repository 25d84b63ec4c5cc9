/** `megaflow replay`: progress while the capture runs, then the report. */
import { monotonicMilliseconds } from '../platform/index.ts';
import { type CliIo, interruptExitCode } from './io.ts';
import { type ReplayOptions, replayCapture } from './replay.ts';
import { formatReplay, replayJson } from './replay-report.ts';
import { formatCount, ProgressLine, styleFor, widthOf } from './terminal.ts';

export async function runReplay(options: ReplayOptions & { readonly json: boolean }, io: CliIo): Promise<number> {
  const progress = new ProgressLine(io.stderr, monotonicMilliseconds);
  const interrupts = io.catchInterrupts();
  const warned = new Set<string>();
  try {
    const replay = await replayCapture(options, {
      interrupted: interrupts.signal,
      onProgress(packets, part) {
        const share = Number.isNaN(part) ? '' : `, ${Math.floor(100 * part)} %`;
        progress.update(() => `Replaying ${options.capture}: ${formatCount(packets)} packets${share}`);
      },
      onWarning(text) {
        if (!warned.has(text)) {
          warned.add(text);
          progress.clear();
          io.stderr.write(`megaflow: ${text}\n`);
        }
      },
    });
    progress.clear();
    if (replay === null) {
      return interruptExitCode(interrupts.signal);
    }
    const layout = { width: widthOf(io.stdout), style: styleFor(io.stdout, io.env) };
    io.stdout.write(options.json ? replayJson(replay) : formatReplay(replay, layout));
    return 0;
  } finally {
    progress.clear();
    interrupts.release();
  }
}
