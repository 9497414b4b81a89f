/** Inodes by number: who holds them, how much room they take, and what clones of a file system share. */
import { FsError } from '../errno.js';
import type { Ino, NewInode } from '../file-system.js';
import type { FileSystemCall } from './faults.js';
import { copyInode, newInode } from './inode.js';
import type { MemoryDirectory, MemoryFile, MemoryInode, Owner } from './inode.js';
import type { MemoryOptions } from './options.js';
import { PAGE_SIZE } from './sparse-bytes.js';

/** The inodes of one file system. */
export class InodeTable {
  readonly #options: MemoryOptions;
  /** Neither side of a clone owns what both see: each copies an inode before its first change. */
  #owner: Owner = {};
  #inodes = new Map<Ino, MemoryInode>();
  readonly #holds = new Map<Ino, number>();
  #nextIno: Ino = 1;
  #freeNumbers: Ino[] = [];
  #usedPages = 0;

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  /** Shares everything with a copy, except objects without a name: a mount after a power cut does not see them. */
  clone(): InodeTable {
    const copy = new InodeTable(this.#options);
    copy.#inodes = new Map(this.#inodes);
    copy.#nextIno = this.#nextIno;
    copy.#freeNumbers = [...this.#freeNumbers];
    copy.#usedPages = this.#usedPages;
    this.#owner = {};
    for (const inode of this.#inodes.values()) if (inode.nlink === 0) copy.#forget(inode);
    return copy;
  }

  get size(): number {
    return this.#inodes.size;
  }

  get usedPages(): number {
    return this.#usedPages;
  }

  get freePages(): number {
    const { capacity } = this.#options;
    return capacity === undefined ? Infinity : Math.floor(capacity / PAGE_SIZE) - this.#usedPages;
  }

  /** Largest file, in bytes. */
  get fileSizeLimit(): number {
    return this.#options.fileSizeLimit ?? Number.MAX_SAFE_INTEGER;
  }

  /** All objects. */
  values(): Iterable<MemoryInode> {
    return this.#inodes.values();
  }

  get(ino: Ino, call: FileSystemCall): MemoryInode {
    const inode = this.#inodes.get(ino);
    if (!inode) throw new FsError('ESTALE', call);
    return inode;
  }

  /** Returns an inode that may be changed: a copy of its own when a clone may still see the old one. */
  edit(ino: Ino, call: FileSystemCall): MemoryInode {
    const inode = this.get(ino, call);
    if (inode.owner === this.#owner) return inode;
    const own = copyInode(inode, this.#owner);
    this.#inodes.set(ino, own);
    return own;
  }

  /** A directory that may be changed. */
  editDirectory(ino: Ino, call: FileSystemCall): MemoryDirectory {
    const inode = this.edit(ino, call);
    if (inode.type !== 'directory') throw new FsError('ENOTDIR', call);
    return inode;
  }

  create(
    kind: Parameters<typeof newInode>[2],
    attributes: NewInode,
    nowNs: bigint,
    call: FileSystemCall,
  ): MemoryInode {
    if (this.#inodes.size >= (this.#options.inodeLimit ?? Infinity)) throw new FsError('ENOSPC', call);
    const ino = this.#freeNumbers.pop() ?? this.#nextIno++;
    const inode = newInode(this.#owner, ino, kind, attributes, nowNs);
    this.#inodes.set(ino, inode);
    return inode;
  }

  hold(ino: Ino): void {
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

  /** Takes one name from an object, `..` of a directory too; the last one ends it unless it is held. */
  dropName(inode: MemoryInode, nowNs: bigint): void {
    if (inode.type === 'directory') {
      inode.nlink = 0;
      this.editDirectory(inode.parent, 'rmdir').nlink -= 1;
    } else {
      inode.nlink -= 1;
    }
    inode.ctimeNs = nowNs;
    if (inode.nlink === 0 && !this.#holds.has(inode.ino)) this.#forget(inode);
  }

  /** Changes the content of a file and accounts for the pages. */
  changeContent(file: MemoryFile, change: (bytes: MemoryFile['bytes']) => void): void {
    const before = file.bytes.pageCount;
    change(file.bytes);
    this.#usedPages += file.bytes.pageCount - before;
  }

  #forget(inode: MemoryInode): void {
    if (inode.type === 'file') this.#usedPages -= inode.bytes.pageCount;
    this.#inodes.delete(inode.ino);
    if (this.#options.reuseNumbers) this.#freeNumbers.push(inode.ino);
  }
}
