/**
 * The state of one translation, shared by the files that translate actions.
 *
 * `flow` is the packet as the pipeline sees it now, `base` the packet as the datapath has it, `wildcards` the bits looked
 * at so far, `writer` the datapath actions written so far. A context is used again for the next translation; what it
 * hands out is valid until then.
 */
import { ActionWriter } from '../dpif/index.ts';
import {
  createFlow,
  type FlowWords,
  formatFieldValue,
  formatHex,
  formatSubfield,
  readBigBits,
  type Subfield,
  subfieldBitOffset,
  W_DP_HASH,
  W_IN_PORT,
  W_SKB_PRIORITY,
  writeBits,
} from '../flow/index.ts';
import {
  type ControllerReason,
  formatActions,
  type OpenFlowAction,
  type OpenFlowTextOptions,
} from '../openflow/index.ts';
import type { Bridge } from './bridge.ts';
import { commitActions } from './commit.ts';
import type { Effect } from './effects.ts';
import { type FrozenActions, freezeMetadata, type RecirculationTable } from './recirculation.ts';
import type { Rule } from './rule.ts';
import type { TraceNodeType, TranslationTrace } from './trace.ts';

/** Why a translation was given up; the packet is dropped. The texts are Open vSwitch's. */
export type TranslationError =
  | 'Bridge not found'
  | 'Recursion too deep'
  | 'Too many resubmits'
  | 'Stack too deep'
  | 'No recirculation context'
  | 'Recirculation conflict'
  | 'Too many MPLS labels'
  | 'Unsupported packet type';

/** Tables, groups and clones inside one another, at most. */
export const MAX_DEPTH = 64;
/** Table lookups in one translation, at most. */
export const MAX_RESUBMITS: number = MAX_DEPTH * MAX_DEPTH;
/** Bytes on the stack (`push`), at most. */
export const MAX_STACK_BYTES = 65536;

/** OFPR_* of a packet-in as the datapath action carries it: an index (OpenFlow 1.4 section 7.4.1, in Open vSwitch's order). */
export const CONTROLLER_REASONS: readonly ControllerReason[] = [
  'no_match',
  'action',
  'invalid_ttl',
  'action_set',
  'group',
  'packet_out',
];

const NO_BYTES: Uint8Array = new Uint8Array(0);
/** upcall channel number: there is one channel per datapath here */
const UPCALL_PID = 0;
/** cookie of what no rule did */
const NO_COOKIE = 0xffffffffffffffffn;

/** Length to output that means: do not truncate. */
export const WHOLE_PACKET = 0xffff;

export class TranslationContext {
  readonly flow: FlowWords = createFlow();
  readonly base: FlowWords = createFlow();
  readonly wildcards: FlowWords = createFlow();
  readonly writer: ActionWriter = new ActionWriter();
  effects: Effect[] = [];
  trace: TranslationTrace | null = null;
  recirculation: RecirculationTable;
  bridge!: Bridge;
  /** OpenFlow table of the actions under translation */
  table = 0;
  /** rule of the actions under translation, in the action set that of the first table; null for a packet-out's own actions */
  rule: Rule | null = null;
  depth = 0;
  resubmits = 0;
  stack: bigint[] = [];
  actionSet: OpenFlowAction[] = [];
  isInActionSet = false;
  /** whether the actions under translation are a group's bucket */
  isInBucket = false;
  /** whether all this is for a packet-out */
  isPacketOut = false;
  /** set by `exit`: no further action anywhere */
  isExiting = false;
  /** the rest of the actions is to wait for the datapath: set by `freeze` */
  isFreezing = false;
  frozenActions: FrozenActions[] = [];
  /** hash for the datapath to compute before it recirculates */
  freezeHash: { readonly algorithm: number; readonly basis: number } | null = null;
  /** where freezing is for a controller's continuation, what to tell it */
  freezePause: (OpenFlowAction & { type: 'controller' }) | null = null;
  /** whether dp_hash is there, even if it is 0 */
  hasHash = false;
  wasMpls = false;
  /** whether something was done to the packet that setting fields cannot undo */
  isIrreversible = false;
  /** the packet's priority before any queue was set */
  originalPriority = 0;
  error: TranslationError | null = null;
  /** false where the translation is only looked at: the packets it sends to a controller are marked as not to be sent */
  hasSideEffects = true;
  /**
   * For each isolated part, in the order in which they began, whether it needs a clone in the datapath. Of those that
   * an outer part's second run comes to again, the answer is known.
   */
  #needsClone: boolean[] = [];
  #isolatedParts = 0;

  /** Translates a list of actions in this context; set by translate.ts, which all the others would import in a circle. */
  readonly runActions: (context: TranslationContext, actions: readonly OpenFlowAction[], isLast: boolean) => void;

  constructor(
    recirculation: RecirculationTable,
    runActions: (context: TranslationContext, actions: readonly OpenFlowAction[], isLast: boolean) => void,
  ) {
    this.recirculation = recirculation;
    this.runActions = runActions;
  }

  /** Forgets the last translation. `flow` is copied. */
  reset(bridge: Bridge, flow: FlowWords, trace: TranslationTrace | null, hasSideEffects: boolean): void {
    this.flow.set(flow);
    this.base.set(flow);
    this.wildcards.fill(0);
    this.writer.reset();
    this.effects = [];
    this.trace = trace;
    this.bridge = bridge;
    this.table = 0;
    this.rule = null;
    this.depth = 0;
    this.resubmits = 0;
    this.stack = [];
    this.actionSet = [];
    this.isInActionSet = false;
    this.isInBucket = false;
    this.isPacketOut = false;
    this.isExiting = false;
    this.isFreezing = false;
    this.frozenActions = [];
    this.freezeHash = null;
    this.freezePause = null;
    this.hasHash = flow[W_DP_HASH] !== 0;
    this.wasMpls = false;
    this.isIrreversible = false;
    this.originalPriority = flow[W_SKB_PRIORITY]!;
    this.error = null;
    this.hasSideEffects = hasSideEffects;
    this.#needsClone = [];
    this.#isolatedParts = 0;
  }

  report(type: TraceNodeType, text: string): void {
    this.trace?.report(type, text);
  }

  /** Gives up: nothing more is translated and the packet is dropped. */
  fail(error: TranslationError, text: string): void {
    this.error ??= error;
    this.trace?.report('error', text);
  }

  /** Takes down who un-wildcarded what since the last call. Call it only with a trace. */
  attribute(reason: string): void {
    this.trace?.attribute(this.wildcards, this.bridge.name, this.isInActionSet ? null : this.table, reason);
  }

  /** Writes out what the pipeline changed so far. */
  commit(): void {
    commitActions(this.flow, this.base, this.wildcards, this.writer);
  }

  /** Whether nothing more is to be translated now. */
  get isStopped(): boolean {
    return this.error !== null || this.isExiting || this.isFreezing;
  }

  /** Asks that the rest of the pipeline runs after the datapath has sent the packet round once more. */
  freeze(hash: { readonly algorithm: number; readonly basis: number } | null): void {
    this.isFreezing = true;
    this.freezeHash = hash;
  }

  /** Keeps actions for after the recirculation, behind those kept before. */
  keepForLater(actions: readonly OpenFlowAction[]): void {
    if (actions.length > 0) {
      this.frozenActions.push({ actions, table: this.table, rule: this.rule });
    }
  }

  /** Writes the recirculation that `freeze` asked for, if it did: the packet comes back with the state kept here. */
  finishFreezing(): void {
    if (!this.isFreezing || this.error !== null) {
      return;
    }
    this.commit();
    const pause = this.freezePause;
    const id = this.internState(true, pause?.userdata ?? NO_BYTES);
    if (pause !== null) {
      // A trace resumes nowhere.
      if (this.hasSideEffects) {
        this.writeController(id, pause.maxLength, pause.reason, pause.controllerId, true);
      }
    } else {
      if (this.freezeHash !== null) {
        this.writer.hash(this.freezeHash.algorithm, this.freezeHash.basis);
      }
      this.writer.recirc(id);
    }
    this.isFreezing = false;
    this.frozenActions = [];
    this.freezeHash = null;
    this.freezePause = null;
    this.actionSet = [];
  }

  /** Writes the action that sends the packet to a controller; `recircId` is the state to tell it of. */
  writeController(
    recircId: number,
    maxLength: number,
    reason: ControllerReason,
    controllerId: number,
    continuation: boolean,
  ): void {
    this.writer.userspace(UPCALL_PID, {
      kind: 'controller',
      reason: CONTROLLER_REASONS.indexOf(reason),
      dontSend: !this.hasSideEffects,
      continuation,
      recircId,
      ruleCookie: this.rule?.cookie ?? NO_COOKIE,
      controllerId,
      maxLength,
    });
  }

  /** Takes an id for the pipeline's state as it is now. */
  internState(withPipeline: boolean, userdata: Uint8Array): number {
    return this.recirculation.intern({
      bridge: this.bridge,
      table: this.table,
      inPort: this.flow[W_IN_PORT]!,
      metadata: freezeMetadata(this.flow),
      stack: withPipeline ? [...this.stack] : [],
      actionSet: withPipeline ? [...this.actionSet] : [],
      actions: withPipeline ? [...this.frozenActions] : [],
      hasHash: this.freezeHash !== null,
      userdata,
    });
  }

  /** Writes a number (up to 32 bits) to a subfield of the flow. */
  writeSubfield(subfield: Subfield, value: number): void {
    const low = Math.min(32, subfield.bits);
    const offset = subfieldBitOffset(subfield);
    for (let done = 0; done < subfield.bits - low; done += 32) {
      writeBits(this.flow, offset + done, Math.min(32, subfield.bits - low - done), 0);
    }
    writeBits(this.flow, offset + subfield.bits - low, low, value);
  }

  /**
   * Runs part of a translation so that what follows sees the packet as it was before: a clone, a bucket, the bridge behind
   * a patch port. `isLast`: nothing follows that could see a difference.
   *
   * Most changes are undone for free: the flow is put back, and the next commit sets what differs. What cannot be undone
   * by setting fields (`isIrreversible`) needs a clone in the datapath. Whether there is any shows only in the run, so
   * the part runs without a clone first, and once more inside one if need be. What is known of the parts inside it spares
   * them their first run then, or parts in parts would take time exponential in their depth.
   *
   * A part has a stack of its own and an action set that is empty at first. Recirculation inside ends only the part.
   */
  runIsolated(isLast: boolean, run: () => void): void {
    const { writer, isIrreversible, isExiting, resubmits } = this;
    const flow = this.flow.slice();
    const part = this.#isolatedParts++;
    let needsClone = this.#needsClone[part];
    if (needsClone === undefined) {
      const base = this.base.slice();
      const start = writer.length;
      const effects = this.effects.length;
      const reports = this.trace?.mark() ?? 0;
      this.isIrreversible = false;
      this.#runApart(run);
      needsClone = !isLast && this.isIrreversible && this.error === null;
      this.#needsClone[part] = needsClone;
      if (needsClone) {
        writer.rewind(start);
        this.effects.length = effects;
        this.trace?.rewind(reports);
        this.flow.set(flow);
        this.base.set(base);
        this.isExiting = isExiting;
        this.resubmits = resubmits;
        this.#isolatedParts = part + 1;
        this.#runInClone(run);
      }
    } else if (needsClone) {
      this.#runInClone(run);
    } else {
      this.#runApart(run);
    }
    // What a clone in the datapath undoes is not irreversible any more.
    this.isIrreversible = isIrreversible || (!needsClone && this.isIrreversible);
    this.flow.set(flow);
  }

  #runInClone(run: () => void): void {
    this.commit();
    const base = this.base.slice();
    this.writer.beginClone();
    this.#runApart(run);
    this.writer.end();
    this.base.set(base);
  }

  #runApart(run: () => void): void {
    const { stack, actionSet, isInActionSet, isInBucket, wasMpls, hasHash } = this;
    this.stack = [...stack];
    this.actionSet = [];
    run();
    this.finishFreezing();
    this.stack = stack;
    this.actionSet = actionSet;
    this.isInActionSet = isInActionSet;
    this.isInBucket = isInBucket;
    this.wasMpls = wasMpls;
    this.hasHash = hasHash;
  }

  /** Says in the trace what a subfield holds now. */
  reportSubfield(subfield: Subfield): void {
    if (this.trace !== null) {
      const value = readBigBits(this.flow, subfieldBitOffset(subfield), subfield.bits);
      const { field, bits } = subfield;
      const text = bits === field.width ? formatFieldValue(field, value) : formatHex(value);
      this.report('detail', `${formatSubfield(subfield)} is now ${text}`);
    }
  }

  /** An action as text, for the trace. */
  describe(action: OpenFlowAction): string {
    return formatActions([action], this.textOptions);
  }

  /** How the trace wants its texts. */
  get textOptions(): OpenFlowTextOptions {
    return this.trace?.showsNames === true ? { ports: this.bridge.portNames } : {};
  }
}
