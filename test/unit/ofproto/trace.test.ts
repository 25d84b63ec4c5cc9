/**
 * Translation and its trace against Open vSwitch's own: the same flows, the same packets, the same text.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MemoryNetdev } from '../../../src/netdev/index.ts';
import { Switch } from '../../../src/switch/index.ts';

const data = readFileSync(new URL('data/trace.txt', import.meta.url), 'utf8');

interface Case {
  readonly flow: string;
  readonly expected: string;
}

function readData(): { groups: string[]; flows: [bridge: string, flow: string][]; cases: Case[] } {
  const [head = '', ...sections] = data.split(/^> /m);
  const groups: string[] = [];
  const flows: [string, string][] = [];
  for (const line of head.split('\n')) {
    const [kind, ...rest] = line.split(' ');
    if (kind === 'group') {
      groups.push(rest.join(' '));
    } else if (kind === 'flow') {
      flows.push([rest[0]!, rest.slice(1).join(' ')]);
    }
  }
  const cases = sections.map((section) => {
    const end = section.indexOf('\n');
    return { flow: section.slice(0, end), expected: section.slice(end + 1).trimEnd() };
  });
  return { groups, flows, cases };
}

/** Bridges as those that the data was made with; datapath port numbers are the port's own, 100 for br0. */
function createSwitch(): Switch {
  const sw = new Switch();
  sw.addBridge('br1');
  const { dpif } = sw;
  const add = dpif.addPort.bind(dpif);
  dpif.addPort = (name, type, port) => add(name, type, port, name === 'br0' ? 100 : Number(name.slice(1)));
  sw.addPort('br0', { number: 'LOCAL' });
  for (const number of [1, 2, 3]) {
    sw.addPort(`p${number}`, { number });
  }
  const trunks = new Set([10, 20]);
  sw.addPort('p4', { number: 4, vlans: { mode: 'access', tag: 10 } });
  sw.addPort('p5', { number: 5, vlans: { mode: 'trunk', trunks } });
  sw.addPort('p6', { number: 6, vlans: { mode: 'native-untagged', tag: 10, trunks } });
  sw.addPort('p7', { number: 7, vlans: { mode: 'native-tagged', tag: 20, trunks } });
  sw.addPort('p8', { number: 8, vlans: { mode: 'dot1q-tunnel', tag: 30 } });
  sw.addPatch('br0', 'patch0', 'br1', 'patch1', { number: 20, peerNumber: 21 });
  sw.addPort('p11', { number: 11, bridge: 'br1', netdev: new MemoryNetdev('p11') });
  return sw;
}

function normalise(text: string): string {
  return text
    .trimEnd()
    .replace(/recirc\(0x[0-9a-f]+\)/g, 'recirc(ID)')
    .replace(/recirc_id=\d+,rule/g, 'recirc_id=ID,rule');
}

const { groups, flows, cases } = readData();
const sw = createSwitch();
sw.addMeter('meter=1,kbps,band=type=drop,rate=100');
for (const group of groups) {
  sw.addGroup(group);
}
for (const [bridge, flow] of flows) {
  sw.addFlow(flow, bridge);
}

for (const { flow, expected } of cases) {
  test(`ofproto/trace ${flow}`, () => {
    assert.equal(normalise(sw.trace(flow).text), expected);
  });
}
