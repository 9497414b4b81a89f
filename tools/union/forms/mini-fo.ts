/** mini_fo's list of what changed in a directory: a line `D name` or `R old/path newname` each (union-semantics 37). */
import { bytesOf, byteString, FormatError } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { isName, writeAll } from '../../vfs/index.js';
import type { FileSystem, Ino } from '../../vfs/index.js';
import { isRedirect } from '../lower.js';
import { miniFoList } from '../mark-reading.js';

/** What a list says. */
export interface MiniFoList {
  readonly deleted: readonly ByteString[];
  /** Directories that came from elsewhere, by their names here; absolute paths in the layers beneath. */
  readonly renamed: ReadonlyMap<ByteString, ByteString>;
}

/**
 * Reads the list of a directory; without one nothing changed.
 *
 * @throws FormatError FW_UNION_LIST for a line of another kind
 */
export function readMiniFoList(fs: FileSystem, directory: Ino, path: ByteString): MiniFoList {
  const ino = fs.lookup(directory, miniFoList);
  const text = ino === undefined ? '' : byteString(fs.read(ino, 0, fs.getattr(ino).size));
  const deleted: ByteString[] = [];
  const renamed = new Map<ByteString, ByteString>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const words = line.split(' ') as ByteString[];
    const [kind, first = '' as ByteString, second = '' as ByteString] = words;
    if (kind === 'D' && words.length === 2 && isName(first)) deleted.push(first);
    else if (kind === 'R' && words.length === 3 && isName(second)) {
      const target = `/${first.replace(/^\/+/, '')}` as ByteString;
      if (!isRedirect(target)) throw badLine(path, index + 1, line);
      renamed.set(second, target);
    } else throw badLine(path, index + 1, line);
  }
  return { deleted, renamed };
}

function badLine(path: ByteString, number: number, line: string): FormatError {
  return new FormatError(
    'FW_UNION_LIST',
    `${path}: line ${number} of ${miniFoList} is '${line}', expected 'D name' or 'R old/path newname'`,
    {
      hint: 'names with blanks or newlines break this format; correct the file by hand',
      data: { path, number },
    },
  );
}

/** Writes the list of a directory in place of the one that was there. */
export function writeMiniFoList(fs: FileSystem, directory: Ino, { deleted, renamed }: MiniFoList): void {
  const lines = [
    ...deleted.map((name) => `D ${name}\n`),
    ...[...renamed].map(([name, target]) => `R ${target.slice(1)} ${name}\n`),
  ];
  if (fs.lookup(directory, miniFoList) !== undefined) fs.unlink(directory, miniFoList);
  if (lines.length === 0) return;
  const ino = fs.mknod(directory, miniFoList, { type: 'file', mode: 0o644, uid: 0, gid: 0 });
  writeAll(fs, ino, 0, bytesOf(lines.join('') as ByteString));
}
