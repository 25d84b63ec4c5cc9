/** What the lab's hosts send each other, and whether the switch did with it what the flows say. */
import { LAB_FORBIDDEN_PORT, LAB_SERVICE_PORT } from './lab-flows.ts';
import { LAB_HOSTS, type LabHost, type LabNetwork } from './lab-network.ts';

const PINGS = 5;
/** A ping that is dropped waits for its answer in vain. */
const DROPPED_PINGS = 2;

/** One thing that was tried. */
export interface LabTrial {
  /** such as `h1 pings h2` */
  readonly what: string;
  readonly expected: 'passes' | 'is dropped';
  readonly isAsExpected: boolean;
  /** what was seen */
  readonly outcome: string;
}

/** Sends everything; `onProgress` is told what is being tried. Throws `Interrupted`. */
export async function runTraffic(network: LabNetwork, onProgress: (what: string) => void): Promise<LabTrial[]> {
  const [h1, h2, h3] = LAB_HOSTS as [LabHost, LabHost, LabHost];
  const trials: LabTrial[] = [];
  for (const from of LAB_HOSTS) {
    for (const to of LAB_HOSTS.filter((host) => host !== from)) {
      const isAllowed = !(from === h3 && to === h2);
      trials.push(await tryPing(network, from, to.name, to.ipv4, isAllowed, onProgress));
    }
  }
  if (network.localAddress !== null) {
    trials.push(await tryPing(network, h1, 'the local port', network.localAddress, true, onProgress));
  }
  const transport = network.transport.toUpperCase();
  const transfer = `${h1.name} sends ${transport} to ${h2.name}, port ${LAB_SERVICE_PORT}`;
  onProgress(transfer);
  const { arrived, detail } = await network.transfer(h1, h2, LAB_SERVICE_PORT);
  trials.push({ what: transfer, expected: 'passes', isAsExpected: arrived, outcome: detail });
  const forbidden = `${h2.name} tries ${transport} to ${h3.name}, port ${LAB_FORBIDDEN_PORT}`;
  onProgress(forbidden);
  const isReached = await network.reach(h2, h3, LAB_FORBIDDEN_PORT);
  const outcome = isReached ? 'answered' : 'no answer';
  trials.push({ what: forbidden, expected: 'is dropped', isAsExpected: !isReached, outcome });
  return trials;
}

async function tryPing(
  network: LabNetwork,
  from: LabHost,
  to: string,
  address: string,
  isAllowed: boolean,
  onProgress: (what: string) => void,
): Promise<LabTrial> {
  const what = `${from.name} pings ${to}`;
  onProgress(what);
  const { sent, received, averageMs } = await network.ping(from, address, isAllowed ? PINGS : DROPPED_PINGS);
  const time = averageMs === null ? '' : `, ${averageMs.toFixed(3)} ms on average`;
  return {
    what,
    expected: isAllowed ? 'passes' : 'is dropped',
    isAsExpected: isAllowed ? sent > 0 && received === sent : received === 0,
    outcome: `${received} of ${sent} answered${time}`,
  };
}
