/** The standard streams of a process that goes on in the background. */
import { closeSync, openSync } from 'node:fs';
import { linuxSystemCalls } from './linux.ts';

/**
 * Points standard input, output and error at /dev/null, so that whoever waits for the end of what was started sees it. By dup2(2):
 * closing and opening would let another thread take the number in between.
 */
export function closeStandardStreams(): void {
  const calls = linuxSystemCalls();
  const fd = openSync('/dev/null', 'r+');
  for (let stream = 0; stream <= 2; stream++) calls.dup2(fd, stream);
  if (fd > 2) closeSync(fd);
}
