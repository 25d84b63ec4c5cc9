/**
 * The NORMAL action with real packets: VLAN modes, MAC learning, floods.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortVlans } from '../../../src/ofproto/index.ts';
import { Switch } from '../../../src/switch/index.ts';
import { composeFrame, type FrameSpec } from '../../../src/wire/index.ts';
import { createScene, frame, portsOf, station } from '../../support/scene.ts';

/** Tag stacks that come out of each port, `-` for none: `p2 10` is a frame with VLAN 10. */
function tagsOf(sw: Switch, port: string, bytes: Uint8Array): string[] {
  return sw.inject(port, bytes).map(({ port: name, frame: sent }) => {
    const tags: string[] = [];
    const view = new DataView(sent.buffer, sent.byteOffset, sent.length);
    for (let at = 12; view.getUint16(at) === 0x8100 || view.getUint16(at) === 0x88a8; at += 4) {
      const tci = view.getUint16(at + 2);
      const priority = tci >>> 13 === 0 ? '' : `p${tci >>> 13}`;
      tags.push(`${view.getUint16(at) === 0x88a8 ? 's' : ''}${tci & 0xfff}${priority}`);
    }
    return `${name} ${tags.join('+') || '-'}`;
  });
}

const TRUNKS = new Set([10, 20]);
const MODES: Readonly<Record<string, Partial<PortVlans>>> = {
  trunk: {},
  access: { mode: 'access', tag: 10 },
  limited: { trunks: TRUNKS },
  untagged: { mode: 'native-untagged', tag: 10, trunks: TRUNKS },
  tagged: { mode: 'native-tagged', tag: 10, trunks: TRUNKS },
  tunnel: { mode: 'dot1q-tunnel', tag: 10 },
};

/** One port of each mode, on which NORMAL runs. */
function createVlanSwitch(extra: Partial<PortVlans> = {}): Switch {
  const sw = new Switch();
  for (const [name, vlans] of Object.entries(MODES)) {
    sw.addPort(name, { vlans: { ...vlans, ...extra } });
  }
  sw.addFlow('actions=NORMAL');
  return sw;
}

const VLAN_CASES: readonly {
  readonly from: string;
  readonly vlans: FrameSpec['vlans'];
  readonly out: readonly string[];
}[] = [
  { from: 'trunk', vlans: [], out: [] },
  { from: 'trunk', vlans: [{ vlanId: 10 }], out: ['access -', 'limited 10', 'untagged -', 'tagged 10', 'tunnel -'] },
  { from: 'trunk', vlans: [{ vlanId: 20 }], out: ['limited 20', 'untagged 20', 'tagged 20'] },
  { from: 'trunk', vlans: [{ vlanId: 30 }], out: [] },
  {
    from: 'trunk',
    vlans: [{ vlanId: 10, priority: 5 }],
    out: ['access -', 'limited 10p5', 'untagged -', 'tagged 10p5', 'tunnel -'],
  },
  { from: 'access', vlans: [], out: ['trunk 10', 'limited 10', 'untagged -', 'tagged 10', 'tunnel -'] },
  {
    from: 'access',
    vlans: [{ vlanId: 0, priority: 5 }],
    out: ['trunk 10p5', 'limited 10p5', 'untagged -', 'tagged 10p5', 'tunnel -'],
  },
  { from: 'access', vlans: [{ vlanId: 10 }], out: [] },
  { from: 'limited', vlans: [{ vlanId: 30 }], out: [] },
  { from: 'untagged', vlans: [], out: ['trunk 10', 'access -', 'limited 10', 'tagged 10', 'tunnel -'] },
  { from: 'untagged', vlans: [{ vlanId: 20 }], out: ['trunk 20', 'limited 20', 'tagged 20'] },
  { from: 'tagged', vlans: [], out: ['trunk 10', 'access -', 'limited 10', 'untagged -', 'tunnel -'] },
  { from: 'tagged', vlans: [{ vlanId: 30 }], out: [] },
  { from: 'tunnel', vlans: [], out: ['trunk s10', 'access -', 'limited s10', 'untagged -', 'tagged s10'] },
  {
    from: 'tunnel',
    vlans: [{ vlanId: 77 }],
    out: ['trunk s10+77', 'access -', 'limited s10+77', 'untagged 77', 'tagged s10+77'],
  },
];

for (const { from, vlans, out } of VLAN_CASES) {
  const tags = (vlans ?? []).map(({ vlanId, priority = 0 }) => `${vlanId}${priority === 0 ? '' : `p${priority}`}`);
  test(`a frame with ${tags.join('+') || 'no tag'} from a port of mode ${from}`, () => {
    assert.deepEqual(tagsOf(createVlanSwitch(), from, frame(1, 'ff', vlans)), out);
  });
}

test('priority tags as the port wants them', () => {
  const wanted = [
    ['no', 0, ['access -', 'untagged -']],
    ['no', 5, ['access -', 'untagged -']],
    ['if-nonzero', 0, ['access -', 'untagged -']],
    ['if-nonzero', 5, ['access 0p5', 'untagged 0p5']],
    ['always', 0, ['access 0', 'untagged 0']],
  ] as const;
  for (const [priorityTags, priority, out] of wanted) {
    const sent = tagsOf(createVlanSwitch({ priorityTags }), 'trunk', frame(1, 'ff', [{ vlanId: 10, priority }]));
    assert.deepEqual(
      sent.filter((each) => /^(access|untagged)/.test(each)),
      out,
      `${priorityTags}, priority ${priority}`,
    );
  }
});

test('a dot1q-tunnel takes only its customer VLANs', () => {
  const sw = new Switch();
  sw.addPort('a');
  sw.addPort('b', { vlans: { mode: 'dot1q-tunnel', tag: 10, customerVlans: new Set([7]) } });
  sw.addFlow('actions=NORMAL');
  assert.deepEqual(tagsOf(sw, 'b', frame(1, 'ff', [{ vlanId: 7 }])), ['a s10+7']);
  assert.deepEqual(tagsOf(sw, 'b', frame(1, 'ff', [{ vlanId: 8 }])), []);
});

test('protected ports do not hear each other', () => {
  const sw = new Switch();
  sw.addPort('a', { isProtected: true });
  sw.addPort('b', { isProtected: true });
  sw.addPort('c');
  sw.addFlow('actions=NORMAL');
  assert.deepEqual(portsOf(sw.inject('a', frame(1, 'ff'))), ['c']);
  assert.deepEqual(portsOf(sw.inject('c', frame(3, 'ff'))), ['a', 'b']);
  assert.deepEqual(portsOf(sw.inject('b', frame(2, 1))), [], 'nor by a learned address');
  sw.setPort('a', { isProtected: false });
  assert.deepEqual(portsOf(sw.inject('b', frame(2, 1))), ['a'], 'the cache follows');
});

test('a port with NO_FLOOD gets no floods, but what is for it', () => {
  const sw = createScene(3, 'actions=NORMAL');
  sw.setPort('p3', { config: { noFlood: true } });
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 'ff'))), ['p2']);
  sw.inject('p3', frame(3, 'ff'));
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 3))), ['p3']);
});

test('stations are learned, move and age', () => {
  const sw = createScene(3, 'actions=NORMAL');
  sw.inject('p1', frame(1, 2));
  assert.deepEqual(portsOf(sw.inject('p2', frame(2, 1))), ['p1']);
  assert.deepEqual(portsOf(sw.inject('p1', frame(1, 2))), ['p2']);
  sw.inject('p3', frame(1, 2));
  assert.deepEqual(portsOf(sw.inject('p2', frame(2, 1))), ['p3'], 'the megaflow follows the move');
  sw.advance(301_000);
  assert.deepEqual(portsOf(sw.inject('p2', frame(2, 1))), ['p1', 'p3'], 'forgotten after 300 s');
});

test('traffic on the cache keeps a station known', () => {
  const sw = createScene(3, 'actions=NORMAL');
  sw.inject('p1', frame(1, 2));
  sw.inject('p2', frame(2, 1));
  for (let second = 0; second < 400; second += 5) {
    sw.advance(5000);
    sw.inject('p1', frame(1, 2));
  }
  assert.deepEqual(portsOf(sw.inject('p2', frame(2, 1))), ['p1']);
});

test('statistics of a megaflow from before a move do not move the station back', () => {
  const sw = createScene(3, 'actions=NORMAL');
  sw.inject('p1', frame(1, 'ff'));
  sw.inject('p1', frame(1, 'ff'));
  sw.inject('p1', frame(1, 'ff'));
  sw.inject('p2', frame(1, 'ff'));
  sw.advance(1000);
  assert.deepEqual(portsOf(sw.inject('p3', frame(3, 1))), ['p2']);
});

test('frames are learned by VLAN', () => {
  const sw = createScene(3, 'actions=NORMAL');
  sw.inject('p1', frame(1, 'ff', [{ vlanId: 10 }]));
  assert.deepEqual(portsOf(sw.inject('p2', frame(2, 1, [{ vlanId: 10 }]))), ['p1']);
  assert.deepEqual(portsOf(sw.inject('p2', frame(2, 1, [{ vlanId: 20 }]))), ['p1', 'p3']);
});

test('a frame for a station behind the port it came from is dropped', () => {
  const sw = createScene(2, 'actions=NORMAL');
  sw.inject('p1', frame(1, 'ff'));
  assert.deepEqual(portsOf(sw.inject('p1', frame(2, 1))), []);
});

test('multicast sources are not learned', () => {
  const sw = createScene(3, 'actions=NORMAL');
  sw.inject('p1', composeFrame({ ethernet: { source: '03:00:00:00:00:01', destination: station(2), type: 0x88b5 } }));
  assert.deepEqual(sw.pipeline.bridges.get('br0')!.macLearning.rows(sw.nowMs), []);
});

test('what bridges keep for themselves is not forwarded, unless forward-bpdu says so', () => {
  const reserved = [
    '01:80:c2:00:00:00',
    '01:80:c2:00:00:0f',
    '00:e0:2b:00:00:00',
    '00:e0:2b:00:00:04',
    '00:e0:2b:00:00:06',
    '01:00:0c:00:00:00',
    '01:00:0c:cc:cc:cc',
    '01:00:0c:cc:cc:cd',
    '01:00:0c:cd:cd:cd',
  ];
  const sw = createScene(2, 'actions=NORMAL');
  const send = (destination: string): string[] =>
    portsOf(sw.inject('p1', composeFrame({ ethernet: { source: station(1), destination, type: 0x88b5 } })));
  for (const destination of reserved) {
    assert.deepEqual(send(destination), [], destination);
  }
  assert.deepEqual(send('01:80:c2:00:00:10'), ['p2']);
  const bridge = sw.pipeline.bridges.get('br0')!;
  bridge.forwardBpdu = true;
  bridge.notePortChange();
  sw.maintain();
  for (const destination of reserved) {
    assert.deepEqual(send(destination), ['p2'], destination);
  }
});

test('a packet-out from no port floods everywhere and teaches nothing', () => {
  const sw = createScene(2);
  sw.packetOut(frame(9, 'ff'), 'NORMAL');
  assert.deepEqual(portsOf(sw.collect()), ['p1', 'p2']);
  assert.deepEqual(sw.pipeline.bridges.get('br0')!.macLearning.rows(sw.nowMs), []);
});

test('a packet-out from a port teaches, as a packet received there does', () => {
  const sw = createScene(2);
  sw.packetOut(frame(9, 'ff'), 'NORMAL', 'p1');
  assert.deepEqual(portsOf(sw.collect()), ['p2']);
  assert.deepEqual(
    sw.pipeline.bridges
      .get('br0')!
      .macLearning.rows(sw.nowMs)
      .map(({ port }) => port),
    [1],
  );
});
