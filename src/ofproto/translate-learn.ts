/**
 * The `learn` action: makes a flow mod out of the packet (ovs-actions(7), "The learn action").
 */
import { createMatch, readBigBits, type Subfield, subfieldBitOffset, writeBigBits } from '../flow/index.ts';
import {
  type FlowMod,
  type LearnAction,
  OFPG_ANY,
  OFPP_ALL,
  OFPP_FLOOD,
  OFPP_IN_PORT,
  OFPP_LOCAL,
  OFPP_MAX,
  OFPP_NONE,
  type OpenFlowAction,
} from '../openflow/index.ts';
import { lookAtBits, lookAtSubfield } from './flow-edit.ts';
import { mayLearn } from './learn.ts';
import type { TranslationContext } from './translation-context.ts';

const LEARNABLE_RESERVED_PORTS: ReadonlySet<number> = new Set([OFPP_IN_PORT, OFPP_FLOOD, OFPP_ALL, OFPP_LOCAL]);

export function translateLearn(context: TranslationContext, action: LearnAction): void {
  const flowMod = learnedFlow(context, action);
  if (action.resultDestination !== null) {
    const isLearned = mayLearn(context.bridge, flowMod, action.limit);
    lookAtSubfield(context.wildcards, action.resultDestination);
    context.writeSubfield(action.resultDestination, isLearned ? 1 : 0);
  }
  if (!context.hasSideEffects) {
    context.report('warning', 'suppressing side effects, so learn action ignored');
    return;
  }
  context.effects.push({ kind: 'learn', bridge: context.bridge, flowMod, limit: action.limit });
}

/** The flow that the action adds for the packet; what it takes from the packet is un-wildcarded. */
function learnedFlow(context: TranslationContext, action: LearnAction): FlowMod {
  const match = createMatch();
  const actions: OpenFlowAction[] = [];
  if (action.finIdleTimeout !== 0 || action.finHardTimeout !== 0) {
    actions.push({ type: 'fin_timeout', idleTimeout: action.finIdleTimeout, hardTimeout: action.finHardTimeout });
  }
  for (const spec of action.specs) {
    const value = sourceValue(context, spec.source, spec.bits);
    if (spec.kind === 'match') {
      const offset = subfieldBitOffset(spec.destination!);
      writeBigBits(match.values, offset, spec.bits, value);
      lookAtBits(match.masks, offset, spec.bits);
    } else if (spec.kind === 'load') {
      actions.push({ type: 'load', destination: spec.destination!, value });
    } else if (isLearnableOutput(value)) {
      actions.push({ type: 'output', port: Number(value), maxLength: 0 });
    }
  }
  return {
    command: 'modify_strict',
    table: action.table,
    priority: action.priority,
    match,
    cookie: action.cookie,
    cookieMatch: 0n,
    cookieMask: 0n,
    modifyCookie: true,
    idleTimeout: action.idleTimeout,
    hardTimeout: action.hardTimeout,
    importance: 0,
    flags: {
      sendFlowRemoved: action.sendFlowRemoved,
      checkOverlap: false,
      resetCounts: false,
      noPacketCounts: false,
      noByteCounts: false,
      hidden: false,
      noReadOnly: false,
    },
    outPort: OFPP_NONE,
    outGroup: OFPG_ANY,
    actions,
  };
}

/** Ports that a packet may name for a learned flow to output to: real ones, and of the reserved those that are one way. */
function isLearnableOutput(value: bigint): boolean {
  return value < OFPP_MAX || LEARNABLE_RESERVED_PORTS.has(Number(value));
}

function sourceValue(context: TranslationContext, source: Subfield | bigint, bits: number): bigint {
  if (typeof source === 'bigint') {
    return source;
  }
  lookAtSubfield(context.wildcards, source);
  return readBigBits(context.flow, subfieldBitOffset(source), bits);
}
