import type { ByteString } from '../core/index.js';
import { FormatError } from '../core/index.js';
import { newDirectory } from '../vfs/index.js';
import type { Content, TreeDirectory, TreeInode } from '../vfs/index.js';
import type { ImageSource } from './image.js';
import type { SquashfsInode } from './inode.js';
import { SquashfsReader } from './reader.js';

/**
 * Reads a whole squashfs image as a tree: all names and attributes at once, content when it is asked for.
 *
 * Hard links share one object. The image must stay as it is while the tree's content is in use.
 *
 * @param source  as for `openSquashfs`
 * @throws FormatError as `openSquashfs`, and FW_SQUASHFS_DIRECTORY, FW_SQUASHFS_XATTR; reading content throws
 *   FW_SQUASHFS_BLOCK
 */
export function squashfsTree(source: ImageSource): TreeDirectory {
  const reader = new SquashfsReader(source);
  const objects = new Map<number, TreeInode>();
  const pending: { inode: SquashfsInode; directory: TreeDirectory }[] = [];
  const objectOf = (number: number): TreeInode => {
    const known = objects.get(number);
    if (known) return known;
    const inode = reader.inode(number);
    if (!inode) throw new FormatError('FW_SQUASHFS_INODE', `squashfs inode ${number} is not there`);
    const object = treeInode(reader, inode);
    objects.set(number, object);
    if (object.type === 'directory') pending.push({ inode, directory: object });
    return object;
  };
  const root = objectOf(reader.root);
  if (root.type !== 'directory') throw new FormatError('FW_SQUASHFS_INODE', 'squashfs root is no directory');
  for (let next = pending.pop(); next; next = pending.pop()) {
    for (const { name, number } of reader.listing(next.inode).names) {
      next.directory.entries.set(name, objectOf(number));
    }
  }
  return root;
}

function treeInode(reader: SquashfsReader, inode: SquashfsInode): TreeInode {
  const common = {
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    mtimeNs: BigInt(inode.time) * 1_000_000_000n,
    xattrs: reader.xattrs(inode),
  };
  switch (inode.type) {
    case 'directory':
      return newDirectory(common);
    case 'file':
      return { type: 'file', ...common, content: contentOf(reader, inode) };
    case 'symlink':
      return { type: 'symlink', ...common, target: inode.target ?? ('' as ByteString) };
    case 'char':
    case 'block':
      return { type: inode.type, ...common, rdev: inode.rdev };
    case 'fifo':
    case 'socket':
      return { type: inode.type, ...common };
  }
}

function contentOf(reader: SquashfsReader, inode: SquashfsInode): Content {
  return {
    size: inode.content?.size ?? 0,
    read: (offset, length) => reader.read(inode, offset, length),
  };
}
