/**
 * The bridges above one datapath, and how a datapath port belongs to one of them.
 */
import { createFlow, type FlowWords, W_IN_PORT, W_RECIRC_ID } from '../flow/index.ts';
import {
  type Bridge,
  type BridgePort,
  RecirculationTable,
  type Translation,
  type TranslationRequest,
  type TranslationTrace,
  Translator,
} from '../ofproto/index.ts';

export interface PipelinePort {
  readonly bridge: Bridge;
  readonly port: BridgePort;
}

export class Pipeline {
  readonly bridges: Map<string, Bridge> = new Map();
  readonly recirculation: RecirculationTable = new RecirculationTable();
  readonly #translator: Translator = new Translator(this.recirculation);
  readonly #byDatapathPort: Map<number, PipelinePort> = new Map();
  readonly #flow: FlowWords = createFlow();
  #removedSequence = 0;

  /** Grows with every change that may change a translation. */
  get changeSequence(): number {
    let sequence = this.#removedSequence;
    for (const bridge of this.bridges.values()) {
      sequence += bridge.changeSequence;
    }
    return sequence;
  }

  addBridge(bridge: Bridge): void {
    this.bridges.set(bridge.name, bridge);
  }

  removeBridge(name: string): void {
    const bridge = this.bridges.get(name);
    if (bridge !== undefined) {
      this.#removedSequence += bridge.changeSequence + 1;
      this.bridges.delete(name);
      for (const [number, owner] of this.#byDatapathPort) {
        if (owner.bridge === bridge) {
          this.#byDatapathPort.delete(number);
        }
      }
    }
  }

  /** Says that packets of a datapath port are the bridge's. */
  attach(datapathPort: number, bridge: Bridge, port: BridgePort): void {
    this.#byDatapathPort.set(datapathPort, { bridge, port });
    bridge.notePortChange();
  }

  detach(datapathPort: number): void {
    this.#byDatapathPort.get(datapathPort)?.bridge.notePortChange();
    this.#byDatapathPort.delete(datapathPort);
  }

  owner(datapathPort: number): PipelinePort | undefined {
    return this.#byDatapathPort.get(datapathPort);
  }

  /**
   * Translates a datapath key (`W_IN_PORT` a datapath port). Null when no bridge owns the port. The result is overwritten by
   * the next translation.
   */
  translateKey(key: FlowWords, trace?: TranslationTrace): Translation | null {
    const owner = this.#byDatapathPort.get(key[W_IN_PORT]!);
    const state = key[W_RECIRC_ID] === 0 ? undefined : this.recirculation.get(key[W_RECIRC_ID]!);
    const bridge = state?.bridge ?? owner?.bridge;
    if (bridge === undefined || this.bridges.get(bridge.name) !== bridge) {
      return null;
    }
    this.#flow.set(key);
    this.#flow[W_IN_PORT] = owner?.port.number ?? state?.inPort ?? 0;
    return this.translate(trace === undefined ? { bridge, flow: this.#flow } : { bridge, flow: this.#flow, trace });
  }

  translate(request: TranslationRequest): Translation {
    return this.#translator.translate(request);
  }
}
