/** The clocks, for whoever takes a clock as an argument. */

/** Milliseconds with a fraction that never go back; only differences mean something. */
export function monotonicMilliseconds(): number {
  return performance.now();
}

/** Milliseconds with a fraction since 1970. */
export function wallMilliseconds(): number {
  return performance.timeOrigin + performance.now();
}
