/**
 * Compressors of squashfs: their numbers on disk, their parameters and the ranges of these.
 *
 * Ranges are those of the libraries and of the kernel's decoders; a wrong one is refused here by name, because the
 * library answers the same code to all of them.
 */
import type { NativeCompressor } from '../addon/index.js';
import { UsageError } from '../core/index.js';

/** Compressor numbers of the super block. */
export const compressorIds = { gzip: 1, lzma: 2, lzo: 3, xz: 4, lz4: 5, zstd: 6 } as const;

/** Name of a compressor, as mksquashfs spells it. */
export type CompressorName = keyof typeof compressorIds;

/** Branch filters of xz with their bits in the option field; the kernel must have the decoder of each one used. */
export const branchFilterBits = {
  x86: 0x01,
  powerpc: 0x02,
  ia64: 0x04,
  arm: 0x08,
  armthumb: 0x10,
  sparc: 0x20,
  arm64: 0x40,
} as const;

/** Name of a branch filter, as mksquashfs spells it. */
export type BranchFilter = keyof typeof branchFilterBits;

/** Parameters that xz and lzma share. */
interface LzmaParameters {
  /** 0 to 9; 6 when absent. */
  readonly level?: number;
  /** Longer search for matches (what `-Xe` and `extreme` mean elsewhere); one encode a block all the same. */
  readonly extreme?: boolean;
  /** Bytes, 8 KiB to the block size, 2^n or 2^n + 2^(n-1); the block size, at least 8 KiB, when absent. */
  readonly dictionarySize?: number;
  /** Literal context bits, 0 to 4, with `lp` at most 4 together; 3 when absent. */
  readonly lc?: number;
  /** Literal position bits, 0 to 4; 0 when absent. */
  readonly lp?: number;
  /** Position bits, 0 to 4; 2 when absent. */
  readonly pb?: number;
}

/** xz; each branch filter is tried on every block besides none, and costs one more encode. */
export interface XzCompressor extends LzmaParameters {
  readonly kind: 'xz';
  readonly branchFilters?: readonly BranchFilter[];
}

/** LZMA1; no mainline kernel mounts it. */
export interface LzmaCompressor extends LzmaParameters {
  readonly kind: 'lzma';
}

/** Deflate. */
export interface GzipCompressor {
  readonly kind: 'gzip';
  /** 1 to 9; 9 when absent. */
  readonly level?: number;
  /** log2 of the window, 8 to 15; 15 when absent. */
  readonly windowSize?: number;
}

/** Zstandard. */
export interface ZstdCompressor {
  readonly kind: 'zstd';
  /** 1 to 22; 15 when absent. */
  readonly level?: number;
}

/** LZ4. */
export interface Lz4Compressor {
  readonly kind: 'lz4';
  readonly highCompression?: boolean;
}

/** What compresses an image, by kind. */
export type SquashfsCompressor =
  XzCompressor | LzmaCompressor | GzipCompressor | ZstdCompressor | Lz4Compressor;

/** Checks the parameters and turns them into what the addon takes. @throws UsageError FW_USAGE_SQUASHFS_OPTION */
export function nativeCompressor(compressor: SquashfsCompressor, blockSize: number): NativeCompressor {
  const lzma = compressor.kind === 'xz' || compressor.kind === 'lzma' ? compressor : undefined;
  const dictionarySize = lzma?.dictionarySize ?? Math.max(blockSize, 8192);
  if (lzma) checkLzma(lzma, dictionarySize, blockSize);
  return {
    id: compressorIds[compressor.kind],
    blockSize,
    level: checkedLevel(compressor),
    windowSize:
      compressor.kind === 'gzip' ? inRange('gzip window size', compressor.windowSize ?? 15, 8, 15) : 15,
    highCompression: compressor.kind === 'lz4' && compressor.highCompression === true,
    extreme: lzma?.extreme === true,
    dictionarySize,
    literalContextBits: lzma?.lc ?? 3,
    literalPositionBits: lzma?.lp ?? 0,
    positionBits: lzma?.pb ?? 2,
    branchFilters: compressor.kind === 'xz' ? filterBits(compressor.branchFilters ?? []) : 0,
  };
}

/** Finds the name of a compressor number of the super block. */
export function compressorName(id: number): CompressorName | undefined {
  const names: Readonly<Record<number, CompressorName>> = Object.fromEntries(
    Object.entries(compressorIds).map(([name, value]) => [value, name as CompressorName]),
  );
  return names[id];
}

function checkedLevel(compressor: SquashfsCompressor): number {
  switch (compressor.kind) {
    case 'xz':
      return inRange('xz level', compressor.level ?? 6, 0, 9);
    case 'lzma':
      return inRange('lzma level', compressor.level ?? 6, 0, 9);
    case 'gzip':
      return inRange('gzip level', compressor.level ?? 9, 1, 9);
    case 'zstd':
      return inRange('zstd level', compressor.level ?? 15, 1, 22);
    case 'lz4':
      return 0;
  }
}

function checkLzma(parameters: LzmaParameters, dictionarySize: number, blockSize: number): void {
  const lc = inRange('lc', parameters.lc ?? 3, 0, 4);
  const lp = inRange('lp', parameters.lp ?? 0, 0, 4);
  inRange('pb', parameters.pb ?? 2, 0, 4);
  if (lc + lp > 4) throw wrong('lc + lp', lc + lp, 'at most 4');
  inRange('dictionary size', dictionarySize, 8192, Math.max(blockSize, 8192));
  const log = Math.floor(Math.log2(dictionarySize));
  if (dictionarySize !== 2 ** log && dictionarySize !== 2 ** log + 2 ** (log - 1)) {
    throw wrong('dictionary size', dictionarySize, '2^n or 2^n + 2^(n-1)');
  }
}

function filterBits(filters: readonly BranchFilter[]): number {
  let bits = 0;
  for (const filter of filters) {
    if (!Object.hasOwn(branchFilterBits, filter)) {
      throw wrong('branch filter', filter, Object.keys(branchFilterBits).join(', '));
    }
    bits |= branchFilterBits[filter];
  }
  return bits;
}

/** Checks that an integer lies in a range. @throws UsageError FW_USAGE_SQUASHFS_OPTION */
export function inRange(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw wrong(name, value, `${least} to ${most}`);
  }
  return value;
}

/** Makes the error for one wrong parameter. */
export function wrong(name: string, found: number | string, expected: string): UsageError {
  return new UsageError('FW_USAGE_SQUASHFS_OPTION', `squashfs: ${name} is ${found}, expected ${expected}`, {
    data: { parameter: name, found, expected },
  });
}
