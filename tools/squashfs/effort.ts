/**
 * How much work a smaller xz image is worth. The measurements behind the sets are in DESIGN.md "Effort".
 *
 * A block of an xz image names its own coder parameters, so each block gets those that suit it best, and every kernel
 * that reads xz reads all of them. Only branch filters need something of the kernel.
 */
import type { BranchFilter, XzCompressor, XzVariant } from './compressor.js';

/** `normal`: one encode a block; `more`: about 3 times the CPU for 0.6 % less; `most`: about 9 times for 0.8 %. */
export type Effort = 'normal' | 'more' | 'most';

/** Names of all efforts, the least first. */
export const efforts: readonly Effort[] = ['normal', 'more', 'most'];

type Bits = readonly [lc: number, lp: number, pb: number, niceLength?: number];

/** Machine code of 32-bit words, what `normal` takes among them; for `most` also longer and shorter searches. */
const binary: Readonly<Record<'more' | 'most', readonly Bits[]>> = {
  more: [
    [2, 2, 2],
    [0, 2, 3],
    [3, 1, 1],
  ],
  most: [
    [2, 2, 2, 32],
    [0, 2, 3, 32],
    [3, 1, 1, 32],
    [0, 2, 2, 32],
    [0, 3, 3],
    [1, 2, 2],
    [3, 0, 0],
  ],
};

const text: Readonly<Record<'more' | 'most', readonly Bits[]>> = {
  more: [
    [3, 0, 0],
    [4, 0, 0],
    [2, 0, 0],
  ],
  most: [
    [3, 0, 0, 32],
    [3, 0, 0, 128],
    [4, 0, 0, 128],
    [3, 1, 0],
  ],
};

/** Behind a branch filter; x86 code has no alignment that position bits could use. */
const filtered: Readonly<Record<'x86' | 'words', readonly Bits[]>> = {
  x86: [
    [3, 0, 1],
    [3, 0, 0],
    [2, 0, 0],
  ],
  words: [
    [0, 2, 2],
    [2, 2, 2],
    [0, 2, 3],
  ],
};

/** The variants that an effort tries; `normal` leaves the compressor as it is. */
export function withEffort(compressor: XzCompressor, effort: Effort): XzCompressor {
  if (effort === 'normal' || compressor.variants) return compressor;
  const levels: readonly ('more' | 'most')[] = effort === 'most' ? ['more', 'most'] : ['more'];
  const filters = compressor.branchFilters ?? [];
  const variants = levels.flatMap((level) => [
    ...binary[level].map((bits) => variant(bits, 'binary')),
    ...text[level].map((bits) => variant(bits, 'text')),
  ]);
  const behindFilters = filters.flatMap((filter) =>
    filtered[filter === 'x86' ? 'x86' : 'words'].map((bits) => variant(bits, 'binary', filter)),
  );
  return { ...compressor, variants: [...behindFilters, ...variants] };
}

function variant(
  [lc, lp, pb, niceLength]: Bits,
  blocks: 'text' | 'binary',
  branchFilter?: BranchFilter,
): XzVariant {
  return {
    lc,
    lp,
    pb,
    blocks,
    ...(niceLength === undefined ? {} : { niceLength }),
    ...(branchFilter === undefined ? {} : { branchFilter }),
  };
}

/**
 * Tries of the fragment arrangement for an effort; 0: chosen by the addon.
 *
 * @param tails       files that have a tail
 * @param tailsSize   bytes of all tails
 */
export function arrangementMoves(
  effort: Effort,
  tails: number,
  tailsSize: number,
  blockSize: number,
): number {
  if (effort === 'normal') return 0;
  const perTailAndBlock = effort === 'more' ? 64 : 256;
  const moves = tails * Math.ceil(tailsSize / blockSize) * perTailAndBlock;
  return Math.min(Math.max(moves, 100_000), effort === 'more' ? 4_000_000 : 10_000_000);
}
