/**
 * Advisory byte-range locks of one object: fcntl(2) POSIX locks and open-file-description locks in one table, since
 * they conflict with one another.
 */
import { FsError } from '../errno.js';

/** Who holds a lock: a process (POSIX) or an open file description (OFD). Compared by identity. */
export type LockOwner = object;

/** A range of bytes; `end` is the first byte behind it, Infinity for "to the end of the file". */
export interface LockRange {
  readonly start: number;
  readonly end: number;
}

/** A lock that is held. */
export interface HeldLock extends LockRange {
  readonly kind: 'read' | 'write';
  readonly owner: LockOwner;
}

/** The locks of one object; it waits for nothing: the caller tries again when `onRelease` is called. */
export class ByteRangeLocks {
  #held: HeldLock[] = [];
  readonly #waiting = new Map<LockOwner, { readonly owner: LockOwner }>();
  /** Called after any range became free. */
  onRelease: (() => void) | undefined;

  get held(): readonly HeldLock[] {
    return this.#held;
  }

  /** Finds a lock that stands in the way of the one asked for, as F_GETLK does. */
  conflict(wanted: HeldLock): HeldLock | undefined {
    return this.#held.find(
      (lock) =>
        lock.owner !== wanted.owner &&
        overlaps(lock, wanted) &&
        (lock.kind === 'write' || wanted.kind === 'write'),
    );
  }

  /** Takes or changes a lock, as F_SETLK does. @throws FsError EAGAIN when another owner's lock is in the way */
  set(wanted: HeldLock): void {
    checkRange(wanted);
    if (this.conflict(wanted)) throw new FsError('EAGAIN', 'fcntl');
    const before = this.#held.length;
    this.#cut(wanted.owner, wanted);
    this.#held.push(wanted);
    this.#join(wanted.owner);
    this.#waiting.delete(wanted.owner);
    // A write lock turned into a read lock lets readers in.
    if (before > 0) this.onRelease?.();
  }

  /** Gives back a range, whatever was held in it. */
  unlock(owner: LockOwner, range: LockRange): void {
    checkRange(range);
    this.#cut(owner, range);
    this.onRelease?.();
  }

  /** Gives back all locks of an owner: a process closed any descriptor, or the description is gone. */
  releaseOwner(owner: LockOwner): void {
    const before = this.#held.length;
    this.#held = this.#held.filter((lock) => lock.owner !== owner);
    this.#waiting.delete(owner);
    if (this.#held.length !== before) this.onRelease?.();
  }

  /**
   * Notes that an owner waits for a lock, as F_SETLKW does.
   *
   * @throws FsError EDEADLK when the chain of waiting owners leads back to this one
   */
  wait(wanted: HeldLock): void {
    const blocker = this.conflict(wanted);
    if (!blocker) return;
    for (let at = this.#waiting.get(blocker.owner); at; at = this.#waiting.get(at.owner)) {
      if (at.owner === wanted.owner) throw new FsError('EDEADLK', 'fcntl');
    }
    this.#waiting.set(wanted.owner, { owner: blocker.owner });
  }

  /** The wait was given up. */
  cancelWait(owner: LockOwner): void {
    this.#waiting.delete(owner);
  }

  #cut(owner: LockOwner, range: LockRange): void {
    this.#held = this.#held.flatMap((lock) => {
      if (lock.owner !== owner || !overlaps(lock, range)) return [lock];
      const left = lock.start < range.start ? [{ ...lock, end: range.start }] : [];
      const right = lock.end > range.end ? [{ ...lock, start: range.end }] : [];
      return [...left, ...right];
    });
  }

  /** Touching locks of one kind become one, as a kernel reports them. */
  #join(owner: LockOwner): void {
    const own = this.#held.filter((lock) => lock.owner === owner).sort((a, b) => a.start - b.start);
    const joined: HeldLock[] = [];
    for (const lock of own) {
      const last = joined.at(-1);
      if (last?.kind === lock.kind && last.end >= lock.start) {
        joined[joined.length - 1] = { ...last, end: Math.max(last.end, lock.end) };
      } else {
        joined.push(lock);
      }
    }
    this.#held = [...this.#held.filter((lock) => lock.owner !== owner), ...joined];
  }
}

function overlaps(a: LockRange, b: LockRange): boolean {
  return a.start < b.end && b.start < a.end;
}

function checkRange({ start, end }: LockRange): void {
  if (start < 0 || end <= start) throw new FsError('EINVAL', 'fcntl');
}
