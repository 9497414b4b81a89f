/** Copies of a root tree that can be changed without changing the tree. */
import { bytesContent } from '../vfs/index.js';
import type { TreeDirectory, TreeFile, TreeInode } from '../vfs/index.js';

/** Contents above this stay where they are: a root for flash is far smaller. */
const memoryLimit = 256 * 1024 ** 2;

/** Copies directories and files; contents, and everything that is not changed in place, are shared. */
export function copyTree(root: TreeDirectory): TreeDirectory {
  const copies = new Map<TreeInode, TreeInode>();
  const copy = (inode: TreeInode): TreeInode => {
    const known = copies.get(inode);
    if (known) return known;
    const made: TreeInode =
      inode.type === 'directory'
        ? copyDirectory(inode, copy)
        : inode.type === 'file'
          ? ({ ...inode } satisfies TreeFile)
          : inode;
    copies.set(inode, made);
    return made;
  };
  return copyDirectory(root, copy);
}

function copyDirectory(directory: TreeDirectory, copy: (inode: TreeInode) => TreeInode): TreeDirectory {
  return {
    ...directory,
    entries: new Map([...directory.entries].map(([name, inode]) => [name, copy(inode)])),
  };
}

/** Copies a tree and reads its contents into memory, for those who pack it many times. */
export function treeInMemory(root: TreeDirectory): TreeDirectory {
  const copied = copyTree(root);
  const files = new Set<TreeFile>();
  const pending: TreeDirectory[] = [copied];
  for (let next = pending.pop(); next; next = pending.pop()) {
    for (const inode of next.entries.values()) {
      if (inode.type === 'directory') pending.push(inode);
      else if (inode.type === 'file' && !inode.content.hostFile) files.add(inode);
    }
  }
  const total = [...files].reduce((sum, { content }) => sum + content.size, 0);
  if (total > memoryLimit) return copied;
  for (const file of files) file.content = bytesContent(file.content.read(0, file.content.size));
  return copied;
}
