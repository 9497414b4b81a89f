/**
 * Inodes of squashfs 4.0: the fourteen types of the format, read into one shape.
 */
import { byteString, FormatError } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { DeviceNumber, FileType } from '../vfs/index.js';
import { damaged } from './image.js';
import type { SquashfsImage } from './image.js';
import { MetadataCursor } from './metadata-cursor.js';

const none = 0xffff_ffff;
const longestTarget = 65535;

/** Kinds of objects, by the number of their basic inode; the extended one is 7 more. */
const types: readonly (FileType | undefined)[] = [
  undefined,
  'directory',
  'file',
  'symlink',
  'block',
  'char',
  'fifo',
  'socket',
];

/** What a directory entry calls an inode: basic type number to kind. */
export function typeOfNumber(number: number): FileType | undefined {
  return number <= 7 ? types[number] : types[number - 7];
}

/** Where the content of a file is. */
export interface InodeContent {
  readonly size: number;
  /** Bytes in holes. */
  readonly sparse: number;
  readonly blocksStart: number;
  readonly blockCount: number;
  readonly fragment: { readonly index: number; readonly offset: number } | undefined;
  /** At the list of stored block sizes. */
  readonly blockList: MetadataCursor;
}

/** Where the listing of a directory is. */
export interface InodeListing {
  /** Decoded bytes of the listing. */
  readonly length: number;
  /** Bytes from the start of the directory table to the metadata block, and in it. */
  readonly block: number;
  readonly offset: number;
  readonly parentNumber: number;
}

/** An inode as stored. */
export interface SquashfsInode {
  readonly number: number;
  readonly type: FileType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly nlink: number;
  readonly xattrIndex: number | undefined;
  readonly rdev: DeviceNumber;
  readonly target: ByteString | undefined;
  readonly content: InodeContent | undefined;
  readonly listing: InodeListing | undefined;
}

/**
 * Reads an inode.
 *
 * @param reference  as directory entries hold it: metadata block from the start of the inode table, times 65536, plus
 *   the offset in the decoded block
 * @throws FormatError FW_SQUASHFS_INODE, FW_SQUASHFS_BLOCK
 */
export function readInode(image: SquashfsImage, reference: number): SquashfsInode {
  const { inodeTableStart, directoryTableStart } = image.tables;
  const block = inodeTableStart + Math.floor(reference / 65536);
  const cursor = new MetadataCursor(image, 'inode table', block, reference % 65536, directoryTableStart);
  const header = cursor.read(16);
  const typeNumber = header.getUint16(0, true);
  const type = typeNumber <= 14 ? typeOfNumber(typeNumber) : undefined;
  const number = header.getUint32(12, true);
  if (type === undefined || number === 0) {
    throw inodeFault(reference, 'type 1 to 14 and a number above 0', `type ${typeNumber}, number ${number}`);
  }
  const extended = typeNumber > 7;
  const common = {
    number,
    type,
    mode: header.getUint16(2, true) & 0o7777,
    uid: image.id(header.getUint16(4, true)),
    gid: image.id(header.getUint16(6, true)),
    time: header.getUint32(8, true),
    nlink: 1,
    xattrIndex: undefined,
    rdev: { major: 0, minor: 0 },
    target: undefined,
    content: undefined,
    listing: undefined,
  };
  switch (type) {
    case 'directory':
      return { ...common, ...readDirectory(cursor, extended) };
    case 'file':
      return { ...common, ...readFile(image, cursor, extended, reference) };
    case 'symlink': {
      const fixed = cursor.read(8);
      const length = fixed.getUint32(4, true);
      if (length === 0 || length > longestTarget) {
        throw inodeFault(reference, `a target of 1 to ${longestTarget} bytes`, length);
      }
      const target = byteString(cursor.readBytes(length));
      const xattrIndex = extended ? xattrOf(cursor.read(4).getUint32(0, true)) : undefined;
      return { ...common, nlink: fixed.getUint32(0, true), target, xattrIndex };
    }
    case 'block':
    case 'char': {
      const fixed = cursor.read(extended ? 12 : 8);
      const device = fixed.getUint32(4, true);
      return {
        ...common,
        nlink: fixed.getUint32(0, true),
        rdev: { major: (device >>> 8) & 0xfff, minor: (device & 0xff) | ((device >>> 12) & 0xfff00) },
        xattrIndex: extended ? xattrOf(fixed.getUint32(8, true)) : undefined,
      };
    }
    default: {
      const fixed = cursor.read(extended ? 8 : 4);
      return {
        ...common,
        nlink: fixed.getUint32(0, true),
        xattrIndex: extended ? xattrOf(fixed.getUint32(4, true)) : undefined,
      };
    }
  }
}

type DirectoryPart = Pick<SquashfsInode, 'nlink' | 'listing' | 'xattrIndex'>;

function readDirectory(cursor: MetadataCursor, extended: boolean): DirectoryPart {
  const fixed = cursor.read(extended ? 24 : 16);
  const size = extended ? fixed.getUint32(4, true) : fixed.getUint16(8, true);
  return {
    nlink: fixed.getUint32(extended ? 0 : 4, true),
    listing: {
      // The size counts three bytes for `.` and `..`, which are not stored.
      length: Math.max(size - 3, 0),
      block: fixed.getUint32(extended ? 8 : 0, true),
      offset: fixed.getUint16(extended ? 18 : 10, true),
      parentNumber: fixed.getUint32(12, true),
    },
    xattrIndex: extended ? xattrOf(fixed.getUint32(20, true)) : undefined,
  };
}

type FilePart = Pick<SquashfsInode, 'nlink' | 'content' | 'xattrIndex'>;

function readFile(
  image: SquashfsImage,
  cursor: MetadataCursor,
  extended: boolean,
  reference: number,
): FilePart {
  const fixed = cursor.read(extended ? 40 : 16);
  const wide = (offset: number): number => {
    const value = fixed.getBigUint64(offset, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw inodeFault(reference, 'below 2^53', `0x${value.toString(16)}`);
    return Number(value);
  };
  const size = extended ? wide(8) : fixed.getUint32(12, true);
  const fragmentIndex = fixed.getUint32(extended ? 28 : 4, true);
  const inBlocks = size / image.blockSize;
  return {
    nlink: extended ? fixed.getUint32(24, true) : 1,
    content: {
      size,
      sparse: extended ? wide(16) : 0,
      blocksStart: extended ? wide(0) : fixed.getUint32(0, true),
      blockCount: fragmentIndex === none ? Math.ceil(inBlocks) : Math.floor(inBlocks),
      fragment:
        fragmentIndex === none
          ? undefined
          : { index: fragmentIndex, offset: fixed.getUint32(extended ? 32 : 8, true) },
      blockList: cursor,
    },
    xattrIndex: extended ? xattrOf(fixed.getUint32(36, true)) : undefined,
  };
}

function xattrOf(index: number): number | undefined {
  return index === none ? undefined : index;
}

function inodeFault(reference: number, expected: string, found: string | number): FormatError {
  return new FormatError(
    'FW_SQUASHFS_INODE',
    `squashfs inode at reference 0x${reference.toString(16)}: expected ${expected}, found ${found}`,
    { data: { structure: 'inode', reference, expected, found } },
  );
}

/** Sizes and places of a file's blocks, read from its inode as far as they are asked for. */
export class BlockList {
  readonly #content: InodeContent;
  readonly #sizes: number[] = [];
  readonly #starts: number[];
  #failure: Error | undefined;

  constructor(content: InodeContent) {
    this.#content = content;
    this.#starts = [content.blocksStart];
  }

  /** Offset in the image and stored size (bit 24: not compressed; 0: a hole) of a block. */
  at(index: number): { readonly offset: number; readonly size: number } {
    while (this.#sizes.length <= index) {
      // The cursor has lost its place after a failure: the same answer for all that come later.
      if (this.#failure !== undefined) throw this.#failure;
      // One metadata block's worth at a time: a hostile count of blocks costs nothing until they are there.
      const count = Math.min(this.#content.blockCount - this.#sizes.length, 1024);
      if (count <= 0)
        throw damaged('block list', this.#content.blocksStart, `an index below ${this.#sizes.length}`, index);
      const view = this.#read(count * 4);
      for (let i = 0; i < count; i += 1) {
        const size = view.getUint32(i * 4, true);
        this.#starts.push((this.#starts.at(-1) ?? 0) + (size & 0xff_ffff));
        this.#sizes.push(size);
      }
    }
    return { offset: this.#starts[index] ?? 0, size: this.#sizes[index] ?? 0 };
  }

  #read(length: number): DataView {
    try {
      return this.#content.blockList.read(length);
    } catch (failure) {
      this.#failure = failure instanceof Error ? failure : new Error(String(failure));
      throw failure;
    }
  }
}
