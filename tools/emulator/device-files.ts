/**
 * File work as root on the emulated device: paths in, bytes out, on any mounted file system.
 *
 * The boot and upgrade scripts run as root, so no permission is asked; symlinks are followed as the kernel does.
 */
import { byteString, byteStringFromText, bytesOf, type ByteString } from '../core/index.js';
import { FsError, type Attributes, type FileSystem, type Ino, type NewInode } from '../vfs/index.js';

const symlinkLimit = 40;
const owner = { uid: 0, gid: 0 };

/** A place that a path leads to: the directory, the last name, and the object if it exists. */
interface Place {
  readonly directory: Ino;
  readonly name: ByteString;
  readonly ino: Ino | undefined;
}

/** Takes a text path of a script as bytes. */
export function devicePath(text: string): ByteString {
  return byteStringFromText(text);
}

/** Finds an object; undefined when a part of the path is missing. */
export function findFile(fs: FileSystem, path: ByteString, follow = true): Ino | undefined {
  try {
    return place(fs, path, follow).ino;
  } catch (error) {
    if (error instanceof FsError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Finds an object. @throws FsError ENOENT, ENOTDIR, ELOOP */
export function fileAt(fs: FileSystem, path: ByteString, follow = true): Ino {
  const { ino } = place(fs, path, follow);
  if (ino === undefined) throw new FsError('ENOENT', 'open', path);
  return ino;
}

/** Finds where a new name would go. @throws FsError ENOENT, ENOTDIR, ELOOP */
export function parentOf(fs: FileSystem, path: ByteString): { directory: Ino; name: ByteString } {
  return place(fs, path, false);
}

/** Reads a whole file; undefined when it is missing or no file. */
export function readFile(fs: FileSystem, path: ByteString): Uint8Array | undefined {
  const ino = findFile(fs, path);
  if (ino === undefined) return undefined;
  const { type, size } = fs.getattr(ino);
  return type === 'file' ? fs.read(ino, 0, size) : undefined;
}

/** Reads a whole file as lines of bytes, without the newlines; none when it is missing. */
export function readLines(fs: FileSystem, path: ByteString): readonly ByteString[] {
  const bytes = readFile(fs, path);
  if (!bytes || bytes.length === 0) return [];
  const lines = byteString(bytes).split('\n') as ByteString[];
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/**
 * Writes a whole file as the shell's `>` does: truncates what is there, follows a symlink, keeps mode and owner.
 *
 * @throws FsError ENOSPC after a short write, and whatever the file system answers
 */
export function writeFile(fs: FileSystem, path: ByteString, data: Uint8Array, mode = 0o644): Ino {
  const target = place(fs, path, true);
  let ino = target.ino;
  if (ino === undefined) {
    ino = fs.mknod(target.directory, target.name, { type: 'file', mode, ...owner });
  } else if (fs.getattr(ino).type !== 'file') {
    throw new FsError('EISDIR', 'open', path);
  } else {
    fs.setattr(ino, { size: 0 });
  }
  writeAll(fs, ino, 0, data);
  return ino;
}

/** Appends to a file, which is made when missing. */
export function appendFile(fs: FileSystem, path: ByteString, data: Uint8Array): void {
  const ino = findFile(fs, path);
  if (ino === undefined) writeFile(fs, path, data);
  else writeAll(fs, ino, fs.getattr(ino).size, data);
}

/** Writes all of `data`; a short write becomes ENOSPC. */
export function writeAll(fs: FileSystem, ino: Ino, offset: number, data: Uint8Array): void {
  fs.open(ino, 'write');
  try {
    let done = 0;
    while (done < data.length) {
      const written = fs.write(ino, offset + done, data.subarray(done));
      if (written === 0) throw new FsError('ENOSPC', 'write');
      done += written;
    }
  } finally {
    fs.release(ino);
  }
}

/** Makes a directory and those above it; what exists stays as it is. */
export function makeDirectories(fs: FileSystem, path: ByteString, inode?: Partial<NewInode>): Ino {
  let at = fs.root;
  for (const name of path.split('/').filter((part) => part !== '') as ByteString[]) {
    const next = fs.lookup(at, name);
    at = next ?? fs.mkdir(at, name, { mode: 0o755, ...owner, ...inode });
  }
  return at;
}

/** Removes what a path names: a file, or a directory with all that is in it. */
export function removeTree(fs: FileSystem, path: ByteString): void {
  const { directory, name, ino } = place(fs, path, false);
  if (ino === undefined) throw new FsError('ENOENT', 'unlink', path);
  removeEntry(fs, directory, name, ino);
}

function removeEntry(fs: FileSystem, directory: Ino, name: ByteString, ino: Ino): void {
  if (fs.getattr(ino).type !== 'directory') {
    fs.unlink(directory, name);
    return;
  }
  for (const entry of fs.readdir(ino)) removeEntry(fs, ino, entry.name, entry.ino);
  fs.rmdir(directory, name);
}

/** Lists everything below a directory, names in order of raw bytes, parents first. Paths are relative to it. */
export function* walkFiles(
  fs: FileSystem,
  directory: Ino,
  path = '' as ByteString,
): Generator<{ readonly path: ByteString; readonly attributes: Attributes }> {
  const entries = [...fs.readdir(directory)].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const entryPath = `${path}/${entry.name}` as ByteString;
    yield { path: entryPath, attributes: fs.getattr(entry.ino) };
    if (entry.type === 'directory') yield* walkFiles(fs, entry.ino, entryPath);
  }
}

function place(fs: FileSystem, path: ByteString, followLast: boolean): Place {
  const pending = path.split('/').filter((part) => part !== '' && part !== '.') as ByteString[];
  let directory = fs.root;
  let links = 0;
  if (pending.length === 0) return { directory, name: '' as ByteString, ino: directory };
  for (;;) {
    const name = pending.shift();
    if (name === undefined) return { directory, name: '' as ByteString, ino: directory };
    const last = pending.length === 0;
    if (name === '..') {
      directory = fs.parent(directory);
      if (last) return { directory, name: '' as ByteString, ino: directory };
      continue;
    }
    const ino = fs.lookup(directory, name);
    if (ino === undefined) {
      if (last) return { directory, name, ino };
      throw new FsError('ENOENT', 'open', path);
    }
    const { type } = fs.getattr(ino);
    if (type === 'symlink' && (!last || followLast)) {
      if ((links += 1) > symlinkLimit) throw new FsError('ELOOP', 'open', path);
      const target = fs.readlink(ino);
      if (target.startsWith('/')) directory = fs.root;
      pending.unshift(...(target.split('/').filter((part) => part !== '' && part !== '.') as ByteString[]));
      if (pending.length === 0) return { directory, name: '' as ByteString, ino: directory };
      continue;
    }
    if (last) return { directory, name, ino };
    if (type !== 'directory') throw new FsError('ENOTDIR', 'open', path);
    directory = ino;
  }
}

/** Tells whether two files have the same bytes. */
export function sameContent(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.from(a.buffer, a.byteOffset, a.length).equals(b);
}

/** Returns the bytes of an ASCII or UTF-8 text. */
export function textBytes(text: string): Uint8Array {
  return bytesOf(byteStringFromText(text));
}
