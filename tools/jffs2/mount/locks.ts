/**
 * Where operations of a mounted JFFS2 stop, and its locks: those of Linux 6.1 fs/jffs2 (README.Locking) under those of its VFS.
 *
 * | lock       | in Linux             | held for                                                        |
 * | ---------- | -------------------- | --------------------------------------------------------------- |
 * | renames    | s_vfs_rename_mutex   | a rename between two directories                                |
 * | directory  | i_rwsem              | the names in it; shared to look and list                        |
 * | file       | i_rwsem              | a change of one object; shared to read                          |
 * | allocation | alloc_sem            | from the reservation of space to the node on flash; a pass      |
 * | content    | f->sem, inode states | the nodes of one inode: reading, writing, moving, loading them  |
 * | attributes | xattr_sem            | all extended attributes                                         |
 * | erase      | erase_free_sem       | one erase, and looks at obsolete nodes                          |
 */
import { holding, Lock, take, TOPOLOGY_LEVEL } from '../../vfs/index.js';
import type { Operation, Place, Step, Task } from '../../vfs/index.js';

/** Lock levels in the order in which they are taken. */
export const lockLevels = {
  renames: TOPOLOGY_LEVEL,
  directory: 2,
  file: 3,
  allocation: 4,
  content: 5,
  attributes: 6,
  erase: 7,
} as const;

export const readStep: Step = { kind: 'access', what: 'read', unseen: false };
export const programStep: Step = { kind: 'access', what: 'program', unseen: false };
export const eraseStep: Step = { kind: 'access', what: 'erase', unseen: false };

const anywhere: Place = { id: 0, above: undefined };

/** Makes a lock of which a volume has one. */
export function volumeLock(level: keyof typeof lockLevels): Lock {
  return new Lock(lockLevels[level], anywhere);
}

/** Makes the lock of an inode's nodes. */
export function contentLock(ino: number): Lock {
  return new Lock(lockLevels.content, { id: ino, above: undefined });
}

/** Takes a lock of the driver for oneself; such a wait cannot be interrupted. */
export function* acquire(task: Task, lock: Lock): Operation<void> {
  if (!lock.tryTake(task)) yield* take(task, lock, false, false);
}

/** Runs `body` while a lock of the driver is held. */
export function locked<T>(task: Task, lock: Lock, body: () => Operation<T>): Operation<T> {
  return holding(task, lock, { shared: false, interruptible: false }, body);
}

/** Does something at one stroke while a lock of the driver is held. */
export function* whileLocked<T>(task: Task, lock: Lock, body: () => T): Operation<T> {
  yield* acquire(task, lock);
  try {
    return body();
  } finally {
    lock.release(task);
  }
}
