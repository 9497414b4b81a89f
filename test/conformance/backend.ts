import type { FileSystem, TreeDirectory } from '../../tools/vfs/index.js';

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
  | 'links-of-the-tree';

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
  /** What statfs(2) says of it, where another layer holds longer names than can be made. */
  readonly statedNameMax?: number;
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
