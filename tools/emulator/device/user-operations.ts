/**
 * What users do with files on the running system, as operations that a `Scheduler` can stop: a walk to the path, then
 * calls of the root. A walk is one step; it waits while a stopped operation holds a directory on its way.
 */
import { UnionOperations } from '../../union/index.js';
import {
  FsError,
  resolve,
  resolveParent,
  runStraight,
  Task,
  type DirectoryEntry,
  type FileSystem,
  type Ino,
  type Operation,
  type ParentWalk,
  type Startable,
  type Step,
} from '../../vfs/index.js';
import { byteStringFromText, type ByteString } from '../../core/index.js';
import type { RunningSystem } from './system.js';

/** One operation of a user. */
export type UserOperation =
  /** Writes a whole file; folders above it are made. */
  | { readonly kind: 'write'; readonly path: string; readonly data: Uint8Array; readonly mode?: number }
  | { readonly kind: 'append'; readonly path: string; readonly data: Uint8Array }
  | { readonly kind: 'rm'; readonly path: string; readonly recursive: boolean }
  | { readonly kind: 'mv'; readonly from: string; readonly to: string }
  | { readonly kind: 'mkdir'; readonly path: string; readonly parents: boolean; readonly mode?: number }
  | { readonly kind: 'chmod'; readonly path: string; readonly mode: number }
  /** A symbolic link holds the target's text as it is. */
  | { readonly kind: 'ln'; readonly target: string; readonly path: string; readonly symbolic: boolean };

/** The calls that change something, each as an operation. */
type ChangingCalls = Pick<
  UnionOperations,
  'link' | 'mkdir' | 'mknod' | 'rename' | 'rmdir' | 'setattr' | 'symlink' | 'unlink' | 'write'
>;

/** What a program hands to write(2) at once. */
const WRITE_SIZE = 4096;

const walkStep: Step = { kind: 'access', what: 'path', unseen: false };
const callStep: Step = { kind: 'access', what: 'root', unseen: false };

/** Runs an operation straight through, alone. @throws FsError as the root answers */
export function doNow(system: RunningSystem, operation: UserOperation): void {
  runStraight(userOperation(system, operation)(new Task(false)));
}

/** Makes an operation that can meet others. */
export function userOperation(system: RunningSystem, operation: UserOperation): Startable<void> {
  return function* (task) {
    try {
      yield* new UserTask(system, task).perform(operation);
    } catch (error) {
      // What another removed meanwhile: the walk of a kernel would not have found it.
      if (error instanceof FsError && error.code === 'ESTALE') throw new FsError('ENOENT', operation.kind);
      throw error;
    }
  };
}

class UserTask {
  readonly #fs: FileSystem;
  readonly #calls: ChangingCalls;
  readonly #task: Task;

  constructor({ root, overlay }: RunningSystem, task: Task) {
    this.#fs = root;
    this.#calls = overlay?.union === root ? overlay.union.operations : plainCalls(root);
    this.#task = task;
  }

  *perform(operation: UserOperation): Operation<void> {
    switch (operation.kind) {
      case 'write':
        return yield* this.#write(operation.path, operation.data, operation.mode);
      case 'append':
        return yield* this.#append(operation.path, operation.data);
      case 'rm':
        return yield* this.#remove(operation.path, operation.recursive);
      case 'mv': {
        const from = yield* this.#parent(operation.from, 'rename');
        const to = yield* this.#parent(operation.to, 'rename');
        return yield* this.#calls.rename(from.directory, from.name, to.directory, to.name)(this.#task);
      }
      case 'mkdir': {
        const { path, parents, mode = 0o755 } = operation;
        if (parents) return yield* this.#makeFolders(path, mode);
        const { directory, name } = yield* this.#parent(path, 'mkdir');
        yield* this.#calls.mkdir(directory, name, { mode, uid: 0, gid: 0 })(this.#task);
        return;
      }
      case 'chmod': {
        const ino = yield* walking(() => resolve(this.#fs, bytes(operation.path), { syscall: 'chmod' }));
        yield* this.#calls.setattr(ino, { mode: operation.mode })(this.#task);
        return;
      }
      case 'ln':
        return yield* this.#link(operation.target, operation.path, operation.symbolic);
    }
  }

  *#write(path: string, data: Uint8Array, mode: number | undefined): Operation<void> {
    const folder = path.slice(0, path.lastIndexOf('/'));
    if (folder !== '') yield* this.#makeFolders(folder, 0o755);
    const { ino, existed } = yield* this.#openForWriting(path);
    try {
      if (existed) yield* this.#calls.setattr(ino, { size: 0 })(this.#task);
      yield* this.#writeAll(ino, 0, data);
      if (mode !== undefined) yield* this.#calls.setattr(ino, { mode })(this.#task);
    } finally {
      this.#fs.release(ino);
    }
  }

  *#append(path: string, data: Uint8Array): Operation<void> {
    const { ino } = yield* this.#openForWriting(path);
    try {
      yield* this.#writeAll(ino, 'end', data);
    } finally {
      this.#fs.release(ino);
    }
  }

  /** open(2) with O_CREAT: what another makes in between is opened. */
  *#openForWriting(path: string): Operation<{ readonly ino: Ino; readonly existed: boolean }> {
    for (;;) {
      const { directory, name, ino } = yield* walking(() => {
        const walk = resolveParent(this.#fs, bytes(path), { follow: true, syscall: 'open' });
        if (walk.name === '' || walk.trailingSlash) throw new FsError('EISDIR', 'open');
        if (walk.ino !== undefined) this.#open(walk.ino);
        return walk;
      });
      if (ino !== undefined) return { ino, existed: true };
      try {
        const made = yield* this.#calls.mknod(directory, name, newFile)(this.#task);
        this.#open(made);
        return { ino: made, existed: false };
      } catch (error) {
        if (!(error instanceof FsError) || error.code !== 'EEXIST') throw error;
      }
    }
  }

  #open(ino: Ino): void {
    if (this.#fs.getattr(ino).type === 'directory') throw new FsError('EISDIR', 'open');
    this.#fs.open(ino, 'write');
  }

  *#writeAll(ino: Ino, from: 0 | 'end', data: Uint8Array): Operation<void> {
    for (let done = 0; done < data.length;) {
      const piece = data.subarray(done, done + WRITE_SIZE);
      done += yield* this.#calls.write(ino, from === 'end' ? from : done, piece)(this.#task);
    }
  }

  *#remove(path: string, recursive: boolean): Operation<void> {
    const { directory, name, ino } = yield* this.#parent(path, 'unlink');
    if (ino === undefined) throw new FsError('ENOENT', 'unlink');
    if (recursive) return yield* this.#removeEntry({ directory, name, ino });
    if (this.#fs.getattr(ino).type === 'directory')
      return yield* this.#calls.rmdir(directory, name)(this.#task);
    return yield* this.#calls.unlink(directory, name)(this.#task);
  }

  *#removeEntry({ directory, name, ino }: Entry): Operation<void> {
    const entries = yield* walking((): readonly DirectoryEntry[] | undefined =>
      this.#fs.getattr(ino).type === 'directory' ? this.#fs.readdir(ino) : undefined,
    );
    if (!entries) return yield* this.#calls.unlink(directory, name)(this.#task);
    for (const entry of entries)
      yield* this.#removeEntry({ directory: ino, name: entry.name, ino: entry.ino });
    return yield* this.#calls.rmdir(directory, name)(this.#task);
  }

  *#makeFolders(path: string, mode: number): Operation<void> {
    let at = '';
    for (const part of path.split('/').filter((name) => name !== '')) {
      at += `/${part}`;
      const { directory, name, ino } = yield* this.#parent(at, 'mkdir', true);
      if (ino !== undefined) {
        if (this.#fs.getattr(ino).type !== 'directory') throw new FsError('ENOTDIR', 'mkdir');
        continue;
      }
      try {
        yield* this.#calls.mkdir(directory, name, { mode, uid: 0, gid: 0 })(this.#task);
      } catch (error) {
        if (!(error instanceof FsError) || error.code !== 'EEXIST') throw error;
      }
    }
  }

  *#link(target: string, path: string, symbolic: boolean): Operation<void> {
    const { directory, name } = yield* this.#parent(path, 'link');
    if (symbolic) {
      const inode = { mode: 0o777, uid: 0, gid: 0 };
      yield* this.#calls.symlink(directory, name, bytes(target), inode)(this.#task);
      return;
    }
    const ino = yield* walking(() => resolve(this.#fs, bytes(target), { follow: false, syscall: 'link' }));
    yield* this.#calls.link(ino, directory, name)(this.#task);
  }

  *#parent(path: string, syscall: string, follow = false): Operation<ParentWalk> {
    return yield* walking(() => resolveParent(this.#fs, bytes(path), { syscall, follow }));
  }
}

interface Entry {
  readonly directory: Ino;
  readonly name: ByteString;
  readonly ino: Ino;
}

const newFile = { type: 'file', mode: 0o644, uid: 0, gid: 0 } as const;

function bytes(path: string): ByteString {
  return byteStringFromText(path);
}

/** One step that only looks; done again as long as a stopped operation holds what it needs. */
function* walking<T>(walk: () => T): Operation<T> {
  for (;;) {
    yield walkStep;
    try {
      return walk();
    } catch (error) {
      if (!(error instanceof FsError) || error.code !== 'EAGAIN') throw error;
    }
  }
}

/** The calls of a root that is no union; each is one step. */
function plainCalls(fs: FileSystem): ChangingCalls {
  const call = <T>(work: () => T): Startable<T> =>
    function* () {
      yield callStep;
      return work();
    };
  return {
    link: (...args) => call(() => fs.link(...args)),
    mkdir: (...args) => call(() => fs.mkdir(...args)),
    mknod: (...args) => call(() => fs.mknod(...args)),
    rename: (...args) => call(() => fs.rename(...args)),
    rmdir: (...args) => call(() => fs.rmdir(...args)),
    setattr: (...args) => call(() => fs.setattr(...args)),
    symlink: (...args) => call(() => fs.symlink(...args)),
    unlink: (...args) => call(() => fs.unlink(...args)),
    write: (ino, offset, data) =>
      call(() => fs.write(ino, offset === 'end' ? fs.getattr(ino).size : offset, data)),
  };
}
