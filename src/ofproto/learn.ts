/**
 * Adds or refreshes the flow that a `learn` action made. A flow that is there already with the same actions only starts
 * its hard timeout anew: nothing that a translation could see changes, and no megaflow need be looked at again.
 */
import { type FlowMod, formatActions } from '../openflow/index.ts';
import type { Bridge } from './bridge.ts';
import { sparseMatch } from './sparse-match.ts';

export function applyLearn(bridge: Bridge, flowMod: FlowMod, limit: number, nowMs: number): void {
  const { classifier } = bridge.tables.table(flowMod.table);
  const existing = classifier.findExactly(sparseMatch(flowMod.match), flowMod.priority);
  if (
    existing !== null &&
    existing.cookie === flowMod.cookie &&
    existing.idleTimeout === flowMod.idleTimeout &&
    existing.hardTimeout === flowMod.hardTimeout &&
    formatActions(existing.actions) === formatActions(flowMod.actions)
  ) {
    existing.modifiedMs = Math.max(existing.modifiedMs, nowMs);
    existing.usedMs = Math.max(existing.usedMs, nowMs);
    return;
  }
  if (existing === null && limit > 0 && countWithCookie(bridge, flowMod) >= limit) {
    return;
  }
  bridge.tables.apply({ ...flowMod, command: 'add' }, nowMs);
}

/** Flows in the learned flow's table with its cookie: those that count against `limit`. */
function countWithCookie(bridge: Bridge, flowMod: FlowMod): number {
  let count = 0;
  for (const rule of bridge.tables.table(flowMod.table).classifier.rules()) {
    count += rule.cookie === flowMod.cookie ? 1 : 0;
  }
  return count;
}
