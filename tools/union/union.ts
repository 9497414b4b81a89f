/** A mounted union as its users see it: a file system, and what belongs to a mount besides. */
import type { ByteString } from '../core/index.js';
import type { FileSystem, Ino, LockOwner, WatchListener } from '../vfs/index.js';
import type { UnionOperations } from './operations.js';
import type { ObjectUsers } from './users.js';
import type { Whereabouts } from './which.js';

/** A mounted union. */
export interface Union extends FileSystem {
  readonly kind: 'union';
  /** The operations in the form that a `Scheduler` can stop and resume. */
  readonly operations: UnionOperations;
  /** Layers as people write them: the upper, if any, then the lowers from the top. */
  readonly layers: readonly string[];
  /** Tells which layer an absolute path comes from and why, and what it hides. */
  which(path: ByteString): Whereabouts;
  /** Locks, leases and endpoint of an object; they stay its own whatever happens to its names and layers. */
  users(ino: Ino): ObjectUsers;
  /**
   * Holds an object, as `FileSystem` says; `opener` names whose leases are not in the way.
   *
   * @throws FsError EAGAIN while a lease is in the way, whose holder has been told
   */
  open(ino: Ino, intent: 'read' | 'write', opener?: LockOwner): void;
  /**
   * Lets go of an object.
   *
   * @throws FsError with `opener`, who has then let go: a write-back error that he has not heard of
   */
  release(ino: Ino, opener?: LockOwner): void;
  /**
   * Makes durable what was written. A write-back error of the upper is told to each opener once, and once to those who
   * name none; where nothing is flushed, each sync fails from then on (union-semantics 174).
   */
  sync(ino?: Ino, opener?: LockOwner): void;
  /** Hears of changes to an object, or in a directory, until the result is called. */
  watch(ino: Ino, watcher: WatchListener): () => void;
  /**
   * Makes the union read-only, or writable again.
   *
   * @throws FsError EBUSY while files are open for writing, EROFS when there is no writable upper
   */
  remount(readOnly: boolean): void;
  /**
   * Ends the union; everything acknowledged is in the upper.
   *
   * @throws FsError EBUSY while files are open, a write-back error that nobody has heard of; a union that does not
   *   flush ends at the second call, and its mark stays
   */
  unmount(): void;
}
