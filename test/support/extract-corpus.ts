/** The packets of test/unit/flow/extract-corpus.txt, which says where they come from. */
import { readFileSync } from 'node:fs';

export interface CorpusPacket {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly flow: string;
  readonly nd: string | undefined;
  readonly status: string;
}

function readCorpus(): CorpusPacket[] {
  const text = readFileSync(new URL('../unit/flow/extract-corpus.txt', import.meta.url), 'utf8');
  return text
    .split('\n\n')
    .slice(1)
    .map((block) => {
      const lines = block.trim().split('\n');
      const value = (label: string): string | undefined =>
        lines.find((line) => line.startsWith(`${label}: `))?.slice(label.length + 2);
      return {
        name: lines[0]!,
        frame: Uint8Array.from(Buffer.from(value('packet')!, 'hex')),
        flow: value('flow')!,
        nd: value('nd'),
        status: value('status')!,
      };
    });
}

export const extractCorpus: readonly CorpusPacket[] = readCorpus();
