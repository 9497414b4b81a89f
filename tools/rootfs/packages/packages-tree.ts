import { hashTexts } from '../input-hash.js';
import type { PackagesSource } from '../root-tree.js';
import { loadPackage, readFeeds } from './feed.js';
import { installPackages } from './install.js';
import type { InstalledTree } from './install.js';
import { resolvePackages } from './resolve.js';

/**
 * Makes a root tree from packages of feeds.
 *
 * Contents stand in memory: packages for flash images are tens of MiB in all.
 *
 * @param seconds  time of installation, seconds since 1970 UTC
 * @throws ProfileError FW_ROOTFS_PACKAGES; FormatError FW_ARCHIVE_*; EnvironmentError FW_ENV_FILE
 */
export function packagesTree(
  source: PackagesSource,
  seconds: number,
  signal?: AbortSignal,
): InstalledTree & { readonly sha256: string } {
  const { packages, warnings } = resolvePackages(readFeeds(source.feeds), source.packages);
  const loaded = packages.map(({ entry, automatic }) => {
    signal?.throwIfAborted();
    return { ...loadPackage(entry), automatic };
  });
  const tree = installPackages(loaded, seconds);
  const sha256 = hashTexts([
    String(seconds),
    ...loaded.map(
      (entry) => `${entry.name} ${entry.version} ${entry.automatic ? 'auto' : 'user'} ${entry.fileSha256}`,
    ),
  ]);
  return { ...tree, warnings: [...warnings, ...tree.warnings], sha256 };
}
