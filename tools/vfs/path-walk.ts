/**
 * From a path to an object, as path_resolution(7) tells it: search right on every directory, symlinks followed 40
 * times at most, `..` of the root stays, a trailing slash demands a directory.
 */
import type { ByteString } from '../core/index.js';
import { access, checkAccess, rootCredentials } from './credentials.js';
import type { Credentials } from './credentials.js';
import { FsError } from './errno.js';
import type { FileSystem, Ino } from './file-system.js';

/** Most symlinks followed in one walk (MAXSYMLINKS of Linux). */
export const SYMLINK_LIMIT = 40;
/** Longest path in bytes, without the zero byte (PATH_MAX of Linux less one). */
export const PATH_LENGTH_LIMIT = 4095;

/** How a walk goes. */
export interface WalkOptions {
  /** Whose search rights count; the superuser unless told otherwise. */
  readonly credentials?: Credentials;
  /** Where relative paths start; the root unless told otherwise. */
  readonly from?: Ino;
  /** Follow a symlink that is the last component (default), or return the link itself. */
  readonly follow?: boolean;
  /** Name of the system call, for errors. */
  readonly syscall?: string;
}

/** Where a walk for a change ended: the directory and the last name, which may or may not exist. */
export interface ParentWalk {
  readonly directory: Ino;
  /** Empty when the path ends in the root, in `.` or in `..`. */
  readonly name: ByteString;
  /** Object under that name; undefined when it is not there. */
  readonly ino: Ino | undefined;
  /** The path ended in a slash: only a directory will do. */
  readonly trailingSlash: boolean;
}

/**
 * Finds the object of a path.
 *
 * @throws FsError ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG, or what the file system answers
 */
export function resolve(fileSystem: FileSystem, path: ByteString, options: WalkOptions = {}): Ino {
  const { ino } = walk(fileSystem, path, options, options.follow ?? true);
  if (ino === undefined) throw new FsError('ENOENT', options.syscall ?? 'stat', path);
  return ino;
}

/**
 * Finds the directory and the last name of a path, for calls that make, remove or rename a name. A symlink under the
 * last name is not followed, unless `follow` is set (open with O_CREAT).
 *
 * @throws FsError as `resolve`, but a missing last name is no error
 */
export function resolveParent(
  fileSystem: FileSystem,
  path: ByteString,
  options: WalkOptions = {},
): ParentWalk {
  return walk(fileSystem, path, options, options.follow ?? false);
}

function walk(
  fileSystem: FileSystem,
  path: ByteString,
  { credentials = rootCredentials, from = fileSystem.root, syscall = 'stat' }: WalkOptions,
  follow: boolean,
): ParentWalk {
  if (path === '') throw new FsError('ENOENT', syscall, path);
  if (path.length > PATH_LENGTH_LIMIT) throw new FsError('ENAMETOOLONG', syscall, path);
  let directory = path.startsWith('/') ? fileSystem.root : from;
  let pending = components(path);
  let trailingSlash = path.endsWith('/');
  let links = 0;
  let name = '' as ByteString;
  let ino: Ino | undefined = directory;

  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    const attributes = fileSystem.getattr(directory);
    if (attributes.type !== 'directory') throw new FsError('ENOTDIR', syscall, path);
    checkAccess(attributes, credentials, access.execute, syscall, path);
    const last = pending.length === 0;
    if (next === '.' || next === '..') {
      // Read afterwards as a directory reached, so the name is gone.
      ino = next === '.' ? directory : parentOf(fileSystem, directory);
      name = '' as ByteString;
      directory = ino;
      continue;
    }
    name = next;
    ino = fileSystem.lookup(directory, next);
    if (ino === undefined) {
      if (last) break;
      throw new FsError('ENOENT', syscall, path);
    }
    const { type } = fileSystem.getattr(ino);
    if (type === 'symlink' && (!last || follow || trailingSlash)) {
      if (++links > SYMLINK_LIMIT) throw new FsError('ELOOP', syscall, path);
      const target = fileSystem.readlink(ino);
      if (target === '') throw new FsError('ENOENT', syscall, path);
      if (target.startsWith('/')) directory = fileSystem.root;
      if (last) trailingSlash ||= target.endsWith('/');
      pending = [...components(target), ...pending];
      name = '' as ByteString;
      ino = directory;
      continue;
    }
    if (last) {
      if (trailingSlash && type !== 'directory') throw new FsError('ENOTDIR', syscall, path);
      break;
    }
    directory = ino;
  }
  return { directory, name, ino, trailingSlash };
}

function parentOf(fileSystem: FileSystem, directory: Ino): Ino {
  return directory === fileSystem.root ? directory : fileSystem.parent(directory);
}

function components(path: ByteString): ByteString[] {
  return path.split('/').filter((part) => part !== '') as ByteString[];
}
