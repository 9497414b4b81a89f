/**
 * Writes the very bytes of mkfs.jffs2 2.1.5, its weaknesses included: for comparing with images that it made.
 *
 * The root's attributes and directory times are lost, numbers are truncated, zeros are stored; see SPEC.md "mkfs.jffs2".
 */
import { bytesOf, compareBytes, joinPath } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { typeBits } from '../../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../../vfs/index.js';
import { compress, compressors } from '../compression/compression.js';
import type { Compression } from '../compression/compression.js';
import { direntType } from '../node/dirent-type.js';
import {
  comprNumbers,
  CPU_PAGE_SIZE,
  HEADER_SIZE,
  INODE_SIZE,
  JFFS2_NAME_MAX,
  ROOT_INO,
  viewOf,
} from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import { withPages } from './content.js';
import type { Page } from './content.js';
import { inodePutter, writeSteps } from './nodes.js';
import type { PageWriter, PutInode } from './nodes.js';
import { BlockOutput } from './output.js';
import { XattrNumbers, xattrSteps } from './plan.js';
import type { InodeTemplate, WriteStep } from './plan.js';

/** The compressors that mkfs.jffs2 enables, in its order; lzo, when enabled, comes first. */
export const compatibleCompression: Compression = {
  mode: 'priority',
  compressors: [compressors.zlib, compressors.rtime],
};

/** The options of mkfs.jffs2, by its letters. */
export interface CompatibleOptions {
  /** -l, -b */
  readonly endian: Endian;
  /** -e; 64 KiB */
  readonly eraseSize?: number;
  /** -s; 4096 */
  readonly pageSize?: number;
  /** -c, and 0 for -n; 12 */
  readonly cleanmarkerSize?: number;
  /** -p: to the end of the block, or to this many bytes. */
  readonly pad?: 'block' | number;
  /** -m, -x, -X, -y */
  readonly compression?: Compression;
  /** --with-xattr: all attributes of the tree. */
  readonly xattrs?: boolean;
  /** Names that a device table added: they stand at the end of their directory, in this order. */
  readonly added?: ReadonlyMap<TreeDirectory, readonly ByteString[]>;
}

/**
 * Writes a tree as mkfs.jffs2 2.1.5 does, byte for byte.
 *
 * @param tree not modified; owners and modes as they shall be stored
 * @see SPEC.md "mkfs.jffs2"; mtd-utils 2.1.5 mkfs.jffs2
 */
export function writeJffs2Compatible(tree: TreeDirectory, options: CompatibleOptions): Uint8Array {
  const { endian, eraseSize = 65536, pageSize = CPU_PAGE_SIZE, cleanmarkerSize = HEADER_SIZE } = options;
  const compression = options.compression ?? compatibleCompression;
  const output = new BlockOutput({ endian, eraseSize, cleanmarkerSize, summaries: false });
  const pages = new CompatiblePages(output, endian, compression);
  writeSteps(withPages(planCompatible(tree, options), pageSize, compression), output, endian, pages);
  pad(output, eraseSize, cleanmarkerSize, options.pad);
  return output.finish();
}

function pad(
  output: BlockOutput,
  eraseSize: number,
  cleanmarkerSize: number,
  size: CompatibleOptions['pad'],
): void {
  if (size === undefined) return;
  if (size !== 'block' && cleanmarkerSize === 0) {
    if (size > output.length) output.fill(size - output.length);
    return;
  }
  output.closePadded();
  while (size !== 'block' && output.length < size) {
    output.startBlock();
    output.fill(eraseSize - (output.length % eraseSize));
  }
}

/** Plans an image in the order of mkfs.jffs2. */
function* planCompatible(root: TreeDirectory, options: CompatibleOptions): Generator<WriteStep> {
  const numbers = new Map<TreeInode, number>([[root, ROOT_INO]]);
  const xattrs = new XattrNumbers();
  const { endian } = options;
  const attributes = (inode: TreeInode, ino: number, path: ByteString): Iterable<WriteStep> =>
    options.xattrs ? xattrSteps(inode, ino, path, xattrs, endian) : [];
  let version = 0;
  const queue = [{ directory: root, path: '/' as ByteString, ino: ROOT_INO }];
  for (let step = queue.pop(); step; step = queue.pop()) {
    const { directory, path: parentPath, ino: pino } = step;
    yield* attributes(directory, pino, parentPath);
    const subdirectories: typeof queue = [];
    for (const name of orderedNames(directory, options)) {
      const inode = directory.entries.get(name);
      if (!inode) continue;
      const path = joinPath(parentPath, name);
      const known = numbers.get(inode);
      const ino = known ?? numbers.size + 1;
      yield {
        kind: 'dirent',
        fields: {
          pino,
          version,
          ino,
          mctime: secondsOf(inode),
          type: direntType(typeBits[inode.type]),
          name,
        },
      };
      version += 1;
      if (known !== undefined) continue;
      numbers.set(inode, ino);
      yield inodeStep(inode, ino, path, endian);
      yield* attributes(inode, ino, path);
      if (inode.type === 'directory' && inode.entries.size > 0) {
        subdirectories.push({ directory: inode, path, ino });
      }
    }
    queue.push(...subdirectories.reverse());
  }
}

function orderedNames(directory: TreeDirectory, options: CompatibleOptions): ByteString[] {
  const added = options.added?.get(directory) ?? [];
  const isAdded = new Set(added);
  return [...[...directory.entries.keys()].filter((name) => !isAdded.has(name)).sort(compareBytes), ...added];
}

function inodeStep(inode: TreeInode, ino: number, path: ByteString, endian: Endian): WriteStep {
  const time = secondsOf(inode);
  const template: InodeTemplate = {
    ...{ ino, mode: typeBits[inode.type] | inode.mode, uid: inode.uid & 0xffff, gid: inode.gid & 0xffff },
    ...{ isize: 0, atime: time, mtime: time, ctime: time },
  };
  const node = (data: Uint8Array, isize = 0): WriteStep => ({
    ...{ kind: 'inode', template: { ...template, isize }, version: 1, data },
  });
  switch (inode.type) {
    case 'file':
      return {
        ...{ kind: 'file', path, content: inode.content },
        template: { ...template, isize: inode.content.size % 2 ** 32 },
      };
    case 'symlink':
      return node(bytesOf(inode.target).subarray(0, JFFS2_NAME_MAX), inode.target.length);
    case 'char':
    case 'block': {
      // Larger numbers are truncated: that is what mkfs.jffs2 does.
      const data = new Uint8Array(2);
      viewOf(data).setUint16(0, ((inode.rdev.major << 8) + inode.rdev.minor) & 0xffff, endian === 'little');
      return node(data);
    }
    case 'directory':
    case 'fifo':
    case 'socket':
      return node(new Uint8Array());
  }
}

function secondsOf(inode: TreeInode): number {
  return Number(BigInt.asUintN(32, inode.mtimeNs / 1_000_000_000n));
}

/** Room that mkfs.jffs2 wants for data before it starts a node. */
const DATA_MIN = 128;

/** Places pages as mkfs.jffs2 does: each block is filled with what the compressor can fit in. */
class CompatiblePages implements PageWriter {
  readonly #output: BlockOutput;
  readonly #compression: Compression;
  readonly #putInode: PutInode;
  #version = 0;

  constructor(output: BlockOutput, endian: Endian, compression: Compression) {
    this.#output = output;
    this.#compression = compression;
    this.#putInode = inodePutter(output, endian);
  }

  write(template: InodeTemplate, pages: readonly Page[], isEnd: boolean): void {
    for (const page of pages) this.#page(template, page);
    if (template.isize === 0 && pages.length === 0) {
      this.#output.need(INODE_SIZE, 0);
      this.#putInode(template, 1, 0, { compr: comprNumbers.none, data: new Uint8Array(), consumed: 0 });
    }
    if (isEnd) this.#version = 0;
  }

  #page(template: InodeTemplate, page: Page): void {
    for (let at = 0; at < page.bytes.length;) {
      this.#output.need(INODE_SIZE + DATA_MIN, 0);
      const rest = page.bytes.subarray(at);
      const space = Math.min(this.#output.room(0) - INODE_SIZE, rest.length);
      const isWhole = at === 0 && space === page.bytes.length;
      const stored = isWhole ? page.stored : compress(rest, space, this.#compression);
      this.#version += 1;
      this.#putInode(template, this.#version, page.offset + at, stored);
      at += stored.consumed;
    }
  }
}
