/**
 * Names: creating and removing objects, links. Each function writes the nodes that the kernel writes, in its order
 * (jffs2-format.md 12).
 */
import { byteString } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { FsError, typeOfMode } from '../../vfs/index.js';
import type { NewInode, Operation, Task } from '../../vfs/index.js';
import { FragmentMap } from './fragments.js';
import { DirectoryNames } from './inode.js';
import type { Dirent, LiveInode } from './inode.js';
import { objectLock } from './load.js';
import { whileLocked } from './locks.js';
import { metadataNeed, writeDirent, writeMetadata, writing } from './node.js';
import type { Volume } from './volume.js';
import { direntType } from '../node/dirent-type.js';
import { JFFS2_NAME_MAX } from '../node/layout.js';

/** What a new object is, beside its owner and permissions. */
export type NewObject = NewInode &
  Partial<Pick<LiveInode, 'rdev' | 'target'>> & { readonly typeMode: number };

/**
 * Makes an object and its name: the inode node, then the dirent.
 *
 * @throws FsError ENOSPC; the inode node then is obsolete
 */
export function* createObject(
  volume: Volume,
  task: Task,
  directory: LiveInode,
  name: ByteString,
  object: NewObject,
): Operation<LiveInode> {
  const live = newInode(volume, directory, object);
  try {
    const isize = typeOfMode(live.mode) === 'symlink' ? live.size : 0;
    yield* writing(volume, task, live, 'normal', metadataNeed(volume, live), () =>
      writeMetadata(volume, task, live, isize, 'normal'),
    );
    yield* addName(volume, task, directory, name, live);
  } catch (error) {
    if (error instanceof FsError) yield* destroy(volume, task, live);
    throw error;
  }
  if (isDirectory(live)) directory.nlink += 1;
  return live;
}

function newInode(volume: Volume, directory: LiveInode, object: NewObject): LiveInode {
  const record = volume.record(volume.highestIno + 1);
  const mode = object.typeMode | (object.mode & 0o7777);
  const now = volume.now();
  const target = object.target ?? byteString(new Uint8Array());
  const live: LiveInode = {
    record,
    lock: objectLock(volume, record, typeOfMode(mode) ?? 'file'),
    mode,
    uid: object.uid & 0xffff,
    gid: object.gid & 0xffff,
    size: target.length,
    atime: now,
    mtime: now,
    ctime: now,
    rdev: object.rdev ?? { major: 0, minor: 0 },
    target,
    nlink: typeOfMode(mode) === 'directory' ? 2 : 1,
    parent: directory.record.ino,
    highestVersion: 0,
    metadata: undefined,
    fragments: new FragmentMap((ref) => volume.space.markObsolete(ref)),
    names: new DirectoryNames(),
    holds: 0,
  };
  record.live = live;
  record.state = 'present';
  record.xattrsChecked = true;
  record.nlink = typeOfMode(mode) === 'directory' ? directory.record.ino : 1;
  return live;
}

/** Writes a dirent for an object. */
export function addName(
  volume: Volume,
  task: Task,
  directory: LiveInode,
  name: ByteString,
  live: LiveInode,
): Operation<void> {
  const dirent = { name, ino: live.record.ino, type: direntType(live.mode), mctime: volume.now() };
  return writeDirent(volume, task, directory, dirent, 'normal');
}

/** Gives a file one more name. */
export function* linkObject(
  volume: Volume,
  task: Task,
  live: LiveInode,
  directory: LiveInode,
  name: ByteString,
): Operation<void> {
  yield* addName(volume, task, directory, name, live);
  live.nlink += 1;
  live.record.nlink += 1;
}

/** Takes a name away: by a deletion dirent, or in place where the medium lets that. */
export function* removeName(
  volume: Volume,
  task: Task,
  directory: LiveInode,
  name: ByteString,
): Operation<void> {
  const mctime = volume.now();
  if (!volume.space.obsoleteInPlace) {
    yield* writeDirent(volume, task, directory, { name, ino: 0, type: 0, mctime }, 'deletion');
    return;
  }
  if (volume.space.readOnly) throw new FsError('EROFS', 'jffs2');
  yield* whileLocked(task, directory.record.content, () => {
    const dirent = directory.names.get(name);
    directory.names.forget(name);
    if (dirent) volume.space.markObsolete(dirent.ref);
    directory.mtime = directory.ctime = mctime;
  });
}

/** Removes a name and, with the last one, the object. */
export function* unlinkObject(
  volume: Volume,
  task: Task,
  directory: LiveInode,
  name: ByteString,
  live: LiveInode,
): Operation<void> {
  yield* removeName(volume, task, directory, name);
  yield* dropLink(volume, task, directory, live);
}

/** Counts a name less. */
export function* dropLink(
  volume: Volume,
  task: Task,
  directory: LiveInode,
  live: LiveInode,
): Operation<void> {
  if (isDirectory(live)) {
    yield* whileLocked(task, live.record.content, () => {
      for (const dirent of live.names.all()) volume.space.markObsolete(dirent.ref);
    });
    live.nlink = 0;
    live.record.nlink = 0;
    directory.nlink -= 1;
  } else {
    live.nlink -= 1;
    live.record.nlink -= 1;
  }
  if (live.nlink === 0 && live.holds === 0) yield* destroy(volume, task, live);
}

/** Makes the nodes of an object without names obsolete, and forgets it. */
export function* destroy(volume: Volume, task: Task, live: LiveInode): Operation<void> {
  const { record } = live;
  record.nlink = 0;
  yield* whileLocked(task, record.content, () => {
    record.live = undefined;
    record.state = 'absent';
    if (live.metadata) volume.space.markObsolete(live.metadata.ref);
    live.metadata = undefined;
    live.fragments.clear();
    for (const dirent of live.names.all()) volume.space.markObsolete(dirent.ref);
  });
  yield* volume.xattrs.dropAll(task, record);
  volume.forget(record);
}

/** Tells whether an inode in memory is a directory. */
export function isDirectory(live: LiveInode): boolean {
  return typeOfMode(live.mode) === 'directory';
}

/** @throws FsError ESTALE */
export function recordOf(volume: Volume, ino: number): ReturnType<Volume['record']> {
  const record = volume.inodes.get(ino);
  if (!record || (record.nlink === 0 && !record.live)) throw new FsError('ESTALE', 'jffs2');
  return record;
}

/**
 * Refuses what cannot be a name.
 *
 * @throws FsError ENAMETOOLONG, EINVAL
 */
export function checkName(name: ByteString, syscall: string): void {
  if (name.length > JFFS2_NAME_MAX) throw new FsError('ENAMETOOLONG', syscall);
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
    throw new FsError('EINVAL', syscall);
}

/** Finds a name that must be there; FsError ENOENT. */
export function existingName(directory: LiveInode, name: ByteString, syscall: string): Dirent {
  checkName(name, syscall);
  const dirent = directory.names.live(name);
  if (!dirent) throw new FsError('ENOENT', syscall);
  return dirent;
}

/** Refuses a name that is taken, and any in a directory that is gone. */
export function checkVacant(directory: LiveInode, name: ByteString, syscall: string): void {
  checkName(name, syscall);
  if (directory.nlink === 0) throw new FsError('ENOENT', syscall);
  if (directory.names.live(name)) throw new FsError('EEXIST', syscall);
}
