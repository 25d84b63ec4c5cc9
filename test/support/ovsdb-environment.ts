/** What a database server takes from outside, of this process. */
import { randomUUID } from 'node:crypto';
import type { ServerEnvironment } from '../../src/ovsdb/index.ts';
import { eventLoopTimers, monotonicMilliseconds, wallMilliseconds } from '../../src/platform/index.ts';

export const serverEnvironment: ServerEnvironment = {
  randomUuid: () => randomUUID(),
  now: wallMilliseconds,
  monotonicMs: monotonicMilliseconds,
  setTimer: eventLoopTimers.after,
  defer: eventLoopTimers.soon,
};
