/**
 * A file system in memory: the reference model of the conformance suite, and a layer like any other.
 *
 * It has everything the interface names: all types, hard links, xattrs, holes, objects that live on without a name,
 * every form of rename. A clone costs one map copy; inodes and pages are shared until one side changes them.
 * Capacity, inode count and link count can be limited, and a hook can make any call fail.
 */
import { fixedClock } from '../../core/index.js';
import type { ByteString, Clock } from '../../core/index.js';
import { FsError } from '../errno.js';
import { NAME_MAX } from '../file-system.js';
import type {
  AttributeChange,
  Attributes,
  DirectoryEntry,
  FileSystem,
  FileSystemStatistics,
  Ino,
  NewInode,
  NewNode,
  RenameFlags,
  WhiteoutEntries,
  XattrMode,
} from '../file-system.js';
import { checkName } from '../names.js';
import { checkXattrName, checkXattrValue } from '../xattr-names.js';
import type { FaultHook, FileSystemCall } from './faults.js';
import { allocateContent, resizeContent, seekContent, writeContent } from './content.js';
import { addEntry, checkAbsent, existingEntry, listDirectory, removeEntry } from './directory.js';
import { attributesOf, touchInode } from './inode.js';
import type { MemoryDirectory, MemoryFile, MemoryInode } from './inode.js';
import { InodeTable } from './inode-table.js';
import type { MemoryOptions } from './options.js';
import { renameEntry } from './rename.js';
import { PAGE_SIZE } from './sparse-bytes.js';
import { MemoryWhiteouts } from './whiteout-entries.js';

const dayNs = 86_400_000_000_000n;

/** A file system in memory; see `FileSystem` for its calls. */
export class MemoryFileSystem implements FileSystem {
  readonly kind = 'memory';
  readonly root: Ino;
  /** May be set at any time, as a remount does. */
  readOnly = false;
  /** Asked before each call; see `failChange` and `failCall`. */
  fault: FaultHook | undefined;

  readonly whiteouts?: WhiteoutEntries;

  readonly #options: MemoryOptions;
  readonly #clock: Clock;
  #table: InodeTable;
  #changes = 0;

  constructor(options: MemoryOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? fixedClock(0);
    this.#table = new InodeTable(options);
    const attributes = options.root ?? { mode: 0o755, uid: 0, gid: 0 };
    this.root = this.#create({ type: 'directory', parent: 1 }, attributes, 'mkdir').ino;
    if (options.whiteouts !== true) return;
    this.whiteouts = new MemoryWhiteouts({
      look: (ino) => this.#asDirectory(this.#table.get(ino, 'lookup'), 'lookup'),
      change: (ino) => {
        this.#begin('mknod', ino);
        return this.#table.editDirectory(ino, 'mknod');
      },
    });
  }

  /**
   * Copies the whole file system as a mount after a power cut would see it: open objects without a name are gone.
   *
   * Costs one map entry an object; content is shared until one side changes it. `fault` is not taken over.
   */
  clone(): MemoryFileSystem {
    const copy = new MemoryFileSystem(this.#options);
    copy.#table = this.#table.clone();
    copy.readOnly = this.readOnly;
    return copy;
  }

  lookup(directory: Ino, name: ByteString): Ino | undefined {
    const inode = this.#look('lookup', directory, name);
    if (inode.type !== 'directory') throw new FsError('ENOTDIR', 'lookup', name);
    if (name.length > NAME_MAX) throw new FsError('ENAMETOOLONG', 'lookup', name);
    return inode.entries.get(name)?.ino;
  }

  parent(directory: Ino): Ino {
    const inode = this.#look('parent', directory);
    if (inode.type !== 'directory') throw new FsError('ENOTDIR', 'parent');
    return inode.parent;
  }

  getattr(ino: Ino): Attributes {
    return attributesOf(this.#look('getattr', ino));
  }

  setattr(ino: Ino, change: AttributeChange): Attributes {
    this.#begin('setattr', ino);
    const inode = this.#table.edit(ino, 'setattr');
    if (change.size !== undefined) resizeContent(this.#table, this.#file(inode, 'setattr'), change.size);
    if (change.mode !== undefined) inode.mode = change.mode & 0o7777;
    if (change.uid !== undefined) inode.uid = change.uid;
    if (change.gid !== undefined) inode.gid = change.gid;
    const now = this.#clock.nowNs();
    if (change.size !== undefined) inode.mtimeNs = now;
    if (change.atimeNs !== undefined) inode.atimeNs = change.atimeNs;
    if (change.mtimeNs !== undefined) inode.mtimeNs = change.mtimeNs;
    inode.ctimeNs = now;
    return attributesOf(inode);
  }

  readlink(ino: Ino): ByteString {
    const inode = this.#look('readlink', ino);
    if (inode.type !== 'symlink') throw new FsError('EINVAL', 'readlink');
    return inode.target;
  }

  readdir(directory: Ino, cookie = 0, limit = Infinity): readonly DirectoryEntry[] {
    const inode = this.#look('readdir', directory);
    if (inode.type !== 'directory') throw new FsError('ENOTDIR', 'readdir');
    return listDirectory(inode, (ino) => this.#table.get(ino, 'readdir').type, cookie, limit);
  }

  mknod(directory: Ino, name: ByteString, node: NewNode): Ino {
    const parent = this.#beginName('mknod', directory, name);
    checkAbsent(parent, name, 'mknod');
    const kind = node.type === 'file' ? { type: node.type } : { type: node.type, rdev: node.rdev };
    return this.#place(parent, name, this.#create(kind, node, 'mknod'));
  }

  mkdir(directory: Ino, name: ByteString, attributes: NewInode): Ino {
    const parent = this.#beginName('mkdir', directory, name);
    checkAbsent(parent, name, 'mkdir');
    return this.#place(
      parent,
      name,
      this.#create({ type: 'directory', parent: directory }, attributes, 'mkdir'),
    );
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, attributes: NewInode): Ino {
    const parent = this.#beginName('symlink', directory, name);
    checkAbsent(parent, name, 'symlink');
    if (target.length >= PAGE_SIZE) throw new FsError('ENAMETOOLONG', 'symlink', name);
    return this.#place(parent, name, this.#create({ type: 'symlink', target }, attributes, 'symlink'));
  }

  link(ino: Ino, directory: Ino, name: ByteString): void {
    const parent = this.#beginName('link', directory, name);
    checkAbsent(parent, name, 'link');
    const inode = this.#table.edit(ino, 'link');
    if (inode.type === 'directory') throw new FsError('EPERM', 'link', name);
    const nameless = inode.nlink === 0;
    if (nameless && !(inode.type === 'file' && inode.linkable)) throw new FsError('ENOENT', 'link', name);
    if (inode.nlink >= (this.#options.linkLimit ?? Infinity)) throw new FsError('EMLINK', 'link', name);
    if (inode.type === 'file') inode.linkable = false;
    this.#place(parent, name, inode);
    inode.ctimeNs = parent.ctimeNs;
  }

  unlink(directory: Ino, name: ByteString): void {
    const parent = this.#beginName('unlink', directory, name);
    const inode = this.#table.edit(existingEntry(parent, name, 'unlink'), 'unlink');
    if (inode.type === 'directory') throw new FsError('EISDIR', 'unlink', name);
    removeEntry(parent, name, this.#clock.nowNs());
    this.#table.dropName(inode, this.#clock.nowNs());
  }

  rmdir(directory: Ino, name: ByteString): void {
    const parent = this.#beginName('rmdir', directory, name);
    const inode = this.#table.edit(existingEntry(parent, name, 'rmdir'), 'rmdir');
    if (inode.type !== 'directory') throw new FsError('ENOTDIR', 'rmdir', name);
    if (inode.entries.size > 0) throw new FsError('ENOTEMPTY', 'rmdir', name);
    removeEntry(parent, name, this.#clock.nowNs());
    this.#table.dropName(inode, this.#clock.nowNs());
  }

  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    flags: RenameFlags = {},
  ): void {
    const from = this.#beginName('rename', directory, name);
    checkName(newName, 'rename');
    const to = this.#table.editDirectory(newDirectory, 'rename');
    renameEntry(this.#table, { from, name, to, newName }, flags, this.#clock.nowNs());
  }

  tmpfile(directory: Ino, attributes: NewInode): Ino {
    this.#begin('tmpfile', directory);
    if (this.#table.editDirectory(directory, 'tmpfile').nlink === 0) throw new FsError('ENOENT', 'tmpfile');
    const inode = this.#create({ type: 'file' }, attributes, 'tmpfile');
    if (inode.type === 'file') inode.linkable = true;
    return inode.ino;
  }

  open(ino: Ino, intent: 'read' | 'write'): void {
    const inode = this.#look('open', ino);
    if (intent === 'write' && this.readOnly && inode.type === 'file') throw new FsError('EROFS', 'open');
    this.#table.hold(ino);
  }

  release(ino: Ino): void {
    this.#table.release(ino);
  }

  read(ino: Ino, offset: number, length: number): Uint8Array {
    const file = this.#file(this.#look('read', ino), 'read');
    if (this.#options.atime === 'relatime') this.#touchAccessTime(file);
    return file.bytes.read(offset, length);
  }

  write(ino: Ino, offset: number, data: Uint8Array): number {
    this.#begin('write', ino);
    const file = this.#file(this.#table.edit(ino, 'write'), 'write');
    if (data.length === 0) return 0;
    const count = writeContent(this.#table, file, offset, data);
    this.#touch(file);
    return count;
  }

  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    return seekContent(this.#file(this.#look('seek', ino), 'seek'), offset, whence);
  }

  fallocate(
    ino: Ino,
    offset: number,
    length: number,
    mode: 'allocate' | 'keep-size' | 'punch-hole' | 'zero',
  ): void {
    this.#begin('fallocate', ino);
    const file = this.#file(this.#table.edit(ino, 'fallocate'), 'fallocate');
    allocateContent(this.#table, file, offset, length, mode);
    this.#touch(file);
  }

  getxattr(ino: Ino, name: ByteString): Uint8Array {
    const inode = this.#look('getxattr', ino, name);
    this.#checkXattrs(name, 'getxattr');
    const value = inode.xattrs?.get(name);
    if (!value) throw new FsError('ENODATA', 'getxattr', name);
    return value.slice();
  }

  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode: XattrMode = 'any'): void {
    this.#begin('setxattr', ino, name);
    this.#checkXattrs(name, 'setxattr');
    checkXattrValue(value, 'setxattr', name);
    const inode = this.#table.edit(ino, 'setxattr');
    const present = inode.xattrs?.has(name) ?? false;
    if (mode === 'create' && present) throw new FsError('EEXIST', 'setxattr', name);
    if (mode === 'replace' && !present) throw new FsError('ENODATA', 'setxattr', name);
    inode.xattrs ??= new Map();
    inode.xattrs.set(name, new Uint8Array(value));
    inode.ctimeNs = this.#clock.nowNs();
  }

  listxattr(ino: Ino): readonly ByteString[] {
    const inode = this.#look('listxattr', ino);
    return inode.xattrs ? [...inode.xattrs.keys()] : [];
  }

  removexattr(ino: Ino, name: ByteString): void {
    this.#begin('removexattr', ino, name);
    this.#checkXattrs(name, 'removexattr');
    const inode = this.#table.edit(ino, 'removexattr');
    if (!inode.xattrs?.delete(name)) throw new FsError('ENODATA', 'removexattr', name);
    inode.ctimeNs = this.#clock.nowNs();
  }

  *xattrsInUse(): Generator<{ name: ByteString; value: Uint8Array }> {
    for (const { xattrs } of this.#table.values())
      for (const [name, value] of xattrs ?? []) yield { name, value };
  }

  statfs(): FileSystemStatistics {
    this.#look('statfs', this.root);
    const { capacity, inodeLimit } = this.#options;
    const blocks = capacity === undefined ? 2 ** 32 : Math.floor(capacity / PAGE_SIZE);
    const files = inodeLimit ?? 2 ** 32;
    const blocksFree = Math.max(0, blocks - this.#table.usedPages);
    return {
      blockSize: PAGE_SIZE,
      blocks,
      blocksFree,
      blocksAvailable: blocksFree,
      files,
      filesFree: Math.max(0, files - this.#table.size),
      nameMax: NAME_MAX,
    };
  }

  sync(ino?: Ino): void {
    this.#look('sync', ino ?? this.root);
  }

  /** Begins a reading call: the fault hook, then the object. */
  #look(call: FileSystemCall, ino: Ino, name?: ByteString): MemoryInode {
    if (this.fault) this.#askHook(call, ino, name, false);
    return this.#table.get(ino, call);
  }

  /** Begins a changing call. */
  #begin(call: FileSystemCall, ino: Ino, name?: ByteString): void {
    if (this.readOnly) throw new FsError('EROFS', call, name);
    this.#changes += 1;
    if (this.fault) this.#askHook(call, ino, name, true);
  }

  #askHook(call: FileSystemCall, ino: Ino, name: ByteString | undefined, changes: boolean): void {
    const code = this.fault?.({ call, ino, name, changes, change: this.#changes });
    if (code !== undefined) throw new FsError(code, call, name);
  }

  /** Begins a call that changes a name; the directory comes back ready to be changed. */
  #beginName(call: FileSystemCall, directory: Ino, name: ByteString): MemoryDirectory {
    this.#begin(call, directory, name);
    checkName(name, call);
    return this.#table.editDirectory(directory, call);
  }

  #asDirectory(inode: MemoryInode, call: FileSystemCall): MemoryDirectory {
    if (inode.type !== 'directory') throw new FsError('ENOTDIR', call);
    return inode;
  }

  #file(inode: MemoryInode, call: FileSystemCall): MemoryFile {
    if (inode.type === 'file') return inode;
    throw new FsError(inode.type === 'directory' ? 'EISDIR' : 'EINVAL', call);
  }

  #create(
    kind: Parameters<InodeTable['create']>[0],
    attributes: NewInode,
    call: FileSystemCall,
  ): MemoryInode {
    return this.#table.create(kind, attributes, this.#clock.nowNs(), call);
  }

  /** Gives an object a name that is not there yet. */
  #place(parent: MemoryDirectory, name: ByteString, inode: MemoryInode): Ino {
    addEntry(parent, name, inode, this.#clock.nowNs());
    return inode.ino;
  }

  #touch(inode: MemoryInode): void {
    touchInode(inode, this.#clock.nowNs());
  }

  /** Relatime: only when the access is older than the last change, or than a day. */
  #touchAccessTime(file: MemoryFile): void {
    const now = this.#clock.nowNs();
    const stale = file.atimeNs <= file.mtimeNs || file.atimeNs <= file.ctimeNs || now - file.atimeNs >= dayNs;
    if (!this.readOnly && stale) this.#table.edit(file.ino, 'read').atimeNs = now;
  }

  #checkXattrs(name: ByteString, call: FileSystemCall): void {
    if (this.#options.xattrs === false) throw new FsError('EOPNOTSUPP', call, name);
    checkXattrName(name, call);
  }
}
