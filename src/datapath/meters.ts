/**
 * Meters of the datapath: token buckets that drop what exceeds a rate.
 *
 * A meter has bands, each with a rate and a bucket of its burst size. Buckets fill with time, which the caller gives,
 * and a packet takes its bits (kbps) or 1 (pktps) out of each; a packet that finds a bucket too empty exceeds that band.
 * Of the bands that it exceeds, the one of the highest rate decides (OpenFlow 1.5 section 5.7.1). Buckets count thousandths, because a
 * rate of 1 per second is 1/1000 per millisecond.
 */

/** The most bands that a meter can have. */
export const METER_MAX_BANDS = 8;
/** The most meters that a datapath can have, numbered from 0. */
export const METER_MAX = 65536;

export interface MeterBand {
  /** kilobits or packets per second */
  readonly rate: number;
  /** kilobits or packets; 0 means as much as the rate */
  readonly burstSize: number;
}

/** How a meter is configured; all bands drop. */
export interface MeterConfig {
  readonly unit: 'kbps' | 'pktps';
  readonly bands: readonly MeterBand[];
}

export interface MeterStats {
  readonly packets: number;
  readonly bytes: number;
  /** per band, what exceeded it */
  readonly bands: readonly { readonly packets: number; readonly bytes: number }[];
}

interface Bucket {
  readonly rate: number;
  readonly capacity: number;
  level: number;
  packets: number;
  bytes: number;
}

interface Meter {
  readonly config: MeterConfig;
  readonly isPacketRate: boolean;
  readonly buckets: readonly Bucket[];
  usedAt: number;
  packets: number;
  bytes: number;
}

export type MeterErrorCode = 'METER_ID_INVALID' | 'METER_BANDS_INVALID';

/** A meter that cannot be set. */
export class MeterError extends Error {
  readonly code: MeterErrorCode;

  constructor(code: MeterErrorCode, message: string) {
    super(message);
    this.name = 'MeterError';
    this.code = code;
  }
}

export class MeterTable {
  #meters: (Meter | null)[] = [];

  /**
   * Makes meter `id`, or makes it anew with full buckets and zero counters. `now`: milliseconds. Throws `MeterError`
   * when the id or the bands are out of range.
   */
  set(id: number, config: MeterConfig, now: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= METER_MAX) {
      throw new MeterError('METER_ID_INVALID', `wrong meter id: expected 0..${METER_MAX - 1}, got ${id}`);
    }
    if (config.bands.length > METER_MAX_BANDS) {
      throw new MeterError(
        'METER_BANDS_INVALID',
        `wrong number of meter bands: expected at most ${METER_MAX_BANDS}, got ${config.bands.length}`,
      );
    }
    while (this.#meters.length <= id) {
      this.#meters.push(null);
    }
    const buckets = config.bands.map(({ rate, burstSize }) => {
      const capacity = (burstSize === 0 ? rate : burstSize) * 1000;
      return { rate, capacity, level: capacity, packets: 0, bytes: 0 };
    });
    this.#meters[id] = { config, isPacketRate: config.unit === 'pktps', buckets, usedAt: now, packets: 0, bytes: 0 };
  }

  /** Configuration and counters of meter `id`, `null` when there is none. */
  get(id: number): { readonly config: MeterConfig; readonly stats: MeterStats } | null {
    const meter = this.#meters[id] ?? null;
    if (meter === null) {
      return null;
    }
    const bands = meter.buckets.map(({ packets, bytes }) => ({ packets, bytes }));
    return { config: meter.config, stats: { packets: meter.packets, bytes: meter.bytes, bands } };
  }

  /** Removes meter `id`; false when there is none. */
  delete(id: number): boolean {
    if ((this.#meters[id] ?? null) === null) {
      return false;
    }
    this.#meters[id] = null;
    return true;
  }

  /** Takes a packet of `length` bytes through meter `id` and says whether it is dropped. A meter that is not there drops nothing. */
  drops(id: number, length: number, now: number): boolean {
    const meter = this.#meters[id] ?? null;
    if (meter === null) {
      return false;
    }
    const elapsed = Math.max(0, now - meter.usedAt);
    meter.usedAt = Math.max(now, meter.usedAt);
    meter.packets++;
    meter.bytes += length;
    const cost = meter.isPacketRate ? 1000 : length * 8;
    const { buckets } = meter;
    let decisive = -1;
    for (let index = 0; index < buckets.length; index++) {
      const bucket = buckets[index]!;
      bucket.level = Math.min(bucket.capacity, bucket.level + elapsed * bucket.rate);
      if (bucket.level >= cost) {
        bucket.level -= cost;
      } else if (decisive < 0 || bucket.rate > buckets[decisive]!.rate) {
        decisive = index;
      }
    }
    if (decisive < 0) {
      return false;
    }
    const band = buckets[decisive]!;
    band.packets++;
    band.bytes += length;
    return true;
  }
}
