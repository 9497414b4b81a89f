/**
 * Who asks, and whether he may: the permission check of a Unix kernel over `Attributes`, without ACLs.
 */
import { FsError } from './errno.js';
import type { Attributes } from './file-system.js';

/** The caller of an operation. uid 0 holds all capabilities. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  /** Further groups; the main one need not be among them. */
  readonly groups?: readonly number[];
}

/** The superuser. */
export const rootCredentials: Credentials = { uid: 0, gid: 0 };

/** What is wanted of an object; the values are those of access(2). */
export const access = { execute: 1, write: 2, read: 4 } as const;

/** Tells whether a caller belongs to a group. */
function inGroup(who: Credentials, gid: number): boolean {
  return who.gid === gid || (who.groups?.includes(gid) ?? false);
}

/**
 * Tells whether a caller has all rights of `wanted` (bits of `access`) on an object.
 *
 * The superuser may do anything, except execute a file that nobody may execute.
 */
export function permits(attributes: Attributes, who: Credentials, wanted: number): boolean {
  const { mode, uid, gid, type } = attributes;
  if (who.uid === 0) {
    return (wanted & access.execute) === 0 || type === 'directory' || (mode & 0o111) !== 0;
  }
  const shift = who.uid === uid ? 6 : inGroup(who, gid) ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}

/**
 * Checks that a caller has all rights of `wanted` on an object.
 *
 * @throws FsError EACCES when one is missing
 */
export function checkAccess(
  attributes: Attributes,
  who: Credentials,
  wanted: number,
  syscall: string,
  path?: string,
): void {
  if (!permits(attributes, who, wanted)) throw new FsError('EACCES', syscall, path);
}

/**
 * Checks that a caller may remove or replace a name: write and search on the directory, and in a sticky directory
 * only the owner of the object or of the directory.
 *
 * @throws FsError EACCES or, for the sticky rule, EPERM
 */
export function checkRemoval(
  directory: Attributes,
  object: Attributes,
  who: Credentials,
  syscall: string,
  path?: string,
): void {
  checkAccess(directory, who, access.write | access.execute, syscall, path);
  const sticky = (directory.mode & 0o1000) !== 0;
  if (sticky && who.uid !== 0 && who.uid !== object.uid && who.uid !== directory.uid) {
    throw new FsError('EPERM', syscall, path);
  }
}

/** Owner and mode of a new object: umask, and the group and set-group-ID bit of a set-group-ID directory. */
export function inheritedAttributes(
  directory: Attributes,
  who: Credentials,
  mode: number,
  type: Attributes['type'],
  umask = 0,
): { mode: number; uid: number; gid: number } {
  const setGid = (directory.mode & 0o2000) !== 0;
  let bits = mode & 0o7777 & ~umask;
  if (setGid && type === 'directory') bits |= 0o2000;
  else if (setGid && (bits & 0o2010) === 0o2010 && who.uid !== 0 && !inGroup(who, directory.gid))
    bits &= ~0o2000;
  return { mode: bits, uid: who.uid, gid: setGid ? directory.gid : who.gid };
}
