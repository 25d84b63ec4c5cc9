/**
 * Rules by a number that they refer to: a group or a meter.
 */
import type { Rule } from './rule.ts';

export class RuleIndex {
  readonly #sets: Map<number, Set<Rule>> = new Map();

  add(rule: Rule, keys: readonly number[]): void {
    for (const key of keys) {
      const set = this.#sets.get(key);
      if (set === undefined) {
        this.#sets.set(key, new Set([rule]));
      } else {
        set.add(rule);
      }
    }
  }

  delete(rule: Rule, keys: readonly number[]): void {
    for (const key of keys) {
      const set = this.#sets.get(key);
      set?.delete(rule);
      if (set?.size === 0) {
        this.#sets.delete(key);
      }
    }
  }

  /** A snapshot of the rules that refer to `key`. */
  rules(key: number): Rule[] {
    return [...(this.#sets.get(key) ?? [])];
  }

  count(key: number): number {
    return this.#sets.get(key)?.size ?? 0;
  }
}
