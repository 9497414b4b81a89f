import type { ByteString } from '../../core/index.js';
import { FsError } from '../errno.js';
import type { Ino, WhiteoutEntries } from '../file-system.js';
import { checkName } from '../names.js';
import type { MemoryDirectory } from './inode.js';

/** Ways to a directory of a file system in memory: to look at it, and to change it. */
export interface DirectoryAccess {
  readonly look: (ino: Ino) => MemoryDirectory;
  readonly change: (ino: Ino) => MemoryDirectory;
}

/** Whiteouts that are entries of their own, and the opaque flag, on directories in memory. */
export class MemoryWhiteouts implements WhiteoutEntries {
  readonly #access: DirectoryAccess;

  constructor(access: DirectoryAccess) {
    this.#access = access;
  }

  list(directory: Ino): readonly ByteString[] {
    return [...(this.#access.look(directory).whiteouts ?? [])];
  }

  has(directory: Ino, name: ByteString): boolean {
    return this.#access.look(directory).whiteouts?.has(name) === true;
  }

  add(directory: Ino, name: ByteString): void {
    checkName(name, 'whiteout');
    const inode = this.#access.change(directory);
    if (inode.entries.has(name)) throw new FsError('EEXIST', 'whiteout', name);
    inode.whiteouts ??= new Set();
    inode.whiteouts.add(name);
  }

  remove(directory: Ino, name: ByteString): void {
    if (this.#access.change(directory).whiteouts?.delete(name) !== true)
      throw new FsError('ENOENT', 'whiteout', name);
  }

  isOpaque(directory: Ino): boolean {
    return this.#access.look(directory).opaque;
  }

  setOpaque(directory: Ino, opaque: boolean): void {
    this.#access.change(directory).opaque = opaque;
  }
}
