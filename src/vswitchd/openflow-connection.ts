/**
 * One OpenFlow connection over a stream of bytes: the hello and the choice of a version, echo, errors for what cannot be read,
 * and the settings that a controller makes for itself. What messages do to a bridge is the service's business.
 *
 * What is refused goes back as an error with the message that was refused, and the connection goes on. It ends when the stream
 * cannot be cut into messages any more, or when the first message is no hello: as Open vSwitch does. A message of which only a
 * part has come waits; a peer that does not read its answers is not read from (the listener's limit), and is sent no more
 * asynchronous messages until it does.
 */
import {
  type AsyncMasks,
  type ControllerRole,
  type DecodedMessage,
  decodeMessage,
  encodeHello,
  encodeMessages,
  errorMessage,
  HEADER_BYTES,
  identify,
  MAX_MESSAGE_BYTES,
  type Message,
  MessageSplitter,
  negotiateVersion,
  OpenFlowError,
  type OpenFlowErrorName,
  type OpenFlowVersion,
  type PacketInFormat,
  readHeader,
  versionsUpTo,
} from '../openflow/index.ts';

/** A stream of bytes, such as a socket; `SocketStream` of the platform layer is one. */
export interface OpenFlowStream {
  readonly name: string;
  /** bytes that were written and not sent yet */
  readonly pendingBytes: number;
  /** `onData`'s bytes are valid only during the call. */
  start(listener: {
    onData: (bytes: Uint8Array) => void;
    onClose: (reason: string | null) => void;
    onDrain: () => void;
  }): void;
  write(data: Uint8Array): void;
  /** Sends what was written, then ends; `onClose` is not called. */
  close(): void;
}

/**
 * `service` is a management connection: it gets no asynchronous messages before it sets a miss_send_len.
 * `primary` is a controller's (ovs-vswitchd.conf.db(5), Controller: type).
 */
export type OpenFlowConnectionKind = 'primary' | 'service';

/** What a controller set for its connection. */
export interface OpenFlowSettings {
  role: ControllerRole;
  /** by reasons, what is sent as primary or equal, and as secondary */
  primaryMasks: AsyncMasks;
  secondaryMasks: AsyncMasks;
  packetInFormat: PacketInFormat;
  missSendLength: number;
  controllerId: number;
  /** OpenFlow 1.1 and 1.2: packets with an expired TTL are sent */
  invalidTtlToController: boolean;
  /** OpenFlow 1.0: flow mods carry the table (NXT_FLOW_MOD_TABLE_ID) */
  flowModTableId: boolean;
  /** OpenFlow 1.0: flows are described with NXM (NXT_SET_FLOW_FORMAT) */
  usesNxm: boolean;
}

export interface OpenFlowConnectionHandler {
  /** The version is chosen: the connection can be written to. */
  onReady(connection: OpenFlowConnection): void;
  /** A request; throws `OpenFlowError` to refuse it. `bytes` is the message, valid only during the call. */
  onMessage(connection: OpenFlowConnection, decoded: DecodedMessage, bytes: Uint8Array): void;
  /** Once; `reason` is null when the peer ended in order. */
  onClosed(connection: OpenFlowConnection, reason: string | null): void;
}

export interface OpenFlowConnectionOptions {
  readonly kind: OpenFlowConnectionKind;
  /** bit N: wire version N is allowed */
  readonly versions: number;
}

const NO_ASYNC: AsyncMasks = {
  packetIn: 0,
  portStatus: 0,
  flowRemoved: 0,
  roleStatus: 0,
  tableStatus: 0,
  requestforward: 0,
};
const ALL_PORT_STATUS = 7;
/** OFPR_NO_MATCH and OFPR_ACTION; OpenFlow 1.4 adds action set, group and packet-out. The TTL's is never sent unasked. */
const PACKET_IN_10 = 0b11;
const PACKET_IN_14 = 0b111011;
const FLOW_REMOVED_10 = 0b1111;
const FLOW_REMOVED_14 = 0b111111;
const OF14 = 5;
/** controller(max_len=…) decides for primary controllers; this is what OpenFlow says for misses */
const DEFAULT_MISS_SEND_LENGTH = 128;
/** the longest error header: an experimenter's */
const ERROR_OVERHEAD_BYTES = 20;
/** types that any version may carry: hello, error, echo request, echo reply */
const HIGHEST_IMMUTABLE_TYPE = 3;
/** asynchronous messages are dropped while more waits to be sent */
const MAX_PENDING_ASYNC_BYTES = 1 << 20;

export class OpenFlowConnection {
  readonly name: string;
  readonly kind: OpenFlowConnectionKind;
  readonly settings: OpenFlowSettings;
  /** asynchronous messages that were not sent because the peer did not read, or its version has no such message */
  droppedMessages = 0;
  readonly #stream: OpenFlowStream;
  readonly #handler: OpenFlowConnectionHandler;
  readonly #versions: number;
  readonly #splitter: MessageSplitter = new MessageSplitter();
  #version: OpenFlowVersion | null = null;
  #isOpen = true;
  #nextXid = 1;

  /** Sends the hello and starts to read. */
  constructor(stream: OpenFlowStream, handler: OpenFlowConnectionHandler, options: OpenFlowConnectionOptions) {
    this.name = stream.name;
    this.kind = options.kind;
    this.#stream = stream;
    this.#handler = handler;
    this.#versions = options.versions;
    this.settings = {
      role: 'equal',
      primaryMasks: NO_ASYNC,
      secondaryMasks: NO_ASYNC,
      packetInFormat: 'standard',
      missSendLength: options.kind === 'service' ? 0 : DEFAULT_MISS_SEND_LENGTH,
      controllerId: 0,
      invalidTtlToController: false,
      flowModTableId: false,
      usesNxm: false,
    };
    stream.write(encodeHello(options.versions, this.takeXid()));
    stream.start({
      onData: (bytes) => this.#receive(bytes),
      onClose: (reason) => this.#end(reason),
      onDrain: () => {},
    });
  }

  /** null until both sides said hello */
  get version(): OpenFlowVersion | null {
    return this.#version;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The transaction number of a message that answers none. */
  takeXid(): number {
    const xid = this.#nextXid;
    this.#nextXid = (xid + 1) >>> 0;
    return xid;
  }

  /** Sends a message, as several where it is a list that is too long for one. `name` chooses among formats. */
  send(message: Message, xid: number, name?: string): void {
    if (this.#version === null || !this.#isOpen) {
      return;
    }
    const options = { version: this.#version, xid, flowModTableId: this.settings.flowModTableId };
    for (const bytes of encodeMessages(message, name === undefined ? options : { ...options, name })) {
      this.#stream.write(bytes);
    }
  }

  /** Sends a message that answers no request, unless too much waits or the version cannot say it. */
  sendAsync(message: Message, name?: string): void {
    if (this.#stream.pendingBytes > MAX_PENDING_ASYNC_BYTES) {
      this.droppedMessages++;
      return;
    }
    try {
      this.send(message, this.takeXid(), name);
    } catch (error) {
      if (!(error instanceof OpenFlowError)) {
        throw error;
      }
      this.droppedMessages++;
    }
  }

  /** Refuses a message. */
  sendError(error: OpenFlowErrorName, request: Uint8Array): void {
    const { xid } = readHeader(request);
    this.#writeError(error, request, xid, this.#version ?? 1);
  }

  /** Ends the connection from this side. */
  close(): void {
    if (this.#isOpen) {
      this.#stream.close();
      this.#end(null);
    }
  }

  #end(reason: string | null): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#handler.onClosed(this, reason);
    }
  }

  #fail(reason: string): void {
    if (this.#isOpen) {
      this.#stream.close();
      this.#end(reason);
    }
  }

  #receive(chunk: Uint8Array): void {
    let messages: Uint8Array[];
    try {
      messages = this.#splitter.push(chunk);
    } catch (error) {
      this.#fail((error as Error).message);
      return;
    }
    for (const bytes of messages) {
      if (!this.#isOpen) {
        return;
      }
      if (this.#version === null) {
        this.#negotiate(bytes);
      } else {
        this.#handle(bytes, this.#version);
      }
    }
  }

  #negotiate(bytes: Uint8Array): void {
    let decoded: DecodedMessage | null = null;
    try {
      decoded = decodeMessage(bytes);
    } catch (error) {
      if (!(error instanceof OpenFlowError)) {
        throw error;
      }
    }
    if (decoded?.message.type !== 'hello') {
      this.#fail('connection dropped: the first message is no hello');
      return;
    }
    const { versions } = decoded.message;
    this.#version = negotiateVersion(this.#versions, versions);
    if (this.#version === null) {
      const ours = versionsText(this.#versions);
      const text = `We support ${ours}, you support ${versionsText(versions)}, no common versions.`;
      this.#writeError('OFPHFC_INCOMPATIBLE', asciiBytes(text), 0, 1);
      this.#fail(`version negotiation failed (we support ${ours}, peer supports ${versionsText(versions)})`);
      return;
    }
    const isNew = this.#version >= OF14;
    this.settings.primaryMasks = {
      ...NO_ASYNC,
      packetIn: isNew ? PACKET_IN_14 : PACKET_IN_10,
      portStatus: ALL_PORT_STATUS,
      flowRemoved: isNew ? FLOW_REMOVED_14 : FLOW_REMOVED_10,
    };
    this.settings.secondaryMasks = { ...NO_ASYNC, portStatus: ALL_PORT_STATUS };
    this.#handler.onReady(this);
  }

  #handle(bytes: Uint8Array, version: OpenFlowVersion): void {
    try {
      const header = readHeader(bytes);
      if (header.version !== version && header.type > HIGHEST_IMMUTABLE_TYPE) {
        // The sender is told in its own version, since it does not seem to know ours.
        const known = header.version >= 1 && header.version <= 6 ? (header.version as OpenFlowVersion) : version;
        this.#writeError('OFPBRC_BAD_VERSION', bytes, header.xid, known);
        return;
      }
      const { kind, more } = identify(bytes);
      if (more && kind.endsWith('_request')) {
        throw new OpenFlowError('OFPBRC_MULTIPART_BUFFER_OVERFLOW', `${kind} in several parts`);
      }
      const decoded = decodeMessage(bytes, { flowModTableId: this.settings.flowModTableId });
      const { message } = decoded;
      if (message.type === 'echo_request') {
        this.send({ type: 'echo_reply', data: message.data }, decoded.xid);
      } else if (message.type !== 'hello' && message.type !== 'error' && message.type !== 'echo_reply') {
        this.#handler.onMessage(this, decoded, bytes);
      }
    } catch (error) {
      if (!(error instanceof OpenFlowError)) {
        throw error;
      }
      this.sendError(error.code, bytes);
    }
  }

  #writeError(error: OpenFlowErrorName, data: Uint8Array, xid: number, version: OpenFlowVersion): void {
    const part = data.subarray(0, MAX_MESSAGE_BYTES - HEADER_BYTES - ERROR_OVERHEAD_BYTES);
    for (const bytes of encodeMessages(errorMessage(error, part, version), { version, xid })) {
      this.#stream.write(bytes);
    }
  }
}

/** Such as `version 0x04`, `version 0x06 and earlier`, `versions 0x01, 0x04`. */
function versionsText(versions: number): string {
  const all = Array.from({ length: 32 }, (_, version) => version).filter((version) => (versions >>> version) & 1);
  const texts = all.map((version) => `0x${version.toString(16).padStart(2, '0')}`);
  const highest = all.at(-1) ?? 0;
  if (all.length > 1 && versionsUpTo(highest) === versions >>> 0) {
    return `version ${texts.at(-1)} and earlier`;
  }
  return `${all.length === 1 ? 'version' : 'versions'} ${texts.join(', ')}`;
}

function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
