/**
 * Packs an edited tree as the file system that it was unpacked from: same format, byte order, block sizes, compressor and
 * time, as far as the original tells them.
 */
import { FormatError } from '../core/index.js';
import { scanJffs2, writeJffs2 } from '../jffs2/index.js';
import { branchFilterBits, packSquashfs, squashfsInfo } from '../squashfs/index.js';
import type { BranchFilter, SquashfsCompressor, SquashfsInfo } from '../squashfs/index.js';
import type { TreeDirectory } from '../vfs/index.js';

/** How packing runs; nothing here changes the bytes. */
export interface PackRun {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Packs a tree.
 *
 * @param original  the file system that the tree came from
 * @throws FormatError FW_INSPECT_PACK for a file system that cannot be written, and what the writers throw
 */
export async function packTree(
  tree: TreeDirectory,
  kind: 'squashfs' | 'jffs2',
  original: Uint8Array,
  run: PackRun = {},
): Promise<Uint8Array> {
  if (kind === 'jffs2') return packJffs2(tree, original);
  const info = squashfsInfo(original);
  const { bytes } = await packSquashfs(tree, {
    compressor: compressorOf(info),
    blockSize: info.superBlock.blockSize,
    imageTime: info.superBlock.imageTime,
    exportTable: info.flags.includes('exportable'),
    ...(run.signal ? { signal: run.signal } : {}),
    onProgress: ({ bytesDone, bytesTotal }) => run.onProgress?.(bytesDone, bytesTotal),
  });
  return bytes;
}

function compressorOf({ compressor, compressorOptions }: SquashfsInfo): SquashfsCompressor {
  // The bits of the encoder are not in the image; these are OpenWrt's, and every decoder takes any.
  const lzma = { level: 9, lc: 0, lp: 2, pb: 2 };
  const options = compressorOptions?.values ?? {};
  switch (compressor) {
    case 'xz': {
      const filters = options['branchFilters'] ?? 0;
      const branchFilters = (Object.entries(branchFilterBits) as [BranchFilter, number][])
        .filter(([, bit]) => (filters & bit) !== 0)
        .map(([name]) => name);
      return { kind: 'xz', ...lzma, branchFilters };
    }
    case 'lzma':
      return { kind: 'lzma', ...lzma };
    case 'gzip':
      return { kind: 'gzip', level: 9 };
    case 'zstd':
      return { kind: 'zstd', level: 22 };
    case 'lz4':
      return { kind: 'lz4', highCompression: true };
    case 'lzo':
    case undefined:
      throw new FormatError(
        'FW_INSPECT_PACK',
        `a squashfs packed with ${compressor ?? 'an unknown compressor'} cannot be written`,
        { data: { structure: 'squashfs', found: compressor ?? 'unknown' } },
      );
  }
}

function packJffs2(tree: TreeDirectory, original: Uint8Array): Uint8Array {
  const { report } = scanJffs2(original);
  const isPlain = Object.keys(report.compression).every((name) => name === 'none' || name === 'zero');
  return writeJffs2(tree, {
    endian: report.endian,
    eraseSize: report.eraseSize,
    cleanmarkerSize: report.cleanmarkerSize,
    compression: 'lzma' in report.compression ? 'openwrt' : isPlain ? 'cfe' : 'linux',
  });
}
