/**
 * The whiteouts that a union makes: in the form that the upper can hold, as names of one shared object, so that removing
 * a file costs one entry, also on a full flash (union-semantics 37, 46, 216).
 */
import type { ByteString } from '../core/index.js';
import { FsError, removeEntry } from '../vfs/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';
import { isUnsupported } from './abilities.js';
import type { Lack } from './abilities.js';
import { markReading } from './mark-reading.js';
import { aufsPrefix, isWhiteout } from './marks.js';
import type { WrittenForm } from './policy.js';
import { makeWhiteoutObject } from './whiteout-object.js';
import { workNames } from './work-layout.js';

/** Where whiteouts are prepared, and what is known of the upper. */
export interface WhiteoutWorkshop {
  readonly fs: FileSystem;
  readonly ino: Ino;
  readonly lacks: Set<Lack>;
  tempName(): ByteString;
  discard(name: ByteString): void;
  removing<T>(call: () => T): T;
}

/** Makes the whiteouts of one union. */
export class Whiteouts {
  readonly form: WrittenForm;
  readonly #work: WhiteoutWorkshop;
  readonly #prefix: string;
  #shared: Ino | undefined;

  /** Tries the wanted form and, for `overlay`, what can replace it; an idle upper is not tried. */
  constructor(work: WhiteoutWorkshop, wanted: WrittenForm, prefix: string, idle: boolean) {
    this.#work = work;
    this.#prefix = prefix;
    this.form = idle ? wanted : this.#chooseForm(wanted);
  }

  /** Makes a whiteout under a new temporary name. */
  prepare(): ByteString {
    const temp = this.#work.tempName();
    this.#work.removing(() => this.#makeAt(this.#work.ino, temp));
    return temp;
  }

  /** Hides a name of which the upper has nothing, by one new entry. */
  place(directory: Ino, name: ByteString): void {
    this.#work.removing(() => {
      if (this.form === 'aufs') {
        this.record(directory, name);
      } else {
        this.expectIn(directory);
        this.#makeAt(directory, name);
      }
    });
  }

  /** Form overlay-x: whiteouts count only in a directory that says so, which it does before the first arrives. */
  expectIn(directory: Ino): void {
    const { fs, ino } = this.#work;
    if (this.form !== 'overlay-x' || directory === ino) return;
    const mark = `${this.#prefix}opaque` as ByteString;
    if (!fs.listxattr(directory).includes(mark)) fs.setxattr(directory, mark, Uint8Array.of(0x78));
  }

  /** Form aufs: records that a name is gone; an object of that name wins as long as it is there (47). */
  record(directory: Ino, name: ByteString): void {
    const { fs } = this.#work;
    const record = (aufsPrefix + name) as ByteString;
    if (fs.lookup(directory, record) !== undefined) return;
    this.#shared ??= this.#findShared() ?? this.#makeShared();
    if (this.#shared !== undefined && this.tryLink(this.#shared, directory, record)) return;
    this.#make('aufs', directory, record);
  }

  /** Form aufs: drops the record of a name that an object has again. Where that fails the record hides nothing. */
  dropRecord(directory: Ino, name: ByteString): void {
    if (this.form !== 'aufs') return;
    try {
      this.#removeRecord(directory, name);
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
    }
  }

  #removeRecord(directory: Ino, name: ByteString): void {
    const record = (aufsPrefix + name) as ByteString;
    const { fs } = this.#work;
    if (fs.lookup(directory, record) !== undefined) fs.unlink(directory, record);
  }

  /** Gives an object one more name; false where the upper makes no such link. */
  tryLink(ino: Ino, directory: Ino, name: ByteString): boolean {
    const { fs, lacks } = this.#work;
    if (lacks.has('links')) return false;
    try {
      fs.link(ino, directory, name);
      return true;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
      if (error.code === 'EMLINK') return false;
      if (!isUnsupported(error) && error.code !== 'EPERM') throw error;
      lacks.add('links');
      return false;
    }
  }

  #makeAt(directory: Ino, name: ByteString): void {
    this.#shared ??= this.#findShared();
    if (this.#shared === undefined && !this.#work.lacks.has('links')) this.#shared = this.#makeShared();
    if (this.#shared !== undefined && this.tryLink(this.#shared, directory, name)) return;
    this.#make(this.form, directory, name);
  }

  #findShared(): Ino | undefined {
    return this.#work.fs.lookup(this.#work.ino, workNames.whiteout);
  }

  #makeShared(): Ino | undefined {
    try {
      return this.#make(this.form, this.#work.ino, workNames.whiteout);
    } catch (error) {
      if (error instanceof FsError && error.code === 'ENOSPC') return undefined;
      throw error;
    }
  }

  #make(form: WrittenForm, directory: Ino, name: ByteString): Ino {
    const { fs, ino: workIno } = this.#work;
    const how = { form, prefix: this.#prefix };
    const atOnce = form === 'overlay' || form === 'aufs' || directory === workIno;
    if (atOnce) return makeWhiteoutObject(fs, how, directory, name);
    const temp = this.#work.tempName();
    const ino = makeWhiteoutObject(fs, how, workIno, temp);
    try {
      fs.rename(workIno, temp, directory, name);
    } catch (error) {
      this.#work.discard(temp);
      throw error;
    }
    return ino;
  }

  /** What works leaves the shared whiteout behind. */
  #chooseForm(wanted: WrittenForm): WrittenForm {
    const { fs, ino, lacks } = this.#work;
    const forms = this.#candidates(wanted);
    const [first = wanted] = forms;
    this.#shared = this.#findShared();
    if (this.#shared !== undefined && this.#suits(first, this.#shared)) return first;
    removeEntry(fs, ino, workNames.whiteout);
    this.#shared = undefined;
    for (const form of forms) {
      if (form !== 'overlay' && form !== 'aufs' && lacks.has('attributes')) continue;
      try {
        this.#shared = this.#make(form, ino, workNames.whiteout);
        if (form === 'aufs') this.#tryRecord();
        return form;
      } catch (error) {
        if (!(error instanceof FsError)) throw error;
        if (error.code === 'ENOSPC') return form;
        if (!isUnsupported(error) && error.code !== 'EPERM') throw error;
        if (form === 'overlay') lacks.add('devices');
      }
    }
    throw new FsError('EOPNOTSUPP', 'mount');
  }

  #candidates(wanted: WrittenForm): readonly WrittenForm[] {
    if (wanted !== 'overlay') return [wanted];
    // Without attributes no directory can be marked opaque, but by a file.
    return this.#work.lacks.has('attributes') ? ['aufs'] : ['overlay', 'overlay-x', 'aufs'];
  }

  /** An upper may keep names of the aufs form for itself, as a union that reads them does. */
  #tryRecord(): void {
    const tried = this.#work.tempName();
    this.record(this.#work.ino, tried);
    this.#removeRecord(this.#work.ino, tried);
  }

  /** What a predecessor left may be of another form, or half made. */
  #suits(form: WrittenForm, ino: Ino): boolean {
    const { fs } = this.#work;
    const attributes = fs.getattr(ino);
    if (form === 'aufs') return attributes.type === 'file';
    const layer = { fs, reading: markReading([form], this.#prefix) };
    return isWhiteout({ layer, marksFiles: true }, attributes);
  }
}
