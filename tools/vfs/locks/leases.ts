import { FsError } from '../errno.js';
import type { LockOwner } from './byte-range-locks.js';

interface Lease {
  readonly kind: 'read' | 'write';
  readonly notify: () => void;
  breaking: boolean;
}

/** The leases of one object, as fcntl(2) F_SETLEASE: the holder is told before another's open goes on. */
export class Leases {
  readonly #held = new Map<LockOwner, Lease>();

  /**
   * Takes a lease.
   *
   * @param openers  how many descriptions are open for reading and writing, the owner's included
   * @param notify  called once when another open breaks the lease
   * @throws FsError EAGAIN when the object is open in a way that the lease forbids
   */
  set(
    owner: LockOwner,
    kind: 'read' | 'write',
    openers: { readonly readers: number; readonly writers: number },
    notify: () => void,
  ): void {
    const others = [...this.#held].some(
      ([other, lease]) => other !== owner && (kind === 'write' || lease.kind === 'write'),
    );
    const open = kind === 'read' ? openers.writers > 0 : openers.readers + openers.writers > 1;
    if (others || open) throw new FsError('EAGAIN', 'fcntl');
    this.#held.set(owner, { kind, notify, breaking: false });
  }

  /** Gives the lease back, or downgrades it in answer to a break. */
  release(owner: LockOwner): void {
    this.#held.delete(owner);
  }

  kindOf(owner: LockOwner): 'read' | 'write' | undefined {
    return this.#held.get(owner)?.kind;
  }

  /**
   * Announces that someone is about to open, or to truncate.
   *
   * Each holder in the way is notified once. The caller goes on when this returns true; otherwise it asks again after
   * a `release`, or calls `expire` when the time for an answer is over.
   */
  breakFor(opener: LockOwner, intent: 'read' | 'write'): boolean {
    let free = true;
    for (const [owner, lease] of this.#held) {
      if (owner === opener || (intent === 'read' && lease.kind === 'read')) continue;
      free = false;
      if (lease.breaking) continue;
      lease.breaking = true;
      lease.notify();
    }
    return free;
  }

  /** Removes the leases whose holders were told and did not answer in time. */
  expire(): void {
    for (const [owner, lease] of this.#held) if (lease.breaking) this.#held.delete(owner);
  }
}
