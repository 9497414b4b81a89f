/**
 * An open image: its checked super block, its metadata blocks, its tables, its decoded data blocks. It trusts nothing
 * that the image says: every start and length is compared with the image before it is used, and memory is bounded by
 * the caches, not by counts found in the image.
 */
import { callAddon, squashfsAddon } from '../addon/index.js';
import type { NativeImageReader } from '../addon/index.js';
import { FormatError } from '../core/index.js';
import { compressorIds, compressorName } from './compressor.js';
import { LruCache } from './lru-cache.js';
import { wrapNativeFailure } from './native-failure.js';
import { parseSuperBlock, SUPER_BLOCK_READ_SIZE, SUPER_BLOCK_SIZE, truncated } from './super-block.js';
import type { SuperBlock, Version4 } from './super-block.js';

/** Where an image stands: bytes in memory, which must not change while it is open, or a range of a file. */
export type ImageSource =
  Uint8Array | { readonly path: string; readonly offset?: number; readonly length?: number };

/** Decoded size of a full metadata block. */
const metadataBlockSize = 8192;
const storedUncompressed = 0x8000;
const cachedMetadataBlocks = 256;
const cachedDataBytes = 16 * 1024 * 1024;

/** A metadata block: its decoded bytes and where the next one starts. */
export interface MetadataBlock {
  readonly bytes: Uint8Array;
  readonly next: number;
}

/** Opens the bytes of an image, without looking at them. @throws EnvironmentError FW_ENV_FILE */
export function openSource(source: ImageSource): NativeImageReader {
  const { ImageReader } = squashfsAddon();
  try {
    return source instanceof Uint8Array
      ? new ImageReader(source, 0, Infinity)
      : new ImageReader(source.path, source.offset ?? 0, source.length ?? Infinity);
  } catch (error) {
    throw wrapNativeFailure(error);
  }
}

/** Reads the super block of an open source. */
export function readSuperBlock(reader: NativeImageReader): SuperBlock {
  const length = Math.min(reader.size(), SUPER_BLOCK_READ_SIZE);
  return parseSuperBlock(callAddon(() => reader.read(0, length)));
}

/** An image of version 4, open for reading. */
export class SquashfsImage {
  readonly superBlock: SuperBlock;
  readonly tables: Version4;
  readonly blockSize: number;
  readonly #reader: NativeImageReader;
  readonly #metadata = new LruCache<number, MetadataBlock>(cachedMetadataBlocks);
  readonly #data = new LruCache<number, Uint8Array>(cachedDataBytes, (block) => block.length);

  /** @throws FormatError as `openSquashfs` */
  constructor(source: ImageSource) {
    this.#reader = openSource(source);
    this.superBlock = readSuperBlock(this.#reader);
    this.tables = checkReadable(this.superBlock);
    this.blockSize = this.superBlock.blockSize;
    if (this.#reader.size() < this.superBlock.bytesUsed) {
      throw truncated('file system', this.superBlock.bytesUsed, this.#reader.size());
    }
    callAddon(() => this.#reader.useCompressor(this.tables.compressorId, this.blockSize));
  }

  close(): void {
    this.#reader.close();
  }

  /** Reads stored bytes. @throws FormatError FW_SQUASHFS_BLOCK when they are not inside the file system */
  stored(structure: string, offset: number, length: number): Uint8Array {
    this.#checkRange(structure, offset, length);
    return this.#call(structure, offset, () => this.#reader.read(offset, length));
  }

  /** Decodes the metadata block at an offset of the image. @throws FormatError FW_SQUASHFS_BLOCK */
  metadata(offset: number): MetadataBlock {
    const cached = this.#metadata.get(offset);
    if (cached) return cached;
    const header = this.#u16(this.stored('metadata block', offset, 2));
    const size = header & ~storedUncompressed;
    if (size === 0 || size > metadataBlockSize) {
      throw damaged('metadata block', offset, `1 to ${metadataBlockSize} bytes`, `${size} bytes`);
    }
    this.#checkRange('metadata block', offset + 2, size);
    const bytes = this.#call('metadata block', offset, () =>
      header & storedUncompressed
        ? this.#reader.read(offset + 2, size)
        : this.#reader.decode(offset + 2, size, metadataBlockSize),
    );
    const block = { bytes, next: offset + 2 + size };
    this.#metadata.set(offset, block);
    return block;
  }

  /**
   * Decodes a data or fragment block.
   *
   * @param size  as stored in inodes and the fragment table: bit 24 marks a block that is not compressed
   * @returns the block; shared with the cache, not to be changed
   * @throws FormatError FW_SQUASHFS_BLOCK
   */
  dataBlock(offset: number, size: number): Uint8Array {
    const cached = this.#data.get(offset);
    if (cached) return cached;
    const length = size & 0xff_ffff;
    if (size > 0x1ff_ffff || length === 0 || length > this.blockSize) {
      throw damaged(
        'data block',
        offset,
        `1 to ${this.blockSize} bytes`,
        `size field 0x${size.toString(16)}`,
      );
    }
    this.#checkRange('data block', offset, length);
    const bytes = this.#call('data block', offset, () =>
      size & 0x100_0000
        ? this.#reader.read(offset, length)
        : this.#reader.decode(offset, length, this.blockSize),
    );
    this.#data.set(offset, bytes);
    return bytes;
  }

  /**
   * Reads an entry of a table that is stored as metadata blocks behind a list of their starts.
   *
   * @param listStart  offset of the list
   * @param count      entries the table is said to have
   * @param width      bytes of an entry, a divisor of 8192
   */
  tableEntry(structure: string, listStart: number, count: number, width: number, index: number): DataView {
    if (index >= count) throw damaged(structure, listStart, `an index below ${count}`, index);
    const block = Math.floor((index * width) / metadataBlockSize);
    const pointer = this.stored(structure, listStart + block * 8, 8);
    const start = new DataView(pointer.buffer, pointer.byteOffset, 8).getBigUint64(0, true);
    if (start >= BigInt(this.superBlock.bytesUsed)) {
      throw damaged(structure, listStart + block * 8, 'a start inside the image', `0x${start.toString(16)}`);
    }
    const { bytes } = this.metadata(Number(start));
    const offset = (index * width) % metadataBlockSize;
    if (offset + width > bytes.length)
      throw damaged(structure, Number(start), 'an entry', 'the end of the block');
    return new DataView(bytes.buffer, bytes.byteOffset + offset, width);
  }

  /** Owner or group behind an index of an inode. */
  id(index: number): number {
    const { idTableStart, idCount } = this.tables;
    return this.tableEntry('id table', idTableStart, idCount, 4, index).getUint32(0, true);
  }

  /** Start and stored size of a fragment block. */
  fragment(index: number): { readonly offset: number; readonly size: number } {
    const { fragmentTableStart } = this.tables;
    if (fragmentTableStart === undefined) throw damaged('fragment table', 80, 'a table', 'none');
    const entry = this.tableEntry(
      'fragment table',
      fragmentTableStart,
      this.superBlock.fragmentCount,
      16,
      index,
    );
    const offset = entry.getBigUint64(0, true);
    if (offset >= BigInt(this.superBlock.bytesUsed)) {
      throw damaged(
        'fragment table',
        fragmentTableStart,
        'a start inside the image',
        `0x${offset.toString(16)}`,
      );
    }
    return { offset: Number(offset), size: entry.getUint32(8, true) };
  }

  #u16(bytes: Uint8Array): number {
    return (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  }

  #checkRange(structure: string, offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.superBlock.bytesUsed) {
      throw damaged(
        structure,
        offset,
        `inside the image of ${this.superBlock.bytesUsed} bytes`,
        `${length} bytes`,
      );
    }
  }

  #call<R>(structure: string, offset: number, call: () => R): R {
    try {
      return call();
    } catch (cause) {
      if (!(cause instanceof Error && 'library' in cause)) throw wrapNativeFailure(cause);
      throw damaged(structure, offset, 'bytes that decode', String(cause.library), cause);
    }
  }
}

/** Makes the error for a damaged block or table. */
export function damaged(
  structure: string,
  offset: number,
  expected: string,
  found: string | number,
  cause?: unknown,
): FormatError {
  return new FormatError(
    'FW_SQUASHFS_BLOCK',
    `squashfs ${structure} at offset ${offset}: expected ${expected}, found ${found}`,
    { data: { structure, offset, expected, found }, cause },
  );
}

/** Tells why an image cannot be opened, or nothing when it can. */
export function unreadable(superBlock: SuperBlock): FormatError | undefined {
  const { versionMajor, versionMinor, endian, vendor, version4 } = superBlock;
  if (!version4 || versionMinor !== 0 || endian === 'big' || vendor !== undefined) {
    const variant = vendor === undefined ? '' : `, ${vendor}`;
    return new FormatError(
      'FW_SQUASHFS_VERSION',
      `squashfs ${versionMajor}.${versionMinor}, ${endian}-endian${variant}, cannot be opened; 4.0 little-endian can`,
      { data: { structure: 'super block', offset: 28, found: `${versionMajor}.${versionMinor}`, endian } },
    );
  }
  const name = compressorName(version4.compressorId);
  if (name === undefined || name === 'lzo') {
    return new FormatError(
      'FW_SQUASHFS_COMPRESSOR',
      `squashfs compressor ${name ?? version4.compressorId} cannot be decoded; ${readableCompressors} can`,
      { data: { structure: 'super block', offset: 20, found: name ?? version4.compressorId } },
    );
  }
  return undefined;
}

const readableCompressors = Object.keys(compressorIds)
  .filter((name) => name !== 'lzo')
  .join(', ');

function checkReadable(superBlock: SuperBlock): Version4 {
  const refusal = unreadable(superBlock);
  if (refusal) throw refusal;
  const { version4, blockSize, bytesUsed } = superBlock;
  if (!version4) throw superFault('version', 28, 4, superBlock.versionMajor);
  if (blockSize < 4096 || blockSize > 1 << 20 || blockSize !== 2 ** version4.blockLog) {
    throw superFault('block size', 12, '4096 to 1048576, the power of two that block log says', blockSize);
  }
  if (bytesUsed < SUPER_BLOCK_SIZE)
    throw superFault('bytes used', 40, `at least ${SUPER_BLOCK_SIZE}`, bytesUsed);
  const starts: readonly (readonly [string, number, number | undefined])[] = [
    ['inode table', 64, version4.inodeTableStart],
    ['directory table', 72, version4.directoryTableStart],
    ['fragment table', 80, version4.fragmentTableStart],
    ['export table', 88, version4.exportTableStart],
    ['id table', 48, version4.idTableStart],
    ['xattr table', 56, version4.xattrTableStart],
  ];
  for (const [name, offset, start] of starts) {
    if (start !== undefined && (start < SUPER_BLOCK_SIZE || start > bytesUsed)) {
      throw superFault(`start of the ${name}`, offset, `inside the image of ${bytesUsed} bytes`, start);
    }
  }
  if (version4.inodeTableStart > version4.directoryTableStart) {
    throw superFault('start of the inode table', 64, 'before the directory table', version4.inodeTableStart);
  }
  if (version4.idCount === 0) throw superFault('id count', 26, 'at least 1', 0);
  return version4;
}

function superFault(field: string, offset: number, expected: string | number, found: number): FormatError {
  return new FormatError(
    'FW_SQUASHFS_SUPER',
    `squashfs super block: ${field} is ${found}, expected ${expected}`,
    {
      data: { structure: 'super block', field, offset, expected, found },
    },
  );
}
