/** The short ways to files of any `FileSystem` in tests: make, find, read, and the errno of a call that fails. */
import { byteStringFromText, FirmwrightError } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import { FsError } from '../../tools/vfs/index.js';
import type { DirectoryEntry, FileSystem, Ino } from '../../tools/vfs/index.js';

/** Shortest way to a name in tests. */
export const b = byteStringFromText;

/** Attributes of new objects in tests. */
export const plain = { mode: 0o644, uid: 0, gid: 0 } as const;
export const newFile = { type: 'file', ...plain } as const;
export const newDirectoryAttributes = { mode: 0o755, uid: 0, gid: 0 } as const;

/** Errno of a call that has to fail, also where a mount is refused; undefined when it did not fail. */
export function errnoOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    if (error instanceof FirmwrightError && typeof error.data['errno'] === 'string')
      return error.data['errno'];
    throw error;
  }
  return undefined;
}

/** Looks up a path of names that exist. */
export function find(fileSystem: FileSystem, path: string): Ino {
  let at = fileSystem.root;
  for (const name of path.split('/').filter((part) => part !== '')) {
    const next = fileSystem.lookup(at, b(name));
    if (next === undefined) throw new Error(`${path} is not there`);
    at = next;
  }
  return at;
}

/** Path of the directory, and the name in it. */
export function splitPath(path: string): [string, ByteString] {
  const cut = path.lastIndexOf('/');
  return [path.slice(0, Math.max(cut, 0)), b(path.slice(cut + 1))];
}

/** Directory and name of a path, as most calls want them. */
export function placeOf(fileSystem: FileSystem, path: string): [Ino, ByteString] {
  const [parent, name] = splitPath(path);
  return [find(fileSystem, parent), name];
}

/** Names of a directory, sorted. */
export function names(fileSystem: FileSystem, directory: Ino = fileSystem.root): ByteString[] {
  return fileSystem
    .readdir(directory)
    .map((entry: DirectoryEntry) => entry.name)
    .sort();
}

/** Makes a file with content. */
export function makeFile(fileSystem: FileSystem, directory: Ino, name: string, content = ''): Ino {
  const ino = fileSystem.mknod(directory, b(name), newFile);
  if (content !== '') fileSystem.write(ino, 0, Buffer.from(content));
  return ino;
}

/** Makes a file with content under a path. */
export function put(fileSystem: FileSystem, path: string, content = 'content'): Ino {
  const [parent, name] = splitPath(path);
  return makeFile(fileSystem, find(fileSystem, parent), name, content);
}

/** Makes a directory under a path. */
export function putDirectory(fileSystem: FileSystem, path: string): Ino {
  return fileSystem.mkdir(...placeOf(fileSystem, path), newDirectoryAttributes);
}

/** Content of a file as text. */
export function textOf(fileSystem: FileSystem, ino: Ino): string {
  return Buffer.from(fileSystem.read(ino, 0, fileSystem.getattr(ino).size)).toString();
}

/** Content of the file under a path, as text. */
export function textAt(fileSystem: FileSystem, path: string): string {
  return textOf(fileSystem, find(fileSystem, path));
}
