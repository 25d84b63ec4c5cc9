/**
 * A ukey mirrors an installed megaflow: what was translated for it, and what of its statistics was credited already. Mask
 * and actions are the datapath's and read from there. The key is kept whole: which bits a translation looks at may
 * depend on bits that it then need not match (a trie that would take too many of them is passed over), so only the packet
 * that made the megaflow is sure to lead to the same mask again.
 */
import type { DpifFlow, DpifFlowStats } from '../dpif/index.ts';
import type { Miniflow } from '../flow/index.ts';
import type { Effect } from '../ofproto/index.ts';

export interface Ukey {
  readonly flow: DpifFlow;
  /** key of the packet that the megaflow was made for */
  readonly key: Miniflow;
  readonly createdMs: number;
  /** statistics of the megaflow that were credited */
  readonly credited: DpifFlowStats;
  /** what to do with the statistics: the effects of the last translation */
  effects: readonly Effect[];
  /** recirculation ids of the key and the actions, held while the ukey lives */
  recircIds: readonly number[];
  /** the pipeline's sequence number at the last translation */
  sequence: number;
  /** the last dump that showed the flow */
  dumpSequence: number;
}
