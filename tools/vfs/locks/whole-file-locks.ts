import { FsError } from '../errno.js';
import type { LockOwner } from './byte-range-locks.js';

/** The flock(2) locks of one object; owners are open file descriptions. They do not meet byte-range locks. */
export class WholeFileLocks {
  readonly #held = new Map<LockOwner, 'shared' | 'exclusive'>();
  /** Called after a lock was given back or weakened. */
  onRelease: (() => void) | undefined;

  /**
   * Takes a lock, or changes the kind of the one held; a change gives the old one back first, as Linux does.
   *
   * @throws FsError EAGAIN when another description's lock is in the way
   */
  set(owner: LockOwner, kind: 'shared' | 'exclusive'): void {
    const before = this.#held.get(owner);
    if (before === kind) return;
    this.#held.delete(owner);
    const blocked = [...this.#held.values()].some((other) => kind === 'exclusive' || other === 'exclusive');
    if (blocked) {
      if (before) this.onRelease?.();
      throw new FsError('EAGAIN', 'flock');
    }
    this.#held.set(owner, kind);
    if (before) this.onRelease?.();
  }

  /** Gives back the lock of a description; none held is fine. */
  release(owner: LockOwner): void {
    if (this.#held.delete(owner)) this.onRelease?.();
  }

  kindOf(owner: LockOwner): 'shared' | 'exclusive' | undefined {
    return this.#held.get(owner);
  }
}
