/**
 * A time as statistics show it: whole seconds, and where there are fractions milliseconds (`3s`, `3.100s`), or as many digits
 * as the nanoseconds need (`3600.0005s`).
 */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const nanoseconds = Math.round((milliseconds - seconds * 1000) * 1_000_000);
  if (nanoseconds === 0) {
    return `${seconds}s`;
  }
  const digits = String(nanoseconds).padStart(9, '0');
  const fine = digits.slice(3).replace(/0+$/, '');
  return `${seconds}.${digits.slice(0, 3)}${fine}s`;
}
