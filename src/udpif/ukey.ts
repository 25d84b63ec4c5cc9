/**
 * A ukey mirrors an installed megaflow: what was translated for it, and what of its statistics was credited already. Key,
 * mask and actions are the datapath's and read from there.
 */
import type { DpifFlow, DpifFlowStats } from '../dpif/index.ts';
import type { Effect } from '../ofproto/index.ts';

export interface Ukey {
  readonly flow: DpifFlow;
  readonly createdMs: number;
  /** statistics of the megaflow that were credited */
  readonly credited: DpifFlowStats;
  /** what to do with the statistics: the effects of the last translation */
  effects: readonly Effect[];
  /** recirculation ids that the actions name, held while the ukey lives */
  recircIds: readonly number[];
  /** the pipeline's sequence number at the last translation */
  sequence: number;
  /** the last dump that showed the flow */
  dumpSequence: number;
}
