/** Captures as tests make and read them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CaptureReader, CaptureWriter, type CaptureWriterOptions } from '../../src/netdev/index.ts';

export interface CapturedFrame {
  readonly frame: Uint8Array;
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly originalLength: number;
  readonly interfaceIndex: number;
}

export function readCapture(path: string): CapturedFrame[] {
  const reader = new CaptureReader();
  reader.push(readFileSync(path));
  reader.end();
  const frames: CapturedFrame[] = [];
  while (reader.next()) {
    const { bytes, start, length, seconds, nanoseconds, originalLength, interfaceIndex } = reader.record;
    frames.push({ frame: bytes.slice(start, start + length), seconds, nanoseconds, originalLength, interfaceIndex });
  }
  return frames;
}

/** Writes a capture of frames at times in ms; the third of each is the interface's index. */
export function writeCapture(
  path: string,
  frames: readonly (readonly [atMs: number, frame: Uint8Array, interfaceIndex?: number])[],
  options: CaptureWriterOptions = {},
): void {
  const chunks: Uint8Array[] = [];
  const writer = new CaptureWriter((bytes) => chunks.push(bytes), options);
  for (const [atMs, frame, interfaceIndex = 0] of frames) {
    writer.write(frame, Math.floor(atMs / 1000), Math.round((atMs % 1000) * 1e6), frame.length, interfaceIndex);
  }
  writeFileSync(path, Buffer.concat(chunks));
}
