import type { ByteString } from '../core/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';
import { legacyTarget, markSet } from './marks.js';
import type { WrittenForm } from './policy.js';

const nobody = { mode: 0, uid: 0, gid: 0 } as const;

/**
 * Makes the object that is a whiteout, or with the aufs form the file that records one. A form with an attribute takes
 * two calls: whoever needs one step makes it elsewhere and renames it into place.
 */
export function makeWhiteoutObject(
  fs: FileSystem,
  { form, prefix }: { readonly form: WrittenForm; readonly prefix: string },
  directory: Ino,
  name: ByteString,
): Ino {
  const mark = (ino: Ino): Ino => {
    try {
      fs.setxattr(ino, `${prefix}whiteout` as ByteString, markSet);
    } catch (error) {
      // Without its mark it would be taken for a file.
      fs.unlink(directory, name);
      throw error;
    }
    return ino;
  };
  switch (form) {
    case 'overlay':
      return fs.mknod(directory, name, { ...nobody, type: 'char', rdev: { major: 0, minor: 0 } });
    case 'overlay-v7':
      return mark(fs.symlink(directory, name, legacyTarget, { ...nobody, mode: 0o777 }));
    case 'overlay-x':
      return mark(fs.mknod(directory, name, { ...nobody, mode: 0o600, type: 'file' }));
    case 'aufs':
      return fs.mknod(directory, name, { ...nobody, mode: 0o444, type: 'file' });
  }
}
