/**
 * The work directory: where every change to the upper is prepared before one rename shows it, and what puts it there
 * (union-semantics 7, 41, 46, 202 to 216).
 *
 * Layout as Linux keeps it: `work/` for what is being prepared, `index/` for hard links. An upper that cannot exchange
 * two names (JFFS2) gets a journal instead: a symlink in `work/`, made by one call, whose text is a list of moves.
 * What a journal names is completed at the next mount.
 */
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { Errno, FileSystem, Ino, Operation } from '../vfs/index.js';
import type { Part } from './layers.js';
import { encodeOrigin, indexName } from './origin.js';
import { Journal } from './journal.js';
import type { Move } from './journal.js';
import { aufsPrefix, keepsAttributes } from './marks.js';
import type { UnionPolicy, WrittenForm } from './policy.js';
import { upperStep, workStep } from './steps.js';
import { makeWhiteoutObject } from './whiteout-object.js';
import { workNames } from './work-layout.js';
import type { WriteBackErrors } from './write-back.js';

const sharedWhiteout = '#whiteout' as ByteString;
/** Closed to others; a plain user who mounts must still get at what he made. */
const ownerOnly = { mode: 0o700, uid: 0, gid: 0 } as const;

/** What an upper lacked when it was tried. */
export type Lack = 'exchange' | 'whiteout rename' | 'devices' | 'attributes' | 'links';

/** Tells whether a layer answered that it cannot do something at all. */
export function isUnsupported(error: unknown): boolean {
  const codes: readonly Errno[] = ['EINVAL', 'EOPNOTSUPP', 'ENOSYS'];
  return error instanceof FsError && codes.includes(error.code);
}

/** What a work directory needs besides its place. */
export interface WorkOptions {
  readonly policy: UnionPolicy;
  readonly writeBack: WriteBackErrors;
  /** Nothing is ever touched: the upper is only read. */
  readonly idle: boolean;
}

/** The work directory of one writable union. */
export class WorkDirectory {
  readonly fs: FileSystem;
  /** The upper is only read, and stays so. */
  readonly idle: boolean;
  /** Directory in which objects are prepared. */
  readonly ino: Ino;
  readonly index: Ino | undefined;
  readonly form: WrittenForm;
  readonly lacks = new Set<Lack>();
  readonly #prefix: string;
  readonly #volatile: boolean;
  readonly #journal: Journal;
  #counter = 0;
  #whiteout: Ino | undefined;

  /** Completes and removes what a predecessor left, unless it is idle. */
  constructor(fs: FileSystem, root: Ino, upper: Ino, { policy, writeBack, idle }: WorkOptions) {
    this.fs = fs;
    this.idle = idle;
    this.#prefix = policy.prefix;
    this.#volatile = policy.volatile;
    const flush = (ino?: Ino): void => {
      if (ino !== undefined) this.flush(ino);
      else if (!this.#volatile) writeBack.flushUnheard(fs);
    };
    if (idle) {
      this.ino = root;
      this.#journal = new Journal(fs, root, flush);
      this.form = policy.writes;
      this.index = policy.index ? fs.lookup(root, workNames.index) : undefined;
      return;
    }
    this.ino = ensureDirectory(fs, root, workNames.work);
    this.#journal = new Journal(fs, this.ino, flush);
    this.#journal.replay();
    this.#clean(upper);
    if (!keepsAttributes(fs, root, policy.prefix)) this.lacks.add('attributes');
    this.form = this.#chooseForm(policy.writes);
    const indexed = policy.index && !this.lacks.has('attributes');
    this.index = indexed ? ensureDirectory(fs, root, workNames.index) : undefined;
  }

  /** A name that nothing in the work directory has. */
  tempName(): ByteString {
    return `#${(this.#counter += 1).toString(16)}` as ByteString;
  }

  /** The upper object that the index has under a name. */
  indexed(name: ByteString): Ino | undefined {
    return this.index === undefined ? undefined : this.fs.lookup(this.index, name);
  }

  /** The index entry of a lower object, when it is `ino`. */
  indexEntryOf(part: Pick<Part, 'layer' | 'ino'>, ino: Ino): ByteString | undefined {
    const origin = encodeOrigin(part);
    const name = origin && indexName(origin);
    return name !== undefined && this.indexed(name) === ino ? name : undefined;
  }

  /** Makes data and attributes of an object durable, unless the union is volatile. */
  flush(ino: Ino): void {
    if (!this.#volatile) this.fs.sync(ino);
  }

  /** Removes a prepared object with all beneath it; what cannot be removed is left for the next mount. */
  discard(name: ByteString): void {
    try {
      removeAll(this.fs, this.ino, name);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
    }
  }

  /** Makes a whiteout under a new temporary name. */
  prepareWhiteout(): ByteString {
    const temp = this.tempName();
    this.#whiteoutAt(this.ino, temp);
    return temp;
  }

  /** Hides `name`, of which the upper has nothing: one new entry. */
  *placeWhiteout(directory: Ino, name: ByteString): Operation<void> {
    yield upperStep;
    if (this.form === 'aufs') this.#aufsRecord(directory, name);
    else this.#whiteoutAt(directory, name);
  }

  /** Replaces the upper's object by a whiteout, in one step; what it replaced is removed. */
  *replaceByWhiteout(directory: Ino, name: ByteString): Operation<void> {
    if (this.form === 'aufs') {
      yield upperStep;
      this.#aufsRecord(directory, name);
      yield* this.takeAway(directory, name);
      return;
    }
    yield workStep;
    const temp = this.prepareWhiteout();
    this.#expectWhiteout(directory);
    yield* this.replace(directory, name, temp);
  }

  /** Removes the upper's object, whatever it is and however much lies hidden in it. */
  *takeAway(directory: Ino, name: ByteString): Operation<void> {
    yield upperStep;
    const { fs } = this;
    const ino = fs.lookup(directory, name);
    if (ino === undefined) return;
    if (fs.getattr(ino).type !== 'directory') {
      fs.unlink(directory, name);
    } else if (fs.readdir(ino, 0, 1).length === 0) {
      fs.rmdir(directory, name);
    } else {
      const temp = this.tempName();
      fs.rename(directory, name, this.ino, temp);
      yield workStep;
      this.discard(temp);
    }
  }

  /** Removes a mark that hides nothing; where that fails it may stay. */
  *tidy(directory: Ino, name: ByteString): Operation<void> {
    try {
      yield* this.takeAway(directory, name);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
    }
  }

  /** Puts a prepared object under a name in place of whatever the upper has there, in one step. */
  *replace(directory: Ino, name: ByteString, temp: ByteString): Operation<void> {
    const { fs } = this;
    yield upperStep;
    const old = fs.lookup(directory, name);
    const prepared = fs.lookup(this.ino, temp);
    if (prepared === undefined) throw new FsError('ESTALE', 'rename');
    if (old === prepared) {
      // Renaming one name of an object over another does nothing, so the spare name has to go.
      fs.unlink(this.ino, temp);
      return;
    }
    if (old === undefined || (!isDirectory(fs, old) && !isDirectory(fs, prepared))) {
      fs.rename(this.ino, temp, directory, name);
      this.dropRecord(directory, name);
      return;
    }
    if (this.#tryExchange(this.ino, temp, directory, name)) {
      yield workStep;
      this.discard(temp);
      return;
    }
    const aside = this.tempName();
    yield* this.#moveAll([
      { ino: old, from: directory, name, to: this.ino, newName: aside },
      { ino: prepared, from: this.ino, name: temp, to: directory, newName: name },
    ]);
    this.discard(aside);
  }

  /** Exchanges two names of the upper. */
  *exchange(a: Ino, nameA: ByteString, b: Ino, nameB: ByteString): Operation<void> {
    yield upperStep;
    // One of the two may be a whiteout.
    this.#expectWhiteout(a);
    if (this.fs.atomicRename !== false && this.#tryExchange(a, nameA, b, nameB)) return;
    const first = this.fs.lookup(a, nameA);
    const second = this.fs.lookup(b, nameB);
    if (first === undefined || second === undefined) throw new FsError('ESTALE', 'rename');
    const aside = this.tempName();
    yield* this.#moveAll([
      { ino: first, from: a, name: nameA, to: this.ino, newName: aside },
      { ino: second, from: b, name: nameB, to: a, newName: nameA },
      { ino: first, from: this.ino, name: aside, to: b, newName: nameB },
    ]);
  }

  /**
   * Renames in the upper and leaves a whiteout under the old name. The target is absent, or a non-directory
   * replaced by a non-directory, or an empty directory replaced by a directory.
   */
  *renameLeavingWhiteout(from: Ino, name: ByteString, to: Ino, newName: ByteString): Operation<void> {
    const { fs } = this;
    const whole = fs.atomicRename !== false || fs.getattr(fs.lookup(from, name) ?? from).type !== 'directory';
    if (whole && this.form === 'overlay' && !this.lacks.has('whiteout rename')) {
      yield upperStep;
      try {
        fs.rename(from, name, to, newName, { whiteout: true });
        return;
      } catch (error) {
        if (!isUnsupported(error)) throw error;
        this.lacks.add('whiteout rename');
      }
    }
    yield upperStep;
    const moved = fs.lookup(from, name);
    if (moved === undefined) throw new FsError('ESTALE', 'rename');
    if (this.form === 'aufs') {
      // The record first: while both are there the object wins (47).
      this.#aufsRecord(from, name);
      yield upperStep;
      fs.rename(from, name, to, newName);
      this.dropRecord(to, newName);
      return;
    }
    if (!isDirectory(fs, moved) && !this.lacks.has('links')) {
      const temp = this.tempName();
      if (this.#tryLink(moved, this.ino, temp)) {
        // Two names of one object in between, never none (213).
        yield* this.replace(to, newName, temp);
        yield* this.replaceByWhiteout(from, name);
        return;
      }
    }
    const whiteout = this.prepareWhiteout();
    this.#expectWhiteout(from);
    const whiteoutIno = fs.lookup(this.ino, whiteout);
    const old = fs.lookup(to, newName);
    const moves: Move[] = [{ ino: moved, from, name, to, newName }];
    if (old !== undefined)
      moves.unshift({ ino: old, from: to, name: newName, to: this.ino, newName: this.tempName() });
    if (whiteoutIno !== undefined) {
      moves.push({ ino: whiteoutIno, from: this.ino, name: whiteout, to: from, newName: name });
    }
    yield* this.#moveAll(moves);
    const aside = moves[0];
    if (old !== undefined && aside) this.discard(aside.newName);
  }

  *#moveAll(moves: readonly Move[]): Operation<void> {
    const entry = this.#journal.write(this.tempName(), moves);
    for (const move of moves) {
      yield upperStep;
      this.#journal.perform(move);
    }
    this.#journal.end(entry);
  }

  #tryExchange(a: Ino, nameA: ByteString, b: Ino, nameB: ByteString): boolean {
    if (this.lacks.has('exchange')) return false;
    try {
      this.fs.rename(a, nameA, b, nameB, { exchange: true });
      return true;
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      this.lacks.add('exchange');
      return false;
    }
  }

  #tryLink(ino: Ino, directory: Ino, name: ByteString): boolean {
    try {
      this.fs.link(ino, directory, name);
      return true;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      if (error.code === 'EMLINK') return false;
      if (!isUnsupported(error) && error.code !== 'EPERM') throw error;
      this.lacks.add('links');
      return false;
    }
  }

  /** Whiteouts are names of one shared object, so that removing costs one entry, also on a full flash (46, 216). */
  #whiteoutAt(directory: Ino, name: ByteString): void {
    this.#expectWhiteout(directory);
    this.#whiteout ??= this.fs.lookup(this.ino, sharedWhiteout);
    if (this.#whiteout === undefined && !this.lacks.has('links')) this.#whiteout = this.#makeShared();
    if (this.#whiteout !== undefined && this.#tryLink(this.#whiteout, directory, name)) return;
    this.#makeWhiteout(this.form, directory, name);
  }

  #makeShared(): Ino | undefined {
    try {
      return this.#makeWhiteout(this.form, this.ino, sharedWhiteout);
    } catch (error) {
      if (error instanceof FsError && error.code === 'ENOSPC') return undefined;
      throw error;
    }
  }

  #makeWhiteout(form: WrittenForm, directory: Ino, name: ByteString): Ino {
    const how = { form, prefix: this.#prefix };
    const atOnce = form === 'overlay' || form === 'aufs' || directory === this.ino;
    if (atOnce) return makeWhiteoutObject(this.fs, how, directory, name);
    const temp = this.tempName();
    const ino = makeWhiteoutObject(this.fs, how, this.ino, temp);
    this.fs.rename(this.ino, temp, directory, name);
    return ino;
  }

  /** Form overlay-x: whiteouts count only in a directory that says so, which it does before the first arrives. */
  #expectWhiteout(directory: Ino): void {
    if (this.form !== 'overlay-x' || directory === this.ino) return;
    const mark = `${this.#prefix}opaque` as ByteString;
    if (!this.fs.listxattr(directory).includes(mark)) this.fs.setxattr(directory, mark, Uint8Array.of(0x78));
  }

  #aufsRecord(directory: Ino, name: ByteString): void {
    const record = (aufsPrefix + name) as ByteString;
    if (this.fs.lookup(directory, record) !== undefined) return;
    this.#whiteout ??= this.fs.lookup(this.ino, sharedWhiteout) ?? this.#makeShared();
    if (this.#whiteout !== undefined && this.#tryLink(this.#whiteout, directory, record)) return;
    this.#makeWhiteout('aufs', directory, record);
  }

  /** Form aufs: drops the record of a name that an object has again; the object wins meanwhile. */
  dropRecord(directory: Ino, name: ByteString, form = this.form): void {
    if (form !== 'aufs') return;
    const record = (aufsPrefix + name) as ByteString;
    if (this.fs.lookup(directory, record) !== undefined) this.fs.unlink(directory, record);
  }

  /** Tries the wanted form and, for `overlay`, what can replace it; what works leaves the shared whiteout behind. */
  #chooseForm(wanted: WrittenForm): WrittenForm {
    const forms: readonly WrittenForm[] =
      wanted !== 'overlay'
        ? [wanted]
        : // Without attributes no directory can be marked opaque, but by a file.
          this.lacks.has('attributes')
          ? ['aufs']
          : ['overlay', 'overlay-x', 'aufs'];
    this.#whiteout = this.fs.lookup(this.ino, sharedWhiteout);
    const suits = this.#whiteout !== undefined && this.#suits(forms[0] ?? wanted, this.#whiteout);
    if (suits) return forms[0] ?? wanted;
    if (this.#whiteout !== undefined) this.fs.unlink(this.ino, sharedWhiteout);
    this.#whiteout = undefined;
    for (const form of forms) {
      if (form !== 'overlay' && form !== 'aufs' && this.lacks.has('attributes')) continue;
      try {
        this.#whiteout = this.#makeWhiteout(form, this.ino, sharedWhiteout);
        if (form === 'aufs') this.#tryRecord();
        return form;
      } catch (error) {
        if (!(error instanceof FsError)) throw error;
        if (error.code === 'ENOSPC') return form;
        if (!isUnsupported(error) && error.code !== 'EPERM') throw error;
        if (form === 'overlay') this.lacks.add('devices');
      }
    }
    throw new FsError('EOPNOTSUPP', 'mount');
  }

  /** An upper may keep names of the aufs form for itself, as a union that reads them does. */
  #tryRecord(): void {
    const tried = this.tempName();
    this.#aufsRecord(this.ino, tried);
    this.dropRecord(this.ino, tried, 'aufs');
  }

  #suits(form: WrittenForm, ino: Ino): boolean {
    const { type } = this.fs.getattr(ino);
    return type === (form === 'overlay' ? 'char' : form === 'overlay-v7' ? 'symlink' : 'file');
  }

  /**
   * Removes what a predecessor left, except the shared whiteout, and directories that the upper shows too: a power cut
   * inside a rename of JFFS2 leaves a directory under both names, and emptying one would empty the other.
   */
  #clean(upper: Ino): void {
    const left = this.fs
      .readdir(this.ino)
      .filter(({ name }) => name !== sharedWhiteout && name !== workNames.features);
    const doubled = shownDirectories(
      this.fs,
      upper,
      new Set(left.filter(({ type }) => type === 'directory').map(({ ino }) => ino)),
    );
    for (const { name, ino } of left) {
      if (!doubled.has(ino)) this.discard(name);
      if (this.fs.lookup(this.ino, name) === undefined) continue;
      // What stays must not be taken for a name of ours.
      const number = Number.parseInt(name.slice(1), 16);
      if (Number.isSafeInteger(number)) this.#counter = Math.max(this.#counter, number);
    }
  }
}

/** Those of `wanted` that can be reached from a directory. */
function shownDirectories(fs: FileSystem, from: Ino, wanted: ReadonlySet<Ino>): ReadonlySet<Ino> {
  const shown = new Set<Ino>();
  const pending = wanted.size === 0 ? [] : [from];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (const { ino, type } of fs.readdir(at)) {
      if (type !== 'directory') continue;
      if (wanted.has(ino)) shown.add(ino);
      pending.push(ino);
    }
  }
  return shown;
}

function isDirectory(fs: FileSystem, ino: Ino): boolean {
  return fs.getattr(ino).type === 'directory';
}

/** Finds or makes a directory of the union's own. */
export function ensureDirectory(fs: FileSystem, parent: Ino, name: ByteString): Ino {
  const found = fs.lookup(parent, name);
  if (found === undefined) return fs.mkdir(parent, name, ownerOnly);
  // The kernel's overlay makes them with no rights at all, which stops everybody but root.
  if ((fs.getattr(found).mode & 0o700) !== 0o700) fs.setattr(found, { mode: 0o700 });
  return found;
}

/** Removes an object with all beneath it. */
export function removeAll(fs: FileSystem, directory: Ino, name: ByteString): void {
  const ino = fs.lookup(directory, name);
  if (ino === undefined) return;
  if (!isDirectory(fs, ino)) {
    fs.unlink(directory, name);
    return;
  }
  for (const entry of fs.readdir(ino)) removeAll(fs, ino, entry.name);
  fs.rmdir(directory, name);
}
