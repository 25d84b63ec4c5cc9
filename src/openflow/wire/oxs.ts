/** Statistics of OpenFlow 1.5: ofp_stats, a list of OXS entries (OpenFlow 1.5 section 7.2.4). */
import { OpenFlowError } from '../errors.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { durationOf, writeDuration } from './codec-context.ts';
import { UNKNOWN_COUNT } from './records.ts';

const OXS_CLASS = 0x8002;
const DURATION = 0;
const IDLE_TIME = 1;
const FLOW_COUNT = 3;
const PACKET_COUNT = 4;
const BYTE_COUNT = 5;

export interface OxsStatistics {
  readonly durationMs: number | null;
  /** seconds; null = not said */
  readonly idleAge: number | null;
  readonly flows: number | null;
  readonly packets: bigint;
  readonly bytes: bigint;
}

export function readOxs(reader: ByteReader): OxsStatistics {
  let durationMs: number | null = null;
  let idleAge: number | null = null;
  let flows: number | null = null;
  let packets = UNKNOWN_COUNT;
  let bytes = UNKNOWN_COUNT;
  reader.skip(2);
  const length = reader.u16();
  if (length < 4 || Math.ceil(length / 8) * 8 - 4 > reader.remaining) {
    throw new OpenFlowError('OFPBRC_BAD_LEN', `statistics of ${length} bytes`);
  }
  const list = reader.sub(length - 4);
  reader.skip(Math.ceil(length / 8) * 8 - length);
  while (list.remaining > 0) {
    const oxsClass = list.u16();
    const field = list.u8() >>> 1;
    const entry = list.sub(list.u8());
    if (oxsClass !== OXS_CLASS) {
      continue;
    }
    if (field === DURATION) {
      durationMs = durationOf(entry.u32(), entry.u32());
    } else if (field === IDLE_TIME) {
      idleAge = entry.u32();
    } else if (field === FLOW_COUNT) {
      flows = entry.u32();
    } else if (field === PACKET_COUNT) {
      packets = entry.u64();
    } else if (field === BYTE_COUNT) {
      bytes = entry.u64();
    }
  }
  return { durationMs, idleAge, flows, packets, bytes };
}

export function writeOxs(writer: ByteWriter, stats: OxsStatistics): void {
  const start = writer.length;
  writer.zeros(4);
  const header = (field: number, length: number): void => {
    writer.u16(OXS_CLASS);
    writer.u8(field << 1);
    writer.u8(length);
  };
  if (stats.durationMs !== null) {
    header(DURATION, 8);
    writeDuration(writer, stats.durationMs);
  }
  if (stats.idleAge !== null) {
    header(IDLE_TIME, 8);
    writer.u32(stats.idleAge);
    writer.u32(0);
  }
  if (stats.packets !== UNKNOWN_COUNT) {
    header(PACKET_COUNT, 8);
    writer.u64(stats.packets);
  }
  if (stats.bytes !== UNKNOWN_COUNT) {
    header(BYTE_COUNT, 8);
    writer.u64(stats.bytes);
  }
  if (stats.flows !== null) {
    header(FLOW_COUNT, 4);
    writer.u32(stats.flows);
  }
  writer.patch16(start + 2, writer.length - start);
  writer.pad(start);
}
