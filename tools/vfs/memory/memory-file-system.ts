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
  XattrMode,
} from '../file-system.js';
import { checkName } from '../names.js';
import { checkXattrName, checkXattrValue } from '../xattr-names.js';
import type { FaultHook, FileSystemCall } from './faults.js';
import { attributesOf, copyInode, listingOf, newInode } from './inode.js';
import type { MemoryDirectory, MemoryFile, MemoryInode, Owner } from './inode.js';
import { PAGE_SIZE } from './sparse-bytes.js';

/** Limits and habits of a file system in memory; what is absent is unlimited. */
export interface MemoryOptions {
  /** Where times come from; stands still at 0 unless told otherwise. */
  readonly clock?: Clock;
  /** Room for file content in bytes, counted in pages of 4096; ENOSPC above it. */
  readonly capacity?: number;
  /** Most objects at one time, the root included; ENOSPC above it. */
  readonly inodeLimit?: number;
  /** Most names of one object; EMLINK above it. */
  readonly linkLimit?: number;
  /** Largest size of a file in bytes; EFBIG above it. */
  readonly fileSizeLimit?: number;
  /** `false`: xattrs answer EOPNOTSUPP, as on a file system built without them. */
  readonly xattrs?: boolean;
  /** `true`: the number of a removed object is given to the next new one, as ext4 and tmpfs may. */
  readonly reuseNumbers?: boolean;
  /** When reading sets the access time: never (default), or as `relatime` of Linux. */
  readonly atime?: 'never' | 'relatime';
  /** Attributes of the root; root:root 0755 unless told otherwise. */
  readonly root?: NewInode;
}

const dayNs = 86_400_000_000_000n;

/** A file system in memory; see `FileSystem` for its calls. */
export class MemoryFileSystem implements FileSystem {
  readonly kind = 'memory';
  readonly root: Ino = 1;
  /** May be set at any time, as a remount does. */
  readOnly = false;
  /** Asked before each call; see `failChange` and `failCall`. */
  fault: FaultHook | undefined;

  readonly #options: MemoryOptions;
  readonly #clock: Clock;
  #owner: Owner = {};
  #inodes = new Map<Ino, MemoryInode>();
  #holds = new Map<Ino, number>();
  #nextIno: Ino = 2;
  #freeNumbers: Ino[] = [];
  #usedPages = 0;
  #changes = 0;

  constructor(options: MemoryOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? fixedClock(0);
    const root = newInode(
      this.#owner,
      this.root,
      { type: 'directory', parent: this.root },
      options.root ?? { mode: 0o755, uid: 0, gid: 0 },
      this.#clock.nowNs(),
    );
    this.#inodes.set(root.ino, root);
  }

  /**
   * Copies the whole file system as a mount after a power cut would see it: open objects without a name are gone.
   *
   * Costs one map entry an object; content is shared until one side changes it. `fault` is not taken over.
   */
  clone(): MemoryFileSystem {
    const copy = new MemoryFileSystem(this.#options);
    copy.#inodes = new Map(this.#inodes);
    copy.#nextIno = this.#nextIno;
    copy.#freeNumbers = [...this.#freeNumbers];
    copy.#usedPages = this.#usedPages;
    copy.readOnly = this.readOnly;
    // Neither side owns what both see: each copies an inode before its first change.
    this.#owner = {};
    for (const inode of this.#inodes.values()) if (inode.nlink === 0) copy.#forget(inode);
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
    const inode = this.#edit(ino, 'setattr');
    if (change.size !== undefined) this.#resize(inode, change.size);
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
    const listing = listingOf(inode, (ino) => this.#get(ino, 'readdir').type);
    if (cookie === 0 && limit >= listing.length) return listing;
    const start = firstAfter(listing, cookie);
    return listing.slice(start, start + limit);
  }

  mknod(directory: Ino, name: ByteString, node: NewNode): Ino {
    const parent = this.#beginName('mknod', directory, name);
    this.#checkAbsent(parent, name, 'mknod');
    const kind = node.type === 'file' ? { type: node.type } : { type: node.type, rdev: node.rdev };
    return this.#place(parent, name, this.#create(kind, node, 'mknod'));
  }

  mkdir(directory: Ino, name: ByteString, attributes: NewInode): Ino {
    const parent = this.#beginName('mkdir', directory, name);
    this.#checkAbsent(parent, name, 'mkdir');
    return this.#place(
      parent,
      name,
      this.#create({ type: 'directory', parent: directory }, attributes, 'mkdir'),
    );
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, attributes: NewInode): Ino {
    const parent = this.#beginName('symlink', directory, name);
    this.#checkAbsent(parent, name, 'symlink');
    if (target.length >= PAGE_SIZE) throw new FsError('ENAMETOOLONG', 'symlink', name);
    return this.#place(parent, name, this.#create({ type: 'symlink', target }, attributes, 'symlink'));
  }

  link(ino: Ino, directory: Ino, name: ByteString): void {
    const parent = this.#beginName('link', directory, name);
    this.#checkAbsent(parent, name, 'link');
    const inode = this.#edit(ino, 'link');
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
    const inode = this.#edit(this.#present(parent, name, 'unlink'), 'unlink');
    if (inode.type === 'directory') throw new FsError('EISDIR', 'unlink', name);
    this.#removeName(parent, name);
    this.#drop(inode);
  }

  rmdir(directory: Ino, name: ByteString): void {
    const parent = this.#beginName('rmdir', directory, name);
    const inode = this.#edit(this.#present(parent, name, 'rmdir'), 'rmdir');
    if (inode.type !== 'directory') throw new FsError('ENOTDIR', 'rmdir', name);
    if (inode.entries.size > 0) throw new FsError('ENOTEMPTY', 'rmdir', name);
    this.#removeName(parent, name);
    this.#drop(inode);
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
    const to = this.#directory(newDirectory, 'rename');
    const { noreplace = false, exchange = false, whiteout = false } = flags;
    if (exchange && (noreplace || whiteout)) throw new FsError('EINVAL', 'rename', name);
    const source = this.#get(this.#present(from, name, 'rename'), 'rename');
    const targetIno = to.entries.get(newName)?.ino;
    if (noreplace && targetIno !== undefined) throw new FsError('EEXIST', 'rename', newName);
    if (exchange && targetIno === undefined) throw new FsError('ENOENT', 'rename', newName);
    if (targetIno === undefined && to.nlink === 0) throw new FsError('ENOENT', 'rename', newName);
    const target = targetIno === undefined ? undefined : this.#get(targetIno, 'rename');
    if (source.type === 'directory') this.#checkNotBeneath(newDirectory, source.ino);
    if (exchange) {
      if (target?.type === 'directory') this.#checkNotBeneath(directory, target.ino);
      if (target && target !== source) this.#exchange(from, name, source, to, newName, target);
      return;
    }
    if (source === target) return;
    if (target) this.#checkReplaceable(source, target, newName);
    const mark = whiteout ? this.#create({ type: 'char' }, { mode: 0, uid: 0, gid: 0 }, 'rename') : undefined;
    const moved = this.#edit(source.ino, 'rename');
    this.#moveName(from, name, to, newName, moved, mark);
    if (target) this.#drop(this.#edit(target.ino, 'rename'));
  }

  tmpfile(directory: Ino, attributes: NewInode): Ino {
    this.#begin('tmpfile', directory);
    if (this.#directory(directory, 'tmpfile').nlink === 0) throw new FsError('ENOENT', 'tmpfile');
    const inode = this.#create({ type: 'file' }, attributes, 'tmpfile');
    if (inode.type === 'file') inode.linkable = true;
    return inode.ino;
  }

  open(ino: Ino, intent: 'read' | 'write'): void {
    const inode = this.#look('open', ino);
    if (intent === 'write' && this.readOnly && inode.type === 'file') throw new FsError('EROFS', 'open');
    this.#holds.set(ino, (this.#holds.get(ino) ?? 0) + 1);
  }

  release(ino: Ino): void {
    const holds = this.#holds.get(ino) ?? 0;
    if (holds > 1) {
      this.#holds.set(ino, holds - 1);
      return;
    }
    this.#holds.delete(ino);
    const inode = this.#inodes.get(ino);
    if (inode?.nlink === 0) this.#forget(inode);
  }

  read(ino: Ino, offset: number, length: number): Uint8Array {
    const file = this.#file(this.#look('read', ino), 'read');
    if (this.#options.atime === 'relatime') this.#touchAccessTime(file);
    return file.bytes.read(offset, length);
  }

  write(ino: Ino, offset: number, data: Uint8Array): number {
    this.#begin('write', ino);
    const file = this.#file(this.#edit(ino, 'write'), 'write');
    if (data.length === 0) return 0;
    const limit = this.#options.fileSizeLimit ?? Number.MAX_SAFE_INTEGER;
    if (offset >= limit) throw new FsError('EFBIG', 'write');
    const wanted = Math.min(offset + data.length, limit);
    const end = file.bytes.fitting(offset, wanted, this.#freePages());
    if (end === offset) throw new FsError('ENOSPC', 'write');
    const count = end - offset;
    this.#counted(file, () => {
      file.bytes.write(offset, count === data.length ? data : data.subarray(0, count));
    });
    this.#touch(file);
    return count;
  }

  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    const { bytes } = this.#file(this.#look('seek', ino), 'seek');
    if (offset < 0 || offset >= bytes.size) throw new FsError('ENXIO', 'seek');
    const found = whence === 'data' ? bytes.nextData(offset) : bytes.nextHole(offset);
    if (found === undefined) throw new FsError('ENXIO', 'seek');
    return found;
  }

  fallocate(
    ino: Ino,
    offset: number,
    length: number,
    mode: 'allocate' | 'keep-size' | 'punch-hole' | 'zero',
  ): void {
    this.#begin('fallocate', ino);
    const file = this.#file(this.#edit(ino, 'fallocate'), 'fallocate');
    if (offset < 0 || length <= 0) throw new FsError('EINVAL', 'fallocate');
    const end = offset + length;
    if (mode !== 'punch-hole') {
      if (end > (this.#options.fileSizeLimit ?? Number.MAX_SAFE_INTEGER))
        throw new FsError('EFBIG', 'fallocate');
      if (file.bytes.missingPages(offset, end) > this.#freePages()) throw new FsError('ENOSPC', 'fallocate');
    }
    this.#counted(file, () => {
      if (mode === 'punch-hole' || mode === 'zero') file.bytes.punch(offset, end);
      if (mode !== 'punch-hole') file.bytes.allocate(offset, end);
      if ((mode === 'allocate' || mode === 'zero') && end > file.bytes.size) file.bytes.truncate(end);
    });
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
    const inode = this.#edit(ino, 'setxattr');
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
    const inode = this.#edit(ino, 'removexattr');
    if (!inode.xattrs?.delete(name)) throw new FsError('ENODATA', 'removexattr', name);
    inode.ctimeNs = this.#clock.nowNs();
  }

  statfs(): FileSystemStatistics {
    this.#look('statfs', this.root);
    const { capacity, inodeLimit } = this.#options;
    const blocks = capacity === undefined ? 2 ** 32 : Math.floor(capacity / PAGE_SIZE);
    const files = inodeLimit ?? 2 ** 32;
    const blocksFree = Math.max(0, blocks - this.#usedPages);
    return {
      blockSize: PAGE_SIZE,
      blocks,
      blocksFree,
      blocksAvailable: blocksFree,
      files,
      filesFree: Math.max(0, files - this.#inodes.size),
      nameMax: NAME_MAX,
    };
  }

  sync(ino?: Ino): void {
    this.#look('sync', ino ?? this.root);
  }

  /** Begins a reading call: the fault hook, then the object. */
  #look(call: FileSystemCall, ino: Ino, name?: ByteString): MemoryInode {
    if (this.fault) this.#askHook(call, ino, name, false);
    return this.#get(ino, call);
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
    return this.#directory(directory, call);
  }

  #get(ino: Ino, call: FileSystemCall): MemoryInode {
    const inode = this.#inodes.get(ino);
    if (!inode) throw new FsError('ESTALE', call);
    return inode;
  }

  /** Returns an inode that may be changed: a copy of its own when a clone may still see the old one. */
  #edit(ino: Ino, call: FileSystemCall): MemoryInode {
    const inode = this.#get(ino, call);
    if (inode.owner === this.#owner) return inode;
    const own = copyInode(inode, this.#owner);
    this.#inodes.set(ino, own);
    return own;
  }

  #directory(ino: Ino, call: FileSystemCall): MemoryDirectory {
    const inode = this.#edit(ino, call);
    if (inode.type !== 'directory') throw new FsError('ENOTDIR', call);
    return inode;
  }

  #file(inode: MemoryInode, call: FileSystemCall): MemoryFile {
    if (inode.type === 'file') return inode;
    throw new FsError(inode.type === 'directory' ? 'EISDIR' : 'EINVAL', call);
  }

  #checkAbsent(parent: MemoryDirectory, name: ByteString, call: FileSystemCall): void {
    if (parent.entries.has(name)) throw new FsError('EEXIST', call, name);
    // A removed directory that is still held takes no new names.
    if (parent.nlink === 0) throw new FsError('ENOENT', call, name);
  }

  #present(parent: MemoryDirectory, name: ByteString, call: FileSystemCall): Ino {
    const entry = parent.entries.get(name);
    if (!entry) throw new FsError('ENOENT', call, name);
    return entry.ino;
  }

  #create(kind: Parameters<typeof newInode>[2], attributes: NewInode, call: FileSystemCall): MemoryInode {
    if (this.#inodes.size >= (this.#options.inodeLimit ?? Infinity)) throw new FsError('ENOSPC', call);
    const ino = this.#freeNumbers.pop() ?? this.#nextIno++;
    const inode = newInode(this.#owner, ino, kind, attributes, this.#clock.nowNs());
    this.#inodes.set(ino, inode);
    return inode;
  }

  /** Gives an object a name that is not there yet. */
  #place(parent: MemoryDirectory, name: ByteString, inode: MemoryInode): Ino {
    parent.entries.set(name, { ino: inode.ino, cookie: parent.nextCookie++ });
    if (inode.type === 'directory') parent.nlink += 1;
    else inode.nlink += 1;
    this.#touch(parent);
    return inode.ino;
  }

  #removeName(parent: MemoryDirectory, name: ByteString): void {
    parent.entries.delete(name);
    this.#touch(parent);
  }

  /** Takes one name from an object; `..` of a directory too. */
  #drop(inode: MemoryInode): void {
    if (inode.type === 'directory') {
      inode.nlink = 0;
      this.#directory(inode.parent, 'rmdir').nlink -= 1;
    } else {
      inode.nlink -= 1;
    }
    inode.ctimeNs = this.#clock.nowNs();
    if (inode.nlink === 0 && !this.#holds.has(inode.ino)) this.#forget(inode);
  }

  #forget(inode: MemoryInode): void {
    if (inode.type === 'file') this.#usedPages -= inode.bytes.pageCount;
    this.#inodes.delete(inode.ino);
    if (this.#options.reuseNumbers) this.#freeNumbers.push(inode.ino);
  }

  /** Climbs from a directory to the root: a directory cannot move beneath itself. */
  #checkNotBeneath(directory: Ino, ancestor: Ino): void {
    for (let at = directory; ;) {
      if (at === ancestor) throw new FsError('EINVAL', 'rename');
      if (at === this.root) return;
      const inode = this.#get(at, 'rename');
      if (inode.type !== 'directory' || inode.nlink === 0) return;
      at = inode.parent;
    }
  }

  #checkReplaceable(source: MemoryInode, target: MemoryInode, name: ByteString): void {
    if (target.type === 'directory') {
      if (source.type !== 'directory') throw new FsError('EISDIR', 'rename', name);
      if (target.entries.size > 0) throw new FsError('ENOTEMPTY', 'rename', name);
    } else if (source.type === 'directory') {
      throw new FsError('ENOTDIR', 'rename', name);
    }
  }

  #moveName(
    from: MemoryDirectory,
    name: ByteString,
    to: MemoryDirectory,
    newName: ByteString,
    moved: MemoryInode,
    mark: MemoryInode | undefined,
  ): void {
    const entry = to.entries.get(newName);
    if (entry) entry.ino = moved.ino;
    else to.entries.set(newName, { ino: moved.ino, cookie: to.nextCookie++ });
    const left = from.entries.get(name);
    if (mark && left) {
      left.ino = mark.ino;
      mark.nlink += 1;
    } else {
      from.entries.delete(name);
    }
    if (moved.type === 'directory') {
      moved.parent = to.ino;
      from.nlink -= 1;
      to.nlink += 1;
    }
    this.#touch(from);
    this.#touch(to);
    moved.ctimeNs = to.ctimeNs;
  }

  #exchange(
    from: MemoryDirectory,
    name: ByteString,
    source: MemoryInode,
    to: MemoryDirectory,
    newName: ByteString,
    target: MemoryInode,
  ): void {
    const [left, right] = [from.entries.get(name), to.entries.get(newName)];
    if (!left || !right) throw new FsError('ENOENT', 'rename', name);
    left.ino = target.ino;
    right.ino = source.ino;
    this.#touch(from);
    this.#touch(to);
    for (const [inode, before, after] of [
      [this.#edit(source.ino, 'rename'), from, to],
      [this.#edit(target.ino, 'rename'), to, from],
    ] as const) {
      inode.ctimeNs = to.ctimeNs;
      if (inode.type !== 'directory') continue;
      inode.parent = after.ino;
      before.nlink -= 1;
      after.nlink += 1;
    }
  }

  #resize(inode: MemoryInode, size: number): void {
    const file = this.#file(inode, 'setattr');
    if (size < 0) throw new FsError('EINVAL', 'setattr');
    if (size > (this.#options.fileSizeLimit ?? Number.MAX_SAFE_INTEGER))
      throw new FsError('EFBIG', 'setattr');
    this.#counted(file, () => {
      file.bytes.truncate(size);
    });
  }

  #freePages(): number {
    const { capacity } = this.#options;
    return capacity === undefined ? Infinity : Math.floor(capacity / PAGE_SIZE) - this.#usedPages;
  }

  #counted(file: MemoryFile, change: () => void): void {
    const before = file.bytes.pageCount;
    change();
    this.#usedPages += file.bytes.pageCount - before;
  }

  /** Content or names changed: both times move, a kept listing is void. */
  #touch(inode: MemoryInode): void {
    inode.mtimeNs = inode.ctimeNs = this.#clock.nowNs();
    if (inode.type === 'directory') inode.listing = undefined;
  }

  /** Relatime: only when the access is older than the last change, or than a day. */
  #touchAccessTime(file: MemoryFile): void {
    const now = this.#clock.nowNs();
    const stale = file.atimeNs <= file.mtimeNs || file.atimeNs <= file.ctimeNs || now - file.atimeNs >= dayNs;
    if (!this.readOnly && stale) this.#edit(file.ino, 'read').atimeNs = now;
  }

  #checkXattrs(name: ByteString, call: FileSystemCall): void {
    if (this.#options.xattrs === false) throw new FsError('EOPNOTSUPP', call, name);
    checkXattrName(name, call);
  }
}

/** First index whose cookie is above `cookie`; the listing ascends. */
function firstAfter(listing: readonly DirectoryEntry[], cookie: number): number {
  let [low, high] = [0, listing.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((listing[middle]?.cookie ?? Infinity) <= cookie) low = middle + 1;
    else high = middle;
  }
  return low;
}
