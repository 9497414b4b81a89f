/**
 * Finds the parameters that make the smallest squashfs a board can read: every candidate is packed and read back, and
 * its bytes, erase blocks, decode time and memory are measured, not guessed.
 */
import type { BoardProfile } from '../boards/index.js';
import { formatSize, groupDigits } from '../core/index.js';
import { packSquashfs, squashfsTree } from '../squashfs/index.js';
import type { TreeDirectory, TreeFile } from '../vfs/index.js';
import { walkTree } from '../vfs/index.js';
import { treeInMemory } from './tree-copy.js';
import { readMemory, tuneCandidates } from './tune-candidates.js';
import type { TuneCandidate } from './tune-candidates.js';

/** A candidate with what was measured. */
export interface TuneResult extends TuneCandidate {
  readonly size: number;
  /** Erase blocks that the overlay has behind it; undefined where nobody said where the squashfs stands. */
  readonly eraseBlocks: number | undefined;
  /** Time to read everything back on this machine: for comparison with the others, not for the board. */
  readonly decodeMs: number;
  readonly packMs: number;
  /** Most memory that reading one block takes on the board. */
  readonly readMemory: number;
}

/** What tuning found. */
export interface TuneReport {
  readonly board: string;
  /** In the order tried; the first is what the profile says. */
  readonly results: readonly TuneResult[];
  /** Id of the one that is picked. */
  readonly picked: string;
  /** Against what the profile says. */
  readonly savedBytes: number;
  readonly savedEraseBlocks: number | undefined;
  /** Sentences for people: why this one, and what the others would have cost. */
  readonly reasons: readonly string[];
  /** Lines for `squashfs:` in the profile that make builds do the same. */
  readonly profileLines: readonly string[];
}

/** How to tune. */
export interface TuneOptions {
  readonly imageTime: number;
  /** Also try what takes about nine times the CPU. */
  readonly smallest?: boolean;
  readonly overlayBlocks?: ((squashfsSize: number) => number) | undefined;
  readonly workers?: number | undefined;
  /** Milliseconds from any start, for the measured times. */
  readonly now: () => number;
  readonly onProgress?: (done: number, total: number, id: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Packs a root by every candidate and picks the smallest that the board can read; of equal ones the first tried.
 *
 * @param root  not modified
 * @throws ProfileError as `squashfsParameters`; what `packSquashfs` throws; the signal's reason when it aborts
 */
export async function tuneSquashfs(
  root: TreeDirectory,
  profile: BoardProfile,
  options: TuneOptions,
): Promise<TuneReport> {
  const tree = treeInMemory(root);
  const candidates = tuneCandidates(profile, options.smallest ?? false);
  const results: TuneResult[] = [];
  for (const candidate of candidates) {
    options.onProgress?.(results.length, candidates.length, candidate.id);
    results.push(await measure(tree, candidate, options));
  }
  options.onProgress?.(candidates.length, candidates.length, '');
  return makeReport(profile, results);
}

async function measure(
  tree: TreeDirectory,
  candidate: TuneCandidate,
  { imageTime, overlayBlocks, workers, now, signal }: TuneOptions,
): Promise<TuneResult> {
  const started = now();
  const { bytes, report } = await packSquashfs(tree, {
    ...candidate.parameters,
    similarity: candidate.similarity,
    imageTime,
    ...(workers === undefined ? {} : { workers }),
    ...(signal === undefined ? {} : { signal }),
  });
  const packed = now();
  readAll(squashfsTree(bytes));
  return {
    ...candidate,
    size: report.size,
    eraseBlocks: overlayBlocks?.(report.size),
    packMs: Math.round(packed - started),
    decodeMs: Math.round(now() - packed),
    readMemory: readMemory(candidate.parameters),
  };
}

/** Reads every content once, file by file; of hard links the first. */
function readAll(root: TreeDirectory): void {
  const seen = new Set<TreeFile>();
  for (const { inode } of walkTree(root)) {
    if (inode.type !== 'file' || seen.has(inode)) continue;
    seen.add(inode);
    inode.content.read(0, inode.content.size);
  }
}

function makeReport(profile: BoardProfile, results: readonly TuneResult[]): TuneReport {
  const [own] = results;
  const [best] = results.filter(({ excluded }) => excluded === undefined).sort((a, b) => a.size - b.size);
  const picked = best ?? own;
  if (!own || !picked) throw new RangeError('nothing was tried');
  return {
    board: profile.id,
    results,
    picked: picked.id,
    savedBytes: own.size - picked.size,
    savedEraseBlocks:
      picked.eraseBlocks === undefined || own.eraseBlocks === undefined
        ? undefined
        : picked.eraseBlocks - own.eraseBlocks,
    reasons: reasonsFor(profile, own, picked, results),
    profileLines: profileLines(own, picked),
  };
}

function reasonsFor(
  profile: BoardProfile,
  own: TuneResult,
  picked: TuneResult,
  results: readonly TuneResult[],
): string[] {
  const percent = (size: number): string => `${(100 * (1 - size / own.size)).toFixed(2)} %`;
  const reasons = [
    picked === own
      ? 'what the profile says is the smallest that this board can read'
      : `${picked.id}: ${groupDigits(own.size - picked.size)} bytes (${percent(picked.size)}) smaller than what the profile says`,
  ];
  if (picked.eraseBlocks !== undefined && own.eraseBlocks !== undefined) {
    const gain = picked.eraseBlocks - own.eraseBlocks;
    reasons.push(
      gain === 0
        ? 'the overlay gains no erase block: the end of the squashfs stays in the same one'
        : `the overlay gains ${gain} erase block${gain === 1 ? '' : 's'}`,
    );
  }
  const refused = results.filter(({ excluded, size }) => excluded !== undefined && size < picked.size);
  for (const { id, size, excluded, readMemory: memory } of refused) {
    reasons.push(`${id} would save ${percent(size)}, but ${excluded ?? ''} (${formatSize(memory)})`);
  }
  if (profile.squashfs.readMemory !== undefined) {
    reasons.push(
      `a read takes ${formatSize(picked.readMemory)} of the ${formatSize(profile.squashfs.readMemory)} allowed`,
    );
  }
  return reasons;
}

/** Only what differs from the profile. */
function profileLines(own: TuneResult, picked: TuneResult): string[] {
  const lines: string[] = [];
  const [before, after] = [own.parameters, picked.parameters];
  if (after.blockSize !== before.blockSize) lines.push(`block_size: ${after.blockSize / 1024} KiB`);
  if (after.compressor.kind === 'xz' && before.compressor.kind === 'xz') {
    for (const name of ['lc', 'lp', 'pb'] as const) {
      if (after.compressor[name] !== before.compressor[name])
        lines.push(`${name}: ${after.compressor[name] ?? 0}`);
    }
    if (after.compressor.branchFilters?.length !== before.compressor.branchFilters?.length)
      lines.push('bcj: []');
  }
  if (after.effort !== before.effort) lines.push(`effort: ${after.effort}`);
  return lines;
}
