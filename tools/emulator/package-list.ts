/**
 * The list of installed packages that `sysupgrade -k` puts into the backup.
 *
 * Source: openwrt base-files sbin/sysupgrade (`INSTALLED_PACKAGES`), branches 19.07 to 25.12.
 */
import { byteStringFromText, compareBytes, type ByteString } from '../core/index.js';
import type { Branch } from './branches.js';
import { findFile } from './device-files.js';
import { expandPattern, type KeepListSystem } from './keep-list.js';

/** Where the list stands in the backup, and after the restore. */
export const packageListPath = byteStringFromText('/etc/backup/installed_packages.txt');

/** Lists `name TAB rom|overlay|unknown`, one line a package, sorted by the bytes of the name. */
export function installedPackages(system: KeepListSystem, branch: Branch): Uint8Array {
  const patterns = [
    { pattern: '/usr/lib/opkg/info/*.control', ending: '.control' },
    ...(branch.readsApkLists ? [{ pattern: '/lib/apk/packages/*.list', ending: '.list' }] : []),
  ];
  const lines = patterns.flatMap(({ pattern, ending }) =>
    expandPattern(system.root, byteStringFromText(pattern)).map((path) => {
      const name = path.slice(path.lastIndexOf('/') + 1, -ending.length);
      return `${name}\t${originOf(system, path)}\n` as ByteString;
    }),
  );
  return Uint8Array.from(Buffer.from(lines.sort(compareBytes).join(''), 'latin1'));
}

/** What the merged root has and the read-only root lacks is in the overlay. */
function originOf({ rom, upper }: KeepListSystem, path: ByteString): 'rom' | 'overlay' | 'unknown' {
  if (findFile(rom, path) !== undefined) return 'rom';
  return upper ? 'overlay' : 'unknown';
}
