/**
 * What leaves the switch against what leaves Open vSwitch: the same pipelines, the same frames in, the same frames out,
 * from the first packet of a flow and from the cache.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Switch } from '../../../src/switch/index.ts';

const data = readFileSync(new URL('data/forwarding.txt', import.meta.url), 'utf8');

interface Exchange {
  readonly port: string;
  readonly frame: Uint8Array;
  readonly sent: string[];
}

interface Scenario {
  readonly groups: string[];
  readonly flows: string[];
  readonly exchanges: Exchange[];
}

function readScenario(section: string): Scenario {
  const scenario: Scenario = { groups: [], flows: [], exchanges: [] };
  for (const line of section.trim().split('\n')) {
    const [first = '', ...rest] = line.split(' ');
    if (first === 'group') {
      scenario.groups.push(rest.join(' '));
    } else if (first === 'flow') {
      scenario.flows.push(rest.join(' '));
    } else if (first === '>') {
      scenario.exchanges.push({ port: rest[0]!, frame: Buffer.from(rest[1]!, 'hex'), sent: [] });
    } else {
      scenario.exchanges.at(-1)!.sent.push(line);
    }
  }
  return scenario;
}

function createSwitch({ groups, flows }: Scenario): Switch {
  const sw = new Switch();
  const trunks = new Set([10, 20]);
  sw.addBridge('br1');
  sw.addPort('br0', { number: 'LOCAL' });
  for (const number of [1, 2, 3]) {
    sw.addPort(`p${number}`, { number });
  }
  sw.addPort('p4', { number: 4, vlans: { mode: 'access', tag: 10 } });
  sw.addPort('p5', { number: 5, vlans: { mode: 'trunk', trunks } });
  sw.addPort('p6', { number: 6, vlans: { mode: 'native-untagged', tag: 10, trunks } });
  sw.addPort('p7', { number: 7, vlans: { mode: 'native-tagged', tag: 20, trunks } });
  sw.addPort('p8', { number: 8, vlans: { mode: 'dot1q-tunnel', tag: 30 } });
  sw.addPatch('br0', 'patch0', 'br1', 'patch1', { number: 20, peerNumber: 21 });
  sw.addPort('p11', { number: 11, bridge: 'br1' });
  sw.addFlow('actions=output:11', 'br1');
  for (const group of groups) {
    sw.addGroup(group);
  }
  sw.addFlows(flows.join('\n'));
  return sw;
}

function inject(sw: Switch, { port, frame }: Exchange): string[] {
  return sw
    .inject(port, frame)
    .filter((sent) => sent.port !== 'br0')
    .map((sent) => `${sent.port} ${Buffer.from(sent.frame).toString('hex')}`)
    .sort();
}

for (const section of data.split('\n\n').slice(1)) {
  const scenario = readScenario(section);
  test(`forwarding as Open vSwitch: ${scenario.flows.join('; ')}`, () => {
    const sw = createSwitch(scenario);
    for (const exchange of scenario.exchanges) {
      assert.deepEqual(inject(sw, exchange), exchange.sent);
    }
    const { translations } = sw.counters().udpif;
    if (!scenario.flows.some((flow) => /NORMAL|learn/.test(flow))) {
      for (const exchange of scenario.exchanges) {
        assert.deepEqual(inject(sw, exchange), exchange.sent, 'from the cache');
      }
      assert.equal(sw.counters().udpif.translations, translations);
    }
  });
}
