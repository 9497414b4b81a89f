/**
 * How the reset program deletes the content of the overlay, flaws included.
 *
 * Source: openwrt fstools libfstools/overlay.c (`handle_rmdir`, `foreachdir`): directories are found by the glob
 * `*`, which skips names that start with a dot; files are found by reading the directory, so hidden files go and
 * hidden directories stay, and with them every directory above.
 */
import { byteStringFromText, joinPath, type ByteString } from '../core/index.js';
import { FsError, type FileSystem, type Ino } from '../vfs/index.js';

const carrier = byteStringFromText('sysupgrade.tgz');

/** What a deletion left behind. */
export interface DeletionReport {
  readonly deleted: number;
  /** Paths below the directory that survived, parents included, in order of the walk. */
  readonly survivors: readonly ByteString[];
}

/**
 * Deletes what is below a directory by the rules of the reset program; the directory itself stays.
 *
 * @param keepCarrier  files called sysupgrade.tgz, at any depth, are kept
 * @throws FsError of the file system, except ENOTEMPTY of a directory, which survives
 */
export function deleteByResetRules(fs: FileSystem, directory: Ino, keepCarrier: boolean): DeletionReport {
  const survivors: ByteString[] = [];
  let deleted = 0;

  const visit = (at: Ino, path: ByteString): void => {
    for (const entry of fs.readdir(at)) {
      if (entry.type === 'directory' && !entry.name.startsWith('.'))
        visit(entry.ino, joinPath(path, entry.name));
    }
    for (const entry of fs.readdir(at)) {
      const entryPath = joinPath(path, entry.name);
      if (entry.type === 'directory') {
        if (!removeDirectory(fs, at, entry.name)) survivors.push(entryPath);
        else deleted += 1;
      } else if (keepCarrier && entry.name === carrier) {
        survivors.push(entryPath);
      } else {
        fs.unlink(at, entry.name);
        deleted += 1;
      }
    }
  };
  visit(directory, '/' as ByteString);
  return { deleted, survivors: survivors.sort() };
}

/**
 * Deletes everything below a directory, as `rm -rf` does: the reset as it should be.
 *
 * @returns count of deleted entries
 */
export function deleteEverything(fs: FileSystem, directory: Ino): number {
  let deleted = 0;
  for (const entry of fs.readdir(directory)) {
    if (entry.type === 'directory') {
      deleted += deleteEverything(fs, entry.ino);
      fs.rmdir(directory, entry.name);
    } else {
      fs.unlink(directory, entry.name);
    }
    deleted += 1;
  }
  return deleted;
}

function removeDirectory(fs: FileSystem, parent: Ino, name: ByteString): boolean {
  // The program removes a directory after visiting it; a hidden one it never visits is not removed even when empty.
  if (name.startsWith('.')) return false;
  try {
    fs.rmdir(parent, name);
    return true;
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENOTEMPTY') return false;
    throw error;
  }
}
