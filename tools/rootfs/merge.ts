import { FormatError, joinPath, textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { TreeDirectory } from '../vfs/index.js';

/**
 * Puts one tree on top of another, as `cp -R over/. base/` would: directories merge, everything else replaces.
 *
 * Both trees become one: objects of `over` stand in `base` afterwards.
 *
 * @param directories  whose attributes a directory has that stands in both
 * @param name         name of the source on top, for messages
 * @throws FormatError FW_ROOTFS_CLASH where a directory meets something else, also a symlink to a directory
 */
export function mergeTree(
  base: TreeDirectory,
  over: TreeDirectory,
  directories: 'base' | 'over',
  name: string,
): void {
  const pending = [{ base, over, path: '/' as ByteString }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (directories === 'over') {
      const { mode, uid, gid, mtimeNs, xattrs } = next.over;
      Object.assign(next.base, { mode, uid, gid, mtimeNs, xattrs });
    }
    for (const [key, inode] of next.over.entries) {
      const before = next.base.entries.get(key);
      const path = joinPath(next.path, key);
      if (before?.type === 'directory' && inode.type === 'directory') {
        pending.push({ base: before, over: inode, path });
      } else if (before !== undefined && (before.type === 'directory' || inode.type === 'directory')) {
        const target = before.type === 'symlink' ? ` to ${textOf(before.target)}` : '';
        throw new FormatError(
          'FW_ROOTFS_CLASH',
          `${name}: ${textOf(path)} is a ${inode.type}, below it stands a ${before.type}${target}`,
          {
            hint: target === '' ? 'rename one of them' : 'put the files where the symlink leads',
            data: { path: textOf(path), source: name },
          },
        );
      } else {
        next.base.entries.set(key, inode);
      }
    }
  }
}
