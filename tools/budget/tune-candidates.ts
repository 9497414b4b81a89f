/**
 * What `tune` tries for a board. Nothing here leaves the board without its root: branch filters are those that the
 * profile says the kernel has, and another compressor than the profile's is only measured, never picked.
 */
import type { BoardProfile } from '../boards/index.js';
import { squashfsParameters } from '../build/index.js';
import type { SquashfsParameters } from '../build/index.js';
import type { SquashfsCompressor, XzCompressor } from '../squashfs/index.js';

/** One way to pack the root. */
export interface TuneCandidate {
  readonly id: string;
  readonly parameters: SquashfsParameters;
  /** False: fragments in the order of paths. */
  readonly similarity: boolean;
  /** Why it may not be picked; undefined when it may. */
  readonly excluded: string | undefined;
}

const blockSizes = [64, 128, 256, 512, 1024].map((kib) => kib * 1024);

/** Coder parameters worth a try on a whole image; with more effort each block chooses its own. */
const bits: readonly (readonly [lc: number, lp: number, pb: number])[] = [
  [0, 2, 2],
  [2, 2, 2],
  [3, 0, 0],
  [3, 0, 2],
  [3, 1, 1],
];

/**
 * Most memory that the kernel takes to read one block: the stored block, the decoded block in the cache, the fragment
 * cache of three blocks, and the dictionary of the decoder.
 *
 * @see Linux 6.6 fs/squashfs/cache.c, block.c, xz_wrapper.c (xz_dec_init with the dictionary size)
 */
export function readMemory({ compressor, blockSize }: SquashfsParameters): number {
  const cached = blockSize * (1 + 1 + 3);
  switch (compressor.kind) {
    case 'xz':
    case 'lzma':
      return cached + Math.max(compressor.dictionarySize ?? blockSize, 8192) + 32 * 1024;
    case 'gzip':
      return cached + 48 * 1024;
    case 'zstd':
      return cached + blockSize + 160 * 1024;
    case 'lz4':
      return cached;
  }
}

/**
 * Lists what is tried: the profile's own parameters first.
 *
 * @param smallest  also the most effort
 * @throws ProfileError as `squashfsParameters`
 */
export function tuneCandidates(profile: BoardProfile, smallest: boolean): TuneCandidate[] {
  const own = { ...squashfsParameters(profile), effort: 'normal' as const };
  const made: TuneCandidate[] = [];
  const add = (id: string, change: Partial<SquashfsParameters>, similarity = true): void => {
    const parameters = { ...own, ...change };
    const excluded = similarity ? exclusion(profile, parameters) : 'builds arrange fragments by similarity';
    made.push({ id, parameters, similarity, excluded });
  };
  add('as the profile says', {});
  add('path order', {}, false);
  for (const blockSize of blockSizes)
    if (blockSize !== own.blockSize) add(sizeName(blockSize), { blockSize });
  for (const compressor of otherCompressors(own.compressor)) add(compressor.kind, { compressor });
  if (own.compressor.kind === 'xz') {
    const { compressor } = own;
    for (const [lc, lp, pb] of bits) {
      if (lc === compressor.lc && lp === compressor.lp && pb === compressor.pb) continue;
      add(`lc${lc} lp${lp} pb${pb}`, { compressor: { ...compressor, lc, lp, pb } });
    }
    for (const one of withoutFilters(compressor)) add('no branch filter', { compressor: one });
    add('more effort', { effort: 'more' });
    for (const blockSize of blockSizes) {
      if (blockSize > own.blockSize)
        add(`more effort, ${sizeName(blockSize)}`, { effort: 'more', blockSize });
    }
    if (smallest) add('most effort', { effort: 'most' });
  }
  return made;
}

function sizeName(blockSize: number): string {
  return `blocks of ${blockSize / 1024} KiB`;
}

function otherCompressors({ kind }: SquashfsCompressor): SquashfsCompressor[] {
  const all: SquashfsCompressor[] = [
    { kind: 'xz', level: 9, lc: 0, lp: 2, pb: 2 },
    { kind: 'zstd', level: 22 },
    { kind: 'gzip', level: 9 },
    { kind: 'lz4', highCompression: true },
  ];
  return all.filter((one) => one.kind !== kind);
}

/** The same without its filters, which tells what they are worth. */
function withoutFilters(compressor: XzCompressor): XzCompressor[] {
  return (compressor.branchFilters ?? []).length > 0 ? [{ ...compressor, branchFilters: [] }] : [];
}

function exclusion(profile: BoardProfile, parameters: SquashfsParameters): string | undefined {
  const { compressor, readMemory: cap } = profile.squashfs;
  if (parameters.compressor.kind !== compressor) return `the profile does not say that the kernel reads it`;
  const memory = readMemory(parameters);
  return cap !== undefined && memory > cap ? 'a read takes more memory than the board allows' : undefined;
}
