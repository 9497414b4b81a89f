/** Whiteouts of unionfs-fuse: a file `.unionfs/PATH_HIDDEN~` under the root of the layer (union-semantics 37). */
import type { ByteString } from '../../core/index.js';
import { isName } from '../../vfs/index.js';
import type { FileSystem, Ino } from '../../vfs/index.js';
import { hiddenFolder } from '../mark-reading.js';

const suffix = '_HIDDEN~';

/** The name that a file of the folder hides; undefined for anything else. */
export function hiddenName(name: ByteString): ByteString | undefined {
  if (!name.endsWith(suffix)) return undefined;
  const hidden = name.slice(0, -suffix.length) as ByteString;
  return isName(hidden) ? hidden : undefined;
}

/** Hides a name of the directory `path`, absolute in the layer; directories are made as they are in the layer. */
export function hide(fs: FileSystem, root: Ino, path: ByteString, name: ByteString): void {
  let [at, hidden] = [root, makeFolder(fs, root, hiddenFolder, root)];
  for (const element of path.split('/').filter((part) => part !== '') as ByteString[]) {
    at = fs.lookup(at, element) ?? at;
    hidden = makeFolder(fs, hidden, element, at);
  }
  const record = (name + suffix) as ByteString;
  if (fs.lookup(hidden, record) !== undefined) return;
  fs.mknod(hidden, record, { type: 'file', mode: 0o600, uid: 0, gid: 0 });
}

function makeFolder(fs: FileSystem, parent: Ino, name: ByteString, like: Ino): Ino {
  const { mode, uid, gid } = fs.getattr(like);
  return fs.lookup(parent, name) ?? fs.mkdir(parent, name, { mode, uid, gid });
}
