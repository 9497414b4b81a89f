/** Assembles the root tree of an image from its sources. */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '../core/index.js';
import { newDirectory } from '../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../vfs/index.js';
import { applyAttributes, describeRule } from './attribute-table.js';
import { dropPackages } from './drop-packages.js';
import { folderTree } from './folder-tree.js';
import { hashFile, hashTexts, hashTree } from './input-hash.js';
import { installedPackages } from './installed-packages.js';
import { mergeTree } from './merge.js';
import { recordedFolderTree } from './recorded-folder.js';
import { wrapHostError } from './root-source.js';
import type {
  FirstBootScript,
  RootInput,
  RootSource,
  RootTree,
  RootTreeOptions,
  RootWarning,
} from './root-tree.js';
import { findInode } from './tree-path.js';

/** Most bytes of content when nothing else is said: a few times the largest flash chip there is. */
const defaultContentLimit = 8 * 1024 ** 3;

/** What one source gives. */
export interface SourceTree {
  readonly root: TreeDirectory;
  /** Works out the SHA-256 of what was read; the tree must still be as it was read. */
  readonly hash: () => string | Promise<string>;
  readonly warnings: readonly RootWarning[];
  readonly firstBootScripts?: readonly FirstBootScript[];
}

/**
 * Assembles the root tree from its sources, each on top of those before it, then drops packages and applies the table.
 *
 * Packages are dropped before folders are laid on top, so that a folder may replace what a package brought. Nothing of
 * the machine shows in the result: same sources and options, same tree. The caller disposes of the tree.
 *
 * @param sources  at least one; the first is the base
 * @throws FormatError FW_ARCHIVE_*, FW_SQUASHFS_* for damaged sources; FW_ROOTFS_CLASH, FW_ROOTFS_DEVICE, FW_ROOTFS_LIMIT
 * @throws ProfileError FW_ROOTFS_TABLE, FW_ROOTFS_PACKAGES; EnvironmentError FW_ENV_FILE
 */
export async function assembleRootTree(
  sources: readonly RootSource[],
  options: RootTreeOptions,
): Promise<RootTree> {
  const spool = wrapHostError(options.temporaryFolder, () =>
    mkdtempSync(join(options.temporaryFolder, 'root-tree-')),
  );
  const dispose = (): void => rmSync(spool, { recursive: true, force: true });
  try {
    return { ...(await assemble(sources, options, spool)), dispose, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

async function assemble(
  sources: readonly RootSource[],
  options: RootTreeOptions,
  spool: string,
): Promise<Omit<RootTree, 'dispose' | typeof Symbol.dispose>> {
  const mtimeNs = BigInt(options.sourceDateEpoch) * 1_000_000_000n;
  const root = newDirectory({ mtimeNs });
  const inputs: RootInput[] = [];
  const warnings: RootWarning[] = [];
  const scripts: FirstBootScript[] = [];
  const lastBase = sources.findLastIndex((source) => source.kind !== 'folder');
  for (const [index, source] of sources.entries()) {
    options.signal?.throwIfAborted();
    const tree = await readSource(source, join(spool, `contents-${index}`), options);
    if (options.hashInputs ?? true) {
      inputs.push({
        kind: source.kind,
        path: 'path' in source ? source.path : '',
        sha256: await tree.hash(),
      });
    }
    warnings.push(...tree.warnings);
    scripts.push(...(tree.firstBootScripts ?? []));
    const cleanFolder = source.kind === 'folder' && (source.attributes ?? 'clean') === 'clean';
    mergeTree(root, tree.root, index > 0 && cleanFolder ? 'base' : 'over', nameOf(source));
    checkContentLimit(root, options.contentLimit ?? defaultContentLimit);
    const names = options.dropPackages ?? [];
    if (index === Math.max(0, lastBase) && names.length > 0) {
      warnings.push(...dropPackages(root, names));
      inputs.push({ kind: 'drop-packages', path: '', sha256: hashTexts([...names].sort()) });
    }
  }
  const rules = options.attributes ?? [];
  if (rules.length > 0) {
    applyAttributes(root, rules, mtimeNs);
    inputs.push({ kind: 'attributes', path: '', sha256: hashTexts(rules.map(describeRule)) });
  }
  const packages = installedPackages(root);
  for (const entry of packages) {
    const missing = entry.files.filter((path) => findInode(root, path) === undefined);
    if (missing.length > 0) {
      const message = `package ${entry.name} lists ${missing.length} of ${entry.files.length} files that are not there: ${missing[0] ?? ''}`;
      warnings.push({ code: 'file-not-in-tree', message });
    }
  }
  return { root, packages, firstBootScripts: scripts, warnings, inputs };
}

function nameOf(source: RootSource): string {
  return 'path' in source ? source.path : 'packages';
}

/** Readers are loaded when a source needs them: most trees come from one kind of source. */
async function readSource(
  source: RootSource,
  spoolPath: string,
  options: RootTreeOptions,
): Promise<SourceTree> {
  const { signal } = options;
  const mtimeNs = BigInt(options.sourceDateEpoch) * 1_000_000_000n;
  const contentLimit = options.contentLimit ?? defaultContentLimit;
  switch (source.kind) {
    case 'folder': {
      const { root, warnings } =
        source.attributes === 'recorded'
          ? recordedFolderTree(source.path, mtimeNs)
          : folderTree(source, mtimeNs);
      // Before anything is read: a sparse file of the host may be larger than any disk.
      checkContentLimit(root, contentLimit);
      return { root, warnings, hash: () => hashTree(root, signal) };
    }
    case 'archive': {
      const { readArchiveTree } = await import('../archive/index.js');
      const archive = await readArchiveTree(source.path, spoolPath, {
        contentLimit,
        defaultMtimeNs: mtimeNs,
        ...(signal === undefined ? {} : { signal }),
      });
      const warnings = archive.warnings.map((message): RootWarning => ({
        code: 'not-archived-whole',
        message,
      }));
      return { root: archive.root, warnings, hash: () => hashFile(source.path, signal) };
    }
    case 'squashfs': {
      const { squashfsTree } = await import('../squashfs/index.js');
      const offset = source.offset ?? 0;
      const root = squashfsTree({ path: source.path, offset });
      const hash = async (): Promise<string> =>
        hashTexts([await hashFile(source.path, signal), String(offset)]);
      return { root, warnings: [], hash };
    }
    case 'packages': {
      const { packagesTree } = await import('./packages/packages-tree.js');
      const { sha256, ...tree } = packagesTree(source, options.sourceDateEpoch, signal);
      return { ...tree, hash: () => sha256 };
    }
  }
}

/** Counts contents with their holes, hard links once. */
function checkContentLimit(root: TreeDirectory, limit: number): void {
  const seen = new Set<TreeInode>();
  const pending = [root];
  let total = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    for (const inode of next.entries.values()) {
      if (inode.type === 'directory') pending.push(inode);
      if (inode.type !== 'file' || seen.has(inode)) continue;
      seen.add(inode);
      total += inode.content.size;
    }
  }
  if (total > limit) {
    throw new FormatError('FW_ROOTFS_LIMIT', `the root tree holds ${total} bytes, at most ${limit} go`, {
      data: { size: total, limit },
    });
  }
}
