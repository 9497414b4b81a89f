/**
 * The mounted union: the straight-through `FileSystem` face over operations that can be stopped, and what belongs to
 * a mount: remount, unmount, watches, `which`.
 */
import type { ByteString } from '../core/index.js';
import { UsageError } from '../core/index.js';
import { FsError, NAME_MAX, readInto, runStraight, Task } from '../vfs/index.js';
import type {
  AttributeChange,
  Attributes,
  DirectoryEntry,
  FileSystemStatistics,
  Ino,
  LockOwner,
  NewInode,
  NewNode,
  Operation,
  RenameFlags,
  WatchListener,
  XattrMode,
} from '../vfs/index.js';
import { attributesOf, getAttribute, listAttributes } from './attributes.js';
import { contentOf } from './content.js';
import type { FallocateMode } from './content.js';
import { aufsNameMax } from './marks.js';
import { mountState } from './mount.js';
import type { MountedState, UnionOptions } from './mount.js';
import { UnionOperations } from './operations.js';
import { directoryOf, forgetIfUnused, nodeOf, topPart } from './state.js';
import { breakLeases, ObjectUsers } from './users.js';
import type { Union } from './union.js';
import { which } from './which.js';
import type { Whereabouts } from './which.js';
import { OpenFiles } from './open-files.js';

/**
 * Mounts a union: one writable directory over read-only ones, as overlayfs does.
 *
 * What a crashed predecessor left in `work` is completed or removed first. Lowers are never written.
 *
 * @param options  layers from the top, policy, and what the union needs of its surroundings
 * @throws UsageError FW_UNION_LAYER for layers that cannot work together (`data.errno` is the kernel's answer),
 *   FW_UNION_OPTIONS for options that contradict each other, FW_UNION_VOLATILE for an upper that was not flushed;
 *   FormatError FW_UNION_MARKS for an upper with marks of another version, unless the union is read-only
 * @see union-semantics.md; Linux Documentation/filesystems/overlayfs.rst
 */
export function mountUnion(options: UnionOptions): Union {
  return new MountedUnion(mountState(options));
}

class MountedUnion implements Union {
  readonly kind = 'union';
  readonly root: Ino;
  readonly operations: UnionOperations;
  readonly layers: readonly string[];
  readonly #mounted: MountedState;
  readonly #task = new Task(false);
  /** Objects opened for writing since they were last closed by all. */
  readonly #writers = new Set<Ino>();
  #holds = 0;
  #nameMax: number | undefined;
  #live = true;

  constructor(mounted: MountedState) {
    this.#mounted = mounted;
    const { state } = mounted;
    this.root = state.root.id;
    this.operations = new UnionOperations(state);
    this.layers = [...(state.upper ? [state.upper] : []), ...state.lowers].map((layer) => layer.name);
    mounted.born(this);
  }

  get readOnly(): boolean {
    return this.#mounted.state.readOnly;
  }

  lookup(directory: Ino, name: ByteString): Ino | undefined {
    const node = directoryOf(this.#state, directory, 'lookup');
    const known = node.children?.get(name);
    if (known) return known.node.id;
    if (known === null) return undefined;
    if (name.length > NAME_MAX) throw new FsError('ENAMETOOLONG', 'lookup', name);
    return this.#run('lookup', this.operations.lookup(directory, name), name);
  }

  parent(directory: Ino): Ino {
    const node = directoryOf(this.#state, directory, 'parent');
    if (node === this.#state.root) return node.id;
    const { above } = node;
    if (!above) throw new FsError('ESTALE', 'parent');
    return above.id;
  }

  getattr(ino: Ino): Attributes {
    return attributesOf(this.#state, nodeOf(this.#state, ino, 'getattr'));
  }

  setattr(ino: Ino, change: AttributeChange): Attributes {
    return this.#run('setattr', this.operations.setattr(ino, change));
  }

  readlink(ino: Ino): ByteString {
    const node = nodeOf(this.#state, ino, 'readlink');
    if (node.type !== 'symlink') throw new FsError('EINVAL', 'readlink');
    const part = topPart(this.#state, node);
    return part.fs.readlink(part.ino);
  }

  readdir(directory: Ino, cookie = 0, limit = Infinity): readonly DirectoryEntry[] {
    const known = directoryOf(this.#state, directory, 'readdir').listing;
    const listing = known ?? this.#run('readdir', this.operations.listing(directory));
    return listing.after(cookie, limit);
  }

  mknod(directory: Ino, name: ByteString, node: NewNode): Ino {
    return this.#run('mknod', this.operations.mknod(directory, name, node), name);
  }

  mkdir(directory: Ino, name: ByteString, inode: NewInode): Ino {
    return this.#run('mkdir', this.operations.mkdir(directory, name, inode), name);
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, inode: NewInode): Ino {
    return this.#run('symlink', this.operations.symlink(directory, name, target, inode), name);
  }

  link(ino: Ino, directory: Ino, name: ByteString): void {
    this.#run('link', this.operations.link(ino, directory, name), name);
  }

  unlink(directory: Ino, name: ByteString): void {
    this.#run('unlink', this.operations.unlink(directory, name), name);
  }

  rmdir(directory: Ino, name: ByteString): void {
    this.#run('rmdir', this.operations.rmdir(directory, name), name);
  }

  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    flags: RenameFlags = {},
  ): void {
    this.#run('rename', this.operations.rename(directory, name, newDirectory, newName, flags), name);
  }

  tmpfile(directory: Ino, inode: NewInode): Ino {
    return this.#run('tmpfile', this.operations.tmpfile(directory, inode));
  }

  open(ino: Ino, intent: 'read' | 'write', opener?: LockOwner): void {
    const node = nodeOf(this.#state, ino, 'open');
    const writes = intent === 'write' && node.type === 'file';
    if (writes && this.#state.readOnly) throw new FsError('EROFS', 'open');
    breakLeases(node.users, intent, opener);
    if (node.upper !== 0) this.#state.upper?.fs.open(node.upper, intent);
    if (opener) (node.openFiles ??= new OpenFiles()).opened(opener);
    node.holds += 1;
    this.#holds += 1;
    if (!writes) return;
    this.#writers.add(ino);
    if (this.#state.policy.copyUp === 'open') this.#copyOpened(ino, opener);
  }

  /** Held before it is copied: a file without a name would end with its copy. */
  #copyOpened(ino: Ino, opener: LockOwner | undefined): void {
    try {
      this.#run('open', this.operations.copyForWriting(ino));
    } catch (error) {
      this.release(ino, opener);
      throw error;
    }
  }

  release(ino: Ino, opener?: LockOwner): void {
    const node = nodeOf(this.#state, ino, 'release');
    if (node.holds === 0) return;
    node.holds -= 1;
    this.#holds -= 1;
    if (node.holds === 0) this.#writers.delete(ino);
    if (node.upper !== 0) this.#state.upper?.fs.release(node.upper);
    forgetIfUnused(this.#state, node);
    const untold = opener && node.openFiles?.closed(opener);
    if (untold !== undefined) throw new FsError(untold, 'close');
  }

  read(ino: Ino, offset: number, length: number): Uint8Array {
    const content = this.#contentToRead(ino);
    return content.fs.read(content.ino, offset, length);
  }

  readInto(ino: Ino, offset: number, into: Uint8Array): number {
    const content = this.#contentToRead(ino);
    return readInto(content.fs, content.ino, offset, into);
  }

  #contentToRead(ino: Ino): ReturnType<typeof contentOf> {
    const node = nodeOf(this.#state, ino, 'read');
    if (this.#state.policy.atime === 'shadow') this.#run('read', this.operations.copyForReading(ino));
    return contentOf(this.#state, node, 'read');
  }

  write(ino: Ino, offset: number, data: Uint8Array): number {
    return this.#run('write', this.operations.write(ino, offset, data));
  }

  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    const content = contentOf(this.#state, nodeOf(this.#state, ino, 'seek'), 'seek');
    return content.fs.seek(content.ino, offset, whence);
  }

  fallocate(ino: Ino, offset: number, length: number, mode: FallocateMode): void {
    this.#run('fallocate', this.operations.fallocate(ino, offset, length, mode));
  }

  getxattr(ino: Ino, name: ByteString): Uint8Array {
    try {
      return getAttribute(this.#state, nodeOf(this.#state, ino, 'getxattr'), name);
    } catch (error) {
      throw inWordsOfUnion(error, 'getxattr', name);
    }
  }

  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode: XattrMode = 'any'): void {
    this.#run('setxattr', this.operations.setxattr(ino, name, value, mode), name);
  }

  listxattr(ino: Ino): readonly ByteString[] {
    return listAttributes(this.#state, nodeOf(this.#state, ino, 'listxattr'));
  }

  removexattr(ino: Ino, name: ByteString): void {
    this.#run('removexattr', this.operations.removexattr(ino, name), name);
  }

  statfs(): FileSystemStatistics {
    const { upper, lowers } = this.#state;
    const nameMax = (this.#nameMax ??= longestName(this.#state));
    if (upper) return { ...upper.fs.statfs(), nameMax };
    const top = lowers[0];
    if (!top) throw new FsError('EIO', 'statfs');
    return { ...top.fs.statfs(), nameMax, blocksFree: 0, blocksAvailable: 0, filesFree: 0 };
  }

  sync(ino?: Ino, opener?: LockOwner): void {
    const { upper, policy, writeBack } = this.#state;
    if (!upper) return;
    if (policy.volatile) {
      writeBack.throwUntold();
      return;
    }
    if (ino === undefined) {
      writeBack.flushAll(upper.fs);
      return;
    }
    // A lower-only object is durable as it is (151, 173).
    const node = nodeOf(this.#state, ino, 'sync');
    if (node.upper !== 0) writeBack.flushObject(upper.fs, node, opener);
  }

  which(path: ByteString): Whereabouts {
    return which(this.#state, path);
  }

  users(ino: Ino): ObjectUsers {
    return (nodeOf(this.#state, ino, 'users').users ??= new ObjectUsers());
  }

  watch(ino: Ino, watcher: WatchListener): () => void {
    return this.#state.watches.add(nodeOf(this.#state, ino, 'watch').id, watcher);
  }

  remount(readOnly: boolean): void {
    if (readOnly === this.readOnly) return;
    if (readOnly && this.#writers.size > 0) throw new FsError('EBUSY', 'remount');
    this.#run('remount', this.operations.remount(readOnly));
    if (readOnly) {
      this.#mounted.giveUpUpper();
      return;
    }
    try {
      this.#mounted.takeUpper();
    } catch (error) {
      this.#state.readOnly = true;
      if (error instanceof UsageError) throw new FsError('EBUSY', 'remount');
      throw error;
    }
  }

  unmount(): void {
    if (!this.#live) return;
    if (this.#holds > 0) throw new FsError('EBUSY', 'unmount');
    this.#mounted.ending();
    this.#live = false;
  }

  get #state(): MountedState['state'] {
    if (!this.#live) throw new FsError('ENODEV', 'union');
    return this.#mounted.state;
  }

  #run<T>(syscall: string, operation: (task: Task) => Operation<T>, name?: ByteString): T {
    if (!this.#live) throw new FsError('ENODEV', 'union');
    try {
      return runStraight(operation(this.#task));
    } catch (error) {
      throw inWordsOfUnion(error, syscall, name);
    }
  }
}

/** A layer's error names what the layer knows, such as a name in the work directory: the caller hears his own (191). */
function inWordsOfUnion(error: unknown, syscall: string, name: ByteString | undefined): unknown {
  if (!(error instanceof FsError) || (error.syscall === syscall && error.path === name)) return error;
  return new FsError(error.code, syscall, name);
}

/** The longest name that any layer can hold; what is made in the aufs form has to be shorter (24, 40). */
function longestName({ upper, lowers }: MountedState['state']): number {
  if (upper?.work.form === 'aufs') return aufsNameMax;
  return [...(upper ? [upper] : []), ...lowers].reduce(
    (max, { fs }) => Math.max(max, fs.statfs().nameMax),
    0,
  );
}
