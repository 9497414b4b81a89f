/**
 * The file-system interface of Firmwright: inode based, synchronous, names are bytes, failures are errnos.
 *
 * A `FileSystem` is what a kernel calls one mounted file system below its VFS: it keeps objects and names, and
 * checks no permissions and follows no symlinks; path walk and credentials are in path-walk.ts above it. Memory,
 * squashfs, JFFS2, host folders and unions implement it, and one conformance suite runs on all of them.
 *
 * One call is atomic to all others. Any call but `lookup` of a missing name throws `FsError`.
 */
import type { ByteString } from '../core/index.js';

/** Inode number: a positive integer, unique within its file system while the object lives. */
export type Ino = number;

/** Kind of an object, in the words of stat(2). */
export type FileType = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';

/** Major and minor number of a device node, as Linux counts them (12 and 20 bits). */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** Everything stat(2) tells of an object. `mode` holds permission bits only (0o7777); the type is apart. */
export interface Attributes {
  readonly ino: Ino;
  readonly type: FileType;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** Devices only; 0:0 otherwise. */
  readonly rdev: DeviceNumber;
  /** Bytes of content; of the target for a symlink; a value of the file system's choice for a directory. */
  readonly size: number;
  /** Space taken, in units of 512 bytes. */
  readonly blocks: number;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Attributes to change; what is absent stays. `size` truncates or extends with a hole. ctime follows by itself. */
export interface AttributeChange {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly atimeNs?: bigint;
  readonly mtimeNs?: bigint;
}

/** What a new object starts with. Owner and mode are taken as they are: umask and set-gid are the caller's matter. */
export interface NewInode {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A node to make: everything but directories and symlinks. */
export interface NewNode extends NewInode {
  readonly type: 'file' | 'char' | 'block' | 'fifo' | 'socket';
  readonly rdev?: DeviceNumber;
}

/** One name in a directory. `.` and `..` are never listed here; the path walk and FUSE add them. */
export interface DirectoryEntry {
  readonly name: ByteString;
  readonly ino: Ino;
  readonly type: FileType;
  /** Position behind this entry: handed to `readdir`, the listing goes on after it, also across changes. */
  readonly cookie: number;
}

/** Figures of statfs(2); blocks are of `blockSize` bytes. */
export interface FileSystemStatistics {
  readonly blockSize: number;
  readonly blocks: number;
  readonly blocksFree: number;
  readonly blocksAvailable: number;
  readonly files: number;
  readonly filesFree: number;
  readonly nameMax: number;
}

/** Flags of renameat2(2). `noreplace` excludes `exchange`; `whiteout` leaves a 0:0 device under the old name. */
export interface RenameFlags {
  readonly noreplace?: boolean;
  readonly exchange?: boolean;
  readonly whiteout?: boolean;
}

/** Flags of setxattr(2). */
export type XattrMode = 'any' | 'create' | 'replace';

/** Longest name in bytes (NAME_MAX of Linux). */
export const NAME_MAX = 255;

/** Whiteouts that are directory entries of their own, and the opaque flag, as the file systems of BSD have them. */
export interface WhiteoutEntries {
  /** Names that are whiteouts; nothing else shows them. A new object of that name replaces one. */
  list(directory: Ino): readonly ByteString[];
  has(directory: Ino, name: ByteString): boolean;
  /** @throws FsError EEXIST when an object has the name */
  add(directory: Ino, name: ByteString): void;
  /** @throws FsError ENOENT when the name is no whiteout */
  remove(directory: Ino, name: ByteString): void;
  isOpaque(directory: Ino): boolean;
  setOpaque(directory: Ino, opaque: boolean): void;
}

/** A mounted file system. */
export interface FileSystem {
  /** Word for the kind of file system, as mount(8) shows it: `memory`, `squashfs`, `jffs2`, `host`, `union`. */
  readonly kind: string;
  readonly root: Ino;
  /** When true every changing call answers EROFS. */
  readonly readOnly: boolean;
  /** False where a rename is several steps on the medium, between which a power cut can fall: both names, or half an exchange. */
  readonly atomicRename?: boolean;
  /** Present on a file system that has whiteouts of its own. */
  readonly whiteouts?: WhiteoutEntries;
  /**
   * Makes calls after which less is shown than before, such as the links and renames that hide a name: they may use what
   * is kept back for removals on a full medium. Absent where nothing is kept back.
   */
  removing?<T>(call: () => T): T;

  /**
   * Finds a name in a directory; `..` and `.` are not looked up here.
   *
   * @returns undefined when the name is not there (the cheap form of ENOENT)
   * @throws FsError ENOTDIR, ENAMETOOLONG, ESTALE, EIO
   */
  lookup(directory: Ino, name: ByteString): Ino | undefined;
  /**
   * Looks below a directory for objects whose numbers were remembered over a mount, so that the numbers can be used.
   * Absent where the number of a live object can be used at once.
   */
  meet?(directory: Ino, wanted: ReadonlySet<Ino>): void;
  /** Finds the directory that holds a directory; the root is its own parent. */
  parent(directory: Ino): Ino;
  getattr(ino: Ino): Attributes;
  setattr(ino: Ino, change: AttributeChange): Attributes;
  readlink(ino: Ino): ByteString;
  /** Lists names after `cookie` (0: from the start), at most `limit`; order is stable while nothing changes. */
  readdir(directory: Ino, cookie?: number, limit?: number): readonly DirectoryEntry[];

  mknod(directory: Ino, name: ByteString, node: NewNode): Ino;
  mkdir(directory: Ino, name: ByteString, inode: NewInode): Ino;
  symlink(directory: Ino, name: ByteString, target: ByteString, inode: NewInode): Ino;
  link(ino: Ino, directory: Ino, name: ByteString): void;
  unlink(directory: Ino, name: ByteString): void;
  rmdir(directory: Ino, name: ByteString): void;
  rename(directory: Ino, name: ByteString, newDirectory: Ino, newName: ByteString, flags?: RenameFlags): void;
  /** Makes a file without a name, for O_TMPFILE; it lives while it is held, and `link` gives it a name. */
  tmpfile(directory: Ino, inode: NewInode): Ino;

  /**
   * Holds an object, as an open file does: it stays usable after its last name is gone, until the last `release`.
   * Calls nest. `intent` lets a file system act at open time (read-only refusal, copy-up of a union).
   */
  open(ino: Ino, intent: 'read' | 'write'): void;
  release(ino: Ino): void;

  /** Reads up to `length` bytes; shorter only at the end of the file. The result is the caller's to keep. */
  read(ino: Ino, offset: number, length: number): Uint8Array;
  /** As `read`, into memory of the caller; returns the count. Absent where it would save no copy. */
  readInto?(ino: Ino, offset: number, into: Uint8Array): number;
  /** Writes all bytes and returns their count; a write that fails midway (ENOSPC) may return a smaller count. */
  write(ino: Ino, offset: number, data: Uint8Array): number;
  /** Finds the next data or hole at or after `offset`, as lseek(2); ENXIO beyond the end. */
  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): number;
  /** Reserves or punches a range, as fallocate(2). */
  fallocate(
    ino: Ino,
    offset: number,
    length: number,
    mode: 'allocate' | 'keep-size' | 'punch-hole' | 'zero',
  ): void;

  /** @throws FsError ENODATA when the attribute is not there, EOPNOTSUPP for a namespace that is not kept */
  getxattr(ino: Ino, name: ByteString): Uint8Array;
  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode?: XattrMode): void;
  listxattr(ino: Ino): readonly ByteString[];
  removexattr(ino: Ino, name: ByteString): void;
  /** Every attribute that some object has; absent where only a look at each object could tell. */
  xattrsInUse?(): Iterable<{ readonly name: ByteString; readonly value: Uint8Array }>;

  statfs(): FileSystemStatistics;
  /** Makes durable what was written: of one object, or of the whole file system. */
  sync(ino?: Ino): void;
}
