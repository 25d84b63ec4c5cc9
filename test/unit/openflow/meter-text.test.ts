/** Meters as text. Expected texts and errors are those of ovs-ofctl 3.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatMeter,
  formatMeterMod,
  formatMeterStats,
  type MeterBand,
  type MeterMod,
  OFPM_ALL,
  OFPM_CONTROLLER,
  OFPM_SLOWPATH,
  parseMeterMod,
} from '../../../src/openflow/index.ts';

test('a meter has its unit, flags and bands', () => {
  const line =
    'meter=3,pktps,burst,stats,bands=type=drop,rate=100,burst_size=20,type=dscp_remark,rate=200,burst_size=1,prec_level=1';
  assert.deepEqual(parseMeterMod(line, 'add'), {
    command: 'add',
    meter: 3,
    unit: 'pktps',
    burst: true,
    stats: true,
    bands: [
      { type: 'drop', rate: 100, burst: 20, precedenceLevel: 0 },
      { type: 'dscp_remark', rate: 200, burst: 1, precedenceLevel: 1 },
    ],
  });
  assert.equal(parseMeterMod('meter=8 kbps band=type=drop rate=1', 'modify').unit, 'kbps');
});

test('virtual meters have names', () => {
  const numbers = ['all', 'controller', 'slowpath'].map((name) => parseMeterMod(`meter=${name}`, 'delete').meter);
  assert.deepEqual(numbers, [OFPM_ALL, OFPM_CONTROLLER, OFPM_SLOWPATH]);
  assert.deepEqual(numbers, [0xffffffff, 0xfffffffe, 0xfffffffd]);
});

test('what makes no meter is refused in the words of ovs-ofctl', () => {
  const cases: readonly (readonly [line: string, command: MeterMod['command'], message: string])[] = [
    ['meter=5,kbps', 'add', 'must specify bands'],
    ['meter=5,bands=type=drop,rate=1', 'add', "meter must specify either 'kbps' or 'pktps'"],
    ['meter=5,kbps,pktps,bands=type=drop,rate=1', 'add', "meter must specify either 'kbps' or 'pktps', not both"],
    ['kbps,bands=type=drop,rate=1', 'add', "must specify 'meter'"],
    ['meter=x,kbps,bands=type=drop,rate=1', 'add', 'invalid numeric format x (expected 0 to 4294967295)'],
    ['meter=0,kbps,bands=type=drop,rate=1', 'add', 'invalid value for meter'],
    ['meter=4294901761,kbps,bands=type=drop,rate=1', 'add', 'invalid value for meter'],
    ['meter=6,kbps,bands=rate=1', 'add', "band must start with the 'type' keyword"],
    ['meter=6,kbps,bands=type=drop', 'add', "band must have 'rate'"],
    ['meter=6,kbps,bands=type=foo,rate=1', 'add', 'field type unknown value foo'],
    ['meter=6,kbps,bands=type=drop,rate=x', 'add', 'invalid numeric format x (expected 0 to 4294967295)'],
    [
      'meter=6,kbps,bands=type=drop,rate=1,burst_size=5',
      'add',
      "band may have 'burst_size' only when 'burst' flag is set",
    ],
    ['meter=6,kbps,burst,bands=type=drop,rate=1', 'add', "band must have 'burst_size' when 'burst' flag is set"],
    ['meter=7,kbps,foo,bands=type=drop,rate=1', 'add', 'field foo missing value'],
    ['meter=7,kbps,foo=1,bands=type=drop,rate=1', 'add', 'unknown keyword foo'],
    ['meter=7,kbps,bands=type=drop,rate=1,foo=3', 'add', 'unknown keyword foo'],
    ['meter=7,kbps,bands=type=drop,rate=1,foo', 'add', 'field foo missing value'],
    ['meter=9,kbps,bands=type=dscp_remark,rate=1', 'add', "'dscp_remark' band must have 'prec_level'"],
    [
      'meter=9,kbps,bands=type=dscp_remark,rate=1,prec_level=300',
      'add',
      'invalid prec_level "300" (expected 0 to 255)',
    ],
    ['meter=9,kbps,bands=', 'add', 'meter must have bands'],
    ['foo', 'delete', 'field foo missing value'],
    ['meter=3,kbps', 'delete', 'field kbps missing value'],
    ['', 'delete', "must specify 'meter'"],
  ];
  for (const [line, command, message] of cases) {
    assert.throws(() => parseMeterMod(line, command), { name: 'OpenFlowTextError', message }, line);
  }
});

test('meters are shown as dump-meters and meter-stats do', () => {
  const meter = parseMeterMod('meter=1,kbps,burst,stats,bands=type=drop,rate=100,burst_size=20', 'add');
  assert.equal(formatMeter(meter), 'meter=1 kbps burst stats bands=\ntype=drop rate=100 burst_size=20');
  assert.equal(formatMeterMod(meter), 'ADD meter=1 kbps burst stats bands=\ntype=drop rate=100 burst_size=20');
  assert.equal(formatMeterMod(parseMeterMod('meter=all', 'delete')), 'DEL meter=all');
  const stats = {
    meter: OFPM_SLOWPATH,
    flowCount: 1,
    packets: 2n,
    bytes: 3n,
    durationMs: 9618,
    bands: [{ packets: 4n, bytes: 5n }],
  };
  assert.equal(
    formatMeterStats(stats),
    'meter:slowpath flow_count:1 packet_in_count:2 byte_in_count:3 duration:9.618s bands:\n0: packet_count:4 byte_count:5',
  );
});

test('reading what was printed gives the meter back', () => {
  const band = (burst: boolean): fc.Arbitrary<MeterBand> =>
    fc
      .record({
        type: fc.constantFrom('drop' as const, 'dscp_remark' as const),
        rate: fc.integer({ min: 1, max: 0xffffffff }),
        burst: burst ? fc.integer({ min: 1, max: 0xffffffff }) : fc.constant(0),
        precedenceLevel: fc.nat({ max: 255 }),
      })
      .map((draft) => ({ ...draft, precedenceLevel: draft.type === 'drop' ? 0 : draft.precedenceLevel }));
  const meter = fc.boolean().chain((burst) =>
    fc.record({
      command: fc.constantFrom('add' as const, 'modify' as const),
      meter: fc.oneof(fc.integer({ min: 1, max: 0xffff0000 }), fc.constant(OFPM_CONTROLLER)),
      unit: fc.constantFrom('kbps' as const, 'pktps' as const),
      burst: fc.constant(burst),
      stats: fc.boolean(),
      bands: fc.array(band(burst), { minLength: 1, maxLength: 3 }),
    }),
  );
  fc.assert(
    fc.property(meter, (mod) => {
      assert.deepEqual(parseMeterMod(formatMeter(mod), mod.command), { ...mod });
    }),
    { numRuns: 200, seed: 1 },
  );
});
