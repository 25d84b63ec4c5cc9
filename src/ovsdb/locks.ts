/** Locks (RFC 7047 sections 4.1.8 to 4.1.10): each has one owner, and clients that wait for it in order. */

/** Who asks for locks; a session. */
export interface LockHolder {
  /** Sends `locked` or `stolen`. */
  notifyLock: (method: 'locked' | 'stolen', name: string) => void;
}

export class Locks {
  /** for each lock who wants it, the owner first */
  private readonly queues = new Map<string, LockHolder[]>();

  isOwner(name: string, holder: LockHolder): boolean {
    return this.queues.get(name)?.[0] === holder;
  }

  /** Whether the holder has asked for the lock. */
  isQueued(name: string, holder: LockHolder): boolean {
    return this.queues.get(name)?.includes(holder) === true;
  }

  /** Asks for the lock; true if it is the holder's at once. */
  lock(name: string, holder: LockHolder): boolean {
    const queue = this.queues.get(name);
    if (queue !== undefined) queue.push(holder);
    else this.queues.set(name, [holder]);
    return queue === undefined;
  }

  /** Takes the lock; an owner before hears `stolen`, and is next. */
  steal(name: string, holder: LockHolder): void {
    const queue = this.queues.get(name);
    if (queue === undefined) {
      this.queues.set(name, [holder]);
      return;
    }
    const victim = queue[0]!;
    queue.unshift(holder);
    victim.notifyLock('stolen', name);
  }

  /** Gives the lock back, or stops waiting for it. The next in line hears `locked`. */
  unlock(name: string, holder: LockHolder): void {
    const queue = this.queues.get(name);
    const at = queue?.indexOf(holder) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) this.queues.delete(name);
    else if (at === 0) queue[0]!.notifyLock('locked', name);
  }

  /** Unlocks everything, when the client has gone. */
  unlockAll(holder: LockHolder): void {
    for (const name of [...this.queues.keys()]) this.unlock(name, holder);
  }
}
