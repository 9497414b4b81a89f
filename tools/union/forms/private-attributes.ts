/** The private attributes of a layer besides its marks, when the prefix changes (union-semantics 39). */
import type { ByteString } from '../../core/index.js';
import type { FileSystem, Ino } from '../../vfs/index.js';
import { attributeNames } from '../marks.js';

type Prefix = string | undefined;

/** Escapes what users have under a prefix that becomes private. */
export function escapeAttributes(fs: FileSystem, root: Ino, prefix: string): void {
  for (const ino of objectsOf(fs, root)) {
    for (const name of attributeNames(fs, ino)) {
      if (name.startsWith(prefix)) rename(fs, ino, name, `${prefix}overlay.${name.slice(prefix.length)}`);
    }
  }
}

/** Moves origins and the like to another prefix, or drops them where there is none; users get their own back. */
export function movePrivateAttributes(fs: FileSystem, root: Ino, from: string, to: Prefix): void {
  const escaped = `${from}overlay.`;
  for (const ino of objectsOf(fs, root)) {
    const { type } = fs.getattr(ino);
    const keeps = to?.startsWith('user.') !== true || type === 'file' || type === 'directory';
    for (const name of attributeNames(fs, ino)) {
      if (!name.startsWith(from)) continue;
      if (name.startsWith(escaped)) rename(fs, ino, name, from + name.slice(escaped.length));
      else if (to === undefined || !keeps) fs.removexattr(ino, name);
      else rename(fs, ino, name, to + name.slice(from.length));
    }
  }
}

function rename(fs: FileSystem, ino: Ino, name: ByteString, newName: string): void {
  const value = fs.getxattr(ino, name);
  fs.removexattr(ino, name);
  fs.setxattr(ino, newName as ByteString, value);
}

/** Every object under a directory, that directory included; an object with several names once. */
function objectsOf(fs: FileSystem, root: Ino): ReadonlySet<Ino> {
  const found = new Set([root]);
  const pending = [root];
  for (const directory of pending) {
    for (const { ino, type } of fs.readdir(directory)) {
      found.add(ino);
      if (type === 'directory') pending.push(ino);
    }
  }
  return found;
}
