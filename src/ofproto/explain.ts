/**
 * Explains a megaflow: for each field that it matches, who asked for which of its bits.
 */
import {
  createFlow,
  FIELDS,
  type FlowWords,
  formatFieldValue,
  type MatchField,
  readBigBits,
  W_CONJ_ID,
  W_METADATA,
} from '../flow/index.ts';
import { hasPrerequisite } from './flow-edit.ts';
import type { ProvenanceEntry } from './trace.ts';

/** One field, or part of one, that a megaflow matches, and why. */
export interface ExplainedField {
  readonly field: string;
  /** value with the bits that were asked for, such as `10.0.0.0/8` */
  readonly value: string;
  readonly bridge: string;
  readonly table: number | null;
  readonly reason: string;
}

/** Fields to explain, the widest first where several share bits; OpenFlow's own state never reaches a megaflow. */
const EXPLAINED_FIELDS: readonly MatchField[] = FIELDS.filter(
  ({ name, bitOffset, width }) =>
    width > 0 && name !== 'in_port_oxm' && (bitOffset >>> 5 < W_METADATA || bitOffset >>> 5 > W_CONJ_ID),
).sort((a, b) => b.width - a.width);

/** What each step of a translation of `flow` made the megaflow match, in the order of the steps. */
export function explainMegaflow(flow: FlowWords, provenance: readonly ProvenanceEntry[]): ExplainedField[] {
  return provenance.flatMap(({ mask, bridge, table, reason }) =>
    fieldsOf(flow, mask).map(({ field, value }) => ({ field, value, bridge, table, reason })),
  );
}

const scratchWildcards: FlowWords = createFlow();

function fieldsOf(flow: FlowWords, mask: FlowWords): { field: string; value: string; id: number }[] {
  const rest = mask.slice();
  const found: { field: string; value: string; id: number }[] = [];
  for (const field of EXPLAINED_FIELDS) {
    const bits = readBigBits(rest, field.bitOffset, field.width);
    if (bits === 0n || !hasPrerequisite(flow, scratchWildcards, field.prerequisite)) {
      continue;
    }
    const value = readBigBits(flow, field.bitOffset, field.width) & bits;
    found.push({ field: field.name, value: formatFieldValue(field, value, bits), id: field.id });
    clearBits(rest, field);
  }
  return found.sort((a, b) => a.id - b.id);
}

function clearBits(words: FlowWords, field: MatchField): void {
  for (let bit = field.bitOffset; bit < field.bitOffset + field.width; bit++) {
    words[bit >>> 5]! &= ~(1 << (31 - (bit & 31)));
  }
}
