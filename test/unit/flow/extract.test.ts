import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  createFlow,
  EXTRACT_STATUS_TEXTS,
  extractFlow,
  type FlowWords,
  W_PACKET_END,
} from '../../../src/flow/index.ts';
import { Packet } from '../../../src/wire/index.ts';
import { parseTracedFlow } from '../../support/traced-flow.ts';

interface CorpusPacket {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly flow: string;
  readonly nd: string | undefined;
  readonly status: string;
}

function readCorpus(): CorpusPacket[] {
  const text = readFileSync(new URL('./extract-corpus.txt', import.meta.url), 'utf8');
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

const corpus = readCorpus();

/** Words 0..37 with their numbers, so that a difference names the word. */
function packetWords(key: FlowWords): string[] {
  return Array.from(key.subarray(0, W_PACKET_END), (word, index) => `${index}: ${(word >>> 0).toString(16)}`);
}

describe('extractFlow', () => {
  it('reads a corpus of a sensible size', () => {
    assert.ok(corpus.length > 130);
  });
  for (const { name, frame, flow, nd, status } of corpus) {
    it(`does with "${name}" what Open vSwitch does`, () => {
      const expected = parseTracedFlow(flow, frame);
      if (nd !== undefined) {
        const [reserved, optionsType] = nd.split(' ');
        expected[28] = Number(reserved);
        expected[8] = expected[8]! | Number(optionsType);
      }
      if (expected[5]! >>> 8 === 0x080002 || expected[5]! >>> 8 === 0x86dd02) {
        // Open vSwitch keeps the IGMP group in the flow, but shows it nowhere.
        expected[28] = expected[11] === 0 ? 0 : 0xe0000116;
      }
      const key = createFlow();
      const actual = extractFlow(Packet.from(frame), key);
      assert.deepEqual(packetWords(key), packetWords(expected));
      assert.equal(EXTRACT_STATUS_TEXTS[actual], status);
    });
  }
});
