/** Copies a tree over what is there, as `cp -a` and tar do: directories are merged, everything else is replaced. */
import type { ByteString } from '../../core/index.js';
import { writeAll, type FileSystem, type Ino, type TreeDirectory, type TreeInode } from '../../vfs/index.js';

/**
 * Copies everything below `tree` into `directory`, with owners, modes, times, xattrs and hard links.
 *
 * @param directories  attributes of directories that exist: `copy` takes the tree's (cp -a), `keep` leaves them (a tar that
 *   lists files only)
 * @returns count of copied objects, directories not counted
 * @throws FsError such as ENOSPC; what was copied until then stays
 */
export function copyTreeOver(
  fs: FileSystem,
  directory: Ino,
  tree: TreeDirectory,
  directories: 'copy' | 'keep' = 'copy',
): number {
  const copied = new Map<TreeInode, Ino>();
  const copyInto = (at: Ino, source: TreeDirectory): number => {
    let count = 0;
    for (const [name, inode] of source.entries) {
      if (inode.type === 'directory') {
        const existed = existingDirectory(fs, at, name);
        const target = existed ?? fs.mkdir(at, name, inode);
        if (existed === undefined || directories === 'copy') copyAttributes(fs, target, inode);
        count += copyInto(target, inode);
        continue;
      }
      replace(fs, at, name, inode, copied);
      count += 1;
    }
    return count;
  };
  return copyInto(directory, tree);
}

/** The directory under a name; anything else under it is removed. */
function existingDirectory(fs: FileSystem, parent: Ino, name: ByteString): Ino | undefined {
  const ino = fs.lookup(parent, name);
  if (ino === undefined || fs.getattr(ino).type === 'directory') return ino;
  fs.unlink(parent, name);
  return undefined;
}

function copyAttributes(fs: FileSystem, ino: Ino, inode: TreeDirectory): void {
  const { mode, uid, gid } = fs.getattr(ino);
  if (mode !== inode.mode || uid !== inode.uid || gid !== inode.gid) {
    fs.setattr(ino, { mode: inode.mode, uid: inode.uid, gid: inode.gid });
  }
  for (const [xattr, value] of inode.xattrs) fs.setxattr(ino, xattr, value);
}

/** Replaces one name: the old object is unlinked, so that a hard link of it is not written through. */
function replace(
  fs: FileSystem,
  directory: Ino,
  name: ByteString,
  inode: Exclude<TreeInode, TreeDirectory>,
  copied: Map<TreeInode, Ino>,
): void {
  if (fs.lookup(directory, name) !== undefined) fs.unlink(directory, name);
  const first = copied.get(inode);
  if (first !== undefined) {
    fs.link(first, directory, name);
    return;
  }
  const ino = make(fs, directory, name, inode);
  for (const [xattr, value] of inode.xattrs) fs.setxattr(ino, xattr, value);
  fs.setattr(ino, { mtimeNs: inode.mtimeNs });
  copied.set(inode, ino);
}

function make(
  fs: FileSystem,
  directory: Ino,
  name: ByteString,
  inode: Exclude<TreeInode, TreeDirectory>,
): Ino {
  switch (inode.type) {
    case 'file': {
      const ino = fs.mknod(directory, name, {
        type: 'file',
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
      });
      writeAll(fs, ino, 0, inode.content.read(0, inode.content.size));
      return ino;
    }
    case 'symlink':
      return fs.symlink(directory, name, inode.target, inode);
    case 'char':
    case 'block':
      return fs.mknod(directory, name, inode);
    case 'fifo':
    case 'socket':
      return fs.mknod(directory, name, inode);
  }
}
