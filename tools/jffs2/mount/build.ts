/**
 * Mounts a volume: the scan of the partition, then the tree of inodes built from the names that it found.
 *
 * Order follows Linux 6.1 fs/jffs2/build.c, jffs2_do_mount_fs and jffs2_build_filesystem.
 */
import { FsError, runStraight, Task } from '../../vfs/index.js';
import { MINIMUM_BLOCKS } from './first-mount.js';
import type { InodeRecord } from './inode.js';
import type { ScanCache } from './scan.js';
import { scanMedium } from './scan-medium.js';
import type { ScannedNames } from './scan-medium.js';
import type { Space } from './space.js';
import type { Volume } from './volume.js';
import { DT_DIR } from '../node/dirent-type.js';
import { ROOT_INO } from '../node/layout.js';

/**
 * Fills a volume from its partition.
 *
 * @throws FsError EINVAL below five blocks; EIO for what the kernel refuses
 */
export function mountVolume(volume: Volume, cache: ScanCache): void {
  const { space } = volume;
  if (space.blocks.length < MINIMUM_BLOCKS) throw new FsError('EINVAL', 'mount');
  const { names, pseudoRandom, endMarkerFound } = scanMedium(volume, cache);
  if (endMarkerFound && !volume.rules.readOnly) eraseBehindMarker(volume);
  space.phase = 'building';
  countLinks(volume, names);
  volume.xattrs.build(volume.inodes);
  rotateLists(space, pseudoRandom);
  space.phase = 'mounted';
}

/**
 * From the last block down to that of the marker, which is how the scan put them on the list: a cut leaves the marker
 * where it is, and the next mount begins again. The lists are rotated only later (OpenWrt's end-marker patch).
 */
function eraseBehindMarker(volume: Volume): void {
  const task = new Task(false);
  while (runStraight(volume.space.eraseOne(task, (owner) => volume.forget(owner))));
}

/** Counts links, drops what no name leads to, tells every directory its parent. */
function countLinks(volume: Volume, names: ScannedNames): void {
  const { inodes } = volume;
  volume.record(ROOT_INO);
  const directories = [...names].sort(([a], [b]) => a - b);
  for (const [, entries] of directories) {
    for (const [name, found] of entries) {
      if (found.ino === 0) continue;
      const child = inodes.get(found.ino);
      if (child) child.nlink += 1;
      else {
        volume.space.markObsolete(found.ref);
        entries.delete(name);
      }
    }
  }
  const dead = [...inodes.values()].filter((record) => record.nlink === 0).sort((a, b) => a.ino - b.ino);
  for (let record = dead.shift(); record; record = dead.shift())
    dead.push(...removeUnlinked(volume, names, record));
  const parents = new Map<number, number>();
  for (const [pino, entries] of directories) {
    if (!names.has(pino)) continue;
    for (const { ino, type } of entries.values()) {
      if (type !== DT_DIR || ino === 0 || !inodes.has(ino)) continue;
      if (parents.has(ino)) volume.notices.push(`Directory inode #${ino} has more than one name`);
      else parents.set(ino, pino);
    }
  }
  for (const [ino, parent] of parents) {
    const record = inodes.get(ino);
    if (record && record.nlink > 0) record.nlink = parent;
  }
}

/** Makes all nodes of an inode without a name obsolete; returns the children that lost their last name by it. */
function removeUnlinked(volume: Volume, names: ScannedNames, record: InodeRecord): InodeRecord[] {
  for (const ref of [...record.nodes]) volume.space.markObsolete(ref);
  const orphans: InodeRecord[] = [];
  for (const { ino } of names.get(record.ino)?.values() ?? []) {
    const child = ino === 0 ? undefined : volume.inodes.get(ino);
    if (!child || child.nlink === 0) continue;
    child.nlink -= 1;
    if (child.nlink === 0) orphans.push(child);
  }
  names.delete(record.ino);
  return orphans;
}

/** Wears the blocks evenly from mount to mount. */
function rotateLists(space: Space, pseudoRandom: number): void {
  const { clean, veryDirty, dirty, erasable, erasePending, free } = space;
  for (const list of [clean, veryDirty, dirty, erasable, erasePending, free])
    if (list.length > 0) list.rotate(pseudoRandom % list.length);
}
