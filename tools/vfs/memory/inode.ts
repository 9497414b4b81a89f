/** Inodes in memory as data: one type a kind of object, how each is made, copied and shown. */
import type { ByteString } from '../../core/index.js';
import type { Attributes, DeviceNumber, DirectoryEntry, Ino, NewInode } from '../file-system.js';
import { PAGE_SIZE, SparseBytes } from './sparse-bytes.js';

/** Marks whose copy of an inode this is; see `MemoryFileSystem.clone`. */
export type Owner = object;

interface InodeBase {
  owner: Owner;
  readonly ino: Ino;
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  atimeNs: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
  xattrs: Map<ByteString, Uint8Array> | undefined;
}

/** A regular file. */
export interface MemoryFile extends InodeBase {
  readonly type: 'file';
  bytes: SparseBytes;
  /** Made by `tmpfile` and not linked yet. */
  linkable: boolean;
}

/** One name of a directory. */
export interface MemoryEntry {
  ino: Ino;
  readonly cookie: number;
}

/** A directory: names in the order of their cookies, which is the order of insertion. */
export interface MemoryDirectory extends InodeBase {
  readonly type: 'directory';
  entries: Map<ByteString, MemoryEntry>;
  parent: Ino;
  nextCookie: number;
  /** The listing, kept until the next change. */
  listing: readonly DirectoryEntry[] | undefined;
  /** Names that are whiteouts and no objects, where the file system has such entries. */
  whiteouts: Set<ByteString> | undefined;
  /** The flag of BSD's file systems. */
  opaque: boolean;
}

/** A symbolic link. */
export interface MemorySymlink extends InodeBase {
  readonly type: 'symlink';
  readonly target: ByteString;
}

/** A device, FIFO or socket. */
export interface MemorySpecial extends InodeBase {
  readonly type: 'char' | 'block' | 'fifo' | 'socket';
  readonly rdev: DeviceNumber;
}

/** One object of the file system. */
export type MemoryInode = MemoryFile | MemoryDirectory | MemorySymlink | MemorySpecial;

const noDevice: DeviceNumber = { major: 0, minor: 0 };

/** Makes an inode of any type with no names yet; a directory starts with its own `.`. */
export function newInode(
  owner: Owner,
  ino: Ino,
  kind:
    | { readonly type: 'file' }
    | { readonly type: 'directory'; readonly parent: Ino }
    | { readonly type: 'symlink'; readonly target: ByteString }
    | { readonly type: MemorySpecial['type']; readonly rdev?: DeviceNumber | undefined },
  attributes: NewInode,
  nowNs: bigint,
): MemoryInode {
  const common = {
    owner,
    ino,
    mode: attributes.mode & 0o7777,
    uid: attributes.uid,
    gid: attributes.gid,
    atimeNs: nowNs,
    mtimeNs: nowNs,
    ctimeNs: nowNs,
    xattrs: undefined,
  };
  switch (kind.type) {
    case 'file':
      return { type: 'file', ...common, nlink: 0, bytes: new SparseBytes(), linkable: false };
    case 'directory':
      return {
        type: 'directory',
        ...common,
        nlink: 2,
        entries: new Map(),
        parent: kind.parent,
        nextCookie: 1,
        listing: undefined,
        whiteouts: undefined,
        opaque: false,
      };
    case 'symlink':
      return { type: 'symlink', ...common, nlink: 0, target: kind.target };
    default:
      return { type: kind.type, ...common, nlink: 0, rdev: kind.rdev ?? noDevice };
  }
}

/** Copies an inode for a new owner; pages stay shared. */
export function copyInode(inode: MemoryInode, owner: Owner): MemoryInode {
  const xattrs = inode.xattrs && new Map(inode.xattrs);
  switch (inode.type) {
    case 'file':
      return { ...inode, owner, xattrs, bytes: inode.bytes.clone() };
    case 'directory': {
      const entries = new Map<ByteString, MemoryEntry>();
      for (const [name, entry] of inode.entries) entries.set(name, { ...entry });
      return { ...inode, owner, xattrs, entries, whiteouts: inode.whiteouts && new Set(inode.whiteouts) };
    }
    default:
      return { ...inode, owner, xattrs };
  }
}

/** Content or names changed: both times move, a kept listing is void. */
export function touchInode(inode: MemoryInode, nowNs: bigint): void {
  inode.mtimeNs = inode.ctimeNs = nowNs;
  if (inode.type === 'directory') inode.listing = undefined;
}

/** What stat tells of an inode. */
export function attributesOf(inode: MemoryInode): Attributes {
  return {
    ino: inode.ino,
    type: inode.type,
    mode: inode.mode,
    nlink: inode.nlink,
    uid: inode.uid,
    gid: inode.gid,
    rdev: 'rdev' in inode ? inode.rdev : noDevice,
    size: sizeOf(inode),
    blocks: inode.type === 'file' ? inode.bytes.pageCount * (PAGE_SIZE / 512) : 0,
    atimeNs: inode.atimeNs,
    mtimeNs: inode.mtimeNs,
    ctimeNs: inode.ctimeNs,
  };
}

function sizeOf(inode: MemoryInode): number {
  switch (inode.type) {
    case 'file':
      return inode.bytes.size;
    case 'symlink':
      return inode.target.length;
    case 'directory':
      return inode.entries.size;
    default:
      return 0;
  }
}
