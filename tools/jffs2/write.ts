/**
 * Writes a tree as a JFFS2 image: our own form, which loses nothing and is as small as the target's kernel can read.
 */
import { FormatError, InternalError, textOf } from '../core/index.js';
import type { TreeDirectory } from '../vfs/index.js';
import { compress, compressionProfiles } from './compression.js';
import type { Compression, CompressionProfile, StoredData } from './compression.js';
import { encodeDirent, encodeInode, encodeXattr, encodeXref } from './node-encode.js';
import {
  comprNumbers,
  CPU_PAGE_SIZE,
  HEADER_SIZE,
  INODE_SIZE,
  SUMMARY_DIRENT_SIZE,
  SUMMARY_INODE_SIZE,
  SUMMARY_XATTR_SIZE,
  SUMMARY_XREF_SIZE,
} from './node-layout.js';
import type { Endian } from './node-layout.js';
import { checkEraseSize } from './scan.js';
import { withPages } from './write-content.js';
import type { Page, ReadyStep } from './write-content.js';
import { BlockOutput } from './write-output.js';
import { planImage } from './write-plan.js';
import type { InodeTemplate } from './write-plan.js';

/** How to write an image. */
export interface WriterOptions {
  readonly endian: Endian;
  /** Bytes; when in doubt the smaller one, since an image for a larger size loses files. */
  readonly eraseSize: number;
  /** Bytes of the cleanmarker in each block: 12 (default) on NOR, 0 on NAND, where it stands in the OOB area. */
  readonly cleanmarkerSize?: number;
  /** What the target reads; `linux` when absent. */
  readonly compression?: CompressionProfile | Compression;
  /** Most content of one node, a divisor of 4096 (default): data never crosses such a border. */
  readonly pageSize?: number;
  /** Whether zeros may be left out of files (default: unless nothing may be compressed). */
  readonly holes?: boolean;
  /** Whether full blocks end with a summary, so that a mount need not scan them. */
  readonly summaries?: boolean;
  /** `block` (default) pads with FF to the end of the last block, `none` ends behind the last node. */
  readonly pad?: 'block' | 'none';
  /** Whether OpenWrt's end marker follows the padded image: the rest of the partition is then erased at first mount. */
  readonly endMarker?: boolean;
  /** Later times are set to this, in seconds: SOURCE_DATE_EPOCH. */
  readonly maxTime?: number;
}

/** Bytes of OpenWrt's end marker. */
export const END_MARKER_BYTES: readonly number[] = [0xde, 0xad, 0xc0, 0xde];

/** Below this many content bytes a page is not split to fill a block: the extra node would cost more. */
const SPLIT_MIN = 256;

/**
 * Writes a tree as a JFFS2 image.
 *
 * The root keeps its attributes, directories their times; hard links, device numbers of 12 and 20 bits, attributes and
 * ACLs are kept; zero pages take no space. Same tree and options, same bytes.
 *
 * @param tree not modified
 * @throws FormatError FW_JFFS2_LIMIT for what JFFS2 cannot hold (names above 254 bytes, ids above 65535, files of
 *   4 GiB, ...); FW_JFFS2_ERASE_SIZE; FW_JFFS2_OPTIONS for other impossible options
 * @throws EnvironmentError FW_JFFS2_CHANGED when a file shrinks meanwhile
 * @see SPEC.md "Images"
 */
export function writeJffs2(tree: TreeDirectory, options: WriterOptions): Uint8Array {
  const { endian, eraseSize, pageSize = CPU_PAGE_SIZE, cleanmarkerSize = HEADER_SIZE } = options;
  checkOptions(eraseSize, pageSize, cleanmarkerSize);
  const named = options.compression ?? 'linux';
  const compression = typeof named === 'string' ? compressionProfiles[named] : named;
  const summaries = options.summaries ?? false;
  const output = new BlockOutput({ endian, eraseSize, cleanmarkerSize, summaries });
  const holes = options.holes ?? compression.mode !== 'none';
  const writer = new NodeWriter(output, endian, compression, holes);
  const steps = planImage(tree, { endian, maxTime: options.maxTime });
  for (const step of withPages(steps, pageSize, compression)) writer.write(step);
  output.closeIfFull();
  if (options.pad !== 'none' || options.endMarker) output.closePadded();
  if (options.endMarker) output.appendRaw(Uint8Array.from(END_MARKER_BYTES));
  return output.finish();
}

function checkOptions(eraseSize: number, pageSize: number, cleanmarkerSize: number): void {
  checkEraseSize(eraseSize);
  const refuse = (what: string, expected: string, found: number): never => {
    throw new FormatError('FW_JFFS2_OPTIONS', `${what} ${found}: expected ${expected}`, {
      data: { structure: what, expected, found },
    });
  };
  if (!(pageSize >= 512) || CPU_PAGE_SIZE % pageSize !== 0)
    refuse('page size', '512, 1024, 2048 or 4096', pageSize);
  const isMarker =
    cleanmarkerSize === 0 || (cleanmarkerSize >= HEADER_SIZE && cleanmarkerSize <= eraseSize / 2);
  if (!isMarker || cleanmarkerSize % 4 !== 0) {
    refuse('cleanmarker size', `0, or a multiple of 4 from ${HEADER_SIZE}`, cleanmarkerSize);
  }
}

/** A file while its pages are written: they may come in pieces. */
interface OpenFile {
  readonly template: InodeTemplate;
  version: number;
  /** Start of the zero pages at the end of what has come so far. */
  zerosFrom: number | undefined;
}

/** Writes steps as nodes. */
class NodeWriter {
  readonly #output: BlockOutput;
  readonly #endian: Endian;
  readonly #compression: Compression;
  readonly #holes: boolean;
  #file: OpenFile | undefined;

  constructor(output: BlockOutput, endian: Endian, compression: Compression, holes: boolean) {
    this.#output = output;
    this.#endian = endian;
    this.#compression = compression;
    this.#holes = holes;
  }

  write(step: ReadyStep): void {
    switch (step.kind) {
      case 'dirent': {
        const { pino, version, ino, type, name } = step.fields;
        const node = encodeDirent(step.fields, this.#endian);
        const entry = { kind: 'dirent', pino, version, ino, type, name, totlen: node.length } as const;
        this.#put(node, SUMMARY_DIRENT_SIZE + name.length, entry);
        break;
      }
      case 'xattr': {
        const { xid, version } = step.fields;
        const node = encodeXattr(step.fields, this.#endian);
        if (node.length > this.#output.roomInEmptyBlock(SUMMARY_XATTR_SIZE)) {
          const path = textOf(step.path);
          const found = node.length;
          throw new FormatError(
            'FW_JFFS2_LIMIT',
            `${path}: an attribute of ${found} bytes is larger than a block`,
            {
              data: { path, structure: 'attribute', found },
            },
          );
        }
        this.#put(node, SUMMARY_XATTR_SIZE, { kind: 'xattr', xid, version, totlen: node.length });
        break;
      }
      case 'xref':
        this.#put(encodeXref(step.fields, this.#endian), SUMMARY_XREF_SIZE, { kind: 'xref' });
        break;
      case 'inode': {
        const { template, version, data } = step;
        const stored = { compr: comprNumbers.none, data, consumed: data.length };
        this.#output.need(INODE_SIZE + data.length, SUMMARY_INODE_SIZE);
        this.#putInode(template, version, 0, stored);
        break;
      }
      case 'pages':
        this.#pages(step.file.template, step.pages, step.isEnd);
        break;
    }
  }

  #put(node: Uint8Array, entrySize: number, entry: Parameters<BlockOutput['append']>[1]): void {
    this.#output.need(node.length, entrySize);
    this.#output.append(node, entry);
  }

  #putInode(template: InodeTemplate, version: number, offset: number, stored: StoredData): void {
    const { compr, data, consumed: dsize } = stored;
    const node = encodeInode({ ...template, version, offset, dsize, compr }, data, this.#endian);
    const { ino } = template;
    this.#output.append(node, { kind: 'inode', ino, version, totlen: node.length });
  }

  #pages(template: InodeTemplate, pages: readonly Page[], isEnd: boolean): void {
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
      if (stored.consumed !== bytes.length)
        throw new InternalError('a compressor left a part of a page over');
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
      if (part.consumed === length) return part;
    }
    return whole.compr === comprNumbers.none
      ? { compr: comprNumbers.none, data: bytes.subarray(0, room & ~3), consumed: room & ~3 }
      : undefined;
  }
}
