/** Node's event loop, for whoever takes timers as an argument. Each function returns one that takes the call back. */

/** Calls `callback` once, `delayMs` from now or a little later. */
function after(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}

/** Calls `callback` once, after the input and output that waits. */
function soon(callback: () => void): () => void {
  const immediate = setImmediate(callback);
  return () => clearImmediate(immediate);
}

/** Fits the `RunLoopTimers` of a switch. */
export const eventLoopTimers: {
  readonly after: (delayMs: number, callback: () => void) => () => void;
  readonly soon: (callback: () => void) => () => void;
} = { after, soon };
