/** Puts the comparison of two images together, and judges it by the limits that the user sets. */
import { compareBytes } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { verdict } from '../budget/index.js';
import { compareFigures, comparePartitions, overlayBlocks } from './compare-flash.js';
import type { FigureChange, PartitionChange } from './compare-flash.js';
import { compareFiles } from './compare-files.js';
import type { FileChange } from './compare-files.js';
import { comparePackages } from './compare-packages.js';
import type { PackageChange } from './compare-packages.js';
import { brokenSymlinks, missingLibraries, missingText } from './dangling.js';
import type { MissingLibrary } from './dangling.js';
import type { ImageContents, ImageIdentity } from './image-contents.js';

/** Kinds of change that can be refused. */
export const refusable = ['dangling', 'removed-package', 'downgrade', 'partitions', 'compat'] as const;
/** One of them. */
export type Refusable = (typeof refusable)[number];

/** What the user will not have. */
export interface DiffLimits {
  /** Bytes by which the squashfs may grow. */
  readonly maxGrowth?: number | undefined;
  /** Erase blocks that the overlay may lose. */
  readonly maxBlocksLost?: number | undefined;
  readonly refuse: readonly Refusable[];
}

/** One limit that the new image breaks. */
export interface Breach {
  readonly limit: string;
  readonly text: string;
}

/** A changed file and the package it belongs to in the image that has it. */
export interface OwnedFileChange extends FileChange {
  readonly package?: string;
}

/** What differs between two images. */
export interface ImageDiff {
  readonly before: { readonly board: string; readonly identity: ImageIdentity };
  readonly after: { readonly board: string; readonly identity: ImageIdentity };
  readonly figures: readonly FigureChange[];
  readonly partitions: readonly PartitionChange[];
  readonly packages: readonly PackageChange[];
  readonly files: readonly OwnedFileChange[];
  readonly filesUnchanged: number;
  /** Preserved configuration files whose default is another in the new image, by path. */
  readonly newDefaults: readonly ByteString[];
  /** Libraries that programs of the new image miss, and did not miss in the old one. */
  readonly missingLibraries: readonly MissingLibrary[];
  /** Symlinks of the new image that lead nowhere, and led somewhere in the old one. */
  readonly brokenSymlinks: readonly ByteString[];
  /** Whether the new image fits its board; why not, in a line. */
  readonly fits: boolean;
  readonly verdict: string;
  readonly breaches: readonly Breach[];
}

/** Compares two images, each read for its own board (mostly the same one). */
export function compareImages(before: ImageContents, after: ImageContents, limits: DiffLimits): ImageDiff {
  const { changes, unchanged } = compareFiles(before.root, after.root);
  const owners = { before: ownersOf(before), after: ownersOf(after) };
  const contentChanged = new Set(
    changes.filter(({ aspects }) => aspects.includes('content')).map(({ path }) => path),
  );
  const known = new Set(missingLibraries(before.root).map(missingText));
  const diff = {
    before: { board: before.profile.id, identity: before.identity },
    after: { board: after.profile.id, identity: after.identity },
    figures: compareFigures(before, after),
    partitions: comparePartitions(before.budget, after.budget),
    packages: comparePackages(before, after, contentChanged),
    files: changes.map((change) => {
      const owner = owners[change.change === 'removed' ? 'before' : 'after'].get(change.path);
      return owner === undefined ? change : { ...change, package: owner };
    }),
    filesUnchanged: unchanged,
    newDefaults: newDefaults(before, after, changes),
    missingLibraries: missingLibraries(after.root).filter((one) => !known.has(missingText(one))),
    brokenSymlinks: brokenSymlinks(before.root, after.root),
    fits: after.budget.fits,
    verdict: verdict(after.budget),
  };
  return { ...diff, breaches: breachesOf(diff, before, after, limits) };
}

function ownersOf({ packages }: ImageContents): Map<ByteString, string> {
  return new Map(packages.flatMap(({ name, files }) => files.map((path) => [path, name] as const)));
}

/** An upgrade keeps the user's copy of these, so that the new default is not seen. */
function newDefaults(
  before: ImageContents,
  after: ImageContents,
  changes: readonly FileChange[],
): ByteString[] {
  const preserved = new Set([...before.packages, ...after.packages].flatMap(({ conffiles }) => conffiles));
  return changes
    .filter(({ path, change }) => change === 'changed' && preserved.has(path))
    .map(({ path }) => path)
    .sort(compareBytes);
}

function breachesOf(
  diff: Omit<ImageDiff, 'breaches'>,
  before: ImageContents,
  after: ImageContents,
  { maxGrowth, maxBlocksLost, refuse }: DiffLimits,
): Breach[] {
  const breaches: Breach[] = [];
  const growth = after.squashfsSize - before.squashfsSize;
  if (maxGrowth !== undefined && growth > maxGrowth)
    breaches.push({
      limit: 'max-growth',
      text: `the squashfs grows by ${growth} bytes, ${maxGrowth} allowed`,
    });
  const lost = overlayBlocks(before.budget) - overlayBlocks(after.budget);
  if (maxBlocksLost !== undefined && lost > maxBlocksLost)
    breaches.push({
      limit: 'max-blocks-lost',
      text: `the overlay loses ${lost} erase blocks, ${maxBlocksLost} allowed`,
    });
  for (const kind of refuse) {
    breaches.push(...refusedChanges(kind, diff).map((text) => ({ limit: `refuse ${kind}`, text })));
  }
  return breaches;
}

function refusedChanges(kind: Refusable, diff: Omit<ImageDiff, 'breaches'>): string[] {
  switch (kind) {
    case 'dangling':
      return [
        ...diff.missingLibraries.map(missingText),
        ...diff.brokenSymlinks.map((path) => `${path} leads nowhere`),
      ];
    case 'removed-package':
      return packagesThat(diff, 'removed');
    case 'downgrade':
      return packagesThat(diff, 'downgraded');
    case 'partitions':
      // rootfs and rootfs_data follow the size of the squashfs; what users mean is the layout around them.
      return diff.partitions
        .filter(({ label }) => label !== 'rootfs' && label !== 'rootfs_data')
        .map(({ label }) => `partition ${label} is another`);
    case 'compat': {
      const [old, young] = [diff.before.identity.compatVersion, diff.after.identity.compatVersion];
      return old === young ? [] : [`compat version ${old} becomes ${young}`];
    }
  }
}

function packagesThat({ packages }: Pick<ImageDiff, 'packages'>, change: PackageChange['change']): string[] {
  return packages.filter((one) => one.change === change).map(({ name }) => `package ${name} is ${change}`);
}
