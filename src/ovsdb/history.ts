/** The latest commits of a database, for clients that come back and ask what they have missed (`monitor_cond_since`). */
import { ZERO_UUID } from './atom.ts';
import type { Commit } from './database.ts';
import { mergeChanges } from './monitor.ts';
import type { DatabaseChanges, RowChange } from './row.ts';

/** As many as ovsdb-server keeps. */
const MAX_COMMITS = 100;

export class History {
  private readonly commits: Commit[] = [];
  private newest: string = ZERO_UUID;

  /** The id of the newest commit; all zeros before there is one. */
  get lastId(): string {
    return this.newest;
  }

  add(commit: Commit): void {
    this.newest = commit.id;
    this.commits.push(commit);
    if (this.commits.length > MAX_COMMITS) this.commits.shift();
  }

  /** All that changed since that commit; null if it is not known any more. */
  since(id: string): DatabaseChanges | null {
    const at = this.commits.findIndex((commit) => commit.id === id);
    if (at < 0) return null;
    const merged = new Map<string, Map<string, RowChange>>();
    for (const { changes } of this.commits.slice(at + 1)) {
      for (const [name, rows] of changes) mergeChanges(merged, name, rows);
    }
    return merged;
  }
}
