/**
 * The text of messages, as `ovs-ofctl ofp-print` shows them and as the logs of connections have them.
 *
 * A message is its name, version and xid, and what its kind shows behind that: flows, groups and meters by their own text
 * (flow-text.ts …), ports and tables by the files beside this one.
 */
import {
  createFlow,
  extractFlow,
  formatFlow,
  formatMatch,
  W_IN_PORT,
  W_TP,
  W_TYPE_PROTO_FRAG,
} from '../../flow/index.ts';
import { Packet } from '../../wire/index.ts';
import { formatActions } from '../action-text.ts';
import type { OpenFlowAction } from '../actions.ts';
import { formatDuration } from '../duration-text.ts';
import { OpenFlowError } from '../errors.ts';
import { formatFlowStats, formatPrioritizedMatch } from '../flow-text.ts';
import { formatGroup, formatGroupMod, formatGroupStats } from '../group-text.ts';
import { OFPG_ALL, OFPG_ANY } from '../messages.ts';
import { formatMeter, formatMeterMod, formatMeterStats } from '../meter-text.ts';
import { formatHexBytes } from '../number-text.ts';
import { formatTable, portText } from '../port-text.ts';
import { OFPP_NONE } from '../ports.ts';
import type { OpenFlowTextOptions } from '../text-options.ts';
import { type DecodedMessage, decodeMessage, identify } from './codec.ts';
import { inPortOf } from './codec-context.ts';
import { readHeader } from './framing.ts';
import { formatPortDescription, formatPortMod, formatPortStats } from './port-description-text.ts';
import {
  type AsyncMasks,
  type FlowMonitorRequestEntry,
  type FlowUpdate,
  type Message,
  type MessageOf,
  UNKNOWN_COUNT,
} from './records.ts';
import { formatTableDescription, formatTableFeatures, formatTableMod, formatTableStats } from './table-text.ts';

export interface MessageTextOptions extends OpenFlowTextOptions {
  /** 0..3, as of `ovs-ofctl -m`: from 3 on packets are shown as bytes too. Default 0 */
  readonly verbosity?: number;
}

const VERSIONS = ['1.0', '1.1', '1.2', '1.3', '1.4', '1.5'];
const COOKIE_NONE = 0xffff_ffff_ffff_ffffn;
const DEFAULT_PRIORITY = 0x8000;
const SHOW_BYTES = 3;
const TABLE_ALL = 255;
const CAPABILITIES: readonly (readonly [bit: number, name: string, since: number, until: number])[] = [
  [1, 'FLOW_STATS', 1, 6],
  [2, 'TABLE_STATS', 1, 6],
  [4, 'PORT_STATS', 1, 6],
  [8, 'STP', 1, 1],
  [8, 'GROUP_STATS', 2, 6],
  [0x20, 'IP_REASM', 1, 6],
  [0x40, 'QUEUE_STATS', 1, 6],
  [0x80, 'ARP_MATCH_IP', 1, 2],
  [0x100, 'PORT_BLOCKED', 3, 6],
  [0x200, 'BUNDLES', 5, 6],
  [0x400, 'FLOW_MONITORING', 5, 6],
];
const ACTIONS_10 = [
  'output',
  'set_vlan_vid',
  'set_vlan_pcp',
  'strip_vlan',
  'mod_dl_src',
  'mod_dl_dst',
  'mod_nw_src',
  'mod_nw_dst',
  'mod_nw_tos',
  'mod_tp_src',
  'mod_tp_dst',
  'enqueue',
];
/** In the order in which features show them. */
const ACTION_ORDER_10 = [0, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const GROUP_TYPES = ['all', 'select', 'indirect', 'fast failover'];
const GROUP_ACTIONS_11: readonly (readonly [bit: number, name: string])[] = [
  [0, 'output'],
  [22, 'group'],
  [25, 'set_field'],
  [1, 'set_vlan_vid'],
  [2, 'set_vlan_pcp'],
  [18, 'strip_vlan'],
  [17, 'push_vlan'],
  [3, 'mod_dl_src'],
  [4, 'mod_dl_dst'],
  [5, 'mod_nw_src'],
  [6, 'mod_nw_dst'],
  [7, 'mod_nw_tos'],
  [8, 'mod_nw_ecn'],
  [23, 'mod_nw_ttl'],
  [9, 'mod_tp_src'],
  [10, 'mod_tp_dst'],
  [24, 'dec_ttl'],
  [13, 'set_mpls_label'],
  [14, 'set_mpls_tc'],
  [15, 'set_mpls_ttl'],
  [16, 'dec_mpls_ttl'],
  [19, 'push_mpls'],
  [20, 'pop_mpls'],
  [21, 'set_queue'],
];
const METER_CAPABILITIES = ['kbps', 'pktps', 'burst', 'stats'];
const ASYNC_REASONS: readonly (readonly [kind: keyof AsyncMasks, label: string, reasons: readonly string[]])[] = [
  ['packetIn', 'PACKET_IN', ['no_match', 'action', 'invalid_ttl', 'action_set', 'group', 'packet_out']],
  ['portStatus', 'PORT_STATUS', ['add', 'delete', 'modify']],
  ['flowRemoved', 'FLOW_REMOVED', ['idle', 'hard', 'delete', 'group_delete', 'meter_delete', 'eviction']],
  ['roleStatus', 'ROLE_STATUS', ['primary_request', 'configuration_changed', 'experimenter_data_changed']],
  ['tableStatus', 'TABLE_STATUS', ['', '', '', 'vacancy_down', 'vacancy_up']],
  ['requestforward', 'REQUESTFORWARD', ['group_mod_request', 'meter_mod_request']],
];

/** `OFPT_HELLO (OF1.3) (xid=0x1):` */
function formatHead({ name, version, xid }: Pick<DecodedMessage, 'name' | 'version' | 'xid'>): string {
  const known = VERSIONS[version - 1];
  const versionText =
    version === 1 ? '' : known === undefined ? ` (OF 0x${version.toString(16).padStart(2, '0')})` : ` (OF${known})`;
  return `${name}${versionText} (xid=0x${xid.toString(16)}):`;
}

/** A message as `ovs-ofctl ofp-print` shows it, with its line end. */
export function formatMessage(decoded: DecodedMessage, options: MessageTextOptions = {}): string {
  const body = formatBody(decoded, options);
  const flags = decoded.more && decoded.name.endsWith('reply') ? ' flags=[more]' : '';
  const text = `${formatHead(decoded)}${flags}${body}`;
  return text.endsWith('\n') ? text : `${text}\n`;
}

/** Any bytes as `ovs-ofctl ofp-print` shows them: a message, or what is wrong with it and the bytes. Never throws. */
export function formatPacketOrError(bytes: Uint8Array, options: MessageTextOptions = {}): string {
  if (bytes.length === 0) {
    return 'OpenFlow message is empty\n';
  }
  if (bytes.length < 8) {
    return `OpenFlow packet too short (only ${bytes.length} bytes):\n${formatHexDump(bytes)}`;
  }
  const { length } = readHeader(bytes);
  let head = '';
  try {
    head = `${formatHead(identify(bytes))} `;
    if (length === bytes.length) {
      const decoded = decodeMessage(bytes, { flowModTableId: true, ...options });
      const hasUnknown = decoded.message.type === 'hello' && decoded.message.hasUnknown;
      return `${formatMessage(decoded, options)}${hasUnknown ? formatHexDump(bytes) : ''}`;
    }
  } catch (error) {
    if (!(error instanceof OpenFlowError)) {
      throw error;
    }
    if (length === bytes.length) {
      const isLength = error.message.startsWith('received ');
      return `${isLength ? '' : head}***decode error: ${error.code}***\n${formatHexDump(bytes)}`;
    }
  }
  const problem =
    length > bytes.length
      ? `(***truncated to ${bytes.length} bytes from ${length}***)`
      : `(***only uses ${length} bytes out of ${bytes.length}***)`;
  return `${head === '' ? '' : `${head.trimEnd()}\n`}${problem}\n${formatHexDump(bytes)}`;
}

/** Bytes as hexadecimal numbers and characters, 16 to a line. */
export function formatHexDump(bytes: Uint8Array, withCharacters: boolean = true): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += 16) {
    const line = bytes.subarray(start, start + 16);
    let numbers = '';
    for (let index = 0; index < 16; index++) {
      const byte = line[index];
      const separator = index === 8 && index < line.length + 1 && line.length >= 8 ? '-' : ' ';
      numbers +=
        byte === undefined ? `${index === 8 && line.length === 8 ? '-' : ' '}  ` : `${separator}${hex(byte, 2)}`;
    }
    const offset = hex(start, 8);
    if (!withCharacters) {
      const plain = numbers.trimEnd();
      text += `${offset} ${plain}\n`;
      continue;
    }
    const characters = Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(
      '',
    );
    text += `${offset} ${numbers} |${characters.padEnd(16)}|\n`;
  }
  return text;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function formatBody(decoded: DecodedMessage, options: MessageTextOptions): string {
  const { message, version } = decoded;
  switch (message.type) {
    case 'hello':
      return `\n version bitmap: ${formatVersions(message.versions)}${message.hasUnknown ? '\n unknown data in hello:\n' : ''}`;
    case 'error':
      return formatError(message, options);
    case 'echo_request':
    case 'echo_reply':
      return ` ${message.data.length} bytes of payload\n${(options.verbosity ?? 1) > 0 ? formatHexDump(message.data) : ''}`;
    case 'features_reply':
      return formatFeatures(message, version, options);
    case 'get_config_reply':
    case 'set_config': {
      const ttl = message.invalidTtlToController ? ' invalid_ttl_to_controller' : '';
      return ` frags=${message.fragments}${ttl} miss_send_len=${message.missSendLength}`;
    }
    case 'packet_in':
    case 'resume':
      return formatPacketIn(message, options);
    case 'packet_out':
      return formatPacketOut(message, options);
    case 'flow_removed':
      return formatFlowRemoved(message, options);
    case 'port_status':
      return ` ${{ add: 'ADD', delete: 'DEL', modify: 'MOD' }[message.reason]}:${formatPortDescription(message.port, options)}`;
    case 'port_mod':
      return ` ${formatPortMod(message, options)}`;
    case 'flow_mod':
      return ` ${formatFlowModMessage(message, version, options)}`;
    case 'group_mod':
      return `\n ${formatGroupMod(message.mod, options)}`;
    case 'meter_mod':
      return ` ${formatMeterMod(message.mod)}`;
    case 'table_mod':
      return ` ${formatTableMod(message, version)}`;
    case 'table_status':
      return ` reason=${message.reason.toUpperCase()}\ntable_desc:-\n${formatTableDescription(message.description, true)}`;
    case 'role_request':
    case 'role_reply': {
      const generation = message.generationId === null ? '' : ` generation_id=${message.generationId}`;
      return ` role=${message.role}${generation}`;
    }
    case 'role_status': {
      const generation = message.generationId === null ? '' : ` generation_id=${message.generationId}`;
      return ` role=${message.role}${generation} reason=${message.reason}`;
    }
    case 'get_async_reply':
    case 'set_async':
      return `\n primary:\n${formatAsync(message.primary)}\n secondary:\n${formatAsync(message.secondary)}`;
    case 'queue_desc_request':
      return ` port=${anyPort(message.port, options)}${version >= 5 ? ` queue=${allQueue(message.queue)}` : ''}`;
    case 'queue_desc_reply':
      return formatQueueDescriptions(message, options);
    case 'requestforward':
      return message.message.type === 'group_mod'
        ? ` reason=group_mod\n ${formatGroupMod(message.message.mod, options)}`
        : ` reason=meter_mod ${formatMeterMod(message.message.mod)}`;
    case 'bundle_control':
      return `\n bundle_id=0x${message.bundleId.toString(16)} type=${message.control.toUpperCase()} flags=${formatBundleFlags(message.flags)}`;
    case 'bundle_add':
      return `\n bundle_id=0x${message.bundleId.toString(16)} flags=${formatBundleFlags(message.flags)}\n${formatPacketOrError(message.message, options)}`;
    case 'tlv_table_mod':
      return `\n ${{ add: 'ADD', delete: 'DEL', clear: 'CLEAR' }[message.command]}${message.command === 'clear' ? '' : formatTlvMappings(message.mappings)}`;
    case 'tlv_table_reply': {
      const allocated = message.mappings.reduce((sum, { length }) => sum + length, 0);
      const head = ` max option space=${message.maxSpace} max fields=${message.maxFields}\n allocated option space=${allocated}\n`;
      return `\n${head}\n${formatTlvMappings(message.mappings)}`;
    }
    case 'set_flow_format':
    case 'set_packet_in_format':
      return ` format=${message.format}`;
    case 'flow_mod_table_id':
      return message.enabled ? ' enable' : ' disable';
    case 'set_controller_id':
    case 'flow_monitor_cancel':
      return ` id=${message.id}`;
    case 'ct_flush_zone':
      return ` zone_id=${message.zone}`;
    default:
      return formatStatistics(decoded, message, options);
  }
}

function formatStatistics({ name, version }: DecodedMessage, message: Message, options: MessageTextOptions): string {
  const lines = (texts: readonly string[]): string => texts.map((text) => `\n${text}`).join('');
  switch (message.type) {
    case 'desc_reply':
      return lines([
        `Manufacturer: ${message.manufacturer}`,
        `Hardware: ${message.hardware}`,
        `Software: ${message.software}`,
        `Serial Num: ${message.serialNumber}`,
        `DP Description: ${message.datapath}`,
      ]);
    case 'flow_stats_request':
    case 'aggregate_request':
      return formatFlowStatsRequest(message, options);
    case 'flow_stats_reply':
      return lines(message.flows.map((flow) => formatFlowStats(flow, options)));
    case 'aggregate_reply':
      return ` packet_count=${count(message.packets)} byte_count=${count(message.bytes)} flow_count=${message.flows}`;
    case 'table_stats_reply':
      return `\n${formatTableStats(message.tables, version, options)}`;
    case 'table_features_request':
    case 'table_features_reply':
      return message.tables.length === 0 ? '' : `\n${formatTableFeatures(message.tables, options)}`;
    case 'table_desc_reply':
      return `\n${message.tables.map((description) => formatTableDescription(description, false)).join('\n\n')}`;
    case 'port_stats_request':
      return ` port_no=${anyPort(message.port, options)}`;
    case 'port_desc_request':
      return ` port=${anyPort(message.port, options)}`;
    case 'port_stats_reply':
      return ` ${message.ports.length} ports\n${message.ports.map((stats) => formatPortStats(stats, options)).join('')}`;
    case 'port_desc_reply':
      return `\n${sortedPorts(message.ports)
        .map((port) => formatPortDescription(port, options))
        .join('')}`;
    case 'queue_stats_request':
      return ` port=${anyPort(message.port, options)} queue=${allQueue(message.queue)}`;
    case 'queue_stats_reply': {
      const texts = message.queues.map(
        (stats) =>
          `  port ${portText(stats.port, options)} queue ${stats.queue}: bytes=${count(stats.bytes)}, pkts=${count(stats.packets)}, ` +
          `errors=${count(stats.errors)}, duration=${stats.durationMs === null ? '?' : formatDuration(stats.durationMs)}`,
      );
      return ` ${message.queues.length} queues${lines(texts)}`;
    }
    case 'group_stats_request':
    case 'group_desc_request':
      return ` group_id=${formatGroupId(message.group)}`;
    case 'group_stats_reply':
      return lines(message.groups.map((stats) => ` ${formatGroupStats(stats)}`));
    case 'group_desc_reply':
      return lines(message.groups.map((group) => ` ${formatGroup(group, options)}`));
    case 'group_features_reply':
      return formatGroupFeatures(message, version);
    case 'meter_stats_request':
    case 'meter_config_request':
      return ` meter=${message.meter === 0xffffffff ? 'all' : message.meter}`;
    case 'meter_config_reply':
      return `\n${message.meters.map(formatMeter).join('\n\n')}`;
    case 'meter_stats_reply':
      return `\n${message.meters.map(formatMeterStats).join('\n\n')}`;
    case 'meter_features_reply': {
      const capabilities = METER_CAPABILITIES.filter((_, bit) => (message.capabilities & (1 << bit)) !== 0);
      return (
        `\nmax_meter:${message.maxMeters} max_bands:${message.maxBands} max_color:${message.maxColor}\n` +
        `band_types: ${message.bandTypes.join(' ')}\ncapabilities: ${capabilities.join(' ')}`
      );
    }
    case 'flow_monitor_request':
      return lines(message.monitors.map((entry) => formatMonitor(entry, options)));
    case 'flow_monitor_reply':
      return lines(message.updates.map((update) => formatUpdate(update, options)));
    default:
      return name === '' ? name : '';
  }
}

function count(value: bigint): string {
  return value === UNKNOWN_COUNT ? '?' : String(value);
}

function formatVersions(versions: number): string {
  const texts: string[] = [];
  for (let version = 1; version < 32; version++) {
    if (((versions >>> version) & 1) !== 0) {
      texts.push(`0x${hex(version, 2)}`);
    }
  }
  return texts.join(', ');
}

function formatError(message: MessageOf<'error'>, options: MessageTextOptions): string {
  const { error, number, data } = message;
  const name = error ?? `***decode error: type ${number.type ?? 'experimenter'} code ${number.code}***`;
  if (error?.startsWith('OFPHFC_') === true) {
    return ` ${name}\n${formatPrintable(data)}`;
  }
  return ` ${name}\n${data.length === 0 ? '(***truncated to 0 bytes***)' : formatPacketOrError(data, options)}`;
}

/** Text with what is not printable as octal numbers. */
function formatPrintable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`,
  ).join('');
}

function sortedPorts<T extends { readonly port: number }>(ports: readonly T[]): readonly T[] {
  return [...ports].sort((a, b) => a.port - b.port);
}

function formatFeatures(message: MessageOf<'features_reply'>, version: number, options: MessageTextOptions): string {
  const capabilities = CAPABILITIES.filter(
    ([bit, , since, until]) => (message.capabilities & bit) !== 0 && since <= version && version <= until,
  ).map(([, name]) => name);
  const auxiliary = message.auxiliaryId === 0 ? '' : `, auxiliary_id:${message.auxiliaryId}`;
  const actions =
    version === 1
      ? `actions: ${ACTION_ORDER_10.filter((bit) => (message.actions & (1 << bit)) !== 0)
          .map((bit) => ACTIONS_10[bit])
          .join(' ')}\n`
      : '';
  return (
    ` dpid:${message.datapathId.toString(16).padStart(16, '0')}\n` +
    `n_tables:${message.tableCount}, n_buffers:${message.bufferCount}${auxiliary}\n` +
    `capabilities: ${capabilities.join(' ')}\n${actions}` +
    sortedPorts(message.ports)
      .map((port) => formatPortDescription(port, options))
      .join('')
  );
}

/** The packet's headers on a line, with the checksum of TCP, UDP and SCTP that it has. */
function formatPacket(bytes: Uint8Array, options: MessageTextOptions): string {
  const flow = createFlow();
  const packet = Packet.from(bytes);
  extractFlow(packet, flow);
  const shown = formatFlow(flow, options).replace(/(^|,)in_port=(?:0|ANY)(?=,|$)/, (_, comma: string) => comma);
  const text = shown.replace(/^,|,(?=,)/g, '').replace(/,,/g, ',');
  const protocol = (flow[W_TYPE_PROTO_FRAG]! >>> 8) & 0xff;
  const checksum =
    packet.transportOffset < 0 || flow[W_TP] === 0 ? '' : formatChecksum(bytes, packet.transportOffset, protocol);
  const dump = (options.verbosity ?? 0) >= SHOW_BYTES ? formatHexDump(bytes, false) : '';
  return `${text}${checksum}\n${dump}`;
}

function formatChecksum(bytes: Uint8Array, offset: number, protocol: number): string {
  const at = protocol === 6 ? 16 : protocol === 17 ? 6 : protocol === 132 ? 8 : -1;
  const length = protocol === 132 ? 4 : 2;
  if (at < 0 || offset + at + length > bytes.length) {
    return '';
  }
  const name = protocol === 6 ? 'tcp' : protocol === 17 ? 'udp' : 'sctp';
  const digits = Array.from(bytes.subarray(offset + at, offset + at + length), (byte) => hex(byte, 2)).join('');
  return ` ${name}_csum:${digits.replace(/^0+(?=.)/, '')}`;
}

function formatPacketIn(message: MessageOf<'packet_in'>, options: MessageTextOptions): string {
  const { table, cookie, totalLength, match, reason, packet, bufferId, userdata } = message;
  const table_ = table === 0 ? '' : ` table_id=${formatTable(table, options)}`;
  const cookieText = cookie === UNKNOWN_COUNT ? '' : ` cookie=0x${cookie.toString(16)}`;
  const metadata = formatMatch(match, options);
  const short = totalLength < packet.length ? ' (***data_len > total_len***)' : '';
  const buffer = bufferId === null ? ' (unbuffered)' : ` buffer=0x${hex(bufferId, 8)}`;
  const user = userdata.length === 0 ? '' : ` userdata=${formatHexBytes(userdata, '.')}\n`;
  return (
    `${table_}${cookieText} total_len=${totalLength} ${metadata === '' ? '' : `${metadata} `}(via ${reason}) data_len=${packet.length}${buffer}${short}\n` +
    `${user}${formatContinuation(message, options)}${formatPacket(packet, options)}`
  );
}

/** What a paused packet goes on with, a line for each thing. */
function formatContinuation({ continuation }: MessageOf<'packet_in'>, options: MessageTextOptions): string {
  if (continuation === null) {
    return '';
  }
  const { bridge, stack, mirrors, conntracked, table, cookie, actions, actionSet, odpPort } = continuation;
  const where = `unroll_xlate(table=${table}, cookie=${cookie === UNKNOWN_COUNT ? 0 : cookie})`;
  const lines = [
    bridge === null ? '' : `bridge=${formatUuid(bridge)}`,
    stack.length === 0 ? '' : `stack=${stack.map((entry) => formatHexBytes(entry, '')).join(' ')}`,
    mirrors === 0 ? '' : `mirrors=0x${mirrors.toString(16)}`,
    conntracked ? 'conntracked=true' : '',
    actions.length === 0 ? '' : `actions=${where},${formatActions(actions, options)}`,
    actionSet.length === 0 ? '' : `action_set=${formatActions(actionSet, options)}`,
    odpPort === null ? '' : `odp_port=${odpPort}`,
  ];
  return lines.map((line) => (line === '' ? '' : ` continuation.${line}\n`)).join('');
}

/** The four words of a UUID are in the order of a little-endian host. */
function formatUuid(bytes: Uint8Array): string {
  const ordered = bytes.map((_, index) => bytes[(index & ~3) + 3 - (index & 3)]!);
  return formatHexBytes(ordered, '').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function formatPacketOut(message: MessageOf<'packet_out'>, options: MessageTextOptions): string {
  const { match, actions, bufferId, packet } = message;
  const metadata =
    inPortOf(match) === OFPP_NONE && match.masks[W_IN_PORT] === 0 ? 'in_port=ANY' : formatMatch(match, options);
  const head = ` ${metadata} ${actionsText(actions, options)}`;
  if (bufferId !== null) {
    return `${head} buffer=0x${hex(bufferId, 8)}`;
  }
  return `${head} data_len=${packet.length}\n${packet.length === 0 ? '' : formatPacket(packet, options)}`;
}

function actionsText(actions: readonly OpenFlowAction[], options: MessageTextOptions): string {
  return `actions=${formatActions(actions, options)}`;
}

function formatFlowRemoved(message: MessageOf<'flow_removed'>, options: MessageTextOptions): string {
  const { match, priority, reason, table, cookie, durationMs, idleTimeout, hardTimeout, packets, bytes } = message;
  const terms = [
    formatPrioritizedMatch(match, priority, options),
    `reason=${reason}`,
    table === TABLE_ALL ? '' : `table_id=${formatTable(table, options)}`,
    cookie === 0n ? '' : `cookie:0x${cookie.toString(16)}`,
    `duration${formatDuration(durationMs)}`,
    `idle${idleTimeout}`,
    hardTimeout === 0 ? '' : `hard${hardTimeout}`,
    `pkts${packets}`,
    `bytes${bytes}`,
  ];
  return ` ${terms.filter((term) => term !== '').join(' ')}`;
}

function formatFlowModMessage(
  { mod, bufferId }: MessageOf<'flow_mod'>,
  version: number,
  options: MessageTextOptions,
): string {
  const names = { add: 'ADD', modify: 'MOD', modify_strict: 'MOD_STRICT', delete: 'DEL', delete_strict: 'DEL_STRICT' };
  const { flags } = mod;
  const terms = [
    names[mod.command],
    mod.table === 0 ? '' : `table:${formatTable(mod.table, options)}`,
    formatPrioritizedMatch(mod.match, mod.priority, options),
    mod.cookie === 0n || mod.cookie === COOKIE_NONE ? '' : `cookie:0x${mod.cookie.toString(16)}`,
    mod.cookieMask === 0n ? '' : `cookie:${hexBig(mod.cookieMatch)}/${hexBig(mod.cookieMask)}`,
    mod.idleTimeout === 0 ? '' : `idle:${mod.idleTimeout}`,
    mod.hardTimeout === 0 ? '' : `hard:${mod.hardTimeout}`,
    mod.importance === 0 ? '' : `importance:${mod.importance}`,
    bufferId === null ? '' : `buf:0x${bufferId.toString(16)}`,
    mod.outPort === OFPP_NONE ? '' : `out_port:${portText(mod.outPort, options)}`,
    flags.sendFlowRemoved ? 'send_flow_rem' : '',
    flags.checkOverlap ? 'check_overlap' : '',
    // Versions without the flag are not shown to have it.
    flags.resetCounts && version > 2 ? 'reset_counts' : '',
    flags.noPacketCounts ? 'no_packet_counts' : '',
    flags.noByteCounts ? 'no_byte_counts' : '',
    actionsText(mod.actions, options),
  ];
  return terms.filter((term) => term !== '').join(' ');
}

function hexBig(value: bigint): string {
  return value === 0n ? '0' : `0x${value.toString(16)}`;
}

function formatFlowStatsRequest(message: MessageOf<'flow_stats_request'>, options: MessageTextOptions): string {
  const terms = [
    message.table === TABLE_ALL ? '' : ` table=${formatTable(message.table, options)}`,
    message.outPort === OFPP_NONE ? '' : ` out_port=${portText(message.outPort, options)}`,
    ` ${formatPrioritizedMatch(message.match, DEFAULT_PRIORITY, options)}`,
  ];
  return terms.join('').replace(/ +$/, '');
}

function formatAsync(masks: AsyncMasks): string {
  return ASYNC_REASONS.map(([kind, label, reasons]) => {
    const shown = reasons.filter((_, bit) => (masks[kind] & (1 << bit)) !== 0);
    return `${label.padStart(16)}:${shown.length === 0 ? ' (off)' : shown.map((reason) => ` ${reason}`).join('')}\n`;
  }).join('');
}

function anyPort(port: number, options: MessageTextOptions): string {
  return port === OFPP_NONE ? 'ANY' : portText(port, options);
}

function allQueue(queue: number): string {
  return queue === 0xffffffff ? 'ALL' : String(queue);
}

function formatGroupId(group: number): string {
  return group === OFPG_ALL ? 'ALL' : group === OFPG_ANY ? 'ANY' : String(group);
}

function formatQueueDescriptions({ queues, port }: MessageOf<'queue_desc_reply'>, options: MessageTextOptions): string {
  const sorted = [...queues].sort((a, b) => a.port - b.port || a.queue - b.queue);
  let text = '';
  let shownPort = -1;
  for (const entry of sorted) {
    if (entry.port !== shownPort) {
      text += `${text === '' ? ' ' : ''}port=${portText(entry.port, options)}\n`;
      shownPort = entry.port;
    }
    const rate = (label: string, tenths: number | null): string =>
      tenths === null ? '' : ` ${label}:${Math.floor(tenths / 10)}.${tenths % 10}%`;
    text += `queue ${entry.queue}:${rate('min_rate', entry.minRate)}${rate('max_rate', entry.maxRate)}\n`;
  }
  return text === '' && port !== OFPP_NONE ? ` port=${portText(port, options)}` : text;
}

function formatBundleFlags(flags: number): string {
  const names = [(flags & 1) === 0 ? '' : 'atomic', (flags & 2) === 0 ? '' : 'ordered'].filter((name) => name !== '');
  return names.length === 0 ? '0' : names.join(' ');
}

function formatTlvMappings(mappings: MessageOf<'tlv_table_mod'>['mappings']): string {
  const rows = mappings.map(
    ({ optionClass, optionType, length, index }) =>
      ` ${`0x${optionClass.toString(16)}`.padStart(6)}  ${`0x${optionType.toString(16)}`.padStart(5)}  ${String(length).padStart(6)}  tun_metadata${index}\n`,
  );
  return ` mapping table:\n  class  type  length  match field\n ------  ----  ------  --------------\n${rows.join('')}`;
}

function formatGroupFeatures(message: MessageOf<'group_features_reply'>, version: number): string {
  let text = `\n Group table:\n    Types:  0x${message.types.toString(16)}\n    Capabilities:  0x${message.capabilities.toString(16)}\n`;
  GROUP_TYPES.forEach((type, index) => {
    if ((message.types & (1 << index)) === 0) {
      return;
    }
    const bits = message.actions[index]!;
    const actions = version === 1 ? ACTION_ORDER_10.map((bit) => [bit, ACTIONS_10[bit]!] as const) : GROUP_ACTIONS_11;
    const names = actions.filter(([bit]) => ((bits >>> bit) & 1) !== 0).map(([, name]) => name);
    text += `    ${type} group:\n       max_groups=0x${message.maxGroups[index]!.toString(16)}\n       actions: ${names.join(' ')}\n`;
  });
  return text;
}

function formatMonitor(entry: FlowMonitorRequestEntry, options: MessageTextOptions): string {
  if (entry.command === 'delete') {
    return ` id=${entry.id} command=delete`;
  }
  const flags = (['initial', 'add', 'delete', 'modify', 'actions', 'own'] as const).filter((flag) => entry[flag]);
  const terms = [
    `id=${entry.id}`,
    `flags=${flags.join(',')}`,
    entry.outPort === OFPP_NONE ? '' : `out_port=${portText(entry.outPort, options)}`,
    entry.outGroup === OFPG_ANY ? '' : `out_group=${entry.outGroup}`,
    entry.table === TABLE_ALL ? '' : `table=${formatTable(entry.table, options)}`,
    formatMatch(entry.match, options),
  ];
  return ` ${terms.filter((term) => term !== '').join(' ')}`;
}

function formatUpdate(update: FlowUpdate, options: MessageTextOptions): string {
  const event = ` event=${update.event.toUpperCase()}`;
  if ('xid' in update) {
    return `${event} xid=0x${update.xid.toString(16)}`;
  }
  if (!('match' in update)) {
    return event;
  }
  const terms = [
    event,
    update.event === 'deleted' ? ` reason=${update.reason}` : '',
    ` table=${formatTable(update.table, options)}`,
    update.idleTimeout === 0 ? '' : ` idle_timeout=${update.idleTimeout}`,
    update.hardTimeout === 0 ? '' : ` hard_timeout=${update.hardTimeout}`,
    ` cookie=${hexBig(update.cookie)}`,
    ` ${formatMatch(update.match, options)}`.trimEnd(),
    update.actions.length === 0 ? '' : ` ${actionsText(update.actions, options)}`,
  ];
  return terms.join('');
}
