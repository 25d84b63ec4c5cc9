/**
 * The meter table: commands, refusals and counters. Expectations are those of Open vSwitch 3.1's userspace datapath.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { creditMeter, MeterTable, OFPM13_ALL, OFPM13_CONTROLLER } from '../../../src/ofproto/meters.ts';
import { type MeterBand, type MeterMod, OpenFlowError } from '../../../src/openflow/index.ts';

const DROP: MeterBand = { type: 'drop', rate: 100, burst: 5, precedenceLevel: 0 };

function meterMod(command: MeterMod['command'], meter: number, changes: Partial<MeterMod> = {}): MeterMod {
  return { command, meter, unit: 'kbps', burst: false, stats: false, bands: [DROP], ...changes };
}

function refuses(table: MeterTable, mod: MeterMod, code: string): void {
  const before = table.meters();
  assert.throws(
    () => table.apply(mod, 0),
    (error) => error instanceof OpenFlowError && error.code === code,
  );
  assert.deepEqual(table.meters(), before);
}

test('add, modify, delete', () => {
  const table = new MeterTable();
  refuses(table, meterMod('modify', 1), 'OFPMMFC_UNKNOWN_METER');
  table.apply(meterMod('add', 1), 1000);
  refuses(table, meterMod('add', 1), 'OFPMMFC_METER_EXISTS');
  table.apply(meterMod('modify', 1, { unit: 'pktps', burst: true }), 2000);
  assert.equal(table.get(1)!.unit, 'pktps');
  assert.equal(table.get(1)!.createdMs, 1000);
  table.apply(meterMod('add', OFPM13_CONTROLLER), 0);
  assert.deepEqual(table.apply(meterMod('delete', 5), 0), []);
  assert.deepEqual(table.apply(meterMod('delete', 1), 0), [1]);
  table.apply(meterMod('add', 2), 0);
  assert.deepEqual(table.apply(meterMod('delete', OFPM13_ALL), 0), [OFPM13_CONTROLLER, 2]);
  assert.deepEqual(table.meters(), []);
});

test('refuses what the datapath cannot do', () => {
  const table = new MeterTable({ maxMeters: 1, maxBands: 2, bandTypes: ['drop'] });
  refuses(table, meterMod('add', 0), 'OFPMMFC_INVALID_METER');
  refuses(table, meterMod('add', OFPM13_ALL), 'OFPMMFC_INVALID_METER');
  refuses(table, meterMod('add', 1, { bands: [DROP, DROP, DROP] }), 'OFPMMFC_OUT_OF_BANDS');
  refuses(table, meterMod('add', 1, { bands: [{ ...DROP, type: 'dscp_remark' }] }), 'OFPMMFC_BAD_BAND');
  table.apply(meterMod('add', 1), 0);
  refuses(table, meterMod('add', 2), 'OFPMMFC_OUT_OF_METERS');
  table.apply(meterMod('modify', 1), 0);
});

test('counts packets, and per band those that exceeded it', () => {
  const table = new MeterTable();
  table.apply(meterMod('add', 1, { bands: [DROP, { ...DROP, rate: 200 }] }), 1000);
  creditMeter(table.get(1)!, 10, 1000, -1, 0, 0);
  creditMeter(table.get(1)!, 5, 500, 1, 2, 200);
  assert.deepEqual(
    table.stats(OFPM13_ALL, () => 3, 4000),
    [
      {
        meter: 1,
        flowCount: 3,
        packets: 15n,
        bytes: 1500n,
        durationMs: 3000,
        bands: [
          { packets: 0n, bytes: 0n },
          { packets: 2n, bytes: 200n },
        ],
      },
    ],
  );
});
