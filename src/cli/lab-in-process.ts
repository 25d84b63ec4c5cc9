/**
 * The lab with hosts in this process. Time is the lab's own and moves only when something was sent, so that a run takes no
 * time and is the same every time; while the lab goes on it follows the clock on the wall.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Switch } from '../switch/index.ts';
import { InProcessHost } from './in-process-host.ts';
import { LAB_HOSTS, type LabHost, type LabNetwork, type PingOutcome } from './lab-network.ts';

/** Between two packets that a host sends: time enough for a revalidation. */
const PACE_MS = 20;
const REVALIDATION_INTERVAL_MS = 10;
const TRANSFER_DATAGRAMS = 100;
const DATAGRAM_BYTES = 1000;
const CLIENT_PORT = 40_000;
const TICK_MS = 1000;

export function createInProcessNetwork(): LabNetwork {
  let nowMs = 0;
  const target = new Switch({ clock: () => nowMs, revalidationIntervalMs: REVALIDATION_INTERVAL_MS });
  const settle = (): void => {
    target.poll();
    nowMs += PACE_MS;
    target.poll();
  };
  const hosts = new Map<string, InProcessHost>();
  for (const { name, ethernet, ipv4, port } of LAB_HOSTS) {
    const host = new InProcessHost({ name, ethernet, ipv4, settle });
    hosts.set(name, host);
    target.addPort(name, { number: port, netdev: host.netdev });
  }

  async function ping(from: LabHost, address: string, count: number): Promise<PingOutcome> {
    const host = hosts.get(from.name)!;
    let received = 0;
    for (let sent = 0; sent < count; sent++) {
      received += host.ping(address) ? 1 : 0;
    }
    return { sent: count, received, averageMs: null };
  }

  return {
    description: 'hosts in this process, on ports in memory',
    switch: target,
    localAddress: null,
    transport: 'udp',
    ping,
    async transfer(from, to, port) {
      hosts.get(to.name)!.services.set(port, (payload) => payload);
      let answers = 0;
      for (let index = 0; index < TRANSFER_DATAGRAMS; index++) {
        answers += hosts.get(from.name)!.ask(to.ipv4, CLIENT_PORT, port, new Uint8Array(DATAGRAM_BYTES)).length;
      }
      hosts.get(to.name)!.services.delete(port);
      return {
        arrived: answers === TRANSFER_DATAGRAMS,
        detail: `${answers} of ${TRANSFER_DATAGRAMS} datagrams answered`,
      };
    },
    async reach(from, to, port) {
      hosts.get(to.name)!.services.set(port, (payload) => payload);
      const answers = hosts.get(from.name)!.ask(to.ipv4, CLIENT_PORT + 1, port, new Uint8Array(10));
      hosts.get(to.name)!.services.delete(port);
      return answers.length > 0;
    },
    instructions: ['The hosts go on pinging each other once a second.'],
    async live(interrupted, onTick) {
      for (;;) {
        try {
          await sleep(TICK_MS, undefined, { signal: interrupted });
        } catch {
          return;
        }
        nowMs += TICK_MS;
        target.poll();
        for (const from of LAB_HOSTS) {
          for (const to of LAB_HOSTS.filter((host) => host !== from)) {
            await ping(from, to.ipv4, 1);
          }
        }
        onTick();
      }
    },
    close() {
      target.close();
    },
  };
}
