/**
 * A folder of the host as a file system: names are bytes, an object is known by device and inode number.
 *
 * An object is reached through a name it was met by; one that lost its name while it is held, through a descriptor.
 * Before an object is used its number is checked: a folder changed by others answers ESTALE, never another object.
 * Reading moves no access time. What is mounted inside the folder is crossed into, with numbers of its own.
 */
import { hostCalls } from '../../addon/index.js';
import type { HostCalls } from '../../addon/index.js';
import type { ByteString } from '../../core/index.js';
import { errnoNumbers, FsError } from '../errno.js';
import type { Errno } from '../errno.js';
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
import { typeBits, typeOfMode } from '../type-bits.js';
import { checkXattrName, checkXattrValue } from '../xattr-names.js';
import { DescriptorCache } from './descriptor-cache.js';
import { attributesFrom, slotsOfAttributes } from './host-attributes.js';
import { HostListing } from './host-listing.js';
import type { HostName, HostNode } from './host-node.js';

/** How a folder is used. */
export interface HostOptions {
  readonly readOnly?: boolean;
  /**
   * Nobody else changes the folder while it is open: what is known of an object then holds until this file system
   * changes something itself, which saves most calls to the system.
   */
  readonly unshared?: boolean;
}

const errnoNames = new Map<number, Errno>(
  Object.entries(errnoNumbers).map(([name, number]) => [number, name as Errno]),
);

const [O_RDONLY, O_RDWR, O_NOFOLLOW, O_NOATIME, O_PATH, O_TMPFILE] = [
  0, 2, 0o400000, 0o1000000, 0o10000000, 0o20200000,
];
const fallocateModes = { allocate: 0, 'keep-size': 1, 'punch-hole': 3, zero: 16 } as const;
const xattrModes = { any: 0, create: 1, replace: 2 } as const;
/** Numbers for objects of other devices start here; no file system of Linux goes so high in practice. */
const foreignNumbers = 2 ** 52;
/** Slots that tell which object a name leads to: device, number, type. */
const slotsUsedOfName = 3;
/** Listings kept at one time. */
const listingLimit = 64;

/** A folder of the host; see `FileSystem` for its calls. Closing it gives back all descriptors. */
export class HostFileSystem implements FileSystem, Disposable {
  readonly kind = 'host';
  readonly root: Ino;
  readonly readOnly: boolean;
  readonly folder: ByteString;

  readonly #calls: HostCalls;
  readonly #nodes = new Map<Ino, HostNode>();
  readonly #foreign = new Map<string, Ino>();
  readonly #descriptors: DescriptorCache;
  readonly #listed = new Set<HostNode>();
  readonly #block = new Float64Array(16);
  readonly #times = new BigInt64Array(this.#block.buffer);
  readonly #device: number;
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #unshared: boolean;
  /** Counts the changes made here: what was known before one is void. */
  #changes = 0;

  /**
   * @param folder  path of an existing directory, as bytes
   * @throws FsError ENOENT, ENOTDIR, EACCES; EnvironmentError FW_ENV_ADDON_MISSING
   */
  constructor(folder: ByteString, { readOnly = false, unshared = false }: HostOptions = {}) {
    this.#calls = hostCalls();
    this.#descriptors = new DescriptorCache(this.#calls);
    this.folder = folder;
    this.readOnly = readOnly;
    this.#unshared = unshared;
    // A descriptor keeps the folder when its path is renamed or mounted over.
    const anchor = this.#calls.open(folder, O_PATH, 0);
    if (anchor < 0) throw this.#failure(-anchor, 'open', folder);
    const path = `/proc/self/fd/${anchor}/.`;
    const error = this.#calls.stat(path, false, this.#block);
    if (error !== 0) {
      this.#calls.close(anchor);
      throw this.#failure(error, 'open', folder);
    }
    this.#device = this.#slot(0);
    this.root = this.#slot(1);
    this.#nodes.set(this.root, {
      ino: this.root,
      device: this.#device,
      hostIno: this.root,
      isDirectory: true,
      names: [],
      holds: 1,
      anchor,
      listing: undefined,
      known: undefined,
    });
  }

  [Symbol.dispose](): void {
    this.#descriptors.clear();
    for (const node of this.#nodes.values()) if (node.anchor !== undefined) this.#calls.close(node.anchor);
    this.#nodes.clear();
  }

  lookup(directory: Ino, name: ByteString): Ino | undefined {
    if (name.length > 255) throw new FsError('ENAMETOOLONG', 'lookup', name);
    const parent = this.#node(directory, 'lookup');
    if (!parent.isDirectory) throw new FsError('ENOTDIR', 'lookup', name);
    if (this.#unshared && parent.listing?.stale === false) return parent.listing.get(name)?.ino;
    const error = this.#calls.stat(`${this.#path(parent)}/${name}`, false, this.#block);
    if (error === errnoNumbers.ENOENT) return undefined;
    if (error !== 0) throw this.#failure(error, 'lookup', name);
    const node = this.#met(parent, name);
    this.#remember(node);
    return node.ino;
  }

  meet(directory: Ino, wanted: ReadonlySet<Ino>): void {
    const missing = new Set([...wanted].filter((ino) => !this.#nodes.has(ino)));
    const pending = [directory];
    for (let at = pending.pop(); at !== undefined && missing.size > 0; at = pending.pop()) {
      for (const { ino, type } of this.readdir(at)) {
        missing.delete(ino);
        if (type === 'directory') pending.push(ino);
      }
    }
  }

  parent(directory: Ino): Ino {
    const node = this.#node(directory, 'parent');
    if (!node.isDirectory) throw new FsError('ENOTDIR', 'parent');
    if (directory === this.root) return directory;
    const [first] = node.names;
    if (!first) throw new FsError('ENOENT', 'parent');
    return first.directory.ino;
  }

  getattr(ino: Ino): Attributes {
    const node = this.#node(ino, 'getattr');
    if (node.known?.changes === this.#changes) return node.known.read();
    this.#stat(node, 'getattr');
    return this.#remember(node);
  }

  setattr(ino: Ino, change: AttributeChange): Attributes {
    this.#writable('setattr');
    const node = this.#node(ino, 'setattr');
    this.#stat(node, 'setattr');
    const before = this.#attributes(node);
    const [path, follow] = this.#place(node);
    if (change.size !== undefined) {
      if (before.type !== 'file')
        throw new FsError(before.type === 'directory' ? 'EISDIR' : 'EINVAL', 'setattr');
      this.#check(this.#calls.truncate(path, change.size), 'setattr');
    }
    const owner = change.uid !== undefined || change.gid !== undefined;
    if (owner) this.#check(this.#calls.chown(path, follow, change.uid, change.gid), 'setattr');
    // A change of owner clears set-ID bits of the host's file; here what is not asked for stays.
    const mode = change.mode ?? (owner && (before.mode & 0o6000) !== 0 ? before.mode : undefined);
    if (mode !== undefined && before.type !== 'symlink')
      this.#check(this.#calls.chmod(path, mode & 0o7777), 'setattr');
    if (change.atimeNs !== undefined || change.mtimeNs !== undefined) {
      this.#check(this.#calls.setTimes(path, follow, change.atimeNs, change.mtimeNs), 'setattr');
    }
    this.#stat(node, 'setattr');
    return this.#attributes(node);
  }

  readlink(ino: Ino): ByteString {
    const node = this.#node(ino, 'readlink');
    this.#stat(node, 'readlink');
    const target = this.#calls.readlink(this.#place(node)[0]);
    if (typeof target === 'number') throw this.#failure(target, 'readlink');
    return target as ByteString;
  }

  readdir(directory: Ino, cookie = 0, limit = Infinity): readonly DirectoryEntry[] {
    const node = this.#node(directory, 'readdir');
    if (!node.isDirectory) throw new FsError('ENOTDIR', 'readdir');
    return this.#listing(node, cookie === 0).after(cookie, limit);
  }

  mknod(directory: Ino, name: ByteString, { type, mode, uid, gid, rdev }: NewNode): Ino {
    return this.#make('mknod', directory, name, { mode, uid, gid }, (path) =>
      this.#calls.mknod(path, typeBits[type] | 0o600, rdev?.major ?? 0, rdev?.minor ?? 0),
    );
  }

  mkdir(directory: Ino, name: ByteString, inode: NewInode): Ino {
    return this.#make('mkdir', directory, name, inode, (path) => this.#calls.mkdir(path, 0o700));
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, inode: NewInode): Ino {
    return this.#make('symlink', directory, name, { ...inode, mode: -1 }, (path) =>
      this.#calls.symlink(target, path),
    );
  }

  link(ino: Ino, directory: Ino, name: ByteString): void {
    this.#writable('link');
    checkName(name, 'link');
    const node = this.#node(ino, 'link');
    this.#stat(node, 'link');
    const parent = this.#directory(directory, 'link');
    this.#check(this.#calls.link(...this.#place(node), `${this.#path(parent)}/${name}`), 'link', name);
    this.#addName(node, parent, name);
  }

  unlink(directory: Ino, name: ByteString): void {
    this.#remove('unlink', directory, name, (path) => this.#calls.unlink(path));
  }

  rmdir(directory: Ino, name: ByteString): void {
    this.#remove('rmdir', directory, name, (path) => this.#calls.rmdir(path));
  }

  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    flags: RenameFlags = {},
  ): void {
    this.#writable('rename');
    checkName(name, 'rename');
    checkName(newName, 'rename');
    const [from, to] = [this.#directory(directory, 'rename'), this.#directory(newDirectory, 'rename')];
    const [fromPath, toPath] = [`${this.#path(from)}/${name}`, `${this.#path(to)}/${newName}`];
    const moved = this.#nodeAt(from, name);
    const target = this.#nodeAt(to, newName);
    const replaced = target !== moved && !flags.exchange ? target : undefined;
    if (replaced) this.#anchor(replaced, to, newName);
    const bits = (flags.noreplace ? 1 : 0) | (flags.exchange ? 2 : 0) | (flags.whiteout ? 4 : 0);
    const error = this.#calls.rename(fromPath, toPath, bits);
    if (error !== 0) {
      if (replaced) this.#unanchor(replaced);
      // Linux looks at the target first: a directory that holds the source is not empty.
      throw this.#failure(error, 'rename', name);
    }
    if (moved && moved === target) return;
    if (replaced) this.#dropName(replaced, to, newName);
    if (moved) {
      this.#forgetName(moved, from, name);
      this.#addName(moved, to, newName);
    }
    if (flags.exchange && target) {
      this.#forgetName(target, to, newName);
      this.#addName(target, from, name);
    }
    this.#touched(from);
    this.#touched(to);
  }

  tmpfile(directory: Ino, { mode, uid, gid }: NewInode): Ino {
    this.#writable('tmpfile');
    const parent = this.#directory(directory, 'tmpfile');
    const descriptor = this.#calls.open(this.#path(parent), O_TMPFILE | O_RDWR, 0o600);
    if (descriptor < 0) throw this.#failure(-descriptor, 'tmpfile');
    const path = `/proc/self/fd/${descriptor}`;
    this.#check(this.#calls.stat(path, true, this.#block), 'tmpfile');
    const node = this.#newNode([], descriptor);
    this.#setOwner(path, true, { mode, uid, gid });
    return node.ino;
  }

  open(ino: Ino, intent: 'read' | 'write'): void {
    const node = this.#node(ino, 'open');
    if (intent === 'write' && this.readOnly && !node.isDirectory) throw new FsError('EROFS', 'open');
    node.holds += 1;
  }

  release(ino: Ino): void {
    const node = this.#nodes.get(ino);
    if (!node || ino === this.root) return;
    node.holds = Math.max(0, node.holds - 1);
    if (node.holds === 0) this.#letGo(node);
  }

  read(ino: Ino, offset: number, length: number): Uint8Array {
    const buffer = new Uint8Array(length);
    const done = this.readInto(ino, offset, buffer);
    return done === length ? buffer : buffer.slice(0, done);
  }

  readInto(ino: Ino, offset: number, into: Uint8Array): number {
    const descriptor = this.#descriptor(ino, false, 'read');
    let done = 0;
    while (done < into.length) {
      const count = this.#calls.read(descriptor, done === 0 ? into : into.subarray(done), offset + done);
      if (count < 0) throw this.#failure(-count, 'read');
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  write(ino: Ino, offset: number, data: Uint8Array): number {
    this.#writable('write');
    const count = this.#calls.write(this.#descriptor(ino, true, 'write'), data, offset);
    if (count < 0) throw this.#failure(-count, 'write');
    return count;
  }

  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    const found = this.#calls.seek(this.#descriptor(ino, false, 'seek'), offset, whence === 'data');
    if (found < 0) throw this.#failure(-found, 'seek');
    return found;
  }

  fallocate(ino: Ino, offset: number, length: number, mode: keyof typeof fallocateModes): void {
    this.#writable('fallocate');
    const descriptor = this.#descriptor(ino, true, 'fallocate');
    this.#check(this.#calls.allocate(descriptor, fallocateModes[mode], offset, length), 'fallocate');
  }

  getxattr(ino: Ino, name: ByteString): Uint8Array {
    checkXattrName(name, 'getxattr');
    const value = this.#calls.getxattr(...this.#checkedPlace(ino, 'getxattr'), name);
    if (typeof value === 'number') throw this.#failure(value, 'getxattr', name);
    return value;
  }

  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode: XattrMode = 'any'): void {
    this.#writable('setxattr');
    checkXattrName(name, 'setxattr');
    checkXattrValue(value, 'setxattr', name);
    const place = this.#checkedPlace(ino, 'setxattr');
    this.#check(this.#calls.setxattr(...place, name, value, xattrModes[mode]), 'setxattr', name);
  }

  listxattr(ino: Ino): readonly ByteString[] {
    const names = this.#calls.listxattr(...this.#checkedPlace(ino, 'listxattr'));
    if (names === errnoNumbers.EOPNOTSUPP) return [];
    if (typeof names === 'number') throw this.#failure(names, 'listxattr');
    return latin1(names)
      .split('\0')
      .filter((name) => name !== '') as ByteString[];
  }

  removexattr(ino: Ino, name: ByteString): void {
    this.#writable('removexattr');
    checkXattrName(name, 'removexattr');
    this.#check(
      this.#calls.removexattr(...this.#checkedPlace(ino, 'removexattr'), name),
      'removexattr',
      name,
    );
  }

  statfs(): FileSystemStatistics {
    this.#check(this.#calls.statfs(this.#path(this.#node(this.root, 'statfs')), this.#block), 'statfs');
    return {
      blockSize: this.#slot(0),
      blocks: this.#slot(1),
      blocksFree: this.#slot(2),
      blocksAvailable: this.#slot(3),
      files: this.#slot(4),
      filesFree: this.#slot(5),
      nameMax: this.#slot(6),
    };
  }

  sync(ino?: Ino): void {
    if (this.readOnly) return;
    const node = this.#node(ino ?? this.root, 'sync');
    const { type } = this.getattr(node.ino);
    // Nodes and symlinks have nothing of their own to write; opening them would do harm.
    if (ino !== undefined && type !== 'file' && type !== 'directory') return;
    const descriptor = this.#calls.open(this.#place(node)[0], O_RDONLY, 0);
    if (descriptor < 0) throw this.#failure(-descriptor, 'sync');
    const error = ino === undefined ? this.#calls.syncAll(descriptor) : this.#calls.sync(descriptor);
    this.#calls.close(descriptor);
    this.#check(error, 'sync');
  }

  #slot(index: number): number {
    return this.#block[index] ?? 0;
  }

  #failure(error: number, syscall: string, name?: string): FsError {
    return new FsError(errnoNames.get(error) ?? 'EIO', syscall, name);
  }

  #check(error: number, syscall: string, name?: string): void {
    if (error !== 0) throw this.#failure(error, syscall, name);
  }

  #writable(syscall: string): void {
    if (this.readOnly) throw new FsError('EROFS', syscall);
    this.#changes += 1;
  }

  #node(ino: Ino, syscall: string): HostNode {
    const node = this.#nodes.get(ino);
    if (!node) throw new FsError('ESTALE', syscall);
    return node;
  }

  #directory(ino: Ino, syscall: string): HostNode {
    const node = this.#node(ino, syscall);
    if (!node.isDirectory) throw new FsError('ENOTDIR', syscall);
    // The kernel would answer the same, but a path through a descriptor of a removed directory leads elsewhere.
    if (node.anchor !== undefined && node.names.length === 0 && ino !== this.root)
      throw new FsError('ENOENT', syscall);
    return node;
  }

  /** Path of an object, and whether its last component is a link to follow. */
  #place(node: HostNode): [path: string, follow: boolean] {
    if (node.names.length > 0 || node.anchor === undefined) return [this.#path(node), false];
    return [`/proc/self/fd/${node.anchor}`, true];
  }

  #path(node: HostNode): string {
    const [first] = node.names;
    if (first) return `${this.#path(first.directory)}/${first.name}`;
    if (node.anchor === undefined) throw new FsError('ESTALE', 'path');
    return node.isDirectory ? `/proc/self/fd/${node.anchor}/.` : `/proc/self/fd/${node.anchor}`;
  }

  #checkedPlace(ino: Ino, syscall: string): [path: string, follow: boolean] {
    const node = this.#node(ino, syscall);
    if (!this.#unshared) this.#stat(node, syscall);
    return this.#place(node);
  }

  /** Reads the attributes into the block; another object under the name is ESTALE. */
  #stat(node: HostNode, syscall: string): void {
    for (;;) {
      const [path, follow] = this.#place(node);
      const error = this.#calls.stat(path, follow, this.#block);
      if (error === 0 && this.#slot(1) === node.hostIno && this.#slot(0) === node.device) return;
      const gone = error === 0 || error === errnoNumbers.ENOENT || error === errnoNumbers.ENOTDIR;
      if (!gone) throw this.#failure(error, syscall);
      // Someone else removed this name; another one may still lead there.
      if (node.names.length < 2) throw new FsError('ESTALE', syscall);
      node.names.shift();
    }
  }

  #attributes(node: HostNode): Attributes {
    return attributesFrom(node.ino, this.#block, this.#times, 0);
  }

  /** Attributes that are in the block, kept until the next change when nobody else makes one. */
  #remember(node: HostNode): Attributes {
    const attributes = this.#attributes(node);
    if (this.#unshared) node.known = { read: () => attributes, changes: this.#changes };
    return attributes;
  }

  #inoFor(device: number, hostIno: number): Ino {
    if (device === this.#device) return hostIno;
    const key = `${device}:${hostIno}`;
    const known = this.#foreign.get(key) ?? foreignNumbers + this.#foreign.size;
    this.#foreign.set(key, known);
    return known;
  }

  #newNode(names: HostName[], anchor?: number): HostNode {
    const [device, hostIno] = [this.#slot(0), this.#slot(1)];
    const ino = this.#inoFor(device, hostIno);
    const isDirectory = (this.#slot(2) & 0o170000) === typeBits.directory;
    const node: HostNode = {
      ino,
      device,
      hostIno,
      isDirectory,
      names,
      holds: 0,
      anchor,
      listing: undefined,
      known: undefined,
    };
    this.#nodes.set(ino, node);
    return node;
  }

  /** The object whose attributes are in the block has been met under a name. */
  #met(directory: HostNode, name: string): HostNode {
    const isDirectory = (this.#slot(2) & 0o170000) === typeBits.directory;
    const known = this.#nodes.get(this.#inoFor(this.#slot(0), this.#slot(1)));
    // A number given again to an object of another kind: what was known of it is void.
    if (!known || known.isDirectory !== isDirectory) return this.#newNode([{ directory, name }]);
    if (!known.names.some((link) => link.directory === directory && link.name === name)) {
      if (isDirectory && known.ino !== this.root) known.names = [{ directory, name }];
      else if (known.ino !== this.root) known.names.unshift({ directory, name });
    }
    return known;
  }

  #nodeAt(directory: HostNode, name: string): HostNode | undefined {
    if (this.#calls.stat(`${this.#path(directory)}/${name}`, false, this.#block) !== 0) return undefined;
    return this.#met(directory, name);
  }

  #addName(node: HostNode, directory: HostNode, name: string): void {
    node.names.push({ directory, name });
    if (node.holds === 0 && node.anchor !== undefined) {
      this.#calls.close(node.anchor);
      node.anchor = undefined;
    }
    this.#touched(directory);
  }

  #forgetName(node: HostNode, directory: HostNode, name: string): void {
    node.names = node.names.filter((link) => link.directory !== directory || link.name !== name);
    this.#touched(directory);
  }

  /** A name is about to go: an object that is held, or has further names that were never met, gets a descriptor. */
  #anchor(node: HostNode, directory: HostNode, name: string): void {
    if (node.anchor !== undefined || node.names.length > 1) return;
    const moreNames = !node.isDirectory && this.#slot(3) > 1;
    if (node.holds === 0 && !moreNames) return;
    const descriptor = this.#calls.open(`${this.#path(directory)}/${name}`, O_PATH | O_NOFOLLOW, 0);
    if (descriptor >= 0) node.anchor = descriptor;
  }

  #unanchor(node: HostNode): void {
    if (node.anchor === undefined || node.ino === this.root || node.names.length === 0) return;
    this.#calls.close(node.anchor);
    node.anchor = undefined;
  }

  /** A name is gone; with the last one goes the object, unless a descriptor keeps it. */
  #dropName(node: HostNode, directory: HostNode, name: string): void {
    this.#forgetName(node, directory, name);
    if (node.names.length === 0 && node.holds === 0) this.#letGo(node);
  }

  #letGo(node: HostNode): void {
    if (node.names.length > 0) {
      this.#unanchor(node);
      return;
    }
    if (node.anchor !== undefined) {
      // Other names may exist that were never met: then the descriptor stays the way to the object.
      const error = this.#calls.stat(`/proc/self/fd/${node.anchor}`, true, this.#block);
      if (error === 0 && this.#slot(3) > 0 && !node.isDirectory) return;
      this.#calls.close(node.anchor);
      node.anchor = undefined;
    }
    this.#descriptors.drop(node);
    this.#listed.delete(node);
    if (this.#nodes.get(node.ino) === node) this.#nodes.delete(node.ino);
  }

  #make(
    syscall: string,
    directory: Ino,
    name: ByteString,
    inode: NewInode,
    call: (path: string) => number,
  ): Ino {
    this.#writable(syscall);
    checkName(name, syscall);
    const parent = this.#directory(directory, syscall);
    const path = `${this.#path(parent)}/${name}`;
    this.#check(call(path), syscall, name);
    this.#touched(parent);
    this.#setOwner(path, false, inode);
    this.#check(this.#calls.stat(path, false, this.#block), syscall, name);
    return this.#met(parent, name).ino;
  }

  /** Owner first: a change of it clears set-ID bits. A mode of −1 is a symlink's, which has none. */
  #setOwner(path: string, follow: boolean, { mode, uid, gid }: NewInode): void {
    this.#check(this.#calls.stat(path, follow, this.#block), 'chown');
    if (this.#slot(4) !== uid || this.#slot(5) !== gid) {
      const error = this.#calls.chown(path, follow, uid, gid);
      // A plain user cannot give files away; they stay his own, as with any archive he unpacks.
      if (error !== 0 && (error !== errnoNumbers.EPERM || this.#uid === 0))
        throw this.#failure(error, 'chown');
    }
    if (mode >= 0 && (this.#slot(2) & 0o7777) !== mode)
      this.#check(this.#calls.chmod(path, mode & 0o7777), 'chmod');
  }

  #remove(syscall: string, directory: Ino, name: ByteString, call: (path: string) => number): void {
    this.#writable(syscall);
    checkName(name, syscall);
    const parent = this.#directory(directory, syscall);
    const path = `${this.#path(parent)}/${name}`;
    const node = this.#nodeAt(parent, name);
    if (node) this.#anchor(node, parent, name);
    const error = call(path);
    if (error !== 0) {
      if (node) this.#unanchor(node);
      throw this.#failure(error, syscall, name);
    }
    if (node) this.#dropName(node, parent, name);
    this.#touched(parent);
  }

  #touched(directory: HostNode): void {
    if (directory.listing) directory.listing.stale = true;
  }

  #descriptor(ino: Ino, writable: boolean, syscall: string): number {
    const node = this.#node(ino, syscall);
    if (node.isDirectory) throw new FsError('EISDIR', syscall);
    const cached = this.#descriptors.get(node, writable);
    if (cached !== undefined) return cached;
    this.#stat(node, syscall);
    if (typeOfMode(this.#slot(2)) !== 'file') throw new FsError('EINVAL', syscall);
    const [path] = this.#place(node);
    const mode = writable ? O_RDWR : O_RDONLY | O_NOATIME;
    let descriptor = this.#calls.open(path, mode, 0);
    // Only the owner may ask for O_NOATIME.
    if (descriptor === -errnoNumbers.EPERM && !writable) descriptor = this.#calls.open(path, O_RDONLY, 0);
    if (descriptor < 0) throw this.#failure(-descriptor, syscall);
    this.#descriptors.put(node, descriptor, writable);
    return descriptor;
  }

  #listing(node: HostNode, fresh: boolean): HostListing {
    const old = node.listing;
    if (old && !old.stale && (!fresh || this.#unshared)) return old;
    if (node.names.length === 0 && node.ino !== this.root) return new HostListing([]);
    const found = this.#calls.list(this.#path(node));
    if (typeof found === 'number') throw this.#failure(found, 'readdir');
    const names = latin1(found.names).split('\0');
    names.pop();
    const times = new BigInt64Array(found.attributes.buffer);
    const changes = this.#changes;
    const entries = names.map((name, index) => {
      const base = index * slotsOfAttributes;
      for (let at = 0; at < slotsUsedOfName; at++) this.#block[at] = found.attributes[base + at] ?? 0;
      const met = this.#met(node, name);
      if (this.#unshared) {
        const read = (): Attributes => attributesFrom(met.ino, found.attributes, times, base);
        met.known = { read, changes };
      }
      return { name: name as ByteString, ino: met.ino, type: typeOfMode(this.#slot(2)) ?? 'file' };
    });
    const listing = new HostListing(entries, old);
    node.listing = listing;
    this.#listed.delete(node);
    this.#listed.add(node);
    if (this.#listed.size > listingLimit) {
      for (const oldest of this.#listed) {
        oldest.listing = undefined;
        this.#listed.delete(oldest);
        break;
      }
    }
    return listing;
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
