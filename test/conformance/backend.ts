import { byteStringFromText } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import { FsError } from '../../tools/vfs/index.js';
import type { DirectoryEntry, FileSystem, Ino, TreeDirectory } from '../../tools/vfs/index.js';

/** What a file system may honestly lack; the tests of it are then left out of the suite. */
export type Lack =
  | 'xattrs'
  | 'holes'
  | 'tmpfile'
  | 'exchange'
  | 'whiteout'
  | 'fallocate'
  | 'directory-link-count'
  | 'access-time'
  | 'nanoseconds'
  /** Hard links of the tree it is made from become files of their own. */
  | 'links-of-the-tree'
  | 'full-name-limit';

/**
 * A file system under test. To add one: a name, and how to make one that holds a given tree.
 *
 *     describeFileSystem({ name: 'memory', mount: (tree) => ({ fileSystem: memoryFromTree(tree) }) });
 */
export interface Backend {
  readonly name: string;
  /** Only the tests that read are run. */
  readonly readOnly?: boolean;
  readonly lacks?: readonly Lack[];
  /** Longest name; 255 unless told otherwise. */
  readonly nameMax?: number;
  /** Why the whole suite cannot run here; it is then skipped under this title. */
  readonly missing?: string | undefined;
  /** Makes a file system that holds exactly this tree, owned by root. */
  mount(tree: TreeDirectory): Mounted;
}

/** One mounted file system, and how to end it. */
export interface Mounted {
  readonly fileSystem: FileSystem;
  /** Mounts the same bytes again; where absent, the tests of what persists are left out. */
  remount?(): FileSystem;
  close?(): void;
}

/** Shortest way to a name in tests. */
export const b = byteStringFromText;

/** Attributes of new objects in tests. */
export const plain = { mode: 0o644, uid: 0, gid: 0 } as const;
export const newFile = { type: 'file', ...plain } as const;
export const newDirectoryAttributes = { mode: 0o755, uid: 0, gid: 0 } as const;

/** Errno of a call that has to fail; undefined when it did not. */
export function errnoOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
  return undefined;
}

/** Looks up a path of names that exist. */
export function find(fileSystem: FileSystem, path: string): Ino {
  let at = fileSystem.root;
  for (const name of path.split('/').filter((part) => part !== '')) {
    const next = fileSystem.lookup(at, b(name));
    if (next === undefined) throw new Error(`${path} is not there`);
    at = next;
  }
  return at;
}

/** Names of a directory, sorted. */
export function names(fileSystem: FileSystem, directory: Ino = fileSystem.root): ByteString[] {
  return fileSystem
    .readdir(directory)
    .map((entry: DirectoryEntry) => entry.name)
    .sort();
}

/** Makes a file with content. */
export function makeFile(fileSystem: FileSystem, directory: Ino, name: string, content = ''): Ino {
  const ino = fileSystem.mknod(directory, b(name), newFile);
  if (content !== '') fileSystem.write(ino, 0, Buffer.from(content));
  return ino;
}

/** Content of a file as text. */
export function textOf(fileSystem: FileSystem, ino: Ino): string {
  return Buffer.from(fileSystem.read(ino, 0, fileSystem.getattr(ino).size)).toString();
}
