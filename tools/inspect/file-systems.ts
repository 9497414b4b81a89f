/** Recognisers of file systems: squashfs of every version, JFFS2 in both byte orders, UBI, UBIFS, cramfs by name. */
import { FormatError, roundUp } from '../core/index.js';
import { startsWith, wordBe, wordLe } from '../firmware/index.js';
import { parseNode, scanJffs2 } from '../jffs2/index.js';
import type { Endian } from '../jffs2/index.js';
import { squashfsInfo } from '../squashfs/index.js';
import { walkTree } from '../vfs/index.js';
import type { InspectInput, Recogniser } from './input.js';
import { makePart } from './part.js';
import type { Detail } from './part.js';

/** Magic numbers of squashfs and of vendors' variants of it. */
export const squashfsMagics = ['hsqs', 'sqsh', 'shsq', 'qshs', 'sqlz', 'hsqt', 'tqsh'] as const;

const superBlockRoom = 512;

export const squashfsPart: Recogniser = (input, offset, end) => {
  if (!squashfsMagics.some((magic) => startsWith(input.bytes, Buffer.from(magic), offset))) return undefined;
  if (!isPlausibleSuperBlock(input, offset)) return undefined;
  const info = squashfsInfo(input.bytes.slice(offset, Math.min(offset + superBlockRoom, end)));
  const { superBlock } = info;
  const isWhole = superBlock.bytesUsed > 0 && offset + superBlock.bytesUsed <= end;
  const size = isWhole ? superBlock.bytesUsed : end - offset;
  const version = `${superBlock.versionMajor}.${superBlock.versionMinor}`;
  const compressor =
    info.compressor ??
    (superBlock.version4
      ? `number ${superBlock.version4.compressorId}`
      : oldCompressor(input.bytes.subarray(offset, end), superBlock.versionMajor));
  return makePart(
    'squashfs',
    `squashfs ${version} ${compressor}, ${superBlock.endian}-endian` +
      (info.refusal === undefined ? '' : ', cannot be unpacked here'),
    offset,
    size,
    {
      details: {
        magic: superBlock.magic,
        endian: superBlock.endian,
        version,
        ...(superBlock.vendor === undefined ? {} : { vendor: superBlock.vendor }),
        compressor,
        blockSize: superBlock.blockSize,
        inodes: superBlock.inodeCount,
        fragments: superBlock.fragmentCount,
        ...(superBlock.version4 ? { ids: superBlock.version4.idCount } : {}),
        flags: `0x${superBlock.flags.toString(16)}`,
        flagNames: info.flags,
        bytesUsed: superBlock.bytesUsed,
        time: superBlock.imageTime,
        ...(info.compressorOptions ? { compressorOptions: info.compressorOptions.values } : {}),
        canUnpack: info.refusal === undefined,
      },
      checks: [{ name: 'all bytes present', ok: isWhole }],
    },
  );
};

/** Bytes of the superblock, and so where the first block starts, before version 4. */
const oldSuperBlocks: Readonly<Record<number, number>> = { 1: 51, 2: 63, 3: 119 };

/** Versions 1 to 3 do not say how they are packed; their first block does. */
function oldCompressor(bytes: Uint8Array, version: number): string {
  const at = oldSuperBlocks[version] ?? 0;
  const [first = 0, second = 0] = bytes.subarray(at, at + 2);
  if (first === 0x78 && ((first << 8) | second) % 31 === 0) return 'zlib';
  if (first === 0x5d || first === 0x6d) return 'vendor LZMA';
  // The first byte of a range coder; such streams have no header.
  return first === 0 ? 'vendor LZMA without headers' : 'unknown compressor';
}

/** Keeps chance hits of the magic away from the reader: version 1 to 4 and a block size that is a power of two. */
function isPlausibleSuperBlock({ bytes }: InspectInput, offset: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + 96 > bytes.length) return false;
  return [true, false].some((little) => {
    const major = view.getUint16(offset + 28, little);
    if (major < 1 || major > 4) return false;
    const at = major === 4 ? 12 : major === 1 ? 32 : 51;
    const blockSize = major === 1 ? view.getUint16(offset + at, little) : view.getUint32(offset + at, little);
    return blockSize >= 512 && blockSize <= 1024 ** 2 && (blockSize & (blockSize - 1)) === 0;
  });
}

/** First bytes of JFFS2 nodes in both byte orders: magic and type. */
export const jffs2Starts: readonly Uint8Array[] = [0x2003, 0xe001, 0xe002, 0x2006, 0xe008, 0xe009].flatMap(
  (type) => [
    Uint8Array.of(0x19, 0x85, type >>> 8, type & 0xff),
    Uint8Array.of(0x85, 0x19, type & 0xff, type >>> 8),
  ],
);

/** Bytes without any node after which an area is taken to have ended. */
const gapLimit = 256 * 1024;
const compressorNames = [
  'none',
  'zero',
  'rtime',
  'rubinmips',
  'copy',
  'dynrubin',
  'zlib',
  'lzo',
  'lzma',
] as const;

export const jffs2Part: Recogniser = (input, offset, end) => {
  const { bytes } = input;
  const endian: Endian | undefined =
    bytes[offset] === 0x19 && bytes[offset + 1] === 0x85
      ? 'big'
      : bytes[offset] === 0x85 && bytes[offset + 1] === 0x19
        ? 'little'
        : undefined;
  if (endian === undefined) return undefined;
  const area = bytes.subarray(offset, end);
  const first = parseNode(area, 0, area.length, endian);
  if (first.kind === 'fault' || first.kind === 'unknown') return undefined;
  const { lastEnd, nodes, compression } = countNodes(area, endian);
  const { eraseSize } = scanJffs2(area.subarray(0, lastEnd), { endian }).report;
  // Erased blocks behind the last node belong to the area when nothing else follows in the range.
  const restIsErased = area.subarray(lastEnd).every((byte) => byte === 0xff);
  const size = restIsErased ? area.length : Math.min(roundUp(lastEnd, eraseSize), area.length);
  const { report, tree } = scanJffs2(area.subarray(0, size), { endian, eraseSize });
  const details: Record<string, Detail> = {
    endian,
    eraseSize,
    eraseSizeFrom: report.eraseSizeSource === 'given' ? 'nodes' : report.eraseSizeSource,
    nodes,
    compression,
    names: [...walkTree(tree)].length,
    deletions: report.deletedNames,
    liveBytes: report.liveBytes,
    supersededBytes: report.supersededBytes,
    dirtyBytes: report.dirtyBytes,
    freeBytes: report.freeBytes,
    problems: report.problemCount,
    mountable: report.mountable,
    ...(report.refusal === undefined ? {} : { refusal: report.refusal }),
  };
  return makePart('jffs2', `JFFS2 ${endian}-endian, erase blocks of ${eraseSize}`, offset, size, { details });
};

function countNodes(
  area: Uint8Array,
  endian: Endian,
): {
  lastEnd: number;
  nodes: Record<string, number>;
  compression: Record<string, number>;
} {
  const nodes: Record<string, number> = {};
  const compression: Record<string, number> = {};
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  let lastEnd = 0;
  let at = 0;
  while (at + 12 <= area.length && at - lastEnd < gapLimit) {
    const node = parseNode(area, at, area.length, endian, view);
    if (node.kind === 'fault' || node.kind === 'unknown') {
      at += 4;
      continue;
    }
    const name = node.accurate ? node.kind : `obsolete_${node.kind}`;
    nodes[name] = (nodes[name] ?? 0) + 1;
    if (node.kind === 'inode' && node.accurate) {
      const compressor = compressorNames[area[at + 56] ?? 0] ?? 'unknown';
      compression[compressor] = (compression[compressor] ?? 0) + 1;
    }
    at = roundUp(at + node.totlen, 4);
    lastEnd = Math.min(at, area.length);
  }
  return { lastEnd, nodes, compression };
}

export const ubiPart: Recogniser = ({ bytes }, offset, end) =>
  startsWith(bytes, Buffer.from('UBI#'), offset) && bytes[offset + 4] === 1
    ? makePart('ubi', 'UBI image (NAND; not read further)', offset, end - offset)
    : undefined;

export const ubifsPart: Recogniser = ({ bytes }, offset, end) => {
  if (wordLe(bytes, offset) !== 0x06101831) return undefined;
  const length = wordLe(bytes, offset + 16) ?? 0;
  // The first node of a volume is its superblock, type 6.
  if (bytes[offset + 20] !== 6 || length < 24) return undefined;
  return makePart('ubifs', 'UBIFS volume (NAND; not read further)', offset, end - offset, {
    details: {
      logicalBlockSize: wordLe(bytes, offset + 36) ?? 0,
      logicalBlocks: wordLe(bytes, offset + 40) ?? 0,
    },
  });
};

export const cramfsPart: Recogniser = ({ bytes }, offset, end) => {
  const isLittle = wordLe(bytes, offset) === 0x28cd3d45;
  if (!isLittle && wordBe(bytes, offset) !== 0x28cd3d45) return undefined;
  if (!startsWith(bytes, Buffer.from('Compressed ROMFS'), offset + 16)) return undefined;
  const size = (isLittle ? wordLe(bytes, offset + 4) : wordBe(bytes, offset + 4)) ?? 0;
  return makePart('cramfs', 'cramfs', offset, Math.max(76, Math.min(size, end - offset)));
};

/** Runs a reader on bytes that may be hostile: a FormatError means that nothing known is there. */
export function unlessDamaged<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
