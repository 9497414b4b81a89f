import type { ByteString } from '../core/index.js';
import type { TreeDirectory, TreeInode } from '../vfs/index.js';

/** Splits an absolute path into its names; the root has none. */
export function namesOf(path: ByteString): ByteString[] {
  return path.split('/').filter((name) => name !== '') as ByteString[];
}

/** Finds what stands at a path, without following symlinks; undefined when nothing does. */
export function findInode(root: TreeDirectory, path: ByteString): TreeInode | undefined {
  let inode: TreeInode | undefined = root;
  for (const name of namesOf(path)) {
    inode = inode?.type === 'directory' ? inode.entries.get(name) : undefined;
  }
  return inode;
}

/** Finds the directory that holds the last name of a path; undefined for the root, or when it is not there. */
export function findParent(
  root: TreeDirectory,
  path: ByteString,
): { readonly directory: TreeDirectory; readonly name: ByteString } | undefined {
  const names = namesOf(path);
  const name = names.pop();
  const directory = findInode(root, names.join('/') as ByteString);
  return name !== undefined && directory?.type === 'directory' ? { directory, name } : undefined;
}

/** Reads a whole file of the tree; undefined when no file stands there. */
export function readTreeFile(root: TreeDirectory, path: string): Buffer | undefined {
  const inode = findInode(root, path as ByteString);
  return inode?.type === 'file' ? Buffer.from(inode.content.read(0, inode.content.size)) : undefined;
}

/** As many symlinks as Linux follows in one path. */
const symlinkLimit = 40;

/** Finds what a path leads to, following symlinks inside the tree; undefined when it leads nowhere or in circles. */
export function followPath(root: TreeDirectory, path: ByteString): TreeInode | undefined {
  const pending = namesOf(path).reverse();
  const trail: TreeDirectory[] = [root];
  let links = 0;
  let found: TreeInode = root;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (found.type !== 'directory') return undefined;
    if (name === '.') continue;
    if (name === '..') {
      if (trail.length > 1) trail.pop();
      found = trail.at(-1) ?? root;
      continue;
    }
    const next: TreeInode | undefined = found.entries.get(name);
    if (next === undefined) return undefined;
    if (next.type === 'symlink') {
      if (++links > symlinkLimit) return undefined;
      if (next.target.startsWith('/')) trail.length = 1;
      found = trail.at(-1) ?? root;
      pending.push(...namesOf(next.target).reverse());
      continue;
    }
    found = next;
    if (next.type === 'directory') trail.push(next);
  }
  return found;
}
