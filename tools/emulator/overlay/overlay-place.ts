/**
 * Where the upper and work directories of the overlay are in a file system.
 *
 * Since 15.05 they are two directories, `upper` and `work`. Before, the root itself was the upper, and overlayfs needed no
 * work directory; ours does, and gets one that only it can see, which goes at an orderly shutdown.
 */
import { byteStringFromText, type ByteString } from '../../core/index.js';
import {
  FsError,
  removeTree,
  type Attributes,
  type AttributeChange,
  type DirectoryEntry,
  type FileSystem,
  type FileSystemStatistics,
  type Ino,
  type NewInode,
  type NewNode,
  type RenameFlags,
  type XattrMode,
} from '../../vfs/index.js';
import type { Branch } from '../branches.js';

/** Directories of an overlay. */
export interface OverlayPlace {
  readonly fs: FileSystem;
  readonly upper: Ino;
  readonly work: Ino;
  /** Removes what only the union needed; call it after the union is synced. */
  readonly end?: () => void;
}

const ownedByRoot = { mode: 0o755, uid: 0, gid: 0 };
const hiddenWork = byteStringFromText('.firmwright-work');

/** Finds or makes the directories. @throws FsError ENOSPC, EROFS; ENOTDIR where something else has the name */
export function placeOverlay(fs: FileSystem, upperAt: Branch['upperAt']): OverlayPlace {
  if (upperAt === 'overlay/upper') {
    return {
      fs,
      upper: directoryIn(fs, byteStringFromText('upper')),
      work: directoryIn(fs, byteStringFromText('work')),
    };
  }
  const work = directoryIn(fs, hiddenWork);
  const end = (): void => {
    removeTree(fs, `/${hiddenWork}` as ByteString);
  };
  return { fs: new RootAsUpper(fs, work), upper: fs.root, work, end };
}

function directoryIn(fs: FileSystem, name: ByteString): Ino {
  const found = fs.lookup(fs.root, name);
  if (found === undefined) return fs.mkdir(fs.root, name, ownedByRoot);
  // After a cut upgrade the inode of the carried archive may be the one that the old overlay had for `upper`.
  if (fs.getattr(found).type !== 'directory') throw new FsError('ENOTDIR', 'mount', `/${name}` as ByteString);
  return found;
}

/** A file system with one more directory above its root, which holds that root and the work directory side by side. */
class RootAsUpper implements FileSystem {
  /** No file system numbers an inode 0. */
  readonly root = 0;
  readonly #fs: FileSystem;
  readonly #work: Ino;

  constructor(fs: FileSystem, work: Ino) {
    this.#fs = fs;
    this.#work = work;
  }

  get kind(): string {
    return this.#fs.kind;
  }

  get readOnly(): boolean {
    return this.#fs.readOnly;
  }

  lookup(directory: Ino, name: ByteString): Ino | undefined {
    if (directory === this.#fs.root && name === hiddenWork) return undefined;
    return this.#fs.lookup(directory, name);
  }

  parent(directory: Ino): Ino {
    const top = directory === this.root || directory === this.#fs.root || directory === this.#work;
    return top ? this.root : this.#fs.parent(directory);
  }

  readdir(directory: Ino, cookie?: number, limit?: number): readonly DirectoryEntry[] {
    const entries = this.#fs.readdir(directory, cookie, limit);
    return directory === this.#fs.root ? entries.filter(({ name }) => name !== hiddenWork) : entries;
  }

  getattr(ino: Ino): Attributes {
    return this.#fs.getattr(ino === this.root ? this.#fs.root : ino);
  }
  setattr(ino: Ino, change: AttributeChange): Attributes {
    return this.#fs.setattr(ino, change);
  }
  readlink(ino: Ino): ByteString {
    return this.#fs.readlink(ino);
  }
  mknod(directory: Ino, name: ByteString, node: NewNode): Ino {
    return this.#fs.mknod(directory, name, node);
  }
  mkdir(directory: Ino, name: ByteString, inode: NewInode): Ino {
    return this.#fs.mkdir(directory, name, inode);
  }
  symlink(directory: Ino, name: ByteString, target: ByteString, inode: NewInode): Ino {
    return this.#fs.symlink(directory, name, target, inode);
  }
  link(ino: Ino, directory: Ino, name: ByteString): void {
    this.#fs.link(ino, directory, name);
  }
  unlink(directory: Ino, name: ByteString): void {
    this.#fs.unlink(directory, name);
  }
  rmdir(directory: Ino, name: ByteString): void {
    this.#fs.rmdir(directory, name);
  }
  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    flags?: RenameFlags,
  ): void {
    this.#fs.rename(directory, name, newDirectory, newName, flags);
  }
  tmpfile(directory: Ino, inode: NewInode): Ino {
    return this.#fs.tmpfile(directory, inode);
  }
  open(ino: Ino, intent: 'read' | 'write'): void {
    this.#fs.open(ino, intent);
  }
  release(ino: Ino): void {
    this.#fs.release(ino);
  }
  read(ino: Ino, offset: number, length: number): Uint8Array {
    return this.#fs.read(ino, offset, length);
  }
  write(ino: Ino, offset: number, data: Uint8Array): number {
    return this.#fs.write(ino, offset, data);
  }
  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    return this.#fs.seek(ino, offset, whence);
  }
  fallocate(ino: Ino, offset: number, length: number, mode: Parameters<FileSystem['fallocate']>[3]): void {
    this.#fs.fallocate(ino, offset, length, mode);
  }
  getxattr(ino: Ino, name: ByteString): Uint8Array {
    return this.#fs.getxattr(ino, name);
  }
  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode?: XattrMode): void {
    this.#fs.setxattr(ino, name, value, mode);
  }
  listxattr(ino: Ino): readonly ByteString[] {
    return this.#fs.listxattr(ino);
  }
  removexattr(ino: Ino, name: ByteString): void {
    this.#fs.removexattr(ino, name);
  }
  statfs(): FileSystemStatistics {
    return this.#fs.statfs();
  }
  sync(ino?: Ino): void {
    this.#fs.sync(ino);
  }
}
