/**
 * The laws of the megaflow cache, for random pipelines and random traffic:
 * - no megaflow decides otherwise than a fresh translation of any packet that it matches;
 * - every packet is credited exactly once, whatever expires or changes meanwhile.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeActions, formatDatapathActions } from '../../../src/dpif/index.ts';
import {
  createFlow,
  extractFlow,
  FLOW_WORDS,
  type FlowWords,
  formatFlow,
  W_IN_PORT,
  W_RECIRC_ID,
} from '../../../src/flow/index.ts';
import { type SentFrame, Switch } from '../../../src/switch/index.ts';
import { Packet } from '../../../src/wire/index.ts';
import { PORTS, RandomPipeline } from '../../support/random-pipeline.ts';

const seeds = fc.integer({ min: 1, max: 0x7fffffff });

interface Scene {
  readonly sw: Switch;
  readonly random: RandomPipeline;
}

function createScene(seed: number, flows: number, lookup: 'tree' | 'masks' = 'tree', isStateless = false): Scene {
  const random = new RandomPipeline(seed, isStateless);
  const sw = new Switch({ seed, lookup });
  for (let port = 1; port <= PORTS; port++) {
    sw.addPort(`p${port}`, { number: port });
  }
  for (const group of random.groups()) {
    sw.addGroup(group);
  }
  for (let index = 0; index < flows; index++) {
    addRandomFlow({ sw, random });
  }
  return { sw, random };
}

/** Adds a random flow; one whose actions do not fit its match is refused, which is fine. */
function addRandomFlow({ sw, random }: Scene): void {
  try {
    sw.addFlow(random.flow());
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error, String(error));
  }
}

function sendRandomPacket({ sw, random }: Scene): void {
  sw.inject(`p${1 + random.integer(PORTS)}`, random.frame());
}

/** A key of a packet that a port could receive: other traffic that the installed megaflows might match too. */
function randomKey({ sw, random }: Scene): FlowWords {
  const key = createFlow();
  extractFlow(Packet.from(random.frame()), key);
  key[W_IN_PORT] = sw.pipeline.bridges.get('br0')!.ports.get(1 + random.integer(PORTS))!.datapathPort;
  return key;
}

/** Checks the cache against fresh translations: of each megaflow's own key, and of `keys` that it matches. */
function checkSoundness({ sw }: Scene, keys: readonly FlowWords[]): number {
  const { dpif, pipeline } = sw;
  const key = createFlow();
  const mask = createFlow();
  const flows: number[] = [];
  const dump = dpif.startDump();
  for (const batch: number[] = []; dump.next(batch, 50) > 0; flows.push(...batch.splice(0)));
  let compared = 0;
  for (const flow of flows) {
    dpif.readKey(flow, key);
    dpif.readMask(flow, mask);
    const compare = (candidate: FlowWords, what: string): void => {
      const translation = pipeline.translateKey(candidate)!;
      assert.notEqual(translation, null);
      assert.equal(
        formatDatapathActions(decodeActions(dpif.actions(flow))),
        formatDatapathActions(decodeActions(translation.writer.copy())),
        `${what}: the megaflow decides otherwise than a fresh translation of ${formatFlow(candidate)}`,
      );
      compared++;
    };
    compare(key.slice(), `megaflow ${flow}`);
    for (const candidate of keys) {
      if (matches(candidate, key, mask) && key[W_RECIRC_ID] === 0) {
        compare(candidate, `packet in megaflow ${flow}`);
      }
    }
  }
  return compared;
}

function matches(candidate: FlowWords, key: FlowWords, mask: FlowWords): boolean {
  for (let word = 0; word < FLOW_WORDS; word++) {
    if (((candidate[word]! ^ key[word]!) & mask[word]!) !== 0) {
      return false;
    }
  }
  return true;
}

test('no megaflow decides otherwise than a fresh translation', () => {
  let compared = 0;
  fc.assert(
    fc.property(seeds, fc.constantFrom('tree' as const, 'masks' as const), (seed, lookup) => {
      const scene = createScene(seed, 25, lookup);
      for (let index = 0; index < 60; index++) {
        sendRandomPacket(scene);
      }
      const keys = Array.from({ length: 60 }, () => randomKey(scene));
      compared += checkSoundness(scene, keys);
    }),
    { numRuns: 60 },
  );
  assert.ok(compared > 2000, `only ${compared} comparisons`);
});

test('after changes of flows, groups, ports and time the cache is true again', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const scene = createScene(seed, 20);
      const { sw, random } = scene;
      for (let round = 0; round < 8; round++) {
        for (let index = 0; index < 15; index++) {
          sendRandomPacket(scene);
        }
        switch (random.integer(4)) {
          case 0:
            sw.deleteFlows(`table=${random.integer(4)}`);
            break;
          case 1:
            sw.advance(random.integer(20_000));
            break;
          case 2: {
            const bridge = sw.pipeline.bridges.get('br0')!;
            const port = bridge.ports.get(1 + random.integer(PORTS))!;
            port.linkUp = !port.linkUp;
            bridge.configurePort(port, { noFlood: random.chance(50), noForward: random.chance(20) });
            sw.maintain();
            break;
          }
          default:
            addRandomFlow(scene);
        }
        checkSoundness(
          scene,
          Array.from({ length: 15 }, () => randomKey(scene)),
        );
      }
    }),
    { numRuns: 25 },
  );
});

test('every packet is credited exactly once', () => {
  fc.assert(
    fc.property(seeds, fc.constantFrom(1000, 3), (seed, flowLimit) => {
      const random = new RandomPipeline(seed);
      const sw = new Switch({ seed });
      sw.udpif.setFlowLimit(flowLimit);
      for (let port = 1; port <= PORTS; port++) {
        sw.addPort(`p${port}`, { number: port });
      }
      // Table 0 sees every packet once; where it goes on to is what changes.
      sw.addFlow('table=0,actions=resubmit(,1)');
      let sent = 0;
      let bytes = 0;
      for (let step = 0; step < 120; step++) {
        const what = random.integer(12);
        if (what === 0) {
          sw.advance(random.integer(15_000));
        } else if (what === 1) {
          sw.deleteFlows('table=1');
        } else if (what === 2) {
          try {
            sw.addFlow(random.flow().replace(/^table=\d+/, 'table=1'));
          } catch (error) {
            assert.ok(error instanceof Error && 'code' in error, String(error));
          }
        } else if (what === 3) {
          sw.modifyFlows(`table=1,actions=output:${1 + random.integer(PORTS)}`);
        } else {
          const frame = random.frame();
          sw.inject(`p${1 + random.integer(PORTS)}`, frame);
          sent++;
          bytes += frame.length;
        }
      }
      const [flow] = sw.dumpFlows('table=0');
      // A packet that comes back from the datapath (a select group) resumes behind table 0, and is not counted there again.
      assert.equal(flow!.packets, BigInt(sent));
      assert.equal(flow!.bytes, BigInt(bytes));
    }),
    { numRuns: 40 },
  );
});

test('without learning, what the cache sends is what a switch without a cache sends', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const cached = createScene(seed, 20, 'tree', true);
      const fresh = createScene(seed, 20, 'tree', true);
      for (let index = 0; index < 60; index++) {
        const port = `p${1 + cached.random.integer(PORTS)}`;
        const frame = cached.random.frame();
        const sent = cached.sw.inject(port, frame);
        fresh.sw.udpif.purge();
        // Copies that come back from the datapath may overtake each other, as some of their megaflows are there and some not.
        assert.deepEqual(sorted(sent), sorted(fresh.sw.inject(port, frame)));
      }
    }),
    { numRuns: 30 },
  );
});

function sorted(sent: readonly SentFrame[]): string[] {
  return sent.map(({ port, frame }) => `${port} ${Buffer.from(frame).toString('hex')}`).sort();
}
