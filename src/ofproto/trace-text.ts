/**
 * The text of `ofproto/trace` (ovs-vswitchd(8)): the flow, the way through the tables, what came of it.
 */
import { decodeActions, formatDatapathActions } from '../dpif/index.ts';
import {
  createMatch,
  FLOW_WORDS,
  type FlowTextOptions,
  type FlowWords,
  formatFlow,
  formatMatch,
  VLAN_CFI,
  W_ACTSET_OUTPUT,
  W_VLAN0,
} from '../flow/index.ts';
import type { TranslationTrace } from './trace.ts';
import type { Translation } from './translate.ts';

/** Formats the outcome of translating `flow`, with the trace that was given to the translator. */
export function formatTrace(
  flow: FlowWords,
  trace: TranslationTrace,
  translation: Translation,
  options: FlowTextOptions = {},
): string {
  const { writer, error } = translation;
  const final = translation.flow.slice();
  final[W_ACTSET_OUTPUT] = flow[W_ACTSET_OUTPUT]!;
  const isUnchanged = final.every((word, index) => word === flow[index]);
  const actions = formatDatapathActions(decodeActions(writer.words, 0, writer.length));
  return [
    `Flow: ${formatFlow(flow, options)}\n`,
    `${trace.format()}\n`,
    `Final flow: ${isUnchanged ? 'unchanged' : formatFlow(final, options)}\n`,
    `Megaflow: ${formatMegaflow(flow, translation.wildcards, options)}\n`,
    `Datapath actions: ${actions}\n`,
    error === null ? '' : `Translation failed (${error}), packet is dropped.\n`,
  ].join('');
}

/** A flow under a mask, as text. That there is no VLAN tag goes without saying, as in the datapath's own text. */
export function formatMegaflow(flow: FlowWords, wildcards: FlowWords, options: FlowTextOptions = {}): string {
  const match = createMatch();
  for (let word = 0; word < FLOW_WORDS; word++) {
    match.masks[word] = wildcards[word]!;
    match.values[word] = flow[word]! & wildcards[word]!;
  }
  for (const word of [W_VLAN0, W_VLAN0 + 1]) {
    if ((flow[word]! & VLAN_CFI) === 0) {
      match.masks[word] = 0;
    }
  }
  return formatMatch(match, options);
}
