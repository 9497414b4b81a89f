/**
 * A folder of the host as a file system: names are bytes, an object is known by device and inode number.
 *
 * An object is reached through a name it was met by; one that lost its name while it is held, through a descriptor.
 * Before an object is used its number is checked: a folder changed by others answers ESTALE, never another object.
 * Reading moves no access time. What is mounted inside the folder does not show, except to a user who may not mount:
 * there it is crossed into, with numbers of its own.
 */
import { hostCalls } from '../../addon/index.js';
import type { HostCalls } from '../../addon/index.js';
import type { ByteString } from '../../core/index.js';
import { errnoNumbers, FsError } from '../errno.js';
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
import { HostContent } from './host-content.js';
import type { FallocateMode } from './host-content.js';
import { checkDone, hostFailure } from './host-failure.js';
import { HostListings } from './host-listings.js';
import { HostNameChanges } from './host-name-changes.js';
import { HostObjects } from './host-objects.js';
import { HostXattrs } from './host-xattrs.js';

/** How a folder is used. */
export interface HostOptions {
  readonly readOnly?: boolean;
  /**
   * Nobody else changes the folder while it is open: what is known of an object then holds until this file system
   * changes something itself, which saves most calls to the system.
   */
  readonly unshared?: boolean;
}

/** A folder of the host; see `FileSystem` for its calls. Closing it gives back all descriptors. */
export class HostFileSystem implements FileSystem, Disposable {
  readonly kind = 'host';
  readonly root: Ino;
  readonly readOnly: boolean;
  readonly folder: ByteString;

  readonly #calls: HostCalls;
  readonly #objects: HostObjects;
  readonly #changes: HostNameChanges;
  readonly #listings: HostListings;
  readonly #content: HostContent;
  readonly #xattrs: HostXattrs;

  /**
   * @param folder  path of an existing directory, as bytes
   * @throws FsError ENOENT, ENOTDIR, EACCES; EnvironmentError FW_ENV_ADDON_MISSING
   */
  constructor(folder: ByteString, { readOnly = false, unshared = false }: HostOptions = {}) {
    this.folder = folder;
    this.readOnly = readOnly;
    this.#calls = hostCalls();
    this.#objects = new HostObjects(this.#calls, folder, unshared, (node) => {
      this.#content.drop(node);
      this.#listings.drop(node);
    });
    this.#changes = new HostNameChanges(this.#calls, this.#objects);
    this.#listings = new HostListings(this.#calls, this.#objects);
    this.#content = new HostContent(this.#calls, this.#objects);
    this.#xattrs = new HostXattrs(this.#calls, this.#objects);
    this.root = this.#objects.root.ino;
  }

  [Symbol.dispose](): void {
    this.#content.clear();
    this.#objects.clear();
  }

  lookup(directory: Ino, name: ByteString): Ino | undefined {
    if (name.length > 255) throw new FsError('ENAMETOOLONG', 'lookup', name);
    const parent = this.#objects.node(directory, 'lookup');
    if (!parent.isDirectory) throw new FsError('ENOTDIR', 'lookup', name);
    if (this.#objects.unshared && parent.listing?.stale === false) return parent.listing.get(name)?.ino;
    const path = `${this.#objects.path(parent)}/${name}`;
    const error = this.#calls.stat(path, false, this.#objects.block.slots);
    if (error === errnoNumbers.ENOENT) return undefined;
    checkDone(error, 'lookup', name);
    const node = this.#objects.met(parent, name);
    this.#objects.remember(node);
    return node.ino;
  }

  meet(directory: Ino, wanted: ReadonlySet<Ino>): void {
    const missing = new Set([...wanted].filter((ino) => !this.#objects.has(ino)));
    const pending = [directory];
    for (let at = pending.pop(); at !== undefined && missing.size > 0; at = pending.pop()) {
      for (const { ino, type } of this.readdir(at)) {
        missing.delete(ino);
        if (type === 'directory') pending.push(ino);
      }
    }
  }

  parent(directory: Ino): Ino {
    const node = this.#objects.node(directory, 'parent');
    if (!node.isDirectory) throw new FsError('ENOTDIR', 'parent');
    if (directory === this.root) return directory;
    const [first] = node.names;
    if (!first) throw new FsError('ENOENT', 'parent');
    return first.directory.ino;
  }

  getattr(ino: Ino): Attributes {
    return this.#objects.getattr(ino);
  }

  setattr(ino: Ino, change: AttributeChange): Attributes {
    this.#beginChange('setattr');
    const node = this.#objects.node(ino, 'setattr');
    const before = this.#objects.look(node, 'setattr');
    const [path, follow] = this.#objects.place(node);
    if (change.size !== undefined) {
      if (before.type !== 'file')
        throw new FsError(before.type === 'directory' ? 'EISDIR' : 'EINVAL', 'setattr');
      checkDone(this.#calls.truncate(path, change.size), 'setattr');
    }
    const owner = change.uid !== undefined || change.gid !== undefined;
    if (owner) checkDone(this.#calls.chown(path, follow, change.uid, change.gid), 'setattr');
    // A change of owner clears set-ID bits of the host's file; here what is not asked for stays.
    const mode = change.mode ?? (owner && (before.mode & 0o6000) !== 0 ? before.mode : undefined);
    if (mode !== undefined && before.type !== 'symlink')
      checkDone(this.#calls.chmod(path, mode & 0o7777), 'setattr');
    if (change.atimeNs !== undefined || change.mtimeNs !== undefined) {
      checkDone(this.#calls.setTimes(path, follow, change.atimeNs, change.mtimeNs), 'setattr');
    }
    return this.#objects.look(node, 'setattr');
  }

  readlink(ino: Ino): ByteString {
    const node = this.#objects.node(ino, 'readlink');
    this.#objects.stat(node, 'readlink');
    const target = this.#calls.readlink(this.#objects.place(node)[0]);
    if (typeof target === 'number') throw hostFailure(target, 'readlink');
    return target as ByteString;
  }

  readdir(directory: Ino, cookie = 0, limit = Infinity): readonly DirectoryEntry[] {
    const node = this.#objects.node(directory, 'readdir');
    if (!node.isDirectory) throw new FsError('ENOTDIR', 'readdir');
    return this.#listings.of(node, cookie === 0).after(cookie, limit);
  }

  mknod(directory: Ino, name: ByteString, node: NewNode): Ino {
    this.#beginChange('mknod');
    return this.#changes.mknod(directory, name, node);
  }

  mkdir(directory: Ino, name: ByteString, inode: NewInode): Ino {
    this.#beginChange('mkdir');
    return this.#changes.mkdir(directory, name, inode);
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, inode: NewInode): Ino {
    this.#beginChange('symlink');
    return this.#changes.symlink(directory, name, target, inode);
  }

  link(ino: Ino, directory: Ino, name: ByteString): void {
    this.#beginChange('link');
    this.#changes.link(ino, directory, name);
  }

  unlink(directory: Ino, name: ByteString): void {
    this.#beginChange('unlink');
    this.#changes.unlink(directory, name);
  }

  rmdir(directory: Ino, name: ByteString): void {
    this.#beginChange('rmdir');
    this.#changes.rmdir(directory, name);
  }

  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    flags: RenameFlags = {},
  ): void {
    this.#beginChange('rename');
    this.#changes.rename(directory, name, newDirectory, newName, flags);
  }

  tmpfile(directory: Ino, inode: NewInode): Ino {
    this.#beginChange('tmpfile');
    return this.#changes.tmpfile(directory, inode);
  }

  open(ino: Ino, intent: 'read' | 'write'): void {
    const node = this.#objects.node(ino, 'open');
    if (intent === 'write' && this.readOnly && !node.isDirectory) throw new FsError('EROFS', 'open');
    node.holds += 1;
  }

  release(ino: Ino): void {
    this.#objects.release(ino);
  }

  read(ino: Ino, offset: number, length: number): Uint8Array {
    const buffer = new Uint8Array(length);
    const done = this.readInto(ino, offset, buffer);
    return done === length ? buffer : buffer.slice(0, done);
  }

  readInto(ino: Ino, offset: number, into: Uint8Array): number {
    return this.#content.readInto(ino, offset, into);
  }

  write(ino: Ino, offset: number, data: Uint8Array): number {
    this.#beginChange('write');
    return this.#content.write(ino, offset, data);
  }

  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    return this.#content.seek(ino, offset, whence);
  }

  fallocate(ino: Ino, offset: number, length: number, mode: FallocateMode): void {
    this.#beginChange('fallocate');
    this.#content.fallocate(ino, offset, length, mode);
  }

  getxattr(ino: Ino, name: ByteString): Uint8Array {
    return this.#xattrs.get(ino, name);
  }

  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode: XattrMode = 'any'): void {
    this.#beginChange('setxattr');
    this.#xattrs.set(ino, name, value, mode);
  }

  listxattr(ino: Ino): readonly ByteString[] {
    return this.#xattrs.list(ino);
  }

  removexattr(ino: Ino, name: ByteString): void {
    this.#beginChange('removexattr');
    this.#xattrs.remove(ino, name);
  }

  statfs(): FileSystemStatistics {
    const { block, root } = this.#objects;
    checkDone(this.#calls.statfs(this.#objects.path(root), block.slots), 'statfs');
    return block.statistics();
  }

  sync(ino?: Ino): void {
    if (!this.readOnly) this.#content.sync(ino);
  }

  #beginChange(syscall: string): void {
    if (this.readOnly) throw new FsError('EROFS', syscall);
    this.#objects.changes += 1;
  }
}
