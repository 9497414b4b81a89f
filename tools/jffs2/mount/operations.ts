/**
 * The operations of a mounted JFFS2 by number and name, each as a generator that a `Scheduler` can stop at every lock and every
 * access to the flash: arguments, errnos, and the locks of the objects. What is written is decided in mount/names.ts,
 * mount/file.ts and mount/xattr.ts.
 */
import type { ByteString } from '../../core/index.js';
import { FsError, holding, take, typeBits, typeOfMode } from '../../vfs/index.js';
import type {
  AttributeChange,
  Attributes,
  DirectoryEntry,
  Ino,
  NewInode,
  NewNode,
  Operation,
  RenameFlags,
  Startable,
  Task,
  XattrMode,
} from '../../vfs/index.js';
import { collectOnce } from './collect.js';
import { attributesOf, changeAttributes, MAX_FILE_SIZE, readContent, writeContent } from './file.js';
import type { LiveInode } from './inode.js';
import {
  asDirectory,
  asFile,
  changedAttributes,
  entriesOf,
  lookupIn,
  shownAttributes,
} from './inode-view.js';
import { loadInode } from './load.js';
import {
  checkVacant,
  createObject,
  destroy,
  existingName,
  linkObject,
  recordOf,
  unlinkObject,
} from './names.js';
import type { NewObject } from './names.js';
import { rename } from './rename.js';
import type { Volume } from './volume.js';
import { JFFS2_NAME_MAX } from '../node/layout.js';
import { decodeAcl, encodeAcl, isAcl, joinXattrName, splitXattrName } from '../node/xattr.js';

/** All operations of one mount; arguments and errnos are those of `FileSystem`. */
export class Jffs2Operations {
  readonly #volume: Volume;

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  /** One pass of the collector, whether it is awake or not; FsError EIO when there is nothing to do. */
  collectNow(): Startable<void> {
    const volume = this.#volume;
    return function* (task) {
      checkWritable(volume, 'jffs2');
      yield* collectOnce(volume, task);
    };
  }

  /** The collector's thread: passes as long as it is awake; gives how many it made. */
  collect(passes = Infinity): Startable<number> {
    const volume = this.#volume;
    return function* (task) {
      for (let made = 0; made < passes; made += 1) {
        if (volume.space.readOnly || !volume.space.collectorAwake) return made;
        try {
          yield* collectOnce(volume, task);
        } catch (error) {
          if (error instanceof FsError) return made;
          throw error;
        }
      }
      return passes;
    };
  }

  lookup(directory: Ino, name: ByteString): Startable<Ino | undefined> {
    return (task) => this.#look(task, directory, (live) => lookupIn(live, name));
  }

  parent(directory: Ino): Startable<Ino> {
    return (task) => this.#look(task, directory, (live) => asDirectory(live, 'parent').parent);
  }

  getattr(ino: Ino): Startable<Attributes> {
    return (task) => this.#look(task, ino, shownAttributes);
  }

  setattr(ino: Ino, change: AttributeChange): Startable<Attributes> {
    const volume = this.#volume;
    return (task) =>
      this.#change(task, ino, 'setattr', function* (live) {
        const { size } = change;
        if (size !== undefined) checkSize(live, size);
        const attributes = changedAttributes(attributesOf(live), change, volume.now());
        yield* changeAttributes(volume, task, live, attributes, size);
        return shownAttributes(live);
      });
  }

  readlink(ino: Ino): Startable<ByteString> {
    return (task) =>
      this.#look(task, ino, (live) => {
        if (typeOfMode(live.mode) !== 'symlink') throw new FsError('EINVAL', 'readlink');
        return live.target;
      });
  }

  readdir(directory: Ino, cookie = 0, limit = Infinity): Startable<readonly DirectoryEntry[]> {
    return (task) => this.#look(task, directory, (live) => entriesOf(live, cookie, limit));
  }

  mknod(directory: Ino, name: ByteString, node: NewNode): Startable<Ino> {
    const { mode, uid, gid, type } = node;
    const rdev = type === 'char' || type === 'block' ? node.rdev : undefined;
    const object = { mode, uid, gid, typeMode: typeBits[type], ...(rdev ? { rdev } : {}) };
    return this.#create(directory, name, object, 'mknod');
  }

  mkdir(directory: Ino, name: ByteString, inode: NewInode): Startable<Ino> {
    return this.#create(directory, name, { ...inode, typeMode: typeBits.directory }, 'mkdir');
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, inode: NewInode): Startable<Ino> {
    const object = { ...inode, mode: 0o777, typeMode: typeBits.symlink, target };
    const create = this.#create(directory, name, object, 'symlink');
    return function* (task) {
      if (target.length > JFFS2_NAME_MAX) throw new FsError('ENAMETOOLONG', 'symlink');
      if (target.length === 0) throw new FsError('ENOENT', 'symlink');
      return yield* create(task);
    };
  }

  #create(directory: Ino, name: ByteString, object: NewObject, syscall: string): Startable<Ino> {
    const volume = this.#volume;
    return (task) =>
      this.#change(task, directory, syscall, function* (live) {
        checkVacant(asDirectory(live, syscall), name, syscall);
        return (yield* createObject(volume, task, live, name, object)).record.ino;
      });
  }

  link(ino: Ino, directory: Ino, name: ByteString): Startable<void> {
    const volume = this.#volume;
    return (task) =>
      this.#change(task, directory, 'link', (parent) => {
        checkVacant(asDirectory(parent, 'link'), name, 'link');
        return this.#change(task, ino, 'link', (live) => {
          if (typeOfMode(live.mode) === 'directory') throw new FsError('EPERM', 'link');
          if (live.nlink === 0) throw new FsError('ENOENT', 'link');
          return linkObject(volume, task, live, parent, name);
        });
      });
  }

  unlink(directory: Ino, name: ByteString): Startable<void> {
    return this.#remove(directory, name, 'unlink', (live) => {
      if (typeOfMode(live.mode) === 'directory') throw new FsError('EISDIR', 'unlink');
    });
  }

  rmdir(directory: Ino, name: ByteString): Startable<void> {
    return this.#remove(directory, name, 'rmdir', (live) => {
      if (!asDirectory(live, 'rmdir').names.isEmpty) throw new FsError('ENOTEMPTY', 'rmdir');
    });
  }

  #remove(
    directory: Ino,
    name: ByteString,
    syscall: string,
    check: (live: LiveInode) => void,
  ): Startable<void> {
    const volume = this.#volume;
    return (task) =>
      this.#change(task, directory, syscall, (parent) => {
        const { ino } = existingName(asDirectory(parent, syscall), name, syscall);
        return this.#change(task, ino, syscall, (live) => {
          check(live);
          return unlinkObject(volume, task, parent, name, live);
        });
      });
  }

  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    flags: RenameFlags = {},
  ): Startable<void> {
    const volume = this.#volume;
    const load = (task: Task, ino: Ino): Operation<LiveInode> => this.#load(task, ino);
    return function* (task) {
      checkWritable(volume, 'rename');
      const from = asDirectory(yield* load(task, directory), 'rename');
      const to = asDirectory(yield* load(task, newDirectory), 'rename');
      if (flags.exchange && (flags.noreplace || flags.whiteout)) throw new FsError('EINVAL', 'rename');
      yield* rename(volume, task, { from, name, to, newName, flags });
    };
  }

  open(ino: Ino, intent: 'read' | 'write'): Startable<void> {
    return (task) =>
      this.#look(task, ino, (live) => {
        if (intent === 'write') checkWritable(this.#volume, 'open');
        live.holds += 1;
      });
  }

  release(ino: Ino): Startable<void> {
    const volume = this.#volume;
    return (task) =>
      this.#using(task, ino, false, function* (live) {
        if (live.holds > 0) live.holds -= 1;
        if (live.holds === 0 && live.nlink === 0) yield* destroy(volume, task, live);
      });
  }

  read(ino: Ino, offset: number, length: number): Startable<Uint8Array> {
    const volume = this.#volume;
    return (task) =>
      this.#using(task, ino, true, (live) => {
        const { size } = asFile(live, 'read');
        const available = Math.max(0, Math.min(length, size - offset));
        return readContent(volume, task, live, offset, available);
      });
  }

  write(ino: Ino, offset: number, data: Uint8Array): Startable<number> {
    const volume = this.#volume;
    return (task) =>
      this.#change(task, ino, 'write', (live) => {
        if (offset + data.length > MAX_FILE_SIZE) throw new FsError('EFBIG', 'write');
        return writeContent(volume, task, asFile(live, 'write'), offset, data);
      });
  }

  /** Holes are not told apart, as in the kernel: all is data, the hole is at the end. */
  seek(ino: Ino, offset: number, whence: 'data' | 'hole'): Startable<number> {
    return (task) =>
      this.#look(task, ino, (live) => {
        const { size } = asFile(live, 'seek');
        if (offset >= size || offset < 0) throw new FsError('ENXIO', 'seek');
        return whence === 'data' ? offset : size;
      });
  }

  getxattr(ino: Ino, name: ByteString): Startable<Uint8Array> {
    const { xattrs, rules } = this.#volume;
    return (task) =>
      this.#using(task, ino, true, function* ({ record }) {
        const { xprefix, rest } = splitName(name, 'getxattr');
        const value = yield* xattrs.get(task, record, xprefix, rest);
        if (!value) throw new FsError('ENODATA', 'getxattr');
        const shown = isAcl(xprefix) ? decodeAcl(value, rules.endian) : value;
        if (!shown) throw new FsError('EIO', 'getxattr');
        return shown;
      });
  }

  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode: XattrMode = 'any'): Startable<void> {
    const { xattrs, rules, writer } = this.#volume;
    return (task) =>
      this.#change(task, ino, 'setxattr', ({ record }) => {
        const { xprefix, rest } = splitName(name, 'setxattr');
        const stored = isAcl(xprefix) ? encodeAcl(value, rules.endian) : value;
        if (!stored) throw new FsError('EINVAL', 'setxattr');
        return xattrs.set(writer, task, record, { xprefix, name: rest, value: stored }, mode);
      });
  }

  listxattr(ino: Ino): Startable<readonly ByteString[]> {
    const { xattrs } = this.#volume;
    return (task) =>
      this.#using(task, ino, true, function* ({ record }) {
        const all = yield* xattrs.list(task, record);
        return all.flatMap(({ xprefix, name }) => joinXattrName(xprefix, name) ?? []);
      });
  }

  /** The attributes of all inodes; the value of an ACL is as it lies on flash. */
  xattrsInUse(): Startable<readonly { name: ByteString; value: Uint8Array }[]> {
    const { xattrs } = this.#volume;
    return function* (task) {
      const all = yield* xattrs.inUse(task);
      return all.flatMap(({ xprefix, name, value }) => {
        const joined = joinXattrName(xprefix, name);
        return joined === undefined ? [] : { name: joined, value };
      });
    };
  }

  removexattr(ino: Ino, name: ByteString): Startable<void> {
    const { xattrs, writer } = this.#volume;
    return (task) =>
      this.#change(task, ino, 'removexattr', ({ record }) => {
        const { xprefix, rest } = splitName(name, 'removexattr');
        return xattrs.remove(writer, task, record, xprefix, rest);
      });
  }

  *#load(task: Task, ino: Ino): Operation<LiveInode> {
    checkMounted(this.#volume);
    return yield* loadInode(this.#volume, task, recordOf(this.#volume, ino));
  }

  /** Brings an object into memory and runs `body` with its lock held. */
  *#using<T>(task: Task, ino: Ino, shared: boolean, body: (live: LiveInode) => Operation<T>): Operation<T> {
    const volume = this.#volume;
    const live = yield* this.#load(task, ino);
    return yield* holding(task, live.lock, { shared, interruptible: true }, () => {
      // It may have gone while this task waited.
      recordOf(volume, ino);
      return body(live);
    });
  }

  /** Runs `body` with the lock of an object held for it alone. */
  *#change<T>(task: Task, ino: Ino, syscall: string, body: (live: LiveInode) => Operation<T>): Operation<T> {
    checkWritable(this.#volume, syscall);
    return yield* this.#using(task, ino, false, body);
  }

  /** Looks at an object at one stroke. */
  *#look<T>(task: Task, ino: Ino, body: (live: LiveInode) => T): Operation<T> {
    const { lock } = yield* this.#load(task, ino);
    if (!lock.tryTake(task, true)) yield* take(task, lock, true);
    try {
      const { live } = recordOf(this.#volume, ino);
      if (!live) throw new FsError('ESTALE', 'jffs2');
      return body(live);
    } finally {
      lock.release(task);
    }
  }
}

/** Refuses everything after the end of the mount. */
export function checkMounted(volume: Volume): void {
  if (volume.ended) throw new FsError('EIO', 'jffs2');
}

function checkWritable(volume: Volume, syscall: string): void {
  checkMounted(volume);
  if (volume.space.readOnly) throw new FsError('EROFS', syscall);
}

function checkSize(live: LiveInode, size: number): void {
  asFile(live, 'setattr');
  if (size > MAX_FILE_SIZE) throw new FsError('EFBIG', 'setattr');
  if (!Number.isSafeInteger(size) || size < 0) throw new FsError('EINVAL', 'setattr');
}

function splitName(
  name: ByteString,
  syscall: string,
): { readonly xprefix: number; readonly rest: ByteString } {
  const split = splitXattrName(name);
  if (!split) throw new FsError('EOPNOTSUPP', syscall);
  return split;
}
