import { byteStringFromText } from '../../core/index.js';
import { noXattrs } from '../../vfs/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import { findInode, findParent } from '../tree-path.js';
import type { LoadedPackage } from './feed.js';

/**
 * Makes the symlinks of `Alternatives: priority:path:target, ...`: at each path the highest priority wins, of equal
 * ones the package installed first; a file of a package that stands at the path stays.
 *
 * @see opkg-lede libopkg/pkg_alternatives.c (OpenWrt 18.06 and later)
 */
export function linkAlternatives(
  root: TreeDirectory,
  packages: readonly LoadedPackage[],
  mtimeNs: bigint,
): void {
  const best = new Map<string, { readonly priority: number; readonly target: string }>();
  for (const item of packages.flatMap((entry) => entry.control.list('Alternatives'))) {
    const match = /^(-?\d+):(\/[^:]+):([^:]+)$/.exec(item);
    if (match?.[2] === undefined || match[3] === undefined) continue;
    const priority = Number(match[1]);
    const before = best.get(match[2]);
    if (before === undefined || priority > before.priority)
      best.set(match[2], { priority, target: match[3] });
  }
  for (const [path, { target }] of best) {
    const place = findParent(root, byteStringFromText(path));
    const standing = findInode(root, byteStringFromText(path));
    if (place === undefined || (standing !== undefined && standing.type !== 'symlink')) continue;
    place.directory.entries.set(place.name, {
      type: 'symlink',
      mode: 0o777,
      uid: 0,
      gid: 0,
      mtimeNs,
      xattrs: noXattrs,
      target: byteStringFromText(target),
    });
  }
}
