/**
 * What a list of actions refers to: ports, groups, meters and conjunctions. Flow tables index and filter by it.
 */
import { OFPP_CONTROLLER, type OpenFlowAction, type OpenFlowPort } from '../openflow/index.ts';
import type { Conjunction } from './conjunction.ts';

/**
 * Whether the actions output to `port` by number, for the `out_port` filter of a flow mod or dump. As in Open vSwitch an
 * `output` with `max_len` does not count, nor does a port taken from a register.
 */
export function actionsOutputTo(actions: readonly OpenFlowAction[], port: OpenFlowPort): boolean {
  return actions.some((action) => {
    switch (action.type) {
      case 'output':
      case 'enqueue':
        return action.port === port;
      case 'controller':
        return port === OFPP_CONTROLLER;
      default:
        return actionsOutputTo(nestedActions(action), port);
    }
  });
}

/** The groups that the actions send to, without repetition. */
export function groupsUsed(actions: readonly OpenFlowAction[]): number[] {
  const groups = new Set<number>();
  collectGroups(actions, groups);
  return [...groups];
}

/** The meters that the actions pass, without repetition. */
export function metersUsed(actions: readonly OpenFlowAction[]): number[] {
  const meters = new Set<number>();
  collectMeters(actions, meters);
  return [...meters];
}

/** The `conjunction` actions, or null when there are none. */
export function conjunctionsOf(actions: readonly OpenFlowAction[]): readonly Conjunction[] | null {
  const conjunctions = actions.filter((action) => action.type === 'conjunction');
  return conjunctions.length === 0 ? null : conjunctions;
}

/** The flows that go when the last flow with such a `learn` action goes (`delete_learned`): those of a table with a cookie. */
export interface LearnedFlows {
  readonly table: number;
  readonly cookie: bigint;
}

/** What the actions learn and take with them when they go. */
export function learnedFlowsOf(actions: readonly OpenFlowAction[]): LearnedFlows[] {
  return actions.flatMap((action) => {
    if (action.type === 'learn') {
      return action.deleteLearned ? [{ table: action.table, cookie: action.cookie }] : [];
    }
    return learnedFlowsOf(nestedActions(action));
  });
}

function collectGroups(actions: readonly OpenFlowAction[], groups: Set<number>): void {
  for (const action of actions) {
    if (action.type === 'group') {
      groups.add(action.group);
    } else {
      collectGroups(nestedActions(action), groups);
    }
  }
}

function collectMeters(actions: readonly OpenFlowAction[], meters: Set<number>): void {
  for (const action of actions) {
    if (action.type === 'meter') {
      meters.add(action.meter);
    } else if (action.type === 'controller' && action.meterId !== null) {
      meters.add(action.meterId);
    } else {
      collectMeters(nestedActions(action), meters);
    }
  }
}

function nestedActions(action: OpenFlowAction): readonly OpenFlowAction[] {
  switch (action.type) {
    case 'write_actions':
    case 'clone':
    case 'ct':
      return action.actions;
    default:
      return [];
  }
}
