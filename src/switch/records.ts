/** What the embedding API is given and gives back: options, and what a switch shows of itself. */
import type { DpifStats } from '../dpif/index.ts';
import type { FlowWords } from '../flow/index.ts';
import type { Netdev } from '../netdev/index.ts';
import type { ExplainedField, PortConfig, PortVlans, RemovedRule, TableMiss, TraceNode } from '../ofproto/index.ts';
import type { FlowStats } from '../openflow/index.ts';
import type { PacketIn, UdpifCounters, UdpifSummary } from '../udpif/index.ts';

export interface SwitchOptions {
  /** name of the first bridge; default `br0` */
  readonly bridge?: string;
  /** seed of hashes and of sampling: equal seeds, equal behaviour; default 1 */
  readonly seed?: number;
  /** how megaflows are found: by hash tree (default) or by the list of masks with a mask cache */
  readonly lookup?: 'tree' | 'masks';
  /** entries of the mask cache of `lookup: 'masks'`; default 256, 0 = off */
  readonly maskCacheSize?: number;
  /** most megaflows; default 10,000 (an embedded switch reserves memory for all of them) */
  readonly maxMegaflows?: number;
  /** idle time after which a megaflow goes; default 10,000 ms */
  readonly maxIdleMs?: number;
  /** a running clock in ms; without it time moves by `advance` only */
  readonly clock?: () => number;
  /** with `clock`: the least time between two rounds of revalidation that a change asks for; default 100 ms */
  readonly revalidationIntervalMs?: number;
  /** called for each packet that an action or a table miss sends to the controller */
  readonly onPacketIn?: (packetIn: PacketIn) => void;
  /** called for each flow that expired or was deleted */
  readonly onFlowRemoved?: (removed: FlowRemoved) => void;
  /** called with warnings, one line each */
  readonly onWarning?: (text: string) => void;
  /** whether texts show names of ports instead of numbers, `ovs-ofctl --names`; names are read in any case. Default false */
  readonly showsNames?: boolean;
}

export interface SwitchPortOptions {
  /** OpenFlow port number, or `LOCAL`; default the lowest free one */
  readonly number?: number | 'LOCAL';
  /** bridge to add the port to; default the first */
  readonly bridge?: string;
  /** a port with a device of its own instead of one in memory */
  readonly netdev?: Netdev;
  /** VLANs; default a trunk of all */
  readonly vlans?: Partial<PortVlans>;
  /** no frames by NORMAL between protected ports */
  readonly isProtected?: boolean;
}

/** What can be changed of a port; what is not given stays. */
export interface SwitchPortChanges {
  /** the link of a port in memory; nothing is received or sent while it is down */
  readonly linkUp?: boolean;
  /** OpenFlow's port configuration, `ovs-ofctl mod-port`; a port that is `down` neither receives nor sends */
  readonly config?: Partial<PortConfig>;
  readonly vlans?: Partial<PortVlans>;
  readonly isProtected?: boolean;
}

/** What can be changed of a table, `ovs-ofctl mod-table`; what is not given stays. */
export interface SwitchTableChanges {
  /** what becomes of packets that match no flow: dropped unless told otherwise */
  readonly miss?: TableMiss;
  /** most flows */
  readonly maxFlows?: number;
}

export interface FlowRemoved {
  readonly bridge: string;
  readonly reason: RemovedRule['reason'];
  readonly flow: FlowStats;
}

/** A frame that left the switch. */
export interface SentFrame {
  readonly port: string;
  readonly frame: Uint8Array;
}

/** What `trace` found. */
export interface TraceResult {
  /** as `ovs-appctl ofproto/trace` prints it */
  readonly text: string;
  /** the same as a tree */
  readonly tree: readonly TraceNode[];
  /** the megaflow's match, as text */
  readonly megaflow: string;
  /** datapath actions as text; `drop` for none */
  readonly actions: string;
  /** for every field of the megaflow, who asked for it */
  readonly explanation: readonly ExplainedField[];
}

/** A megaflow of the cache. */
export interface Megaflow {
  /** key and mask in the text of `ovs-appctl dpctl/dump-flows`, with statistics and actions */
  readonly text: string;
  readonly packets: number;
  readonly bytes: number;
  readonly usedMs: number;
}

/** A mask of the cache, with what it serves. */
export interface MaskSummary {
  /** the matched fields, as a match that is all ones */
  readonly mask: FlowWords;
  readonly flows: number;
  readonly hits: number;
}

export interface SwitchCounters {
  readonly datapath: DpifStats;
  readonly udpif: Readonly<UdpifCounters>;
  readonly upcall: UdpifSummary;
  /** packets whose headers were cut off or wrong, switched by what could be read, or dropped when even Ethernet was short */
  readonly malformed: number;
}

/** Called when packets may wait on a port; see `Switch.setReadableListener`. */
export type ReadableListener = (isExternal: boolean) => void;
