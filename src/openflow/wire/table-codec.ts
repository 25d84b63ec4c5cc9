/** Tables: statistics, features, descriptions, mods and status. */
import type { MatchField } from '../../flow/index.ts';
import { OpenFlowError } from '../errors.ts';
import { byNumber } from './action-context.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { type DecodeContext, type EncodeContext, readSized, writeSized } from './codec-context.ts';
import { readOxmHeader, writeOxmHeader } from './oxm.ts';
import { readProperties, writeProperty } from './properties.ts';
import type {
  TableActionFeatures,
  TableDescReply,
  TableDescription,
  TableFeatures,
  TableFeaturesMessage,
  TableModMessage,
  TableStatistics,
  TableStatsFeatures,
  TableStatsReply,
  TableStatusMessage,
  Vacancy,
} from './records.ts';

const OF10 = 1;
const OF11 = 2;
const OF12 = 3;
const OF14 = 5;
const NAME_BYTES = 32;
const MISSES = ['controller', 'continue', 'drop'] as const;
const CONFIG_EVICTION = 4;
const CONFIG_VACANCY = 8;
const PROPERTY_EVICTION = 2;
const PROPERTY_VACANCY = 3;
const STATUS_REASONS = ['vacancy_down', 'vacancy_up'] as const;
const FIRST_STATUS_REASON = 3;
/** OFPTFPT_*: the properties of table features, each followed by the one for table-miss flows */
const FEATURES = {
  instructions: 0,
  nextTables: 2,
  writeActions: 4,
  applyActions: 6,
  match: 8,
  wildcards: 10,
  writeSetFields: 12,
  applySetFields: 14,
} as const;

export function decodeTableStats(reader: ByteReader, { version }: DecodeContext): TableStatsReply {
  const tables: TableStatistics[] = [];
  while (reader.remaining > 0) {
    tables.push(readTableStats(reader, version));
  }
  return { type: 'table_stats_reply', tables };
}

const NO_FEATURES: TableStatsFeatures = {
  match: 0n,
  wildcards: 0n,
  writeActions: 0,
  applyActions: 0,
  writeSetFields: 0n,
  applySetFields: 0n,
  metadataMatch: 0n,
  metadataWrite: 0n,
  instructions: 0,
  config: 0,
};

function readTableStats(reader: ByteReader, version: number): TableStatistics {
  const table = reader.u8();
  if (version > OF12) {
    reader.skip(3);
    const activeCount = reader.u32();
    return {
      table,
      name: '',
      maxEntries: 0,
      activeCount,
      lookupCount: reader.u64(),
      matchedCount: reader.u64(),
      features: null,
    };
  }
  reader.skip(version === OF10 ? 3 : 7);
  const name = reader.text(NAME_BYTES);
  let features = NO_FEATURES;
  if (version === OF10) {
    features = { ...NO_FEATURES, wildcards: BigInt(reader.u32()) };
  } else if (version === OF11) {
    const wildcards = BigInt(reader.u32());
    const match = BigInt(reader.u32());
    const instructions = reader.u32();
    const writeActions = reader.u32();
    const applyActions = reader.u32();
    features = { ...NO_FEATURES, wildcards, match, instructions, writeActions, applyActions, config: reader.u32() };
  } else {
    features = {
      match: reader.u64(),
      wildcards: reader.u64(),
      writeActions: reader.u32(),
      applyActions: reader.u32(),
      writeSetFields: reader.u64(),
      applySetFields: reader.u64(),
      metadataMatch: reader.u64(),
      metadataWrite: reader.u64(),
      instructions: reader.u32(),
      config: reader.u32(),
    };
  }
  const maxEntries = reader.u32();
  const activeCount = reader.u32();
  return { table, name, maxEntries, activeCount, lookupCount: reader.u64(), matchedCount: reader.u64(), features };
}

export function encodeTableStats(writer: ByteWriter, { tables }: TableStatsReply, context: EncodeContext): void {
  for (const table of tables) {
    context.entry(() => writeTableStats(writer, table, context.version));
  }
}

function writeTableStats(writer: ByteWriter, table: TableStatistics, version: number): void {
  writer.u8(table.table);
  if (version > OF12) {
    writer.zeros(3);
    writer.u32(table.activeCount);
  } else {
    const features = table.features ?? NO_FEATURES;
    writer.zeros(version === OF10 ? 3 : 7);
    writer.text(table.name, NAME_BYTES);
    if (version === OF10) {
      writer.u32(Number(features.wildcards));
    } else if (version === OF11) {
      writer.u32(Number(features.wildcards));
      writer.u32(Number(features.match));
      writer.u32(features.instructions);
      writer.u32(features.writeActions);
      writer.u32(features.applyActions);
      writer.u32(features.config);
    } else {
      writer.u64(features.match);
      writer.u64(features.wildcards);
      writer.u32(features.writeActions);
      writer.u32(features.applyActions);
      writer.u64(features.writeSetFields);
      writer.u64(features.applySetFields);
      writer.u64(features.metadataMatch);
      writer.u64(features.metadataWrite);
      writer.u32(features.instructions);
      writer.u32(features.config);
    }
    writer.u32(table.maxEntries);
    writer.u32(table.activeCount);
  }
  writer.u64(table.lookupCount);
  writer.u64(table.matchedCount);
}

interface ActionDraft {
  nextTables: number[];
  instructions: number;
  writeActions: number[];
  applyActions: number[];
  writeSetFields: MatchField[];
  applySetFields: MatchField[];
}

function createDraft(): ActionDraft {
  return {
    nextTables: [],
    instructions: 0,
    writeActions: [],
    applyActions: [],
    writeSetFields: [],
    applySetFields: [],
  };
}

export function decodeTableFeatures(reader: ByteReader, type: TableFeaturesMessage['type']): TableFeaturesMessage {
  const tables: TableFeatures[] = [];
  while (reader.remaining > 0) {
    tables.push(readTableFeatures(readSized(reader, 64, 'OFPBPC_BAD_LEN')));
  }
  return { type, tables };
}

function readTableFeatures(entry: ByteReader): TableFeatures {
  const table = entry.u8();
  entry.skip(5);
  const name = entry.text(NAME_BYTES);
  const metadataMatch = entry.u64();
  const metadataWrite = entry.u64();
  const config = entry.u32();
  const maxEntries = entry.u32();
  const hit = createDraft();
  const miss = createDraft();
  const said = new Set<number>();
  let matchFields: TableFeatures['matchFields'] = [];
  let wildcards: MatchField[] = [];
  readProperties(entry, (property, body) => {
    said.add(property);
    if (property === FEATURES.match) {
      matchFields = readFieldIds(body);
      return true;
    }
    if (property === FEATURES.wildcards) {
      wildcards = readFieldIds(body).map(({ field }) => field);
      return true;
    }
    return readActionFeature(property & ~1, body, property % 2 === 0 ? hit : miss) || property >= 0xfffe;
  });
  // What is not said for table-miss flows is as for others.
  for (const name of [
    'instructions',
    'nextTables',
    'writeActions',
    'applyActions',
    'writeSetFields',
    'applySetFields',
  ] as const) {
    if (!said.has(FEATURES[name] + 1)) {
      Object.assign(miss, { [name]: hit[name] });
    }
  }
  return { table, name, metadataMatch, metadataWrite, config, maxEntries, hit, miss, matchFields, wildcards };
}

function readActionFeature(property: number, body: ByteReader, draft: ActionDraft): boolean {
  switch (property) {
    case FEATURES.instructions:
      draft.instructions = readTypes(body).reduce((bits, type) => (type < 32 ? bits | (1 << type) : bits), 0);
      return true;
    case FEATURES.nextTables:
      draft.nextTables = [...body.rest()];
      return true;
    case FEATURES.writeActions:
      draft.writeActions = readTypes(body);
      return true;
    case FEATURES.applyActions:
      draft.applyActions = readTypes(body);
      return true;
    case FEATURES.writeSetFields:
      draft.writeSetFields = readFieldIds(body).map(({ field }) => field);
      return true;
    case FEATURES.applySetFields:
      draft.applySetFields = readFieldIds(body).map(({ field }) => field);
      return true;
    default:
      return false;
  }
}

/** Types of actions or instructions, each with its length; experimenters' are passed over. */
function readTypes(body: ByteReader): number[] {
  const types: number[] = [];
  while (body.remaining > 0) {
    const type = body.u16();
    const length = body.u16();
    if (length < 4) {
      throw new OpenFlowError('OFPTFFC_BAD_FEATURES', `type ${type} of ${length} bytes`);
    }
    // Open vSwitch of old wrote 8, the length of the whole action, where its header is meant.
    body.skip(Math.min(length - 4, body.remaining));
    if (type !== 0xffff) {
      types.push(type);
    }
  }
  return types;
}

function readFieldIds(body: ByteReader): { field: MatchField; maskable: boolean }[] {
  const fields: { field: MatchField; maskable: boolean }[] = [];
  while (body.remaining > 0) {
    const { field, hasMask } = readOxmHeader(body);
    if (field !== null) {
      fields.push({ field, maskable: hasMask });
    }
  }
  return fields;
}

export function encodeTableFeatures(
  writer: ByteWriter,
  { tables }: TableFeaturesMessage,
  context: EncodeContext,
): void {
  for (const table of tables) {
    context.entry(() => writeSized(writer, () => writeTableFeatures(writer, table, context)));
  }
}

function writeTableFeatures(writer: ByteWriter, table: TableFeatures, context: EncodeContext): void {
  writer.u8(table.table);
  writer.zeros(5);
  writer.text(table.name, NAME_BYTES);
  writer.u64(table.metadataMatch);
  writer.u64(table.metadataWrite);
  writer.u32(table.config);
  writer.u32(table.maxEntries);
  for (const [features, miss] of [
    [table.hit, 0],
    [table.miss, 1],
  ] as const) {
    writeActionFeatures(writer, features, miss, context);
  }
  writeProperty(writer, FEATURES.match, () => {
    for (const { field, maskable } of table.matchFields) {
      writeOxmHeader(writer, context.version, field, maskable);
    }
  });
  writeFieldIds(writer, FEATURES.wildcards, table.wildcards, context);
}

function writeActionFeatures(
  writer: ByteWriter,
  features: TableActionFeatures,
  miss: 0 | 1,
  context: EncodeContext,
): void {
  const writeTypes = (property: number, types: readonly number[]): void =>
    writeProperty(writer, property + miss, () => {
      for (const type of types) {
        writer.u16(type);
        writer.u16(4);
      }
    });
  writeTypes(
    FEATURES.instructions,
    Array.from({ length: 32 }, (_, type) => type).filter((type) => (features.instructions & (1 << type)) !== 0),
  );
  writeProperty(writer, FEATURES.nextTables + miss, () => writer.put(Uint8Array.from(features.nextTables)));
  writeTypes(FEATURES.writeActions, features.writeActions);
  writeFieldIds(writer, FEATURES.writeSetFields + miss, features.writeSetFields, context);
  writeTypes(FEATURES.applyActions, features.applyActions);
  writeFieldIds(writer, FEATURES.applySetFields + miss, features.applySetFields, context);
}

function writeFieldIds(
  writer: ByteWriter,
  property: number,
  fields: readonly MatchField[],
  context: EncodeContext,
): void {
  writeProperty(writer, property, () => {
    for (const field of fields) {
      writeOxmHeader(writer, context.version, field, false);
    }
  });
}

export function decodeTableMod(reader: ByteReader, { version }: DecodeContext): TableModMessage {
  const table = reader.u8();
  reader.skip(3);
  const config = reader.u32();
  const base = { type: 'table_mod', table, miss: 'default', eviction: null, evictionFlags: 0, vacancy: null } as const;
  if (version < OF14) {
    return { ...base, miss: version <= OF12 ? decodeMiss(config) : 'default' };
  }
  if ((config & ~(CONFIG_EVICTION | CONFIG_VACANCY)) !== 0) {
    throw new OpenFlowError('OFPTMFC_BAD_CONFIG', `table configuration 0x${config.toString(16)}`);
  }
  const { evictionFlags, vacancy } = readTableProperties(reader);
  return {
    ...base,
    eviction: (config & CONFIG_EVICTION) !== 0,
    evictionFlags,
    vacancy: (config & CONFIG_VACANCY) !== 0 ? (vacancy ?? { down: 0, up: 0, current: 0 }) : null,
  };
}

function decodeMiss(config: number): TableModMessage['miss'] {
  const miss = config & 3;
  if ((config & ~3) !== 0 || miss > 2) {
    throw new OpenFlowError('OFPTMFC_BAD_CONFIG', `table configuration 0x${config.toString(16)}`);
  }
  return MISSES[miss]!;
}

function readTableProperties(reader: ByteReader): { evictionFlags: number; vacancy: Vacancy | null } {
  let evictionFlags = 0;
  let vacancy: Vacancy | null = null;
  readProperties(reader, (property, body) => {
    if (property === PROPERTY_EVICTION) {
      evictionFlags = body.u32();
    } else if (property === PROPERTY_VACANCY) {
      vacancy = { down: body.u8(), up: body.u8(), current: body.u8() };
    }
    return property === PROPERTY_EVICTION || property === PROPERTY_VACANCY;
  });
  return { evictionFlags, vacancy };
}

function writeVacancy(writer: ByteWriter, { down, up, current }: Vacancy): void {
  writeProperty(writer, PROPERTY_VACANCY, () => {
    writer.u8(down);
    writer.u8(up);
    writer.u8(current);
    writer.u8(0);
  });
}

export function encodeTableMod(writer: ByteWriter, message: TableModMessage, { version }: EncodeContext): void {
  writer.u8(message.table);
  writer.zeros(3);
  if (version < OF14) {
    writer.u32(message.miss === 'default' ? 0 : MISSES.indexOf(message.miss));
    return;
  }
  writer.u32((message.eviction === true ? CONFIG_EVICTION : 0) | (message.vacancy === null ? 0 : CONFIG_VACANCY));
  if (message.evictionFlags !== 0) {
    writeProperty(writer, PROPERTY_EVICTION, () => writer.u32(message.evictionFlags));
  }
  if (message.vacancy !== null) {
    writeVacancy(writer, message.vacancy);
  }
}

function readDescription(reader: ByteReader): TableDescription {
  const entry = readSized(reader, 8);
  const table = entry.u8();
  entry.skip(1);
  const config = entry.u32();
  const { evictionFlags, vacancy } = readTableProperties(entry);
  return {
    table,
    eviction: (config & CONFIG_EVICTION) !== 0,
    evictionFlags,
    vacancy: (config & CONFIG_VACANCY) !== 0 ? (vacancy ?? { down: 0, up: 0, current: 0 }) : null,
  };
}

function writeDescription(writer: ByteWriter, { table, eviction, evictionFlags, vacancy }: TableDescription): void {
  writeSized(writer, () => {
    writer.u8(table);
    writer.u8(0);
    writer.u32((eviction ? CONFIG_EVICTION : 0) | (vacancy === null ? 0 : CONFIG_VACANCY));
    if (eviction || evictionFlags !== 0) {
      writeProperty(writer, PROPERTY_EVICTION, () => writer.u32(evictionFlags));
    }
    if (vacancy !== null) {
      writeVacancy(writer, vacancy);
    }
  });
}

export function decodeTableDesc(reader: ByteReader): TableDescReply {
  const tables: TableDescription[] = [];
  while (reader.remaining > 0) {
    tables.push(readDescription(reader));
  }
  return { type: 'table_desc_reply', tables };
}

export function encodeTableDesc(writer: ByteWriter, { tables }: TableDescReply, context: EncodeContext): void {
  for (const table of tables) {
    context.entry(() => writeDescription(writer, table));
  }
}

export function decodeTableStatus(reader: ByteReader): TableStatusMessage {
  const reason = byNumber(STATUS_REASONS, reader.u8() - FIRST_STATUS_REASON, 'table status reason', 'NXBRC_BAD_REASON');
  reader.skip(7);
  return { type: 'table_status', reason, description: readDescription(reader) };
}

export function encodeTableStatus(writer: ByteWriter, message: TableStatusMessage): void {
  writer.u8(STATUS_REASONS.indexOf(message.reason) + FIRST_STATUS_REASON);
  writer.zeros(7);
  writeDescription(writer, message.description);
}
