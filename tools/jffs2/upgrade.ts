/**
 * Carries one file across an upgrade, as OpenWrt's `mtd` does: its nodes and an end marker are put where the writable
 * area of the new image begins.
 *
 * `mtd` writes nodes that cross pages when a file is longer than a block; Linux zeroes such data at garbage
 * collection. The `safe` form ends a node at each page border, and numbers what it adds above what is there.
 *
 * @see SPEC.md "Upgrade insertion"; OpenWrt package/system/mtd/src/jffs2.c and mtd.c
 */
import { FormatError, textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { END_MARKER_BYTES } from './blank.js';
import { DT_REG } from './node/dirent-type.js';
import { encodeCleanmarker, encodeDirent, encodeInode } from './node/encode.js';
import {
  comprNumbers,
  CPU_PAGE_SIZE,
  HEADER_SIZE,
  INODE_SIZE,
  JFFS2_NAME_MAX,
  MAGIC,
  padToNode,
  ROOT_INO,
  viewOf,
} from './node/layout.js';
import type { Endian } from './node/layout.js';
import { parseNode } from './node/parse.js';
import { isEndMarker } from './scan/block.js';
import { checkEraseSize } from './scan/scan.js';

/** The file to carry; times are seconds. */
export interface CarriedFile {
  /** Base name, 1 to 254 bytes. */
  readonly name: ByteString;
  readonly content: Uint8Array;
  /** Full st_mode; 0o100600 when absent. */
  readonly mode?: number;
  readonly atime?: number;
  readonly mtime?: number;
  readonly ctime?: number;
}

/** How to insert it. */
export interface InsertOptions {
  readonly endian: Endian;
  readonly eraseSize: number;
  /** `mtd` gives the bytes that OpenWrt's tool gives; `safe` survives garbage collection. */
  readonly form: 'mtd' | 'safe';
}

/** What an insertion did. */
export interface Insertion {
  readonly bytes: Uint8Array;
  /** Where the first inserted erase block starts. */
  readonly offset: number;
  /** Erase blocks written, the one of the end marker included. */
  readonly blockCount: number;
}

/** What was learnt from the nodes before the place of insertion. */
interface Seen {
  ino: number;
  version: number;
}

/**
 * Writes an upgrade image with a file carried along, as `mtd -j FILE write IMAGE` would flash it.
 *
 * From the first erase block that starts with DE AD C0 DE the nodes of the file are written; as many bytes of the image
 * are left out.
 *
 * @param image starts at an erase block of the flash
 * @param skip markers in the first bytes of the image do not count (`-s` of mtd)
 * @throws FormatError FW_JFFS2_NO_MARKER when no erase block starts with the marker: `mtd` would silently lose the file
 * @throws FormatError FW_JFFS2_ERASE_SIZE
 */
export function insertIntoImage(
  image: Uint8Array,
  file: CarriedFile,
  options: InsertOptions,
  skip = 0,
): Insertion {
  const eraseSize = checkEraseSize(options.eraseSize);
  const view = viewOf(image);
  const seen = newSeen();
  for (let offset = 0; offset < image.length; offset += eraseSize) {
    if (offset >= skip) {
      if (isEndMarker(view, offset))
        return splice(image, offset, configBlocks(file, seen, options), eraseSize);
      learn(image, offset, seen, options);
    }
  }
  throw new FormatError(
    'FW_JFFS2_NO_MARKER',
    `no erase block of the image starts with the end marker; ${textOf(file.name)} cannot be carried`,
    {
      hint: `pad the root file system to ${eraseSize} bytes and append the marker (recipe step pad-rootfs)`,
      data: { structure: 'end marker', expected: 'DE AD C0 DE at a multiple of the erase size', eraseSize },
    },
  );
}

function splice(whole: Uint8Array, offset: number, blocks: Uint8Array, eraseSize: number): Insertion {
  const bytes = new Uint8Array(Math.max(whole.length, offset + blocks.length));
  bytes.set(whole);
  bytes.set(blocks, offset);
  return { bytes, offset, blockCount: blocks.length / eraseSize };
}

function newSeen(): Seen {
  return { ino: ROOT_INO, version: 0 };
}

/** Learns the highest numbers from the nodes of a block that starts with the magic. */
function learn(bytes: Uint8Array, blockOffset: number, seen: Seen, options: InsertOptions): void {
  const { endian, form } = options;
  const view = viewOf(bytes);
  const end = Math.min(blockOffset + options.eraseSize, bytes.length);
  if (end - blockOffset < HEADER_SIZE || view.getUint16(blockOffset, endian === 'little') !== MAGIC) return;
  for (let at = blockOffset; at < end;) {
    const node = parseNode(bytes, at, end, endian, view);
    if (node.kind === 'fault') {
      at += Math.max(1, node.span);
      continue;
    }
    at += padToNode(node.totlen);
    if (node.kind === 'inode' && form === 'safe') seen.ino = Math.max(seen.ino, node.ino);
    if (node.kind !== 'dirent') continue;
    seen.ino = Math.max(seen.ino, node.ino);
    seen.version = Math.max(seen.version, node.version);
  }
}

/** Makes the erase blocks that hold the file, and the block of the end marker. */
function configBlocks(file: CarriedFile, seen: Seen, options: InsertOptions): Uint8Array {
  const { endian, form } = options;
  const { name } = file;
  if (name.length === 0 || name.length > JFFS2_NAME_MAX || name.includes('/'))
    throw new FormatError('FW_JFFS2_LIMIT', `"${textOf(name)}" is no name of 1 to ${JFFS2_NAME_MAX} bytes`, {
      data: { structure: 'name', found: name.length, expected: JFFS2_NAME_MAX },
    });
  const blocks = new ConfigBlocks(options.eraseSize, endian);
  const ino = seen.ino + 1;
  // `mtd` takes the highest version for its dirent, and one more is skipped before the first node of the file.
  const version = form === 'mtd' ? seen.version : seen.version + 1;
  blocks.append(encodeDirent({ pino: ROOT_INO, version, ino, mctime: 0, type: DT_REG, name }, endian));
  const { atime = 0, mtime = 0, ctime = 0, mode = 0o100600, content } = file;
  const template = { ...emptyInode, ino, mode, isize: content.length, atime, mtime, ctime };
  let nodeVersion = form === 'mtd' ? version + 1 : 0;
  for (let offset = 0; offset < content.length;) {
    const room = blocks.dataRoom();
    const toPageEnd = form === 'safe' ? CPU_PAGE_SIZE - (offset % CPU_PAGE_SIZE) : CPU_PAGE_SIZE;
    const data = content.subarray(offset, offset + Math.min(toPageEnd, room));
    nodeVersion += 1;
    blocks.append(
      encodeInode({ ...template, version: nodeVersion, offset, dsize: data.length }, data, endian),
    );
    offset += data.length;
  }
  if (content.length === 0 && form === 'safe') {
    // Without a node Linux would drop the name.
    blocks.append(encodeInode({ ...template, version: 1 }, content, endian));
  }
  return blocks.finish();
}

const emptyInode = { uid: 0, gid: 0, offset: 0, dsize: 0, compr: comprNumbers.none };

/** With this much room or less, `mtd` closes a block before it writes data. */
const DATA_ROOM_MIN = 128;

/** Erase blocks as `mtd` fills them: a full block is followed at once by the cleanmarker of the next. */
class ConfigBlocks {
  readonly #eraseSize: number;
  readonly #cleanmarker: Uint8Array;
  #bytes: Uint8Array;
  #length = 0;

  constructor(eraseSize: number, endian: Endian) {
    this.#eraseSize = eraseSize;
    this.#cleanmarker = encodeCleanmarker(HEADER_SIZE, endian);
    this.#bytes = new Uint8Array(2 * eraseSize).fill(0xff);
    this.#startBlock();
  }

  /** Bytes of data that a node may hold in the current block; goes on to the next when they are too few. */
  dataRoom(): number {
    const room = (): number => this.#eraseSize - (this.#length % this.#eraseSize) - INODE_SIZE;
    if (room() <= DATA_ROOM_MIN) this.#closeBlock();
    return room();
  }

  append(node: Uint8Array): void {
    const used = this.#length % this.#eraseSize;
    if (used + node.length > this.#eraseSize) this.#closeBlock();
    this.#reserve(node.length);
    this.#bytes.set(node, this.#length);
    this.#length = padToNode(this.#length + node.length);
    if (this.#length % this.#eraseSize === 0) this.#startBlock();
  }

  /** Adds the end marker in a block of its own. */
  finish(): Uint8Array {
    const end = Math.ceil(this.#length / this.#eraseSize) * this.#eraseSize;
    this.#reserve(end - this.#length + this.#eraseSize);
    this.#bytes.set(END_MARKER_BYTES, end);
    return this.#bytes.slice(0, end + this.#eraseSize);
  }

  #closeBlock(): void {
    this.#length = Math.ceil(this.#length / this.#eraseSize) * this.#eraseSize;
    this.#startBlock();
  }

  #startBlock(): void {
    this.#reserve(this.#cleanmarker.length);
    this.#bytes.set(this.#cleanmarker, this.#length);
    this.#length += this.#cleanmarker.length;
  }

  /** Grows the buffer; what is not written stays FF. */
  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + count)).fill(0xff);
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
