/**
 * Which release a firmware is, as its own root says.
 *
 * Source: openwrt base-files etc/openwrt_release, which builds fill in. Snapshots name no number.
 */
import { FsError, type FileSystem } from '../../vfs/index.js';
import { branchOfRelease, type BranchName } from '../branches.js';
import { devicePath, readLines } from '../device-files.js';

/** The number of a release: year and month, and what follows. */
const number = /\b\d\d\.\d\d(\.\d+)?\b/;

/** Finds the branch of the release that a root names; undefined for a snapshot, and for a root that does not say. */
export function releaseBranch(rom: FileSystem): BranchName | undefined {
  const lines = releaseLines(rom);
  // Up to 15.05 the release is a name, and only the description has the number.
  for (const key of ['DISTRIB_RELEASE=', 'DISTRIB_DESCRIPTION=']) {
    const [release] = number.exec(lines.find((line) => line.startsWith(key)) ?? '') ?? [];
    if (release !== undefined) return branchOfRelease(release);
  }
  return undefined;
}

/** None of a root that is only partly there. */
function releaseLines(rom: FileSystem): readonly string[] {
  try {
    return readLines(rom, devicePath('/etc/openwrt_release'));
  } catch (error) {
    if (error instanceof FsError && error.code === 'EIO') return [];
    throw error;
  }
}
