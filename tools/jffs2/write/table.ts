/**
 * Tables of owners, modes and nodes, in the format of mkfs.jffs2's `-D`, with four additions of ours: `/` names the root,
 * `l` makes a symlink and `s` a socket, and `key=value` words behind the columns give `target=` and `xattr:NAME=HEX`.
 *
 * Columns: path, type (f d c b p l s), mode (octal), uid, gid, major, minor, start, increment, count; `-` and what
 * follows it keep their defaults. A count makes devices NAME0, NAME1, ... with rising minor numbers.
 */
import { byteStringFromText, FormatError, textOf } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { newDirectory } from '../../vfs/index.js';
import type { FileType, TreeDirectory, TreeInode } from '../../vfs/index.js';

/** One line of a table. */
export interface TableEntry {
  readonly line: number;
  /** Absolute. */
  readonly path: ByteString;
  readonly type: FileType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
  readonly start: number;
  readonly increment: number;
  readonly count: number;
  readonly target?: ByteString;
  readonly xattrs: ReadonlyMap<ByteString, Uint8Array>;
}

const typeLetters: ReadonlyMap<string, FileType> = new Map([
  ['f', 'file'],
  ['d', 'directory'],
  ['c', 'char'],
  ['b', 'block'],
  ['p', 'fifo'],
  ['l', 'symlink'],
  ['s', 'socket'],
]);

function refuse(line: number, what: string): never {
  throw new FormatError('FW_JFFS2_TABLE', `device table, line ${line}: ${what}`, {
    hint: 'columns: path type mode uid gid major minor start inc count',
    data: { line },
  });
}

/**
 * Reads a table; empty lines and `#` comments are skipped.
 *
 * @throws FormatError FW_JFFS2_TABLE with the number of the line
 */
export function parseDeviceTable(text: string): TableEntry[] {
  const entries: TableEntry[] = [];
  for (const [index, row] of text.split('\n').entries()) {
    const words = row.replace(/#.*/, '').trim().split(/\s+/);
    if (words[0] !== '') entries.push(parseRow(words, index + 1));
  }
  return entries;
}

function parseRow(words: readonly string[], line: number): TableEntry {
  const [path = '', letter = ''] = words;
  const type = typeLetters.get(letter);
  if (!path.startsWith('/')) refuse(line, `path ${path} does not start with /`);
  if (!type) refuse(line, `type ${letter || 'missing'} is none of f d c b p l s`);
  const columns = words.slice(2).filter((word) => !word.includes('='));
  const end = columns.indexOf('-');
  const given = end < 0 ? columns : columns.slice(0, end);
  if (given.length > 8) refuse(line, `${given.length + 2} columns, expected at most 10`);
  const [mode = 0o755, uid = 0, gid = 0, major = 0, minor = 0, start = 0, increment = 1, count = 0] =
    given.map((word, column) => {
      if (!(column === 0 ? /^[0-7]+$/ : /^\d+$/).test(word)) refuse(line, `${word} is no number`);
      return Number.parseInt(word, column === 0 ? 8 : 10);
    });
  const xattrs = new Map<ByteString, Uint8Array>();
  let target: ByteString | undefined;
  for (const word of words.slice(2).filter((each) => each.includes('='))) {
    const [key = '', value = ''] = word.split(/=(.*)/s);
    if (key === 'target') target = byteStringFromText(value);
    else if (key.startsWith('xattr:') && /^([0-9a-f]{2})*$/i.test(value)) {
      xattrs.set(byteStringFromText(key.slice('xattr:'.length)), new Uint8Array(Buffer.from(value, 'hex')));
    } else refuse(line, `${word} is neither target=TARGET nor xattr:NAME=HEX`);
  }
  const numbers = { mode: mode & 0o7777, uid, gid, major, minor, start, increment, count };
  const entry = { line, path: byteStringFromText(path.replace(/(?<=.)\/+$/, '')), type, ...numbers, xattrs };
  return target === undefined ? entry : { ...entry, target };
}

/** Names that a table added, by directory, in the order of the table. */
export type TableAdditions = Map<TreeDirectory, ByteString[]>;

/**
 * Applies a table to a tree, which is changed: objects that exist get mode and owner, others are made.
 *
 * @param timeNs time of what is made
 * @returns what was added, for `writeJffs2Compatible`
 * @throws FormatError FW_JFFS2_TABLE when a parent is missing, an object is of another type, or a file does not exist
 */
export function applyDeviceTable(
  root: TreeDirectory,
  entries: readonly TableEntry[],
  timeNs: bigint,
): TableAdditions {
  const additions: TableAdditions = new Map();
  for (const entry of entries) {
    if (entry.path === '/') {
      if (entry.type !== 'directory') refuse(entry.line, 'the root is a directory');
      change(root, entry);
      continue;
    }
    const cut = entry.path.lastIndexOf('/');
    const parent = directoryAt(root, entry.path.slice(1, cut));
    if (!parent) refuse(entry.line, `${textOf(entry.path)}: no such directory to put it in`);
    const name = entry.path.slice(cut + 1);
    const numbered = entry.count > 0 && (entry.type === 'char' || entry.type === 'block');
    for (let i = 0; i < (numbered ? entry.count : 1); i++) {
      const full = (numbered ? name + String(entry.start + i) : name) as ByteString;
      const minor = entry.minor + (numbered ? i * entry.increment : 0);
      place(parent, full, { ...entry, minor }, timeNs, additions);
    }
  }
  return additions;
}

function directoryAt(root: TreeDirectory, path: string): TreeDirectory | undefined {
  let directory = root;
  for (const part of path.split('/').filter((each) => each !== '')) {
    const next = directory.entries.get(part as ByteString);
    if (next?.type !== 'directory') return undefined;
    directory = next;
  }
  return directory;
}

function place(
  parent: TreeDirectory,
  name: ByteString,
  entry: TableEntry,
  timeNs: bigint,
  additions: TableAdditions,
): void {
  const known = parent.entries.get(name);
  if (known) {
    if (known.type !== entry.type) refuse(entry.line, `${textOf(entry.path)} is a ${known.type}`);
    change(known, entry);
    // A table that only sets owners leaves the numbers at 0.
    if ((known.type === 'char' || known.type === 'block') && entry.major !== 0 && entry.minor !== 0) {
      known.rdev = { major: entry.major, minor: entry.minor };
    }
    return;
  }
  parent.entries.set(name, newInode(entry, timeNs));
  const added = additions.get(parent);
  if (added) added.push(name);
  else additions.set(parent, [name]);
}

function change(inode: TreeInode, entry: TableEntry): void {
  inode.mode = entry.mode;
  inode.uid = entry.uid;
  inode.gid = entry.gid;
  if (entry.xattrs.size > 0) inode.xattrs = new Map([...inode.xattrs, ...entry.xattrs]);
}

function newInode(entry: TableEntry, mtimeNs: bigint): TreeInode {
  const { mode, uid, gid, major, minor, type, target } = entry;
  const common = { mode, uid, gid, mtimeNs, xattrs: entry.xattrs };
  switch (type) {
    case 'file':
      return refuse(entry.line, `${textOf(entry.path)}: a regular file must exist`);
    case 'symlink':
      if (target === undefined) refuse(entry.line, `${textOf(entry.path)}: a symlink needs target=`);
      return { type, ...common, target };
    case 'directory':
      return newDirectory(common);
    case 'char':
    case 'block':
      return { type, ...common, rdev: { major, minor } };
    case 'fifo':
    case 'socket':
      return { type, ...common };
  }
}

/** What to level before a table is applied, as the options -U, -P (both: -q) and -f of mkfs.jffs2. */
export interface SquashOptions {
  /** All owners become 0:0. */
  readonly owners?: boolean;
  /** Write permission of group and others, set-uid and set-gid go away, except on symlinks. */
  readonly permissions?: boolean;
  /** All times become 0. */
  readonly times?: boolean;
}

/** Levels owners, permissions and times of a tree, which is changed. */
export function squashTree(root: TreeDirectory, options: SquashOptions): void {
  const done = new Set<TreeInode>();
  const queue: TreeInode[] = [root];
  for (let inode = queue.pop(); inode; inode = queue.pop()) {
    if (done.has(inode)) continue;
    done.add(inode);
    if (options.owners) inode.uid = inode.gid = 0;
    if (options.permissions && inode.type !== 'symlink') inode.mode &= ~0o6022;
    if (options.times) inode.mtimeNs = 0n;
    if (inode.type === 'directory') queue.push(...inode.entries.values());
  }
}
