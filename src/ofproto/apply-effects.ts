/**
 * Applies the effects of a translation: credits counters, learns addresses and flows. For the packet that was translated
 * and, with the counts since the last time, for every statistics push of its megaflow.
 */
import type { Effect } from './effects.ts';
import { creditTable } from './flow-table.ts';
import { creditGroup } from './groups.ts';
import { applyLearn } from './learn.ts';
import { creditRule, currentRule } from './rule.ts';

const TCP_FIN = 0x01;
const TCP_RST = 0x04;

/** What packets the effects are for. */
export interface EffectCounts {
  readonly packets: number;
  readonly bytes: number;
  /** all TCP flags of the packets */
  readonly tcpFlags: number;
  /** time of the last of them */
  readonly usedMs: number;
}

export function applyEffects(effects: readonly Effect[], counts: EffectCounts): void {
  for (const effect of effects) {
    applyEffect(effect, counts);
  }
}

function applyEffect(effect: Effect, { packets, bytes, tcpFlags, usedMs }: EffectCounts): void {
  switch (effect.kind) {
    case 'rule':
      creditRule(effect.rule, packets, bytes, usedMs);
      creditTable(effect.table, true, packets);
      break;
    case 'miss':
      creditTable(effect.table, false, packets);
      break;
    case 'group':
      creditGroup(effect.group, effect.bucket, packets, bytes);
      break;
    case 'mac':
      effect.bridge.macLearning.learn(effect, usedMs);
      break;
    case 'patch':
      effect.port.patchStats.txPackets += packets;
      effect.port.patchStats.txBytes += bytes;
      effect.peer.patchStats.rxPackets += packets;
      effect.peer.patchStats.rxBytes += bytes;
      break;
    case 'learn':
      applyLearn(effect.bridge, effect.flowMod, effect.limit, usedMs);
      break;
    case 'fin_timeout':
      if ((tcpFlags & (TCP_FIN | TCP_RST)) !== 0) {
        reduceTimeouts(effect);
      }
      break;
  }
}

function reduceTimeouts(effect: Effect & { kind: 'fin_timeout' }): void {
  const rule = currentRule(effect.rule);
  effect.bridge.tables.reduceTimeouts(rule, effect.idleTimeout, effect.hardTimeout);
}
