/**
 * The work directory: where every change to the upper is prepared before one rename shows it (union-semantics 7, 41,
 * 202 to 210). How it is put in place is in placement.ts.
 *
 * Layout as Linux keeps it: `work/` for what is being prepared, `index/` for hard links. An upper that cannot exchange
 * two names gets a journal in `work/`, which the next mount completes.
 */
import type { ByteString } from '../core/index.js';
import { FsError, removeEntry } from '../vfs/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';
import type { Lack } from './abilities.js';
import { Journal } from './journal.js';
import type { Part } from './layers.js';
import { keepsAttributes } from './marks.js';
import { encodeOrigin, indexName } from './origin.js';
import type { UnionPolicy, WrittenForm } from './policy.js';
import { Whiteouts } from './whiteouts.js';
import { directoryNamed, ensureDirectory, workNames } from './work-layout.js';
import type { WriteBackErrors } from './write-back.js';

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
  readonly lacks = new Set<Lack>();
  readonly whiteouts: Whiteouts;
  readonly journal: Journal;
  readonly #volatile: boolean;
  readonly #reserve: boolean;
  /** What could not be removed yet. */
  readonly #leftovers = new Set<ByteString>();
  #counter = 0;

  /** Completes and removes what a predecessor left, unless it is idle. */
  constructor(fs: FileSystem, root: Ino, upper: Ino, { policy, writeBack, idle }: WorkOptions) {
    this.fs = fs;
    this.idle = idle;
    this.#volatile = policy.volatile;
    this.#reserve = policy.reserve;
    const flush = (ino?: Ino): void => {
      if (ino !== undefined) this.flush(ino);
      else if (!this.#volatile) writeBack.flushUnheard(fs);
    };
    this.ino = idle ? root : ensureDirectory(fs, root, workNames.work);
    this.journal = new Journal(fs, this.ino, flush);
    if (!idle) {
      this.journal.replay(upper);
      this.#clean(upper);
      if (!keepsAttributes(fs, root, policy.prefix)) this.lacks.add('attributes');
    }
    this.whiteouts = new Whiteouts(this, policy.writes, policy.prefix, idle);
    if (!policy.index || this.lacks.has('attributes')) this.index = undefined;
    else if (!idle) this.index = ensureDirectory(fs, root, workNames.index);
    else this.index = directoryNamed(fs, root, workNames.index);
  }

  /** The form in which whiteouts are written. */
  get form(): WrittenForm {
    return this.whiteouts.form;
  }

  /** A name that nothing in the work directory has. What could not be removed before makes room first. */
  tempName(): ByteString {
    this.removeLeftovers();
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

  /** Makes calls that hide a name, with the room that the upper keeps back for them (216). */
  removing<T>(call: () => T): T {
    return this.#reserve && this.fs.removing ? this.fs.removing(call) : call();
  }

  /** Makes data and attributes of an object durable, unless the union is volatile. */
  flush(ino: Ino): void {
    if (!this.#volatile) this.fs.sync(ino);
  }

  /** Removes a prepared object with all beneath it; what cannot go now does so later. */
  discard(name: ByteString): void {
    this.#leftovers.add(name);
    this.removeLeftovers();
  }

  /** Removes what could not be removed before, as far as that works now. */
  removeLeftovers(): void {
    // A journal that is not done may still name it.
    if (!this.journal.settled) return;
    for (const name of this.#leftovers) {
      try {
        removeEntry(this.fs, this.ino, name);
        this.#leftovers.delete(name);
      } catch (error) {
        if (!(error instanceof FsError)) throw error;
      }
    }
  }

  /**
   * Removes what a predecessor left, except the shared whiteout, and directories that the upper shows too: a power cut
   * inside a rename of JFFS2 leaves a directory under both names, and emptying one would empty the other.
   */
  #clean(upper: Ino): void {
    const stays: readonly ByteString[] = [workNames.whiteout, workNames.features];
    const left = this.fs.readdir(this.ino).filter(({ name }) => !stays.includes(name));
    const directories = left.filter(({ type }) => type === 'directory').map(({ ino }) => ino);
    const doubled = shownDirectories(this.fs, upper, new Set(directories));
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
