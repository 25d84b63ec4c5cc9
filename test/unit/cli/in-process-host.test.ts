import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InProcessHost } from '../../../src/cli/in-process-host.ts';
import { Switch } from '../../../src/switch/index.ts';

function network(flows: string): { readonly target: Switch; readonly hosts: readonly InProcessHost[] } {
  const target = new Switch();
  const hosts = [1, 2, 3].map((number) => {
    const name = `h${number}`;
    const settle = (): void => target.poll();
    const host = new InProcessHost({ name, ethernet: `02:00:00:00:00:0${number}`, ipv4: `10.0.0.${number}`, settle });
    target.addPort(name, { number, netdev: host.netdev });
    return host;
  });
  target.addFlows(flows);
  return { target, hosts };
}

test('hosts find each other by ARP and answer pings', () => {
  const { hosts } = network('actions=NORMAL');
  for (const from of hosts) {
    for (const to of [1, 2, 3]) {
      if (from.name !== `h${to}`) assert.ok(from.ping(`10.0.0.${to}`), `${from.name} to h${to}`);
    }
  }
});

test('nobody answers for an address that no host has', () => {
  const { hosts } = network('actions=NORMAL');
  assert.equal(hosts[0]!.ping('10.0.0.9'), false);
});

test('a ping whose answer is dropped, or that is dropped itself, fails; the next one is not mistaken for it', () => {
  const { target, hosts } = network('actions=NORMAL');
  assert.ok(hosts[0]!.ping('10.0.0.2'));
  target.addFlows('icmp,icmp_type=0,priority=65535,actions=drop');
  assert.equal(hosts[0]!.ping('10.0.0.2'), false);
  target.deleteFlows('icmp');
  assert.ok(hosts[0]!.ping('10.0.0.2'));
});

test('datagrams reach services, and their answers the one who asked', () => {
  const { hosts } = network('actions=NORMAL');
  hosts[1]!.services.set(7, (payload) => payload.map((byte) => byte + 1));
  assert.deepEqual(hosts[0]!.ask('10.0.0.2', 4000, 7, Uint8Array.of(1, 2)), [Uint8Array.of(2, 3)]);
  assert.deepEqual(hosts[0]!.ask('10.0.0.2', 4000, 8, Uint8Array.of(1, 2)), []);
  hosts[1]!.services.set(9, () => null);
  assert.deepEqual(hosts[2]!.ask('10.0.0.2', 4000, 9, Uint8Array.of(1)), []);
});
