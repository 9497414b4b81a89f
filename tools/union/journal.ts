/**
 * The journal of changes that need several names, for uppers that replace only one at a time (union-semantics 215).
 *
 * An entry is a symlink, because one call makes it complete; its text is a list of moves, one a line: number of the object,
 * directory and name it leaves, directory and name it gets; names in hexadecimal. A move is done only while
 * the object is still under its old name, so that completing an entry twice changes nothing.
 */
import { bytesOf, byteString } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';

/** One rename of an entry. */
export interface Move {
  readonly ino: Ino;
  readonly from: Ino;
  readonly name: ByteString;
  readonly to: Ino;
  readonly newName: ByteString;
}

const header = 'firmwright journal 1';
const prefix = '#journal-';

/** An entry that this version cannot read: a newer one wrote it, or it is damaged. */
export interface UnreadableEntry {
  readonly name: ByteString;
  /** Its first line. */
  readonly found: string;
  readonly expected: string;
}

/** Makes an object, or all of the file system, durable. */
export type Flush = (ino?: Ino) => void;

/** The journal in one work directory. */
export class Journal {
  readonly #fs: FileSystem;
  readonly #directory: Ino;
  readonly #flush: Flush;
  /** Entries that are done and could not be removed. */
  readonly #spent: ByteString[] = [];

  constructor(fs: FileSystem, directory: Ino, flush: Flush) {
    this.#fs = fs;
    this.#directory = directory;
    this.#flush = flush;
  }

  /** Records moves durably before the first of them is done. */
  write(label: ByteString, moves: readonly Move[]): ByteString {
    for (const spent of this.#spent.splice(0)) this.#fs.unlink(this.#directory, spent);
    const name = `${prefix}${label.slice(1)}` as ByteString;
    const lines = moves.map((move) =>
      [move.ino, move.from, hex(move.name), move.to, hex(move.newName)].join(' '),
    );
    const text = [header, ...lines].join('\n') as ByteString;
    const owner = { mode: 0o777, uid: 0, gid: 0 };
    this.#flush(this.#fs.symlink(this.#directory, name, text, owner));
    return name;
  }

  /** Does one move, unless it is done already. */
  perform(move: Move): void {
    const fs = this.#fs;
    if (fs.lookup(move.from, move.name) !== move.ino) return;
    if (fs.lookup(move.to, move.newName) !== move.ino) fs.rename(move.from, move.name, move.to, move.newName);
    else if (fs.getattr(move.ino).type !== 'directory') fs.unlink(move.from, move.name);
    else if (move.from !== this.#directory) {
      // A cut inside a rename left a directory under both names, and no call takes one away: it goes out of sight.
      fs.rename(move.from, move.name, this.#directory, this.#freeName(`#doubled-${move.ino}`));
    }
  }

  /** A name that the directory does not have: a cut while one is put out of sight leaves it there under a third name. */
  #freeName(wanted: string): ByteString {
    let name = wanted as ByteString;
    for (let count = 2; this.#fs.lookup(this.#directory, name) !== undefined; count += 1) {
      name = `${wanted}-${count}` as ByteString;
    }
    return name;
  }

  /** Forgets an entry whose moves are all done and durable. */
  end(name: ByteString): void {
    try {
      this.#flush();
      this.#fs.unlink(this.#directory, name);
    } catch (error) {
      // The change itself is complete; the entry goes before the next one is written.
      if (!(error instanceof FsError)) throw error;
      this.#spent.push(name);
    }
  }

  /** Completes what a predecessor began. */
  replay(): void {
    for (const { name, text } of entriesIn(this.#fs, this.#directory)) {
      for (const move of parse(text) ?? []) this.#performIfPossible(move);
      this.end(name);
    }
  }

  #performIfPossible(move: Move): void {
    try {
      this.perform(move);
    } catch (error) {
      // A directory that is gone since: the move has nothing left to do.
      if (!(error instanceof FsError) || (error.code !== 'ESTALE' && error.code !== 'ENOENT')) throw error;
    }
  }
}

/** Finds an entry in a work directory that cannot be completed, because its text is not understood (201). */
export function unreadableEntry(fs: FileSystem, directory: Ino): UnreadableEntry | undefined {
  for (const { name, text } of entriesIn(fs, directory)) {
    if (!parse(text)) return { name, found: text.split('\n', 1)[0] ?? '', expected: `'${header}' and moves` };
  }
  return undefined;
}

function entriesIn(fs: FileSystem, directory: Ino): { name: ByteString; text: ByteString }[] {
  return fs
    .readdir(directory)
    .filter(({ name, type }) => type === 'symlink' && name.startsWith(prefix))
    .map(({ name, ino }) => ({ name, text: fs.readlink(ino) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function hex(name: ByteString): string {
  return Buffer.from(bytesOf(name)).toString('hex');
}

function parse(text: ByteString): Move[] | undefined {
  const [first, ...lines] = text.split('\n');
  if (first !== header) return undefined;
  const moves: Move[] = [];
  for (const line of lines) {
    const match = /^(\d+) (\d+) ([0-9a-f]+) (\d+) ([0-9a-f]+)$/.exec(line);
    if (!match) return undefined;
    const [, ino, from, name = '', to, newName = ''] = match;
    moves.push({
      ino: Number(ino),
      from: Number(from),
      name: byteString(Buffer.from(name, 'hex')),
      to: Number(to),
      newName: byteString(Buffer.from(newName, 'hex')),
    });
  }
  return moves;
}
