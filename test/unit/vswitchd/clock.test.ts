import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DaemonClock } from '../../../src/vswitchd/clock.ts';

/** A host whose time and event loop the test turns by hand. */
function createHost() {
  const soon: (() => void)[] = [];
  const timers: { atMs: number; callback: () => void }[] = [];
  const host = {
    nowMs: 1000.75,
    monotonicMs: () => host.nowMs,
    wallMs: () => 5_000_000 + host.nowMs,
    after(delayMs: number, callback: () => void) {
      const timer = { atMs: host.nowMs + delayMs, callback };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    soon(callback: () => void) {
      soon.push(callback);
      return () => void soon.splice(soon.indexOf(callback), 1);
    },
    timers,
    /** Runs what waits until nothing does. */
    turn() {
      for (let callback = soon.shift(); callback !== undefined; callback = soon.shift()) callback();
    },
    pass(ms: number) {
      host.nowMs += ms;
      for (const timer of timers.filter(({ atMs }) => atMs <= host.nowMs)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.callback();
      }
      host.turn();
    },
  };
  return host;
}

describe('DaemonClock', () => {
  it('follows the host in whole milliseconds', () => {
    const host = createHost();
    const clock = new DaemonClock(host);
    assert.equal(clock.nowMs, 1000);
    host.pass(10);
    assert.equal(clock.nowMs, 1010);
    assert.equal(clock.wallMs, 5_000_000 + host.nowMs);
  });

  it('runs timers in order of time and takes them back', () => {
    const host = createHost();
    const clock = new DaemonClock(host);
    const ran: string[] = [];
    clock.after(30, () => ran.push('30'));
    clock.after(10, () => ran.push('10'));
    clock.after(10, () => ran.push('10 again'));
    const cancel = clock.after(20, () => ran.push('never'));
    cancel();
    host.pass(9);
    assert.deepEqual(ran, []);
    host.pass(30);
    assert.deepEqual(ran, ['10', '10 again', '30']);
    assert.equal(host.timers.length, 0);
  });

  it('stands still when stopped, with no timer of the host', () => {
    const host = createHost();
    const clock = new DaemonClock(host);
    let ran = 0;
    clock.after(10, () => ran++);
    clock.stop();
    assert.equal(host.timers.length, 0);
    host.pass(100);
    assert.equal(clock.nowMs, 1000);
    assert.equal(ran, 0);
    clock.after(0, () => ran++);
    host.turn();
    assert.equal(ran, 1, 'what is due now does not need time to pass');
  });

  it('warps in steps, each followed by what it makes due', async () => {
    const host = createHost();
    const clock = new DaemonClock(host);
    clock.stop();
    const ranAt: number[] = [];
    const every = (): void => {
      ranAt.push(clock.nowMs - 1000);
      clock.after(100, every);
    };
    clock.after(100, every);
    const done = clock.warp(1000, 300);
    host.turn();
    await done;
    assert.equal(clock.nowMs, 2000);
    assert.deepEqual(ranAt, [300, 600, 900, 1000], 'a late timer counts from the new time');
  });

  it('refuses a second warp, and warps without stopping', async () => {
    const host = createHost();
    const clock = new DaemonClock(host);
    const done = clock.warp(500, 500);
    assert.throws(() => clock.warp(1, 1), { message: 'A previous warp in progress' });
    host.turn();
    await done;
    host.pass(1);
    assert.equal(clock.nowMs, 1501);
  });

  it('goes on after a timer that throws', () => {
    const host = createHost();
    const clock = new DaemonClock(host);
    let ran = 0;
    clock.after(1, () => {
      throw new Error('bug');
    });
    clock.after(2, () => ran++);
    assert.throws(() => host.pass(5), /bug/);
    host.turn();
    assert.equal(ran, 1);
  });
});
