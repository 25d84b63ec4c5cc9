/** Which ports flows speak of: those a switch must have for the flows to mean what they say. */
import { W_IN_PORT } from '../flow/index.ts';
import type { FlowStats } from '../openflow/index.ts';

/** Port numbers from here on are reserved. */
const OFPP_MAX = 0xff00;

/** Numbers of the ports that flows match or send to, in order. */
export function namedPorts(flows: readonly Pick<FlowStats, 'match' | 'actions'>[]): number[] {
  const numbers = new Set<number>();
  for (const { match, actions } of flows) {
    if (match.masks[W_IN_PORT] !== 0) {
      numbers.add(match.values[W_IN_PORT]!);
    }
    for (const number of outputPorts(actions)) {
      numbers.add(number);
    }
  }
  return [...numbers].filter((number) => number >= 1 && number < OFPP_MAX).sort((a, b) => a - b);
}

/** Ports of `output` actions, also of those inside other actions. */
function outputPorts(actions: readonly object[]): number[] {
  return actions.flatMap((action) => {
    const lists = Object.values(action).filter((value): value is unknown[] => Array.isArray(value));
    const inner = lists.flatMap((list) =>
      outputPorts(list.filter((item): item is object => typeof item === 'object' && item !== null)),
    );
    const { type, port } = action as { type?: unknown; port?: unknown };
    return type === 'output' && typeof port === 'number' ? [port, ...inner] : inner;
  });
}
