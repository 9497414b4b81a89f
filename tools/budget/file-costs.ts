/** What each file of a squashfs costs in the image: stored bytes, with shared blocks divided among those who share. */
import { textOf } from '../core/index.js';
import { readImageLayout } from '../squashfs/index.js';
import type { ImageLayout } from '../squashfs/index.js';

/** The cost of one file, under its first path. */
export interface FileCost {
  readonly path: string;
  /** Bytes of content. */
  readonly size: number;
  /** Bytes in the image: own blocks, and its share of blocks that it has in common with others. */
  readonly stored: number;
}

/** A stored block and who uses it, each with a weight. */
interface SharedBlock {
  readonly size: number;
  readonly users: { readonly file: number; readonly weight: number }[];
}

/**
 * Divides the stored bytes of an image among its files.
 *
 * A block that several files share is divided equally, a fragment block by the bytes that each has in it. Shares are
 * whole bytes and their sum is exactly the stored bytes.
 *
 * @returns one cost a file, the costliest first, equal ones by path
 */
export function fileCosts({ files, fragments }: Pick<ImageLayout, 'files' | 'fragments'>): FileCost[] {
  const blocks = new Map<number, SharedBlock>();
  const tails: SharedBlock[] = fragments.map(({ size }) => ({ size, users: [] }));
  for (const [file, { blocks: own, fragment }] of files.entries()) {
    for (const { offset, size } of own) {
      if (size === 0) continue;
      const block = blocks.get(offset) ?? { size, users: [] };
      blocks.set(offset, block);
      block.users.push({ file, weight: 1 });
    }
    if (fragment) tails[fragment.index]?.users.push({ file, weight: fragment.size });
  }
  const stored = new Array<number>(files.length).fill(0);
  for (const block of [...blocks.values(), ...tails]) divide(block, stored);
  return files
    .map(({ paths: [path], size }, i) => ({
      path: path === undefined ? '' : textOf(path),
      size,
      stored: stored[i] ?? 0,
    }))
    .sort((a, b) => b.stored - a.stored || (a.path < b.path ? -1 : 1));
}

/** Gives each user the difference of rounded running sums, so that no byte is lost or counted twice. */
function divide({ size, users }: SharedBlock, stored: number[]): void {
  const total = users.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  let seen = 0;
  for (const { file, weight } of users) {
    seen += weight;
    const upTo = Math.round((size * seen) / total);
    stored[file] = (stored[file] ?? 0) + upTo - before;
    before = upTo;
  }
}

/**
 * Reads a squashfs image and divides its stored bytes among its files.
 *
 * @throws FormatError as `openSquashfs`
 */
export function imageFileCosts(squashfs: Uint8Array): FileCost[] {
  return fileCosts(readImageLayout(squashfs));
}
