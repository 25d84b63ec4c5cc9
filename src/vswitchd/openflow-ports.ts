/** Ports of a bridge as OpenFlow shows and changes them. */
import type { BridgePort, PortConfig } from '../ofproto/index.ts';
import {
  OpenFlowError,
  type OpenFlowVersion,
  type PortDescription,
  type PortModMessage,
  type PortStatistics,
  UNKNOWN_COUNT,
} from '../openflow/index.ts';
import type { OpenFlowBridge } from './openflow-bridge.ts';

/** OFPPC_* */
const PORT_DOWN = 1 << 0;
const NO_RECEIVE = 1 << 2;
const NO_FLOOD = 1 << 4;
const NO_FORWARD = 1 << 5;
const NO_PACKET_IN = 1 << 6;
/** OFPPS_* */
const LINK_DOWN = 1 << 0;
const LIVE = 1 << 2;

/** A port as OFPT_PORT_STATUS and descriptions of ports show it. */
export function describePort(target: OpenFlowBridge, port: BridgePort, version: OpenFlowVersion): PortDescription {
  const { config } = port;
  const isUp = port.linkUp && !config.down;
  return {
    port: port.number,
    hardwareAddress: addressNumber(target.portDetails(port).etherAddress),
    name: port.name,
    config:
      (config.down ? PORT_DOWN : 0) |
      (config.noReceive ? NO_RECEIVE : 0) |
      // Only OpenFlow 1.0 knows floods.
      (config.noFlood && version === 1 ? NO_FLOOD : 0) |
      (config.noForward ? NO_FORWARD : 0) |
      (config.noPacketIn ? NO_PACKET_IN : 0),
    state: isUp ? (version === 1 ? 0 : LIVE) : LINK_DOWN,
    current: 0,
    advertised: 0,
    supported: 0,
    peer: 0,
    currentSpeed: 0,
    maxSpeed: 0,
  };
}

/** One entry of OFPST_PORT. */
export function portStatistics(target: OpenFlowBridge, port: BridgePort): PortStatistics {
  const { stats, createdMs } = target.portDetails(port);
  const counts =
    stats === null
      ? []
      : [
          stats.rxPackets,
          stats.txPackets,
          stats.rxBytes,
          stats.txBytes,
          stats.rxDropped,
          stats.txDropped,
          stats.rxErrors,
          stats.txErrors,
        ];
  return {
    port: port.number,
    counts: Array.from({ length: 12 }, (_, index) => {
      const count = counts[index];
      return count === undefined ? UNKNOWN_COUNT : BigInt(count);
    }),
    durationMs: Math.max(0, target.nowMs - createdMs),
  };
}

/**
 * Carries out a port mod and returns the port, or null when nothing changed. Throws OFPPMFC_BAD_PORT and
 * OFPPMFC_BAD_HW_ADDR.
 */
export function applyPortMod(target: OpenFlowBridge, mod: PortModMessage): BridgePort | null {
  const port = target.bridge.ports.get(mod.port);
  if (port === undefined) {
    throw new OpenFlowError('OFPPMFC_BAD_PORT', `no port ${mod.port}`);
  }
  if (mod.hardwareAddress !== addressNumber(target.portDetails(port).etherAddress)) {
    throw new OpenFlowError('OFPPMFC_BAD_HW_ADDR', `port ${mod.port} has another address`);
  }
  const changes = configChanges(mod);
  const names = Object.keys(changes) as (keyof PortConfig)[];
  if (names.every((name) => port.config[name] === changes[name])) {
    return null;
  }
  target.configurePort(port, changes);
  return port;
}

function configChanges({ config, mask }: PortModMessage): Partial<PortConfig> {
  return {
    ...((mask & PORT_DOWN) === 0 ? {} : { down: (config & PORT_DOWN) !== 0 }),
    ...((mask & NO_RECEIVE) === 0 ? {} : { noReceive: (config & NO_RECEIVE) !== 0 }),
    ...((mask & NO_FLOOD) === 0 ? {} : { noFlood: (config & NO_FLOOD) !== 0 }),
    ...((mask & NO_FORWARD) === 0 ? {} : { noForward: (config & NO_FORWARD) !== 0 }),
    ...((mask & NO_PACKET_IN) === 0 ? {} : { noPacketIn: (config & NO_PACKET_IN) !== 0 }),
  };
}

function addressNumber(address: Uint8Array): bigint {
  return address.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}
