/**
 * Whole files by path, as the superuser: the short way for code that sets up or reads a file system.
 */
import type { ByteString } from '../core/index.js';
import { FsError } from './errno.js';
import type { Attributes, FileSystem, Ino, NewInode } from './file-system.js';
import { resolve, resolveParent } from './path-walk.js';

/** Returns the attributes of a path, or undefined when it is not there; the last symlink is not followed. */
export function statPath(fileSystem: FileSystem, path: ByteString): Attributes | undefined {
  try {
    return fileSystem.getattr(resolve(fileSystem, path, { follow: false }));
  } catch (error) {
    if (error instanceof FsError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Reads a whole file. @throws FsError as the walk and the file system answer, EISDIR for a directory */
export function readFile(fileSystem: FileSystem, path: ByteString): Uint8Array {
  const ino = resolve(fileSystem, path, { syscall: 'open' });
  return fileSystem.read(ino, 0, fileSystem.getattr(ino).size);
}

/** Reads into memory of the caller, by the shorter way where the file system has one; returns the count. */
export function readInto(fileSystem: FileSystem, ino: Ino, offset: number, into: Uint8Array): number {
  if (fileSystem.readInto) return fileSystem.readInto(ino, offset, into);
  const data = fileSystem.read(ino, offset, into.length);
  into.set(data);
  return data.length;
}

/**
 * Makes or replaces the content of a file; owner and mode of an existing one stay.
 *
 * @throws FsError ENOSPC when it does not fit: the file then holds the part that did
 */
export function writeFile(
  fileSystem: FileSystem,
  path: ByteString,
  data: Uint8Array,
  inode: NewInode = { mode: 0o644, uid: 0, gid: 0 },
): Ino {
  const walk = resolveParent(fileSystem, path, { follow: true, syscall: 'open' });
  if (walk.name === '' || walk.trailingSlash) throw new FsError('EISDIR', 'open', path);
  const existing = walk.ino;
  const ino = existing ?? fileSystem.mknod(walk.directory, walk.name, { ...inode, type: 'file' });
  fileSystem.open(ino, 'write');
  try {
    if (existing !== undefined) fileSystem.setattr(ino, { size: 0 });
    writeAll(fileSystem, ino, 0, data);
  } finally {
    fileSystem.release(ino);
  }
  return ino;
}

/** Writes all bytes, repeating short writes. @throws FsError as `write`; ENOSPC after the part that fitted */
export function writeAll(fileSystem: FileSystem, ino: Ino, offset: number, data: Uint8Array): void {
  for (let done = 0; done < data.length;) {
    const count = fileSystem.write(ino, offset + done, done === 0 ? data : data.subarray(done));
    if (count === 0) throw new FsError('ENOSPC', 'write');
    done += count;
  }
}

/** Makes a directory and the missing ones above it; returns it. @throws FsError ENOTDIR when a file is in the way */
export function makeDirectories(
  fileSystem: FileSystem,
  path: ByteString,
  inode: NewInode = { mode: 0o755, uid: 0, gid: 0 },
): Ino {
  let at = '/' as ByteString;
  let ino = fileSystem.root;
  for (const name of path.split('/').filter((part) => part !== '') as ByteString[]) {
    at = (at === '/' ? `/${name}` : `${at}/${name}`) as ByteString;
    const walk = resolveParent(fileSystem, at, { follow: true, syscall: 'mkdir' });
    ino = walk.ino ?? fileSystem.mkdir(walk.directory, walk.name, inode);
    if (fileSystem.getattr(ino).type !== 'directory') throw new FsError('ENOTDIR', 'mkdir', at);
  }
  return ino;
}

/** Removes a path with all that is beneath it; nothing there is fine. */
export function removeTree(fileSystem: FileSystem, path: ByteString): void {
  if (!statPath(fileSystem, path)) return;
  const { directory, name, ino } = resolveParent(fileSystem, path);
  if (ino === undefined || name === '') throw new FsError('EBUSY', 'rmdir', path);
  removeEntry(fileSystem, directory, name);
}

/** Removes a name with all that is beneath it, however deep; nothing there is fine. */
export function removeEntry(fileSystem: FileSystem, directory: Ino, name: ByteString): void {
  const pending = [{ directory, name, listed: false }];
  for (let at = pending.at(-1); at !== undefined; at = pending.at(-1)) {
    const ino = fileSystem.lookup(at.directory, at.name);
    const isDirectory = ino !== undefined && fileSystem.getattr(ino).type === 'directory';
    if (isDirectory && !at.listed) {
      at.listed = true;
      for (const entry of fileSystem.readdir(ino)) {
        pending.push({ directory: ino, name: entry.name, listed: false });
      }
      continue;
    }
    pending.pop();
    if (isDirectory) fileSystem.rmdir(at.directory, at.name);
    else if (ino !== undefined) fileSystem.unlink(at.directory, at.name);
  }
}
