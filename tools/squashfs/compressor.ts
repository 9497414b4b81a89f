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

/** One set of coder parameters that xz tries on a block; the shortest result is stored, and every decoder reads it. */
export interface XzVariant {
  readonly lc: number;
  readonly lp: number;
  readonly pb: number;
  /** Match length at which the search stops, 2 to 273; the level's when absent. */
  readonly niceLength?: number;
  /** Candidates that a search looks at, 1 to 1000; as many as suit the nice length when absent. */
  readonly searchDepth?: number;
  readonly branchFilter?: BranchFilter;
  /** Blocks it is tried on; every block when absent. */
  readonly blocks?: 'text' | 'binary';
}

/** xz; each branch filter is tried on every block besides none, and costs one more encode. */
export interface XzCompressor extends LzmaParameters {
  readonly kind: 'xz';
  readonly branchFilters?: readonly BranchFilter[];
  /** Tried instead of `lc`, `lp`, `pb` and `branchFilters`, which metadata keeps; each costs one more encode. */
  readonly variants?: readonly XzVariant[];
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
  const variants = variantsOf(compressor);
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
    branchFilters: filterBits(variants.flatMap(({ branchFilter }) => branchFilter ?? [])),
    variants: Uint32Array.from(variants.flatMap(variantNumbers)),
  };
}

/**
 * How far the levels from 6 on search. The presets of liblzma differ there by their dictionary alone, which a block
 * bounds, and their nice length of 64 is made for megabytes. The measurements stand in DESIGN.md "Search".
 */
const searchOfLevel: Readonly<Record<number, Pick<XzVariant, 'niceLength' | 'searchDepth'>>> = {
  6: { niceLength: 20, searchDepth: 12 },
  7: { niceLength: 24, searchDepth: 16 },
  8: { niceLength: 32, searchDepth: 16 },
  9: { niceLength: 32 },
};

/** Without variants of its own: no filter, then each filter, with the parameters of the compressor. */
function variantsOf(compressor: SquashfsCompressor): readonly XzVariant[] {
  if (compressor.kind !== 'xz') return [];
  if (compressor.variants) {
    if (compressor.variants.length === 0) throw wrong('count of xz variants', 0, 'at least 1');
    return compressor.variants;
  }
  const { lc = 3, lp = 0, pb = 2, branchFilters = [], level = 6, extreme = false } = compressor;
  return [undefined, ...branchFilters].map((branchFilter) => ({
    lc,
    lp,
    pb,
    ...(extreme ? {} : searchOfLevel[level]),
    ...(branchFilter === undefined ? {} : { branchFilter }),
  }));
}

const blockNumbers = { every: 0, text: 1, binary: 2 } as const;

/** In the order of XzVariant in `native/squashfs-compressor.h`. */
function variantNumbers(variant: XzVariant): number[] {
  const { lc, lp, pb, niceLength, searchDepth, branchFilter, blocks } = variant;
  checkLiteralBits({ lc, lp, pb });
  if (niceLength !== undefined) inRange('nice length', niceLength, 2, 273);
  if (searchDepth !== undefined) inRange('search depth', searchDepth, 1, 1000);
  return [
    blockNumbers[blocks ?? 'every'],
    lc,
    lp,
    pb,
    niceLength ?? 0,
    searchDepth ?? 0,
    filterBits(branchFilter === undefined ? [] : [branchFilter]),
  ];
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
  checkLiteralBits(parameters);
  inRange('dictionary size', dictionarySize, 8192, Math.max(blockSize, 8192));
  const log = Math.floor(Math.log2(dictionarySize));
  if (dictionarySize !== 2 ** log && dictionarySize !== 2 ** log + 2 ** (log - 1)) {
    throw wrong('dictionary size', dictionarySize, '2^n or 2^n + 2^(n-1)');
  }
}

function checkLiteralBits({ lc = 3, lp = 0, pb = 2 }: LzmaParameters): void {
  inRange('lc', lc, 0, 4);
  inRange('lp', lp, 0, 4);
  inRange('pb', pb, 0, 4);
  if (lc + lp > 4) throw wrong('lc + lp', lc + lp, 'at most 4');
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
