/**
 * Between the two forms of a file tree: `Tree` (plain data) and `FileSystem` (alive).
 */
import { InternalError } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { Attributes, FileSystem, Ino } from './file-system.js';
import { MemoryFileSystem } from './memory/memory-file-system.js';
import type { MemoryOptions } from './memory/options.js';
import { newDirectory, noXattrs } from './tree.js';
import type { Content, TreeDirectory, TreeInode } from './tree.js';

const chunkSize = 1 << 20;

/**
 * Copies a tree into a new file system in memory: content, modes, owners, times of modification, xattrs, hard links.
 *
 * The access time of an object is set to its time of modification, which is all that a tree knows.
 */
export function memoryFromTree(tree: TreeDirectory, options: MemoryOptions = {}): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem({ ...options, root: tree });
  fillFromTree(fileSystem, fileSystem.root, tree);
  return fileSystem;
}

/**
 * Copies a tree into a directory of any writable file system; names that exist there already answer EEXIST.
 *
 * @throws FsError whatever the file system answers
 */
export function fillFromTree(fileSystem: FileSystem, directory: Ino, tree: TreeDirectory): void {
  const known = new Map<TreeInode, Ino>([[tree, directory]]);
  const fill = (ino: Ino, source: TreeDirectory): void => {
    for (const [name, inode] of source.entries) {
      const first = known.get(inode);
      if (first !== undefined) {
        fileSystem.link(first, ino, name);
        continue;
      }
      const made = makeNode(fileSystem, ino, name, inode);
      known.set(inode, made);
      if (inode.type === 'directory') fill(made, inode);
      applyAttributes(fileSystem, made, inode);
    }
  };
  fill(directory, tree);
  applyAttributes(fileSystem, directory, tree);
}

function makeNode(fileSystem: FileSystem, directory: Ino, name: ByteString, inode: TreeInode): Ino {
  switch (inode.type) {
    case 'directory':
      return fileSystem.mkdir(directory, name, inode);
    case 'symlink':
      return fileSystem.symlink(directory, name, inode.target, inode);
    case 'file': {
      const ino = fileSystem.mknod(directory, name, {
        type: 'file',
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
      });
      copyContent(fileSystem, ino, inode.content);
      return ino;
    }
    case 'char':
    case 'block':
      return fileSystem.mknod(directory, name, {
        type: inode.type,
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
        rdev: inode.rdev,
      });
    default:
      return fileSystem.mknod(directory, name, {
        type: inode.type,
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
      });
  }
}

function copyContent(fileSystem: FileSystem, ino: Ino, content: Content): void {
  for (let offset = 0; offset < content.size;) {
    const chunk = content.read(offset, Math.min(chunkSize, content.size - offset));
    if (chunk.length === 0) throw new InternalError(`content ends at ${offset} of ${content.size} bytes`);
    for (let done = 0; done < chunk.length;) {
      done += fileSystem.write(ino, offset + done, chunk.subarray(done));
    }
    offset += chunk.length;
  }
}

/** Writing clears nothing here, but it moves times: attributes come last, and a directory's after its names. */
function applyAttributes(fileSystem: FileSystem, ino: Ino, inode: TreeInode): void {
  for (const [name, value] of inode.xattrs) fileSystem.setxattr(ino, name, value);
  fileSystem.setattr(ino, { atimeNs: inode.mtimeNs, mtimeNs: inode.mtimeNs });
}

/**
 * Shows a file system, or one directory of it, as a tree; hard links share their object.
 *
 * Names and attributes are read at once, content only when it is asked for: the file system has to stay as it is
 * while the tree is in use.
 *
 * @throws FsError whatever the file system answers
 */
export function treeFromFileSystem(fileSystem: FileSystem, directory = fileSystem.root): TreeDirectory {
  const known = new Map<Ino, TreeInode>();
  const convert = (ino: Ino): TreeInode => {
    const found = known.get(ino);
    if (found) return found;
    const attributes = fileSystem.getattr(ino);
    const inode = treeInode(fileSystem, ino, attributes);
    if (attributes.type !== 'directory' && attributes.nlink > 1) known.set(ino, inode);
    return inode;
  };
  const fill = (ino: Ino, tree: TreeDirectory): TreeDirectory => {
    for (const entry of fileSystem.readdir(ino)) {
      const child = convert(entry.ino);
      tree.entries.set(entry.name, child);
      if (child.type === 'directory') fill(entry.ino, child);
    }
    return tree;
  };
  const root = convert(directory);
  if (root.type !== 'directory') throw new InternalError('a tree starts at a directory');
  return fill(directory, root);
}

function treeInode(fileSystem: FileSystem, ino: Ino, attributes: Attributes): TreeInode {
  const { type, mode, uid, gid, mtimeNs } = attributes;
  const names = fileSystem.listxattr(ino);
  const xattrs =
    names.length === 0 ? noXattrs : new Map(names.map((name) => [name, fileSystem.getxattr(ino, name)]));
  const common = { mode, uid, gid, mtimeNs, xattrs };
  switch (type) {
    case 'directory':
      return newDirectory(common);
    case 'symlink':
      return { type, ...common, target: fileSystem.readlink(ino) };
    case 'file':
      return { type, ...common, content: fileContent(fileSystem, ino) };
    case 'char':
    case 'block':
      return { type, ...common, rdev: attributes.rdev };
    default:
      return { type, ...common };
  }
}

/** Wraps a file of a file system as content, read on demand. */
export function fileContent(fileSystem: FileSystem, ino: Ino): Content {
  return {
    size: fileSystem.getattr(ino).size,
    read: (offset, length) => fileSystem.read(ino, offset, length),
  };
}
