/**
 * How the reset program deletes the content of the overlay, flaws included.
 *
 * Source: openwrt fstools libfstools/overlay.c (`handle_rmdir`, `foreachdir`): directories are found by the glob
 * `*`, which skips names that start with a dot and gives the others in order; files are found by reading the directory, so
 * hidden files go and hidden directories stay, and with them every directory above.
 */
import { byteStringFromText, joinPath, type ByteString } from '../../core/index.js';
import { FsError, type DirectoryEntry, type FileSystem, type Ino } from '../../vfs/index.js';

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
 * The program looks at no result: what cannot be deleted survives. That also holds for a directory which a cut rename
 * left under two names, and which is gone when its second name is visited.
 *
 * @param keepCarrier  files called sysupgrade.tgz, at any depth, are kept
 */
export function deleteByResetRules(fs: FileSystem, directory: Ino, keepCarrier: boolean): DeletionReport {
  const survivors: ByteString[] = [];
  let deleted = 0;

  const attempt = (path: ByteString, work: () => void): void => {
    try {
      work();
      deleted += 1;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      survivors.push(path);
    }
  };
  // A directory goes at the end of its visit, before the next one is looked at.
  const visit = (at: Ino, path: ByteString): void => {
    const folders = entriesOf(fs, at).filter(({ type }) => type === 'directory');
    for (const { name, ino } of folders.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const folderPath = joinPath(path, name);
      // A hidden directory is never visited, and stays even when it is empty.
      if (name.startsWith('.')) {
        survivors.push(folderPath);
        continue;
      }
      visit(ino, folderPath);
      attempt(folderPath, () => fs.rmdir(at, name));
    }
    for (const { name, type } of entriesOf(fs, at)) {
      const filePath = joinPath(path, name);
      if (type === 'directory') continue;
      if (keepCarrier && name === carrier) survivors.push(filePath);
      else attempt(filePath, () => fs.unlink(at, name));
    }
  };
  visit(directory, '/' as ByteString);
  return { deleted, survivors: survivors.sort() };
}

/** Names in a directory; none when it is gone. */
function entriesOf(fs: FileSystem, directory: Ino): readonly DirectoryEntry[] {
  try {
    return fs.readdir(directory);
  } catch (error) {
    if (error instanceof FsError && error.code === 'ESTALE') return [];
    throw error;
  }
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
