import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  formatMacStatistics,
  formatMacTable,
  MacLearning,
  type MacSighting,
} from '../../../src/ofproto/mac-learning.ts';

/** A frame from station `station` at `port`. */
function sighting(station: number, port: number, more: Partial<MacSighting> = {}): MacSighting {
  return { port, vlan: 0, macHigh: 0x5054, macLow: station | 0, isGratuitousArp: false, ...more };
}

function portOf(table: MacLearning, station: number, vlan = 0): number {
  return table.lookup(vlan, 0x5054, station | 0);
}

describe('MacLearning', () => {
  it('knows nobody at first', () => {
    assert.equal(portOf(new MacLearning(), 1), -1);
  });

  it('finds a station behind the port where it was seen, in that VLAN only', () => {
    const table = new MacLearning();
    assert.equal(table.learn(sighting(1, 7, { vlan: 5 }), 0), true);
    assert.equal(portOf(table, 1, 5), 7);
    assert.equal(portOf(table, 1, 6), -1);
    assert.equal(portOf(table, 2, 5), -1);
  });

  it('tells addresses apart by every bit', () => {
    const table = new MacLearning();
    const addresses = [
      [0x0000, 0],
      [0x0001, 0],
      [0x8000, 0],
      [0x0000, 1],
      [0x0000, -1],
      [0x0000, -0x80000000],
      [0xfeff, -1],
    ] as const;
    addresses.forEach(([macHigh, macLow], port) => {
      table.learn({ port, vlan: 0, macHigh, macLow, isGratuitousArp: false }, 0);
    });
    addresses.forEach(([macHigh, macLow], port) => {
      assert.equal(table.lookup(0, macHigh, macLow), port);
    });
  });

  it('learns no group address and finds none', () => {
    const table = new MacLearning();
    const group = sighting(1, 7, { macHigh: 0x0100 });
    assert.equal(table.wouldLearn(group, 0), false);
    assert.equal(table.learn(group, 0), false);
    table.addStatic(0, 0x0100, 1, 7);
    assert.equal(table.lookup(0, 0x0100, 1), -1);
  });

  it('counts as a change that a station is new, moved or gone, not that it was seen again', () => {
    const table = new MacLearning();
    const sequences = [table.changeSequence];
    const steps: (() => void)[] = [
      () => table.learn(sighting(1, 7), 0),
      () => table.learn(sighting(1, 7), 5000),
      () => table.learn(sighting(1, 8), 5000),
      () => table.expire(10_000),
      () => table.expire(400_000),
      () => table.flush(),
    ];
    for (const step of steps) {
      step();
      sequences.push(table.changeSequence);
    }
    assert.deepEqual(
      sequences.slice(1).map((sequence, index) => sequence > sequences[index]!),
      [true, false, true, false, true, false],
    );
  });

  it('refreshes an entry at most once a second', () => {
    const table = new MacLearning();
    table.learn(sighting(1, 7), 1000);
    assert.equal(table.wouldLearn(sighting(1, 7), 1999), false);
    assert.equal(table.wouldLearn(sighting(1, 7), 2000), true);
    assert.equal(table.wouldLearn(sighting(1, 8), 1000), true);
  });

  describe('ageing', () => {
    it('forgets a station that was not seen for the idle time', () => {
      const table = new MacLearning();
      table.learn(sighting(1, 7), 0);
      table.learn(sighting(2, 7), 1000);
      assert.equal(table.nextExpiryMs(), 300_000);
      assert.equal(table.expire(299_999), 0);
      assert.equal(table.expire(300_000), 1);
      assert.deepEqual([portOf(table, 1), portOf(table, 2)], [-1, 7]);
      assert.equal(table.nextExpiryMs(), 301_000);
      assert.equal(table.statistics.expired, 1);
    });

    it('starts anew with each sighting', () => {
      const table = new MacLearning();
      table.learn(sighting(1, 7), 0);
      table.learn(sighting(1, 7), 200_000);
      assert.equal(table.expire(499_999), 0);
      assert.equal(table.expire(500_000), 1);
      assert.equal(table.nextExpiryMs(), Number.POSITIVE_INFINITY);
    });

    it('is not set back, nor the station moved, by a report that comes late', () => {
      const table = new MacLearning();
      table.learn(sighting(1, 7), 100_000);
      for (const isGratuitousArp of [false, true]) {
        assert.equal(table.learn(sighting(1, 8, { isGratuitousArp }), 99_999), false);
      }
      assert.equal(portOf(table, 1), 7);
      assert.equal(table.expire(399_999), 0);
      assert.equal(table.learn(sighting(1, 8), 100_000), true);
    });

    it('takes idle times from 15 s to an hour, for present entries too', () => {
      const table = new MacLearning();
      table.learn(sighting(1, 7), 0);
      table.setIdleTime(1000);
      assert.equal(table.expire(14_999), 0);
      assert.equal(table.expire(15_000), 1);
      table.learn(sighting(1, 7), 0);
      table.setIdleTime(1e9);
      assert.equal(table.nextExpiryMs(), 3_600_000);
    });
  });

  describe('when full', () => {
    it('evicts from the port with the most entries the one longest unseen', () => {
      const table = new MacLearning();
      table.setMaxEntries(10);
      table.learn(sighting(1, 1), 0);
      table.learn(sighting(2, 1), 0);
      for (let station = 10; station < 18; station++) {
        table.learn(sighting(station, 2), 1000);
      }
      table.learn(sighting(10, 2), 3000);
      for (let station = 100; station < 150; station++) {
        assert.equal(table.learn(sighting(station, 2), 3000), true);
        assert.equal(table.size, 10);
      }
      assert.deepEqual([portOf(table, 1), portOf(table, 2)], [1, 1]);
      assert.equal(portOf(table, 10), -1);
      assert.equal(table.statistics.evicted, 50);
    });

    it('keeps an entry that was seen again longer than one that was not', () => {
      const table = new MacLearning();
      table.setMaxEntries(10);
      for (let station = 0; station < 10; station++) {
        table.learn(sighting(station, 2), 0);
      }
      table.learn(sighting(0, 2), 1000);
      table.learn(sighting(10, 2), 1000);
      assert.deepEqual([portOf(table, 0), portOf(table, 1)], [2, -1]);
    });

    it('drops what is too much after its size was reduced', () => {
      const table = new MacLearning();
      for (let station = 0; station < 20; station++) {
        table.learn(sighting(station, 2), station);
      }
      table.setMaxEntries(1);
      assert.equal(table.maxEntries, 10);
      assert.equal(table.expire(100), 10);
      assert.deepEqual([portOf(table, 9), portOf(table, 10)], [-1, 2]);
    });

    it('learns nothing more when all entries are static', () => {
      const table = new MacLearning();
      table.setMaxEntries(10);
      for (let station = 0; station < 10; station++) {
        assert.equal(table.addStatic(0, 0x5054, station, 2), true);
      }
      assert.equal(table.learn(sighting(100, 1), 0), false);
      assert.equal(table.addStatic(0, 0x5054, 100, 2), false);
      assert.equal(table.size, 10);
    });
  });

  describe('static entries', () => {
    it('do not age, move or go with a flush', () => {
      const table = new MacLearning();
      assert.equal(table.addStatic(0, 0x5054, 1, 3), true);
      assert.equal(table.addStatic(0, 0x5054, 1, 3), false);
      assert.equal(table.learn(sighting(1, 7), 0), false);
      table.expire(1e9);
      table.flush();
      assert.equal(portOf(table, 1), 3);
    });

    it('take the place of what was learned, and can be deleted', () => {
      const table = new MacLearning();
      table.learn(sighting(1, 7), 0);
      assert.equal(table.deleteStatic(0, 0x5054, 1), false);
      assert.equal(table.addStatic(0, 0x5054, 1, 3), true);
      assert.deepEqual([portOf(table, 1), table.size, table.staticCount], [3, 1, 1]);
      assert.equal(table.deleteStatic(0, 0x5054, 1), true);
      assert.deepEqual([portOf(table, 1), table.size], [-1, 0]);
    });
  });

  it('forgets everything about a port that goes away', () => {
    const table = new MacLearning();
    table.learn(sighting(1, 7), 0);
    table.learn(sighting(2, 8), 0);
    table.addStatic(0, 0x5054, 3, 7);
    const before = table.changeSequence;
    table.flushPort(9);
    assert.equal(table.changeSequence, before);
    table.flushPort(7);
    assert.ok(table.changeSequence > before);
    assert.deepEqual([portOf(table, 1), portOf(table, 2), portOf(table, 3)], [-1, 8, -1]);
  });

  it('learns nothing in flood VLANs and forgets what it knew when they change', () => {
    const table = new MacLearning();
    table.learn(sighting(1, 7), 0);
    table.addStatic(5, 0x5054, 1, 7);
    table.setFloodVlans([5]);
    assert.equal(table.size, 1);
    assert.equal(portOf(table, 1, 5), -1);
    assert.equal(table.learn(sighting(2, 7, { vlan: 5 }), 0), false);
    table.learn(sighting(1, 7), 0);
    const before = table.changeSequence;
    table.setFloodVlans(new Set([5]));
    assert.equal(table.changeSequence, before);
    assert.equal(portOf(table, 1), 7);
  });

  describe('gratuitous ARP', () => {
    const announced = sighting(1, 7, { isGratuitousArp: true });
    const reflected = sighting(1, 8, { isGratuitousArp: true, isBond: true });

    it('locks the entry for five seconds against those that a bond reflects', () => {
      const table = new MacLearning();
      table.learn(announced, 0);
      assert.equal(table.learn(reflected, 4999), false);
      assert.equal(portOf(table, 1), 7);
      assert.equal(table.learn(reflected, 5000), true);
      assert.equal(portOf(table, 1), 8);
    });

    it('does not lock it against other frames or ports', () => {
      const table = new MacLearning();
      table.learn(announced, 0);
      assert.equal(table.learn(sighting(1, 8, { isBond: true }), 10), true);
      table.learn(announced, 20);
      assert.equal(table.learn(sighting(1, 9, { isGratuitousArp: true }), 30), true);
    });

    it('locks anew each time, and not when it comes from a bond', () => {
      const table = new MacLearning();
      table.learn(announced, 0);
      table.learn(announced, 500);
      assert.equal(table.wouldLearn(reflected, 5400), false);
      assert.equal(table.learn(reflected, 5500), true);
      assert.equal(table.learn({ ...reflected, port: 9 }, 5501), true);
    });
  });

  it('is what fdb/show prints', () => {
    const table = new MacLearning();
    table.addStatic(5, 0x0011, 0x22334455, 1);
    table.learn(sighting(1, 10), 0);
    table.learn(sighting(2, 65534, { vlan: 4095 }), 1000);
    table.learn(sighting(1, 10), 2000);
    const formatPort = (port: number): string => (port === 65534 ? 'LOCAL' : String(port));
    assert.equal(
      formatMacTable(table, 12_900, formatPort),
      ` port  VLAN  MAC                Age
    1     5  00:11:22:33:44:55  static
LOCAL  4095  50:54:00:00:00:02   11
   10     0  50:54:00:00:00:01   10
`,
    );
  });

  it('is what fdb/stats-show prints', () => {
    const table = new MacLearning();
    table.addStatic(5, 0x0011, 0x22334455, 1);
    table.learn(sighting(1, 10), 0);
    table.learn(sighting(1, 11), 0);
    assert.equal(
      formatMacStatistics(table, 'br0'),
      `Statistics for bridge "br0":
  Current/maximum MAC entries in the table: 2/8192
  Current static MAC entries in the table : 1
  Total number of learned MAC entries     : 1
  Total number of expired MAC entries     : 0
  Total number of evicted MAC entries     : 0
  Total number of port moved MAC entries  : 1
`,
    );
    table.clearStatistics();
    assert.deepEqual(table.statistics, { learned: 0, expired: 0, evicted: 0, moved: 0 });
  });

  it('agrees with a plain map as long as it is not full', () => {
    const step = fc.record({
      kind: fc.constantFrom('learn', 'learn', 'learn', 'expire', 'flushPort'),
      station: fc.integer({ min: 0, max: 5 }),
      vlan: fc.integer({ min: 0, max: 2 }),
      port: fc.integer({ min: 1, max: 3 }),
      pauseMs: fc.constantFrom(0, 500, 1000, 100_000, 299_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const table = new MacLearning();
        const model = new Map<string, { port: number; seenMs: number }>();
        let nowMs = 0;
        for (const { kind, station, vlan, port, pauseMs } of steps) {
          nowMs += pauseMs;
          const before = table.changeSequence;
          const places = new Map([...model].map(([id, entry]) => [id, entry.port]));
          if (kind === 'learn') {
            const seen = sighting(station, port, { vlan });
            const would = table.wouldLearn(seen, nowMs);
            const isChange = table.learn(seen, nowMs);
            assert.ok(would || !isChange);
            const id = `${vlan} ${station}`;
            const old = model.get(id);
            assert.equal(isChange, old?.port !== port);
            if (old?.port !== port || nowMs - old.seenMs >= 1000) {
              model.set(id, { port, seenMs: nowMs });
            }
          } else if (kind === 'expire') {
            table.expire(nowMs);
            for (const [id, { seenMs }] of model) {
              if (nowMs - seenMs >= 300_000) {
                model.delete(id);
              }
            }
          } else {
            table.flushPort(port);
            for (const [id, entry] of model) {
              if (entry.port === port) {
                model.delete(id);
              }
            }
          }
          let isSame = model.size === places.size;
          for (const [id, entry] of model) {
            isSame &&= places.get(id) === entry.port;
            const [inVlan, who] = id.split(' ').map(Number);
            assert.equal(portOf(table, who!, inVlan), entry.port);
          }
          assert.equal(table.size, model.size);
          assert.equal(table.changeSequence === before, isSame);
        }
      }),
    );
  });
});
