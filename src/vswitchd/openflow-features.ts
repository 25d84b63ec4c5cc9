/**
 * What the switch says it can do: features replies, features of tables, groups and meters. The numbers are those of Open
 * vSwitch 3.1, because tools and controllers decide by them.
 */
import { FIELDS, type MatchField } from '../flow/index.ts';
import { type FlowTable, TABLE_INTERNAL } from '../ofproto/index.ts';
import {
  type FeaturesReply,
  type GroupFeaturesReply,
  OFPG_MAX,
  type OpenFlowVersion,
  type TableActionFeatures,
  type TableFeatures,
  type TableStatsFeatures,
} from '../openflow/index.ts';

/** the tables that controllers see: 0..253 */
export const OPENFLOW_TABLES: number = TABLE_INTERNAL;

const ALL_BITS = 0xffff_ffff_ffff_ffffn;
/** OFPC_* bits by version: FLOW_STATS TABLE_STATS PORT_STATS QUEUE_STATS; ARP_MATCH_IP; GROUP_STATS; BUNDLES */
const CAPABILITIES: Readonly<Record<OpenFlowVersion, number>> = {
  1: 0xc7,
  2: 0xcf,
  3: 0x4f,
  4: 0x4f,
  5: 0x24f,
  6: 0x24f,
};
/** OpenFlow 1.0: all actions from output to enqueue */
const ACTIONS_10 = 0xfff;
const ACTIONS_11 = 0x1ffe7ff;
/** output, group, push, pop, set field … (OpenFlow 1.2 and later) */
const ACTIONS_12 = 0x3ff8001;
const ACTION_NUMBERS_13: readonly number[] = Array.from({ length: 32 }, (_, bit) => bit).filter(
  (bit) => (ACTIONS_12 >>> bit) & 1,
);
/** OFPIT_* bits: goto_table, write_metadata, write_actions, apply_actions, clear_actions, meter */
const GOTO_TABLE = 1 << 1;
const INSTRUCTIONS_11 = 0x3e;
const METER_INSTRUCTION = 1 << 6;
/** OpenFlow 1.0: all wildcards */
const WILDCARDS_10 = 0x3fffffn;
const MATCH_11 = 0xfbffn;
const MATCH_12 = 0x101ffffffffdn;
const SET_FIELDS_12 = 0xffffffbddn;
const OF12 = 3;
const OF15 = 6;

export function featuresReply(datapathId: bigint, version: OpenFlowVersion): FeaturesReply {
  return {
    type: 'features_reply',
    datapathId,
    bufferCount: 0,
    tableCount: OPENFLOW_TABLES,
    auxiliaryId: 0,
    capabilities: CAPABILITIES[version],
    actions: version === 1 ? ACTIONS_10 : 0,
    ports: [],
  };
}

export const GROUP_FEATURES: GroupFeaturesReply = {
  type: 'group_features_reply',
  types: 0xf,
  // select by weight, select liveness, chaining
  capabilities: 7,
  maxGroups: [OFPG_MAX, OFPG_MAX, OFPG_MAX, OFPG_MAX],
  actions: [ACTIONS_12, ACTIONS_12, ACTIONS_12, ACTIONS_12],
};

/** What table statistics of OpenFlow 1.0 to 1.2 say of a table's abilities; null for later versions. */
export function tableStatsFeatures(table: FlowTable, version: OpenFlowVersion): TableStatsFeatures | null {
  if (version > OF12) {
    return null;
  }
  const none = {
    match: 0n,
    wildcards: WILDCARDS_10,
    writeActions: 0,
    applyActions: 0,
    writeSetFields: 0n,
    applySetFields: 0n,
    metadataMatch: 0n,
    metadataWrite: 0n,
    instructions: 0,
    config: 0,
  };
  if (version === 1) {
    return none;
  }
  const isOld = version < OF12;
  const actions = isOld ? ACTIONS_11 : ACTIONS_12;
  const setFields = isOld ? 0n : SET_FIELDS_12;
  return {
    match: isOld ? MATCH_11 : MATCH_12,
    wildcards: isOld ? MATCH_11 : MATCH_12,
    writeActions: actions,
    applyActions: actions,
    writeSetFields: setFields,
    applySetFields: setFields,
    metadataMatch: isOld ? 0n : ALL_BITS,
    metadataWrite: isOld ? 0n : ALL_BITS,
    instructions: hasNextTable(table.id) ? INSTRUCTIONS_11 : INSTRUCTIONS_11 & ~GOTO_TABLE,
    config: missConfig(table),
  };
}

/** OFPTC_TABLE_MISS_*: controller, continue, drop. */
function missConfig({ miss }: FlowTable): number {
  return miss === 'continue' ? 1 : miss === 'drop' ? 2 : 0;
}

function hasNextTable(table: number): boolean {
  return table < OPENFLOW_TABLES - 1;
}

/** Fields that a program can name in a message; those without an OXM are the switch's own. */
const NAMED_FIELDS: readonly MatchField[] = FIELDS.filter((field) => field.oxmIds.length > 0);
const WRITABLE_FIELDS: readonly MatchField[] = NAMED_FIELDS.filter((field) => field.writable);

/** OFPMP_TABLE_FEATURES of a table. */
export function tableFeatures(table: FlowTable, version: OpenFlowVersion): TableFeatures {
  const nextTables = Array.from({ length: OPENFLOW_TABLES }, (_, id) => id).filter((id) => id > table.id);
  const instructions = INSTRUCTIONS_11 | (version < OF15 ? METER_INSTRUCTION : 0);
  const features: TableActionFeatures = {
    nextTables,
    instructions: hasNextTable(table.id) ? instructions : instructions & ~GOTO_TABLE,
    writeActions: ACTION_NUMBERS_13,
    applyActions: ACTION_NUMBERS_13,
    writeSetFields: WRITABLE_FIELDS,
    applySetFields: WRITABLE_FIELDS,
  };
  return {
    table: table.id,
    name: table.name,
    metadataMatch: ALL_BITS,
    metadataWrite: ALL_BITS,
    config: 0,
    maxEntries: table.maxFlows,
    hit: features,
    miss: features,
    matchFields: NAMED_FIELDS.map((field) => ({ field, maskable: field.maskable })),
    wildcards: NAMED_FIELDS,
  };
}
