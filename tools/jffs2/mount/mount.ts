/**
 * A mounted JFFS2: the vfs `FileSystem` over a flash partition, as Linux's driver behaves on NOR.
 *
 * This file is the mount itself and the straight-through face; the operations are in mount/operations.ts. See MOUNT.md.
 */
import { seededRandom } from '../../core/index.js';
import type { ByteString, Clock } from '../../core/index.js';
import type { Flash } from '../../flash/index.js';
import { FsError, runStraight, Task } from '../../vfs/index.js';
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
  Startable,
  XattrMode,
} from '../../vfs/index.js';
import type { Compression } from '../compression/compression.js';
import { auditVolume } from './audit.js';
import { mountVolume } from './build.js';
import { collectOnce } from './collect.js';
import type { LiveInode } from './inode.js';
import { entriesOf, lookupIn, shownAttributes } from './inode-view.js';
import { checkMounted, Jffs2Operations } from './operations.js';
import { ScanCache } from './scan.js';
import { Space } from './space.js';
import type { SpaceSums } from './space.js';
import { Volume } from './volume.js';
import type { VolumeRules } from './volume.js';
import { CPU_PAGE_SIZE, HEADER_SIZE, JFFS2_NAME_MAX, ROOT_INO } from '../node/layout.js';
import type { Endian } from '../node/layout.js';

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
  /** Two entries of the log, as in OpenWrt's kernels. */
  readonly atomicRename = false;
  readonly root: Ino = ROOT_INO;
  /** The operations in the form that a `Scheduler` can stop and resume. */
  readonly operations: Jffs2Operations;
  readonly #volume: Volume;
  readonly #options: MountOptions;
  readonly #task = new Task(false);

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
    this.#volume = new Volume(rules, space, notices, collectOnce);
    this.operations = new Jffs2Operations(this.#volume);
    mountVolume(this.#volume, options.scanCache ?? scanCacheFor(options));
  }

  get readOnly(): boolean {
    return this.#volume.space.readOnly;
  }

  /** What the kernel's log would show so far. */
  get notices(): readonly string[] {
    return this.#volume.notices;
  }

  /** Makes calls that hide names; the kernel's driver would refuse them on a full flash. */
  removing<T>(call: () => T): T {
    return this.#volume.writer.removing(call);
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

  /** Looks over the books while no operation is at work; gives what does not agree. */
  audit(): readonly string[] {
    return auditVolume(this.#volume);
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
    return this.#run(this.operations.collect(passes));
  }

  /** Makes one pass whether the collector is awake or not; FsError when there is nothing to do. */
  collectNow(): void {
    this.#run(this.operations.collectNow());
  }

  /** Changes between read-only and read-write. */
  remount(readOnly: boolean): void {
    if (!readOnly && this.#volume.space.flash.readOnly) throw new FsError('EROFS', 'mount');
    this.#volume.space.readOnly = readOnly;
  }

  /** Ends the mount; nothing is left to write. Every later call answers EIO. */
  unmount(): void {
    this.#volume.ended = true;
  }

  [Symbol.dispose](): void {
    this.unmount();
  }

  lookup(directory: Ino, name: ByteString): Ino | undefined {
    const live = this.#known(directory);
    return live ? lookupIn(live, name) : this.#run(this.operations.lookup(directory, name));
  }

  parent(directory: Ino): Ino {
    return this.#run(this.operations.parent(directory));
  }

  getattr(ino: Ino): Attributes {
    const live = this.#known(ino);
    return live ? shownAttributes(live) : this.#run(this.operations.getattr(ino));
  }

  setattr(ino: Ino, change: AttributeChange): Attributes {
    return this.#change(this.operations.setattr(ino, change));
  }

  readlink(ino: Ino): ByteString {
    return this.#run(this.operations.readlink(ino));
  }

  readdir(directory: Ino, cookie = 0, limit = Infinity): readonly DirectoryEntry[] {
    const live = this.#known(directory);
    return live
      ? entriesOf(live, cookie, limit)
      : this.#run(this.operations.readdir(directory, cookie, limit));
  }

  mknod(directory: Ino, name: ByteString, node: NewNode): Ino {
    return this.#change(this.operations.mknod(directory, name, node));
  }

  mkdir(directory: Ino, name: ByteString, inode: NewInode): Ino {
    return this.#change(this.operations.mkdir(directory, name, inode));
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, inode: NewInode): Ino {
    return this.#change(this.operations.symlink(directory, name, target, inode));
  }

  link(ino: Ino, directory: Ino, name: ByteString): void {
    this.#change(this.operations.link(ino, directory, name));
  }

  unlink(directory: Ino, name: ByteString): void {
    this.#change(this.operations.unlink(directory, name));
  }

  rmdir(directory: Ino, name: ByteString): void {
    this.#change(this.operations.rmdir(directory, name));
  }

  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    flags: RenameFlags = {},
  ): void {
    this.#change(this.operations.rename(directory, name, newDirectory, newName, flags));
  }

  /** JFFS2 has none: EOPNOTSUPP. */
  tmpfile(): never {
    throw new FsError('EOPNOTSUPP', 'tmpfile');
  }

  open(ino: Ino, intent: 'read' | 'write'): void {
    this.#run(this.operations.open(ino, intent));
  }

  release(ino: Ino): void {
    this.#run(this.operations.release(ino));
  }

  read(ino: Ino, offset: number, length: number): Uint8Array {
    return this.#run(this.operations.read(ino, offset, length));
  }

  write(ino: Ino, offset: number, data: Uint8Array): number {
    return this.#change(this.operations.write(ino, offset, data));
  }

  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    return this.#run(this.operations.seek(ino, offset, whence));
  }

  /** JFFS2 has none: EOPNOTSUPP. */
  fallocate(): never {
    throw new FsError('EOPNOTSUPP', 'fallocate');
  }

  getxattr(ino: Ino, name: ByteString): Uint8Array {
    return this.#run(this.operations.getxattr(ino, name));
  }

  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode: XattrMode = 'any'): void {
    this.#change(this.operations.setxattr(ino, name, value, mode));
  }

  listxattr(ino: Ino): readonly ByteString[] {
    return this.#run(this.operations.listxattr(ino));
  }

  removexattr(ino: Ino, name: ByteString): void {
    this.#change(this.operations.removexattr(ino, name));
  }

  /** Attributes lie beside the inodes, so none has to be read for this. */
  xattrsInUse(): readonly { name: ByteString; value: Uint8Array }[] {
    checkMounted(this.#volume);
    return this.#run(this.operations.xattrsInUse());
  }

  statfs(): FileSystemStatistics {
    checkMounted(this.#volume);
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
    checkMounted(this.#volume);
  }

  /** An inode that is in memory and in nobody's hands can be looked at without further ado. */
  #known(ino: Ino): LiveInode | undefined {
    checkMounted(this.#volume);
    const live = this.#volume.inodes.get(ino)?.live;
    return live?.lock.available(true) ? live : undefined;
  }

  #run<T>(start: Startable<T>): T {
    return runStraight(start(this.#task));
  }

  /** Runs what changes something; afterwards the collector may have its turn. */
  #change<T>(start: Startable<T>): T {
    const value = this.#run(start);
    if ((this.#options.collector ?? 'step') === 'step') this.collect(1);
    return value;
  }
}
