/**
 * A match: a flow and the mask that says which of its bits decide. Bits of the value outside the mask are zero.
 */
import { createFlow, FLOW_WORDS, type FlowWords } from './key.ts';

export interface Match {
  readonly values: FlowWords;
  readonly masks: FlowWords;
}

/** The match that everything satisfies. */
export function createMatch(): Match {
  return { values: createFlow(), masks: createFlow() };
}

/** Whether `flow` satisfies `match`. */
export function matchesFlow(match: Match, flow: FlowWords): boolean {
  const { values, masks } = match;
  for (let word = 0; word < FLOW_WORDS; word++) {
    if (((flow[word]! ^ values[word]!) & masks[word]!) !== 0) {
      return false;
    }
  }
  return true;
}
