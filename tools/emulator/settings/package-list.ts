/**
 * The list of installed packages that `sysupgrade -k` puts into the backup.
 *
 * Source: openwrt base-files sbin/sysupgrade (`INSTALLED_PACKAGES`), branches 19.07 to 25.12.
 */
import { byteStringFromText, compareBytes, type ByteString } from '../../core/index.js';
import type { Branch } from '../branches.js';
import { findFile } from '../device-files.js';
import { expandPattern, type KeepListSystem } from './keep-list.js';

/** Where the list stands in the backup, and after the restore. */
export const packageListPath = byteStringFromText('/etc/backup/installed_packages.txt');

/** A package that is installed, by the lists of opkg and apk. */
export interface InstalledPackage {
  readonly name: ByteString;
  readonly from: 'rom' | 'overlay' | 'unknown';
}

/** Lists `name TAB rom|overlay|unknown`, one line a package, sorted by the bytes of the name. */
export function packageListFile(system: KeepListSystem, branch: Branch): Uint8Array {
  const lines = packagesOf(system, branch).map(({ name, from }) => `${name}\t${from}\n`);
  return Uint8Array.from(Buffer.from(lines.join(''), 'latin1'));
}

/** Lists the installed packages, sorted by the bytes of their names. */
export function packagesOf(system: KeepListSystem, branch: Branch): readonly InstalledPackage[] {
  const patterns = [
    { pattern: '/usr/lib/opkg/info/*.control', ending: '.control' },
    ...(branch.readsApkLists ? [{ pattern: '/lib/apk/packages/*.list', ending: '.list' }] : []),
  ];
  const found = patterns.flatMap(({ pattern, ending }) =>
    expandPattern(system.root, byteStringFromText(pattern)).map((path) => {
      const name = path.slice(path.lastIndexOf('/') + 1, -ending.length) as ByteString;
      return { name, from: originOf(system, path) };
    }),
  );
  return found.sort((a, b) => compareBytes(a.name, b.name));
}

/** What the merged root has and the read-only root lacks is in the overlay. */
function originOf({ rom, upper }: KeepListSystem, path: ByteString): InstalledPackage['from'] {
  if (findFile(rom, path) !== undefined) return 'rom';
  return upper ? 'overlay' : 'unknown';
}
