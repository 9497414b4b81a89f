/** Damages JFFS2 images: blindly, and with checksums put right again so that the damage reaches the code behind them. */
import { crc32Raw } from '../../tools/core/index.js';
import type { RandomSource } from '../../tools/core/index.js';
import { FormatError } from '../../tools/core/index.js';
import { scanJffs2 } from '../../tools/jffs2/index.js';
import type { Endian } from '../../tools/jffs2/index.js';
import {
  direntLayout,
  headerLayout,
  inodeLayout,
  viewOf,
  xattrLayout,
  xrefLayout,
} from '../../tools/jffs2/node/layout.js';
import { parseNode } from '../../tools/jffs2/node/parse.js';
import type { Jffs2Node } from '../../tools/jffs2/node/parse.js';
import { walkTree } from '../../tools/vfs/index.js';

type Places = Readonly<Record<string, readonly [offset: number, width: number]>>;

interface MutableKind {
  readonly layout: Places;
  readonly span: number;
  readonly crcAt: number;
}

/** Fields and checksummed span of the nodes whose insides are worth mutating. */
const kinds: Readonly<Record<'inode' | 'dirent' | 'xattr' | 'xref', MutableKind>> = {
  inode: { layout: inodeLayout, span: 60, crcAt: 64 },
  dirent: { layout: direntLayout, span: 32, crcAt: 36 - 4 },
  xattr: { layout: xattrLayout, span: 28, crcAt: 28 },
  xref: { layout: xrefLayout, span: 24, crcAt: 24 },
};

/** All good nodes of an image. */
export function nodesOf(bytes: Uint8Array, endian: Endian): Jffs2Node[] {
  const nodes: Jffs2Node[] = [];
  for (let at = 0; at < bytes.length;) {
    const node = parseNode(bytes, at, bytes.length, endian);
    if (node.kind !== 'fault') nodes.push(node);
    at += node.kind === 'fault' ? 4 : Math.ceil(node.totlen / 4) * 4;
  }
  return nodes;
}

const wild = [
  0, 1, 2, 3, 11, 12, 40, 67, 68, 255, 4096, 65535, 65536, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
];

/** Puts header and node checksum of a node right. */
function fixChecksums(bytes: Uint8Array, node: Jffs2Node, endian: Endian): void {
  const view = viewOf(bytes);
  const little = endian === 'little';
  const base = node.nodeOffset;
  view.setUint32(base + 8, crc32Raw(bytes.subarray(base, base + 8)), little);
  if (!(node.kind in kinds)) return;
  const { span, crcAt } = kinds[node.kind as keyof typeof kinds];
  view.setUint32(base + crcAt, crc32Raw(bytes.subarray(base, base + span)), little);
}

/** Damages a copy of an image in one to four places. */
export function mutate(
  image: Uint8Array,
  nodes: readonly Jffs2Node[],
  endian: Endian,
  random: RandomSource,
): Uint8Array {
  const bytes = image.slice();
  const view = viewOf(bytes);
  const little = endian === 'little';
  for (let count = 1 + random.below(4); count > 0; count--) {
    const node = nodes[random.below(nodes.length)];
    if (!node) break;
    const { nodeOffset: base } = node;
    switch (random.below(6)) {
      case 0: {
        const at = random.below(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      }
      case 1:
        return bytes.subarray(0, random.below(bytes.length + 1));
      case 2: {
        const from = random.below(bytes.length);
        bytes.copyWithin(random.below(bytes.length), from, from + random.below(5000));
        break;
      }
      case 3:
        bytes.fill([0, 0xff, 0x85][random.below(3)] ?? 0, base, base + random.below(200));
        break;
      default: {
        const layout: Places = node.kind in kinds ? kinds[node.kind as keyof typeof kinds].layout : {};
        const places: readonly (readonly [number, number])[] = Object.values({
          ...layout,
          totlen: headerLayout.totlen,
          nodetype: headerLayout.nodetype,
        });
        const [offset, width] = places[random.below(places.length)] ?? [4, 4];
        const value = random.below(3) === 0 ? random.below(20) : (wild[random.below(wild.length)] ?? 0);
        if (base + offset + width > bytes.length) break;
        if (width === 4) view.setUint32(base + offset, value, little);
        else if (width === 2) view.setUint16(base + offset, value & 0xffff, little);
        else view.setUint8(base + offset, value & 0xff);
        fixChecksums(bytes, node, endian);
      }
    }
  }
  return bytes;
}

/**
 * Scans damaged bytes and reads all files, in pieces and at most a mebibyte of each. Only errors of the format may come.
 *
 * @returns how many files were read
 */
export function scanAll(bytes: Uint8Array, eraseSize?: number): number {
  let files = 0;
  try {
    const { tree } = scanJffs2(bytes, eraseSize === undefined ? {} : { eraseSize });
    for (const { inode } of walkTree(tree)) {
      if (inode.type !== 'file') continue;
      files += 1;
      try {
        inode.content.read(0, 1 << 19);
        inode.content.read(Math.max(0, inode.content.size - 5000), 1 << 19);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return files;
}
