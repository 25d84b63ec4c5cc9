/**
 * Meters of a bridge and of the datapath: OpenFlow numbers them per bridge, the datapath all together; what they are is the
 * bridge's, what they count the datapath's.
 */
import type { Dpif } from '../dpif/index.ts';
import type { Bridge, RemovedRule } from '../ofproto/index.ts';
import { type MeterMod, type MeterStatistics, OpenFlowError } from '../openflow/index.ts';

/** Meters that a datapath can have. */
const MAX_DATAPATH_METERS = 65536;

/**
 * Carries out a meter mod on a bridge, one of `bridges`, and its datapath. Returns the rules that went with their meters. Throws
 * `OpenFlowError`; nothing is changed then.
 */
export function applyMeterMod(
  bridge: Bridge,
  bridges: Iterable<Bridge>,
  dpif: Dpif,
  mod: MeterMod,
  nowMs: number,
): RemovedRule[] {
  const { datapathMeters, tables } = bridge;
  const id = mod.command === 'delete' ? -1 : (datapathMeters.get(mod.meter) ?? freeMeter(bridges));
  const removed = tables.applyMeterMod(mod, nowMs);
  if (mod.command === 'delete') {
    for (const [meter, datapathMeter] of datapathMeters) {
      if (tables.meters.get(meter) === null) {
        datapathMeters.delete(meter);
        dpif.deleteMeter(datapathMeter);
      }
    }
    return removed;
  }
  const bands = mod.bands.map(({ rate, burst }) => ({ rate, burstSize: burst }));
  dpif.setMeter(id, { unit: mod.unit, bands }, nowMs);
  datapathMeters.set(mod.meter, id);
  return removed;
}

function freeMeter(bridges: Iterable<Bridge>): number {
  const used = new Set([...bridges].flatMap(({ datapathMeters }) => [...datapathMeters.values()]));
  let id = 0;
  while (used.has(id)) {
    id++;
  }
  if (id >= MAX_DATAPATH_METERS) {
    throw new OpenFlowError('OFPMMFC_OUT_OF_METERS', `the datapath takes no more than ${MAX_DATAPATH_METERS} meters`);
  }
  return id;
}

/** What the meters of a bridge counted, by number. */
export function meterStatistics({ tables, datapathMeters }: Bridge, dpif: Dpif, nowMs: number): MeterStatistics[] {
  return tables.meters.meters().map(({ id, createdMs, bands }) => {
    const stats = dpif.meterStats(datapathMeters.get(id)!);
    return {
      meter: id,
      flowCount: tables.meterReferences(id),
      packets: BigInt(stats?.packets ?? 0),
      bytes: BigInt(stats?.bytes ?? 0),
      durationMs: nowMs - createdMs,
      bands: bands.map((_, index) => ({
        packets: BigInt(stats?.bands[index]?.packets ?? 0),
        bytes: BigInt(stats?.bands[index]?.bytes ?? 0),
      })),
    };
  });
}
