/**
 * `/overlay/.fs_state`: a symlink whose target text says how far the overlay is.
 *
 * Source: openwrt fstools libfstools/overlay.c (`ovl_get_state`/`fs_state_get`, `fs_state_set`).
 */
import { byteStringFromText, type ByteString } from '../../core/index.js';
import { FsError, type FileSystem, type Ino } from '../../vfs/index.js';

/** State of an overlay: no link, an unreadable one, reset or fresh, in use. */
export type OverlayState = 'missing' | 'unknown' | 'pending' | 'ready';

const linkName = byteStringFromText('.fs_state');
const targets: Readonly<Record<'pending' | 'ready', ByteString>> = {
  pending: byteStringFromText('1'),
  ready: byteStringFromText('2'),
};

/** Reads the state of the overlay whose root is `directory`. */
export function readOverlayState(fs: FileSystem, directory: Ino): OverlayState {
  const link = fs.lookup(directory, linkName);
  if (link === undefined) return 'missing';
  if (fs.getattr(link).type !== 'symlink') return 'unknown';
  const target = fs.readlink(link);
  return target === targets.pending ? 'pending' : target === targets.ready ? 'ready' : 'unknown';
}

/**
 * Writes the state: unlink, then a new link; nothing when it is the same already.
 *
 * The two operations are not atomic; a cut between them leaves the state missing, which a boot treats as pending. A full
 * volume cannot take the new link: the programs go on without it, and so does this.
 *
 * @returns false when the state could not be written
 */
export function writeOverlayState(fs: FileSystem, directory: Ino, state: 'pending' | 'ready'): boolean {
  if (readOverlayState(fs, directory) === state) return true;
  try {
    if (fs.lookup(directory, linkName) !== undefined) fs.unlink(directory, linkName);
    fs.symlink(directory, linkName, targets[state], { mode: 0o777, uid: 0, gid: 0 });
    return true;
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENOSPC') return false;
    throw error;
  }
}
