/** Kill -9 at any moment, while ovs-vsctl writes: what was acknowledged is there, and nothing that nobody asked for. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { OurOvsdbServer, runTool } from '../../support/our-ovsdb-server.ts';
import { createRandom } from '../../support/random.ts';

const ROUNDS = 4;
const WRITERS = 3;

test('nothing that was acknowledged is lost', { timeout: 120_000 }, async () => {
  const server = new OurOvsdbServer();
  const random = createRandom(0xdead);
  const acknowledged = new Set<string>();
  const asked = new Set<string>();
  try {
    await server.start();
    const vsctl = (...args: string[]) =>
      runTool('ovs-vsctl', ['--no-wait', '--timeout=10', `--db=${server.method}`, ...args]);
    assert.equal((await vsctl('init', '--', 'add-br', 'br0')).code, 0);
    for (let round = 0; round < ROUNDS; round++) {
      let isRunning = true;
      let written = 0;
      const killAfter = 3 + (random() % 12);
      let reached = (): void => {};
      const enough = new Promise<void>((resolve) => {
        reached = resolve;
      });
      const writers = Array.from({ length: WRITERS }, async (_, writer) => {
        for (let i = 0; isRunning; i++) {
          const port = `p${round}-${writer}-${i}`;
          asked.add(port);
          const { code } = await vsctl('--timeout=1', 'add-port', 'br0', port);
          if (code === 0) acknowledged.add(port);
          if (++written === killAfter) reached();
        }
      });
      await enough;
      await server.kill();
      isRunning = false;
      await Promise.all(writers);
      // A write that the kill cut short, as far as the disk goes.
      if (round % 2 === 1) {
        writeFileSync(
          server.databasePath,
          Buffer.concat([readFileSync(server.databasePath), Buffer.from('OVSDB JSON 100 0123')]),
        );
      }
      await server.start();
      const found = new Set((await vsctl('list-ports', 'br0')).stdout.split('\n').filter((name) => name !== ''));
      for (const port of acknowledged)
        assert.ok(found.has(port), `${port} was acknowledged and is lost in round ${round}`);
      for (const port of found) assert.ok(asked.has(port), `${port} was never asked for`);
    }
    assert.ok(acknowledged.size >= ROUNDS * 2, `only ${acknowledged.size} writes were acknowledged`);
  } finally {
    await server.remove();
  }
});
