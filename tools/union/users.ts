/**
 * What the users of an object share: locks, leases, the meeting place of a socket or FIFO. It hangs on the union object, so a
 * copy-up, a rename or another name changes nothing about it, and two unions over one lower share nothing
 * (union-semantics 138 to 143, 154 to 163).
 */
import { ByteRangeLocks, FsError, Leases, Rendezvous, WholeFileLocks } from '../vfs/index.js';
import type { LockOwner } from '../vfs/index.js';

/** What the users of one object share. */
export class ObjectUsers {
  /** POSIX and open-file-description locks. */
  readonly ranges = new ByteRangeLocks();
  /** flock(2). */
  readonly whole = new WholeFileLocks();
  readonly leases = new Leases();
  readonly rendezvous = new Rendezvous();
}

/** The owner of an open for which no owner was named: nobody's lease. */
export const stranger: LockOwner = {};

/**
 * Tells the holders of leases that someone is about to open or truncate (161).
 *
 * @throws FsError EAGAIN while a holder has not answered: the caller waits for it, and asks again
 */
export function breakLeases(
  users: ObjectUsers | undefined,
  intent: 'read' | 'write',
  opener: LockOwner = stranger,
): void {
  if (users?.leases.breakFor(opener, intent) === false) throw new FsError('EAGAIN', 'open');
}
