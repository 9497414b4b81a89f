/**
 * Names: creating and removing objects, links, renames. Each function writes the nodes that the kernel writes, in its order
 * (jffs2-format.md 12; the exchange and whiteout of a rename as OpenWrt's kernels do).
 */
import { byteString } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { NewInode, RenameFlags } from '../vfs/index.js';
import { FragmentMap } from './mount-fragments.js';
import { DirectoryNames, direntType, modeOfType, typeOfMode } from './mount-inode.js';
import type { Dirent, LiveInode } from './mount-inode.js';
import { loadInode } from './mount-load.js';
import { writeDirent, writeMetadata } from './mount-node.js';
import type { Volume } from './mount-volume.js';

/** What a new object is, beside its owner and permissions. */
export type NewObject = NewInode &
  Partial<Pick<LiveInode, 'rdev' | 'target'>> & { readonly typeMode: number };

/**
 * Makes an object and its name: the inode node, then the dirent.
 *
 * @throws FsError ENOSPC; the inode node then is obsolete
 */
export function createObject(
  volume: Volume,
  directory: LiveInode,
  name: ByteString,
  object: NewObject,
): LiveInode {
  const live = newInode(volume, directory, object);
  try {
    writeMetadata(volume, live, typeOfMode(live.mode) === 'symlink' ? live.size : 0, 'normal');
    volume.writer.complete();
    addName(volume, directory, name, live);
  } catch (error) {
    if (error instanceof FsError) destroy(volume, live);
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
function addName(volume: Volume, directory: LiveInode, name: ByteString, live: LiveInode): void {
  const now = volume.now();
  writeDirent(
    volume,
    directory,
    { name, ino: live.record.ino, type: direntType(live.mode), mctime: now },
    'normal',
  );
  directory.mtime = directory.ctime = now;
  volume.writer.complete();
}

/** Gives a file one more name. */
export function linkObject(volume: Volume, live: LiveInode, directory: LiveInode, name: ByteString): void {
  addName(volume, directory, name, live);
  live.nlink += 1;
  live.record.nlink += 1;
}

/** Takes a name away: by a deletion dirent, or in place where the medium lets that. */
function removeName(volume: Volume, directory: LiveInode, dirent: Dirent): void {
  const now = volume.now();
  if (volume.space.obsoleteInPlace) {
    if (volume.space.readOnly) throw new FsError('EROFS', 'jffs2');
    directory.names.forget(dirent.name);
    volume.space.markObsolete(dirent.ref);
  } else writeDirent(volume, directory, { name: dirent.name, ino: 0, type: 0, mctime: now }, 'deletion');
  directory.mtime = directory.ctime = now;
  volume.writer.complete();
}

/** Removes a name and, with the last one, the object. */
export function unlinkObject(volume: Volume, directory: LiveInode, dirent: Dirent): void {
  const live = loadInode(volume, recordOf(volume, dirent.ino));
  removeName(volume, directory, dirent);
  dropLink(volume, directory, live);
}

/** Counts a name less. */
function dropLink(volume: Volume, directory: LiveInode, live: LiveInode): void {
  if (isDirectory(live)) {
    for (const dirent of live.names.all()) volume.space.markObsolete(dirent.ref);
    live.nlink = 0;
    live.record.nlink = 0;
    directory.nlink -= 1;
  } else {
    live.nlink -= 1;
    live.record.nlink -= 1;
  }
  if (live.nlink === 0 && live.holds === 0) destroy(volume, live);
}

/** Makes the nodes of an object without names obsolete, and forgets it. */
export function destroy(volume: Volume, live: LiveInode): void {
  const { record } = live;
  record.nlink = 0;
  record.live = undefined;
  record.state = 'absent';
  if (live.metadata) volume.space.markObsolete(live.metadata.ref);
  live.metadata = undefined;
  live.fragments.clear();
  for (const dirent of live.names.all()) volume.space.markObsolete(dirent.ref);
  volume.xattrs.dropAll(record);
  volume.forget(record);
}

function isDirectory(live: LiveInode): boolean {
  return typeOfMode(live.mode) === 'directory';
}

/** @throws FsError ESTALE */
export function recordOf(volume: Volume, ino: number): ReturnType<Volume['record']> {
  const record = volume.inodes.get(ino);
  if (!record || (record.nlink === 0 && !record.live)) throw new FsError('ESTALE', 'jffs2');
  return record;
}

/** The two ends of a rename, already looked up. */
export interface RenamePlan {
  readonly from: LiveInode;
  readonly name: ByteString;
  readonly source: LiveInode;
  readonly to: LiveInode;
  readonly newName: ByteString;
  readonly victim: LiveInode | undefined;
  readonly flags: RenameFlags;
}

/** Renames in the kernel's two steps: the new name (which replaces a victim), then the end of the old one. */
export function renameObject(volume: Volume, plan: RenamePlan): void {
  const { from, name, source, to, newName, victim, flags } = plan;
  addName(volume, to, newName, source);
  if (victim) dropLink(volume, to, victim);
  if (isDirectory(source)) {
    to.nlink += 1;
    source.parent = to.record.ino;
    source.record.nlink = to.record.ino;
  } else {
    // Until the old name is gone there are two.
    source.nlink += 1;
    source.record.nlink += 1;
  }
  if (flags.whiteout)
    createObject(volume, from, name, { typeMode: modeOfType('char'), mode: 0, uid: 0, gid: 0 });
  else {
    const dirent = from.names.live(name);
    if (dirent) removeName(volume, from, dirent);
  }
  if (isDirectory(source)) from.nlink -= 1;
  else {
    source.nlink -= 1;
    source.record.nlink -= 1;
  }
}

/** Exchanges two names: one dirent each, with the right type. */
export function exchangeObjects(volume: Volume, plan: RenamePlan & { readonly victim: LiveInode }): void {
  const { from, name, source, to, newName, victim } = plan;
  addName(volume, to, newName, source);
  addName(volume, from, name, victim);
  for (const [live, old, now] of [
    [source, from, to],
    [victim, to, from],
  ] as const) {
    if (!isDirectory(live)) continue;
    old.nlink -= 1;
    now.nlink += 1;
    live.parent = now.record.ino;
    live.record.nlink = now.record.ino;
  }
}
