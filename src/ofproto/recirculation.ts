/**
 * Recirculation: what the pipeline must remember while the datapath does something to the packet that only it can do
 * (compute a hash, look under an MPLS label), or while the packet is on its way to a controller.
 *
 * A frozen state gets a number, its recirculation id. Equal states share one id, so that translating a flow twice gives
 * equal actions; taking an id is therefore no side effect that anyone could see, and translation stays pure. Who keeps
 * an id in an installed megaflow holds a reference (`take`, `release`); states without references are dropped when the
 * table is asked to (`collect`), which the owner does between rounds of revalidation.
 */
import { type FlowWords, W_METADATA, W_TUN_ID, W_TUN_METADATA } from '../flow/index.ts';
import { formatActions, type OpenFlowAction } from '../openflow/index.ts';
import type { Bridge } from './bridge.ts';
import type { Rule } from './rule.ts';

/** Actions still to do, in the table and under the rule that they came from. */
export interface FrozenActions {
  readonly actions: readonly OpenFlowAction[];
  readonly table: number;
  readonly rule: Rule | null;
}

export interface FrozenState {
  readonly bridge: Bridge;
  /** table to continue at when there are no actions to do */
  readonly table: number;
  readonly inPort: number;
  /** the flow's words that do not come from the packet: metadata, registers, tunnel */
  readonly metadata: Int32Array;
  readonly stack: readonly bigint[];
  readonly actionSet: readonly OpenFlowAction[];
  /** innermost first */
  readonly actions: readonly FrozenActions[];
  /** whether the datapath computes dp_hash on the way */
  readonly hasHash: boolean;
  /** for packets on their way to a controller */
  readonly userdata: Uint8Array;
}

interface Entry {
  readonly id: number;
  readonly key: string;
  readonly state: FrozenState;
  references: number;
  /** whether it was used since the last collection */
  isFresh: boolean;
}

/**
 * First and last word of the flow that a frozen state keeps: the tunnel (always matched where there is one), metadata
 * and registers. Marks, hashes and connection state stay with the packet.
 */
const METADATA_START = W_TUN_ID;
const METADATA_END = W_TUN_METADATA;

/** The metadata words of a flow, for a frozen state. */
export function freezeMetadata(flow: FlowWords): Int32Array {
  return flow.slice(METADATA_START, METADATA_END);
}

/** Puts OpenFlow's own part of frozen metadata (metadata, registers) back into a flow. */
export function thawMetadata(state: FrozenState, flow: FlowWords): void {
  for (let word = W_METADATA; word < METADATA_END; word++) {
    flow[word] = state.metadata[word - METADATA_START]!;
  }
}

export class RecirculationTable {
  readonly #byId: Map<number, Entry> = new Map();
  readonly #byKey: Map<string, Entry> = new Map();
  readonly #ruleNumbers: WeakMap<object, number> = new WeakMap();
  #nextId = 1;
  #nextRuleNumber = 1;

  /** The id of a state, the same for equal states. */
  intern(state: FrozenState): number {
    const key = this.#keyOf(state);
    let entry = this.#byKey.get(key);
    if (entry === undefined) {
      entry = { id: this.#nextId++, key, state, references: 0, isFresh: true };
      this.#byKey.set(key, entry);
      this.#byId.set(entry.id, entry);
    }
    entry.isFresh = true;
    return entry.id;
  }

  get(id: number): FrozenState | undefined {
    return this.#byId.get(id)?.state;
  }

  get count(): number {
    return this.#byId.size;
  }

  take(id: number): void {
    const entry = this.#byId.get(id);
    if (entry !== undefined) {
      entry.references++;
    }
  }

  release(id: number): void {
    const entry = this.#byId.get(id);
    if (entry !== undefined) {
      entry.references--;
    }
  }

  /** Forgets states that have no reference and were not asked for since the last collection. */
  collect(): void {
    for (const entry of this.#byId.values()) {
      if (entry.references > 0 || entry.isFresh) {
        entry.isFresh = false;
        continue;
      }
      this.#byId.delete(entry.id);
      this.#byKey.delete(entry.key);
    }
  }

  #keyOf(state: FrozenState): string {
    const actions = state.actions.map(
      (segment) => `${segment.table}/${this.#numberOf(segment.rule)}/${formatActions(segment.actions)}`,
    );
    return [
      this.#numberOf(state.bridge),
      state.table,
      state.inPort,
      state.metadata.join(),
      state.stack.join(),
      formatActions(state.actionSet),
      actions.join('|'),
      state.hasHash,
      state.userdata.join(),
    ].join(';');
  }

  #numberOf(object: object | null): number {
    if (object === null) {
      return 0;
    }
    let number = this.#ruleNumbers.get(object);
    if (number === undefined) {
      number = this.#nextRuleNumber++;
      this.#ruleNumbers.set(object, number);
    }
    return number;
  }
}
