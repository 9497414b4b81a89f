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
import type { Errno, FileSystem, Ino } from '../vfs/index.js';
import { liesIn } from './layers.js';

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

/** A name in a directory of the upper. */
export interface Name {
  readonly directory: Ino;
  readonly name: ByteString;
}

/** An entry that has to go, and what has to be done before. */
interface Unsettled {
  readonly entry: ByteString;
  readonly moves: readonly Move[];
}

/** The journal in one work directory. */
export class Journal {
  readonly #fs: FileSystem;
  readonly #directory: Ino;
  readonly #flush: Flush;
  #unsettled: readonly Unsettled[] = [];

  constructor(fs: FileSystem, directory: Ino, flush: Flush) {
    this.#fs = fs;
    this.#directory = directory;
    this.#flush = flush;
  }

  /** No entry waits to be ended; while one does, nothing else may change names: the next mount will complete it. */
  get settled(): boolean {
    return this.#unsettled.length === 0;
  }

  /** Records moves durably before the first of them is done. */
  write(label: ByteString, moves: readonly Move[]): ByteString {
    const name = `${prefix}${label.slice(1)}` as ByteString;
    const lines = moves.map((move) =>
      [move.ino, move.from, hex(move.name), move.to, hex(move.newName)].join(' '),
    );
    const text = [header, ...lines].join('\n') as ByteString;
    const owner = { mode: 0o777, uid: 0, gid: 0 };
    const ino = this.#fs.symlink(this.#directory, name, text, owner);
    try {
      this.#flush(ino);
    } catch (error) {
      this.end(name);
      throw error;
    }
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

  /** Forgets an entry whose moves are all done, or none; what fails is for `settle`. */
  end(entry: ByteString): void {
    this.#leave(entry, []);
  }

  /** Takes back what was done of moves that cannot all be done; what fails is for `settle`. */
  takeBack(entry: ByteString, moves: readonly Move[]): void {
    const back = moves.map(({ ino, from, name, to, newName }) => ({
      ino,
      from: to,
      name: newName,
      to: from,
      newName: name,
    }));
    this.#leave(entry, back.reverse());
  }

  #leave(entry: ByteString, moves: readonly Move[]): void {
    this.#unsettled = [...this.#unsettled, { entry, moves }];
    try {
      this.settle();
    } catch (error) {
      // The caller has his answer; whoever changes a name next comes here first.
      if (!(error instanceof FsError)) throw error;
    }
  }

  /** The names that unsettled moves concern. */
  get unsettledNames(): Name[] {
    return this.#unsettled.flatMap(({ moves }) =>
      moves.flatMap(({ from, name, to, newName }) => [
        { directory: from, name },
        { directory: to, name: newName },
      ]),
    );
  }

  /**
   * Ends entries that could not be ended.
   *
   * @throws FsError as the upper answers; the entries stay
   */
  settle(): void {
    for (const { entry, moves } of this.#unsettled) {
      for (const move of moves) this.#performIfPossible(move);
      // Durable before the entry goes: without it nobody completes a part.
      this.#flush();
      if (this.#fs.lookup(this.#directory, entry) !== undefined) this.#fs.unlink(this.#directory, entry);
      this.#unsettled = this.#unsettled.slice(1);
    }
  }

  /** Completes what a predecessor began in an upper; moves anywhere else are none of this union's. */
  replay(upper: Ino): void {
    for (const { name, text } of entriesIn(this.#fs, this.#directory)) {
      const ours = (directory: Ino): boolean =>
        directory === this.#directory || isBelow(this.#fs, directory, upper);
      this.#leave(name, parse(text)?.filter(({ from, to }) => ours(from) && ours(to)) ?? []);
    }
  }

  #performIfPossible(move: Move): void {
    try {
      this.perform(move);
    } catch (error) {
      if (!(error instanceof FsError) || !impossible.includes(error.code)) throw error;
    }
  }
}

/** Answers to a move that has nothing left to do, or never could. */
const impossible: readonly Errno[] = [
  'ESTALE',
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'ENOTEMPTY',
  'EEXIST',
  'EINVAL',
  'ENAMETOOLONG',
];

function isBelow(fs: FileSystem, directory: Ino, above: Ino): boolean {
  try {
    return liesIn(fs, directory, above);
  } catch (error) {
    if (error instanceof FsError && impossible.includes(error.code)) return false;
    throw error;
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
