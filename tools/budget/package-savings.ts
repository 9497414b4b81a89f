/**
 * What dropping each package would save, measured: the root is packed again without it.
 *
 * Nothing cheaper is true. Fragments are arranged by similarity, so without one package others stand together, and a
 * few hundred bytes go either way. What a run costs is kept low by packing from memory, several at a time, and by
 * compressing only blocks that the whole root does not have.
 */
import { dropPackages, installedPackages } from '../rootfs/index.js';
import type { InstalledPackage } from '../rootfs/index.js';
import { BlockStore, packSquashfs } from '../squashfs/index.js';
import type { SquashfsOptions } from '../squashfs/index.js';
import type { TreeDirectory } from '../vfs/index.js';
import { copyTree, treeInMemory } from './tree-copy.js';

/** What goes when one package goes. */
export interface PackageSaving {
  readonly name: string;
  /** Bytes by which the squashfs shrinks; below 0 where the fragments of the rest fall out worse. */
  readonly bytes: number;
  /** Erase blocks that the overlay gains; undefined where nobody said where the squashfs stands. */
  readonly eraseBlocks: number | undefined;
  /** Installed packages that depend on it and would no longer work. */
  readonly neededBy: readonly string[];
}

/** Savings of all packages, the largest first. */
export interface PackageSavings {
  /** Size of the squashfs with all packages, packed by the same options. */
  readonly size: number;
  readonly packages: readonly PackageSaving[];
}

/** How savings are measured. */
export interface SavingsOptions {
  /** As the image is built; `workers` counts for all runs together. */
  readonly pack: SquashfsOptions;
  /** Measure only these; all installed packages when absent. */
  readonly names?: readonly string[];
  /** Tells how many erase blocks the overlay has behind a squashfs of some size. */
  readonly overlayBlocks?: (squashfsSize: number) => number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Packs the root without each package in turn and compares.
 *
 * Packages are dropped as `drop_packages` of a recipe drops them: files that another package lists stay.
 *
 * @param root  with its package lists; not modified
 * @throws what `packSquashfs` throws; the signal's reason when it aborts
 */
export async function packageSavings(root: TreeDirectory, options: SavingsOptions): Promise<PackageSavings> {
  const { pack, overlayBlocks, signal, onProgress } = options;
  const tree = treeInMemory(root);
  const installed = installedPackages(tree);
  const wanted = installed.filter(({ name }) => options.names?.includes(name) ?? true);
  const blockStore = new BlockStore();
  const sizeOf = async (packed: TreeDirectory, workers: number): Promise<number> => {
    const run = { ...pack, blockStore, workers, ...(signal === undefined ? {} : { signal }) };
    return (await packSquashfs(packed, run)).report.size;
  };
  const lanes = pack.workers ?? 2;
  const size = await sizeOf(tree, lanes);
  blockStore.seal();
  const savings: PackageSaving[] = [];
  const queue = wanted.values();
  const lane = async (): Promise<void> => {
    for (const { name } of queue) {
      const without = copyTree(tree);
      dropPackages(without, [name]);
      const left = await sizeOf(without, 1);
      savings.push({
        name,
        bytes: size - left,
        eraseBlocks: overlayBlocks && overlayBlocks(left) - overlayBlocks(size),
        neededBy: neededBy(name, installed),
      });
      onProgress?.(savings.length, wanted.length);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { size, packages: savings.sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1)) };
}

function neededBy(name: string, installed: readonly InstalledPackage[]): string[] {
  return installed.filter(({ dependencies }) => dependencies.includes(name)).map((entry) => entry.name);
}
