/**
 * FreeBSD's copy modes: which mode bits and owner a copied-up file or directory gets (union-semantics 92 to 99).
 * `transparent` keeps the lower's; the other two exist for compatibility.
 */
import type { Attributes } from '../vfs/index.js';

/** How attributes arrive on a copy. Bits are of 0o777; owners are numbers. */
export type CopyMode =
  | { readonly kind: 'transparent' }
  | {
      readonly kind: 'traditional';
      /** Owner of everything copied: the mounting user. */
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly kind: 'masquerade';
      readonly ufile: number;
      readonly udir: number;
      readonly uid: number;
      readonly gid: number;
    };

/** Mode and owner together. */
export interface Ownership {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What mount_unionfs was given; 0 counts as not given for the bits. */
export interface MasqueradeOptions {
  readonly ufile?: number;
  readonly udir?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Fills in the defaults of masquerade: bits from each other, then from the mount point; each owner from the mount point.
 *
 * @see union-semantics 96; FreeBSD's code, not its manual, which says that a missing owner takes the other's number
 */
export function masquerade(options: MasqueradeOptions, mountPoint: Ownership): CopyMode {
  const file = (options.ufile ?? 0) & 0o777;
  const directory = (options.udir ?? 0) & 0o777;
  const fallback = mountPoint.mode & 0o777;
  return {
    kind: 'masquerade',
    ufile: file || directory || fallback,
    udir: directory || file || fallback,
    uid: options.uid ?? mountPoint.uid,
    gid: options.gid ?? mountPoint.gid,
  };
}

/** Tells mode and owner of the copy of a lower file or directory; other types keep theirs. */
export function ownershipOfCopy(copyMode: CopyMode, lower: Attributes, umask: number): Ownership {
  if (copyMode.kind === 'transparent' || (lower.type !== 'file' && lower.type !== 'directory')) {
    return { mode: lower.mode, uid: lower.uid, gid: lower.gid };
  }
  if (copyMode.kind === 'traditional') {
    return { mode: 0o777 & ~umask, uid: copyMode.uid, gid: copyMode.gid };
  }
  const bits = lower.type === 'directory' ? copyMode.udir : copyMode.ufile;
  if (lower.uid === copyMode.uid) {
    // The user's own object is not opened to others: only the owner's three bits are replaced (95).
    return { mode: (lower.mode & ~0o700) | (bits & 0o700), uid: lower.uid, gid: lower.gid };
  }
  return { mode: bits, uid: copyMode.uid, gid: copyMode.gid };
}
