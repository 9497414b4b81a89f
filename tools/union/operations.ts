/** The operations of a union by number and name, each as a generator that a `Scheduler` can stop at every step. */
import type { ByteString } from '../core/index.js';
import { FsError, take } from '../vfs/index.js';
import type {
  AttributeChange,
  Attributes,
  Ino,
  NewInode,
  NewNode,
  RenameFlags,
  Startable,
  XattrMode,
} from '../vfs/index.js';
import { attributesOf, removeAttribute, setAttribute, setAttributes } from './attributes.js';
import { contentOf, copyForReading, copyForWriting, fallocate, write } from './content.js';
import type { FallocateMode } from './content.js';
import { copyUp, needContent } from './copy-up.js';
import { create, link, tmpfile } from './create.js';
import { listingLocked } from './merge-listing.js';
import type { Listing } from './listing.js';
import { lookup } from './lookup.js';
import { changing } from './names.js';
import { rename } from './rename.js';
import { rmdir, unlink } from './remove.js';
import { directoryOf, nodeOf } from './state.js';
import type { UnionState } from './state.js';
import { upperStep } from './steps.js';

/** All operations of one union; arguments and errnos are those of `FileSystem`. */
export class UnionOperations {
  readonly #state: UnionState;

  constructor(state: UnionState) {
    this.#state = state;
  }

  lookup(directory: Ino, name: ByteString): Startable<Ino | undefined> {
    const state = this.#state;
    return function* (task) {
      return (yield* lookup(state, task, directoryOf(state, directory, 'lookup'), name))?.node.id;
    };
  }

  /** Builds or finds the merged listing of a directory. */
  listing(directory: Ino): Startable<Listing> {
    const state = this.#state;
    return function* (task) {
      const node = directoryOf(state, directory, 'readdir');
      if (node.listing) return node.listing;
      if (!node.directoryLock.tryTake(task)) yield* take(task, node.directoryLock);
      try {
        return yield* listingLocked(state, task, node);
      } finally {
        node.directoryLock.release(task);
      }
    };
  }

  getattr(ino: Ino): Startable<Attributes> {
    const state = this.#state;
    return function* () {
      yield upperStep;
      return attributesOf(state, nodeOf(state, ino, 'getattr'));
    };
  }

  setattr(ino: Ino, change: AttributeChange): Startable<Attributes> {
    return (task) => setAttributes(this.#state, task, nodeOf(this.#state, ino, 'setattr'), change);
  }

  mknod(directory: Ino, name: ByteString, node: NewNode): Startable<Ino> {
    const state = this.#state;
    const { rdev } = node;
    const whiteout = node.type === 'char' && (rdev?.major ?? 0) === 0 && (rdev?.minor ?? 0) === 0;
    return function* (task) {
      const parent = directoryOf(state, directory, 'mknod');
      if (whiteout) {
        // Whiteouts are not for users (38).
        const present = yield* lookup(state, task, parent, name);
        throw new FsError(present ? 'EEXIST' : 'EPERM', 'mknod', name);
      }
      return yield* create(state, task, parent, name, node.type, (fs, ino, as) => fs.mknod(ino, as, node));
    };
  }

  mkdir(directory: Ino, name: ByteString, inode: NewInode): Startable<Ino> {
    return (task) => {
      const parent = directoryOf(this.#state, directory, 'mkdir');
      return create(this.#state, task, parent, name, 'directory', (fs, ino, as) => fs.mkdir(ino, as, inode));
    };
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, inode: NewInode): Startable<Ino> {
    return (task) => {
      const parent = directoryOf(this.#state, directory, 'symlink');
      return create(this.#state, task, parent, name, 'symlink', (fs, ino, as) =>
        fs.symlink(ino, as, target, inode),
      );
    };
  }

  link(ino: Ino, directory: Ino, name: ByteString): Startable<void> {
    return (task) =>
      link(
        this.#state,
        task,
        nodeOf(this.#state, ino, 'link'),
        directoryOf(this.#state, directory, 'link'),
        name,
      );
  }

  unlink(directory: Ino, name: ByteString): Startable<void> {
    return (task) => unlink(this.#state, task, directoryOf(this.#state, directory, 'unlink'), name);
  }

  rmdir(directory: Ino, name: ByteString): Startable<void> {
    return (task) => rmdir(this.#state, task, directoryOf(this.#state, directory, 'rmdir'), name);
  }

  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    flags: RenameFlags = {},
  ): Startable<void> {
    return (task) => {
      const from = directoryOf(this.#state, directory, 'rename');
      const to = directoryOf(this.#state, newDirectory, 'rename');
      return rename(this.#state, task, { from, name, to, newName }, flags);
    };
  }

  tmpfile(directory: Ino, inode: NewInode): Startable<Ino> {
    return (task) => tmpfile(this.#state, task, directoryOf(this.#state, directory, 'tmpfile'), inode);
  }

  read(ino: Ino, offset: number, length: number): Startable<Uint8Array> {
    const state = this.#state;
    return function* () {
      yield upperStep;
      const content = contentOf(state, nodeOf(state, ino, 'read'), 'read');
      return content.fs.read(content.ino, offset, length);
    };
  }

  /** `offset` may be `end`: wherever that is when the write is done (O_APPEND). */
  write(ino: Ino, offset: number | 'end', data: Uint8Array): Startable<number> {
    return (task) => write(this.#state, task, nodeOf(this.#state, ino, 'write'), offset, data);
  }

  fallocate(ino: Ino, offset: number, length: number, mode: FallocateMode): Startable<void> {
    return (task) =>
      fallocate(this.#state, task, nodeOf(this.#state, ino, 'fallocate'), { offset, length, mode });
  }

  setxattr(ino: Ino, name: ByteString, value: Uint8Array, mode: XattrMode): Startable<void> {
    return (task) => setAttribute(this.#state, task, nodeOf(this.#state, ino, 'setxattr'), name, value, mode);
  }

  removexattr(ino: Ino, name: ByteString): Startable<void> {
    return (task) => removeAttribute(this.#state, task, nodeOf(this.#state, ino, 'removexattr'), name);
  }

  copyForReading(ino: Ino): Startable<void> {
    return (task) => copyForReading(this.#state, task, nodeOf(this.#state, ino, 'read'));
  }

  copyForWriting(ino: Ino): Startable<void> {
    return (task) => copyForWriting(this.#state, task, nodeOf(this.#state, ino, 'open'));
  }

  /** Copies an object up with its content, as a first write does. */
  copyUp(ino: Ino): Startable<void> {
    const state = this.#state;
    return (task) =>
      changing(state, task, { alone: false, directories: [] }, () =>
        copyUp(state, task, nodeOf(state, ino, 'copy-up'), needContent),
      );
  }

  /** Switches between read-only and writable, once copies under way have ended. */
  remount(readOnly: boolean): Startable<void> {
    const state = this.#state;
    return (task) =>
      changing(state, task, { alone: true, directories: [], unsettled: true }, function* () {
        yield upperStep;
        const { upper } = state;
        if (!readOnly && (!upper || upper.fs.readOnly || upper.work.idle || state.foreign))
          throw new FsError('EROFS', 'remount');
        if (readOnly && upper) state.writeBack.flushAll(upper.fs);
        state.readOnly = readOnly;
      });
  }
}
