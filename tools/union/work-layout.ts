/** The directory that a union works in, as Linux lays it out. */
import type { ByteString } from '../core/index.js';
import { removeEntry } from '../vfs/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';

/**
 * `work`: what is being prepared, in it `incompat`: features that the next mount has to know, and the whiteout that all
 * whiteouts are names of; `index`: hard links.
 */
export const workNames = {
  work: 'work' as ByteString,
  index: 'index' as ByteString,
  features: 'incompat' as ByteString,
  whiteout: '#whiteout' as ByteString,
} as const;

/** The feature of a union that does not flush. */
export const volatileFeature = 'volatile' as ByteString;

/** Closed to others; a plain user who mounts must still get at what he made. */
const ownerOnly = { mode: 0o700, uid: 0, gid: 0 } as const;

/** Finds or makes a directory of the union's own; anything else of that name goes, as with the kernel's overlay. */
export function ensureDirectory(fs: FileSystem, parent: Ino, name: ByteString): Ino {
  const found = fs.lookup(parent, name);
  const attributes = found === undefined ? undefined : fs.getattr(found);
  if (found === undefined || attributes?.type !== 'directory') {
    removeEntry(fs, parent, name);
    return fs.mkdir(parent, name, ownerOnly);
  }
  // The kernel's overlay makes them with no rights at all, which stops everybody but root.
  if ((attributes.mode & 0o700) !== 0o700) fs.setattr(found, { mode: 0o700 });
  return found;
}

/** The directory of a name, if it is one; none in none. */
export function directoryNamed(fs: FileSystem, parent: Ino | undefined, name: ByteString): Ino | undefined {
  const ino = parent === undefined ? undefined : fs.lookup(parent, name);
  return ino !== undefined && fs.getattr(ino).type === 'directory' ? ino : undefined;
}
