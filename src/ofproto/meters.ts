/**
 * The meter table (OpenFlow 1.5 section 5.7 and "Meter Syntax" of ovs-ofctl(8)).
 *
 * It keeps what meters are and what they counted. Measuring rates is the datapath's; whoever applies a meter mod here passes it on there.
 */
import { type MeterBand, type MeterBandType, type MeterMod, OpenFlowError } from '../openflow/index.ts';

/** the meter of packets on the slow path */
export const OFPM13_SLOWPATH = 0xfffffffd;
/** the meter of packets that go to controllers */
export const OFPM13_CONTROLLER = 0xfffffffe;
/** all meters, in a delete or a request */
export const OFPM13_ALL = 0xffffffff;

/** What a datapath can do with meters (OFPMP_METER_FEATURES). The defaults are those of Open vSwitch's userspace datapath. */
export interface MeterFeatures {
  readonly maxMeters: number;
  readonly maxBands: number;
  readonly bandTypes: readonly MeterBandType[];
}

const DEFAULT_FEATURES: MeterFeatures = { maxMeters: 262_144, maxBands: 8, bandTypes: ['drop'] };

export interface MeterBandState extends MeterBand {
  packets: number;
  bytes: number;
}

export interface Meter {
  readonly id: number;
  readonly unit: 'kbps' | 'pktps';
  readonly burst: boolean;
  readonly stats: boolean;
  readonly bands: readonly MeterBandState[];
  readonly createdMs: number;
  /** packets that came to the meter */
  packets: number;
  bytes: number;
}

export interface MeterStats {
  readonly meter: number;
  /** number of flows that pass it */
  readonly flowCount: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly durationMs: number;
  readonly bands: readonly { readonly packets: bigint; readonly bytes: bigint }[];
}

/** Counts packets that came to a meter; of them, `bandPackets` exceeded the band of the given index (-1 = none did). */
export function creditMeter(
  meter: Meter,
  packets: number,
  bytes: number,
  band: number,
  bandPackets: number,
  bandBytes: number,
): void {
  meter.packets += packets;
  meter.bytes += bytes;
  const state = meter.bands[band];
  if (state !== undefined) {
    state.packets += bandPackets;
    state.bytes += bandBytes;
  }
}

export class MeterTable {
  readonly features: MeterFeatures;
  readonly #meters: Map<number, Meter> = new Map();

  constructor(features: MeterFeatures = DEFAULT_FEATURES) {
    this.features = features;
  }

  get(id: number): Meter | null {
    return this.#meters.get(id) ?? null;
  }

  /** All meters, by number. */
  meters(): Meter[] {
    return [...this.#meters.values()].sort((a, b) => a.id - b.id);
  }

  /**
   * Carries out a meter mod and returns the numbers of the meters it deleted; flows that pass them must go too.
   * @throws OpenFlowError OFPMMFC_METER_EXISTS, OFPMMFC_UNKNOWN_METER, OFPMMFC_INVALID_METER, OFPMMFC_OUT_OF_METERS,
   * OFPMMFC_OUT_OF_BANDS, OFPMMFC_BAD_BAND; nothing is changed then
   */
  apply(mod: MeterMod, nowMs: number): number[] {
    if (mod.command === 'delete') {
      return this.#delete(mod.meter);
    }
    if (mod.meter < 1 || mod.meter === OFPM13_ALL) {
      throw new OpenFlowError(
        'OFPMMFC_INVALID_METER',
        `wrong meter: expected 1..${OFPM13_CONTROLLER}, got ${mod.meter}`,
      );
    }
    const old = this.get(mod.meter);
    if (mod.command === 'add' && old !== null) {
      throw new OpenFlowError('OFPMMFC_METER_EXISTS', `meter ${mod.meter} exists already`);
    }
    if (mod.command === 'modify' && old === null) {
      throw new OpenFlowError('OFPMMFC_UNKNOWN_METER', `meter ${mod.meter} does not exist`);
    }
    if (old === null && this.#meters.size >= this.features.maxMeters) {
      throw new OpenFlowError(
        'OFPMMFC_OUT_OF_METERS',
        `there are ${this.features.maxMeters} meters, and may be no more`,
      );
    }
    if (mod.bands.length > this.features.maxBands) {
      throw new OpenFlowError(
        'OFPMMFC_OUT_OF_BANDS',
        `a meter may have ${this.features.maxBands} bands, not ${mod.bands.length}`,
      );
    }
    const badBand = mod.bands.find((band) => !this.features.bandTypes.includes(band.type));
    if (badBand !== undefined) {
      throw new OpenFlowError('OFPMMFC_BAD_BAND', `the datapath has no bands of type ${badBand.type}`);
    }
    this.#meters.set(mod.meter, {
      id: mod.meter,
      unit: mod.unit,
      burst: mod.burst,
      stats: mod.stats,
      bands: mod.bands.map((band) => ({ ...band, packets: 0, bytes: 0 })),
      createdMs: old?.createdMs ?? nowMs,
      packets: old?.packets ?? 0,
      bytes: old?.bytes ?? 0,
    });
    return [];
  }

  /** Statistics of one meter, or with OFPM13_ALL of all; `flowsPassing` gives the number of flows that pass a meter. */
  stats(id: number, flowsPassing: (meter: number) => number, nowMs: number): MeterStats[] {
    const meters = this.meters().filter((meter) => id === OFPM13_ALL || meter.id === id);
    return meters.map((meter) => ({
      meter: meter.id,
      flowCount: flowsPassing(meter.id),
      packets: BigInt(meter.packets),
      bytes: BigInt(meter.bytes),
      durationMs: Math.floor(nowMs - meter.createdMs),
      bands: meter.bands.map(({ packets, bytes }) => ({ packets: BigInt(packets), bytes: BigInt(bytes) })),
    }));
  }

  #delete(id: number): number[] {
    const ids = id === OFPM13_ALL ? [...this.#meters.keys()] : [id].filter((each) => this.#meters.has(each));
    for (const each of ids) {
      this.#meters.delete(each);
    }
    return ids;
  }
}
