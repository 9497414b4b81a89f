/**
 * Turns the entries of an archive into a tree, refusing what would reach outside of it or contradicts itself.
 *
 * An image is no place for a guess: a path with `..`, an absolute path, a path through a symlink, a hard link to
 * nothing, or a file where a directory stood is an error that names the entry.
 */
import type { ArchivedEntry } from '../addon/index.js';
import { FormatError, textOf } from '../core/index.js';
import type { ByteString, ErrorCode } from '../core/index.js';
import { NAME_MAX, bytesContent, newDirectory, noXattrs, typeOfMode } from '../vfs/index.js';
import type { Content, TreeDirectory, TreeInode } from '../vfs/index.js';

/** Longest path inside an archive, in bytes (PATH_MAX of Linux). */
export const PATH_MAX = 4096;

/** What the tree is made with besides the entries. */
export interface ArchiveTreeOptions {
  /** Name of the archive in messages. */
  readonly name: string;
  /** Gives the content of an entry that has data. */
  readonly content: (entry: ArchivedEntry) => Content;
  /** Time of directories that the archive does not list; default 0. */
  readonly defaultMtimeNs?: bigint;
}

/**
 * Builds the tree of an archive's entries, in their order: a later entry replaces an earlier one of the same name.
 *
 * @throws FormatError FW_ARCHIVE_PATH for a path that leaves the tree (absolute, `..`, through a symlink),
 *   FW_ARCHIVE_NAME for a name over 255 or a path over 4096 bytes, FW_ARCHIVE_ENTRY for an entry that makes no sense
 */
export function archiveTree(entries: readonly ArchivedEntry[], options: ArchiveTreeOptions): TreeDirectory {
  const root = newDirectory({ mtimeNs: options.defaultMtimeNs ?? 0n });
  for (const entry of entries) addEntry(root, entry, options);
  return root;
}

function addEntry(root: TreeDirectory, entry: ArchivedEntry, options: ArchiveTreeOptions): void {
  const fail = (code: ErrorCode, problem: string, hint?: string): never => {
    throw new FormatError(code, `${options.name}: ${problem} (entry '${textOf(entry.path)}')`, {
      data: { archive: options.name, entry: textOf(entry.path) },
      ...(hint === undefined ? {} : { hint }),
    });
  };
  const names = splitPath(entry.path, fail);
  const name = names.pop();
  if (name === undefined) {
    if (typeOfMode(entry.type) !== 'directory') fail('FW_ARCHIVE_ENTRY', 'the root is not a directory');
    Object.assign(root, attributesOf(entry, fail));
    return;
  }
  const directory = walk(root, names, options, fail);
  const before = directory.entries.get(name);
  const inode = entry.hardlink
    ? linkedInode(root, entry, options, fail)
    : inodeOf(entry, options.content, fail);
  if (before?.type === 'directory') {
    if (inode.type !== 'directory') fail('FW_ARCHIVE_ENTRY', 'it replaces a directory by something else');
    Object.assign(before, attributesOf(entry, fail));
    return;
  }
  if (before !== undefined && inode.type === 'directory') {
    fail('FW_ARCHIVE_ENTRY', 'it replaces something else by a directory');
  }
  directory.entries.set(name, inode);
}

type Fail = (code: ErrorCode, problem: string, hint?: string) => never;

/** Splits a path into names; `.` and doubled slashes mean nothing, anything that climbs is refused. */
function splitPath(path: ByteString, fail: Fail): ByteString[] {
  if (path.startsWith('/')) {
    fail(
      'FW_ARCHIVE_PATH',
      'the path is absolute',
      'pack it with `tar -C ROOT .`, which keeps paths relative',
    );
  }
  if (path.length > PATH_MAX)
    fail('FW_ARCHIVE_NAME', `a path of ${path.length} bytes, at most ${PATH_MAX} go`);
  if (path === '') fail('FW_ARCHIVE_ENTRY', 'an entry without a name');
  const names = path.split('/').filter((name) => name !== '' && name !== '.') as ByteString[];
  for (const name of names) {
    if (name === '..') fail('FW_ARCHIVE_PATH', 'the path climbs out with ..');
    if (name.length > NAME_MAX)
      fail('FW_ARCHIVE_NAME', `a name of ${name.length} bytes, at most ${NAME_MAX} go`);
  }
  return names;
}

/** Finds the directory that names lead to, making those that the archive has not listed (yet). */
function walk(
  root: TreeDirectory,
  names: readonly ByteString[],
  options: ArchiveTreeOptions,
  fail: Fail,
): TreeDirectory {
  let directory = root;
  for (const name of names) {
    let next = directory.entries.get(name);
    if (next === undefined) {
      next = newDirectory({ mtimeNs: options.defaultMtimeNs ?? 0n });
      directory.entries.set(name, next);
    }
    if (next.type === 'symlink')
      return fail('FW_ARCHIVE_PATH', `the path goes through the symlink '${textOf(name)}'`);
    if (next.type !== 'directory') return fail('FW_ARCHIVE_ENTRY', `'${textOf(name)}' is not a directory`);
    directory = next;
  }
  return directory;
}

function linkedInode(
  root: TreeDirectory,
  entry: ArchivedEntry,
  options: ArchiveTreeOptions,
  fail: Fail,
): TreeInode {
  let target: TreeInode | undefined = root;
  for (const name of splitPath(entry.linkTarget, fail)) {
    if (target.type === 'symlink') return fail('FW_ARCHIVE_PATH', 'the hard link goes through a symlink');
    target = target.type === 'directory' ? target.entries.get(name) : undefined;
    if (target === undefined) {
      return fail('FW_ARCHIVE_ENTRY', `a hard link to '${textOf(entry.linkTarget)}', which is not there`);
    }
  }
  if (target.type === 'directory') return fail('FW_ARCHIVE_ENTRY', 'a hard link to a directory');
  if (entry.hasData && target.type === 'file') target.content = options.content(entry);
  return target;
}

function attributesOf(
  entry: ArchivedEntry,
  fail: Fail,
): Pick<TreeInode, 'mode' | 'uid' | 'gid' | 'mtimeNs' | 'xattrs'> {
  for (const id of [entry.uid, entry.gid]) {
    if (id < 0 || id > 0xffff_ffff) fail('FW_ARCHIVE_ENTRY', `owner ${id} is out of range`);
  }
  const xattrs = new Map<ByteString, Uint8Array>();
  for (let i = 0; i + 1 < entry.xattrs.length; i += 2) {
    const [name, value] = [entry.xattrs[i], entry.xattrs[i + 1]];
    if (typeof name === 'string' && value instanceof Uint8Array) xattrs.set(name, value);
  }
  return {
    mode: entry.mode & 0o7777,
    uid: entry.uid,
    gid: entry.gid,
    mtimeNs: BigInt(entry.mtimeSeconds) * 1_000_000_000n + BigInt(entry.mtimeNanoseconds),
    xattrs: xattrs.size === 0 ? noXattrs : xattrs,
  };
}

function inodeOf(entry: ArchivedEntry, content: ArchiveTreeOptions['content'], fail: Fail): TreeInode {
  const attributes = attributesOf(entry, fail);
  const type = typeOfMode(entry.type);
  switch (type) {
    case 'file':
      return {
        ...attributes,
        type,
        content: entry.hasData ? content(entry) : bytesContent(new Uint8Array()),
      };
    case 'directory':
      return newDirectory(attributes);
    case 'symlink':
      if (entry.linkTarget === '') fail('FW_ARCHIVE_ENTRY', 'a symlink without a target');
      return { ...attributes, type, target: entry.linkTarget };
    case 'char':
    case 'block':
      return { ...attributes, type, rdev: { major: entry.rdevMajor, minor: entry.rdevMinor } };
    case 'fifo':
    case 'socket':
      return { ...attributes, type };
    case undefined:
      return fail('FW_ARCHIVE_ENTRY', `type bits 0o${entry.type.toString(8)} are no type of file`);
  }
}
