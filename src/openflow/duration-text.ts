/** A time as statistics show it: whole seconds, and milliseconds when there are some (`3s`, `3.100s`). */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const rest = Math.floor(milliseconds % 1000);
  return rest === 0 ? `${seconds}s` : `${seconds}.${String(rest).padStart(3, '0')}s`;
}
