/** Canonical listings of file systems, line for line as the program in the guests of the oracle writes them. */
import { createHash } from 'node:crypto';
import { bytesOf } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import type { FileSystem, Ino } from '../../tools/vfs/index.js';
import { typeLetters } from './type-letters.js';

/** What a listing leaves out. */
export interface ListingOptions {
  /** Times of directories depend on history; leave them out to compare file systems of different kinds. */
  readonly directoryTimes?: boolean;
  readonly times?: boolean;
}

/** Lists a tree as the oracle's `manifest` does, one line an entry. */
export function manifestOf(fs: FileSystem, options: ListingOptions = {}): string[] {
  const lines: string[] = [];
  const visit = (ino: Ino, path: string): void => {
    lines.push(manifestLine(fs, ino, path === '' ? '/' : path, options));
    if (fs.getattr(ino).type !== 'directory') return;
    const entries = [...fs.readdir(ino)].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) visit(entry.ino, `${path}/${escaped(entry.name)}`);
  };
  visit(fs.root, '');
  return lines;
}

function manifestLine(fs: FileSystem, ino: Ino, path: string, options: ListingOptions): string {
  const { type, mode, uid, gid, size, mtimeNs, rdev, nlink } = fs.getattr(ino);
  const isDirectory = type === 'directory';
  const timed = (options.times ?? true) && (!isDirectory || (options.directoryTimes ?? true));
  const fields = [
    path,
    typeLetters[type],
    mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    type === 'file' || type === 'symlink' ? size : '-',
    timed ? (mtimeNs / 1_000_000_000n).toString() : '-',
    type === 'file'
      ? createHash('sha256')
          .update(fs.read(ino, 0, size))
          .digest('hex')
      : '-',
    type === 'symlink' ? escaped(fs.readlink(ino)) : '-',
    type === 'char' || type === 'block' ? `${rdev.major}:${rdev.minor}` : '-',
    isDirectory ? '-' : nlink,
    ...[...fs.listxattr(ino)]
      .sort()
      .map((name) => `${escaped(name)}=${Buffer.from(fs.getxattr(ino, name)).toString('hex')}`),
  ];
  return fields.join(' ');
}

function escaped(name: ByteString): string {
  let text = '';
  for (const byte of bytesOf(name))
    text +=
      byte > 32 && byte < 127 && byte !== 92
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, '0')}`;
  return text;
}
