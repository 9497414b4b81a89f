/**
 * File work as root on the emulated device, in the terms of its scripts: lines of a file, listings.
 *
 * Plain access by path is in the vfs module; here a missing file is an answer, not an error.
 */
import { byteString, byteStringFromText, type ByteString } from '../core/index.js';
import { FsError, resolve, resolveParent, type Attributes, type FileSystem, type Ino } from '../vfs/index.js';

/** Takes a text path of a script as bytes. */
export function devicePath(text: string): ByteString {
  return byteStringFromText(text);
}

/** Finds an object; undefined when a part of the path is missing. */
export function findFile(fs: FileSystem, path: ByteString, follow = true): Ino | undefined {
  try {
    return resolve(fs, path, { follow });
  } catch (error) {
    if (error instanceof FsError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Finds an object. @throws FsError ENOENT, ENOTDIR, ELOOP */
export function fileAt(fs: FileSystem, path: ByteString, follow = true): Ino {
  return resolve(fs, path, { follow, syscall: 'open' });
}

/** Finds where a name is or would go. @throws FsError ENOENT, ENOTDIR, ELOOP */
export function parentOf(fs: FileSystem, path: ByteString): { directory: Ino; name: ByteString } {
  return resolveParent(fs, path);
}

/** Reads a whole file; undefined when it is missing or no file. */
export function readFileIfThere(fs: FileSystem, path: ByteString): Uint8Array | undefined {
  const ino = findFile(fs, path);
  if (ino === undefined) return undefined;
  const { type, size } = fs.getattr(ino);
  return type === 'file' ? fs.read(ino, 0, size) : undefined;
}

/** Reads a whole file as lines of bytes, without the newlines; none when it is missing. */
export function readLines(fs: FileSystem, path: ByteString): readonly ByteString[] {
  const bytes = readFileIfThere(fs, path);
  if (!bytes || bytes.length === 0) return [];
  const lines = byteString(bytes).split('\n') as ByteString[];
  if (lines.at(-1) === '') lines.pop();
  return lines;
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

/** Tells whether two files have the same bytes. */
export function sameContent(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.from(a.buffer, a.byteOffset, a.length).equals(b);
}
