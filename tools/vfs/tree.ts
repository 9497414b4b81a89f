/**
 * A file tree as plain data: what the image writers take, and what archives and scans give.
 *
 * Unlike a `FileSystem` it has no life: it is assembled, then read. Two names that hold the same `TreeInode`
 * object are hard links. Content is read on demand, so that a tree of gigabytes does not stand in memory.
 */
import { compareBytes, joinPath } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { DeviceNumber } from './file-system.js';

/** Bytes of a file, read on demand. */
export interface Content {
  readonly size: number;
  /** Reads up to `length` bytes at `offset`; shorter only at the end. */
  read(offset: number, length: number): Uint8Array;
  /** Where the bytes stand on the host, for consumers that can read faster by themselves. */
  readonly hostFile?: HostFileRange | undefined;
}

/** A range of a file of the host. */
export interface HostFileRange {
  readonly path: ByteString;
  readonly offset: number;
}

interface TreeInodeBase {
  /** Permission bits, 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  mtimeNs: bigint;
  /** Full names with their prefix (`user.x`); values are binary. Replaced, not changed: most objects share the empty one. */
  xattrs: ReadonlyMap<ByteString, Uint8Array>;
}

/** A regular file. */
export interface TreeFile extends TreeInodeBase {
  readonly type: 'file';
  content: Content;
}

/** A directory and what is in it. */
export interface TreeDirectory extends TreeInodeBase {
  readonly type: 'directory';
  /** In no particular order; consumers sort by raw bytes. */
  readonly entries: Map<ByteString, TreeInode>;
}

/** A symbolic link; the target is bytes, never resolved. */
export interface TreeSymlink extends TreeInodeBase {
  readonly type: 'symlink';
  target: ByteString;
}

/** A device node. */
export interface TreeDevice extends TreeInodeBase {
  readonly type: 'char' | 'block';
  rdev: DeviceNumber;
}

/** A FIFO or a socket. */
export interface TreeIpc extends TreeInodeBase {
  readonly type: 'fifo' | 'socket';
}

/** One object of a tree. */
export type TreeInode = TreeFile | TreeDirectory | TreeSymlink | TreeDevice | TreeIpc;

/** What an object without extended attributes has; one for all, since trees of 200,000 objects are packed. */
export const noXattrs: ReadonlyMap<ByteString, Uint8Array> = new Map();

/** Wraps bytes as content; the array is kept, not copied. */
export function bytesContent(bytes: Uint8Array): Content {
  return {
    size: bytes.length,
    read: (offset, length) => new Uint8Array(bytes.subarray(offset, offset + length)),
  };
}

/** Makes an empty directory; root:root 0755, time 0 unless told otherwise. */
export function newDirectory(attributes: Partial<TreeInodeBase> = {}): TreeDirectory {
  return {
    type: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    xattrs: noXattrs,
    ...attributes,
    entries: new Map(),
  };
}

/** Makes a file of some bytes; root:root 0644, time 0 unless told otherwise. The bytes are not copied. */
export function newFile(bytes: Uint8Array, attributes: Partial<TreeInodeBase> = {}): TreeFile {
  return {
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    xattrs: noXattrs,
    ...attributes,
    content: bytesContent(bytes),
  };
}

/** One step of a walk: the object, its name and its absolute path. */
export interface TreeVisit {
  readonly path: ByteString;
  readonly name: ByteString;
  readonly inode: TreeInode;
  readonly parent: TreeDirectory;
}

/** Walks a tree below its root, parents before children, names in order of raw bytes. */
export function* walkTree(root: TreeDirectory, path = '/' as ByteString): Generator<TreeVisit> {
  const stack: Iterator<TreeVisit>[] = [visits(root, path)];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const step = top.next();
    if (step.done) {
      stack.pop();
      continue;
    }
    yield step.value;
    if (step.value.inode.type === 'directory') stack.push(visits(step.value.inode, step.value.path));
  }
}

function* visits(parent: TreeDirectory, path: ByteString): Generator<TreeVisit> {
  for (const name of [...parent.entries.keys()].sort(compareBytes)) {
    const inode = parent.entries.get(name);
    if (inode) yield { path: joinPath(path, name), name, inode, parent };
  }
}
