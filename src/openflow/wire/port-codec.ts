/** Ports: descriptions, status, mods and statistics; queues. */
import { portToOpenFlow11 } from '../../flow/index.ts';
import { OFPP_ALL, OFPP_NONE } from '../ports.ts';
import { byNumber } from './action-context.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import {
  type DecodeContext,
  durationOf,
  type EncodeContext,
  readPort,
  readSized,
  writeDuration,
  writePort,
  writeSized,
} from './codec-context.ts';
import { readProperties, writeProperty } from './properties.ts';
import {
  type PortDescReply,
  type PortDescription,
  type PortModMessage,
  type PortStatistics,
  type PortStatsReply,
  type PortStatsRequest,
  type PortStatusMessage,
  type QueueDescReply,
  type QueueDescRequest,
  type QueueDescription,
  type QueueStatistics,
  type QueueStatsReply,
  type QueueStatsRequest,
  UNKNOWN_COUNT,
} from './records.ts';

const OF12 = 3;
const OF13 = 4;
const OF14 = 5;
const OF15 = 6;
const PORT_NAME_BYTES = 16;
const REASONS = ['add', 'delete', 'modify'] as const;
/** OFPPF_* of the speeds, in Mbit/s; highest first counts */
const SPEEDS: readonly (readonly [bits: number, mbps: number])[] = [
  [1 << 9, 1_000_000],
  [1 << 8, 100_000],
  [1 << 7, 40_000],
  [1 << 6, 10_000],
  [3 << 4, 1000],
  [3 << 2, 100],
  [3, 10],
];
const COUNTERS = 12;
/** The counters of Ethernet, which OpenFlow 1.4 and later have in a property. */
const ETHERNET_COUNTERS = 8;
const PROPERTY_ETHERNET = 0;
const QUEUE_MIN_RATE = 1;
const QUEUE_MAX_RATE = 2;
const NOT_LIMITED = 1000;

/** OpenFlow 1.0 has no features of more than 10 Gbit/s: those behind lie 4 bits lower. */
function features10(bits: number): number {
  return (bits & 0x7f) | ((bits & 0xf80) << 4);
}

function encodeFeatures10(bits: number): number {
  return (bits & 0x7f) | ((bits >>> 4) & 0xf80);
}

function speedOf(features: number): number {
  return (SPEEDS.find(([bits]) => (features & bits) !== 0)?.[1] ?? 0) * 1000;
}

function readPortDescription(reader: ByteReader, version: number): PortDescription {
  if (version === 1) {
    const port = reader.u16();
    const hardwareAddress = reader.big(6);
    const name = reader.text(PORT_NAME_BYTES);
    const config = reader.u32();
    const state = reader.u32();
    const current = features10(reader.u32());
    const advertised = features10(reader.u32());
    const supported = features10(reader.u32());
    const peer = features10(reader.u32());
    return {
      port,
      hardwareAddress,
      name,
      config,
      state,
      current,
      advertised,
      supported,
      peer,
      currentSpeed: speedOf(current),
      maxSpeed: speedOf(supported),
    };
  }
  const port = readPort(reader, version);
  if (version >= OF14) {
    return readPortDescription14(reader, port);
  }
  reader.skip(4);
  const hardwareAddress = reader.big(6);
  reader.skip(2);
  const name = reader.text(PORT_NAME_BYTES);
  const config = reader.u32();
  const state = reader.u32();
  return { port, hardwareAddress, name, config, state, ...readLink(reader) };
}

type Link = Pick<PortDescription, 'current' | 'advertised' | 'supported' | 'peer' | 'currentSpeed' | 'maxSpeed'>;
const NO_LINK: Link = { current: 0, advertised: 0, supported: 0, peer: 0, currentSpeed: 0, maxSpeed: 0 };

function readLink(reader: ByteReader): Link {
  return {
    current: reader.u32(),
    advertised: reader.u32(),
    supported: reader.u32(),
    peer: reader.u32(),
    currentSpeed: reader.u32(),
    maxSpeed: reader.u32(),
  };
}

/** `reader` stands behind the port's number, at its length. */
function readPortDescription14(reader: ByteReader, port: number): PortDescription {
  const length = reader.u16();
  const body = reader.sub(Math.max(length, 6) - 6);
  body.skip(2);
  const hardwareAddress = body.big(6);
  body.skip(2);
  const name = body.text(PORT_NAME_BYTES);
  const config = body.u32();
  const state = body.u32();
  let link = NO_LINK;
  readProperties(
    body,
    (type, property) => {
      if (type === PROPERTY_ETHERNET) {
        property.skip(4);
        link = readLink(property);
      }
      return true;
    },
    { loose: true },
  );
  return { port, hardwareAddress, name, config, state, ...link };
}

export function writePortDescription(writer: ByteWriter, port: PortDescription, version: number): void {
  const start = writer.length;
  writePort(writer, port.port, version);
  writer.zeros(version === 1 ? 0 : 4);
  writer.big(port.hardwareAddress, 6);
  writer.zeros(version === 1 ? 0 : 2);
  writer.text(port.name, PORT_NAME_BYTES);
  writer.u32(port.config);
  writer.u32(version === 1 ? port.state : port.state & 7);
  const link = [port.current, port.advertised, port.supported, port.peer];
  if (version === 1) {
    for (const features of link) {
      writer.u32(encodeFeatures10(features));
    }
    return;
  }
  const writeLink = (): void => {
    for (const value of [...link, port.currentSpeed, port.maxSpeed]) {
      writer.u32(value);
    }
  };
  if (version >= OF14) {
    writeProperty(writer, PROPERTY_ETHERNET, () => {
      writer.zeros(4);
      writeLink();
    });
    writer.patch16(start + 4, writer.length - start);
  } else {
    writeLink();
  }
}

export function readPortDescriptions(reader: ByteReader, version: number): PortDescription[] {
  const ports: PortDescription[] = [];
  while (reader.remaining > 0) {
    ports.push(readPortDescription(reader, version));
  }
  return ports;
}

export function decodePortStatus(reader: ByteReader, { version }: DecodeContext): PortStatusMessage {
  const reason = byNumber(REASONS, reader.u8(), 'port status reason', 'NXBRC_BAD_REASON');
  reader.skip(7);
  return { type: 'port_status', reason, port: readPortDescription(reader, version) };
}

export function encodePortStatus(writer: ByteWriter, message: PortStatusMessage, { version }: EncodeContext): void {
  writer.u8(REASONS.indexOf(message.reason));
  writer.zeros(7);
  writePortDescription(writer, message.port, version);
}

export function decodePortMod(reader: ByteReader, { version }: DecodeContext): PortModMessage {
  const type = 'port_mod';
  const port = readPort(reader, version, 'OFPPMFC_BAD_PORT');
  if (version > 1) {
    reader.skip(4);
  }
  const hardwareAddress = reader.big(6);
  if (version > 1) {
    reader.skip(2);
  }
  const config = reader.u32();
  const mask = reader.u32();
  let advertise = 0;
  if (version === 1) {
    advertise = features10(reader.u32());
  } else if (version < OF14) {
    advertise = reader.u32();
  } else {
    readProperties(reader, (property, body) => {
      if (property === PROPERTY_ETHERNET) {
        advertise = body.u32();
      }
      return property === PROPERTY_ETHERNET;
    });
  }
  return { type, port, hardwareAddress, config: config & mask, mask, advertise };
}

export function encodePortMod(writer: ByteWriter, message: PortModMessage, { version }: EncodeContext): void {
  writePort(writer, message.port, version);
  writer.zeros(version === 1 ? 0 : 4);
  writer.big(message.hardwareAddress, 6);
  writer.zeros(version === 1 ? 0 : 2);
  writer.u32(message.config);
  writer.u32(message.mask);
  if (version === 1) {
    writer.u32(encodeFeatures10(message.advertise));
    writer.zeros(4);
  } else if (version < OF14) {
    writer.u32(message.advertise);
    writer.zeros(4);
  } else if (message.advertise !== 0) {
    writeProperty(writer, PROPERTY_ETHERNET, () => writer.u32(message.advertise));
  }
}

export function decodePortRequest(
  reader: ByteReader,
  { version }: DecodeContext,
  type: PortStatsRequest['type'],
): PortStatsRequest {
  return { type, port: reader.remaining === 0 ? OFPP_NONE : readPort(reader, version) };
}

export function encodePortRequest(writer: ByteWriter, message: PortStatsRequest, { version }: EncodeContext): void {
  if (message.type === 'port_desc_request' && version < OF15) {
    return;
  }
  writePort(writer, message.port, version);
  writer.zeros(version === 1 ? 6 : 4);
}

export function decodePortStats(reader: ByteReader, context: DecodeContext): PortStatsReply {
  const ports: PortStatistics[] = [];
  while (reader.remaining > 0) {
    ports.push(
      context.version >= OF14 ? readPortStats14(readSized(reader, 80), context) : readPortStats(reader, context),
    );
  }
  return { type: 'port_stats_reply', ports };
}

function readPortStats(reader: ByteReader, { version }: DecodeContext): PortStatistics {
  const port = readPort(reader, version);
  reader.skip(version === 1 ? 6 : 4);
  const counts = Array.from({ length: COUNTERS }, () => reader.u64());
  return { port, counts, durationMs: version >= OF13 ? readOptionalDuration(reader) : null };
}

function readOptionalDuration(reader: ByteReader): number | null {
  const seconds = reader.u32();
  const nanoseconds = reader.u32();
  return seconds === 0xffffffff && nanoseconds === 0xffffffff ? null : durationOf(seconds, nanoseconds);
}

function writeOptionalDuration(writer: ByteWriter, durationMs: number | null): void {
  if (durationMs === null) {
    writer.u64(UNKNOWN_COUNT);
  } else {
    writeDuration(writer, durationMs);
  }
}

function readPortStats14(entry: ByteReader, { version }: DecodeContext): PortStatistics {
  entry.skip(2);
  const port = readPort(entry, version);
  const durationMs = readOptionalDuration(entry);
  const counts = Array.from({ length: ETHERNET_COUNTERS }, () => entry.u64());
  let ethernet = [UNKNOWN_COUNT, UNKNOWN_COUNT, UNKNOWN_COUNT, UNKNOWN_COUNT];
  readProperties(
    entry,
    (type, body) => {
      if (type === PROPERTY_ETHERNET) {
        body.skip(4);
        ethernet = Array.from({ length: 4 }, () => body.u64());
      }
      return true;
    },
    { loose: true },
  );
  return { port, counts: [...counts, ...ethernet], durationMs };
}

export function encodePortStats(writer: ByteWriter, { ports }: PortStatsReply, context: EncodeContext): void {
  const { version } = context;
  const writeCounts = (counts: readonly bigint[]): void => {
    for (const count of counts) {
      writer.u64(count);
    }
  };
  for (const { port, counts, durationMs } of ports) {
    context.entry(() => {
      if (version < OF14) {
        writePort(writer, port, version);
        writer.zeros(version === 1 ? 6 : 4);
        writeCounts(counts);
        if (version >= OF13) {
          writeOptionalDuration(writer, durationMs);
        }
        return;
      }
      writeSized(writer, () => {
        writer.zeros(2);
        writePort(writer, port, version);
        writeOptionalDuration(writer, durationMs);
        writeCounts(counts.slice(0, ETHERNET_COUNTERS));
        writeProperty(writer, PROPERTY_ETHERNET, () => {
          writer.zeros(4);
          writeCounts(counts.slice(ETHERNET_COUNTERS));
        });
      });
    });
  }
}

export function encodePortDesc(writer: ByteWriter, { ports }: PortDescReply, context: EncodeContext): void {
  for (const port of ports) {
    context.entry(() => writePortDescription(writer, port, context.version));
  }
}

/** In OpenFlow 1.0 OFPP_ALL stands for all ports. */
function readAnyPort(reader: ByteReader, version: number): number {
  const port = readPort(reader, version, 'OFPQOFC_BAD_PORT');
  return version === 1 && port === OFPP_ALL ? OFPP_NONE : port;
}

export function decodeQueueStatsRequest(reader: ByteReader, { version }: DecodeContext): QueueStatsRequest {
  const port = readAnyPort(reader, version);
  reader.skip(version === 1 ? 2 : 0);
  return { type: 'queue_stats_request', port, queue: reader.u32() };
}

export function encodeQueueStatsRequest(writer: ByteWriter, message: QueueStatsRequest, context: EncodeContext): void {
  const { version } = context;
  writePort(writer, version === 1 && message.port === OFPP_NONE ? OFPP_ALL : message.port, version);
  writer.zeros(version === 1 ? 2 : 0);
  writer.u32(message.queue);
}

export function decodeQueueStats(reader: ByteReader, { version }: DecodeContext): QueueStatsReply {
  const queues: QueueStatistics[] = [];
  while (reader.remaining > 0) {
    queues.push(version >= OF14 ? readQueueStats14(readSized(reader, 48)) : readQueueStats(reader, version));
  }
  return { type: 'queue_stats_reply', queues };
}

function readQueueStats(reader: ByteReader, version: number): QueueStatistics {
  const port = readPort(reader, version);
  reader.skip(version === 1 ? 2 : 0);
  const queue = reader.u32();
  const bytes = reader.u64();
  const packets = reader.u64();
  const errors = reader.u64();
  return { port, queue, bytes, packets, errors, durationMs: version >= OF13 ? readOptionalDuration(reader) : null };
}

function readQueueStats14(entry: ByteReader): QueueStatistics {
  entry.skip(6);
  return readQueueStats(entry, OF13);
}

export function encodeQueueStats(writer: ByteWriter, { queues }: QueueStatsReply, context: EncodeContext): void {
  const { version } = context;
  for (const { port, queue, bytes, packets, errors, durationMs } of queues) {
    const write = (): void => {
      writePort(writer, port, version);
      writer.zeros(version === 1 ? 2 : 0);
      writer.u32(queue);
      writer.u64(bytes);
      writer.u64(packets);
      writer.u64(errors);
      if (version >= OF13) {
        writeOptionalDuration(writer, durationMs);
      }
    };
    context.entry(() => {
      if (version < OF14) {
        write();
        return;
      }
      writeSized(writer, () => {
        writer.zeros(6);
        write();
      });
    });
  }
}

export function decodeQueueDescRequest(reader: ByteReader, { version }: DecodeContext): QueueDescRequest {
  const port = readPort(reader, version, 'OFPQOFC_BAD_PORT');
  return { type: 'queue_desc_request', port, queue: version >= OF14 ? reader.u32() : 0xffffffff };
}

export function encodeQueueDescRequest(
  writer: ByteWriter,
  message: QueueDescRequest,
  { version }: EncodeContext,
): void {
  writePort(writer, message.port, version);
  if (version >= OF14) {
    writer.u32(message.queue);
  } else {
    writer.zeros(version === 1 ? 2 : 4);
  }
}

export function decodeQueueDesc(reader: ByteReader, { version }: DecodeContext): QueueDescReply {
  const queues: QueueDescription[] = [];
  let port = OFPP_NONE;
  if (version < OF14) {
    port = readPort(reader, version);
    reader.skip(version === 1 ? 6 : 4);
  }
  while (reader.remaining > 0) {
    queues.push(readQueueDescription(reader, version, port));
  }
  return { type: 'queue_desc_reply', port: port === OFPP_NONE ? (queues[0]?.port ?? OFPP_NONE) : port, queues };
}

function readQueueDescription(reader: ByteReader, version: number, outerPort: number): QueueDescription {
  let port = outerPort;
  let queue: number;
  let length: number;
  let header = 8;
  if (version >= OF14) {
    port = readPort(reader, version);
    queue = reader.u32();
    length = reader.u16();
    reader.skip(6);
    header = 16;
  } else if (version >= OF12) {
    queue = reader.u32();
    // Each queue names a port again; the one of the reply is meant.
    reader.skip(4);
    length = reader.u16();
    reader.skip(6);
    header = 16;
  } else {
    queue = reader.u32();
    length = reader.u16();
    reader.skip(2);
  }
  const body = reader.sub(Math.max(length, header) - header);
  let minRate: number | null = null;
  let maxRate: number | null = null;
  readProperties(
    body,
    (type, property) => {
      property.skip(version >= OF14 ? 0 : 4);
      if (type === QUEUE_MIN_RATE || type === QUEUE_MAX_RATE) {
        const rate = property.u16();
        minRate = type === QUEUE_MIN_RATE && rate <= NOT_LIMITED ? rate : minRate;
        maxRate = type === QUEUE_MAX_RATE && rate <= NOT_LIMITED ? rate : maxRate;
      }
      return true;
    },
    { loose: true },
  );
  return { port, queue, minRate, maxRate };
}

export function encodeQueueDesc(writer: ByteWriter, message: QueueDescReply, context: EncodeContext): void {
  const { version } = context;
  if (version < OF14) {
    writePort(writer, message.port, version);
    writer.zeros(version === 1 ? 6 : 4);
  }
  for (const { port, queue, minRate, maxRate } of message.queues) {
    context.entry(() => {
      const start = writer.length;
      if (version >= OF14) {
        writer.u32(portToOpenFlow11(port));
      }
      writer.u32(queue);
      if (version >= OF12 && version < OF14) {
        writer.u32(portToOpenFlow11(port));
      }
      const lengthAt = writer.length;
      writer.zeros(version >= OF12 ? 8 : 4);
      for (const [type, rate] of [
        [QUEUE_MIN_RATE, minRate],
        [QUEUE_MAX_RATE, maxRate],
      ] as const) {
        if (rate !== null) {
          const at = writer.length;
          writeProperty(writer, type, () => {
            writer.zeros(version >= OF14 ? 0 : 4);
            writer.u16(rate);
          });
          writer.patch16(at + 2, writer.length - at);
        }
      }
      writer.patch16(lengthAt, writer.length - start);
    });
  }
}
