/** The carried settings as bytes: a gzip tar, as `sysupgrade` makes it and as a boot unpacks it. */
import { readArchiveTreeFromBytes, writeArchive } from '../../archive/index.js';
import { FirmwrightError } from '../../core/index.js';
import type { TreeDirectory } from '../../vfs/index.js';

/** Most bytes that the files of a settings archive may have together: more is no settings, but an attack on the RAM. */
const contentLimit = 64 * 1024 ** 2;

/** Packs a settings tree. */
export function writeSettingsArchive(tree: TreeDirectory): Uint8Array {
  return writeArchive(tree, { format: 'pax', compression: 'gzip', level: 9 });
}

/** Settings, or why the archive is not one: damaged, a path that leaves the root, absurdly large. */
export type SettingsReading =
  | { readonly tree: TreeDirectory; readonly problem?: undefined }
  | { readonly tree?: undefined; readonly problem: string };

/** Unpacks settings. */
export function readSettingsArchive(bytes: Uint8Array): SettingsReading {
  try {
    return { tree: readArchiveTreeFromBytes(bytes, 'sysupgrade.tgz', { contentLimit }).root };
  } catch (error) {
    if (error instanceof FirmwrightError) return { problem: error.message };
    throw error;
  }
}
