/**
 * Squashfs 3.1, big-endian, with one file in one folder: what the boot loaders of older Netgear boards read their kernel
 * from. Blocks are LZMA streams without a header (lc 3, lp 0, pb 2) that end with an end marker.
 *
 * Only what these boot loaders need is written: no fragments, every owner root. Reading is left to others.
 *
 * @see SPEC.md "Squashfs 3"; squashfs-tools 3.4 squashfs_fs.h; structure checked with unsquashfs, which reads zlib blocks
 */
import { lzmaAloneEncode } from '../addon/index.js';
import { InternalError } from '../core/index.js';
import { concatBytes, padded } from './bytes.js';
import { fieldTable, u16be, u32be, u64be, u8 } from './fields.js';

/** The superblock. */
export const squashfs3Table = fieldTable('squashfs 3 superblock', 119, {
  magic: u32be(0),
  inodeCount: u32be(4),
  versionMajor: u16be(28),
  versionMinor: u16be(30),
  shortBlockSize: u16be(32),
  blockLog: u16be(34),
  flags: u8(36),
  uidCount: u8(37),
  gidCount: u8(38),
  time: u32be(39),
  rootInode: u64be(43),
  blockSize: u32be(51),
  fragmentCount: u32be(55),
  bytesUsed: u64be(63),
  uidTable: u64be(71),
  gidTable: u64be(79),
  inodeTable: u64be(87),
  directoryTable: u64be(95),
  fragmentTable: u64be(103),
  lookupTable: u64be(111),
});

const inodeHead = { typeAndMode: u16be(0), uid: u8(2), gid: u8(3), time: u32be(4), number: u32be(8) };
const fileInodeTable = fieldTable('squashfs 3 file inode', 32, {
  ...inodeHead,
  start: u64be(12),
  fragment: u32be(20),
  fragmentOffset: u32be(24),
  size: u32be(28),
});
const folderInodeTable = fieldTable('squashfs 3 directory inode', 28, {
  ...inodeHead,
  links: u32be(12),
  sizeAndOffset: u32be(16),
  start: u32be(20),
  parent: u32be(24),
});
const entryHeadTable = fieldTable('squashfs 3 directory header', 9, {
  countLessOne: u8(0),
  start: u32be(1),
  inode: u32be(5),
});
const entryTable = fieldTable('squashfs 3 directory entry', 5, {
  offsetAndType: u16be(0),
  nameLessOne: u8(2),
  inodeDistance: u16be(3),
});

const blockLog = 16;
const blockSize = 2 ** blockLog;
const metadataSize = 8192;
const magic = 0x73717368;
/** Duplicates were looked for, and a table of inodes for NFS is there. */
const flags = 0xc0;
/** The group is the same number as the owner. */
const sameAsUid = 0xff;
const noFragment = 0xffffffff;
const types = { folder: 1, file: 2 } as const;
/** Bytes that a directory's size counts besides its listing: those of `.` and `..`. */
const dots = 3;
const filePadding = 4096;

/** Compresses one block. */
export type BlockCompressor = (block: Uint8Array) => Uint8Array;

const lzmaBlock: BlockCompressor = (block) =>
  lzmaAloneEncode(block, { dictSize: 2 ** 23, lc: 3, lp: 0, pb: 2 }, 'end-marker').subarray(lzmaAloneHeader);
const lzmaAloneHeader = 13;

/** The file that the image holds. */
export interface Squashfs3File {
  readonly folder: string;
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * Builds the image, filled up to 4 KiB.
 *
 * @param time      of every inode and of the image, seconds since 1970 UTC
 * @param compress  zlib in place of LZMA makes an image that unsquashfs reads
 */
export function buildSquashfs3(
  { folder, name, content }: Squashfs3File,
  time: number,
  compress: BlockCompressor = lzmaBlock,
): Uint8Array {
  const blocks = cut(content, blockSize).map((block) => packBlock(block, compress));
  const data = concatBytes(...blocks.map(({ bytes }) => bytes));
  const head = (type: keyof typeof types, mode: number, number: number): InodeHead => ({
    typeAndMode: (types[type] << 12) | mode,
    uid: 0,
    gid: sameAsUid,
    time,
    number,
  });
  const numbers = { file: 1, folder: 2, root: 3 };
  const fileInode = concatBytes(
    fileInodeTable.write({
      ...head('file', 0o644, numbers.file),
      start: squashfs3Table.size,
      fragment: noFragment,
      fragmentOffset: 0,
      size: content.length,
    }),
    words(blocks.map(({ sizeWord }) => sizeWord)),
  );
  const listing = directory(name, types.file, 0, numbers.file);
  const rootListing = directory(folder, types.folder, fileInode.length, numbers.folder);
  const folderInode = (
    number: number,
    parent: number,
    links: number,
    size: number,
    offset: number,
  ): Uint8Array =>
    folderInodeTable.write({
      ...head('folder', 0o755, number),
      links,
      sizeAndOffset: ((size + dots) << 13) | offset,
      start: 0,
      parent,
    });
  const inodes = concatBytes(
    fileInode,
    folderInode(numbers.folder, numbers.root, 2, listing.length, 0),
    folderInode(numbers.root, numbers.root + 1, 3, rootListing.length, listing.length),
  );
  const rootOffset = fileInode.length + folderInodeTable.size;
  const inodeTable = metadata(inodes, compress);
  const directoryTable = metadata(concatBytes(listing, rootListing), compress);
  const places = [0, fileInode.length, rootOffset].flatMap((offset) => [0, offset]);
  const lookup = metadata(words(places), compress);
  const starts = {
    inodes: squashfs3Table.size + data.length,
    directories: 0,
    lookupBlock: 0,
    lookup: 0,
    uids: 0,
  };
  starts.directories = starts.inodes + inodeTable.length;
  starts.lookupBlock = starts.directories + directoryTable.length;
  starts.lookup = starts.lookupBlock + lookup.length;
  starts.uids = starts.lookup + 8;
  const superBlock = squashfs3Table.write({
    magic,
    inodeCount: 3,
    versionMajor: 3,
    versionMinor: 1,
    // The 16 bits of older versions; 64 KiB overflows them to 0.
    shortBlockSize: blockSize & 0xffff,
    blockLog,
    flags,
    uidCount: 1,
    gidCount: 0,
    time,
    rootInode: rootOffset,
    blockSize,
    fragmentCount: 0,
    bytesUsed: starts.uids + 4,
    uidTable: starts.uids,
    gidTable: 0,
    inodeTable: starts.inodes,
    directoryTable: starts.directories,
    fragmentTable: starts.lookupBlock,
    lookupTable: starts.lookup,
  });
  const image = concatBytes(
    superBlock,
    data,
    inodeTable,
    directoryTable,
    lookup,
    words([0, starts.lookupBlock]),
    words([0]),
  );
  return padded(image, filePadding);
}

interface InodeHead {
  readonly typeAndMode: number;
  readonly uid: number;
  readonly gid: number;
  readonly time: number;
  readonly number: number;
}

/** A listing of one name; its inode stands at `offset` of the first metadata block. */
function directory(name: string, type: number, offset: number, inode: number): Uint8Array {
  return concatBytes(
    entryHeadTable.write({ countLessOne: 0, start: 0, inode }),
    entryTable.write({ offsetAndType: (offset << 3) | type, nameLessOne: name.length - 1, inodeDistance: 0 }),
    Buffer.from(name, 'latin1'),
  );
}

/** One metadata block: a length word, its top bit for a block that stands as it is. */
function metadata(content: Uint8Array, compress: BlockCompressor): Uint8Array {
  if (content.length > metadataSize)
    throw new InternalError(`metadata of ${content.length} bytes takes more than one block`);
  const packed = compress(content);
  const isSmaller = packed.length < content.length;
  const bytes = isSmaller ? packed : content;
  const length = new Uint8Array(2);
  new DataView(length.buffer).setUint16(0, bytes.length | (isSmaller ? 0 : 0x8000));
  return concatBytes(length, bytes);
}

function packBlock(
  block: Uint8Array,
  compress: BlockCompressor,
): { readonly bytes: Uint8Array; readonly sizeWord: number } {
  const packed = compress(block);
  return packed.length < block.length
    ? { bytes: packed, sizeWord: packed.length }
    : { bytes: block, sizeWord: block.length | (1 << 24) };
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

function words(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value);
  return bytes;
}
