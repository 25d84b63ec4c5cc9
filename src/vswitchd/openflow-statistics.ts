/**
 * Answers to OFPT_STATS_REQUEST, OFPT_MULTIPART_REQUEST and the other questions that change nothing.
 *
 * Each answer is one record, however long: the connection cuts it into messages.
 */
import { TABLE_ALL } from '../ofproto/index.ts';
import {
  type FlowStatsRequest,
  type Message,
  OFPG_ALL,
  OFPG_ANY,
  OFPM_ALL,
  OFPP_NONE,
  OpenFlowError,
  type OpenFlowVersion,
} from '../openflow/index.ts';
import type { OpenFlowBridge } from './openflow-bridge.ts';
import {
  featuresReply,
  GROUP_FEATURES,
  OPENFLOW_TABLES,
  tableFeatures,
  tableStatsFeatures,
} from './openflow-features.ts';
import { describePort, portStatistics } from './openflow-ports.ts';

const QUEUE_ALL = 0xffffffff;
const OF12 = 3;
const OF15 = 6;
/** OFPMF_*: kbps, pktps, burst, stats */
const METER_CAPABILITIES = 0xf;

/** The answer to a question, or null when the message is none. Throws `OpenFlowError` for what does not exist. */
export function answerOf(target: OpenFlowBridge, message: Message, version: OpenFlowVersion): Message | null {
  const { bridge } = target;
  const { tables } = bridge;
  switch (message.type) {
    case 'features_request': {
      const reply = featuresReply(target.datapathId, version);
      return { ...reply, ports: version > OF12 ? [] : describePorts(target, OFPP_NONE, version) };
    }
    case 'desc_request':
      return { type: 'desc_reply', ...target.description };
    case 'flow_stats_request':
      checkTable(message.table);
      target.creditStatistics();
      return { type: 'flow_stats_reply', flows: tables.dump(filterOf(message), target.nowMs) };
    case 'aggregate_request':
      checkTable(message.table);
      target.creditStatistics();
      return { type: 'aggregate_reply', ...tables.aggregate(filterOf(message)) };
    case 'table_stats_request':
      target.creditStatistics();
      return { type: 'table_stats_reply', tables: tableNumbers().map((id) => tableStatistics(target, id, version)) };
    case 'table_features_request':
      if (message.tables.length > 0) {
        throw new OpenFlowError('OFPTFFC_EPERM', 'features of tables cannot be changed');
      }
      return {
        type: 'table_features_reply',
        tables: tableNumbers().map((id) => tableFeatures(tables.table(id), version)),
      };
    case 'table_desc_request':
      return {
        type: 'table_desc_reply',
        tables: tableNumbers().map((table) => ({ table, eviction: false, evictionFlags: 0, vacancy: null })),
      };
    case 'port_stats_request': {
      const ports = bridge.portsInOrder().filter(({ number }) => message.port === OFPP_NONE || number === message.port);
      return { type: 'port_stats_reply', ports: ports.map((port) => portStatistics(target, port)) };
    }
    case 'port_desc_request': {
      const wanted = version >= OF15 ? message.port : OFPP_NONE;
      return { type: 'port_desc_reply', ports: describePorts(target, wanted, version) };
    }
    case 'queue_stats_request':
      checkQueue(target, message.port, message.queue);
      return { type: 'queue_stats_reply', queues: [] };
    case 'queue_desc_request':
      checkQueue(target, message.port, message.queue);
      return { type: 'queue_desc_reply', queues: [], port: message.port };
    case 'group_desc_request': {
      const isWanted = groupFilter(message.group);
      const groups = tables.groups.groups().filter(({ id }) => isWanted(id));
      return { type: 'group_desc_reply', groups: groups.map(({ id, ...group }) => ({ group: id, ...group })) };
    }
    case 'group_stats_request':
      target.creditStatistics();
      return {
        type: 'group_stats_reply',
        groups: tables.groups.stats(message.group, (group) => tables.groupReferences(group), target.nowMs),
      };
    case 'group_features_request':
      return GROUP_FEATURES;
    case 'meter_stats_request': {
      checkMeter(target, message.meter);
      target.creditStatistics();
      const isWanted = meterFilter(message.meter);
      return { type: 'meter_stats_reply', meters: target.meterStatistics().filter(({ meter }) => isWanted(meter)) };
    }
    case 'meter_config_request': {
      checkMeter(target, message.meter);
      const isWanted = meterFilter(message.meter);
      const meters = tables.meters.meters().filter(({ id }) => isWanted(id));
      return { type: 'meter_config_reply', meters: meters.map(({ id, ...meter }) => ({ meter: id, ...meter })) };
    }
    case 'meter_features_request':
      return {
        type: 'meter_features_reply',
        ...tables.meters.features,
        capabilities: METER_CAPABILITIES,
        maxColor: 0,
      };
    default:
      return null;
  }
}

function tableNumbers(): number[] {
  return Array.from({ length: OPENFLOW_TABLES }, (_, id) => id);
}

function checkTable(table: number): void {
  if (table !== TABLE_ALL && table > OPENFLOW_TABLES) {
    throw new OpenFlowError('OFPBRC_BAD_TABLE_ID', `no table ${table}`);
  }
}

function checkQueue({ bridge }: OpenFlowBridge, port: number, queue: number): void {
  if (port !== OFPP_NONE && !bridge.ports.has(port)) {
    throw new OpenFlowError('OFPQOFC_BAD_PORT', `no port ${port}`);
  }
  if (queue !== QUEUE_ALL) {
    throw new OpenFlowError('OFPQOFC_BAD_QUEUE', `no queue ${queue}`);
  }
}

function checkMeter({ bridge }: OpenFlowBridge, meter: number): void {
  if (meter !== OFPM_ALL && bridge.tables.meters.get(meter) === null) {
    throw new OpenFlowError('OFPMMFC_UNKNOWN_METER', `no meter ${meter}`);
  }
}

function groupFilter(group: number): (id: number) => boolean {
  return group === OFPG_ALL || group === OFPG_ANY ? () => true : (id) => id === group;
}

function meterFilter(meter: number): (id: number) => boolean {
  return meter === OFPM_ALL ? () => true : (id) => id === meter;
}

function filterOf(request: FlowStatsRequest): Omit<FlowStatsRequest, 'type'> {
  const { table, match, cookieMatch, cookieMask, outPort, outGroup } = request;
  return { table, match, cookieMatch, cookieMask, outPort, outGroup };
}

function describePorts(
  target: OpenFlowBridge,
  wanted: number,
  version: OpenFlowVersion,
): ReturnType<typeof describePort>[] {
  const ports = [...target.bridge.ports.values()]
    .filter(({ number }) => wanted === OFPP_NONE || number === wanted)
    .sort((a, b) => a.number - b.number);
  return ports.map((port) => describePort(target, port, version));
}

function tableStatistics({ bridge }: OpenFlowBridge, id: number, version: OpenFlowVersion) {
  const table = bridge.tables.table(id);
  return {
    table: id,
    name: table.name,
    maxEntries: table.maxFlows,
    activeCount: table.classifier.count,
    lookupCount: BigInt(table.matched + table.missed),
    matchedCount: BigInt(table.matched),
    features: tableStatsFeatures(table, version),
  };
}
