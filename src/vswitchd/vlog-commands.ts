/** The `vlog/…` commands of unixctl (ovs-appctl(8), Logging Commands). */
import type { UnixctlCommands } from './unixctl.ts';
import { UnixctlError } from './unixctl-error.ts';
import type { Vlog } from './vlog.ts';

export function registerVlogCommands(commands: UnixctlCommands, vlog: Vlog): void {
  const any = Number.POSITIVE_INFINITY;
  commands.register('vlog/set', '{spec | PATTERN:destination:pattern}', 0, any, (specs) => {
    // none at all: everything to everywhere
    for (const spec of specs.length === 0 ? [''] : specs) {
      const problem = vlog.set(spec);
      if (problem !== null) throw new UnixctlError(problem);
    }
    return '';
  });
  commands.register('vlog/list', '', 0, 0, () => vlog.formatLevels());
  commands.register('vlog/list-pattern', '', 0, 0, () => vlog.formatPatterns());
  commands.register('vlog/enable-rate-limit', '[module]...', 0, any, (names) => setRateLimits(names, true));
  commands.register('vlog/disable-rate-limit', '[module]...', 0, any, (names) => setRateLimits(names, false));
  commands.register('vlog/reopen', '', 0, 0, () => {
    if (!vlog.reopenFile()) throw new UnixctlError('Logging to file not configured');
    return '';
  });
  commands.register('vlog/close', '', 0, 0, () => {
    vlog.closeFile();
    return '';
  });

  function setRateLimits(names: readonly string[], isOn: boolean): string {
    if (!vlog.setRateLimits(names, isOn)) throw new UnixctlError('unknown module');
    return '';
  }
}
