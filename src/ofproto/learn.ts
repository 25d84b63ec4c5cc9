/**
 * Adds or refreshes the flow that a `learn` action made. A flow that is there already with the same actions only starts
 * its hard timeout anew: nothing that a translation could see changes, and no megaflow need be looked at again.
 */
import { type FlowMod, formatActions, OpenFlowError } from '../openflow/index.ts';
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
  if (!mayLearn(bridge, flowMod, limit)) {
    return;
  }
  try {
    bridge.tables.apply({ ...flowMod, command: 'add' }, nowMs);
  } catch (error) {
    // The table is full or reserved: the packet goes its way all the same.
    if (!(error instanceof OpenFlowError)) {
      throw error;
    }
    bridge.learnFailures++;
  }
}

/** Whether a `learn` action with this limit (0 = none) may add its flow, or need not because it is there. */
export function mayLearn(bridge: Bridge, flowMod: FlowMod, limit: number): boolean {
  const { classifier } = bridge.tables.table(flowMod.table);
  return (
    limit === 0 ||
    classifier.findExactly(sparseMatch(flowMod.match), flowMod.priority) !== null ||
    countWithCookie(bridge, flowMod) < limit
  );
}

/** Flows in the learned flow's table with its cookie: those that count against `limit`. */
function countWithCookie(bridge: Bridge, flowMod: FlowMod): number {
  let count = 0;
  for (const rule of bridge.tables.table(flowMod.table).classifier.rules()) {
    count += rule.cookie === flowMod.cookie ? 1 : 0;
  }
  return count;
}
