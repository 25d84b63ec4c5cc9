/** What is about the switch and the connection: errors, features, configuration, roles, asynchronous messages, tunnel options. */
import type { TlvMapping } from '../../flow/index.ts';
import {
  OpenFlowError,
  type OpenFlowErrorName,
  type OpenFlowVersion,
  openFlowErrorName,
  openFlowErrorNumber,
} from '../errors.ts';
import { byNumber } from './action-context.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { type DecodeContext, type EncodeContext, isNicira } from './codec-context.ts';
import { readPortDescriptions, writePortDescription } from './port-codec.ts';
import { readProperties, writeProperty } from './properties.ts';
import type {
  AsyncConfigMessage,
  AsyncMasks,
  ConfigMessage,
  ControllerRole,
  DescReply,
  ErrorMessage,
  FeaturesReply,
  FragmentHandling,
  PacketInFormat,
  RoleMessage,
  RoleStatusMessage,
  SetPacketInFormatMessage,
  TlvTableModMessage,
  TlvTableReply,
} from './records.ts';

const OF12 = 3;
const OF13 = 4;
/** The type of Nicira's errors in OpenFlow 1.0 and 1.1, and the code that goes with it */
const NXET_VENDOR = 0xb0c2;
const EXPERIMENTER_ERROR = 0xffff;
const DESC_BYTES = 256;
const SERIAL_BYTES = 32;
const FRAGMENTS: readonly FragmentHandling[] = ['normal', 'drop', 'reassemble', 'nx-match'];
const INVALID_TTL_TO_CONTROLLER = 4;
const ROLES: readonly ControllerRole[] = ['nochange', 'equal', 'primary', 'secondary'];
const NICIRA_ROLES: readonly ControllerRole[] = ['equal', 'primary', 'secondary'];
const ROLE_REASONS = ['primary_request', 'configuration_changed', 'experimenter_data_changed'] as const;
const NO_GENERATION = 0xffff_ffff_ffff_ffffn;
const TLV_COMMANDS = ['add', 'delete', 'clear'] as const;
const PACKET_IN_FORMATS: readonly PacketInFormat[] = ['standard', 'nxt_packet_in', 'nxt_packet_in2'];

export function decodeError(reader: ByteReader, { version }: DecodeContext): ErrorMessage {
  let type: number | null = reader.u16();
  let code = reader.u16();
  let vendor = 0;
  if (type === NXET_VENDOR && version < OF12) {
    vendor = reader.u32();
    type = reader.u16();
    code = reader.u16();
  } else if (type === EXPERIMENTER_ERROR && version >= OF12) {
    vendor = reader.u32();
    type = null;
  }
  const number = { vendor, type, code };
  const error = isKnownVersion(version) ? openFlowErrorName(number, version) : null;
  return { type: 'error', error, number, data: reader.rest() };
}

function isKnownVersion(version: number): version is OpenFlowVersion {
  return version >= 1 && version <= 6;
}

/**
 * The number that says the error to a peer of this version. One that the version cannot say is `NXBRC_UNENCODABLE_ERROR`.
 */
export function errorMessage(error: OpenFlowErrorName, data: Uint8Array, version: OpenFlowVersion): ErrorMessage {
  const number = openFlowErrorNumber(error, version) ?? openFlowErrorNumber('NXBRC_UNENCODABLE_ERROR', version)!;
  return { type: 'error', error, number, data };
}

export function encodeError(writer: ByteWriter, { number, data }: ErrorMessage): void {
  const { vendor, type, code } = number;
  if (vendor === 0 && type !== null) {
    writer.u16(type);
    writer.u16(code);
  } else if (type !== null) {
    writer.u16(NXET_VENDOR);
    writer.u16(0);
    writer.u32(vendor);
    writer.u16(type);
    writer.u16(code);
  } else {
    writer.u16(EXPERIMENTER_ERROR);
    writer.u16(code);
    writer.u32(vendor);
  }
  writer.put(data);
}

export function decodeFeatures(reader: ByteReader, { version }: DecodeContext): FeaturesReply {
  const datapathId = reader.u64();
  const bufferCount = reader.u32();
  const tableCount = reader.u8();
  const auxiliaryId = reader.u8();
  reader.skip(2);
  const capabilities = reader.u32();
  const actions = reader.u32();
  return {
    type: 'features_reply',
    datapathId,
    bufferCount,
    tableCount,
    auxiliaryId: version >= OF13 ? auxiliaryId : 0,
    capabilities,
    actions: version === 1 ? actions : 0,
    ports: readPortDescriptions(reader, version),
  };
}

export function encodeFeatures(writer: ByteWriter, message: FeaturesReply, { version }: EncodeContext): void {
  writer.u64(message.datapathId);
  writer.u32(message.bufferCount);
  writer.u8(message.tableCount);
  writer.u8(version >= OF13 ? message.auxiliaryId : 0);
  writer.zeros(2);
  writer.u32(message.capabilities);
  writer.u32(version === 1 ? message.actions : 0);
  if (version < OF13) {
    for (const port of message.ports) {
      writePortDescription(writer, port, version);
    }
  }
}

export function decodeConfig(
  reader: ByteReader,
  { version }: DecodeContext,
  type: ConfigMessage['type'],
): ConfigMessage {
  const flags = reader.u16();
  if ((flags & ~7) !== 0) {
    throw new OpenFlowError('OFPSCFC_BAD_FLAGS', `switch configuration flags 0x${flags.toString(16)}`);
  }
  return {
    type,
    fragments: FRAGMENTS[flags & 3]!,
    invalidTtlToController: version < OF13 && (flags & INVALID_TTL_TO_CONTROLLER) !== 0,
    missSendLength: reader.u16(),
  };
}

export function encodeConfig(writer: ByteWriter, message: ConfigMessage, { version }: EncodeContext): void {
  const ttl = message.invalidTtlToController && version < OF13 ? INVALID_TTL_TO_CONTROLLER : 0;
  writer.u16(FRAGMENTS.indexOf(message.fragments) | ttl);
  writer.u16(message.missSendLength);
}

export function decodeDesc(reader: ByteReader): DescReply {
  return {
    type: 'desc_reply',
    manufacturer: reader.text(DESC_BYTES),
    hardware: reader.text(DESC_BYTES),
    software: reader.text(DESC_BYTES),
    serialNumber: reader.text(SERIAL_BYTES),
    datapath: reader.text(DESC_BYTES),
  };
}

export function encodeDesc(writer: ByteWriter, message: DescReply): void {
  writer.text(message.manufacturer, DESC_BYTES);
  writer.text(message.hardware, DESC_BYTES);
  writer.text(message.software, DESC_BYTES);
  writer.text(message.serialNumber, SERIAL_BYTES);
  writer.text(message.datapath, DESC_BYTES);
}

export function decodeRole(reader: ByteReader, context: DecodeContext, type: RoleMessage['type']): RoleMessage {
  if (isNicira(context)) {
    const role = byNumber(NICIRA_ROLES, reader.u32(), 'role', 'OFPRRFC_BAD_ROLE');
    return { type, role, generationId: null };
  }
  const role = byNumber(ROLES, reader.u32(), 'role', 'OFPRRFC_BAD_ROLE');
  reader.skip(4);
  const generationId = reader.u64();
  if (role === 'nochange' || role === 'equal') {
    // Only the other roles are elected; a reply says the generation all the same.
    return { type, role, generationId: type === 'role_reply' && generationId !== NO_GENERATION ? generationId : null };
  }
  return { type, role, generationId: generationId === NO_GENERATION && type === 'role_reply' ? null : generationId };
}

export function encodeRole(writer: ByteWriter, message: RoleMessage, context: EncodeContext): void {
  if (isNicira(context)) {
    writer.u32(Math.max(NICIRA_ROLES.indexOf(message.role), 0));
    return;
  }
  writer.u32(ROLES.indexOf(message.role));
  writer.zeros(4);
  writer.u64(message.generationId ?? (message.type === 'role_reply' ? NO_GENERATION : 0n));
}

export function decodeRoleStatus(reader: ByteReader): RoleStatusMessage {
  const role = byNumber(ROLES, reader.u32(), 'role', 'OFPRRFC_BAD_ROLE');
  const reason = byNumber(ROLE_REASONS, reader.u8(), 'role status reason', 'NXBRC_BAD_REASON');
  reader.skip(3);
  const generationId = reader.u64();
  return { type: 'role_status', role, reason, generationId: generationId === NO_GENERATION ? null : generationId };
}

export function encodeRoleStatus(writer: ByteWriter, message: RoleStatusMessage): void {
  writer.u32(ROLES.indexOf(message.role));
  writer.u8(ROLE_REASONS.indexOf(message.reason));
  writer.zeros(3);
  writer.u64(message.generationId ?? NO_GENERATION);
}

/** The kinds of asynchronous message in the order of their properties, with the reasons that there are. */
const ASYNC_KINDS: readonly (readonly [kind: keyof AsyncMasks, reasons: number])[] = [
  ['packetIn', 0x3f],
  ['portStatus', 7],
  ['flowRemoved', 0x3f],
  ['roleStatus', 7],
  ['tableStatus', 0x18],
  ['requestforward', 3],
];
const NO_ASYNC: AsyncMasks = {
  packetIn: 0,
  portStatus: 0,
  flowRemoved: 0,
  roleStatus: 0,
  tableStatus: 0,
  requestforward: 0,
};

export function decodeAsync(
  reader: ByteReader,
  context: DecodeContext,
  type: AsyncConfigMessage['type'],
): AsyncConfigMessage {
  const primary = { ...NO_ASYNC };
  const secondary = { ...NO_ASYNC };
  if (context.version <= OF13 && context.name !== 'NXT_SET_ASYNC_CONFIG2') {
    // Reasons that do not exist are passed over: these versions have no error for them.
    for (const [kind, reasons] of ASYNC_KINDS.slice(0, 3)) {
      primary[kind] = reader.u32() & reasons;
      secondary[kind] = reader.u32() & reasons;
    }
    return { type, primary, secondary };
  }
  readProperties(reader, (property, body) => {
    const kind = ASYNC_KINDS[property >>> 1];
    if (kind === undefined) {
      throw new OpenFlowError('OFPACFC_UNSUPPORTED', `unknown async config property type ${property}`);
    }
    const [name, reasons] = kind;
    const mask = body.u32();
    if ((mask & ~reasons) !== 0) {
      throw new OpenFlowError(
        'OFPACFC_INVALID',
        `bad value 0x${mask.toString(16)} for ${name} (allowed mask 0x${reasons.toString(16)})`,
      );
    }
    (property % 2 === 0 ? secondary : primary)[name] = mask;
    return true;
  });
  return { type, primary, secondary };
}

export function encodeAsync(
  writer: ByteWriter,
  { primary, secondary }: AsyncConfigMessage,
  context: EncodeContext,
): void {
  if (context.version <= OF13 && context.name !== 'NXT_SET_ASYNC_CONFIG2') {
    for (const [kind] of ASYNC_KINDS.slice(0, 3)) {
      writer.u32(primary[kind]);
      writer.u32(secondary[kind]);
    }
    return;
  }
  ASYNC_KINDS.forEach(([kind], index) => {
    writeProperty(writer, 2 * index, () => writer.u32(secondary[kind]));
    writeProperty(writer, 2 * index + 1, () => writer.u32(primary[kind]));
  });
}

function readTlvMappings(reader: ByteReader): TlvMapping[] {
  const mappings: TlvMapping[] = [];
  while (reader.remaining > 0) {
    const optionClass = reader.u16();
    const optionType = reader.u8();
    const length = reader.u8();
    const index = reader.u16();
    reader.skip(2);
    mappings.push({ optionClass, optionType, length, index });
  }
  return mappings;
}

function writeTlvMapping(writer: ByteWriter, { optionClass, optionType, length, index }: TlvMapping): void {
  writer.u16(optionClass);
  writer.u8(optionType);
  writer.u8(length);
  writer.u16(index);
  writer.zeros(2);
}

export function decodeTlvTableMod(reader: ByteReader): TlvTableModMessage {
  const command = byNumber(TLV_COMMANDS, reader.u16(), 'TLV table command', 'NXTTMFC_BAD_COMMAND');
  reader.skip(6);
  const mappings = readTlvMappings(reader);
  for (const { length, index } of mappings) {
    if (index >= 64) {
      throw new OpenFlowError('NXTTMFC_BAD_FIELD_IDX', `tun_metadata${index} does not exist`);
    }
    if (length === 0 || length % 4 !== 0 || length > 124) {
      throw new OpenFlowError('NXTTMFC_BAD_OPT_LEN', `option of ${length} bytes`);
    }
  }
  return { type: 'tlv_table_mod', command, mappings };
}

export function encodeTlvTableMod(writer: ByteWriter, { command, mappings }: TlvTableModMessage): void {
  writer.u16(TLV_COMMANDS.indexOf(command));
  writer.zeros(6);
  for (const mapping of mappings) {
    writeTlvMapping(writer, mapping);
  }
}

export function decodeTlvTableReply(reader: ByteReader): TlvTableReply {
  const maxSpace = reader.u32();
  const maxFields = reader.u16();
  reader.skip(10);
  return { type: 'tlv_table_reply', maxSpace, maxFields, mappings: readTlvMappings(reader) };
}

export function encodeTlvTableReply(writer: ByteWriter, { maxSpace, maxFields, mappings }: TlvTableReply): void {
  writer.u32(maxSpace);
  writer.u16(maxFields);
  writer.zeros(10);
  for (const mapping of mappings) {
    writeTlvMapping(writer, mapping);
  }
}

export function decodePacketInFormat(reader: ByteReader): SetPacketInFormatMessage {
  const format = byNumber(PACKET_IN_FORMATS, reader.u32(), 'packet-in format', 'OFPBRC_EPERM');
  return { type: 'set_packet_in_format', format };
}

export function encodePacketInFormat(writer: ByteWriter, { format }: SetPacketInFormatMessage): void {
  writer.u32(PACKET_IN_FORMATS.indexOf(format));
}
