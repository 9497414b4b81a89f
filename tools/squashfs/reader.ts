/**
 * Objects of an image by inode number: the layer between stored structures and the `FileSystem` face. Failures are
 * FormatErrors here; the face turns them into EIO.
 */
import { FormatError, textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { noXattrs } from '../vfs/index.js';
import type { FileType } from '../vfs/index.js';
import { readListing } from './directory.js';
import type { ListedName } from './directory.js';
import { damaged, SquashfsImage } from './image.js';
import type { ImageSource } from './image.js';
import { BlockList, readInode } from './inode.js';
import type { InodeContent, SquashfsInode } from './inode.js';
import { LruCache } from './lru-cache.js';
import { readXattrs } from './xattr-table.js';

const cachedInodes = 4096;
const cachedNames = 65536;
const cachedXattrSets = 64;

/** A directory's names, in stored order and by name. */
export interface Listing {
  readonly names: readonly ListedName[];
  readonly byName: ReadonlyMap<ByteString, ListedName>;
}

/** A file's content with the block list as far as it was read. */
interface OpenContent {
  readonly content: InodeContent;
  readonly blocks: BlockList;
}

/** How an object was met: its reference and type, and the directory that holds it when it is one itself. */
interface Known {
  readonly reference: number;
  readonly type: FileType;
  readonly parent: number | undefined;
}

/** Reads objects of an image. Only numbers met in a listing (or the root's) are known. */
export class SquashfsReader {
  readonly image: SquashfsImage;
  readonly root: number;
  readonly #known = new Map<number, Known>();
  readonly #inodes = new LruCache<number, SquashfsInode>(cachedInodes);
  readonly #contents = new LruCache<number, OpenContent>(cachedInodes);
  readonly #listings = new LruCache<number, Listing>(cachedNames, ({ names }) => names.length + 1);
  readonly #xattrs = new LruCache<number, ReadonlyMap<ByteString, Uint8Array>>(cachedXattrSets);

  /** @throws FormatError as `openSquashfs` */
  constructor(source: ImageSource) {
    this.image = new SquashfsImage(source);
    const { rootReference } = this.image.tables;
    const root = readInode(this.image, rootReference);
    if (root.type !== 'directory') {
      throw new FormatError('FW_SQUASHFS_INODE', `squashfs root is a ${root.type}, expected a directory`);
    }
    this.root = root.number;
    this.#known.set(root.number, { reference: rootReference, type: 'directory', parent: undefined });
  }

  /** @returns undefined when no listing has named the number so far */
  inode(number: number): SquashfsInode | undefined {
    const cached = this.#inodes.get(number);
    if (cached) return cached;
    const known = this.#known.get(number);
    if (!known) return undefined;
    const inode = readInode(this.image, known.reference);
    if (inode.number !== number || inode.type !== known.type) {
      throw new FormatError(
        'FW_SQUASHFS_INODE',
        `squashfs inode at reference 0x${known.reference.toString(16)} is ${inode.type} ${inode.number}, ` +
          `expected ${known.type} ${number}`,
      );
    }
    this.#inodes.set(number, inode);
    return inode;
  }

  /** Number of the directory that holds a directory; undefined for the root. */
  parent(number: number): number | undefined {
    return this.#known.get(number)?.parent;
  }

  /** Lists a directory; its objects are known from then on. */
  listing(directory: SquashfsInode): Listing {
    const cached = this.#listings.get(directory.number);
    if (cached) return cached;
    if (!directory.listing) throw new FormatError('FW_SQUASHFS_DIRECTORY', 'squashfs: not a directory');
    const names = readListing(this.image, directory.listing);
    for (const entry of names) this.#meet(entry, directory.number);
    const listing = { names, byName: new Map(names.map((entry) => [entry.name, entry])) };
    this.#listings.set(directory.number, listing);
    return listing;
  }

  /** Reads up to `length` bytes of a file; shorter only at its end. The result is the caller's. */
  read(inode: SquashfsInode, offset: number, length: number): Uint8Array {
    const { content, blocks } = this.#content(inode);
    const end = Math.min(offset + length, content.size);
    if (end <= offset) return new Uint8Array(0);
    const { blockSize } = this.image;
    const parts: Uint8Array[] = [];
    for (let at = offset; at < end;) {
      const index = Math.floor(at / blockSize);
      const inBlock = at - index * blockSize;
      const count = Math.min(blockSize - inBlock, end - at);
      parts.push(this.#blockRange(content, blocks, index, inBlock, count));
      at += count;
    }
    const result = new Uint8Array(end - offset);
    let done = 0;
    for (const part of parts) {
      result.set(part, done);
      done += part.length;
    }
    return result;
  }

  /** Tells whether the block that holds an offset is a hole. */
  isHole(inode: SquashfsInode, offset: number): boolean {
    const { content, blocks } = this.#content(inode);
    const index = Math.floor(offset / this.image.blockSize);
    return index < content.blockCount && (blocks.at(index).size & 0xff_ffff) === 0;
  }

  /** Stored blocks and fragment of a file. */
  content(inode: SquashfsInode): OpenContent {
    return this.#content(inode);
  }

  xattrs(inode: SquashfsInode): ReadonlyMap<ByteString, Uint8Array> {
    if (inode.xattrIndex === undefined) return noXattrs;
    let xattrs = this.#xattrs.get(inode.xattrIndex);
    if (!xattrs) this.#xattrs.set(inode.xattrIndex, (xattrs = readXattrs(this.image, inode.xattrIndex)));
    return xattrs;
  }

  #content(inode: SquashfsInode): OpenContent {
    const cached = this.#contents.get(inode.number);
    if (cached) return cached;
    if (!inode.content)
      throw new FormatError('FW_SQUASHFS_INODE', `squashfs: a ${inode.type} has no content`);
    const made = { content: inode.content, blocks: new BlockList(inode.content) };
    this.#contents.set(inode.number, made);
    return made;
  }

  #blockRange(
    content: InodeContent,
    blocks: BlockList,
    index: number,
    inBlock: number,
    count: number,
  ): Uint8Array {
    if (index >= content.blockCount) {
      if (!content.fragment) throw damaged('file', content.blocksStart, 'a fragment', 'none');
      const { offset, size } = this.image.fragment(content.fragment.index);
      const block = this.image.dataBlock(offset, size);
      const start = content.fragment.offset + inBlock;
      if (start + count > block.length) {
        throw damaged('fragment block', offset, `${start + count} bytes`, `${block.length} bytes`);
      }
      return block.subarray(start, start + count);
    }
    const { offset, size } = blocks.at(index);
    if ((size & 0xff_ffff) === 0) return new Uint8Array(count);
    const block = this.image.dataBlock(offset, size);
    const expected = Math.min(this.image.blockSize, content.size - index * this.image.blockSize);
    if (block.length !== expected)
      throw damaged('data block', offset, `${expected} bytes`, `${block.length} bytes`);
    return block.subarray(inBlock, inBlock + count);
  }

  /** Notes where an object stands, and refuses one number for two inodes and one directory in two places. */
  #meet({ name, number, reference, type }: ListedName, directory: number): void {
    const known = this.#known.get(number);
    if (!known) {
      this.#known.set(number, { reference, type, parent: type === 'directory' ? directory : undefined });
      return;
    }
    const moved = type === 'directory' && known.parent !== directory;
    if (known.reference !== reference || known.type !== type || moved) {
      throw new FormatError(
        'FW_SQUASHFS_DIRECTORY',
        `squashfs name ${JSON.stringify(textOf(name))}: inode ${number} is also elsewhere`,
        { data: { number, reference, other: known.reference } },
      );
    }
  }
}
