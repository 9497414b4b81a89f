/**
 * Every byte range of a finished image with the names that it serves: for those who ask what a file costs.
 *
 * Blocks are compressed whole, so a block is divided by weights. What the weights are is decided here, where the
 * structures are known; who divides the bytes (tools/budget) only has to share them out.
 */
import { joinPath } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { FileType } from '../vfs/index.js';
import type { ListedName } from './directory.js';
import type { ImageSource, SquashfsImage } from './image.js';
import type { SquashfsInode } from './inode.js';
import { SquashfsReader } from './reader.js';
import { FLAG_COMPRESSOR_OPTIONS, SUPER_BLOCK_SIZE } from './super-block.js';
import type { Version4 } from './super-block.js';

/** What a byte range of an image holds. */
export type ExtentKind =
  'super block' | 'data' | 'fragments' | 'inodes' | 'directories' | 'tables' | 'xattrs' | 'padding';

/** A name that a byte range serves, by its index among the names of the image. */
export interface ExtentUser {
  readonly name: number;
  /** Above 0; only the relation to the other users' counts. */
  readonly weight: number;
}

/** A byte range of an image; offsets count from its start. Nobody uses what every image needs. */
export interface ImageExtent {
  readonly kind: ExtentKind;
  readonly offset: number;
  readonly size: number;
  readonly users: readonly ExtentUser[];
}

/** One name of an image. Names of one inode are hard links. */
export interface ImageName {
  readonly path: ByteString;
  readonly type: FileType;
  /** Number of its inode. */
  readonly inode: number;
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
}

/** An image as byte ranges; ranges may overlap in a hostile image, and leave gaps in a foreign one. */
export interface ImageExtents {
  /** Bytes of the source: the file system and its padding. */
  readonly size: number;
  /** The root first, then in order of the walk. */
  readonly names: readonly ImageName[];
  readonly extents: readonly ImageExtent[];
}

/**
 * Reads which bytes of an image serve which names.
 *
 * A data block counts equally for all names that use it, a fragment block by the bytes that each tail has in it (equal
 * tails stored once share theirs), a metadata block by the decoded bytes of inodes or names in it. A name's entry in
 * its directory is its own, the listing's headers are the directory's. Tables of fragments and xattrs count equally for
 * those that have any, the export table for all.
 *
 * @param size  bytes of the source where padding follows the file system; the file system's own when absent
 * @throws FormatError as `openSquashfs`, and for damage in the metadata
 */
export function readImageExtents(source: ImageSource, size?: number): ImageExtents {
  const reader = new SquashfsReader(source);
  try {
    const walk = new Walk(reader);
    walk.run();
    const { bytesUsed } = reader.image.superBlock;
    const extents = [...walk.contentExtents(), ...metadataExtents(reader.image, walk)];
    return { size: Math.max(size ?? bytesUsed, bytesUsed), names: walk.names, extents };
  } finally {
    reader.image.close();
  }
}

/** Bytes in the decoded stream of a metadata table, and the name they serve. */
interface TableUse {
  /** Metadata block, from the start of the table, and the offset in it. */
  readonly block: number;
  readonly offset: number;
  readonly length: number;
  readonly users: readonly number[];
}

interface StoredInode {
  readonly reference: number;
  readonly names: number[];
}

/** Collects names, inodes, listings and the use of blocks. */
class Walk {
  readonly names: ImageName[] = [];
  readonly listings: TableUse[] = [];
  /** Names with a tail in a fragment block, and with xattrs. */
  readonly withTail: number[] = [];
  readonly withXattrs: number[] = [];
  readonly #reader: SquashfsReader;
  readonly #inodes = new Map<number, StoredInode>();
  readonly #data = new Map<number, { readonly size: number; readonly inodes: number[] }>();
  readonly #tails = new Map<number, Map<number, { readonly size: number; readonly inodes: number[] }>>();

  constructor(reader: SquashfsReader) {
    this.#reader = reader;
  }

  run(): void {
    const { root, image } = this.#reader;
    const pending = [this.#add('/' as ByteString, root, image.tables.rootReference, 'directory')];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const directory = this.names[next];
      const inode = directory && this.#reader.inode(directory.inode);
      if (!directory || !inode?.listing) continue;
      const { names } = this.#reader.listing(inode);
      const children = names.map((entry) =>
        this.#add(joinPath(directory.path, entry.name), entry.number, entry.reference, entry.type),
      );
      this.#addListing(next, inode, names, children);
      pending.push(...children.filter((child) => this.names[child]?.type === 'directory').reverse());
    }
  }

  /** Inodes by their place in the table, each with the names that share it. */
  inodes(): StoredInode[] {
    return [...this.#inodes.values()].sort((a, b) => a.reference - b.reference);
  }

  contentExtents(): ImageExtent[] {
    const { image } = this.#reader;
    const data = [...this.#data].map(([offset, { size, inodes }]): ImageExtent => ({
      kind: 'data',
      offset,
      size,
      users: this.#share(inodes, 1, 'each'),
    }));
    const fragments = [...this.#tails].map(([index, tails]): ImageExtent => {
      const { offset, size } = image.fragment(index);
      const users = [...tails.values()].flatMap((tail) => this.#share(tail.inodes, tail.size, 'together'));
      return { kind: 'fragments', offset, size: size & 0xff_ffff, users };
    });
    return [...data, ...fragments];
  }

  #add(path: ByteString, number: number, reference: number, type: FileType): number {
    const inode = this.#reader.inode(number);
    const index = this.names.length;
    this.names.push({ path, type, inode: number, size: inode?.content?.size ?? 0 });
    if (inode?.xattrIndex !== undefined) this.withXattrs.push(index);
    if (inode?.content?.fragment) this.withTail.push(index);
    const known = this.#inodes.get(number);
    if (known) known.names.push(index);
    else {
      this.#inodes.set(number, { reference, names: [index] });
      if (inode?.content) this.#addContent(inode);
    }
    return index;
  }

  #addContent(inode: SquashfsInode): void {
    const { content, blocks } = this.#reader.content(inode);
    for (let index = 0; index < content.blockCount; index += 1) {
      const { offset, size } = blocks.at(index);
      const stored = size & 0xff_ffff;
      if (stored === 0) continue;
      const block = getOrMake(this.#data, offset, () => ({ size: stored, inodes: [] }));
      if (block.inodes.at(-1) !== inode.number) block.inodes.push(inode.number);
    }
    if (!content.fragment) return;
    const { index, offset } = content.fragment;
    const size = content.size % this.#reader.image.blockSize;
    const tails = getOrMake(this.#tails, index, () => new Map<number, { size: number; inodes: number[] }>());
    getOrMake(tails, offset, () => ({ size, inodes: [] })).inodes.push(inode.number);
  }

  /** Names of some inodes, with a weight for each inode or for all together. */
  #share(inodes: readonly number[], weight: number, of: 'each' | 'together'): ExtentUser[] {
    const one = of === 'each' ? weight : weight / inodes.length;
    return inodes.flatMap((number) => {
      const names = this.#inodes.get(number)?.names ?? [];
      return names.map((name) => ({ name, weight: one / names.length }));
    });
  }

  /** Headers of the listing count for the directory and are taken to stand before the entries. */
  #addListing(
    directory: number,
    { listing }: SquashfsInode,
    names: readonly ListedName[],
    children: readonly number[],
  ): void {
    if (!listing || names.length === 0) return;
    const sizes = names.map(({ name }) => 8 + name.length);
    const headers = listing.length - sizes.reduce((sum, size) => sum + size, 0);
    const { block } = listing;
    let { offset } = listing;
    this.listings.push({ block, offset, length: headers, users: [directory] });
    offset += headers;
    for (const [i, child] of children.entries()) {
      const length = sizes[i] ?? 0;
      this.listings.push({ block, offset, length, users: [child] });
      offset += length;
    }
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function metadataExtents(image: SquashfsImage, walk: Walk): ImageExtent[] {
  const { tables, superBlock } = image;
  const { inodeTableStart, directoryTableStart } = tables;
  const lists = tableLists(image, tables);
  const directoryTableEnd = Math.min(
    superBlock.bytesUsed,
    ...lists.map(({ start }) => start).filter((start) => start > directoryTableStart),
  );
  const inodes = new TableBlocks(image, inodeTableStart, directoryTableStart);
  const directories = new TableBlocks(image, directoryTableStart, directoryTableEnd);
  return [
    { kind: 'super block', offset: 0, size: headerSize(image), users: [] },
    ...inodes.extents('inodes', inodeUses(walk.inodes(), inodes)),
    ...directories.extents('directories', walk.listings),
    ...lists.map(({ start, end, kind, of }): ImageExtent => {
      const users = of === 'all' ? walk.names.map((_, name) => name) : of === 'none' ? [] : walk[of];
      return { kind, offset: start, size: end - start, users: users.map((name) => ({ name, weight: 1 })) };
    }),
  ];
}

/** The super block and the compressor's options behind it, which are a metadata block. */
function headerSize(image: SquashfsImage): number {
  const hasOptions = (image.superBlock.flags & FLAG_COMPRESSOR_OPTIONS) !== 0;
  return hasOptions ? image.metadata(SUPER_BLOCK_SIZE).next : SUPER_BLOCK_SIZE;
}

/** An inode reaches to the next one, or to the end of the table. */
function inodeUses(inodes: readonly StoredInode[], table: TableBlocks): TableUse[] {
  return inodes.map(({ reference, names }, i) => {
    const block = Math.floor(reference / 65536);
    const offset = reference % 65536;
    const next = inodes[i + 1];
    const end = next
      ? table.position(Math.floor(next.reference / 65536)) + (next.reference % 65536)
      : table.decodedSize;
    return { block, offset, length: Math.max(0, end - table.position(block) - offset), users: names };
  });
}

/** The metadata blocks of a table, one behind the other, with the places of their decoded bytes. */
class TableBlocks {
  readonly #blocks: { readonly offset: number; readonly size: number; readonly position: number }[] = [];
  readonly #positions = new Map<number, number>();
  readonly decodedSize: number;

  constructor(image: SquashfsImage, start: number, end: number) {
    let position = 0;
    for (let offset = start; offset < end;) {
      const { bytes, next } = image.metadata(offset);
      this.#blocks.push({ offset, size: next - offset, position });
      this.#positions.set(offset - start, position);
      position += bytes.length;
      offset = next;
    }
    this.decodedSize = position;
  }

  /** Where a block, by its offset in the table, starts in the decoded bytes. */
  position(block: number): number {
    return this.#positions.get(block) ?? 0;
  }

  extents(kind: ExtentKind, uses: readonly TableUse[]): ImageExtent[] {
    const users = this.#blocks.map((): ExtentUser[] => []);
    for (const use of uses) {
      let from = this.position(use.block) + use.offset;
      const end = from + use.length;
      while (from < end) {
        const index = this.#indexAt(from);
        const upTo = Math.min(end, this.#blocks[index + 1]?.position ?? this.decodedSize);
        if (upTo <= from) break;
        const weight = (upTo - from) / use.users.length;
        for (const name of use.users) users[index]?.push({ name, weight });
        from = upTo;
      }
    }
    return this.#blocks.map(({ offset, size }, i) => ({ kind, offset, size, users: users[i] ?? [] }));
  }

  /** Index of the block that holds a decoded byte. */
  #indexAt(position: number): number {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#blocks[middle]?.position ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

interface TableList {
  /** First byte of the table's own blocks, and the end of the list of their starts. */
  readonly start: number;
  readonly end: number;
  readonly kind: ExtentKind;
  readonly of: 'all' | 'none' | 'withTail' | 'withXattrs';
}

/** Tables that stand as metadata blocks before a list of their starts. */
function tableLists(image: SquashfsImage, tables: Version4): TableList[] {
  const { inodeCount, fragmentCount } = image.superBlock;
  const found: TableList[] = [];
  const add = (listStart: number | undefined, bytes: number, of: TableList['of'], first?: number): void => {
    if (listStart === undefined || bytes === 0) return;
    const end = listStart + Math.ceil(bytes / 8192) * 8;
    const start = first ?? pointerAt(image, listStart);
    const kind = of === 'withXattrs' ? 'xattrs' : 'tables';
    if (start < end) found.push({ start, end, kind, of });
  };
  add(tables.fragmentTableStart, fragmentCount * 16, 'withTail');
  add(tables.exportTableStart, inodeCount * 8, 'all');
  add(tables.idTableStart, tables.idCount * 4, 'none');
  const { xattrTableStart } = tables;
  if (xattrTableStart !== undefined) {
    const header = image.stored('xattr table', xattrTableStart, 16);
    const count = new DataView(header.buffer, header.byteOffset, 16).getUint32(8, true);
    add(xattrTableStart + 16, count * 16, 'withXattrs', pointerAt(image, xattrTableStart));
  }
  return found;
}

function pointerAt(image: SquashfsImage, offset: number): number {
  const bytes = image.stored('table', offset, 8);
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
}
