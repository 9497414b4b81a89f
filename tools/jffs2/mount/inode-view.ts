/** An inode in memory as callers see it: checks of its type, its attributes, its names in order. */
import type { ByteString } from '../../core/index.js';
import { FsError, typeOfMode } from '../../vfs/index.js';
import type { AttributeChange, Attributes, DirectoryEntry, Ino } from '../../vfs/index.js';
import type { InodeAttributes, LiveInode } from './inode.js';
import { JFFS2_NAME_MAX } from '../node/layout.js';

/** Finds a name in a directory. */
export function lookupIn(live: LiveInode, name: ByteString): Ino | undefined {
  if (name.length > JFFS2_NAME_MAX) throw new FsError('ENAMETOOLONG', 'lookup');
  return asDirectory(live, 'lookup').names.live(name)?.ino;
}

/** Lists a directory, as `FileSystem.readdir`. */
export function entriesOf(live: LiveInode, cookie: number, limit: number): readonly DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (const { name, ino, type, position } of asDirectory(live, 'readdir').names.listed()) {
    if (position <= cookie) continue;
    if (entries.length >= limit) break;
    entries.push({ name, ino, type: typeOfMode(type << 12) ?? 'file', cookie: position });
  }
  return entries;
}

/** Takes directories only; FsError ENOTDIR. */
export function asDirectory(live: LiveInode, syscall: string): LiveInode {
  if (typeOfMode(live.mode) !== 'directory') throw new FsError('ENOTDIR', syscall);
  return live;
}

/** Takes regular files only; FsError EISDIR, EINVAL. */
export function asFile(live: LiveInode, syscall: string): LiveInode {
  const type = typeOfMode(live.mode);
  if (type === 'directory') throw new FsError('EISDIR', syscall);
  if (type !== 'file') throw new FsError('EINVAL', syscall);
  return live;
}

/** Gives the attributes of an inode, as `FileSystem.getattr`. */
export function shownAttributes(live: LiveInode): Attributes {
  const type = typeOfMode(live.mode);
  if (!type) throw new FsError('EIO', 'getattr');
  return {
    ino: live.record.ino,
    type,
    mode: live.mode & 0o7777,
    nlink: live.nlink,
    uid: live.uid,
    gid: live.gid,
    rdev: live.rdev,
    size: live.size,
    blocks: Math.ceil(live.size / 512),
    atimeNs: BigInt(live.atime) * 1_000_000_000n,
    mtimeNs: BigInt(live.mtime) * 1_000_000_000n,
    ctimeNs: BigInt(live.ctime) * 1_000_000_000n,
  };
}

/** Gives the attributes after a setattr; `now` in seconds. */
export function changedAttributes(
  old: InodeAttributes,
  change: AttributeChange,
  now: number,
): InodeAttributes {
  const { mode, uid, gid, atimeNs, mtimeNs, size } = change;
  return {
    mode: mode === undefined ? old.mode : (old.mode & ~0o7777) | (mode & 0o7777),
    uid: uid === undefined ? old.uid : uid & 0xffff,
    gid: gid === undefined ? old.gid : gid & 0xffff,
    atime: atimeNs === undefined ? old.atime : secondsOf(atimeNs),
    mtime: mtimeNs !== undefined ? secondsOf(mtimeNs) : size === undefined ? old.mtime : now,
    ctime: now,
  };
}

function secondsOf(timeNs: bigint): number {
  return Number(BigInt.asUintN(32, timeNs / 1_000_000_000n));
}
