/**
 * OpenFlow of one bridge: what each message of its connections does, and what is sent to them unasked.
 *
 * Messages are carried out one after the other as they come, so that a barrier has nothing to wait for. Questions are answered by
 * `openflow-statistics.ts`; here are the changes, the settings of connections, roles and bundles, and the asynchronous messages:
 * the switch's owner hands packet-ins, removed flows and changed ports to `sendPacketIn`, `sendFlowRemoved` and
 * `sendPortStatus`, and the service knows who wants them (OpenFlow 1.5 section 6.3.5, ovs-vswitchd.conf.db(5)).
 */
import {
  createMatch,
  FIELDS,
  type FlowWords,
  type Match,
  readField,
  requireField,
  setMatchField,
} from '../flow/index.ts';
import { type BridgePort, type RemovedReason, TABLE_ALL } from '../ofproto/index.ts';
import {
  type AsyncMasks,
  type BundleAddMessage,
  type BundleControlMessage,
  type ControllerReason,
  checkActions,
  checkBucketActions,
  type DecodedMessage,
  decodeMessage,
  type FlowMod,
  type FlowModMessage,
  type FlowRemovedReason,
  type FlowStats,
  type FragmentHandling,
  type GroupMod,
  type GroupModMessage,
  type Message,
  type MeterModMessage,
  OpenFlowError,
  type OpenFlowErrorName,
  type OpenFlowVersion,
  type PacketOutMessage,
  type PortModMessage,
  type RoleMessage,
  type TableModMessage,
  versionsUpTo,
} from '../openflow/index.ts';
import type { PacketIn } from '../udpif/index.ts';
import type { OpenFlowBridge } from './openflow-bridge.ts';
import { type BundledMessage, Bundles } from './openflow-bundles.ts';
import {
  OpenFlowConnection,
  type OpenFlowConnectionHandler,
  type OpenFlowConnectionKind,
  type OpenFlowStream,
} from './openflow-connection.ts';
import { OPENFLOW_TABLES } from './openflow-features.ts';
import { applyPortMod, describePort } from './openflow-ports.ts';
import { answerOf } from './openflow-statistics.ts';

export interface OpenFlowServiceOptions {
  /** bit N: wire version N may be spoken; default OpenFlow 1.0 to 1.5 */
  readonly versions?: number;
  /** called when a connection has ended; `reason` is null when the peer ended in order */
  readonly onClosed?: (connection: OpenFlowConnection, reason: string | null) => void;
}

/** What a secondary controller may not do (OpenFlow 1.5 section 6.3.4). */
const CHANGES: ReadonlySet<Message['type']> = new Set([
  'flow_mod',
  'group_mod',
  'meter_mod',
  'port_mod',
  'table_mod',
  'packet_out',
  'bundle_control',
  'bundle_add',
  'tlv_table_mod',
]);
const ALL_VERSIONS = versionsUpTo(6);
const OF11 = 2;
const OF14 = 5;
const PACKET_IN_REASONS: readonly ControllerReason[] = [
  'no_match',
  'action',
  'invalid_ttl',
  'action_set',
  'group',
  'packet_out',
];
const REASON_INVALID_TTL = 1 << 2;
const FLOW_REMOVED_REASONS: readonly FlowRemovedReason[] = [
  'idle',
  'hard',
  'delete',
  'group_delete',
  'meter_delete',
  'eviction',
];
const PORT_REASONS = ['add', 'delete', 'modify'] as const;
const PACKET_IN_NAMES = {
  standard: 'OFPT_PACKET_IN',
  nxt_packet_in: 'NXT_PACKET_IN',
  nxt_packet_in2: 'NXT_PACKET_IN2',
};
const IN_PORT = requireField('in_port');
/** what a packet-in says of a packet besides its headers */
const METADATA_FIELDS = FIELDS.filter(
  ({ name, width }) =>
    width > 0 &&
    /^(?:metadata|tun_(?:id|src|dst|ipv6_src|ipv6_dst|flags|gbp_id|gbp_flags)|reg\d+|pkt_mark|ct_.+)$/.test(name),
);

export class OpenFlowService implements OpenFlowConnectionHandler {
  readonly #target: OpenFlowBridge;
  readonly #options: OpenFlowServiceOptions;
  readonly #connections: Map<OpenFlowConnection, Bundles> = new Map();
  /** of the last request to become primary or secondary */
  #generation: bigint | null = null;
  #fragments: FragmentHandling = 'normal';

  constructor(target: OpenFlowBridge, options: OpenFlowServiceOptions = {}) {
    this.#target = target;
    this.#options = options;
  }

  get connections(): readonly OpenFlowConnection[] {
    return [...this.#connections.keys()];
  }

  /** Takes over a stream: says hello, and serves it until it ends. */
  accept(stream: OpenFlowStream, kind: OpenFlowConnectionKind): OpenFlowConnection {
    return new OpenFlowConnection(stream, this, { kind, versions: this.#options.versions ?? ALL_VERSIONS });
  }

  /** Ends all connections. */
  close(): void {
    for (const connection of this.connections) {
      connection.close();
    }
  }

  onReady(connection: OpenFlowConnection): void {
    this.#connections.set(connection, new Bundles());
  }

  onClosed(connection: OpenFlowConnection, reason: string | null): void {
    this.#connections.delete(connection);
    this.#options.onClosed?.(connection, reason);
  }

  onMessage(connection: OpenFlowConnection, decoded: DecodedMessage, bytes: Uint8Array): void {
    const { message, xid, name } = decoded;
    const version = connection.version!;
    if (connection.settings.role === 'secondary' && CHANGES.has(message.type)) {
      throw new OpenFlowError(version < 3 ? 'OFPBRC_EPERM' : 'OFPBRC_IS_SECONDARY', 'the controller is secondary');
    }
    const answer = answerOf(this.#target, message, version);
    if (answer !== null) {
      // A Nicira question has a Nicira answer.
      connection.send(answer, xid, name.startsWith('NX') ? name.replace('request', 'reply') : undefined);
    } else if (!this.#configure(connection, decoded)) {
      this.#change(connection, decoded, bytes);
    }
  }

  /** Sends a packet to those controllers that want it. */
  sendPacketIn(packetIn: PacketIn): void {
    let message: Message | null = null;
    for (const connection of this.#connections.keys()) {
      const { settings, version } = connection;
      const reason = version! < OF14 && PACKET_IN_REASONS.indexOf(packetIn.reason) > 2 ? 'action' : packetIn.reason;
      const bit = 1 << PACKET_IN_REASONS.indexOf(reason);
      const extra = settings.invalidTtlToController ? REASON_INVALID_TTL : 0;
      if (settings.controllerId === packetIn.controllerId && ((masksOf(connection)?.packetIn ?? 0) | extra) & bit) {
        message ??= packetInMessage(packetIn);
        connection.sendAsync(message, PACKET_IN_NAMES[settings.packetInFormat]);
      }
    }
  }

  /** Says that a flow has gone, if it was to be said. */
  sendFlowRemoved(flow: FlowStats, removedReason: RemovedReason): void {
    if (!flow.flags.sendFlowRemoved) {
      return;
    }
    for (const connection of this.#connections.keys()) {
      const version = connection.version!;
      const reason = flowRemovedReason(removedReason, version);
      if ((masksOf(connection)?.flowRemoved ?? 0) & (1 << FLOW_REMOVED_REASONS.indexOf(reason))) {
        const { match, priority, cookie, table, durationMs, idleTimeout, hardTimeout, packets, bytes } = flow;
        connection.sendAsync(
          {
            type: 'flow_removed',
            ...{ match, priority, cookie, reason, table, durationMs, idleTimeout, hardTimeout, packets, bytes },
          },
          version === 1 && connection.settings.usesNxm ? 'NXT_FLOW_REMOVED' : undefined,
        );
      }
    }
  }

  /** Says that a port has come, gone or changed. */
  sendPortStatus(reason: (typeof PORT_REASONS)[number], port: BridgePort): void {
    for (const connection of this.#connections.keys()) {
      if ((masksOf(connection)?.portStatus ?? 0) & (1 << PORT_REASONS.indexOf(reason))) {
        connection.sendAsync({
          type: 'port_status',
          reason,
          port: describePort(this.#target, port, connection.version!),
        });
      }
    }
  }

  /** Settings of the connection and of the switch. Returns whether the message is about them. */
  #configure(connection: OpenFlowConnection, { message, xid, name }: DecodedMessage): boolean {
    const { settings } = connection;
    switch (message.type) {
      case 'barrier_request':
        connection.send({ type: 'barrier_reply' }, xid);
        return true;
      case 'get_config_request':
        connection.send(
          {
            type: 'get_config_reply',
            fragments: this.#fragments,
            invalidTtlToController: settings.invalidTtlToController,
            missSendLength: settings.missSendLength,
          },
          xid,
        );
        return true;
      case 'set_config':
        settings.invalidTtlToController = message.invalidTtlToController;
        settings.missSendLength = message.missSendLength;
        // Nothing here reassembles, as in Open vSwitch, which then goes on as it was.
        if (settings.role !== 'secondary' && message.fragments !== 'reassemble') {
          this.#fragments = message.fragments;
        }
        return true;
      case 'get_async_request':
        connection.send(
          { type: 'get_async_reply', primary: settings.primaryMasks, secondary: settings.secondaryMasks },
          xid,
        );
        return true;
      case 'set_async':
        settings.primaryMasks = message.primary;
        settings.secondaryMasks = message.secondary;
        return true;
      case 'role_request':
        this.#setRole(connection, message);
        connection.send(
          { type: 'role_reply', role: settings.role, generationId: this.#generation },
          xid,
          name.startsWith('NX') ? 'NXT_ROLE_REPLY' : undefined,
        );
        return true;
      case 'set_packet_in_format':
        settings.packetInFormat = message.format;
        return true;
      case 'set_controller_id':
        settings.controllerId = message.id;
        return true;
      case 'flow_mod_table_id':
        settings.flowModTableId = message.enabled;
        return true;
      case 'set_flow_format':
        settings.usesNxm = message.format === 'nxm';
        return true;
      default:
        return false;
    }
  }

  #setRole(connection: OpenFlowConnection, { role, generationId }: RoleMessage): void {
    if (role === 'nochange') {
      return;
    }
    if (generationId !== null && role !== 'equal') {
      if (this.#generation !== null && BigInt.asIntN(64, generationId - this.#generation) < 0n) {
        throw new OpenFlowError('OFPRRFC_STALE', `generation ${generationId} is older than ${this.#generation}`);
      }
      this.#generation = generationId;
    }
    if (role === 'primary') {
      for (const other of this.#connections.keys()) {
        if (other !== connection && other.settings.role === 'primary') {
          this.#makeSecondary(other);
        }
      }
    }
    connection.settings.role = role;
  }

  /** There is one primary controller: the one before learns that it no longer is. */
  #makeSecondary(connection: OpenFlowConnection): void {
    const isWanted = (masksOf(connection)?.roleStatus ?? 0) & 1;
    connection.settings.role = 'secondary';
    if (isWanted && connection.version! >= OF14) {
      connection.sendAsync({
        type: 'role_status',
        role: 'secondary',
        generationId: this.#generation,
        reason: 'primary_request',
      });
    }
  }

  #change(connection: OpenFlowConnection, decoded: DecodedMessage, bytes: Uint8Array): void {
    const { message } = decoded;
    const version = connection.version!;
    switch (message.type) {
      case 'flow_mod':
        this.#target.applyFlowMods([checkedFlowMod(message, version)]);
        break;
      case 'group_mod':
        this.#groupMod(connection, message, decoded.xid);
        break;
      case 'meter_mod':
        this.#target.applyMeterMod(message.mod);
        this.#forward(connection, message, decoded.xid);
        break;
      case 'packet_out':
        this.#packetOut(message);
        break;
      case 'port_mod':
        this.#portMod(message);
        break;
      case 'table_mod':
        this.#tableMod(message);
        break;
      case 'bundle_control':
        this.#controlBundle(connection, message, decoded.xid, bytes);
        break;
      case 'bundle_add':
        this.#addToBundle(connection, message);
        break;
      default:
        throw new OpenFlowError('OFPBRC_BAD_TYPE', `cannot do ${decoded.name}`);
    }
  }

  #groupMod(connection: OpenFlowConnection, message: GroupModMessage, xid: number): void {
    this.#target.applyGroupMod(checkedGroupMod(message));
    this.#forward(connection, message, xid);
  }

  /** Tells the other controllers of a change of a group or meter (OpenFlow 1.4 section 7.4.6). */
  #forward(origin: OpenFlowConnection, message: GroupModMessage | MeterModMessage, xid: number): void {
    const bit = message.type === 'group_mod' ? 1 : 2;
    for (const connection of this.#connections.keys()) {
      if (connection !== origin && (masksOf(connection)?.requestforward ?? 0) & bit) {
        connection.sendAsync({ type: 'requestforward', message, xid });
      }
    }
  }

  #packetOut({ bufferId, actions, match, packet }: PacketOutMessage): void {
    if (bufferId !== null) {
      throw new OpenFlowError('OFPBRC_BUFFER_UNKNOWN', `no buffer ${bufferId}`);
    }
    this.#target.packetOut(packet, actions, match);
  }

  #portMod(message: PortModMessage): void {
    const port = applyPortMod(this.#target, message);
    if (port !== null) {
      this.sendPortStatus('modify', port);
    }
  }

  #tableMod({ table, miss }: TableModMessage): void {
    if (table !== TABLE_ALL && table >= OPENFLOW_TABLES) {
      throw new OpenFlowError('OFPTMFC_BAD_TABLE', `no table ${table}`);
    }
    const tables = table === TABLE_ALL ? Array.from({ length: OPENFLOW_TABLES }, (_, id) => id) : [table];
    if (miss === 'continue' && table === OPENFLOW_TABLES - 1) {
      throw new OpenFlowError('OFPTMFC_BAD_CONFIG', 'the last table has none to continue with');
    }
    for (const id of tables) {
      this.#target.configureTable(id, miss);
    }
  }

  #addToBundle(connection: OpenFlowConnection, { bundleId, flags, message }: BundleAddMessage): void {
    const decoded = decodeMessage(message, { flowModTableId: connection.settings.flowModTableId });
    this.#connections.get(connection)!.add(bundleId, flags, { decoded, bytes: message });
  }

  #controlBundle(connection: OpenFlowConnection, message: BundleControlMessage, xid: number, bytes: Uint8Array): void {
    const bundles = this.#connections.get(connection)!;
    const { bundleId } = message;
    const reply = (control: BundleControlMessage['control']): void =>
      connection.send({ type: 'bundle_control', bundleId, control, flags: 0 }, xid);
    switch (message.control) {
      case 'open_request':
        bundles.open(message);
        reply('open_reply');
        break;
      case 'close_request':
        bundles.close(message);
        reply('close_reply');
        break;
      case 'discard_request':
        bundles.discard(message);
        reply('discard_reply');
        break;
      case 'commit_request': {
        const failed = this.#commit(connection, bundles.take(message));
        if (failed === null) {
          reply('commit_reply');
          break;
        }
        // The message that failed is refused, and then the commit.
        connection.sendError(failed.error, failed.bytes);
        connection.sendError('OFPBFC_MSG_FAILED', bytes);
        break;
      }
      default:
        throw new OpenFlowError('OFPBFC_BAD_TYPE', `${message.control} from a controller`);
    }
  }

  /** Carries out a bundle in order, all or nothing. Returns what was refused, or null. */
  #commit(
    connection: OpenFlowConnection,
    messages: readonly BundledMessage[],
  ): { readonly error: OpenFlowErrorName; readonly bytes: Uint8Array } | null {
    const isFlowsOnly = messages.every(({ decoded }) => decoded.message.type === 'flow_mod');
    const restore = isFlowsOnly ? () => undefined : this.#snapshot();
    let current = messages[0]!;
    function* flowMods(version: OpenFlowVersion): Generator<FlowMod> {
      for (current of messages) {
        yield checkedFlowMod(current.decoded.message as FlowModMessage, version);
      }
    }
    try {
      if (isFlowsOnly) {
        this.#target.applyFlowMods(flowMods(connection.version!));
      } else {
        for (current of messages) {
          this.#change(connection, current.decoded, current.bytes);
        }
      }
      return null;
    } catch (error) {
      if (!(error instanceof OpenFlowError)) {
        throw error;
      }
      restore();
      return { error: error.code, bytes: current.bytes };
    }
  }

  /** What brings flows and groups back to what they are now; their counters start anew. */
  #snapshot(): () => void {
    const { tables } = this.#target.bridge;
    const all = { match: createMatch(), cookieMatch: 0n, cookieMask: 0n, outPort: 0xffff, outGroup: 0xffffffff };
    const flows = tables.dump({ ...all, table: TABLE_ALL }, this.#target.nowMs);
    const groups = tables.groups.groups();
    return () => {
      for (const { id } of tables.groups.groups()) {
        this.#target.applyGroupMod({ ...EMPTY_GROUP_MOD, command: 'delete', group: id });
      }
      for (const { id, ...group } of groups) {
        this.#target.applyGroupMod({ ...EMPTY_GROUP_MOD, ...group, command: 'add', group: id });
      }
      const change = { ...all, modifyCookie: false };
      const [first] = flows;
      if (first !== undefined) {
        this.#target.applyFlowMods([{ ...first, ...change, command: 'delete', table: TABLE_ALL, actions: [] }]);
      }
      this.#target.applyFlowMods(
        flows.map((flow) => ({ ...flow, ...change, match: flow.match, command: 'add' as const })),
      );
    };
  }
}

const EMPTY_GROUP_MOD: GroupMod = {
  command: 'delete',
  type: 'all',
  group: 0,
  commandBucketId: null,
  buckets: [],
  selectionMethod: '',
  selectionMethodParameter: 0n,
  hashFields: null,
};

/** What the connection gets unasked; null = nothing. */
function masksOf({ kind, settings }: OpenFlowConnection): AsyncMasks | null {
  if (kind === 'service' && settings.missSendLength === 0) {
    return null;
  }
  return settings.role === 'secondary' ? settings.secondaryMasks : settings.primaryMasks;
}

function flowRemovedReason(reason: RemovedReason, version: OpenFlowVersion): FlowRemovedReason {
  if (reason === 'idle_timeout' || reason === 'hard_timeout') {
    return reason === 'idle_timeout' ? 'idle' : 'hard';
  }
  const isSayable = reason === 'delete' || (reason === 'group_delete' ? version > 1 : version >= OF14);
  return isSayable ? reason : 'delete';
}

function packetInMessage(packetIn: PacketIn): Message {
  const { reason, totalLength, table, cookie, frame, userdata, metadata } = packetIn;
  const match = metadataMatch(metadata);
  return {
    type: 'packet_in',
    ...{ reason, totalLength, table, cookie, userdata, match, packet: frame },
    bufferId: null,
    continuation: null,
  };
}

/** A match on the metadata that a packet has. */
function metadataMatch(metadata: FlowWords): Match {
  const match = createMatch();
  for (const field of METADATA_FIELDS) {
    const value = readField(metadata, field);
    if (value !== 0n) {
      setMatchField(match, field, value, (1n << BigInt(field.width)) - 1n);
    }
  }
  setMatchField(match, IN_PORT, readField(metadata, IN_PORT), 0xffffn);
  return match;
}

/** Throws when the actions do not fit the match. */
function checkedFlowMod({ mod }: FlowModMessage, version: OpenFlowVersion): FlowMod {
  if (mod.command !== 'delete' && mod.command !== 'delete_strict') {
    checkActions(mod.actions, mod.match, { table: mod.table, consistent: version >= OF11 });
  }
  return mod;
}

function checkedGroupMod({ mod }: GroupModMessage): GroupMod {
  for (const bucket of mod.buckets) {
    checkBucketActions(bucket.actions);
  }
  return mod;
}
