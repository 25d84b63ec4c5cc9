import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PriorityCounts } from '../../../src/ofproto/priority-counts.ts';

test('the highest priority is that of a sorted list, whatever the order of removal', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 20 }), fc.boolean()), { maxLength: 80 }), (steps) => {
      const counts = new PriorityCounts();
      const present: number[] = [];
      for (const [priority, isRemoval] of steps) {
        if (!isRemoval) {
          counts.increment(priority);
          present.push(priority);
        } else if (present.includes(priority)) {
          counts.decrement(priority);
          present.splice(present.indexOf(priority), 1);
        }
        assert.equal(counts.highest, Math.max(-1, ...present));
        assert.equal(counts.has(priority), present.includes(priority));
      }
    }),
  );
});
