/**
 * A mounted JFFS2: the vfs `FileSystem` over a flash partition, as Linux's driver behaves on NOR.
 *
 * This file checks arguments and answers errnos; names are in mount-names.ts, content in mount-file.ts, space in
 * mount-space.ts, the collector in mount-collect.ts. See MOUNT.md.
 */
import { seededRandom } from '../core/index.js';
import type { ByteString, Clock } from '../core/index.js';
import type { Flash } from '../flash/index.js';
import { FsError } from '../vfs/index.js';
import type {
  AttributeChange,
  Attributes,
  DirectoryEntry,
  Errno,
  FileSystem,
  FileSystemStatistics,
  Ino,
  NewInode,
  NewNode,
  RenameFlags,
  XattrMode,
} from '../vfs/index.js';
import type { Compression } from './compression.js';
import { collectOnce } from './mount-collect.js';
import { MAX_FILE_SIZE, readContent, resize, writeContent } from './mount-file.js';
import { modeOfType, typeOfMode } from './mount-inode.js';
import type { Dirent, LiveInode } from './mount-inode.js';
import { loadInode } from './mount-load.js';
import {
  createObject,
  destroy,
  exchangeObjects,
  linkObject,
  recordOf,
  renameObject,
  unlinkObject,
} from './mount-names.js';
import type { NewObject } from './mount-names.js';
import { writeMetadata } from './mount-node.js';
import { ScanCache } from './mount-scan.js';
import { Space } from './mount-space.js';
import type { SpaceSums } from './mount-space.js';
import { Volume } from './mount-volume.js';
import type { VolumeRules } from './mount-volume.js';
import { CPU_PAGE_SIZE, HEADER_SIZE, JFFS2_NAME_MAX, ROOT_INO } from './node-layout.js';
import type { Endian } from './node-layout.js';
import { decodeAcl, encodeAcl, isAcl, joinXattrName, splitXattrName } from './node-xattr.js';

/** How to mount. */
export interface MountOptions {
  readonly endian: Endian;
  /** Time of changes; only whole seconds are kept. */
  readonly clock: Clock;
  readonly readOnly?: boolean;
  /** Block summaries are read and written, and nodes never made obsolete in place: all kernels in the field. Default. */
  readonly summary?: boolean;
  /** DE AD C0 DE ends the file system and the rest is erased, as on OpenWrt (default); else it is bad data. */
  readonly endMarker?: boolean;
  /** Compressors for what is written (mount option `compr=`); absent: none. All that exist can be read. */
  readonly compression?: Compression;
  /** Seed of what the kernel takes from its clock: the choice of blocks to collect. */
  readonly seed?: number;
  /** `step`: after each changing call one pass of the collector, if it is awake (default); `manual`: `collect` alone. */
  readonly collector?: 'step' | 'manual';
  /** Remembers scans of blocks across mounts of one chip; must have been made for the same rules. */
  readonly scanCache?: ScanCache;
  /** Called wherever the kernel lets the collector in, also inside a call; may call `collect`. */
  readonly onGap?: (fileSystem: Jffs2FileSystem) => void;
}

/** Space of a mounted volume in bytes, and its blocks by list. */
export interface SpaceReport extends Readonly<SpaceSums> {
  readonly freeBlocks: number;
  readonly erasingBlocks: number;
  readonly badBlocks: number;
  readonly reservedForWrite: number;
}

/** Makes a cache of block scans for mounts with these options; hand it to each of them. */
export function scanCacheFor(options: Pick<MountOptions, 'endian' | 'summary' | 'endMarker'>): ScanCache {
  return new ScanCache({
    endian: options.endian,
    cleanmarkerSize: HEADER_SIZE,
    summary: options.summary ?? true,
    endMarker: options.endMarker ?? true,
  });
}

/**
 * Mounts a JFFS2 partition.
 *
 * Only what the scan needs is read; inodes are checked when they are first used, or by the collector.
 *
 * @param flash  the whole partition; its content changes while mounted read-write
 * @throws FsError EINVAL below five erase blocks; EIO for foreign data or incompatible nodes; EROFS for a read-write mount of a
 *   read-only partition
 * @see jffs2-format.md 8 to 16; Linux 6.1 fs/jffs2
 */
export function mountJffs2(flash: Flash, options: MountOptions): Jffs2FileSystem {
  return new Jffs2FileSystem(flash, options);
}

/** A mounted JFFS2. */
export class Jffs2FileSystem implements FileSystem {
  readonly kind = 'jffs2';
  readonly root: Ino = ROOT_INO;
  readonly #volume: Volume;
  readonly #options: MountOptions;
  #mounted = true;

  /** Use `mountJffs2`. */
  constructor(flash: Flash, options: MountOptions) {
    const readOnly = options.readOnly ?? false;
    if (!readOnly && flash.readOnly) throw new FsError('EROFS', 'mount');
    const summary = options.summary ?? true;
    const rules: VolumeRules = {
      endian: options.endian,
      summary,
      endMarker: options.endMarker ?? true,
      cleanmarkerSize: HEADER_SIZE,
      readOnly,
      compression: options.compression ?? { mode: 'none', compressors: [] },
      clock: options.clock,
    };
    const notices: string[] = [];
    const space = new Space({
      flash,
      endian: rules.endian,
      cleanmarkerSize: rules.cleanmarkerSize,
      obsoleteInPlace: !summary,
      readOnly,
      random: seededRandom(options.seed ?? 1),
      notice: (text) => notices.push(text),
    });
    this.#options = options;
    this.#volume = new Volume(rules, space, notices, {
      collect: collectOnce,
      gap: () => this.#options.onGap?.(this),
    });
    this.#volume.mount(options.scanCache ?? scanCacheFor(options));
  }

  get readOnly(): boolean {
    return this.#volume.space.readOnly;
  }

  /** What the kernel's log would show so far. */
  get notices(): readonly string[] {
    return this.#volume.notices;
  }

  /** Tells how the space is used. */
  space(): SpaceReport {
    const { sums, free, erasingCount, bad, reserves } = this.#volume.space;
    return {
      ...sums,
      freeBlocks: free.length,
      erasingBlocks: erasingCount,
      badBlocks: bad.length,
      reservedForWrite: reserves.writeBlocks,
    };
  }

  /** Tells whether the kernel's collector thread would run now. */
  get collectorAwake(): boolean {
    return !this.readOnly && this.#volume.space.collectorAwake;
  }

  /**
   * Lets the collector make passes, as the kernel's thread does while it is awake.
   *
   * @returns passes made; less than `passes` when it went to sleep
   */
  collect(passes = Infinity): number {
    for (let made = 0; made < passes; made += 1) {
      if (!this.collectorAwake) return made;
      try {
        collectOnce(this.#volume);
      } catch (error) {
        if (error instanceof FsError) return made;
        throw error;
      }
    }
    return passes;
  }

  /** Makes one pass whether the collector is awake or not; FsError when there is nothing to do. */
  collectNow(): void {
    this.#checkWritable('jffs2');
    collectOnce(this.#volume);
  }

  /** Changes between read-only and read-write. */
  remount(readOnly: boolean): void {
    if (!readOnly && this.#volume.space.flash.readOnly) throw new FsError('EROFS', 'mount');
    this.#volume.space.readOnly = readOnly;
  }

  /** Ends the mount; nothing is left to write. Every later call answers EIO. */
  unmount(): void {
    this.#mounted = false;
  }

  [Symbol.dispose](): void {
    this.unmount();
  }

  lookup(directory: Ino, name: ByteString): Ino | undefined {
    if (name.length > JFFS2_NAME_MAX) throw new FsError('ENAMETOOLONG', 'lookup');
    return this.#directory(directory, 'lookup').names.live(name)?.ino;
  }

  parent(directory: Ino): Ino {
    return this.#directory(directory, 'parent').parent;
  }

  getattr(ino: Ino): Attributes {
    const live = this.#live(ino);
    const type = typeOfMode(live.mode);
    if (!type) throw new FsError('EIO', 'getattr');
    return {
      ino,
      type,
      mode: live.mode & 0o7777,
      nlink: live.nlink,
      uid: live.uid,
      gid: live.gid,
      rdev: live.rdev,
      size: live.size,
      blocks: Math.ceil(live.size / 512),
      atimeNs: BigInt(live.atime) * 1_000_000_000n,
      mtimeNs: BigInt(live.mtime) * 1_000_000_000n,
      ctimeNs: BigInt(live.ctime) * 1_000_000_000n,
    };
  }

  setattr(ino: Ino, change: AttributeChange): Attributes {
    this.#checkWritable('setattr');
    const live = this.#live(ino);
    const { size } = change;
    if (size !== undefined) {
      if (typeOfMode(live.mode) === 'directory') throw new FsError('EISDIR', 'setattr');
      if (typeOfMode(live.mode) !== 'file') throw new FsError('EINVAL', 'setattr');
      if (size > MAX_FILE_SIZE) throw new FsError('EFBIG', 'setattr');
      if (!Number.isSafeInteger(size) || size < 0) throw new FsError('EINVAL', 'setattr');
    }
    const { mode, uid, gid, atime, mtime, ctime } = live;
    const now = this.#volume.now();
    if (change.mode !== undefined) live.mode = (live.mode & ~0o7777) | (change.mode & 0o7777);
    if (change.uid !== undefined) live.uid = change.uid & 0xffff;
    if (change.gid !== undefined) live.gid = change.gid & 0xffff;
    if (change.atimeNs !== undefined) live.atime = secondsOf(change.atimeNs);
    live.ctime = now;
    if (change.mtimeNs !== undefined) live.mtime = secondsOf(change.mtimeNs);
    else if (size !== undefined) live.mtime = now;
    try {
      if (size === undefined) {
        writeMetadata(this.#volume, live, live.size, 'normal');
        this.#volume.writer.complete();
      } else resize(this.#volume, live, size);
    } catch (error) {
      if (error instanceof FsError) Object.assign(live, { mode, uid, gid, atime, mtime, ctime });
      throw error;
    }
    this.#afterChange();
    return this.getattr(ino);
  }

  readlink(ino: Ino): ByteString {
    const live = this.#live(ino);
    if (typeOfMode(live.mode) !== 'symlink') throw new FsError('EINVAL', 'readlink');
    return live.target;
  }

  readdir(directory: Ino, cookie = 0, limit = Infinity): readonly DirectoryEntry[] {
    const entries: DirectoryEntry[] = [];
    for (const { name, ino, type, position } of this.#directory(directory, 'readdir').names.listed()) {
      if (position <= cookie) continue;
      if (entries.length >= limit) break;
      entries.push({ name, ino, type: typeOfMode(type << 12) ?? 'file', cookie: position });
    }
    return entries;
  }

  mknod(directory: Ino, name: ByteString, node: NewNode): Ino {
    const { mode, uid, gid, type } = node;
    const rdev = type === 'char' || type === 'block' ? node.rdev : undefined;
    const object = { mode, uid, gid, typeMode: modeOfType(type), ...(rdev ? { rdev } : {}) };
    return this.#create(directory, name, object, 'mknod');
  }

  mkdir(directory: Ino, name: ByteString, inode: NewInode): Ino {
    return this.#create(directory, name, { ...inode, typeMode: modeOfType('directory') }, 'mkdir');
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, inode: NewInode): Ino {
    if (target.length > JFFS2_NAME_MAX) throw new FsError('ENAMETOOLONG', 'symlink');
    if (target.length === 0) throw new FsError('ENOENT', 'symlink');
    const object = { ...inode, mode: 0o777, typeMode: modeOfType('symlink'), target };
    return this.#create(directory, name, object, 'symlink');
  }

  #create(directory: Ino, name: ByteString, object: NewObject, syscall: string): Ino {
    this.#checkWritable(syscall);
    const parent = this.#vacantName(directory, name, syscall);
    const live = createObject(this.#volume, parent, name, object);
    this.#afterChange();
    return live.record.ino;
  }

  link(ino: Ino, directory: Ino, name: ByteString): void {
    this.#checkWritable('link');
    const parent = this.#vacantName(directory, name, 'link');
    const live = this.#live(ino);
    if (typeOfMode(live.mode) === 'directory') throw new FsError('EPERM', 'link');
    if (live.nlink === 0) throw new FsError('ENOENT', 'link');
    linkObject(this.#volume, live, parent, name);
    this.#afterChange();
  }

  unlink(directory: Ino, name: ByteString): void {
    this.#checkWritable('unlink');
    const parent = this.#directory(directory, 'unlink');
    const dirent = existing(parent, name, 'unlink');
    if (typeOfMode(this.#live(dirent.ino).mode) === 'directory') throw new FsError('EISDIR', 'unlink');
    unlinkObject(this.#volume, parent, dirent);
    this.#afterChange();
  }

  rmdir(directory: Ino, name: ByteString): void {
    this.#checkWritable('rmdir');
    const parent = this.#directory(directory, 'rmdir');
    const dirent = existing(parent, name, 'rmdir');
    const live = this.#live(dirent.ino);
    if (typeOfMode(live.mode) !== 'directory') throw new FsError('ENOTDIR', 'rmdir');
    if (!live.names.isEmpty) throw new FsError('ENOTEMPTY', 'rmdir');
    unlinkObject(this.#volume, parent, dirent);
    this.#afterChange();
  }

  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    flags: RenameFlags = {},
  ): void {
    this.#checkWritable('rename');
    const fail = (code: Errno): never => {
      throw new FsError(code, 'rename');
    };
    const from = this.#directory(directory, 'rename');
    const to = this.#directory(newDirectory, 'rename');
    if (flags.exchange && (flags.noreplace || flags.whiteout)) fail('EINVAL');
    const source = this.#live(existing(from, name, 'rename').ino);
    checkName(newName, 'rename');
    const target = to.names.live(newName);
    if (to.nlink === 0) fail('ENOENT');
    if (target && flags.noreplace) fail('EEXIST');
    if (!target && flags.exchange) fail('ENOENT');
    const victim = target && this.#live(target.ino);
    this.#checkNoLoop(source, to);
    if (victim && flags.exchange) this.#checkNoLoop(victim, from);
    if (victim === source) return;
    const plan = { from, name, source, to, newName, victim, flags };
    if (victim && flags.exchange) exchangeObjects(this.#volume, { ...plan, victim });
    else {
      if (victim) {
        const isDirectory = typeOfMode(source.mode) === 'directory';
        if (typeOfMode(victim.mode) === 'directory') {
          if (!isDirectory) fail('EISDIR');
          if (!victim.names.isEmpty) fail('ENOTEMPTY');
        } else if (isDirectory) fail('ENOTDIR');
      }
      renameObject(this.#volume, plan);
    }
    this.#afterChange();
  }

  /** A directory must not come to lie in itself. */
  #checkNoLoop(moved: LiveInode, to: LiveInode): void {
    if (typeOfMode(moved.mode) !== 'directory') return;
    for (let at = to; ; at = this.#live(at.parent)) {
      if (at === moved) throw new FsError('EINVAL', 'rename');
      if (at.record.ino === ROOT_INO) return;
    }
  }

  /** JFFS2 has none: EOPNOTSUPP. */
  tmpfile(): never {
    throw new FsError('EOPNOTSUPP', 'tmpfile');
  }

  open(ino: Ino, intent: 'read' | 'write'): void {
    if (intent === 'write') this.#checkWritable('open');
    this.#live(ino).holds += 1;
  }

  release(ino: Ino): void {
    const live = this.#live(ino);
    if (live.holds > 0) live.holds -= 1;
    if (live.holds === 0 && live.nlink === 0) destroy(this.#volume, live);
  }

  read(ino: Ino, offset: number, length: number): Uint8Array {
    const live = this.#file(ino, 'read');
    const available = Math.max(0, Math.min(length, live.size - offset));
    return readContent(this.#volume, live, offset, available);
  }

  write(ino: Ino, offset: number, data: Uint8Array): number {
    this.#checkWritable('write');
    const live = this.#file(ino, 'write');
    if (offset + data.length > MAX_FILE_SIZE) throw new FsError('EFBIG', 'write');
    const written = writeContent(this.#volume, live, offset, data);
    this.#afterChange();
    return written;
  }

  /** Holes are not told apart, as in the kernel: all is data, the hole is at the end. */
  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    const { size } = this.#file(ino, 'seek');
    if (offset >= size || offset < 0) throw new FsError('ENXIO', 'seek');
    return whence === 'data' ? offset : size;
  }

  /** JFFS2 has none: EOPNOTSUPP. */
  fallocate(): never {
    throw new FsError('EOPNOTSUPP', 'fallocate');
  }

  getxattr(ino: Ino, name: ByteString): Uint8Array {
    const { xprefix, rest } = splitName(name, 'getxattr');
    const value = this.#volume.xattrs.get(this.#live(ino).record, xprefix, rest);
    if (!value) throw new FsError('ENODATA', 'getxattr');
    const shown = isAcl(xprefix) ? decodeAcl(value, this.#options.endian) : value;
    if (!shown) throw new FsError('EIO', 'getxattr');
    return shown;
  }

  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode: XattrMode = 'any'): void {
    this.#checkWritable('setxattr');
    const { xprefix, rest } = splitName(name, 'setxattr');
    const stored = isAcl(xprefix) ? encodeAcl(value, this.#options.endian) : value;
    if (!stored) throw new FsError('EINVAL', 'setxattr');
    this.#volume.xattrs.set(this.#volume.writer, this.#live(ino).record, xprefix, rest, stored, mode);
    this.#afterChange();
  }

  listxattr(ino: Ino): readonly ByteString[] {
    return this.#volume.xattrs
      .list(this.#live(ino).record)
      .flatMap(({ xprefix, name }) => joinXattrName(xprefix, name) ?? []);
  }

  removexattr(ino: Ino, name: ByteString): void {
    this.#checkWritable('removexattr');
    const { xprefix, rest } = splitName(name, 'removexattr');
    this.#volume.xattrs.remove(this.#volume.writer, this.#live(ino).record, xprefix, rest);
    this.#afterChange();
  }

  statfs(): FileSystemStatistics {
    this.#checkMounted();
    const { sums, eraseSize, reserves, blocks } = this.#volume.space;
    const spare = Math.max(0, sums.dirty + sums.free - eraseSize * reserves.writeBlocks);
    const free = Math.floor(spare / CPU_PAGE_SIZE);
    return {
      blockSize: CPU_PAGE_SIZE,
      blocks: Math.floor((blocks.length * eraseSize) / CPU_PAGE_SIZE),
      blocksFree: free,
      blocksAvailable: free,
      files: 0,
      filesFree: 0,
      nameMax: JFFS2_NAME_MAX,
    };
  }

  /** On NOR everything is on flash when a call returns. */
  sync(): void {
    this.#checkMounted();
  }

  #afterChange(): void {
    if ((this.#options.collector ?? 'step') === 'step') this.collect(1);
  }

  #checkMounted(): void {
    if (!this.#mounted) throw new FsError('EIO', 'jffs2');
  }

  #checkWritable(syscall: string): void {
    this.#checkMounted();
    if (this.readOnly) throw new FsError('EROFS', syscall);
  }

  #live(ino: Ino): LiveInode {
    this.#checkMounted();
    return loadInode(this.#volume, recordOf(this.#volume, ino));
  }

  #directory(ino: Ino, syscall: string): LiveInode {
    const live = this.#live(ino);
    if (typeOfMode(live.mode) !== 'directory') throw new FsError('ENOTDIR', syscall);
    return live;
  }

  #file(ino: Ino, syscall: string): LiveInode {
    const live = this.#live(ino);
    const type = typeOfMode(live.mode);
    if (type === 'directory') throw new FsError('EISDIR', syscall);
    if (type !== 'file') throw new FsError('EINVAL', syscall);
    return live;
  }

  /** Finds a directory in which a name is not taken. */
  #vacantName(directory: Ino, name: ByteString, syscall: string): LiveInode {
    const live = this.#directory(directory, syscall);
    checkName(name, syscall);
    if (live.nlink === 0) throw new FsError('ENOENT', syscall);
    if (live.names.live(name)) throw new FsError('EEXIST', syscall);
    return live;
  }
}

function existing(directory: LiveInode, name: ByteString, syscall: string): Dirent {
  checkName(name, syscall);
  const dirent = directory.names.live(name);
  if (!dirent) throw new FsError('ENOENT', syscall);
  return dirent;
}

function checkName(name: ByteString, syscall: string): void {
  if (name.length > JFFS2_NAME_MAX) throw new FsError('ENAMETOOLONG', syscall);
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0'))
    throw new FsError('EINVAL', syscall);
}

function splitName(
  name: ByteString,
  syscall: string,
): { readonly xprefix: number; readonly rest: ByteString } {
  const split = splitXattrName(name);
  if (!split) throw new FsError('EOPNOTSUPP', syscall);
  return split;
}

function secondsOf(timeNs: bigint): number {
  return Number(BigInt.asUintN(32, timeNs / 1_000_000_000n));
}
