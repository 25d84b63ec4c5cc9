/** Groups and meters: mods, descriptions, statistics and features (OpenFlow 1.5 sections 7.3.4.3, 7.3.4.4 and 7.3.5). */
import {
  createMatch,
  FIELDS,
  fieldBits,
  getMatchField,
  type MatchField,
  portToOpenFlow11,
  setMatchField,
} from '../../flow/index.ts';
import { OpenFlowError } from '../errors.ts';
import type { GroupDescription } from '../group-text.ts';
import {
  type Bucket,
  type GroupMod,
  type GroupModCommand,
  type GroupStatistics,
  type GroupType,
  type HashFieldMatch,
  type MeterBand,
  type MeterMod,
  type MeterStatistics,
  OFPG_ALL,
  OFPG_ANY,
  OFPG15_BUCKET_ALL,
  OFPM_ALL,
  OFPM_MAX,
} from '../messages.ts';
import type { MeterDescription } from '../meter-text.ts';
import { OFPP_NONE } from '../ports.ts';
import { byNumber, port16 } from './action-context.ts';
import { readActions } from './actions-decode.ts';
import { writeActions } from './actions-encode.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import {
  type DecodeContext,
  type EncodeContext,
  isNicira,
  readDuration,
  readSized,
  writeDuration,
  writeSized,
} from './codec-context.ts';
import { readFieldEntry, writeFieldEntry } from './nx-match.ts';
import { readOxmHeader } from './oxm.ts';
import { readProperties, writeProperty } from './properties.ts';
import type {
  GroupDescReply,
  GroupFeaturesReply,
  GroupModMessage,
  GroupRequest,
  GroupStatsReply,
  MeterConfigReply,
  MeterFeaturesReply,
  MeterModMessage,
  MeterStatsReply,
} from './records.ts';

const OF13 = 4;
const OF15 = 6;
const TYPES: readonly GroupType[] = ['all', 'select', 'indirect', 'fast_failover'];
const COMMANDS: ReadonlyMap<number, GroupModCommand> = new Map([
  [0, 'add'],
  [1, 'modify'],
  [2, 'delete'],
  [3, 'insert_buckets'],
  [5, 'remove_buckets'],
  [0x8000, 'add_or_modify'],
]);
const COMMAND_NUMBERS: ReadonlyMap<GroupModCommand, number> = new Map(
  [...COMMANDS].map(([number, name]) => [name, number]),
);
const GROUP_TYPES = 4;
const EXPERIMENTER_PROPERTY = 0xffff;
/** Netronome's selection method of a group (ovs-ofctl(8), "selection_method") */
const NTR_VENDOR = 0x1540;
const NTR_SELECTION_METHOD = 1;
const SELECTION_METHOD_BYTES = 16;
const BUCKET_WEIGHT = 0;
const BUCKET_WATCH_PORT = 1;
const BUCKET_WATCH_GROUP = 2;

/** Whether groups have OpenFlow 1.5's form: in that version and in Nicira's extension of 1.0. */
function hasForm15(context: DecodeContext | EncodeContext): boolean {
  return context.version >= OF15 || isNicira(context);
}

export function decodeGroupMod(reader: ByteReader, context: DecodeContext): GroupModMessage {
  const number = reader.u16();
  const command = COMMANDS.get(number);
  const is15 = hasForm15(context);
  if (command === undefined || (!is15 && command.endsWith('buckets'))) {
    throw new OpenFlowError('OFPGMFC_BAD_COMMAND', `unknown group mod command ${number}`);
  }
  const typeNumber = reader.u8();
  const type = TYPES[typeNumber];
  if (type === undefined) {
    throw new OpenFlowError('OFPGMFC_BAD_TYPE', `unknown group type ${typeNumber}`);
  }
  reader.skip(1);
  const group = reader.u32();
  let commandBucketId: number | null = null;
  let list = reader;
  if (is15) {
    const length = reader.u16();
    reader.skip(2);
    commandBucketId = reader.u32();
    if (length > reader.remaining) {
      throw new OpenFlowError('OFPBRC_BAD_LEN', `buckets of ${length} bytes, ${reader.remaining} are left`);
    }
    list = reader.sub(length);
    if (!command.endsWith('buckets')) {
      commandBucketId = null;
    } else if (command === 'insert_buckets' && commandBucketId === OFPG15_BUCKET_ALL) {
      throw new OpenFlowError(
        'OFPGMFC_UNKNOWN_BUCKET',
        'buckets can be inserted at the beginning, the end or behind one',
      );
    }
  }
  const buckets = is15 ? readBuckets15(list, context, type) : readBuckets11(list, context);
  const selection = is15 ? readGroupProperties(reader, context) : NO_SELECTION;
  const mod: GroupMod = { command, type, group, commandBucketId, buckets, ...selection };
  checkGroup(mod);
  return { type: 'group_mod', mod };
}

function checkGroup({ command, type, group, buckets }: GroupMod): void {
  if (command !== 'delete' && group > 0xffffff00) {
    throw new OpenFlowError('OFPGMFC_INVALID_GROUP', `group ${group}`);
  }
  if (
    type === 'indirect' &&
    (command === 'add' || command === 'modify' || command === 'add_or_modify') &&
    buckets.length !== 1
  ) {
    throw new OpenFlowError('OFPGMFC_INVALID_GROUP', 'an indirect group has one bucket');
  }
  for (const { weight, watchPort, watchGroup } of buckets) {
    if (type !== 'select' && weight > 1 && !command.endsWith('buckets')) {
      throw new OpenFlowError('OFPGMFC_INVALID_GROUP', 'Only select groups can have bucket weights.');
    }
    if (
      type === 'fast_failover' &&
      command !== 'insert_buckets' &&
      watchPort === OFPP_NONE &&
      watchGroup === OFPG_ANY
    ) {
      throw new OpenFlowError('OFPGMFC_INVALID_GROUP', 'a bucket of a fast failover group has to watch something');
    }
  }
}

type Selection = Pick<GroupMod, 'selectionMethod' | 'selectionMethodParameter' | 'hashFields'>;
const NO_SELECTION: Selection = { selectionMethod: '', selectionMethodParameter: 0n, hashFields: null };

function readBuckets11(reader: ByteReader, context: DecodeContext): Bucket[] {
  const buckets: Bucket[] = [];
  while (reader.remaining > 0) {
    const entry = readSized(reader, 16, 'OFPGMFC_BAD_BUCKET');
    const weight = entry.u16();
    const watchPort = port16(entry.u32(), 'OFPGMFC_BAD_WATCH');
    const watchGroup = entry.u32();
    entry.skip(4);
    buckets.push({ bucketId: null, weight, watchPort, watchGroup, actions: readActions(entry, context, 'bucket') });
  }
  return buckets;
}

function readBuckets15(reader: ByteReader, context: DecodeContext, type: GroupType): Bucket[] {
  const buckets: Bucket[] = [];
  while (reader.remaining > 0) {
    const entry = readSized(reader, 8, 'OFPGMFC_BAD_BUCKET');
    const actionsLength = entry.u16();
    const bucketId = entry.u32();
    if (actionsLength > entry.remaining) {
      throw new OpenFlowError('OFPGMFC_BAD_BUCKET', `actions of ${actionsLength} bytes in a bucket`);
    }
    const actions = readActions(entry.sub(actionsLength), context, 'bucket');
    let weight = type === 'select' ? 1 : 0;
    let watchPort = OFPP_NONE;
    let watchGroup = OFPG_ANY;
    readProperties(entry, (property, body) => {
      if (property === BUCKET_WEIGHT) {
        weight = body.u16();
      } else if (property === BUCKET_WATCH_PORT) {
        watchPort = port16(body.u32(), 'OFPGMFC_BAD_WATCH');
      } else if (property === BUCKET_WATCH_GROUP) {
        watchGroup = body.u32();
      }
      return property <= BUCKET_WATCH_GROUP;
    });
    if (bucketId > 0xffffff00 || buckets.some((other) => other.bucketId === bucketId)) {
      throw new OpenFlowError(
        bucketId > 0xffffff00 ? 'OFPGMFC_BAD_BUCKET' : 'OFPGMFC_BUCKET_EXISTS',
        `bucket id ${bucketId}`,
      );
    }
    buckets.push({ bucketId, weight, watchPort, watchGroup, actions });
  }
  return buckets;
}

function readGroupProperties(reader: ByteReader, context: DecodeContext): Selection {
  let selection = NO_SELECTION;
  readProperties(reader, (property, body) => {
    if (property !== EXPERIMENTER_PROPERTY || body.u32() !== NTR_VENDOR) {
      return false;
    }
    if (body.u32() !== NTR_SELECTION_METHOD) {
      throw new OpenFlowError('OFPBPC_BAD_EXP_TYPE', 'unknown property of a group');
    }
    body.skip(4);
    const selectionMethod = body.text(SELECTION_METHOD_BYTES);
    const selectionMethodParameter = body.u64();
    if (selectionMethod !== 'hash' && selectionMethod !== 'dp_hash' && selectionMethod !== '') {
      throw new OpenFlowError('OFPBPC_BAD_VALUE', `selection method '${selectionMethod}' is not supported`);
    }
    selection = { selectionMethod, selectionMethodParameter, hashFields: readHashFields(body, context) };
    return true;
  });
  return selection;
}

function readHashFields(reader: ByteReader, context: DecodeContext): HashFieldMatch | null {
  if (reader.remaining === 0) {
    return null;
  }
  const match = createMatch();
  const fields: MatchField[] = [];
  while (reader.remaining > 0) {
    const raw = reader.view.getUint32(reader.offset);
    const before = reader.offset;
    const header = readOxmHeader(reader);
    const { field } = header;
    if (field === null) {
      throw new OpenFlowError('OFPBMC_BAD_FIELD', `unknown field 0x${raw.toString(16)} to hash`);
    }
    let mask = fieldBits(field);
    if (header.length > 0) {
      reader.offset = before;
      const entry = readFieldEntry(reader, context.tlvTable);
      mask = entry === null ? mask : entry.value;
    }
    setMatchField(match, field, mask, mask);
    fields.push(field);
  }
  fields.sort((a, b) => a.id - b.id);
  return { ...match, fields };
}

export function encodeGroupMod(writer: ByteWriter, { mod }: GroupModMessage, context: EncodeContext): void {
  writer.u16(COMMAND_NUMBERS.get(mod.command)!);
  writer.u8(TYPES.indexOf(mod.type));
  writer.u8(0);
  writer.u32(mod.group);
  if (!hasForm15(context)) {
    for (const bucket of mod.buckets) {
      writeBucket11(writer, bucket, context);
    }
    return;
  }
  const lengthAt = writer.length;
  writer.zeros(4);
  writer.u32(mod.commandBucketId ?? OFPG15_BUCKET_ALL);
  const start = writer.length;
  writeBuckets15(writer, mod, context);
  writer.patch16(lengthAt, writer.length - start);
  writeGroupProperties(writer, mod, context);
}

function writeBucket11(writer: ByteWriter, bucket: Bucket, context: EncodeContext): void {
  writeSized(writer, () => {
    writer.u16(bucket.weight);
    writer.u32(portToOpenFlow11(bucket.watchPort));
    writer.u32(bucket.watchGroup);
    writer.zeros(4);
    writeActions(writer, bucket.actions, context);
  });
}

function writeBuckets15(writer: ByteWriter, { type, buckets }: GroupDescription, context: EncodeContext): void {
  const taken = new Set(buckets.map((bucket) => bucket.bucketId));
  let next = 0;
  for (const bucket of buckets) {
    while (bucket.bucketId === null && taken.has(next)) {
      next++;
    }
    const id = bucket.bucketId ?? next++;
    writeSized(writer, () => {
      const lengthAt = writer.length;
      writer.u16(0);
      writer.u32(id);
      const start = writer.length;
      writeActions(writer, bucket.actions, context);
      writer.patch16(lengthAt, writer.length - start);
      if (bucket.weight > 0 && type === 'select') {
        writeProperty(writer, BUCKET_WEIGHT, () => {
          writer.u16(bucket.weight);
          writer.zeros(2);
        });
      }
      if (bucket.watchPort !== OFPP_NONE) {
        writeProperty(writer, BUCKET_WATCH_PORT, () => writer.u32(portToOpenFlow11(bucket.watchPort)));
      }
      if (bucket.watchGroup !== OFPG_ANY) {
        writeProperty(writer, BUCKET_WATCH_GROUP, () => writer.u32(bucket.watchGroup));
      }
    });
  }
}

function writeGroupProperties(writer: ByteWriter, group: GroupDescription, context: EncodeContext): void {
  const { selectionMethod, selectionMethodParameter, hashFields } = group;
  if (selectionMethod === '') {
    return;
  }
  writeProperty(writer, EXPERIMENTER_PROPERTY, () => {
    writer.u32(NTR_VENDOR);
    writer.u32(NTR_SELECTION_METHOD);
    writer.zeros(4);
    writer.text(selectionMethod, SELECTION_METHOD_BYTES);
    writer.u64(selectionMethodParameter);
    if (hashFields !== null) {
      const form = context.version >= 3 ? context.version : 0;
      const chosen = hashFields.fields ?? FIELDS.filter((field) => getMatchField(hashFields, field).mask !== 0n);
      for (const field of chosen) {
        writeFieldEntry(writer, form, field, getMatchField(hashFields, field).mask, fieldBits(field));
      }
    }
  });
}

export function decodeGroupRequest(reader: ByteReader, type: GroupRequest['type']): GroupRequest {
  return { type, group: reader.remaining === 0 ? OFPG_ALL : reader.u32() };
}

export function encodeGroupRequest(writer: ByteWriter, message: GroupRequest, context: EncodeContext): void {
  if (message.type === 'group_stats_request' || hasForm15(context)) {
    writer.u32(message.group);
    writer.zeros(4);
  }
}

export function decodeGroupDesc(reader: ByteReader, context: DecodeContext): GroupDescReply {
  const groups: GroupDescription[] = [];
  const is15 = hasForm15(context);
  while (reader.remaining > 0) {
    const entry = readSized(reader, is15 ? 16 : 8);
    const type = byNumber(TYPES, entry.u8(), 'group type', 'OFPBRC_BAD_LEN');
    entry.skip(1);
    const group = entry.u32();
    if (!is15) {
      groups.push({ group, type, buckets: readBuckets11(entry, context), ...NO_SELECTION });
      continue;
    }
    const length = entry.u16();
    entry.skip(6);
    const buckets = readBuckets15(entry.sub(length), context, type);
    groups.push({ group, type, buckets, ...readGroupProperties(entry, context) });
  }
  return { type: 'group_desc_reply', groups };
}

export function encodeGroupDesc(writer: ByteWriter, { groups }: GroupDescReply, context: EncodeContext): void {
  for (const group of groups) {
    context.entry(() =>
      writeSized(writer, () => {
        writer.u8(TYPES.indexOf(group.type));
        writer.u8(0);
        writer.u32(group.group);
        if (!hasForm15(context)) {
          for (const bucket of group.buckets) {
            writeBucket11(writer, bucket, context);
          }
          return;
        }
        const lengthAt = writer.length;
        writer.zeros(8);
        const start = writer.length;
        writeBuckets15(writer, group, context);
        writer.patch16(lengthAt, writer.length - start);
        writeGroupProperties(writer, group, context);
      }),
    );
  }
}

/** OpenFlow 1.1 and 1.2 do not say how long a group exists. */
function hasDuration(context: DecodeContext | EncodeContext): boolean {
  return context.version === 1 || context.version >= OF13;
}

export function decodeGroupStats(reader: ByteReader, context: DecodeContext): GroupStatsReply {
  const groups: GroupStatistics[] = [];
  while (reader.remaining > 0) {
    const entry = readSized(reader, hasDuration(context) ? 40 : 32);
    entry.skip(2);
    const group = entry.u32();
    const referenceCount = entry.u32();
    entry.skip(4);
    const packets = entry.u64();
    const bytes = entry.u64();
    const durationMs = hasDuration(context) ? readDuration(entry) : Number.NaN;
    const buckets: { packets: bigint; bytes: bigint }[] = [];
    while (entry.remaining > 0) {
      buckets.push({ packets: entry.u64(), bytes: entry.u64() });
    }
    groups.push({ group, referenceCount, packets, bytes, durationMs, buckets });
  }
  return { type: 'group_stats_reply', groups };
}

export function encodeGroupStats(writer: ByteWriter, { groups }: GroupStatsReply, context: EncodeContext): void {
  for (const group of groups) {
    context.entry(() =>
      writeSized(writer, () => {
        writer.zeros(2);
        writer.u32(group.group);
        writer.u32(group.referenceCount);
        writer.zeros(4);
        writer.u64(group.packets);
        writer.u64(group.bytes);
        if (hasDuration(context)) {
          writeDuration(writer, group.durationMs);
        }
        for (const { packets, bytes } of group.buckets) {
          writer.u64(packets);
          writer.u64(bytes);
        }
      }),
    );
  }
}

export function decodeGroupFeatures(reader: ByteReader): GroupFeaturesReply {
  const types = reader.u32();
  const capabilities = reader.u32();
  const four = (): number[] => Array.from({ length: GROUP_TYPES }, () => reader.u32());
  return { type: 'group_features_reply', types, capabilities, maxGroups: four(), actions: four() };
}

export function encodeGroupFeatures(writer: ByteWriter, message: GroupFeaturesReply): void {
  const { types, capabilities, maxGroups, actions } = message;
  for (const value of [types, capabilities, ...maxGroups, ...actions]) {
    writer.u32(value);
  }
}

const METER_COMMANDS = ['add', 'modify', 'delete'] as const;
const METER_KBPS = 1;
const METER_PKTPS = 2;
const METER_BURST = 4;
const METER_STATS = 8;
const BAND_TYPES = ['drop', 'dscp_remark'] as const;
const BAND_BYTES = 16;

export function decodeMeterMod(reader: ByteReader): MeterModMessage {
  const command = byNumber(METER_COMMANDS, reader.u16(), 'meter mod command', 'OFPMMFC_BAD_COMMAND');
  const flags = reader.u16();
  const meter = reader.u32();
  if (command === 'delete') {
    return { type: 'meter_mod', mod: { command, meter, ...meterFlags(0), bands: [] } };
  }
  if ((flags & METER_KBPS) !== 0 && (flags & METER_PKTPS) !== 0) {
    throw new OpenFlowError('OFPMMFC_BAD_FLAGS', 'a meter counts kilobits or packets, not both');
  }
  if (meter === 0 || (meter > OFPM_MAX && meter < 0xfffffffd) || meter === OFPM_ALL) {
    throw new OpenFlowError('OFPMMFC_INVALID_METER', `meter ${meter}`);
  }
  return { type: 'meter_mod', mod: { command, meter, ...meterFlags(flags), bands: readBands(reader, flags) } };
}

function meterFlags(flags: number): Pick<MeterMod, 'unit' | 'burst' | 'stats'> {
  return {
    unit: (flags & METER_PKTPS) === 0 ? 'kbps' : 'pktps',
    burst: (flags & METER_BURST) !== 0,
    stats: (flags & METER_STATS) !== 0,
  };
}

/** Without the burst flag the burst size means nothing. */
function readBands(reader: ByteReader, flags: number): MeterBand[] {
  const bands: MeterBand[] = [];
  while (reader.remaining > 0) {
    if (reader.remaining < BAND_BYTES) {
      throw new OpenFlowError('OFPBRC_BAD_LEN', `meter band of ${reader.remaining} bytes`);
    }
    const type = byNumber([undefined, ...BAND_TYPES], reader.u16(), 'meter band type', 'OFPMMFC_BAD_BAND');
    const length = reader.u16();
    if (length !== BAND_BYTES) {
      throw new OpenFlowError('OFPBRC_BAD_LEN', `meter band of ${length} bytes`);
    }
    const rate = reader.u32();
    const burstSize = reader.u32();
    const burst = (flags & METER_BURST) === 0 ? 0 : burstSize;
    const precedenceLevel = reader.u8();
    reader.skip(3);
    bands.push({ type: type!, rate, burst, precedenceLevel: type === 'dscp_remark' ? precedenceLevel : 0 });
  }
  return bands;
}

function writeMeter(writer: ByteWriter, { meter, unit, burst, stats, bands }: MeterDescription): void {
  writer.u16((unit === 'kbps' ? METER_KBPS : METER_PKTPS) | (burst ? METER_BURST : 0) | (stats ? METER_STATS : 0));
  writer.u32(meter);
  for (const band of bands) {
    writer.u16(BAND_TYPES.indexOf(band.type) + 1);
    writer.u16(BAND_BYTES);
    writer.u32(band.rate);
    writer.u32(band.burst);
    writer.u8(band.precedenceLevel);
    writer.zeros(3);
  }
}

export function encodeMeterMod(writer: ByteWriter, { mod }: MeterModMessage): void {
  writer.u16(METER_COMMANDS.indexOf(mod.command));
  if (mod.command === 'delete') {
    writer.u16(0);
    writer.u32(mod.meter);
    return;
  }
  writeMeter(writer, mod);
}

export function decodeMeterConfig(reader: ByteReader): MeterConfigReply {
  const meters: MeterDescription[] = [];
  while (reader.remaining > 0) {
    const entry = readSized(reader, 8);
    const flags = entry.u16();
    const meter = entry.u32();
    meters.push({ meter, ...meterFlags(flags), bands: readBands(entry, flags) });
  }
  return { type: 'meter_config_reply', meters };
}

export function encodeMeterConfig(writer: ByteWriter, { meters }: MeterConfigReply, context: EncodeContext): void {
  for (const meter of meters) {
    context.entry(() => writeSized(writer, () => writeMeter(writer, meter)));
  }
}

export function decodeMeterStats(reader: ByteReader): MeterStatsReply {
  const meters: MeterStatistics[] = [];
  while (reader.remaining > 0) {
    const meter = reader.u32();
    const length = reader.u16();
    const entry = reader.sub(Math.max(length, 40) - 6);
    entry.skip(6);
    const flowCount = entry.u32();
    const packets = entry.u64();
    const bytes = entry.u64();
    const durationMs = readDuration(entry);
    const bands: { packets: bigint; bytes: bigint }[] = [];
    while (entry.remaining > 0) {
      bands.push({ packets: entry.u64(), bytes: entry.u64() });
    }
    meters.push({ meter, flowCount, packets, bytes, durationMs, bands });
  }
  return { type: 'meter_stats_reply', meters };
}

export function encodeMeterStats(writer: ByteWriter, { meters }: MeterStatsReply, context: EncodeContext): void {
  for (const meter of meters) {
    context.entry(() => {
      const start = writer.length;
      writer.u32(meter.meter);
      writer.zeros(8);
      writer.u32(meter.flowCount);
      writer.u64(meter.packets);
      writer.u64(meter.bytes);
      writeDuration(writer, meter.durationMs);
      for (const { packets, bytes } of meter.bands) {
        writer.u64(packets);
        writer.u64(bytes);
      }
      writer.patch16(start + 4, writer.length - start);
    });
  }
}

export function decodeMeterFeatures(reader: ByteReader): MeterFeaturesReply {
  const maxMeters = reader.u32();
  const types = reader.u32();
  const capabilities = reader.u32();
  const maxBands = reader.u8();
  const maxColor = reader.u8();
  const bandTypes = BAND_TYPES.filter((_, index) => (types & (2 << index)) !== 0);
  return { type: 'meter_features_reply', maxMeters, bandTypes, capabilities, maxBands, maxColor };
}

export function encodeMeterFeatures(writer: ByteWriter, message: MeterFeaturesReply): void {
  writer.u32(message.maxMeters);
  writer.u32(message.bandTypes.reduce((bits, type) => bits | (2 << BAND_TYPES.indexOf(type)), 0));
  writer.u32(message.capabilities);
  writer.u8(message.maxBands);
  writer.u8(message.maxColor);
  writer.zeros(2);
}
