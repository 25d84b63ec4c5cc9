/**
 * Conjunctive match (ovs-fields(7), "CONJUNCTIVE MATCH FIELDS"): rules that each satisfy one clause of a conjunction.
 *
 * A rule whose actions are `conjunction(id,k/n)` is a soft match: it decides nothing by itself. When soft matches of one priority together satisfy
 * all n clauses of an id, the packet is looked up again with `conj_id` set to that id.
 */

/** One `conjunction(id,clause/clauses)` of a soft rule. */
export interface Conjunction {
  readonly id: number;
  /** 0-based */
  readonly clause: number;
  /** number of clauses of the conjunction, 2..64 */
  readonly clauses: number;
}

/** A rule as far as conjunctions are concerned. */
interface ConjunctiveRule {
  readonly priority: number;
  readonly conjunctions: readonly Conjunction[] | null;
}

/**
 * The ids, ascending, of the conjunctions all of whose clauses are satisfied by `soft` rules of the given priority.
 * An id with contradictory numbers of clauses counts separately for each number.
 */
export function satisfiedConjunctions(soft: readonly ConjunctiveRule[], priority: number): number[] {
  const clausesSeen = new Map<string, Set<number>>();
  const satisfied = new Set<number>();
  for (const rule of soft) {
    if (rule.priority !== priority || rule.conjunctions === null) {
      continue;
    }
    for (const { id, clause, clauses } of rule.conjunctions) {
      const key = `${id}/${clauses}`;
      const seen = clausesSeen.get(key) ?? new Set();
      clausesSeen.set(key, seen.add(clause));
      if (seen.size === clauses) {
        satisfied.add(id);
      }
    }
  }
  return [...satisfied].sort((a, b) => a - b);
}

/** The distinct priorities of rules, highest first. */
export function descendingPriorities(rules: readonly ConjunctiveRule[]): number[] {
  return [...new Set(rules.map((rule) => rule.priority))].sort((a, b) => b - a);
}
