/**
 * The same random pipelines and packets in Open vSwitch and here: the datapath actions are the same, and our megaflow
 * is at least as wide.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FLOW_WORDS, type FlowWords, parseMatch } from '../../../src/flow/index.ts';
import { Switch } from '../../../src/switch/index.ts';
import { PORTS, RandomPipeline } from '../../support/random-pipeline.ts';
import { RealSwitch, whyNoRealSwitch } from '../../support/real-switch.ts';

const PIPELINES = 8;
const FLOWS = 20;
const PACKETS = 20;

const skip = whyNoRealSwitch();
let real: RealSwitch;

before(() => {
  if (skip !== false) {
    return;
  }
  real = new RealSwitch();
  const settings = ['datapath-type=dummy', 'fail-mode=secure', 'protocols=OpenFlow10,OpenFlow15'];
  real.vsctl('add-br', 'br0', '--', 'set', 'bridge', 'br0', ...settings);
  for (let port = 1; port <= PORTS; port++) {
    real.vsctl(
      'add-port',
      'br0',
      `p${port}`,
      '--',
      'set',
      'interface',
      `p${port}`,
      'type=dummy',
      `ofport_request=${port}`,
    );
  }
});

after(() => real?.stop());

/** Our switch with the ports of the real one, numbered alike. */
function createSwitch(seed: number): Switch {
  const sw = new Switch({ seed });
  const { dpif } = sw;
  const add = dpif.addPort.bind(dpif);
  dpif.addPort = (name, type, port) => add(name, type, port, name === 'br0' ? 100 : Number(name.slice(1)));
  sw.addPort('br0', { number: 'LOCAL' });
  for (let port = 1; port <= PORTS; port++) {
    sw.addPort(`p${port}`, { number: port });
  }
  return sw;
}

/** Gives both switches a flow that both take; a flow that only one takes goes to neither. */
function addFlow(sw: Switch, flow: string): void {
  try {
    sw.addFlow(flow);
  } catch {
    return;
  }
  try {
    real.ofctl('add-flow', 'br0', flow);
  } catch {
    sw.deleteFlows(flow.replace(/,?actions=.*/, ''), { strict: true });
  }
}

interface Outcome {
  readonly actions: string;
  readonly megaflow: string;
}

function outcome(trace: string): Outcome {
  return {
    actions: /^Datapath actions: (.*)$/m
      .exec(trace)![1]!
      .replace(/recirc\(0x[0-9a-f]+\)/g, 'recirc(ID)')
      .replace(/dont_send=\d/g, 'dont_send')
      .replace(/recirc_id=\d+,rule/g, 'recirc_id=ID,rule'),
    megaflow: /^Megaflow: (.*)$/m.exec(trace)![1]!,
  };
}

/** The bits that a megaflow matches, read from its text; what cannot be read (inner tags, part of an ICMP type) is left out. */
function maskOf(megaflow: string): FlowWords {
  return parseMatch(
    megaflow.replace(/,vlan_tci1=[^,]*|,dl_vlan(_pcp)?1=[^,]*|,mpls_lse\d=[^,]*|,icmp_(type|code)=[^,]*/g, ''),
    {
      ovsCompat: true,
    },
  ).masks;
}

function isAsWide(ours: string, theirs: string): boolean {
  const our = maskOf(ours);
  const their = maskOf(theirs);
  for (let word = 0; word < FLOW_WORDS; word++) {
    if ((our[word]! & ~their[word]!) !== 0) {
      return false;
    }
  }
  return true;
}

for (let pipeline = 1; pipeline <= PIPELINES; pipeline++) {
  test(`random pipeline ${pipeline}`, { skip }, () => {
    const random = new RandomPipeline(pipeline * 104_729, true, true);
    const sw = createSwitch(pipeline);
    real.ofctl('del-flows', 'br0');
    real.ofctl('del-groups', 'br0');
    for (const group of random.groups()) {
      sw.addGroup(group);
      real.ofctl('add-group', 'br0', group);
    }
    for (let index = 0; index < FLOWS; index++) {
      addFlow(sw, random.flow());
    }
    for (let index = 0; index < PACKETS; index++) {
      const port = 1 + random.integer(PORTS);
      const frame = random.frame();
      const hex = Buffer.from(frame).toString('hex');
      const theirs = outcome(real.appctl('ofproto/trace', 'br0', `in_port=${port}`, hex));
      const ours = outcome(sw.trace({ port: `p${port}`, frame }).text);
      assert.equal(ours.actions, theirs.actions, `actions for ${hex} on port ${port}`);
      assert.ok(isAsWide(ours.megaflow, theirs.megaflow), `${ours.megaflow} is narrower than ${theirs.megaflow}`);
    }
  });
}
