/**
 * What OpenFlow needs of a bridge: the smallest interface between the messages (`openflow-service.ts`) and a switch.
 *
 * The bridge's tables, groups and ports are read directly from `bridge`; everything that changes something goes through a
 * method, because a change also means revalidated megaflows, flow-removed messages and meters of a datapath. A method that
 * refuses throws `OpenFlowError`, and has changed nothing then.
 */
import type { Match } from '../flow/index.ts';
import type { NetdevStats } from '../netdev/index.ts';
import type { Bridge, BridgePort, PortConfig, TableMiss } from '../ofproto/index.ts';
import type { FlowMod, GroupMod, MeterMod, MeterStatistics, OpenFlowAction } from '../openflow/index.ts';

/** What OpenFlow shows of a port that the bridge does not know. */
export interface OpenFlowPortDetails {
  /** six bytes */
  readonly etherAddress: Uint8Array;
  /** null = not counted */
  readonly stats: NetdevStats | null;
  readonly createdMs: number;
}

/** The texts of OFPST_DESC. */
export interface OpenFlowDescription {
  readonly manufacturer: string;
  readonly hardware: string;
  readonly software: string;
  readonly serialNumber: string;
  readonly datapath: string;
}

export interface OpenFlowBridge {
  readonly bridge: Bridge;
  readonly datapathId: bigint;
  readonly description: OpenFlowDescription;
  /** the clock of the bridge's flows */
  readonly nowMs: number;
  /** Changes flows in order, all or none. The first that is refused throws before the next is asked for. */
  applyFlowMods(mods: Iterable<FlowMod>): void;
  applyGroupMod(mod: GroupMod): void;
  applyMeterMod(mod: MeterMod): void;
  /** Brings the counters of flows, groups and tables up to date. */
  creditStatistics(): void;
  /** What meters counted, by number. */
  meterStatistics(): MeterStatistics[];
  /** Runs actions on a frame; `metadata` has its in_port, and what else is known of it. */
  packetOut(frame: Uint8Array, actions: readonly OpenFlowAction[], metadata: Match): void;
  portDetails(port: BridgePort): OpenFlowPortDetails;
  configurePort(port: BridgePort, config: Partial<PortConfig>): void;
  /** `table` 0..253 */
  configureTable(table: number, miss: TableMiss): void;
}
