/** Places the pages of files in our own images: holes for zeros, blocks filled to the end where that pays. */
import { compress } from '../compression/compression.js';
import type { Compression, StoredData } from '../compression/compression.js';
import { comprNumbers, INODE_SIZE, SUMMARY_INODE_SIZE } from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import type { Page } from './content.js';
import { inodePutter } from './nodes.js';
import type { PageWriter, PutInode } from './nodes.js';
import type { BlockOutput } from './output.js';
import type { InodeTemplate } from './plan.js';

/** Below this many content bytes a page is not split to fill a block: the extra node would cost more. */
const SPLIT_MIN = 256;

/** A file while its pages are written: they may come in pieces. */
interface OpenFile {
  readonly template: InodeTemplate;
  version: number;
  /** Start of the zero pages at the end of what has come so far. */
  zerosFrom: number | undefined;
}

/** Writes pages so that the image becomes as small as it goes. */
export class PackedPages implements PageWriter {
  readonly #output: BlockOutput;
  readonly #compression: Compression;
  readonly #holes: boolean;
  readonly #putInode: PutInode;
  #file: OpenFile | undefined;

  /** @param holes whether zeros may be left out */
  constructor(output: BlockOutput, endian: Endian, compression: Compression, holes: boolean) {
    this.#output = output;
    this.#compression = compression;
    this.#holes = holes;
    this.#putInode = inodePutter(output, endian);
  }

  write(template: InodeTemplate, pages: readonly Page[], isEnd: boolean): void {
    const file = (this.#file ??= { template, version: 0, zerosFrom: undefined });
    for (const page of pages) {
      if (this.#holes && page.isZero) {
        file.zerosFrom ??= page.offset;
        continue;
      }
      // A range without a node reads as zeros, so zeros before more content need none.
      file.zerosFrom = undefined;
      this.#page(file, page);
    }
    if (!isEnd) return;
    this.#file = undefined;
    const end = template.isize;
    if (end === 0) this.#hole(file, 0, 0, comprNumbers.none);
    else if (file.zerosFrom !== undefined)
      this.#hole(file, file.zerosFrom, end - file.zerosFrom, comprNumbers.zero);
  }

  /** The last byte of a file must be covered by a node, or Linux cuts the file. */
  #hole(file: OpenFile, offset: number, length: number, compr: number): void {
    file.version += 1;
    this.#output.need(INODE_SIZE, SUMMARY_INODE_SIZE);
    this.#putInode(file.template, file.version, offset, { compr, data: new Uint8Array(), consumed: length });
  }

  #page(file: OpenFile, page: Page): void {
    let { offset, bytes, stored } = page;
    for (;;) {
      const room = this.#output.room(SUMMARY_INODE_SIZE) - INODE_SIZE;
      const part = stored.data.length <= room ? stored : this.#part(bytes, stored, room);
      if (!part) {
        this.#output.closeBlock();
        continue;
      }
      file.version += 1;
      this.#putInode(file.template, file.version, offset, part);
      if (part.consumed === bytes.length) return;
      offset += part.consumed;
      bytes = bytes.subarray(part.consumed);
      stored = compress(bytes, bytes.length, this.#compression);
    }
  }

  /** Finds a start of the page that fills the rest of the block; undefined when that is not worth a node. */
  #part(bytes: Uint8Array, whole: StoredData, room: number): StoredData | undefined {
    if (room < SPLIT_MIN) return undefined;
    // What compresses evenly fits at its share; the second try leaves room for what does not.
    for (const share of [0.92, 0.75]) {
      const length = Math.floor((bytes.length * room * share) / whole.data.length) & ~3;
      if (length < SPLIT_MIN) return undefined;
      const part = compress(bytes.subarray(0, length), Math.min(length, room), this.#compression);
      if (part.compr !== comprNumbers.none || part.consumed === length) return part;
    }
    return whole.compr === comprNumbers.none
      ? { compr: comprNumbers.none, data: bytes.subarray(0, room & ~3), consumed: room & ~3 }
      : undefined;
  }
}
