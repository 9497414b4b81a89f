/**
 * Puts prepared objects and whiteouts under names of the upper, each in one step: by rename, by exchange, or on an upper
 * that replaces one name at a time by a journal (union-semantics 105, 113, 117, 119, 211 to 215). A placement that
 * fails leaves the names as they were.
 */
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { FileSystem, Ino, Operation, RenameFlags } from '../vfs/index.js';
import { isUnsupported } from './abilities.js';
import type { Lack } from './abilities.js';
import type { Move } from './journal.js';
import { upperStep, workStep } from './steps.js';
import type { WorkDirectory } from './work-directory.js';

/** Runs what uses an object prepared under a temporary name; where that fails, the object goes. */
export function* withPrepared<T>(
  work: WorkDirectory,
  temp: ByteString,
  body: () => Operation<T>,
): Operation<T> {
  try {
    return yield* body();
  } catch (error) {
    work.discard(temp);
    throw error;
  }
}

/** Hides `name`, of which the upper has nothing: one new entry. */
export function* placeWhiteout(work: WorkDirectory, directory: Ino, name: ByteString): Operation<void> {
  yield upperStep;
  work.whiteouts.place(directory, name);
}

/** Replaces the upper's object by a whiteout, in one step; what it replaced is removed. */
export function* replaceByWhiteout(work: WorkDirectory, directory: Ino, name: ByteString): Operation<void> {
  if (work.form === 'aufs') {
    yield upperStep;
    work.removing(() => work.whiteouts.record(directory, name));
    yield* takeAway(work, directory, name);
    return;
  }
  yield workStep;
  const temp = work.whiteouts.prepare();
  yield* withPrepared(work, temp, function* () {
    work.removing(() => work.whiteouts.expectIn(directory));
    yield* replace(work, directory, name, temp, (call) => work.removing(call));
  });
}

/** Removes the upper's object, whatever it is and however much lies hidden in it. */
export function* takeAway(work: WorkDirectory, directory: Ino, name: ByteString): Operation<void> {
  yield upperStep;
  const { fs } = work;
  const ino = fs.lookup(directory, name);
  if (ino === undefined) return;
  if (fs.getattr(ino).type !== 'directory') {
    fs.unlink(directory, name);
  } else if (fs.readdir(ino, 0, 1).length === 0) {
    fs.rmdir(directory, name);
  } else {
    const temp = work.tempName();
    work.removing(() => fs.rename(directory, name, work.ino, temp));
    yield workStep;
    work.discard(temp);
  }
}

/** Removes a mark that hides nothing; where that fails it may stay. */
export function* tidy(work: WorkDirectory, directory: Ino, name: ByteString): Operation<void> {
  try {
    yield* takeAway(work, directory, name);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
  }
}

/** Puts a prepared object under a name in place of whatever the upper has there, in one step that `how` makes. */
export function* replace(
  work: WorkDirectory,
  directory: Ino,
  name: ByteString,
  temp: ByteString,
  how: (call: () => boolean) => boolean = (call) => call(),
): Operation<void> {
  const { fs } = work;
  yield upperStep;
  const pair = { from: work.ino, name: temp, to: directory, newName: name };
  const old = fs.lookup(directory, name);
  const prepared = fs.lookup(work.ino, temp);
  if (prepared === undefined) throw new FsError('ESTALE', 'rename');
  if (old === prepared) {
    // Renaming one name of an object over another does nothing, so the spare name has to go.
    work.discard(temp);
    return;
  }
  if (old === undefined || (!isDirectory(fs, old) && !isDirectory(fs, prepared))) {
    how(() => {
      rename(work, pair);
      return true;
    });
    return;
  }
  if (how(() => tryExchange(work, pair))) {
    yield workStep;
    work.discard(temp);
    return;
  }
  const aside = work.tempName();
  yield* moveAll(work, [
    { ino: old, from: directory, name, to: work.ino, newName: aside },
    { ino: prepared, from: work.ino, name: temp, to: directory, newName: name },
  ]);
  work.discard(aside);
}

/** Two names of the upper. */
export interface NamePair {
  readonly from: Ino;
  readonly name: ByteString;
  readonly to: Ino;
  readonly newName: ByteString;
}

/** Renames in the upper. Where that is two steps on the medium and the second fails, the first is taken back. */
export function rename(work: WorkDirectory, pair: NamePair, flags: RenameFlags = {}): void {
  const { fs, whiteouts } = work;
  const { from, name, to, newName } = pair;
  const old = fs.atomicRename === false ? fs.lookup(to, newName) : undefined;
  try {
    fs.rename(from, name, to, newName, flags);
  } catch (error) {
    if (error instanceof FsError && fs.atomicRename === false) takeBack(work, pair, old, undefined);
    throw error;
  }
  whiteouts.dropRecord(to, newName);
}

/** Exchanges two names of the upper. */
export function* exchange(work: WorkDirectory, pair: NamePair): Operation<void> {
  const { fs, whiteouts } = work;
  const { from, name, to, newName } = pair;
  yield upperStep;
  // One of the two may be a whiteout.
  whiteouts.expectIn(from);
  if (fs.atomicRename !== false && tryExchange(work, pair)) return;
  const first = fs.lookup(from, name);
  const second = fs.lookup(to, newName);
  if (first === undefined || second === undefined) throw new FsError('ESTALE', 'rename');
  const aside = work.tempName();
  yield* moveAll(work, [
    { ino: first, from, name, to: work.ino, newName: aside },
    { ino: second, from: to, name: newName, to: from, newName: name },
    { ino: first, from: work.ino, name: aside, to, newName },
  ]);
}

/**
 * Renames in the upper and leaves a whiteout under the old name. The target is absent, or a non-directory
 * replaced by a non-directory, or an empty directory replaced by a directory.
 */
export function* renameLeavingWhiteout(work: WorkDirectory, pair: NamePair): Operation<void> {
  const { fs, whiteouts } = work;
  const { from, name } = pair;
  yield upperStep;
  const moved = fs.lookup(from, name);
  if (moved === undefined) throw new FsError('ESTALE', 'rename');
  const directory = isDirectory(fs, moved);
  if ((fs.atomicRename !== false || !directory) && tryWhiteoutRename(work, pair)) return;
  yield upperStep;
  if (work.form === 'aufs') {
    // The record first: while both are there the object wins (47).
    whiteouts.record(from, name);
    yield upperStep;
    rename(work, pair);
    return;
  }
  const whiteout = whiteouts.prepare();
  yield* withPrepared(work, whiteout, function* () {
    whiteouts.expectIn(from);
    const temp = work.tempName();
    if (!directory && whiteouts.tryLink(moved, work.ino, temp)) {
      yield* withPrepared(work, temp, () => moveByLink(work, pair, temp, whiteout));
    } else {
      yield* moveByJournal(work, pair, moved, whiteout);
    }
  });
}

/** Two names of one object in between, never none (213); `temp` is a second name of it. */
function* moveByLink(
  work: WorkDirectory,
  pair: NamePair,
  temp: ByteString,
  whiteout: ByteString,
): Operation<void> {
  const { fs, whiteouts } = work;
  const { from, name, to, newName } = pair;
  const old = fs.lookup(to, newName);
  const aside = work.tempName();
  const kept = old !== undefined && whiteouts.tryLink(old, work.ino, aside);
  try {
    yield* replace(work, to, newName, temp);
    yield upperStep;
    fs.rename(work.ino, whiteout, from, name);
  } catch (error) {
    if (error instanceof FsError) takeBack(work, pair, old, kept ? aside : undefined);
    throw error;
  } finally {
    if (kept) work.discard(aside);
  }
}

/**
 * Gives the new name back to what it had, or to nothing, when the object has both names; where that cannot be done both
 * go on showing it. `aside` is another name of what the new name had.
 */
function takeBack(
  { fs, ino: workIno }: WorkDirectory,
  { from, name, to, newName }: NamePair,
  old: Ino | undefined,
  aside: ByteString | undefined,
): void {
  try {
    const moved = fs.lookup(to, newName);
    if (moved === undefined || fs.lookup(from, name) !== moved) return;
    if (aside !== undefined) fs.rename(workIno, aside, to, newName);
    else if (old === undefined && !isDirectory(fs, moved)) fs.unlink(to, newName);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
  }
}

function* moveByJournal(
  work: WorkDirectory,
  { from, name, to, newName }: NamePair,
  moved: Ino,
  whiteout: ByteString,
): Operation<void> {
  const { fs } = work;
  const old = fs.lookup(to, newName);
  const prepared = fs.lookup(work.ino, whiteout);
  if (prepared === undefined) throw new FsError('ESTALE', 'rename');
  const aside = work.tempName();
  const moves: Move[] = [
    { ino: moved, from, name, to, newName },
    { ino: prepared, from: work.ino, name: whiteout, to: from, newName: name },
  ];
  if (old !== undefined) moves.unshift({ ino: old, from: to, name: newName, to: work.ino, newName: aside });
  yield* moveAll(work, moves);
  if (old !== undefined) work.discard(aside);
}

function* moveAll(work: WorkDirectory, moves: readonly Move[]): Operation<void> {
  const { journal } = work;
  const entry = journal.write(work.tempName(), moves);
  try {
    for (const move of moves) {
      yield upperStep;
      journal.perform(move);
    }
  } catch (error) {
    if (error instanceof FsError) journal.takeBack(entry, moves);
    throw error;
  }
  journal.end(entry);
}

function tryExchange(work: WorkDirectory, pair: NamePair): boolean {
  return tryRename(work, pair, { exchange: true }, 'exchange');
}

function tryWhiteoutRename(work: WorkDirectory, pair: NamePair): boolean {
  return work.form === 'overlay' && tryRename(work, pair, { whiteout: true }, 'whiteout rename');
}

function tryRename(work: WorkDirectory, pair: NamePair, flags: RenameFlags, ability: Lack): boolean {
  if (work.lacks.has(ability)) return false;
  try {
    rename(work, pair, flags);
    return true;
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    work.lacks.add(ability);
    return false;
  }
}

function isDirectory(fs: FileSystem, ino: Ino): boolean {
  return fs.getattr(ino).type === 'directory';
}
