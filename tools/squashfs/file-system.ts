/**
 * A squashfs image as a mounted, read-only file system. Damage in the image answers EIO, as a kernel does; the
 * FormatError that tells more is the cause.
 */
import { FormatError } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { FsError, NAME_MAX } from '../vfs/index.js';
import type {
  Attributes,
  DirectoryEntry,
  Errno,
  FileSystem,
  FileSystemStatistics,
  Ino,
} from '../vfs/index.js';
import type { ImageSource } from './image.js';
import type { SquashfsInode } from './inode.js';
import { SquashfsReader } from './reader.js';

/**
 * Opens a squashfs 4.0 image for reading.
 *
 * Inode numbers are those of the image. Blocks are decoded when they are read; 16 MiB of them are kept.
 *
 * @param source  bytes (not copied: they must stay as they are) or a range of a file; bytes behind the file system,
 *   such as padding or the rest of a flash, are ignored
 * @throws FormatError FW_SQUASHFS_MAGIC, FW_SQUASHFS_VERSION (1 to 3, big-endian, vendors' variants),
 *   FW_SQUASHFS_COMPRESSOR (lzo, unknown ones), FW_SQUASHFS_TRUNCATED, FW_SQUASHFS_SUPER, FW_SQUASHFS_INODE,
 *   FW_SQUASHFS_BLOCK
 * @throws EnvironmentError FW_ENV_FILE when the file cannot be read, FW_ENV_ADDON_MISSING
 */
export function openSquashfs(source: ImageSource): SquashfsFileSystem {
  return new SquashfsFileSystem(new SquashfsReader(source));
}

/** A mounted squashfs; changing calls answer EROFS. Closed with `Symbol.dispose`. */
export class SquashfsFileSystem implements FileSystem, Disposable {
  readonly kind = 'squashfs';
  readonly readOnly = true;
  readonly root: Ino;
  /** Size of the file system in the image, without what follows it. */
  readonly bytesUsed: number;
  readonly #reader: SquashfsReader;

  constructor(reader: SquashfsReader) {
    this.#reader = reader;
    this.root = reader.root;
    this.bytesUsed = reader.image.superBlock.bytesUsed;
  }

  [Symbol.dispose](): void {
    this.#reader.image.close();
  }

  lookup(directory: Ino, name: ByteString): Ino | undefined {
    if (name.length > NAME_MAX) throw new FsError('ENAMETOOLONG', 'lookup', name);
    return this.#answer('lookup', () =>
      this.#reader.listing(this.#directory(directory, 'lookup')).byName.get(name),
    )?.number;
  }

  parent(directory: Ino): Ino {
    return this.#answer('parent', () => {
      this.#directory(directory, 'parent');
      return this.#reader.parent(directory) ?? this.root;
    });
  }

  getattr(ino: Ino): Attributes {
    return this.#answer('getattr', () => attributesOf(this.#inode(ino, 'getattr')));
  }

  readlink(ino: Ino): ByteString {
    return this.#answer('readlink', () => {
      const { target } = this.#inode(ino, 'readlink');
      if (target === undefined) throw new FsError('EINVAL', 'readlink');
      return target;
    });
  }

  readdir(directory: Ino, cookie = 0, limit = Infinity): readonly DirectoryEntry[] {
    return this.#answer('readdir', () => {
      const { names } = this.#reader.listing(this.#directory(directory, 'readdir'));
      return names
        .slice(cookie, Math.min(cookie + limit, names.length))
        .map(({ name, number, type }, i) => ({ name, ino: number, type, cookie: cookie + i + 1 }));
    });
  }

  open(ino: Ino, intent: 'read' | 'write'): void {
    this.#answer('open', () => this.#inode(ino, 'open'));
    if (intent === 'write') throw new FsError('EROFS', 'open');
  }

  release(ino: Ino): void {
    this.#answer('release', () => this.#inode(ino, 'release'));
  }

  read(ino: Ino, offset: number, length: number): Uint8Array {
    return this.#answer('read', () => this.#reader.read(this.#file(ino, 'read'), offset, length));
  }

  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number {
    return this.#answer('seek', () => {
      const inode = this.#file(ino, 'seek');
      const size = inode.content?.size ?? 0;
      if (offset < 0 || offset >= size) throw new FsError('ENXIO', 'seek');
      const { blockSize } = this.#reader.image;
      for (let at = offset; at < size; at = (Math.floor(at / blockSize) + 1) * blockSize) {
        if (this.#reader.isHole(inode, at) === (whence === 'hole')) return at;
      }
      if (whence === 'data') throw new FsError('ENXIO', 'seek');
      return size;
    });
  }

  getxattr(ino: Ino, name: ByteString): Uint8Array {
    return this.#answer('getxattr', () => {
      const value = this.#reader.xattrs(this.#inode(ino, 'getxattr')).get(name);
      if (!value) throw new FsError('ENODATA', 'getxattr', name);
      return value.slice();
    });
  }

  listxattr(ino: Ino): readonly ByteString[] {
    return this.#answer('listxattr', () => [...this.#reader.xattrs(this.#inode(ino, 'listxattr')).keys()]);
  }

  statfs(): FileSystemStatistics {
    const { blockSize, superBlock } = this.#reader.image;
    return {
      blockSize,
      blocks: Math.ceil(superBlock.bytesUsed / blockSize),
      blocksFree: 0,
      blocksAvailable: 0,
      files: superBlock.inodeCount,
      filesFree: 0,
      nameMax: NAME_MAX,
    };
  }

  sync(): void {
    // Nothing is ever written.
  }

  setattr(): Attributes {
    throw new FsError('EROFS', 'setattr');
  }
  mknod(): Ino {
    throw new FsError('EROFS', 'mknod');
  }
  mkdir(): Ino {
    throw new FsError('EROFS', 'mkdir');
  }
  symlink(): Ino {
    throw new FsError('EROFS', 'symlink');
  }
  link(): void {
    throw new FsError('EROFS', 'link');
  }
  unlink(): void {
    throw new FsError('EROFS', 'unlink');
  }
  rmdir(): void {
    throw new FsError('EROFS', 'rmdir');
  }
  rename(): void {
    throw new FsError('EROFS', 'rename');
  }
  tmpfile(): Ino {
    throw new FsError('EROFS', 'tmpfile');
  }
  write(): number {
    throw new FsError('EROFS', 'write');
  }
  fallocate(): void {
    throw new FsError('EROFS', 'fallocate');
  }
  setxattr(): void {
    throw new FsError('EROFS', 'setxattr');
  }
  removexattr(): void {
    throw new FsError('EROFS', 'removexattr');
  }

  #inode(ino: Ino, syscall: string): SquashfsInode {
    const inode = this.#reader.inode(ino);
    if (!inode) throw new FsError('ESTALE', syscall);
    return inode;
  }

  #directory(ino: Ino, syscall: string): SquashfsInode {
    return this.#ofType(ino, syscall, 'directory', 'ENOTDIR');
  }

  #file(ino: Ino, syscall: string): SquashfsInode {
    const inode = this.#inode(ino, syscall);
    if (inode.type === 'directory') throw new FsError('EISDIR', syscall);
    if (inode.type !== 'file') throw new FsError('EINVAL', syscall);
    return inode;
  }

  #ofType(ino: Ino, syscall: string, type: string, errno: Errno): SquashfsInode {
    const inode = this.#inode(ino, syscall);
    if (inode.type !== type) throw new FsError(errno, syscall);
    return inode;
  }

  /** Runs a call; damage of the image becomes EIO. */
  #answer<R>(syscall: string, call: () => R): R {
    try {
      return call();
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause;
      const error = new FsError('EIO', syscall);
      error.cause = cause;
      throw error;
    }
  }
}

function attributesOf(inode: SquashfsInode): Attributes {
  const time = BigInt(inode.time) * 1_000_000_000n;
  const { content, listing, target } = inode;
  return {
    ino: inode.number,
    type: inode.type,
    mode: inode.mode,
    nlink: inode.nlink,
    uid: inode.uid,
    gid: inode.gid,
    rdev: inode.rdev,
    // The listing's size as the kernel shows it, with three bytes for `.` and `..`.
    size: content?.size ?? target?.length ?? (listing ? listing.length + 3 : 0),
    blocks: content ? Math.ceil(Math.max(content.size - content.sparse, 0) / 512) : 0,
    atimeNs: time,
    mtimeNs: time,
    ctimeNs: time,
  };
}
